//! How the phone writes: requests from a draft that can be sent again with credentials, and answers to challenges.

use bytes::Bytes;
use wire::digest::{Algorithm, Answer, Challenge, Request, ha1};
use wire::sip::{Message, Name, Writer};

use super::Phone;
use super::habits::Answering;
use crate::office::DOMAIN;

/// A request without what changes when it is sent again: branch, number, credentials.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub method: &'static str,
    pub uri: String,
    pub from: String,
    pub to: String,
    pub call_id: String,
    /// Whether it has a Contact, with these parameters behind.
    pub contact: Option<String>,
    pub body: Option<(&'static str, Bytes)>,
    pub headers: Vec<(Name, String)>,
}

/// A challenge that the phone has answered before.
#[derive(Clone, Debug)]
pub(super) struct KnownChallenge {
    value: Vec<u8>,
    pub header: Name,
    uses: u32,
}

impl Phone {
    /// The value of the Contact's URI.
    pub(super) fn contact_uri(&self) -> String {
        let transport = match self.transport {
            model::Transport::Udp => "",
            model::Transport::Tcp => ";transport=tcp",
            model::Transport::Tls => ";transport=tls",
        };
        format!("sip:{}@{}{transport}", self.account.username, self.address)
    }

    pub(super) fn write(
        &mut self,
        draft: &Draft,
        branch: &str,
        cseq: u32,
        credentials: Option<(Name, String)>,
    ) -> Bytes {
        let mut writer = Writer::request(draft.method, &draft.uri);
        let rport = if self.habits.rport { ";rport" } else { "" };
        let via = format!("SIP/2.0/{} {};branch={branch}{rport}", self.transport.via_token(), self.address);
        writer
            .header(Name::Via, via)
            .header(Name::From, &draft.from)
            .header(Name::To, &draft.to)
            .header(Name::CallId, &draft.call_id)
            .header(Name::CSeq, format!("{cseq} {}", draft.method))
            .header(Name::MaxForwards, "70")
            .header(Name::UserAgent, "sim");
        if let Some(params) = &draft.contact {
            writer.header(Name::Contact, format!("<{}>{params}", self.contact_uri()));
        }
        for (name, value) in &draft.headers {
            writer.header(*name, value);
        }
        if let Some((name, value)) = credentials {
            writer.header(name, value);
        }
        if let Some((kind, body)) = &draft.body {
            writer.body(kind, body);
        }
        writer.finish()
    }

    /// Takes the challenge out of a 401 or 407 that the phone can answer best.
    pub(super) fn learn_challenge(&mut self, response: &Message) -> bool {
        let mut best: Option<KnownChallenge> = None;
        for (asked, header) in [
            (Name::WwwAuthenticate, Name::Authorization),
            (Name::ProxyAuthenticate, Name::ProxyAuthorization),
        ] {
            for value in response.all(asked) {
                let Ok(challenge) = Challenge::parse(value) else { continue };
                let wanted = self.habits.sha256 && challenge.algorithm.base() == Algorithm::Sha256;
                if best.is_none() || wanted {
                    best = Some(KnownChallenge { value: value.to_vec(), header, uses: 0 });
                }
            }
        }
        self.challenge = best;
        self.challenge.is_some()
    }

    /// Credentials for a request, if a challenge is known.
    pub(super) fn credentials(&mut self, draft: &Draft) -> Option<(Name, String)> {
        let cnonce = self.entropy.hex(8);
        let known = self.challenge.as_mut()?;
        let challenge = Challenge::parse(&known.value).ok()?;
        known.uses += 1;
        let account = &self.account;
        let realm = challenge.realm.as_bytes();
        let key = ha1(challenge.algorithm, account.username.as_bytes(), realm, account.password.as_bytes());
        let answer = Answer { username: &account.username, ha1: &key, nc: known.uses, cnonce: &cnonce };
        let body = draft.body.as_ref().map(|(_, body)| body.clone()).unwrap_or_default();
        let request = Request { method: draft.method.as_bytes(), uri: draft.uri.as_bytes(), body: &body };
        Some((known.header, challenge.answer(&answer, &request)))
    }

    /// Writes the answer to a request; `tag` is the phone's.
    pub(super) fn write_answer(
        &self,
        request: &Message,
        status: u16,
        tag: &str,
        body: Option<&Bytes>,
    ) -> Bytes {
        let mut writer = Writer::answer(request, status, wire::sip::reason_phrase(status), None, Some(tag));
        writer.header(Name::UserAgent, "sim");
        if status < 300 && request.method() == Some(wire::sip::Method::Invite) {
            writer.header(Name::Contact, format!("<{}>", self.contact_uri()));
        }
        if let Answering::Moved(to) = self.habits.answering
            && status == 302
        {
            writer.header(Name::Contact, format!("<sip:{to}@{DOMAIN}>"));
        }
        if let Some(body) = body {
            writer.body("application/sdp", body);
        }
        writer.finish()
    }
}
