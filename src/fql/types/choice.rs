//! Overloads: choices that are decided as late as they must be (`spec typing 8`).
//!
//! An overloaded function that is called becomes a [`Choice`] between its variants. The choice listens
//! at its arguments ([`Kind::ChoiceArg`], an upper bound that travels through variables like any use)
//! and stands behind its result ([`Kind::ChoiceResult`], a lower bound). Whatever reaches it drops the
//! variants it contradicts; when one is left the choice commits to it. What is still open when a type
//! is shown is resolved there: by the first variant if the inputs are known, else the type shows as
//! one overload for each consistent combination.

use super::constrain::as_var;
use super::engine::{Engine, KeySet};
use super::failure::Failure;
use super::resolve::has_variable;
use super::term::{ChoiceId, Kind, Level, Ty, VarId};
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
    /// Values, and the arguments they reached, that several variants fit as long as their variables
    /// are open. Each picks its own variant in the end, unless the choice is exclusive.
    pub pending: Vec<(usize, Ty)>,
    /// Variables whose variant is picked.
    pub assigned: Vec<VarId>,
    /// Orders the variants in messages.
    pub group: u32,
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

impl Choice {
    /// Whether no variant returns another function.
    pub(super) fn result_ends(&self) -> bool {
        self.variants.iter().all(|variant| match &variant.kind {
            Kind::Function(function) => !matches!(function.result.kind, Kind::Function(_)),
            _ => false,
        })
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
        group: u32,
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
            [] => self.reject(rejected, group),
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
                    group,
                    pending: Vec::new(),
                    assigned: Vec::new(),
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
        let (variants, exclusive, group) =
            (choice.variants.clone(), choice.exclusive, choice.group);
        let alive: Vec<usize> = choice.alive().collect();
        let param = |variant: usize| match &variants[variant].kind {
            Kind::Function(function) => function.param(index).cloned(),
            _ => None,
        };
        if !exclusive {
            let mut rejected = Vec::new();
            let mut fitting = Vec::new();
            for variant in alive {
                let Some(param) = param(variant) else {
                    continue;
                };
                match self.attempt(value, &param) {
                    Ok(()) => fitting.push(variant),
                    Err(failures) => rejected.push(failures),
                }
            }
            return match &fitting[..] {
                [] => self.reject(rejected, group),
                [first, rest @ ..] if rest.is_empty() || !has_variable(value) => {
                    self.assign(id, index, value, *first);
                }
                _ => {
                    self.save_choice(id);
                    self.choices[id as usize]
                        .pending
                        .push((index, value.clone()));
                }
            };
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
            0 => self.reject(rejected, group),
            _ => self.narrow(id, fitting),
        }
    }

    /// The result of a choice reaches a use.
    pub(super) fn choice_result(&mut self, id: ChoiceId, using: &Ty) {
        let choice = &self.choices[id as usize];
        if choice.done || matches!(using.kind, Kind::Any | Kind::ChoiceArg(..)) {
            return;
        }
        let (variants, used, group) = (choice.variants.clone(), choice.used, choice.group);
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
            0 => self.reject(rejected, group),
            _ => self.narrow(id, fitting),
        }
    }

    /// An argument does not fit the variant that the arguments before it decided for: the failures against all
    /// variants it does not fit, not just against that one (`spec typing 8.1`).
    pub(super) fn blamed(
        &mut self,
        value: &Ty,
        using: &Ty,
        failures: Vec<Failure>,
    ) -> Vec<Failure> {
        let decided = as_var(using).and_then(|variable| {
            let listeners = self.var(variable).upper.iter();
            listeners
                .filter_map(|bound| match bound.kind {
                    Kind::ChoiceArg(id, index) => Some((id, usize::from(index))),
                    _ => None,
                })
                .find(|(id, _)| {
                    let choice = &self.choices[*id as usize];
                    choice.done && choice.exclusive
                })
        });
        let (Some((id, index)), false) = (decided, failures.is_empty()) else {
            return failures;
        };
        let choice = &self.choices[id as usize];
        let (variants, group) = (choice.variants.clone(), choice.group);
        let mut rejected = Vec::new();
        for variant in variants.iter() {
            if let Kind::Function(function) = &variant.kind
                && let Some(param) = function.param(index)
                && let Err(failures) = self.attempt(value, param)
            {
                rejected.push(failures);
            }
        }
        if rejected.len() < 2 || self.limit.is_some() {
            return failures;
        }
        self.reject(rejected, group);
        std::mem::take(&mut self.failures)
    }

    /// Lets one input of a choice that is not exclusive use a variant.
    fn assign(&mut self, id: ChoiceId, index: usize, value: &Ty, variant: usize) {
        let choice = &self.choices[id as usize];
        let (variants, used, result) =
            (choice.variants.clone(), choice.used, choice.result.clone());
        let Some(Kind::Function(function)) = variants.get(variant).map(|variant| &variant.kind)
        else {
            return;
        };
        if used & (1 << variant) == 0 {
            self.save_choice(id);
            self.choices[id as usize].used |= 1 << variant;
            self.cons(&function.result, &result);
            self.in_variant_order(id, variant);
        }
        if let Some(param) = function.param(index) {
            self.cons(value, param);
        }
    }

    /// Puts the result of the variant used last before those of variants that are declared after it: results show in
    /// the order of declaration.
    fn in_variant_order(&mut self, id: ChoiceId, variant: usize) {
        let choice = &self.choices[id as usize];
        let Some(variable) = as_var(&choice.result) else {
            return;
        };
        let later = choice
            .variants
            .iter()
            .enumerate()
            .filter(|(index, _)| *index > variant && choice.used & (1 << index) != 0)
            .filter_map(|(_, variant)| match &variant.kind {
                Kind::Function(function) => Some(&function.result),
                _ => None,
            });
        let lower = &self.var(variable).lower;
        let first = later
            .filter_map(|result| lower.iter().position(|bound| bound == result))
            .min();
        if let Some(position) = first {
            self.move_last_lower(variable, position);
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
                || !choice.pending.is_empty()
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

    /// The next input of a choice that may pick its variant alone: a value, or a free parameter.
    fn next_input(&self, ty: &Ty, output: bool, id: ChoiceId) -> Option<(usize, Ty)> {
        let choice = &self.choices[id as usize];
        if choice.exclusive {
            return None;
        }
        if let Some(pending) = choice.pending.first() {
            return Some(pending.clone());
        }
        let (_, inputs) = self.walk(ty, output);
        let (_, index, variable) = inputs
            .into_iter()
            .find(|(other, _, variable)| *other == id && !choice.assigned.contains(variable))?;
        let at = self.var(variable).at;
        let level = self.var(variable).level;
        Some((
            index,
            Ty {
                kind: Kind::Var(variable),
                at,
                level,
                generic: false,
            },
        ))
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
        if let Some((index, value)) = self.next_input(ty, output, id) {
            let alive: Vec<usize> = self.choices[id as usize].alive().collect();
            for variant in alive {
                let mark = self.undo.len();
                let before = std::mem::take(&mut self.failures);
                self.save_choice(id);
                let choice = &mut self.choices[id as usize];
                match as_var(&value) {
                    Some(variable) => choice.assigned.push(variable),
                    None => {
                        choice.pending.remove(0);
                    }
                }
                self.assign(id, index, &value, variant);
                let failures = std::mem::replace(&mut self.failures, before);
                if failures.is_empty() && self.limit.is_none() {
                    self.combine(ty, output, found);
                }
                self.roll_back(mark);
            }
            return;
        }
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
        let (mut open, inputs) = self.walk(ty, output);
        open.retain(|id| {
            let choice = &self.choices[*id as usize];
            choice.exclusive
                || choice.used == 0
                || !choice.pending.is_empty()
                || inputs
                    .iter()
                    .any(|(other, _, variable)| other == id && !choice.assigned.contains(variable))
        });
        open
    }

    /// The undecided choices a type depends on, and the free parameters that reach their arguments.
    fn walk(&self, ty: &Ty, output: bool) -> (Vec<ChoiceId>, Vec<(ChoiceId, usize, VarId)>) {
        let mut walk = Walk {
            engine: self,
            vars: Default::default(),
            open: Vec::new(),
            visited: Default::default(),
            inputs: Vec::new(),
        };
        walk.term(ty, output);
        (walk.open, walk.inputs)
    }
}

/// Looks for open choices.
struct Walk<'a, 'e> {
    engine: &'a Engine<'e>,
    vars: KeySet<(VarId, u8)>,
    open: Vec<ChoiceId>,
    visited: KeySet<ChoiceId>,
    inputs: Vec<(ChoiceId, usize, VarId)>,
}

impl Walk<'_, '_> {
    fn choice(&mut self, id: ChoiceId) {
        if !self.visited.insert(id) {
            return;
        }
        let choice = &self.engine.choices[id as usize];
        if choice.done {
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
                if !self.vars.insert((*id, u8::from(output))) {
                    return;
                }
                let var = self.engine.var(*id);
                let bounds = if output { &var.lower } else { &var.upper };
                if !output && var.lower.is_empty() {
                    for bound in &var.upper {
                        if let Kind::ChoiceArg(choice, index) = bound.kind {
                            self.inputs.push((choice, usize::from(index), *id));
                        }
                    }
                }
                stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
                    bounds.iter().for_each(|bound| self.term(bound, output));
                });
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
