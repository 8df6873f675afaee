//! Strings (`spec fql10-stdlib 2`): places, parts, case.
//!
//! Indexes count code points. Texts are UTF-8, so an index is turned into a byte offset first; in text that
//! is ASCII up to there, which is most of it, both are the same.

use super::{
    check_units, field, int, method, nothing_found, out_of_bounds, text, to_string, units,
};
use super::{string_number, string_regex, string_replace};
use crate::fql::interp::{Failure, Interp, Result, Shape};
use crate::value::Value;
use crate::value::casefold::fold_case;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

pub(super) static SHAPES: &[&Shape] = &[&STRING, &MODULE];

static MODULE: Shape = Shape {
    name: "StringModule",
    alias: None,
    about: "The type of strings, for `isa`.",
    members: &[],
};

static STRING: Shape = Shape {
    name: "String",
    alias: None,
    about: "Text.",
    members: &[
        to_string("'planet'.toString()"),
        method(
            "op +",
            &["(other: Any) => String"],
            plus,
            "Joins with the text of any value.",
            "'sun' + 'set'",
        ),
        method(
            "[]",
            &["(index: Int) => String"],
            at,
            "The character at an index.",
            "'planet'[5]",
        ),
        field(
            "length",
            "Number",
            length,
            "Number of characters.",
            "'planet'.length",
        ),
        method(
            "at",
            &["(index: Int) => String"],
            at,
            "The character at an index.",
            "'planet'.at(2)",
        ),
        method(
            "concat",
            &["(other: String) => String"],
            concat,
            "Both strings joined.",
            "'sun'.concat('rise')",
        ),
        method(
            "endsWith",
            &["(suffix: String) => Boolean"],
            ends_with,
            "Whether it ends with a text.",
            "'planet'.endsWith('net')",
        ),
        method(
            "includes",
            &["(pattern: String) => Boolean"],
            includes,
            "Whether it contains a text.",
            "'planet'.includes('lan')",
        ),
        method(
            "includesRegex",
            &["(regex: String) => Boolean"],
            string_regex::includes,
            "Whether a regular expression matches somewhere.",
            "'room 42'.includesRegex('[0-9]+')",
        ),
        method(
            "insert",
            &["(index: Int, other: String) => String"],
            insert,
            "With a text inserted before an index.",
            "'ac'.insert(1, 'b')",
        ),
        method(
            "indexOf",
            &[
                "(pattern: String) => Number | Null",
                "(pattern: String, start: Int) => Number | Null",
            ],
            index_of,
            "Index of the first occurrence of a text, at or after `start`.",
            "'banana'.indexOf('an', 2)",
        ),
        method(
            "indexOfRegex",
            &[
                "(regex: String) => Number | Null",
                "(regex: String, start: Int) => Number | Null",
            ],
            string_regex::index_of,
            "Index of the first match of a regular expression, at or after `start`.",
            "'room 42'.indexOfRegex('[0-9]')",
        ),
        method(
            "lastIndexOf",
            &[
                "(pattern: String) => Number | Null",
                "(pattern: String, end: Int) => Number | Null",
            ],
            last_index_of,
            "Index of the last occurrence of a text that starts at or before `end`.",
            "'banana'.lastIndexOf('an')",
        ),
        method(
            "matches",
            &["(regex: String) => Array<String>"],
            string_regex::matches,
            "The texts of all matches of a regular expression.",
            "'a1b22'.matches('[0-9]+')",
        ),
        method(
            "matchIndexes",
            &["(regex: String) => Array<[Number, String]>"],
            string_regex::match_indexes,
            "Index and text of all matches of a regular expression.",
            "'a1b22'.matchIndexes('[0-9]+')",
        ),
        method(
            "replace",
            &[
                "(pattern: String, replacement: String) => String",
                "(pattern: String, replacement: String, amount: Int) => String",
            ],
            string_replace::replace,
            "With the first occurrence of a text, or the first `amount`, replaced.",
            "'banana'.replace('a', 'o', 2)",
        ),
        method(
            "replaceRegex",
            &[
                "(regex: String, replacement: String) => String",
                "(regex: String, replacement: String, amount: Int) => String",
            ],
            string_replace::replace_regex,
            "With the first match of a regular expression, or the first `amount`, replaced.",
            "'a1b2'.replaceRegex('[0-9]', '#')",
        ),
        method(
            "replaceAll",
            &["(pattern: String, replacement: String) => String"],
            string_replace::replace_all,
            "With all occurrences of a text replaced.",
            "'banana'.replaceAll('an', '-')",
        ),
        method(
            "replaceAllRegex",
            &["(pattern: String, replacement: String) => String"],
            string_replace::replace_all_regex,
            "With all matches of a regular expression replaced.",
            "'x1y22'.replaceAllRegex('[0-9]+', 'N')",
        ),
        method(
            "startsWith",
            &["(prefix: String) => Boolean"],
            starts_with,
            "Whether it starts with a text.",
            "'planet'.startsWith('plan')",
        ),
        method(
            "slice",
            &["(start: Int) => String", "(start: Int, end: Int) => String"],
            slice,
            "The part from `start` up to, not including, `end`; places outside are moved in.",
            "'planet'.slice(1, 3)",
        ),
        method(
            "toLowerCase",
            &["() => String"],
            to_lower_case,
            "In lower case.",
            "'HeLLo'.toLowerCase()",
        ),
        method(
            "toUpperCase",
            &["() => String"],
            to_upper_case,
            "In upper case.",
            "'HeLLo'.toUpperCase()",
        ),
        method(
            "casefold",
            &["() => String", "(format: String) => String"],
            casefold,
            "Normalised for comparison: NFKCCaseFold, or one of NFC, NFD, NFKC, NFKD.",
            "'Straße'.casefold()",
        ),
        method(
            "parseNumber",
            &["() => Number | Null"],
            string_number::parse_number,
            "The number it spells, or null.",
            "'2.5'.parseNumber()",
        ),
        method(
            "parseDouble",
            &["() => Number | Null"],
            string_number::parse_double,
            "The Double it spells, or null.",
            "'1e3'.parseDouble()",
        ),
        method(
            "parseLong",
            &["() => Number | Null", "(radix: Int) => Number | Null"],
            string_number::parse_long,
            "The Long it spells in a radix, or null.",
            "'-ff'.parseLong(16)",
        ),
        method(
            "parseInt",
            &["() => Number | Null", "(radix: Int) => Number | Null"],
            string_number::parse_int,
            "The Int it spells in a radix, or null.",
            "'42'.parseInt()",
        ),
        method(
            "split",
            &["(separator: String) => Array<String>"],
            string_replace::split,
            "The parts between occurrences of a text.",
            "'a,b,c'.split(',')",
        ),
        method(
            "splitRegex",
            &["(regex: String) => Array<String>"],
            string_replace::split_regex,
            "The parts between matches of a regular expression.",
            "'a1b22c'.splitRegex('[0-9]+')",
        ),
        method(
            "splitAt",
            &["(index: Int) => [String, String]"],
            split_at,
            "The parts before and from an index.",
            "'planet'.splitAt(4)",
        ),
    ],
};

/// The byte offset of the character at `index`, or of the end; `None` outside.
pub(super) fn offset(text: &str, index: i64) -> Option<usize> {
    let index = usize::try_from(index).ok()?;
    if let Some(prefix) = text.as_bytes().get(..index)
        && prefix.is_ascii()
    {
        return Some(index);
    }
    let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    places.nth(index)
}

/// As [`offset`], with the end an error too.
pub(super) fn checked_offset(text: &str, index: i64) -> Result<usize> {
    match offset(text, index) {
        Some(at) if at < text.len() => Ok(at),
        _ => Err(out_of_bounds(index, count(text))),
    }
}

/// As [`offset`], the end included.
fn inclusive_offset(text: &str, index: i64) -> Result<usize> {
    offset(text, index).ok_or_else(|| out_of_bounds(index, count(text)))
}

/// Number of characters.
pub(super) fn count(text: &str) -> usize {
    text.chars().count()
}

/// The index of the character at a byte offset.
pub(super) fn index_value(text: &str, offset: usize) -> Value {
    Value::integer(count(&text[..offset]) as i64)
}

/// One character as a string.
fn character(text: &str) -> Value {
    let mut buffer = [0; 4];
    match text.chars().next() {
        Some(c) => Value::string(&*c.encode_utf8(&mut buffer)),
        None => Value::string(""),
    }
}

fn plus(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    match super::value(args, 0) {
        Value::String(other) => join(text(Some(this)), other),
        other => {
            let other = me.display(other)?;
            join(text(Some(this)), &other)
        }
    }
}

fn concat(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    join(text(Some(this)), text(args.first()))
}

fn join(left: &str, right: &str) -> Result {
    check_size(&[left, right])?;
    Ok(Value::string([left, right].concat()))
}

fn check_size(parts: &[&str]) -> Result<()> {
    // A unit takes at least one byte.
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    match check_units(bytes) {
        Ok(()) => Ok(()),
        Err(_) => check_units(parts.iter().map(|part| units(part)).sum()),
    }
}

fn at(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let text = text(Some(this));
    checked_offset(text, int(args.first())).map(|at| character(&text[at..]))
}

fn length(_: &mut Interp, this: &Value) -> Result {
    Ok(Value::integer(count(text(Some(this))) as i64))
}

fn starts_with(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    Ok(Value::Bool(
        text(Some(this)).starts_with(text(args.first())),
    ))
}

fn ends_with(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    Ok(Value::Bool(text(Some(this)).ends_with(text(args.first()))))
}

fn includes(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    Ok(Value::Bool(text(Some(this)).contains(text(args.first()))))
}

fn insert(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let (whole, other) = (text(Some(this)), text(args.get(1)));
    let (left, right) = whole.split_at(inclusive_offset(whole, int(args.first()))?);
    check_size(&[whole, other])?;
    Ok(Value::string([left, other, right].concat()))
}

fn split_at(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let whole = text(Some(this));
    let (left, right) = whole.split_at(inclusive_offset(whole, int(args.first()))?);
    Ok(Value::array(vec![
        Value::string(left),
        Value::string(right),
    ]))
}

fn index_of(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let whole = text(Some(this));
    let start = match args.get(1) {
        Some(start) => checked_offset(whole, int(Some(start)))?,
        None => 0,
    };
    Ok(match whole[start..].find(text(args.first())) {
        Some(at) => index_value(whole, start + at),
        None => nothing_found(me),
    })
}

fn last_index_of(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let (whole, pattern) = (text(Some(this)), text(args.first()));
    let found = match args.get(1) {
        Some(end) => {
            let end = checked_offset(whole, int(Some(end)))?;
            // A match may reach beyond the place where it has to start.
            let reach = end.saturating_add(pattern.len()).min(whole.len());
            let reach = (reach..=whole.len()).find(|at| whole.is_char_boundary(*at));
            reach.and_then(|reach| {
                let found = whole[..reach].rfind(pattern)?;
                (found <= end)
                    .then_some(found)
                    .or_else(|| whole[..end].rfind(pattern))
            })
        }
        None => whole.rfind(pattern),
    };
    Ok(match found {
        Some(at) => index_value(whole, at),
        None => nothing_found(me),
    })
}

fn slice(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let whole = text(Some(this));
    let clipped = |index: i64| offset(whole, index.max(0)).unwrap_or(whole.len());
    let start = clipped(int(args.first()));
    let end = args
        .get(1)
        .map_or(whole.len(), |end| clipped(int(Some(end))));
    Ok(Value::string(whole.get(start..end).unwrap_or("")))
}

fn to_lower_case(_: &mut Interp, this: &Value, _: &[Value]) -> Result {
    let lower = text(Some(this)).to_lowercase();
    check_size(&[&lower])?;
    Ok(Value::string(lower))
}

fn to_upper_case(_: &mut Interp, this: &Value, _: &[Value]) -> Result {
    let upper = text(Some(this)).to_uppercase();
    check_size(&[&upper])?;
    Ok(Value::string(upper))
}

fn casefold(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let whole = text(Some(this));
    let format = args
        .first()
        .map_or("NFKCCaseFold", |format| text(Some(format)));
    let folded = match format {
        "NFKCCaseFold" => fold_case(whole),
        "NFC" => ComposingNormalizerBorrowed::new_nfc()
            .normalize(whole)
            .into_owned(),
        "NFD" => DecomposingNormalizerBorrowed::new_nfd()
            .normalize(whole)
            .into_owned(),
        "NFKC" => ComposingNormalizerBorrowed::new_nfkc()
            .normalize(whole)
            .into_owned(),
        "NFKD" => DecomposingNormalizerBorrowed::new_nfkd()
            .normalize(whole)
            .into_owned(),
        _ => {
            let reason =
                "expected a casefold format (one of NFKCCaseFold, NFC, NFD, NFKC, or NFKD)";
            return Err(Failure::invalid_argument("format", reason));
        }
    };
    check_size(&[&folded])?;
    Ok(Value::string(folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_characters() {
        for (text, index, expected) in [
            ("planet", 2, Some(2)),
            ("planet", 6, Some(6)),
            ("planet", 7, None),
            ("a😀b", 2, Some(5)),
            ("a😀b", 3, Some(6)),
            ("a😀b", 4, None),
            ("", 0, Some(0)),
            ("x", -1, None),
        ] {
            assert_eq!(offset(text, index), expected, "{text} {index}");
        }
    }

    #[test]
    fn case_folding() {
        for (text, folded) in [
            ("Straße", "strasse"),
            ("ﬁN", "fin"),
            ("Å", "å"),
            ("a\u{ad}B", "ab"),
            ("ＡΣς", "aσσ"),
            ("E\u{301}", "é"),
        ] {
            assert_eq!(fold_case(text), folded);
        }
    }
}
