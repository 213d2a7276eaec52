//! Looking on at a drain until it has ended, and until what it said at its end holds.
//!
//! A proxy that was started again behind a drain that had ended as safe to stop knows nothing of sessions for a whole
//! window. That is no change by anybody, so it is waited for, for as long as somebody has time.

use std::time::Duration;

use evenkeel_protocol::sentence::length;
use evenkeel_protocol::{Drain, DrainOutcome, Span, Timestamp};
use tokio::time::timeout;

use super::{Target, other_terms};
use crate::ability::Ability;
use crate::cli::Exit;
use crate::cli::output::{Output, Stop};
use crate::cli::patience::Asking;

/// Until a drain has ended and what it said then holds, within the time that it had itself; as it stood last.
pub(in crate::cli) async fn until_done(
    asking: &mut Asking,
    begun: &Drain,
    target: &Target,
    output: &mut Output<'_>,
) -> Result<Drain, Stop> {
    let (ended, left) = followed(asking, begun, target, output).await?;
    let Some(left) = left else { return until_it_holds(asking, (ended, None), target, output).await };
    let again = until_it_holds(asking, (ended.clone(), None), target, output);
    match timeout(Duration::from_millis(left), again).await {
        Ok(held) => held,
        Err(_) => Ok(asking.seen().unwrap_or(ended)),
    }
}

/// Until a drain has ended.
pub(in crate::cli) async fn until_ended(
    asking: &mut Asking,
    begun: &Drain,
    target: &Target,
    output: &mut Output<'_>,
) -> Result<Drain, Stop> {
    followed(asking, begun, target, output).await.map(|(ended, _)| ended)
}

/// Until a drain has ended; and the milliseconds that were left of its time when it was last seen to run.
async fn followed(
    asking: &mut Asking,
    begun: &Drain,
    target: &Target,
    output: &mut Output<'_>,
) -> Result<(Drain, Option<u64>), Stop> {
    let mut known = begun.clone();
    loop {
        let drain = look(asking, begun, target, output).await?;
        if let Some(advice) = &drain.advice {
            asking.advise(output, &target.label, advice);
        }
        if !drain.is_running() {
            return Ok((drain, known.left_ms));
        }
        if let Some(others) = other_terms(&known, &drain) {
            asking.note(output, &format!("{}: {others}", target.label));
        }
        known.clone_from(&drain);
        asking.tell(output, (&target.label, drain.phase.name()), &progress(&drain));
    }
}

/// Looks on at a drain that has ended until what it said then [`holds`], with nothing in flight for at least `settle`;
/// or until it cannot come to hold, because the member does not drain any more, or a later drain of it says what holds.
pub(in crate::cli) async fn until_it_holds(
    asking: &mut Asking,
    (ended, settle): (Drain, Option<Span>),
    target: &Target,
    output: &mut Output<'_>,
) -> Result<Drain, Stop> {
    let mut drain = ended;
    while !holds(&drain, settle) && drains_on(&drain) {
        let text = lacking(&drain, settle, asking);
        asking.tell(output, (&target.label, "again"), &text);
        drain = look(asking, &drain, target, output).await?;
    }
    Ok(drain)
}

/// Does the member drain still, as it did when the drain ended, and does no later one watch it?
pub(in crate::cli) fn drains_on(drain: &Drain) -> bool {
    drain.draining == Some(true) && !drain.let_go && drain.later.is_none()
}

/// Does what a drain said when it ended hold now, with nothing in flight for at least `settle`? Of one that did not reach
/// what it waited for there is nothing to hold.
pub(in crate::cli) fn holds(drain: &Drain, settle: Option<Span>) -> bool {
    let is_quiet = settle.is_none_or(|settle| drain.quiet_ms.unwrap_or(0) >= settle.millis());
    match drain.outcome {
        Some(DrainOutcome::SafeToStop) => drain.safe_to_stop && is_quiet,
        Some(DrainOutcome::Idle) => is_quiet,
        // Whoever was enabled since neither drains on nor is stopped.
        Some(DrainOutcome::KeptDraining | DrainOutcome::Stopped | DrainOutcome::Cut) => {
            drain.draining != Some(false)
        }
        _ => true,
    }
}

/// What a drain that has ended is waited for once more.
fn lacking(drain: &Drain, settle: Option<Span>, asking: &Asking) -> String {
    if !holds(drain, None) {
        let until = unknown_until(drain).map(|at| format!(" until {}", asking.clock(at)));
        let now = drain.remains() + &until.unwrap_or_default();
        return format!("was safe to stop; waiting until that is certain again: now {now}");
    }
    let settle = length(settle.unwrap_or_default().duration());
    let quiet = drain.quiet_ms.map(|quiet| length(Duration::from_secs(quiet / 1000)));
    let lacks = quiet.map_or_else(
        || format!("nothing must be in flight for {settle}: now {}", drain.remains()),
        |quiet| format!("nothing has been in flight for {quiet} of {settle}"),
    );
    format!("its drain has ended, and {lacks}")
}

/// Until when nothing is known of sessions at its process; none: it is known, or not when.
fn unknown_until(drain: &Drain) -> Option<Timestamp> {
    let others = drain.elsewhere.iter().map(|it| it.sessions.unknown_until);
    others.chain([drain.sessions.unknown_until]).flatten().max()
}

/// The same drain as it stands now.
async fn look(
    asking: &mut Asking,
    begun: &Drain,
    target: &Target,
    output: &mut Output<'_>,
) -> Result<Drain, Stop> {
    let number = begun.number;
    let drain = asking.ask(output, |client| async move { client.drain(number).await }).await;
    match drain {
        // A proxy that keeps nothing gives numbers anew.
        Ok(drain) if drain.began == begun.began && drain.member == begun.member => {
            asking.saw(&drain);
            Ok(drain)
        }
        Ok(_) | Err(Stop::Missing(_)) => {
            let why = match asking.client.lacks(Ability::Jobs) {
                None => "the proxy was restarted and keeps no edits, or so many others have ended since",
                Some(_) => "this command watches too many others",
            };
            let why = format!(
                "drain {number} of {} is no longer known: {why}; look at `{}`",
                target.label,
                asking.client.command("status")
            );
            Err(Stop::Failed(Exit::Failed, why))
        }
        Err(stop) => Err(stop),
    }
}

/// What a drain that runs waits for, and what is known of how long.
fn progress(drain: &Drain) -> String {
    let left = drain.left_ms.map_or_else(String::new, |left| format!("; {} left", in_seconds(left)));
    let estimate = drain.estimate_ms.filter(|_| drain.busy.total() > 0 || drain.sessions.live.is_some());
    let estimate = estimate.map_or_else(String::new, |more| format!(", perhaps {} more", in_seconds(more)));
    format!("{}{estimate}{left}", drain.why)
}

/// A time that is left, in whole seconds: what has begun is not over.
pub(super) fn in_seconds(millis: u64) -> String {
    length(Duration::from_secs(millis.div_ceil(1000)))
}
