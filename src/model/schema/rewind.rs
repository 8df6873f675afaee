//! The migration validator: does a list of migrations lead from the live shape to the submitted one?
//! (`spec schema-fsl 5.2`)
//!
//! Migrations are undone on the submitted shape, last first; what is left must be compatible with the live shape.
//! Undoing also tells the steps that documents have to take.

use super::collection::Collection;
use super::field_type::FieldType;
use super::migration_item::{FieldPath, MigrationItem, applied, items};
use super::path::display;
use super::shape::{Contents, Field, FieldSource, Filling, NoField, Shape, Wildcard, is_subtype};
use super::type_display::expected;
use crate::value::{PathPart, Str};

/// What is wrong with the migrations of a definition, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationFault {
    /// The message.
    pub message: String,
    /// What it is about, for the place in the schema's text.
    pub about: About,
    /// Where it is shown when a query wrote the definition.
    pub at: FaultPlace,
    /// What could be done about it.
    pub hints: Vec<FaultHint>,
}

/// A hint of a [`MigrationFault`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultHint {
    /// The message.
    pub message: String,
    /// Where it is shown.
    pub at: FaultPlace,
    /// A text to put there.
    pub suggestion: Option<&'static str>,
}

/// A place in the stored texts of a definition, which only types have: names and migrations are no texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultPlace {
    /// None.
    Nowhere,
    /// The type of a field.
    Type(FieldPath),
    /// The end of the type of a field.
    AfterType(FieldPath),
}

impl FaultHint {
    fn plain(message: &str) -> FaultHint {
        FaultHint {
            message: message.to_string(),
            at: FaultPlace::Nowhere,
            suggestion: None,
        }
    }

    fn nullable(path: &[PathPart]) -> FaultHint {
        FaultHint {
            message: "Make the field nullable".to_string(),
            at: FaultPlace::AfterType(path.to_vec()),
            suggestion: Some("?"),
        }
    }

    fn default_value(path: &[PathPart]) -> FaultHint {
        FaultHint {
            message: "Add a default value to this field".to_string(),
            at: FaultPlace::AfterType(path.to_vec()),
            suggestion: Some(" = <expr>"),
        }
    }
}

/// A place in a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The n-th entry of `migrations`.
    Migration(usize),
    /// A declared field.
    Field(Str),
    /// The whole definition.
    Collection,
}

/// A step documents have to take; values for existing documents are not evaluated yet.
#[derive(Clone, Debug, PartialEq)]
pub enum PendingStep {
    /// See [`super::collection::MigrationStep::Add`].
    Add {
        /// The field.
        path: FieldPath,
        /// Its type.
        ty: FieldType,
        /// Its value, if it has one.
        value: Option<Filling>,
    },
    /// See [`super::collection::MigrationStep::Drop`].
    Drop(FieldPath),
    /// See [`super::collection::MigrationStep::Move`].
    Move(FieldPath, FieldPath),
    /// See [`super::collection::MigrationStep::Split`].
    Split(FieldPath, Vec<(FieldPath, FieldType, Option<Filling>)>),
    /// See [`super::collection::MigrationStep::MoveConflicts`].
    MoveConflicts(FieldPath),
    /// See [`super::collection::MigrationStep::MoveWildcard`].
    MoveWildcard(FieldPath, Vec<Str>),
    /// See [`super::collection::MigrationStep::AddWildcard`].
    AddWildcard,
}

/// The steps from `live` to `submitted`, or why there are none. Without `live` (the collection has never held a
/// document) the migrations need only agree with themselves.
pub fn plan(
    live: Option<&Collection>,
    submitted: &Collection,
) -> Result<Vec<PendingStep>, Vec<MigrationFault>> {
    let all = items(&submitted.definition);
    let target = Shape::of(submitted);
    let done = live.map_or(0, |live| applied(&items(&live.definition), &all));
    let mut rewind = Rewind::from(target.clone());
    for (at, item) in all.iter().enumerate().skip(done).rev() {
        rewind.at = at;
        rewind.undo(item);
    }
    for (at, item) in all.iter().enumerate().skip(done) {
        if let MigrationItem::Backfill(path, _) = item
            && matches!(
                rewind.shape.get(path),
                Ok(Field {
                    source: FieldSource::Backfill(_),
                    ..
                })
            )
        {
            let message = format!(
                "Field `{}` is backfilled without being declared by an `add` or `split` migration",
                display(path)
            );
            rewind.faults.push(MigrationFault {
                message,
                about: About::Migration(at),
                at: FaultPlace::Nowhere,
                hints: Vec::new(),
            });
        }
    }
    if !rewind.faults.is_empty() {
        return Err(rewind.faults);
    }
    if let Some(live) = live {
        let live = Shape::of(live);
        if !is_compatible(&rewind.shape, &live) {
            return Err(explain(&rewind.shape, &target, &live));
        }
    }
    rewind.steps.reverse();
    Ok(rewind.steps)
}

/// A `backfill` that is not applied yet.
#[derive(Clone, Debug)]
pub struct NewBackfill {
    /// Which entry of `migrations`.
    pub at: usize,
    /// The field.
    pub path: FieldPath,
    /// The expression.
    pub value: Str,
    /// What the field holds at that point, if that is not what the submitted definition declares.
    pub earlier: Option<FieldType>,
}

/// The backfills that lead from `live` to `submitted`, last first: each with the type its field has when the
/// migrations after it are undone.
pub fn backfills(live: Option<&Collection>, submitted: &Collection) -> Vec<NewBackfill> {
    let all = items(&submitted.definition);
    let done = live.map_or(0, |live| applied(&items(&live.definition), &all));
    let target = Shape::of(submitted);
    let mut rewind = Rewind::from(target.clone());
    let mut found = Vec::new();
    for (at, item) in all.iter().enumerate().skip(done).rev() {
        if let MigrationItem::Backfill(path, value) = item {
            let declared = target.get(path).ok().map(Field::ty);
            let now = rewind.shape.get(path).ok().map(Field::ty);
            found.push(NewBackfill {
                at,
                path: path.clone(),
                value: value.clone(),
                earlier: now.filter(|now| declared.as_ref() != Some(now)),
            });
        }
        rewind.at = at;
        rewind.undo(item);
    }
    found
}

struct Rewind {
    shape: Shape,
    /// Last first.
    steps: Vec<PendingStep>,
    faults: Vec<MigrationFault>,
    /// A later `move_conflicts` takes what does not fit.
    conflicts: bool,
    at: usize,
}

impl From<Shape> for Rewind {
    /// Begins where all migrations are done.
    fn from(shape: Shape) -> Rewind {
        Rewind {
            shape,
            steps: Vec::new(),
            faults: Vec::new(),
            conflicts: false,
            at: 0,
        }
    }
}

impl Rewind {
    fn fault(&mut self, message: impl Into<String>) {
        self.fault_with(message, &[]);
    }

    fn fault_with(&mut self, message: impl Into<String>, hints: &[&str]) {
        self.faults.push(MigrationFault {
            message: message.into(),
            about: About::Migration(self.at),
            at: FaultPlace::Nowhere,
            hints: hints.iter().map(|hint| FaultHint::plain(hint)).collect(),
        });
    }

    fn undo(&mut self, item: &MigrationItem) {
        match item {
            MigrationItem::Backfill(path, value) => self.undo_backfill(path, value),
            MigrationItem::Drop(path) => self.undo_drop(path),
            MigrationItem::Move(from, to) => self.undo_move(from, to),
            MigrationItem::Split(from, targets) => self.undo_split(from, targets),
            MigrationItem::Add(path) => self.undo_add(path),
            MigrationItem::MoveConflicts(into) => self.undo_move_conflicts(into),
            MigrationItem::MoveWildcard(into) => self.undo_move_wildcard(into),
            MigrationItem::AddWildcard => self.undo_add_wildcard(),
        }
    }

    fn undo_backfill(&mut self, path: &FieldPath, value: &Str) {
        let name = display(path);
        let field = match self.shape.get(path) {
            Ok(field) => field.clone(),
            Err(NoField::NotFound) => {
                return self.fault(format!(
                    "Cannot backfill field `{name}`, as it is not in the submitted schema"
                ));
            }
            Err(NoField::WildcardNeighbor) => {
                return self.fault(format!(
                    "Cannot backfill field, as there is a wildcard in the same struct as `{name}`"
                ));
            }
        };
        match field.source {
            FieldSource::Backfill(_) => self.fault_with(
                format!("Cannot backfill field `{name}` multiple times"),
                &["Earlier backfill defined here", "Delete the later backfill"],
            ),
            FieldSource::SplitInto => self.fault_with(
                format!(
                    "Cannot split field `{name}`: cannot split into a field after it's backfilled"
                ),
                &[
                    "Field is an output of a split",
                    "Move the backfill after the split",
                    "Remove the backfill",
                    "Remove the split",
                ],
            ),
            FieldSource::Add => self.fault_with(
                format!("Cannot add field `{name}` after it's backfilled"),
                &["Field backfilled here"],
            ),
            FieldSource::MovedInto => self.fault(format!(
                "Cannot backfill field `{name}, as it is not in the submitted schema"
            )),
            FieldSource::Schema(_) | FieldSource::Split | FieldSource::Drop => {
                let source = FieldSource::Backfill(Filling::Backfill(value.clone()));
                self.shape.put(path, Field { source, ..field });
            }
        }
    }

    fn undo_drop(&mut self, path: &FieldPath) {
        self.steps.push(PendingStep::Drop(path.clone()));
        let name = display(path);
        if self.shape.get(path).is_ok_and(Field::is_present) {
            return self.fault_with(
                format!("Cannot drop field `{name}`. Dropped fields must be removed from schema"),
                &["Field defined here"],
            );
        }
        if path.len() > 1 {
            match self.shape.get(&path[..path.len() - 1]) {
                Ok(Field {
                    contents: Contents::Record { .. },
                    ..
                }) => {}
                Ok(_) => {
                    return self.fault(format!(
                        "Cannot drop field `{name}`, as the parent is not an object"
                    ));
                }
                Err(_) => {
                    return self.fault(format!(
                        "Cannot drop field `{name}`, as the parent object was removed"
                    ));
                }
            }
        }
        self.shape
            .put(path, Field::new(FieldType::Any, FieldSource::Drop));
    }

    fn undo_move(&mut self, from: &FieldPath, to: &FieldPath) {
        let (from_name, to_name) = (display(from), display(to));
        let target = match self.shape.get(to) {
            Ok(_) if from == to => {
                let hints = ["Remove the futile `move`"];
                return self.fault_with("Cannot move a field to itself", &hints);
            }
            Ok(target) => target.clone(),
            Err(NoField::NotFound) => {
                return self.fault(format!(
                    "Cannot move field `{from_name}`, as it is not in the live schema"
                ));
            }
            Err(NoField::WildcardNeighbor) => {
                return self.fault(format!(
                    "Cannot move field `{to_name}` into a struct with a wildcard definition"
                ));
            }
        };
        match self.shape.get(from).cloned() {
            Ok(field) if field.is_present() && !field.is_optional() => {
                let last = match from.last() {
                    Some(PathPart::Field(name)) => name.clone(),
                    Some(PathPart::Index(_)) | None => Str::default(),
                };
                let both = format!(
                    "To move `{from_name}` to `{to_name}` and add a new field named `{last}`, add an `add` migration"
                );
                self.fault_with(
                    format!("Cannot move field `{from_name}`, as it is in the submitted schema"),
                    &["Field defined here", &both],
                );
            }
            Ok(field) if field.is_present() => {
                if let FieldSource::Schema(Some(default)) = &field.source {
                    // The field comes back after the move, with its default.
                    self.steps.push(PendingStep::Add {
                        path: from.clone(),
                        ty: field.ty(),
                        value: Some(default.clone()),
                    });
                }
            }
            Ok(_) | Err(NoField::NotFound) => {}
            Err(NoField::WildcardNeighbor) => {
                self.fault(format!(
                    "Cannot move field `{from_name}` out of a struct with a wildcard definition"
                ));
            }
        }
        let parent = (from.len() > 1).then(|| self.shape.get(&from[..from.len() - 1]).cloned());
        let message = match parent {
            Some(Err(_)) => Some(format!(
                "Cannot move field `{from_name}`, as the parent object was removed."
            )),
            Some(Ok(Field {
                contents: Contents::Plain(_),
                source,
            })) if source != FieldSource::Drop => Some(format!(
                "Cannot move field `{from_name}`, as the parent value is not an object."
            )),
            Some(Ok(_)) | None => None,
        };
        match message {
            Some(message) => self.fault(message),
            None => {
                self.steps.push(PendingStep::Move(from.clone(), to.clone()));
                self.shape.put(from, target.clone());
            }
        }
        self.shape.put(
            to,
            Field {
                source: FieldSource::MovedInto,
                ..target
            },
        );
    }

    fn undo_split(&mut self, from: &FieldPath, targets: &[FieldPath]) {
        if targets.len() < 2 {
            return self.fault("Cannot split field: expected at least two fields to split into");
        }
        match self.shape.get(from) {
            Ok(field) if field.is_present() && !targets.contains(from) => match field.source {
                FieldSource::Schema(_) | FieldSource::Backfill(_) => self.fault_with(
                    "Cannot split field: field is still present in submitted schema",
                    &["Field defined here"],
                ),
                FieldSource::Split => self.fault_with(
                    "Cannot split field twice",
                    &[
                        "Field is also split here",
                        "Remove this split",
                        "Remove the later split",
                    ],
                ),
                FieldSource::Drop => {
                    self.fault_with("Cannot drop field that was split", &["Remove the `drop`"])
                }
                FieldSource::MovedInto | FieldSource::SplitInto | FieldSource::Add => {
                    self.fault("Cannot move into a field that is also a split target")
                }
            },
            Ok(_) | Err(NoField::NotFound) => {}
            Err(NoField::WildcardNeighbor) => self.fault(format!(
                "Cannot split field `{}`, which is in a struct with a wildcard definition",
                display(from)
            )),
        }
        let mut outputs = Vec::new();
        let mut members = Vec::new();
        for target in targets {
            match self.shape.get(target).cloned() {
                Ok(field) => {
                    match field.source {
                        FieldSource::Add => self.fault_with(
                            "Cannot add a field that is also created by a split",
                            &["Field is added here", "Remove the add"],
                        ),
                        FieldSource::SplitInto => self.fault_with(
                            "Cannot split into a field that is already split into",
                            &["Field is also split into here", "Remove the later split"],
                        ),
                        FieldSource::MovedInto => {
                            self.fault("Cannot move into a field that is also a split target")
                        }
                        FieldSource::Split
                        | FieldSource::Schema(_)
                        | FieldSource::Drop
                        | FieldSource::Backfill(_) => {}
                    }
                    let value = self.take_filling(&field, target);
                    let ty = field.ty();
                    members.push(ty.clone());
                    self.shape.put(
                        target,
                        Field {
                            source: FieldSource::SplitInto,
                            ..field
                        },
                    );
                    outputs.push((target.clone(), ty, value));
                }
                Err(NoField::NotFound) => {
                    self.fault(format!(
                        "Cannot split field, as `{}` is not in the submitted schema",
                        display(target)
                    ));
                    members.push(FieldType::Any);
                }
                Err(NoField::WildcardNeighbor) => self.fault(format!(
                    "Cannot split into field `{}`, which is in a struct with a wildcard definition",
                    display(target)
                )),
            }
        }
        self.steps.push(PendingStep::Split(from.clone(), outputs));
        let inside = (1..from.len()).all(|n| {
            matches!(
                self.shape.get(&from[..n]),
                Ok(Field {
                    contents: Contents::Record { .. },
                    ..
                })
            )
        });
        if inside {
            // Everything the targets take, and nothing.
            members.push(FieldType::Null);
            self.shape.put(
                from,
                Field::new(FieldType::Union(members), FieldSource::Split),
            );
        }
    }

    fn undo_add(&mut self, path: &FieldPath) {
        let name = display(path);
        let field = match self.shape.get(path) {
            Ok(field) => field.clone(),
            Err(NoField::NotFound) => {
                return self.fault(format!(
                    "Cannot add field, as `{name}` is not in the submitted schema"
                ));
            }
            Err(NoField::WildcardNeighbor) => {
                return self.fault(format!(
                    "Cannot add field, as there is a wildcard in the same struct as `{name}`"
                ));
            }
        };
        match field.source {
            FieldSource::SplitInto => {
                return self.fault_with(
                    format!(
                        "Cannot split field: field `{name}` cannot both be added and be a split output"
                    ),
                    &[
                        "Field is an output of a split",
                        "Remove the add",
                        "Remove the split",
                    ],
                );
            }
            FieldSource::Add => {
                return self.fault_with(
                    format!("Cannot add field `{name}` twice"),
                    &["Field added here", "Remove the extra add"],
                );
            }
            FieldSource::MovedInto => {
                return self.fault_with(
                    format!("Cannot move into field `{name}` as it was also added"),
                    &["Field moved into here", "Remove the add", "Remove the move"],
                );
            }
            FieldSource::Schema(_)
            | FieldSource::Backfill(_)
            | FieldSource::Split
            | FieldSource::Drop => {}
        }
        let value = self.take_filling(&field, path);
        let beside_wildcard = path.len() == 1 && self.shape.wildcard.is_some();
        if !beside_wildcard || self.conflicts {
            self.steps.push(PendingStep::Add {
                path: path.clone(),
                ty: field.ty(),
                value,
            });
        } else if !is_subtype(&FieldType::Any, &field.ty()) {
            self.fault_with(
                format!("Cannot add field, as `{name}` conflicts with the wildcard"),
                &["Add a `move_conflicts` migration"],
            );
        }
        self.shape.put(
            path,
            Field {
                source: FieldSource::Add,
                ..field
            },
        );
    }

    fn undo_move_conflicts(&mut self, into: &FieldPath) {
        if !matches!(
            self.shape.wildcard,
            Some(Wildcard::Implicit | Wildcard::Schema | Wildcard::Moved)
        ) {
            return self.fault_with(
                "Cannot move wildcard conflicts, as there is no wildcard in the submitted schema",
                &[
                    "Add a wildcard constraint",
                    "Move the extra fields into a conflicts field with `move_wildcard`",
                ],
            );
        }
        self.check_conflicts_field(into);
        self.conflicts = true;
        self.steps.push(PendingStep::MoveConflicts(into.clone()));
    }

    fn undo_move_wildcard(&mut self, into: &FieldPath) {
        if matches!(
            self.shape.wildcard,
            Some(Wildcard::Implicit | Wildcard::Schema | Wildcard::Moved)
        ) {
            return self.fault(
                "Cannot move wildcard, as there is still a wildcard in the submitted schema",
            );
        }
        self.check_conflicts_field(into);
        let present = self
            .shape
            .fields
            .iter()
            .filter(|(_, field)| field.is_present());
        let declared = present.map(|(name, _)| name.clone()).collect();
        self.steps
            .push(PendingStep::MoveWildcard(into.clone(), declared));
        self.shape.wildcard = Some(Wildcard::Moved);
    }

    fn check_conflicts_field(&mut self, into: &FieldPath) {
        let name = display(into);
        match self.shape.get(into) {
            Ok(field) if field.is_present() => {
                if field.source != FieldSource::Drop && !is_conflicts_type(&field.ty()) {
                    self.fault("Wildcard conflicts field must have the type `{ *: Any } | Null`");
                }
            }
            Ok(_) | Err(NoField::NotFound) => {
                self.fault(format!("Cannot move wildcard conflicts to field `{name}`, as it is not in the submitted schema"));
            }
            Err(NoField::WildcardNeighbor) => self.fault(format!(
                "Cannot move wildcard conflicts to field, as there is a wildcard in the same struct as `{name}`"
            )),
        }
    }

    fn undo_add_wildcard(&mut self) {
        match self.shape.wildcard {
            Some(Wildcard::Schema | Wildcard::Implicit | Wildcard::Moved) => {
                self.shape.wildcard = Some(Wildcard::Added);
                self.steps.push(PendingStep::AddWildcard);
            }
            Some(Wildcard::Added) => self.fault_with(
                "Cannot add a wildcard twice",
                &["Remove the duplicate `add_wildcard` migration"],
            ),
            None => self.fault("Cannot add wildcard, as the submitted schema lacks a wildcard"),
        }
    }

    /// The value existing documents get for a new field: its `backfill`, else its default, else nothing.
    fn take_filling(&mut self, field: &Field, path: &FieldPath) -> Option<Filling> {
        match &field.source {
            FieldSource::Schema(None) => {
                if !is_subtype(&FieldType::Null, &field.ty()) {
                    self.faults.push(MigrationFault {
                        message: format!(
                            "Cannot declare non-nullable field `{}`: it has no default and no backfill value",
                            display(path)
                        ),
                        about: About::Migration(self.at),
                        at: FaultPlace::Nowhere,
                        hints: vec![
                            FaultHint::nullable(path),
                            FaultHint::default_value(path),
                            FaultHint::plain("Add a `backfill` migration"),
                        ],
                    });
                }
                None
            }
            FieldSource::Schema(Some(filling)) | FieldSource::Backfill(filling) => {
                Some(filling.clone())
            }
            FieldSource::Split
            | FieldSource::SplitInto
            | FieldSource::Drop
            | FieldSource::Add
            | FieldSource::MovedInto => None,
        }
    }
}

/// Whether it is `{ *: Any } | Null`, in either order.
fn is_conflicts_type(ty: &FieldType) -> bool {
    let FieldType::Union(members) = ty else {
        return false;
    };
    members.len() == 2
        && members.contains(&FieldType::Null)
        && members.contains(&FieldType::any_record())
}

/// Whether documents of the live shape are documents of the rewound one.
fn is_compatible(rewound: &Shape, live: &Shape) -> bool {
    let fields = rewound
        .fields
        .iter()
        .all(|(name, field)| match live.field(name) {
            Some(before) => {
                !matches!(field.source, FieldSource::Backfill(_))
                    && field.is_present()
                    && is_subtype(&before.ty(), &field.ty())
            }
            None => match field.source {
                FieldSource::Add | FieldSource::SplitInto | FieldSource::MovedInto => true,
                FieldSource::Backfill(_) | FieldSource::Split | FieldSource::Drop => false,
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
fn explain(rewound: &Shape, target: &Shape, live: &Shape) -> Vec<MigrationFault> {
    let mut faults = Vec::new();
    let mut tell = |message: String, about: About, at: FaultPlace, hints: Vec<FaultHint>| {
        faults.push(MigrationFault {
            message,
            about,
            at,
            hints,
        });
    };
    let nowhere = FaultPlace::Nowhere;
    // What rewinding found out, with the wildcard as submitted.
    let known = |name: &str| rewound.field(name).or_else(|| target.field(name));
    for (name, before) in &live.fields {
        let about = About::Field(name.clone());
        match known(name) {
            Some(field)
                if !field.is_present() || matches!(field.source, FieldSource::Backfill(_)) =>
            {
                let message = format!(
                    "Field `.{name}` is in the live schema, so it cannot be added or backfilled"
                );
                tell(message, about, nowhere.clone(), Vec::new());
            }
            Some(field) if is_subtype(&before.ty(), &field.ty()) => {}
            Some(field) => {
                let (submitted, live) = (expected(&field.ty()), expected(&before.ty()));
                let message = format!(
                    "Field `.{name}` of type `{submitted}` does not match the live type `{live}`"
                );
                let at = match field.source {
                    FieldSource::Schema(_) => FaultPlace::Type(vec![PathPart::Field(name.clone())]),
                    FieldSource::Backfill(_)
                    | FieldSource::Split
                    | FieldSource::SplitInto
                    | FieldSource::Drop
                    | FieldSource::Add
                    | FieldSource::MovedInto => nowhere.clone(),
                };
                let hint = "Add a migration to split the invalid types into another field";
                tell(message, about, at, vec![FaultHint::plain(hint)]);
            }
            None => {
                let message = format!("Field `.{name}` is missing from the submitted schema");
                let hint = "Drop the field and its data with a `drop` migration";
                let hints = vec![FaultHint::plain(hint)];
                tell(message, About::Collection, nowhere.clone(), hints);
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
            FieldSource::Drop => {
                let message =
                    format!("Field `.{name}` was dropped but it doesn't exist in the live schema");
                tell(message, about, nowhere.clone(), Vec::new());
            }
            FieldSource::Schema(default) => {
                let mut path = vec![PathPart::Field(name.clone())];
                let mut hints = vec![FaultHint::plain(
                    "Provide an `add` migration for this field",
                )];
                if default.is_none() && !is_subtype(&FieldType::Null, &field.ty()) {
                    let missing = not_added(&path, field);
                    if let [only] = missing.as_slice() {
                        path = only.clone();
                    }
                    hints.push(FaultHint::default_value(&path));
                    hints.push(FaultHint::nullable(&path));
                }
                let message = format!(
                    "Field `{}` is not present in the live schema",
                    display(&path)
                );
                tell(message, about, nowhere.clone(), hints);
            }
            FieldSource::Backfill(_)
            | FieldSource::Split
            | FieldSource::SplitInto
            | FieldSource::Add
            | FieldSource::MovedInto => {}
        }
    }
    let (message, hints) = match (target.wildcard, live.wildcard) {
        (None, Some(Wildcard::Implicit)) => (
            "Missing wildcard definition",
            &[
                "Collections with no fields defined allow arbitrary fields by default. To keep this behavior, add a \
                 wildcard declaration to the schema definition",
            ][..],
        ),
        (None, Some(_)) => (
            "Missing wildcard definition",
            &[
                "Add the wildcard back",
                "Move the extra fields with a `move_wildcard` migration",
                "Drop the extra fields with a `move_wildcard` and `drop` migration",
            ][..],
        ),
        (Some(Wildcard::Implicit), None) => (
            "All fields from the live schema are dropped, reintroducing the implicit wildcard that requires an \
             `add_wildcard` migration. Are you sure you meant to do this?",
            &[][..],
        ),
        (Some(Wildcard::Schema | Wildcard::Moved), None)
            if rewound.wildcard != Some(Wildcard::Added) =>
        {
            (
                "Wildcard was not present in the live schema",
                &["Add the wildcard with an `add_wildcard` migration"][..],
            )
        }
        _ => ("", &[][..]),
    };
    if !message.is_empty() {
        let hints = hints.iter().map(|hint| FaultHint::plain(hint)).collect();
        tell(message.into(), About::Collection, nowhere.clone(), hints);
    }
    if faults.is_empty() {
        let message = "Submitted schema is not compatible with the live schema".to_string();
        faults.push(MigrationFault {
            message,
            about: About::Collection,
            at: nowhere,
            hints: Vec::new(),
        });
    }
    faults
}

/// Paths below a field that no `add` declares.
fn not_added(path: &[PathPart], field: &Field) -> Vec<FieldPath> {
    match (&field.source, &field.contents) {
        (FieldSource::Add, _) => Vec::new(),
        (FieldSource::Schema(_), Contents::Record { wildcard: true, .. }) => Vec::new(),
        (FieldSource::Schema(_), Contents::Record { fields, .. }) => fields
            .iter()
            .flat_map(|(name, field)| {
                let mut inner = path.to_vec();
                inner.push(PathPart::Field(name.clone()));
                not_added(&inner, field)
            })
            .collect(),
        _ => vec![path.to_vec()],
    }
}
