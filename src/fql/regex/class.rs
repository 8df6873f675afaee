//! Character classes of the dialect, as the inside of a class of the engine.

use super::blocks::BLOCKS;

/// `\h`
pub(super) const HORIZONTAL: &str =
    " \\t\\x{A0}\\x{1680}\\x{180E}\\x{2000}-\\x{200A}\\x{202F}\\x{205F}\\x{3000}";
/// `\H`
pub(super) const NOT_HORIZONTAL: &str =
    "[^ \\t\\x{A0}\\x{1680}\\x{180E}\\x{2000}-\\x{200A}\\x{202F}\\x{205F}\\x{3000}]";
/// `\v`
pub(super) const VERTICAL: &str = "\\n\\x{B}\\x{C}\\r\\x{85}\\x{2028}\\x{2029}";
/// `\V`
pub(super) const NOT_VERTICAL: &str = "[^\\n\\x{B}\\x{C}\\r\\x{85}\\x{2028}\\x{2029}]";

/// `\X`: a character with what combines with it; flags, emoji sequences and Hangul syllables whole.
pub(super) const GRAPHEME: &str = concat!(
    "(?>\\r\\n|\\p{Cc}|\\p{Regional_Indicator}{2}",
    "|\\p{Extended_Pictographic}[\\p{M}\\x{1F3FB}-\\x{1F3FF}]*",
    "(?:\\x{200D}\\p{Extended_Pictographic}[\\p{M}\\x{1F3FB}-\\x{1F3FF}]*)*\\x{200D}?",
    "|[\\x{1100}-\\x{115F}]+[\\x{1160}-\\x{11A7}]*[\\x{11A8}-\\x{11FF}]*",
    "|\\P{M}[\\p{M}\\x{200D}]*|\\p{M}+)"
);

/// `\d`
pub(super) fn digit(unicode: bool) -> &'static str {
    if unicode { "\\p{Nd}" } else { "0-9" }
}

/// `\D`
pub(super) fn not_digit(unicode: bool) -> &'static str {
    if unicode { "\\P{Nd}" } else { "[^0-9]" }
}

/// `\s`
pub(super) fn space(unicode: bool) -> &'static str {
    if unicode {
        "\\p{White_Space}"
    } else {
        " \\t\\n\\x{B}\\x{C}\\r"
    }
}

/// `\S`
pub(super) fn not_space(unicode: bool) -> &'static str {
    if unicode {
        "\\P{White_Space}"
    } else {
        "[^ \\t\\n\\x{B}\\x{C}\\r]"
    }
}

/// `\w`
pub(super) fn word(unicode: bool) -> &'static str {
    match unicode {
        true => "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}",
        false => "a-zA-Z0-9_",
    }
}

/// `\W`
pub(super) fn not_word(unicode: bool) -> &'static str {
    match unicode {
        true => "[^\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]",
        false => "[^a-zA-Z0-9_]",
    }
}

/// The characters from `low` to `high`; `fold` adds the other case of ASCII letters. Surrogates, which no
/// text holds, are left out.
pub(super) fn range(low: u32, high: u32, fold: bool) -> String {
    let mut out = String::new();
    let mut push = |low: u32, high: u32| {
        if low == high {
            out.push_str(&match u8::try_from(low) {
                // The engine reads `&&`, `--` and `~~` as operations and `[:name:]` as a class, even escaped.
                Ok(b'&' | b'-' | b'~') => format!("[\\x{{{low:X}}}]"),
                Ok(b':') => "\\x{3A}-\\x{3A}".to_string(),
                _ => format!("\\x{{{low:X}}}"),
            });
        } else if low < high {
            out.push_str(&format!("\\x{{{low:X}}}-\\x{{{high:X}}}"));
        }
    };
    push(low, high.min(0xD7FF));
    push(low.max(0xE000), high);
    if fold {
        // Upper case letters lie 32 below lower case ones.
        let (lower_low, lower_high) = (low.max(0x61), high.min(0x7A));
        if lower_low <= lower_high {
            push(lower_low - 32, lower_high - 32);
        }
        let (upper_low, upper_high) = (low.max(0x41), high.min(0x5A));
        if upper_low <= upper_high {
            push(upper_low + 32, upper_high + 32);
        }
    }
    if out.is_empty() {
        // An empty class.
        out.push_str("[^\\x{0}-\\x{10FFFF}]");
    }
    out
}

/// `\p{key=value}`
pub(super) fn keyed_property(key: &str, value: &str, fold: bool) -> Option<String> {
    match key.to_ascii_lowercase().as_str() {
        "sc" | "script" => script(value),
        "blk" | "block" => block(value),
        "gc" | "general_category" => named(value, fold).map(str::to_string),
        _ => None,
    }
}

/// `\p{name}`
pub(super) fn property(name: &str, fold: bool, unicode: bool) -> Option<String> {
    if let Some(name) = name.strip_prefix("In") {
        return block(name);
    }
    if let Some(name) = name.strip_prefix("Is") {
        return binary(name, fold)
            .or_else(|| named(name, fold))
            .map(str::to_string)
            .or_else(|| script(name));
    }
    if unicode && let Some(found) = posix(name, fold) {
        return Some(found.to_string());
    }
    named(name, fold).map(str::to_string)
}

const CASED: &str = "\\p{Lu}\\p{Ll}\\p{Lt}";

/// Unicode properties after `Is`, in any case.
fn binary(name: &str, fold: bool) -> Option<&'static str> {
    Some(match name.to_ascii_uppercase().as_str() {
        "ALPHABETIC" => "\\p{Alphabetic}",
        "LETTER" => "\\p{L}",
        "IDEOGRAPHIC" => "\\p{Ideographic}",
        "LOWERCASE" | "UPPERCASE" if fold => "\\p{Lowercase}\\p{Uppercase}\\p{Lt}",
        "LOWERCASE" => "\\p{Lowercase}",
        "UPPERCASE" => "\\p{Uppercase}",
        "TITLECASE" if fold => CASED,
        "TITLECASE" => "\\p{Lt}",
        "WHITE_SPACE" | "WHITESPACE" => "\\p{White_Space}",
        "CONTROL" => "\\p{Cc}",
        "PUNCTUATION" => "\\p{P}",
        "HEX_DIGIT" | "HEXDIGIT" => "\\p{Nd}\\p{Hex_Digit}",
        "ASSIGNED" => "\\P{Cn}",
        "NONCHARACTER_CODE_POINT" | "NONCHARACTERCODEPOINT" => "\\p{Noncharacter_Code_Point}",
        "DIGIT" => "\\p{Nd}",
        "ALNUM" => "\\p{Alphabetic}\\p{Nd}",
        "BLANK" => "\\p{Zs}\\t",
        "GRAPH" => GRAPH,
        "PRINT" => PRINT,
        "WORD" => "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}",
        "JOIN_CONTROL" | "JOINCONTROL" => "\\p{Join_Control}",
        _ => return None,
    })
}

const GRAPH: &str = "[^\\p{White_Space}\\p{Cc}\\p{Cn}]";
const PRINT: &str = "[[^\\p{White_Space}\\p{Cc}\\p{Cn}]\\p{Zs}]";

/// The POSIX names under the flag `U`.
fn posix(name: &str, fold: bool) -> Option<&'static str> {
    Some(match name {
        "Alpha" => "\\p{Alphabetic}",
        "Lower" | "Upper" if fold => "\\p{Lowercase}\\p{Uppercase}\\p{Lt}",
        "Lower" => "\\p{Lowercase}",
        "Upper" => "\\p{Uppercase}",
        "Space" => "\\p{White_Space}",
        "Punct" => "\\p{P}",
        "XDigit" => "\\p{Nd}\\p{Hex_Digit}",
        "Alnum" => "\\p{Alphabetic}\\p{Nd}",
        "Cntrl" => "\\p{Cc}",
        "Digit" => "\\p{Nd}",
        "Blank" => "\\p{Zs}\\t",
        "Graph" => GRAPH,
        "Print" => PRINT,
        _ => return None,
    })
}

/// Categories, POSIX names (ASCII) and the host's own names.
fn named(name: &str, fold: bool) -> Option<&'static str> {
    Some(match name {
        "Lu" | "Ll" | "Lt" if fold => CASED,
        "Lower" | "Upper" if fold => "a-zA-Z",
        "javaLowerCase" | "javaUpperCase" | "javaTitleCase" if fold => {
            "\\p{Lowercase}\\p{Uppercase}\\p{Lt}"
        }
        "Cn" => "\\p{Cn}",
        "Lu" => "\\p{Lu}",
        "Ll" => "\\p{Ll}",
        "Lt" => "\\p{Lt}",
        "Lm" => "\\p{Lm}",
        "Lo" => "\\p{Lo}",
        "Mn" => "\\p{Mn}",
        "Me" => "\\p{Me}",
        "Mc" => "\\p{Mc}",
        "Nd" => "\\p{Nd}",
        "Nl" => "\\p{Nl}",
        "No" => "\\p{No}",
        "Zs" => "\\p{Zs}",
        "Zl" => "\\p{Zl}",
        "Zp" => "\\p{Zp}",
        "Cc" => "\\p{Cc}",
        "Cf" => "\\p{Cf}",
        "Co" => "\\p{Co}",
        // No text holds surrogates.
        "Cs" => "[^\\x{0}-\\x{10FFFF}]",
        "Pd" => "\\p{Pd}",
        "Ps" => "\\p{Ps}",
        "Pe" => "\\p{Pe}",
        "Pc" => "\\p{Pc}",
        "Po" => "\\p{Po}",
        "Pi" => "\\p{Pi}",
        "Pf" => "\\p{Pf}",
        "Sm" => "\\p{Sm}",
        "Sc" => "\\p{Sc}",
        "Sk" => "\\p{Sk}",
        "So" => "\\p{So}",
        "L" => "\\p{L}",
        "M" => "\\p{M}",
        "N" => "\\p{N}",
        "Z" => "\\p{Z}",
        "C" => "\\p{Cc}\\p{Cf}\\p{Co}\\p{Cn}",
        "P" => "\\p{P}",
        "S" => "\\p{S}",
        "LC" => CASED,
        "LD" => "\\p{L}\\p{Nd}",
        "L1" => "\\x{0}-\\x{FF}",
        "all" => "\\x{0}-\\x{10FFFF}",
        "ASCII" => "\\x{0}-\\x{7F}",
        "Alnum" => "a-zA-Z0-9",
        "Alpha" => "a-zA-Z",
        "Blank" => " \\t",
        "Cntrl" => "\\x{0}-\\x{1F}\\x{7F}",
        "Digit" => "0-9",
        "Graph" => "\\x{21}-\\x{7E}",
        "Lower" => "a-z",
        "Print" => "\\x{20}-\\x{7E}",
        "Punct" => "\\x{21}-\\x{2F}\\x{3A}-\\x{40}\\x{5B}-\\x{60}\\x{7B}-\\x{7E}",
        "Space" => " \\t\\n\\x{B}\\x{C}\\r",
        "Upper" => "A-Z",
        "XDigit" => "0-9a-fA-F",
        "javaLowerCase" => "\\p{Lowercase}",
        "javaUpperCase" => "\\p{Uppercase}",
        "javaAlphabetic" => "\\p{Alphabetic}",
        "javaIdeographic" => "\\p{Ideographic}",
        "javaTitleCase" => "\\p{Lt}",
        "javaDigit" => "\\p{Nd}",
        "javaDefined" => "\\P{Cn}",
        "javaLetter" => "\\p{L}",
        "javaLetterOrDigit" => "\\p{L}\\p{Nd}",
        "javaJavaIdentifierStart" => "\\p{L}\\p{Nl}\\p{Sc}\\p{Pc}",
        "javaJavaIdentifierPart" => {
            "\\p{L}\\p{Nl}\\p{Sc}\\p{Pc}\\p{Nd}\\p{Mn}\\p{Mc}\\p{Cf}\\x{0}-\\x{8}\\x{E}-\\x{1B}\\x{7F}-\\x{9F}"
        }
        "javaUnicodeIdentifierStart" => "\\p{ID_Start}",
        "javaUnicodeIdentifierPart" => {
            "\\p{ID_Continue}\\p{Cf}\\x{0}-\\x{8}\\x{E}-\\x{1B}\\x{7F}-\\x{9F}"
        }
        "javaIdentifierIgnorable" => "\\p{Cf}\\x{0}-\\x{8}\\x{E}-\\x{1B}\\x{7F}-\\x{9F}",
        "javaSpaceChar" => "\\p{Z}",
        // White space that is not a no-break space, and the separators of the ASCII controls.
        "javaWhitespace" => "[\\p{Z}&&[^\\x{A0}\\x{2007}\\x{202F}]]\\x{9}-\\x{D}\\x{1C}-\\x{1F}",
        "javaISOControl" => "\\x{0}-\\x{1F}\\x{7F}-\\x{9F}",
        _ => return None,
    })
}

/// A script by its name or four-letter code. The engine knows them.
fn script(name: &str) -> Option<String> {
    if name.is_empty()
        || name.len() > 40
        || !name.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
    {
        return None;
    }
    let class = format!("\\p{{sc={name}}}");
    fancy_regex::Regex::new(&class).is_ok().then_some(class)
}

/// A block by its name; blanks, hyphens, underscores and case do not matter.
fn block(name: &str) -> Option<String> {
    let key: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let key = match key.as_str() {
        // Names from before the blocks were renamed.
        "greek" => "greekandcoptic",
        "combiningmarksforsymbols" => "combiningdiacriticalmarksforsymbols",
        "cyrillicsupplementary" => "cyrillicsupplement",
        other => other,
    };
    let found = BLOCKS
        .binary_search_by(|(name, _, _)| (*name).cmp(key))
        .ok()?;
    let (_, low, high) = BLOCKS.get(found)?;
    Some(range(*low, *high, false))
}
