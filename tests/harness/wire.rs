//! Just enough HTTP/1.1 to play both ends of a proxy: heads as they were written, bodies by length, in chunks or
//! until the end. Blocking, and lenient only where a test wants to see what was really sent.

use std::io::{self, BufRead, Read};

/// The longest head that is read, and the longest body that is kept.
const LONGEST_HEAD: usize = 256 * 1024;
const LONGEST_BODY: u64 = 256 * 1024 * 1024;

/// A head as it was on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// All bytes, the empty line included.
    pub bytes: Vec<u8>,
    /// The first line, without its end.
    pub first: String,
    /// Names and values in order, as they were written.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// Reads one; none if the other end closed before it sent anything.
    pub fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = Self::default();
        loop {
            let mut line = Vec::new();
            from.by_ref().take(LONGEST_HEAD as u64).read_until(b'\n', &mut line)?;
            if !line.ends_with(b"\n") {
                if line.is_empty() && head.bytes.is_empty() {
                    return Ok(None);
                }
                let seen = String::from_utf8_lossy(&[head.bytes, line].concat()).into_owned();
                return Err(broken(&format!("the head ended early: {seen:?}")));
            }
            head.bytes.extend_from_slice(&line);
            if head.bytes.len() > LONGEST_HEAD {
                return Err(broken("the head has no end"));
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            if head.first.is_empty() {
                text.clone_into(&mut head.first);
            } else if text.is_empty() {
                return Ok(Some(head));
            } else if let Some((name, value)) = text.split_once(':') {
                head.headers.push((name.to_owned(), value.trim().to_owned()));
            }
        }
    }

    /// The first header of that name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All headers of that name, in whatever case.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(its, _)| its.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The word at `index` of the first line: method, target and version, or version, status and reason.
    pub fn word(&self, index: usize) -> &str {
        self.first.split(' ').nth(index).unwrap_or_default()
    }

    /// Is one of the options of `Connection` this one?
    pub fn nominates(&self, option: &str) -> bool {
        self.all("connection")
            .flat_map(|value| value.split(','))
            .any(|it| it.trim().eq_ignore_ascii_case(option))
    }
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After so many bytes.
    Length(u64),
    /// By the last chunk.
    Chunked,
    /// When the other end closes.
    UntilClosed,
}

impl Framing {
    /// The framing of a request with this head.
    pub fn of_request(head: &Head) -> Self {
        match Self::declared(head) {
            Some(framing) => framing,
            None => Self::None,
        }
    }

    /// The framing of the answer with this head to a request with this method.
    pub fn of_answer(head: &Head, method: &str) -> Self {
        let status = head.word(1);
        if method == "HEAD" || status.starts_with('1') || status == "204" || status == "304" {
            return Self::None;
        }
        Self::declared(head).unwrap_or(Self::UntilClosed)
    }

    fn declared(head: &Head) -> Option<Self> {
        if head.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Some(Self::Chunked);
        }
        head.header("content-length").and_then(|length| length.parse().ok()).map(Self::Length)
    }
}

/// Reads a whole body. An end that comes too early is an error.
pub fn read_body(from: &mut impl BufRead, framing: Framing) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    match framing {
        Framing::None => {}
        Framing::Length(length) => exactly(from, length, &mut body)?,
        Framing::UntilClosed => {
            from.take(LONGEST_BODY).read_to_end(&mut body)?;
        }
        Framing::Chunked => while read_chunk(from, &mut body)? {},
    }
    Ok(body)
}

/// Appends one chunk to `body`; false after the last one and its trailers.
pub fn read_chunk(from: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<bool> {
    let line = read_line(from)?;
    let length = u64::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)
        .map_err(|_| broken(&format!("no chunk starts with {line:?}")))?;
    if length == 0 {
        while !read_line(from)?.is_empty() {}
        return Ok(false);
    }
    exactly(from, length, body)?;
    if read_line(from)?.is_empty() { Ok(true) } else { Err(broken("a chunk is longer than it said")) }
}

fn exactly(from: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    if length > LONGEST_BODY {
        return Err(broken("the body is longer than a test needs"));
    }
    let got = from.take(length).read_to_end(body)?;
    if got as u64 == length {
        Ok(())
    } else {
        Err(broken(&format!("the body ended after {got} of {length} bytes")))
    }
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    from.take(8192).read_until(b'\n', &mut line)?;
    if line.ends_with(b"\n") {
        Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    } else {
        Err(broken("a line ended early"))
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_kept_as_they_were_written() {
        let text = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Close, X-Mine\r\n\r\nrest";
        let mut from = &text[..];
        let head = Head::read(&mut from).unwrap().unwrap();
        assert_eq!((head.word(0), head.word(1), head.header("HOST")), ("GET", "/a", Some("x")));
        assert!(head.nominates("close") && head.nominates("x-mine") && !head.nominates("x"));
        assert_eq!(head.bytes.len() + from.len(), text.len());
        assert_eq!(Head::read(&mut &b""[..]).unwrap(), None);
        assert!(Head::read(&mut &b"GET / HT"[..]).is_err());
    }

    #[test]
    fn bodies_end_where_they_say() {
        for (name, framing, text, body, rest) in [
            ("length", Framing::Length(3), "abcdef", "abc", "def"),
            ("chunks", Framing::Chunked, "2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: 1\r\n\r\nd", "abc", "d"),
            ("none", Framing::None, "abc", "", "abc"),
            ("closed", Framing::UntilClosed, "abc", "abc", ""),
        ] {
            let mut from = text.as_bytes();
            assert_eq!(read_body(&mut from, framing).unwrap(), body.as_bytes(), "{name}");
            assert_eq!(from, rest.as_bytes(), "{name}");
        }
    }

    #[test]
    fn bodies_that_end_early_are_errors() {
        for (framing, text) in
            [(Framing::Length(4), "abc"), (Framing::Chunked, "4\r\nabc"), (Framing::Chunked, "")]
        {
            assert!(read_body(&mut text.as_bytes(), framing).is_err(), "{text:?}");
        }
    }
}
