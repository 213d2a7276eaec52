//! Drains of an httpd, looked at second by second.

use evenkeel_protocol::{Peer, Timestamp};

use super::super::page::Page;
use super::super::scripted::Shown;
use super::super::sight::Sight;
use super::*;

const A: &str = "http://a:1";

fn at(second: u64) -> Now {
    Now { wall: Timestamp(second * 1_000_000), moment: Moment(second * 1_000_000) }
}

fn seen(words: &str, busy: u64, elected: u64) -> Snapshot {
    let mut shown = Shown::new(&[A, "http://b:1"]);
    shown.rows[0].words = words.to_owned();
    (shown.rows[0].busy, shown.rows[0].elected) = (busy, elected);
    let page = Page::read(&shown.page(false)).unwrap();
    Sight { page: &page, exact: None, url: "u", taken: Timestamp(9) }.snapshot()
}

fn begun(order: &DrainOrder) -> Jobs {
    begun_after(0, order)
}

/// The same after a restart that has left so many requests in flight.
fn begun_after(left: u64, order: &DrainOrder) -> Jobs {
    let snapshot = seen("Init Drn Ok ", 1, 10);
    let mut jobs = Jobs::default();
    let balancer = &snapshot.balancers[0];
    let drain = ordered((&balancer.name, &balancer.members[0]), order, at(0), Peer::default());
    assert_eq!(jobs.begin(drain.clone(), order, at(0), (&snapshot, left)), Some(1));
    assert_eq!(jobs.begin(drain, order, at(0), (&snapshot, left)), Some(1), "a member has one drain");
    jobs
}

fn order(timeout: &str, on_timeout: OnTimeout) -> DrainOrder {
    DrainOrder {
        timeout: timeout.parse().ok(),
        settle: "2s".parse().ok(),
        on_timeout: Some(on_timeout),
        ..DrainOrder::default()
    }
}

#[test]
fn it_ends_when_nothing_was_in_flight_for_the_settle_time_in_one_piece() {
    let mut jobs = begun(&order("forever", OnTimeout::Fail));
    for (second, busy, elected, ends) in
        [(1, 1, 10, false), (2, 0, 10, false), (3, 0, 11, false), (4, 0, 11, false), (5, 0, 11, true)]
    {
        let came = jobs.look(&seen("Init Drn Ok ", busy, elected), at(second));
        assert_eq!(came.iter().any(|came| matches!(came, Came::Ended(_))), ends, "{second}: {came:?}");
    }
    let drain = jobs.get(1).unwrap();
    assert_eq!(
        (drain.outcome, drain.safe_to_stop),
        (Some(DrainOutcome::Idle), false),
        "no promise about sessions"
    );
    assert!(drain.why.contains("idle sessions are unknown"), "{}", drain.why);
}

#[test]
fn after_a_restart_that_was_seen_requests_of_before_it_are_unknown() {
    for (reloads, says) in [(0, false), (1, true)] {
        let mut jobs = begun(&order("forever", OnTimeout::Fail));
        let mut quiet = seen("Init Drn Ok ", 0, 10);
        quiet.proxy.reloads = reloads;
        jobs.look(&quiet, at(1));
        jobs.look(&quiet, at(9));
        let why = &jobs.get(1).unwrap().why;
        assert_eq!(why.contains("requests of before that are unknown"), says, "{why}");
    }
}

#[test]
fn requests_that_a_restart_left_in_flight_are_never_told_to_have_ended() {
    for (before, outcome) in [(0, DrainOutcome::Idle), (2, DrainOutcome::Uncounted)] {
        let mut jobs = begun(&order("forever", OnTimeout::Fail));
        jobs.look(&seen("Init Drn Ok ", before, 10), at(1));
        for second in 2..6 {
            let mut again = seen("Init Drn Ok ", 0, 0);
            again.proxy.started.0 += 1;
            jobs.look(&again, at(second));
        }
        let drain = jobs.get(1).unwrap();
        assert_eq!(drain.outcome, Some(outcome), "{}", drain.why);
        assert_eq!(drain.why.contains("restarted with 2 requests in flight"), before > 0, "{}", drain.why);
    }
}

/// The same with the process of `a` in `api` too, where it has so many requests in flight and was elected so often.
fn shared(own: u64, (busy, elected): (u64, u64), words: &str) -> Snapshot {
    let mut snapshot = seen("Init Drn Ok ", own, 10);
    let mut api = seen(words, busy, elected).balancers.remove(0);
    api.name = "api".parse().unwrap();
    api.members.truncate(1);
    api.members[0].name = "http://a:1/api".parse().unwrap();
    snapshot.balancers.push(api);
    snapshot
}

#[test]
fn what_is_in_flight_at_its_process_in_another_balancer_holds_it_up() {
    let mut jobs = begun(&order("9s", OnTimeout::Fail));
    for second in 1..5 {
        let came = jobs.look(&shared(0, (4, 10), "Init Ok "), at(second));
        assert!(!came.iter().any(|came| matches!(came, Came::Ended(_))), "{second}: {came:?}");
    }
    let drain = jobs.get(1).unwrap();
    assert_eq!(
        drain.why,
        "in api 4 requests are in flight and more may come (drain api/a too); idle sessions are unknown"
    );
    let [api] = drain.elsewhere.as_slice() else { panic!("{drain:?}") };
    assert_eq!((api.balancer.as_str(), api.busy.total(), api.takes_new), ("api", 4, true));
    assert_eq!((drain.busy.total(), drain.quiet_ms, drain.phase), (0, None, DrainPhase::Requests));
    for (second, elected, ends) in [(5, 14, false), (6, 15, false), (7, 15, false), (8, 15, true)] {
        let came = jobs.look(&shared(0, (0, elected), "Init Ok "), at(second));
        assert_eq!(came.iter().any(|came| matches!(came, Came::Ended(_))), ends, "{second}: {came:?}");
    }
    let drain = jobs.get(1).unwrap();
    assert_eq!(drain.outcome, Some(DrainOutcome::Idle));
    assert!(drain.why.ends_with("; but it still takes requests in api (drain api/a too)"), "{}", drain.why);

    let mut jobs = begun(&order("3s", OnTimeout::Fail));
    let late = jobs.look(&shared(1, (4, 10), "Init Drn Ok "), at(3));
    let [Came::Due(_, left)] = late.as_slice() else { panic!("{late:?}") };
    assert!(left.starts_with("1 request in flight and 4 requests in flight in api, no fewer"), "{left}");
    assert!(!jobs.get(1).unwrap().elsewhere[0].takes_new, "it drains there too");
}

#[test]
fn a_count_that_cannot_be_read_makes_no_drain_idle() {
    let page = String::from_utf8(Shown::new(&[A]).page(false)).unwrap().replace("Init Ok ", "Init Drn Ok ");
    let without = page.replace("<th>Busy</th>", "<th>Other</th>");
    let unread = |count: &str| page.replace("<td>10</td><td>0</td>", &format!("<td>10</td><td>{count}</td>"));
    for (what, text) in [
        ("no column", without),
        ("empty", unread("")),
        ("below zero", unread("-1")),
        ("wrapped", unread("18446744073709551615")),
    ] {
        let mut jobs = begun(&order("forever", OnTimeout::Fail));
        let page = Page::read(text.as_bytes()).unwrap();
        let seen = Sight { page: &page, exact: None, url: "u", taken: Timestamp(9) }.snapshot();
        assert_eq!(seen.balancers[0].members[0].in_flight(), None, "{what}");
        assert!(!seen.proxy.tells("busy"), "{what}");
        for second in 1..9 {
            jobs.look(&seen, at(second));
        }
        let drain = jobs.get(1).unwrap();
        assert_eq!(drain.outcome, Some(DrainOutcome::Uncounted), "{what}: {}", drain.why);
    }
}

#[test]
fn what_others_do_ends_it_and_is_told_apart() {
    for (words, restarted, outcome, says) in [
        ("Init Ok ", false, DrainOutcome::Cleared, "somebody"),
        ("Init Ok ", true, DrainOutcome::Cleared, "your drain is gone"),
        ("Init Drn Stop ", false, DrainOutcome::StoppedMeanwhile, "stopped"),
    ] {
        let mut jobs = begun(&order("forever", OnTimeout::Fail));
        let mut snapshot = seen(words, 0, 10);
        snapshot.proxy.started.0 += u64::from(restarted);
        jobs.look(&snapshot, at(1));
        let drain = jobs.get(1).unwrap();
        assert!(drain.outcome == Some(outcome) && drain.why.contains(says), "{words}: {}", drain.why);
    }
    let mut jobs = begun(&order("forever", OnTimeout::Fail));
    let mut snapshot = seen("Init Drn Ok ", 0, 10);
    snapshot.balancers[0].members.clear();
    jobs.look(&snapshot, at(1));
    assert_eq!(jobs.get(1).unwrap().outcome, Some(DrainOutcome::MemberGone));
}

#[test]
fn its_deadline_comes_once_and_can_be_moved() {
    let mut jobs = begun(&order("10s", OnTimeout::Stop));
    let busy = seen("Init Drn Ok ", 1, 10);
    jobs.look(&busy, at(9));
    assert_eq!(jobs.get(1).unwrap().left_ms, Some(1000));
    let later = DrainChange { extend: "5s".parse().ok(), ..DrainChange::default() };
    assert!(jobs.change(1, &later, at(9)));
    assert!(!jobs.look(&busy, at(10)).iter().any(|came| matches!(came, Came::Due(..))));
    assert!(jobs.look(&busy, at(15)).iter().any(|came| matches!(came, Came::Due(..))));
    assert!(jobs.end(1, DrainOutcome::Stopped, "stopped".to_owned(), at(15)).is_some());
    assert_eq!(jobs.look(&busy, at(16)), []);
    assert!(
        !jobs.change(1, &later, at(16)) && jobs.end(1, DrainOutcome::Cut, String::new(), at(16)).is_none()
    );
}

#[test]
fn a_count_that_stays_is_told_with_what_may_keep_it_and_what_can_be_done() {
    for (counts, says) in [
        ([1, 1, 1], Some(", no fewer than 1 for 4 s")),
        ([1, 2, 1], Some(", no fewer than 1 for 4 s")),
        ([1, 0, 2], Some(", no fewer than 2 for 1 s")),
        ([1, 1, 0], None),
    ] {
        let mut jobs = begun(&order("4s", OnTimeout::Fail));
        let looks = counts.into_iter().chain(counts.last().copied()).zip([1, 2, 3, 4]);
        let came: Vec<Came> =
            looks.flat_map(|(busy, second)| jobs.look(&seen("Init Drn Ok ", busy, 10), at(second))).collect();
        let Some(Came::Due(drain, left)) = came.last() else { panic!("{counts:?}: {came:?}") };
        match says {
            Some(says) => assert!(left.contains(says) && drain.advice.is_some(), "{counts:?}: {left}"),
            None => assert!(!left.contains("no fewer") && drain.advice.is_none(), "{counts:?}: {left}"),
        }
    }

    let mut jobs = begun(&order("forever", OnTimeout::Fail));
    for (second, busy, says) in [
        (59, 3, ""),
        (60, 3, ", no fewer than 1 for 1 min"),
        (119, 3, ", no fewer than 3 for 1 min"),
        (120, 1, ", no fewer than 1 for 2 min"),
        (121, 0, ""),
    ] {
        jobs.look(&seen("Init Drn Ok ", busy, 10), at(second));
        let drain = jobs.get(1).unwrap();
        assert_eq!(drain.why.contains("no fewer"), !says.is_empty(), "{second}: {}", drain.why);
        assert!(drain.why.contains(says), "{second}: {}", drain.why);
        let advice = drain.advice.as_deref().unwrap_or_default();
        assert_eq!(advice.contains("server-status"), !says.is_empty(), "{second}: {advice}");
    }
}

#[test]
fn what_a_restart_before_it_has_left_is_told_while_it_waits_and_is_no_idleness() {
    let mut jobs = begun_after(2, &order("forever", OnTimeout::Fail));
    for second in 1..5 {
        let came = jobs.look(&seen("Init Drn Ok ", 0, 10), at(second));
        let why = &jobs.get(1).unwrap().why;
        assert_eq!(why.matches("restarted with 2 requests in flight").count(), 1, "{second}: {came:?}");
    }
    assert_eq!(jobs.get(1).unwrap().outcome, Some(DrainOutcome::Uncounted));
}

#[test]
fn what_a_deadline_promised_is_done_then_where_requests_of_before_are_unknown() {
    for (timeout, then, due) in [
        ("10s", OnTimeout::Stop, true),
        ("10s", OnTimeout::Restore, true),
        ("10s", OnTimeout::Fail, false),
        ("forever", OnTimeout::Stop, false),
    ] {
        let mut jobs = begun_after(2, &order(timeout, then));
        let quiet = seen("Init Drn Ok ", 0, 10);
        for second in 1..10 {
            jobs.look(&quiet, at(second));
        }
        let drain = jobs.get(1).unwrap().clone();
        assert_eq!(drain.is_running(), due, "{timeout} {then}: {}", drain.why);
        if !due {
            assert_eq!(drain.outcome, Some(DrainOutcome::Uncounted), "{timeout} {then}");
            continue;
        }
        let says =
            "unknown whether they have ended, so it waits for its deadline; no other request is in flight";
        assert!(drain.why.contains(says) && drain.advice.is_some(), "{}", drain.why);
        let came = jobs.look(&quiet, at(10));
        let [.., Came::Due(_, left)] = came.as_slice() else { panic!("{then}: {came:?}") };
        let says = "no request in flight that is counted, and unknown whether 2 of before httpd's restart have ended";
        assert_eq!(left, says);
    }
    let mut jobs = begun_after(1, &order("3s", OnTimeout::Stop));
    let came = jobs.look(&seen("Init Drn Ok ", 1, 10), at(3));
    let [Came::Due(drain, left)] = came.as_slice() else { panic!("{came:?}") };
    let says = ", and unknown whether 1 of before httpd's restart has ended";
    assert!(left.starts_with("1 request in flight") && left.ends_with(says), "{left}");
    assert!(drain.advice.is_some());
}

#[test]
fn one_that_has_ended_goes_on_telling_what_its_process_gets_elsewhere() {
    let mut jobs = begun(&order("forever", OnTimeout::Fail));
    for second in 1..5 {
        jobs.look(&seen("Init Drn Ok ", 0, 10), at(second));
    }
    assert!(jobs.get(1).unwrap().used_in().is_empty());
    assert_eq!(jobs.look(&shared(0, (3, 4), "Init Ok "), at(9)), [], "it has ended");
    let drain = jobs.get(1).unwrap();
    assert_eq!((drain.used_in(), drain.quiet_ms), (vec!["api".to_owned()], None));
    assert_eq!(
        (drain.outcome, drain.remains().as_str()),
        (Some(DrainOutcome::Idle), "3 requests in flight in api")
    );
    assert!(drain.why.starts_with("no request was in flight for 2s"), "what it ended with: {}", drain.why);
    assert!(!drain.let_go);
    jobs.look(&seen("Init Ok ", 0, 10), at(10));
    assert_eq!((jobs.get(1).unwrap().draining, jobs.get(1).unwrap().let_go), (Some(false), true));
    jobs.look(&seen("Init Drn Ok ", 0, 10), at(10));
    assert_eq!((jobs.get(1).unwrap().draining, jobs.get(1).unwrap().let_go), (Some(true), true));
    let mut gone = seen("Init Ok ", 0, 10);
    gone.balancers[0].members.clear();
    jobs.look(&gone, at(11));
    assert_eq!(jobs.get(1).unwrap().draining, None);
}
