//! The nonces of the manager page: made, compared, and kept out of our logs.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use subtle::ConstantTimeEq as _;

use crate::clock;

/// The parameter that carries one, in a query or in a form.
const PARAMETER: &[u8] = b"nonce";
/// What stands in a log instead of one.
const MASK: &[u8] = b"...";

/// A new one, shaped as httpd's: a UUID.
pub(crate) fn random() -> String {
    let bits = u128::from_be_bytes(clock::random());
    let part = |from: u32, bits_there: u32| (bits >> from) & ((1 << bits_there) - 1);
    let (first, second, third, fourth) = (part(96, 32), part(80, 16), part(64, 16), part(48, 16));
    format!("{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{:012x}", part(0, 48))
}

/// Are they the same? How long it takes does not tell how much of it is.
pub(crate) fn is_same(nonce: &str, given: &str) -> bool {
    nonce.as_bytes().ct_eq(given.as_bytes()).into()
}

/// A target, or the address of a page, with its nonces hidden, however their name is written.
pub(crate) fn masked(text: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Option<Vec<u8>> = None;
    let mut from = 0;
    for at in memchr::memchr_iter(b'=', text) {
        let (name, rest) =
            (text.get(from.min(at)..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
        let name = name.rsplit(|byte| b"?&# \"".contains(byte)).next().unwrap_or_default();
        let length = rest.iter().position(|byte| b"&# \"".contains(byte)).unwrap_or(rest.len());
        if at < from || length == 0 || !percent_decode(name).eq(PARAMETER.iter().copied()) {
            continue;
        }
        let out = out.get_or_insert_with(|| Vec::with_capacity(text.len()));
        out.extend_from_slice(text.get(from..=at).unwrap_or_default());
        out.extend_from_slice(MASK);
        from = at + 1 + length;
    }
    let Some(mut out) = out else { return Cow::Borrowed(text) };
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_another_one_in_the_form_of_httpds() {
        let (one, other) = (random(), random());
        assert_ne!(one, other);
        let lengths: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(one.chars().all(|c| c == '-' || c.is_ascii_hexdigit()));
    }

    #[test]
    fn only_the_same_is_the_same() {
        assert!(is_same("abc", "abc"));
        for given in ["", "ab", "abd", "abcd", "ABC"] {
            assert!(!is_same("abc", given), "{given}");
        }
    }

    #[test]
    fn nonces_are_hidden_and_nothing_else() {
        for (text, shown) in [
            ("/m", "/m"),
            ("/m?b=app&nonce=secret", "/m?b=app&nonce=..."),
            ("/m?nonce=secret&b=app", "/m?nonce=...&b=app"),
            ("/m?nonce=&b=app", "/m?nonce=&b=app"),
            ("/m?nonce=a&nonce=b#x", "/m?nonce=...&nonce=...#x"),
            ("GET /m?nonce=a HTTP/1.1", "GET /m?nonce=... HTTP/1.1"),
            ("/m?b=app&%6eonce=a=b&n%4fnce=c", "/m?b=app&%6eonce=...&n%4fnce=c"),
            ("/m?%6E%6fnc%65=a&xnonce=b", "/m?%6E%6fnc%65=...&xnonce=b"),
        ] {
            assert_eq!(masked(text.as_bytes()), shown.as_bytes());
        }
    }
}
