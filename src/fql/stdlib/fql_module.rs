//! The modules `FQL` and `FQL.Schema` (`spec fql10-stdlib 12`).
//!
//! `FQL` has every global as a member too; the evaluator looks them up among the globals, so they are not
//! declared again.

use super::{field, method, text};
use crate::fql::interp::{Failure, Interp, Result, Shape};
use crate::model::native;
use crate::model::schema::Item;
use crate::value::{DocId, Module, Value};

pub(super) static SHAPES: &[&Shape] = &[
    &Shape {
        name: "FQLModule",
        alias: None,
        about: "All of the language's globals, and `Schema`.",
        members: &[
            field(
                "Schema",
                "FQL.SchemaModule",
                |_, _| Ok(Value::Module(Module::Native("FQL.Schema"))),
                "Questions about the schema.",
                "FQL.Schema",
            ),
            // Typed, and switched off (`spec fql10-stdlib 17`).
            method(
                "evalV4",
                &["(expr: { *: Any }) => Any"],
                |_, _, _| {
                    Err(Failure::new(
                        "invalid_function_invocation",
                        "The function `evalV4` does not exist on `FQL`",
                    ))
                },
                "",
                "",
            ),
        ],
    },
    &Shape {
        name: "FQL.SchemaModule",
        alias: None,
        about: "Questions about the schema.",
        members: &[method(
            "defForIdentifier",
            &["(ident: String) => Any"],
            definition,
            "The definition of the collection or function of that name, or null.",
            "FQL.Schema.defForIdentifier('Nothing')",
        )],
    },
];

fn definition(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let schema = me.txn.schema().clone();
    Ok(match schema.item(text(args.first())) {
        Some(Item::Collection(collection)) => {
            let id = i64::try_from(collection.id.0).unwrap_or(-1);
            Value::Doc(me.doc(native::COLLECTION, DocId(id)))
        }
        Some(Item::Function(function)) => Value::Doc(me.doc(native::FUNCTION, function.id)),
        None => me.nothing(),
    })
}
