//! Questions about a query that is not to be run: its type, how its set would be read, what may follow a place in it.
//!
//! Each is asked in a transaction of its own that is never committed, by the session's authority.

use super::cache::Parsed;
use super::session::failed;
use super::typing::value_type;
use super::{Outcome, Request, Session};
use crate::access::Permissions;
use crate::fql::interp::{Failure, Interp, Options};
use crate::fql::syntax::{Source, parse_query};
use crate::fql::types::{self, TypeAt};
use crate::fsl::{generate, stored_order};
use crate::store::TxnTime;
use crate::value::rendered::Rendered;
use crate::value::{Env, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What an inspection may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An inspection's answer: a value to show, and the static type if that was asked for.
type Answer = Result<(Rendered, Option<String>), Failure>;

impl Session {
    /// The static type of a query, which is not run: in the outcome's `static_type`.
    pub fn type_of(&self, request: &Request) -> Outcome {
        if let Some(remote) = self.away() {
            return remote.type_of(self, request);
        }
        self.inspect(request, &|interp, parsed, arguments| {
            let checked = self.check(interp, parsed, arguments)?;
            Ok((Rendered::Null, Some(checked.static_type.clone())))
        })
    }

    /// How the set that an expression yields would be read, as text. Whatever the expression writes on the way has no
    /// effect.
    pub fn explain(&self, request: &Request) -> Outcome {
        if let Some(remote) = self.away() {
            return remote.explain(self, request);
        }
        self.inspect(request, &|interp, parsed, arguments| {
            interp.set_arguments(arguments.clone());
            match interp.run(&parsed.block)? {
                Value::Set(set) => {
                    let plan = interp.explain(&set)?;
                    Ok((Rendered::String(plan.to_string().into()), None))
                }
                _ => Err(Failure::protocol(
                    400,
                    "invalid_argument",
                    "only sets are read step by step: this is none",
                )),
            }
        })
    }

    /// The type of the expression that ends at a byte offset of a text that may be unfinished; `None` if it cannot be
    /// told.
    pub fn type_at(&self, request: &Request, offset: usize) -> Option<TypeAt> {
        let text = request.text.get(..offset)?;
        let (source, block) = finished(text).into_iter().find_map(|text| {
            let source = Source::query(text);
            parse_query(&source).ok().map(|block| (source, block))
        })?;
        if let Some(remote) = self.away() {
            let env = &remote.elsewhere(self)?.environment;
            return types::type_at(&block, &source, env, &types::no_arguments, offset);
        }
        let mut interp = self.interp(request, &source).ok()?.0;
        let arguments = self.arguments(&mut interp, request, &source).ok()?;
        let engine = self.engine();
        let env = engine
            .environments
            .of(&engine.library, interp.txn.scope(), interp.txn.schema());
        let known = |name: &str| arguments.get(name).map(|value| value_type(value, &interp));
        types::type_at(&block, &source, &env, &known, offset)
    }

    /// The schema of the session's database as FSL text: what its `main.fsl` would hold; empty without definitions. `None`
    /// for authorities that may not see all definitions.
    pub fn schema_text(&self) -> Option<String> {
        let request = Request::text("");
        let interp = self.interp(&request, &Source::query("")).ok()?.0;
        match interp.principal.permissions {
            Permissions::Admin | Permissions::Server | Permissions::ServerReadOnly => {
                let schema = interp.txn.schema();
                Some(generate(schema, &stored_order(schema)).text)
            }
            Permissions::Client | Permissions::Predicate | Permissions::Roles(_) => None,
        }
    }

    fn inspect(
        &self,
        request: &Request,
        work: &dyn Fn(&mut Interp, &Parsed, &Env) -> Answer,
    ) -> Outcome {
        let started = Instant::now();
        let now = self.engine().model.now();
        let unreached = |failure| failed(failure, Vec::new(), true, now, 0, None);
        let parsed = match self.engine().queries.parse(&request.text) {
            Ok(parsed) => parsed,
            Err(diagnostics) => return unreached(Failure::invalid_query(diagnostics)),
        };
        let (mut interp, sees_all, now) = match self.interp(request, &parsed.source) {
            Ok(begun) => begun,
            Err(failure) => return unreached(failure),
        };
        let version = interp.txn.schema().version;
        let answer = self
            .arguments(&mut interp, request, &parsed.source)
            .and_then(|arguments| work(&mut interp, &parsed, &arguments))
            .map_err(|failure| interp.raise(failure));
        let mut outcome = match answer {
            Ok((value, static_type)) => {
                let diagnostics = std::mem::take(&mut interp.log);
                Outcome {
                    result: Ok(value),
                    summary: crate::fql::syntax::render_all(&diagnostics),
                    diagnostics,
                    static_type,
                    txn_time: now,
                    schema_version: version,
                    stats: Default::default(),
                }
            }
            Err(failure) => failed(failure, interp.log, sees_all, now, version, None),
        };
        outcome.stats.query_time = started.elapsed();
        outcome
    }

    fn interp(
        &self,
        request: &Request,
        source: &Arc<Source>,
    ) -> Result<(Interp, bool, TxnTime), Failure> {
        let (txn, principal) = self.begin()?;
        let now = txn.time();
        let sees_all = !matches!(
            principal.permissions,
            Permissions::Roles(_) | Permissions::Client
        );
        let options = Options {
            performance_hints: false,
            deadline: Some(Instant::now() + TIMEOUT),
            cancel: request.cancel.clone(),
            compute_limit: None,
        };
        let interp = Interp::new(
            txn,
            self.engine().library.clone(),
            Arc::new(principal),
            source.clone(),
            Env::default(),
            options,
        );
        Ok((interp, sees_all, now))
    }
}

/// An unfinished text made whole in the ways that are likely: its brackets closed, and an expression after a `let`.
fn finished(text: &str) -> Vec<String> {
    let mut closing = Vec::new();
    for (span, kind) in crate::fql::syntax::tokens(text) {
        let token = text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default();
        match kind {
            crate::fql::syntax::TokenKind::Open => closing.push(match token {
                "(" => ")",
                "[" => "]",
                _ => "}",
            }),
            crate::fql::syntax::TokenKind::Close => {
                closing.pop();
            }
            _ => {}
        }
    }
    closing.reverse();
    let plain = format!("{text}{}", closing.concat());
    let with_value = |separator: &str| {
        let closed: String = closing
            .iter()
            .map(|bracket| format!("{separator}{bracket}"))
            .collect();
        format!("{text}{separator}{closed}")
    };
    vec![plain, with_value("\nnull\n")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;

    #[test]
    fn members_follow_unfinished_texts() {
        let session = Engine::memory().unwrap().root();
        let names = |text: &str| -> Vec<String> {
            let found = session.type_at(&Request::text(text), text.len());
            let members = found.map(|at| at.members).unwrap_or_default();
            members
                .into_iter()
                .map(|member| member.name.to_string())
                .collect()
        };
        for text in [
            "'a'",
            "['b'].map(x => x",
            "{ let s = 'a'\n s",
            "let s = 'a'\ns",
            "let s = 'a'",
        ] {
            assert!(names(text).contains(&"slice".to_string()), "{text}");
        }
        assert!(names("Math").contains(&"abs".to_string()));
        assert!(names("nobody").is_empty());
    }

    #[test]
    fn members_are_those_of_the_inferred_type() {
        let session = Engine::memory().unwrap().root();
        for query in [
            "Collection.create({ name: 'Book', fields: { title: { signature: 'String' }, by: { signature: 'Ref<Book>?' } },
               computed_fields: { loud: { body: 'b => b.title.toUpperCase()' } } })",
            "Function.create({ name: 'newest', body: '() => Book.all().order(desc(.ts)).first()' })",
        ] {
            let outcome = session.query(&Request::text(query));
            assert!(outcome.result.is_ok(), "{}", outcome.summary);
        }
        let names = |text: &str| -> Vec<String> {
            let mut request = Request::text(text);
            let values = [("shelf", "[{ row: 1 }]")];
            request.arguments = values
                .iter()
                .map(|(name, text)| {
                    (
                        name.to_string(),
                        super::super::Argument::Fql(text.to_string()),
                    )
                })
                .collect();
            let found = session.type_at(&request, text.len());
            let members = found.map(|at| at.members).unwrap_or_default();
            members
                .into_iter()
                .map(|member| member.name.to_string())
                .collect()
        };
        for (text, member) in [
            ("Book.all().map(b => b", "loud"),
            ("let b = Book.byId('1')\nb", "title"),
            ("Book.byId('1')!.by", "title"),
            ("newest()", "title"),
            ("newest()!.title", "slice"),
            ("Book.all().map(.title).first()", "slice"),
            ("Book.where(.title == 'x').paginate()", "after"),
            ("shelf", "map"),
            ("shelf.map(s => s", "row"),
            ("let f = x => { got: x }\nf(1)", "got"),
        ] {
            assert!(
                names(text).contains(&member.to_string()),
                "{text}: {:?}",
                names(text)
            );
        }
    }

    #[test]
    fn types_are_told_without_running() {
        let session = Engine::memory().unwrap().root();
        let outcome = session.type_of(&Request::text("abort('x')"));
        assert_eq!(outcome.static_type.as_deref(), Some("Never"));
        let outcome = session.type_of(&Request::text("1 + 'a'.nope"));
        assert_eq!(outcome.result.unwrap_err().code, "invalid_query");
    }
}
