//! Strings (`spec fql4 6.10`). Indexes and lengths count code points.

use super::number::out_of_bounds;
use crate::fql::interp::Effect;
use crate::fql4::error::{Collected, Error, Result};
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{
    Cast, Form, TextRule, Versions, at_least, form, key, optional, positional,
};
use crate::fql4::value::{Str, Value};
use crate::fql4::version::ApiVersion;
use crate::value::casefold::fold_case;
use icu_casemap::TitlecaseMapper;
use icu_locale_core::LanguageIdentifier;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use unicode_segmentation::UnicodeSegmentation;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Concat"],
        &[
            key("concat", Cast::ZeroOrMore(&Cast::String)),
            optional("separator", Cast::String),
        ],
        at_least(1),
        Effect::Pure,
        concat,
    ),
    form(
        &["Casefold"],
        &[
            key("casefold", Cast::ZeroOrMore(&Cast::Scalar)),
            optional("normalizer", Cast::Normalizer),
        ],
        at_least(1),
        Effect::Pure,
        casefold,
    ),
    form(
        &["ContainsStr"],
        &[
            key("containsstr", Cast::String),
            key("search", Cast::String),
        ],
        positional(2, 2),
        Effect::Pure,
        containsstr,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("contains_str", Cast::String),
            key("search", Cast::String),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        containsstr,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["StartsWith"],
        &[key("startswith", Cast::String), key("search", Cast::String)],
        positional(2, 2),
        Effect::Pure,
        startswith,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("starts_with", Cast::String),
            key("search", Cast::String),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        startswith,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["EndsWith"],
        &[key("endswith", Cast::String), key("search", Cast::String)],
        positional(2, 2),
        Effect::Pure,
        endswith,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("ends_with", Cast::String), key("search", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        endswith,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["FindStr"],
        &[
            key("findstr", Cast::String),
            key("find", Cast::String),
            optional("start", Cast::Integer),
        ],
        positional(2, 3),
        Effect::Pure,
        findstr,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("find_str", Cast::String),
            key("find", Cast::String),
            optional("start", Cast::Integer),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        findstr,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["Length"],
        &[key("length", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        length,
    ),
    form(
        &["LowerCase"],
        &[key("lowercase", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        lowercase,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("lower_case", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        lowercase,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["UpperCase"],
        &[key("uppercase", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        uppercase,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("upper_case", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        uppercase,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["TitleCase"],
        &[key("titlecase", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        titlecase,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("title_case", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        titlecase,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["Trim"],
        &[key("trim", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        trim,
    ),
    form(
        &["LTrim"],
        &[key("ltrim", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        ltrim,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("l_trim", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        ltrim,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["RTrim"],
        &[key("rtrim", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        rtrim,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("r_trim", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        rtrim,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["NGram"],
        &[
            key("ngram", Cast::ZeroOrMore(&Cast::Scalar)),
            optional("min", Cast::Integer),
            optional("max", Cast::Integer),
        ],
        positional(1, 3),
        Effect::Pure,
        ngram,
    ),
    form(
        &["Repeat"],
        &[
            key("repeat", Cast::String),
            optional("number", Cast::Integer),
        ],
        positional(1, 2),
        Effect::Pure,
        repeat,
    ),
    form(
        &["ReplaceStr"],
        &[
            key("replacestr", Cast::String),
            key("find", Cast::String),
            key("replace", Cast::String),
        ],
        positional(3, 3),
        Effect::Pure,
        replacestr,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("replace_str", Cast::String),
            key("find", Cast::String),
            key("replace", Cast::String),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        replacestr,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["Space"],
        &[key("space", Cast::Integer)],
        positional(1, 1),
        Effect::Pure,
        space,
    ),
    form(
        &["SubString"],
        &[
            key("substring", Cast::String),
            optional("start", Cast::Integer),
            optional("length", Cast::Integer),
        ],
        positional(1, 3),
        Effect::Pure,
        substring,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("sub_string", Cast::String),
            optional("start", Cast::Integer),
            optional("length", Cast::Integer),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        substring,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &[],
        &[
            key("split_str", Cast::String),
            key("token", Cast::String),
            optional("count", Cast::Integer),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        split_str,
    )
    .only(Versions::from(ApiVersion::Unstable)),
];

/// Times a text is repeated, spaces, results, parts: at most so many.
pub(super) const MOST: i64 = 1024;

/// Number of code points.
pub(super) fn length_of(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// The byte where a code point begins, or the end.
pub(super) fn offset_of(text: &str, index: i64) -> usize {
    let index = usize::try_from(index).unwrap_or(0);
    text.char_indices()
        .nth(index)
        .map_or(text.len(), |(at, _)| at)
}

fn concat(me: &mut Evaluator, arguments: Arguments) -> Result {
    let strings = arguments.items(0)?;
    let separator: Str = match arguments.get(1) {
        Some(_) => arguments.string(1)?,
        None => "".into(),
    };
    let texts = strings.iter().map(|text| match text {
        Value::String(text) => &**text,
        _ => "",
    });
    let bytes: usize = texts.clone().map(|text| text.len() + separator.len()).sum();
    me.check_length(bytes, arguments.place())?;
    let texts: Vec<&str> = texts.collect();
    Ok(Value::string(texts.join(&separator)))
}

fn casefold(me: &mut Evaluator, arguments: Arguments) -> Result {
    let terms = arguments.items(0)?;
    let normalizer: Str = match arguments.get(1) {
        Some(_) => arguments.string(1)?,
        None => "NFKCCaseFold".into(),
    };
    let folded = |text: &str| match &*normalizer {
        "NFC" => ComposingNormalizerBorrowed::new_nfc()
            .normalize(text)
            .into_owned(),
        "NFD" => DecomposingNormalizerBorrowed::new_nfd()
            .normalize(text)
            .into_owned(),
        "NFKC" => ComposingNormalizerBorrowed::new_nfkc()
            .normalize(text)
            .into_owned(),
        "NFKD" => DecomposingNormalizerBorrowed::new_nfkd()
            .normalize(text)
            .into_owned(),
        _ => fold_case(text),
    };
    let mut results = Vec::with_capacity(terms.len());
    for term in terms.iter() {
        results.push(match term {
            Value::String(text) => {
                let folded = folded(text);
                me.check_length(folded.len(), arguments.place())?;
                Value::string(folded)
            }
            other => other.clone(),
        });
    }
    Ok(match results.len() {
        1 => results.remove(0),
        _ => Value::array(results),
    })
}

fn containsstr(_: &mut Evaluator, arguments: Arguments) -> Result {
    let (text, search) = (arguments.string(0)?, arguments.string(1)?);
    Ok(Value::Bool(text.contains(&*search)))
}

fn startswith(_: &mut Evaluator, arguments: Arguments) -> Result {
    let (text, search) = (arguments.string(0)?, arguments.string(1)?);
    Ok(Value::Bool(text.starts_with(&*search)))
}

fn endswith(_: &mut Evaluator, arguments: Arguments) -> Result {
    let (text, search) = (arguments.string(0)?, arguments.string(1)?);
    Ok(Value::Bool(text.ends_with(&*search)))
}

/// Where a search begins: at a code point inside the text, else at its beginning.
pub(super) fn start_of(text: &str, start: Option<i64>) -> (i64, usize) {
    match start {
        Some(start) if start > 0 && start < length_of(text) => (start, offset_of(text, start)),
        _ => (0, 0),
    }
}

fn findstr(_: &mut Evaluator, arguments: Arguments) -> Result {
    let (text, search) = (arguments.string(0)?, arguments.string(1)?);
    let (_, from) = start_of(&text, arguments.optional_integer(2)?);
    let rest = text.get(from..).unwrap_or_default();
    Ok(Value::Long(match rest.find(&*search) {
        Some(at) => length_of(text.get(..from + at).unwrap_or_default()),
        None => -1,
    }))
}

fn length(_: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(Value::Long(length_of(&arguments.string(0)?)))
}

fn lowercase(me: &mut Evaluator, arguments: Arguments) -> Result {
    let lower = arguments.string(0)?.to_lowercase();
    me.check_length(lower.len(), arguments.place())?;
    Ok(Value::string(lower))
}

fn uppercase(me: &mut Evaluator, arguments: Arguments) -> Result {
    let upper = arguments.string(0)?.to_uppercase();
    me.check_length(upper.len(), arguments.place())?;
    Ok(Value::string(upper))
}

fn titlecase(me: &mut Evaluator, arguments: Arguments) -> Result {
    let text = arguments.string(0)?;
    let mapper = TitlecaseMapper::new();
    let mut title = String::with_capacity(text.len());
    for word in text.split_word_bounds() {
        title.push_str(&mapper.titlecase_segment_to_string(
            word,
            &LanguageIdentifier::UNKNOWN,
            Default::default(),
        ));
    }
    me.check_length(title.len(), arguments.place())?;
    Ok(Value::string(title))
}

/// What the host strips: spaces that may break, and the separators among the control characters.
fn is_blank(c: char) -> bool {
    match c {
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}' => false,
        '\u{1c}'..='\u{1f}' => true,
        c => c.is_whitespace(),
    }
}

fn trim(_: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(Value::string(arguments.string(0)?.trim_matches(is_blank)))
}

fn ltrim(_: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(Value::string(
        arguments.string(0)?.trim_start_matches(is_blank),
    ))
}

fn rtrim(_: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(Value::string(
        arguments.string(0)?.trim_end_matches(is_blank),
    ))
}

/// Sizes of grams if nothing else is said.
const MIN_GRAM: i64 = 1;
const MAX_GRAM: i64 = 2;
/// How much larger than the least the largest may be.
const GRAM_DIFFERENCE: i64 = 1;

fn ngram(me: &mut Evaluator, arguments: Arguments) -> Result {
    let terms = arguments.items(0)?;
    let (min, max) = (
        arguments.optional_integer(1)?,
        arguments.optional_integer(2)?,
    );
    let mut collected = Collected::default();
    let mut fault = |what: &str, bounds: &str| {
        collected.add(out_of_bounds(
            &format!("{what} ngram size"),
            bounds,
            arguments.place(),
        ));
    };
    match (min, max) {
        (Some(min), Some(max)) => {
            if min > max || min <= 0 {
                fault("min", "> 0 and <= max");
            }
            if max <= 0 {
                fault("max", "> 0");
            }
            if max.wrapping_sub(min) > GRAM_DIFFERENCE {
                fault("max", "<= min + 1");
            }
        }
        (Some(min), None) => {
            if min > MAX_GRAM || min <= 0 {
                fault("min", "> 0 and <= max");
            }
            if MAX_GRAM.wrapping_sub(min) > GRAM_DIFFERENCE {
                fault("min", ">= max - 1");
            }
        }
        (None, Some(max)) => {
            if max <= MIN_GRAM {
                fault("max", "> 0 and >= min");
            }
            if max.wrapping_sub(MIN_GRAM) > GRAM_DIFFERENCE {
                fault("max", "<= min + 1");
            }
        }
        (None, None) => {}
    }
    collected.finish(())?;
    let size =
        |n: Option<i64>, default: i64| usize::try_from(n.unwrap_or(default)).unwrap_or(usize::MAX);
    let (min, max) = (size(min, MIN_GRAM), size(max, MAX_GRAM));
    let mut grams = Vec::new();
    for term in terms.iter() {
        let Value::String(text) = term else {
            grams.push(term.clone());
            continue;
        };
        // Each gram is a value of its own.
        let values = text.chars().count().saturating_mul(32);
        me.check_length(values, arguments.place())?;
        let mut places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        places.push(text.len());
        let bytes = text
            .len()
            .saturating_mul(max.min(places.len()))
            .saturating_mul(2);
        me.check_length(bytes, arguments.place())?;
        for (i, start) in places.iter().enumerate() {
            for size in min..=max {
                let end = i.checked_add(size).and_then(|end| places.get(end));
                match end.and_then(|end| text.get(*start..*end)) {
                    Some(gram) => grams.push(Value::string(gram)),
                    None => break,
                }
            }
        }
    }
    Ok(Value::array(grams))
}

fn repeat(me: &mut Evaluator, arguments: Arguments) -> Result {
    let text = arguments.string(0)?;
    let times = arguments.optional_integer(1)?.unwrap_or(2).min(MOST);
    // The host looks at 32 bits.
    let times = usize::try_from(times as i32).unwrap_or(0);
    me.check_length(text.len().saturating_mul(times), arguments.place())?;
    Ok(Value::string(text.repeat(times)))
}

fn replacestr(me: &mut Evaluator, arguments: Arguments) -> Result {
    let text = arguments.string(0)?;
    let (find, replacement) = (arguments.string(1)?, arguments.string(2)?);
    let found = text.matches(&*find).count();
    let bytes = text
        .len()
        .saturating_add(found.saturating_mul(replacement.len()));
    me.check_length(bytes, arguments.place())?;
    Ok(Value::string(text.replace(&*find, &replacement)))
}

fn space(_: &mut Evaluator, arguments: Arguments) -> Result {
    let count = usize::try_from(arguments.integer(0)?.min(MOST)).unwrap_or(0);
    Ok(Value::string(" ".repeat(count)))
}

fn substring(_: &mut Evaluator, arguments: Arguments) -> Result {
    let text = arguments.string(0)?;
    let whole = length_of(&text);
    let start = match arguments.optional_integer(1)? {
        None => 0,
        Some(start @ 0..) => i64::from(start as i32),
        Some(start) => i64::from(whole.wrapping_add(start) as i32),
    };
    let end = match arguments.optional_integer(2)? {
        None => whole,
        Some(0) => start,
        Some(length @ 1..) => start.saturating_add(length).min(whole),
        Some(_) => -1,
    };
    if start > whole || start < 0 {
        let bounds = "less than or equal to the string length";
        return Err(out_of_bounds("start", bounds, arguments.place()).into());
    }
    if end < 0 {
        return Err(out_of_bounds("length", "positive", arguments.place()).into());
    }
    let (start, end) = (offset_of(&text, start), offset_of(&text, end));
    Ok(Value::string(text.get(start..end).unwrap_or_default()))
}

/// The parts of a text, at most `limit` of them; `None` for all.
pub(super) fn part_limit(arguments: &Arguments) -> Result<Option<usize>> {
    let bounds = match arguments.optional_integer(2)? {
        None => return Ok(None),
        Some(..=0) => "count > 0",
        Some(count) if count > MOST => "count <= 1024",
        Some(count) => return Ok(usize::try_from(count).ok()),
    };
    Err(out_of_bounds("count", bounds, &arguments.at(2)).into())
}

fn split_str(me: &mut Evaluator, arguments: Arguments) -> Result {
    let (text, token) = (arguments.string(0)?, arguments.string(1)?);
    let limit = part_limit(&arguments)?;
    let places = text.match_indices(&*token);
    let places: Vec<(usize, usize)> = places.map(|(at, found)| (at, at + found.len())).collect();
    me.interp.charge(places.len() as u64)?;
    Ok(split_at(&text, &places, limit))
}

/// The parts between matches. An empty match at the beginning makes no part.
pub(super) fn split_at(text: &str, matches: &[(usize, usize)], limit: Option<usize>) -> Value {
    let mut parts = Vec::new();
    let mut from = 0;
    for (start, end) in matches {
        if limit.is_some_and(|limit| parts.len() + 1 >= limit) {
            break;
        }
        if *end == 0 {
            continue;
        }
        parts.push(Value::string(text.get(from..*start).unwrap_or_default()));
        from = *end;
    }
    parts.push(Value::string(text.get(from..).unwrap_or_default()));
    Value::array(parts)
}

/// What is wrong with a text that grew too long.
pub(crate) fn too_long(place: &crate::fql4::place::Place) -> Error {
    Error::new(
        crate::fql4::error::Code::BadRequest,
        place,
        "Value too large: the string is too long.",
    )
}
