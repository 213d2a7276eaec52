//! A disk that is full in the middle of a drain: the drain goes on, every surface says what would be lost, and it is
//! kept again as soon as there is room.

use evenkeel_protocol::Edited;
use harness::disk::Disk;

use super::*;

fn evenkeel_says(proxy: &Proxy, words: &[&str], code: i32) -> Ended {
    let socket = proxy.admin().socket().to_string_lossy().into_owned();
    let words = ["--socket", &socket].into_iter().chain(words.iter().copied());
    run(&evenkeel(), words).with_code(code)
}

/// Edits a member until there is no room left for its line.
#[track_caller]
fn edit_that_is_lost(proxy: &Proxy) -> Edited {
    let mut sets = (1..=99).cycle();
    eventually("an edit cannot be written down", || {
        let edited = proxy.edit("app", "b", &format!(r#"{{"lbset":{}}}"#, sets.next().unwrap()));
        Some(edited).filter(|edited| !edited.durable)
    })
}

#[test]
fn a_full_disk_stops_no_drain_and_what_would_be_lost_is_told_until_there_is_room() {
    let [a, b] = backends(["a", "b"]);
    let folder = folder();
    let Some(disk) = Disk::mounted(&folder.path().join("run"), 128) else { return };
    let mut proxy = Proxy::start(folder, &format!("Listen 127.0.0.1:0\n{}", text(&a, &b)));
    let held = Held::by(&proxy, &a);
    let number = order(&proxy, "a", r#"{"settle":"300ms","timeout":"10m"}"#).drain.number;
    assert!(drain(&proxy, number).durable);

    disk.fill();
    let lost = edit_that_is_lost(&proxy);
    assert!(lost.changed, "it is applied all the same");
    let change = Call::ChangeDrain(number);
    let answer: DrainAnswer =
        proxy.admin().ask(change.method(), &change.path(), r#"{"timeout":"20m"}"#).message();
    assert!(answer.changed && !answer.drain.durable, "{answer:?}");
    assert!(!drain(&proxy, number).durable && !proxy.snapshot().drains[0].durable);
    let told = proxy.admin().events(0);
    assert!(told.iter().any(|it| matches!(it.kind, EventKind::DrainChanged { durable: false, .. })));
    assert!(told.iter().any(|it| matches!(it.kind, EventKind::MemberEdited { durable: false, .. })));
    let undurable = proxy.snapshot().undurable;
    let urls: Vec<&str> = undurable.iter().filter_map(|it| Some(it.member.as_ref()?.as_str())).collect();
    assert_eq!(urls, [format!("http://{}", b.address())]);
    eventually_true("the metrics know of it", || {
        let text = proxy.admin().ask("GET", "/metrics", "").body;
        ["\nevenkeel_edits_undurable 1\n", "\nevenkeel_drains_undurable 1\n"]
            .iter()
            .all(|it| text.contains(it))
    });
    assert_eq!(proxy.snapshot().undurable_drains, [number]);
    let edited = evenkeel_says(&proxy, &["set", "app/b", "lbset=7"], 11);
    assert!(edited.err.contains("lost when the proxy restarts"), "{edited:#?}");
    let adjusted = evenkeel_says(&proxy, &["drain", "app/a", "--timeout", "30m"], 11);
    assert!(adjusted.err.contains("the drain job was not written down"), "{adjusted:#?}");
    let status = evenkeel_says(&proxy, &["status"], 0).out;
    assert!(status.contains("; will not survive a restart"), "{status}");
    let warned = evenkeel_says(&proxy, &["status"], 0).err;
    assert!(warned.contains("edits of app/b, the drain job of app/a; the disk refuses them"), "{warned}");
    assert!(status.contains("last edit: NOT kept over a restart; the disk refuses it"), "{status}");
    eventually_true("the log tells of the file of drains", || {
        proxy.log().contains("drains cannot be written down")
    });
    assert_eq!(held.answer().body.len(), 100);
    let done = ended(&proxy, number);
    assert_eq!((done.outcome, done.durable), (Some(DrainOutcome::SafeToStop), false));

    let before = proxy.snapshot().event;
    disk.free();
    eventually_true("edits are written down, though nobody asks for anything", || {
        proxy.snapshot().undurable.is_empty()
    });
    eventually_true("that is told", || {
        let told = proxy.admin().events(before);
        told.iter().any(|it| matches!(&it.kind, EventKind::EditsDurable { edited } if edited.len() == 1))
    });
    eventually_true("it is written down, though nobody asks for anything", || drain(&proxy, number).durable);
    assert!(proxy.edit("app", "b", r#"{"lbset":8}"#).durable);
    proxy.kill();
    proxy.restart();
    assert_eq!(drain(&proxy, number).outcome, Some(DrainOutcome::SafeToStop));
    assert_eq!(
        (proxy.member("app", "a").words.as_str(), proxy.member("app", "b").lbset.get()),
        ("Init Drn Ok", 8)
    );
    proxy.stop();
}

#[test]
fn a_drain_whose_job_alone_the_disk_refuses_is_told_on_every_surface_until_there_is_room() {
    let [a, b] = backends(["a", "b"]);
    let folder = folder();
    let Some(disk) = Disk::mounted(&folder.path().join("run"), 256) else { return };
    let mut proxy = Proxy::start(folder, &format!("Listen 127.0.0.1:0\n{}", text(&a, &b)));
    let _held = Held::by(&proxy, &a);
    // The line of the next edit still fits into the last page of the journal; the file of drains is written anew.
    assert!(proxy.edit("app", "b", r#"{"lbset":1}"#).durable);
    disk.fill();
    let begun = order(&proxy, "a", r#"{"until":"no_sessions","timeout":"10m","on_timeout":"stop"}"#);
    let number = begun.drain.number;
    assert!(begun.edited.is_some_and(|edited| edited.durable) && !begun.drain.durable);
    let snapshot = proxy.snapshot();
    assert_eq!((snapshot.undurable.len(), snapshot.undurable_drains), (0, vec![number]));
    let warned = evenkeel_says(&proxy, &["status"], 0).err;
    assert!(
        warned.contains("NOT kept over a restart: the drain job of app/a; the disk refuses it"),
        "{warned}"
    );
    let watch = watching(&proxy);
    watch.says("the drain job of app/a; the disk refuses it");
    proxy.kill();
    proxy.restart();
    watch.says("LOST with the restart of the proxy: the drain job of app/a, and its deadline");
    assert_eq!((proxy.snapshot().drains.len(), proxy.member("app", "a").words.as_str()), (0, "Init Drn Ok"));
    let begun = order(&proxy, "a", r#"{"until":"no_sessions","timeout":"10m"}"#);
    assert!(!begun.drain.durable);
    assert!(begun.drain.number > number, "whoever knows the lost one by its number takes no other for it");
    disk.free();
    eventually_true("it is written down, though nobody asks for anything", || {
        proxy.snapshot().undurable_drains.is_empty()
    });
    proxy.stop();
}

#[test]
fn a_disk_that_is_full_from_the_start_is_told_before_anybody_edits() {
    let [a, b] = backends(["a", "b"]);
    let folder = folder();
    let Some(disk) = Disk::mounted(&folder.path().join("run"), 128) else { return };
    disk.fill();
    let proxy = Proxy::start(folder, &format!("Listen 127.0.0.1:0\n{}", text(&a, &b)));
    let said = "NOT kept over a restart: edits from now on; the disk refuses them";
    assert!(proxy.snapshot().unwritable);
    let warned = evenkeel_says(&proxy, &["status"], 0).err;
    assert!(warned.contains(&format!("warning: {said}\n")), "{warned}");
    let watch = watching(&proxy);
    watch.says(said);
    assert!(!proxy.edit("app", "b", r#"{"lbset":7}"#).durable);
    watch.says("NOT kept over a restart: edits of app/b; the disk refuses them");
    assert!(!proxy.edit("app", "b", r#"{"lbset":0}"#).durable);
    disk.free();
    eventually_true("it is written down, though nobody asks for anything", || {
        let snapshot = proxy.snapshot();
        snapshot.undurable.is_empty() && !snapshot.unwritable
    });
    watch.says("edits are durable again");
    assert!(proxy.edit("app", "b", r#"{"lbset":8}"#).durable);
    proxy.stop();
}

#[test]
fn what_a_restart_lost_on_a_full_disk_is_told_as_lost_by_who_watched() {
    let [a, b] = backends(["a", "b"]);
    let folder = folder();
    let Some(disk) = Disk::mounted(&folder.path().join("run"), 256) else { return };
    let mut proxy = Proxy::start(folder, &format!("Listen 127.0.0.1:0\n{}", text(&a, &b)));
    disk.fill();
    assert!(!proxy.edit("app", "a", r#"{"drain":true}"#).durable);
    assert!(!proxy.edit("app", "b", r#"{"lbset":7}"#).durable);
    let watch = watching(&proxy);
    watch.says("NOT kept over a restart: edits of app/");
    proxy.kill();
    proxy.restart();
    watch.says("LOST with the restart of the proxy: edits of app/");
    watch.interrupt();
    let told = watch.ended().err;
    assert!(!told.contains("durable again"), "{told}");
    proxy.stop();
}

/// A watcher that says on standard error what it tells.
fn watching(proxy: &Proxy) -> Running {
    let program = evenkeel().to_string_lossy().into_owned();
    let socket = proxy.admin().socket().to_string_lossy().into_owned();
    let words = ["-c", "exec \"$0\" \"$@\" >&2", &program, "--socket", &socket, "watch", "--linear"];
    Running::start("sh".as_ref(), words.into_iter().chain(["--interval", "200ms"]))
}
