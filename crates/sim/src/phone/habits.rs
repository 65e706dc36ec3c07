//! What a phone does by itself, without being told.

use std::time::Duration;

/// What it does with a call that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// Rings until somebody acts.
    Rings,
    /// Rings, and is answered after this long.
    After(Duration),
    /// Rings, plays early media, and is answered after this long.
    EarlyMedia(Duration),
    /// Answers at once, without a ring.
    AtOnce,
    /// Refuses at once with this status.
    Refuses(u16),
    /// Sends the call to this number by its own forwarding key (302).
    Moved(&'static str),
    /// Rings, and refuses with this status after this long.
    RefusesAfter(u16, Duration),
    /// Says nothing at all.
    Silent,
}

/// How a phone is.
#[derive(Clone, Debug)]
pub struct Habits {
    /// What it does with calls.
    pub answering: Answering,
    /// Whether it registers when it is switched on, and again in time.
    pub registers: bool,
    /// How long it asks to be registered.
    pub expires: Duration,
    /// Calls it can have at once; more are refused as busy.
    pub keys: usize,
    /// Its payload type of telephone-event.
    pub event_payload: u8,
    /// Its answers use its own payload type for telephone-event and not the offered one (RFC 3264 section 6.1 lets it).
    pub own_payloads: bool,
    /// Speech formats in order, as payload type and rtpmap.
    pub formats: Vec<(u8, &'static str)>,
    /// Time between two packets; long ones make long simulations cheap.
    pub packet: Duration,
    /// It sends reports.
    pub reports: bool,
    /// It agrees to comfort noise, and its microphone is off: after a few packets of noise it is silent.
    pub muted: bool,
    /// It sends nothing at all.
    pub speechless: bool,
    /// It gives credentials without being asked, for as long as the server's challenge lasts.
    pub eager: bool,
    /// It takes SHA-256 where it is offered.
    pub sha256: bool,
    /// It acknowledges provisional responses (RFC 3262).
    pub reliable: bool,
    /// What it answers to what it is told of its transfers.
    pub notify_status: u16,
    /// It asks for answers to where it really is (RFC 3581).
    pub rport: bool,
    /// It says BYE without waiting for the ACK of its answer.
    pub hasty: bool,
    /// A device behind it answers too: a second 2xx, under another tag.
    pub forks: bool,
}

impl Default for Habits {
    fn default() -> Habits {
        Habits {
            answering: Answering::Rings,
            registers: true,
            expires: Duration::from_secs(600),
            keys: 4,
            event_payload: 101,
            own_payloads: false,
            formats: vec![(8, "PCMA/8000"), (0, "PCMU/8000")],
            packet: Duration::from_millis(100),
            reports: false,
            muted: false,
            speechless: false,
            eager: false,
            sha256: false,
            reliable: false,
            notify_status: 200,
            rport: true,
            hasty: false,
            forks: false,
        }
    }
}
