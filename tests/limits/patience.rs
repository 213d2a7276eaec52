//! How long a member may take: its time-out, from when it had to do something, whatever came before.

use std::time::Duration;

use harness::prelude::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Nothing happens for so long.
fn pause(milliseconds: u64) {
    within(Duration::from_millis(milliseconds), || None::<()>);
}

#[test]
fn a_member_has_its_time_from_the_end_of_a_slow_body() {
    for (name, head, first, last) in [
        ("length", "Content-Length: 2", "a", "b"),
        ("chunks", "Transfer-Encoding: chunked", "1\r\na\r\n", "1\r\nb\r\n0\r\n\r\n"),
    ] {
        let backend = BareBackend::new();
        let proxy = proxy(serving([format!("{backend} timeout=1")]));
        let mut client = Peer::of(&proxy);
        client.says(format!("POST / HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n{first}"));
        let mut member = backend.peer();
        member.head();
        member.hears(first.len());
        pause(1300);
        client.says(last);
        member.hears(last.len());
        pause(300);
        member.says(OK);
        assert_eq!(client.answer("POST").status, 200, "{name}");
    }
}

#[test]
fn a_member_has_its_time_from_the_end_of_a_slow_head() {
    let backend = BareBackend::new();
    let proxy = proxy_with_threads(1, serving([format!("{backend} timeout=1")]));
    let mut client = Peer::of(&proxy);
    let (front, rest) = GET.split_at(9);
    client.says(front);
    pause(1300);
    client.says(rest);
    let mut member = backend.peer();
    member.head();
    pause(300);
    member.says(OK);
    assert_eq!(client.answer("GET").status, 200);
}

#[test]
fn a_member_has_its_time_from_when_a_request_has_its_place() {
    let backend = BareBackend::new();
    let proxy = proxy_with_threads(4, serving([format!("{backend} timeout=1 max=1 disablereuse=On")]));
    let mut clients: Vec<Peer> = (0..6).map(|_| Peer::of(&proxy)).collect();
    for client in &mut clients {
        client.says(GET);
    }
    for _ in 0..clients.len() {
        let mut member = backend.peer();
        member.head();
        pause(600);
        member.says(OK);
    }
    for client in &mut clients {
        assert_eq!(client.answer("GET").status, 200);
    }
}

#[test]
fn an_upload_that_has_moved_keeps_a_silent_member_only_for_its_time() {
    let backend = BareBackend::new();
    let proxy = proxy(serving([format!("{backend} timeout=1")]));
    let mut client = Peer::of(&proxy);
    client.says("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    let mut member = backend.peer();
    member.head();
    member.hears(3);
    member.says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab");
    assert_eq!(client.head().word(1), "200");
    pause(500);
    client.says("d");
    member.hears(1);
    // From here on, both are silent.
    let ended = within(Duration::from_secs(4), || (proxy.busy() == 0).then_some(()));
    assert!(ended.is_some(), "it is still waited for");
}
