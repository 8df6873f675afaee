//! What makes the text of a schema unreadable although each definition is in order by itself: a role that names a
//! resource twice, a unique constraint over the fields of another one (`spec access-control 4.2`).
//!
//! Such a text is kept with a warning before it, which the places of its errors count.

use crate::fql::syntax::{Diagnostic, Location, Source, Span};
use crate::fsl::{Generated, Kind, Order, Part, generate};
use crate::model::schema::{Collection, Role, Schema};
use crate::value::{PathPart, Str};
use std::sync::Arc;

/// What stands before a text that cannot be read.
const WARNING: &str = "\
// WARNING: the following auto-generated items contain invalid FSL syntax.
// Please fix its syntax and re-submit the file. Contact support if you need
// assistance via https://support.fauna.com.


";

/// A part that repeats an earlier one.
struct Duplicate {
    message: String,
    hint: &'static str,
    again: Span,
    first: Span,
}

/// All of them, in the order of the text; empty for nearly every schema, whose text is then not made.
pub(super) fn duplicates(schema: &Schema, order: Order<'_>) -> Vec<Diagnostic> {
    let collections: Vec<&Arc<Collection>> = schema
        .collections()
        .into_iter()
        .filter(|collection| !repeated(&unique_sets(collection)).is_empty())
        .collect();
    let roles: Vec<&Arc<Role>> = schema
        .roles()
        .into_iter()
        .filter(|role| !role.is_legacy())
        .filter(|role| {
            !repeated(&privileges(role)).is_empty() || !repeated(&memberships(role)).is_empty()
        })
        .collect();
    if collections.is_empty() && roles.is_empty() {
        return Vec::new();
    }
    let text = generate(schema, order);
    let mut found = Vec::new();
    for collection in collections {
        uniques(collection, &text, &mut found);
    }
    for role in roles {
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
                if let (Some(again_at), Some(first)) = (place(part(again)), place(part(first))) {
                    found.push(Duplicate {
                        message: format!("Duplicate {what} `{}`", names[again]),
                        hint: "Originally defined here",
                        again: again_at,
                        first,
                    });
                }
            }
        }
    }
    found.sort_by_key(|duplicate| duplicate.again.start);
    let source = Source::new("main.fsl", format!("{WARNING}{}", text.text));
    let located = |span: Span| {
        let shift = WARNING.len();
        let span = Span::new(span.start as usize + shift, span.end as usize + shift);
        Location::new(&source, span)
    };
    found
        .into_iter()
        .map(|duplicate| {
            Diagnostic::error(duplicate.message, located(duplicate.again))
                .hint(duplicate.hint, located(duplicate.first))
        })
        .collect()
}

fn privileges(role: &Role) -> Vec<Str> {
    let all = role.privileges.iter();
    all.map(|privilege| privilege.resource.clone()).collect()
}

fn memberships(role: &Role) -> Vec<Str> {
    let all = role.membership.iter();
    all.map(|membership| membership.resource.clone()).collect()
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

fn uniques(collection: &Collection, text: &Generated, found: &mut Vec<Duplicate>) {
    // From the bracket before the first path to that after the last.
    let list = |nth: usize| {
        let before: usize = collection.uniques[..nth]
            .iter()
            .map(|unique| unique.terms.len())
            .sum();
        let last = before + collection.uniques[nth].terms.len().checked_sub(1)?;
        let place = |n: usize| text.place(Kind::Collection, &collection.name, Part::UniquePath(n));
        let (first, last) = (place(before)?, place(last)?);
        let open = text.text.get(..first.start as usize)?.rfind('[')?;
        let close = last.end as usize + text.text.get(last.end as usize..)?.find(']')? + 1;
        Some(Span::new(open, close))
    };
    for (again, first) in repeated(&unique_sets(collection)) {
        if let (Some(again), Some(first)) = (list(again), list(first)) {
            found.push(Duplicate {
                message: "Duplicate unique constraint.".to_string(),
                hint: "This unique constraint covers the same fields.",
                again,
                first,
            });
        }
    }
}
