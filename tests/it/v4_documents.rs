//! Documents, definitions, logins and permissions of FQL v4, and the two languages side by side, after the cases of the
//! original's specifications.

use fql::engine::schema_files::{SchemaBody, SchemaCall, SchemaRequest, Upload};
use fql::engine::{Engine, LegacyRequest, Request, Session};
use fql::fql4::read::Json as Wire;
use fql::fql4::text::to_wire;
use fql::value::format::Format;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Someone who queries a database.
struct User {
    session: Session,
    engine: Arc<Engine>,
}

/// The root key of a new store.
fn owner() -> User {
    let engine = Engine::memory().expect("an engine");
    User {
        session: engine.root(),
        engine,
    }
}

impl User {
    /// Someone with a secret.
    fn with(&self, secret: &Json) -> User {
        User {
            session: self.engine.with_secret(secret.as_str().expect("a secret")),
            engine: self.engine.clone(),
        }
    }

    /// Someone with a new key.
    fn keyed(&self, key: &str) -> User {
        self.with(&self.run(&format!("CreateKey({key})"))["secret"])
    }

    fn ask(&self, text: &str) -> Result<Json, Json> {
        let wire = to_wire(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let request = LegacyRequest::new(Wire::from(&wire));
        match self.session.query_legacy(&request).result {
            Ok(text) => Ok(serde_json::from_str(&text).expect("JSON")),
            Err(failure) => Err(failure.entries().into()),
        }
    }

    fn run(&self, text: &str) -> Json {
        self.ask(text)
            .unwrap_or_else(|errors| panic!("{text}: {errors}"))
    }

    /// The position, code and description of the first error.
    fn error(&self, text: &str) -> Json {
        match self.ask(text) {
            Ok(value) => panic!("{text}: {value}"),
            Err(errors) => {
                let error = &errors[0];
                json!([error["position"], error["code"], error["description"]])
            }
        }
    }

    /// The code of the first error.
    fn code(&self, text: &str) -> String {
        self.error(text)[1].as_str().unwrap_or_default().to_string()
    }

    /// The failures of a validation: field, code and description.
    fn failures(&self, text: &str) -> Json {
        match self.ask(text) {
            Ok(value) => panic!("{text}: {value}"),
            Err(errors) => {
                assert_eq!(errors[0]["code"], "validation failed", "{text}: {errors}");
                assert_eq!(
                    errors[0]["description"], "document data is not valid.",
                    "{text}"
                );
                let failures = errors[0]["failures"].as_array().into_iter().flatten();
                failures
                    .map(|failure| {
                        let field = failure["field"].as_array().expect("a path");
                        let field: Vec<_> = field.iter().filter_map(Json::as_str).collect();
                        json!([field.join("."), failure["code"], failure["description"]])
                    })
                    .collect()
            }
        }
    }

    /// Runs a query of FQL v10.
    fn run_v10(&self, text: &str) -> String {
        let outcome = self.session.query(&Request::text(text));
        match outcome.result {
            Ok(value) => value.to_text(Format::Simple),
            Err(_) => panic!("{text}: {}", outcome.summary),
        }
    }

    /// The code and message of an error of FQL v10.
    fn error_v10(&self, text: &str) -> (String, String) {
        match self.session.query(&Request::text(text)).result {
            Ok(value) => panic!("{text}: {}", value.to_text(Format::Simple)),
            Err(error) => (error.code.to_string(), error.message),
        }
    }
}

const DENIED: &str = "Insufficient privileges to perform the action.";

#[test]
fn updates_patch_and_replacements_replace() {
    let db = owner();
    db.run("CreateCollection({ name: 'spells' })");
    let fields = |text: &str| db.run(&format!("Select('data', {text}, null)"));
    let spell = "Ref(Collection('spells'), 1)";
    db.run("Create(Ref(Collection('spells'), 1), { data: { name: 'fire', in: { a: 1, b: 2 } } })");
    assert_eq!(
        fields(&format!(
            "Update({spell}, {{ data: {{ cost: 5, in: {{ a: null, c: 3 }} }} }})"
        )),
        json!({ "name": "fire", "cost": 5, "in": { "b": 2, "c": 3 } })
    );
    assert_eq!(
        fields(&format!("Replace({spell}, {{ data: {{ a: 1 }} }})")),
        json!({ "a": 1 })
    );
    assert_eq!(fields(&format!("Replace({spell}, {{}})")), Json::Null);
    assert_eq!(
        db.error("Create(Ref(Collection('spells'), 1), {})"),
        json!([
            ["create"],
            "instance already exists",
            "Document already exists."
        ])
    );
    assert_eq!(
        db.error("Replace(Ref(Collection('spells'), 2), {})"),
        json!([["replace"], "instance not found", "Document not found."])
    );
    db.run(&format!("Delete({spell})"));
    assert_eq!(
        db.error(&format!("Delete({spell})")),
        json!([[], "instance not found", "Document not found."])
    );
    assert_eq!(db.run(&format!("Exists({spell})")), json!(false));
    assert_eq!(
        db.error("Update(Collections(), {})"),
        json!([
            ["update"],
            "invalid argument",
            "Cannot update a schema meta collection."
        ])
    );
    assert_eq!(
        db.error("Delete(Collections())"),
        json!([
            ["delete"],
            "invalid argument",
            "Cannot delete a schema meta collection."
        ])
    );
    assert_eq!(
        db.error("Create('nix', {})"),
        json!([
            ["create"],
            "invalid ref",
            "Ref refers to undefined collection 'nix'"
        ])
    );
}

#[test]
fn what_is_wrong_with_a_document_is_told_by_field() {
    let db = owner();
    db.run("CreateCollection({ name: 'c' })");
    let invalid = "Invalid type";
    for (query, field, code, description) in [
        (
            "Create(Collection('c'), { data: 1 })",
            "data",
            "invalid type",
            format!("{invalid} Long, expected type Map."),
        ),
        (
            "Create(Collection('c'), { data: { a: [Collection('nix')] } })",
            "data.a.0",
            "invalid reference",
            "Cannot read reference.".into(),
        ),
        (
            "[Create(Collection('c'), { data: { a: Collection('nix') } })]",
            "0.data.a",
            "invalid reference",
            "Cannot read reference.".into(),
        ),
        (
            "CreateCollection({ name: '_' })",
            "name",
            "reserved name",
            String::new(),
        ),
        (
            "CreateCollection({ name: 'a b' })",
            "name",
            "invalid characters",
            String::new(),
        ),
        (
            "CreateCollection({})",
            "name",
            "value required",
            "Required value not found.".into(),
        ),
        (
            "CreateIndex({ name: 'i' })",
            "source",
            "value required",
            "Required value not found.".into(),
        ),
        (
            "CreateFunction({ name: 'f' })",
            "body",
            "value required",
            "Required value not found.".into(),
        ),
        (
            "CreateRole({ name: 'r', privileges: { resource: 'c', actions: { read: true } } })",
            "privileges.resource",
            "invalid type",
            format!("{invalid} String, expected type Ref."),
        ),
        (
            "CreateRole({ name: 'r', privileges: { resource: Collection('c'), \
             actions: { read: Query(Lambda(['a', 'b'], true)) } } })",
            "privileges.actions.read",
            "invalid arity",
            "Found lambda with arity 2 expected 1".into(),
        ),
        (
            "CreateAccessProvider({ name: 'a', issuer: 'i', jwks_uri: 'http://h/' })",
            "jwks_uri",
            "invalid uri",
            "`http://h/` is a not valid URI".into(),
        ),
        (
            "Create(Credentials(), { password: 'x' })",
            "instance",
            "value required",
            "Required value not found.".into(),
        ),
    ] {
        let failures = db.failures(query);
        assert_eq!(failures[0][0], field, "{query}: {failures}");
        assert_eq!(failures[0][1], code, "{query}: {failures}");
        if !description.is_empty() {
            assert_eq!(failures[0][2], description, "{query}");
        }
    }
    for (query, key, what) in [
        (
            "CreateCollection({ name: 'c' })",
            "create_collection",
            "Collection",
        ),
        (
            "CreateDatabase({ name: 'c' })",
            "create_database",
            "Database",
        ),
        (
            "CreateRole({ name: 'c', privileges: [] })",
            "create_role",
            "Role",
        ),
        (
            "CreateIndex({ name: 'i', source: Collection('c') })",
            "create_index",
            "Index",
        ),
    ] {
        let _ = db.ask(query);
        assert_eq!(
            db.error(query),
            json!([
                [key],
                "instance already exists",
                format!("{what} already exists.")
            ])
        );
    }
}

#[test]
fn references_reach_down_into_databases_and_nothing_is_written_there() {
    let db = owner();
    db.run("CreateDatabase({ name: 'sub' })");
    let sub = db.keyed("{ role: 'admin', database: Database('sub') }");
    sub.run("CreateCollection({ name: 'c' })");
    sub.run("Create(Ref(Collection('c'), 1), { data: { a: 1 } })");
    let scoped = "Ref(Collection('c', Database('sub')), 1)";
    assert_eq!(
        db.run(&format!("Select(['data', 'a'], Get({scoped}))")),
        json!(1)
    );
    assert_eq!(
        db.run(&format!(
            "Select('id', Select(['collection', 'database'], {scoped}))"
        )),
        json!("sub")
    );
    for (query, verb) in [
        (format!("Create({scoped}, {{}})"), "create"),
        (format!("Update({scoped}, {{}})"), "update"),
        (format!("Delete({scoped})"), "delete"),
    ] {
        assert_eq!(
            db.error(&query),
            json!([[verb], "invalid argument", "Cannot write a scoped ref."])
        );
    }
    db.run("CreateCollection({ name: 'own' })");
    assert_eq!(
        db.failures(&format!(
            "Create(Collection('own'), {{ data: {{ a: {scoped} }} }})"
        )),
        json!([["data.a", "invalid reference", "Reference cannot be scoped."]])
    );
    assert_eq!(
        db.error("Collection('c', Database('nix'))"),
        json!([
            ["scope"],
            "invalid ref",
            "Ref refers to undefined database 'nix'"
        ])
    );
}

#[test]
fn the_secret_of_a_key_is_shown_once() {
    let db = owner();
    let key = db.run("CreateKey({ role: 'server', data: { a: 1 } })");
    let names: Vec<_> = key.as_object().expect("an object").keys().collect();
    for name in ["role", "data", "secret", "hashed_secret"] {
        assert!(names.iter().any(|known| *known == name), "{names:?}");
    }
    let secret = key["secret"].as_str().expect("a secret");
    let found = db.run(&format!("KeyFromSecret('{secret}')"));
    assert_eq!(found["ref"], key["ref"]);
    assert!(found.get("secret").is_none());
    assert_eq!(
        db.error("KeyFromSecret('nix')"),
        json!([[], "instance not found", "No key found for secret nix."])
    );
    assert_eq!(
        db.failures("CreateKey({ role: 'nix' })")[0][0],
        json!("role")
    );
    db.with(&key["secret"]).run("1");
    db.run(&format!("Delete(Select('ref', KeyFromSecret('{secret}')))"));
    assert_eq!(db.with(&key["secret"]).code("1"), "unauthorized");
}

#[test]
fn documents_log_in_and_out() {
    let db = owner();
    db.run("CreateCollection({ name: 'users' })");
    let user = "Ref(Collection('users'), 1)";
    let made = db.run(
        "Create(Ref(Collection('users'), 1), { data: { a: 1 }, credentials: { password: 'pw' } })",
    );
    assert!(made.get("credentials").is_none());
    let log_in = || {
        let token = db.run(&format!("Login({user}, {{ password: 'pw' }})"));
        db.with(&token["secret"])
    };
    let one = log_in();
    let itself = db.run(user);
    assert_eq!(
        one.run("[CurrentIdentity(), HasCurrentIdentity(), HasCurrentToken()]"),
        json!([itself, true, true])
    );
    let wrong = "The document was not found or provided password was incorrect.";
    for query in [
        format!("Login({user}, {{ password: 'no' }})"),
        format!("Login({user}, {{}})"),
        "Login(Ref(Collection('users'), 2), { password: 'pw' })".to_string(),
    ] {
        assert_eq!(
            db.error(&query),
            json!([[], "authentication failed", wrong])
        );
    }
    assert_eq!(
        db.run(&format!("[Identify({user}, 'pw'), Identify({user}, 'no')]")),
        json!([true, false])
    );
    assert_eq!(
        db.error("CurrentIdentity()"),
        json!([
            [],
            "missing identity",
            "Authentication does not contain an identity"
        ])
    );
    assert_eq!(one.run("Logout(false)"), json!(true));
    assert_eq!(one.code("1"), "unauthorized");
    let (two, three) = (log_in(), log_in());
    assert_eq!(two.run("Logout(true)"), json!(true));
    assert_eq!(three.code("1"), "unauthorized");
    assert_eq!(db.run("Logout(true)"), json!(false));
    db.run(&format!(
        "Update({user}, {{ credentials: {{ password: 'new' }} }})"
    ));
    assert_eq!(
        db.run(&format!(
            "[Identify({user}, 'pw'), Identify({user}, 'new')]"
        )),
        json!([false, true])
    );
}

#[test]
fn databases_move_with_what_is_in_them() {
    let db = owner();
    for name in ["a", "b"] {
        db.run(&format!(
            "CreateDatabase({{ name: '{name}', data: {{ x: 1 }} }})"
        ));
    }
    let a = db.keyed("{ role: 'admin', database: Database('a') }");
    let b = db.keyed("{ role: 'admin', database: Database('b') }");
    a.run("CreateDatabase({ name: 'in' })");
    a.run("CreateCollection({ name: 'users' })");
    a.run("Create(Ref(Collection('users'), 1), { credentials: { password: 'pw' } })");
    let token = a.run("Login(Ref(Collection('users'), 1), { password: 'pw' })");
    let into = |from: &str, to: &str| {
        format!(
            "Cannot move database '{from}' into parent '{to}': Cannot move database from ancestor to descendant."
        )
    };
    for (query, position, code, description) in [
        (
            "MoveDatabase(Database('a'), Database('a'))",
            json!([]),
            "move database error",
            into("a", "a"),
        ),
        (
            "MoveDatabase(Database('a'), Database('in', Database('a')))",
            json!([]),
            "move database error",
            into("a", "in"),
        ),
        (
            "MoveDatabase(Database('nix'), Database('a'))",
            json!(["move_database"]),
            "invalid ref",
            "Ref refers to undefined database 'nix'".into(),
        ),
        (
            "MoveDatabase(Database('a'), Database('nix'))",
            json!(["to"]),
            "invalid ref",
            "Ref refers to undefined database 'nix'".into(),
        ),
    ] {
        assert_eq!(db.error(query), json!([position, code, description]));
    }
    let server = db.keyed("{ role: 'server' }");
    assert_eq!(
        server.error("MoveDatabase(Database('a'), Database('b'))"),
        json!([[], "permission denied", DENIED])
    );
    b.run("CreateDatabase({ name: 'a' })");
    assert_eq!(
        db.error("MoveDatabase(Database('a'), Database('b'))"),
        json!([[], "instance already exists", "Database already exists."])
    );
    b.run("Delete(Database('a'))");
    let moved = db.run("MoveDatabase(Database('a'), Database('b'))");
    assert_eq!(moved["data"], json!({ "x": 1 }));
    assert_eq!(db.run("Exists(Database('a'))"), json!(false));
    assert_eq!(db.run("Exists(Database('a', Database('b')))"), json!(true));
    let document = a.run("Ref(Collection('users'), 1)");
    assert_eq!(a.with(&token["secret"]).run("CurrentIdentity()"), document);
    db.run("MoveDatabase(Database('in', Database('a', Database('b'))), Database('b'))");
    assert_eq!(
        b.run("Map(Select('data', Paginate(Databases())), Lambda('d', Select('id', Var('d'))))"),
        json!(["a", "in"])
    );
}

/// A database with documents 1 (`n: 'a'`) and 2 (`n: 'b'`) of a collection.
fn spells() -> User {
    let db = owner();
    db.run("CreateCollection({ name: 'spells' })");
    for (id, n) in [(1, 'a'), (2, 'b')] {
        db.run(&format!(
            "Create(Ref(Collection('spells'), {id}), {{ data: {{ n: '{n}' }} }})"
        ));
    }
    db
}

/// A key with a new role that has these actions on the collection.
fn spell_key(db: &User, role: &str, actions: &str) -> User {
    db.run(&format!(
        "CreateRole({{ name: '{role}', privileges: [{{ resource: Collection('spells'), actions: {{ {actions} }} }}] }})"
    ));
    db.keyed(&format!("{{ role: Role('{role}') }}"))
}

#[test]
fn predicates_are_told_what_is_asked() {
    let db = spells();
    let none = spell_key(&db, "none", "");
    let spell = |id: u32| format!("Ref(Collection('spells'), {id})");
    for (query, position) in [
        (format!("Get({})", spell(1)), json!([])),
        (format!("Update({}, {{}})", spell(1)), json!([])),
        (format!("Delete({})", spell(1)), json!([])),
        (format!("Create({}, {{}})", spell(9)), json!(["create"])),
        ("Create(Collection('spells'), {})".into(), json!(["create"])),
    ] {
        assert_eq!(
            none.error(&query),
            json!([position, "permission denied", DENIED])
        );
    }
    let first = "Equals(Var('ref'), Ref(Collection('spells'), 1))";
    let reads = spell_key(
        &db,
        "reads",
        "read: Query(Lambda('ref', Equals('a', Select(['data', 'n'], Get(Var('ref'))))))",
    );
    reads.run(&format!("Get({})", spell(1)));
    assert_eq!(
        reads.code(&format!("Get({})", spell(2))),
        "permission denied"
    );
    let writes = spell_key(
        &db,
        "writes",
        &format!("write: Query(Lambda(['old', 'new', 'ref'], {first}))"),
    );
    writes.run(&format!("Update({}, {{ data: {{ x: 1 }} }})", spell(1)));
    assert_eq!(
        writes.code(&format!("Update({}, {{ data: {{ x: 1 }} }})", spell(2))),
        "permission denied"
    );
    let keeps = spell_key(
        &db,
        "keeps",
        "write: Query(Lambda(['old', 'new'], Equals(Select(['data', 'n'], Var('old')), Select(['data', 'n'], Var('new')))))",
    );
    keeps.run(&format!("Update({}, {{ data: {{ x: 2 }} }})", spell(1)));
    assert_eq!(
        keeps.code(&format!("Update({}, {{ data: {{ n: 2 }} }})", spell(1))),
        "permission denied"
    );
    let creates = spell_key(
        &db,
        "creates",
        "create: Query(Lambda('new', Equals('ok', Select(['data', 'n'], Var('new'))))), \
         create_with_id: Query(Lambda(['new', 'ref'], Equals(Var('ref'), Ref(Collection('spells'), 7))))",
    );
    creates.run("Create(Collection('spells'), { data: { n: 'ok' } })");
    assert_eq!(
        creates.code("Create(Collection('spells'), { data: { n: 'no' } })"),
        "permission denied"
    );
    creates.run(&format!("Create({}, {{}})", spell(7)));
    assert_eq!(
        creates.code(&format!("Create({}, {{}})", spell(8))),
        "permission denied"
    );
}

#[test]
fn roles_of_both_languages_combine_and_both_languages_ask_them() {
    let db = spells();
    spell_key(
        &db,
        "old",
        "read: Query(Lambda('ref', Equals('a', Select(['data', 'n'], Get(Var('ref'))))))",
    );
    db.run_v10(
        "Role.create({ name: 'young', privileges: [{ resource: 'spells', actions: { read: 'd => d.n == \"b\"' } }] })",
    );
    let get = |id: u32| format!("Get(Ref(Collection('spells'), {id}))");
    let old = db.keyed("{ role: Role('old') }");
    assert_eq!(old.run_v10("spells.byId('1')!.n"), "\"a\"");
    assert_eq!(old.run_v10("spells.byId('2').exists()"), "false");
    let young = db.keyed("{ role: Role('young') }");
    young.run(&get(2));
    assert_eq!(young.code(&get(1)), "permission denied");
    let both = db.keyed("{ role: [Role('old'), Role('young')] }");
    both.run(&get(1));
    both.run(&get(2));
    assert_eq!(both.run_v10("spells.all().count()"), "2");
    assert_eq!(
        db.failures("Update(Role('young'), { data: { x: 1 } })")[0],
        json!([
            "privileges.resource",
            "invalid type",
            "Invalid type String, expected type Ref."
        ])
    );
}

#[test]
fn functions_of_either_language_are_called_from_the_other() {
    let db = owner();
    db.run("CreateFunction({ name: 'double', body: Query(Lambda('x', Add(Var('x'), Var('x')))) })");
    db.run(
        "CreateFunction({ name: 'pair', body: Query(Lambda(['x', 'y'], [Var('y'), Var('x')])) })",
    );
    db.run_v10("Function.create({ name: 'plus', body: '(a, b) => a + b' })");
    db.run_v10("Function.create({ name: 'stop', body: 'x => abort(x)' })");
    assert_eq!(db.run_v10("double(4)"), "8");
    assert_eq!(db.run_v10("pair(1, 2)"), "[2,1]");
    assert_eq!(db.run("Call(Function('plus'), 1, 2)"), json!(3));
    assert_eq!(
        db.error("Call(Function('plus'), 1)"),
        json!([
            [],
            "transaction aborted",
            "callee function expects exactly 2 arguments, but 1 was provided."
        ])
    );
    assert_eq!(
        db.error("Call('stop', 'why')"),
        json!([[], "transaction aborted", "why"])
    );
    let errors = db.ask("Call('double', 'x')").expect_err("no number");
    assert_eq!(errors[0]["code"], "call error");
    assert_eq!(errors[0]["cause"][0]["position"], json!(["expr", "add", 0]));
    let (code, message) = db.error_v10("double('x')");
    assert_eq!(code, "eval_error");
    assert!(
        message.starts_with("Number expected, String provided."),
        "{message}"
    );
    assert!(
        db.run_v10("Function.byName('double')!.body")
            .contains("lambda")
    );
    // A body of the other language takes its place.
    db.run("Update(Function('plus'), { body: Query(Lambda('x', 'new')) })");
    assert_eq!(db.run_v10("plus(1)"), "\"new\"");
    db.run("Delete(Function('double'))");
    assert_eq!(
        db.error("Call(Function('double'), 1)"),
        json!([
            ["call"],
            "invalid ref",
            "Ref refers to undefined function 'double'"
        ])
    );
}

#[test]
fn functions_lend_their_roles() {
    let db = spells();
    db.run("CreateFunction({ name: 'make', body: Query(Lambda([], Create(Collection('spells'), {}))) })");
    db.run("CreateRole({ name: 'caller', privileges: { resource: Function('make'), actions: { call: true } } })");
    let caller = db.keyed("{ role: Role('caller') }");
    let errors = caller.ask("Call('make')").expect_err("no rights");
    assert_eq!(errors[0]["cause"][0]["code"], "permission denied");
    db.run("Update(Function('make'), { role: 'server' })");
    caller.run("Call('make')");
}

#[test]
fn definitions_of_v10_hold_for_writes_of_v4() {
    let db = owner();
    db.run_v10(
        "Collection.create({ name: 'P', fields: { name: { signature: 'String' }, n: { signature: 'Int?' } }, \
         constraints: [{ unique: ['name'] }, { check: { name: 'pos', body: 'd => (d.n ?? 1) > 0' } }], \
         computed_fields: { c: { body: 'd => 1' } } })",
    );
    let schema = "schema validation failed";
    assert_eq!(
        db.error("Create(Collection('P'), {})"),
        json!([
            ["create"],
            schema,
            "name: Missing required field of type String"
        ])
    );
    let errors = db
        .ask("Create(Collection('P'), { data: { name: 1, n: 2, y: 1 } })")
        .expect_err("wrong fields");
    assert_eq!(
        errors[0]["description"],
        "name: Expected String, provided Int"
    );
    assert_eq!(errors[1]["description"], "y: Unexpected field provided");
    let made = db.run("Create(Ref(Collection('P'), 1), { data: { name: 'a', n: 1 } })");
    assert_eq!(made["data"], json!({ "name": "a", "n": 1 }));
    assert_eq!(
        db.error("Create(Collection('P'), { data: { name: 'a' } })"),
        json!([["create"], "instance not unique", "document is not unique."])
    );
    assert_eq!(
        db.error("Create(Collection('P'), { data: { name: 'b', n: -1 } })"),
        json!([
            ["create"],
            "check constraint failure",
            "Document failed check constraint `pos`"
        ])
    );
    assert_eq!(
        db.error("Update(Ref(Collection('P'), 1), { data: { name: null } })"),
        json!([[], schema, "name: Missing required field of type String"])
    );
    db.run("Update(Collection('P'), { name: 'Q', history_days: 3 })");
    assert_eq!(
        db.run_v10("Q.byId('1')! { name, c }"),
        "{\"name\":\"a\",\"c\":1}"
    );
    assert_eq!(db.run_v10("Q.definition.history_days"), "3");
}

#[test]
fn collections_take_their_indexes_along() {
    let db = owner();
    for name in ["a", "b"] {
        db.run(&format!("CreateCollection({{ name: '{name}' }})"));
    }
    db.run("CreateIndex({ name: 'one', source: Collection('a') })");
    db.run("CreateIndex({ name: 'both', source: [Collection('a'), Collection('b')] })");
    db.run("Create(Ref(Collection('a'), 1), {})");
    assert_eq!(db.run_v10("[Collection.byName('a')!.name]"), "[\"a\"]");
    db.run("Delete(Collection('a'))");
    assert_eq!(
        db.run("[Exists(Index('one')), Exists(Index('both'))]"),
        json!([false, true])
    );
    assert_eq!(db.run("Paginate(Match('both'))"), json!({ "data": [] }));
    assert_eq!(
        db.error("Get(Ref(Collection('a'), 1))"),
        json!([
            ["get"],
            "invalid ref",
            "Ref refers to undefined collection 'a'"
        ])
    );
    db.run("CreateCollection({ name: 'a' })");
    assert_eq!(db.run("Exists(Ref(Collection('a'), 1))"), json!(false));
}

#[test]
fn protected_and_container_databases_refuse() {
    let db = owner();
    db.run("CreateDatabase({ name: 'kept', protected: true })");
    let kept = db.keyed("{ role: 'admin', database: Database('kept') }");
    kept.run("CreateCollection({ name: 'a', history_days: 5 })");
    kept.run("CreateIndex({ name: 'i', source: Collection('a') })");
    let protected = "destructive change forbidden because database is in protected mode.";
    for (query, what) in [
        ("Delete(Collection('a'))", "Cannot delete collection"),
        (
            "Delete(Index('i'))",
            "Cannot cause deletion of backing index",
        ),
        (
            "Update(Collection('a'), { history_days: 1 })",
            "Cannot decrease `history_days` field",
        ),
    ] {
        assert_eq!(
            kept.error(query),
            json!([
                [],
                "schema validation failed",
                format!("{what}: {protected}")
            ])
        );
    }
    db.run("CreateDatabase({ name: 'outer', container: true })");
    let outer = db.keyed("{ role: 'admin', database: Database('outer') }");
    assert_eq!(
        outer.error("CreateCollection({ name: 'a' })"),
        json!([
            ["create_collection"],
            "invalid object in container",
            "Object is not allowed in a container"
        ])
    );
    outer.run("CreateDatabase({ name: 'a' })");
}

#[test]
fn definitions_are_not_written_in_the_past() {
    let db = owner();
    assert_eq!(
        db.error("At(Time('2020-01-01T00:00:00Z'), CreateCollection({ name: 'a' }))"),
        json!([
            ["expr", "create_collection"],
            "invalid write time",
            "Cannot write outside of snapshot time."
        ])
    );
}

fn schema(user: &User, call: SchemaCall) -> SchemaBody {
    let request = SchemaRequest {
        call,
        version: None,
        force: true,
    };
    let answer = user.session.schema(&request);
    answer
        .unwrap_or_else(|refusal| panic!("{}", refusal.message()))
        .body
}

#[test]
fn definitions_wait_for_a_staged_schema() {
    let root = owner();
    root.run("CreateDatabase({ name: 'db' })");
    let db = User {
        session: root.session.in_database(vec!["db".into()]),
        engine: root.engine.clone(),
    };
    db.run("CreateCollection({ name: 'foo' })");
    db.run("CreateFunction({ name: 'old', body: Query(Lambda('x', Var('x'))) })");
    db.run("CreateIndex({ name: 'i', source: Collection('foo') })");
    db.run("CreateRole({ name: 'r', privileges: { resource: Collection('foo'), actions: { read: Query(Lambda('x', true)) } } })");
    schema(&db, SchemaCall::Files { staged: false });
    let staged = |whole| SchemaCall::Update {
        upload: Upload {
            files: vec![("more.fsl".to_string(), "collection More {}".to_string())],
            whole,
        },
        staged: true,
    };
    schema(&db, staged(false));
    let refused = "Cannot update schema from FQL v4 if schema has been staged.";
    for (query, position) in [
        ("Delete(Collection('foo'))", json!([])),
        ("Delete(Index('i'))", json!([])),
        ("Update(Collection('foo'), { history_days: 1 })", json!([])),
        (
            "CreateCollection({ name: 'bar' })",
            json!(["create_collection"]),
        ),
        (
            "CreateDatabase({ name: 'bar' })",
            json!(["create_database"]),
        ),
    ] {
        assert_eq!(
            db.error(query),
            json!([position, "schema validation failed", refused])
        );
    }
    db.run("Create(Collection('foo'), {})");
    db.run("CreateKey({ role: 'server' })");
    assert_eq!(db.run("Call('old', 1)"), json!(1));
    schema(&db, SchemaCall::Commit);
    db.run("CreateCollection({ name: 'bar' })");
    assert_eq!(
        db.run(
            "[Exists(Index('i')), Exists(Role('r')), Exists(Collection('More')), Call('old', 1)]"
        ),
        json!([true, true, true, 1])
    );
}
