//! A rolling deploy under traffic: three processes of an application that are killed and started again, one after the
//! other, by the command that `roll` runs, while half of the clients keep sessions there.
//!
//! `EVENKEEL_RATE` is the number of requests a second (100).

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use harness::prelude::*;
use rustix::process::Signal;

/// Requests a second of one client.
const EACH: u64 = 10;
/// How many requests a session lasts.
const LASTS: u64 = 15;

/// Three members as processes, which end with this.
struct Members {
    folder: tempfile::TempDir,
    addresses: Vec<(String, String)>,
}

impl Members {
    fn start() -> Self {
        let folder = folder();
        let names = ["node1", "node2", "node3"];
        let addresses = names.map(|name| {
            // Free again at once. Everybody else's ports are those of another address, so nobody takes it meanwhile.
            let [_, _, high, low] = std::process::id().to_be_bytes();
            let free =
                TcpListener::bind((Ipv4Addr::new(127, 77, high, low), 0)).unwrap().local_addr().unwrap();
            (name.to_owned(), free.to_string())
        });
        std::fs::write(folder.path().join("deploy"), DEPLOY).unwrap();
        let members = Self { folder, addresses: addresses.into() };
        for (name, address) in &members.addresses {
            finish(Command::new("sh").args(members.deploy(name, address)), "").with_code(0);
        }
        members
    }

    /// What `sh` is given to deploy one.
    fn deploy(&self, name: &str, address: &str) -> Vec<String> {
        let folder = self.folder.path().display().to_string();
        let program = env!("CARGO_BIN_EXE_member").to_owned();
        vec![format!("{folder}/deploy"), program, name.to_owned(), address.to_owned(), folder]
    }

    fn pid(&self, name: &str) -> Option<u32> {
        std::fs::read_to_string(self.folder.path().join(name)).ok()?.parse().ok()
    }

    fn pids(&self) -> Vec<u32> {
        self.addresses.iter().filter_map(|(name, _)| self.pid(name)).collect()
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for pid in self.pids() {
            signal(pid, Signal::KILL);
        }
    }
}

/// Kills the process of a member, if there is one, and starts another one at the same address: again while the one that
/// was killed has not let it go.
const DEPLOY: &str = "\
if [ -e \"$4/$2\" ]; then kill -9 \"$(cat \"$4/$2\")\"; rm \"$4/$2\"; fi
n=0; while [ ! -e \"$4/$2\" ] && [ $n -lt 500 ]; do
  [ $((n % 50)) -ne 0 ] || \"$1\" \"$2\" \"$3\" \"$4/$2\" </dev/null >/dev/null 2>&1 &
  sleep 0.02; n=$((n+1))
done
[ -e \"$4/$2\" ]
";

/// What clients have seen.
#[derive(Debug, Default)]
struct Seen {
    over: AtomicBool,
    requests: AtomicUsize,
    sessions: AtomicUsize,
    failed: AtomicUsize,
    /// Sessions that were answered by another member, or that their member had forgotten.
    broken: AtomicUsize,
}

impl Seen {
    fn count(&self, answer: &std::io::Result<Answer>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !answer.as_ref().is_ok_and(|answer| matches!(answer.status, 200 | 410)) {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn of(counter: &AtomicUsize) -> usize {
        counter.load(Ordering::Relaxed)
    }
}

/// A client: every other one keeps a session for a while, leaves, and comes back as somebody else.
fn client(number: u64, to: std::net::SocketAddr, seen: &Seen) {
    let (is_sticky, keeps, posts) = (number.is_multiple_of(2), number % 4 < 2, number.is_multiple_of(3));
    let (clock, mut count) = (Stopwatch::start(), number % LASTS);
    let (mut browser, mut home) = (fresh(keeps), String::new());
    for turn in 0.. {
        let due = Duration::from_millis(turn * 1000 / EACH);
        within(due.saturating_sub(clock.elapsed()), || seen.over.load(Ordering::Relaxed).then_some(()));
        if seen.over.load(Ordering::Relaxed) {
            return;
        }
        count += 1;
        let begins = is_sticky && (home.is_empty() || count.is_multiple_of(LASTS));
        if begins {
            browser = fresh(keeps);
        }
        let target = if begins { "/login" } else { "/work" };
        let (method, body) = if posts { ("POST", &b"a=1"[..]) } else { ("GET", &b""[..]) };
        let answer = browser.try_send(to, method, target, body);
        seen.count(&answer);
        let Ok(answer) = answer else { continue };
        if begins {
            home = answer.answered_by();
            seen.sessions.fetch_add(1, Ordering::Relaxed);
        } else if is_sticky && (answer.status == 410 || answer.answered_by() != home) {
            seen.broken.fetch_add(1, Ordering::Relaxed);
            home.clear();
        }
    }
}

fn fresh(keeps: bool) -> Browser {
    if keeps { browser().keep_alive() } else { browser() }
}

fn clients(proxy: &Proxy, seen: &Arc<Seen>) -> Vec<JoinHandle<()>> {
    let rate = std::env::var("EVENKEEL_RATE").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let clients = (0..rate / EACH).map(|number| {
        let (seen, to) = (Arc::clone(seen), proxy.address());
        thread::spawn(move || client(number, to, &seen))
    });
    clients.collect()
}

#[test]
fn a_rolling_deploy_fails_no_request_and_breaks_no_session() {
    let members = Members::start();
    let lines: Vec<String> = members
        .addresses
        .iter()
        .map(|(name, address)| {
            format!("BalancerMember http://{address} route={name} hcmethod=TCP hcinterval=200ms\n")
        })
        .collect();
    let proxy = proxy(format!(
        "<Proxy balancer://app>\n{}ProxySet stickysession=SID sessionwindow=2s\n</Proxy>
        ProxyPass / balancer://app/",
        lines.concat()
    ));
    let before = members.pids();
    let (seen, clock) = (Arc::new(Seen::default()), Stopwatch::start());
    let clients = clients(&proxy, &seen);
    let socket = proxy.admin().socket().display().to_string();
    let mut roll = Command::new(evenkeel());
    roll.args(["--socket", &socket, "roll", "app", "--until", "no-sessions", "--timeout", "1m"]);
    roll.args(["--settle", "500ms", "--reason", "deploy 42", "--", "sh"]);
    roll.args(members.deploy("{route}", "{host}:{port}"));
    let ended = finish(&mut roll, "");
    let took = clock.elapsed();
    seen.over.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    let [requests, sessions, failed, broken] =
        [&seen.requests, &seen.sessions, &seen.failed, &seen.broken].map(Seen::of);
    println!("{}{}", ended.err, ended.out);
    println!(
        "{requests} requests in {took:.1?}, {} a second; {sessions} sessions; {failed} failed, {broken} broken",
        requests / usize::try_from(took.as_secs().max(1)).unwrap()
    );
    let ended = ended.with_code(0);
    assert_eq!((failed, broken), (0, 0), "{ended:#?}\n{}", proxy.log());
    assert!(requests > 200 && sessions > 10, "{requests} requests, {sessions} sessions");
    let after = members.pids();
    assert!(after.len() == 3 && before.iter().all(|pid| !after.contains(pid)), "{before:?} {after:?}");
    for name in ["node1", "node2", "node3"] {
        assert_eq!(proxy.member("app", name).words, "Init Ok");
        assert!(ended.err.contains(&format!("app/{name}: safe to stop")), "{ended:#?}");
    }
}
