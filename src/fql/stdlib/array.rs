//! Arrays (`spec fql10-stdlib 3`): declarations, parts, and functions that call back.
//!
//! Arrays are eager: a callback runs when its function is called, on element after element, and the first
//! failure ends the function. The names in messages about a callback's parameters are the original's.

use super::array_order::order;
use super::array_search as search;
use super::{check_elements, field, int, items, method, out_of_bounds, to_string, value};
use crate::fql::interp::{Failure, Interp, Result, Shape};
use crate::value::order::DistinctKey;
use crate::value::{NullReason, Plan, Set, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// Integers that `Array.sequence` makes.
const MAX_SEQUENCE: i64 = 16_000;

pub(super) static SHAPES: &[&Shape] = &[&ARRAY, &MODULE];

static MODULE: Shape = Shape {
    name: "ArrayModule",
    alias: None,
    about: "Makes arrays.",
    members: &[method(
        "sequence",
        &["(from: Int, until: Int) => Array<Number>"],
        sequence,
        "The integers from `from` up to, not including, `until`.",
        "Array.sequence(2, 5)",
    )],
};

static ARRAY: Shape = Shape {
    name: "Array<A>",
    alias: None,
    about: "A list of values in memory.",
    members: &[
        to_string("[1, 'a'].toString()"),
        method(
            "[]",
            &["(index: Int) => A"],
            at,
            "The element at an index.",
            "['p', 'q'][1]",
        ),
        field(
            "length",
            "Number",
            length,
            "Number of elements.",
            "[7, 8, 9].length",
        ),
        method(
            "at",
            &["(index: Int) => A"],
            at,
            "The element at an index.",
            "['p', 'q'].at(0)",
        ),
        method(
            "aggregate",
            &["(seed: A, combiner: (A, A) => A) => A"],
            aggregate,
            "Combines neighbours pairwise until one is left, and that one with the seed.",
            "[1, 2, 3].aggregate(0, (x, y) => x + y)",
        ),
        method(
            "any",
            &["(predicate: A => Boolean | Null) => Boolean"],
            search::any,
            "Whether the predicate holds for some element.",
            "[1, 2].any(x => x > 1)",
        ),
        method(
            "append",
            &["(element: A) => Array<A>"],
            append,
            "With an element added at the end.",
            "[1].append(2)",
        ),
        method(
            "concat",
            &["(other: Array<B>) => Array<A | B>"],
            concat,
            "Both arrays joined.",
            "[1].concat([2, 3])",
        ),
        method(
            "distinct",
            &["() => Array<A>"],
            distinct,
            "Without repeated elements; the first ones stay.",
            "['b', 'a', 'b'].distinct()",
        ),
        method(
            "drop",
            &["(amount: Int) => Array<A>"],
            drop_first,
            "Without the first `amount` elements.",
            "[1, 2, 3].drop(2)",
        ),
        method(
            "every",
            &["(predicate: A => Boolean | Null) => Boolean"],
            search::every,
            "Whether the predicate holds for all elements.",
            "[1, 2].every(x => x > 0)",
        ),
        method(
            "entries",
            &["() => Array<[Number, A]>"],
            entries,
            "Pairs of index and element.",
            "['x', 'y'].entries()",
        ),
        method(
            "filter",
            &["(predicate: A => Boolean | Null) => Array<A>"],
            search::filter,
            "The elements for which the predicate holds.",
            "[1, 2, 3].filter(x => x > 1)",
        ),
        method(
            "first",
            &["() => A | Null"],
            first,
            "The first element, or null.",
            "[4, 5, 6].first()",
        ),
        method(
            "firstWhere",
            &["(predicate: A => Boolean | Null) => A | Null"],
            search::first_where,
            "The first element for which the predicate holds, or null.",
            "[1, 2, 3].firstWhere(x => x > 1)",
        ),
        method(
            "flatten",
            &["() => Array<Any>"],
            flatten,
            "The elements of the arrays in it, one after another.",
            "[[1], [2, 3]].flatten()",
        ),
        method(
            "flatMap",
            &["(mapper: A => Array<B>) => Array<B>"],
            flat_map,
            "The elements of the arrays that the mapper yields.",
            "[1, 2].flatMap(x => [x, x * 10])",
        ),
        method(
            "fold",
            &["(seed: B, reducer: (B, A) => B) => B"],
            fold,
            "Combines a seed with each element in turn.",
            "[1, 2, 3].fold(0, (sum, x) => sum + x)",
        ),
        method(
            "foldRight",
            &["(seed: B, reducer: (B, A) => B) => B"],
            fold_right,
            "As `fold`, from the end.",
            "['a', 'b'].foldRight('', (text, x) => text.concat(x))",
        ),
        method(
            "forEach",
            &["(callback: A => Any) => Null"],
            for_each,
            "Calls a function with each element.",
            "[1, 2].forEach(x => log(x))",
        ),
        method(
            "indexOf",
            &[
                "(element: A) => Number | Null",
                "(element: A, start: Int) => Number | Null",
            ],
            search::index_of,
            "Index of the first equal element, at or after `start`, or null.",
            "['a', 'b', 'a'].indexOf('a', 1)",
        ),
        method(
            "indexWhere",
            &[
                "(predicate: A => Boolean | Null) => Number | Null",
                "(predicate: A => Boolean | Null, start: Int) => Number | Null",
            ],
            search::index_where,
            "Index of the first element for which the predicate holds, at or after `start`, or null.",
            "[5, 6, 7].indexWhere(x => x > 5)",
        ),
        method(
            "isEmpty",
            &["() => Boolean"],
            is_empty,
            "Whether there are no elements.",
            "[1].isEmpty()",
        ),
        method(
            "includes",
            &["(element: A) => Boolean"],
            search::includes,
            "Whether an equal element is there.",
            "[1, 2].includes(2)",
        ),
        method(
            "last",
            &["() => A | Null"],
            last,
            "The last element, or null.",
            "[4, 5, 6].last()",
        ),
        method(
            "lastIndexOf",
            &[
                "(element: A) => Number | Null",
                "(element: A, end: Int) => Number | Null",
            ],
            search::last_index_of,
            "Index of the last equal element, at or before `end`, or null.",
            "['a', 'b', 'a'].lastIndexOf('a')",
        ),
        method(
            "lastIndexWhere",
            &[
                "(predicate: A => Boolean | Null) => Number | Null",
                "(predicate: A => Boolean | Null, end: Int) => Number | Null",
            ],
            search::last_index_where,
            "Index of the last element for which the predicate holds, at or before `end`, or null.",
            "[5, 6, 7].lastIndexWhere(x => x < 7)",
        ),
        method(
            "lastWhere",
            &["(predicate: A => Boolean | Null) => A | Null"],
            search::last_where,
            "The last element for which the predicate holds, or null.",
            "[1, 2, 3].lastWhere(x => x < 3)",
        ),
        method(
            "map",
            &["(mapper: A => B) => Array<B>"],
            map,
            "What the mapper yields for each element.",
            "[1, 2].map(x => x * 2)",
        ),
        method(
            "nonEmpty",
            &["() => Boolean"],
            non_empty,
            "Whether there are elements.",
            "[1].nonEmpty()",
        ),
        method(
            "order",
            &["(ordering: ...{ asc: A => Any } | { desc: A => Any } | (A => Any)) => Array<A>"],
            order,
            "Sorted by keys, or by the elements themselves.",
            "[3, 1, 2].order(desc(x => x))",
        ),
        method(
            "prepend",
            &["(element: A) => Array<A>"],
            prepend,
            "With an element added at the beginning.",
            "[2].prepend(1)",
        ),
        method(
            "reduce",
            &["(reducer: (A, A) => A) => A | Null"],
            reduce,
            "Combines the first element with each other in turn; null if there is none.",
            "[10, 3, 2].reduce((a, b) => a - b)",
        ),
        method(
            "reduceRight",
            &["(reducer: (A, A) => A) => A | Null"],
            reduce_right,
            "As `reduce`, from the end.",
            "[10, 3, 2].reduceRight((a, b) => a - b)",
        ),
        method(
            "reverse",
            &["() => Array<A>"],
            reverse,
            "In the opposite order.",
            "[1, 2].reverse()",
        ),
        method(
            "slice",
            &[
                "(from: Int) => Array<A>",
                "(from: Int, until: Int) => Array<A>",
            ],
            slice,
            "The part from `from` up to, not including, `until`; places outside are moved in.",
            "[1, 2, 3, 4].slice(1, 3)",
        ),
        method(
            "take",
            &["(limit: Int) => Array<A>"],
            take,
            "The first `limit` elements.",
            "[1, 2, 3].take(2)",
        ),
        method(
            "toSet",
            &["() => Set<A>"],
            to_set,
            "A set of the elements, in the same order.",
            "[2, 1, 2].toSet()",
        ),
        method(
            "where",
            &["(predicate: A => Boolean | Null) => Array<A>"],
            search::filter_where,
            "The elements for which the predicate holds.",
            "[1, 2, 3].where(x => x > 1)",
        ),
    ],
};

fn sequence(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let (from, until) = (int(args.first()), int(args.get(1)));
    let size = until - from;
    if size > MAX_SEQUENCE {
        return Err(Failure::too_large(format!(
            "range size {size} exceeds limit {MAX_SEQUENCE}"
        )));
    }
    me.work(size.max(0).unsigned_abs())?;
    Ok(Value::array((from..until).map(Value::integer).collect()))
}

/// A place that has to be within the array.
pub(super) fn checked_index(items: &[Value], index: i64) -> Result<usize> {
    match usize::try_from(index) {
        Ok(at) if at < items.len() => Ok(at),
        _ => Err(out_of_bounds(index, items.len())),
    }
}

fn at(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let items = items(Some(this));
    checked_index(items, int(args.first())).map(|at| items[at].clone())
}

fn length(_: &mut Interp, this: &Value) -> Result {
    Ok(Value::integer(items(Some(this)).len() as i64))
}

fn is_empty(_: &mut Interp, this: &Value, _: &[Value]) -> Result {
    Ok(Value::Bool(items(Some(this)).is_empty()))
}

fn non_empty(_: &mut Interp, this: &Value, _: &[Value]) -> Result {
    Ok(Value::Bool(!items(Some(this)).is_empty()))
}

/// Null because the array is empty.
fn empty(me: &Interp) -> Value {
    me.null(NullReason::NoSuchElement("empty array"))
}

fn first(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    Ok(items(Some(this))
        .first()
        .cloned()
        .unwrap_or_else(|| empty(me)))
}

fn last(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    Ok(items(Some(this))
        .last()
        .cloned()
        .unwrap_or_else(|| empty(me)))
}

// --- parts and sums ---

/// A new array of the given elements.
fn copy<'a>(me: &mut Interp, count: usize, elements: impl Iterator<Item = &'a Value>) -> Result {
    check_elements(me, count)?;
    Ok(Value::array(elements.cloned().collect()))
}

/// A part of the array; the whole is not copied.
fn part(me: &mut Interp, this: &Value, from: usize, until: usize) -> Result {
    let items = items(Some(this));
    if from == 0 && until >= items.len() {
        return Ok(this.clone());
    }
    let part = items.get(from..until.min(items.len())).unwrap_or(&[]);
    copy(me, part.len(), part.iter())
}

/// A count or place: negative ones are 0.
fn clipped(index: i64) -> usize {
    usize::try_from(index.max(0)).unwrap_or(usize::MAX)
}

fn take(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    part(me, this, 0, clipped(int(args.first())))
}

fn drop_first(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    part(me, this, clipped(int(args.first())), usize::MAX)
}

fn slice(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let until = args
        .get(1)
        .map_or(usize::MAX, |until| clipped(int(Some(until))));
    part(me, this, clipped(int(args.first())), until)
}

fn append(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let items = items(Some(this));
    copy(me, items.len() + 1, items.iter().chain([value(args, 0)]))
}

fn prepend(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let items = items(Some(this));
    copy(
        me,
        items.len() + 1,
        [value(args, 0)].into_iter().chain(items.iter()),
    )
}

fn concat(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let (left, right) = (items(Some(this)), items(args.first()));
    copy(
        me,
        left.len() + right.len(),
        left.iter().chain(right.iter()),
    )
}

fn reverse(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    let items = items(Some(this));
    copy(me, items.len(), items.iter().rev())
}

fn entries(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    let items = items(Some(this));
    check_elements(me, items.len() * 2)?;
    let pair =
        |(i, item): (usize, &Value)| Value::array(vec![Value::integer(i as i64), item.clone()]);
    Ok(Value::array(items.iter().enumerate().map(pair).collect()))
}

fn distinct(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    let items = items(Some(this));
    me.work(items.len() as u64)?;
    me.check_parts([this])?;
    let mut seen = HashSet::with_capacity(items.len());
    let mut out = Vec::new();
    for item in items.iter() {
        if seen.insert(DistinctKey(item.clone())) {
            out.push(item.clone());
        }
    }
    Ok(Value::array(out))
}

fn flatten(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    let mut out = Vec::new();
    for item in items(Some(this)).iter() {
        extend(me, &mut out, item)?;
    }
    Ok(Value::array(out))
}

/// Appends the elements of `inner`, which has to be an array.
fn extend(me: &mut Interp, out: &mut Vec<Value>, inner: &Value) -> Result<()> {
    let Value::Array(inner) = inner else {
        return Err(Failure::type_mismatch("Array<Any>", inner));
    };
    check_elements(me, out.len() + inner.len())?;
    out.extend(inner.iter().cloned());
    Ok(())
}

fn to_set(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    let plan = Plan::Array(items(Some(this)).clone());
    Ok(Value::Set(Arc::new(Set {
        plan,
        at: me.at,
        page_size: None,
    })))
}

// --- functions that call back ---

fn map(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let (items, mapper) = (items(Some(this)), value(args, 0));
    me.check_callback("mapper", mapper, 1)?;
    let mut out = Vec::with_capacity(items.len());
    for item in items.iter() {
        out.push(me.call(mapper, vec![item.clone()])?);
    }
    Ok(Value::array(out))
}

fn flat_map(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let (items, mapper) = (items(Some(this)), value(args, 0));
    me.check_callback("mapper", mapper, 1)?;
    let mut out = Vec::new();
    for item in items.iter() {
        let inner = me.call(mapper, vec![item.clone()])?;
        extend(me, &mut out, &inner)?;
    }
    Ok(Value::array(out))
}

fn for_each(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let callback = value(args, 0);
    me.check_callback("fn", callback, 1)?;
    for item in items(Some(this)).iter() {
        me.call(callback, vec![item.clone()])?;
    }
    Ok(me.nothing())
}

/// Folds elements into an accumulator, which is always the first argument.
fn folded<'a>(
    me: &mut Interp,
    seed: Value,
    reducer: &Value,
    items: impl Iterator<Item = &'a Value>,
) -> Result {
    let mut result = seed;
    for item in items {
        result = me.call(reducer, vec![result, item.clone()])?;
    }
    Ok(result)
}

fn fold(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let reducer = value(args, 1);
    me.check_callback("reducer", reducer, 2)?;
    folded(
        me,
        value(args, 0).clone(),
        reducer,
        items(Some(this)).iter(),
    )
}

fn fold_right(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let reducer = value(args, 1);
    me.check_callback("reducer", reducer, 2)?;
    folded(
        me,
        value(args, 0).clone(),
        reducer,
        items(Some(this)).iter().rev(),
    )
}

fn reduce(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let reducer = value(args, 0);
    me.check_callback("reducer", reducer, 2)?;
    match items(Some(this)).split_first() {
        Some((first, rest)) => folded(me, first.clone(), reducer, rest.iter()),
        None => Ok(empty(me)),
    }
}

fn reduce_right(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let reducer = value(args, 0);
    me.check_callback("reducer", reducer, 2)?;
    match items(Some(this)).split_last() {
        Some((last, rest)) => folded(me, last.clone(), reducer, rest.iter().rev()),
        None => Ok(empty(me)),
    }
}

fn aggregate(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let (seed, combiner) = (value(args, 0), value(args, 1));
    me.check_callback("combiner", combiner, 2)?;
    let mut level: Vec<Value> = items(Some(this)).to_vec();
    while level.len() > 1 {
        let mut next = Vec::with_capacity(level.len().div_ceil(2));
        let mut level_items = level.into_iter();
        while let Some(left) = level_items.next() {
            next.push(match level_items.next() {
                Some(right) => me.call(combiner, vec![left, right])?,
                None => left,
            });
        }
        level = next;
    }
    match level.pop() {
        Some(only) => me.call(combiner, vec![only, seed.clone()]),
        None => Ok(seed.clone()),
    }
}
