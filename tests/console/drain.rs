//! The commands around a drain, as scripts and people use them: what they wait for, how they end, what they leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use evenkeel_protocol::{DrainOutcome, Snapshot};
use harness::prelude::*;
use serde_json::Value;

use crate::{command, pair_with, words};

/// Two members without sessions, and their proxy.
pub(crate) fn pair() -> (Proxy, [Backend; 2]) {
    let [a, b] = backends(["a", "b"]);
    (proxy(serving([format!("{a} route=a"), format!("{b} route=b")])), [a, b])
}

/// A command that goes on while the test does something else.
pub(crate) fn running(proxy: &Proxy, line: &str) -> Running {
    Running::start(&evenkeel(), words(proxy, line))
}

#[track_caller]
fn begun(proxy: &Proxy) {
    eventually_true("the drain has begun", || !proxy.snapshot().drains.is_empty());
}

#[test]
fn a_drain_that_is_waited_for_ends_with_0_when_it_is_safe() {
    let (proxy, [a, _b]) = pair();
    let held = Held::by(&proxy, &a);
    let waiting = running(&proxy, "drain app/a --wait --settle 200ms --timeout 1m --reason deploy");
    waiting.says("app/a: 1 request is in flight");
    let status = command(&proxy, "status").with_code(0).out;
    let line = status.lines().find(|line| line.starts_with("  drain 1: 1 request is in flight; ")).unwrap();
    assert!(line.ends_with(" s left, then keep draining (deploy)"), "{line}");
    held.answer();
    let ended = waiting.ended().with_code(0);
    assert_eq!(ended.out.lines().count(), 1, "{ended:#?}");
    assert!(ended.out.starts_with("app/a: safe to stop: nothing was in flight for "), "{ended:#?}");
    let again = command(&proxy, "drain app/a --wait --json").with_code(0);
    let report: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&report["changed"], &report["after"]), (&false.into(), &"Init Drn Ok".into()), "{report}");
    let status = command(&proxy, "status").with_code(0).out;
    assert!(status.contains("\n  drain 1: safe to stop: nothing was in flight for 200 ms, "), "{status}");
    assert_eq!(report["drain"]["safe_to_stop"], true);
}

#[test]
fn what_happens_at_the_deadline_is_124_and_named() {
    for (policy, says, words) in [
        (
            "fail",
            "app/a: not done in time: when its time of 300ms had passed, 1 request was in flight; it went on draining\n",
            "Init Drn Ok",
        ),
        ("stop", "app/a: stopped: ", "Init Drn Stop"),
        ("cut", "app/a: cut: ", "Init Drn Stop"),
        ("restore", "app/a: restored: ", "Init Ok"),
    ] {
        let (proxy, [a, _b]) = pair();
        let held = Held::by(&proxy, &a);
        let line = format!("drain app/a --wait --timeout 300ms --on-timeout {policy}");
        let ended = command(&proxy, &line).with_code(124);
        assert!(ended.out.starts_with(says), "{ended:#?}");
        assert_eq!(proxy.member("app", "a").words, words);
        assert_eq!(held.answer().status, if policy == "cut" { 502 } else { 200 });
    }
}

#[test]
fn behind_a_deadline_it_counts_how_the_member_stands_now() {
    let (proxy, [a, _b]) = pair();
    let held = Held::by(&proxy, &a);
    command(&proxy, "drain app/a --wait --settle 100ms --timeout 300ms --on-timeout stop").with_code(124);
    let status = command(&proxy, "status").with_code(0).out;
    let was = "drain 1: stopped: when its time of 300ms had passed, 1 request was in flight; it was stopped";
    assert!(status.contains(&format!("{was}; now 1 request in flight")), "{status}");
    let busy = command(&proxy, "wait app/a drained --timeout 0").with_code(124).out;
    let stopped = "it was stopped at the deadline of its drain";
    assert_eq!(busy, format!("app/a: not within 0: {stopped}; now 1 request in flight\n"));
    let waiting = running(&proxy, "wait app/a drained");
    waiting.says("now 1 request in flight");
    held.answer();
    let ended = waiting.ended().with_code(0).out;
    assert_eq!(ended, format!("app/a: safe to stop: {stopped}; nothing is in flight now\n"));
    command(&proxy, "wait app/a drained").with_code(0);
    let status = command(&proxy, "status").with_code(0).out;
    assert!(status.contains(&format!("{was}; it is safe to stop now")), "{status}");
}

#[test]
fn who_waits_behind_a_drain_that_has_ended_turns_to_one_that_begins_meanwhile() {
    let (proxy, [a, _b]) = pair();
    let held = Held::by(&proxy, &a);
    command(&proxy, "drain app/a --wait --timeout 100ms --on-timeout stop").with_code(124);
    let waiting = running(&proxy, "wait app/a drained");
    waiting.says("now 1 request in flight");
    command(&proxy, "drain app/a --settle 100ms").with_code(0);
    waiting.says("drain 1 has ended (stopped), and drain 2 has begun: that one is waited for");
    held.answer();
    let ended = waiting.ended().with_code(0).out;
    assert!(ended.starts_with("app/a: safe to stop: nothing was in flight for 100 ms"), "{ended}");
}

#[test]
fn an_interrupt_ends_the_waiting_and_the_drain_only_if_that_was_asked_for() {
    for (option, words, says) in [
        (
            "",
            "Init Drn Ok",
            "goes on; `evenkeel --socket SOCKET wait app/a drained` waits for it, `evenkeel --socket SOCKET undrain app/a` ends it",
        ),
        (" --restore-on-interrupt", "Init Ok", "app/a takes new sessions again"),
    ] {
        let (proxy, [a, _b]) = pair();
        let held = Held::by(&proxy, &a);
        let waiting = running(&proxy, &format!("drain app/a --wait{option}"));
        waiting.says("app/a: 1 request is in flight");
        waiting.interrupt();
        let ended = waiting.ended().with_code(130);
        let says = says.replace("SOCKET", &proxy.admin().socket().display().to_string());
        assert!(ended.err.contains(&says) && ended.out.is_empty(), "{ended:#?}");
        assert_eq!(proxy.member("app", "a").words, words);
        assert_eq!(proxy.snapshot().drains[0].is_running(), option.is_empty());
        held.answer();
    }
}

#[test]
fn a_restart_of_the_proxy_is_survived() {
    let (mut proxy, [a, _b]) = pair();
    let held = Held::by(&proxy, &a);
    let waiting = running(&proxy, "drain app/a --wait --settle 300ms --timeout 1m");
    begun(&proxy);
    proxy.kill();
    // Its answer is gone with the proxy.
    held.finish();
    proxy.restart();
    let ended = waiting.ended().with_code(0);
    assert!(ended.out.starts_with("app/a: safe to stop: "), "{ended:#?}");
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
}

#[test]
fn a_promise_of_before_a_restart_is_not_repeated() {
    let (mut proxy, _backends) = pair_with("sessionwindow=2s");
    let line = "drain app/a --wait --until no-sessions --settle 0";
    command(&proxy, line).with_code(0);
    proxy.stop();
    proxy.restart();
    let unsure = command(&proxy, "wait app/a drained --timeout 0").with_code(124);
    assert!(unsure.out.starts_with("app/a: not within 0: was safe to stop; waiting until"), "{unsure:#?}");
    let clock = Stopwatch::start();
    let again = command(&proxy, line).with_code(0);
    assert!(again.out.starts_with("app/a: safe to stop: "), "{again:#?}");
    assert!(clock.elapsed().as_millis() > 1000, "another window has to be observed");
    command(&proxy, "wait app/a drained").with_code(0);
}

#[test]
fn whoever_waits_learns_that_another_operator_has_ended_the_drain() {
    let (proxy, [a, _b]) = pair();
    let held = Held::by(&proxy, &a);
    let one = running(&proxy, "drain app/a --wait");
    begun(&proxy);
    let two = running(&proxy, "wait app/a drained");
    command(&proxy, "undrain app/a --reason changed_my_mind").with_code(0);
    for waiting in [one, two] {
        let ended = waiting.ended().with_code(8);
        assert!(ended.out.contains("cancelled by ") && ended.out.contains("changed_my_mind"), "{ended:#?}");
    }
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
    held.answer();
}

#[test]
fn whoever_waits_learns_that_another_operator_has_it_wait_for_less() {
    let (proxy, [a, _b]) = pair();
    proxy.edit_balancer("app", r#"{"stickysession":"SID"}"#);
    let held = Held::by(&proxy, &a);
    let one = running(&proxy, "drain app/a --wait --until no-sessions --settle 200ms --timeout 1m");
    begun(&proxy);
    let other = command(&proxy, "drain app/a --until idle").with_code(0);
    assert!(other.out.starts_with("app/a: drain 1, begun by "), "{other:#?}");
    assert!(other.out.ends_with(" was changed: until no-sessions -> idle\n"), "{other:#?}");
    held.answer();
    let ended = one.ended().with_code(8);
    assert!(ended.out.starts_with("app/a: idle: "), "{ended:#?}");
    let says = " changed what this drain waits for: until no-sessions -> idle\n";
    assert!(ended.out.ends_with(says), "{ended:#?}");
}

#[test]
fn whoever_waits_for_a_drain_that_was_cleared_is_told_so() {
    let (proxy, _backends) = pair();
    command(&proxy, "drain app/a --wait --settle 0").with_code(0);
    command(&proxy, "enable app/a").with_code(0);
    let ended = command(&proxy, "wait app/a drained").with_code(8);
    assert!(ended.out.contains("now no longer draining (N was cleared); then: "), "{ended:#?}");
}

#[test]
fn json_of_an_order_that_nobody_waits_for_has_the_drain() {
    let (proxy, _backends) = pair();
    let ended = command(&proxy, "drain app/a --json").with_code(0);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&report["drain"]["number"], &report["drain_changed"]), (&1.into(), &true.into()), "{report}");
}

#[test]
fn a_drain_without_options_answers_as_an_edit_and_is_a_job_all_the_same() {
    let (proxy, [a, _b]) = pair();
    let ended = command(&proxy, "drain app/a").with_code(0);
    assert_eq!(ended.out, format!("app/{a}: drain Off -> On (revision 1)\n"));
    assert_eq!(ended.err, "");
    eventually_equal(&Some(DrainOutcome::SafeToStop), || proxy.snapshot().drains[0].outcome);
    let again = command(&proxy, "drain app/a --json").with_code(0);
    let report: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&report["changed"], &report["version"]), (&false.into(), &1.into()));
    command(&proxy, "wait app/a drained").with_code(0);
    command(&proxy, "undrain app/a").with_code(0);
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
}

#[test]
fn of_a_member_that_is_made_to_drain_by_hand_no_drain_of_before_is_told_as_how_it_stands() {
    let (proxy, _backends) = pair();
    for (number, outcome) in [(1, "cancelled"), (2, "safe to stop")] {
        let settle = if outcome == "cancelled" { "1h" } else { "10ms" };
        command(&proxy, &format!("drain app/a --settle {settle}")).with_code(0);
        if outcome != "cancelled" {
            command(&proxy, "wait app/a drained").with_code(0);
        }
        command(&proxy, "undrain app/a").with_code(0);
        command(&proxy, "set app/a drain=on").with_code(0);
        let told =
            format!("no drain watches it: drain {number} has ended ({outcome}); `drain app/a` begins one");
        let status = command(&proxy, "status").with_code(0);
        assert!(status.out.contains(&told), "{status:#?}");
        let waits = command(&proxy, "wait app/a drained").with_code(3);
        let told = format!("app/a drains, and no drain watches it: drain {number} has ended ({outcome})");
        assert!(waits.err.contains(&told), "{waits:#?}");
    }
    command(&proxy, "drain app/a --wait --settle 10ms").with_code(0);
    assert_eq!(proxy.snapshot().drains.len(), 3, "who asks for a drain gets one");
}

#[test]
fn waits_have_their_codes() {
    let (proxy, [a, b]) = pair();
    command(&proxy, "wait app/a idle --settle 500ms").with_code(0);
    command(&proxy, "wait app/a healthy").with_code(0);
    command(&proxy, "wait app/a drained").with_code(3);
    a.refuses();
    visits(&proxy, 2);
    let ill = command(&proxy, "wait app/a healthy --timeout 500ms").with_code(7);
    assert!(ill.out.contains("it is in error"), "{ill:#?}");
    a.listens();
    let held = Held::by(&proxy, &b);
    command(&proxy, "wait app/b idle --timeout 300ms").with_code(124);
    held.answer();
}

/// Visits all the time until it is told to end; how many came and how many failed.
struct Load {
    over: Arc<AtomicBool>,
    counts: Arc<[AtomicUsize; 2]>,
    clients: Vec<std::thread::JoinHandle<()>>,
}

impl Load {
    fn on(proxy: &Proxy) -> Self {
        let (over, counts) = (Arc::new(AtomicBool::new(false)), Arc::new([const { AtomicUsize::new(0) }; 2]));
        let clients = (0..3).map(|_| {
            let (over, counts, to) = (Arc::clone(&over), Arc::clone(&counts), proxy.address());
            std::thread::spawn(move || {
                let mut browser = browser().keep_alive();
                while !over.load(Ordering::Relaxed) {
                    let good = browser.try_send(to, "GET", "/", b"").is_ok_and(|answer| answer.status == 200);
                    counts[usize::from(!good)].fetch_add(1, Ordering::Relaxed);
                    std::thread::yield_now();
                }
            })
        });
        Self { clients: clients.collect(), over, counts }
    }

    fn end(self) -> [usize; 2] {
        self.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
        [0, 1].map(|which| self.counts[which].load(Ordering::Relaxed))
    }
}

#[test]
fn a_roll_deploys_one_member_after_the_other_and_fails_nobodys_request() {
    let members = backends(["a", "b", "c"]);
    let routed = members.iter().map(|member| format!("{member} route={}", member.name()));
    let proxy = proxy(serving(routed));
    let folder = folder();
    let path = folder.path().display();
    let script = format!(
        "echo $EVENKEEL_ROUTE $EVENKEEL_PORT; touch {path}/$1; while [ ! -e {path}/$1.done ]; do sleep 0.02; done"
    );
    let load = Load::on(&proxy);
    let line = "roll app --settle 200ms --timeout 1m --healthy-within 5s --json -- sh -c";
    let mut whole = words(&proxy, line);
    whole.extend([script, "deploy".to_owned(), "{member}".to_owned()]);
    let rolling = Running::start(&evenkeel(), whole);
    for member in &members {
        let asked = folder.path().join(member.name());
        eventually_true("the command runs for it", || asked.exists());
        let drains = |it: &Snapshot| {
            it.balancers[0].members.iter().filter(|member| member.words == "Init Drn Ok").count()
        };
        assert_eq!(drains(&proxy.snapshot()), 1, "one at a time");
        // The deploy: it is gone for a moment.
        member.refuses();
        member.listens();
        std::fs::write(folder.path().join(format!("{}.done", member.name())), "").unwrap();
    }
    let ended = rolling.ended().with_code(0);
    let [good, failed] = load.end();
    assert!(good > 100 && failed == 0, "{good} good, {failed} failed\n{ended:#?}");
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["done"], true);
    for row in report["members"].as_array().unwrap() {
        assert_eq!((&row["state"], &row["words"]), (&"rolled".into(), &"Init Ok".into()), "{report}");
    }
    assert!(ended.err.contains("[1/3] app/a: running the command"), "{ended:#?}");
    assert!(ended.err.contains(&format!("b {}", members[1].address().port())), "{ended:#?}");
}

#[test]
fn a_roll_stops_at_the_first_failure_and_says_what_is_in_which_state() {
    let members = backends(["a", "b", "c"]);
    let proxy = proxy(serving(members.iter().map(|member| format!("{member} route={}", member.name()))));
    let mut whole = words(&proxy, "roll app --settle 0 -- sh -c");
    whole.extend(["test {member} != b".to_owned()]);
    let ended = run(&evenkeel(), whole).with_code(1);
    let rows: Vec<&str> = ended.out.lines().collect();
    assert_eq!(rows[0], "app/a  Init Ok: rolled", "{ended:#?}");
    let failed = format!(
        "app/b  Init Drn Ok: drained, the command failed; when it is mended: evenkeel --socket {} undrain app/b",
        proxy.admin().socket().display()
    );
    assert_eq!((rows[1], rows[2]), (failed.as_str(), "app/c  Init Ok: untouched"));
    assert!(ended.err.contains("evenkeel: [2/3] app/b: the command sh ended with code 1"), "{ended:#?}");

    command(&proxy, "undrain app/b").with_code(0);
    for options in ["", " --dry-run"] {
        let line = format!("roll app --min-available 3 --only c{options} -- true");
        let guarded = command(&proxy, &line).with_code(4);
        assert!(format!("{guarded:?}").contains("2 other members take new sessions"), "{guarded:#?}");
    }
    let before = proxy.snapshot().event;
    let planned = command(&proxy, "roll app --dry-run -- deploy {member}").with_code(0);
    assert!(planned.out.starts_with("[1/3] app/a  Init Ok: drain, wait, run: deploy a\n"), "{planned:#?}");
    assert_eq!(proxy.snapshot().event, before, "a dry run does nothing");
    let guarded = command(&proxy, "roll app --min-available 3 --only c -- true").with_code(4);
    assert!(guarded.err.contains("2 other members take new sessions"), "{guarded:#?}");
    assert_eq!(proxy.member("app", "c").words, "Init Ok");
    command(&proxy, "disable app/c").with_code(0);
    command(&proxy, "roll app --settle 0 --only c -- true").with_code(0);
    assert_eq!(proxy.member("app", "c").words, "Init Dis", "who was disabled stays so");
}
