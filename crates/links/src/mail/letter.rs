//! A letter, and how it looks to mail programs (RFC 5322).

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use model::{Id, Wall};

use super::Account;
use super::limits::MAX_SHOWN;

/// A letter. Subject and text are ours; texts of others in them went through `shown`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its id; the Message-ID is made of it.
    pub id: Id,
    /// Whom it goes to.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// The text, lines ending with `\n`.
    pub text: String,
    /// When it was written.
    pub written: Wall,
}

impl Letter {
    /// The message as it goes over the wire.
    ///
    /// # Errors
    /// An address that can't be one.
    pub(super) fn message(&self, account: &Account) -> Result<Message, String> {
        let address = |text: &str| {
            let address = text.parse().map_err(|why| format!("{} is no address: {why}", shown(text)))?;
            Ok::<Mailbox, String>(Mailbox::new(None, address))
        };
        let millis = u64::try_from(self.written.as_millis()).unwrap_or(0);
        Message::builder()
            .from(address(&account.from)?)
            .to(address(&self.to)?)
            .subject(one_line(&self.subject))
            .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(format!("<{}@{}>", self.id, account.domain())))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(self.text.clone())
            .map_err(|why| why.to_string())
    }
}

/// `Auto-Submitted: auto-generated`: nobody's absence notice answers it (RFC 3834 section 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<AutoSubmitted, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(AutoSubmitted::name(), "auto-generated".to_owned())
    }
}

/// Text from outside, fit for a letter: short, in one line, and nothing in it that is not seen or turns the direction of writing.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count >= MAX_SHOWN {
            shown.push_str("...");
            break;
        }
        if matches!(c, ' '..='~') || c.is_alphanumeric() {
            shown.push(c)
        } else {
            shown.extend(c.escape_unicode())
        }
    }
    shown
}

/// A header has one line, whatever its text says.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
