//! References as the wire writes them: `{"@ref": {"id": ..., "collection": ...}}`, or a path of old, `"classes/x/1"`.

use super::{Json, Reader, field};
use crate::fql4::error::Error;
use crate::fql4::expression::{Expression, OwnRef};
use crate::fql4::kind;
use crate::fql4::place::Place;
use crate::fql4::value::{CollId, DocId, NameRef};
use crate::model::native;
use crate::value::{Str, deep};
use std::sync::Arc;

/// The native collections by their names on the wire.
pub const NATIVE: [(&str, CollId); 9] = [
    ("databases", native::DATABASE),
    ("collections", native::COLLECTION),
    ("indexes", native::LEGACY_INDEX),
    ("functions", native::FUNCTION),
    ("roles", native::ROLE),
    ("keys", native::KEY),
    ("tokens", native::TOKEN),
    ("credentials", native::CREDENTIAL),
    ("access_providers", native::ACCESS_PROVIDER),
];

/// The native collection of a name on the wire; `classes` is an older name of `collections`.
pub fn native_by_name(name: &str) -> Option<CollId> {
    let name = if name == "classes" {
        "collections"
    } else {
        name
    };
    NATIVE
        .into_iter()
        .find(|(known, _)| *known == name)
        .map(|(_, coll)| coll)
}

/// The name of a native collection on the wire.
pub fn native_name(coll: CollId) -> Option<&'static str> {
    NATIVE
        .into_iter()
        .find(|(_, known)| *known == coll)
        .map(|(name, _)| name)
}

/// Native collections whose documents are referred to by name.
pub fn is_named(coll: CollId) -> bool {
    [
        native::DATABASE,
        native::COLLECTION,
        native::LEGACY_INDEX,
        native::FUNCTION,
        native::ROLE,
        native::ACCESS_PROVIDER,
    ]
    .contains(&coll)
}

/// What a path of old refers to.
pub fn path(text: &str) -> Option<NameRef> {
    let segments: Vec<&str> = text.split('/').collect();
    let name = |name: &str| -> Option<Str> {
        let is_name = crate::fql4::names::is_valid(name)
            && !matches!(name, "self" | "events")
            && !name.contains([',', '(', ')', '&', '=']);
        is_name.then(|| name.into())
    };
    let document = |collection: NameRef, id: &str| -> Option<NameRef> {
        if id == "self" {
            return Some(NameRef::Own(Arc::new(collection)));
        }
        let is_number = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
        let id = is_number.then(|| id.parse().ok()).flatten()?;
        Some(NameRef::Document {
            collection: Arc::new(collection),
            id: DocId(id),
        })
    };
    let native = |coll| NameRef::Native { coll, scope: None };
    match segments.as_slice() {
        [first] => native_by_name(first).map(native),
        ["classes" | "collections", class] => {
            Some(NameRef::named(native::COLLECTION, name(class)?))
        }
        ["classes" | "collections", class, id] => {
            document(NameRef::named(native::COLLECTION, name(class)?), id)
        }
        ["keys", id] => document(native(native::KEY), id),
        ["tokens", id] => document(native(native::TOKEN), id),
        ["credentials", id] => document(native(native::CREDENTIAL), id),
        [first, named] => {
            let coll = native_by_name(first).filter(|coll| is_named(*coll))?;
            Some(NameRef::named(coll, name(named)?))
        }
        _ => None,
    }
}

/// An id or a name.
enum Id {
    Text(Str),
    Number(i64),
}

impl Reader {
    /// What an `@ref` holds.
    pub(super) fn reference_value(&mut self, value: &Json, place: &Place) -> Option<Expression> {
        let reference = match value {
            Json::String(text) => match path(text) {
                Some(reference) => reference,
                None => return self.fail(place, "Invalid ref."),
            },
            Json::Object(_) => self.reference(value, place)?,
            _ => return self.fail(place, "Invalid ref."),
        };
        match reference {
            // A key does not know itself.
            NameRef::Own(collection) if matches!(&*collection, NameRef::Native { coll, .. } if *coll == native::KEY) => {
                self.fail(place, "Invalid ref.")
            }
            reference @ NameRef::Own(_) => Some(Expression::Own(Arc::new(OwnRef {
                reference: Arc::new(reference),
                place: place.clone(),
            }))),
            reference => Some(Expression::Ref(Arc::new(reference))),
        }
    }

    fn reference(&mut self, json: &Json, place: &Place) -> Option<NameRef> {
        deep(|| {
            let fields = match json {
                Json::Object(fields) => fields,
                other => return self.expected(place, "Ref", other),
            };
            let known = |key: &str| matches!(key, "id" | "class" | "collection" | "database");
            match (fields.as_slice(), field(fields, "id")) {
                ([(tag, inner)], _) if &**tag == "@ref" => self.reference(inner, place),
                (fields, Some(id)) if fields.iter().all(|(key, _)| known(key)) => {
                    if field(fields, "class").is_some() && field(fields, "collection").is_some() {
                        return self.expected(place, "Ref", json);
                    }
                    let collection = field(fields, "class").or(field(fields, "collection"));
                    self.parts(id, collection, field(fields, "database"), place)
                }
                _ => self.expected(place, "Ref", json),
            }
        })
    }

    /// A reference inside another; `null` is as good as none.
    fn inner(
        &mut self,
        json: Option<&Json>,
        expected: &str,
        place: &Place,
        fits: fn(&NameRef) -> bool,
    ) -> Option<Option<Arc<NameRef>>> {
        let json = match json {
            None | Some(Json::Null) => return Some(None),
            Some(json) => json,
        };
        let reference = self.reference(json, place)?;
        if fits(&reference) {
            return Some(Some(Arc::new(reference)));
        }
        let provided = kind::of_name(&reference);
        self.fail(place, format!("{expected} expected, {provided} provided."))
    }

    fn parts(
        &mut self,
        id: &Json,
        collection: Option<&Json>,
        database: Option<&Json>,
        place: &Place,
    ) -> Option<NameRef> {
        let at = place.at("id");
        let id = match id {
            Json::String(text) => Some(Id::Text(text.clone())),
            Json::Long(number) => Some(Id::Number(*number)),
            other => self.expected(&at, "String or Integer", other),
        };
        let collection = self.inner(
            collection,
            "Collection Ref",
            &place.at("class"),
            |reference| kind::of_name(reference) == "Collection Ref",
        );
        let scope = self.inner(
            database,
            "Database Ref",
            &place.at("database"),
            |reference| kind::of_name(reference) == "Database Ref",
        );
        let (id, collection, scope) = (id?, collection?, scope?);
        let Some(collection) = collection else {
            return match id {
                Id::Text(name) => match native_by_name(&name) {
                    Some(coll) => Some(NameRef::Native { coll, scope }),
                    None => {
                        // The one error of reading that is of another sort.
                        let description =
                            format!("Valid native collection name expected, '{name}' provided.");
                        self.errors.push(Error::expression(&at, description));
                        None
                    }
                },
                Id::Number(_) => self.fail(&at, "String expected, Number provided."),
            };
        };
        let named = match &*collection {
            NameRef::Native { coll, scope: None } if is_named(*coll) => Some(*coll),
            _ => None,
        };
        let is_keys =
            matches!(&*collection, NameRef::Native { coll, scope: None } if *coll == native::KEY);
        match (id, named) {
            (Id::Text(name), Some(coll)) => Some(NameRef::Named { coll, name, scope }),
            (Id::Number(id), None) if is_keys => Some(NameRef::Key {
                id: DocId(id),
                scope,
            }),
            _ if scope.is_some() => self.fail(
                &place.at("database"),
                "Null expected, Database Ref provided.",
            ),
            (Id::Text(id), None) if &*id == "self" => Some(NameRef::Own(collection)),
            (Id::Number(id), _) => Some(NameRef::Document {
                collection,
                id: DocId(id),
            }),
            (Id::Text(id), None) => match id.parse::<i64>() {
                Ok(id) => Some(NameRef::Document {
                    collection,
                    id: DocId(id),
                }),
                Err(_) => self.fail(&at, super::super::names::id_fault(&id)),
            },
        }
    }
}
