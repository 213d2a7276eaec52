//! Methods that the proxy answers itself, and those that it hands on whatever they are.

use harness::prelude::*;

#[test]
fn options_for_the_whole_server_is_answered_by_the_proxy() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    let mut client = Peer::of(&proxy);
    client.says("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
    let answer = client.answer("OPTIONS");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert!(answer.head.header("allow").is_some_and(|allow| allow.contains("POST")), "{:?}", answer.head);
    // The connection goes on.
    client.says("OPTIONS /x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.answer("OPTIONS").answered_by(), "a");
    assert_eq!((a.count(), a.last().head.word(1)), (1, "/x"));
}

#[test]
fn methods_that_are_refused_reach_no_member() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    for (name, request, status) in [
        ("trace", "TRACE / HTTP/1.1\r\nHost: x\r\nCookie: secret\r\n\r\n", 405),
        ("connect to a host", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405),
        ("connect to a path", "CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        ("a star for another method", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ] {
        let mut client = Peer::of(&proxy);
        client.says(request);
        let answer = client.answer("GET");
        assert_eq!(answer.status, status, "{name}");
        assert!(!answer.text().contains("secret"), "{name}");
    }
    assert_eq!(a.count(), 0);
}

#[test]
fn other_methods_pass_with_and_without_bodies() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    let mut one = browser().keep_alive();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "X-OWN"] {
        for body in [&b""[..], b"some body"] {
            assert_eq!(one.send(&proxy, method, "/", body).answered_by(), "a", "{method}");
            let asked = a.last();
            assert_eq!((asked.head.word(0), &asked.body[..]), (method, body));
        }
    }
}

#[test]
fn a_head_is_answered_without_a_body_however_the_member_frames_it() {
    let member = BareBackend::new();
    let proxy = proxy(serving([&member]));
    let mut client = Peer::of(&proxy);
    for (name, fields) in [
        ("a length", "Content-Length: 500\r\n"),
        ("chunks", "Transfer-Encoding: chunked\r\n"),
        ("neither", ""),
    ] {
        client.says("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut peer = member.peer();
        assert_eq!(peer.head().word(0), "HEAD");
        peer.says(format!("HTTP/1.1 200 OK\r\n{fields}Connection: close\r\n\r\n"));
        let answer = client.answer("HEAD");
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{name}");
        assert!(!answer.head.nominates("close"), "{name}: it ends where its head ends: {:?}", answer.head);
    }
    // The proxy's own pages too.
    client.says("HEAD /../ HTTP/1.1\r\nHost: x\r\n\r\n");
    let refused = client.answer("HEAD");
    assert_eq!(refused.status / 100, 4);
    assert_ne!(refused.head.header("content-length"), Some("0"));
    assert!(client.ends());
}
