//! A proxy that is killed in the middle of a drain, and what the next one makes of it.

use std::fs;

use super::*;

#[test]
fn a_drain_goes_on_after_a_kill_with_what_is_left_of_its_time() {
    let (mut proxy, [a, _b]) = pair();
    proxy.edit_balancer("app", r#"{"stickysession":"SID"}"#);
    let json =
        r#"{"until":"no_sessions","timeout":"10m","on_timeout":"stop","settle":"0","reason":"deploy 42"}"#;
    let before = order(&proxy, "a", json).drain;
    assert!(before.durable && before.is_running(), "{before:?}");
    proxy.kill();
    proxy.restart();
    let after = eventually("it is looked at", || {
        Some(drain(&proxy, before.number)).filter(|drain| drain.phase == DrainPhase::Sessions)
    });
    assert!(
        after.left_ms.unwrap() <= before.left_ms.unwrap() && after.left_ms.unwrap() > 500_000,
        "{after:?}"
    );
    assert_eq!((after.began, &after.reason, &after.by), (before.began, &before.reason, &before.by));
    assert_eq!(
        (after.until, after.on_timeout, after.timeout),
        (before.until, before.on_timeout, before.timeout)
    );
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
    assert_eq!(order(&proxy, "b", r#"{"timeout":"1m","force":true}"#).drain.number, before.number + 1);
    drop(a);
}

#[test]
fn a_deadline_that_passed_while_the_proxy_was_down_decides_nothing_and_is_told() {
    let (mut proxy, _backends) = pair();
    proxy.edit_balancer("app", r#"{"stickysession":"SID"}"#);
    let json = r#"{"until":"no_sessions","timeout":"700ms","on_timeout":"cut","settle":"0"}"#;
    let number = order(&proxy, "a", json).drain.number;
    assert!(drain(&proxy, number).is_running(), "the test was too slow to kill it in time");
    proxy.kill();
    let down = Stopwatch::start();
    eventually_true("the time passes", || down.elapsed().as_millis() > 800);
    proxy.restart();
    let late = drain(&proxy, number);
    assert_eq!((late.outcome, late.safe_to_stop), (Some(DrainOutcome::KeptDraining), false), "{late:?}");
    assert!(late.why.contains("while the proxy was down"), "{}", late.why);
    assert!(late.why.ends_with("it went on draining, and was not cut off unseen"), "{}", late.why);
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
    let told = proxy.admin().events(0);
    assert!(told.iter().any(|it| matches!(it.kind, EventKind::DrainEnded { drain, .. } if drain == number)));
}

#[test]
fn an_outcome_is_still_known_after_a_restart_and_safe_only_after_another_look() {
    let (mut proxy, _backends) = pair();
    let number = order(&proxy, "a", r#"{"settle":"2s"}"#).drain.number;
    assert_eq!(ended(&proxy, number).outcome, Some(DrainOutcome::SafeToStop));
    proxy.stop();
    let since = Stopwatch::start();
    proxy.restart();
    let after = drain(&proxy, number);
    let (up, quiet) = (since.elapsed().as_millis(), u128::from(after.quiet_ms.unwrap_or_default()));
    assert_eq!(after.outcome, Some(DrainOutcome::SafeToStop), "{after:?}");
    assert!(quiet <= up && after.safe_to_stop == (quiet >= 2_000), "{after:?} after {up} ms");
    eventually_true("it settles again", || drain(&proxy, number).safe_to_stop);
}

#[test]
fn an_outcome_that_somebody_was_told_survives_a_kill_at_that_moment() {
    let (mut proxy, [a, _b]) = pair();
    for policy in ["fail", "stop", "restore"] {
        let held = Held::by(&proxy, &a);
        let json = format!(r#"{{"timeout":"100ms","on_timeout":"{policy}"}}"#);
        let number = order(&proxy, "a", &json).drain.number;
        let told = ended(&proxy, number);
        proxy.kill();
        proxy.restart();
        let after = drain(&proxy, number);
        assert_eq!((after.outcome, &after.why), (told.outcome, &told.why));
        let events = proxy.admin().events(0);
        let ends = events
            .iter()
            .filter(|event| matches!(event.kind, EventKind::DrainEnded { drain, .. } if drain == number));
        assert_eq!(ends.count(), 1, "{policy}");
        held.finish();
        proxy.edit("app", "a", r#"{"drain":false,"stopped":false}"#);
    }
}

#[test]
fn a_damaged_file_is_set_aside_aloud_and_members_keep_draining() {
    let (mut proxy, _backends) = pair();
    order(&proxy, "a", r#"{"timeout":"10m"}"#);
    proxy.kill();
    let file = proxy.run_folder().join("drains.state");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    proxy.restart();
    assert_eq!(proxy.admin().get::<Vec<Drain>>(&Call::Drains), []);
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
    assert_eq!(fs::read(proxy.run_folder().join("drains.state.damaged")).unwrap(), bytes);
    eventually_true("the log tells it", || proxy.log().contains("the file of drains is damaged"));
}

#[test]
fn where_edits_do_not_last_drains_do_not_either_and_say_so() {
    let [a, b] = backends(["a", "b"]);
    let mut proxy = proxy(format!("BalancerPersist Off\n{}", text(&a, &b)));
    let answer = order(&proxy, "a", r#"{"timeout":"10m"}"#);
    assert!(!answer.drain.durable && !answer.edited.unwrap().durable);
    proxy.kill();
    proxy.restart();
    assert_eq!(proxy.admin().get::<Vec<Drain>>(&Call::Drains), []);
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
}

#[test]
fn a_disk_that_fails_stops_no_drain() {
    let (proxy, _backends) = pair();
    fs::create_dir(proxy.run_folder().join("drains.state.next")).unwrap();
    let number = order(&proxy, "a", r#"{"settle":"100ms"}"#).drain.number;
    assert!(!drain(&proxy, number).durable);
    assert_eq!(ended(&proxy, number).outcome, Some(DrainOutcome::SafeToStop));
}
