//! Connections on both sides: kept, reused, and not shared by mistake.

use std::io::{BufReader, Write};

use harness::prelude::*;

fn single(a: &Backend, parameters: &str) -> Proxy {
    // One thread, so that there is one store of idle connections.
    proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} {parameters}
        </Proxy>
        ProxyPass / balancer://app/"
    ))
}

#[test]
fn connections_to_members_are_kept_and_reused() {
    let [a] = backends(["a"]);
    let proxy = single(&a, "");
    let mut one = browser().keep_alive();
    assert_eq!(one.visits(&proxy, "/", 10), "a".repeat(10));
    assert_eq!((a.count(), a.connections()), (10, 1));
}

#[test]
fn disablereuse_opens_a_connection_for_each_request() {
    let [a] = backends(["a"]);
    let proxy = single(&a, "disablereuse=On");
    let mut one = browser().keep_alive();
    assert_eq!(one.visits(&proxy, "/", 3), "aaa");
    assert_eq!(a.connections(), 3);
}

#[test]
fn a_connection_that_a_member_closed_while_idle_costs_nobody_an_answer() {
    let [a] = backends(["a"]);
    let proxy = single(&a, "");
    let mut one = browser().keep_alive();
    for _ in 0..5 {
        assert_eq!(one.get(&proxy, "/").status, 200);
        a.hang_up();
    }
    assert_eq!(a.count(), 5);
}

#[test]
fn requests_that_are_sent_ahead_are_answered_in_order() {
    let [a] = backends(["a"]);
    let proxy = single(&a, "");
    let mut stream = connect(proxy.address()).unwrap();
    let ask = |size: usize| format!("GET /?size={size} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all((ask(1) + &ask(2) + &ask(3)).as_bytes()).unwrap();
    let mut from = BufReader::new(stream);
    let sizes: Vec<usize> = (0..3).map(|_| read_answer(&mut from, "GET").unwrap().body.len()).collect();
    assert_eq!(sizes, [1, 2, 3]);
}

#[test]
fn a_client_that_asks_to_close_is_closed_and_told() {
    let [a] = backends(["a"]);
    let proxy = single(&a, "");
    let seen = raw(proxy.address(), b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let head = Head::read(&mut &seen[..]).unwrap().unwrap();
    assert!(head.nominates("close"), "{head:?}");
}

#[test]
fn no_more_than_max_requests_reach_a_member_at_once() {
    let gate = Gate::new();
    let a = Backend::new("a").that(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
    let proxy = single(&a, "max=2");
    let to = proxy.address();
    let clients: Vec<_> = (0..5)
        .map(|_| std::thread::spawn(move || browser().try_send(to, "GET", "/", b"").unwrap().status))
        .collect();
    eventually_equal(&5, || proxy.busy());
    eventually_equal(&2, || gate.waiting());
    for _ in 0..5 {
        gate.let_pass(1);
        assert!(gate.waiting() <= 2);
    }
    assert!(clients.into_iter().all(|client| client.join().unwrap() == 200));
}
