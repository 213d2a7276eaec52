//! A member's status as a shape, words and a role: three signs for one thing, so that none is needed.

use evenkeel_protocol::{BalancerSnapshot, Flag, MemberSnapshot};
use ratatui::text::Span;

use super::{Scene, words};
use crate::model::health::{Grade, Health};
use crate::model::history::Rate;
use crate::theme::Role;

/// The shape and the role of a class.
pub(super) fn shape(health: Health) -> (char, Role) {
    match health {
        Health::Ok => ('●', Role::Good),
        Health::Standby | Health::Spare => ('○', Role::Good),
        Health::Draining => ('◐', Role::Warning),
        Health::Disabled | Health::Unready => ('×', Role::Warning),
        Health::Stopped => ('■', Role::Warning),
        Health::Error | Health::CheckFailed => ('▲', Role::Alarm),
    }
}

/// The shape and the role of a member at a rate: a reserve that serves now looks like any other that serves.
pub(super) fn shape_at(health: Health, now: Option<Rate>) -> (char, Role) {
    let serves = now.is_some_and(|rate| rate.0 > 0);
    match health {
        Health::Standby | Health::Spare if serves => shape(Health::Ok),
        health => shape(health),
    }
}

/// The shape, the role and the word of a roll-up.
pub(super) fn grade(grade: Grade) -> (char, Role, &'static str) {
    match grade {
        Grade::Good => ('●', Role::Good, grade.word()),
        Grade::Degraded => ('◐', Role::Warning, grade.word()),
        Grade::Bad => ('▲', Role::Alarm, grade.word()),
    }
}

/// The highest 99th percentile of any member in the last ten seconds, in microseconds.
pub(super) fn worst_p99(balancer: &BalancerSnapshot) -> Option<u64> {
    balancer.members.iter().filter_map(|member| Some(member.latency.last_10s?.p99_us)).max()
}

/// Answers of 500 to 599 a second: faint where there are none, loud where there are.
pub(super) fn erring(scene: Scene<'_>, rate: Option<Rate>) -> Span<'static> {
    let role = match rate {
        Some(Rate(rate)) if rate > 0 => Role::Alarm,
        _ => Role::Faint,
    };
    scene.span(role, words::rate(rate))
}

/// What marks a member whose edit is on its way.
pub(super) const PENDING: char = '…';

/// The words of the manager page for the list: without `Init`, which nearly every member has.
pub(super) fn words(member: &MemberSnapshot) -> &str {
    if member.status.has(Flag::Initialised) {
        member.words.strip_prefix("Init ").unwrap_or(&member.words)
    } else {
        &member.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_different_worth_have_different_shapes() {
        let mut shapes: Vec<char> = Health::ALL.into_iter().map(|health| shape(health).0).collect();
        shapes.sort_unstable();
        shapes.dedup();
        assert_eq!(shapes.len(), 6);
        assert_ne!(shape(Health::Ok).0, shape(Health::Draining).0);
    }

    #[test]
    fn a_reserve_is_filled_while_it_serves() {
        for (health, rate, wanted) in [
            (Health::Standby, None, '○'),
            (Health::Standby, Some(0), '○'),
            (Health::Standby, Some(500), '●'),
            (Health::Spare, Some(500), '●'),
            (Health::Draining, Some(500), '◐'),
            (Health::Error, Some(500), '▲'),
        ] {
            assert_eq!(shape_at(health, rate.map(Rate)).0, wanted, "{health:?} {rate:?}");
        }
    }
}
