//! The steps that a changed definition asks of its documents (`spec schema-fsl 5`).
//!
//! They are worked out when the definition is written, so that indexes are built over documents of the new shape;
//! what is wrong with them is told at the end of the query, when all definitions are known.

use super::super::{Interp, Result};
use super::{PendingBackfill, PendingMigrations};
use crate::fql::syntax::ast::{Expr, TypeExpr, TypeKind};
use crate::fql::syntax::{
    Diagnostic, Hint, Location, Severity, Source, Span, Suggestion, parse_expr,
};
use crate::fql::types::Sourced;
use crate::model::native;
use crate::model::schema::collection::SplitTarget;
use crate::model::schema::fault_place::{FaultPlace, Suggested};
use crate::model::schema::field_type::FieldType;
use crate::model::schema::load::{Definition, load_collection};
use crate::model::schema::rewind::{self, About, MigrationFault, PendingStep, plan};
use crate::model::schema::shape::{Filling, is_subtype};
use crate::model::schema::validate::validate_value;
use crate::model::schema::{
    Collection, ConstraintFailure, MigrationStep, TypeText, migration_codec, type_display,
};
use crate::store::TxnTime;
use crate::value::codec::check_storable;
use crate::value::{CollId, DocId, Object, PathPart, Value};
use std::sync::Arc;

impl Interp {
    /// Adds the internal steps to a definition that is about to be written.
    pub(super) fn add_migrations(&mut self, id: DocId, data: &mut Object) -> Result<()> {
        let coll = CollId(id.0.max(0) as u64);
        self.pending.migrations.retain(|known| known.id != id);
        let live = self.txn.schema().collection(coll).cloned();
        // Steps of the live definition stay; those of an earlier write in this query are worked out anew.
        data.remove("internal_migrations");
        if let Some(steps) = live
            .as_ref()
            .and_then(|live| live.definition.get("internal_migrations"))
        {
            data.insert("internal_migrations", steps.clone());
        }
        let submitted = loaded(coll, data);
        let occupied = match &live {
            Some(_) => self.txn.has_versions(coll)?,
            None => false,
        };
        let live_if_occupied = live.as_deref().filter(|_| occupied);
        let backfills = backfills(live_if_occupied, &submitted);
        let faults = match plan(live_if_occupied, &submitted) {
            Ok(steps) if occupied => match self.evaluated(steps, &submitted) {
                Ok(new) => {
                    append_steps(data, live.as_deref(), &new);
                    Vec::new()
                }
                Err(faults) => faults.into_iter().map(|fault| (None, fault)).collect(),
            },
            Ok(_) => Vec::new(),
            Err(faults) => faults
                .into_iter()
                .map(|fault| told(fault, &submitted))
                .collect(),
        };
        // Documents may come while the definition is staged.
        if let (false, true, Some(live)) = (occupied, self.txn.is_staged(), &live)
            && let Ok(steps) = plan(Some(live), &submitted)
            && let Ok(new) = self.evaluated(steps, &submitted)
        {
            append_steps(data, Some(live), &new);
        }
        if !faults.is_empty() || !backfills.is_empty() {
            self.pending.migrations.push(PendingMigrations {
                id,
                faults,
                backfills,
            });
        }
        Ok(())
    }

    /// Steps with their values, which are the same for all documents.
    fn evaluated(
        &mut self,
        steps: Vec<PendingStep>,
        submitted: &Collection,
    ) -> std::result::Result<Vec<MigrationStep>, Vec<Diagnostic>> {
        steps
            .into_iter()
            .map(|step| {
                Ok(match step {
                    PendingStep::Add { path, ty, value } => {
                        let value = self.filling(value, Some(&ty), &path, submitted)?;
                        MigrationStep::Add {
                            path,
                            ty: text_of(&ty),
                            value,
                        }
                    }
                    PendingStep::Drop(path) => MigrationStep::Drop { path },
                    PendingStep::Move(from, to) => MigrationStep::Move { from, to },
                    PendingStep::Split(from, targets) => {
                        let last = targets.len().saturating_sub(1);
                        let targets = targets.into_iter().enumerate().map(|(at, target)| {
                            let (path, ty, value) = target;
                            // The value of the last target is taken as it is.
                            let checked = (at < last).then_some(&ty);
                            let backfill = self.filling(value, checked, &path, submitted)?;
                            Ok(SplitTarget {
                                ty: text_of(&ty),
                                backfill,
                                path,
                            })
                        });
                        let targets =
                            targets.collect::<std::result::Result<_, Vec<Diagnostic>>>()?;
                        MigrationStep::Split { from, targets }
                    }
                    PendingStep::MoveConflicts(into) => MigrationStep::MoveConflicts { into },
                    PendingStep::MoveWildcard(into, declared) => {
                        MigrationStep::MoveWildcard { into, declared }
                    }
                    PendingStep::AddWildcard => MigrationStep::AddWildcard,
                })
            })
            .collect()
    }

    /// The value for existing documents. It is checked against `ty`, if that is given.
    fn filling(
        &mut self,
        filling: Option<Filling>,
        ty: Option<&FieldType>,
        path: &[PathPart],
        submitted: &Collection,
    ) -> std::result::Result<Value, Vec<Diagnostic>> {
        let Some(filling) = filling else {
            let null = Value::NULL;
            // Null is below the type of a missing document, and yet no reference.
            if let Some(ty) = ty.filter(|ty| is_subtype(&FieldType::Null, ty)) {
                let at = place(&FaultPlace::Type(path.to_vec()), submitted);
                self.check_filling(&null, ty, path, at)?;
            }
            return Ok(null);
        };
        let (source, expr) = match filling {
            Filling::Expr(source, expr) => (source, expr),
            Filling::Default(text) => parsed(Source::new("foo", text.to_string()))?,
            Filling::Backfill(text) => {
                let (_, expr) = parsed(Source::new("*backfill*", text.to_string()))?;
                (nowhere().source, expr)
            }
        };
        let at = Location::new(&source, expr.span);
        let value = self
            .without_variables(&source, &expr)
            .map_err(|failure| super::defaults::failure_diagnostics(&failure))?;
        if let Some((path, type_name)) = unstorable(&value) {
            let what = format!("Value has type {type_name}, which cannot be persisted.");
            let failure = ConstraintFailure::at(path, what);
            return Err(vec![unfit("Failed to convert migration.", &[failure], at)]);
        }
        if let Some(ty) = ty {
            self.check_filling(&value, ty, path, at)?;
        }
        Ok(value)
    }

    fn check_filling(
        &self,
        value: &Value,
        ty: &FieldType,
        path: &[PathPart],
        at: Location,
    ) -> std::result::Result<(), Vec<Diagnostic>> {
        let schema = self.txn.schema().clone();
        let resolve = super::document::resolver(&schema);
        match validate_value(ty, value, path.to_vec(), &resolve) {
            failures if failures.is_empty() => Ok(()),
            failures => Err(vec![unfit(
                "Failed to convert backfill value.",
                &failures,
                at,
            )]),
        }
    }
}

/// Stores further steps behind those of the live definition.
fn append_steps(data: &mut Object, live: Option<&Collection>, new: &[MigrationStep]) {
    if new.is_empty() {
        return;
    }
    let old = live.into_iter().flat_map(|live| live.migrations.iter());
    let all = old.chain(new);
    let all = all.map(|step| Value::object(migration_codec::encode(step)));
    data.insert("internal_migrations", Value::array(all.collect()));
}

fn parsed(source: Arc<Source>) -> std::result::Result<(Arc<Source>, Arc<Expr>), Vec<Diagnostic>> {
    let expr = parse_expr(&source)?;
    Ok((source, Arc::new(expr)))
}

/// The first part of a value that cannot be stored: where, and its type.
fn unstorable(value: &Value) -> Option<(Vec<PathPart>, String)> {
    let within = |part: PathPart, value: &Value| {
        let (mut path, type_name) = unstorable(value)?;
        path.insert(0, part);
        Some((path, type_name))
    };
    match value {
        Value::Array(items) => (0..)
            .zip(items.iter())
            .find_map(|(at, item)| within(PathPart::Index(at), item)),
        Value::Object(object) => object
            .iter()
            .find_map(|(name, value)| within(PathPart::Field(name.clone()), value)),
        _ => check_storable(value)
            .is_err()
            .then(|| (Vec::new(), value.type_name().to_string())),
    }
}

/// What is wrong with a value for existing documents.
fn unfit(message: &str, failures: &[ConstraintFailure], at: Location) -> Diagnostic {
    let lines = failures.iter().map(|failure| format!("\n  {failure}"));
    let lines: String = lines.collect();
    Diagnostic::error(format!("{message}\nconstraint failures:{lines}"), at)
}

/// The place of what has no text.
fn nowhere() -> Location {
    Location::new(&Source::hidden("*migrations*"), Span::default())
}

/// A fault, and the entry of the migrations it showed with.
fn told(fault: MigrationFault, submitted: &Collection) -> (Option<usize>, Diagnostic) {
    let at = match (
        &fault.about,
        fault.message.contains("is backfilled without"),
    ) {
        (About::Migration(at), false) => Some(*at),
        (About::Migration(_) | About::Field(_) | About::Collection, _) => None,
    };
    let mut diagnostic = Diagnostic::error(fault.message, place(&fault.at, submitted));
    diagnostic.hints = fault
        .hints
        .into_iter()
        .map(|hint| Hint {
            severity: Severity::Hint,
            message: hint.message,
            location: Some(place(&hint.at, submitted)),
            suggestion: match (hint.at, hint.suggestion) {
                (FaultPlace::AfterType(_), Some(Suggested::Text(text))) => {
                    Some(Suggestion { text })
                }
                _ => None,
            },
        })
        .collect();
    (at, diagnostic)
}

fn place(at: &FaultPlace, submitted: &Collection) -> Location {
    let found = match at {
        FaultPlace::Nowhere
        | FaultPlace::Collection
        | FaultPlace::Name(_)
        | FaultPlace::Before(_)
        | FaultPlace::Wildcard
        | FaultPlace::AfterFields
        | FaultPlace::Entry(_)
        | FaultPlace::AfterEntry(_)
        | FaultPlace::Path(..)
        | FaultPlace::AfterPath(..)
        | FaultPlace::Step(..)
        | FaultPlace::BeforeLiveName(_) => None,
        FaultPlace::Type(path) => declared(submitted, path).map(|ty| (ty.source, ty.tree.span)),
        FaultPlace::AfterType(path) => declared(submitted, path).map(|ty| {
            let start = ty.tree.span.end;
            (ty.source, Span { start, end: start })
        }),
    };
    found.map_or_else(nowhere, |(source, span)| Location { source, span })
}

/// The type that a definition declares for a field, perhaps inside of objects.
fn declared(collection: &Collection, path: &[PathPart]) -> Option<Sourced<TypeExpr>> {
    let mut names = path.iter().map(|part| match part {
        PathPart::Field(name) => Some(name),
        PathPart::Index(_) => None,
    });
    let first = names.next()??;
    let field = collection
        .fields
        .iter()
        .find(|field| field.name == *first)?;
    let mut ty: &TypeExpr = field.ty.type_expr().ok()?;
    for name in names {
        let (name, TypeKind::Object { fields, .. }) = (name?, &ty.kind) else {
            return None;
        };
        ty = &fields.iter().find(|field| field.name.name == *name)?.ty;
    }
    Some(Sourced {
        tree: ty.clone(),
        source: field.ty.source.clone(),
    })
}

/// The backfills that a definition adds.
fn backfills(live: Option<&Collection>, submitted: &Collection) -> Vec<PendingBackfill> {
    let new = rewind::backfills(live, submitted).into_iter();
    new.filter_map(|backfill| {
        let value = parse_expr(&Source::new("*backfill*", backfill.value.to_string())).ok()?;
        let ty = match backfill.earlier {
            None => declared(submitted, &backfill.path)?,
            Some(ty) => Sourced {
                tree: (**text_of(&ty).type_expr().ok()?).clone(),
                source: nowhere().source,
            },
        };
        Some(PendingBackfill {
            at: backfill.at,
            value: Sourced {
                tree: value,
                source: nowhere().source,
            },
            ty,
        })
    })
    .collect()
}

fn text_of(ty: &FieldType) -> Arc<TypeText> {
    Arc::new(TypeText::new("*migration*", type_display::expected(ty)))
}

/// The collection a definition describes.
pub(super) fn loaded(coll: CollId, data: &Object) -> Collection {
    let definition = Definition {
        coll: native::COLLECTION,
        id: DocId(coll.0 as i64),
        fields: Arc::new(data.clone()),
        ts: TxnTime(0),
    };
    load_collection(coll, &definition)
}
