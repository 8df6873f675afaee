//! Definitions that cannot be.

use super::run;

#[test]
fn hostile_definitions() {
    run(&[
        ("Collection.create()", "invalid_function_invocation"),
        ("Collection.create({})", "constraint_failure"),
        ("Collection.create({ name: 1 })", "constraint_failure"),
        ("Collection.create({ name: '' })", "constraint_failure"),
        ("Collection.create({ name: 'a b' })", "constraint_failure"),
        ("Collection.create({ name: 'Item' })", "constraint_failure"),
        ("Collection.create({ name: 'Math' })", "constraint_failure"),
        ("Collection.create({ name: @100000*x@ })", "invalid_request"),
        (
            "Collection.create({ name: \"A#{newId()}\", indexes: 1 })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", indexes: { i: 1 } })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", indexes: { all: {} } })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", indexes: { i: { terms: [] } } })",
            "ok",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", indexes: { i: { terms: [{ field: '' }] } } })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", indexes: { i: { terms: [{ field: '.[' }] } } })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", indexes: { i: { terms: [{ field: @10000*.a@ }] } } })",
            "invalid_schema",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", indexes: { i: { values: [{ field: 'a', order: 'up' }] } } })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", constraints: [{ unique: [] }] })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", constraints: [{ check: { name: 'c', body: 'x =>' } }] })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", constraints: [{ nope: 1 }] })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", computed_fields: { id: { body: 'd => 1' } } })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", computed_fields: { c: { body: '(' } } })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", computed_fields: { c: { body: @100000*(@ } } })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", fields: { a: { signature: 'Nope' } } })",
            "invalid_schema",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", fields: { a: { signature: @30000*Array<@ } } })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", fields: { a: { signature: @50*[@ + 'Int' + @50*]@ } } })",
            "ok",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", fields: { a: { signature: 'Int', default: \"'x'\" } } })",
            "invalid_schema",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", fields: Object.fromEntries(Array.sequence(0, 100).map(i => ['f' + i.toString(), { signature: 'Int?' }])) })",
            "ok",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", history_days: -1 })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", history_days: 9223372036854775807 })",
            "ok",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", ttl_days: 'x' })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: \"A#{newId()}\", migrations: [{ drop: 1 }] })",
            "constraint_failure",
        ),
        (
            "Collection.create({ name: 'Zed', alias: 'Zed' })",
            "invalid_schema",
        ),
        (
            "Item.definition.update({ name: 'Kept' })",
            "constraint_failure",
        ),
        (
            "Item.definition.update({ name: null })",
            "constraint_failure",
        ),
        (
            "Item.definition.update({ indexes: { byGroup: 7 } })",
            "constraint_failure",
        ),
        ("Collection.byName('Nope')!.delete()", "document_not_found"),
        ("Collection.byName(1)", "invalid_argument"),
        (
            "Function.create({ name: \"F#{newId()}\", body: 'x =>' })",
            "constraint_failure",
        ),
        (
            "Function.create({ name: \"F#{newId()}\", body: '1' })",
            "constraint_failure",
        ),
        (
            "Function.create({ name: \"F#{newId()}\", body: 'x => x', signature: '(' })",
            "constraint_failure",
        ),
        (
            "Function.create({ name: \"F#{newId()}\", body: 'x => x', role: 'nope' })",
            "constraint_failure",
        ),
        (
            "Function.create({ name: \"F#{newId()}\", body: 'x => ' + @900*[@ + @900*]@ })",
            "invalid_schema",
        ),
        (
            "Role.create({ name: \"R#{newId()}\", privileges: 1 })",
            "constraint_failure",
        ),
        (
            "Role.create({ name: \"R#{newId()}\", privileges: [{ resource: 'Nope', actions: { read: true } }] })",
            "invalid_schema",
        ),
        (
            "Role.create({ name: \"R#{newId()}\", membership: [{ resource: 'Item', predicate: '(' }] })",
            "constraint_failure",
        ),
        ("Key.create({ role: 'nope' })", "constraint_failure"),
        ("Key.create({ role: 1 })", "constraint_failure"),
        (
            "Key.create({ role: 'server', database: 'Nope' })",
            "constraint_failure",
        ),
        ("Database.create({ name: 'a/b' })", "constraint_failure"),
        ("Database.create({ name: '' })", "constraint_failure"),
        ("Token.create({})", "constraint_failure"),
        ("Token.create({ document: 1 })", "constraint_failure"),
        (
            "Credentials.create({ document: Item(1), password: 1 })",
            "constraint_failure",
        ),
        ("Credentials.byDocument(1)", "invalid_argument"),
    ]);
}
