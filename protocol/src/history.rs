//! What the proxy remembers of the last hour, so that a console opens full: a second a point for five minutes, ten
//! seconds a point for an hour. What was not observed is a gap, never a zero.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clean::clean;
use crate::mark::Mark;
use crate::name::{BalancerName, MemberName};
use crate::refusal::{Code, Refusal};
use crate::timestamp::Timestamp;

/// One number of a member over time. In JSON and in queries its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Series {
    /// Elections a second.
    Elected,
    /// Answers a second.
    Served,
    /// Tries a second that ended without an answer of the member.
    Failed,
    /// Requests a second that went elsewhere after a try here.
    Failovers,
    /// Answers a second with a status of 400 to 499.
    #[serde(rename = "4xx")]
    Refused,
    /// Answers a second with a status of 500 to 599.
    #[serde(rename = "5xx")]
    Erring,
    /// Requests in flight.
    Busy,
    /// Bytes a second sent to the member.
    To,
    /// Bytes a second read from the member.
    From,
    /// Microseconds within which half of the answers came.
    P50,
    /// Microseconds within which nine of ten answers came.
    P90,
    /// Microseconds within which 99 of 100 answers came.
    P99,
    /// Live sessions of the member's route; unknown where nobody counts them.
    Sessions,
}

/// What a point that covers some time says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// The mean over the time that was observed.
    Mean,
    /// The highest value that was observed.
    Highest,
}

impl Series {
    /// What a text must be to name a series.
    pub const RULE: &str = "must be elected, served, failed, failovers, 4xx, 5xx, busy, to, from, p50, p90, p99 or \
        sessions, several with commas between them";

    /// All series, in the order in which people read them.
    pub const ALL: [Self; 13] = [
        Self::Elected,
        Self::Served,
        Self::Failed,
        Self::Failovers,
        Self::Refused,
        Self::Erring,
        Self::Busy,
        Self::To,
        Self::From,
        Self::P50,
        Self::P90,
        Self::P99,
        Self::Sessions,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elected => "elected",
            Self::Served => "served",
            Self::Failed => "failed",
            Self::Failovers => "failovers",
            Self::Refused => "4xx",
            Self::Erring => "5xx",
            Self::Busy => "busy",
            Self::To => "to",
            Self::From => "from",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::Sessions => "sessions",
        }
    }

    /// The unit of its points; empty for a plain number.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Busy | Self::Sessions => "",
            Self::To | Self::From => "B/s",
            Self::P50 | Self::P90 | Self::P99 => "us",
            _ => "/s",
        }
    }

    /// What a point of it says of its time.
    pub fn fold(self) -> Fold {
        match self {
            Self::Busy | Self::Sessions | Self::P50 | Self::P90 | Self::P99 => Fold::Highest,
            _ => Fold::Mean,
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Series {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|series| series.name() == text);
        found.ok_or_else(|| Self::RULE.to_owned())
    }
}

/// What is asked of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Which series, without repetition; at least one.
    pub series: Vec<Series>,
    /// The most points of a series, 1 to 3600.
    pub points: u32,
    /// The seconds that they cover, up to now: 1 to 3600.
    pub span: u32,
}

impl Default for HistoryQuery {
    /// Elections of the last five minutes in 60 points.
    fn default() -> Self {
        Self { series: vec![Series::Elected], points: 60, span: 300 }
    }
}

impl HistoryQuery {
    /// The longest span, in seconds.
    pub const LONGEST: u32 = 3600;

    /// The query of a URL.
    pub fn query(&self) -> String {
        let names: Vec<&str> = self.series.iter().map(|series| series.name()).collect();
        format!("series={}&points={}&span={}", names.join(","), self.points, self.span)
    }

    /// Reads the query of a URL; what is left out is as in [`Self::default`].
    ///
    /// # Errors
    ///
    /// Which parameter is wrong, and what it must be.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let mut asked = Self::default();
        let mut seen = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let refuse = |message: &str| {
                let key = clean(key, 40);
                Refusal::field(Code::Invalid, &key, format!("{key}: {message}"))
            };
            if seen.contains(&key) {
                return Err(refuse("stands there twice"));
            }
            seen.push(key);
            match key {
                "series" => asked.series = parse_series(value).map_err(|why| refuse(&why))?,
                "points" => asked.points = number(value).map_err(|why| refuse(&why))?,
                "span" => asked.span = number(value).map_err(|why| refuse(&why))?,
                _ => return Err(refuse("is no parameter of the history; those are series, points and span")),
            }
        }
        Ok(asked)
    }
}

/// Names with commas between them; one that stands there twice counts once.
///
/// # Errors
///
/// What they must be.
pub fn parse_series(text: &str) -> Result<Vec<Series>, String> {
    let mut series = Vec::new();
    for name in text.split(',') {
        let one: Series = name.trim().parse()?;
        if !series.contains(&one) {
            series.push(one);
        }
    }
    Ok(series)
}

fn number(text: &str) -> Result<u32, String> {
    let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number
        .filter(|number| (1..=HistoryQuery::LONGEST).contains(number))
        .ok_or_else(|| format!("must be a whole number from 1 to {}", HistoryQuery::LONGEST))
}

/// The past of one member, or of all members of a balancer. All series have the same points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The balancer.
    pub balancer: BalancerName,
    /// When it was taken.
    pub taken: Timestamp,
    /// When the first point begins. A clock that was set meanwhile moves all points with it.
    pub from: Timestamp,
    /// The time that each point covers, in milliseconds. The last point is not over yet.
    pub step_ms: u64,
    /// Each member that was asked for, in configuration order.
    pub members: Vec<MemberHistory>,
    /// What happened in that time, oldest first.
    pub marks: Vec<Mark>,
    /// From then on no mark is missing; what came before may be forgotten.
    pub marks_from: Timestamp,
}

/// The past of one member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberHistory {
    /// The member.
    pub member: MemberName,
    /// The points of each series, oldest first; null where nothing was observed, and for percentiles also where
    /// nothing was answered.
    pub series: BTreeMap<Series, Vec<Option<f64>>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_series_read_back_everywhere() {
        for series in Series::ALL {
            assert_eq!(series.name().parse(), Ok(series));
            assert_eq!(serde_json::to_string(&series).unwrap(), format!("\"{series}\""));
            assert!(Series::RULE.contains(series.name()));
        }
    }

    #[test]
    fn a_query_reads_back_and_what_is_left_out_has_a_default() {
        let query = HistoryQuery { series: vec![Series::Busy, Series::Erring], points: 7, span: 3600 };
        assert_eq!(HistoryQuery::parse(&query.query()), Ok(query));
        assert_eq!(HistoryQuery::parse(""), Ok(HistoryQuery::default()));
        assert_eq!(HistoryQuery::parse("series=busy,busy").unwrap().series, [Series::Busy]);
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        for (query, field) in [
            ("points=0", "points"),
            ("points=3601", "points"),
            ("span=+5", "span"),
            ("span=", "span"),
            ("span=99999999999999999999", "span"),
            ("series=", "series"),
            ("series=busy,", "series"),
            ("series=BUSY", "series"),
            ("span=1&span=1", "span"),
            ("since=1", "since"),
        ] {
            let refusal = HistoryQuery::parse(query).unwrap_err();
            assert_eq!((refusal.code, refusal.field.as_deref()), (Code::Invalid, Some(field)), "{query}");
        }
    }
}
