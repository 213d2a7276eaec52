//! What is answered to who asks for the past: points of equal length up to now, and marks.

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_protocol::{
    BalancerName, Code, Event, History, HistoryQuery, Mark, MemberHistory, MemberName, Refusal,
};

use super::past::{COARSE_STEP, FINE, Grain, Past};
use crate::registry::Registry;
use crate::{clock, limits};

/// Points on the axis of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grid {
    /// The second before the first one that is covered.
    from: i64,
    /// Seconds of a point.
    step: u32,
    points: u32,
    grain: Grain,
}

impl Grid {
    /// Points that end with the second `last` or contain it. They stand where they stand: a second later most are the
    /// same.
    fn new(query: &HistoryQuery, last: u64) -> Self {
        let HistoryQuery { points, span, .. } = *query;
        let (points, span) = (points.max(1), span.max(1));
        let fine = span.div_ceil(points);
        let (step, grain) = if u64::from(span) <= FINE {
            (fine, Grain::Fine)
        } else {
            let step = u64::from(fine).next_multiple_of(COARSE_STEP);
            (u32::try_from(step).unwrap_or(u32::MAX), Grain::Coarse)
        };
        let points = span.div_ceil(step);
        // A point begins with a second that is a multiple of the step, as coarse cells do.
        let end = (last / u64::from(step) + 1) * u64::from(step) - 1;
        let covered = i64::from(points) * i64::from(step);
        Self { from: i64::try_from(end).unwrap_or(i64::MAX) - covered, step, points, grain }
    }

    /// The seconds after the first up to and with the second of each pair; none before the proxy began.
    fn spans(&self) -> impl Iterator<Item = Option<(u64, u64)>> + use<> {
        let Self { from, step, points, .. } = *self;
        let start = move |point: u32| from + i64::from(point) * i64::from(step);
        (0..points).map(move |point| {
            let to = u64::try_from(start(point + 1)).ok()?;
            Some((u64::try_from(start(point)).unwrap_or(0), to))
        })
    }
}

/// The past of one member of a balancer, or of all.
///
/// # Errors
///
/// There is no such balancer or member, or too much is asked for at once.
pub(crate) fn view(
    registry: &Registry,
    name: &BalancerName,
    selector: Option<&str>,
    query: &HistoryQuery,
) -> Result<History, Refusal> {
    let balancer = registry.find(name)?;
    let only = selector.map(|selector| balancer.resolve(selector)).transpose()?;
    let axis = registry.axis();
    let grid = Grid::new(query, axis.last());
    let chosen = || {
        let members = balancer.addresses().iter().zip(balancer.records());
        members.filter(|(address, _)| only.as_ref().is_none_or(|only| address.name == *only))
    };
    let numbers = chosen().count() * query.series.len() * grid.points as usize;
    if numbers > limits::HISTORY_POINTS {
        let why = format!(
            "these are {numbers} points; ask for fewer members, series or points, at most {} together",
            limits::HISTORY_POINTS
        );
        return Err(Refusal::field(Code::Invalid, "points", why));
    }
    let members = chosen().enumerate().map(|(count, (address, record))| {
        if count % 16 == 15 {
            std::thread::yield_now();
        }
        MemberHistory { member: address.name.clone(), series: points(&record.past(), query, grid) }
    });
    let members = members.collect();
    let taken = clock::wall();
    let age = i64::try_from(axis.age()).unwrap_or(i64::MAX);
    let ago = age.saturating_sub(grid.from.saturating_mul(1_000_000));
    let from = taken.minus(Duration::from_micros(u64::try_from(ago).unwrap_or(0)));
    let told = |event: &Event| mark(event, name, only.as_ref());
    let (marks, marks_from) = registry.events().recent(from, limits::HISTORY_MARKS, told);
    let step_ms = u64::from(grid.step) * 1000;
    Ok(History { balancer: name.clone(), taken, from, step_ms, members, marks, marks_from })
}

fn points(
    past: &Past,
    query: &HistoryQuery,
    grid: Grid,
) -> BTreeMap<evenkeel_protocol::Series, Vec<Option<f64>>> {
    let of = |series| grid.spans().map(|span| past.point(series, span?, grid.grain)).collect();
    query.series.iter().map(|series| (*series, of(*series))).collect()
}

/// The mark of an event, if it may explain what that balancer, or that member of it, did.
fn mark(event: &Event, of: &BalancerName, only: Option<&MemberName>) -> Option<Mark> {
    let is_meant = event.kind.about().is_none_or(|(balancer, member)| {
        balancer == of && (member.is_none() || only.is_none() || member == only)
    });
    is_meant.then(|| Mark::of(event)).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn points_stand_still_while_time_goes_on() {
        for (points, span, last, from, step, count, grain) in [
            (60, 300, 299, -1, 5, 60, Grain::Fine),
            (60, 300, 300, 4, 5, 60, Grain::Fine),
            (60, 300, 304, 4, 5, 60, Grain::Fine),
            (60, 60, 1000, 940, 1, 60, Grain::Fine),
            (3600, 60, 1000, 940, 1, 60, Grain::Fine),
            (60, 3600, 7201, 3659, 60, 60, Grain::Coarse),
            (60, 301, 609, 299, 10, 31, Grain::Coarse),
            (7, 3600, 5000, 1559, 520, 7, Grain::Coarse),
        ] {
            let query = HistoryQuery { points, span, ..HistoryQuery::default() };
            let grid = Grid { from, step, points: count, grain };
            assert_eq!(Grid::new(&query, last), grid, "{points} points of {span} s at {last}");
        }
    }

    proptest! {
        #[test]
        fn points_cover_what_is_asked_for_and_now(points in 1u32..=3600, span in 1u32..=3600, last in 0u64..1 << 40) {
            let grid = Grid::new(&HistoryQuery { points, span, ..HistoryQuery::default() }, last);
            let to = grid.from + i64::from(grid.points) * i64::from(grid.step);
            prop_assert!(grid.points >= 1 && grid.points <= points);
            prop_assert!(grid.points * grid.step >= span);
            let last = i64::try_from(last).unwrap();
            prop_assert!(to >= last && to - i64::from(grid.step) < last);
            let spans: Vec<_> = grid.spans().flatten().collect();
            prop_assert!(spans.iter().all(|(from, to)| from < to || *to == 0));
        }
    }
}
