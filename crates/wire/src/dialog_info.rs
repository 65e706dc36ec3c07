//! `application/dialog-info+xml` (RFC 4235): what a busy lamp is told of an extension's calls.
//!
//! Written, never read. Only what a lamp needs is here: how far each call is and who began it, not with whom. Whatever
//! a value holds, it stays one value: markup is escaped and what XML 1.0 can't hold at all becomes U+FFFD.

use std::fmt::Write as _;

use bytes::Bytes;

/// The media type of these documents.
pub const MEDIA_TYPE: &str = "application/dialog-info+xml";

/// How far a dialog is (RFC 4235 section 3.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Somebody dialled, nobody rings yet.
    Trying,
    /// It rings.
    Early,
    /// They talk, or one holds the other.
    Confirmed,
    /// It is over; told once.
    Terminated,
}

impl State {
    /// The element's text.
    pub const fn text(self) -> &'static str {
        match self {
            State::Trying => "trying",
            State::Early => "early",
            State::Confirmed => "confirmed",
            State::Terminated => "terminated",
        }
    }
}

/// Who began a dialog (RFC 4235 section 4.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// The watched extension calls.
    Initiator,
    /// It is called.
    Recipient,
}

impl Direction {
    /// The attribute's value.
    pub const fn text(self) -> &'static str {
        match self {
            Direction::Initiator => "initiator",
            Direction::Recipient => "recipient",
        }
    }
}

/// One call of the watched extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialog {
    /// Tells the extension's calls apart; the same in every document.
    pub id: u128,
    /// Who began it; `None`: no longer known.
    pub direction: Option<Direction>,
    /// How far it is.
    pub state: State,
}

/// Writes a document with the full state (RFC 4235 section 4.1). `version` grows by one with each document that a
/// subscriber is sent; `entity` is the URI that is watched.
pub fn write(version: u32, entity: &str, dialogs: impl IntoIterator<Item = Dialog>) -> Bytes {
    let mut text = String::with_capacity(512);
    text.push_str("<?xml version=\"1.0\"?>\r\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\"");
    // Writing to a String cannot fail.
    let _ = write!(text, " version=\"{version}\" state=\"full\" entity=\"{}\">\r\n", escaped(entity));
    for dialog in dialogs {
        let _ = write!(text, "<dialog id=\"{:032x}\"", dialog.id);
        if let Some(direction) = dialog.direction {
            let _ = write!(text, " direction=\"{}\"", direction.text());
        }
        let _ = write!(text, "><state>{}</state></dialog>\r\n", dialog.state.text());
    }
    text.push_str("</dialog-info>\r\n");
    Bytes::from(text)
}

/// Text that can stand in an element or an attribute (XML 1.0 sections 2.2 and 2.4).
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => text.push('\u{fffd}'),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &Bytes) -> &str {
        std::str::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_document_holds_version_entity_and_each_dialog() {
        let dialogs = [
            Dialog { id: 0x17, direction: Some(Direction::Recipient), state: State::Early },
            Dialog { id: 0x18, direction: None, state: State::Terminated },
        ];
        let document = write(7, "sip:102@pbx.example.com", dialogs);
        let expected = "<?xml version=\"1.0\"?>\r\n\
            <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"7\" state=\"full\" \
            entity=\"sip:102@pbx.example.com\">\r\n\
            <dialog id=\"00000000000000000000000000000017\" direction=\"recipient\"><state>early</state></dialog>\r\n\
            <dialog id=\"00000000000000000000000000000018\"><state>terminated</state></dialog>\r\n\
            </dialog-info>\r\n";
        assert_eq!(text(&document), expected);
    }

    #[test]
    fn hostile_text_stays_inside_its_attribute() {
        let document = write(0, "sip:\"/><dialog id='1'>&\u{0}\u{7}\r\n@x", []);
        let document = text(&document);
        assert!(document.contains("sip:&quot;/&gt;&lt;dialog id=&apos;1&apos;&gt;&amp;"), "{document}");
        assert_eq!(document.matches('<').count(), 3, "{document}");
        let allowed = |c: char| !c.is_control() || matches!(c, '\r' | '\n');
        assert!(document.chars().all(allowed), "{document:?}");
    }
}
