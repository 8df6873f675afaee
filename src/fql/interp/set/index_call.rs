//! Calling an index: `Foo.byName(terms..., range)` (`spec fql10-data 6`).

use super::super::chain::Found;
use super::super::permissions::Known;
use super::super::{Arity, Failure, Interp, RESERVED, Result, wrong_arity};
use super::position::Position;
use super::source::{Entries, IndexScan};
use crate::access::{Permissions, builtin_allows};
use crate::model::schema::{Action, BackingIndex, Collection, IndexDef};
use crate::model::{IndexBounds, id_bound, parse_range};
use crate::value::codec::check_storable;
use crate::value::{
    CollId, CoveringIndex, INDEX_METHOD, Module, NativeFn, PathPart, Plan, Set, Str, Value,
};
use std::sync::Arc;

impl Interp {
    /// What a name means on a collection besides its methods: one of its indexes.
    pub(in super::super) fn find_in_collection(
        &mut self,
        coll: CollId,
        this: &Value,
        name: &str,
    ) -> Found {
        let known = self
            .txn
            .schema()
            .collection(coll)
            .is_some_and(|collection| collection.index(name).is_some());
        match self.library.member("UserCollection", INDEX_METHOD) {
            Some(id) if known => {
                let this = Value::array(vec![this.clone(), Value::string(name)]);
                Found::Value(Value::Native(NativeFn {
                    id,
                    name: INDEX_METHOD,
                    this: Some(Arc::new(this)),
                }))
            }
            _ => Found::Nothing,
        }
    }

    /// Calls the index that `this` names.
    pub fn call_index(&mut self, this: &Value, args: &[Value]) -> Result {
        let Value::Array(target) = this else {
            return Err(Failure::type_mismatch("Function", this));
        };
        let [
            Value::Module(Module::Collection { id, .. }),
            Value::String(name),
        ] = target.as_slice()
        else {
            return Err(Failure::type_mismatch("Function", this));
        };
        let Some(collection) = self.collection(*id) else {
            return Err(no_index(name));
        };
        let Some(index) = collection.index(name) else {
            return Err(no_index(name));
        };
        self.index_set(&collection, index, args)
            .map(|set| Value::Set(Arc::new(set)))
    }

    fn index_set(
        &mut self,
        collection: &Arc<Collection>,
        index: &IndexDef,
        args: &[Value],
    ) -> Result<Set> {
        let count = index.terms.len();
        let (terms, range) = match args.get(..count) {
            Some(terms) if args.len() <= count + 1 => (terms, args.get(count)),
            _ => {
                return Err(wrong_arity(
                    &Arity::OneOf(vec![count, count + 1]),
                    args.len(),
                ));
            }
        };
        self.check_collection_readable(collection.id)?;
        let backing = index
            .index
            .filter(|_| index.queryable)
            .and_then(|id| collection.backing_index(id));
        let Some(backing) = backing else {
            let message = format!(
                "The index `{}.{}` is not queryable.",
                collection.name, index.name
            );
            return Err(Failure::new("invalid_index_invocation", message));
        };
        self.check_keepable(terms)?;
        for (n, term) in terms.iter().enumerate() {
            if check_storable(term).is_err() {
                let name = format!("term{}", n + 1);
                return Err(Failure::invalid_argument(
                    &name,
                    "Argument cannot be used as lookup term",
                ));
            }
        }
        let range = match range {
            Some(range) => {
                let invalid = |error| Failure::invalid_argument("range", error);
                let range = parse_range(range).map_err(invalid)?;
                // What is wrong with a bound is said by the call, not by the first read.
                self.index_bounds(backing, &range).map_err(invalid)?;
                Some(Arc::new(range))
            }
            None => None,
        };
        let plan = Plan::Index {
            coll: collection.id,
            name: index.name.clone(),
            index: backing.id,
            origin: self.frame().cloned(),
            terms: terms.to_vec(),
            range,
            reversed: false,
        };
        Ok(Set {
            plan,
            at: self.at,
            page_size: None,
        })
    }

    fn index_bounds(
        &self,
        index: &BackingIndex,
        range: &(Option<Value>, Option<Value>),
    ) -> std::result::Result<IndexBounds, crate::model::RangeError> {
        IndexBounds::from_range(
            self.txn.model().key_codec(),
            index,
            range.0.as_ref(),
            range.1.as_ref(),
        )
    }

    /// Opens an index set; `None` if its index is gone.
    pub(super) fn open_index(&mut self, set: &Set, from: &Position) -> Result<Option<Entries>> {
        let Plan::Index {
            coll,
            name,
            index,
            origin,
            terms,
            range,
            reversed,
        } = &set.plan
        else {
            return Ok(None);
        };
        let Some(collection) = self.collection(*coll) else {
            return Ok(None);
        };
        let Some(backing) = collection.backing_index(*index) else {
            return Ok(None);
        };
        let bounds = match range {
            Some(range) => self
                .index_bounds(backing, range)
                .map_err(|error| Failure::invalid_argument("range", error))?,
            None => IndexBounds::all(),
        };
        let covering = Arc::new(CoveringIndex {
            name: format!("{}.{name}", collection.name).into(),
            origin: origin.clone(),
            paths: covered_paths(backing, &collection),
        });
        let scan = IndexScan {
            coll: *coll,
            index: *index,
            terms: terms.clone(),
            bounds,
            reversed: *reversed,
        };
        Ok(Some(Entries::open(self, scan, covering, set.at, from)))
    }

    /// `collection.all(range)`: the id bounds.
    pub fn id_range(&self, range: &Value) -> Result<(Option<i64>, Option<i64>)> {
        let invalid = |error| Failure::invalid_argument("range", error);
        let (from, to) = parse_range(range).map_err(invalid)?;
        let bound = |field, value: Option<&Value>| match value {
            Some(value) => id_bound(field, value).map(|id| Some(id.0)),
            None => Ok(None),
        };
        Ok((
            bound("from", from.as_ref()).map_err(invalid)?,
            bound("to", to.as_ref()).map_err(invalid)?,
        ))
    }

    /// Fails unless the principal has some privilege to read documents of the collection.
    pub fn check_collection_readable(&self, coll: CollId) -> Result<()> {
        if self.collection_readable(coll) {
            return Ok(());
        }
        let message = format!(
            "Insufficient privileges to read from collection {}.",
            self.collection_name(coll)
        );
        Err(Failure::new("permission_denied", message))
    }

    /// Whether any privilege, with or without a predicate, lets the principal read documents of the collection.
    pub fn collection_readable(&self, coll: CollId) -> bool {
        if let Some(allowed) = builtin_allows(&self.principal.permissions, Action::Read, coll) {
            return allowed;
        }
        let Permissions::Roles(names) = &self.principal.permissions else {
            return false;
        };
        let schema = self.txn.schema();
        let Some(collection) = schema.collection(coll) else {
            return false;
        };
        let known = Known::collection(collection);
        names
            .iter()
            .filter_map(|name| schema.role(name))
            .any(|role| {
                let mut here = role
                    .privileges
                    .iter()
                    .filter(|privilege| known.is(&privilege.resource));
                here.any(|privilege| {
                    privilege
                        .actions
                        .iter()
                        .any(|(action, _)| *action == Action::Read)
                })
            })
    }
}

fn no_index(name: &str) -> Failure {
    Failure::new(
        "invalid_function_invocation",
        format!("The function `{name}` does not exist."),
    )
}

/// The paths an entry tells: empty for elements of arrays, positions in arrays, and the id, which every reference has.
pub(super) fn covered_paths(index: &BackingIndex, collection: &Collection) -> Vec<Box<[Str]>> {
    let is_special = |name: &str| {
        RESERVED.contains(&name) || name == "ttl" || collection.computed_field(name).is_some()
    };
    let terms = index.terms.iter().map(|term| (&term.path, term.mva));
    let values = index.values.iter().map(|value| (&value.path, value.mva));
    let plain = |(path, mva): (&Vec<PathPart>, bool)| -> Box<[Str]> {
        let names: Option<Vec<Str>> = path
            .iter()
            .map(|part| match part {
                PathPart::Field(name) => Some(name.clone()),
                PathPart::Index(_) => None,
            })
            .collect();
        match names {
            Some(names) if !mva => match names.as_slice() {
                [id] if &**id == "id" => Box::new([]),
                // `.data.a` is `.a`, unless that is something else.
                [data, rest @ ..] if &**data == "data" => match rest.first() {
                    Some(first) if !is_special(first) => rest.into(),
                    Some(_) | None => Box::new([]),
                },
                names => names.into(),
            },
            Some(_) | None => Box::new([]),
        }
    };
    terms.chain(values).map(plain).collect()
}
