//! The writer. Lines come out in the grammar's order (RFC 8866 9): `c=` follows the lines that may precede it.

use std::fmt;

use super::Session;
use super::line::Line;
use super::media::Media;

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=0\r\n")?;
        line(f, 'o', &self.origin)?;
        line(f, 's', &self.name)?;
        let after = |line: &Line| !matches!(line.kind, 'i' | 'u' | 'e' | 'p');
        let (before, after) = split(&self.lines, after);
        kept(f, before)?;
        if let Some(connection) = &self.connection {
            line(f, 'c', connection)?;
        }
        kept(f, after)?;
        self.media.iter().try_for_each(|media| media.fmt(f))
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, port, protocol, .. } = self;
        let mut head = format!("{kind} {port}");
        if let Some(count) = self.port_count {
            head.push_str(&format!("/{count}"));
        }
        head.push_str(&format!(" {protocol}"));
        for format in &self.formats {
            head.push(' ');
            head.push_str(format);
        }
        line(f, 'm', &head)?;
        let (before, after) = split(&self.lines, |line| line.kind != 'i');
        kept(f, before)?;
        if let Some(connection) = &self.connection {
            line(f, 'c', connection)?;
        }
        kept(f, after)
    }
}

/// The lines before the first that stands behind `c=`, and the others.
fn split(lines: &[Line], is_behind: impl Fn(&Line) -> bool) -> (&[Line], &[Line]) {
    let at = lines.iter().position(is_behind).unwrap_or(lines.len());
    lines.split_at_checked(at).unwrap_or((lines, &[]))
}

fn kept(f: &mut fmt::Formatter<'_>, lines: &[Line]) -> fmt::Result {
    lines.iter().try_for_each(|kept| line(f, kept.kind, &kept.value))
}

/// One line. A line end inside a value would be a line of its own to the reader, so it does not get out.
fn line(f: &mut fmt::Formatter<'_>, kind: char, value: &dyn fmt::Display) -> fmt::Result {
    use fmt::Write as _;
    write!(f, "{kind}=")?;
    write!(OneLine(f), "{value}")?;
    f.write_str("\r\n")
}

struct OneLine<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.split(['\r', '\n', '\0']).try_for_each(|part| self.0.write_str(part))
    }
}
