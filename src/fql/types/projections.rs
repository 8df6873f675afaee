//! Where a type that was inferred still projects a value that nothing is known of.

use super::engine::Engine;
use super::term::{Kind, Loc, Ty, VarId};

impl Engine<'_> {
    /// Where unknown values are projected in a type.
    pub(super) fn projections(&self, ty: &Ty) -> Vec<Loc> {
        fn go(
            engine: &Engine<'_>,
            ty: &Ty,
            output: bool,
            vars: &mut Vec<VarId>,
            found: &mut Vec<Loc>,
        ) {
            match &ty.kind {
                Kind::Var(id) => {
                    if vars.contains(id) {
                        return;
                    }
                    vars.push(*id);
                    let var = engine.var(*id);
                    let bounds = if output { &var.lower } else { &var.upper };
                    bounds
                        .iter()
                        .for_each(|bound| go(engine, bound, output, vars, found));
                }
                Kind::Project(project) => {
                    found.push(ty.at);
                    go(engine, &project.function, !output, vars, found);
                    go(engine, &project.result, output, vars, found);
                }
                Kind::Named(_, Some(part)) | Kind::WithoutNull(part) | Kind::GuardNull(part) => {
                    go(engine, part, output, vars, found);
                }
                Kind::Record(record) => {
                    let parts = record
                        .fields
                        .iter()
                        .map(|(_, part)| part)
                        .chain(&record.wildcard);
                    parts.for_each(|part| go(engine, part, output, vars, found));
                }
                Kind::Interface(field) => go(engine, &field.1, output, vars, found),
                Kind::Field(field) => go(engine, &field.result, output, vars, found),
                Kind::Tuple(parts) | Kind::Union(parts) | Kind::Intersect(parts) => {
                    parts
                        .iter()
                        .for_each(|part| go(engine, part, output, vars, found));
                }
                Kind::Function(function) => {
                    let inputs = function.params.iter().chain(function.variadic.as_ref());
                    inputs.for_each(|(_, part)| go(engine, part, !output, vars, found));
                    go(engine, &function.result, output, vars, found);
                }
                Kind::Apply(apply) | Kind::Access(apply) => {
                    apply
                        .args
                        .iter()
                        .for_each(|part| go(engine, part, !output, vars, found));
                    go(engine, &apply.result, output, vars, found);
                }
                Kind::Any
                | Kind::Never
                | Kind::Lit(_)
                | Kind::Generic(_)
                | Kind::Named(_, None)
                | Kind::ChoiceResult(_)
                | Kind::ChoiceArg(..) => {}
            }
        }
        let mut found = Vec::new();
        go(self, ty, true, &mut Vec::new(), &mut found);
        found
    }
}
