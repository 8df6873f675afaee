//! The parser that pest derives from `grammar/fql4.pest`, and what its rules are called in messages.

use pest_derive::Parser;

/// The derived parser.
#[derive(Parser)]
#[grammar = "grammar/fql4.pest"]
pub(super) struct Grammar;

/// Whether a rule is a mark between others, which a tree does not hold.
pub(super) fn is_mark(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::comma
            | Rule::open_paren
            | Rule::close_paren
            | Rule::open_brace
            | Rule::close_bracket
            | Rule::close_brace
            | Rule::EOI
    )
}

/// What a rule stands for when it was expected and not found; empty if another rule says it better.
pub(super) fn label(rule: Rule) -> &'static str {
    match rule {
        Rule::arrow | Rule::function | Rule::call | Rule::object | Rule::array | Rule::word => {
            "an expression"
        }
        Rule::string | Rule::number => "an expression",
        Rule::pair => "a key",
        Rule::ident_name => "a key",
        Rule::ident | Rule::function_name | Rule::parameters | Rule::function_parameters => {
            "a name"
        }
        Rule::comma => "`,`",
        Rule::open_paren => "`(`",
        Rule::close_paren => "`)`",
        Rule::open_brace => "`{`",
        Rule::close_bracket => "`]`",
        Rule::close_brace => "`}`",
        Rule::kw_return => "`return`",
        Rule::EOI => "the end",
        Rule::arguments
        | Rule::called
        | Rule::constant
        | Rule::kw_function
        | Rule::query
        | Rule::statement
        | Rule::expression
        | Rule::name
        | Rule::block
        | Rule::group
        | Rule::ident_first
        | Rule::ident_rest
        | Rule::reserved
        | Rule::radix
        | Rule::decimal
        | Rule::digits
        | Rule::WHITESPACE
        | Rule::COMMENT => "",
    }
}
