//! `application/simple-message-summary` (RFC 3842): what a phone's message lamp is told of a mailbox.

use std::fmt::Write as _;

use bytes::Bytes;

/// The media type of these bodies.
pub const MEDIA_TYPE: &str = "application/simple-message-summary";

/// How many voice messages a mailbox holds. None at all is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Summary {
    /// Not heard yet.
    pub new: u32,
    /// Heard and kept.
    pub old: u32,
    /// Urgent ones among the new.
    pub urgent_new: u32,
    /// Urgent ones among the old.
    pub urgent_old: u32,
}

impl Summary {
    /// Writes the body (RFC 3842 section 5.2). `account`: the mailbox's URI.
    pub fn write(&self, account: &str) -> Bytes {
        let waiting = if self.new > 0 { "yes" } else { "no" };
        let Summary { new, old, urgent_new, urgent_old } = self;
        let mut text = String::with_capacity(128);
        // Writing to a String cannot fail.
        let _ = write!(text, "Messages-Waiting: {waiting}\r\nMessage-Account: ");
        text.extend(account.chars().map(|c| if c.is_control() { ' ' } else { c }));
        let _ = write!(text, "\r\nVoice-Message: {new}/{old} ({urgent_new}/{urgent_old})\r\n");
        Bytes::from(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_mailbox_waits_for_nothing() {
        let body = Summary::default().write("sip:101@pbx.example.com");
        let expected = "Messages-Waiting: no\r\nMessage-Account: sip:101@pbx.example.com\r\n\
            Voice-Message: 0/0 (0/0)\r\n";
        assert_eq!(&body[..], expected.as_bytes());
    }

    #[test]
    fn new_messages_light_the_lamp_and_an_account_adds_no_line() {
        let body =
            Summary { new: 2, old: 8, urgent_new: 1, urgent_old: 0 }.write("sip:1\r\nFax-Message: 9/9@x");
        let body = std::str::from_utf8(&body).expect("UTF-8");
        assert!(body.starts_with("Messages-Waiting: yes\r\n"), "{body}");
        assert!(body.ends_with("\r\nVoice-Message: 2/8 (1/0)\r\n"), "{body}");
        assert_eq!(body.lines().count(), 3, "{body}");
    }
}
