//! The console's sign-in and its doors against the real binary over HTTPS (SPEC R4.4, R8.1): guesses, sessions, other sites'
//! requests, hostile HTTP, letters on demand. The pages are in `tests/ui`, the table of permissions in `console_permissions.rs`.

#[path = "console/certificates.rs"]
mod certificates;
#[path = "console/common.rs"]
mod common;
#[path = "console/doors.rs"]
mod doors;
#[path = "console/factors.rs"]
mod factors;
#[path = "console/guessing.rs"]
mod guessing;
#[path = "console/history.rs"]
mod history;
#[path = "console/http.rs"]
mod http;
#[path = "console/letters.rs"]
mod letters;
#[path = "console/mutants.rs"]
mod mutants;
#[path = "console/payloads.rs"]
mod payloads;
#[path = "console/sessions.rs"]
mod sessions;
#[path = "console/windows.rs"]
mod windows;
