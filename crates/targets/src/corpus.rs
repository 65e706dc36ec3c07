//! Seeds: the messages of the text tables, and the small files of `corpus/`, one seed each (`scripts`, `found`) or one a line.
//! An input that once failed is put into `corpus/found/TARGET-anything` and is run first ever after.

use std::fs;
use std::path::Path;

#[path = "../../wire/tests/table/mod.rs"]
mod table;

/// Whole SIP messages: those of phones, those to be refused, and both torture RFCs.
pub fn messages() -> Vec<Vec<u8>> {
    [
        include_str!("../../wire/tests/messages/phones.txt"),
        include_str!("../../wire/tests/messages/refused.txt"),
        include_str!("../../wire/tests/torture/rfc4475_valid.txt"),
        include_str!("../../wire/tests/torture/rfc4475_invalid.txt"),
        include_str!("../../wire/tests/torture/rfc4475_use.txt"),
        include_str!("../../wire/tests/torture/rfc5118.txt"),
    ]
    .iter()
    .flat_map(|text| table::cases(text))
    .map(|case| case.bytes)
    .collect()
}

/// Values of header fields.
pub fn fields() -> Vec<Vec<u8>> {
    lines(include_str!("../corpus/fields.txt"))
}

/// Credentials and challenges.
pub fn digests() -> Vec<Vec<u8>> {
    lines(include_str!("../corpus/digests.txt"))
}

/// SDP bodies: those of the messages.
pub fn descriptions() -> Vec<Vec<u8>> {
    let bodies = messages().into_iter().filter_map(|bytes| {
        let at = bytes.windows(7).position(|window| window == b"\r\n\r\nv=0")?;
        Some(bytes.get(at + 4..)?.to_vec())
    });
    bodies.chain([include_bytes!("../corpus/browser.sdp").to_vec()]).collect()
}

/// RTP, RTCP and telephone events, in hex.
pub fn packets() -> Vec<Vec<u8>> {
    let hex = |line: &str| -> Vec<u8> {
        let digits: Vec<u32> = line.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap_or(0)).collect()
    };
    include_str!("../corpus/packets.txt").lines().filter(|line| !line.starts_with('#')).map(hex).collect()
}

/// Configuration files.
pub fn configurations() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../model/src/config/tests/office.toml").to_vec(),
        include_bytes!("../corpus/office.toml").to_vec(),
    ]
}

/// Durations, sizes, ports, addresses, numbers, times, ids.
pub fn scalars() -> Vec<Vec<u8>> {
    lines(include_str!("../corpus/scalars.txt"))
}

/// What phones say to a machine, step by step; see [`crate::machines::script`].
pub fn scripts() -> Vec<Vec<u8>> {
    include_str!("../corpus/scripts.txt").split("=====\n").map(|script| script.as_bytes().to_vec()).collect()
}

/// Inputs on which this target once failed.
pub fn found(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/found");
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let ours = |path: &Path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(&format!("{target}-")))
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| ours(path)).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

fn lines(text: &str) -> Vec<Vec<u8>> {
    text.lines().map(|line| line.as_bytes().to_vec()).collect()
}
