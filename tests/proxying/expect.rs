//! `Expect: 100-continue` from end to end: who tells the client to go on, when, and that it is told once.

use std::time::Duration;

use harness::prelude::*;

const ASK: &str = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
const GO_ON: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn asking(settings: &str, ask: &str) -> (Proxy, BareBackend, Peer, Peer) {
    let backend = BareBackend::new();
    let proxy = proxy(format!("{settings}\n{}", serving([&backend])));
    let mut client = Peer::of(&proxy);
    client.says(ask);
    let member = backend.peer();
    (proxy, backend, client, member)
}

#[test]
fn the_member_tells_the_client_to_go_on() {
    let (_proxy, _backend, mut client, mut member) = asking("", ASK);
    assert_eq!(member.head().header("expect"), Some("100-continue"));
    assert!(!client.hears_something_within(Duration::from_millis(50)), "nobody has told it yet");
    member.says(GO_ON);
    assert_eq!(client.head().word(1), "100");
    client.says("abc");
    assert_eq!(member.hears(3), b"abc");
    member.says(OK);
    assert_eq!(client.head().word(1), "200");
    client.hears(2);
    // Both connections go on.
    client.says(ASK);
    assert_eq!(member.head().word(0), "POST");
}

#[test]
fn a_member_that_refuses_at_once_is_heard_and_nothing_waits_for_the_body() {
    for status in ["401 Unauthorized", "417 Expectation Failed", "200 OK"] {
        let (proxy, backend, mut client, mut member) = asking("", ASK);
        member.head();
        member.says(format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno"));
        let answer = client.answer("POST");
        assert_eq!((&status[..3], answer.text().as_str()), (answer.status.to_string().as_str(), "no"));
        // Whether its body still comes is not known, so nothing may follow on either connection.
        assert!(answer.head.nominates("close"), "{:?}", answer.head);
        eventually_equal(&0, || proxy.busy());
        assert!(member.ends(), "{status}");
        drop(client.try_says("abcGET /next HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert!(client.is_let_go(), "{status}");
        assert!(!backend.is_called(), "{status}: the body was taken for a request");
    }
}

#[test]
fn a_silent_member_costs_a_second_and_its_late_word_is_swallowed() {
    let (_proxy, _backend, mut client, mut member) = asking("", ASK);
    member.head();
    let watch = Stopwatch::start();
    assert_eq!(client.head().word(1), "100");
    assert!(watch.elapsed() > Duration::from_millis(700), "told after {:?}", watch.elapsed());
    assert!(watch.elapsed() < Duration::from_secs(4), "told after {:?}", watch.elapsed());
    member.says(GO_ON);
    assert!(!client.hears_something_within(Duration::from_millis(50)), "it was told twice");
    client.says("abc");
    assert_eq!(member.hears(3), b"abc");
    member.says([GO_ON, OK].concat());
    assert_eq!(client.head().word(1), "200");
}

#[test]
fn a_client_that_does_not_wait_is_not_kept_waiting() {
    for rest in ["", "abc"] {
        let (_proxy, _backend, mut client, mut member) = asking("", &[ASK, rest].concat());
        let watch = Stopwatch::start();
        member.head();
        client.says(&"abc"[rest.len()..]);
        assert_eq!(member.hears(3), b"abc");
        assert!(watch.elapsed() < Duration::from_millis(700), "took {:?}", watch.elapsed());
        member.says(OK);
        assert_eq!(client.answer("POST").text(), "ok");
    }
}

#[test]
fn where_members_are_not_to_be_asked_the_proxy_tells_the_client_at_once() {
    let watch = Stopwatch::start();
    let (_proxy, _backend, mut client, mut member) = asking("Proxy100Continue Off", ASK);
    assert_eq!(member.head().header("expect"), None);
    assert_eq!(client.head().word(1), "100");
    assert!(watch.elapsed() < Duration::from_millis(700), "told after {:?}", watch.elapsed());
    client.says("abc");
    assert_eq!(member.hears(3), b"abc");
    member.says(OK);
    assert_eq!(client.head().word(1), "200");
}

#[test]
fn http_1_0_knows_no_expectation() {
    let ask = "POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc";
    let (_proxy, _backend, mut client, mut member) = asking("", ask);
    assert_eq!(member.head().header("expect"), None);
    assert_eq!(member.hears(3), b"abc");
    member.says([GO_ON, OK].concat());
    assert_eq!(client.head().word(1), "200");
}

#[test]
fn who_expects_and_has_no_body_is_told_nothing() {
    let ask = "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n";
    let (_proxy, _backend, mut client, mut member) = asking("", ask);
    assert_eq!(member.head().word(0), "GET");
    member.says(OK);
    assert_eq!(client.head().word(1), "200");
}

#[test]
fn a_page_of_the_proxy_comes_instead_of_a_go_ahead() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("LimitRequestBody 2\nProxyPass /none !\n{}", serving([&a])));
    for (ask, status) in [(ASK.to_owned(), 413), (ASK.replace("POST /", "POST /none"), 404)] {
        let mut client = Peer::of(&proxy);
        client.says(ask);
        assert_eq!(client.head().word(1), status.to_string());
    }
    assert_eq!(a.count(), 0);
}
