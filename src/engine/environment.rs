//! The static environment as JSON, for editors (`spec http-api 8`).

use super::typing::{native_shapes, schema_env};
use super::{QueryError, Session};
use crate::access::Principal;
use crate::fql::syntax::Source;
use crate::fql::types::{Environment, NativeShape, outline_of, print_type};
use serde_json::{Map, Value as Json, json};

/// Collections and functions beyond this many are left out.
const MAX_RESOURCES: usize = 1000;

impl Session {
    /// Who acts, and where.
    pub fn principal(&self) -> Result<Principal, QueryError> {
        match self.begin() {
            Ok((_, principal)) => Ok(principal),
            Err(failure) => Err(super::events::query_error(failure, None)),
        }
    }

    /// The schema version, and the globals and types that a query of the session's database may name.
    pub fn environment(&self) -> Result<(i64, Json), QueryError> {
        let (txn, _) = self
            .begin()
            .map_err(|failure| super::events::query_error(failure, None))?;
        let schema = txn.schema().clone();
        let engine = self.engine();
        let natives = native_shapes(&engine.library);
        let mut env = schema_env(&schema);
        let mut truncated = Vec::new();
        if env.collections.len() > MAX_RESOURCES {
            env.collections.truncate(MAX_RESOURCES);
            truncated.push("collection");
        }
        if env.functions.len() > MAX_RESOURCES {
            env.functions.truncate(MAX_RESOURCES);
            truncated.push("function");
        }
        let collections: Vec<_> = env
            .collections
            .iter()
            .flat_map(|c| std::iter::once(&c.name).chain(c.alias.as_ref()))
            .filter(|name| is_identifier(name))
            .cloned()
            .collect();
        let mut globals = Map::new();
        for (name, ty) in &natives.globals {
            add_overload(&mut globals, name, &printed(ty));
        }
        for function in &env.functions {
            for name in std::iter::once(&function.name).chain(function.alias.as_ref()) {
                if is_identifier(name) {
                    let signature = function.signature.as_deref().unwrap_or("Any");
                    let ty = format!("UserFunction<{}>", printed(signature));
                    globals.insert(name.to_string(), ty.into());
                }
            }
        }
        let static_env = Environment::new(engine.environments.native(&engine.library), env);
        let mut types = Map::new();
        for shape in &natives.shapes {
            if &*shape.name != "DeletedCollection" {
                types.insert(shape.name.to_string(), native_type(shape, &static_env));
            }
        }
        for name in collections {
            let collection = format!("{name}Collection");
            globals.insert(name.to_string(), collection.as_str().into());
            let mut ty = user_type(&collection, &static_env);
            insert(&mut ty, "type_hint", "user_collection".into());
            types.insert(collection, ty);
            types.insert(name.to_string(), user_type(&name, &static_env));
            let missing = format!("Null{name}");
            types.insert(missing.clone(), user_type(&missing, &static_env));
        }
        let mut environment = json!({"globals": sorted(globals), "types": sorted(types)});
        if !truncated.is_empty() {
            insert(&mut environment, "truncated_resources", truncated.into());
        }
        Ok((schema.version, environment))
    }
}

/// A declared signature in canonical text; kinds of numbers are one static type.
fn printed(signature: &str) -> String {
    match crate::fql::syntax::parse_type(&Source::new("*type*", signature)) {
        Ok(tree) => with_generics(&print_type(&tree)),
        Err(_) => signature.to_string(),
    }
}

/// With its type parameters, which are single letters, in front.
fn with_generics(signature: &str) -> String {
    let mut params: Vec<&str> = signature
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| matches!(word.as_bytes(), [b'A'..=b'E']))
        .collect();
    params.sort_unstable();
    params.dedup();
    match params.is_empty() {
        true => signature.to_string(),
        false => format!("<{}> {signature}", params.join(", ")),
    }
}

/// Overloads are alternatives of one type.
fn add_overload(map: &mut Map<String, Json>, key: &str, member: &str) {
    match map.get_mut(key) {
        Some(Json::String(known)) => *known = format!("({known}) & ({member})"),
        Some(_) | None => {
            map.insert(key.to_string(), member.into());
        }
    }
}

fn native_type(shape: &NativeShape, env: &Environment) -> Json {
    let name = &*shape.name;
    let own = match (name, shape.params.is_empty()) {
        ("Int" | "Long" | "Double" | "Float", _) => "Number".to_string(),
        ("Object" | "object", _) => "{ *: Any }".to_string(),
        (_, true) => name.to_string(),
        (_, false) => {
            let params: Vec<String> = shape.params.iter().map(|p| format!("<{p}> ")).collect();
            format!("{}{name}<{}>", params.concat(), shape.params.join(", "))
        }
    };
    let mut ty = json!({ "self": own });
    let outline = outline_of(name, env).unwrap_or_default();
    let (mut fields, mut ops) = (Map::new(), Map::new());
    for member in &outline.members {
        if is_identifier(&member.name) {
            let signature = with_generics(&member.signature);
            fields.insert(member.name.to_string(), signature.into());
        }
    }
    for (member, signature) in &shape.members {
        // What can be added is known to the typer alone.
        if let Some(operator) = member.strip_prefix("op ").filter(|op| *op != "+") {
            add_overload(&mut ops, operator, signature);
        }
    }
    if !fields.is_empty() {
        insert(&mut ty, "fields", sorted(fields));
    }
    if !ops.is_empty() {
        insert(&mut ty, "ops", sorted(ops));
    }
    if let Some(apply) = &outline.apply {
        insert(&mut ty, "apply", with_generics(apply).into());
    }
    if let Some(access) = &outline.access {
        insert(&mut ty, "access", with_generics(&unnamed(access)).into());
    }
    if let Some(alias) = &outline.alias {
        insert(&mut ty, "alias", with_generics(alias).into());
    }
    if name.ends_with("Module") {
        insert(&mut ty, "type_hint", "module".into());
    } else if name.ends_with("Collection") {
        insert(&mut ty, "type_hint", "server_collection".into());
    }
    ty
}

/// `(index: Number) => A` without the name: brackets have none.
fn unnamed(signature: &str) -> String {
    let rest = signature
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(": "));
    match rest.and_then(|(_, rest)| rest.split_once(") => ")) {
        Some((param, result)) => format!("{param} => {result}"),
        None => signature.to_string(),
    }
}

fn user_type(name: &str, env: &Environment) -> Json {
    let mut ty = json!({ "self": name });
    let outline = outline_of(name, env).unwrap_or_default();
    let fields: Map<String, Json> = outline
        .members
        .into_iter()
        .filter(|member| is_identifier(&member.name))
        .map(|member| (member.name.to_string(), member.signature.into()))
        .collect();
    if !fields.is_empty() {
        insert(&mut ty, "fields", sorted(fields));
    }
    if let Some(apply) = outline.apply {
        insert(&mut ty, "apply", apply.into());
    }
    if let Some(alias) = outline.alias {
        insert(&mut ty, "alias", alias.into());
    }
    ty
}

fn insert(object: &mut Json, key: &str, value: Json) {
    if let Json::Object(fields) = object {
        fields.insert(key.to_string(), value);
    }
}

fn sorted(mut fields: Map<String, Json>) -> Json {
    fields.sort_keys();
    Json::Object(fields)
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}
