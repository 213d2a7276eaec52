//! Commands that follow the proxy, over its restarts: nothing twice, nothing left out, and the gap is told.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use evenkeel_protocol::{Event, Snapshot};
use harness::prelude::*;
use serde::de::DeserializeOwned;

use crate::drain::{pair, running};
use crate::{command, pair_with, words};

/// A command that goes on, and what it has written so far.
struct Following {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Following {
    fn start(proxy: &Proxy, line: &str) -> Self {
        let [out, err] = ["out", "err"].map(|name| proxy.folder().join(name));
        let mut command = Command::new(evenkeel());
        command.args(words(proxy, line)).stdin(Stdio::null());
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        Self { child: command.spawn().unwrap(), out, err }
    }

    /// The whole lines of JSON there are.
    fn lines<T: DeserializeOwned>(&self) -> Vec<T> {
        let text = fs::read_to_string(&self.out).unwrap();
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))).collect()
    }

    #[track_caller]
    fn says(&self, text: &str) {
        eventually_true(text, || fs::read_to_string(&self.err).unwrap().contains(text));
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The proxy ends in that way and comes back, while `following` looks on.
fn away_and_back(proxy: &mut Proxy, kills: bool, following: &Following) {
    if kills {
        proxy.kill();
    } else {
        proxy.stop();
    }
    following.says("the proxy is gone");
    proxy.restart();
    following.says("the proxy answers again");
}

#[test]
fn events_are_followed_over_restarts_and_none_is_told_twice() {
    for kills in [true, false] {
        let (mut proxy, _backends) = pair();
        let following = Following::start(&proxy, "events --since 0 --follow --json");
        let mut heard = Vec::new();
        for set in 1..=3 {
            let event = proxy.edit("app", "a", &format!(r#"{{"lbset":{set}}}"#)).event.unwrap();
            heard = eventually("it is heard", || {
                let heard: Vec<Event> = following.lines();
                heard.last().is_some_and(|last| last.number >= event).then_some(heard)
            });
            if set < 3 {
                away_and_back(&mut proxy, kills, &following);
            }
        }
        assert_eq!(heard, proxy.admin().events(0));
        assert!(heard.is_sorted_by(|one, next| one.number < next.number), "{heard:?}");
    }
}

#[test]
fn who_follows_what_comes_hears_nothing_of_before_when_the_proxy_is_back() {
    let (mut proxy, _backends) = pair();
    let before = proxy.edit("app", "a", r#"{"lbset":1}"#).event.unwrap();
    let following = Following::start(&proxy, "events --follow --json");
    let heard = eventually("it follows", || {
        proxy.edit("app", "b", r#"{"ignore_errors":true}"#);
        proxy.edit("app", "b", r#"{"ignore_errors":false}"#);
        Some(following.lines::<Event>()).filter(|heard| !heard.is_empty())
    });
    assert!(heard[0].number > before, "{heard:?}");
    away_and_back(&mut proxy, true, &following);
    let last = proxy.edit("app", "a", r#"{"lbset":2}"#).event.unwrap();
    let heard = eventually("it is heard", || {
        let heard: Vec<Event> = following.lines();
        heard.last().is_some_and(|it| it.number >= last).then_some(heard)
    });
    assert_eq!(heard, proxy.admin().events(heard[0].number - 1));
}

#[test]
fn a_watch_goes_on_when_the_proxy_is_back() {
    let (mut proxy, _backends) = pair();
    let following = Following::start(&proxy, "watch --json --interval 100ms app");
    let lines = |count| {
        eventually("lines come", || Some(following.lines::<Snapshot>()).filter(|lines| lines.len() >= count))
    };
    let before = lines(3).len();
    away_and_back(&mut proxy, true, &following);
    let all = lines(before + 3);
    assert!(all.is_sorted_by(|one, next| one.taken < next.taken), "each moment is told once");
}

#[test]
fn who_waits_behind_a_drain_that_a_kill_left_unknown_waits_for_a_window_again() {
    let (mut proxy, _backends) = pair_with("sessionwindow=2s");
    command(&proxy, "drain app/a --wait --until no-sessions --settle 0").with_code(0);
    proxy.kill();
    proxy.restart();
    let late = command(&proxy, "wait app/a drained --timeout 0").with_code(124);
    let says = "app/a: not within 0: was safe to stop; waiting until that is certain again: now nothing in flight, and \
                sessions unknown until ";
    assert!(late.out.starts_with(says), "{late:#?}");
    let waited = command(&proxy, "wait app/a drained").with_code(0);
    assert!(waited.err.contains("waiting until that is certain again"), "{waited:#?}");
    assert!(waited.out.starts_with("app/a: safe to stop: "), "{waited:#?}");
    // Nobody can wait for what an operator has ended.
    proxy.kill();
    proxy.restart();
    let waiting = running(&proxy, "wait app/a drained");
    waiting.says("waiting until that is certain again");
    proxy.edit("app", "a", r#"{"drain":false}"#);
    assert!(waiting.ended().with_code(8).out.contains("no longer draining (N was cleared)"));
}
