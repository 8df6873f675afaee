//! Sets (`spec fql4 6.6`).

use crate::fql::interp::Effect;
use crate::fql4::error::{Code, Collected, Error, Result};
use crate::fql4::eval::{Arguments, Evaluator, Expected, undefined};
use crate::fql4::forms::{Cast, Form, TextRule, form, key, optional, positional};
use crate::fql4::place::Place;
use crate::fql4::render;
use crate::fql4::sets::shape::{index, shape};
use crate::fql4::sets::{Set, cursor};
use crate::fql4::value::{NameRef, Page, Ref, Value};
use crate::model::native;
use crate::model::schema::IndexStatus;
use crate::value::{DocId, deep};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Match"],
        &[
            key("match", Cast::NameOrIndexRef),
            optional("terms", Cast::ZeroOrMore(&Cast::MatchTerm)),
        ],
        TextRule::Varargs { fixed: 1 },
        Effect::Pure,
        match_terms,
    ),
    form(
        &[],
        &[
            key("match", Cast::ZeroOrMore(&Cast::MatchTerm)),
            key("index", Cast::NameOrIndexRef),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        match_index,
    ),
    form(
        &["Documents"],
        &[key("documents", Cast::CollectionRef)],
        positional(1, 1),
        Effect::Pure,
        |_, arguments| Ok(of(Set::Documents(arguments.reference(0)?))),
    ),
    form(
        &["Singleton"],
        &[key("singleton", Cast::Ref)],
        positional(1, 1),
        Effect::Pure,
        |_, arguments| Ok(of(Set::Singleton(arguments.reference(0)?))),
    ),
    form(
        &["Events"],
        &[key("events", Cast::Identifier)],
        positional(1, 1),
        Effect::Pure,
        events,
    ),
    form(
        &["Union"],
        &[key("union", Cast::OneOrMore(&Cast::SetOrArray))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        |me, arguments| combined(me, &arguments, Set::Union, union),
    ),
    form(
        &["Intersection"],
        &[key("intersection", Cast::OneOrMore(&Cast::SetOrArray))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        |me, arguments| combined(me, &arguments, Set::Intersection, intersection),
    ),
    form(
        &["Difference"],
        &[key("difference", Cast::OneOrMore(&Cast::SetOrArray))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        |me, arguments| combined(me, &arguments, Set::Difference, difference),
    ),
    form(
        &["Distinct"],
        &[key("distinct", Cast::Iterable)],
        positional(1, 1),
        Effect::Pure,
        distinct,
    ),
    form(
        &["Join"],
        &[key("join", Cast::Set), key("with", Cast::LambdaOrAny)],
        positional(2, 2),
        Effect::Pure,
        join,
    ),
    form(
        &["Range"],
        &[
            key("range", Cast::Set),
            key("from", Cast::Any),
            key("to", Cast::Any),
        ],
        positional(3, 3),
        Effect::Pure,
        range,
    ),
];

fn of(set: Set) -> Value {
    Value::Set(Arc::new(set))
}

fn match_terms(me: &mut Evaluator, arguments: Arguments) -> Result {
    let terms = match arguments.get(1) {
        Some(_) => arguments.items(1)?.to_vec(),
        None => Vec::new(),
    };
    matched(me, &arguments.value(0), terms, arguments.place())
}

fn match_index(me: &mut Evaluator, arguments: Arguments) -> Result {
    let terms = arguments.items(0)?.to_vec();
    matched(me, &arguments.value(1), terms, arguments.place())
}

/// The entries of an index with these terms. What is wrong with the index is told at `index`, however it was given.
fn matched(me: &mut Evaluator, of_index: &Value, terms: Vec<Value>, form: &Place) -> Result {
    let place = form.at("index");
    let reference = match of_index {
        Value::Ref(reference) => *reference,
        Value::String(name) => {
            let txn = &me.interp.txn;
            let Some(found) = txn.schema().legacy_index_named(name) else {
                let missing = NameRef::named(native::LEGACY_INDEX, name.clone());
                return Err(undefined(&missing, &place).into());
            };
            Ref {
                scope: txn.scope(),
                coll: native::LEGACY_INDEX,
                id: DocId(i64::try_from(found.id.0).unwrap_or(i64::MAX)),
            }
        }
        other => {
            return Err(Expected(&["Identifier"])
                .error(other, &form.at("match"))
                .into());
        }
    };
    let Some(found) = index(me, reference)? else {
        return Err(Error::not_found(&place, "Index").into());
    };
    if found.status != IndexStatus::Complete {
        let message = format!("Index '{}' is not active.", found.name);
        return Err(Error::new(Code::Unusable, &place, message).into());
    }
    Ok(of(Set::Match {
        index: reference,
        terms,
    }))
}

fn events(me: &mut Evaluator, arguments: Arguments) -> Result {
    let set = match arguments.value(0) {
        Value::Ref(reference) => Arc::new(Set::Document(reference)),
        _ => arguments.set(0)?,
    };
    if shape(me, &set)?.is_historical {
        return Err(no_history(arguments.place()));
    }
    Ok(of(Set::Events(set)))
}

fn no_history(place: &Place) -> crate::fql4::error::Stop {
    Error::argument(place, "Set does not support events history.").into()
}

/// One operation on sets or on arrays.
fn combined(
    me: &mut Evaluator,
    arguments: &Arguments,
    of_sets: fn(Vec<Arc<Set>>) -> Set,
    of_arrays: fn(Vec<Keyed>, &[Keyed]) -> Vec<Keyed>,
) -> Result {
    let place = arguments.at(0);
    let operands = arguments.items(0)?;
    let (mut sets, mut arrays) = (Vec::new(), Vec::new());
    for operand in operands.iter() {
        match operand {
            Value::Set(set) => sets.push(set.clone()),
            Value::Array(items) => arrays.push(items.clone()),
            _ => {}
        }
    }
    if arrays.is_empty() {
        let mut shapes = Vec::with_capacity(sets.len());
        for set in &sets {
            shapes.push(shape(me, set)?);
        }
        let mut pairs = shapes.windows(2);
        let compatible = |pair: &[_]| match pair {
            [a, b] => crate::fql4::sets::shape::Shape::is_compatible(a, b),
            _ => true,
        };
        if !pairs.all(compatible) {
            return Err(Error::argument(&place, "Sets are not compatible.").into());
        }
        return Ok(of(of_sets(sets)));
    }
    if !sets.is_empty() {
        let message = "Arguments cannot be of different types, expected Set or Array.";
        return Err(Error::argument(&place, message).into());
    }
    let mut result: Option<Vec<Keyed>> = None;
    for items in arrays {
        let items = keyed(me, &items)?;
        result = Some(match result {
            None => items,
            Some(result) => of_arrays(result, &items),
        });
    }
    let values = result
        .unwrap_or_default()
        .into_iter()
        .map(|(_, value)| value);
    me.made(Value::array(values.collect()))
}

/// Each value as often as the array that has it most often, together where it comes first.
fn union(first: Vec<Keyed>, second: &[Keyed]) -> Vec<Keyed> {
    let mut counts = counted(&first);
    for (key, count) in counted(second) {
        let known = counts.entry(key).or_insert(0);
        *known = count.max(*known);
    }
    let mut out = Vec::new();
    for item in first.into_iter().chain(second.iter().cloned()) {
        let count = counts.insert(item.0.clone(), 0).unwrap_or(0);
        out.extend(std::iter::repeat_n(item, count));
    }
    out
}

/// Each value as often as the array that has it least often, in the order of the first.
fn intersection(first: Vec<Keyed>, second: &[Keyed]) -> Vec<Keyed> {
    let mut counts = counted(second);
    let mut taken = |item: &Keyed| match counts.get_mut(&item.0) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        Some(_) | None => false,
    };
    first.into_iter().filter(|item| taken(item)).collect()
}

/// The first array without as many of each value as the second has.
fn difference(first: Vec<Keyed>, second: &[Keyed]) -> Vec<Keyed> {
    let mut counts = counted(second);
    let mut removed = |item: &Keyed| match counts.get_mut(&item.0) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        Some(_) | None => false,
    };
    first.into_iter().filter(|item| !removed(item)).collect()
}

/// A value with a text that equal values share.
type Keyed = (Arc<str>, Value);

fn counted(items: &[Keyed]) -> HashMap<Arc<str>, usize> {
    let mut counts = HashMap::new();
    for (key, _) in items {
        *counts.entry(key.clone()).or_insert(0) += 1;
    }
    counts
}

fn keyed(me: &mut Evaluator, items: &[Value]) -> Result<Vec<Keyed>> {
    me.interp.charge(items.len() as u64)?;
    let key = |me: &mut Evaluator, item: &Value| -> Result<Keyed> {
        let mut text = String::new();
        canonical(me, item, &mut text)?;
        Ok((text.into(), item.clone()))
    };
    items.iter().map(|item| key(me, item)).collect()
}

/// A text that equal values share: the order of an object's fields does not matter.
fn canonical(me: &mut Evaluator, value: &Value, out: &mut String) -> Result<()> {
    deep(|| {
        match value {
            Value::Array(items) => {
                out.push('[');
                for item in items.iter() {
                    canonical(me, item, out)?;
                    out.push(',');
                }
                out.push(']');
            }
            Value::Object(object) => {
                let mut fields: Vec<_> = object.iter().collect();
                fields.sort_by_key(|(key, _)| *key);
                out.push('{');
                for (key, value) in fields {
                    out.push_str(&format!("{key:?}:"));
                    canonical(me, value, out)?;
                    out.push(',');
                }
                out.push('}');
            }
            other => out.push_str(&render::render(me, other)?),
        }
        Ok(())
    })
}

fn distinct(me: &mut Evaluator, arguments: Arguments) -> Result {
    let mut once = |items: &[Value]| -> Result<Vec<usize>> {
        let mut seen = HashSet::new();
        let keyed = keyed(me, items)?;
        let numbered = keyed.into_iter().enumerate();
        let first = numbered.filter(|(_, (key, _))| seen.insert(key.clone()));
        Ok(first.map(|(nth, _)| nth).collect())
    };
    match arguments.value(0) {
        Value::Array(items) => {
            let kept = once(&items)?;
            let items = kept.into_iter().filter_map(|nth| items.get(nth).cloned());
            Ok(Value::array(items.collect()))
        }
        Value::Page(page) => {
            let kept = once(&page.data)?;
            let data = kept.into_iter().filter_map(|nth| page.data.get(nth));
            Ok(Value::Page(Arc::new(Page {
                data: data.cloned().collect(),
                ..(*page).clone()
            })))
        }
        _ => Ok(of(Set::Distinct(arguments.set(0)?))),
    }
}

fn join(me: &mut Evaluator, arguments: Arguments) -> Result {
    let place = arguments.at(1);
    let source = arguments.set(0)?;
    match arguments.value(1) {
        Value::Unresolved(name) => Err(undefined(&name, &place).into()),
        Value::Ref(reference) if reference.coll == native::LEGACY_INDEX => {
            match index(me, reference)? {
                Some(_) => Ok(of(Set::JoinIndex(source, reference))),
                None => Err(Error::not_found(&place, "Index").into()),
            }
        }
        with => match me.closure(&with) {
            Some(lambda) if lambda.lambda.effect == Effect::Pure => {
                Ok(of(Set::Join(source, lambda)))
            }
            Some(_) => {
                let message = "Invalid lambda. Lambda in this context may not read, write, or call a user function.";
                Err(Error::argument(&place, message).into())
            }
            None => Err(Expected(&["Lambda", "Index Ref"])
                .error(&with, &place)
                .into()),
        },
    }
}

fn range(me: &mut Evaluator, arguments: Arguments) -> Result {
    let set = arguments.set(0)?;
    let (from, to) = (arguments.value(1), arguments.value(2));
    let mut collected = Collected::default();
    let parsed = cursor::parse(me, &set, &from, true, &arguments.at(1));
    collected.take(parsed);
    let parsed = cursor::parse(me, &set, &to, false, &arguments.at(2));
    collected.take(parsed);
    collected.finish(())?;
    Ok(of(Set::Range { set, from, to }))
}
