//! The migration validator: does a list of migrations lead from the live shape to the submitted one?
//! (`spec schema-fsl 5.2`)
//!
//! Migrations are undone on the submitted shape, last first; what is left must be compatible with the live shape.
//! Undoing also tells the steps that documents have to take.

use super::collection::Collection;
use super::fault_place::{FaultHint, FaultPlace};
use super::field_type::FieldType;
use super::migration_item::{FieldPath, MigrationItem, applied, items};
use super::path::display;
use super::shape::{Contents, Field, FieldSource, Filling, NoField, Shape, Wildcard, is_subtype};
use super::unexplained::{explain, is_compatible};
use crate::value::{PathPart, Str};

/// What is wrong with the migrations of a definition, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationFault {
    /// The message.
    pub message: String,
    /// What it is about, for the place in the schema's text.
    pub about: About,
    /// Where it is shown.
    pub at: FaultPlace,
    /// What could be done about it.
    pub hints: Vec<FaultHint>,
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
                    source: FieldSource::Backfill(..),
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
                at: FaultPlace::Entry(at),
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
    /// A fault about the first path of the entry at hand.
    fn fault(&mut self, message: impl Into<String>) {
        self.fault_at(self.path(0), message, Vec::new());
    }

    /// The same, with hints.
    fn fault_with(&mut self, message: impl Into<String>, hints: Vec<FaultHint>) {
        self.fault_at(self.path(0), message, hints);
    }

    fn fault_at(&mut self, at: FaultPlace, message: impl Into<String>, hints: Vec<FaultHint>) {
        self.faults.push(MigrationFault {
            message: message.into(),
            about: About::Migration(self.at),
            at,
            hints,
        });
    }

    /// The n-th path of the entry at hand.
    fn path(&self, nth: usize) -> FaultPlace {
        FaultPlace::Path(self.at, nth)
    }

    /// The entry at hand.
    fn entry(&self) -> FaultPlace {
        FaultPlace::Entry(self.at)
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
            FieldSource::Backfill(_, later) => {
                let hints = vec![
                    FaultHint::at("Earlier backfill defined here", self.path(0)),
                    FaultHint::remove("Delete the later backfill", FaultPlace::Entry(later)),
                ];
                let message = format!("Cannot backfill field `{name}` multiple times");
                self.fault_at(FaultPlace::Path(later, 0), message, hints);
            }
            FieldSource::SplitInto(later, nth) => {
                let split = FaultPlace::Entry(later);
                let hints = vec![
                    FaultHint::at(
                        "Field is an output of a split",
                        FaultPlace::Path(later, nth),
                    ),
                    FaultHint::write(
                        "Move the backfill after the split",
                        split.clone(),
                        format!("backfill {name} = {}", canonical(value)),
                    ),
                    FaultHint::remove("Remove the backfill", self.entry()),
                    FaultHint::remove("Remove the split", split),
                ];
                self.fault_with(
                    format!(
                        "Cannot split field `{name}`: cannot split into a field after it's backfilled"
                    ),
                    hints,
                );
            }
            FieldSource::Add(later) => {
                let hints = vec![FaultHint::at("Field backfilled here", self.entry())];
                let message = format!("Cannot add field `{name}` after it's backfilled");
                self.fault_at(FaultPlace::Entry(later), message, hints);
            }
            FieldSource::MovedInto(_) => self.fault(format!(
                "Cannot backfill field `{name}, as it is not in the submitted schema"
            )),
            FieldSource::Schema(_) | FieldSource::Split(_) | FieldSource::Drop(_) => {
                let filling = Filling::Backfill(value.clone());
                let source = FieldSource::Backfill(filling, self.at);
                self.shape.put(path, Field { source, ..field });
            }
        }
    }

    fn undo_drop(&mut self, path: &FieldPath) {
        self.steps.push(PendingStep::Drop(path.clone()));
        let name = display(path);
        if let Some(field) = self.shape.get(path).ok().filter(|field| field.is_present()) {
            let hints = vec![FaultHint::at("Field defined here", field.at.clone())];
            return self.fault_with(
                format!("Cannot drop field `{name}`. Dropped fields must be removed from schema"),
                hints,
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
        let at = FaultPlace::Step(self.at, 0);
        let dropped = Field::new(FieldType::Any, FieldSource::Drop(self.at), at);
        self.shape.put(path, dropped);
    }

    fn undo_move(&mut self, from: &FieldPath, to: &FieldPath) {
        let (from_name, to_name) = (display(from), display(to));
        let target = match self.shape.get(to) {
            Ok(_) if from == to => {
                let hint = FaultHint::remove("Remove the futile `move`", self.entry());
                return self.fault_with("Cannot move a field to itself", vec![hint]);
            }
            Ok(target) => target.clone(),
            Err(NoField::NotFound) => {
                return self.fault(format!(
                    "Cannot move field `{from_name}`, as it is not in the live schema"
                ));
            }
            Err(NoField::WildcardNeighbor) => {
                let message = format!(
                    "Cannot move field `{to_name}` into a struct with a wildcard definition"
                );
                return self.fault_at(self.path(1), message, Vec::new());
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
                let hints = vec![
                    FaultHint::at("Field defined here", field.at.clone()),
                    FaultHint::write(
                        both,
                        FaultPlace::AfterPath(self.at, 1),
                        format!("\n    add {from_name}"),
                    ),
                ];
                self.fault_with(
                    format!("Cannot move field `{from_name}`, as it is in the submitted schema"),
                    hints,
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
                ..
            })) if !matches!(source, FieldSource::Drop(_)) => Some(format!(
                "Cannot move field `{from_name}`, as the parent value is not an object."
            )),
            Some(Ok(_)) | None => None,
        };
        match message {
            Some(message) => self.fault(message),
            None => {
                self.steps.push(PendingStep::Move(from.clone(), to.clone()));
                let at = FaultPlace::Step(self.at, 0);
                let moved = Field {
                    at,
                    ..target.clone()
                };
                self.shape.put(from, moved);
            }
        }
        self.shape.put(
            to,
            Field {
                source: FieldSource::MovedInto(self.at),
                ..target
            },
        );
    }

    fn undo_split(&mut self, from: &FieldPath, targets: &[FieldPath]) {
        if targets.len() < 2 {
            let message = "Cannot split field: expected at least two fields to split into";
            return self.fault_at(self.entry(), message, Vec::new());
        }
        match self.shape.get(from) {
            Ok(field) if field.is_present() && !targets.contains(from) => match field.source {
                FieldSource::Schema(_) | FieldSource::Backfill(..) => {
                    let hints = vec![FaultHint::at("Field defined here", field.at.clone())];
                    self.fault_with(
                        "Cannot split field: field is still present in submitted schema",
                        hints,
                    );
                }
                FieldSource::Split(later) => {
                    let hints = vec![
                        FaultHint::at("Field is also split here", self.path(0)),
                        FaultHint::remove("Remove this split", self.entry()),
                        FaultHint::remove("Remove the later split", FaultPlace::Entry(later)),
                    ];
                    let at = FaultPlace::Path(later, 0);
                    self.fault_at(at, "Cannot split field twice", hints);
                }
                FieldSource::Drop(later) => {
                    let hint = FaultHint::remove("Remove the `drop`", FaultPlace::Entry(later));
                    self.fault_with("Cannot drop field that was split", vec![hint]);
                }
                FieldSource::MovedInto(later)
                | FieldSource::SplitInto(later, _)
                | FieldSource::Add(later) => self.fault_at(
                    FaultPlace::Entry(later),
                    "Cannot move into a field that is also a split target",
                    Vec::new(),
                ),
            },
            Ok(_) | Err(NoField::NotFound) => {}
            Err(NoField::WildcardNeighbor) => self.fault(format!(
                "Cannot split field `{}`, which is in a struct with a wildcard definition",
                display(from)
            )),
        }
        let mut outputs = Vec::new();
        let mut members = Vec::new();
        for (nth, target) in (1..).zip(targets) {
            match self.shape.get(target).cloned() {
                Ok(field) => {
                    match field.source {
                        FieldSource::Add(later) => {
                            let hints = vec![
                                FaultHint::at("Field is added here", FaultPlace::Path(later, 0)),
                                FaultHint::remove("Remove the add", FaultPlace::Entry(later)),
                            ];
                            let message = "Cannot add a field that is also created by a split";
                            self.fault_at(self.path(nth), message, hints);
                        }
                        FieldSource::SplitInto(later, later_nth) => {
                            let hints = vec![
                                FaultHint::at("Field is also split into here", self.path(nth)),
                                FaultHint::remove(
                                    "Remove the later split",
                                    FaultPlace::Entry(later),
                                ),
                            ];
                            let message = "Cannot split into a field that is already split into";
                            self.fault_at(FaultPlace::Path(later, later_nth), message, hints);
                        }
                        FieldSource::MovedInto(later) => self.fault_at(
                            FaultPlace::Entry(later),
                            "Cannot move into a field that is also a split target",
                            Vec::new(),
                        ),
                        FieldSource::Split(_)
                        | FieldSource::Schema(_)
                        | FieldSource::Drop(_)
                        | FieldSource::Backfill(..) => {}
                    }
                    let value = self.take_filling(&field, target, nth);
                    let ty = field.ty();
                    members.push(ty.clone());
                    self.shape.put(
                        target,
                        Field {
                            source: FieldSource::SplitInto(self.at, nth),
                            ..field
                        },
                    );
                    outputs.push((target.clone(), ty, value));
                }
                Err(NoField::NotFound) => {
                    let message = format!(
                        "Cannot split field, as `{}` is not in the submitted schema",
                        display(target)
                    );
                    self.fault_at(self.path(nth), message, Vec::new());
                    members.push(FieldType::Any);
                }
                Err(NoField::WildcardNeighbor) => {
                    let message = format!(
                        "Cannot split into field `{}`, which is in a struct with a wildcard definition",
                        display(target)
                    );
                    self.fault_at(self.path(nth), message, Vec::new());
                }
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
                Field::new(
                    FieldType::Union(members),
                    FieldSource::Split(self.at),
                    FaultPlace::Step(self.at, 0),
                ),
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
            FieldSource::SplitInto(later, nth) => {
                let output = FaultPlace::Path(later, nth);
                let hints = vec![
                    FaultHint::at("Field is an output of a split", output),
                    FaultHint::remove("Remove the add", self.entry()),
                    FaultHint::remove("Remove the split", FaultPlace::Entry(later)),
                ];
                return self.fault_with(
                    format!(
                        "Cannot split field: field `{name}` cannot both be added and be a split output"
                    ),
                    hints,
                );
            }
            FieldSource::Add(later) => {
                let hints = vec![
                    FaultHint::at("Field added here", self.path(0)),
                    FaultHint::remove("Remove the extra add", FaultPlace::Entry(later)),
                ];
                let message = format!("Cannot add field `{name}` twice");
                return self.fault_at(FaultPlace::Path(later, 0), message, hints);
            }
            FieldSource::MovedInto(later) => {
                let hints = vec![
                    FaultHint::at("Field moved into here", FaultPlace::Path(later, 1)),
                    FaultHint::remove("Remove the add", self.entry()),
                    FaultHint::remove("Remove the move", FaultPlace::Entry(later)),
                ];
                let message = format!("Cannot move into field `{name}` as it was also added");
                return self.fault_at(FaultPlace::Entry(later), message, hints);
            }
            FieldSource::Schema(_)
            | FieldSource::Backfill(..)
            | FieldSource::Split(_)
            | FieldSource::Drop(_) => {}
        }
        let value = self.take_filling(&field, path, 0);
        let beside_wildcard = path.len() == 1 && self.shape.wildcard.is_some();
        if !beside_wildcard || self.conflicts {
            self.steps.push(PendingStep::Add {
                path: path.clone(),
                ty: field.ty(),
                value,
            });
        } else if !is_subtype(&FieldType::Any, &field.ty()) {
            let hint = FaultHint::write(
                "Add a `move_conflicts` migration",
                FaultPlace::AfterEntry(self.at),
                "\n    move_conflicts .conflicts",
            );
            self.fault_with(
                format!("Cannot add field, as `{name}` conflicts with the wildcard"),
                vec![hint],
            );
        }
        self.shape.put(
            path,
            Field {
                source: FieldSource::Add(self.at),
                ..field
            },
        );
    }

    fn undo_move_conflicts(&mut self, into: &FieldPath) {
        if !matches!(
            self.shape.wildcard,
            Some(Wildcard::Implicit | Wildcard::Schema | Wildcard::Moved)
        ) {
            let hints = vec![
                FaultHint::write(
                    "Add a wildcard constraint",
                    FaultPlace::AfterFields,
                    "\n  *: Any",
                ),
                FaultHint::migrate(
                    "Move the extra fields into a conflicts field with `move_wildcard`",
                    FaultPlace::Collection,
                    vec![format!("move_wildcard {}", display(into))],
                ),
            ];
            return self.fault_with(
                "Cannot move wildcard conflicts, as there is no wildcard in the submitted schema",
                hints,
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
                let dropped = matches!(field.source, FieldSource::Drop(_));
                if !dropped && !is_conflicts_type(&field.ty()) {
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
                self.shape.wildcard = Some(Wildcard::Added(self.at));
                self.steps.push(PendingStep::AddWildcard);
            }
            Some(Wildcard::Added(later)) => {
                let later = FaultPlace::Entry(later);
                let hint = "Remove the duplicate `add_wildcard` migration";
                let hints = vec![FaultHint::remove(hint, later.clone())];
                self.fault_at(later, "Cannot add a wildcard twice", hints);
            }
            None => {
                let message = "Cannot add wildcard, as the submitted schema lacks a wildcard";
                self.fault_at(self.entry(), message, Vec::new());
            }
        }
    }

    /// The value existing documents get for a new field: its `backfill`, else its default, else nothing.
    fn take_filling(&mut self, field: &Field, path: &FieldPath, nth: usize) -> Option<Filling> {
        match &field.source {
            FieldSource::Schema(None) => {
                if !is_subtype(&FieldType::Null, &field.ty()) {
                    self.faults.push(MigrationFault {
                        message: format!(
                            "Cannot declare non-nullable field `{}`: it has no default and no backfill value",
                            display(path)
                        ),
                        about: About::Migration(self.at),
                        at: self.path(nth),
                        hints: vec![
                            FaultHint::nullable(field.type_end()),
                            FaultHint::default_value(field.type_end()),
                            FaultHint::migrate(
                                "Add a `backfill` migration",
                                FaultPlace::Collection,
                                vec![format!("backfill {} = <expr>", display(path))],
                            ),
                        ],
                    });
                }
                None
            }
            FieldSource::Schema(Some(filling)) | FieldSource::Backfill(filling, _) => {
                Some(filling.clone())
            }
            FieldSource::Split(_)
            | FieldSource::SplitInto(..)
            | FieldSource::Drop(_)
            | FieldSource::Add(_)
            | FieldSource::MovedInto(_) => None,
        }
    }
}

/// An expression as it is printed.
fn canonical(text: &str) -> String {
    let source = crate::fql::syntax::Source::new("*backfill*", text);
    crate::fql::syntax::parse_expr(&source).map_or_else(
        |_| text.to_string(),
        |expr| crate::fql::syntax::format_expr(&expr),
    )
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
