//! Replacing and splitting (`spec fql10-stdlib 2`): the same two algorithms for text and for regular expressions.
//!
//! Both search again and again in what is left of the text, as a text of its own: an anchor matches at the
//! beginning of each rest, and look-behind sees nothing before it.

use super::string_regex::{compile, find};
use super::{check_elements, check_units, int, text, units};
use crate::fql::interp::{Failure, Interp, Result};
use crate::fql::regex::Pattern;
use crate::value::Value;

/// What is searched for.
enum Search<'a> {
    Text(&'a str),
    Pattern(&'a Pattern),
}

impl Search<'_> {
    fn find(&self, me: &mut Interp, rest: &str) -> Result<Option<(usize, usize)>> {
        match self {
            Search::Text(text) => {
                me.charge(1)?;
                Ok(rest.find(text).map(|at| (at, at + text.len())))
            }
            Search::Pattern(pattern) => find(me, pattern, rest),
        }
    }
}

pub(super) fn replace(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let amount = amount(args)?;
    replaced(me, this, &Search::Text(text(args.first())), args, amount)
}

pub(super) fn replace_regex(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    // The pattern is compiled before the amount is looked at.
    let pattern = compile(me, text(args.first()))?;
    let amount = amount(args)?;
    replaced(me, this, &Search::Pattern(&pattern), args, amount)
}

pub(super) fn replace_all(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let (whole, searched) = (text(Some(this)), text(args.first()));
    if !searched.is_empty() {
        // What is found, and so how long the result is, is known before anything is made.
        let found = whole.matches(searched).count();
        me.work(found as u64)?;
        if found == 0 {
            return Ok(this.clone());
        }
        let replacement = text(args.get(1));
        check_units(units(whole) - found * units(searched) + found * units(replacement))?;
        return Ok(Value::string(whole.replace(searched, replacement)));
    }
    replaced(me, this, &Search::Text(text(args.first())), args, None)
}

pub(super) fn replace_all_regex(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let pattern = compile(me, text(args.first()))?;
    replaced(me, this, &Search::Pattern(&pattern), args, None)
}

fn amount(args: &[Value]) -> Result<Option<u64>> {
    match args.get(2).map(|amount| int(Some(amount))) {
        None => Ok(Some(1)),
        Some(amount @ 1..) => Ok(Some(amount.unsigned_abs())),
        Some(_) => Err(Failure::invalid_argument(
            "count",
            "must be greater than or equal to 1",
        )),
    }
}

/// `amount`: how many, `None` for all.
fn replaced(
    me: &mut Interp,
    this: &Value,
    search: &Search,
    args: &[Value],
    mut amount: Option<u64>,
) -> Result {
    let (whole, replacement) = (text(Some(this)), text(args.get(1)));
    let replacement_units = units(replacement);
    let (mut out, mut out_units) = (String::new(), 0);
    let mut rest = whole;
    while amount != Some(0) {
        let Some((start, end)) = search.find(me, rest)? else {
            break;
        };
        out_units += units(&rest[..start]) + replacement_units;
        check_units(out_units)?;
        out.push_str(&rest[..start]);
        out.push_str(replacement);
        rest = &rest[end..];
        amount = amount.map(|amount| amount - 1);
        if end > 0 {
            continue;
        }
        // An empty match at the beginning is found again for ever.
        if replacement.is_empty() {
            if amount.is_some() {
                break;
            }
            let reason = "matches the empty text, which cannot be replaced by nothing everywhere";
            return Err(Failure::invalid_argument("pattern", reason));
        }
        let room = (crate::fql::interp::MAX_STRING - out_units) / replacement_units;
        match amount.and_then(|amount| usize::try_from(amount).ok()) {
            Some(times) if times <= room => {
                out.push_str(&replacement.repeat(times));
                out_units += times * replacement_units;
                amount = Some(0);
            }
            _ => check_units(out_units + (room + 1) * replacement_units)?,
        }
    }
    if out.is_empty() && rest.len() == whole.len() {
        return Ok(this.clone());
    }
    check_units(out_units + units(rest))?;
    out.push_str(rest);
    Ok(Value::string(out))
}

pub(super) fn split(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    parts(me, text(Some(this)), &Search::Text(text(args.first())))
}

pub(super) fn split_regex(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let pattern = compile(me, text(args.first()))?;
    parts(me, text(Some(this)), &Search::Pattern(&pattern))
}

/// An empty match anywhere in the rest cuts off one character.
fn parts(me: &mut Interp, whole: &str, search: &Search) -> Result {
    let mut parts = Vec::new();
    let mut rest = whole;
    while let Some(first) = rest.chars().next() {
        let Some((start, end)) = search.find(me, rest)? else {
            break;
        };
        if start < end {
            parts.push(Value::string(&rest[..start]));
            rest = &rest[end..];
            continue;
        }
        let (character, after) = rest.split_at(first.len_utf8());
        parts.push(Value::string(character));
        rest = after;
        if rest.chars().nth(1).is_none() && !rest.is_empty() {
            break;
        }
    }
    parts.push(Value::string(rest));
    check_elements(me, parts.len())?;
    Ok(Value::array(parts))
}
