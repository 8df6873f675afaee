//! Casts: what a key accepts, and what it says about anything else (`spec fql4 4.3`).

use super::Evaluator;
use crate::fql4::error::{Collected, Error, Result};
use crate::fql4::forms::Cast;
use crate::fql4::kind;
use crate::fql4::place::Place;
use crate::fql4::sets::Set;
use crate::fql4::value::{Action, NameRef, Ref, Time, Value};
use crate::model::native;
use crate::store::TxnTime;
use crate::value::time::TimeUnit;
use std::sync::Arc;

/// Kinds that a place accepts, for the message of its error.
pub struct Expected(pub &'static [&'static str]);

impl Expected {
    /// `A or B expected, C provided.`
    pub fn error(&self, provided: &Value, place: &Place) -> Error {
        self.provided(kind::of(provided), place)
    }

    /// The same for a kind.
    pub fn provided(&self, provided: &str, place: &Place) -> Error {
        let description = match self.0 {
            [] => format!("{provided} provided."),
            [one] => format!("{one} expected, {provided} provided."),
            [one, other] => format!("{one} or {other} expected, {provided} provided."),
            [init @ .., last] => format!(
                "{}, or {last} expected, {provided} provided.",
                init.join(", ")
            ),
        };
        Error::argument(place, description)
    }
}

/// `invalid ref`: a name that nothing has.
pub fn undefined(reference: &NameRef, place: &Place) -> Error {
    fn named(reference: &NameRef) -> (&'static str, String) {
        match reference {
            NameRef::Named { coll, name, .. } => {
                let kind = match *coll {
                    native::DATABASE => "database",
                    native::LEGACY_INDEX => "index",
                    native::FUNCTION => "function",
                    native::ROLE => "role",
                    native::ACCESS_PROVIDER => "access_provider",
                    _ => "collection",
                };
                (kind, name.to_string())
            }
            NameRef::Key { id, .. } => ("key", id.0.to_string()),
            NameRef::Native {
                scope: Some(scope), ..
            } => match &**scope {
                NameRef::Named { name, .. } => ("database", name.to_string()),
                _ => ("database", String::new()),
            },
            NameRef::Native { coll, scope: None } => (
                "collection",
                crate::fql4::read::native_name(*coll)
                    .unwrap_or_default()
                    .to_string(),
            ),
            NameRef::Document { collection, .. } | NameRef::Own(collection) => named(collection),
        }
    }
    let (kind, name) = named(reference);
    Error::new(
        crate::fql4::error::Code::InvalidRef,
        place,
        format!("Ref refers to undefined {kind} '{name}'"),
    )
}

/// A value that is not what was expected. Where a reference or set is wanted, a name that nothing has is told as such.
fn refused<T>(value: &Value, expected: &Expected, identifier: bool, place: &Place) -> Result<T> {
    Err(match value {
        Value::Unresolved(reference) if identifier => undefined(reference, place),
        other => expected.error(other, place),
    }
    .into())
}

/// A Boolean.
pub fn boolean(value: &Value, place: &Place) -> Result<bool> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        other => Err(Expected(&["Boolean"]).error(other, place).into()),
    }
}

/// A native collection is a set where one is wanted.
fn native_set(reference: Ref) -> Option<Value> {
    let is_native = reference.coll == native::COLLECTION
        && u64::try_from(reference.id.0).is_ok_and(|id| id < native::FIRST_USER_COLLECTION);
    is_native.then(|| {
        Value::Set(Arc::new(Set::Native {
            scope: reference.scope,
            coll: crate::value::CollId(reference.id.0 as u64),
        }))
    })
}

/// A value as a key wants it.
pub fn cast(me: &mut Evaluator, value: Value, cast_to: Cast, place: &Place) -> Result {
    let simple = |fits: bool, expected: &'static [&'static str], identifier: bool, value: Value| {
        match fits {
            true => Ok(value),
            false => refused(&value, &Expected(expected), identifier, place),
        }
    };
    match cast_to {
        Cast::Any | Cast::LambdaOrAny => Ok(value),
        Cast::Scalar => {
            let fits = is_scalar(&value);
            simple(fits, &["Scalar"], false, value)
        }
        Cast::Integer => simple(matches!(value, Value::Long(_)), &["Integer"], false, value),
        Cast::Number => simple(
            matches!(value, Value::Long(_) | Value::Double(_)),
            &["Number"],
            false,
            value,
        ),
        Cast::Boolean => simple(matches!(value, Value::Bool(_)), &["Boolean"], false, value),
        Cast::String => simple(matches!(value, Value::String(_)), &["String"], false, value),
        Cast::Null => simple(matches!(value, Value::Null), &["Null"], false, value),
        Cast::Object => simple(matches!(value, Value::Object(_)), &["Object"], false, value),
        Cast::Array => simple(matches!(value, Value::Array(_)), &["Array"], false, value),
        Cast::Lambda => simple(matches!(value, Value::Lambda(_)), &["Lambda"], false, value),
        Cast::Ref => simple(matches!(value, Value::Ref(_)), &["Ref"], true, value),
        Cast::CollectionRef => {
            let fits = is_ref_of(&value, native::COLLECTION);
            simple(fits, &["Collection Ref"], true, value)
        }
        Cast::DatabaseRef => {
            let fits = is_ref_of(&value, native::DATABASE);
            simple(fits, &["Database Ref"], true, value)
        }
        Cast::DatabaseRefOrNull => {
            let fits = is_ref_of(&value, native::DATABASE) || matches!(value, Value::Null);
            simple(fits, &["Database Ref", "Null"], true, value)
        }
        Cast::NameOrRef => simple(
            matches!(value, Value::Ref(_) | Value::String(_)),
            &["Identifier"],
            true,
            value,
        ),
        Cast::NameOrIndexRef => {
            let fits = matches!(value, Value::String(_)) || is_ref_of(&value, native::LEGACY_INDEX);
            simple(fits, &["Identifier"], true, value)
        }
        Cast::Identifier => match identifier(value) {
            Ok(value) => Ok(value),
            Err(value) => refused(&value, &Expected(&["Ref", "Set"]), true, place),
        },
        Cast::IdentifierOrUnresolved => match identifier(value) {
            Ok(value) => Ok(value),
            Err(value @ Value::Unresolved(_)) => Ok(value),
            Err(value) => refused(&value, &Expected(&["Ref", "Set"]), true, place),
        },
        Cast::Set => match identifier(value) {
            Ok(value @ Value::Set(_)) => Ok(value),
            Ok(value) => refused(&value, &Expected(&["Set"]), true, place),
            Err(value) => refused(&value, &Expected(&["Ref", "Set"]), true, place),
        },
        Cast::Iterable => iterable(value, place),
        Cast::SetOrArray => match iterable(value, place)? {
            page @ Value::Page(_) => refused(&page, &Expected(&["Set", "Array"]), false, place),
            value => Ok(value),
        },
        Cast::Timestamp => match value {
            Value::Long(micros) => Ok(Value::Time(TxnTime(micros).into())),
            other => simple(matches!(other, Value::Time(_)), &["Time"], false, other),
        },
        Cast::TransactionTimestamp => match value {
            Value::Long(micros) => Ok(Value::Time(Time::from(TxnTime(micros)))),
            Value::TransactionMicros => Ok(Value::TransactionTime),
            other => simple(
                matches!(other, Value::Time(_) | Value::TransactionTime),
                &["Time"],
                false,
                other,
            ),
        },
        Cast::Temporal => simple(
            matches!(value, Value::Time(_) | Value::Date(_)),
            &["Temporal"],
            false,
            value,
        ),
        Cast::TimeUnit => {
            let fits = matches!(&value, Value::String(text) if TimeUnit::parse(text).is_some());
            simple(fits, &["Time Unit"], false, value)
        }
        Cast::Path => each(value, place, |part, place| match part {
            Value::String(_) | Value::Long(_) => Ok(part),
            Value::Action(action) => Ok(Value::string(action.text())),
            other => Err(Expected(&["String", "Integer"]).error(&other, place).into()),
        }),
        Cast::Normalizer => match &value {
            Value::String(name)
                if matches!(&**name, "NFKCCaseFold" | "NFC" | "NFD" | "NFKC" | "NFKD") =>
            {
                Ok(value)
            }
            other => Err(
                Expected(&["String 'NFKCCaseFold', 'NFC', 'NFD', 'NFKC', or 'NFKD'"])
                    .error(other, place)
                    .into(),
            ),
        },
        Cast::Regex => super::super::functions::check_pattern(me, value, place),
        Cast::DocumentAction => match &value {
            Value::Action(Action::Create | Action::Update | Action::Delete) => Ok(value),
            Value::String(name) if matches!(&**name, "create" | "update" | "delete") => {
                Ok(Value::Action(match &**name {
                    "create" => Action::Create,
                    "update" => Action::Update,
                    _ => Action::Delete,
                }))
            }
            other => Err(Expected(&["String 'create', 'update', or 'delete'"])
                .error(other, place)
                .into()),
        },
        Cast::MatchTerm => match holds_unresolved(&value) {
            true => Err(Expected(&["Any"]).error(&value, place).into()),
            false => Ok(value),
        },
        Cast::OneOrMore(inner) => {
            match each(value, place, |part, place| cast(me, part, *inner, place))? {
                Value::Array(items) if items.is_empty() => Err(Error::empty_array(place).into()),
                items => Ok(items),
            }
        }
        Cast::ZeroOrMore(inner) => each(value, place, |part, place| cast(me, part, *inner, place)),
    }
}

/// Casts the elements of an array, or a value by itself; the result is an array.
fn each(value: Value, place: &Place, mut cast: impl FnMut(Value, &Place) -> Result) -> Result {
    let Value::Array(items) = value else {
        return Ok(Value::array(vec![cast(value, place)?]));
    };
    let mut collected = Collected::default();
    let mut values = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        values.extend(collected.take(cast(item.clone(), &place.index(i))));
    }
    collected.finish(Value::array(values))
}

fn is_scalar(value: &Value) -> bool {
    match value {
        Value::Null
        | Value::Bool(_)
        | Value::Long(_)
        | Value::Double(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Uuid(_)
        | Value::Time(_)
        | Value::TransactionTime
        | Value::TransactionMicros
        | Value::Date(_)
        | Value::Action(_)
        | Value::Ref(_)
        | Value::Unresolved(_) => true,
        Value::Array(_)
        | Value::Object(_)
        | Value::Set(_)
        | Value::Page(_)
        | Value::Document(_)
        | Value::Event(_)
        | Value::Element(_)
        | Value::Cursor(_)
        | Value::Lambda(_)
        | Value::Query(_) => false,
    }
}

fn is_ref_of(value: &Value, coll: crate::value::CollId) -> bool {
    matches!(value, Value::Ref(reference) if reference.coll == coll)
}

/// A reference or set; `Err` gives back anything else.
fn identifier(value: Value) -> std::result::Result<Value, Value> {
    match value {
        Value::Set(_) => Ok(value),
        Value::Ref(reference) => Ok(native_set(reference).unwrap_or(value)),
        other => Err(other),
    }
}

/// An array, page or set.
pub fn iterable(value: Value, place: &Place) -> Result {
    match identifier(value) {
        Ok(value @ Value::Set(_)) => Ok(value),
        Err(value @ (Value::Array(_) | Value::Page(_))) => Ok(value),
        Ok(value) | Err(value) => refused(&value, &Expected(&["Array, Set, or Page"]), true, place),
    }
}

/// Whether a value holds a reference that does not resolve.
pub fn holds_unresolved(value: &Value) -> bool {
    crate::value::deep(|| match value {
        Value::Unresolved(_) => true,
        Value::Array(items) => items.iter().any(holds_unresolved),
        Value::Object(object) => object.iter().any(|(_, value)| holds_unresolved(value)),
        Value::Page(page) => page.data.iter().any(holds_unresolved),
        _ => false,
    })
}
