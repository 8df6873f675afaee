//! The block of migrations.

use super::Converter;
use super::index::path_item;
use super::literal::told_span;
use crate::fql::syntax::ast::Expr;
use crate::fql::syntax::node::{MigrationNode, MigrationNodeKind, NodeValue};
use crate::fql::syntax::{Span, path_of};
use crate::fsl::item::{MigrationKind, MigrationStatement, MigrationsItem, PathItem};
use crate::value::PathPart;

impl Converter<'_> {
    pub(super) fn migrations(&mut self, value: &NodeValue, span: Span) -> Option<MigrationsItem> {
        let NodeValue::Block { nodes, .. } = value else {
            self.error("Expected a migration block", told_span(value));
            return None;
        };
        let mut items = Vec::new();
        for node in nodes {
            match &node.value {
                Some(NodeValue::Migration(migration)) => {
                    self.no_annotations(&node.annotations);
                    items.push(self.migration(migration));
                }
                Some(other) => {
                    let message = "Only migrations are allowed in migration blocks";
                    self.error(message, told_span(other));
                }
                None => self.error("Expected a migration", node.span),
            }
        }
        if nodes.is_empty() {
            self.error("Empty migration blocks are not allowed", span);
            return None;
        }
        Some(MigrationsItem { items, span })
    }

    fn migration(&mut self, node: &MigrationNode) -> MigrationStatement {
        let kind = match &node.kind {
            MigrationNodeKind::Add(path) => MigrationKind::Add(self.field_path(path)),
            MigrationNodeKind::Backfill(path, value) => {
                MigrationKind::Backfill(self.field_path(path), value.clone())
            }
            MigrationNodeKind::Drop(path) => MigrationKind::Drop(self.field_path(path)),
            MigrationNodeKind::Move(from, to) => {
                MigrationKind::Move(self.field_path(from), self.field_path(to))
            }
            MigrationNodeKind::Split(from, targets) => self.split(node.span, from, targets),
            MigrationNodeKind::MoveConflicts(path) => {
                MigrationKind::MoveConflicts(self.field_path(path))
            }
            MigrationNodeKind::MoveWildcard(path) => {
                MigrationKind::MoveWildcard(self.field_path(path))
            }
            MigrationNodeKind::AddWildcard => MigrationKind::AddWildcard,
        };
        MigrationStatement {
            kind,
            span: node.span,
        }
    }

    fn split(&mut self, span: Span, from: &Expr, targets: &[Expr]) -> MigrationKind {
        let from = self.field_path(from);
        let targets: Vec<PathItem> = targets
            .iter()
            .map(|target| self.field_path(target))
            .collect();
        let is_repeated = |(at, target): (usize, &PathItem)| {
            let before = targets.get(..at).unwrap_or_default();
            before.iter().any(|other| other.parts == target.parts)
        };
        match (targets.first(), targets.last()) {
            (Some(first), Some(last)) if targets.len() > 1 => {
                if targets.iter().enumerate().any(is_repeated) {
                    let list = first.span.to(last.span);
                    self.error("Expected list of fields with no duplicates", list);
                }
            }
            _ => self.error("Expected at least two fields to split into", span),
        }
        MigrationKind::Split(from, targets)
    }

    /// A path of field names only.
    fn field_path(&mut self, expr: &Expr) -> PathItem {
        let path = path_item(path_of(expr).unwrap_or_default(), expr.span);
        for (part, span) in path.parts.iter().zip(&path.part_spans) {
            if matches!(part, PathPart::Index(_)) {
                self.error("Cannot index into an item in a migration path", *span);
            }
        }
        path
    }
}
