//! How many clients may be connected at once, and who makes room.

use std::time::Duration;

use harness::prelude::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_client_too_many_waits_until_one_leaves() {
    for threads in [1, 3] {
        let gate = Gate::new();
        let a = Backend::new("a").that(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
        let proxy = proxy_with_threads(threads, format!("MaxRequestWorkers 2\n{}", serving([&a])));
        let mut served = [Peer::of(&proxy), Peer::of(&proxy)];
        for client in &mut served {
            client.says(GET);
        }
        eventually_equal(&2, || gate.waiting());
        let mut third = Peer::of(&proxy);
        third.says(GET);
        assert!(!third.hears_something_within(Duration::from_millis(300)), "{threads}");
        assert_eq!(gate.waiting(), 2, "{threads}");
        gate.let_pass(1);
        eventually_equal(&2, || gate.waiting());
        gate.open();
        assert_eq!(third.answer("GET").status, 200, "{threads}");
        for client in &mut served {
            assert_eq!(client.answer("GET").status, 200, "{threads}");
        }
    }
}

#[test]
fn idle_clients_make_room_first() {
    for threads in [1, 3] {
        let gate = Gate::new();
        let [idle, held] = backends(["idle", "held"]);
        held.behaves(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
        let proxy = proxy_with_threads(
            threads,
            format!(
                "MaxRequestWorkers 3\n<Proxy balancer://idle>\nBalancerMember {idle}\n</Proxy>\n\
                 <Proxy balancer://held>\nBalancerMember {held}\n</Proxy>\n\
                 ProxyPass /idle balancer://idle\nProxyPass /held balancer://held"
            ),
        );
        let mut busy = Peer::of(&proxy);
        busy.says("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
        eventually_equal(&1, || gate.waiting());
        let mut kept = Peer::of(&proxy);
        kept.says("GET /idle HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(!kept.answer("GET").head.nominates("close"));
        let mut silent = Peer::of(&proxy);
        // The system keeps who says nothing to itself for a while; then all places are taken.
        eventually_true("an idle client makes room", || {
            let watch = Stopwatch::start();
            let mut fresh = Peer::of(&proxy);
            fresh.says("GET /idle HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            assert_eq!(fresh.answer("GET").status, 200, "{threads}");
            assert!(watch.elapsed() < Duration::from_secs(2), "{threads}: {:?}", watch.elapsed());
            let moment = Duration::from_millis(20);
            kept.hears_something_within(moment) || silent.hears_something_within(moment)
        });
        gate.open();
        assert_eq!(busy.answer("GET").status, 200, "who is served is not shed");
    }
}
