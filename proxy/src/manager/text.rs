//! Small texts as httpd writes and reads them: escapes, sizes, and numbers in the manner of C.

use std::fmt::{self, Write as _};

/// Text for HTML and XML, between tags and in attributes in double quotes; as httpd escapes it.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut from = 0;
        for (at, c) in self.0.char_indices() {
            let entity = match c {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                _ => continue,
            };
            f.write_str(self.0.get(from..at).unwrap_or_default())?;
            f.write_str(entity)?;
            from = at + c.len_utf8();
        }
        f.write_str(self.0.get(from..).unwrap_or_default())
    }
}

/// Text for an attribute in single quotes.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.split('\'').enumerate() {
            if at > 0 {
                f.write_str("&#39;")?;
            }
            Escaped(part).fmt(f)?;
        }
        Ok(())
    }
}

/// A path, or the URL of a member in a query, as APR escapes it: `:` and `/` stay.
pub(super) fn in_url(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"$-_.+!*'(),:@&=/~".contains(byte) {
            out.push(char::from(*byte));
        } else {
            // A string takes everything.
            let _ = write!(out, "%{byte:02x}");
        }
    }
    out
}

/// The whole number that a text starts with, as `atoi` reads it: 0 if there is none. The C library reads 64 bits and keeps
/// the lower half of them.
pub(super) fn whole(text: &str) -> i32 {
    let [a, b, c, d, ..] = leading(text).0.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// All 64 bits of such a number, and what stands behind it; none if there are no digits.
pub(super) fn leading(text: &str) -> (i64, Option<&str>) {
    let text = text.trim_start_matches(is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = digits.split_at_checked(length).unwrap_or_default();
    let sign = if negative { -1 } else { 1 };
    let number = number
        .bytes()
        .fold(0_i64, |sum, digit| sum.saturating_mul(10).saturating_add(sign * i64::from(digit - b'0')));
    (number, (length > 0).then_some(rest))
}

/// The number that a text starts with, as `atof` reads it: 0 if there is none, or if it is infinite or none by name.
pub(super) fn decimal(text: &str) -> f64 {
    let text = text.trim_start_matches(is_space);
    if let Some(number) = hexadecimal(text) {
        return number;
    }
    let digits = |from: usize| text.bytes().skip(from).take_while(u8::is_ascii_digit).count();
    let mut end = usize::from(text.starts_with(['-', '+']));
    end += digits(end);
    if text.as_bytes().get(end) == Some(&b'.') {
        end += 1 + digits(end + 1);
    }
    if text.as_bytes().get(end).is_some_and(|byte| matches!(byte, b'e' | b'E')) {
        let sign = usize::from(text.as_bytes().get(end + 1).is_some_and(|byte| matches!(byte, b'-' | b'+')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    text.get(..end).and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

/// `0x`, digits with or without a point, and perhaps `p` and a power of two; none if it is another number.
fn hexadecimal(text: &str) -> Option<f64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let (mut number, mut scale, mut digits, mut behind) = (0.0, 1.0, 0, 0);
    let mut is_fraction = false;
    for c in text.chars() {
        match c.to_digit(16) {
            Some(digit) => {
                scale /= if is_fraction { 16.0 } else { 1.0 };
                number = if is_fraction {
                    number + f64::from(digit) * scale
                } else {
                    number * 16.0 + f64::from(digit)
                };
                digits += 1;
            }
            None if c == '.' && !is_fraction => is_fraction = true,
            None => break,
        }
        behind += 1;
    }
    let power = text.get(behind..).and_then(|rest| rest.strip_prefix(['p', 'P']));
    let power = power.and_then(|rest| leading(rest).1.map(|_| whole(rest))).unwrap_or_default();
    (digits > 0).then(|| sign * number * f64::from(power).exp2())
}

/// C's `isspace`.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, number) in [
            ("5", 5),
            (" \t-1", -1),
            ("+7x", 7),
            ("x", 0),
            ("", 0),
            ("--1", 0),
            ("2147483648", i32::MIN),
            ("4294967296", 0),
            ("4294967301", 5),
            ("99999999999", 1_215_752_191),
            ("99999999999999999999", -1),
            ("-99999999999999999999", 0),
        ] {
            assert_eq!(whole(text), number, "{text:?}");
        }
        for (text, number) in [
            ("1.5", 1.5),
            (" 2x", 2.0),
            (".5", 0.5),
            ("1e2", 100.0),
            ("1e", 1.0),
            ("1e+", 1.0),
            ("-3", -3.0),
            ("", 0.0),
            (".", 0.0),
            ("x1", 0.0),
            ("inf", 0.0),
            ("0x10", 16.0),
            ("0X2p1x", 4.0),
            ("-0x1.8p-1", -0.75),
            ("0x.8", 0.5),
            ("0x1p", 1.0),
            ("0x", 0.0),
            ("0x.", 0.0),
        ] {
            assert!((decimal(text) - number).abs() < 1e-9, "{text:?}");
        }
    }

    #[test]
    fn what_has_a_meaning_in_a_page_is_escaped() {
        assert_eq!(Escaped("a<b>&\"'é").to_string(), "a&lt;b&gt;&amp;&quot;'é");
        assert_eq!(Quoted("'a'<").to_string(), "&#39;a&#39;&lt;");
        assert_eq!(in_url("http://[::1]:80/é b%".as_bytes()), "http://%5b::1%5d:80/%c3%a9%20b%25");
    }
}
