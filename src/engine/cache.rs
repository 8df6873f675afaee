//! The query cache: parsed queries by text, and trees by what their texts have in common.
//!
//! Two tables, each of two generations:
//! - *texts*: a text that comes again is neither parsed nor checked again.
//! - *patterns*: a text that differs in its literals from one that was parsed gets that one's tree with its own literals
//!   in it ([`Pattern`]), and that one's type if no literal's value had a part in it.
//!
//! Nothing here depends on who asks, nor where: trees come from the text alone, and types are kept with the environment
//! they hold in, which stands for one schema version of one database.

use crate::FastMap;
use crate::fql::syntax::ast::Block;
use crate::fql::syntax::{Diagnostic, Pattern, Skeleton, Source, parse_query};
use crate::fql::types::{Arguments, Checked, Environment, check_query, no_arguments};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::hash::BuildHasher;
use std::sync::{Arc, Weak};

/// Texts longer than this are not worth keeping.
const MAX_TEXT: usize = 16 * 1024;
/// Bytes of text in one generation of a table. A tree is some tens of times the size of its text.
const MAX_TEXTS: usize = 256 * 1024;
/// Literals of a text whose type may be shared: how much a check grows with different literals must stay bounded.
const MAX_LITERALS: usize = 64;
/// Environments for which a query's type is kept.
const MAX_ENVIRONMENTS: usize = 4;

/// A parsed query.
pub struct Parsed {
    /// Its text.
    pub source: Arc<Source>,
    /// Its tree.
    pub block: Block,
    /// Its types, if it needs no arguments.
    checks: Checks,
    /// What it has in common with other texts.
    shared: Option<Arc<Shared>>,
}

/// What texts that differ in literals only have in common.
struct Shared {
    pattern: Pattern,
    /// Their types, where those do not depend on the literals.
    checks: Checks,
    /// Whether there are few enough literals for that.
    few_literals: bool,
}

impl Parsed {
    /// The type of the query. Kept for the same environment, unless it depends on arguments.
    pub fn check(
        &self,
        env: &Arc<Environment>,
        arguments: Option<Arguments<'_>>,
    ) -> Result<Arc<Checked>, Vec<Diagnostic>> {
        if arguments.is_none() {
            let shared = || self.shared.as_ref()?.checks.get(env);
            if let Some(known) = self.checks.get(env).or_else(shared) {
                return Ok(known);
            }
        }
        let checked = Arc::new(check_query(
            &self.block,
            &self.source,
            env,
            arguments.unwrap_or(&no_arguments),
        )?);
        if arguments.is_none() {
            match &self.shared {
                Some(shared) if shared.few_literals && !checked.depends_on_literals => {
                    shared.checks.keep(env, &checked)
                }
                _ => self.checks.keep(env, &checked),
            }
        }
        Ok(checked)
    }
}

/// The types of a query in the environments it was checked in last.
///
/// An environment that nobody else holds is not kept alive, but its address is, so that no other takes it.
#[derive(Default)]
struct Checks(Mutex<SmallVec<[Check; 1]>>);

/// A type and the environment it holds in.
type Check = (Weak<Environment>, Arc<Checked>);

impl Checks {
    fn get(&self, env: &Arc<Environment>) -> Option<Arc<Checked>> {
        let checks = self.0.lock();
        let known = checks
            .iter()
            .find(|(known, _)| known.as_ptr() == Arc::as_ptr(env));
        known.map(|(_, checked)| checked.clone())
    }

    fn keep(&self, env: &Arc<Environment>, checked: &Arc<Checked>) {
        let mut checks = self.0.lock();
        checks.retain(|(known, _)| known.strong_count() > 0);
        if checks.len() >= MAX_ENVIRONMENTS {
            checks.remove(0);
        }
        checks.push((Arc::downgrade(env), checked.clone()));
    }
}

/// See the module.
pub struct QueryCache {
    texts: Table<Parsed>,
    patterns: Table<Shared>,
    seen_once: SeenOnce,
}

impl QueryCache {
    /// A cache of so many queries at most.
    pub fn new(capacity: usize) -> QueryCache {
        QueryCache {
            texts: Table::new(capacity),
            patterns: Table::new(capacity),
            seen_once: SeenOnce::default(),
        }
    }

    /// The tree of a text.
    pub fn parse(&self, text: &str) -> Result<Arc<Parsed>, Vec<Diagnostic>> {
        if text.len() > MAX_TEXT {
            let source = Source::query(text);
            let block = parse_query(&source)?;
            return Ok(parsed(source, block, None));
        }
        if let Some(known) = self.texts.get(text) {
            return Ok(known);
        }
        let skeleton = Skeleton::of(text);
        let shared = skeleton
            .as_ref()
            .and_then(|skeleton| self.patterns.get(skeleton.key()));
        let source = Source::query(text);
        if let (Some(skeleton), Some(shared)) = (&skeleton, shared)
            && let Some(block) = shared.pattern.tree(text, skeleton)
        {
            let parsed = parsed(source, block, Some(shared));
            if self.seen_once.again(text) {
                self.texts.insert(text.into(), parsed.clone());
            }
            return Ok(parsed);
        }
        let mut block = parse_query(&source)?;
        let shared = skeleton.and_then(|skeleton| {
            let shared = Arc::new(Shared {
                pattern: Pattern::new(text, &skeleton, &mut block)?,
                checks: Checks::default(),
                few_literals: skeleton.literals() <= MAX_LITERALS,
            });
            self.patterns.insert(skeleton.key().into(), shared.clone());
            Some(shared)
        });
        let parsed = parsed(source, block, shared);
        self.texts.insert(text.into(), parsed.clone());
        Ok(parsed)
    }
}

fn parsed(source: Arc<Source>, block: Block, shared: Option<Arc<Shared>>) -> Arc<Parsed> {
    Arc::new(Parsed {
        source,
        block,
        checks: Checks::default(),
        shared,
    })
}

/// Values by text, in two generations: what is used moves to the young one, and when that is full, the old one goes as a
/// whole.
struct Table<T> {
    generations: Mutex<Generations<T>>,
    /// Of each generation.
    capacity: usize,
}

struct Generations<T> {
    young: FastMap<Arc<str>, Arc<T>>,
    old: FastMap<Arc<str>, Arc<T>>,
    /// Bytes of the young texts.
    bytes: usize,
}

impl<T> Table<T> {
    fn new(capacity: usize) -> Table<T> {
        Table {
            generations: Mutex::new(Generations {
                young: FastMap::default(),
                old: FastMap::default(),
                bytes: 0,
            }),
            capacity: (capacity / 2).max(1),
        }
    }

    fn get(&self, text: &str) -> Option<Arc<T>> {
        let mut generations = self.generations.lock();
        if let Some(value) = generations.young.get(text) {
            return Some(value.clone());
        }
        let (text, value) = generations.old.remove_entry(text)?;
        drop(generations);
        self.insert(text, value.clone());
        Some(value)
    }

    fn insert(&self, text: Arc<str>, value: Arc<T>) {
        let mut generations = self.generations.lock();
        let mut gone = None;
        if generations.young.len() >= self.capacity || generations.bytes + text.len() > MAX_TEXTS {
            generations.bytes = 0;
            let young = std::mem::take(&mut generations.young);
            gone = Some(std::mem::replace(&mut generations.old, young));
        }
        generations.bytes += text.len();
        generations.young.insert(text, value);
        drop(generations);
        // Trees are freed while nobody waits.
        drop(gone);
    }
}

/// Remembers, roughly, the texts that came once: of texts with a pattern only those that come again are worth a place
/// among the texts.
#[derive(Default)]
struct SeenOnce {
    hashes: Mutex<Vec<u64>>,
    hasher: foldhash::fast::RandomState,
}

impl SeenOnce {
    const PLACES: usize = 1024;

    fn again(&self, text: &str) -> bool {
        let hash = self.hasher.hash_one(text);
        let mut hashes = self.hashes.lock();
        if hashes.is_empty() {
            hashes.resize(SeenOnce::PLACES, 0);
        }
        let place = (hash % SeenOnce::PLACES as u64) as usize;
        std::mem::replace(&mut hashes[place], hash) == hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Request, Session};
    use crate::fql::syntax::skeleton_tests::{Dice, corpus, refill};

    fn environment(session: &Session) -> Arc<Environment> {
        let engine = session.engine();
        let (txn, _) = session.begin().expect("a transaction");
        let scope = txn.scope();
        engine.environments.of(&engine.library, scope, txn.schema())
    }

    fn check(text: &str, env: &Environment) -> Result<Checked, Vec<Diagnostic>> {
        let source = Source::query(text);
        check_query(&parse_query(&source)?, &source, env, &no_arguments)
    }

    /// A type that does not depend on literals is that of every text with other literals.
    #[test]
    fn shared_types_are_those_of_the_check() {
        let session = Engine::memory().expect("an engine").root();
        let queries = corpus();
        let defines = |text: &&String| {
            ["Collection.create", "Function.create"]
                .iter()
                .any(|part| text.contains(part))
        };
        for text in queries.iter().filter(defines) {
            // Those that fail define nothing.
            let _ = session.query(&Request::text(text.as_str()));
        }
        let env = environment(&session);
        let mut dice = Dice(3);
        let (mut shared, mut all) = (0, 0);
        for text in &queries {
            let (Some(skeleton), Ok(checked)) = (Skeleton::of(text), check(text, &env)) else {
                continue;
            };
            let mut block = parse_query(&Source::query(text.as_str())).expect("a tree");
            if Pattern::new(text, &skeleton, &mut block).is_none() {
                continue;
            }
            all += 1;
            shared += usize::from(!checked.depends_on_literals);
            for _ in 0..3 {
                let other = refill(skeleton.key(), &mut dice);
                if checked.depends_on_literals {
                    continue;
                }
                match check(&other, &env) {
                    Ok(again) => {
                        assert_eq!(
                            again.static_type, checked.static_type,
                            "{text}\n---\n{other}"
                        );
                        assert!(again.warnings.is_empty(), "{other}");
                    }
                    Err(errors) => panic!("{text}\n---\n{other}\n{errors:?}"),
                }
            }
        }
        assert!(shared > 500 && all > 1000, "{shared} of {all}");
    }

    #[test]
    fn what_depends_on_literals() {
        let session = Engine::memory().expect("an engine").root();
        session.query(&Request::text("Collection.create({ name: \"C\" })"));
        let env = environment(&session);
        let depends = |text: &str| check(text, &env).expect("a type").depends_on_literals;
        assert!(!depends("C.byId(\"1\")!.name"));
        assert!(!depends("C.create({ name: \"a\", n: 1, m: 2.5 })"));
        assert!(!depends(
            "C.where(.n == 1 && .name > \"a\").order(desc(.n)).take(10)"
        ));
        assert!(!depends(
            "let xs = [1, 2, 3].map(x => x * 2)\nxs.fold(0, (a, b) => a + b)"
        ));
        // The type shows the literal, or which one it is decides.
        assert!(depends("\"a\""));
        assert!(depends("if (C.all().count() > 1) 1 else 2"));
        assert!(depends("({ a: true })[\"a\"]"));
        assert!(depends("[true, null][0]"));
        assert!(depends("let x: \"a\" | \"b\" = \"a\"; null"));
    }

    #[test]
    fn trees_and_types_are_shared_within_an_environment_only() {
        let cache = QueryCache::new(16);
        let one = Engine::memory().expect("an engine").root();
        let two = Engine::memory().expect("an engine").root();
        one.query(&Request::text("Collection.create({ name: \"C\" })"));
        let (first, second) = (environment(&one), environment(&two));
        let a = cache.parse("C.byId(\"1\")").expect("a tree");
        let b = cache.parse("C.byId(\"23\")").expect("a tree");
        assert!(a.check(&first, None).is_ok());
        assert!(Arc::ptr_eq(
            &a.check(&first, None).expect("a type"),
            &b.check(&first, None).expect("a type")
        ));
        // Another database has no such collection; the error is in this text's place.
        for parsed in [&a, &b] {
            let errors = parsed.check(&second, None).expect_err("no collection");
            let at = errors[0].location.clone().expect("a place");
            assert!(Arc::ptr_eq(&at.source, &parsed.source));
        }
        // A new schema version is another environment.
        one.query(&Request::text("C.definition.delete()"));
        assert!(b.check(&environment(&one), None).is_err());
        assert!(b.check(&first, None).is_ok());
        // Equal literals give equal trees, and a text that comes often is kept.
        let tree = parse_query(&Source::query("C.byId(\"23\")")).expect("a tree");
        assert_eq!(b.block, tree);
        let kept = cache.parse("C.byId(\"23\")").expect("a tree");
        assert!(Arc::ptr_eq(
            &kept,
            &cache.parse("C.byId(\"23\")").expect("a tree")
        ));
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = QueryCache::new(16);
        let wide = "x".repeat(10_000);
        for n in 0..200 {
            assert!(cache.parse(&format!("{wide}{n}")).is_ok());
        }
        let generations = cache.texts.generations.lock();
        assert!(generations.young.len() + generations.old.len() <= 16);
        assert!(generations.bytes <= MAX_TEXTS);
        drop(generations);
        let cache = QueryCache::new(1_000_000);
        for n in 0..200 {
            assert!(cache.parse(&format!("{wide}{n}")).is_ok());
        }
        let generations = cache.texts.generations.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * MAX_TEXTS / wide.len());
    }
}
