//! `ringwall drill`: the rehearsal of an attack (SPEC R4.20). Says what it will do, asks, attacks the server from this
//! machine's loopback in steps, a file each, and says what came of it.
//!
//! What it may use is lent by the server (`serve::drill`) for as long as the connection is held: accounts that are in no
//! configuration, and a loopback network that nobody uses. All of it goes with the connection, also if this is killed.

mod console;
mod enumeration;
mod field;
mod flood;
mod forging;
mod guessing;
mod malformed;
mod media;
mod phone;
mod report;
mod strangers;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use api::drill::{Ground, Removed};
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::{Bytes, Incoming};
use tokio::signal::unix::{SignalKind, signal};

use self::field::{Field, Halt, MOST_GUESSES, MOST_PACKETS, MOST_SECONDS};
use self::report::{Finding, OUTSIDE, Report, Trial, Verdict};
use super::{complain, say, say_json};
use crate::cli::Drill;
use crate::client::{Client, Resource, read};
use crate::failure::{Failure, words};

/// How long the steps may take to notice that they are to stop: the longest wait of one of them.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A step: tries something, and says what it found.
type Step = fn(&Field, &mut Vec<Finding>) -> Result<(), Halt>;

/// The steps in their order, each with what the plan says of it.
const STEPS: [(&str, &str, Step); 8] = [
    (
        "enumeration",
        "ask for names that exist and names that do not, and compare the answers",
        enumeration::attack,
    ),
    (
        "guessing",
        "guess a password, then one password for many names, until the address is blocked",
        guessing::attack,
    ),
    ("forged sources", "answer challenges that were never given, in somebody else's place", forging::attack),
    (
        "strangers",
        "call inside and outside, and register, without a password; sign in without encryption where it is required",
        strangers::attack,
    ),
    ("malformed messages", "send broken messages, and look whether the server goes on", malformed::attack),
    ("floods", "send 4,000 packets at once, while a phone of the drill registers", flood::attack),
    ("media injection", "send foreign sound into a call between two phones of the drill", media::attack),
    ("console", "guess at the console's sign-in; ask its API without signing in", console::attack),
];

/// Rehearses an attack.
///
/// # Errors
/// No server, a refusal, wrong usage; code 1 if anything got through or it was stopped.
pub async fn drill(socket: &Path, options: Drill) -> Result<(), Failure> {
    let client = Client::new(socket);
    // No server: said before anybody is asked anything.
    client.get(Resource::new(&["status"])).await?;
    let plan = plan();
    if options.json {
        complain(plan.trim_end())
    } else {
        say(&plan)?
    }
    consent(options.yes)?;
    let report = rehearse(&client, socket).await?;
    if options.json {
        let text = serde_json::to_vec_pretty(&report).map_err(|error| Failure::failed(error.to_string()))?;
        say_json(&text)?;
    } else {
        say(&report.words())?;
    }
    if report.held { Ok(()) } else { Err(Failure::failed(report.conclusion())) }
}

/// What will be done.
fn plan() -> String {
    let mut text = String::from(
        "A drill attacks the running server from this machine, as somebody outside would, and says what got through.\n\n",
    );
    for (number, (name, what, _)) in (1..).zip(&STEPS) {
        text.push_str(&format!("{number}. {name}: {what}\n"));
    }
    text.push_str(&format!(
        "\nFrom: loopback addresses of its own, 127.100.X.0/24 with an X that nobody uses. Nothing leaves this machine.\n\
         Makes: three accounts with random names and passwords, in memory only; their registrations, and a call between two of them.\n\
         Rings: no phone but its own. Blocks: no address but its own.\n\
         Logs: its events say drill=true; nobody is mailed.\n\
         Limits: {MOST_PACKETS} packets, {MOST_SECONDS} seconds, {MOST_GUESSES} guesses at a time; it takes about a minute. Ctrl-C stops it.\n\
         Removes at its end, also if it is stopped or killed: its accounts, registrations, calls and blocks.\n\n"
    ));
    text
}

/// Asks, unless that was done.
fn consent(yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("nobody is here to be asked; add --yes if the drill is meant"));
    }
    complain("Begin? [yes/no]");
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(|error| Failure::failed(words(&error)))?;
    if matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::failed("nothing was done"))
}

async fn rehearse(client: &Client<'_>, socket: &Path) -> Result<Report, Failure> {
    let broken = |error: io::Error| Failure::failed(words(&error));
    // Before anything is made: from here on Ctrl-C stops in order.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(broken)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(broken)?;
    let began = Instant::now();
    let mut lease = client.open(Method::POST, Resource::new(&["drill"])).await?;
    let ground = first_line(&mut lease).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let field = Field::new(ground, socket, stop.clone()).map_err(broken)?;
    let mut attack = tokio::task::spawn_blocking(move || {
        let outcome = go(&field);
        let packets = field.packets();
        // A runtime of its own must not end within another's task.
        field.close();
        (outcome, packets)
    });
    let done = tokio::select! {
        done = &mut attack => Some(done),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        () = drain(&mut lease) => None,
    };
    let done = match done {
        Some(done) => Some(done),
        None => {
            stop.store(true, Ordering::Relaxed);
            tokio::time::timeout(STOP_WITHIN, attack).await.ok()
        }
    };
    let removed =
        client.ask(Method::DELETE, Resource::new(&["drill"]), Bytes::new(), "application/json").await;
    let removed = removed.ok().and_then(|body| read::<Removed>(&body).ok());
    let ((findings, ended), packets) = match done {
        Some(Ok(done)) => done,
        _ => ((Vec::new(), Some("a step did not stop in time")), 0),
    };
    let got_through = findings.iter().any(|finding| finding.verdict == Verdict::GotThrough);
    Ok(Report {
        held: !got_through && ended.is_none(),
        ended,
        findings,
        outside: &OUTSIDE,
        packets,
        seconds: began.elapsed().as_secs_f64(),
        removed,
    })
}

/// All steps; why it ended before the last one.
fn go(field: &Field) -> (Vec<Finding>, Option<&'static str>) {
    let mut findings = Vec::new();
    for (step, tried, attack) in STEPS {
        match attack(field, &mut findings) {
            Ok(()) => {}
            Err(Halt::Ended(why)) => return (findings, Some(why)),
            Err(Halt::Unable(why)) => {
                let expected = "that it can be tried";
                let trial = Trial { step, tried: tried.to_owned(), expected, cure: "" };
                findings.push(trial.found(Verdict::NotTested, why));
            }
        }
    }
    (findings, None)
}

/// The ground that the server lends.
async fn first_line(lease: &mut Incoming) -> Result<Ground, Failure> {
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = lease.frame().await {
        bytes.extend(frame.data_ref().into_iter().flatten());
        if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            return read(bytes.get(..end).unwrap_or_default());
        }
        if bytes.len() > api::MAX_BODY {
            break;
        }
    }
    Err(Failure::failed("the server lent nothing for a drill; look at its logs"))
}

/// Reads heartbeats until the server ends the drill.
async fn drain(lease: &mut Incoming) {
    while let Some(Ok(_)) = lease.frame().await {}
}
