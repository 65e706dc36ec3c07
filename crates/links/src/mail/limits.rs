//! What is bounded, and why.

use std::time::Duration;

/// Warnings that wait to be written into the outbox: a second of the fastest attack that the guard takes note of.
pub const MAX_HANDED_IN: usize = 1_000;
/// Letters within the digest's time; beyond them a digest (SPEC R4.7: 10 an hour).
pub const LETTERS_AT_ONCE: u32 = 10;
/// Warnings named in one digest, 100 characters each: what a person reads. The rest is counted.
pub const MAX_HELD: u32 = 200;
/// Letters that wait for the mail server: at eleven an hour, what comes in [`KEPT`].
pub const MAX_WAITING: u32 = 1_500;
/// How long a letter is tried (RFC 5321 section 4.5.4.1: at least 4 to 5 days).
pub const KEPT: Duration = Duration::from_secs(5 * 86_400);
/// The longest pause between two tries.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);
/// How long a conversation that runs is given when the server stops, so that a letter that is being taken is crossed out.
pub const LAST_WORDS: Duration = Duration::from_secs(3);
/// How long a trial takes at most: a person waits for it, and the request ends after a minute.
pub const TRIAL: Duration = Duration::from_secs(30);
/// Bytes taken from a mail server before it is encrypted: greeting, capabilities, errors. A letter's conversation has some 2 kB,
/// the certificates of TLS some 10 kB.
pub const MAX_ANSWERS: u64 = 256 * 1_024;
/// How long a refused write to the outbox waits before it is tried again.
pub const DISK_PAUSE: Duration = Duration::from_secs(5);
/// Characters shown of a text that came from outside.
pub const MAX_SHOWN: usize = 64;
