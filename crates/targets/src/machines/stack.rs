//! `sip::Stack`: bytes on several flows, and time. Calls are accepted or refused as a number of theirs has it.

use bytes::Bytes;
use model::{Entropy, Flow, FlowId, Mono, Now};
use sim::office::{DOMAIN, Office, password};
use sip::{Output, Refusal, SessionEvent, Stack};
use wire::sip::{Message, bad_request};

use super::script::{Machine, World};

const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

struct Subject {
    stack: Stack,
    refused: Vec<(FlowId, Bytes)>,
    sessions: Vec<sip::SessionId>,
    opened: usize,
}

/// Nothing panics, nothing is held in the end, and without credentials nothing was ever opened or registered.
pub fn stack(script: &[u8]) {
    let office = Office::of(&["101", "102"]).directory();
    let stack = Stack::new(office, Entropy::from_seed([7; 32]));
    let subject = Subject { stack, refused: Vec::new(), sessions: Vec::new(), opened: 0 };
    let mut world = World::new(subject);
    world.play(script);
    let opened = world.machine.opened;
    assert!(world.proved || opened == 0, "{opened} sessions without a proof");
    let now = world.now;
    for session in std::mem::take(&mut world.machine.sessions) {
        world.machine.stack.refuse(now, session, Refusal::new(480));
        world.machine.stack.end(now, session, sip::Cause::Normal);
    }
    world.pass(std::time::Duration::from_secs(3_600));
    let stack = &world.machine.stack;
    assert_eq!((stack.dialogs(), stack.transactions()), (0, 0), "dialogs and transactions are held");
    assert!(stack.registrations(world.now).is_empty(), "a registration never ends");
    assert_eq!(stack.next_wake(), None, "it waits for something although it holds nothing");
}

impl Subject {
    fn decide(&mut self, now: Now) {
        while let Some(event) = self.stack.poll_event() {
            if let SessionEvent::Incoming { session, .. } = event {
                self.opened += 1;
                self.sessions.push(session);
                match self.opened % 3 {
                    0 => self.stack.refuse(now, session, Refusal::new(486)),
                    1 => self.stack.accept(now, session, Bytes::from_static(ANSWER.as_bytes())),
                    _ => self.stack.progress(now, session, 180, None),
                }
            }
        }
    }
}

impl Machine for Subject {
    fn receive(&mut self, now: Now, flow: Flow, bytes: Bytes) {
        match Message::parse(bytes.clone()) {
            Ok(message) => self.stack.receive(now, flow, &message),
            Err(why) => {
                self.refused.extend(bad_request(&bytes, &why).map(|answer| (flow.id, Bytes::from(answer))))
            }
        }
        self.decide(now);
    }

    fn closed(&mut self, now: Now, flow: FlowId) {
        self.stack.closed(now, flow);
        self.decide(now);
    }

    fn next_wake(&self) -> Option<Mono> {
        self.stack.next_wake()
    }

    fn wake(&mut self, now: Now) {
        self.stack.wake(now);
        self.decide(now);
    }

    fn drain(&mut self, _: Now) -> Vec<(FlowId, Bytes)> {
        // What could not be read is answered without the stack, and in the version that it came in.
        self.refused.clear();
        let outputs = std::iter::from_fn(|| self.stack.poll());
        outputs
            .filter_map(|o| if let Output::Send { flow, bytes } = o { Some((flow.id, bytes)) } else { None })
            .collect()
    }

    fn password(&self, line: &str) -> String {
        password(line)
    }

    fn domain(&self) -> &'static str {
        DOMAIN
    }
}
