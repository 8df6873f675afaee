//! What makes the text of a schema unreadable although each definition is in order by itself: a role that names a
//! resource twice, a unique constraint over the fields of another one (`spec access-control 4.2`), a signature that does
//! not go with the parameters of its body, a default around defaults, a path of a migration into an array.
//!
//! Such a text is kept with a warning before it, which the places of its errors count.

use crate::fql::syntax::ast::{Lambda, TypeExpr, TypeKind};
use crate::fql::syntax::{Diagnostic, Location, Source, Span};
use crate::fsl::{Kind, Located, Order, Part, generate};
use crate::model::schema::migration_item::{self, MigrationItem};
use crate::model::schema::{Collection, Function, Role, Schema};
use crate::value::{PathPart, Str};

/// What stands before a text that cannot be read.
const WARNING: &str = "\
// WARNING: the following auto-generated items contain invalid FSL syntax.
// Please fix its syntax and re-submit the file. Contact support if you need
// assistance via https://support.fauna.com.


";

/// Something that may not stand where it stands.
struct Fault {
    message: String,
    at: Span,
    hint: Option<(&'static str, Span)>,
}

/// All of them, in the order of the text; empty for nearly every schema, whose text is then not made.
pub(super) fn unreadable(schema: &Schema, order: Order<'_>) -> Vec<Diagnostic> {
    let mut collections = schema.collections();
    collections.retain(|collection| is_unreadable(collection));
    let mut functions = schema.functions();
    functions.retain(|function| {
        function.alias.as_ref() == Some(&function.name) || typed_by_half(function).is_some()
    });
    let mut roles = schema.roles();
    roles.retain(|role| {
        let repeats =
            !repeated(&privileges(role)).is_empty() || !repeated(&memberships(role)).is_empty();
        repeats && !role.is_legacy()
    });
    if collections.is_empty() && functions.is_empty() && roles.is_empty() {
        return Vec::new();
    }
    let text = Located::new("main.fsl", generate(schema, order));
    let mut found = Vec::new();
    for collection in &collections {
        let alias = collection.alias.as_ref();
        same_alias(Kind::Collection, &collection.name, alias, &text, &mut found);
        uniques(collection, &text, &mut found);
        defaults(collection, &text, &mut found);
        migrations(collection, &text, &mut found);
    }
    for function in &functions {
        let alias = function.alias.as_ref();
        same_alias(Kind::Function, &function.name, alias, &text, &mut found);
        parameters(function, &text, &mut found);
    }
    for role in &roles {
        resources(role, &text, &mut found);
    }
    found.sort_by_key(|fault| fault.at.start);
    let source = Source::new("main.fsl", format!("{WARNING}{}", text.text()));
    let located = |span: Span| {
        let shift = WARNING.len();
        let span = Span::new(span.start as usize + shift, span.end as usize + shift);
        Location::new(&source, span)
    };
    found
        .into_iter()
        .map(|fault| {
            let diagnostic = Diagnostic::error(fault.message, located(fault.at));
            match fault.hint {
                Some((hint, at)) => diagnostic.hint(hint, located(at)),
                None => diagnostic,
            }
        })
        .collect()
}

fn is_unreadable(collection: &Collection) -> bool {
    collection.alias.as_ref() == Some(&collection.name)
        || !repeated(&unique_sets(collection)).is_empty()
        || collection.fields.iter().any(|field| {
            let ty = field.ty.type_expr();
            field.default.is_some() && ty.is_ok_and(|ty| !defaults_within(ty).is_empty())
        })
        || migration_item::items(&collection.definition)
            .iter()
            .any(|item| {
                let indexed = |path: &&Vec<PathPart>| path.iter().any(is_index);
                item.paths().iter().any(indexed) || ill_split(item).is_some()
            })
}

/// An alias that is the name.
fn same_alias(kind: Kind, name: &Str, alias: Option<&Str>, text: &Located, found: &mut Vec<Fault>) {
    let at = text.place(kind, name, Part::Alias);
    let first = text.place(kind, name, Part::Name);
    if let (true, Some(at), Some(first)) = (alias == Some(name), at, first) {
        found.push(Fault {
            message: format!("Duplicate collection or function `{name}`"),
            at,
            hint: Some(("Originally defined here", first)),
        });
    }
}

/// Resources that a role names twice.
fn resources(role: &Role, text: &Located, found: &mut Vec<Fault>) {
    let place = |part: Part| text.place(Kind::Role, &role.name, part);
    let named = [
        (
            "privileges",
            privileges(role),
            Part::Privilege as fn(usize) -> Part,
        ),
        ("membership", memberships(role), Part::Membership),
    ];
    for (what, names, part) in named {
        for (again, first) in repeated(&names) {
            if let (Some(at), Some(first)) = (place(part(again)), place(part(first))) {
                found.push(Fault {
                    message: format!("Duplicate {what} `{}`", names[again]),
                    at,
                    hint: Some(("Originally defined here", first)),
                });
            }
        }
    }
}

/// Defaults inside the type of a field that has a default itself.
fn defaults(collection: &Collection, text: &Located, found: &mut Vec<Fault>) {
    for (nth, field) in collection.fields.iter().enumerate() {
        let whole = text.place(Kind::Collection, &collection.name, Part::FieldDefault(nth));
        let ty = text.type_expr(&collection.name, Part::FieldType(nth));
        let (Some(whole), Some(ty), true) = (whole, ty, field.default.is_some()) else {
            continue;
        };
        found.extend(defaults_within(&ty).into_iter().map(|at| Fault {
            message: "Default values are not allowed here".to_string(),
            at,
            hint: Some(("Parent has a conflicting default value", whole)),
        }));
    }
}

/// Where defaults stand in a type. They can in objects only.
fn defaults_within(ty: &TypeExpr) -> Vec<Span> {
    let TypeKind::Object { fields, .. } = &ty.kind else {
        return Vec::new();
    };
    let spans = fields.iter().flat_map(|field| {
        let own = field.default.iter().map(|default| default.span);
        own.chain(defaults_within(&field.ty)).collect::<Vec<_>>()
    });
    spans.collect()
}

/// Paths into arrays, and splits into fewer than two fields.
fn migrations(collection: &Collection, text: &Located, found: &mut Vec<Fault>) {
    let place = |part: Part| text.place(Kind::Collection, &collection.name, part);
    let mut count = 0;
    let items = migration_item::items(&collection.definition);
    for (nth, item) in items.iter().enumerate() {
        let first = count;
        for path in item.paths() {
            let steps = path.iter().enumerate().filter(|(_, part)| is_index(part));
            let steps = steps.filter_map(|(step, _)| place(Part::MigrationStep(count, step)));
            found.extend(steps.map(|at| Fault {
                message: "Cannot index into an item in a migration path".to_string(),
                at,
                hint: None,
            }));
            count += 1;
        }
        let at = match ill_split(item) {
            Some(IllSplit::TooFew) => place(Part::Migration(nth)),
            Some(IllSplit::Repeated) => place(Part::MigrationPath(first + 1))
                .zip(place(Part::MigrationPath(count - 1)))
                .map(|(first, last)| Span::new(first.start as usize, last.end as usize)),
            None => None,
        };
        if let (Some(ill), Some(at)) = (ill_split(item), at) {
            found.push(Fault {
                message: ill.message().to_string(),
                at,
                hint: None,
            });
        }
    }
}

fn is_index(part: &PathPart) -> bool {
    matches!(part, PathPart::Index(_))
}

/// What is wrong with the targets of a split.
#[derive(Clone, Copy)]
enum IllSplit {
    TooFew,
    Repeated,
}

impl IllSplit {
    fn message(self) -> &'static str {
        match self {
            IllSplit::TooFew => "Expected at least two fields to split into",
            IllSplit::Repeated => "Expected list of fields with no duplicates",
        }
    }
}

fn ill_split(item: &MigrationItem) -> Option<IllSplit> {
    let MigrationItem::Split(_, targets) = item else {
        return None;
    };
    if targets.len() < 2 {
        return Some(IllSplit::TooFew);
    }
    (!repeated(targets).is_empty()).then_some(IllSplit::Repeated)
}

/// Which parameters have a type, of a function with a signature that leaves some without.
fn typed_by_half(function: &Function) -> Option<Vec<bool>> {
    let body: &Lambda = function.body.lambda().ok()?;
    let TypeKind::Lambda { params, rest, .. } =
        &function.signature.as_ref()?.type_expr().ok()?.kind
    else {
        return None;
    };
    let plain = (0..body.params.len()).map(|at| at < params.len());
    let typed: Vec<bool> = plain
        .chain(body.rest.iter().map(|_| rest.is_some()))
        .collect();
    typed.contains(&false).then_some(typed)
}

fn parameters(function: &Function, text: &Located, found: &mut Vec<Fault>) {
    let Some(typed) = typed_by_half(function) else {
        return;
    };
    let place = |part: Part| text.place(Kind::Function, &function.name, part);
    let (expected, hint, first) = match typed.first() {
        Some(true) => (
            true,
            "Expecting types due to this type annotation",
            place(Part::ParamType(0)),
        ),
        _ => (
            false,
            "Expecting no types due to this argument not having a type",
            place(Part::ParamName(0)),
        ),
    };
    let odd = (0..typed.len()).filter(|at| typed[*at] != expected);
    let odd = odd.map(|at| ("All or no arguments must have a type", Part::ParamName(at)));
    let result = "Return type is not allowed when arguments do not have a type";
    let result = (!expected).then_some((result, Part::Result));
    for (message, part) in odd.chain(result) {
        if let (Some(at), Some(first)) = (place(part), first) {
            found.push(Fault {
                message: message.to_string(),
                at,
                hint: Some((hint, first)),
            });
        }
    }
}

fn privileges(role: &Role) -> Vec<Str> {
    let all = role.privileges.iter();
    all.filter_map(|privilege| privilege.resource.name().cloned())
        .collect()
}

fn memberships(role: &Role) -> Vec<Str> {
    let all = role.membership.iter();
    all.filter_map(|membership| membership.resource.name().cloned())
        .collect()
}

/// The fields of each unique constraint, in no order.
fn unique_sets(collection: &Collection) -> Vec<Vec<(Vec<PathPart>, bool)>> {
    let sets = collection.uniques.iter().map(|unique| {
        let terms = unique.terms.iter();
        let mut terms: Vec<_> = terms.map(|term| (term.path.clone(), term.mva)).collect();
        terms.sort_by_key(|(path, mva)| (crate::model::schema::path::display(path), *mva));
        terms.dedup();
        terms
    });
    sets.collect()
}

/// Elements that were there before, each with the first of its kind.
fn repeated<T: PartialEq>(all: &[T]) -> Vec<(usize, usize)> {
    let firsts = all.iter().enumerate().filter_map(|(at, item)| {
        let first = all.iter().position(|other| other == item)?;
        (first < at).then_some((at, first))
    });
    firsts.collect()
}

fn uniques(collection: &Collection, text: &Located, found: &mut Vec<Fault>) {
    // From the bracket before the first path to that after the last.
    let list = |nth: usize| {
        let before: usize = collection.uniques[..nth]
            .iter()
            .map(|unique| unique.terms.len())
            .sum();
        let last = before + collection.uniques[nth].terms.len().checked_sub(1)?;
        let place = |n: usize| text.place(Kind::Collection, &collection.name, Part::UniquePath(n));
        let (first, last) = (place(before)?, place(last)?);
        let all = text.text();
        let open = all.get(..first.start as usize)?.rfind('[')?;
        let close = last.end as usize + all.get(last.end as usize..)?.find(']')? + 1;
        Some(Span::new(open, close))
    };
    for (again, first) in repeated(&unique_sets(collection)) {
        if let (Some(at), Some(first)) = (list(again), list(first)) {
            found.push(Fault {
                message: "Duplicate unique constraint.".to_string(),
                at,
                hint: Some(("This unique constraint covers the same fields.", first)),
            });
        }
    }
}
