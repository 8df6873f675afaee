//! The codecs of `value`, with the commit time's place held by the pending mark until it is known.
//!
//! The value codecs leave eight zero bytes where the commit time goes. Here they are replaced by
//! [`PENDING`](super::keys::PENDING), so that own writes sort as the newest and are recognized when read back.

use super::{ModelError, keys};
use crate::store::{Stamp, StampPlace};
use crate::value::codec::{self, Encoded};
use crate::value::key::KeyCodec;
use crate::value::{Object, Time, Value};
use smallvec::SmallVec;
use std::sync::Arc;

pub(crate) type Stamps = SmallVec<[Stamp; 2]>;

/// Appends a document's data.
pub(crate) fn encode_object(
    object: &Object,
    out: &mut Vec<u8>,
    stamps: &mut Stamps,
) -> Result<(), ModelError> {
    let mut offsets = codec::StampOffsets::new();
    codec::encode_object(object, out, &mut offsets)?;
    for offset in offsets {
        mark(out, offset, false);
        stamps.push(Stamp {
            place: StampPlace::Value,
            offset,
            inverted: false,
        });
    }
    Ok(())
}

/// A document's data, whole.
pub(crate) fn decode_object(bytes: &[u8], pending: bool) -> Result<Object, ModelError> {
    let object = Encoded(bytes).decode_object()?;
    Ok(if pending {
        object
            .into_iter()
            .map(|(name, value)| (name, restore(value)))
            .collect()
    } else {
        object
    })
}

/// One field of a document's data; damaged data has none.
pub(crate) fn field(bytes: &[u8], name: &str, pending: bool) -> Option<Value> {
    let value = Encoded(bytes).field(name).ok()??.decode().ok()?;
    Some(if pending { restore(value) } else { value })
}

/// Appends a value to an index key. What cannot be indexed counts as null.
pub(crate) fn encode_key(
    codec: &KeyCodec,
    value: &Value,
    descending: bool,
    out: &mut Vec<u8>,
    stamps: &mut Stamps,
) {
    let stamped = stamps.len();
    if codec.encode(value, descending, out, stamps).is_err() {
        // Null can always be encoded.
        let _ = codec.encode(&Value::NULL, descending, out, stamps);
    }
    for stamp in stamps.iter().skip(stamped) {
        mark(out, stamp.offset, stamp.inverted);
    }
}

fn mark(out: &mut [u8], offset: u32, inverted: bool) {
    let at = offset as usize;
    if let Some(place) = out.get_mut(at..at.saturating_add(8)) {
        place.copy_from_slice(if inverted {
            &keys::PENDING_INVERTED
        } else {
            &keys::PENDING
        });
    }
}

/// Turns the pending mark, decoded as a time, back into the placeholder of the commit time.
pub(crate) fn restore(value: Value) -> Value {
    match value {
        Value::Time(time) if is_pending(time) => Value::TransactionTime,
        Value::Array(items) => Value::array(items.iter().cloned().map(restore).collect()),
        Value::Object(object) => {
            let fields = object
                .iter()
                .map(|(name, value)| (name.clone(), restore(value.clone())));
            Value::Object(Arc::new(fields.collect()))
        }
        other => other,
    }
}

fn is_pending(time: Time) -> bool {
    let pending: Time = crate::store::TxnTime(i64::MAX).into();
    time == pending
}
