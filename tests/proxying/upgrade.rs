//! Connections that ask for another protocol: who may have it, and what becomes of all others.

use harness::prelude::*;

const ASK: &str = "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: yes\r\n\r\n";

#[test]
fn an_upgrade_that_is_allowed_becomes_a_tunnel() {
    for scheme in ["http", "ws"] {
        let backend = BareBackend::new();
        let parameter = if scheme == "http" { "upgrade=WebSocket" } else { "" };
        let proxy = proxy(serving([format!("{scheme}://{} {parameter}", backend.address())]));
        let mut client = Peer::of(&proxy);
        // Both ends send ahead of the switch.
        client.says([ASK, "ahead of it"].concat());
        let mut member = backend.peer();
        let head = member.head();
        assert_eq!((head.word(1), head.header("upgrade")), ("/chat", Some("websocket")));
        assert!(head.nominates("upgrade") && !head.nominates("keep-alive"), "{head:?}");
        assert_eq!(head.header("sec-websocket-version"), Some("13"));
        member.says([SWITCH, "with it"].concat());
        let switched = client.head();
        assert_eq!((switched.word(1), switched.header("upgrade")), ("101", Some("websocket")));
        assert_eq!(switched.header("sec-websocket-accept"), Some("yes"));
        assert!(switched.nominates("upgrade") && !switched.nominates("close"), "{switched:?}");
        assert_eq!((client.hears(7), member.hears(11)), (b"with it".to_vec(), b"ahead of it".to_vec()));
        // From now on bytes are bytes.
        client.says("GET /evil HTTP/1.1\r\n\r\n");
        assert_eq!(member.hears(22), b"GET /evil HTTP/1.1\r\n\r\n");
        member.says("HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(client.hears(19), b"HTTP/1.1 200 OK\r\n\r\n");
        assert!(!backend.is_called());
    }
}

#[test]
fn an_upgrade_that_is_not_allowed_is_not_offered() {
    for (parameter, asked, offered) in [
        ("", "websocket", None),
        ("upgrade=NONE", "websocket", None),
        ("upgrade=WebSocket", "h2c", None),
        ("upgrade=WebSocket", "foo/2", None),
        ("upgrade=WebSocket", "WEBSOCKET", Some("WEBSOCKET")),
        ("upgrade=ANY", "foo/2", Some("foo/2")),
        ("upgrade=ANY", "h2c", None),
        ("upgrade=ANY", "websocket, h2c", None),
        ("upgrade=h2c", "h2c", None),
    ] {
        let [a] = backends(["a"]);
        let proxy = proxy(serving([format!("{a} {parameter}")]));
        let mut client = Peer::of(&proxy);
        client.says(format!(
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: {asked}\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n"
        ));
        let answer = client.answer("GET");
        assert_eq!(answer.status, 200, "{parameter} {asked}");
        let head = a.last().head;
        assert_eq!(head.header("upgrade"), offered, "{parameter} {asked}");
        assert_eq!(head.header("http2-settings"), None, "{parameter} {asked}");
        assert_eq!(head.nominates("upgrade"), offered.is_some(), "{parameter} {asked}");
        // Where nothing was offered, the connection is one like any other.
        assert_eq!(answer.head.nominates("close"), offered.is_some(), "{parameter} {asked}");
    }
}

#[test]
fn requests_that_cannot_be_followed_by_a_tunnel_are_not_offered_one() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([format!("{a} upgrade=ANY")]));
    for (name, request) in [
        (
            "a body",
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\na",
        ),
        (
            "a POST",
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
        ),
        ("HTTP/1.0", "GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
        ("not nominated", "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"),
    ] {
        let mut client = Peer::of(&proxy);
        client.says(request);
        assert_eq!(client.answer("GET").status, 200, "{name}");
        assert_eq!(a.last().head.header("upgrade"), None, "{name}");
    }
}

#[test]
fn a_member_that_goes_on_as_before_is_heard_and_both_connections_end() {
    let backend = BareBackend::new();
    let proxy = proxy(serving([format!("{backend} upgrade=WebSocket")]));
    let mut client = Peer::of(&proxy);
    // Is what follows a request or what a tunnel was to carry? Nobody knows.
    client.says([ASK, "GET /evil HTTP/1.1\r\nHost: x\r\n\r\n"].concat());
    let mut member = backend.peer();
    member.head();
    member.says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let answer = client.answer("GET");
    assert_eq!((answer.text().as_str(), answer.head.nominates("close")), ("ok", true));
    client.shuts();
    assert!(client.ends());
    assert!(!backend.is_called());
    assert_eq!((proxy.busy(), proxy.member("app", backend.address()).served), (0, 1));
}

#[test]
fn a_long_answer_instead_of_a_tunnel_reaches_a_client_that_goes_on_talking() {
    let a = Backend::new("a").that(Behaviour::Answers(Reply::size(200_000)));
    let proxy = proxy(serving([format!("{a} upgrade=WebSocket")]));
    let mut client = Peer::of(&proxy);
    client.says([ASK.to_owned(), "x".repeat(100_000)].concat());
    assert_eq!(client.answer("GET").body.len(), 200_000);
    client.shuts();
    assert!(client.ends(), "it was reset, which can cost the answer");
}
