//! Places in the text of a collection that faults of its migrations are told at.
//!
//! A definition that a query wrote has texts for types only ([`FaultPlace::Type`], [`FaultPlace::AfterType`]); in a schema
//! file every place is there.

use super::migration_item::FieldPath;
use crate::value::Str;

/// A place in the text of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultPlace {
    /// None.
    Nowhere,
    /// The whole collection.
    Collection,
    /// The name of a declared field, perhaps inside of objects.
    Name(FieldPath),
    /// Right before another place.
    Before(Box<FaultPlace>),
    /// The type of a field.
    Type(FieldPath),
    /// The end of the type of a field.
    AfterType(FieldPath),
    /// The declared wildcard.
    Wildcard,
    /// Behind the last field.
    AfterFields,
    /// An entry of `migrations`.
    Entry(usize),
    /// The end of an entry.
    AfterEntry(usize),
    /// The n-th path of an entry.
    Path(usize, usize),
    /// The end of such a path.
    AfterPath(usize, usize),
    /// The last step of such a path.
    Step(usize, usize),
    /// Right before the name of a field in the text of the collection as it was.
    BeforeLiveName(Str),
}

/// What a hint suggests to write at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suggested {
    /// This text; an empty one removes what stands there.
    Text(String),
    /// These migrations: at the end of the migrations if there are any, else in a new block at the hint's place, which is
    /// the end of the collection if it is [`FaultPlace::Collection`].
    Migrations(Vec<String>),
}

/// What could be done about a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultHint {
    /// The message.
    pub message: String,
    /// Where it is shown.
    pub at: FaultPlace,
    /// What to write there.
    pub suggestion: Option<Suggested>,
}

impl FaultHint {
    /// A hint that shows a place.
    pub fn at(message: impl Into<String>, at: FaultPlace) -> FaultHint {
        FaultHint {
            message: message.into(),
            at,
            suggestion: None,
        }
    }

    /// A hint that something should go.
    pub fn remove(message: impl Into<String>, at: FaultPlace) -> FaultHint {
        FaultHint::write(message, at, "")
    }

    /// A hint that something should be written.
    pub fn write(message: impl Into<String>, at: FaultPlace, text: impl Into<String>) -> FaultHint {
        FaultHint {
            suggestion: Some(Suggested::Text(text.into())),
            ..FaultHint::at(message, at)
        }
    }

    /// A hint that migrations should be added; `at` is where a new block of them would stand.
    pub fn migrate(message: impl Into<String>, at: FaultPlace, items: Vec<String>) -> FaultHint {
        FaultHint {
            suggestion: Some(Suggested::Migrations(items)),
            ..FaultHint::at(message, at)
        }
    }

    /// The field's type, which ends there, could take null.
    pub fn nullable(at: FaultPlace) -> FaultHint {
        FaultHint::write("Make the field nullable", at, "?")
    }

    /// The field, whose type ends there, could have a default.
    pub fn default_value(at: FaultPlace) -> FaultHint {
        FaultHint::write("Add a default value to this field", at, " = <expr>")
    }
}
