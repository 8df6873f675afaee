//! The parser that pest derives from `grammar/fql.pest` and `grammar/fsl.pest`, and what its error rules mean.

use pest_derive::Parser;

/// The derived parser.
#[derive(Parser)]
#[grammar = "grammar/fql.pest"]
#[grammar = "grammar/fsl.pest"]
pub(super) struct Grammar;

/// The labels of an error rule: what could have stood in its place. Empty for every other rule.
pub(super) fn expected(rule: Rule) -> &'static [&'static str] {
    match rule {
        Rule::x_end => &["end-of-input"],
        Rule::x_statement => &["expression"],
        Rule::x_expression => &["expression"],
        Rule::x_identifier => &["identifier"],
        Rule::x_type => &["type"],
        Rule::x_pattern => &["pattern"],
        Rule::x_newline => &["newline"],
        Rule::x_heredoc_end => &["end of heredoc"],
        Rule::x_quote => &["`'`"],
        Rule::x_double_quote => &["`\"`"],
        Rule::x_escape_code => &["escape code"],
        Rule::x_digit => &["digit"],
        Rule::x_hex_digit => &["hex digit"],
        Rule::x_close_brace_or_hex_digit => &["`}`", "hex digit"],
        Rule::x_open_brace_or_hex_digit => &["`{`", "hex digit"],
        Rule::x_equals => &["`=`"],
        Rule::x_colon_or_equals => &["`:`", "`=`"],
        Rule::x_arrow => &["`=>`"],
        Rule::x_open_paren => &["`(`"],
        Rule::x_open_brace => &["`{`"],
        Rule::x_close_paren => &["`)`"],
        Rule::x_close_bracket => &["`]`"],
        Rule::x_close_brace => &["`}`"],
        Rule::x_paren_or_expression => &["`)`", "expression"],
        Rule::x_paren_or_comma => &["`)`", "`,`"],
        Rule::x_paren_comma_or_rest => &["`)`", "`,`", "`...`"],
        Rule::x_paren_rest_or_expression => &["`)`", "`...`", "expression"],
        Rule::x_bracket_or_expression => &["`]`", "expression"],
        Rule::x_bracket_or_comma => &["`,`", "`]`"],
        Rule::x_bracket_comma_or_expression => &["`,`", "`]`", "expression"],
        Rule::x_brace_or_comma => &["`,`", "`}`"],
        Rule::x_brace_or_identifier => &["`}`", "identifier"],
        Rule::x_angle_or_comma => &["`,`", "`>`"],
        Rule::x_angle_or_type => &["`>`", "type"],
        Rule::x_call_index_or_identifier => &["`(`", "`[`", "identifier"],
        Rule::x_star_or_identifier => &["`*`", "identifier"],
        Rule::x_name => &["name"],
        Rule::x_fail => &["fail"],
        Rule::x_provider => &["provider"],
        Rule::x_to => &["`->`"],
        Rule::x_paren_or_rest => &["`)`", "`...`"],
        Rule::x_close_params => &["`)`"],
        _ => &[],
    }
}
