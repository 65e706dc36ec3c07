//! When two URIs are the same (RFC 3261 section 19.1.4): not by bytes, since case, order and escapes vary.

use super::params::Params;
use super::text::{percent_decode, take_escaped};
use super::uri::{SipUri, Uri};

/// Parameters that must stand in both or in neither; others in only one URI are ignored.
const DECISIVE: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

impl Uri<'_> {
    /// Whether both name the same resource. An omitted default is not the same as a written one.
    pub fn matches(&self, other: &Uri<'_>) -> bool {
        match (self, other) {
            (Uri::Sip(a), Uri::Sip(b)) => a.matches(b),
            (Uri::Tel { number: a, params: p }, Uri::Tel { number: b, params: q }) => {
                significant(a).eq(significant(b)) && same_tel_params(p, q) && same_tel_params(q, p)
            }
            (Uri::Other { scheme: a, rest: x }, Uri::Other { scheme: b, rest: y }) => {
                a.eq_ignore_ascii_case(b) && x == y
            }
            _ => false,
        }
    }
}

impl SipUri<'_> {
    /// Whether both name the same resource.
    pub fn matches(&self, other: &SipUri<'_>) -> bool {
        self.secure == other.secure
            && same_optional(self.user, other.user)
            && same_optional(self.password, other.password)
            && self.host == other.host
            && self.port == other.port
            && params_agree(&self.params, &other.params)
            && params_agree(&other.params, &self.params)
            && headers_within(self.headers, other.headers)
            && headers_within(other.headers, self.headers)
    }
}

fn same_optional(a: Option<&[u8]>, b: Option<&[u8]>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => characters(a).eq(characters(b)),
        (None, None) => true,
        _ => false,
    }
}

/// A component's characters; an escaped reserved character is another one than the bare character.
fn characters(text: &[u8]) -> impl Iterator<Item = (u8, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let ((byte, escaped), after) = take_escaped(rest)?;
        rest = after;
        let reserved = matches!(byte, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',');
        Some((byte, escaped && reserved))
    })
}

fn params_agree(ours: &Params<'_>, theirs: &Params<'_>) -> bool {
    ours.iter().all(|param| {
        let same = |other: &super::params::Param<'_>| other.name.eq_ignore_ascii_case(param.name);
        match theirs.iter().find(same) {
            Some(other) => {
                let (a, b) =
                    (percent_decode(param.value.unwrap_or_default()), other.value.unwrap_or_default());
                a.eq_ignore_ascii_case(&percent_decode(b))
            }
            None => !DECISIVE.iter().any(|name| param.name.eq_ignore_ascii_case(name.as_bytes())),
        }
    })
}

/// Header components are never ignored; their order does not matter.
fn headers_within(ours: &[u8], theirs: &[u8]) -> bool {
    let fields = |text| <[u8]>::split(text, |b: &u8| *b == b'&').filter(|field| !field.is_empty());
    fields(ours).all(|field| {
        fields(theirs).any(|other| percent_decode(field).eq_ignore_ascii_case(&percent_decode(other)))
    })
}

/// A number without its visual separators (RFC 3966 section 4).
fn significant(number: &[u8]) -> impl Iterator<Item = u8> {
    number.iter().filter(|b| !matches!(b, b'-' | b'.' | b'(' | b')')).map(u8::to_ascii_lowercase)
}

fn same_tel_params(ours: &Params<'_>, theirs: &Params<'_>) -> bool {
    ours.iter().all(|param| {
        theirs.iter().any(|other| {
            other.name.eq_ignore_ascii_case(param.name)
                && other.value.unwrap_or_default().eq_ignore_ascii_case(param.value.unwrap_or_default())
        })
    })
}
