//! Searching arrays by predicate and by element (`spec fql10-stdlib 3`).

use super::array::checked_index;
use super::{int, items, nothing_found, value};
use crate::fql::interp::{Failure, Interp, Result};
use crate::value::Value;
use crate::value::order::same;

/// The predicate, which must take one argument. `name` is what the message calls it.
fn predicate<'a>(me: &Interp, args: &'a [Value], name: &str) -> Result<&'a Value> {
    let predicate = value(args, 0);
    me.check_callback(name, predicate, 1)?;
    Ok(predicate)
}

fn holds(me: &mut Interp, predicate: &Value, item: &Value) -> Result<bool> {
    me.predicate(predicate, vec![item.clone()])
}

pub(super) fn any(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let predicate = predicate(me, args, "predicate")?;
    for item in items(Some(this)).iter() {
        if holds(me, predicate, item)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn every(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let predicate = predicate(me, args, "predicate")?;
    for item in items(Some(this)).iter() {
        if !holds(me, predicate, item)? {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

pub(super) fn filter_where(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let predicate = predicate(me, args, "pred")?;
    let mut out = Vec::new();
    for item in items(Some(this)).iter() {
        if holds(me, predicate, item)? {
            out.push(item.clone());
        }
    }
    Ok(Value::array(out))
}

/// As `where`, but a wrong result is reported with the type of the element.
pub(super) fn filter(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let predicate = predicate(me, args, "predicate")?;
    let mut out = Vec::new();
    for item in items(Some(this)).iter() {
        match me.call(predicate, vec![item.clone()])? {
            Value::Bool(true) => out.push(item.clone()),
            Value::Bool(false) | Value::Null(_) => {}
            _ => return Err(Failure::type_mismatch("Boolean", item)),
        }
    }
    Ok(Value::array(out))
}

/// The predicate sees every element, also after a match.
pub(super) fn first_where(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let predicate = predicate(me, args, "pred")?;
    let mut found = None;
    for item in items(Some(this)).iter() {
        if holds(me, predicate, item)? {
            found.get_or_insert(item);
        }
    }
    Ok(found.cloned().unwrap_or_else(|| nothing_found(me)))
}

/// The predicate sees every element.
pub(super) fn last_where(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let predicate = predicate(me, args, "pred")?;
    let mut found = None;
    for item in items(Some(this)).iter() {
        if holds(me, predicate, item)? {
            found = Some(item);
        }
    }
    Ok(found.cloned().unwrap_or_else(|| nothing_found(me)))
}

fn found(me: &Interp, index: Option<usize>) -> Value {
    match index {
        Some(index) => Value::integer(index as i64),
        None => nothing_found(me),
    }
}

/// The place given as second argument.
fn place(args: &[Value], items: &[Value]) -> Result<Option<usize>> {
    args.get(1)
        .map(|index| checked_index(items, int(Some(index))))
        .transpose()
}

pub(super) fn index_where(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let items = items(Some(this));
    // The callback's arity comes before the place.
    let predicate = predicate(me, args, "predicate")?;
    let start = place(args, items)?.unwrap_or(0);
    for (index, item) in items.iter().enumerate().skip(start) {
        if holds(me, predicate, item)? {
            return Ok(found(me, Some(index)));
        }
    }
    Ok(found(me, None))
}

pub(super) fn last_index_where(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let items = items(Some(this));
    let predicate = predicate(me, args, "predicate")?;
    let end = place(args, items)?.map_or(items.len(), |end| end + 1);
    for (index, item) in items.iter().enumerate().take(end).rev() {
        if holds(me, predicate, item)? {
            return Ok(found(me, Some(index)));
        }
    }
    Ok(found(me, None))
}

pub(super) fn includes(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let (items, element) = (items(Some(this)), value(args, 0));
    me.work(items.len() as u64)?;
    me.check_parts([element])?;
    Ok(Value::Bool(items.iter().any(|item| same(item, element))))
}

pub(super) fn index_of(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let (items, element) = (items(Some(this)), value(args, 0));
    let start = place(args, items)?.unwrap_or(0);
    me.work(items.len() as u64)?;
    me.check_parts([element])?;
    let index = items[start..].iter().position(|item| same(item, element));
    Ok(found(me, index.map(|index| start + index)))
}

pub(super) fn last_index_of(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let (items, element) = (items(Some(this)), value(args, 0));
    let end = place(args, items)?.map_or(items.len(), |end| end + 1);
    me.work(items.len() as u64)?;
    me.check_parts([element])?;
    Ok(found(
        me,
        items[..end].iter().rposition(|item| same(item, element)),
    ))
}
