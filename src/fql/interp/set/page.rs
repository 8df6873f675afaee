//! Pages, cursors, and reading whole sets.

use super::super::{DEFAULT_PAGE, Failure, Interp, MAX_ELEMENTS, Result};
use super::position::Position;
use super::steps::Node;
use super::token::PENDING;
use super::{BATCH, Element};
use crate::value::{Cursor, Doc, NullReason, Object, Plan, Set, Str, Value};
use std::sync::Arc;

/// A page: its elements, and the position of the next one.
pub type Page = (Vec<Value>, Option<Arc<Cursor>>);

impl Interp {
    /// The first page of a set, of the set's own page size.
    pub fn first_page(&mut self, set: &Arc<Set>) -> Result<Page> {
        self.page(set, &Position::Begin, set.page_size.unwrap_or(DEFAULT_PAGE))
    }

    /// `set.paginate()`, `set.paginate(size)`
    pub fn paginate(&mut self, set: &Arc<Set>, size: Option<u32>) -> Result {
        let size = size.or(set.page_size).unwrap_or(DEFAULT_PAGE);
        let page = self.page(set, &Position::Begin, size)?;
        Ok(page_value(page))
    }

    /// `Set.paginate(cursor)`: the page at a cursor, as of the cursor's time.
    pub fn paginate_at(&mut self, cursor: &Arc<Cursor>, size: Option<u32>) -> Result {
        let Some(position) = Position::of(&cursor.position) else {
            return Err(invalid_cursor());
        };
        let size = size.unwrap_or(cursor.page_size.clamp(1, MAX_ELEMENTS as u32));
        let page = self.reading_as_of(cursor.at, |me| {
            me.check_sources(&cursor.set)?;
            me.page(&cursor.set, &position, size)
        })?;
        Ok(page_value(page))
    }

    /// The cursor that a token means.
    pub fn cursor(&mut self, token: &str) -> Result<Arc<Cursor>> {
        self.decode_cursor(token).ok_or_else(invalid_cursor)
    }

    /// A cursor before the first element, for a set that is shown as its token.
    pub fn start_cursor(&self, set: &Arc<Set>) -> Cursor {
        Cursor {
            set: set.clone(),
            position: Value::NULL,
            page_size: set.page_size.unwrap_or(DEFAULT_PAGE),
            at: None,
        }
    }

    /// The text of a set that lies too deep in a result to be read.
    pub fn set_token(&mut self, set: &Arc<Set>) -> Result<Str> {
        let cursor = self.start_cursor(set);
        self.cursor_token(&cursor, Some(PENDING))
    }

    /// Runs `f` with everything that has no read time of its own read as of `at`.
    pub fn reading_as_of<T>(
        &mut self,
        at: Option<crate::store::TxnTime>,
        f: impl FnOnce(&mut Interp) -> Result<T>,
    ) -> Result<T> {
        let Some(at) = at else { return f(self) };
        let before = self.as_of.replace(at);
        let result = f(self);
        self.as_of = before;
        result
    }

    /// Runs `f` without the time of a cursor or event.
    pub(super) fn reading_presently<T>(&mut self, f: impl FnOnce(&mut Interp) -> T) -> T {
        let before = self.as_of.take();
        let result = f(self);
        self.as_of = before;
        result
    }

    pub(super) fn page(&mut self, set: &Arc<Set>, from: &Position, size: u32) -> Result<Page> {
        let mut node = Node::open(self, set, from)?;
        let mut elements = Vec::with_capacity(size.min(64) as usize);
        node.announce(size as usize);
        let more = node.fetch(self, size as usize, &mut elements)?;
        let after = more.then(|| {
            Arc::new(Cursor {
                set: node.rest(set),
                position: node.position().to_value(),
                page_size: elements.len() as u32,
                at: self.as_of,
            })
        });
        Ok((
            elements
                .into_iter()
                .map(|element| self.kept(element))
                .collect(),
            after,
        ))
    }

    /// The value of an element that will be looked at soon, when others have been read in between.
    fn kept(&mut self, element: Element) -> Value {
        match (&element.value, &element.fresh) {
            // Read at a cursor's time, but a live reference from now on: what the entry said then may be wrong now.
            (Value::Doc(doc), _) if self.as_of.is_some() && doc.cover.is_some() => {
                Value::Doc(Arc::new(Doc {
                    cover: None,
                    ..(**doc).clone()
                }))
            }
            (Value::Doc(doc), Some(fresh)) if self.as_of.is_none() && doc.at.is_none() => {
                if let crate::value::DocKey::Id(id) = doc.key
                    && fresh.epoch == self.txn.write_epoch()
                {
                    self.txn.keep(doc.coll, id, fresh.version.clone());
                }
                element.value
            }
            _ => element.value,
        }
    }

    /// The elements of a set as a vector; fails above 16000.
    pub fn set_to_vec(&mut self, set: &Arc<Set>) -> Result<Vec<Value>> {
        let elements = self.whole(set)?;
        Ok(elements
            .into_iter()
            .map(|element| self.kept(element))
            .collect())
    }

    /// The number of elements.
    pub fn set_count(&mut self, set: &Arc<Set>) -> Result<u64> {
        // Nothing can be told apart from counting them one by one.
        let mut node = Node::open(self, set, &Position::Begin)?;
        let mut elements = Vec::with_capacity(BATCH);
        let mut count = 0u64;
        let mut page = 0;
        loop {
            elements.clear();
            if page == 0 {
                page = MAX_ELEMENTS;
                node.announce(page);
            }
            let size = page.min(BATCH);
            page -= size;
            let more = node.fetch(self, size, &mut elements)?;
            count += elements.len() as u64;
            if !more {
                return Ok(count);
            }
        }
    }

    /// The first element, or a null that says the set is empty.
    pub fn set_first(&mut self, set: &Arc<Set>) -> Result {
        let mut node = Node::open(self, set, &Position::Begin)?;
        let mut elements = Vec::with_capacity(1);
        node.announce(1);
        node.fetch(self, 1, &mut elements)?;
        match elements.pop() {
            Some(element) => Ok(self.kept(element)),
            None => Ok(self.null(NullReason::NoSuchElement("empty set"))),
        }
    }

    /// Whether there is no element.
    pub fn set_is_empty(&mut self, set: &Arc<Set>) -> Result<bool> {
        let mut node = Node::open(self, set, &Position::Begin)?;
        let mut elements = Vec::with_capacity(1);
        node.announce(1);
        node.fetch(self, 1, &mut elements)?;
        Ok(elements.is_empty())
    }

    /// Calls `f` with every element in order until it answers false. Elements are fetched 16000 at a time and `f` runs
    /// between two fetches, so that what it writes changes no page in flight (`spec fql10-data 5.3`).
    pub fn each_element(
        &mut self,
        set: &Arc<Set>,
        mut f: impl FnMut(&mut Interp, Value) -> Result<bool>,
    ) -> Result<()> {
        self.each_page(set, |me, page| {
            for element in page.drain(..) {
                me.prime(&element);
                if !f(me, element.value)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Calls `f` with every page of up to 16000 elements in order until it answers false.
    pub(super) fn each_page(
        &mut self,
        set: &Arc<Set>,
        mut f: impl FnMut(&mut Interp, &mut Vec<Element>) -> Result<bool>,
    ) -> Result<()> {
        let mut node = Node::open(self, set, &Position::Begin)?;
        let mut elements = Vec::new();
        loop {
            elements.clear();
            node.announce(MAX_ELEMENTS);
            let more = node.fetch(self, MAX_ELEMENTS, &mut elements)?;
            if !f(self, &mut elements)? || !more {
                return Ok(());
            }
        }
    }

    /// `set.aggregate(seed, combiner)`: pairs, pairs of pairs, and last the seed (`spec fql10-data 5.3`).
    pub fn aggregate(&mut self, set: &Arc<Set>, seed: &Value, combiner: &Value) -> Result {
        let mut seed = seed.clone();
        self.each_page(set, |me, page| {
            if page.is_empty() {
                return Ok(true);
            }
            let mut values: Vec<Value> = page.drain(..).map(|element| element.value).collect();
            while values.len() > 1 {
                let mut combined = Vec::with_capacity(values.len().div_ceil(2));
                let mut pairs = values.into_iter();
                while let Some(a) = pairs.next() {
                    combined.push(match pairs.next() {
                        Some(b) => me.call(combiner, vec![a, b])?,
                        None => a,
                    });
                }
                values = combined;
            }
            if let Some(value) = values.pop() {
                seed = me.call(
                    combiner,
                    vec![value, std::mem::replace(&mut seed, Value::NULL)],
                )?;
            }
            Ok(true)
        })?;
        Ok(seed)
    }

    /// Fails if an index the set reads is not the principal's to read: the calls that a cursor stands for have been
    /// allowed before, maybe to somebody else.
    fn check_sources(&mut self, set: &Arc<Set>) -> Result<()> {
        let mut pending = vec![set.clone()];
        while let Some(set) = pending.pop() {
            match &set.plan {
                Plan::Index { coll, .. } => self.check_collection_readable(*coll)?,
                Plan::Concat(_, second) => pending.push(second.clone()),
                Plan::All { .. }
                | Plan::Array(_)
                | Plan::Single(_)
                | Plan::Sequence(..)
                | Plan::Where(..)
                | Plan::Map(..)
                | Plan::FlatMap(..)
                | Plan::Distinct(_)
                | Plan::Order(..)
                | Plan::Reverse(_)
                | Plan::Take(..)
                | Plan::Drop(..) => {}
            }
            pending.extend(set.plan.inner().cloned());
        }
        Ok(())
    }
}

fn page_value((data, after): Page) -> Value {
    let mut page = Object::new();
    page.insert("data", Value::array(data));
    if let Some(after) = after {
        page.insert("after", Value::Cursor(after));
    }
    Value::object(page)
}

pub(super) fn invalid_cursor() -> Failure {
    Failure::new("invalid_cursor", "Cursor cursor is invalid or expired.")
}
