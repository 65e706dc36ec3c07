//! A small seeded mutator: the same seed makes the same input out of the same corpus.

use model::Entropy;

/// Longest input: past every limit of a message, but cheap.
const LONGEST: usize = 80_000;
/// Bytes that grammars hang on.
const GRAMMAR: &[u8] = b"\r\n \t\0:;,<>\"\\@?=/[]{}%*#&+-.$|09azAZ\x80\xff";
/// Pieces of text that parsers look for.
const WORDS: &[&str] = &[
    "\r\n\r\n",
    "\r\n ",
    ";tag=",
    ";branch=z9hG4bK",
    "SIP/2.0",
    "sip:",
    "sips:",
    "tel:",
    "%00",
    "%0D%0A",
    "::ffff:",
    "[::1]",
    "Content-Length: ",
    "l: ",
    "Via: ",
    "v: ",
    "4294967296",
    "18446744073709551616",
    "-1",
    "0",
    "65536",
    "*",
    "\"",
    "<",
    ">",
    "Contact: *\r\n",
    "Expires: 0\r\n",
    "a=sendonly\r\n",
    "m=audio 0 RTP/AVP 0\r\n",
    "c=IN IP6 ::\r\n",
    "Replaces=",
    "Require: 100rel\r\n",
    "Digest ",
    "[[",
    "\"\"\"",
    "{%%%",
];

/// One input out of a corpus.
pub fn mutant(seed: u64, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut chance = Entropy::from_seed(bytes);
    let mut input = pick(&mut chance, corpus).to_vec();
    for _ in 0..chance.below(6) {
        change(&mut chance, &mut input, corpus);
        input.truncate(LONGEST);
    }
    input
}

fn pick<'a>(chance: &mut Entropy, corpus: &'a [Vec<u8>]) -> &'a [u8] {
    corpus.get(below(chance, corpus.len())).map(Vec::as_slice).unwrap_or_default()
}

fn below(chance: &mut Entropy, bound: usize) -> usize {
    if bound == 0 { 0 } else { chance.below(u32::try_from(bound).unwrap_or(u32::MAX)) as usize }
}

fn range(chance: &mut Entropy, length: usize) -> std::ops::Range<usize> {
    let from = below(chance, length + 1);
    let most = if chance.below(4) == 0 { 400 } else { 12 };
    from..(from + 1 + below(chance, most)).min(length).max(from)
}

fn change(chance: &mut Entropy, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = below(chance, input.len() + 1);
    match chance.below(11) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << chance.below(8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = GRAMMAR[below(chance, GRAMMAR.len())];
            }
        }
        2 => input.insert(at, GRAMMAR[below(chance, GRAMMAR.len())]),
        3 => {
            let word = WORDS[below(chance, WORDS.len())];
            input.splice(at..at, word.bytes());
        }
        4 => {
            let range = range(chance, input.len());
            input.drain(range);
        }
        5 => {
            let piece = input[range(chance, input.len())].to_vec();
            let times = if chance.below(8) == 0 { 300 } else { 1 };
            input.splice(at..at, piece.repeat(times));
        }
        6 => {
            let other = pick(chance, corpus);
            let piece = &other[range(chance, other.len())];
            input.splice(at..at, piece.iter().copied());
        }
        7 => {
            let other = pick(chance, corpus);
            let from = below(chance, other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        8 => input.truncate(at),
        9 => swap_lines(chance, input),
        _ => change_number(chance, input),
    }
}

/// Two lines change places, or one stands twice.
fn swap_lines(chance: &mut Entropy, input: &mut Vec<u8>) {
    let mut lines: Vec<&[u8]> = input.split_inclusive(|byte| *byte == b'\n').collect();
    let (a, b) = (below(chance, lines.len()), below(chance, lines.len()));
    if lines.is_empty() {
        return;
    }
    if chance.below(2) == 0 {
        lines.swap(a, b);
    } else {
        lines.insert(b, lines[a]);
    }
    *input = lines.concat();
}

/// A number becomes one at a border: claimed lengths, counts, ports.
fn change_number(chance: &mut Entropy, input: &mut Vec<u8>) {
    const BORDERS: &[&str] = &[
        "0",
        "1",
        "-1",
        "255",
        "256",
        "65535",
        "65536",
        "2147483647",
        "2147483648",
        "4294967295",
        "4294967296",
        "99999999999999999999",
        "007",
        "1e3",
        "",
    ];
    let starts: Vec<usize> = (0..input.len())
        .filter(|at| input[*at].is_ascii_digit() && (*at == 0 || !input[*at - 1].is_ascii_digit()))
        .collect();
    let Some(from) = starts.get(below(chance, starts.len())).copied() else { return };
    let length = input[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let border = BORDERS[below(chance, BORDERS.len())];
    input.splice(from..from + length, border.bytes());
}
