//! The steps that a changed definition asks of its documents (`spec schema-fsl 5`).
//!
//! They are worked out when the definition is written, so that indexes are built over documents of the new shape;
//! what is wrong with them is told at the end of the query, when all definitions are known.

use super::super::{Interp, Result};
use crate::fql::syntax::Source;
use crate::fql::syntax::parse_expr;
use crate::model::native;
use crate::model::schema::collection::SplitTarget;
use crate::model::schema::field_type::FieldType;
use crate::model::schema::load::{Definition, load_collection};
use crate::model::schema::merge::check_storable;
use crate::model::schema::rewind::{PendingStep, plan};
use crate::model::schema::shape::Filling;
use crate::model::schema::validate::validate_value;
use crate::model::schema::{Collection, MigrationStep, TypeText, migration_codec, type_display};
use crate::store::TxnTime;
use crate::value::{CollId, DocId, Object, PathPart, Value};
use std::sync::Arc;

impl Interp {
    /// Adds the internal steps to a definition that is about to be written.
    pub(super) fn add_migrations(&mut self, id: DocId, data: &mut Object) -> Result<()> {
        let coll = CollId(id.0.max(0) as u64);
        self.pending
            .migration_faults
            .retain(|(known, _)| *known != id);
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
        let faults = match plan(live.as_deref().filter(|_| occupied), &submitted) {
            Ok(steps) if occupied => match self.evaluated(steps) {
                Ok(new) if new.is_empty() => return Ok(()),
                Ok(new) => {
                    let old = live.iter().flat_map(|live| live.migrations.iter());
                    let all = old
                        .chain(new.iter())
                        .map(|step| Value::object(migration_codec::encode(step)));
                    data.insert("internal_migrations", Value::array(all.collect()));
                    return Ok(());
                }
                Err(fault) => vec![fault],
            },
            Ok(_) => return Ok(()),
            Err(faults) => faults.into_iter().map(|fault| fault.message).collect(),
        };
        self.pending.migration_faults.push((id, faults));
        Ok(())
    }

    /// Steps with their values, which are the same for all documents.
    fn evaluated(
        &mut self,
        steps: Vec<PendingStep>,
    ) -> std::result::Result<Vec<MigrationStep>, String> {
        steps
            .into_iter()
            .map(|step| {
                Ok(match step {
                    PendingStep::Add { path, ty, value } => {
                        let value = self.filling(value, Some(&ty), &path)?;
                        MigrationStep::Add {
                            path,
                            ty: text_of(&ty),
                            value,
                        }
                    }
                    PendingStep::Drop(path) => MigrationStep::Drop { path },
                    PendingStep::Move(from, to) => MigrationStep::Move { from, to },
                    PendingStep::Split(from, targets) => {
                        let targets = targets.into_iter().map(|(path, ty, value)| {
                            let checked = value.is_some().then_some(&ty);
                            let backfill = self.filling(value, checked, &path)?;
                            Ok(SplitTarget {
                                ty: text_of(&ty),
                                backfill,
                                path,
                            })
                        });
                        let targets = targets.collect::<std::result::Result<_, String>>()?;
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

    fn filling(
        &mut self,
        filling: Option<Filling>,
        ty: Option<&FieldType>,
        path: &[PathPart],
    ) -> std::result::Result<Value, String> {
        let Some(filling) = filling else {
            return Ok(Value::NULL);
        };
        let (source, expr) = match filling {
            Filling::Text(text) => {
                let source = Source::new("*backfill*", text);
                match parse_expr(&source) {
                    Ok(expr) => (source, Arc::new(expr)),
                    Err(faults) => return Err(crate::model::schema::texts::rendered(&faults)),
                }
            }
            Filling::Expr(source, expr) => (source, expr),
        };
        let value = self
            .stored_value(&source, &expr)
            .map_err(|failure| super::defaults::failure_text(&failure))?;
        if check_storable(&[("value", value.clone())].into_iter().collect()).is_err() {
            let label = crate::model::schema::PathDisplay(path).to_string();
            let name = value.type_name();
            return Err(format!(
                "Failed to convert migration.\nconstraint failures:\n  {label}: Value has type {name}, which cannot be persisted."
            ));
        }
        if let Some(ty) = ty {
            let schema = self.txn.schema().clone();
            let failures = validate_value(
                ty,
                &value,
                path.to_vec(),
                &super::document::resolver(&schema),
            );
            if !failures.is_empty() {
                let lines: Vec<String> = failures
                    .iter()
                    .map(|failure| format!("  {failure}"))
                    .collect();
                return Err(format!(
                    "Failed to convert backfill value.\nconstraint failures:\n{}",
                    lines.join("\n")
                ));
            }
        }
        Ok(value)
    }
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
