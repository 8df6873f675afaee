//! The storage codec: values as bytes, readable field by field (`spec fql10-data 1.3`).
//!
//! A value is one tag byte and a payload that fills the rest of its slice; whoever holds the value
//! knows its length, so nothing is terminated or escaped. A container begins with a directory:
//!
//! ```text
//! integer   INT    little-endian two's complement, as few bytes as hold it (0 to 8)
//! string    STRING utf-8
//! time      TIME   seconds: 8 bytes, nanoseconds: 4 bytes, little-endian
//! txn time  STAMP  microseconds ^ 1 << 63, 8 bytes big-endian, written by the store at commit;
//!                  until then 0xff each, which reads as TransactionTime
//! document  DOC    collection: varint, id: 8 bytes little-endian
//! array     ARRAY  count, length of each item, items
//! object    OBJECT count, length of the directory, directory, values
//!                  directory: for each field length of key, key, length of value
//! ```
//!
//! Counts and lengths are LEB128 varints. One field is found by walking the directory, which lies
//! together at the front; no value before it is looked at ([`Encoded::field`]). Scalars are read
//! without allocation ([`Encoded::view`]). Equal values give equal bytes, but for the order of an
//! object's fields, which is kept. Every read is checked: damaged bytes are [`Corrupt`], not a panic.

use super::deep;
use super::kind::{CollId, Date, Doc, DocId, DocKey, Object, Str, Time, Value};
use super::set::PathPart;
use crate::store::TxnTime;
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const DOUBLE: u8 = 4;
const STRING: u8 = 5;
const BYTES: u8 = 6;
const TIME: u8 = 7;
const STAMP: u8 = 8;
const DATE: u8 = 9;
const UUID: u8 = 10;
const ARRAY: u8 = 11;
const OBJECT: u8 = 12;
const DOC: u8 = 13;
const QUERY: u8 = 14;

/// Containers within containers. Deeper ones cannot be stored.
pub const MAX_DEPTH: usize = 1000;

/// The sign bit of stored transaction times, flipped so that they sort as bytes.
const SIGN: u64 = 1 << 63;

/// What stands in a stamp's place before the commit.
const UNSTAMPED: [u8; 8] = [0xff; 8];

/// Stored bytes do not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored data is damaged")]
pub struct Corrupt;

/// Why a value cannot be stored; code `invalid_type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStorable {
    /// Its type is not persistable.
    Type {
        /// Where it stands.
        path: Vec<PathPart>,
        /// Its type.
        type_name: Str,
    },
    /// It is a lambda.
    Lambda,
    /// It is nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// It does not fit 32-bit lengths.
    TooLarge,
}

impl std::error::Error for NotStorable {}

impl fmt::Display for NotStorable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotStorable::Type { path, type_name } => {
                write!(
                    f,
                    "Value at `{}` has type {type_name}, which cannot be persisted.",
                    path_text(path)
                )
            }
            NotStorable::Lambda => {
                f.write_str("Anonymous functions cannot be stored. Use a string of FQL instead.")
            }
            NotStorable::TooDeep => write!(
                f,
                "Value is nested deeper than {MAX_DEPTH} levels and cannot be persisted."
            ),
            NotStorable::TooLarge => f.write_str("Value is too large to be persisted."),
        }
    }
}

/// A path as messages show it: `a.b[0]`.
pub fn path_text(path: &[PathPart]) -> String {
    use fmt::Write;
    let mut out = String::new();
    for part in path {
        let _ = match part {
            PathPart::Field(name) if out.is_empty() => write!(out, "{name}"),
            PathPart::Field(name) => write!(out, ".{name}"),
            PathPart::Index(index) => write!(out, "[{index}]"),
        };
    }
    out
}

/// Whether a value can be stored; the first offender in field order is reported.
pub fn check_storable(value: &Value) -> Result<(), NotStorable> {
    check(value, &mut Vec::new())
}

fn check(value: &Value, path: &mut Vec<PathPart>) -> Result<(), NotStorable> {
    let mut step = |part: PathPart, value: &Value| {
        if path.len() >= MAX_DEPTH {
            return Err(NotStorable::TooDeep);
        }
        path.push(part);
        deep(|| check(value, path))?;
        path.pop();
        Ok(())
    };
    match value {
        Value::Null(_)
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Long(_)
        | Value::Double(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Time(_)
        | Value::TransactionTime
        | Value::Date(_)
        | Value::Uuid(_)
        | Value::Query(_) => Ok(()),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| step(PathPart::Index(index as i64), item)),
        Value::Object(object) => object
            .iter()
            .try_for_each(|(key, value)| step(PathPart::Field(key.clone()), value)),
        Value::Doc(doc) if matches!(doc.key, DocKey::Id(_)) && !doc.named => Ok(()),
        Value::Lambda(_) => Err(NotStorable::Lambda),
        Value::Id(_)
        | Value::Doc(_)
        | Value::Set(_)
        | Value::Cursor(_)
        | Value::Module(_)
        | Value::Native(_)
        | Value::Function(_)
        | Value::EventSource(_) => Err(NotStorable::Type {
            path: path.clone(),
            type_name: value.type_name(),
        }),
    }
}

/// Where an encoder left room for the commit time: offsets of the eight bytes of each.
pub type StampOffsets = SmallVec<[u32; 2]>;

/// Appends an object, a document's data say.
pub fn encode_object(
    object: &Object,
    out: &mut Vec<u8>,
    stamps: &mut StampOffsets,
) -> Result<(), NotStorable> {
    Encoder {
        out,
        stamps,
        depth: 0,
    }
    .object(object)
}

/// Appends a value.
pub fn encode(
    value: &Value,
    out: &mut Vec<u8>,
    stamps: &mut StampOffsets,
) -> Result<(), NotStorable> {
    Encoder {
        out,
        stamps,
        depth: 0,
    }
    .value(value)
}

struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    stamps: &'a mut StampOffsets,
    depth: usize,
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value) -> Result<(), NotStorable> {
        match value {
            Value::Null(_) => self.out.push(NULL),
            Value::Bool(false) => self.out.push(FALSE),
            Value::Bool(true) => self.out.push(TRUE),
            Value::Int(n) => self.integer(i64::from(*n)),
            Value::Long(n) => self.integer(*n),
            Value::Double(x) => self.tagged(DOUBLE, &x.to_bits().to_le_bytes()),
            Value::String(text) => self.tagged(STRING, text.as_bytes()),
            Value::Bytes(bytes) => self.tagged(BYTES, bytes),
            Value::Time(time) => {
                self.tagged(TIME, &time.secs.to_le_bytes());
                self.out.extend_from_slice(&time.nanos.to_le_bytes());
            }
            Value::TransactionTime => {
                self.out.push(STAMP);
                self.stamps
                    .push(u32::try_from(self.out.len()).map_err(|_| NotStorable::TooLarge)?);
                self.out.extend_from_slice(&UNSTAMPED);
            }
            Value::Date(date) => self.tagged(DATE, &date.0.to_le_bytes()),
            Value::Uuid(uuid) => self.tagged(UUID, uuid),
            Value::Query(query) => self.tagged(QUERY, query.text.as_bytes()),
            Value::Array(items) => return self.array(items),
            Value::Object(object) => return self.object(object),
            Value::Doc(doc) => {
                let DocKey::Id(id) = doc.key else {
                    return Err(self.refused(value));
                };
                self.out.push(DOC);
                push_varint(self.out, doc.coll.0);
                self.out.extend_from_slice(&id.0.to_le_bytes());
            }
            Value::Lambda(_) => return Err(NotStorable::Lambda),
            Value::Id(_)
            | Value::Set(_)
            | Value::Cursor(_)
            | Value::Module(_)
            | Value::Native(_)
            | Value::Function(_)
            | Value::EventSource(_) => return Err(self.refused(value)),
        }
        Ok(())
    }

    /// The path is left to [`check_storable`], so that storing need not keep one.
    fn refused(&self, value: &Value) -> NotStorable {
        NotStorable::Type {
            path: Vec::new(),
            type_name: value.type_name(),
        }
    }

    fn tagged(&mut self, tag: u8, payload: &[u8]) {
        self.out.push(tag);
        self.out.extend_from_slice(payload);
    }

    fn integer(&mut self, n: i64) {
        // The bits above the last that differs from the sign are implied.
        let significant = if n == 0 {
            0
        } else {
            65 - (if n < 0 { !n } else { n }).leading_zeros()
        };
        self.tagged(INT, &n.to_le_bytes()[..significant.div_ceil(8) as usize]);
    }

    fn array(&mut self, items: &[Value]) -> Result<(), NotStorable> {
        self.container(ARRAY, |encoder, header| {
            push_varint(header, items.len() as u64);
            for item in items {
                let start = encoder.out.len();
                encoder.value(item)?;
                push_varint(header, (encoder.out.len() - start) as u64);
            }
            Ok(())
        })
    }

    fn object(&mut self, object: &Object) -> Result<(), NotStorable> {
        self.container(OBJECT, |encoder, header| {
            let mut directory: SmallVec<[u8; 256]> = SmallVec::new();
            for (key, value) in object.iter() {
                let start = encoder.out.len();
                encoder.value(value)?;
                push_varint(&mut directory, key.len() as u64);
                directory.extend_from_slice(key.as_bytes());
                push_varint(&mut directory, (encoder.out.len() - start) as u64);
            }
            push_varint(header, object.len() as u64);
            push_varint(header, directory.len() as u64);
            header.extend_from_slice(&directory);
            Ok(())
        })
    }

    /// The contents are written first, then the header is put before them, since it tells their lengths.
    fn container(
        &mut self,
        tag: u8,
        contents: impl FnOnce(&mut Encoder<'_>, &mut SmallVec<[u8; 288]>) -> Result<(), NotStorable>,
    ) -> Result<(), NotStorable> {
        if self.depth >= MAX_DEPTH {
            return Err(NotStorable::TooDeep);
        }
        let (start, stamped) = (self.out.len(), self.stamps.len());
        let mut header = SmallVec::new();
        header.push(tag);
        self.depth += 1;
        deep(|| contents(self, &mut header))?;
        self.depth -= 1;
        let shift = u32::try_from(header.len()).map_err(|_| NotStorable::TooLarge)?;
        if u32::try_from(self.out.len() + header.len()).is_err() {
            return Err(NotStorable::TooLarge);
        }
        for offset in &mut self.stamps[stamped..] {
            *offset += shift;
        }
        self.out.splice(start..start, header);
        Ok(())
    }
}

fn push_varint(out: &mut impl Extend<u8>, mut n: u64) {
    while n >= 0x80 {
        out.extend([n as u8 | 0x80]);
        n >>= 7;
    }
    out.extend([n as u8]);
}

fn take_varint(bytes: &mut &[u8]) -> Result<u64, Corrupt> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(Corrupt)?;
        *bytes = rest;
        n |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(n);
        }
    }
    Err(Corrupt)
}

fn take_length(bytes: &mut &[u8]) -> Result<usize, Corrupt> {
    usize::try_from(take_varint(bytes)?).map_err(|_| Corrupt)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], Corrupt> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(Corrupt)?;
    *bytes = rest;
    Ok(taken)
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Corrupt> {
    bytes.try_into().map_err(|_| Corrupt)
}

/// One stored value, not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded<'a>(pub &'a [u8]);

/// A stored value, decoded one level deep.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A double.
    Double(f64),
    /// Text.
    String(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// An instant.
    Time(Time),
    /// The commit time of the transaction that is writing this.
    TransactionTime,
    /// A calendar day.
    Date(Date),
    /// A UUID.
    Uuid([u8; 16]),
    /// An array.
    Array(Items<'a>),
    /// An object.
    Object(Fields<'a>),
    /// A document reference.
    Doc(CollId, DocId),
    /// A query of FQL v4 in its wire form.
    Query(&'a str),
}

/// Field names met before. Documents of a collection have the same few names over and over; with
/// this, only the first document allocates them. Bounded: a name may take another's place.
#[derive(Clone, Debug)]
pub struct FieldNames {
    slots: Vec<Option<Str>>,
}

impl Default for FieldNames {
    fn default() -> FieldNames {
        FieldNames {
            slots: vec![None; 64],
        }
    }
}

impl FieldNames {
    /// Remembers nothing.
    fn none() -> FieldNames {
        FieldNames { slots: Vec::new() }
    }

    fn share(&mut self, name: &str) -> Str {
        let bytes = name.as_bytes();
        let ends = bytes.first().map_or(0, |b| usize::from(*b))
            + bytes.last().map_or(0, |b| usize::from(*b)) * 7;
        let slot = (ends + bytes.len() * 31) % 64;
        match self.slots.get_mut(slot) {
            Some(Some(known)) if **known == *name => known.clone(),
            Some(place) => place.insert(name.into()).clone(),
            None => name.into(),
        }
    }
}

/// The items of a stored array, in order.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a> {
    left: usize,
    lengths: &'a [u8],
    items: &'a [u8],
}

/// The fields of a stored object, in order.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    left: usize,
    directory: &'a [u8],
    values: &'a [u8],
}

impl<'a> Encoded<'a> {
    /// Its kind and, if it is a scalar, its value. Allocates nothing.
    pub fn view(self) -> Result<View<'a>, Corrupt> {
        let (&tag, payload) = self.0.split_first().ok_or(Corrupt)?;
        Ok(match tag {
            NULL => View::Null,
            FALSE => View::Bool(false),
            TRUE => View::Bool(true),
            INT => View::Integer(integer(payload)?),
            DOUBLE => View::Double(f64::from_bits(u64::from_le_bytes(fixed(payload)?))),
            STRING => View::String(std::str::from_utf8(payload).map_err(|_| Corrupt)?),
            BYTES => View::Bytes(payload),
            TIME => {
                let (secs, nanos) = payload.split_at_checked(8).ok_or(Corrupt)?;
                let nanos = u32::from_le_bytes(fixed(nanos)?);
                if nanos >= 1_000_000_000 {
                    return Err(Corrupt);
                }
                View::Time(Time {
                    secs: i64::from_le_bytes(fixed(secs)?),
                    nanos,
                })
            }
            STAMP => match fixed(payload)? {
                UNSTAMPED => View::TransactionTime,
                stamp => View::Time(TxnTime((u64::from_be_bytes(stamp) ^ SIGN) as i64).into()),
            },
            DATE => View::Date(Date(i64::from_le_bytes(fixed(payload)?))),
            UUID => View::Uuid(fixed(payload)?),
            ARRAY => {
                let mut lengths = payload;
                let left = take_length(&mut lengths)?;
                let mut items = lengths;
                for _ in 0..left {
                    take_varint(&mut items)?;
                }
                View::Array(Items {
                    left,
                    lengths,
                    items,
                })
            }
            OBJECT => View::Object(Fields::of(payload)?),
            QUERY => View::Query(std::str::from_utf8(payload).map_err(|_| Corrupt)?),
            DOC => {
                let mut rest = payload;
                let coll = take_varint(&mut rest)?;
                View::Doc(CollId(coll), DocId(i64::from_le_bytes(fixed(rest)?)))
            }
            _ => return Err(Corrupt),
        })
    }

    /// The value of a field; `None` if it has none, or is no object. Reads the directory only.
    pub fn field(self, name: &str) -> Result<Option<Encoded<'a>>, Corrupt> {
        match self.0.split_first() {
            Some((&OBJECT, payload)) => Fields::of(payload)?.find(name),
            Some(_) => Ok(None),
            None => Err(Corrupt),
        }
    }

    /// The item at an index; `None` if there is none, or it is no array.
    pub fn item(self, index: i64) -> Result<Option<Encoded<'a>>, Corrupt> {
        match self.0.first() {
            Some(&ARRAY) => {}
            Some(_) => return Ok(None),
            None => return Err(Corrupt),
        }
        match (self.view()?, usize::try_from(index)) {
            (View::Array(mut items), Ok(index)) => items.nth(index).transpose(),
            _ => Ok(None),
        }
    }

    /// The value at a path; `None` if it leads nowhere.
    pub fn path(self, path: &[PathPart]) -> Result<Option<Encoded<'a>>, Corrupt> {
        let mut value = self;
        for part in path {
            let next = match part {
                PathPart::Field(name) => value.field(name)?,
                PathPart::Index(index) => value.item(*index)?,
            };
            match next {
                Some(next) => value = next,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    /// The whole value.
    pub fn decode(self) -> Result<Value, Corrupt> {
        self.decode_at(0, &mut FieldNames::none())
    }

    /// The whole value, which must be an object.
    pub fn decode_object(self) -> Result<Object, Corrupt> {
        self.decode_object_with(&mut FieldNames::none())
    }

    /// The whole value, which must be an object; field names that `names` knows are shared, not copied.
    pub fn decode_object_with(self, names: &mut FieldNames) -> Result<Object, Corrupt> {
        match self.view()? {
            View::Object(fields) => fields.decode_at(0, names),
            _ => Err(Corrupt),
        }
    }

    fn decode_at(self, depth: usize, names: &mut FieldNames) -> Result<Value, Corrupt> {
        // Damaged bytes may nest deeper than anything that was ever stored.
        if depth > MAX_DEPTH {
            return Err(Corrupt);
        }
        Ok(match self.view()? {
            View::Null => Value::NULL,
            View::Bool(x) => Value::Bool(x),
            View::Integer(n) => Value::integer(n),
            View::Double(x) => Value::Double(x),
            View::String(text) => Value::string(text),
            View::Bytes(bytes) => Value::Bytes(bytes.into()),
            View::Time(time) => Value::Time(time),
            View::TransactionTime => Value::TransactionTime,
            View::Date(date) => Value::Date(date),
            View::Uuid(uuid) => Value::Uuid(uuid),
            View::Query(text) => Value::query(text),
            View::Array(items) => {
                let decoded: Result<Vec<Value>, Corrupt> = deep(|| {
                    items
                        .map(|item| item?.decode_at(depth + 1, names))
                        .collect()
                });
                Value::array(decoded?)
            }
            View::Object(fields) => Value::object(deep(|| fields.decode_at(depth, names))?),
            View::Doc(coll, id) => Value::Doc(Arc::new(Doc {
                coll,
                key: DocKey::Id(id),
                at: None,
                deleted: false,
                named: false,
                cover: None,
            })),
        })
    }
}

fn integer(payload: &[u8]) -> Result<i64, Corrupt> {
    let (Some(last), 1..=8) = (payload.last(), payload.len()) else {
        return if payload.is_empty() {
            Ok(0)
        } else {
            Err(Corrupt)
        };
    };
    let mut bytes = if *last < 0x80 { [0; 8] } else { [0xff; 8] };
    bytes[..payload.len()].copy_from_slice(payload);
    Ok(i64::from_le_bytes(bytes))
}

impl<'a> Fields<'a> {
    fn of(payload: &'a [u8]) -> Result<Fields<'a>, Corrupt> {
        let mut rest = payload;
        let left = take_length(&mut rest)?;
        let length = take_length(&mut rest)?;
        let directory = take(&mut rest, length)?;
        Ok(Fields {
            left,
            directory,
            values: rest,
        })
    }

    /// The value of a field.
    pub fn find(mut self, name: &str) -> Result<Option<Encoded<'a>>, Corrupt> {
        let mut offset = 0usize;
        for _ in 0..self.left {
            let (key, length) = self.entry()?;
            if key == name.as_bytes() {
                let end = offset.checked_add(length).ok_or(Corrupt)?;
                return self
                    .values
                    .get(offset..end)
                    .map(|value| Some(Encoded(value)))
                    .ok_or(Corrupt);
            }
            offset = offset.checked_add(length).ok_or(Corrupt)?;
        }
        Ok(None)
    }

    fn entry(&mut self) -> Result<(&'a [u8], usize), Corrupt> {
        let length = take_length(&mut self.directory)?;
        Ok((
            take(&mut self.directory, length)?,
            take_length(&mut self.directory)?,
        ))
    }

    fn decode_at(self, depth: usize, names: &mut FieldNames) -> Result<Object, Corrupt> {
        // Each field takes two bytes of the directory at least: a damaged count reserves no more.
        let mut object = Object::with_capacity(self.left.min(self.directory.len() / 2));
        for field in self {
            let (key, value) = field?;
            object.insert(names.share(key), value.decode_at(depth + 1, names)?);
        }
        Ok(object)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(&'a str, Encoded<'a>), Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let mut read = || {
            let (key, length) = self.entry()?;
            let key = std::str::from_utf8(key).map_err(|_| Corrupt)?;
            Ok((key, Encoded(take(&mut self.values, length)?)))
        };
        let field = read();
        if field.is_err() {
            self.left = 0;
        }
        Some(field)
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Encoded<'a>, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let item = take_length(&mut self.lengths).and_then(|length| take(&mut self.items, length));
        if item.is_err() {
            self.left = 0;
        }
        Some(item.map(Encoded))
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::{order, same};
    use super::super::testing::{any_value, object};
    use super::*;
    use proptest::prelude::*;

    fn bytes(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        assert_eq!(encode(value, &mut out, &mut StampOffsets::new()), Ok(()));
        out
    }

    /// Doubles by bits, Int and Long as one, fields in order.
    fn identical(a: &Value, b: &Value) -> bool {
        format!("{a:?}").replace("Long", "Int") == format!("{b:?}").replace("Long", "Int")
    }

    #[test]
    fn stored_queries_round_trip() {
        let query = Value::query(r#"{"lambda":"x","expr":{"var":"x"}}"#);
        let object: Object = [("q", query.clone())].into_iter().collect();
        let (mut out, mut stamps) = (Vec::new(), StampOffsets::new());
        encode_object(&object, &mut out, &mut stamps).unwrap();
        let field = Encoded(&out).field("q").unwrap().unwrap();
        assert!(same(&field.decode().unwrap(), &query));
        assert!(!same(&query, &Value::query("{}")));
    }

    #[test]
    fn small_values_are_small() {
        for (value, expected) in [
            (Value::NULL, vec![NULL]),
            (Value::Int(0), vec![INT]),
            (Value::Int(-1), vec![INT, 0xff]),
            (Value::Int(127), vec![INT, 127]),
            (Value::Int(128), vec![INT, 128, 0]),
            (Value::Int(-129), vec![INT, 0x7f, 0xff]),
            (Value::string("ab"), vec![STRING, b'a', b'b']),
            (
                Value::array(vec![Value::NULL, Value::Int(7)]),
                vec![ARRAY, 2, 1, 2, NULL, INT, 7],
            ),
            (
                object(&[("k", Value::Bool(true))]),
                vec![OBJECT, 1, 3, 1, b'k', 1, TRUE],
            ),
        ] {
            assert_eq!(bytes(&value), expected, "{value:?}");
        }
        assert_eq!(bytes(&Value::Long(i64::MIN)).len(), 9);
    }

    #[test]
    fn commit_times_are_stamped_in_place() {
        let value = object(&[
            ("a", Value::TransactionTime),
            (
                "b",
                Value::array(vec![Value::string("x"), Value::TransactionTime]),
            ),
        ]);
        let (mut out, mut stamps) = (vec![0xee; 5], StampOffsets::new());
        assert_eq!(encode(&value, &mut out, &mut stamps), Ok(()));
        for offset in &stamps {
            let at = *offset as usize;
            out[at..at + 8].copy_from_slice(&(1_500_000u64 ^ SIGN).to_be_bytes());
        }
        let time = Value::Time(Time {
            secs: 1,
            nanos: 500_000_000,
        });
        let expected = object(&[
            ("a", time.clone()),
            ("b", Value::array(vec![Value::string("x"), time])),
        ]);
        let decoded = Encoded(&out[5..]).decode();
        assert!(decoded.is_ok_and(|decoded| identical(&decoded, &expected)));
    }

    #[test]
    fn refuses_what_cannot_be_stored() {
        let inner = Value::array(vec![object(&[("y", Value::Id(1))])]);
        let value = object(&[("x", inner)]);
        assert_eq!(
            check_storable(&value).map_err(|e| e.to_string()),
            Err("Value at `x[0].y` has type ID, which cannot be persisted.".to_string())
        );
        assert!(encode(&value, &mut Vec::new(), &mut StampOffsets::new()).is_err());
        let mut nested = Value::array(vec![]);
        for _ in 0..MAX_DEPTH {
            nested = Value::array(vec![nested]);
        }
        assert_eq!(
            encode(&nested, &mut Vec::new(), &mut StampOffsets::new()),
            Err(NotStorable::TooDeep)
        );
    }

    proptest! {
        #[test]
        fn every_storable_value_comes_back(value in any_value()) {
            prop_assert_eq!(check_storable(&value), Ok(()));
            let encoded = bytes(&value);
            let decoded = Encoded(&encoded).decode();
            prop_assert!(decoded.as_ref().is_ok_and(|decoded| identical(decoded, &value)), "{:?}", decoded);
            prop_assert!(decoded.is_ok_and(|decoded| order(&decoded, &value).is_eq()));
            if matches!(value, Value::Object(_)) {
                let mut names = FieldNames::default();
                for _ in 0..2 {
                    let shared = Encoded(&encoded).decode_object_with(&mut names).map(Value::object);
                    prop_assert!(shared.is_ok_and(|shared| identical(&shared, &value)));
                }
            }
        }

        #[test]
        fn one_field_is_what_the_whole_has(value in any_value()) {
            let encoded = bytes(&value);
            if let Value::Object(object) = &value {
                for (key, expected) in object.iter() {
                    let field = Encoded(&encoded).field(key).map(|f| f.map(Encoded::decode));
                    prop_assert!(matches!(&field, Ok(Some(Ok(found))) if identical(found, expected)), "{:?}", field);
                }
                prop_assert_eq!(Encoded(&encoded).field("no such field"), Ok(None));
            } else {
                prop_assert_eq!(Encoded(&encoded).field("a"), Ok(None));
            }
            if let Value::Array(items) = &value {
                for (index, expected) in items.iter().enumerate() {
                    let item = Encoded(&encoded).path(&[PathPart::Index(index as i64)]).map(|i| i.map(Encoded::decode));
                    prop_assert!(matches!(&item, Ok(Some(Ok(found))) if identical(found, expected)), "{:?}", item);
                }
                prop_assert_eq!(Encoded(&encoded).item(items.len() as i64), Ok(None));
                prop_assert_eq!(Encoded(&encoded).item(-1), Ok(None));
            }
        }

        #[test]
        fn damage_is_an_error(value in any_value(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
            let mut encoded = bytes(&value);
            let index = at.index(encoded.len());
            encoded[index] = byte;
            let _ = Encoded(&encoded).decode();
            let _ = Encoded(&encoded).field("a");
            let _ = Encoded(&encoded[..cut.index(encoded.len())]).decode();
        }

        #[test]
        fn noise_is_an_error(noise in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Encoded(&noise).decode();
            let _ = Encoded(&noise).item(1);
        }
    }
}
