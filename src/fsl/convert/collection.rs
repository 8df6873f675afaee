//! Members of a collection.

use super::literal::{Written, told_expr, told_span, written};
use super::{Converter, Names, Once, is_field};
use crate::fql::syntax::Diagnostic;
use crate::fql::syntax::ast::{Ident, TypeExpr};
use crate::fql::syntax::node::{FieldKind, FieldNode, Node, NodeValue, TypeNode};
use crate::fsl::item::{
    CheckItem, CollectionItem, FieldItem, PathItem, Setting, TermItem, UniqueItem,
};
use crate::model::schema::path;
use std::collections::{BTreeSet, HashMap};

/// Names of fields that mean something else in documents.
const RESERVED: [&str; 11] = [
    "id",
    "coll",
    "ts",
    "data",
    "delete",
    "update",
    "replace",
    "updateData",
    "replaceData",
    "exists",
    "ttl",
];

/// What may be given once only.
struct Seen {
    indexes: Names,
    migrations: Once,
    checks: Names,
    history_days: Once,
    ttl_days: Once,
    document_ttls: Once,
    fields: Names,
    uniques: HashMap<BTreeSet<(String, bool)>, crate::fql::syntax::Span>,
}

impl Converter<'_> {
    pub(super) fn collection(&mut self, members: &[Node]) -> CollectionItem {
        let mut seen = Seen {
            indexes: Names::new("index name"),
            migrations: Once::new("migration block"),
            checks: Names::new("check constraint name"),
            history_days: Once::new("history days"),
            ttl_days: Once::new("ttl days"),
            document_ttls: Once::new("document TTLs"),
            fields: Names::new("field"),
            uniques: HashMap::new(),
        };
        let mut collection = CollectionItem::default();
        for member in members {
            // A member that is wrong is left out.
            let _ = self.member(member, &mut seen, &mut collection);
        }
        collection
    }

    fn member(
        &mut self,
        node: &Node,
        seen: &mut Seen,
        collection: &mut CollectionItem,
    ) -> Option<()> {
        let span = node.span;
        match &*node.keyword.name {
            "index" => {
                self.no_annotations(&node.annotations);
                let name = self.identifier(&node.name, node.keyword.span)?;
                seen.indexes.check(self, &name);
                let value = self.value(&node.value, span)?;
                let (members, block) = self.block(value)?;
                let index = self.index(name, members, block, span);
                collection.indexes.push(index);
            }
            "unique" => {
                self.no_annotations(&node.annotations);
                self.no_name(&node.name);
                let value = self.value(&node.value, span)?;
                let unique = self.unique(value, span)?;
                self.repeated_unique(&unique, seen);
                collection.uniques.push(unique);
            }
            _ if is_field(node) => {
                self.no_annotations(&node.annotations);
                let name = self.field_name(node)?;
                seen.fields.check(self, &name);
                let value = self.value(&node.value, span)?;
                let field = self.field(node, name, value)?;
                collection.fields.push(field);
            }
            "migrations" => {
                self.no_annotations(&node.annotations);
                seen.migrations.check(self, span);
                let value = self.value(&node.value, span)?;
                self.no_name(&node.name);
                collection.migrations = Some(self.migrations(value, span)?);
            }
            "check" => {
                self.no_annotations(&node.annotations);
                let name = self.identifier(&node.name, node.keyword.span)?;
                seen.checks.check(self, &name);
                let value = self.value(&node.value, span)?;
                let check = self.check(node, name, value)?;
                collection.checks.push(check);
            }
            "history_days" => {
                let setting = self.days(node, &mut seen.history_days)?;
                collection.history_days = Some(setting);
            }
            "ttl_days" => {
                let setting = self.days(node, &mut seen.ttl_days)?;
                collection.ttl_days = Some(setting);
            }
            "document_ttls" => {
                self.no_annotations(&node.annotations);
                self.no_name(&node.name);
                seen.document_ttls.check(self, span);
                let value = self.value(&node.value, span)?;
                let (value, value_span) = self.boolean(value)?;
                collection.document_ttls = Some(Setting {
                    value,
                    value_span,
                    span,
                });
            }
            other => {
                let message = format!("Invalid field or member `{other}`");
                self.error(message, node.keyword.span);
            }
        }
        Some(())
    }

    fn days(&mut self, node: &Node, seen: &mut Once) -> Option<Setting<i64>> {
        self.no_annotations(&node.annotations);
        self.no_name(&node.name);
        seen.check(self, node.span);
        let value = self.value(&node.value, node.span)?;
        let (value, value_span) = self.integer(value)?;
        Some(Setting {
            value,
            value_span,
            span: node.span,
        })
    }

    // ------------------------------------------------------------------------------------------ fields

    fn field_name(&mut self, node: &Node) -> Option<Ident> {
        let name = match &node.name {
            Some(name) if &*name.name == "*" => name.clone(),
            name => self.identifier(name, node.span)?,
        };
        if RESERVED.contains(&&*name.name) {
            let message = format!("Invalid reserved name `{}`", name.name);
            self.error(message, node.span);
            return None;
        }
        Some(name)
    }

    fn field(&mut self, node: &Node, name: Ident, value: &NodeValue) -> Option<FieldItem> {
        let NodeValue::Field(field) = value else {
            self.error("Expected a field definition", told_span(value));
            return None;
        };
        match field.kind {
            FieldKind::Computed => self.computed(node, name, field),
            FieldKind::Defined => {
                let Some(ty) = &field.ty else {
                    self.error("Expected a type signature", node.span);
                    return None;
                };
                Some(FieldItem::Defined {
                    name,
                    ty: self.type_of(ty),
                    default: field.value.clone(),
                    span: node.span,
                })
            }
            FieldKind::Wildcard => {
                if let Some(value) = &field.value {
                    self.error("No default allowed for wildcard field", told_expr(value));
                    return None;
                }
                Some(FieldItem::Wildcard {
                    ty: self.type_of(field.ty.as_ref()?),
                    span: node.span,
                })
            }
        }
    }

    fn computed(&mut self, node: &Node, name: Ident, field: &FieldNode) -> Option<FieldItem> {
        let Some(value) = &field.value else {
            self.error("Computed fields require a value", node.keyword.span);
            return None;
        };
        let text = self.source.text.clone();
        let body = match written(value, text.as_deref().unwrap_or("")) {
            Written::Bare(lambda) | Written::Parenthesised(lambda) => lambda.clone(),
            Written::Otherwise => {
                self.error("Expected lambda", told_expr(value));
                return None;
            }
        };
        Some(FieldItem::Computed {
            name,
            ty: field.ty.as_ref().map(|ty| self.type_of(ty)),
            body,
            span: node.span,
        })
    }

    /// A type, with what is wrong with it reported.
    fn type_of(&mut self, node: &TypeNode) -> TypeExpr {
        self.errors.extend(node.faults.iter().cloned());
        node.ty.clone()
    }

    // ------------------------------------------------------------------------------------------ constraints

    fn check(&mut self, node: &Node, name: Ident, value: &NodeValue) -> Option<CheckItem> {
        let NodeValue::Literal(expr) = value else {
            self.error("Expected an expression literal", told_span(value));
            return None;
        };
        let text = self.source.text.clone();
        match written(expr, text.as_deref().unwrap_or("")) {
            Written::Parenthesised(lambda) => Some(CheckItem {
                name,
                body: lambda.clone(),
                body_span: expr.span,
                span: node.span,
            }),
            Written::Bare(lambda) => {
                let error =
                    Diagnostic::error("Expected lambda check predicate", self.at(lambda.span))
                        .annotated("Check constraints require parenthesis around the lambda");
                self.errors.push(error);
                None
            }
            Written::Otherwise => {
                self.error("Expected lambda check predicate", told_expr(expr));
                None
            }
        }
    }

    /// Two unique constraints over the same fields, in whatever order, are one too many.
    fn repeated_unique(&mut self, unique: &UniqueItem, seen: &mut Seen) {
        let key: BTreeSet<(String, bool)> = unique.items.iter().map(term_key).collect();
        match seen.uniques.get(&key) {
            Some(first) => {
                let hint = "This unique constraint covers the same fields.";
                self.hinted("Duplicate unique constraint.", unique.list, hint, *first);
            }
            None => {
                seen.uniques.insert(key, unique.list);
            }
        }
    }
}

fn term_key(term: &TermItem) -> (String, bool) {
    let PathItem { parts, .. } = &term.path;
    (path::display(parts), term.mva)
}
