//! The nodes of an open set: one for each step of its plan.

use super::super::{Failure, Interp, MAX_ELEMENTS, Result};
use super::build::reversed;
use super::position::Position;
use super::source::{Documents, Entries, Items, Listed};
use super::{BATCH, Element};
use crate::value::{Callback, OrderKey, Plan, Set, Value, order};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Source elements a filter looks at, at least (`spec fql10-data 5.3`).
const FILTER_LEAST: usize = 16;
/// A filter that did not fill its page looks at so many times more next.
const FILTER_GROWTH: usize = 4;

/// Stack kept free for one level of a plan, and the size of a new segment.
const RED_ZONE: usize = 128 * 1024;
const SEGMENT: usize = 2 * 1024 * 1024;

/// An open set.
pub(super) enum Node {
    Documents(Box<Documents>),
    Entries(Box<Entries>),
    Listed(Listed),
    Filter(Box<Filter>),
    Map(Box<Mapped>),
    FlatMap(Box<Flattened>),
    Concat(Box<Concatenated>),
    Take(Box<Taken>),
    Drop(Box<Dropped>),
    Whole(Box<Whole>),
}

impl Node {
    /// Opens a set at a position. Reads nothing.
    pub fn open(interp: &mut Interp, set: &Arc<Set>, from: &Position) -> Result<Node> {
        stacker::maybe_grow(RED_ZONE, SEGMENT, || Node::open_plan(interp, set, from))
    }

    fn open_plan(interp: &mut Interp, set: &Arc<Set>, from: &Position) -> Result<Node> {
        Ok(match &set.plan {
            Plan::All {
                coll,
                range,
                reversed,
            } => Node::Documents(Box::new(Documents::open(
                interp, *coll, *range, *reversed, set.at, from,
            ))),
            Plan::Index { .. } => match interp.open_index(set, from)? {
                Some(entries) => Node::Entries(Box::new(entries)),
                // The index is gone; so are its entries.
                None => Node::Listed(Listed::open(Items::Sequence(0, 0), false, from)),
            },
            Plan::Array(items) => {
                Node::Listed(Listed::open(Items::Array(items.clone()), false, from))
            }
            Plan::Sequence(first, until) => {
                Node::Listed(Listed::open(Items::Sequence(*first, *until), false, from))
            }
            Plan::Single(value) => {
                Node::Listed(Listed::open(Items::Single(value.clone()), false, from))
            }
            Plan::Where(inner, predicate) => Node::Filter(Box::new(Filter {
                inner: Node::open(interp, inner, from)?,
                source: inner.clone(),
                predicate: predicate.clone(),
                passed: VecDeque::new(),
                more: true,
                epoch: interp.txn.write_epoch(),
                buffer: Vec::new(),
            })),
            Plan::Map(inner, mapper) => Node::Map(Box::new(Mapped {
                inner: Node::open(interp, inner, from)?,
                mapper: mapper.clone(),
                buffer: Vec::new(),
            })),
            Plan::FlatMap(inner, mapper) => Flattened::open(interp, inner, mapper, false, from)?,
            Plan::Concat(first, second) => {
                let (inner, rest) = match from {
                    Position::Second(from) => (Node::open(interp, second, from)?, None),
                    Position::First(from) => {
                        (Node::open(interp, first, from)?, Some(second.clone()))
                    }
                    from => (Node::open(interp, first, from)?, Some(second.clone())),
                };
                Node::Concat(Box::new(Concatenated { inner, rest }))
            }
            Plan::Take(inner, limit) => {
                let (remaining, from) = match from {
                    Position::Remaining(n, from) => (*n.min(limit), &**from),
                    from => (*limit, from),
                };
                Node::Take(Box::new(Taken {
                    inner: Node::open(interp, inner, from)?,
                    remaining,
                }))
            }
            Plan::Drop(inner, amount) => {
                let pending = if *from == Position::Begin { *amount } else { 0 };
                Node::Drop(Box::new(Dropped {
                    inner: Node::open(interp, inner, from)?,
                    pending,
                }))
            }
            Plan::Distinct(inner) => Whole::open(inner, Arrangement::Distinct, from),
            Plan::Order(inner, keys) => Whole::open(inner, Arrangement::Order(keys.clone()), from),
            Plan::Reverse(inner) => match &inner.plan {
                Plan::Array(items) => {
                    Node::Listed(Listed::open(Items::Array(items.clone()), true, from))
                }
                Plan::Sequence(first, until) => {
                    Node::Listed(Listed::open(Items::Sequence(*first, *until), true, from))
                }
                Plan::FlatMap(outer, mapper) => {
                    Flattened::open(interp, &reversed(outer), mapper, true, from)?
                }
                Plan::All { .. }
                | Plan::Index { .. }
                | Plan::Single(_)
                | Plan::Where(..)
                | Plan::Map(..)
                | Plan::Concat(..)
                | Plan::Distinct(_)
                | Plan::Order(..)
                | Plan::Reverse(_)
                | Plan::Take(..)
                | Plan::Drop(..) => Whole::open(inner, Arrangement::Reverse, from),
            },
        })
    }

    /// Appends the next `count` elements, fewer only at the end; whether more follow.
    pub fn fetch(
        &mut self,
        interp: &mut Interp,
        count: usize,
        out: &mut Vec<Element>,
    ) -> Result<bool> {
        match self {
            Node::Documents(node) => node.fetch(interp, count, out),
            Node::Entries(node) => node.fetch(interp, count, out),
            Node::Listed(node) => Ok(node.fetch(count, out)),
            Node::Filter(node) => {
                stacker::maybe_grow(RED_ZONE, SEGMENT, || node.fetch(interp, count, out))
            }
            Node::Map(node) => {
                stacker::maybe_grow(RED_ZONE, SEGMENT, || node.fetch(interp, count, out))
            }
            Node::FlatMap(node) => {
                stacker::maybe_grow(RED_ZONE, SEGMENT, || node.fetch(interp, count, out))
            }
            Node::Concat(node) => {
                stacker::maybe_grow(RED_ZONE, SEGMENT, || node.fetch(interp, count, out))
            }
            Node::Take(node) => {
                stacker::maybe_grow(RED_ZONE, SEGMENT, || node.fetch(interp, count, out))
            }
            Node::Drop(node) => {
                stacker::maybe_grow(RED_ZONE, SEGMENT, || node.fetch(interp, count, out))
            }
            Node::Whole(node) => {
                stacker::maybe_grow(RED_ZONE, SEGMENT, || node.fetch(interp, count, out))
            }
        }
    }

    /// The next `count` elements are read as one page, in however many pieces they are fetched.
    pub fn announce(&mut self, count: usize) {
        stacker::maybe_grow(RED_ZONE, SEGMENT, || match self {
            Node::Documents(node) => node.announce(count),
            Node::Entries(node) => node.announce(count),
            Node::Map(node) => node.inner.announce(count),
            Node::Concat(node) => node.inner.announce(count),
            Node::Take(node) => {
                let remaining = usize::try_from(node.remaining).unwrap_or(usize::MAX);
                node.inner.announce(count.min(remaining));
            }
            Node::Drop(node) => {
                let pending = usize::try_from(node.pending).unwrap_or(usize::MAX);
                node.inner
                    .announce(count.saturating_add(pending).min(MAX_ELEMENTS));
            }
            // They decide on the size of the pages they read.
            Node::Filter(_) | Node::FlatMap(_) | Node::Listed(_) | Node::Whole(_) => {}
        })
    }

    /// Where to go on; meaningful while more follow.
    pub fn position(&self) -> Position {
        stacker::maybe_grow(RED_ZONE, SEGMENT, || match self {
            Node::Documents(node) => node.position(),
            Node::Entries(node) => node.position(),
            Node::Listed(node) => node.position(),
            Node::Filter(node) => match node.passed.front() {
                Some(element) => element.position.clone(),
                None => node.inner.position(),
            },
            Node::Map(node) => node.inner.position(),
            Node::FlatMap(node) => node.position(),
            Node::Concat(node) => match node.rest {
                Some(_) => Position::First(Box::new(node.inner.position())),
                None => Position::Second(Box::new(node.inner.position())),
            },
            Node::Take(node) => {
                Position::Remaining(node.remaining, Box::new(node.inner.position()))
            }
            // Nothing was asked for yet, so nothing is dropped.
            Node::Drop(node) if node.pending > 0 => Position::Begin,
            Node::Drop(node) => node.inner.position(),
            Node::Whole(node) => Position::Offset(node.next as u64),
        })
    }

    /// The set to go on with: what was sorted stands in it as an array, so that it is not sorted again.
    pub fn rest(&self, set: &Arc<Set>) -> Arc<Set> {
        let Some(inner) = set.plan.inner() else {
            return set.clone();
        };
        stacker::maybe_grow(RED_ZONE, SEGMENT, || {
            let with = |node: &Node, plan: &dyn Fn(Arc<Set>) -> Plan| {
                let rest = node.rest(inner);
                if Arc::ptr_eq(&rest, inner) {
                    set.clone()
                } else {
                    Arc::new(Set::over(set, plan(rest)))
                }
            };
            match (self, &set.plan) {
                (Node::Whole(node), Plan::Distinct(_) | Plan::Order(..)) => match &node.elements {
                    Some(elements) => {
                        let values = elements
                            .iter()
                            .map(|element| element.value.clone())
                            .collect();
                        Arc::new(Set {
                            plan: Plan::Array(Arc::new(values)),
                            at: None,
                            page_size: set.page_size,
                        })
                    }
                    None => set.clone(),
                },
                (Node::Filter(node), Plan::Where(_, f)) => {
                    with(&node.inner, &|rest| Plan::Where(rest, f.clone()))
                }
                (Node::Map(node), Plan::Map(_, f)) => {
                    with(&node.inner, &|rest| Plan::Map(rest, f.clone()))
                }
                (Node::FlatMap(node), Plan::FlatMap(_, f)) => {
                    with(&node.outer, &|rest| Plan::FlatMap(rest, f.clone()))
                }
                (Node::Take(node), Plan::Take(_, n)) => {
                    with(&node.inner, &|rest| Plan::Take(rest, *n))
                }
                (Node::Drop(node), Plan::Drop(_, n)) => {
                    with(&node.inner, &|rest| Plan::Drop(rest, *n))
                }
                (Node::Concat(node), Plan::Concat(_, second)) => match &node.rest {
                    Some(_) => with(&node.inner, &|rest| Plan::Concat(rest, second.clone())),
                    None => {
                        let rest = node.inner.rest(second);
                        match Arc::ptr_eq(&rest, second) {
                            true => set.clone(),
                            false => Arc::new(Set::over(set, Plan::Concat(inner.clone(), rest))),
                        }
                    }
                },
                _ => set.clone(),
            }
        })
    }
}

/// `where`
pub(super) struct Filter {
    inner: Node,
    source: Arc<Set>,
    predicate: Callback,
    /// Elements that passed beyond what was asked for.
    passed: VecDeque<Element>,
    more: bool,
    epoch: u64,
    buffer: Vec<Element>,
}

impl Filter {
    fn fetch(&mut self, interp: &mut Interp, count: usize, out: &mut Vec<Element>) -> Result<bool> {
        // What passed before own writes may not pass now.
        if self.epoch != interp.txn.write_epoch() {
            self.epoch = interp.txn.write_epoch();
            if let Some(first) = self.passed.front() {
                self.inner = Node::open(interp, &self.source, &first.position)?;
                self.passed.clear();
                self.more = true;
            }
        }
        let start = out.len();
        while out.len() - start < count
            && let Some(element) = self.passed.pop_front()
        {
            out.push(element);
        }
        let mut size = count.max(FILTER_LEAST);
        while out.len() - start < count && self.more {
            let mut left = size;
            self.inner.announce(size);
            while left > 0 && self.more {
                self.buffer.clear();
                self.more = self
                    .inner
                    .fetch(interp, left.min(BATCH), &mut self.buffer)?;
                left = left.saturating_sub(self.buffer.len().max(1));
                let Filter {
                    buffer,
                    passed,
                    predicate,
                    ..
                } = self;
                interp.in_callback(predicate, |interp, predicate| {
                    for element in buffer.drain(..) {
                        interp.prime(&element);
                        if interp.predicate(predicate, vec![element.value.clone()])? {
                            if passed.is_empty() && out.len() - start < count {
                                out.push(element);
                            } else {
                                passed.push_back(element);
                            }
                        }
                    }
                    Ok(())
                })?;
            }
            size = size.saturating_mul(FILTER_GROWTH).min(MAX_ELEMENTS);
        }
        Ok(!self.passed.is_empty() || self.more)
    }
}

/// `map`, and projections.
pub(super) struct Mapped {
    inner: Node,
    mapper: Callback,
    buffer: Vec<Element>,
}

impl Mapped {
    fn fetch(&mut self, interp: &mut Interp, count: usize, out: &mut Vec<Element>) -> Result<bool> {
        let mut left = count;
        loop {
            self.buffer.clear();
            let more = self
                .inner
                .fetch(interp, left.min(BATCH), &mut self.buffer)?;
            left = left.saturating_sub(self.buffer.len());
            let buffer = &mut self.buffer;
            interp.in_callback(&self.mapper, |interp, mapper| {
                for element in buffer.drain(..) {
                    interp.prime(&element);
                    let value = interp.call(mapper, vec![element.value])?;
                    out.push(Element {
                        value,
                        fresh: None,
                        position: element.position,
                    });
                }
                Ok(())
            })?;
            if !more || left == 0 {
                return Ok(more);
            }
        }
    }
}

/// `flatMap`
pub(super) struct Flattened {
    outer: Node,
    mapper: Callback,
    reversed: bool,
    more: bool,
    /// The set in progress, and the position of the element that yielded it.
    inner: Option<(Node, Position)>,
}

impl Flattened {
    fn open(
        interp: &mut Interp,
        set: &Arc<Set>,
        mapper: &Callback,
        reversed: bool,
        from: &Position,
    ) -> Result<Node> {
        let (outer_from, inner_from) = match from {
            Position::Within(pair) => (&pair.0, Some(&pair.1)),
            from => (from, None),
        };
        let outer = Node::open(interp, set, outer_from)?;
        let mut node = Flattened {
            outer,
            mapper: mapper.clone(),
            reversed,
            more: true,
            inner: None,
        };
        if let Some(from) = inner_from.filter(|from| **from != Position::Begin) {
            node.next_inner(interp, from)?;
        }
        Ok(Node::FlatMap(Box::new(node)))
    }

    fn position(&self) -> Position {
        Position::Within(Box::new(match &self.inner {
            Some((node, outer)) => (outer.clone(), node.position()),
            None => (self.outer.position(), Position::Begin),
        }))
    }

    /// Opens the set that the next outer element yields; false at the end.
    fn next_inner(&mut self, interp: &mut Interp, from: &Position) -> Result<bool> {
        let mut elements = Vec::with_capacity(1);
        if !self.more {
            return Ok(false);
        }
        self.more = self.outer.fetch(interp, 1, &mut elements)?;
        let Some(element) = elements.pop() else {
            return Ok(false);
        };
        interp.prime(&element);
        let set = interp.in_callback(&self.mapper, |interp, mapper| {
            match interp.call(mapper, vec![element.value])? {
                Value::Set(set) => Ok(set),
                other => Err(Failure::type_mismatch("Set<Any>", &other)),
            }
        })?;
        let set = if self.reversed { reversed(&set) } else { set };
        self.inner = Some((Node::open(interp, &set, from)?, element.position));
        Ok(true)
    }

    fn fetch(&mut self, interp: &mut Interp, count: usize, out: &mut Vec<Element>) -> Result<bool> {
        let start = out.len();
        loop {
            let (node, outer) = match &mut self.inner {
                Some((node, outer)) => (node, outer),
                None => {
                    if !self.next_inner(interp, &Position::Begin)? {
                        return Ok(false);
                    }
                    continue;
                }
            };
            let first = out.len();
            let more = node.fetch(interp, count - (first - start), out)?;
            for element in &mut out[first..] {
                let inner = std::mem::replace(&mut element.position, Position::Begin);
                element.position = Position::Within(Box::new((outer.clone(), inner)));
            }
            if !more {
                self.inner = None;
            }
            if out.len() - start >= count {
                return Ok(more || self.more);
            }
        }
    }
}

/// `concat`
pub(super) struct Concatenated {
    inner: Node,
    /// The second set while the first is read.
    rest: Option<Arc<Set>>,
}

impl Concatenated {
    fn fetch(&mut self, interp: &mut Interp, count: usize, out: &mut Vec<Element>) -> Result<bool> {
        let mut left = count;
        if let Some(second) = &self.rest {
            let first = out.len();
            let more = self.inner.fetch(interp, left, out)?;
            // Concatenations may be nested by the thousand, and each passes every element on.
            interp.check_interrupted()?;
            for element in &mut out[first..] {
                let inner = std::mem::replace(&mut element.position, Position::Begin);
                element.position = Position::First(Box::new(inner));
            }
            if more {
                return Ok(true);
            }
            left -= out.len() - first;
            self.inner = Node::open(interp, second, &Position::Begin)?;
            self.inner.announce(left);
            self.rest = None;
            if left == 0 {
                // Whether anything follows is found out by the next page.
                return Ok(true);
            }
        }
        let first = out.len();
        let more = self.inner.fetch(interp, left, out)?;
        for element in &mut out[first..] {
            let inner = std::mem::replace(&mut element.position, Position::Begin);
            element.position = Position::Second(Box::new(inner));
        }
        Ok(more)
    }
}

/// `take`
pub(super) struct Taken {
    inner: Node,
    remaining: u64,
}

impl Taken {
    fn fetch(&mut self, interp: &mut Interp, count: usize, out: &mut Vec<Element>) -> Result<bool> {
        let wanted = usize::try_from(self.remaining)
            .unwrap_or(usize::MAX)
            .min(count);
        if wanted == 0 {
            return Ok(false);
        }
        let first = out.len();
        let more = self.inner.fetch(interp, wanted, out)?;
        for element in &mut out[first..] {
            let inner = std::mem::replace(&mut element.position, Position::Begin);
            element.position = Position::Remaining(self.remaining, Box::new(inner));
            self.remaining = self.remaining.saturating_sub(1);
        }
        Ok(more && self.remaining > 0)
    }
}

/// `drop`
pub(super) struct Dropped {
    inner: Node,
    pending: u64,
}

impl Dropped {
    fn fetch(&mut self, interp: &mut Interp, count: usize, out: &mut Vec<Element>) -> Result<bool> {
        let mut skipped = Vec::new();
        while self.pending > 0 {
            let size = usize::try_from(self.pending)
                .unwrap_or(usize::MAX)
                .min(BATCH);
            skipped.clear();
            let more = self.inner.fetch(interp, size, &mut skipped)?;
            self.pending -= skipped.len() as u64;
            if !more {
                self.pending = 0;
                return Ok(false);
            }
        }
        self.inner.fetch(interp, count, out)
    }
}

/// What a step does with the whole set.
enum Arrangement {
    Distinct,
    Order(Vec<OrderKey>),
    Reverse,
}

/// `distinct`, `order`, and `reverse` of what has no native reverse.
pub(super) struct Whole {
    source: Arc<Set>,
    arrangement: Arrangement,
    elements: Option<Vec<Element>>,
    next: usize,
}

impl Whole {
    fn open(inner: &Arc<Set>, arrangement: Arrangement, from: &Position) -> Node {
        let next = match from {
            Position::Offset(n) => usize::try_from(*n).unwrap_or(usize::MAX),
            _ => 0,
        };
        Node::Whole(Box::new(Whole {
            source: inner.clone(),
            arrangement,
            elements: None,
            next,
        }))
    }

    fn fetch(&mut self, interp: &mut Interp, count: usize, out: &mut Vec<Element>) -> Result<bool> {
        if self.elements.is_none() {
            let mut elements = interp.whole(&self.source)?;
            match &self.arrangement {
                Arrangement::Reverse => elements.reverse(),
                Arrangement::Distinct => {
                    interp.check_parts(elements.iter().map(|element| &element.value))?;
                    distinct(&mut elements);
                }
                Arrangement::Order(keys) => elements = interp.sorted(elements, keys)?,
            }
            self.elements = Some(elements);
        }
        let elements = self.elements.as_deref().unwrap_or_default();
        let start = self.next.min(elements.len());
        let end = start.saturating_add(count).min(elements.len());
        for (n, element) in elements.iter().enumerate().take(end).skip(start) {
            let fresh = element.fresh.as_ref();
            let fresh = fresh.map(|fresh| super::Fresh {
                version: fresh.version.clone(),
                epoch: fresh.epoch,
            });
            let position = Position::Offset(n as u64);
            out.push(Element {
                value: element.value.clone(),
                fresh,
                position,
            });
        }
        self.next = end;
        Ok(end < elements.len())
    }
}

fn distinct(elements: &mut Vec<Element>) {
    elements.sort_by(|a, b| order::order(&a.value, &b.value));
    let mut seen = HashSet::with_capacity(elements.len());
    elements.retain(|element| seen.insert(order::DistinctKey(element.value.clone())));
}

impl Interp {
    /// Every element of a set of at most 16000.
    pub(super) fn whole(&mut self, set: &Arc<Set>) -> Result<Vec<Element>> {
        let mut node = Node::open(self, set, &Position::Begin)?;
        let mut elements = Vec::new();
        loop {
            let room = MAX_ELEMENTS + 1 - elements.len();
            node.announce(room.min(MAX_ELEMENTS));
            let more = node.fetch(self, room.min(MAX_ELEMENTS), &mut elements)?;
            if elements.len() > MAX_ELEMENTS {
                let reason = format!("exceeded maximum number of elements (limit={MAX_ELEMENTS})");
                return Err(Failure::too_large(reason));
            }
            if !more {
                return Ok(elements);
            }
        }
    }

    /// The elements sorted by keys, ties in their order.
    fn sorted(&mut self, elements: Vec<Element>, keys: &[OrderKey]) -> Result<Vec<Element>> {
        let mut keyed = Vec::with_capacity(elements.len());
        for element in elements {
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                self.prime(&element);
                let value = element.value.clone();
                values.push(self.in_callback(&key.accessor, |interp, accessor| {
                    interp.call(accessor, vec![value])
                })?);
            }
            self.check_parts(&values)?;
            keyed.push((values, element));
        }
        if keys.is_empty() {
            self.check_parts(keyed.iter().map(|(_, element)| &element.value))?;
        }
        keyed.sort_by(|(a, first), (b, second)| {
            if keys.is_empty() {
                return order::order(&first.value, &second.value);
            }
            let pairs = a.iter().zip(b).zip(keys);
            pairs.fold(std::cmp::Ordering::Equal, |so_far, ((a, b), key)| {
                so_far.then_with(|| {
                    if key.descending {
                        order::order(b, a)
                    } else {
                        order::order(a, b)
                    }
                })
            })
        });
        Ok(keyed.into_iter().map(|(_, element)| element).collect())
    }
}
