//! The census of sessions: what counts, what does not, and what starts the observation anew.

use std::time::Duration;

use evenkeel_protocol::{Call, Census, HistoryQuery, Preview, RouteSessions, Series};
use harness::prelude::*;
use harness::proxy::signal;
use rustix::process::Signal;

const STICKY: &str = "stickysession=SID|sid";

fn text(backends: &[Backend; 2], settings: &str, more: &str) -> String {
    let [a, b] = backends;
    format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a
            BalancerMember {b} route=b
            ProxySet {settings}
        </Proxy>
        ProxyPass / balancer://app/
        {more}"
    )
}

fn pair(settings: &str) -> (Proxy, [Backend; 2]) {
    let backends = backends(["a", "b"]);
    (proxy(text(&backends, settings, "")), backends)
}

#[track_caller]
fn census(proxy: &Proxy) -> Census {
    proxy.admin().get(&Call::Sessions("app".parse().unwrap()))
}

#[track_caller]
fn of(proxy: &Proxy, route: &str) -> RouteSessions {
    census(proxy).route(&route.parse().unwrap()).cloned().unwrap()
}

fn visit(proxy: &Proxy, session: &str) -> String {
    browser().cookie("SID", session).get(proxy, "/").answered_by()
}

#[test]
fn sessions_are_counted_where_they_were_answered_and_nobody_is_gone_too_soon() {
    let (proxy, _backends) = pair(&format!("{STICKY} sessionwindow=30m"));
    for session in ["1.a", "2.a", "2.a", "3.b", "4.nobody"] {
        visit(&proxy, session);
    }
    browser().get(&proxy, "/?sid=5.a");
    let census = census(&proxy);
    assert_eq!((census.sticky, census.window_ms, census.strangers), (true, 1_800_000, 1));
    let seen = |route: &str| of(&proxy, route);
    assert_eq!((seen("a").live, seen("b").live, seen("a").exact), (3, 1, true));
    let window = std::time::Duration::from_secs(1800);
    let off = census.unknown_until.unwrap().since(census.observed_since).as_millis();
    assert!(off.abs_diff(window.as_millis()) < 5, "{census:?}");
    eventually_equal(&Some(3), || proxy.member("app", "a").sessions);
}

#[test]
fn a_window_that_was_seen_whole_says_none() {
    let (proxy, _backends) = pair(&format!("{STICKY} sessionwindow=2s"));
    visit(&proxy, "1.a");
    assert!(!of(&proxy, "a").is_empty() && !of(&proxy, "b").is_empty());
    assert_eq!((of(&proxy, "b").live, proxy.member("app", "b").sessions), (0, None));
    eventually("none of b", || of(&proxy, "b").is_empty().then_some(()));
    eventually("none of a", || of(&proxy, "a").is_empty().then_some(()));
    assert_eq!(proxy.member("app", "a").sessions, Some(0));
}

#[test]
fn what_no_member_answered_is_only_claimed() {
    let (proxy, [a, _b]) = pair(&format!("{STICKY} maxattempts=0"));
    a.refuses();
    visit(&proxy, "1.a");
    assert_eq!((of(&proxy, "a").live, of(&proxy, "a").claimed), (0, 1));
    // The member is in error now, and the other one takes it by its turn.
    assert_eq!(visit(&proxy, "2.a"), "b");
    assert_eq!((of(&proxy, "a").live, of(&proxy, "a").claimed, of(&proxy, "b").live), (0, 2, 0));
}

#[test]
fn who_is_given_a_session_holds_its_member() {
    for (settings, more, gives) in [
        (STICKY, "", "SID=new.a; Path=/"),
        ("routecookie=SID", "", ""),
        (STICKY, "Header add Set-Cookie \"SID=x.%{BALANCER_WORKER_ROUTE}e\" env=BALANCER_ROUTE_CHANGED", ""),
    ] {
        let backends = backends(["a", "b"]);
        let proxy = proxy(text(&backends, settings, more));
        if !gives.is_empty() {
            backends[0].behaves(Behaviour::Answers(Reply::default().header("Set-Cookie", gives)));
        }
        proxy.edit("app", "b", r#"{"disabled":true}"#);
        browser().get(&proxy, "/");
        let seen = of(&proxy, "a");
        assert!(seen.last_seen.is_some() && seen.live == 1, "{settings} {more}: {seen:?}");
    }
    let (proxy, [a, _b]) = pair(STICKY);
    a.behaves(Behaviour::Answers(Reply::default().header("Set-Cookie", "OTHER=x; SID=y")));
    browser().get(&proxy, "/");
    assert_eq!(of(&proxy, "a").last_seen, None, "another cookie is no session");
}

#[test]
fn a_session_is_there_as_long_as_its_answer_lasts() {
    let (proxy, [a, _b]) = pair(&format!("{STICKY} sessionwindow=1s"));
    let its = browser().cookie("SID", "1.a");
    let request =
        Held::of(its, proxy.address(), &a, |gate| Behaviour::StallsAfter(2, gate, Reply::size(100)));
    eventually("none of b", || of(&proxy, "b").is_empty().then_some(()));
    request.answer();
    assert!(!of(&proxy, "a").is_empty());
}

#[test]
fn a_reload_goes_on_observing_and_a_restart_does_not() {
    let backends = backends(["a", "b"]);
    let window = format!("{STICKY} sessionwindow=2s");
    let mut proxy = proxy(text(&backends, &window, ""));
    eventually("a whole window", || census(&proxy).unknown_until.is_none().then_some(()));
    visit(&proxy, "1.a");
    proxy.reload(text(&backends, &format!("{window} timeout=3"), "ServerName x"));
    assert_eq!((of(&proxy, "a").live, census(&proxy).unknown_until), (1, None));
    proxy.edit_balancer("app", r#"{"stickysession":"TID"}"#);
    assert!(of(&proxy, "a").unknown_until.is_some() && of(&proxy, "a").live == 0);
    eventually("another window", || census(&proxy).unknown_until.is_none().then_some(()));
    proxy.reload(text(&backends, &window, ""));
    assert_eq!(census(&proxy).unknown_until, None, "the edit holds, so sessions are found as before");
    proxy.reload(text(&backends, "stickysession=SID sessionwindow=3s", ""));
    assert!(census(&proxy).unknown_until.is_some());
    eventually("a longer one", || census(&proxy).unknown_until.is_none().then_some(()));
    proxy.terminate();
    proxy.restart();
    assert!(!of(&proxy, "a").is_empty() && census(&proxy).unknown_until.is_some());
}

#[test]
fn a_balancer_without_sessions_says_so() {
    let (proxy, _backends) = pair("lbmethod=byrequests");
    visit(&proxy, "1.a");
    let census = census(&proxy);
    assert!(!census.sticky && census.routes.is_empty() && census.unknown_until.is_none(), "{census:?}");
    assert_eq!(proxy.member("app", "a").sessions, None);
}

#[test]
fn a_session_is_seen_at_the_end_of_what_lasted_in_silence() {
    let [a, b] = backends(["a", "b"]);
    let text = format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a upgrade=WebSocket
            BalancerMember {b} route=b
            ProxySet stickysession=SID sessionwindow=2s
        </Proxy>
        ProxyPass / balancer://app/"
    );
    let proxy = proxy_with_threads(1, text);
    a.behaves(Behaviour::Echoes);
    let mut tunnel = Peer::of(&proxy);
    tunnel.says(
        "GET / HTTP/1.1\r\nHost: x\r\nCookie: SID=1.a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    assert_eq!(tunnel.head().word(1), "101");
    eventually("nothing is seen of it for a window", || of(&proxy, "a").is_empty().then_some(()));
    drop(tunnel);
    eventually_equal(&0, || proxy.busy());
    assert_eq!(of(&proxy, "a").live, 1);
}

#[test]
fn a_proxy_that_was_held_up_does_not_take_silence_for_an_end() {
    let (proxy, _backends) = pair(&format!("{STICKY} sessionwindow=2s"));
    visit(&proxy, "1.a");
    eventually("none of a", || of(&proxy, "a").is_empty().then_some(()));
    signal(proxy.pid(), Signal::STOP);
    let stopped = Stopwatch::start();
    eventually_true("it was held up for long", || stopped.elapsed() > Duration::from_millis(5_200));
    signal(proxy.pid(), Signal::CONT);
    let seen = of(&proxy, "a");
    assert!(!seen.is_empty() && seen.unknown_until.is_some(), "{seen:?}");
    eventually("none of a, after a whole window", || of(&proxy, "a").is_empty().then_some(()));
}

#[test]
fn sessions_stand_in_previews_and_in_the_history() {
    let (proxy, _backends) = pair(&format!("{STICKY} sessionwindow=30m"));
    let preview = |json: &str| {
        let told = proxy.admin().ask("PATCH", "/v1/balancers/app/members/a?dry_run=true", json);
        told.message::<Preview>()
    };
    assert_eq!(preview(r#"{"disabled":true}"#).sessions, None, "none was seen, and nobody knows yet");
    for session in ["1.a", "2.a", "3.b"] {
        visit(&proxy, session);
    }
    let told = preview(r#"{"disabled":true}"#);
    assert!(told.notes.iter().any(|note| note.starts_with("Sessions seen so far: 2;")), "{:?}", told.notes);
    assert_eq!(told.sessions, None, "there may be more");
    assert_eq!(preview(r#"{"drain":true}"#).sessions, Some(0), "they stay");
    let query = HistoryQuery { series: vec![Series::Sessions], points: 5, span: 5 };
    let call = Call::History("app".parse().unwrap(), Some("a".to_owned()), query);
    eventually_true("the metrics know of them", || {
        let told = proxy.admin().ask("GET", "/metrics", "").body;
        told.lines().any(|line| line.starts_with("evenkeel_member_sessions{") && line.ends_with(" 2"))
    });
    eventually("the history knows of them", || {
        let history: evenkeel_protocol::History = proxy.admin().get(&call);
        history.members[0].series[&Series::Sessions].contains(&Some(2.0)).then_some(())
    });
}
