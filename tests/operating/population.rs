//! The census against a population that is known: every session of it is served once over real sockets, and then nobody
//! comes for a whole window.
//!
//! `EVENKEEL_SESSIONS` is the number of sessions (8,000).

use std::thread;
use std::time::Duration;

use evenkeel_protocol::{Call, Census};
use harness::prelude::*;

const ROUTES: [&str; 4] = ["a", "b", "c", "d"];

#[track_caller]
fn census(proxy: &Proxy) -> Census {
    proxy.admin().get(&Call::Sessions("app".parse().unwrap()))
}

#[test]
fn a_known_population_is_counted_in_a_bounded_memory_and_gone_after_a_window() {
    let sessions: u64 =
        std::env::var("EVENKEEL_SESSIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(8_000);
    let window = Duration::from_secs((sessions / 1_500).max(5));
    let members = backends(ROUTES);
    let lines = members.each_ref().map(|member| format!("BalancerMember {member} route={}\n", member.name()));
    let proxy = proxy(format!(
        "<Proxy balancer://app>\n{}ProxySet stickysession=SID sessionwindow={}s\n</Proxy>
        ProxyPass / balancer://app/",
        lines.concat(),
        window.as_secs()
    ));
    // Connections and buffers are there before it is measured.
    let serve = |first: u64, last: u64| {
        let (threads, to) = (4, proxy.address());
        let served = (0..threads).map(|thread| {
            thread::spawn(move || {
                let mut client = browser().keep_alive();
                for session in (first..last).filter(|session| session % threads == thread) {
                    let route = ROUTES[usize::try_from(session / 16 % 4).unwrap()];
                    client = client.cookie("SID", &format!("{session:032x}.{route}"));
                    assert_eq!(client.try_send(to, "GET", "/", b"").unwrap().answered_by(), route);
                }
            })
        });
        served.collect::<Vec<_>>().into_iter().for_each(|served| served.join().unwrap());
    };
    serve(0, 16);
    let (before, clock) = (proxy.rss(), Stopwatch::start());
    serve(16, sessions);
    let (took, after) = (clock.elapsed(), proxy.rss());
    assert!(took < window, "the machine is too slow: {took:?} of {window:?}");
    let seen = census(&proxy);
    println!("{sessions} sessions in {took:.1?}; resident memory {before} KiB before, {after} KiB after");
    for (which, route) in (0..).zip(&seen.routes) {
        let truth = (0..sessions).map(|session| u64::from(session / 16 % 4 == which)).sum::<u64>();
        let per_mille = route.live.abs_diff(truth) * 1000 / truth;
        println!(
            "route {}: {} of {truth}, off by {per_mille} ‰, exact: {}",
            route.route, route.live, route.exact
        );
        // Four standard deviations, and none where it says that it is exact.
        assert!(if route.exact { route.live == truth } else { per_mille < 100 }, "{route:?}");
        assert_eq!((route.claimed, route.is_empty()), (0, false), "{route:?}");
    }
    assert!(after.saturating_sub(before) < 2048, "{before} KiB before, {after} KiB after");
    let silence = Stopwatch::start();
    let last = within(window * 2, || census(&proxy).routes.iter().all(|route| route.live == 0).then_some(()));
    assert!(last.is_some(), "{:?}", census(&proxy));
    println!("none after {:.1?} without a request, window {window:?}", silence.elapsed());
    let rest = window.saturating_sub(Duration::from_secs(1));
    assert!(silence.elapsed() > rest, "gone too soon: {:?}", silence.elapsed());
    assert!(census(&proxy).routes.iter().all(|route| route.is_empty() && route.last_seen.is_none()));
}
