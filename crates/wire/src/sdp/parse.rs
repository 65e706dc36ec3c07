//! The reader: bytes to a [`Session`], line by line.
//!
//! A line belongs to the session until the first `m=`, then to that section. Nothing is allocated beyond the
//! lines themselves.

use super::line::Line;
use super::media::{Kind, Media, Protocol};
use super::{BYTES_MAX, Connection, Error, FORMATS_MAX, LINES_MAX, MEDIA_MAX, Origin, Session};

pub(super) fn session(body: &[u8]) -> Result<Session, Error> {
    if body.len() > BYTES_MAX {
        return Err(Error::TooLong);
    }
    let mut draft = Draft::default();
    let mut number: u16 = 0;
    for raw in body.split(|byte| *byte == b'\n') {
        number = number.saturating_add(1);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if raw.is_empty() {
            continue;
        }
        if usize::from(number) > LINES_MAX {
            return Err(Error::TooManyLines);
        }
        draft.line(raw, number)?;
    }
    if draft.version { Ok(draft.finish()) } else { Err(Error::NoVersion) }
}

#[derive(Default)]
struct Draft {
    version: bool,
    origin: Option<Origin>,
    name: Option<String>,
    connection: Option<Connection>,
    lines: Vec<Line>,
    media: Vec<Media>,
}

impl Draft {
    fn line(&mut self, raw: &[u8], number: u16) -> Result<(), Error> {
        let bad = Error::BadLine(number);
        // A bare CR or a NUL would be two lines for one reader and one for another.
        if raw.iter().any(|byte| matches!(byte, b'\r' | 0)) {
            return Err(bad);
        }
        let (&kind, rest) = raw.split_first().ok_or(bad)?;
        let value = rest.strip_prefix(b"=").filter(|_| kind.is_ascii_alphabetic()).ok_or(bad)?;
        let value = String::from_utf8_lossy(value);
        if !self.version {
            self.version = kind == b'v' && value.trim() == "0";
            return if self.version { Ok(()) } else { Err(Error::NoVersion) };
        }
        match (kind, self.media.last_mut()) {
            (b'm', _) => {
                if self.media.len() >= MEDIA_MAX {
                    return Err(Error::TooManyMedia);
                }
                self.media.push(media(&value, number)?);
            }
            (b'c', None) if self.connection.is_none() => {
                self.connection = Some(Connection::parse(&value).ok_or(bad)?);
            }
            (b'c', Some(media)) if media.connection.is_none() => {
                media.connection = Some(Connection::parse(&value).ok_or(bad)?);
            }
            (b'o', None) if self.origin.is_none() => self.origin = Some(Origin::parse(&value).ok_or(bad)?),
            (b's', None) if self.name.is_none() => self.name = Some(value.into_owned()),
            (_, Some(media)) => media.lines.push(Line::new(char::from(kind), value)),
            (_, None) => self.lines.push(Line::new(char::from(kind), value)),
        }
        Ok(())
    }

    fn finish(mut self) -> Session {
        if !self.lines.iter().any(|line| line.kind == 't') {
            let place = self.lines.iter().position(|line| matches!(line.kind, 'r' | 'z' | 'k' | 'a'));
            self.lines.insert(place.unwrap_or(self.lines.len()), Line::new('t', "0 0"));
        }
        Session {
            origin: self.origin.unwrap_or_else(Origin::missing),
            name: self.name.unwrap_or_else(|| "-".to_owned()),
            connection: self.connection,
            lines: self.lines,
            media: self.media,
        }
    }
}

/// `m=<kind> <port>[/<count>] <protocol> <format>...`
fn media(value: &str, number: u16) -> Result<Media, Error> {
    let bad = Error::BadLine(number);
    let mut fields = value.split_ascii_whitespace();
    let kind = Kind::parse(fields.next().ok_or(bad)?);
    let port = fields.next().ok_or(bad)?;
    let (port, port_count) = match port.split_once('/') {
        Some((port, count)) => (port, Some(count.parse().map_err(|_| bad)?)),
        None => (port, None),
    };
    let port = port.parse().map_err(|_| bad)?;
    let protocol = Protocol::parse(fields.next().ok_or(bad)?);
    let mut formats = Vec::new();
    for format in fields {
        if formats.len() >= FORMATS_MAX {
            return Err(Error::TooManyFormats(number));
        }
        formats.push(format.to_owned());
    }
    Ok(Media { kind, port, port_count, protocol, formats, connection: None, lines: Vec::new() })
}
