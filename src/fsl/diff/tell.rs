//! Differences as text, word for word as the original tells them (`spec schema-fsl 12.3`).

use super::ItemDiff;
use super::change::{Category, Change, Element, changes, contents};
use super::paint::{Color, Colors, Painter};
use crate::fql::syntax::{Source, format_expr, parse_expr, place};
use crate::fsl::item::{FieldItem, SchemaItem};
use crate::model::schema::field_type::FieldType;
use crate::model::schema::path;
use crate::model::schema::rewind::PendingStep;
use crate::model::schema::shape::Filling;
use crate::model::schema::type_display::expected;
use crate::value::PathPart;

/// What changed, item by item, with what it means.
pub fn semantic(diffs: &[ItemDiff], colors: Colors) -> String {
    let mut teller = Teller::new(colors);
    for diff in sorted(diffs) {
        teller.item(diff);
    }
    teller.painter.finish()
}

/// One line an item.
pub fn summary(diffs: &[ItemDiff], colors: Colors) -> String {
    let mut teller = Teller::new(colors);
    for diff in sorted(diffs) {
        teller.title(diff, false);
    }
    teller.painter.finish()
}

/// Additions, removals, changes; within these by kind, then name.
fn sorted(diffs: &[ItemDiff]) -> Vec<&ItemDiff> {
    let mut sorted: Vec<&ItemDiff> = diffs.iter().collect();
    sorted.sort_by_cached_key(|diff| {
        let item = diff.before().or(diff.after());
        let sort = match (diff.before(), diff.after()) {
            (None, _) => 0,
            (Some(_), None) => 1,
            (Some(_), Some(_)) => 2,
        };
        let name = item.map(|item| item.name.name.encode_utf16().collect::<Vec<u16>>());
        (sort, item.map(SchemaItem::kind), name)
    });
    sorted
}

struct Teller {
    painter: Painter,
}

impl Teller {
    fn new(colors: Colors) -> Teller {
        Teller {
            painter: Painter::new(colors),
        }
    }

    /// A line in a colour.
    fn told(&mut self, color: Color, text: &str) {
        self.painter.select(color);
        self.painter.write(text);
        self.painter.reset();
        self.painter.line("");
    }

    fn item(&mut self, diff: &ItemDiff) {
        let found = match (diff.before(), diff.after()) {
            (Some(before), Some(after)) => changes(before, after),
            (None, Some(item)) => contents(item, true),
            (Some(item), None) => contents(item, false),
            (None, None) => return,
        };
        let is_change = diff.before().is_some() && diff.after().is_some();
        if !is_change && found.is_empty() {
            self.title(diff, false);
            self.painter.line("");
            return;
        }
        self.title(diff, true);
        self.painter.indent += 2;
        self.changes(diff, &found);
        self.painter.indent -= 2;
    }

    fn title(&mut self, diff: &ItemDiff, colon: bool) {
        let (word, item, preposition, at) = match (diff.before(), diff.after()) {
            (None, Some(item)) => ("Adding", item, "to", item),
            (Some(item), None) => ("Removing", item, "from", item),
            (Some(item), Some(after)) => ("Modifying", item, "at", after),
            (None, None) => return,
        };
        self.painter.bold();
        self.painter.select(Color::Blue);
        let kind = item.kind().keyword();
        self.painter
            .write(&format!("* {word} {kind} `{}`", item.name.name));
        self.painter.reset();
        self.painter
            .write(&format!(" {preposition} {}", stands(at)));
        if let (Some(before), Some(after)) = (diff.before(), diff.after())
            && before.source.name != after.source.name
        {
            let before = stands(before);
            self.painter
                .write(&format!(" (previously defined at {before})"));
        }
        self.painter.line(if colon { ":" } else { "" });
    }

    fn changes(&mut self, diff: &ItemDiff, found: &[Change<'_>]) {
        let mut told = false;
        if !diff.pending.is_empty() {
            told = true;
            self.painter.line("* Defined fields:");
            for step in &diff.pending {
                self.step(step);
            }
            self.painter.line("");
        }
        let is_collection = diff
            .before()
            .or(diff.after())
            .is_some_and(|item| item.kind() == crate::fsl::Kind::Collection);
        if is_collection {
            for category in Category::ALL {
                let of_category = |change: &&Change<'_>| change.category() == Some(category);
                let of_category: Vec<_> = found.iter().filter(of_category).collect();
                if of_category.is_empty() {
                    continue;
                }
                told = true;
                self.painter.line(&format!("* {}:", category.heading()));
                for change in of_category {
                    self.change(change);
                }
                self.painter.line("");
            }
        } else if !found.is_empty() {
            told = true;
            for change in found {
                self.change(change);
            }
            self.painter.line("");
        }
        if !told {
            self.painter.line("No semantic changes.");
            self.painter.line("");
        }
    }

    fn change(&mut self, change: &Change<'_>) {
        match change {
            Change::Rename { to, .. } => {
                self.told(Color::Yellow, &format!("~ rename to `{}`", to.name));
            }
            Change::Add(element) => {
                self.told(Color::Green, &format!("+ add {}", described(element)));
            }
            Change::Remove(element) => {
                self.told(Color::Red, &format!("- remove {}", described(element)));
            }
            Change::Modify(before, after) => {
                self.told(
                    Color::Yellow,
                    &format!("~ change {}", compared(before, after)),
                );
            }
            Change::Block(element, inner) => {
                self.told(Color::Yellow, &format!("~ change {}", described(element)));
                self.painter.indent += 2;
                for change in inner {
                    self.change(change);
                }
                self.painter.indent -= 2;
            }
            Change::Body(..) => self.told(Color::Yellow, "~ change body"),
            Change::Signature(..) => self.told(Color::Yellow, "~ change signature"),
            Change::RemoveDefault(field) => {
                let text = format!("- remove default value from field `.{}`", field.name());
                self.told(Color::Red, &text);
            }
            // Migrations tell of types.
            Change::Type(..) => {}
        }
    }

    fn step(&mut self, step: &PendingStep) {
        match step {
            // Nothing is done to documents.
            PendingStep::Add { value: None, .. } => {}
            PendingStep::Add {
                path,
                value: Some(value),
                ..
            } => {
                let (path, value) = (path::display(path), filling(value));
                let text = format!("+ add field `{path}` with backfill `{value}`");
                self.told(Color::Green, &text);
            }
            PendingStep::Drop(path) => {
                self.told(
                    Color::Red,
                    &format!("- drop field `{}`", path::display(path)),
                );
            }
            PendingStep::Move(from, to) => {
                let (from, to) = (path::display(from), path::display(to));
                self.told(
                    Color::Yellow,
                    &format!("~ move field `{from}` to field `{to}`"),
                );
            }
            PendingStep::Split(from, targets) => self.split(from, targets),
            PendingStep::MoveConflicts(into) => {
                let into = path::display(into);
                let text = format!("~ move values with type conflicts into `{into}`");
                self.told(Color::Yellow, &text);
            }
            PendingStep::MoveWildcard(into, declared) => {
                let into = path::display(into);
                let declared: Vec<String> = declared
                    .iter()
                    .map(|name| path::display(&[PathPart::Field(name.clone())]))
                    .collect();
                let declared = declared.join(", ");
                let text = format!(
                    "~ move all fields into the field `{into}` except fields in the list `[{declared}]`"
                );
                self.told(Color::Yellow, &text);
            }
            PendingStep::AddWildcard => self.told(Color::Green, "+ add a top-level wildcard"),
        }
    }

    fn split(
        &mut self,
        from: &[PathPart],
        targets: &[(Vec<PathPart>, FieldType, Option<Filling>)],
    ) {
        let names = targets
            .iter()
            .map(|(path, ..)| format!("`{}`", path::display(path)));
        let names: Vec<String> = names.collect();
        let source = path::display(from);
        let text = format!("~ split field `{source}` into fields {}", names.join(","));
        self.told(Color::Yellow, &text);
        self.painter.indent += 2;
        for (at, (path, ty, _)) in targets.iter().enumerate() {
            let otherwise = if at == 0 { "" } else { "else " };
            let stays = if path == from {
                "the value stays in field"
            } else {
                "the value moves to field"
            };
            let (ty, path) = (expected(ty), path::display(path));
            self.painter.line(&format!(
                "- {otherwise}if the value matches type `{ty}`, {stays} `{path}`"
            ));
        }
        self.painter.indent -= 2;
        for (path, _, backfill) in targets {
            if let Some(backfill) = backfill {
                let (path, value) = (path::display(path), filling(backfill));
                let text = format!("+ backfill field `{path}` with value `{value}`");
                self.told(Color::Yellow, &text);
            }
        }
    }
}

/// `main.fsl:1:1`
fn stands(item: &SchemaItem) -> String {
    place(&item.at(item.span))
}

/// The text of a value that existing documents get.
fn filling(filling: &Filling) -> String {
    match filling {
        Filling::Default(text) | Filling::Backfill(text) => {
            let parsed = parse_expr(&Source::new("", &**text));
            parsed.map_or_else(|_| text.to_string(), |expr| format_expr(&expr))
        }
        Filling::Expr(_, expr) => format_expr(expr),
    }
}

/// An element that came or went.
fn described(element: &Element<'_>) -> String {
    let named = named(element);
    match element {
        Element::Annotation(..)
        | Element::Terms(_)
        | Element::Values(_)
        | Element::HistoryDays(_)
        | Element::TtlDays(_)
        | Element::DocumentTtls(_)
        | Element::Issuer(_)
        | Element::JwksUri(_) => {
            format!("{named} set to {}", element.says().unwrap_or_default())
        }
        Element::Unique(_) => format!("{named}{}", element.says().unwrap_or_default()),
        Element::Field(_)
        | Element::ImplicitWildcard
        | Element::Index(_)
        | Element::Check(_)
        | Element::Migrations(_)
        | Element::Privilege(_)
        | Element::Action(_)
        | Element::Membership(_)
        | Element::Role(_) => named,
    }
}

/// An element's kind and name.
fn named(element: &Element<'_>) -> String {
    let keyword = element.keyword();
    match element {
        Element::Field(FieldItem::Defined { name, .. } | FieldItem::Computed { name, .. }) => {
            format!("{keyword} `{}`", name.name)
        }
        Element::Unique(_) => format!("{keyword} constraint on "),
        Element::Check(check) => format!("{keyword} constraint `{}`", check.name.name),
        Element::Index(index) => format!("{keyword} `{}`", index.name.name),
        Element::Privilege(privilege) => format!("{keyword} on `{}`", privilege.resource.name),
        Element::Membership(grant) => format!("{keyword} on `{}`", grant.name.name),
        Element::Role(grant) => format!("{keyword} `{}`", grant.name.name),
        Element::Annotation(..)
        | Element::Field(FieldItem::Wildcard { .. })
        | Element::ImplicitWildcard
        | Element::Terms(_)
        | Element::Values(_)
        | Element::HistoryDays(_)
        | Element::TtlDays(_)
        | Element::DocumentTtls(_)
        | Element::Migrations(_)
        | Element::Action(_)
        | Element::Issuer(_)
        | Element::JwksUri(_) => keyword.to_string(),
    }
}

/// An element that says something else now.
fn compared(before: &Element<'_>, after: &Element<'_>) -> String {
    let named = named(before);
    match before {
        // What it says now is not told, but what it said.
        Element::Annotation(..) => described(before),
        Element::Field(_)
        | Element::ImplicitWildcard
        | Element::Migrations(_)
        | Element::Index(_)
        | Element::Privilege(_) => named,
        Element::Check(_) => format!("{named} body"),
        Element::Action(_) | Element::Membership(_) | Element::Role(_) => {
            match (before.says(), after.says()) {
                (None, Some(_)) => format!("{named} by adding a predicate"),
                (Some(_), None) => format!("{named} by removing a predicate"),
                (Some(_), Some(_)) | (None, None) => format!("{named} by modifying its predicate"),
            }
        }
        Element::Terms(_)
        | Element::Values(_)
        | Element::Unique(_)
        | Element::HistoryDays(_)
        | Element::TtlDays(_)
        | Element::DocumentTtls(_)
        | Element::Issuer(_)
        | Element::JwksUri(_) => {
            let old = before.says().unwrap_or_default();
            let new = after.says().unwrap_or_default();
            format!("{named} from {old} to {new}")
        }
    }
}
