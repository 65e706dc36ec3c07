//! How a command fails: an exit code and what stands on stderr: what, where, what to do.

/// A failure. One line, but for a configuration in which several things are wrong: then a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// 1 refused or failed, 2 wrong usage, 3 no server at the socket.
    pub code: u8,
    /// What, where, what to do.
    pub line: String,
}

impl Failure {
    /// Refused or failed.
    pub fn failed(line: impl ToString) -> Failure {
        Failure { code: 1, line: line.to_string() }
    }

    /// Wrong usage.
    pub fn usage(line: impl ToString) -> Failure {
        Failure { code: 2, line: line.to_string() }
    }

    /// No server at the socket.
    pub fn no_server(line: impl ToString) -> Failure {
        Failure { code: 3, line: line.to_string() }
    }
}

/// The system's words without the number behind them.
pub fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
