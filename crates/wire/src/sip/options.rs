//! Option tags: what a peer can (Supported) and what it insists on (Require), RFC 3261 section 19.2.
//!
//! Tags are compared without case, although the RFC defines them in lower case only: phones write `Replaces`.

use super::message::Message;
use super::name::Name;

impl Message {
    /// Whether the sender can do this; what it requires it can as well.
    pub fn supports(&self, tag: &str) -> bool {
        self.lists(Name::Supported, tag) || self.requires(tag)
    }

    /// Whether the sender insists on this.
    pub fn requires(&self, tag: &str) -> bool {
        self.lists(Name::Require, tag)
    }

    /// What the sender insists on and is not among `understood`: the value of Unsupported in a 420 (RFC 3261 section 8.2.2.3).
    pub fn not_understood<'a>(&'a self, understood: &'a [&'a str]) -> impl Iterator<Item = &'a [u8]> {
        let known = |tag: &[u8]| understood.iter().any(|known| tag.eq_ignore_ascii_case(known.as_bytes()));
        self.values(Name::Require).filter(move |tag| !known(tag))
    }
}
