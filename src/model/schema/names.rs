//! Names of schema items and fields: what an identifier is, and which are reserved (`spec schema-fsl 3.1, 4, 2.2`).

use super::native;

/// Words of the language; no identifiers.
pub const KEYWORDS: [&str; 13] = [
    "if", "else", "at", "match", "case", "let", "null", "true", "false", "isa", "join", "on", "of",
];

const RESERVED_WORDS: [&str; 9] = [
    "FQL",
    "_",
    "Any",
    "Never",
    "struct",
    "interface",
    "type",
    "function",
    "collection",
];

const GLOBALS: [&str; 39] = [
    "Array",
    "Boolean",
    "Bytes",
    "Date",
    "ID",
    "Doc",
    "Math",
    "Null",
    "Number",
    "Int",
    "Long",
    "Double",
    "Float",
    "Object",
    "Set",
    "SetCursor",
    "EventSource",
    "String",
    "Struct",
    "Time",
    "TransactionTime",
    "UUID",
    "Query",
    "Collection",
    "Function",
    "Role",
    "AccessProvider",
    "Database",
    "Key",
    "Credential",
    "Credentials",
    "Token",
    "log",
    "dbg",
    "abort",
    "asc",
    "desc",
    "newId",
    "Index",
];

const TYPE_NAMES: [&str; 10] = [
    "CollectionDef",
    "FunctionDef",
    "DatabaseDef",
    "Ref",
    "EmptyRef",
    "NamedRef",
    "EmptyNamedRef",
    "Stream",
    "UserFunction",
    "RoleDef",
];

/// Top-level names of a document that are never user fields, without `ttl`.
pub const RESERVED_FIELDS: [&str; 10] = [
    "id",
    "coll",
    "ts",
    "data",
    "delete",
    "update",
    "replace",
    "updateData",
    "replaceData",
    "exists",
];

const RESERVED_INDEXES: [&str; 9] = [
    "all",
    "where",
    "firstWhere",
    "create",
    "createData",
    "createAll",
    "byId",
    "definition",
    "toString",
];

/// Whether the text has the form of an identifier and is no keyword. `_` is one.
pub fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&text)
}

/// Whether a schema item may bear the name, as far as its form goes.
pub fn is_valid_name(text: &str) -> bool {
    is_identifier(text) && text != "_"
}

/// Whether collections and functions may not bear the name.
pub fn is_reserved(name: &str) -> bool {
    KEYWORDS.contains(&name)
        || RESERVED_WORDS.contains(&name)
        || GLOBALS.contains(&name)
        || TYPE_NAMES.contains(&name)
        || name
            .strip_suffix("Module")
            .is_some_and(|base| GLOBALS.contains(&base) || base == "FQL" || base == "Schema")
        || native_types().any(|ty| name.strip_prefix("Null") == Some(ty))
        || native::all()
            .iter()
            .any(|coll| name.strip_suffix("Collection") == Some(coll.name))
}

fn native_types() -> impl Iterator<Item = &'static str> {
    native::all()
        .iter()
        .flat_map(|coll| [coll.type_name, coll.name])
}

/// What is wrong with a collection's or function's name or alias, apart from collisions.
pub fn global_name_fault(name: &str) -> Option<String> {
    if is_reserved(name) {
        Some(format!("The identifier `{name}` is reserved."))
    } else if !is_valid_name(name) {
        Some("Invalid identifier.".into())
    } else {
        None
    }
}

/// What is wrong with the name of a document's field (defined or computed).
pub fn field_name_fault(name: &str) -> Option<String> {
    member_fault(name, RESERVED_FIELDS.contains(&name) || name == "ttl")
}

/// What is wrong with the name of an index.
pub fn index_name_fault(name: &str) -> Option<String> {
    member_fault(name, RESERVED_INDEXES.contains(&name))
}

fn member_fault(name: &str, reserved: bool) -> Option<String> {
    if !is_identifier(name) {
        Some("Invalid identifier.".into())
    } else if reserved {
        Some(format!("The name '{name}' is reserved."))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn global_names() {
        for name in ["Foo", "admin", "server", "a1", "_x"] {
            assert_eq!(global_name_fault(name), None, "{name}");
        }
        for name in [
            "Set",
            "if",
            "_",
            "FQL",
            "CollectionDef",
            "NullRole",
            "KeyCollection",
            "MathModule",
            "newId",
        ] {
            assert_eq!(
                global_name_fault(name),
                Some(format!("The identifier `{name}` is reserved."))
            );
        }
        for name in ["1a", "", "a b", "a-b"] {
            assert_eq!(
                global_name_fault(name).as_deref(),
                Some("Invalid identifier."),
                "{name}"
            );
        }
    }

    #[test]
    fn member_names() {
        assert_eq!(
            field_name_fault("ttl").as_deref(),
            Some("The name 'ttl' is reserved.")
        );
        assert_eq!(
            field_name_fault("a.b").as_deref(),
            Some("Invalid identifier.")
        );
        assert_eq!(
            index_name_fault("all").as_deref(),
            Some("The name 'all' is reserved.")
        );
        assert_eq!(index_name_fault("byName"), None);
    }
}
