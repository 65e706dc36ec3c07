//! Crashes on purpose: the server is killed at its n-th write or sync, as strace's fault injection does it.

/// What touches the disk and must be survivable at each call.
const CALLS: &str = "fsync,fdatasync,pwrite64,write,rename,renameat2,ftruncate,unlink,openat";

/// The words before a command that kill it at the `n`-th of these system calls (`fdatasync,pwrite64` for example).
pub fn kill_at(calls: &str, n: u32) -> Vec<String> {
    let trace = format!("trace={CALLS}");
    let inject = format!("inject={calls}:signal=KILL:when={n}");
    ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", &trace, "-e", &inject, "--"].map(String::from).to_vec()
}
