//! The journal of edits when the proxy is killed, or the disk fails, at each step of each of its writes: what was
//! acknowledged as durable is there after the restart, what was not may be, and no file is ever damaged.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use harness::prelude::*;
use harness::strace::{CALLS, Fate};

const TWO: &str = "Listen 127.0.0.1:0
<Proxy balancer://app>
    BalancerMember http://127.0.0.1:1 route=a
    BalancerMember http://127.0.0.1:2 route=b
</Proxy>
ProxyPass / balancer://app/
";
/// More steps of one kind than anything here makes.
const STEPS: u32 = 30;

/// The files of the journal, and their folder.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let run = folder.join("run");
    let files = ["", ".next", ".link", ".previous", ".damaged"];
    files.iter().map(|end| run.join(format!("edits.journal{end}"))).chain([run.clone()]).collect()
}

/// What an operator set: is `a` drained, and the sets of `a` and `b`.
type Set = (bool, u64, u64);

fn set(proxy: &Proxy) -> Set {
    let [a, b] = ["a", "b"].map(|route| proxy.member("app", route));
    (a.words.contains("Drn"), a.lbset.get().into(), b.lbset.get().into())
}

/// Each line with its checksum, as the file promises.
#[track_caller]
fn assert_whole(journal: &Path) {
    let text = fs::read(journal).unwrap_or_default();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let json = line[9..].strip_suffix(b"\n").expect("whole lines");
        assert_eq!(format!("{:08x} ", crc32(json)).as_bytes(), &line[..9], "{}", journal.display());
    }
}

/// The usual checksum, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg()))
    })
}

/// Two edits and a reload one after the other; with each what holds when it is through.
const OPERATIONS: [(&str, &str, &str, Set); 3] = [
    ("PATCH", "/v1/balancers/app/members/b", r#"{"lbset":3}"#, (true, 0, 3)),
    ("POST", "/v1/reload", "", (true, 0, 3)),
    ("PATCH", "/v1/balancers/app/members/a", r#"{"drain":false,"lbset":1}"#, (false, 1, 3)),
];
const BEFORE: Set = (true, 0, 0);

/// A proxy whose journal has a line and a generation before.
fn edited() -> Proxy {
    let mut proxy = Proxy::start(folder(), TWO);
    assert!(proxy.edit("app", "a", r#"{"drain":true}"#).durable);
    proxy.kill();
    proxy.restart();
    assert_eq!(set(&proxy), BEFORE);
    proxy
}

/// Does one of the operations; none if the proxy did not live to answer, else whether it is durable.
fn operate(proxy: &Proxy, number: usize) -> Option<bool> {
    let (method, path, json, _) = OPERATIONS[number];
    let told = proxy.admin().try_ask(method, path, json).ok()?;
    let answer: serde_json::Value = told.message();
    answer["durable"].as_bool()
}

#[test]
fn a_kill_at_any_step_of_an_edit_or_a_reload_loses_nothing_that_was_acknowledged() {
    let mut kills = 0;
    for (number, operation) in OPERATIONS.iter().enumerate() {
        let before = number.checked_sub(1).map_or(BEFORE, |last| OPERATIONS[last].3);
        for call in CALLS {
            for when in 1..STEPS {
                let mut proxy = edited();
                for earlier in 0..number {
                    assert_eq!(operate(&proxy, earlier), Some(true));
                }
                let fate = Fate { call, when, what: "signal=KILL" };
                let Some(mut watch) = fate.attach(proxy.pid(), &paths(proxy.folder())) else { return };
                let answer = operate(&proxy, number);
                if answer.is_some() {
                    proxy.kill();
                }
                watch.ended();
                assert_whole(&proxy.run_folder().join("edits.journal"));
                assert_whole(&proxy.run_folder().join("edits.journal.previous"));
                proxy.restart();
                let (found, at) = (set(&proxy), format!("{operation:?}, {fate:?}"));
                match answer {
                    Some(durable) => assert!(durable && found == operation.3, "{at}: {found:?}"),
                    None => assert!([before, operation.3].contains(&found), "{at}: {found:?}"),
                }
                assert!(!proxy.log().contains("damaged"), "{at}\n{}", proxy.log());
                if answer.is_some() {
                    break;
                }
                kills += 1;
            }
        }
    }
    println!("kill -9: at {kills} steps of edits and a reload, nothing lost");
    // Each edit is a write and a sync; the reload opens, links, renames and syncs besides.
    assert!(kills >= 13, "only {kills} steps");
}

#[test]
fn a_step_that_the_disk_refuses_is_told_and_made_good_by_the_next_edit() {
    for call in CALLS {
        for when in 1..=2 {
            let mut proxy = edited();
            let fate = Fate { call, when, what: "error=EIO" };
            let Some(mut watch) = fate.attach(proxy.pid(), &paths(proxy.folder())) else { return };
            // Calls are counted by thread, so that more than one may fail.
            let durable = [0, 1, 2].map(|number| operate(&proxy, number).expect("it lives on"));
            let appends = matches!(call, "write" | "fdatasync");
            assert!(appends || durable == [true; 3], "{fate:?}: a reload tries again, {durable:?}");
            assert!(!(appends && when == 1 && durable[0]), "{fate:?}: a failure was not told");
            // Each is needed, except for those that only keep another generation.
            let needed = !matches!(call, "linkat" | "?unlink,?unlinkat");
            if needed && when == 1 || matches!(call, "openat" | "fsync") {
                eventually_true("the log tells it", || proxy.log().contains("be written"));
            }
            proxy.kill();
            watch.ended();
            proxy.restart();
            // What is durable includes all that was accepted before; what is not may be there.
            let promised = durable.iter().rposition(|durable| *durable).expect("not all of them fail");
            let found = set(&proxy);
            assert!(
                OPERATIONS[promised..].iter().any(|it| it.3 == found),
                "{fate:?}: {durable:?}, {found:?}"
            );
            assert!(!proxy.log().contains("damaged"), "{fate:?}\n{}", proxy.log());
        }
    }
}

#[test]
fn a_kill_at_any_step_of_the_start_leaves_the_journal_for_the_next_one() {
    let source = edited();
    assert!(source.edit("app", "b", r#"{"lbset":3}"#).durable);
    source.kill();
    let whole = fs::read(source.run_folder().join("edits.journal")).unwrap();
    let mut damaged = whole.clone();
    damaged[20] ^= 1;
    let cut = whole[..whole.len() - 1].to_vec();
    let mut kills = 0;
    for (what, journal, expected) in [
        ("whole", &whole, (true, 0, 3)),
        ("cut off", &cut, (true, 0, 0)),
        ("damaged", &damaged, (false, 0, 0)),
    ] {
        for call in CALLS {
            for when in 1..STEPS {
                let folder = folder();
                let run = folder.path().join("run");
                fs::DirBuilder::new().mode(0o700).create(&run).unwrap();
                fs::write(run.join("edits.journal"), journal).unwrap();
                fs::copy(
                    source.run_folder().join("edits.journal.previous"),
                    run.join("edits.journal.previous"),
                )
                .unwrap();
                fs::write(folder.path().join("site.conf"), TWO).unwrap();
                let fate = Fate { call, when, what: "signal=KILL" };
                let Some(killed) = fate.start(folder.path(), &paths(folder.path())) else { return };
                // What is no generation of its own is the cut one, which is as good as the whole without its last line.
                if what == "whole" {
                    assert_whole(&run.join("edits.journal"));
                    assert_whole(&run.join("edits.journal.previous"));
                }
                let proxy = Proxy::start(folder, TWO);
                assert_eq!(set(&proxy), expected, "{what}, {fate:?}\n{}", proxy.log());
                assert_whole(&run.join("edits.journal"));
                let aside = fs::read(run.join("edits.journal.damaged")).ok();
                assert_eq!(aside.as_ref(), (what == "damaged").then_some(journal), "{what}, {fate:?}");
                if !killed {
                    break;
                }
                kills += 1;
            }
        }
    }
    println!("kill -9: at {kills} steps of starts, nothing lost");
    assert!(kills >= 15, "only {kills} steps");
}

#[test]
fn of_four_operators_nobody_loses_an_acknowledged_edit_to_thirty_kills() {
    const OPERATORS: usize = 4;
    let members: Vec<String> =
        (1..=OPERATORS).map(|it| format!("BalancerMember http://127.0.0.1:{it} route=m{it}\n")).collect();
    let members = members.concat();
    let mut proxy = proxy(format!("<Proxy balancer://app>\n{members}</Proxy>\nProxyPass / balancer://app/"));
    let mut dice = 1_u64;
    let (mut edits, mut reloads) = (0, 0);
    for round in 0..30 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let enough = (dice >> 33) % 60 + 1;
        let acknowledged = Arc::new(AtomicU64::new(0));
        // By operator: what holds for sure, and what was asked for last.
        let last = Arc::new(Mutex::new([(0_u64, 0_u64); OPERATORS]));
        for (number, slot) in last.lock().unwrap().iter_mut().enumerate() {
            let holds = proxy.member("app", format!("m{}", number + 1)).lbset.get().into();
            *slot = (holds, holds);
        }
        let operators: Vec<_> = (0..OPERATORS)
            .map(|number| {
                let (admin, last, acknowledged) =
                    (proxy.admin().clone(), Arc::clone(&last), Arc::clone(&acknowledged));
                std::thread::spawn(move || {
                    let path = format!("/v1/balancers/app/members/m{}", number + 1);
                    loop {
                        let wanted = (last.lock().unwrap()[number].0 + 1) % 100;
                        last.lock().unwrap()[number].1 = wanted;
                        let json = format!("{{\"lbset\":{wanted}}}");
                        let Ok(told) = admin.try_ask("PATCH", &path, &json) else { break };
                        let edited: evenkeel_protocol::Edited = told.message();
                        assert!(edited.durable, "{edited:?}");
                        last.lock().unwrap()[number].0 = wanted;
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        // Every other round somebody also reads the configuration anew, which writes the whole journal anew.
        let admin = (round % 2 == 1).then(|| proxy.admin().clone());
        let reloader = std::thread::spawn(move || {
            let reload = || admin.as_ref().is_some_and(|it| it.try_ask("POST", "/v1/reload", "").is_ok());
            std::iter::repeat_with(reload).take_while(|more| *more).count()
        });
        eventually_true("edits are through", || acknowledged.load(Ordering::SeqCst) >= enough);
        proxy.kill();
        for operator in operators {
            operator.join().unwrap();
        }
        reloads += reloader.join().unwrap();
        edits += acknowledged.load(Ordering::SeqCst);
        proxy.restart();
        assert!(!proxy.log().contains("damaged"), "{}", proxy.log());
        for (number, (holds, asked)) in last.lock().unwrap().iter().enumerate() {
            let found: u64 = proxy.member("app", format!("m{}", number + 1)).lbset.get().into();
            assert!(
                [holds, asked].contains(&&found),
                "round {round}: {holds} acknowledged, {asked} asked, {found}"
            );
        }
    }
    println!("kill -9: 30 times amid {edits} edits by four operators and {reloads} reloads, none lost");
}
