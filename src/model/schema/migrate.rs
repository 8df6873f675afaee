//! What migrations do to one document (`spec schema-fsl 5.3`).
//!
//! A stored version knows how many steps it has seen; reading applies the rest, in order. Steps were validated against
//! the schema, so that a document that does not have the expected form is left as it is rather than refused.

use super::collection::{MigrationStep, SplitTarget};
use super::validate::{Resolve, fits};
use crate::value::{Object, PathPart, Str, Value};

/// Where values wait between `add` and `move_conflicts`; no field can have this name.
const CONFLICTS: &str = "\u{0}conflicts";

/// Loose types name no collections.
const NO_NAMES: Resolve = &|_| None;

/// `data` with `steps` applied.
pub fn migrated(mut data: Object, steps: &[MigrationStep]) -> Object {
    for step in steps {
        apply(&mut data, step);
    }
    data.remove(CONFLICTS);
    data
}

fn apply(data: &mut Object, step: &MigrationStep) {
    match step {
        MigrationStep::Add { path, ty, value } => {
            if let Some(present) = get(data, path).filter(|value| !value.is_null()).cloned() {
                if ty
                    .loose_type()
                    .is_none_or(|ty| fits(ty, &present, NO_NAMES))
                {
                    return;
                }
                remove(data, path);
                let mut aside = vec![PathPart::Field(CONFLICTS.into())];
                aside.extend_from_slice(path);
                insert(data, &aside, present);
            }
            if !value.is_null() {
                insert(data, path, value.clone());
            }
        }
        MigrationStep::Drop { path } => {
            remove(data, path);
        }
        MigrationStep::Move { from, to } => {
            if let Some(value) = remove(data, from) {
                insert(data, to, value);
            }
        }
        MigrationStep::Split { from, targets } => split(data, from, targets),
        MigrationStep::MoveConflicts { into } => {
            if let Some(Value::Object(conflicts)) = data.remove(CONFLICTS) {
                for (name, value) in conflicts.iter() {
                    insert_free(data, into, name, value.clone());
                }
            }
        }
        MigrationStep::MoveWildcard { into, declared } => {
            let mut undeclared: Vec<(Str, Value)> = data
                .iter()
                .filter(|(name, _)| !declared.contains(name) && &***name != CONFLICTS)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            // Names with fewer underscores are placed first, so that the outcome does not depend on the order of fields.
            undeclared.sort_by_key(|(name, _)| name.len() - name.trim_start_matches('_').len());
            for (name, _) in &undeclared {
                data.remove(name);
            }
            for (name, value) in undeclared {
                insert_free(data, into, &name, value);
            }
        }
        MigrationStep::AddWildcard => {}
    }
}

/// The first target whose type fits gets the value, the last takes what is left; the others get their backfill.
fn split(data: &mut Object, from: &[PathPart], targets: &[SplitTarget]) {
    let value = remove(data, from).filter(|value| !value.is_null());
    let last = targets.len().saturating_sub(1);
    let taker = value.as_ref().map(|value| {
        let fitting = |target: &SplitTarget| {
            target
                .ty
                .loose_type()
                .is_some_and(|ty| fits(ty, value, NO_NAMES))
        };
        targets[..last].iter().position(fitting).unwrap_or(last)
    });
    for (at, target) in targets.iter().enumerate() {
        match (&value, taker) {
            (Some(value), Some(taker)) if taker == at => insert(data, &target.path, value.clone()),
            _ if !target.backfill.is_null() => insert(data, &target.path, target.backfill.clone()),
            _ => {}
        }
    }
}

/// Puts a value into the object at `into` under `name`, with as many underscores before it as make it free.
fn insert_free(data: &mut Object, into: &[PathPart], name: &str, value: Value) {
    let mut path = into.to_vec();
    let mut free = name.to_string();
    loop {
        path.push(PathPart::Field(free.as_str().into()));
        if get(data, &path).is_none() {
            return insert(data, &path, value);
        }
        path.pop();
        free.insert(0, '_');
    }
}

fn name_of(part: &PathPart) -> Option<&Str> {
    match part {
        PathPart::Field(name) => Some(name),
        PathPart::Index(_) => None,
    }
}

/// The value at a path of fields.
pub fn get<'a>(data: &'a Object, path: &[PathPart]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = data.get(name_of(first)?)?;
    match (rest, value) {
        ([], value) => Some(value),
        (rest, Value::Object(inner)) => get(inner, rest),
        _ => None,
    }
}

/// Sets the value at a path of fields, creating objects on the way; a value that is no object is replaced.
pub fn insert(data: &mut Object, path: &[PathPart], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let Some(name) = name_of(first) else { return };
    if rest.is_empty() {
        data.insert(name.clone(), value);
        return;
    }
    let mut inner = match data.get(name) {
        Some(Value::Object(inner)) => (**inner).clone(),
        _ => Object::new(),
    };
    insert(&mut inner, rest, value);
    data.insert(name.clone(), Value::object(inner));
}

/// Removes the value at a path of fields.
pub fn remove(data: &mut Object, path: &[PathPart]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    let name = name_of(first)?;
    if rest.is_empty() {
        return data.remove(name);
    }
    let Some(Value::Object(inner)) = data.get(name) else {
        return None;
    };
    let mut changed = (**inner).clone();
    let removed = remove(&mut changed, rest)?;
    data.insert(name.clone(), Value::object(changed));
    Some(removed)
}
