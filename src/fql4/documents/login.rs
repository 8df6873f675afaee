//! Credentials and tokens, as logging in uses them (`spec fql4 6.14`).

use super::checks::Faults;
use super::stored::fields_stored;
use super::write::{as_server, create_in};
use crate::fql4::error::{Error, Result};
use crate::fql4::eval::Evaluator;
use crate::fql4::place::Place;
use crate::fql4::stored::reference_to_stored as reference;
use crate::fql4::value::{Object, Ref, Value};
use crate::model::native;
use crate::value::{DocId, Value as Stored};

/// The credential of a document of any database.
pub fn credential_of(me: &mut Evaluator, of: Ref) -> Result<Option<DocId>> {
    let found = lookup(me, of, native::CREDENTIAL, native::CREDENTIAL_BY_DOCUMENT)?;
    Ok(found.into_iter().next())
}

/// The tokens of a document.
pub fn tokens_of(me: &mut Evaluator, of: Ref) -> Result<Vec<DocId>> {
    lookup(me, of, native::TOKEN, native::TOKEN_BY_DOCUMENT)
}

fn lookup(
    me: &mut Evaluator,
    of: Ref,
    coll: crate::value::CollId,
    index: crate::value::IndexId,
) -> Result<Vec<DocId>> {
    let term = reference(of);
    let txn = &mut me.interp.txn;
    Ok(txn.with_scope(of.scope, |txn| txn.native_lookup(coll, index, &term, None))??)
}

/// Creates the token of a login, which needs no right of its own.
pub fn create_token(
    me: &mut Evaluator,
    document: Stored,
    params: &Object,
    place: &Place,
) -> Result {
    let mut fields = fields_stored(me, params)?;
    fields.remove("password");
    fields.insert("instance", document);
    as_server(me, |me| create_in(me, native::TOKEN, None, fields, place))
}

/// The claims of a JWT.
pub fn claims(text: &str) -> Option<Object> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    match plain(&json) {
        Value::Object(object) => Some((*object).clone()),
        _ => None,
    }
}

/// JSON as plain data.
fn plain(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(n) => Value::Long(n),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::string(text.as_str()),
        serde_json::Value::Array(items) => Value::array(items.iter().map(plain).collect()),
        serde_json::Value::Object(fields) => Value::object(
            fields
                .iter()
                .map(|(name, value)| (name.as_str().into(), plain(value)))
                .collect(),
        ),
    }
}

/// The error of a parameter of the wrong type.
pub fn wrong_type(path: &[&str], expected: &str, value: &Value, place: &Place) -> Error {
    let mut faults = Faults::default();
    let stored = match value {
        Value::Ref(of) => reference(*of),
        Value::Bool(flag) => Stored::Bool(*flag),
        Value::Long(n) => Stored::Long(*n),
        Value::Double(x) => Stored::Double(*x),
        Value::Array(_) => Stored::array(Vec::new()),
        Value::Time(time) => Stored::Time(*time),
        Value::Date(date) => Stored::Date(*date),
        _ => Stored::object(crate::value::Object::new()),
    };
    faults.wrong_type(path, expected, &stored);
    Error::validation(place, faults.into_failures())
}
