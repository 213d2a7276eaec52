//! Datagrams of strangers, of madmen, and very many of them.

use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use evenkeel_protocol::Call;

use super::*;

/// The log, once it tells of refusals; at most so often.
#[track_caller]
fn refusals(proxy: &Proxy, most: usize) -> String {
    let told = "heartbeats are refused";
    let log = eventually("refusals are told", || Some(proxy.log()).filter(|log| log.contains(told)));
    assert!(log.matches(told).count() <= most, "{log}");
    log
}

#[test]
fn garbage_changes_nothing_and_is_told_seldom() {
    let (proxy, [first]) = heard("HeartbeatListen 127.0.0.1:0");
    let to = hearing_at(&proxy);
    beat(address(1), to, "v=1&ready=5&busy=2");
    until_heard(&proxy, &first, (5, 2));
    let long = format!("v=1&ready=9&busy=9&x={}", "y".repeat(60_000));
    for text in [
        &b""[..],
        b"\0",
        b"ready=9&busy=9",
        b"v=1&ready=9",
        b"v=1&busy=9",
        b"v=1&ready=-9&busy=9",
        b"v=1&ready=9&busy=x",
        b"v=1&ready=9&busy=9&port=0",
        b"v=1&ready=9&busy=9&port=70000",
        b"\xff\xfe&&==%%%&ready=%",
        b"\x1b]0;title\x07v=1",
        long.as_bytes(),
    ] {
        beat(address(1), to, text);
    }
    // Behind all of them, and so heard last.
    beat(address(1), to, "busy=3&x&ready=1&v=7&ready=6");
    until_heard(&proxy, &first, (6, 3));
    let log = refusals(&proxy, 1);
    assert!(log.contains("the message is malformed") && !log.contains('\u{1b}'), "{log}");
}

/// Departure 69: httpd writes to a place of its memory that is not defined.
#[test]
fn more_servers_than_are_remembered_are_refused_aloud() {
    let (proxy, [first]) = heard("HeartbeatListen 127.0.0.1:0\nHeartbeatMaxServers 10\nHeartbeatAllow 127");
    let to = hearing_at(&proxy);
    for number in 0..10 {
        beat(address(100 + number), to, "v=1&ready=5&busy=2");
    }
    beat(address(1), to, "v=1&ready=5&busy=2");
    eventually_true("it is told", || proxy.log().contains("raise it"));
    assert_eq!(proxy.member("app", &first).heard, None);
    refusals(&proxy, 1);
}

/// Departure 67: httpd believes whoever can send to it.
#[test]
fn nobody_speaks_for_others() {
    let (proxy, [first]) = heard("HeartbeatListen 127.0.0.1:0");
    let to = hearing_at(&proxy);
    for number in 50..60 {
        beat(address(number), to, "v=1&ready=9&busy=9");
    }
    beat(address(1), to, "v=1&ready=5&busy=2");
    until_heard(&proxy, &first, (5, 2));
    let log = refusals(&proxy, 1);
    assert!(log.contains(&address(50).to_string()) && log.contains("HeartbeatAllow"), "{log}");
}

/// Sends as fast as it can until the end of the test.
fn flood(from: IpAddr, to: SocketAddr, text: &'static [u8], stop: &std::sync::atomic::AtomicBool) -> u64 {
    let socket = UdpSocket::bind((from, 0)).unwrap();
    let mut sent = 0;
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        // A full queue is part of it.
        drop(socket.send_to(text, to));
        sent += 1;
    }
    sent
}

#[test]
fn a_flood_starves_nobody_and_takes_no_memory() {
    let (proxy, [first]) = heard("HeartbeatListen 127.0.0.1:0");
    let to = hearing_at(&proxy);
    beat(address(1), to, "v=1&ready=5&busy=2");
    until_heard(&proxy, &first, (5, 2));
    let before = proxy.rss();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (slowest, sent) = thread::scope(|scope| {
        let strangers = scope.spawn(|| flood(address(77), to, b"v=1&ready=9&busy=9", &stop));
        let madmen = scope.spawn(|| flood(address(1), to, b"v=1&ready=9&busy=", &stop));
        let (whole, mut slowest) = (Stopwatch::start(), Duration::ZERO);
        while whole.elapsed() < Duration::from_secs(3) {
            let one = Stopwatch::start();
            let told = proxy.admin().ask("GET", &Call::Snapshot.path(), "");
            assert_eq!((told.status, visits(&proxy, 2).as_str()), (200, "11"));
            slowest = slowest.max(one.elapsed());
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        (slowest, strangers.join().unwrap() + madmen.join().unwrap())
    });
    assert!(sent > 50_000, "{sent} are no flood");
    assert!(slowest < patience() / 4, "a snapshot and two requests took {slowest:?}");
    let grown = proxy.rss().saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB for {sent} datagrams");
    // When it is over, who has something to say is heard.
    let _pulse = Pulse::of(address(1), to, (6, 1));
    until_heard(&proxy, &first, (6, 1));
    refusals(&proxy, 4);
}
