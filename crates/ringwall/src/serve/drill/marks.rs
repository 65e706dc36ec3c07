//! What a drill causes, told from what others do: by its names, which begin with ten random digits, and by its sources, a
//! loopback network that nobody else used when it began. It is marked in the logs and kept nowhere else.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{PoisonError, RwLock};

use guard::{Block, By};
use model::event::Event;

/// The field of a marked event.
const FIELD: &str = "drill";

/// The names and sources of the drill that runs, if one does.
#[derive(Debug, Default)]
pub struct Marks(RwLock<Option<Mark>>);

#[derive(Clone, Debug)]
struct Mark {
    sources: [u8; 3],
    /// As an address begins in a text.
    dotted: String,
    name: String,
}

impl Marks {
    /// From now on these are a drill's: addresses that begin with `sources`, texts that hold `name`.
    pub fn set(&self, sources: [u8; 3], name: &str) {
        let [a, b, c] = sources;
        let mark = Mark { sources, dotted: format!("{a}.{b}.{c}."), name: name.to_owned() };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(mark);
    }

    /// No drill runs any more.
    pub fn clear(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether `text` names an account that the drill has or made up.
    pub fn names(&self, text: &str) -> bool {
        self.ask(|mark| text.contains(&mark.name))
    }

    /// Whether the guard blocked one of its sources.
    pub fn caused(&self, block: &Block) -> bool {
        block.by == By::Guard && block.prefix.prefix_len() == 32 && self.holds(block.prefix.addr())
    }

    /// Whether an address is one of its sources.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.ask(|mark| match address.to_canonical() {
            IpAddr::V4(v4) => is_within(v4, mark.sources),
            IpAddr::V6(_) => false,
        })
    }

    /// Marks an event that the drill caused.
    pub fn mark(&self, event: &mut Event) {
        let hers = |mark: &Mark| {
            let speaks = |text: &str| text.contains(&mark.name) || text.contains(&mark.dotted);
            event.fields.iter().any(|(_, value)| speaks(value))
        };
        if self.ask(hers) {
            event.fields.push((FIELD, "true".to_owned()));
        }
    }

    fn ask(&self, question: impl FnOnce(&Mark) -> bool) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(question)
    }
}

/// Whether an address begins with these three parts.
pub fn is_within(address: Ipv4Addr, sources: [u8; 3]) -> bool {
    address.octets().starts_with(&sources)
}

/// Whether an event was caused by a drill.
pub fn is_marked(event: &Event) -> bool {
    event.fields.iter().any(|(name, _)| *name == FIELD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Wall;
    use model::event::AUTHENTICATION_FAILED;

    fn failure(account: &str, source: &str) -> Event {
        let event = Event::new(&AUTHENTICATION_FAILED, Wall::from_millis(0));
        event.with("account", account).with("source", source)
    }

    #[test]
    fn only_what_the_drill_causes_is_marked_and_nothing_once_it_is_over() {
        let marks = Marks::default();
        let marked = |account, source| {
            let mut event = failure(account, source);
            marks.mark(&mut event);
            is_marked(&event)
        };
        assert!(!marked("101", "127.100.7.3:5060"));
        marks.set([127, 100, 7], "9123456789");
        assert!(marked("101", "127.100.7.3:5060") && marked("91234567891", "198.51.100.7:5060"));
        assert!(!marked("101", "127.100.8.3:5060") && !marked("101", "198.51.100.7:5060"));
        assert!(marks.names("91234567891") && !marks.names("101"));
        assert!(marks.holds("::ffff:127.100.7.9".parse().unwrap()));
        marks.clear();
        assert!(!marked("91234567891", "127.100.7.3:5060"));
    }
}
