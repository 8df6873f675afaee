//! An item → the document that defines it (`spec schema-fsl 11.1`).
//!
//! The fields are those a user could give: what the system adds (status and queryability of indexes, inferred
//! signatures) comes with the write, and the stored document's `data` is for the writer to keep. Expressions, types and
//! paths are given in canonical form.

use super::item::{
    CollectionItem, FieldItem, FunctionItem, GrantItem, IndexItem, ItemContent, MigrationKind,
    PathItem, ProviderItem, RoleItem, SchemaItem, TermItem,
};
use super::same::block_text;
use crate::fql::syntax::{format_expr, format_lambda, format_type};
use crate::model::schema::path;
use crate::value::{Items, Object, Str, Value};
use std::sync::Arc;

/// The fields of the document that an item stands for, its name included.
pub fn definition(item: &SchemaItem) -> Object {
    let mut object = Object::new();
    object.insert("name", text(&item.name.name));
    match &item.content {
        ItemContent::Collection(it) => collection(it, &mut object),
        ItemContent::Function(it) => function(it, &mut object),
        ItemContent::Role(it) => role(it, &mut object),
        ItemContent::Provider(it) => provider(it, &mut object),
    }
    object
}

fn collection(collection: &CollectionItem, object: &mut Object) {
    if let Some(alias) = &collection.alias {
        object.insert("alias", text(&alias.value.name));
    }
    let days = collection.history_days.as_ref().map_or(0, |it| it.value);
    object.insert("history_days", integer(days));
    if let Some(days) = &collection.ttl_days {
        object.insert("ttl_days", integer(days.value));
    }
    if let Some(ttls) = &collection.document_ttls {
        object.insert("document_ttls", Value::Bool(ttls.value));
    }
    let mut indexes = Object::new();
    for index in &collection.indexes {
        indexes.insert(&*index.name.name, index_entry(index));
    }
    object.insert("indexes", map(indexes));
    let uniques = collection.uniques.iter().map(|unique| {
        let terms = unique.items.iter().map(term).collect();
        entry([("unique", array(terms))])
    });
    let checks = collection.checks.iter().map(|check| {
        let name = text(&check.name.name);
        let body = text(&format_lambda(&check.body));
        entry([("check", entry([("name", name), ("body", body)]))])
    });
    object.insert("constraints", array(uniques.chain(checks).collect()));
    fields(collection, object);
    if let Some(migrations) = &collection.migrations {
        let items = migrations.items.iter().map(|item| migration(&item.kind));
        object.insert("migrations", array(items.collect()));
    }
}

fn fields(collection: &CollectionItem, object: &mut Object) {
    let mut computed_fields = Object::new();
    let mut fields = Object::new();
    for field in &collection.fields {
        match field {
            FieldItem::Defined {
                name, ty, default, ..
            } => {
                let mut field = Object::new();
                field.insert("signature", text(&format_type(ty)));
                if let Some(default) = default {
                    field.insert("default", text(&format_expr(default)));
                }
                fields.insert(&*name.name, map(field));
            }
            FieldItem::Computed { name, ty, body, .. } => {
                let mut field = Object::new();
                field.insert("body", text(&format_lambda(body)));
                if let Some(ty) = ty {
                    field.insert("signature", text(&format_type(ty)));
                }
                computed_fields.insert(&*name.name, map(field));
            }
            FieldItem::Wildcard { ty, .. } => {
                object.insert("wildcard", text(&format_type(ty)));
            }
        }
    }
    if !computed_fields.is_empty() {
        object.insert("computed_fields", map(computed_fields));
    }
    if !fields.is_empty() {
        object.insert("fields", map(fields));
    }
}

fn index_entry(index: &IndexItem) -> Value {
    let mut object = Object::new();
    if let Some(terms) = &index.terms {
        object.insert("terms", array(terms.items.iter().map(term).collect()));
    }
    if let Some(values) = &index.values {
        let values = values.items.iter().map(|value| {
            let order = if value.descending { "desc" } else { "asc" };
            entry([
                ("field", path_text(&value.path)),
                ("order", text(order)),
                ("mva", Value::Bool(value.mva)),
            ])
        });
        object.insert("values", array(values.collect()));
    }
    map(object)
}

fn term(term: &TermItem) -> Value {
    entry([
        ("field", path_text(&term.path)),
        ("mva", Value::Bool(term.mva)),
    ])
}

fn migration(kind: &MigrationKind) -> Value {
    let of_field = |name, path| entry([(name, entry([("field", path_text(path))]))]);
    let into = |name, path| entry([(name, entry([("into", path_text(path))]))]);
    match kind {
        MigrationKind::Add(path) => of_field("add", path),
        MigrationKind::Drop(path) => of_field("drop", path),
        MigrationKind::Backfill(path, value) => {
            let value = text(&format_expr(value));
            let contents = entry([("field", path_text(path)), ("value", value)]);
            entry([("backfill", contents)])
        }
        MigrationKind::Move(from, to) => {
            let contents = entry([("field", path_text(from)), ("to", path_text(to))]);
            entry([("move", contents)])
        }
        MigrationKind::Split(from, targets) => {
            let to = array(targets.iter().map(path_text).collect());
            entry([("split", entry([("field", path_text(from)), ("to", to)]))])
        }
        MigrationKind::MoveConflicts(path) => into("move_conflicts", path),
        MigrationKind::MoveWildcard(path) => into("move_wildcard", path),
        MigrationKind::AddWildcard => entry([("add_wildcard", map(Object::new()))]),
    }
}

fn function(function: &FunctionItem, object: &mut Object) {
    object.insert("body", text(&body(function)));
    if let Some(signature) = signature(function) {
        object.insert("signature", text(&signature));
    }
    if let Some(alias) = &function.alias {
        object.insert("alias", text(&alias.value.name));
    }
    if let Some(role) = &function.role {
        object.insert("role", text(&role.value.name));
    }
}

/// `(a, ...b) => {\n  ...\n}`
fn body(function: &FunctionItem) -> String {
    let params = function.params.iter().map(|param| {
        let dots = if param.variadic { "..." } else { "" };
        format!("{dots}{}", param.name.name)
    });
    let params: Vec<String> = params.collect();
    format!("({}) => {}", params.join(", "), block_text(&function.body))
}

/// `(a: Int, b: ...Int) => Int`, if everything has a type.
fn signature(function: &FunctionItem) -> Option<String> {
    let result = format_type(function.result.as_ref()?);
    let params = function.params.iter().map(|param| {
        let ty = format_type(param.ty.as_ref()?);
        let dots = if param.variadic { "..." } else { "" };
        Some(format!("{}: {dots}{ty}", param.name.name))
    });
    let params: Vec<String> = params.collect::<Option<_>>()?;
    Some(format!("({}) => {result}", params.join(", ")))
}

fn role(role: &RoleItem, object: &mut Object) {
    let privileges = role.privileges.iter().map(|privilege| {
        let mut object = Object::new();
        object.insert("resource", text(&privilege.resource.name));
        if !privilege.actions.is_empty() {
            let mut actions = Object::new();
            for action in &privilege.actions {
                let granted = predicate(action).unwrap_or(Value::Bool(true));
                actions.insert(&*action.name.name, granted);
            }
            object.insert("actions", map(actions));
        }
        map(object)
    });
    let membership = role.membership.iter().map(|member| {
        let mut object = Object::new();
        object.insert("resource", text(&member.name.name));
        if let Some(predicate) = predicate(member) {
            object.insert("predicate", predicate);
        }
        map(object)
    });
    object.insert("privileges", array(privileges.collect()));
    object.insert("membership", array(membership.collect()));
}

fn provider(provider: &ProviderItem, object: &mut Object) {
    object.insert("issuer", text(&provider.issuer.value));
    object.insert("jwks_uri", text(&provider.jwks_uri.value));
    if provider.roles.is_empty() {
        return;
    }
    let roles = provider.roles.iter().map(|role| {
        let name = text(&role.name.name);
        match predicate(role) {
            Some(predicate) => entry([("role", name), ("predicate", predicate)]),
            None => name,
        }
    });
    object.insert("roles", array(roles.collect()));
}

fn predicate(grant: &GrantItem) -> Option<Value> {
    let predicate = grant.predicate.as_ref()?;
    Some(text(&format_lambda(&predicate.body)))
}

fn path_text(item: &PathItem) -> Value {
    text(&path::display(&item.parts))
}

fn text(text: &str) -> Value {
    Value::String(Str::from(text))
}

fn integer(value: i64) -> Value {
    match i32::try_from(value) {
        Ok(value) => Value::Int(value),
        Err(_) => Value::Long(value),
    }
}

fn array(items: Vec<Value>) -> Value {
    Value::Array(Arc::new(Items::from(items)))
}

fn map(object: Object) -> Value {
    Value::Object(Arc::new(object))
}

fn entry<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let mut object = Object::with_capacity(N);
    for (name, value) in fields {
        object.insert(name, value);
    }
    map(object)
}
