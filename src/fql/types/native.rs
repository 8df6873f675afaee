//! The built-in half of the static environment: the types of the native functions.
//!
//! The one table of native functions hands over its shapes as signature texts ([`NativeShapes`]);
//! each text is parsed the first time a query needs it, so that opening an engine costs nothing and a
//! query pays only for the names it mentions. Numeric kinds widen to `Number`: every numeric parameter
//! and result is declared so, and a wrong kind of number is a run-time error (`spec typing` appendix A).

use super::resolve::{self, Names};
use super::term::{Function, Kind, ShapeId, Ty};
use crate::fql::syntax::ast::Str;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// A text that is either part of the program or made at run time.
pub type Text = Cow<'static, str>;

/// The types of the native functions, as the function table declares them.
#[derive(Clone, Debug, Default)]
pub struct NativeShapes {
    /// Named types, in the order of the table.
    pub shapes: Vec<NativeShape>,
    /// Global names and their types, in the order of the table.
    pub globals: Vec<(Text, Text)>,
}

/// One named type.
#[derive(Clone, Debug, Default)]
pub struct NativeShape {
    /// Its name: `String`, `Array`, `MathModule`.
    pub name: Text,
    /// Its type parameters, at most one.
    pub params: Vec<Text>,
    /// Members and their signatures, in order; a repeated name is overloaded. Special names: `apply`
    /// (the value is called), `[]` (access), `op X` (operators).
    pub members: Vec<(Text, Text)>,
    /// Those of its members that are typed and offered nowhere.
    pub unlisted: Vec<Text>,
    /// The structural definition.
    pub alias: Option<Text>,
}

/// Names the engine itself knows, in the order of their [`ShapeId`]s.
const KNOWN: [&str; 23] = [
    "Null",
    "Boolean",
    "Number",
    "Int",
    "Long",
    "Double",
    "Float",
    "String",
    "ID",
    "Time",
    "TransactionTime",
    "Array",
    "Set",
    "EventSource",
    "Ref",
    "EmptyRef",
    "NamedRef",
    "EmptyNamedRef",
    "UserFunction",
    "CollectionDef",
    "Bytes",
    "Date",
    "UUID",
];

/// The [`ShapeId`]s of [`KNOWN`].
#[allow(missing_docs)]
pub(super) mod id {
    use super::ShapeId;
    pub const NULL: ShapeId = ShapeId(0);
    pub const BOOLEAN: ShapeId = ShapeId(1);
    pub const NUMBER: ShapeId = ShapeId(2);
    pub const INT: ShapeId = ShapeId(3);
    pub const LONG: ShapeId = ShapeId(4);
    pub const DOUBLE: ShapeId = ShapeId(5);
    pub const FLOAT: ShapeId = ShapeId(6);
    pub const STRING: ShapeId = ShapeId(7);
    pub const ID: ShapeId = ShapeId(8);
    pub const TIME: ShapeId = ShapeId(9);
    pub const TRANSACTION_TIME: ShapeId = ShapeId(10);
    pub const ARRAY: ShapeId = ShapeId(11);
    pub const SET: ShapeId = ShapeId(12);
    pub const EVENT_SOURCE: ShapeId = ShapeId(13);
    pub const REF: ShapeId = ShapeId(14);
    pub const EMPTY_REF: ShapeId = ShapeId(15);
    pub const NAMED_REF: ShapeId = ShapeId(16);
    pub const EMPTY_NAMED_REF: ShapeId = ShapeId(17);
    pub const USER_FUNCTION: ShapeId = ShapeId(18);
    pub const COLLECTION_DEF: ShapeId = ShapeId(19);
    pub const BYTES: ShapeId = ShapeId(20);
    pub const DATE: ShapeId = ShapeId(21);
    pub const UUID: ShapeId = ShapeId(22);
}

/// What kind of document a named type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentKind {
    /// Not a document.
    None,
    /// A document.
    Document,
    /// A missing document.
    Missing,
}

/// The parsed, shared form of [`NativeShapes`].
#[derive(Debug)]
pub struct NativeTypes {
    shapes: Vec<Shape>,
    by_name: HashMap<Str, ShapeId>,
    globals: HashMap<Text, Member>,
    global_order: Vec<Text>,
    /// Comparisons and `+`.
    fixed: OnceLock<Vec<(&'static str, Ty)>>,
    /// All other operators.
    collected: OnceLock<Vec<(Text, Ty)>>,
}

#[derive(Debug)]
struct Shape {
    name: Str,
    params: Vec<Str>,
    members: Vec<(Text, Member)>,
    unlisted: Vec<Text>,
    alias: Option<Member>,
    document: DocumentKind,
    /// The name of the document type this stands for, for document kinds.
    document_name: Str,
}

/// The signatures of one member, parsed on first use.
#[derive(Debug)]
struct Member {
    texts: Vec<Text>,
    ty: OnceLock<Ty>,
}

impl Member {
    fn new(text: Text) -> Member {
        Member {
            texts: vec![text],
            ty: OnceLock::new(),
        }
    }

    fn ty(&self, types: &NativeTypes, params: &[Str]) -> Ty {
        let parse = || {
            let mut variants: Vec<Ty> = self
                .texts
                .iter()
                .map(|text| types.parse(text, params))
                .collect();
            match variants.len() {
                1 => variants.swap_remove(0),
                _ => Ty::intersect(variants, super::term::Loc::NONE),
            }
        };
        self.ty.get_or_init(parse).clone()
    }
}

impl NativeTypes {
    /// Takes over the declarations. Nothing is parsed yet.
    pub fn new(declared: NativeShapes) -> Arc<NativeTypes> {
        let known = |name: &str| Shape {
            name: Str::from(name),
            params: Vec::new(),
            members: Vec::new(),
            unlisted: Vec::new(),
            alias: None,
            document: DocumentKind::None,
            document_name: Str::from(""),
        };
        let mut shapes: Vec<Shape> = KNOWN.iter().map(|name| known(name)).collect();
        let mut by_name: HashMap<Str, ShapeId> = shapes
            .iter()
            .enumerate()
            .map(|(index, shape)| (shape.name.clone(), ShapeId(index as u32)))
            .collect();
        for shape in declared.shapes {
            let id = *by_name
                .entry(Str::from(&*shape.name))
                .or_insert_with_key(|name| {
                    shapes.push(known(name));
                    ShapeId(shapes.len() as u32 - 1)
                });
            let target = &mut shapes[id.0 as usize];
            target.params = shape.params.iter().map(|name| Str::from(&**name)).collect();
            target.alias = shape.alias.map(Member::new);
            target.unlisted = shape.unlisted;
            for (name, text) in shape.members {
                match target.members.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, member)) => member.texts.push(text),
                    None => target.members.push((name, Member::new(text))),
                }
            }
        }
        // A document type is one that has a missing-document type beside it.
        for index in 0..shapes.len() {
            let missing = by_name
                .get(&*format!("Null{}", shapes[index].name))
                .copied();
            if let Some(missing) = missing {
                let name = shapes[index].name.clone();
                shapes[index].document = DocumentKind::Document;
                shapes[index].document_name = name.clone();
                shapes[missing.0 as usize].document = DocumentKind::Missing;
                shapes[missing.0 as usize].document_name = name;
            }
        }
        let global_order = declared
            .globals
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        let mut globals: HashMap<Text, Member> = HashMap::new();
        for (name, text) in declared.globals {
            match globals.get_mut(&name) {
                Some(member) => member.texts.push(text),
                None => {
                    globals.insert(name, Member::new(text));
                }
            }
        }
        Arc::new(NativeTypes {
            shapes,
            by_name,
            globals,
            global_order,
            fixed: OnceLock::new(),
            collected: OnceLock::new(),
        })
    }

    fn parse(&self, text: &str, params: &[Str]) -> Ty {
        match crate::fql::syntax::parse_type_scheme(&crate::fql::syntax::Source::new(
            "*signature*",
            text,
        )) {
            Ok(scheme) => resolve::unchecked(
                &scheme.ty,
                &Native {
                    types: self,
                    params,
                    widen: true,
                },
            ),
            Err(_) => Ty::any(),
        }
    }

    pub(super) fn count(&self) -> u32 {
        self.shapes.len() as u32
    }

    pub(super) fn shape_id(&self, name: &str) -> Option<ShapeId> {
        self.by_name.get(name).copied()
    }

    fn shape(&self, id: ShapeId) -> Option<&Shape> {
        self.shapes.get(id.0 as usize)
    }

    pub(super) fn name(&self, id: ShapeId) -> Option<&Str> {
        self.shape(id).map(|shape| &shape.name)
    }

    pub(super) fn params(&self, id: ShapeId) -> &[Str] {
        self.shape(id).map_or(&[], |shape| &shape.params)
    }

    pub(super) fn document(&self, id: ShapeId) -> (DocumentKind, &str) {
        self.shape(id).map_or((DocumentKind::None, ""), |shape| {
            (shape.document, &shape.document_name)
        })
    }

    pub(super) fn member(&self, id: ShapeId, name: &str) -> Option<Ty> {
        let shape = self.shape(id)?;
        let member = &shape.members.iter().find(|(known, _)| known == name)?.1;
        Some(member.ty(self, &shape.params))
    }

    /// The names of a shape's members, special ones excluded, in order.
    pub(super) fn member_names(&self, id: ShapeId) -> impl Iterator<Item = &str> {
        let shape = self.shape(id);
        let members = shape.map_or(&[][..], |shape| &shape.members);
        let unlisted = shape.map_or(&[][..], |shape| &shape.unlisted);
        members
            .iter()
            .filter(|(name, _)| !unlisted.contains(name))
            .map(|(name, _)| &**name)
            .filter(|name| !is_special(name))
    }

    pub(super) fn alias(&self, id: ShapeId) -> Option<Ty> {
        let shape = self.shape(id)?;
        Some(shape.alias.as_ref()?.ty(self, &shape.params))
    }

    pub(super) fn global(&self, name: &str) -> Option<Ty> {
        Some(self.globals.get(name)?.ty(self, &[]))
    }

    /// The names of the built-in globals, in order.
    pub(super) fn global_names(&self) -> impl Iterator<Item = &str> {
        self.global_order.iter().map(|name| &**name)
    }

    /// The type of an operator (`spec typing 4.1`): the comparisons and `+` are fixed, all others are
    /// collected from the shapes, the receiver becoming the first operand.
    pub(super) fn operator(&self, symbol: &str) -> Option<Ty> {
        // Most queries need no others, and collecting those parses many signatures.
        let fixed = self.fixed.get_or_init(fixed_operators);
        if let Some((_, ty)) = fixed.iter().find(|(known, _)| *known == symbol) {
            return Some(ty.clone());
        }
        let collected = self.collected.get_or_init(|| self.collect_operators(fixed));
        collected
            .iter()
            .find(|(known, _)| known == symbol)
            .map(|(_, ty)| ty.clone())
    }

    fn collect_operators(&self, fixed: &[(&'static str, Ty)]) -> Vec<(Text, Ty)> {
        let none = super::term::Loc::NONE;
        let mut collected: Vec<(Text, Vec<Ty>)> = Vec::new();
        for (index, shape) in self.shapes.iter().enumerate() {
            // The numeric kinds declare what `Number` declares.
            let shape_id = ShapeId(index as u32);
            if matches!(shape_id, id::INT | id::LONG | id::DOUBLE | id::FLOAT) {
                continue;
            }
            for (name, member) in &shape.members {
                let Some(symbol) = name.strip_prefix("op ") else {
                    continue;
                };
                if fixed.iter().any(|(known, _)| *known == symbol) {
                    continue;
                }
                let variants = match member.ty(self, &shape.params).kind {
                    Kind::Intersect(variants) => variants.to_vec(),
                    kind => vec![Ty::leaf(kind, none)],
                };
                for variant in variants {
                    let Kind::Function(function) = &variant.kind else {
                        continue;
                    };
                    let receiver = (None, Ty::named(shape_id));
                    let operands = function.params.iter().map(|(_, ty)| (None, ty.clone()));
                    let ty = Ty::function(
                        Function {
                            params: [receiver].into_iter().chain(operands).collect(),
                            variadic: None,
                            result: function.result.clone(),
                        },
                        none,
                    );
                    match collected.iter_mut().find(|(known, _)| known == symbol) {
                        Some((_, types)) => {
                            if !types.contains(&ty) {
                                types.push(ty);
                            }
                        }
                        None => collected.push((Text::from(symbol.to_owned()), vec![ty])),
                    }
                }
            }
        }
        collected
            .into_iter()
            .map(|(symbol, mut variants)| match variants.len() {
                1 => (symbol, variants.swap_remove(0)),
                _ => (symbol, Ty::intersect(variants, none)),
            })
            .collect()
    }

    /// Every signature that cannot be parsed, as `shape.member: text`. A test of the function table.
    pub fn broken_signatures(&self) -> Vec<String> {
        let parses = |text: &str| {
            crate::fql::syntax::parse_type_scheme(&crate::fql::syntax::Source::new(
                "*signature*",
                text,
            ))
            .is_ok()
        };
        let mut broken = Vec::new();
        for shape in &self.shapes {
            let members = shape.members.iter().map(|(name, member)| (&**name, member));
            for (name, member) in members.chain(shape.alias.iter().map(|alias| ("alias", alias))) {
                let texts = member.texts.iter().filter(|text| !parses(text));
                broken.extend(texts.map(|text| format!("{}.{name}: {text}", shape.name)));
            }
        }
        for (name, member) in &self.globals {
            let texts = member.texts.iter().filter(|text| !parses(text));
            broken.extend(texts.map(|text| format!("{name}: {text}")));
        }
        broken
    }
}

/// The operators whose types no shape declares.
fn fixed_operators() -> Vec<(&'static str, Ty)> {
    let none = super::term::Loc::NONE;
    let binary = |operand: Ty| {
        Ty::lambda(
            vec![operand.clone(), operand.clone()],
            operand.clone(),
            none,
        )
    };
    let comparison = Ty::lambda(vec![Ty::any(), Ty::any()], Ty::named(id::BOOLEAN), none);
    let mut fixed: Vec<(&'static str, Ty)> = ["==", "!=", "<", ">", "<=", ">="]
        .map(|symbol| (symbol, comparison.clone()))
        .into();
    let operands = [id::NUMBER, id::STRING].map(|operand| binary(Ty::named(operand)));
    fixed.push(("+", Ty::intersect(operands.into(), none)));
    fixed
}

/// Whether a member's name stands for a way of using the value rather than a field.
fn is_special(name: &str) -> bool {
    matches!(name, "apply" | "[]") || name.starts_with("op ")
}

/// How names resolve in native signatures.
struct Native<'a> {
    types: &'a NativeTypes,
    params: &'a [Str],
    widen: bool,
}

impl Names for Native<'_> {
    fn shape(&self, name: &str) -> Option<ShapeId> {
        if self.params.iter().any(|param| &**param == name) {
            return None;
        }
        let shape = self.types.shape_id(name)?;
        let numeric = matches!(shape, id::INT | id::LONG | id::DOUBLE | id::FLOAT);
        Some(if self.widen && numeric {
            id::NUMBER
        } else {
            shape
        })
    }

    fn generic(&self, _name: &str) -> bool {
        true
    }
}
