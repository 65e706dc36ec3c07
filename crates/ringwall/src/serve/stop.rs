//! Signals, and the end in order: no new calls, time for running ones, then everything is written and closed.

use std::time::Duration;

use calls::Command;
use net::ControlHandle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

use super::certificates::Occasion;
use super::desk::Desk;
use crate::failure::{Failure, words};

/// How long phones are given to answer our last BYEs: two retransmissions (RFC 3261 timer E at 0.5 and 1 s).
const LAST_BYES: Duration = Duration::from_secs(2);
/// How long requests on the control socket are given to be answered.
pub const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// Between two looks whether certificates end soon, which they do with a month's notice.
const LOOK_AT_CERTIFICATES: Duration = Duration::from_secs(6 * 3_600);
/// Between two looks whether calls still run.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The signals that a server hears.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Hears them from now on.
    ///
    /// # Errors
    /// The system forbids it.
    pub fn listen() -> Result<Signals, Failure> {
        let hear = |kind| {
            signal(kind)
                .map_err(|error| Failure::failed(format!("signals can't be received: {}", words(&error))))
        };
        Ok(Signals {
            terminate: hear(SignalKind::terminate())?,
            interrupt: hear(SignalKind::interrupt())?,
            hangup: hear(SignalKind::hangup())?,
        })
    }

    /// Until SIGTERM or SIGINT.
    pub async fn until_stop(&mut self, desk: &Desk) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => desk.look_after_certificates(Occasion::Asked).await,
                () = tokio::time::sleep(LOOK_AT_CERTIFICATES) => desk.look_after_certificates(Occasion::Time).await,
            }
        }
    }

    async fn again(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Lets running calls end within `drain`, then ends them. Another signal hurries.
pub async fn drain(control: &ControlHandle, drain: Duration, signals: &mut Signals) {
    control.command(Command::Drain);
    tokio::select! {
        () = until(control, drain, |exchange, now| exchange.calls(now).is_empty()) => {}
        () = signals.again() => {}
    }
    control.command(Command::EndAll);
    tokio::select! {
        // A dialog is gone once its BYE is sent; the transaction is there as long as the BYE may have to be repeated.
        () = until(control, LAST_BYES, |exchange, _| exchange.held().transactions == 0) => {}
        () = signals.again() => {}
    }
}

/// Until `done`, or `most` has passed, or the exchange is gone.
async fn until(control: &ControlHandle, most: Duration, done: fn(&calls::Exchange, model::Now) -> bool) {
    let deadline = Instant::now() + most;
    while Instant::now() < deadline {
        match control.ask(move |exchange, now| done(exchange, now)).await {
            Ok(false) => tokio::time::sleep(LOOK_EVERY).await,
            Ok(true) | Err(_) => return,
        }
    }
}

/// Done when the server says that it stops.
pub async fn told(mut stop: watch::Receiver<bool>) {
    // An error means that the server has gone without a word, which says the same.
    let _ = stop.wait_for(|stopping| *stopping).await;
}
