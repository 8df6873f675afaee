//! Calling functions of every kind: arity, conversion of arguments, effects, depth.

use super::{Failure, Interp, MAX_FRAMES, MemberKind, Overload, Result};
use crate::value::{Closure, Env, Module, NullReason, Value};
use std::sync::Arc;

/// How many arguments a function takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arity {
    /// One of these counts, ascending.
    OneOf(Vec<usize>),
    /// This many or more.
    AtLeast(usize),
}

impl Arity {
    /// What functions with these overloads take.
    pub(super) fn of(overloads: &[Overload]) -> Arity {
        if let Some(variadic) = overloads.iter().find(|o| o.variadic) {
            return Arity::AtLeast(variadic.params.len() - 1);
        }
        let mut counts: Vec<usize> = overloads.iter().map(|o| o.params.len()).collect();
        counts.sort_unstable();
        counts.dedup();
        Arity::OneOf(counts)
    }

    /// Whether `n` arguments fit.
    pub fn accepts(&self, n: usize) -> bool {
        match self {
            Arity::OneOf(counts) => counts.contains(&n),
            Arity::AtLeast(least) => n >= *least,
        }
    }

    /// `exactly 1 argument`, `1 or 2 arguments`, `at least 1 argument` ...
    pub fn describe(&self, noun: &str) -> String {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        match self {
            Arity::AtLeast(0) => format!("any number of {noun}s"),
            Arity::AtLeast(n) => format!("at least {n} {noun}{}", plural(*n)),
            Arity::OneOf(counts) => match counts.as_slice() {
                [] | [0] => format!("no {noun}s"),
                [n] => format!("exactly {n} {noun}{}", plural(*n)),
                [rest @ .., last] => {
                    let rest: Vec<String> = rest.iter().map(usize::to_string).collect();
                    format!("{} or {last} {noun}s", rest.join(", "))
                }
            },
        }
    }
}

impl Interp {
    /// Calls `callee` in the frame that is already pushed.
    pub fn call(&mut self, callee: &Value, args: Vec<Value>) -> Result {
        match callee {
            Value::Lambda(closure) => self.call_closure(closure, args),
            Value::Native(native) => {
                let null = Value::NULL;
                let this = native.this.as_deref().unwrap_or(&null);
                self.call_native(native.id, this, args)
            }
            Value::Function(function) => self.call_function(function, args),
            // What a document holds of FQL v4 is a function without parameters and result to FQL v10.
            Value::Query(_) => match args.len() {
                0 => Ok(self.nothing()),
                n => Err(wrong_arity(&Arity::OneOf(vec![0]), n)),
            },
            Value::Module(_) => match self.member_of(callee, "apply") {
                Some(id) => self.call_native(id, callee, args),
                None => Err(Failure::type_mismatch("Function", callee)),
            },
            other => Err(Failure::type_mismatch("Function", other)),
        }
    }

    /// Calls a predicate: null counts as false, anything but a Boolean fails.
    pub fn predicate(&mut self, callee: &Value, args: Vec<Value>) -> Result<bool> {
        match self.call(callee, args)? {
            Value::Bool(b) => Ok(b),
            Value::Null(_) => Ok(false),
            other => Err(Failure::type_mismatch("Boolean", &other)),
        }
    }

    /// Calls a lambda.
    pub fn call_closure(&mut self, closure: &Arc<Closure>, args: Vec<Value>) -> Result {
        self.charge(1)?;
        let lambda = &closure.lambda;
        let fixed = lambda.params.len();
        if args.len() != fixed && (lambda.rest.is_none() || args.len() < fixed) {
            return Err(wrong_arity(&closure_arity(closure), args.len()));
        }
        // The frame of this very call does not count.
        if self.frames.len() > MAX_FRAMES + 1 {
            let message = format!("number of stack frames exceeded limit of {MAX_FRAMES}");
            return Err(Failure::new("stack_overflow", message));
        }
        let mut env = closure.env.clone();
        let mut args = args.into_iter();
        if lambda.short {
            let this = args.next().unwrap_or(Value::NULL);
            env = env.bind(self.this.clone(), this);
        } else {
            for (param, value) in lambda.params.iter().zip(&mut args) {
                if let Some(name) = &param.name {
                    env = env.bind(name.clone(), value);
                }
            }
            if let Some(rest) = &lambda.rest
                && let Some(name) = &rest.name
            {
                env = env.bind(name.clone(), Value::array(args.collect()));
            }
        }
        let lambda = lambda.clone();
        self.in_source(&closure.source, |me| me.eval(&lambda.body, &env))
    }

    /// Calls a native function on its receiver.
    pub fn call_native(&mut self, id: u16, this: &Value, args: Vec<Value>) -> Result {
        self.charge(1)?;
        let entry = self.library.entry(id);
        let member = entry.member;
        let MemberKind::Method { call, .. } = &member.kind else {
            return Err(Failure::type_mismatch("Function", &Value::NULL));
        };
        if !entry.arity().accepts(args.len()) {
            return Err(wrong_arity(entry.arity(), args.len()));
        }
        self.require(member.effect, || {
            format!("`{}`", member.name.trim_start_matches("op "))
        })?;
        let args = convert(member.name, entry.overloads(), args)?;
        let result = call(self, this, &args)?;
        self.note_made(&result)?;
        Ok(result)
    }

    /// Fails unless `callback` takes `n` arguments. `param` is the name the message gives.
    pub fn check_callback(&self, param: &str, callback: &Value, n: usize) -> Result<()> {
        let Some(arity) = self.arity(callback) else {
            return Err(Failure::argument_type(param, "Function", callback));
        };
        if arity.accepts(n) {
            return Ok(());
        }
        let plural = if n == 1 { "" } else { "s" };
        let message = format!(
            "`{param}` should accept {n} parameter{plural}, provided function requires {}.",
            arity.describe("parameter")
        );
        Err(Failure::new("invalid_argument", message))
    }

    /// How many arguments a function takes; `None` if it is no function.
    pub fn arity(&self, callee: &Value) -> Option<Arity> {
        match callee {
            Value::Lambda(closure) => Some(closure_arity(closure)),
            Value::Native(native) => Some(self.library.entry(native.id).arity().clone()),
            Value::Function(function) => Some(self.function_arity(function)),
            Value::Query(_) => Some(Arity::OneOf(vec![0])),
            Value::Module(_) => {
                let id = self.member_of(callee, "apply")?;
                Some(self.library.entry(id).arity().clone())
            }
            _ => None,
        }
    }

    /// The member `name` of the type of `value`.
    pub fn member_of(&self, value: &Value, name: &str) -> Option<u16> {
        let shape: &str = match value {
            Value::Null(_) => "Null",
            Value::Bool(_) => "Boolean",
            Value::Int(_) | Value::Long(_) | Value::Double(_) => "Number",
            Value::Id(_) => "ID",
            Value::String(_) => "String",
            Value::Bytes(_) => "Bytes",
            Value::Time(_) => "Time",
            Value::TransactionTime => "TransactionTime",
            Value::Date(_) => "Date",
            Value::Uuid(_) => "UUID",
            Value::Array(_) => "Array",
            Value::Object(_) => "object",
            Value::Set(_) => "Set",
            Value::Cursor(_) => "SetCursor",
            Value::EventSource(_) => "EventSource",
            Value::Lambda(_) | Value::Query(_) | Value::Native(_) => "Function",
            Value::Function(_) => "UserFunction",
            // Every document can be indexed by the name of a field.
            Value::Doc(_) if name == "[]" => "UserDocument",
            Value::Doc(doc) => crate::model::native::document_shape(doc.coll),
            Value::Module(Module::Collection { id, .. }) => {
                crate::model::native::collection_shape(*id)
            }
            Value::Module(Module::Deleted) => "DeletedCollection",
            Value::Module(Module::Native(name)) => match self.library.global(name).map(|g| &g.kind)
            {
                Some(super::GlobalKind::Module(shape)) => shape,
                // `FQL.Schema` is no global.
                _ => "FQL.SchemaModule",
            },
        };
        self.library.member(shape, name)
    }

    /// A null without cause other than that the function has no result.
    pub fn nothing(&self) -> Value {
        self.null(NullReason::Literal)
    }
}

/// The arity of a lambda.
pub(super) fn closure_arity(closure: &Closure) -> Arity {
    match closure.lambda.rest {
        Some(_) => Arity::AtLeast(closure.lambda.params.len()),
        None => Arity::OneOf(vec![closure.lambda.params.len()]),
    }
}

/// `callee function expects A, but N was provided.`
pub fn wrong_arity(arity: &Arity, n: usize) -> Failure {
    let were = if n == 1 { "was" } else { "were" };
    let message = format!(
        "callee function expects {}, but {n} {were} provided.",
        arity.describe("argument")
    );
    Failure::new("invalid_function_invocation", message)
}

/// Converts the arguments to the parameters of the overload they fit (`spec fql10-stdlib 1.3`).
fn convert(name: &str, overloads: &[Overload], mut args: Vec<Value>) -> Result<Vec<Value>> {
    if let [only] = overloads {
        for (i, arg) in args.iter_mut().enumerate() {
            let index = i.min(only.params.len() - 1);
            let param = &only.params[index];
            match param.kind.convert(arg) {
                Some(value) => *arg = value,
                None => {
                    // Rest parameters and the index operator are numbered.
                    let numbered =
                        (only.variadic && index == only.params.len() - 1) || name == "[]";
                    let label = match numbered {
                        true => format!("{}{}", param.name, i - index),
                        false => param.name.to_string(),
                    };
                    return Err(Failure::argument_type(&label, param.kind.name(), arg));
                }
            }
        }
        return Ok(args);
    }
    let candidates: Vec<&Overload> = overloads
        .iter()
        .filter(|o| o.variadic || o.params.len() == args.len())
        .collect();
    for overload in &candidates {
        let converted: Option<Vec<Value>> = args
            .iter()
            .zip(&overload.params)
            .map(|(arg, param)| param.kind.convert(arg))
            .collect();
        if let Some(converted) = converted {
            return Ok(converted);
        }
    }
    let expected: Vec<String> = candidates
        .iter()
        .map(|o| {
            format!(
                "({})",
                o.params
                    .iter()
                    .map(|p| p.kind.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        })
        .collect();
    let received: Vec<String> = args.iter().map(|a| a.type_name().to_string()).collect();
    let name = name.trim_start_matches("op ");
    let message = format!(
        "expected arguments to `{name}` of type {}, received ({})",
        expected.join(" | "),
        received.join(", ")
    );
    Err(Failure::new("invalid_argument", message))
}

impl Interp {
    /// Calls a stored body as a function: no variables of the query are visible in it.
    pub fn call_stored(
        &mut self,
        lambda: &Arc<crate::fql::syntax::ast::Lambda>,
        source: &Arc<crate::fql::syntax::Source>,
        args: Vec<Value>,
    ) -> Result {
        let closure = Closure {
            lambda: lambda.clone(),
            source: source.clone(),
            env: Env::default(),
        };
        self.call_closure(&Arc::new(closure), args)
    }
}
