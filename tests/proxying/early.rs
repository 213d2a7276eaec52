//! Answers that come before the request has ended, and ends that come early: nothing of a body is ever taken for a
//! request.

use std::time::Duration;

use harness::prelude::*;

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn what_is_left_of_a_body_is_no_request_on_either_side() {
    for framing in ["Content-Length: 5000", "Transfer-Encoding: chunked"] {
        let backend = BareBackend::new();
        let proxy = proxy(serving([&backend]));
        let mut client = Peer::of(&proxy);
        let begin = if framing.starts_with('C') { "abc" } else { "1000\r\nabc" };
        client.says(format!("POST / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{begin}"));
        let mut member = backend.peer();
        member.head();
        member.hears(3);
        member.says("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        let answer = client.answer("POST");
        assert_eq!((answer.status, answer.head.nominates("close")), (403, true), "{framing}");
        drop(client.try_says(SMUGGLED));
        client.shuts();
        assert!(client.is_let_go(), "{framing}");
        eventually_equal(&0, || proxy.busy());
        // What of it was on its way is body; the connection ends with it.
        let rest = member.rest().unwrap_or_default();
        assert!(!rest.starts_with(b"GET"), "{framing}: {}", String::from_utf8_lossy(&rest));
        assert!(!backend.is_called(), "{framing}: the rest of the body was taken for a request");
    }
}

#[test]
fn a_page_of_the_proxy_leaves_no_body_behind() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("ProxyPass /none !\n{}", serving([&a])));
    for (name, request, goes_on) in [
        ("no body", "GET /none HTTP/1.1\r\nHost: x\r\n\r\n", true),
        ("an empty one", "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", true),
        ("all of it is here", "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", true),
        ("some is missing", "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\nabc", false),
        (
            "chunks",
            "POST /none HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            false,
        ),
    ] {
        let before = a.count();
        let mut client = Peer::of(&proxy);
        // In one piece, so that it is known what is here.
        client.says([request, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"].concat());
        let answer = client.answer("POST");
        assert_eq!((answer.status, answer.head.nominates("close")), (404, !goes_on), "{name}");
        if goes_on {
            assert_eq!(client.answer("GET").answered_by(), "a", "{name}");
        } else {
            client.shuts();
            assert!(client.ends(), "{name}");
        }
        assert_eq!(a.count() - before, usize::from(goes_on), "{name}");
    }
}

#[test]
fn a_client_that_ends_in_its_body_takes_its_member_s_connection_along() {
    for (framing, body) in [
        ("Content-Length: 10", "abc"),
        ("Transfer-Encoding: chunked", "3\r\nabc\r\n"),
        ("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n"),
    ] {
        let backend = BareBackend::new();
        let proxy = proxy(serving([&backend]));
        let mut client = Peer::of(&proxy);
        client.says(format!("POST / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{body}"));
        let mut member = backend.peer();
        member.head();
        client.shuts();
        assert_eq!(client.answer("POST").status, 400, "{body:?}");
        let rest = String::from_utf8(member.rest().unwrap_or_default()).unwrap();
        assert!(!rest.contains("0\r\n\r\n"), "{rest:?} looks whole");
        eventually_equal(&0, || proxy.busy());
        assert_eq!(proxy.member("app", backend.address()).words, "Init Ok");
    }
}

#[test]
fn a_client_that_sends_nothing_more_gets_all_that_it_asked_for() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    let mut client = Peer::of(&proxy);
    client.says(
        "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /2?size=100000 HTTP/1.1\r\nHost: x\r\n\r\n\
         GET /3 HTTP/1.1\r\nHost: x\r\n\r\n",
    );
    client.shuts();
    let sizes: Vec<usize> = ["POST", "GET", "GET"].map(|method| client.answer(method).body.len()).into();
    assert_eq!(sizes, [6, 100_000, 6]);
    assert!(client.ends());
}

#[test]
fn a_body_that_breaks_behind_an_early_answer_ends_there() {
    let rest = ["3ff\r\n", &"x".repeat(1023), "\r\n0\r\n\r\n"].concat();
    for (name, bad, rest) in [
        ("no chunk", "zz\r\n", "3\r\ndef\r\n0\r\n\r\n"),
        ("more than LimitRequestBody", &rest, "3\r\ndef\r\n0\r\n\r\n"),
        ("more of it", &rest[..200], &rest[200..]),
    ] {
        let backend = BareBackend::new();
        let proxy = proxy(format!("LimitRequestBody 100\n{}", serving([&backend])));
        let mut client = Peer::of(&proxy);
        client.says("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        let mut member = backend.peer();
        member.head();
        member.hears("3\r\nabc\r\n".len());
        member.says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na");
        assert_eq!(client.head().word(1), "200", "{name}");
        client.hears(1);
        client.says(bad);
        let silent = |member: &mut Peer| !member.hears_something_within(Duration::from_millis(200));
        assert!(silent(&mut member), "{name}");
        drop(client.try_says(rest));
        member.says("b");
        assert!(silent(&mut member), "{name}: the member gets more, with a hole before it");
        member.says("cd");
        assert_eq!(client.hears(3), b"bcd", "{name}");
    }
}
