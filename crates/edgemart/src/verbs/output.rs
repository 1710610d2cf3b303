//! Data goes to stdout: a table for people, JSON or YAML for programs. Nothing else does.
//!
//! Texts of publishers pass through [`plain`] on their way to a terminal, so that no listing can move a cursor.

use std::io::{ErrorKind, Write as _};

use clap::ValueEnum;
use serde_json::Value;

use super::failure::{Exit, Failure};

/// How data is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs; the shape of the JSON API.
    Json,
    /// The same as YAML.
    Yaml,
}

/// Writes data in the format asked for; `table` is only made when it is wanted.
pub(crate) fn show(
    format: Format,
    value: &Value,
    table: impl FnOnce() -> String,
) -> Result<(), Failure> {
    match format {
        Format::Table => put(&table()),
        Format::Json => put(&format!("{value:#}\n")),
        Format::Yaml => {
            let text = serde_saphyr::to_string(value).map_err(|e| {
                Failure::new(Exit::Failure, "the answer cannot be written as YAML")
                    .why(e)
                    .fix("use -o json")
            })?;
            put(&text)
        }
    }
}

/// Writes to stdout. A reader that went away, as `head` does, has had enough: that is no failure.
pub(crate) fn put(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failure, "the answer could not be written to stdout").why(error))
        }
        _ => Ok(()),
    }
}

/// The text without what a terminal would obey; line ends and tabs stay.
pub(crate) fn plain(text: &str) -> String {
    let harmless = |c: char| c == '\n' || c == '\t' || !(c.is_control() || turns_direction(c));
    text.chars()
        .map(|c| if harmless(c) { c } else { '\u{fffd}' })
        .collect()
}

/// Characters that make a text read in another order than it is written.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Rows under headings, columns two blanks apart; the last column is never padded.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|text| (*text).to_owned()).collect()],
        }
    }

    /// Adds a row; each cell stays on its line.
    pub(crate) fn row<I: IntoIterator<Item = String>>(&mut self, cells: I) {
        let line = |cell: String| {
            plain(&cell)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        self.rows.push(cells.into_iter().map(line).collect());
    }

    pub(crate) fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (at, cell) in row.iter().enumerate() {
                let width = widths.get(at).copied().unwrap_or(0);
                line.push_str(&format!("{cell:width$}  "));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The text at a path of members; empty when there is none. Numbers and truth values are written out.
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

/// The items of an array at a path; none when there is no array.
pub(crate) fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// An array of texts, joined.
pub(crate) fn joined(value: &Value, pointer: &str, between: &str) -> String {
    let texts = items(value, pointer).iter().filter_map(Value::as_str);
    texts.collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_line_up_and_cells_stay_on_their_line() {
        let mut table = Table::new(&["MODULE", "TITLE"]);
        table.row(["a.b".into(), "Ünï\ncode".into()]);
        table.row(["contoso.sensor".into(), "\u{1b}]0;x\u{7}".into()]);
        assert_eq!(
            table.text(),
            "MODULE          TITLE\na.b             Ünï code\ncontoso.sensor  \u{fffd}]0;x\u{fffd}\n"
        );
    }

    #[test]
    fn values_are_read_by_path() {
        let value = json!({"a": {"b": "x", "n": 3, "l": ["p", "q"]}});
        assert_eq!(text(&value, "/a/b"), "x");
        assert_eq!(text(&value, "/a/n"), "3");
        assert_eq!(text(&value, "/nothing"), "");
        assert_eq!(joined(&value, "/a/l", ", "), "p, q");
    }
}
