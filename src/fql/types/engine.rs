//! The inference engine's state: variables, open choices, an undo log (`spec typing 7`).
//!
//! Algebraic subtyping in the style of *simple-sub*: a variable collects lower bounds (values) and
//! upper bounds (uses) and is never unified. One call of [`Engine::constrain`] either adds all the
//! bounds it implies or, if anything fails, none. Work is counted: a query that needs too many steps
//! or nests too deeply is refused with the specification's words, so that checking is bounded
//! whatever the input, without looking at a clock.

use super::choice::Choice;
use super::environment::Environment;
use super::failure::{Failure, Problem};
use super::term::{ChoiceId, Key, Kind, Level, Loc, Ty, VarId};
use crate::fql::syntax::ast::Str;
use crate::fql::syntax::{Source, Span};
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// Steps one check may take.
const FUEL: u64 = 3_000_000;

/// How deeply terms may nest in one constraint or expression.
pub(super) const DEPTH: u32 = 1_200;

/// A type variable.
#[derive(Clone, Debug)]
pub(super) struct Var {
    pub level: Level,
    pub at: Loc,
    pub lower: Vec<Ty>,
    pub upper: Vec<Ty>,
    /// Part of an expression that already failed.
    pub poisoned: bool,
}

/// What a name is bound to.
#[derive(Clone, Debug)]
pub(super) enum Scheme {
    /// A type without quantified variables.
    Simple(Ty),
    /// Variables above the level are quantified.
    Quantified(Ty, Level),
    /// Generic parameters are quantified.
    Generic(Ty),
}

/// Why a check was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// Too many steps.
    Steps,
    /// Nested too deeply.
    Depth,
}

/// One change to take back.
#[derive(Debug)]
pub(super) enum Undo {
    Lower(VarId),
    Upper(VarId),
    Level(VarId, Level),
    /// The last lower bound was moved to this position.
    Moved(VarId, usize),
    Choice(ChoiceId, Box<Choice>),
    Seen(Key, Key),
}

/// A fast hasher for small fixed keys.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
}

/// A hash table with [`KeyHasher`].
pub(super) type KeyMap<K, V> = HashMap<K, V, BuildHasherDefault<KeyHasher>>;
/// A set with [`KeyHasher`].
pub(super) type KeySet<K> = HashSet<K, BuildHasherDefault<KeyHasher>>;

/// Which instantiated signature: the type, where, which member (by address).
pub(super) type InstanceKey = (u32, Loc, Key);

/// An instantiated signature: the key of the type's argument, the argument (kept, since keys are
/// addresses), the instance.
pub(super) type Instance = (Option<Key>, Ty, Ty);

/// See the module.
pub(super) struct Engine<'e> {
    pub env: &'e Environment,
    pub vars: Vec<Var>,
    pub choices: Vec<Choice>,
    pub undo: Vec<Undo>,
    seen: KeySet<(Key, Key)>,
    /// The terms behind the keys of `seen`: a key may hold an address, which must not come to mean another term.
    kept: Vec<Ty>,
    pub instances: KeyMap<InstanceKey, Vec<Instance>>,
    pub failures: Vec<Failure>,
    pub fatal: Vec<Problem>,
    /// The span of the current constraint.
    pub call_site: Loc,
    /// The level of the expression being typed.
    pub level: Level,
    pub fuel: u64,
    pub depth: u32,
    pub limit: Option<Limit>,
    /// Whether the user was told.
    pub limit_reported: bool,
    /// Variables in scope, innermost last.
    pub scope: Vec<(Str, Scheme)>,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
    pub sources: Vec<Arc<Source>>,
    /// The source of the expression being typed.
    pub source: u16,
    /// Choices met so far: orders the alternatives in messages.
    pub groups: u32,
    /// The numbers of those of the current constraint, by the address of their alternatives.
    pub group_numbers: Vec<(usize, u32)>,
    /// Types by place, when somebody wants to know.
    pub recorded: Option<Vec<(Span, Ty)>>,
    /// Whether the value of a number or string had a part in what was found out.
    literal_used: Cell<bool>,
}

impl<'e> Engine<'e> {
    /// An engine that types expressions of `source`.
    pub fn new(env: &'e Environment, source: Arc<Source>) -> Engine<'e> {
        Engine {
            env,
            vars: Vec::with_capacity(64),
            choices: Vec::new(),
            undo: Vec::with_capacity(64),
            seen: KeySet::default(),
            kept: Vec::new(),
            instances: KeyMap::default(),
            failures: Vec::new(),
            fatal: Vec::new(),
            call_site: Loc::NONE,
            level: 0,
            fuel: FUEL,
            depth: 0,
            limit: None,
            limit_reported: false,
            scope: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            sources: vec![source],
            source: 0,
            groups: 0,
            group_numbers: Vec::new(),
            recorded: None,
            literal_used: Cell::new(false),
        }
    }

    /// Notes that something depends on the value of a number or string, not only on its kind.
    pub fn use_literal(&self) {
        self.literal_used.set(true);
    }

    /// Whether other numbers and strings of the same kinds could have led to another result. Different literals where
    /// there were equal ones also make a check longer; so a long one counts as dependent.
    pub fn depends_on_literals(&self) -> bool {
        self.literal_used.get() || FUEL - self.fuel > FUEL / 64
    }

    /// A place in the current source.
    pub fn loc(&self, span: Span) -> Loc {
        Loc {
            source: self.source,
            start: span.start,
            end: span.end,
        }
    }

    /// A new variable at the current level.
    pub fn fresh(&mut self, at: Loc) -> Ty {
        self.fresh_at(at, self.level)
    }

    /// A new variable at a level.
    pub fn fresh_at(&mut self, at: Loc, level: Level) -> Ty {
        let id = self.vars.len() as VarId;
        self.vars.push(Var {
            level,
            at,
            lower: Vec::new(),
            upper: Vec::new(),
            poisoned: false,
        });
        Ty {
            kind: Kind::Var(id),
            at,
            level,
            generic: false,
        }
    }

    /// A variable of an engine.
    pub fn var(&self, id: VarId) -> &Var {
        &self.vars[id as usize]
    }

    /// Marks a variable as part of something that failed.
    pub fn poison(&mut self, id: VarId) {
        self.vars[id as usize].poisoned = true;
    }

    /// The highest level in a term; at least its true one.
    pub fn level_of(&self, ty: &Ty) -> Level {
        match ty.kind {
            Kind::Var(id) => self.var(id).level,
            Kind::ChoiceResult(id) | Kind::ChoiceArg(id, _) => self.choices[id as usize].level,
            _ => ty.level,
        }
    }

    /// Adds a lower bound.
    pub fn add_lower(&mut self, id: VarId, value: Ty) {
        self.vars[id as usize].lower.push(value);
        self.undo.push(Undo::Lower(id));
    }

    /// Adds an upper bound.
    pub fn add_upper(&mut self, id: VarId, using: Ty) {
        self.vars[id as usize].upper.push(using);
        self.undo.push(Undo::Upper(id));
    }

    /// Moves the newest lower bound to an earlier position.
    pub fn move_last_lower(&mut self, id: VarId, position: usize) {
        if let Some(after) = self.vars[id as usize].lower.get_mut(position..)
            && after.len() > 1
        {
            after.rotate_right(1);
            self.undo.push(Undo::Moved(id, position));
        }
    }

    /// Lowers the level of a variable.
    pub fn set_level(&mut self, id: VarId, level: Level) {
        let old = std::mem::replace(&mut self.vars[id as usize].level, level);
        self.undo.push(Undo::Level(id, old));
    }

    /// Remembers the state of a choice before it changes.
    pub fn save_choice(&mut self, id: ChoiceId) {
        let old = self.choices[id as usize].clone();
        self.undo.push(Undo::Choice(id, Box::new(old)));
    }

    /// Whether a pair was met before in this constraint; remembers it.
    pub fn already_seen(&mut self, value: &Ty, using: &Ty) -> bool {
        let pair = (value.key(), using.key());
        if !self.seen.insert(pair) {
            return true;
        }
        for term in [value, using] {
            if term.is_shared() {
                self.kept.push(term.clone());
            }
        }
        self.undo.push(Undo::Seen(pair.0, pair.1));
        false
    }

    /// Takes back everything since the log had that length.
    pub fn roll_back(&mut self, mark: usize) {
        while self.undo.len() > mark {
            match self.undo.pop() {
                Some(Undo::Lower(id)) => {
                    self.vars[id as usize].lower.pop();
                }
                Some(Undo::Upper(id)) => {
                    self.vars[id as usize].upper.pop();
                }
                Some(Undo::Moved(id, position)) => {
                    if let Some(after) = self.vars[id as usize].lower.get_mut(position..) {
                        after.rotate_left(1);
                    }
                }
                Some(Undo::Level(id, level)) => self.vars[id as usize].level = level,
                Some(Undo::Choice(id, choice)) => self.choices[id as usize] = *choice,
                Some(Undo::Seen(value, using)) => {
                    self.seen.remove(&(value, using));
                }
                None => return,
            }
        }
    }

    /// Demands `value ≤ using`, reported against `at`. Reports at most one error, besides those of
    /// generics that would leave their scope; whether it holds.
    pub fn constrain(&mut self, value: &Ty, using: &Ty, at: Loc) -> bool {
        if self.limit.is_some() {
            return false;
        }
        self.call_site = at;
        self.begin();
        self.cons(value, using);
        if self.limit.is_some() {
            return self.report_limit(at);
        }
        if self.failures.is_empty() && self.fatal.is_empty() {
            self.undo.clear();
            return true;
        }
        self.roll_back(0);
        let failures = std::mem::take(&mut self.failures);
        let fatal = std::mem::take(&mut self.fatal);
        self.problems.extend(fatal);
        if !failures.is_empty() {
            self.begin();
            let failures = self.blamed(value, using, failures);
            let problem = self.bundle(value, using, at, failures);
            self.problems.push(problem);
        }
        self.begin();
        false
    }

    /// Forgets the previous constraint.
    fn begin(&mut self) {
        self.undo.clear();
        if !self.seen.is_empty() {
            self.seen.clear();
        }
        if !self.instances.is_empty() {
            self.instances.clear();
        }
        self.kept.clear();
        self.failures.clear();
        self.fatal.clear();
        self.group_numbers.clear();
    }

    /// The number of a choice between these alternatives: new for each constraint that meets them.
    pub fn group(&mut self, alternatives: &Arc<Vec<Ty>>) -> u32 {
        let address = Arc::as_ptr(alternatives) as usize;
        if let Some((_, number)) = self
            .group_numbers
            .iter()
            .find(|(known, _)| *known == address)
        {
            return *number;
        }
        self.groups += 1;
        self.group_numbers.push((address, self.groups));
        self.groups
    }

    /// Reports, once, that the check was given up.
    pub fn report_limit(&mut self, at: Loc) -> bool {
        self.limit_reported = true;
        let whole = self
            .sources
            .get(usize::from(self.source))
            .and_then(|source| source.text.as_ref());
        let end = whole.map_or(at.end, |text| text.len() as u32);
        let problem = match self.limit {
            Some(Limit::Depth) => Problem::new(
                "Typechecking failed due to query complexity",
                Loc {
                    source: self.source,
                    start: 0,
                    end,
                },
            ),
            _ => Problem::new("Exceeded static typing time limit", at),
        };
        self.problems.push(problem);
        false
    }

    /// Whether `value ≤ using` would hold; leaves no trace. The failures if not.
    pub fn attempt(&mut self, value: &Ty, using: &Ty) -> Result<(), Vec<Failure>> {
        let mark = self.undo.len();
        let result = self.try_keep(value, using);
        if result.is_ok() {
            self.roll_back(mark);
        }
        result
    }

    /// Demands `value ≤ using` if that holds; leaves no trace if not, and gives the failures.
    pub fn try_keep(&mut self, value: &Ty, using: &Ty) -> Result<(), Vec<Failure>> {
        let mark = self.undo.len();
        let before = std::mem::take(&mut self.failures);
        let fatal = self.fatal.len();
        self.cons(value, using);
        let failures = std::mem::replace(&mut self.failures, before);
        if failures.is_empty() && self.fatal.len() == fatal {
            return Ok(());
        }
        self.fatal.truncate(fatal);
        self.roll_back(mark);
        Err(failures)
    }

    /// Runs something outside of any constraint, with nothing of the current one in sight.
    pub fn isolated<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let undo = std::mem::take(&mut self.undo);
        let seen = std::mem::take(&mut self.seen);
        let kept = std::mem::take(&mut self.kept);
        let instances = std::mem::take(&mut self.instances);
        let failures = std::mem::take(&mut self.failures);
        let fatal = std::mem::take(&mut self.fatal);
        let result = run(self);
        self.undo = undo;
        self.seen = seen;
        self.kept = kept;
        self.instances = instances;
        self.failures = failures;
        self.fatal = fatal;
        result
    }

    /// Takes a step; false if the check has to be given up.
    pub fn step(&mut self) -> bool {
        if self.limit.is_some() {
            return false;
        }
        self.charge(1);
        if self.depth > DEPTH {
            self.limit = Some(Limit::Depth);
        }
        self.limit.is_none()
    }

    /// Takes several steps, for work that costs more than others.
    pub fn charge(&mut self, steps: u64) {
        match self.fuel.checked_sub(steps) {
            Some(rest) => self.fuel = rest,
            None => self.limit = self.limit.or(Some(Limit::Steps)),
        }
    }

    /// The order in which a message lists the alternatives of a choice, first to last: that of the
    /// original, which keeps them in a hash table (`spec typing 13.3`).
    pub fn alternative_order(count: usize, group: u32) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|index| {
            let hash = alternative_hash(*index as u32, group);
            ((hash ^ (hash >> 16)) % 16, hash as i32)
        });
        order
    }
}

/// The hash by which the original orders alternative `index` of group `group`.
fn alternative_hash(index: u32, group: u32) -> u32 {
    let mix = |hash: u32, value: u32| {
        let value = value
            .wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593);
        (hash ^ value)
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64)
    };
    let mut hash = mix(mix(0xcafe_babe, index), group) ^ 2;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::alternative_hash;

    #[test]
    fn alternatives_are_listed_in_the_order_of_the_original() {
        let order = |count: u32, group: u32| {
            let mut order: Vec<u32> = (0..count).collect();
            order.sort_by_key(|index| {
                let hash = alternative_hash(*index, group);
                ((hash ^ (hash >> 16)) % 16, hash as i32)
            });
            order
        };
        // The table of `spec typing 13.3`.
        let two = [[1, 0], [0, 1], [1, 0], [0, 1], [0, 1], [1, 0]];
        let three = [
            [2, 1, 0],
            [0, 1, 2],
            [2, 1, 0],
            [2, 0, 1],
            [0, 2, 1],
            [1, 2, 0],
        ];
        for group in 0..6 {
            assert_eq!(
                order(2, group + 1),
                two[group as usize],
                "group {}",
                group + 1
            );
            assert_eq!(
                order(3, group + 1),
                three[group as usize],
                "group {}",
                group + 1
            );
        }
    }
}
