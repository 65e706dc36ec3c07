//! Reading log files back, over rotations: the last lines since a time, and what came after a cursor.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use model::Wall;
use serde::Serialize;

use super::Log;
use super::rotate::aged;
use crate::error::{ReadError, words};

/// Lines given at once; older ones are reached by asking for less.
pub const MAX_TAIL: usize = 10_000;
/// Longest line read: events are far shorter, since their values are cut.
const MAX_LINE: u64 = 64 * 1_024;
/// Rotated files looked for; a setting keeps at most 1,000.
const MAX_AGE: u32 = 1_000;

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When.
    pub time: Wall,
    /// `debug`, `info`, `warning` or `error`.
    pub level: String,
    /// The event's stable name.
    pub event: String,
    /// Its title and fields.
    pub text: String,
}

impl LogLine {
    /// The line as it stands in the file.
    pub fn line(&self) -> String {
        format!("{} {} {} {}", self.time, self.level, self.event, self.text)
    }

    fn parse(line: &str) -> Option<LogLine> {
        let mut words = line.splitn(4, ' ');
        let time = Wall::parse(words.next()?).ok()?;
        let (level, event) = (words.next()?.to_owned(), words.next()?.to_owned());
        Some(LogLine { time, level, event, text: words.next().unwrap_or("").to_owned() })
    }
}

/// How far a log was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    inode: u64,
    offset: u64,
}

/// Reads the logs of a folder. Its calls read files: not for threads that serve.
#[derive(Clone, Debug)]
pub struct LogReader {
    folder: PathBuf,
}

impl LogReader {
    pub(crate) fn new(folder: PathBuf) -> LogReader {
        LogReader { folder }
    }

    /// The last `limit` lines (at most [`MAX_TAIL`]) since `since`, oldest first, and where they end.
    ///
    /// # Errors
    /// A file that is there can't be read.
    pub fn tail(
        &self,
        log: Log,
        since: Option<Wall>,
        limit: usize,
    ) -> Result<(Vec<LogLine>, Cursor), ReadError> {
        let limit = limit.min(MAX_TAIL);
        let mut lines = VecDeque::new();
        let mut cursor = Cursor::default();
        for path in self.files(log) {
            let start = Cursor::default();
            cursor = read(&path, start, |line| {
                if since.is_none_or(|since| line.time >= since) {
                    lines.push_back(line);
                    if lines.len() > limit {
                        lines.pop_front();
                    }
                }
                More::Wanted
            })?
            .unwrap_or(cursor);
        }
        Ok((lines.into(), cursor))
    }

    /// The next lines after `cursor` (at most [`MAX_TAIL`]), which moves on; also over a rotation.
    ///
    /// # Errors
    /// A file that is there can't be read.
    pub fn after(&self, log: Log, cursor: &mut Cursor) -> Result<Vec<LogLine>, ReadError> {
        let files = self.files(log);
        let own = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.ino() == cursor.inode);
        let place = files.iter().position(own);
        let mut lines = Vec::new();
        for (index, path) in files.iter().enumerate().skip(place.unwrap_or(0)) {
            let start = if Some(index) == place { *cursor } else { Cursor::default() };
            let end = read(path, start, |line| {
                lines.push(line);
                if lines.len() < MAX_TAIL { More::Wanted } else { More::Enough }
            })?;
            *cursor = end.unwrap_or(*cursor);
            if lines.len() >= MAX_TAIL {
                break;
            }
        }
        Ok(lines)
    }

    /// The log's files that exist, oldest first.
    fn files(&self, log: Log) -> Vec<PathBuf> {
        let current = self.folder.join(format!("{}.log", log.name()));
        let mut files: Vec<PathBuf> =
            (1..=MAX_AGE).map(|age| aged(&current, age)).take_while(|path| path.exists()).collect();
        files.reverse();
        files.push(current);
        files
    }
}

/// Whether the reader goes on.
#[derive(PartialEq, Eq)]
enum More {
    Wanted,
    Enough,
}

/// Reads whole lines from `start` on; where they end, or nothing if the file is not there.
fn read(
    path: &Path,
    start: Cursor,
    mut take: impl FnMut(LogLine) -> More,
) -> Result<Option<Cursor>, ReadError> {
    let fault = |error: io::Error| ReadError::Log { path: path.to_owned(), why: words(&error) };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    let found = file.metadata().map_err(fault)?;
    // A file shorter than the cursor was begun anew under the same number.
    let mut offset = if start.offset <= found.len() { start.offset } else { 0 };
    file.seek(SeekFrom::Start(offset)).map_err(fault)?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(fault)? as u64;
        let whole = line.last() == Some(&b'\n');
        if length == 0 || (!whole && length < MAX_LINE) {
            return Ok(Some(Cursor { inode: found.ino(), offset }));
        }
        offset += length;
        // What is no event (a cut line after a crash) is passed over.
        let parsed = LogLine::parse(String::from_utf8_lossy(&line).trim_end());
        if parsed.is_some_and(|line| take(line) == More::Enough) {
            return Ok(Some(Cursor { inode: found.ino(), offset }));
        }
    }
}
