//! The static environment: every type name, global and member a query may mention (`spec typing 4`).
//!
//! It has two halves: the native types, shared by all databases, and the types a database's schema
//! makes. Names become numbers ([`ShapeId`]) by arithmetic: first the native shapes, then three for
//! every collection (and its alias): document, missing document, collection. What a collection's
//! types look like is worked out the first time a query touches that collection, so that an
//! environment of hundreds of collections costs little more than its name table.

use super::collection::{self, CollectionTypes};
use super::native::{DocumentKind, NativeTypes, id};
use super::resolve::{self, Names};
use super::term::{Loc, ShapeId, Ty};
use crate::fql::syntax::Source;
use crate::fql::syntax::ast::{Str, TypeExpr, TypeKind};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// A type as the schema gives it.
#[derive(Clone, Debug)]
pub enum TypeSource {
    /// Its text, parsed when needed.
    Text(Str),
    /// Its tree.
    Tree(Arc<TypeExpr>),
}

impl TypeSource {
    /// The tree; `Any` if the text is no type.
    pub(super) fn tree(&self) -> Arc<TypeExpr> {
        match self {
            TypeSource::Tree(tree) => tree.clone(),
            TypeSource::Text(text) => {
                // Object types of fields may have defaults.
                let parsed = crate::fql::syntax::parse_schema_type(&Source::new(
                    "*signature*",
                    text.clone(),
                ));
                Arc::new(parsed.unwrap_or(TypeExpr {
                    kind: TypeKind::Any,
                    span: Default::default(),
                }))
            }
        }
    }
}

/// A database's schema, as far as types depend on it.
#[derive(Clone, Debug, Default)]
pub struct SchemaEnv {
    /// User collections.
    pub collections: Vec<CollectionEnv>,
    /// User-defined functions.
    pub functions: Vec<FunctionEnv>,
}

/// A collection, as far as types depend on it.
#[derive(Clone, Debug, Default)]
pub struct CollectionEnv {
    /// Its name.
    pub name: Str,
    /// Its other name.
    pub alias: Option<Str>,
    /// Defined fields in definition order.
    pub fields: Vec<FieldEnv>,
    /// Computed fields and their stored types; without one the field is `Any`.
    pub computed: Vec<(Str, Option<TypeSource>)>,
    /// Whether the schema declares `*: Any`.
    pub wildcard: bool,
    /// The setting of that name, if set.
    pub document_ttls: Option<bool>,
    /// Indexes in definition order.
    pub indexes: Vec<IndexEnv>,
}

/// A defined field.
#[derive(Clone, Debug)]
pub struct FieldEnv {
    /// Its name.
    pub name: Str,
    /// Its type; nested fields carry their defaults in it.
    pub ty: TypeSource,
    /// Whether the field itself has a default.
    pub has_default: bool,
}

/// An index: a method of the collection.
#[derive(Clone, Debug)]
pub struct IndexEnv {
    /// Its name.
    pub name: Str,
    /// The terms, in order.
    pub terms: Vec<TermEnv>,
}

/// A term of an index.
#[derive(Clone, Debug)]
pub struct TermEnv {
    /// The path of the field.
    pub path: Vec<PathStep>,
    /// Whether every element of the value is a term.
    pub mva: bool,
}

/// A step of a field path.
#[derive(Clone, Debug, PartialEq)]
pub enum PathStep {
    /// `.name`, `["name"]`
    Field(Str),
    /// `[0]`
    Index(i64),
}

/// A user-defined function.
#[derive(Clone, Debug)]
pub struct FunctionEnv {
    /// Its name.
    pub name: Str,
    /// Its other name.
    pub alias: Option<Str>,
    /// The stored signature (`spec typing 11.3`); without one the function is `Any`.
    pub signature: Option<Str>,
}

/// See the module. Shared by all queries of one schema version.
#[derive(Debug)]
pub struct Environment {
    native: Arc<NativeTypes>,
    base: u32,
    collections: Vec<CollectionEntry>,
    functions: Vec<FunctionEntry>,
    globals: HashMap<Str, Global>,
}

#[derive(Clone, Copy, Debug)]
enum Global {
    Collection(u32),
    Function(u32),
}

/// A collection under one of its names.
#[derive(Debug)]
struct CollectionEntry {
    name: Str,
    definition: Arc<CollectionEnv>,
    /// Types of computed fields that are being inferred, if the schema is being checked.
    computed: Option<Arc<Vec<(Str, Ty)>>>,
    /// Where the types come from, if the schema is being checked.
    at: Loc,
    /// Not to be seen: an error in the schema leaves it without types.
    hidden: bool,
    types: OnceLock<CollectionTypes>,
}

#[derive(Debug)]
struct FunctionEntry {
    signature: Option<Str>,
    ty: OnceLock<Ty>,
}

/// The three types of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Document,
    Missing,
    Collection,
}

impl Environment {
    /// The environment of a database.
    pub fn new(native: Arc<NativeTypes>, schema: SchemaEnv) -> Environment {
        let mut env = Environment::empty(native);
        for definition in schema.collections {
            env.add_collection(Arc::new(definition), None, Loc::NONE);
        }
        for function in schema.functions {
            let names = [Some(function.name), function.alias];
            for name in names.into_iter().flatten() {
                let entry = FunctionEntry {
                    signature: function.signature.clone(),
                    ty: OnceLock::new(),
                };
                env.functions.push(entry);
                let global = Global::Function(env.functions.len() as u32 - 1);
                env.globals.entry(name).or_insert(global);
            }
        }
        env
    }

    /// The environment of a database without schema.
    pub(super) fn empty(native: Arc<NativeTypes>) -> Environment {
        let base = native.count();
        Environment {
            native,
            base,
            collections: Vec::new(),
            functions: Vec::new(),
            globals: HashMap::new(),
        }
    }

    /// Adds a collection under its name and its alias.
    pub(super) fn add_collection(
        &mut self,
        definition: Arc<CollectionEnv>,
        computed: Option<Arc<Vec<(Str, Ty)>>>,
        at: Loc,
    ) {
        let names = [Some(definition.name.clone()), definition.alias.clone()];
        for name in names.into_iter().flatten() {
            let global = Global::Collection(self.collections.len() as u32);
            self.globals.entry(name.clone()).or_insert(global);
            self.collections.push(CollectionEntry {
                name,
                definition: definition.clone(),
                computed: computed.clone(),
                at,
                hidden: false,
                types: OnceLock::new(),
            });
        }
    }

    /// Hides the collection that was added last.
    pub(super) fn hide_last(&mut self, has_alias: bool) {
        let names = if has_alias { 2 } else { 1 };
        self.collections
            .iter_mut()
            .rev()
            .take(names)
            .for_each(|entry| entry.hidden = true);
    }

    /// The native half.
    pub fn native(&self) -> &Arc<NativeTypes> {
        &self.native
    }

    fn entry(&self, shape: ShapeId) -> Option<(&CollectionEntry, Role)> {
        let offset = shape.0.checked_sub(self.base)?;
        let role = match offset % 3 {
            0 => Role::Document,
            1 => Role::Missing,
            _ => Role::Collection,
        };
        Some((self.collections.get((offset / 3) as usize)?, role))
    }

    fn types_of<'a>(&'a self, entry: &'a CollectionEntry, shape: ShapeId) -> &'a CollectionTypes {
        let first = self.base + (shape.0 - self.base) / 3 * 3;
        entry.types.get_or_init(|| {
            let computed = entry.computed.as_deref().map(Vec::as_slice);
            collection::types(self, &entry.definition, computed, entry.at, first)
        })
    }

    /// The number of a type name.
    pub(super) fn shape_id(&self, name: &str) -> Option<ShapeId> {
        if let Some(shape) = self.native.shape_id(name) {
            return Some(shape);
        }
        self.any_shape_id(name)
            .filter(|shape| self.entry(*shape).is_none_or(|(entry, _)| !entry.hidden))
    }

    /// The number of a collection's type name, hidden or not.
    pub(super) fn any_shape_id(&self, name: &str) -> Option<ShapeId> {
        let of = |name: &str, role: u32| match self.globals.get(name) {
            Some(Global::Collection(index)) => Some(ShapeId(self.base + index * 3 + role)),
            _ => None,
        };
        of(name, 0)
            .or_else(|| name.strip_prefix("Null").and_then(|rest| of(rest, 1)))
            .or_else(|| name.strip_suffix("Collection").and_then(|rest| of(rest, 2)))
    }

    /// The name of a type.
    pub(super) fn shape_name(&self, shape: ShapeId) -> Str {
        if let Some(name) = self.native.name(shape) {
            return name.clone();
        }
        match self.entry(shape) {
            Some((entry, Role::Document)) => entry.name.clone(),
            Some((entry, Role::Missing)) => format!("Null{}", entry.name).into(),
            Some((entry, Role::Collection)) => format!("{}Collection", entry.name).into(),
            None => "Any".into(),
        }
    }

    /// The type parameters of a type.
    pub(super) fn params(&self, shape: ShapeId) -> &[Str] {
        self.native.params(shape)
    }

    /// What kind of document a type is, and the name of that document's type.
    pub(super) fn document(&self, shape: ShapeId) -> (DocumentKind, &str) {
        match self.entry(shape) {
            Some((entry, Role::Document)) => (DocumentKind::Document, &entry.name),
            Some((entry, Role::Missing)) => (DocumentKind::Missing, &entry.name),
            Some((_, Role::Collection)) => (DocumentKind::None, ""),
            None => self.native.document(shape),
        }
    }

    /// Whether the alias of a type is exactly `Null`.
    pub(super) fn is_null_alias(&self, shape: ShapeId) -> bool {
        self.document(shape).0 == DocumentKind::Missing
    }

    /// The signature of a member.
    pub(super) fn member(&self, shape: ShapeId, name: &str) -> Option<Ty> {
        let Some((entry, role)) = self.entry(shape) else {
            return self.native.member(shape, name);
        };
        if entry.hidden {
            return None;
        }
        let types = self.types_of(entry, shape);
        let members = types.members(role);
        members
            .iter()
            .find(|(known, _)| &**known == name)
            .map(|(_, ty)| ty.clone())
    }

    /// The names of the members of a type, in order.
    pub(super) fn member_names(&self, shape: ShapeId) -> Vec<Str> {
        match self.entry(shape) {
            Some((entry, role)) => self
                .types_of(entry, shape)
                .members(role)
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            None => self.native.member_names(shape).map(Str::from).collect(),
        }
    }

    /// The function type a value of that type has when called.
    pub(super) fn apply(&self, shape: ShapeId) -> Option<Ty> {
        match self.entry(shape) {
            Some((entry, Role::Collection)) => Some(self.types_of(entry, shape).apply.clone()),
            Some(_) => None,
            None => self.native.member(shape, "apply"),
        }
    }

    /// The function type a value of that type has in brackets.
    pub(super) fn access(&self, shape: ShapeId) -> Option<Ty> {
        match self.entry(shape) {
            Some(_) => None,
            None => self.native.member(shape, "[]"),
        }
    }

    /// The structural definition of a type.
    pub(super) fn alias(&self, shape: ShapeId) -> Option<Ty> {
        match self.entry(shape) {
            Some((entry, _)) if entry.hidden => None,
            Some((entry, Role::Document)) => Some(self.types_of(entry, shape).document.clone()),
            Some((entry, Role::Missing)) => Some(Ty::named(id::NULL).moved(entry.at)),
            Some((_, Role::Collection)) => None,
            None => self.native.alias(shape),
        }
    }

    /// Whether a type has a structural definition, without working it out.
    pub(super) fn has_alias(&self, shape: ShapeId) -> bool {
        match self.entry(shape) {
            Some((entry, role)) => role != Role::Collection && !entry.hidden,
            None => self.native.alias(shape).is_some(),
        }
    }

    /// The type of a global name, built-in names first.
    pub(super) fn global(&self, name: &str) -> Option<Ty> {
        if let Some(ty) = self.native.global(name) {
            return Some(ty);
        }
        match self.globals.get(name)? {
            Global::Collection(index) => {
                let entry = self
                    .collections
                    .get(*index as usize)
                    .filter(|entry| !entry.hidden)?;
                Some(Ty::named(ShapeId(self.base + index * 3 + 2)).moved(entry.at))
            }
            Global::Function(index) => self
                .functions
                .get(*index as usize)
                .map(|entry| self.function(entry)),
        }
    }

    fn function(&self, entry: &FunctionEntry) -> Ty {
        let parse = || {
            let text = entry.signature.as_ref()?;
            let scheme =
                crate::fql::syntax::parse_type_scheme(&Source::new("*signature*", text.clone()))
                    .ok()?;
            let generics: Vec<&str> = scheme.params.iter().map(|param| &*param.name).collect();
            let signature = resolve::unchecked(
                &scheme.ty,
                &Stored {
                    env: self,
                    generics: &generics,
                },
            );
            Some(Ty::constructed(id::USER_FUNCTION, signature))
        };
        entry
            .ty
            .get_or_init(|| {
                parse().unwrap_or_else(|| Ty::constructed(id::USER_FUNCTION, Ty::any()))
            })
            .clone()
    }

    /// The names of all globals: built-in, then collections, then functions.
    pub(super) fn global_names(&self) -> Vec<Str> {
        let mut own: Vec<Str> = self.globals.keys().cloned().collect();
        own.sort();
        self.native
            .global_names()
            .map(Str::from)
            .chain(own)
            .collect()
    }

    /// The type of an operator.
    pub(super) fn operator(&self, symbol: &str) -> Option<Ty> {
        self.native.operator(symbol)
    }

    /// The type a stored type expression denotes.
    pub(super) fn stored(&self, expr: &TypeExpr) -> Ty {
        resolve::unchecked(
            expr,
            &Stored {
                env: self,
                generics: &[],
            },
        )
    }
}

/// How names resolve in types the checker stored.
struct Stored<'a> {
    env: &'a Environment,
    generics: &'a [&'a str],
}

impl Names for Stored<'_> {
    fn shape(&self, name: &str) -> Option<ShapeId> {
        if self.generics.contains(&name) {
            None
        } else {
            self.env.shape_id(name)
        }
    }

    fn generic(&self, name: &str) -> bool {
        self.generics.contains(&name)
    }
}
