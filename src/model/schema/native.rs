//! Native collections: the declared shape of the documents that make up schema and access.
//!
//! One table serves storage, validation, rendering and the static typer; there is no special store for any of them
//! (`spec schema-fsl 1, 2.1, 8.1, 9.1`, `spec access-control 2, 4, 5, 6, 7`).

use super::collection::{BackingIndex, Collection, IndexStatus, Term};
use super::field_type::{Access, Check, FieldRule, FieldType, Literal, ObjectType};
use crate::store::TxnTime;
use crate::value::{CollId, IndexId, Object, PathPart};
use std::sync::{Arc, OnceLock};

/// `Database`: child databases.
pub const DATABASE: CollId = CollId(0);
/// `Collection`: definitions of collections. A definition's id is its collection's id.
pub const COLLECTION: CollId = CollId(1);
/// `Key`: secrets of a database.
pub const KEY: CollId = CollId(2);
/// `Token`: secrets of a document.
pub const TOKEN: CollId = CollId(3);
/// Legacy index definitions, visible to FQL v4 only.
pub const LEGACY_INDEX: CollId = CollId(7);
/// `Credential`: passwords of documents.
pub const CREDENTIAL: CollId = CollId(10);
/// `Function`: definitions of functions.
pub const FUNCTION: CollId = CollId(11);
/// `Role`: user-defined roles.
pub const ROLE: CollId = CollId(12);
/// `AccessProvider`: issuers of accepted JWTs.
pub const ACCESS_PROVIDER: CollId = CollId(13);
/// Schema files, not visible to queries.
pub const SCHEMA_SOURCE: CollId = CollId(14);
/// The hidden field of a definition that tells when it was added to the schema's text, counted in writes.
pub const ORDER: &str = "internal_order";

/// The first id of a user-defined collection.
pub const FIRST_USER_COLLECTION: u64 = 1024;
/// The first id of a user-defined index; smaller ones are [`NativeIndex`]es.
pub const FIRST_USER_INDEX: u64 = 1024;

/// The declaration of a native collection.
#[derive(Debug)]
pub struct NativeCollection {
    /// Its identity.
    pub id: CollId,
    /// Its name.
    pub name: &'static str,
    /// Its documents are identified by `name` and never show an `id`.
    pub named: bool,
    /// The static type of its documents.
    pub type_name: &'static str,
    /// Its documents are part of the schema: writing one changes the schema version.
    pub schema: bool,
    /// Days of history; `None`: for ever.
    pub history_days: Option<i64>,
    /// Order of the fields in a rendered document, after `id`/`name`, `coll`, `ts`, `ttl`.
    pub display: &'static [&'static str],
    /// Its indexes.
    pub indexes: &'static [NativeIndex],
    build: fn() -> Vec<FieldRule>,
    object: OnceLock<ObjectType>,
    stored: OnceLock<ObjectType>,
}

/// An index of a native collection.
#[derive(Debug)]
pub struct NativeIndex {
    /// Its identity, below [`FIRST_USER_INDEX`].
    pub id: IndexId,
    /// Equality terms: top-level fields.
    pub terms: &'static [&'static str],
    /// No two documents share them.
    pub unique: bool,
}

/// Databases by name.
pub const DATABASE_BY_NAME: IndexId = IndexId(1);
/// Collections by name.
pub const COLLECTION_BY_NAME: IndexId = IndexId(2);
/// Functions by name.
pub const FUNCTION_BY_NAME: IndexId = IndexId(3);
/// Roles by name.
pub const ROLE_BY_NAME: IndexId = IndexId(4);
/// Access providers by name.
pub const ACCESS_PROVIDER_BY_NAME: IndexId = IndexId(5);
/// Access providers by issuer.
pub const ACCESS_PROVIDER_BY_ISSUER: IndexId = IndexId(6);
/// Keys by child database.
pub const KEY_BY_DATABASE: IndexId = IndexId(7);
/// Tokens by document.
pub const TOKEN_BY_DOCUMENT: IndexId = IndexId(8);
/// Credentials by document.
pub const CREDENTIAL_BY_DOCUMENT: IndexId = IndexId(9);
/// Legacy index definitions by name.
pub const LEGACY_INDEX_BY_NAME: IndexId = IndexId(10);
/// Schema files by name.
pub const SCHEMA_SOURCE_BY_NAME: IndexId = IndexId(11);

macro_rules! native {
    ($id:ident, $name:literal, named: $named:literal, $type_name:literal, schema: $schema:literal, history: $history:expr,
     display: [$($display:literal),*], indexes: [$(($index:ident, [$($term:literal),*], $unique:literal)),*], $build:expr) => {
        NativeCollection {
            id: $id,
            name: $name,
            named: $named,
            type_name: $type_name,
            schema: $schema,
            history_days: $history,
            display: &[$($display),*],
            indexes: &[$(NativeIndex { id: $index, terms: &[$($term),*], unique: $unique }),*],
            build: $build,
            object: OnceLock::new(),
            stored: OnceLock::new(),
        }
    };
}

static NATIVE: [NativeCollection; 10] = [
    native!(DATABASE, "Database", named: true, "DatabaseDef", schema: true, history: None,
        display: ["global_id", "protected", "data", "typechecked", "priority"],
        indexes: [(DATABASE_BY_NAME, ["name"], true)], database),
    native!(COLLECTION, "Collection", named: true, "CollectionDef", schema: true, history: None,
        display: ["ttl_days", "indexes", "data", "alias", "constraints", "document_ttls", "computed_fields", "wildcard",
            "fields", "migrations", "history_days"],
        indexes: [(COLLECTION_BY_NAME, ["name"], false)], collection),
    native!(KEY, "Key", named: false, "Key", schema: false, history: Some(0),
        display: ["secret", "database", "role", "data"],
        indexes: [(KEY_BY_DATABASE, ["database"], false)], key),
    native!(TOKEN, "Token", named: false, "Token", schema: false, history: Some(0),
        display: ["secret", "document", "data"],
        indexes: [(TOKEN_BY_DOCUMENT, ["document"], false)], token),
    native!(LEGACY_INDEX, "Index", named: true, "Index", schema: true, history: None,
        display: ["source", "terms", "values", "unique", "serialized", "partitions", "active", "data"],
        indexes: [(LEGACY_INDEX_BY_NAME, ["name"], true)], legacy_index),
    native!(CREDENTIAL, "Credential", named: false, "Credential", schema: false, history: Some(0),
        display: ["document"],
        indexes: [(CREDENTIAL_BY_DOCUMENT, ["document"], true)], credential),
    native!(FUNCTION, "Function", named: true, "FunctionDef", schema: true, history: None,
        display: ["body", "role", "data", "signature", "alias"],
        indexes: [(FUNCTION_BY_NAME, ["name"], false)], function),
    native!(ROLE, "Role", named: true, "Role", schema: true, history: None,
        display: ["privileges", "membership", "data"],
        indexes: [(ROLE_BY_NAME, ["name"], true)], role),
    native!(ACCESS_PROVIDER, "AccessProvider", named: true, "AccessProvider", schema: true, history: None,
        display: ["data", "audience", "issuer", "roles", "jwks_uri"],
        indexes: [(ACCESS_PROVIDER_BY_NAME, ["name"], true), (ACCESS_PROVIDER_BY_ISSUER, ["issuer"], true)], access_provider),
    native!(SCHEMA_SOURCE, "SchemaSource", named: true, "SchemaSource", schema: true, history: None,
        display: ["content"],
        indexes: [(SCHEMA_SOURCE_BY_NAME, ["name"], true)], schema_source),
];

/// All native collections.
pub fn all() -> &'static [NativeCollection] {
    &NATIVE
}

/// The native collection of that id.
pub fn by_id(id: CollId) -> Option<&'static NativeCollection> {
    NATIVE.iter().find(|native| native.id == id)
}

/// The native collection of that name, as FQL v10 knows it (`Credentials` is an alias).
pub fn by_name(name: &str) -> Option<&'static NativeCollection> {
    match name {
        "Credentials" => by_id(CREDENTIAL),
        "Index" | "SchemaSource" => None,
        _ => NATIVE.iter().find(|native| native.name == name),
    }
}

/// Native collections as [`Collection`]s, built once for all databases.
pub fn collections() -> &'static [Arc<Collection>] {
    static BUILT: OnceLock<Vec<Arc<Collection>>> = OnceLock::new();
    BUILT.get_or_init(|| {
        NATIVE
            .iter()
            .map(|native| Arc::new(native.to_collection()))
            .collect()
    })
}

impl NativeCollection {
    /// Its fields, `name` included, `id`, `coll`, `ts` excluded.
    pub fn object(&self) -> &ObjectType {
        self.object.get_or_init(|| ObjectType {
            fields: (self.build)(),
            wildcard: None,
        })
    }

    /// The same without `ttl`, which is stored apart.
    pub fn object_without_ttl(&self) -> &ObjectType {
        self.stored.get_or_init(|| {
            let mut fields = (self.build)();
            fields.retain(|field| &*field.name != "ttl");
            ObjectType {
                fields,
                wildcard: None,
            }
        })
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&FieldRule> {
        self.object().field(name)
    }

    /// Whether queries never see the field.
    pub fn hides(&self, name: &str) -> bool {
        self.field(name)
            .is_none_or(|field| field.access == Access::Internal)
    }

    /// Visible fields in the order of rendering, after `id` or `name`, `coll`, `ts`, `ttl`.
    pub fn display_order(&self) -> &'static [&'static str] {
        self.display
    }

    fn to_collection(&'static self) -> Collection {
        let backing = self.indexes.iter().map(|index| {
            Arc::new(BackingIndex {
                id: index.id,
                terms: index
                    .terms
                    .iter()
                    .map(|name| Term {
                        path: vec![PathPart::Field((*name).into())],
                        mva: false,
                    })
                    .collect(),
                values: Vec::new(),
                unique: index.unique,
                violated: false,
                status: IndexStatus::Complete,
            })
        });
        Collection {
            id: self.id,
            name: self.name.into(),
            alias: None,
            native: Some(self),
            ts: TxnTime(0),
            fields: Vec::new(),
            wildcard: None,
            computed: Vec::new(),
            checks: Vec::new(),
            uniques: Vec::new(),
            indexes: Vec::new(),
            backing: backing.collect(),
            history_days: self.history_days,
            ttl_days: None,
            document_ttls: Some(true),
            min_valid_time: TxnTime(0),
            migrations: Vec::new(),
            definition: Arc::new(Object::new()),
            compiled: OnceLock::new(),
        }
    }
}

fn open(name: &str, ty: FieldType) -> FieldRule {
    FieldRule::new(name, ty)
}

fn hidden(name: &str, ty: FieldType) -> FieldRule {
    FieldRule::new(name, ty.optional()).internal()
}

fn data() -> FieldRule {
    open("data", FieldType::any_record().optional())
}

/// When the definition was added to the schema's text, counted in writes.
fn order() -> FieldRule {
    hidden(ORDER, FieldType::Long)
}

fn any_lambda(min: u8, max: u8) -> Check {
    Check::Lambda {
        min,
        max,
        short: true,
    }
}

fn database() -> Vec<FieldRule> {
    use FieldType::*;
    vec![
        open("name", String).checked(Check::Identifier),
        open("global_id", Long.optional()).readonly(),
        open("priority", Long.optional()),
        open("typechecked", Boolean.optional()),
        open("protected", Boolean.optional()),
        data(),
        hidden("scope", Long),
        hidden("container", Boolean),
        hidden("disabled", Boolean),
        hidden("active_schema_version", Long),
        hidden("native_schema_version", Long),
        hidden("mvt_pins", Int),
        hidden("mvt_pin_ts", Time),
        hidden("region_group", String),
        hidden("api_version", String),
    ]
}

fn collection() -> Vec<FieldRule> {
    use FieldType::*;
    let computed = record([
        open("body", String).checked(any_lambda(1, 1)),
        open("signature", String.optional()).checked(Check::Signature),
    ]);
    let field = record([
        open("signature", String).checked(Check::SchemaType),
        // The original breaks down over text that cannot be parsed.
        open("default", String.optional()).checked(Check::Expression),
        FieldRule::new("backfill_value", Any).internal(),
    ]);
    vec![
        open("name", String),
        open("alias", String.optional()),
        open("computed_fields", computed.map_of().optional()).checked(Check::FieldNames),
        open("fields", field.map_of().optional()).checked(Check::FieldNames),
        open("migrations", migration().array().optional()),
        open("wildcard", String.optional()).checked(Check::Signature),
        open("history_days", Long.optional()).checked(Check::NonNegative),
        open("ttl_days", Long.optional()).checked(Check::NonNegative),
        open("document_ttls", Boolean.optional()),
        open("indexes", index().map_of().optional()).checked(Check::IndexNames),
        open("constraints", constraint().array().optional()),
        data(),
        hidden("backingIndexes", any_array()),
        hidden("internal_signatures", FieldType::any_record()),
        order(),
        hidden("internal_migrations", any_array()),
        hidden("has_class_index", Boolean),
        hidden("min_valid_time", Time),
    ]
}

fn migration() -> FieldType {
    use FieldType::String;
    let step = |name: &str, fields: Vec<FieldRule>| record([open(name, FieldType::record(fields))]);
    let path = |name: &str| open(name, String).checked(Check::MigrationPath);
    let paths = |name: &str| open(name, String.array()).checked(Check::MigrationPath);
    FieldType::Union(vec![
        step(
            "backfill",
            vec![
                path("field"),
                open("value", String).checked(Check::Expression),
            ],
        ),
        step("drop", vec![path("field")]),
        step("split", vec![path("field"), paths("to")]),
        step("move", vec![path("field"), path("to")]),
        step("add", vec![path("field")]),
        step("move_conflicts", vec![path("into")]),
        step("move_wildcard", vec![path("into")]),
        step("add_wildcard", vec![]),
    ])
}

fn index() -> FieldType {
    use FieldType::*;
    let terms = || {
        open(
            "terms",
            record([
                open("field", String).checked(Check::TermPath),
                open("mva", Boolean.optional()),
            ])
            .array(),
        )
    };
    let values = || {
        let order = Union(vec![
            Literal(literal("asc")),
            Literal(literal("desc")),
            Null,
        ]);
        let value = record([
            open("field", String).checked(Check::ValuePath),
            open("order", order),
            open("mva", Boolean.optional()),
        ]);
        open("values", value.array())
    };
    let with_state = |mut fields: Vec<FieldRule>| {
        fields.push(open("queryable", Boolean.optional()));
        let status = Union(vec![
            Literal(literal("building")),
            Literal(literal("complete")),
            Literal(literal("failed")),
            Null,
        ]);
        fields.push(open("status", status).readonly());
        FieldType::record(fields)
    };
    Union(vec![
        with_state(vec![terms()]),
        with_state(vec![values()]),
        with_state(vec![terms(), values()]),
    ])
}

fn constraint() -> FieldType {
    use FieldType::*;
    let check = record([
        open("name", String).checked(Check::Identifier),
        open("body", String).checked(any_lambda(1, 1)),
    ]);
    let term = record([open("field", String), open("mva", Boolean.optional())]);
    let unique = Union(vec![String.array(), term.array()]);
    Union(vec![
        record([open("check", check)]),
        record([
            open("unique", unique).checked(Check::UniqueTerms),
            open("status", String.optional()).readonly(),
        ]),
    ])
}

fn key() -> Vec<FieldRule> {
    use FieldType::*;
    vec![
        open("role", String),
        open(
            "database",
            Union(vec![String, Doc("Database".into()), Null]),
        ),
        open("ttl", Time.optional()),
        open("secret", String.optional()).readonly(),
        hidden("hashed_secret", String),
        data(),
    ]
}

fn token() -> Vec<FieldRule> {
    use FieldType::*;
    vec![
        open("document", AnyDoc).checked(Check::UserDocument),
        open("secret", String.optional()).readonly(),
        hidden("hashed_secret", String),
        hidden("global_id", Long),
        open("ttl", Time.optional()),
        data(),
    ]
}

fn credential() -> Vec<FieldRule> {
    use FieldType::*;
    vec![
        open("document", AnyDoc).checked(Check::UserDocument),
        open("password", String.optional()),
        hidden("hashed_password", String),
    ]
}

fn function() -> Vec<FieldRule> {
    use FieldType::*;
    vec![
        open("name", String),
        open("alias", String.optional()),
        open("role", String.optional()),
        open("body", Union(vec![LegacyQuery, String])).checked(Check::Lambda {
            min: 255,
            max: 255,
            short: false,
        }),
        open("signature", String.optional()).checked(Check::Signature),
        hidden("internal_sig", String),
        order(),
        data(),
    ]
}

fn role() -> Vec<FieldRule> {
    use FieldType::*;
    let predicate = |ty: FieldType, min, max| (ty.optional(), any_lambda(min, max));
    let action = |name: &str, min, max| {
        let (ty, check) = predicate(Union(vec![Boolean, String, LegacyQuery]), min, max);
        open(name, ty).checked(check)
    };
    let actions = record([
        action("read", 1, 1),
        action("write", 2, 3),
        action("create", 1, 1),
        action("create_with_id", 1, 2),
        action("delete", 1, 1),
        action("history_write", 4, 4),
        action("history_read", 1, 1),
        action("unrestricted_read", 1, 1),
        action("call", 255, 255),
    ]);
    let privilege = record([
        open("resource", String),
        open("actions", actions.optional()),
    ]);
    let (ty, check) = predicate(Union(vec![LegacyQuery, String]), 1, 1);
    let membership = record([
        open("resource", String),
        open("predicate", ty).checked(check),
    ]);
    vec![
        open("name", String).checked(Check::RoleName),
        open("privileges", privilege.zero_or_more()),
        open("membership", membership.zero_or_more()),
        order(),
        data(),
    ]
}

fn access_provider() -> Vec<FieldRule> {
    use FieldType::*;
    let with_predicate = record([
        open("role", String),
        open("predicate", Union(vec![LegacyQuery, String])).checked(any_lambda(1, 1)),
    ]);
    vec![
        open("name", String).checked(Check::Identifier),
        open("issuer", String),
        open("jwks_uri", String).checked(Check::Url),
        open("roles", Union(vec![String, with_predicate]).zero_or_more())
            .checked(Check::ProviderRoles),
        open("audience", String.optional()).readonly(),
        order(),
        data(),
    ]
}

fn legacy_index() -> Vec<FieldRule> {
    use FieldType::*;
    vec![
        open("name", String),
        open("source", Any),
        open("terms", Any),
        open("values", Any),
        open("active", Boolean.optional()),
        open("partitions", Long.optional()),
        open("unique", Boolean.optional()),
        open("serialized", Boolean.optional()),
        data(),
        hidden("backing", Any),
    ]
}

fn schema_source() -> Vec<FieldRule> {
    vec![
        open("name", FieldType::String),
        open("content", FieldType::String),
    ]
}

fn record<const N: usize>(fields: [FieldRule; N]) -> FieldType {
    FieldType::record(fields.into())
}

fn any_array() -> FieldType {
    FieldType::Any.array()
}

fn literal(text: &str) -> Literal {
    Literal::String(text.into())
}

/// The shape in the function table of a collection's documents.
pub fn document_shape(id: CollId) -> &'static str {
    by_id(id).map_or("UserDocument", |native| native.type_name)
}

/// The shape in the function table of a collection itself.
pub fn collection_shape(id: CollId) -> &'static str {
    match id {
        DATABASE => "DatabaseCollection",
        COLLECTION => "CollectionCollection",
        KEY => "KeyCollection",
        TOKEN => "TokenCollection",
        LEGACY_INDEX => "IndexCollection",
        CREDENTIAL => "CredentialCollection",
        FUNCTION => "FunctionCollection",
        ROLE => "RoleCollection",
        ACCESS_PROVIDER => "AccessProviderCollection",
        _ => "UserCollection",
    }
}
