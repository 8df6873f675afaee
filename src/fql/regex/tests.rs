use super::*;

fn error(pattern: &str) -> (String, usize) {
    match Pattern::new(pattern) {
        Ok(_) => (format!("{pattern} is valid"), 0),
        Err(error) => (error.description, error.index),
    }
}

fn texts<'a>(pattern: &str, text: &'a str) -> Vec<&'a str> {
    let pattern = Pattern::new(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
    pattern
        .find_all(text)
        .map(|m| m.map(|(a, b)| &text[a..b]).expect("bounded"))
        .collect()
}

#[test]
fn errors_are_those_of_the_dialect() {
    for (pattern, description, index) in [
        ("+", "Dangling meta character '+'", 0),
        ("*", "Dangling meta character '*'", 0),
        ("?", "Dangling meta character '?'", 0),
        ("a**", "Dangling meta character '*'", 2),
        ("ab**", "Dangling meta character '*'", 3),
        ("(", "Unclosed group", 1),
        ("[", "Unclosed character class", 0),
        ("[]", "Unclosed character class", 1),
        ("[^]", "Unclosed character class", 2),
        ("a{2", "Unclosed counted closure", 3),
        ("a{", "Illegal repetition", 2),
        ("{", "Illegal repetition", 1),
        ("a{2,1}", "Illegal repetition range", 5),
        ("[z-a]", "Illegal character range", 3),
        ("\\N", "Illegal character name escape sequence", 2),
        ("\\N{", "Unclosed character name escape sequence", 3),
        ("\\N{ab", "Unclosed character name escape sequence", 4),
        ("\\N{a}", "Unknown character name [a]", 4),
        ("\\b{g", "Illegal/unsupported escape sequence", 4),
        ("\\b{x}", "Illegal repetition", 3),
        (
            "(?<=(ab)+)",
            "Look-behind group does not have an obvious maximum length",
            8,
        ),
        ("\\q", "Illegal/unsupported escape sequence", 1),
        ("\\x", "Illegal hexadecimal escape sequence", 2),
        ("\\u12", "Illegal Unicode escape sequence", 4),
        ("\\p{Foo}", "Unknown character property name {Foo}", 6),
        ("(?z)", "Unknown inline modifier", 2),
        (
            "(?<1>a)",
            "capturing group name does not start with a Latin letter",
            3,
        ),
        (
            "(?<n>a)(?<n>b)",
            "Named capturing group <n> is already defined",
            11,
        ),
        ("\\k<x>", "named capturing group <x> does not exist", 4),
        ("\\", "Unexpected internal error", 1),
        ("a)", "Unmatched closing ')'", 0),
    ] {
        assert_eq!(
            error(pattern),
            (description.to_string(), index),
            "{pattern}"
        );
    }
}

#[test]
fn syntax_of_the_dialect() {
    for (pattern, text, expected) in [
        ("}", "a}", vec!["}"]),
        ("]", "a]", vec!["]"]),
        ("\\1", "a1", vec![]),
        ("\\Qa.b", "axb a.b", vec!["a.b"]),
        ("\\Q1+\\E2", "11+2", vec!["1+2"]),
        ("[a-d[m-p]]+", "abmpz", vec!["abmp"]),
        ("[a-z&&[^x]]+", "axb", vec!["a", "b"]),
        ("[a-z&&def]+", "adez", vec!["de"]),
        ("[^a-z&&[^x]]+", "1ax", vec!["1", "x"]),
        ("[a&&b&&c]", "abc", vec![]),
        ("[&a]+", "&a", vec!["&a"]),
        ("[a-]+", "-a", vec!["-a"]),
        ("[]a]+", "]a", vec!["]a"]),
        ("\\d+", "1٣", vec!["1"]),
        ("(?U)\\d+", "1٣", vec!["1٣"]),
        ("\\w+", "aé", vec!["a"]),
        ("\\s", "\u{a0} ", vec![" "]),
        (".", "\n\r\u{85}\u{2028}a", vec!["a"]),
        ("(?s).", "\na", vec!["\n", "a"]),
        ("(?i)É", "é", vec![]),
        ("(?iu)É", "é", vec!["é"]),
        ("(?i)k", "kK\u{212a}", vec!["k", "K"]),
        ("(?i)[a-c]+", "aBCd", vec!["aBC"]),
        ("(?i:a)b", "AbAB", vec!["Ab"]),
        ("a(?i)b", "aBAB", vec!["aB"]),
        ("b$", "ab\n", vec!["b"]),
        ("b$", "ab\r\n", vec!["b"]),
        ("b$", "ab\na", vec![]),
        ("(?m)^.", "ab\ncd", vec!["a", "c"]),
        ("(?m).$", "ab\ncd", vec!["b", "d"]),
        ("(?x) a b # c\n c", "abc", vec!["abc"]),
        ("a++a", "aaa", vec![]),
        ("a*?", "a", vec!["", ""]),
        ("(?>a|ab)c", "abc", vec![]),
        ("(a)(b)\\2\\1", "abba", vec!["abba"]),
        ("(?<n>a)\\k<n>", "aa", vec!["aa"]),
        ("(a)\\10", "aa0", vec!["aa0"]),
        ("(?<=a{1,3})b", "aab", vec!["b"]),
        ("(?<!a)b", "abb", vec!["b"]),
        ("\\p{Lower}+", "aé", vec!["a"]),
        ("\\p{L}+", "aé1", vec!["aé"]),
        ("\\P{L}+", "aé1", vec!["1"]),
        ("\\pL+", "aé1", vec!["aé"]),
        ("\\p{IsGreek}", "aα", vec!["α"]),
        ("\\p{InGreek}", "aα", vec!["α"]),
        ("\\p{IsAlphabetic}+", "aα1", vec!["aα"]),
        ("[\\p{L}&&[^\\p{Lu}]]+", "aBc", vec!["a", "c"]),
        ("\\x41\\u0042\\x{43}", "ABC", vec!["ABC"]),
        ("\\ud83d\\ude00", "😀", vec!["😀"]),
        ("\\0101", "A", vec!["A"]),
        ("\\R", "a\r\nb", vec!["\r\n"]),
        ("\\X", "e\u{301}a", vec!["e\u{301}", "a"]),
        ("\\h\\v", " \n", vec![" \n"]),
        ("\\bé\\b", "a é b", vec!["é"]),
        ("q*", "ab", vec!["", "", ""]),
        ("[0-9]*", "a1", vec!["", "1", ""]),
        ("\\G[0-9]", "12a3", vec!["1", "2"]),
        ("(?=a)*b", "b", vec!["b"]),
        ("^*a", "a", vec!["a"]),
        ("(?:^)+a", "a", vec!["a"]),
        ("(a|b*)*c", "abac", vec!["abac"]),
        ("x{0}a", "xa", vec!["a"]),
        ("(x){2}{1}", "xx", vec!["xx"]),
        ("{2}", "a", vec!["", ""]),
    ] {
        assert_eq!(texts(pattern, text), expected, "{pattern}");
    }
}

#[test]
fn hostile_patterns_end() {
    let bomb = Pattern::new("(a|aa)+\\1?$(?<!b)").expect("valid");
    assert_eq!(
        bomb.find(&format!("{}!", "a".repeat(60)), 0),
        Err(TooManySteps)
    );
    let linear = Pattern::new("(a+)+$").expect("valid");
    assert_eq!(linear.find(&format!("{}!", "a".repeat(5000)), 0), Ok(None));
    assert!(Pattern::new(&"(".repeat(100_000)).is_err());
    assert!(Pattern::new(&"[".repeat(100_000)).is_err());
    assert!(Pattern::new("(((a{1000}){1000}){1000}){1000}").is_err());
    assert!(Pattern::new("a{99999999999}").is_err());
}

#[test]
fn cache_returns_the_same_pattern() {
    let cache = Cache::default();
    let (Ok(a), Ok(b)) = (cache.get("a+"), cache.get("a+")) else {
        panic!("valid")
    };
    assert!(Arc::ptr_eq(&a, &b));
    assert!(cache.get("(").is_err());
}

proptest::proptest! {
    #[test]
    fn no_pattern_panics(pattern in "[a-c\\[\\](){}*+?|^$.\\\\&<>=!:,0-9kpPQEx#-]{0,24}", text in "[a-c]{0,8}") {
        if let Ok(pattern) = Pattern::new(&pattern) {
            let _ = pattern.find_all(&text).take(20).count();
        }
    }
}

#[test]
fn classes_hold_what_the_engine_reads_otherwise() {
    assert_eq!(texts("[[:alpha:]]", "ab:z"), ["a", ":"]);
    assert_eq!(texts("[a\\&\\&b]", "a&b"), ["a", "&", "b"]);
    assert_eq!(texts("[ab\\-\\-b]", "a-b"), ["a", "-", "b"]);
    assert_eq!(texts("[a~~b]", "a~b"), ["a", "~", "b"]);
}

#[test]
fn a_repeated_character_may_stand_behind() {
    assert_eq!(texts("(?<=\\d+)x", "1x x 22x"), ["x", "x"]);
    assert_eq!(texts("(?<=ba*)c", "bc baac ac"), ["c", "c"]);
    assert_eq!(texts("(?<!a+)b", "ab bb"), ["b", "b"]);
    assert_eq!(texts("a\\b{2}", "ab a"), ["a"]);
}

#[test]
fn what_never_matches_may_be_repeated() {
    assert_eq!(texts("\\1*a", "a"), ["a"]);
    assert_eq!(texts("[a&&b]?c", "ac"), ["c"]);
}
