//! Questions about kinds (`spec fql4 6.13`).

use crate::fql::interp::Effect;
use crate::fql4::error::Result;
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{Cast, Form, TextRule, form, key, positional};
use crate::fql4::order::is_native_collection;
use crate::fql4::value::Value;
use crate::model::native;
use crate::value::CollId;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["IsNumber"],
        &[key("is_number", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_number,
    ),
    form(
        &["IsInteger"],
        &[key("is_integer", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_integer,
    ),
    form(
        &["IsDouble"],
        &[key("is_double", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_double,
    ),
    form(
        &["IsBoolean"],
        &[key("is_boolean", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_boolean,
    ),
    form(
        &["IsNull"],
        &[key("is_null", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_null,
    ),
    form(
        &["IsString"],
        &[key("is_string", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_string,
    ),
    form(
        &["IsBytes"],
        &[key("is_bytes", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_bytes,
    ),
    form(
        &["IsTimestamp"],
        &[key("is_timestamp", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_timestamp,
    ),
    form(
        &["IsDate"],
        &[key("is_date", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_date,
    ),
    form(
        &["IsArray"],
        &[key("is_array", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_array,
    ),
    form(
        &["IsObject"],
        &[key("is_object", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_object,
    ),
    form(
        &["IsRef"],
        &[key("is_ref", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_ref,
    ),
    form(
        &["IsSet"],
        &[key("is_set", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_set,
    ),
    form(
        &["IsDoc"],
        &[key("is_doc", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_doc,
    ),
    form(
        &["IsLambda"],
        &[key("is_lambda", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_lambda,
    ),
    form(
        &["IsCollection"],
        &[key("is_collection", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_collection,
    ),
    form(
        &["IsDatabase"],
        &[key("is_database", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_database,
    ),
    form(
        &["IsIndex"],
        &[key("is_index", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_index,
    ),
    form(
        &["IsFunction"],
        &[key("is_function", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_function,
    ),
    form(
        &["IsKey"],
        &[key("is_key", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_key,
    ),
    form(
        &["IsToken"],
        &[key("is_token", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_token,
    ),
    form(
        &["IsCredentials"],
        &[key("is_credentials", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_credentials,
    ),
    form(
        &["IsRole"],
        &[key("is_role", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        is_role,
    ),
    form(
        &[],
        &[key("is_uuid", Cast::Any)],
        TextRule::WireOnly,
        Effect::Pure,
        is_uuid,
    ),
];

fn is(arguments: &Arguments, fits: fn(&Value) -> bool) -> Result {
    Ok(Value::Bool(arguments.get(0).is_some_and(fits)))
}

/// References to, and documents of, a native collection.
fn is_of(arguments: &Arguments, coll: CollId) -> Result {
    Ok(Value::Bool(match arguments.get(0) {
        Some(Value::Ref(reference)) => reference.coll == coll,
        Some(Value::Document(document)) => document.reference.coll == coll,
        _ => false,
    }))
}

fn is_set(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| match value {
        Value::Set(_) => true,
        Value::Ref(reference) => is_native_collection(*reference),
        _ => false,
    })
}

fn is_number(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| {
        matches!(value, Value::Long(_) | Value::Double(_))
    })
}

fn is_integer(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| matches!(value, Value::Long(_)))
}

fn is_double(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| matches!(value, Value::Double(_)))
}

fn is_boolean(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| matches!(value, Value::Bool(_)))
}

fn is_null(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| matches!(value, Value::Null))
}

fn is_string(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| {
        matches!(value, Value::String(_) | Value::Action(_))
    })
}

fn is_bytes(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| matches!(value, Value::Bytes(_)))
}

fn is_uuid(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| matches!(value, Value::Uuid(_)))
}

fn is_timestamp(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| {
        matches!(value, Value::Time(_) | Value::TransactionTime)
    })
}

fn is_date(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| matches!(value, Value::Date(_)))
}

fn is_array(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| matches!(value, Value::Array(_)))
}

fn is_object(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| {
        matches!(
            value,
            Value::Object(_)
                | Value::Page(_)
                | Value::Document(_)
                | Value::Event(_)
                | Value::Cursor(_)
        )
    })
}

fn is_ref(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| {
        matches!(value, Value::Ref(_) | Value::Unresolved(_))
    })
}

fn is_doc(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| {
        matches!(value, Value::Ref(_) | Value::Document(_))
    })
}

fn is_lambda(_: &mut Evaluator, arguments: Arguments) -> Result {
    is(&arguments, |value| {
        matches!(value, Value::Lambda(_) | Value::Query(_))
    })
}
fn is_collection(_: &mut Evaluator, arguments: Arguments) -> Result {
    is_of(&arguments, native::COLLECTION)
}

fn is_database(_: &mut Evaluator, arguments: Arguments) -> Result {
    is_of(&arguments, native::DATABASE)
}

fn is_index(_: &mut Evaluator, arguments: Arguments) -> Result {
    is_of(&arguments, native::LEGACY_INDEX)
}

fn is_function(_: &mut Evaluator, arguments: Arguments) -> Result {
    is_of(&arguments, native::FUNCTION)
}

fn is_key(_: &mut Evaluator, arguments: Arguments) -> Result {
    is_of(&arguments, native::KEY)
}

fn is_token(_: &mut Evaluator, arguments: Arguments) -> Result {
    is_of(&arguments, native::TOKEN)
}

fn is_credentials(_: &mut Evaluator, arguments: Arguments) -> Result {
    is_of(&arguments, native::CREDENTIAL)
}

fn is_role(_: &mut Evaluator, arguments: Arguments) -> Result {
    is_of(&arguments, native::ROLE)
}
