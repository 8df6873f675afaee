//! From an inferred type to the type that is shown, second half: fewer variables, then text
//! (`spec typing 9`, steps 4-6).

use super::coalesce::{Coalesced, Flatten, FunctionNode, NameNode, Node};
use super::display::Shown;
use super::engine::{Engine, KeyMap};
use super::native::id;
use super::term::{Kind, Lit, Ty, VarId};
use crate::fql::syntax::ast::Str;

impl Engine<'_> {
    /// A value's type as it is shown.
    pub(super) fn show_value(&mut self, ty: &Ty) -> String {
        self.shown(ty, true).to_string()
    }

    /// A use as it is shown.
    pub(super) fn show_use(&mut self, ty: &Ty) -> String {
        self.shown(ty, false).to_string()
    }

    /// A type as it is shown, with no choice left open.
    pub(super) fn shown(&mut self, ty: &Ty, output: bool) -> Shown {
        let resolved = self.resolve_choices(ty, output);
        self.coalesce(&resolved, output)
    }

    /// A type without open choices as it is shown.
    pub(super) fn coalesce(&self, ty: &Ty, output: bool) -> Shown {
        // The common cases, which need no flattening.
        match &ty.kind {
            Kind::Named(shape, None) => return Shown::Name(self.env.shape_name(*shape)),
            Kind::Lit(lit) => {
                self.use_literal();
                return Shown::Lit(lit.clone());
            }
            _ => {}
        }
        match Flatten::new(self).run(ty, output) {
            Some(mut coalesced) => {
                simplify(&mut coalesced, output);
                Printer::new(self, &coalesced).run(output)
            }
            None => Shown::Any,
        }
    }
}

impl Engine<'_> {
    /// A stored signature: the type, and the names of its parameters in no order.
    pub(super) fn coalesce_scheme(&self, ty: &Ty) -> (Shown, Vec<String>) {
        let Some(mut coalesced) = Flatten::new(self).run(ty, true) else {
            return (Shown::Any, Vec::new());
        };
        simplify(&mut coalesced, true);
        let mut printer = Printer::new(self, &coalesced);
        let shown = printer.node(printer.root, true);
        let letters = printer
            .letters
            .values()
            .chain(&printer.generics)
            .map(|name| name.to_string())
            .collect();
        (shown, letters)
    }
}

/// Something that occurs beside a variable.
#[derive(Clone, Debug, PartialEq)]
enum Beside {
    Any,
    Never,
    Var(VarId),
    Lit(Lit),
    Name(NameNode),
}

/// What always occurs together with each variable, by position.
#[derive(Default)]
struct Occurrences {
    order: Vec<VarId>,
    beside: KeyMap<(VarId, u8), Vec<Beside>>,
}

impl Occurrences {
    fn collect(&mut self, node: &mut Node, output: bool, recursive: &[(VarId, Node)]) {
        if !node.vars.is_empty() {
            let mut all: Vec<Beside> = Vec::new();
            if node.any {
                all.push(Beside::Any);
            }
            if node.never {
                all.push(Beside::Never);
            }
            all.extend(node.vars.iter().map(|id| Beside::Var(*id)));
            all.extend(node.lits.iter().cloned().map(Beside::Lit));
            all.extend(node.names.iter().cloned().map(Beside::Name));
            for id in &node.vars {
                match self.beside.get_mut(&(*id, u8::from(output))) {
                    Some(known) => known.retain(|other| all.contains(other)),
                    None => {
                        self.beside.insert((*id, u8::from(output)), all.clone());
                    }
                }
                let new = !self.order.contains(id);
                if new {
                    self.order.push(*id);
                    if let Some((_, definition)) = recursive.iter().find(|(known, _)| known == id) {
                        self.collect(&mut definition.clone(), output, recursive);
                    }
                }
            }
        }
        node.each_part(output, &mut |part, output| {
            self.collect(part, output, recursive)
        });
    }

    fn at(&self, id: VarId, output: bool) -> Option<&Vec<Beside>> {
        self.beside.get(&(id, u8::from(output)))
    }
}

/// Drops and joins variables that say nothing (`spec typing 9`, step 4).
fn simplify(coalesced: &mut Coalesced, output: bool) {
    let mut occurrences = Occurrences::default();
    let recursive = std::mem::take(&mut coalesced.recursive);
    occurrences.collect(&mut coalesced.node, output, &recursive);
    coalesced.recursive = recursive;
    if occurrences.order.is_empty() {
        return;
    }
    let is_recursive =
        |recursive: &[(VarId, Node)], id: VarId| recursive.iter().any(|(known, _)| *known == id);

    let mut replaced: KeyMap<VarId, Option<VarId>> = KeyMap::default();
    for id in &occurrences.order {
        let both = occurrences.at(*id, true).is_some() && occurrences.at(*id, false).is_some();
        if !both && !is_recursive(&coalesced.recursive, *id) {
            replaced.insert(*id, None);
        }
    }
    for id in occurrences.order.clone() {
        if replaced.contains_key(&id) {
            continue;
        }
        for position in [true, false] {
            for beside in occurrences.at(id, position).cloned().unwrap_or_default() {
                match beside {
                    Beside::Var(other) => {
                        let mutual = other != id
                            && !replaced.contains_key(&other)
                            && is_recursive(&coalesced.recursive, id)
                                == is_recursive(&coalesced.recursive, other)
                            && occurrences
                                .at(other, position)
                                .is_some_and(|all| all.contains(&Beside::Var(id)));
                        if !mutual {
                            continue;
                        }
                        replaced.insert(other, Some(id));
                        if let Some(index) = coalesced
                            .recursive
                            .iter()
                            .position(|(known, _)| *known == other)
                        {
                            let (_, definition) = coalesced.recursive.remove(index);
                            if let Some((_, own)) = coalesced
                                .recursive
                                .iter_mut()
                                .find(|(known, _)| *known == id)
                            {
                                own.merge(definition, position);
                            }
                        } else {
                            let theirs = occurrences
                                .at(other, !position)
                                .cloned()
                                .unwrap_or_default();
                            if let Some(own) =
                                occurrences.beside.get_mut(&(id, u8::from(!position)))
                            {
                                own.retain(|item| {
                                    *item == Beside::Var(id) || theirs.contains(item)
                                });
                            }
                        }
                    }
                    concrete => {
                        if occurrences
                            .at(id, !position)
                            .is_some_and(|all| all.contains(&concrete))
                        {
                            replaced.insert(id, None);
                        }
                    }
                }
            }
        }
    }
    substitute(&mut coalesced.node, &replaced);
    for (_, definition) in &mut coalesced.recursive {
        substitute(definition, &replaced);
    }
}

fn substitute(node: &mut Node, replaced: &KeyMap<VarId, Option<VarId>>) {
    if !node.vars.is_empty() {
        let mut vars: Vec<VarId> = Vec::with_capacity(node.vars.len());
        for id in &node.vars {
            let mut current = Some(*id);
            let mut hops = 0;
            while let Some(next) = current.and_then(|id| replaced.get(&id)) {
                current = *next;
                hops += 1;
                if hops > replaced.len() {
                    break;
                }
            }
            if let Some(id) = current
                && !vars.contains(&id)
            {
                vars.push(id);
            }
        }
        node.vars = vars;
    }
    node.each_part(true, &mut |part, _| substitute(part, replaced));
}

/// Nodes → shown types.
struct Printer<'a, 'e> {
    engine: &'a Engine<'e>,
    recursive: &'a [(VarId, Node)],
    root: &'a Node,
    letters: KeyMap<VarId, Str>,
    /// Names of generic parameters met.
    generics: Vec<Str>,
    /// How many letters were tried.
    tried: usize,
    /// Recursive variables whose definition is being printed, and whether they occurred.
    open: Vec<(VarId, bool)>,
    named: Vec<(VarId, Str)>,
}

impl<'a, 'e> Printer<'a, 'e> {
    fn new(engine: &'a Engine<'e>, coalesced: &'a Coalesced) -> Printer<'a, 'e> {
        Printer {
            engine,
            recursive: &coalesced.recursive,
            root: &coalesced.node,
            letters: KeyMap::default(),
            generics: Vec::new(),
            tried: 0,
            open: Vec::new(),
            named: Vec::new(),
        }
    }

    fn run(mut self, output: bool) -> Shown {
        self.node(self.root, output)
    }

    /// The next letter that is no type name.
    fn letter(&mut self) -> Str {
        loop {
            let letter = char::from(b'A' + (self.tried % 26) as u8);
            let name: String = std::iter::repeat_n(letter, self.tried / 26 + 1).collect();
            self.tried += 1;
            if self.engine.env.shape_id(&name).is_none() {
                return name.into();
            }
        }
    }

    fn variable(&mut self, id: VarId, output: bool) -> Shown {
        if let Some((_, definition)) = self.recursive.iter().find(|(known, _)| *known == id) {
            if self.open.contains(&(id, output)) {
                if let Some((_, name)) = self.named.iter().find(|(known, _)| *known == id) {
                    return Shown::Name(name.clone());
                }
                let name = self.letter();
                self.named.push((id, name.clone()));
                return Shown::Name(name);
            }
            self.open.push((id, output));
            let shown = self.node(definition, output);
            self.open.pop();
            return match self.named.iter().find(|(known, _)| *known == id) {
                Some((_, name)) => Shown::Recursive(name.clone(), Box::new(shown)),
                None => shown,
            };
        }
        if let Some(name) = self.letters.get(&id) {
            return Shown::Name(name.clone());
        }
        let name = self.letter();
        self.letters.insert(id, name.clone());
        Shown::Name(name)
    }

    fn node(&mut self, node: &Node, output: bool) -> Shown {
        let mut parts: Vec<Shown> = Vec::new();
        for id in &node.vars {
            parts.push(self.variable(*id, output));
        }
        if !node.overloads.is_empty() {
            let mut variants: Vec<Shown> = Vec::new();
            for variant in &node.overloads {
                let shown = self.node(variant, output);
                // An overload within an overload is one list of variants.
                for shown in members(shown, !output) {
                    if !variants.contains(&shown) {
                        variants.push(shown);
                    }
                }
            }
            parts.push(match variants.len() {
                1 => variants.swap_remove(0),
                _ if output => Shown::Intersect(variants),
                _ => Shown::Union(variants),
            });
        }
        parts.extend(node.lits.iter().cloned().map(Shown::Lit));
        parts.extend(node.names.iter().map(|name| match name {
            NameNode::Shape(shape) => Shown::Name(self.engine.env.shape_name(*shape)),
            NameNode::Generic(name) => Shown::Name(name.clone()),
        }));
        self.generics
            .extend(node.names.iter().filter_map(|name| match name {
                NameNode::Generic(name) => Some(name.clone()),
                NameNode::Shape(_) => None,
            }));
        for (shape, argument) in &node.constructed {
            let argument = self.node(argument, output);
            parts.push(Shown::Cons(
                self.engine.env.shape_name(*shape),
                vec![argument],
            ));
        }
        for function in node.functions.iter().chain(node.access.as_deref()) {
            parts.push(self.function(function, output));
        }
        if let Some(project) = &node.project {
            let function = self.node(&project.0, !output);
            let result = self.node(&project.1, output);
            parts.push(Shown::Projection(Box::new(function), Box::new(result)));
        }
        if let Some(record) = &node.record {
            let fields = self.fields(&record.0, output);
            let wildcard = record
                .1
                .as_ref()
                .map(|wildcard| Box::new(self.node(wildcard, output)));
            parts.push(Shown::Object(fields, wildcard));
        }
        if let Some(interface) = &node.interface {
            let fields = self.fields(interface, output);
            parts.push(Shown::Interface(fields));
        }
        for tuple in &node.tuples {
            let tuple = tuple.iter().map(|part| self.node(part, output)).collect();
            parts.push(Shown::Tuple(tuple));
        }
        for difference in &node.differences {
            parts.extend(self.difference(difference, output));
        }
        self.join(node, parts, output)
    }

    fn fields(&mut self, fields: &[(Str, Node)], output: bool) -> Vec<(Str, Shown)> {
        fields
            .iter()
            .map(|(name, field)| (name.clone(), self.node(field, output)))
            .collect()
    }

    fn function(&mut self, function: &FunctionNode, output: bool) -> Shown {
        let params = function
            .params
            .iter()
            .map(|(name, param)| (name.clone(), self.node(param, !output)))
            .collect();
        let variadic = function
            .variadic
            .as_ref()
            .map(|variadic| Box::new((variadic.0.clone(), self.node(&variadic.1, !output))));
        let result = Box::new(self.node(&function.result, output));
        Shown::Lambda {
            params,
            variadic,
            result,
        }
    }

    /// A type from which `Null` is removed.
    fn difference(&mut self, node: &Node, output: bool) -> Option<Shown> {
        let shown = self.node(node, output);
        let mut kept: Vec<Shown> = Vec::new();
        let mut has_letter = false;
        for member in members(shown, output) {
            self.keep(member, &mut kept, &mut has_letter, 0);
        }
        let rest = self.join(&Node::default(), kept, output);
        match rest {
            Shown::Never => None,
            rest if has_letter => Some(Shown::Difference(
                Box::new(rest),
                Box::new(Shown::Name("Null".into())),
            )),
            rest => Some(rest),
        }
    }

    /// Keeps what is not `Null`; a name whose definition contains `Null` is replaced by the rest of it.
    fn keep(&mut self, member: Shown, kept: &mut Vec<Shown>, has_letter: &mut bool, depth: u8) {
        if is_null(&member) {
            return;
        }
        let alias = match &member {
            Shown::Name(name) => {
                if self.letters.values().any(|letter| letter == name) {
                    *has_letter = true;
                }
                self.alias_of(name, None)
            }
            Shown::Cons(name, args) => self.alias_of(name, args.first()),
            _ => None,
        };
        let Some(alias) = alias.filter(|_| depth < 8) else {
            return kept.push(member);
        };
        let parts = members(alias, true);
        let mut rest: Vec<Shown> = Vec::new();
        for part in parts.clone() {
            self.keep(part, &mut rest, has_letter, depth + 1);
        }
        match rest == parts {
            true => kept.push(member),
            false => kept.extend(rest),
        }
    }

    /// The definition of a name that is a union or `Null`, its parameter replaced.
    fn alias_of(&self, name: &str, argument: Option<&Shown>) -> Option<Shown> {
        let shape = self.engine.env.shape_id(name)?;
        let alias = self.engine.env.alias(shape)?;
        let show = |part: &Ty| match &part.kind {
            Kind::Generic(_) => argument.cloned(),
            Kind::Named(shape, None) => Some(Shown::Name(self.engine.env.shape_name(*shape))),
            Kind::Named(shape, Some(_)) => Some(Shown::Cons(
                self.engine.env.shape_name(*shape),
                argument.cloned().into_iter().collect(),
            )),
            _ => None,
        };
        match &alias.kind {
            Kind::Named(id::NULL, None) => Some(null()),
            Kind::Union(parts) => Some(Shown::Union(parts.iter().filter_map(show).collect())),
            _ => None,
        }
    }

    /// The parts of a node as one type.
    fn join(&self, node: &Node, parts: Vec<Shown>, output: bool) -> Shown {
        if node.poisoned {
            return if output { Shown::Hole } else { Shown::Any };
        }
        let mut all: Vec<Shown> = Vec::with_capacity(parts.len() + 1);
        let mut has_null = false;
        if node.any && (output || parts.is_empty()) {
            all.push(Shown::Any);
        } else if !node.any && node.never && (!output || parts.is_empty()) {
            return Shown::Never;
        }
        for part in parts {
            if is_null(&part) {
                has_null = true;
            } else if !all.contains(&part) {
                all.push(part);
            }
        }
        if has_null {
            all.push(null());
        }
        match all.len() {
            0 => {
                if output {
                    Shown::Never
                } else {
                    Shown::Any
                }
            }
            1 => all.swap_remove(0),
            _ if output => Shown::Union(all),
            _ => Shown::Intersect(all),
        }
    }
}

fn null() -> Shown {
    Shown::Name("Null".into())
}

fn is_null(shown: &Shown) -> bool {
    matches!(shown, Shown::Name(name) if &**name == "Null")
}

/// The members of a union (or intersection, as an input).
fn members(shown: Shown, output: bool) -> Vec<Shown> {
    match shown {
        Shown::Union(parts) if output => parts,
        Shown::Intersect(parts) if !output => parts,
        other => vec![other],
    }
}
