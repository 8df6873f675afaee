//! Any query runs in a transient database without a panic and within its time, and the session goes on.
#![no_main]

use fql::engine::{Engine, Request, Session};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use std::time::Duration;

/// One database for the whole run: what queries leave behind is part of the fun.
fn session() -> &'static Session {
    static SESSION: OnceLock<Session> = OnceLock::new();
    SESSION.get_or_init(|| {
        let session = Engine::memory().expect("an engine").root();
        let setup =
            "Collection.create({ name: 'Item', indexes: { byN: { terms: [{ field: '.n' }] } } })";
        assert!(session.query(&Request::text(setup)).result.is_ok());
        assert!(
            session
                .query(&Request::text(
                    "Set.sequence(0, 5).forEach(n => Item.create({ n: n }))"
                ))
                .result
                .is_ok()
        );
        session
    })
}

fuzz_target!(|text: &str| {
    for typecheck in [true, false] {
        let mut request = Request::text(text);
        request.typecheck = Some(typecheck);
        request.timeout = Some(Duration::from_millis(200));
        session().query(&request);
    }
    assert!(session().query(&Request::text("1 + 1")).result.is_ok());
});
