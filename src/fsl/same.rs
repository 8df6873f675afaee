//! When two parts of items say the same: when their canonical texts do.

use super::item::{
    FunctionItem, GrantItem, Listed, MigrationKind, MigrationsItem, PathItem, TermItem, ValueItem,
};
use crate::fql::syntax::ast::{Block, Expr, ExprKind};
use crate::fql::syntax::{format_expr, format_lambda, format_type};
use crate::model::schema::path;

/// A block with its braces.
pub(super) fn block_text(block: &Block) -> String {
    format_expr(&Expr {
        kind: ExprKind::Block(block.clone()),
        span: block.span,
    })
}

/// `.a`
pub(super) fn path_text(item: &PathItem) -> String {
    path::display(&item.parts)
}

/// `mva(.a)`
pub(super) fn term_text(term: &TermItem) -> String {
    let path = path_text(&term.path);
    if term.mva {
        format!("mva({path})")
    } else {
        path
    }
}

/// `desc(mva(.a))`
pub(super) fn value_text(value: &ValueItem) -> String {
    let path = path_text(&value.path);
    let path = if value.mva {
        format!("mva({path})")
    } else {
        path
    };
    if value.descending {
        format!("desc({path})")
    } else {
        path
    }
}

/// `[a, b]`
pub(super) fn list_text<T>(list: &Listed<T>, text: impl Fn(&T) -> String) -> String {
    let items: Vec<String> = list.items.iter().map(text).collect();
    format!("[{}]", items.join(", "))
}

/// The predicate of a grant; empty without one.
pub(super) fn predicate_text(grant: &GrantItem) -> Option<String> {
    let predicate = grant.predicate.as_ref()?;
    Some(format_lambda(&predicate.body))
}

/// `(a: Int, ...b: Int): Int`
pub(super) fn signature_text(function: &FunctionItem) -> String {
    let params = function.params.iter().map(|param| {
        let dots = if param.variadic { "..." } else { "" };
        let ty = param.ty.as_ref();
        let ty = ty.map_or_else(String::new, |ty| format!(": {}", format_type(ty)));
        format!("{dots}{}{ty}", param.name.name)
    });
    let params: Vec<String> = params.collect();
    let result = function.result.as_ref();
    let result = result.map_or_else(String::new, |ty| format!(": {}", format_type(ty)));
    format!("({}){result}", params.join(", "))
}

/// The statements of a block of migrations, one a line.
pub(super) fn migrations_text(migrations: &MigrationsItem) -> String {
    let lines = migrations.items.iter().map(|item| match &item.kind {
        MigrationKind::Add(path) => format!("add {}\n", path_text(path)),
        MigrationKind::Backfill(path, value) => {
            format!("backfill {} = {}\n", path_text(path), format_expr(value))
        }
        MigrationKind::Drop(path) => format!("drop {}\n", path_text(path)),
        MigrationKind::Move(from, to) => {
            format!("move {} -> {}\n", path_text(from), path_text(to))
        }
        MigrationKind::Split(from, targets) => {
            let targets: Vec<String> = targets.iter().map(path_text).collect();
            format!("split {} -> {}\n", path_text(from), targets.join(", "))
        }
        MigrationKind::MoveConflicts(path) => format!("move_conflicts {}\n", path_text(path)),
        MigrationKind::MoveWildcard(path) => format!("move_wildcard {}\n", path_text(path)),
        MigrationKind::AddWildcard => "add_wildcard\n".to_string(),
    });
    lines.collect()
}
