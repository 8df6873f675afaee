//! From definition documents to a [`Schema`].
//!
//! Definitions were validated when they were written, so loading is forgiving: what it cannot read, it leaves out.

use super::collection::{
    BackingIndex, CheckConstraint, Collection, ComputedField, FieldDef, IndexDef, IndexStatus,
    Term, UniqueConstraint, ValueDef,
};
use super::function::Function;
use super::legacy_index::{self, LegacyIndex};
use super::migration_codec;
use super::native;
use super::path;
use super::role::{
    AccessProvider, Action, Grant, Membership, Predicate, Privilege, Role, RoleRef, RoleResource,
};
use super::text::{ExprText, LambdaText, TypeText};
use crate::FastMap;
use crate::store::TxnTime;
use crate::value::{CollId, DocId, DocKey, IndexId, Object, Str, Value};
use std::sync::{Arc, OnceLock};

/// The schema of one database at one schema version. Immutable and shared.
#[derive(Debug, Default)]
pub struct Schema {
    /// Time of the last schema write in microseconds; 0 if there was none.
    pub version: i64,
    collections: FastMap<CollId, Arc<Collection>>,
    functions: FastMap<DocId, Arc<Function>>,
    roles: FastMap<Str, Arc<Role>>,
    providers: FastMap<Str, Arc<AccessProvider>>,
    legacy_indexes: Vec<Arc<LegacyIndex>>,
    legacy_by_source: legacy_index::BySource,
    legacy_wildcards: Vec<Arc<LegacyIndex>>,
    names: FastMap<Str, Item>,
    aliases: FastMap<Str, Item>,
    staged: Option<Arc<Schema>>,
}

/// What a free identifier may mean.
#[derive(Clone, Debug)]
pub enum Item {
    /// A collection.
    Collection(Arc<Collection>),
    /// A function.
    Function(Arc<Function>),
}

/// A definition document as stored.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The native collection it is a document of.
    pub coll: CollId,
    /// Its id.
    pub id: DocId,
    /// Its fields, internal ones included.
    pub fields: Arc<Object>,
    /// Its commit time.
    pub ts: TxnTime,
}

impl Schema {
    /// The schema that `definitions` make up. Items that `previous` knows with the same time are shared with it, and so
    /// keep their parsed texts.
    pub fn load(
        version: i64,
        definitions: impl IntoIterator<Item = Definition>,
        previous: Option<&Schema>,
    ) -> Schema {
        let mut schema = Schema {
            version,
            ..Schema::default()
        };
        for definition in definitions {
            match definition.coll {
                native::COLLECTION => {
                    let id = CollId(definition.id.0.max(0) as u64);
                    let known = previous
                        .and_then(|p| p.collections.get(&id))
                        .filter(|c| same(&c.definition, c.ts, &definition))
                        .filter(|c| same_indexes(c, &definition));
                    let collection = known
                        .cloned()
                        .unwrap_or_else(|| Arc::new(load_collection(id, &definition)));
                    schema.name(
                        collection.name.clone(),
                        collection.alias.clone(),
                        Item::Collection(collection.clone()),
                    );
                    schema.collections.insert(id, collection);
                }
                native::FUNCTION => {
                    let known = previous
                        .and_then(|p| p.functions.get(&definition.id))
                        .filter(|f| same(&f.definition, f.ts, &definition));
                    let function = known
                        .cloned()
                        .unwrap_or_else(|| Arc::new(load_function(&definition)));
                    schema.name(
                        function.name.clone(),
                        function.alias.clone(),
                        Item::Function(function.clone()),
                    );
                    schema.functions.insert(definition.id, function);
                }
                native::ROLE => {
                    let role = load_role(&definition);
                    schema.roles.insert(role.name.clone(), Arc::new(role));
                }
                native::LEGACY_INDEX => {
                    let index = Arc::new(LegacyIndex::load(&definition));
                    schema.legacy_indexes.push(index);
                }
                native::ACCESS_PROVIDER => {
                    let provider = load_provider(&definition);
                    schema
                        .providers
                        .insert(provider.name.clone(), Arc::new(provider));
                }
                _ => {}
            }
        }
        schema.legacy_indexes.sort_by_key(|index| index.id);
        let native = native::collections().iter().map(|native| native.id);
        let known = native.chain(schema.collections.keys().copied());
        schema.legacy_by_source = legacy_index::by_source(&schema.legacy_indexes, known);
        let wild = schema.legacy_indexes.iter();
        schema.legacy_wildcards = wild
            .filter(|index| index.named_sources().1)
            .cloned()
            .collect();
        schema
    }

    /// The same, with another schema staged beside it.
    pub(crate) fn with_staged(mut self, staged: Schema) -> Schema {
        self.staged = Some(Arc::new(staged));
        self
    }

    /// The schema that is staged: what definitions say now, while this one is in force.
    pub fn staged(&self) -> Option<&Arc<Schema>> {
        self.staged.as_ref()
    }

    /// What definitions say: the staged schema if there is one, else this.
    pub fn latest(&self) -> &Schema {
        self.staged.as_deref().unwrap_or(self)
    }

    /// The schema that a definition belongs to: this, or the latest.
    pub(crate) fn around(&self, collection: &Arc<Collection>) -> &Schema {
        match self.collection(collection.id) {
            Some(own) if Arc::ptr_eq(own, collection) => self,
            Some(_) | None => self.latest(),
        }
    }

    /// The definition that a physical index of a collection belongs to, that in force before the staged one.
    pub(crate) fn with_index(
        &self,
        coll: CollId,
        index: IndexId,
    ) -> Option<(Arc<Collection>, BackingIndex)> {
        let schemas = [Some(self), self.staged.as_deref()];
        schemas.into_iter().flatten().find_map(|schema| {
            let collection = schema.collection(coll)?;
            let found = collection.backing_index(index)?;
            Some((collection.clone(), (**found).clone()))
        })
    }

    fn name(&mut self, name: Str, alias: Option<Str>, item: Item) {
        if let Some(alias) = alias {
            insert_item(&mut self.aliases, alias, item.clone());
        }
        insert_item(&mut self.names, name, item);
    }

    /// The collection of that id, native or user-defined.
    pub fn collection(&self, id: CollId) -> Option<&Arc<Collection>> {
        match id.0 < native::FIRST_USER_COLLECTION {
            true => native::collections().iter().find(|known| known.id == id),
            false => self.collections.get(&id),
        }
    }

    /// The user-defined collection of that name or alias.
    pub fn collection_named(&self, name: &str) -> Option<&Arc<Collection>> {
        [&self.names, &self.aliases]
            .into_iter()
            .find_map(|map| match map.get(name) {
                Some(Item::Collection(collection)) => Some(collection),
                Some(Item::Function(_)) | None => None,
            })
    }

    /// The function of that id.
    pub fn function(&self, id: DocId) -> Option<&Arc<Function>> {
        self.functions.get(&id)
    }

    /// The function of that name or alias.
    pub fn function_named(&self, name: &str) -> Option<&Arc<Function>> {
        [&self.names, &self.aliases]
            .into_iter()
            .find_map(|map| match map.get(name) {
                Some(Item::Function(function)) => Some(function),
                Some(Item::Collection(_)) | None => None,
            })
    }

    /// What a free identifier means: a collection or function by name or alias.
    pub fn item(&self, name: &str) -> Option<&Item> {
        self.names.get(name).or_else(|| self.aliases.get(name))
    }

    /// The role of that name.
    pub fn role(&self, name: &str) -> Option<&Arc<Role>> {
        self.roles.get(name)
    }

    /// The role with that definition.
    pub fn role_with_id(&self, id: DocId) -> Option<&Arc<Role>> {
        self.roles.values().find(|role| role.id == id)
    }

    /// The name of a role that something refers to; a name as it is, a definition's if it is there.
    pub fn role_name(&self, role: &RoleRef) -> Option<Str> {
        match role {
            RoleRef::Name(name) => Some(name.clone()),
            RoleRef::Id(id) => Some(self.role_with_id(*id)?.name.clone()),
        }
    }

    /// The access provider of that name.
    pub fn provider(&self, name: &str) -> Option<&Arc<AccessProvider>> {
        self.providers.get(name)
    }

    /// The index of FQL v4 of that name.
    pub fn legacy_index_named(&self, name: &str) -> Option<&Arc<LegacyIndex>> {
        self.legacy_indexes
            .iter()
            .find(|index| &*index.name == name)
    }

    /// The index of FQL v4 of that id.
    pub fn legacy_index(&self, id: IndexId) -> Option<&Arc<LegacyIndex>> {
        let at = self
            .legacy_indexes
            .binary_search_by_key(&id, |index| index.id);
        at.ok().and_then(|at| self.legacy_indexes.get(at))
    }

    /// The indexes of FQL v4, in creation order.
    pub fn legacy_indexes(&self) -> &[Arc<LegacyIndex>] {
        &self.legacy_indexes
    }

    /// The indexes of FQL v4 that are over a collection. One that is not known yet is in those over all.
    pub fn legacy_indexes_of(&self, coll: CollId) -> &[Arc<LegacyIndex>] {
        match self.legacy_by_source.get(&coll) {
            Some(found) => found,
            None if self.collection(coll).is_some() => &[],
            None => &self.legacy_wildcards,
        }
    }

    /// User-defined collections in creation order.
    pub fn collections(&self) -> Vec<&Arc<Collection>> {
        let mut all: Vec<_> = self.collections.values().collect();
        all.sort_by_key(|collection| collection.id);
        all
    }

    /// Functions in creation order.
    pub fn functions(&self) -> Vec<&Arc<Function>> {
        let mut all: Vec<_> = self.functions.values().collect();
        all.sort_by_key(|function| function.id);
        all
    }

    /// Roles in creation order.
    pub fn roles(&self) -> Vec<&Arc<Role>> {
        let mut all: Vec<_> = self.roles.values().collect();
        all.sort_by_key(|role| role.id);
        all
    }

    /// Access providers in creation order.
    pub fn providers(&self) -> Vec<&Arc<AccessProvider>> {
        let mut all: Vec<_> = self.providers.values().collect();
        all.sort_by_key(|provider| provider.id);
        all
    }
}

/// Whether a loaded item was made from this very document.
fn same(loaded: &Arc<Object>, ts: TxnTime, definition: &Definition) -> bool {
    Arc::ptr_eq(loaded, &definition.fields) || (ts == definition.ts && ts != TxnTime(0))
}

/// Whether the physical indexes are as they were: their building goes on without the definition being written.
fn same_indexes(loaded: &Collection, definition: &Definition) -> bool {
    let stored = elements(&definition.fields, "backingIndexes")
        .filter_map(as_object)
        .filter_map(load_backing);
    stored.eq(loaded.backing.iter().map(|index| (**index).clone()))
}

/// Collections win over functions, should two items ever bear one name.
fn insert_item(map: &mut FastMap<Str, Item>, name: Str, item: Item) {
    match item {
        Item::Collection(_) => {
            map.insert(name, item);
        }
        Item::Function(_) => {
            map.entry(name).or_insert(item);
        }
    }
}

/// One collection from its definition document.
pub fn load_collection(id: CollId, definition: &Definition) -> Collection {
    let doc = &definition.fields;
    let name = text(doc, "name").unwrap_or_default();
    let backing: Vec<Arc<BackingIndex>> = elements(doc, "backingIndexes")
        .filter_map(as_object)
        .filter_map(load_backing)
        .map(Arc::new)
        .collect();
    let mut checks = Vec::new();
    let mut uniques = Vec::new();
    for constraint in elements(doc, "constraints").filter_map(as_object) {
        if let Some(check) = object(constraint, "check") {
            let name = text(check, "name").unwrap_or_default();
            let body = LambdaText::new(
                format!("*check_constraint:{name}*"),
                text(check, "body").unwrap_or_default(),
            );
            checks.push(CheckConstraint { name, body });
        } else if let Some(Value::Array(unique)) = constraint.get("unique") {
            let terms: Vec<Term> = unique.iter().filter_map(load_term).collect();
            let physical = backing
                .iter()
                .find(|index| index.terms == terms && index.values.is_empty());
            uniques.push(UniqueConstraint {
                index: physical.map(|index| index.id),
                terms,
            });
        }
    }
    let indexes = entries(doc, "indexes").map(|(index_name, entry)| {
        let (terms, values) = load_index_fields(entry);
        let physical = backing
            .iter()
            .find(|index| index.terms == terms && index.values == values);
        IndexDef {
            name: index_name.clone(),
            index: physical.map(|index| index.id),
            status: text(entry, "status").map_or(IndexStatus::Building, |s| IndexStatus::of(&s)),
            queryable: matches!(entry.get("queryable"), Some(Value::Bool(true))),
            terms,
            values,
        }
    });
    Collection {
        id,
        alias: text(doc, "alias"),
        native: None,
        ts: definition.ts,
        fields: entries(doc, "fields")
            .map(|(field, entry)| {
                let source = format!("*field:{name}:{field}*");
                FieldDef {
                    name: field.clone(),
                    ty: TypeText::new(source.clone(), text(entry, "signature").unwrap_or_default()),
                    default: text(entry, "default").map(|default| ExprText::new(source, default)),
                }
            })
            .collect(),
        wildcard: text(doc, "wildcard").map(|wildcard| TypeText::new("*wildcard*", wildcard)),
        computed: entries(doc, "computed_fields")
            .map(|(field, entry)| {
                let source = format!("*computed_field:{name}:{field}*");
                ComputedField {
                    name: field.clone(),
                    body: LambdaText::new(source.clone(), text(entry, "body").unwrap_or_default()),
                    signature: text(entry, "signature")
                        .map(|signature| TypeText::new(source, signature)),
                }
            })
            .collect(),
        checks,
        uniques,
        indexes: indexes.collect(),
        history_days: integer(doc, "history_days"),
        ttl_days: integer(doc, "ttl_days"),
        document_ttls: match doc.get("document_ttls") {
            Some(Value::Bool(on)) => Some(*on),
            _ => None,
        },
        min_valid_time: match doc.get("min_valid_time") {
            Some(Value::Time(t)) => TxnTime(
                t.secs
                    .saturating_mul(1_000_000)
                    .saturating_add(i64::from(t.nanos / 1000)),
            ),
            _ => TxnTime(0),
        },
        migrations: elements(doc, "internal_migrations")
            .filter_map(as_object)
            .filter_map(migration_codec::decode)
            .collect(),
        definition: definition.fields.clone(),
        compiled: OnceLock::new(),
        name,
        backing,
    }
}

/// Terms and values of an index entry, user-given or internal.
pub fn load_index_fields(entry: &Object) -> (Vec<Term>, Vec<ValueDef>) {
    let terms = elements(entry, "terms").filter_map(load_term).collect();
    let values = elements(entry, "values").filter_map(load_value).collect();
    (terms, values)
}

/// A term: `".name"`, or `{ field, mva? }`.
pub fn load_term(term: &Value) -> Option<Term> {
    match term {
        Value::String(field) => Some(Term {
            path: path::parse(field)?,
            mva: false,
        }),
        Value::Object(term) => Some(Term {
            path: path::parse(&text(term, "field")?)?,
            mva: matches!(term.get("mva"), Some(Value::Bool(true))),
        }),
        _ => None,
    }
}

fn load_value(value: &Value) -> Option<ValueDef> {
    let Value::Object(value) = value else {
        return None;
    };
    Some(ValueDef {
        path: path::parse(&text(value, "field")?)?,
        mva: matches!(value.get("mva"), Some(Value::Bool(true))),
        descending: text(value, "order").as_deref() == Some("desc"),
    })
}

fn load_backing(entry: &Object) -> Option<BackingIndex> {
    let (terms, values) = load_index_fields(entry);
    Some(BackingIndex {
        id: IndexId(integer(entry, "id")?.max(0) as u64),
        terms,
        values,
        unique: matches!(entry.get("unique"), Some(Value::Bool(true))),
        violated: matches!(entry.get("violated"), Some(Value::Bool(true))),
        status: IndexStatus::of(&text(entry, "status").unwrap_or_default()),
    })
}

/// One function from its definition document.
pub fn load_function(definition: &Definition) -> Function {
    let doc = &definition.fields;
    let name = text(doc, "name").unwrap_or_default();
    let source = format!("*udf:{name}*");
    Function {
        id: definition.id,
        alias: text(doc, "alias"),
        ts: definition.ts,
        body: LambdaText::new(source.clone(), text(doc, "body").unwrap_or_default()),
        query: match doc.get("body") {
            Some(Value::Query(query)) => Some(query.clone()),
            _ => None,
        },
        signature: text(doc, "signature").map(|signature| TypeText::new(source, signature)),
        role: text(doc, "role"),
        roles: match doc.get("role") {
            Some(Value::String(_)) | None => Vec::new(),
            Some(_) => role_refs(doc, "role"),
        },
        definition: definition.fields.clone(),
        name,
    }
}

/// One role from its definition document.
pub fn load_role(definition: &Definition) -> Role {
    let doc = &definition.fields;
    let name = text(doc, "name").unwrap_or_default();
    let privileges = one_or_many(doc, "privileges")
        .filter_map(as_object)
        .map(|privilege| {
            let actions = object(privilege, "actions")
                .into_iter()
                .flat_map(Object::iter)
                .filter_map(|(action, grant)| {
                    let grant = match grant {
                        Value::Bool(true) => Grant::Always,
                        other => {
                            Grant::If(predicate(other, || format!("*predicate:{name}:{action}*"))?)
                        }
                    };
                    Some((Action::of(action)?, grant))
                });
            Privilege {
                resource: resource(privilege),
                actions: actions.collect(),
            }
        });
    let membership = one_or_many(doc, "membership")
        .filter_map(as_object)
        .map(|membership| Membership {
            resource: resource(membership),
            predicate: membership
                .get("predicate")
                .and_then(|value| predicate(value, || format!("*predicate:{name}:membership*"))),
        });
    Role {
        id: definition.id,
        ts: definition.ts,
        privileges: privileges.collect(),
        membership: membership.collect(),
        definition: definition.fields.clone(),
        name,
    }
}

/// One access provider from its definition document.
pub fn load_provider(definition: &Definition) -> AccessProvider {
    let doc = &definition.fields;
    let name = text(doc, "name").unwrap_or_default();
    let roles = one_or_many(doc, "roles").filter_map(|role| match role {
        Value::Object(entry) => {
            let role = role_ref(entry.get("role")?)?;
            let source = || match &role {
                RoleRef::Name(role) => format!("*predicate:{name}:{role}*"),
                RoleRef::Id(_) => format!("*predicate:{name}*"),
            };
            let predicate = entry.get("predicate");
            let predicate = predicate.and_then(|value| self::predicate(value, source));
            Some((role, predicate))
        }
        role => Some((role_ref(role)?, None)),
    });
    AccessProvider {
        id: definition.id,
        issuer: text(doc, "issuer").unwrap_or_default(),
        jwks_uri: text(doc, "jwks_uri").unwrap_or_default(),
        audience: text(doc, "audience").unwrap_or_default(),
        roles: roles.collect(),
        definition: definition.fields.clone(),
        name,
    }
}

/// A predicate of either language.
fn predicate(value: &Value, source: impl FnOnce() -> String) -> Option<Predicate> {
    match value {
        Value::String(text) => Some(Predicate::Text(LambdaText::new(source(), text.clone()))),
        Value::Query(query) => Some(Predicate::Query(query.clone())),
        _ => None,
    }
}

/// What a privilege or membership is about: a name, or a definition.
fn resource(entry: &Object) -> RoleResource {
    match entry.get("resource") {
        Some(Value::Doc(doc)) => match doc.key {
            DocKey::Id(id) => RoleResource::Definition(doc.coll, id),
            DocKey::Name(_) => RoleResource::Name(Str::default()),
        },
        _ => RoleResource::Name(text(entry, "resource").unwrap_or_default()),
    }
}

fn role_ref(value: &Value) -> Option<RoleRef> {
    match value {
        Value::String(name) => Some(RoleRef::Name(name.clone())),
        Value::Doc(doc) => match doc.key {
            DocKey::Id(id) => Some(RoleRef::Id(id)),
            DocKey::Name(_) => None,
        },
        _ => None,
    }
}

/// The roles in the field `name`: names and references, one or several.
pub fn role_refs(object: &Object, name: &str) -> Vec<RoleRef> {
    one_or_many(object, name).filter_map(role_ref).collect()
}

/// The text field `name`.
pub fn text(object: &Object, name: &str) -> Option<Str> {
    match object.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// The integer field `name`.
pub fn integer(object: &Object, name: &str) -> Option<i64> {
    match object.get(name) {
        Some(Value::Int(n)) => Some(i64::from(*n)),
        Some(Value::Long(n)) => Some(*n),
        _ => None,
    }
}

/// The object field `name`.
pub fn object<'a>(object: &'a Object, name: &str) -> Option<&'a Object> {
    object.get(name).and_then(as_object)
}

/// The elements of the array field `name`; none if it is no array.
pub fn elements<'a>(object: &'a Object, name: &str) -> impl Iterator<Item = &'a Value> {
    let items = match object.get(name) {
        Some(Value::Array(items)) => items.as_slice(),
        _ => &[],
    };
    items.iter()
}

/// The entries of the object field `name` that are objects themselves.
pub fn entries<'a>(object: &'a Object, name: &str) -> impl Iterator<Item = (&'a Str, &'a Object)> {
    let map = object.get(name).and_then(as_object);
    map.into_iter()
        .flat_map(Object::iter)
        .filter_map(|(key, value)| Some((key, as_object(value)?)))
}

/// The elements of the field `name`: of an array, or the value itself; none if null or missing.
pub fn one_or_many<'a>(object: &'a Object, name: &str) -> impl Iterator<Item = &'a Value> {
    let items = match object.get(name) {
        Some(Value::Array(items)) => items.as_slice(),
        Some(Value::Null(_)) | None => &[],
        Some(one) => std::slice::from_ref(one),
    };
    items.iter()
}

pub(super) fn as_object(value: &Value) -> Option<&Object> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}
