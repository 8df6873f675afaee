//! Types of references and of documents that do not exist (`spec typing A.5, A.7`).
//!
//! For the typer only: at run time a reference is a document value, and what it answers without existing is the
//! evaluator's.

use crate::fql::interp::{Effect, Member, MemberKind, Shape};

const fn typed(name: &'static str, types: &'static [&'static str]) -> Member {
    Member {
        name,
        kind: MemberKind::Static { types },
        effect: Effect::Pure,
        about: "",
        example: "",
    }
}

const fn missing(name: &'static str, members: &'static [Member]) -> Shape {
    Shape {
        name,
        alias: Some("Null"),
        about: "A document that does not exist.",
        members,
    }
}

const fn reference(name: &'static str, alias: &'static str) -> Shape {
    Shape {
        name,
        alias: Some(alias),
        about: "A document that may or may not exist.",
        members: &[],
    }
}

/// The shapes.
pub static SHAPES: [Shape; 12] = [
    reference("Ref<A>", "A | EmptyRef<A>"),
    missing(
        "EmptyRef<A>",
        &[
            typed("id", &["ID"]),
            typed("coll", &["Any"]),
            typed("exists", &["() => false"]),
        ],
    ),
    reference("NamedRef<A>", "A | EmptyNamedRef<A>"),
    missing(
        "EmptyNamedRef<A>",
        &[
            typed("name", &["String"]),
            typed("coll", &["Any"]),
            typed("exists", &["() => false"]),
        ],
    ),
    missing(
        "NullCollectionDef",
        &[
            typed("name", &["String"]),
            typed("coll", &["CollectionCollection"]),
            typed("exists", &["() => false"]),
            typed("toString", &["() => String"]),
        ],
    ),
    missing(
        "NullFunctionDef",
        &[
            typed("name", &["String"]),
            typed("coll", &["FunctionCollection"]),
            typed("exists", &["() => false"]),
            typed("toString", &["() => String"]),
        ],
    ),
    missing(
        "NullRole",
        &[
            typed("name", &["String"]),
            typed("coll", &["RoleCollection"]),
            typed("exists", &["() => false"]),
            typed("toString", &["() => String"]),
        ],
    ),
    missing(
        "NullAccessProvider",
        &[
            typed("name", &["String"]),
            typed("coll", &["AccessProviderCollection"]),
            typed("exists", &["() => false"]),
            typed("toString", &["() => String"]),
        ],
    ),
    missing(
        "NullDatabaseDef",
        &[
            typed("name", &["String"]),
            typed("coll", &["DatabaseCollection"]),
            typed("exists", &["() => false"]),
            typed("toString", &["() => String"]),
        ],
    ),
    missing(
        "NullKey",
        &[
            typed("id", &["ID"]),
            typed("coll", &["KeyCollection"]),
            typed("exists", &["() => false"]),
            typed("toString", &["() => String"]),
        ],
    ),
    missing(
        "NullCredential",
        &[
            typed("id", &["ID"]),
            typed("coll", &["CredentialCollection"]),
            typed("exists", &["() => false"]),
            typed("toString", &["() => String"]),
        ],
    ),
    missing(
        "NullToken",
        &[
            typed("id", &["ID"]),
            typed("coll", &["TokenCollection"]),
            typed("exists", &["() => false"]),
            typed("toString", &["() => String"]),
        ],
    ),
];
