//! Logging in with the JWTs of an access provider (`spec access-control 6.2`), with keys made here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fql::engine::{Engine, Request, Session};
use fql::value::format::Format;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs8::EncodePrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value as Json, json};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

const URI: &str = "https://issuer.example/keys";
const ISSUER: &str = "https://issuer.example";

/// An RSA key: what signs, and what the world may know.
struct Key {
    signing: EncodingKey,
    jwk: Json,
}

/// Two keys, made once: that of the provider and that of somebody else.
fn keys() -> &'static [Key; 2] {
    static KEYS: OnceLock<[Key; 2]> = OnceLock::new();
    KEYS.get_or_init(|| {
        ["one", "two"].map(|kid| {
            let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
            let der = key.to_pkcs8_der().expect("DER");
            let pkcs1 = rsa::pkcs1::EncodeRsaPrivateKey::to_pkcs1_der(&key).expect("DER");
            assert!(!der.as_bytes().is_empty());
            let number = |n: &rsa::BigUint| URL_SAFE_NO_PAD.encode(n.to_bytes_be());
            Key {
                signing: EncodingKey::from_rsa_der(pkcs1.as_bytes()),
                jwk: json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": number(key.n()), "e": number(key.e())}),
            }
        })
    })
}

struct World {
    engine: Arc<Engine>,
    child: Session,
    audience: String,
}

fn ask(session: &Session, text: &str) -> Result<String, String> {
    match session.query(&Request::text(text)).result {
        Ok(rendered) => Ok(rendered.to_text(Format::Simple)),
        Err(error) => Err(format!("{} {}", error.status, error.code)),
    }
}

fn must(session: &Session, text: &str) -> String {
    ask(session, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn world() -> World {
    let engine = Engine::memory().expect("an engine");
    must(&engine.root(), "Database.create({name: 'shop'})");
    let child = engine.root().in_database(vec!["shop".into()]);
    must(&child, "Collection.create({name: 'Note'})");
    must(&child, "Note.create({id: '1', title: 'hello'})");
    must(
        &child,
        "Role.create({name: 'reader', privileges: {resource: 'Note', actions: {read: true}}})
         Role.create({name: 'writer', privileges: {resource: 'Note', actions: {create: true}}})",
    );
    let provider = format!(
        "AccessProvider.create({{name: 'ap', issuer: '{ISSUER}', jwks_uri: '{URI}', roles: [
           {{role: 'reader', predicate: 'claims => claims.scope == \"read\"'}},
           {{role: 'writer', predicate: 'claims => claims.writes'}}]}}).audience"
    );
    let audience = must(&child, &provider).trim_matches('"').to_string();
    let set = json!({"keys": [keys()[0].jwk]}).to_string();
    engine.pin_key_set(URI, &set).expect("a key set");
    World {
        engine,
        child,
        audience,
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_secs()
}

impl World {
    fn claims(&self) -> Json {
        json!({"iss": ISSUER, "aud": self.audience, "exp": now() + 600, "scope": "read", "sub": "ada"})
    }

    fn sign(&self, claims: &Json, kid: Option<&str>, key: usize, algorithm: Algorithm) -> String {
        let mut header = Header::new(algorithm);
        header.kid = kid.map(str::to_string);
        jsonwebtoken::encode(&header, claims, &keys()[key].signing).expect("a token")
    }

    fn session(&self, claims: &Json) -> Session {
        self.engine
            .with_secret(&self.sign(claims, Some("one"), 0, Algorithm::RS256))
    }

    /// Whether a token is accepted; nothing tells why not.
    fn accepts(&self, token: &str) -> bool {
        match ask(&self.engine.with_secret(token), "1") {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error, "401 unauthorized");
                false
            }
        }
    }
}

#[test]
fn a_token_gives_the_roles_that_its_claims_earn() {
    let world = world();
    let reader = world.session(&world.claims());
    assert_eq!(must(&reader, "Note.byId('1')!.title"), "\"hello\"");
    assert_eq!(
        ask(&reader, "Note.create({})"),
        Err("400 permission_denied".into())
    );
    assert_eq!(must(&reader, "Query.identity()"), "null");
    assert_eq!(must(&reader, "Query.token()!.sub"), "\"ada\"");
    let mut claims = world.claims();
    claims["writes"] = json!(true);
    claims["scope"] = json!("none");
    let writer = world.session(&claims);
    assert_eq!(must(&writer, "Note.byId('1').exists()"), "false");
    assert_eq!(must(&writer, "Note.create({}) == null"), "true");
    // Truthy is not true.
    claims["writes"] = json!("true");
    assert_eq!(
        ask(&world.session(&claims), "1"),
        Err("401 unauthorized".into())
    );
}

#[test]
fn a_role_change_and_a_deleted_provider_take_effect_at_once() {
    let world = world();
    let reader = world.session(&world.claims());
    assert_eq!(must(&reader, "Note.all().count()"), "1");
    must(
        &world.child,
        "Role.byName('reader')!.update({privileges: []})",
    );
    assert_eq!(must(&reader, "Note.all().count()"), "0");
    must(&world.child, "AccessProvider.byName('ap')!.delete()");
    assert_eq!(ask(&reader, "1"), Err("401 unauthorized".into()));
}

#[test]
fn what_is_wrong_with_a_token_refuses_it() {
    let world = world();
    let sign = |claims: &Json| world.sign(claims, Some("one"), 0, Algorithm::RS256);
    assert!(world.accepts(&sign(&world.claims())));
    let with = |name: &str, value: Json| {
        let mut claims = world.claims();
        claims[name] = value;
        sign(&claims)
    };
    let other = "https://other.example";
    assert!(!world.accepts(&with("exp", json!(now() - 1))), "expired");
    assert!(!world.accepts(&with("nbf", json!(now() + 60))), "not yet");
    assert!(world.accepts(&with("nbf", json!(now() - 60))));
    assert!(!world.accepts(&with("iss", json!(other))), "another issuer");
    assert!(
        !world.accepts(&with("iss", json!(world.audience))),
        "the reserved issuer"
    );
    assert!(
        !world.accepts(&with("aud", json!(other))),
        "another audience"
    );
    assert!(
        !world.accepts(&with("aud", json!("https://db.fauna.com/db/yyyyyyyyyyyyy"))),
        "the root"
    );
    assert!(
        !world.accepts(&with("aud", json!([world.audience, world.audience]))),
        "twice"
    );
    assert!(world.accepts(&with("aud", json!([other, world.audience]))));
    assert!(!world.accepts(&with("scope", json!("nothing"))), "no role");
    // The database gone.
    let good = sign(&world.claims());
    must(&world.engine.root(), "Database.byName('shop')!.delete()");
    assert!(!world.accepts(&good));
}

#[test]
fn only_the_keys_of_the_provider_sign() {
    let world = world();
    let claims = world.claims();
    assert!(
        !world.accepts(&world.sign(&claims, Some("one"), 1, Algorithm::RS256)),
        "another key"
    );
    assert!(
        !world.accepts(&world.sign(&claims, Some("two"), 1, Algorithm::RS256)),
        "an unknown key"
    );
    assert!(
        world.accepts(&world.sign(&claims, None, 0, Algorithm::RS256)),
        "the only key needs no name"
    );
    // The key is for RS256.
    assert!(!world.accepts(&world.sign(&claims, Some("one"), 0, Algorithm::RS512)));
    let good = world.sign(&claims, Some("one"), 0, Algorithm::RS256);
    let (signed, signature) = good.rsplit_once('.').expect("parts");
    let (header, _) = signed.split_once('.').expect("parts");
    let encode = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let mut raised = claims.clone();
    raised["writes"] = json!(true);
    assert!(
        !world.accepts(&format!("{header}.{}.{signature}", encode(&raised))),
        "changed claims"
    );
    let none = encode(&json!({"alg": "none", "typ": "JWT"}));
    assert!(
        !world.accepts(&format!("{none}.{}.", encode(&claims))),
        "no signature"
    );
    // The public key as a shared secret.
    let modulus = keys()[0].jwk["n"].as_str().expect("a modulus");
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("one".into());
    let shared = EncodingKey::from_secret(modulus.as_bytes());
    let forged = jsonwebtoken::encode(&header, &claims, &shared).expect("a token");
    assert!(!world.accepts(&forged));
    for junk in ["ey.", "ey..", "eyJ9.e30.x", "ey.ey.ey"] {
        assert!(!world.accepts(junk), "{junk}");
    }
    // Several keys: the name decides.
    let set = json!({"keys": [keys()[0].jwk, keys()[1].jwk]}).to_string();
    world.engine.pin_key_set(URI, &set).expect("a key set");
    assert!(world.accepts(&world.sign(&claims, Some("two"), 1, Algorithm::RS256)));
    assert!(!world.accepts(&world.sign(&claims, None, 1, Algorithm::RS256)));
    // Without a name, the one that has none.
    let mut unnamed = keys()[1].jwk.clone();
    unnamed.as_object_mut().expect("an object").remove("kid");
    let set = json!({"keys": [keys()[0].jwk, unnamed]}).to_string();
    world.engine.pin_key_set(URI, &set).expect("a key set");
    assert!(world.accepts(&world.sign(&claims, None, 1, Algorithm::RS256)));
    assert!(!world.accepts(&world.sign(&claims, None, 0, Algorithm::RS256)));
    assert!(!world.accepts(&world.sign(&claims, Some("two"), 1, Algorithm::RS256)));
    // A key that was withdrawn no longer signs, whatever was verified with it before.
    world
        .engine
        .pin_key_set(URI, &json!({"keys": [keys()[1].jwk]}).to_string())
        .expect("a key set");
    assert!(!world.accepts(&good));
}

/// Keys on elliptic curves: each algorithm with its own curve, and no other.
#[test]
fn elliptic_curves_sign_too() {
    use p256::elliptic_curve::sec1::ToEncodedPoint;
    let world = world();
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let small = p256::SecretKey::random(&mut rsa::rand_core::OsRng);
    let point = small.public_key().to_encoded_point(false);
    let (x, y) = (point.x().expect("x"), point.y().expect("y"));
    let small_jwk = json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "small", "x": number(x), "y": number(y)});
    let large = p384::SecretKey::random(&mut rsa::rand_core::OsRng);
    let point = large.public_key().to_encoded_point(false);
    let (x, y) = (point.x().expect("x"), point.y().expect("y"));
    // Without `alg`, the curve says which one.
    let large_jwk =
        json!({"kty": "EC", "crv": "P-384", "kid": "large", "x": number(x), "y": number(y)});
    let set = json!({"keys": [keys()[0].jwk, small_jwk, large_jwk]}).to_string();
    world.engine.pin_key_set(URI, &set).expect("a key set");
    let der = |der: &[u8]| EncodingKey::from_ec_der(der);
    let small = der(small.to_pkcs8_der().expect("DER").as_bytes());
    let large = der(large.to_pkcs8_der().expect("DER").as_bytes());
    let sign = |algorithm, kid: &str, key: &EncodingKey| {
        let mut header = Header::new(algorithm);
        header.kid = Some(kid.into());
        jsonwebtoken::encode(&header, &world.claims(), key).expect("a token")
    };
    let good = [
        sign(Algorithm::ES256, "small", &small),
        sign(Algorithm::ES384, "large", &large),
    ];
    for token in &good {
        assert!(world.accepts(token));
        // Another of the set's keys, named for it.
        let signed = |header: Json| {
            let (_, rest) = token.split_once('.').expect("parts");
            format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
        };
        assert!(!world.accepts(&signed(json!({"alg": "ES256", "kid": "one"}))));
        assert!(!world.accepts(&signed(json!({"alg": "RS256", "kid": "small"}))));
        assert!(!world.accepts(&signed(json!({"alg": "HS256", "kid": "small"}))));
    }
    let other = der(p256::SecretKey::random(&mut rsa::rand_core::OsRng)
        .to_pkcs8_der()
        .expect("DER")
        .as_bytes());
    assert!(!world.accepts(&sign(Algorithm::ES256, "small", &other)));
}

/// Without a network: the key set comes from a file that the command line names.
#[test]
fn a_key_set_from_a_file_verifies_in_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.db");
    let fql = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_fql"))
            .arg(&file)
            .args(arguments)
            .args(["--quiet", "--format", "json"])
            .output()
            .expect("the command");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text").trim().to_string();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let made = format!(
        "Role.create({{name: 'reader', privileges: []}})
         AccessProvider.create({{name: 'ap', issuer: '{ISSUER}', jwks_uri: '{URI}', roles: ['reader']}}).audience"
    );
    assert_eq!(
        fql(&["-e", "Database.create({name: 'shop'}).name"]).0,
        Some(0)
    );
    let (status, audience, fault) = fql(&["--database", "shop", "-e", &made]);
    assert_eq!((status, fault.as_str()), (Some(0), ""));
    let audience = audience.lines().last().unwrap_or_default();
    let claims =
        json!({"iss": ISSUER, "aud": audience.trim_matches('"'), "exp": now() + 600, "sub": "ada"});
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("one".into());
    let token = jsonwebtoken::encode(&header, &claims, &keys()[0].signing).expect("a token");
    let keys_file = folder.path().join("keys.json");
    std::fs::write(&keys_file, json!({"keys": [keys()[0].jwk]}).to_string()).expect("a file");
    let jwks = format!("{URI}={}", keys_file.display());
    let asked = ["--secret", &token, "-e", "Query.token()!.sub"];
    let with = |jwks: &str| fql(&[&["--jwks", jwks], asked.as_slice()].concat());
    assert_eq!(with(&jwks), (Some(0), "\"ada\"".into(), String::new()));
    // Also where another process holds the file, for those that name the file and nobody else.
    #[cfg(unix)]
    {
        let holder = std::process::Command::new(env!("CARGO_BIN_EXE_fql"))
            .arg(&file)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn();
        let mut holder = holder.expect("the holder");
        let started = std::time::Instant::now();
        while std::os::unix::net::UnixStream::connect(fql::engine::socket_path(&file)).is_err() {
            assert!(started.elapsed().as_secs() < 30, "no socket");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert_eq!(with(&jwks), (Some(0), "\"ada\"".into(), String::new()));
        let nobody = fql(&asked);
        assert_eq!(nobody.0, Some(2), "{}", nobody.2);
        let asking = |server: &str| {
            let config = ureq::Agent::config_builder().http_status_as_error(false);
            let agent: ureq::Agent = config.build().into();
            let answer = agent
                .post(format!("{server}/query/1"))
                .header("authorization", format!("Bearer {token}"))
                .header("x-fql-key-set", &jwks)
                .send(r#"{"query":"Query.token()!.sub"}"#);
            answer.expect("an answer").status().as_u16()
        };
        let serve = |arguments: &[&str]| {
            let child = std::process::Command::new(env!("CARGO_BIN_EXE_fql"))
                .args(["serve", "--listen", "127.0.0.1:0", "--secret", "s"])
                .args(arguments)
                .arg(&file)
                .stderr(std::process::Stdio::piped())
                .spawn();
            let mut child = child.expect("a server");
            let log = std::io::BufReader::new(child.stderr.take().expect("its log"));
            let url = std::io::BufRead::lines(log)
                .map_while(Result::ok)
                .find_map(|line| Some(line.split_once("url=")?.1.trim_matches('"').to_string()));
            (child, url.expect("its URL"))
        };
        let (mut knowing, url) = serve(&["--jwks", &jwks]);
        assert_eq!(asking(&url), 200);
        // Who only says so is not believed.
        let (mut other, url) = serve(&[]);
        assert_eq!(asking(&url), 401);
        for child in [&mut knowing, &mut other, &mut holder] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
    std::fs::write(&keys_file, json!({"keys": [keys()[1].jwk]}).to_string()).expect("a file");
    assert_ne!(with(&jwks).0, Some(0), "somebody else's key");
    std::fs::write(&keys_file, "no keys").expect("a file");
    let (status, _, fault) = with(&jwks);
    assert_eq!(status, Some(2));
    assert!(
        fault.contains("keys.json") && fault.contains("no key set"),
        "{fault}"
    );
}
