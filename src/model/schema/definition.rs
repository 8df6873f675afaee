//! What the system makes of a collection definition at the end of the write: rules across fields, constraints in
//! order, statuses, physical indexes (`spec schema-fsl 2.2, 7`).

use super::collection::{BackingIndex, IndexStatus, Term, ValueDef};
use super::failure::ConstraintFailure;
use super::load::{elements, entries, load_index_fields, load_term, text};
use super::path;
use crate::value::{IndexId, Object, PathPart, Str, Value};
use std::sync::Arc;

/// What is wrong with a definition across its fields.
pub fn cross_field_faults(definition: &Object) -> Vec<ConstraintFailure> {
    let mut out = Vec::new();
    let mut checks: Vec<Str> = Vec::new();
    let mut told: Vec<Str> = Vec::new();
    let mut uniques: Vec<Vec<Vec<PathPart>>> = Vec::new();
    let mut empty = false;
    let mut duplicates = Vec::new();
    for constraint in elements(definition, "constraints") {
        let Value::Object(constraint) = constraint else {
            continue;
        };
        if let Some(Value::Object(check)) = constraint.get("check") {
            let Some(name) = text(check, "name") else {
                continue;
            };
            if checks.contains(&name) && !told.contains(&name) {
                told.push(name);
            } else {
                checks.push(name);
            }
        } else if let Some(Value::Array(terms)) = constraint.get("unique") {
            let paths: Vec<_> = terms
                .iter()
                .filter_map(load_term)
                .map(|term| term.path)
                .collect();
            if paths.is_empty() {
                empty = true;
            } else if uniques.contains(&paths) {
                duplicates.push(paths);
            } else {
                uniques.push(paths);
            }
        }
    }
    told.sort_by_key(|name| trie_order(name));
    out.extend(told.iter().map(|name| {
        let message = format!("Duplicate check constraint name '{name}'");
        ConstraintFailure::field("constraints", message)
    }));
    if empty {
        out.push(ConstraintFailure::field(
            "constraints",
            "Unique constraints must have at least one term",
        ));
    }
    duplicates.dedup();
    for paths in duplicates {
        let paths: Vec<String> = paths.iter().map(|path| path::display(path)).collect();
        let message = format!("Duplicate unique constraint on path [{}]", paths.join(", "));
        out.push(ConstraintFailure::field("constraints", message));
    }
    let declared: Vec<&Str> = entries(definition, "fields")
        .map(|(name, _)| name)
        .collect();
    for (name, _) in
        entries(definition, "computed_fields").filter(|(name, _)| declared.contains(name))
    {
        let message = format!("Computed field '{name}' collides with a defined field");
        out.push(ConstraintFailure::field("computed_fields", message));
    }
    out
}

/// The order in which the original lists groups: that of a hash trie, five bits of the hash a level. (Names that share
/// a level's bits come after all others there, which is not followed.)
fn trie_order(name: &str) -> [u32; 7] {
    let hash = name.encode_utf16().fold(0_u32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(u32::from(unit))
    });
    let mixed = hash ^ (hash >> 16);
    std::array::from_fn(|level| (mixed >> (5 * level)) & 31)
}

/// What becomes of the physical indexes when a definition changes.
#[derive(Debug, Default)]
pub struct IndexPlan {
    /// Those that stay, in their order; `unique` may have changed.
    pub kept: Vec<BackingIndex>,
    /// Those to build.
    pub new: Vec<BackingIndex>,
    /// Those to drop.
    pub removed: Vec<Arc<BackingIndex>>,
}

/// A physical index that a definition may go on with.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its terms and values in the definition that is replaced.
    pub shape: (Vec<Term>, Vec<ValueDef>),
    /// The index.
    pub index: Arc<BackingIndex>,
}

/// Which physical indexes `definition` needs, given those that exist. `before` tells which path of the definition that is
/// replaced has the values of a path; without any, an index is built anew. New ones are `Building`.
pub fn plan_indexes(
    definition: &Object,
    candidates: &[Candidate],
    before: &dyn Fn(&[PathPart]) -> Option<Vec<PathPart>>,
    mut allocate: impl FnMut() -> IndexId,
) -> IndexPlan {
    let mut wanted: Vec<(Vec<Term>, Vec<ValueDef>, bool)> = Vec::new();
    let mut want = |terms: Vec<Term>, values: Vec<ValueDef>, unique: bool| match wanted
        .iter_mut()
        .find(|(known, sorted, _)| *known == terms && *sorted == values)
    {
        Some((_, _, known)) => *known |= unique,
        None => wanted.push((terms, values, unique)),
    };
    for (_, entry) in entries(definition, "indexes") {
        let (terms, values) = load_index_fields(entry);
        want(terms, values, false);
    }
    for constraint in elements(definition, "constraints") {
        let Value::Object(constraint) = constraint else {
            continue;
        };
        if let Some(Value::Array(terms)) = constraint.get("unique") {
            want(
                terms.iter().filter_map(load_term).collect(),
                Vec::new(),
                true,
            );
        }
    }
    let mut plan = IndexPlan::default();
    for (terms, values, unique) in wanted {
        let existing = shape_before(&terms, &values, before).and_then(|shape| {
            let free = |index: &BackingIndex| !plan.kept.iter().any(|kept| kept.id == index.id);
            let mut indexes = candidates.iter();
            indexes.find(|known| known.shape == shape && free(&known.index))
        });
        let existing = existing.map(|candidate| &candidate.index);
        match existing {
            Some(index) => plan.kept.push(BackingIndex {
                terms,
                values,
                unique,
                violated: unique && index.violated,
                ..(**index).clone()
            }),
            None => plan.new.push(BackingIndex {
                id: allocate(),
                terms,
                values,
                unique,
                violated: false,
                status: IndexStatus::Building,
            }),
        }
    }
    plan.removed = candidates
        .iter()
        .map(|candidate| &candidate.index)
        .filter(|index| !plan.kept.iter().any(|kept| kept.id == index.id))
        .cloned()
        .collect();
    plan
}

/// The terms and values of an index as they were called before.
pub fn shape_before(
    terms: &[Term],
    values: &[ValueDef],
    before: &dyn Fn(&[PathPart]) -> Option<Vec<PathPart>>,
) -> Option<(Vec<Term>, Vec<ValueDef>)> {
    let terms = terms.iter().map(|term| {
        let path = before(&term.path)?;
        Some(Term {
            path,
            ..term.clone()
        })
    });
    let values = values.iter().map(|value| {
        let path = before(&value.path)?;
        Some(ValueDef {
            path,
            ..value.clone()
        })
    });
    Some((
        terms.collect::<Option<_>>()?,
        values.collect::<Option<_>>()?,
    ))
}

/// The definition as stored: index entries with order, status and queryability, constraints regrouped and with their
/// status, the physical indexes in the internal field.
pub fn finished(definition: &Object, backing: &[BackingIndex]) -> Object {
    let mut out = definition.clone();
    let mut indexes = Object::new();
    for (name, entry) in entries(definition, "indexes") {
        let (terms, values) = load_index_fields(entry);
        let physical = backing
            .iter()
            .find(|index| index.terms == terms && index.values == values);
        indexes.insert(name.clone(), Value::object(finished_index(entry, physical)));
    }
    out.insert("indexes", Value::object(indexes));
    let mut uniques = Vec::new();
    let mut checks = Vec::new();
    for constraint in elements(definition, "constraints") {
        let Value::Object(constraint) = constraint else {
            continue;
        };
        match constraint.get("unique") {
            Some(Value::Array(terms)) => {
                uniques.push(Value::object(finished_unique(terms, backing)))
            }
            _ => checks.push(Value::Object(constraint.clone())),
        }
    }
    uniques.append(&mut checks);
    out.insert("constraints", Value::array(uniques));
    let stored = backing
        .iter()
        .map(|index| Value::object(stored_backing(index)));
    out.insert("backingIndexes", Value::array(stored.collect()));
    out
}

fn finished_index(entry: &Object, physical: Option<&BackingIndex>) -> Object {
    let status = physical.map_or(IndexStatus::Building, |index| index.status);
    let mut out = Object::new();
    for (key, value) in entry.iter() {
        match (&**key, value) {
            ("values", Value::Array(values)) => {
                let values = values.iter().map(|value| match value {
                    Value::Object(value) if !value.contains_key("order") => {
                        let mut value = (**value).clone();
                        value.insert("order", Value::string("asc"));
                        Value::object(value)
                    }
                    other => other.clone(),
                });
                out.insert("values", Value::array(values.collect()));
            }
            ("status", _) => {}
            // The system's own `false` while building gives way when the index is complete.
            ("queryable", Value::Bool(_))
                if entry.contains_key("status") && was_building(entry) => {}
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    if !out.contains_key("queryable") {
        out.insert("queryable", Value::Bool(status == IndexStatus::Complete));
    }
    out.insert("status", Value::string(status.name()));
    out
}

fn was_building(entry: &Object) -> bool {
    text(entry, "status").is_some_and(|status| IndexStatus::of(&status) == IndexStatus::Building)
}

fn finished_unique(terms: &[Value], backing: &[BackingIndex]) -> Object {
    let parsed: Vec<Term> = terms.iter().filter_map(load_term).collect();
    let physical = backing
        .iter()
        .find(|index| index.terms == parsed && index.values.is_empty());
    let status = physical.map_or("pending", BackingIndex::constraint_status);
    let with_mva = terms.iter().any(
        |term| matches!(term, Value::Object(term) if term.get("mva").is_some_and(|m| !m.is_null())),
    );
    let shown = terms.iter().map(|term| {
        let field = match term {
            Value::Object(term) => term.get("field").cloned().unwrap_or(Value::NULL),
            other => other.clone(),
        };
        if !with_mva {
            return field;
        }
        let mva = matches!(term, Value::Object(term) if matches!(term.get("mva"), Some(Value::Bool(true))));
        Value::object([("field", field), ("mva", Value::Bool(mva))].into_iter().collect())
    });
    let shown = Value::array(shown.collect());
    [("unique", shown), ("status", Value::string(status))]
        .into_iter()
        .collect()
}

fn stored_backing(index: &BackingIndex) -> Object {
    // Few indexes are: what is not said is not so.
    let violated = index.violated.then_some(("violated", Value::Bool(true)));
    let field = |path: &[PathPart]| Value::string(path::display(path));
    let terms = index.terms.iter().map(|term| {
        Value::object(
            [("field", field(&term.path)), ("mva", Value::Bool(term.mva))]
                .into_iter()
                .collect(),
        )
    });
    let values = index.values.iter().map(|value| {
        let order = Value::string(if value.descending { "desc" } else { "asc" });
        let entry = [
            ("field", field(&value.path)),
            ("order", order),
            ("mva", Value::Bool(value.mva)),
        ];
        Value::object(entry.into_iter().collect())
    });
    [
        ("id", Value::integer(index.id.0 as i64)),
        ("terms", Value::array(terms.collect())),
        ("values", Value::array(values.collect())),
        ("unique", Value::Bool(index.unique)),
        ("status", Value::string(index.status.name())),
    ]
    .into_iter()
    .chain(violated)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::load::{Definition, load_collection};
    use crate::store::TxnTime;
    use crate::value::{CollId, DocId};

    fn object(fields: &[(&str, Value)]) -> Object {
        fields
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .collect()
    }

    fn nested(fields: &[(&str, Value)]) -> Value {
        Value::object(object(fields))
    }

    fn unique(fields: &[&str]) -> Value {
        nested(&[(
            "unique",
            Value::array(fields.iter().map(|f| Value::string(*f)).collect()),
        )])
    }

    fn check(name: &str) -> Value {
        nested(&[(
            "check",
            nested(&[
                ("name", Value::string(name)),
                ("body", Value::string("_ => true")),
            ]),
        )])
    }

    #[test]
    fn a_definition_round_trips_through_its_stored_form() {
        let by_name = nested(&[
            (
                "terms",
                Value::array(vec![nested(&[("field", Value::string("name"))])]),
            ),
            (
                "values",
                Value::array(vec![nested(&[("field", Value::string(".age"))])]),
            ),
        ]);
        let definition = object(&[
            ("name", Value::string("Foo")),
            ("indexes", nested(&[("byName", by_name)])),
            (
                "constraints",
                Value::array(vec![check("ok"), unique(&["name"])]),
            ),
        ]);
        let mut next = 1023;
        let plan = plan_indexes(&definition, &[], &|path| Some(path.to_vec()), || {
            next += 1;
            IndexId(next)
        });
        assert_eq!(plan.new.len(), 2);
        let built: Vec<_> = plan
            .new
            .into_iter()
            .map(|index| BackingIndex {
                status: IndexStatus::Complete,
                ..index
            })
            .collect();
        let stored = finished(&definition, &built);
        let definition = Definition {
            coll: CollId(1),
            id: DocId(1024),
            fields: Arc::new(stored.clone()),
            ts: TxnTime(1),
        };
        let loaded = load_collection(CollId(1024), &definition);
        assert_eq!(loaded.indexes[0].index, Some(IndexId(1024)));
        assert!(loaded.indexes[0].queryable);
        assert_eq!(loaded.uniques[0].index, Some(IndexId(1025)));
        assert_eq!(loaded.checks[0].name.as_ref(), "ok");
        // Uniques come first in the stored form, and nothing changes when it is finished again.
        assert!(
            matches!(stored.get("constraints"), Some(Value::Array(all)) if matches!(&all[0], Value::Object(o) if o.contains_key("unique")))
        );
        let candidates: Vec<Candidate> = loaded
            .backing
            .iter()
            .map(|index| Candidate {
                shape: (index.terms.clone(), index.values.clone()),
                index: index.clone(),
            })
            .collect();
        let again = plan_indexes(&stored, &candidates, &|path| Some(path.to_vec()), || {
            IndexId(0)
        });
        assert!(again.new.is_empty() && again.removed.is_empty());
        let same = Value::object(finished(&stored, &again.kept));
        assert!(crate::model::schema::validate::same_value(
            &same,
            &Value::object(stored)
        ));
    }

    #[test]
    fn rules_across_fields() {
        let definition = object(&[
            (
                "constraints",
                Value::array(vec![
                    unique(&[]),
                    unique(&[".foo", "bar"]),
                    unique(&["foo", "bar"]),
                    check("ok"),
                    check("ok"),
                ]),
            ),
            ("fields", nested(&[("a", nested(&[]))])),
            ("computed_fields", nested(&[("a", nested(&[]))])),
        ]);
        let lines: Vec<String> = cross_field_faults(&definition)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            lines,
            [
                "constraints: Duplicate check constraint name 'ok'",
                "constraints: Unique constraints must have at least one term",
                "constraints: Duplicate unique constraint on path [.foo, .bar]",
                "computed_fields: Computed field 'a' collides with a defined field",
            ]
        );
    }
}
