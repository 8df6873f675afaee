//! Default values and check constraints: stored expressions that a write evaluates (`spec schema-fsl 4.3, 7`).

use super::super::{Ceiling, Effect, Failure, FailureKind, Interp, Result};
use super::document::refuse;
use crate::access::{Permissions, Principal};
use crate::fql::syntax::{Diagnostic, Severity, Source, ast};
use crate::model::schema::field_type::{FieldType, ObjectType};
use crate::model::schema::merge::check_storable;
use crate::model::schema::{Collection, ConstraintFailure};
use crate::value::{DocId, Env, Object, PathPart, Value};
use std::sync::Arc;

impl Interp {
    /// Fills in what is absent: declared defaults, and objects that may consist of them.
    pub(super) fn add_defaults(
        &mut self,
        collection: &Arc<Collection>,
        data: &mut Object,
        failed: &str,
    ) -> Result<()> {
        let Some(native) = collection.native else {
            let mut path = Vec::new();
            return self.fill(collection.object_type(), data, &mut path, failed);
        };
        if native.id == crate::model::native::COLLECTION && !data.contains_key("history_days") {
            data.insert("history_days", Value::Int(0));
        }
        Ok(())
    }

    fn fill(
        &mut self,
        ty: &ObjectType,
        data: &mut Object,
        path: &mut Vec<PathPart>,
        failed: &str,
    ) -> Result<()> {
        for field in &ty.fields {
            path.push(PathPart::Field(field.name.clone()));
            match (data.get(&field.name), &field.default, &field.ty) {
                (Some(Value::Object(inner)), _, FieldType::Object(ty)) => {
                    let mut inner = (**inner).clone();
                    self.fill(ty, &mut inner, path, failed)?;
                    data.insert(field.name.clone(), Value::object(inner));
                }
                (Some(_), _, _) => {}
                (None, Some((source, expr)), _) => {
                    let value = self.default_value(source, expr, path);
                    match value {
                        Ok(value) => {
                            data.insert(field.name.clone(), value);
                        }
                        Err(failure) => refuse(vec![failure], failed)?,
                    }
                }
                (None, None, FieldType::Object(ty)) => {
                    let mut inner = Object::new();
                    self.fill(ty, &mut inner, path, failed)?;
                    data.insert(field.name.clone(), Value::object(inner));
                }
                (None, None, _) => {}
            }
            path.pop();
        }
        Ok(())
    }

    /// The value of a default, or what is wrong with it.
    pub(super) fn default_value(
        &mut self,
        source: &Arc<Source>,
        expr: &ast::Expr,
        path: &[PathPart],
    ) -> std::result::Result<Value, ConstraintFailure> {
        let problem = match self.stored_value(source, expr) {
            Ok(value) => match check_storable(&[("value", value.clone())].into_iter().collect()) {
                Ok(()) => return Ok(value),
                Err(_) => format!(
                    "Value has type {}, which cannot be persisted",
                    value.type_name()
                ),
            },
            Err(failure) => failure_text(&failure),
        };
        Err(ConstraintFailure::at(
            path.to_vec(),
            format!("Default field evaluation failed.\n{problem}"),
        ))
    }

    /// Evaluates an expression of the schema: it sees no variables, and observes at most.
    pub(super) fn stored_value(&mut self, source: &Arc<Source>, expr: &ast::Expr) -> Result {
        let ceiling = Ceiling {
            effect: Effect::Observation,
            reason: "default values",
        };
        self.limited(ceiling, |me| me.without_variables(source, expr))
    }

    /// Evaluates an expression of the schema as a query of its own, which may do everything.
    pub(super) fn without_variables(&mut self, source: &Arc<Source>, expr: &ast::Expr) -> Result {
        let outer = self.frames().len();
        let result = self.acting_as(self.unrestricted(), |me| {
            me.reading_at(None, |me| {
                me.in_source(source, |me| me.eval(expr, &Env::default()))
            })
        });
        // The frames count, so that nothing recurs for ever; they are no part of what is told.
        result.map_err(|failure| {
            let mut failure = self.raise(failure);
            if let Some(query) = failure.query_mut()
                && let Some(trace) = &mut query.trace
            {
                trace.truncate(trace.len().saturating_sub(outer));
            }
            failure
        })
    }

    /// Who evaluates what belongs to the schema.
    fn unrestricted(&self) -> Arc<Principal> {
        Arc::new(Principal {
            permissions: Permissions::Admin,
            ..(*self.principal).clone()
        })
    }

    /// Evaluates the check constraints of a written document with the rights of its writer.
    pub(super) fn check_constraints(
        &mut self,
        collection: &Arc<Collection>,
        id: DocId,
        failed: &str,
    ) -> Result<()> {
        let failures = self.failed_checks(collection, id)?;
        refuse(failures, failed)
    }

    /// What check constraints say about a written document.
    pub(super) fn failed_checks(
        &mut self,
        collection: &Arc<Collection>,
        id: DocId,
    ) -> Result<Vec<ConstraintFailure>> {
        if collection.checks.is_empty() {
            return Ok(Vec::new());
        }
        let doc = Value::Doc(self.doc(collection.id, id));
        let mut failures = Vec::new();
        for check in &collection.checks {
            let lambda = check
                .body
                .lambda()
                .map_err(|faults| Failure::invalid_query(faults.to_vec()))?
                .clone();
            let ceiling = Ceiling {
                effect: Effect::Read,
                reason: "check constraints",
            };
            let result = self.limited(ceiling, |me| {
                me.reading_at(None, |me| {
                    me.call_stored(&lambda, &check.body.source, vec![doc.clone()])
                })
            })?;
            let name = &check.name;
            match result {
                Value::Bool(true) => {}
                Value::Bool(false) | Value::Null(_) => {
                    failures.push(ConstraintFailure::whole(format!("Document failed check constraint `{name}`")));
                }
                _ => failures.push(ConstraintFailure::whole(format!(
                    "Error evaluating check constraint `{name}`: function returned a non-boolean value"
                ))),
            }
        }
        Ok(failures)
    }
}

/// A failure as it is told inside another message.
pub(super) fn failure_diagnostics(failure: &Failure) -> Vec<Diagnostic> {
    match &*failure.0 {
        FailureKind::Query(query) if !query.diagnostics.is_empty() => query.diagnostics.clone(),
        FailureKind::Query(query) => vec![query.diagnostic(true)],
        FailureKind::Protocol(protocol) => vec![Diagnostic {
            severity: Severity::Error,
            message: protocol.message.clone(),
            location: None,
            annotation: None,
            hints: Vec::new(),
        }],
    }
}

fn failure_text(failure: &Failure) -> String {
    let texts: Vec<String> = failure_diagnostics(failure)
        .iter()
        .map(Diagnostic::render)
        .collect();
    texts.join("\n")
}
