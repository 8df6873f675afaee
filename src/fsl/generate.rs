//! Definitions → canonical text (`spec schema-fsl 11.2, 11.3`), noting where each part stands.
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
use crate::model::schema::migration_item::{self, MigrationItem};
use crate::model::schema::{
    AccessProvider, Collection, ExprText, Function, Grant, LambdaText, Predicate, Role, RoleRef,
    RoleResource, Schema, Term, TypeText, path,
};
use crate::value::{Object, PathPart, Str};
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

/// A part of an item. Numbers count from 0 in the order of the definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// From the first annotation to the closing brace.
    Whole,
    /// Its name.
    Name,
    /// The name in its annotation `@alias`.
    Alias,
    /// The type of the n-th field.
    FieldType(usize),
    /// The default of the n-th field.
    FieldDefault(usize),
    /// The type of the n-th computed field.
    ComputedType(usize),
    /// The body of the n-th computed field.
    ComputedBody(usize),
    /// The type of the top-level wildcard.
    Wildcard,
    /// The n-th path of all indexes: terms, then values, index after index.
    IndexPath(usize),
    /// A step of such a path.
    IndexStep(usize, usize),
    /// The n-th path of all unique constraints.
    UniquePath(usize),
    /// A step of such a path.
    UniqueStep(usize, usize),
    /// The body of the n-th check constraint.
    Check(usize),
    /// The n-th migration.
    Migration(usize),
    /// The n-th path of all migrations.
    MigrationPath(usize),
    /// A step of such a path.
    MigrationStep(usize, usize),
    /// The signature of a function: parameters and result.
    Signature,
    /// The name of the n-th parameter; the variadic one comes last.
    ParamName(usize),
    /// The type of the n-th parameter; the variadic one comes last.
    ParamType(usize),
    /// The type of a function's result.
    Result,
    /// The block of a function.
    Body,
    /// The resource of the n-th privilege.
    Privilege(usize),
    /// The predicate of an action of the n-th privilege.
    PrivilegePredicate(usize, usize),
    /// The resource of the n-th membership.
    Membership(usize),
    /// The predicate of the n-th membership.
    MembershipPredicate(usize),
    /// The n-th role of an access provider.
    ProviderRole(usize),
    /// The predicate of the n-th role of an access provider.
    ProviderPredicate(usize),
}

/// A generated text and the places in it.
#[derive(Clone, Debug, Default)]
pub struct Generated {
    /// The text.
    pub text: String,
    places: HashMap<(Kind, Str), Vec<(Part, Span)>>,
}

impl Generated {
    /// The texts of the items, in their order.
    pub(super) fn items(&self) -> Vec<&str> {
        let whole = |parts: &Vec<(Part, Span)>| {
            let found = parts.iter().find(|(part, _)| *part == Part::Whole)?;
            Some(found.1)
        };
        let mut spans: Vec<Span> = self.places.values().filter_map(whole).collect();
        spans.sort();
        let texts = spans.into_iter();
        let texts = texts.filter_map(|it| self.text.get(it.start as usize..it.end as usize));
        texts.collect()
    }

    /// Where a part stands.
    pub fn place(&self, kind: Kind, name: &Str, part: Part) -> Option<Span> {
        let parts = self.places.get(&(kind, name.clone()))?;
        let found = parts.iter().find(|(known, _)| *known == part)?;
        Some(found.1)
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
        places: generator.places,
    }
}

#[derive(Default)]
struct Generator {
    writer: Writer,
    places: HashMap<(Kind, Str), Vec<(Part, Span)>>,
    /// The item at hand.
    parts: Vec<(Part, Span)>,
}

impl Generator {
    /// An item: the file's head or a blank line, annotations, keyword, name, and what `rest` writes.
    fn item(
        &mut self,
        kind: Kind,
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
                self.writer.write(&format!("@{annotation}("));
                match *annotation {
                    "alias" => self.part(Part::Alias, &format_key(value)),
                    _ => self.writer.write(&format_key(value)),
                }
                self.writer.line(")");
            }
        }
        self.writer.write(&format!("{keyword} "));
        self.part(Part::Name, &format_key(name));
        rest(self);
        let whole = self.writer.since(start);
        self.parts.push((Part::Whole, whole));
        self.writer.line("");
        let parts = std::mem::take(&mut self.parts);
        self.places.insert((kind, name.clone()), parts);
    }

    /// A part, and its place.
    fn part(&mut self, part: Part, text: &str) {
        let span = self.writer.placed(text);
        self.parts.push((part, span));
    }

    fn collection(&mut self, collection: &Collection) {
        let annotations = [("alias", collection.alias.clone())];
        let name = &collection.name;
        self.item(Kind::Collection, "collection", name, &annotations, |this| {
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
        for (at, field) in collection.fields.iter().enumerate() {
            self.writer.write(&format!("{}: ", field.name));
            self.part(Part::FieldType(at), &type_text(&field.ty));
            if let Some(default) = &field.default {
                self.writer.write(" = ");
                self.part(Part::FieldDefault(at), &expr_text(default));
            }
            self.writer.line("");
        }
        for (at, field) in collection.computed.iter().enumerate() {
            self.writer.write(&format!("compute {}", field.name));
            if let Some(signature) = &field.signature {
                self.writer.write(": ");
                self.part(Part::ComputedType(at), &type_text(signature));
            }
            self.writer.write(" = ");
            self.part(Part::ComputedBody(at), &lambda_text(&field.body));
            self.writer.line("");
        }
        if let Some(wildcard) = &collection.wildcard {
            self.writer.write("*: ");
            self.part(Part::Wildcard, &type_text(wildcard));
            self.writer.line("");
        }
    }

    fn indexes(&mut self, collection: &Collection) {
        let mut count = 0;
        for index in &collection.indexes {
            self.writer.write(&format!("index {} ", index.name));
            self.writer.open();
            if !index.terms.is_empty() {
                self.writer.write("terms ");
                self.terms(&index.terms, &mut count, Part::IndexPath, Part::IndexStep);
            }
            if !index.values.is_empty() {
                self.writer.write("values [");
                for (at, value) in index.values.iter().enumerate() {
                    self.writer.write(if at > 0 { ", " } else { "" });
                    self.writer
                        .write(if value.descending { "desc(" } else { "" });
                    self.writer.write(if value.mva { "mva(" } else { "" });
                    self.path(&value.path, count, Part::IndexPath, Part::IndexStep);
                    self.writer.write(if value.mva { ")" } else { "" });
                    self.writer.write(if value.descending { ")" } else { "" });
                    count += 1;
                }
                self.writer.line("]");
            }
            self.writer.close();
            self.writer.line("");
        }
    }

    fn terms(
        &mut self,
        terms: &[Term],
        count: &mut usize,
        whole: fn(usize) -> Part,
        step: fn(usize, usize) -> Part,
    ) {
        self.writer.write("[");
        for (at, term) in terms.iter().enumerate() {
            self.writer.write(if at > 0 { ", " } else { "" });
            self.writer.write(if term.mva { "mva(" } else { "" });
            self.path(&term.path, *count, whole, step);
            self.writer.write(if term.mva { ")" } else { "" });
            *count += 1;
        }
        self.writer.line("]");
    }

    /// A path; steps stand without the dot or the brackets around them.
    fn path(
        &mut self,
        parts: &[PathPart],
        count: usize,
        whole: fn(usize) -> Part,
        step: fn(usize, usize) -> Part,
    ) {
        let start = self.writer.here();
        for (at, part) in parts.iter().enumerate() {
            let text = path::display(std::slice::from_ref(part));
            let bracketed = text.starts_with(".[");
            let open = match (bracketed, at) {
                (true, 0) => ".[",
                (true, _) => "[",
                (false, _) => ".",
            };
            let inner = text.trim_start_matches(if bracketed { ".[" } else { "." });
            let inner = if bracketed {
                inner.strip_suffix(']').unwrap_or(inner)
            } else {
                inner
            };
            self.writer.write(open);
            self.part(step(count, at), inner);
            self.writer.write(if bracketed { "]" } else { "" });
        }
        let span = self.writer.since(start);
        self.parts.push((whole(count), span));
    }

    fn constraints(&mut self, collection: &Collection) {
        let mut count = 0;
        for unique in &collection.uniques {
            self.writer.write("unique ");
            self.terms(
                &unique.terms,
                &mut count,
                Part::UniquePath,
                Part::UniqueStep,
            );
        }
        for (at, check) in collection.checks.iter().enumerate() {
            self.writer.write(&format!("check {} ", check.name));
            self.parenthesised(Part::Check(at), &check.body);
            self.writer.line("");
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
        let mut count = 0;
        for (at, item) in items.iter().enumerate() {
            let start = self.writer.here();
            self.migration(item, &mut count);
            let span = self.writer.since(start);
            self.parts.push((Part::Migration(at), span));
            self.writer.line("");
        }
        self.writer.close();
        self.writer.line("");
    }

    fn migration(&mut self, item: &MigrationItem, count: &mut usize) {
        let mut shown = |this: &mut Self, before: &str, path: &[PathPart]| {
            this.writer.write(before);
            this.path(path, *count, Part::MigrationPath, Part::MigrationStep);
            *count += 1;
        };
        match item {
            MigrationItem::Add(field) => shown(self, "add ", field),
            MigrationItem::Backfill(field, value) => {
                shown(self, "backfill ", field);
                let value = ExprText::new("*backfill*", value.to_string());
                self.writer.write(&format!(" = {}", expr_text(&value)));
            }
            MigrationItem::Drop(field) => shown(self, "drop ", field),
            MigrationItem::Move(from, to) => {
                shown(self, "move ", from);
                shown(self, " -> ", to);
            }
            MigrationItem::Split(from, targets) => {
                shown(self, "split ", from);
                for (at, target) in targets.iter().enumerate() {
                    shown(self, if at == 0 { " -> " } else { ", " }, target);
                }
            }
            MigrationItem::MoveConflicts(into) => shown(self, "move_conflicts ", into),
            MigrationItem::MoveWildcard(into) => shown(self, "move_wildcard ", into),
            MigrationItem::AddWildcard => self.writer.write("add_wildcard"),
        }
    }

    /// A lambda in parentheses; a short one brings its own.
    fn parenthesised(&mut self, part: Part, lambda: &LambdaText) {
        let text = lambda_text(lambda);
        if lambda.lambda().is_ok_and(|lambda| lambda.short) {
            return self.part(part, &text);
        }
        self.writer.write("(");
        self.part(part, &text);
        self.writer.write(")");
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
        self.item(Kind::Function, "function", name, &annotations, |this| {
            let signature = this.writer.here();
            this.params(function, &lambda.params, lambda.rest.as_ref());
            let span = this.writer.since(signature);
            this.parts.push((Part::Signature, span));
            this.writer.write(" ");
            let body = format_expr(&lambda.body);
            if matches!(lambda.body.kind, ExprKind::Block(_)) {
                return this.part(Part::Body, &body);
            }
            let start = this.writer.here();
            this.writer.open();
            this.writer.line(&body);
            this.writer.close();
            let span = this.writer.since(start);
            this.parts.push((Part::Body, span));
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
            self.part(Part::ParamName(at), param.name.as_deref().unwrap_or("_"));
            if let Some((_, ty)) = types.get(at) {
                self.writer.write(": ");
                self.part(Part::ParamType(at), &format_type(ty));
            }
        }
        if let Some(rest) = rest {
            let separator = if params.is_empty() { "" } else { ", " };
            self.writer.write(&format!("{separator}..."));
            let name = rest.name.as_deref().unwrap_or("_");
            self.part(Part::ParamName(params.len()), name);
            if let Some((_, ty)) = rest_type {
                self.writer.write(": ");
                self.part(Part::ParamType(params.len()), &format_type(ty));
            }
        }
        self.writer.write(")");
        if let Some(result) = result {
            self.writer.write(": ");
            self.part(Part::Result, &format_type(result));
        }
    }

    fn role(&mut self, role: &Role) {
        self.item(Kind::Role, "role", &role.name, &[], |this| {
            this.writer.write(" ");
            this.writer.open();
            for (at, privilege) in role.privileges.iter().enumerate() {
                this.writer.write("privileges ");
                this.part(Part::Privilege(at), &resource_key(&privilege.resource));
                this.writer.write(" ");
                this.writer.open();
                for (nth, (action, grant)) in privilege.actions.iter().enumerate() {
                    this.writer.write(action.name());
                    if let Grant::If(predicate) = grant {
                        this.predicate(Part::PrivilegePredicate(at, nth), predicate);
                    }
                    this.writer.line("");
                }
                this.writer.close();
                this.writer.line("");
            }
            for (at, membership) in role.membership.iter().enumerate() {
                this.writer.write("membership ");
                this.part(Part::Membership(at), &resource_key(&membership.resource));
                if let Some(predicate) = &membership.predicate {
                    this.predicate(Part::MembershipPredicate(at), predicate);
                }
                this.writer.line("");
            }
            this.writer.close();
        });
    }

    fn predicate(&mut self, part: Part, predicate: &Predicate) {
        let Some(lambda) = predicate.text() else {
            return;
        };
        self.writer.write(" ");
        self.writer.open();
        self.writer.write("predicate ");
        self.parenthesised(part, lambda);
        self.writer.line("");
        self.writer.close();
    }

    fn provider(&mut self, provider: &AccessProvider) {
        let name = &provider.name;
        self.item(Kind::Provider, "access provider", name, &[], |this| {
            this.writer.write(" ");
            this.writer.open();
            let issuer = format_string(&provider.issuer);
            this.writer.line(&format!("issuer {issuer}"));
            let jwks_uri = format_string(&provider.jwks_uri);
            this.writer.line(&format!("jwks_uri {jwks_uri}"));
            for (at, (role, predicate)) in provider.roles.iter().enumerate() {
                let RoleRef::Name(role) = role else { continue };
                this.writer.write("role ");
                this.part(Part::ProviderRole(at), &format_key(role));
                if let Some(predicate) = predicate {
                    this.predicate(Part::ProviderPredicate(at), predicate);
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
