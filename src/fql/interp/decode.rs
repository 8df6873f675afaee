//! Values from outside: arguments and template values (`spec fql10-language 9`).

use super::{Failure, Interp, Result};
use crate::fql::syntax::{Diagnostic, Source, Span};
use crate::model::native;
use crate::value::decode::{DecodeError, Resolve, decode_simple, decode_tagged};
use crate::value::{CollId, Doc, DocId, DocKey, Env, Module, Value};
use serde_json::Value as Json;
use std::sync::Arc;

impl Interp {
    /// Binds the request's arguments.
    pub fn set_arguments(&mut self, arguments: Env) {
        self.arguments = arguments;
    }

    /// The claims of a JWT as an object; integers are Long (`spec fql10-stdlib 12`).
    pub fn claims(&self, json: &Json) -> Value {
        fn widen(value: Value) -> Value {
            match value {
                Value::Int(n) => Value::Long(i64::from(n)),
                Value::Array(items) => Value::array(items.iter().cloned().map(widen).collect()),
                Value::Object(object) => Value::object(
                    object
                        .iter()
                        .map(|(k, v)| (k.clone(), widen(v.clone())))
                        .collect(),
                ),
                other => other,
            }
        }
        widen(decode_simple(json))
    }

    /// An argument in plain JSON.
    pub fn simple_argument(&self, json: &Json) -> Value {
        decode_simple(json)
    }

    /// An argument in the tagged encoding.
    pub fn tagged_argument(&mut self, name: &str, json: &Json) -> Result {
        decode_tagged(json, self).map_err(|error| match error {
            DecodeError::Invalid(text) => Failure::protocol(
                400,
                "invalid_request",
                format!("Invalid argument '{name}': {text}"),
            ),
            DecodeError::Failed(failure) => failure,
        })
    }

    /// A template value; what is wrong with it is a query error at its placeholder.
    pub fn template_value(&mut self, json: &Json, source: &Arc<Source>, span: Span) -> Result {
        decode_tagged(json, self).map_err(|error| match error {
            DecodeError::Invalid(text) => {
                let location = crate::fql::syntax::Location::new(source, span);
                Failure::invalid_query(vec![Diagnostic::error(text, location)])
            }
            DecodeError::Failed(failure) => failure,
        })
    }
}

impl Resolve for Interp {
    type Error = Failure;

    fn module(&mut self, name: &str) -> Result<Option<Module>> {
        Ok(match self.global(name) {
            Some(Value::Module(module)) => Some(module),
            _ => None,
        })
    }

    fn is_named(&mut self, coll: CollId) -> bool {
        native::is_named(coll)
    }

    fn named_document(&mut self, coll: CollId, name: &str) -> Result<Option<Value>> {
        let id: Option<DocId> = self.txn.by_name(coll, name, None)?;
        Ok(id.map(|id| {
            Value::Doc(Arc::new(Doc {
                coll,
                key: DocKey::Id(id),
                at: None,
                deleted: false,
                named: false,
                cover: None,
            }))
        }))
    }
}
