//! Cleans text that strangers wrote before it reaches a terminal, a log or a page.
//!
//! Control characters (C0, DEL, C1), bidirectional and zero-width format characters, line and paragraph
//! separators, private-use and unassigned code points are replaced; overlong text is cut. It is done once,
//! where the text enters the process, so that every surface shows the same.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// What a character that must not be shown is replaced by.
pub const REPLACEMENT: char = '\u{FFFD}';

/// Is `c` safe to hand to a terminal as it is?
pub fn is_clean(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    !matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    )
}

/// `text` with every unsafe character replaced, cut to at most `limit` characters (the last one then an ellipsis).
///
/// ```
/// use evenkeel_protocol::clean::clean;
/// assert_eq!(clean("a\u{1b}[31mb", 20), "a\u{FFFD}[31mb");
/// assert_eq!(clean("abcdef", 4), "abc…");
/// ```
pub fn clean(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    for _ in 0..limit {
        match characters.next() {
            Some(c) => out.push(if is_clean(c) { c } else { REPLACEMENT }),
            None => return out,
        }
    }
    if characters.next().is_some() && out.pop().is_some() {
        out.push('…');
    }
    out
}

/// As [`clean()`], for bytes that may not be UTF-8.
pub fn clean_bytes(bytes: &[u8], limit: usize) -> String {
    clean(&String::from_utf8_lossy(bytes), limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_replaced() {
        for (what, text) in [
            ("escape", "\u{1b}]52;c;AA\u{7}"),
            ("C1 CSI", "\u{9b}31m"),
            ("carriage return", "a\rb"),
            ("delete", "a\u{7f}"),
            ("right-to-left override", "a\u{202e}b"),
            ("zero-width space", "a\u{200b}b"),
            ("line separator", "a\u{2028}b"),
            ("private use", "\u{e000}"),
        ] {
            let cleaned = clean(text, 100);
            assert!(cleaned.contains(REPLACEMENT), "{what}");
            assert!(cleaned.chars().all(|c| is_clean(c) || c == REPLACEMENT), "{what}");
        }
    }

    #[test]
    fn ordinary_text_stays() {
        for text in ["", "node1", "Käse 日本 é", "http://[::1]:80/a?b=c"] {
            assert_eq!(clean(text, 100), text);
        }
    }

    #[test]
    fn text_is_cut_at_the_limit_and_not_before() {
        assert_eq!(clean("abcd", 4), "abcd");
        assert_eq!(clean("abcde", 4), "abc…");
        assert_eq!(clean("abc", 0), "");
    }

    proptest::proptest! {
        #[test]
        fn nothing_unsafe_comes_out(text in "\\PC*|(?s).*", limit in 0usize..50) {
            let cleaned = clean(&text, limit);
            proptest::prop_assert!(cleaned.chars().count() <= limit);
            proptest::prop_assert!(cleaned.chars().all(is_clean));
            proptest::prop_assert_eq!(clean(&cleaned, limit), cleaned);
        }
    }
}
