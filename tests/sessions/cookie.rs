//! `routecookie`: the cookie that the proxy sets by itself, and that `stickysession` reads back.

use harness::prelude::*;

fn members(settings: &str, mapping: &str) -> (Proxy, [Backend; 3]) {
    let backends = backends(["1", "2", "3"]);
    let lines: Vec<String> = backends
        .iter()
        .zip(["route=a", "route=b", ""])
        .map(|(backend, route)| format!("BalancerMember {backend} {route}\n"))
        .collect();
    let proxy = proxy(format!(
        "<Proxy balancer://app>\n{}ProxySet routecookie=R {settings}\n</Proxy>\nProxyPass {mapping} balancer://app",
        lines.concat()
    ));
    (proxy, backends)
}

/// A balancer of this one member.
fn alone(member: &str) -> Proxy {
    let lines = format!("BalancerMember {member}\nProxySet routecookie=R");
    proxy(format!("<Proxy balancer://app>\n{lines}\n</Proxy>\nProxyPass / balancer://app/"))
}

/// The cookie that an answer sets, of a member that answers a request with this cookie.
fn set(proxy: &Proxy, cookie: &str, method: &str) -> (String, Option<String>) {
    let answer = browser().header("Cookie", cookie).send(proxy, method, "/app/x", b"");
    (answer.answered_by(), answer.head.header("set-cookie").map(str::to_owned))
}

#[test]
fn it_is_set_when_another_member_answers_than_the_cookie_names() {
    let (proxy, backends) = members("", "/app");
    let wanted = |route| Some(format!("R=.{route}; Path=/app; HttpOnly; SameSite=Lax"));
    for (cookie, seen) in [
        ("R=.b", ("2".to_owned(), None)),
        ("R=x.a", ("1".to_owned(), None)),
        ("A=1; R=\"x.b\"", ("2".to_owned(), wanted("b"))),
    ] {
        assert_eq!(set(&proxy, cookie, "GET"), seen, "{cookie}");
    }
    proxy.edit("app", "b", r#"{"disabled":true}"#);
    proxy.edit("app", &backends[2], r#"{"disabled":true}"#);
    assert_eq!(set(&proxy, "R=.b", "GET"), ("1".to_owned(), wanted("a")));
    assert_eq!(set(&proxy, "R=.unknown", "HEAD"), ("1".to_owned(), wanted("a")));
    proxy.edit("app", "a", r#"{"route":"z"}"#);
    assert_eq!(set(&proxy, "R=.a", "POST"), ("1".to_owned(), wanted("z")));
}

#[test]
fn a_member_without_route_sets_none() {
    let (proxy, backends) = members("", "/app");
    proxy.edit("app", "a", r#"{"disabled":true}"#);
    proxy.edit("app", "b", r#"{"disabled":true}"#);
    assert_eq!(set(&proxy, "R=.b", "GET"), ("3".to_owned(), None));
    backends[2].refuses();
    let answer = browser().get(&proxy, "/app/x");
    assert_eq!((answer.status, answer.head.header("set-cookie")), (503, None), "a page of our own sets none");
}

#[test]
fn it_is_read_back_with_every_separator() {
    for settings in ["", "stickysessionsep=-", "stickysessionsep=Off", "stickysession=R|r scolonpathdelim=On"]
    {
        let (proxy, _backends) = members(settings, "/app");
        let mut client = browser();
        let first = client.get(&proxy, "/app/x").answered_by();
        assert_eq!(client.visits(&proxy, "/app/x", 4), first.repeat(4), "{settings}");
        let mut other = browser();
        let second = other.get(&proxy, "/app/x").answered_by();
        assert_ne!(first, second, "{settings}");
        assert_eq!(other.visits(&proxy, "/app/x", 4), second.repeat(4), "{settings}");
    }
}

#[test]
fn a_session_follows_its_member_through_a_failure_and_stays() {
    let (proxy, backends) = members("", "/app");
    let mut client = browser();
    assert_eq!(client.visits(&proxy, "/app/x", 2), "11");
    backends[0].refuses();
    let heir = client.get(&proxy, "/app/x").answered_by();
    assert_eq!(heir, "2");
    backends[0].listens();
    assert_eq!(client.visits(&proxy, "/app/x", 3), "222", "it does not fall back");
}

#[test]
fn it_comes_with_304_and_101_and_not_with_interim_answers() {
    let (proxy, backends) = members("", "/app");
    backends[0].behaves(Behaviour::Answers(Reply { size: 0, ..Reply::status(304) }));
    let answer = browser().get(&proxy, "/app/x");
    assert_eq!((answer.status, answer.head.all("set-cookie").count()), (304, 1));

    let member = BareBackend::new();
    let proxy = alone(&format!("http://{} route=a upgrade=ANY", member.address()));
    let (early, cookie) =
        ("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "R=.a; Path=/; HttpOnly; SameSite=Lax");
    let mut client = Peer::of(&proxy);
    client.says("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut peer = member.peer();
    peer.head();
    peer.says([early, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"].concat());
    let hint = client.head();
    assert_eq!((hint.word(1), hint.header("set-cookie")), ("103", None));
    assert_eq!(client.answer("GET").head.header("set-cookie"), Some(cookie));
    client.says("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    peer.head();
    peer.says("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let switched = client.head();
    assert_eq!((switched.word(1), switched.header("set-cookie")), ("101", Some(cookie)));
}
