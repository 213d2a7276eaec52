//! HTTP/1.0 on either side: how answers end, and who may go on.

use harness::prelude::*;

fn talking(request: &str) -> (Proxy, BareBackend, Peer, Peer) {
    let backend = BareBackend::new();
    let proxy = proxy(serving([&backend]));
    let mut client = Peer::of(&proxy);
    client.says(request);
    let mut member = backend.peer();
    assert_eq!(member.head().word(2), "HTTP/1.1");
    (proxy, backend, client, member)
}

const NEW: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const OLD: &str = "GET / HTTP/1.0\r\n\r\n";
const OLD_KEPT: &str = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";

#[test]
fn an_answer_that_ends_with_its_connection_ends_in_chunks_for_those_who_know_them() {
    for version in ["HTTP/1.0", "HTTP/1.1"] {
        let (_proxy, backend, mut client, mut member) = talking(NEW);
        member.says(format!("{version} 200 OK\r\n\r\nall of it"));
        let head = client.head();
        assert_eq!(head.header("transfer-encoding"), Some("chunked"), "{version}");
        assert_eq!((head.word(0), head.nominates("close")), ("HTTP/1.1", false), "{version}");
        drop(member);
        assert_eq!(client.hears("9\r\nall of it\r\n0\r\n\r\n".len()), b"9\r\nall of it\r\n0\r\n\r\n");
        client.says(NEW);
        backend.peer().head();
    }
}

#[test]
fn an_answer_without_a_length_ends_with_the_connection_for_http_1_0() {
    for (name, request) in [("asks for nothing", OLD), ("asks to go on", OLD_KEPT)] {
        for (framing, body, whole) in [
            ("Transfer-Encoding: chunked\r\n", "4\r\nall \r\n5\r\nof it\r\n0\r\n\r\n", true),
            ("", "all of it", false),
        ] {
            let (_proxy, _backend, mut client, mut member) = talking(request);
            member.says(format!("HTTP/1.1 200 OK\r\n{framing}\r\n{body}"));
            let head = client.head();
            assert_eq!(head.header("transfer-encoding").or(head.header("content-length")), None, "{name}");
            assert!(!head.nominates("keep-alive"), "{name}: {head:?}");
            if !whole {
                drop(member);
            }
            assert_eq!(client.rest().unwrap(), b"all of it", "{name}");
        }
    }
}

#[test]
fn an_answer_that_breaks_off_never_looks_whole_to_http_1_0() {
    for (framing, body) in [
        ("Transfer-Encoding: chunked\r\n", "4\r\nall \r\n5\r\nof"),
        ("Transfer-Encoding: chunked\r\n", "4\r\nall \r\nnonsense\r\n"),
        ("Content-Length: 20\r\n", "all of"),
    ] {
        let (_proxy, _backend, mut client, mut member) = talking(OLD);
        member.says(format!("HTTP/1.1 200 OK\r\n{framing}\r\n{body}"));
        drop(member);
        let Ok(seen) = client.rest() else { continue };
        // It ended properly, so its length must tell; if nothing was handed on yet, its status does.
        let mut from = &seen[..];
        let head = Head::read(&mut from).unwrap().unwrap();
        if head.word(1) == "502" {
            continue;
        }
        assert_eq!(head.header("content-length"), Some("20"), "{framing:?} {body:?}");
        assert!(from.len() < 20, "{framing:?} {body:?}");
    }
}

#[test]
fn http_1_0_goes_on_if_it_asks_and_can_see_the_end() {
    let (_proxy, _backend, mut client, mut member) = talking(OLD_KEPT);
    for _ in 0..2 {
        member.says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        let answer = client.answer("GET");
        assert!(answer.head.nominates("keep-alive"), "{:?}", answer.head);
        client.says(OLD_KEPT);
        member.head();
    }
    member.says("HTTP/1.1 204 No Content\r\n\r\n");
    assert!(client.answer("GET").head.nominates("keep-alive"));
    // Its wish counts for one request.
    client.says(OLD);
    member.head();
    member.says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert!(!client.answer("GET").head.nominates("keep-alive"));
    assert!(client.ends());
}

#[test]
fn the_proxys_own_pages_let_http_1_0_go_on_as_well() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("ProxyPass /none !\n{}", serving([&a])));
    let mut client = Peer::of(&proxy);
    for _ in 0..2 {
        client.says("GET /none HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        let answer = client.answer("GET");
        assert_eq!((answer.status, answer.head.nominates("keep-alive")), (404, true));
    }
}

#[test]
fn a_member_of_http_1_0_is_kept_only_if_it_says_so() {
    for (fields, kept) in
        [("", false), ("Connection: keep-alive\r\n", true), ("Connection: close\r\n", false)]
    {
        let (_proxy, backend, mut client, mut member) = talking(NEW);
        member.says(format!("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n{fields}\r\nok"));
        let answer = client.answer("GET");
        assert_eq!((answer.text().as_str(), answer.head.nominates("close")), ("ok", false), "{fields:?}");
        client.says(NEW);
        if kept {
            member.head();
        } else {
            assert!(member.ends(), "{fields:?}");
            backend.peer().head();
        }
    }
}
