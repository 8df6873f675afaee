//! Values as index keys: bytes that sort as Fauna's indexes do (`spec fql10-data 6.4`).
//!
//! ```text
//! numbers < bytes < strings < arrays < objects < documents < times < dates < queries < UUIDs < false < true < null
//! ```
//!
//! Every encoding begins with a tag between 0x01 and 0xfe and delimits itself, so that encodings
//! concatenate to tuples and a tuple's prefix sorts first. A descending value has all its bits
//! inverted. Every key decodes to its value, which is what covered reads use; only an object's
//! field order and an integer's being `Long` are lost.
//!
//! ```text
//! number   NUMBER  8 bytes: the largest Double not above it, so that they sort
//!                  INTEGER | DOUBLE | FURTHER and 2 bytes: how far an integer lies above it
//! bytes    BYTES   escaped, 0x00
//! string   STRING  ICU root collation sort key, 0x00, UTF-8 escaped, 0x00
//! array    ARRAY   items, 0x00
//! object   OBJECT  key as string, value ... by key, 0x00
//! document DOC     id, collection
//! time     TIME    microseconds ^ 1 << 63, nanoseconds below them: 2 bytes; the commit time, before
//!                  it is known: 0xff eight times, 2 zero bytes, which reads as TransactionTime
//!          EARLY | LATE  seconds ^ 1 << 63, nanoseconds, for times whose microseconds exceed 64 bits
//! date     DATE    days ^ 1 << 63
//! query    QUERY   escaped wire form, 0x00
//! ```
//!
//! All numbers are big-endian. Escaping writes 0x00 as 0x01 0x01 and 0x01 as 0x01 0x02.
//!
//! Strings order by collation, ties by bytes. In the original a proper prefix sorts first in any case;
//! here too, but for the few characters that collate in another order than they are written
//! (Thai and Lao vowels), where the original's rule is no order at all.

mod collation;
mod reader;

pub use reader::{decode, skip};

use super::codec::MAX_DEPTH;
use super::deep;
use super::kind::{DocKey, Object, Time, Value};
use super::number::{Number, compare_doubles};
use crate::store::{Stamp, StampPlace};
use collation::Collation;
use smallvec::SmallVec;
use std::cmp::Ordering;

const NUMBER: u8 = 0x10;
const BYTES: u8 = 0x18;
const STRING: u8 = 0x20;
const ARRAY: u8 = 0x28;
const OBJECT: u8 = 0x30;
const DOC: u8 = 0x38;
const EARLY: u8 = 0x40;
const TIME: u8 = 0x41;
const LATE: u8 = 0x42;
const DATE: u8 = 0x48;
const QUERY: u8 = 0x4c;
const UUID: u8 = 0x50;
const FALSE: u8 = 0x58;
const TRUE: u8 = 0x59;
const NULL: u8 = 0x60;

/// Sorts after every value that continues a prefix, ascending or descending.
pub const AFTER_ALL: u8 = 0xff;

const INTEGER: u8 = 1;
const DOUBLE: u8 = 2;
const FURTHER: u8 = 3;

const END: u8 = 0;
const ESCAPE: u8 = 1;
const SIGN: u64 = 1 << 63;

/// The value cannot be part of a key; the caller knows its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a value of this type cannot be an index entry")]
pub struct NotIndexable;

/// Places in a key that receive the commit time.
pub type KeyStamps = SmallVec<[Stamp; 2]>;

/// Encodes and compares keys. Holds the collation, which takes a while to set up: the engine makes
/// one and shares it.
#[derive(Debug)]
pub struct KeyCodec {
    collation: Collation,
}

impl Default for KeyCodec {
    fn default() -> KeyCodec {
        KeyCodec::new()
    }
}

impl KeyCodec {
    /// A codec with the root collation.
    pub fn new() -> KeyCodec {
        KeyCodec {
            collation: Collation::new(),
        }
    }

    /// Tells versions of the collation apart: keys written under another one must be written anew.
    pub fn fingerprint(&self) -> u64 {
        self.collation.fingerprint()
    }

    /// Appends the key of a value. Places for the commit time are added to `stamps`.
    pub fn encode(
        &self,
        value: &Value,
        descending: bool,
        out: &mut Vec<u8>,
        stamps: &mut KeyStamps,
    ) -> Result<(), NotIndexable> {
        let (start, stamped) = (out.len(), stamps.len());
        if let Err(refused) = self.ascending(value, out, stamps, 0) {
            out.truncate(start);
            stamps.truncate(stamped);
            return Err(refused);
        }
        if descending {
            out[start..].iter_mut().for_each(|byte| *byte = !*byte);
            stamps[stamped..]
                .iter_mut()
                .for_each(|stamp| stamp.inverted = true);
        }
        Ok(())
    }

    /// The order of keys, without making them: `compare(a, b)` is the order of the bytes of `a` and `b`.
    /// What cannot be indexed is equal to everything of its kind and sorts last.
    pub fn compare(&self, a: &Value, b: &Value) -> Ordering {
        match (a, b) {
            (Value::Bytes(x), Value::Bytes(y)) => x.cmp(y),
            (Value::String(x), Value::String(y)) => self.collation.compare(x, y),
            (Value::Array(x), Value::Array(y)) => deep(|| {
                let unequal = x
                    .iter()
                    .zip(y.iter())
                    .map(|(x, y)| self.compare(x, y))
                    .find(|o| o.is_ne());
                unequal.unwrap_or_else(|| x.len().cmp(&y.len()))
            }),
            (Value::Object(x), Value::Object(y)) => deep(|| {
                let (x, y) = (by_key(x), by_key(y));
                let fields = x.iter().zip(&y).map(|((key, x), (other, y))| {
                    self.collation
                        .compare(key, other)
                        .then_with(|| self.compare(x, y))
                });
                fields
                    .into_iter()
                    .find(|o| o.is_ne())
                    .unwrap_or_else(|| x.len().cmp(&y.len()))
            }),
            (Value::Doc(x), Value::Doc(y)) => match (&x.key, &y.key) {
                (DocKey::Id(id), DocKey::Id(other)) => id.cmp(other).then(x.coll.cmp(&y.coll)),
                _ => Ordering::Equal,
            },
            (Value::Time(x), Value::Time(y)) => x.cmp(y),
            (Value::TransactionTime, Value::Time(time)) => commit_time_to(*time),
            (Value::Time(time), Value::TransactionTime) => commit_time_to(*time).reverse(),
            (Value::Date(x), Value::Date(y)) => x.cmp(y),
            (Value::Query(x), Value::Query(y)) => x.text.cmp(&y.text),
            (Value::Uuid(x), Value::Uuid(y)) => x.cmp(y),
            (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
            (a, b) => match (Number::of(a), Number::of(b)) {
                (Some(x), Some(y)) => compare_numbers(x, y),
                _ => rank(a).cmp(&rank(b)),
            },
        }
    }

    fn ascending(
        &self,
        value: &Value,
        out: &mut Vec<u8>,
        stamps: &mut KeyStamps,
        depth: usize,
    ) -> Result<(), NotIndexable> {
        if depth > MAX_DEPTH {
            return Err(NotIndexable);
        }
        match value {
            Value::Null(_) => out.push(NULL),
            Value::Bool(x) => out.push(if *x { TRUE } else { FALSE }),
            Value::Int(n) => push_integer(out, i64::from(*n)),
            Value::Long(n) => push_integer(out, *n),
            Value::Double(x) => {
                out.push(NUMBER);
                out.extend_from_slice(&sortable(*x).to_be_bytes());
                out.push(DOUBLE);
            }
            Value::String(text) => self.string(text, out),
            Value::Bytes(bytes) => {
                out.push(BYTES);
                push_escaped(out, bytes);
            }
            Value::Time(time) => push_time(out, *time),
            Value::TransactionTime => {
                let offset = u32::try_from(out.len() + 1).map_err(|_| NotIndexable)?;
                stamps.push(Stamp {
                    place: StampPlace::Key,
                    offset,
                    inverted: false,
                });
                out.push(TIME);
                out.extend_from_slice(&u64::MAX.to_be_bytes());
                out.extend_from_slice(&[0; 2]);
            }
            Value::Date(date) => {
                out.push(DATE);
                push_signed(out, date.0);
            }
            Value::Query(query) => {
                out.push(QUERY);
                push_escaped(out, query.text.as_bytes());
            }
            Value::Uuid(uuid) => {
                out.push(UUID);
                out.extend_from_slice(uuid);
            }
            Value::Array(items) => {
                out.push(ARRAY);
                deep(|| {
                    items
                        .iter()
                        .try_for_each(|item| self.ascending(item, out, stamps, depth + 1))
                })?;
                out.push(END);
            }
            Value::Object(object) => {
                out.push(OBJECT);
                deep(|| {
                    by_key(object).into_iter().try_for_each(|(key, value)| {
                        self.string(key, out);
                        self.ascending(value, out, stamps, depth + 1)
                    })
                })?;
                out.push(END);
            }
            Value::Doc(doc) => {
                let DocKey::Id(id) = doc.key else {
                    return Err(NotIndexable);
                };
                out.push(DOC);
                push_signed(out, id.0);
                out.extend_from_slice(&doc.coll.0.to_be_bytes());
            }
            Value::Id(_)
            | Value::Set(_)
            | Value::Cursor(_)
            | Value::Module(_)
            | Value::Lambda(_)
            | Value::Native(_)
            | Value::Function(_)
            | Value::EventSource(_) => return Err(NotIndexable),
        }
        Ok(())
    }

    fn string(&self, text: &str, out: &mut Vec<u8>) {
        out.reserve(text.len() * 2 + 12);
        out.push(STRING);
        self.collation.write(text, out);
        out.push(END);
        push_escaped(out, text.as_bytes());
    }
}

/// The fields of an object by the bytes of their keys: any fixed order would do.
fn by_key(object: &Object) -> SmallVec<[(&str, &Value); 8]> {
    let mut fields: SmallVec<[(&str, &Value); 8]> =
        object.iter().map(|(key, value)| (&**key, value)).collect();
    fields.sort_unstable_by_key(|(key, _)| *key);
    fields
}

/// Bits of a Double that sort as unsigned numbers, NaN largest.
fn sortable(x: f64) -> u64 {
    let bits = if x.is_nan() {
        f64::NAN.to_bits() & !SIGN
    } else {
        x.to_bits()
    };
    if bits & SIGN == 0 { bits ^ SIGN } else { !bits }
}

fn push_integer(out: &mut Vec<u8>, n: i64) {
    let mut floor = n as f64;
    if floor as i128 > i128::from(n) {
        floor = floor.next_down();
    }
    out.push(NUMBER);
    out.extend_from_slice(&sortable(floor).to_be_bytes());
    // Doubles of this size are at most 1024 apart.
    match (i128::from(n) - floor as i128) as u16 {
        0 => out.push(INTEGER),
        above => {
            out.push(FURTHER);
            out.extend_from_slice(&above.to_be_bytes());
        }
    }
}

fn push_signed(out: &mut Vec<u8>, n: i64) {
    out.extend_from_slice(&(n as u64 ^ SIGN).to_be_bytes());
}

/// As [`Time::micros`], but the last microsecond stands for the commit time.
fn in_micros(time: Time) -> Option<(i64, u16)> {
    time.micros().filter(|(micros, _)| *micros != i64::MAX)
}

fn push_time(out: &mut Vec<u8>, time: Time) {
    match in_micros(time) {
        Some((micros, below)) => {
            out.push(TIME);
            push_signed(out, micros);
            out.extend_from_slice(&below.to_be_bytes());
        }
        None => {
            out.push(if time.secs < 0 { EARLY } else { LATE });
            push_signed(out, time.secs);
            out.extend_from_slice(&time.nanos.to_be_bytes());
        }
    }
}

fn push_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.iter().all(|byte| *byte > ESCAPE) {
        out.extend_from_slice(bytes);
    } else {
        for byte in bytes {
            match byte {
                0 | 1 => out.extend_from_slice(&[ESCAPE, byte + 1]),
                _ => out.push(*byte),
            }
        }
    }
    out.push(END);
}

/// Numerically; an integer before the equal Double, but after -0.0.
fn compare_numbers(a: Number, b: Number) -> Ordering {
    match (a, b) {
        (Number::Double(x), Number::Double(y)) => compare_doubles(x, y),
        (a, b) => a
            .compare_exactly(b)
            .then_with(|| matches!(a, Number::Double(_)).cmp(&matches!(b, Number::Double(_)))),
    }
}

/// The commit time, before it is known, comes after every time in the microsecond range.
fn commit_time_to(time: Time) -> Ordering {
    if in_micros(time).is_none() && time.secs > 0 {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

/// Place of a kind in the order of keys.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Int(_) | Value::Long(_) | Value::Double(_) => NUMBER,
        Value::Bytes(_) => BYTES,
        Value::String(_) => STRING,
        Value::Array(_) => ARRAY,
        Value::Object(_) => OBJECT,
        Value::Doc(_) => DOC,
        Value::Time(_) | Value::TransactionTime => TIME,
        Value::Date(_) => DATE,
        Value::Query(_) => QUERY,
        Value::Uuid(_) => UUID,
        Value::Bool(_) => FALSE,
        Value::Null(_) => NULL,
        Value::Id(_)
        | Value::Set(_)
        | Value::Cursor(_)
        | Value::Module(_)
        | Value::Lambda(_)
        | Value::Native(_)
        | Value::Function(_)
        | Value::EventSource(_) => AFTER_ALL,
    }
}

#[cfg(test)]
mod tests;
