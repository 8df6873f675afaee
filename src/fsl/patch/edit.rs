//! What is done to the text of an item that changed: its changes, from the last to the first.

use super::text::{around, begins_with_line_end, moved, outdented, replaced};
use crate::fql::syntax::{Source, Span, format_key};
use crate::fsl::diff::{Change, Element, changes};
use crate::fsl::item::{FieldItem, SchemaItem};
use std::cmp::Reverse;

/// The text of a file with an item changed to what `new` says, or cut.
pub(super) fn edited(text: String, old: &SchemaItem, new: Option<&SchemaItem>) -> String {
    let Some(new) = new else {
        return replaced(&text, old.span, "");
    };
    let span = match old.doc {
        Some(doc) => Span {
            start: doc.end,
            end: old.span.end,
        },
        None => old.span,
    };
    let editor = Editor {
        canonical: new.source.as_ref(),
    };
    editor.apply(text, changes(old, new), span, 0)
}

struct Editor<'a> {
    /// The text that says how things are written.
    canonical: &'a Source,
}

impl Editor<'_> {
    /// Applies changes within `span`, blocks within blocks at a deeper `level`: from the end to the start, so that the places
    /// of those to come stay right.
    fn apply(&self, text: String, changes: Vec<Change<'_>>, span: Span, level: usize) -> String {
        let mut members = Vec::new();
        let mut annotations = Vec::new();
        let mut others = Vec::new();
        for change in changes {
            match change {
                Change::Add(element @ Element::Annotation(..)) => annotations.push(element),
                Change::Add(element) => members.push(element),
                other => others.push(other),
            }
        }
        others.sort_by_key(|change| Reverse(end_of(change)));
        let brace = closing_brace(&text, span);
        let mut text = self.add(text, &members, brace, level + 1);
        for change in others {
            text = self.change(text, change, level);
        }
        self.add(text, &annotations, span.start, 0)
    }

    fn change(&self, text: String, change: Change<'_>, level: usize) -> String {
        match change {
            Change::Rename { from, to } => replaced(&text, from.span, &format_key(&to.name)),
            // Put in by `apply`.
            Change::Add(_) => text,
            Change::Remove(element) => match element.span() {
                Some(span) => replaced(&text, span, ""),
                None => text,
            },
            Change::Modify(before, after) => self.modify(&text, &before, &after, level),
            Change::Block(element, inner) => match element.span() {
                Some(span) => self.apply(text, inner, span, level + 1),
                None => text,
            },
            Change::Signature(before, after) => {
                replaced(&text, before.signature, &self.written(after.signature))
            }
            Change::Body(before, after) => {
                replaced(&text, before.body.span, &self.written(after.body.span))
            }
            Change::Type(before, after) => match (type_span(before), type_span(after)) {
                (Some(before), Some(after)) => replaced(&text, before, &self.written(after)),
                (_, Some(_)) | (_, None) => text,
            },
            Change::RemoveDefault(field) => match field {
                FieldItem::Defined {
                    ty,
                    default: Some(default),
                    ..
                } => {
                    let from_type = Span {
                        start: ty.span.end,
                        end: default.span.end,
                    };
                    replaced(&text, from_type, "")
                }
                FieldItem::Defined { default: None, .. }
                | FieldItem::Computed { .. }
                | FieldItem::Wildcard { .. } => text,
            },
        }
    }

    /// Puts new elements in at a place, the first one last, each on lines of its own.
    fn add(&self, text: String, elements: &[Element<'_>], at: u32, depth: usize) -> String {
        if elements.is_empty() {
            return text;
        }
        let (before, after) = around(&text, Span { start: at, end: at });
        let indent = "  ".repeat(depth);
        let mut out = String::from(before.trim_end());
        for element in elements.iter().rev() {
            let written = match element.span() {
                Some(span) => self.written(span),
                None => "*: Any".to_string(),
            };
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&indent);
            out.push_str(&moved(&written, &indent));
        }
        if !begins_with_line_end(after) {
            out.push('\n');
            out.push_str(&"  ".repeat(depth.saturating_sub(1)));
        }
        out.push_str(after);
        out
    }

    fn modify(
        &self,
        text: &str,
        before: &Element<'_>,
        after: &Element<'_>,
        level: usize,
    ) -> String {
        let indent = match before {
            Element::Annotation(..) => String::new(),
            _ => "  ".repeat(level + 1),
        };
        let new = match after.value_span() {
            Some(span) => self.written(span),
            None => String::new(),
        };
        let new = moved(&new, &indent);
        match (before.value_span(), before.span()) {
            (Some(span), _) => replaced(text, span, &new),
            // It said nothing so far.
            (None, Some(whole)) => {
                let lead = match before {
                    Element::Field(_) => " = ",
                    _ => " ",
                };
                let end = Span {
                    start: whole.end,
                    end: whole.end,
                };
                replaced(text, end, &format!("{lead}{new}"))
            }
            (None, None) => text.to_string(),
        }
    }

    /// A part of the canonical text, as it would be at the start of a line.
    fn written(&self, span: Span) -> String {
        outdented(self.canonical.text.as_deref().unwrap_or(""), span)
    }
}

/// Where the brace stands that ends a block: semicolons after it belong to its item.
fn closing_brace(text: &str, span: Span) -> u32 {
    let block = text
        .get(span.start as usize..span.end as usize)
        .unwrap_or("");
    let block = block.trim_end_matches([';', ' ', '\t']);
    span.start + (block.len() as u32).saturating_sub(1)
}

/// Where a change ends.
fn end_of(change: &Change<'_>) -> u32 {
    let of = |element: &Element<'_>| element.span().map_or(0, |span| span.end);
    match change {
        Change::Rename { from, .. } => from.span.end,
        Change::Add(element)
        | Change::Remove(element)
        | Change::Modify(element, _)
        | Change::Block(element, _) => of(element),
        Change::Body(before, _) => before.body.span.end,
        Change::Signature(before, _) => before.signature.end,
        Change::Type(field, _) | Change::RemoveDefault(field) => field.span().end,
    }
}

fn type_span(field: &FieldItem) -> Option<Span> {
    match field {
        FieldItem::Defined { ty, .. } | FieldItem::Wildcard { ty, .. } => Some(ty.span),
        FieldItem::Computed { ty, .. } => ty.as_ref().map(|ty| ty.span),
    }
}
