//! Another protocol on either side: TLS and HTTP/2 where HTTP/1 is spoken, and other words that are none of ours.

use harness::prelude::*;

/// How a TLS client begins: a handshake with its first message, cut short.
const TLS_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03secret-session-bytes";

#[test]
fn a_member_that_speaks_another_protocol_is_502_and_told_of() {
    for (name, words, told) in [
        ("a TLS alert", &b"\x15\x03\x03\x00\x02\x02\x46"[..], "speaks TLS"),
        ("HTTP/2 settings", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", "speaks HTTP/2"),
        ("a mail server", b"220 mail.example ESMTP ready\r\n", "no HTTP"),
        ("HTTP/0.9", b"<html>hello</html>", "no HTTP"),
        ("HTTP/2 in words", b"HTTP/2 200\r\n\r\n", "no HTTP"),
        ("a secure shell", b"SSH-2.0-OpenSSH_9\r\n", "no HTTP"),
    ] {
        let backend = BareBackend::new();
        let proxy = proxy(serving([&backend]));
        let mut client = Peer::of(&proxy);
        client.says("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut member = backend.peer();
        member.head();
        member.says(words);
        let answer = client.answer("GET");
        assert_eq!(answer.status, 502, "{name}");
        assert!(!answer.text().contains("127.0.0.1"), "{name}: {}", answer.text());
        assert!(member.is_let_go(), "{name}: its connection must not be used again");
        let address = backend.address().to_string();
        eventually_true("an operator reads who it was and what is wrong", || {
            proxy
                .log()
                .lines()
                .any(|line| line.contains("WARN") && line.contains(told) && line.contains(&address))
        });
        assert_eq!(proxy.member("app", &address).words, "Init Ok", "{name}");
    }
}

#[test]
fn many_answers_that_are_none_do_not_fill_the_log() {
    let a = Backend::new("a").that(Behaviour::AnswersGarbage(b"what?\r\n\r\n".to_vec()));
    let proxy = proxy(serving([&a]));
    assert_eq!(visits(&proxy, 50), "[502]".repeat(50));
    eventually_true("it is told", || proxy.log().contains("no HTTP"));
    let lines = proxy.log().lines().filter(|line| line.contains("no HTTP")).count();
    assert!(lines < 5, "{lines} lines");
}

#[test]
fn a_client_that_speaks_tls_is_told_in_plain_words() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    let mut client = Peer::of(&proxy);
    client.says(TLS_HELLO);
    let answer = client.answer("GET");
    assert_eq!((answer.status, answer.head.nominates("close")), (400, true));
    client.shuts();
    assert!(client.ends());
    eventually_true("an operator reads why", || {
        proxy
            .log()
            .lines()
            .any(|line| line.contains("WARN") && line.contains("TLS") && line.contains("127.0.0.1"))
    });
    assert!(!proxy.log().contains("secret-session"), "{}", proxy.log());
    // Anybody can do so as often as he likes.
    for _ in 0..50 {
        let mut client = Peer::of(&proxy);
        client.says(TLS_HELLO);
        assert_eq!(client.answer("GET").status, 400);
    }
    let lines = proxy.log().lines().filter(|line| line.contains("TLS")).count();
    assert!(lines < 5, "{lines} lines");
    assert_eq!((a.count(), visits(&proxy, 1).as_str()), (0, "a"));
}

#[test]
fn a_client_that_speaks_something_else_is_400() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    for words in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"[..],
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"\x00\x00\x00\x00\r\n\r\n",
        b"EHLO mail.example\r\n\r\n",
    ] {
        let mut client = Peer::of(&proxy);
        client.says(words);
        assert_eq!(client.answer("GET").status, 400, "{}", String::from_utf8_lossy(words));
        client.shuts();
        assert!(client.ends());
    }
    assert_eq!(a.count(), 0);
}
