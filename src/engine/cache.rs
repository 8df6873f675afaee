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
use crate::fql::types::{Arguments, Asked, Checked, Environment, check_query, no_arguments};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::hash::BuildHasher;
use std::sync::{Arc, Weak};

/// Texts longer than this are not worth keeping.
const MAX_TEXT: usize = 16 * 1024;
/// Bytes of text in one generation of a table. A tree is some tens of times the size of its text.
const MAX_TEXTS: usize = 256 * 1024;
/// Literals of a text whose type may be shared: how much a check grows with different literals must stay bounded.
const MAX_LITERALS: usize = 64;
/// Types kept of a query: of other environments, or with arguments of other kinds.
const MAX_CHECKS: usize = 4;

/// A parsed query.
pub struct Parsed {
    /// Its text.
    pub source: Arc<Source>,
    /// Its tree.
    pub block: Block,
    /// Its types.
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
    /// The type of the query. Kept for the same environment; one that depends on the values of arguments is not.
    pub fn check(
        &self,
        env: &Arc<Environment>,
        arguments: Option<Arguments<'_>>,
    ) -> Result<Arc<Checked>, Vec<Diagnostic>> {
        let given = arguments.unwrap_or(&no_arguments);
        let shared = || self.shared.as_ref()?.checks.get(env, given);
        if let Some(known) = self.checks.get(env, given).or_else(shared) {
            return Ok(known);
        }
        let asked = RefCell::new(Asked::default());
        let noting = |name: &str| {
            let answer = given(name);
            asked.borrow_mut().note(name, answer.as_ref());
            answer
        };
        let checked = Arc::new(check_query(&self.block, &self.source, env, &noting)?);
        let asked = asked.into_inner();
        if !asked.is_large() && (arguments.is_none() || !checked.depends_on_literals) {
            match &self.shared {
                Some(shared) if shared.few_literals && !checked.depends_on_literals => {
                    shared.checks.keep(env, asked, &checked)
                }
                _ => self.checks.keep(env, asked, &checked),
            }
        }
        Ok(checked)
    }
}

/// The types of a query in the environments it was checked in last, with arguments of such kinds.
///
/// An environment that nobody else holds is not kept alive, but its address is, so that no other takes it.
#[derive(Default)]
struct Checks(Mutex<SmallVec<[Known; 1]>>);

struct Known {
    env: Weak<Environment>,
    asked: Asked,
    checked: Arc<Checked>,
}

impl Checks {
    fn get(&self, env: &Arc<Environment>, arguments: Arguments<'_>) -> Option<Arc<Checked>> {
        let checks = self.0.lock();
        let known = checks
            .iter()
            .find(|known| known.env.as_ptr() == Arc::as_ptr(env) && known.asked.holds(arguments));
        known.map(|known| known.checked.clone())
    }

    fn keep(&self, env: &Arc<Environment>, asked: Asked, checked: &Arc<Checked>) {
        let mut checks = self.0.lock();
        checks.retain(|known| known.env.strong_count() > 0);
        if checks.len() >= MAX_CHECKS {
            checks.remove(0);
        }
        checks.push(Known {
            env: Arc::downgrade(env),
            asked,
            checked: checked.clone(),
        });
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
    use crate::fql::types::ValueType;

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

    /// The text of a skeleton with an argument in place of each literal, and arguments of the literals' kinds.
    fn with_arguments(key: &str) -> (String, String) {
        let (mut text, mut kinds) = (String::new(), String::new());
        for char in key.chars() {
            match char {
                '\u{1}'..='\u{4}' => {
                    text.push_str(&format!("(v{})", kinds.len()));
                    kinds.push(char);
                }
                other => text.push(other),
            }
        }
        (text, kinds)
    }

    /// A type that was kept for arguments of such kinds is that of a check with these very arguments.
    #[test]
    fn types_hold_for_arguments_of_the_same_kinds() {
        let session = Engine::memory().expect("an engine").root();
        let queries = corpus();
        for text in queries
            .iter()
            .filter(|text| text.contains("Collection.create"))
        {
            // Those that fail define nothing.
            let _ = session.query(&Request::text(text.as_str()));
        }
        let env = environment(&session);
        let mut dice = Dice(4);
        let mut value = |kind: char| match kind {
            '\u{1}' => ValueType::Integer([0, 1, -7, 42][dice.below(4)]),
            '\u{2}' => ValueType::Integer([1 << 40, i64::MAX][dice.below(2)]),
            '\u{3}' => ValueType::Double([0.0, 1.5, -2.25][dice.below(3)]),
            _ => ValueType::String(["", "a", "name", "id"][dice.below(4)].into()),
        };
        let (mut kept, mut all) = (0, 0);
        for key in queries.iter().filter_map(|text| Skeleton::of(text)) {
            let (text, kinds) = with_arguments(key.key());
            let cache = QueryCache::new(4);
            let Ok(parsed) = cache.parse(&text) else {
                continue;
            };
            let mut before: Option<Arc<Checked>> = None;
            for _ in 0..4 {
                let values: Vec<ValueType> = kinds.chars().map(&mut value).collect();
                let given = |name: &str| {
                    let place: usize = name.strip_prefix('v')?.parse().ok()?;
                    values.get(place).cloned()
                };
                let afresh = check_query(&parsed.block, &parsed.source, &env, &given);
                match (parsed.check(&env, Some(&given)), afresh) {
                    (Ok(known), Ok(afresh)) => {
                        assert_eq!(known.static_type, afresh.static_type, "{text} {values:?}");
                        assert_eq!(known.warnings.len(), afresh.warnings.len(), "{text}");
                        all += 1;
                        kept +=
                            usize::from(before.is_some_and(|before| Arc::ptr_eq(&before, &known)));
                        before = Some(known);
                    }
                    (Err(_), Err(_)) => before = None,
                    (known, afresh) => panic!("{text} {values:?}: {known:?}, {afresh:?}"),
                }
            }
        }
        assert!(kept > 500 && all > 1500, "{kept} of {all}");
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
