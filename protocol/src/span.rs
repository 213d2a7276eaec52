//! Lengths of time as people type them: a whole number with its unit, as in `10m`, `5s` and `1500ms`.
//!
//! A number alone is refused, because no two tools agree on its unit. `0` needs none and is a word of its own, as is
//! `forever` where something may last without an end; what each means stands with the field that takes it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The units, the largest first, with the milliseconds of each.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A length of time in whole milliseconds, at most [`Span::LONGEST`]; `0` is none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Span {
    /// The longest: a year of 366 days.
    pub const LONGEST: Self = Self(366 * 86_400_000);
    /// None at all.
    pub const ZERO: Self = Self(0);
    /// What a text must be to be one.
    pub const RULE: &str =
        "must be a whole number with its unit, such as 1500ms, 5s, 10m, 2h or 1d, at most 366d; or 0";

    /// None beyond the longest.
    pub fn from_millis(milliseconds: u64) -> Option<Self> {
        (milliseconds <= Self::LONGEST.0).then_some(Self(milliseconds))
    }

    /// In milliseconds.
    pub fn millis(self) -> u64 {
        self.0
    }

    /// For a clock.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.iter().find(|(_, unit)| self.0 > 0 && self.0.is_multiple_of(*unit));
        match whole {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => f.write_str("0"),
        }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        let milliseconds = match UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, unit)) => digits.parse::<u64>().ok().and_then(|number| number.checked_mul(*unit)),
            None => (text == "0").then_some(0),
        };
        milliseconds.and_then(Self::from_millis).ok_or_else(|| Self::RULE.to_owned())
    }
}

/// How long something may take: a span, or without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Patience {
    /// So long; `0` is not at all.
    Within(Span),
    /// Without an end.
    #[default]
    Forever,
}

impl Patience {
    /// What a text must be to be one.
    pub const RULE: &str = "must be a whole number with its unit, such as 1500ms, 5s, 10m, 2h or 1d, at most 366d; or 0 or forever";

    /// The span; none: forever.
    pub fn span(self) -> Option<Span> {
        match self {
            Self::Within(span) => Some(span),
            Self::Forever => None,
        }
    }
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within(span) => span.fmt(f),
            Self::Forever => f.write_str("forever"),
        }
    }
}

impl FromStr for Patience {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "forever" {
            return Ok(Self::Forever);
        }
        text.parse().map(Self::Within).map_err(|_| Self::RULE.to_owned())
    }
}

/// Reads and writes a type as its text.
macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(Span);
as_text!(Patience);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_carry_their_units() {
        for (text, milliseconds) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("1500ms", Some(1500)),
            ("5s", Some(5_000)),
            ("10m", Some(600_000)),
            ("2h", Some(7_200_000)),
            ("366d", Some(Span::LONGEST.millis())),
            ("367d", None),
            ("5", None),
            ("", None),
            ("s", None),
            ("00", None),
            ("-5s", None),
            ("+5s", None),
            ("1.5s", None),
            ("5 s", None),
            ("5S", None),
            ("5min", None),
            ("forever", None),
            ("٥s", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(text.parse::<Span>().ok().map(Span::millis), milliseconds, "{text}");
        }
        for (milliseconds, text) in [(0, "0"), (1, "1ms"), (1_500, "1500ms"), (60_000, "1m"), (90_000, "90s")]
        {
            assert_eq!(Span(milliseconds).to_string(), text);
        }
    }

    #[test]
    fn nothing_and_forever_are_two_words() {
        assert_eq!("0".parse(), Ok(Patience::Within(Span::ZERO)));
        assert_eq!("forever".parse(), Ok(Patience::Forever));
        assert_eq!("10m".parse::<Patience>().unwrap().span().unwrap().millis(), 600_000);
        for text in ["never", "Forever", "", "10"] {
            assert_eq!(text.parse::<Patience>(), Err(Patience::RULE.to_owned()), "{text}");
        }
        assert_eq!(Patience::Forever.span(), None);
        assert!(Patience::Forever > Patience::Within(Span::LONGEST));
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_reads_back(milliseconds in 0..=Span::LONGEST.0) {
            let span = Span(milliseconds);
            proptest::prop_assert_eq!(span.to_string().parse(), Ok(span));
            let json = serde_json::to_string(&Patience::Within(span)).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<Patience>(&json).unwrap(), Patience::Within(span));
        }
    }
}
