//! The permissive tree of a schema file: keywords with names and values, wherever they stand. What they mean is found
//! out by `fsl`.

use super::ast::{Block, Expr, Ident, TypeExpr};
use super::diagnostic::Diagnostic;
use super::source::Span;

/// The keyword of a [`NodeValue::Field`]. Fields have none of their own.
pub const FIELD: &str = "field";

/// `@annotations keyword name value`
#[derive(Clone, Debug)]
pub struct Node {
    /// What stands before it.
    pub annotations: Vec<NodeAnnotation>,
    /// Its first word; [`FIELD`] for fields, `access provider` for those.
    pub keyword: Ident,
    /// Its name.
    pub name: Option<Ident>,
    /// Its value.
    pub value: Option<NodeValue>,
    /// From its doc comment or first annotation to its end and the semicolons after that.
    pub span: Span,
    /// The comment that ends where the node starts.
    pub doc: Option<Span>,
}

/// `@keyword(value)`
#[derive(Clone, Debug)]
pub struct NodeAnnotation {
    /// `alias` or `role`.
    pub keyword: Ident,
    /// What is in its parentheses.
    pub value: Ident,
    /// From `@` to `)`.
    pub span: Span,
}

/// The value of a node.
#[derive(Clone, Debug)]
pub enum NodeValue {
    /// `{ ... }`
    Block {
        /// What is in it.
        nodes: Vec<Node>,
        /// `{`
        open: Span,
        /// `}`
        close: Span,
    },
    /// `[...]`
    List {
        /// What is in it.
        items: Vec<Expr>,
        /// From `[` to `]`.
        span: Span,
    },
    /// An expression.
    Literal(Expr),
    /// Parameters and body of a function.
    Function(Box<FunctionNode>),
    /// What a field says.
    Field(FieldNode),
    /// What a migration says.
    Migration(MigrationNode),
    /// Text that is none of these.
    Invalid(Span),
}

impl NodeValue {
    /// Where an error about the value points.
    pub fn span(&self) -> Span {
        match self {
            NodeValue::Block { open, close, .. } => open.to(*close),
            NodeValue::List { span, .. } | NodeValue::Invalid(span) => *span,
            NodeValue::Literal(expr) => expr.span,
            NodeValue::Function(function) => function.open.to(function.body.span),
            NodeValue::Field(field) => field.span,
            NodeValue::Migration(migration) => migration.span,
        }
    }
}

/// Parameters, result and body of a function.
#[derive(Clone, Debug)]
pub struct FunctionNode {
    /// `(`
    pub open: Span,
    /// Its parameters; a variadic one comes last.
    pub params: Vec<ParamNode>,
    /// `)`
    pub close: Span,
    /// The type of its result.
    pub result: Option<TypeExpr>,
    /// Its block.
    pub body: Block,
}

/// A parameter of a function.
#[derive(Clone, Debug)]
pub struct ParamNode {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: Option<TypeExpr>,
    /// Written `...name`.
    pub variadic: bool,
}

/// Which field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// `name: Type = default`
    Defined,
    /// `compute name: Type = lambda`
    Computed,
    /// `*: Type`
    Wildcard,
}

/// What stands after a field's name.
#[derive(Clone, Debug)]
pub struct FieldNode {
    /// Which field.
    pub kind: FieldKind,
    /// Its type.
    pub ty: Option<TypeNode>,
    /// What stands behind `=`.
    pub value: Option<Expr>,
    /// Both.
    pub span: Span,
}

/// The type of a field, and what is wrong with it beyond its syntax.
#[derive(Clone, Debug)]
pub struct TypeNode {
    /// The type.
    pub ty: TypeExpr,
    /// What is wrong.
    pub faults: Vec<Diagnostic>,
}

/// A migration.
#[derive(Clone, Debug)]
pub struct MigrationNode {
    /// Which, with its paths as expressions that are valid field paths.
    pub kind: MigrationNodeKind,
    /// From the keyword to the end.
    pub span: Span,
}

/// The forms of a migration.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum MigrationNodeKind {
    Add(Expr),
    Backfill(Expr, Expr),
    Drop(Expr),
    Move(Expr, Expr),
    Split(Expr, Vec<Expr>),
    MoveConflicts(Expr),
    MoveWildcard(Expr),
    AddWildcard,
}
