//! Equality and order of values (`spec fql10-language 4.3, 4.4`, `fql10-stdlib 14`).
//!
//! There are four relations, kept apart as the language keeps them:
//!
//! | relation | used by | function |
//! |---|---|---|
//! | equality | `==`, `!=` | [`equals`] |
//! | internal equality | `includes`, `indexOf`; with the representation, `distinct` | [`same`], [`DistinctKey`] |
//! | comparison | `<` `<=` `>` `>=` | [`compare`] |
//! | total order | `order()`, `distinct` on sets | [`order`] |
//!
//! The order of index keys is a fifth, see [`super::key`].

use super::kind::{Closure, Doc, DocKey, Env, Module, Value};
use super::number::Number;
use super::set::{Callback, Cursor, EventSource, OrderKey, Plan, Set};
use super::{deep, kind::NativeFn};
use crate::fql::syntax::ast::Param;
use std::cmp::Ordering;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

/// Equality of `==`. Total but for reads: a document equals null if it does not exist, which `exists` tells.
pub fn equals<E>(
    a: &Value,
    b: &Value,
    exists: &mut dyn FnMut(&Doc) -> Result<bool, E>,
) -> Result<bool, E> {
    match (a, b) {
        (Value::Array(x), Value::Array(y)) => {
            if Arc::ptr_eq(x, y) {
                return Ok(true);
            }
            if x.len() != y.len() {
                return Ok(false);
            }
            deep(|| {
                for (x, y) in x.iter().zip(y.iter()) {
                    if !equals(x, y, exists)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            })
        }
        (Value::Object(x), Value::Object(y)) => {
            if Arc::ptr_eq(x, y) {
                return Ok(true);
            }
            if x.len() != y.len() {
                return Ok(false);
            }
            deep(|| {
                for (key, x) in x.iter() {
                    match y.get(key) {
                        Some(y) if equals(x, y, exists)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            })
        }
        (Value::Doc(doc), Value::Null(_)) | (Value::Null(_), Value::Doc(doc)) => {
            exists(doc).map(|exists| !exists)
        }
        (Value::TransactionTime, Value::TransactionTime) => Ok(true),
        (Value::Doc(x), Value::Doc(y)) => Ok(same_doc(x, y)),
        (Value::Lambda(x), Value::Lambda(y)) => Ok(Arc::ptr_eq(x, y)),
        (Value::Query(x), Value::Query(y)) => Ok(x == y),
        (a, b) => Ok(compare(a, b) == Some(Ordering::Equal)),
    }
}

/// Internal equality: `includes`, `indexOf`, `lastIndexOf`. Reads nothing.
pub fn same(a: &Value, b: &Value) -> bool {
    alike(a, b, false)
}

/// A value as `distinct` knows it: internally equal *and* of the same representation (Int and Long
/// are one representation; Int and Double, ID and String are not). NaN is not even equal to itself,
/// as in the original, so every NaN counts.
#[derive(Clone, Debug)]
pub struct DistinctKey(pub Value);

impl PartialEq for DistinctKey {
    fn eq(&self, other: &DistinctKey) -> bool {
        alike(&self.0, &other.0, true)
    }
}

impl Eq for DistinctKey {}

impl Hash for DistinctKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_value(&self.0, state);
    }
}

/// The comparison operators: `None` for unrelated kinds, for which all four are false.
///
/// Two distinct but equal arrays or objects answer `Less`, an oddity of the original.
pub fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    Some(match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            if Arc::ptr_eq(x, y) {
                return Some(Ordering::Equal);
            }
            let (x, y) = (sorted_fields(a), sorted_fields(b));
            compare_lists(&x, &y, |(key, value), (other_key, other)| {
                compare_strings(key, other_key).then_with(|| compare_elements(value, other))
            })
        }
        (Value::Array(x), Value::Array(y)) => {
            if Arc::ptr_eq(x, y) {
                return Some(Ordering::Equal);
            }
            compare_lists(x, y, compare_elements)
        }
        (Value::Null(_), Value::Null(_)) => Ordering::Equal,
        (Value::Id(x), Value::Id(y)) => x.cmp(y),
        (Value::Id(x), Value::String(y)) => x.cmp(&y.parse().ok()?),
        (Value::String(x), Value::Id(y)) => x.parse::<i64>().ok()?.cmp(y),
        (Value::Id(x), y) => Number::Integer(*x).compare(Number::of(y)?),
        (x, Value::Id(y)) => Number::of(x)?.compare(Number::Integer(*y)),
        (Value::Int(_) | Value::Long(_) | Value::Double(_), _) => {
            Number::of(a)?.compare(Number::of(b)?)
        }
        (Value::Doc(x), Value::Doc(y)) => compare_keys(&x.key, &y.key).then(x.coll.cmp(&y.coll)),
        (Value::Module(x), Value::Module(y)) => compare_modules(x, y),
        (Value::Set(x), Value::Set(y)) => by_hash(same_set(x, y), a, b),
        (Value::Cursor(x), Value::Cursor(y)) => by_hash(same_cursor(x, y), a, b),
        (Value::EventSource(x), Value::EventSource(y)) => by_hash(same_source(x, y), a, b),
        (Value::Lambda(x), Value::Lambda(y)) => {
            if Arc::ptr_eq(x, y) {
                return Some(Ordering::Equal);
            }
            // Only the identical lambda is equal.
            compare_lambda_params(x, y).then_with(|| by_hash(false, a, b))
        }
        (Value::Query(x), Value::Query(y)) => compare_strings(&x.text, &y.text),
        (Value::Native(_) | Value::Function(_), Value::Native(_) | Value::Function(_)) => {
            compare_functions(a, b)
        }
        (a, b) => return scalars(a, b),
    })
}

/// The total order of `order()`: kinds in a fixed sequence, null last.
pub fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (
            Value::Int(_) | Value::Long(_) | Value::Double(_),
            Value::Int(_) | Value::Long(_) | Value::Double(_),
        ) => {
            match (Number::of(a), Number::of(b)) {
                // Exact, not through Double: sorting needs an order that is transitive above 2^53.
                (Some(x), Some(y)) => x.compare_exactly(y),
                _ => Ordering::Equal,
            }
        }
        (Value::Id(x), Value::Id(y)) => x.cmp(y),
        (Value::Array(x), Value::Array(y)) => {
            if Arc::ptr_eq(x, y) {
                return Ordering::Equal;
            }
            deep(|| order_lists(x, y, order))
        }
        (Value::Object(x), Value::Object(y)) => {
            if Arc::ptr_eq(x, y) {
                return Ordering::Equal;
            }
            deep(|| {
                order_lists(
                    &sorted_fields(a),
                    &sorted_fields(b),
                    |(key, value), (other_key, other)| {
                        compare_strings(key, other_key).then_with(|| order(value, other))
                    },
                )
            })
        }
        (Value::Doc(x), Value::Doc(y)) => x
            .coll
            .cmp(&y.coll)
            .then_with(|| compare_keys(&x.key, &y.key)),
        (Value::Module(x), Value::Module(y)) => module_name(x).cmp(module_name(y)),
        (a, b) => scalars(a, b).unwrap_or_else(|| position(a).cmp(&position(b))),
    }
}

/// Strings by UTF-16 code unit: as by code point, but what lies above U+FFFF sorts before U+E000.
pub fn compare_strings(a: &str, b: &str) -> Ordering {
    fn rank(byte: u8) -> u8 {
        match byte {
            // Lead bytes of surrogate pairs go between U+D7FF and U+E000.
            0xF0.. => byte - 2,
            0xEE..=0xEF => byte + 0x10,
            _ => byte,
        }
    }
    let (a, b) = (a.as_bytes(), b.as_bytes());
    match a.iter().zip(b).find(|(x, y)| x != y) {
        Some((x, y)) => rank(*x).cmp(&rank(*y)),
        None => a.len().cmp(&b.len()),
    }
}

/// A hash that agrees with [`same`] and [`DistinctKey`] on representation.
pub fn hash_value<H: Hasher>(value: &Value, state: &mut H) {
    position(value).hash(state);
    match value {
        Value::Null(_) | Value::TransactionTime => {}
        Value::Bool(x) => x.hash(state),
        Value::Int(n) => i64::from(*n).hash(state),
        Value::Long(n) => n.hash(state),
        // 0.0 and -0.0 are one value here.
        Value::Double(x) => (if *x == 0.0 { 0.0f64 } else { *x }).to_bits().hash(state),
        Value::Id(n) => n.hash(state),
        Value::String(text) => text.hash(state),
        Value::Bytes(bytes) => bytes.hash(state),
        Value::Time(time) => time.hash(state),
        Value::Date(date) => date.hash(state),
        Value::Uuid(uuid) => uuid.hash(state),
        Value::Array(items) => deep(|| {
            items.len().hash(state);
            items.iter().for_each(|item| hash_value(item, state));
        }),
        Value::Object(_) => deep(|| {
            for (key, value) in sorted_fields(value) {
                key.hash(state);
                hash_value(value, state);
            }
        }),
        Value::Doc(doc) => (doc.coll, &doc.key).hash(state),
        Value::Set(set) => hash_set(set, state),
        Value::Cursor(cursor) => {
            hash_set(&cursor.set, state);
            hash_value(&cursor.position, state);
            (cursor.page_size, cursor.at).hash(state);
        }
        Value::Module(module) => module_name(module).hash(state),
        Value::Lambda(closure) => hash_closure(closure, state),
        Value::Query(query) => query.hash(state),
        Value::Native(function) => (function.id, function.name).hash(state),
        Value::Function(function) => function.id.hash(state),
        Value::EventSource(source) => {
            hash_set(&source.set, state);
            (&source.watched, source.since).hash(state);
        }
    }
}

/// Comparison within one kind of scalar, the same in every relation.
fn scalars(a: &Value, b: &Value) -> Option<Ordering> {
    Some(match (a, b) {
        (Value::String(x), Value::String(y)) => compare_strings(x, y),
        (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        (Value::Time(x), Value::Time(y)) => x.cmp(y),
        (Value::Date(x), Value::Date(y)) => x.cmp(y),
        (Value::Bytes(x), Value::Bytes(y)) => x.cmp(y),
        (Value::Uuid(x), Value::Uuid(y)) => uuid_halves(x).cmp(&uuid_halves(y)),
        _ => return None,
    })
}

/// The host compares UUIDs as two signed 64-bit numbers.
fn uuid_halves(uuid: &[u8; 16]) -> (i64, i64) {
    let bits = u128::from_be_bytes(*uuid);
    ((bits >> 64) as i64, bits as i64)
}

/// Elements of containers under the comparison operators.
fn compare_elements(a: &Value, b: &Value) -> Ordering {
    compare(a, b).unwrap_or_else(|| position(a).cmp(&position(b)))
}

/// Equal lists answer `Less`: the original finds the end of the left one first.
fn compare_lists<T>(a: &[T], b: &[T], cmp: impl Fn(&T, &T) -> Ordering) -> Ordering {
    deep(|| {
        let unequal = a.iter().zip(b).map(|(x, y)| cmp(x, y)).find(|o| o.is_ne());
        unequal.unwrap_or(if a.len() <= b.len() {
            Ordering::Less
        } else {
            Ordering::Greater
        })
    })
}

fn order_lists<T>(a: &[T], b: &[T], cmp: impl Fn(&T, &T) -> Ordering) -> Ordering {
    let unequal = a.iter().zip(b).map(|(x, y)| cmp(x, y)).find(|o| o.is_ne());
    unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn sorted_fields(value: &Value) -> Vec<(&str, &Value)> {
    let Value::Object(object) = value else {
        return Vec::new();
    };
    let mut fields: Vec<(&str, &Value)> =
        object.iter().map(|(key, value)| (&**key, value)).collect();
    fields.sort_by(|(a, _), (b, _)| compare_strings(a, b));
    fields
}

fn compare_keys(a: &DocKey, b: &DocKey) -> Ordering {
    match (a, b) {
        (DocKey::Id(x), DocKey::Id(y)) => x.cmp(y),
        (DocKey::Name(x), DocKey::Name(y)) => compare_strings(x, y),
        (DocKey::Id(_), DocKey::Name(_)) => Ordering::Less,
        (DocKey::Name(_), DocKey::Id(_)) => Ordering::Greater,
    }
}

/// Full name, parent included.
fn module_name(module: &Module) -> &str {
    match module {
        Module::Native(name) => name,
        Module::Collection { name, .. } => name,
        Module::Deleted => "Collection.Deleted",
    }
}

fn compare_modules(a: &Module, b: &Module) -> Ordering {
    match (a, b) {
        // A collection is the same by name and by alias.
        (Module::Collection { id: x, .. }, Module::Collection { id: y, .. }) if x == y => {
            Ordering::Equal
        }
        (a, b) => {
            let (a, b) = (module_name(a), module_name(b));
            // Without a parent first.
            a.contains('.')
                .cmp(&b.contains('.'))
                .then_with(|| compare_strings(a, b))
        }
    }
}

fn compare_lambda_params(a: &Closure, b: &Closure) -> Ordering {
    let (a, b) = (&a.lambda.params, &b.lambda.params);
    let names = |x: &Param, y: &Param| match (&x.name, &y.name) {
        (Some(x), Some(y)) => compare_strings(x, y),
        (x, y) => x.is_some().cmp(&y.is_some()),
    };
    order_lists(a, b, names)
}

/// Native and user functions by receiver, then name.
fn compare_functions(a: &Value, b: &Value) -> Ordering {
    fn parts(value: &Value) -> (Option<&Value>, &str, i64) {
        match value {
            Value::Native(f) => (f.this.as_deref(), f.name, i64::from(f.id)),
            Value::Function(f) => (None, &f.name, f.id.0),
            _ => (None, "", 0),
        }
    }
    if let (Value::Function(x), Value::Function(y)) = (a, b)
        && x.id == y.id
    {
        return Ordering::Equal;
    }
    let ((this, name, id), (other_this, other_name, other_id)) = (parts(a), parts(b));
    let receivers = match (this, other_this) {
        (Some(x), Some(y)) if same(x, y) => Ordering::Equal,
        (Some(x), Some(y)) => deep(|| compare_elements(x, y)),
        (x, y) => x.is_some().cmp(&y.is_some()),
    };
    receivers
        .then_with(|| compare_strings(name, other_name))
        .then_with(|| {
            matches!(a, Value::Function(_))
                .cmp(&matches!(b, Value::Function(_)))
                .then(id.cmp(&other_id))
        })
}

/// An arbitrary order that is equal for equal values only.
fn by_hash(same: bool, a: &Value, b: &Value) -> Ordering {
    if same {
        return Ordering::Equal;
    }
    let hash = |value: &Value| {
        let mut hasher = BuildHasherDefault::<std::hash::DefaultHasher>::default().build_hasher();
        hash_value(value, &mut hasher);
        hasher.finish()
    };
    hash(a).cmp(&hash(b)).then(Ordering::Less)
}

/// Place in the sequence of kinds.
fn position(value: &Value) -> u8 {
    match value {
        Value::Int(_) | Value::Long(_) | Value::Double(_) => 0,
        Value::Bytes(_) => 1,
        Value::String(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Id(_) => 5,
        Value::Doc(_) => 6,
        Value::Time(_) => 7,
        Value::TransactionTime => 8,
        Value::Date(_) => 9,
        Value::Uuid(_) => 10,
        Value::Bool(_) => 11,
        Value::Module(_) => 12,
        Value::Set(_) => 13,
        Value::Cursor(_) => 14,
        Value::Lambda(_) | Value::Query(_) => 15,
        Value::Native(_) | Value::Function(_) => 16,
        Value::EventSource(_) => 17,
        Value::Null(_) => 18,
    }
}

/// Internal equality; `strict`: of the same representation too.
fn alike(a: &Value, b: &Value, strict: bool) -> bool {
    match (a, b) {
        (Value::Null(_), Value::Null(_)) | (Value::TransactionTime, Value::TransactionTime) => true,
        (Value::Id(x), Value::Id(y)) => x == y,
        (Value::Id(id), Value::String(text)) | (Value::String(text), Value::Id(id)) => {
            !strict && text.parse() == Ok(*id)
        }
        (
            Value::Int(_) | Value::Long(_) | Value::Double(_),
            Value::Int(_) | Value::Long(_) | Value::Double(_),
        ) => match (Number::of(a), Number::of(b)) {
            (Some(Number::Integer(_)), Some(Number::Double(_)))
            | (Some(Number::Double(_)), Some(Number::Integer(_)))
                if strict =>
            {
                false
            }
            (Some(x), Some(y)) => x.same(y),
            _ => false,
        },
        (Value::Array(x), Value::Array(y)) => {
            let pairwise = || deep(|| x.iter().zip(y.iter()).all(|(x, y)| alike(x, y, strict)));
            Arc::ptr_eq(x, y) || (x.len() == y.len() && pairwise())
        }
        (Value::Object(x), Value::Object(y)) => {
            let fieldwise = || {
                deep(|| {
                    x.iter()
                        .all(|(key, x)| y.get(key).is_some_and(|y| alike(x, y, strict)))
                })
            };
            Arc::ptr_eq(x, y) || (x.len() == y.len() && fieldwise())
        }
        (Value::Doc(x), Value::Doc(y)) => same_doc(x, y),
        (Value::Module(x), Value::Module(y)) => compare_modules(x, y).is_eq(),
        (Value::Set(x), Value::Set(y)) => same_set(x, y),
        (Value::Cursor(x), Value::Cursor(y)) => same_cursor(x, y),
        (Value::EventSource(x), Value::EventSource(y)) => same_source(x, y),
        (Value::Lambda(x), Value::Lambda(y)) => same_closure(x, y),
        (Value::Query(x), Value::Query(y)) => x == y,
        (Value::Native(x), Value::Native(y)) => same_native(x, y),
        (Value::Function(x), Value::Function(y)) => x.id == y.id,
        (a, b) => scalars(a, b) == Some(Ordering::Equal),
    }
}

fn same_doc(a: &Doc, b: &Doc) -> bool {
    a.coll == b.coll && a.key == b.key
}

fn same_native(a: &NativeFn, b: &NativeFn) -> bool {
    a.id == b.id
        && match (&a.this, &b.this) {
            (Some(x), Some(y)) => deep(|| same(x, y)),
            (None, None) => true,
            _ => false,
        }
}

/// From the same place, with equal captured variables.
fn same_closure(a: &Arc<Closure>, b: &Arc<Closure>) -> bool {
    if Arc::ptr_eq(a, b) {
        return true;
    }
    let place = Arc::ptr_eq(&a.lambda, &b.lambda)
        || (a.lambda.span == b.lambda.span && a.source == b.source);
    place && deep(|| same_env(&a.env, &b.env))
}

fn same_env(a: &Env, b: &Env) -> bool {
    let (mut a, mut b) = (a, b);
    loop {
        match (&a.0, &b.0) {
            (None, None) => return true,
            (Some(x), Some(y)) if Arc::ptr_eq(x, y) => return true,
            (Some(x), Some(y)) if x.name == y.name && same(&x.value, &y.value) => {
                (a, b) = (&x.outer, &y.outer)
            }
            _ => return false,
        }
    }
}

fn same_callback(a: &Callback, b: &Callback) -> bool {
    a.at == b.at && same(&a.function, &b.function)
}

fn same_cursor(a: &Cursor, b: &Cursor) -> bool {
    a.page_size == b.page_size
        && a.at == b.at
        && same_set(&a.set, &b.set)
        && same(&a.position, &b.position)
}

fn same_source(a: &EventSource, b: &EventSource) -> bool {
    a.since == b.since && a.watched == b.watched && same_set(&a.set, &b.set)
}

/// The same construction; contents do not matter.
pub fn same_set(a: &Arc<Set>, b: &Arc<Set>) -> bool {
    Arc::ptr_eq(a, b)
        || (a.at == b.at && a.page_size == b.page_size && deep(|| same_plan(&a.plan, &b.plan)))
}

fn same_plan(a: &Plan, b: &Plan) -> bool {
    let all =
        |x: &[Value], y: &[Value]| x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y));
    let bound = |x: &Option<Value>, y: &Option<Value>| match (x, y) {
        (Some(x), Some(y)) => same(x, y),
        (None, None) => true,
        _ => false,
    };
    let key = |x: &OrderKey, y: &OrderKey| {
        x.descending == y.descending && same_callback(&x.accessor, &y.accessor)
    };
    match (a, b) {
        (
            Plan::All {
                coll,
                range,
                reversed,
            },
            Plan::All {
                coll: other_coll,
                range: other_range,
                reversed: other_reversed,
            },
        ) => coll == other_coll && range == other_range && reversed == other_reversed,
        (
            Plan::Index {
                coll,
                index,
                terms,
                range,
                reversed,
                name: _,
                origin: _,
            },
            Plan::Index {
                coll: other_coll,
                index: other_index,
                terms: other_terms,
                range: other_range,
                reversed: other_reversed,
                name: _,
                origin: _,
            },
        ) => {
            let ranges = match (range, other_range) {
                (Some(x), Some(y)) => bound(&x.0, &y.0) && bound(&x.1, &y.1),
                (None, None) => true,
                _ => false,
            };
            coll == other_coll
                && index == other_index
                && reversed == other_reversed
                && ranges
                && all(terms, other_terms)
        }
        (Plan::Array(x), Plan::Array(y)) => Arc::ptr_eq(x, y) || all(x, y),
        (Plan::Single(x), Plan::Single(y)) => same(x, y),
        (Plan::Sequence(from, until), Plan::Sequence(other_from, other_until)) => {
            from == other_from && until == other_until
        }
        (Plan::Where(x, f), Plan::Where(y, g))
        | (Plan::Map(x, f), Plan::Map(y, g))
        | (Plan::FlatMap(x, f), Plan::FlatMap(y, g)) => same_set(x, y) && same_callback(f, g),
        (Plan::Concat(x, x2), Plan::Concat(y, y2)) => same_set(x, y) && same_set(x2, y2),
        (Plan::Distinct(x), Plan::Distinct(y)) | (Plan::Reverse(x), Plan::Reverse(y)) => {
            same_set(x, y)
        }
        (Plan::Order(x, keys), Plan::Order(y, other_keys)) => {
            same_set(x, y)
                && keys.len() == other_keys.len()
                && keys.iter().zip(other_keys).all(|(x, y)| key(x, y))
        }
        (Plan::Take(x, n), Plan::Take(y, m)) | (Plan::Drop(x, n), Plan::Drop(y, m)) => {
            n == m && same_set(x, y)
        }
        _ => false,
    }
}

fn hash_closure<H: Hasher>(closure: &Closure, state: &mut H) {
    (closure.lambda.span, &closure.source).hash(state);
}

/// By shape and leaves; what callbacks capture is left out, which a hash may.
fn hash_set<H: Hasher>(set: &Set, state: &mut H) {
    (set.at, set.page_size, std::mem::discriminant(&set.plan)).hash(state);
    deep(|| match &set.plan {
        Plan::All {
            coll,
            range,
            reversed,
        } => (coll, range, reversed).hash(state),
        Plan::Index {
            coll,
            index,
            terms,
            reversed,
            name: _,
            origin: _,
            range: _,
        } => {
            (coll, index, reversed).hash(state);
            terms.iter().for_each(|term| hash_value(term, state));
        }
        Plan::Array(items) => items.iter().for_each(|item| hash_value(item, state)),
        Plan::Single(item) => hash_value(item, state),
        Plan::Sequence(from, until) => (from, until).hash(state),
        Plan::Where(inner, f) | Plan::Map(inner, f) | Plan::FlatMap(inner, f) => {
            hash_set(inner, state);
            hash_value(&f.function, state);
        }
        Plan::Concat(first, second) => {
            hash_set(first, state);
            hash_set(second, state);
        }
        Plan::Distinct(inner) | Plan::Reverse(inner) => hash_set(inner, state),
        Plan::Order(inner, keys) => {
            hash_set(inner, state);
            keys.iter()
                .for_each(|key| hash_value(&key.accessor.function, state));
        }
        Plan::Take(inner, n) | Plan::Drop(inner, n) => {
            hash_set(inner, state);
            n.hash(state);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::testing::{any_value, object};
    use super::*;
    use crate::value::{CollId, DocId};
    use proptest::prelude::*;
    use std::convert::Infallible;

    fn eq(a: &Value, b: &Value) -> bool {
        let Ok(equal) = equals::<Infallible>(a, b, &mut |doc| Ok(doc.key == DocKey::Id(DocId(1))));
        equal
    }

    fn doc(coll: u64, id: i64) -> Value {
        Value::Doc(Arc::new(Doc {
            coll: CollId(coll),
            key: DocKey::Id(DocId(id)),
            at: None,
            deleted: false,
            named: false,
            cover: None,
        }))
    }

    fn ints(items: &[i32]) -> Value {
        Value::array(items.iter().copied().map(Value::Int).collect())
    }

    #[test]
    fn equality_of_the_table() {
        let (int, double, id, string) = (Value::Int, Value::Double, Value::Id, |text: &str| {
            Value::string(text)
        });
        for (a, b, equal, internal) in [
            (int(1), Value::Long(1), true, true),
            (int(1), double(1.0), true, true),
            (double(f64::NAN), double(f64::NAN), true, false),
            (double(0.0), double(-0.0), false, true),
            (int(0), double(-0.0), false, true),
            (id(5), int(5), true, false),
            (id(5), string("5"), true, true),
            (id(5), string("5 "), false, false),
            (string("a"), string("a"), true, true),
            (int(1), string("1"), false, false),
            (Value::Bool(true), int(1), false, false),
            (Value::NULL, Value::NULL, true, true),
            (doc(1024, 1), Value::NULL, false, false),
            (doc(1024, 2), Value::NULL, true, false),
            (Value::NULL, doc(1024, 2), true, false),
            (doc(1024, 2), doc(1024, 2), true, true),
            (doc(1024, 2), doc(1025, 2), false, false),
            (ints(&[1, 2]), ints(&[1, 2]), true, true),
            (ints(&[1, 2]), ints(&[1]), false, false),
            (ints(&[]), ints(&[]), true, true),
            (
                object(&[("a", int(1)), ("b", int(2))]),
                object(&[("b", int(2)), ("a", int(1))]),
                true,
                true,
            ),
            (object(&[("a", Value::NULL)]), object(&[]), false, false),
            (Value::TransactionTime, Value::TransactionTime, true, true),
            (
                Value::Module(Module::Native("Math")),
                Value::Module(Module::Native("Math")),
                true,
                true,
            ),
            (
                Value::Module(Module::Native("Math")),
                Value::Module(Module::Native("Time")),
                false,
                false,
            ),
        ] {
            assert_eq!(eq(&a, &b), equal, "{a:?} == {b:?}");
            assert_eq!(same(&a, &b), internal, "{a:?} same {b:?}");
        }
    }

    #[test]
    fn comparison_has_its_oddities() {
        use Ordering::{Equal, Greater, Less};
        let shared = ints(&[1]);
        for (a, b, expected) in [
            (ints(&[1]), ints(&[1]), Some(Less)),
            (ints(&[]), ints(&[]), Some(Less)),
            (shared.clone(), shared, Some(Equal)),
            (ints(&[1, 2]), ints(&[1]), Some(Greater)),
            (
                Value::array(vec![ints(&[1]), Value::Int(5)]),
                Value::array(vec![ints(&[1]), Value::Int(3)]),
                Some(Less),
            ),
            (Value::Int(1), Value::string("1"), None),
            (Value::NULL, Value::NULL, Some(Equal)),
            (Value::NULL, Value::Int(1), None),
            (
                Value::string("\u{1f600}"),
                Value::string("\u{ffff}"),
                Some(Less),
            ),
            (
                Value::string("\u{1f600}"),
                Value::string("\u{d7ff}"),
                Some(Greater),
            ),
            (Value::string("a"), Value::string("ab"), Some(Less)),
            (Value::Id(10), Value::string("9"), Some(Greater)),
            (Value::Id(10), Value::string("x"), None),
            (Value::Id(10), Value::Double(10.5), Some(Less)),
            (Value::Bool(false), Value::Bool(true), Some(Less)),
            (doc(1025, 1), doc(1024, 2), Some(Less)),
            (
                Value::array(vec![Value::Int(1)]),
                Value::array(vec![Value::string("a")]),
                Some(Less),
            ),
        ] {
            assert_eq!(compare(&a, &b), expected, "{a:?} {b:?}");
        }
        assert_eq!(order(&ints(&[1]), &ints(&[1])), Equal);
        assert_eq!(order(&doc(1025, 1), &doc(1024, 2)), Greater);
        assert_eq!(
            order(&Value::NULL, &Value::Module(Module::Deleted)),
            Greater
        );
        assert_eq!(order(&Value::Id(1), &Value::string("x")), Greater);
        let above = (1i64 << 53) + 1;
        assert_eq!(
            order(&Value::Long(above), &Value::Double((1i64 << 53) as f64)),
            Greater
        );
    }

    #[test]
    fn distinct_keeps_representations_apart() {
        let kept: std::collections::HashSet<DistinctKey> = [
            Value::Int(1),
            Value::Long(1),
            Value::Double(1.0),
            Value::Id(1),
            Value::string("1"),
            Value::NULL,
            Value::NULL,
            object(&[("a", Value::Int(1)), ("b", Value::NULL)]),
            object(&[("b", Value::NULL), ("a", Value::Long(1))]),
        ]
        .into_iter()
        .map(DistinctKey)
        .collect();
        assert_eq!(kept.len(), 6);
    }

    proptest! {
        #[test]
        fn order_is_total(a in any_value(), b in any_value(), c in any_value()) {
            prop_assert_eq!(order(&a, &a), Ordering::Equal);
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            if order(&a, &b).is_le() && order(&b, &c).is_le() {
                prop_assert!(order(&a, &c).is_le());
            }
        }

        #[test]
        fn equality_is_an_equivalence(a in any_value(), b in any_value()) {
            prop_assert!(eq(&a, &a));
            prop_assert_eq!(eq(&a, &b), eq(&b, &a));
            prop_assert_eq!(same(&a, &b), same(&b, &a));
            if DistinctKey(a.clone()) == DistinctKey(b.clone()) {
                prop_assert!(same(&a, &b));
                let hash = |value: &Value| {
                    let mut hasher = std::hash::DefaultHasher::new();
                    hash_value(value, &mut hasher);
                    hasher.finish()
                };
                prop_assert_eq!(hash(&a), hash(&b));
            }
        }
    }
}
