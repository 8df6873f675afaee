//! Any text is parsed, split and tokenized without a panic, and what parses is formatted to text that parses to
//! the same format.
#![no_main]

use fql::fql::syntax::{
    Source, format_query, is_complete, parse_query, render_all, split_queries, tokens,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for item in split_queries(text) {
        assert!(
            text.get(item.span.start as usize..item.span.end as usize)
                .is_some()
        );
    }
    is_complete(text);
    tokens(text);
    let source = Source::query(text);
    match parse_query(&source) {
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty());
            render_all(&diagnostics);
        }
        Ok(block) => {
            let formatted = format_query(&block);
            match parse_query(&Source::query(formatted.as_str())) {
                Ok(block) => {
                    assert_eq!(format_query(&block), formatted, "formatting twice differs")
                }
                Err(_) => panic!("formatted text does not parse: {formatted}"),
            }
        }
    }
});
