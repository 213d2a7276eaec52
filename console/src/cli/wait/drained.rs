//! Waiting for the drain of a member, and for what it said at its end to hold.

use evenkeel_protocol::drain::with_why;
use evenkeel_protocol::{Flag, Span};

use super::super::output::{Output, Stop};
use super::super::patience::Asking;
use super::super::status::draining::unwatched;
use super::{Ended, Exit, Target, drain, member};
use crate::shell::quoted;

/// Until the drain of a member has ended and what it said then holds, with nothing in flight for at least `settle`.
pub(super) async fn until_drained(
    asking: &mut Asking,
    target: &Target,
    settle: Option<Span>,
    output: &mut Output<'_>,
) -> Result<Ended, Stop> {
    let snapshot = asking.snapshot(output).await?;
    let mut drains = snapshot.drains.iter().rev();
    let found = drains.find(|drain| drain.balancer == target.balancer && drain.member == target.member);
    let label = &target.label;
    let Some(found) = found else {
        let drain = asking.client.command(&format!("drain {}", quoted(label)));
        let why = format!("{label} has no drain; `{drain}` begins one");
        return Err(Stop::Failed(Exit::NotFound, why));
    };
    let now = snapshot.member(&target.balancer, &target.member);
    if now.is_some_and(|member| member.status.has(Flag::Drain) && !found.is_about(member.status)) {
        let drain = asking.client.command(&format!("drain {}", quoted(label)));
        let why = format!("{label} drains, and {}; `{drain}` begins one", unwatched(Some(found)));
        return Err(Stop::Failed(Exit::NotFound, why));
    }
    if let Some(settle) = settle.filter(|settle| found.is_running() && *settle < found.settle) {
        let own = format!("its drain itself waits until nothing is in flight for {}", found.settle);
        let drain = asking.client.command(&format!("drain {} --settle {settle}", quoted(label)));
        let how = format!("`{drain}` changes that");
        asking.note(output, &format!("{label}: {own}; {how}"));
    }
    let ended = drain::until_ended(asking, found, target, output).await?;
    let drain = drain::until_it_holds(asking, (ended, settle), target, output).await?;
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

    use evenkeel_protocol::{Busy, Drain, DrainOutcome, DrainSessions, Snapshot, Timestamp};
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
