//! Strong entity tags (RFC 9110 section 8.8.3): a hash of what can be edited. Live counts beside it are left out, or a
//! phone that registers would cost an administrator his form.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::Problem;

/// Bytes of the hash that a tag shows: no two versions of an office's objects share so many.
const LENGTH: usize = 16;

/// The tag of an object, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(pub String);

impl Tag {
    /// The tag of this content.
    pub fn of(content: &impl serde::Serialize) -> Tag {
        // Values of the configuration always serialise.
        let hash = Sha256::digest(serde_json::to_vec(content).unwrap_or_default());
        Tag(URL_SAFE_NO_PAD.encode(hash.get(..LENGTH).unwrap_or_default()))
    }

    /// As the header writes it.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

/// What a write expects to find (RFC 9110 section 13.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// Whatever is there.
    Any,
    /// One of these.
    Tags(Vec<Tag>),
}

impl IfMatch {
    /// Reads the header's value. A weak tag never matches.
    pub fn parse(value: &str) -> IfMatch {
        if value.trim() == "*" {
            return IfMatch::Any;
        }
        let tag = |part: &str| Some(Tag(part.trim().strip_prefix('"')?.strip_suffix('"')?.to_owned()));
        IfMatch::Tags(value.split(',').filter_map(tag).collect())
    }

    /// Refuses if somebody else changed the object.
    ///
    /// # Errors
    /// 412: the object is not what was expected.
    #[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
    pub fn check(&self, found: &Tag) -> Result<(), Problem> {
        match self {
            IfMatch::Any => Ok(()),
            IfMatch::Tags(tags) if tags.contains(found) => Ok(()),
            IfMatch::Tags(_) => Err(Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "changed-meanwhile",
                "somebody changed this since you opened it; nothing of yours was saved. Look at it as it is now and \
                 save again",
            )),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IfMatch, Problem> {
        let values = parts.headers.get_all(header::IF_MATCH);
        let text: Vec<&str> = values.iter().filter_map(|value| value.to_str().ok()).collect();
        if text.is_empty() {
            return Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if-match-needed",
                "send If-Match with the ETag that GET gave, or * to overwrite whatever is there",
            ));
        }
        Ok(IfMatch::parse(&text.join(",")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_follows_the_content_and_only_strong_ones_match() {
        let (one, two) = (Tag::of(&serde_json::json!({"a": 1})), Tag::of(&serde_json::json!({"a": 2})));
        assert_ne!(one, two);
        assert_eq!(one, Tag::of(&serde_json::json!({"a": 1})));
        let header = format!("\"x\", {}", one.quoted());
        assert!(IfMatch::parse(&header).check(&one).is_ok());
        assert_eq!(IfMatch::parse(&header).check(&two).unwrap_err().status, 412);
        assert!(IfMatch::parse(&format!("W/{}", one.quoted())).check(&one).is_err());
        assert!(IfMatch::parse(" * ").check(&two).is_ok());
        assert!(IfMatch::parse(&one.0).check(&one).is_err(), "a tag has quotes");
    }
}
