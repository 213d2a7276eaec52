//! Real httpds that announce themselves with `mod_heartbeat`, each with an address of its own.

use std::io::Write as _;
use std::net::TcpStream;

use evenkeel_protocol::HeardNote;
use harness::namespace::namespaces;

use super::*;

/// Takes so many slots of a server: a request that never ends keeps one.
fn hold(server: SocketAddr, slots: usize) -> Vec<TcpStream> {
    let begun = |_| {
        let mut stream = connect(server).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
        stream
    };
    (0..slots).map(begun).collect()
}

fn said(proxy: &Proxy, server: SocketAddr) -> Option<HeardNote> {
    proxy.member("app", server).heard.filter(|note| note.fresh)
}

/// The share of the first of two servers, in hundredths.
fn share_of_a(proxy: &Proxy) -> usize {
    let seen = browser().keep_alive().visits(proxy, "/", 400);
    assert_eq!(seen.matches(['a', 'b']).count(), 400, "{seen}");
    seen.matches('a').count() / 4
}

#[test]
fn picks_follow_the_ready_slots_of_real_servers() {
    let Some([one, two]) = namespaces() else { return };
    let members = [&one, &two].map(|it| format!("BalancerMember http://{}", it.server()));
    let proxy = proxy(format!(
        "HeartbeatListen 0.0.0.0:0\n<Proxy balancer://app>\n{}\nProxySet lbmethod=heartbeat\n</Proxy>\n\
         ProxyPass / balancer://app/",
        members.join("\n")
    ));
    let port = hearing_at(&proxy).port();
    let _servers = [one.httpd("a", port), two.httpd("b", port)];
    for namespace in [&one, &two] {
        let note = eventually("it is heard", || said(&proxy, namespace.server()));
        assert_eq!(note.from, namespace.server().ip());
        assert!(note.ready + note.busy == 16, "it has sixteen slots: {note:?}");
    }
    // One busy slot each, so that all of the others count.
    let _held = [hold(one.server(), 1), hold(two.server(), 1)];
    for namespace in [&one, &two] {
        eventually_true("fifteen are left", || {
            said(&proxy, namespace.server()).is_some_and(|it| it.slots >= 14)
        });
    }
    let even = share_of_a(&proxy);
    assert!((25..=75).contains(&even), "{even} of 100 at equal slots");
    // Two of the sixteen stay ready, against fifteen: about an eighth.
    let _more = hold(one.server(), 13);
    eventually_true("few are left", || said(&proxy, one.server()).is_some_and(|note| note.ready <= 2));
    let few = share_of_a(&proxy);
    assert!(few < even && few < 25, "{few} of 100 with two slots, after {even}");
}
