//! What whoever starts the server in a terminal reads first: where it answers, where its data is, what to do next.
//! Nothing of it goes anywhere but to a terminal, since the set-up code stands in it.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use store::{SetupCode, Store};

use super::desk::Desk;

/// Shows it, if stderr is a terminal.
pub fn show(data: &Path, store: &Store, desk: &Desk) {
    // Made in any case: the code lies in its file also where nobody looks at a terminal.
    let code = store.setup_code();
    let mut err = std::io::stderr().lock();
    if err.is_terminal() {
        // A terminal that went away needs no page.
        let _ = err.write_all(page(data, store, desk, code.ok()).as_bytes());
    }
}

/// An address in a URL (RFC 3986 section 3.2.2).
fn bracketed(address: std::net::IpAddr) -> String {
    if address.is_ipv6() { format!("[{address}]") } else { address.to_string() }
}

fn page(data: &Path, store: &Store, desk: &Desk, code: Option<SetupCode>) -> String {
    let office = store.office();
    let shown = data.display();
    let mut text =
        format!("\nRingwall {} is running.\n\n  data folder  {shown}\n", env!("CARGO_PKG_VERSION"));
    for listener in desk.listeners() {
        let address = SocketAddr::new(listener.address, listener.port);
        if listener.service == "console" {
            let host = if listener.address.is_unspecified() {
                "THIS-MACHINE".to_owned()
            } else {
                bracketed(listener.address)
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  console      https://{host}:{}/ ({})", listener.port, listener.state);
            continue;
        }
        let _ = writeln!(text, "  SIP          {address} over {} ({})", listener.transport, listener.state);
    }
    let _ = writeln!(text, "  media        UDP ports {}", desk.media_range());
    let _ = writeln!(text, "  extensions   {}, revision {}", office.extensions.len(), office.revision);
    if let Some(SetupCode::Waiting(code)) = code {
        let _ = writeln!(text, "  set-up code  {}", code.expose());
    }
    let data = format!("--data {shown}");
    let next = if office.extensions.is_empty() {
        format!("Next: describe your office in a file and run\n\n  ringwall apply office.toml {data}\n")
    } else {
        format!(
            "Next: set up phones with what `ringwall export --with-secrets {data}` shows, then look at\n\n  ringwall registrations {data}\n"
        )
    };
    let _ =
        writeln!(text, "\n{next}\nCtrl-C stops it in order; `ringwall --help` shows what else there is.\n");
    text
}
