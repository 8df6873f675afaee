//! Values that queries use by name: `--arg`, `:let`, and `_` for the last result.
//!
//! A value is kept as data and sent along as an argument with every query that names it. Documents are kept as
//! references and so are always read anew, but for those that show a secret: it is shown once only, so they are kept
//! as they were.

use crate::engine::Argument;
use crate::fql::syntax::{TokenKind, tokens};
use crate::fql4::text::quoted;
use crate::value::rendered::{Contents, Document, RefName, Reference, Rendered};
use indexmap::IndexMap;
use serde_json::{Value as Json, json};

/// Names and their values.
#[derive(Clone, Default)]
pub(super) struct Bindings {
    named: IndexMap<String, Argument>,
    last: Option<Rendered>,
    /// Those of FQL v4, as they are written on its wire.
    legacy: IndexMap<String, Json>,
}

/// The name of the last result.
const LAST: &str = "_";

impl Bindings {
    pub(super) fn new(arguments: Vec<(String, Argument)>) -> Bindings {
        let simple = |argument: &Argument| match argument {
            Argument::Simple(json) => Some(quoted(json)),
            Argument::Tagged(_) | Argument::Fql(_) => None,
        };
        let legacy = arguments
            .iter()
            .filter_map(|(name, argument)| Some((name.clone(), simple(argument)?)));
        Bindings {
            legacy: legacy.collect(),
            named: arguments.into_iter().collect(),
            ..Bindings::default()
        }
    }

    /// Keeps a value under a name. `text` is the expression it came from: functions are kept as their text.
    pub(super) fn set(&mut self, name: &str, text: &str, value: Rendered) -> Result<(), String> {
        let argument = match &value {
            Rendered::Lambda => Argument::Fql(text.to_string()),
            _ => Argument::Tagged(tagged(&value)?),
        };
        self.named.insert(name.to_string(), argument);
        Ok(())
    }

    /// Keeps the last result as `_`.
    pub(super) fn set_last(&mut self, value: Rendered) {
        self.last = Some(value);
    }

    /// Keeps a value of FQL v4 under a name; it is given as it was answered.
    pub(super) fn set_legacy(&mut self, name: &str, value: &Json) {
        self.legacy.insert(name.to_string(), quoted(value));
    }

    /// What a name stands for in FQL v4.
    pub(super) fn legacy(&self, name: &str) -> Option<Json> {
        self.legacy.get(name).cloned()
    }

    /// Every name of FQL v4.
    pub(super) fn legacy_names(&self) -> impl Iterator<Item = &str> {
        self.legacy.keys().map(String::as_str)
    }

    /// Every name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// The arguments that a query names.
    pub(super) fn used_by(&self, text: &str) -> Vec<(String, Argument)> {
        if self.named.is_empty() && self.last.is_none() {
            return Vec::new();
        }
        let mut used: Vec<(String, Argument)> = Vec::new();
        for (span, kind) in tokens(text) {
            if !matches!(kind, TokenKind::Name | TokenKind::Function) {
                continue;
            }
            let Some(name) = text.get(span.start as usize..span.end as usize) else {
                continue;
            };
            if used.iter().any(|(known, _)| known == name) {
                continue;
            }
            if let Some(argument) = self.named.get(name) {
                used.push((name.to_string(), argument.clone()));
            } else if name == LAST
                && let Some(Ok(json)) = self.last.as_ref().map(tagged)
            {
                used.push((name.to_string(), Argument::Tagged(json)));
            }
        }
        used
    }
}

/// A result in the encoding of arguments.
fn tagged(value: &Rendered) -> Result<Json, String> {
    Ok(match value {
        Rendered::Null => Json::Null,
        Rendered::Bool(b) => json!(b),
        Rendered::Int(_)
        | Rendered::Long(_)
        | Rendered::Double(_)
        | Rendered::Bytes(_)
        | Rendered::Time(_)
        | Rendered::Date(_)
        | Rendered::Module(_) => {
            let text = value.to_text(crate::value::format::Format::Tagged);
            serde_json::from_str(&text).map_err(|error| error.to_string())?
        }
        Rendered::Id(id) => json!(id.to_string()),
        Rendered::String(text) | Rendered::Cursor(text) => json!(&**text),
        Rendered::Array(elements) => {
            Json::Array(elements.iter().map(tagged).collect::<Result<_, _>>()?)
        }
        Rendered::Object(fields) => object(fields)?,
        Rendered::Doc(document) => match &**document {
            Document {
                contents: Contents::Live(fields),
                ..
            } if fields.iter().any(|(name, _)| &**name == "secret") => object(fields)?,
            Document { reference, .. } => self::reference(reference),
        },
        Rendered::Ref(reference) => self::reference(reference),
        Rendered::Page(page) => {
            let data: Vec<Json> = page.data.iter().map(tagged).collect::<Result<_, _>>()?;
            match &page.after {
                Some(after) => json!({"@object": {"data": data, "after": &**after}}),
                None => json!({"@object": {"data": data}}),
            }
        }
        Rendered::Uuid(_)
        | Rendered::SetToken(_)
        | Rendered::EventSource(_)
        | Rendered::Function(_)
        | Rendered::Lambda
        | Rendered::LegacyIndex(_) => {
            return Err("functions, event sources and the like cannot be kept".to_string());
        }
    })
}

fn object(fields: &[(crate::value::Str, Rendered)]) -> Result<Json, String> {
    let fields = fields
        .iter()
        .map(|(name, value)| Ok((name.to_string(), tagged(value)?)))
        .collect::<Result<serde_json::Map<_, _>, String>>()?;
    Ok(json!({ "@object": fields }))
}

fn reference(reference: &Reference) -> Json {
    let coll = json!({"@mod": &*reference.coll});
    match &reference.name {
        RefName::Id(id) => json!({"@ref": {"id": id.to_string(), "coll": coll}}),
        RefName::Name(name) => json!({"@ref": {"name": &**name, "coll": coll}}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_query_names_is_sent() {
        let mut bindings = Bindings::default();
        bindings.set("a", "1", Rendered::Int(1)).unwrap();
        bindings.set("b", "2", Rendered::Int(2)).unwrap();
        let names = |text| -> Vec<String> {
            bindings
                .used_by(text)
                .into_iter()
                .map(|(name, _)| name)
                .collect()
        };
        assert_eq!(names("a + a"), ["a"]);
        assert_eq!(names("\"#{b}\""), ["b"]);
        assert_eq!(names("{ a: 1 }.b"), Vec::<String>::new());
        assert_eq!(names("_"), Vec::<String>::new());
    }

    #[test]
    fn functions_are_kept_as_text() {
        let mut bindings = Bindings::default();
        bindings
            .set("twice", "x => x * 2", Rendered::Lambda)
            .unwrap();
        assert!(
            matches!(&bindings.used_by("twice(2)")[..], [(_, Argument::Fql(text))] if text == "x => x * 2")
        );
        assert!(
            bindings
                .set("f", "abs", Rendered::Function("abs".into()))
                .is_err()
        );
    }
}
