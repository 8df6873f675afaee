//! What one query costs, part by part: `cargo bench`, or `cargo bench -- NAME-PART`. Comparisons with other programs
//! are in `benches/compare`.
//!
//! The harness is a few lines here rather than a library: medians of rounds are all it takes.

use fql::engine::{Engine, Request, Session};
use fql::fql::syntax::{Source, parse_query};
use std::hint::black_box;
use std::time::Instant;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of which the median counts; the first one warms up.
const ROUNDS: usize = 20;
/// Operations of a round.
const OPERATIONS: u32 = 500;

fn main() {
    // Cargo passes `--bench`.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let bench = |name: &str, operation: &mut dyn FnMut()| {
        if wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str())) {
            println!("{name:<28} {:>9.2} µs", median(operation));
        }
    };
    let session = session();
    for (name, text) in [
        ("parse: a point read", "C.byId(\"1\")!.name"),
        ("parse: a filter", "Key.all().where(.database != null)"),
        (
            "parse: a block",
            "let xs = [1, 2, 3].map(x => x * 2)\nxs.fold(0, (a, b) => a + b)",
        ),
    ] {
        bench(name, &mut || {
            assert!(black_box(parse_query(&Source::query(black_box(text)))).is_ok());
        });
    }
    // Texts unlike all before, so that the query cache does not answer.
    let mut n = 0u64;
    for (name, typecheck) in [("new text, checked", true), ("new text, unchecked", false)] {
        bench(name, &mut || {
            n += 1;
            let text = format!("let x{n} = [1, 2].map(x => x * 2)\nx{n}.fold(0, (a, b) => a + b)");
            run(&session, text, Some(typecheck));
        });
    }
    bench("1 + 1", &mut || run(&session, "1 + 1", None));
    bench("point read, unlike all before", &mut || {
        n += 1;
        let text = format!("C.byId(\"{}\")!.name // {n}", n % 1000 + 1);
        run(&session, text, None);
    });
    bench("point read, new id", &mut || {
        n += 1;
        run(
            &session,
            format!("C.byId(\"{}\")!.name", n % 1000 + 1),
            None,
        );
    });
    bench("point read, known text", &mut || {
        run(&session, "C.byId(\"777\")!.name", None);
    });
    bench("scan of 1,000 with a filter", &mut || {
        run(&session, "C.all().where(.m == 7).count()", None);
    });
}

/// Microseconds an operation takes.
fn median(operation: &mut dyn FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..OPERATIONS).for_each(|_| operation());
            start.elapsed().as_secs_f64() * 1e6 / f64::from(OPERATIONS)
        })
        .skip(1)
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// A session on a transient database with a collection `C` of a thousand documents.
fn session() -> Session {
    let session = Engine::memory().expect("an engine").root();
    run(&session, "Collection.create({ name: \"C\" })", None);
    let fill =
        "Set.sequence(1, 1001).forEach(i => C.create({ id: i, name: \"name #{i}\", m: i % 10 }))";
    // A number is converted to an id, but is not of that type.
    run(&session, fill, Some(false));
    session
}

fn run(session: &Session, text: impl Into<String>, typecheck: Option<bool>) {
    let request = Request {
        typecheck,
        ..Request::text(text)
    };
    let outcome = session.query(&request);
    assert!(outcome.result.is_ok(), "{}", outcome.summary);
}
