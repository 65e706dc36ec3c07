//! How mail is sent: the section `[mail]` with its password.

use std::time::Duration;

use model::Secret;

/// What protects the way to the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nothing.
    None,
    /// TLS after STARTTLS (RFC 3207); without it nothing is said.
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
}

/// An account at a mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The server's name or address; its certificate is for this name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What protects the way.
    pub security: Security,
    /// Name and password, where the server asks for them.
    pub login: Option<(String, Secret)>,
    /// Whom letters come from.
    pub from: String,
    /// What this PBX is called, for subjects.
    pub office: String,
    /// The first pause after a failure; it doubles.
    pub retry: Duration,
    /// How long one conversation may take, from the connection to the answer to the letter.
    pub timeout: Duration,
    /// The time in which ten letters go out, and for which a digest collects.
    pub digest: Duration,
}

impl Account {
    /// What Message-IDs end with, and what we call ourselves: the domain of the sender.
    pub fn domain(&self) -> &str {
        self.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({}:{}, {:?})", self.host, self.port, self.security)
    }
}
