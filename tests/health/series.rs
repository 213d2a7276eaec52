//! Series: how many checks in a row it takes, and what they change.

use evenkeel_protocol::EventKind::{HealthFailed, HealthPassed, MemberRetried};
use evenkeel_protocol::{EventKind, Flag, Status};
use harness::prelude::*;

/// Answers the next check with this status.
fn answer(backend: &BareBackend, status: u16) {
    let mut peer = backend.peer();
    peer.head();
    peer.says(format!("HTTP/1.0 {status} Told\r\nContent-Length: 0\r\n\r\n"));
    assert!(peer.ends());
}

/// Departure 57: httpd would set HcFl at the second 500.
#[test]
fn counts_are_of_checks_in_a_row() {
    let backend = BareBackend::new();
    let proxy = proxy(serving([format!("{backend} hcmethod=GET hcinterval=100ms hcpasses=2 hcfails=2")]));
    for (step, (status, passed, failed, words)) in [
        (200, 0, 0, "Init Ok"),
        (500, 0, 1, "Init Ok"),
        (200, 0, 0, "Init Ok"),
        (500, 0, 1, "Init Ok"),
        (500, 0, 0, "Init HcFl"),
        (200, 1, 0, "Init HcFl"),
        (500, 0, 0, "Init HcFl"),
        (200, 1, 0, "Init HcFl"),
        (200, 0, 0, "Init Ok"),
    ]
    .into_iter()
    .enumerate()
    {
        answer(&backend, status);
        let wanted = (format!("answered {status}"), passed, failed, words.to_owned());
        eventually_equal(&wanted, || {
            let member = proxy.member("app", &backend);
            let health = member.health;
            let reason = health.last.map(|last| last.reason).unwrap_or_default();
            (reason, health.passed, health.failed, member.words)
        });
        assert!(step < 9);
    }
    let told: Vec<EventKind> = proxy.admin().events(0).into_iter().map(|event| event.kind).collect();
    let member = proxy.member("app", &backend).name;
    let balancer = proxy.balancer("app").name;
    let (failed, passed) = ("answered 500".to_owned(), "answered 200".to_owned());
    assert_eq!(
        told[1..],
        [
            HealthFailed { balancer: balancer.clone(), member: member.clone(), reason: failed },
            HealthPassed {
                balancer,
                member,
                reason: passed,
                lifted: Status::NONE.with(Flag::HealthFail, true)
            },
        ]
    );
}

#[test]
fn a_member_that_fails_its_check_gets_no_requests_until_it_passes() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(serving([
        format!("{a} hcmethod=GET hcinterval=100ms"),
        format!("{b} hcmethod=GET hcinterval=100ms"),
    ]));
    assert_eq!(visits(&proxy, 4), "abab");
    a.behaves(Behaviour::Answers(Reply::status(500)));
    eventually_equal(&"Init HcFl".to_owned(), || proxy.member("app", &a).words);
    assert_eq!(visits(&proxy, 4), "bbbb");
    a.behaves(Behaviour::good());
    eventually_equal(&"Init Ok".to_owned(), || proxy.member("app", &a).words);
    assert!(visits(&proxy, 4).contains('a'));
}

#[test]
fn passes_lift_an_error_long_before_its_retry_time() {
    let a = Backend::refusing("a");
    let proxy =
        proxy(serving([format!("{a} retry=600 hcmethod=GET hcinterval=100ms hcpasses=2 hcfails=1000000")]));
    let follower = proxy.admin().follow(None);
    assert_eq!(visits(&proxy, 1), "[503]");
    assert_eq!(proxy.member("app", &a).words, "Init Err");
    a.listens();
    let event = follower.wait_for("it passed", |event| matches!(event.kind, HealthPassed { .. }));
    assert!(matches!(event.kind, HealthPassed { lifted, .. } if lifted.letters() == "E"), "{event:?}");
    let member = proxy.member("app", &a);
    assert_eq!((member.words.as_str(), member.retries), ("Init Ok", 0));
    assert!(member.error.is_some(), "the note stays until it has answered a request");
    assert_eq!(visits(&proxy, 1), "a");
    assert_eq!(proxy.member("app", &a).error, None);
}

/// Departure 62: as in httpd nothing is forced then.
#[test]
fn where_all_failed_their_checks_everybody_gets_503() {
    let [a, b] = backends(["a", "b"]);
    let sick = || Behaviour::Answers(Reply::status(500));
    let (a, b) = (a.that(sick()), b.that(sick()));
    let proxy = proxy(serving([
        format!("{a} hcmethod=GET hcinterval=100ms"),
        format!("{b} hcmethod=GET hcinterval=100ms"),
    ]));
    for backend in [&a, &b] {
        eventually_equal(&"Init HcFl".to_owned(), || proxy.member("app", backend).words);
    }
    assert_eq!(visits(&proxy, 4), "[503][503][503][503]");
    let events = proxy.admin().events(0);
    assert!(!events.iter().any(|event| matches!(event.kind, MemberRetried { .. })), "{events:?}");
    b.behaves(Behaviour::good());
    eventually_equal(&"Init Ok".to_owned(), || proxy.member("app", &b).words);
    assert_eq!(visits(&proxy, 2), "bb");
}

#[test]
fn a_waiting_request_is_served_as_soon_as_a_member_passes() {
    let a = Backend::new("a").that(Behaviour::Answers(Reply::status(500)));
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} hcmethod=GET hcinterval=100ms
            ProxySet timeout=30
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    eventually_equal(&"Init HcFl".to_owned(), || proxy.member("app", &a).words);
    let to = proxy.address();
    let client = std::thread::spawn(move || browser().try_send(to, "GET", "/", b"").unwrap().status);
    a.behaves(Behaviour::good());
    assert_eq!(client.join().unwrap(), 200);
}
