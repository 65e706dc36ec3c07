//! What the user of a guessed extension is told when somebody who looks after the office asks for it (SPEC R4.9).
//!
//! Plain words for a person who does not look after telephone systems. No password is ever in it.

use std::fmt::Write as _;
use std::net::IpAddr;

use model::{Id, Wall};

use super::letter::{Letter, shown};

/// What somebody is told of the attack on his extension. Texts are as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whom to tell.
    pub to: String,
    /// What that person is called.
    pub name: String,
    /// When it is written.
    pub at: Wall,
    /// The extension.
    pub extension: String,
    /// Wrong passwords.
    pub failures: u64,
    /// Addresses they came from, at least.
    pub addresses: usize,
    /// How many of them are blocked now.
    pub blocked: usize,
    /// The first wrong password.
    pub first: Wall,
    /// The last one.
    pub last: Wall,
    /// What the clients said they are.
    pub agents: Vec<String>,
    /// From where somebody gave the right password after many wrong ones.
    pub entered: Option<IpAddr>,
    /// When the password was changed since.
    pub changed: Option<Wall>,
}

/// Names of clients that are told: whoever guesses chooses them, and two or three say enough.
const AGENTS: usize = 3;

impl Notice {
    /// The letter.
    pub(super) fn letter(&self, id: Id, office: &str) -> Letter {
        let (office, extension) = (shown(office), shown(&self.extension));
        let mut text = format!("Dear {},\n\nWhat happened\n", shown(&self.name));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "Somebody guessed at the password of your telephone (extension {extension}): {}, from {}.\n\
             First: {}\nLast:  {}",
            counted(self.failures, "wrong password", "wrong passwords"),
            counted(u64::try_from(self.addresses).unwrap_or(u64::MAX), "address", "addresses"),
            self.first,
            self.last,
        );
        if !self.agents.is_empty() {
            let names: Vec<String> = self.agents.iter().take(AGENTS).map(|name| shown(name)).collect();
            let _ = writeln!(text, "What was used called itself: {}", names.join(", "));
        }
        match self.entered {
            None => text.push_str("Nobody got in with a guessed password.\n"),
            Some(address) => {
                let _ = writeln!(
                    text,
                    "From {address} somebody then gave the right password. If that was not you, your telephone was used by \
                     somebody else."
                );
            }
        }
        let _ = write!(text, "\nWhat was done\n{}\n{}\n", self.password(), self.addresses_held());
        let _ = write!(text, "\nWhat to do\n{}", self.advice());
        let subject = format!("[{office}] Somebody guesses the password of extension {extension}");
        Letter { id, to: self.to.clone(), subject, text, written: self.at }
    }

    fn password(&self) -> String {
        match self.changed {
            Some(at) => format!("The password of your telephone was changed at {at}."),
            None => "The password of your telephone was not changed.".to_owned(),
        }
    }

    fn addresses_held(&self) -> String {
        match self.blocked {
            0 => "None of the addresses is blocked now.".to_owned(),
            1 => "1 of the addresses is blocked now.".to_owned(),
            many => format!("{many} of the addresses are blocked now."),
        }
    }

    fn advice(&self) -> String {
        let phone = match self.changed {
            Some(_) => {
                "Your telephone needs the new password: you get it from who looks after the telephones, not by mail.\n"
            }
            None => "Your telephone goes on as it is.\n",
        };
        format!(
            "{phone}Tell who looks after the telephones if you find calls that you did not make, if your telephone does not \
             work, or if you gave the wrong passwords yourself.\nNever write a password in a letter, whoever asks for it.\n"
        )
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Notice {
        Notice {
            to: "anna@example.test".to_owned(),
            name: "Anna".to_owned(),
            at: Wall::from_millis(9_000),
            extension: "101".to_owned(),
            failures: 7,
            addresses: 2,
            blocked: 1,
            first: Wall::from_millis(1_000),
            last: Wall::from_millis(8_000),
            agents: vec!["friendly-scanner".to_owned()],
            entered: None,
            changed: None,
        }
    }

    fn text(notice: &Notice) -> String {
        notice.letter(Id::from_bits(1), "Office").text
    }

    #[test]
    fn a_notice_says_what_happened_what_was_done_and_what_to_do() {
        let plain = text(&notice());
        for part in [
            "7 wrong passwords, from 2 addresses",
            "Nobody got in",
            "was not changed",
            "1 of the addresses is",
        ] {
            assert!(plain.contains(part), "{part}\n{plain}");
        }
        let entered = Some("198.51.100.1".parse().unwrap());
        let worse = text(&Notice { entered, changed: Some(Wall::from_millis(8_500)), ..notice() });
        for part in ["From 198.51.100.1 somebody then gave", "was changed at 1970", "needs the new password"]
        {
            assert!(worse.contains(part), "{part}\n{worse}");
        }
        assert!(!worse.contains("Nobody got in"));
    }

    #[test]
    fn hostile_names_stay_on_their_line_in_a_notice() {
        let hostile = "x\r\nBcc: all@victim.test\u{202e}\u{2028}";
        let agents = vec![hostile.to_owned(); 9];
        let told = Notice { name: hostile.to_owned(), agents, ..notice() }.letter(Id::from_bits(1), hostile);
        assert!(!told.text.contains(['\r', '\u{202e}', '\u{2028}']) && !told.subject.contains(['\r', '\n']));
        assert!(!told.text.lines().any(|line| line.starts_with("Bcc")), "{}", told.text);
        let lines = |notice: &Notice| text(notice).lines().count();
        assert_eq!(told.text.lines().count(), lines(&notice()));
    }
}
