//! Arrays, pages and what goes over them (`spec fql4 6.2`).

use crate::fql::interp::Effect;
use crate::fql4::error::{Collected, Error, Result};
use crate::fql4::eval::{Arguments, Evaluator, Expected, boolean};
use crate::fql4::expression::Closure;
use crate::fql4::forms::{Cast, Form, TextRule, Versions, form, key, positional};
use crate::fql4::kind;
use crate::fql4::order;
use crate::fql4::place::Place;
use crate::fql4::sets::{self, Set};
use crate::fql4::value::{Items, Page, Value};
use crate::fql4::version::ApiVersion;
use std::cmp::Ordering;
use std::sync::Arc;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Map"],
        &[key("map", Cast::Lambda), key("collection", Cast::Iterable)],
        TextRule::Reversed,
        Effect::Pure,
        map,
    ),
    form(
        &["Foreach"],
        &[
            key("foreach", Cast::Lambda),
            key("collection", Cast::Iterable),
        ],
        TextRule::Reversed,
        Effect::Pure,
        foreach,
    ),
    form(
        &["Filter"],
        &[
            key("filter", Cast::Lambda),
            key("collection", Cast::Iterable),
        ],
        TextRule::Reversed,
        Effect::Pure,
        filter,
    ),
    form(
        &["Take"],
        &[key("take", Cast::Integer), key("collection", Cast::Any)],
        positional(2, 2),
        Effect::Pure,
        take,
    ),
    form(
        &["Drop"],
        &[key("drop", Cast::Integer), key("collection", Cast::Any)],
        positional(2, 2),
        Effect::Pure,
        drop,
    ),
    form(
        &["Prepend"],
        &[
            key("prepend", Cast::ZeroOrMore(&Cast::Any)),
            key("collection", Cast::Array),
        ],
        positional(2, 2),
        Effect::Pure,
        prepend,
    ),
    form(
        &["Append"],
        &[
            key("append", Cast::ZeroOrMore(&Cast::Any)),
            key("collection", Cast::Array),
        ],
        positional(2, 2),
        Effect::Pure,
        append,
    ),
    form(
        &["IsEmpty"],
        &[key("is_empty", Cast::Iterable)],
        positional(1, 1),
        Effect::Pure,
        is_empty,
    ),
    form(
        &["IsNonEmpty"],
        &[key("is_nonempty", Cast::Iterable)],
        positional(1, 1),
        Effect::Pure,
        is_nonempty,
    ),
    form(
        &["Reduce"],
        &[
            key("reduce", Cast::Lambda),
            key("initial", Cast::Any),
            key("collection", Cast::Iterable),
        ],
        positional(3, 3),
        Effect::Read,
        reduce,
    ),
    form(
        &["Count"],
        &[key("count", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        count,
    ),
    form(
        &["Sum"],
        &[key("sum", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        sum,
    ),
    form(
        &["Mean"],
        &[key("mean", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        mean,
    ),
    form(
        &["Any"],
        &[key("any", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        any,
    ),
    form(
        &["All"],
        &[key("all", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        all,
    ),
    form(
        &["Max"],
        &[key("max", Cast::Iterable)],
        TextRule::Varargs { fixed: 0 },
        Effect::Read,
        max,
    ),
    form(
        &["Min"],
        &[key("min", Cast::Iterable)],
        TextRule::Varargs { fixed: 0 },
        Effect::Read,
        min,
    ),
    form(
        &["First"],
        &[key("first", Cast::SetOrArray)],
        positional(1, 1),
        Effect::Read,
        first,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["Last"],
        &[key("last", Cast::SetOrArray)],
        positional(1, 1),
        Effect::Read,
        last,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["Reverse"],
        &[key("reverse", Cast::Iterable)],
        positional(1, 1),
        Effect::Pure,
        reverse,
    ),
    form(
        &["ToArray"],
        &[key("to_array", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        to_array,
    ),
];

/// Applies a lambda to each element, in order, up to the first error.
fn each(
    me: &mut Evaluator,
    items: &[Value],
    lambda: &Closure,
    place: &Place,
) -> Result<Vec<Value>> {
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        results.push(me.apply(lambda, item.clone(), place)?);
    }
    Ok(results)
}

/// `Array or Page expected, Set provided.`
fn not_an_array<T>(arguments: &Arguments, index: usize) -> Result<T> {
    let provided = arguments.get(index).map_or("Null", kind::of);
    let place = arguments.at(index);
    Err(Expected(&["Array or Page"])
        .provided(provided, &place)
        .into())
}

fn map(me: &mut Evaluator, arguments: Arguments) -> Result {
    let lambda = arguments.lambda(0)?;
    let place = arguments.at(0);
    match arguments.get(1) {
        Some(Value::Array(items)) => Ok(Value::array(each(me, items, &lambda, &place)?)),
        Some(Value::Page(page)) => {
            let data = each(me, &page.data, &lambda, &place)?;
            Ok(Value::Page(Arc::new(Page {
                data,
                ..Page::clone(page)
            })))
        }
        _ => not_an_array(&arguments, 1),
    }
}

fn foreach(me: &mut Evaluator, arguments: Arguments) -> Result {
    let lambda = arguments.lambda(0)?;
    let place = arguments.at(0);
    match arguments.get(1) {
        Some(Value::Array(items)) => each(me, items, &lambda, &place)?,
        Some(Value::Page(page)) => each(me, &page.data, &lambda, &place)?,
        _ => return not_an_array(&arguments, 1),
    };
    Ok(arguments.value(1))
}

fn filter(me: &mut Evaluator, arguments: Arguments) -> Result {
    let lambda = arguments.lambda(0)?;
    match arguments.get(1) {
        Some(Value::Array(items)) => {
            let kept = kept(me, items, &lambda, &arguments)?;
            let chosen = items.iter().zip(kept).filter(|(_, kept)| *kept);
            Ok(Value::array(chosen.map(|(item, _)| item.clone()).collect()))
        }
        Some(Value::Page(page)) => {
            let kept = kept(me, &page.data, &lambda, &arguments)?;
            let chosen = |items: &[Value]| -> Vec<Value> {
                let chosen = items.iter().zip(&kept).filter(|(_, kept)| **kept);
                chosen.map(|(item, _)| item.clone()).collect()
            };
            Ok(Value::Page(Arc::new(Page {
                data: chosen(&page.data),
                unmapped: chosen(&page.unmapped),
                before: page.before.clone(),
                after: page.after.clone(),
            })))
        }
        _ => {
            let set = arguments.set(1)?;
            if lambda.lambda.effect == Effect::Write {
                let message =
                    "Invalid lambda. Lambda in this context may not write or call a user function.";
                return Err(Error::argument(&arguments.at(0), message).into());
            }
            Ok(Value::Set(Arc::new(Set::Filter(set, lambda))))
        }
    }
}

/// What a predicate says about each element; all of them are asked, and what is no Boolean is told for each.
fn kept(
    me: &mut Evaluator,
    items: &[Value],
    lambda: &Closure,
    arguments: &Arguments,
) -> Result<Vec<bool>> {
    let place = arguments.at(0);
    let mut collected = Collected::default();
    let mut answers = Vec::with_capacity(items.len());
    for item in items {
        answers.extend(collected.take(me.apply(lambda, item.clone(), &place)));
        if collected.has_failed() {
            break;
        }
    }
    let answers = collected.finish(answers)?;
    let mut collected = Collected::default();
    let mut kept = Vec::with_capacity(answers.len());
    for (i, answer) in answers.iter().enumerate() {
        kept.extend(collected.take(boolean(answer, &arguments.place().index(i))));
    }
    collected.finish(kept)
}

/// The 32-bit part of a count, which is all the host looks at.
fn count_of(arguments: &Arguments) -> Result<i64> {
    Ok(i64::from(arguments.integer(0)? as i32))
}

/// A count as a number of elements; negative is none.
fn elements_of(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

fn take(_: &mut Evaluator, arguments: Arguments) -> Result {
    let count = count_of(&arguments)?;
    let first = |items: &[Value]| -> Vec<Value> {
        items.iter().take(elements_of(count)).cloned().collect()
    };
    match arguments.get(1) {
        Some(Value::Array(items)) => Ok(Value::array(first(items))),
        Some(Value::Page(page)) => Ok(Value::Page(Arc::new(Page {
            data: first(&page.data),
            unmapped: first(&page.unmapped),
            before: page.before.clone(),
            after: match usize::try_from(count) {
                Ok(count) => page.unmapped.get(count).or(page.after.as_ref()).cloned(),
                Err(_) => page.before.clone(),
            },
        }))),
        _ => not_an_array(&arguments, 1),
    }
}

fn drop(_: &mut Evaluator, arguments: Arguments) -> Result {
    let count = count_of(&arguments)?;
    let rest = |items: &[Value]| -> Vec<Value> {
        items.iter().skip(elements_of(count)).cloned().collect()
    };
    match arguments.get(1) {
        Some(Value::Array(items)) => Ok(Value::array(rest(items))),
        Some(Value::Page(page)) => {
            let unmapped = rest(&page.unmapped);
            Ok(Value::Page(Arc::new(Page {
                data: rest(&page.data),
                before: match count {
                    ..0 => page.before.clone(),
                    _ => unmapped.first().or(page.after.as_ref()).cloned(),
                },
                unmapped,
                after: page.after.clone(),
            })))
        }
        _ => not_an_array(&arguments, 1),
    }
}

fn joined(first: &Items, second: &Items) -> Value {
    Value::array(first.iter().chain(second.iter()).cloned().collect())
}

fn prepend(_: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(joined(&*arguments.items(0)?, &*arguments.items(1)?))
}

fn append(_: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(joined(&*arguments.items(1)?, &*arguments.items(0)?))
}

fn is_empty(me: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(Value::Bool(!has_elements(me, &arguments)?))
}

fn is_nonempty(me: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(Value::Bool(has_elements(me, &arguments)?))
}

fn has_elements(me: &mut Evaluator, arguments: &Arguments) -> Result<bool> {
    match arguments.get(0) {
        Some(Value::Array(items)) => Ok(!items.is_empty()),
        Some(Value::Page(page)) => Ok(!page.data.is_empty()),
        _ => {
            let set = arguments.set(0)?;
            // A set that may not be read is told as by `Exists`.
            sets::is_nonempty(me, &set, &arguments.place().at("exists"))
        }
    }
}

/// What goes over the elements of an array, page or set, one after another.
trait Fold {
    /// Takes in an element.
    fn add(&mut self, me: &mut Evaluator, element: &Value, place: &Place) -> Result<()>;
    /// What came out of `count` elements.
    fn end(self, count: u64, place: &Place) -> Result;
}

/// Folds the iterable of key `index`. Errors about elements are placed at the form's first key.
fn fold(me: &mut Evaluator, arguments: &Arguments, index: usize, mut fold: impl Fold) -> Result {
    let place = arguments.at(0);
    match arguments.get(index) {
        Some(Value::Array(items)) => {
            for item in items.iter() {
                fold.add(me, item, &place)?;
            }
            fold.end(items.len() as u64, &place)
        }
        Some(Value::Page(page)) => {
            for item in &page.data {
                fold.add(me, item, &place)?;
            }
            let result = fold.end(page.data.len() as u64, &place)?;
            Ok(Value::Page(Arc::new(Page {
                data: vec![result],
                ..Page::clone(page)
            })))
        }
        _ => {
            let set = arguments.set(index)?;
            let mut elements = sets::elements(me, &set, &place)?;
            let mut count = 0;
            while let Some(element) = elements.next(me)? {
                me.interp.charge(1)?;
                fold.add(me, &element, &place)?;
                count += 1;
            }
            fold.end(count, &place)
        }
    }
}

struct Reduce {
    lambda: Arc<Closure>,
    value: Value,
}

impl Fold for Reduce {
    fn add(&mut self, me: &mut Evaluator, element: &Value, place: &Place) -> Result<()> {
        let before = std::mem::replace(&mut self.value, Value::Null);
        let pair = Value::array(vec![before, element.clone()]);
        self.value = me.apply(&self.lambda, pair, place)?;
        Ok(())
    }

    fn end(self, _: u64, _: &Place) -> Result {
        Ok(self.value)
    }
}

fn reduce(me: &mut Evaluator, mut arguments: Arguments) -> Result {
    let lambda = arguments.lambda(0)?;
    let value = arguments.take(1);
    fold(me, &arguments, 2, Reduce { lambda, value })
}

struct Count;

impl Fold for Count {
    fn add(&mut self, _: &mut Evaluator, _: &Value, _: &Place) -> Result<()> {
        Ok(())
    }

    fn end(self, count: u64, _: &Place) -> Result {
        Ok(Value::Long(i64::try_from(count).unwrap_or(i64::MAX)))
    }
}

fn count(me: &mut Evaluator, arguments: Arguments) -> Result {
    fold(me, &arguments, 0, Count)
}

struct Sum {
    sum: Value,
    is_mean: bool,
}

impl Fold for Sum {
    fn add(&mut self, _: &mut Evaluator, element: &Value, place: &Place) -> Result<()> {
        self.sum = match (&self.sum, element) {
            (Value::Long(sum), Value::Long(n)) => Value::Long(sum.wrapping_add(*n)),
            (Value::Long(sum), Value::Double(x)) => Value::Double(*sum as f64 + x),
            (Value::Double(sum), Value::Long(n)) => Value::Double(sum + *n as f64),
            (Value::Double(sum), Value::Double(x)) => Value::Double(sum + x),
            (_, other) => return Err(Expected(&["Number"]).error(other, place).into()),
        };
        Ok(())
    }

    fn end(self, count: u64, place: &Place) -> Result {
        let sum = match (&self.sum, self.is_mean) {
            (_, false) => return Ok(self.sum),
            (Value::Long(sum), true) => *sum as f64,
            (Value::Double(sum), true) => *sum,
            _ => 0.0,
        };
        match count {
            0 => Err(Error::empty_array(place).into()),
            count => Ok(Value::Double(sum / count as f64)),
        }
    }
}

fn sum(me: &mut Evaluator, arguments: Arguments) -> Result {
    let sum = Value::Long(0);
    fold(
        me,
        &arguments,
        0,
        Sum {
            sum,
            is_mean: false,
        },
    )
}

fn mean(me: &mut Evaluator, arguments: Arguments) -> Result {
    let sum = Value::Long(0);
    fold(me, &arguments, 0, Sum { sum, is_mean: true })
}

/// `Any` and `All`: every element is looked at, so that each must be a Boolean.
struct Flags {
    flag: bool,
    is_any: bool,
}

impl Fold for Flags {
    fn add(&mut self, _: &mut Evaluator, element: &Value, place: &Place) -> Result<()> {
        let flag = boolean(element, place)?;
        self.flag = match self.is_any {
            true => self.flag || flag,
            false => self.flag && flag,
        };
        Ok(())
    }

    fn end(self, _: u64, _: &Place) -> Result {
        Ok(Value::Bool(self.flag))
    }
}

fn any(me: &mut Evaluator, arguments: Arguments) -> Result {
    let flags = Flags {
        flag: false,
        is_any: true,
    };
    fold(me, &arguments, 0, flags)
}

fn all(me: &mut Evaluator, arguments: Arguments) -> Result {
    let flags = Flags {
        flag: true,
        is_any: false,
    };
    fold(me, &arguments, 0, flags)
}

struct Extreme {
    best: Option<Value>,
    /// How the best compares with others.
    wanted: Ordering,
    /// References that do not resolve are all told, before anything is compared.
    errors: Vec<Error>,
}

impl Fold for Extreme {
    fn add(&mut self, me: &mut Evaluator, element: &Value, place: &Place) -> Result<()> {
        if let Value::Unresolved(reference) = element {
            self.errors
                .push(crate::fql4::eval::undefined(reference, place));
            return Ok(());
        }
        let codec = me.interp.txn.model().key_codec();
        // Of equals the last one.
        let keeps = self
            .best
            .as_ref()
            .is_some_and(|best| order::compare(codec, best, element) == self.wanted);
        if !keeps {
            self.best = Some(element.clone());
        }
        Ok(())
    }

    fn end(self, _: u64, place: &Place) -> Result {
        if !self.errors.is_empty() {
            return Err(crate::fql4::error::Stop::Errors(self.errors));
        }
        match self.best {
            Some(best) => Ok(best),
            None => Err(Error::empty_array(place).into()),
        }
    }
}

fn extreme(me: &mut Evaluator, arguments: Arguments, wanted: Ordering) -> Result {
    let mut arguments = arguments;
    // An array that holds just one array, page or set stands for it.
    while let Some(Value::Array(items)) = arguments.get(0)
        && let [single @ (Value::Array(_) | Value::Page(_) | Value::Set(_))] = items.as_slice()
    {
        let single = single.clone();
        arguments.put(0, single);
    }
    let extreme = Extreme {
        best: None,
        wanted,
        errors: Vec::new(),
    };
    fold(me, &arguments, 0, extreme)
}

fn max(me: &mut Evaluator, arguments: Arguments) -> Result {
    extreme(me, arguments, Ordering::Greater)
}

fn min(me: &mut Evaluator, arguments: Arguments) -> Result {
    extreme(me, arguments, Ordering::Less)
}

fn first(me: &mut Evaluator, arguments: Arguments) -> Result {
    end_of(me, arguments, true)
}

fn last(me: &mut Evaluator, arguments: Arguments) -> Result {
    end_of(me, arguments, false)
}

fn end_of(me: &mut Evaluator, arguments: Arguments, is_first: bool) -> Result {
    let place = arguments.at(0);
    if let Some(Value::Array(items)) = arguments.get(0) {
        let item = if is_first {
            items.first()
        } else {
            items.last()
        };
        return item
            .cloned()
            .ok_or_else(|| Error::empty_array(&place).into());
    }
    let set = arguments.set(0)?;
    let set = match is_first {
        true => set,
        false => Arc::new(Set::Reverse(set)),
    };
    let found = sets::elements(me, &set, &place)?.next(me)?;
    found.ok_or_else(|| Error::argument(&place, "Non-empty set expected.").into())
}

fn reverse(_: &mut Evaluator, arguments: Arguments) -> Result {
    let reversed = |items: &[Value]| items.iter().rev().cloned().collect();
    Ok(match arguments.get(0) {
        Some(Value::Array(items)) => Value::array(reversed(items)),
        Some(Value::Page(page)) => Value::Page(Arc::new(Page {
            data: reversed(&page.data),
            ..Page::clone(page)
        })),
        _ => Value::Set(Arc::new(Set::Reverse(arguments.set(0)?))),
    })
}

fn to_array(_: &mut Evaluator, arguments: Arguments) -> Result {
    match arguments.get(0) {
        Some(value @ Value::Array(_)) => Ok(value.clone()),
        Some(value) => match super::object::fields_of(value) {
            Some(object) => {
                let pair = |(key, value): (&crate::value::Str, &Value)| {
                    Value::array(vec![Value::String(key.clone()), value.clone()])
                };
                Ok(Value::array(object.iter().map(pair).collect()))
            }
            None => {
                let kind = kind::of(value);
                let message = format!("Cannot cast {kind} to Array.");
                Err(Error::argument(&arguments.at(0), message).into())
            }
        },
        None => Ok(Value::Null),
    }
}
