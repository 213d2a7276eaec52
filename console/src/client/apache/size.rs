//! Sizes as httpd prints them, read back: `1.3K` is some 1331 bytes.

/// The bytes that a size stands for, rounded as it is; none if it is no size.
pub(super) fn read(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = match text.bytes().last()? {
        b'0'..=b'9' => (text, 0),
        last => (text.strip_suffix(char::from(last))?, 1 + "KMGTPE".bytes().position(|unit| unit == last)?),
    };
    let factor = 1_u64.checked_shl(10 * u32::try_from(unit).ok()?)?;
    let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
    let (whole, tenth): (u64, u64) = (whole.trim().parse().ok()?, tenth.parse().ok()?);
    whole.checked_mul(factor)?.checked_add(tenth.min(9).checked_mul(factor)? / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_seen_on_pages() {
        for (text, bytes) in [
            ("  0 ", Some(0)),
            ("115", Some(115)),
            ("1.3K", Some(1331)),
            (" 99K", Some(101_376)),
            ("1.0M", Some(1_048_576)),
            ("8.6M", Some(9_017_753)),
            ("15E", Some(15 << 60)),
            ("-", None),
            ("", None),
            ("99E", None),
            ("x", None),
            ("1.3é", None),
        ] {
            assert_eq!(read(text), bytes, "{text:?}");
        }
    }
}
