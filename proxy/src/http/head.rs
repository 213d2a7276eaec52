//! What the heads of requests and answers share: where their lines stand in a buffer, and which fields have a meaning
//! to a proxy. Nothing is copied; names and values are the bytes as they came, without the blanks around them.

use std::collections::HashMap;
use std::ops::Range;

use memchr::memchr_iter;

/// A part of a buffer's block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Positions are those of a head.
    #[expect(clippy::cast_possible_truncation, reason = "a head is bounded far below 4 GiB")]
    pub(crate) fn new(range: Range<usize>) -> Self {
        Self { start: range.start as u32, end: range.end as u32 }
    }

    /// The part of `block` that `part` is; `part` must have been cut from `block`.
    pub(super) fn within(block: &[u8], part: &[u8]) -> Self {
        let at = (part.as_ptr() as usize).saturating_sub(block.as_ptr() as usize);
        Self::new(at..at + part.len())
    }

    pub(crate) fn of(self, block: &[u8]) -> &[u8] {
        block.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(crate) fn start(self) -> usize {
        self.start as usize
    }

    pub(crate) fn end(self) -> usize {
        self.end as usize
    }
}

/// Fields that have a meaning to a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    Upgrade,
    Expect,
    Cookie,
    SetCookie,
    Via,
    Date,
    /// Location, Content-Location or URI: addresses that ProxyPassReverse turns.
    Address,
    ForwardedFor,
    ForwardedHost,
    ForwardedServer,
    /// A spelling of a field of ours that some members take for it, as `X_Forwarded_For`.
    Alias,
    /// Ends at this hop: by its name, or because `Connection` says so.
    Hop,
    Other,
}

/// Which of these fields a head had when it was read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Kinds(u32);

impl Kinds {
    pub(super) fn add(&mut self, known: Known) {
        self.0 |= 1 << known as u32;
    }

    pub(crate) fn has(self, known: Known) -> bool {
        self.0 & 1 << known as u32 != 0
    }
}

/// Names that `Connection` cannot make end here: they decide framing, identity or access.
const NEVER_NOMINATED: [&str; 7] =
    ["host", "content-length", "content-type", "transfer-encoding", "cookie", "set-cookie", "authorization"];

impl Known {
    /// What the field of that name is, in any case.
    pub(crate) fn of(name: &[u8]) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match name.len() {
            2 if is("te") => Self::Hop,
            3 if is("via") => Self::Via,
            3 if is("uri") => Self::Address,
            4 if is("host") => Self::Host,
            4 if is("date") => Self::Date,
            6 if is("cookie") => Self::Cookie,
            6 if is("expect") => Self::Expect,
            7 if is("upgrade") => Self::Upgrade,
            7 if is("trailer") => Self::Hop,
            8 if is("location") => Self::Address,
            10 if is("connection") => Self::Connection,
            10 if is("keep-alive") => Self::Hop,
            10 if is("set-cookie") => Self::SetCookie,
            14 if is("content-length") => Self::ContentLength,
            15 if is_spelled(name, "x-forwarded-for") => {
                Self::ours(is("x-forwarded-for"), Self::ForwardedFor)
            }
            16 if is("proxy-connection") => Self::Hop,
            16 if is("content-location") => Self::Address,
            16 if is_spelled(name, "x-forwarded-host") => {
                Self::ours(is("x-forwarded-host"), Self::ForwardedHost)
            }
            17 if is("transfer-encoding") => Self::TransferEncoding,
            18 if is("proxy-authenticate") => Self::Hop,
            18 if is_spelled(name, "x-forwarded-server") => {
                Self::ours(is("x-forwarded-server"), Self::ForwardedServer)
            }
            19 if is("proxy-authorization") => Self::Hop,
            _ => Self::Other,
        }
    }

    fn ours(exactly: bool, known: Self) -> Self {
        if exactly { known } else { Self::Alias }
    }
}

/// Is it `wanted`, if other punctuation counts as a hyphen?
fn is_spelled(name: &[u8], wanted: &str) -> bool {
    name.iter().zip(wanted.as_bytes()).all(|(byte, wanted)| {
        byte.eq_ignore_ascii_case(wanted) || (*wanted == b'-' && !byte.is_ascii_alphanumeric())
    })
}

/// One header field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) name: Span,
    pub(crate) value: Span,
    pub(crate) known: Known,
}

/// Header fields in the order in which they came.
pub(crate) type Lines = Vec<Line>;

/// What `Connection` says.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of one field")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// Does it make fields end here that are not known to?
    pub(crate) nominates: bool,
}

/// The elements of a list in a field's value, without blanks around them.
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Reads `Connection`, and marks the fields that it nominates as ending here.
pub(super) fn options(block: &[u8], lines: &mut Lines) -> Options {
    let mut options = Options::default();
    for line in lines.iter().filter(|line| line.known == Known::Connection) {
        for option in elements(line.value.of(block)) {
            match option.len() {
                5 if option.eq_ignore_ascii_case(b"close") => options.close = true,
                7 if option.eq_ignore_ascii_case(b"upgrade") => options.upgrade = true,
                10 if option.eq_ignore_ascii_case(b"keep-alive") => options.keep_alive = true,
                _ => options.nominates = true,
            }
        }
    }
    if options.nominates {
        nominate(block, lines);
    }
    options
}

/// However long the list is: each of its names is looked up once.
fn nominate(block: &[u8], lines: &mut Lines) {
    let mut places: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (place, line) in lines.iter().enumerate() {
        if !matches!(line.known, Known::Connection | Known::Upgrade) {
            places.entry(line.name.of(block).to_ascii_lowercase()).or_default().push(place);
        }
    }
    for never in NEVER_NOMINATED {
        places.remove(never.as_bytes());
    }
    let mut ends = Vec::new();
    for line in lines.iter().filter(|line| line.known == Known::Connection) {
        for name in elements(line.value.of(block)) {
            ends.extend(places.remove(&name.to_ascii_lowercase()).unwrap_or_default());
        }
    }
    for place in ends {
        if let Some(line) = lines.get_mut(place) {
            line.known = Known::Hop;
        }
    }
}

/// How far a head has been looked through for its end, so that no byte is looked at twice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan {
    /// Where the head starts in the block.
    start: usize,
    /// Where the line that is not complete starts.
    line: usize,
    /// What has been looked at.
    seen: usize,
    lines: usize,
    /// Where the second line starts.
    first: usize,
}

/// What a scan found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scanned {
    /// The head ends here, its empty line included.
    Ends(usize),
    /// More is needed.
    Open,
    /// A line that does not end with carriage return and line feed.
    BareLineFeed,
    /// A line is longer than allowed; the number of the line, 0 for the first.
    TooLong(usize),
}

/// What may stand in a head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanLimits {
    /// Bytes of the first line.
    pub(crate) first: usize,
    /// Bytes of another line.
    pub(crate) line: usize,
    /// May lines end with a line feed alone?
    pub(crate) bare: bool,
}

impl Scan {
    pub(crate) fn new(start: usize) -> Self {
        Self { start, line: start, seen: start, lines: 0, first: start }
    }

    /// The first line with its end, if that was seen.
    pub(crate) fn first_line<'a>(&self, block: &'a [u8]) -> Option<&'a [u8]> {
        (self.lines > 0).then(|| block.get(self.start..self.first).unwrap_or_default())
    }

    /// Bytes of the head that have been seen.
    pub(crate) fn length(&self) -> usize {
        self.seen - self.start
    }

    /// Looks at what has come since; `block` is what came so far.
    pub(crate) fn look(&mut self, block: &[u8], limits: &ScanLimits) -> Scanned {
        let fresh = block.get(self.seen..).unwrap_or_default();
        for offset in memchr_iter(b'\n', fresh) {
            let at = self.seen + offset;
            let mut end = at;
            if at > self.line && block.get(at - 1) == Some(&b'\r') {
                end = at - 1;
            } else if !limits.bare {
                return Scanned::BareLineFeed;
            }
            if end == self.line {
                return Scanned::Ends(at + 1);
            }
            let most = if self.lines == 0 { limits.first } else { limits.line };
            if end - self.line > most {
                return Scanned::TooLong(self.lines);
            }
            self.line = at + 1;
            self.lines += 1;
            if self.lines == 1 {
                self.first = self.line;
            }
        }
        self.seen = block.len();
        let most = if self.lines == 0 { limits.first } else { limits.line };
        // The two bytes of its end may be there already.
        if self.seen - self.line > most + 2 { Scanned::TooLong(self.lines) } else { Scanned::Open }
    }
}

/// A number of decimal digits and nothing else, as `Content-Length` has it; none if it does not fit 63 bits.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut value = 0_u64;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    i64::try_from(value).is_ok().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ScanLimits = ScanLimits { first: 20, line: 10, bare: false };

    #[test]
    fn a_scan_finds_the_end_however_the_bytes_come() {
        let head = b"GET / HTTP/1.1\r\na: b\r\n\r\nrest";
        for cut in 0..head.len() {
            let mut scan = Scan::new(0);
            let first = scan.look(&head[..cut], &LIMITS);
            assert_eq!(first, if cut < 24 { Scanned::Open } else { Scanned::Ends(24) }, "{cut}");
            if first == Scanned::Open {
                assert_eq!(scan.look(head, &LIMITS), Scanned::Ends(24), "{cut}");
            }
        }
    }

    #[test]
    fn lines_that_end_otherwise_or_are_too_long_are_found_at_once() {
        for (head, found) in [
            (&b"GET\n"[..], Scanned::BareLineFeed),
            (b"GET / HTTP/1.1\r\na: b\n", Scanned::BareLineFeed),
            (b"\n", Scanned::BareLineFeed),
            (b"12345678901234567890\r\n", Scanned::Open),
            (b"123456789012345678901\r\n", Scanned::TooLong(0)),
            (b"12345678901234567890123", Scanned::TooLong(0)),
            (b"x\r\n1234567890\r\n", Scanned::Open),
            (b"x\r\n12345678901\r\n", Scanned::TooLong(1)),
            (b"x\r\n1234567890123", Scanned::TooLong(1)),
            (b"\r\n", Scanned::Ends(2)),
        ] {
            let outcome = Scan::new(0).look(head, &LIMITS);
            assert_eq!(outcome, found, "{}", String::from_utf8_lossy(head));
        }
        let lenient = ScanLimits { bare: true, ..LIMITS };
        assert_eq!(Scan::new(0).look(b"a\nb\r\n\nc", &lenient), Scanned::Ends(6));
    }

    #[test]
    fn names_are_known_in_any_case_and_aliases_are_seen() {
        for (name, known) in [
            ("HOST", Known::Host),
            ("te", Known::Hop),
            ("Transfer-Encoding", Known::TransferEncoding),
            ("X-FORWARDED-FOR", Known::ForwardedFor),
            ("X_Forwarded-For", Known::Alias),
            ("x.forwarded.host", Known::Alias),
            ("X-Forwarded_Server", Known::Alias),
            ("X-Forwarded-Fox", Known::Other),
            ("Xaforwarded-for", Known::Other),
            ("Content_Length", Known::Other),
        ] {
            assert_eq!(Known::of(name.as_bytes()), known, "{name}");
        }
    }

    #[test]
    fn numbers_are_digits_that_fit() {
        for (text, value) in [
            ("0", Some(0)),
            ("0042", Some(42)),
            ("9223372036854775807", Some(i64::MAX as u64)),
            ("9223372036854775808", None),
            ("99999999999999999999", None),
            ("", None),
            ("+5", None),
            ("-1", None),
            ("5,5", None),
            ("0x5", None),
            ("5 ", None),
        ] {
            assert_eq!(number(text.as_bytes()), value, "{text}");
        }
    }
}
