//! Connections that were kept and are not what they were: closed, reset, or with words on them that nobody asked for.

use harness::prelude::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A client and a member whose connections have carried one exchange and are idle.
fn kept() -> (Proxy, BareBackend, Peer, Peer) {
    let backend = BareBackend::new();
    let proxy = proxy(serving([&backend]));
    let mut client = Peer::of(&proxy);
    client.says("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut member = backend.peer();
    member.head();
    member.says(OK);
    assert_eq!(client.answer("GET").text(), "ok");
    (proxy, backend, client, member)
}

/// How a member ends a connection on which a request has arrived.
fn end(member: Peer, how: &str) {
    match how {
        "closes" => drop(member),
        _ => member.resets(),
    }
}

#[test]
fn what_may_be_done_twice_is_sent_once_more_on_a_fresh_connection() {
    for how in ["closes", "resets"] {
        for (method, fields, repeated) in [
            ("GET", "", true),
            ("HEAD", "", true),
            ("OPTIONS", "", true),
            ("DELETE", "", true),
            ("PUT", "", true),
            ("PUT", "Content-Length: 3\r\n", false),
            ("GET", "Content-Length: 3\r\n", false),
            ("POST", "", false),
            ("POST", "Content-Length: 3\r\n", false),
            ("PATCH", "Content-Length: 3\r\n", false),
            ("PROPFIND", "", false),
        ] {
            let (proxy, backend, mut client, mut member) = kept();
            let body = if fields.is_empty() { "" } else { "abc" };
            client.says(format!("{method} /second HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}"));
            // It has seen all of it, and may have acted on it.
            assert_eq!(member.head().word(1), "/second");
            member.hears(body.len());
            end(member, how);
            if repeated {
                let mut fresh = backend.peer();
                assert_eq!((fresh.head().word(0), how), (method, how));
                fresh.says(if method == "HEAD" {
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
                } else {
                    OK
                });
                assert_eq!(client.answer(method).status, 200, "{method} {fields:?} {how}");
            } else {
                assert_eq!(client.answer(method).status, 502, "{method} {fields:?} {how}");
                assert!(!backend.is_called(), "{method} {fields:?} {how}: it was sent twice");
            }
            eventually_equal(&0, || proxy.busy());
            assert_eq!(proxy.member("app", backend.address()).words, "Init Ok");
        }
    }
}

#[test]
fn what_was_sent_once_more_is_not_sent_a_third_time() {
    let (_proxy, backend, mut client, mut member) = kept();
    client.says("GET /second HTTP/1.1\r\nHost: x\r\n\r\n");
    member.head();
    drop(member);
    let mut fresh = backend.peer();
    fresh.head();
    fresh.resets();
    assert_eq!(client.answer("GET").status, 502);
    assert!(!backend.is_called());
}

#[test]
fn an_answer_that_has_begun_is_not_asked_for_again() {
    for (begun, expected) in [
        ("H", "502"),
        ("HTTP/1.1 200 OK\r\nContent-", "502"),
        ("HTTP/1.1 100 Continue\r\n\r\n", "502"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "broken off"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "broken off"),
    ] {
        for how in ["closes", "resets"] {
            let (_proxy, backend, mut client, mut member) = kept();
            client.says("GET /second HTTP/1.1\r\nHost: x\r\n\r\n");
            member.head();
            member.says(begun);
            if expected == "broken off" {
                // What came is passed on, as far as it came.
                assert_eq!(client.head().word(1), "200");
            }
            end(member, how);
            if expected == "broken off" {
                let rest = client.rest().unwrap_or_default();
                assert!(!rest.ends_with(b"0\r\n\r\n") && rest.len() < 9, "{begun:?} {how} looks whole");
            } else {
                assert_eq!(client.answer("GET").status.to_string(), expected, "{begun:?} {how}");
            }
            assert!(!backend.is_called(), "{begun:?} {how}: it was asked for again");
        }
    }
}

#[test]
fn words_that_nobody_asked_for_are_nobodys_answer() {
    for words in [
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        "HTTP/1.1 408 Request Timeout\r\n\r\n",
        "\r\n",
        "x",
    ] {
        // Behind an answer, and later.
        for at_once in [true, false] {
            let backend = BareBackend::new();
            let proxy = proxy(serving([&backend]));
            let mut client = Peer::of(&proxy);
            client.says("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            let mut member = backend.peer();
            member.head();
            if at_once {
                member.says([OK, words].concat());
                assert_eq!(client.answer("GET").text(), "ok");
            } else {
                member.says(OK);
                assert_eq!(client.answer("GET").text(), "ok");
                member.says(words);
            }
            client.says("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
            let mut fresh = backend.peer();
            assert_eq!(fresh.head().word(0), "POST", "{words:?}");
            fresh.hears(3);
            fresh.says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
            assert_eq!(client.answer("POST").text(), "good", "{words:?}");
            assert!(member.is_let_go());
        }
    }
}

#[test]
fn an_answer_without_a_body_that_has_one_spoils_its_connection() {
    for (method, answer) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\nevil"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nevil"),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nevil"),
    ] {
        let (_proxy, backend, mut client, mut member) = kept();
        client.says(format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n"));
        member.head();
        member.says(answer);
        assert!(client.answer(method).body.is_empty(), "{answer:?}");
        client.says("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut fresh = backend.peer();
        assert_eq!(fresh.head().word(1), "/next");
        fresh.says(OK);
        assert_eq!(client.answer("GET").text(), "ok", "{answer:?}");
    }
}
