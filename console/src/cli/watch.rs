//! `evenkeel watch`: the proxy's state again and again: a table that is painted anew for eyes, rows that changed for
//! programs, sentences for ears, or a line of JSON each time. A proxy that is gone for a while is asked again.

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use evenkeel_protocol::{BalancerName, Event, EventKind, MemberName, Snapshot, Span};
use tokio::time::{MissedTickBehavior, interval};

mod linear;

use super::output::Stop;
use super::patience::Asking;
use super::status::{self, StatusTable};
use super::target::{self, Target};
use super::{Exit, Session, complete, events, untold};
use crate::client::{Client, Failure};

pub(super) const HELP: &str = "\
Examples:
  evenkeel watch                         a table, painted anew each second
  evenkeel watch --json app | jq -c '.balancers[].members[] | [.route, .busy, .latency.last_10s.p99_us]'
  evenkeel watch app/node1 --interval 200ms --count 10
  evenkeel watch --linear                what changes, a sentence each: for screen readers and slow lines";

/// What can be typed behind `watch`.
#[derive(Debug, Args)]
pub struct WatchArguments {
    /// A balancer, or a member as BALANCER/MEMBER, URL, host:port or route; nothing: everything
    #[arg(value_name = "BALANCER | SELECTOR", add = complete::everything())]
    selector: Option<String>,
    /// A snapshot as a line of JSON each time
    #[arg(long)]
    json: bool,
    /// Tell what changes as sentences and paint nothing; so too where TERM is dumb
    #[arg(long, conflicts_with = "json")]
    linear: bool,
    /// How often, from 100ms to 1h
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = how_often)]
    interval: Duration,
    /// End after so many times [default: go on]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

impl WatchArguments {
    /// Is each line an object?
    pub(super) fn is_json(&self) -> bool {
        self.json
    }
}

fn how_often(text: &str) -> Result<Duration, String> {
    let time = text.parse::<Span>()?.duration();
    let fits = (Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&time);
    if fits { Ok(time) } else { Err("must be from 100ms to 1h".to_owned()) }
}

/// The rows as they were told last.
type Rows = HashMap<(BalancerName, MemberName), String>;

pub(super) async fn run(arguments: &WatchArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let mut asking = Asking::of_feed(session).await?;
    let mut ticks = interval(arguments.interval);
    // A slow answer is not made up for by asking faster.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let linear = arguments.linear || session.output.is_terminal() && is_dumb(std::env::var_os("TERM"));
    let mut story = linear::Story::default();
    let (mut before, mut watched) = (Rows::new(), None::<String>);
    let mut left = arguments.count.unwrap_or(u64::MAX);
    while left > 0 {
        ticks.tick().await;
        left -= 1;
        let asked = asking.ask_now(&mut session.output, |client| async move { client.snapshot().await });
        let mut snapshot = asked.await?;
        if let Some(text) = &arguments.selector {
            // Who is watched stays so when its route is changed.
            let known = watched.take().filter(|name| target::any(&snapshot, name).is_ok());
            let text = known.as_deref().unwrap_or(text);
            if let Target::Member(balancer, member) = target::any(&snapshot, text)? {
                watched = Some(format!("{}/{}", balancer.name, member.name));
            }
            status::narrow(&mut snapshot, text)?;
        }
        if arguments.json {
            let line = serde_json::to_string(&untold::json(&snapshot)?)
                .map_err(|why| Stop::Failed(Exit::Failed, format!("the snapshot is no JSON: {why}")))?;
            session.output.result(&line)?;
        } else if linear {
            if let Some(since) = story.unheard(&snapshot) {
                let asked = |client| async move { edits(client, since).await };
                for event in asking.ask_now(&mut session.output, asked).await? {
                    if let Some(sentence) = story.hears(&event, &snapshot) {
                        let time = events::time(event.at, &session.zone);
                        session.output.result(&format!("{time}  {sentence}"))?;
                    }
                }
            }
            let time = events::time(snapshot.taken, &session.zone);
            for sentence in story.goes_on(&snapshot) {
                session.output.result(&format!("{time}  {sentence}"))?;
            }
        } else if session.output.is_terminal() {
            let time = events::time(snapshot.taken, &session.zone);
            // From the first cell on, and nothing of before below it.
            session.output.result(&format!("\u{1b}[H\u{1b}[2J{time}\n{}", status::fitting(&snapshot)))?;
        } else {
            let rows = changed(&snapshot, &mut before);
            let time = events::time(snapshot.taken, &session.zone);
            for row in rows {
                session.output.result(&format!("{time}  {row}"))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// What operators have changed behind that event.
async fn edits(client: Client, since: u64) -> Result<Vec<Event>, Failure> {
    let mut events = client.events(Some(since), false).await?;
    let mut edits = Vec::new();
    while let Some(event) = events.next().await {
        let event = event?;
        if matches!(event.kind, EventKind::MemberEdited { .. } | EventKind::BalancerEdited { .. }) {
            edits.push(event);
        }
    }
    Ok(edits)
}

/// Does the variable `TERM` say that a terminal cannot be painted?
pub fn is_dumb(term: Option<OsString>) -> bool {
    term.is_some_and(|term| term == "dumb")
}

/// Rows that are not as they were, each with its balancer; a member that is gone is told once.
fn changed(snapshot: &Snapshot, before: &mut Rows) -> Vec<String> {
    let table = StatusTable::of(snapshot);
    let mut now = Rows::new();
    let mut changed = Vec::new();
    for balancer in &snapshot.balancers {
        for member in &balancer.members {
            let key = (balancer.name.clone(), member.name.clone());
            let row = format!("{}  {}", balancer.name, table.row(member));
            if before.remove(&key).is_none_or(|old| old != row) {
                changed.push(row.clone());
            }
            now.insert(key, row);
        }
    }
    let mut gone: Vec<_> =
        before.keys().map(|(balancer, member)| format!("{balancer}  {member}  gone")).collect();
    gone.sort_unstable();
    changed.extend(gone);
    *before = now;
    changed
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use serde_json::json;

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    /// One more request in flight on the first member each time.
    fn busier() -> Scripted {
        let asked = AtomicU64::new(0);
        Scripted::start(move |_| {
            let mut snapshot = scripted::snapshot(0);
            snapshot.balancers[0].members[0].busy = asked.fetch_add(1, Ordering::Relaxed);
            Act::json(&snapshot)
        })
    }

    #[tokio::test]
    async fn programs_get_a_line_of_json_each_time_or_what_changed() {
        let proxy = busier();
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("watch --json app --interval 100ms --count 2").await, Exit::Done);
        let busy: Vec<u64> = scene
            .out()
            .lines()
            .map(|line| serde_json::from_str::<Snapshot>(line).unwrap())
            .map(|snapshot| {
                assert_eq!(snapshot.balancers.len(), 1);
                snapshot.balancers[0].members[0].busy
            })
            .collect();
        assert_eq!(busy, [0, 1]);
        assert_eq!(scene.run("watch --interval 100ms --count 3").await, Exit::Done);
        let out = scene.out();
        let rows: Vec<&str> = out.lines().filter_map(|line| line.split("  ").nth(2)).map(str::trim).collect();
        let [a, b, api] = ["http://127.0.0.1:9001", "http://127.0.0.1:9002", "http://127.0.0.1:9003"];
        assert_eq!(rows, [a, b, api, a, a], "{out}");
    }

    #[tokio::test]
    async fn eyes_get_a_table_painted_anew() {
        let proxy = busier();
        let mut scene = Scene::of(&proxy);
        scene.on_terminal();
        assert_eq!(scene.run("watch --interval 100ms --count 2").await, Exit::Done);
        assert_eq!(scene.out().matches("\u{1b}[H\u{1b}[2J").count(), 2);
    }

    #[tokio::test]
    async fn ears_get_sentences_about_what_changes_and_nothing_is_painted() {
        let asked = AtomicU64::new(0);
        let proxy = Scripted::start(move |_| {
            let mut snapshot = scripted::snapshot(0);
            let member = &mut snapshot.balancers[0].members[0];
            member.busy = asked.load(Ordering::Relaxed);
            if asked.fetch_add(1, Ordering::Relaxed) > 1 {
                member.words = "Init Drn Ok".to_owned();
            }
            Act::json(&snapshot)
        });
        let mut scene = Scene::of(&proxy);
        scene.on_terminal();
        assert_eq!(scene.run("watch --linear --interval 100ms --count 4").await, Exit::Done);
        let out = scene.out();
        let told: Vec<&str> =
            out.lines().filter_map(|line| line.split_once("  ")).map(|(_, text)| text).collect();
        assert_eq!(told.len(), 4, "three members, and one change: {out}");
        assert_eq!(told[3], "app/a: status Init Ok -> Init Drn Ok");
        assert!(!out.contains('\u{1b}'));
        assert_eq!(scene.run("watch --linear --json").await, Exit::Usage);
        for (term, dumb) in [(None, false), (Some("dumb"), true), (Some("xterm"), false)] {
            assert_eq!(is_dumb(term.map(OsString::from)), dumb, "{term:?}");
        }
    }

    #[tokio::test]
    async fn a_member_is_watched_on_when_its_route_is_changed() {
        let proxy = || {
            let asked = AtomicU64::new(0);
            Scripted::start(move |_| {
                let mut snapshot = scripted::snapshot(0);
                let route = if asked.fetch_add(1, Ordering::Relaxed) == 0 { "a" } else { "z" };
                snapshot.balancers[0].members[0].route = route.parse().unwrap();
                Act::json(&snapshot)
            })
        };
        for (line, lines, last) in [
            ("watch app/a --linear", 2, "app/a: route a -> z"),
            ("watch app/a", 2, "app  http://127.0.0.1:9001 "),
            ("watch app/a --json", 3, "\"route\":\"z\""),
        ] {
            let proxy = proxy();
            let mut scene = Scene::of(&proxy);
            let outcome = scene.run(&format!("{line} --interval 100ms --count 3")).await;
            assert_eq!(outcome, Exit::Done, "{line}: {}", scene.err());
            let out = scene.out();
            assert_eq!(out.lines().count(), lines, "{out}");
            assert!(out.lines().last().unwrap().contains(last) && !out.contains("gone"), "{out}");
        }
    }

    #[tokio::test]
    async fn ears_hear_what_was_set_and_set_back_between_two_looks_and_nothing_twice() {
        let edit = |number: u64, field: &str, (before, after): (&str, &str)| {
            json!({
                "number": number, "at": 1_000_000, "event": "member_edited", "balancer": "app",
                "member": "http://127.0.0.1:9001", "revision": 3, "by": null, "reason": "deploy", "durable": true,
                "changes": [{"field": field, "before": before, "after": after}],
            })
            .to_string()
        };
        let events = [
            edit(17, "drain", ("On", "Off")),
            edit(18, "drain", ("Off", "On")),
            edit(19, "lbfactor", ("1.00", "2.00")),
            scripted::event(20),
            // Later than the second look.
            edit(21, "route", ("a", "z")),
        ];
        let looks = AtomicU64::new(0);
        let proxy = Scripted::start(move |request| match request.target.as_str() {
            "/v1/events?since=16&follow=false" => Act::stream(&events),
            "/v1/snapshot" if looks.fetch_add(1, Ordering::Relaxed) == 0 => {
                Act::json(&scripted::snapshot(16))
            }
            "/v1/snapshot" => {
                let mut snapshot = scripted::snapshot(20);
                snapshot.balancers[0].members[0].lbfactor = "2".parse().unwrap();
                Act::json(&snapshot)
            }
            other => panic!("{other}"),
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("watch app/a --linear --interval 100ms --count 3").await, Exit::Done);
        let out = scene.out();
        let told: Vec<&str> =
            out.lines().filter_map(|line| line.split_once("  ")).map(|(_, text)| text).skip(1).collect();
        assert_eq!(
            told,
            [
                "app/a: drain On -> Off; deploy",
                "app/a: drain Off -> On; deploy",
                "app/a: lbfactor 1.00 -> 2.00; deploy"
            ]
        );
    }

    #[tokio::test]
    async fn it_goes_on_after_a_proxy_that_was_gone_and_refuses_what_it_cannot_do() {
        let asked = AtomicU64::new(0);
        let proxy = Scripted::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            1 | 2 => Act::raw(&[]),
            _ => Act::json(&scripted::snapshot(0)),
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("watch --json --interval 100ms --count 3").await, Exit::Done);
        assert_eq!(scene.out().lines().count(), 3);
        let err = scene.err();
        assert!(err.contains("the proxy is gone") && err.contains("the proxy answers again"), "{err}");
        let proxy = busier();
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("watch nosuch").await, Exit::NotFound);
        for line in ["watch --interval 99ms", "watch --interval 2", "watch --interval 2h", "watch --count 0"]
        {
            assert_eq!(scene.run(line).await, Exit::Usage, "{line}");
        }
    }

    #[test]
    fn a_member_that_is_gone_is_told_once() {
        let mut rows = Rows::new();
        let mut snapshot = scripted::snapshot(0);
        assert_eq!(changed(&snapshot, &mut rows).len(), 3);
        snapshot.balancers.pop();
        assert_eq!(changed(&snapshot, &mut rows), ["api  http://127.0.0.1:9003  gone"]);
        assert_eq!(changed(&snapshot, &mut rows), [""; 0]);
    }
}
