//! One version of a document, as stored.
//!
//! ```text
//! ts (8, stamped at commit) | level (4) | flags (1) | [ttl: seconds (8), nanos (4)] | data (value codec)
//! ```
//!
//! A version is decoded as little as possible: a field is found through the codec's directory. Only a version that
//! was written before a migration of its collection is decoded whole, and carried through the migration, on read.

use super::keys;
use super::{ModelError, bytes};
use crate::store::{Bytes, Stamp, StampPlace, TxnTime};
use crate::value::{Object, PathPart, Time, Value};
use smallvec::SmallVec;
use std::sync::Arc;

/// The most bytes a version may have (`spec fql10-data 1.5`).
pub const MAX_VERSION: u64 = 8_388_608;

const LEVEL: usize = 8;
const FLAGS: usize = 12;
const HEADER: usize = 13;
const TTL: usize = 12;

const HAS_TTL: u8 = 1;
const DELETED: u8 = 2;

/// A document's contents between two writes.
#[derive(Debug)]
pub struct Version {
    /// When it was committed; `None`: written by this transaction.
    pub ts: Option<TxnTime>,
    /// When it expires.
    pub ttl: Option<Time>,
    /// Migration steps it has seen.
    pub level: u32,
    bytes: Bytes,
    /// The data as an object, where it is not what the bytes say or is at hand anyway.
    migrated: Option<Arc<Object>>,
}

/// What the header of a stored version says, without allocating.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    /// When it was committed; `None` while pending.
    pub ts: Option<TxnTime>,
    /// When it expires.
    pub ttl: Option<Time>,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// Migration steps it has seen.
    pub level: u32,
}

impl Header {
    /// Reads the header of a stored version.
    pub fn read(bytes: &[u8]) -> Option<Header> {
        let ts = match bytes.get(..8)? {
            raw if raw == keys::PENDING => None,
            raw => Some(keys::time_at(raw, 0)?),
        };
        let level = u32::from_be_bytes(bytes.get(LEVEL..FLAGS)?.try_into().ok()?);
        let flags = *bytes.get(FLAGS)?;
        let ttl = if flags & HAS_TTL != 0 {
            Some(read_ttl(bytes.get(HEADER..HEADER + TTL)?)?)
        } else {
            None
        };
        Some(Header {
            ts,
            ttl,
            deleted: flags & DELETED != 0,
            level,
        })
    }

    /// Whether it exists at `now`: no tombstone, not expired.
    pub fn is_live(&self, now: Time) -> bool {
        !self.deleted && self.ttl.is_none_or(|ttl| ttl > now)
    }
}

/// Twelve bytes of an expiry time, as in versions and index entries.
pub(crate) fn write_ttl(ttl: Time, out: &mut Vec<u8>) {
    out.extend_from_slice(&((ttl.secs as u64) ^ (1 << 63)).to_be_bytes());
    out.extend_from_slice(&ttl.nanos.to_be_bytes());
}

/// Reads what [`write_ttl`] wrote.
pub(crate) fn read_ttl(bytes: &[u8]) -> Option<Time> {
    let secs = keys::time_at(bytes, 0)?.0;
    let nanos = u32::from_be_bytes(bytes.get(8..12)?.try_into().ok()?);
    Some(Time { secs, nanos })
}

/// Bytes of a version that is about to be written, and the places of its commit time.
pub(crate) fn encode(
    data: &Object,
    ttl: Option<Time>,
    level: u32,
) -> Result<(Vec<u8>, SmallVec<[Stamp; 2]>), ModelError> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(&keys::PENDING);
    out.extend_from_slice(&level.to_be_bytes());
    out.push(if ttl.is_some() { HAS_TTL } else { 0 });
    if let Some(ttl) = ttl {
        write_ttl(ttl, &mut out);
    }
    let mut stamps: SmallVec<[Stamp; 2]> = SmallVec::new();
    stamps.push(Stamp {
        place: StampPlace::Value,
        offset: 0,
        inverted: false,
    });
    bytes::encode_object(data, &mut out, &mut stamps)?;
    let size = out.len() as u64;
    if size > MAX_VERSION {
        return Err(ModelError::VersionTooLarge(size));
    }
    Ok((out, stamps))
}

/// Bytes of a tombstone.
pub(crate) fn tombstone() -> (Vec<u8>, SmallVec<[Stamp; 2]>) {
    let mut out = keys::PENDING.to_vec();
    out.extend_from_slice(&[0; 4]);
    out.push(DELETED);
    let mut stamps: SmallVec<[Stamp; 2]> = SmallVec::new();
    stamps.push(Stamp {
        place: StampPlace::Value,
        offset: 0,
        inverted: false,
    });
    (out, stamps)
}

impl Version {
    /// A stored version. Tombstones and expired versions are the caller's to exclude, by the header.
    pub(crate) fn from_bytes(header: &Header, bytes: Bytes) -> Version {
        Version {
            ts: header.ts,
            ttl: header.ttl,
            level: header.level,
            bytes,
            migrated: None,
        }
    }

    /// A version that this transaction has written, with its data at hand.
    pub(crate) fn written(ttl: Option<Time>, bytes: Bytes, data: Arc<Object>) -> Version {
        Version {
            ts: None,
            ttl,
            level: 0,
            bytes,
            migrated: Some(data),
        }
    }

    /// A version that is not written yet.
    pub fn prospective(ttl: Option<Time>, data: Arc<Object>) -> Version {
        Version::written(ttl, Bytes::default(), data)
    }

    /// The same version, carried into the current shape of its collection.
    pub(crate) fn migrated(self, object: Object) -> Version {
        Version {
            migrated: Some(Arc::new(object)),
            ..self
        }
    }

    /// Bytes it takes in the store.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn data(&self) -> &[u8] {
        let at = if self.ttl.is_some() {
            HEADER + TTL
        } else {
            HEADER
        };
        self.bytes.get(at..).unwrap_or_default()
    }

    /// A top-level field of the user data, without decoding the rest.
    pub fn field(&self, name: &str) -> Option<Value> {
        match &self.migrated {
            Some(object) => object.get(name).cloned(),
            None => bytes::field(self.data(), name, self.ts.is_none()),
        }
    }

    /// The value at a path; `None` where there is nothing.
    pub fn path(&self, path: &[PathPart]) -> Option<Value> {
        let (first, rest) = path.split_first()?;
        let PathPart::Field(name) = first else {
            return None;
        };
        let mut value = self.field(name)?;
        for part in rest {
            value = step(&value, part)?;
        }
        Some(value)
    }

    /// The user data, whole.
    pub fn object(&self) -> Arc<Object> {
        match &self.migrated {
            Some(object) => object.clone(),
            None => {
                Arc::new(bytes::decode_object(self.data(), self.ts.is_none()).unwrap_or_default())
            }
        }
    }
}

/// The value one step further down a path.
pub(crate) fn step(value: &Value, part: &PathPart) -> Option<Value> {
    match (value, part) {
        (Value::Object(object), PathPart::Field(name)) => object.get(name).cloned(),
        (Value::Array(items), PathPart::Index(at)) => usize::try_from(*at)
            .ok()
            .and_then(|at| items.get(at))
            .cloned(),
        _ => None,
    }
}
