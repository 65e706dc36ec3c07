//! The attack view (SPEC R4.9) in the words of the console, and the stream of what happens.

use std::net::IpAddr;
use std::sync::Arc;

use api::live::{AttackView, Attacker, Minute, Note, Notes, TriedAccount};
use guard::{Block, By, Scope, Source, View};
use model::config::Office;
use tokio::sync::watch;

use super::pulse::{Listener, State};

/// Rows of each list that are shown: those that tried most, or were tried most often.
const SHOWN: usize = 200;

/// What is remembered, with what the office and the guard know of it now.
pub fn view(tried: View, blocks: &[Block], office: &Office) -> AttackView {
    let extension_of = |line: &str| {
        let holds = |extension: &&model::config::Object<model::config::Extension>| {
            extension.value.lines.iter().any(|known| known.username == line)
        };
        office.extensions.values().find(holds).map(|extension| extension.value.number.clone())
    };
    let sentence = sentence(&tried, blocks);
    let account = |row: guard::TriedAccount| {
        let extension = extension_of(&row.account);
        TriedAccount {
            exists: extension.is_some() || office.users.values().any(|user| user.value.login == row.account),
            extension,
            account: row.account,
            failures: row.failures,
            addresses: row.addresses,
            first: row.first,
            last: row.last,
            blocked: row.refused,
            spread: row.spread,
        }
    };
    let address = |row: guard::Attacker| {
        let block = block_of(row.address, blocks);
        Attacker {
            blocked: block.is_some(),
            blocked_until: block.and_then(|block| block.until),
            blocked_as: block.map(Block::shown),
            address: row.address,
            failures: row.failures,
            accounts: row.accounts,
            services: row.services,
            first: row.first,
            last: row.last,
            entered: row.entered,
        }
    };
    let minute = |row: guard::Minute| Minute { time: row.time, failures: row.failures, blocks: row.blocks };
    AttackView {
        sentence,
        accounts: tried.accounts.into_iter().take(SHOWN).map(account).collect(),
        addresses: tried.addresses.into_iter().take(SHOWN).map(address).collect(),
        timeline: tried.timeline.into_iter().map(minute).collect(),
    }
}

/// The block that refuses an address longest. What is remembered of IPv6 is a /64.
pub fn block_of(address: IpAddr, blocks: &[Block]) -> Option<&Block> {
    let refuses = |block: &&Block| {
        block.scope == Scope::Address
            && (block.prefix.contains(&address) || Source::of(block.prefix.addr()).address() == address)
    };
    // One without an end outlasts all others.
    blocks.iter().filter(refuses).max_by_key(|block| (block.until.is_none(), block.until))
}

/// What happened, and whether there is something to do.
fn sentence(tried: &View, blocks: &[Block]) -> String {
    if tried.addresses.is_empty() {
        return "Nobody gave a wrong password.".to_owned();
    }
    let failures: u64 = tried.timeline.iter().map(|minute| minute.failures).sum();
    let blocked =
        blocks.iter().filter(|block| block.scope == Scope::Address && block.by == By::Guard).count();
    let mut text = format!(
        "{} tried {} with {}",
        counted(tried.addresses.len(), "address", "addresses"),
        counted(tried.accounts.len(), "account", "accounts"),
        counted(usize::try_from(failures).unwrap_or(usize::MAX), "wrong password", "wrong passwords"),
    );
    text.push_str(&match blocked {
        0 => "; none is blocked now.".to_owned(),
        1 => "; 1 address is blocked now.".to_owned(),
        many => format!("; {many} addresses are blocked now."),
    });
    // One or two slips before the right password are a person's; who needed more may have found it.
    let entered: Vec<_> =
        tried.addresses.iter().filter(|row| row.failures > 2 && row.entered.is_some()).collect();
    match entered.first() {
        None => text.push_str(" Nobody got in."),
        Some(row) => {
            let account = row.entered.as_deref().unwrap_or_default();
            text.push_str(&format!(
                " From {} somebody then signed in as {account}: ask its user, and change its password if it was somebody else.",
                row.address
            ));
        }
    }
    if let Some(spread) = tried.accounts.iter().find(|account| account.spread) {
        text.push_str(&format!(
            " {} is tried from {} addresses, each below the limit.",
            spread.account, spread.addresses
        ));
    }
    text
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Tells `notes` how it was after `listener` began to listen (`state`) and what happens, until it is dropped, is too slow, or the
/// server stops.
pub fn tell(mut listener: Listener, state: State, notes: Notes, mut stop: watch::Receiver<bool>) {
    tokio::spawn(async move {
        for note in [Note::Status(state.status), Note::Calls(state.calls)] {
            if notes.try_send(Arc::new(note)).is_err() {
                return;
            }
        }
        loop {
            let note = tokio::select! {
                note = listener.next() => note,
                _ = stop.changed() => Some(Arc::new(Note::Bye("the server stops".to_owned()))),
                () = notes.closed() => return,
            };
            let Some(note) = note else { return };
            let last = matches!(&*note, Note::Bye(_));
            if notes.try_send(note).is_err() || last {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use guard::{Attacks, Tried};
    use model::Wall;

    fn fail(attacks: &mut Attacks, account: &str, source: &str) {
        let tried = Tried { service: "sip", account, source: source.parse().unwrap() };
        attacks.failed(Wall::from_millis(1_000), tried);
    }

    fn said(attacks: &Attacks) -> String {
        let tried = attacks.view(Wall::from_millis(2_000), Wall::from_millis(0));
        view(tried, &[], &Office::default()).sentence
    }

    #[test]
    fn the_sentence_says_how_many_tried_what_and_whether_anybody_got_in() {
        let mut attacks = Attacks::default();
        assert_eq!(said(&attacks), "Nobody gave a wrong password.");
        fail(&mut attacks, "101", "198.51.100.1");
        let one = "1 address tried 1 account with 1 wrong password; none is blocked now. Nobody got in.";
        assert_eq!(said(&attacks), one);
        attacks.signed_in("101", "198.51.100.1".parse().unwrap());
        assert_eq!(said(&attacks), one, "a slip before the right password is a person's");
        for _ in 0..2 {
            fail(&mut attacks, "101", "198.51.100.1");
        }
        assert!(said(&attacks).contains("From 198.51.100.1 somebody then signed in as 101"));
        fail(&mut attacks, "101", "198.51.100.2");
        fail(&mut attacks, "101", "198.51.100.3");
        assert!(said(&attacks).contains("101 is tried from 3 addresses"), "{}", said(&attacks));
    }

    fn block(prefix: &str, until: Option<i64>) -> Block {
        Block {
            prefix: prefix.parse().unwrap(),
            scope: Scope::Address,
            until: until.map(Wall::from_millis),
            by: By::Guard,
            evidence: guard::Evidence::default(),
        }
    }

    #[test]
    fn an_attacking_address_is_told_when_the_block_that_holds_longest_ends() {
        let mut attacks = Attacks::default();
        fail(&mut attacks, "101", "198.51.100.1");
        let told = |blocks: &[Block]| {
            let tried = attacks.view(Wall::from_millis(2_000), Wall::from_millis(0));
            let row = view(tried, blocks, &Office::default()).addresses.remove(0);
            (row.blocked, row.blocked_until.map(Wall::as_millis), row.blocked_as)
        };
        let own = block("198.51.100.1/32", Some(9_000));
        let around = block("198.51.100.0/24", None);
        assert_eq!(told(&[]), (false, None, None));
        assert_eq!(told(&[block("198.51.100.2/32", None)]), (false, None, None));
        let (blocked, until, name) = told(&[block("198.51.100.0/24", Some(5_000)), own.clone()]);
        assert_eq!((blocked, until, name.as_deref()), (true, Some(9_000), Some("198.51.100.1")));
        let (blocked, until, name) = told(&[around, own]);
        assert_eq!((blocked, until, name.as_deref()), (true, None, Some("198.51.100.0/24")));
    }
}
