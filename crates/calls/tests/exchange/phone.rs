//! What phones say: requests with and without credentials, responses, session descriptions.

use bytes::Bytes;
use wire::digest::{Answer, Challenge, Request, ha1};
use wire::sip::{Message, Name, Writer};

use crate::office::{Office, Phone, text};

/// One end of an answered call.
#[derive(Clone, Debug)]
pub struct Dialog {
    pub phone: Phone,
    target: String,
    call_id: String,
    local: String,
    remote: String,
}

/// Audio at `port` with PCMA, PCMU and keys.
pub fn sdp(port: u16) -> String {
    described(port, "8 0 101", "sendrecv")
}

pub fn described(port: u16, formats: &str, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na={direction}\r\n"
    )
}

/// The body of a message, which is there.
pub fn body(message: &Message) -> String {
    assert!(!message.body().is_empty(), "{}", text(message));
    String::from_utf8_lossy(message.body()).into_owned()
}

fn field(message: &Message, name: Name) -> String {
    String::from_utf8_lossy(message.first(name).unwrap()).into_owned()
}

/// Sends a request twice: without credentials, and with those that the challenge asks for.
fn with_credentials(office: &mut Office, phone: Phone, method: &str, uri: &str, head: &str, sdp: &str) {
    let Phone(line, port) = phone;
    let text = |cseq: u32, credentials: &str| {
        let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port}x{cseq};rport\r\n\
             {head}CSeq: {cseq} {method}\r\nContact: <sip:{line}@127.0.0.1:{port}>\r\n{credentials}{kind}\
             Content-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        )
    };
    let first = office.next_cseq();
    office.send(phone, text(first, ""));
    let challenged = office.response(phone, 401);
    let challenge = Challenge::parse(challenged.first(Name::WwwAuthenticate).unwrap()).unwrap();
    let password = format!("secret-{line}");
    let ha1 = ha1(challenge.algorithm, line.as_bytes(), challenge.realm.as_bytes(), password.as_bytes());
    let answer = Answer { username: line, ha1: &ha1, nc: 1, cnonce: "c" };
    let request = Request { method: method.as_bytes(), uri: uri.as_bytes(), body: b"" };
    let credentials = format!("Authorization: {}\r\n", challenge.answer(&answer, &request));
    let second = office.next_cseq();
    office.send(phone, text(second, &credentials));
}

pub fn register(office: &mut Office, phone: Phone) {
    let Phone(line, port) = phone;
    let head = format!(
        "Max-Forwards: 70\r\nFrom: <sip:{line}@localhost>;tag=r\r\nTo: <sip:{line}@localhost>\r\n\
         Call-ID: register-{port}\r\nExpires: 3600\r\n"
    );
    with_credentials(office, phone, "REGISTER", "sip:localhost", &head, "");
    office.response(phone, 200);
}

/// A call that a phone has begun.
#[derive(Clone, Debug)]
pub struct Dialling {
    phone: Phone,
    head: String,
    uri: String,
    /// CSeq number of the INVITE that carries credentials.
    cseq: u32,
}

pub fn dial(office: &mut Office, phone: Phone, number: &str) -> Dialling {
    dial_with(office, phone, number, 70, &sdp(phone.1 + 1_000))
}

pub fn dial_with(office: &mut Office, phone: Phone, number: &str, hops: u8, sdp: &str) -> Dialling {
    let address = format!("<sip:{}@localhost>", phone.0);
    dial_as(office, phone, number, (&address, &format!("Max-Forwards: {hops}\r\n")), sdp)
}

/// A call with a From and further header lines of the caller's choice.
pub fn dial_as(
    office: &mut Office,
    phone: Phone,
    number: &str,
    (address, headers): (&str, &str),
    sdp: &str,
) -> Dialling {
    let port = phone.1;
    let call = office.next_cseq();
    let uri = format!("sip:{number}@localhost");
    let from = format!("From: {address};tag=f{call}\r\nTo: <{uri}>\r\nCall-ID: call-{port}-{call}\r\n");
    let head = format!("{headers}{from}");
    with_credentials(office, phone, "INVITE", &uri, &head, sdp);
    Dialling { phone, head: from, uri, cseq: call + 2 }
}

/// Watches an extension's calls, or a mailbox, for ten minutes; gives back the first NOTIFY.
pub fn watch(office: &mut Office, phone: Phone, event: &str, number: &str) -> Message {
    let Phone(line, port) = phone;
    let head = format!(
        "Max-Forwards: 70\r\nFrom: <sip:{line}@localhost>;tag=w\r\nTo: <sip:{number}@localhost>\r\n\
         Call-ID: watch-{port}-{number}-{event}\r\nEvent: {event}\r\nExpires: 600\r\n"
    );
    with_credentials(office, phone, "SUBSCRIBE", &format!("sip:{number}@localhost"), &head, "");
    office.response(phone, 200);
    office.request(phone, "NOTIFY")
}

pub fn cancel(office: &mut Office, dialling: &Dialling) {
    let Dialling { phone, head, uri, cseq } = dialling;
    let port = phone.1;
    let cancel = format!(
        "CANCEL {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port}x{cseq};rport\r\n\
         Max-Forwards: 70\r\n{head}CSeq: {cseq} CANCEL\r\nContent-Length: 0\r\n\r\n"
    );
    office.send(*phone, cancel);
}

fn respond_bytes(request: &Message, status: u16, sdp: Option<&str>) -> Bytes {
    let mut writer = Writer::answer(request, status, "Reason", None, Some("callee"));
    if status > 100 {
        writer.header(Name::Contact, request.request_uri().map(|uri| [b"<", uri, b">"].concat()).unwrap());
    }
    if let Some(sdp) = sdp {
        writer.body("application/sdp", sdp);
    }
    writer.finish()
}

/// A phone answers a request.
pub fn respond(office: &mut Office, phone: Phone, request: &Message, status: u16, sdp: Option<&str>) {
    office.send(phone, respond_bytes(request, status, sdp));
}

/// A phone picks up; gives back its end of the call.
pub fn pick_up(office: &mut Office, phone: Phone, invite: &Message) -> Dialog {
    respond(office, phone, invite, 200, Some(&sdp(phone.1 + 1_000)));
    callee(phone, invite)
}

/// The end of a phone that rings.
pub fn callee(phone: Phone, invite: &Message) -> Dialog {
    Dialog {
        phone,
        target: uri(invite),
        call_id: field(invite, Name::CallId),
        local: format!("{};tag=callee", field(invite, Name::To)),
        remote: field(invite, Name::From),
    }
}

fn uri(message: &Message) -> String {
    field(message, Name::Contact).trim_start_matches('<').trim_end_matches('>').to_owned()
}

/// The caller gets 200 and acknowledges it; gives back its end of the call.
pub fn connected(office: &mut Office, phone: Phone) -> (Dialog, Message) {
    let accepted = office.response(phone, 200);
    let dialog = caller(phone, &accepted);
    acknowledge(office, &dialog, &accepted);
    (dialog, accepted)
}

/// The caller's end of a call that was answered with this 200.
pub fn caller(phone: Phone, accepted: &Message) -> Dialog {
    Dialog {
        phone,
        target: uri(accepted),
        call_id: field(accepted, Name::CallId),
        local: field(accepted, Name::From),
        remote: field(accepted, Name::To),
    }
}

/// ACK to a 2xx.
pub fn acknowledge(office: &mut Office, dialog: &Dialog, accepted: &Message) {
    let cseq = accepted.cseq().unwrap().number;
    say(office, dialog, "ACK", cseq, None);
}

/// ACK to a 2xx, with an answer in it.
pub fn acknowledge_with(office: &mut Office, dialog: &Dialog, accepted: &Message, answer: &str) {
    let cseq = accepted.cseq().unwrap().number;
    say(office, dialog, "ACK", cseq, Some(("application/sdp", answer)));
}

/// Sends a request inside a call; gives back its CSeq number.
pub fn ask(office: &mut Office, dialog: &Dialog, method: &str, body: Option<(&str, &str)>) -> u32 {
    let cseq = office.next_cseq();
    say(office, dialog, method, cseq, body);
    cseq
}

fn say(office: &mut Office, dialog: &Dialog, method: &str, cseq: u32, body: Option<(&str, &str)>) {
    let Dialog { phone, target, call_id, local, remote } = dialog;
    let port = phone.1;
    let (kind, body) = body.unwrap_or_default();
    let kind = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
    let request = format!(
        "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port}{method}{cseq};rport\r\n\
         Max-Forwards: 70\r\nFrom: {local}\r\nTo: {remote}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:{}@127.0.0.1:{port}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        phone.0,
        body.len()
    );
    office.send(*phone, request);
}

/// Hangs up and gets its 200.
pub fn hang_up(office: &mut Office, dialog: &Dialog) {
    ask(office, dialog, "BYE", None);
    office.response(dialog.phone, 200);
}

/// What a phone does without a person: ACK to a refused INVITE, 200 to CANCEL, BYE and NOTIFY, 487 to the INVITE cancelled.
pub fn reflexes(message: &Message) -> Vec<Message> {
    let parse = |bytes: Bytes| Message::parse(bytes).unwrap();
    if message.is_request() {
        return match message.method_text() {
            b"BYE" | b"NOTIFY" => vec![parse(respond_bytes(message, 200, None))],
            b"CANCEL" => {
                let cancelled = text(message).replace("CANCEL", "INVITE");
                vec![
                    parse(respond_bytes(message, 200, None)),
                    parse(respond_bytes(&parse(cancelled.into()), 487, None)),
                ]
            }
            _ => Vec::new(),
        };
    }
    let refused = message.status().is_some_and(|status| status >= 300 && status != 401);
    if !refused || message.cseq().unwrap().token != b"INVITE" {
        return Vec::new();
    }
    let mut ack = Writer::request("ACK", "sip:localhost");
    for name in [Name::Via, Name::From, Name::To, Name::CallId] {
        ack.header(name, message.first(name).unwrap());
    }
    ack.header(Name::CSeq, format!("{} ACK", message.cseq().unwrap().number));
    vec![parse(ack.finish())]
}
