//! Waiting for a member that can be used, is not in error, and has passed its last check.

use evenkeel_protocol::{ErrorNote, Flag, Hello, MemberSnapshot, Span, Timestamp};
use tokio::time::timeout;

use super::super::output::{Output, Stop};
use super::super::patience::Asking;
use super::super::retry::next_try;
use super::{Ended, Exit, ONE_LOOK, Target, member};

/// Why a member is in error, if it is.
fn error_of(member: &MemberSnapshot) -> Option<&ErrorNote> {
    member.error.as_ref().filter(|_| member.status.has(Flag::Error))
}

/// What keeps a member from being healthy; none: it is. `since`: a check counts only if it ended later.
fn ailment(member: &MemberSnapshot, proxy: &Hello, since: Option<Timestamp>) -> Option<String> {
    if let Some(error) = error_of(member) {
        return Some(format!("it is in error: {}", error.reason));
    }
    if member.health.is_on() && proxy.tells("health.last") {
        match &member.health.last {
            Some(last) if since.is_none_or(|since| last.at > since) => {
                if !last.passed {
                    return Some(format!("it failed its last health check: {}", last.reason));
                }
            }
            _ => return Some("it was not checked yet".to_owned()),
        }
    }
    if member.status.has(Flag::HealthFail) {
        return Some("it has not passed enough health checks yet".to_owned());
    }
    (!member.usable).then(|| format!("it cannot be used: {}", member.words))
}

pub(super) async fn until_healthy(
    asking: &mut Asking,
    target: &Target,
    since: Option<Timestamp>,
    output: &mut Output<'_>,
) -> Result<Ended, Stop> {
    loop {
        let snapshot = asking.snapshot(output).await?;
        let member = member(&snapshot, target)?;
        let Some(ailment) = ailment(member, &snapshot.proxy, since) else {
            let why = format!("healthy: {}", member.words);
            return Ok(Ended { exit: Exit::Done, why, drain: None });
        };
        let next = error_of(member).map(|error| format!("; {}", next_try(error, snapshot.taken)));
        let text = format!("{ailment}{}", next.unwrap_or_default());
        asking.tell(output, (&target.label, &ailment), &text);
    }
}

/// Waits until a member is healthy as of a moment after `since`; else what it ails from when the time has passed.
pub(in crate::cli) async fn healthy_within(
    asking: &mut Asking,
    (target, since): (&Target, Timestamp),
    within: Span,
    output: &mut Output<'_>,
) -> Result<Result<(), String>, Stop> {
    let waiting = until_healthy(asking, target, Some(since), output);
    match timeout(within.duration().max(ONE_LOOK), waiting).await {
        Ok(ended) => ended.map(|_| Ok(())),
        Err(_) => Ok(Err(asking.last().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::scripted;

    #[test]
    fn a_check_of_before_makes_nobody_healthy() {
        let mut member = scripted::snapshot(0).balancers[0].members[0].clone();
        assert_eq!(ailment(&member, &scripted::hello(), Some(Timestamp(5))), None, "nobody checks it");
        let health = |passed: bool| {
            json!({"method": "GET", "interval": 30_000, "passes": 1, "passed": 0, "fails": 1,
            "failed": 0, "uri": "", "expression": "", "timeout": null,
            "last": {"passed": passed, "reason": "answered 500", "at": 5, "took": 1}})
        };
        member.health = serde_json::from_value(health(true)).unwrap();
        assert_eq!(ailment(&member, &scripted::hello(), None), None);
        assert_eq!(ailment(&member, &scripted::hello(), Some(Timestamp(4))), None);
        assert!(
            ailment(&member, &scripted::hello(), Some(Timestamp(5))).unwrap().contains("not checked yet")
        );
        member.health = serde_json::from_value(health(false)).unwrap();
        assert!(ailment(&member, &scripted::hello(), None).unwrap().contains("answered 500"));
        assert!(
            ailment(&scripted::snapshot(0).balancers[0].members[1], &scripted::hello(), None)
                .unwrap()
                .contains("in error")
        );
    }
}
