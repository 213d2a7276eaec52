//! The stream of events: numbered, resumable, and the same for everybody.

use evenkeel_protocol::{Event, EventKind};
use harness::prelude::*;

fn single() -> (Proxy, Backend) {
    let [a] = backends(["a"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>\nBalancerMember {a}/one route=a\nBalancerMember {a}/two route=b\n</Proxy>\nProxyPass / balancer://app/"
    ));
    (proxy, a)
}

fn is_edit(event: &Event) -> bool {
    matches!(event.kind, EventKind::MemberEdited { .. })
}

#[test]
fn events_are_numbered_from_the_start_and_say_who_and_why() {
    let (proxy, _a) = single();
    proxy.edit("app", "a", r#"{"drain":true,"reason":"deploy 42"}"#);
    let events = proxy.admin().events(0);
    assert_eq!(
        events.iter().map(|event| event.number).collect::<Vec<_>>(),
        (1..=events.len() as u64).collect::<Vec<_>>()
    );
    assert_eq!(events[0].kind, EventKind::Started);
    let Some(EventKind::MemberEdited { changes, by, reason, revision, durable, .. }) =
        events.iter().find(|event| is_edit(event)).map(|event| event.kind.clone())
    else {
        panic!("no edit in {events:?}");
    };
    assert_eq!((changes.len(), reason.as_deref(), durable), (1, Some("deploy 42"), true));
    assert_eq!(revision, proxy.member("app", "a").revision);
    let by = by.expect("the system tells who is at the other end");
    assert_eq!(
        (by.uid, by.pid),
        (rustix::process::geteuid().as_raw(), Some(i32::try_from(std::process::id()).unwrap()))
    );
}

#[test]
fn a_reader_goes_on_where_it_stopped() {
    let (proxy, _a) = single();
    let first = proxy.admin().follow(None);
    proxy.edit("app", "a", r#"{"lbset":1}"#);
    let last = first.wait_for("the first edit", is_edit).number;
    drop(first);
    proxy.edit("app", "a", r#"{"lbset":2}"#);
    let second = proxy.admin().follow(Some(last));
    proxy.edit("app", "a", r#"{"lbset":3}"#);
    eventually("both edits are heard", || (second.heard().len() >= 2).then_some(()));
    let numbers: Vec<u64> = second.heard().iter().map(|event| event.number).collect();
    assert_eq!(numbers, [last + 1, last + 2]);
    assert_eq!(proxy.snapshot().event, last + 2);
}

#[test]
fn all_readers_hear_the_same() {
    let (proxy, _a) = single();
    let readers: Vec<Follower> = (0..5).map(|_| proxy.admin().follow(Some(0))).collect();
    for set in 1..=20 {
        proxy.edit("app", "a", &format!("{{\"lbset\":{set}}}"));
    }
    let all = proxy.admin().events(0);
    for reader in readers {
        eventually_equal(&all, || reader.heard());
    }
}

#[test]
fn a_number_that_was_never_given_is_answered_with_what_there_is() {
    let (proxy, _a) = single();
    let foreign = proxy.snapshot().event + 1_000;
    let follower = proxy.admin().follow(Some(foreign));
    follower.wait_for("what there is", |_| true);
    for events in [follower.heard(), proxy.admin().events(foreign)] {
        assert_eq!((events[0].number, &events[0].kind), (1, &EventKind::Started));
    }
}

#[test]
fn events_go_on_over_a_restart_and_a_kill_behind_the_number_that_was_seen() {
    let (mut proxy, _a) = single();
    for set in 1..=5 {
        proxy.edit("app", "b", &format!("{{\"lbset\":{set}}}"));
    }
    let seen = proxy.snapshot().event;
    assert_eq!(proxy.stop().code(), Some(0));
    proxy.restart();
    let events = proxy.admin().events(seen);
    let kinds: Vec<&EventKind> = events.iter().map(|event| &event.kind).take(2).collect();
    assert_eq!(kinds, [&EventKind::Stopping, &EventKind::Started]);
    assert_eq!(events[0].number, seen + 1);
    assert_eq!(proxy.admin().events(seen - 1).len(), events.len() + 1, "those of before are there too");

    let edited = proxy.edit("app", "b", r#"{"lbset":9}"#);
    let number = edited.event.unwrap();
    proxy.kill();
    proxy.restart();
    let events = proxy.admin().events(number - 1);
    assert!(is_edit(&events[0]) && events[0].number == number, "{events:?}");
    assert_eq!(events[1].kind, EventKind::Started);
    // What was told and not yet written must not get its number again.
    assert!(events[1].number > number + 1, "{events:?}");
}

#[test]
fn what_no_longer_is_kept_is_told_as_missed() {
    let (proxy, _a) = single();
    for on in [true, false].into_iter().cycle().take(4400) {
        proxy.edit("app", "a", &format!("{{\"ignore_errors\":{on}}}"));
    }
    let events = proxy.admin().events(0);
    let EventKind::Missed { from, to } = events[0].kind else { panic!("{:?}", events[0]) };
    assert_eq!((from, events[1].number), (1, to + 1));
}

#[test]
fn the_end_of_the_proxy_is_an_event_while_requests_may_finish() {
    let held = Backend::new("held");
    let proxy = proxy(serving([&held]));
    let request = Held::answered(&proxy, &held, Reply::default());
    let follower = proxy.admin().follow(None);
    proxy.terminate();
    follower.wait_for("it says that it ends", |event| event.kind == EventKind::Stopping);
    assert_eq!(proxy.busy(), 1, "the admin interface answers until the end");
    assert_eq!((request.answer().status, proxy.ended().code()), (200, Some(0)));
}

#[test]
fn who_follows_an_idle_proxy_hears_that_it_ends() {
    for round in 0..5 {
        let (proxy, _a) = single();
        let followers: Vec<Follower> = (0..40).map(|_| proxy.admin().follow(Some(0))).collect();
        assert_eq!(proxy.stop().code(), Some(0));
        for follower in followers {
            let heard = eventually("the stream ends", || follower.is_over().then(|| follower.heard()));
            let last = heard.last().map(|event| &event.kind);
            assert_eq!(last, Some(&EventKind::Stopping), "round {round}: {heard:?}");
        }
    }
}
