//! A collection: fields, computed fields, constraints, indexes, history and migrations.

use super::field_type::{FieldRule, FieldType, ObjectType};
use super::native::NativeCollection;
use super::text::{ExprText, LambdaText, TypeText};
use crate::store::TxnTime;
use crate::value::{CollId, IndexId, Object, PathPart, Str, Value};
use std::sync::{Arc, OnceLock};

/// What a write to a document of this collection must know.
#[derive(Debug)]
pub struct Collection {
    /// Its identity; also the id of its definition document if it is user-defined.
    pub id: CollId,
    /// Its name.
    pub name: Str,
    /// The other name it is reached by.
    pub alias: Option<Str>,
    /// The declaration, if it is a native collection.
    pub native: Option<&'static NativeCollection>,
    /// Commit time of the definition; 0 for native collections.
    pub ts: TxnTime,
    /// Declared fields in declared order. Empty, and no `wildcard`: any field may be written.
    pub fields: Vec<FieldDef>,
    /// `*: Any`: undeclared fields are allowed beside declared ones.
    pub wildcard: Option<TypeText>,
    /// Computed fields in declared order.
    pub computed: Vec<ComputedField>,
    /// Check constraints in declared order.
    pub checks: Vec<CheckConstraint>,
    /// Unique constraints in declared order.
    pub uniques: Vec<UniqueConstraint>,
    /// Named indexes in declared order.
    pub indexes: Vec<IndexDef>,
    /// The physical indexes behind `indexes` and `uniques`: what a write maintains.
    pub backing: Vec<Arc<BackingIndex>>,
    /// Days of history kept; `None`: for ever.
    pub history_days: Option<i64>,
    /// Days after which documents expire by default.
    pub ttl_days: Option<i64>,
    /// The `document_ttls` setting as written.
    pub document_ttls: Option<bool>,
    /// History before this time is gone, whatever `history_days` says.
    pub min_valid_time: TxnTime,
    /// Every migration step ever applied, oldest first. A document version stores how many steps it has seen (its
    /// *level*); a read applies the rest.
    pub migrations: Vec<MigrationStep>,
    /// The definition document, internal fields included; empty for native collections.
    pub definition: Arc<Object>,
    /// The type of its documents' data, compiled when first needed.
    pub compiled: OnceLock<ObjectType>,
}

/// A declared field.
#[derive(Debug)]
pub struct FieldDef {
    /// Its name.
    pub name: Str,
    /// Its type, nested defaults included.
    pub ty: TypeText,
    /// The default of the whole field.
    pub default: Option<ExprText>,
}

/// A computed field.
#[derive(Debug)]
pub struct ComputedField {
    /// Its name.
    pub name: Str,
    /// A lambda of the document.
    pub body: LambdaText,
    /// The type of its value, if declared.
    pub signature: Option<TypeText>,
}

/// A check constraint.
#[derive(Debug)]
pub struct CheckConstraint {
    /// Its name.
    pub name: Str,
    /// A lambda of the document.
    pub body: LambdaText,
}

/// A unique constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct UniqueConstraint {
    /// What must not occur twice together.
    pub terms: Vec<Term>,
    /// The physical index that holds it; `None` until the end of the query that defined it.
    pub index: Option<IndexId>,
}

/// A named index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexDef {
    /// Its name: a method of the collection.
    pub name: Str,
    /// The physical index; `None` until the end of the query that defined it.
    pub index: Option<IndexId>,
    /// Equality terms.
    pub terms: Vec<Term>,
    /// Sort values.
    pub values: Vec<ValueDef>,
    /// How far building is.
    pub status: IndexStatus,
    /// Whether queries may call it.
    pub queryable: bool,
}

/// A physical index: indexes and unique constraints of the same terms and values share one.
#[derive(Clone, Debug, PartialEq)]
pub struct BackingIndex {
    /// Its identity, never used again.
    pub id: IndexId,
    /// Equality terms.
    pub terms: Vec<Term>,
    /// Sort values.
    pub values: Vec<ValueDef>,
    /// No two documents may share an entry.
    pub unique: bool,
    /// Some did when it became unique: the constraint says `failed`.
    pub violated: bool,
    /// How far building is. Writes maintain it in every state but `Failed`.
    pub status: IndexStatus,
}

/// How far the building of an index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexStatus {
    /// Existing documents are being indexed.
    Building,
    /// Every document is indexed.
    Complete,
    /// Building was given up.
    Failed,
}

/// An equality term: a field path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// The field.
    pub path: Vec<PathPart>,
    /// Every element of an array is an entry of its own.
    pub mva: bool,
}

/// A sort value: a field path and a direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ValueDef {
    /// The field.
    pub path: Vec<PathPart>,
    /// Every element of an array is an entry of its own.
    pub mva: bool,
    /// Largest first.
    pub descending: bool,
}

/// One step of a document's way from an older shape to the current one (`spec schema-fsl 5.3`).
#[derive(Clone, Debug)]
pub enum MigrationStep {
    /// A field was added; its value where none that fits is there.
    Add {
        /// The field.
        path: Vec<PathPart>,
        /// Its type at that time.
        ty: Arc<TypeText>,
        /// The value given to existing documents; null: nothing is written.
        value: Value,
    },
    /// A field was removed.
    Drop {
        /// The field.
        path: Vec<PathPart>,
    },
    /// A field was renamed.
    Move {
        /// From.
        from: Vec<PathPart>,
        /// To.
        to: Vec<PathPart>,
    },
    /// A field's values were distributed by type.
    Split {
        /// From.
        from: Vec<PathPart>,
        /// The targets, each with its type and the value it gets when the field's value goes elsewhere.
        targets: Vec<SplitTarget>,
    },
    /// Values of a wrong type found under newly added names go into an object.
    MoveConflicts {
        /// The object.
        into: Vec<PathPart>,
    },
    /// All undeclared top-level fields go into an object.
    MoveWildcard {
        /// The object.
        into: Vec<PathPart>,
        /// Declared top-level fields at that time.
        declared: Vec<Str>,
    },
    /// The wildcard was added: nothing changes.
    AddWildcard,
}

/// A target of a split.
#[derive(Clone, Debug)]
pub struct SplitTarget {
    /// The field.
    pub path: Vec<PathPart>,
    /// Its type at that time.
    pub ty: Arc<TypeText>,
    /// Its value when the split value goes elsewhere.
    pub backfill: Value,
}

impl Collection {
    /// Whether it is a native collection.
    pub fn is_native(&self) -> bool {
        self.native.is_some()
    }

    /// Whether its documents are identified by name (`Database`, `Collection`, `Function`, `Role`, `AccessProvider`).
    pub fn is_named(&self) -> bool {
        self.native.is_some_and(|native| native.named)
    }

    /// Whether undeclared top-level fields may be written: a wildcard, or no declared fields at all.
    pub fn has_wildcard(&self) -> bool {
        self.wildcard.is_some() || (self.fields.is_empty() && self.native.is_none())
    }

    /// The effective `document_ttls` (`spec schema-fsl 4.6`).
    pub fn has_document_ttls(&self) -> bool {
        self.document_ttls.unwrap_or(self.fields.is_empty())
    }

    /// The type of its documents' data, defaults included.
    pub fn object_type(&self) -> &ObjectType {
        self.compiled.get_or_init(|| ObjectType {
            fields: self.fields.iter().map(FieldDef::rule).collect(),
            wildcard: self.has_wildcard().then(|| Box::new(FieldType::Any)),
        })
    }

    /// The declared field of that name.
    pub fn field(&self, name: &str) -> Option<&FieldDef> {
        self.fields.iter().find(|field| &*field.name == name)
    }

    /// The computed field of that name.
    pub fn computed_field(&self, name: &str) -> Option<&ComputedField> {
        self.computed.iter().find(|field| &*field.name == name)
    }

    /// The index of that name.
    pub fn index(&self, name: &str) -> Option<&IndexDef> {
        self.indexes.iter().find(|index| &*index.name == name)
    }

    /// The physical index of that identity.
    pub fn backing_index(&self, id: IndexId) -> Option<&Arc<BackingIndex>> {
        self.backing.iter().find(|index| index.id == id)
    }

    /// The type that checking inferred for a computed field without a declared one.
    pub fn inferred(&self, computed: &str) -> Option<Str> {
        let inferred = super::load::object(&self.definition, "internal_signatures")?;
        super::load::text(inferred, computed)
    }

    /// The level that documents written now carry: the number of migration steps so far.
    pub fn migration_level(&self) -> u32 {
        u32::try_from(self.migrations.len()).unwrap_or(u32::MAX)
    }
}

impl FieldDef {
    /// Its type and default, as values are checked against them. A type that does not parse takes anything:
    /// definitions are checked when written.
    fn rule(&self) -> FieldRule {
        let ty = self.ty.field_type().cloned().unwrap_or(FieldType::Any);
        let mut rule = FieldRule::new(&self.name, ty);
        rule.default = self
            .default
            .as_ref()
            .and_then(|default| Some((default.source.clone(), default.expr().ok()?.clone())));
        rule
    }
}

impl BackingIndex {
    /// Its status as a unique constraint shows it.
    pub fn constraint_status(&self) -> &'static str {
        match self.status {
            IndexStatus::Complete if !self.violated => "active",
            IndexStatus::Complete | IndexStatus::Failed => "failed",
            IndexStatus::Building => "pending",
        }
    }
}

impl IndexStatus {
    /// As an index shows it.
    pub fn name(self) -> &'static str {
        match self {
            IndexStatus::Building => "building",
            IndexStatus::Complete => "complete",
            IndexStatus::Failed => "failed",
        }
    }

    /// The status an index's stored name means; anything unknown is building.
    pub fn of(name: &str) -> IndexStatus {
        match name {
            "complete" | "active" => IndexStatus::Complete,
            "failed" => IndexStatus::Failed,
            _ => IndexStatus::Building,
        }
    }
}
