//! What FQL v4 knows of the documents of a collection: which fields it shows, which it writes, which it keeps.
//!
//! One table for all native collections and one entry for users' documents. The *layout* of a document is its fields as
//! FQL v4 names them, hidden ones included: what patches are applied to.

use super::mask::Mask;
use super::mask::Mask::{All, Each, Fields};
use crate::model::{Version, native};
use crate::value::{CollId, Object, Time, Value};

/// The documents of a collection.
#[derive(Debug)]
pub struct Kind {
    /// The collection; `None` for users' documents.
    pub coll: Option<CollId>,
    /// What it is called in errors.
    pub name: &'static str,
    /// What may be written.
    pub mask: &'static [(&'static str, Mask)],
    /// Not shown.
    pub hidden: &'static [&'static str],
    /// Written when the document is created and never again.
    pub fixed: &'static [&'static str],
    /// Never written by FQL v4: the system's, and what only FQL v10 defines. Kept by every write.
    pub kept: &'static [&'static str],
    /// Kept by replaces that do not give it.
    pub kept_by_replace: &'static [&'static str],
    /// Writes change the schema.
    pub is_schema: bool,
    /// Allowed in databases that are containers.
    pub in_container: bool,
}

const TERM: &[(&str, Mask)] = &[
    ("binding", All),
    ("field", All),
    ("reverse", All),
    ("mva", All),
    ("transform", All),
];

const ACTIONS: &[(&str, Mask)] = &[
    ("read", All),
    ("write", All),
    ("create", All),
    ("create_with_id", All),
    ("delete", All),
    ("history_write", All),
    ("history_read", All),
    ("unrestricted_read", All),
    ("call", All),
];

/// Users' documents.
static DOCUMENT: Kind = Kind {
    coll: None,
    name: "Document",
    mask: &[
        ("data", All),
        ("constraints", All),
        ("ttl", All),
        ("credentials", Fields(&[("hashed_password", All)])),
    ],
    hidden: &[],
    fixed: &[],
    kept: &[],
    kept_by_replace: &[],
    is_schema: false,
    in_container: false,
};

static NATIVE: [Kind; 9] = [
    Kind {
        coll: Some(native::DATABASE),
        name: "Database",
        mask: &[
            ("data", All),
            ("name", All),
            ("priority", All),
            ("container", All),
            ("typechecked", All),
            ("protected", All),
        ],
        hidden: &[
            "scope",
            "account",
            "disabled",
            "active_schema_version",
            "native_schema_version",
            "mvt_pins",
            "mvt_pin_ts",
            "region_group",
            "api_version",
        ],
        fixed: &[],
        kept: &[
            "scope",
            "global_id",
            "disabled",
            "active_schema_version",
            "native_schema_version",
            "mvt_pins",
            "mvt_pin_ts",
            "region_group",
            "api_version",
        ],
        kept_by_replace: &["name"],
        is_schema: true,
        in_container: true,
    },
    Kind {
        coll: Some(native::COLLECTION),
        name: "Collection",
        mask: &[
            ("data", All),
            ("history_days", All),
            ("ttl_days", All),
            ("name", All),
        ],
        hidden: &[
            "has_class_index",
            "backingIndexes",
            "internal_signatures",
            "internal_migrations",
            "min_valid_time",
            "migrations",
            native::ORDER,
        ],
        fixed: &[],
        kept: &[
            "backingIndexes",
            "internal_signatures",
            "internal_migrations",
            "computed_fields",
            "fields",
            "migrations",
            "indexes",
            "constraints",
            "alias",
            "wildcard",
            "document_ttls",
            "min_valid_time",
            native::ORDER,
        ],
        kept_by_replace: &["name", "history_days"],
        is_schema: true,
        in_container: false,
    },
    Kind {
        coll: Some(native::LEGACY_INDEX),
        name: "Index",
        mask: &[
            ("data", All),
            ("name", All),
            ("source", All),
            ("terms", Each(TERM)),
            ("values", Each(TERM)),
            ("active", All),
            ("partitions", All),
            ("unique", All),
            ("serialized", All),
        ],
        hidden: &["hidden", "backing"],
        fixed: &[],
        kept: &["hidden", "backing"],
        kept_by_replace: &["name", "unique"],
        is_schema: true,
        in_container: false,
    },
    Kind {
        coll: Some(native::KEY),
        name: "Key",
        mask: &[
            ("data", All),
            ("role", All),
            ("database", All),
            ("priority", All),
            ("ttl", All),
            ("hashed_secret", All),
        ],
        hidden: &[],
        fixed: &["hashed_secret"],
        kept: &[],
        kept_by_replace: &["hashed_secret"],
        is_schema: false,
        in_container: true,
    },
    Kind {
        coll: Some(native::TOKEN),
        name: "Token",
        mask: &[
            ("data", All),
            ("constraints", All),
            ("ttl", All),
            ("instance", All),
            ("hashed_secret", All),
        ],
        hidden: &["global_id"],
        fixed: &[],
        kept: &["global_id"],
        kept_by_replace: &[],
        is_schema: false,
        in_container: false,
    },
    Kind {
        coll: Some(native::CREDENTIAL),
        name: "Credentials",
        mask: &[
            ("data", All),
            ("constraints", All),
            ("ttl", All),
            ("instance", All),
            ("hashed_password", All),
        ],
        hidden: &[],
        fixed: &[],
        kept: &[],
        kept_by_replace: &[],
        is_schema: false,
        in_container: false,
    },
    Kind {
        coll: Some(native::FUNCTION),
        name: "Function",
        mask: &[
            ("data", All),
            ("name", All),
            ("role", All),
            ("body", All),
            ("signature", All),
        ],
        hidden: &["internal_sig", native::ORDER],
        fixed: &[],
        kept: &["internal_sig", "alias", native::ORDER],
        kept_by_replace: &["name"],
        is_schema: true,
        in_container: false,
    },
    Kind {
        coll: Some(native::ROLE),
        name: "Role",
        mask: &[
            ("data", All),
            ("name", All),
            ("membership", Each(&[("resource", All), ("predicate", All)])),
            (
                "privileges",
                Each(&[("resource", All), ("actions", Fields(ACTIONS))]),
            ),
        ],
        hidden: &[native::ORDER],
        fixed: &[],
        kept: &[native::ORDER],
        kept_by_replace: &["name"],
        is_schema: true,
        in_container: true,
    },
    Kind {
        coll: Some(native::ACCESS_PROVIDER),
        name: "other",
        mask: &[
            ("data", All),
            ("name", All),
            ("issuer", All),
            ("jwks_uri", All),
            ("roles", All),
        ],
        hidden: &[native::ORDER],
        fixed: &[],
        kept: &["audience", native::ORDER],
        kept_by_replace: &["name", "issuer", "jwks_uri", "roles"],
        is_schema: true,
        in_container: true,
    },
];

/// What there is to know of the documents of a collection; `None` for native collections that FQL v4 does not know.
pub fn kind(coll: CollId) -> Option<&'static Kind> {
    match native::is_native(coll) {
        true => NATIVE.iter().find(|kind| kind.coll == Some(coll)),
        false => Some(&DOCUMENT),
    }
}

/// Fields that FQL v4 calls otherwise: as stored, and as it calls them.
fn renamed(coll: CollId) -> Option<(&'static str, &'static str)> {
    [native::TOKEN, native::CREDENTIAL]
        .contains(&coll)
        .then_some(("document", "instance"))
}

/// The layout of a version.
pub fn layout(coll: CollId, version: &Version) -> Object {
    layout_of(coll, &version.object(), version.ttl)
}

/// The layout of stored fields.
pub fn layout_of(coll: CollId, stored: &Object, ttl: Option<Time>) -> Object {
    let mut out = Object::new();
    if native::is_native(coll) {
        for (name, value) in stored.iter() {
            let name = match renamed(coll) {
                Some((from, to)) if &**name == from => to.into(),
                _ => name.clone(),
            };
            out.insert(name, value.clone());
        }
    } else if !stored.is_empty() {
        out.insert("data", Value::object(stored.clone()));
    }
    if let Some(ttl) = ttl {
        out.insert("ttl", Value::Time(ttl));
    }
    out
}

/// What is stored of a layout, and when it expires. `now` stands for the time of the transaction.
pub fn stored(coll: CollId, mut layout: Object, now: Time) -> (Object, Option<Time>) {
    let ttl = match layout.remove("ttl") {
        Some(Value::Time(time)) => Some(time),
        Some(Value::TransactionTime) => Some(now),
        Some(_) | None => None,
    };
    if !native::is_native(coll) {
        let data = match layout.remove("data") {
            Some(Value::Object(data)) => (*data).clone(),
            Some(_) | None => Object::new(),
        };
        return (data, ttl);
    }
    let Some((to, from)) = renamed(coll) else {
        return (layout, ttl);
    };
    let fields = layout.iter().map(|(name, value)| {
        let name = if &**name == from {
            to.into()
        } else {
            name.clone()
        };
        (name, value.clone())
    });
    (fields.collect(), ttl)
}

impl Kind {
    /// What of the parameters of a write counts as far as the system's own fields go.
    pub fn writable(&self, mut params: Object, creates: bool) -> Object {
        for name in self.kept {
            params.remove(name);
        }
        if !creates {
            for name in self.fixed {
                params.remove(name);
            }
        }
        params
    }

    /// What a replace starts from.
    pub fn before_replace(&self, before: &Object) -> Object {
        let keeps = |name: &str| {
            [self.kept, self.fixed, self.kept_by_replace]
                .iter()
                .any(|names| names.contains(&name))
        };
        let fields = before.iter().filter(|(name, _)| keeps(name));
        fields
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The fields that are shown, of a layout.
    pub fn visible(&self, layout: &Object) -> Object {
        let is_empty = |value: &Value| match value {
            Value::Object(object) => object.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        let fields = layout.iter().filter(|(name, value)| {
            // FQL v10 completes its definitions with these.
            let unused = self.coll == Some(native::COLLECTION)
                && ["indexes", "constraints"].contains(&&***name)
                && is_empty(value);
            !self.hidden.contains(&&***name) && !unused && !value.is_null()
        });
        fields
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}
