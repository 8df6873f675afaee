//! Computed fields that indexes and unique constraints are over (`spec schema-fsl 6`).
//!
//! They are evaluated on the document's own data alone: a body that reads, or that depends on the clock, yields
//! nothing, and the document is not indexed by it.

use crate::access::Principal;
use crate::fql::interp::{Ceiling, Effect, Interp, Library, Options};
use crate::model::schema::{Collection, Schema};
use crate::model::{ComputedFields, IndexedDocument, Model, keys};
use crate::value::{Env, Module, Object, Value};
use std::sync::{Arc, Weak};

/// Evaluates computed fields for the model.
pub(crate) struct IndexedFields {
    pub model: Weak<Model>,
    pub library: Arc<Library>,
}

impl ComputedFields for IndexedFields {
    fn evaluate(
        &self,
        _schema: &Schema,
        collection: &Collection,
        document: &IndexedDocument<'_>,
        field: &str,
    ) -> Option<Value> {
        let body = &collection.computed_field(field)?.body;
        let lambda = body.lambda().ok()?.clone();
        let txn = self.model.upgrade()?.begin(keys::ROOT).ok()?;
        let principal = Arc::new(Principal::root(keys::ROOT));
        let source = body.source.clone();
        let mut interp = Interp::new(
            txn,
            self.library.clone(),
            principal,
            source.clone(),
            Env::default(),
            Options::default(),
        );
        interp.ceiling = Ceiling {
            effect: Effect::Pure,
            reason: "computed fields",
        };
        let document = as_object(collection, document);
        interp
            .call_stored(&lambda, &source, vec![document])
            .ok()
            .filter(|value| !value.is_null())
    }
}

/// The document as its own body sees it.
fn as_object(collection: &Collection, document: &IndexedDocument<'_>) -> Value {
    let mut out = Object::new();
    out.insert("id", Value::Id(document.id.0));
    out.insert(
        "coll",
        Value::Module(Module::Collection {
            id: collection.id,
            name: collection.name.clone(),
        }),
    );
    if let Some(ttl) = document.ttl {
        out.insert("ttl", Value::Time(ttl));
    }
    for (name, value) in document
        .data
        .iter()
        .filter(|(name, _)| collection.computed_field(name).is_none())
    {
        out.insert(name.clone(), value.clone());
    }
    out.insert("data", Value::Object(document.data.clone()));
    Value::object(out)
}
