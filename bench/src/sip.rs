//! Just enough SIP to be a well-behaved phone under load. Reading trusts the server: this is a meter, not a parser.

use memchr::{memchr, memmem};

/// A received message.
#[derive(Clone, Copy)]
pub struct Reading<'a>(pub &'a [u8]);

impl<'a> Reading<'a> {
    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        let code = self.0.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
        std::str::from_utf8(code).ok()?.parse().ok()
    }

    /// The method of a request.
    pub fn method(&self) -> &'a [u8] {
        &self.0[..memchr(b' ', self.0).unwrap_or(0)]
    }

    /// The lines of all headers of this name (long form, with its colon), without their ends.
    pub fn lines(&self, name: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            loop {
                let end = memmem::find(rest, b"\r\n")?;
                let line = &rest[..end];
                rest = &rest[end + 2..];
                if line.is_empty() {
                    rest = &[];
                }
                if line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name) {
                    return Some(line);
                }
            }
        })
    }

    /// The value of the first header of this name.
    pub fn value(&self, name: &'static [u8]) -> Option<&'a [u8]> {
        self.lines(name).next().map(|line| line[name.len()..].trim_ascii())
    }

    /// The first MD5 challenge and the name of the header that answers it.
    pub fn challenge(&self) -> Option<(&'a [u8], &'static str)> {
        let md5 = |line: &&[u8]| memmem::find(line, b"SHA-256").is_none();
        let www = self.lines(b"WWW-Authenticate:").find(md5).map(|c| (c, "Authorization"));
        www.or_else(|| self.lines(b"Proxy-Authenticate:").find(md5).map(|c| (c, "Proxy-Authorization")))
    }

    /// The URI in Contact.
    pub fn contact(&self) -> Option<&'a [u8]> {
        let value = self.value(b"Contact:")?;
        let start = memchr(b'<', value).map_or(0, |at| at + 1);
        let end = memchr(b'>', value).unwrap_or(value.len());
        value.get(start..end)
    }

    /// Where the session description in the body wants its audio.
    pub fn media(&self) -> Option<std::net::SocketAddrV4> {
        let body = &self.0[memmem::find(self.0, b"\r\n\r\n")? + 4..];
        session_media(body)
    }
}

/// Address and port of the first audio stream in a session description.
pub fn session_media(body: &[u8]) -> Option<std::net::SocketAddrV4> {
    let after = |name: &[u8]| {
        let start = memmem::find(body, name)? + name.len();
        let rest = &body[start..];
        let end = rest.iter().position(|b| b" \r\n".contains(b)).unwrap_or(rest.len());
        std::str::from_utf8(&rest[..end]).ok()
    };
    Some(std::net::SocketAddrV4::new(after(b"c=IN IP4 ")?.parse().ok()?, after(b"m=audio ")?.parse().ok()?))
}

/// A session description of G.711 A-law at this address.
pub fn session(media: std::net::SocketAddrV4) -> String {
    let (ip, port) = (media.ip(), media.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
    )
}
