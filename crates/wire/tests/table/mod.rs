//! Messages from a text file: `=== name` begins one, `{hh}` is a byte, `{len}` the body's length, line ends become CR LF.

/// One message of a table.
pub struct Case {
    /// The line that began it.
    pub name: String,
    /// What would be on the wire.
    pub bytes: Vec<u8>,
}

/// Every message of a table.
pub fn cases(text: &str) -> Vec<Case> {
    let blocks = text.split("\n=== ").skip(1);
    blocks
        .map(|block| {
            let (name, message) = block.split_once('\n').unwrap_or((block, ""));
            Case { name: name.to_owned(), bytes: bytes(message) }
        })
        .collect()
}

fn bytes(message: &str) -> Vec<u8> {
    // The newline before the next `===` was cut by the split; a body keeps none, a header section needs its own.
    let mut lines = message.replace('\n', "\r\n");
    if !lines.contains("\r\n\r\n") {
        lines.push_str("\r\n");
    }
    let body = lines.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
    let lines = lines.replace("{len}", &body.to_string());
    let mut out = Vec::new();
    let mut rest = lines.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = rest.get(1..3).filter(|_| *first == b'{' && rest.get(3) == Some(&b'}'));
        let byte = escape.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &rest[4..] } else { after };
    }
    out
}
