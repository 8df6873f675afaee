//! Bindings of indexes of FQL v4: pure lambdas of the document, evaluated for each version that is indexed
//! (`spec fql4 8.3`). One that fails, or would read, yields nothing.

use crate::access::Principal;
use crate::fql::interp::{Effect, Interp, Library, Options};
use crate::fql::syntax::Source;
use crate::fql4::eval::{Cache, Evaluator, Limit};
use crate::fql4::place::Place;
use crate::fql4::stored::{from_stored, object_from_stored, to_stored};
use crate::fql4::value::{Document, Object, Ref, Value};
use crate::model::schema::Collection;
use crate::model::{IndexedDocument, LegacyBindings, Model};
use crate::value::{Env, ScopeId, Value as Stored};
use std::sync::{Arc, Weak};

/// Evaluates bindings for the model.
pub(crate) struct IndexBindings {
    pub model: Weak<Model>,
    pub library: Arc<Library>,
    pub cache: Arc<Cache>,
}

impl LegacyBindings for IndexBindings {
    fn evaluate(
        &self,
        scope: ScopeId,
        collection: &Collection,
        document: &IndexedDocument<'_>,
        query: &Stored,
    ) -> Option<Stored> {
        let Stored::Query(query) = query else {
            return None;
        };
        let lambda = self.cache.lambda(&query.text)?;
        let txn = self.model.upgrade()?.begin(scope).ok()?;
        let mut interp = Interp::new(
            txn,
            self.library.clone(),
            Arc::new(Principal::root(scope)),
            Source::new("*index binding*", ""),
            Env::default(),
            Options::default(),
        );
        let limit = Limit {
            effect: Effect::Pure,
            reason: "index bindings",
        };
        let version = lambda.version;
        let mut me = Evaluator::new(&mut interp, self.cache.clone(), version, limit);
        let closure = me.stored_closure(&query.text)?;
        let shown = Value::Document(Arc::new(shown(scope, collection, document)));
        let result = me.apply(&closure, shown, &Place::ROOT).ok()?;
        to_stored(scope, &result)
    }
}

/// The document as its bindings see it.
fn shown(scope: ScopeId, collection: &Collection, document: &IndexedDocument<'_>) -> Document {
    let mut fields = Object::new();
    match collection.is_native() {
        true => fields = object_from_stored(scope, document.data),
        false if document.data.is_empty() => {}
        false => {
            let data = Stored::Object(document.data.clone());
            fields.insert("data", from_stored(scope, &data));
        }
    }
    if let Some(ttl) = document.ttl {
        fields.insert("ttl", Value::Time(ttl));
    }
    Document {
        reference: Ref {
            scope,
            coll: collection.id,
            id: document.id,
        },
        ts: document.ts,
        fields,
        is_new: false,
        is_deleted: false,
    }
}
