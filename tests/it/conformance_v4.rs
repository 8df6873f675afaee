//! Cases of FQL v4: each is run as it is sent and as it is typed, in databases of their own, and both must give the same.

use super::conformance::{covers, same_json, session};
use fql::engine::{Engine, LegacyOutcome, LegacyRequest, Session};
use fql::fql4::print::inspect;
use fql::fql4::read::Json as Wire;
use fql::fql4::text::to_wire;
use serde_json::Value as Json;

/// Runs one case both ways.
pub fn run_case(case: &Json) -> Result<(), String> {
    for form in ["wire", "text"] {
        run_form(case, form).map_err(|why| format!("{form}: {why}"))?;
    }
    Ok(())
}

fn run_form(case: &Json, form: &str) -> Result<(), String> {
    let engine = Engine::memory().map_err(|error| error.to_string())?;
    let owner = session(&engine, &Json::Null)?;
    for step in case["setup"].as_array().into_iter().flatten() {
        if let Err(errors) = answer(&ask(&owner, step, form)?) {
            return Err(format!("setup failed: {}\n{errors}", step["text"]));
        }
    }
    let outcome = ask(&session(&engine, &case["as"])?, case, form)?;
    let want = &case["expect"];
    match (answer(&outcome), want.get("resource")) {
        (Ok(resource), Some(expected)) => {
            if !same_value(&resource, expected) {
                return Err(format!("{resource}\n!= {expected}"));
            }
            let printed = inspect(&resource);
            match case.get("printed").and_then(Json::as_str) {
                Some(expected) if expected != printed => {
                    Err(format!("printed\n{printed}\n!=\n{expected}"))
                }
                Some(_) | None => Ok(()),
            }
        }
        (Ok(resource), None) => Err(format!("expected {}, got {resource}", want["error"])),
        (Err(errors), None) if covers(&want["error"], &errors[0]) => Ok(()),
        (Err(errors), _) => Err(format!("{errors}\n!= {want}")),
    }
}

/// Equality of values, where numbers are compared as numbers: the cases were written by programs that drop `.0`.
fn same_value(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Object(a), Json::Object(b)) => {
            let same = |(key, a): (&String, &Json)| b.get(key).is_some_and(|b| same_value(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
        }
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (a, b) => same_json(a, b),
    }
}

/// Runs a query as it is sent or as it is typed.
fn ask(session: &Session, query: &Json, form: &str) -> Result<LegacyOutcome, String> {
    let wire = match form {
        "wire" => query["wire"].clone(),
        _ => {
            let text = query["text"].as_str().expect("text");
            let read = to_wire(text).map_err(|error| format!("{text}: {error}"))?;
            if !same_json(&read, &query["wire"]) {
                return Err(format!("{text} means {read}\nnot {}", query["wire"]));
            }
            read
        }
    };
    Ok(session.query_legacy(&LegacyRequest::new(Wire::from(&wire))))
}

/// The value, or the errors.
fn answer(outcome: &LegacyOutcome) -> Result<Json, Json> {
    match &outcome.result {
        Ok(text) => Ok(serde_json::from_str(text).expect("an answer is JSON")),
        Err(failure) => Err(failure.entries().into()),
    }
}
