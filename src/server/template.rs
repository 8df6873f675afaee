//! The body of `/query/1`: a query template and its arguments (`spec http-api 5.3`, `fql10-language 9.1`).
//!
//! A template is a tree of text, values, arrays and objects. It becomes one query text in which each value is a
//! placeholder, so that a value can never be read as code. Text and `fql` nodes directly in an array or object get
//! parentheses: each is one expression. An array or object of values only is itself one value.

use super::json::{JsonError, Reader, Token};
use crate::engine::{Argument, Request};
use crate::value::format::{Format, write_quoted};
use serde_json::{Map, Value as Json};

/// What stands for a value in the text of a query.
const PLACEHOLDER: &str = "\0value>";

const SINGLE_KEY: &str = "Unexpected JSON Object Field Name. Expected an object with a single key 'fql', 'value', 'array', or 'object'.";

/// Decodes a body; the error is the message behind `invalid_request`. `format` decides how arguments are written.
pub fn decode_body(bytes: &[u8], format: Format) -> Result<Request, String> {
    decode(bytes, format).map_err(|error| match error {
        Fault::Because(reason) => format!("Invalid request body: {reason}"),
        Fault::Plain => "Invalid request body".to_string(),
    })
}

enum Fault {
    Because(String),
    Plain,
}

impl From<JsonError> for Fault {
    fn from(error: JsonError) -> Fault {
        match error {
            JsonError::Nesting => Fault::Because("JSON exceeds nesting limit".into()),
            JsonError::Syntax(text) => Fault::Because(text),
            JsonError::Number | JsonError::NoToken => Fault::Plain,
        }
    }
}

enum Node {
    Text(String),
    Fql(Vec<Node>),
    Value(Json),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

fn decode(bytes: &[u8], format: Format) -> Result<Request, Fault> {
    let mut reader = Reader::new(bytes)?;
    match reader.next_token()? {
        Token::ObjectStart => {}
        other => return Err(unexpected(&other, "")),
    }
    let mut template = None;
    let mut arguments: Vec<(String, Argument)> = Vec::new();
    while let Token::Key(key) = reader.next_token()? {
        match key.as_str() {
            "query" => {
                let first = reader.next_token()?;
                template = Some(node(&mut reader, first)?);
            }
            "arguments" => {
                arguments.clear();
                match reader.next_token()? {
                    Token::Null => continue,
                    Token::ObjectStart => {}
                    other => return Err(unexpected(&other, " Expected Object.")),
                }
                while let Token::Key(name) = reader.next_token()? {
                    let first = reader.next_token()?;
                    let value = reader.value_from(first)?;
                    let value = match format {
                        Format::Simple => Argument::Simple(value),
                        Format::Tagged | Format::Decorated => Argument::Tagged(value),
                    };
                    match arguments.iter_mut().find(|(known, _)| *known == name) {
                        Some(known) => known.1 = value,
                        None => arguments.push((name, value)),
                    }
                }
            }
            _ => return Err(Fault::Plain),
        }
    }
    if !reader.is_at_end() {
        // A second value is ignored; what is no value is an error.
        reader.next_token()?;
    }
    let template = template.ok_or(Fault::Plain)?;
    let mut request = Request {
        arguments,
        ..Request::default()
    };
    write(template, &mut request);
    Ok(request)
}

fn node(reader: &mut Reader<'_>, first: Token) -> Result<Node, Fault> {
    match first {
        Token::String(text) if text.contains('\0') => Err(Fault::Because(
            "FQL strings cannot contain NUL characters".into(),
        )),
        Token::String(text) => Ok(Node::Text(text)),
        Token::ObjectStart => {
            let key = match reader.next_token()? {
                Token::Key(key) => key,
                other => return Err(unexpected(&other, "")),
            };
            let first = match key.as_str() {
                "fql" | "value" | "array" | "object" => reader.next_token()?,
                _ => return Err(Fault::Because(SINGLE_KEY.into())),
            };
            let node = match key.as_str() {
                "fql" => Node::Fql(nodes(reader, first)?),
                "array" => Node::Array(nodes(reader, first)?),
                "object" => Node::Object(fields(reader, first)?),
                _ => Node::Value(reader.value_from(first)?),
            };
            match reader.next_token()? {
                Token::ObjectEnd => Ok(node),
                _ => Err(Fault::Because(SINGLE_KEY.into())),
            }
        }
        other => Err(unexpected(&other, " Expected query template.")),
    }
}

fn nodes(reader: &mut Reader<'_>, first: Token) -> Result<Vec<Node>, Fault> {
    if first != Token::ArrayStart {
        return Err(unexpected(&first, ""));
    }
    let mut nodes = Vec::new();
    loop {
        match reader.next_token()? {
            Token::ArrayEnd => return Ok(nodes),
            first => nodes.push(node(reader, first)?),
        }
    }
}

fn fields(reader: &mut Reader<'_>, first: Token) -> Result<Vec<(String, Node)>, Fault> {
    if first != Token::ObjectStart {
        return Err(unexpected(&first, ""));
    }
    let mut fields: Vec<(String, Node)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    while let Token::Key(key) = reader.next_token()? {
        if !seen.insert(key.clone()) {
            return Err(Fault::Because(format!("Duplicate object field `{key}`")));
        }
        let first = reader.next_token()?;
        fields.push((key, node(reader, first)?));
    }
    Ok(fields)
}

fn unexpected(token: &Token, expected: &str) -> Fault {
    let kind = match token {
        Token::ObjectStart => "Object Start",
        Token::ObjectEnd => "Object End",
        Token::ArrayStart => "Array Start",
        Token::ArrayEnd => "Array End",
        Token::Key(_) => "Object Field Name",
        Token::String(_) => "String",
        Token::Integer(_) => "Integer",
        Token::Double(_) => "Double",
        Token::Bool(_) => "Boolean",
        Token::Null => "Null",
    };
    Fault::Because(format!("Unexpected JSON {kind}.{expected}"))
}

/// Appends a node to the query's text.
fn write(node: Node, request: &mut Request) {
    match node {
        Node::Text(text) => request.text.push_str(&text),
        Node::Fql(nodes) => {
            for node in nodes {
                write(node, request);
            }
        }
        Node::Value(value) => {
            request.text.push_str(PLACEHOLDER);
            request.values.push(value);
        }
        node if is_value(&node) => write(Node::Value(into_value(node)), request),
        Node::Array(nodes) => {
            request.text.push('[');
            for (i, node) in nodes.into_iter().enumerate() {
                if i > 0 {
                    request.text.push_str(", ");
                }
                write_element(node, request);
            }
            request.text.push(']');
        }
        Node::Object(fields) => {
            request.text.push_str("{ ");
            for (i, (key, node)) in fields.into_iter().enumerate() {
                if i > 0 {
                    request.text.push_str(", ");
                }
                write_quoted(&mut request.text, &key);
                request.text.push_str(": ");
                write_element(node, request);
            }
            request.text.push_str(" }");
        }
    }
}

fn write_element(node: Node, request: &mut Request) {
    match node {
        Node::Text(_) | Node::Fql(_) => {
            request.text.push('(');
            write(node, request);
            request.text.push(')');
        }
        Node::Value(_) | Node::Array(_) | Node::Object(_) => write(node, request),
    }
}

fn is_value(node: &Node) -> bool {
    match node {
        Node::Text(_) | Node::Fql(_) => false,
        Node::Value(_) => true,
        Node::Array(nodes) => nodes.iter().all(is_value),
        Node::Object(fields) => fields.iter().all(|(_, node)| is_value(node)),
    }
}

/// The tagged encoding of an array or object of values.
fn into_value(node: Node) -> Json {
    match node {
        Node::Value(value) => value,
        Node::Array(nodes) | Node::Fql(nodes) => nodes.into_iter().map(into_value).collect(),
        Node::Object(fields) => {
            let literal = fields.iter().any(|(key, _)| key.starts_with('@'));
            let fields: Map<String, Json> = fields
                .into_iter()
                .map(|(key, node)| (key, into_value(node)))
                .collect();
            match literal {
                true => Json::Object(Map::from_iter([("@object".into(), Json::Object(fields))])),
                false => Json::Object(fields),
            }
        }
        Node::Text(text) => Json::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(query: Json) -> (String, Vec<Json>) {
        let body = json!({ "query": query }).to_string();
        let request = decode_body(body.as_bytes(), Format::Simple).expect("a good body");
        (request.text.replace('\0', "<"), request.values)
    }

    #[test]
    fn templates_become_one_text() {
        let (shown, values) = text(
            json!({"fql": ["a.", {"fql": ["b(", {"value": 1}, ")"]}, {"array": ["1;2", {"value": 2}]}]}),
        );
        assert_eq!(shown, "a.b(<value>)[(1;2), <value>]");
        assert_eq!(values, [json!(1), json!(2)]);
        let (shown, values) =
            text(json!({"object": {"a\"#{b}": "x", "@c": {"array": [{"value": 1}]}}}));
        assert_eq!(shown, "{ \"a\\\"\\#{b}\": (x), \"@c\": <value> }");
        assert_eq!(values, [json!([1])]);
    }

    #[test]
    fn values_only_collapse() {
        assert_eq!(
            text(json!({"array": []})),
            ("<value>".into(), vec![json!([])])
        );
        assert_eq!(
            text(json!({"object": {"@x": {"array": [{"value": {"@int": "1"}}]}}})),
            (
                "<value>".into(),
                vec![json!({"@object": {"@x": [{"@int": "1"}]}})]
            )
        );
    }

    #[test]
    fn faults_are_worded_as_the_protocol_does() {
        let fault = |body: &str| decode_body(body.as_bytes(), Format::Simple).unwrap_err();
        assert_eq!(fault(""), "Invalid request body");
        assert_eq!(fault("nope"), "Invalid request body");
        assert_eq!(
            fault("[]"),
            "Invalid request body: Unexpected JSON Array Start."
        );
        assert_eq!(fault("{\"query\":\"1\",\"x\":1}"), "Invalid request body");
        assert_eq!(
            fault("{\"query\":99999999999999999999}"),
            "Invalid request body"
        );
        assert!(fault("{\"query\":\"1\"} x").starts_with("Invalid request body: Unexpected"));
        assert!(decode_body(b"{\"query\":\"1\"} {}", Format::Simple).is_ok());
        assert_eq!(
            fault("{\"query\":{\"object\":{\"a\":\"1\",\"a\":\"2\"}}}"),
            "Invalid request body: Duplicate object field `a`"
        );
    }
}
