//! The way out of the error state: the retry time, and a member that is there again.

use evenkeel_protocol::EventKind::{MemberFailed, MemberRecovered, MemberRetried};
use harness::prelude::*;

fn pair(parameters: &str) -> (Proxy, Backend, Backend) {
    let (sick, well) = (Backend::refusing("sick"), Backend::new("well"));
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {sick} route=sick {parameters}
            BalancerMember {well} route=well
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    (proxy, sick, well)
}

#[test]
fn a_member_is_tried_again_after_its_retry_time_and_clients_never_notice() {
    let (proxy, sick, _well) = pair("retry=1");
    let follower = proxy.admin().follow(None);
    assert_eq!(visits(&proxy, 2), "wellwell");
    assert_eq!(proxy.member("app", "sick").words, "Init Err");

    eventually("it was tried again", || {
        assert_eq!(browser().get(&proxy, "/").answered_by(), "well");
        (proxy.member("app", "sick").elected == 2).then_some(())
    });
    assert_eq!(proxy.member("app", "sick").retries, 1);

    sick.listens();
    eventually("it answers again", || (browser().get(&proxy, "/").answered_by() == "sick").then_some(()));
    let member = proxy.member("app", "sick");
    assert_eq!((member.words.as_str(), member.retries, member.error), ("Init Ok", 0, None));

    follower.wait_for("it recovered", |event| matches!(event.kind, MemberRecovered { .. }));
    let kinds: Vec<&str> = follower
        .heard()
        .iter()
        .filter_map(|event| match event.kind {
            MemberFailed { .. } => Some("failed"),
            MemberRetried { .. } => Some("retried"),
            MemberRecovered { .. } => Some("recovered"),
            _ => None,
        })
        .collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"failed"), Some(&"recovered")), "{kinds:?}");
    assert!(kinds.contains(&"retried"), "{kinds:?}");
}

#[test]
fn retry_zero_tries_each_time_its_turn_comes() {
    let (proxy, _sick, _well) = pair("retry=0");
    assert_eq!(visits(&proxy, 6), "well".repeat(6));
    assert!(proxy.member("app", "sick").elected >= 3, "{:?}", proxy.member("app", "sick"));
}

#[test]
fn a_stopped_member_is_not_retried() {
    let (proxy, sick, _well) = pair("retry=1");
    visits(&proxy, 1);
    proxy.edit("app", "sick", r#"{"stopped":true}"#);
    sick.listens();
    let watch = Stopwatch::start();
    eventually_true("its retry time has long passed", || {
        assert_eq!(visits(&proxy, 1), "well");
        watch.elapsed().as_millis() > 1500
    });
    assert_eq!(proxy.member("app", "sick").words, "Init Stop Err");
    proxy.edit("app", "sick", r#"{"stopped":false}"#);
    assert!(visits(&proxy, 4).contains("sick"));
}

#[test]
fn a_request_waits_for_a_member_if_its_balancer_says_so() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a status=+D
            ProxySet timeout=30
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    let to = proxy.address();
    let clients: Vec<_> = (0..3)
        .map(|_| std::thread::spawn(move || browser().try_send(to, "GET", "/", b"").unwrap().status))
        .collect();
    // Nobody was given up meanwhile, and nobody holds a member while waiting.
    assert!(
        within(patience() / 40, || clients.iter().any(std::thread::JoinHandle::is_finished).then_some(()))
            .is_none()
    );
    assert_eq!(proxy.busy(), 0);
    proxy.edit("app", "a", r#"{"disabled":false}"#);
    assert_eq!(clients.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>(), [200, 200, 200]);
}

#[test]
fn nobody_usable_in_time_is_503() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} status=+D
            ProxySet timeout=1
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    let watch = Stopwatch::start();
    assert_eq!(visits(&proxy, 1), "[503]");
    assert!(watch.elapsed().as_millis() >= 900, "gave up after {:?}", watch.elapsed());
}
