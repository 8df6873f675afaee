//! Laws and faults of documents, indexes and schemas, through sessions.

use fql::engine::{Engine, Outcome, Request, Session};
use fql::value::format::Format;
use proptest::prelude::*;

fn query(session: &Session, text: &str) -> Outcome {
    let mut request = Request::text(text);
    request.typecheck = Some(false);
    session.query(&request)
}

/// The result as JSON text, or the code and message of the failure.
fn answer(session: &Session, text: &str) -> String {
    match query(session, text).result {
        Ok(value) => value.to_text(Format::Simple),
        Err(error) => format!("{}: {}", error.code, error.message),
    }
}

fn done(session: &Session, text: &str) -> String {
    let outcome = query(session, text);
    match outcome.result {
        Ok(value) => value.to_text(Format::Simple),
        Err(_) => panic!("{text}\n{}", outcome.summary),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Create(Vec<Option<u8>>),
    Update(u8, u8, Option<u8>),
    Replace(u8, Vec<Option<u8>>),
    Delete(u8),
    /// The next of the schema changes.
    Evolve,
    /// Defines or drops the index of a field.
    Toggle(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let value = || proptest::option::of(0..3u8);
    let values = || proptest::collection::vec(value(), 4);
    prop_oneof![
        5 => values().prop_map(Step::Create),
        3 => (0..6u8, 0..4u8, value()).prop_map(|(doc, field, value)| Step::Update(doc, field, value)),
        2 => (0..6u8, values()).prop_map(|(doc, values)| Step::Replace(doc, values)),
        2 => (0..6u8).prop_map(Step::Delete),
        2 => Just(Step::Evolve),
        2 => (0..4u8).prop_map(Step::Toggle),
    ]
}

/// A collection whose schema evolves.
struct Evolving {
    session: Session,
    fields: Vec<&'static str>,
    indexed: Vec<&'static str>,
    migrations: Vec<&'static str>,
    times: Vec<String>,
}

impl Evolving {
    fn new() -> Evolving {
        let session = Engine::memory().unwrap().root();
        done(
            &session,
            "Collection.create({ name: 'F', fields: { a: { signature: 'Int?' }, b: { signature: 'Int?' } } })",
        );
        Evolving {
            session,
            fields: vec!["a", "b"],
            indexed: Vec::new(),
            migrations: Vec::new(),
            times: Vec::new(),
        }
    }

    fn object(&self, values: &[Option<u8>]) -> String {
        let fields = self.fields.iter().zip(values);
        let fields: Vec<String> = fields
            .filter_map(|(field, value)| Some(format!("{field}: {}", (*value)?)))
            .collect();
        format!("{{ {} }}", fields.join(", "))
    }

    /// The document in a place, if it is there.
    fn document(&self, place: u8) -> String {
        format!("F.all().drop({place}).first()")
    }

    fn index(&mut self, field: &'static str, wanted: bool) {
        let entries = match wanted {
            true => format!(
                "by_{field}: {{ terms: [{{ field: '.{field}' }}] }}, all_{field}: {{ values: [{{ field: '.{field}' }}] }}"
            ),
            false => format!("by_{field}: null, all_{field}: null"),
        };
        done(
            &self.session,
            &format!("F.definition.update({{ indexes: {{ {entries} }} }})"),
        );
        self.indexed.retain(|known| *known != field);
        if wanted {
            self.indexed.push(field);
        }
    }

    fn evolve(&mut self) {
        let (old, new, migrations): (Option<&str>, Option<&'static str>, &[&'static str]) =
            match self.migrations.len() {
                0 => (
                    None,
                    Some("c"),
                    &[
                        "{ add: { field: '.c' } }",
                        "{ backfill: { field: '.c', value: '2' } }",
                    ],
                ),
                2 => (
                    Some("a"),
                    Some("d"),
                    &["{ move: { field: '.a', to: '.d' } }"],
                ),
                3 => (Some("b"), None, &["{ drop: { field: '.b' } }"]),
                4 => (
                    Some("d"),
                    Some("a"),
                    &["{ move: { field: '.d', to: '.a' } }"],
                ),
                _ => return,
            };
        if let Some(old) = self
            .fields
            .iter()
            .copied()
            .find(|field| Some(*field) == old)
            && self.indexed.contains(&old)
        {
            self.index(old, false);
        }
        self.migrations.extend(migrations);
        let mut fields = Vec::new();
        if let Some(old) = old {
            fields.push(format!("{old}: null"));
            self.fields.retain(|field| *field != old);
        }
        if let Some(new) = new {
            fields.push(format!("{new}: {{ signature: 'Int?' }}"));
            self.fields.push(new);
        }
        done(
            &self.session,
            &format!(
                "F.definition.update({{ fields: {{ {} }}, migrations: [{}] }})",
                fields.join(", "),
                self.migrations.join(", ")
            ),
        );
    }

    fn take(&mut self, step: &Step) {
        let text = match step {
            Step::Evolve => return self.evolve(),
            Step::Toggle(n) => {
                let field = self.fields[usize::from(*n) % self.fields.len()];
                return self.index(field, !self.indexed.contains(&field));
            }
            Step::Create(values) => format!("F.create({})", self.object(values)),
            Step::Update(doc, field, value) => {
                let field = self.fields[usize::from(*field) % self.fields.len()];
                let value = value.map_or("null".to_string(), |value| value.to_string());
                format!("{}?.update({{ {field}: {value} }})", self.document(*doc))
            }
            Step::Replace(doc, values) => {
                format!("{}?.replace({})", self.document(*doc), self.object(values))
            }
            Step::Delete(doc) => format!("{}?.delete()", self.document(*doc)),
        };
        done(&self.session, &format!("{text}\n1"));
        let now = done(&self.session, "Time.now().toString()");
        self.times.push(now.trim_matches('"').to_string());
    }

    /// What the indexes hold is what the documents say, now and in the past, forwards and backwards.
    fn check(&self) {
        let mut times: Vec<Option<&String>> = self.times.iter().rev().take(3).map(Some).collect();
        times.push(None);
        for time in times {
            let at = |set: &str| match time {
                Some(time) => format!("at (Time('{time}')) {{ ({set}).map(.id).toArray() }}"),
                None => format!("({set}).map(.id).toArray()"),
            };
            for field in &self.indexed {
                for value in 0..3 {
                    let found = done(&self.session, &at(&format!("F.by_{field}({value})")));
                    let filtered = at(&format!("F.all().where(f => f.{field} == {value})"));
                    assert_eq!(
                        found,
                        done(&self.session, &filtered),
                        "{field} {value} {time:?}"
                    );
                }
                let sorted = done(&self.session, &at(&format!("F.all_{field}()")));
                let ordered = done(&self.session, &at(&format!("F.all().order(.{field})")));
                assert_eq!(sorted, ordered, "{field} {time:?}");
                let backwards = done(&self.session, &at(&format!("F.all_{field}().reverse()")));
                let mut ids: Vec<&str> = backwards.trim_matches(['[', ']']).split(',').collect();
                ids.reverse();
                assert_eq!(format!("[{}]", ids.join(",")), sorted, "{field} {time:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn indexes_follow_writes_and_schemas(steps in proptest::collection::vec(step(), 1..24)) {
        let mut evolving = Evolving::new();
        for step in &steps {
            evolving.take(step);
        }
        evolving.check();
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let session = Engine::memory().unwrap().root();
    done(
        &session,
        "Collection.create({ name: 'A', indexes: { by: { terms: [{ field: 'k' }] } } })",
    );
    let long = "let long = Set.sequence(0, 16).fold(\"0123456789abcdef\", (s, _) => s + s)\n";
    let text = |rest: &str| answer(&session, &format!("{long}{rest}"));
    let version =
        text("A.create({ id: 1, x: [long, long, long, long, long, long, long, long, 'more'] })");
    assert!(
        version.starts_with("invalid_request: Version bytes (83")
            && version.ends_with(") exceeds threshold (8388608)"),
        "{version}"
    );
    let key = text("A.create({ id: 1, k: long.slice(0, 63958) })");
    assert_eq!(
        key,
        "invalid_request: Key bytes (64001) exceeds threshold (64000)"
    );
    assert_eq!(
        text(
            "A.create({ id: 3, k: long.slice(0, 63957) }); A.by(long.slice(0, 63957)).map(.id).toArray()"
        ),
        "[\"3\"]"
    );
    assert_eq!(text("A.byId(3)!.delete() == null"), "true");
    let transaction = text("Set.sequence(0, 17).forEach(n => A.create({ x: long }))");
    assert!(
        transaction.starts_with("invalid_request: Transaction exceeded limit: got ")
            && transaction.ends_with(" bytes, limit 16777216 bytes"),
        "{transaction}"
    );
    assert_eq!(text("A.all().count()"), "0");
    // Just below the limits all is well.
    assert_eq!(
        text("A.create({ id: 2, x: [long, long, long, long, long, long, long] }).id"),
        "\"2\""
    );
}

#[test]
fn bad_cursors_are_invalid() {
    let engine = Engine::memory().unwrap();
    let session = engine.root();
    done(&session, "Collection.create({ name: 'A' })");
    done(&session, "Database.create({ name: 'child' })");
    done(
        &session,
        "Set.sequence(0, 40).forEach(n => A.create({ n: n }))",
    );
    let page = done(
        &session,
        "let n = 3; A.where(.n > n).map(.n).paginate(2).after",
    );
    let token = page.trim_matches('"');
    assert_eq!(
        done(&session, &format!("Set.paginate('{token}').data")),
        "[6,7]"
    );
    const INVALID: &str = "invalid_cursor: Cursor cursor is invalid or expired.";
    for at in 0..token.len() {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let mutated = String::from_utf8(bytes).unwrap();
        let cut = &token[..at];
        for bad in [mutated.as_str(), cut] {
            let text = format!("Set.paginate('{bad}').data");
            let found = answer(&session, &text);
            // The last character has bits that mean nothing.
            let harmless = at + 1 == token.len() && found == "[6,7]";
            assert!(found == INVALID || harmless, "{bad}: {found}");
        }
    }
    let source = done(&session, "A.all().eventSource()");
    for bad in ["", "abc", "ä", source.trim_matches('"')] {
        assert_eq!(answer(&session, &format!("Set.paginate('{bad}')")), INVALID);
    }
    let child = done(
        &session,
        "Key.create({ role: 'admin', database: 'child' }).secret",
    );
    let child = engine.with_secret(child.trim_matches('"'));
    assert_eq!(answer(&child, &format!("Set.paginate('{token}')")), INVALID);
}

#[test]
fn renames_keep_documents_references_indexes_and_builds() {
    let session = Engine::memory().unwrap().root();
    done(&session, "Collection.create({ name: 'A' })");
    done(&session, "Collection.create({ name: 'B' })");
    done(
        &session,
        "Set.sequence(0, 500).forEach(n => A.create({ id: ID(n), n: n % 5 }))",
    );
    done(&session, "B.create({ id: 1, a: A.byId(7) })");
    // The index of so many documents is built in the background; the collection is renamed meanwhile.
    done(
        &session,
        "A.definition.update({ indexes: { byN: { terms: [{ field: 'n' }] } } })",
    );
    done(&session, "A.definition.update({ name: 'C' })");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while done(&session, "C.definition.indexes.byN.status") != "\"complete\"" {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(done(&session, "C.byN(3).count()"), "100");
    assert_eq!(done(&session, "B.byId(1)!.a.n"), "2");
    assert_eq!(done(&session, "B.byId(1)!.a.coll.toString()"), "\"C\"");
    // Under the old name there is something else now.
    done(&session, "Collection.create({ name: 'A' })");
    assert_eq!(
        done(&session, "[A.all().count(), A.byId(7).exists()]"),
        "[0,false]"
    );
    // What refers to a deleted collection refers to nothing.
    done(&session, "C.definition.delete()");
    assert_eq!(
        done(
            &session,
            "let a = B.byId(1)!.a; [a == null, a.exists(), a.coll]"
        ),
        "[true,false,\"Deleted\"]"
    );
    assert_eq!(
        answer(&session, "B.byId(1)!.a!"),
        "document_not_found: Document with id 7 does not exist because the collection was deleted."
    );
}
