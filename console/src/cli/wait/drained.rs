//! Waiting for the drain of a member, and for what it said at its end to hold. Where its deadline has come first, what
//! counts is how the member stands now.

use evenkeel_protocol::drain::with_why;
use evenkeel_protocol::{Drain, DrainOutcome, DrainUntil, Flag, Span};

use super::super::output::{Output, Stop};
use super::super::patience::Asking;
use super::super::status::draining::unwatched;
use super::{Ended, Exit, Target, drain, member};
use crate::shell::quoted;

/// Until the last drain of a member has ended and what it said then holds, with nothing in flight for at least `settle`.
pub(super) async fn until_drained(
    asking: &mut Asking,
    target: &Target,
    settle: Option<Span>,
    output: &mut Output<'_>,
) -> Result<Ended, Stop> {
    let mut found = last(asking, target, output).await?;
    loop {
        note_settle(asking, (&found, settle), target, output);
        let ended = drain::until_ended(asking, &found, target, output).await?;
        let is_late = counts_as_of_now(&ended, found.is_running());
        let drain = if is_late {
            until_it_comes(asking, (ended, settle), target, output).await?
        } else {
            drain::until_it_holds(asking, (ended, settle), target, output).await?
        };
        let Some(later) = drain.later else {
            if is_late {
                return Ok(now(drain, settle));
            }
            return then(asking, (drain, settle), target, output).await;
        };
        let how = drain.outcome.map(DrainOutcome::said).unwrap_or_default();
        let ended = format!("drain {} has ended ({how}), and drain {later} has begun", drain.number);
        asking.note(output, &format!("{}: {ended}: that one is waited for", target.label));
        found = last(asking, target, output).await?;
    }
}

/// The last drain of a member.
///
/// # Errors
///
/// It has none, or drains without one.
async fn last(asking: &mut Asking, target: &Target, output: &mut Output<'_>) -> Result<Drain, Stop> {
    let snapshot = asking.snapshot(output).await?;
    let mut drains = snapshot.drains.iter().rev();
    let found = drains.find(|drain| drain.balancer == target.balancer && drain.member == target.member);
    let label = &target.label;
    let begins = asking.client.command(&format!("drain {}", quoted(label)));
    let Some(found) = found else {
        let why = format!("{label} has no drain; `{begins}` begins one");
        return Err(Stop::Failed(Exit::NotFound, why));
    };
    let now = snapshot.member(&target.balancer, &target.member);
    if now.is_some_and(|member| member.status.has(Flag::Drain) && !found.is_about(member.status)) {
        let why = format!("{label} drains, and {}; `{begins}` begins one", unwatched(Some(found)));
        return Err(Stop::Failed(Exit::NotFound, why));
    }
    Ok(found.clone())
}

fn note_settle(
    asking: &mut Asking,
    (found, settle): (&Drain, Option<Span>),
    target: &Target,
    output: &mut Output<'_>,
) {
    let Some(settle) = settle.filter(|settle| found.is_running() && *settle < found.settle) else { return };
    let label = &target.label;
    let own = format!("its drain itself waits until nothing is in flight for {}", found.settle);
    let drain = asking.client.command(&format!("drain {} --settle {settle}", quoted(label)));
    asking.note(output, &format!("{label}: {own}; `{drain}` changes that"));
}

/// Does the end of a drain leave open whether its member is drained? Who has looked on until its time was over, and has
/// it drain on then, has the answer.
fn counts_as_of_now(ended: &Drain, looked_on: bool) -> bool {
    match ended.outcome {
        Some(DrainOutcome::Stopped | DrainOutcome::Cut) => true,
        Some(DrainOutcome::KeptDraining) => !looked_on,
        _ => false,
    }
}

/// Looks on at a member whose drain's deadline has passed until what that drain waited for [has come](has_come) all the
/// same; or until it cannot come any more, because somebody has it take requests, or a later drain says what holds.
async fn until_it_comes(
    asking: &mut Asking,
    (ended, settle): (Drain, Option<Span>),
    target: &Target,
    output: &mut Output<'_>,
) -> Result<Drain, Stop> {
    let mut drain = ended;
    while !has_come(&drain, settle) && drain.later.is_none() {
        let text = format!("{}; now {}", by_deadline(&drain), drain.remains());
        asking.tell(output, (&target.label, "late"), &text);
        let snapshot = asking.snapshot(output).await?;
        let status = member(&snapshot, target)?.status;
        let number = drain.number;
        let Some(seen) = snapshot.drains.iter().find(|drain| drain.number == number) else {
            let why = format!("drain {number} of {} is no longer known", target.label);
            return Err(Stop::Failed(Exit::Failed, why));
        };
        drain.clone_from(seen);
        asking.saw(&drain);
        if !drain.is_about(status) {
            break;
        }
    }
    Ok(drain)
}

/// Is what a drain waited for there now, with nothing in flight for at least `settle`?
fn has_come(drain: &Drain, settle: Option<Span>) -> bool {
    let least = settle.unwrap_or_default().max(drain.settle);
    let is_quiet = drain.quiet_ms.is_some_and(|quiet| quiet >= least.millis());
    drain::drains_on(drain) && is_quiet && (drain.safe_to_stop || drain.until == DrainUntil::Idle)
}

/// What its deadline has done.
fn by_deadline(drain: &Drain) -> String {
    format!("it {}", drain.outcome.and_then(DrainOutcome::came_of_deadline).unwrap_or("drains on"))
}

/// How a member stands now whose drain's deadline has passed.
fn now(drain: Drain, settle: Option<Span>) -> Ended {
    if !has_come(&drain, settle) {
        let now = if drain::drains_on(&drain) {
            "no longer stopped (S was cleared)".to_owned()
        } else {
            drain.remains()
        };
        let why = format!("now {now}; then: {}", drain.why);
        return Ended {
            exit: Exit::Stale,
            why: with_why(&drain::standing(&drain), &why),
            drain: Some(drain),
        };
    }
    let (outcome, sessions) = if drain.safe_to_stop {
        (DrainOutcome::SafeToStop, "")
    } else {
        (DrainOutcome::Idle, "; of its sessions nothing is promised")
    };
    let standing = drain::standing(&Drain { outcome: Some(outcome), ..drain.clone() });
    let taken = drain.still_taken();
    let why = format!("{standing}: {}; nothing is in flight now{sessions}{taken}", by_deadline(&drain));
    Ended { exit: Exit::Done, why, drain: Some(drain) }
}

/// How a drain has ended, if that holds.
async fn then(
    asking: &mut Asking,
    (drain, settle): (Drain, Option<Span>),
    target: &Target,
    output: &mut Output<'_>,
) -> Result<Ended, Stop> {
    let (exit, why) = if drain::holds(&drain, settle) {
        let longer = settle.filter(|settle| *settle > drain.settle && drain::exit(&drain) == Exit::Done);
        let quiet = longer.map(|settle| format!("; and nothing was in flight for {settle}"));
        (drain::exit(&drain), drain::why(&drain) + &quiet.unwrap_or_default())
    } else {
        // Who is gone cannot drain, and that is told as everywhere.
        member(&asking.snapshot(output).await?, target)?;
        (Exit::Stale, format!("now {}; then: {}", drain.remains(), drain.why))
    };
    let why = with_why(&drain::standing(&drain), &why);
    Ok(Ended { exit, why, drain: Some(drain) })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use evenkeel_protocol::{Busy, DrainSessions, SessionsKnown, Snapshot, Timestamp};
    use serde_json::json;

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    /// A proxy whose drain has ended, and at each look is as `looks` has it: quiet for so many milliseconds, safe to stop,
    /// draining. The last one stays.
    fn ended(outcome: DrainOutcome, looks: &'static [(u64, bool, bool)]) -> Scripted {
        let asked = AtomicUsize::new(0);
        let as_of = move |look: usize| {
            let (quiet, safe_to_stop, draining) = looks[look.min(looks.len() - 1)];
            let mut drain = scripted::drain(Some(outcome));
            (drain.quiet_ms, drain.safe_to_stop, drain.draining) =
                (Some(quiet), safe_to_stop, Some(draining));
            drain.busy = Busy::default();
            drain.sessions = DrainSessions { unknown_until: Some(Timestamp(0)), ..DrainSessions::UNKNOWN };
            drain
        };
        Scripted::start(move |request| match request.target.as_str() {
            "/v1/drains/3" => Act::json(&as_of(asked.fetch_add(1, Ordering::Relaxed))),
            _ => Act::json(&Snapshot { drains: vec![as_of(0)], ..scripted::snapshot(0) }),
        })
    }

    #[tokio::test]
    async fn what_was_safe_to_stop_is_waited_for_again_after_a_restart() {
        const AGAIN: (u64, bool, bool) = (9_000, false, true);
        use DrainOutcome::{Idle, SafeToStop, Stopped};
        for (what, proxy, line, exit, says) in [
            (
                "a window",
                ended(SafeToStop, &[AGAIN, AGAIN, AGAIN, (9_000, true, true)]),
                "",
                Exit::Done,
                "safe to stop: ",
            ),
            (
                "no time for that",
                ended(SafeToStop, &[AGAIN]),
                " --timeout 0",
                Exit::TimedOut,
                "not within 0: was safe to stop; waiting until that is certain again: now nothing in flight, and \
                 sessions unknown until 00:00:00",
            ),
            (
                "cleared",
                ended(SafeToStop, &[AGAIN, AGAIN, (9_000, false, false)]),
                "",
                Exit::Stale,
                "was safe to stop, and may not be now: now no longer draining (N was cleared); then: ",
            ),
            (
                "enabled since its deadline has stopped it",
                ended(Stopped, &[(0, false, false)]),
                "",
                Exit::Stale,
                "stopped: now no longer draining (N was cleared); then: ",
            ),
            (
                "longer",
                ended(Idle, &[(5_000, false, true), (9_000, false, true)]),
                " --settle 9s",
                Exit::Done,
                "idle: 1 request is in flight; and nothing was in flight for 9s",
            ),
            (
                "not so long",
                ended(Idle, &[(5_000, false, true)]),
                " --settle 9s --timeout 0",
                Exit::TimedOut,
                "not within 0: its drain has ended, and nothing has been in flight for 5 s of 9 s",
            ),
            ("shorter", ended(Idle, &[(5_000, false, true)]), " --settle 1s", Exit::Done, "idle: "),
        ] {
            let mut scene = Scene::of(&proxy);
            assert_eq!(
                scene.run(&format!("wait app/a drained{line}")).await,
                exit,
                "{what}: {}",
                scene.err()
            );
            assert!(scene.out().starts_with(&format!("app/a: {says}")), "{what}: {}", scene.out());
        }
    }

    /// A proxy whose drain's deadline has come, and that answers the looks at it one after the other so: what is in flight,
    /// is it safe to stop, the flags of its member, which drain is later. The last one stays.
    fn late(
        outcome: DrainOutcome,
        until: DrainUntil,
        looks: &'static [(u64, bool, &'static [Flag], Option<u64>)],
    ) -> Scripted {
        let asked = AtomicUsize::new(0);
        Scripted::start(move |request| {
            let (requests, safe_to_stop, flags, later) =
                looks[(asked.fetch_add(1, Ordering::Relaxed) / 2).min(looks.len() - 1)];
            let mut drain = scripted::drain(Some(outcome));
            (drain.until, drain.safe_to_stop, drain.later) = (until, safe_to_stop, later);
            drain.quiet_ms = (requests == 0).then_some(9_000);
            drain.busy.requests = requests;
            drain.sessions.known = SessionsKnown::Observed;
            drain.draining = Some(flags.contains(&Flag::Drain));
            if request.target == "/v1/drains/3" {
                return Act::json(&drain);
            }
            let mut snapshot = scripted::snapshot(0);
            let member = &mut snapshot.balancers[0].members[0];
            member.status = flags.iter().fold(member.status, |status, flag| status.with(*flag, true));
            if request.target == "/v1/drains/4" {
                return Act::json(&Drain { number: 4, ..scripted::drain(Some(DrainOutcome::Idle)) });
            }
            let next = later.map(|number| Drain { number, ..scripted::drain(Some(DrainOutcome::Idle)) });
            Act::json(&Snapshot { drains: std::iter::once(drain).chain(next).collect(), ..snapshot })
        })
    }

    #[tokio::test]
    async fn where_the_deadline_came_first_it_goes_by_how_the_member_stands_now() {
        use DrainOutcome::{Cut, KeptDraining, Stopped};
        use DrainUntil::{Idle, NoSessions};
        const STOPS: &[Flag] = &[Flag::Drain, Flag::Stopped];
        const DRAINS: &[Flag] = &[Flag::Drain];
        let stopped = "it was stopped at the deadline of its drain; ";
        let safe = format!("app/a: safe to stop: {stopped}nothing is in flight now\n");
        let idle =
            format!("app/a: idle: {stopped}nothing is in flight now; of its sessions nothing is promised\n");
        let busy = format!("app/a: not within 300ms: {stopped}now 1 request in flight\n");
        let sessions = format!("app/a: not within 300ms: {stopped}now nothing in flight, ");
        for (what, proxy, line, exit, says) in [
            ("safe", late(Stopped, NoSessions, &[(0, true, STOPS, None)]), "", Exit::Done, safe.as_str()),
            (
                "not yet",
                late(
                    Stopped,
                    Idle,
                    &[(1, false, STOPS, None), (1, false, STOPS, None), (0, true, STOPS, None)],
                ),
                "",
                Exit::Done,
                &safe,
            ),
            ("idle", late(Stopped, Idle, &[(0, false, STOPS, None)]), "", Exit::Done, &idle),
            (
                "never",
                late(Stopped, Idle, &[(1, false, STOPS, None)]),
                " --timeout 300ms",
                Exit::TimedOut,
                &busy,
            ),
            (
                "sessions",
                late(Stopped, NoSessions, &[(0, false, STOPS, None)]),
                " --timeout 300ms",
                Exit::TimedOut,
                &sessions,
            ),
            (
                "cut",
                late(Cut, Idle, &[(0, true, STOPS, None)]),
                "",
                Exit::Done,
                "app/a: safe to stop: it was ",
            ),
            (
                "kept",
                late(KeptDraining, Idle, &[(1, false, DRAINS, None), (0, true, DRAINS, None)]),
                "",
                Exit::Done,
                "app/a: safe to stop: it drains on, for the deadline of its drain has passed; nothing is in",
            ),
            (
                "enabled",
                late(Stopped, NoSessions, &[(1, false, STOPS, None), (1, false, DRAINS, None)]),
                "",
                Exit::Stale,
                "app/a: stopped: now no longer stopped (S was cleared); then: ",
            ),
            (
                "drained anew",
                late(Stopped, NoSessions, &[(1, false, STOPS, None), (1, false, DRAINS, Some(4))]),
                "",
                Exit::Done,
                "app/a: idle: ",
            ),
        ] {
            let mut scene = Scene::of(&proxy);
            let ended = scene.run(&format!("wait app/a drained{line}")).await;
            assert_eq!(ended, exit, "{what}: {} {}", scene.out(), scene.err());
            assert!(scene.out().starts_with(says), "{what}: {}", scene.out());
            let turns = "app/a: drain 3 has ended (stopped), and drain 4 has begun: that one is waited for\n";
            assert_eq!(scene.err().contains(turns), what == "drained anew", "{what}: {}", scene.err());
        }
    }

    #[tokio::test]
    async fn who_looked_on_until_the_time_of_a_drain_was_over_and_has_it_drain_on_has_the_answer() {
        let asked = AtomicUsize::new(0);
        let proxy = Scripted::start(move |request| match request.target.as_str() {
            "/v1/drains/3" if asked.fetch_add(1, Ordering::Relaxed) > 0 => {
                Act::json(&scripted::drain(Some(DrainOutcome::KeptDraining)))
            }
            "/v1/drains/3" => Act::json(&scripted::drain(None)),
            _ => Act::json(&Snapshot { drains: vec![scripted::drain(None)], ..scripted::snapshot(0) }),
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("wait app/a drained").await, Exit::TimedOut, "{}", scene.err());
        assert!(scene.out().starts_with("app/a: not done in time: "), "{}", scene.out());
    }

    #[tokio::test]
    async fn a_drain_that_ended_before_the_member_was_made_to_drain_again_is_not_told_as_that() {
        for (outcome, let_go) in
            [(DrainOutcome::Cancelled, false), (DrainOutcome::Cleared, true), (DrainOutcome::Idle, true)]
        {
            let proxy = Scripted::start(move |request| {
                let drain = Drain { let_go, ..scripted::drain(Some(outcome)) };
                let mut snapshot = scripted::snapshot(0);
                let member = &mut snapshot.balancers[0].members[0];
                member.status = member.status.with(Flag::Drain, true);
                match request.target.as_str() {
                    "/v1/drains/3" => Act::json(&drain),
                    _ => Act::json(&Snapshot { drains: vec![drain], ..snapshot }),
                }
            });
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run("wait app/a drained").await, Exit::NotFound, "{outcome}: {}", scene.out());
            let says = format!(
                "app/a drains, and no drain watches it: drain 3 has ended ({outcome}); `evenkeel drain app/a` begins one"
            );
            assert!(scene.err().contains(&says), "{}", scene.err());
        }
    }

    #[tokio::test]
    async fn who_looks_once_is_given_the_drain_as_it_stands() {
        let proxy = Scripted::start(|request| match request.target.as_str() {
            "/v1/drains/3" => Act::json(&scripted::drain(None)),
            _ => Act::json(&Snapshot { drains: vec![scripted::drain(None)], ..scripted::snapshot(0) }),
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("wait app/a drained --timeout 0 --json").await, Exit::TimedOut);
        let report: serde_json::Value = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!((&report["holds"], &report["drain"]["number"]), (&json!(false), &json!(3)), "{report}");
    }

    #[tokio::test]
    async fn a_settle_time_that_the_drain_does_not_take_is_told() {
        let proxy = Scripted::start(|request| match request.target.as_str() {
            "/v1/drains/3" => {
                Act::json(&Drain { quiet_ms: Some(5_000), ..scripted::drain(Some(DrainOutcome::Idle)) })
            }
            _ => Act::json(&Snapshot { drains: vec![scripted::drain(None)], ..scripted::snapshot(0) }),
        });
        let mut scene = Scene::of(&proxy);
        let told = "app/a: its drain itself waits until nothing is in flight for 5s; `evenkeel drain app/a --settle 1s` \
                    changes that\n";
        for (line, says) in [(" --settle 1s", told), (" --settle 1s -q", ""), ("", "")] {
            assert_eq!(scene.run(&format!("wait app/a drained{line}")).await, Exit::Done, "{}", scene.err());
            assert_eq!(scene.err(), says, "{line}");
        }
    }
}
