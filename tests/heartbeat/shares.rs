//! Who gets how much: shares by idle slots, and what flags and sets do to them.

use super::*;

/// How often each member answers of `count` requests.
fn counts<const N: usize>(proxy: &Proxy, backends: &[Backend; N], count: usize) -> [usize; N] {
    let before = backends.each_ref().map(Backend::count);
    browser().keep_alive().visits(proxy, "/", count);
    let mut at = 0;
    backends.each_ref().map(|backend| {
        at += 1;
        backend.count() - before[at - 1]
    })
}

/// The bounds are more than six standard deviations wide, so that chance fails this once in a hundred million runs.
#[test]
fn shares_follow_the_ready_slots_and_overlap_as_in_httpd() {
    let (proxy, backends) = heard::<3>("HeartbeatListen 127.0.0.1:0");
    let to = hearing_at(&proxy);
    let count = 1100;
    for (slots, of, shares) in [
        ([(8, 1), (2, 1), (0, 1)], 11.0, [8.0, 2.0, 1.0]),
        // Nothing busy: a quarter counts, and one of one to three.
        ([(8, 0), (2, 1), (2, 1)], 7.0, [2.0, 2.0, 3.0]),
        ([(3, 0), (1, 0), (5, 9)], 8.0, [1.0, 1.0, 6.0]),
        ([(5, 5), (5, 5), (5, 5)], 16.0, [5.0, 5.0, 6.0]),
    ] {
        let pulses = pulses(&proxy, to, &backends, &slots);
        let seen = counts(&proxy, &backends, count);
        for (seen, share) in seen.iter().zip(shares) {
            let (p, n) = (share / of, f64::from(u32::try_from(count).unwrap()));
            let (mean, deviation) = (n * p, (n * p * (1.0 - p)).sqrt());
            let off = (f64::from(u32::try_from(*seen).unwrap()) - mean).abs();
            assert!(off < 6.5 * deviation, "{slots:?}: {seen} instead of {mean} ± {deviation}");
        }
        drop(pulses);
    }
    let snapshot = proxy.balancer("app");
    assert!(snapshot.members.iter().all(|member| member.lbstatus == 0), "as in httpd it moves no lbstatus");
}

/// Departure 63: httpd gives members with these flags their share all the same.
#[test]
fn drain_standby_spare_and_set_are_honoured() {
    let (proxy, backends) = heard::<3>("HeartbeatListen 127.0.0.1:0");
    let _pulses = pulses(&proxy, hearing_at(&proxy), &backends, &[(9, 1), (9, 1), (9, 1)]);
    let [first, second, _] = &backends;
    for (name, edit, undo) in [
        ("drain", r#"{"drain":true}"#, r#"{"drain":false}"#),
        ("standby", r#"{"standby":true}"#, r#"{"standby":false}"#),
        ("spare", r#"{"spare":true}"#, r#"{"spare":false}"#),
        ("lbset", r#"{"lbset":1}"#, r#"{"lbset":0}"#),
        ("disabled", r#"{"disabled":true}"#, r#"{"disabled":false}"#),
        ("stopped", r#"{"stopped":true}"#, r#"{"stopped":false}"#),
    ] {
        proxy.edit("app", first, edit);
        let seen = visits(&proxy, 60);
        assert!(!seen.contains('1') && seen.contains('2') && seen.contains('3'), "{name}: {seen}");
        proxy.edit("app", first, undo);
        assert!(visits(&proxy, 200).contains('1'), "{name} undone");
    }
    // Whoever is left in the first set gets all of it, and the next set only when nobody is.
    proxy.edit("app", first, r#"{"lbset":1}"#);
    proxy.edit("app", second, r#"{"disabled":true}"#);
    assert_eq!(visits(&proxy, 20), "3".repeat(20));
}

/// Departure 63: httpd keeps one record an address, and sends everything to the last member that has it.
#[test]
fn members_of_one_address_are_told_apart_by_port() {
    let backends = backends(["1", "2"]);
    let proxy = proxy(site("HeartbeatListen 127.0.0.1:0", &backends));
    let to = hearing_at(&proxy);
    let ports: Vec<u16> = proxy.balancer("app").members.iter().map(|member| member.name.port()).collect();
    let loopback = Ipv4Addr::LOCALHOST;
    // Without a port it is said of both.
    beat(loopback, to, "v=1&ready=6&busy=1");
    eventually_true("both are heard", || {
        proxy
            .balancer("app")
            .members
            .iter()
            .all(|member| member.heard.as_ref().is_some_and(|it| it.ready == 6))
    });
    let seen = visits(&proxy, 200);
    assert!(seen.contains('1') && seen.contains('2'), "{seen}");
    let _pulses = [
        Pulse::saying(loopback, to, &format!("v=1&ready=0&busy=6&port={}", ports[0])),
        Pulse::saying(loopback, to, &format!("v=1&ready=7&busy=1&port={}", ports[1])),
    ];
    eventually_equal(&vec![Some(0), Some(7)], || {
        proxy.balancer("app").members.iter().map(|member| Some(member.heard.as_ref()?.ready)).collect()
    });
    assert_eq!(visits(&proxy, 30), "2".repeat(30));
}

#[test]
fn a_snapshot_shows_who_was_heard_and_who_never() {
    let (proxy, [first, second]) = heard("HeartbeatListen 127.0.0.1:0");
    beat(address(1), hearing_at(&proxy), "v=1&ready=8&busy=0");
    until_heard(&proxy, &first, (8, 0));
    let note = proxy.member("app", &first).heard.unwrap();
    assert_eq!((note.slots, note.from, note.by.name()), (2, address(1), "datagram"));
    assert!(note.at <= proxy.snapshot().taken);
    assert_eq!(proxy.member("app", &second).heard, None);
    assert_eq!(visits(&proxy, 10), "1".repeat(10), "who was not heard takes no part");
}

#[test]
fn another_share_is_taken_up_at_once() {
    let (proxy, backends) = heard::<2>("HeartbeatListen 127.0.0.1:0");
    let pulses = pulses(&proxy, hearing_at(&proxy), &backends, &[(9, 1), (0, 9)]);
    pulses[0].now_says((0, 10));
    pulses[1].now_says((10, 1));
    until_heard(&proxy, &backends[0], (0, 10));
    until_heard(&proxy, &backends[1], (10, 1));
    assert_eq!(visits(&proxy, 20), "2".repeat(20));
    // Heard, and full: nobody, as in httpd.
    pulses[1].now_says((0, 10));
    until_heard(&proxy, &backends[1], (0, 10));
    assert_eq!(visits(&proxy, 2), "[503][503]");
}
