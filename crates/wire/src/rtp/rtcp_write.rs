//! The writer of RTCP: one compound of SR or RR, SDES with the CNAME, and BYE at the end (RFC 3550 6.1).

use super::rtcp::{ReportBlock, SenderInfo};

/// Longest compound written: SR with one block 52, SDES with the longest CNAME 44, BYE 8.
pub const COMPOUND_MAX: usize = 104;

/// Longest CNAME, in bytes. RFC 7022 wants 96 random bits, 24 as hexadecimal digits.
const CNAME_MAX: usize = 32;

/// What one compound says.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Our source.
    pub ssrc: u32,
    /// What we sent; `None` writes a receiver report.
    pub sender: Option<SenderInfo>,
    /// What we received.
    pub report: Option<ReportBlock>,
    /// Our canonical name; cut at 32 bytes.
    pub cname: &'a [u8],
    /// Whether the source leaves.
    pub ends: bool,
}

/// Writes the compound to the front of `out` and says how long it is; `None` when there is no room.
#[must_use]
pub fn write_compound(out: &mut [u8], outgoing: &Outgoing<'_>) -> Option<usize> {
    let mut pen = Pen { out, at: 0 };
    report(&mut pen, outgoing)?;
    description(&mut pen, outgoing)?;
    if outgoing.ends {
        pen.head(1, 203, 1)?;
        pen.word(outgoing.ssrc)?;
    }
    Some(pen.at)
}

fn report(pen: &mut Pen<'_>, outgoing: &Outgoing<'_>) -> Option<()> {
    let count = u8::from(outgoing.report.is_some());
    let block_words = u16::from(count).checked_mul(6)?;
    match outgoing.sender {
        Some(sender) => {
            pen.head(count, 200, block_words.checked_add(6)?)?;
            pen.word(outgoing.ssrc)?;
            pen.bytes(&sender.ntp.to_be_bytes())?;
            pen.word(sender.timestamp)?;
            pen.word(sender.packets)?;
            pen.word(sender.octets)?;
        }
        None => {
            pen.head(count, 201, block_words.checked_add(1)?)?;
            pen.word(outgoing.ssrc)?;
        }
    }
    let Some(block) = outgoing.report else { return Some(()) };
    pen.word(block.ssrc)?;
    let lost = block.lost.clamp(-0x0080_0000, 0x007f_ffff).cast_unsigned() & 0x00ff_ffff;
    pen.word((u32::from(block.fraction_lost) << 24) | lost)?;
    pen.word(block.highest)?;
    pen.word(block.jitter)?;
    pen.word(block.last_report)?;
    pen.word(block.delay)
}

/// One chunk: source, CNAME item, at least one zero byte up to the next word (RFC 3550 6.5).
fn description(pen: &mut Pen<'_>, outgoing: &Outgoing<'_>) -> Option<()> {
    let cname = outgoing.cname.get(..CNAME_MAX).unwrap_or(outgoing.cname);
    let item = cname.len().checked_add(3)?;
    let words = item.div_ceil(4);
    pen.head(1, 202, u16::try_from(words).ok()?.checked_add(1)?)?;
    pen.word(outgoing.ssrc)?;
    pen.bytes(&[1, u8::try_from(cname.len()).ok()?])?;
    pen.bytes(cname)?;
    let zeros = words.checked_mul(4)?.checked_sub(item)?.checked_add(1)?;
    pen.bytes([0_u8; 4].get(..zeros)?)
}

struct Pen<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Pen<'_> {
    fn head(&mut self, count: u8, kind: u8, words: u16) -> Option<()> {
        let [high, low] = words.to_be_bytes();
        self.bytes(&[0x80 | count, kind, high, low])
    }

    fn word(&mut self, word: u32) -> Option<()> {
        self.bytes(&word.to_be_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.at.checked_add(bytes.len())?;
        self.out.get_mut(self.at..end)?.copy_from_slice(bytes);
        self.at = end;
        Some(())
    }
}
