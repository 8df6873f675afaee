//! Completion and signatures for FQL v4: names from the table of forms, names of definitions within the strings that
//! name them.

use super::commands;
use super::complete::Context;
use crate::fql::syntax::TokenKind;
use crate::fql4::forms::{self, Cast, Form, Key, TextRule};
use crate::fql4::text::tokens;
use rustyline::completion::Pair;

/// Names that a query may use at the end of a text, and where the word they replace begins.
pub(super) fn names(context: &Context, before: &str) -> (usize, Vec<Pair>) {
    if let Some(found) = definitions(context, before) {
        return found;
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let start = before.trim_end_matches(is_word).len();
    let word = before.get(start..).unwrap_or_default();
    let mut pairs: Vec<Pair> = Vec::new();
    if let Some(form) = options(before.get(..start).unwrap_or_default()) {
        let options = option_keys(form).filter(|key| key.name.starts_with(word));
        pairs.extend(options.map(|key| Pair {
            display: key.name.to_string(),
            replacement: format!("{}: ", key.name),
        }));
        return (start, pairs);
    }
    for name in context.bindings().legacy_names() {
        if name.starts_with(word) {
            pairs.push(Pair {
                display: name.to_string(),
                replacement: name.to_string(),
            });
        }
    }
    let typed = forms::all().filter(|form| form.text != TextRule::WireOnly);
    let mut named: Vec<(&str, &Form)> = typed
        .flat_map(|form| form.names.iter().map(move |name| (*name, form)))
        .filter(|(name, _)| name.starts_with(word))
        .collect();
    named.sort_by_key(|(name, _)| *name);
    pairs.extend(named.into_iter().map(|(name, form)| Pair {
        display: usage(name, form),
        replacement: format!("{name}("),
    }));
    (start, pairs)
}

/// The signature of the function that a text is in the arguments of.
pub(super) fn signature(before: &str) -> Option<String> {
    let (name, _) = called(before)?;
    let form = forms::by_name(name).filter(|form| form.text != TextRule::WireOnly)?;
    Some(usage(name, form))
}

/// The call whose arguments a text ends in: its name, and what stands between its bracket and the end.
fn called(before: &str) -> Option<(&str, &str)> {
    let slice = |start: u32, end: u32| before.get(start as usize..end as usize);
    let mut open: Vec<Option<(&str, usize)>> = Vec::new();
    let mut previous = None;
    for (span, kind) in tokens(before) {
        match kind {
            TokenKind::Open => open.push(previous.map(|name| (name, span.end as usize))),
            TokenKind::Close => {
                open.pop();
            }
            _ => {}
        }
        previous = match kind {
            TokenKind::Function => slice(span.start, span.end),
            _ => None,
        };
    }
    let (name, start) = open.into_iter().rev().flatten().next()?;
    Some((name, before.get(start..)?))
}

/// The keys of options that a function takes: all that forms with its first key have.
fn option_keys(form: &Form) -> impl Iterator<Item = &'static Key> {
    let first = form.keys.first().map_or("", |key| key.name);
    let mut keys: Vec<&'static Key> = Vec::new();
    for form in forms::all().filter(|form| form.keys.first().is_some_and(|key| key.name == first)) {
        for key in form.keys.iter().skip(1) {
            if !keys.iter().any(|known| known.name == key.name) {
                keys.push(key);
            }
        }
    }
    keys.into_iter()
}

/// The function whose options a text ends in: `Paginate(set, {`.
fn options(before: &str) -> Option<&'static Form> {
    let (name, arguments) = called(before)?;
    let form = forms::by_name(name).filter(|form| form.text == TextRule::Options)?;
    let last = tokens(arguments).pop()?;
    let mark = arguments.get(last.0.start as usize..last.0.end as usize)?;
    let in_object = arguments.rfind('{') > arguments.rfind('}');
    (in_object && matches!(mark, "{" | ",")).then_some(form)
}

/// Names of definitions, if a text ends in a string that names one: `Collection("`.
fn definitions(context: &Context, before: &str) -> Option<(usize, Vec<Pair>)> {
    let tokens = tokens(before);
    let [
        ..,
        (name, TokenKind::Function),
        (_, TokenKind::Open),
        (string, TokenKind::String),
    ] = tokens[..]
    else {
        return None;
    };
    let literal = before.get(string.start as usize..)?;
    let quote = literal.chars().next()?;
    let word = literal.get(1..)?;
    if word.ends_with(quote) {
        return None;
    }
    let outline = context.outline();
    let names: Vec<String> = match before.get(name.start as usize..name.end as usize)? {
        "Collection" | "Class" | "Create" => outline
            .collections
            .iter()
            .map(|c| c.name.to_string())
            .collect(),
        "Function" | "Call" => outline
            .functions
            .iter()
            .map(|name| name.to_string())
            .collect(),
        "Role" => outline.roles.iter().map(|name| name.to_string()).collect(),
        "Database" => commands::child_databases(context.session()).unwrap_or_default(),
        _ => return None,
    };
    let found = names.into_iter().filter(|name| name.starts_with(word));
    let pairs = found.map(|name| Pair {
        replacement: format!("{name}{quote}"),
        display: name,
    });
    Some((string.start as usize + quote.len_utf8(), pairs.collect()))
}

/// How a function is called: `Select(path, from, default?)`.
pub(super) fn usage(name: &str, form: &Form) -> String {
    let argument = |i: usize| form.keys.get(i).map_or("", |key| argument(i, key));
    let named = |required: usize, count: usize| -> Vec<String> {
        (0..count.min(form.keys.len()))
            .map(|i| match i < required {
                true => argument(i).to_string(),
                false => format!("{}?", argument(i)),
            })
            .collect()
    };
    let arguments: Vec<String> = match form.text {
        TextRule::Positional { required, most } => named(required, most),
        TextRule::AtLeast { required } => named(required, form.keys.len()),
        TextRule::Reversed => {
            let mut arguments = named(form.keys.len(), form.keys.len());
            arguments.reverse();
            arguments
        }
        TextRule::Varargs { fixed } => {
            let mut arguments = named(fixed, fixed);
            arguments.push(format!("{}...", argument(fixed)));
            arguments
        }
        TextRule::List => vec![format!("{}...", argument(0))],
        TextRule::Nothing | TextRule::WireOnly => Vec::new(),
        TextRule::OneOrNull => vec!["scope?".to_string()],
        TextRule::NameAndScope => vec!["name".to_string(), "scope?".to_string()],
        TextRule::Let => vec!["{ name: value, ... }".to_string(), "in".to_string()],
        TextRule::Object => vec!["{ field: value, ... }".to_string()],
        TextRule::Lambda => vec!["parameters".to_string(), "expr".to_string()],
        TextRule::Ref => vec!["collection".to_string(), "id".to_string()],
        TextRule::Bytes => vec!["base64".to_string()],
        TextRule::Options => {
            let options: Vec<String> = option_keys(form)
                .map(|key| format!("{}?", key.name))
                .collect();
            vec!["set".to_string(), format!("{{ {} }}?", options.join(", "))]
        }
        TextRule::Select => named(2, 3),
        TextRule::Create => named(1, 2),
    };
    format!("{name}({})", arguments.join(", "))
}

/// What an argument is called: its key, but for the first, whose key is the function's name.
fn argument(place: usize, key: &'static Key) -> &'static str {
    if place > 0 {
        return key.name;
    }
    match key.cast {
        Cast::Lambda | Cast::LambdaOrAny => "lambda",
        Cast::Path => "path",
        Cast::String | Cast::Normalizer | Cast::Regex => "text",
        Cast::Integer | Cast::Number => "number",
        Cast::Boolean => "boolean",
        Cast::Object => "params",
        Cast::Array => "array",
        Cast::Ref | Cast::CollectionRef | Cast::DatabaseRef | Cast::DatabaseRefOrNull => "ref",
        Cast::NameOrRef | Cast::NameOrIndexRef => "name",
        Cast::Identifier | Cast::IdentifierOrUnresolved => "ref",
        Cast::Set => "set",
        Cast::Iterable | Cast::SetOrArray => "collection",
        Cast::Timestamp | Cast::TransactionTimestamp | Cast::Temporal => "time",
        Cast::TimeUnit => "unit",
        Cast::Any
        | Cast::Scalar
        | Cast::Null
        | Cast::DocumentAction
        | Cast::MatchTerm
        | Cast::OneOrMore(_)
        | Cast::ZeroOrMore(_) => "value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures() {
        let shown = |text: &str| signature(text).unwrap_or_default();
        assert_eq!(shown("Map("), "Map(collection, lambda)");
        assert_eq!(
            shown("Map([1], x => Select("),
            "Select(path, from, default?)"
        );
        assert_eq!(shown("Add(1, { a: 2 }, "), "Add(value...)");
        assert_eq!(shown("foo("), "");
        assert_eq!(shown("Now()"), "");
    }

    #[test]
    fn options_of_pages() {
        assert!(options("Paginate(Keys(), { ").is_some());
        assert!(options("Paginate(Keys(), { size: 1, ").is_some());
        assert!(options("Paginate(Keys(), { size: ").is_none());
        assert!(options("Paginate(Keys(), ").is_none());
    }
}
