//! Strings and regular expressions (`spec fql4 6.10`).

use super::string::{MOST, length_of, part_limit, split_at, start_of};
use crate::fql::interp::Effect;
use crate::fql::regex::{Pattern, TooManySteps};
use crate::fql4::error::Result;
use crate::fql4::error::{Code, Error};
use crate::fql4::eval::Arguments;
use crate::fql4::eval::{Evaluator, Expected};
use crate::fql4::forms::{Cast, Form, TextRule, Versions, form, key, optional, positional};
use crate::fql4::place::Place;
use crate::fql4::value::Object;
use crate::fql4::value::Value;
use crate::fql4::version::ApiVersion;
use std::sync::Arc;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["ContainsStrRegex"],
        &[
            key("containsstrregex", Cast::String),
            key("pattern", Cast::Regex),
        ],
        positional(2, 2),
        Effect::Pure,
        containsstrregex,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("contains_str_regex", Cast::String),
            key("pattern", Cast::Regex),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        containsstrregex,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["FindStrRegex"],
        &[
            key("findstrregex", Cast::String),
            key("pattern", Cast::Regex),
            optional("start", Cast::Integer),
            optional("num_results", Cast::Integer),
        ],
        positional(2, 4),
        Effect::Pure,
        findstrregex,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("find_str_regex", Cast::String),
            key("pattern", Cast::Regex),
            optional("start", Cast::Integer),
            optional("num_results", Cast::Integer),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        findstrregex,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["ReplaceStrRegex"],
        &[
            key("replacestrregex", Cast::String),
            key("pattern", Cast::Regex),
            key("replace", Cast::String),
            optional("first", Cast::Boolean),
        ],
        positional(3, 4),
        Effect::Pure,
        replacestrregex,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("replace_str_regex", Cast::String),
            key("pattern", Cast::Regex),
            key("replace", Cast::String),
            optional("first", Cast::Boolean),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        replacestrregex,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["RegexEscape"],
        &[key("regexescape", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        regexescape,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("regex_escape", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        regexescape,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &[],
        &[
            key("split_str_regex", Cast::String),
            key("pattern", Cast::Regex),
            optional("count", Cast::Integer),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        split_str_regex,
    )
    .only(Versions::from(ApiVersion::Unstable)),
];

/// A regular expression that compiles.
pub fn check_pattern(me: &mut Evaluator, value: Value, place: &Place) -> Result {
    match value {
        Value::String(pattern) => match me.cache.patterns.get(&pattern) {
            Ok(_) => Ok(Value::String(pattern)),
            Err(_) => {
                let message =
                    format!("Search pattern /{pattern}/ is not a valid regular expression.");
                Err(Error::argument(place, message).into())
            }
        },
        other => Err(Expected(&["String"]).error(&other, place).into()),
    }
}

/// The compiled pattern of key 1.
fn pattern_of(me: &mut Evaluator, arguments: &Arguments) -> Result<Arc<Pattern>> {
    let pattern = arguments.string(1)?;
    me.cache.patterns.get(&pattern).map_err(|_| {
        let message = format!("Search pattern /{pattern}/ is not a valid regular expression.");
        Error::argument(&arguments.at(1), message).into()
    })
}

/// A search that gives up.
fn too_many_steps(arguments: &Arguments) -> impl Fn(TooManySteps) -> Error {
    move |_| {
        Error::new(
            Code::BadRequest,
            &arguments.at(1),
            "The regular expression takes too many steps on this text.",
        )
    }
}

fn containsstrregex(me: &mut Evaluator, arguments: Arguments) -> Result {
    let text = arguments.string(0)?;
    let pattern = pattern_of(me, &arguments)?;
    let found = pattern.find(&text, 0).map_err(too_many_steps(&arguments))?;
    Ok(Value::Bool(found.is_some()))
}

fn findstrregex(me: &mut Evaluator, arguments: Arguments) -> Result {
    let text = arguments.string(0)?;
    let pattern = pattern_of(me, &arguments)?;
    let (start, from) = start_of(&text, arguments.optional_integer(2)?);
    let most = arguments.optional_integer(3)?.unwrap_or(MOST).min(MOST);
    let most = usize::try_from(most as i32).unwrap_or(0);
    // What precedes the start is not seen.
    let text = text.get(from..).unwrap_or_default();
    let mut results = Vec::new();
    // Characters are counted on from the match before.
    let (mut counted, mut index) = (0, start);
    for found in pattern.find_all(text).take(most) {
        let (first, end) = found.map_err(too_many_steps(&arguments))?;
        me.interp.charge(1)?;
        index += length_of(text.get(counted..first).unwrap_or_default());
        counted = first;
        let data = text.get(first..end).unwrap_or_default();
        // The last unit of the match; of a pair of surrogates the first half counts as a character.
        let last = match data.chars().next_back() {
            Some(c) => index + length_of(data) - 1 + i64::from(c.len_utf16() == 2),
            None => index,
        };
        results.push(Value::object(Object::from_iter([
            ("start".into(), Value::Long(index)),
            ("end".into(), Value::Long(last)),
            ("data".into(), Value::string(data)),
        ])));
    }
    Ok(Value::array(results))
}

/// A part of a replacement.
enum Part {
    Text(String),
    Group(usize),
}

/// Reads a replacement: `$1`, `${name}`, `\\` before a character that is meant as such.
fn replacement(text: &str, pattern: &Pattern, groups: usize) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => literal.push(chars.next()?),
            '$' => {
                let group = match chars.next()? {
                    '{' => {
                        let mut name = String::new();
                        loop {
                            match chars.next()? {
                                '}' => break,
                                c if c.is_ascii_alphanumeric() => name.push(c),
                                _ => return None,
                            }
                        }
                        pattern.group_number(&name)?
                    }
                    c => {
                        let mut number = c.to_digit(10)? as usize;
                        // Further digits belong to it as long as there is such a group.
                        while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                            let longer = number * 10 + digit as usize;
                            if longer >= groups {
                                break;
                            }
                            number = longer;
                            chars.next();
                        }
                        number
                    }
                };
                if group >= groups {
                    return None;
                }
                parts.push(Part::Text(std::mem::take(&mut literal)));
                parts.push(Part::Group(group));
            }
            c => literal.push(c),
        }
    }
    parts.push(Part::Text(literal));
    Some(parts)
}

fn replacestrregex(me: &mut Evaluator, arguments: Arguments) -> Result {
    let text = arguments.string(0)?;
    let pattern = pattern_of(me, &arguments)?;
    let with = arguments.string(2)?;
    let only_first = match arguments.get(3) {
        Some(_) => arguments.boolean(3)?,
        None => false,
    };
    let mut out = String::new();
    let (mut copied, mut from) = (0, 0);
    let mut parts: Option<Vec<Part>> = None;
    while let Some(groups) = pattern
        .groups(&text, from)
        .map_err(too_many_steps(&arguments))?
    {
        me.interp.charge(1)?;
        let Some(Some((start, end))) = groups.first().copied() else {
            break;
        };
        let parts = match &parts {
            Some(parts) => parts,
            None => match replacement(&with, &pattern, groups.len()) {
                Some(read) => &*parts.insert(read),
                None => {
                    let message = "Illegal group reference in the replacement.";
                    return Err(Error::argument(&arguments.at(2), message).into());
                }
            },
        };
        out.push_str(text.get(copied..start).unwrap_or_default());
        for part in parts {
            match part {
                Part::Text(literal) => out.push_str(literal),
                Part::Group(group) => {
                    if let Some(Some((start, end))) = groups.get(*group) {
                        out.push_str(text.get(*start..*end).unwrap_or_default());
                    }
                }
            }
        }
        me.check_length(out.len(), arguments.place())?;
        copied = end;
        if only_first {
            break;
        }
        // After an empty match the search goes on one character further.
        from = match end > start {
            true => end,
            false => match text.get(end..).and_then(|rest| rest.chars().next()) {
                Some(c) => end + c.len_utf8(),
                None => break,
            },
        };
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    me.check_length(out.len(), arguments.place())?;
    Ok(Value::string(out))
}

fn regexescape(_: &mut Evaluator, arguments: Arguments) -> Result {
    let text = arguments.string(0)?.replace("\\E", "\\E\\\\E\\Q");
    Ok(Value::string(format!("\\Q{text}\\E")))
}

fn split_str_regex(me: &mut Evaluator, arguments: Arguments) -> Result {
    let text = arguments.string(0)?;
    let pattern = pattern_of(me, &arguments)?;
    let limit = part_limit(&arguments)?;
    let mut matches = Vec::new();
    for found in pattern.find_all(&text) {
        me.interp.charge(1)?;
        matches.push(found.map_err(too_many_steps(&arguments))?);
    }
    Ok(split_at(&text, &matches, limit))
}
