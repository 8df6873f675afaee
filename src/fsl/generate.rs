//! Definitions → canonical text (`spec schema-fsl 11.2, 11.3`).
//!
//! Members of an item come in a fixed order: fields, computed fields, wildcard, indexes, unique constraints, checks,
//! settings, migrations. Items come as they were added, those of one write by kind. Functions and roles of the legacy
//! language have no text.

use super::writer::Writer;
use crate::fql::syntax::ast::{ExprKind, Param, TypeKind};
use crate::fql::syntax::{
    Span, format_expr, format_key, format_lambda, format_string, format_type,
};
use crate::model::native;
use crate::model::schema::load::integer;
use crate::model::schema::migration_item::{self, FieldPath, MigrationItem};
use crate::model::schema::{
    AccessProvider, Collection, ExprText, Function, Grant, LambdaText, Predicate, Role, RoleRef,
    RoleResource, Schema, Term, TypeText, ValueDef, path,
};
use crate::value::{Object, Str};
use std::collections::HashMap;

/// What the text of a generated schema starts with.
pub(super) const HEAD: &str = "// The following schema is auto-generated.\n\
// This file contains FSL for FQL10-compatible schema items.\n";

/// Days that stand for "for ever".
const FOR_EVER: i64 = i64::MAX;

/// A kind of item, in the order in which those of one write come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `collection`
    Collection,
    /// `function`
    Function,
    /// `role`
    Role,
    /// `access provider`
    Provider,
}

/// A generated text.
#[derive(Clone, Debug, Default)]
pub struct Generated {
    /// The text.
    pub text: String,
    /// Where each item stands, annotations included.
    items: Vec<Span>,
}

impl Generated {
    /// The texts of the items, in their order.
    pub(super) fn items(&self) -> impl Iterator<Item = &str> {
        let spans = self.items.iter();
        spans.filter_map(|it| self.text.get(it.start as usize..it.end as usize))
    }
}

/// When a definition was added, as a number that grows from write to write.
pub type Order<'a> = &'a dyn Fn(Kind, i64) -> i64;

/// The order that is kept in the definitions themselves.
pub fn stored_order(schema: &Schema) -> impl Fn(Kind, i64) -> i64 {
    let mut known: HashMap<(Kind, i64), i64> = HashMap::new();
    let mut add = |kind, id: i64, definition: &Object| {
        known.insert((kind, id), integer(definition, native::ORDER).unwrap_or(0));
    };
    for collection in schema.collections() {
        let id = i64::try_from(collection.id.0).unwrap_or(i64::MAX);
        add(Kind::Collection, id, &collection.definition);
    }
    for function in schema.functions() {
        add(Kind::Function, function.id.0, &function.definition);
    }
    for role in schema.roles() {
        add(Kind::Role, role.id.0, &role.definition);
    }
    for provider in schema.providers() {
        add(Kind::Provider, provider.id.0, &provider.definition);
    }
    move |kind, id| known.get(&(kind, id)).copied().unwrap_or(0)
}

/// An item to print.
enum Item<'a> {
    Collection(&'a Collection),
    Function(&'a Function),
    Role(&'a Role),
    Provider(&'a AccessProvider),
}

/// The text of a whole schema; empty if there are no definitions.
pub fn generate(schema: &Schema, order: Order<'_>) -> Generated {
    let mut items: Vec<((i64, Kind, i64), Item<'_>)> = Vec::new();
    let mut add = |kind: Kind, id: i64, item| items.push(((order(kind, id), kind, id), item));
    for collection in schema.collections() {
        let id = i64::try_from(collection.id.0).unwrap_or(i64::MAX);
        add(Kind::Collection, id, Item::Collection(collection));
    }
    for function in schema.functions() {
        add(Kind::Function, function.id.0, Item::Function(function));
    }
    for role in schema.roles() {
        if !role.is_legacy() {
            add(Kind::Role, role.id.0, Item::Role(role));
        }
    }
    for provider in schema.providers() {
        add(Kind::Provider, provider.id.0, Item::Provider(provider));
    }
    items.sort_by_key(|(key, _)| *key);
    let mut generator = Generator::default();
    for (_, item) in items {
        match item {
            Item::Collection(collection) => generator.collection(collection),
            Item::Function(function) => generator.function(function, schema),
            Item::Role(role) => generator.role(role),
            Item::Provider(provider) => generator.provider(provider),
        }
    }
    Generated {
        text: generator.writer.finish(),
        items: generator.items,
    }
}

#[derive(Default)]
struct Generator {
    writer: Writer,
    items: Vec<Span>,
}

impl Generator {
    /// An item: the file's head or a blank line, annotations, keyword, name, and what `rest` writes.
    fn item(
        &mut self,
        keyword: &str,
        name: &Str,
        annotations: &[(&str, Option<Str>)],
        rest: impl FnOnce(&mut Generator),
    ) {
        self.writer
            .write(if self.writer.is_empty() { HEAD } else { "" });
        self.writer.line("");
        let start = self.writer.here();
        for (annotation, value) in annotations {
            if let Some(value) = value {
                let value = format_key(value);
                self.writer.line(&format!("@{annotation}({value})"));
            }
        }
        self.writer
            .write(&format!("{keyword} {}", format_key(name)));
        rest(self);
        self.items.push(self.writer.since(start));
        self.writer.line("");
    }

    fn collection(&mut self, collection: &Collection) {
        let annotations = [("alias", collection.alias.clone())];
        let name = &collection.name;
        self.item("collection", name, &annotations, |this| {
            this.writer.write(" ");
            this.writer.open();
            this.fields(collection);
            this.indexes(collection);
            this.constraints(collection);
            this.settings(collection);
            this.migrations(collection);
            this.writer.close();
        });
    }

    fn fields(&mut self, collection: &Collection) {
        for field in &collection.fields {
            self.writer.write(&format!("{}: ", field.name));
            self.writer.write(&type_text(&field.ty));
            if let Some(default) = &field.default {
                self.writer.write(" = ");
                self.writer.write(&expr_text(default));
            }
            self.writer.line("");
        }
        for field in &collection.computed {
            self.writer.write(&format!("compute {}", field.name));
            if let Some(signature) = &field.signature {
                self.writer.write(": ");
                self.writer.write(&type_text(signature));
            }
            self.writer.write(" = ");
            self.writer.write(&lambda_text(&field.body));
            self.writer.line("");
        }
        if let Some(wildcard) = &collection.wildcard {
            self.writer.write("*: ");
            self.writer.write(&type_text(wildcard));
            self.writer.line("");
        }
    }

    fn indexes(&mut self, collection: &Collection) {
        for index in &collection.indexes {
            self.writer.write(&format!("index {} ", index.name));
            self.writer.open();
            if !index.terms.is_empty() {
                self.writer
                    .line(&format!("terms {}", list(&index.terms, term_text)));
            }
            if !index.values.is_empty() {
                self.writer
                    .line(&format!("values {}", list(&index.values, value_text)));
            }
            self.writer.close();
            self.writer.line("");
        }
    }

    fn constraints(&mut self, collection: &Collection) {
        for unique in &collection.uniques {
            self.writer
                .line(&format!("unique {}", list(&unique.terms, term_text)));
        }
        for check in &collection.checks {
            let body = parenthesised(&check.body);
            self.writer.line(&format!("check {} {body}", check.name));
        }
    }

    fn settings(&mut self, collection: &Collection) {
        match collection.history_days {
            Some(0) => {}
            days => {
                let days = days.unwrap_or(FOR_EVER);
                self.writer.line(&format!("history_days {days}"));
            }
        }
        if let Some(days) = collection.ttl_days {
            self.writer.line(&format!("ttl_days {days}"));
        }
        if let Some(ttls) = collection.document_ttls {
            self.writer.line(&format!("document_ttls {ttls}"));
        }
    }

    fn migrations(&mut self, collection: &Collection) {
        let items = migration_item::items(&collection.definition);
        if items.is_empty() {
            return;
        }
        self.writer.write("migrations ");
        self.writer.open();
        for item in &items {
            self.writer.line(&migration_text(item));
        }
        self.writer.close();
        self.writer.line("");
    }

    fn function(&mut self, function: &Function, schema: &Schema) {
        let Ok(lambda) = function.body.lambda() else {
            return;
        };
        let annotations = [
            ("alias", function_alias(function, schema)),
            ("role", function.role.clone()),
        ];
        let name = &function.name;
        self.item("function", name, &annotations, |this| {
            this.params(function, &lambda.params, lambda.rest.as_ref());
            this.writer.write(" ");
            let body = format_expr(&lambda.body);
            if matches!(lambda.body.kind, ExprKind::Block(_)) {
                return this.writer.write(&body);
            }
            this.writer.open();
            this.writer.line(&body);
            this.writer.close();
        });
    }

    /// `(a: Int, ...b: String): Number`
    fn params(&mut self, function: &Function, params: &[Param], rest: Option<&Param>) {
        let declared = function.signature.as_ref();
        let declared = declared.and_then(|signature| signature.type_expr().ok());
        let (types, rest_type, result) = match declared.map(|ty| &ty.kind) {
            Some(TypeKind::Lambda {
                params,
                rest,
                result,
            }) => (params.as_slice(), rest.as_deref(), Some(result)),
            _ => (&[][..], None, None),
        };
        self.writer.write("(");
        for (at, param) in params.iter().enumerate() {
            self.writer.write(if at > 0 { ", " } else { "" });
            self.writer.write(param.name.as_deref().unwrap_or("_"));
            if let Some((_, ty)) = types.get(at) {
                self.writer.write(": ");
                self.writer.write(&format_type(ty));
            }
        }
        if let Some(rest) = rest {
            let separator = if params.is_empty() { "" } else { ", " };
            self.writer.write(&format!("{separator}..."));
            let name = rest.name.as_deref().unwrap_or("_");
            self.writer.write(name);
            if let Some((_, ty)) = rest_type {
                self.writer.write(": ");
                self.writer.write(&format_type(ty));
            }
        }
        self.writer.write(")");
        if let Some(result) = result {
            self.writer.write(": ");
            self.writer.write(&format_type(result));
        }
    }

    fn role(&mut self, role: &Role) {
        self.item("role", &role.name, &[], |this| {
            this.writer.write(" ");
            this.writer.open();
            for privilege in &role.privileges {
                this.writer.write("privileges ");
                this.writer.write(&resource_key(&privilege.resource));
                this.writer.write(" ");
                this.writer.open();
                for (action, grant) in &privilege.actions {
                    this.writer.write(action.name());
                    if let Grant::If(predicate) = grant {
                        this.predicate(predicate);
                    }
                    this.writer.line("");
                }
                this.writer.close();
                this.writer.line("");
            }
            for membership in &role.membership {
                this.writer.write("membership ");
                this.writer.write(&resource_key(&membership.resource));
                if let Some(predicate) = &membership.predicate {
                    this.predicate(predicate);
                }
                this.writer.line("");
            }
            this.writer.close();
        });
    }

    fn predicate(&mut self, predicate: &Predicate) {
        let Some(lambda) = predicate.text() else {
            return;
        };
        self.writer.write(" ");
        self.writer.open();
        self.writer
            .line(&format!("predicate {}", parenthesised(lambda)));
        self.writer.close();
    }

    fn provider(&mut self, provider: &AccessProvider) {
        let name = &provider.name;
        self.item("access provider", name, &[], |this| {
            this.writer.write(" ");
            this.writer.open();
            let issuer = format_string(&provider.issuer);
            this.writer.line(&format!("issuer {issuer}"));
            let jwks_uri = format_string(&provider.jwks_uri);
            this.writer.line(&format!("jwks_uri {jwks_uri}"));
            for (role, predicate) in &provider.roles {
                let RoleRef::Name(role) = role else { continue };
                this.writer.write("role ");
                this.writer.write(&format_key(role));
                if let Some(predicate) = predicate {
                    this.predicate(predicate);
                }
                this.writer.line("");
            }
            this.writer.close();
        });
    }
}

/// The name of a resource; definitions of the legacy language, which give references, have no text.
fn resource_key(resource: &RoleResource) -> String {
    resource
        .name()
        .map(|name| format_key(name))
        .unwrap_or_default()
}

/// A function's alias; one that shares its name with a collection and has none gets one, for in FSL they share a name
/// space.
fn function_alias(function: &Function, schema: &Schema) -> Option<Str> {
    if function.alias.is_some() || schema.collection_named(&function.name).is_none() {
        return function.alias.clone();
    }
    let mut alias = format!("{}Function", function.name);
    while schema.collection_named(&alias).is_some() || schema.function_named(&alias).is_some() {
        alias.push_str("Function");
    }
    Some(alias.as_str().into())
}

/// `[a, b]`
fn list<T>(items: &[T], text: fn(&T) -> String) -> String {
    let items: Vec<String> = items.iter().map(text).collect();
    format!("[{}]", items.join(", "))
}

fn term_text(term: &Term) -> String {
    let path = path::display(&term.path);
    if term.mva {
        format!("mva({path})")
    } else {
        path
    }
}

fn value_text(value: &ValueDef) -> String {
    let path = path::display(&value.path);
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

fn migration_text(item: &MigrationItem) -> String {
    let shown = |path: &FieldPath| path::display(path);
    match item {
        MigrationItem::Add(field) => format!("add {}", shown(field)),
        MigrationItem::Backfill(field, value) => {
            let value = ExprText::new("*backfill*", value.to_string());
            format!("backfill {} = {}", shown(field), expr_text(&value))
        }
        MigrationItem::Drop(field) => format!("drop {}", shown(field)),
        MigrationItem::Move(from, to) => format!("move {} -> {}", shown(from), shown(to)),
        MigrationItem::Split(from, targets) => {
            let targets: Vec<String> = targets.iter().map(shown).collect();
            format!("split {} -> {}", shown(from), targets.join(", "))
        }
        MigrationItem::MoveConflicts(into) => format!("move_conflicts {}", shown(into)),
        MigrationItem::MoveWildcard(into) => format!("move_wildcard {}", shown(into)),
        MigrationItem::AddWildcard => "add_wildcard".to_string(),
    }
}

/// A lambda in parentheses; a short one brings its own.
fn parenthesised(lambda: &LambdaText) -> String {
    let text = lambda_text(lambda);
    match lambda.lambda().is_ok_and(|lambda| lambda.short) {
        true => text,
        false => format!("({text})"),
    }
}

fn type_text(ty: &TypeText) -> String {
    ty.type_expr()
        .map_or_else(|_| ty.text().to_string(), |ty| format_type(ty))
}

fn expr_text(expr: &ExprText) -> String {
    expr.expr()
        .map_or_else(|_| expr.text().to_string(), |expr| format_expr(expr))
}

fn lambda_text(lambda: &LambdaText) -> String {
    lambda
        .lambda()
        .map_or_else(|_| lambda.text().to_string(), |l| format_lambda(l))
}
