//! The shape of a collection's documents while migrations are undone on it (`spec schema-fsl 5.2`).

use super::collection::Collection;
use super::fault_place::FaultPlace;
use super::field_type::{FieldRule, FieldType, Literal, ObjectType};
use super::migration_item::FieldPath;
use crate::fql::syntax::{Source, ast};
use crate::value::{PathPart, Str};
use std::sync::Arc;

/// An expression that yields a value for existing documents.
#[derive(Clone, Debug, PartialEq)]
pub enum Filling {
    /// Source text of a field's default.
    Default(Str),
    /// Source text of a `backfill`.
    Backfill(Str),
    /// A default inside an object type.
    Expr(Arc<Source>, Arc<ast::Expr>),
}

/// A collection's shape.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Top-level fields in order.
    pub fields: Vec<(Str, Field)>,
    /// The wildcard, explicit or implied by the absence of fields.
    pub wildcard: Option<Wildcard>,
}

/// Where a wildcard comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wildcard {
    /// There are no fields.
    Implicit,
    /// It is written.
    Schema,
    /// Undoing `move_wildcard` brought it back.
    Moved,
    /// Undoing `add_wildcard`, that entry, took it away.
    Added(usize),
}

/// A field of a shape.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its type.
    pub contents: Contents,
    /// What is known of it.
    pub source: FieldSource,
    /// Where its name stands.
    pub at: FaultPlace,
    /// The field that declares its type.
    pub declared: Option<FieldPath>,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Contents {
    /// Anything but an object with declared fields.
    Plain(FieldType),
    /// An object.
    Record {
        /// Its fields.
        fields: Vec<(Str, Field)>,
        /// It takes other fields too.
        wildcard: bool,
    },
}

/// What is known of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldSource {
    /// The schema declares it, perhaps with a default.
    Schema(Option<Filling>),
    /// A later `backfill`, that entry, waits for the `add` or `split` that declares it.
    Backfill(Filling, usize),
    /// It was split away by that entry.
    Split(usize),
    /// A `split` made it: the entry, and which path of it.
    SplitInto(usize, usize),
    /// It was dropped by that entry.
    Drop(usize),
    /// It was added by that entry.
    Add(usize),
    /// Another field was moved to it by that entry.
    MovedInto(usize),
}

/// Why a path leads to no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoField {
    /// There is none.
    NotFound,
    /// The path goes into an object that takes any field.
    WildcardNeighbor,
}

impl Shape {
    /// The shape a definition declares.
    pub fn of(collection: &Collection) -> Shape {
        let fields: Vec<(Str, Field)> = collection
            .fields
            .iter()
            .map(|field| {
                let ty = field.ty.field_type().cloned().unwrap_or(FieldType::Any);
                let default = field
                    .default
                    .as_ref()
                    .map(|default| Filling::Default(default.text().into()));
                let at = FaultPlace::Name(vec![PathPart::Field(field.name.clone())]);
                let source = FieldSource::Schema(default);
                (field.name.clone(), Field::new(ty, source, at))
            })
            .collect();
        let wildcard = match (&collection.wildcard, fields.is_empty()) {
            (Some(_), _) => Some(Wildcard::Schema),
            (None, true) => Some(Wildcard::Implicit),
            (None, false) => None,
        };
        Shape { fields, wildcard }
    }

    /// The field at a path.
    pub fn get(&self, path: &[PathPart]) -> Result<&Field, NoField> {
        let (last, parents) = path.split_last().ok_or(NoField::NotFound)?;
        let mut fields = &self.fields;
        for part in parents {
            match find(fields, part) {
                Some(Field {
                    contents: Contents::Record { wildcard: true, .. },
                    source: FieldSource::Schema(_),
                    ..
                }) => {
                    return Err(NoField::WildcardNeighbor);
                }
                Some(Field {
                    contents: Contents::Record { fields: inner, .. },
                    source: FieldSource::Schema(_),
                    ..
                }) => fields = inner,
                _ => return Err(NoField::NotFound),
            }
        }
        find(fields, last).ok_or(NoField::NotFound)
    }

    /// Sets the field at a path; does nothing if a parent is no object.
    pub fn put(&mut self, path: &[PathPart], field: Field) {
        let Some((last, parents)) = path.split_last() else {
            return;
        };
        let mut fields = &mut self.fields;
        for part in parents {
            let PathPart::Field(name) = part else { return };
            match fields.iter_mut().find(|(known, _)| known == name) {
                Some((
                    _,
                    Field {
                        contents: Contents::Record { fields: inner, .. },
                        ..
                    },
                )) => fields = inner,
                _ => return,
            }
        }
        let PathPart::Field(name) = last else { return };
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, place)) => *place = field,
            None => fields.push((name.clone(), field)),
        }
    }

    /// The top-level field of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|(known, _)| &**known == name)
            .map(|(_, field)| field)
    }
}

fn find<'a>(fields: &'a [(Str, Field)], part: &PathPart) -> Option<&'a Field> {
    let PathPart::Field(name) = part else {
        return None;
    };
    fields
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, field)| field)
}

impl Field {
    /// A field of a type, whose name stands there.
    pub fn new(ty: FieldType, source: FieldSource, at: FaultPlace) -> Field {
        let inner = |name: &Str| match &at {
            FaultPlace::Name(path) => {
                let mut path = path.clone();
                path.push(PathPart::Field(name.clone()));
                FaultPlace::Name(path)
            }
            _ => FaultPlace::Nowhere,
        };
        let contents = match ty {
            FieldType::Object(object) => Contents::Record {
                wildcard: object.wildcard.is_some(),
                fields: object
                    .fields
                    .into_iter()
                    .map(|rule| {
                        let default = rule
                            .default
                            .map(|(source, expr)| Filling::Expr(source, expr));
                        let at = inner(&rule.name);
                        let source = FieldSource::Schema(default);
                        (rule.name, Field::new(rule.ty, source, at))
                    })
                    .collect(),
            },
            other => Contents::Plain(other),
        };
        let declared = match &at {
            FaultPlace::Name(path) => Some(path.clone()),
            _ => None,
        };
        Field {
            contents,
            source,
            at,
            declared,
        }
    }

    /// Where its type stands.
    pub fn type_at(&self) -> FaultPlace {
        let declared = self.declared.clone();
        declared.map_or(FaultPlace::Nowhere, FaultPlace::Type)
    }

    /// Where its type ends.
    pub fn type_end(&self) -> FaultPlace {
        let declared = self.declared.clone();
        declared.map_or(FaultPlace::Nowhere, FaultPlace::AfterType)
    }

    /// Its type; of an object, the fields that are present.
    pub fn ty(&self) -> FieldType {
        match &self.contents {
            Contents::Plain(ty) => ty.clone(),
            Contents::Record { fields, wildcard } => FieldType::Object(ObjectType {
                fields: fields
                    .iter()
                    .filter(|(_, field)| field.is_present())
                    .map(|(name, field)| FieldRule::new(name, field.ty()))
                    .collect(),
                wildcard: wildcard.then(|| Box::new(FieldType::Any)),
            }),
        }
    }

    /// Whether it exists before the migration that was undone last.
    pub fn is_present(&self) -> bool {
        match self.source {
            FieldSource::Schema(_)
            | FieldSource::Split(_)
            | FieldSource::Drop(_)
            | FieldSource::Backfill(..) => true,
            FieldSource::SplitInto(..) | FieldSource::Add(_) | FieldSource::MovedInto(_) => false,
        }
    }

    /// Whether a document may lack it.
    pub fn is_optional(&self) -> bool {
        match &self.source {
            FieldSource::Drop(_) => false,
            FieldSource::Schema(Some(_)) => true,
            _ => !self.is_present() || is_subtype(&FieldType::Null, &self.ty()),
        }
    }

    /// Whether everything below it was added.
    pub fn is_all_added(&self) -> bool {
        match (&self.source, &self.contents) {
            (FieldSource::Add(_), _) => true,
            (FieldSource::Schema(_), Contents::Record { fields, wildcard }) => {
                !wildcard && fields.iter().all(|(_, field)| field.is_all_added())
            }
            _ => false,
        }
    }
}

/// Whether every value of `a` is one of `b`; `Any` is above everything and below nothing but itself.
pub fn is_subtype(a: &FieldType, b: &FieldType) -> bool {
    use FieldType::*;
    match (a, b) {
        (a, b) if a == b => true,
        (Union(members), _) => members.iter().all(|a| is_subtype(a, b)),
        (_, Union(members)) => members.iter().any(|b| is_subtype(a, b)),
        (Intersect(members), _) => members.iter().any(|a| is_subtype(a, b)),
        (_, Intersect(members)) => members.iter().all(|b| is_subtype(a, b)),
        (_, Any) => true,
        (Any, _) => false,
        // The type of a missing document is another name of that of null.
        (Null | NullDoc(_), Null | NullDoc(_)) => true,
        (Int, Long) | (Int | Long | Double, Number) => true,
        (Literal(literal), other) => literal_fits(literal, other),
        (Array(a), Array(b)) => is_subtype(a, b),
        (Tuple(members), Array(b)) => members.iter().all(|a| is_subtype(a, b)),
        (Tuple(a), Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_subtype(a, b))
        }
        (Object(a), Object(b)) => is_object_subtype(a, b),
        _ => false,
    }
}

fn literal_fits(literal: &Literal, ty: &FieldType) -> bool {
    match (literal, ty) {
        (Literal::Bool(_), FieldType::Boolean) | (Literal::String(_), FieldType::String) => true,
        (Literal::Int(n), FieldType::Int) => i32::try_from(*n).is_ok(),
        (Literal::Int(_), FieldType::Long | FieldType::Number) => true,
        (Literal::Double(_), FieldType::Double | FieldType::Number) => true,
        _ => false,
    }
}

fn is_object_subtype(a: &ObjectType, b: &ObjectType) -> bool {
    let null = FieldType::Null;
    let covers = a
        .fields
        .iter()
        .all(|field| match (b.field(&field.name), &b.wildcard) {
            (Some(other), _) => is_subtype(&field.ty, &other.ty),
            (None, Some(wildcard)) => is_subtype(&field.ty, wildcard),
            (None, None) => false,
        });
    let lacks_none = b
        .fields
        .iter()
        .all(|field| a.field(&field.name).is_some() || is_subtype(&null, &field.ty));
    let wildcards = match (&a.wildcard, &b.wildcard) {
        (None, _) => true,
        (Some(a), Some(b)) => is_subtype(a, b),
        (Some(_), None) => false,
    };
    covers && lacks_none && wildcards
}
