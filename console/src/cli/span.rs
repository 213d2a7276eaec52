//! Times on the command line: a whole number and its unit, so that nobody takes seconds for minutes.

use std::time::Duration;

/// What a time must look like.
const RULE: &str = "must be a whole number with a unit: 500ms, 30s, 5m or 1h";

/// Reads `500ms`, `30s`, `5m` or `1h`.
///
/// # Errors
///
/// What it must look like.
pub(super) fn parse(text: &str) -> Result<Duration, &'static str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or(RULE)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(RULE),
    };
    let total = number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
    total.map(Duration::from_millis).ok_or(RULE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_carries_its_unit() {
        for (text, millis) in [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("5min", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("0s", Some(0)),
            ("5", None),
            ("s", None),
            ("", None),
            ("-5s", None),
            ("1.5s", None),
            ("5 s", None),
            ("99999999999999999999h", None),
            ("9999999999999999h", None),
        ] {
            let expected = millis.map(Duration::from_millis).ok_or(RULE);
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
