//! Session timers: Session-Expires and Min-SE (RFC 4028 sections 4 and 5). When to refresh is the session's business.

use std::fmt;

use super::error::FieldError;
use super::message::{Message, seconds};
use super::name::Name;
use super::params::value_and_params;

/// The least that Session-Expires and Min-SE may say, in seconds (RFC 4028 section 5); also what an absent Min-SE means.
pub const LEAST_SESSION_EXPIRES: u32 = 90;

/// Who keeps a session alive: the client or the server of the request that set the timer up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresher {
    /// The side that sent the request.
    Uac,
    /// The side that answered it.
    Uas,
}

/// The Session-Expires field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires {
    /// The interval; more than 2^32-1 counts as that.
    pub seconds: u32,
    /// Who refreshes, if it is settled.
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    /// Reads one whole value: `1800;refresher=uac`. Other parameters are ignored.
    pub fn parse(value: &[u8]) -> Result<Self, FieldError> {
        let (interval, params) = value_and_params(value)?;
        let refresher = match params.find("refresher") {
            None => None,
            Some(Some(who)) if who.eq_ignore_ascii_case(b"uac") => Some(Refresher::Uac),
            Some(Some(who)) if who.eq_ignore_ascii_case(b"uas") => Some(Refresher::Uas),
            Some(_) => return Err(FieldError::Syntax),
        };
        Ok(Self { seconds: seconds(interval)?, refresher })
    }
}

/// As it is written on the wire.
impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        match self.refresher {
            None => Ok(()),
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
        }
    }
}

impl Message {
    /// The session's interval and refresher, if the message has them.
    pub fn session_expires(&self) -> Result<Option<SessionExpires>, FieldError> {
        self.first(Name::SessionExpires).map(SessionExpires::parse).transpose()
    }

    /// The least interval the sender takes, in seconds, if it says so.
    pub fn min_se(&self) -> Result<Option<u32>, FieldError> {
        self.first(Name::MinSe).map(|value| seconds(value_and_params(value)?.0)).transpose()
    }
}
