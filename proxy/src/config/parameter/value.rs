//! Reads values as httpd reads them, C-style: leading digits count. What it swallows is said.

use std::time::Duration;

use evenkeel_protocol::Factor;
use evenkeel_protocol::clean::clean;

use crate::config::limits;
use crate::config::notes::Complaint;

/// What is to be said about values that are taken nevertheless.
#[derive(Debug, Default)]
pub(in crate::config) struct Remarks {
    /// Taken with httpd's effect, which nobody means.
    pub(in crate::config) traps: Vec<Complaint>,
    /// Taken, and has no effect here.
    pub(in crate::config) warnings: Vec<Complaint>,
}

impl Remarks {
    /// Taken, and has no effect here: `why` says what is done instead.
    pub(in crate::config) fn unused(&mut self, why: &'static str, remedy: &'static str) {
        self.warnings.push(Complaint::new(format!("is not used: {why}"), remedy));
    }

    fn trap(&mut self, what: String, remedy: String) {
        self.traps.push(Complaint::new(what, remedy));
    }
}

/// What a whole number may be.
pub(in crate::config) struct Whole {
    /// The smallest.
    pub(in crate::config) least: i64,
    /// The largest.
    pub(in crate::config) most: i64,
    /// What it counts, as `seconds`; empty if it is a bare number.
    pub(in crate::config) unit: &'static str,
}

impl Whole {
    /// From `least` up to what httpd's `int` holds.
    pub(in crate::config) const fn from(least: i64, unit: &'static str) -> Self {
        Self { least, most: i32::MAX as i64, unit }
    }

    fn rule(&self) -> String {
        let of = if self.unit.is_empty() { String::new() } else { format!(" of {}", self.unit) };
        if self.most == i64::from(i32::MAX) {
            format!("must be a whole number{of}, at least {}", self.least)
        } else {
            format!("must be a whole number{of} from {} to {}", self.least, self.most)
        }
    }

    /// Reads a number as C's `atoi` does: what follows the digits is ignored, no digits are 0.
    pub(in crate::config) fn read(&self, text: &str, remarks: &mut Remarks) -> Result<u32, Complaint> {
        let (number, rest) = leading_number(text);
        let value = number.unwrap_or(0);
        let in_range = (self.least..=self.most).contains(&value);
        let Some(value) = u32::try_from(value).ok().filter(|_| in_range) else {
            return Err(Complaint::new(
                self.rule(),
                format!("write a number without a unit, such as {}", self.least.max(1)),
            ));
        };
        if number.is_none() || !rest.is_empty() {
            let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
            let why = if number.is_none() {
                "it starts with no digit"
            } else {
                "what follows the digits is ignored"
            };
            remarks.trap(
                format!("means {value}{unit}: {why}, as in httpd"),
                format!("write {value}, or the number that you mean"),
            );
        }
        Ok(value)
    }
}

/// The number that a text starts with, and what follows it. Saturates.
fn leading_number(text: &str) -> (Option<i64>, &str) {
    let trimmed = text.trim_start();
    let unsigned = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = unsigned.split_at_checked(digits).unwrap_or((unsigned, ""));
    if digits.is_empty() {
        return (None, text);
    }
    let value = digits.parse::<i64>().unwrap_or(i64::MAX);
    (Some(if trimmed.starts_with('-') { -value } else { value }), rest)
}

/// A time as httpd reads it: a whole number and `ms`, `s`, `mi` or `h`; `default` is the unit if none is written.
pub(in crate::config) fn duration(
    text: &str,
    default: &'static str,
    remarks: &mut Remarks,
) -> Result<Duration, Complaint> {
    let wrong = || {
        let what = format!("must be a whole number with ms, s, mi or h behind it (without: {default})");
        Complaint::new(what, "write for example 500ms or 5s")
    };
    let (Some(number), rest) = leading_number(text) else { return Err(wrong()) };
    let number = u64::try_from(number).map_err(|_| wrong())?;
    let written = rest.to_ascii_lowercase();
    let unit = if written.is_empty() { default } else { written.as_str() };
    // httpd looks at the start of the unit only.
    let (milliseconds, name, whole_names) = match unit.as_bytes() {
        [b'm', b's', ..] => (1, "ms", ["ms", "msec"]),
        [b'm', b'i', ..] => (60_000, "mi", ["mi", "min"]),
        [b's', ..] => (1000, "s", ["s", "sec"]),
        [b'h', ..] => (3_600_000, "h", ["h", "hour"]),
        _ => return Err(wrong()),
    };
    if !whole_names.contains(&unit) {
        remarks.trap(
            format!("means {number}{name}: only the start of the unit counts, as in httpd"),
            format!("write {number}{name}"),
        );
    }
    // A year is more than anybody means, and safe to add to any time.
    match number.checked_mul(milliseconds) {
        Some(total) if total <= 366 * 24 * 3_600_000 => Ok(Duration::from_millis(total)),
        _ => Err(wrong()),
    }
}

/// A time of at least a millisecond.
pub(in crate::config) fn some_time(
    text: &str,
    default: &'static str,
    remarks: &mut Remarks,
) -> Result<Duration, Complaint> {
    match duration(text, default, remarks) {
        Ok(time) if time.is_zero() => Err(Complaint::new(
            "must be at least one millisecond",
            "leave it out to have no limit of its own",
        )),
        result => result,
    }
}

/// `On` or `Off`, in letters of any size.
pub(in crate::config) fn on_off(text: &str) -> Result<bool, Complaint> {
    match text.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Complaint::new("must be On or Off", "write On or Off")),
    }
}

/// `loadfactor=`: a decimal, times 100 in floating point and cut, so that 2.3 is 2.29 as in httpd.
pub(in crate::config) fn factor(text: &str, remarks: &mut Remarks) -> Result<Factor, Complaint> {
    let trimmed = text.trim_start();
    let (number, rest) = trimmed.split_at_checked(decimal_length(trimmed)).unwrap_or((trimmed, ""));
    let factor = cut(number)
        .ok_or_else(|| Complaint::new("must be a number from 1 to 100", "write for example 1, 2.5 or 100"))?;
    let meant = number.parse::<Factor>().ok();
    if meant != Some(factor) || !rest.is_empty() {
        let remedy = match meant {
            Some(meant) if meant != factor => {
                format!("write {} to have {meant}, or {} to have {factor}", stable(meant), stable(factor))
            }
            _ => format!("write {}", stable(factor)),
        };
        remarks.trap(format!("means {factor}: httpd multiplies by 100 and cuts"), remedy);
    }
    Ok(factor)
}

/// The hundredths that httpd makes of a decimal.
fn cut(number: &str) -> Option<Factor> {
    let hundredths = (number.parse::<f64>().ok()? * 100.0).trunc();
    // Through text, which says whether it is a whole number in range.
    format!("{hundredths}").parse().ok().and_then(Factor::from_hundredths)
}

/// A text that httpd reads as this factor: a further digit helps where floating point falls short.
fn stable(factor: Factor) -> String {
    let text = factor.to_string();
    if cut(&text) == Some(factor) { text } else { format!("{text}1") }
}

/// How many bytes at the start of `text` make up a decimal number, with an exponent if there is one.
fn decimal_length(text: &str) -> usize {
    let digits = |at: usize| text.bytes().skip(at).take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with(['+', '-']));
    let whole = digits(sign);
    let mut length = sign + whole;
    let mut decimals = 0;
    if text.get(length..).is_some_and(|rest| rest.starts_with('.')) {
        decimals = digits(length + 1);
        length += 1 + decimals;
    }
    if whole + decimals == 0 {
        return 0;
    }
    let exponent = text.get(length..).unwrap_or_default();
    if exponent.starts_with(['e', 'E']) {
        let sign = usize::from(exponent.get(1..).is_some_and(|rest| rest.starts_with(['+', '-'])));
        let power = digits(length + 1 + sign);
        if power > 0 {
            length += 1 + sign + power;
        }
    }
    length
}

/// A text value as it may stand in a sentence.
pub(in crate::config) fn shown(text: &str) -> String {
    clean(text, limits::QUOTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_as_c_reads_them() {
        let seconds = Whole::from(1, "seconds");
        for (what, text, expected, traps) in [
            ("plain", "5", Some(5), 0),
            ("plus", "+5", Some(5), 0),
            ("unit", "500ms", Some(500), 1),
            ("least", "1", Some(1), 0),
            ("most", "2147483647", Some(2_147_483_647), 0),
            ("below", "0", None, 0),
            ("negative", "-5", None, 0),
            ("above", "2147483648", None, 0),
            ("overlong", "99999999999999999999999", None, 0),
            ("text", "x", None, 0),
            ("empty", "", None, 0),
        ] {
            let mut remarks = Remarks::default();
            assert_eq!(seconds.read(text, &mut remarks).ok(), expected, "{what}");
            assert_eq!(remarks.traps.len(), traps, "{what}");
        }
        let mut remarks = Remarks::default();
        assert_eq!(Whole::from(0, "seconds").read("x", &mut remarks), Ok(0));
        assert_eq!(remarks.traps[0].what, "means 0 seconds: it starts with no digit, as in httpd");
        let why = Whole { least: 0, most: 99, unit: "" }.read("100", &mut remarks).unwrap_err();
        assert_eq!(why.what, "must be a whole number from 0 to 99");
    }

    #[test]
    fn times_as_httpd_reads_them() {
        for (what, text, milliseconds, traps) in [
            ("bare", "5", Some(5000), 0),
            ("seconds", "5s", Some(5000), 0),
            ("capital", "5S", Some(5000), 0),
            ("milliseconds", "100ms", Some(100), 0),
            ("minutes", "2mi", Some(120_000), 0),
            ("minutes in full", "2min", Some(120_000), 0),
            ("hours", "1h", Some(3_600_000), 0),
            ("odd unit", "5million", Some(300_000), 1),
            ("m alone", "5m", None, 0),
            ("unknown unit", "5x", None, 0),
            ("fraction", "1.5", None, 0),
            ("negative", "-5", None, 0),
            ("text", "x", None, 0),
            ("empty", "", None, 0),
            ("a year and more", "9000h", None, 0),
            ("overflow", "99999999999999999999h", None, 0),
        ] {
            let mut remarks = Remarks::default();
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(duration(text, "s", &mut remarks).ok(), expected, "{what}");
            assert_eq!(remarks.traps.len(), traps, "{what}");
        }
        assert!(some_time("0", "s", &mut Remarks::default()).is_err());
    }

    #[test]
    fn factors_are_those_seen_in_httpd() {
        for (text, hundredths, traps) in [
            ("1", Some(100), 0),
            ("2.5", Some(250), 0),
            ("1.239", Some(123), 1),
            ("1.15", Some(114), 1),
            ("2.3", Some(229), 1),
            ("4.35", Some(434), 1),
            ("2.301", Some(230), 1),
            ("100", Some(10_000), 0),
            ("100.009", Some(10_000), 1),
            ("2x", Some(200), 1),
            ("5,5", Some(500), 1),
            (".5e1", Some(500), 1),
            ("+2", Some(200), 1),
            ("100.01", None, 0),
            ("0.999", None, 0),
            ("0", None, 0),
            ("-1", None, 0),
            ("abc", None, 0),
            ("", None, 0),
            ("nan", None, 0),
            ("inf", None, 0),
            ("1e999", None, 0),
        ] {
            let mut remarks = Remarks::default();
            let read = factor(text, &mut remarks).ok().map(Factor::hundredths);
            assert_eq!(read, hundredths, "{text}");
            assert_eq!(remarks.traps.len(), traps, "{text}");
        }
        let mut remarks = Remarks::default();
        factor("2.3", &mut remarks).unwrap();
        assert_eq!(remarks.traps[0].remedy, "write 2.301 to have 2.30, or 2.29 to have 2.29");
    }

    #[test]
    fn every_factor_has_a_text_that_httpd_reads_as_it() {
        for hundredths in 100..=9999 {
            let factor = Factor::from_hundredths(hundredths).unwrap();
            assert_eq!(cut(&stable(factor)), Some(factor));
        }
    }
}
