//! `value ≤ use`: the rules (`spec typing 6`).
//!
//! The first rule that matches decides; the numbers in comments are those of the specification.

use super::engine::Engine;
use super::failure::{Failure, Problem};
use super::native::id;
use super::term::{Function, Kind, Lit, Loc, Record, ShapeId, Ty};
use std::sync::Arc;

/// For how many arguments one place may make instances of a signature within one constraint.
const RECURRENCES: usize = 8;

/// How a projection's result is wrapped.
#[derive(Clone, Copy)]
enum Wrap {
    Same,
    In(ShapeId),
    Optional,
    Null,
}

impl Engine<'_> {
    /// Demands `value ≤ using`; failures are kept in [`Engine::failures`].
    pub(super) fn cons(&mut self, value: &Ty, using: &Ty) {
        if !self.step() {
            return;
        }
        self.depth += 1;
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.cons_meta(value, using));
        self.depth -= 1;
    }

    fn fail(&mut self, failure: Failure) {
        self.failures.push(failure);
    }

    /// Rules about variables, alternatives and differences: they do not look into types.
    fn cons_meta(&mut self, value: &Ty, using: &Ty) {
        let value_var = as_var(value);
        let using_var = as_var(using);
        if value_var.is_some() || using_var.is_some() {
            // 1, 2
            if value_var == using_var || self.already_seen(value, using) {
                return;
            }
            let (value_level, using_level) = (self.level_of(value), self.level_of(using));
            match (value_var, using_var) {
                // 3
                (_, Some(target)) if value_level <= using_level => {
                    if let Kind::Union(parts) = &value.kind {
                        return parts.iter().for_each(|part| self.cons(part, using));
                    }
                    self.add_lower(target, value.clone());
                    // Uses added meanwhile meet the new bound themselves.
                    for index in 0..self.var(target).upper.len() {
                        let Some(next) = self.var(target).upper.get(index).cloned() else {
                            break;
                        };
                        self.cons(value, &next);
                    }
                    return;
                }
                // 4
                (Some(target), _) if using_level <= value_level => {
                    if let Kind::Intersect(parts) = &using.kind {
                        return parts.iter().for_each(|part| self.cons(value, part));
                    }
                    self.add_upper(target, using.clone());
                    for index in 0..self.var(target).lower.len() {
                        let Some(next) = self.var(target).lower.get(index).cloned() else {
                            break;
                        };
                        self.cons(&next, using);
                    }
                    return;
                }
                // 5
                (_, Some(_)) => {
                    if contains_generic(value) {
                        let text = "Internal typechecking error. Please create a ticket at https://support.fauna.com";
                        return self.fatal.push(Problem::new(text, self.call_site));
                    }
                    let copy = self.extrude(value, using_level, true);
                    return self.cons(&copy, using);
                }
                (Some(_), None) => {
                    if contains_generic(using) {
                        let text = format!(
                            "Value cannot be constrained by inner generic type `{}`",
                            self.show_use(using)
                        );
                        let problem = Problem::new(text, self.call_site)
                            .hint("Generic type definition", using.at, None)
                            .hint("Outer value originates here", value.at, None);
                        return self.fatal.push(problem);
                    }
                    let copy = self.extrude(using, value_level, false);
                    return self.cons(value, &copy);
                }
                (None, None) => {}
            }
        }
        match (&value.kind, &using.kind) {
            // 6
            (Kind::Union(parts), _) => parts.iter().for_each(|part| self.cons(part, using)),
            // 7
            (_, Kind::Intersect(parts)) => parts.iter().for_each(|part| self.cons(value, part)),
            (Kind::ChoiceResult(choice), _) => self.choice_result(*choice, using),
            // 10
            (Kind::WithoutNull(inner), _) => {
                let guarded = using.clone().guard_null();
                self.cons(inner, &guarded);
            }
            (_, Kind::ChoiceArg(choice, index)) => {
                self.choice_arg(value, *choice, usize::from(*index))
            }
            // 8
            (Kind::Intersect(variants), _) => self.cons_overloaded(value, variants, using),
            // 9
            (_, Kind::Union(alternatives)) => self.cons_alternatives(value, alternatives, using),
            // 11
            (_, Kind::GuardNull(inner)) => match self.subtract_null(value) {
                None => self.cons(value, inner),
                Some(rest) => rest.iter().for_each(|part| self.cons(part, inner)),
            },
            _ => self.cons_types(value, using),
        }
    }

    /// 8: one of several overloads.
    fn cons_overloaded(&mut self, value: &Ty, variants: &Arc<Vec<Ty>>, using: &Ty) {
        let group = self.group(variants);
        if let Some((args, result)) = as_apply(using) {
            return self.choose(value, variants, args, result, using, group);
        }
        // Several interfaces are one value with all their fields.
        if matches!(using.kind, Kind::Project(_))
            && variants
                .iter()
                .all(|variant| matches!(variant.kind, Kind::Interface(_)))
        {
            return self.cons_projected(value, using, Wrap::Same);
        }
        let mut rejected = Vec::new();
        for variant in variants.iter() {
            match self.try_keep(variant, using) {
                Ok(()) => return,
                Err(failures) => rejected.push(failures),
            }
        }
        self.reject(rejected, group);
    }

    /// 9: one of several alternatives.
    fn cons_alternatives(&mut self, value: &Ty, alternatives: &Arc<Vec<Ty>>, using: &Ty) {
        let group = self.group(alternatives);
        let mut rejected = Vec::new();
        for alternative in alternatives.iter() {
            match self.try_keep(value, alternative) {
                Ok(()) => return,
                Err(failures) => rejected.push(failures),
            }
        }
        // A reference may fit in parts what it does not fit as a whole.
        if let Kind::Named(shape, argument) = &value.kind
            && let Some(alias) = self.env.alias(*shape)
        {
            let alias = self.instance(&alias, *shape, argument.as_deref(), value.at);
            if matches!(alias.kind, Kind::Union(_)) {
                match self.try_keep(&alias, using) {
                    Ok(()) => return,
                    Err(failures) => return self.failures.extend(failures),
                }
            }
        }
        self.reject(rejected, group);
    }

    /// Keeps the failures of all alternatives, in the order messages list them.
    pub(super) fn reject(&mut self, mut rejected: Vec<Vec<Failure>>, group: u32) {
        // The last is listed first: see `bundle`.
        for index in Engine::alternative_order(rejected.len(), group)
            .into_iter()
            .rev()
        {
            if let Some(failures) = rejected.get_mut(index) {
                let failures = std::mem::take(failures);
                self.failures.extend(failures);
            }
        }
    }

    /// A value without its `Null` members, through aliases; `None` if it has none.
    fn subtract_null(&mut self, value: &Ty) -> Option<Vec<Ty>> {
        match &value.kind {
            Kind::Named(id::NULL, None) => Some(Vec::new()),
            Kind::Named(shape, argument) => {
                let alias = self.env.alias(*shape)?;
                let alias = self.instance(&alias, *shape, argument.as_deref(), value.at);
                self.subtract_null(&alias)
            }
            Kind::Intersect(variants) => {
                let gone = variants.iter().all(|variant| {
                    self.subtract_null(variant)
                        .is_some_and(|rest| rest.is_empty())
                });
                gone.then(Vec::new)
            }
            Kind::Union(parts) => {
                let mut rest = Vec::new();
                let mut changed = false;
                for part in parts.iter() {
                    match self.subtract_null(part) {
                        None => rest.push(part.clone()),
                        Some(parts) => {
                            changed = true;
                            rest.extend(parts);
                        }
                    }
                }
                changed.then_some(rest)
            }
            _ => None,
        }
    }

    /// Rules about types.
    fn cons_types(&mut self, value: &Ty, using: &Ty) {
        match (&value.kind, &using.kind) {
            // 12
            (Kind::Generic(left), Kind::Generic(right)) if left.valid && right.valid => {
                if left.name != right.name {
                    let at = value.at.or(using.at).or(self.call_site);
                    self.fail(Failure::GenericValue {
                        value: value.clone(),
                        using: using.clone(),
                        at,
                    });
                }
            }
            (Kind::Generic(generic), _) => {
                if generic.valid {
                    let at = using.at.or(value.at).or(self.call_site);
                    self.fail(Failure::GenericValue {
                        value: value.clone(),
                        using: using.clone(),
                        at,
                    });
                }
            }
            (_, Kind::Generic(generic)) => {
                if generic.valid {
                    let at = value.at.or(using.at).or(self.call_site);
                    self.fail(Failure::GenericUse {
                        value: value.clone(),
                        using: using.clone(),
                        at,
                    });
                }
            }
            // 13
            (Kind::Named(left, left_argument), Kind::Named(right, right_argument))
                if left == right =>
            {
                if let (Some(left), Some(right)) = (left_argument, right_argument) {
                    self.cons(left, right);
                }
            }
            // 14
            (Kind::Named(left, None), Kind::Named(right, None))
                if is_numeric_subtype(*left, *right) => {}
            // 15
            (Kind::Lit(lit), Kind::Named(shape, None)) if is_value_of(lit, *shape) => {}
            (Kind::Lit(left), Kind::Lit(right)) => {
                if !matches!((left, right), (Lit::Bool(_), _) | (_, Lit::Bool(_))) {
                    self.use_literal();
                }
                if left != right {
                    let at = value.at.or(using.at).or(self.call_site);
                    self.fail(Failure::OtherSingleton {
                        value: value.clone(),
                        using: using.clone(),
                        at,
                    });
                }
            }
            // 16
            (Kind::Lit(lit), _) => self.cons(&Ty::named(primary(lit)).moved(value.at), using),
            // 17
            (Kind::Tuple(values), Kind::Tuple(uses)) => {
                if values.len() != uses.len() {
                    let (expected, received) = (uses.len(), values.len());
                    return self.fail(Failure::TupleArity {
                        expected,
                        received,
                        at: value.at,
                    });
                }
                values
                    .iter()
                    .zip(uses.iter())
                    .for_each(|(value, using)| self.cons(value, using));
            }
            // 18
            (Kind::Record(values), Kind::Record(uses)) => {
                self.cons_records(value, values, using, uses)
            }
            (Kind::Record(record), Kind::Field(field)) => {
                self.cons_record_field(
                    value,
                    record,
                    &field.name,
                    &field.result,
                    field.dot,
                    using.at,
                );
            }
            (Kind::Record(record), Kind::Interface(field)) => {
                self.cons_record_field(value, record, &field.0, &field.1, Loc::NONE, using.at);
            }
            // 20
            (Kind::Interface(known), Kind::Field(field)) if known.0 == field.name => {
                self.cons(&known.1, &field.result)
            }
            (Kind::Interface(known), Kind::Interface(field)) if known.0 == field.0 => {
                self.cons(&known.1, &field.1)
            }
            // 21
            (Kind::Named(shape, argument), Kind::Field(field)) => {
                match self.env.member(*shape, &field.name) {
                    Some(member) => {
                        let member = self.instance(&member, *shape, argument.as_deref(), value.at);
                        self.cons(&member, &field.result);
                    }
                    None => self.cons_widened(value, using),
                }
            }
            (Kind::Named(shape, argument), Kind::Interface(field)) => {
                match self.env.member(*shape, &field.0) {
                    Some(member) => {
                        let member = self.instance(&member, *shape, argument.as_deref(), value.at);
                        self.cons(&member, &field.1);
                    }
                    None => self.cons_widened(value, using),
                }
            }
            // 22
            (Kind::Function(function), Kind::Apply(_) | Kind::Function(_)) => {
                self.cons_call(function, using)
            }
            // 23
            (Kind::Named(shape, argument), Kind::Apply(_) | Kind::Function(_)) => {
                match self.env.apply(*shape) {
                    Some(apply) => {
                        let apply = self.instance(&apply, *shape, argument.as_deref(), value.at);
                        self.cons(&apply, using);
                    }
                    None => self.cons_widened(value, using),
                }
            }
            (Kind::Record(record), Kind::Access(access)) => {
                // 24
                if let [
                    Ty {
                        kind: Kind::Lit(Lit::String(name)),
                        at,
                        ..
                    },
                ] = &access.args[..]
                {
                    self.use_literal();
                    return self.cons_record_field(
                        value,
                        record,
                        name,
                        &access.result,
                        using.at,
                        *at,
                    );
                }
                // 26
                let [key] = &access.args[..] else {
                    let received = access.args.len();
                    return self.fail(Failure::Arity {
                        expected: 1,
                        received,
                        at: using.at,
                    });
                };
                self.cons(key, &Ty::named(id::STRING));
                for (_, field) in &record.fields {
                    self.cons(field, &access.result);
                }
                if let Some(wildcard) = &record.wildcard {
                    self.cons(wildcard, &access.result);
                }
                self.cons(&Ty::named(id::NULL).moved(value.at), &access.result);
            }
            // 25
            (Kind::Tuple(parts), Kind::Access(access)) => match &access.args[..] {
                [
                    Ty {
                        kind: Kind::Lit(Lit::Int(index)),
                        at,
                        ..
                    },
                ] => {
                    self.use_literal();
                    if *index < 0 {
                        let length = parts.len();
                        return self.fail(Failure::TupleIndex {
                            index: *index,
                            length,
                            at: *at,
                        });
                    }
                    match usize::try_from(*index)
                        .ok()
                        .and_then(|index| parts.get(index))
                    {
                        Some(part) => self.cons(part, &access.result),
                        None => self.cons(&Ty::never().moved(value.at), &access.result),
                    }
                }
                _ => self.cons_widened(value, using),
            },
            // 27
            (Kind::Named(shape, argument), Kind::Access(access)) => match self.env.access(*shape) {
                Some(signature) => {
                    let signature =
                        self.instance(&signature, *shape, argument.as_deref(), value.at);
                    let apply = Ty::apply(access.args.clone(), access.result.clone(), using.at);
                    self.cons(&signature, &apply);
                }
                None => self.cons_widened(value, using),
            },
            // 28
            (Kind::Record(_) | Kind::Interface(_), Kind::Project(_)) => {
                self.cons_projected(value, using, Wrap::Same)
            }
            // 29-32
            (Kind::Named(shape, argument), Kind::Project(_)) => {
                let at = value.at;
                match (*shape, argument) {
                    (id::ARRAY | id::SET | id::EVENT_SOURCE, Some(element)) => {
                        self.cons_projected(&(**element).clone(), using, Wrap::In(*shape));
                    }
                    (id::REF | id::NAMED_REF, Some(document)) => {
                        self.cons_projected(&(**document).clone(), using, Wrap::Optional);
                    }
                    (id::EMPTY_REF | id::EMPTY_NAMED_REF, Some(document)) => {
                        self.cons_projected(&(**document).clone(), using, Wrap::Null);
                    }
                    _ if *shape == id::NULL || self.env.is_null_alias(*shape) => {
                        let unknown = self.fresh(at);
                        self.cons_projected(&unknown, using, Wrap::Null);
                    }
                    _ => self.cons_projected(value, using, Wrap::Same),
                }
            }
            // 33
            (Kind::Any, Kind::Apply(apply) | Kind::Access(apply)) => {
                self.cons(value, &apply.result)
            }
            (Kind::Any, Kind::Function(function)) => self.cons(value, &function.result),
            (Kind::Any, Kind::Field(field)) => self.cons(value, &field.result),
            (Kind::Any, Kind::Interface(field)) => self.cons(value, &field.1),
            (Kind::Any, Kind::Named(_, Some(argument))) => self.cons(value, argument),
            (Kind::Any, _) | (_, Kind::Any) => {}
            // 34
            (Kind::Never, _) => {}
            _ => self.cons_widened(value, using),
        }
    }

    /// 35-38: tuples become arrays, aliases are looked through, the rest fails.
    fn cons_widened(&mut self, value: &Ty, using: &Ty) {
        if matches!(using.kind, Kind::Any) {
            return;
        }
        match (&value.kind, &using.kind) {
            // 35
            (
                Kind::Tuple(parts),
                Kind::Project(_)
                | Kind::Field(_)
                | Kind::Interface(_)
                | Kind::Access(_)
                | Kind::Named(id::ARRAY, _),
            ) => {
                let element = self.element_of(parts, value.at);
                let array = Ty::constructed(id::ARRAY, element).moved(value.at);
                self.cons(&array, using);
            }
            // 36
            (Kind::Named(shape, argument), _) if self.env.has_alias(*shape) => {
                if let Some(alias) = self.env.alias(*shape) {
                    let alias = self.instance(&alias, *shape, argument.as_deref(), value.at);
                    self.cons(&alias, using);
                }
            }
            // 37
            (_, Kind::Named(shape, argument)) if self.env.has_alias(*shape) => {
                if let Some(alias) = self.env.alias(*shape) {
                    let alias = self.instance(&alias, *shape, argument.as_deref(), using.at);
                    self.cons(value, &alias);
                }
            }
            // 38
            (_, Kind::Apply(_) | Kind::Function(_)) => {
                let at = value.at.or(self.call_site);
                self.fail(Failure::NotAFunction {
                    value: value.clone(),
                    args: using.at,
                    at,
                });
            }
            (_, Kind::Access(_)) => self.fail(Failure::CannotAccess {
                value: value.clone(),
                at: using.at,
            }),
            (_, Kind::Field(field)) => {
                let (field, dot) = (field.name.to_string(), field.dot);
                self.fail(Failure::MissingField {
                    value: value.clone(),
                    field,
                    dot,
                    at: using.at,
                });
            }
            (_, Kind::Interface(field)) => {
                let (field, dot, at) = (field.0.to_string(), Loc::NONE, using.at);
                self.fail(Failure::MissingField {
                    value: value.clone(),
                    field,
                    dot,
                    at,
                });
            }
            (_, Kind::Project(_)) => {
                let at = value.at.or(self.call_site);
                self.fail(Failure::CannotProject {
                    value: value.clone(),
                    at,
                });
            }
            _ => {
                let at = value.at.or(self.call_site);
                self.fail(Failure::NotSubtype {
                    value: value.clone(),
                    using: using.clone(),
                    at,
                });
            }
        }
    }

    /// A variable that stands for any of the parts. Its bounds stay when the constraint fails, so that
    /// messages can show them.
    fn element_of(&mut self, parts: &[Ty], at: Loc) -> Ty {
        let element = self.fresh(at);
        let Some(id) = as_var(&element) else {
            return element;
        };
        for part in parts {
            if self.level_of(part) > self.level || matches!(part.kind, Kind::Union(_)) {
                self.cons(part, &element);
            } else if !self.already_seen(part, &element) {
                self.vars[id as usize].lower.push(part.clone());
            }
        }
        element
    }

    /// 18
    fn cons_records(&mut self, value: &Ty, values: &Record, using: &Ty, uses: &Record) {
        let at = using.at.or(value.at).or(self.call_site);
        for (name, field) in &values.fields {
            match uses.field(name).or(uses.wildcard.as_ref()) {
                Some(demanded) => self.cons(field, demanded),
                None => self.fail(Failure::ExtraField {
                    value: value.clone(),
                    field: name.to_string(),
                    at,
                }),
            }
        }
        let widened = values.wildcard.as_ref().map(widened_wildcard);
        for (name, demanded) in &uses.fields {
            if values.field(name).is_some() {
                continue;
            }
            match &widened {
                Some(wildcard) => self.cons(wildcard, demanded),
                None if may_be_missing(demanded) => {}
                None => {
                    let (field, dot) = (name.to_string(), self.call_site);
                    self.fail(Failure::MissingField {
                        value: value.clone(),
                        field,
                        dot,
                        at,
                    });
                }
            }
        }
        match (&values.wildcard, &uses.wildcard) {
            (Some(wildcard), Some(demanded)) => self.cons(wildcard, demanded),
            (Some(_), None) => self.fail(Failure::ExtraWildcard {
                value: value.clone(),
                at,
            }),
            (None, _) => {}
        }
    }

    /// 19
    fn cons_record_field(
        &mut self,
        value: &Ty,
        record: &Record,
        name: &str,
        result: &Ty,
        dot: Loc,
        at: Loc,
    ) {
        match record
            .field(name)
            .cloned()
            .or_else(|| record.wildcard.as_ref().map(widened_wildcard))
        {
            Some(field) => self.cons(&field, result),
            None => {
                let at = at.or(value.at);
                self.fail(Failure::MissingField {
                    value: value.clone(),
                    field: name.to_owned(),
                    dot,
                    at,
                });
            }
        }
    }

    /// 22
    fn cons_call(&mut self, function: &Arc<Function>, using: &Ty) {
        let Some((args, result)) = as_apply(using) else {
            return;
        };
        if !function.accepts(args.len()) {
            let (expected, received) = (function.params.len(), args.len());
            let at = using.at.or(self.call_site);
            return self.fail(Failure::Arity {
                expected,
                received,
                at,
            });
        }
        for (index, arg) in args.iter().enumerate() {
            if let Some(param) = function.param(index) {
                self.cons(arg, param);
            }
        }
        self.cons(&function.result, &result);
    }

    /// 28: the projection's function is applied to the value, its result wrapped.
    fn cons_projected(&mut self, value: &Ty, using: &Ty, wrap: Wrap) {
        let Kind::Project(project) = &using.kind else {
            return;
        };
        let input = self.fresh(value.at);
        let output = self.fresh(project.result.at);
        self.cons(value, &input);
        let call = Ty::lambda(vec![input], output.clone(), value.at);
        self.cons(&project.function, &call);
        let wrapped = match wrap {
            Wrap::Same => output,
            Wrap::In(shape) => Ty::constructed(shape, output).moved(value.at),
            Wrap::Optional => super::collection::optional(output),
            Wrap::Null => Ty::named(id::NULL),
        };
        self.cons(&wrapped, &project.result);
    }

    /// A signature with its generic parameters replaced: the shape's own by the argument, others by
    /// fresh variables. Within one constraint the same signature of the same type is made only once,
    /// and that of one place only for a few arguments: a result that flows back into its own receiver
    /// would grow for ever. (The original makes one per place, whatever the argument.)
    pub(super) fn instance(
        &mut self,
        signature: &Ty,
        shape: ShapeId,
        argument: Option<&Ty>,
        at: Loc,
    ) -> Ty {
        if !signature.generic {
            return signature.clone();
        }
        let key = (shape.0, at, signature.key());
        let argument_key = argument.map(Ty::key);
        let known = self.instances.get(&key).map_or(&[][..], Vec::as_slice);
        if let Some((.., instance)) = known.iter().find(|(key, ..)| *key == argument_key) {
            return instance.clone();
        }
        // The argument of each instance contains the one before: `v => v.concat(x)` folded.
        if known.len() >= RECURRENCES
            && let Some((.., instance)) = known.last()
        {
            return instance.clone();
        }
        let params = self.env.params(shape);
        let bound: Vec<(crate::fql::syntax::ast::Str, Ty)> =
            params.iter().cloned().zip(argument.cloned()).collect();
        let ty = self.instantiate_generics(signature, bound);
        let argument = argument.cloned().unwrap_or_else(Ty::any);
        self.instances
            .entry(key)
            .or_default()
            .push((argument_key, argument, ty.clone()));
        ty
    }
}

/// The variable a term is.
pub(super) fn as_var(ty: &Ty) -> Option<u32> {
    match ty.kind {
        Kind::Var(id) => Some(id),
        _ => None,
    }
}

/// The arguments and the result of a use as a function.
pub(super) fn as_apply(using: &Ty) -> Option<(Vec<Ty>, Ty)> {
    match &using.kind {
        Kind::Apply(apply) => Some((apply.args.clone(), apply.result.clone())),
        Kind::Function(function) => {
            let args = function.params.iter().map(|(_, ty)| ty.clone()).collect();
            Some((args, function.result.clone()))
        }
        _ => None,
    }
}

/// Whether a rigid generic parameter occurs in a term.
fn contains_generic(ty: &Ty) -> bool {
    ty.generic
}

fn is_numeric_subtype(left: ShapeId, right: ShapeId) -> bool {
    matches!(
        (left, right),
        (id::INT | id::LONG | id::DOUBLE, id::NUMBER)
            | (id::INT, id::LONG)
            | (id::DOUBLE | id::FLOAT, id::DOUBLE | id::FLOAT)
    )
}

/// Whether a literal is a value of a named type (`spec typing 2.2`).
pub(super) fn is_value_of(lit: &Lit, shape: ShapeId) -> bool {
    match lit {
        Lit::Bool(_) => shape == id::BOOLEAN,
        Lit::Int(value) => match shape {
            id::NUMBER | id::DOUBLE | id::LONG | id::ID => true,
            id::INT => i32::try_from(*value).is_ok(),
            _ => false,
        },
        Lit::Number { .. } => matches!(shape, id::NUMBER | id::DOUBLE),
        Lit::String(_) => matches!(shape, id::STRING | id::ID),
    }
}

/// The named type that stands for a literal in messages.
pub(super) fn primary(lit: &Lit) -> ShapeId {
    match lit {
        Lit::Bool(_) => id::BOOLEAN,
        Lit::Int(value) if i32::try_from(*value).is_ok() => id::INT,
        Lit::Int(_) => id::LONG,
        Lit::Number { .. } => id::DOUBLE,
        Lit::String(_) => id::STRING,
    }
}

/// What reading a field that only the wildcard describes gives.
fn widened_wildcard(wildcard: &Ty) -> Ty {
    match &wildcard.kind {
        Kind::Any | Kind::Never | Kind::Named(id::NULL, None) => wildcard.clone(),
        _ => super::collection::optional(wildcard.clone()),
    }
}

/// Whether a field of that type may be left out.
pub(super) fn may_be_missing(ty: &Ty) -> bool {
    match &ty.kind {
        Kind::Named(id::NULL, None) => true,
        Kind::Union(parts) => parts.iter().any(may_be_missing),
        _ => false,
    }
}
