//! The letter to the users of a guessed extension (SPEC R4.9): what it says, whom it goes to, and how often.
//!
//! Not here: its words (`links`), and the queue that carries it.

use std::collections::VecDeque;
use std::time::Duration;

use api::letters::UserTold;
use api::{Author, Problem};
use guard::{Block, Scope, View};
use links::mail::{Notice, Unwritten};
use model::Wall;
use model::config::{Extension, Office};
use model::event::{self, Event};

use super::letters::too_many;
use super::office::Reception;
use super::{attacks, now};

/// How long no second letter about an extension goes out: its user has read the first one by then.
const PAUSE: Duration = Duration::from_secs(3_600);
/// Extensions that are written about within [`PAUSE`]: more than a person answers for, and the warnings' queue keeps its room.
const AT_MOST: usize = 60;
/// Users of one extension who are told.
const MAX_USERS: usize = 5;
/// How long the disk is waited for before it is said that it refuses.
const DISK_PATIENCE: Duration = Duration::from_secs(10);
/// One or two slips before the right password are a person's; who needed more may have found it.
const SLIPS: u64 = 2;

/// Which extensions were written about within [`PAUSE`], oldest first. A restart forgets it, as it forgets the attacks.
#[derive(Default)]
pub struct Told(VecDeque<(String, Wall)>);

impl Told {
    /// Whether a letter about `extension` may go now.
    #[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
    fn admit(&mut self, extension: &str, at: Wall) -> Result<(), Problem> {
        // A clock that was set back does not count as waiting.
        self.0.retain(|(_, before)| *before <= at && at.saturating_since(*before) < PAUSE);
        if let Some((_, before)) = self.0.iter().find(|(known, _)| known == extension) {
            return Err(too_many(&format!(
                "the user of extension {extension} was written to at {before}; the next letter can go at {}",
                before.after(PAUSE)
            )));
        }
        if self.0.len() >= AT_MOST {
            return Err(too_many(&format!(
                "{AT_MOST} users were written to within an hour; wait for a while, or tell them by telephone"
            )));
        }
        Ok(())
    }
}

/// Writes to the users of `extension`.
pub async fn tell(desk: &Reception, author: Author, extension: &str) -> Result<UserTold, Problem> {
    let office = desk.office();
    let Some(found) = office.extensions.get(extension).map(|object| &object.value) else {
        return Err(Problem::not_found(format!("there is no extension {extension}")));
    };
    if office.mail.host.is_none() {
        return Err(Problem::refused(
            "no mail server is set; name one in the section mail and save it first",
        ));
    }
    let users = users(&office, extension);
    if users.is_empty() {
        return Err(Problem::refused(format!(
            "no user with an e-mail address has extension {extension}; write one at its user and save it first"
        )));
    }
    let blocks = desk.ask(|exchange, now| exchange.blocks(now)).await?;
    let at = now();
    let tried = desk.pulse().tried(Wall::from_millis(0));
    let Some(mut notice) = notice(found, &tried, &blocks, at) else {
        return Err(Problem::refused(format!(
            "nobody gave a wrong password for extension {extension} within the last day; there is nothing to write"
        )));
    };
    let renewed = found.lines.iter().filter_map(|line| desk.desk().renewed.last(&line.username)).max();
    notice.changed = renewed.filter(|changed| *changed >= notice.first);

    let mut told = desk.writer().told.lock().await;
    told.admit(extension, at)?;
    let mut to = Vec::new();
    for (name, address) in users {
        let letter = Notice { to: address.clone(), name, ..notice.clone() };
        match tokio::time::timeout(DISK_PATIENCE, desk.writer().counter.write(letter)).await {
            Ok(Ok(())) => to.push(address),
            // Those who are told are named; who asks again tells them a second time only after the pause.
            _ if !to.is_empty() => break,
            Ok(Err(why)) => return Err(unwritten(why)),
            Err(_) => return Err(unwritten(Unwritten::Disk)),
        }
    }
    told.0.push_back((extension.to_owned(), at));
    let event = Event::new(&event::USER_TOLD, at).with("extension", extension);
    desk.logs().write(event.with("to", to.join(",")).with("author", author));
    Ok(UserTold { extension: extension.to_owned(), to, next: at.after(PAUSE) })
}

fn unwritten(why: Unwritten) -> Problem {
    match why {
        Unwritten::NoAccount => {
            Problem::refused("no mail server is set, or no sender; look at the section mail")
        }
        Unwritten::TooMany => too_many(
            "too many letters wait for the mail server; `ringwall log warning` says why it does not take them",
        ),
        Unwritten::Disk => Problem::failed(
            "the letter was not written: the disk does not take it; `ringwall status` names it",
        ),
        Unwritten::Stopping => Problem::stopping(),
    }
}

/// The users with an address who have the extension: name and address.
fn users(office: &Office, extension: &str) -> Vec<(String, String)> {
    let theirs =
        office.users.values().map(|user| &user.value).filter(|user| {
            !user.email.is_empty() && user.extensions.iter().any(|number| number == extension)
        });
    let named = theirs.map(|user| {
        let name = if user.name.is_empty() { &user.login } else { &user.name };
        (name.clone(), user.email.clone())
    });
    named.take(MAX_USERS).collect()
}

/// What is known of the attack on the lines of an extension; `None`: there was none.
fn notice(extension: &Extension, tried: &View, blocks: &[Block], at: Wall) -> Option<Notice> {
    let is_line = |name: &str| extension.lines.iter().any(|line| line.username == name);
    let accounts: Vec<_> = tried.accounts.iter().filter(|row| is_line(&row.account)).collect();
    let sources: Vec<_> =
        tried.addresses.iter().filter(|row| row.accounts.iter().any(|name| is_line(name))).collect();
    let entered = sources
        .iter()
        .find(|row| row.failures > SLIPS && row.entered.as_deref().is_some_and(is_line))
        .map(|row| row.address);
    let mut agents: Vec<String> = Vec::new();
    for block in blocks.iter().filter(|block| block.evidence.accounts.iter().any(|name| is_line(name))) {
        for agent in &block.evidence.agents {
            if !agents.contains(agent) {
                agents.push(agent.clone());
            }
        }
    }
    let refused = |row: &&&guard::Attacker| {
        attacks::block_of(row.address, blocks).is_some()
            || blocks.iter().any(|block| {
                matches!(&block.scope, Scope::Account(name) if is_line(name))
                    && block.prefix.contains(&row.address)
            })
    };
    Some(Notice {
        to: String::new(),
        name: String::new(),
        at,
        extension: extension.number.clone(),
        failures: accounts.iter().fold(0, |sum, row| sum.saturating_add(row.failures)),
        addresses: accounts.iter().map(|row| row.addresses).max()?.max(sources.len()),
        blocked: sources.iter().filter(refused).count(),
        first: accounts.iter().map(|row| row.first).min()?,
        last: accounts.iter().map(|row| row.last).max()?,
        agents,
        entered,
        changed: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_letter_about_an_extension_waits_an_hour_and_is_told_until_when() {
        let mut told = Told::default();
        let at = |minutes: i64| Wall::from_millis(minutes * 60_000);
        told.admit("101", at(0)).unwrap();
        told.0.push_back(("101".to_owned(), at(0)));
        let refused = told.admit("101", at(59)).unwrap_err();
        assert_eq!(refused.status, 429);
        assert!(refused.detail.contains(&at(60).to_string()), "{refused}");
        told.admit("102", at(59)).unwrap();
        told.admit("101", at(60)).unwrap();
    }

    #[test]
    fn no_more_users_are_written_to_within_an_hour_than_a_person_answers_for() {
        let mut told = Told::default();
        told.0.extend((0..AT_MOST).map(|n| (n.to_string(), Wall::from_millis(0))));
        assert_eq!(told.admit("new", Wall::from_millis(1)).unwrap_err().status, 429);
        told.admit("new", Wall::from_millis(3_600_000)).unwrap();
    }
}
