//! Pages of sets (`spec fql4 6.8`).

use super::cursor::{Cursor, Position};
use super::element::{Bound, Edge, Element, Window};
use super::history::{Item, events};
use super::shape::shape;
use super::walk::open;
use super::{Set, rights};
use crate::fql4::error::{Error, Result};
use crate::fql4::eval::{Evaluator, ValidTime};
use crate::fql4::place::Place;
use crate::fql4::render;
use crate::fql4::value::{Element as Shown, Page, Value};
use crate::store::TxnTime;
use std::sync::Arc;

/// Elements of a page unless asked otherwise.
const DEFAULT_SIZE: i64 = 64;
/// The most elements of a page.
const MAX_SIZE: i64 = 100_000;

/// Which page of a set.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where it begins, or ends.
    pub cursor: Option<Cursor>,
    /// It begins at the cursor; else it ends before it.
    pub forward: bool,
    /// How many elements.
    pub size: Option<i64>,
    /// Whether elements tell the sets they come from.
    pub sources: bool,
}

/// What pages are made of: elements or events.
enum Found {
    Element(Element),
    Event(Item),
}

/// A page of a set. `form` is the place of the form, `key` that of the set in it.
pub fn paginate(
    me: &mut Evaluator,
    set: &Arc<Set>,
    asked: &Asked,
    form: &Place,
    key: &Place,
) -> Result<Page> {
    let Some(readable) = rights::readable(me, set)? else {
        return Err(Error::permission_denied(key).into());
    };
    let size = asked.size.unwrap_or(DEFAULT_SIZE).min(MAX_SIZE);
    let wanted = usize::try_from(size.saturating_add(1)).unwrap_or(0);
    let found = match shape(me, &readable.set)?.is_historical {
        true => list_events(me, &readable, asked, wanted, form)?,
        false => list_elements(me, &readable, asked, wanted, form)?,
    };
    let mut found = found;
    let given = asked.cursor.as_ref().map(|cursor| cursor.shown.clone());
    let taken = usize::try_from(size).unwrap_or(0);
    let has_more = size > 0 && found.len() > taken;
    let next = match (size, asked.forward) {
        (0, _) => given.clone(),
        (_, true) if has_more => found.get(taken).map(|found| cursor_of(me, found)),
        (_, false) if has_more => found.get(taken - 1).map(|found| cursor_of(me, found)),
        _ => None,
    };
    found.truncate(taken);
    if !asked.forward {
        found.reverse();
    }
    let unmapped = found.iter().map(|found| cursor_of(me, found)).collect();
    let mut data = Vec::with_capacity(found.len());
    for found in found {
        let (value, sources) = match found {
            Found::Element(element) => (element.shown(), element.sources),
            Found::Event(item) => (item.shown(), item.sources),
        };
        data.push(match asked.sources {
            false => value,
            true => Value::Element(Arc::new(Shown {
                value,
                sources: distinct(me, sources)?,
            })),
        });
    }
    let (before, after) = match asked.forward {
        true => (given, next),
        false => (next, given),
    };
    Ok(Page {
        data,
        unmapped,
        before,
        after,
    })
}

fn cursor_of(me: &Evaluator, found: &Found) -> Value {
    match found {
        Found::Element(element) => element.cursor(),
        Found::Event(item) => item.cursor(me),
    }
}

/// Each source once.
fn distinct(me: &mut Evaluator, sources: Vec<Arc<Set>>) -> Result<Vec<Arc<Set>>> {
    let (mut seen, mut out) = (Vec::new(), Vec::new());
    for source in sources {
        let text = render::render(me, &Value::Set(source.clone()))?;
        if !seen.contains(&text) {
            seen.push(text);
            out.push(source);
        }
    }
    Ok(out)
}

fn list_elements(
    me: &mut Evaluator,
    readable: &rights::Readable,
    asked: &Asked,
    wanted: usize,
    form: &Place,
) -> Result<Vec<Found>> {
    let bound = match asked.cursor.as_ref().map(|cursor| &cursor.at) {
        Some(Position::Element(bound)) => Some(bound.clone()),
        Some(Position::Event(_)) | None => None,
    };
    let window = match asked.forward {
        true => Window {
            lower: bound.clone(),
            upper: None,
        },
        // What begins like the cursor is passed over below.
        false => Window {
            lower: None,
            upper: bound.clone().map(|bound| Bound {
                document: match (bound.document, bound.values.is_empty()) {
                    (Edge::Least, false) => Edge::Greatest,
                    (edge, _) => edge,
                },
                ..bound
            }),
        },
    };
    let mut walk = open(me, &readable.set, &window, asked.forward, form)?;
    let mut found = Vec::new();
    let mut dropping = bound.is_some();
    while found.len() < wanted {
        let Some(element) = walk.next(me)? else {
            break;
        };
        me.interp.charge(1)?;
        if readable.is_filtered && !rights::may_read(me, element.document)? {
            continue;
        }
        if dropping && let Some(bound) = &bound {
            let order = element.compare(me.interp.txn.model().key_codec(), bound);
            let is_before = match asked.forward {
                true => order.is_lt(),
                false => order.is_ge(),
            };
            if is_before {
                continue;
            }
            dropping = false;
        }
        found.push(Found::Element(element));
    }
    Ok(found)
}

fn list_events(
    me: &mut Evaluator,
    readable: &rights::Readable,
    asked: &Asked,
    wanted: usize,
    form: &Place,
) -> Result<Vec<Found>> {
    let bound = match asked.cursor.as_ref().map(|cursor| &cursor.at) {
        Some(Position::Event(bound)) => Some(bound.clone()),
        Some(Position::Element(_)) | None => None,
    };
    let until = me.interp.at;
    let mut items = events(me, &readable.set, form)?;
    items.retain(|item| until.is_none_or(|until| item.ts.unwrap_or(TxnTime(i64::MAX)) <= until));
    if !asked.forward {
        items.reverse();
    }
    let mut found = Vec::new();
    let mut dropping = bound.is_some();
    for item in items {
        if found.len() >= wanted {
            break;
        }
        me.interp.charge(1)?;
        if readable.is_filtered && !rights::may_read(me, item.document)? {
            continue;
        }
        if dropping && let Some(bound) = &bound {
            let order = item.compare(me, bound);
            let is_before = match asked.forward {
                true => order.is_lt(),
                false => order.is_ge(),
            };
            if is_before {
                continue;
            }
            dropping = false;
        }
        found.push(Found::Event(item));
    }
    Ok(found)
}

impl Evaluator<'_> {
    /// Runs `f` reading at the time that a `ts` argument says.
    pub fn reading_as_told<T>(
        &mut self,
        ts: Option<&Value>,
        f: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        match ts.map(|ts| self.valid_time(ts)) {
            None | Some(ValidTime::Unchanged) => f(self),
            Some(ValidTime::Now) => self.reading_at(None, f),
            Some(ValidTime::At(time)) => self.reading_at(Some(time), f),
        }
    }
}
