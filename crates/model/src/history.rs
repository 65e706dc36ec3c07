//! Which of the past calls are wanted: the question of the API to the store.

use crate::record::{CallResult, Direction};
use crate::{CallId, Wall};

/// Which call records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Started then or later.
    pub since: Option<Wall>,
    /// Started before.
    pub until: Option<Wall>,
    /// From or to exactly this number.
    pub number: Option<String>,
    /// How it ended.
    pub result: Option<CallResult>,
    /// Between whom.
    pub direction: Option<Direction>,
    /// Text in a number, the reason or the route, whatever its case. Each record of the period is looked at.
    pub search: Option<String>,
    /// Which come first, and which are kept by the limit.
    pub order: HistoryOrder,
    /// The record before the first one wanted.
    pub after: Option<(Wall, CallId)>,
    /// Not more than so many; the store has a bound of its own.
    pub limit: Option<usize>,
}

/// The order of call records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HistoryOrder {
    /// The newest that fit, given oldest first.
    #[default]
    Latest,
    /// Newest first.
    Newest,
    /// Oldest first, from the oldest on.
    Oldest,
}
