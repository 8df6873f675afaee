//! Methods of documents, and of collections as far as they write or refer to documents (`spec fql10-data 2, 3`).
//!
//! Native collections have most of them too; their shapes name their own types, see the functions of this file.

use crate::fql::interp::{
    Change, Effect, Failure, Interp, Member, MemberKind, Result, Shape, WriteMode,
};
use crate::model::native;
use crate::value::{CollId, Doc, DocId, DocKey, Module, NullReason, Object, Value};
use std::sync::Arc;

/// `C.create(data)`
pub const fn create(overloads: &'static [&'static str], example: &'static str) -> Member {
    Member {
        name: "create",
        kind: MemberKind::Method {
            overloads,
            call: create_document,
        },
        effect: Effect::Write,
        about: "Creates a document.",
        example,
    }
}

/// `C.byId(id)`
pub const fn by_id(overloads: &'static [&'static str]) -> Member {
    Member {
        name: "byId",
        kind: MemberKind::Method {
            overloads,
            call: reference,
        },
        effect: Effect::Read,
        about: "A reference to the document of that id, whether it exists or not.",
        example: "",
    }
}

/// `C(id)`
pub const fn apply(overloads: &'static [&'static str]) -> Member {
    Member {
        name: "apply",
        kind: MemberKind::Method {
            overloads,
            call: reference,
        },
        effect: Effect::Pure,
        about: "A reference to the document of that id, whether it exists or not.",
        example: "",
    }
}

/// `doc.coll`, for the typer; the evaluator answers it for missing documents too.
pub const fn collection_of(types: &'static [&'static str]) -> Member {
    Member {
        name: "coll",
        kind: MemberKind::Static { types },
        effect: Effect::Pure,
        about: "The collection of the document.",
        example: "",
    }
}

/// `doc.exists()`: a document's type says that it does, a missing one's that it does not.
pub const EXISTS: Member = Member {
    name: "exists",
    kind: MemberKind::Method {
        overloads: &["() => true"],
        call: exists,
    },
    effect: Effect::Read,
    about: "Whether the document exists and may be read.",
    example: "",
};

/// `doc[key]`
pub const INDEX: Member = Member {
    name: "[]",
    kind: MemberKind::Method {
        overloads: &["(key: String) => Any"],
        call: field_by_name,
    },
    // Reading the field is what needs a read; `id` and the like do not.
    effect: Effect::Pure,
    about: "The field of that name, or null.",
    example: "",
};

/// `doc.update(fields)`
pub const fn update(overloads: &'static [&'static str]) -> Member {
    Member {
        name: "update",
        kind: MemberKind::Method {
            overloads,
            call: |me, this, args| change(me, this, args, Change::Update, WriteMode::Fields),
        },
        effect: Effect::Write,
        about: "Merges fields into the document; null removes one.",
        example: "",
    }
}

/// `doc.replace(fields)`
pub const fn replace(overloads: &'static [&'static str]) -> Member {
    Member {
        name: "replace",
        kind: MemberKind::Method {
            overloads,
            call: |me, this, args| change(me, this, args, Change::Replace, WriteMode::Fields),
        },
        effect: Effect::Write,
        about: "Puts these fields in place of all fields of the document.",
        example: "",
    }
}

/// `doc.delete()`
pub const fn delete(overloads: &'static [&'static str]) -> Member {
    Member {
        name: "delete",
        kind: MemberKind::Method {
            overloads,
            call: delete_document,
        },
        effect: Effect::Write,
        about: "Deletes the document.",
        example: "",
    }
}

/// `C.toString()`
pub const TO_STRING: Member = Member {
    name: "toString",
    kind: MemberKind::Method {
        overloads: &["() => String"],
        call: collection_name,
    },
    effect: Effect::Pure,
    about: "The name of the collection.",
    example: "",
};

/// The shapes of user-defined collections and their documents.
pub static SHAPES: &[&Shape] = &[
    &Shape {
        name: "UserCollection",
        alias: None,
        about: "A user-defined collection.",
        members: &[
            create(&["(data: { *: Any }) => Any"], ""),
            Member {
                name: "createData",
                kind: MemberKind::Method {
                    overloads: &["(data: { *: Any }) => Any"],
                    call: create_data,
                },
                effect: Effect::Write,
                about: "Creates a document of which everything given is user data.",
                example: "",
            },
            by_id(&["(id: ID) => Any"]),
            apply(&["(id: ID) => Any"]),
            TO_STRING,
            Member {
                name: "definition",
                kind: MemberKind::Field {
                    ty: "CollectionDef",
                    get: definition,
                },
                effect: Effect::Read,
                about: "The collection's definition.",
                example: "",
            },
        ],
    },
    &Shape {
        name: "UserDocument",
        alias: None,
        about: "A document of a user-defined collection.",
        members: &[
            INDEX,
            EXISTS,
            update(&["(data: { *: Any }) => Any"]),
            replace(&["(data: { *: Any }) => Any"]),
            Member {
                name: "updateData",
                kind: MemberKind::Method {
                    overloads: &["(data: { *: Any }) => Any"],
                    call: |me, this, args| change(me, this, args, Change::Update, WriteMode::Data),
                },
                effect: Effect::Write,
                about: "Merges user data into the document.",
                example: "",
            },
            Member {
                name: "replaceData",
                kind: MemberKind::Method {
                    overloads: &["(data: { *: Any }) => Any"],
                    call: |me, this, args| change(me, this, args, Change::Replace, WriteMode::Data),
                },
                effect: Effect::Write,
                about: "Puts this user data in place of that of the document.",
                example: "",
            },
            delete(&["() => Any"]),
        ],
    },
    &Shape {
        name: "DeletedCollection",
        alias: None,
        about: "Stands for a collection that is gone.",
        members: &[],
    },
];

/// The collection that the receiver is.
pub fn collection(this: &Value) -> Result<CollId> {
    match this {
        Value::Module(Module::Collection { id, .. }) => Ok(*id),
        other => Err(Failure::type_mismatch("Collection", other)),
    }
}

/// The document that the receiver is.
pub fn document(this: &Value) -> Result<&Arc<Doc>> {
    match this {
        Value::Doc(doc) => Ok(doc),
        other => Err(Failure::type_mismatch("Document", other)),
    }
}

/// The object that an argument is.
pub fn object(args: &[Value], index: usize) -> Result<&Arc<Object>> {
    match args.get(index) {
        Some(Value::Object(object)) => Ok(object),
        other => Err(Failure::argument_type(
            "data",
            "{ *: Any }",
            other.unwrap_or(&Value::NULL),
        )),
    }
}

fn create_document(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    me.create_document(collection(this)?, object(args, 0)?, WriteMode::Fields)
        .map(Value::Doc)
}

fn create_data(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    me.create_document(collection(this)?, object(args, 0)?, WriteMode::Data)
        .map(Value::Doc)
}

fn change(
    me: &mut Interp,
    this: &Value,
    args: &[Value],
    change: Change,
    mode: WriteMode,
) -> Result {
    me.change_document(document(this)?, change, object(args, 0)?, mode)
}

fn delete_document(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    me.delete_document(document(this)?)
}

fn reference(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let id = match args.first() {
        Some(Value::Id(id)) => DocId(*id),
        other => {
            return Err(Failure::argument_type(
                "id",
                "ID",
                other.unwrap_or(&Value::NULL),
            ));
        }
    };
    Ok(Value::Doc(me.doc(collection(this)?, id)))
}

fn field_by_name(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let Some(Value::String(name)) = args.first() else {
        return Err(Failure::argument_type(
            "key0",
            "String",
            args.first().unwrap_or(&Value::NULL),
        ));
    };
    match me.doc_member(this, document(this)?, name)? {
        Some(value) => Ok(value),
        None => {
            let reason = NullReason::MissingField {
                field: name.clone(),
                of: this.type_name(),
            };
            Ok(me.null(reason))
        }
    }
}

fn exists(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    Ok(Value::Bool(me.missing(document(this)?)?.is_none()))
}

fn collection_name(_: &mut Interp, this: &Value, _: &[Value]) -> Result {
    match this {
        Value::Module(Module::Collection { name, .. }) => Ok(Value::String(name.clone())),
        other => Err(Failure::type_mismatch("Collection", other)),
    }
}

fn definition(me: &mut Interp, this: &Value) -> Result {
    let id = collection(this)?;
    let definition = DocId(i64::try_from(id.0).unwrap_or(-1));
    Ok(Value::Doc(me.doc(native::COLLECTION, definition)))
}

/// A reference to the document of that name.
pub fn by_name(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let coll = collection(this)?;
    let name = match args.first() {
        Some(Value::String(name)) => name.clone(),
        other => {
            return Err(Failure::argument_type(
                "name",
                "String",
                other.unwrap_or(&Value::NULL),
            ));
        }
    };
    let key = match me.txn.by_name(coll, &name, me.at)? {
        Some(id) => DocKey::Id(id),
        None => DocKey::Name(name),
    };
    Ok(Value::Doc(Arc::new(Doc {
        coll,
        key,
        at: me.at,
        deleted: false,
        named: true,
        cover: None,
    })))
}
