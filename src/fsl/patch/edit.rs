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
    /// Applies changes within `span`, blocks within blocks at a deeper `level`.
    fn apply(
        &self,
        mut text: String,
        mut changes: Vec<Change<'_>>,
        span: Span,
        level: usize,
    ) -> String {
        changes.sort_by_key(|change| Reverse(end_of(change, span)));
        for change in changes {
            text = self.change(text, change, span, level);
        }
        text
    }

    fn change(&self, text: String, change: Change<'_>, span: Span, level: usize) -> String {
        match change {
            Change::Rename { from, to } => replaced(&text, from.span, &format_key(&to.name)),
            Change::Add(element) => self.add(&text, &element, span, level),
            Change::Remove(element) => match element.span() {
                Some(span) => replaced(&text, span, ""),
                None => text,
            },
            Change::Modify(before, after) => self.modify(&text, &before, &after, level),
            Change::Block(element, inner) => {
                self.apply(text, inner, element.span().unwrap_or(span), level + 1)
            }
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

    /// Puts a new element at the end of the block that `span` ends with; an annotation before it.
    fn add(&self, text: &str, element: &Element<'_>, span: Span, level: usize) -> String {
        let is_annotation = matches!(element, Element::Annotation(..));
        let at = match is_annotation {
            true => span.start,
            false => span.end.saturating_sub(1),
        };
        let (before, after) = around(text, Span { start: at, end: at });
        let written = match element.span() {
            Some(span) => self.written(span),
            None => "*: Any".to_string(),
        };
        let indent = match is_annotation {
            true => String::new(),
            false => "  ".repeat(level + 1),
        };
        let before = before.trim_end();
        let mut out = String::from(before);
        if !before.is_empty() {
            out.push('\n');
        }
        out.push_str(&indent);
        out.push_str(&moved(&written, &indent));
        if !begins_with_line_end(after) {
            out.push('\n');
            if !is_annotation {
                out.push_str(&"  ".repeat(level));
            }
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

/// Where a change within `span` ends.
fn end_of(change: &Change<'_>, span: Span) -> u32 {
    let of = |element: &Element<'_>| element.span().map_or(0, |span| span.end);
    match change {
        Change::Add(Element::Annotation(..)) => span.start,
        Change::Add(_) => span.end,
        Change::Rename { from, .. } => from.span.end,
        Change::Remove(element) | Change::Modify(element, _) => of(element),
        Change::Body(before, _) => before.body.span.end,
        Change::Signature(before, _) => before.signature.end,
        Change::Type(field, _) | Change::RemoveDefault(field) => field.span().end,
        Change::Block(_, inner) => inner
            .iter()
            .map(|change| end_of(change, span))
            .max()
            .unwrap_or(0),
    }
}

fn type_span(field: &FieldItem) -> Option<Span> {
    match field {
        FieldItem::Defined { ty, .. } | FieldItem::Wildcard { ty, .. } => Some(ty.span),
        FieldItem::Computed { ty, .. } => ty.as_ref().map(|ty| ty.span),
    }
}
