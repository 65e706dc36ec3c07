//! Why something was not changed or read, as the resources say it.

use api::Problem;
use model::config::Refusal;
use store::CommitError;

/// Why a change was refused.
pub(super) fn refusal(why: Refusal) -> Problem {
    match &why {
        Refusal::Stale { .. } => Problem::conflict(why),
        Refusal::Unknown(_) => Problem::not_found(format!("{why}; `ringwall export` shows what there is")),
        Refusal::Problems(problems) => {
            let list =
                problems.list.iter().filter_map(|problem| serde_json::to_value(problem).ok()).collect();
            Problem { problems: list, ..Problem::refused(&why) }
        }
        Refusal::Exists(_) => Problem::exists(why),
        Refusal::ManyDeletions { .. } | Refusal::LastAdministrator | Refusal::InUse(_) => {
            Problem::refused(why)
        }
    }
}

/// Why a change was not stored.
pub(super) fn commit_problem(error: CommitError) -> Problem {
    match error {
        CommitError::Stale { .. } => Problem::conflict(error),
        CommitError::Disk(_) => Problem::failed(error),
        CommitError::Stopping => Problem::stopping(),
    }
}

/// What could not be read back.
pub fn read_problem(error: store::ReadError) -> Problem {
    match error {
        store::ReadError::NoRevision(_) => Problem::not_found(error),
        _ => Problem::failed(error),
    }
}
