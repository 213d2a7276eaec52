//! A proxy that may open no more: idle clients make room, the others wait, nothing spins, and no member is to blame.

use std::time::Duration;

use harness::prelude::*;

const GET: &str = "GET /?size=10 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn started(a: &Backend) -> Proxy {
    let proxy = proxy(format!("RequestReadTimeout header=30\n{}", serving([format!("{a} route=a")])));
    // The admin interface may answer before all threads are up.
    eventually("it has started", || proxy.admin().events(0).pop());
    proxy
}

/// A client that has said this.
fn asks(proxy: &Proxy, words: &str) -> Peer {
    let mut client = Peer::of(proxy);
    client.says(words);
    client
}

/// What the processors do for the proxy in one second, in milliseconds.
fn spent_in_a_second(proxy: &Proxy) -> u128 {
    let (watch, before) = (Stopwatch::start(), proxy.processor_time());
    within(Duration::from_secs(1), || None::<()>);
    let spent = proxy.processor_time().saturating_sub(before).as_millis();
    spent * 1000 / watch.elapsed().as_millis()
}

#[test]
fn idle_clients_are_let_go_where_descriptors_are_short() {
    let [a] = backends(["a"]);
    let proxy = started(&a);
    assert_eq!(visits(&proxy, 4), "aaaa");
    proxy.may_open(proxy.descriptors() + 20);
    // More than there are descriptors, and nobody says anything.
    let silent: Vec<Peer> = (0..60).map(|_| Peer::of(&proxy)).collect();
    eventually_true("it is short of them", || proxy.log().contains("cannot accept a connection"));
    for round in 0..10 {
        let mut client = Peer::of(&proxy);
        client.says(GET);
        assert_eq!(client.answer("GET").status, 200, "{round}");
    }
    drop(silent);
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
}

#[test]
fn nothing_spins_while_there_are_none_and_it_recovers() {
    let gate = Gate::new();
    let a = Backend::new("a").that(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
    let proxy = started(&a);
    let before = proxy.descriptors();
    proxy.may_open(before + 20);
    let mut held: Vec<Peer> = (0..5).map(|_| asks(&proxy, GET)).collect();
    eventually_equal(&5, || gate.waiting());
    // These are at work as well, so none of them is let go for those who wait.
    let (front, rest) = GET.split_at(9);
    let mut begun: Vec<Peer> = (0..30).map(|_| asks(&proxy, front)).collect();
    let used_up = || proxy.descriptors() >= before + 20;
    eventually_true("all are used", used_up);
    eventually_true("it is told", || proxy.log().contains("cannot accept a connection"));
    let spent = spent_in_a_second(&proxy);
    assert!(spent < 300, "{spent} ms of a processor in a second, for nothing");
    assert!(used_up(), "some were let go meanwhile");

    gate.open();
    for client in &mut held {
        assert_eq!(client.answer("GET").status, 200);
    }
    for client in &mut begun {
        drop(client.try_says(rest));
        // Where there is none for the member's connection either, nobody can serve; who was let go may try again.
        let Ok(answer) = client.try_answer("GET") else { continue };
        assert!([200, 503].contains(&answer.status), "{}", answer.status);
    }
    eventually_equal(&0, || proxy.busy());
    let words = proxy.member("app", "a").words;
    assert_eq!(words, "Init Ok", "that the proxy lacks descriptors is no fault of its members");
    assert_eq!(visits(&proxy, 4), "aaaa");
}

#[test]
fn connections_to_members_are_kept_again_after_a_shortage() {
    let [a] = backends(["a"]);
    let proxy = proxy_with_threads(1, serving([format!("{a} smax=1")]));
    assert_eq!(visits(&proxy, 2), "aa");
    proxy.may_open(proxy.descriptors());
    let silent: Vec<Peer> = (0..4).map(|_| Peer::of(&proxy)).collect();
    eventually_true("it is told", || proxy.log().contains("cannot accept a connection"));
    proxy.may_open(proxy.descriptors() + 100);
    drop(silent);
    let mut client = Peer::of(&proxy);
    client.says("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.answer("GET").status, 200);
    let before = a.connections();
    for _ in 0..5 {
        client.says("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(client.answer("GET").status, 200);
    }
    assert_eq!(a.connections(), before, "its connections are not kept any more");
}
