//! What a client answers: the Authorization and Proxy-Authorization fields.

use std::borrow::Cow;
use std::fmt;

use super::algorithm::Algorithm;
use super::fields::{DigestError, Fields};

/// What the response protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qop {
    /// No `qop` at all: RFC 2069, no nonce count, no client nonce.
    Absent,
    /// Method and URI.
    Auth,
    /// Method, URI and body.
    AuthInt,
}

impl Qop {
    /// The token on the wire.
    pub fn text(self) -> &'static str {
        match self {
            Self::Absent => "",
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}

/// An answer to a digest challenge. Values are bytes: phones send Latin-1 too.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// Who it claims to be, escapes taken out.
    pub username: Cow<'a, [u8]>,
    /// The realm it answers for, escapes taken out.
    pub realm: Cow<'a, [u8]>,
    /// The nonce as given.
    pub nonce: &'a [u8],
    /// The digest URI as given; that it fits the Request-URI is for the caller to judge.
    pub uri: &'a [u8],
    /// The response: 32 or 64 hex digits if it is honest.
    pub response: &'a [u8],
    /// The algorithm; MD5 when none is named.
    pub algorithm: Algorithm,
    /// What it protects.
    pub qop: Qop,
    /// The nonce count; 0 without qop.
    pub nc: u32,
    /// The nonce count as written, which is what was hashed.
    pub nc_text: &'a [u8],
    /// The client's nonce; empty without qop, but for `-sess`.
    pub cnonce: &'a [u8],
    /// The opaque value as given.
    pub opaque: Option<&'a [u8]>,
}

impl<'a> Credentials<'a> {
    /// Reads the value of one Authorization or Proxy-Authorization line.
    pub fn parse(value: &'a [u8]) -> Result<Self, DigestError> {
        let fields = Fields::parse(value)?;
        let algorithm = match fields.find("algorithm") {
            Some(token) => Algorithm::parse(token).ok_or(DigestError::Algorithm)?,
            None => Algorithm::Md5,
        };
        let qop = match fields.find("qop") {
            None => Qop::Absent,
            Some(token) if token.eq_ignore_ascii_case(b"auth") => Qop::Auth,
            Some(token) if token.eq_ignore_ascii_case(b"auth-int") => Qop::AuthInt,
            Some(_) => return Err(DigestError::Qop),
        };
        let nc_text = fields.find("nc").unwrap_or_default();
        let cnonce = fields.find("cnonce").unwrap_or_default();
        let nc = if qop == Qop::Absent { Some(0) } else { nonce_count(nc_text) };
        if cnonce.is_empty() && (qop != Qop::Absent || algorithm.is_session()) {
            return Err(DigestError::Qop);
        }
        Ok(Self {
            username: fields.need_text("username")?,
            realm: fields.need_text("realm")?,
            nonce: fields.need("nonce")?,
            uri: fields.need("uri")?,
            response: fields.need("response")?,
            algorithm,
            qop,
            nc: nc.ok_or(DigestError::Qop)?,
            nc_text,
            cnonce,
            opaque: fields.find("opaque"),
        })
    }

    /// The user name as text, if it is UTF-8.
    pub fn username_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.username).ok()
    }
}

/// The response is left out: with a weak password it is a way to it.
impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("algorithm", &self.algorithm)
            .field("qop", &self.qop)
            .field("nc", &self.nc)
            .finish_non_exhaustive()
    }
}

/// Eight hex digits by the RFC; fewer are read too, since what was written is what is hashed.
fn nonce_count(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 8 || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}
