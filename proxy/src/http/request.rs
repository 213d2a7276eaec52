//! Reads the head of a request, strictly (RFC 9112): what could be read in two ways is refused.

use memchr::memchr;

use super::body::Length;
use super::field::{self, Wrong};
use super::head::{Kinds, Known, Lines, Options, ScanLimits, Scanned, Span, elements, number, options};

/// The head of a request. Its spans point into the block in which it was read.
#[derive(Debug)]
pub(crate) struct RequestHead {
    /// Method, target and version, as sent.
    pub(crate) line: Span,
    pub(crate) method: Span,
    /// Path and query, as sent; `*` of OPTIONS.
    pub(crate) target: Span,
    /// What the client asked for: the authority of an absolute-form target, else the Host line.
    pub(crate) host: Option<Span>,
    /// Did the client speak HTTP/1.1 (else 1.0)?
    pub(crate) http_1_1: bool,
    pub(crate) lines: Lines,
    pub(crate) kinds: Kinds,
    /// The body that follows.
    pub(crate) length: Length,
    pub(crate) options: Options,
    /// `Expect: 100-continue`, and a body to wait for.
    pub(crate) expects_continue: bool,
    /// Where in the block the body starts.
    pub(crate) end: usize,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) why: &'static str,
}

impl Refused {
    /// A head with more bytes than any may have.
    pub(crate) const LONG_HEAD: Self = Self { status: 431, why: "its head is too long" };

    /// What is wrong with the lines that a scan found; none: nothing so far.
    pub(crate) fn of_lines(scanned: Scanned) -> Option<Self> {
        let (status, why) = match scanned {
            Scanned::Ends(_) | Scanned::Open => return None,
            Scanned::BareLineFeed => (400, "a line ends without a carriage return"),
            Scanned::TooLong(0) => (414, "its first line is too long"),
            Scanned::TooLong(_) => (431, "a header field is too long"),
        };
        Some(Self { status, why })
    }
}

const fn bad<T>(why: &'static str) -> Result<T, Refused> {
    Err(Refused { status: 400, why })
}

impl RequestHead {
    /// Reads the head that stands in `block` from `start` to `end`, with all lines ended properly; `lines` lends its
    /// memory.
    pub(crate) fn read(
        block: &[u8],
        start: usize,
        end: usize,
        (most, mut lines): (usize, Lines),
    ) -> Result<Self, Refused> {
        let block_to_end = block.get(..end).unwrap_or_default();
        let first = FirstLine::read(block_to_end, start)?;
        let FirstLine { line, method, target: target_span, http_1_1, next } = first;
        match field::read(block_to_end, next, most, &mut lines) {
            Ok(Some(read)) if read == end => {}
            Ok(_) => return bad("its head ends twice"),
            Err(why @ Wrong::TooMany) => return Err(Refused { status: 431, why: why.why() }),
            Err(why) => return bad(why.why()),
        }
        let said = Said::of(&lines);
        let host = host_line(block, said.host, http_1_1)?;
        let (target, authority) = target(block, method, target_span)?;
        let length = length(block, &said, http_1_1)?;
        let options =
            if said.kinds.has(Known::Connection) { options(block, &mut lines) } else { Options::default() };
        let expects_continue =
            said.kinds.has(Known::Expect) && expectation(block, &lines, http_1_1)? && length != Length::None;
        let host = authority.or(host);
        let kinds = said.kinds;
        Ok(Self {
            line,
            method,
            target,
            host,
            http_1_1,
            lines,
            kinds,
            length,
            options,
            expects_continue,
            end,
        })
    }

    /// Are its lines within `limits`, and does each end with carriage return and line feed? To be asked where no scan
    /// has looked at them before.
    pub(crate) fn has_proper_lines(&self, block: &[u8], start: usize, limits: &ScanLimits) -> bool {
        let ends = |at: usize| at >= 2 && block.get(at - 2..at) == Some(b"\r\n");
        let mut from = start;
        let mut most = limits.first;
        for line in &self.lines {
            let next = line.name.start();
            if !ends(next) || next - from > most + 2 {
                return false;
            }
            from = next;
            most = limits.line;
        }
        // The last line ends two bytes before the empty one.
        ends(self.end) && ends(self.end - 2) && self.end - 2 - from <= most + 2 && self.line.start() == start
    }

    /// May it be done twice without another effect than once (RFC 9110, 9.2.2)?
    pub(crate) fn is_idempotent(&self, block: &[u8]) -> bool {
        matches!(self.method.of(block), b"GET" | b"HEAD" | b"PUT" | b"DELETE" | b"OPTIONS" | b"TRACE")
    }

    /// Does anything follow the head?
    pub(crate) fn has_body(&self) -> bool {
        !matches!(self.length, Length::None | Length::Exactly(0))
    }

    /// May the connection carry another request after this one, as far as the client wishes?
    pub(crate) fn keeps_alive(&self) -> bool {
        if self.http_1_1 { !self.options.close } else { self.options.keep_alive && !self.options.close }
    }

    /// The protocol that the client would like to switch to, if it may: one name, HTTP/1.1, GET, no body, and never
    /// HTTP/2, which a member could then speak past us.
    pub(crate) fn upgrade(&self, block: &[u8]) -> Option<Span> {
        if !self.kinds.has(Known::Upgrade) {
            return None;
        }
        let mut offers = self.lines.iter().filter(|line| line.known == Known::Upgrade);
        let (offer, others) = (offers.next()?, offers.next());
        let value = offer.value.of(block);
        let wished = self.options.upgrade
            && self.http_1_1
            && self.length == Length::None
            && self.method.of(block) == b"GET"
            && others.is_none()
            && elements(value).count() == 1
            && !value.get(..2).is_some_and(|front| front.eq_ignore_ascii_case(b"h2"))
            && !value.get(..4).is_some_and(|front| front.eq_ignore_ascii_case(b"HTTP"));
        wished.then_some(offer.value)
    }

    /// The values of all fields of that kind.
    pub(crate) fn values<'a>(&'a self, block: &'a [u8], known: Known) -> impl Iterator<Item = &'a [u8]> {
        let lines = if self.kinds.has(known) { &self.lines[..] } else { &[] };
        lines.iter().filter(move |line| line.known == known).map(move |line| line.value.of(block))
    }
}

/// The first line of a request.
struct FirstLine {
    /// Without its end.
    line: Span,
    method: Span,
    target: Span,
    http_1_1: bool,
    /// Where the next line starts.
    next: usize,
}

impl FirstLine {
    /// Reads the line that starts at `start`: three words, one blank between them.
    fn read(block: &[u8], start: usize) -> Result<Self, Refused> {
        let rest = block.get(start..).unwrap_or_default();
        if rest.starts_with(b"PRI * HTTP/2") {
            return bad("it speaks HTTP/2, which is not spoken at this address");
        }
        let word = |at: usize| rest.get(at..).and_then(|rest| memchr(b' ', rest));
        let method = field::token(rest);
        let Some(length) = word(method + 1).filter(|length| *length > 0) else {
            return bad("its first line is no request");
        };
        if method == 0 || rest.get(method) != Some(&b' ') {
            return bad("its first line is no request");
        }
        let target = method + 1..method + 1 + length;
        let behind = target.end + 1;
        let (http_1_1, end) = match rest.get(behind..).unwrap_or_default() {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ (b'0' | b'1'), end @ ..] => {
                (*minor == b'1', end)
            }
            _ => return bad("it is neither HTTP/1.0 nor HTTP/1.1"),
        };
        let end = match end {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => return bad("a line does not end as it should"),
        };
        let stop = behind + "HTTP/1.1".len();
        let span = |from: usize, to: usize| Span::new(start + from..start + to);
        Ok(Self {
            line: span(0, stop),
            method: span(0, method),
            target: span(target.start, target.end),
            http_1_1,
            next: start + stop + end,
        })
    }
}

/// Does somebody speak TLS here? Its first message starts so.
pub(crate) fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16, 0x03, ..])
}

/// How often a field stands in a head, and where.
#[derive(Clone, Copy, Default)]
enum Seen {
    #[default]
    Never,
    Once(Span),
    Again,
}

impl Seen {
    fn see(&mut self, value: Span) {
        *self = if matches!(self, Self::Never) { Self::Once(value) } else { Self::Again };
    }
}

/// What the fields say that decide how a request is read.
#[derive(Default)]
struct Said {
    host: Seen,
    length: Seen,
    coding: Seen,
    kinds: Kinds,
}

impl Said {
    fn of(lines: &Lines) -> Self {
        let mut said = Self::default();
        for line in lines {
            said.kinds.add(line.known);
            match line.known {
                Known::Host => said.host.see(line.value),
                Known::ContentLength => said.length.see(line.value),
                Known::TransferEncoding => said.coding.see(line.value),
                _ => {}
            }
        }
        said
    }
}

/// The Host line: exactly one in HTTP/1.1, at most one in HTTP/1.0.
fn host_line(block: &[u8], host: Seen, http_1_1: bool) -> Result<Option<Span>, Refused> {
    match host {
        Seen::Never if http_1_1 => bad("it has no Host"),
        Seen::Never => Ok(None),
        Seen::Once(host) if is_authority(host.of(block)) => Ok(Some(host)),
        Seen::Once(_) => bad("its Host is no host"),
        Seen::Again => bad("it has two Host lines"),
    }
}

/// Is it `host` or `host:port`? Nothing that could end the line it is printed in, and no credentials.
fn is_authority(text: &[u8]) -> bool {
    let (host, port) = match text.iter().rposition(|byte| *byte == b':') {
        Some(at) if !text.ends_with(b"]") => text.split_at(at),
        _ => (text, &[][..]),
    };
    let of_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let of_name =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%' | b'!');
    let (inner, fits) = match host {
        [b'[', inner @ .., b']'] => (inner, inner.iter().all(of_address)),
        _ => (host, host.iter().all(of_name)),
    };
    let port = port.get(1..).unwrap_or_default();
    let port_fits = port.is_empty() || number(port).is_some_and(|port| u16::try_from(port).is_ok());
    !inner.is_empty() && fits && port_fits
}

/// Is it a proper host, with a port or without?
pub(crate) fn check_authority(authority: &[u8]) -> Result<(), Refused> {
    if is_authority(authority) { Ok(()) } else { bad("its target names no proper host") }
}

/// May all of these characters stand in a target?
pub(crate) fn check_target(target: &[u8]) -> Result<(), Refused> {
    if target.iter().any(|byte| !byte.is_ascii_graphic() || *byte == b'#') {
        return bad("its target has a character that must not be there");
    }
    Ok(())
}

/// The path with its query, and the authority if the target names one.
fn target(block: &[u8], method: Span, whole: Span) -> Result<(Span, Option<Span>), Refused> {
    let target = whole.of(block);
    check_target(target)?;
    match target {
        [b'/', ..] => return Ok((whole, None)),
        b"*" if method.of(block) == b"OPTIONS" => return Ok((whole, None)),
        // Refused later for its method, with the status that says so.
        _ if method.of(block) == b"CONNECT" => return Ok((whole, None)),
        _ => {}
    }
    let scheme = if target.get(..7).is_some_and(|front| front.eq_ignore_ascii_case(b"http://")) {
        7
    } else if target.get(..8).is_some_and(|front| front.eq_ignore_ascii_case(b"https://")) {
        8
    } else {
        return bad("its target is neither a path nor a URL of HTTP");
    };
    let rest = target.get(scheme..).unwrap_or_default();
    let authority = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority);
    check_authority(authority)?;
    Ok((Span::within(block, path), Some(Span::within(block, authority))))
}

/// What follows the head. Two statements about it, or one that is not understood, are refused.
fn length(block: &[u8], said: &Said, http_1_1: bool) -> Result<Length, Refused> {
    match (said.length, said.coding) {
        (Seen::Never, Seen::Never) => Ok(Length::None),
        (Seen::Once(length), Seen::Never) => match number(length.of(block)) {
            Some(bytes) => Ok(Length::Exactly(bytes)),
            None => bad("its Content-Length is no number"),
        },
        (Seen::Never, Seen::Once(_)) if !http_1_1 => bad("HTTP/1.0 knows no Transfer-Encoding"),
        (Seen::Never, Seen::Once(coding)) if coding.of(block).eq_ignore_ascii_case(b"chunked") => {
            Ok(Length::Chunked)
        }
        (Seen::Never, Seen::Once(_)) => bad("its Transfer-Encoding is not chunked"),
        (Seen::Again, Seen::Never) | (Seen::Never, Seen::Again) => bad("it says its length twice"),
        _ => bad("it says its length in two ways"),
    }
}

/// Does the client wait to be told to go on? Other expectations are refused; HTTP/1.0 has none.
fn expectation(block: &[u8], lines: &Lines, http_1_1: bool) -> Result<bool, Refused> {
    let mut expected = lines.iter().filter(|line| line.known == Known::Expect).peekable();
    if !http_1_1 || expected.peek().is_none() {
        return Ok(false);
    }
    if expected.all(|line| line.value.of(block).eq_ignore_ascii_case(b"100-continue")) {
        Ok(true)
    } else {
        Err(Refused { status: 417, why: "it expects what nobody does here" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RequestHead, Refused> {
        RequestHead::read(text.as_bytes(), 0, text.len(), (100, Lines::new()))
    }

    #[test]
    fn a_head_is_read_with_the_places_of_its_parts() {
        let text = "POST /a?b HTTP/1.1\r\nHost: h:81\r\nX-Y:  z \r\nContent-Length: 5\r\n\r\n";
        let head = read(text).unwrap();
        let block = text.as_bytes();
        assert_eq!(head.line.of(block), b"POST /a?b HTTP/1.1");
        assert_eq!((head.method.of(block), head.target.of(block)), (&b"POST"[..], &b"/a?b"[..]));
        assert_eq!(head.host.unwrap().of(block), b"h:81");
        assert_eq!(head.lines[1].value.of(block), b"z");
        assert_eq!((head.length, head.end), (Length::Exactly(5), text.len()));
        assert!(head.keeps_alive() && !head.is_idempotent(block));
    }

    #[test]
    fn hosts() {
        for (host, good) in [
            ("a", true),
            ("a.b-c:80", true),
            ("a:", true),
            ("[::1]", true),
            ("[::1]:80", true),
            ("", false),
            (":80", false),
            ("a:b", false),
            ("a:65535", true),
            ("a:65536", false),
            ("u@a", false),
            ("a b", false),
            ("a/b", false),
            ("a,b", false),
            ("[::1", false),
            ("[g]", false),
            ("::1", false),
        ] {
            assert_eq!(is_authority(host.as_bytes()), good, "{host}");
        }
    }

    #[test]
    fn an_upgrade_is_offered_only_where_it_can_be_followed() {
        for (request, offered) in [
            ("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", false),
            ("POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", false),
            (
                "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n",
                false,
            ),
            ("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", false),
        ] {
            assert_eq!(read(request).unwrap().upgrade(request.as_bytes()).is_some(), offered, "{request}");
        }
    }
}
