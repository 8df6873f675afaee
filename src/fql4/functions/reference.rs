//! References (`spec fql4 6.1`).

use crate::fql::interp::Effect;
use crate::fql4::error::{Collected, Error, Result};
use crate::fql4::eval::{Arguments, Evaluator, Expected};
use crate::fql4::forms::{Cast, Form, TextRule, Versions, form, key, optional, positional};
use crate::fql4::names::id_fault;
use crate::fql4::refs;
use crate::fql4::value::{NameRef, Ref, Value};
use crate::fql4::version::ApiVersion;
use crate::model::native;
use crate::value::{CollId, DocId};
use std::sync::Arc;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Ref"],
        &[
            key("ref", Cast::Any),
            key("id", Cast::Any),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::Ref,
        Effect::Pure,
        reference,
    ),
    form(
        &["Database"],
        &[
            key("database", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        |me, arguments| named(me, arguments, native::DATABASE),
    ),
    form(
        &["Collection"],
        &[
            key("collection", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        |me, arguments| named(me, arguments, native::COLLECTION),
    ),
    form(
        &["Class"],
        &[
            key("class", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        |me, arguments| named(me, arguments, native::COLLECTION),
    ),
    form(
        &["Index"],
        &[
            key("index", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        |me, arguments| named(me, arguments, native::LEGACY_INDEX),
    ),
    form(
        &["Function"],
        &[
            key("function", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        |me, arguments| named(me, arguments, native::FUNCTION),
    ),
    form(
        &["Role"],
        &[
            key("role", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        |me, arguments| named(me, arguments, native::ROLE),
    ),
    form(
        &["AccessProvider"],
        &[
            key("access_provider", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        positional(1, 1),
        Effect::Pure,
        |me, arguments| named(me, arguments, native::ACCESS_PROVIDER),
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["Databases"],
        &[key("databases", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        |me, arguments| native_collection(me, arguments, native::DATABASE),
    ),
    form(
        &["Collections"],
        &[key("collections", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        |me, arguments| native_collection(me, arguments, native::COLLECTION),
    ),
    form(
        &["Classes"],
        &[key("classes", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        |me, arguments| native_collection(me, arguments, native::COLLECTION),
    ),
    form(
        &["Indexes"],
        &[key("indexes", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        |me, arguments| native_collection(me, arguments, native::LEGACY_INDEX),
    ),
    form(
        &["Functions"],
        &[key("functions", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        |me, arguments| native_collection(me, arguments, native::FUNCTION),
    ),
    form(
        &["Roles"],
        &[key("roles", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        |me, arguments| native_collection(me, arguments, native::ROLE),
    ),
    form(
        &["Keys"],
        &[key("keys", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        |me, arguments| native_collection(me, arguments, native::KEY),
    ),
    form(
        &["Tokens"],
        &[key("tokens", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        |me, arguments| native_collection(me, arguments, native::TOKEN),
    ),
    form(
        &["Credentials"],
        &[key("credentials", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        |me, arguments| native_collection(me, arguments, native::CREDENTIAL),
    ),
    form(
        &["AccessProviders"],
        &[key("access_providers", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        |me, arguments| native_collection(me, arguments, native::ACCESS_PROVIDER),
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["NewId"],
        &[key("new_id", Cast::Null)],
        TextRule::Nothing,
        Effect::Write,
        new_id,
    ),
    form(
        &["NextId"],
        &[key("next_id", Cast::Null)],
        TextRule::Nothing,
        Effect::Write,
        new_id,
    ),
];

/// The collection that a document reference is made of.
enum Collection {
    Known(Ref, CollId),
    Unknown(Arc<NameRef>),
}

fn reference(me: &mut Evaluator, arguments: Arguments) -> Result {
    let mut collected = Collected::default();
    let collection = collected.take(collection(&arguments));
    let id = collected.take(document_id(&arguments));
    let scope = match arguments.get(2) {
        Some(Value::Ref(database)) => Some(database.scope),
        _ => None,
    };
    let (Some(collection), Some(id)) = collected.finish((collection, id))? else {
        return Ok(Value::Null);
    };
    let _ = me;
    Ok(match collection {
        Collection::Known(of, coll) => Value::Ref(Ref {
            scope: scope.unwrap_or(of.scope),
            coll,
            id,
        }),
        Collection::Unknown(collection) => {
            Value::Unresolved(Arc::new(NameRef::Document { collection, id }))
        }
    })
}

fn collection(arguments: &Arguments) -> Result<Collection> {
    let place = arguments.at(0);
    match arguments.value(0) {
        Value::Ref(of) => match refs::coll_of(of) {
            Some(coll) if native::is_named(coll) => Err(Error::argument(
                &place,
                "Regular Class Ref expected, Schema Class Ref provided.",
            )
            .into()),
            Some(coll) => Ok(Collection::Known(of, coll)),
            None => Err(Expected(&["Collection Ref"])
                .error(&Value::Ref(of), &place)
                .into()),
        },
        Value::Unresolved(name) if is_user_collection(&name) => Ok(Collection::Unknown(name)),
        other => Err(Expected(&["Collection Ref"]).error(&other, &place).into()),
    }
}

fn is_user_collection(name: &NameRef) -> bool {
    matches!(name, NameRef::Named { coll, .. } if *coll == native::COLLECTION)
}

fn document_id(arguments: &Arguments) -> Result<DocId> {
    let place = arguments.at(1);
    match arguments.value(1) {
        Value::Long(id) => Ok(DocId(id)),
        Value::String(text) => match text.parse::<i64>() {
            Ok(id) => Ok(DocId(id)),
            Err(_) => Err(Error::argument(&place, id_fault(&text)).into()),
        },
        other => Err(Expected(&["String", "Number"]).error(&other, &place).into()),
    }
}

fn named(me: &mut Evaluator, arguments: Arguments, coll: CollId) -> Result {
    let name = arguments.string(0)?;
    let own = me.interp.txn.scope();
    let scope = match arguments.get(1) {
        Some(Value::Ref(database)) => refs::database_scope(me, *database)?,
        _ => Some(own),
    };
    let found = match scope {
        Some(scope) => refs::lookup(me, scope, coll, &name)?.map(|id| Ref { scope, coll, id }),
        None => None,
    };
    if let Some(found) = found {
        return Ok(Value::Ref(found));
    }
    // An unknown name keeps the name of its database, not where that one lies.
    let database = match (scope, arguments.get(1)) {
        (Some(scope), Some(Value::Ref(database))) if scope != own => refs::name_of(me, *database)?
            .map(|name| Arc::new(NameRef::named(native::DATABASE, name))),
        _ => None,
    };
    Ok(Value::Unresolved(Arc::new(NameRef::Named {
        coll,
        name,
        scope: database,
    })))
}

fn native_collection(me: &mut Evaluator, arguments: Arguments, coll: CollId) -> Result {
    let scope = match arguments.get(0) {
        Some(Value::Ref(database)) => match refs::database_scope(me, *database)? {
            Some(scope) => scope,
            None => {
                return Err(Expected(&["Database Ref"])
                    .error(&Value::Ref(*database), &arguments.place().at("scope"))
                    .into());
            }
        },
        _ => me.interp.txn.scope(),
    };
    Ok(Value::Ref(refs::native_ref(scope, coll)))
}

fn new_id(me: &mut Evaluator, _: Arguments) -> Result {
    let id = me.interp.txn.model().new_id();
    Ok(Value::string(id.0.to_string()))
}
