//! Overloads: choices that are decided as late as they must be (`spec typing 8`).
//!
//! An overloaded function that is called becomes a [`Choice`] between its variants. The choice listens
//! at its arguments ([`Kind::ChoiceArg`], an upper bound that travels through variables like any use)
//! and stands behind its result ([`Kind::ChoiceResult`], a lower bound). Whatever reaches it drops the
//! variants it contradicts; when one is left the choice commits to it. What is still open when a type
//! is shown is resolved there: by the first variant if the inputs are known, else the type shows as
//! one overload for each consistent combination.

use super::constrain::as_var;
use super::engine::Engine;
use super::failure::Failure;
use super::term::{ChoiceId, Kind, Level, Ty};
use std::sync::Arc;

/// Combinations of open choices that are shown at most.
const COMBINATIONS: usize = 64;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// The variants, all functions that accept the number of arguments.
    pub variants: Arc<Vec<Ty>>,
    /// Which are still possible.
    pub live: u64,
    /// Which were used, if several may be.
    pub used: u64,
    pub args: Arc<Vec<Ty>>,
    pub result: Ty,
    /// One variant must fit all arguments.
    pub exclusive: bool,
    /// A known value reached an argument.
    pub fed: bool,
    /// Decided.
    pub done: bool,
    pub level: Level,
}

impl Choice {
    /// The numbers of the variants that are still possible.
    fn alive(&self) -> impl Iterator<Item = usize> + use<> {
        let live = self.live;
        (0..self.variants.len()).filter(move |index| live & (1 << index) != 0)
    }
}

impl Engine<'_> {
    /// Demands that an overloaded function can be called so.
    pub(super) fn choose(
        &mut self,
        value: &Ty,
        variants: &[Ty],
        args: Vec<Ty>,
        result: Ty,
        using: &Ty,
    ) {
        let mut fitting: Vec<Ty> = Vec::new();
        let mut rejected: Vec<Vec<Failure>> = Vec::new();
        let mut arity = 0;
        for variant in variants {
            arity = arity.max(total_arity(variant));
            match &variant.kind {
                Kind::Function(function) if function.accepts(args.len()) => {
                    fitting.push(variant.clone())
                }
                Kind::Function(function) => {
                    let (expected, received) = (function.params.len(), args.len());
                    let at = using.at.or(self.call_site);
                    rejected.push(vec![Failure::Arity {
                        expected,
                        received,
                        at,
                    }]);
                }
                // Something that becomes a function only when used as one.
                _ => match self.attempt(variant, using) {
                    Ok(()) => fitting.push(variant.clone()),
                    Err(failures) => rejected.push(failures),
                },
            }
        }
        match &fitting[..] {
            [] => self.reject(rejected),
            [only] => self.cons(only, using),
            _ if fitting
                .iter()
                .any(|variant| !matches!(variant.kind, Kind::Function(_)))
                || fitting.len() > 60 =>
            {
                let first = fitting[0].clone();
                self.cons(&first, using);
            }
            _ => {
                let mut level = self.level_of(&result).max(value.level);
                for arg in &args {
                    level = level.max(self.level_of(arg));
                }
                let choice = self.choices.len() as ChoiceId;
                self.choices.push(Choice {
                    live: (1u64 << fitting.len()) - 1,
                    used: 0,
                    variants: Arc::new(fitting),
                    args: Arc::new(args.clone()),
                    result: result.clone(),
                    exclusive: arity > 1,
                    fed: false,
                    done: false,
                    level,
                });
                for (index, arg) in args.iter().enumerate() {
                    let listener = Ty {
                        kind: Kind::ChoiceArg(choice, index as u16),
                        at: using.at,
                        level,
                        generic: false,
                    };
                    self.cons(arg, &listener);
                }
                let produced = Ty {
                    kind: Kind::ChoiceResult(choice),
                    at: result.at,
                    level,
                    generic: false,
                };
                self.cons(&produced, &result);
            }
        }
    }

    /// A value reaches an argument of a choice.
    pub(super) fn choice_arg(&mut self, value: &Ty, id: ChoiceId, index: usize) {
        let choice = &self.choices[id as usize];
        if choice.done || matches!(value.kind, Kind::ChoiceResult(_)) {
            return;
        }
        if !choice.fed {
            self.save_choice(id);
            self.choices[id as usize].fed = true;
        }
        if matches!(value.kind, Kind::Any | Kind::Never) {
            return;
        }
        let choice = &self.choices[id as usize];
        let (variants, exclusive, used) = (choice.variants.clone(), choice.exclusive, choice.used);
        let alive: Vec<usize> = choice.alive().collect();
        let param = |variant: usize| match &variants[variant].kind {
            Kind::Function(function) => function.param(index).cloned(),
            _ => None,
        };
        if !exclusive {
            let mut rejected = Vec::new();
            for variant in alive {
                let Some(param) = param(variant) else {
                    continue;
                };
                match self.try_keep(value, &param) {
                    Ok(()) => {
                        if used & (1 << variant) == 0 {
                            self.save_choice(id);
                            self.choices[id as usize].used |= 1 << variant;
                            if let Kind::Function(function) = &variants[variant].kind {
                                let result = self.choices[id as usize].result.clone();
                                self.cons(&function.result, &result);
                            }
                        }
                        return;
                    }
                    Err(failures) => rejected.push(failures),
                }
            }
            return self.reject(rejected);
        }
        let mut fitting = 0u64;
        let mut rejected = Vec::new();
        for variant in alive {
            let Some(param) = param(variant) else {
                continue;
            };
            match self.attempt(value, &param) {
                Ok(()) => fitting |= 1 << variant,
                Err(failures) => rejected.push(failures),
            }
        }
        // An attempt may have decided the choice through a cycle; then its parameter decides.
        if self.choices[id as usize].done || self.limit.is_some() {
            return;
        }
        match fitting {
            0 => self.reject(rejected),
            _ => self.narrow(id, fitting),
        }
    }

    /// The result of a choice reaches a use.
    pub(super) fn choice_result(&mut self, id: ChoiceId, using: &Ty) {
        let choice = &self.choices[id as usize];
        if choice.done || matches!(using.kind, Kind::Any | Kind::ChoiceArg(..)) {
            return;
        }
        let (variants, used) = (choice.variants.clone(), choice.used);
        let alive: Vec<usize> = choice.alive().collect();
        let mut fitting = used;
        let mut rejected = Vec::new();
        for variant in alive {
            if used & (1 << variant) != 0 {
                continue;
            }
            let Kind::Function(function) = &variants[variant].kind else {
                continue;
            };
            match self.attempt(&function.result, using) {
                Ok(()) => fitting |= 1 << variant,
                Err(failures) => rejected.push(failures),
            }
        }
        if self.choices[id as usize].done || self.limit.is_some() {
            return;
        }
        match fitting {
            0 => self.reject(rejected),
            _ => self.narrow(id, fitting),
        }
    }

    /// Keeps only some variants; decides if one is left.
    fn narrow(&mut self, id: ChoiceId, fitting: u64) {
        let choice = &self.choices[id as usize];
        let live = choice.live & fitting;
        if live == choice.live {
            return;
        }
        let decided = live.count_ones() == 1 && choice.used == 0;
        self.save_choice(id);
        self.choices[id as usize].live = live;
        if decided {
            self.commit(id, live.trailing_zeros() as usize);
        }
    }

    /// Decides for a variant.
    fn commit(&mut self, id: ChoiceId, variant: usize) {
        self.save_choice(id);
        let choice = &mut self.choices[id as usize];
        choice.done = true;
        choice.live = 1 << variant;
        let (variants, args, result) = (
            choice.variants.clone(),
            choice.args.clone(),
            choice.result.clone(),
        );
        let Some(Kind::Function(function)) = variants.get(variant).map(|variant| &variant.kind)
        else {
            return;
        };
        for (index, arg) in args.iter().enumerate() {
            if let Some(param) = function.param(index) {
                self.cons(arg, param);
            }
        }
        self.cons(&function.result, &result);
    }

    /// Decides, by their first variant, the choices in a `let`'s value whose inputs are all known.
    pub(super) fn settle_known(&mut self, ty: &Ty, level: Level) {
        if self.choices.is_empty() {
            return;
        }
        for id in self.open_choices(ty, true) {
            let choice = &self.choices[id as usize];
            let args = choice.args.clone();
            if choice.done
                || !choice.fed
                || choice.level <= level
                || !args.iter().all(|arg| self.is_known(arg))
            {
                continue;
            }
            self.isolated(|engine| engine.commit_first(id));
        }
    }

    /// Whether a concrete value has reached an argument.
    fn is_known(&self, arg: &Ty) -> bool {
        match as_var(arg) {
            None => true,
            Some(id) => self.var(id).lower.iter().any(|bound| match bound.kind {
                Kind::Var(other) => self
                    .var(other)
                    .lower
                    .iter()
                    .any(|bound| as_var(bound).is_none()),
                Kind::ChoiceResult(_) => false,
                _ => true,
            }),
        }
    }

    /// Decides for the first variant that holds.
    fn commit_first(&mut self, id: ChoiceId) -> bool {
        let alive: Vec<usize> = self.choices[id as usize].alive().collect();
        let used = self.choices[id as usize].used;
        if used != 0 {
            self.save_choice(id);
            self.choices[id as usize].done = true;
            return true;
        }
        alive
            .into_iter()
            .any(|variant| self.try_commit(id, variant))
    }

    fn try_commit(&mut self, id: ChoiceId, variant: usize) -> bool {
        let mark = self.undo.len();
        let before = std::mem::take(&mut self.failures);
        self.commit(id, variant);
        let failures = std::mem::replace(&mut self.failures, before);
        if failures.is_empty() && self.limit.is_none() {
            return true;
        }
        self.roll_back(mark);
        false
    }

    /// The type with no choice left open: itself, or an intersection of copies, one for each
    /// consistent combination of variants.
    pub(super) fn resolve_choices(&mut self, ty: &Ty, output: bool) -> Ty {
        if self.choices.is_empty() || self.open_choices(ty, output).is_empty() {
            return ty.clone();
        }
        // Work on a copy: showing a type must not change it.
        let copy = self.copy_all(ty);
        let mut found: Vec<Ty> = Vec::new();
        self.isolated(|engine| engine.combine(&copy, output, &mut found));
        match found.len() {
            0 => copy,
            1 => found.swap_remove(0),
            _ => {
                let mut texts: Vec<String> = Vec::new();
                found.retain(|variant| {
                    let text = self.coalesce(variant, output).to_string();
                    let new = !texts.contains(&text);
                    if new {
                        texts.push(text);
                    }
                    new
                });
                match found.len() {
                    1 => found.swap_remove(0),
                    _ if output => Ty::intersect(found, ty.at),
                    _ => Ty::union(found, ty.at),
                }
            }
        }
    }

    fn combine(&mut self, ty: &Ty, output: bool, found: &mut Vec<Ty>) {
        if found.len() >= COMBINATIONS || !self.step() {
            return;
        }
        let open = self.open_choices(ty, output);
        // Known inputs decide first: they may decide others.
        let next = open
            .iter()
            .find(|id| self.choices[**id as usize].fed)
            .or(open.first());
        let Some(&id) = next else {
            let copy = self.copy_all(ty);
            return found.push(copy);
        };
        if self.choices[id as usize].fed {
            let mark = self.undo.len();
            if self.commit_first(id) {
                self.combine(ty, output, found);
                self.roll_back(mark);
            }
            return;
        }
        let alive: Vec<usize> = self.choices[id as usize].alive().collect();
        for variant in alive {
            let mark = self.undo.len();
            if self.try_commit(id, variant) {
                self.combine(ty, output, found);
            }
            self.roll_back(mark);
        }
    }

    /// The undecided choices a type depends on, in the order they are met.
    pub(super) fn open_choices(&self, ty: &Ty, output: bool) -> Vec<ChoiceId> {
        let mut walk = Walk {
            engine: self,
            vars: Vec::new(),
            open: Vec::new(),
            visited: Vec::new(),
        };
        walk.term(ty, output);
        walk.open
    }
}

/// Looks for open choices.
struct Walk<'a, 'e> {
    engine: &'a Engine<'e>,
    vars: Vec<(u32, bool)>,
    open: Vec<ChoiceId>,
    visited: Vec<ChoiceId>,
}

impl Walk<'_, '_> {
    fn choice(&mut self, id: ChoiceId) {
        if self.visited.contains(&id) {
            return;
        }
        self.visited.push(id);
        let choice = &self.engine.choices[id as usize];
        if choice.done || choice.used != 0 {
            return;
        }
        self.open.push(id);
        for arg in choice.args.iter() {
            self.term(arg, true);
        }
        for index in choice.alive() {
            if let Kind::Function(function) = &choice.variants[index].kind {
                self.term(&function.result, true);
            }
        }
    }

    fn term(&mut self, ty: &Ty, output: bool) {
        match &ty.kind {
            Kind::Var(id) => {
                if self.vars.contains(&(*id, output)) || self.vars.len() > 20_000 {
                    return;
                }
                self.vars.push((*id, output));
                let var = self.engine.var(*id);
                let bounds = if output { &var.lower } else { &var.upper };
                bounds.iter().for_each(|bound| self.term(bound, output));
            }
            Kind::ChoiceResult(id) | Kind::ChoiceArg(id, _) => self.choice(*id),
            Kind::Named(_, Some(argument)) => self.term(argument, output),
            Kind::Record(record) => {
                record
                    .fields
                    .iter()
                    .for_each(|(_, field)| self.term(field, output));
                record
                    .wildcard
                    .iter()
                    .for_each(|wildcard| self.term(wildcard, output));
            }
            Kind::Interface(field) => self.term(&field.1, output),
            Kind::Tuple(parts) | Kind::Union(parts) | Kind::Intersect(parts) => {
                parts.iter().for_each(|part| self.term(part, output));
            }
            Kind::Function(function) => {
                for (_, param) in function.params.iter().chain(function.variadic.as_ref()) {
                    self.term(param, !output);
                }
                self.term(&function.result, output);
            }
            Kind::WithoutNull(part) | Kind::GuardNull(part) => self.term(part, output),
            Kind::Field(field) => self.term(&field.result, output),
            Kind::Apply(apply) | Kind::Access(apply) => {
                apply.args.iter().for_each(|arg| self.term(arg, !output));
                self.term(&apply.result, output);
            }
            Kind::Project(project) => {
                self.term(&project.function, !output);
                self.term(&project.result, output);
            }
            Kind::Any | Kind::Never | Kind::Lit(_) | Kind::Generic(_) | Kind::Named(_, None) => {}
        }
    }
}

/// The parameters of a function, counted through functions it returns.
fn total_arity(ty: &Ty) -> usize {
    match &ty.kind {
        Kind::Function(function) => function.params.len() + total_arity(&function.result),
        Kind::Intersect(parts) | Kind::Union(parts) | Kind::Tuple(parts) => {
            parts.iter().map(total_arity).max().unwrap_or(0)
        }
        _ => 0,
    }
}
