//! Copies of terms: instantiating what a `let` or a signature quantifies, and moving terms to an
//! outer level (`spec typing 7.2, 7.3`).

use super::choice::Choice;
use super::constrain::as_var;
use super::engine::{Engine, KeyMap, Scheme};
use super::resolve;
use super::term::{
    ApplyUse, ChoiceId, FieldUse, Function, Kind, Level, Loc, ProjectUse, Record, Ty, VarId,
};
use crate::fql::syntax::ast::Str;
use std::sync::Arc;

/// What copying a variable costs, in steps, beside the first: `let a = [a, a]`, repeated, doubles what there is to copy.
const COPY_STEPS: u64 = 4;

/// What has been copied already.
#[derive(Default)]
struct Copied {
    vars: KeyMap<VarId, Ty>,
    choices: KeyMap<ChoiceId, ChoiceId>,
}

impl Engine<'_> {
    /// The type of a name, with fresh variables for what is quantified.
    pub(super) fn instantiate(&mut self, scheme: &Scheme) -> Ty {
        match scheme {
            Scheme::Simple(ty) => ty.clone(),
            Scheme::Quantified(ty, level) => {
                if self.level_of(ty) <= *level {
                    return ty.clone();
                }
                self.freshen(ty, *level as i32, &mut Copied::default())
            }
            Scheme::Generic(ty) => self.instantiate_generics(ty, Vec::new()),
        }
    }

    /// Replaces generic parameters: the bound ones by their types, each other by one fresh variable.
    pub(super) fn instantiate_generics(&mut self, ty: &Ty, mut bound: Vec<(Str, Ty)>) -> Ty {
        resolve::rebuild(ty, &mut |part| {
            let Kind::Generic(generic) = &part.kind else {
                return None;
            };
            if let Some((_, known)) = bound.iter().find(|(name, _)| *name == generic.name) {
                return Some(known.clone());
            }
            let variable = self.fresh(part.at);
            bound.push((generic.name.clone(), variable.clone()));
            Some(variable)
        })
    }

    /// A copy with all its variables and choices new.
    pub(super) fn copy_all(&mut self, ty: &Ty) -> Ty {
        self.freshen(ty, -1, &mut Copied::default())
    }

    /// Copies what lies above a level.
    fn freshen(&mut self, ty: &Ty, limit: i32, copied: &mut Copied) -> Ty {
        // Variables of level 0 lie in terms whose noted level is 0 too: then only a full copy looks in.
        if limit >= 0 && i32::from(self.level_of(ty)) <= limit {
            return ty.clone();
        }
        match &ty.kind {
            Kind::Var(id) => self.freshen_var(*id, ty.at, limit, copied),
            Kind::ChoiceResult(id) => {
                let choice = self.freshen_choice(*id, limit, copied);
                let level = self.choices[choice as usize].level;
                Ty {
                    kind: Kind::ChoiceResult(choice),
                    at: ty.at,
                    level,
                    generic: false,
                }
            }
            Kind::ChoiceArg(id, index) => {
                let choice = self.freshen_choice(*id, limit, copied);
                let level = self.choices[choice as usize].level;
                Ty {
                    kind: Kind::ChoiceArg(choice, *index),
                    at: ty.at,
                    level,
                    generic: false,
                }
            }
            _ => self.map_parts(ty, true, &mut |engine, part, _| {
                engine.freshen(part, limit, copied)
            }),
        }
    }

    fn freshen_var(&mut self, id: VarId, at: Loc, limit: i32, copied: &mut Copied) -> Ty {
        if let Some(known) = copied.vars.get(&id) {
            return known.clone();
        }
        if !self.step() {
            return Ty::any();
        }
        // A variable takes memory for the rest of the check.
        self.charge(COPY_STEPS);
        let var = self.var(id).clone();
        // A full copy keeps levels, so that nothing in it needs extruding.
        let level = if limit < 0 { var.level } else { self.level };
        let mut copy = self.fresh_at(var.at, level);
        copy.at = at;
        copied.vars.insert(id, copy.clone());
        self.depth += 1;
        let lower: Vec<Ty> = grow(|| {
            var.lower
                .iter()
                .map(|bound| self.freshen(bound, limit, copied))
                .collect()
        });
        let upper: Vec<Ty> = grow(|| {
            var.upper
                .iter()
                .map(|bound| self.freshen(bound, limit, copied))
                .collect()
        });
        self.depth -= 1;
        if let Some(new) = super::constrain::as_var(&copy) {
            let target = &mut self.vars[new as usize];
            target.lower = lower;
            target.upper = upper;
            target.poisoned = var.poisoned;
        }
        copy
    }

    /// The variable that all values of a term come from, if it is one.
    fn only_source(&self, ty: &Ty) -> Option<VarId> {
        let mut at = as_var(ty)?;
        // A use of a variable has a variable of its own; chains of them are short.
        for _ in 0..8 {
            match self.vars[at as usize].lower.as_slice() {
                [] => return Some(at),
                [only] => at = as_var(only)?,
                _ => return None,
            }
        }
        None
    }

    fn freshen_choice(&mut self, id: ChoiceId, limit: i32, copied: &mut Copied) -> ChoiceId {
        if let Some(known) = copied.choices.get(&id) {
            return *known;
        }
        let choice = self.choices[id as usize].clone();
        if choice.done || i32::from(choice.level) <= limit {
            return id;
        }
        let new = self.choices.len() as ChoiceId;
        copied.choices.insert(id, new);
        let level = if limit < 0 { choice.level } else { self.level };
        self.choices.push(Choice {
            level,
            ..choice.clone()
        });
        let args: Vec<Ty> = choice
            .args
            .iter()
            .map(|arg| self.freshen(arg, limit, copied))
            .collect();
        let result = self.freshen(&choice.result, limit, copied);
        let variants: Vec<Ty> = choice
            .variants
            .iter()
            .map(|variant| self.freshen(variant, limit, copied))
            .collect();
        let pending: Vec<(usize, Ty)> = choice
            .pending
            .iter()
            .map(|(index, value)| (*index, self.freshen(value, limit, copied)))
            .collect();
        let assigned: Vec<VarId> = choice
            .assigned
            .iter()
            .map(|id| match copied.vars.get(id) {
                Some(Ty {
                    kind: Kind::Var(copy),
                    ..
                }) => *copy,
                _ => *id,
            })
            .collect();
        // What a name stands for is looked at anew: if one variable is all its arguments, each of the values that
        // reach it fits by itself (`let f = x => x + x`).
        let alone = limit >= 0
            && choice.result_ends()
            && matches!(choice.args.as_slice(), [first, rest @ ..] if !rest.is_empty()
            && self.only_source(first).is_some_and(|source| {
                rest.iter().all(|arg| self.only_source(arg) == Some(source))
            }));
        let target = &mut self.choices[new as usize];
        target.exclusive &= !alone;
        target.assigned = assigned;
        target.pending = pending;
        target.args = Arc::new(args);
        target.result = result;
        target.variants = Arc::new(variants);
        new
    }

    /// Copies a term to an outer level: variables above it get stand-ins there.
    pub(super) fn extrude(&mut self, ty: &Ty, level: Level, output: bool) -> Ty {
        self.extrude_term(ty, level, output, &mut KeyMap::default())
    }

    fn extrude_term(
        &mut self,
        ty: &Ty,
        level: Level,
        output: bool,
        copied: &mut KeyMap<(VarId, u8), Ty>,
    ) -> Ty {
        if self.level_of(ty) <= level || !self.step() {
            // A handle may remember a level from before its variable moved outwards.
            let mut same = ty.clone();
            same.level = self.level_of(ty);
            return same;
        }
        match &ty.kind {
            Kind::Var(id) => {
                let key = (*id, u8::from(output));
                if let Some(known) = copied.get(&key) {
                    return known.clone();
                }
                let mut copy = self.fresh_at(self.var(*id).at, level);
                copy.at = ty.at;
                copied.insert(key, copy.clone());
                let var = self.var(*id).clone();
                self.depth += 1;
                let bounds = if output { &var.lower } else { &var.upper };
                let bounds: Vec<Ty> = grow(|| {
                    bounds
                        .iter()
                        .map(|bound| self.extrude_term(bound, level, output, copied))
                        .collect()
                });
                self.depth -= 1;
                match output {
                    true => self.add_upper(*id, copy.clone()),
                    false => self.add_lower(*id, copy.clone()),
                }
                if let Some(new) = super::constrain::as_var(&copy) {
                    let target = &mut self.vars[new as usize];
                    target.poisoned = var.poisoned;
                    match output {
                        true => target.lower = bounds,
                        false => target.upper = bounds,
                    }
                }
                copy
            }
            // An open choice cannot be copied to an outer level without tying both copies together;
            // it moves there whole, and is decided once for all uses.
            Kind::ChoiceResult(id) | Kind::ChoiceArg(id, _) => {
                self.lower_choice(*id, level);
                let mut moved = ty.clone();
                moved.level = level;
                moved
            }
            _ => self.map_parts(ty, output, &mut |engine, part, output| {
                engine.extrude_term(part, level, output, copied)
            }),
        }
    }

    /// Moves a choice, and all it depends on, to an outer level.
    fn lower_choice(&mut self, id: ChoiceId, level: Level) {
        if self.choices[id as usize].level <= level {
            return;
        }
        self.save_choice(id);
        self.choices[id as usize].level = level;
        let choice = self.choices[id as usize].clone();
        choice
            .args
            .iter()
            .for_each(|arg| self.lower_term(arg, level));
        choice
            .variants
            .iter()
            .for_each(|variant| self.lower_term(variant, level));
        choice
            .pending
            .iter()
            .for_each(|(_, value)| self.lower_term(value, level));
        self.lower_term(&choice.result, level);
    }

    fn lower_term(&mut self, ty: &Ty, level: Level) {
        if self.level_of(ty) <= level || !self.step() {
            return;
        }
        match &ty.kind {
            Kind::Var(id) => {
                self.set_level(*id, level);
                let var = self.var(*id).clone();
                self.depth += 1;
                grow(|| {
                    var.lower
                        .iter()
                        .chain(&var.upper)
                        .for_each(|bound| self.lower_term(bound, level))
                });
                self.depth -= 1;
            }
            Kind::ChoiceResult(id) | Kind::ChoiceArg(id, _) => self.lower_choice(*id, level),
            _ => {
                self.map_parts(ty, true, &mut |engine, part, _| {
                    engine.lower_term(part, level);
                    part.clone()
                });
            }
        }
    }

    /// Rebuilds a term from its mapped parts; the flag says whether a part is in output position.
    fn map_parts(
        &mut self,
        ty: &Ty,
        output: bool,
        map: &mut dyn FnMut(&mut Self, &Ty, bool) -> Ty,
    ) -> Ty {
        let at = ty.at;
        match &ty.kind {
            Kind::Named(shape, Some(argument)) => {
                Ty::constructed(*shape, map(self, argument, output)).moved(at)
            }
            Kind::Record(record) => {
                let Record { fields, wildcard } = &**record;
                let fields = fields
                    .iter()
                    .map(|(name, field)| (name.clone(), map(self, field, output)))
                    .collect();
                let wildcard = wildcard
                    .as_ref()
                    .map(|wildcard| map(self, wildcard, output));
                Ty::record(fields, wildcard, at)
            }
            Kind::Interface(field) => {
                Ty::interface(field.0.clone(), map(self, &field.1, output), at)
            }
            Kind::Tuple(parts) => Ty::tuple(
                parts.iter().map(|part| map(self, part, output)).collect(),
                at,
            ),
            Kind::Union(parts) => Ty::union(
                parts.iter().map(|part| map(self, part, output)).collect(),
                at,
            ),
            Kind::Intersect(parts) => Ty::intersect(
                parts.iter().map(|part| map(self, part, output)).collect(),
                at,
            ),
            Kind::Function(function) => {
                let Function {
                    params,
                    variadic,
                    result,
                } = &**function;
                let params = params
                    .iter()
                    .map(|(name, param)| (name.clone(), map(self, param, !output)))
                    .collect();
                let variadic = variadic
                    .as_ref()
                    .map(|(name, param)| (name.clone(), map(self, param, !output)));
                let result = map(self, result, output);
                Ty::function(
                    Function {
                        params,
                        variadic,
                        result,
                    },
                    at,
                )
            }
            Kind::WithoutNull(part) => map(self, part, output).without_null(),
            Kind::GuardNull(part) => map(self, part, output).guard_null(),
            Kind::Field(field) => {
                let FieldUse { name, result, dot } = &**field;
                Ty::field(name.clone(), map(self, result, output), *dot, at)
            }
            Kind::Apply(apply) => {
                let ApplyUse { args, result } = &**apply;
                let args = args.iter().map(|arg| map(self, arg, !output)).collect();
                Ty::apply(args, map(self, result, output), at)
            }
            Kind::Access(access) => {
                let ApplyUse { args, result } = &**access;
                let args = args.iter().map(|arg| map(self, arg, !output)).collect();
                Ty::access(args, map(self, result, output), at)
            }
            Kind::Project(project) => {
                let ProjectUse { function, result } = &**project;
                let function = map(self, function, !output);
                Ty::project(function, map(self, result, output), at)
            }
            Kind::Any
            | Kind::Never
            | Kind::Lit(_)
            | Kind::Var(_)
            | Kind::Generic(_)
            | Kind::Named(_, None)
            | Kind::ChoiceResult(_)
            | Kind::ChoiceArg(..) => ty.clone(),
        }
    }
}

/// Runs with enough stack.
fn grow<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, run)
}
