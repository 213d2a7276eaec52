//! Drains as jobs: what they see, what happens at a deadline, who may interfere, and what a restart makes of them.

use evenkeel_protocol::{
    Busy, Call, Code, Drain, DrainAnswer, DrainOutcome, DrainPhase, EventKind, OnTimeout, SessionsKnown,
};
use harness::prelude::*;

mod full;
mod kills;
mod restart;
mod shared;
mod witness;

const ASK: &str = "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

fn text(a: &Backend, b: &Backend) -> String {
    format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a upgrade=WebSocket
            BalancerMember {b} route=b
        </Proxy>
        ProxyPass / balancer://app/"
    )
}

fn pair() -> (Proxy, [Backend; 2]) {
    let [a, b] = backends(["a", "b"]);
    (proxy(text(&a, &b)), [a, b])
}

#[track_caller]
fn order(proxy: &Proxy, member: &str, json: &str) -> DrainAnswer {
    try_order(proxy, member, json).message()
}

fn try_order(proxy: &Proxy, member: &str, json: &str) -> Told {
    let call = Call::BeginDrain("app".parse().unwrap(), member.to_owned());
    proxy.admin().ask(call.method(), &call.path(), json)
}

#[track_caller]
fn drain(proxy: &Proxy, number: u64) -> Drain {
    proxy.admin().get(&Call::Drain(number))
}

#[track_caller]
fn ended(proxy: &Proxy, number: u64) -> Drain {
    eventually("the drain ends", || Some(drain(proxy, number)).filter(|drain| !drain.is_running()))
}

fn streams(gate: Gate) -> Behaviour {
    Behaviour::StallsAfter(10, gate, Reply::size(100))
}

#[test]
fn a_drain_waits_for_what_is_in_flight_and_tells_what_it_is() {
    let (proxy, [a, _b]) = pair();
    let plain = Held::by(&proxy, &a);
    proxy.edit("app", "b", r#"{"disabled":true}"#);
    let streaming = Held::of(browser(), proxy.address(), &a, streams);
    a.behaves(Behaviour::Echoes);
    let mut tunnel = Peer::of(&proxy);
    tunnel.says(ASK);
    assert_eq!(tunnel.head().word(1), "101");
    proxy.edit("app", "b", r#"{"disabled":false}"#);

    let answer = order(&proxy, "a", r#"{"settle":"300ms","reason":"deploy 42"}"#);
    assert!(answer.changed && answer.edited.unwrap().changed, "{:?}", answer.drain);
    let number = answer.drain.number;
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
    let all = Busy { requests: 1, streaming: 1, upgraded: 1 };
    eventually_equal(&(DrainPhase::Requests, all), || {
        let drain = drain(&proxy, number);
        (drain.phase, drain.busy)
    });
    let seen = drain(&proxy, number);
    assert_eq!(seen.why, "3 requests are in flight (1 streaming, 1 upgraded)");
    assert_eq!(
        (seen.safe_to_stop, seen.left_ms, seen.sessions.known),
        (false, None, SessionsKnown::NotSticky)
    );
    assert_eq!(proxy.snapshot().drains.len(), 1);

    for request in [plain, streaming] {
        assert_eq!(request.answer().body.len(), 100);
    }
    eventually_equal(&Busy { upgraded: 1, ..Busy::default() }, || drain(&proxy, number).busy);
    assert!(drain(&proxy, number).is_running());
    drop(tunnel);
    let done = ended(&proxy, number);
    assert_eq!((done.outcome, done.safe_to_stop), (Some(DrainOutcome::SafeToStop), true), "{done:?}");
    assert!(done.ended.unwrap() >= done.began.plus(std::time::Duration::from_millis(300)));
    assert_eq!((proxy.member("app", "a").words.as_str(), visits(&proxy, 2).as_str()), ("Init Drn Ok", "bb"));
    let kinds: Vec<&str> = proxy
        .admin()
        .events(0)
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::DrainBegan { .. } => Some("began"),
            EventKind::DrainPhase { phase, .. } => Some(phase.name()),
            EventKind::DrainEnded { outcome, .. } => Some(outcome.name()),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, ["began", "requests", "settling", "safe_to_stop"]);
}

#[test]
fn a_sticky_members_sessions_are_never_said_to_be_gone_before_they_can_be_known_to_be() {
    let (proxy, _backends) = pair();
    proxy.edit_balancer("app", r#"{"stickysession":"SID"}"#);
    let idle = order(&proxy, "a", r#"{"settle":"0"}"#).drain;
    assert_eq!((idle.outcome, idle.safe_to_stop), (Some(DrainOutcome::Idle), false), "{idle:?}");
    assert!(
        idle.why.starts_with("nothing was in flight; none of its sessions could be said to be gone"),
        "{}",
        idle.why
    );
    let waits = order(&proxy, "a", r#"{"settle":"0","until":"no_sessions","timeout":"300ms"}"#).drain;
    assert!(waits.number > idle.number);
    assert_eq!((waits.phase, waits.is_running()), (DrainPhase::Sessions, true), "{waits:?}");
    let late = ended(&proxy, waits.number);
    assert_eq!((late.outcome, late.safe_to_stop), (Some(DrainOutcome::KeptDraining), false));
}

#[test]
fn what_was_safe_is_not_said_to_be_any_more_when_something_comes_back() {
    let (proxy, [a, _b]) = pair();
    proxy.edit("app", "a", r#"{"route":""}"#);
    proxy.edit_balancer("app", r#"{"stickysession":"SID"}"#);
    let done = order(&proxy, &a.address().to_string(), r#"{"settle":"100ms"}"#).drain.number;
    assert_eq!(ended(&proxy, done).outcome, Some(DrainOutcome::SafeToStop), "it has no route, so no session");
    proxy.edit("app", &a, r#"{"route":"a"}"#);
    let its = browser().cookie("SID", "x.a");
    let request = Held::of(its, proxy.address(), &a, |gate| Behaviour::HoldsUntil(gate, Reply::size(100)));
    eventually_equal(&(false, 1), || {
        let drain = drain(&proxy, done);
        (drain.safe_to_stop, drain.busy.total())
    });
    assert_eq!(request.answer().answered_by(), "a", "a draining member serves its own");
}

#[test]
fn each_policy_does_at_the_deadline_what_it_says() {
    for (policy, outcome, words) in [
        ("fail", DrainOutcome::KeptDraining, "Init Drn Ok"),
        ("stop", DrainOutcome::Stopped, "Init Drn Stop"),
        ("restore", DrainOutcome::Restored, "Init Ok"),
    ] {
        let (proxy, [a, _b]) = pair();
        let held = Held::by(&proxy, &a);
        let json = format!(r#"{{"timeout":"200ms","on_timeout":"{policy}","reason":"deploy 42"}}"#);
        let number = order(&proxy, "a", &json).drain.number;
        let late = ended(&proxy, number);
        assert_eq!((late.outcome, late.safe_to_stop), (Some(outcome), false), "{late:?}");
        assert!(
            late.why.starts_with("when its time of 200ms had passed, 1 request was in flight; it "),
            "{}",
            late.why
        );
        assert_eq!(proxy.member("app", "a").words, words);
        assert_eq!(held.answer().body.len(), 100, "{policy} ends nobody's request");
        let edits = proxy.admin().events(0).into_iter().filter_map(|event| match event.kind {
            EventKind::MemberEdited { by, reason, .. } => Some((by.unwrap().uid, reason.unwrap())),
            _ => None,
        });
        let edits: Vec<_> = edits.collect();
        assert_eq!(edits.len(), if policy == "fail" { 1 } else { 2 });
        let own = edits[0].0;
        assert!(edits.iter().all(|(uid, reason)| *uid == own && reason.contains("deploy 42")), "{edits:?}");
    }
}

#[test]
fn a_cut_ends_whatever_is_in_flight_and_nothing_of_others() {
    let (proxy, [a, b]) = pair();
    proxy.edit("app", "b", r#"{"disabled":true}"#);
    let waiting = Held::by(&proxy, &a);
    let streaming = Held::of(browser(), proxy.address(), &a, streams);
    a.behaves(Behaviour::Echoes);
    let mut tunnel = Peer::of(&proxy);
    tunnel.says(ASK);
    assert_eq!(tunnel.head().word(1), "101");
    proxy.edit("app", "b", r#"{"disabled":false}"#);
    proxy.edit("app", "a", r#"{"drain":true}"#);
    let other = Held::by(&proxy, &b);
    eventually_equal(&4, || proxy.busy());
    let number = order(&proxy, "a", r#"{"timeout":"0","on_timeout":"cut"}"#).drain.number;
    assert_eq!(ended(&proxy, number).outcome, Some(DrainOutcome::Cut));
    assert_eq!(waiting.outcome().unwrap().status, 502);
    assert!(streaming.outcome().is_err(), "half an answer is no answer");
    assert!(tunnel.is_let_go());
    eventually_equal(&1, || proxy.busy());
    assert_eq!(proxy.member("app", "a").words, "Init Drn Stop", "and it is not put into error");
    assert_eq!(other.answer().body.len(), 100);
    // Whoever comes back serves as ever.
    proxy.edit("app", "a", r#"{"drain":false,"stopped":false}"#);
    a.behaves(Behaviour::good());
    b.behaves(Behaviour::good());
    let mut served: Vec<char> = visits(&proxy, 4).chars().collect();
    served.sort_unstable();
    assert_eq!(served, ['a', 'a', 'b', 'b']);
}

#[test]
fn an_order_that_is_repeated_changes_nothing_and_another_adjusts_the_drain() {
    let (proxy, [a, _b]) = pair();
    let held = Held::by(&proxy, &a);
    let json = r#"{"timeout":"10m","reason":"deploy 42"}"#;
    let first = order(&proxy, "a", json);
    let again = order(&proxy, "a", json);
    assert_eq!((first.changed, again.changed, again.drain.number), (true, false, first.drain.number));
    assert!(again.drain.left_ms < first.drain.left_ms, "a repeated order has no new deadline");
    let number = first.drain.number;
    let other = order(&proxy, "a", r#"{"on_timeout":"stop"}"#);
    assert_eq!((other.changed, other.drain.number), (true, number));
    assert_eq!((other.drain.on_timeout, other.drain.timeout), (OnTimeout::Stop, first.drain.timeout));

    let change = |json: &str| {
        let call = Call::ChangeDrain(number);
        proxy.admin().ask(call.method(), &call.path(), json)
    };
    let longer: DrainAnswer = change(r#"{"extend":"10m"}"#).message();
    assert!(longer.drain.left_ms.unwrap() > 19 * 60_000, "{:?}", longer.drain);
    let refusal = change(r#"{"extend":"10m","timeout":"1m"}"#).refusal();
    assert_eq!((refusal.code, refusal.field.as_deref()), (Code::Invalid, Some("extend")));
    let endless: DrainAnswer = change(r#"{"timeout":"forever"}"#).message();
    assert_eq!((endless.drain.left_ms, endless.drain.deadline), (None, None));
    held.answer();
    let shorter: DrainAnswer = change(r#"{"settle":"0"}"#).message();
    assert!(shorter.drain.outcome.is_none_or(DrainOutcome::is_reached));
    assert_eq!(ended(&proxy, number).outcome, Some(DrainOutcome::SafeToStop));
    assert_eq!(change(r#"{"settle":"1s"}"#).refusal().code, Code::Stale);
    let holds_still = order(&proxy, "a", "{}");
    assert_eq!((holds_still.changed, holds_still.drain.number), (false, number), "it still holds");
}

#[test]
fn whoever_interferes_ends_the_drain_and_is_named() {
    for (interferes, outcome, says) in [
        (r#"{"drain":false,"reason":"no"}"#, DrainOutcome::Cleared, "drain was cleared by "),
        (r#"{"stopped":true}"#, DrainOutcome::StoppedMeanwhile, "the member was stopped by "),
    ] {
        let (proxy, [a, _b]) = pair();
        let held = Held::by(&proxy, &a);
        let number = order(&proxy, "a", "{}").drain.number;
        proxy.edit("app", "a", interferes);
        let ended = ended(&proxy, number);
        assert_eq!(ended.outcome, Some(outcome));
        assert!(ended.why.contains(says) && !ended.safe_to_stop, "{}", ended.why);
        held.answer();
    }
}

#[test]
fn a_drain_is_cancelled_by_anybody_and_the_member_restored_if_that_is_asked_for() {
    for (json, words) in [("{}", "Init Drn Ok"), (r#"{"restore":true,"reason":"not today"}"#, "Init Ok")] {
        let (proxy, [a, _b]) = pair();
        let held = Held::by(&proxy, &a);
        let number = order(&proxy, "a", "{}").drain.number;
        let cancel = || -> DrainAnswer {
            let call = Call::CancelDrain(number);
            proxy.admin().ask(call.method(), &call.path(), json).message()
        };
        let answer = cancel();
        assert!(answer.changed && answer.drain.why.starts_with("cancelled by "), "{answer:?}");
        assert_eq!(answer.drain.outcome, Some(DrainOutcome::Cancelled));
        assert_eq!(answer.edited.is_some(), words == "Init Ok");
        assert_eq!(proxy.member("app", "a").words, words);
        assert!(!cancel().changed);
        held.answer();
    }
}

#[test]
fn a_reload_leaves_a_drain_alone_until_it_takes_the_member_away() {
    let [a, b] = backends(["a", "b"]);
    let mut proxy = proxy(text(&a, &b));
    let held = Held::by(&proxy, &a);
    let number = order(&proxy, "a", "{}").drain.number;
    proxy.reload(format!("{}\nProxyPass /x balancer://app/x", text(&a, &b)));
    eventually_equal(&(None, 1), || {
        let drain = drain(&proxy, number);
        (drain.outcome, drain.busy.total())
    });
    proxy.reload(serving([format!("{b} route=a")]));
    let gone = ended(&proxy, number);
    assert_eq!((gone.outcome, gone.safe_to_stop), (Some(DrainOutcome::MemberGone), false), "{gone:?}");
    held.answer();
}

#[test]
fn what_was_promised_of_a_member_that_drains_still_is_not_forgotten_for_others() {
    let (proxy, _backends) = pair();
    let promised = order(&proxy, "a", r#"{"settle":"0"}"#).drain.number;
    assert_eq!(ended(&proxy, promised).outcome, Some(DrainOutcome::SafeToStop));
    let numbers: Vec<u64> = (0..70)
        .map(|_| {
            let number = order(&proxy, "b", r#"{"settle":"0","force":true}"#).drain.number;
            assert_eq!(ended(&proxy, number).outcome, Some(DrainOutcome::SafeToStop));
            proxy.edit("app", "b", r#"{"drain":false}"#);
            number
        })
        .collect();
    let kept: Vec<u64> = proxy.admin().get::<Vec<Drain>>(&Call::Drains).iter().map(|it| it.number).collect();
    assert_eq!(kept.first(), Some(&promised));
    assert!(!kept.contains(&numbers[0]) && kept.ends_with(&numbers[10..]), "{kept:?}");
    assert_eq!(drain(&proxy, promised).draining, Some(true));
}

#[test]
fn a_reload_that_makes_a_balancer_not_sticky_ends_nobodys_session() {
    let [a, b] = backends(["a", "b"]);
    let sticky = text(&a, &b).replace("</Proxy>", "ProxySet stickysession=SID sessionwindow=1h\n</Proxy>");
    let mut proxy = proxy(sticky);
    let number = order(&proxy, "a", r#"{"until":"no_sessions","settle":"0"}"#).drain.number;
    proxy.reload(text(&a, &b));
    proxy.edit("app", "b", r#"{"lbset":1}"#);
    let after = drain(&proxy, number);
    assert_eq!((after.phase, after.safe_to_stop), (DrainPhase::Sessions, false), "{after:?}");
    assert!(after.why.contains("can be said to be gone for "), "{}", after.why);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (proxy, _backends) = pair();
    for (member, json, code, field) in [
        ("c", "{}", Code::NotFound, None),
        ("a", r#"{"timeout":"10"}"#, Code::Invalid, Some("timeout")),
        ("a", r#"{"until":"x"}"#, Code::Invalid, Some("until")),
        ("a", r#"{"revision":99}"#, Code::Stale, Some("revision")),
    ] {
        let refusal = try_order(&proxy, member, json).refusal();
        assert_eq!(
            (refusal.code, refusal.field.as_deref()),
            (code, field.or(refusal.field.as_deref())),
            "{json}"
        );
    }
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
    assert_eq!(proxy.admin().ask("GET", "/v1/drains/7", "").refusal().code, Code::NotFound);
    assert_eq!(proxy.admin().get::<Vec<Drain>>(&Call::Drains), []);
}
