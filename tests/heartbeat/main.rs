//! lbmethod heartbeat: members say how many idle slots they have, and get the work by it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use harness::prelude::*;

mod handler;
mod hostile;
mod httpd;
mod multicast;
mod shared_file;
mod shares;
mod silence;
mod storage;

/// The address of the member with that number: each has one of its own.
fn address(number: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, number + 10).into()
}

/// Backends `1`, `2`, …, each at its own address, and the proxy that serves them by heartbeats below `lines`.
fn heard<const N: usize>(lines: &str) -> (Proxy, [Backend; N]) {
    let backends = std::array::from_fn(|at| {
        let number = u8::try_from(at + 1).unwrap();
        Backend::at(address(number), &number.to_string())
    });
    let proxy = proxy(site(lines, &backends));
    (proxy, backends)
}

/// The text of a balancer `app` of these backends, by heartbeats, below `lines`.
fn site(lines: &str, backends: &[Backend]) -> String {
    let members: Vec<String> =
        backends.iter().map(|backend| format!("BalancerMember {backend} route={}", backend.name())).collect();
    format!(
        "{lines}\n<Proxy balancer://app>\n{}\nProxySet lbmethod=heartbeat\n</Proxy>\nProxyPass / balancer://app/",
        members.join("\n")
    )
}

/// Waits until the member has said this.
#[track_caller]
fn until_heard(proxy: &Proxy, member: &Backend, said: (u32, u32)) {
    eventually_equal(&Some((said, true)), || {
        let note = proxy.member("app", member).heard?;
        Some(((note.ready, note.busy), note.fresh))
    });
}

/// Each member beats as said, and is heard.
#[track_caller]
fn pulses(proxy: &Proxy, to: SocketAddr, backends: &[Backend], slots: &[(u32, u32)]) -> Vec<Pulse> {
    let pulses: Vec<Pulse> =
        backends.iter().zip(slots).map(|(it, slots)| Pulse::of(it.address().ip(), to, *slots)).collect();
    for (backend, slots) in backends.iter().zip(slots) {
        until_heard(proxy, backend, *slots);
    }
    pulses
}
