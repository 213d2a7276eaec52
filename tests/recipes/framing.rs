//! What no rule can do: break a message in two, or let a client undo a rule.

use harness::prelude::*;

fn ruled(rules: &str, a: &Backend) -> Proxy {
    proxy(format!("{rules}\n{}", serving([a])))
}

#[test]
fn answers_keep_their_framing_whatever_rules_say() {
    let a = Backend::new("a").that(Behaviour::Answers(Reply::size(5)));
    let proxy = ruled(
        "Header set Content-Length 3\nHeader unset Transfer-Encoding\nHeader unset Connection\nHeader echo .*",
        &a,
    );
    let mut client = browser().keep_alive().header("X-Me", "1").header("TE", "trailers");
    for behaviour in [
        Behaviour::Answers(Reply::size(5)),
        Behaviour::AnswersInChunks(2, Reply::size(5)),
        Behaviour::Answers(Reply { size: 0, ..Reply::status(204) }),
    ] {
        a.behaves(behaviour);
        let answer = client.get(&proxy, "/");
        let framings =
            answer.head.all("content-length").count() + answer.head.all("transfer-encoding").count();
        assert!(framings <= 1, "{:?}", answer.head);
        assert_eq!(answer.head.header("x-me"), Some("1"));
        assert_eq!(answer.head.header("te"), None);
    }
    a.behaves(Behaviour::Answers(Reply::size(5)));
    let posted = client.send(&proxy, "POST", "/", b"hello");
    assert_eq!(posted.head.all("content-length").count(), 1, "an echo is no length: {:?}", posted.head);
}

#[test]
fn requests_with_bodies_are_whole_after_rules() {
    let [a] = backends(["a"]);
    let proxy = ruled("RequestHeader set X-In yes\nRequestHeader unset Expect early", &a);
    let mut client = browser().keep_alive();
    client.send(&proxy, "POST", "/x?y", b"hello");
    assert_eq!((a.last().body, a.last().head.word(1)), (b"hello".to_vec(), "/x?y"));
    assert_eq!(client.send(&proxy, "PUT", "/", &vec![b'x'; 100_000]).status, 200);
    assert_eq!(a.last().body.len(), 100_000);
    let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    raw(proxy.address(), chunked.as_bytes());
    let asked = a.last();
    assert_eq!((asked.body, asked.head.header("x-in")), (b"abc".to_vec(), Some("yes")));
    // Nobody tells the member, so the proxy itself tells the client to go on.
    let mut peer = Peer::of(&proxy);
    peer.says("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(peer.head().word(1), "100");
    peer.says("ok");
    assert_eq!(peer.answer("POST").status, 200);
    assert_eq!((a.last().body, a.last().head.header("expect")), (b"ok".to_vec(), None));
}

#[test]
fn a_client_cannot_nominate_away_what_a_rule_has_set() {
    let [a] = backends(["a"]);
    let proxy = ruled("RequestHeader set X-Trusted proxy", &a);
    browser()
        .header("Connection", "close, X-Trusted, X-Other")
        .header("X-Trusted", "client")
        .header("X-Other", "1")
        .get(&proxy, "/");
    let head = a.last().head;
    assert_eq!(head.all("x-trusted").collect::<Vec<_>>(), ["proxy"]);
    assert_eq!(head.header("x-other"), None);
}

#[test]
fn the_absolute_form_has_the_host_that_a_rule_set() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("ProxyPreserveHost On\nRequestHeader edit Host site other\n{}", serving([&a])));
    for target in ["http://site.example", "http://site.example/x?y", "/x"] {
        let asked = format!("GET {target} HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n");
        raw(proxy.address(), asked.as_bytes());
        assert_eq!(a.last().head.header("host"), Some("other.example"), "{target}");
    }
}

#[test]
fn what_rules_make_too_large_or_no_request_is_not_sent() {
    let [a] = backends(["a"]);
    let rule = "RequestHeader edit* X-Grow x xxxxxxxxxxxxxxxx\n".repeat(6);
    let proxy = proxy(format!("{rule}RequestHeader edit Host h \"a b\"\n{}", serving([&a])));
    assert_eq!(browser().header("X-Grow", "x").header("Host", "x").get(&proxy, "/").status, 500);
    assert_eq!(browser().header("Host", "h").get(&proxy, "/").status, 500);
    assert_eq!(a.count(), 0);
    assert_eq!(browser().header("Host", "x").get(&proxy, "/").status, 200);
}

#[test]
fn no_trailer_brings_what_a_rule_takes_away() {
    let member = BareBackend::new();
    let proxy = proxy(format!("Header unset X-Out\nRequestHeader unset X-In\n{}", serving([&member])));
    let mut client = Peer::of(&proxy);
    let body = "3\r\nabc\r\n0\r\n";
    client.says(format!(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-In\r\n\r\n{body}X-In: 1\r\n\r\n"
    ));
    let mut peer = member.peer();
    peer.head();
    assert_eq!(peer.hears(body.len() + 2), [body.as_bytes(), b"\r\n"].concat());
    peer.says(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}X-Out: 1\r\n\r\n"));
    client.head();
    assert_eq!(client.hears(body.len() + 2), [body.as_bytes(), b"\r\n"].concat());
}

#[test]
fn an_answer_without_date_gets_one_after_rules() {
    let [a] = backends(["a"]);
    let proxy = ruled("Header unset Date", &a);
    a.behaves(Behaviour::Answers(Reply::default().header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")));
    let answer = browser().get(&proxy, "/");
    let dates: Vec<&str> = answer.head.all("date").collect();
    assert!(dates.len() == 1 && !dates[0].contains("1994"), "{dates:?}");
}

#[test]
fn a_session_of_a_stranger_cannot_break_out_of_a_value() {
    let [a] = backends(["a"]);
    let text = format!(
        "Header set X-S \"[%{{BALANCER_SESSION_ROUTE}}e]\"\n<Proxy balancer://app>\nBalancerMember {a} route=a\n\
         ProxySet stickysession=SID\n</Proxy>\nProxyPass / balancer://app/"
    );
    let proxy = proxy(text);
    let asked = "GET / HTTP/1.1\r\nHost: x\r\nCookie: SID=x.a\tb\u{e9}\r\nConnection: close\r\n\r\n";
    let seen = raw(proxy.address(), asked.as_bytes());
    let head = Head::read(&mut &seen[..]).unwrap().unwrap();
    assert_eq!(head.header("x-s"), Some("[a\tb\u{e9}]"));
}
