//! The called end: rings and answers at once, says OK to BYE, and repeats itself when it is asked again.

use crate::phones::Phones;
use crate::sip::{Reading, session};
use std::collections::HashMap;
use std::fmt::Write;
use std::net::SocketAddrV4;
use std::rc::Rc;

/// All called phones.
pub struct Callees {
    /// Where the server wants the callee's audio, by call.
    pub offers: HashMap<u32, SocketAddrV4>,
    /// The index of the first called phone.
    first: usize,
    media: Rc<dyn Fn(u32) -> (SocketAddrV4, SocketAddrV4)>,
    text: String,
}

impl Callees {
    /// Phones from `first` on are called.
    pub fn new(first: usize, media: Rc<dyn Fn(u32) -> (SocketAddrV4, SocketAddrV4)>) -> Self {
        Self { offers: HashMap::new(), first, media, text: String::new() }
    }

    /// A request to a phone. Answers depend on nothing but the request, so a repeated one gets the same again.
    pub fn asked(&mut self, phone: usize, message: Reading, phones: &Phones, server: SocketAddrV4) {
        match message.method() {
            b"INVITE" => {
                // When every pair of phones has one call, the phone's number is the call's.
                let call = phone.saturating_sub(self.first) as u32;
                if let Some(media) = message.media() {
                    self.offers.insert(call, media);
                }
                self.answer(phone, message, "180 Ringing", "", phones, server);
                let body = session((self.media)(call).1);
                self.answer(phone, message, "200 OK", &body, phones, server);
            }
            b"ACK" => {}
            _ => self.answer(phone, message, "200 OK", "", phones, server),
        }
    }

    fn answer(
        &mut self,
        phone: usize,
        message: Reading,
        status: &str,
        body: &str,
        phones: &Phones,
        server: SocketAddrV4,
    ) {
        let me = phones.address(phone);
        let text = &mut self.text;
        text.clear();
        let _ = write!(text, "SIP/2.0 {status}\r\n");
        for name in [b"Via:".as_slice(), b"Record-Route:", b"From:", b"Call-ID:", b"CSeq:"] {
            for line in message.lines(name) {
                let _ = write!(text, "{}\r\n", String::from_utf8_lossy(line));
            }
        }
        let to = String::from_utf8_lossy(message.value(b"To:").unwrap_or_default());
        let tag = if to.contains(";tag=") { "" } else { ";tag=callee" };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let length = body.len();
        let _ = write!(
            text,
            "To: {to}{tag}\r\nContact: <sip:{me}>\r\n{kind}Content-Length: {length}\r\n\r\n{body}"
        );
        phones.send(phone, text.as_bytes(), server);
    }
}
