//! The codecs of `value`, in the shapes the model needs. Provisional until those land.

use super::ModelError;
use crate::store::{Stamp, StampPlace};
use crate::value::{CollId, Date, Doc, DocId, DocKey, Object, Time, Value};
use smallvec::SmallVec;
use std::sync::Arc;

pub(crate) type Stamps = SmallVec<[Stamp; 2]>;

pub(crate) fn encode_object(
    object: &Object,
    out: &mut Vec<u8>,
    stamps: &mut Stamps,
) -> Result<(), ModelError> {
    out.extend_from_slice(&(object.len() as u32).to_be_bytes());
    for (name, value) in object.iter() {
        text(name, out);
        encode(value, out, stamps);
    }
    Ok(())
}

fn text(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(name.len() as u32).to_be_bytes());
    out.extend_from_slice(name.as_bytes());
}

fn encode(value: &Value, out: &mut Vec<u8>, stamps: &mut Stamps) {
    match value {
        Value::Bool(b) => out.extend_from_slice(&[1, u8::from(*b)]),
        Value::Int(n) => {
            out.push(2);
            out.extend_from_slice(&n.to_be_bytes());
        }
        Value::Long(n) => {
            out.push(3);
            out.extend_from_slice(&n.to_be_bytes());
        }
        Value::Double(d) => {
            out.push(4);
            out.extend_from_slice(&d.to_bits().to_be_bytes());
        }
        Value::String(s) => {
            out.push(5);
            text(s, out);
        }
        Value::Time(t) => {
            out.push(6);
            out.extend_from_slice(&t.secs.to_be_bytes());
            out.extend_from_slice(&t.nanos.to_be_bytes());
        }
        Value::Array(items) => {
            out.push(7);
            out.extend_from_slice(&(items.len() as u32).to_be_bytes());
            items.iter().for_each(|item| encode(item, out, stamps));
        }
        Value::Object(object) => {
            out.push(8);
            let _ = encode_object(object, out, stamps);
        }
        Value::Doc(doc) => {
            out.push(9);
            out.extend_from_slice(&doc.coll.0.to_be_bytes());
            let id = match doc.key {
                DocKey::Id(id) => id.0,
                DocKey::Name(_) => 0,
            };
            out.extend_from_slice(&id.to_be_bytes());
        }
        Value::TransactionTime => {
            out.push(10);
            stamps.push(Stamp {
                place: StampPlace::Value,
                offset: out.len() as u32,
                inverted: false,
            });
            out.extend_from_slice(&[0xff; 8]);
        }
        Value::Date(d) => {
            out.push(11);
            out.extend_from_slice(&d.0.to_be_bytes());
        }
        Value::Uuid(u) => {
            out.push(12);
            out.extend_from_slice(u);
        }
        Value::Bytes(b) => {
            out.push(13);
            out.extend_from_slice(&(b.len() as u32).to_be_bytes());
            out.extend_from_slice(b);
        }
        Value::Id(n) => {
            out.push(14);
            out.extend_from_slice(&n.to_be_bytes());
        }
        _ => out.push(0),
    }
}

struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    fn len(&mut self) -> Option<usize> {
        Some(u32::from_be_bytes(self.array()?) as usize)
    }
    fn text(&mut self) -> Option<&'a str> {
        let n = self.len()?;
        std::str::from_utf8(self.take(n)?).ok()
    }
    fn i64(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.array()?))
    }
    fn object(&mut self) -> Option<Object> {
        let n = self.len()?;
        let mut object = Object::new();
        for _ in 0..n {
            let name = self.text()?;
            let value = self.value()?;
            object.insert(name, value);
        }
        Some(object)
    }
    fn value(&mut self) -> Option<Value> {
        Some(match self.array::<1>()?[0] {
            1 => Value::Bool(self.array::<1>()?[0] == 1),
            2 => Value::Int(i32::from_be_bytes(self.array()?)),
            3 => Value::Long(self.i64()?),
            4 => Value::Double(f64::from_bits(u64::from_be_bytes(self.array()?))),
            5 => Value::string(self.text()?),
            6 => Value::Time(Time {
                secs: self.i64()?,
                nanos: u32::from_be_bytes(self.array()?),
            }),
            7 => {
                let n = self.len()?;
                let mut items = Vec::new();
                for _ in 0..n {
                    items.push(self.value()?);
                }
                Value::array(items)
            }
            8 => Value::object(self.object()?),
            9 => {
                let coll = CollId(u64::from_be_bytes(self.array()?));
                let key = DocKey::Id(DocId(self.i64()?));
                Value::Doc(Arc::new(Doc {
                    coll,
                    key,
                    at: None,
                    deleted: false,
                    cover: None,
                }))
            }
            10 => match self.array::<8>()? {
                raw if raw == [0xff; 8] => Value::TransactionTime,
                raw => Value::Time(super::keys::time_at(&raw, 0)?.into()),
            },
            11 => Value::Date(Date(self.i64()?)),
            12 => Value::Uuid(self.array()?),
            13 => {
                let n = self.len()?;
                Value::Bytes(self.take(n)?.into())
            }
            14 => Value::Id(self.i64()?),
            _ => Value::NULL,
        })
    }
}

pub(crate) fn decode_object(bytes: &[u8]) -> Option<Object> {
    In(bytes).object()
}

pub(crate) fn field(bytes: &[u8], name: &str) -> Option<Value> {
    decode_object(bytes)?.get(name).cloned()
}

fn put(bytes: &[u8], descending: bool, out: &mut Vec<u8>) {
    out.extend(bytes.iter().map(|b| if descending { !b } else { *b }));
}

pub(crate) fn encode_key(value: &Value, descending: bool, out: &mut Vec<u8>, stamps: &mut Stamps) {
    let mut raw = Vec::new();
    let mut inner = Stamps::new();
    match value {
        Value::Int(_) | Value::Long(_) | Value::Double(_) => {
            let (d, tag) = match value {
                Value::Int(n) => (f64::from(*n), 1),
                Value::Long(n) => (*n as f64, 2),
                Value::Double(d) => (*d, 3),
                _ => (0.0, 0),
            };
            raw.push(1);
            let bits = d.to_bits();
            let sortable = if bits >> 63 == 1 {
                !bits
            } else {
                bits | 1 << 63
            };
            raw.extend_from_slice(&sortable.to_be_bytes());
            raw.push(tag);
        }
        Value::Null(_) => raw.push(0xfe),
        Value::Time(t) => {
            raw.push(6);
            let micros = t
                .secs
                .saturating_mul(1_000_000)
                .saturating_add(i64::from(t.nanos / 1000));
            raw.extend_from_slice(&super::keys::time_bytes(crate::store::TxnTime(micros)));
            raw.extend_from_slice(&((t.nanos % 1000) as u16).to_be_bytes());
        }
        Value::TransactionTime => {
            raw.push(6);
            inner.push(Stamp {
                place: StampPlace::Key,
                offset: 1,
                inverted: descending,
            });
            raw.extend_from_slice(&[0xff; 8]);
            raw.extend_from_slice(&[0, 0]);
        }
        other => {
            raw.push(5);
            let mut body = Vec::new();
            encode(other, &mut body, &mut Stamps::new());
            for byte in body {
                raw.push(byte);
                if byte == 0 {
                    raw.push(0xff);
                }
            }
            raw.extend_from_slice(&[0, 0]);
        }
    }
    let at = out.len() as u32;
    stamps.extend(inner.into_iter().map(|stamp| Stamp {
        offset: stamp.offset + at,
        ..stamp
    }));
    put(&raw, descending, out);
}

pub(crate) fn decode_key(bytes: &[u8], descending: bool) -> Option<(Value, usize)> {
    let flip = |b: u8| if descending { !b } else { b };
    let tag = flip(*bytes.first()?);
    match tag {
        1 => {
            let raw: Vec<u8> = bytes.get(1..10)?.iter().map(|b| flip(*b)).collect();
            let sortable = u64::from_be_bytes(raw.get(..8)?.try_into().ok()?);
            let bits = if sortable >> 63 == 1 {
                sortable ^ 1 << 63
            } else {
                !sortable
            };
            let d = f64::from_bits(bits);
            let value = match raw.get(8)? {
                1 => Value::Int(d as i32),
                2 => Value::Long(d as i64),
                _ => Value::Double(d),
            };
            Some((value, 10))
        }
        6 => {
            let raw: Vec<u8> = bytes.get(1..11)?.iter().map(|b| flip(*b)).collect();
            if raw.get(..8)? == [0xff; 8] {
                return Some((Value::TransactionTime, 11));
            }
            let mut time: Time = super::keys::time_at(&raw, 0)?.into();
            time.nanos += u32::from(u16::from_be_bytes(raw.get(8..10)?.try_into().ok()?));
            Some((Value::Time(time), 11))
        }
        0xfe => Some((Value::NULL, 1)),
        _ => {
            let mut body = Vec::new();
            let mut at = 1;
            loop {
                let byte = flip(*bytes.get(at)?);
                at += 1;
                if byte == 0 {
                    let next = flip(*bytes.get(at)?);
                    at += 1;
                    if next == 0 {
                        break;
                    }
                }
                body.push(byte);
            }
            Some((In(&body).value()?, at))
        }
    }
}
