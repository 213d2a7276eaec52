//! Requests that are sent ahead, and targets that name their host.

use std::thread;

use harness::prelude::*;

/// One of many requests, and the status and length of its answer.
fn request(number: usize) -> (String, &'static str, u16, usize) {
    let filler = "f".repeat(number * 37 % 400);
    let common = format!("HTTP/1.1\r\nHost: x\r\nX-Filler: {filler}\r\n");
    let size = [0, 1, 700, 20_000, 70_000][number % 5];
    match number % 4 {
        0 => (format!("GET /{number}?size={size} {common}\r\n"), "GET", 200, size),
        1 => {
            let body = format!("GET /evil {number} ").repeat(number % 50);
            let length = body.len();
            (
                format!("POST /{number}?size={size} {common}Content-Length: {length}\r\n\r\n{body}"),
                "POST",
                200,
                size,
            )
        }
        2 => (format!("GET /none/{number} {common}\r\n"), "GET", 404, 0),
        _ => {
            let text = "5\r\nGET /\r\n0010;x=y\r\n0123456789abcdef\r\n0\r\nX-T: 1\r\n\r\n";
            (
                format!("PUT /{number}?size={size} {common}Transfer-Encoding: chunked\r\n\r\n{text}"),
                "PUT",
                200,
                size,
            )
        }
    }
}

#[test]
fn requests_of_all_kinds_that_are_sent_ahead_are_answered_in_order() {
    const COUNT: usize = 300;
    let [a] = backends(["a"]);
    let proxy = proxy(format!("MaxKeepAliveRequests 0\nProxyPass /none !\n{}", serving([&a])));
    let all: Vec<_> = (0..COUNT).map(request).collect();
    let client = Peer::of(&proxy);
    let (mut from, mut to) = client.split();
    let bytes: String = all.iter().map(|(text, ..)| text.as_str()).collect();
    assert!(bytes.len() > 4 * 16 * 1024, "needs several buffers");
    let writer = thread::spawn(move || {
        to.says(bytes);
        to
    });
    for (number, (_, method, status, size)) in all.iter().enumerate() {
        let answer = from.answer(method);
        assert_eq!(answer.status, *status, "{number}");
        if *status == 200 {
            assert_eq!(answer.body.len(), *size, "{number}");
        }
    }
    drop(writer.join().unwrap());
    let asked: Vec<String> = a.asked().iter().map(|asked| asked.head.word(1).to_owned()).collect();
    let sent: Vec<String> = (0..COUNT)
        .filter(|number| number % 4 != 2)
        .map(|number| format!("/{number}?size={}", [0, 1, 700, 20_000, 70_000][number % 5]))
        .collect();
    assert_eq!(asked, sent);
    assert!(a.asked().iter().all(|asked| asked.head.header("x-t").is_none()));
}

#[test]
fn a_head_may_come_in_any_pieces_behind_another_request() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    let text = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcdGET /3 HTTP/1.1\r\nHost: x\r\n\r\n";
    for cut in 1..text.len() {
        let mut client = Peer::of(&proxy);
        client.says(&text[..cut]);
        if cut > 29 {
            // What follows comes while or after the first was served.
            assert_eq!(client.answer("GET").status, 200, "{cut}");
        }
        client.says(&text[cut..]);
        for _ in usize::from(cut > 29)..3 {
            assert_eq!(client.answer("GET").status, 200, "{cut}");
        }
    }
    let paths: Vec<String> = a.asked().iter().map(|asked| asked.head.word(1).to_owned()).collect();
    assert!(paths.chunks(3).all(|three| three == ["/1", "/2", "/3"]), "{paths:?}");
}

#[test]
fn a_target_that_names_its_host_wins_over_the_host_line() {
    for (settings, host) in [("", None), ("ProxyPreserveHost On", Some("site.example:81"))] {
        let [a] = backends(["a"]);
        let proxy = proxy(format!("{settings}\n{}", serving([&a])));
        for (target, seen) in [
            ("http://site.example:81/x?y", "/x?y"),
            ("HTTP://site.example:81", "/"),
            ("http://site.example:81/", "/"),
        ] {
            let mut client = Peer::of(&proxy);
            client.says(format!("GET {target} HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n"));
            assert_eq!(client.answer("GET").status, 200, "{target}");
            let head = a.last().head;
            let own = a.address().to_string();
            assert_eq!(head.word(1), seen, "{target}");
            assert_eq!(head.all("host").collect::<Vec<_>>(), [host.unwrap_or(&own)], "{target}");
            assert_eq!(head.header("x-forwarded-host"), Some("site.example:81"), "{target}");
        }
    }
}
