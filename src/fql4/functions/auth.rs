//! Logging in, and who is logged in (`spec fql4 6.14`).

use crate::access::Login;
use crate::access::secret::verify_password;
use crate::fql::interp::Effect;
use crate::fql4::documents;
use crate::fql4::error::{Code, Error, Result, Stop};
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{Cast, Form, TextRule, Versions, form, key, positional};
use crate::fql4::sets;
use crate::fql4::value::{Ref, Value};
use crate::fql4::version::ApiVersion;
use crate::model::native;
use crate::value::Value as Stored;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Login"],
        &[key("login", Cast::Identifier), key("params", Cast::Object)],
        positional(2, 2),
        Effect::Write,
        login,
    ),
    form(
        &["Logout"],
        &[key("logout", Cast::Boolean)],
        positional(1, 1),
        Effect::Write,
        logout,
    ),
    form(
        &["Identify"],
        &[
            key("identify", Cast::Identifier),
            key("password", Cast::String),
        ],
        positional(2, 2),
        Effect::Read,
        identify,
    ),
    form(
        &["Identity"],
        &[key("identity", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        current_identity,
    ),
    form(
        &["HasIdentity"],
        &[key("has_identity", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        has_current_identity,
    ),
    form(
        &["CurrentIdentity"],
        &[key("current_identity", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        current_identity,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["HasCurrentIdentity"],
        &[key("has_current_identity", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        has_current_identity,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["CurrentToken"],
        &[key("current_token", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        current_token,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["HasCurrentToken"],
        &[key("has_current_token", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        has_current_token,
    )
    .only(Versions::from(ApiVersion::V4)),
];

/// The document that a reference or set means; `None` for an empty set. Nobody logs in to the past.
fn document(me: &mut Evaluator, arguments: &Arguments) -> Result<Option<Ref>> {
    match arguments.value(0) {
        Value::Set(set) => {
            let key = arguments.at(0);
            me.reading_at(None, |me| sets::head(me, &set, &key))
        }
        _ => arguments.reference(0).map(Some),
    }
}

/// The document of a credential whose password is right.
fn verified(me: &mut Evaluator, of: Ref, password: &str) -> Result<Option<Stored>> {
    /// Calls that a hash costs.
    const HASH: u64 = 2500;
    me.interp.work(HASH)?;
    let Some(id) = documents::credential_of(me, of)? else {
        return Ok(None);
    };
    let txn = &mut me.interp.txn;
    let found = txn.with_scope(of.scope, |txn| txn.get(native::CREDENTIAL, id, None))??;
    let Some(credential) = found else {
        return Ok(None);
    };
    match (
        credential.field("hashed_password"),
        credential.field("document"),
    ) {
        (Some(Stored::String(hash)), Some(document)) if verify_password(password, &hash) => {
            Ok(Some(document))
        }
        _ => Ok(None),
    }
}

fn login(me: &mut Evaluator, arguments: Arguments) -> Result {
    let params = arguments.object(1)?;
    let refused = |me: &Evaluator| -> Stop {
        let what = match me.version < ApiVersion::V27 {
            true => "instance",
            false => "document",
        };
        let text = format!("The {what} was not found or provided password was incorrect.");
        Error::new(Code::AuthenticationFailed, arguments.place(), text).into()
    };
    let Some(of) = document(me, &arguments)? else {
        return Err(refused(me));
    };
    let has_credential = documents::credential_of(me, of)?.is_some();
    let password = match params.get("password") {
        None | Some(Value::Null) => None,
        Some(Value::String(password)) => Some(password.clone()),
        Some(_) if !has_credential => None,
        Some(other) => {
            return Err(
                documents::wrong_type(&["password"], "String", other, arguments.place()).into(),
            );
        }
    };
    let verified = match password {
        Some(password) => verified(me, of, &password)?,
        None => None,
    };
    let Some(document) = verified else {
        return Err(refused(me));
    };
    documents::create_token(me, document, &params, arguments.place())
}

fn identify(me: &mut Evaluator, arguments: Arguments) -> Result {
    let password = arguments.string(1)?;
    let found = match document(me, &arguments)? {
        Some(of) => verified(me, of, &password)?,
        None => None,
    };
    Ok(Value::Bool(found.is_some()))
}

fn logout(me: &mut Evaluator, arguments: Arguments) -> Result {
    let principal = me.interp.principal.clone();
    match (arguments.boolean(0)?, &principal.login, principal.identity) {
        (true, _, Some((coll, id))) => {
            let scope = me.interp.txn.scope();
            let tokens = documents::tokens_of(me, Ref { scope, coll, id })?;
            for token in tokens {
                me.interp.txn.delete(native::TOKEN, token)?;
            }
            Ok(Value::Bool(true))
        }
        (false, Login::Token(token), _) => {
            me.interp.txn.delete(native::TOKEN, *token)?;
            Ok(Value::Bool(true))
        }
        _ => Ok(Value::Bool(false)),
    }
}

/// The document that acts, or the subject of a JWT.
fn identity(me: &Evaluator) -> Option<Value> {
    let principal = &me.interp.principal;
    match (&principal.login, principal.identity) {
        (Login::Jwt(claims), _) => documents::claims(claims)?.get("sub").cloned(),
        (_, Some((coll, id))) => {
            let scope = me.interp.txn.scope();
            Some(Value::Ref(Ref { scope, coll, id }))
        }
        _ => None,
    }
}

fn current_identity(me: &mut Evaluator, arguments: Arguments) -> Result {
    identity(me).ok_or_else(|| {
        let text = "Authentication does not contain an identity";
        Error::new(Code::MissingIdentity, arguments.place(), text).into()
    })
}

fn has_current_identity(me: &mut Evaluator, _: Arguments) -> Result {
    Ok(Value::Bool(identity(me).is_some()))
}

/// The token or key of this database that acts, or the claims of a JWT.
fn token(me: &Evaluator) -> Option<Value> {
    let scope = me.interp.txn.scope();
    let of = |coll, id| Some(Value::Ref(Ref { scope, coll, id }));
    match &me.interp.principal.login {
        Login::Token(id) => of(native::TOKEN, *id),
        Login::Key(owner, id) if *owner == scope => of(native::KEY, *id),
        Login::Jwt(claims) => documents::claims(claims).map(Value::object),
        Login::Key(..) | Login::Root => None,
    }
}

fn current_token(me: &mut Evaluator, arguments: Arguments) -> Result {
    token(me).ok_or_else(|| {
        let text = "Token metadata is not accessible.";
        Error::new(Code::InvalidToken, arguments.place(), text).into()
    })
}

fn has_current_token(me: &mut Evaluator, _: Arguments) -> Result {
    Ok(Value::Bool(token(me).is_some()))
}
