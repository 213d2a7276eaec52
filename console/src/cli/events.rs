//! `evenkeel events`: what happened, one line an event, as text or JSON.

use std::fmt;

use clap::Args;
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::drain::with_why;
use evenkeel_protocol::{Event, EventKind, Flag, Peer, Recovery, RefusedEdit, Timestamp};
use jiff::tz::TimeZone;

use super::output::Stop;
use super::patience::{Asking, is_passing};
use super::{Exit, Session, reload, report};
use crate::client::Client;
use crate::targets::Target;
use crate::undurable;

/// Streams of events in a row that end before one has come.
const FRUITLESS: u32 = 5;

/// What can be typed behind `events`.
#[derive(Debug, Args)]
pub struct EventsArguments {
    /// Only events with a greater number; of several proxies TARGET=N, for each [default: with --follow those that come,
    /// else all that are kept]
    #[arg(long, value_name = "[TARGET=]N", value_parser = since)]
    since: Vec<Since>,
    /// Go on as they happen, over a restart of the proxy too, until interrupted
    #[arg(long, short)]
    follow: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Behind which event to begin.
#[derive(Debug, Clone)]
struct Since {
    /// In which target of a fleet; none: in the only proxy.
    target: Option<String>,
    number: u64,
}

fn since(text: &str) -> Result<Since, &'static str> {
    let (target, number) = match text.rsplit_once('=') {
        Some((target, number)) => (Some(target.to_owned()), number),
        None => (None, text),
    };
    let number = number.parse().map_err(|_| "must be the number of an event: a whole number")?;
    Ok(Since { target, number })
}

impl EventsArguments {
    /// The number behind which the screen shows events, which it follows anyhow; none: JSON, and what is of several
    /// targets, is not for a screen.
    pub(super) fn on_screen(&self) -> Option<u64> {
        match self.since.as_slice() {
            _ if self.json => None,
            [] => Some(0),
            [Since { target: None, number }] => Some(*number),
            _ => None,
        }
    }

    /// Is each line an object?
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Behind which event to begin in each of these targets; none: where nothing is said of it.
    ///
    /// # Errors
    ///
    /// A number is of no target, of one that is not there, or not the only one of it.
    pub(super) fn sinces(&self, targets: &[Target]) -> Result<Vec<Option<u64>>, Stop> {
        let mut sinces = vec![None; targets.len()];
        for Since { target, number } in &self.since {
            let Some(name) = target else {
                let why = "each proxy numbers its events for itself; write --since TARGET=N for each, or name one \
                           with --socket or --apache";
                return Err(Stop::usage(format!("several targets are named, and {why}")));
            };
            let is_it = |target: &Target| target.name == *name || target.typed == *name;
            let found = targets.iter().position(is_it).and_then(|at| sinces.get_mut(at));
            let named = || clean(name, 80);
            match found {
                Some(since @ None) => *since = Some(*number),
                Some(Some(_)) => return Err(Stop::usage(format!("--since names {} twice", named()))),
                None => {
                    let known: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
                    let why = format!("--since {}: no such target; those are {}", named(), known.join(", "));
                    return Err(Stop::usage(why));
                }
            }
        }
        Ok(sinces)
    }
}

pub(super) async fn run(arguments: &EventsArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let since = match arguments.since.as_slice() {
        [] => None,
        [Since { target: None, number }] => Some(*number),
        _ => return Err(Stop::usage("one proxy is asked: write --since N, once and without a target")),
    };
    run_since((arguments, since), session).await
}

/// As [`run`], behind that event.
pub(super) async fn run_since(
    (arguments, since): (&EventsArguments, Option<u64>),
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    if arguments.follow {
        return follow((arguments, since), session).await;
    }
    let mut events = session.client().await?.events(since.or(Some(0)), false).await?;
    while let Some(event) = events.next().await {
        show(&event?, arguments.json, session)?;
    }
    Ok(Exit::Done)
}

/// Shows events as they happen. When the proxy is back after it was gone, it goes on behind the last one that was shown.
async fn follow(
    (arguments, since): (&EventsArguments, Option<u64>),
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let mut asking = Asking::of_feed(session).await?;
    let mut last = if let Some(since) = since {
        since
    } else {
        let asked = |client: Client| async move { client.snapshot().await };
        asking.ask(&mut session.output, asked).await?.event
    };
    let mut fruitless = 0;
    while fruitless < FRUITLESS || asking.is_endless() {
        let asked = |client: Client| async move { client.events(Some(last), true).await };
        let mut events = match asking.ask(&mut session.output, asked).await {
            Err(Stop::Failed(exit, why)) => return Err(Stop::Failed(exit, format!("{why}{}", go_on(last)))),
            outcome => outcome?,
        };
        fruitless = fruitless.saturating_add(1);
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => show(&event, arguments.json, session)?,
                Err(failure) if is_passing(&failure) => break,
                Err(failure) => return Err(failure.into()),
            }
            fruitless = 0;
        }
        last = events.last();
    }
    let why = format!("the stream of events ends again and again{}", go_on(last));
    Err(Stop::Failed(Exit::Unreachable, why))
}

fn go_on(last: u64) -> String {
    format!("; go on with --since {last} when the proxy is back")
}

fn show(event: &Event, json: bool, session: &mut Session<'_>) -> Result<(), Stop> {
    let line = if json {
        serde_json::to_string(event)
            .map_err(|why| Stop::Failed(Exit::Failed, format!("the event is no JSON: {why}")))?
    } else {
        line(event, &session.zone)
    };
    session.output.result(&line)
}

/// One event in a line.
fn line(event: &Event, zone: &TimeZone) -> String {
    format!("{}  #{}  {}", time(event.at, zone), event.number, sentence(&event.kind))
}

pub(super) fn time(at: Timestamp, zone: &TimeZone) -> String {
    i64::try_from(at.0)
        .ok()
        .and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok())
        .map_or_else(|| format!("{} µs", at.0), |at| at.to_zoned(zone.clone()).strftime("%F %T").to_string())
}

/// What somebody was refused.
fn refused(what: &RefusedEdit) -> String {
    let name = report::name(&what.subject.balancer, what.subject.member.as_ref());
    let changes = match what.changes.as_slice() {
        [] => "an edit".to_owned(),
        changes => report::changes(changes),
    };
    let circumstances = of(what.by.as_ref(), what.reason.as_deref(), true);
    format!("{name}: refused: {changes}: {}{circumstances}", what.message)
}

/// What happened, as a sentence without its end.
pub(super) fn sentence(kind: &EventKind) -> String {
    match kind {
        EventKind::Started => "the proxy has begun to serve".to_owned(),
        EventKind::Stopping => "the proxy ends".to_owned(),
        EventKind::MemberEdited {
            balancer, member, changes, by, reason, durable, forced, undoes, ..
        } => format!(
            "{balancer}/{member}: {}{}",
            report::changes(changes),
            Circumstances {
                forced: *forced,
                undoes: *undoes,
                ..of(by.as_ref(), reason.as_deref(), *durable)
            }
        ),
        EventKind::BalancerEdited { balancer, changes, by, reason, durable, undoes, .. } => format!(
            "{}: {}{}",
            balancer.url(),
            report::changes(changes),
            Circumstances { undoes: *undoes, ..of(by.as_ref(), reason.as_deref(), *durable) }
        ),
        EventKind::EditRefused(what) => refused(what),
        EventKind::MemberFailed { balancer, member, reason } => {
            format!("{balancer}/{member}: put into error: {reason}")
        }
        EventKind::MemberRetried { balancer, member, how } => {
            let how = match how {
                Recovery::Retry => "its retry time has passed",
                Recovery::Forced => "all that could serve were in error",
            };
            format!("{balancer}/{member}: tried again, {how}")
        }
        EventKind::MemberRecovered { balancer, member } => format!("{balancer}/{member}: answers again"),
        EventKind::Reloaded { reloads, added, removed, kept, dropped, absorbed, by } => format!(
            "the configuration was read anew (reload {reloads}): {added} added, {removed} removed; edits: {kept} kept, \
             {dropped} dropped, {absorbed} in the configuration now{}",
            of(by.as_ref(), None, true)
        ),
        EventKind::ReloadRefused { reason, by } => {
            format!("the configuration was not read anew: {reason}{}", of(by.as_ref(), None, true))
        }
        EventKind::HttpdRestarted(restart) => restart.to_string(),
        EventKind::OverrideKept(what) => reload::told(what, "kept"),
        EventKind::OverrideDropped(what) => reload::told(what, "dropped"),
        EventKind::EditsDurable { edited } => undurable::over(edited),
        EventKind::HeartbeatsMissed { balancer } => {
            format!("{}: no heartbeat of a member that it could elect; it elects by requests", balancer.url())
        }
        EventKind::HeartbeatsHeard { balancer } => {
            format!("{}: heartbeats are heard; it elects by them", balancer.url())
        }
        EventKind::HealthFailed { balancer, member, reason } => {
            format!("{balancer}/{member}: failed its health check: {reason}")
        }
        EventKind::HealthPassed { balancer, member, reason, lifted } => {
            let words: Vec<&str> = lifted.flags().map(Flag::word).collect();
            format!("{balancer}/{member}: passed its health check, {} lifted: {reason}", words.join(" and "))
        }
        EventKind::DrainBegan { .. }
        | EventKind::DrainChanged { .. }
        | EventKind::DrainPhase { .. }
        | EventKind::DrainEnded { .. } => of_drain(kind),
        EventKind::Missed { from, to } => format!("events {from} to {to} are no longer kept"),
    }
}

/// What happened to a drain.
fn of_drain(kind: &EventKind) -> String {
    match kind {
        EventKind::DrainBegan {
            drain,
            balancer,
            member,
            until,
            timeout,
            settle,
            on_timeout,
            by,
            reason,
            durable,
        } => format!(
            "{balancer}/{member}: drain {drain} begun: {}, settle time {settle}{}",
            super::drain::terms(*until, *timeout, *on_timeout),
            of(by.as_ref(), reason.as_deref(), *durable)
        ),
        EventKind::DrainChanged { drain, balancer, member, changes, by, reason, durable } => format!(
            "{balancer}/{member}: drain {drain} changed: {}{}",
            report::changes(changes),
            of(by.as_ref(), reason.as_deref(), *durable)
        ),
        EventKind::DrainPhase { drain, balancer, member, phase, why } => {
            format!("{balancer}/{member}: drain {drain}: {phase}: {why}")
        }
        EventKind::DrainEnded { drain, balancer, member, outcome, why, .. } => {
            format!("{balancer}/{member}: drain {drain} ended: {}", with_why(&outcome.said(), why))
        }
        other => format!("{other:?}"),
    }
}

/// Who did it, how, why, and whether it lasts.
struct Circumstances<'a> {
    by: Option<&'a Peer>,
    reason: Option<&'a str>,
    durable: bool,
    forced: bool,
    undoes: Option<u64>,
}

fn of<'a>(by: Option<&'a Peer>, reason: Option<&'a str>, durable: bool) -> Circumstances<'a> {
    Circumstances { by, reason, durable, forced: false, undoes: None }
}

impl fmt::Display for Circumstances<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(peer) = self.by {
            write!(f, "; by {peer}")?;
        }
        if let Some(event) = self.undoes {
            write!(f, "; undoes #{event}")?;
        }
        if self.forced {
            f.write_str("; a guard was overridden")?;
        }
        if let Some(reason) = self.reason {
            write!(f, "; {reason}")?;
        }
        if !self.durable {
            f.write_str("; not kept over a restart")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    #[test]
    fn every_event_is_a_line() {
        let member = json!({"balancer": "app", "member": "http://a:1"});
        let change = json!([{"field": "route", "before": "", "after": "b"}, {"field": "drain", "before": "Off", "after": "On"}]);
        let anna = json!({"uid": 1000, "gid": 1000, "pid": 3, "user": "anna"});
        let nobody = json!({"uid": 65534, "gid": 1, "pid": null, "user": null});
        for (event, fields, says) in [
            ("started", json!({}), "the proxy has begun to serve"),
            ("stopping", json!({}), "the proxy ends"),
            (
                "member_edited",
                json!({"changes": change, "revision": 2, "by": anna, "reason": "deploy 42", "durable": true}),
                "app/http://a:1: route (none) -> b, drain Off -> On; by anna (1000); deploy 42",
            ),
            (
                "balancer_edited",
                json!({"changes": change, "revision": 2, "by": nobody, "reason": null, "durable": false, "undoes": 17}),
                "balancer://app: route (none) -> b, drain Off -> On; by uid 65534; undoes #17; not kept over a restart",
            ),
            (
                "edit_refused",
                json!({"changes": change, "code": "guarded", "message": "the last", "by": anna, "reason": "deploy"}),
                "app/http://a:1: refused: route (none) -> b, drain Off -> On: the last; by anna (1000); deploy",
            ),
            ("member_failed", json!({"reason": "refused"}), "app/http://a:1: put into error: refused"),
            (
                "member_retried",
                json!({"how": "retry"}),
                "app/http://a:1: tried again, its retry time has passed",
            ),
            (
                "member_retried",
                json!({"how": "forced"}),
                "app/http://a:1: tried again, all that could serve were in error",
            ),
            ("member_recovered", json!({}), "app/http://a:1: answers again"),
            (
                "heartbeats_missed",
                json!({}),
                "balancer://app: no heartbeat of a member that it could elect; it elects by requests",
            ),
            ("heartbeats_heard", json!({}), "balancer://app: heartbeats are heard; it elects by them"),
            (
                "drain_began",
                json!({"drain": 3, "until": "no_sessions", "timeout": "10m", "settle": "5s", "on_timeout": "stop",
                       "by": anna, "reason": "deploy 42", "durable": true}),
                "app/http://a:1: drain 3 begun: until no-sessions, at most 10m, then stop, settle time 5s; by anna (1000); deploy 42",
            ),
            (
                "drain_phase",
                json!({"drain": 3, "phase": "requests", "why": "1 request is in flight"}),
                "app/http://a:1: drain 3: requests: 1 request is in flight",
            ),
            (
                "drain_ended",
                json!({"drain": 3, "outcome": "idle", "why": "nothing is in flight", "by": null}),
                "app/http://a:1: drain 3 ended: idle: nothing is in flight",
            ),
            (
                "drain_ended",
                json!({"drain": 3, "outcome": "kept_draining", "why": "its time of 10m has passed", "by": null}),
                "app/http://a:1: drain 3 ended: kept draining: its time of 10m has passed",
            ),
            (
                "drain_ended",
                json!({"drain": 3, "outcome": "cancelled", "why": "cancelled by anna (1000): it went on draining, unwatched", "by": anna}),
                "app/http://a:1: drain 3 ended: cancelled by anna (1000): it went on draining, unwatched",
            ),
            (
                "reloaded",
                json!({"reloads": 1, "added": 2, "removed": 0, "kept": 1, "dropped": 0, "absorbed": 9, "by": anna}),
                "the configuration was read anew (reload 1): 2 added, 0 removed; edits: 1 kept, 0 dropped, 9 in the configuration now; by anna (1000)",
            ),
            ("missed", json!({"from": 1, "to": 5}), "events 1 to 5 are no longer kept"),
        ] {
            let mut whole = json!({"number": 7, "at": 1_795_348_800_000_000_u64, "event": event});
            for more in [&member, &fields] {
                whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            }
            let event: Event = serde_json::from_value(whole).unwrap();
            assert_eq!(line(&event, &TimeZone::UTC), format!("2026-11-22 12:00:00  #7  {says}"));
        }
        assert_eq!(time(Timestamp(u64::MAX), &TimeZone::UTC), format!("{} µs", u64::MAX));
    }

    #[tokio::test]
    async fn the_kept_events_are_shown_and_the_command_ends() {
        let proxy = Scripted::start(|_| Act::stream(&[scripted::event(1), scripted::event(2)]));
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("events").await, Exit::Done);
        assert!(scene.out().starts_with("1970-01-01 00:00:01  #1  app/"), "{}", scene.out());
        assert_eq!(scene.out().lines().count(), 2);
        assert_eq!(scene.run("events --since 1 --json").await, Exit::Done);
        assert_eq!(serde_json::from_str::<Event>(scene.out().lines().next().unwrap()).unwrap().number, 1);
        assert_eq!(proxy.asked("/v1/events?since=0&follow=false"), 1);
        assert_eq!(proxy.asked("/v1/events?since=1&follow=false"), 1);
    }

    #[tokio::test]
    async fn a_proxy_that_only_trickles_is_not_waited_for() {
        let proxy = Scripted::start(|_| Act::stream(&[scripted::event(1)]).then_trickle());
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("events").await, Exit::Unreachable);
        assert!(scene.err().contains("no answer within 700ms"), "{}", scene.err());
        assert_eq!(scene.out().lines().count(), 1);
    }

    /// What is asked for a snapshot has one; what is asked for events does as it is told.
    fn with_events(events: impl Fn(&str) -> Act + Send + Sync + 'static) -> Scripted {
        Scripted::start(move |request| match request.target.as_str() {
            target if target.starts_with("/v1/events") => events(target),
            _ => Act::json(&scripted::snapshot(16)),
        })
    }

    #[tokio::test]
    async fn a_followed_stream_that_ends_is_taken_up_where_it_ended_and_nothing_is_told_twice() {
        let proxy = with_events(|target| match target {
            "/v1/events?since=16&follow=true" => Act::stream(&[scripted::event(17)]),
            "/v1/events?since=17&follow=true" => Act::stream(&[scripted::event(19)]).then_break(),
            _ => Act::stream(&[]),
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("events --follow --json").await, Exit::Unreachable);
        let out = scene.out();
        let numbers: Vec<u64> =
            out.lines().map(|line| serde_json::from_str::<Event>(line).unwrap().number).collect();
        assert_eq!(numbers, [17, 19]);
        assert!(scene.err().contains("again and again; go on with --since 19"), "{}", scene.err());
        assert_eq!(proxy.asked("/v1/events?since=19&follow=true"), 5);
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_ends_it_quietly() {
        let proxy = with_events(|_| Act::stream(&[scripted::event(1)]).then_hang());
        let mut scene = Scene::of(&proxy);
        scene.out_fails(std::io::ErrorKind::BrokenPipe);
        assert_eq!(scene.run("events --follow").await, Exit::Done);
        assert_eq!(scene.err(), "");
    }
}
