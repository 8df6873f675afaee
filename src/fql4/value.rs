//! The values of FQL v4 (`spec fql4 5`).
//!
//! They are other values than those of FQL v10: documents are their contents, not references; references name documents
//! of any database and of every native collection alike; sets, pages, events and cursors have kinds of their own. What both
//! languages share (times, dates, ids, texts) is shared.

use super::expression::Closure;
use super::sets::Set;
use crate::store::TxnTime;
pub use crate::value::{CollId, Date, DocId, ScopeId, Str, Time};
use indexmap::IndexMap;
use std::ops::Deref;
use std::sync::Arc;

/// Any value. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A 64-bit integer.
    Long(i64),
    /// A double.
    Double(f64),
    /// Text.
    String(Str),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A UUID.
    Uuid([u8; 16]),
    /// An instant.
    Time(Time),
    /// The time of this transaction, not known yet, as an instant.
    TransactionTime,
    /// The time of this transaction, not known yet, in microseconds: the `ts` of what this query wrote.
    TransactionMicros,
    /// A day.
    Date(Date),
    /// What an event did.
    Action(Action),
    /// An array.
    Array(Arc<Items>),
    /// An object.
    Object(Arc<Object>),
    /// A reference to what there is (or was), by ids.
    Ref(Ref),
    /// A reference by a name that nothing has.
    Unresolved(Arc<NameRef>),
    /// A set.
    Set(Arc<Set>),
    /// A page of a set.
    Page(Arc<Page>),
    /// A document as it was read or written.
    Document(Arc<Document>),
    /// An event.
    Event(Arc<Event>),
    /// An element of a page that tells its sources.
    Element(Arc<Element>),
    /// A position in a set, given out with a page: an array or an event.
    Cursor(Arc<Value>),
    /// A lambda with what it captured.
    Lambda(Arc<Closure>),
    /// A lambda that was stored and not read yet: the JSON of its `@query` object.
    Query(Str),
}

/// What an event did, in the order of events at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// A document began.
    Create,
    /// A document changed.
    Update,
    /// A document ended.
    Delete,
    /// A document entered a set.
    Add,
    /// A document left a set.
    Remove,
}

impl Action {
    /// Whether something is there after it. Versions of old knew only this.
    pub fn is_create(self) -> bool {
        matches!(self, Action::Create | Action::Update | Action::Add)
    }

    /// `create` ...
    pub fn text(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
            Action::Add => "add",
            Action::Remove => "remove",
        }
    }
}

/// The elements of an array. Freed on a growing stack, since queries nest values deeply.
#[derive(Clone, Debug, Default)]
pub struct Items {
    values: Vec<Value>,
    extent: Extent,
}

/// How large a value is to whoever walks it: what is shared counts each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Parts, it among them.
    pub parts: u64,
    /// How deep it nests.
    pub depth: u32,
}

impl Extent {
    /// Of what holds values.
    fn over<'v>(values: impl IntoIterator<Item = &'v Value>) -> Extent {
        let mut extent = Extent::default();
        for value in values {
            let inner = value.extent();
            extent.parts = extent.parts.saturating_add(inner.parts);
            extent.depth = extent.depth.max(inner.depth);
        }
        Extent {
            parts: extent.parts.saturating_add(1),
            depth: extent.depth.saturating_add(1),
        }
    }
}

/// The fields of an object, in the order in which they were written. Setting one keeps its place.
#[derive(Clone, Debug, Default)]
pub struct Object {
    fields: IndexMap<Str, Value, foldhash::fast::RandomState>,
    extent: Extent,
}

/// A reference by ids.
///
/// A schema object is the document of a native collection whose id is the object's own; a native collection itself is
/// the document of the collection `Collection` with the native collection's id. Names are looked up when a reference is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ref {
    /// The database.
    pub scope: ScopeId,
    /// The collection.
    pub coll: CollId,
    /// The document.
    pub id: DocId,
}

/// A reference by names, as queries write it (`spec fql4 5.1`). As a value it is one that nothing was found for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NameRef {
    /// `Collections()`, `Keys()` ...
    Native {
        /// Which.
        coll: CollId,
        /// In which database.
        scope: Option<Arc<NameRef>>,
    },
    /// `Collection("x")`, `Index("i")`, `Database("d")`, `Function`, `Role`, `AccessProvider`.
    Named {
        /// The native collection it is a document of.
        coll: CollId,
        /// Its name.
        name: Str,
        /// In which database.
        scope: Option<Arc<NameRef>>,
    },
    /// A key of this or another database.
    Key {
        /// Its id.
        id: DocId,
        /// In which database.
        scope: Option<Arc<NameRef>>,
    },
    /// A document of a user's or a native collection.
    Document {
        /// The collection: `Named` or `Native`.
        collection: Arc<NameRef>,
        /// Its id.
        id: DocId,
    },
    /// `{"id":"self"}`: whoever asks.
    Own(Arc<NameRef>),
}

/// A page of a set (`spec fql4 6.8`).
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What it shows.
    pub data: Vec<Value>,
    /// The elements as they were before `Map`, from which `Take` and `Drop` make cursors.
    pub unmapped: Vec<Value>,
    /// Where it begins.
    pub before: Option<Value>,
    /// Where the next begins.
    pub after: Option<Value>,
}

/// A document as it was read or written.
#[derive(Clone, Debug)]
pub struct Document {
    /// Which.
    pub reference: Ref,
    /// When it was written; `None`: by this query.
    pub ts: Option<TxnTime>,
    /// The fields behind `ref` and `ts`, in the order shown: `data`, `ttl`, `name` ...
    pub fields: Object,
    /// This query made it: an answer that is such a document has status 201.
    pub is_new: bool,
    /// It is the marker of a deletion.
    pub is_deleted: bool,
}

/// A change of a document or of a set.
#[derive(Clone, Debug)]
pub struct Event {
    /// When; `None`: by this query.
    pub ts: Option<TxnTime>,
    /// What.
    pub action: Action,
    /// Of which document.
    pub document: Ref,
    /// More about it.
    pub data: EventData,
}

/// What an event shows as `data`.
#[derive(Clone, Debug)]
pub enum EventData {
    /// Of a document: the change of its user data, `Null` for none.
    Document(Value),
    /// Of a set: the values of the element, not shown if there are none.
    Set(Vec<Value>),
}

/// An element of a page with `sources: true`.
#[derive(Clone, Debug)]
pub struct Element {
    /// What the page would show otherwise.
    pub value: Value,
    /// The sets it comes from.
    pub sources: Vec<Arc<Set>>,
}

impl Value {
    /// Text.
    pub fn string(text: impl Into<Str>) -> Value {
        Value::String(text.into())
    }

    /// An array.
    pub fn array(items: Vec<Value>) -> Value {
        Value::Array(Arc::new(Items::from(items)))
    }

    /// An object.
    pub fn object(mut object: Object) -> Value {
        object.extent = Extent::over(object.fields.values());
        Value::Object(Arc::new(object))
    }

    /// How large it is to whoever walks it.
    pub fn extent(&self) -> Extent {
        match self {
            Value::Array(items) => items.extent,
            Value::Object(object) => object.extent,
            Value::Page(page) => Extent::over(&page.data),
            Value::Element(element) => Extent::over([&element.value]),
            _ => Extent { parts: 1, depth: 0 },
        }
    }

    /// Whether freeing it frees further values.
    fn holds_values(&self) -> bool {
        match self {
            Value::Array(_)
            | Value::Object(_)
            | Value::Set(_)
            | Value::Page(_)
            | Value::Document(_)
            | Value::Event(_)
            | Value::Element(_)
            | Value::Cursor(_)
            | Value::Lambda(_) => true,
            Value::Null
            | Value::Bool(_)
            | Value::Long(_)
            | Value::Double(_)
            | Value::String(_)
            | Value::Bytes(_)
            | Value::Uuid(_)
            | Value::Time(_)
            | Value::TransactionTime
            | Value::TransactionMicros
            | Value::Date(_)
            | Value::Action(_)
            | Value::Ref(_)
            | Value::Unresolved(_)
            | Value::Query(_) => false,
        }
    }
}

impl From<Vec<Value>> for Items {
    fn from(items: Vec<Value>) -> Items {
        Items {
            extent: Extent::over(&items),
            values: items,
        }
    }
}

impl Items {
    /// The elements, owned.
    pub fn into_vec(mut self) -> Vec<Value> {
        std::mem::take(&mut self.values)
    }
}

impl Deref for Items {
    type Target = Vec<Value>;

    fn deref(&self) -> &Vec<Value> {
        &self.values
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        if self.values.iter().any(Value::holds_values) {
            crate::value::deep(|| drop(std::mem::take(&mut self.values)));
        }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if self.fields.values().any(Value::holds_values) {
            crate::value::deep(|| drop(std::mem::take(&mut self.fields)));
        }
    }
}

impl Object {
    /// An empty object.
    pub fn new() -> Object {
        Object::default()
    }

    /// The value of a field.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key)
    }

    /// Sets a field, which keeps its place if it is there.
    pub fn insert(&mut self, key: impl Into<Str>, value: Value) -> Option<Value> {
        self.fields.insert(key.into(), value)
    }

    /// Removes a field; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.fields.shift_remove(key)
    }

    /// Whether a field is there, null included.
    pub fn contains_key(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    /// Fields in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Str, &Value)> + ExactSizeIterator {
        self.fields.iter()
    }

    /// How many fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl FromIterator<(Str, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (Str, Value)>>(fields: I) -> Object {
        Object {
            fields: fields.into_iter().collect(),
            extent: Extent::default(),
        }
    }
}

impl Document {
    /// What it shows as `ts`.
    pub fn ts_value(&self) -> Value {
        self.ts
            .map_or(Value::TransactionMicros, |ts| Value::Long(ts.0))
    }
}

impl Event {
    /// What it shows as `ts`.
    pub fn ts_value(&self) -> Value {
        self.ts
            .map_or(Value::TransactionMicros, |ts| Value::Long(ts.0))
    }
}

impl NameRef {
    /// A collection, index, function ... of this database by its name.
    pub fn named(coll: CollId, name: impl Into<Str>) -> NameRef {
        NameRef::Named {
            coll,
            name: name.into(),
            scope: None,
        }
    }
}
