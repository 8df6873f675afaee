//! What static types cost: `cargo bench --bench types`.
//!
//! Checking is measured beside parsing, on the same trees and in the same run; the ratio is what counts.

use fql::engine::{Engine, Request};
use fql::fql::syntax::{Source, parse_query};
use fql::fql::types::{
    CollectionEnv, Environment, FieldEnv, IndexEnv, NativeTypes, PathStep, SchemaEnv, TermEnv,
    TypeSource, check_query, no_arguments,
};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of which the median counts; the first one warms up.
const ROUNDS: usize = 20;

const QUERIES: [(&str, &str); 6] = [
    ("a point read", "Coll7.byId(\"1\")!.field3"),
    (
        "a filter and a page",
        "Coll7.where(.field1 == \"x\" && .field2 != null).order(desc(.ts)).pageSize(10)",
    ),
    (
        "an index and a projection",
        "Coll7.byField(\"x\").map(d => { a: d.field1, b: d.field2?.length }).paginate()",
    ),
    (
        "a create and an update",
        "let d = Coll7.create({ field1: \"a\", field2: \"b\" })\nd.update({ field1: d.field1 + \"!\" })",
    ),
    (
        "a fold",
        "let xs = [1, 2, 3].map(x => x * 2)\nxs.fold(0, (a, b) => a + b)",
    ),
    (
        "a block with branches",
        "let d = Coll7.byId(\"1\")\nif (d.exists()) {\n  let n = d!.field1.length\n  if (n > 3) { { size: n, name: d!.field1 } } else { { size: 0, name: \"-\" } }\n} else {\n  abort(\"none\")\n}",
    ),
];

fn main() {
    let engine = Engine::memory().expect("an engine");
    let natives = NativeTypes::new(engine.native_shapes());
    let env = environment(&natives);
    let mut ratios = Vec::new();
    for (name, text) in QUERIES {
        let source = Source::query(text);
        let block = parse_query(&source).expect("a query");
        let parse = median(300, &mut || {
            black_box(parse_query(black_box(&source))).is_ok()
        });
        let check = median(300, &mut || {
            black_box(check_query(&block, &source, &env, &no_arguments)).is_ok()
        });
        ratios.push(check / parse);
        println!(
            "{name:<28} parse {parse:>8.2} µs  check {check:>8.2} µs  {:>5.2} x",
            check / parse
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!("{:<28} {:>5.2} x", "median ratio", ratios[ratios.len() / 2]);

    let long = long_query();
    let source = Source::query(long.as_str());
    let block = parse_query(&source).expect("a query");
    let parse = median(5, &mut || black_box(parse_query(&source)).is_ok());
    let check = median(5, &mut || {
        black_box(check_query(&block, &source, &env, &no_arguments)).is_ok()
    });
    println!(
        "{:<28} parse {parse:>8.2} µs  check {check:>8.2} µs  {:>5.2} x",
        "200 lines",
        check / parse
    );

    println!(
        "{:<28} {:>8.2} µs",
        "environment, 200 collections",
        median(5, &mut || {
            black_box(environment(&natives));
            true
        })
    );
    let (source, text) = (Source::query(QUERIES[0].1), QUERIES[0].1);
    let block = parse_query(&source).expect("a query");
    println!(
        "{:<28} {:>8.2} µs",
        "the same, and a first check",
        median(5, &mut || {
            let env = environment(&natives);
            black_box(check_query(&block, &source, &env, &no_arguments)).is_ok()
        })
    );
    // Through a session: the environment and the verdict of a known text are kept per schema version.
    let session = engine.root();
    for number in 0..200 {
        let fields: Vec<String> = (0..12)
            .map(|field| format!("field{field}: {{ signature: 'String?' }}"))
            .collect();
        let text = format!(
            "Collection.create({{ name: 'Coll{number}', fields: {{ {} }} }}).name",
            fields.join(", ")
        );
        assert!(session.query(&Request::text(text)).result.is_ok());
    }
    let ask = |text: &str, typecheck: bool| {
        let request = Request {
            typecheck: Some(typecheck),
            ..Request::text(text)
        };
        session.query(&request).result.is_ok()
    };
    let known = text.replace('!', "?.exists();1 //");
    for (name, typecheck) in [
        ("known text, checked", true),
        ("known text, unchecked", false),
    ] {
        println!(
            "{name:<28} {:>8.2} µs",
            median(500, &mut || ask(&known, typecheck))
        );
    }
    let mut n = 0;
    let started = Instant::now();
    while n < 20 {
        n += 1;
        let text = format!("Function.create({{ name: 'f{n}', body: 'x => x + {n}' }}).name");
        assert!(session.query(&Request::text(text)).result.is_ok());
    }
    println!(
        "{:<28} {:>8.2} µs",
        "a schema write, whole check",
        started.elapsed().as_secs_f64() * 1e6 / f64::from(n)
    );
}

/// An environment of two hundred collections with twelve fields and an index each.
fn environment(natives: &Arc<NativeTypes>) -> Environment {
    let collections = (0..200).map(|number| CollectionEnv {
        name: format!("Coll{number}").into(),
        fields: (0..12)
            .map(|field| FieldEnv {
                name: format!("field{field}").into(),
                ty: TypeSource::Text(if field == 1 { "String" } else { "String?" }.into()),
                has_default: false,
            })
            .collect(),
        indexes: vec![IndexEnv {
            name: "byField".into(),
            terms: vec![TermEnv {
                path: vec![PathStep::Field("field1".into())],
                mva: false,
            }],
        }],
        ..CollectionEnv::default()
    });
    let schema = SchemaEnv {
        collections: collections.collect(),
        functions: Vec::new(),
    };
    Environment::new(natives.clone(), schema)
}

/// A query of two hundred lines.
fn long_query() -> String {
    let mut text = String::new();
    for n in 0..40 {
        text += &format!(
            "let xs{n} = Coll{n}.where(.field1 == \"v{n}\").map(d => {{\n  name: d.field1,\n  size: d.field2?.length ?? {n}\n}})\nlet n{n} = xs{n}.fold(0, (sum, x) => sum + x.size)\n"
        );
    }
    text + "[n0, n1, n39]"
}

/// Microseconds an operation takes.
fn median(operations: u32, operation: &mut dyn FnMut() -> bool) -> f64 {
    let mut rounds: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..operations {
                assert!(operation());
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(operations)
        })
        .skip(1)
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
