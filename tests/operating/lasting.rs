//! What lasts while the configuration is read anew: tunnels, requests of long ago, places at members; and those who come
//! or end at that very moment.

use std::net::{TcpListener, TcpStream};
use std::thread;

use evenkeel_protocol::Code;
use harness::prelude::*;
use rustix::process::Signal;

#[test]
fn a_tunnel_ends_when_the_file_stops_its_member() {
    let member = BareBackend::new();
    let text = |more: &str| serving([format!("http://{} upgrade=websocket{more}", member.address())]);
    let mut proxy = proxy(text(""));
    let mut client = Peer::of(&proxy);
    client.says("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let mut origin = member.peer();
    origin.head();
    origin.says("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    client.head();
    proxy.reload(text(" status=+D"));
    client.says("ping");
    assert_eq!(origin.hears(4), b"ping", "who is disabled keeps what it has");
    proxy.reload(text(" status=+S"));
    assert!(client.is_let_go());
    eventually_equal(&0, || proxy.busy());
}

#[test]
fn what_a_request_finds_out_reaches_the_configuration_of_now() {
    let held = Backend::new("held");
    let served = serving([&held]);
    let text = format!("{served}<Proxy balancer://app>\nProxySet failonstatus=500\n</Proxy>\n");
    let mut proxy = proxy(&text);
    let request = Held::answered(&proxy, &held, Reply::status(500));
    for _ in 0..3 {
        proxy.reload(&text);
    }
    request.answer();
    eventually_equal(&"Init Err".to_owned(), || proxy.member("app", &held).words);
}

#[test]
fn a_member_with_other_settings_has_no_more_connections_than_before() {
    let held = Backend::new("held");
    let text = |more: &str| serving([format!("{held} max=1 acquire=100{more}")]);
    let mut proxy = proxy(text(""));
    let to = proxy.address();
    let request = Held::answered(&proxy, &held, Reply::default());
    proxy.reload(text(" ttl=60"));
    assert_eq!(browser().try_send(to, "GET", "/", b"").unwrap().status, 503);
    assert_eq!(request.answer().status, 200);
    assert_eq!(visits(&proxy, 2).replace("held", "h"), "hh", "the place is free again");
}

#[test]
fn who_comes_by_a_new_address_is_served_as_the_configuration_says_that_has_it() {
    let [a, b] = backends(["a", "b"]);
    let mut proxy = proxy(serving([&a]));
    for (member, name) in [(&b, "b"), (&a, "a")].into_iter().cycle().take(6) {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap();
        let client = thread::spawn(move || {
            eventually("an answer", || browser().try_send(address, "GET", "/", b"").ok())
                .answered_by()
                .clone()
        });
        proxy.reload(format!("Listen {address}\n{}", serving([member])));
        assert_eq!(client.join().unwrap(), name);
    }
}

#[test]
fn who_is_about_to_end_opens_nothing_new() {
    let held = Backend::new("held");
    let proxy = proxy(serving([&held]));
    let to = proxy.address();
    let request = Held::answered(&proxy, &held, Reply::default());
    harness::proxy::signal(proxy.pid(), Signal::WINCH);
    eventually_true("the listener is closed", || TcpStream::connect(to).is_err());
    let refusal = proxy.try_reload(serving([&held])).refusal();
    assert_eq!(refusal.code, Code::Unavailable, "{}", refusal.message);
    assert_eq!(request.answer().status, 200);
    assert_eq!(proxy.ended().code(), Some(0));
}
