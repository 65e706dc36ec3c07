//! Who asks: the operating system's user at the other end of the control socket.

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

/// A user of this machine, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author(pub String);

impl std::fmt::Display for Author {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Author {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Author {
        match stream.io().peer_cred() {
            Ok(peer) => Author(user_name(peer.uid())),
            Err(_) => Author("unknown".to_owned()),
        }
    }
}

/// The name of user `uid`, or its number where the machine has no name for it.
pub fn user_name(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&passwd, uid).map_or_else(|| format!("uid {uid}"), str::to_owned)
}

/// Looks `uid` up in the text of `/etc/passwd`: `name:x:uid:...`, a line each.
fn name_in(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == uid && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number_and_strange_lines_are_passed_over() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\n+::::::\nbroken\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(name_in(passwd, 1_000), Some("alice"));
        assert_eq!(name_in(passwd, 0), Some("root"));
        assert_eq!(name_in(passwd, 7), None);
    }
}
