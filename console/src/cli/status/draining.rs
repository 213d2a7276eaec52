//! What `status` says of a member's drain, in a line below the member.

use std::time::Duration;

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::drain::with_why;
use evenkeel_protocol::{BalancerName, Drain, DrainOutcome, Flag, MemberSnapshot, OnTimeout, Snapshot};

use super::span;
use crate::cli::drain;

/// The longest reason and sentence that are shown.
const LONGEST: usize = 400;

/// The line; none: it does not drain, or nobody has begun a drain.
pub(super) fn line(snapshot: &Snapshot, balancer: &BalancerName, member: &MemberSnapshot) -> Option<String> {
    let mut drains = snapshot.drains.iter().rev();
    let of = |drain: &&Drain| drain.balancer == *balancer && drain.member == member.name;
    let last = drains.find(of).filter(|drain| drain.is_running() || member.status.has(Flag::Drain))?;
    Some(format!("  drain {}: {}", last.number, clean(&told(last), LONGEST)))
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
    // It may have become so after its time had passed.
    let is_late = drain.safe_to_stop && !drain.outcome.is_some_and(DrainOutcome::is_reached);
    let now = match drain.used_in().as_slice() {
        // What it gets elsewhere may have begun after its end.
        _ if drain.outcome == Some(DrainOutcome::Idle) => {
            let taken = drain.still_taken();
            if drain.why.contains(&taken) { String::new() } else { taken }
        }
        _ if !is_late => String::new(),
        [] => "; it is safe to stop now".to_owned(),
        others => format!("; it is drained here now, but in use in {}", others.join(", ")),
    };
    format!("{}{now}{reason}", with_why(&drain::standing(drain), &drain::why(drain)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::scripted;
    use crate::model::sample;

    #[test]
    fn what_became_safe_after_its_time_is_told_and_what_is_in_use_elsewhere() {
        let mut drain = scripted::drain(Some(DrainOutcome::KeptDraining));
        drain.safe_to_stop = true;
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
