//! Queries of FQL v4 in the shell: from text to wire on this side, as the original shell did, and from the answer to
//! what is printed.

use super::language::Language;
use super::{NextPage, Origin, Shell, Stop, script};
use crate::engine::{LegacyFailure, LegacyRequest};
use crate::fql::syntax::{Location, ScriptItem, Source, Span};
use crate::fql4::read::Json as Wire;
use crate::fql4::text::{TextError, quoted, sequence, to_wire_with};
use crate::value::rendered::Rendered;
use serde_json::Value as Json;
use std::sync::Arc;

/// The name of the last result.
const LAST: &str = "_";

impl Shell {
    /// Writes and reads queries in that language from now on.
    pub(super) fn set_language(&mut self, language: Language) {
        self.language = language;
        self.output.language = language;
        self.next_page = None;
    }

    /// Runs one query of FQL v4.
    pub(super) fn run_legacy(
        &mut self,
        text: &str,
        origin: Option<Origin<'_>>,
    ) -> Result<(), Stop> {
        self.last_query = Some(text.to_string());
        let query = self.wire(text, origin.as_ref())?;
        self.send_legacy(query)
    }

    /// Runs the statements of a script as one query.
    pub(super) fn run_legacy_together(
        &mut self,
        text: &str,
        items: &[ScriptItem],
        origin: &Origin<'_>,
    ) -> Result<(), Stop> {
        let queries: Result<Vec<Json>, Stop> = items
            .iter()
            .map(|item| {
                let at = Origin {
                    script: origin.script,
                    offset: item.span.start,
                };
                self.wire(script::text_of(text, item), Some(&at))
            })
            .collect();
        self.last_query = Some(text.to_string());
        self.send_legacy(sequence(queries?))
    }

    /// The wire form of a text; what is wrong with it has been printed otherwise.
    fn wire(&mut self, text: &str, origin: Option<&Origin<'_>>) -> Result<Json, Stop> {
        let bindings = &self.bindings;
        match to_wire_with(text, &|name| bindings.legacy(name)) {
            Ok(wire) => Ok(wire),
            Err(error) => {
                let (source, offset) = match origin {
                    Some(origin) => (origin.script.clone(), origin.offset),
                    None => (Source::query(text), 0),
                };
                let span = Span {
                    start: error.span.start.saturating_add(offset),
                    end: error.span.end.saturating_add(offset),
                };
                self.refuse_text(&TextError { span, ..error }, &source)?;
                Err(Stop::Failed)
            }
        }
    }

    /// Says what is wrong with a text that was not sent.
    pub(super) fn refuse_text(
        &mut self,
        error: &TextError,
        source: &Arc<Source>,
    ) -> Result<(), Stop> {
        self.last_error = Some("invalid_query".to_string());
        let mut diagnostic = error.diagnostic(source);
        diagnostic.location = Some(Location::new(source, error.span));
        self.output.diagnostic(diagnostic)?;
        Err(Stop::Failed)
    }

    /// Sends a query and prints the answer.
    pub(super) fn send_legacy(&mut self, query: Json) -> Result<(), Stop> {
        let request = self.legacy_request(&query);
        let outcome = self.place.session().query_legacy(&request);
        self.interrupt.done();
        let shown = match &outcome.result {
            Ok(text) => {
                let value = answer(text);
                self.output.legacy_value(text, &value)?;
                self.next_page = further(query, &value).map(NextPage::Legacy);
                if self.interactive && !self.quiet && self.next_page.is_some() {
                    self.output
                        .note("there is more: `:more` shows the next page")?;
                }
                self.bindings.set_legacy(LAST, &value);
                Ok(())
            }
            Err(failure) => self.show_failure(failure),
        };
        if self.info {
            let failed = match outcome.result {
                Ok(_) => None,
                Err(_) => self.last_error.as_deref(),
            };
            self.output
                .stats(&outcome.stats, None, failed, outcome.txn_time)?;
        }
        shown
    }

    /// The value of an expression in a command; failures are printed.
    pub(super) fn evaluate_legacy(&mut self, text: &str) -> Result<Json, Stop> {
        let query = self.wire(text.trim(), None)?;
        let request = self.legacy_request(&query);
        let outcome = self.place.session().query_legacy(&request);
        self.interrupt.done();
        match &outcome.result {
            Ok(text) => Ok(answer(text)),
            Err(failure) => {
                self.show_failure(failure)?;
                Err(Stop::Failed)
            }
        }
    }

    fn legacy_request(&self, query: &Json) -> LegacyRequest {
        LegacyRequest {
            cancel: Some(self.interrupt.fresh()),
            ..LegacyRequest::new(Wire::from(query))
        }
    }

    /// Prints errors as the original shell did (`spec fql4 1.4`), with what it left out: failures and causes.
    fn show_failure(&mut self, failure: &LegacyFailure) -> Result<(), Stop> {
        let entries = failure.entries();
        self.last_error = entries
            .first()
            .and_then(|entry| entry["code"].as_str())
            .map(String::from);
        let texts: Vec<String> = entries
            .iter()
            .map(|entry| {
                let mut text = String::new();
                describe(&mut text, entry, "");
                text
            })
            .collect();
        self.output
            .errors("The query failed with the following error:", &texts)?;
        Err(Stop::Failed)
    }
}

/// An answer's value; the engine and servers answer in JSON.
fn answer(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_default()
}

/// The query for the page behind a page, if there is one.
fn further(query: Json, value: &Json) -> Option<Json> {
    let after = value.get("after")?;
    let Json::Object(mut fields) = query else {
        return None;
    };
    if !fields.contains_key("paginate") {
        return None;
    }
    for cursor in ["before", "after", "cursor"] {
        fields.shift_remove(cursor);
    }
    fields.insert("after".to_string(), quoted(after));
    Some(Json::Object(fields))
}

/// An error: code, text and place; then what is wrong with fields, and the errors of a function that was called.
fn describe(out: &mut String, entry: &Json, indent: &str) {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_string();
    let (code, description) = (text(&entry["code"]), text(&entry["description"]));
    out.push_str(&format!("{indent}{code}: {description}"));
    if let Some(position) = entry["position"].as_array() {
        out.push_str(&format!("\n{indent}at *query*:{}", joined(position)));
    }
    for failure in entry["failures"].as_array().into_iter().flatten() {
        let field = failure["field"].as_array().map(|path| joined(path));
        let (code, description) = (text(&failure["code"]), text(&failure["description"]));
        let field = field.unwrap_or_default();
        out.push_str(&format!("\n{indent}  [{field}] {code}: {description}"));
    }
    for cause in entry["cause"].as_array().into_iter().flatten() {
        out.push('\n');
        describe(out, cause, &format!("{indent}  "));
    }
}

fn joined(path: &[Json]) -> String {
    let elements = path.iter().map(|element| match element {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    });
    elements.collect::<Vec<_>>().join(", ")
}

/// A result as a table has it: documents with their data as columns, special values as the text that makes them.
pub(super) fn rows(value: &Json) -> Rendered {
    match value {
        Json::Object(fields) if fields.get("data").is_some_and(Json::is_array) => {
            rows(&fields["data"])
        }
        Json::Array(elements) => Rendered::Array(elements.iter().map(row).collect()),
        single => row(single),
    }
}

fn row(value: &Json) -> Rendered {
    let Json::Object(fields) = value else {
        return cell(value);
    };
    if fields.keys().any(|key| key.starts_with('@')) {
        return cell(value);
    }
    let mut columns = Vec::new();
    for (name, value) in fields {
        match value {
            Json::Object(data) if name == "data" && fields.contains_key("ref") => {
                columns.extend(
                    data.iter()
                        .map(|(name, value)| (name.as_str().into(), cell(value))),
                );
            }
            value => columns.push((name.as_str().into(), cell(value))),
        }
    }
    Rendered::Object(columns)
}

fn cell(value: &Json) -> Rendered {
    match value {
        Json::Null => Rendered::Null,
        Json::Bool(value) => Rendered::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Rendered::Long(integer),
            None => Rendered::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Rendered::String(text.as_str().into()),
        Json::Array(_) | Json::Object(_) => {
            Rendered::String(crate::fql4::print::inspect(value).as_str().into())
        }
    }
}
