//! The session's cookie (RFC 6265, section 4.1; the prefix `__Host-`: draft-ietf-httpbis-rfc6265bis, section 4.1.3).
//!
//! Browsers send cookies to every port of a host, so its name holds the port: a web server on 443 of the same host never
//! takes part in it.

use axum::http::{HeaderMap, HeaderValue, header};
use model::Secret;

/// Longest key taken: ours have 64 characters.
const MAX_KEY: usize = 128;

fn name(port: u16) -> String {
    format!("__Host-ringwall-{port}")
}

/// The key in a request's cookie. Two of one name, as a page on another port could set, are none.
pub(crate) fn read(headers: &HeaderMap, port: u16) -> Option<Secret> {
    let name = name(port);
    let texts = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut keys = pairs.filter(|(found, _)| *found == name).map(|(_, key)| key);
    let key = keys.next().filter(|key| !key.is_empty() && key.len() <= MAX_KEY)?;
    keys.next().is_none().then(|| Secret::new(key.to_owned()))
}

/// Sets it for the browser's run; the server knows when it is over.
pub(crate) fn set(key: &Secret, port: u16) -> Option<HeaderValue> {
    let text = format!("{}={}; Path=/; Secure; HttpOnly; SameSite=Strict", name(port), key.expose());
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Takes it away.
pub(crate) fn clear(port: u16) -> Option<HeaderValue> {
    let text = format!("{}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0", name(port));
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(cookie))])
    }

    #[test]
    fn the_cookie_of_our_own_port_is_read_and_a_doubled_one_is_none() {
        let read = |cookie| read(&headers(cookie), 4021).map(|key| key.expose().to_owned());
        assert_eq!(read("a=b; __Host-ringwall-4021=key"), Some("key".into()));
        assert_eq!(read("__Host-ringwall-443=key"), None);
        assert_eq!(read("__Host-ringwall-4021=one; __Host-ringwall-4021=two"), None);
        assert_eq!(read("__Host-ringwall-4021="), None);
    }
}
