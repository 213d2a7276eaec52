//! A strict reading of HTTP/1.1 (RFC 9110, 9112): bytes to messages with exact boundaries, or a refusal.
//!
//! Written to be obviously right and not to be fast, and apart from the proxy, which it is held against. What may
//! be read in two ways is refused, also where the RFC would allow to repair it.

use std::ops::Range;

/// The most digits of a length, and the largest one.
const LARGEST: u64 = i64::MAX as u64;
/// The most hexadecimal digits of a chunk's size.
const SIZE_DIGITS: usize = 16;
/// The longest line in front of a chunk, its end included.
const SIZE_LINE: usize = 4096;

/// A field as it was written, without the blanks around its value.
pub type Field = (Vec<u8>, Vec<u8>);

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After so many bytes.
    Length(u64),
    /// By the last chunk.
    Chunked,
    /// When the other end closes; answers only.
    Close,
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The words of the first line: method, target, version; or version, status, reason.
    pub first: [Vec<u8>; 3],
    /// Its fields in order.
    pub fields: Vec<Field>,
    /// How its body ends.
    pub framing: Framing,
    /// Its body without chunk lines.
    pub body: Vec<u8>,
    /// Fields behind the last chunk.
    pub trailers: Vec<Field>,
    /// Where it stood.
    pub at: Range<usize>,
    /// Has every line the one form that a generator should use?
    pub canonical: bool,
}

/// What stands behind the last whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// Nothing, or empty lines.
    Nothing,
    /// A message that may still become whole. Boxed: as much of it as there is, if its head is whole.
    Part(Option<Box<Message>>),
    /// What can be no message, and why.
    Refused(&'static str),
}

/// Why a message is not whole.
enum Stop {
    Short,
    Bad(&'static str),
}

type Read<T> = Result<T, Stop>;

/// The requests in `bytes`.
pub fn requests(bytes: &[u8]) -> (Vec<Message>, Rest) {
    messages(bytes, request_head)
}

/// The answers in `bytes` to requests with these methods, interim ones among them; GET is assumed behind the last.
/// `ended` says that no more will come.
pub fn answers(bytes: &[u8], methods: &[Vec<u8>], ended: bool) -> (Vec<Message>, Rest) {
    let mut finals = 0;
    let (mut found, rest) = messages(bytes, |from| {
        let head = answer_head(from, methods.get(finals).map(Vec::as_slice))?;
        finals += usize::from(head.first[1][0] != b'1' || head.first[1] == b"101");
        Ok(head)
    });
    if ended
        && let Rest::Part(Some(part)) = &rest
        && part.framing == Framing::Close
    {
        found.push(Message::clone(part));
        return (found, Rest::Nothing);
    }
    (found, rest)
}

fn messages(bytes: &[u8], mut head: impl FnMut(&mut Cursor<'_>) -> Read<Message>) -> (Vec<Message>, Rest) {
    let mut found = Vec::new();
    let mut from = Cursor { bytes, at: 0, canonical: true };
    loop {
        // Empty lines in front of a message mean nothing.
        while from.bytes[from.at..].starts_with(b"\r\n") {
            from.at += 2;
        }
        if matches!(&from.bytes[from.at..], b"" | b"\r") {
            return (found, Rest::Nothing);
        }
        let start = from.at;
        from.canonical = true;
        let mut message = match head(&mut from) {
            Ok(message) => message,
            Err(Stop::Short) => return (found, Rest::Part(None)),
            Err(Stop::Bad(why)) => return (found, Rest::Refused(why)),
        };
        let body = read_body(&mut from, &mut message);
        message.at = start..from.at;
        message.canonical = from.canonical;
        match body {
            Ok(()) => found.push(message),
            Err(Stop::Short) => return (found, Rest::Part(Some(Box::new(message)))),
            Err(Stop::Bad(why)) => return (found, Rest::Refused(why)),
        }
        if found.last().is_some_and(|last| last.first[1] == b"101") {
            // What follows is another protocol.
            return (found, Rest::Nothing);
        }
    }
}

/// Bytes, and how far they were read.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    canonical: bool,
}

impl<'a> Cursor<'a> {
    /// The next line without its CRLF. No bare CR or LF, no NUL.
    fn line(&mut self) -> Read<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        for (at, byte) in rest.iter().enumerate() {
            match (byte, rest.get(at + 1)) {
                (b'\r', Some(b'\n')) => {
                    self.at += at + 2;
                    return Ok(&rest[..at]);
                }
                (b'\r', None) => return Err(Stop::Short),
                (b'\r', _) => return Err(Stop::Bad("a bare CR")),
                (b'\n', _) => return Err(Stop::Bad("a bare LF")),
                (0, _) => return Err(Stop::Bad("a NUL")),
                _ => {}
            }
        }
        Err(Stop::Short)
    }

    fn take(&mut self, length: u64) -> (&'a [u8], bool) {
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
        self.at += taken;
        (&rest[..taken], taken as u64 == length)
    }
}

fn request_head(from: &mut Cursor<'_>) -> Read<Message> {
    let line = from.line()?;
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words[..] else {
        return Err(Stop::Bad("the request line has not three words"));
    };
    if !is_token(method) {
        return Err(Stop::Bad("the method is no token"));
    }
    let minor = match version {
        b"HTTP/1.1" => 1,
        b"HTTP/1.0" => 0,
        _ => return Err(Stop::Bad("neither HTTP/1.0 nor HTTP/1.1")),
    };
    if target.is_empty() || target.iter().any(|byte| !byte.is_ascii_graphic() || *byte == b'#') {
        return Err(Stop::Bad("the target has bytes that no target has"));
    }
    if !is_form(method, target) {
        return Err(Stop::Bad("the target has no form that fits its method"));
    }
    let fields = read_fields(from)?;
    let hosts: Vec<&[u8]> = all(&fields, "host").collect();
    if hosts.len() > 1 || (hosts.is_empty() && minor == 1) || !hosts.iter().all(|host| is_host(host)) {
        return Err(Stop::Bad("not exactly one valid Host"));
    }
    let framing = framing(&fields, minor)?.unwrap_or(Framing::None);
    Ok(message([method, target, version], fields, framing))
}

fn answer_head(from: &mut Cursor<'_>, method: Option<&[u8]>) -> Read<Message> {
    let line = from.line()?;
    let (version, rest) = line.split_at_checked(9).ok_or(Stop::Bad("no status line"))?;
    let (status, reason) = rest.split_at_checked(3).ok_or(Stop::Bad("no status line"))?;
    let minor = match version {
        b"HTTP/1.1 " => 1,
        b"HTTP/1.0 " => 0,
        _ => return Err(Stop::Bad("neither HTTP/1.0 nor HTTP/1.1")),
    };
    let valid = status.iter().all(u8::is_ascii_digit) && (b'1'..=b'5').contains(&status[0]);
    if !valid || !(reason.is_empty() || reason[0] == b' ') || reason.iter().any(|byte| is_control(*byte)) {
        return Err(Stop::Bad("no status line"));
    }
    let fields = read_fields(from)?;
    let declared = framing(&fields, minor)?;
    let bodiless = method == Some(b"HEAD") || status[0] == b'1' || matches!(status, b"204" | b"304");
    let framing = if bodiless { Framing::None } else { declared.unwrap_or(Framing::Close) };
    Ok(message([version, status, reason], fields, framing))
}

fn message(first: [&[u8]; 3], fields: Vec<Field>, framing: Framing) -> Message {
    let (body, trailers) = (Vec::new(), Vec::new());
    Message { first: first.map(<[u8]>::to_vec), fields, framing, body, trailers, at: 0..0, canonical: true }
}

/// Does a target have the form that its method needs: a path, a whole address, `*`, host and port?
fn is_form(method: &[u8], target: &[u8]) -> bool {
    if method == b"CONNECT" {
        return is_host(target) && target.contains(&b':');
    }
    let lower = target.to_ascii_lowercase();
    let absolute = [&b"http://"[..], b"https://"].iter().find_map(|scheme| lower.strip_prefix(*scheme));
    match (target, absolute) {
        ([b'/', ..], _) => true,
        (b"*", _) => method == b"OPTIONS",
        (_, Some(rest)) => {
            let authority = rest.split(|byte| matches!(byte, b'/' | b'?')).next().unwrap_or_default();
            !authority.is_empty() && is_host(authority)
        }
        _ => false,
    }
}

fn read_fields(from: &mut Cursor<'_>) -> Read<Vec<Field>> {
    let mut fields = Vec::new();
    loop {
        let line = from.line()?;
        if line.is_empty() {
            return Ok(fields);
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or(Stop::Bad("a line without colon"))?;
        let (name, raw) = (&line[..colon], &line[colon + 1..]);
        if !is_token(name) {
            return Err(Stop::Bad("a field's name is no token"));
        }
        if raw.iter().any(|byte| is_control(*byte)) {
            return Err(Stop::Bad("a control character in a value"));
        }
        let value = trimmed(raw);
        from.canonical &= raw.strip_prefix(b" ") == Some(value) || raw.is_empty();
        fields.push((name.to_vec(), value.to_vec()));
    }
}

/// How the fields say that the body ends; none if they do not say.
fn framing(fields: &[Field], minor: u8) -> Read<Option<Framing>> {
    let lengths: Vec<&[u8]> = all(fields, "content-length").collect();
    let codings: Vec<&[u8]> = all(fields, "transfer-encoding").collect();
    match (lengths[..].as_ref(), codings[..].as_ref()) {
        ([], []) => Ok(None),
        ([length], []) => {
            let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
            let value = std::str::from_utf8(length).ok().and_then(|text| text.parse::<u64>().ok());
            match value.filter(|value| digits && *value <= LARGEST) {
                Some(0) => Ok(Some(Framing::Length(0))),
                Some(value) => Ok(Some(Framing::Length(value))),
                None => Err(Stop::Bad("a length that is no number")),
            }
        }
        ([], [coding]) if minor == 1 && coding.eq_ignore_ascii_case(b"chunked") => Ok(Some(Framing::Chunked)),
        ([], [_]) => Err(Stop::Bad("a coding that is not exactly chunked")),
        ([], _) => Err(Stop::Bad("several codings")),
        (_, []) => Err(Stop::Bad("several lengths")),
        _ => Err(Stop::Bad("a length and a coding")),
    }
}

/// Reads what there is of the body into `message`.
fn read_body(from: &mut Cursor<'_>, message: &mut Message) -> Read<()> {
    match message.framing {
        Framing::None => Ok(()),
        Framing::Length(length) => {
            let (body, whole) = from.take(length);
            message.body.extend_from_slice(body);
            if whole { Ok(()) } else { Err(Stop::Short) }
        }
        Framing::Close => {
            message.body.extend_from_slice(from.take(u64::MAX).0);
            Err(Stop::Short)
        }
        Framing::Chunked => {
            while read_chunk(from, &mut message.body)? {}
            message.trailers = read_fields(from)?;
            Ok(())
        }
    }
}

/// Reads a chunk; false after the last one, of which only the line was read.
fn read_chunk(from: &mut Cursor<'_>, body: &mut Vec<u8>) -> Read<bool> {
    let before = from.at;
    let line = from.line()?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, extension) = line.split_at(digits);
    if digits == 0 || digits > SIZE_DIGITS || from.at - before > SIZE_LINE {
        return Err(Stop::Bad("a chunk without a size"));
    }
    if !extension.is_empty() && (!is_extension(extension) || extension.iter().any(|byte| is_control(*byte))) {
        return Err(Stop::Bad("junk behind the size of a chunk"));
    }
    from.canonical &= extension.is_empty() && (size == b"0" || size[0] != b'0');
    let size = std::str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
    let size = size.filter(|size| *size <= LARGEST).ok_or(Stop::Bad("a chunk of a size that cannot be"))?;
    if size == 0 {
        return Ok(false);
    }
    let (bytes, whole) = from.take(size);
    body.extend_from_slice(bytes);
    if !whole {
        return Err(Stop::Short);
    }
    match &from.bytes[from.at..] {
        [b'\r', b'\n', ..] => from.at += 2,
        [] | [b'\r'] => return Err(Stop::Short),
        _ => return Err(Stop::Bad("a chunk that is longer than it says")),
    }
    Ok(true)
}

/// Is this `*( BWS ";" BWS name [ BWS "=" BWS value ] )`, as far as boundaries depend on it?
fn is_extension(text: &[u8]) -> bool {
    trimmed(text).starts_with(b";")
}

/// The values of all fields of a name, which is in small letters.
pub fn all<'a>(fields: &'a [Field], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(|(its, _)| its.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| &value[..])
}

fn is_token(text: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(fits)
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// A host and perhaps a port, and no user. May be empty, as RFC 9110 allows for Host.
fn is_host(text: &[u8]) -> bool {
    let (name, port) = match text.iter().rposition(|byte| *byte == b':') {
        Some(at) if !text.ends_with(b"]") => (&text[..at], &text[at + 1..]),
        _ => (text, &b""[..]),
    };
    let inside = name.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    let valid = match inside {
        Some(inside) => {
            std::str::from_utf8(inside).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
        }
        None => name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(byte)),
    };
    let port_fits =
        std::str::from_utf8(port).is_ok_and(|port| port.is_empty() || port.parse::<u16>().is_ok());
    valid && port_fits && !port.starts_with(b"+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_end_where_they_say_and_nowhere_else() {
        for (name, text, expected) in [
            ("two", "GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /b HTTP/1.0\r\n\r\n", "/: | /b: | nothing"),
            ("length", "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcd", "/a:abc | part"),
            (
                "chunks",
                "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n0\r\nT: 1\r\n\r\n",
                "/a:ab | nothing",
            ),
            ("short", "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", "part"),
            (
                "both",
                "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                "refused",
            ),
            (
                "lengths",
                "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
                "refused",
            ),
            ("line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "refused"),
            ("no host", "GET / HTTP/1.1\r\n\r\n", "refused"),
            ("form", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "refused"),
            ("folded", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "refused"),
            ("blank", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "refused"),
        ] {
            let (found, rest) = requests(text.as_bytes());
            let mut told: Vec<String> = found
                .iter()
                .map(|it| {
                    format!("{}:{}", String::from_utf8_lossy(&it.first[1]), String::from_utf8_lossy(&it.body))
                })
                .collect();
            told.push(match rest {
                Rest::Nothing => "nothing".into(),
                Rest::Part(_) => "part".into(),
                Rest::Refused(_) => "refused".into(),
            });
            assert_eq!(told.join(" | "), expected, "{name}");
        }
    }

    #[test]
    fn answers_know_what_they_answer() {
        let text = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\n\r\nrest";
        let methods = [b"HEAD".to_vec(), b"GET".to_vec()];
        let (found, rest) = answers(text, &methods, true);
        assert_eq!((found.len(), rest), (3, Rest::Nothing));
        assert_eq!(found[2].body, b"rest");
        assert!(matches!(answers(text, &methods, false), (found, Rest::Part(_)) if found.len() == 2));
    }
}
