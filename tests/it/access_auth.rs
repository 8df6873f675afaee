//! Authentication: scoped secrets, tokens, keys for children, and when a secret stops working
//! (`spec access-control 1.3-1.5, 2, 5`).

use fql::access::secret::{Secret, hash_password};
use fql::engine::{Engine, Request, Session};
use fql::value::format::Format;
use std::sync::Arc;
use std::time::Instant;

fn ask(session: &Session, text: &str) -> Result<String, String> {
    let mut request = Request::text(text);
    request.typecheck = Some(false);
    match session.query(&request).result {
        Ok(rendered) => Ok(rendered.to_text(Format::Simple)),
        Err(error) if error.status == 401 => Err("401".into()),
        Err(error) => Err(error.code.to_string()),
    }
}

fn must(session: &Session, text: &str) -> String {
    ask(session, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn secret(session: &Session, text: &str) -> String {
    must(session, text).trim_matches('"').to_string()
}

/// `kid` with `grand` below it; `Note` with a document in the topmost, `kid` and `grand`; a role `reader` in each.
fn world() -> (Arc<Engine>, Session) {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    let mut path = Vec::new();
    for name in ["", "kid", "grand"] {
        if !name.is_empty() {
            let parent = root.in_database(path.clone());
            must(&parent, &format!("Database.create({{name: '{name}'}})"));
            path.push(name.into());
        }
        let here = root.in_database(path.clone());
        must(
            &here,
            "Collection.create({name: 'Note'})
             Collection.create({name: 'Member', alias: 'Person'})
             Role.create({name: 'reader', privileges: {resource: 'Note', actions: {read: true}}, membership: {resource: 'Member'}})",
        );
        must(
            &here,
            &format!("Note.create({{id: '1', place: '{name}'}}); Member.create({{id: '7'}})"),
        );
    }
    (engine, root)
}

const PLACE: &str = "Note.byId('1')!.place";

#[test]
fn scope_suffixes() {
    let (engine, root) = world();
    let admin = secret(&root, "Key.create({role: 'admin'}).secret");
    let at = |text: String| ask(&engine.with_secret(&text), PLACE);
    let is = |place: &str| Ok(format!("\"{place}\""));
    for (suffix, place) in [
        ("", ""),
        (":admin", ""),
        (":server-readonly", ""),
        (":@role/reader", ""),
        (":@doc/Member/7", ""),
        (":collections/Member/7", ""),
        (":classes/Member/7", ""),
        (":@doc/Member/07", ""),
        (":kid:admin", "kid"),
        (":kid:@role/reader", "kid"),
        (":kid/grand:server", "grand"),
        (":kid/grand/:server", "grand"),
        (":kid/grand:@doc/Member/7", "grand"),
        (":/:server", ""),
        // No scope: ignored.
        (":kid", ""),
        (":", ""),
        (":kid:nobody", ""),
        ("::server:x", ""),
    ] {
        assert_eq!(at(format!("{admin}{suffix}")), is(place), "{suffix}");
    }
    for suffix in [
        ":administrator",
        ":kid:serverx",
        ":nowhere:server",
        ":kid/nowhere:server",
        ":/kid:server",
        ":kid//grand:server",
        ":@role/nobody",
        ":@role/admin",
        ":@doc/Member/8",
        ":@doc/Nothing/7",
        ":@doc/Member/x",
        ":@doc/Member/+7",
        ":@doc/Member/",
        ":@doc/Member/7/1",
        ":@doc/Person/7",
        ":@doc/Key/1",
        ":@doc/Member",
        "/kid",
        "=",
    ] {
        assert_eq!(
            at(format!("{admin}{suffix}")),
            Err("401".into()),
            "{suffix}"
        );
    }
    // `client` reads nothing, but is in.
    assert_eq!(
        ask(&engine.with_secret(&format!("{admin}:client")), "1"),
        Ok("1".into())
    );
}

#[test]
fn only_admins_choose_their_scope() {
    let (engine, root) = world();
    for role in ["server", "server-readonly", "client", "reader"] {
        let key = secret(&root, &format!("Key.create({{role: '{role}'}}).secret"));
        let is_in = |suffix: &str| ask(&engine.with_secret(&format!("{key}{suffix}")), "1").is_ok();
        assert!(is_in(""), "{role}");
        for suffix in [
            ":server",
            ":client",
            ":admin",
            ":kid:server",
            ":@role/reader",
            ":kid:@doc/Member/7",
        ] {
            assert!(!is_in(suffix), "{role}{suffix}");
        }
        assert_eq!(is_in(":@doc/Member/7"), role == "server", "{role}");
    }
    let key = secret(&root, "Key.create({role: 'server'}).secret");
    let as_member = engine.with_secret(&format!("{key}:@doc/Member/7"));
    assert_eq!(must(&as_member, "Query.identity().id"), "\"7\"");
    assert_eq!(must(&as_member, "Query.token()"), "null");
    assert_eq!(
        ask(&as_member, "Note.create({})"),
        Err("permission_denied".into())
    );
}

#[test]
fn tokens_ignore_suffixes_that_parse() {
    let (engine, root) = world();
    let token = secret(&root, "Token.create({document: Member.byId('7')!}).secret");
    for suffix in [
        "",
        ":admin",
        ":kid:admin",
        ":nowhere:@role/nobody",
        ":",
        ":kid",
    ] {
        let session = engine.with_secret(&format!("{token}{suffix}"));
        assert_eq!(must(&session, PLACE), "\"\"", "{suffix}");
        assert_eq!(must(&session, "Query.identity().id"), "\"7\"", "{suffix}");
        assert!(
            ask(&session, "Database.all().count()").is_ok_and(|n| n == "0"),
            "{suffix}"
        );
    }
    let session = engine.with_secret(&format!("{token}:administrator"));
    assert_eq!(ask(&session, "1"), Err("401".into()));
}

#[test]
fn root_secrets_carry_scopes_and_come_last() {
    let (engine, _) = world();
    engine.add_root_secret("letmein");
    assert_eq!(must(&engine.with_secret("letmein"), PLACE), "\"\"");
    assert_eq!(
        must(&engine.with_secret("letmein:kid/grand:server"), PLACE),
        "\"grand\""
    );
    assert_eq!(
        ask(&engine.with_secret("letmein:nowhere:server"), "1"),
        Err("401".into())
    );
    for wrong in ["letmei", "letmeinn", "", ":admin", "secret"] {
        assert_eq!(
            ask(&engine.with_secret(wrong), "1"),
            Err("401".into()),
            "{wrong}"
        );
    }
}

#[test]
fn keys_for_children_act_there() {
    let (engine, root) = world();
    let key = secret(
        &root,
        "Key.create({role: 'reader', database: 'kid'}).secret",
    );
    let session = engine.with_secret(&key);
    assert_eq!(must(&session, PLACE), "\"kid\"");
    // The role is the child's own: renaming it there leaves the key with none.
    let kid = root.in_database(vec!["kid".into()]);
    must(&kid, "Role.byName('reader')!.update({name: 'lector'})");
    assert_eq!(must(&session, "Note.all().count()"), "0");
    must(&kid, "Role.byName('lector')!.update({name: 'reader'})");
    assert_eq!(must(&session, PLACE), "\"kid\"");
    // Renaming the database changes nothing.
    must(&root, "Database.byName('kid')!.update({name: 'kid2'})");
    assert_eq!(must(&session, PLACE), "\"kid\"");
    must(
        &root,
        "Database.byName('kid2')!.delete(); Database.create({name: 'kid2'})",
    );
    assert_eq!(ask(&session, "1"), Err("401".into()));
}

#[test]
fn secrets_die_at_once_in_every_open_session() {
    let (engine, root) = world();
    let kid = root.in_database(vec!["kid".into()]);
    let grand = root.in_database(vec!["kid".into(), "grand".into()]);
    let open = |text: &str| {
        let session = engine.with_secret(text);
        must(&session, "1");
        must(&session, "1");
        session
    };
    let refused = |session: &Session| assert_eq!(ask(session, "1"), Err("401".into()));

    let made = must(
        &root,
        "let k = Key.create({role: 'admin'}); [k.id, k.secret]",
    );
    let made: Vec<String> = serde_json::from_str(&made).expect("two");
    let sessions = [open(&made[1]), open(&format!("{}:kid:server", made[1]))];
    must(&root, &format!("Key.byId('{}')!.delete()", made[0]));
    sessions.iter().for_each(refused);

    let made = must(
        &root,
        "let k = Key.create({role: 'server'}); [k.id, k.secret]",
    );
    let made: Vec<String> = serde_json::from_str(&made).expect("two");
    let session = open(&made[1]);
    must(
        &root,
        &format!("Key.byId('{}')!.update({{role: 'client'}})", made[0]),
    );
    assert_eq!(must(&session, "Note.all().count()"), "0");
    must(
        &root,
        &format!(
            "Key.byId('{}')!.update({{ttl: Time.now().subtract(1, 'second')}})",
            made[0]
        ),
    );
    refused(&session);

    let expiring = secret(
        &root,
        "Key.create({role: 'server', ttl: Time.now().add(300, 'millisecond')}).secret",
    );
    let session = open(&expiring);
    std::thread::sleep(std::time::Duration::from_millis(350));
    refused(&session);

    let token = secret(&root, "Token.create({document: Member.byId('7')!}).secret");
    let session = open(&token);
    must(&root, "Member.byId('7')!.delete()");
    refused(&session);
    must(&root, "Member.create({id: '7'})");
    must(&session, PLACE);
    must(&root, "Token.all().forEach(t => t.delete())");
    refused(&session);

    let inside = secret(&grand, "Key.create({role: 'admin'}).secret");
    let token = secret(&grand, "Token.create({document: Member.byId('7')!}).secret");
    let for_child = secret(
        &kid,
        "Key.create({role: 'server', database: 'grand'}).secret",
    );
    let sessions = [open(&inside), open(&token), open(&for_child)];
    must(&root, "Database.byName('kid')!.delete()");
    sessions.iter().for_each(refused);
}

/// A secret is shown by the value that created it, and by nothing else.
#[test]
fn secrets_show_once() {
    let (_, root) = world();
    assert_eq!(
        must(&root, "Key.create({role: 'server'}).secret.length"),
        "40"
    );
    assert_eq!(
        must(
            &root,
            "let k = Key.create({role: 'server'}); [k.secret.length, Key.byId(k.id).secret]"
        ),
        "[40,null]"
    );
    assert_eq!(
        must(
            &root,
            "Token.create({document: Member.byId('7')!}); Token.all().first().secret"
        ),
        "null"
    );
    assert_eq!(
        must(
            &root,
            "Key.all().where(k => k.secret != null || k.hashed_secret != null).count()"
        ),
        "0"
    );
    assert_eq!(
        must(
            &root,
            "Credential.create({document: Member.byId('7')!, password: 'p'}).password"
        ),
        "null"
    );
    assert_eq!(
        must(
            &root,
            "Credential.all().where(c => c.hashed_password != null).count()"
        ),
        "0"
    );
}

#[test]
fn malformed_secrets_are_refused_without_bcrypt() {
    let (engine, _) = world();
    engine.add_root_secret("letmein");
    let started = Instant::now();
    for i in 0..2000 {
        let session = engine.with_secret(&format!("fnA{i}"));
        assert_eq!(ask(&session, "1"), Err("401".into()));
    }
    // Unknown ids neither.
    for _ in 0..200 {
        let (made, _) = made_without_hash();
        assert_eq!(ask(&engine.with_secret(&made), "1"), Err("401".into()));
    }
    let each = started.elapsed() / 2200;
    let bcrypt = Instant::now();
    hash_password("x");
    assert!(each < bcrypt.elapsed(), "{each:?}");
}

/// A well-formed secret of a key that does not exist.
fn made_without_hash() -> (String, i64) {
    use base64::Engine as _;
    let id = rand::random::<i64>();
    let mut bytes = vec![0x7E, 0x70];
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.extend_from_slice(&rand::random::<[u8; 20]>());
    (
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes),
        id,
    )
}

/// What authentication adds to a query with a known key; printed, and bounded generously.
#[test]
fn a_known_key_costs_little() {
    let (engine, root) = world();
    let key = secret(
        &root,
        "Key.create({role: 'server', database: 'kid'}).secret",
    );
    let per_query = |session: &Session| {
        must(session, "1");
        let started = Instant::now();
        for _ in 0..2000 {
            must(session, "1");
        }
        started.elapsed() / 2000
    };
    let (without, with) = (per_query(&root), per_query(&engine.with_secret(&key)));
    println!("a query: {without:?} as the owner, {with:?} with a key");
    let bcrypt = Instant::now();
    hash_password("x");
    assert!(with < without + bcrypt.elapsed());
}

#[test]
fn nothing_prints_a_secret() {
    let (made, hash) = Secret::of_key(5).expect("a secret");
    assert!(!format!("{made:?}").contains(made.reveal()));
    assert!(!hash.contains(&made.reveal()[14..]));
    let (engine, root) = world();
    let key = secret(&root, "Key.create({role: 'server'}).secret");
    let session = engine.with_secret(&format!("{key}:administrator"));
    let outcome = session.query(&Request::text("1"));
    assert!(!format!("{outcome:?}").contains(&key));
    let error = engine
        .with_secret(&key)
        .query(&Request::text("abort(Key.all())"));
    assert!(!format!("{error:?}").contains(&key));
}

/// A reference to a definition shows its name, whoever holds it; what it names stays hidden.
#[test]
fn references_show_names() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    must(
        &root,
        "Collection.create({name: 'Holder'})
         Database.create({name: 'kid'})
         Function.create({name: 'hushed', body: 'x => x'})
         Role.create({name: 'reader', privileges: {resource: 'Holder', actions: {read: true}}})
         Key.create({role: 'client', database: 'kid'})
         Role.create({name: 'keys', privileges: {resource: 'Key', actions: {read: true}}})",
    );
    must(
        &root,
        "Holder.create({id: '1', function: hushed.definition, own: Holder.definition})",
    );
    let reader = root.with_role(Some("@role/reader".into()));
    let held = "let held: Any = Holder.byId('1')!;";
    for (text, expected) in [
        (
            "[held.function.name, held.own.name]",
            "[\"hushed\",\"Holder\"]",
        ),
        (
            "held { function: .function.name }",
            "{\"function\":\"hushed\"}",
        ),
        ("held.function == Function.byName('hushed')", "true"),
        ("held.function == null", "true"),
        ("held.function?.body == null", "true"),
        ("Holder.definition.name", "\"Holder\""),
    ] {
        assert_eq!(must(&reader, &format!("{held} {text}")), expected, "{text}");
    }
    let decorated = |text: &str| {
        let outcome = reader.query(&Request::text(text));
        outcome
            .result
            .map(|value| value.to_text(Format::Decorated))
            .map_err(|error| error.message)
    };
    assert_eq!(
        decorated("Holder.byId('1')!.function"),
        Ok("Function.byName(\"hushed\") /* permission denied */".into())
    );
    // A name that was given says nothing new, whether there is such a function or not.
    let shown =
        |name: &str| must(&reader, &format!("Function.byName('{name}')")).replace(name, "NAME");
    assert_eq!(shown("hushed"), shown("absent"));
    // A key shows its database to those who may read keys, not databases.
    let keys = root.with_role(Some("@role/keys".into()));
    assert_eq!(must(&keys, "Key.all().first()!.database"), "\"kid\"");
}
