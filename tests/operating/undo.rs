//! Undo as two operators and a restart see it, the layers that it works on, and the audit that remembers.

use std::fs;

use evenkeel_protocol::{Call, Code, Event, EventKind, Overrides, Undone};
use harness::prelude::*;

fn pair() -> (Proxy, [Backend; 2]) {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(serving([format!("{a} route=a"), format!("{b} route=b")]));
    (proxy, [a, b])
}

fn undo(proxy: &Proxy, json: &str) -> Told {
    proxy.admin().ask("POST", "/v1/undo", json)
}

fn audited(proxy: &Proxy, file: &str) -> Vec<Event> {
    let text = fs::read_to_string(proxy.run_folder().join(file)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn the_last_edit_is_undone_and_an_undo_is_undone() {
    let (proxy, _backends) = pair();
    let edited = proxy.edit("app", "a", r#"{"drain":true,"lbset":2,"reason":"deploy 42"}"#).event.unwrap();
    let looked: Undone = undo(&proxy, r#"{"dry_run":true}"#).message();
    assert_eq!((looked.undoes, looked.edited.is_none()), (edited, true));
    assert_eq!(looked.preview.unwrap().changes.len(), 2);
    assert_eq!(proxy.member("app", "a").lbset.get(), 2);

    let undone: Undone = undo(&proxy, "").message();
    assert_eq!((undone.undoes, undone.reason.as_deref()), (edited, Some("deploy 42")));
    let member = proxy.member("app", "a");
    assert_eq!((member.lbset.get(), member.words.as_str()), (0, "Init Ok"));
    let last = proxy.admin().events(0).pop().unwrap();
    assert!(matches!(last.kind, EventKind::MemberEdited { undoes: Some(number), .. } if number == edited));

    let nothing = undo(&proxy, "").refusal();
    assert_eq!(nothing.code, Code::NotFound);
    assert!(
        nothing.message.contains(&format!("`evenkeel undo {}` does", last.number)),
        "{}",
        nothing.message
    );
    let again = undo(&proxy, &format!("{{\"event\":{edited}}}")).refusal();
    assert!(again.message.contains("is undone already"), "{}", again.message);

    let redo = format!("{{\"event\":{},\"reason\":\"it was right\"}}", last.number);
    let redone: Undone = undo(&proxy, &redo).message();
    assert_eq!((redone.undoes, redone.does_again), (last.number, Some(edited)));
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
}

#[test]
fn undone_twice_goes_back_two_steps_and_not_there_and_back() {
    let (proxy, _backends) = pair();
    let first = proxy.edit("app", "a", r#"{"drain":true}"#).event.unwrap();
    let second = proxy.edit("app", "a", r#"{"drain":false}"#).event.unwrap();
    for (undoes, words) in [(second, "Init Drn Ok"), (first, "Init Ok")] {
        assert_eq!(undo(&proxy, "").message::<Undone>().undoes, undoes);
        assert_eq!(proxy.member("app", "a").words, words);
    }
    assert_eq!(undo(&proxy, "").refusal().code, Code::NotFound, "it does not flip for ever");
    // An edit made since is the last one again, and what is behind it stays undone.
    let third = proxy.edit("app", "a", r#"{"lbset":3}"#).event.unwrap();
    assert_eq!(undo(&proxy, "").message::<Undone>().undoes, third);
    assert_eq!(undo(&proxy, "").refusal().code, Code::NotFound);
}

#[test]
fn a_field_that_somebody_touched_since_is_not_undone() {
    let (proxy, _backends) = pair();
    let first = proxy.edit("app", "a", r#"{"lbset":2,"drain":true}"#).event.unwrap();
    // Another field, another member and the balancer itself are no matter.
    proxy.edit("app", "a", r#"{"route":"c"}"#);
    proxy.edit("app", "b", r#"{"lbset":2}"#);
    proxy.edit_balancer("app", r#"{"maxattempts":1}"#);
    let touched = proxy.edit("app", "c", r#"{"lbset":3}"#).event.unwrap();
    let refusal = undo(&proxy, &format!("{{\"event\":{first}}}")).refusal();
    assert_eq!((refusal.code, refusal.field.as_deref()), (Code::Stale, Some("lbset")));
    assert!(refusal.message.contains(&format!("(event {touched})")), "{}", refusal.message);
    assert_eq!(proxy.member("app", "c").words, "Init Drn Ok", "not even the field that nobody touched");
    // Once that is undone, it can be.
    let _: Undone = undo(&proxy, &format!("{{\"event\":{touched}}}")).message();
    assert_eq!(undo(&proxy, &format!("{{\"event\":{first}}}")).message::<Undone>().undoes, first);
    assert_eq!(proxy.member("app", "c").lbset.get(), 0);
}

#[test]
fn of_an_edit_that_cannot_be_taken_back_the_one_before_it_is_named() {
    let (proxy, _backends) = pair();
    let first = proxy.edit("app", "a", r#"{"lbset":2}"#).event.unwrap();
    let touched = proxy.edit_balancer("app", r#"{"maxattempts":1}"#).event.unwrap();
    let undone: Undone = undo(&proxy, r#"{"dry_run":true}"#).message();
    assert_eq!((undone.undoes, undone.passed.len()), (first, 1), "{undone:?}");
    assert_eq!(undone.passed[0].event, touched);
    assert!(undone.passed[0].why.starts_with("maxattempts: "), "{undone:?}");
    let message = undo(&proxy, "").refusal().message;
    assert!(message.starts_with(&format!("event {touched} cannot be taken back: ")), "{message}");
    assert!(message.ends_with(&format!("evenkeel undo {first}")), "{message}");
    assert_eq!(undo(&proxy, &format!("{{\"event\":{first}}}")).message::<Undone>().undoes, first);
    let refusal = undo(&proxy, "").refusal();
    assert_eq!(refusal.field.as_deref(), Some("maxattempts"));
    assert!(refusal.message.starts_with(&format!("event {touched} cannot be taken back: ")), "{refusal:?}");
    assert!(refusal.message.ends_with("none of yours before it that still stands"), "{refusal:?}");
}

#[test]
fn what_cannot_be_undone_is_refused_with_the_reason() {
    let (proxy, _backends) = pair();
    assert_eq!(undo(&proxy, "").refusal().code, Code::NotFound);
    assert!(undo(&proxy, r#"{"event":1}"#).refusal().message.contains("is no edit"));
    assert!(undo(&proxy, r#"{"event":999}"#).refusal().message.contains("no event 999 yet"));
    assert_eq!(undo(&proxy, r#"{"event":"x"}"#).refusal().code, Code::Invalid);
    assert_eq!(undo(&proxy, r#"{"what":1}"#).refusal().code, Code::Invalid);
    // What was never set cannot be set again.
    let event = proxy.edit_balancer("app", r#"{"maxattempts":1}"#).event.unwrap();
    let refusal = undo(&proxy, &format!("{{\"event\":{event}}}")).refusal();
    assert_eq!((refusal.code, refusal.field.as_deref()), (Code::Invalid, Some("maxattempts")));
}

#[test]
fn an_undo_is_guarded_and_remembered_over_a_kill() {
    let (mut proxy, _backends) = pair();
    let enabled = {
        proxy.edit("app", "a", r#"{"disabled":true}"#);
        proxy.edit("app", "a", r#"{"disabled":false}"#).event.unwrap()
    };
    proxy.edit("app", "b", r#"{"disabled":true}"#);
    proxy.kill();
    proxy.restart();
    let order = format!("{{\"event\":{enabled}}}");
    assert_eq!(undo(&proxy, &order).refusal().code, Code::Guarded);
    let forced = format!("{{\"event\":{enabled},\"force\":true}}");
    assert_eq!(undo(&proxy, &forced).message::<Undone>().undoes, enabled);
    assert_eq!(proxy.member("app", "a").words, "Init Dis");
}

#[test]
fn every_override_says_by_whom_when_and_why_over_a_restart() {
    let (mut proxy, [a, _b]) = pair();
    let event = proxy.edit("app", "a", r#"{"drain":true,"reason":"deploy 42"}"#).event;
    proxy.edit_balancer("app", r#"{"timeout":7}"#);
    for restarts in 0..2 {
        let overrides: Overrides = proxy.admin().get(&Call::Overrides);
        assert!(overrides.durable);
        let fields: Vec<&str> = overrides.fields.iter().map(|layers| layers.field.as_str()).collect();
        assert_eq!(fields, ["timeout", "drain"], "after {restarts} restarts");
        let drain = &overrides.fields[1];
        assert_eq!(drain.subject.member.as_ref().map(ToString::to_string), Some(a.to_string()));
        assert_eq!((drain.configured.as_str(), drain.effective.as_str()), ("Off", "On"));
        let overridden = drain.overridden.as_ref().unwrap();
        assert_eq!((overridden.value.as_str(), overridden.event), ("On", event));
        assert_eq!(overridden.reason.as_deref(), Some("deploy 42"));
        assert!(overridden.by.as_ref().unwrap().command.is_some() && overridden.at.is_some());
        proxy.stop();
        proxy.restart();
    }
    proxy.edit("app", "a", r#"{"drain":false}"#);
    let overrides: Overrides = proxy.admin().get(&Call::Overrides);
    assert_eq!(overrides.fields.len(), 1, "as configured is no override");
}

#[test]
fn the_audit_on_disk_has_every_act_and_every_refused_one_before_the_answer_is_there() {
    let (proxy, _backends) = pair();
    let number = proxy.edit("app", "a", r#"{"drain":true,"reason":"deploy 42"}"#).event.unwrap();
    let line = audited(&proxy, "audit.jsonl").pop().unwrap();
    assert_eq!(line.number, number);
    let EventKind::MemberEdited { changes, by, reason, .. } = line.kind else { panic!("{line:?}") };
    assert_eq!((changes[0].before.as_str(), changes[0].after.as_str()), ("Off", "On"));
    assert_eq!((by.unwrap().pid.is_some(), reason.as_deref()), (true, Some("deploy 42")));
    for (json, code) in [
        (r#"{"drain":true}"#, Code::Guarded),
        (r#"{"drain":true,"revision":99}"#, Code::Stale),
        (r#"{"lbfactor":0}"#, Code::Invalid),
    ] {
        proxy.try_edit("app", "b", json).refusal();
        let refused = || audited(&proxy, "refused.jsonl").pop();
        eventually_true("it stands in the audit", || {
            refused()
                .is_some_and(|event| matches!(event.kind, EventKind::EditRefused(edit) if edit.code == code))
        });
    }
}

#[test]
fn the_audit_is_bounded_whatever_is_done() {
    const MOST: u64 = 2 * 1024 * 1024;
    let (proxy, _backends) = pair();
    // Long enough reasons, so that it need not be many.
    let reason = "x".repeat(200);
    for turn in 0..6_000 {
        proxy.edit("app", "a", &format!("{{\"ignore_errors\":{},\"reason\":\"{reason}\"}}", turn % 2 == 0));
    }
    let folder = proxy.run_folder();
    let size = |name: &str| folder.join(name).metadata().map(|about| about.len()).unwrap_or_default();
    assert!(size("audit.jsonl.1") > MOST / 2, "it was put aside");
    assert!(size("audit.jsonl") <= MOST && size("audit.jsonl.1") <= MOST);
    let files = fs::read_dir(&folder).unwrap().filter_map(|file| file.ok()?.file_name().into_string().ok());
    assert_eq!(files.filter(|name| name.starts_with("audit")).count(), 2);
}

#[test]
fn an_audit_that_cannot_be_written_stops_neither_edits_nor_traffic() {
    let (proxy, _backends) = pair();
    let file = proxy.run_folder().join("audit.jsonl");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    // The open file is of before; a new one is wanted from now on.
    let edited = proxy.edit("app", "a", r#"{"lbset":1}"#);
    assert!(edited.changed && edited.durable, "the journal is another file: {edited:?}");
    fs::remove_dir(&file).unwrap();
    assert!(proxy.edit("app", "a", r#"{"lbset":2}"#).notes.is_empty());
    assert_eq!(audited(&proxy, "audit.jsonl").len(), 1);
    assert_eq!(visits(&proxy, 2).len(), 2);
}
