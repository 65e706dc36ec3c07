//! One call of a raw phone: what a dialog consists of (RFC 3261 section 12), in the open, so that a test can send what an
//! honest phone would, or what a forger would who has seen all of it.

use crate::config::password_of;
use crate::digest::Credentials;
use crate::raw::{Message, RawPhone, Request};
use std::net::SocketAddrV4;
use std::time::Duration;

/// How long a message on the loopback may take on a loaded machine.
const WITHIN: Duration = Duration::from_secs(20);

/// A dialog, seen from the phone that keeps it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its Call-ID.
    pub id: String,
    /// Our address with our tag: From in what we send.
    pub local: String,
    /// The other's address with its tag: To in what we send.
    pub remote: String,
    /// The other's Contact.
    pub target: String,
    /// The INVITE that made it, as it was sent or came.
    pub invite: Message,
    /// The last CSeq number we used.
    pub sequence: u32,
}

/// A session description of this phone: A-law and keys.
pub fn offer(at: SocketAddrV4, version: u32) -> String {
    let ip = at.ip();
    format!(
        "v=0\r\no=raw 1 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    )
}

impl RawPhone {
    /// The next message that `is` what is waited for; others are passed over.
    pub fn expect(&self, what: &str, is: impl Fn(&Message) -> bool) -> Message {
        let deadline = std::time::Instant::now() + WITHIN;
        let mut seen = String::new();
        while std::time::Instant::now() < deadline {
            let Some(message) = self.receive_within(Duration::from_millis(500)) else { continue };
            if is(&message) {
                return message;
            }
            seen.push_str(&message.0);
        }
        panic!("{}: no {what}, but\n{seen}", self.number);
    }

    /// The next request with this method.
    pub fn expect_request(&self, method: &str) -> Message {
        self.expect(method, |m| m.method() == method)
    }

    /// Calls a number with its own password; `more` are further header lines.
    pub fn dial(&mut self, number: &str, more: &str) -> Call {
        let me = self.number.clone();
        let uri = format!("sip:{number}@{}", self.server);
        let mut request = Request {
            method: "INVITE",
            uri: uri.clone(),
            from: &me,
            to: number,
            more: String::new(),
            body: String::new(),
        };
        let challenged = self.ask(&request);
        let challenge =
            challenged.challenges().first().cloned().unwrap_or_else(|| panic!("{}", challenged.0));
        let password = password_of(&me);
        let credentials = Credentials { user: &me, password: &password, count: 1, cnonce: "raw-phone" };
        let value = challenge.answer(&credentials, "INVITE", &uri);
        let name = if challenged.status() == 401 { "Authorization" } else { "Proxy-Authorization" };
        request.more = format!("{name}: {value}\r\n{more}Content-Type: application/sdp\r\n");
        request.body = offer(self.address, 1);
        let invite = Message(self.compose(&request));
        self.send(&invite.0);
        let field = |name: &str| invite.header(name).expect("composed with it").to_owned();
        let (id, local, remote) = (field("Call-ID"), field("From"), field("To"));
        let sequence = invite.sequence();
        Call { id, local, remote, target: uri, invite, sequence }
    }

    /// Waits until the other side rings, answers or is refused.
    pub fn expect_response(&self, call: &mut Call) -> Message {
        let heard =
            self.expect("answer to INVITE", |m| m.status() > 100 && m.header("Call-ID") == Some(&call.id));
        call.remote = heard.header("To").expect("a To").into();
        heard
    }

    /// Waits until its INVITE is answered, and acknowledges that.
    pub fn expect_answer(&mut self, call: &mut Call) -> Message {
        let answer =
            self.expect("200 to INVITE", |m| m.status() == 200 && m.header("Call-ID") == Some(&call.id));
        call.remote = answer.header("To").expect("a To").into();
        call.target = answer.contact();
        let ack = call.inside("ACK", call.sequence, self.address, "", "");
        self.send(&ack);
        answer
    }

    /// Waits for a call and lets it ring.
    pub fn ring(&self) -> Call {
        let invite = self.expect_request("INVITE");
        let field = |name: &str| invite.header(name).unwrap_or_else(|| panic!("no {name}")).to_owned();
        let local = format!("{};tag=raw-{}", field("To"), self.number);
        let target = invite.contact();
        let (id, remote) = (field("Call-ID"), field("From"));
        let call = Call { id, local, remote, target, invite, sequence: 0 };
        self.send(&call.response(180, self.address, ""));
        call
    }

    /// Takes a call that rings and waits until that is acknowledged.
    pub fn take(&self, call: &Call) {
        self.send(&call.response(200, self.address, &offer(self.address, 1)));
        self.expect("ACK", |m| m.method() == "ACK" && m.header("Call-ID") == Some(&call.id));
    }

    /// Sends a request inside the call and waits for its final answer.
    pub fn ask_inside(&mut self, call: &mut Call, method: &str, more: &str, body: &str) -> Message {
        call.sequence += 1;
        self.send(&call.inside(method, call.sequence, self.address, more, body));
        let sequence = format!("{} {method}", call.sequence);
        self.expect(method, |m| {
            m.status() >= 200 && m.header("Call-ID") == Some(&call.id) && m.header("CSeq") == Some(&sequence)
        })
    }

    /// Says 200 to a request.
    pub fn agree(&self, request: &Message) {
        self.send(&request.answer(200, "", "", ""));
    }
}

impl Call {
    /// A request inside this call, sent from `from`.
    pub fn inside(&self, method: &str, sequence: u32, from: SocketAddrV4, more: &str, body: &str) -> String {
        let Self { id, local, remote, target, .. } = self;
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK-{id}-{sequence}-{method};rport\r\n\
             Max-Forwards: 70\r\nFrom: {local}\r\nTo: {remote}\r\nCall-ID: {id}\r\nCSeq: {sequence} {method}\r\n\
             Contact: <sip:raw@{from}>\r\n{more}{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// The CANCEL of this call's INVITE (RFC 3261 section 9.1), as whoever has seen it can write it.
    pub fn cancel(&self) -> String {
        let field = |name: &str| self.invite.header(name).expect("an INVITE has it");
        let uri = self.invite.0.split(' ').nth(1).expect("a Request-URI");
        format!(
            "CANCEL {uri} SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\n\
             CSeq: {} CANCEL\r\nContent-Length: 0\r\n\r\n",
            field("Via"),
            field("From"),
            field("To"),
            self.id,
            self.invite.sequence()
        )
    }

    /// A response to the INVITE that came, with this body.
    pub fn response(&self, status: u16, at: SocketAddrV4, body: &str) -> String {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let tag = self.local.rsplit_once(";tag=").map_or("", |(_, tag)| tag);
        self.invite.answer(status, tag, &format!("Contact: <sip:raw@{at}>\r\n{kind}"), body)
    }

    /// The value of Replaces that means this call, seen from the server (RFC 3891 section 3).
    pub fn replaces(&self) -> String {
        let tag = |value: &str| value.rsplit_once(";tag=").map_or(String::new(), |(_, tag)| tag.into());
        format!("{};to-tag={};from-tag={}", self.id, tag(&self.remote), tag(&self.local))
    }
}
