//! Answers before the answer: hints for the client, and what a client did not ask for.

use harness::prelude::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const HINT: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-Private: 1\r\nConnection: X-Private\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn hints_reach_the_client_before_the_answer() {
    let member = BareBackend::new();
    let proxy = proxy(serving([&member]));
    let mut client = Peer::of(&proxy);
    client.says(GET);
    let mut peer = member.peer();
    peer.head();
    for _ in 0..2 {
        peer.says(HINT);
        let hint = client.head();
        assert_eq!((hint.word(1), hint.header("link")), ("103", Some("</a.css>; rel=preload")));
        assert_eq!(hint.header("x-private"), None, "{hint:?}");
        assert_eq!(hint.header("content-length").or(hint.header("transfer-encoding")), None, "{hint:?}");
    }
    // Two at once, and the answer right behind them.
    peer.says([HINT, "HTTP/1.1 102 Processing\r\n\r\n", OK].concat());
    assert_eq!(client.head().word(1), "103");
    assert_eq!(client.head().word(1), "102");
    assert_eq!(client.answer("GET").text(), "ok");
    assert_eq!(proxy.member("app", member.address()).served, 1);
    // Both connections go on.
    client.says(GET);
    peer.head();
    peer.says(OK);
    assert_eq!(client.answer("GET").text(), "ok");
}

#[test]
fn clients_of_http_1_0_get_only_the_answer() {
    let member = BareBackend::new();
    let proxy = proxy(serving([&member]));
    let mut client = Peer::of(&proxy);
    client.says("GET / HTTP/1.0\r\n\r\n");
    let mut peer = member.peer();
    peer.head();
    peer.says([HINT, "HTTP/1.1 100 Continue\r\n\r\n", OK].concat());
    assert_eq!(client.head().word(1), "200");
}

#[test]
fn a_go_ahead_that_nobody_asked_for_is_kept_from_the_client() {
    let member = BareBackend::new();
    let proxy = proxy(serving([&member]));
    let mut client = Peer::of(&proxy);
    client.says(GET);
    let mut peer = member.peer();
    peer.head();
    peer.says(["HTTP/1.1 100 Continue\r\n\r\n", OK].concat());
    assert_eq!(client.head().word(1), "200");
}

#[test]
fn hints_without_end_are_502() {
    let member = BareBackend::new();
    let proxy = proxy(serving([&member]));
    let mut client = Peer::of(&proxy);
    client.says(GET);
    let mut peer = member.peer();
    peer.head();
    peer.says(HINT.repeat(200));
    assert_eq!(client.answer("GET").status, 502);
    assert!(peer.is_let_go());
}

#[test]
fn an_answer_that_fails_behind_a_hint_is_a_whole_502() {
    let member = BareBackend::new();
    let proxy = proxy(serving([&member]));
    let mut client = Peer::of(&proxy);
    client.says(GET);
    let mut peer = member.peer();
    peer.head();
    peer.says(HINT);
    assert_eq!(client.head().word(1), "103");
    drop(peer);
    assert_eq!(client.answer("GET").status, 502);
    assert!(!member.is_called(), "a member that has begun to answer has done something");
}
