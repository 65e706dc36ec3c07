//! Malformed messages: a small torture chamber. After each the server must answer somebody else as before.

use super::field::{ANSWER_WITHIN, Field, Halt};
use super::report::{Finding, Trial};

/// Who sends them.
const TORTURER: u8 = 40;
/// Who asks whether the server lives.
const PROBE: u8 = 41;
/// Bytes of the longest line sent.
const LONG: usize = 60_000;

pub fn attack(field: &Field, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let mut torturer = field.phone(TORTURER)?;
    let name = field.nobody(8);
    let good = torturer.compose(&torturer.registration(&name, 120)).0;
    let messages = messages(&good);
    let count = messages.len();
    let mut deaf = None;
    for (what, bytes) in messages {
        torturer.send(&bytes)?;
        let mut probe = field.phone(PROBE)?;
        if probe.ask(&probe.registration(&name, 120), ANSWER_WITHIN)?.is_none() {
            deaf = Some(what);
            break;
        }
    }
    findings.push(
        Trial {
            step: "malformed messages",
            tried: format!("{count} broken messages, and after each a good one from another address"),
            expected: "the good one is answered each time",
            cure: "please report this: no message may stop the server",
        }
        .judged(match deaf {
            None => Ok("the server answered each time".to_owned()),
            Some(what) => Err(format!("no answer after {what}")),
        }),
    );
    Ok(())
}

/// Broken messages, made from a good one.
fn messages(good: &str) -> Vec<(&'static str, Vec<u8>)> {
    let with = |from: &str, to: &str| good.replacen(from, to, 1).into_bytes();
    let line = |line: &str| with("Max-Forwards: 70\r\n", line);
    vec![
        ("nothing", Vec::new()),
        ("zero bytes", vec![0; 512]),
        ("bytes that are no text", (0..=255).cycle().take(1_400).collect()),
        ("half a message", good.as_bytes().iter().take(good.len() / 2).copied().collect()),
        ("a method without an end", vec![b'A'; LONG]),
        ("a long header", line(&format!("Subject: {}\r\n", "x".repeat(LONG)))),
        ("many headers", line(&"X: y\r\n".repeat(8_000))),
        ("many Vias", line(&"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n".repeat(900))),
        ("a negative length", with("Content-Length: 0", "Content-Length: -1")),
        ("a huge length", with("Content-Length: 0", "Content-Length: 99999999999999999999")),
        ("a huge CSeq", with("CSeq: 1", "CSeq: 99999999999999999999")),
        ("no hops left", line("Max-Forwards: 0\r\n")),
        ("no Call-ID", with("Call-ID", "Call-IX")),
        ("an unclosed quote", with("From: <", "From: \"x <")),
        ("brackets in brackets", with("From: <", &format!("From: {}", "<".repeat(500)))),
        ("another version", with("SIP/2.0", "SIP/9.9")),
        ("a port that is none", with("rport", "rport=999999999")),
        ("a folded header", line("Subject: a\r\n b\r\n\tc\r\nMax-Forwards: 70\r\n")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_message_fits_into_a_packet_and_differs_from_the_good_one() {
        let good = "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;rport\r\nMax-Forwards: 70\r\nFrom: <sip:x>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n";
        for (what, bytes) in messages(good) {
            assert!(bytes.len() < 65_000 && bytes != good.as_bytes(), "{what}");
        }
    }
}
