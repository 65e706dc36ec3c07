//! File handles: each media port and connection is one, so the limit is raised at start, or the start is refused.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Handles for what is neither a media port nor a connection: database, logs, listeners, the control socket.
const OWN_HANDLES: u64 = 128;

/// The limit in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimit {
    /// Open files allowed.
    pub allowed: u64,
    /// What all media ports and connections together may take.
    pub wanted: u64,
}

/// The hard limit is far below what the configuration may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the system allows this process {allowed} open files and the media ports alone may take {needed}; raise the hard \
     limit (ulimit -Hn, LimitNOFILE= in systemd), or narrow listen.media_ports"
)]
pub struct TooFewHandles {
    /// The hard limit.
    pub allowed: u64,
    /// What the media ports may take.
    pub needed: u64,
}

/// Raises the soft limit of open files to the hard one.
///
/// # Errors
/// The hard limit does not hold half of the media ports: calls would fail long before the ports run out.
pub fn raise_file_limit(media_ports: usize, connections: u32) -> Result<FileLimit, TooFewHandles> {
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    // Fails only in a sandbox that forbids it; then the soft limit is what there is.
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let allowed = if raised.is_ok() { hard } else { limit.current.unwrap_or(u64::MAX) };
    let ports = u64::try_from(media_ports).unwrap_or(u64::MAX);
    judge(allowed, ports, u64::from(connections))
}

fn judge(allowed: u64, ports: u64, connections: u64) -> Result<FileLimit, TooFewHandles> {
    let needed = (ports / 2).saturating_add(OWN_HANDLES);
    if allowed < needed {
        return Err(TooFewHandles { allowed, needed: ports.saturating_add(OWN_HANDLES) });
    }
    Ok(FileLimit { allowed, wanted: ports.saturating_add(connections).saturating_add(OWN_HANDLES) })
}

/// Open file handles, and how many are allowed now: the limit may be changed while a process runs.
pub fn handles_of_files() -> (u64, u64) {
    let open = u64::try_from(file_handles()).unwrap_or(u64::MAX);
    (open, getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}

/// Open file handles of this process; 0 where the system does not tell.
pub fn file_handles() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_far_below_the_media_ports_is_refused_with_the_cure() {
        let refused = judge(1_024, 10_000, 10_000).unwrap_err();
        assert!(refused.to_string().contains("LimitNOFILE"), "{refused}");
        assert_eq!(judge(20_200, 10_000, 10_000), Ok(FileLimit { allowed: 20_200, wanted: 20_128 }));
    }

    #[test]
    fn this_process_has_handles() {
        assert!(file_handles() >= 3);
    }
}
