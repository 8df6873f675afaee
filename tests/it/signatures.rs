//! The function table against the specification's list of declared signatures, line by line.

use fql::engine::Engine;
use fql::fql::syntax::{Source, format_type_scheme, parse_type_scheme};
use std::collections::BTreeSet;

#[test]
fn the_function_table_declares_every_signature() {
    let expected = specified();
    let declared = declared();
    let missing: Vec<_> = expected.difference(&declared).collect();
    let extra: Vec<_> = declared.difference(&expected).collect();
    for line in &missing {
        println!("missing: {line}");
    }
    for line in &extra {
        println!("extra:   {line}");
    }
    assert!(
        missing.is_empty() && extra.is_empty(),
        "{} missing, {} extra",
        missing.len(),
        extra.len()
    );
}

fn line(shape: &str, name: &str, ty: &str) -> String {
    format!("{shape}.{name}: {}", canonical(ty))
}

/// One form for every way to write a type; numeric kinds of parameters are declared `Number`.
fn canonical(ty: &str) -> String {
    let ty = ty.split_whitespace().collect::<Vec<_>>().join(" ");
    match parse_type_scheme(&Source::new("*signature*", ty.as_str())) {
        Ok(scheme) => widen(&format_type_scheme(&scheme)),
        Err(_) => panic!("not a type: {ty}"),
    }
}

fn widen(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(std::iter::once(' ')) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        out.push_str(match word.as_str() {
            "Int" | "Long" | "Double" | "Float" => "Number",
            other => other,
        });
        word.clear();
        out.push(c);
    }
    out.trim_end().to_string()
}

fn specified() -> BTreeSet<String> {
    let (mut shape, mut lines) = (String::new(), BTreeSet::new());
    let mut pending: Option<(String, String)> = None;
    let text = include_str!("fixtures/signatures.txt");
    let mut globals = Vec::new();
    let flush = |pending: &mut Option<(String, String)>,
                 shape: &str,
                 lines: &mut BTreeSet<String>,
                 globals: &mut Vec<(String, String)>| {
        if let Some((name, ty)) = pending.take() {
            let ty = ty
                .replace(
                    "RANGE",
                    "{ from: Any } | { to: Any } | { from: Any, to: Any }",
                )
                .replace("MIGRATION", MIGRATION);
            if shape == "globals" {
                globals.push((name.clone(), ty.clone()));
            }
            lines.insert(line(shape, &name, &ty));
        }
    };
    for text in text.lines() {
        if let Some(name) = text.strip_prefix("# ") {
            flush(&mut pending, &shape, &mut lines, &mut globals);
            shape = name.split('<').next().unwrap_or(name).to_string();
        } else if text.starts_with([' ', '(']) || text.trim().is_empty() {
            if let Some((_, ty)) = &mut pending {
                ty.push(' ');
                ty.push_str(text);
            }
        } else {
            flush(&mut pending, &shape, &mut lines, &mut globals);
            let (name, ty) = text.split_once(": ").expect("a member");
            pending = Some((name.to_string(), ty.to_string()));
        }
    }
    flush(&mut pending, &shape, &mut lines, &mut globals);
    lines.extend(
        globals
            .iter()
            .filter(|(name, _)| name != "FQL")
            .map(|(name, ty)| line("FQLModule", name, ty)),
    );
    // In words: the kinds of `Number` have its members.
    let numbers: Vec<String> = lines
        .iter()
        .filter_map(|l| l.strip_prefix("Number.").map(str::to_string))
        .collect();
    for kind in ["Int", "Long", "Double", "Float"] {
        lines.extend(numbers.iter().map(|member| format!("{kind}.{member}")));
    }
    lines
}

const MIGRATION: &str = "{ backfill: { field: String, value: String } } | { drop: { field: String } } | { split: { field: String, to: Array<String> } } | { move: { field: String, to: String } } | { add: { field: String } } | { move_conflicts: { into: String } } | { move_wildcard: { into: String } } | { add_wildcard: {} }";

fn declared() -> BTreeSet<String> {
    let engine = Engine::memory().expect("an engine");
    let shapes = engine.native_shapes();
    let mut lines = BTreeSet::new();
    for (name, ty) in &shapes.globals {
        lines.insert(line("globals", name, ty));
    }
    for shape in &shapes.shapes {
        for (name, ty) in &shape.members {
            lines.insert(line(&shape.name, name, ty));
        }
        if let Some(alias) = &shape.alias {
            lines.insert(line(&shape.name, "alias", alias));
        }
    }
    lines
}
