//! `wait`: looks on until a member is healthy, idle or drained, and changes nothing.

mod attended;
mod quiet;

use std::str::FromStr;

use clap::Args;
use evenkeel_protocol::drain::with_why;
use evenkeel_protocol::process::still_taken;
use evenkeel_protocol::{
    Drain, DrainOrder, ErrorNote, Flag, Hello, MemberSnapshot, Patience, Places, Snapshot, Span, Timestamp,
};
use serde::Serialize;
use tokio::time::timeout;

use super::drain::{self, Target};
use super::output::{Output, Stop, even_unread};
use super::patience::{Asking, Interrupt};
use super::retry::next_try;
use super::{Exit, Session, complete, elsewhere};
use crate::ability::Ability;
use crate::lost;
use crate::shell::quoted;
use quiet::Quiet;

pub(super) const HELP: &str = "\
Examples:
  evenkeel wait app/node1 healthy --timeout 2m
  evenkeel wait app/node1 idle --settle 10s
  evenkeel wait app/node1 drained       how its drain ends, or how the last one ended

healthy: it can be used, is not in error, and passed its last health check if it has any. Ends with 7 when the time \
passes first. idle: no request is in flight for the settle time, in whatever balancer its process (the same host and port, or the same \
socket) is a member; of sessions nothing is said; 8 tells that \
an httpd was restarted with requests in flight, which its page does not count any more. drained: what its drain \
waits for has come. Where that was safe to stop and the proxy was started again since, it is not known to be so for a \
whole window, and is waited for again; 8 tells that somebody has ended the drain, or cleared N. An httpd runs no drains, \
so there it is a member with N that is idle, and 8 tells that N was cleared meanwhile.";

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Healthy,
    Idle,
    Drained,
}

impl Condition {
    const ALL: [(&str, Self); 3] =
        [("healthy", Self::Healthy), ("idle", Self::Idle), ("drained", Self::Drained)];

    fn names() -> Vec<String> {
        Self::ALL.map(|(name, _)| name.to_owned()).to_vec()
    }
}

impl FromStr for Condition {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, condition)| condition).ok_or("must be healthy, idle or drained")
    }
}

/// What can be typed behind `wait`.
#[derive(Debug, Args)]
pub struct WaitArguments {
    /// The member: BALANCER/MEMBER or MEMBER, by route, host:port or URL
    #[arg(add = complete::members())]
    pub(super) selector: String,
    /// healthy, idle or drained
    #[arg(value_name = "healthy|idle|drained", add = complete::choices(Condition::names))]
    condition: Condition,
    /// How long to wait; 0: one look is enough
    #[arg(long, value_name = "TIME", default_value = "forever")]
    timeout: Patience,
    /// How long nothing must be in flight, in one piece [default: 5s; for drained that of its drain, which a shorter one
    /// does not change]
    #[arg(long, value_name = "TIME")]
    settle: Option<Span>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print nothing but errors
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

/// How a wait ended.
struct Ended {
    exit: Exit,
    /// In a sentence.
    why: String,
    drain: Option<Drain>,
}

/// The result as JSON. Fields are only ever added; `version` changes if that rule is broken.
#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    balancer: &'a str,
    member: &'a str,
    holds: bool,
    why: &'a str,
    drain: Option<&'a Drain>,
}

pub(super) async fn run(arguments: &WaitArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let mut asking = Asking::of(session, arguments.quiet).await?;
    let snapshot = asking.client.snapshot().await?;
    let target = Target::find(&snapshot, &arguments.selector)?;
    if arguments.condition != Condition::Healthy {
        elsewhere::note(&mut asking, (&snapshot, &target), &mut session.output);
    }
    let mut interrupt = Interrupt::listen();
    let output = &mut session.output;
    let settle = arguments.settle.or(Span::from_millis(DrainOrder::SETTLE_MILLIS)).unwrap_or_default();
    let waiting = async {
        match arguments.condition {
            Condition::Healthy => until_healthy(&mut asking, &target, None, output).await,
            Condition::Idle => until_idle(&mut asking, &target, settle, output).await,
            Condition::Drained if asking.client.lacks(Ability::Jobs).is_some() => {
                attended::until_drained(&mut asking, &target, settle, output).await
            }
            Condition::Drained => until_drained(&mut asking, &target, arguments.settle, output).await,
        }
    };
    let bounded = async {
        match arguments.timeout {
            Patience::Forever => Ok(waiting.await),
            // One look is granted in any case.
            Patience::Within(span) => timeout(span.duration().max(ONE_LOOK), waiting).await,
        }
    };
    let outcome = tokio::select! {
        outcome = bounded => outcome,
        () = interrupt.comes() => {
            asking.end_line(&mut session.output);
            session.output.message("interrupted: nobody waits any more; nothing else has changed");
            return Ok(Exit::Interrupted);
        }
    };
    asking.end_line(&mut session.output);
    let late = match arguments.condition {
        Condition::Healthy => Exit::Unhealthy,
        Condition::Idle | Condition::Drained => Exit::TimedOut,
    };
    let ended = outcome.unwrap_or_else(|_| {
        let why = format!("not within {}: {}", arguments.timeout, asking.last());
        Ok(Ended { exit: late, why, drain: asking.seen() })
    })?;
    told(&target, &ended, arguments, session)
}

/// The least time that a look is given.
const ONE_LOOK: std::time::Duration = std::time::Duration::from_millis(300);

fn told(
    target: &Target,
    ended: &Ended,
    arguments: &WaitArguments,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let output = &mut session.output;
    if arguments.json {
        let written = output.json(&Report {
            version: 1,
            balancer: target.balancer.as_str(),
            member: target.member.as_str(),
            holds: ended.exit == Exit::Done,
            why: &ended.why,
            drain: ended.drain.as_ref(),
        });
        even_unread(written)?;
    } else if !arguments.quiet {
        even_unread(output.result(&format!("{}: {}", target.label, ended.why)))?;
    }
    Ok(ended.exit)
}

/// The member in a snapshot, which may have been taken away meanwhile; of several servers in turn nobody can
/// say how it is.
fn member<'a>(snapshot: &'a Snapshot, target: &Target) -> Result<&'a MemberSnapshot, Stop> {
    places(snapshot, target).map(|places| places.own)
}

/// The same, with the others of its process.
fn places<'a>(snapshot: &'a Snapshot, target: &Target) -> Result<Places<'a>, Stop> {
    if snapshot.alternating {
        let why = snapshot.warnings.first().cloned().unwrap_or_default();
        return Err(Stop::Failed(Exit::ReadOnly, why));
    }
    let found = snapshot.places(&target.balancer, &target.member);
    found.ok_or_else(|| Stop::Failed(Exit::NotFound, format!("{} is no longer configured", target.label)))
}

/// Why a member is in error, if it is.
fn error_of(member: &MemberSnapshot) -> Option<&ErrorNote> {
    member.error.as_ref().filter(|_| member.status.has(Flag::Error))
}

/// How many requests are in flight at its process.
///
/// # Errors
///
/// Nobody can say that.
fn in_flight(places: &Places<'_>) -> Result<u64, Stop> {
    places.in_flight().ok_or_else(|| Stop::Failed(Exit::Unable, lost::UNREADABLE.to_owned()))
}

/// What keeps a member from being healthy; none: it is. `since`: a check counts only if it ended later.
pub(super) fn ailment(member: &MemberSnapshot, proxy: &Hello, since: Option<Timestamp>) -> Option<String> {
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

async fn until_healthy(
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
pub(super) async fn healthy_within(
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

/// That nothing was in flight for the settle time, or at the one look that was enough.
fn nothing_for(settle: Span) -> String {
    if settle == Span::ZERO {
        return "no request is in flight".to_owned();
    }
    format!("no request was in flight for {settle}")
}

/// Whether its sessions may come back: the rest of a sentence.
fn returning(member: &MemberSnapshot) -> &'static str {
    if member.status.has(Flag::Stopped) {
        "; it is stopped (S), so no session comes back to it"
    } else if member.status.has(Flag::Disabled) {
        "; it is disabled (D), so no session comes back to it"
    } else {
        "; sessions may come back"
    }
}

async fn until_idle(
    asking: &mut Asking,
    target: &Target,
    settle: Span,
    output: &mut Output<'_>,
) -> Result<Ended, Stop> {
    let mut quiet = Quiet::default();
    loop {
        let snapshot = asking.snapshot(output).await?;
        let places = places(&snapshot, target)?;
        let busy = in_flight(&places)?;
        if quiet.is_enough((&snapshot, &places), busy, settle) {
            if let Some(why) = quiet.unfinished.why() {
                return Ok(Ended { exit: Exit::Stale, why, drain: None });
            }
            let (others, unknown) = (still_taken(&places.elsewhere()), lost::uncounted(&snapshot));
            let why = format!("idle: {}{}{others}{unknown}", nothing_for(settle), returning(places.own));
            return Ok(Ended { exit: Exit::Done, why, drain: None });
        }
        quiet.tell((asking, output), &target.label, (&snapshot, &places), (settle, ""));
    }
}

/// Until the drain of a member has ended and what it said then holds, with nothing in flight for at least `settle`.
async fn until_drained(
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

    use evenkeel_protocol::{Busy, DrainOutcome, DrainSessions};
    use serde_json::json;

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

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
        use DrainOutcome::{Idle, SafeToStop};
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

    #[tokio::test]
    async fn requests_that_were_in_flight_at_a_restart_make_nobody_idle() {
        for (before, exit, says) in [
            (1, Exit::Stale, "app/a: httpd was restarted with 1 request in flight"),
            (0, Exit::Done, "app/a: idle: "),
        ] {
            let looks = AtomicUsize::new(0);
            let proxy = Scripted::start(move |_| {
                let mut snapshot = scripted::snapshot(0);
                let look = looks.fetch_add(1, Ordering::Relaxed);
                snapshot.proxy.product = Hello::HTTPD.to_owned();
                snapshot.proxy.started = Timestamp(u64::from(look > 2));
                snapshot.balancers[0].members[0].busy = if look > 2 { 0 } else { before };
                Act::json(&snapshot)
            });
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run("wait app/a idle --settle 500ms").await, exit, "{}", scene.out());
            assert!(scene.out().starts_with(says), "{}", scene.out());
        }
    }

    #[tokio::test]
    async fn what_its_process_has_in_flight_in_another_balancer_makes_nobody_idle() {
        let taken = "but it still takes requests in api (drain api/127.0.0.1:9001 too)";
        for (busy, exit, says) in [
            (4, Exit::TimedOut, format!("not within 300ms: in api 4 requests are in flight; {taken}")),
            (0, Exit::Done, format!("idle: no request is in flight; sessions may come back; {taken}")),
        ] {
            let proxy = Scripted::start(move |_| {
                let mut snapshot = scripted::snapshot(0);
                snapshot.balancers[0].members[0].busy = 0;
                let its = snapshot.balancers[0].members[0].name.clone();
                let api = &mut snapshot.balancers[1].members[0];
                (api.name, api.busy) = (its, busy);
                Act::json(&snapshot)
            });
            let mut scene = Scene::of(&proxy);
            assert_eq!(
                scene
                    .run(&format!(
                        "--socket {} wait app/a idle --settle 0 --timeout 300ms",
                        proxy.socket().display()
                    ))
                    .await,
                exit,
                "{}",
                scene.err()
            );
            assert_eq!(scene.out(), format!("app/a: {says}\n"));
            let remedy =
                format!("to drain it there too: `evenkeel --socket {} drain api/", proxy.socket().display());
            assert!(scene.err().contains(&remedy), "{}", scene.err());
        }
    }

    #[tokio::test]
    async fn no_session_comes_back_to_a_member_that_is_out_of_use() {
        for (flag, says) in [(Flag::Stopped, "it is stopped (S)"), (Flag::Disabled, "it is disabled (D)")] {
            let proxy = Scripted::start(move |_| {
                let mut snapshot = scripted::snapshot(0);
                let member = &mut snapshot.balancers[0].members[0];
                (member.busy, member.status) = (0, member.status.with(flag, true));
                Act::json(&snapshot)
            });
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run("wait app/a idle --settle 0").await, Exit::Done, "{}", scene.err());
            let told =
                format!("app/a: idle: no request is in flight; {says}, so no session comes back to it\n");
            assert_eq!(scene.out(), told);
        }
    }

    #[tokio::test]
    async fn an_old_page_of_a_cache_ends_no_wait() {
        let of = |is_old: fn(usize) -> bool| {
            let looks = AtomicUsize::new(0);
            Scripted::start(move |_| {
                let mut snapshot = scripted::snapshot(0);
                snapshot.proxy.product = Hello::HTTPD.to_owned();
                let member = &mut snapshot.balancers[0].members[0];
                (member.busy, member.status) = (0, member.status.with(Flag::Drain, true));
                snapshot.cached = is_old(looks.fetch_add(1, Ordering::Relaxed));
                snapshot.warnings = vec!["a cache answers (X-Cache: HIT)".to_owned()];
                Act::json(&snapshot)
            })
        };
        let proxy = of(|look| look == 2 || look == 4);
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("wait app/a idle --settle 1s").await, Exit::Done, "{}", scene.err());
        let told = "a cache answers (X-Cache: HIT); asking again for";
        assert_eq!(scene.err().matches(told).count(), 1, "{}", scene.err());
        let always = of(|_| true);
        let mut scene = Scene::of(&always);
        assert_eq!(scene.run("wait app/a idle").await, Exit::ReadOnly, "{}", scene.err());
        assert!(scene.err().contains("a cache answers (X-Cache: HIT); given up after"), "{}", scene.err());
    }

    #[tokio::test]
    async fn a_count_that_cannot_be_read_is_shown_as_such_and_not_waited_for() {
        let proxy = Scripted::start(|_| {
            let mut snapshot = scripted::snapshot(0);
            (snapshot.balancers[0].members[0].busy, snapshot.balancers[0].members[0].uncounted) = (0, true);
            Act::json(&snapshot)
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("wait app/a idle --settle 0").await, Exit::Unable);
        assert!(scene.err().contains("unknown how many requests are in flight"), "{}", scene.err());
        assert_eq!(scene.run("status app/a").await, Exit::Done);
        assert!(scene.out().contains(" ? "), "{}", scene.out());
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_makes_no_success_of_what_does_not_hold() {
        let proxy = Scripted::start(|_| Act::json(&scripted::snapshot(0)));
        let mut scene = Scene::of(&proxy);
        scene.out_fails(std::io::ErrorKind::BrokenPipe);
        for (line, exit) in [
            ("wait app/a healthy", Exit::Done),
            ("wait app/b healthy --timeout 0", Exit::Unhealthy),
            ("wait app/b healthy --timeout 0 --json", Exit::Unhealthy),
            ("roll app --only a --min-available 9 -- true", Exit::Guarded),
        ] {
            assert_eq!(scene.run(line).await, exit, "{line}: {}", scene.err());
        }
    }

    #[tokio::test]
    async fn what_holds_ends_the_wait_and_what_does_not_has_its_code() {
        let proxy = Scripted::start(|_| Act::json(&scripted::snapshot(0)));
        let mut scene = Scene::of(&proxy);
        for (line, exit, says) in [
            ("wait app/a healthy", Exit::Done, "app/a: healthy: Init Ok"),
            (
                "wait app/b healthy --timeout 0",
                Exit::Unhealthy,
                "app/b: not within 0: it is in error: connection refused; tried again in ",
            ),
            (
                "wait app/a idle --timeout 300ms",
                Exit::TimedOut,
                "app/a: not within 300ms: 1 request is in flight",
            ),
        ] {
            assert_eq!(scene.run(line).await, exit, "{line}: {}", scene.err());
            assert!(scene.out().starts_with(says), "{line}: {}", scene.out());
        }
        for (line, exit) in [
            ("wait app/a drained", Exit::NotFound),
            ("wait app/x healthy", Exit::NotFound),
            ("wait app/a fit", Exit::Usage),
            ("wait app/a idle --timeout 5", Exit::Usage),
        ] {
            assert_eq!((scene.run(line).await, scene.out()), (exit, String::new()), "{line}");
        }
    }
}
