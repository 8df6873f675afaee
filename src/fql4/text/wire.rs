//! Tree → wire JSON: what the driver's query functions make of their arguments (`spec fql4 1.3`).
//!
//! The table of forms says for each function how its arguments become keys ([`TextRule`]). A value that is `undefined`
//! is no value: fields that have it are left out, elements of arrays become null.

use super::error::{ErrorKind, TextError};
use super::syntax::{Node, NodeKind};
use crate::fql::syntax::Span;
use crate::fql4::forms::{self, Form, TextRule};
use base64::Engine as _;
use serde_json::{Map, Value as Json, json};

type Wired<T> = Result<T, TextError>;

/// The wire form of a whole query.
pub(super) fn query(tree: &Node, known: &dyn Fn(&str) -> Option<Json>) -> Wired<Json> {
    let mut wiring = Wiring {
        scopes: Vec::new(),
        known,
    };
    match wiring.value(tree)? {
        Some(json) => Ok(json),
        None => {
            let message = "A query is required.";
            Err(TextError::new(ErrorKind::Plain, message, tree.span))
        }
    }
}

/// What names stand for.
struct Wiring<'k> {
    /// Parameters of functions, innermost last.
    scopes: Vec<Vec<(String, Option<Json>)>>,
    /// Names from outside the text.
    known: &'k dyn Fn(&str) -> Option<Json>,
}

impl Wiring<'_> {
    /// The wire form of an expression; `None` is `undefined`.
    fn value(&mut self, node: &Node) -> Wired<Option<Json>> {
        Ok(Some(match &node.kind {
            NodeKind::Undefined => return Ok(None),
            NodeKind::Null => Json::Null,
            NodeKind::Bool(value) => Json::Bool(*value),
            NodeKind::Number(value) => value.clone().map_or(Json::Null, Json::Number),
            NodeKind::String(text) => Json::String(text.clone()),
            NodeKind::Array(elements) => self.array(elements)?,
            NodeKind::Object(_) => json!({ "object": self.fields(node)? }),
            NodeKind::Function { parameters, body } => self.lambda(parameters, body, node.span)?,
            NodeKind::Name(name) => return self.name(name, node.span),
            NodeKind::Call {
                name,
                name_span,
                arguments,
            } => self.call(name, *name_span, arguments, node.span)?,
        }))
    }

    /// The same where there must be some value in the text that is sent.
    fn or_null(&mut self, node: &Node) -> Wired<Json> {
        Ok(self.value(node)?.unwrap_or(Json::Null))
    }

    fn array(&mut self, elements: &[Node]) -> Wired<Json> {
        elements
            .iter()
            .map(|element| self.or_null(element))
            .collect()
    }

    /// The fields of an object literal. Other values have the fields that their JavaScript objects have: those of
    /// expressions hold the expression itself.
    fn fields(&mut self, node: &Node) -> Wired<Map<String, Json>> {
        let mut fields = Map::new();
        match &node.kind {
            NodeKind::Object(written) => {
                for (key, value) in written {
                    if let Some(value) = self.value(value)? {
                        fields.insert(key.clone(), value);
                    }
                }
            }
            NodeKind::Array(elements) => {
                for (i, element) in elements.iter().enumerate() {
                    fields.insert(i.to_string(), self.or_null(element)?);
                }
            }
            NodeKind::Call { .. } | NodeKind::Name(_) => {
                if let Some(value) = self.value(node)? {
                    fields.insert("raw".to_string(), value);
                }
            }
            NodeKind::String(text) => {
                for (i, letter) in text.chars().enumerate() {
                    fields.insert(i.to_string(), Json::String(letter.to_string()));
                }
            }
            NodeKind::Null
            | NodeKind::Undefined
            | NodeKind::Bool(_)
            | NodeKind::Number(_)
            | NodeKind::Function { .. } => {}
        }
        Ok(fields)
    }

    fn lambda(&mut self, parameters: &[String], body: &Node, span: Span) -> Wired<Json> {
        let pattern = match parameters {
            [] => {
                let message = "Provided Function must take at least 1 argument.";
                return Err(TextError::new(ErrorKind::InvalidValue, message, span));
            }
            [only] => json!(only),
            several => json!(several),
        };
        let scope = parameters
            .iter()
            .map(|name| (name.clone(), Some(json!({ "var": name }))));
        self.scopes.push(scope.collect());
        let body = self.value(body);
        self.scopes.pop();
        let mut lambda = Map::new();
        lambda.insert("lambda".to_string(), pattern);
        if let Some(body) = body? {
            lambda.insert("expr".to_string(), body);
        }
        Ok(Json::Object(lambda))
    }

    fn name(&mut self, name: &str, span: Span) -> Wired<Option<Json>> {
        let mut known = self.scopes.iter().rev().flatten();
        if let Some((_, value)) = known.find(|(known, _)| known == name) {
            return Ok(value.clone());
        }
        if let Some(value) = (self.known)(name) {
            return Ok(Some(value));
        }
        let error = undefined(name, span);
        Err(match forms::by_name(name) {
            Some(_) => error.hint(format!("it is a function: {name}(...)")),
            None => error,
        })
    }

    fn call(&mut self, name: &str, name_span: Span, arguments: &[Node], span: Span) -> Wired<Json> {
        let form = forms::by_name(name).filter(|form| form.text != TextRule::WireOnly);
        let Some(form) = form else {
            let error = undefined(name, name_span);
            return Err(match similar(name) {
                Some(like) => error.hint(format!("did you mean {like}?")),
                None => error,
            });
        };
        check_arity(form, name, arguments, span)?;
        let keys = form.keys;
        let mut wire = Map::new();
        match form.text {
            TextRule::Positional { required, .. } | TextRule::AtLeast { required } => {
                for (i, (key, argument)) in keys.iter().zip(arguments).enumerate() {
                    match self.value(argument)? {
                        Some(Json::Null) | None if i >= required => {}
                        Some(value) => {
                            wire.insert(key.name.to_string(), value);
                        }
                        None => {}
                    }
                }
            }
            TextRule::Reversed => {
                // Arguments are told to the server in the order of the keys.
                for (key, argument) in keys.iter().zip(arguments.iter().rev()) {
                    self.insert(&mut wire, key.name, argument)?;
                }
            }
            TextRule::Varargs { fixed } => {
                for (key, argument) in keys.iter().zip(arguments.iter().take(fixed)) {
                    self.insert(&mut wire, key.name, argument)?;
                }
                if let Some(key) = keys.get(fixed) {
                    match arguments.get(fixed..).unwrap_or_default() {
                        [only] => self.insert(&mut wire, key.name, only)?,
                        several => {
                            let several = self.array(several)?;
                            wire.insert(key.name.to_string(), several);
                        }
                    }
                }
            }
            TextRule::List => {
                if let Some(key) = keys.first() {
                    let list = self.array(arguments)?;
                    wire.insert(key.name.to_string(), list);
                }
            }
            TextRule::Nothing => {
                if let Some(key) = keys.first() {
                    wire.insert(key.name.to_string(), Json::Null);
                }
            }
            TextRule::OneOrNull => {
                if let Some(key) = keys.first() {
                    let value = match arguments.first() {
                        Some(argument) => self.or_null(argument)?,
                        None => Json::Null,
                    };
                    wire.insert(key.name.to_string(), value);
                }
            }
            TextRule::NameAndScope | TextRule::Select | TextRule::Create => {
                for (key, argument) in keys.iter().zip(arguments) {
                    self.insert(&mut wire, key.name, argument)?;
                }
            }
            TextRule::Let => {
                if let [bindings, body] = arguments {
                    return self.bindings(bindings, body);
                }
            }
            TextRule::Object => {
                if let Some(argument) = arguments.first() {
                    return Ok(json!({ "object": self.fields(argument)? }));
                }
            }
            TextRule::Lambda => match arguments {
                [only] => {
                    return match &only.kind {
                        NodeKind::Function { .. } | NodeKind::Call { .. } | NodeKind::Name(_) => {
                            self.or_null(only)
                        }
                        _ => {
                            let message = "Lambda function takes either a Function or an Expr.";
                            Err(TextError::new(ErrorKind::InvalidValue, message, only.span))
                        }
                    };
                }
                _ => {
                    for (key, argument) in ["lambda", "expr"].into_iter().zip(arguments) {
                        self.insert(&mut wire, key, argument)?;
                    }
                }
            },
            TextRule::Ref => match arguments {
                [only] => {
                    let only = self.or_null(only)?;
                    return Ok(json!({ "@ref": only }));
                }
                _ => {
                    for (key, argument) in ["ref", "id"].into_iter().zip(arguments) {
                        self.insert(&mut wire, key, argument)?;
                    }
                }
            },
            TextRule::Bytes => {
                if let Some(argument) = arguments.first() {
                    return self.bytes(argument);
                }
            }
            TextRule::Options => {
                if let (Some(key), Some(set)) = (keys.first(), arguments.first()) {
                    self.insert(&mut wire, key.name, set)?;
                }
                if let Some(options) = arguments.get(1) {
                    wire.extend(self.fields(options)?);
                }
            }
            TextRule::WireOnly => {}
        }
        Ok(Json::Object(wire))
    }

    fn insert(&mut self, wire: &mut Map<String, Json>, key: &str, argument: &Node) -> Wired<()> {
        if let Some(value) = self.value(argument)? {
            wire.insert(key.to_string(), value);
        }
        Ok(())
    }

    /// `Let`: bindings always leave as an array of objects with one key. A function as body gets the variables by place.
    fn bindings(&mut self, bindings: &Node, body: &Node) -> Wired<Json> {
        let mut names = Vec::new();
        let list: Vec<Json> = match &bindings.kind {
            NodeKind::Array(items) => items
                .iter()
                .map(|item| {
                    let fields = self.fields(item)?;
                    names.extend(fields.keys().cloned());
                    Ok(Json::Object(fields))
                })
                .collect::<Wired<_>>()?,
            _ => {
                let fields = self.fields(bindings)?;
                names.extend(fields.keys().cloned());
                fields
                    .into_iter()
                    .map(|(name, value)| {
                        let mut binding = Map::new();
                        binding.insert(name, value);
                        Json::Object(binding)
                    })
                    .collect()
            }
        };
        let result = match &body.kind {
            NodeKind::Function { parameters, body } => {
                let mut names = names.iter();
                let scope = parameters.iter().map(|parameter| {
                    let value = names.next().map(|name| json!({ "var": name }));
                    (parameter.clone(), value)
                });
                let scope = scope.collect();
                self.scopes.push(scope);
                let body = self.value(body);
                self.scopes.pop();
                body?
            }
            _ => self.value(body)?,
        };
        let mut wire = Map::new();
        wire.insert("let".to_string(), Json::Array(list));
        if let Some(result) = result {
            wire.insert("in".to_string(), result);
        }
        Ok(Json::Object(wire))
    }

    /// `Bytes`: the driver decodes the text.
    fn bytes(&mut self, argument: &Node) -> Wired<Json> {
        let invalid = |message: &str| {
            Err(TextError::new(
                ErrorKind::InvalidValue,
                message,
                argument.span,
            ))
        };
        let NodeKind::String(text) = &argument.kind else {
            return invalid(
                "Bytes type expect argument to be either Uint8Array|ArrayBuffer|string",
            );
        };
        let standard: String = text
            .chars()
            .map(|ch| match ch {
                '-' => '+',
                '_' => '/',
                ch => ch,
            })
            .collect();
        match base64::engine::general_purpose::STANDARD.decode(&standard) {
            Ok(_) => Ok(json!({ "@bytes": standard })),
            Err(_) if text.len() % 4 != 0 => {
                invalid("Invalid string. Length must be a multiple of 4")
            }
            Err(_) => invalid("Invalid string. It is no base64"),
        }
    }
}

fn undefined(name: &str, span: Span) -> TextError {
    let message = format!("{name} is not defined");
    TextError::new(ErrorKind::Reference, message, span)
}

/// The driver counts arguments, and looks whether the required ones are there, before it makes anything of them.
fn check_arity(form: &Form, name: &str, arguments: &[Node], span: Span) -> Wired<()> {
    let (least, most) = form.text.arity(form);
    let given = arguments.len();
    // The driver's own name of a function whose JavaScript name is taken.
    let called = match name {
        "Object" => "objectFunction",
        "Function" => "FunctionFn",
        name => name,
    };
    if given < least || most.is_some_and(|most| given > most) {
        let range = match most {
            None => format!("at least {least}"),
            Some(most) if least == most => least.to_string(),
            Some(most) if least == 0 => format!("up to {most}"),
            Some(most) => format!("from {least} to {most}"),
        };
        let page = called.to_lowercase();
        let message = format!(
            "{called} function requires {range} argument(s) but {given} were given\n\
             For more info, see the docs: https://docs.fauna.com/fauna/current/api/fql/functions/{page}"
        );
        return Err(TextError::new(ErrorKind::InvalidArity, message, span));
    }
    for (i, argument) in arguments.iter().take(least).enumerate() {
        if argument.kind == NodeKind::Undefined {
            let message = format!(
                "Expected value, but found 'undefined'. Argument {i} for {called} is required."
            );
            return Err(TextError::new(
                ErrorKind::InvalidValue,
                message,
                argument.span,
            ));
        }
    }
    Ok(())
}

/// A function whose name differs in case only, or begins alike.
fn similar(name: &str) -> Option<&'static str> {
    let names = || forms::all().flat_map(|form| form.names).copied();
    let same = names().find(|known| known.eq_ignore_ascii_case(name));
    same.or_else(|| {
        let head = name.get(..4).filter(|_| name.len() > 4)?;
        names().find(|known| known.starts_with(head))
    })
}
