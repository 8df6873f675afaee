//! What definitions, databases and keys need beside their declared fields: names that are free, values that the system
//! fills in, references by name that follow a rename (`spec schema-fsl 3`, `spec access-control 2, 6, 7`).

use super::super::{Failure, Interp, Result};
use super::document::{mixed_write, refuse};
use crate::access::secret::{Secret, encode_global_id, hash_password};
use crate::model::schema::definition::cross_field_faults;
use crate::model::schema::load::text;
use crate::model::schema::validate::same_value;
use crate::model::schema::{ConstraintFailure, ExprText, names, protected};
use crate::model::{Version, native};
use crate::value::{CollId, Doc, DocId, DocKey, Object, PathPart, Str, Value};
use std::ops::Bound;
use std::sync::Arc;

impl Interp {
    /// All live documents of a native collection, in id order.
    pub fn native_documents(&mut self, coll: CollId) -> Result<Vec<(DocId, Arc<Version>)>> {
        let mut cursor = self
            .txn
            .scan(coll, (Bound::Unbounded, Bound::Unbounded), false, None);
        let mut found = Vec::new();
        while let Some(document) = cursor.next(&mut self.txn)? {
            found.push(document);
        }
        Ok(found)
    }

    /// What the system fills into a new or changed document of a native collection, after its fields were checked.
    pub(super) fn complete_native(
        &mut self,
        coll: CollId,
        data: &mut Object,
        created: bool,
        failed: &str,
    ) -> Result<()> {
        match coll {
            native::DATABASE if created => {
                let model = self.txn.model().clone();
                data.insert("scope", Value::Long(model.new_id().0));
                data.insert("global_id", Value::Long(model.new_id().0));
            }
            native::KEY => {
                if let Some(name) = text(data, "database") {
                    let Some(id) = self.txn.by_name(native::DATABASE, &name, None)? else {
                        let message = format!("Field refers to an unknown database name `{name}`.");
                        return refuse(vec![ConstraintFailure::field("database", message)], failed);
                    };
                    let doc = Doc {
                        coll: native::DATABASE,
                        key: DocKey::Id(id),
                        at: None,
                        deleted: false,
                        named: false,
                        cover: None,
                    };
                    data.insert("database", Value::Doc(Arc::new(doc)));
                }
            }
            native::CREDENTIAL => {
                if let Some(password) = text(data, "password") {
                    data.insert("hashed_password", Value::string(hash_password(&password)));
                }
                data.remove("password");
            }
            native::ACCESS_PROVIDER => {
                let audience = format!(
                    "https://db.fauna.com/db/{}",
                    encode_global_id(self.own_global_id()?)
                );
                data.insert("audience", Value::string(audience));
            }
            _ => {}
        }
        Ok(())
    }

    /// Gives a new key or token its secret: the hash is stored, the secret itself is known to this query only.
    pub(super) fn give_secret(&mut self, coll: CollId, id: DocId, data: &mut Object) -> Result<()> {
        let made = match coll {
            native::KEY => Secret::of_key(id.0),
            native::TOKEN => {
                let database = self.own_global_id()?;
                data.insert("global_id", Value::Long(database));
                Secret::of_token(id.0, database)
            }
            _ => return Ok(()),
        };
        let no_randomness =
            |error| Failure::protocol(500, "internal_error", format!("no randomness: {error}"));
        let (secret, hash) = made.map_err(no_randomness)?;
        data.insert("hashed_secret", Value::string(hash));
        self.secrets.insert((coll, id), (secret, None));
        Ok(())
    }

    /// The global id of the database the query runs in.
    pub fn own_global_id(&mut self) -> Result<i64> {
        let scope = self.txn.scope();
        let path = self.txn.database_path(scope)?.unwrap_or_default();
        let id = path
            .last()
            .and_then(|(_, _, version)| version.field("global_id"));
        Ok(id.and_then(|id| id.as_i64()).unwrap_or(0))
    }

    /// The nearest explicit value of a flag that databases inherit.
    pub fn inherited_flag(&mut self, name: &str) -> Result<Option<bool>> {
        let scope = self.txn.scope();
        let path = self.txn.uncounted(|txn| txn.database_path(scope))?;
        Ok(path
            .unwrap_or_default()
            .iter()
            .rev()
            .find_map(|(_, _, version)| match version.field(name) {
                Some(Value::Bool(on)) => Some(on),
                _ => None,
            }))
    }

    pub(super) fn is_protected(&mut self) -> Result<bool> {
        Ok(self.inherited_flag("protected")?.unwrap_or(false))
    }

    /// What is wrong with the name and alias of a collection or function that is about to be written.
    pub(super) fn name_failures(
        &mut self,
        coll: CollId,
        data: &Object,
        old: Option<&Object>,
    ) -> Result<Vec<ConstraintFailure>> {
        if coll != native::COLLECTION && coll != native::FUNCTION {
            return Ok(Vec::new());
        }
        let mut failures = Vec::new();
        let mut taken: Option<Vec<(CollId, Str, Option<Str>)>> = None;
        for field in ["name", "alias"] {
            let Some(name) = text(data, field) else {
                continue;
            };
            if old.is_some_and(|old| text(old, field).as_ref() == Some(&name)) {
                continue;
            }
            let fault = match names::global_name_fault(&name) {
                Some(fault) => Some(fault),
                None => {
                    let known = match &taken {
                        Some(known) => known,
                        None => taken.insert(self.taken_names()?),
                    };
                    collision(known, &name)
                }
            };
            failures.extend(fault.map(|fault| ConstraintFailure::field(field, fault)));
        }
        Ok(failures)
    }

    fn taken_names(&mut self) -> Result<Vec<(CollId, Str, Option<Str>)>> {
        let mut found = Vec::new();
        for coll in [native::COLLECTION, native::FUNCTION] {
            for (_, version) in self.native_documents(coll)? {
                let data = version.object();
                found.push((
                    coll,
                    text(&data, "name").unwrap_or_default(),
                    text(&data, "alias"),
                ));
            }
        }
        Ok(found)
    }

    /// What must hold, and what goes first, before a document of a native collection is deleted.
    pub(super) fn before_native_delete(
        &mut self,
        coll: CollId,
        id: DocId,
        _data: &Object,
        name: Option<&str>,
    ) -> Result<()> {
        match coll {
            native::COLLECTION => {
                if self.has_written_documents(CollId(id.0.max(0) as u64)) {
                    return Err(mixed_write());
                }
                if self.is_protected()? {
                    let failure = ConstraintFailure::whole(protected::delete_collection());
                    return refuse(
                        vec![failure],
                        &format!(
                            "Failed to delete Collection `{}`.",
                            name.unwrap_or_default()
                        ),
                    );
                }
            }
            native::DATABASE => self.delete_keys_of(id)?,
            _ => {}
        }
        Ok(())
    }

    /// Deletes the keys of this database that are for a child.
    pub fn delete_keys_of(&mut self, database: DocId) -> Result<()> {
        for (key, version) in self.native_documents(native::KEY)? {
            let held = matches!(version.field("database"), Some(Value::Doc(doc)) if doc.key == DocKey::Id(database));
            if held {
                self.txn.delete(native::KEY, key)?;
            }
        }
        Ok(())
    }

    /// What follows from a written document of a native collection; what is wrong with it beyond its fields.
    pub(super) fn after_native_write(
        &mut self,
        coll: CollId,
        id: DocId,
        data: &Object,
        before: Option<&Object>,
    ) -> Result<Vec<ConstraintFailure>> {
        let mut failures = Vec::new();
        if coll == native::COLLECTION {
            if self.has_written_documents(CollId(id.0.max(0) as u64)) {
                return Err(mixed_write());
            }
            if let Some(before) = before
                && self.is_protected()?
            {
                let lines = protected::destructive_changes(before, data);
                failures.extend(lines.into_iter().map(ConstraintFailure::whole));
            }
            failures.extend(cross_field_faults(data));
            failures.extend(self.default_failures(data));
        }
        if let Some(before) = before
            && let (Some(old), Some(new)) = (text(before, "name"), text(data, "name"))
            && old != new
        {
            self.follow_rename(coll, &old, &new)?;
        }
        Ok(failures)
    }

    /// Defaults of whole fields are evaluated once when they are written; those inside types only when they are needed.
    fn default_failures(&mut self, data: &Object) -> Vec<ConstraintFailure> {
        let collection = super::migrations::loaded(CollId(0), data);
        let mut failures = Vec::new();
        for field in &collection.fields {
            let Some(default) = &field.default else {
                continue;
            };
            let named = ExprText::new(format!("*field:{}*", field.name), default.text());
            if let Ok(expr) = named.expr() {
                let path = [PathPart::Field(field.name.clone())];
                failures.extend(self.default_value(&named.source, expr, &path).err());
            }
        }
        failures
    }

    /// References by name follow a renamed collection, function or role.
    fn follow_rename(&mut self, coll: CollId, old: &str, new: &str) -> Result<()> {
        let places: &[(CollId, &[&str])] = match coll {
            native::COLLECTION | native::FUNCTION => &[
                (native::ROLE, &["privileges", "resource"]),
                (native::ROLE, &["membership", "resource"]),
            ],
            native::ROLE => &[
                (native::FUNCTION, &["role"]),
                (native::ACCESS_PROVIDER, &["roles"]),
                (native::ACCESS_PROVIDER, &["roles", "role"]),
                (native::KEY, &["role"]),
            ],
            _ => &[],
        };
        for (target, path) in places {
            // A key opens the schema in force.
            if *target == native::KEY && self.txn.is_staged() {
                continue;
            }
            for (id, version) in self.native_documents(*target)? {
                let data = Value::Object(version.object());
                let renamed = rename(&data, path, old, new);
                if let (false, Value::Object(renamed)) = (same_value(&data, &renamed), renamed) {
                    self.txn.put(*target, id, renamed, version.ttl)?;
                }
            }
        }
        Ok(())
    }
}

impl Interp {
    /// Keys follow the roles that a staged schema has renamed, as it comes into force.
    pub fn follow_staged_renames(&mut self) -> Result<()> {
        let schema = self.txn.schema().clone();
        let Some(staged) = schema.staged() else {
            return Ok(());
        };
        let mut renamed: Vec<(Str, Str)> = Vec::new();
        for role in schema.roles() {
            let mut after = staged.roles().into_iter();
            if let Some(after) = after.find(|after| after.id == role.id && after.name != role.name)
            {
                renamed.push((role.name.clone(), after.name.clone()));
            }
        }
        if renamed.is_empty() {
            return Ok(());
        }
        for (id, version) in self.native_documents(native::KEY)? {
            let role = text(&version.object(), "role");
            let new = renamed.iter().find(|(old, _)| Some(old) == role.as_ref());
            if let Some((_, new)) = new {
                let mut data = (*version.object()).clone();
                data.insert("role", Value::String(new.clone()));
                self.txn.put(native::KEY, id, Arc::new(data), version.ttl)?;
            }
        }
        Ok(())
    }
}

/// The value with `old` replaced by `new` at the end of the path, in every element of arrays on the way.
fn rename(value: &Value, path: &[&str], old: &str, new: &str) -> Value {
    match (value, path.split_first()) {
        (Value::Array(items), _) => Value::array(
            items
                .iter()
                .map(|item| rename(item, path, old, new))
                .collect(),
        ),
        (Value::Object(object), Some((first, rest))) => {
            let mut out = (**object).clone();
            if let Some(inner) = object.get(first) {
                out.insert(*first, rename(inner, rest, old, new));
            }
            Value::object(out)
        }
        (Value::String(text), None) if &**text == old => Value::string(new),
        (other, _) => other.clone(),
    }
}

/// The first collision of a name with those of collections and functions as they are; a definition cannot exchange its
/// own name and alias either.
fn collision(taken: &[(CollId, Str, Option<Str>)], name: &str) -> Option<String> {
    for (kind, label) in [
        (native::COLLECTION, "Collection"),
        (native::FUNCTION, "Function"),
    ] {
        if taken
            .iter()
            .any(|(known, taken, _)| *known == kind && &**taken == name)
        {
            return Some(format!("A {label} already exists with the name `{name}`"));
        }
        if taken
            .iter()
            .any(|(known, _, alias)| *known == kind && alias.as_deref() == Some(name))
        {
            return Some(format!("A {label} already exists with the alias `{name}`"));
        }
    }
    None
}

impl Interp {
    /// ``No such user collection `Foo`.``, with a hint if this query has just created it.
    pub fn unknown_item(&mut self, kind: &'static str, name: &str) -> Failure {
        let failure = Failure::invalid_argument(kind, format!("No such user {kind} `{name}`."));
        let coll = if kind == "function" {
            native::FUNCTION
        } else {
            native::COLLECTION
        };
        let created = |me: &Interp, id| {
            let mut writes = me.pending.native.iter();
            writes.any(|write| (write.coll, write.id) == (coll, id) && write.before.is_none())
        };
        match self.txn.by_name(coll, name, None) {
            Ok(Some(id)) if !self.txn.is_staged() || created(self, id) => {
                let hint = format!("A {kind} cannot be created and used in the same query.");
                let place = self.frame().cloned();
                failure.hint(hint, place)
            }
            Ok(Some(_) | None) => failure,
            Err(error) => error.into(),
        }
    }

    /// What a query sees of a stored field of a native document.
    pub fn native_field(&mut self, coll: CollId, name: &str, stored: Value) -> Result {
        match (coll, name, &stored) {
            (native::DATABASE, "global_id", id) => Ok(Value::string(encode_global_id(
                id.as_i64().unwrap_or_default(),
            ))),
            (native::KEY, "database", Value::Doc(doc)) => self.doc_name(doc).map(Value::String),
            _ => Ok(stored),
        }
    }

    /// An `invalid_schema` failure, told at a write.
    pub(super) fn schema_failure(
        &self,
        message: String,
        frames: &[crate::fql::syntax::Location],
    ) -> Failure {
        let text = format!("Invalid database schema update.\n{message}");
        let mut failure = Failure::new("invalid_schema", text);
        if let Some(query) = failure.query_mut() {
            query.trace = Some(frames.iter().rev().cloned().collect());
        }
        failure
    }
}
