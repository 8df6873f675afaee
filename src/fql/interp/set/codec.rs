//! Sets and every kind of value as bytes, for cursors and event sources.
//!
//! What is written is self-contained: a lambda as its source text with the values it captured, a collection by id and
//! an index by name, a native function by name. What is read is checked: damaged or foreign bytes are `None`, and every
//! database object is looked up again, so that a made-up text can name nothing a query could not.

use super::super::{Failure, Interp, Result};
use super::free_names::Mentioned;
use crate::fql::syntax::ast::{Expr, ExprKind, Lambda, Link, Param};
use crate::fql::syntax::{Source, Span, parse_expr};
use crate::store::TxnTime;
use crate::value::INDEX_METHOD;
use crate::value::{
    Callback, Closure, CollId, Cursor, Date, Doc, DocId, DocKey, Env, EventSource, FunctionRef,
    Module, NativeFn, Object, OrderKey, PathPart, Plan, Set, Str, Time, Value,
};
use std::sync::Arc;

/// More than this is no text to hand around.
const MAX_BYTES: usize = 32 << 20;

/// Levels of values and plans that are read.
const MAX_DEPTH: u32 = 20_000;

const RED_ZONE: usize = 128 * 1024;
const SEGMENT: usize = 2 * 1024 * 1024;

/// Writes values.
#[derive(Default)]
pub(super) struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub fn number(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.byte(n as u8 | 0x80);
            n >>= 7;
        }
        self.byte(n as u8);
    }

    fn signed(&mut self, n: i64) {
        self.number(((n << 1) ^ (n >> 63)) as u64);
    }

    fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    fn blob(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.blob(text.as_bytes());
    }

    pub fn time(&mut self, time: Option<TxnTime>) {
        self.flag(time.is_some());
        if let Some(time) = time {
            self.signed(time.0);
        }
    }

    fn id(&mut self, id: Option<i64>) {
        self.time(id.map(TxnTime));
    }

    fn values<'a>(&mut self, values: impl ExactSizeIterator<Item = &'a Value>) -> Result<()> {
        self.number(values.len() as u64);
        for value in values {
            self.value(value)?;
        }
        Ok(())
    }

    fn optional(&mut self, value: Option<&Value>) -> Result<()> {
        self.flag(value.is_some());
        match value {
            Some(value) => self.value(value),
            None => Ok(()),
        }
    }

    pub fn value(&mut self, value: &Value) -> Result<()> {
        if self.bytes.len() > MAX_BYTES {
            return Err(Failure::too_large(format!(
                "cursor exceeds limit of {MAX_BYTES} bytes"
            )));
        }
        stacker::maybe_grow(RED_ZONE, SEGMENT, || self.kind(value))
    }

    fn kind(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::Null(_) => self.byte(0),
            Value::Bool(b) => self.byte(if *b { 2 } else { 1 }),
            Value::Int(n) => {
                self.byte(3);
                self.signed(i64::from(*n));
            }
            Value::Long(n) => {
                self.byte(4);
                self.signed(*n);
            }
            Value::Double(d) => {
                self.byte(5);
                self.bytes.extend_from_slice(&d.to_bits().to_be_bytes());
            }
            Value::Id(n) => {
                self.byte(6);
                self.signed(*n);
            }
            Value::String(text) => {
                self.byte(7);
                self.text(text);
            }
            Value::Bytes(bytes) => {
                self.byte(8);
                self.blob(bytes);
            }
            Value::Time(time) => {
                self.byte(9);
                self.signed(time.secs);
                self.number(u64::from(time.nanos));
            }
            Value::TransactionTime => self.byte(10),
            Value::Date(date) => {
                self.byte(11);
                self.signed(date.0);
            }
            Value::Uuid(uuid) => {
                self.byte(12);
                self.bytes.extend_from_slice(uuid);
            }
            Value::Array(items) => {
                self.byte(13);
                self.values(items.iter())?;
            }
            Value::Object(object) => {
                self.byte(14);
                self.number(object.len() as u64);
                for (name, value) in object.iter() {
                    self.text(name);
                    self.value(value)?;
                }
            }
            Value::Doc(doc) => {
                self.byte(15);
                self.doc(doc);
            }
            Value::Set(set) => {
                self.byte(16);
                self.set(set)?;
            }
            Value::Cursor(cursor) => {
                self.byte(17);
                self.cursor(cursor)?;
            }
            Value::Module(Module::Native(name)) => {
                self.byte(18);
                self.text(name);
            }
            Value::Module(Module::Collection { id, name }) => {
                self.byte(19);
                self.number(id.0);
                self.text(name);
            }
            Value::Module(Module::Deleted) => self.byte(20),
            Value::Lambda(closure) => {
                self.byte(21);
                self.closure(closure)?;
            }
            Value::Native(native) => {
                self.byte(22);
                self.text(native.name);
                self.optional(native.this.as_deref())?;
            }
            Value::Function(function) => {
                self.byte(23);
                self.signed(function.id.0);
                self.text(&function.name);
            }
            Value::EventSource(source) => {
                self.byte(24);
                self.event_source(source)?;
            }
            Value::Query(query) => {
                self.byte(25);
                self.text(&query.text);
            }
        }
        Ok(())
    }

    fn doc(&mut self, doc: &Doc) {
        self.number(doc.coll.0);
        match &doc.key {
            DocKey::Id(id) => {
                self.byte(0);
                self.signed(id.0);
            }
            DocKey::Name(name) => {
                self.byte(1);
                self.text(name);
            }
        }
        self.time(doc.at);
        self.flag(doc.deleted);
    }

    /// A lambda as the text of an argument list, and what it captured.
    fn closure(&mut self, closure: &Closure) -> Result<()> {
        let lambda = &closure.lambda;
        let (span, projection) = match &lambda.body.kind {
            ExprKind::Projection { base, braces, .. }
                if base.kind == ExprKind::This && lambda.short =>
            {
                (*braces, true)
            }
            _ => (lambda.span, false),
        };
        let text = closure
            .source
            .text
            .as_deref()
            .and_then(|text| text.get(span.start as usize..span.end as usize));
        let Some(text) = text else {
            return Err(Failure::new(
                "invalid_cursor",
                "A function in the set has no source text.",
            ));
        };
        self.flag(projection);
        self.text(text);
        let mentioned = Mentioned::of(&lambda.body);
        let mut captured: Vec<(String, &Value)> = Vec::new();
        for name in &mentioned.names {
            captured.extend(closure.env.get(name).map(|value| (name.to_string(), value)));
        }
        if mentioned.this {
            captured.extend(
                closure
                    .env
                    .get("$this")
                    .map(|value| ("$this".to_string(), value)),
            );
        }
        for (at, (_, n)) in mentioned.placeholders.iter().enumerate() {
            captured.extend(
                closure
                    .env
                    .get(&format!("${n}"))
                    .map(|value| (format!("${at}"), value)),
            );
        }
        captured.sort_by(|a, b| a.0.cmp(&b.0));
        self.number(captured.len() as u64);
        for (name, value) in captured {
            self.text(&name);
            self.value(value)?;
        }
        Ok(())
    }

    fn callback(&mut self, callback: &Callback) -> Result<()> {
        self.time(callback.at);
        self.value(&callback.function)
    }

    pub fn cursor(&mut self, cursor: &Cursor) -> Result<()> {
        self.time(cursor.at);
        self.number(u64::from(cursor.page_size));
        self.value(&cursor.position)?;
        self.set(&cursor.set)
    }

    pub fn event_source(&mut self, source: &EventSource) -> Result<()> {
        self.time(source.since);
        self.number(source.watched.len() as u64);
        for path in &source.watched {
            self.number(path.len() as u64);
            for part in path {
                match part {
                    PathPart::Field(name) => {
                        self.byte(0);
                        self.text(name);
                    }
                    PathPart::Index(n) => {
                        self.byte(1);
                        self.signed(*n);
                    }
                }
            }
        }
        self.set(&source.set)
    }

    pub fn set(&mut self, set: &Set) -> Result<()> {
        self.time(set.at);
        self.number(set.page_size.map_or(0, u64::from));
        stacker::maybe_grow(RED_ZONE, SEGMENT, || self.plan(&set.plan))
    }

    fn step(&mut self, tag: u8, inner: &Set, callback: &Callback) -> Result<()> {
        self.byte(tag);
        self.callback(callback)?;
        self.set(inner)
    }

    fn plan(&mut self, plan: &Plan) -> Result<()> {
        match plan {
            Plan::All {
                coll,
                range,
                reversed,
            } => {
                self.byte(0);
                self.number(coll.0);
                self.id(range.0);
                self.id(range.1);
                self.flag(*reversed);
                Ok(())
            }
            Plan::Index {
                coll,
                name,
                index: _,
                origin: _,
                terms,
                range,
                reversed,
            } => {
                self.byte(1);
                self.number(coll.0);
                self.text(name);
                self.values(terms.iter())?;
                self.flag(range.is_some());
                if let Some(range) = range {
                    self.optional(range.0.as_ref())?;
                    self.optional(range.1.as_ref())?;
                }
                self.flag(*reversed);
                Ok(())
            }
            Plan::Array(items) => {
                self.byte(2);
                self.values(items.iter())
            }
            Plan::Single(value) => {
                self.byte(3);
                self.value(value)
            }
            Plan::Sequence(from, until) => {
                self.byte(4);
                self.signed(*from);
                self.signed(*until);
                Ok(())
            }
            Plan::Where(inner, f) => self.step(5, inner, f),
            Plan::Map(inner, f) => self.step(6, inner, f),
            Plan::FlatMap(inner, f) => self.step(7, inner, f),
            Plan::Concat(first, second) => {
                self.byte(8);
                self.set(second)?;
                self.set(first)
            }
            Plan::Distinct(inner) => {
                self.byte(9);
                self.set(inner)
            }
            Plan::Order(inner, keys) => {
                self.byte(10);
                self.number(keys.len() as u64);
                for key in keys {
                    self.flag(key.descending);
                    self.callback(&key.accessor)?;
                }
                self.set(inner)
            }
            Plan::Reverse(inner) => {
                self.byte(11);
                self.set(inner)
            }
            Plan::Take(inner, n) => {
                self.byte(12);
                self.number(*n);
                self.set(inner)
            }
            Plan::Drop(inner, n) => {
                self.byte(13);
                self.number(*n);
                self.set(inner)
            }
        }
    }
}

/// Reads what a [`Writer`] wrote.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    interp: &'a mut Interp,
    depth: u32,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8], interp: &'a mut Interp) -> Reader<'a> {
        Reader {
            bytes,
            interp,
            depth: 0,
        }
    }

    /// Whether everything was read.
    pub fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.bytes.split_at_checked(n)?;
        self.bytes = tail;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub fn number(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(n);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let n = self.number()?;
        Some((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// A count of things that take at least a byte each.
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?)
            .ok()
            .filter(|n| *n <= self.bytes.len())
    }

    fn blob(&mut self) -> Option<&'a [u8]> {
        let n = self.count()?;
        self.take(n)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.blob()?).ok()
    }

    pub fn time(&mut self) -> Option<Option<TxnTime>> {
        Some(match self.flag()? {
            true => Some(TxnTime(self.signed()?)),
            false => None,
        })
    }

    fn id(&mut self) -> Option<Option<i64>> {
        Some(self.time()?.map(|time| time.0))
    }

    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let result = stacker::maybe_grow(RED_ZONE, SEGMENT, || f(self));
        self.depth -= 1;
        result
    }

    fn values(&mut self) -> Option<Vec<Value>> {
        let n = self.count()?;
        (0..n).map(|_| self.value()).collect()
    }

    fn optional(&mut self) -> Option<Option<Value>> {
        Some(match self.flag()? {
            true => Some(self.value()?),
            false => None,
        })
    }

    pub fn value(&mut self) -> Option<Value> {
        self.nested(Reader::kind)
    }

    fn kind(&mut self) -> Option<Value> {
        Some(match self.byte()? {
            0 => Value::NULL,
            1 => Value::Bool(false),
            2 => Value::Bool(true),
            3 => Value::Int(i32::try_from(self.signed()?).ok()?),
            4 => Value::Long(self.signed()?),
            5 => Value::Double(f64::from_bits(u64::from_be_bytes(
                self.take(8)?.try_into().ok()?,
            ))),
            6 => Value::Id(self.signed()?),
            7 => Value::string(self.text()?),
            8 => Value::Bytes(self.blob()?.into()),
            9 => {
                let secs = self.signed()?;
                let nanos = u32::try_from(self.number()?)
                    .ok()
                    .filter(|n| *n < 1_000_000_000)?;
                Value::Time(Time { secs, nanos })
            }
            10 => Value::TransactionTime,
            11 => Value::Date(Date(self.signed()?)),
            12 => Value::Uuid(self.take(16)?.try_into().ok()?),
            13 => Value::array(self.values()?),
            14 => {
                let n = self.count()?;
                let mut object = Object::new();
                for _ in 0..n {
                    let name = self.text()?;
                    object.insert(name, self.value()?);
                }
                Value::object(object)
            }
            15 => Value::Doc(Arc::new(self.doc()?)),
            16 => Value::Set(self.set()?),
            17 => Value::Cursor(Arc::new(self.cursor()?)),
            18 => self.native_module()?,
            19 => {
                let id = CollId(self.number()?);
                let name: Str = self.text()?.into();
                match self.interp.txn.schema().collection(id) {
                    Some(_) => Value::Module(Module::Collection { id, name }),
                    None => Value::Module(Module::Deleted),
                }
            }
            20 => Value::Module(Module::Deleted),
            21 => Value::Lambda(Arc::new(self.closure()?)),
            22 => self.native_function()?,
            23 => {
                let id = DocId(self.signed()?);
                Value::Function(Arc::new(FunctionRef {
                    id,
                    name: self.text()?.into(),
                }))
            }
            24 => Value::EventSource(Arc::new(self.event_source()?)),
            25 => Value::query(self.text()?),
            _ => return None,
        })
    }

    fn doc(&mut self) -> Option<Doc> {
        let coll = CollId(self.number()?);
        let key = match self.byte()? {
            0 => DocKey::Id(DocId(self.signed()?)),
            1 => DocKey::Name(self.text()?.into()),
            _ => return None,
        };
        let at = self.time()?;
        let deleted = self.flag()?;
        Some(Doc {
            coll,
            key,
            at,
            deleted,
            named: false,
            cover: None,
        })
    }

    fn native_module(&mut self) -> Option<Value> {
        let name = self.text()?;
        if name == "FQL.Schema" {
            return Some(Value::Module(Module::Native("FQL.Schema")));
        }
        match self.interp.static_global(name)? {
            module @ Value::Module(_) => Some(module),
            _ => None,
        }
    }

    fn native_function(&mut self) -> Option<Value> {
        let name = self.text()?;
        let this = self.optional()?;
        let library = &self.interp.library;
        let id = match &this {
            Some(_) if name == INDEX_METHOD => library.member("UserCollection", INDEX_METHOD)?,
            Some(this) => self.interp.member_of(this, name)?,
            None => library.global_function(name)?,
        };
        let name = library.entry(id).member.name;
        Some(Value::Native(NativeFn {
            id,
            name,
            this: this.map(Arc::new),
        }))
    }

    fn closure(&mut self) -> Option<Closure> {
        let projection = self.flag()?;
        let text = self.text()?;
        // Short lambdas are read as such among the arguments of a call only.
        let whole = if projection {
            format!("p {text}")
        } else {
            format!("f({text})")
        };
        let source = Source::decoded(whole);
        let expr = parse_expr(&source).ok()?;
        let lambda = match expr.kind {
            ExprKind::Projection {
                entries, braces, ..
            } if projection => Arc::new(projection_lambda(entries, braces, expr.span)),
            ExprKind::Chain { links, .. } if !projection => match links.as_slice() {
                [Link::Call { args, .. }] => match args.items.as_slice() {
                    [
                        Expr {
                            kind: ExprKind::Lambda(lambda),
                            ..
                        },
                    ] => lambda.clone(),
                    _ => return None,
                },
                _ => return None,
            },
            _ => return None,
        };
        let mut env = Env::default();
        for _ in 0..self.count()? {
            let name: Str = self.text()?.into();
            let value = self.value()?;
            env = env.bind(name, value);
        }
        Some(Closure {
            lambda,
            source,
            env,
        })
    }

    fn callback(&mut self) -> Option<Callback> {
        let at = self.time()?;
        let function = self.value()?;
        // The frames of the query that made the step are not those of the query that goes on with it.
        function.is_function().then(|| Callback {
            function,
            frames: Arc::new(Vec::new()),
            at,
        })
    }

    pub fn cursor(&mut self) -> Option<Cursor> {
        let at = self.time()?;
        let page_size = u32::try_from(self.number()?).ok()?;
        let position = self.value()?;
        let set = self.set()?;
        Some(Cursor {
            set,
            position,
            page_size,
            at,
        })
    }

    pub fn event_source(&mut self) -> Option<EventSource> {
        let since = self.time()?;
        let mut watched = Vec::new();
        for _ in 0..self.count()? {
            let mut path = Vec::new();
            for _ in 0..self.count()? {
                path.push(match self.byte()? {
                    0 => PathPart::Field(self.text()?.into()),
                    1 => PathPart::Index(self.signed()?),
                    _ => return None,
                });
            }
            watched.push(path);
        }
        let set = self.set()?;
        Some(EventSource {
            set,
            watched,
            since,
        })
    }

    pub fn set(&mut self) -> Option<Arc<Set>> {
        let at = self.time()?;
        let page_size = match u32::try_from(self.number()?).ok()? {
            0 => None,
            n if n <= super::super::MAX_ELEMENTS as u32 => Some(n),
            _ => return None,
        };
        let plan = self.nested(Reader::plan)?;
        Some(Arc::new(Set {
            plan,
            at,
            page_size,
        }))
    }

    fn plan(&mut self) -> Option<Plan> {
        Some(match self.byte()? {
            0 => {
                let coll = CollId(self.number()?);
                let range = (self.id()?, self.id()?);
                Plan::All {
                    coll,
                    range,
                    reversed: self.flag()?,
                }
            }
            1 => {
                let coll = CollId(self.number()?);
                let name: Str = self.text()?.into();
                let terms = self.values()?;
                let range = match self.flag()? {
                    true => Some(Arc::new((self.optional()?, self.optional()?))),
                    false => None,
                };
                let reversed = self.flag()?;
                let collection = self.interp.txn.schema().collection(coll)?;
                let index = collection
                    .index(&name)
                    .filter(|index| index.terms.len() == terms.len())?
                    .index?;
                Plan::Index {
                    coll,
                    name,
                    index,
                    origin: None,
                    terms,
                    range,
                    reversed,
                }
            }
            2 => Plan::Array(Arc::new(self.values()?.into())),
            3 => Plan::Single(self.value()?),
            4 => Plan::Sequence(self.signed()?, self.signed()?),
            tag @ 5..=7 => {
                let callback = self.callback()?;
                let inner = self.set()?;
                match tag {
                    5 => Plan::Where(inner, callback),
                    6 => Plan::Map(inner, callback),
                    _ => Plan::FlatMap(inner, callback),
                }
            }
            8 => {
                let second = self.set()?;
                Plan::Concat(self.set()?, second)
            }
            9 => Plan::Distinct(self.set()?),
            10 => {
                let mut keys = Vec::new();
                for _ in 0..self.count()? {
                    let descending = self.flag()?;
                    keys.push(OrderKey {
                        accessor: self.callback()?,
                        descending,
                    });
                }
                Plan::Order(self.set()?, keys)
            }
            11 => Plan::Reverse(self.set()?),
            12 => {
                let n = self.number()?;
                Plan::Take(self.set()?, n)
            }
            13 => {
                let n = self.number()?;
                Plan::Drop(self.set()?, n)
            }
            _ => return None,
        })
    }
}

/// The function that projects one element.
pub(in super::super) fn projection_lambda(
    entries: Vec<(crate::fql::syntax::ast::Ident, Expr)>,
    braces: Span,
    span: Span,
) -> Lambda {
    let base = Box::new(Expr {
        kind: ExprKind::This,
        span,
    });
    let body = Expr {
        kind: ExprKind::Projection {
            base,
            entries,
            braces,
        },
        span,
    };
    Lambda {
        params: vec![Param { name: None, span }],
        rest: None,
        body,
        short: true,
        span,
    }
}
