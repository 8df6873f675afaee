//! Reading keys back.

use super::{
    ARRAY, BYTES, DATE, DOC, DOUBLE, EARLY, END, ESCAPE, FALSE, FURTHER, INTEGER, LATE, NULL,
    NUMBER, OBJECT, QUERY, SIGN, STRING, TIME, TRUE, UUID,
};
use crate::store::TxnTime;
use crate::value::codec::{Corrupt, MAX_DEPTH};
use crate::value::deep;
use crate::value::kind::{CollId, Date, Doc, DocId, DocKey, Object, Str, Time, Value};
use std::sync::Arc;

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
                    named: false,
                    cover: None,
                }))
            }
            TIME => {
                let micros = self.signed()?;
                let below = u32::from(u16::from_be_bytes(self.fixed()?));
                if micros == i64::MAX {
                    return Ok(Value::TransactionTime);
                }
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
            QUERY => Value::query(String::from_utf8(self.escaped()?).map_err(|_| Corrupt)?),
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
            BYTES | QUERY => {
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
