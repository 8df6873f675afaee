//! From an inferred type to the type that is shown, first half: flattening (`spec typing 9`, steps 1-3).
//!
//! A term with variables becomes a tree of [`Node`]s. A node is a flat union (in output position) or
//! intersection (in input position) of everything a value can be, one slot for each kind of type.

use super::constrain::is_value_of;
use super::engine::Engine;
use super::native::id;
use super::term::{Kind, Lit, ShapeId, Ty, VarId};
use crate::fql::syntax::ast::Str;

/// Nodes one type may need; more is given up.
const NODES: usize = 100_000;

/// A function in a node: parameters, the variadic one, the result.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct FunctionNode {
    pub params: Vec<(Option<Str>, Node)>,
    pub variadic: Option<Box<(Option<Str>, Node)>>,
    pub result: Box<Node>,
}

/// An argument-less name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum NameNode {
    Shape(ShapeId),
    Generic(Str),
}

/// The fields of a record, and its wildcard.
pub(super) type RecordNode = (Vec<(Str, Node)>, Option<Node>);

/// See the module. Slots are in the order they print.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Node {
    pub any: bool,
    pub never: bool,
    pub poisoned: bool,
    pub vars: Vec<VarId>,
    pub overloads: Vec<Node>,
    pub lits: Vec<Lit>,
    pub names: Vec<NameNode>,
    pub constructed: Vec<(ShapeId, Node)>,
    pub functions: Vec<FunctionNode>,
    pub access: Option<Box<FunctionNode>>,
    pub project: Option<Box<(Node, Node)>>,
    pub record: Option<Box<RecordNode>>,
    pub interface: Option<Vec<(Str, Node)>>,
    pub tuples: Vec<Vec<Node>>,
    /// Parts from which `Null` is removed.
    pub differences: Vec<Node>,
}

/// A flattened type and the definitions of its recursive variables.
#[derive(Debug, Default)]
pub(super) struct Coalesced {
    pub node: Node,
    pub recursive: Vec<(VarId, Node)>,
}

impl Node {
    /// Joins two nodes of the same position.
    pub fn merge(&mut self, other: Node, output: bool) {
        self.poisoned = if output {
            self.poisoned && other.poisoned
        } else {
            self.poisoned || other.poisoned
        };
        self.any = if output {
            self.any || other.any
        } else {
            self.any && other.any
        };
        self.never = if output {
            self.never && other.never
        } else {
            self.never || other.never
        };
        add_all(&mut self.vars, other.vars);
        self.overloads.extend(other.overloads);
        add_all(&mut self.names, other.names);
        add_all(&mut self.lits, other.lits);
        if output {
            let names = &self.names;
            let (mut seen_true, mut seen_false) = (false, false);
            self.lits.retain(|lit| {
                seen_true |= *lit == Lit::Bool(true);
                seen_false |= *lit == Lit::Bool(false);
                !names
                    .iter()
                    .any(|name| matches!(name, NameNode::Shape(shape) if is_value_of(lit, *shape)))
            });
            if seen_true && seen_false {
                add_all(&mut self.names, vec![NameNode::Shape(id::BOOLEAN)]);
                self.lits.retain(|lit| !matches!(lit, Lit::Bool(_)));
            }
        } else if !self.lits.is_empty() {
            self.names.clear();
        }
        for (shape, argument) in other.constructed {
            match self
                .constructed
                .iter_mut()
                .find(|(known, _)| *known == shape)
            {
                Some((_, known)) => known.merge(argument, output),
                None => self.constructed.push((shape, argument)),
            }
        }
        for function in other.functions {
            let key =
                |function: &FunctionNode| (function.params.len(), function.variadic.is_some());
            match self
                .functions
                .iter_mut()
                .find(|known| key(known) == key(&function))
            {
                Some(known) => known.merge(function, output),
                None => self.functions.push(function),
            }
        }
        match (&mut self.access, other.access) {
            (Some(known), Some(access)) => known.merge(*access, output),
            (known, access) => *known = known.take().or(access),
        }
        match (&mut self.project, other.project) {
            (Some(known), Some(project)) => {
                known.0.merge(project.0, !output);
                known.1.merge(project.1, output);
            }
            (known, project) => *known = known.take().or(project),
        }
        match (&mut self.record, other.record) {
            (Some(known), Some(record)) => merge_records(known, *record, output),
            (known, record) => *known = known.take().or(record),
        }
        match (&mut self.interface, other.interface) {
            (Some(known), Some(interface)) => merge_interfaces(known, interface, output),
            (known, interface) => *known = known.take().or(interface),
        }
        for tuple in other.tuples {
            match self
                .tuples
                .iter_mut()
                .find(|known| known.len() == tuple.len())
            {
                Some(known) => known
                    .iter_mut()
                    .zip(tuple)
                    .for_each(|(known, part)| known.merge(part, output)),
                None => self.tuples.push(tuple),
            }
        }
        add_all(&mut self.differences, other.differences);
    }

    /// Whether numbers or strings are shown somewhere in it.
    fn has_literals(&self) -> bool {
        let within =
            |part: &Node| stacker::maybe_grow(64 * 1024, 1024 * 1024, || part.has_literals());
        let function = |function: &FunctionNode| {
            function.params.iter().any(|(_, param)| within(param))
                || function.variadic.iter().any(|rest| within(&rest.1))
                || within(&function.result)
        };
        let field = |(_, field): &(Str, Node)| within(field);
        self.lits.iter().any(|lit| match lit {
            Lit::Bool(_) => false,
            Lit::Int(_) | Lit::Number { .. } | Lit::String(_) => true,
        }) || self.overloads.iter().any(within)
            || self.constructed.iter().any(|(_, part)| within(part))
            || self.functions.iter().any(function)
            || self.access.iter().any(|access| function(access))
            || self.project.iter().any(|p| within(&p.0) || within(&p.1))
            || self
                .record
                .iter()
                .any(|record| record.0.iter().any(field) || record.1.iter().any(within))
            || self.interface.iter().flatten().any(field)
            || self.tuples.iter().flatten().any(within)
            || self.differences.iter().any(within)
    }

    /// The node's own parts, with the position of each relative to `output`.
    pub fn each_part(&mut self, output: bool, visit: &mut dyn FnMut(&mut Node, bool)) {
        let mut function = |function: &mut FunctionNode| {
            function
                .params
                .iter_mut()
                .for_each(|(_, param)| visit(param, !output));
            if let Some(variadic) = &mut function.variadic {
                visit(&mut variadic.1, !output);
            }
            visit(&mut function.result, output);
        };
        self.functions.iter_mut().for_each(&mut function);
        self.access.iter_mut().for_each(|access| function(access));
        self.overloads
            .iter_mut()
            .for_each(|part| visit(part, output));
        self.constructed
            .iter_mut()
            .for_each(|(_, part)| visit(part, output));
        if let Some(project) = &mut self.project {
            visit(&mut project.0, !output);
            visit(&mut project.1, output);
        }
        if let Some(record) = &mut self.record {
            record
                .0
                .iter_mut()
                .for_each(|(_, part)| visit(part, output));
            record.1.iter_mut().for_each(|part| visit(part, output));
        }
        if let Some(interface) = &mut self.interface {
            interface
                .iter_mut()
                .for_each(|(_, part)| visit(part, output));
        }
        self.tuples
            .iter_mut()
            .flatten()
            .for_each(|part| visit(part, output));
        self.differences
            .iter_mut()
            .for_each(|part| visit(part, output));
    }
}

fn add_all<T: PartialEq>(known: &mut Vec<T>, new: Vec<T>) {
    if known.is_empty() {
        *known = new;
        return;
    }
    for item in new {
        if !known.contains(&item) {
            known.push(item);
        }
    }
}

impl FunctionNode {
    fn merge(&mut self, other: FunctionNode, output: bool) {
        for ((_, known), (_, param)) in self.params.iter_mut().zip(other.params) {
            known.merge(param, !output);
        }
        match (&mut self.variadic, other.variadic) {
            (Some(known), Some(variadic)) => known.1.merge(variadic.1, !output),
            (known, _) => *known = None,
        }
        self.result.merge(*other.result, output);
    }
}

fn merge_records(known: &mut RecordNode, other: RecordNode, output: bool) {
    let (fields, wildcard) = std::mem::take(known);
    let (mut other_fields, other_wildcard) = other;
    for (name, mut field) in fields {
        let position = other_fields.iter().position(|(other, _)| *other == name);
        let partner = match position {
            Some(position) => Some(other_fields.remove(position).1),
            None => other_wildcard.clone(),
        };
        match partner {
            Some(partner) => field.merge(partner, output),
            None if output => continue,
            None => {}
        }
        known.0.push((name, field));
    }
    for (name, field) in other_fields {
        match &wildcard {
            Some(wildcard) => {
                let mut merged = wildcard.clone();
                merged.merge(field, output);
                known.0.push((name, merged));
            }
            None if output => {}
            None => known.0.push((name, field)),
        }
    }
    known.1 = match (wildcard, other_wildcard) {
        (Some(mut wildcard), Some(other)) => {
            wildcard.merge(other, output);
            Some(wildcard)
        }
        (wildcard, other) if !output => wildcard.or(other),
        _ => None,
    };
}

fn merge_interfaces(known: &mut Vec<(Str, Node)>, mut other: Vec<(Str, Node)>, output: bool) {
    for (name, mut field) in std::mem::take(known) {
        match other.iter().position(|(other, _)| *other == name) {
            Some(position) => field.merge(other.remove(position).1, output),
            None if output => continue,
            None => {}
        }
        known.push((name, field));
    }
    if !output {
        known.extend(other);
    }
}

/// One flattening of a type.
pub(super) struct Flatten<'a, 'e> {
    engine: &'a Engine<'e>,
    nodes: usize,
    /// Nodes being worked on, to notice recursion; and the variable that stands for each that recurs.
    pending: Vec<(Node, bool, Option<VarId>)>,
    recursive: Vec<(VarId, Node)>,
    next: VarId,
}

impl<'a, 'e> Flatten<'a, 'e> {
    pub fn new(engine: &'a Engine<'e>) -> Flatten<'a, 'e> {
        let next = engine.vars.len() as VarId;
        Flatten {
            engine,
            nodes: 0,
            pending: Vec::new(),
            recursive: Vec::new(),
            next,
        }
    }

    /// Flattens a type; `None` if it is too big.
    pub fn run(mut self, ty: &Ty, output: bool) -> Option<Coalesced> {
        let node = self.term(ty, output);
        let node = self.bounds(node, output);
        let mut definitions = self.recursive.iter().map(|(_, definition)| definition);
        // As for the steps of the check: more literals that differ make more nodes.
        if self.nodes > NODES / 64 || node.has_literals() || definitions.any(Node::has_literals) {
            self.engine.use_literal();
        }
        (self.nodes < NODES).then_some(Coalesced {
            node,
            recursive: self.recursive,
        })
    }

    /// The node of a term, its variables' bounds not yet merged in.
    fn term(&mut self, ty: &Ty, output: bool) -> Node {
        let mut node = Node::default();
        self.nodes += 1;
        if self.nodes >= NODES {
            return node;
        }
        match &ty.kind {
            Kind::Any => node.any = output,
            Kind::Never => node.never = !output,
            Kind::Lit(lit) => node.lits.push(lit.clone()),
            Kind::Var(id) => self.variables(*id, output, &mut node),
            Kind::Generic(generic) => node.names.push(NameNode::Generic(generic.name.clone())),
            Kind::Named(shape, None) => node.names.push(NameNode::Shape(*shape)),
            Kind::Named(shape, Some(argument)) => {
                node.constructed.push((*shape, self.term(argument, output)));
            }
            Kind::Record(record) => {
                let fields = record
                    .fields
                    .iter()
                    .map(|(name, field)| (name.clone(), self.term(field, output)))
                    .collect();
                let wildcard = record
                    .wildcard
                    .as_ref()
                    .map(|wildcard| self.term(wildcard, output));
                node.record = Some(Box::new((fields, wildcard)));
            }
            Kind::Interface(field) => {
                node.interface = Some(vec![(field.0.clone(), self.term(&field.1, output))]);
            }
            Kind::Field(field) => {
                node.interface = Some(vec![(field.name.clone(), self.term(&field.result, output))]);
            }
            Kind::Tuple(parts) => node
                .tuples
                .push(parts.iter().map(|part| self.term(part, output)).collect()),
            Kind::Function(function) => {
                let params = function
                    .params
                    .iter()
                    .map(|(name, param)| (name.clone(), self.term(param, !output)))
                    .collect();
                // The original takes a variadic parameter at the wrong position (`spec typing 13.7`).
                let variadic = function
                    .variadic
                    .as_ref()
                    .map(|(name, param)| Box::new((name.clone(), self.term(param, output))));
                let result = Box::new(self.term(&function.result, output));
                node.functions.push(FunctionNode {
                    params,
                    variadic,
                    result,
                });
            }
            Kind::Apply(apply) => {
                let params = apply
                    .args
                    .iter()
                    .map(|arg| (None, self.term(arg, !output)))
                    .collect();
                let result = Box::new(self.term(&apply.result, output));
                node.functions.push(FunctionNode {
                    params,
                    variadic: None,
                    result,
                });
            }
            Kind::Access(access) => {
                let params = access
                    .args
                    .iter()
                    .map(|arg| (None, self.term(arg, !output)))
                    .collect();
                let result = Box::new(self.term(&access.result, output));
                node.access = Some(Box::new(FunctionNode {
                    params,
                    variadic: None,
                    result,
                }));
            }
            Kind::Project(project) => {
                let function = self.term(&project.function, !output);
                node.project = Some(Box::new((function, self.term(&project.result, output))));
            }
            Kind::Union(parts) if output => parts.iter().for_each(|part| {
                let part = self.term(part, output);
                merge_first(&mut node, part, output);
            }),
            Kind::Intersect(parts) if !output => parts.iter().for_each(|part| {
                let part = self.term(part, output);
                merge_first(&mut node, part, output);
            }),
            Kind::Union(parts) | Kind::Intersect(parts) => {
                node.overloads = parts.iter().map(|part| self.term(part, output)).collect();
            }
            Kind::WithoutNull(part) | Kind::GuardNull(part) => {
                let part = self.term(part, output);
                node.differences.push(part);
            }
            Kind::ChoiceResult(_) | Kind::ChoiceArg(..) => {}
        }
        node
    }

    /// A variable is itself and all it is bound to by variables, last bound first.
    fn variables(&mut self, first: VarId, output: bool, node: &mut Node) {
        let mut stack = vec![first];
        while let Some(id) = stack.pop() {
            if node.vars.contains(&id) {
                continue;
            }
            node.vars.push(id);
            self.nodes += 1;
            let var = self.engine.var(id);
            node.poisoned |= var.poisoned;
            let bounds = if output { &var.lower } else { &var.upper };
            stack.extend(bounds.iter().filter_map(super::constrain::as_var));
        }
    }

    /// Merges the bounds of a node's variables into it, and likewise in its parts.
    fn bounds(&mut self, node: Node, output: bool) -> Node {
        if self.nodes >= NODES {
            return node;
        }
        let tracked = !node.vars.is_empty();
        if tracked {
            if !self.pending.is_empty() && node.has_literals() {
                self.engine.use_literal();
            }
            let known = self
                .pending
                .iter()
                .position(|(other, position, _)| *position == output && *other == node);
            if let Some(position) = known {
                let next = self.next;
                let variable = *self.pending[position].2.get_or_insert(next);
                if variable == next {
                    self.next += 1;
                }
                return Node {
                    vars: vec![variable],
                    ..Node::default()
                };
            }
            self.pending.push((node.clone(), output, None));
        }
        let mut full = node;
        for index in 0..full.vars.len() {
            let Some(id) = full.vars.get(index).copied() else {
                break;
            };
            let var = self.engine.var(id);
            let bounds = if output { &var.lower } else { &var.upper };
            for bound in bounds
                .iter()
                .filter(|bound| super::constrain::as_var(bound).is_none())
            {
                if matches!(bound.kind, Kind::ChoiceResult(_) | Kind::ChoiceArg(..)) {
                    continue;
                }
                let bound = self.term(bound, output);
                full.merge(bound, output);
            }
        }
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
            full.each_part(output, &mut |part, output| {
                let taken = std::mem::take(part);
                *part = self.bounds(taken, output);
            });
        });
        if tracked && let Some((_, _, Some(variable))) = self.pending.pop() {
            self.recursive.push((variable, full));
            return Node {
                vars: vec![variable],
                ..Node::default()
            };
        }
        full
    }
}

/// Merges into a node that may still be empty.
fn merge_first(node: &mut Node, part: Node, output: bool) {
    if *node == Node::default() {
        *node = part;
    } else {
        node.merge(part, output);
    }
}
