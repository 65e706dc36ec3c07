//! Tables for people: columns as wide as what is in them.

use std::fmt::Write;

/// Rows under headings.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Table {
        Table { rows: vec![headings.iter().map(|heading| heading.to_uppercase()).collect()] }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| visible(&cell)).to_vec());
    }

    /// The text; `nothing` if there are no rows.
    pub fn text(&self, nothing: &str) -> String {
        if self.rows.len() < 2 {
            return format!("{nothing}\n");
        }
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                // Writing to a String cannot fail.
                let _ = write!(line, "{cell:<width$}  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Text from outside (a phone's User-Agent), fit for a terminal: nothing in it moves the cursor, turns the direction of
/// writing, or hides.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Controls, and what a terminal obeys or does not show: line and paragraph separators, marks and overrides of direction,
/// characters of no width.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A value, or a dash.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round();
    let (hours, minutes, rest) = ((whole / 3_600.0).floor(), (whole % 3_600.0 / 60.0).floor(), whole % 60.0);
    if hours > 0.0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells_and_controls_are_shown_harmless() {
        let mut table = Table::new(&["line", "agent"]);
        table.row(["101-mobile".to_owned(), "x\u{1b}[2J\u{202e}".to_owned()]);
        assert_eq!(table.text("none"), "LINE        AGENT\n101-mobile  x\u{fffd}[2J\u{fffd}\n");
        assert_eq!(Table::new(&["line"]).text("no phone is registered"), "no phone is registered\n");
    }

    #[test]
    fn durations_read_as_clocks() {
        assert_eq!([duration(0.4), duration(65.0), duration(3_725.0)], ["0:00", "1:05", "1:02:05"]);
    }
}
