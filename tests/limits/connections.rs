//! How many connections a member gets, in the whole process, and who gets one next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use harness::prelude::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// Clients that ask again and again over connections of their own until told otherwise; each tells whether all of its
/// answers were good.
fn asking(proxy: &Proxy, count: usize, over: &Arc<AtomicBool>) -> Vec<thread::JoinHandle<usize>> {
    let to = proxy.address();
    (0..count)
        .map(|number| {
            let over = Arc::clone(over);
            thread::spawn(move || {
                let mut answers = 0;
                let mut client = if number % 2 == 0 { browser().keep_alive() } else { browser() };
                while !over.load(Ordering::SeqCst) {
                    let answer = client.try_send(to, "GET", "/", b"").unwrap();
                    assert_eq!(answer.status, 200);
                    answers += 1;
                }
                answers
            })
        })
        .collect()
}

#[test]
fn no_more_than_max_connections_are_open_whatever_the_threads_do() {
    for max in [1, 2, 5] {
        let [a] = backends(["a"]);
        let proxy = proxy_with_threads(4, serving([format!("{a} max={max}")]));
        let over = Arc::new(AtomicBool::new(false));
        let clients = asking(&proxy, 16, &over);
        eventually_true("much was asked", || a.count() > 600);
        over.store(true, Ordering::SeqCst);
        let answers: Vec<usize> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        assert!(answers.iter().all(|answers| *answers > 0), "somebody never had a turn: {answers:?}");
        assert!(a.most_open() <= max, "{} connections at once, {max} allowed", a.most_open());
        assert_eq!(proxy.busy(), 0);
    }
}

#[test]
fn who_waits_gets_the_place_of_a_connection_that_idles_at_another_thread() {
    let [a] = backends(["a"]);
    let proxy = proxy_with_threads(4, serving([format!("{a} max=1")]));
    // The clients' connections stay where the system put them, so these go round the threads.
    let mut clients: Vec<Peer> = (0..12).map(|_| Peer::of(&proxy)).collect();
    let watch = Stopwatch::start();
    for _ in 0..5 {
        for client in &mut clients {
            client.says(GET);
            assert_eq!(client.answer("GET").status, 200);
        }
    }
    assert!(watch.elapsed() < Duration::from_secs(3), "60 requests took {:?}", watch.elapsed());
    assert_eq!(a.most_open(), 1);
}

#[test]
fn who_waits_longest_is_served_first_whatever_its_thread() {
    let backend = BareBackend::new();
    let proxy = proxy_with_threads(4, serving([format!("{backend} max=1")]));
    let mut first = Peer::of(&proxy);
    first.says(GET);
    let mut member = backend.peer();
    member.head();
    let mut waiting: Vec<Peer> = Vec::new();
    for number in 0..12 {
        let mut client = Peer::of(&proxy);
        client.says(format!("GET /{number} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        // It is elected, and then it waits for a connection.
        eventually_equal(&(number + 2), || proxy.busy());
        waiting.push(client);
    }
    // Busy is counted just before the waiting begins.
    within(Duration::from_millis(100), || None::<()>);
    member.says("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    drop(member);
    for (number, client) in waiting.iter_mut().enumerate() {
        let mut member = backend.peer();
        assert_eq!(member.head().word(1), format!("/{number}"));
        member.says("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(client.answer("GET").status, 200);
    }
    eventually_equal(&0, || proxy.busy());
}

#[test]
fn who_gives_up_waiting_leaves_its_place_in_the_queue() {
    let gate = Gate::new();
    let a = Backend::new("a").that(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
    let proxy = proxy_with_threads(2, serving([format!("{a} max=1")]));
    let mut first = Peer::of(&proxy);
    first.says(GET);
    eventually_equal(&1, || gate.waiting());
    let gone: Vec<Peer> = (0..4)
        .map(|_| {
            let mut client = Peer::of(&proxy);
            client.says(GET);
            client
        })
        .collect();
    eventually_equal(&5, || proxy.busy());
    gone.into_iter().for_each(Peer::resets);
    let mut last = Peer::of(&proxy);
    last.says(GET);
    eventually_true("it is elected", || proxy.busy() >= 2);
    gate.open();
    assert_eq!((first.answer("GET").status, last.answer("GET").status), (200, 200));
    eventually_equal(&0, || proxy.busy());
}

#[test]
fn a_member_that_is_full_for_too_long_is_failed_over_and_not_marked() {
    let gate = Gate::new();
    let [full, other] = backends(["full", "other"]);
    full.behaves(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
    let proxy = proxy(serving([
        format!("{full} route=f max=1 acquire=100 lbset=0"),
        format!("{other} route=o lbset=1"),
    ]));
    let mut held = Peer::of(&proxy);
    held.says(GET);
    eventually_equal(&1, || gate.waiting());
    for _ in 0..3 {
        let watch = Stopwatch::start();
        assert_eq!(visits(&proxy, 1), "other");
        assert!(watch.elapsed() > Duration::from_millis(80), "waited {:?} only", watch.elapsed());
        assert!(watch.elapsed() < Duration::from_secs(2), "waited {:?}", watch.elapsed());
    }
    assert_eq!(proxy.member("app", "f").words, "Init Ok");
    proxy.edit("app", "o", r#"{"disabled":true}"#);
    assert_eq!(visits(&proxy, 1), "[503]");
    gate.open();
    assert_eq!(held.answer("GET").status, 200);
    assert_eq!(visits(&proxy, 2), "fullfull");
    assert_eq!(proxy.member("app", "f").words, "Init Ok");
}

#[test]
fn a_failed_connection_gives_its_place_back() {
    let a = Backend::refusing("a");
    let proxy = proxy(serving([format!("{a} max=2 acquire=1000 retry=0")]));
    assert_eq!(visits(&proxy, 6), "[503]".repeat(6));
    a.listens();
    assert_eq!(visits(&proxy, 3), "aaa");
    a.behaves(Behaviour::ResetsAfter(3, Reply::size(1000)));
    for _ in 0..6 {
        assert!(browser().try_send(proxy.address(), "GET", "/", b"").is_err());
    }
    a.behaves(Behaviour::good());
    assert_eq!(visits(&proxy, 3), "aaa");
}

/// Asks so many at once, so that as many connections are open, and lets all of them become idle.
fn at_once(proxy: &Proxy, backend: &Backend, count: usize) {
    let gate = Gate::new();
    backend.behaves(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
    let to = proxy.address();
    let clients: Vec<_> = (0..count)
        .map(|_| thread::spawn(move || browser().try_send(to, "GET", "/", b"").unwrap().status))
        .collect();
    eventually_equal(&count, || gate.waiting());
    gate.open();
    assert!(clients.into_iter().all(|client| client.join().unwrap() == 200));
    backend.behaves(Behaviour::good());
}

#[test]
fn idle_connections_beyond_smax_are_closed() {
    for (parameters, stay) in [("", 8), ("smax=3", 3), ("smax=0", 0), ("min=5", 8)] {
        let [a] = backends(["a"]);
        let proxy = proxy_with_threads(3, serving([format!("{a} {parameters}")]));
        at_once(&proxy, &a, 8);
        eventually_equal(&stay, || a.open());
        assert_eq!(a.connections(), 8, "{parameters}");
        let again = AtomicUsize::new(0);
        // What stayed is used again, from the thread at which it stayed.
        eventually_true("a kept connection is used again", || {
            again.fetch_add(1, Ordering::SeqCst);
            visits(&proxy, 1);
            stay == 0 || a.connections() < 8 + again.load(Ordering::SeqCst)
        });
    }
}

#[test]
fn idle_connections_beyond_smax_may_stay_for_their_ttl() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([format!("{a} smax=3 ttl=1")]));
    at_once(&proxy, &a, 8);
    assert_eq!(a.open(), 8);
    // Idle connections are looked through every few seconds.
    eventually_equal(&3, || a.open());
}

#[test]
fn a_connection_that_idled_for_its_ttl_is_not_used_again() {
    let [a] = backends(["a"]);
    let proxy = proxy_with_threads(1, serving([format!("{a} ttl=1")]));
    assert_eq!(visits(&proxy, 3), "aaa");
    assert_eq!(a.connections(), 1);
    within(Duration::from_millis(1100), || None::<()>);
    assert_eq!(visits(&proxy, 2), "aa");
    assert_eq!(a.connections(), 2);
}

#[test]
fn reuse_can_be_switched_off_and_on_and_the_last_word_counts() {
    for (parameters, connections, word) in [
        ("", 1, "Keep-Alive"),
        ("disablereuse=On", 3, "close"),
        ("enablereuse=Off", 3, "close"),
        ("disablereuse=On enablereuse=On", 1, "Keep-Alive"),
        ("enablereuse=On disablereuse=On", 3, "close"),
        ("disablereuse=On max=1", 3, "close"),
    ] {
        let [a] = backends(["a"]);
        let proxy = proxy_with_threads(1, serving([format!("{a} {parameters}")]));
        assert_eq!(visits(&proxy, 3), "aaa");
        assert_eq!(a.connections(), connections, "{parameters}");
        assert_eq!(a.last().head.header("connection"), Some(word), "{parameters}");
        eventually_equal(&usize::from(connections == 1), || a.open());
    }
}
