//! Why a schema does not follow from the one in force by its migrations (`spec schema-fsl 5.2`).
//!
//! Compares the shape that is left when all migrations are undone with the live one, and says what lies between them and
//! which migration would help.

use super::fault_place::{FaultHint, FaultPlace};
use super::field_type::FieldType;
use super::migration_item::FieldPath;
use super::path::display;
use super::rewind::{About, MigrationFault};
use super::shape::{Contents, Field, FieldSource, Shape, Wildcard, is_subtype};
use super::type_display::declared;
use crate::value::PathPart;

/// What of a type is not of another.
fn left_over(ty: &FieldType, other: &FieldType) -> String {
    let FieldType::Union(members) = ty else {
        return declared(ty);
    };
    let rest = members.iter().filter(|member| !is_subtype(member, other));
    let rest: Vec<FieldType> = rest.cloned().collect();
    match rest.as_slice() {
        [only] => declared(only),
        _ => declared(&FieldType::Union(rest)),
    }
}

/// Whether documents of the live shape are documents of the rewound one.
pub(super) fn is_compatible(rewound: &Shape, live: &Shape) -> bool {
    let fields = rewound
        .fields
        .iter()
        .all(|(name, field)| match live.field(name) {
            Some(before) => {
                !matches!(field.source, FieldSource::Backfill(..))
                    && field.is_present()
                    && is_subtype(&before.ty(), &field.ty())
            }
            None => match field.source {
                FieldSource::Add(_) | FieldSource::SplitInto(..) | FieldSource::MovedInto(_) => {
                    true
                }
                FieldSource::Backfill(..) | FieldSource::Split(_) | FieldSource::Drop(_) => false,
                FieldSource::Schema(_) => rewound.wildcard.is_none() && field.is_all_added(),
            },
        });
    let kept = live
        .fields
        .iter()
        .all(|(name, _)| rewound.field(name).is_some());
    let has = |wildcard: Option<Wildcard>| {
        matches!(
            wildcard,
            Some(Wildcard::Implicit | Wildcard::Schema | Wildcard::Moved)
        )
    };
    let wildcards = match (rewound.wildcard, live.wildcard) {
        (Some(_), Some(_)) | (None, None) => true,
        (Some(_), None) => !has(rewound.wildcard),
        (None, Some(_)) => !has(live.wildcard),
    };
    fields && kept && wildcards
}

/// Why the live shape does not lead to the submitted one.
pub(super) fn explain(rewound: &Shape, target: &Shape, live: &Shape) -> Vec<MigrationFault> {
    let mut faults = Vec::new();
    let mut tell = |message: String, about: About, at: FaultPlace, hints: Vec<FaultHint>| {
        faults.push(MigrationFault {
            message,
            about,
            at,
            hints,
        });
    };
    // What rewinding found out, with the wildcard as submitted.
    let known = |name: &str| rewound.field(name).or_else(|| target.field(name));
    for (name, before) in &live.fields {
        let about = About::Field(name.clone());
        match known(name) {
            Some(field)
                if !field.is_present() || matches!(field.source, FieldSource::Backfill(..)) =>
            {
                let message = format!(
                    "Field `.{name}` is in the live schema, so it cannot be added or backfilled"
                );
                let at = match field.source {
                    FieldSource::Backfill(_, entry) => FaultPlace::Entry(entry),
                    _ => field.at.clone(),
                };
                tell(message, about, at, Vec::new());
            }
            Some(field) if is_subtype(&before.ty(), &field.ty()) => {}
            Some(field) => {
                let target_ty = field.ty();
                let (submitted, live) = (declared(&target_ty), declared(&before.ty()));
                let message = format!(
                    "Field `.{name}` of type `{submitted}` does not match the live type `{live}`"
                );
                let rest = left_over(&before.ty(), &target_ty);
                let hint = FaultHint::write(
                    "Add a migration to split the invalid types into another field",
                    FaultPlace::BeforeLiveName(name.clone()),
                    format!(
                        "tmp: {rest}\n  migrations {{\n    split .{name} -> .{name}, .tmp\n  }}\n"
                    ),
                );
                tell(message, about, field.type_at(), vec![hint]);
            }
            None => {
                let message = format!("Field `.{name}` is missing from the submitted schema");
                let hint = FaultHint::migrate(
                    "Drop the field and its data with a `drop` migration",
                    FaultPlace::Collection,
                    vec![format!("drop .{name}")],
                );
                tell(
                    message,
                    About::Collection,
                    FaultPlace::Collection,
                    vec![hint],
                );
            }
        }
    }
    for (name, field) in rewound
        .fields
        .iter()
        .filter(|(name, _)| live.field(name).is_none())
    {
        let about = About::Field(name.clone());
        match &field.source {
            FieldSource::Drop(_) => {
                let message =
                    format!("Field `.{name}` was dropped but it doesn't exist in the live schema");
                tell(message, about, field.at.clone(), Vec::new());
            }
            FieldSource::Schema(default) => {
                let mut path = vec![PathPart::Field(name.clone())];
                let hint = "Provide an `add` migration for this field";
                let needs_value = default.is_none() && !is_subtype(&FieldType::Null, &field.ty());
                let (at, hints) = match needs_value {
                    true => {
                        let mut missing = field;
                        if let [(only, inner)] = not_added(&path, field).as_slice() {
                            (path, missing) = (only.clone(), inner);
                        }
                        let last = display(path.last().map_or(&[][..], std::slice::from_ref));
                        let block = format!(
                            "migrations {{\n    add {last}\n    backfill {last} = <expr>\n  }}\n"
                        );
                        let before = FaultPlace::Before(Box::new(missing.at.clone()));
                        let hints = vec![
                            FaultHint::write(hint, before, block),
                            FaultHint::default_value(missing.type_end()),
                            FaultHint::nullable(missing.type_end()),
                        ];
                        (missing.at.clone(), hints)
                    }
                    false => {
                        let add = vec![format!("add .{name}")];
                        let hint = FaultHint::migrate(hint, FaultPlace::Collection, add);
                        (field.at.clone(), vec![hint])
                    }
                };
                let message = format!(
                    "Field `{}` is not present in the live schema",
                    display(&path)
                );
                tell(message, about, at, hints);
            }
            FieldSource::Backfill(..)
            | FieldSource::Split(_)
            | FieldSource::SplitInto(..)
            | FieldSource::Add(_)
            | FieldSource::MovedInto(_) => {}
        }
    }
    let before_first = || match target.fields.first() {
        Some((_, first)) => FaultPlace::Before(Box::new(first.at.clone())),
        None => FaultPlace::Collection,
    };
    match (target.wildcard, live.wildcard) {
        (None, Some(Wildcard::Implicit)) => {
            let hint = FaultHint::write(
                "Collections with no fields defined allow arbitrary fields by default. To keep this behavior, add a \
                 wildcard declaration to the schema definition",
                before_first(),
                "*: Any\n",
            );
            let message = "Missing wildcard definition".to_string();
            tell(
                message,
                About::Collection,
                FaultPlace::Collection,
                vec![hint],
            );
        }
        (None, Some(_)) => {
            let hints = vec![
                FaultHint::write("Add the wildcard back", before_first(), "*: Any\n"),
                FaultHint::migrate(
                    "Move the extra fields with a `move_wildcard` migration",
                    before_first(),
                    vec!["move_wildcard .conflicts".into()],
                ),
                FaultHint::migrate(
                    "Drop the extra fields with a `move_wildcard` and `drop` migration",
                    before_first(),
                    vec!["move_wildcard .conflicts".into(), "drop .conflicts".into()],
                ),
            ];
            let message = "Missing wildcard definition".to_string();
            tell(message, About::Collection, FaultPlace::Collection, hints);
        }
        (Some(Wildcard::Implicit), None) => {
            let message = "All fields from the live schema are dropped, reintroducing the implicit wildcard that \
                           requires an `add_wildcard` migration. Are you sure you meant to do this?";
            let at = FaultPlace::Collection;
            tell(message.into(), About::Collection, at, Vec::new());
        }
        (Some(Wildcard::Schema | Wildcard::Moved), None)
            if !matches!(rewound.wildcard, Some(Wildcard::Added(_))) =>
        {
            let hint = FaultHint::migrate(
                "Add the wildcard with an `add_wildcard` migration",
                FaultPlace::Collection,
                vec!["add_wildcard".into()],
            );
            let message = "Wildcard was not present in the live schema".to_string();
            tell(message, About::Collection, FaultPlace::Wildcard, vec![hint]);
        }
        _ => {}
    }
    if faults.is_empty() {
        let message = "Submitted schema is not compatible with the live schema".to_string();
        faults.push(MigrationFault {
            message,
            about: About::Collection,
            at: FaultPlace::Collection,
            hints: Vec::new(),
        });
    }
    faults
}

/// Fields at or below a field that no `add` declares, and their paths.
fn not_added<'a>(path: &[PathPart], field: &'a Field) -> Vec<(FieldPath, &'a Field)> {
    match (&field.source, &field.contents) {
        (FieldSource::Add(_), _) => Vec::new(),
        (FieldSource::Schema(_), Contents::Record { wildcard: true, .. }) => Vec::new(),
        (FieldSource::Schema(_), Contents::Record { fields, .. }) => fields
            .iter()
            .flat_map(|(name, field)| {
                let mut inner = path.to_vec();
                inner.push(PathPart::Field(name.clone()));
                not_added(&inner, field)
            })
            .collect(),
        _ => vec![(path.to_vec(), field)],
    }
}
