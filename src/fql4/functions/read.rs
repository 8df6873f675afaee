//! Reads of documents (`spec fql4 6.4`).

use crate::access::secret::{Decoded, decode, verify_password};
use crate::fql::interp::Effect;
use crate::fql4::documents;
use crate::fql4::error::{Code, Error, Result, Stop};
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{Cast, Form, form, key, optional, positional};
use crate::fql4::sets;
use crate::fql4::value::{Ref, Value};
use crate::model::native;
use crate::value::DocId;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Get"],
        &[
            key("get", Cast::Identifier),
            optional("ts", Cast::TransactionTimestamp),
        ],
        positional(1, 2),
        Effect::Read,
        get,
    ),
    form(
        &["Exists"],
        &[
            key("exists", Cast::IdentifierOrUnresolved),
            optional("ts", Cast::TransactionTimestamp),
        ],
        positional(1, 2),
        Effect::Read,
        exists,
    ),
    form(
        &["KeyFromSecret"],
        &[key("key_from_secret", Cast::String)],
        positional(1, 1),
        Effect::Read,
        key_from_secret,
    ),
];

fn get(me: &mut Evaluator, arguments: Arguments) -> Result {
    let place = arguments.place().clone();
    let target = arguments.value(0);
    me.reading_as_told(arguments.get(1), |me| {
        let reference = match &target {
            Value::Set(set) => match sets::head(me, set, &arguments.at(0))? {
                Some(first) => first,
                None => return Err(Error::not_found(&place, "Set").into()),
            },
            _ => arguments.reference(0)?,
        };
        let at = me.interp.at;
        documents::get(me, reference, at, &place)
    })
}

fn exists(me: &mut Evaluator, arguments: Arguments) -> Result {
    let target = arguments.value(0);
    me.reading_as_told(arguments.get(1), |me| {
        let exists = match &target {
            Value::Set(set) => sets::is_nonempty(me, set, &arguments.at(0))?,
            Value::Ref(reference) => {
                let at = me.interp.at;
                documents::exists(me, *reference, at)?
            }
            _ => false,
        };
        Ok(Value::Bool(exists))
    })
}

fn key_from_secret(me: &mut Evaluator, arguments: Arguments) -> Result {
    let secret = arguments.string(0)?;
    let unknown = || -> Stop {
        let text = format!("No key found for secret {secret}.");
        Error::new(Code::Unusable, arguments.place(), text).into()
    };
    let Some(found) = holder(me, &secret)? else {
        return Err(unknown());
    };
    match documents::get(me, found, None, arguments.place()) {
        Err(Stop::Errors(_)) => Err(unknown()),
        other => other,
    }
}

/// The key or token that a secret belongs to.
fn holder(me: &mut Evaluator, secret: &str) -> Result<Option<Ref>> {
    let (coll, id, scopes, random) = match decode(secret) {
        Some(Decoded::Key { id, random }) => {
            let owners = me.interp.txn.key_owners(DocId(id))?;
            (native::KEY, DocId(id), owners, random)
        }
        Some(Decoded::Token {
            id,
            database,
            random,
        }) => {
            let scope = me.interp.txn.scope_of_global_id(database as u64)?;
            (
                native::TOKEN,
                DocId(id),
                scope.into_iter().collect(),
                random,
            )
        }
        None => return Ok(None),
    };
    for scope in scopes {
        let txn = &mut me.interp.txn;
        let found = txn.with_scope(scope, |txn| txn.get(coll, id, None))??;
        let hash = found.and_then(|version| version.field("hashed_secret"));
        if let Some(crate::value::Value::String(hash)) = hash
            && verify_password(&random, &hash)
        {
            return Ok(Some(Ref { scope, coll, id }));
        }
    }
    Ok(None)
}
