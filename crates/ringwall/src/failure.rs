//! How a command fails: an exit code and what stands on stderr: what, where, what to do.

/// A failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// 1 refused or failed, 2 wrong usage, 3 no server at the socket.
    pub code: u8,
    /// What, where, what to do. One line, but for a configuration in which several things are wrong: then a line for each.
    pub line: String,
    /// What the server said, whole.
    pub problem: Option<Box<api::Problem>>,
}

impl Failure {
    fn new(code: u8, line: impl ToString) -> Failure {
        Failure { code, line: line.to_string(), problem: None }
    }

    /// Refused or failed.
    pub fn failed(line: impl ToString) -> Failure {
        Failure::new(1, line)
    }

    /// Wrong usage.
    pub fn usage(line: impl ToString) -> Failure {
        Failure::new(2, line)
    }

    /// No server at the socket.
    pub fn no_server(line: impl ToString) -> Failure {
        Failure::new(3, line)
    }

    /// The server's refusal.
    pub fn refused(code: u8, problem: api::Problem) -> Failure {
        Failure { code, line: problem.detail.clone(), problem: Some(Box::new(problem)) }
    }

    /// What stands on stderr. Scripts are promised one line; people at a terminal see all that is wrong at once.
    pub fn shown(&self, reader: Reader) -> String {
        let mut lines = self.line.lines();
        match (lines.next(), lines.count(), reader) {
            (Some(first), more @ 1.., Reader::Script) => {
                format!("{first} (and {more} more; apply --json lists all)")
            }
            _ => self.line.clone(),
        }
    }
}

/// Who reads stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A person at a terminal.
    Person,
    /// A script, a log.
    Script,
}

/// The system's words without the number behind them.
pub fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads_one_line_and_a_person_all() {
        let failure = Failure::failed("a.toml:1:1: x\na.toml:2:1: y\na.toml:3:1: z");
        assert_eq!(failure.shown(Reader::Script), "a.toml:1:1: x (and 2 more; apply --json lists all)");
        assert_eq!(failure.shown(Reader::Person), failure.line);
        assert_eq!(Failure::failed("one").shown(Reader::Script), "one");
    }
}
