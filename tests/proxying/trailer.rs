//! Fields behind a body: those that may stand there pass, in both directions; those that decide something do not.

use harness::prelude::*;

const FIELDS: &str = "X-Sum: 7\r\nContent-Length: 99\r\nAuthorization: Basic x\r\nHost: evil\r\nTransfer-Encoding: chunked\r\n\
    X-Forwarded-For: 6.6.6.6\r\nSet-Cookie: a=b\r\nServer-Timing: db;dur=1\r\n";
const PASSES: &[u8] = b"X-Sum: 7\r\nServer-Timing: db;dur=1\r\n\r\n";

/// Reads chunks up to the last one, and then so many bytes.
#[track_caller]
fn behind_the_last_chunk(peer: &mut Peer, chunks: &str, count: usize) -> Vec<u8> {
    assert_eq!(String::from_utf8_lossy(&peer.hears(chunks.len())), chunks);
    peer.hears(count)
}

#[test]
fn fields_behind_a_body_pass_unless_they_decide_something() {
    let backend = BareBackend::new();
    let proxy = proxy(serving([&backend]));
    let mut client = Peer::of(&proxy);
    client.says(format!(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\n{FIELDS}\r\n"
    ));
    let mut member = backend.peer();
    let head = member.head();
    assert_eq!((head.header("x-sum"), head.header("authorization")), (None, None), "{head:?}");
    assert_eq!(behind_the_last_chunk(&mut member, "3\r\nabc\r\n0\r\n", PASSES.len()), PASSES);

    member.says(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n{FIELDS}\r\n"));
    assert_eq!(client.head().header("set-cookie"), None);
    assert_eq!(behind_the_last_chunk(&mut client, "2\r\nok\r\n0\r\n", PASSES.len()), PASSES);

    // Both connections stand at the start of the next message.
    client.says("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(member.head().word(1), "/next");
    member.says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.answer("GET").status, 200);
}

#[test]
fn fields_that_come_byte_by_byte_pass_as_well() {
    let backend = BareBackend::new();
    let proxy = proxy(serving([&backend]));
    let mut client = Peer::of(&proxy);
    client.says("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut member = backend.peer();
    member.head();
    member.says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.head();
    for byte in format!("2\r\nok\r\n0\r\n{FIELDS}\r\n").bytes() {
        member.says([byte]);
    }
    let seen = client.hears("2\r\nok\r\n0\r\n".len());
    // Data may be cut into other chunks.
    let data: Vec<u8> = seen.into_iter().filter(u8::is_ascii_alphabetic).collect();
    assert!(data.starts_with(b"o"));
    let mut rest = Vec::new();
    while !rest.ends_with(PASSES) && rest.len() < 300 {
        rest.extend(client.hears(1));
    }
    let rest = String::from_utf8(rest).unwrap();
    assert!(!rest.contains("evil") && !rest.contains("a=b"), "{rest}");
}

#[test]
fn clients_of_http_1_0_get_none() {
    let backend = BareBackend::new();
    let proxy = proxy(serving([&backend]));
    let mut client = Peer::of(&proxy);
    client.says("GET / HTTP/1.0\r\n\r\n");
    let mut member = backend.peer();
    member.head();
    member.says(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n{FIELDS}\r\n"));
    assert_eq!(client.head().header("transfer-encoding"), None);
    assert_eq!(client.rest().unwrap(), b"ok");
}
