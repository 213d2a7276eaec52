//! The configuration is read anew while requests go on: all of it takes effect, or nothing changes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use evenkeel_protocol::EventKind;
use harness::prelude::*;
use rustix::process::Signal;

/// The members of `app`, each with its name for a route.
fn app<'a>(members: impl IntoIterator<Item = &'a Backend>) -> String {
    serving(members.into_iter().map(|member| format!("{member} route={}", member.name())))
}

fn names(subjects: &[evenkeel_protocol::Subject]) -> Vec<String> {
    let name = |subject: &evenkeel_protocol::Subject| {
        subject.member.as_ref().map_or_else(|| subject.balancer.url(), ToString::to_string)
    };
    subjects.iter().map(name).collect()
}

#[test]
fn members_come_and_go_and_those_that_stay_keep_what_happened() {
    let [a, b, c] = backends(["a", "b", "c"]);
    let mut proxy = proxy_with_threads(1, app([&a, &b]));
    assert_eq!(visits(&proxy, 4), "abab");
    let before = proxy.member("app", "a");
    let connections = a.connections();

    let reloaded = proxy.reload(app([&a, &c]));

    assert_eq!(
        (names(&reloaded.added), names(&reloaded.removed)),
        (vec![c.to_string()], vec![b.to_string()])
    );
    let after = proxy.member("app", "a");
    assert_eq!(
        (after.elected, after.served, after.transferred, after.read, after.revision),
        (2, 2, before.transferred, before.read, 0)
    );
    assert_eq!(visits(&proxy, 4), "acac");
    assert_eq!(a.connections(), connections, "idle connections are still good");
    assert_eq!(b.count(), 2);
}

#[test]
fn an_order_that_nothing_changed_goes_on_where_it_stood() {
    let [a, b] = backends(["a", "b"]);
    let text = serving([format!("{a} loadfactor=3"), b.to_string()]);
    let mut proxy = proxy(&text);
    let first = visits(&proxy, 3);
    proxy.reload(&text);
    assert_eq!(first + &visits(&proxy, 5), "aabaaaba");
}

#[test]
fn drains_hold_and_other_edits_hold_while_the_file_says_what_it_said() {
    let [a, b] = backends(["a", "b"]);
    let text = |factor: u8| serving([format!("{a} route=a"), format!("{b} route=b loadfactor={factor}")]);
    let mut proxy = proxy(text(1));
    proxy.edit("app", "a", r#"{"drain":true,"lbset":2}"#);
    proxy.edit("app", "b", r#"{"lbfactor":5}"#);

    let reloaded = proxy.reload(text(2));

    let told = |what: &evenkeel_protocol::Override| format!("{} {}", what.field, what.value);
    let kept: Vec<String> = reloaded.kept.iter().map(told).collect();
    let dropped: Vec<String> = reloaded.dropped.iter().map(told).collect();
    assert_eq!(
        (kept, dropped),
        (vec!["drain On".to_owned(), "lbset 2".to_owned()], vec!["lbfactor 5.00".to_owned()])
    );
    let member = proxy.member("app", "a");
    assert_eq!((member.words.as_str(), member.lbset.get(), member.revision), ("Init Drn Ok", 2, 1));
    let member = proxy.member("app", "b");
    assert_eq!((member.lbfactor.to_string().as_str(), member.revision), ("2.00", 2));
    assert_eq!(visits(&proxy, 2), "bb");

    // The same again is no news but for the edits that still hold; and a restart finds the same.
    let again = proxy.reload(text(2));
    assert_eq!((again.kept.len(), again.dropped.len(), again.reloads), (2, 0, 2));
    assert_eq!(proxy.member("app", "b").revision, 2);
    let events = proxy.admin().events(0);
    let count = |fits: fn(&EventKind) -> bool| events.iter().filter(|event| fits(&event.kind)).count();
    assert_eq!(count(|kind| matches!(kind, EventKind::OverrideDropped(_))), 1);
    assert_eq!(count(|kind| matches!(kind, EventKind::OverrideKept(_))), 4);
    assert_eq!(count(|kind| matches!(kind, EventKind::Reloaded { .. })), 2);
    proxy.stop();
    proxy.restart();
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
    assert_eq!(proxy.member("app", "b").lbfactor.to_string(), "2.00");
}

#[test]
fn an_edit_of_a_member_that_is_gone_does_not_come_back_with_it() {
    let [a, b] = backends(["a", "b"]);
    let mut proxy = proxy(app([&a, &b]));
    proxy.edit("app", "b", r#"{"drain":true}"#);
    assert_eq!(proxy.reload(app([&a])).dropped.len(), 1);
    proxy.reload(app([&a, &b]));
    assert_eq!(proxy.member("app", "b").words, "Init Ok");
}

#[test]
fn a_broken_file_changes_nothing_and_says_why() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(app([&a]));
    proxy.edit("app", "a", r#"{"lbset":3}"#);
    let before = proxy.snapshot();
    let broken = format!("{}\nBalancerMembre x\nProxyTimeout nonsense\n", app([&b]));
    let refusal = proxy.try_reload(broken).refusal();
    assert_eq!(refusal.code, evenkeel_protocol::Code::Invalid);
    for part in ["nothing is changed", "site.conf:7:1", "BalancerMembre", "site.conf:8"] {
        assert!(refusal.message.contains(part), "{part}: {}", refusal.message);
    }
    let after = proxy.snapshot();
    assert_eq!((before.balancers, before.proxy), (after.balancers, after.proxy));
    assert_eq!(visits(&proxy, 2), "aa");
    let last = proxy.admin().events(0).pop().unwrap();
    assert!(matches!(last.kind, EventKind::ReloadRefused { by: Some(_), .. }), "{last:?}");
    fs::remove_file(proxy.folder().join("site.conf")).unwrap();
    signal(proxy.pid(), Signal::HUP);
    eventually_true("the log says so", || proxy.log().contains("No such file"));
    assert_eq!(visits(&proxy, 1), "a");
}

#[test]
fn a_request_in_flight_finishes_with_a_member_that_is_gone() {
    let held = Backend::new("held");
    let [other] = backends(["other"]);
    let mut proxy = proxy(app([&held]));
    let request = Held::answered(&proxy, &held, Reply::size(100_000));
    proxy.reload(app([&other]));
    assert_eq!(visits(&proxy, 2), "other".repeat(2));
    let answer = request.answer();
    assert_eq!((answer.status, answer.body.len()), (200, 100_000));
    eventually_equal(&0, || held.open());
}

#[test]
fn busy_goes_on_and_ends_with_a_request_of_before() {
    let held = Backend::new("held");
    let mut proxy = proxy(app([&held]));
    let request = Held::answered(&proxy, &held, Reply::default());
    proxy.reload(format!("{}ProxyVia On\n", app([&held])));
    assert_eq!(proxy.busy(), 1);
    assert_eq!(request.answer().status, 200);
    eventually_equal(&0, || proxy.busy());
    assert_eq!(proxy.member("app", "held").served, 1);
}

#[test]
fn a_request_that_waits_for_a_member_gets_one_that_comes() {
    let [late] = backends(["late"]);
    let text = |members: &str| {
        format!(
            "<Proxy balancer://app>\n{members}ProxySet timeout=30\n</Proxy>\nProxyPass / balancer://app/\n"
        )
    };
    let mut proxy = proxy(text(""));
    let to = proxy.address();
    let client = thread::spawn(move || browser().try_send(to, "POST", "/x", b"body").unwrap());
    eventually_true("it waits", || proxy.descriptors() > 0 && !client.is_finished());
    proxy.reload(text(&format!("BalancerMember {late}\n")));
    assert_eq!(client.join().unwrap().answered_by(), "late");
    assert_eq!(late.last().body, b"body");
}

#[test]
fn an_error_stays_and_what_a_request_of_before_finds_out_counts() {
    let held = Backend::new("held");
    let dead = Backend::refusing("dead");
    let text =
        format!("{}<Proxy balancer://app>\nProxySet failonstatus=503\n</Proxy>\n", app([&dead, &held]));
    let mut proxy = proxy(&text);
    let request = Held::answered(&proxy, &held, Reply::status(503));
    let error = proxy.member("app", "dead").error.map(|error| error.reason);
    assert!(error.is_some());
    proxy.reload(format!("ProxyVia On\n{text}"));
    let dead = proxy.member("app", "dead");
    assert_eq!((dead.error.map(|error| error.reason), dead.words.as_str()), (error, "Init Err"));
    assert_eq!(proxy.member("app", "held").words, "Init Ok");
    assert_eq!(request.answer().status, 503);
    eventually_equal(&"Init Err".to_owned(), || proxy.member("app", "held").words);
}

#[test]
fn listeners_come_and_go_or_nothing_changes() {
    let [a, b] = backends(["a", "b"]);
    let mut proxy = proxy(app([&a]));
    let first = proxy.address();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap();
    let text = |members: &Backend| format!("Listen 127.0.0.1:0\nListen {port}\n{}", app([members]));

    let refusal = proxy.try_reload(text(&b)).refusal();
    assert!(refusal.message.contains(&port.to_string()), "{}", refusal.message);
    assert_eq!(visits(&proxy, 1), "a");

    drop(taken);
    proxy.reload(text(&b));
    assert_eq!(proxy.addresses(), [first, port]);
    for address in [first, port] {
        assert_eq!(browser().try_send(address, "GET", "/", b"").unwrap().answered_by(), "b");
    }
    let mut kept = Peer::to(first);
    kept.says("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    kept.answer("GET");
    proxy.reload(format!("Listen {port}\n{}", app([&b])));
    eventually_true("it is closed", || TcpStream::connect(first).is_err());
    // Who is connected already is served on.
    kept.says("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(kept.answer("GET").status, 200);
}

#[test]
fn access_logs_move_to_where_the_file_says() {
    let [a] = backends(["a"]);
    let home = folder();
    let log = |name: &str| home.path().join(name);
    let text = |name: &str| format!("CustomLog {} \"%U\"\n{}", log(name).display(), app([&a]));
    let mut proxy = proxy_with_threads(1, text("one"));
    let mut kept = browser().keep_alive();
    assert_eq!(kept.get(&proxy, "/before").status, 200);
    proxy.reload(text("two"));
    assert_eq!(kept.get(&proxy, "/after").status, 200);
    assert_eq!(browser().get(&proxy, "/last").status, 200);
    let read = |name: &str| fs::read_to_string(log(name)).unwrap_or_default();
    eventually_equal(&"/before\n".to_owned(), || read("one"));
    // Two worker threads hand over their lines each in its own time.
    eventually_equal(&vec!["/after".to_owned(), "/last".to_owned()], || {
        let mut lines: Vec<_> = read("two").lines().map(str::to_owned).collect();
        lines.sort();
        lines
    });
}

#[test]
fn a_member_with_other_settings_gets_other_connections() {
    let [a] = backends(["a"]);
    let mut proxy = proxy_with_threads(1, serving([&a]));
    assert_eq!(visits(&proxy, 3), "aaa");
    assert_eq!((a.connections(), a.open()), (1, 1));
    proxy.reload(serving([format!("{a} disablereuse=On")]));
    eventually_equal(&0, || a.open());
    assert_eq!(visits(&proxy, 2), "aa");
    assert_eq!(a.connections(), 3);
    proxy.reload(serving([format!("{a} max=1")]));
    assert_eq!(visits(&proxy, 3), "aaa");
    assert_eq!(a.connections(), 4);
}

#[test]
fn httpds_signals_read_the_file_anew() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(app([&a]));
    for (signal, member, name) in [(Signal::USR1, &b, "b"), (Signal::HUP, &a, "a")] {
        proxy.configure(app([member]));
        harness::proxy::signal(proxy.pid(), signal);
        eventually_equal(&name.to_owned(), || visits(&proxy, 1));
    }
}

#[test]
fn sigwinch_ends_it_after_the_requests_in_flight_and_sigterm_does_not_cut_them_at_once() {
    let held = Backend::new("held");
    let proxy = proxy(app([&held]));
    let to = proxy.address();
    let request = Held::answered(&proxy, &held, Reply::default());
    signal(proxy.pid(), Signal::WINCH);
    eventually_true("the listener is closed", || TcpStream::connect(to).is_err());
    proxy.terminate();
    assert_eq!(request.answer().status, 200);
    let status = proxy.ended();
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}

#[test]
fn a_tunnel_of_before_ends_when_its_member_is_stopped() {
    let member = BareBackend::new();
    let text = serving([format!("http://{} upgrade=websocket", member.address())]);
    let mut proxy = proxy(&text);
    let mut client = Peer::of(&proxy);
    client.says("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let mut origin = member.peer();
    origin.head();
    origin.says("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    client.head();
    // Other settings, so that the member is reached anew.
    proxy.reload(text.replace("upgrade=websocket", "upgrade=websocket ttl=60"));
    client.says("ping");
    assert_eq!(origin.hears(4), b"ping");
    assert_eq!(proxy.busy(), 1);
    proxy.edit("app", member.address(), r#"{"stopped":true}"#);
    assert!(client.is_let_go());
    eventually_equal(&0, || proxy.busy());
}

#[test]
fn no_request_fails_while_the_file_is_read_again_and_again() {
    const RELOADS: usize = 20;
    let [a, b, c] = backends(["a", "b", "c"]);
    let mut proxy = proxy(app([&a, &b]));
    let to = proxy.address();
    let (over, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let (over, served) = (&over, &served);
                scope.spawn(move || {
                    let mut kept = browser().keep_alive();
                    while !over.load(Ordering::Relaxed) {
                        let answer = if client % 2 == 0 {
                            kept.try_send(to, "GET", "/", b"")
                        } else {
                            browser().try_send(to, "POST", "/", b"x")
                        };
                        assert_eq!(answer.unwrap().status, 200);
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for round in 0..RELOADS {
            let before = served.load(Ordering::Relaxed);
            proxy.reload(if round % 2 == 0 { app([&a, &c]) } else { app([&b, &c]) });
            eventually_true("traffic goes on", || {
                served.load(Ordering::Relaxed) > before + 4
                    || clients.iter().any(thread::ScopedJoinHandle::is_finished)
            });
        }
        over.store(true, Ordering::Relaxed);
    });
    // The member that was there all the time has counted each of its requests, whatever configuration elected it.
    let steady = proxy.member("app", "c");
    assert_eq!((steady.elected, steady.served, steady.busy), (c.count() as u64, c.count() as u64, 0));
}

#[test]
fn a_download_goes_on_over_a_reload() {
    let member = BareBackend::new();
    let [other] = backends(["other"]);
    let mut proxy = proxy(serving([format!("http://{}", member.address())]));
    let mut client = connect(proxy.address()).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut origin = member.peer();
    origin.head();
    origin.says("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nfirst ");
    proxy.reload(app([&other]));
    origin.says("second");
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\nfirst second"), "{answer}");
}

#[test]
fn the_command_tells_what_came_of_it() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(app([&a]));
    proxy.edit("app", "a", r#"{"drain":true}"#);
    proxy.configure(app([&a, &b]));
    let reload = |more: &[&str]| {
        let socket = proxy.admin().socket().display().to_string();
        run(&evenkeel(), ["--socket", &socket, "reload"].iter().chain(more))
    };
    let told = reload(&[]).with_code(0).out;
    for line in [format!("  added    app/{b}\n"), format!("  kept     app/{a}: drain On: flags hold until")] {
        assert!(told.contains(&line), "{line}: {told}");
    }
    let json: serde_json::Value = serde_json::from_str(&reload(&["--json"]).with_code(0).out).unwrap();
    assert_eq!((&json["version"], &json["reloaded"]["reloads"]), (&1.into(), &2.into()));
    proxy.configure("Lissten 5\n");
    let refused = reload(&[]).with_code(10);
    assert!(refused.err.contains("nothing is changed") && refused.err.contains("Lissten"), "{}", refused.err);
}
