//! The answer to a request that can't be read: built from what of it can be, without any state.

use super::addr::NameAddr;
use super::error::{Malformed, MalformedKind};
use super::limits::{MAX_HEADERS, MAX_LINE, MAX_VIAS};
use super::message::{CSeq, check_call_id};
use super::name::Name;
use super::scan::{is_version, line_end, skip_empty_lines};
use super::text::{self, Values, is_token};
use super::via::Via;
use super::write::Writer;

/// The fields an answer is made of, as far as the request has them.
#[derive(Default)]
struct Salvage<'a> {
    vias: Vec<&'a [u8]>,
    from: Option<&'a [u8]>,
    to: Option<&'a [u8]>,
    call_id: Option<&'a [u8]>,
    cseq: Option<&'a [u8]>,
}

/// The response to a malformed request: 400, or 505 or 513 where that is the fault, with the fault as its reason.
///
/// `None` when it is no request, is an ACK, or when Via, From, To, Call-ID or CSeq can't each be read alone: then there is nobody to
/// answer, and the bytes are dropped.
pub fn bad_request(bytes: &[u8], why: &Malformed) -> Option<Vec<u8>> {
    let begin = skip_empty_lines(bytes).ok()?;
    let (end, headers) = line_end(bytes, begin).ok()?;
    if !is_answerable(bytes.get(begin..end)?) {
        return None;
    }
    let found = salvage(bytes, headers)?;
    let (from, to, call_id, cseq) = (found.from?, found.to?, found.call_id?, found.cseq?);
    NameAddr::parse(to).ok()?;
    NameAddr::parse(from).ok()?;
    let via = match why.kind {
        MalformedKind::Version => Via::parse_any_version(found.vias.first()?),
        _ => Via::parse(found.vias.first()?),
    };
    if via.is_err() || CSeq::parse(cseq).is_err() || check_call_id(call_id).is_err() {
        return None;
    }
    let mut writer = Writer::response(why.status(), why.kind.to_string());
    for via in &found.vias {
        writer.header(Name::Via, via);
    }
    writer.header(Name::From, from).tagged_to(to, &format!("{:016x}", fingerprint(&found)));
    Some(writer.header(Name::CallId, call_id).header(Name::CSeq, cseq).finish().to_vec())
}

/// A request line of any version, but not of an ACK, which is never answered.
fn is_answerable(line: &[u8]) -> bool {
    let mut words = line.split(|b| *b == b' ');
    let method = words.next().unwrap_or_default();
    let last = words.next_back().unwrap_or_default();
    !method.is_empty() && method.iter().all(|b| is_token(*b)) && method != b"ACK" && is_version(last)
}

/// Walks the lines and keeps the fields wanted, skipping lines that are none. A field that must be single and differs is `None` for
/// the whole: which one to answer is not ours to choose.
fn salvage(bytes: &[u8], headers: usize) -> Option<Salvage<'_>> {
    let mut found = Salvage::default();
    let mut at = headers;
    for _ in 0..MAX_HEADERS {
        let (line, next) = loose_line(bytes, at);
        if line.is_empty() {
            break;
        }
        at = next;
        let (raw_name, rest) = text::take_while(line, is_token);
        let Some(value) = text::trim_start(rest).strip_prefix(b":") else { continue };
        let value = text::trim(value);
        if value.len() > MAX_LINE {
            return None;
        }
        let slot = match Name::parse(raw_name) {
            Name::Via => {
                found.vias.extend(Values::new(value).take(MAX_VIAS.saturating_sub(found.vias.len())));
                continue;
            }
            Name::From => &mut found.from,
            Name::To => &mut found.to,
            Name::CallId => &mut found.call_id,
            Name::CSeq => &mut found.cseq,
            _ => continue,
        };
        if slot.is_some_and(|before| before != value) {
            return None;
        }
        *slot = Some(value);
    }
    Some(found)
}

/// A header line with its folds, and where the next begins; faults in it are for its field to find.
fn loose_line(bytes: &[u8], at: usize) -> (&[u8], usize) {
    let rest = bytes.get(at..).unwrap_or_default();
    let mut from = 0_usize;
    loop {
        let found = rest.get(from..).and_then(|rest| memchr::memmem::find(rest, b"\r\n"));
        let Some(end) = found.map(|found| from.saturating_add(found)) else {
            return (rest, bytes.len());
        };
        let next = end.saturating_add(2);
        if end == 0 || !matches!(rest.get(next), Some(b' ' | b'\t')) {
            return (rest.get(..end).unwrap_or_default(), at.saturating_add(next));
        }
        from = next;
    }
}

/// A tag that is the same for a retransmission of the same request (RFC 3261 section 8.2.7): FNV-1a over what names it.
fn fingerprint(found: &Salvage<'_>) -> u64 {
    let parts = [found.vias.first().copied(), found.call_id, found.cseq];
    parts.into_iter().flatten().flatten().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
