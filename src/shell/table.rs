//! Results as tables: a set or array of documents or objects has a row for each and a column for each field; a single
//! document or object has a row for each field.

use crate::value::format::Format;
use crate::value::rendered::{Contents, Fields, Rendered};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

/// The table of a value, no wider than `width`; a value that is no table is shown as it is.
pub(super) fn draw(value: &Rendered, width: Option<u16>) -> String {
    let rows = match value {
        Rendered::Page(page) => &page.data,
        Rendered::Array(elements) => elements,
        single => return single_table(single, width),
    };
    if rows.is_empty() {
        return "(no rows)".to_string();
    }
    let mut columns: Vec<&str> = Vec::new();
    let mut plain = false;
    for row in rows {
        match fields(row) {
            Some(fields) => {
                for (name, _) in fields {
                    if !columns.contains(&&**name) {
                        columns.push(name);
                    }
                }
            }
            None => plain = true,
        }
    }
    // Elements that are no objects have a column of their own.
    if plain {
        columns.insert(0, "value");
    }
    let mut table = new_table(width);
    table.set_header(columns.iter().map(|name| Cell::new(single_line(name))));
    for row in rows {
        let cells = columns
            .iter()
            .enumerate()
            .map(|(i, column)| match fields(row) {
                Some(fields) => fields
                    .iter()
                    .find(|(name, _)| **name == **column)
                    .map_or_else(|| Cell::new(""), |(_, value)| cell(value)),
                None if i == 0 => cell(row),
                None => Cell::new(""),
            });
        table.add_row(cells.collect::<Vec<_>>());
    }
    trimmed(&table)
}

fn single_table(value: &Rendered, width: Option<u16>) -> String {
    let Some(fields) = fields(value).filter(|fields| !fields.is_empty()) else {
        return text(value);
    };
    let mut table = new_table(width);
    table.set_header(["field", "value"]);
    for (name, value) in fields {
        table.add_row([Cell::new(single_line(name)), cell(value)]);
    }
    trimmed(&table)
}

fn new_table(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED.with_rounded_corners());
    if let Some(width) = width {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    table
}

fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_string())
        .collect();
    lines.join("\n")
}

fn fields(value: &Rendered) -> Option<&Fields> {
    match value {
        Rendered::Object(fields) => Some(fields),
        Rendered::Doc(document) => match &document.contents {
            Contents::Live(fields) => Some(fields),
            Contents::Missing(_) => None,
        },
        _ => None,
    }
}

fn cell(value: &Rendered) -> Cell {
    let cell = Cell::new(text(value));
    match value {
        Rendered::Int(_) | Rendered::Long(_) | Rendered::Double(_) => {
            cell.set_alignment(CellAlignment::Right)
        }
        _ => cell,
    }
}

/// A value in a cell: strings and times bare, nested values as JSON.
fn text(value: &Rendered) -> String {
    match value {
        Rendered::String(text) => multi_line(text),
        Rendered::Doc(document) if matches!(document.contents, Contents::Missing(_)) => {
            value.to_text(Format::Decorated)
        }
        Rendered::Ref(_) | Rendered::Function(_) | Rendered::Lambda => value
            .to_text(Format::Decorated)
            .trim_matches('"')
            .to_string(),
        Rendered::Id(_)
        | Rendered::Time(_)
        | Rendered::Date(_)
        | Rendered::Bytes(_)
        | Rendered::Uuid(_)
        | Rendered::Module(_) => value.to_text(Format::Simple).trim_matches('"').to_string(),
        _ => value.to_text(Format::Simple),
    }
}

/// Text as a cell may show it: no control characters but line ends.
fn multi_line(text: &str) -> String {
    let clean = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.chars().map(clean).collect()
}

fn single_line(text: &str) -> String {
    multi_line(text).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(fields: &[(&str, Rendered)]) -> Rendered {
        Rendered::Object(
            fields
                .iter()
                .map(|(k, v)| ((*k).into(), v.clone()))
                .collect(),
        )
    }

    #[test]
    fn objects_are_rows() {
        let value = Rendered::Array(vec![
            object(&[
                ("name", Rendered::String("Ann".into())),
                ("age", Rendered::Int(7)),
            ]),
            object(&[
                ("name", Rendered::String("Bo".into())),
                ("tags", Rendered::Array(vec![])),
            ]),
        ]);
        let expected = "\
╭──────┬─────┬──────╮
│ name ┆ age ┆ tags │
╞══════╪═════╪══════╡
│ Ann  ┆   7 ┆      │
│ Bo   ┆     ┆ []   │
╰──────┴─────┴──────╯";
        assert_eq!(draw(&value, None), expected);
    }

    #[test]
    fn other_values_are_themselves() {
        assert_eq!(draw(&Rendered::Int(3), None), "3");
        assert_eq!(draw(&Rendered::Array(vec![]), None), "(no rows)");
        let mixed = Rendered::Array(vec![Rendered::Int(1), object(&[("a", Rendered::Null)])]);
        assert!(draw(&mixed, None).contains("│ value ┆ a    │"));
    }
}
