//! Rules, one expression after another: load something of the packet into a register, compare, decide.
//!
//! Registers have four bytes each; a family's longest value, an IPv6 address with a port, takes five of them. Not here:
//! which rules there are (`table`).

use super::netlink::{APPEND, Attributes, Batch, CREATE, Kind};

/// Two families in one table; an expression about addresses belongs to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) const BOTH: [Family; 2] = [Family::V4, Family::V6];

    /// What its sets' names end with.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Family::V4 => "4",
            Family::V6 => "6",
        }
    }

    /// Bytes of an address.
    pub(super) const fn width(self) -> u32 {
        match self {
            Family::V4 => 4,
            Family::V6 => 16,
        }
    }

    /// NFPROTO_IPV4, NFPROTO_IPV6.
    const fn number(self) -> u8 {
        match self {
            Family::V4 => 2,
            Family::V6 => 10,
        }
    }

    /// Where the source address is in the header, and where the destination.
    const fn offsets(self) -> (u32, u32) {
        match self {
            Family::V4 => (12, 16),
            Family::V6 => (8, 24),
        }
    }
}

/// What a rule that fits does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept,
    Drop,
    /// Back to the chain that jumped here.
    Return,
    Jump(&'static str),
    Goto(&'static str),
}

/// Comparisons of `cmp`.
const EQUAL: u32 = 0;
const AT_MOST: u32 = 3;
const AT_LEAST: u32 = 5;

/// The first four-byte register, and the same by the name that `nft` gives a sixteen-byte one.
const REGISTER: u32 = 1;
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;

/// The expressions of a rule, being written.
pub(super) struct Rule<'a, 'b> {
    list: &'a mut Attributes<'b>,
}

/// Adds a rule to the end of a chain.
pub(super) fn rule(batch: &mut Batch, table: &str, chain: &str, write: impl FnOnce(&mut Rule<'_, '_>)) {
    const TABLE: u16 = 1;
    const CHAIN: u16 = 2;
    const EXPRESSIONS: u16 = 4;
    batch.add(Kind::NewRule, CREATE | APPEND, |rule| {
        rule.text(TABLE, table).text(CHAIN, chain);
        rule.nest(EXPRESSIONS, |list| write(&mut Rule { list }));
    });
}

impl Rule<'_, '_> {
    fn expression(&mut self, name: &str, data: impl FnOnce(&mut Attributes<'_>)) -> &mut Self {
        const ELEMENT: u16 = 1;
        const NAME: u16 = 1;
        const DATA: u16 = 2;
        self.list.nest(ELEMENT, |expression| {
            expression.text(NAME, name).nest(DATA, data);
        });
        self
    }

    fn compare(&mut self, how: u32, value: &[u8]) -> &mut Self {
        const SOURCE: u16 = 1;
        const HOW: u16 = 2;
        const DATA: u16 = 3;
        const VALUE: u16 = 1;
        self.expression("cmp", |data| {
            data.u32(SOURCE, REGISTER).u32(HOW, how).nest(DATA, |inner| {
                inner.bytes(VALUE, value);
            });
        })
    }

    fn meta(&mut self, key: u32) -> &mut Self {
        self.expression("meta", |data| {
            data.u32(1, REGISTER).u32(2, key);
        })
    }

    fn payload(&mut self, register: u32, base: u32, offset: u32, length: u32) -> &mut Self {
        self.expression("payload", |data| {
            data.u32(1, register).u32(2, base).u32(3, offset).u32(4, length);
        })
    }

    /// Only packets of this family.
    pub(super) fn family(&mut self, family: Family) -> &mut Self {
        const NFPROTO: u32 = 15;
        self.meta(NFPROTO).compare(EQUAL, &[family.number()])
    }

    /// Only TCP (6) or UDP (17).
    pub(super) fn protocol(&mut self, number: u8) -> &mut Self {
        const L4PROTO: u32 = 16;
        self.meta(L4PROTO).compare(EQUAL, &[number])
    }

    /// Only to these ports.
    pub(super) fn ports(&mut self, first: u16, last: u16) -> &mut Self {
        self.payload(REGISTER, TRANSPORT_HEADER, 2, 2);
        if first == last {
            return self.compare(EQUAL, &first.to_be_bytes());
        }
        self.compare(AT_LEAST, &first.to_be_bytes()).compare(AT_MOST, &last.to_be_bytes())
    }

    /// Only to this address.
    pub(super) fn destination(&mut self, family: Family, address: &[u8]) -> &mut Self {
        self.payload(REGISTER, NETWORK_HEADER, family.offsets().1, family.width()).compare(EQUAL, address)
    }

    /// Only to an address of this machine.
    pub(super) fn for_this_machine(&mut self) -> &mut Self {
        const ADDRESS_TYPE: u32 = 3;
        const OF_DESTINATION: u32 = 2;
        const LOCAL: u32 = 2;
        self.expression("fib", |data| {
            data.u32(1, REGISTER).u32(2, ADDRESS_TYPE).u32(3, OF_DESTINATION);
        });
        // The routing table's number, which is in the machine's byte order.
        self.compare(EQUAL, &LOCAL.to_ne_bytes())
    }

    /// Loads the source address.
    pub(super) fn source(&mut self, family: Family) -> &mut Self {
        self.payload(REGISTER, NETWORK_HEADER, family.offsets().0, family.width())
    }

    /// Loads the source address and the port behind it.
    pub(super) fn source_and_port(&mut self, family: Family) -> &mut Self {
        // Registers of four bytes are numbered from 8 on.
        self.source(family).payload(8 + family.width() / 4, TRANSPORT_HEADER, 0, 2)
    }

    /// Of the loaded IPv6 address, leaves the first bits.
    pub(super) fn mask(&mut self, bits: u32) -> &mut Self {
        const VALUE: u16 = 1;
        let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(0).to_be_bytes();
        self.expression("bitwise", |data| {
            data.u32(1, REGISTER).u32(2, REGISTER).u32(3, Family::V6.width());
            data.nest(4, |inner| {
                inner.bytes(VALUE, &mask);
            });
            data.nest(5, |inner| {
                inner.bytes(VALUE, &[0; 16]);
            });
        })
    }

    /// Only what is loaded and in the set.
    pub(super) fn within(&mut self, set: &str) -> &mut Self {
        self.expression("lookup", |data| {
            data.text(1, set).u32(2, REGISTER);
        })
    }

    /// Only what is loaded and not in the set.
    pub(super) fn outside(&mut self, set: &str) -> &mut Self {
        const INVERTED: u32 = 1;
        self.expression("lookup", |data| {
            data.text(1, set).u32(2, REGISTER).u32(5, INVERTED);
        })
    }

    /// Only so many in a second.
    pub(super) fn at_most_per_second(&mut self, count: u32) -> &mut Self {
        self.expression("limit", |data| {
            data.u64(1, u64::from(count)).u64(2, 1).u32(3, count).u32(4, 0).u32(5, 0);
        })
    }

    /// Counts the packets that came so far.
    pub(super) fn counter(&mut self) -> &mut Self {
        self.expression("counter", |data| {
            data.u64(1, 0).u64(2, 0);
        })
    }

    /// Answers a TCP packet with a reset; it goes no further.
    pub(super) fn reset(&mut self) {
        const TCP_RESET: u32 = 1;
        self.expression("reject", |data| {
            data.u32(1, TCP_RESET).bytes(2, &[0]);
        });
    }

    pub(super) fn verdict(&mut self, verdict: Verdict) {
        const REGISTER: u16 = 1;
        const DATA: u16 = 2;
        const VERDICT: u16 = 2;
        const CODE: u16 = 1;
        const CHAIN: u16 = 2;
        let (code, chain) = match verdict {
            Verdict::Drop => (0, None),
            Verdict::Accept => (1, None),
            Verdict::Jump(chain) => (-3_i32, Some(chain)),
            Verdict::Goto(chain) => (-4, Some(chain)),
            Verdict::Return => (-5, None),
        };
        self.expression("immediate", |data| {
            data.u32(REGISTER, 0).nest(DATA, |inner| {
                inner.nest(VERDICT, |verdict| {
                    verdict.bytes(CODE, &code.to_be_bytes());
                    if let Some(chain) = chain {
                        verdict.text(CHAIN, chain);
                    }
                });
            });
        });
    }
}
