//! `[mail]`: how the PBX writes letters. Its password is no part of the record (SPEC R3.4).

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::address::check_domain;
use super::password::MAX_PASSWORD;
use super::read::{Reading, Schema, section, text_schema};
use super::scalar::Span;
use super::value::{Data, Value};
use crate::Secret;

section! {
    /// `[mail]`: the server that takes letters; without a host there is no mail.
    pub struct Mail {
        /// The server's name or address, for which its certificate is held to be.
        host: Option<String> = None,
        /// Its port; absent: 587, 465 or 25, as `security` says.
        port: Option<u16> = None,
        /// What protects the way to it.
        security: MailSecurity = MailSecurity::default(),
        /// Signs in with this, where the server asks for it.
        username: Option<String> = None,
        /// Whom letters come from.
        from: Option<String> = None,
        /// The first pause after the server could not be reached; it doubles up to half an hour.
        retry: Span = Span::seconds(60),
        /// How long one conversation with the server may take.
        timeout: Span = Span::seconds(60),
        /// Ten letters go out within this time; what comes beyond them is collected as long and sent as one.
        digest: Span = Span::seconds(3_600),
    }
    aside ["password"]
    later []
    check check
}

/// What protects the way to the mail server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailSecurity {
    /// Nothing.
    None,
    /// TLS after STARTTLS.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
}

impl fmt::Display for MailSecurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MailSecurity::None => "none",
            MailSecurity::StartTls => "starttls",
            MailSecurity::Tls => "tls",
        })
    }
}

text_schema!(MailSecurity, "a way to protect mail", |text| match text {
    "none" => Ok(MailSecurity::None),
    "starttls" => Ok(MailSecurity::StartTls),
    "tls" => Ok(MailSecurity::Tls),
    _ => Err("write \"none\", \"starttls\" or \"tls\"".to_owned()),
});

/// A port to connect to.
impl Schema for u16 {
    fn read(value: &Value, at: &mut Reading) -> Option<u16> {
        let Data::Integer(number) = value.data else {
            at.wrong_kind(value, "a port", "587");
            return None;
        };
        let port = u16::try_from(number).ok().filter(|port| *port > 0);
        if port.is_none() {
            at.problem(value.place, "not a port", "write a number from 1 to 65535");
        }
        port
    }

    fn write(&self) -> Value {
        Value::new(Data::Integer(i64::from(*self)))
    }
}

impl Mail {
    /// The port that is connected to.
    pub fn effective_port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            MailSecurity::None => 25,
            MailSecurity::StartTls => 587,
            MailSecurity::Tls => 465,
        })
    }

    /// Whether a password given for `other` is said to the same server, under the same name and protection.
    pub(crate) fn is_same_account(&self, other: &Mail) -> bool {
        let account =
            |mail: &Mail| (mail.host.clone(), mail.effective_port(), mail.security, mail.username.clone());
        account(self) == account(other)
    }

    /// Whether the server is on this machine, so that nobody listens on the way.
    fn is_here(&self) -> bool {
        let Some(host) = &self.host else { return false };
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// Whether letters can be sent to `text`: one address, without a name and without anything that needs quoting.
pub fn is_email(text: &str) -> bool {
    let bad = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
    text.rsplit_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !local.contains('@') && !text.contains(bad) && check_domain(host).is_ok()
    })
}

/// Longest pause before the first repetition, as the longest of all.
const MAX_RETRY: Duration = Duration::from_secs(30 * 60);
/// Longest conversation: RFC 5321 section 4.5.3.2 gives a server ten minutes for its last answer.
const MAX_TIMEOUT: Duration = Duration::from_secs(600);
/// Longest time that a digest collects.
const MAX_DIGEST: Duration = Duration::from_secs(86_400);

fn check(mail: &Mail, value: &Value, at: &mut Reading) {
    let second = Duration::from_secs(1);
    let spans = [("retry", mail.retry, MAX_RETRY), ("timeout", mail.timeout, MAX_TIMEOUT)];
    for (key, span, most) in spans.into_iter().chain([("digest", mail.digest, MAX_DIGEST)]) {
        super::check::bounded(value, at, key, span, second, most);
    }
    let Some(host) = &mail.host else {
        for (key, given) in [("username", mail.username.is_some()), ("from", mail.from.is_some())] {
            if given {
                at.problem_at(
                    value,
                    key,
                    "given without a host",
                    "name the mail server as host, or remove this key",
                );
            }
        }
        return;
    };
    if host.parse::<IpAddr>().is_err() && check_domain(host).is_err() {
        at.problem_at(value, "host", "neither a name nor an address", "write a name like mail.example.test");
    }
    match &mail.from {
        None => {
            at.problem_at(value, "from", "missing", "write whom letters come from, like pbx@example.test")
        }
        Some(from) if !is_email(from) => {
            at.problem_at(value, "from", "not an e-mail address", "write it like pbx@example.test");
        }
        Some(_) => {}
    }
    if mail.username.is_some() && mail.security == MailSecurity::None && !mail.is_here() {
        let cure = "write security = \"starttls\" or \"tls\", or remove username and password";
        at.problem_at(value, "security", "the password would be sent in clear", cure);
    }
}

/// Reads the password beside the record.
pub(crate) fn check_password(mail: &Mail, password: Option<&Secret>, value: &Value, at: &mut Reading) {
    let Some(text) = password.map(Secret::expose) else { return };
    if mail.username.is_none() {
        at.problem_at(value, "password", "given without a username", "add username, or remove this key");
    }
    if text.len() > MAX_PASSWORD || text.chars().any(char::is_control) {
        let cure = "write what the mail server knows, up to 256 bytes";
        at.problem_at(value, "password", "too long, or with a control character", cure);
    }
}
