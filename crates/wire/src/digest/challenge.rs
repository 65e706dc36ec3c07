//! What a server asks: the WWW-Authenticate and Proxy-Authenticate fields, and the answer to them.

use std::borrow::Cow;
use std::fmt;

use crate::sip::{Values, quote};

use super::algorithm::Algorithm;
use super::compute::{Ha1, Request, Session, compute};
use super::credentials::Qop;
use super::fields::{DigestError, Fields};

/// Whether the credentials before were right but for their nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// First challenge, or the answer was wrong.
    First,
    /// `stale=true`: answer again with this nonce, without asking the user.
    Stale,
}

/// What protections a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QopOffer {
    /// None: RFC 2069.
    Absent,
    /// `auth`, or `auth` among others.
    Auth,
    /// `auth-int` only.
    AuthInt,
}

/// A digest challenge. Displayed as a header value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// The realm, escapes taken out.
    pub realm: Cow<'a, str>,
    /// The nonce, as bytes that may stand between quotes.
    pub nonce: &'a str,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Why it is asked.
    pub freshness: Freshness,
    /// What is offered.
    pub qop: QopOffer,
    /// To be given back unchanged.
    pub opaque: Option<&'a str>,
}

impl<'a> Challenge<'a> {
    /// Reads the value of one WWW-Authenticate or Proxy-Authenticate line. An algorithm that is not known is an error: a server
    /// sends a line for each, and another may do.
    pub fn parse(value: &'a [u8]) -> Result<Self, DigestError> {
        let fields = Fields::parse(value)?;
        let algorithm = match fields.find("algorithm") {
            Some(token) => Algorithm::parse(token).ok_or(DigestError::Algorithm)?,
            None => Algorithm::Md5,
        };
        let stale = fields.find("stale").is_some_and(|value| value.eq_ignore_ascii_case(b"true"));
        Ok(Self {
            realm: match fields.need_text("realm")? {
                Cow::Borrowed(bytes) => Cow::Borrowed(text(bytes)?),
                Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).map_err(|_| DigestError::Syntax)?),
            },
            nonce: text(fields.need("nonce")?)?,
            algorithm,
            freshness: if stale { Freshness::Stale } else { Freshness::First },
            qop: fields.find("qop").map_or(Ok(QopOffer::Absent), offer)?,
            opaque: fields.find("opaque").map(text).transpose()?,
        })
    }

    /// The value of the Authorization field that answers it. `nc` counts the uses of this nonce from 1; `cnonce` is random text
    /// without quotes.
    pub fn answer(&self, answer: &Answer<'_>, request: &Request<'_>) -> String {
        let qop = match self.qop {
            QopOffer::Absent => Qop::Absent,
            QopOffer::Auth => Qop::Auth,
            QopOffer::AuthInt => Qop::AuthInt,
        };
        let nc = format!("{:08x}", answer.nc);
        let session = Session {
            algorithm: self.algorithm,
            nonce: self.nonce.as_bytes(),
            nc: nc.as_bytes(),
            cnonce: answer.cnonce.as_bytes(),
            qop,
        };
        let response = compute(&session, answer.ha1, request);
        let mut out = format!(
            "Digest username={}, realm={}, nonce=\"{}\", uri=\"{}\", response=\"{}\", algorithm={}",
            quote(answer.username),
            quote(&self.realm),
            self.nonce,
            String::from_utf8_lossy(request.uri),
            response.as_str(),
            self.algorithm,
        );
        if qop != Qop::Absent {
            out.push_str(&format!(", qop={}, nc={nc}", qop.text()));
        }
        if qop != Qop::Absent || self.algorithm.is_session() {
            out.push_str(&format!(", cnonce=\"{}\"", answer.cnonce));
        }
        if let Some(opaque) = self.opaque {
            out.push_str(&format!(", opaque=\"{opaque}\""));
        }
        out
    }
}

/// What a client answers a challenge with.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The user name.
    pub username: &'a str,
    /// The hash of user, challenge's realm and password.
    pub ha1: &'a Ha1,
    /// Uses of this nonce, this one included.
    pub nc: u32,
    /// The client's nonce.
    pub cnonce: &'a str,
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest realm={}, nonce=\"{}\"", quote(&self.realm), self.nonce)?;
        if let Some(opaque) = self.opaque {
            write!(f, ", opaque=\"{opaque}\"")?;
        }
        if self.freshness == Freshness::Stale {
            f.write_str(", stale=true")?;
        }
        write!(f, ", algorithm={}", self.algorithm)?;
        match self.qop {
            QopOffer::Absent => Ok(()),
            QopOffer::Auth => f.write_str(", qop=\"auth\""),
            QopOffer::AuthInt => f.write_str(", qop=\"auth-int\""),
        }
    }
}

fn offer(list: &[u8]) -> Result<QopOffer, DigestError> {
    let has = |token: &str| Values::new(list).any(|value| value.eq_ignore_ascii_case(token.as_bytes()));
    match (has("auth"), has("auth-int")) {
        (true, _) => Ok(QopOffer::Auth),
        (false, true) => Ok(QopOffer::AuthInt),
        (false, false) => Err(DigestError::Qop),
    }
}

fn text(bytes: &[u8]) -> Result<&str, DigestError> {
    std::str::from_utf8(bytes).map_err(|_| DigestError::Syntax)
}
