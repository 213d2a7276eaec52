//! The chunked transfer coding (RFC 9112, 7.1), read strictly.
//!
//! Bytes may come in any pieces; the data among them is moved together where it stands. Extensions are read over;
//! trailer fields are kept for whoever wants to hand them on.

use super::field;
use super::head::Known;
use crate::limits;

/// Reads one body. After an error it must not be used again.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    /// Bytes of the line that is being read; bounded.
    line: usize,
    /// Trailer lines as they came, each with its line end.
    trailer: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the digits of a size, of which there were so many.
    Size {
        size: u64,
        digits: u8,
    },
    /// Behind them, in blanks or extensions.
    Extension {
        size: u64,
    },
    /// The line feed that ends a size.
    SizeEnd {
        size: u64,
    },
    /// In the data of a chunk.
    Data {
        left: u64,
    },
    /// The line end behind the data: carriage return, then line feed.
    DataEnd,
    DataEndFeed,
    /// At the start of a line of the trailer, where the empty line ends the body.
    TrailerStart,
    TrailerLine,
    TrailerFeed,
    EmptyFeed,
    Done,
}

/// What a piece of input held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// So many bytes of data stand at the front of the piece now.
    pub(crate) data: usize,
    /// The body ended, and this is where in the piece the bytes behind it start.
    pub(crate) end: Option<usize>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { state: State::Size { size: 0, digits: 0 }, line: 0, trailer: Vec::new() }
    }
}

impl Decoder {
    /// Reads a piece of input in place.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn decode(&mut self, piece: &mut [u8]) -> Result<Decoded, &'static str> {
        let (mut from, mut data) = (0, 0);
        while from < piece.len() && self.state != State::Done {
            if let State::Data { left } = self.state {
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len() - from);
                piece.copy_within(from..from + count, data);
                from += count;
                data += count;
                let left = left - count as u64;
                self.state = if left == 0 { State::DataEnd } else { State::Data { left } };
            } else {
                let byte = piece.get(from).copied().unwrap_or_default();
                self.state = self.step(byte)?;
                from += 1;
            }
        }
        Ok(Decoded { data, end: (self.state == State::Done).then_some(from) })
    }

    /// One byte outside the data.
    fn step(&mut self, byte: u8) -> Result<State, &'static str> {
        self.line += 1;
        if self.line > limits::CHUNK_LINE {
            return Err("a line of its chunks is too long");
        }
        match self.state {
            State::Size { size, digits } => match char::from(byte).to_digit(16) {
                Some(_) if digits == 16 => Err("a chunk is too large"),
                Some(digit) => Ok(State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }),
                None if digits == 0 => Err("a chunk has no size"),
                None if size > i64::MAX as u64 => Err("a chunk is too large"),
                None => match byte {
                    b'\r' => Ok(State::SizeEnd { size }),
                    b';' => Ok(State::Extension { size }),
                    _ => Err("the size of a chunk is no number"),
                },
            },
            State::Extension { size } => match byte {
                b'\r' => Ok(State::SizeEnd { size }),
                b'\t' | b' '..=b'~' | 0x80.. => Ok(State::Extension { size }),
                _ => Err("an extension of a chunk has a character that must not be there"),
            },
            State::SizeEnd { size } => {
                self.line = 0;
                match (byte, size) {
                    (b'\n', 0) => Ok(State::TrailerStart),
                    (b'\n', left) => Ok(State::Data { left }),
                    _ => Err("the line of a chunk does not end as it should"),
                }
            }
            State::DataEnd if byte == b'\r' => Ok(State::DataEndFeed),
            State::DataEndFeed if byte == b'\n' => {
                self.line = 0;
                Ok(State::Size { size: 0, digits: 0 })
            }
            State::DataEnd | State::DataEndFeed => Err("a chunk is longer than it says"),
            State::TrailerStart | State::TrailerLine | State::TrailerFeed | State::EmptyFeed => {
                self.trailer_step(byte)
            }
            State::Data { .. } | State::Done => Ok(self.state),
        }
    }

    fn trailer_step(&mut self, byte: u8) -> Result<State, &'static str> {
        match (self.state, byte) {
            (State::TrailerStart, b'\r') => return Ok(State::EmptyFeed),
            (State::EmptyFeed, b'\n') => return Ok(State::Done),
            (State::TrailerStart | State::TrailerLine, b'\t' | b' '..=b'~' | 0x80..)
            | (State::TrailerLine, b'\r')
            | (State::TrailerFeed, b'\n') => {}
            _ => return Err("a line of its trailer does not end as it should"),
        }
        if self.trailer.len() >= limits::TRAILER_BYTES {
            return Err("its trailer is too long");
        }
        self.trailer.push(byte);
        match byte {
            b'\r' => Ok(State::TrailerFeed),
            b'\n' => {
                self.line = 0;
                self.check_last_line()?;
                Ok(State::TrailerStart)
            }
            _ => Ok(State::TrailerLine),
        }
    }

    /// Is the line that just ended a field?
    fn check_last_line(&self) -> Result<(), &'static str> {
        let before = self.trailer.strip_suffix(b"\r\n").unwrap_or_default();
        let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if name.len() < line.len() && !name.is_empty() && field::token(name) == name.len() {
            Ok(())
        } else {
            Err("its trailer has a line that is no field")
        }
    }

    /// Names and values of the trailer fields that may be handed on.
    pub(crate) fn trailer(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let fields = self.trailer.split(|byte| *byte == b'\n').filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((line.get(..colon)?, line.get(colon + 1..)?.trim_ascii()))
        });
        fields.filter(|(name, _)| Known::of(name) == Known::Other && !is_forbidden(name))
    }
}

/// Fields that decide framing, routing, access or how the message is to be read have no place behind it
/// (RFC 9110, 6.5.1).
fn is_forbidden(name: &[u8]) -> bool {
    const FORBIDDEN: [&str; 20] = [
        "accept-encoding",
        "authorization",
        "cache-control",
        "content-encoding",
        "content-range",
        "content-type",
        "expires",
        "forwarded",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "max-forwards",
        "pragma",
        "range",
        "retry-after",
        "set-cookie",
        "vary",
        "www-authenticate",
    ];
    FORBIDDEN.iter().any(|forbidden| name.eq_ignore_ascii_case(forbidden.as_bytes()))
}

/// The most bytes of the line that starts a chunk.
pub(crate) const LONGEST_START: usize = 18;

/// Writes the line that starts a chunk of `size` bytes; how many bytes of `line` it takes, from the end.
pub(crate) fn start(size: usize, line: &mut [u8; LONGEST_START]) -> &[u8] {
    let mut rest = size;
    let mut at = LONGEST_START;
    for byte in line.iter_mut().rev() {
        *byte = match LONGEST_START - at {
            0 => b'\n',
            1 => b'\r',
            _ if rest == 0 && LONGEST_START - at > 2 => break,
            _ => {
                let digit = rest % 16;
                rest /= 16;
                b"0123456789abcdef".get(digit).copied().unwrap_or(b'0')
            }
        };
        at -= 1;
    }
    line.get(at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data, trailer lines and what follows, whatever the pieces.
    fn decode(text: &[u8], width: usize) -> Result<(Vec<u8>, Vec<u8>, usize), &'static str> {
        let mut decoder = Decoder::default();
        let (mut data, mut read) = (Vec::new(), 0);
        for piece in text.chunks(width) {
            let mut piece = piece.to_vec();
            let decoded = decoder.decode(&mut piece)?;
            data.extend_from_slice(&piece[..decoded.data]);
            if let Some(end) = decoded.end {
                let trailer =
                    decoder.trailer().map(|(name, value)| [name, b"=", value].concat()).collect::<Vec<_>>();
                return Ok((data, trailer.concat(), read + end));
            }
            read += piece.len();
        }
        Err("open")
    }

    #[test]
    fn a_body_is_the_same_in_any_pieces() {
        let text = b"5\r\nhello\r\n00A;x=\"y\"\r\n, world!!!\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\nnext";
        for width in 1..text.len() {
            let (data, trailer, end) = decode(text, width).unwrap();
            assert_eq!(data, b"hello, world!!!", "{width}");
            assert_eq!(trailer, b"X-Sum=1");
            assert_eq!(&text[end..], b"next");
        }
    }

    #[test]
    fn broken_chunks_are_refused() {
        for text in [
            &b"\r\n"[..],
            b"x\r\n",
            b"-5\r\n",
            b"+5\r\n",
            b"0x5\r\n",
            b" 5\r\nhello\r\n",
            b"5 \r\nhello\r\n",
            b"5\nhello\r\n",
            b"5\rhello",
            b"5\r\nhello\n",
            b"5\r\nhelloo\r\n",
            b"5;a\x01\r\n",
            b"5;a\nb\r\n",
            b"fffffffffffffffff\r\n",
            b"8000000000000000\r\n",
            b"00000000000000005\r\n",
            b"0\n\r\n",
            b"0\r\n\n",
            b"0\r\nX: 1\n\r\n",
            b"0\r\nno field\r\n\r\n",
            b"0\r\n: x\r\n\r\n",
            b"0\r\n folded\r\n\r\n",
            b"0\r\nX: \0\r\n\r\n",
            b"0\r\r\n",
        ] {
            for width in [1, text.len()] {
                let outcome = decode(text, width);
                assert!(
                    outcome.as_ref().is_err_and(|why| *why != "open"),
                    "{} {outcome:?}",
                    String::from_utf8_lossy(text)
                );
            }
        }
    }

    #[test]
    fn lines_and_trailers_have_a_bound() {
        let extension = [&b"5;"[..], &vec![b'a'; limits::CHUNK_LINE], b"\r\n"].concat();
        assert_eq!(decode(&extension, 1000), Err("a line of its chunks is too long"));
        let line = [&b"a: "[..], &vec![b'b'; 1000], b"\r\n"].concat();
        let trailer = [&b"0\r\n"[..], &line.repeat(limits::TRAILER_BYTES / 1000 + 1)].concat();
        assert_eq!(decode(&trailer, 1000), Err("its trailer is too long"));
    }

    #[test]
    fn the_start_of_a_chunk() {
        for (size, text) in
            [(1, "1\r\n"), (16, "10\r\n"), (65536, "10000\r\n"), (0x00ab_cdef, "abcdef\r\n"), (0, "0\r\n")]
        {
            assert_eq!(start(size, &mut [0; LONGEST_START]), text.as_bytes());
        }
        assert_eq!(start(usize::MAX, &mut [0; LONGEST_START]).len(), LONGEST_START);
    }
}
