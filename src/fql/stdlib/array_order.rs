//! Sorting (`spec fql10-stdlib 3, 14.4`): by the elements or by keys, in the total order of values.

use super::{check_elements, items};
use crate::fql::interp::{Ceiling, Effect, Failure, Interp, Result};
use crate::value::Value;
use crate::value::order::order as total_order;
use std::cmp::Ordering;

/// One key: a function of an element, and a direction.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// Yields the key.
    pub accessor: Value,
    /// Largest first.
    pub descending: bool,
}

/// Reads the orderings given to `order`, on arrays and on sets: functions, or objects with one field `asc` or `desc`.
pub(crate) fn keys(me: &Interp, args: &[Value]) -> Result<Vec<Key>> {
    let mut keys = Vec::with_capacity(args.len());
    for (i, arg) in args.iter().enumerate() {
        let name = format!("ordering{i}");
        let mut key = Key {
            accessor: arg.clone(),
            descending: false,
        };
        if let Value::Object(object) = arg
            && object.len() == 1
        {
            if let Some(accessor) = object.get("asc") {
                key.accessor = accessor.clone();
            } else if let Some(accessor) = object.get("desc") {
                key = Key {
                    accessor: accessor.clone(),
                    descending: true,
                };
            }
            if me.arity(&key.accessor).is_none() {
                return Err(Failure::argument_type(&name, "Function", arg));
            }
        }
        me.check_callback(&name, &key.accessor, 1)?;
        keys.push(key);
    }
    Ok(keys)
}

/// Compares two elements by their keys.
pub(crate) fn compare(keys: &[Key], a: &[Value], b: &[Value]) -> Ordering {
    for (key, (a, b)) in keys.iter().zip(a.iter().zip(b)) {
        let ordering = total_order(a, b);
        let ordering = if key.descending {
            ordering.reverse()
        } else {
            ordering
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

/// `Array.order`: stable.
pub(super) fn order(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let items = items(Some(this));
    let keys = keys(me, args)?;
    check_elements(me, items.len())?;
    if keys.is_empty() {
        me.check_parts([this])?;
        let mut sorted: Vec<Value> = items.to_vec();
        sorted.sort_by(total_order);
        return Ok(Value::array(sorted));
    }
    let ceiling = Ceiling {
        effect: Effect::Read,
        reason: "set functions",
    };
    let mut keyed = me.limited(ceiling, |me| {
        let mut keyed = Vec::with_capacity(items.len());
        for item in items.iter() {
            let mut of_item = Vec::with_capacity(keys.len());
            for key in &keys {
                of_item.push(me.call(&key.accessor, vec![item.clone()])?);
            }
            me.check_parts(&of_item)?;
            keyed.push((of_item, item));
        }
        Ok::<_, Failure>(keyed)
    })?;
    keyed.sort_by(|(a, _), (b, _)| compare(&keys, a, b));
    Ok(Value::array(
        keyed.into_iter().map(|(_, item)| item.clone()).collect(),
    ))
}
