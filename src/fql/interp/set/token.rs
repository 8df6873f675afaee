//! Cursors and event sources as text: opaque, safe in URLs and JSON, valid after a restart.
//!
//! ```text
//! base64url( kind (1) | version (1) | checksum (4) | time (8) | scope | contents )
//! ```
//!
//! The time is that of the query that gave the token: when it committed, if it wrote. That is not known while its
//! result is completed, so such tokens are made with [`PENDING`] and stamped by [`stamped`].
//!
//! The checksum tells accidents from cursors; it is no signature. A made-up token gains nothing: it is evaluated with
//! the rights of whoever sends it.

use super::super::{Interp, Result};
use super::codec::{Reader, Writer};
use super::events::EventPosition;
use crate::store::TxnTime;
use crate::value::{Cursor, EventSource, ScopeId, Str};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::sync::Arc;

const VERSION: u8 = 2;
const CURSOR: u8 = b'c';
const SOURCE: u8 = b'e';
const POSITION: u8 = b'p';
const HEADER: usize = 6;

/// Stands for the time of the query's end.
pub const PENDING: TxnTime = TxnTime(i64::MAX);
/// Stands for no time.
const NEVER: TxnTime = TxnTime(i64::MIN);

impl Interp {
    /// A cursor's text. It goes on as of the time that the cursor has, or else as of `default`, or else at the present.
    pub fn cursor_token(&mut self, cursor: &Cursor, default: Option<TxnTime>) -> Result<Str> {
        let mut writer = Writer::default();
        writer.number(self.txn.scope().0);
        writer.cursor(&Cursor {
            at: None,
            set: cursor.set.clone(),
            position: cursor.position.clone(),
            ..*cursor
        })?;
        let at = cursor.at.or(self.as_of).or(default);
        Ok(seal_at(CURSOR, at, &writer.bytes))
    }

    pub(super) fn decode_cursor(&mut self, token: &str) -> Option<Arc<Cursor>> {
        let (at, bytes) = open_at(CURSOR, token)?;
        let mut reader = Reader::new(&bytes, self);
        let scope = ScopeId(reader.number()?);
        let cursor = reader.cursor()?;
        if !reader.is_done() || scope != self.txn.scope() {
            return None;
        }
        Some(Arc::new(Cursor { at, ..cursor }))
    }

    /// An event source's text. Events start after the query.
    pub fn event_source_token(&mut self, source: &EventSource) -> Result<Str> {
        let mut writer = Writer::default();
        writer.number(self.txn.scope().0);
        writer.event_source(&EventSource {
            set: source.set.clone(),
            watched: source.watched.clone(),
            since: None,
        })?;
        Ok(seal_at(
            SOURCE,
            source.since.or(Some(PENDING)),
            &writer.bytes,
        ))
    }

    /// The event source that a token means; `None` if it is none of this database.
    pub fn event_source(&mut self, token: &str) -> Option<Arc<EventSource>> {
        let (since, bytes) = open_at(SOURCE, token)?;
        let mut reader = Reader::new(&bytes, self);
        let scope = ScopeId(reader.number()?);
        let source = reader.event_source()?;
        if !reader.is_done() || scope != self.txn.scope() {
            return None;
        }
        Some(Arc::new(EventSource { since, ..source }))
    }
}

/// Whether a text is the token of an event source, of whatever database.
pub fn is_event_source_token(token: &str) -> bool {
    open_at(SOURCE, token).is_some()
}

/// The same token with the time of its query's end in place of [`PENDING`]; `None` if it has a time already.
pub fn stamped(token: &str, time: TxnTime) -> Option<Str> {
    let restamp = |kind| {
        let bytes = open(kind, token)?;
        let contents = bytes.strip_prefix(&PENDING.0.to_be_bytes())?;
        Some(seal_at(kind, Some(time), contents))
    };
    restamp(CURSOR).or_else(|| restamp(SOURCE))
}

fn seal_at(kind: u8, at: Option<TxnTime>, contents: &[u8]) -> Str {
    let time = at.unwrap_or(NEVER).0.to_be_bytes();
    seal(kind, &[&time[..], contents].concat())
}

/// A token's time and contents.
fn open_at(kind: u8, token: &str) -> Option<(Option<TxnTime>, Vec<u8>)> {
    let bytes = open(kind, token)?;
    let (time, contents) = bytes.split_at_checked(8)?;
    let time = TxnTime(i64::from_be_bytes(time.try_into().ok()?));
    // A pending one comes from the middle of a query, which is what it means then.
    let at = (time != NEVER && time != PENDING).then_some(time);
    Some((at, contents.to_vec()))
}

impl EventPosition {
    /// The text of an event's cursor.
    pub fn token(&self) -> Str {
        let mut payload = self.ts.0.to_be_bytes().to_vec();
        payload.extend_from_slice(&self.ordinal.to_be_bytes());
        seal(POSITION, &payload)
    }

    /// The position that a text means.
    pub fn of(token: &str) -> Option<EventPosition> {
        let bytes = open(POSITION, token)?;
        let (ts, ordinal) = bytes.split_at_checked(8)?;
        Some(EventPosition {
            ts: TxnTime(i64::from_be_bytes(ts.try_into().ok()?)),
            ordinal: u32::from_be_bytes(ordinal.try_into().ok()?),
        })
    }
}

fn seal(kind: u8, payload: &[u8]) -> Str {
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(&[kind, VERSION]);
    bytes.extend_from_slice(&checksum(kind, payload).to_be_bytes());
    bytes.extend_from_slice(payload);
    URL_SAFE_NO_PAD.encode(bytes).into()
}

fn open(kind: u8, token: &str) -> Option<Vec<u8>> {
    // Some clients re-encode what they take for base64.
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .or_else(|_| STANDARD.decode(token))
        .ok()?;
    let (header, payload) = bytes.split_at_checked(HEADER)?;
    let known = header.first() == Some(&kind) && header.get(1) == Some(&VERSION);
    let intact = header.get(2..HEADER)? == checksum(kind, payload).to_be_bytes();
    (known && intact).then(|| payload.to_vec())
}

/// FNV-1a.
fn checksum(kind: u8, payload: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    payload.iter().fold(step(0x811c_9dc5, &kind), step)
}
