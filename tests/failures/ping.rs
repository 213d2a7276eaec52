//! `ping`: is a member there, before a body is sent to it or a connection that idled is relied on?

use std::time::Duration;

use harness::prelude::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GO_ON: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const POST: &str = "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
/// No body comes for so long when it is kept back.
const A_WHILE: Duration = Duration::from_millis(100);

/// A member that a scenario plays, and behind it a good one that gets what the first one fails.
fn two(first: &str) -> (Proxy, BareBackend, Backend) {
    let (one, other) = (BareBackend::new(), Backend::new("other"));
    let proxy = proxy_with_threads(
        1,
        format!(
            "<Proxy balancer://app>
                BalancerMember {one} route=one {first}
                BalancerMember {other} route=other lbset=1
            </Proxy>
            ProxyPass / balancer://app/"
        ),
    );
    (proxy, one, other)
}

/// A client that has sent a POST, and the member that has its head.
#[track_caller]
fn asked(proxy: &Proxy, one: &BareBackend) -> (Peer, Peer) {
    let mut client = Peer::of(proxy);
    client.says(POST);
    let mut member = one.peer();
    member.head();
    (client, member)
}

/// The member says that the body may come, and it comes.
#[track_caller]
fn takes_the_body(member: &mut Peer) {
    member.says(GO_ON);
    assert_eq!(member.hears(3), b"abc");
}

/// A member whose connection has carried a request of this client and idles.
fn kept(one: &BareBackend, client: &mut Peer) -> Peer {
    client.says("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut member = one.peer();
    member.head();
    member.says(OK);
    assert_eq!(client.answer("GET").text(), "ok");
    member
}

#[test]
fn a_body_waits_for_the_member_to_say_that_it_may_come() {
    for (name, request, body) in [
        ("a length", POST, "abc"),
        (
            "chunks",
            "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
        ),
        ("HTTP/1.0", "POST /p HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", "abc"),
    ] {
        for sign in [GO_ON, "HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 2"] {
            let (proxy, one, other) = two("ping=5");
            let mut client = Peer::of(&proxy);
            client.says(request);
            let mut member = one.peer();
            let head = member.head();
            assert_eq!(head.header("expect"), Some("100-Continue"), "{name}");
            assert!(!member.hears_something_within(A_WHILE), "{name}: its body came uncalled");
            member.says(sign);
            assert_eq!(member.hears(body.len()), body.as_bytes(), "{name}");
            let answer = if sign.ends_with('2') { OK.trim_start_matches("HTTP/1.1 2") } else { OK };
            member.says(answer);
            if sign.contains("102") && name != "HTTP/1.0" {
                assert_eq!(client.head().word(1), "102");
            }
            // Who did not wait for a 100 gets none.
            assert_eq!(client.answer("POST").text(), "ok", "{name}");
            assert_eq!(other.count(), 0, "{name}");
        }
    }
}

#[test]
fn a_member_that_says_nothing_in_time_is_marked_and_another_gets_all_of_the_body() {
    for (name, fields, sent) in [
        ("small", "Content-Length: 3\r\n", "abc".to_owned()),
        ("large", "Content-Length: 300000\r\n", "x".repeat(300_000)),
        ("chunked", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n".to_owned()),
    ] {
        for kind in ["POST", "PUT"] {
            let (proxy, one, other) = two("ping=200ms");
            let mut client = Peer::of(&proxy);
            client.says(format!("{kind} / HTTP/1.1\r\nHost: x\r\n{fields}\r\n{sent}"));
            let mut member = one.peer();
            member.head();
            let answer = client.answer(kind);
            assert_eq!((answer.status, answer.answered_by().as_str()), (200, "other"), "{name} {kind}");
            assert!(member.rest().unwrap_or_default().is_empty(), "{name} {kind}: it got of the body");
            let wanted = if name == "large" { 300_000 } else { 3 };
            assert_eq!(other.last().body.len(), wanted, "{name} {kind}");
            assert!(!other.last().head.headers.iter().any(|(field, _)| field == "Expect"));
            let dead = proxy.member("app", "one");
            assert_eq!((dead.words.as_str(), dead.failed, dead.busy), ("Init Err", 1, 0), "{name} {kind}");
            assert!(dead.error.unwrap().reason.contains("ping"), "{name} {kind}");
        }
    }
}

#[test]
fn a_sign_of_life_ends_the_ping_and_begins_the_time_for_an_answer() {
    let (proxy, one, other) = two("ping=200ms timeout=1");
    let (mut client, mut member) = asked(&proxy, &one);
    takes_the_body(&mut member);
    // It may have acted on all of it, so nobody else gets it.
    assert_eq!(client.answer("POST").status, 504);
    assert_eq!((other.count(), proxy.member("app", "one").words.as_str()), (0, "Init Ok"));
}

#[test]
fn an_answer_instead_of_a_go_on_is_the_answer_and_the_body_stays_here() {
    let (proxy, one, other) = two("ping=5");
    let (mut client, mut member) = asked(&proxy, &one);
    member.says("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
    let answer = client.answer("POST");
    assert_eq!((answer.status, answer.text().as_str()), (413, "no"));
    // Half an exchange: the connection is none for the next one.
    assert_eq!(member.rest().unwrap_or_default(), b"");
    assert_eq!((other.count(), proxy.member("app", "one").words.as_str()), (0, "Init Ok"));
}

#[test]
fn a_kept_connection_that_was_closed_costs_no_body() {
    for how in ["closes", "resets"] {
        let (proxy, one, _other) = two("ping=5");
        let mut client = Peer::of(&proxy);
        let mut member = kept(&one, &mut client);
        client.says(POST);
        assert_eq!(member.head().word(0), "POST");
        match how {
            "closes" => drop(member),
            _ => member.resets(),
        }
        // A POST, and yet sent once more: what the member has seen is no request.
        let mut fresh = one.peer();
        assert_eq!(fresh.head().word(0), "POST", "{how}");
        takes_the_body(&mut fresh);
        fresh.says(OK);
        assert_eq!(client.answer("POST").text(), "ok", "{how}");
        assert_eq!(proxy.member("app", "one").words, "Init Ok", "{how}");
    }
}

#[test]
fn a_connection_that_closes_behind_a_go_on_may_have_done_it() {
    let (proxy, one, other) = two("ping=5");
    let (mut client, mut member) = asked(&proxy, &one);
    takes_the_body(&mut member);
    drop(member);
    assert_eq!(client.answer("POST").status, 502);
    assert!(!one.is_called() && other.count() == 0, "it was sent twice");
}

#[test]
fn a_client_that_waits_is_told_once_and_its_expectation_is_the_ping() {
    for (directive, asked) in [("", "100-continue"), ("Proxy100Continue Off", "100-Continue")] {
        let one = BareBackend::new();
        let proxy = proxy(format!(
            "{directive}\n<Proxy balancer://app>\nBalancerMember {one} ping=5\n</Proxy>\nProxyPass / balancer://app/"
        ));
        let mut client = Peer::of(&proxy);
        client.says("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
        let mut member = one.peer();
        let head = member.head();
        let expected: Vec<&str> = head
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("expect"))
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(expected, [asked], "{directive}");
        member.says(GO_ON);
        assert_eq!(client.head().word(1), "100", "{directive}");
        client.says("abc");
        assert_eq!(member.hears(3), b"abc", "{directive}");
        member.says(OK);
        assert_eq!(client.answer("POST").text(), "ok", "{directive}");
    }
}

#[test]
fn without_a_body_nothing_is_asked_and_a_connection_that_idled_is_replaced() {
    for method in ["GET", "HEAD", "DELETE", "POST"] {
        let (proxy, one, _other) = two("ping=1ms");
        let mut client = Peer::of(&proxy);
        let mut old = kept(&one, &mut client);
        assert!(!old.hears_something_within(A_WHILE));
        client.says(format!("{method} /second HTTP/1.1\r\nHost: x\r\n\r\n"));
        let mut fresh = one.peer();
        let head = fresh.head();
        assert_eq!((head.word(1), head.header("expect")), ("/second", None), "{method}");
        assert!(old.is_let_go(), "{method}");
        fresh.says("HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(client.answer(method).status, 204, "{method}");
    }
}

#[test]
fn a_connection_that_idled_for_less_than_ping_is_used_again() {
    let (proxy, one, _other) = two("ping=60 max=1");
    let mut client = Peer::of(&proxy);
    let mut member = kept(&one, &mut client);
    client.says("GET /second HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(member.head().word(1), "/second");
    member.says(OK);
    assert_eq!(client.answer("GET").text(), "ok");
    assert!(!one.is_called());
}

#[test]
fn what_replaces_a_connection_takes_its_place_and_no_other() {
    let (proxy, one, other) = two("ping=1ms max=1 acquire=300");
    let mut client = Peer::of(&proxy);
    let mut member = kept(&one, &mut client);
    for _ in 0..3 {
        assert!(!member.hears_something_within(A_WHILE));
        client.says("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut fresh = one.peer();
        fresh.head();
        assert!(member.is_let_go());
        fresh.says(OK);
        assert_eq!(client.answer("GET").text(), "ok");
        member = fresh;
    }
    assert_eq!(other.count(), 0);
    assert!(!member.hears_something_within(A_WHILE));
    client.says("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut fresh = one.peer();
    fresh.head();
    assert_eq!(browser().get(&proxy, "/").answered_by(), "other");
    assert!(!one.is_called(), "a connection has no place");
    fresh.says(OK);
    assert_eq!(client.answer("GET").text(), "ok");
}

#[test]
fn a_member_that_takes_no_new_connection_within_ping_is_marked_and_another_serves() {
    let (one, other) = (Backend::new("one"), Backend::new("other"));
    let proxy = proxy_with_threads(
        1,
        format!(
            "<Proxy balancer://app>
                BalancerMember {one} ping=100ms
                BalancerMember {other} lbset=1
            </Proxy>
            ProxyPass / balancer://app/"
        ),
    );
    let mut client = browser().keep_alive();
    assert_eq!(client.get(&proxy, "/").answered_by(), "one");
    let gate = Gate::new();
    one.behaves(Behaviour::ReadsLate(gate.clone(), Reply::default()));
    one.hears_nobody_new();
    let _ = within(A_WHILE * 2, || None::<()>);
    // Its kept connection would take the request and say nothing for a minute.
    let watch = Stopwatch::start();
    assert_eq!(client.get(&proxy, "/").answered_by(), "other");
    assert!(watch.elapsed() < patience(), "it took {:?}", watch.elapsed());
    assert_eq!(proxy.member("app", one.address()).words, "Init Err");
    gate.open();
}
