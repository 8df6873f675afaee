//! Source texts in definitions, as they are checked when written and parsed when used.

/// What is wrong with a type expression; `name` is what diagnostics call it.
pub fn signature_fault(_name: &str, _text: &str) -> Option<String> {
    None
}

/// What is wrong with a field's type, which may have defaults.
pub fn schema_type_fault(_name: &str, _text: &str) -> Option<String> {
    None
}

/// What is wrong with an expression.
pub fn expression_fault(_name: &str, _text: &str) -> Option<String> {
    None
}

/// What is wrong with a lambda of `min..=max` parameters.
pub fn lambda_fault(_name: &str, _text: &str, _min: u8, _max: u8, _short: bool) -> Option<String> {
    None
}
