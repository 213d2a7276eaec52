//! Health checks: how a member is checked, and what was found. httpd's words (`mod_proxy_hcheck`) and ranges.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::foreign::Foreign;
use crate::timestamp::Timestamp;

/// `hcmethod=`: what is done to see whether a member is well. In JSON its name: `"GET11"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CheckMethod {
    /// Nothing: it is not checked.
    #[default]
    None,
    /// A connection is opened.
    Tcp,
    /// `OPTIONS *` over HTTP/1.0.
    Options,
    /// HEAD over HTTP/1.0.
    Head,
    /// GET over HTTP/1.0; the body is read to its end.
    Get,
    /// As [`Self::Options`], over HTTP/1.1.
    Options11,
    /// As [`Self::Head`], over HTTP/1.1.
    Head11,
    /// As [`Self::Get`], over HTTP/1.1.
    Get11,
}

impl CheckMethod {
    /// What a text must be to be a method.
    pub const RULE: &str = "must be NONE, TCP, OPTIONS, HEAD, GET, OPTIONS11, HEAD11 or GET11";

    /// All methods, in the order in which httpd's manager page offers them.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Tcp,
        Self::Options,
        Self::Head,
        Self::Get,
        Self::Options11,
        Self::Head11,
        Self::Get11,
    ];

    /// Its name in the configuration and on the manager page.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Tcp => "TCP",
            Self::Options => "OPTIONS",
            Self::Head => "HEAD",
            Self::Get => "GET",
            Self::Options11 => "OPTIONS11",
            Self::Head11 => "HEAD11",
            Self::Get11 => "GET11",
        }
    }

    /// The method of its request; none if it sends none.
    pub fn request(self) -> Option<&'static str> {
        match self {
            Self::None | Self::Tcp => None,
            Self::Options | Self::Options11 => Some("OPTIONS"),
            Self::Head | Self::Head11 => Some("HEAD"),
            Self::Get | Self::Get11 => Some("GET"),
        }
    }

    /// Is its request one of HTTP/1.1?
    pub fn is_http_1_1(self) -> bool {
        matches!(self, Self::Options11 | Self::Head11 | Self::Get11)
    }
}

impl fmt::Display for CheckMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CheckMethod {
    type Err = String;

    /// In letters of any size.
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|method| method.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| Self::RULE.to_owned())
    }
}

impl Serialize for CheckMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for CheckMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// `hcinterval=`: the time from the end of a check to the next one, 100 ms to 366 days. In JSON milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CheckInterval(u64);

impl CheckInterval {
    /// What a number or text must be to be an interval.
    pub const RULE: &str =
        "must be a whole number of milliseconds, at least 100, or a time such as 500ms or 30s";

    const LONGEST: u64 = 366 * 24 * 3_600_000;

    /// From milliseconds; none outside of the range.
    pub fn from_millis(milliseconds: u64) -> Option<Self> {
        (100..=Self::LONGEST).contains(&milliseconds).then_some(Self(milliseconds))
    }

    /// In milliseconds.
    pub fn millis(self) -> u64 {
        self.0
    }

    /// As a time.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// As people write it, in full: `30s`. Minutes are written as seconds, for httpd's word for them is `mi`.
    pub fn written(self) -> String {
        const UNITS: [(&str, u64); 2] = [("h", 3_600_000), ("s", 1_000)];
        let whole = UNITS.iter().find(|(_, unit)| self.0.is_multiple_of(*unit));
        whole.map_or_else(|| self.to_string(), |(name, unit)| format!("{}{name}", self.0 / unit))
    }
}

impl Default for CheckInterval {
    /// httpd's: 30 seconds.
    fn default() -> Self {
        Self(30_000)
    }
}

impl fmt::Display for CheckInterval {
    /// As the manager page has it: `30000ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

impl FromStr for CheckInterval {
    type Err = String;

    /// A whole number with `ms`, `s`, `mi` or `h` behind it; without a unit milliseconds, as in httpd's form.
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).unwrap_or_default();
        let milliseconds = match unit.to_ascii_lowercase().as_str() {
            "" | "ms" => 1,
            "s" => 1000,
            "mi" | "min" => 60_000,
            "h" => 3_600_000,
            _ => return Err(Self::RULE.to_owned()),
        };
        let total = number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
        total.and_then(Self::from_millis).ok_or_else(|| Self::RULE.to_owned())
    }
}

impl<'de> Deserialize<'de> for CheckInterval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let milliseconds = u64::deserialize(deserializer)?;
        Self::from_millis(milliseconds).ok_or_else(|| serde::de::Error::custom(Self::RULE))
    }
}

/// `hcpasses=` or `hcfails=` in an edit: how many checks in a row count, 1 to 2147483647 as in httpd's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CheckCount(u32);

impl CheckCount {
    /// What a number must be to be a count.
    pub const RULE: &str = "must be a whole number from 1 to 2147483647";

    /// None outside of the range.
    pub fn new(number: u32) -> Option<Self> {
        (1..=i32::MAX.unsigned_abs()).contains(&number).then_some(Self(number))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for CheckCount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok().and_then(Self::new)).flatten().ok_or_else(|| Self::RULE.to_owned())
    }
}

impl<'de> Deserialize<'de> for CheckCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer).ok().and_then(Self::new);
        number.ok_or_else(|| serde::de::Error::custom(Self::RULE))
    }
}

/// Declares a short text of visible characters, which may be empty.
macro_rules! short_text {
    ($(#[$about:meta])* $name:ident, $longest:literal) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The longest, in characters (httpd's limit).
            pub const LONGEST: usize = $longest;

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Is there none?
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                if let Some(c) = text.chars().find(|c| !c.is_ascii_graphic()) {
                    return Err(format!("contains U+{:04X}; it takes visible ASCII characters", u32::from(c)));
                }
                if text.len() > Self::LONGEST {
                    return Err(format!("is longer than {} characters", Self::LONGEST));
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

short_text! {
    /// `hcuri=`: what a check asks for, behind the path of the member's URL; empty: that path alone.
    ///
    /// httpd takes blanks and bytes beyond ASCII too, and then sends a request line that is none.
    CheckUri, 63
}

short_text! {
    /// The name of a `ProxyHCExpr`; empty: none, the status decides.
    ExpressionName, 15
}

/// How a member is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// `hcmethod=`.
    pub method: CheckMethod,
    /// `hcinterval=`.
    pub interval: CheckInterval,
    /// `hcpasses=`: how many passes in a row make a failed member well; 0 is as 1.
    pub passes: u32,
    /// `hcfails=`: how many fails in a row make a member fail; 0 is as 1.
    pub fails: u32,
    /// `hcuri=`.
    pub uri: CheckUri,
    /// `hcexpr=`.
    pub expression: ExpressionName,
    /// `hctimeout=`, an extension: how long a whole check may take; none: as long as the member's time-outs for a
    /// connection and an answer allow.
    pub timeout: Option<Duration>,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            method: CheckMethod::None,
            interval: CheckInterval::default(),
            passes: 1,
            fails: 1,
            uri: CheckUri::default(),
            expression: ExpressionName::default(),
            timeout: None,
        }
    }
}

impl HealthCheck {
    /// Is anything done at all?
    pub fn is_on(&self) -> bool {
        self.method != CheckMethod::None
    }

    /// Is a request sent, so that there is an answer to look at?
    pub fn asks(&self) -> bool {
        self.method.request().is_some()
    }
}

/// How a member is checked, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HealthSnapshot {
    /// What is done.
    pub method: CheckMethod,
    /// What an httpd does that Evenkeel does not; then `method` says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_method: Option<Foreign>,
    /// Milliseconds from the end of a check to the next one.
    pub interval: CheckInterval,
    /// How many passes in a row are wanted of a member that failed.
    pub passes: u32,
    /// How many passes in a row there were since; back at 0 when they were enough.
    pub passed: u32,
    /// How many fails in a row make a member fail.
    pub fails: u32,
    /// How many fails in a row there were; back at 0 when they were enough.
    pub failed: u32,
    /// What is asked for; may be empty.
    pub uri: CheckUri,
    /// The expression that decides; may be empty.
    pub expression: ExpressionName,
    /// Milliseconds that a check may take, if it has a limit of its own.
    pub timeout: Option<u64>,
    /// The last check; none if there was none yet.
    pub last: Option<CheckNote>,
}

impl HealthSnapshot {
    /// Is anything done at all?
    pub fn is_on(&self) -> bool {
        self.foreign_method.is_some() || self.method != CheckMethod::None
    }

    /// The name of what is done, whoever does it.
    pub fn method_name(&self) -> &str {
        self.foreign_method.as_ref().map_or(self.method.name(), Foreign::as_str)
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckNote {
    /// Did the member pass?
    pub passed: bool,
    /// Why, in a sentence.
    pub reason: String,
    /// When it ended.
    pub at: Timestamp,
    /// Microseconds that it took.
    pub took: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_httpds() {
        for method in CheckMethod::ALL {
            assert_eq!(method.name().to_lowercase().parse(), Ok(method));
            assert_eq!(method.name().ends_with("11"), method.is_http_1_1());
        }
        for text in ["", "CPING", "PROVIDER", "GET 11", "GETS"] {
            assert_eq!(text.parse::<CheckMethod>(), Err(CheckMethod::RULE.to_owned()), "{text}");
        }
    }

    #[test]
    fn intervals_have_units_and_a_range() {
        for (text, milliseconds) in [
            ("100", Some(100)),
            ("99", None),
            ("0", None),
            ("30s", Some(30_000)),
            ("2MI", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("500ms", Some(500)),
            ("5", None),
            ("5x", None),
            ("", None),
            ("s", None),
            ("-5s", None),
            ("1.5s", None),
            ("99999999999999999999h", None),
            ("8784h", Some(CheckInterval::LONGEST)),
            ("8785h", None),
        ] {
            assert_eq!(text.parse::<CheckInterval>().ok().map(CheckInterval::millis), milliseconds, "{text}");
        }
        assert_eq!(CheckInterval::default().to_string(), "30000ms");
        for (milliseconds, text) in [
            (30_000, "30s"),
            (90_000, "90s"),
            (60_000, "60s"),
            (7_200_000, "2h"),
            (1_500, "1500ms"),
            (100, "100ms"),
        ] {
            let interval = CheckInterval::from_millis(milliseconds).unwrap();
            assert_eq!((interval.written().as_str(), interval.written().parse()), (text, Ok(interval)));
        }
        assert!(serde_json::from_str::<CheckInterval>("99").is_err());
    }

    #[test]
    fn counts_texts_and_names_are_bounded() {
        for (text, good) in
            [("1", true), ("2147483647", true), ("0", false), ("2147483648", false), ("x", false)]
        {
            assert_eq!(text.parse::<CheckCount>().is_ok(), good, "{text}");
            assert_eq!(serde_json::from_str::<CheckCount>(text).is_ok(), good, "{text}");
        }
        for (text, good) in [("", true), ("/h?x=y", true), ("/a b", false), ("/\u{7}", false), ("/é", false)]
        {
            assert_eq!(text.parse::<CheckUri>().is_ok(), good, "{text}");
        }
        assert!("x".repeat(63).parse::<CheckUri>().is_ok() && "x".repeat(64).parse::<CheckUri>().is_err());
        assert!("x".repeat(15).parse::<ExpressionName>().is_ok());
        assert!("x".repeat(16).parse::<ExpressionName>().is_err());
    }
}
