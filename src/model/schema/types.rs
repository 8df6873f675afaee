//! From type expressions to [`FieldType`]s, and what is wrong with a type as that of a field (`spec schema-fsl 4.1`).
//!
//! Names of collections stay names: they are looked up when values are checked, so that a compiled type outlives
//! changes to other collections.

use super::field_type::{FieldRule, FieldType, Literal, ObjectType};
use crate::fql::syntax::ast::{TypeExpr, TypeField, TypeKind};
use crate::fql::syntax::{Source, Span};
use crate::value::Str;
use std::sync::Arc;

/// What is wrong with a type, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeFault {
    /// The message.
    pub message: String,
    /// Where.
    pub span: Span,
    /// A hint at the same place.
    pub hint: Option<String>,
}

/// A compiled type and its faults.
#[derive(Debug)]
pub struct Compiled {
    /// The type; parts that are faulty are `Any`.
    pub ty: FieldType,
    /// Unknown names and wrong parameters.
    pub faults: Vec<TypeFault>,
    /// Parts that no stored value can have.
    pub unpersistable: Vec<TypeFault>,
}

/// Compiles the type `expr`, which stands in `source`. `is_collection` tells names (and aliases) of collections.
pub fn compile(
    expr: &TypeExpr,
    source: &Arc<Source>,
    is_collection: &dyn Fn(&str) -> bool,
) -> Compiled {
    let mut compiler = Compiler {
        source,
        is_collection,
        faults: Vec::new(),
        unpersistable: Vec::new(),
        bare_docs: Vec::new(),
    };
    let ty = compiler.compile(expr);
    compiler.settle_documents(&ty);
    Compiled {
        ty,
        faults: compiler.faults,
        unpersistable: compiler.unpersistable,
    }
}

struct Compiler<'a> {
    source: &'a Arc<Source>,
    is_collection: &'a dyn Fn(&str) -> bool,
    faults: Vec<TypeFault>,
    unpersistable: Vec<TypeFault>,
    /// Document types that stand without their null type, or the other way round.
    bare_docs: Vec<TypeFault>,
}

impl Compiler<'_> {
    fn compile(&mut self, expr: &TypeExpr) -> FieldType {
        match &expr.kind {
            TypeKind::Any => FieldType::Any,
            TypeKind::Never => self.unpersistable(expr, None),
            TypeKind::Bool(b) => FieldType::Literal(Literal::Bool(*b)),
            TypeKind::Int(n) => FieldType::Literal(Literal::Int(*n)),
            TypeKind::Double(n) => FieldType::Literal(Literal::Double(*n)),
            TypeKind::String(text) => FieldType::Literal(Literal::String(text.clone())),
            TypeKind::Name(name) => self.name(expr, name, true),
            TypeKind::Cons(name, args) => self.constructor(expr, &name.name, args),
            TypeKind::Object {
                fields,
                wildcard,
                open,
            } => {
                if *open {
                    return self.unpersistable(expr, None);
                }
                let fields = fields.iter().map(|field| self.field(field)).collect();
                let wildcard = wildcard.as_ref().map(|ty| Box::new(self.compile(ty)));
                FieldType::Object(ObjectType { fields, wildcard })
            }
            TypeKind::Tuple(members) => {
                FieldType::Tuple(members.iter().map(|ty| self.compile(ty)).collect())
            }
            TypeKind::Lambda { .. } => self.unpersistable(expr, None),
            TypeKind::Union(members) => self.union(members),
            TypeKind::Intersect(members) => {
                FieldType::Intersect(members.iter().map(|ty| self.compile(ty)).collect())
            }
            TypeKind::Optional(inner) => self.union(std::slice::from_ref(&**inner)).optional(),
        }
    }

    fn field(&mut self, field: &TypeField) -> FieldRule {
        let mut rule = FieldRule::new(&field.name.name, self.compile(&field.ty));
        rule.default = field
            .default
            .as_ref()
            .map(|expr| (self.source.clone(), Arc::new((**expr).clone())));
        rule
    }

    /// A union's members may name a document type and its null type, which make a reference together.
    fn union(&mut self, members: &[TypeExpr]) -> FieldType {
        let mut out = Vec::new();
        let before = self.bare_docs.len();
        for member in members {
            match self.compile(member) {
                FieldType::Union(inner) => out.extend(inner),
                other => out.push(other),
            }
        }
        if paired(&out) {
            self.bare_docs.truncate(before);
        }
        match <[FieldType; 1]>::try_from(out) {
            Ok([only]) => only,
            Err(out) => FieldType::Union(out),
        }
    }

    fn name(&mut self, expr: &TypeExpr, name: &Str, bare: bool) -> FieldType {
        match &**name {
            "Any" => FieldType::Any,
            "Null" => FieldType::Null,
            "Boolean" => FieldType::Boolean,
            "Int" => FieldType::Int,
            "Long" => FieldType::Long,
            "Double" | "Float" => FieldType::Double,
            "Number" => FieldType::Number,
            "String" => FieldType::String,
            "Time" => FieldType::Time,
            "Date" => FieldType::Date,
            "Bytes" => FieldType::Bytes,
            text => {
                let document = |me: &Self, name: &str| {
                    (me.is_collection)(name) || ["Key", "Token", "Credential"].contains(&name)
                };
                if document(self, text) {
                    if bare {
                        let hint = format!(
                            "Use Ref<{text}> as the type of a reference to a {text} document"
                        );
                        self.bare_docs.push(self.fault_at(expr, Some(hint)));
                    }
                    return FieldType::Doc(name.clone());
                }
                if let Some(base) = text
                    .strip_prefix("Null")
                    .filter(|base| document(self, base))
                {
                    if bare {
                        self.bare_docs.push(self.fault_at(expr, None));
                    }
                    return FieldType::NullDoc(base.into());
                }
                if is_known_type(text, self.is_collection) {
                    return self.unpersistable(expr, None);
                }
                self.faults.push(TypeFault {
                    message: format!("Unknown type `{text}`"),
                    span: expr.span,
                    hint: None,
                });
                FieldType::Any
            }
        }
    }

    fn constructor(&mut self, expr: &TypeExpr, name: &str, args: &[TypeExpr]) -> FieldType {
        let arity = match name {
            "Array" | "Set" | "Ref" | "EmptyRef" | "NamedRef" | "EmptyNamedRef" | "EventSource"
            | "Stream" | "UserFunction" => 1,
            _ => {
                self.faults.push(TypeFault {
                    message: format!("Unknown type `{name}`"),
                    span: expr.span,
                    hint: None,
                });
                return FieldType::Any;
            }
        };
        let [arg] = args else {
            let message = format!(
                "Type constructor `{name}<>` accepts {arity} parameters, received {}",
                args.len()
            );
            self.faults.push(TypeFault {
                message,
                span: expr.span,
                hint: None,
            });
            return FieldType::Any;
        };
        match name {
            "Array" => self.compile(arg).array(),
            "Ref" | "EmptyRef" => {
                let target = match &arg.kind {
                    TypeKind::Name(name) => self.name(arg, name, false),
                    _ => self.compile(arg),
                };
                let FieldType::Doc(target) = target else {
                    if self.faults.is_empty() {
                        let message = "Reference type must refer to a doc type".to_string();
                        self.faults.push(TypeFault {
                            message,
                            span: arg.span,
                            hint: None,
                        });
                    }
                    return FieldType::Any;
                };
                if name == "Ref" {
                    FieldType::Union(vec![
                        FieldType::Doc(target.clone()),
                        FieldType::NullDoc(target),
                    ])
                } else {
                    self.bare_docs.push(self.fault_at(expr, None));
                    FieldType::NullDoc(target)
                }
            }
            _ => self.unpersistable(expr, None),
        }
    }

    fn unpersistable(&mut self, expr: &TypeExpr, hint: Option<String>) -> FieldType {
        let fault = self.fault_at(expr, hint);
        self.unpersistable.push(fault);
        FieldType::Any
    }

    fn fault_at(&self, expr: &TypeExpr, hint: Option<String>) -> TypeFault {
        let text = self.source.text.as_deref().unwrap_or_default();
        let text = text
            .get(expr.span.start as usize..expr.span.end as usize)
            .unwrap_or_default();
        TypeFault {
            message: format!("Type {text} is not persistable"),
            span: expr.span,
            hint,
        }
    }

    fn settle_documents(&mut self, ty: &FieldType) {
        // `Foo & NullFoo` and the like are left to the type checker.
        if !matches!(ty, FieldType::Intersect(_)) {
            self.unpersistable.append(&mut self.bare_docs);
        }
    }
}

/// Whether every document type among the members stands with its null type, and the other way round.
fn paired(members: &[FieldType]) -> bool {
    members.iter().all(|member| match member {
        FieldType::Doc(name) => members
            .iter()
            .any(|other| matches!(other, FieldType::NullDoc(null) if null == name)),
        FieldType::NullDoc(name) => members
            .iter()
            .any(|other| matches!(other, FieldType::Doc(doc) if doc == name)),
        _ => true,
    })
}

/// Types that exist but no stored value has.
fn is_known_type(name: &str, is_collection: &dyn Fn(&str) -> bool) -> bool {
    const KNOWN: [&str; 14] = [
        "UUID",
        "ID",
        "TransactionTime",
        "SetCursor",
        "Collection",
        "Function",
        "Role",
        "AccessProvider",
        "Database",
        "Query",
        "CollectionDef",
        "FunctionDef",
        "DatabaseDef",
        "Never",
    ];
    KNOWN.contains(&name)
        || super::names::is_reserved(name)
            && (name.ends_with("Collection")
                || name.ends_with("Module")
                || name.starts_with("Null"))
        || name.strip_suffix("Collection").is_some_and(is_collection)
}
