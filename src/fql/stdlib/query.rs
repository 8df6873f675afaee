//! The module `Query` (`spec fql10-stdlib 12`): who asks, and how the database is set up.

use super::method;
use crate::access::{Login, Permissions};
use crate::fql::interp::{Failure, Interp, Result, Shape};
use crate::model::native;
use crate::value::{NullReason, Value};
use serde_json::Value as Json;

pub(super) static SHAPES: &[&Shape] = &[&Shape {
    name: "QueryModule",
    alias: None,
    about: "The query itself.",
    members: &[
        method(
            "identity",
            &["() => { *: Any } | Null"],
            identity,
            "The document that the token belongs to, or null.",
            "Query.identity()",
        ),
        method(
            "token",
            &["() => { *: Any } | { *: Any } | Null"],
            token,
            "The token, or the payload of the JWT, or null.",
            "Query.token()",
        ),
        method(
            "isEnvTypechecked",
            &["() => Boolean"],
            is_typechecked,
            "Whether the database checks types.",
            "Query.isEnvTypechecked()",
        ),
        method(
            "isEnvProtected",
            &["() => Boolean"],
            is_protected,
            "Whether the database is protected.",
            "Query.isEnvProtected()",
        ),
    ],
}];

fn identity(me: &mut Interp, _: &Value, _: &[Value]) -> Result {
    Ok(match me.principal.identity {
        Some((coll, id)) => Value::Doc(me.doc(coll, id)),
        None => me.null(NullReason::NoSuchElement("missing identity")),
    })
}

fn token(me: &mut Interp, _: &Value, _: &[Value]) -> Result {
    let payload = match &me.principal.login {
        Login::Token(id) => return Ok(Value::Doc(me.doc(native::TOKEN, *id))),
        Login::Jwt(claims) => serde_json::from_str::<Json>(claims).ok(),
        Login::Root | Login::Key(..) => None,
    };
    Ok(match payload {
        Some(payload) => from_json(&payload),
        None => me.null(NullReason::NoSuchElement("no token")),
    })
}

/// Integers are Longs, fractions Doubles.
fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::NULL,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => match n.as_i64() {
            Some(n) => Value::Long(n),
            None => Value::Double(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(s) => Value::string(s.as_str()),
        Json::Array(items) => Value::array(items.iter().map(from_json).collect()),
        Json::Object(fields) => Value::object(
            fields
                .iter()
                .map(|(k, v)| (k.as_str(), from_json(v)))
                .collect(),
        ),
    }
}

/// The flag of the database or its nearest ancestor that has it.
fn inherited(me: &mut Interp, flag: &str) -> Result<Option<bool>> {
    let scope = me.txn.scope();
    let path = me.txn.database_path(scope)?.unwrap_or_default();
    Ok(path
        .iter()
        .rev()
        .find_map(|(_, _, database)| match database.field(flag) {
            Some(Value::Bool(set)) => Some(set),
            _ => None,
        }))
}

fn is_typechecked(me: &mut Interp, _: &Value, _: &[Value]) -> Result {
    Ok(Value::Bool(inherited(me, "typechecked")?.unwrap_or(true)))
}

fn is_protected(me: &mut Interp, _: &Value, _: &[Value]) -> Result {
    if me.principal.permissions != Permissions::Admin {
        return Err(Failure::permission_denied());
    }
    Ok(Value::Bool(inherited(me, "protected")?.unwrap_or(false)))
}
