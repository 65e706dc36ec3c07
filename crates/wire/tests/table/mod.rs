//! Messages from a text file: `=== name` begins one, `{hh}` is a byte, `{30*text}` the text thirty times, `{len}` the body's
//! length; line ends become CR LF.

/// One message of a table.
#[allow(dead_code, reason = "each user of the tables takes its part")]
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
    let body = lines.split_once("\r\n\r\n").map_or(0, |(_, body)| escapes(body).len());
    escapes(&lines.replace("{len}", &body.to_string()))
}

fn escapes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.extend_from_slice(before.as_bytes());
        let escape = after.split_once('}').and_then(|(inside, after)| Some((escape(inside)?, after)));
        match escape {
            Some((bytes, after)) => {
                out.extend_from_slice(&bytes);
                rest = after;
            }
            None => {
                out.push(b'{');
                rest = after;
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

fn escape(inside: &str) -> Option<Vec<u8>> {
    match inside.split_once('*') {
        Some((count, text)) => Some(text.repeat(count.parse().ok()?).into_bytes()),
        None if inside.len() == 2 => Some(vec![u8::from_str_radix(inside, 16).ok()?]),
        None => None,
    }
}
