//! How often the proxy is asked for its state.

use std::fmt;
use std::time::Duration;

use evenkeel_protocol::Span;

/// The paces that keys go through, in milliseconds, the fastest first.
const STEPS: [u64; 7] = [100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace(Duration);

impl Default for Pace {
    fn default() -> Self {
        Self(Duration::from_secs(1))
    }
}

impl Pace {
    /// What a text must be to be one.
    pub const RULE: &str = "must be from 100ms to 10s";

    /// Once in each `period`.
    pub fn period(self) -> Duration {
        self.0
    }

    /// The next one that is faster, or slower; none: there is none.
    pub fn step(self, faster: bool) -> Option<Self> {
        let mut steps = STEPS.into_iter().map(Duration::from_millis);
        let step =
            if faster { steps.rev().find(|step| *step < self.0) } else { steps.find(|step| *step > self.0) };
        step.map(Self)
    }

    /// Reads it as it is typed: `500ms`, `2s`.
    ///
    /// Errors: it is no length of time, or out of bounds.
    pub fn parse(text: &str) -> Result<Self, String> {
        let [Some(fastest), Some(slowest)] = [STEPS.first(), STEPS.last()] else {
            return Err(Self::RULE.to_owned());
        };
        let time = text.parse::<Span>()?.duration();
        let bounds = Duration::from_millis(*fastest)..=Duration::from_millis(*slowest);
        if bounds.contains(&time) { Ok(Self(time)) } else { Err(Self::RULE.to_owned()) }
    }
}

impl fmt::Display for Pace {
    /// `500 ms`, `2 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            millis if millis % 1000 == 0 => write!(f, "{} s", millis / 1000),
            millis => write!(f, "{millis} ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_from_a_tenth_of_a_second_to_ten_and_stop_there() {
        let mut pace = Pace::default();
        let mut said = vec![pace.to_string()];
        while let Some(faster) = pace.step(true) {
            pace = faster;
            said.push(pace.to_string());
        }
        assert_eq!(said, ["1 s", "500 ms", "200 ms", "100 ms"]);
        let slower = std::iter::successors(Some(pace), |pace| pace.step(false));
        assert_eq!(slower.last().map(Pace::period), Some(Duration::from_secs(10)));
    }

    #[test]
    fn any_time_within_the_bounds_is_one() {
        let pace = Pace::parse("1500ms").unwrap();
        assert_eq!(
            (pace.to_string().as_str(), pace.step(true).unwrap().to_string().as_str()),
            ("1500 ms", "1 s")
        );
        for wrong in ["99ms", "11s", "5", "x", ""] {
            assert!(Pace::parse(wrong).is_err(), "{wrong}");
        }
    }
}
