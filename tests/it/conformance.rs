//! Runs the cases of `tests/conformance/*.jsonl` in process, each in a fresh database.
//!
//! Cases that do not hold yet are listed by `file/name` in `tests/conformance/PENDING.md`; a failing case that
//! is not listed fails the test. `FQL_CASES=substring` runs some only and shows every failure whole.

use fql::engine::{Argument, Engine, Outcome, Request, Session};
use fql::value::format::Format;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

fn pending() -> BTreeSet<String> {
    let text = std::fs::read_to_string(directory().join("PENDING.md")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.strip_prefix("- "))
        .map(|name| name.trim().to_string())
        .collect()
}

#[test]
fn v10_language() {
    run_file("v10-language");
}

#[test]
fn v10_stdlib() {
    run_file("v10-stdlib");
}

#[test]
fn v10_data() {
    run_file("v10-data");
}

#[test]
fn v10_schema() {
    run_file("v10-schema");
}

#[test]
fn v10_access() {
    run_file("v10-access");
}

#[test]
fn v10_typing() {
    run_file("v10-typing");
}

#[test]
fn v4() {
    run_cases("v4", super::conformance_v4::run_case);
}

fn run_file(file: &str) {
    run_cases(file, run_case);
}

fn run_cases(file: &str, run_case: fn(&Json) -> Result<(), String>) {
    let text = std::fs::read_to_string(directory().join(format!("{file}.jsonl"))).expect("cases");
    let only = std::env::var("FQL_CASES").unwrap_or_default();
    let cases: Vec<Json> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).expect("a case is JSON"))
        .filter(|case: &Json| case["name"].as_str().expect("name").contains(&only))
        .collect();
    let next = AtomicUsize::new(0);
    let verdicts: Vec<(usize, Result<(), String>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let (next, cases) = (&next, &cases);
                std::thread::Builder::new()
                    .stack_size(16 << 20)
                    .spawn_scoped(scope, move || {
                        let mut verdicts = Vec::new();
                        loop {
                            let i = next.fetch_add(1, Ordering::Relaxed);
                            let Some(case) = cases.get(i) else {
                                return verdicts;
                            };
                            let run = std::panic::AssertUnwindSafe(|| run_case(case));
                            let verdict = std::panic::catch_unwind(run)
                                .unwrap_or_else(|_| Err("panicked".into()));
                            verdicts.push((i, verdict));
                        }
                    })
                    .expect("a thread")
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("worker"))
            .collect()
    });
    let pending = pending();
    let (mut passed, mut unexpected, mut excused, mut outgrown) = (0, Vec::new(), 0, Vec::new());
    for (i, verdict) in verdicts {
        let name = format!("{file}/{}", cases[i]["name"].as_str().expect("name"));
        match verdict {
            Ok(()) => {
                passed += 1;
                if pending.contains(&name) {
                    outgrown.push(name);
                }
            }
            Err(_) if pending.contains(&name) => excused += 1,
            Err(why) => unexpected.push((name, why)),
        }
    }
    println!(
        "{file}: {passed} passed, {} failed, {excused} pending",
        unexpected.len()
    );
    if !outgrown.is_empty() {
        println!("listed as pending but passing: {}", outgrown.join(" "));
    }
    let shown = if only.is_empty() { 300 } else { 6000 };
    unexpected.sort();
    for (name, why) in &unexpected {
        println!(
            "FAIL {name}: {}",
            why.chars().take(shown).collect::<String>()
        );
    }
    assert!(
        unexpected.is_empty(),
        "{} cases of {file} failed",
        unexpected.len()
    );
}

fn run_case(case: &Json) -> Result<(), String> {
    let want = &case["expect"];
    let given: Vec<&str> = ["decorated", "simple", "tagged"]
        .into_iter()
        .filter(|format| want.get(format).is_some())
        .collect();
    let formats = if given.is_empty() {
        vec!["simple"]
    } else {
        given
    };
    for (i, format) in formats.into_iter().enumerate() {
        // Each format is a run of its own, since the query may write.
        let engine = Engine::memory().map_err(|e| e.to_string())?;
        for step in case["setup"].as_array().into_iter().flatten() {
            let session = session(&engine, &step["as"])?;
            let text = step["query"].as_str().expect("setup query");
            let outcome = session.query(&Request::text(text));
            if let Err(error) = &outcome.result {
                let summary = &outcome.summary;
                return Err(format!(
                    "setup failed: {text}\n-> {}: {}\n{summary}",
                    error.code, error.message
                ));
            }
        }
        let session = session(&engine, &case["as"])?;
        let mut request = Request::text(case["query"].as_str().expect("query"));
        request.typecheck = case["typecheck"].as_bool();
        for (name, json) in case["arguments"].as_object().into_iter().flatten() {
            request
                .arguments
                .push((name.clone(), Argument::Simple(json.clone())));
        }
        let outcome = session.query(&request);
        check(want, format, &outcome, i == 0)?;
    }
    Ok(())
}

pub(super) fn session(engine: &Arc<Engine>, who: &Json) -> Result<Session, String> {
    let role = |name: &str| match name.strip_prefix("role:") {
        Some(role) => format!("@role/{role}"),
        None => name.to_string(),
    };
    match who {
        Json::Null => Ok(engine.root().with_role(Some("admin".into()))),
        Json::String(name) => Ok(engine.root().with_role(Some(role(name).into()))),
        Json::Object(spec) if spec.contains_key("database") => {
            let path = spec["database"]
                .as_str()
                .expect("database")
                .split('/')
                .map(Into::into)
                .collect();
            let name = spec.get("role").and_then(Json::as_str).unwrap_or("admin");
            Ok(engine
                .root()
                .in_database(path)
                .with_role(Some(role(name).into())))
        }
        Json::Object(spec) => {
            let base = session(engine, spec.get("as").unwrap_or(&Json::Null))?;
            let outcome = base.query(&Request::text(
                spec["secret_from"].as_str().expect("secret_from"),
            ));
            let secret = match &outcome.result {
                Ok(rendered) => rendered.to_text(Format::Simple),
                Err(error) => return Err(format!("secret_from failed: {}", error.message)),
            };
            let secret: String =
                serde_json::from_str(&secret).map_err(|e| format!("secret_from: {e}"))?;
            let suffix = spec.get("suffix").and_then(Json::as_str).unwrap_or("");
            Ok(engine.with_secret(&format!("{secret}{suffix}")))
        }
        other => Err(format!("unknown authority {other}")),
    }
}

fn check(want: &Json, format: &str, outcome: &Outcome, first: bool) -> Result<(), String> {
    if let Some(error) = want.get("error") {
        return check_error(error, outcome);
    }
    let rendered = match &outcome.result {
        Ok(rendered) => rendered,
        Err(error) => {
            return Err(format!(
                "{}: {}\n{}",
                error.code, error.message, outcome.summary
            ));
        }
    };
    if let Some(expected) = want.get(format) {
        let text = rendered.to_text(Format::parse(format).expect("format"));
        if format == "decorated" {
            if expected.as_str() != Some(&text) {
                return Err(format!(
                    "{text}\n!= {}",
                    expected.as_str().unwrap_or_default()
                ));
            }
        } else {
            let json: Json =
                serde_json::from_str(&text).map_err(|e| format!("{text} is no JSON: {e}"))?;
            if !same_json(&json, expected) {
                return Err(format!("{json}\n!= {expected}"));
            }
        }
    }
    if !first {
        return Ok(());
    }
    if let Some(expected) = want.get("static_type").and_then(Json::as_str)
        && outcome.static_type.as_deref() != Some(expected)
    {
        return Err(format!(
            "static type {:?} != {expected:?}",
            outcome.static_type
        ));
    }
    check_summary(want, &outcome.summary)
}

fn check_summary(want: &Json, summary: &str) -> Result<(), String> {
    if let Some(expected) = want.get("summary").and_then(Json::as_str)
        && summary != expected
    {
        return Err(format!("summary\n{summary}\n!=\n{expected}"));
    }
    if let Some(part) = want.get("summary_contains").and_then(Json::as_str)
        && !summary.contains(part)
    {
        return Err(format!("summary\n{summary}\nlacks {part}"));
    }
    Ok(())
}

fn check_error(want: &Json, outcome: &Outcome) -> Result<(), String> {
    let error = match &outcome.result {
        Ok(rendered) => {
            let text = rendered.to_text(Format::Simple);
            return Err(format!(
                "expected error {want}, got {}",
                text.chars().take(200).collect::<String>()
            ));
        }
        Err(error) => error,
    };
    let shown = format!("{}: {}\n{}", error.code, error.message, outcome.summary);
    let text = |name: &str| want.get(name).and_then(Json::as_str);
    if text("code").is_some_and(|code| code != error.code) {
        return Err(format!("code {} expected, got {shown}", want["code"]));
    }
    if text("message").is_some_and(|message| message != error.message) {
        return Err(format!("message {} expected, got {shown}", want["message"]));
    }
    if text("message_contains").is_some_and(|part| !error.message.contains(part)) {
        return Err(format!(
            "message with {} expected, got {shown}",
            want["message_contains"]
        ));
    }
    if want
        .get("status")
        .and_then(Json::as_u64)
        .is_some_and(|status| status != u64::from(error.status))
    {
        return Err(format!(
            "status {} expected, got {} of {shown}",
            want["status"], error.status
        ));
    }
    if let Some(expected) = want.get("constraint_failures") {
        let failures = error.constraint_failures_json();
        if !covers(expected, &failures) {
            return Err(format!("constraint failures {failures}\n!= {expected}"));
        }
    }
    if let Some(expected) = want.get("abort") {
        let text = error
            .abort
            .as_ref()
            .map(|abort| abort.to_text(Format::Simple))
            .unwrap_or_default();
        let json: Json = serde_json::from_str(&text).unwrap_or(Json::Null);
        if !covers(expected, &json) {
            return Err(format!("abort {json} != {expected}"));
        }
    }
    check_summary(want, &outcome.summary)
}

/// Equality up to the order of keys; 1, 1.0 and true are different.
pub(super) fn same_json(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(k, v)| b.get(k).is_some_and(|w| same_json(v, w)))
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(v, w)| same_json(v, w))
        }
        (Json::Number(a), Json::Number(b)) => {
            a == b || (a.is_f64() && b.is_f64() && a.as_f64() == b.as_f64())
        }
        (a, b) => a == b,
    }
}

/// Whether `got` has at least what `want` names.
pub(super) fn covers(want: &Json, got: &Json) -> bool {
    match (want, got) {
        (Json::Object(want), Json::Object(got)) => want
            .iter()
            .all(|(k, v)| got.get(k).is_some_and(|w| covers(v, w))),
        (Json::Array(want), Json::Array(got)) => {
            want.len() == got.len() && want.iter().zip(got).all(|(v, w)| covers(v, w))
        }
        (want, got) => same_json(want, got),
    }
}
