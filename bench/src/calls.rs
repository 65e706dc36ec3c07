//! The load of calls: both ends are ours. The caller is challenged and answers; the callee rings and answers at once;
//! the caller hangs up when the call has lasted its time. What happens at either end is in `caller` and `callee`.

use crate::callee::Callees;
use crate::caller::{Callers, Due};
use crate::pace::{Pace, Timers};
use crate::phones::Phones;
use crate::register::Outcome;
use crate::sip::Reading;
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

/// Where a call's audio goes.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The server's address for the caller's audio.
    pub from_caller: SocketAddrV4,
    /// The server's address for the callee's audio.
    pub from_callee: SocketAddrV4,
}

/// Addresses that calls offer for audio: call number -> (the caller's, the callee's).
pub type MediaPlan = Box<dyn Fn(u32) -> (SocketAddrV4, SocketAddrV4)>;

/// Calls between phones: the first half of them calls the second.
pub struct Calls<'a> {
    phones: &'a mut Phones,
    callers: Callers,
    callees: Callees,
    timers: Timers<Due>,
}

impl<'a> Calls<'a> {
    /// `numbers[i]` is registered at phone `i`; phone `i` of the first half calls phone `i` of the second.
    pub fn new(phones: &'a mut Phones, server: SocketAddrV4, numbers: &[String], media: MediaPlan) -> Self {
        let half = numbers.len() / 2;
        let media: std::rc::Rc<dyn Fn(u32) -> (SocketAddrV4, SocketAddrV4)> = media.into();
        let callers = Callers::new(server, numbers, media.clone());
        Self { phones, callers, callees: Callees::new(half, media), timers: Timers::default() }
    }

    /// Offers `rate` calls a second for `duration`, each lasting `hold` once answered, and waits for the last one's end.
    pub fn run(&mut self, rate: u32, duration: Duration, hold: Duration) -> Outcome {
        self.callers.hold = Some(hold);
        self.offer(rate, duration)
    }

    /// Makes `count` calls that stay, and says where their audio goes; calls that failed have no route.
    pub fn establish(&mut self, count: u32, rate: u32) -> (Outcome, Vec<Option<Route>>) {
        self.callers.hold = None;
        let outcome = self.offer(rate, Duration::from_secs_f64(f64::from(count) / f64::from(rate)));
        let route = |call: u32| {
            let from_caller = self.callers.answers.get(&call).copied()?;
            Some(Route { from_caller, from_callee: self.callees.offers.get(&call).copied()? })
        };
        let routes = (0..count).map(route).collect();
        (outcome, routes)
    }

    /// Ends all calls that stayed.
    pub fn hang_up(&mut self) {
        let now = Instant::now();
        for call in self.callers.talking() {
            self.callers.hang_up(call, now, self.phones, &mut self.timers);
        }
        self.work(&mut Pace::new(1, Duration::ZERO));
    }

    fn offer(&mut self, rate: u32, duration: Duration) -> Outcome {
        self.callers.run += 1;
        let begin = Instant::now();
        let mut pace = Pace::new(rate, duration);
        self.work(&mut pace);
        let mut outcome = std::mem::take(&mut self.callers.outcome);
        outcome.offered = pace.total();
        outcome.lasted = begin.elapsed();
        outcome
    }

    /// Until all calls of this pace are over, or stay.
    fn work(&mut self, pace: &mut Pace) {
        while pace.next().is_some() || self.callers.pending > 0 {
            let now = Instant::now();
            self.callers.offer = pace.offer();
            while let Some(number) = pace.next_due(now) {
                self.callers.begin(number as u32, now, self.phones, &mut self.timers);
            }
            while let Some(due) = self.timers.due(now) {
                self.callers.due(due, now, self.phones, &mut self.timers);
            }
            let until = [pace.next(), self.timers.next()].into_iter().flatten().min();
            self.receive(until.unwrap_or(now + Duration::from_millis(10)));
        }
    }

    fn receive(&mut self, until: Instant) {
        let mut received: Vec<(usize, Vec<u8>)> = Vec::new();
        self.phones.receive(until, |phone, bytes| received.push((phone, bytes.to_vec())));
        let now = Instant::now();
        for (phone, bytes) in received {
            let message = Reading(&bytes);
            match message.status() {
                Some(status) => self.callers.answered(status, message, now, self.phones, &mut self.timers),
                None => self.callees.asked(phone, message, self.phones, self.callers.server),
            }
        }
    }
}
