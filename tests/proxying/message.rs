//! Heads on their way: what is removed, what is added, what is refused.

use std::io::{BufReader, Write};

use harness::prelude::*;

fn single(a: &Backend) -> Proxy {
    proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a}
        </Proxy>
        ProxyPass / balancer://app/"
    ))
}

#[test]
fn what_a_client_nominates_is_removed_before_ours_are_added() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    browser()
        .header("Connection", "close, X-Forwarded-For, X-Secret")
        .header("X-Secret", "1")
        .header("X-Forwarded-For", "6.6.6.6")
        .header("X-Kept", "yes")
        .get(&proxy, "/");
    let head = a.last().head;
    assert_eq!(head.header("x-secret"), None);
    assert_eq!(head.header("x-kept"), Some("yes"));
    assert_eq!(head.all("x-forwarded-for").collect::<Vec<_>>(), ["127.0.0.1"]);
}

#[test]
fn hop_by_hop_fields_end_at_the_proxy_in_both_directions() {
    let a = Backend::new("a").that(Behaviour::Answers(
        Reply::default()
            .header("Keep-Alive", "timeout=77")
            .header("Proxy-Authenticate", "Basic")
            .header("X-Back", "yes"),
    ));
    let proxy = single(&a);
    let answer = browser()
        .header("Keep-Alive", "300")
        .header("Proxy-Authorization", "Basic eDp5")
        .header("TE", "trailers")
        .header("Proxy-Connection", "keep-alive")
        .get(&proxy, "/");
    let head = a.last().head;
    for name in ["keep-alive", "proxy-authorization", "te", "proxy-connection"] {
        assert_eq!(head.header(name), None, "{name} reached the member");
    }
    assert_ne!(answer.head.header("keep-alive"), Some("timeout=77"));
    assert_eq!(answer.head.header("proxy-authenticate"), None);
    assert_eq!(answer.head.header("x-back"), Some("yes"));
}

#[test]
fn a_member_is_told_who_asked_and_for_what() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    browser().header("Host", "www.example.com:8080").get(&proxy, "/");
    let head = a.last().head;
    assert_eq!(head.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(head.header("x-forwarded-host"), Some("www.example.com:8080"));
    assert!(head.header("x-forwarded-server").is_some_and(|server| !server.is_empty()));
    assert_eq!(head.header("host"), Some(a.address().to_string().as_str()));

    browser().header("X-Forwarded-For", "10.1.1.1").get(&proxy, "/");
    assert_eq!(a.last().head.header("x-forwarded-for"), Some("10.1.1.1, 127.0.0.1"));
}

#[test]
fn preserve_host_passes_the_clients_host_on() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("ProxyPreserveHost On\n{}", serving([&a])));
    browser().header("Host", "www.example.com").get(&proxy, "/");
    assert_eq!(a.last().head.header("host"), Some("www.example.com"));
}

#[test]
fn statuses_and_fields_of_members_reach_the_client() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    for status in [204, 304, 404, 418, 500, 503] {
        let reply = Reply { size: 0, ..Reply::status(status).header("X-A", "1").header("X-A", "2") };
        a.behaves(Behaviour::Answers(reply));
        let answer = browser().get(&proxy, "/");
        assert_eq!((answer.status, answer.head.all("x-a").collect::<Vec<_>>()), (status, vec!["1", "2"]));
    }
}

#[test]
fn a_head_request_gets_a_head_and_no_body() {
    let a = Backend::new("a").that(Behaviour::Answers(Reply::size(5000)));
    let proxy = single(&a);
    let mut one = browser().keep_alive();
    let answer = one.send(&proxy, "HEAD", "/", b"");
    assert_eq!(
        (answer.status, answer.head.header("content-length"), answer.body.len()),
        (200, Some("5000"), 0)
    );
    assert_eq!(one.get(&proxy, "/").body.len(), 5000);
}

#[test]
fn requests_that_could_be_read_in_two_ways_reach_no_member() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    for (name, request) in [
        ("two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        ("unknown coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("signed length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na"),
        ("no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"),
        ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n"),
        ("blank before colon", "GET / HTTP/1.1\r\nHost: x\r\nX-A : b\r\n\r\n"),
        ("folded line", "GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n"),
        ("not HTTP", "hello\r\n\r\n"),
        ("a later version", "GET / HTTP/3.7\r\nHost: x\r\n\r\n"),
    ] {
        let seen = raw(proxy.address(), request.as_bytes());
        let seen = String::from_utf8_lossy(&seen);
        let refused = seen.is_empty()
            || [" 400 ", " 501 ", " 505 "].iter().any(|status| seen[..seen.len().min(16)].contains(status));
        assert!(refused, "{name}: {seen}");
    }
    assert_eq!(a.count(), 0, "{:?}", a.asked());
    assert_eq!(visits(&proxy, 1), "a");
}

#[test]
fn a_request_with_length_and_chunks_is_refused_or_has_one_framing_and_is_the_last() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    for fields in
        ["Content-Length: 3\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3"]
    {
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
        let request = format!("POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n0\r\n\r\n{smuggled}");
        raw(proxy.address(), request.as_bytes());
        for asked in a.asked() {
            let framings =
                asked.head.all("content-length").count() + asked.head.all("transfer-encoding").count();
            assert!(framings <= 1 && asked.body.is_empty(), "{asked:?}");
            assert_ne!(asked.head.word(1), "/smuggled", "what follows such a request is not to be trusted");
        }
    }
}

#[test]
fn a_head_without_end_is_refused() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    let long = format!(
        "GET / HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(20_000)
    );
    let seen = raw(proxy.address(), long.as_bytes());
    let seen = String::from_utf8_lossy(&seen);
    assert!(
        seen.is_empty() || seen.starts_with("HTTP/1.1 431") || seen.starts_with("HTTP/1.1 400"),
        "{seen}"
    );
    assert_eq!((a.count(), visits(&proxy, 1).as_str()), (0, "a"));
}

#[test]
fn credentials_in_a_target_are_refused() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    for target in ["http://u:p@host/", "http://u@host/x"] {
        let asked = format!("GET {target} HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n");
        let seen = raw(proxy.address(), asked.as_bytes());
        assert_eq!(Head::read(&mut &seen[..]).unwrap().unwrap().word(1), "400", "{target}");
    }
    assert_eq!(a.count(), 0);
}

#[test]
fn an_expectation_that_nobody_knows_is_417() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    for expected in ["banana", "100-continue, banana"] {
        assert_eq!(browser().header("Expect", expected).get(&proxy, "/").status, 417, "{expected}");
    }
    assert_eq!((a.count(), browser().header("Expect", "100-Continue").get(&proxy, "/").status), (0, 200));
}

#[test]
fn what_follows_a_request_that_was_not_understood_is_not_read() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    for bad in [
        "GET http://u:p@host/ HTTP/1.1\r\nHost: host\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ] {
        let watch = Stopwatch::start();
        let seen = raw(proxy.address(), format!("{bad}GET /next HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        let mut from = &seen[..];
        let head = Head::read(&mut from).unwrap().unwrap();
        assert_eq!((head.word(1), head.nominates("close")), ("400", true), "{bad}: {head:?}");
        read_body(&mut from, Framing::of_answer(&head, "GET")).unwrap();
        assert!(from.is_empty(), "{bad}: {}", String::from_utf8_lossy(from));
        assert!(watch.elapsed() < patience() / 2, "{bad}: stayed open");
    }
    assert_eq!(a.count(), 0);
}

#[test]
fn a_client_that_stalls_in_its_body_is_408_and_its_member_not_to_blame() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("Timeout 1\n{}", serving([format!("{a} route=a")])));
    let mut stream = connect(proxy.address()).unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc").unwrap();
    eventually_equal(&1, || proxy.busy());
    let mut from = BufReader::new(stream);
    assert_eq!(read_answer(&mut from, "POST").unwrap().status, 408);
    eventually_equal(&0, || proxy.busy());
    assert!(closes(&mut from), "the rest of its body would be read as a request");
    assert_eq!((a.count(), proxy.member("app", "a").words.as_str()), (0, "Init Ok"));
}
