//! Checking a query: its type, or what is wrong with it.

use super::coalesce::Flatten;
use super::definitions::Sourced;
use super::display::Shown;
use super::engine::{Engine, Limit, Scheme};
use super::environment::Environment;
use super::failure::Problem;
use super::native::id;
use super::resolve;
use super::term::{Lit, Loc, Ty};
use crate::fql::syntax::ast::{Block, Expr, Stmt, Str, TypeExpr};
use crate::fql::syntax::{Diagnostic, Severity, Source, Span};
use std::sync::Arc;

/// What is known of a query before it runs.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its printed type.
    pub static_type: String,
    /// Things that are probably mistakes.
    pub warnings: Vec<Diagnostic>,
    /// Whether the answer could be another one if other numbers and strings of the same kinds stood in the text; false
    /// only if it could not.
    pub depends_on_literals: bool,
}

/// The type of a value that comes with a request (`spec typing 12`).
#[derive(Clone, Debug, PartialEq)]
pub enum ValueType {
    /// `null`
    Null,
    /// `true` or `false`: not a singleton.
    Boolean,
    /// An integer.
    Integer(i64),
    /// A finite or infinite number.
    Double(f64),
    /// A text.
    String(Str),
    /// A value of a named type: `ID`, `Time`, `MathModule`, `BookCollection`.
    Named(Str),
    /// A document of a collection; the name is that of the collection.
    Document(Str),
    /// A set.
    Set,
    /// An event source.
    EventSource,
    /// An array.
    Array(Vec<ValueType>),
    /// An object.
    Object(Vec<(Str, ValueType)>),
}

/// The types of a request's arguments, by name; placeholders are `$0`, `$1`, ... Asked only for names
/// that a query mentions and does not define.
pub type Arguments<'a> = &'a dyn Fn(&str) -> Option<ValueType>;

/// For queries without arguments.
pub fn no_arguments(_name: &str) -> Option<ValueType> {
    None
}

/// Types a query (`spec typing 1`). The errors are in the order they are reported; warnings come first.
pub fn check_query(
    block: &Block,
    source: &Arc<Source>,
    env: &Environment,
    arguments: Arguments<'_>,
) -> Result<Checked, Vec<Diagnostic>> {
    let mut engine = Engine::new(env, source.clone());
    bind_arguments(&mut engine, arguments, Names::Block(block));
    let ty = engine.block(block);
    let shown = engine.finish(&ty, block.span);
    let mut engine_warnings = std::mem::take(&mut engine.warnings);
    let sources = std::mem::take(&mut engine.sources);
    if !engine.problems.is_empty() {
        let warnings = engine_warnings
            .into_iter()
            .map(|problem| problem.diagnostic(Severity::Warning, &sources));
        let errors = engine
            .problems
            .into_iter()
            .map(|problem| problem.diagnostic(Severity::Error, &sources));
        return Err(warnings.chain(errors).collect());
    }
    if shown.as_ref().is_some_and(is_function)
        && let Some(Stmt::Expr(last)) = block.stmts.last()
    {
        let at = Loc {
            source: 0,
            start: last.span.start,
            end: last.span.end,
        };
        let after = Loc {
            start: at.end,
            ..at
        };
        engine_warnings.push(Problem::new("Function is not called.", at).hint(
            "Call the function.",
            after,
            Some("()".to_owned()),
        ));
    }
    let depends_on_literals = engine.depends_on_literals() || !engine_warnings.is_empty();
    Ok(Checked {
        depends_on_literals,
        static_type: shown.map(|shown| shown.to_string()).unwrap_or_default(),
        warnings: engine_warnings
            .into_iter()
            .map(|problem| problem.diagnostic(Severity::Warning, &sources))
            .collect(),
    })
}

/// The printed type of one expression, for `:type`.
pub fn type_of_expr(
    expr: &Expr,
    source: &Arc<Source>,
    env: &Environment,
    arguments: Arguments<'_>,
) -> Result<String, Vec<Diagnostic>> {
    let mut engine = Engine::new(env, source.clone());
    bind_arguments(&mut engine, arguments, Names::Expr(expr));
    let ty = engine.expr(expr);
    let shown = engine.finish(&ty, expr.span);
    let sources = std::mem::take(&mut engine.sources);
    match shown {
        Some(shown) if engine.problems.is_empty() => Ok(shown.to_string()),
        _ => Err(engine
            .problems
            .into_iter()
            .map(|problem| problem.diagnostic(Severity::Error, &sources))
            .collect()),
    }
}

/// What is wrong with a value that should be of a type a field declares.
pub fn check_value(
    env: &Environment,
    value: &Sourced<Expr>,
    ty: &Sourced<TypeExpr>,
) -> Vec<Diagnostic> {
    let mut engine = Engine::new(env, value.source.clone());
    engine.sources.push(ty.source.clone());
    let mut resolver = resolve::Resolver::new(env, 1, false, 0);
    let demanded = resolver.resolve(&ty.tree);
    if !resolver.problems.is_empty() {
        return Vec::new();
    }
    let found = engine.expr(&value.tree);
    let at = engine.loc(value.tree.span);
    engine.constrain(&found, &demanded, at);
    if engine.limit.is_some() && !engine.limit_reported {
        engine.report_limit(at);
    }
    let declared = Loc {
        source: 1,
        start: ty.tree.span.start,
        end: ty.tree.span.end,
    };
    if !engine.problems.is_empty() {
        let first = engine.problems.remove(0);
        let first = first.hint("Field type defined here", declared, None);
        engine.problems.insert(0, first);
    }
    let problems = std::mem::take(&mut engine.problems);
    problems
        .into_iter()
        .map(|problem| problem.diagnostic(Severity::Error, &engine.sources))
        .collect()
}

/// What arguments may be mentioned in.
pub(super) enum Names<'a> {
    Block(&'a Block),
    Expr(&'a Expr),
}

/// Brings the arguments a tree mentions into scope.
pub(super) fn bind_arguments(engine: &mut Engine<'_>, arguments: Arguments<'_>, tree: Names<'_>) {
    let mut names: Vec<Str> = Vec::new();
    let mut visit = |name: &str| {
        if !names.iter().any(|known| &**known == name) {
            names.push(Str::from(name));
        }
    };
    match tree {
        Names::Block(block) => super::names::block_names(block, &mut visit),
        Names::Expr(expr) => super::names::expr_names(expr, &mut visit),
    }
    for name in names {
        if let Some(value) = arguments(&name) {
            let ty = value_type(engine.env, &value, 0);
            engine.scope.push((name, Scheme::Simple(ty)));
        }
    }
}

/// The type of an argument's value.
fn value_type(env: &Environment, value: &ValueType, depth: u32) -> Ty {
    if depth > 200 {
        return Ty::any();
    }
    let none = Loc::NONE;
    match value {
        ValueType::Null => Ty::named(id::NULL),
        ValueType::Boolean => Ty::named(id::BOOLEAN),
        ValueType::Integer(value) => Ty::lit(Lit::Int(*value), none),
        ValueType::Double(value) if value.is_finite() => Ty::lit(resolve::number(*value), none),
        ValueType::Double(_) => Ty::named(id::DOUBLE),
        ValueType::String(value) => Ty::lit(Lit::String(value.clone()), none),
        ValueType::Named(name) => env.shape_id(name).map_or_else(Ty::any, Ty::named),
        ValueType::Document(name) => env
            .shape_id(name)
            .map_or_else(|| Ty::named(id::NULL), Ty::named),
        ValueType::Set => Ty::constructed(id::SET, Ty::any()),
        ValueType::EventSource => Ty::constructed(id::EVENT_SOURCE, Ty::any()),
        ValueType::Array(items) => Ty::tuple(
            items
                .iter()
                .map(|item| value_type(env, item, depth + 1))
                .collect(),
            none,
        ),
        ValueType::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), value_type(env, value, depth + 1)));
            Ty::record(fields.collect(), None, none)
        }
    }
}

impl Engine<'_> {
    /// The final type, unless something was wrong; reports if the check had to be given up.
    pub(super) fn finish(&mut self, ty: &Ty, whole: Span) -> Option<Shown> {
        if self.problems.is_empty() && self.limit.is_none() {
            let resolved = self.resolve_choices(ty, true);
            if self.limit.is_none() && Flatten::new(self).run(&resolved, true).is_none() {
                self.limit = Some(Limit::Depth);
            }
            if self.limit.is_none() {
                return Some(self.coalesce(&resolved, true));
            }
        }
        if self.limit.is_some() && !self.limit_reported {
            let at = self.loc(whole);
            self.report_limit(at);
        }
        None
    }
}

/// Whether a shown type is a function or several.
fn is_function(shown: &Shown) -> bool {
    match shown {
        Shown::Lambda { .. } => true,
        Shown::Intersect(parts) => parts
            .iter()
            .all(|part| matches!(part, Shown::Lambda { .. })),
        _ => false,
    }
}
