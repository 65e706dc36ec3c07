//! New extensions from a table (CSV, RFC 4180) as a spreadsheet saves it: all of its rows or none.
//!
//! Rows are read as if they stood in a file, so every rule of a file holds for them and what is wrong is told with its
//! line. What exists is not changed by a table: a column that is missing in it would else empty what was set by hand.
//! Not here: people, who are made by who may make administrators.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::draft::Mode;
use super::object::MAX_OBJECT;
use super::office::Office;
use super::plan::{self, Options, Plan, Refusal, Supply};
use super::problem::{Findings, Problem, Problems};
use super::value::{Data, Entry, Place, Table, Value};
use crate::{Entropy, Secret};

/// Columns that a table may have; `number` is needed.
pub const COLUMNS: [&str; 7] =
    ["number", "description", "username", "password", "digest", "encryption", "nat"];
/// Rows of one table; more extensions than an office has.
const MAX_ROWS: usize = 10_000;
/// What the table is called in problems.
const NAME: &str = "the table";
/// Characters behind the number in the name of a line that the table does not name: guessers try numbers first.
const NAME_LENGTH: usize = 4;
/// Before the text in files that Windows writes.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What an import would do.
#[derive(Clone, Debug)]
pub struct Import {
    /// The plan.
    pub plan: Plan,
    /// Numbers of the new extensions, in the order of the table.
    pub numbers: Vec<String>,
    /// SIP passwords that were made: number, line, password.
    pub generated: Vec<(String, String, Secret)>,
}

/// A row as it is planned.
struct Row {
    number: String,
    username: String,
    /// The password is to be made.
    unnamed: bool,
    value: Value,
}

/// What making the extensions of `table` would do. Its first line names the columns ([`COLUMNS`]) in any order, separated
/// by commas, semicolons or tabs. Each extension gets one line; its name and its password are made unless they are given.
///
/// # Errors
/// Each thing that is wrong, with the line it stands in; a number that exists already is one of them.
pub fn import(current: &Office, table: &str, supply: &mut Supply) -> Result<Import, Refusal> {
    let mut at = Findings::default();
    let rows = rows(current, table, &mut supply.entropy, &mut at);
    at.into_result(NAME, table).map_err(|why| by_column(Refusal::Problems(why)))?;
    let numbers = rows.iter().map(|row| row.number.clone()).collect();
    let lines: Vec<(String, String)> =
        rows.iter().filter(|row| row.unnamed).map(|row| (row.number.clone(), row.username.clone())).collect();
    let mut root = Table::default();
    root.push("extensions", Value::list(rows.into_iter().map(|row| row.value)));
    let root = Value::new(Data::Table(root));
    let options = Options { mode: Mode::Merge, ..Options::default() };
    let plan = plan::plan_value(current, &root, (NAME, table), &options, supply).map_err(by_column)?;
    let made = |line: &str| {
        let found = plan.effects.sip_passwords.iter().find(|(name, _)| name == line);
        found.and_then(|(_, password)| password.clone())
    };
    let generated =
        lines.into_iter().filter_map(|(number, line)| made(&line).map(|password| (number, line, password)));
    let generated = generated.collect();
    Ok(Import { plan, numbers, generated })
}

fn rows(current: &Office, table: &str, entropy: &mut Entropy, at: &mut Findings) -> Vec<Row> {
    let refused = |at: &mut Findings, what: String, cure: &str| {
        at.add(Place::default(), "", what, cure);
        Vec::new()
    };
    if table.len() > MAX_OBJECT {
        return refused(at, format!("larger than {MAX_OBJECT} bytes"), "cut it into parts");
    }
    let text = table.strip_prefix(BYTE_ORDER_MARK).unwrap_or(table);
    let skipped = table.len().saturating_sub(text.len());
    let mut reader = ReaderBuilder::new()
        .delimiter(separator(text))
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let mut columns: Option<Vec<&'static str>> = None;
    let mut found = Vec::new();
    for record in reader.records() {
        // The text is UTF-8 and rows may have any length, so that nothing is left to be wrong here.
        let Ok(record) = record else { break };
        let place = place_of(&record, table, skipped);
        let Some(columns) = &columns else {
            columns = Some(head(&record, place, at));
            if !at.is_empty() {
                return Vec::new();
            }
            continue;
        };
        // Spreadsheets save the rows below the last one as separators alone.
        if record.iter().all(str::is_empty) {
            continue;
        }
        if found.len() >= MAX_ROWS {
            return refused(at, format!("has more than {MAX_ROWS} rows"), "cut it into parts");
        }
        found.extend(row(current, columns, (&record, place), entropy, at));
    }
    if columns.is_none() || (found.is_empty() && at.is_empty()) {
        return refused(
            at,
            "has no row".to_owned(),
            "name the columns in the first line: number,description",
        );
    }
    found
}

/// The separator that stands in the first line most often.
fn separator(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

/// Where the record begins. The reader's own position is the end of the one before, empty lines between them or not.
fn place_of(record: &StringRecord, table: &str, skipped: usize) -> Place {
    let byte = record.position().and_then(|position| usize::try_from(position.byte()).ok());
    let begin = |byte: usize| {
        let from = byte.saturating_add(skipped);
        let empty = table.bytes().skip(from).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        from.saturating_add(empty)
    };
    Place(byte.map(begin))
}

/// The columns that the first line names. Where it names something else there is nothing more to say.
fn head(record: &StringRecord, place: Place, at: &mut Findings) -> Vec<&'static str> {
    let mut columns = Vec::new();
    for name in record {
        let wanted = name.to_ascii_lowercase();
        match COLUMNS.iter().find(|known| **known == wanted) {
            Some(known) if columns.contains(known) => {
                at.add(place, *known, "is named twice", "leave one of the columns out");
            }
            Some(known) => columns.push(known),
            None => {
                let what = format!("has a column {}", super::read::shown(name));
                at.add(place, "", what, format!("the first line names the columns: {}", COLUMNS.join(", ")));
            }
        }
    }
    if !columns.contains(&"number") && at.is_empty() {
        at.add(
            place,
            "number",
            "is no column of it",
            "name the columns in the first line: number,description",
        );
    }
    columns
}

fn row(
    current: &Office,
    columns: &[&'static str],
    (record, place): (&StringRecord, Place),
    entropy: &mut Entropy,
    at: &mut Findings,
) -> Option<Row> {
    if record.len() != columns.len() {
        let what = format!("has {} cells where the first line names {}", record.len(), columns.len());
        at.add(place, "", what, "put cells that hold the separator into double quotes");
        return None;
    }
    let cell = |name: &str| {
        let found = columns.iter().zip(record).find(|(column, _)| **column == name);
        found.map(|(_, text)| text).filter(|text| !text.is_empty())
    };
    let number = cell("number").unwrap_or_default();
    if current.extensions.contains_key(number) {
        let what = format!("{number} exists already");
        at.add(place, "number", what, "leave the row out; what exists is changed on its own page");
        return None;
    }
    let text = |text: &str| Value { data: Data::Text(text.to_owned()), place };
    let mut extension = vec![entry("number", place, text(number))];
    for name in ["description", "encryption"] {
        extension.extend(cell(name).map(|found| entry(name, place, text(found))));
    }
    if let Some(nat) = cell("nat") {
        match yes(nat) {
            Some(nat) => extension.push(entry("nat", place, Value { data: Data::Boolean(nat), place })),
            None => at.add(place, "nat", format!("is {}", super::read::shown(nat)), "write yes or no"),
        }
    }
    let made = || format!("{number}-{}", entropy.readable(NAME_LENGTH).to_lowercase());
    let username = cell("username").map_or_else(made, str::to_owned);
    let mut line = vec![entry("username", place, text(&username))];
    for name in ["password", "digest"] {
        line.extend(cell(name).map(|found| entry(name, place, text(found))));
    }
    let lines = Value { data: Data::List(vec![Value { data: Data::Table(Table(line)), place }]), place };
    extension.push(entry("lines", place, lines));
    Some(Row {
        number: number.to_owned(),
        username,
        unnamed: cell("password").is_none(),
        value: Value { data: Data::Table(Table(extension)), place },
    })
}

fn entry(key: &str, place: Place, value: Value) -> Entry {
    Entry { key: key.to_owned(), place, value }
}

fn yes(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// The refusal with the names of columns for keys: `extensions[3].lines[0].username` is `username`. A row has one place,
/// so that its line is all there is to say.
fn by_column(why: Refusal) -> Refusal {
    let Refusal::Problems(Problems { source_name, list, omitted }) = why else { return why };
    let column = |problem: Problem| {
        let last = problem.key.rsplit('.').next().unwrap_or_default();
        let key = COLUMNS.iter().find(|column| **column == last).copied().unwrap_or_default();
        Problem { key: key.to_owned(), column: None, ..problem }
    };
    let mut list: Vec<Problem> = list.into_iter().map(column).collect();
    // A line that was not named is called after its number: what is wrong with the number is told once.
    let numbers: Vec<Option<usize>> =
        list.iter().filter(|problem| problem.key == "number").map(|problem| problem.line).collect();
    list.retain(|problem| problem.key != "username" || !numbers.contains(&problem.line));
    Refusal::Problems(Problems { source_name, list, omitted })
}
