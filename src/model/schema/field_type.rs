//! Types of stored values, as they are checked at run time.
//!
//! A field's signature becomes a [`FieldType`] once; a write then checks its values against it. Native collections use
//! the same types, with fields that only the system may write. Matching and its failure texts are in
//! [`super::validate`].

use crate::fql::syntax::{Source, ast};
use crate::value::Str;
use std::sync::Arc;

/// A type that a stored value either fits or does not.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum FieldType {
    Any,
    Null,
    Boolean,
    Int,
    Long,
    Double,
    Number,
    String,
    Time,
    Date,
    Bytes,
    Uuid,
    /// An id, which only the `id` of a new document is.
    Id,
    /// A reference to any document.
    AnyDoc,
    /// A legacy function body, stored as an object by the v4 interpreter.
    LegacyQuery,
    /// One value.
    Literal(Literal),
    /// A reference to a document of the collection of that name or alias.
    Doc(Str),
    /// A reference to a missing document of that collection; not told apart from `Doc` at run time.
    NullDoc(Str),
    /// An array.
    Array(Box<FieldType>),
    /// An array of exactly these.
    Tuple(Vec<FieldType>),
    /// Any of these.
    Union(Vec<FieldType>),
    /// All of these.
    Intersect(Vec<FieldType>),
    /// An object.
    Object(ObjectType),
}

/// A singleton type's value.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Literal {
    Bool(bool),
    Int(i64),
    Double(f64),
    String(Str),
}

/// An object's fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectType {
    /// Declared fields in order.
    pub fields: Vec<FieldRule>,
    /// The type of all other fields; `None`: there are no others.
    pub wildcard: Option<Box<FieldType>>,
}

/// A declared field of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldRule {
    /// Its name.
    pub name: Str,
    /// Its type; nullable: optional.
    pub ty: FieldType,
    /// Who writes it.
    pub access: Access,
    /// What else holds of its values.
    pub check: Option<Check>,
    /// The expression that fills it in when it is absent, and the text the expression stands in.
    pub default: Option<(Arc<Source>, Arc<ast::Expr>)>,
}

/// Who may write a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever may write the document.
    Open,
    /// The system; visible.
    ReadOnly,
    /// The system; invisible.
    Internal,
}

/// A rule beyond the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// An identifier: `Invalid identifier.`
    Identifier,
    /// A role's name: an identifier other than `admin` and `server`.
    RoleName,
    /// `Non-negative value required.`
    NonNegative,
    /// A type expression.
    Signature,
    /// A type expression that may have defaults in object types.
    SchemaType,
    /// A lambda of so many parameters, `min..=max`; both 255: any number.
    Lambda {
        /// Fewest parameters.
        min: u8,
        /// Most parameters.
        max: u8,
        /// Whether `(.a)` is accepted.
        short: bool,
    },
    /// An expression.
    Expression,
    /// Keys are names of a document's fields.
    FieldNames,
    /// Keys are names of a collection's indexes.
    IndexNames,
    /// A field path of a migration, or several of them.
    MigrationPath,
    /// A path of an index term.
    TermPath,
    /// A path of an index value.
    ValuePath,
    /// Terms of a unique constraint.
    UniqueTerms,
    /// An https address.
    Url,
    /// Roles of an access provider.
    ProviderRoles,
    /// A document of a user-defined collection.
    UserDocument,
}

impl FieldType {
    /// `T?`
    pub fn optional(self) -> FieldType {
        match self {
            FieldType::Union(mut members) => {
                members.push(FieldType::Null);
                FieldType::Union(members)
            }
            other => FieldType::Union(vec![other, FieldType::Null]),
        }
    }

    /// An array of it.
    pub fn array(self) -> FieldType {
        FieldType::Array(Box::new(self))
    }

    /// Nothing, one, or an array of it.
    pub fn zero_or_more(self) -> FieldType {
        FieldType::Union(vec![self.clone(), self.array(), FieldType::Null])
    }

    /// `{ *: T }`
    pub fn map_of(self) -> FieldType {
        FieldType::Object(ObjectType {
            fields: Vec::new(),
            wildcard: Some(Box::new(self)),
        })
    }

    /// A closed object of these fields.
    pub fn record(fields: Vec<FieldRule>) -> FieldType {
        FieldType::Object(ObjectType {
            fields,
            wildcard: None,
        })
    }

    /// `{ *: Any }`
    pub fn any_record() -> FieldType {
        FieldType::Any.map_of()
    }

    /// The same, with any document in place of documents of certain collections.
    pub fn loosened(&self) -> FieldType {
        let all = |members: &[FieldType]| members.iter().map(FieldType::loosened).collect();
        match self {
            FieldType::Doc(_) | FieldType::NullDoc(_) => FieldType::AnyDoc,
            FieldType::Array(inner) => inner.loosened().array(),
            FieldType::Tuple(members) => FieldType::Tuple(all(members)),
            FieldType::Union(members) => FieldType::Union(all(members)),
            FieldType::Intersect(members) => FieldType::Intersect(all(members)),
            FieldType::Object(object) => FieldType::Object(ObjectType {
                fields: object
                    .fields
                    .iter()
                    .map(|rule| FieldRule {
                        ty: rule.ty.loosened(),
                        ..rule.clone()
                    })
                    .collect(),
                wildcard: object.wildcard.as_ref().map(|ty| Box::new(ty.loosened())),
            }),
            other => other.clone(),
        }
    }

    /// Whether null fits by declaration (`Any` is not meant).
    pub fn is_nullable(&self) -> bool {
        match self {
            FieldType::Null => true,
            FieldType::Union(members) => members.iter().any(FieldType::is_nullable),
            FieldType::Intersect(members) => members.iter().all(FieldType::is_nullable),
            FieldType::Any
            | FieldType::Boolean
            | FieldType::Int
            | FieldType::Long
            | FieldType::Double
            | FieldType::Number
            | FieldType::String
            | FieldType::Time
            | FieldType::Date
            | FieldType::Bytes
            | FieldType::Uuid
            | FieldType::Id
            | FieldType::AnyDoc
            | FieldType::LegacyQuery
            | FieldType::Literal(_)
            | FieldType::Doc(_)
            | FieldType::NullDoc(_)
            | FieldType::Array(_)
            | FieldType::Tuple(_)
            | FieldType::Object(_) => false,
        }
    }
}

impl ObjectType {
    /// The declared field of that name.
    pub fn field(&self, name: &str) -> Option<&FieldRule> {
        self.fields.iter().find(|field| &*field.name == name)
    }
}

impl FieldRule {
    /// A field anybody writes.
    pub fn new(name: &str, ty: FieldType) -> FieldRule {
        FieldRule {
            name: name.into(),
            ty,
            access: Access::Open,
            check: None,
            default: None,
        }
    }

    /// The same, further restricted.
    pub fn checked(mut self, check: Check) -> FieldRule {
        self.check = Some(check);
        self
    }

    /// The same, written by the system only, visible.
    pub fn readonly(mut self) -> FieldRule {
        self.access = Access::ReadOnly;
        self
    }

    /// The same, written by the system only, invisible.
    pub fn internal(mut self) -> FieldRule {
        self.access = Access::Internal;
        self
    }
}
