//! Log files `logs/NAME.log`: one event per line, time first; routed by class and level; rotated by size (SPEC R10.1).

mod read;
mod rotate;
mod sink;

pub use read::{Cursor, LogLine, LogReader, MAX_TAIL};
pub use sink::{Echo, LogSink, QUEUE};

use model::event::{Class, Kind, Level};

/// A log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Log {
    /// Attacks and refusals.
    Security,
    /// Who signed in.
    Auth,
    /// Changes of the configuration.
    Config,
    /// Things to look at.
    Warning,
    /// What failed.
    Error,
    /// Everything else: calls, connections.
    Debug,
}

/// Every log and its name.
pub(crate) const LOGS: [(Log, &str); 6] = [
    (Log::Security, "security"),
    (Log::Auth, "auth"),
    (Log::Config, "config"),
    (Log::Warning, "warning"),
    (Log::Error, "error"),
    (Log::Debug, "debug"),
];

impl Log {
    /// The log called `name`.
    pub fn parse(name: &str) -> Option<Log> {
        LOGS.iter().find(|(_, known)| *known == name).map(|(log, _)| *log)
    }

    /// Its name, as in `ringwall log NAME`.
    pub fn name(self) -> &'static str {
        LOGS.iter().find(|(log, _)| *log == self).map_or("", |(_, name)| name)
    }

    /// The logs that an event of `kind` goes to: that of its class, and that of its level. Debug events go to the
    /// debug log only, so that a scanner can't fill the security log with noise.
    pub fn of(kind: &Kind) -> impl Iterator<Item = Log> + use<> {
        let by_class = match kind.class {
            _ if kind.level == Level::Debug => None,
            Class::Security => Some(Log::Security),
            Class::Auth => Some(Log::Auth),
            Class::Config => Some(Log::Config),
            Class::Call | Class::System => None,
        };
        let by_level = match kind.level {
            Level::Warning => Some(Log::Warning),
            Level::Error => Some(Log::Error),
            Level::Debug => Some(Log::Debug),
            Level::Info if by_class.is_none() => Some(Log::Debug),
            Level::Info => None,
        };
        by_class.into_iter().chain(by_level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::event;

    #[test]
    fn every_event_has_a_log_and_a_failed_authentication_is_in_the_security_log() {
        assert!(event::REGISTRY.iter().all(|kind| Log::of(kind).count() >= 1));
        let logs: Vec<Log> = Log::of(&event::AUTHENTICATION_FAILED).collect();
        assert_eq!(logs, [Log::Security, Log::Warning]);
        assert_eq!(Log::of(&event::MALFORMED).collect::<Vec<_>>(), [Log::Debug]);
        assert_eq!(Log::of(&event::CALL_STARTED).collect::<Vec<_>>(), [Log::Debug]);
    }
}
