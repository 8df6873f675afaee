//! The static environment of a database, from the function table and its schema (`spec typing 4`).
//!
//! The native half is built once per engine, the other once per schema version; both parse signatures when a query
//! first needs them. A query's type is kept with its parsed form, so that a repeated text is not checked again.

use crate::fql::interp::{Global, GlobalKind};
use crate::fql::interp::{Interp, Library, MemberKind};
use crate::fql::types::{
    CollectionEnv, Environment, FieldEnv, FunctionEnv, IndexEnv, NativeShape, NativeShapes,
    NativeTypes, PathStep, SchemaEnv, TermEnv, Text, TypeSource, ValueType,
};
use crate::model::schema::{Collection, Function, Schema};
use crate::model::{ModelError, Txn};
use crate::value::{Module, PathPart, ScopeId, Str, Value};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Static environments by database.
#[derive(Default)]
pub(crate) struct Environments {
    native: OnceLock<Arc<NativeTypes>>,
    by_scope: Mutex<HashMap<ScopeId, Built>>,
}

/// An environment and the schema it was built from.
type Built = (Arc<Schema>, Arc<Environment>);

impl Environments {
    /// The types of the native functions.
    pub fn native(&self, library: &Library) -> Arc<NativeTypes> {
        self.native
            .get_or_init(|| NativeTypes::new(native_shapes(library)))
            .clone()
    }

    /// The environment of a database.
    pub fn of(&self, library: &Library, scope: ScopeId, schema: &Arc<Schema>) -> Arc<Environment> {
        if let Some((known, env)) = self.by_scope.lock().get(&scope)
            && Arc::ptr_eq(known, schema)
        {
            return env.clone();
        }
        let env = Arc::new(Environment::new(self.native(library), schema_env(schema)));
        let mut by_scope = self.by_scope.lock();
        // Databases come and go: a bound keeps the dropped ones from piling up.
        if by_scope.len() >= 1024 {
            by_scope.clear();
        }
        by_scope.insert(scope, (schema.clone(), env.clone()));
        env
    }
}

/// The function table as the typer takes it.
pub fn native_shapes(library: &Library) -> NativeShapes {
    let mut shapes = NativeShapes::default();
    for global in library.globals() {
        for ty in global_types(global) {
            shapes
                .globals
                .push((Text::Borrowed(global.name), Text::Borrowed(ty)));
        }
    }
    for shape in library.shapes() {
        // The types of user collections come from the schema; native functions and lambdas have function types.
        let from_schema = shape.name.starts_with("User") && shape.name != "UserFunction<A>";
        if from_schema || shape.name == "Function" {
            continue;
        }
        let (name, params) = match shape.name.split_once('<') {
            Some((name, params)) => (
                name,
                params
                    .trim_end_matches('>')
                    .split(", ")
                    .map(Text::Borrowed)
                    .collect(),
            ),
            None => (shape.name, Vec::new()),
        };
        let mut members = Vec::new();
        if name == "FQLModule" {
            for global in library.globals().iter().filter(|g| g.name != "FQL") {
                members.extend(
                    global_types(global)
                        .map(|ty| (Text::Borrowed(global.name), Text::Borrowed(ty))),
                );
            }
        }
        for member in shape.members {
            let types: &[&'static str] = match &member.kind {
                MemberKind::Field { ty, .. } => std::slice::from_ref(ty),
                MemberKind::Method { overloads, .. } => overloads,
                MemberKind::Static { types } => types,
            };
            members.extend(
                types
                    .iter()
                    .map(|ty| (Text::Borrowed(member.name), Text::Borrowed(*ty))),
            );
        }
        let unlisted = shape.members.iter().filter(|member| !member.is_offered());
        let alias = shape.alias.map(Text::Borrowed);
        shapes.shapes.push(NativeShape {
            name: Text::Borrowed(name),
            params,
            members,
            unlisted: unlisted.map(|member| Text::Borrowed(member.name)).collect(),
            alias,
        });
    }
    shapes
}

fn global_types(global: &'static Global) -> impl Iterator<Item = &'static str> {
    let types: Vec<&'static str> = match &global.kind {
        GlobalKind::Module(shape) | GlobalKind::Collection(_, shape) => vec![shape],
        GlobalKind::Function(member) => match &member.kind {
            MemberKind::Method { overloads, .. } => overloads.to_vec(),
            MemberKind::Field { ty, .. } => vec![ty],
            MemberKind::Static { types } => types.to_vec(),
        },
    };
    types.into_iter()
}

/// A database's schema as the typer takes it.
pub fn schema_env(schema: &Schema) -> SchemaEnv {
    SchemaEnv {
        collections: schema
            .collections()
            .into_iter()
            .map(|c| collection_env(c))
            .collect(),
        functions: schema
            .functions()
            .into_iter()
            .map(|f| function_env(f))
            .collect(),
    }
}

/// A collection as the typer takes it.
pub fn collection_env(collection: &Collection) -> CollectionEnv {
    let steps = |path: &[PathPart]| {
        path.iter()
            .map(|part| match part {
                PathPart::Field(name) => PathStep::Field(name.clone()),
                PathPart::Index(i) => PathStep::Index(*i),
            })
            .collect()
    };
    CollectionEnv {
        name: collection.name.clone(),
        alias: collection.alias.clone(),
        fields: collection
            .fields
            .iter()
            .map(|field| FieldEnv {
                name: field.name.clone(),
                ty: TypeSource::Text(field.ty.text().into()),
                has_default: field.default.is_some(),
            })
            .collect(),
        computed: collection
            .computed
            .iter()
            .map(|field| {
                let inferred = collection.inferred(&field.name).map(TypeSource::Text);
                let declared = field
                    .signature
                    .as_ref()
                    .map(|ty| TypeSource::Text(ty.text().into()));
                (field.name.clone(), declared.or(inferred))
            })
            .collect(),
        wildcard: collection.wildcard.is_some(),
        document_ttls: collection.document_ttls,
        indexes: collection
            .indexes
            .iter()
            .map(|index| IndexEnv {
                name: index.name.clone(),
                terms: index
                    .terms
                    .iter()
                    .map(|t| TermEnv {
                        path: steps(&t.path),
                        mva: t.mva,
                    })
                    .collect(),
            })
            .collect(),
    }
}

fn function_env(function: &Function) -> FunctionEnv {
    FunctionEnv {
        name: function.name.clone(),
        alias: function.alias.clone(),
        signature: function
            .inferred()
            .or_else(|| function.signature.as_ref().map(|ty| ty.text().into())),
    }
}

/// Whether queries of a database are checked unless they say otherwise: the nearest setting up the tree, else yes.
pub fn is_typechecked(txn: &mut Txn) -> Result<bool, ModelError> {
    inherited_flag(txn, "typechecked", true)
}

/// A Boolean setting of the database or its nearest ancestor that has one.
pub fn inherited_flag(txn: &mut Txn, name: &str, default: bool) -> Result<bool, ModelError> {
    let scope = txn.scope();
    let path = txn.uncounted(|txn| txn.database_path(scope))?;
    let path = path.unwrap_or_default();
    let set = path
        .iter()
        .rev()
        .find_map(|(_, _, database)| match database.field(name) {
            Some(Value::Bool(flag)) => Some(flag),
            _ => None,
        });
    Ok(set.unwrap_or(default))
}

/// The type of a value that comes with a request (`spec typing 12`).
pub fn value_type(value: &Value, interp: &Interp) -> ValueType {
    let named = |name: &str| ValueType::Named(Str::from(name));
    match value {
        Value::Null(_) => ValueType::Null,
        Value::Bool(_) => ValueType::Boolean,
        Value::Int(n) => ValueType::Integer(i64::from(*n)),
        Value::Long(n) => ValueType::Integer(*n),
        Value::Double(n) => ValueType::Double(*n),
        Value::Id(_) => named("ID"),
        Value::String(s) => ValueType::String(s.clone()),
        Value::Bytes(_) => named("Bytes"),
        Value::Time(_) => named("Time"),
        Value::TransactionTime => named("TransactionTime"),
        Value::Date(_) => named("Date"),
        Value::Uuid(_) => named("UUID"),
        Value::Array(items) => {
            ValueType::Array(items.iter().map(|v| value_type(v, interp)).collect())
        }
        Value::Object(object) => ValueType::Object(
            object
                .iter()
                .map(|(k, v)| (k.clone(), value_type(v, interp)))
                .collect(),
        ),
        Value::Doc(doc) => match crate::model::native::by_id(doc.coll) {
            Some(native) => ValueType::Document(native.type_name.into()),
            None => ValueType::Document(interp.collection_name(doc.coll)),
        },
        Value::Set(_) => ValueType::Set,
        Value::EventSource(_) => ValueType::EventSource,
        Value::Cursor(_) => named("SetCursor"),
        Value::Module(Module::Native(name)) => ValueType::Named(format!("{name}Module").into()),
        Value::Module(Module::Collection { name, .. }) => {
            ValueType::Named(format!("{name}Collection").into())
        }
        Value::Module(Module::Deleted) => named("DeletedCollection"),
        Value::Lambda(_) | Value::Native(_) | Value::Function(_) | Value::Query(_) => named("Any"),
    }
}
