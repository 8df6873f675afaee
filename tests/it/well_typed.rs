//! Closed queries made from the function table, each of a type that is chosen first: the type check accepts them, with
//! the type they were made for, and they do not fail for what types exclude.
//!
//! The maker is directed by types and bounded in size, so that thousands take seconds. `FQL_WELL_TYPED=100000` runs
//! longer, `FQL_SEED` starts elsewhere.

use super::numbers::{Numbers, setting};
use fql::engine::{Engine, Request};
use fql::fql::interp::MemberKind;
use fql::fql::syntax::ast::{TypeExpr, TypeKind};
use fql::fql::syntax::{Source, parse_type_scheme};
use std::time::Duration;

/// A type of the table, or of a query when it has no parameters left.
#[derive(Clone, Debug, PartialEq)]
enum Type {
    Number,
    String,
    Boolean,
    Null,
    /// `{ a: Number, b: String }`
    Object,
    Array(Box<Type>),
    Set(Box<Type>),
    Optional(Box<Type>),
    Function(Vec<Type>, Box<Type>),
    /// A type parameter.
    Parameter(String),
}

/// A function of the table: how it is called, on what, with what.
struct Function {
    name: String,
    receiver: Option<Type>,
    params: Vec<Type>,
    result: Type,
    is_field: bool,
}

/// What a signature says, if it is about these types only.
fn read(ty: &TypeExpr) -> Option<Type> {
    match &ty.kind {
        TypeKind::Name(name) => Some(match &**name {
            "Int" | "Long" | "Double" | "Number" => Type::Number,
            "String" => Type::String,
            "Boolean" => Type::Boolean,
            "Null" => Type::Null,
            "A" | "B" => Type::Parameter(name.to_string()),
            _ => return None,
        }),
        TypeKind::Cons(name, args) => {
            let inner = Box::new(read(args.first()?)?);
            match &*name.name {
                "Array" => Some(Type::Array(inner)),
                "Set" => Some(Type::Set(inner)),
                _ => None,
            }
        }
        TypeKind::Union(members) => match members.as_slice() {
            [ty, null] if read(null) == Some(Type::Null) => {
                Some(Type::Optional(Box::new(read(ty)?)))
            }
            _ => None,
        },
        TypeKind::Lambda {
            params,
            rest: None,
            result,
        } => {
            let params: Option<Vec<Type>> = params.iter().map(|(_, ty)| read(ty)).collect();
            Some(Type::Function(params?, Box::new(read(result)?)))
        }
        _ => None,
    }
}

/// The functions of the table that are about these types.
fn functions() -> Vec<Function> {
    let library = fql::fql::stdlib::library();
    let mut functions = Vec::new();
    let any = |name: &str| Box::new(Type::Parameter(name.to_string()));
    for shape in library.shapes() {
        let receiver = match shape.name {
            "Number" => Some(Type::Number),
            "String" => Some(Type::String),
            "Boolean" => Some(Type::Boolean),
            "Array<A>" => Some(Type::Array(any("A"))),
            "Set<A>" => Some(Type::Set(any("A"))),
            "MathModule" => None,
            _ => continue,
        };
        for member in shape.members {
            if !member.name.chars().all(char::is_alphanumeric) || member.name == "eventSource" {
                continue;
            }
            let name = match receiver {
                Some(_) => member.name.to_string(),
                None => format!("Math.{}", member.name),
            };
            let texts: &[&str] = match &member.kind {
                MemberKind::Field { ty, .. } => std::slice::from_ref(ty),
                MemberKind::Method { overloads, .. } => overloads,
                MemberKind::Static { .. } => continue,
            };
            for text in texts {
                let scheme = parse_type_scheme(&Source::new("*signature*", *text));
                let Some(ty) = scheme.ok().and_then(|scheme| read(&scheme.ty)) else {
                    continue;
                };
                let (params, result, is_field) = match ty {
                    Type::Function(params, result) => (params, *result, false),
                    ty => (Vec::new(), ty, true),
                };
                functions.push(Function {
                    name: name.clone(),
                    receiver: receiver.clone(),
                    params,
                    result,
                    is_field,
                });
            }
        }
    }
    functions
}

/// What the parameters of a pattern must be for it to be a type.
fn unify(pattern: &Type, ty: &Type, bound: &mut Vec<(String, Type)>) -> bool {
    match (pattern, ty) {
        (Type::Parameter(name), ty) => match bound.iter().find(|(known, _)| known == name) {
            Some((_, known)) => known == ty,
            None => {
                bound.push((name.clone(), ty.clone()));
                true
            }
        },
        (Type::Array(a), Type::Array(b))
        | (Type::Set(a), Type::Set(b))
        | (Type::Optional(a), Type::Optional(b)) => unify(a, b, bound),
        (a, b) => a == b,
    }
}

/// Makes queries.
struct Maker {
    numbers: Numbers,
    functions: Vec<Function>,
    scope: Vec<(String, Type)>,
    names: usize,
}

impl Maker {
    fn any_type(&mut self, depth: usize) -> Type {
        match self.numbers.below(if depth == 0 { 4 } else { 6 }) {
            0 => Type::Number,
            1 => Type::String,
            2 => Type::Boolean,
            3 => Type::Object,
            4 => Type::Array(Box::new(self.any_type(depth - 1))),
            _ => Type::Set(Box::new(self.any_type(depth - 1))),
        }
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// An expression of a type, of about `size` parts.
    fn expression(&mut self, ty: &Type, size: usize) -> String {
        if let Type::Optional(inner) = ty {
            return match self.numbers.below(3) {
                0 => "null".to_string(),
                _ => self.expression(inner, size),
            };
        }
        if let Type::Function(params, result) = ty {
            let before = self.scope.len();
            let names: Vec<String> = params.iter().map(|_| self.name()).collect();
            self.scope
                .extend(names.iter().cloned().zip(params.iter().cloned()));
            let body = self.expression(result, size);
            self.scope.truncate(before);
            return format!("(({}) => {body})", names.join(", "));
        }
        if size < 2 {
            return self.leaf(ty);
        }
        match self.numbers.below(10) {
            0 => {
                let (condition, then, other) = (
                    self.expression(&Type::Boolean, size / 3),
                    self.expression(ty, size / 3),
                    self.expression(ty, size / 3),
                );
                format!("(if ({condition}) {then} else {other})")
            }
            1 => {
                let bound = self.any_type(1);
                let value = self.expression(&bound, size / 2);
                let name = self.name();
                self.scope.push((name.clone(), bound));
                let body = self.expression(ty, size / 2);
                self.scope.pop();
                format!("{{ let {name} = {value}\n {body} }}")
            }
            2 => {
                let optional = Type::Optional(Box::new(ty.clone()));
                match self.call(&optional, size / 2) {
                    Some(value) => format!("({value} ?? {})", self.expression(ty, size / 2)),
                    None => self.leaf(ty),
                }
            }
            3 => format!("[{}][0]", self.expression(ty, size - 1)),
            4 => {
                let other = self.any_type(0);
                let other = self.expression(&other, size / 2);
                format!("{{ f: {}, g: {other} }}.f", self.expression(ty, size / 2))
            }
            5 => self.operation(ty, size),
            _ => match self.call(ty, size) {
                Some(call) => call,
                None => self.operation(ty, size),
            },
        }
    }

    /// A call of a function of the table.
    fn call(&mut self, ty: &Type, size: usize) -> Option<String> {
        for _ in 0..40 {
            let at = self.numbers.below(self.functions.len());
            let mut bound = Vec::new();
            if !unify(&self.functions[at].result, ty, &mut bound) {
                continue;
            }
            for name in ["A", "B"] {
                if !bound.iter().any(|(known, _)| known == name) {
                    let ty = self.any_type(0);
                    bound.push((name.to_string(), ty));
                }
            }
            let function = &self.functions[at];
            let (name, is_field) = (function.name.clone(), function.is_field);
            let receiver = function.receiver.as_ref().map(|ty| filled(ty, &bound));
            let params: Vec<Type> = function
                .params
                .iter()
                .map(|ty| filled(ty, &bound))
                .collect();
            let share = size.saturating_sub(1) / (params.len() + 1);
            let receiver = receiver.map(|ty| self.expression(&ty, share));
            let args: Vec<String> = params.iter().map(|ty| self.expression(ty, share)).collect();
            let called = match is_field {
                true => name,
                false => format!("{name}({})", args.join(", ")),
            };
            return Some(match receiver {
                Some(receiver) => format!("({receiver}).{called}"),
                None => called,
            });
        }
        None
    }

    /// An expression with an operator, or a literal with parts.
    fn operation(&mut self, ty: &Type, size: usize) -> String {
        let half = size / 2;
        let mut both = |ty: &Type, operator: &str| {
            let left = self.expression(ty, half);
            format!("({left} {operator} {})", self.expression(ty, half))
        };
        match ty {
            Type::Number => match half % 4 {
                0 => both(ty, "+"),
                1 => both(ty, "-"),
                2 => both(ty, "*"),
                _ => format!("(-{})", self.expression(ty, size - 1)),
            },
            Type::String => match half % 2 {
                0 => both(ty, "+"),
                _ => format!(
                    "\"<#{{{}}}>\"",
                    self.expression(ty, size - 1).replace('"', "'")
                ),
            },
            Type::Boolean => match half % 5 {
                0 => both(ty, "&&"),
                1 => both(ty, "||"),
                2 => both(&Type::Number, "<"),
                3 => both(&Type::String, "=="),
                _ => format!("(!{})", self.expression(ty, size - 1)),
            },
            Type::Object => format!(
                "{{ a: {}, b: {} }}",
                self.expression(&Type::Number, half),
                self.expression(&Type::String, half)
            ),
            Type::Array(element) => format!(
                "[{}, {}]",
                self.expression(element, half),
                self.expression(element, half)
            ),
            Type::Set(element) => format!("[{}].toSet()", self.expression(element, size - 1)),
            Type::Null | Type::Optional(_) | Type::Function(..) | Type::Parameter(_) => {
                "null".to_string()
            }
        }
    }

    /// A variable of that type or the field of one, or a small literal.
    fn leaf(&mut self, ty: &Type) -> String {
        let mut known: Vec<String> = Vec::new();
        for (name, bound) in &self.scope {
            match (bound, ty) {
                (bound, ty) if bound == ty => known.push(name.clone()),
                (Type::Object, Type::Number) => known.push(format!("{name}.a")),
                (Type::Object, Type::String) => known.push(format!("{name}.b")),
                _ => {}
            }
        }
        if !known.is_empty() && self.numbers.below(4) > 0 {
            return self.numbers.pick(&known).clone();
        }
        let literals: &[&str] = match ty {
            Type::Number => &["0", "1", "2", "(-3)", "2.5"],
            Type::String => &["''", "'a'", "'b-c'", "'Zz'"],
            Type::Boolean => &["true", "false"],
            Type::Object => &["{ a: 1, b: 'x' }"],
            Type::Array(_) => &["[]"],
            Type::Set(_) => &["[].toSet()"],
            Type::Null | Type::Optional(_) | Type::Function(..) | Type::Parameter(_) => &["null"],
        };
        (*self.numbers.pick(literals)).to_string()
    }
}

/// A pattern with its parameters replaced.
fn filled(pattern: &Type, bound: &[(String, Type)]) -> Type {
    let fill = |inner: &Type| Box::new(filled(inner, bound));
    match pattern {
        Type::Parameter(name) => bound
            .iter()
            .find(|(known, _)| known == name)
            .map_or(Type::Null, |(_, ty)| ty.clone()),
        Type::Array(inner) => Type::Array(fill(inner)),
        Type::Set(inner) => Type::Set(fill(inner)),
        Type::Optional(inner) => Type::Optional(fill(inner)),
        Type::Function(params, result) => Type::Function(
            params.iter().map(|param| filled(param, bound)).collect(),
            fill(result),
        ),
        Type::Number | Type::String | Type::Boolean | Type::Null | Type::Object => pattern.clone(),
    }
}

/// Whether a failure is one that types exclude. They know nothing of kinds of numbers, of bounds and of texts that must
/// have a form.
fn is_excluded(code: &str, summary: &str) -> bool {
    let numbers = ["Int", "Long", "Double", "Number"];
    let received = summary.lines().next().and_then(|line| {
        let (_, received) = line.rsplit_once("received ")?;
        Some(received.trim_matches(|c: char| !c.is_alphanumeric()))
    });
    match code {
        "unbound_variable" | "invalid_function_invocation" | "invalid_null_access" => true,
        "type_mismatch" => !received.is_some_and(|kind| numbers.contains(&kind)),
        "invalid_argument" => received.is_some_and(|kinds| {
            kinds
                .split(", ")
                .all(|kind| !numbers.contains(&kind.trim_matches(|c: char| !c.is_alphanumeric())))
        }),
        _ => false,
    }
}

#[test]
fn well_typed_queries_do_not_fail_for_what_types_exclude() {
    let mut maker = Maker {
        numbers: Numbers(setting("FQL_SEED", 20_26) * 2 + 1),
        functions: functions(),
        scope: Vec::new(),
        names: 0,
    };
    assert!(maker.functions.len() > 80, "{}", maker.functions.len());
    let session = Engine::memory().expect("an engine").root();
    let rounds = setting("FQL_WELL_TYPED", 600);
    let (mut refused, mut failures) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let ty = maker.any_type(2);
        let size = 4 + maker.numbers.below(28);
        let text = maker.expression(&ty, size);
        let mut request = Request::text(text.as_str());
        request.typecheck = Some(true);
        request.timeout = Some(Duration::from_secs(2));
        let outcome = session.query(&request);
        let said = || {
            let summary: String = outcome.summary.chars().take(600).collect();
            format!("{text}\n{summary}")
        };
        match &outcome.result {
            Ok(_) => {}
            Err(error) if error.code == "invalid_query" => refused.push(said()),
            Err(error) if is_excluded(error.code, &outcome.summary) => failures.push(said()),
            Err(_) => {}
        }
    }
    let shown = |all: &[String]| all.iter().take(8).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(
        failures.is_empty(),
        "{} of {rounds}:\n{}",
        failures.len(),
        shown(&failures)
    );
    assert!(
        refused.len() as u64 * 20 <= rounds,
        "{} of {rounds} are refused:\n{}",
        refused.len(),
        shown(&refused)
    );
}
