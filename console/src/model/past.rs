//! A member's past as its graphs show it: fetched once when a screen opens, so that it opens full, and gone on with from
//! snapshots. What nobody observed is a gap.

use std::collections::{BTreeMap, VecDeque};

use evenkeel_protocol::{Event, History, HistoryQuery, Mark, MemberSnapshot, Series, Timestamp};

use crate::model::target::Target;

/// The series that are kept.
pub const SERIES: [Series; 8] = [
    Series::Elected,
    Series::Erring,
    Series::Failed,
    Series::Failovers,
    Series::Busy,
    Series::P50,
    Series::P99,
    Series::Sessions,
];

/// A longer silence between snapshots is a gap, in microseconds.
const GAP: u64 = 5_500_000;

/// The most marks that are kept.
const MARKS: usize = 200;

/// How far back a graph goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Five minutes, a second a point.
    #[default]
    Minutes,
    /// An hour, ten seconds a point.
    Hour,
}

impl Reach {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Minutes => Self::Hour,
            Self::Hour => Self::Minutes,
        }
    }

    /// What is asked of the proxy for it.
    pub fn query(self) -> HistoryQuery {
        let (points, span) = match self {
            Self::Minutes => (300, 300),
            Self::Hour => (360, 3600),
        };
        HistoryQuery { series: SERIES.to_vec(), points, span }
    }

    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Minutes => "5 min",
            Self::Hour => "60 min",
        }
    }
}

/// One member's past.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Whose.
    pub target: Target,
    /// How far it goes back.
    pub reach: Reach,
    /// What happened in that time, oldest first.
    pub marks: VecDeque<Mark>,
    from: Timestamp,
    step: u64,
    points: BTreeMap<Series, VecDeque<Option<f64>>>,
    last: Option<(Timestamp, [u64; 4])>,
}

/// The counters of the series that are rates, in the order of [`SERIES`].
fn counters(member: &MemberSnapshot) -> [u64; 4] {
    [member.elected, member.answers.erring, member.failed, member.failovers]
}

#[expect(clippy::cast_precision_loss, reason = "a graph needs no more than 52 bits")]
fn number(value: u64) -> f64 {
    value as f64
}

impl Past {
    /// As the proxy remembers it; none if it does not know the member, or no points.
    pub fn new(target: &Target, reach: Reach, history: History) -> Option<Self> {
        let known = history.members.into_iter().find(|known| known.member == target.member)?;
        let points =
            known.series.into_iter().map(|(series, points)| (series, VecDeque::from(points))).collect();
        let marks = history.marks.into_iter().filter(|mark| concerns(mark, target)).collect();
        Some(Self {
            target: target.clone(),
            reach,
            marks,
            from: history.from,
            step: history.step_ms.max(1).saturating_mul(1000),
            points,
            last: None,
        })
    }

    /// The points of a series, the newest last.
    pub fn points(&self, series: Series) -> impl DoubleEndedIterator<Item = Option<f64>> + '_ {
        self.points.get(&series).into_iter().flatten().copied()
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.points.values().map(VecDeque::len).max().unwrap_or(0)
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At which point something happened, counted from the oldest; none if it is not among them.
    pub fn place(&self, at: Timestamp) -> Option<usize> {
        let place = usize::try_from(at.0.checked_sub(self.from.0)? / self.step).ok()?;
        (place < self.len()).then_some(place)
    }

    /// Goes on with what a snapshot says. Percentiles of the last ten seconds stand for those of the moment.
    pub fn go_on(&mut self, taken: Timestamp, member: &MemberSnapshot) {
        let now = counters(member);
        let before = self.last.replace((taken, now));
        let Some(end) = taken.0.checked_sub(self.from.0).map(|past| past / self.step) else { return };
        let elapsed = before.map_or(0, |(since, _)| taken.0.saturating_sub(since.0));
        let whole = elapsed > 0 && elapsed <= GAP;
        let begin = before.filter(|_| whole).map_or(end, |(since, _)| {
            let begin = since.0.saturating_sub(self.from.0) / self.step;
            if begin < end { begin + 1 } else { end }
        });
        let rate = |at: usize| {
            let (_, before) = before.filter(|_| whole)?;
            let counted = now.get(at)?.checked_sub(*before.get(at)?)?;
            Some(number(counted) * 1_000_000.0 / number(elapsed))
        };
        let lately = member.latency.last_10s;
        for (at, series) in SERIES.into_iter().enumerate() {
            let value = match series {
                Series::Busy => member.in_flight().map(number),
                Series::Sessions => member.sessions.map(number),
                Series::P50 => lately.map(|lately| number(lately.p50_us)),
                Series::P99 => lately.map(|lately| number(lately.p99_us)),
                _ => rate(at),
            };
            self.put(series, (begin, end), value);
        }
        self.forget();
    }

    /// Gives the points from `begin` to `end` a value; of one that has one already the mean stays.
    fn put(&mut self, series: Series, (begin, end): (u64, u64), value: Option<f64>) {
        let most = self.reach.query().points;
        let points = self.points.entry(series).or_default();
        let length = points.len() as u64;
        // A clock that jumped ahead leaves nothing of what was.
        let missing = end.saturating_add(1).saturating_sub(length).min(u64::from(most) * 2);
        points.extend(std::iter::repeat_n(None, usize::try_from(missing).unwrap_or(0)));
        let Ok(begin) = usize::try_from(begin) else { return };
        for point in points.iter_mut().skip(begin) {
            *point = match (*point, value) {
                (Some(known), Some(value)) => Some(known.midpoint(value)),
                (known, value) => value.or(known),
            };
        }
    }

    /// Lets go of what is older than its reach.
    fn forget(&mut self) {
        let over = self.len().saturating_sub(self.reach.query().points as usize);
        if over == 0 {
            return;
        }
        for points in self.points.values_mut() {
            points.drain(..over.min(points.len()));
        }
        self.from = Timestamp(self.from.0.saturating_add(self.step.saturating_mul(over as u64)));
        while self.marks.front().is_some_and(|mark| mark.at < self.from) {
            self.marks.pop_front();
        }
    }

    /// Marks what an event tells, if it says anything of this member.
    pub fn mark(&mut self, event: &Event) {
        let known = self.marks.iter().any(|mark| mark.event == event.number);
        if let Some(mark) = mark(event, &self.target).filter(|_| !known) {
            self.marks.push_back(mark);
            if self.marks.len() > MARKS {
                self.marks.pop_front();
            }
        }
    }
}

fn concerns(mark: &Mark, target: &Target) -> bool {
    mark.member.as_ref().is_none_or(|member| *member == target.member)
}

/// The mark of an event about that member, its balancer or the whole proxy.
fn mark(event: &Event, target: &Target) -> Option<Mark> {
    let concerns = event.kind.about().is_none_or(|(balancer, member)| {
        *balancer == target.balancer && member.is_none_or(|member| *member == target.member)
    });
    concerns.then(|| Mark::of(event)).flatten()
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::EventKind;

    use super::*;
    use crate::model::sample;

    fn past() -> Past {
        Past::new(&sample::target("node1"), Reach::Minutes, sample::past("node1")).unwrap()
    }

    fn member(second: u64) -> MemberSnapshot {
        sample::snapshot(second).balancers[0].members[0].clone()
    }

    fn last(past: &Past, series: Series, count: usize) -> Vec<Option<f64>> {
        let points: Vec<Option<f64>> = past.points(series).collect();
        points[points.len() - count..].to_vec()
    }

    #[test]
    fn it_goes_on_with_the_rates_of_snapshots_and_lets_go_of_what_is_old() {
        let mut past = past();
        let before = past.len();
        for second in 61..=64 {
            past.go_on(sample::clock(second).wall, &member(second));
        }
        assert_eq!(past.len(), before, "as long as its reach");
        assert_eq!(last(&past, Series::Elected, 3), [Some(41.0), Some(41.0), Some(41.0)]);
        assert_eq!(last(&past, Series::Busy, 1), [Some(3.0)]);
        assert_eq!(last(&past, Series::P99, 1), [None], "nothing was measured in the sample");
    }

    #[test]
    fn silence_and_a_counter_that_falls_are_gaps() {
        let mut past = past();
        past.go_on(sample::clock(61).wall, &member(61));
        past.go_on(sample::clock(80).wall, &member(80));
        assert_eq!(last(&past, Series::Elected, 18), vec![None; 18]);
        past.go_on(sample::clock(81).wall, &member(3));
        assert_eq!(last(&past, Series::Elected, 1), [None], "it was restarted");
        past.go_on(Timestamp(0), &member(90));
        past.go_on(Timestamp(u64::MAX), &member(91));
        assert!(past.len() <= 300, "whatever the clock does");
    }

    #[test]
    fn marks_stand_where_they_happened_and_each_once() {
        let mut past = past();
        assert_eq!(
            past.marks.iter().map(|mark| past.place(mark.at)).collect::<Vec<_>>(),
            [Some(99), Some(178)]
        );
        let target = past.target.clone();
        let failed = Event {
            number: 50,
            at: sample::clock(61).wall,
            kind: EventKind::MemberFailed {
                balancer: target.balancer,
                member: target.member,
                reason: "reset".to_owned(),
            },
        };
        past.mark(&failed);
        past.mark(&failed);
        past.mark(&sample::failed_event(51));
        assert_eq!(past.marks.len(), 3, "another member's failure is none of its own");
        assert_eq!(past.place(Timestamp(0)), None);
    }
}
