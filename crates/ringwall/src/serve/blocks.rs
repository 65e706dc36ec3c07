//! Blocks: those of before a restart, the list for people, and those that people make and lift.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use api::body::{Block as Row, BlockScope, Unblocked};
use api::{BlockWish, Problem};
use calls::Command;
use guard::{Block, By, Gate, MAX_WHY, Scope};
use ipnet::{IpNet, Ipv4Net};
use model::Wall;
use net::{ControlHandle, Offload};
use store::Store;

use super::now;

/// How long the disk is waited for before an administrator is told that it refuses.
const DISK_PATIENCE: Duration = Duration::from_secs(5);

/// The longest time that somebody can be blocked for: ends far beyond it can't be written as a date.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Networks wider than these are asked about: a sixth of a continent, or a provider's whole allocation.
const WIDEST_V4: u8 = 8;
/// The same for IPv6.
const WIDEST_V6: u8 = 32;
/// More blocks than these are lifted only when somebody says that he means it, as with deletions of `apply`.
const MANY: usize = 20;

/// Puts the blocks of before a restart into the gate, before anything listens. What can't be read was written by another
/// release and is passed over: its failures are counted anew.
pub fn restore(bodies: &[String], gate: &Gate) -> Vec<Block> {
    let blocks: Vec<Block> = bodies.iter().filter_map(|body| serde_json::from_str(body).ok()).collect();
    for block in blocks.iter().filter(|block| block.scope == Scope::Address) {
        gate.block(block.prefix);
    }
    blocks
}

/// The same for the kernel.
pub fn mirror(blocks: &[Block], kernel: &Offload) {
    for block in blocks.iter().filter(|block| block.scope == Scope::Address) {
        kernel.block(block.prefix, block.until);
    }
}

/// A block as the command line shows it.
pub fn row(block: Block) -> Row {
    let evidence = &block.evidence;
    Row {
        address: block.shown(),
        scope: match block.scope {
            Scope::Address => BlockScope::Address,
            Scope::Account(_) => BlockScope::Account,
        },
        service: evidence.services.join(","),
        accounts: evidence.accounts.clone(),
        accounts_tried: evidence.accounts_tried,
        user_agents: evidence.agents.clone(),
        failures: evidence.failures,
        first: evidence.first,
        last: evidence.last,
        until: block.until,
        by: match &block.by {
            By::Guard => "guard".to_owned(),
            By::Name(name) => name.clone(),
        },
        evidence: block.sentence(),
        notes: Vec::new(),
    }
}

/// Reads an address or a prefix.
///
/// # Errors
/// It is neither.
#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
fn prefix(text: &str) -> Result<IpNet, Problem> {
    let address = || text.parse().ok().map(|address: std::net::IpAddr| IpNet::from(address.to_canonical()));
    let found = address().or_else(|| text.parse().ok()).ok_or_else(|| {
        Problem::bad_request(format!(
            "{text:?} is neither an address nor a prefix; write it like 198.51.100.7, 198.51.100.0/24 or 2001:db8::/48"
        ))
    })?;
    // A slip of the pen, and a whole network is silent.
    if found.trunc() != found {
        return Err(Problem::bad_request(format!(
            "{found} is an address within a prefix; write {} for it alone, or {} for the whole network",
            found.addr(),
            found.trunc()
        )));
    }
    Ok(canonical(found))
}

/// IPv4 written as IPv6 is IPv4, as it is at the gate.
fn canonical(prefix: IpNet) -> IpNet {
    let within =
        prefix.prefix_len().checked_sub(96).and_then(|length| match prefix.network().to_canonical() {
            IpAddr::V4(v4) if matches!(prefix, IpNet::V6(_)) => Ipv4Net::new(v4, length).ok(),
            _ => None,
        });
    within.map_or(prefix, IpNet::V4)
}

/// Blocks; the block as it is in force when this returns, and on the disk.
///
/// # Errors
/// It can't be read, or the disk refuses.
pub async fn block(
    control: &ControlHandle,
    store: &Store,
    author: String,
    address: &str,
    wish: BlockWish,
) -> Result<Row, Problem> {
    let prefix = prefix(address)?;
    if prefix.prefix_len() == 0 {
        return Err(Problem::refused(format!(
            "{prefix} is everybody; restrict a service with a row of [firewall] instead"
        )));
    }
    let BlockWish { period, why, yes } = wish;
    refuse_slip(prefix, &why, yes)?;
    // Refused before it replaces a block that stands, and so lifts it.
    if period.is_some_and(|period| period.is_zero()) {
        return Err(Problem::refused(
            "no time at all blocks nobody; name a longer one, or ringwall unblock lets somebody in again",
        ));
    }
    if period.is_some_and(|period| period > LONGEST) {
        return Err(Problem::bad_request(
            "the longest time is ten years; without a time it is until lifted".to_owned(),
        ));
    }
    if control.ask(move |exchange, _| exchange.trusts(prefix)).await.map_err(|_| Problem::stopping())? {
        return Err(Problem::refused(format!(
            "{prefix} is in the address group of security.guessing.trusted, which is never blocked; take it out of that group first"
        )));
    }
    let until: Option<Wall> = period.map(|period| now().after(period));
    control.command(Command::Block { prefix, until, author, why });
    let found = control
        .ask(move |exchange, now| (exchange.block_of(now, prefix), exchange.registered_within(prefix)));
    let (found, phones) = found.await.map_err(|_| Problem::stopping())?;
    on_disk(store).await?;
    let notes = notes(prefix, phones);
    found
        .map(|block| Row { notes, ..row(block) })
        .ok_or_else(|| Problem::refused("its time was over at once; name a longer one"))
}

/// Lifts blocks and sets counters to zero.
///
/// # Errors
/// It can't be read, or the disk refuses.
pub async fn unblock(
    control: &ControlHandle,
    store: &Store,
    author: String,
    address: &str,
    yes: bool,
) -> Result<Unblocked, Problem> {
    let prefix = prefix(address)?;
    let before = control.ask(move |exchange, now| exchange.blocks_within(now, prefix));
    let before = before.await.map_err(|_| Problem::stopping())?;
    if before > MANY && !yes {
        return Err(Problem::refused(format!(
            "{before} blocks lie within {prefix} or around it; lift them all with --yes (yes=true), or name a smaller network"
        )));
    }
    // Also where nothing is blocked: the counters begin anew.
    control.command(Command::Unblock { prefix, author });
    // Answered after the command: they are lifted.
    control.ask(|exchange, _| exchange.blocked()).await.map_err(|_| Problem::stopping())?;
    on_disk(store).await?;
    Ok(Unblocked { lifted: before })
}

/// What is refused before anything is done.
#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
fn refuse_slip(prefix: IpNet, why: &str, yes: bool) -> Result<(), Problem> {
    if why.chars().count() > MAX_WHY {
        return Err(Problem::bad_request(format!("why: write up to {MAX_WHY} characters")));
    }
    let widest = match prefix {
        IpNet::V4(_) => WIDEST_V4,
        IpNet::V6(_) => WIDEST_V6,
    };
    if prefix.prefix_len() < widest && !yes {
        return Err(Problem::refused(format!(
            "{prefix} is a large part of the Internet; if it is meant, say so with --yes (yes=true), or name a network of /{widest} or smaller"
        )));
    }
    Ok(())
}

/// Whom a block shuts out that may not be meant.
fn notes(prefix: IpNet, phones: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if phones > 0 {
        let phones = if phones == 1 { "1 phone is".to_owned() } else { format!("{phones} phones are") };
        notes.push(format!(
            "{phones} registered from {prefix}: running calls can be finished, and nothing else until it is unblocked"
        ));
    }
    let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    if loopback.iter().any(|address| prefix.contains(address)) {
        notes.push(format!(
            "{prefix} holds this machine's own loopback: whatever runs beside the PBX is shut out too; the command line goes on"
        ));
    }
    notes
}

async fn on_disk(store: &Store) -> Result<(), Problem> {
    if store.blocks().written(DISK_PATIENCE).await {
        return Ok(());
    }
    Err(Problem::failed(
        "it is in force, but the disk refuses it, so a restart would forget it; look at the error log and free space",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_whole_network_is_meant_and_ipv4_is_ipv4_however_it_is_written() {
        for (text, expected) in [
            ("198.51.100.7", "198.51.100.7/32"),
            ("198.51.100.0/24", "198.51.100.0/24"),
            ("2001:db8::/48", "2001:db8::/48"),
            ("::ffff:198.51.100.7", "198.51.100.7/32"),
            ("::ffff:198.51.100.7/128", "198.51.100.7/32"),
            ("::ffff:198.51.100.0/120", "198.51.100.0/24"),
        ] {
            assert_eq!(prefix(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "office", "198.51.100.7/16", "198.51.100.0/33", "2001:db8::1/48", "198.51.100"] {
            assert!(prefix(text).is_err(), "{text}");
        }
    }
}
