//! Addresses as somebody wrote them, fit to be shown: without the name and password that may stand in them.

use evenkeel_protocol::clean::clean;

/// The longest address that is shown, in characters.
const LONGEST: usize = 200;

/// An address as it was typed: whatever may be a name and a password is left out, also where it is no address at all.
pub fn shown(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            (format!("{scheme}://"), rest)
        }
        _ => (String::new(), address),
    };
    clean(&format!("{scheme}{}", behind_user(rest)), LONGEST)
}

/// A text in which addresses may stand, whatever stands around them: those with a scheme lose name and password, and
/// nothing else is touched.
pub fn in_text(text: &str) -> String {
    let without = |word: &str| match word.split_once("://") {
        Some((before, rest)) => format!("{before}://{}", behind_user(rest)),
        None => word.to_owned(),
    };
    let ends = |c: char| c.is_whitespace() || c == '"';
    text.split_inclusive(ends).map(without).collect()
}

fn behind_user(rest: &str) -> &str {
    rest.rsplit_once('@').map_or(rest, |(_, behind)| behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_nowhere() {
        for (address, wanted) in [
            ("https://anna:secret@lb1/bm", "https://lb1/bm"),
            ("anna:secret@lb1/bm", "lb1/bm"),
            ("anna:secret://x@lb1/bm", "lb1/bm"),
            ("ftp://anna:sec@secret@lb1", "ftp://lb1"),
            ("http://lb1/\u{1b}[2J", "http://lb1/\u{fffd}[2J"),
        ] {
            assert_eq!(shown(address), wanted);
        }
        for (text, wanted) in [
            ("type: string \"https://a:secret@lb1/\", or a", "type: string \"https://lb1/\", or a"),
            ("/run/user@1000/a does not exist", "/run/user@1000/a does not exist"),
            ("http://a:secret@b, ftp://c:sec'secret@d is", "http://b, ftp://d is"),
            ("'https://a:secret@b' and more", "'https://b' and more"),
        ] {
            assert_eq!(in_text(text), wanted);
        }
    }
}
