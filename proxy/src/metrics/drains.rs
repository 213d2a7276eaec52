//! Drains: how many run, and what of their time is left.

use evenkeel_protocol::{Drain, DrainOutcome, DrainPhase};

use super::number;
use super::text::{Kind, Labels, Text};

/// Those that run, and how many of them the disk refuses; and those whose deadline has passed while their members go on
/// draining.
pub(super) fn of_drains((drains, refused): (&[Drain], &[u64]), text: &mut Text) {
    let name = "evenkeel_drains";
    text.family(name, Kind::Gauge, "Drains that run, by phase.");
    for phase in DrainPhase::ALL.iter().filter(|phase| **phase != DrainPhase::Done) {
        let there = drains.iter().filter(|drain| drain.phase == *phase).count();
        text.sample(name, &Labels::default(), &[("phase", phase.name())], number(there as u64));
    }
    let name = "evenkeel_drains_undurable";
    let help = "Drains that run and that a restart would not know, because the disk refuses them.";
    text.family(name, Kind::Gauge, help);
    text.sample(name, &Labels::default(), &[], number(refused.len() as u64));
    let labels = |drain: &Drain| {
        Labels::new(&[("balancer", drain.balancer.as_str()), ("member", drain.member.as_str())])
    };
    let name = "evenkeel_drain_deadline_seconds";
    text.family(name, Kind::Gauge, "Seconds to the deadline of a drain that runs; absent where it has none.");
    for (drain, left) in drains.iter().filter_map(|drain| Some((drain, drain.left_ms?))) {
        text.sample(name, &labels(drain), &[], number(left) / 1e3);
    }
    let name = "evenkeel_drain_late";
    text.family(name, Kind::Gauge, "Whether the deadline has passed while the member goes on draining.");
    // Of each member the last one says what holds.
    for drain in drains.iter().filter(|drain| drain.draining == Some(true) && drain.later.is_none()) {
        text.sample(name, &labels(drain), &[], f64::from(is_late(drain)));
    }
}

fn is_late(drain: &Drain) -> bool {
    drain.outcome == Some(DrainOutcome::KeptDraining) || (drain.is_running() && drain.left_ms == Some(0))
}
