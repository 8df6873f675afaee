use super::{canonical, items, parsed};
use crate::fsl::definition;
use crate::value::Value;

/// A value of a definition in one line.
fn shown(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Long(value) => format!("{value}L"),
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(object) => {
            let fields = object.iter();
            let fields: Vec<String> = fields
                .map(|(key, value)| format!("{key}: {}", shown(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => panic!("{other:?}"),
    }
}

/// The definition of the only item of a text.
#[track_caller]
fn defines(text: &str, expected: &str) {
    let file = parsed(text);
    let [item] = file.items.as_slice() else {
        panic!("{text}");
    };
    let fields = Value::object(definition(item));
    assert_eq!(shown(&fields), expected, "{text}");
}

#[test]
fn collections() {
    defines(
        "collection A {}",
        "{name: 'A', history_days: 0, indexes: {}, constraints: []}",
    );
    defines(
        "@alias('b-c') collection A { history_days 9223372036854775807; ttl_days 3\ndocument_ttls false }",
        "{name: 'A', alias: 'b-c', history_days: 9223372036854775807L, ttl_days: 3, document_ttls: false, indexes: {}, constraints: []}",
    );
    defines(
        "collection A { b: Int|String = 1+2\n compute c: Number = doc=>doc.b\n compute d = (.b)\n *:Any\n e: { f: Int=1, 'g h': (Int) } }",
        "{name: 'A', history_days: 0, indexes: {}, constraints: [], wildcard: 'Any', \
         computed_fields: {c: {body: '(doc) => doc.b', signature: 'Number'}, d: {body: '(.b)'}}, \
         fields: {b: {signature: 'Int | String', default: '1 + 2'}, e: {signature: '{ f: Int = 1, \"g h\": Int }'}}}",
    );
    defines(
        "collection A { check ok (x => x.b)\n unique [.b, mva(.c[\"d e\"][0])]\n index f { values [desc(mva(.b)), asc(.c), mva(desc(.d))]; terms [.['b']] } }",
        "{name: 'A', history_days: 0, \
         indexes: {f: {terms: [{field: '.b', mva: false}], values: [{field: '.b', order: 'desc', mva: true}, \
         {field: '.c', order: 'asc', mva: false}, {field: '.d', order: 'desc', mva: true}]}}, \
         constraints: [{unique: [{field: '.b', mva: false}, {field: '.c[\"d e\"][0]', mva: true}]}, {check: {name: 'ok', body: '(x) => x.b'}}]}",
    );
    defines(
        "collection A { migrations { add .a; backfill .a = x( 1 ); drop .b\n move .c -> .d; split .e -> .e, .f\n move_conflicts .g; move_wildcard .g; add_wildcard } }",
        "{name: 'A', history_days: 0, indexes: {}, constraints: [], migrations: [{add: {field: '.a'}}, \
         {backfill: {field: '.a', value: 'x(1)'}}, {drop: {field: '.b'}}, {move: {field: '.c', to: '.d'}}, \
         {split: {field: '.e', to: ['.e', '.f']}}, {move_conflicts: {into: '.g'}}, {move_wildcard: {into: '.g'}}, {add_wildcard: {}}]}",
    );
}

#[test]
fn functions() {
    defines(
        "@role(server) @alias(g) function f(a, ...b) { let c = a\n c }",
        "{name: 'f', body: '(a, ...b) => {\n  let c = a\n  c\n}', alias: 'g', role: 'server'}",
    );
    defines(
        "function f(a: Int, ...b: String): Any { a }",
        "{name: 'f', body: '(a, ...b) => {\n  a\n}', signature: '(a: Int, b: ...String) => Any'}",
    );
    defines(
        "function f(): Int { 1 };",
        "{name: 'f', body: '() => {\n  1\n}', signature: '() => Int'}",
    );
}

#[test]
fn roles_and_providers() {
    defines(
        "role R { privileges A { read { predicate (.b) }; call }; privileges 'c d' {}\n membership U; membership V { predicate ((u, v) => true) } }",
        "{name: 'R', privileges: [{resource: 'A', actions: {read: '(.b)', call: true}}, {resource: 'c d'}], \
         membership: [{resource: 'U'}, {resource: 'V', predicate: '(u, v) => true'}]}",
    );
    defines("role R {}", "{name: 'R', privileges: [], membership: []}");
    defines(
        "access provider P { jwks_uri \"u\"; role A; role B { predicate (x => x) }\nissuer 'i' }",
        "{name: 'P', issuer: 'i', jwks_uri: 'u', roles: ['A', {role: 'B', predicate: '(x) => x'}]}",
    );
}

/// Where items begin and end, and which comments belong to them.
#[test]
fn spans() {
    let text = "// head\n\n// about A\n/* more */\n@alias(B)\ncollection A {\n} ; ;\n\n  // indented\n  function f() { 1 };\n/* d */\nrole R {}";
    let file = parsed(text);
    let texts: Vec<&str> = file.items.iter().map(|item| item.text()).collect();
    assert_eq!(
        texts,
        [
            "// about A\n/* more */\n@alias(B)\ncollection A {\n} ; ;",
            "function f() { 1 }",
            "/* d */\nrole R {}"
        ]
    );
    let doc = file.items[0]
        .doc
        .map(|doc| &text[doc.start as usize..doc.end as usize]);
    assert_eq!(doc, Some("// about A\n/* more */\n"));
    assert_eq!(file.items[1].doc, None);
}

/// Texts that are in canonical form.
#[test]
fn canonical_texts() {
    for text in [
        "collection A {\n}\n",
        "@alias(B)\ncollection A {\n  a: Int = 1\n  compute c: Number = (doc) => doc.a\n  *: Any\n  index b {\n    terms [.a, mva(.[\"b c\"][0])]\n    values [desc(mva(.c)), .d]\n  }\n  unique [.a]\n  check ok ((doc) => doc.a > 0)\n  history_days 3\n  ttl_days 4\n  document_ttls true\n  migrations {\n    add .a\n    backfill .a = 1\n    split .a -> .a, .b\n  }\n}\n",
        "@alias(g)\n@role(server)\nfunction f(a: Int, ...b: String): Any {\n  let c = {\n    d: a\n  }\n  c\n}\n",
        "role R {\n  privileges A {\n    read {\n      predicate ((x) => {\n        x.y\n      })\n    }\n    write\n  }\n  membership U\n}\n",
        "access provider P {\n  issuer \"i\"\n  jwks_uri \"u\"\n  role A {\n    predicate ((x) => true)\n  }\n}\n",
        "collection A {\n}\n\n@alias(B)\nfunction A() {\n  1\n}\n",
        "collection \"a-b\" {\n}\n",
    ] {
        let file = parsed(text);
        assert_eq!(canonical(&items(&file)), text);
    }
}
