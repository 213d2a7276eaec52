//! What `status` says of a member's drain, in a line below the member.

use std::time::Duration;

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::drain::with_why;
use evenkeel_protocol::{BalancerSnapshot, Drain, DrainOutcome, Flag, MemberSnapshot, OnTimeout, Snapshot};

use super::span;
use crate::cli::{drain, target};
use crate::shell::quoted;

/// The longest reason and sentence that are shown.
const LONGEST: usize = 400;

/// The line; none: it does not drain, or nobody can say whether that is watched.
pub(super) fn line(
    snapshot: &Snapshot,
    balancer: &BalancerSnapshot,
    member: &MemberSnapshot,
) -> Option<String> {
    let mut drains = snapshot.drains.iter().rev();
    let last = drains.find(|drain| drain.balancer == balancer.name && drain.member == member.name);
    if let Some(last) = last.filter(|drain| drain.is_about(member.status)) {
        return Some(format!("  drain {}: {}", last.number, clean(&told(last), LONGEST)));
    }
    let is_open = member.status.has(Flag::Drain) && !member.status.has(Flag::Stopped);
    // Those of an httpd run in other processes.
    if !is_open || (last.is_none() && snapshot.proxy.is_httpd()) {
        return None;
    }
    let label = target::shortest(snapshot, balancer, member);
    Some(format!("  {}; `drain {}` begins one", unwatched(last), quoted(&label)))
}

/// That no drain watches a member that drains, whose last one is `last`.
pub(in crate::cli) fn unwatched(last: Option<&Drain>) -> String {
    let ended = last.and_then(|last| Some((last.number, last.outcome?.said())));
    let ended = ended.map(|(number, said)| format!(": drain {number} has ended ({said})"));
    format!("no drain watches it{}", ended.unwrap_or_default())
}

fn told(drain: &Drain) -> String {
    let reason = drain.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    if drain.is_running() {
        let then = match drain.on_timeout {
            OnTimeout::Fail => "keep draining".to_owned(),
            other => other.to_string(),
        };
        let left = drain.left_ms.map_or_else(String::new, |left| {
            format!("; {} left, then {then}", span(Duration::from_millis(left)))
        });
        let durable = if drain.durable { "" } else { "; will not survive a restart" };
        return format!("{}{left}{durable}{reason}", drain.why);
    }
    // What it ended with was so when its time had passed.
    let is_late = !drain.outcome.is_some_and(DrainOutcome::is_reached);
    let now = match drain.used_in().as_slice() {
        // What it gets elsewhere may have begun after its end.
        _ if drain.outcome == Some(DrainOutcome::Idle) => {
            let taken = drain.still_taken();
            if drain.why.contains(&taken) { String::new() } else { taken }
        }
        _ if !is_late => String::new(),
        _ if !drain.safe_to_stop => format!("; now {}", drain.remains()),
        [] => "; it is safe to stop now".to_owned(),
        others => format!("; it is drained here now, but in use in {}", others.join(", ")),
    };
    format!("{}{now}{reason}", with_why(&drain::standing(drain), &drain::why(drain)))
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{Hello, Status};

    use super::*;
    use crate::client::scripted;
    use crate::model::sample;

    #[test]
    fn of_a_member_that_drains_unwatched_that_is_told_with_what_begins_a_drain() {
        let mut snapshot = scripted::snapshot(0);
        let mut of = |flags: &[Flag], drain: Option<Drain>| {
            snapshot.drains = drain.into_iter().collect();
            let status = flags.iter().fold(Status::default(), |status, flag| status.with(*flag, true));
            snapshot.balancers[0].members[0].status = status;
            let balancer = &snapshot.balancers[0];
            line(&snapshot, balancer, &balancer.members[0])
        };
        let ended = |outcome| Some(scripted::drain(Some(outcome)));
        let let_go = Drain { let_go: true, ..scripted::drain(Some(DrainOutcome::Idle)) };
        for (drain, how) in [
            (ended(DrainOutcome::Cancelled), ": drain 3 has ended (cancelled)"),
            (ended(DrainOutcome::Cleared), ": drain 3 has ended (cleared)"),
            (Some(let_go), ": drain 3 has ended (idle)"),
            (None, ""),
        ] {
            let wanted = format!("  no drain watches it{how}; `drain app/a` begins one");
            assert_eq!(of(&[Flag::Drain], drain.clone()), Some(wanted));
            assert_eq!(of(&[], drain.clone()), None);
            assert_eq!(of(&[Flag::Drain, Flag::Stopped], drain), None);
        }
        let told = of(&[Flag::Drain], ended(DrainOutcome::Idle)).unwrap();
        assert!(told.starts_with("  drain 3: idle: "), "{told}");
        let told = of(&[Flag::Drain, Flag::Stopped], ended(DrainOutcome::Stopped)).unwrap();
        assert!(told.starts_with("  drain 3: stopped: "), "{told}");
        snapshot.proxy.product = Hello::HTTPD.to_owned();
        snapshot.drains.clear();
        snapshot.balancers[0].members[0].status = Status::default().with(Flag::Drain, true);
        let balancer = &snapshot.balancers[0];
        assert_eq!(line(&snapshot, balancer, &balancer.members[0]), None, "nobody can say");
    }

    #[test]
    fn what_became_safe_after_its_time_is_told_and_what_is_in_use_elsewhere() {
        let mut drain = scripted::drain(Some(DrainOutcome::KeptDraining));
        drain.why =
            "when its time of 10m had passed, 2 requests were in flight; it went on draining".to_owned();
        let was = format!("not done in time: {}; ", drain.why);
        assert_eq!(told(&drain), format!("{was}now 1 request in flight"));
        drain.safe_to_stop = true;
        assert_eq!(told(&drain), format!("{was}it is safe to stop now"));
        assert!(told(&drain).ends_with("; it is safe to stop now"), "{}", told(&drain));
        drain.elsewhere = vec![sample::elsewhere("api")];
        assert!(told(&drain).ends_with("; it is drained here now, but in use in api"), "{}", told(&drain));
        (drain.safe_to_stop, drain.outcome) = (false, Some(DrainOutcome::Idle));
        assert!(
            told(&drain).ends_with("; but it still takes requests in api (drain api/node2 too)"),
            "{}",
            told(&drain)
        );
        drain.why.push_str("; but it still takes requests in api (drain api/node2 too)");
        assert_eq!(told(&drain).matches("requests in api").count(), 1, "{}", told(&drain));
    }
}
