//! The static environment as JSON, for editors (`spec http-api 8`).

use super::typing::{native_shapes, schema_env};
use super::{QueryError, Session};
use crate::access::Principal;
use crate::fql::types::{Environment, members_of};
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
        let mut globals = Map::new();
        for (name, ty) in &natives.globals {
            globals.insert(name.to_string(), ty.to_string().into());
        }
        let mut types = Map::new();
        for shape in &natives.shapes {
            types.insert(shape.name.to_string(), native_type(shape));
        }
        let collections: Vec<_> = env
            .collections
            .iter()
            .flat_map(|c| std::iter::once(&c.name).chain(c.alias.as_ref()))
            .filter(|name| is_identifier(name))
            .cloned()
            .collect();
        for function in &env.functions {
            for name in std::iter::once(&function.name).chain(function.alias.as_ref()) {
                if is_identifier(name) {
                    let signature = function.signature.as_deref().unwrap_or("Any");
                    globals.insert(name.to_string(), signature.into());
                }
            }
        }
        let static_env = Environment::new(engine.environments.native(&engine.library), env);
        for name in collections {
            let collection = format!("{name}Collection");
            globals.insert(name.to_string(), collection.as_str().into());
            let mut ty = user_type(&collection, &static_env);
            insert(&mut ty, "apply", format!("(id: ID) => Ref<{name}>").into());
            insert(&mut ty, "type_hint", "user_collection".into());
            types.insert(collection, ty);
            types.insert(name.to_string(), user_type(&name, &static_env));
            let missing = format!("Null{name}");
            let mut ty = user_type(&missing, &static_env);
            insert(&mut ty, "alias", "Null".into());
            types.insert(missing, ty);
        }
        let mut environment = json!({"globals": sorted(globals), "types": sorted(types)});
        if !truncated.is_empty() {
            insert(&mut environment, "truncated_resources", truncated.into());
        }
        Ok((schema.version, environment))
    }
}

fn native_type(shape: &crate::fql::types::NativeShape) -> Json {
    let name = &*shape.name;
    let own = match (name, shape.params.is_empty()) {
        ("Int" | "Long" | "Double" | "Float", _) => "Number".to_string(),
        ("Object", _) => "{ *: Any }".to_string(),
        (_, true) => name.to_string(),
        (_, false) => {
            let params: Vec<String> = shape.params.iter().map(|p| format!("<{p}> ")).collect();
            format!("{}{name}<{}>", params.concat(), shape.params.join(", "))
        }
    };
    let mut ty = json!({ "self": own });
    let (mut fields, mut ops) = (Map::new(), Map::new());
    let add = |map: &mut Map<String, Json>, key: &str, member: &str| match map.get_mut(key) {
        // Overloads are alternatives of one type.
        Some(Json::String(known)) => *known = format!("({known}) & ({member})"),
        _ => {
            map.insert(key.to_string(), member.into());
        }
    };
    for (member, signature) in &shape.members {
        match (&**member, member.strip_prefix("op ")) {
            (_, Some(operator)) => add(&mut ops, operator, signature),
            ("apply", _) => insert(&mut ty, "apply", signature.to_string().into()),
            ("[]", _) => insert(&mut ty, "access", signature.to_string().into()),
            (hidden, _) if hidden.starts_with('$') => {}
            (field, None) => add(&mut fields, field, signature),
        }
    }
    if !fields.is_empty() {
        insert(&mut ty, "fields", sorted(fields));
    }
    if !ops.is_empty() {
        insert(&mut ty, "ops", sorted(ops));
    }
    if let Some(alias) = &shape.alias {
        insert(&mut ty, "alias", alias.to_string().into());
    }
    if name.ends_with("Module") {
        insert(&mut ty, "type_hint", "module".into());
    } else if name.ends_with("Collection") {
        insert(&mut ty, "type_hint", "server_collection".into());
    }
    ty
}

fn user_type(name: &str, env: &Environment) -> Json {
    let mut ty = json!({ "self": name });
    let fields: Map<String, Json> = members_of(name, env)
        .into_iter()
        .filter(|member| is_identifier(&member.name))
        .map(|member| (member.name.to_string(), member.signature.into()))
        .collect();
    if !fields.is_empty() {
        insert(&mut ty, "fields", sorted(fields));
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
