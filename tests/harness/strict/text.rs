//! Bytes as rows write them: plain text, escapes, repetitions, short names for what stands in every row, and what
//! a script does between bytes.
//!
//! ```text
//! \r \n \t \0 \\ \{ \xHH     one byte
//! {a*9000}                   a text so many times
//! {1.1} {F} {member} …       a short name
//! {close} {seen} …           something to do
//! ```

/// What a script consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes to send.
    Bytes(Vec<u8>),
    /// Something to do between them.
    Do(Act),
}

/// What a script does between bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// What stands before goes out as a write of its own.
    Flush,
    /// Client: waits until the member has a whole head of this row.
    Seen,
    /// Client: waits for one more final answer. Member: waits until the client has what was sent so far.
    Answer,
    /// Client: waits for an interim 100.
    Continue,
    /// Client: waits until what it sent last has come back.
    Back,
    /// Member: begins as soon as the head is there, and not after the whole message.
    Early,
    /// Member: begins as soon as the connection is there.
    Accept,
    /// Member: waits for the rest of the message.
    Body,
    /// Member: from now on sends back what it gets.
    Echo,
    /// Sends no more.
    Close,
    /// Resets the connection.
    Reset,
}

const ACTS: [(&str, Act); 11] = [
    ("flush", Act::Flush),
    ("seen", Act::Seen),
    ("answer", Act::Answer),
    ("100", Act::Continue),
    ("back", Act::Back),
    ("early", Act::Early),
    ("accept", Act::Accept),
    ("body", Act::Body),
    ("echo", Act::Echo),
    ("close", Act::Close),
    ("reset", Act::Reset),
];

/// Names for texts that stand in many rows.
const NAMES: [(&str, &str); 14] = [
    ("1.1", " HTTP/1.1\\r\\nHost: a\\r\\n"),
    ("1.0", " HTTP/1.0\\r\\n"),
    ("chunked", "Transfer-Encoding: chunked\\r\\n"),
    ("M", " HTTP/1.1\\r\\nHost: {member}\\r\\n"),
    ("F", "{XF}{KA}"),
    ("FH", "{For}X-Forwarded-Host: "),
    ("XF", "{For}X-Forwarded-Host: a\\r\\n{Server}"),
    ("N", "{For}{Server}{KA}"),
    ("For", "X-Forwarded-For: 127.0.0.1\\r\\n"),
    ("Server", "X-Forwarded-Server: www\\r\\n"),
    ("KA", "Connection: Keep-Alive\\r\\n\\r\\n"),
    ("200", "HTTP/1.1 200 OK\\r\\n"),
    ("ok", "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"),
    ("evil", "GET /evil HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"),
];

/// The deepest nesting of names.
const DEEPEST: usize = 4;
/// The longest text that one row may spell out.
const LONGEST: usize = 4 << 20;

/// Reads a script. `member` is the member's authority.
pub fn pieces(text: &str, member: &str) -> Result<Vec<Piece>, String> {
    let mut out = Vec::new();
    spell(text, member, DEEPEST, &mut out)?;
    Ok(out)
}

/// Reads a text in which nothing is done.
pub fn bytes(text: &str, member: &str) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    for piece in pieces(text, member)? {
        match piece {
            Piece::Bytes(bytes) => all.extend(bytes),
            Piece::Do(act) => return Err(format!("{act:?} is nothing to compare with")),
        }
    }
    Ok(all)
}

/// All bytes that a script sends.
pub fn sent(script: &[Piece]) -> Vec<u8> {
    script
        .iter()
        .flat_map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.as_slice(),
            Piece::Do(_) => &[],
        })
        .copied()
        .collect()
}

fn spell(text: &str, member: &str, deep: usize, out: &mut Vec<Piece>) -> Result<(), String> {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            '\\' => {
                let (byte, width) = escaped(rest)?;
                push(out, &[byte]);
                rest = &rest[width..];
            }
            '{' => {
                let end = closing(rest).ok_or_else(|| format!("a brace stays open in {rest}"))?;
                braced(&rest[1..end], member, deep, out)?;
                rest = &rest[end + 1..];
            }
            _ => {
                push(out, c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    Ok(())
}

/// Where the brace that opens `text` closes.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut escaped) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn braced(inside: &str, member: &str, deep: usize, out: &mut Vec<Piece>) -> Result<(), String> {
    if let Some((_, act)) = ACTS.iter().find(|(name, _)| *name == inside) {
        out.push(Piece::Do(*act));
        return Ok(());
    }
    if inside == "member" {
        push(out, member.as_bytes());
        return Ok(());
    }
    let deep = deep.checked_sub(1).ok_or("names are nested too deep")?;
    if let Some((_, text)) = NAMES.iter().find(|(name, _)| *name == inside) {
        return spell(text, member, deep, out);
    }
    let (text, times) = inside.rsplit_once('*').ok_or_else(|| format!("{{{inside}}} means nothing"))?;
    let times: usize = times.parse().map_err(|_| format!("{{{inside}}} repeats no number of times"))?;
    let mut once = Vec::new();
    spell(text, member, deep, &mut once)?;
    if sent(&once).len().saturating_mul(times) > LONGEST {
        return Err(format!("{{{inside}}} is longer than a row may be"));
    }
    push(out, &sent(&once).repeat(times));
    Ok(())
}

/// The byte of the escape that `text` starts with, and the width of the escape.
fn escaped(text: &str) -> Result<(u8, usize), String> {
    let byte = match text.as_bytes().get(1) {
        Some(b'r') => b'\r',
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'0') => 0,
        Some(literal @ (b'\\' | b'{' | b'}')) => *literal,
        Some(b'x') => {
            let digits = text.get(2..4).ok_or("\\x needs two digits")?;
            let byte = u8::from_str_radix(digits, 16).map_err(|_| format!("\\x{digits} is no byte"))?;
            return Ok((byte, 4));
        }
        _ => return Err(format!("no escape starts {text:?}")),
    };
    Ok((byte, 2))
}

fn push(out: &mut Vec<Piece>, more: &[u8]) {
    match out.last_mut() {
        Some(Piece::Bytes(bytes)) => bytes.extend_from_slice(more),
        _ => out.push(Piece::Bytes(more.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rows_write_is_what_goes_out() {
        for (text, expected) in [
            ("a\\r\\n\\0\\x7f\\\\\\{", &b"a\r\n\0\x7f\\{"[..]),
            ("{ab*3}{\\x01*2}{x*0}", b"ababab\x01\x01"),
            ("GET /{M}", b"GET / HTTP/1.1\r\nHost: m:1\r\n"),
            ("{x-{a*2}*2}", b"x-aax-aa"),
        ] {
            assert_eq!(bytes(text, "m:1").as_deref(), Ok(expected), "{text}");
        }
        let script = pieces("a{close}b", "").unwrap();
        let of = |text: &str| Piece::Bytes(text.into());
        assert_eq!(script, [of("a"), Piece::Do(Act::Close), of("b")]);
        for wrong in ["\\q", "\\x1", "{nothing}", "{a", "{a*x}", "{a*99999999}", "{close}"] {
            assert!(bytes(wrong, "").is_err(), "{wrong}");
        }
    }
}
