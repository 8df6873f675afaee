//! `Collection`, `Function`, `Role`, `AccessProvider`, `Database`: native collections of named documents
//! (`spec schema-fsl 1.1`).

use super::collection_sets::{all, first_where, where_};
use super::document::{EXISTS, TO_STRING, by_name, collection_of, create, delete, replace, update};
use crate::fql::interp::{Effect, Failure, Interp, Member, MemberKind, Result, Shape};
use crate::value::{FunctionRef, Module, Str, Value};
use std::sync::Arc;

const fn named(overloads: &'static [&'static str], example: &'static str) -> Member {
    Member {
        name: "byName",
        kind: MemberKind::Method {
            overloads,
            call: by_name,
        },
        effect: Effect::Read,
        about: "A reference to the document of that name, whether it exists or not.",
        example,
    }
}

/// The shapes of the named native collections and their documents.
pub static SHAPES: &[&Shape] = &[
    &Shape {
        name: "CollectionCollection",
        alias: None,
        about: "The definitions of the database's collections.",
        members: &[
            create(
                &[
                    "(data: { name: String, alias: String | Null, computed_fields: { *: { body: String, signature: String | Null } } | Null, fields: { *: { signature: String, default: String | Null } } | Null, migrations: Array<{ backfill: { field: String, value: String } } | { drop: { field: String } } | { split: { field: String, to: Array<String> } } | { move: { field: String, to: String } } | { add: { field: String } } | { move_conflicts: { into: String } } | { move_wildcard: { into: String } } | { add_wildcard: {} }> | Null, wildcard: String | Null, history_days: Number | Null, ttl_days: Number | Null, document_ttls: Boolean | Null, indexes: { *: { terms: Array<{ field: String, mva: Boolean | Null }> | Null, values: Array<{ field: String, mva: Boolean | Null, order: \"asc\" | \"desc\" | Null }> | Null, queryable: Boolean | Null } } | Null, constraints: Array<{ unique: Array<String> | Array<{ field: String, mva: Boolean | Null }> } | { check: { name: String, body: String } }> | Null, data: { *: Any } | Null }) => CollectionDef",
                ],
                "Collection.create({ name: 'Customer' })",
            ),
            named(
                &["(name: String) => NamedRef<CollectionDef>"],
                "Collection.byName('Customer')",
            ),
            Member {
                name: "apply",
                kind: MemberKind::Method {
                    overloads: &["(collection: String) => Any"],
                    call: user_collection,
                },
                effect: Effect::Pure,
                about: "The user-defined collection of that name or alias.",
                example: "",
            },
            Member {
                name: "Deleted",
                kind: MemberKind::Field {
                    ty: "DeletedCollection",
                    get: |_, _| Ok(Value::Module(Module::Deleted)),
                },
                effect: Effect::Pure,
                about: "Stands for the collection of a document whose collection is gone.",
                example: "Collection.Deleted",
            },
            all(&[
                "() => Set<CollectionDef>",
                "(range: { from: Any } | { to: Any } | { from: Any, to: Any }) => Set<CollectionDef>",
            ]),
            where_(&["(pred: CollectionDef => Boolean) => Set<CollectionDef>"]),
            first_where(&["(pred: CollectionDef => Boolean) => CollectionDef | Null"]),
            TO_STRING,
        ],
    },
    &Shape {
        name: "CollectionDef",
        alias: Some(
            "{ name: String, alias: String | Null, computed_fields: { *: { body: String, signature: String | Null } }, fields: { *: { signature: String, default: String | Null } }, migrations: Array<{ backfill: { field: String, value: String } } | { drop: { field: String } } | { split: { field: String, to: Array<String> } } | { move: { field: String, to: String } } | { add: { field: String } } | { move_conflicts: { into: String } } | { move_wildcard: { into: String } } | { add_wildcard: {} }> | Null, wildcard: String, ts: Time, coll: CollectionCollection, history_days: Number | Null, ttl_days: Number | Null, document_ttls: Boolean | Null, indexes: { *: { terms: Array<{ field: String, mva: Boolean | Null }>, values: Array<{ field: String, mva: Boolean | Null, order: \"asc\" | \"desc\" | Null }>, queryable: Boolean, status: \"pending\" | \"active\" | \"failed\" } }, constraints: Array<{ *: Any }>, data: { *: Any } | Null }",
        ),
        about: "The definition of a collection.",
        members: &[
            collection_of(&["CollectionCollection"]),
            EXISTS,
            update(&["(data: { *: Any }) => CollectionDef"]),
            replace(&["(data: { *: Any }) => CollectionDef"]),
            delete(&["() => NullCollectionDef"]),
        ],
    },
    &Shape {
        name: "FunctionCollection",
        alias: None,
        about: "The definitions of the database's functions.",
        members: &[
            create(
                &[
                    "(data: { name: String, alias: String | Null, signature: String | Null, role: String | Null, body: String, data: { *: Any } | Null }) => FunctionDef",
                ],
                "Function.create({ name: 'Twice', body: 'x => x * 2' })",
            ),
            named(
                &["(name: String) => NamedRef<FunctionDef>"],
                "Function.byName('Twice')",
            ),
            Member {
                name: "apply",
                kind: MemberKind::Method {
                    overloads: &["(function: String) => Any"],
                    call: user_function,
                },
                effect: Effect::Pure,
                about: "The user-defined function of that name or alias.",
                example: "",
            },
            all(&[
                "() => Set<FunctionDef>",
                "(range: { from: Any } | { to: Any } | { from: Any, to: Any }) => Set<FunctionDef>",
            ]),
            where_(&["(pred: FunctionDef => Boolean) => Set<FunctionDef>"]),
            first_where(&["(pred: FunctionDef => Boolean) => FunctionDef | Null"]),
            TO_STRING,
        ],
    },
    &Shape {
        name: "FunctionDef",
        alias: Some(
            "{ name: String, alias: String | Null, signature: String | Null, ts: Time, coll: FunctionCollection, role: String | Null, body: String, data: { *: Any } | Null }",
        ),
        about: "The definition of a function.",
        members: &[
            collection_of(&["FunctionCollection"]),
            EXISTS,
            update(&["(data: { *: Any }) => FunctionDef"]),
            replace(&["(data: { *: Any }) => FunctionDef"]),
            delete(&["() => NullFunctionDef"]),
        ],
    },
    &Shape {
        name: "RoleCollection",
        alias: None,
        about: "The database's user-defined roles.",
        members: &[
            create(
                &[
                    "(data: { name: String, privileges: Any | Null, membership: Any | Null, data: { *: Any } | Null }) => Role",
                ],
                "Role.create({ name: 'reader' })",
            ),
            named(
                &["(name: String) => NamedRef<Role>"],
                "Role.byName('reader')",
            ),
            all(&[
                "() => Set<Role>",
                "(range: { from: Any } | { to: Any } | { from: Any, to: Any }) => Set<Role>",
            ]),
            where_(&["(pred: Role => Boolean) => Set<Role>"]),
            first_where(&["(pred: Role => Boolean) => Role | Null"]),
            TO_STRING,
        ],
    },
    &Shape {
        name: "Role",
        alias: Some(
            "{ name: String, ts: Time, coll: RoleCollection, privileges: Any, membership: Any, data: { *: Any } | Null }",
        ),
        about: "A user-defined role.",
        members: &[
            collection_of(&["RoleCollection"]),
            EXISTS,
            update(&["(data: { *: Any }) => Role"]),
            replace(&["(data: { *: Any }) => Role"]),
            delete(&["() => NullRole"]),
        ],
    },
    &Shape {
        name: "AccessProviderCollection",
        alias: None,
        about: "The issuers whose JWTs the database accepts.",
        members: &[
            create(
                &[
                    "(data: { name: String, issuer: String, jwks_uri: String, roles: String | { role: String, predicate: String } | Array<String | { role: String, predicate: String }> | Null, data: { *: Any } | Null }) => AccessProvider",
                ],
                "",
            ),
            named(
                &["(name: String) => NamedRef<AccessProvider>"],
                "AccessProvider.byName('auth0')",
            ),
            all(&[
                "() => Set<AccessProvider>",
                "(range: { from: Any } | { to: Any } | { from: Any, to: Any }) => Set<AccessProvider>",
            ]),
            where_(&["(pred: AccessProvider => Boolean) => Set<AccessProvider>"]),
            first_where(&["(pred: AccessProvider => Boolean) => AccessProvider | Null"]),
            TO_STRING,
        ],
    },
    &Shape {
        name: "AccessProvider",
        alias: Some(
            "{ name: String, ts: Time, coll: AccessProviderCollection, issuer: String, jwks_uri: String, roles: Array<{ role: String, predicate: String }>, audience: String, data: { *: Any } | Null }",
        ),
        about: "An issuer whose JWTs the database accepts.",
        members: &[
            collection_of(&["AccessProviderCollection"]),
            EXISTS,
            update(&["(data: { *: Any }) => AccessProvider"]),
            replace(&["(data: { *: Any }) => AccessProvider"]),
            delete(&["() => NullAccessProvider"]),
        ],
    },
    &Shape {
        name: "DatabaseCollection",
        alias: None,
        about: "The database's children.",
        members: &[
            create(
                &[
                    "(data: { name: String, priority: Number | Null, typechecked: Boolean | Null, protected: Boolean | Null, data: { *: Any } | Null }) => DatabaseDef",
                ],
                "Database.create({ name: 'child' })",
            ),
            named(
                &["(name: String) => NamedRef<DatabaseDef>"],
                "Database.byName('child')",
            ),
            all(&[
                "() => Set<DatabaseDef>",
                "(range: { from: Any } | { to: Any } | { from: Any, to: Any }) => Set<DatabaseDef>",
            ]),
            where_(&["(pred: DatabaseDef => Boolean) => Set<DatabaseDef>"]),
            first_where(&["(pred: DatabaseDef => Boolean) => DatabaseDef | Null"]),
            TO_STRING,
        ],
    },
    &Shape {
        name: "DatabaseDef",
        alias: Some(
            "{ name: String, ts: Time, coll: DatabaseCollection, global_id: String, priority: Number | Null, typechecked: Boolean | Null, protected: Boolean | Null, data: { *: Any } | Null }",
        ),
        about: "A child database.",
        members: &[
            collection_of(&["DatabaseCollection"]),
            EXISTS,
            update(&["(data: { *: Any }) => DatabaseDef"]),
            replace(&["(data: { *: Any }) => DatabaseDef"]),
            delete(&["() => NullDatabaseDef"]),
        ],
    },
];

fn argument(args: &[Value], name: &str) -> Result<Str> {
    match args.first() {
        Some(Value::String(text)) => Ok(text.clone()),
        other => Err(Failure::argument_type(
            name,
            "String",
            other.unwrap_or(&Value::NULL),
        )),
    }
}

fn user_collection(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let name = argument(args, "collection")?;
    match me.txn.schema().collection_named(&name) {
        Some(collection) => Ok(Value::Module(Module::Collection {
            id: collection.id,
            name,
        })),
        None => Err(me.unknown_item("collection", &name)),
    }
}

fn user_function(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let name = argument(args, "function")?;
    match me.txn.schema().function_named(&name) {
        Some(function) => Ok(Value::Function(Arc::new(FunctionRef {
            id: function.id,
            name,
        }))),
        None => Err(me.unknown_item("function", &name)),
    }
}
