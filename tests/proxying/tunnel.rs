//! Tunnels while they live and how they end: by either side, by time, by an operator, by the end of the proxy.

use std::time::Duration;

use harness::prelude::*;

const ASK: &str = "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

fn echoing(parameters: &str) -> (Backend, Proxy) {
    let a = Backend::new("a").that(Behaviour::Echoes);
    let proxy = proxy(serving([format!("{a} route=a upgrade=WebSocket {parameters}")]));
    (a, proxy)
}

/// A tunnel to a member that echoes.
#[track_caller]
fn tunnel(proxy: &Proxy) -> Peer {
    let mut client = Peer::of(proxy);
    client.says(ASK);
    assert_eq!(client.head().word(1), "101");
    client
}

#[track_caller]
fn echoes(client: &mut Peer, text: &str) {
    client.says(text);
    assert_eq!(client.hears(text.len()), text.as_bytes());
}

#[test]
fn tunnels_are_busy_and_their_bytes_counted_while_they_live() {
    let (_a, proxy) = echoing("");
    let mut one = tunnel(&proxy);
    let mut two = tunnel(&proxy);
    eventually_equal(&2, || proxy.busy());
    let before = proxy.member("app", "a");
    let text = "some text ".repeat(10_000);
    echoes(&mut one, &text);
    echoes(&mut two, "short");
    let moved = text.len() as u64 + 5;
    eventually_equal(&(before.transferred + moved, before.read + moved), || {
        let member = proxy.member("app", "a");
        (member.transferred, member.read)
    });
    one.shuts();
    assert!(one.ends());
    eventually_equal(&1, || proxy.busy());
    echoes(&mut two, "still there");
    drop(two);
    eventually_equal(&0, || proxy.busy());
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
}

#[test]
fn each_side_may_end_its_half_first() {
    for client_first in [true, false] {
        let backend = BareBackend::new();
        let proxy = proxy(serving([format!("{backend} upgrade=WebSocket")]));
        let mut client = Peer::of(&proxy);
        client.says(ASK);
        let mut member = backend.peer();
        member.head();
        member.says(SWITCH);
        client.head();
        let (first, second) =
            if client_first { (&mut client, &mut member) } else { (&mut member, &mut client) };
        first.says("last words");
        first.shuts();
        assert_eq!(second.rest().unwrap(), b"last words");
        second.says("an answer to them");
        assert_eq!(first.hears(17), b"an answer to them");
        assert_eq!(proxy.busy(), 1);
        second.shuts();
        assert!(first.ends());
        eventually_equal(&0, || proxy.busy());
    }
}

#[test]
fn much_passes_both_ways_at_once_and_whole() {
    let (_a, proxy) = echoing("");
    let (mut from, mut to) = tunnel(&proxy).split();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let sent = bytes.clone();
    let sending = std::thread::spawn(move || {
        to.says(sent);
        to.shuts();
    });
    assert!(from.rest().unwrap() == bytes, "something was lost or changed");
    sending.join().unwrap();
    eventually_equal(&0, || proxy.busy());
}

#[test]
fn a_tunnel_in_which_nothing_moves_ends_with_the_members_time() {
    let (_a, proxy) = echoing("timeout=1");
    let mut client = tunnel(&proxy);
    let watch = Stopwatch::start();
    // One in which something moves lives on.
    while watch.elapsed() < Duration::from_millis(1500) {
        assert!(!client.hears_something_within(Duration::from_millis(100)));
        echoes(&mut client, "ping");
    }
    let watch = Stopwatch::start();
    assert!(client.is_let_go());
    assert!(watch.elapsed() > Duration::from_millis(800), "ended after {:?}", watch.elapsed());
    assert!(watch.elapsed() < Duration::from_secs(4), "ended after {:?}", watch.elapsed());
    eventually_equal(&0, || proxy.busy());
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
}

#[test]
fn a_drain_lets_tunnels_live_and_a_stop_ends_them() {
    let (_a, proxy) = echoing("");
    let mut clients = [tunnel(&proxy), tunnel(&proxy)];
    for json in [r#"{"drain":true}"#, r#"{"disabled":true}"#, r#"{"lbfactor":2}"#] {
        proxy.edit("app", "a", json);
        for client in &mut clients {
            echoes(client, "still there");
        }
    }
    assert_eq!(proxy.busy(), 2);
    proxy.edit("app", "a", r#"{"stopped":true}"#);
    for client in &mut clients {
        assert!(client.is_let_go());
    }
    eventually_equal(&0, || proxy.busy());
}

#[test]
fn a_member_that_dies_ends_its_tunnels() {
    let (a, proxy) = echoing("");
    let mut client = tunnel(&proxy);
    a.hang_up();
    assert!(client.is_let_go());
    // It might only have ended its half; its system answers what still comes with a reset.
    eventually_true("who goes on talking finds out", || {
        drop(client.try_says("anybody there?"));
        proxy.busy() == 0
    });
}

#[test]
fn a_client_that_resets_its_connection_ends_its_tunnel() {
    let backend = BareBackend::new();
    let proxy = proxy(serving([format!("{backend} upgrade=WebSocket")]));
    let mut client = Peer::of(&proxy);
    client.says(ASK);
    let mut member = backend.peer();
    member.head();
    member.says(SWITCH);
    client.head();
    client.resets();
    assert!(member.is_let_go());
    eventually_equal(&0, || proxy.busy());
}

#[test]
fn the_end_of_the_proxy_waits_for_tunnels_and_a_second_signal_does_not() {
    for patiently in [true, false] {
        let (_a, proxy) = echoing("");
        let mut client = tunnel(&proxy);
        proxy.terminate();
        eventually_true("the listener is closed", || std::net::TcpStream::connect(proxy.address()).is_err());
        echoes(&mut client, "still there");
        let watch = Stopwatch::start();
        if patiently {
            client.shuts();
            assert!(client.ends());
        } else {
            proxy.terminate();
            assert!(client.is_let_go());
        }
        proxy.ended();
        assert!(watch.elapsed() < Duration::from_secs(3), "took {:?}", watch.elapsed());
    }
}

#[test]
fn a_tunnel_that_begins_after_its_member_was_stopped_ends() {
    let backend = BareBackend::new();
    let proxy = proxy(serving([format!("{backend} route=a upgrade=WebSocket")]));
    let mut client = Peer::of(&proxy);
    client.says(ASK);
    let mut member = backend.peer();
    member.head();
    proxy.edit("app", "a", r#"{"stopped":true}"#);
    member.says(SWITCH);
    assert!(client.is_let_go());
    eventually_equal(&0, || proxy.busy());
}
