//! bybusyness: whoever has the fewest requests in flight; lbfactor breaks ties.

use std::thread;

use harness::prelude::*;

fn members(factors: [u8; 3], gate: &Gate) -> (Proxy, [Backend; 3]) {
    let backends = backends(["1", "2", "3"]);
    for backend in &backends {
        backend.behaves(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
    }
    let lines: Vec<String> = backends
        .iter()
        .zip(factors)
        .map(|(backend, factor)| {
            format!("BalancerMember {backend} route={} loadfactor={factor}", backend.name())
        })
        .collect();
    let proxy = proxy(format!(
        "<Proxy balancer://app>\n{}\nProxySet lbmethod=bybusyness\n</Proxy>\nProxyPass / balancer://app/",
        lines.join("\n")
    ));
    (proxy, backends)
}

/// Elected, busy and load of each member after each of six requests that are held open, as recorded of httpd.
type Held = [[(u64, u64, i64); 3]; 6];

const EQUAL: Held = [
    [(1, 1, -200), (0, 0, 100), (0, 0, 100)],
    [(1, 1, -100), (1, 1, -100), (0, 0, 200)],
    [(1, 1, 0), (1, 1, 0), (1, 1, 0)],
    [(2, 2, -200), (1, 1, 100), (1, 1, 100)],
    [(2, 2, -100), (2, 2, -100), (1, 1, 200)],
    [(2, 2, 0), (2, 2, 0), (2, 2, 0)],
];
const UNEQUAL: Held = [
    [(0, 0, 100), (0, 0, 200), (1, 1, -300)],
    [(0, 0, 200), (1, 1, -200), (1, 1, 0)],
    [(1, 1, -300), (1, 1, 0), (1, 1, 300)],
    [(1, 1, -200), (1, 1, 200), (2, 2, 0)],
    [(1, 1, -100), (2, 2, -200), (2, 2, 300)],
    [(2, 2, -600), (2, 2, 0), (2, 2, 600)],
];

#[test]
fn requests_held_open_are_spread_as_httpd_spreads_them() {
    for (factors, held, then) in [([1, 1, 1], EQUAL, "123123123123"), ([1, 2, 3], UNEQUAL, "332323321323")] {
        let gate = Gate::new();
        let (proxy, _backends) = members(factors, &gate);
        let to = proxy.address();
        let mut clients = Vec::new();
        for expected in held {
            clients.push(thread::spawn(move || browser().try_send(to, "GET", "/", b"").unwrap().status));
            eventually_equal(&clients.len(), || gate.waiting());
            let seen = ["1", "2", "3"].map(|route| {
                let member = proxy.member("app", route);
                (member.elected, member.busy, member.lbstatus)
            });
            assert_eq!(seen, expected, "{factors:?}, {} held", clients.len());
        }
        gate.open();
        assert!(clients.into_iter().all(|client| client.join().unwrap() == 200));
        assert_eq!(proxy.busy(), 0);
        assert_eq!(visits(&proxy, 12), then, "{factors:?}");
    }
}
