//! Values as index keys: bytes that sort as Fauna's indexes do (`spec fql10-data 6.4`).
//!
//! ```text
//! numbers < bytes < strings < arrays < objects < documents < times < dates < UUIDs < false < true < null
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
//! time     TIME    microseconds ^ 1 << 63, nanoseconds below them: 2 bytes
//!          EARLY | LATE  seconds ^ 1 << 63, nanoseconds, for times whose microseconds exceed 64 bits
//! date     DATE    days ^ 1 << 63
//! ```
//!
//! All numbers are big-endian. Escaping writes 0x00 as 0x01 0x01 and 0x01 as 0x01 0x02.
//!
//! Strings order by collation, ties by bytes. In the original a proper prefix sorts first in any case;
//! here too, but for the few characters that collate in another order than they are written
//! (Thai and Lao vowels), where the original's rule is no order at all.

use super::codec::{Corrupt, MAX_DEPTH};
use super::deep;
use super::kind::{CollId, Date, Doc, DocId, DocKey, Object, Str, Time, Value};
use super::number::{Number, compare_doubles};
use crate::store::{Stamp, StampPlace, TxnTime};
use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::sync::Arc;

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
    collator: CollatorBorrowed<'static>,
    /// Collation of each ASCII character, if it is as simple as it should be.
    ascii: Box<[Option<Ascii>; 128]>,
}

/// What one ASCII character adds to a sort key.
#[derive(Clone, Copy, Debug)]
struct Ascii {
    /// The primary weight, left-aligned; 0 for ignored characters.
    primary: u32,
    /// The primary's lead byte is written once for a run of characters that share it.
    compressible: bool,
    /// The tertiary weight as sort keys have it; 0 for the common one.
    tertiary: u16,
}

impl Default for KeyCodec {
    fn default() -> KeyCodec {
        KeyCodec::new()
    }
}

impl KeyCodec {
    /// A codec with the root collation.
    pub fn new() -> KeyCodec {
        // Compiled-in data of the root locale cannot be missing: its absence is a build error.
        #[allow(clippy::expect_used)]
        let collator =
            Collator::try_new(CollatorPreferences::default(), CollatorOptions::default())
                .expect("the root collation is compiled in");
        let mut ascii = Box::new([None; 128]);
        for (byte, entry) in (0u8..).zip(ascii.iter_mut()) {
            *entry = Ascii::probe(&collator, char::from(byte));
        }
        KeyCodec { collator, ascii }
    }

    /// Tells versions of the collation apart: keys written under another one must be written anew.
    pub fn fingerprint(&self) -> u64 {
        // FNV-1a, because the standard hasher may change.
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        let mut key = Vec::new();
        for start in (0x20u32..0x3000)
            .step_by(7)
            .chain((0x3000..0x1_0000).step_by(211))
        {
            let Some(sample) = char::from_u32(start) else {
                continue;
            };
            key.clear();
            self.collate(sample.encode_utf8(&mut [0; 4]), &mut key);
            for byte in key.iter().chain(&[0]) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        hash
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
            (Value::String(x), Value::String(y)) => self.compare_strings(x, y),
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
                    self.compare_strings(key, other)
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
            (Value::Date(x), Value::Date(y)) => x.cmp(y),
            (Value::Uuid(x), Value::Uuid(y)) => x.cmp(y),
            (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
            (a, b) => match (Number::of(a), Number::of(b)) {
                (Some(x), Some(y)) => compare_numbers(x, y),
                _ => rank(a).cmp(&rank(b)),
            },
        }
    }

    fn compare_strings(&self, a: &str, b: &str) -> Ordering {
        self.collator.compare(a, b).then_with(|| a.cmp(b))
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
                out.extend_from_slice(&[0; 10]);
            }
            Value::Date(date) => {
                out.push(DATE);
                push_signed(out, date.0);
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
        self.collate(text, out);
        out.push(END);
        push_escaped(out, text.as_bytes());
    }

    /// Appends the sort key of a text; no byte of it is zero.
    fn collate(&self, text: &str, out: &mut Vec<u8>) {
        let start = out.len();
        if !self.collate_ascii(text, out) {
            out.truncate(start);
            let Ok(()) = self.collator.write_sort_key_to(text, out);
        }
    }

    /// The sort key of ASCII text, written from the table the way ICU writes it (common weights and
    /// lead bytes compressed): several times faster, the same bytes. Gives up on other text.
    fn collate_ascii(&self, text: &str, out: &mut Vec<u8>) -> bool {
        let mut counted = 0usize;
        let mut common = 0usize;
        let mut lead = 0u32;
        let mut tertiary: SmallVec<[u8; 64]> = SmallVec::new();
        for byte in text.bytes() {
            let Some(Some(weights)) = self.ascii.get(usize::from(byte)) else {
                return false;
            };
            let primary = weights.primary;
            if primary == 0 {
                continue;
            }
            let bytes = primary.to_be_bytes();
            if !weights.compressible || bytes[0] != lead.to_be_bytes()[0] {
                if lead != 0 {
                    // Ends a run of characters with one lead byte.
                    if primary > lead {
                        out.push(0xff);
                    } else if bytes[0] > 2 {
                        out.push(3);
                    }
                }
                out.push(bytes[0]);
                lead = if weights.compressible { primary } else { 0 };
            }
            for byte in &bytes[1..] {
                if *byte == 0 {
                    break;
                }
                out.push(*byte);
            }
            counted += 1;
            if weights.tertiary == 0 {
                common += 1;
                continue;
            }
            let above = weights.tertiary > 0x0500;
            push_common(&mut tertiary, common, 0x60, above);
            common = 0;
            tertiary.push((weights.tertiary >> 8) as u8);
            if weights.tertiary as u8 != 0 {
                tertiary.push(weights.tertiary as u8);
            }
        }
        push_common(&mut tertiary, common, 0x60, false);
        out.push(1);
        push_common(out, counted, 0x20, false);
        out.push(1);
        out.extend_from_slice(&tertiary);
        true
    }
}

/// A run of common weights: 5 to 5 + `range`, or counted down from 5 + 2 * `range` before a higher weight.
fn push_common(out: &mut impl Extend<u8>, count: usize, range: u8, before_higher: bool) {
    let Some(mut count) = count.checked_sub(1) else {
        return;
    };
    let most = usize::from(range) + 1;
    while count >= most {
        out.extend([5 + range]);
        count -= most;
    }
    let count = count as u8;
    out.extend([if before_higher {
        5 + 2 * range - count
    } else {
        5 + count
    }]);
}

impl Ascii {
    /// Learns a character's weights from the sort keys of itself and of itself twice.
    fn probe(collator: &CollatorBorrowed<'static>, c: char) -> Option<Ascii> {
        let key = |text: &str| {
            let mut key = Vec::new();
            let Ok(()) = collator.write_sort_key_to(text, &mut key);
            key
        };
        let (once, twice) = (key(&c.to_string()), key(&format!("{c}{c}")));
        let mut levels = once.split(|byte| *byte == 1);
        let (primary, secondary, tertiary) = (levels.next()?, levels.next()?, levels.next()?);
        if primary.is_empty() {
            let ignored = secondary.is_empty() && tertiary.is_empty();
            return ignored.then_some(Ascii {
                primary: 0,
                compressible: false,
                tertiary: 0,
            });
        }
        let tertiary = match tertiary {
            [5] => 0,
            [high] => u16::from(*high) << 8,
            [high, low] => u16::from(*high) << 8 | u16::from(*low),
            _ => return None,
        };
        if secondary != [5] || primary.len() > 4 {
            return None;
        }
        let mut weight = [0; 4];
        weight[..primary.len()].copy_from_slice(primary);
        let repeated = twice.split(|byte| *byte == 1).next()?;
        let compressible = repeated.len() < 2 * primary.len();
        Some(Ascii {
            primary: u32::from_be_bytes(weight),
            compressible,
            tertiary,
        })
    }
}

/// Reads the value at the front of a key, and moves past it.
pub fn decode(bytes: &mut &[u8], descending: bool) -> Result<Value, Corrupt> {
    let mut reader = Reader {
        bytes,
        mask: if descending { 0xff } else { 0 },
    };
    let value = reader.value(0)?;
    *bytes = reader.bytes;
    Ok(value)
}

/// Moves past the value at the front of a key.
pub fn skip(bytes: &mut &[u8], descending: bool) -> Result<(), Corrupt> {
    let mut reader = Reader {
        bytes,
        mask: if descending { 0xff } else { 0 },
    };
    reader.skip(0)?;
    *bytes = reader.bytes;
    Ok(())
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// Xored to every byte.
    mask: u8,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Corrupt> {
        let (byte, rest) = self.bytes.split_first().ok_or(Corrupt)?;
        self.bytes = rest;
        Ok(byte ^ self.mask)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Corrupt> {
        let (taken, rest) = self.bytes.split_first_chunk::<N>().ok_or(Corrupt)?;
        self.bytes = rest;
        Ok(taken.map(|byte| byte ^ self.mask))
    }

    fn signed(&mut self) -> Result<i64, Corrupt> {
        Ok((u64::from_be_bytes(self.fixed()?) ^ SIGN) as i64)
    }

    /// Moves past the next end byte; the bytes before it.
    fn until_end(&mut self) -> Result<&[u8], Corrupt> {
        let end = END ^ self.mask;
        let at = self
            .bytes
            .iter()
            .position(|byte| *byte == end)
            .ok_or(Corrupt)?;
        let (taken, rest) = self.bytes.split_at(at);
        self.bytes = &rest[1..];
        Ok(taken)
    }

    fn escaped(&mut self) -> Result<Vec<u8>, Corrupt> {
        let mask = self.mask;
        let raw = self.until_end()?;
        let mut out = Vec::with_capacity(raw.len());
        let mut bytes = raw.iter().map(|byte| byte ^ mask);
        while let Some(byte) = bytes.next() {
            out.push(match byte {
                ESCAPE => match bytes.next() {
                    Some(1) => 0,
                    Some(2) => 1,
                    _ => return Err(Corrupt),
                },
                byte => byte,
            });
        }
        Ok(out)
    }

    fn string(&mut self) -> Result<Str, Corrupt> {
        self.until_end()?;
        let plain = self
            .bytes
            .iter()
            .position(|byte| *byte ^ self.mask <= ESCAPE)
            .ok_or(Corrupt)?;
        if self.mask == 0 && self.bytes[plain] == END {
            // The common case: the text stands in the key as it is.
            let text = std::str::from_utf8(&self.bytes[..plain]).map_err(|_| Corrupt)?;
            self.bytes = &self.bytes[plain + 1..];
            return Ok(text.into());
        }
        String::from_utf8(self.escaped()?)
            .map(Str::from)
            .map_err(|_| Corrupt)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Corrupt> {
        if depth > MAX_DEPTH {
            return Err(Corrupt);
        }
        Ok(match self.byte()? {
            NUMBER => self.number()?,
            BYTES => Value::Bytes(self.escaped()?.into()),
            STRING => Value::String(self.string()?),
            ARRAY => {
                let mut items = Vec::new();
                deep(|| {
                    while !self.at_end()? {
                        items.push(self.value(depth + 1)?);
                    }
                    Ok(())
                })?;
                Value::array(items)
            }
            OBJECT => {
                let mut object = Object::new();
                deep(|| {
                    while !self.at_end()? {
                        if self.byte()? != STRING {
                            return Err(Corrupt);
                        }
                        let key = self.string()?;
                        object.insert(key, self.value(depth + 1)?);
                    }
                    Ok(())
                })?;
                Value::object(object)
            }
            DOC => {
                let key = DocKey::Id(DocId(self.signed()?));
                let coll = CollId(u64::from_be_bytes(self.fixed()?));
                Value::Doc(Arc::new(Doc {
                    coll,
                    key,
                    at: None,
                    deleted: false,
                    cover: None,
                }))
            }
            TIME => {
                let micros = self.signed()?;
                let below = u32::from(u16::from_be_bytes(self.fixed()?));
                let Time { secs, nanos } = TxnTime(micros).into();
                if below > 999 {
                    return Err(Corrupt);
                }
                Value::Time(Time {
                    secs,
                    nanos: nanos + below,
                })
            }
            EARLY | LATE => {
                let secs = self.signed()?;
                let nanos = u32::from_be_bytes(self.fixed()?);
                if nanos >= 1_000_000_000 {
                    return Err(Corrupt);
                }
                Value::Time(Time { secs, nanos })
            }
            DATE => Value::Date(Date(self.signed()?)),
            UUID => Value::Uuid(self.fixed()?),
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            NULL => Value::NULL,
            _ => return Err(Corrupt),
        })
    }

    fn number(&mut self) -> Result<Value, Corrupt> {
        let bits = u64::from_be_bytes(self.fixed()?);
        let x = f64::from_bits(if bits & SIGN == 0 { !bits } else { bits ^ SIGN });
        let above = match self.byte()? {
            DOUBLE => return Ok(Value::Double(x)),
            INTEGER => 0,
            FURTHER => i128::from(u16::from_be_bytes(self.fixed()?)),
            _ => return Err(Corrupt),
        };
        i64::try_from(x as i128 + above)
            .map(Value::integer)
            .map_err(|_| Corrupt)
    }

    fn at_end(&mut self) -> Result<bool, Corrupt> {
        let end = self.bytes.first().ok_or(Corrupt)? ^ self.mask == END;
        if end {
            self.bytes = &self.bytes[1..];
        }
        Ok(end)
    }

    fn skip(&mut self, depth: usize) -> Result<(), Corrupt> {
        if depth > MAX_DEPTH {
            return Err(Corrupt);
        }
        match self.byte()? {
            NUMBER => {
                self.fixed::<8>()?;
                if self.byte()? == FURTHER {
                    self.fixed::<2>()?;
                }
            }
            BYTES => {
                self.until_end()?;
            }
            STRING => {
                self.until_end()?;
                self.until_end()?;
            }
            // Fields of objects are strings and values in turn: all are values.
            ARRAY | OBJECT => deep(|| {
                while !self.at_end()? {
                    self.skip(depth + 1)?;
                }
                Ok(())
            })?,
            DOC => {
                self.fixed::<16>()?;
            }
            TIME => {
                self.fixed::<10>()?;
            }
            EARLY | LATE => {
                self.fixed::<12>()?;
            }
            DATE => {
                self.fixed::<8>()?;
            }
            UUID => {
                self.fixed::<16>()?;
            }
            FALSE | TRUE | NULL => {}
            _ => return Err(Corrupt),
        }
        Ok(())
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

fn push_time(out: &mut Vec<u8>, time: Time) {
    match time.micros() {
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
mod tests {
    use super::super::testing::{any_text, any_value, object};
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static CODEC: LazyLock<KeyCodec> = LazyLock::new(KeyCodec::new);

    fn key(value: &Value, descending: bool) -> Vec<u8> {
        let mut out = Vec::new();
        assert_eq!(
            CODEC.encode(value, descending, &mut out, &mut KeyStamps::new()),
            Ok(()),
            "{value:?}"
        );
        out
    }

    #[test]
    fn the_order_of_the_specification() {
        let string = |text: &str| Value::string(text);
        let time = |text| Value::Time(Time::parse(text).unwrap_or(Time::MIN));
        let ascending = [
            Value::Double(f64::NEG_INFINITY),
            Value::Long(i64::MIN),
            Value::Int(-1),
            Value::Double(-0.5),
            Value::Double(-0.0),
            Value::Int(0),
            Value::Double(0.0),
            Value::Int(1),
            Value::Double(1.0),
            Value::Double(1.5),
            Value::Int(2),
            Value::Long(1 << 53),
            Value::Double((1i64 << 53) as f64),
            Value::Long((1 << 53) + 1),
            Value::Long(i64::MAX - 1),
            Value::Long(i64::MAX),
            Value::Double(2f64.powi(63)),
            Value::Double(f64::INFINITY),
            Value::Double(f64::NAN),
            Value::Bytes(vec![].into()),
            Value::Bytes(vec![0].into()),
            Value::Bytes(vec![0, 1].into()),
            Value::Bytes(vec![1].into()),
            string(""),
            string("1"),
            string("10"),
            string("9"),
            string("a"),
            string("a\0"),
            string("A"),
            string("A\0"),
            string("á"),
            string("aa"),
            string("ab"),
            string("b"),
            string("B"),
            string("z"),
            Value::array(vec![]),
            Value::array(vec![Value::Int(1)]),
            Value::array(vec![Value::Int(1), Value::Int(0)]),
            Value::array(vec![Value::NULL]),
            object(&[]),
            object(&[("a", Value::Int(1))]),
            object(&[("b", Value::Int(0)), ("a", Value::Int(1))]),
            object(&[("a", Value::Int(2))]),
            time("-999999999-01-01T00:00Z"),
            time("1969-12-31T23:59:59.999999999Z"),
            time("1970-01-01T00:00:00Z"),
            time("1970-01-01T00:00:00.000000001Z"),
            time("+999999999-12-31T23:59Z"),
            Value::Date(Date(-1)),
            Value::Date(Date(0)),
            Value::Uuid([0; 16]),
            Value::Uuid([0xff; 16]),
            Value::Bool(false),
            Value::Bool(true),
            Value::NULL,
        ];
        let mut sorted = ascending.to_vec();
        sorted.sort_by(|a, b| CODEC.compare(a, b));
        let text = |values: &[Value]| values.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>();
        assert_eq!(text(&sorted), text(&ascending));
        for pair in ascending.windows(2) {
            assert!(
                key(&pair[0], false) < key(&pair[1], false),
                "{:?} < {:?}",
                pair[0],
                pair[1]
            );
            assert!(
                key(&pair[0], true) > key(&pair[1], true),
                "{:?} > {:?} descending",
                pair[0],
                pair[1]
            );
        }
    }

    #[test]
    fn ascii_has_a_table() {
        assert!(CODEC.ascii.iter().all(Option::is_some));
        assert_ne!(CODEC.fingerprint(), 0);
    }

    #[test]
    fn commit_times_are_stamped() {
        let value = Value::array(vec![Value::string("x"), Value::TransactionTime]);
        let at = Value::Time(TxnTime(1_700_000_000_123_456).into());
        let stamped = Value::array(vec![Value::string("x"), at]);
        for descending in [false, true] {
            let (mut out, mut stamps) = (vec![7; 3], KeyStamps::new());
            assert_eq!(
                CODEC.encode(&value, descending, &mut out, &mut stamps),
                Ok(())
            );
            let Stamp {
                place,
                offset,
                inverted,
            } = stamps[0];
            assert_eq!(
                (place, inverted, stamps.len()),
                (StampPlace::Key, descending, 1)
            );
            let mut bytes = (1_700_000_000_123_456u64 ^ SIGN).to_be_bytes();
            if inverted {
                bytes = bytes.map(|byte| !byte);
            }
            out[offset as usize..offset as usize + 8].copy_from_slice(&bytes);
            assert_eq!(out[3..], key(&stamped, descending));
        }
    }

    #[test]
    fn refuses_without_a_trace() {
        let value = Value::array(vec![Value::TransactionTime, Value::Id(1)]);
        let (mut out, mut stamps) = (vec![7], KeyStamps::new());
        assert_eq!(
            CODEC.encode(&value, false, &mut out, &mut stamps),
            Err(NotIndexable)
        );
        assert_eq!((out, stamps.len()), (vec![7], 0));
    }

    proptest! {
        #[test]
        fn keys_sort_as_values(a in any_value(), b in any_value()) {
            let order = CODEC.compare(&a, &b);
            prop_assert_eq!(key(&a, false).cmp(&key(&b, false)), order);
            prop_assert_eq!(key(&a, true).cmp(&key(&b, true)), order.reverse());
        }

        #[test]
        fn strings_sort_as_collated(a in any_text(), b in any_text()) {
            let (a, b) = (Value::string(a), Value::string(b));
            prop_assert_eq!(key(&a, false).cmp(&key(&b, false)), CODEC.compare(&a, &b));
        }

        #[test]
        fn the_order_is_total(a in any_value(), b in any_value(), c in any_value()) {
            prop_assert_eq!(CODEC.compare(&a, &b), CODEC.compare(&b, &a).reverse());
            if CODEC.compare(&a, &b).is_le() && CODEC.compare(&b, &c).is_le() {
                prop_assert!(CODEC.compare(&a, &c).is_le());
            }
        }

        #[test]
        fn keys_come_back(value in any_value(), rest in prop::collection::vec(any::<u8>(), 0..3), descending: bool) {
            let mut bytes = key(&value, descending);
            let length = bytes.len();
            bytes.extend_from_slice(&rest);
            let (mut read, mut skipped) = (&bytes[..], &bytes[..]);
            let decoded = decode(&mut read, descending);
            prop_assert!(decoded.as_ref().is_ok_and(|decoded| CODEC.compare(decoded, &value).is_eq()), "{:?}", decoded);
            prop_assert_eq!(bytes.len() - read.len(), length);
            prop_assert_eq!(skip(&mut skipped, descending), Ok(()));
            prop_assert_eq!(skipped, read);
        }

        #[test]
        fn ascii_keys_are_those_of_icu(text in "[\u{0}-\u{7f}]{0,20}|[ -~]{0,150}|[a-z]{90,200}|[aB-]{0,250}") {
            let (mut fast, mut full) = (Vec::new(), Vec::new());
            prop_assert!(CODEC.collate_ascii(&text, &mut fast));
            let Ok(()) = CODEC.collator.write_sort_key_to(&text, &mut full);
            prop_assert_eq!(fast, full);
        }

        #[test]
        fn noise_is_an_error(noise in prop::collection::vec(any::<u8>(), 0..40), descending: bool) {
            let _ = decode(&mut &noise[..], descending);
            let _ = skip(&mut &noise[..], descending);
        }
    }
}
