//! Strings and regular expressions (`spec fql10-stdlib 2, 15`).

use super::string::{checked_offset, index_value};
use super::{check_elements, int, nothing_found, text};
use crate::fql::interp::{Failure, Interp, Result};
use crate::fql::regex::{Pattern, TooManySteps};
use crate::value::Value;
use std::sync::Arc;

/// Compiles a pattern, or takes it from the cache.
pub(super) fn compile(me: &Interp, pattern: &str) -> Result<Arc<Pattern>> {
    me.library.patterns.get(pattern).map_err(|error| {
        Failure::new(
            "invalid_regex",
            format!("Invalid regular expression. {error}"),
        )
    })
}

impl From<TooManySteps> for Failure {
    fn from(_: TooManySteps) -> Failure {
        Failure::new(
            "invalid_regex",
            "The regular expression takes too many steps on this text.",
        )
    }
}

/// The first match in a text.
pub(super) fn find(
    me: &mut Interp,
    pattern: &Pattern,
    text: &str,
) -> Result<Option<(usize, usize)>> {
    me.charge(1)?;
    Ok(pattern.find(text, 0)?)
}

pub(super) fn includes(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let pattern = compile(me, text(args.first()))?;
    Ok(Value::Bool(find(me, &pattern, text(Some(this)))?.is_some()))
}

pub(super) fn index_of(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let whole = text(Some(this));
    // The place is checked before the pattern is compiled.
    let start = match args.get(1) {
        Some(start) => checked_offset(whole, int(Some(start)))?,
        None => 0,
    };
    let pattern = compile(me, text(args.first()))?;
    Ok(match find(me, &pattern, &whole[start..])? {
        Some((at, _)) => index_value(whole, start + at),
        None => nothing_found(me),
    })
}

pub(super) fn matches(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let whole = text(Some(this));
    let pattern = compile(me, text(args.first()))?;
    let mut found = Vec::new();
    for place in pattern.find_all(whole) {
        let (start, end) = place?;
        me.charge(1)?;
        found.push(Value::string(&whole[start..end]));
    }
    check_elements(me, found.len())?;
    Ok(Value::array(found))
}

pub(super) fn match_indexes(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let whole = text(Some(this));
    let pattern = compile(me, text(args.first()))?;
    let mut found = Vec::new();
    // Characters are counted on from the match before.
    let (mut counted, mut index) = (0, 0);
    for place in pattern.find_all(whole) {
        let (start, end) = place?;
        me.charge(1)?;
        index += whole[counted..start].chars().count();
        counted = start;
        found.push(Value::array(vec![
            Value::integer(index as i64),
            Value::string(&whole[start..end]),
        ]));
    }
    check_elements(me, found.len())?;
    Ok(Value::array(found))
}
