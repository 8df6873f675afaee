//! Names and types of a database in another process, for completion: what `/environment/1` tells (`spec http-api 8`).
//!
//! The native half is our own function table. Types of the user's collections come as text, and become types like native
//! ones: the typer does not know the difference.

use super::typing::native_shapes;
use super::whoami::{CollectionOutline, FieldOutline, Outline};
use crate::fql::interp::Library;
use crate::fql::syntax::Source;
use crate::fql::syntax::ast::TypeKind;
use crate::fql::types::{Environment, NativeShape, NativeTypes, SchemaEnv, Text, print_type};
use serde_json::{Map, Value as Json};

/// What every collection has: the other functions of its type are indexes.
const COLLECTION_MEMBERS: [&str; 10] = [
    "all",
    "byId",
    "byName",
    "create",
    "createData",
    "definition",
    "first",
    "firstWhere",
    "toString",
    "where",
];

/// What a session elsewhere may name.
pub(super) struct Elsewhere {
    /// Names.
    pub outline: Outline,
    /// Their types.
    pub environment: Environment,
}

/// The environment that an answer tells of; `None` if it is none.
pub(super) fn elsewhere(answer: &Json, library: &Library) -> Option<Elsewhere> {
    let version = answer.get("schema_version")?.as_i64()?;
    let environment = answer.get("environment")?;
    let globals = environment.get("globals")?.as_object()?;
    let types = environment.get("types")?.as_object()?;
    let mut shapes = native_shapes(library);
    let mut outline = Outline {
        version,
        ..Outline::default()
    };
    for (name, ty) in globals {
        let Some(ty) = ty.as_str() else { continue };
        if ty.starts_with("UserFunction<") {
            outline.functions.push(name.as_str().into());
        } else if types.get(ty).is_some_and(is_user_collection) {
            outline.collections.push(collection(name, ty, types));
            for shape in [ty, name.as_str(), &format!("Null{name}")] {
                if let Some(found) = types.get(shape).and_then(Json::as_object) {
                    shapes.shapes.push(native(shape, found));
                }
            }
        } else {
            continue;
        }
        let (name, ty) = (name.clone(), ty.to_string());
        shapes.globals.push((Text::Owned(name), Text::Owned(ty)));
    }
    let native = NativeTypes::new(shapes);
    Some(Elsewhere {
        outline,
        environment: Environment::new(native, SchemaEnv::default()),
    })
}

fn is_user_collection(ty: &Json) -> bool {
    ty.get("type_hint").and_then(Json::as_str) == Some("user_collection")
}

fn native(name: &str, ty: &Map<String, Json>) -> NativeShape {
    let text = |key: &str| Some(Text::Owned(ty.get(key)?.as_str()?.to_string()));
    let fields = ty.get("fields").and_then(Json::as_object);
    let fields = fields.into_iter().flatten().filter_map(|(name, ty)| {
        let signature = ty.as_str()?.to_string();
        Some((Text::Owned(name.clone()), Text::Owned(signature)))
    });
    let special = [("apply", "apply"), ("access", "[]")];
    let special = special
        .into_iter()
        .filter_map(|(key, member)| Some((Text::Borrowed(member), text(key)?)));
    NativeShape {
        name: Text::Owned(name.to_string()),
        params: Vec::new(),
        members: fields.chain(special).collect(),
        unlisted: Vec::new(),
        alias: text("alias"),
    }
}

fn collection(name: &str, ty: &str, types: &Map<String, Json>) -> CollectionOutline {
    let members = types.get(ty).and_then(|ty| ty.get("fields")?.as_object());
    let indexes = members.into_iter().flatten().filter(|(name, signature)| {
        let is_function = signature.as_str().is_some_and(|text| text.starts_with('('));
        is_function && !COLLECTION_MEMBERS.contains(&name.as_str())
    });
    CollectionOutline {
        name: name.into(),
        alias: None,
        fields: fields(types.get(name)).unwrap_or_default(),
        indexes: indexes.map(|(name, _)| name.as_str().into()).collect(),
    }
}

/// The fields of a document's structural type that may be written.
fn fields(document: Option<&Json>) -> Option<Vec<FieldOutline>> {
    let alias = document?.get("alias")?.as_str()?;
    let tree = crate::fql::syntax::parse_type(&Source::new("*type*", alias)).ok()?;
    let TypeKind::Object { fields, .. } = &tree.kind else {
        return None;
    };
    let fields = fields.iter().map(|field| FieldOutline {
        name: field.name.name.clone(),
        ty: Some(print_type(&field.ty).as_str().into()),
        computed: false,
    });
    Some(
        fields
            .filter(|field| !matches!(&*field.name, "id" | "ts" | "coll" | "ttl"))
            .collect(),
    )
}
