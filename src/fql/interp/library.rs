//! The function table: one declaration per native function and field.
//!
//! `stdlib` declares [`Shape`]s; the engine hands the whole table over as a [`Library`]. The table alone
//! feeds dispatch, arity and argument errors, the static typer, completion, `:help` and the reference.
//!
//! Signatures are written in the type language with *run-time* kinds (`(index: Int) => String`); the
//! static type widens `Int`, `Long` and `Double` parameters to `Number`, as the original declares them.

use super::{Arity, Interp, LegacyLanguage, Result};
use crate::FastMap;
use crate::value::{CollId, Value};
use std::sync::{Arc, OnceLock};

/// What a function may do; each includes those before it (`spec fql10-language 5.5`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Depends on its arguments only.
    Pure,
    /// Observes the clock or the id generator.
    Observation,
    /// Reads the database.
    Read,
    /// Writes the database.
    Write,
}

/// The members of one type or module, in the order of the reference.
#[derive(Debug)]
pub struct Shape {
    /// Its name in the type language, with parameters: `String`, `Array<A>`, `MathModule`, `KeyCollection`.
    pub name: &'static str,
    /// The structural definition, if it has one: `A | EmptyRef<A>`.
    pub alias: Option<&'static str>,
    /// One line for `:help`.
    pub about: &'static str,
    /// Fields, methods, operators (`op +`), index (`[]`) and application (`apply`).
    pub members: &'static [Member],
}

/// One declaration.
#[derive(Debug)]
pub struct Member {
    /// `slice`, `length`, `op +`, `[]`, `apply`.
    pub name: &'static str,
    /// Field or function, with its signatures.
    pub kind: MemberKind,
    /// The greatest effect it can have.
    pub effect: Effect,
    /// One line for `:help`; empty if a method is switched off.
    pub about: &'static str,
    /// An expression that shows it, for `:help`; may be empty for operators.
    pub example: &'static str,
}

impl Member {
    /// Whether completion, help and the environment tell of it. What is switched off is typed and can be called, to
    /// fail as if it were not there.
    pub fn is_offered(&self) -> bool {
        !(self.about.is_empty() && matches!(self.kind, MemberKind::Method { .. }))
    }
}

/// What a [`Member`] is.
#[derive(Debug)]
pub enum MemberKind {
    /// A field of the receiver.
    Field {
        /// Its static type.
        ty: &'static str,
        /// Reads it.
        get: fn(&mut Interp, &Value) -> Result,
    },
    /// A function of the receiver.
    Method {
        /// `(a: Int, b: String) => Boolean`, one per overload, in display order.
        overloads: &'static [&'static str],
        /// Runs it on receiver and arguments; the arguments are converted, their number fits an overload.
        call: fn(&mut Interp, &Value, &[Value]) -> Result,
    },
    /// Known to the typer only: members that the evaluator answers itself.
    Static {
        /// Types, one per overload.
        types: &'static [&'static str],
    },
}

/// A name that is bound everywhere.
#[derive(Debug)]
pub struct Global {
    /// `Math`, `log`, `Collection`.
    pub name: &'static str,
    /// What it is.
    pub kind: GlobalKind,
}

/// What a [`Global`] is.
#[derive(Debug)]
pub enum GlobalKind {
    /// A module whose members are the shape of this name (`MathModule`).
    Module(&'static str),
    /// A native collection whose members are the shape of this name (`KeyCollection`).
    Collection(CollId, &'static str),
    /// A function.
    Function(Member),
}

/// The whole table, indexed for dispatch. Built once per engine.
pub struct Library {
    /// The language of stored queries, once the engine has handed it over.
    pub legacy: Option<Arc<dyn LegacyLanguage>>,
    shapes: Vec<&'static Shape>,
    globals: &'static [Global],
    functions: Vec<Entry>,
    by_shape: FastMap<&'static str, FastMap<&'static str, u16>>,
    by_global: FastMap<&'static str, usize>,
    global_functions: FastMap<&'static str, u16>,
    /// Regular expressions compiled of late.
    pub patterns: crate::fql::regex::Cache,
}

/// A declaration with its parsed parameters.
pub struct Entry {
    /// The declaration.
    pub member: &'static Member,
    parameters: OnceLock<Parameters>,
}

/// What a function takes, in all.
struct Parameters {
    overloads: Vec<Overload>,
    arity: Arity,
}

/// One overload's parameters.
#[derive(Debug, Clone)]
pub struct Overload {
    /// In order.
    pub params: Vec<Parameter>,
    /// The last parameter takes any number of arguments.
    pub variadic: bool,
}

/// A parameter of a native function.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name in messages.
    pub name: &'static str,
    /// What it accepts at run time.
    pub kind: ParamKind,
}

/// What a native parameter accepts (`spec fql10-stdlib 1.3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
#[rustfmt::skip]
pub enum ParamKind {
    Any, Int, Long, Double, Number, String, Boolean, Bytes, Time, TransactionTime, Date, Uuid, Id,
    Array, Set, Object, AnyObject, Function, Cursor,
}

impl ParamKind {
    /// As shown in messages.
    pub fn name(self) -> &'static str {
        match self {
            ParamKind::Any => "Any",
            ParamKind::Int => "Int",
            ParamKind::Long => "Long",
            ParamKind::Double => "Double",
            ParamKind::Number => "Number",
            ParamKind::String => "String",
            ParamKind::Boolean => "Boolean",
            ParamKind::Bytes => "Bytes",
            ParamKind::Time => "Time",
            ParamKind::TransactionTime => "TransactionTime",
            ParamKind::Date => "Date",
            ParamKind::Uuid => "UUID",
            ParamKind::Id => "ID",
            ParamKind::Array => "Array<Any>",
            ParamKind::Set => "Set<Any>",
            ParamKind::Object | ParamKind::AnyObject => "{ *: Any }",
            ParamKind::Function => "Function",
            ParamKind::Cursor => "SetCursor",
        }
    }

    /// The value converted, or `None` if it does not fit.
    pub fn convert(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (ParamKind::Any, v) => Some(v.clone()),
            (ParamKind::Int, v) => v
                .as_i64()
                .and_then(|n| i32::try_from(n).ok())
                .map(Value::Int),
            (ParamKind::Long, v) => v.as_i64().map(Value::Long),
            (ParamKind::Double, Value::Int(n)) => Some(Value::Double(f64::from(*n))),
            (ParamKind::Double, Value::Long(n)) => Some(Value::Double(*n as f64)),
            (ParamKind::Id, Value::Int(n)) => Some(Value::Id(i64::from(*n))),
            (ParamKind::Id, Value::Long(n)) => Some(Value::Id(*n)),
            (ParamKind::Id, Value::String(s)) => s.parse().ok().map(Value::Id),
            (ParamKind::Double, Value::Double(_))
            | (ParamKind::Number, Value::Int(_) | Value::Long(_) | Value::Double(_))
            | (ParamKind::String, Value::String(_))
            | (ParamKind::Boolean, Value::Bool(_))
            | (ParamKind::Bytes, Value::Bytes(_))
            | (ParamKind::Time, Value::Time(_))
            | (ParamKind::TransactionTime, Value::TransactionTime)
            | (ParamKind::Date, Value::Date(_))
            | (ParamKind::Uuid, Value::Uuid(_))
            | (ParamKind::Id, Value::Id(_))
            | (ParamKind::Array, Value::Array(_))
            | (ParamKind::Set, Value::Set(_))
            | (ParamKind::Object, Value::Object(_))
            | (ParamKind::AnyObject, Value::Object(_) | Value::Doc(_) | Value::Module(_))
            | (ParamKind::Cursor, Value::Cursor(_) | Value::String(_)) => Some(value.clone()),
            (ParamKind::Function, v) if v.is_function() => Some(v.clone()),
            (_, _) => None,
        }
    }

    fn of(ty: &str) -> ParamKind {
        let ty = ty.trim();
        match ty {
            "Int" => ParamKind::Int,
            "Long" => ParamKind::Long,
            "Double" => ParamKind::Double,
            "Number" => ParamKind::Number,
            "String" => ParamKind::String,
            "Boolean" => ParamKind::Boolean,
            "Bytes" => ParamKind::Bytes,
            "Time" => ParamKind::Time,
            "TransactionTime" => ParamKind::TransactionTime,
            "Date" => ParamKind::Date,
            "UUID" => ParamKind::Uuid,
            "ID" => ParamKind::Id,
            "SetCursor" => ParamKind::Cursor,
            _ if top_level(ty, "|").len() > 1 => ParamKind::Any,
            _ if top_level(ty, "=>").len() > 1 => ParamKind::Function,
            _ if ty.starts_with("Array<") || ty.starts_with('[') => ParamKind::Array,
            _ if ty.starts_with("Set<") => ParamKind::Set,
            // A variable element type is that of an object of any sort: plain, document, module.
            "{ *: A }" | "{ *: B }" => ParamKind::AnyObject,
            _ if ty.starts_with('{') => ParamKind::Object,
            _ => ParamKind::Any,
        }
    }
}

/// Splits at `separator` outside of any bracket. For `|` the right side of an arrow is one part with it.
fn top_level<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut depth, mut start, mut parts) = (0i32, 0, Vec::new());
    let mut i = 0;
    while i < text.len() {
        let rest = &text[i..];
        if depth == 0 && rest.starts_with(separator) {
            parts.push(&text[start..i]);
            i += separator.len();
            start = i;
            continue;
        }
        if rest.starts_with("=>") {
            // `A => B | C` is one function type, and the `>` of an arrow closes nothing.
            if depth == 0 && separator == "|" {
                break;
            }
            i += 2;
            continue;
        }
        match rest.as_bytes()[0] {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b')' | b']' | b'}' | b'>' => depth -= 1,
            _ => {}
        }
        i += 1;
    }
    parts.push(&text[start..]);
    parts
}

fn parse_overload(signature: &'static str) -> Overload {
    // `(a: T, b: U) => R`: the parameter list is the first parenthesised part.
    let mut depth = 0;
    let mut end = signature.len();
    for (i, c) in signature.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    end = i;
                    break;
                }
            }
            _ => {}
        }
    }
    let list = signature.get(1..end).unwrap_or("").trim();
    let mut overload = Overload {
        params: Vec::new(),
        variadic: false,
    };
    if list.is_empty() {
        return overload;
    }
    for part in top_level(list, ",") {
        let (name, ty) = match top_level(part, ":").as_slice() {
            [name, _, ..] => (name.trim(), part[name.len() + 1..].trim()),
            _ => ("", part.trim()),
        };
        let ty = match ty.strip_prefix("...") {
            Some(ty) => {
                overload.variadic = true;
                ty
            }
            None => ty,
        };
        // A document is statically just an object; the function itself says what it takes.
        let kind = match (name, ty) {
            ("document", "{ *: Any }") => ParamKind::Any,
            _ => ParamKind::of(ty),
        };
        overload.params.push(Parameter { name, kind });
    }
    overload
}

impl Entry {
    /// Its overloads; none for fields.
    pub fn overloads(&self) -> &[Overload] {
        &self.parameters().overloads
    }

    /// How many arguments it takes.
    pub fn arity(&self) -> &Arity {
        &self.parameters().arity
    }

    fn parameters(&self) -> &Parameters {
        self.parameters.get_or_init(|| {
            let overloads: Vec<Overload> = match &self.member.kind {
                MemberKind::Method { overloads, .. } => {
                    overloads.iter().map(|s| parse_overload(s)).collect()
                }
                MemberKind::Field { .. } | MemberKind::Static { .. } => Vec::new(),
            };
            let arity = Arity::of(&overloads);
            Parameters { overloads, arity }
        })
    }
}

impl Library {
    /// Indexes the declarations.
    pub fn new(shapes: Vec<&'static Shape>, globals: &'static [Global]) -> Library {
        let mut library = Library {
            legacy: None,
            shapes: Vec::new(),
            globals,
            functions: Vec::with_capacity(512),
            by_shape: FastMap::default(),
            by_global: FastMap::default(),
            global_functions: FastMap::default(),
            patterns: crate::fql::regex::Cache::default(),
        };
        for shape in &shapes {
            let bare = shape.name.split('<').next().unwrap_or(shape.name);
            for member in shape.members {
                let id = library.add(member);
                library
                    .by_shape
                    .entry(bare)
                    .or_default()
                    .insert(member.name, id);
            }
            library.by_shape.entry(bare).or_default();
        }
        for (i, global) in globals.iter().enumerate() {
            library.by_global.insert(global.name, i);
            if let GlobalKind::Function(member) = &global.kind {
                let id = library.add(member);
                library.global_functions.insert(global.name, id);
            }
        }
        library.shapes = shapes;
        library
    }

    fn add(&mut self, member: &'static Member) -> u16 {
        self.functions.push(Entry {
            member,
            parameters: OnceLock::new(),
        });
        (self.functions.len() - 1) as u16
    }

    /// The declaration of a native function.
    pub fn entry(&self, id: u16) -> &Entry {
        &self.functions[id as usize]
    }

    /// The member `name` of the shape `shape`.
    pub fn member(&self, shape: &str, name: &str) -> Option<u16> {
        self.by_shape.get(shape)?.get(name).copied()
    }

    /// The global of that name.
    pub fn global(&self, name: &str) -> Option<&'static Global> {
        self.by_global.get(name).map(|i| &self.globals[*i])
    }

    /// The id of a global function.
    pub fn global_function(&self, name: &str) -> Option<u16> {
        self.global_functions.get(name).copied()
    }

    /// Every shape.
    pub fn shapes(&self) -> &[&'static Shape] {
        &self.shapes
    }

    /// Every global.
    pub fn globals(&self) -> &'static [Global] {
        self.globals
    }
}
