//! Reads header fields where they stand, in one pass: names and values are checked byte by byte, many at once
//! where that can be, and nothing is copied.

use super::head::{Known, Line, Lines, Span};

/// What is wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// A field's name is empty, has a character that no name has, or no colon right behind it. A folded line is one.
    Name,
    /// A field's value has a control character.
    Value,
    /// A line ends with a carriage return and something else.
    LineEnd,
    /// There are more fields than allowed.
    TooMany,
}

impl Wrong {
    /// As a sentence.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Name => "a header field has no proper name",
            Self::Value => "a header field has a character that must not be there",
            Self::LineEnd => "a line does not end as it should",
            Self::TooMany => "it has too many header fields",
        }
    }
}

/// Reads the fields that stand in `block` from `at` to the empty line, at most `most`, into `lines`; where the head
/// ends, or none if it is not complete. Lines may end with a line feed alone; who is stricter looks at that as well.
pub(super) fn read(
    block: &[u8],
    mut at: usize,
    most: usize,
    lines: &mut Lines,
) -> Result<Option<usize>, Wrong> {
    lines.clear();
    loop {
        match block.get(at) {
            None => return Ok(None),
            Some(b'\n') => return Ok(Some(at + 1)),
            Some(b'\r') => {
                return match block.get(at + 1) {
                    None => Ok(None),
                    Some(b'\n') => Ok(Some(at + 2)),
                    Some(_) => Err(Wrong::LineEnd),
                };
            }
            Some(_) if lines.len() == most => return Err(Wrong::TooMany),
            Some(_) => {}
        }
        let name = at..token_end(block, at);
        match block.get(name.end) {
            Some(b':') if !name.is_empty() => {}
            None => return Ok(None),
            Some(_) => return Err(Wrong::Name),
        }
        let mut start = name.end + 1;
        while let Some(b' ' | b'\t') = block.get(start) {
            start += 1;
        }
        let stop = text(block, start);
        at = match (block.get(stop), block.get(stop + 1)) {
            (Some(b'\n'), _) => stop + 1,
            (Some(b'\r'), Some(b'\n')) => stop + 2,
            (None, _) | (Some(b'\r'), None) => return Ok(None),
            _ => return Err(Wrong::Value),
        };
        let mut end = stop;
        while end > start && matches!(block.get(end - 1), Some(b' ' | b'\t')) {
            end -= 1;
        }
        let known = Known::of(block.get(name.clone()).unwrap_or_default());
        lines.push(Line { name: Span::new(name), value: Span::new(start..end), known });
    }
}

/// How many bytes from the front may stand in a name or a method.
pub(super) fn token(bytes: &[u8]) -> usize {
    token_end(bytes, 0)
}

/// Where, from `at` on, the first byte stands that may not stand in a name or a method.
#[inline]
fn token_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        // Names are letters and hyphens, all but a few.
        while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
            let usual = letters_and_hyphens(u64::from_le_bytes(*eight));
            at += usual;
            if usual < 8 {
                break;
            }
        }
        match bytes.get(at) {
            Some(byte) if is_token(*byte) => at += 1,
            _ => return at,
        }
    }
}

#[expect(clippy::indexing_slicing, reason = "the table has a place for each byte")]
fn is_token(byte: u8) -> bool {
    IS_TOKEN[usize::from(byte)]
}

/// The lowest bit of each byte, and the highest.
const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES * 0x80;

/// Which bytes may stand in a token (RFC 9110, 5.6.2).
#[expect(
    clippy::indexing_slicing,
    reason = "the table has a place for each byte, and is made by the compiler"
)]
static IS_TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        let sign =
            matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~');
        table[byte as usize] = sign || byte.is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

/// Where, from `at` on, the first byte stands that may not stand in a value: a control character other than a tab.
#[inline]
pub(super) fn text(block: &[u8], mut at: usize) -> usize {
    while let Some(eight) = block.get(at..).and_then(<[u8]>::first_chunk) {
        match first_control(u64::from_le_bytes(*eight)) {
            None => at += 8,
            Some(offset) if block.get(at + offset) == Some(&b'\t') => at += offset + 1,
            Some(offset) => return at + offset,
        }
    }
    let rest = block.get(at..).unwrap_or_default();
    let is_bad = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    at + rest.iter().position(is_bad).unwrap_or(rest.len())
}

/// The first of eight bytes that is a control character, if one is.
fn first_control(eight: u64) -> Option<usize> {
    // A byte below a limit borrows from its high bit. The borrow may spoil the bytes behind, never the first.
    let low = eight.wrapping_sub(ONES * 0x20) & !eight;
    let delete = eight ^ (ONES * 0x7f);
    let delete = delete.wrapping_sub(ONES) & !delete;
    let found = (low | delete) & HIGH;
    (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
}

/// How many of eight bytes, from the first one on, are letters and hyphens.
fn letters_and_hyphens(eight: u64) -> usize {
    /// What must be added to a byte below 0x80 for its high bit to tell that it is at least `byte`.
    const fn at_least(byte: u8) -> u64 {
        ONES * (0x80 - byte as u64)
    }
    // Without its high bit no byte carries into the next one.
    let low = eight & !HIGH;
    let small = low | (ONES * 0x20);
    let letter = (small + at_least(b'a')) & !(small + at_least(b'z' + 1));
    let hyphen = !((low ^ (ONES * 0x2d)) + at_least(1));
    let other = !(letter | hyphen) | eight;
    ((other & HIGH).trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Fields = Vec<(Vec<u8>, Vec<u8>)>;

    /// What is made of a text.
    #[derive(Debug, PartialEq)]
    enum Read {
        Whole(usize, Fields),
        Open,
        Refused,
    }

    fn ours(text: &[u8]) -> Read {
        let mut lines = Lines::new();
        match read(text, 0, 100, &mut lines) {
            Ok(Some(end)) => {
                let part = |span: Span| span.of(text).to_vec();
                Read::Whole(end, lines.iter().map(|line| (part(line.name), part(line.value))).collect())
            }
            Ok(None) => Read::Open,
            Err(_) => Read::Refused,
        }
    }

    #[test]
    fn every_byte_is_judged_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for place in 0..40 {
                let mut value = [b'v'; 40];
                value[place] = byte;
                let expected = if byte < b' ' && byte != b'\t' || byte == 0x7f { place } else { 40 };
                assert_eq!(text(&value, 0), expected, "{byte:#x} at {place}");
            }
        }
    }

    #[test]
    fn names_end_where_a_byte_is_none_of_a_name() {
        for byte in 0..=u8::MAX {
            let tokens = b"!#$%&'*+-.^_`|~";
            let expected = if byte.is_ascii_alphanumeric() || tokens.contains(&byte) { 20 } else { 0 };
            for place in 0..20 {
                let mut name = *b"Abcz-Zy-aAAAzZZZ-ghi";
                name[place] = byte;
                assert_eq!(token(&name), expected.max(place), "{byte:#x} at {place}");
            }
        }
    }

    #[test]
    fn lines_are_read_or_refused() {
        let mut lines = Lines::new();
        for (text, outcome) in [
            ("\r\n", Ok(Some(2))),
            ("\nrest", Ok(Some(1))),
            ("a: b\r\n\r\n", Ok(Some(8))),
            ("a: b\n\n", Ok(Some(6))),
            ("a:\r\n\r\n", Ok(Some(6))),
            ("", Ok(None)),
            ("a", Ok(None)),
            ("a:", Ok(None)),
            ("a: b", Ok(None)),
            ("a: b\r", Ok(None)),
            ("a: b\r\n", Ok(None)),
            ("a: b\r\n\r", Ok(None)),
            ("a: b\r\n\rx", Err(Wrong::LineEnd)),
            (": b\r\n\r\n", Err(Wrong::Name)),
            ("a b: c\r\n\r\n", Err(Wrong::Name)),
            ("a : b\r\n\r\n", Err(Wrong::Name)),
            ("a: b\r\n c\r\n\r\n", Err(Wrong::Name)),
            ("a\r\n\r\n", Err(Wrong::Name)),
            ("é: b\r\n\r\n", Err(Wrong::Name)),
            ("a: b\rc\r\n\r\n", Err(Wrong::Value)),
            ("a: b\0c\r\n\r\n", Err(Wrong::Value)),
            ("a: b\x7f\r\n\r\n", Err(Wrong::Value)),
            ("a: b\tc \t \r\n\r\n", Ok(Some(13))),
        ] {
            assert_eq!(read(text.as_bytes(), 0, 100, &mut lines), outcome, "{text:?}");
        }
        assert_eq!(read(b"a: 1\r\nb: 2\r\n\r\n", 0, 2, &mut lines), Ok(Some(14)));
        assert_eq!(read(b"a: 1\r\nb: 2\r\nc: 3\r\n\r\n", 0, 2, &mut lines), Err(Wrong::TooMany));
    }

    /// What a well-known parser makes of the same bytes.
    fn theirs(text: &[u8]) -> Read {
        let mut slots = [httparse::EMPTY_HEADER; 100];
        match httparse::parse_headers(text, &mut slots) {
            Ok(httparse::Status::Complete((end, fields))) => {
                let field =
                    |field: &httparse::Header<'_>| (field.name.as_bytes().to_vec(), field.value.to_vec());
                Read::Whole(end, fields.iter().map(field).collect())
            }
            Ok(httparse::Status::Partial) => Read::Open,
            Err(_) => Read::Refused,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn a_second_reader_reads_the_same(text in "([a-zA-Z-]{1,9}:[ \t]{0,2}[ -~\t]{0,20}\r?\n){0,4}(\r?\n)?[ -~\t\r\n\0]{0,6}",
            place in any::<prop::sample::Index>(), byte in any::<u8>(), spoil in any::<bool>())
        {
            let mut text = text.into_bytes();
            if spoil && !text.is_empty() {
                let place = place.index(text.len());
                text[place] = byte;
            }
            let (ours, theirs) = (ours(&text), theirs(&text));
            if ours == Read::Open || theirs == Read::Open {
                // One may see sooner than the other that what is not complete is wrong; neither takes it.
                prop_assert!(!matches!(ours, Read::Whole(..)) && !matches!(theirs, Read::Whole(..)));
            } else {
                prop_assert_eq!(ours, theirs);
            }
        }
    }
}
