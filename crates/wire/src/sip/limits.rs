//! What a SIP message may cost, each limit with its reason. Beyond them the message is refused, never cut.

/// The largest message, in bytes: what a UDP datagram can carry, and every offset fits 16 bits.
pub const MAX_MESSAGE: usize = 65_535;
/// Header lines in a message. Real ones have 10 to 30; a call through ten proxies stays under 80.
pub const MAX_HEADERS: usize = 256;
/// Via values in a message: RFC 3261's Max-Forwards starts at 70, so no honest request has passed more hops.
pub const MAX_VIAS: usize = 70;
/// One start or header line with its folds, in bytes. The longest honest ones (Identity, tokens) stay under 4 KB.
pub const MAX_LINE: usize = 8_192;
/// A header's name, in bytes: its length is kept in 8 bits; RFC 4475's longest has 93.
pub const MAX_NAME: usize = 255;
/// Parameters of one value or URI. Contacts with push and capability parameters have about 20.
pub const MAX_PARAMS: usize = 64;
/// Contact values in a message: a registrar answers with all bindings of a line, a peer rarely sends more than two.
pub const MAX_CONTACTS: usize = 64;
/// A Call-ID, in bytes: it is a key of tables that outlive the message. RFC 4475's longest has 141.
pub const MAX_CALL_ID: usize = 512;
/// A host name, in bytes (RFC 1035 section 2.3.4).
pub const MAX_HOST: usize = 255;
/// Empty lines before a start line (RFC 3261 section 7.5 has them ignored); more is not a SIP message.
pub const MAX_LEADING_CRLF: usize = 16;
/// Bytes a stream may have pending: one whole message and what one read brings after it.
pub const MAX_PENDING: usize = 131_072;
/// What an idle stream's buffer may keep allocated, so that a thousand quiet phones cost little.
pub const IDLE_CAPACITY: usize = 4_096;
