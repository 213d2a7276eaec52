//! Balancers that hear nobody.

use evenkeel_protocol::EventKind;

use super::*;

/// Departure 66: httpd answers 503.
#[test]
fn without_heartbeats_requests_are_counted_and_it_is_told_once() {
    let (proxy, backends) = heard::<2>("HeartbeatListen 127.0.0.1:0");
    let follower = proxy.admin().follow(Some(0));
    assert_eq!(visits(&proxy, 4), "1212", "by requests, from the first on");
    follower.wait_for(
        "heartbeats are missed",
        |event| matches!(&event.kind, EventKind::HeartbeatsMissed { balancer } if balancer.as_str() == "app"),
    );
    assert_eq!(visits(&proxy, 4), "1212");
    beat(address(2), hearing_at(&proxy), "v=1&ready=5&busy=1");
    until_heard(&proxy, &backends[1], (5, 1));
    follower
        .wait_for("heartbeats are heard", |event| matches!(event.kind, EventKind::HeartbeatsHeard { .. }));
    assert_eq!(visits(&proxy, 4), "2222");
    let told = follower.heard();
    let about = |event: &&evenkeel_protocol::Event| {
        matches!(event.kind, EventKind::HeartbeatsMissed { .. } | EventKind::HeartbeatsHeard { .. })
    };
    assert_eq!(told.iter().filter(about).count(), 2, "{told:?}");
    assert!(proxy.log().contains("no heartbeats of members that it could elect"), "{}", proxy.log());
}

#[test]
fn a_method_changed_at_run_time_is_heeded() {
    let (proxy, backends) = heard::<2>("HeartbeatListen 127.0.0.1:0");
    let _pulses = pulses(&proxy, hearing_at(&proxy), &backends, &[(0, 3), (5, 1)]);
    assert_eq!(visits(&proxy, 4), "2222");
    proxy.edit_balancer("app", r#"{"lbmethod":"byrequests"}"#);
    let seen = visits(&proxy, 4);
    assert!(seen.contains('1') && seen.contains('2'), "{seen}");
    proxy.edit_balancer("app", r#"{"lbmethod":"heartbeat"}"#);
    assert_eq!(visits(&proxy, 4), "2222", "what was heard meanwhile counts");
}
