//! One log file that is renamed away when it is full: `auth.log`, `auth.log.1` (newer), `auth.log.2` ...

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Text collected before it is written: a burst costs one write.
const BUFFER: usize = 64 * 1_024;
/// Text that waits while the disk refuses: some 10,000 lines of what happens meanwhile.
const HELD: usize = 2 * 1_024 * 1_024;

#[derive(Debug)]
pub(crate) struct RotatedFile {
    path: PathBuf,
    file: Option<File>,
    size: u64,
    waiting: Vec<u8>,
    waiting_lines: u64,
    is_refused: bool,
}

/// How large a file grows and how many full ones are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) size: u64,
    pub(crate) keep: u32,
}

/// The path of the file rotated away `age` times; 0 is the current one.
pub(crate) fn aged(path: &Path, age: u32) -> PathBuf {
    if age == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{age}"));
    PathBuf::from(name)
}

impl RotatedFile {
    pub(crate) fn new(path: PathBuf) -> RotatedFile {
        RotatedFile { path, file: None, size: 0, waiting: Vec::new(), waiting_lines: 0, is_refused: false }
    }

    /// Whether the disk refused what was written last; that waits.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused && !self.waiting.is_empty()
    }

    /// Adds a line; lines that the disk refused are counted in the result.
    pub(crate) fn add(&mut self, line: &str, limits: Limits) -> u64 {
        self.waiting.extend_from_slice(line.as_bytes());
        self.waiting.push(b'\n');
        self.waiting_lines += 1;
        let full = self.size + self.waiting.len() as u64 >= limits.size;
        if full || self.waiting.len() >= BUFFER { self.flush(limits) } else { 0 }
    }

    /// Writes what waits. The disk may refuse: then lines wait up to [`HELD`], beyond it they are lost and counted; the next
    /// try opens anew.
    pub(crate) fn flush(&mut self, limits: Limits) -> u64 {
        if self.waiting.is_empty() {
            return 0;
        }
        let lost = match self.write(limits) {
            Ok(()) => 0,
            Err(_) => {
                self.file = None;
                self.is_refused = true;
                if self.waiting.len() <= HELD {
                    return 0;
                }
                self.waiting_lines
            }
        };
        self.waiting.clear();
        self.waiting_lines = 0;
        lost
    }

    fn write(&mut self, limits: Limits) -> io::Result<()> {
        if self.file.is_none() {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
            // One that a backup brought back may have been opened to all.
            file.set_permissions(Permissions::from_mode(0o600))?;
            self.size = file.metadata()?.len();
            self.file = Some(file);
        }
        if let Some(file) = &mut self.file {
            if let Err(refused) = file.write_all(&self.waiting) {
                // Half a line would be taken for one.
                let _ = file.set_len(self.size);
                return Err(refused);
            }
            self.is_refused = false;
            self.size += self.waiting.len() as u64;
        }
        if self.size >= limits.size {
            self.rotate(limits)?;
        }
        Ok(())
    }

    fn rotate(&mut self, limits: Limits) -> io::Result<()> {
        self.file = None;
        self.size = 0;
        if limits.keep == 0 {
            return fs::remove_file(&self.path);
        }
        // Beyond what is kept now, more may lie there from a time when more was kept.
        let mut oldest = limits.keep;
        while aged(&self.path, oldest).exists() {
            fs::remove_file(aged(&self.path, oldest))?;
            oldest += 1;
        }
        for age in (0..limits.keep).rev() {
            let from = aged(&self.path, age);
            if from.exists() {
                fs::rename(from, aged(&self.path, age + 1))?;
            }
        }
        Ok(())
    }
}
