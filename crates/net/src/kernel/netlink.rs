//! Netlink messages for nf_tables, as bytes: a batch is one transaction, of which the kernel takes all or nothing.
//!
//! Numbers are those of the kernel's `include/uapi/linux/netlink.h`, `netfilter/nfnetlink.h` and `netfilter/nf_tables.h`.
//! Lengths and types are in the machine's byte order, values of nf_tables in the network's. Not here: what is in a
//! table (`table`), the socket (`socket`).

/// `nfgenmsg.nfgen_family` of tables for IPv4 and IPv6 (NFPROTO_INET).
pub(super) const INET: u8 = 1;
const UNSPEC: u8 = 0;

const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
/// NFNL_SUBSYS_NFTABLES.
const NFTABLES: u16 = 10;
const NESTED: u16 = 0x8000;

/// NLM_F_REQUEST, on each message.
const REQUEST: u16 = 0x01;
const ACK: u16 = 0x04;
/// Made if it is not there.
pub(super) const CREATE: u16 = 0x400;
/// NLM_F_APPEND: a rule goes behind the others.
pub(super) const APPEND: u16 = 0x800;

const HEADER: usize = 16;
const ALIGN: usize = 4;

/// Messages of the subsystem nf_tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    NewTable = 0,
    AskTable = 1,
    DeleteTable = 2,
    NewChain = 3,
    NewRule = 6,
    NewSet = 9,
    NewElements = 12,
    DeleteElements = 14,
    AskGeneration = 16,
}

impl Kind {
    pub(super) const fn number(self) -> u16 {
        (NFTABLES << 8) | self as u16
    }
}

/// A transaction that is being written.
#[derive(Debug)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    sequence: u32,
    /// Where the last message of the subsystem begins.
    last: Option<usize>,
}

impl Batch {
    pub(super) fn new(sequence: u32) -> Batch {
        let mut batch = Batch { bytes: Vec::with_capacity(4_096), sequence, last: None };
        batch.message(BATCH_BEGIN, REQUEST, UNSPEC, NFTABLES, |_| {});
        batch
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// Adds a message for the family `inet`.
    pub(super) fn add(&mut self, kind: Kind, flags: u16, attributes: impl FnOnce(&mut Attributes<'_>)) {
        self.last = Some(self.bytes.len());
        self.message(kind.number(), REQUEST | flags, INET, 0, attributes);
    }

    /// The bytes, and the number of the message whose acknowledgement says that all is done.
    pub(super) fn finish(mut self) -> (Vec<u8>, u32) {
        let mut acknowledged = self.sequence;
        if let Some(at) = self.last {
            // Acknowledged is the last message, since older kernels don't acknowledge the end of a batch.
            let flags = self.bytes.get_mut(at + 6..at + 8);
            if let Some([low, high]) = flags {
                let with = u16::from_ne_bytes([*low, *high]) | ACK;
                [*low, *high] = with.to_ne_bytes();
            }
            acknowledged = self.sequence.wrapping_sub(1);
        }
        self.message(BATCH_END, REQUEST, UNSPEC, NFTABLES, |_| {});
        (self.bytes, acknowledged)
    }

    fn message(
        &mut self,
        kind: u16,
        flags: u16,
        family: u8,
        resource: u16,
        attributes: impl FnOnce(&mut Attributes<'_>),
    ) {
        write(&mut self.bytes, (kind, flags, self.sequence), family, resource, attributes);
        self.sequence = self.sequence.wrapping_add(1);
    }
}

/// A question outside of transactions.
pub(super) fn question(kind: Kind, sequence: u32, attributes: impl FnOnce(&mut Attributes<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, (kind.number(), REQUEST, sequence), INET, 0, attributes);
    bytes
}

fn write(
    bytes: &mut Vec<u8>,
    (kind, flags, sequence): (u16, u16, u32),
    family: u8,
    resource: u16,
    attributes: impl FnOnce(&mut Attributes<'_>),
) {
    let start = bytes.len();
    bytes.extend([0; 4]);
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    debug_assert_eq!(bytes.len() - start, HEADER);
    bytes.extend([family, 0]);
    bytes.extend(resource.to_be_bytes());
    attributes(&mut Attributes { bytes });
    let length = u32::try_from(bytes.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = bytes.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_ne_bytes());
    }
}

/// The attributes of a message, or within one.
pub(super) struct Attributes<'a> {
    bytes: &'a mut Vec<u8>,
}

impl Attributes<'_> {
    pub(super) fn bytes(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let start = self.begin(kind);
        self.bytes.extend(value);
        self.end(start)
    }

    /// Text, with the zero that ends it.
    pub(super) fn text(&mut self, kind: u16, value: &str) -> &mut Self {
        let start = self.begin(kind);
        self.bytes.extend(value.as_bytes());
        self.bytes.push(0);
        self.end(start)
    }

    pub(super) fn u32(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    pub(super) fn u64(&mut self, kind: u16, value: u64) -> &mut Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// Attributes within an attribute. What is written must stay below 64 KB.
    pub(super) fn nest(&mut self, kind: u16, inner: impl FnOnce(&mut Attributes<'_>)) -> &mut Self {
        let start = self.begin(kind | NESTED);
        inner(&mut Attributes { bytes: self.bytes });
        self.end(start)
    }

    fn begin(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.bytes.extend([0; 2]);
        self.bytes.extend(kind.to_ne_bytes());
        start
    }

    fn end(&mut self, start: usize) -> &mut Self {
        let length = self.bytes.len() - start;
        debug_assert!(length <= usize::from(u16::MAX), "an attribute longer than its length can say");
        let told = u16::try_from(length).unwrap_or(u16::MAX);
        if let Some(place) = self.bytes.get_mut(start..start + 2) {
            place.copy_from_slice(&told.to_ne_bytes());
        }
        self.bytes.resize(start + length.next_multiple_of(ALIGN), 0);
        self
    }
}

/// What the kernel said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply<'a> {
    /// To a message of ours: 0, or the number of an error.
    Answer { sequence: u32, error: i32 },
    /// An answer with attributes.
    Message { kind: u16, sequence: u32, attributes: &'a [u8] },
}

/// Reads the messages of one datagram. What does not fit is cut off: the kernel appends the refused request to its
/// refusal, and the buffer need not hold it.
pub(super) fn replies(mut bytes: &[u8]) -> impl Iterator<Item = Reply<'_>> {
    const ERROR: u16 = 2;
    std::iter::from_fn(move || {
        loop {
            let header = bytes.first_chunk::<HEADER>()?;
            let length =
                usize::try_from(u32::from_ne_bytes([header[0], header[1], header[2], header[3]])).ok()?;
            let kind = u16::from_ne_bytes([header[4], header[5]]);
            let sequence = u32::from_ne_bytes([header[8], header[9], header[10], header[11]]);
            if length < HEADER {
                return None;
            }
            let body = bytes.get(HEADER..length.min(bytes.len()))?;
            bytes = bytes.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
            if kind == ERROR {
                let error = i32::from_ne_bytes(*body.first_chunk::<4>()?);
                return Some(Reply::Answer { sequence, error: error.saturating_neg() });
            }
            if kind >= BATCH_BEGIN {
                let attributes = body.get(4..).unwrap_or_default();
                return Some(Reply::Message { kind, sequence, attributes });
            }
        }
    })
}

/// An attribute's value, by its number; the first one of that number.
pub(super) fn attribute(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let [a, b, c, d] = *bytes.first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let kind = u16::from_ne_bytes([c, d]) & !NESTED;
        let value = bytes.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        bytes = bytes.get(length.next_multiple_of(ALIGN)..)?;
    }
}

/// A number of an attribute.
pub(super) fn attribute_u32(bytes: &[u8], wanted: u16) -> Option<u32> {
    attribute(bytes, wanted)?.first_chunk::<4>().map(|value| u32::from_be_bytes(*value))
}

/// The same, of eight bytes.
pub(super) fn attribute_u64(bytes: &[u8], wanted: u16) -> Option<u64> {
    attribute(bytes, wanted)?.first_chunk::<8>().map(|value| u64::from_be_bytes(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_batch_is_the_bytes_that_the_kernel_reads() {
        let mut batch = Batch::new(7);
        batch.add(Kind::NewTable, CREATE, |table| {
            table.text(1, "ring").u32(2, 2).nest(9, |inner| {
                inner.bytes(1, &[0xab]);
            });
        });
        let (bytes, acknowledged) = batch.finish();
        let begin = [20, 0, 0, 0, 0x10, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10];
        let table = [52, 0, 0, 0, 0, 10, 5, 4, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
        let name = [9, 0, 1, 0, b'r', b'i', b'n', b'g', 0, 0, 0, 0];
        let flags = [8, 0, 2, 0, 0, 0, 0, 2];
        let nest = [12, 0, 9, 0x80, 5, 0, 1, 0, 0xab, 0, 0, 0];
        let end = [20, 0, 0, 0, 0x11, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10];
        let expected = [&begin[..], &table, &name, &flags, &nest, &end].concat();
        assert_eq!(bytes, expected);
        assert_eq!(acknowledged, 8, "the last message before the end");
    }

    #[test]
    fn a_refusal_is_read_also_where_the_request_behind_it_is_cut_off() {
        let mut bytes = Vec::new();
        bytes.extend(5_000_u32.to_ne_bytes());
        bytes.extend(2_u16.to_ne_bytes());
        bytes.extend([0; 2]);
        bytes.extend(42_u32.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend((-17_i32).to_ne_bytes());
        assert_eq!(replies(&bytes).collect::<Vec<_>>(), [Reply::Answer { sequence: 42, error: 17 }]);
        for cut in 0..bytes.len() {
            assert_eq!(replies(&bytes[..cut]).count(), 0, "cut at {cut}");
        }
    }

    #[test]
    fn attributes_are_found_and_lengths_that_lie_find_nothing() {
        let mut batch = Batch::new(0);
        batch.add(Kind::NewTable, 0, |table| {
            table.text(1, "ringwall").u32(7, 4_711).u64(4, 1 << 40);
        });
        let (bytes, _) = batch.finish();
        let messages: Vec<_> = replies(&bytes).collect();
        let Some(Reply::Message { kind, sequence: 1, attributes }) = messages.get(1).copied() else {
            panic!("{messages:?}")
        };
        assert_eq!(kind, Kind::NewTable.number());
        assert_eq!(attribute(attributes, 1), Some(&b"ringwall\0"[..]));
        assert_eq!(attribute_u32(attributes, 7), Some(4_711));
        assert_eq!(attribute_u64(attributes, 4), Some(1 << 40));
        assert_eq!(attribute(attributes, 3), None);
        for lie in [0_u16, 1, 3, 200] {
            let mut lying = attributes.to_vec();
            lying[..2].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(attribute(&lying, 7), None, "{lie}");
        }
    }

    #[test]
    fn no_bytes_whatever_make_the_reader_loop_or_fall() {
        let mut seed = 1_u64;
        for _ in 0..20_000 {
            let mut bytes = [0_u8; 64];
            for byte in &mut bytes {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = u8::try_from(seed >> 60).unwrap();
            }
            assert!(replies(&bytes).count() <= 4);
            let _ = attribute(&bytes, 3);
        }
    }
}
