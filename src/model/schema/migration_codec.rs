//! Migration steps as they are kept in a collection's definition (`internal_migrations`).

use super::collection::{MigrationStep, SplitTarget};
use super::load::{elements, text};
use super::path;
use super::text::TypeText;
use crate::value::{Object, PathPart, Str, Value};
use std::sync::Arc;

/// A step as a stored object.
pub fn encode(step: &MigrationStep) -> Object {
    let path_text = |path: &[PathPart]| Value::string(path::display(path));
    let mut out = Object::new();
    match step {
        MigrationStep::Add { path, ty, value } => {
            out.insert("step", Value::string("add"));
            out.insert("path", path_text(path));
            out.insert("type", Value::string(ty.text()));
            out.insert("value", value.clone());
        }
        MigrationStep::Drop { path } => {
            out.insert("step", Value::string("drop"));
            out.insert("path", path_text(path));
        }
        MigrationStep::Move { from, to } => {
            out.insert("step", Value::string("move"));
            out.insert("path", path_text(from));
            out.insert("to", path_text(to));
        }
        MigrationStep::Split { from, targets } => {
            out.insert("step", Value::string("split"));
            out.insert("path", path_text(from));
            let targets = targets.iter().map(|target| {
                let mut object = Object::new();
                object.insert("path", path_text(&target.path));
                object.insert("type", Value::string(target.ty.text()));
                object.insert("value", target.backfill.clone());
                Value::object(object)
            });
            out.insert("targets", Value::array(targets.collect()));
        }
        MigrationStep::MoveConflicts { into } => {
            out.insert("step", Value::string("move_conflicts"));
            out.insert("path", path_text(into));
        }
        MigrationStep::MoveWildcard { into, declared } => {
            out.insert("step", Value::string("move_wildcard"));
            out.insert("path", path_text(into));
            out.insert(
                "declared",
                Value::array(
                    declared
                        .iter()
                        .map(|name| Value::String(name.clone()))
                        .collect(),
                ),
            );
        }
        MigrationStep::AddWildcard => {
            out.insert("step", Value::string("add_wildcard"));
        }
    }
    out
}

/// The step a stored object means.
pub fn decode(stored: &Object) -> Option<MigrationStep> {
    let path_of =
        |object: &Object, name: &str| text(object, name).and_then(|text| path::parse(&text));
    let type_of = |object: &Object| {
        Some(Arc::new(TypeText::new(
            "*migration*",
            text(object, "type")?,
        )))
    };
    let value_of = |object: &Object| object.get("value").cloned().unwrap_or(Value::NULL);
    Some(match text(stored, "step")?.as_ref() {
        "add" => MigrationStep::Add {
            path: path_of(stored, "path")?,
            ty: type_of(stored)?,
            value: value_of(stored),
        },
        "drop" => MigrationStep::Drop {
            path: path_of(stored, "path")?,
        },
        "move" => MigrationStep::Move {
            from: path_of(stored, "path")?,
            to: path_of(stored, "to")?,
        },
        "split" => {
            let targets = elements(stored, "targets").map(|target| match target {
                Value::Object(target) => Some(SplitTarget {
                    path: path_of(target, "path")?,
                    ty: type_of(target)?,
                    backfill: value_of(target),
                }),
                _ => None,
            });
            MigrationStep::Split {
                from: path_of(stored, "path")?,
                targets: targets.collect::<Option<_>>()?,
            }
        }
        "move_conflicts" => MigrationStep::MoveConflicts {
            into: path_of(stored, "path")?,
        },
        "move_wildcard" => {
            let declared = elements(stored, "declared").filter_map(|name| match name {
                Value::String(name) => Some(Str::clone(name)),
                _ => None,
            });
            MigrationStep::MoveWildcard {
                into: path_of(stored, "path")?,
                declared: declared.collect(),
            }
        }
        "add_wildcard" => MigrationStep::AddWildcard,
        _ => return None,
    })
}
