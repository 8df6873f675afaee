//! Writing history: `Insert`, `Remove` (`spec fql4 7`).

use crate::access::Action as Right;
use crate::fql::interp::Resource;
use crate::fql4::documents::{invalid_type, references_error, to_stored};
use crate::fql4::error::{Code, Error, Result, Stop};
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::place::Place;
use crate::fql4::sets::history::document_events;
use crate::fql4::stored::reference_to_stored;
use crate::fql4::value::{Action, Event, EventData, Object, Ref, Time, Value};
use crate::model::native;
use crate::store::TxnTime;
use crate::value::{Object as Stored, Value as StoredValue};
use std::sync::Arc;

/// `Insert(ref, ts, action, params)`
pub fn insert(me: &mut Evaluator, arguments: Arguments) -> Result {
    let form = arguments.place().clone();
    let reference = arguments.reference(0)?;
    let time = arguments.time(1)?;
    let action = action(&arguments);
    let params = match arguments.get(3) {
        Some(_) => arguments.object(3)?,
        None => Arc::default(),
    };
    let now = me.interp.txn.time();
    let ts = micros(time);
    if ts > now {
        let message = "Cannot write outside of snapshot time.";
        return Err(Error::new(Code::InvalidWriteTime, &form, message).into());
    }
    if reference.scope != me.interp.txn.scope() {
        let place = arguments.at(0);
        return Err(Error::argument(&place, "Cannot write a scoped ref.").into());
    }
    if native::is_native(reference.coll) && reference.coll != native::KEY {
        let message = "Cannot insert event for specified ref.";
        return Err(Error::argument(&form, message).into());
    }
    let (data, ttl) = contents(me, &params, &form)?;
    authorize(me, reference, ts, action, &data, &form)?;
    let present = ts == now;
    let txn = &mut me.interp.txn;
    match (present, action) {
        (true, Action::Delete) => {
            txn.delete(reference.coll, reference.id)?;
        }
        (true, _) => {
            let outcome = txn.put(reference.coll, reference.id, Arc::new(data), ttl)?;
            if !outcome.unique_conflicts.is_empty() {
                let message = "document is not unique.";
                return Err(Error::new(Code::InstanceNotUnique, &form, message).into());
            }
        }
        (false, Action::Delete) => {
            txn.insert_version(reference.coll, reference.id, ts, None, None)?;
        }
        (false, _) => {
            txn.insert_version(reference.coll, reference.id, ts, Some(&data), ttl)?;
        }
    }
    written(me, reference, (!present).then_some(ts), action)
}

/// The event as it was written.
fn written(me: &mut Evaluator, reference: Ref, ts: Option<TxnTime>, action: Action) -> Result {
    let versions = me.interp.txn.versions(reference.coll, reference.id)?;
    let events = document_events(reference, versions);
    let found = events.into_iter().find(|(at, _, _)| *at == ts);
    let data = found.map_or(Value::Null, |(_, _, change)| change);
    Ok(Value::Event(Arc::new(Event {
        ts,
        action: match action {
            Action::Delete => Action::Delete,
            _ => Action::Create,
        },
        document: reference,
        data: EventData::Document(data),
    })))
}

/// `Remove(ref, ts, action)`
pub fn remove(me: &mut Evaluator, arguments: Arguments) -> Result {
    let form = arguments.place().clone();
    let reference = arguments.reference(0)?;
    let ts = micros(arguments.time(1)?);
    let action = action(&arguments);
    if reference.scope != me.interp.txn.scope() {
        let place = arguments.at(0);
        return Err(Error::argument(&place, "Cannot write a scoped ref.").into());
    }
    if native::is_native(reference.coll) {
        let message = "Cannot remove event for specified ref.";
        return Err(Error::argument(&form, message).into());
    }
    let versions = me.interp.txn.versions(reference.coll, reference.id)?;
    let at = versions.into_iter().find(|event| event.ts == Some(ts));
    let is_deletion = at.as_ref().map(|event| event.version.is_none());
    let data = at.and_then(|event| event.version).map(|v| v.object());
    authorize(me, reference, ts, action, &data.unwrap_or_default(), &form)?;
    // What was created and what was updated is the same; another action is another event.
    if is_deletion == Some(action == Action::Delete) {
        me.interp
            .txn
            .remove_version(reference.coll, reference.id, ts)?;
    }
    Ok(Value::Null)
}

fn action(arguments: &Arguments) -> Action {
    match arguments.value(2) {
        Value::Action(action) => action,
        _ => Action::Create,
    }
}

/// Microseconds; what is beyond them is the greatest.
fn micros(time: Time) -> TxnTime {
    match time.micros() {
        Some((micros, _)) => TxnTime(micros),
        None if time.secs < 0 => TxnTime(i64::MIN),
        None => TxnTime(i64::MAX),
    }
}

fn authorize(
    me: &mut Evaluator,
    reference: Ref,
    ts: TxnTime,
    action: Action,
    data: &Stored,
    form: &Place,
) -> Result<()> {
    let arguments = || {
        let data = [("data", StoredValue::object(data.clone()))];
        vec![
            reference_to_stored(reference),
            StoredValue::Time(ts.into()),
            StoredValue::string(action.text()),
            StoredValue::object(data.into_iter().collect()),
        ]
    };
    let resource = Resource::Collection(reference.coll);
    match me
        .interp
        .allowed(Right::HistoryWrite, resource, arguments)?
    {
        true => Ok(()),
        false => Err(Error::permission_denied(form).into()),
    }
}

/// User data and expiry in the parameters of an inserted event.
fn contents(me: &mut Evaluator, params: &Object, form: &Place) -> Result<(Stored, Option<Time>)> {
    let scope = me.interp.txn.scope();
    if let Some(error) = references_error(scope, params, form) {
        return Err(error.into());
    }
    let field = |me: &mut Evaluator, name: &str, expected: &str, fits: fn(&StoredValue) -> bool| {
        let Some(value) = params.get(name) else {
            return Ok(None);
        };
        match to_stored(me, value)? {
            StoredValue::Null(_) => Ok(None),
            stored if fits(&stored) => Ok(Some(stored)),
            other => Err(Stop::from(invalid_type(name, expected, &other, form))),
        }
    };
    let is_object = |value: &StoredValue| matches!(value, StoredValue::Object(_));
    let data = match field(me, "data", "Map", is_object)? {
        Some(StoredValue::Object(data)) => without_nulls(&data),
        _ => Stored::new(),
    };
    let is_time =
        |value: &StoredValue| matches!(value, StoredValue::Time(_) | StoredValue::TransactionTime);
    let ttl = match field(me, "ttl", "Timestamp", is_time)? {
        Some(StoredValue::Time(ttl)) => Some(ttl),
        Some(_) => Some(me.now()),
        None => None,
    };
    Ok((data, ttl))
}

/// The fields of an object without the nulls in it.
fn without_nulls(object: &Stored) -> Stored {
    fn kept(value: &StoredValue) -> Option<StoredValue> {
        crate::value::deep(|| match value {
            StoredValue::Null(_) => None,
            StoredValue::Array(items) => {
                let items = items.iter().filter_map(kept);
                Some(StoredValue::array(items.collect()))
            }
            StoredValue::Object(object) => Some(StoredValue::object(without_nulls(object))),
            other => Some(other.clone()),
        })
    }
    object
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), kept(value)?)))
        .collect()
}
