//! Writes of schema objects (`spec fql4 6.5, 8`).

use crate::fql::interp::Effect;
use crate::fql4::documents;
use crate::fql4::error::Result;
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{Cast, Form, Versions, form, key, positional};
use crate::fql4::refs;
use crate::fql4::version::ApiVersion;
use crate::model::native;
use crate::value::CollId;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["CreateClass"],
        &[key("create_class", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        |me, arguments| create(me, arguments, native::COLLECTION, "create_class"),
    ),
    form(
        &["CreateCollection"],
        &[key("create_collection", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        |me, arguments| create(me, arguments, native::COLLECTION, "create_collection"),
    ),
    form(
        &["CreateDatabase"],
        &[key("create_database", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        |me, arguments| create(me, arguments, native::DATABASE, "create_database"),
    ),
    form(
        &["CreateIndex"],
        &[key("create_index", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        |me, arguments| create(me, arguments, native::LEGACY_INDEX, "create_index"),
    ),
    form(
        &["CreateKey"],
        &[key("create_key", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        |me, arguments| create(me, arguments, native::KEY, "create_key"),
    ),
    form(
        &["CreateFunction"],
        &[key("create_function", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        |me, arguments| create(me, arguments, native::FUNCTION, "create_function"),
    ),
    form(
        &["CreateRole"],
        &[key("create_role", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        |me, arguments| create(me, arguments, native::ROLE, "create_role"),
    ),
    form(
        &["CreateAccessProvider"],
        &[key("create_access_provider", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        |me, arguments| {
            create(
                me,
                arguments,
                native::ACCESS_PROVIDER,
                "create_access_provider",
            )
        },
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["MoveDatabase"],
        &[
            key("move_database", Cast::DatabaseRef),
            key("to", Cast::DatabaseRef),
        ],
        positional(2, 2),
        Effect::Write,
        move_database,
    ),
];

fn create(me: &mut Evaluator, arguments: Arguments, coll: CollId, verb: &'static str) -> Result {
    let params = arguments.object(0)?;
    let target = refs::native_ref(me.interp.txn.scope(), coll);
    documents::create(me, target, &params, arguments.place(), verb)
}

fn move_database(me: &mut Evaluator, arguments: Arguments) -> Result {
    let (source, to) = (arguments.reference(0)?, arguments.reference(1)?);
    documents::move_database(me, source, to, arguments.place())
}
