//! Heads on their way: what is removed, what is added, what is refused.

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
