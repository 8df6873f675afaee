//! `Key`, `Token`, `Credential`: what secrets and passwords belong to (`spec access-control 2, 5`).

use super::collection_sets::{all, first_where, where_};
use super::document::{
    EXISTS, TO_STRING, apply, by_id, collection_of, create, delete, document, replace, update,
};
use crate::access::secret::verify_password;
use crate::fql::interp::{
    Effect, Failure, Interp, Member, MemberKind, Missing, Result, Shape, WriteMode,
};
use crate::model::native;
use crate::value::{Doc, DocId, Object, Plan, Set, Value};
use std::sync::Arc;

/// The shapes of these collections and their documents.
pub static SHAPES: &[&Shape] = &[
    &Shape {
        name: "KeyCollection",
        alias: None,
        about: "The keys of this database and of its children.",
        members: &[
            all(&[
                "() => Set<Key>",
                "(range: { from: Any } | { to: Any } | { from: Any, to: Any }) => Set<Key>",
            ]),
            where_(&["(pred: Key => Boolean) => Set<Key>"]),
            first_where(&["(pred: Key => Boolean) => Key | Null"]),
            TO_STRING,
            by_id(&["(id: ID) => Ref<Key>"]),
            create(
                &[
                    "(data: { role: String, database: String | Null, ttl: Time | Null, data: { *: Any } | Null }) => Key",
                ],
                "Key.create({ role: 'server' })",
            ),
            apply(&["(id: ID) => Ref<Key>"]),
        ],
    },
    &Shape {
        name: "Key",
        alias: Some(
            "{ id: ID, ts: Time, coll: KeyCollection, role: String, database: String | Null, ttl: Time | Null, secret: String | Null, data: { *: Any } | Null }",
        ),
        about: "A key: a secret and the role it acts with.",
        members: &[
            collection_of(&["KeyCollection"]),
            EXISTS,
            update(&["(data: { *: Any }) => Key"]),
            replace(&["(data: { *: Any }) => Key"]),
            delete(&["() => NullKey"]),
        ],
    },
    &Shape {
        name: "CredentialCollection",
        alias: None,
        about: "The passwords of this database's documents.",
        members: &[
            all(&[
                "() => Set<Credential>",
                "(range: { from: Any } | { to: Any } | { from: Any, to: Any }) => Set<Credential>",
            ]),
            where_(&["(pred: Credential => Boolean) => Set<Credential>"]),
            first_where(&["(pred: Credential => Boolean) => Credential | Null"]),
            TO_STRING,
            by_id(&["(id: ID) => Ref<Credential>"]),
            create(
                &[
                    "(data: { id: ID | Null, document: Ref<{ *: Any }>, password: String | Null, data: { *: Any } | Null }) => Credential",
                ],
                "",
            ),
            Member {
                name: "byDocument",
                kind: MemberKind::Method {
                    overloads: &["(document: { *: Any } | Null) => Ref<Credential>"],
                    call: credential_by_document,
                },
                effect: Effect::Read,
                about: "The credential of a document, whether there is one or not.",
                example: "",
            },
            apply(&["(id: ID) => Ref<Credential>"]),
        ],
    },
    &Shape {
        name: "Credential",
        alias: Some(
            "{ id: ID, ts: Time, coll: CredentialCollection, document: Ref<{ *: Any }>, data: { *: Any } | Null }",
        ),
        about: "The password of a document.",
        members: &[
            collection_of(&["CredentialCollection"]),
            EXISTS,
            update(&["(data: { *: Any }) => Credential"]),
            replace(&["(data: { *: Any }) => Credential"]),
            delete(&["() => NullCredential"]),
            Member {
                name: "login",
                kind: MemberKind::Method {
                    overloads: &[
                        "(secret: String) => Token",
                        "(secret: String, ttl: Time) => Token",
                    ],
                    call: login,
                },
                effect: Effect::Write,
                about: "Creates a token for the document, if the password is right.",
                example: "",
            },
            Member {
                name: "verify",
                kind: MemberKind::Method {
                    overloads: &["(secret: String) => Boolean"],
                    call: verify,
                },
                effect: Effect::Read,
                about: "Whether the password is right.",
                example: "",
            },
        ],
    },
    &Shape {
        name: "TokenCollection",
        alias: None,
        about: "The tokens of this database's documents.",
        members: &[
            all(&[
                "() => Set<Token>",
                "(range: { from: Any } | { to: Any } | { from: Any, to: Any }) => Set<Token>",
            ]),
            where_(&["(pred: Token => Boolean) => Set<Token>"]),
            first_where(&["(pred: Token => Boolean) => Token | Null"]),
            TO_STRING,
            by_id(&["(id: ID) => Ref<Token>"]),
            create(
                &[
                    "(data: { id: ID | Null, document: { *: Any } | Null, ttl: Time | Null, data: { *: Any } | Null }) => Token",
                ],
                "",
            ),
            Member {
                name: "byDocument",
                kind: MemberKind::Method {
                    overloads: &["(document: { *: Any }) => Set<Token>"],
                    call: tokens_by_document,
                },
                effect: Effect::Read,
                about: "The tokens of a document.",
                example: "",
            },
            apply(&["(id: ID) => Ref<Token>"]),
        ],
    },
    &Shape {
        name: "Token",
        alias: Some(
            "{ id: ID, ts: Time, coll: TokenCollection, document: { *: Any }, secret: String | Null, ttl: Time | Null, data: { *: Any } | Null }",
        ),
        about: "A token: a secret that acts as a document.",
        members: &[
            collection_of(&["TokenCollection"]),
            EXISTS,
            update(&["(data: { *: Any }) => Token"]),
            replace(&["(data: { *: Any }) => Token"]),
            delete(&["() => NullToken"]),
        ],
    },
];

/// Calls that one bcrypt counts for.
const BCRYPT: u64 = 2500;

/// The document an argument is; the parameter's static type lets other objects through.
fn document_argument(args: &[Value]) -> Result<&Arc<Doc>> {
    match args.first() {
        Some(Value::Doc(doc)) => Ok(doc),
        other => Err(Failure::argument_type(
            "document",
            "Doc",
            other.unwrap_or(&Value::NULL),
        )),
    }
}

fn tokens_by_document(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let doc = document_argument(args)?;
    let plan = Plan::Index {
        coll: native::TOKEN,
        name: "byDocument".into(),
        index: native::TOKEN_BY_DOCUMENT,
        terms: vec![Value::Doc(doc.clone())],
        range: None,
        reversed: false,
        origin: me.frame().cloned(),
    };
    Ok(Value::Set(Arc::new(Set {
        plan,
        at: me.at,
        page_size: None,
    })))
}

fn credential_by_document(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let doc = document_argument(args)?;
    let found = me.txn.native_lookup(
        native::CREDENTIAL,
        native::CREDENTIAL_BY_DOCUMENT,
        &Value::Doc(doc.clone()),
        me.at,
    )?;
    let id = found.into_iter().next().unwrap_or(DocId(-1));
    Ok(Value::Doc(me.doc(native::CREDENTIAL, id)))
}

/// Whether `password` is that of the credential; a credential without one has no right password.
fn is_password(me: &mut Interp, credential: &Arc<Doc>, password: &Value) -> Result<bool> {
    // bcrypt costs what many calls cost.
    me.work(BCRYPT)?;
    let hash = match me.read(credential)? {
        Ok(version) => version.field("hashed_password"),
        Err(missing) => return Err(missing_credential(me, credential, missing)),
    };
    Ok(match (hash, password) {
        (Some(Value::String(hash)), Value::String(password)) => verify_password(password, &hash),
        _ => false,
    })
}

fn missing_credential(me: &mut Interp, credential: &Arc<Doc>, missing: Missing) -> Failure {
    me.missing_access(credential, &missing, "verify")
}

fn verify(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let credential = document(this)?.clone();
    Ok(Value::Bool(is_password(me, &credential, &args[0])?))
}

fn login(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let credential = document(this)?.clone();
    if !is_password(me, &credential, &args[0])? {
        return Err(Failure::new(
            "invalid_secret",
            "Provided secret did not match.",
        ));
    }
    let document = me
        .doc_field(&credential, "document")?
        .unwrap_or(Value::NULL);
    let mut token = Object::new();
    token.insert("document", document);
    if let Some(ttl) = args.get(1) {
        token.insert("ttl", ttl.clone());
    }
    me.create_document(native::TOKEN, &token, WriteMode::Fields)
        .map(Value::Doc)
}
