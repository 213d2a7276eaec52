//! Reads the head of a member's answer, strictly: an answer that could be read in two ways is none.

use super::body::Length;
use super::field::{self, Wrong};
use super::head::{Known, Lines, Options, Span, number, options};
use crate::limits;

/// The head of an answer. Its spans point into the block in which it was read.
#[derive(Debug)]
pub(crate) struct AnswerHead {
    pub(crate) status: u16,
    /// The reason phrase as the member wrote it.
    pub(crate) reason: Span,
    /// Version, status and reason, as sent and without the line's end.
    pub(crate) line: Span,
    pub(crate) http_1_1: bool,
    pub(crate) lines: Lines,
    /// The body that follows.
    pub(crate) length: Length,
    pub(crate) options: Options,
    /// Where in the block the body starts.
    pub(crate) end: usize,
}

/// What of the request decides how its answer is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// HEAD: an answer without a body, whatever its fields say.
    pub(crate) head: bool,
    /// The protocol that was offered to the member.
    pub(crate) upgrade: Option<&'a [u8]>,
}

impl AnswerHead {
    /// Reads the head that stands in `block` from `start`; none if it is not complete. `lines` lends its memory.
    ///
    /// # Errors
    ///
    /// Why it is no answer, as the end of a sentence.
    pub(crate) fn read(
        block: &[u8],
        start: usize,
        asked: Asked<'_>,
        mut lines: Lines,
    ) -> Result<Option<Self>, &'static str> {
        let Some(StatusLine { line, reason, status, http_1_1, next }) = StatusLine::read(block, start)?
        else {
            return Ok(None);
        };
        let Some(end) = field::read(block, next, limits::HEADER_FIELDS, &mut lines).map_err(Wrong::why)?
        else {
            return Ok(None);
        };
        let length = length(block, &lines, (status, http_1_1, asked))?;
        let options = options(block, &mut lines);
        Ok(Some(Self { status, reason, line, http_1_1, lines, length, options, end }))
    }

    /// Is it one of those that come before the answer?
    pub(crate) fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }

    /// May the connection carry another exchange, as far as the member wishes?
    pub(crate) fn keeps_alive(&self) -> bool {
        let wishes = if self.http_1_1 { true } else { self.options.keep_alive };
        wishes && !self.options.close && self.length != Length::UntilClose
    }

    /// Names and values of all fields, for who needs them when the head is gone.
    pub(crate) fn owned(&self, block: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.lines.iter().map(|line| (line.name.of(block).to_vec(), line.value.of(block).to_vec())).collect()
    }

    /// The values of all fields of that kind.
    pub(crate) fn values<'a>(&'a self, block: &'a [u8], known: Known) -> impl Iterator<Item = &'a [u8]> {
        self.lines.iter().filter(move |line| line.known == known).map(move |line| line.value.of(block))
    }
}

/// How every answer starts.
const VERSION: &[u8] = b"HTTP/1.";

/// Can what starts so become no answer any more? Then why, as the end of a sentence.
pub(crate) fn is_no_answer(bytes: &[u8]) -> Option<&'static str> {
    let begins = bytes.get(..VERSION.len()).unwrap_or(bytes);
    if VERSION.starts_with(begins) {
        return None;
    }
    Some(match begins {
        [0x15, 0x03, ..] => "it speaks TLS",
        [0, 0, _, 4, ..] => "it speaks HTTP/2",
        _ => "it does not start as an answer does",
    })
}

/// The first line of an answer.
struct StatusLine {
    /// Without its end.
    line: Span,
    reason: Span,
    status: u16,
    http_1_1: bool,
    /// Where the next line starts.
    next: usize,
}

impl StatusLine {
    /// Reads the line that starts at `start`; none if it is not complete. A reason may be missing, with the blank
    /// before it.
    fn read(block: &[u8], start: usize) -> Result<Option<Self>, &'static str> {
        const VERSION: &[u8] = b"HTTP/1.";
        let rest = block.get(start..).unwrap_or_default();
        let Some((front, behind)) = rest.split_at_checked("HTTP/1.1 200".len()) else {
            // Whoever waits for more has seen to it that it starts as an answer does.
            return Ok(None);
        };
        let (http_1_1, digits) = match front.strip_prefix(VERSION) {
            Some([minor @ (b'0' | b'1'), b' ', digits @ ..]) => (*minor == b'1', digits),
            Some([b'0' | b'1', ..]) => return Err(NO_STATUS),
            _ => return Err("it is neither HTTP/1.0 nor HTTP/1.1"),
        };
        let status = number(digits).and_then(|status| u16::try_from(status).ok()).ok_or(NO_STATUS)?;
        let before = start + front.len();
        let reason = match behind.first() {
            Some(b' ') => before + 1,
            Some(b'\r' | b'\n') => before,
            Some(_) => return Err(NO_STATUS),
            None => return Ok(None),
        };
        let stop = field::text(block, reason);
        let next = match block.get(stop..).unwrap_or_default() {
            [b'\n', ..] => stop + 1,
            [b'\r', b'\n', ..] => stop + 2,
            [] | [b'\r'] => return Ok(None),
            _ => return Err("its reason has a character that must not be there"),
        };
        if !(100..600).contains(&status) {
            return Err("its status is none of 100 to 599");
        }
        let (line, reason) = (Span::new(start..stop), Span::new(reason..stop));
        Ok(Some(Self { line, reason, status, http_1_1, next }))
    }
}

const NO_STATUS: &str = "its status line is none";

/// What follows the head (RFC 9112, 6.3).
fn length(
    block: &[u8],
    lines: &Lines,
    (status, http_1_1, asked): (u16, bool, Asked<'_>),
) -> Result<Length, &'static str> {
    let mut lengths = lines.iter().filter(|line| line.known == Known::ContentLength);
    let mut codings = lines.iter().filter(|line| line.known == Known::TransferEncoding);
    let said = match (lengths.next(), codings.next()) {
        (None, None) => Length::UntilClose,
        (Some(_), Some(_)) => return Err("it says its length in two ways"),
        (Some(length), None) if lengths.next().is_none() => match number(length.value.of(block)) {
            Some(bytes) => Length::Exactly(bytes),
            None => return Err("its Content-Length is no number"),
        },
        (None, Some(coding)) if codings.next().is_none() => {
            if !http_1_1 {
                return Err("HTTP/1.0 knows no Transfer-Encoding");
            }
            if !coding.value.of(block).eq_ignore_ascii_case(b"chunked") {
                return Err("its Transfer-Encoding is not chunked");
            }
            Length::Chunked
        }
        _ => return Err("it says its length twice"),
    };
    if status == 101 {
        let mut protocols = lines.iter().filter(|line| line.known == Known::Upgrade);
        let (Some(protocol), None) = (protocols.next(), protocols.next()) else {
            return Err("it does not say to which protocol it switches");
        };
        if !asked.upgrade.is_some_and(|offered| offered.eq_ignore_ascii_case(protocol.value.of(block))) {
            return Err("it switches protocols unasked");
        }
    }
    if status < 200 || matches!(status, 204 | 304) || asked.head { Ok(Length::None) } else { Ok(said) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: Asked<'_> = Asked { head: false, upgrade: None };

    fn read(text: &str, asked: Asked<'_>) -> Result<AnswerHead, &'static str> {
        AnswerHead::read(text.as_bytes(), 0, asked, Lines::new()).map(Option::unwrap)
    }

    #[test]
    fn the_length_of_an_answer() {
        for (text, length) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Length::Exactly(5)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", Length::Chunked),
            ("HTTP/1.1 200 OK\r\n\r\n", Length::UntilClose),
            ("HTTP/1.0 200 OK\n\n", Length::UntilClose),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", Length::None),
            ("HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n", Length::None),
            ("HTTP/1.1 103 Early Hints\r\n\r\n", Length::None),
        ] {
            assert_eq!(read(text, GET).unwrap().length, length, "{text}");
        }
        let head = Asked { head: true, upgrade: None };
        assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", head).unwrap().length, Length::None);
    }

    #[test]
    fn the_line_and_its_reason_stand_where_they_are() {
        for (text, line, reason) in [
            ("HTTP/1.1 200 Fine, thanks\r\n\r\n", "HTTP/1.1 200 Fine, thanks", "Fine, thanks"),
            ("HTTP/1.1 200\r\n\r\n", "HTTP/1.1 200", ""),
            ("HTTP/1.1 200 \n\n", "HTTP/1.1 200 ", ""),
        ] {
            let head = read(text, GET).unwrap();
            assert_eq!(head.line.of(text.as_bytes()), line.as_bytes());
            assert_eq!(head.reason.of(text.as_bytes()), reason.as_bytes());
        }
    }

    #[test]
    fn a_connection_is_kept_if_both_may() {
        for (text, kept) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\n\r\n", false),
        ] {
            assert_eq!(read(text, GET).unwrap().keeps_alive(), kept, "{text}");
        }
    }
}
