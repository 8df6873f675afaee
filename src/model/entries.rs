//! The index entries of a document (`spec fql10-data 6.3`).
//!
//! One entry for every combination of the values of the terms and sort values; a path with `mva` has one value for
//! each distinct element of the arrays it leads to. A document without any non-null term has no entry.

use super::bytes::{self, Stamps};
use super::legacy_entries::{self, Physical};
use super::range::is_id;
use super::schema::{BackingIndex, Collection, LegacyIndex, Schema};
use super::version::step;
use super::{ComputedFields, IndexedDocument, LegacyBindings, ModelError, keys, stored_size};
use crate::value::codec::Corrupt;
use crate::value::key::{self, KeyCodec};
use crate::value::{IndexId, PathPart, ScopeId, Value};

/// The most bytes the key of an index entry may have (`spec fql10-data 1.5`).
pub const MAX_KEY: u64 = 64_000;

/// What the original's keys hold beside terms and values: with it, a term of one string may have 63957 bytes.
const ENTRY_OVERHEAD: u64 = 40;

/// The most entries one document may have in one index: a cartesian product can explode.
const MAX_ENTRIES: usize = 1 << 20;

/// The key of an index entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryKey {
    /// `scope index terms values id coll`
    pub key: Vec<u8>,
    /// Places of the commit time in it.
    pub stamps: Stamps,
    /// Length of `scope index terms values`: documents with equal entries agree up to here.
    pub tuple: usize,
}

/// What is needed to find the values of a document's fields.
pub(crate) struct Fields<'a> {
    pub scope: ScopeId,
    pub codec: &'a KeyCodec,
    pub schema: &'a Schema,
    pub collection: &'a Collection,
    pub computed: Option<&'a dyn ComputedFields>,
    pub bindings: Option<&'a dyn LegacyBindings>,
    pub document: IndexedDocument<'a>,
}

/// One component of an index's entries.
struct Component {
    /// The values a document has for it, and whether each is anything.
    choices: Vec<(Value, bool)>,
    descending: bool,
    is_term: bool,
}

/// The entries of a document in one index of either language, sorted and distinct.
pub(crate) fn entries(
    index: Physical<'_>,
    fields: &Fields<'_>,
) -> Result<Vec<EntryKey>, ModelError> {
    match index {
        Physical::Own(index) => own_entries(index, fields),
        Physical::Legacy(index) => legacy(index, fields),
    }
}

/// The entries of a document in an index of its collection.
pub(crate) fn own_entries(
    index: &BackingIndex,
    fields: &Fields<'_>,
) -> Result<Vec<EntryKey>, ModelError> {
    let terms = index
        .terms
        .iter()
        .map(|term| (&term.path[..], term.mva, false, true));
    let values = index
        .values
        .iter()
        .map(|value| (&value.path[..], value.mva, value.descending, false));
    let components = terms
        .chain(values)
        .map(|(path, mva, descending, is_term)| Component {
            choices: choices(fields, path, mva)
                .into_iter()
                .map(|value| {
                    let found = !value.is_null();
                    (value, found)
                })
                .collect(),
            descending,
            is_term,
        });
    let needed = Needed {
        term: !index.terms.is_empty(),
        value: false,
        values_fit: false,
    };
    combined(index.id, components, needed, fields)
}

fn legacy(index: &LegacyIndex, fields: &Fields<'_>) -> Result<Vec<EntryKey>, ModelError> {
    let terms = index.terms.iter().map(|term| (term, false, true));
    let values = index
        .values
        .iter()
        .map(|value| (value, value.reverse, false));
    let components = terms
        .chain(values)
        .map(|(field, descending, is_term)| Component {
            choices: legacy_entries::choices(fields, index, field)
                .into_iter()
                .map(|value| match value {
                    time if is_term && legacy_entries::is_write_time(fields, field, &time) => {
                        (Value::NULL, true)
                    }
                    value => {
                        let found = !value.is_null();
                        (value, found)
                    }
                })
                .collect(),
            descending,
            is_term,
        });
    let needed = Needed {
        term: !index.terms.is_empty(),
        value: !index.values.is_empty(),
        values_fit: true,
    };
    combined(index.id, components, needed, fields)
}

/// Of what an entry needs one that is not null.
struct Needed {
    term: bool,
    value: bool,
    /// Values beyond what the original can store make no entry.
    values_fit: bool,
}

/// The most bytes that the values of an entry may have in the original, where an index of FQL v4 just leaves out more.
const MAX_VALUES: u64 = 32_767;

/// A part of an entry's key, and what is known of it.
#[derive(Clone)]
struct Combination {
    key: Vec<u8>,
    stamps: Stamps,
    any_term: bool,
    any_value: bool,
    size: u64,
    values: u64,
}

fn combined(
    index: IndexId,
    components: impl Iterator<Item = Component>,
    needed: Needed,
    fields: &Fields<'_>,
) -> Result<Vec<EntryKey>, ModelError> {
    let mut combinations = vec![Combination {
        key: keys::index(fields.scope, index).to_vec(),
        stamps: Stamps::new(),
        any_term: !needed.term,
        any_value: !needed.value,
        size: ENTRY_OVERHEAD,
        values: 0,
    }];
    for component in components {
        if combinations.len().saturating_mul(component.choices.len()) > MAX_ENTRIES {
            return Err(ModelError::TransactionTooLarge(super::MAX_TRANSACTION + 1));
        }
        let mut next = Vec::with_capacity(combinations.len() * component.choices.len());
        for prefix in &combinations {
            for (choice, found) in &component.choices {
                let mut more = prefix.clone();
                let (key, stamps) = (&mut more.key, &mut more.stamps);
                bytes::encode_key(fields.codec, choice, component.descending, key, stamps);
                more.any_term |= component.is_term && *found;
                more.any_value |= !component.is_term && *found;
                let size = stored_size::of_value(choice);
                more.size += size;
                if !component.is_term {
                    more.values += size;
                }
                next.push(more);
            }
        }
        combinations = next;
    }
    let suffix = keys::index_suffix(fields.collection.id, fields.document.id);
    let mut found = Vec::with_capacity(combinations.len());
    for combination in combinations {
        if !combination.any_term || !combination.any_value {
            continue;
        }
        if needed.values_fit && combination.values > MAX_VALUES {
            continue;
        }
        if combination.size > MAX_KEY {
            return Err(ModelError::KeyTooLarge(combination.size));
        }
        let (mut key, stamps) = (combination.key, combination.stamps);
        let tuple = key.len();
        key.extend_from_slice(&suffix);
        found.push(EntryKey { key, stamps, tuple });
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found.dedup_by(|a, b| a.key == b.key);
    Ok(found)
}

/// The values an index takes from one path of a document; at least one, null if there is nothing.
fn choices(fields: &Fields<'_>, path: &[PathPart], mva: bool) -> Vec<Value> {
    let value = lookup(fields, path).unwrap_or(Value::NULL);
    if !mva {
        return vec![value];
    }
    let mut distinct = Vec::new();
    flatten(&value, true, &mut distinct);
    if distinct.is_empty() {
        distinct.push(Value::NULL);
    }
    // Equal elements become equal keys and are removed there.
    distinct
}

/// Elements of nested arrays; objects inside arrays have none.
fn flatten(value: &Value, top: bool, out: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, false, out)),
        Value::Object(_) if !top => {}
        other => out.push(other.clone()),
    }
}

/// The value at a path of a document, metadata and computed fields included.
fn lookup(fields: &Fields<'_>, path: &[PathPart]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    let PathPart::Field(name) = first else {
        return None;
    };
    let document = &fields.document;
    let mut value = match &**name {
        _ if fields.collection.computed_field(name).is_some() => {
            fields
                .computed?
                .evaluate(fields.schema, fields.collection, document, name)?
        }
        "id" => Value::Long(document.id.0),
        "ts" => document
            .ts
            .map_or(Value::TransactionTime, |ts| Value::Time(ts.into())),
        "ttl" => Value::Time(document.ttl?),
        "data" if !fields.collection.is_native() => Value::Object(document.data.clone()),
        _ => document.data.get(name)?.clone(),
    };
    for part in rest {
        value = step(&value, part)?;
    }
    Some(value)
}

/// The keys of all entries with these terms: `scope index terms`.
pub(crate) fn terms_prefix(
    codec: &KeyCodec,
    scope: ScopeId,
    index: &BackingIndex,
    terms: &[Value],
) -> Vec<u8> {
    let mut key = keys::index(scope, index.id).to_vec();
    for term in terms {
        bytes::encode_key(codec, term, false, &mut key, &mut Stamps::new());
    }
    key
}

/// Whether an entry of this collection ends like this one, of any document.
pub(crate) fn same_tuple(entry: &EntryKey, key: &[u8]) -> bool {
    key.len() == entry.key.len()
        && key.starts_with(entry.key.get(..entry.tuple).unwrap_or_default())
}

/// The covered values in the key of an entry whose terms end at `prefix`.
pub(crate) fn covered_values(index: &BackingIndex, key: &[u8], prefix: usize) -> Vec<Value> {
    let mut rest = key.get(prefix..).unwrap_or_default();
    let mut values = Vec::with_capacity(index.values.len());
    for value in &index.values {
        values.push(match key::decode(&mut rest, value.descending) {
            Ok(Value::Int(id)) if is_id(&value.path) => Value::Id(i64::from(id)),
            Ok(Value::Long(id)) if is_id(&value.path) => Value::Id(id),
            Ok(value) => bytes::restore(value),
            Err(Corrupt) => Value::NULL,
        });
    }
    values
}
