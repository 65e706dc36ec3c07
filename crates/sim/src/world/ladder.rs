//! The last messages of a run, for who reads a failure.

use std::collections::VecDeque;

use bytes::Bytes;
use model::Mono;

/// Messages kept.
const KEPT: usize = 4_000;

/// One message as it was delivered.
#[derive(Clone, Debug)]
struct Rung {
    at: Mono,
    route: String,
    bytes: Bytes,
}

/// The last messages.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    rungs: VecDeque<Rung>,
    /// A number that differs when anything differed.
    pub digest: u64,
}

impl Ladder {
    /// Notes a delivered message.
    pub fn note(&mut self, at: Mono, route: String, bytes: &Bytes) {
        if self.rungs.len() >= KEPT {
            self.rungs.pop_front();
        }
        let mut hash = self.digest ^ at.as_nanos();
        for byte in bytes.iter().take(80).chain(route.as_bytes()) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.digest = hash;
        self.rungs.push_back(Rung { at, route, bytes: bytes.clone() });
    }

    /// The messages as lines, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.rungs.iter().map(line).collect()
    }
}

fn line(rung: &Rung) -> String {
    let text = String::from_utf8_lossy(&rung.bytes);
    let field = |name: &str| {
        let lines = text.lines().skip(1).take_while(|line| !line.is_empty());
        lines.filter_map(|line| line.strip_prefix(name)).map(str::trim).next().unwrap_or("-").to_owned()
    };
    let audio = text
        .lines()
        .filter(|line| line.starts_with("m=") || line.starts_with("a=send") || line.starts_with("a=recv"));
    let audio: Vec<&str> = audio.collect();
    let call_id: String = field("Call-ID:").chars().take(8).collect();
    format!(
        "{:>10.3}  {:<28} {}  [{} {}] {}",
        rung.at.as_nanos() as f64 / 1e9,
        rung.route,
        text.lines().next().unwrap_or_default(),
        call_id,
        field("CSeq:"),
        audio.join(" "),
    )
}
