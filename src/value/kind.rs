//! The kinds of values.

pub use super::object::Object;
pub use crate::fql::syntax::ast::Str;
use crate::fql::syntax::{Location, Source, ast};
use crate::store::TxnTime;
use std::sync::Arc;

use super::items::Items;
use super::set::{Cursor, EventSource, Set};

/// A document id, non-negative in practice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId(pub i64);

/// A database's private namespace; part of every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub u64);

/// A collection within a database: below 1024 native, from 1024 on user-defined, in creation order.
/// A user collection's id is also the document id of its definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollId(pub u64);

/// An index within a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexId(pub u64);

/// Any FQL v10 value. Cloning is cheap: everything large is shared.
#[derive(Clone, Debug)]
pub enum Value {
    /// No value, and why.
    Null(Null),
    /// `true`, `false`
    Bool(bool),
    /// A 32-bit integer.
    Int(i32),
    /// A 64-bit integer. Results of arithmetic are `Int` when they fit.
    Long(i64),
    /// A double.
    Double(f64),
    /// A 64-bit id.
    Id(i64),
    /// Text; limits count UTF-16 units, indexes code points.
    String(Str),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// An instant.
    Time(Time),
    /// The commit time of this transaction, not known yet.
    TransactionTime,
    /// A calendar day.
    Date(Date),
    /// A UUID.
    Uuid([u8; 16]),
    /// An array.
    Array(Arc<Items>),
    /// A plain object.
    Object(Arc<Object>),
    /// A document reference, existing or not.
    Doc(Arc<Doc>),
    /// A lazy set.
    Set(Arc<Set>),
    /// A position in a set.
    Cursor(Arc<Cursor>),
    /// A module or collection.
    Module(Module),
    /// A lambda.
    Lambda(Arc<Closure>),
    /// A native function, bound to its receiver if it is a method.
    Native(NativeFn),
    /// A user-defined function.
    Function(Arc<FunctionRef>),
    /// An event source.
    EventSource(Arc<EventSource>),
    /// A stored query of FQL v4: a function's body, a predicate, or a value in a document. FQL v10 sees a function that
    /// it can neither read nor store.
    Query(Arc<StoredQuery>),
}

/// A query of FQL v4 as it is stored: its wire form, read when it is first called.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct StoredQuery {
    /// The contents of `@query` as compact JSON: `api_version` (absent up to version 2.12), `lambda`, `expr`.
    pub text: Str,
}

/// A null's cause; absent for a plain literal in compact places (then it reads as a literal without a place).
#[derive(Clone, Debug, Default)]
pub struct Null(pub Option<Arc<NullCause>>);

/// Why a null is null, and where it arose.
#[derive(Clone, Debug)]
pub struct NullCause {
    /// Why.
    pub reason: NullReason,
    /// Where it arose.
    pub location: Option<Location>,
}

/// The reasons (`spec fql10-language 3.1`).
#[derive(Clone, Debug)]
pub enum NullReason {
    /// `null`, a missing `else`, a function without result.
    Literal,
    /// A field that is not there; `of` is the dynamic type that lacks it.
    MissingField {
        /// The field.
        field: Str,
        /// Type name of the receiver.
        of: Str,
    },
    /// `Null value, due to REASON`: `empty set`, `no element found`, `invalid number`...
    NoSuchElement(&'static str),
    /// Not readable.
    PermissionDenied,
    /// A missing document that `?.` or a projection turned into null.
    MissingDocument(Arc<Doc>),
}

/// Seconds and nanoseconds since 1970-01-01T00:00:00Z; nanos < 1e9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Whole seconds, floored.
    pub secs: i64,
    /// The rest.
    pub nanos: u32,
}

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i64);

/// A reference to a document. Fields are read through the transaction when asked for.
#[derive(Clone, Debug)]
pub struct Doc {
    /// The collection.
    pub coll: CollId,
    /// Which document.
    pub key: DocKey,
    /// Read at this time rather than now.
    pub at: Option<TxnTime>,
    /// The value that `delete()` returned: fields read as on null.
    pub deleted: bool,
    /// It was asked for by its name, or just created with it: such a reference cannot be stored.
    pub named: bool,
    /// The index entry it was found through, whose fields need no document read.
    pub cover: Option<Arc<Cover>>,
}

/// How a reference names its document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DocKey {
    /// By id.
    Id(DocId),
    /// By name, for a document of a named native collection that was not found when the reference was made.
    Name(Str),
}

/// Fields known from an index entry, which need no document read while the query has written nothing since.
#[derive(Clone, Debug)]
pub struct Cover {
    /// The index, shared by the elements of a set.
    pub index: Arc<CoveringIndex>,
    /// A value for each of the index's paths.
    pub values: Vec<Value>,
    /// The rights under which it was found: others may not read the document.
    pub rights: u64,
}

/// What an index covers.
#[derive(Clone, Debug)]
pub struct CoveringIndex {
    /// `Coll.index`, for hints.
    pub name: Str,
    /// The call that made the set, for hints.
    pub origin: Option<Location>,
    /// Paths of its terms and values; empty for what an entry does not tell (elements of arrays, positions in them).
    pub paths: Vec<Box<[Str]>>,
}

impl Cover {
    /// The value of a top-level field, if the entry tells it.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.value(&[name]).map(|(value, _)| value)
    }

    /// The value at the beginning of a path, if the entry tells it, and how much of the path that is. A null is not known:
    /// the document may hold an object there. Nor is an object: entries do not keep the order of its fields.
    pub fn value(&self, path: &[&str]) -> Option<(&Value, usize)> {
        let mut covered = self.index.paths.iter().zip(&self.values);
        let (known, value) = covered.find(|(known, _)| is_start(known, path))?;
        is_kept(value).then_some((value, known.len()))
    }

    /// Whether the index covers what is at a path.
    pub fn covers(&self, path: &[&str]) -> bool {
        self.index.paths.iter().any(|known| is_start(known, path))
    }

    /// Whether the index covers what is at a path, or something within it.
    pub fn reaches(&self, path: &[&str]) -> bool {
        self.index.paths.iter().any(|known| {
            !known.is_empty()
                && known
                    .iter()
                    .zip(path)
                    .all(|(known, name)| &**known == *name)
        })
    }
}

fn is_start(known: &[Str], path: &[&str]) -> bool {
    let same = known
        .iter()
        .zip(path)
        .all(|(known, name)| &**known == *name);
    !known.is_empty() && known.len() <= path.len() && same
}

/// Whether an index entry gives a value back just as it was.
fn is_kept(value: &Value) -> bool {
    match value {
        Value::Null(_) | Value::Object(_) => false,
        Value::Array(items) => items.iter().all(|item| match item {
            Value::Null(_) => true,
            other => is_kept(other),
        }),
        _ => true,
    }
}

/// A module: a named constant with functions.
#[derive(Clone, Debug, PartialEq)]
pub enum Module {
    /// `Math`, `Time`, `FQL.Schema` ... by full name.
    Native(&'static str),
    /// A collection, native or user-defined. `name` is what it was reached by (name or alias).
    Collection {
        /// Which.
        id: CollId,
        /// As reached.
        name: Str,
    },
    /// Stands for a collection that is gone.
    Deleted,
}

/// A lambda with what it captured.
#[derive(Clone, Debug)]
pub struct Closure {
    /// The literal.
    pub lambda: Arc<ast::Lambda>,
    /// The text it stands in.
    pub source: Arc<Source>,
    /// Variables in scope where it was created.
    pub env: Env,
}

/// A persistent chain of variables, innermost first.
#[derive(Clone, Debug, Default)]
pub struct Env(pub Option<Arc<Binding>>);

/// One variable and the scope around it.
#[derive(Debug)]
pub struct Binding {
    /// Its name; `$this` for the hidden argument.
    pub name: Str,
    /// Its value.
    pub value: Value,
    /// The enclosing variables.
    pub outer: Env,
}

/// A native function: its place in the function table, and its receiver if it is a method.
#[derive(Clone, Debug)]
pub struct NativeFn {
    /// Index in the table.
    pub id: u16,
    /// Its name, for text forms and comparison.
    pub name: &'static str,
    /// The receiver it is bound to.
    pub this: Option<Arc<Value>>,
}

impl NativeFn {
    /// What it is shown as: an index of a collection by its own name.
    pub fn shown_name(&self) -> &str {
        match self.this.as_deref() {
            Some(Value::Array(target)) if self.name == INDEX_METHOD => match target.as_slice() {
                [
                    Value::Module(Module::Collection { .. }),
                    Value::String(name),
                ] => name,
                _ => self.name,
            },
            _ => self.name,
        }
    }
}

/// The hidden method behind every index: its receiver is an array of the collection and the index's name.
pub const INDEX_METHOD: &str = "index";

/// A user-defined function.
#[derive(Clone, Debug)]
pub struct FunctionRef {
    /// The id of its definition.
    pub id: DocId,
    /// What it was reached by (name or alias).
    pub name: Str,
}

impl Env {
    /// The scope with one more variable.
    pub fn bind(&self, name: Str, value: Value) -> Env {
        Env(Some(Arc::new(Binding {
            name,
            value,
            outer: self.clone(),
        })))
    }

    /// The innermost variable of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let mut env = self;
        while let Some(binding) = &env.0 {
            if &*binding.name == name {
                return Some(&binding.value);
            }
            env = &binding.outer;
        }
        None
    }
}

impl Value {
    /// A null without a known cause.
    pub const NULL: Value = Value::Null(Null(None));

    /// Text.
    pub fn string(text: impl Into<Str>) -> Value {
        Value::String(text.into())
    }

    /// A stored query of FQL v4.
    pub fn query(text: impl Into<Str>) -> Value {
        Value::Query(Arc::new(StoredQuery { text: text.into() }))
    }

    /// An array.
    pub fn array(items: Vec<Value>) -> Value {
        Value::Array(Arc::new(Items::from(items)))
    }

    /// An object.
    pub fn object(object: Object) -> Value {
        Value::Object(Arc::new(object))
    }

    /// An integer, `Int` if it fits.
    pub fn integer(n: i64) -> Value {
        match i32::try_from(n) {
            Ok(n) => Value::Int(n),
            Err(_) => Value::Long(n),
        }
    }

    /// A null that arose for `reason` at `location`.
    pub fn null(reason: NullReason, location: Option<Location>) -> Value {
        Value::Null(Null(Some(Arc::new(NullCause { reason, location }))))
    }

    /// Whether it is a null (a missing document is not).
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null(_))
    }

    /// The name of its type in messages (`spec fql10-stdlib 1.1`).
    pub fn type_name(&self) -> Str {
        match self {
            Value::Null(_) => "Null".into(),
            Value::Bool(_) => "Boolean".into(),
            Value::Int(_) => "Int".into(),
            Value::Long(_) => "Long".into(),
            Value::Double(_) => "Double".into(),
            Value::Id(_) => "ID".into(),
            Value::String(_) => "String".into(),
            Value::Bytes(_) => "Bytes".into(),
            Value::Time(_) => "Time".into(),
            Value::TransactionTime => "TransactionTime".into(),
            Value::Date(_) => "Date".into(),
            Value::Uuid(_) => "UUID".into(),
            Value::Array(_) => "Array<Any>".into(),
            Value::Object(_) => "{ *: Any }".into(),
            Value::Doc(_) => "Doc".into(),
            Value::Set(_) => "Set<Any>".into(),
            Value::Cursor(_) => "SetCursor".into(),
            Value::Module(Module::Native(name)) => (*name).into(),
            Value::Module(Module::Collection { name, .. }) => name.clone(),
            Value::Module(Module::Deleted) => "Deleted".into(),
            Value::Lambda(_) | Value::Query(_) => "Lambda".into(),
            Value::Native(_) | Value::Function(_) => "Function".into(),
            Value::EventSource(_) => "EventSource<Any>".into(),
        }
    }
}

impl From<TxnTime> for Time {
    fn from(t: TxnTime) -> Time {
        Time {
            secs: t.0.div_euclid(1_000_000),
            nanos: (t.0.rem_euclid(1_000_000) * 1000) as u32,
        }
    }
}

impl Value {
    /// The integer it is: Int, Long, or a Double without fraction that fits 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        super::number::Number::of(self)?.whole()
    }

    /// Whether it is a lambda or a native or user function.
    pub fn is_function(&self) -> bool {
        matches!(
            self,
            Value::Lambda(_) | Value::Native(_) | Value::Function(_) | Value::Query(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_small() {
        // `Module` and `NativeFn` stand inline and are the largest.
        assert!(size_of::<Value>() <= 40);
    }
}
