//! How a body is framed, and the reading of it in place.

use super::chunked::Decoder;

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// Nothing.
    None,
    /// So many bytes; the head said so.
    Exactly(u64),
    Chunked,
    /// Everything until the connection ends.
    UntilClose,
}

/// A body that is being read.
#[derive(Debug)]
pub(crate) enum Incoming {
    Exactly(u64),
    Chunked(Box<Decoder>),
    UntilClose,
    Done,
}

/// What a piece of a body held: its data stand at the front of the piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) data: usize,
    /// The body ended, and so many bytes at the end of the piece are none of it.
    pub(crate) surplus: usize,
}

impl Incoming {
    pub(crate) fn new(length: Length) -> Self {
        match length {
            Length::None | Length::Exactly(0) => Self::Done,
            Length::Exactly(left) => Self::Exactly(left),
            Length::Chunked => Self::Chunked(Box::default()),
            Length::UntilClose => Self::UntilClose,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Reads a piece in place; trailer lines that may be handed on go to `trailer`.
    ///
    /// # Errors
    ///
    /// What is wrong with its chunks.
    pub(crate) fn take(&mut self, piece: &mut [u8], trailer: &mut Vec<u8>) -> Result<Taken, &'static str> {
        match self {
            Self::Exactly(left) => {
                let data = usize::try_from(*left).unwrap_or(usize::MAX).min(piece.len());
                *left -= data as u64;
                if *left == 0 {
                    *self = Self::Done;
                    return Ok(Taken { data, surplus: piece.len() - data });
                }
                Ok(Taken { data, surplus: 0 })
            }
            Self::Chunked(decoder) => {
                let decoded = decoder.decode(piece)?;
                let surplus = decoded.end.map_or(0, |end| piece.len() - end);
                if decoded.end.is_some() {
                    for (name, value) in decoder.trailer() {
                        trailer.extend([name, b": ", value, b"\r\n"].concat());
                    }
                    *self = Self::Done;
                }
                Ok(Taken { data: decoded.data, surplus })
            }
            Self::UntilClose => Ok(Taken { data: piece.len(), surplus: 0 }),
            Self::Done => Ok(Taken { data: 0, surplus: piece.len() }),
        }
    }

    /// The connection ended: is the body whole?
    pub(crate) fn close(&mut self) -> bool {
        match self {
            Self::UntilClose | Self::Done => {
                *self = Self::Done;
                true
            }
            Self::Exactly(_) | Self::Chunked(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_a_body_is_none_of_it() {
        for (length, piece, data, surplus, done) in [
            (Length::Exactly(3), &b"abcde"[..], &b"abc"[..], 2, true),
            (Length::Exactly(9), b"abcde", b"abcde", 0, false),
            (Length::UntilClose, b"abcde", b"abcde", 0, false),
            (Length::None, b"abcde", b"", 5, true),
            (Length::Chunked, b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\nde", b"abc", 2, true),
            (Length::Chunked, b"2\r\nab\r\n1\r\n", b"ab", 0, false),
        ] {
            let mut incoming = Incoming::new(length);
            let mut piece = piece.to_vec();
            let taken = incoming.take(&mut piece, &mut Vec::new()).unwrap();
            assert_eq!((&piece[..taken.data], taken.surplus), (data, surplus), "{length:?}");
            assert_eq!(incoming.is_done(), done, "{length:?}");
        }
        assert!(Incoming::new(Length::UntilClose).close());
        assert!(!Incoming::new(Length::Exactly(1)).close());
    }
}
