//! A line kept as text, the attribute in it, and the direction of a stream.

use std::fmt;

/// One line that is kept as it came: its type letter and what follows the `=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The type letter, such as `a` or `b`.
    pub kind: char,
    /// The text after `=`.
    pub value: String,
}

impl Line {
    /// A line of any type.
    #[must_use]
    pub fn new(kind: char, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }

    /// `a=name:value`, or `a=name` when the value is empty.
    #[must_use]
    pub fn attribute(name: &str, value: &str) -> Self {
        if value.is_empty() { Self::new('a', name) } else { Self::new('a', format!("{name}:{value}")) }
    }

    /// Name and value, when this is an attribute; the value is empty for one without.
    #[must_use]
    pub fn as_attribute(&self) -> Option<(&str, &str)> {
        if self.kind != 'a' {
            return None;
        }
        let (name, value) = self.value.split_once(':').unwrap_or((&self.value, ""));
        Some((name.trim(), value.trim()))
    }
}

/// Value of the first attribute `name` among `lines`.
pub(super) fn attribute<'a>(lines: &'a [Line], name: &str) -> Option<&'a str> {
    lines
        .iter()
        .filter_map(Line::as_attribute)
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// The direction among `lines`; the last one counts, as phones that append a second one mean it.
pub(super) fn direction(lines: &[Line]) -> Option<Direction> {
    lines.iter().rev().filter_map(Line::as_attribute).find_map(|(name, _)| Direction::parse(name))
}

/// Which way media flows, as the side that wrote the description sees it (RFC 3264 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways.
    #[default]
    Sendrecv,
    /// The writer only sends: it holds the other.
    Sendonly,
    /// The writer only receives.
    Recvonly,
    /// Nobody sends.
    Inactive,
}

impl Direction {
    /// From what the writer does.
    #[must_use]
    pub fn from_flows(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::Sendrecv,
            (true, false) => Self::Sendonly,
            (false, true) => Self::Recvonly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the writer sends.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Sendonly)
    }

    /// Whether the writer wants to receive.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Recvonly)
    }

    /// The same stream as seen from the other end.
    #[must_use]
    pub fn mirrored(self) -> Self {
        Self::from_flows(self.receives(), self.sends())
    }

    /// What is left when both this and `other`, seen from the same end, must hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::from_flows(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// The attribute's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sendrecv => "sendrecv",
            Self::Sendonly => "sendonly",
            Self::Recvonly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// From an attribute's name; `None` for any other attribute.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Sendrecv, Self::Sendonly, Self::Recvonly, Self::Inactive]
            .into_iter()
            .find(|direction| direction.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
