//! How large a request may be: each limit below, at and above.

use std::time::Duration;

use harness::prelude::*;

/// The status of the first answer to these bytes.
#[track_caller]
fn status(proxy: &Proxy, bytes: &str) -> u16 {
    let mut client = Peer::of(proxy);
    // The answer may come before all is taken.
    drop(client.try_says(bytes));
    let answer = client.answer("GET");
    if answer.status >= 400 {
        assert!(answer.head.nominates("close"), "{:?}", answer.head);
        client.shuts();
        assert!(client.is_let_go());
    }
    answer.status
}

#[test]
fn limit_request_line() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("LimitRequestLine 100\n{}", serving([&a])));
    let line = |length: usize| format!("GET /{} HTTP/1.1", "x".repeat(length - "GET / HTTP/1.1".len()));
    for (length, expected) in [(99, 200), (100, 200), (101, 414), (50_000, 414)] {
        let before = a.count();
        assert_eq!(line(length).len(), length);
        let head = format!("{}\r\nHost: x\r\nConnection: close\r\n\r\n", line(length));
        assert_eq!(status(&proxy, &head), expected, "{length}");
        assert_eq!(a.count() - before, usize::from(expected == 200), "{length}");
    }
    // Refused as soon as it is too long, and not when it ends.
    assert_eq!(status(&proxy, &line(200)[..150]), 414);
}

#[test]
fn limit_request_field_size() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("LimitRequestFieldSize 60\n{}", serving([&a])));
    for (length, expected) in [(59, 200), (60, 200), (61, 431), (50_000, 431)] {
        let field = format!("X-A: {}", "x".repeat(length - 5));
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{field}\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&proxy, &head), expected, "{length}");
    }
    assert_eq!(status(&proxy, &format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(100))), 431);
    // The first line has a limit of its own.
    let path = "p".repeat(500);
    assert_eq!(status(&proxy, &format!("GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), 200);
}

#[test]
fn limit_request_fields() {
    for (limit, rows) in [
        ("LimitRequestFields 5", &[(4, 200), (5, 200), (6, 431)][..]),
        ("", &[(99, 200), (100, 200), (101, 431), (1000, 431)]),
        ("LimitRequestFields 0", &[(101, 200), (256, 200), (257, 431)]),
    ] {
        let [a] = backends(["a"]);
        let proxy = proxy(format!("{limit}\n{}", serving([&a])));
        for (count, expected) in rows {
            // Two of them are Host and Connection.
            let fields = "X: y\r\n".repeat(count - 2);
            let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}Connection: close\r\n\r\n");
            assert_eq!(status(&proxy, &head), *expected, "{limit}: {count}");
        }
    }
}

#[test]
fn a_head_of_many_large_fields_ends_somewhere() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    for (count, expected) in [(7, 200), (9, 431), (99, 431)] {
        let fields = format!("X: {}\r\n", "y".repeat(8000)).repeat(count);
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n");
        assert_eq!(status(&proxy, &head), expected, "{count}");
    }
    // Every client may do so; what they sent is not kept.
    let before = proxy.rss();
    for _ in 0..100 {
        let mut client = Peer::of(&proxy);
        drop(client.try_says("X: yyyyyyyyyyyyyyyy\r\n".repeat(20_000)));
        assert!(client.is_let_go());
    }
    let grown = proxy.rss().saturating_sub(before);
    assert!(grown < 10_000, "{grown} KiB stayed behind");
}

/// A POST with so many bytes of body, with its length or in chunks of 7 bytes.
fn post(path: &str, length: usize, chunks: bool) -> String {
    let body = "b".repeat(length);
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    if !chunks {
        return format!("{head}Content-Length: {length}\r\n\r\n{body}");
    }
    let pieces: Vec<String> = body
        .as_bytes()
        .chunks(7)
        .map(|piece| format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece)))
        .collect();
    let pieces = pieces.concat();
    format!("{head}Transfer-Encoding: chunked\r\n\r\n{pieces}0\r\n\r\n")
}

#[test]
fn limit_request_body() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!(
        "LimitRequestBody 100\n<Location /up>\nLimitRequestBody 1000\n</Location>\n\
         <Location /up/all>\nLimitRequestBody 0\n</Location>\n{}",
        serving([format!("{a} route=a")])
    ));
    for chunks in [false, true] {
        for (path, length, expected) in [
            ("/", 99, 200),
            ("/", 100, 200),
            ("/", 101, 413),
            ("/", 90_000, 413),
            ("/upper", 101, 413),
            ("/up", 1000, 200),
            ("/up/x", 1001, 413),
            ("/up/all/x", 200_000, 200),
        ] {
            let before = a.count();
            assert_eq!(status(&proxy, &post(path, length, chunks)), expected, "{path} {length} {chunks}");
            if expected == 200 {
                assert_eq!(a.last().body.len(), length, "{path} {length} {chunks}");
            }
            assert_eq!(a.count() - before, usize::from(expected == 200), "{path} {length} {chunks}");
        }
    }
    eventually_equal(&0, || proxy.busy());
    assert_eq!(proxy.member("app", "a").words, "Init Ok", "its clients were to blame");
}

#[test]
fn a_body_in_chunks_that_grows_too_large_on_its_way_is_413_and_never_whole() {
    let backend = BareBackend::new();
    let proxy = proxy(format!("LimitRequestBody 100\n{}", serving([&backend])));
    let mut client = Peer::of(&proxy);
    client.says("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut member = backend.peer();
    member.head();
    let chunk = format!("32\r\n{}\r\n", "b".repeat(50));
    client.says(chunk.repeat(2));
    member.hears(chunk.len() * 2 - 8);
    client.says("1\r\nb\r\n0\r\n\r\n");
    assert_eq!(client.answer("POST").status, 413);
    let rest = member.rest().unwrap_or_default();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "it looks whole");
    eventually_equal(&0, || proxy.busy());
}

#[test]
fn empty_lines_before_a_request_take_no_memory() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    assert_eq!(visits(&proxy, 2), "aa");
    let before = proxy.rss();
    let mut client = Peer::of(&proxy);
    let lines = "\r\n".repeat(16_000);
    for _ in 0..600 {
        // In whole lines. It may end the connection at any time.
        within(Duration::from_millis(1), || None::<()>);
        if client.try_says(&lines).is_err() {
            break;
        }
        let grown = proxy.rss().saturating_sub(before);
        assert!(grown < 6 * 1024, "{grown} KiB for nothing");
    }
}

#[test]
fn an_empty_line_before_a_request_may_come_in_two() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    let mut client = Peer::of(&proxy);
    for half in ["\r", "\n\r"] {
        client.says(half);
        within(Duration::from_millis(100), || None::<()>);
    }
    client.says("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.answer("GET").status, 200);
}
