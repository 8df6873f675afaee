//! The items of a schema file: what a reader of the file means by them (`spec schema-fsl 10`).
//!
//! Every part knows its span in the file, as errors, differences and patches need it. Two parts are the same if their
//! canonical texts are; spans never count ([`super::same`]).

use crate::fql::syntax::ast::{Block, Expr, Ident, Lambda, TypeExpr};
use crate::fql::syntax::{Location, Source, Span};
use crate::value::{PathPart, Str};
use std::sync::Arc;

pub use super::generate::Kind;

/// A file that was parsed.
#[derive(Clone, Debug)]
pub struct SchemaFile {
    /// Its name and text.
    pub source: Arc<Source>,
    /// Its items, in the order of the text.
    pub items: Vec<SchemaItem>,
}

/// A collection, function, role or access provider.
#[derive(Clone, Debug)]
pub struct SchemaItem {
    /// The file it stands in.
    pub source: Arc<Source>,
    /// Its name.
    pub name: Ident,
    /// From its doc comment or first annotation to its closing brace and the semicolons after that.
    pub span: Span,
    /// The comment that ends exactly where the item starts.
    pub doc: Option<Span>,
    /// What it says.
    pub content: ItemContent,
}

/// What an item says.
#[derive(Clone, Debug)]
pub enum ItemContent {
    /// `collection`
    Collection(CollectionItem),
    /// `function`
    Function(FunctionItem),
    /// `role`
    Role(RoleItem),
    /// `access provider`
    Provider(ProviderItem),
}

impl SchemaItem {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self.content {
            ItemContent::Collection(_) => Kind::Collection,
            ItemContent::Function(_) => Kind::Function,
            ItemContent::Role(_) => Kind::Role,
            ItemContent::Provider(_) => Kind::Provider,
        }
    }

    /// Its text, doc comment included.
    pub fn text(&self) -> &str {
        slice(&self.source, self.span)
    }

    /// `span` in its file.
    pub fn at(&self, span: Span) -> Location {
        Location::new(&self.source, span)
    }

    /// Its annotations, in canonical order.
    pub fn annotations(&self) -> Vec<(&'static str, &Annotation)> {
        match &self.content {
            ItemContent::Collection(collection) => {
                collection.alias.iter().map(|it| ("alias", it)).collect()
            }
            ItemContent::Function(function) => {
                let alias = function.alias.iter().map(|it| ("alias", it));
                alias
                    .chain(function.role.iter().map(|it| ("role", it)))
                    .collect()
            }
            ItemContent::Role(_) | ItemContent::Provider(_) => Vec::new(),
        }
    }
}

/// The text of a span; empty if it is none of the source.
pub(super) fn slice(source: &Source, span: Span) -> &str {
    let text = source.text.as_deref().unwrap_or("");
    text.get(span.start as usize..span.end as usize)
        .unwrap_or("")
}

/// `@alias(Name)`, `@role(name)`
#[derive(Clone, Debug)]
pub struct Annotation {
    /// What is in its parentheses.
    pub value: Ident,
    /// From `@` to `)`.
    pub span: Span,
}

/// A collection.
#[derive(Clone, Debug, Default)]
pub struct CollectionItem {
    /// `@alias`
    pub alias: Option<Annotation>,
    /// Defined fields, computed fields and the wildcard, in the order of the text.
    pub fields: Vec<FieldItem>,
    /// `index`
    pub indexes: Vec<IndexItem>,
    /// `unique`
    pub uniques: Vec<UniqueItem>,
    /// `check`
    pub checks: Vec<CheckItem>,
    /// `history_days`; `None` means 0.
    pub history_days: Option<Setting<i64>>,
    /// `ttl_days`
    pub ttl_days: Option<Setting<i64>>,
    /// `document_ttls`
    pub document_ttls: Option<Setting<bool>>,
    /// `migrations`
    pub migrations: Option<MigrationsItem>,
}

/// A member that is a keyword and a literal.
#[derive(Clone, Debug)]
pub struct Setting<T> {
    /// The literal's value.
    pub value: T,
    /// The literal.
    pub value_span: Span,
    /// The member, semicolons after it included.
    pub span: Span,
}

/// A field.
#[derive(Clone, Debug)]
pub enum FieldItem {
    /// `name: Type = default`
    Defined {
        /// Its name.
        name: Ident,
        /// Its type, nested defaults included.
        ty: TypeExpr,
        /// Its default.
        default: Option<Expr>,
        /// The member.
        span: Span,
    },
    /// `compute name: Type = lambda`
    Computed {
        /// Its name.
        name: Ident,
        /// The type of its value.
        ty: Option<TypeExpr>,
        /// Its body; a short lambda without the parentheses it stands in.
        body: Arc<Lambda>,
        /// The member.
        span: Span,
    },
    /// `*: Any`
    Wildcard {
        /// The type of undeclared fields.
        ty: TypeExpr,
        /// The member.
        span: Span,
    },
}

impl FieldItem {
    /// Its name; `*` for the wildcard.
    pub fn name(&self) -> &str {
        match self {
            FieldItem::Defined { name, .. } | FieldItem::Computed { name, .. } => &name.name,
            FieldItem::Wildcard { .. } => "*",
        }
    }

    /// The member.
    pub fn span(&self) -> Span {
        match self {
            FieldItem::Defined { span, .. }
            | FieldItem::Computed { span, .. }
            | FieldItem::Wildcard { span, .. } => *span,
        }
    }
}

/// A field path: `.a["b c"][0]`
#[derive(Clone, Debug)]
pub struct PathItem {
    /// Its steps.
    pub parts: Vec<PathPart>,
    /// Where each step stands, without dots and brackets.
    pub part_spans: Vec<Span>,
    /// From the first dot to the last step.
    pub span: Span,
}

/// A term of an index or a unique constraint: `.a`, `mva(.a)`
#[derive(Clone, Debug)]
pub struct TermItem {
    /// The path.
    pub path: PathItem,
    /// Written `mva(...)`.
    pub mva: bool,
    /// With `mva(...)`.
    pub span: Span,
}

/// A value of an index: `.a`, `desc(mva(.a))`
#[derive(Clone, Debug)]
pub struct ValueItem {
    /// The path.
    pub path: PathItem,
    /// Written `mva(...)`.
    pub mva: bool,
    /// Written `desc(...)`.
    pub descending: bool,
    /// With the calls around the path.
    pub span: Span,
}

/// Elements in brackets, at least one, and the member they belong to.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The elements.
    pub items: Vec<T>,
    /// From `[` to `]`.
    pub list: Span,
    /// The member.
    pub span: Span,
}

/// `index name { terms [...] values [...] }`
#[derive(Clone, Debug)]
pub struct IndexItem {
    /// Its name.
    pub name: Ident,
    /// `terms`
    pub terms: Option<Listed<TermItem>>,
    /// `values`
    pub values: Option<Listed<ValueItem>>,
    /// The block.
    pub block: Span,
    /// The member.
    pub span: Span,
}

/// `unique [...]`
pub type UniqueItem = Listed<TermItem>;

/// `check name (lambda)`
#[derive(Clone, Debug)]
pub struct CheckItem {
    /// Its name.
    pub name: Ident,
    /// The lambda; a short one without the parentheses it stands in.
    pub body: Arc<Lambda>,
    /// The lambda with its parentheses.
    pub body_span: Span,
    /// The member.
    pub span: Span,
}

/// `migrations { ... }`
#[derive(Clone, Debug)]
pub struct MigrationsItem {
    /// At least one.
    pub items: Vec<MigrationStatement>,
    /// The member.
    pub span: Span,
}

/// A migration and where it stands.
#[derive(Clone, Debug)]
pub struct MigrationStatement {
    /// What.
    pub kind: MigrationKind,
    /// Where.
    pub span: Span,
}

/// The forms of a migration.
#[derive(Clone, Debug)]
pub enum MigrationKind {
    /// `add .a`
    Add(PathItem),
    /// `backfill .a = expr`
    Backfill(PathItem, Expr),
    /// `drop .a`
    Drop(PathItem),
    /// `move .a -> .b`
    Move(PathItem, PathItem),
    /// `split .a -> .a, .b`
    Split(PathItem, Vec<PathItem>),
    /// `move_conflicts .a`
    MoveConflicts(PathItem),
    /// `move_wildcard .a`
    MoveWildcard(PathItem),
    /// `add_wildcard`
    AddWildcard,
}

impl MigrationKind {
    /// The paths it names, in the order of its text.
    pub fn paths(&self) -> Vec<&PathItem> {
        match self {
            MigrationKind::Add(path)
            | MigrationKind::Backfill(path, _)
            | MigrationKind::Drop(path)
            | MigrationKind::MoveConflicts(path)
            | MigrationKind::MoveWildcard(path) => vec![path],
            MigrationKind::Move(from, to) => vec![from, to],
            MigrationKind::Split(from, targets) => std::iter::once(from).chain(targets).collect(),
            MigrationKind::AddWildcard => Vec::new(),
        }
    }
}

/// A function.
#[derive(Clone, Debug)]
pub struct FunctionItem {
    /// `@alias`
    pub alias: Option<Annotation>,
    /// `@role`
    pub role: Option<Annotation>,
    /// Its parameters; a variadic one comes last.
    pub params: Vec<ParamItem>,
    /// The type of its result.
    pub result: Option<TypeExpr>,
    /// From `(` to the `)` or the result's type.
    pub signature: Span,
    /// Its block.
    pub body: Block,
}

/// A parameter of a function.
#[derive(Clone, Debug)]
pub struct ParamItem {
    /// Its name; `_` is ignored.
    pub name: Ident,
    /// Its type.
    pub ty: Option<TypeExpr>,
    /// Written `...name`.
    pub variadic: bool,
}

/// A role.
#[derive(Clone, Debug)]
pub struct RoleItem {
    /// `privileges`
    pub privileges: Vec<PrivilegeItem>,
    /// `membership`
    pub membership: Vec<GrantItem>,
}

/// `privileges Name { ... }`
#[derive(Clone, Debug)]
pub struct PrivilegeItem {
    /// The collection or function.
    pub resource: Ident,
    /// What may be done.
    pub actions: Vec<GrantItem>,
    /// The block.
    pub block: Span,
    /// The member.
    pub span: Span,
}

/// An action, a membership or a provider's role, with the predicate it may depend on.
#[derive(Clone, Debug)]
pub struct GrantItem {
    /// The action, collection or role.
    pub name: Ident,
    /// `{ predicate (lambda) }`
    pub predicate: Option<PredicateItem>,
    /// The member.
    pub span: Span,
}

/// `{ predicate (lambda) }`
#[derive(Clone, Debug)]
pub struct PredicateItem {
    /// The lambda; a short one without the parentheses it stands in.
    pub body: Arc<Lambda>,
    /// The block.
    pub span: Span,
}

/// An access provider.
#[derive(Clone, Debug)]
pub struct ProviderItem {
    /// `issuer`
    pub issuer: Setting<Str>,
    /// `jwks_uri`
    pub jwks_uri: Setting<Str>,
    /// `role`
    pub roles: Vec<GrantItem>,
}
