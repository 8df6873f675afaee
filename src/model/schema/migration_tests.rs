//! Migrations from the definition to the document.

use super::collection::{Collection, MigrationStep};
use super::load::{Definition, load_collection};
use super::migrate::migrated;
use super::path;
use super::rewind::{PendingStep, plan};
use super::text::TypeText;
use super::type_display::{expected, provided};
use crate::store::TxnTime;
use crate::value::{CollId, DocId, Object, Value};
use std::sync::Arc;

fn object(fields: &[(&str, Value)]) -> Value {
    Value::object(
        fields
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .collect(),
    )
}

/// `a: Int; b: String = "x"; *: Any ||| add .a; move .a -> .b`
fn collection(text: &str) -> Collection {
    let (fields, migrations) = text.split_once(" || ").unwrap_or((text, ""));
    let mut definition = Object::new();
    let mut declared = Object::new();
    for field in fields
        .split(';')
        .map(str::trim)
        .filter(|field| !field.is_empty())
    {
        let (name, ty) = field.split_once(':').unwrap();
        if name.trim() == "*" {
            definition.insert("wildcard", Value::string("Any"));
            continue;
        }
        let (ty, default) = match ty.split_once(" = ") {
            Some((ty, default)) => (ty, Some(default)),
            None => (ty, None),
        };
        let mut entry = vec![("signature", Value::string(ty.trim()))];
        entry.extend(default.map(|default| ("default", Value::string(default.trim()))));
        declared.insert(name.trim(), object(&entry));
    }
    definition.insert("fields", Value::object(declared));
    let migrations = migrations
        .split(';')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| {
            let (key, rest) = item.split_once(' ').unwrap_or((item, ""));
            let text = Value::string;
            let contents = match (key, rest.split_once(" -> "), rest.split_once(" = ")) {
                ("backfill", _, Some((field, value))) => {
                    object(&[("field", text(field)), ("value", text(value))])
                }
                ("move", Some((field, to)), _) => {
                    object(&[("field", text(field)), ("to", text(to))])
                }
                ("split", Some((field, to)), _) => {
                    let to = to.split(", ").map(text).collect();
                    object(&[("field", text(field)), ("to", Value::array(to))])
                }
                ("move_conflicts" | "move_wildcard", ..) => object(&[("into", text(rest))]),
                ("add_wildcard", ..) => object(&[]),
                _ => object(&[("field", text(rest))]),
            };
            object(&[(key, contents)])
        });
    definition.insert("migrations", Value::array(migrations.collect()));
    let definition = Definition {
        coll: CollId(1),
        id: DocId(1024),
        fields: Arc::new(definition),
        ts: TxnTime(1),
    };
    load_collection(CollId(1024), &definition)
}

fn faults(live: &str, submitted: &str) -> Vec<String> {
    match plan(Some(&collection(live)), &collection(submitted)) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| fault.message).collect(),
    }
}

#[test]
fn free_changes_need_no_migrations() {
    for (live, submitted) in [
        ("a: Int", "a: Int | String"),
        ("a: Int", "a: Int?"),
        ("a: Int", "a: Any"),
        ("a: Int", "a: Int = 3"),
        ("a: Int = 3", "a: Int"),
        ("", ""),
        ("a: Int", "a: Int; b: Int? || add .b"),
        ("a: Int", "a: Int; b: Int = 1 || add .b"),
        ("a: Int", "a: Int; b: Int || add .b; backfill .b = 1"),
        ("a: Int", "b: Int || move .a -> .b"),
        ("a: Int; b: Int", "a: Int || drop .b"),
        ("a: Int", "a: Int; *: Any || add_wildcard"),
        (
            "a: Int; *: Any",
            "a: Int; c: { *: Any }? || add .c; move_conflicts .c; move_wildcard .c",
        ),
        (
            "a: Int | String",
            "a: Int; b: String? || split .a -> .a, .b; backfill .a = 0",
        ),
        (
            "",
            "a: Int; c: { *: Any }?; *: Any || add .a; add .c; move_conflicts .c; backfill .a = 1",
        ),
        ("a: { x: Int }", "a: { x: Int, y: Int? } || add .a.y"),
        // What is applied already may stay.
        ("a: Int; b: Int? || add .b", "a: Int; b: Int? || add .b"),
    ] {
        assert_eq!(faults(live, submitted), [""; 0], "{live} -> {submitted}");
    }
}

#[test]
fn everything_else_is_refused() {
    for (live, submitted, message) in [
        (
            "foo: Int; a: Int",
            "a: Int",
            "Field `.foo` is missing from the submitted schema",
        ),
        (
            "a: Int",
            "a: Int; foo: Int",
            "Field `.foo` is not present in the live schema",
        ),
        (
            "x: Int | String",
            "x: Int",
            "Field `.x` of type `Int` does not match the live type `Int | String`",
        ),
        (
            "x: Any",
            "x: Int",
            "Field `.x` of type `Int` does not match the live type `Any`",
        ),
        (
            "x: Int",
            "x: Int? || add .x",
            "Field `.x` is in the live schema, so it cannot be added or backfilled",
        ),
        (
            "x: Int",
            "x: Int || drop .y",
            "Field `.y` was dropped but it doesn't exist in the live schema",
        ),
        (
            "a: Int",
            "a: Int; b: Int || add .b",
            "Cannot declare non-nullable field `.b`: it has no default and no backfill value",
        ),
        (
            "a: Int",
            "a: Int; x: Int || backfill .x = 1",
            "Field `.x` is backfilled without being declared by an `add` or `split` migration",
        ),
        (
            "a: Int",
            "a: Int || add .x",
            "Cannot add field, as `.x` is not in the submitted schema",
        ),
        (
            "a: Int",
            "a: Int || drop .a",
            "Cannot drop field `.a`. Dropped fields must be removed from schema",
        ),
        (
            "a: Int",
            "a: Int || move .a -> .a",
            "Cannot move a field to itself",
        ),
        (
            "a: Int",
            "a: Int || move .b -> .c",
            "Cannot move field `.b`, as it is not in the live schema",
        ),
        ("a: Int; *: Any", "a: Int", "Missing wildcard definition"),
        ("", "a: Int", "Missing wildcard definition"),
        (
            "a: Int",
            "a: Int; *: Any",
            "Wildcard was not present in the live schema",
        ),
        (
            "a: Int",
            "a: Int || add_wildcard",
            "Cannot add wildcard, as the submitted schema lacks a wildcard",
        ),
        (
            "",
            "a: Int; *: Any || add .a; backfill .a = 1",
            "Cannot add field, as `.a` conflicts with the wildcard",
        ),
        (
            "a: Int",
            "a: Int; c: Int? || add .c; move_wildcard .c",
            "Wildcard conflicts field must have the type `{ *: Any } | Null`",
        ),
    ] {
        let told = faults(live, submitted);
        assert!(
            told.iter().any(|fault| fault == message),
            "{live} -> {submitted}: {told:?}"
        );
    }
}

#[test]
fn an_empty_collection_takes_any_shape() {
    assert!(plan(None, &collection("a: Int; b: Int")).is_ok());
    assert!(plan(None, &collection("a: Int || add .x")).is_err());
}

#[test]
fn steps_come_in_the_order_of_the_migrations() {
    let steps = plan(
        Some(&collection("a: Int")),
        &collection("b: Int; c: String = \"x\" || move .a -> .b; add .c"),
    )
    .unwrap();
    assert!(
        matches!(&steps[..], [PendingStep::Move(..), PendingStep::Add { ty, value: Some(_), .. }] if expected(ty) == "String")
    );
}

fn field(text: &str) -> Vec<crate::value::PathPart> {
    path::parse(text).unwrap()
}

fn ty(text: &str) -> Arc<TypeText> {
    Arc::new(TypeText::new("*test*", text))
}

fn after(data: Value, steps: &[MigrationStep]) -> String {
    let Value::Object(data) = data else {
        panic!("an object is needed")
    };
    provided(&Value::object(migrated((*data).clone(), steps)))
}

#[test]
fn conflicts_are_set_aside_and_kept() {
    let add = MigrationStep::Add {
        path: field(".a"),
        ty: ty("Int"),
        value: Value::Int(0),
    };
    let take = MigrationStep::MoveConflicts { into: field(".c") };
    let text = || Value::string("x");
    let steps = [add, take];
    assert_eq!(after(object(&[("a", Value::Int(1))]), &steps), "{ a: Int }");
    assert_eq!(after(object(&[]), &steps), "{ a: Int }");
    assert_eq!(
        after(object(&[("a", text())]), &steps),
        "{ a: Int, c: { a: String } }"
    );
    let clash = object(&[("a", text()), ("c", object(&[("a", Value::Bool(true))]))]);
    assert_eq!(
        after(clash, &steps),
        "{ c: { a: Boolean, _a: String }, a: Int }"
    );
}

#[test]
fn splits_go_by_type() {
    let target = |path: &str, text: &str, backfill: Value| super::collection::SplitTarget {
        path: field(path),
        ty: ty(text),
        backfill,
    };
    let split = [MigrationStep::Split {
        from: field(".a"),
        targets: vec![
            target(".a", "Int", Value::Int(0)),
            target(".b", "String?", Value::NULL),
        ],
    }];
    assert_eq!(after(object(&[("a", Value::Int(5))]), &split), "{ a: Int }");
    assert_eq!(
        after(object(&[("a", Value::string("x"))]), &split),
        "{ a: Int, b: String }"
    );
    assert_eq!(after(object(&[]), &split), "{ a: Int }");
}

#[test]
fn undeclared_fields_move_together() {
    let step = [MigrationStep::MoveWildcard {
        into: field(".c"),
        declared: vec!["a".into(), "c".into()],
    }];
    assert_eq!(after(object(&[("a", Value::Int(1))]), &step), "{ a: Int }");
    let data = object(&[
        ("_x", Value::Int(1)),
        ("a", Value::Int(1)),
        ("x", Value::Bool(true)),
    ]);
    assert_eq!(after(data, &step), "{ a: Int, c: { x: Boolean, _x: Int } }");
}
