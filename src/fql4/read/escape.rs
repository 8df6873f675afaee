//! Escapes: objects of one key that stand for a value, and data that is not evaluated (`spec fql4 3, 5.1`).

use super::{Json, Reader, field, literal};
use crate::fql4::expression::*;
use crate::fql4::forms::{self, Cast, Run};
use crate::fql4::place::Place;
use crate::fql4::value::{Date, Object, Time, Value};
use crate::value::{Str, deep};
use base64::Engine as _;
use std::sync::Arc;

const TAGS: [&str; 8] = [
    "@obj", "@ref", "@set", "@ts", "@date", "@query", "@bytes", "@uuid",
];

/// The keys that a literal set may have beside each other.
const SETS: [&[&str]; 14] = [
    &["match", "index"],
    &["match", "terms"],
    &["match"],
    &["singleton"],
    &["events"],
    &["documents"],
    &["union"],
    &["intersection"],
    &["difference"],
    &["distinct"],
    &["reverse"],
    &["range", "from", "to"],
    &["join", "with"],
    &["filter", "collection"],
];

/// The escape that an object is, and what it holds.
pub(super) fn known(fields: &[(Str, Json)]) -> Option<(&'static str, &Json)> {
    let [(key, value)] = fields else {
        return None;
    };
    let tag = TAGS.into_iter().find(|tag| *tag == &**key)?;
    Some((tag, value))
}

/// A value that is the same in JSON. Arrays and objects are not.
pub(super) fn scalar(json: &Json) -> Value {
    match json {
        Json::Null | Json::Array(_) | Json::Object(_) => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Long(n) => Value::Long(*n),
        Json::Double(x) => Value::Double(*x),
        Json::String(text) => Value::String(text.clone()),
    }
}

impl Reader {
    /// The value of an escape.
    pub(super) fn escape(
        &mut self,
        tag: &'static str,
        value: &Json,
        place: &Place,
    ) -> Option<Expression> {
        match (tag, value) {
            ("@obj", Json::Object(fields)) => self.fields(fields, place),
            ("@obj", _) => self.fail(place, "Invalid object."),
            ("@ref", _) => self.reference_value(value, place),
            ("@set", Json::Object(fields)) => self.set(fields, place),
            ("@set", _) => self.fail(place, "Invalid set."),
            ("@ts", Json::String(text)) => match Time::parse(text) {
                Some(time) => Some(literal(Value::Time(time))),
                None => self.fail(place, "Invalid time."),
            },
            ("@ts", _) => self.fail(place, "Invalid time."),
            ("@date", Json::String(text)) => match Date::parse(text) {
                Some(date) => Some(literal(Value::Date(date))),
                None => self.fail(place, "Invalid date."),
            },
            ("@date", _) => self.fail(place, "Invalid date."),
            ("@query", lambda) => self.closed_lambda(lambda, place).map(Expression::Lambda),
            ("@bytes", Json::String(text)) => {
                // Both alphabets are read, with padding or without.
                let text = text.replace('-', "+").replace('_', "/");
                let text = text.trim_end_matches('=');
                match base64::engine::general_purpose::STANDARD_NO_PAD.decode(text) {
                    Ok(bytes) => Some(literal(Value::Bytes(bytes.into()))),
                    Err(_) => self.fail(place, "Invalid bytes."),
                }
            }
            ("@bytes", _) => self.fail(place, "Invalid bytes."),
            ("@uuid", Json::String(text)) => match uuid(text) {
                Some(uuid) => Some(literal(Value::Uuid(uuid))),
                None => self.fail(place, "Invalid UUID."),
            },
            _ => self.fail(place, "Invalid UUID."),
        }
    }

    /// Data: arrays and objects stand for themselves, escapes for their values.
    pub(super) fn data(&mut self, json: &Json, place: &Place) -> Option<Expression> {
        deep(|| match json {
            Json::Array(items) => {
                let read: Vec<Option<Expression>> = items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| self.data(item, &place.index(i)))
                    .collect();
                let items: Option<Vec<Expression>> = read.into_iter().collect();
                items.map(settled)
            }
            Json::Object(fields) => match known(fields) {
                Some((tag, value)) => self.escape(tag, value, place),
                None => self.fields(fields, place),
            },
            other => Some(literal(scalar(other))),
        })
    }

    fn fields(&mut self, fields: &[(Str, Json)], place: &Place) -> Option<Expression> {
        let read: Vec<Option<(Str, Expression)>> = fields
            .iter()
            .map(|(key, value)| {
                self.data(value, &place.field(key))
                    .map(|value| (key.clone(), value))
            })
            .collect();
        let fields: Vec<(Str, Expression)> = read.into_iter().collect::<Option<_>>()?;
        let all_literal = fields
            .iter()
            .all(|(_, value)| matches!(value, Expression::Literal(_)));
        Some(match all_literal {
            true => {
                let object = fields.into_iter().filter_map(|(key, value)| match value {
                    Expression::Literal(value) => Some((key, value)),
                    _ => None,
                });
                literal(Value::object(object.collect::<Object>()))
            }
            false => Expression::Object(fields.into()),
        })
    }

    /// A literal set: the call that makes it, on data.
    fn set(&mut self, fields: &[(Str, Json)], place: &Place) -> Option<Expression> {
        let keys = fields.iter().map(|(key, _)| &**key);
        let is_set = SETS.iter().any(|known| {
            known.len() == fields.len() && known.iter().all(|key| keys.clone().any(|k| k == *key))
        });
        let form = match forms::by_keys(keys, self.version) {
            Some(form) if is_set && matches!(form.run, Run::Function(_)) => form,
            _ => return self.fail(place, "Invalid set."),
        };
        let mut arguments = Vec::with_capacity(form.keys.len());
        for key in form.keys {
            let Some(json) = field(fields, key.name) else {
                arguments.push(None);
                continue;
            };
            let at = place.at(key.name);
            let argument = match key.cast {
                Cast::Lambda | Cast::LambdaOrAny => {
                    self.closed_lambda(json, &at).map(Expression::Lambda)
                }
                _ => self.data(json, &at),
            };
            arguments.push(Some(argument?));
        }
        Some(Expression::Set(Arc::new(SetLiteral {
            call: Expression::Form(Arc::new(FormCall {
                form,
                arguments,
                place: place.clone(),
            })),
            place: place.clone(),
        })))
    }
}

/// An array of data.
fn settled(items: Vec<Expression>) -> Expression {
    match items
        .iter()
        .all(|item| matches!(item, Expression::Literal(_)))
    {
        true => {
            let values = items.into_iter().filter_map(|item| match item {
                Expression::Literal(value) => Some(value),
                _ => None,
            });
            literal(Value::array(values.collect()))
        }
        false => Expression::Array(items.into()),
    }
}

/// A UUID as the host reads it: five groups of hexadecimal digits, each cut to its size.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let groups: Vec<&str> = text.split('-').collect();
    let groups: [&str; 5] = groups.try_into().ok()?;
    if text.len() > 36 {
        return None;
    }
    let mut uuid: u128 = 0;
    for (group, bits) in groups.into_iter().zip([32, 16, 16, 16, 48]) {
        if group.is_empty() || !group.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let number = u64::from_str_radix(group, 16).ok()?;
        let mask = (1u64 << bits) - 1;
        uuid = (uuid << bits) | u128::from(number & mask);
    }
    Some(uuid.to_be_bytes())
}
