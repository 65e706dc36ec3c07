//! Long lists in pages. A cursor holds the last row's sort value and natural key, so that rows which come or go between two
//! pages neither repeat nor hide others.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Json, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::Problem;

/// Rows of a page at most: what a table can show and a phone's browser still scrolls.
const MAX_LIMIT: usize = 1_000;
/// Longest text searched for.
const MAX_SEARCH: usize = 256;
/// Longest cursor taken: a description and a key, encoded.
const MAX_CURSOR: usize = 2_048;

/// The direction of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The smallest first.
    #[default]
    Asc,
    /// The largest first.
    Desc,
}

/// Parameters of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery<S> {
    /// Rows that hold this text, whatever its case.
    pub search: String,
    /// What they are sorted by.
    pub sort: S,
    /// In which direction.
    pub order: Order,
    /// Rows of a page.
    pub limit: usize,
    /// The last row of the page before.
    pub after: Option<Cursor>,
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The value sorted by.
    pub value: String,
    /// The natural key.
    pub key: String,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Rows of all pages.
    pub total: usize,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<Cursor>,
}

impl Cursor {
    /// Opaque text for a URL.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{}", self.value, self.key))
    }

    /// Reads what [`Cursor::text`] wrote.
    pub fn parse(text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (value, key) = text.rsplit_once('\n')?;
        Some(Cursor { value: value.to_owned(), key: key.to_owned() })
    }
}

/// A list's parameters as they stand in the URL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListWish<S> {
    #[serde(default)]
    search: String,
    sort: Option<S>,
    #[serde(default)]
    order: Order,
    limit: Option<usize>,
    after: Option<String>,
}

impl<S> ListWish<S> {
    /// A list's parameters, one by one.
    pub(crate) fn of(
        search: String,
        (sort, order): (Option<S>, Order),
        limit: Option<usize>,
        after: Option<String>,
    ) -> ListWish<S> {
        ListWish { search, sort, order, limit, after }
    }
}

impl<S: Default> ListWish<S> {
    /// The parameters with what is missing, within their limits.
    #[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
    pub(crate) fn read(self, usual: usize) -> Result<ListQuery<S>, Problem> {
        let ListWish { search, sort, order, limit, after } = self;
        let limit = limit.unwrap_or(usual);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Problem::bad_request(format!("limit: write a number from 1 to {MAX_LIMIT}")));
        }
        if search.len() > MAX_SEARCH {
            return Err(Problem::bad_request(format!("search: write up to {MAX_SEARCH} bytes")));
        }
        let after = after.map(cursor).transpose()?;
        Ok(ListQuery { search, sort: sort.unwrap_or_default(), order, limit, after })
    }
}

#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
fn cursor(text: String) -> Result<Cursor, Problem> {
    let read = (text.len() <= MAX_CURSOR).then(|| Cursor::parse(&text)).flatten();
    read.ok_or_else(|| Problem::bad_request("after: take it from the Link header of the page before"))
}

/// A page with its headers; `query` are the parameters that the next page has too.
pub(crate) fn answer<T: Serialize>(page: &Page<T>, path: &str, query: &[(&str, String)]) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert("x-total-count", HeaderValue::from(page.total));
    if let Some(next) = &page.next {
        link(&mut headers, path, query, &next.text());
    }
    (headers, Json(&page.rows)).into_response()
}

/// Writes where the next page is (RFC 8288).
pub(crate) fn link(headers: &mut HeaderMap, path: &str, query: &[(&str, String)], after: &str) {
    let mut url = format!("/api/v1{path}?");
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        url.push_str(&format!("{name}={}&", escaped(value)));
    }
    // An escaped URL is visible ASCII.
    if let Ok(value) = HeaderValue::from_str(&format!("<{url}after={}>; rel=\"next\"", escaped(after))) {
        headers.insert(header::LINK, value);
    }
}

/// RFC 3986 section 2.3.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// What a parameter was in the URL.
pub(crate) fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_anything_else_is_refused() {
        let cursor = Cursor { value: "Empfang & Küche\n<b>".into(), key: "101".into() };
        assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        for bad in ["", "%%%", "MTAx", "a b"] {
            let wish: ListWish<()> = ListWish {
                search: String::new(),
                sort: None,
                order: Order::Asc,
                limit: None,
                after: Some(bad.into()),
            };
            assert_eq!(wish.read(50).unwrap_err().status, 400, "{bad}");
        }
    }

    #[test]
    fn a_link_escapes_what_was_searched() {
        let mut headers = HeaderMap::new();
        link(&mut headers, "/users", &[("search", "a&b>\r\nX: y".into()), ("sort", String::new())], "abc");
        assert_eq!(
            headers.get("link").unwrap(),
            "</api/v1/users?search=a%26b%3E%0D%0AX%3A%20y&after=abc>; rel=\"next\""
        );
    }
}
