//! Where elements come from: documents of a collection, entries of an index, arrays, sequences.

use super::super::{Interp, Result};
use super::cost::Pages;
use super::position::Position;
use super::{Element, Fresh};
use crate::access::builtin_allows;
use crate::model::schema::Action;
use crate::model::{IndexCursor, ScanCursor};
use crate::store::TxnTime;
use crate::value::order::hash_value;
use crate::value::{CollId, Cover, CoveringIndex, Doc, DocId, DocKey, Value};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

/// Versions a batch may carry, in bytes; documents after that are read again when asked for.
const CARRIED_BYTES: u64 = 16 << 20;

/// Partitions of sets without terms, which each page reads (`spec fql10-data 8.2`).
const PARTITIONS: u64 = 8;

/// Which elements of a source the principal sees.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    All,
    Nothing,
    /// Privileges with predicates decide for each.
    Ask,
}

fn access(interp: &Interp, coll: CollId, at: Option<TxnTime>) -> Access {
    let action = if at.is_some() {
        Action::HistoryRead
    } else {
        Action::Read
    };
    match builtin_allows(&interp.principal.permissions, action, coll) {
        Some(true) => Access::All,
        Some(false) => Access::Nothing,
        None => Access::Ask,
    }
}

/// What the two database sources share: one element of look-ahead, and starting over after own writes.
struct Reader {
    coll: CollId,
    /// The read time of the set, which its documents keep.
    at: Option<TxnTime>,
    access: Access,
    pages: Pages,
    /// The element after the last one given.
    ahead: Option<Element>,
    /// The write epoch `ahead` was read in.
    epoch: u64,
}

impl Reader {
    fn new(interp: &Interp, coll: CollId, at: Option<TxnTime>, partitions: u64) -> Reader {
        let access = access(interp, coll, at);
        Reader {
            coll,
            at,
            access,
            pages: Pages::new(partitions),
            ahead: None,
            epoch: interp.txn.write_epoch(),
        }
    }

    fn doc(&self, id: DocId, cover: Option<Arc<Cover>>) -> Arc<Doc> {
        Arc::new(Doc {
            coll: self.coll,
            key: DocKey::Id(id),
            at: self.at,
            deleted: false,
            named: false,
            cover,
        })
    }

    /// Whether the principal sees the element, whose version is known by now.
    fn visible(
        &self,
        interp: &mut Interp,
        doc: &Doc,
        id: DocId,
        fresh: Option<&Fresh>,
    ) -> Result<bool> {
        match self.access {
            Access::All => Ok(true),
            Access::Nothing => Ok(false),
            Access::Ask => {
                if let Some(fresh) = fresh {
                    interp.prime_document(doc, fresh);
                }
                // Also at a cursor's time, rights are those of now.
                interp.reading_presently(|me| me.can_read(doc, Some(id)))
            }
        }
    }

    /// A fetch begins of the part of a set that `place` tells, which has so many terms.
    fn begin(
        &mut self,
        interp: &mut Interp,
        count: usize,
        terms: usize,
        place: impl FnOnce(&mut DefaultHasher),
    ) {
        let Some(size) = self.pages.begin(count) else {
            return;
        };
        let mut hasher = DefaultHasher::new();
        (self.coll, self.at, interp.as_of, size, self.epoch).hash(&mut hasher);
        place(&mut hasher);
        if let Some(ahead) = &self.ahead {
            ahead.position.hash(&mut hasher);
        }
        let repeated = interp.txn.read_page(hasher.finish());
        self.pages.open(size, repeated);
        if let Some(ahead) = &self.ahead {
            let cover = match &ahead.value {
                Value::Doc(doc) => doc.cover.as_deref(),
                _ => None,
            };
            let covered = cover.and_then(|cover| cover.values.get(terms..));
            self.pages.entry(covered.unwrap_or_default());
        }
    }
}

/// Documents of a collection in id order.
pub(super) struct Documents {
    reader: Reader,
    range: (Option<i64>, Option<i64>),
    reversed: bool,
    cursor: Option<ScanCursor>,
    carried: u64,
}

impl Documents {
    pub fn open(
        interp: &Interp,
        coll: CollId,
        range: (Option<i64>, Option<i64>),
        reversed: bool,
        at: Option<TxnTime>,
        from: &Position,
    ) -> Documents {
        let mut range = range;
        if let Position::Document(id) = from {
            narrow(&mut range, *id, reversed);
        }
        let reader = Reader::new(interp, coll, at, PARTITIONS);
        Documents {
            reader,
            range,
            reversed,
            cursor: None,
            carried: 0,
        }
    }

    /// See [`Pages::announce`].
    pub fn announce(&mut self, count: usize) {
        self.reader.pages.announce(count);
    }

    pub fn position(&self) -> Position {
        self.reader
            .ahead
            .as_ref()
            .map_or(Position::Begin, |element| element.position.clone())
    }

    pub fn fetch(
        &mut self,
        interp: &mut Interp,
        count: usize,
        out: &mut Vec<Element>,
    ) -> Result<bool> {
        self.carried = 0;
        if self.reader.epoch != interp.txn.write_epoch() {
            self.reader.epoch = interp.txn.write_epoch();
            if let Some(ahead) = self.reader.ahead.take() {
                if let Position::Document(id) = ahead.position {
                    narrow(&mut self.range, id, self.reversed);
                }
                self.cursor = None;
            }
        }
        let start = out.len();
        let (range, reversed) = (self.range, self.reversed);
        self.reader
            .begin(interp, count, 0, |place| (range, reversed).hash(place));
        while out.len() - start < count {
            match self.advance(interp)? {
                Some(element) => out.push(element),
                None => break,
            }
        }
        if out.len() - start == count {
            self.reader.ahead = self.advance(interp)?;
            self.reader.epoch = interp.txn.write_epoch();
        }
        let ready = self.cursor.as_ref().map_or(0, |cursor| cursor.ready());
        let found = out.len() - start;
        self.reader.pages.settle(interp, count, found, ready);
        Ok(self.reader.ahead.is_some())
    }

    fn advance(&mut self, interp: &mut Interp) -> Result<Option<Element>> {
        if let Some(ahead) = self.reader.ahead.take() {
            return Ok(Some(ahead));
        }
        if self.reader.access == Access::Nothing {
            return Ok(None);
        }
        let mut cursor = match self.cursor.take() {
            Some(cursor) => cursor,
            None => {
                let bound =
                    |id: Option<i64>| id.map_or(Bound::Unbounded, |id| Bound::Included(DocId(id)));
                let range = (bound(self.range.0), bound(self.range.1));
                let at = self.reader.at.or(interp.as_of);
                interp.txn.scan(self.reader.coll, range, self.reversed, at)
            }
        };
        let mut seen = 0u32;
        let found = loop {
            let Some((id, version)) = cursor.next(&mut interp.txn)? else {
                break None;
            };
            seen = seen.wrapping_add(1);
            if seen.is_multiple_of(1024) {
                interp.check_interrupted()?;
            }
            let fresh = Fresh {
                version,
                epoch: interp.txn.write_epoch(),
            };
            self.reader.pages.entry(&[]);
            let doc = self.reader.doc(id, None);
            if self.reader.visible(interp, &doc, id, Some(&fresh))? {
                self.carried += fresh.version.size();
                let fresh = (self.carried <= CARRIED_BYTES).then_some(fresh);
                break Some(Element {
                    value: Value::Doc(doc),
                    fresh,
                    position: Position::Document(id.0),
                });
            }
        };
        self.cursor = Some(cursor);
        Ok(found)
    }
}

/// The range without what lies before `id` in the direction of the set.
fn narrow(range: &mut (Option<i64>, Option<i64>), id: i64, reversed: bool) {
    let side = if reversed { &mut range.1 } else { &mut range.0 };
    *side = Some(match (*side, reversed) {
        (None, _) => id,
        (Some(known), false) => known.max(id),
        (Some(known), true) => known.min(id),
    });
}

/// Entries of an index, as the documents they lead to.
pub(super) struct Entries {
    reader: Reader,
    scan: IndexScan,
    covering: Arc<CoveringIndex>,
    cursor: Option<IndexCursor>,
    from: Option<Arc<[u8]>>,
}

/// What is read of an index.
pub(super) struct IndexScan {
    pub coll: CollId,
    pub index: crate::value::IndexId,
    pub terms: Vec<Value>,
    pub bounds: crate::model::IndexBounds,
    pub reversed: bool,
}

impl Entries {
    pub fn open(
        interp: &Interp,
        scan: IndexScan,
        covering: Arc<CoveringIndex>,
        at: Option<TxnTime>,
        from: &Position,
    ) -> Entries {
        let partitions = if scan.terms.is_empty() { PARTITIONS } else { 1 };
        let from = match from {
            Position::Entry(key) => Some(key.clone()),
            _ => None,
        };
        let reader = Reader::new(interp, scan.coll, at, partitions);
        Entries {
            reader,
            scan,
            covering,
            cursor: None,
            from,
        }
    }

    /// See [`Pages::announce`].
    pub fn announce(&mut self, count: usize) {
        self.reader.pages.announce(count);
    }

    pub fn position(&self) -> Position {
        self.reader
            .ahead
            .as_ref()
            .map_or(Position::Begin, |element| element.position.clone())
    }

    pub fn fetch(
        &mut self,
        interp: &mut Interp,
        count: usize,
        out: &mut Vec<Element>,
    ) -> Result<bool> {
        if self.reader.epoch != interp.txn.write_epoch() {
            self.reader.epoch = interp.txn.write_epoch();
            if let Some(ahead) = self.reader.ahead.take() {
                if let Position::Entry(key) = ahead.position {
                    self.from = Some(key);
                }
                self.cursor = None;
            }
        }
        let start = out.len();
        let (scan, from) = (&self.scan, &self.from);
        self.reader.begin(interp, count, scan.terms.len(), |place| {
            (scan.index, &scan.bounds, scan.reversed, from).hash(place);
            for term in &scan.terms {
                hash_value(term, place);
            }
        });
        while out.len() - start < count {
            match self.advance(interp)? {
                Some(element) => out.push(element),
                None => break,
            }
        }
        if out.len() - start == count {
            self.reader.ahead = self.advance(interp)?;
            self.reader.epoch = interp.txn.write_epoch();
        }
        let ready = self.cursor.as_ref().map_or(0, |cursor| cursor.ready());
        let found = out.len() - start;
        self.reader.pages.settle(interp, count, found, ready);
        Ok(self.reader.ahead.is_some())
    }

    fn advance(&mut self, interp: &mut Interp) -> Result<Option<Element>> {
        if let Some(ahead) = self.reader.ahead.take() {
            return Ok(Some(ahead));
        }
        if self.reader.access == Access::Nothing {
            return Ok(None);
        }
        let mut cursor = match self.cursor.take() {
            Some(cursor) => cursor,
            None => {
                let at = self.reader.at.or(interp.as_of);
                let scan = &self.scan;
                let from = self.from.as_deref();
                interp.txn.index_scan_from(
                    scan.coll,
                    scan.index,
                    &scan.terms,
                    &scan.bounds,
                    from,
                    scan.reversed,
                    at,
                )
            }
        };
        let mut seen = 0u32;
        let found = loop {
            let Some(entry) = cursor.next(&mut interp.txn)? else {
                break None;
            };
            seen = seen.wrapping_add(1);
            if seen.is_multiple_of(1024) {
                interp.check_interrupted()?;
            }
            let mut values = self.scan.terms.clone();
            values.extend(entry.values());
            self.reader
                .pages
                .entry(values.get(self.scan.terms.len()..).unwrap_or_default());
            let doc = self.reader.doc(
                entry.doc,
                Some(Arc::new(Cover {
                    index: self.covering.clone(),
                    values,
                    rights: interp.rights(),
                })),
            );
            if self.reader.visible(interp, &doc, entry.doc, None)? {
                let position = Position::Entry(entry.position().into());
                break Some(Element {
                    value: Value::Doc(doc),
                    fresh: None,
                    position,
                });
            }
        };
        self.cursor = Some(cursor);
        Ok(found)
    }
}

/// Elements of an array, or integers, forwards or backwards.
pub(super) struct Listed {
    items: Items,
    reversed: bool,
    next: u64,
}

pub(super) enum Items {
    Array(Arc<crate::value::Items>),
    Sequence(i64, i64),
    Single(Value),
}

impl Listed {
    pub fn open(items: Items, reversed: bool, from: &Position) -> Listed {
        let next = match from {
            Position::Offset(n) => *n,
            _ => 0,
        };
        Listed {
            items,
            reversed,
            next,
        }
    }

    pub fn position(&self) -> Position {
        Position::Offset(self.next)
    }

    fn len(&self) -> u64 {
        match &self.items {
            Items::Array(items) => items.len() as u64,
            Items::Sequence(from, until) => {
                u64::try_from(i128::from(*until) - i128::from(*from)).unwrap_or(0)
            }
            Items::Single(_) => 1,
        }
    }

    pub fn fetch(&mut self, count: usize, out: &mut Vec<Element>) -> bool {
        let len = self.len();
        let end = self.next.saturating_add(count as u64).min(len);
        while self.next < end {
            let at = if self.reversed {
                len - 1 - self.next
            } else {
                self.next
            };
            let value = match &self.items {
                Items::Array(items) => items.get(at as usize).cloned().unwrap_or(Value::NULL),
                Items::Sequence(from, _) => Value::integer(from.wrapping_add(at as i64)),
                Items::Single(value) => value.clone(),
            };
            out.push(Element {
                value,
                fresh: None,
                position: Position::Offset(self.next),
            });
            self.next += 1;
        }
        self.next < len
    }
}
