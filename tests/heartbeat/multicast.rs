//! Multicast, as httpd's servers send it; on the interface that the system chooses.

use std::net::{Ipv6Addr, UdpSocket};

use super::*;

/// The address from which this machine sends to a group, if it can.
fn source(group: Ipv4Addr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED).ok()?;
    socket.connect((group, 9)).ok()?;
    let from = socket.local_addr().unwrap().ip();
    // A member there must be reachable.
    UdpSocket::bind((from, 0)).ok().map(|_| from)
}

#[test]
fn a_group_is_joined_and_heard() {
    let group = Ipv4Addr::new(239, 255, 77, 7);
    let Some(from) = source(group) else {
        return skipped("this machine has no route for multicast");
    };
    let backend = Backend::at(from, "1");
    let proxy = proxy(site(&format!("HeartbeatListen {group}:0"), std::slice::from_ref(&backend)));
    let to = hearing_at(&proxy);
    assert_eq!(to.ip(), IpAddr::from(group), "as in httpd the socket is bound to the group itself");
    let _pulse = Pulse::of(from, to, (5, 2));
    until_heard(&proxy, &backend, (5, 2));
    // Another listener of the same group, as httpd's reuse of the address allows, hears it too.
    let second = self::proxy(site(&format!("HeartbeatListen {to}"), std::slice::from_ref(&backend)));
    until_heard(&second, &backend, (5, 2));
}

#[test]
fn ipv6_is_heard() {
    if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return skipped("this machine has no IPv6");
    }
    let backend = Backend::at(Ipv6Addr::LOCALHOST, "1");
    let proxy = proxy(site("HeartbeatListen [::1]:0", std::slice::from_ref(&backend)));
    beat(Ipv6Addr::LOCALHOST, hearing_at(&proxy), "v=1&ready=5&busy=2");
    until_heard(&proxy, &backend, (5, 2));
}

#[test]
fn an_address_that_is_taken_stops_the_start_and_leaves_nothing() {
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let folder = folder();
    let file = folder.path().join("site.conf");
    std::fs::write(&file, format!("Listen 127.0.0.1:0\nHeartbeatListen {address}\n")).unwrap();
    let run = folder.path().join("run");
    let words = ["-f".as_ref(), file.as_os_str(), "--run-dir".as_ref(), run.as_os_str()];
    let ended = harness::binaries::run(&evenkeel_proxy(), words);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains(&format!("cannot listen for heartbeats on {address}")), "{}", ended.err);
    assert!(!run.exists(), "no run folder stays");
}
