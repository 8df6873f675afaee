//! Names and ids as texts (`spec fql4 6.1, 8`).

/// Whether a text can be the name of a schema object.
pub fn is_valid(name: &str) -> bool {
    let fits = |c: char| {
        matches!(c, ';' | '@' | '+' | '$' | '-' | '_' | '.' | '!' | '~' | '%')
            || c.is_alphanumeric()
    };
    !name.is_empty() && name.chars().all(fits)
}

/// What is wrong with a text that is no id.
pub fn id_fault(id: &str) -> String {
    match id.chars().all(char::is_numeric) {
        true => format!("The id provided is too large: '{id}'"),
        false => format!("Number or numeric String expected, non-numeric '{id}' provided."),
    }
}
