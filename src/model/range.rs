//! Range arguments of sets (`spec fql10-data 6.5`): from values to key bounds.
//!
//! Both ends are inclusive and expressed in the index's own direction, so a bound is just the encoded values: every
//! entry that begins with them is inside.

use super::bytes::{self, Stamps};
use super::keys;
use super::schema::{BackingIndex, ValueDef};
use crate::value::key::{AFTER_ALL, KeyCodec};
use crate::value::{Doc, DocId, DocKey, PathPart, Value};

/// What is wrong with a range argument; belongs behind ``invalid argument `range`: ``.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Neither bound, or no struct.
    #[error("should be an object contining `{{ from }}`, `{{ to }}`, or `{{ from, to }}` fields")]
    Shape,
    /// More elements than covered values.
    #[error("The field `{0}` can have at most {1} values")]
    TooMany(&'static str, usize),
    /// The index has no values: only ids are ordered.
    #[error("The `{0}` field must be a document id.")]
    NotId(&'static str),
    /// Not a value an index can hold.
    #[error("The `{0}` field should be either an indexable value or an array of values")]
    NotIndexable(&'static str),
}

/// The part of an index that is asked for, behind the terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct IndexBounds {
    from: Option<Vec<u8>>,
    to: Option<Vec<u8>>,
}

/// The bounds in a range argument.
pub fn parse_range(range: &Value) -> Result<(Option<Value>, Option<Value>), RangeError> {
    let Value::Object(range) = range else {
        return Err(RangeError::Shape);
    };
    let (from, to) = (range.get("from").cloned(), range.get("to").cloned());
    if from.is_none() && to.is_none() {
        Err(RangeError::Shape)
    } else {
        Ok((from, to))
    }
}

/// A bound of `Foo.all(range)` or of an index without values: a document, an id, an integer or its text.
pub fn id_bound(field: &'static str, bound: &Value) -> Result<DocId, RangeError> {
    as_id(bound).ok_or(RangeError::NotId(field))
}

fn as_id(value: &Value) -> Option<DocId> {
    match value {
        Value::Id(id) | Value::Long(id) => Some(DocId(*id)),
        Value::Int(id) => Some(DocId(i64::from(*id))),
        Value::String(text) => text.parse().ok().map(DocId),
        Value::Doc(doc) => match &**doc {
            Doc {
                key: DocKey::Id(id),
                ..
            } => Some(*id),
            Doc {
                key: DocKey::Name(_),
                ..
            } => None,
        },
        _ => None,
    }
}

impl IndexBounds {
    /// Every entry.
    pub fn all() -> IndexBounds {
        IndexBounds::default()
    }

    /// The bounds `from` and `to`, as values.
    pub fn from_range(
        codec: &KeyCodec,
        index: &BackingIndex,
        from: Option<&Value>,
        to: Option<&Value>,
    ) -> Result<IndexBounds, RangeError> {
        let from = from
            .map(|from| bound(codec, index, "from", from))
            .transpose()?;
        let to = to.map(|to| bound(codec, index, "to", to)).transpose()?;
        Ok(IndexBounds { from, to })
    }

    /// The key range of the entries with `prefix` (scope, index and terms).
    pub(crate) fn key_range(&self, prefix: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let join = |bound: &[u8]| [prefix, bound].concat();
        let start = self.from.as_deref().map_or_else(|| prefix.to_vec(), join);
        let end = keys::successor(&self.to.as_deref().map_or_else(|| prefix.to_vec(), join));
        (start, end)
    }
}

fn bound(
    codec: &KeyCodec,
    index: &BackingIndex,
    field: &'static str,
    bound: &Value,
) -> Result<Vec<u8>, RangeError> {
    if index.values.is_empty() {
        return Ok(keys::id_bytes(id_bound(field, bound)?).to_vec());
    }
    let mut out = Vec::new();
    match bound {
        Value::Array(items) if index.values.len() > 1 => {
            if items.len() > index.values.len() {
                return Err(RangeError::TooMany(field, index.values.len()));
            }
            for (value, item) in index.values.iter().zip(items.iter()) {
                push(codec, value, field, item, &mut out)?;
            }
        }
        // One covered value: the array itself is the bound, and `to` reaches to its continuations.
        Value::Array(items) if field == "to" => {
            let mut items = items.to_vec();
            items.push(Value::NULL);
            push_first(codec, index, field, &Value::array(items), &mut out)?;
        }
        bound => push_first(codec, index, field, bound, &mut out)?,
    }
    Ok(out)
}

fn push_first(
    codec: &KeyCodec,
    index: &BackingIndex,
    field: &'static str,
    bound: &Value,
    out: &mut Vec<u8>,
) -> Result<(), RangeError> {
    match index.values.first() {
        Some(value) => push(codec, value, field, bound, out),
        None => Ok(()),
    }
}

fn push(
    codec: &KeyCodec,
    value: &ValueDef,
    field: &'static str,
    bound: &Value,
    out: &mut Vec<u8>,
) -> Result<(), RangeError> {
    if is_id(&value.path) {
        // What is no id is after every id, null before.
        let edge = match (as_id(bound), bound) {
            (Some(id), _) => {
                bytes::encode_key(
                    codec,
                    &Value::Long(id.0),
                    value.descending,
                    out,
                    &mut Stamps::new(),
                );
                return Ok(());
            }
            (None, Value::Null(_)) => 0,
            (None, _) => AFTER_ALL,
        };
        out.push(if value.descending { !edge } else { edge });
        return Ok(());
    }
    let named = matches!(bound, Value::Doc(doc) if doc.named);
    let indexable = codec
        .encode(bound, value.descending, &mut Vec::new(), &mut Stamps::new())
        .is_ok();
    if named || !indexable {
        return Err(RangeError::NotIndexable(field));
    }
    bytes::encode_key(codec, bound, value.descending, out, &mut Stamps::new());
    Ok(())
}

/// Whether a path is `.id`.
pub(crate) fn is_id(path: &[PathPart]) -> bool {
    matches!(path, [PathPart::Field(name)] if &**name == "id")
}
