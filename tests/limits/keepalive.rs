//! How long and how often the connection of a client may be used.

use std::time::Duration;

use harness::prelude::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn an_idle_connection_ends_after_its_time_and_not_before() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("KeepAliveTimeout 1\nRequestReadTimeout header=20\n{}", serving([&a])));
    let mut client = Peer::of(&proxy);
    let watch = Stopwatch::start();
    // Each request begins the time anew.
    while watch.elapsed() < Duration::from_millis(1500) {
        client.says(GET);
        assert_eq!(client.answer("GET").status, 200);
        assert!(!client.hears_something_within(Duration::from_millis(300)));
    }
    client.says(GET);
    assert_eq!(client.answer("GET").status, 200);
    let watch = Stopwatch::start();
    assert!(client.ends());
    let took = watch.elapsed();
    assert!(took > Duration::from_millis(800) && took < Duration::from_secs(3), "took {took:?}");
    assert_eq!(proxy.busy(), 0);
}

#[test]
fn the_time_counts_only_until_a_request_begins() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("KeepAliveTimeout 1\n{}", serving([&a])));
    let mut client = Peer::of(&proxy);
    client.says(GET);
    assert_eq!(client.answer("GET").status, 200);
    client.says(&GET[..5]);
    assert!(!client.hears_something_within(Duration::from_millis(1300)));
    client.says(&GET[5..]);
    assert_eq!(client.answer("GET").status, 200);
}

#[test]
fn the_last_request_that_a_connection_may_carry_is_told_so() {
    let [a] = backends(["a"]);
    for (settings, most) in [
        ("MaxKeepAliveRequests 3", Some(3)),
        ("MaxKeepAliveRequests 1", Some(1)),
        ("KeepAlive Off", Some(1)),
        ("MaxKeepAliveRequests 0", None),
    ] {
        let proxy = proxy(format!("{settings}\nProxyPass /none !\n{}", serving([&a])));
        let mut client = Peer::of(&proxy);
        for number in 1..=most.unwrap_or(150) {
            // The proxy's own answers count as well.
            let path = if number == 2 { "/none" } else { "/" };
            client.says(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
            let answer = client.answer("GET");
            assert_eq!(answer.head.nominates("close"), Some(number) == most, "{settings}: {number}");
        }
        if most.is_some() {
            client.shuts();
            assert!(client.ends(), "{settings}");
        }
    }
}

#[test]
fn requests_behind_the_last_one_are_not_served_and_cost_no_answer() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("MaxKeepAliveRequests 2\n{}", serving([&a])));
    let mut client = Peer::of(&proxy);
    client.says("GET /?size=100000 HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2000));
    assert_eq!(client.answer("GET").body.len(), 100_000);
    let last = client.answer("GET");
    assert_eq!((last.body.len(), last.head.nominates("close")), (100_000, true));
    client.shuts();
    assert!(client.ends());
    assert_eq!(a.count(), 2);
}
