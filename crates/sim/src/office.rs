//! An office to simulate: a directory built in a few words. Passwords follow from usernames, so that a phone needs
//! to be told nothing but its line.

use std::sync::Arc;
use std::time::Duration;

use model::directory::{DigestPolicy, Directory, Errand, Extension, Forwarding, Line, Nat, Times, WayOut};
use model::{DialString, Secret};

/// The office's SIP domain.
pub const DOMAIN: &str = "office.test";

/// The SIP password of a line.
pub fn password(username: &str) -> String {
    format!("the-secret-of-{username}")
}

/// A directory in the making.
#[derive(Clone, Debug)]
pub struct Office {
    directory: Directory,
}

impl Default for Office {
    fn default() -> Office {
        Office::new()
    }
}

impl Office {
    /// Nobody in it. Rings for 30 s at most, media may be silent for 10 s.
    pub fn new() -> Office {
        let mut directory = Directory::empty();
        directory.domain = DOMAIN.into();
        directory.realm = DOMAIN.into();
        directory.times = Times {
            ring_timeout: Duration::from_secs(30),
            dead_media: Duration::from_secs(10),
            ..Times::default()
        };
        Office { directory }
    }

    /// An office with these extensions, each with one line named like it.
    pub fn of(numbers: &[&str]) -> Office {
        numbers.iter().fold(Office::new(), |office, number| office.extension(number))
    }

    /// Adds an extension with one line named like it.
    #[must_use]
    pub fn extension(mut self, number: &str) -> Office {
        let extension = Extension {
            number: number.into(),
            description: format!("Phone {number}"),
            lines: Vec::new(),
            forwarding: Forwarding::default(),
            do_not_disturb: false,
        };
        self.directory.extensions.insert(number.into(), Arc::new(extension));
        self.line(number, number)
    }

    /// Adds a line to an extension.
    #[must_use]
    pub fn line(mut self, number: &str, username: &str) -> Office {
        let line = Line {
            username: username.into(),
            extension: number.into(),
            password: Secret::new(password(username)),
            digest: DigestPolicy::Both,
            nat: Nat::Off,
            encryption: model::directory::Encryption::Optional,
        };
        self.directory.lines.insert(username.into(), Arc::new(line));
        self.change(number, |extension| extension.lines.push(username.into()))
    }

    /// The line's phone sits behind a translating router.
    #[must_use]
    pub fn nat(self, username: &str) -> Office {
        self.change_line(username, |line| line.nat = Nat::On)
    }

    /// The line is challenged by this policy.
    #[must_use]
    pub fn digest(self, username: &str, policy: DigestPolicy) -> Office {
        self.change_line(username, |line| line.digest = policy)
    }

    /// The line has another password.
    #[must_use]
    pub fn password(self, username: &str, password: &str) -> Office {
        self.change_line(username, |line| line.password = Secret::new(password.to_owned()))
    }

    /// Forwards every call.
    #[must_use]
    pub fn forward_always(self, number: &str, to: &str) -> Office {
        self.change(number, |extension| extension.forwarding.always = Some(dial(to)))
    }

    /// Forwards calls that find it busy.
    #[must_use]
    pub fn forward_busy(self, number: &str, to: &str) -> Office {
        self.change(number, |extension| extension.forwarding.busy = Some(dial(to)))
    }

    /// Forwards calls that ring for longer than this.
    #[must_use]
    pub fn forward_no_answer(self, number: &str, to: &str, after: Duration) -> Office {
        self.change(number, |extension| extension.forwarding.no_answer = Some((dial(to), after)))
    }

    /// Forwards calls while no phone is there.
    #[must_use]
    pub fn forward_unreachable(self, number: &str, to: &str) -> Office {
        self.change(number, |extension| extension.forwarding.unreachable = Some(dial(to)))
    }

    /// Refuses calls as busy.
    #[must_use]
    pub fn do_not_disturb(self, number: &str) -> Office {
        self.change(number, |extension| extension.do_not_disturb = true)
    }

    /// Changes the times.
    #[must_use]
    pub fn times(mut self, change: impl FnOnce(&mut Times)) -> Office {
        change(&mut self.directory.times);
        self
    }

    /// Numbers that begin so leave the house over the phones of an extension: an outside line, in the place that trunks will
    /// have.
    #[must_use]
    pub fn way_out(mut self, prefix: &str, errand: Errand, over: &str) -> Office {
        let by = self.directory.extensions.get(over).cloned().expect("the extension was added before");
        self.directory.ways_out.push(WayOut { prefix: prefix.to_owned(), errand, by });
        self
    }

    /// The snapshot.
    pub fn directory(&self) -> Arc<Directory> {
        Arc::new(self.directory.clone())
    }

    /// Extension of a line.
    pub fn extension_of(&self, username: &str) -> Option<Arc<str>> {
        self.directory.lines.get(username).map(|line| line.extension.clone())
    }

    fn change(mut self, number: &str, change: impl FnOnce(&mut Extension)) -> Office {
        let extension = self.directory.extensions.get_mut(number).expect("the extension was added before");
        change(Arc::make_mut(extension));
        self
    }

    fn change_line(mut self, username: &str, change: impl FnOnce(&mut Line)) -> Office {
        let line = self.directory.lines.get_mut(username).expect("the line was added before");
        change(Arc::make_mut(line));
        self
    }
}

fn dial(text: &str) -> DialString {
    DialString::parse(text.as_bytes()).expect("a number that can be dialled")
}
