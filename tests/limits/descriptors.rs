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
    proxy.may_open(proxy.descriptors() + 20);
    let mut clients: Vec<Peer> = (0..40)
        .map(|_| {
            let mut client = Peer::of(&proxy);
            client.says(GET);
            client
        })
        .collect();
    eventually_true("some are held", || gate.waiting() >= 5);
    let spent = spent_in_a_second(&proxy);
    assert!(spent < 300, "{spent} ms of a processor in a second, for nothing");
    gate.open();
    let mut served = 0;
    for client in &mut clients {
        // Who was let go before its request was seen may try again.
        let Ok(answer) = client.try_answer("GET") else { continue };
        assert!([200, 503].contains(&answer.status), "{}", answer.status);
        served += usize::from(answer.status == 200);
    }
    assert!(served >= 5, "{served}");
    assert_eq!(proxy.busy(), 0);
    assert_eq!(
        proxy.member("app", "a").words,
        "Init Ok",
        "its host has no descriptors left, which is ours to mend"
    );
    assert_eq!(visits(&proxy, 4), "aaaa");
    assert!(proxy.log().contains("cannot accept a connection"), "{}", proxy.log());
}
