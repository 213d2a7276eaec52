//! How fast a member answers, and with what.
//!
//! A latency is the time to the first byte: from the beginning of the attempt (connecting included) until the head of
//! the member's answer stands. For a request with a body that took more than one write it runs from the last piece that
//! the member took, so that a slow client makes no member look slow.

use serde::{Deserialize, Serialize};

/// Percentiles of a member's latency over a span that ends now. Each is at most 6.25 % from the true value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the answers came within so many microseconds.
    pub p50_us: u64,
    /// Nine of ten answers came within so many microseconds.
    pub p90_us: u64,
    /// 99 of 100 answers came within so many microseconds.
    pub p99_us: u64,
    /// Answers in the span.
    pub samples: u64,
    /// The milliseconds that were observed; less than the whole span soon after a start or after a gap.
    pub span_ms: u64,
}

/// A member's latency over two spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Latencies {
    /// Over the last 10 seconds; none: no answer was seen in them.
    pub last_10s: Option<Latency>,
    /// Over the last 5 minutes; none: no answer was seen in them.
    pub last_5m: Option<Latency>,
}

/// A member's answers by the class of their status. Heads that come before an answer (100, 103) are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answers {
    /// 101: the connection changed to another protocol.
    #[serde(rename = "1xx")]
    pub informational: u64,
    /// 200 to 299.
    #[serde(rename = "2xx")]
    pub successful: u64,
    /// 300 to 399.
    #[serde(rename = "3xx")]
    pub redirecting: u64,
    /// 400 to 499.
    #[serde(rename = "4xx")]
    pub refused: u64,
    /// 500 to 599.
    #[serde(rename = "5xx")]
    pub erring: u64,
}

impl Answers {
    /// The names of the classes, in the order of [`Self::classes`].
    pub const NAMES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

    /// From the counts in the order of [`Self::NAMES`].
    pub fn new([informational, successful, redirecting, refused, erring]: [u64; 5]) -> Self {
        Self { informational, successful, redirecting, refused, erring }
    }

    /// The counts in the order of [`Self::NAMES`].
    pub fn classes(self) -> [u64; 5] {
        [self.informational, self.successful, self.redirecting, self.refused, self.erring]
    }

    /// All answers.
    pub fn total(self) -> u64 {
        self.classes().iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// How often a member was checked since the proxy started, by what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checks {
    /// Checks that it passed.
    pub passed: u64,
    /// Checks that it failed.
    pub failed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_stand_under_their_names() {
        let answers = Answers::new([1, 2, 3, 4, 5]);
        let json = serde_json::to_value(answers).unwrap();
        for (name, count) in Answers::NAMES.into_iter().zip(answers.classes()) {
            assert_eq!(json[name], count);
        }
        assert_eq!(answers.total(), 15);
    }
}
