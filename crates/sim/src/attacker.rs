//! Somebody outside who knows how SIP looks and has no password: calls without credentials, replays what others sent,
//! says BYE in their calls, injects media, sends garbage, guesses.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use model::Entropy;
use wire::digest::{Answer, Challenge, Request, ha1};
use wire::rtp::{Rewrite, write_header};
use wire::sip::{Message, Name, Writer};

use crate::office::DOMAIN;

/// Challenges that an attacker keeps.
const CHALLENGES: usize = 1_000;

/// An attacker. It keeps no state beyond what it heard.
pub struct Attacker {
    /// Its address.
    pub address: SocketAddr,
    /// Statuses of responses that it got.
    pub statuses: Vec<u16>,
    /// Requests that it was sent.
    pub requests: u32,
    /// Challenges that it was given and has not answered.
    challenges: VecDeque<Vec<u8>>,
    entropy: Entropy,
}

impl Attacker {
    /// A new one.
    pub fn new(address: SocketAddr, entropy: Entropy) -> Attacker {
        Attacker { address, statuses: Vec::new(), requests: 0, challenges: VecDeque::new(), entropy }
    }

    /// Something came back.
    pub fn hear(&mut self, bytes: &Bytes) {
        match Message::parse(bytes.clone()) {
            Ok(message) => match message.status() {
                Some(status) => {
                    self.statuses.push(status);
                    if let Some(value) = message.all(Name::WwwAuthenticate).next()
                        && self.challenges.len() < CHALLENGES
                    {
                        self.challenges.push_back(value.to_vec());
                    }
                }
                None => self.requests += 1,
            },
            Err(_) => self.requests += 1,
        }
    }

    /// An INVITE that claims to come from `claimed`.
    pub fn invite(&mut self, claimed: &str, number: &str) -> Bytes {
        let body = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
            ip = self.address.ip()
        );
        let mut writer = Writer::request("INVITE", format!("sip:{number}@{DOMAIN}"));
        self.head(&mut writer, "INVITE", claimed, number);
        writer
            .header(Name::Contact, format!("<sip:{claimed}@{}>", self.address))
            .body("application/sdp", body)
            .finish()
    }

    /// A REGISTER without credentials, to be given a challenge.
    pub fn ask(&mut self, username: &str) -> Bytes {
        let mut writer = Writer::request("REGISTER", format!("sip:{DOMAIN}"));
        self.head(&mut writer, "REGISTER", username, username);
        writer.header(Name::Contact, format!("<sip:{username}@{}>", self.address)).finish()
    }

    /// A REGISTER that answers the oldest challenge it was given with this password, if there is one.
    pub fn answer(&mut self, username: &str, password: &str) -> Option<Bytes> {
        let value = self.challenges.pop_front()?;
        let challenge = Challenge::parse(&value).ok()?;
        let uri = format!("sip:{DOMAIN}");
        let key =
            ha1(challenge.algorithm, username.as_bytes(), challenge.realm.as_bytes(), password.as_bytes());
        let cnonce = self.entropy.hex(8);
        let answer = Answer { username, ha1: &key, nc: 1, cnonce: &cnonce };
        let request = Request { method: b"REGISTER", uri: uri.as_bytes(), body: &[] };
        let credentials = challenge.answer(&answer, &request);
        let mut writer = Writer::request("REGISTER", uri);
        self.head(&mut writer, "REGISTER", username, username);
        let contact = format!("<sip:{username}@{}>", self.address);
        Some(writer.header(Name::Contact, contact).header(Name::Authorization, credentials).finish())
    }

    /// A REGISTER with credentials made up.
    pub fn register(&mut self, username: &str) -> Bytes {
        let nonce = self.entropy.hex(16);
        let mut writer = Writer::request("REGISTER", format!("sip:{DOMAIN}"));
        self.head(&mut writer, "REGISTER", username, username);
        let credentials = format!(
            "Digest username=\"{username}\", realm=\"{DOMAIN}\", nonce=\"{nonce}\", uri=\"sip:{DOMAIN}\", \
             response=\"{:032x}\", algorithm=MD5",
            self.entropy.next_u64()
        );
        writer
            .header(Name::Contact, format!("<sip:{username}@{}>", self.address))
            .header(Name::Authorization, credentials)
            .finish()
    }

    /// Somebody else's request sent again from here, as it was but for its branch.
    pub fn replay(&mut self, request: &Message) -> Bytes {
        let uri = request.request_uri().unwrap_or_default();
        let mut writer = Writer::request(request.method_text(), uri);
        writer.header(Name::Via, self.via());
        for header in request.headers().filter(|header| !matches!(header.name, Name::Via | Name::ContentType))
        {
            writer.raw(header.raw_name, header.value);
        }
        match request.content_type() {
            Some(kind) => writer.body(kind, request.body()).finish(),
            None => writer.finish(),
        }
    }

    /// A BYE in a dialog whose identifiers were overheard.
    pub fn bye(&mut self, call_id: &str, from: &str, to: &str, target: &str) -> Bytes {
        self.inside("BYE", (call_id, from, to, target)).finish()
    }

    /// A REFER in a dialog whose identifiers were overheard.
    pub fn refer(&mut self, (call_id, from, to, target): (&str, &str, &str, &str), number: &str) -> Bytes {
        let refer_to = format!("<sip:{number}@{DOMAIN}>");
        let contact = format!("<sip:evil@{}>", self.address);
        let mut writer = self.inside("REFER", (call_id, from, to, target));
        writer.header(Name::Contact, contact).header(Name::ReferTo, refer_to).finish()
    }

    fn inside(&mut self, method: &str, (call_id, from, to, target): (&str, &str, &str, &str)) -> Writer {
        let mut writer = Writer::request(method, target);
        writer
            .header(Name::Via, self.via())
            .header(Name::From, from)
            .header(Name::To, to)
            .header(Name::CallId, call_id)
            .header(Name::CSeq, format!("4711 {method}"))
            .header(Name::MaxForwards, "70");
        writer
    }

    /// A request in a dialog, or for a transaction, that there is none of.
    pub fn stray(&mut self, method: &str) -> Bytes {
        let mut writer = Writer::request(method, format!("sip:102@{DOMAIN}"));
        let (to, tag) = (format!("<sip:102@{DOMAIN}>;tag={}", self.entropy.hex(8)), self.entropy.hex(4));
        let (call_id, via) = (self.entropy.hex(8), self.via());
        writer
            .header(Name::Via, via)
            .header(Name::From, format!("<sip:101@{DOMAIN}>;tag={tag}"))
            .header(Name::To, to)
            .header(Name::CallId, call_id)
            .header(Name::CSeq, format!("2 {method}"))
            .header(Name::MaxForwards, "70")
            .finish()
    }

    /// A media packet with a voice that is nobody's.
    pub fn voice(&mut self, sequence: u16) -> Bytes {
        let rewrite = Rewrite { marker: false, payload_type: 8, sequence, timestamp: 160, ssrc: 0xbad };
        [&write_header(rewrite)[..], b"evil"].concat().into()
    }

    /// Noise that begins like something.
    pub fn garbage(&mut self) -> Bytes {
        let mut bytes = self.invite("101", "102").to_vec();
        for _ in 0..8 {
            let place = self.entropy.below(u32::try_from(bytes.len()).unwrap_or(1)) as usize;
            bytes[place] = (self.entropy.next_u32() & 0xff) as u8;
        }
        let cut = self.entropy.below(u32::try_from(bytes.len()).unwrap_or(1)) as usize;
        if self.entropy.below(2) == 0 {
            bytes.truncate(cut);
        }
        bytes.into()
    }

    fn via(&mut self) -> String {
        format!("SIP/2.0/UDP {};branch=z9hG4bK{};rport", self.address, self.entropy.hex(6))
    }

    fn head(&mut self, writer: &mut Writer, method: &str, from: &str, to: &str) {
        let tag = self.entropy.hex(4);
        let call_id = self.entropy.hex(8);
        let via = self.via();
        writer
            .header(Name::Via, via)
            .header(Name::From, format!("<sip:{from}@{DOMAIN}>;tag={tag}"))
            .header(Name::To, format!("<sip:{to}@{DOMAIN}>"))
            .header(Name::CallId, call_id)
            .header(Name::CSeq, format!("1 {method}"))
            .header(Name::MaxForwards, "70");
    }
}
