//! The tree of an FQL v10 text (`spec fql10-language 2`).
//!
//! Every node knows its [`Span`] in the text it came from; which text that is, is known where the
//! tree is kept (a query, a function body, a predicate). The tree is immutable and shared: lambdas
//! are `Arc`s, so that a function value costs no copy of its body.

use super::source::Span;
use std::sync::Arc;

/// Shared text.
pub type Str = Arc<str>;

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Ident {
    /// The name.
    pub name: Str,
    /// Where.
    pub span: Span,
}

/// A sequence of statements whose last is an expression: a whole query, or `{ ... }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// At least one; the last is a [`Stmt::Expr`].
    pub stmts: Vec<Stmt>,
    /// The whole, with its braces if it has any.
    pub span: Span,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Stmt {
    /// `let name: Type = value`
    Let {
        /// The variable.
        name: Ident,
        /// Its annotation.
        annotation: Option<TypeExpr>,
        /// Its value, in which `name` is not visible.
        value: Expr,
        /// From `let` to the end of the value.
        span: Span,
    },
    /// An expression.
    Expr(Expr),
}

impl Stmt {
    /// Where the statement stands.
    pub fn span(&self) -> Span {
        match self {
            Stmt::Let { span, .. } => *span,
            Stmt::Expr(expr) => expr.span,
        }
    }
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What.
    pub kind: ExprKind,
    /// Where; with its parentheses, if it is written in parentheses (as errors underline it).
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An integer literal that fits 32 bits.
    Int(i32),
    /// An integer literal that fits 64 bits.
    Long(i64),
    /// Any other number.
    Double(f64),
    /// A string or heredoc without interpolation.
    String(Str),
    /// A string or heredoc with interpolation.
    Template(Vec<TemplatePart>),
    /// A variable, module, collection or function.
    Ident(Str),
    /// The hidden argument of a short lambda or projection entry (`.a`): the innermost one.
    This,
    /// The n-th template value of a request, written `<value>` in the text.
    Placeholder(u32),
    /// `[...]`, and parentheses around none or several expressions.
    Array(Vec<Expr>),
    /// `{ key: value, ... }`
    Object(Vec<(Ident, Expr)>),
    /// `{ stmt; ... expr }`
    Block(Block),
    /// `x => e`, `(a, ...b) => e`, `.a`
    Lambda(Arc<Lambda>),
    /// `if (cond) then else otherwise`
    If {
        /// Must yield a Boolean.
        cond: Box<Expr>,
        /// Value when true.
        then: Box<Expr>,
        /// Value when false; null without.
        otherwise: Option<Box<Expr>>,
    },
    /// `at (time) body`
    At {
        /// The read time.
        time: Box<Expr>,
        /// Evaluated at that time.
        body: Box<Expr>,
    },
    /// `match`: parses, is never evaluated. Patterns are not kept.
    Match {
        /// The scrutinee.
        subject: Box<Expr>,
    },
    /// `left op right`, the lazy operators included.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `op operand`
    Unary {
        /// Which.
        op: UnaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// The operand.
        operand: Box<Expr>,
    },
    /// `base.field[index](args)!`: links applied left to right. One node, because `?.` skips the rest of it.
    Chain {
        /// What the first link applies to.
        base: Box<Expr>,
        /// At least one.
        links: Vec<Link>,
    },
    /// `base { a, b: e }`; each entry's expression refers to the projected value by [`ExprKind::This`].
    Projection {
        /// What is projected.
        base: Box<Expr>,
        /// Entries in written order.
        entries: Vec<(Ident, Expr)>,
        /// From `{` to `}`.
        braces: Span,
    },
    /// `base { * }`: parses, is never evaluated.
    ProjectAll {
        /// What is projected.
        base: Box<Expr>,
    },
}

/// A part of a string with interpolation.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    /// Text, unescaped.
    Text(Str),
    /// `#{expr}`
    Expr(Expr),
}

/// A function literal.
#[derive(Clone, Debug, PartialEq)]
pub struct Lambda {
    /// Parameters in order.
    pub params: Vec<Param>,
    /// `...rest`
    pub rest: Option<Param>,
    /// The body.
    pub body: Expr,
    /// Written in short form: no parameters are named, the body uses [`ExprKind::This`] (and `params` is one unnamed parameter).
    pub short: bool,
    /// The whole literal.
    pub span: Span,
}

/// A parameter; `None` is `_`, which is ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Option<Str>,
    /// Where.
    pub span: Span,
}

/// One step of a chain.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// `.name`, `?.name`
    Field {
        /// The field.
        name: Ident,
        /// Written with `?.`.
        optional: bool,
    },
    /// `.name(args)`, `?.name(args)`, `.name?.(args)`
    Method {
        /// The method.
        name: Ident,
        /// Written with `?.` before the name.
        optional: bool,
        /// Written with `?.` before the parentheses.
        call_optional: bool,
        /// The arguments.
        args: Args,
    },
    /// `(args)`, `?.(args)`
    Call {
        /// Written with `?.`.
        optional: bool,
        /// The arguments.
        args: Args,
    },
    /// `[args]`, `?.[args]`
    Index {
        /// Written with `?.`.
        optional: bool,
        /// The arguments, normally one.
        args: Args,
    },
    /// `!`
    Bang {
        /// The `!`.
        span: Span,
    },
}

impl Link {
    /// From the dot or bracket of the link to its end.
    pub fn span(&self) -> Span {
        match self {
            Link::Field { name, .. } => name.span,
            Link::Method { name, args, .. } => name.span.to(args.span),
            Link::Call { args, .. } | Link::Index { args, .. } => args.span,
            Link::Bang { span } => *span,
        }
    }

    /// What errors about the value of the link point at.
    pub fn end(&self) -> Span {
        match self {
            Link::Method { args, .. } => args.span,
            other => other.span(),
        }
    }
}

/// Arguments in parentheses or brackets.
#[derive(Clone, Debug, PartialEq)]
pub struct Args {
    /// In order.
    pub items: Vec<Expr>,
    /// With the brackets.
    pub span: Span,
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum BinaryOp {
    Coalesce,
    Or,
    And,
    Eq,
    Ne,
    Match,
    NotMatch,
    Gt,
    Lt,
    Ge,
    Le,
    Isa,
    BitOr,
    BitXor,
    BitAnd,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
}

impl BinaryOp {
    /// As written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Coalesce => "??",
            BinaryOp::Or => "||",
            BinaryOp::And => "&&",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Match => "=~",
            BinaryOp::NotMatch => "!~",
            BinaryOp::Gt => ">",
            BinaryOp::Lt => "<",
            BinaryOp::Ge => ">=",
            BinaryOp::Le => "<=",
            BinaryOp::Isa => "isa",
            BinaryOp::BitOr => "|",
            BinaryOp::BitXor => "^",
            BinaryOp::BitAnd => "&",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
            BinaryOp::Pow => "**",
        }
    }

    /// Binding strength, loosest 0 (`spec fql10-language 2.1`).
    pub fn level(self) -> u8 {
        match self {
            BinaryOp::Coalesce => 0,
            BinaryOp::Or => 1,
            BinaryOp::And => 2,
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Match | BinaryOp::NotMatch => 3,
            BinaryOp::Gt | BinaryOp::Lt | BinaryOp::Ge | BinaryOp::Le => 4,
            BinaryOp::Isa => 5,
            BinaryOp::BitOr => 6,
            BinaryOp::BitXor => 7,
            BinaryOp::BitAnd => 8,
            BinaryOp::Add | BinaryOp::Sub => 9,
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => 10,
            BinaryOp::Pow => 11,
        }
    }
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum UnaryOp {
    Neg,
    BitNot,
    Not,
}

impl UnaryOp {
    /// As written.
    pub fn symbol(self) -> &'static str {
        match self {
            UnaryOp::Neg => "-",
            UnaryOp::BitNot => "~",
            UnaryOp::Not => "!",
        }
    }
}

/// A type expression in an annotation or signature (`spec fql10-language 2.4`, `typing 2.1`).
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    /// What.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// The forms of a type expression.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `Any`
    Any,
    /// `Never`
    Never,
    /// A singleton: `true`, `1`, `"a"`.
    Bool(bool),
    /// An integer singleton.
    Int(i64),
    /// A fractional singleton (schema types only).
    Double(f64),
    /// A string singleton.
    String(Str),
    /// `Name`, `FQL.SchemaModule`: the whole dotted name.
    Name(Str),
    /// `Name<A, B>`
    Cons(Ident, Vec<TypeExpr>),
    /// `{ a: T, *: U, ... }`
    Object {
        /// Declared fields in order.
        fields: Vec<TypeField>,
        /// `*: T`
        wildcard: Option<Box<TypeExpr>>,
        /// Ends in `...`.
        open: bool,
    },
    /// `[A, B]`, `(A, B)`
    Tuple(Vec<TypeExpr>),
    /// `(a: A, ...B) => C`
    Lambda {
        /// Parameters: name, if written, and type.
        params: Vec<(Option<Ident>, TypeExpr)>,
        /// `...T`
        rest: Option<Box<(Option<Ident>, TypeExpr)>>,
        /// Result.
        result: Box<TypeExpr>,
    },
    /// `A | B | C`
    Union(Vec<TypeExpr>),
    /// `A & B`
    Intersect(Vec<TypeExpr>),
    /// `A?`
    Optional(Box<TypeExpr>),
}

/// A field of an object type.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeField {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: TypeExpr,
    /// `= expr`, allowed in schema types only.
    pub default: Option<Box<Expr>>,
}

/// `<A, B> type`: a signature with type parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeScheme {
    /// Names of the parameters.
    pub params: Vec<Ident>,
    /// The type.
    pub ty: TypeExpr,
}
