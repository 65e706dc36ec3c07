//! What is wrong with a configuration: where, which key, what, and what to do. All of it at once, up to a limit.

use std::fmt;

use serde::Serialize;

use super::value::Place;

/// Problems shown of one file; more is noise, since one mistake often causes many.
pub const MAX_PROBLEMS: usize = 20;
/// Problems remembered before the rest is only counted, so that a hostile file can't fill the memory.
const MAX_FOUND: usize = 1_000;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Line in the source, from 1; `None` where the source has no lines (JSON, objects that exist already).
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// The key, as a path: `extensions[3].lines[0].username`.
    pub key: String,
    /// What is wrong. Never holds a secret.
    pub what: String,
    /// What to do.
    pub cure: String,
}

/// Why a configuration was refused whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Problems {
    /// The file's name as given.
    pub source_name: String,
    /// The first [`MAX_PROBLEMS`], in the order of the source.
    pub list: Vec<Problem>,
    /// How many more there are.
    pub omitted: usize,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.source_name)?;
            for part in [problem.line, problem.column].into_iter().map_while(|part| part) {
                write!(f, ":{part}")?;
            }
            write!(f, ": ")?;
            if !problem.key.is_empty() {
                write!(f, "{}: ", problem.key)?;
            }
            write!(f, "{}; {}", problem.what, problem.cure)?;
        }
        if self.omitted > 0 {
            write!(f, "\n{}: and {} more", self.source_name, self.omitted)?;
        }
        Ok(())
    }
}

/// A problem before its place became line and column.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) key: String,
    pub(crate) what: String,
    pub(crate) cure: String,
}

/// Collects problems.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    found: Vec<Found>,
    surplus: usize,
}

impl Findings {
    pub(crate) fn add(
        &mut self,
        place: Place,
        key: impl Into<String>,
        what: impl Into<String>,
        cure: impl Into<String>,
    ) {
        if self.found.len() >= MAX_FOUND {
            self.surplus = self.surplus.saturating_add(1);
            return;
        }
        self.found.push(Found { place, key: key.into(), what: what.into(), cure: cure.into() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The problems in the order of `text`, or nothing if there are none.
    pub(crate) fn into_result(self, source_name: &str, text: &str) -> Result<(), Problems> {
        if self.found.is_empty() { Ok(()) } else { Err(self.into_problems(source_name, text)) }
    }

    /// The problems in the order of `text`.
    pub(crate) fn into_problems(mut self, source_name: &str, text: &str) -> Problems {
        self.found.sort_by_key(|found| (found.place.0.is_none(), found.place));
        let total = self.found.len().saturating_add(self.surplus);
        let list: Vec<Problem> =
            self.found.into_iter().take(MAX_PROBLEMS).map(|found| located(found, text)).collect();
        let omitted = total.saturating_sub(list.len());
        Problems { source_name: source_name.to_owned(), list, omitted }
    }
}

fn located(found: Found, text: &str) -> Problem {
    let position = found.place.0.and_then(|offset| line_and_column(text, offset));
    Problem {
        line: position.map(|(line, _)| line),
        column: position.map(|(_, column)| column),
        key: found.key,
        what: found.what,
        cure: found.cure,
    }
}

fn line_and_column(text: &str, offset: usize) -> Option<(usize, usize)> {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset = offset.saturating_sub(1);
    }
    let before = text.get(..offset)?;
    let line = before.bytes().filter(|&byte| byte == b'\n').count().saturating_add(1);
    let tail = before.rsplit('\n').next().unwrap_or("");
    Some((line, tail.chars().count().saturating_add(1)))
}

/// The name nearest to `written`, if one is near enough to have been meant.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_ascii_lowercase();
    let close = known.into_iter().map(|name| (distance(&written, name), name)).min()?;
    let allowed = (written.len().saturating_add(2) / 3).clamp(1, 3);
    (close.0 <= allowed).then_some(close.1)
}

/// Levenshtein's distance, on the first 64 bytes: no key of ours is longer.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<u8> = left.bytes().take(64).collect();
    let right: Vec<u8> = right.bytes().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.iter().enumerate() {
        let mut diagonal = index;
        let mut previous = index.saturating_add(1);
        let mut next = vec![previous];
        for (b, &above) in right.iter().zip(row.iter().skip(1)) {
            let changed = if a == b { diagonal } else { diagonal.saturating_add(1) };
            previous = changed.min(above.saturating_add(1)).min(previous.saturating_add(1));
            next.push(previous);
            diagonal = above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_proposed_only_if_it_is_near() {
        let known = ["number", "description", "do_not_disturb"];
        assert_eq!(nearest("numbr", known), Some("number"));
        assert_eq!(nearest("Do_not_distrub", known), Some("do_not_disturb"));
        assert_eq!(nearest("colour", known), None);
    }

    #[test]
    fn columns_count_characters_and_lines_start_at_one() {
        assert_eq!(line_and_column("a\nžluť = 1", 9), Some((2, 6)));
        assert_eq!(line_and_column("", 5), Some((1, 1)));
    }
}
