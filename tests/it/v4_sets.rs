//! Sets, pages, indexes and events of FQL v4, after the cases of the original's specifications.

use fql::engine::{Engine, LegacyRequest, Session};
use fql::fql4::read::Json as Wire;
use fql::fql4::text::to_wire;
use serde_json::{Value as Json, json};

/// A database with a session of its owner.
struct Db {
    session: Session,
    _engine: std::sync::Arc<Engine>,
}

impl Db {
    fn new() -> Db {
        let engine = Engine::memory().expect("an engine");
        Db {
            session: engine.root(),
            _engine: engine,
        }
    }

    fn ask(&self, text: &str) -> Result<Json, Json> {
        let wire = to_wire(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let outcome = self
            .session
            .query_legacy(&LegacyRequest::new(Wire::from(&wire)));
        match outcome.result {
            Ok(text) => Ok(serde_json::from_str(&text).expect("JSON")),
            Err(failure) => Err(failure.entries().into()),
        }
    }

    fn run(&self, text: &str) -> Json {
        self.ask(text)
            .unwrap_or_else(|errors| panic!("{text}: {errors}"))
    }

    /// Runs a query of FQL v10.
    fn run_v10(&self, text: &str) {
        let outcome = self.session.query(&fql::engine::Request::text(text));
        assert!(outcome.result.is_ok(), "{text}: {}", outcome.summary);
    }

    /// The position, code and description of each error.
    fn errors(&self, text: &str) -> Json {
        match self.ask(text) {
            Ok(value) => panic!("{text}: {value}"),
            Err(errors) => errors
                .as_array()
                .into_iter()
                .flatten()
                .map(|error| json!([error["position"], error["code"], error["description"]]))
                .collect(),
        }
    }

    /// The elements of a set as one page.
    fn page(&self, set: &str) -> Json {
        self.run(&format!(
            "Select('data', Paginate({set}, {{ size: 1000 }}))"
        ))
    }

    /// The actions and values of a set's events.
    fn events(&self, set: &str) -> Json {
        let shown = "Lambda('e', [Select('action', Var('e')), Select('data', Var('e'), null)])";
        self.run(&format!(
            "Map(Select('data', Paginate(Events({set}), {{ size: 1000 }})), {shown})"
        ))
    }

    fn create(&self, collection: &str, data: &Json) -> Json {
        self.run(&format!(
            "Create(Collection('{collection}'), {{ data: {data} }})"
        ))
    }
}

/// A database with collection `c` and indexes: `foo` by value, `all` without terms and values, `by_foo` by term.
fn numbered(count: i64) -> Db {
    let db = Db::new();
    db.run("CreateCollection({ name: 'c' })");
    db.run("CreateIndex({ name: 'foo', source: Collection('c'), values: [{ field: ['data', 'foo'] }] })");
    db.run("CreateIndex({ name: 'all', source: Collection('c') })");
    db.run("CreateIndex({ name: 'by_foo', source: Collection('c'), terms: [{ field: ['data', 'foo'] }] })");
    for i in 1..=count {
        db.run(&format!(
            "Create(Ref(Collection('c'), {i}), {{ data: {{ foo: {i}, bar: {} }} }})",
            -i
        ));
    }
    db
}

fn refs(db: &Db, ids: impl IntoIterator<Item = i64>) -> Json {
    let refs = ids.into_iter();
    refs.map(|id| db.run(&format!("Ref(Collection('c'), {id})")))
        .collect()
}

#[test]
fn ranges_limit_sets() {
    let db = numbered(20);
    assert_eq!(
        db.page("Range(Match('foo'), 5, 10)"),
        json!([5, 6, 7, 8, 9, 10])
    );
    assert_eq!(
        db.page("Union(Range(Match('foo'), 5, 10), Match('foo'))"),
        db.page("Match('foo')")
    );
    let by_ref = "Range(Match('all'), Ref(Collection('c'), 5), Ref(Collection('c'), 10))";
    assert_eq!(db.page(by_ref), refs(&db, 5..=10));
    assert_eq!(db.page("Range(Match('foo'), [], 2)"), json!([1, 2]));
    assert_eq!(db.page("Range(Match('foo'), 19, [])"), json!([19, 20]));
    db.run("CreateIndex({ name: 'two', source: Collection('c'), values: [{ field: ['data', 'foo'] }, { field: ['data', 'bar'] }] })");
    assert_eq!(
        db.page("Range(Match('two'), 3, 5)"),
        json!([[3, -3], [4, -4], [5, -5]])
    );
    assert_eq!(
        db.page("Range(Match('two'), [3, -3], [4, -5])"),
        json!([[3, -3]])
    );
    assert_eq!(
        db.errors("Paginate(Events(Range(Match('foo'), 0, 5)))"),
        json!([[
            [],
            "invalid argument",
            "Set does not support events history."
        ]])
    );
    assert_eq!(
        db.errors("Paginate(Range(Collections(), Collection('no'), Collection('none')))"),
        json!([
            [
                ["paginate", "from"],
                "invalid ref",
                "Ref refers to undefined collection 'no'"
            ],
            [
                ["paginate", "to"],
                "invalid ref",
                "Ref refers to undefined collection 'none'"
            ]
        ])
    );
}

#[test]
fn reversed_sets_have_cursors_of_their_own() {
    let db = numbered(30);
    assert_eq!(
        db.page("Reverse(Range(Match('foo'), 10, 13))"),
        json!([13, 12, 11, 10])
    );
    assert_eq!(
        db.page("Range(Reverse(Match('foo')), 13, 10)"),
        json!([13, 12, 11, 10])
    );
    let data = |query: &str| db.run(&format!("Select('data', Paginate({query}))"));
    for set in [
        "Reverse(Range(Match('foo'), 10, 20))",
        "Range(Reverse(Match('foo')), 20, 10)",
    ] {
        assert_eq!(
            data(&format!("{set}, {{ after: 15 }}")),
            json!([15, 14, 13, 12, 11, 10])
        );
        assert_eq!(
            data(&format!("{set}, {{ before: 15 }}")),
            json!([20, 19, 18, 17, 16])
        );
    }
    assert_eq!(
        data("Reverse(Match('all')), { size: 2 }"),
        refs(&db, [30, 29])
    );
    // Whole sets in pages, there and back.
    for set in [
        "Match('foo')",
        "Reverse(Match('foo'))",
        "Match('all')",
        "Reverse(Match('all'))",
    ] {
        let all = db.page(set);
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = db.run(&format!("Paginate({set}, {{ size: 7{after} }})"));
            found.extend(page["data"].as_array().unwrap().clone());
            let Some(cursor) = page.get("after") else {
                break;
            };
            after = format!(", after: {}", shown(cursor));
        }
        assert_eq!(Json::from(found), all, "{set}");
        // What is sorted backwards begins with null.
        let end = if set.starts_with("Reverse") {
            "0"
        } else {
            "null"
        };
        let (mut found, mut before) = (Vec::new(), format!(", before: {end}"));
        loop {
            let page = db.run(&format!("Paginate({set}, {{ size: 7{before} }})"));
            found.splice(0..0, page["data"].as_array().unwrap().clone());
            let Some(cursor) = page.get("before") else {
                break;
            };
            before = format!(", before: {}", shown(cursor));
        }
        assert_eq!(Json::from(found), all, "{set} backwards");
    }
}

/// A cursor as a text.
fn shown(cursor: &Json) -> String {
    fql::fql4::print::inspect(cursor)
}

#[test]
fn cursors_begin_where_they_say() {
    let db = numbered(6);
    let page = |text: &str| db.run(&format!("Paginate({text})"));
    assert_eq!(
        page("Match('all'), { before: null, size: 2 }")["data"],
        refs(&db, [5, 6])
    );
    assert_eq!(page("Match('all'), { after: null }")["data"], json!([]));
    assert_eq!(page("Match('all'), { before: 0 }")["data"], json!([]));
    assert_eq!(
        page("Match('all'), { after: 0, size: 2 }")["data"],
        refs(&db, [1, 2])
    );
    assert_eq!(
        page("Match('all'), { after: 'a string', size: 2 }")["data"],
        refs(&db, [1, 2])
    );
    assert_eq!(
        page("Match('foo'), { size: 0, after: 3 }"),
        json!({"before": [3], "after": [3], "data": []})
    );
    assert_eq!(
        page("Match('foo'), { after: 5 }"),
        json!({"before": [5], "data": [5, 6]})
    );
    assert_eq!(
        db.errors("Paginate(Match('foo'), { cursor: { invalid: 1 } })"),
        json!([[
            ["cursor"],
            "invalid argument",
            "Invalid cursor object. Expected an object with either 'before' or 'after' key in it."
        ]])
    );
    assert_eq!(
        page("Match('foo'), { cursor: { before: 3 } }")["data"],
        json!([1, 2])
    );
    assert_eq!(
        page("Match('foo'), { cursor: null }")["data"],
        json!([1, 2, 3, 4, 5, 6])
    );
    assert_eq!(
        db.errors("Paginate(Match('foo'), { after: Collection('no') })"),
        json!([[
            ["after"],
            "invalid ref",
            "Ref refers to undefined collection 'no'"
        ]])
    );
}

#[test]
fn unions_intersections_and_differences_count_elements() {
    let db = Db::new();
    for (name, values) in [
        ("a", vec![1, 2, 2, 3, 3, 3]),
        ("b", vec![1, 2, 2, 2, 3, 3]),
        ("d", vec![3, 4]),
    ] {
        db.run(&format!("CreateCollection({{ name: '{name}' }})"));
        db.run(&format!("CreateIndex({{ name: 'n_{name}', source: Collection('{name}'), values: [{{ field: ['data', 'n'] }}] }})"));
        for n in values {
            db.create(name, &json!({ "n": n }));
        }
    }
    let (a, b, d) = ("Match('n_a')", "Match('n_b')", "Match('n_d')");
    assert_eq!(
        db.page(&format!("Union({a}, {b})")),
        json!([1, 2, 2, 2, 3, 3, 3])
    );
    assert_eq!(
        db.page(&format!("Distinct(Union({a}, {b}))")),
        json!([1, 2, 3])
    );
    assert_eq!(
        db.page(&format!("Intersection({a}, {b})")),
        json!([1, 2, 2, 3, 3])
    );
    assert_eq!(db.page(&format!("Difference({a}, {d})")), json!([1, 2, 2]));
    assert_eq!(
        db.page(&format!("Reverse(Difference({a}, {d}))")),
        json!([2, 2, 1])
    );
    assert_eq!(db.page(&format!("Intersection({a})")), db.page(a));
    // Across pages.
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = db.run(&format!(
            "Paginate(Intersection({a}, {b}), {{ size: 1{after} }})"
        ));
        found.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page.get("after") else {
            break;
        };
        after = format!(", after: {}", shown(cursor));
    }
    assert_eq!(Json::from(found), json!([1, 2, 2, 3, 3]));
    assert_eq!(
        db.page(&format!("Filter({a}, Lambda('n', GT(Var('n'), 1)))")),
        json!([2, 2, 3, 3, 3])
    );
    assert_eq!(
        db.run(&format!("[Count({a}), Sum({a}), Max({a}), Min({a})]")),
        json!([6, 14, 3, 1])
    );
    let reversed = "CreateIndex({ name: 'down', source: Collection('a'), values: [{ field: ['data', 'n'], reverse: true }] })";
    db.run(reversed);
    assert_eq!(db.page("Match('down')"), json!([3, 3, 3, 2, 2, 1]));
    assert_eq!(
        db.errors(&format!("Union({a}, Match('down'))")),
        json!([[["union"], "invalid argument", "Sets are not compatible."]])
    );
}

#[test]
fn arrays_are_multisets() {
    let db = Db::new();
    for (query, expected) in [
        ("Union([2, 1], [2, 1])", json!([2, 1])),
        ("Union([2, 2], [2, 2, 2])", json!([2, 2, 2])),
        (
            "Union([3, 2, 2, 1], [6, 5, 9, 1])",
            json!([3, 2, 2, 1, 6, 5, 9]),
        ),
        (
            "Union([1, 2], [1, 2, 3, 4], [5, 6])",
            json!([1, 2, 3, 4, 5, 6]),
        ),
        (
            "Union([1, 2, 2, 3, 3, 3], [1, 2, 2, 2, 3, 3])",
            json!([1, 2, 2, 2, 3, 3, 3]),
        ),
        ("Intersection([1, 2, 2, 3], [2, 2, 2, 3])", json!([2, 2, 3])),
        ("Difference([1, 2, 2, 3], [2])", json!([1, 2, 3])),
        (
            "Distinct([1, 'str', 2, 'str', 1, 2, 'str', 3.25])",
            json!([1, "str", 2, 3.25]),
        ),
        (
            "Distinct([{ a: 1, b: 2 }, { b: 2, a: 1 }])",
            json!([{ "a": 1, "b": 2 }]),
        ),
        ("Reverse([1, 2, 3])", json!([3, 2, 1])),
    ] {
        assert_eq!(db.run(query), expected, "{query}");
    }
    assert_eq!(
        db.errors("Union([1, 2], Collections())"),
        json!([[
            ["union"],
            "invalid argument",
            "Arguments cannot be of different types, expected Set or Array."
        ]])
    );
    assert_eq!(
        db.errors("Union(Paginate(Collections()))"),
        json!([[
            ["union"],
            "invalid argument",
            "Set or Array expected, Page provided."
        ]])
    );
}

#[test]
fn joins_follow_lambdas_and_indexes() {
    let db = Db::new();
    for name in ["heroes", "elements"] {
        db.run(&format!("CreateCollection({{ name: '{name}' }})"));
    }
    db.run("CreateIndex({ name: 'by_hero', source: Collection('heroes'), terms: [{ field: ['data', 'name'] }], values: [{ field: ['data', 'elements'] }] })");
    db.run("CreateIndex({ name: 'of_heroes', source: Collection('heroes'), values: [{ field: ['data', 'elements'] }] })");
    db.run("CreateIndex({ name: 'by_name', source: Collection('elements'), terms: [{ field: ['data', 'name'] }] })");
    db.create(
        "heroes",
        &json!({"elements": ["fire", "water"], "name": "Zeus"}),
    );
    db.create(
        "heroes",
        &json!({"elements": ["water", "wind"], "name": "Trident"}),
    );
    let made =
        ["fire", "water", "wind"].map(|name| db.create("elements", &json!({ "name": name })));
    let [fire, water, wind] = made.map(|document| document["ref"].clone());
    let target = "Lambda('e', Match(Index('by_name'), Var('e')))";
    let joined = |source: &str| db.page(&format!("Join({source}, {target})"));
    assert_eq!(joined("Match('by_hero', 'Trident')"), json!([water, wind]));
    assert_eq!(joined("Match('by_hero', 'Zeus')"), json!([fire, water]));
    assert_eq!(joined("Match('of_heroes')"), json!([fire, water, wind]));
    assert_eq!(
        db.page("Join(Match('of_heroes'), Index('by_name'))"),
        json!([fire, water, wind])
    );
    assert_eq!(
        db.page("Let({ i: Index('by_name') }, Join(Match('of_heroes'), Lambda('e', Match(Var('i'), Var('e')))))"),
        json!([fire, water, wind])
    );
    assert_eq!(
        db.events(&format!("Join(Match('by_hero', 'Zeus'), {target})")),
        json!([["add", []], ["add", []]])
    );
    let bad =
        "Invalid lambda. Lambda in this context may not read, write, or call a user function.";
    assert_eq!(
        db.errors("Paginate(Join(Match('of_heroes'), Lambda('e', Get(Collection('heroes')))))"),
        json!([[["paginate", "with"], "invalid argument", bad]])
    );
    assert_eq!(
        db.errors("Paginate(Join(Match('of_heroes'), Collection('heroes')))"),
        json!([[
            ["paginate", "with"],
            "invalid argument",
            "Lambda or Index Ref expected, Collection Ref provided."
        ]])
    );
    assert_eq!(
        db.errors("Paginate(Join(Match('of_heroes'), Index('none')))"),
        json!([[
            ["paginate", "with"],
            "invalid ref",
            "Ref refers to undefined index 'none'"
        ]])
    );
}

#[test]
fn entries_are_extracted_as_the_original_extracts_them() {
    let db = Db::new();
    db.run("CreateCollection({ name: 'c' })");
    db.run("CreateIndex({ name: 'i', source: Collection('c'), terms: [{ field: ['data', 'foo'] }], values: [{ field: ['data', 'bar'] }] })");
    for data in [
        json!({"foo": [1, 42], "bar": 2}),
        json!({"foo": 1, "bar": [3, 42]}),
        json!({"foo": 1, "bar": [[4, 5], 6]}),
        json!({"foo": ["foo", "bar"], "bar": ["3", "42"]}),
        json!({"bar": 56}),
    ] {
        db.create("c", &data);
    }
    assert_eq!(db.page("Match('i', 1)"), json!([2, 3, 4, 5, 6, 42]));
    assert_eq!(db.page("Match('i', 42)"), json!([2]));
    assert_eq!(db.page("Match('i', 'foo')"), json!(["3", "42"]));

    db.run("CreateIndex({ name: 'fold', source: Collection('c'), terms: [{ field: ['data', 'f'], transform: 'casefold' }], values: [{ field: ['data', 'b'] }] })");
    db.create("c", &json!({"f": 1, "b": 2}));
    db.create("c", &json!({"f": "Snow", "b": "flakes"}));
    db.create("c", &json!({"f": ["Snow", "RAIN"], "b": "FALL"}));
    assert_eq!(db.page("Match('fold', 'snow')"), json!(["FALL", "flakes"]));
    assert_eq!(db.page("Match('fold', 'rain')"), json!(["FALL"]));
    assert_eq!(db.page("Match('fold', 'RAIN')"), json!([]));
    assert_eq!(db.page("Match('fold', 1)"), json!([2]));
}

#[test]
fn the_time_of_a_write_is_a_value_and_no_term() {
    let db = Db::new();
    db.run("CreateCollection({ name: 'c' })");
    let binding = "{ collection: Collection('c'), fields: { t: Query(Lambda('x', Select('ts', Var('x')))) } }";
    db.run("CreateIndex({ name: 'path_value', source: Collection('c'), values: { field: 'ts' } })");
    db.run("CreateIndex({ name: 'path_term', source: Collection('c'), terms: { field: 'ts' } })");
    db.run(&format!(
        "CreateIndex({{ name: 'bound_value', source: {binding}, values: {{ binding: 't' }} }})"
    ));
    db.run(&format!(
        "CreateIndex({{ name: 'bound_term', source: {binding}, terms: {{ binding: 't' }} }})"
    ));
    for _ in 0..2 {
        let document = match db.run("Count(Documents(Collection('c')))") {
            n if n == json!(0) => db.create("c", &json!({})),
            _ => db.run("Update(Select('ref', Get(Documents(Collection('c')))), {})"),
        };
        let (ts, reference) = (&document["ts"], &document["ref"]);
        for index in ["path", "bound"] {
            assert_eq!(
                db.page(&format!("Match('{index}_value')")),
                json!([ts]),
                "{index}"
            );
            assert_eq!(
                db.page(&format!("Match('{index}_term', null)")),
                json!([reference]),
                "{index}"
            );
            assert_eq!(
                db.page(&format!("Match('{index}_term', {ts})")),
                json!([]),
                "{index}"
            );
        }
    }
    db.run("Delete(Select('ref', Get(Documents(Collection('c')))))");
    assert_eq!(db.page("Match('bound_value')"), json!([]));
    assert_eq!(db.page("Match('bound_term', null)"), json!([]));
}

#[test]
fn several_sources_wildcards_and_deleted_collections() {
    let db = Db::new();
    for name in ["person", "place"] {
        db.run(&format!("CreateCollection({{ name: '{name}' }})"));
    }
    db.run("CreateIndex({ name: 'both', source: [Collection('person'), Collection('place')], terms: [{ field: ['data', 'name'] }] })");
    db.run("CreateIndex({ name: 'any', source: '_', terms: [{ field: ['data', 'name'] }] })");
    db.run("CreateIndex({ name: 'person', source: Collection('person'), terms: [{ field: ['data', 'name'] }] })");
    let place = db.create("place", &json!({"name": "Ray", "state": "TX"}))["ref"].clone();
    let person = db.create("person", &json!({"name": "Ray"}))["ref"].clone();
    for index in ["both", "any"] {
        assert_eq!(
            db.page(&format!("Match('{index}', 'Ray')")),
            json!([place, person])
        );
    }
    assert_eq!(db.page("Match('person', 'Ray')"), json!([person]));
    db.run("Delete(Collection('place'))");
    for index in ["both", "any"] {
        assert_eq!(
            db.page(&format!("Match('{index}', 'Ray')")),
            json!([person])
        );
    }
    db.run("Delete(Collection('person'))");
    assert_eq!(
        db.errors("Match('person', 'Ray')"),
        json!([[
            ["index"],
            "invalid ref",
            "Ref refers to undefined index 'person'"
        ]])
    );
    assert_eq!(db.page("Match('both', 'Ray')"), json!([]));
}

#[test]
fn what_one_query_defines_and_writes_is_indexed() {
    let db = Db::new();
    db.run("CreateCollection({ name: 'old' })");
    db.run("CreateIndex({ name: 'before', source: '_', values: [{ field: ['data', 'n'] }] })");
    db.run(
        "Let({
           c: Select('ref', CreateCollection({ name: 'c' })),
           d: Create(Var('c'), { data: { n: 1 } }),
           i: CreateIndex({ name: 'i', source: Var('c'), values: [{ field: ['data', 'n'] }] }),
           w: CreateIndex({ name: 'w', source: '_', values: [{ field: ['data', 'n'] }] })
         }, Create(Var('c'), { data: { n: 2 } }))",
    );
    for index in ["before", "i", "w"] {
        assert_eq!(
            db.page(&format!("Match('{index}')")),
            json!([1, 2]),
            "{index}"
        );
    }
}

#[test]
fn native_collections_are_indexed_and_listed() {
    let db = Db::new();
    db.run("CreateCollection({ name: 'animals' })");
    db.run(
        "CreateIndex({ name: 'creds', source: Credentials(), terms: [{ field: ['instance'] }] })",
    );
    db.run("CreateIndex({ name: 'tokens', source: Tokens(), terms: [{ field: ['instance'] }] })");
    db.run("CreateIndex({ name: 'everything', source: '_' })");
    db.run("CreateIndex({ name: 'names', source: [Collections(), Roles()], values: [{ field: ['name'] }] })");
    db.run("Create(Ref(Collection('animals'), 1), { credentials: { password: 'sekrit' } })");
    for _ in 0..2 {
        db.run("Login(Ref(Collection('animals'), 1), { password: 'sekrit' })");
    }
    let animal = "Ref(Collection('animals'), 1)";
    assert_eq!(
        db.run(&format!("Count(Match('creds', {animal}))")),
        json!(1)
    );
    assert_eq!(
        db.run(&format!("Count(Match('tokens', {animal}))")),
        json!(2)
    );
    assert_eq!(db.page("Match('everything')"), json!([db.run(animal)]));
    db.run("CreateRole({ name: 'r', privileges: [] })");
    db.run("Update(Collection('animals'), { name: 'beasts' })");
    assert_eq!(db.page("Match('names')"), json!(["beasts", "r"]));
    assert_eq!(
        db.page("Collections()"),
        json!([db.run("Collection('beasts')")])
    );
    assert_eq!(db.run("Count(Indexes())"), json!(4));
    assert_eq!(
        db.page("Documents(Collections())"),
        db.page("Collections()")
    );
}

#[test]
fn writes_of_both_languages_keep_indexes_and_their_uniqueness() {
    let db = numbered(2);
    db.run("CreateIndex({ name: 'unique', source: Collection('c'), terms: [{ field: ['data', 'foo'] }], unique: true })");
    db.run_v10("c.create({ foo: 7 })");
    db.run_v10("c.byId('1')!.update({ foo: 8 })");
    db.run_v10("c.byId('2')!.delete()");
    assert_eq!(db.page("Match('foo')"), json!([7, 8]));
    assert_eq!(db.page("Match('by_foo', 8)"), refs(&db, [1]));
    assert_eq!(db.page("Match('by_foo', 2)"), json!([]));
    assert_eq!(
        db.errors("Create(Collection('c'), { data: { foo: 8 } })"),
        json!([[["create"], "instance not unique", "document is not unique."]])
    );
    let outcome = db
        .session
        .query(&fql::engine::Request::text("c.create({ foo: 8 })"));
    assert!(
        outcome.summary.contains("unique: Failed unique constraint"),
        "{}",
        outcome.summary
    );
    // Created, deleted and created again in one query.
    let again = "Let({ d: Create(Collection('c'), { data: { foo: 9 } }) }, Do(Delete(Select('ref', Var('d'))), Create(Collection('c'), { data: { foo: 9 } })))";
    let reference = db.run(again)["ref"].clone();
    assert_eq!(db.page("Match('unique', 9)"), json!([reference]));
    // What is too large for an entry has none.
    db.run("CreateIndex({ name: 'large', source: Collection('c'), values: [{ field: ['data', 'str'] }], unique: true })");
    db.run("Create(Collection('c'), { data: { str: Repeat('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1024) } })");
    assert_eq!(db.page("Match('large')"), json!([]));
}

#[test]
fn events_tell_changes() {
    let db = Db::new();
    db.run("CreateCollection({ name: 'c' })");
    db.run("CreateIndex({ name: 'i', source: Collection('c'), terms: [{ field: ['data', 't'] }], values: [{ field: ['data', 'v'], reverse: true }] })");
    let document = "Ref(Collection('c'), 1)";
    db.run(&format!(
        "Create({document}, {{ data: {{ t: 't1', v: 'v1' }} }})"
    ));
    db.run(&format!("Update({document}, {{ data: {{ v: 'v2' }} }})"));
    let matched = "Match('i', 't1')";
    let three = json!([["add", "v1"], ["remove", "v1"], ["add", "v2"]]);
    assert_eq!(db.events(matched), three);
    // There and back in one query is nothing.
    db.run(&format!("Do(Update({document}, {{ data: {{ v: 'v3' }} }}), Update({document}, {{ data: {{ v: 'v2' }} }}))"));
    assert_eq!(db.events(matched), three);
    db.run(&format!("Do(Update({document}, {{ data: {{ v: 'v3' }} }}), Update({document}, {{ data: {{ v: 'v4' }} }}))"));
    let mut five = three.as_array().unwrap().clone();
    five.extend([json!(["remove", "v2"]), json!(["add", "v4"])]);
    assert_eq!(db.events(matched), Json::from(five));
    assert_eq!(
        db.events(&format!("Singleton({document})")),
        json!([["add", []]])
    );
    db.run(&format!("Delete({document})"));
    assert_eq!(
        db.events(&format!("Singleton({document})")),
        json!([["add", []], ["remove", []]])
    );
    assert_eq!(
        db.events("Documents(Collection('c'))"),
        json!([["add", []], ["remove", []]])
    );
    assert_eq!(
        db.events(document),
        json!([
            ["create", { "t": "t1", "v": "v1" }],
            ["update", { "v": "v2" }],
            ["update", null],
            ["update", { "v": "v4" }],
            ["delete", null]
        ])
    );
    // Cursors: a number is a time, nothing of the document is told that was not given.
    let page = db.run(&format!(
        "Paginate(Events({document}), {{ before: 123456789 }})"
    ));
    assert_eq!(page["after"]["ts"], json!(123456789));
    assert_eq!(page["after"].get("document"), None);
    assert_eq!(page["data"], json!([]));
    let page = db.run(&format!(
        "Paginate({document}, {{ events: true, size: 2 }})"
    ));
    assert_eq!(page["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(page["after"].get("data"), None);
    let page = db.run(&format!(
        "Paginate({document}, {{ events: true, before: null, size: 2 }})"
    ));
    assert_eq!(page["data"][1]["action"], json!("delete"));
    assert_eq!(
        db.errors(&format!("Paginate(Events(Events({document})))")),
        json!([[
            ["paginate"],
            "invalid argument",
            "Set does not support events history."
        ]])
    );
    assert_eq!(
        db.errors(&format!(
            "Paginate(Union(Events({document}), Singleton({document})))"
        )),
        json!([[
            ["paginate", "union"],
            "invalid argument",
            "Sets are not compatible."
        ]])
    );
    db.run("CreateIndex({ name: 'plain', source: Collection('c'), terms: [{ field: ['data', 't'] }] })");
    let both = db.page(&format!(
        "Union(Events(Match('plain', 't1')), Events({document}))"
    ));
    let actions: Vec<_> = both
        .as_array()
        .into_iter()
        .flatten()
        .map(|event| &event["action"])
        .collect();
    assert_eq!(
        actions,
        [
            "add", "create", "update", "update", "update", "delete", "remove"
        ]
    );
}

#[test]
fn combined_sets_go_by_values() {
    let db = Db::new();
    for name in ["part", "supplied", "follows"] {
        db.run(&format!("CreateCollection({{ name: '{name}' }})"));
    }
    db.run("CreateIndex({ name: 'parts', source: Collection('part') })");
    db.run("CreateIndex({ name: 'by_supplier', source: Collection('supplied'), terms: [{ field: ['data', 'supplier'] }], values: [{ field: ['data', 'part'] }] })");
    for id in 1..=2 {
        db.run(&format!("Create(Ref(Collection('part'), {id}), {{}})"));
    }
    db.run("Create(Collection('supplied'), { data: { supplier: 's', part: Ref(Collection('part'), 1) } })");
    let part = |id: i64| db.run(&format!("Ref(Collection('part'), {id})"));
    // A document is equal to a value that refers to it.
    let supplied = "Match('by_supplier', 's')";
    assert_eq!(
        db.page(&format!("Intersection(Match('parts'), {supplied})")),
        json!([part(1)])
    );
    assert_eq!(
        db.page(&format!("Difference(Match('parts'), {supplied})")),
        json!([part(2)])
    );

    db.run("CreateIndex({ name: 'following', source: Collection('follows'), terms: [{ field: ['data', 'who'] }], values: [{ field: ['data', 'whom'] }] })");
    for (who, whom) in [("alice", "bob"), ("alice", "charlie"), ("charlie", "bob")] {
        db.create("follows", &json!({ "who": who, "whom": whom }));
    }
    let both = "Intersection(Match('following', 'alice'), Match('following', 'charlie'))";
    assert_eq!(db.page(both), json!(["bob"]));
    assert_eq!(db.events(both), json!([["add", "bob"]]));
    let other = "Difference(Match('following', 'alice'), Match('following', 'charlie'))";
    assert_eq!(db.page(other), json!(["charlie"]));
    // Bob went out when charlie began to follow him.
    assert_eq!(
        db.events(other),
        json!([["add", "bob"], ["add", "charlie"], ["remove", "bob"]])
    );
}

#[test]
fn objects_can_be_terms_and_values() {
    let db = Db::new();
    db.run("CreateCollection({ name: 'folks' })");
    let field = |name: &str| format!("{{ field: ['data', '{name}'], mva: false }}");
    db.run(&format!(
        "CreateIndex({{ name: 'whole', source: Collection('folks'), terms: [{}], values: [{}, {}] }})",
        field("term"),
        field("v1"),
        field("v2")
    ));
    db.create(
        "folks",
        &json!({"term": {"b": 1, "a": 2}, "v1": 2, "v2": 2}),
    );
    assert_eq!(db.page("Match('whole', { b: 1, a: 2 })"), json!([[2, 2]]));
    assert_eq!(db.page("Match('whole', { a: 2, b: 1 })"), json!([[2, 2]]));
    let orders = ["{ a: N, b: N, c: N }", "{ c: N, a: N, b: N }"];
    for n in 1..=6 {
        let value = orders[n % 2].replace('N', &n.to_string());
        db.run(&format!(
            "Create(Collection('folks'), {{ data: {{ term: 1, v1: {value}, v2: {n} }} }})"
        ));
    }
    let expected: Json = (1..=6)
        .map(|n| json!([{ "a": n, "b": n, "c": n }, n]))
        .collect();
    assert_eq!(db.page("Match('whole', 1)"), expected);
    let after = "[{ c: 3, b: 3, a: 3 }, 3]";
    let page = db.run(&format!(
        "Select('data', Paginate(Match('whole', 1), {{ after: {after} }}))"
    ));
    assert_eq!(page.as_array().map(Vec::len), Some(4));
}

#[test]
fn rights_reduce_and_filter_sets() {
    let mut db = numbered(6);
    db.run(
        "CreateRole({ name: 'r', privileges: [
           { resource: Collection('c'), actions: { read: Query(Lambda('ref', Equals(0, Modulo(Select(['data', 'foo'], Get(Var('ref'))), 2)))) } },
           { resource: Index('foo'), actions: { read: true } },
           { resource: Index('by_foo'), actions: { unrestricted_read: Query(Lambda('terms', Equals(Var('terms'), [1]))) } }
         ] })",
    );
    let secret = |db: &Db, role: &str| {
        let key = db.run(&format!("CreateKey({{ role: {role} }})"));
        key["secret"].as_str().expect("a secret").to_string()
    };
    let (own, server) = (secret(&db, "Role('r')"), secret(&db, "'server'"));
    db.session = db._engine.with_secret(&own);
    assert_eq!(db.page("Match('foo')"), json!([2, 4, 6]));
    assert_eq!(
        db.page("Match('by_foo', 1)").as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(
        db.run("[Count(Match('foo')), Exists(Match('foo')), Count(Documents(Collection('c')))]"),
        json!([3, false, 3])
    );
    let denied = |place: &str| {
        json!([[
            [place],
            "permission denied",
            "Insufficient privileges to perform the action."
        ]])
    };
    assert_eq!(
        db.errors("Paginate(Match('by_foo', 2))"),
        denied("paginate")
    );
    assert_eq!(db.errors("Paginate(Collections())"), denied("paginate"));
    assert_eq!(
        db.errors("Paginate(Ref(Collection('c'), 2))"),
        denied("paginate")
    );
    assert_eq!(db.errors("Exists(Match('by_foo', 2))"), denied("exists"));
    assert_eq!(db.page("Documents(Collections())"), json!([]));
    // What may not be read is left out of a union.
    assert_eq!(
        db.page("Union(Match('foo'), Singleton(Ref(Collection('c'), 2)))"),
        json!([2, 4, 6])
    );
    assert_eq!(
        db.page("Events(Documents(Collection('c')))")
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    db.session = db._engine.with_secret(&server);
    assert_eq!(db.errors("Paginate(Keys())"), denied("paginate"));
    assert_eq!(db.errors("Paginate(Databases())"), denied("paginate"));
    assert_eq!(db.run("Count(Indexes())"), json!(3));
}

#[test]
fn history_is_rewritten() {
    let db = Db::new();
    db.run("CreateCollection({ name: 'c', history_days: 30 })");
    db.run(
        "CreateIndex({ name: 'i', source: Collection('c'), values: [{ field: ['data', 'v'] }] })",
    );
    let document = "Ref(Collection('c'), 1)";
    let now = db.run(&format!("Create({document}, {{ data: {{ v: 2 }} }})"))["ts"]
        .as_i64()
        .unwrap();
    let past = now - 60_000_000;
    let event = db.run(&format!(
        "Insert({document}, {past}, 'create', {{ data: {{ v: 1 }} }})"
    ));
    assert_eq!(
        (&event["ts"], &event["action"], &event["data"]),
        (&json!(past), &json!("create"), &json!({ "v": 1 }))
    );
    assert_eq!(
        db.events(document),
        json!([["create", { "v": 1 }], ["update", { "v": 2 }]])
    );
    assert_eq!(
        db.events("Match('i')"),
        json!([["add", 1], ["remove", 1], ["add", 2]])
    );
    assert_eq!(
        db.run(&format!("At({past}, Select('data', Paginate(Match('i'))))")),
        json!([1])
    );
    assert_eq!(
        db.run(&format!(
            "Select('data', Paginate(Match('i'), {{ ts: {past} }}))"
        )),
        json!([1])
    );
    assert_eq!(
        db.run(&format!("Select(['data', 'v'], Get({document}, {past}))")),
        json!(1)
    );
    db.run(&format!("Remove({document}, {past}, 'create')"));
    assert_eq!(db.events(document), json!([["create", { "v": 2 }]]));
    assert_eq!(db.page("Match('i')"), json!([2]));
    db.run(&format!("Insert({document}, Now(), 'delete', {{}})"));
    assert_eq!(db.run(&format!("Exists({document})")), json!(false));
    assert_eq!(db.page("Match('i')"), json!([]));
}

#[test]
fn sources_are_told() {
    let db = numbered(2);
    let page = db.run("Select('data', Paginate(Match('by_foo', 1), { sources: true }))");
    let expected = db.run("[Match('by_foo', 1)]");
    assert_eq!(page[0]["sources"], expected);
    let page = db.run("Select('data', Paginate(Union(Match('by_foo', 1), Match('by_foo', 2)), { sources: true }))");
    assert_eq!(page[0]["sources"], db.run("[Match('by_foo', 1)]"));
    assert_eq!(page[1]["sources"], db.run("[Match('by_foo', 2)]"));
}

#[test]
fn sets_are_shown_as_they_are_made_and_read_back() {
    let db = numbered(2);
    for set in [
        "Match('foo')",
        "Match('by_foo', 1)",
        "Documents(Collection('c'))",
        "Union(Match('by_foo', 1), Match('by_foo', 2))",
        "Range(Match('foo'), 1, 2)",
        "Reverse(Match('foo'))",
        "Distinct(Match('foo'))",
        "Events(Match('foo'))",
        "Singleton(Ref(Collection('c'), 1))",
        "Join(Match('foo'), Lambda('x', Match('by_foo', Var('x'))))",
        "Filter(Match('foo'), Lambda('x', LT(Var('x'), 2)))",
    ] {
        let wire = db.run(set);
        let outcome = db
            .session
            .query_legacy(&LegacyRequest::new(Wire::from(&wire)));
        let again: Json = match outcome.result {
            Ok(text) => serde_json::from_str(&text).unwrap(),
            Err(failure) => panic!("{set}: {wire}: {:?}", failure.entries()),
        };
        assert_eq!(again, wire, "{set}");
    }
}
