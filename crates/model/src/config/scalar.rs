//! The small values of the configuration: spans of time, sizes, port ranges, addresses, numbers to dial.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::read::text_schema;
use crate::DialString;
use crate::directory::{self, DigestPolicy};

/// A span of time as administrators write it: `1500ms`, `60s`, `5m`, `2h`, `7d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl Span {
    /// A span of whole seconds.
    pub const fn seconds(seconds: u64) -> Span {
        Span(Duration::from_secs(seconds))
    }

    /// Reads `60s` and the like.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Span, String> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at_checked(split).unwrap_or(("", ""));
        let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
        let millis =
            digits.parse::<u64>().ok().zip(factor).and_then(|(count, factor)| count.checked_mul(factor));
        millis
            .map(|millis| Span(Duration::from_millis(millis)))
            .ok_or_else(|| "write a number and a unit: 1500ms, 60s, 5m, 2h or 7d".to_owned())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let fits = |factor: &u64| millis >= *factor && millis.checked_rem(*factor) == Some(0);
        // Whole days are rare in settings; hours stay hours, as in "24h".
        let unit = UNITS.iter().take(4).rev().find(|(_, factor)| fits(factor));
        match unit {
            Some((name, factor)) => write!(f, "{}{name}", millis.checked_div(*factor).unwrap_or(0)),
            None => write!(f, "{}s", millis.checked_div(1_000).unwrap_or(0)),
        }
    }
}

text_schema!(Span, "a span of time", Span::parse);

/// A size in bytes: `500B`, `64kB`, `10MB`, `2GB` (powers of 1,000).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

const SIZES: [(&str, u64); 4] = [("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];

impl Size {
    /// Reads `10MB` and the like.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Size, String> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at_checked(split).unwrap_or(("", ""));
        let known = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()));
        let bytes =
            digits.parse::<u64>().ok().zip(known).and_then(|(count, (_, factor))| count.checked_mul(*factor));
        bytes.map(Size).ok_or_else(|| "write a number and a unit: 64kB, 10MB or 1GB".to_owned())
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = SIZES
            .iter()
            .rev()
            .find(|(_, factor)| self.0 >= *factor && self.0.checked_rem(*factor) == Some(0));
        match unit {
            Some((name, factor)) => write!(f, "{}{name}", self.0.checked_div(*factor).unwrap_or(0)),
            None => write!(f, "{}B", self.0),
        }
    }
}

text_schema!(Size, "a size", Size::parse);

/// UDP ports for media, first and last; RTP takes the even one of a pair, RTCP the odd one above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// First port, even.
    pub first: u16,
    /// Last port, odd.
    pub last: u16,
}

impl PortRange {
    /// Reads `10000-19999`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<PortRange, String> {
        let ports = text.split_once('-').and_then(|(first, last)| {
            Some(PortRange { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? })
        });
        let range = ports.ok_or("write the first and the last port: 10000-19999")?;
        if range.first < 1_024 {
            return Err("begin at 1024 or above: lower ports belong to other services".to_owned());
        }
        let (even, odd) = (range.first & 1 == 0, range.last & 1 == 1);
        if !even || !odd || range.last < range.first.saturating_add(3) {
            return Err("begin at an even port and end at an odd one, with at least two pairs: 10000-19999"
                .to_owned());
        }
        Ok(range)
    }

    /// Pairs of ports in the range: media streams that fit.
    pub fn pairs(&self) -> u16 {
        self.last.saturating_sub(self.first).saturating_add(1) / 2
    }

    /// Whether `port` lies in the range.
    pub fn contains(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

text_schema!(PortRange, "a range of ports", PortRange::parse);

text_schema!(SocketAddr, "an address with a port", |text| {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "write 0.0.0.0:5060 or [::]:5060, with port 0 for any free one".to_owned())?;
    if address.ip().is_multicast() {
        return Err("write an address of this machine, not a multicast one".to_owned());
    }
    Ok(address)
});

text_schema!(Ipv4Addr, "an IPv4 address", |text| {
    let address: Ipv4Addr = text.parse().map_err(|_| "write an address like 203.0.113.7".to_owned())?;
    if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
        return Err("write the address that peers outside reach, like 203.0.113.7".to_owned());
    }
    Ok(address)
});

text_schema!(Ipv6Addr, "an IPv6 address", |text| {
    let address: Ipv6Addr = text.parse().map_err(|_| "write an address like 2001:db8::7".to_owned())?;
    if address.is_unspecified() || address.is_multicast() || address.to_ipv4_mapped().is_some() {
        return Err("write the address that peers outside reach, like 2001:db8::7".to_owned());
    }
    Ok(address)
});

text_schema!(DialString, "a number that can be dialled", |text| {
    DialString::parse(text.as_bytes())
        .map_err(|why| format!("{why}: write a number like 102 or +420555010100"))
});

/// `DigestPolicy` with the text that the file uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub DigestPolicy);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            DigestPolicy::Both => "both",
            DigestPolicy::Sha256 => "sha256",
            DigestPolicy::Md5 => "md5",
        })
    }
}

text_schema!(Digest, "a digest policy", |text| match text {
    "both" => Ok(Digest(DigestPolicy::Both)),
    "sha256" => Ok(Digest(DigestPolicy::Sha256)),
    "md5" => Ok(Digest(DigestPolicy::Md5)),
    _ => Err("write \"both\", \"sha256\" or \"md5\"".to_owned()),
});

/// `directory::Known` with the text that the file uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known(pub directory::Known);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            directory::Known::Account => "account",
            directory::Known::Address => "address",
        })
    }
}

text_schema!(Known, "what is refused first where phones have signed in before", |text| match text {
    "account" => Ok(Known(directory::Known::Account)),
    "address" => Ok(Known(directory::Known::Address)),
    _ => Err("write \"account\" or \"address\"".to_owned()),
});

/// Whether the kernel is told what to refuse (SPEC R4.8): where it lets us, or never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KernelOffload {
    /// Where the process may administer nftables.
    #[default]
    Auto,
    /// Never.
    Off,
}

impl fmt::Display for KernelOffload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KernelOffload::Auto => "auto",
            KernelOffload::Off => "off",
        })
    }
}

text_schema!(KernelOffload, "whether the kernel refuses too", |text| match text {
    "auto" => Ok(KernelOffload::Auto),
    "off" => Ok(KernelOffload::Off),
    _ => Err("write auto or off".to_owned()),
});

/// `directory::Encryption` with the text that the file uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Encryption(pub directory::Encryption);

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            directory::Encryption::Off => "off",
            directory::Encryption::Optional => "optional",
            directory::Encryption::Required => "required",
        })
    }
}

text_schema!(Encryption, "an encryption policy", |text| match text {
    "off" => Ok(Encryption(directory::Encryption::Off)),
    "optional" => Ok(Encryption(directory::Encryption::Optional)),
    "required" => Ok(Encryption(directory::Encryption::Required)),
    _ => Err("write \"off\", \"optional\" or \"required\"".to_owned()),
});

/// What a user may do on the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A person with an extension, not an administrator.
    #[default]
    User,
    /// Everything.
    Full,
    /// Daily work, without security and network.
    Operator,
    /// Sees, changes nothing.
    ReadOnly,
    /// Sees logs and revisions.
    Auditor,
}

impl Role {
    /// Whether this role belongs to the console's administrators, whom a rollback leaves alone.
    pub const fn is_administrator(self) -> bool {
        !matches!(self, Role::User)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::User => "user",
            Role::Full => "full",
            Role::Operator => "operator",
            Role::ReadOnly => "read-only",
            Role::Auditor => "auditor",
        })
    }
}

text_schema!(Role, "a role", |text| match text {
    "user" => Ok(Role::User),
    "full" => Ok(Role::Full),
    "operator" => Ok(Role::Operator),
    "read-only" => Ok(Role::ReadOnly),
    "auditor" => Ok(Role::Auditor),
    _ => Err("write \"user\", \"full\", \"operator\", \"read-only\" or \"auditor\"".to_owned()),
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_back_in_their_shortest_unit() {
        for (text, shown) in
            [("60s", "1m"), ("1500ms", "1500ms"), ("90m", "90m"), ("24h", "24h"), ("0s", "0s")]
        {
            assert_eq!(Span::parse(text).unwrap().to_string(), shown);
            assert_eq!(Span::parse(shown).unwrap(), Span::parse(text).unwrap());
        }
        for text in ["", "5", "s", "-5s", "5 s", "1.5s", "99999999999999999999s", "9999999999999999d"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn port_ranges_hold_whole_pairs() {
        assert_eq!(PortRange::parse("10000-19999").unwrap().pairs(), 5_000);
        for text in
            ["10001-19999", "10000-19998", "10000", "20000-10001", "80-1025", "10000-10001", "0-70001"]
        {
            assert!(PortRange::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_read_back() {
        assert_eq!(Size::parse("10MB").unwrap().to_string(), "10MB");
        assert_eq!(Size::parse("1500B").unwrap().to_string(), "1500B");
        assert!(Size::parse("10 apples").is_err());
    }
}
