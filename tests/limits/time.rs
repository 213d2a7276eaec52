//! How slow clients may be: with their heads, with their bodies, with reading.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use harness::prelude::*;
use socket2::{Domain, Socket, Type};

fn seconds(from: f32, to: f32) -> std::ops::Range<Duration> {
    Duration::from_secs_f32(from)..Duration::from_secs_f32(to)
}

const TEXT: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const PAUSE: Duration = Duration::from_millis(20);

#[test]
fn a_head_that_comes_too_slowly_is_408() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("RequestReadTimeout header=1\n{}", serving([&a])));
    let mut stalls = Peer::of(&proxy);
    stalls.says("GET / HTTP/1.1\r\nHo");
    let mut drips = Peer::of(&proxy);
    let watch = Stopwatch::start();
    // Each byte comes soon enough, all of them do not.
    let sent = drips.drips(&TEXT.repeat(10).as_bytes()[..TEXT.len() - 1].repeat(9), PAUSE);
    assert!(sent > 10 && sent < TEXT.len() * 9, "{sent}");
    assert_eq!(drips.answer("GET").status, 408);
    assert!(seconds(0.9, 3.0).contains(&watch.elapsed()), "took {:?}", watch.elapsed());
    assert!(drips.is_let_go());
    let answer = stalls.answer("GET");
    assert_eq!((answer.status, answer.head.nominates("close")), (408, true));
    assert!(watch.elapsed() < Duration::from_secs(3));
    stalls.shuts();
    assert!(stalls.ends());
    assert_eq!(a.count(), 0);
}

#[test]
fn a_client_that_says_nothing_at_all_is_let_go_without_a_word() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("RequestReadTimeout header=1\n{}", serving([&a])));
    let watch = Stopwatch::start();
    assert!(Peer::of(&proxy).ends());
    assert!(seconds(0.9, 3.0).contains(&watch.elapsed()), "took {:?}", watch.elapsed());
}

#[test]
fn a_head_has_its_time_again_for_each_request() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("RequestReadTimeout header=1\n{}", serving([&a])));
    let mut client = Peer::of(&proxy);
    let watch = Stopwatch::start();
    let text = TEXT.replace("Connection: close\r\n", "");
    while watch.elapsed() < Duration::from_millis(1600) {
        client.drips(text.as_bytes(), Duration::from_millis(10));
        assert_eq!(client.answer("GET").status, 200);
    }
}

#[test]
fn bytes_at_the_least_rate_earn_a_head_more_time() {
    let [a] = backends(["a"]);
    let sends = |pace: &str, rest: usize, expected: u16| {
        let proxy = proxy(format!("RequestReadTimeout {pace}\n{}", serving([&a])));
        let mut client = Peer::of(&proxy);
        let watch = Stopwatch::start();
        client.drips(TEXT.replace("/ H", &format!("/{} H", "x".repeat(rest))).as_bytes(), PAUSE);
        assert_eq!(client.answer("GET").status, expected, "{pace}");
        assert!(seconds(0.9, 6.0).contains(&watch.elapsed()), "{pace}: {:?}", watch.elapsed());
    };
    thread::scope(|scope| {
        // 50 bytes a second, of which each 5 earn a second.
        scope.spawn(|| sends("header=1-10,MinRate=5", 60, 200));
        scope.spawn(|| sends("header=1-2,MinRate=5", 200, 408));
        scope.spawn(|| sends("header=1-10,MinRate=500", 100, 408));
    });
}

#[test]
fn a_body_that_comes_too_slowly_is_408_and_its_member_not_to_blame() {
    let [a] = backends(["a"]);
    let sends = |pace: &str, framing: &str, body: &str, expected: u16| {
        let proxy =
            proxy(format!("RequestReadTimeout {pace}\n{}", serving([format!("{a} route=a timeout=30")])));
        let mut client = Peer::of(&proxy);
        client.says(format!("POST / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n"));
        let watch = Stopwatch::start();
        client.drips(body.as_bytes(), PAUSE);
        assert_eq!(client.answer("POST").status, expected, "{pace} {framing}");
        assert!(seconds(0.9, 6.0).contains(&watch.elapsed()), "{pace} {framing}: {:?}", watch.elapsed());
        eventually_equal(&0, || proxy.busy());
        assert_eq!(proxy.member("app", "a").words, "Init Ok", "{pace} {framing}");
    };
    let bytes = "b".repeat(80);
    let chunks = format!("50\r\n{bytes}\r\n0\r\n\r\n");
    let framings = [("Content-Length: 80", &bytes), ("Transfer-Encoding: chunked", &chunks)];
    thread::scope(|scope| {
        for (framing, body) in framings {
            scope.spawn(|| sends("body=1", framing, body, 408));
            scope.spawn(|| sends("body=1-10,MinRate=5", framing, body, 200));
            scope.spawn(|| sends("body=1,MinRate=500", framing, body, 408));
        }
    });
}

/// A client whose system takes little that it has not read.
fn small_reader(proxy: &Proxy, size: usize) -> Peer {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    socket.connect(&proxy.address().into()).unwrap();
    let mut client = Peer::from(TcpStream::from(socket));
    client.says(format!("GET /?size={size} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    client
}

#[test]
fn a_client_that_reads_nothing_is_cut_off_and_one_that_reads_slowly_is_not() {
    const SIZE: usize = 20_000_000;
    let [a] = backends(["a"]);
    let proxy = proxy(format!("Timeout 1\n{}", serving([format!("{a} route=a timeout=30")])));
    let mut stuck = small_reader(&proxy, SIZE);
    let mut slow = small_reader(&proxy, SIZE);
    let watch = Stopwatch::start();
    slow.head();
    let mut read = 0;
    while watch.elapsed() < Duration::from_millis(2500) {
        // What came is read at once; then nothing for a while.
        read += slow.hears(200_000).len();
        within(Duration::from_millis(100), || None::<()>);
    }
    assert_eq!(proxy.busy(), 1, "the other one is gone");
    assert_eq!(stuck.head().header("content-length"), Some(SIZE.to_string().as_str()));
    assert!(stuck.rest().map_or(0, |rest| rest.len()) < SIZE, "more came than it had read");
    assert_eq!(read + slow.rest().unwrap().len(), SIZE);
    eventually_equal(&0, || proxy.busy());
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
}
