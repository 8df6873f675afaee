//! What is wrong with the migrations of an item, told where it stands in its file (`spec schema-fsl 5.2, 12.1`).

use crate::engine::Engine;
use crate::engine::typing::schema_env;
use crate::fql::syntax::ast::{TypeExpr, TypeKind};
use crate::fql::syntax::{Diagnostic, Hint, Location, Severity, Source, Span, Suggestion};
use crate::fql::types::{Environment, Sourced, check_value};
use crate::fsl::{CollectionItem, FieldItem, ItemContent, MigrationKind, SchemaItem};
use crate::model::schema::fault_place::{FaultHint, FaultPlace, Suggested};
use crate::model::schema::rewind::{self, About, MigrationFault, NewBackfill, PendingStep, plan};
use crate::model::schema::{Collection, Schema, TypeText, type_display};
use crate::value::PathPart;
use std::sync::Arc;

/// A collection that is new or changed.
pub(super) struct Changed<'a> {
    /// What it was, if it holds documents.
    pub live: Option<&'a Collection>,
    /// What it becomes.
    pub submitted: &'a Collection,
    /// The text of what it becomes.
    pub item: &'a SchemaItem,
    /// The same.
    pub content: &'a CollectionItem,
    /// The text of what it was.
    pub before: Option<&'a SchemaItem>,
    /// The files as they become.
    pub files: &'a [Arc<Source>],
}

impl Changed<'_> {
    /// The steps its documents have to take, or why they cannot follow. `becoming` is the schema it becomes part of.
    pub fn steps(
        &self,
        engine: &Arc<Engine>,
        becoming: &Schema,
    ) -> Result<Vec<PendingStep>, Vec<Diagnostic>> {
        let mut told: Vec<(usize, Diagnostic)> = Vec::new();
        for backfill in rewind::backfills(self.live, self.submitted) {
            let faults = self.backfill_faults(engine, becoming, &backfill);
            told.extend(faults.into_iter().map(|fault| (backfill.at, fault)));
        }
        let wrong_backfill = !told.is_empty();
        let mut last = Vec::new();
        let steps = match plan(self.live, self.submitted) {
            Ok(steps) => steps,
            Err(faults) => {
                for fault in faults {
                    let afterwards = fault.message.contains("is backfilled without");
                    let diagnostic = self.told(&fault);
                    match fault.about {
                        About::Migration(at) if !afterwards => told.push((at, diagnostic)),
                        About::Migration(_) => last.push(diagnostic),
                        // With a wrong backfill, the shapes are not compared.
                        About::Field(_) | About::Collection if wrong_backfill => {}
                        About::Field(_) | About::Collection => last.push(diagnostic),
                    }
                }
                Vec::new()
            }
        };
        // Migrations are undone last first.
        told.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut faults: Vec<Diagnostic> = told.into_iter().map(|(_, fault)| fault).collect();
        faults.append(&mut last);
        match faults.is_empty() {
            true => Ok(steps),
            false => Err(faults),
        }
    }

    /// What is wrong with the type of a backfill.
    fn backfill_faults(
        &self,
        engine: &Arc<Engine>,
        becoming: &Schema,
        backfill: &NewBackfill,
    ) -> Vec<Diagnostic> {
        let statements = self.content.migrations.iter().flat_map(|it| &it.items);
        let Some(MigrationKind::Backfill(_, value)) =
            statements.map(|it| &it.kind).nth(backfill.at)
        else {
            return Vec::new();
        };
        let ty = match &backfill.earlier {
            None => self
                .declared(&backfill.path)
                .map(|(ty, _)| (ty.clone(), self.item.source.clone())),
            Some(ty) => {
                let text = TypeText::new("*migration*", type_display::expected(ty));
                let parsed = text.type_expr().ok();
                parsed.map(|ty| ((**ty).clone(), Source::hidden("*migrations*")))
            }
        };
        let Some((tree, source)) = ty else {
            return Vec::new();
        };
        let value = Sourced {
            tree: value.clone(),
            source: self.item.source.clone(),
        };
        let native = engine.environments.native(&engine.library);
        let env = Environment::new(native, schema_env(becoming));
        check_value(&env, &value, &Sourced { tree, source })
    }

    fn told(&self, fault: &MigrationFault) -> Diagnostic {
        let nowhere = || Location::new(&Source::hidden("*migrations*"), Span::default());
        let at = self.place(&fault.at).unwrap_or_else(nowhere);
        let mut diagnostic = Diagnostic::error(fault.message.clone(), at);
        diagnostic.hints = fault.hints.iter().map(|hint| self.hint(hint)).collect();
        diagnostic
    }

    fn hint(&self, hint: &FaultHint) -> Hint {
        let (location, text) = match &hint.suggestion {
            Some(Suggested::Migrations(items)) => {
                let (location, text) = self.further_migrations(&hint.at, items);
                (Some(location), Some(text))
            }
            Some(Suggested::Text(text)) => (self.place(&hint.at), Some(text.clone())),
            None => (self.place(&hint.at), None),
        };
        Hint {
            severity: Severity::Hint,
            message: hint.message.clone(),
            location,
            suggestion: text.map(|text| Suggestion { text }),
        }
    }

    /// Where further migrations would stand, and how they would be written.
    fn further_migrations(&self, at: &FaultPlace, items: &[String]) -> (Location, String) {
        let lines = items.join("\n    ");
        if let Some(block) = &self.content.migrations {
            let end = block.span.end.saturating_sub(1);
            return (
                self.located(Span { start: end, end }),
                format!("  {lines}\n"),
            );
        }
        let at = match at {
            FaultPlace::Collection => None,
            other => self.place(other),
        };
        let end = self.item.span.end.saturating_sub(1);
        let at = at.unwrap_or_else(|| self.located(Span { start: end, end }));
        (at, format!("migrations {{\n    {lines}\n  }}\n"))
    }

    fn located(&self, span: Span) -> Location {
        self.item.at(span)
    }

    fn place(&self, at: &FaultPlace) -> Option<Location> {
        let before = |span: Span| Span {
            start: span.start,
            end: span.start,
        };
        let after = |span: Span| Span {
            start: span.end,
            end: span.end,
        };
        let entry = |at: usize| self.content.migrations.as_ref()?.items.get(at);
        let path = |at: usize, nth: usize| entry(at)?.kind.paths().get(nth).copied();
        let span = match at {
            FaultPlace::Nowhere => return None,
            FaultPlace::Collection => self.item.span,
            FaultPlace::Name(path) => self.name(path)?,
            FaultPlace::Before(place) => {
                let at = self.place(place)?;
                let span = before(at.span);
                return Some(Location { span, ..at });
            }
            FaultPlace::Type(path) => self.declared(path)?.0.span,
            FaultPlace::AfterType(path) => after(self.declared(path)?.0.span),
            FaultPlace::Wildcard => {
                let mut fields = self.content.fields.iter();
                let is_wildcard = |field: &&FieldItem| matches!(field, FieldItem::Wildcard { .. });
                fields.find(is_wildcard)?.span()
            }
            FaultPlace::AfterFields => after(self.content.fields.last()?.span()),
            FaultPlace::Entry(at) => entry(*at)?.span,
            FaultPlace::AfterEntry(at) => after(entry(*at)?.span),
            FaultPlace::Path(at, nth) => path(*at, *nth)?.span,
            FaultPlace::AfterPath(at, nth) => after(path(*at, *nth)?.span),
            FaultPlace::Step(at, nth) => *path(*at, *nth)?.part_spans.last()?,
            FaultPlace::BeforeLiveName(name) => {
                let old = self.before?;
                let ItemContent::Collection(content) = &old.content else {
                    return None;
                };
                let span = before(declared_name(content, name)?);
                let known = self.files.iter().find(|file| file.name == old.source.name);
                return Some(Location::new(known.unwrap_or(&old.source), span));
            }
        };
        Some(self.located(span))
    }

    fn name(&self, path: &[PathPart]) -> Option<Span> {
        self.declared(path).map(|(_, name)| name)
    }

    /// The type of a declared field, perhaps inside of objects, and where its name stands.
    fn declared(&self, path: &[PathPart]) -> Option<(&TypeExpr, Span)> {
        let mut names = path.iter().map(|part| match part {
            PathPart::Field(name) => Some(name),
            PathPart::Index(_) => None,
        });
        let first = names.next()??;
        let field = self.content.fields.iter().find_map(|field| match field {
            FieldItem::Defined { name, ty, .. } if name.name == *first => Some((ty, name.span)),
            FieldItem::Defined { .. } | FieldItem::Computed { .. } | FieldItem::Wildcard { .. } => {
                None
            }
        });
        let (mut ty, mut span) = field?;
        for name in names {
            let (name, TypeKind::Object { fields, .. }) = (name?, &ty.kind) else {
                return None;
            };
            let field = fields.iter().find(|field| field.name.name == *name)?;
            (ty, span) = (&field.ty, field.name.span);
        }
        Some((ty, span))
    }
}

fn declared_name(content: &CollectionItem, name: &str) -> Option<Span> {
    content.fields.iter().find_map(|field| match field {
        FieldItem::Defined { name: known, .. } if *known.name == *name => Some(known.span),
        FieldItem::Defined { .. } | FieldItem::Computed { .. } | FieldItem::Wildcard { .. } => None,
    })
}
