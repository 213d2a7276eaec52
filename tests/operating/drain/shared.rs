//! A process that is a member of two balancers: it is not safe to stop because one of them has nothing there any more.

use super::*;

/// `app` with two members, and `api` with the first of them, which gets whatever is not for `app`.
fn shared(more: &str) -> (Proxy, [Backend; 2]) {
    let [a, b] = backends(["a", "b"]);
    let api = format!("<Proxy balancer://api>\nBalancerMember {a} route=a\n{more}\n</Proxy>\n");
    let app =
        format!("<Proxy balancer://app>\nBalancerMember {a} route=a\nBalancerMember {b} route=b\n</Proxy>\n");
    (proxy(format!("{api}{app}ProxyPass /app/ balancer://app/\nProxyPass / balancer://api/\n")), [a, b])
}

#[test]
fn a_request_that_came_by_another_balancer_holds_a_drain_up() {
    let (proxy, [a, _b]) = shared("");
    let held = Held::by(&proxy, &a);
    proxy.edit("api", &a, r#"{"drain":true}"#);
    for until in ["idle", "no_sessions"] {
        let order = order(&proxy, "a", &format!(r#"{{"settle":"10ms","until":"{until}"}}"#));
        let seen = eventually("it is looked at", || {
            Some(drain(&proxy, order.drain.number)).filter(|drain| drain.phase == DrainPhase::Requests)
        });
        assert_eq!((seen.busy.total(), seen.safe_to_stop, seen.quiet_ms), (0, false, None), "{seen:?}");
        assert_eq!(seen.why, "in api 1 request is in flight");
        let [api] = seen.elsewhere.as_slice() else { panic!("{seen:?}") };
        assert_eq!((api.balancer.as_str(), api.busy.total(), api.takes_new), ("api", 1, false));
        let late = order.drain.number;
        let call = Call::CancelDrain(late);
        if until == "idle" {
            proxy.admin().ask(call.method(), &call.path(), "{}").message::<DrainAnswer>();
        } else {
            held.let_go();
            assert_eq!(ended(&proxy, late).outcome, Some(DrainOutcome::SafeToStop));
        }
    }
    held.answer();
}

#[test]
fn a_request_at_a_member_that_was_taken_away_elsewhere_holds_a_drain_up() {
    for api in ["<Proxy balancer://api>\nBalancerMember http://127.0.0.1:1\n</Proxy>\n", ""] {
        let (mut proxy, [a, b]) = shared("");
        let held = Held::by(&proxy, &a);
        let app = format!(
            "<Proxy balancer://app>\nBalancerMember {a} route=a\nBalancerMember {b} route=b\n</Proxy>\n"
        );
        proxy.reload(format!("{api}{app}ProxyPass / balancer://app/\n"));
        let number = order(&proxy, "a", r#"{"settle":"10ms"}"#).drain.number;
        let seen = eventually("it is looked at", || {
            Some(drain(&proxy, number)).filter(|drain| drain.phase == DrainPhase::Requests)
        });
        assert_eq!(
            (seen.busy.total(), seen.safe_to_stop, seen.why.as_str()),
            (0, false, "in api 1 request is in flight")
        );
        let [api] = seen.elsewhere.as_slice() else { panic!("{seen:?}") };
        assert_eq!((api.balancer.as_str(), api.busy.total(), api.takes_new), ("api", 1, false));
        held.answer();
        let safe = ended(&proxy, number);
        assert_eq!((safe.outcome, safe.elsewhere), (Some(DrainOutcome::SafeToStop), Vec::new()));
    }
}

#[test]
fn sessions_of_another_balancer_keep_a_process_from_being_safe() {
    let (proxy, _backends) = shared("ProxySet stickysession=SID sessionwindow=1h");
    let idle = order(&proxy, "a", r#"{"settle":"0"}"#).drain;
    assert_eq!((idle.outcome, idle.safe_to_stop), (Some(DrainOutcome::Idle), false), "{idle:?}");
    assert!(idle.why.contains("in api none of its sessions could be said to be gone"), "{}", idle.why);
    let waits = order(&proxy, "a", r#"{"settle":"0","until":"no_sessions"}"#).drain;
    assert_eq!((waits.phase, waits.is_running()), (DrainPhase::Sessions, true), "{waits:?}");
    assert!(waits.why.contains("; it takes requests also in api (drain api/a too)"), "{}", waits.why);
}

#[test]
fn what_still_serves_in_another_balancer_is_told_before_anybody_stops_it() {
    let (proxy, [a, _b]) = shared("");
    let drained = |settle: &str| {
        let number = order(&proxy, "a", &format!(r#"{{"settle":"{settle}"}}"#)).drain.number;
        ended(&proxy, number)
    };
    let first = drained("10ms");
    assert_eq!(first.outcome, Some(DrainOutcome::SafeToStop));
    assert!(first.why.contains("; but it still takes requests in api (drain api/a too)"), "{}", first.why);
    assert!(first.elsewhere[0].takes_new, "{first:?}");
    proxy.edit("api", &a, r#"{"stopped":true}"#);
    let since = drain(&proxy, first.number).why;
    assert!(!since.contains("takes requests"), "that is told as it is now: {since}");
    let second = drained("20ms");
    assert!(!second.why.contains("api") && !second.elsewhere[0].takes_new, "{second:?}");
}
