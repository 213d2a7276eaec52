//! Commands for scripts: tables, JSON, and exit codes that mean something.

use std::process::Command;

use evenkeel_protocol::{Edited, Snapshot};
use harness::prelude::*;

use crate::{command, pair};

#[test]
fn status_is_a_table_in_apaches_words() {
    let (proxy, [a, b]) = pair();
    visits(&proxy, 10);
    proxy.edit("app", "b", r#"{"drain":true}"#);
    let ended = command(&proxy, "status").with_code(0);
    let line = |backend: &Backend| {
        let name = backend.to_string();
        let line =
            ended.out.lines().find(|line| line.contains(&name)).unwrap_or_else(|| panic!("{}", ended.out));
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    assert!(line(&a).contains("a - 1.00 0 Init Ok 5 0 0"), "{}", ended.out);
    assert!(line(&b).contains("b - 1.00 0 Init Drn Ok 5 0 0"), "{}", ended.out);
    assert!(ended.out.contains("balancer://app") && ended.out.contains("stickysession=SID"), "{}", ended.out);
    assert_eq!(ended.err, "");
}

#[test]
fn status_as_json_is_the_snapshot() {
    let (proxy, _backends) = pair();
    let ended = command(&proxy, "status --json").with_code(0);
    let shown: Snapshot = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(shown.balancers, proxy.snapshot().balancers);
}

#[test]
fn drain_and_enable_are_idempotent_and_say_what_they_did() {
    let (proxy, _backends) = pair();
    let edited = |line: &str| -> Edited {
        let ended = command(&proxy, line).with_code(0);
        serde_json::from_str(&ended.out).unwrap_or_else(|why| panic!("{why} in {}", ended.out))
    };
    assert!(edited("drain app/a --json").changed);
    assert!(!edited("drain app/a --json").changed);
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
    command(&proxy, "disable a").with_code(0);
    let said = command(&proxy, "enable app/a").with_code(0);
    assert!(
        said.out.contains("drain") && said.out.contains("disabled") && !said.out.contains("stopped"),
        "{}",
        said.out
    );
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
    command(&proxy, "stop app/a").with_code(0);
    assert_eq!(proxy.member("app", "a").words, "Init Stop");
    assert!(!edited("undrain app/a --json").changed, "it clears N alone");
    assert_eq!(proxy.member("app", "a").words, "Init Stop");
    assert!(edited("enable app/a --json").changed);
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
}

#[test]
fn set_changes_what_is_listed_at_once() {
    let (proxy, [_a, b]) = pair();
    command(&proxy, "set app/b lbfactor=2.5 route=z lbset=3").with_code(0);
    let member = proxy.member("app", &b);
    assert_eq!(
        (member.lbfactor.to_string().as_str(), member.route.as_str(), member.lbset.get()),
        ("2.50", "z", 3)
    );
    command(&proxy, "set balancer://app lbmethod=bybusyness nofailover=on").with_code(0);
    assert_eq!(proxy.balancer("app").settings.lbmethod.name(), "bybusyness");
}

#[test]
fn exit_codes_tell_scripts_what_was_wrong() {
    let (proxy, _backends) = pair();
    let before = proxy.snapshot().balancers;
    for (line, code) in [
        ("drain app/zz", 3),
        ("drain zz/a", 3),
        ("status zz", 3),
        ("set app/a lbfactor=0", 10),
        ("set app/a lbset=100", 10),
        ("set app/a route=a;b", 10),
        ("set app/a drain=maybe", 10),
        ("set app/a weight=2", 2),
        ("set app/a lbfactor", 2),
        ("set app/a", 2),
        ("set app/a lbmethod=bytraffic", 2),
        ("set app/zz lbmethod=bytraffic", 3),
        ("set zz lbmethod=bytraffic", 3),
        ("set app lbset=1", 2),
        ("drain app", 2),
        ("drain", 2),
        ("nonsense", 2),
        ("demo", 2),
        ("drain app/a --if-revision x", 2),
        ("drain app/a --if-revision 77", 8),
        ("drain app/zz --ignore-missing", 0),
    ] {
        let ended = command(&proxy, line);
        assert_eq!(ended.code, Some(code), "{line}: {ended:#?}");
        assert!(code == 0 || !ended.err.is_empty(), "{line} says nothing");
        assert!(code == 0 || ended.out.is_empty(), "{line} writes to standard output: {}", ended.out);
    }
    assert_eq!(proxy.snapshot().balancers, before);
    let home = folder();
    let nowhere =
        run(&evenkeel(), ["--socket".as_ref(), home.path().join("none.sock").as_os_str(), "status".as_ref()]);
    assert_eq!(nowhere.code, Some(6), "{nowhere:?}");
}

#[test]
fn a_reason_reaches_the_events_and_events_reach_scripts() {
    let (proxy, _backends) = pair();
    run(
        &evenkeel(),
        ["--socket", &proxy.admin().socket().to_string_lossy(), "drain", "app/a", "--reason", "deploy 42"],
    )
    .with_code(0);
    let ended = command(&proxy, "events --json").with_code(0);
    let events: Vec<serde_json::Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["event"], "started");
    assert_eq!((&events[1]["event"], &events[1]["reason"]), (&"member_edited".into(), &"deploy 42".into()));
    assert!(command(&proxy, "events").with_code(0).out.contains("deploy 42"));
}

#[test]
fn the_socket_may_stand_in_the_environment_or_be_named_by_its_folder() {
    let (proxy, _backends) = pair();
    let by_variable =
        finish(Command::new(evenkeel()).arg("status").env("EVENKEEL_SOCKET", proxy.admin().socket()), "");
    assert_eq!(by_variable.clone().with_code(0).out, command(&proxy, "status").out);
    let by_folder =
        run(&evenkeel(), ["--socket".as_ref(), proxy.run_folder().as_os_str(), "status".as_ref()]);
    assert_eq!(by_folder.with_code(0).out, by_variable.out);
}

#[test]
fn help_shows_examples_and_exit_codes() {
    let ended = run(&evenkeel(), ["--help"]).with_code(0);
    for wanted in ["drain", "status", "124", "Examples"] {
        assert!(ended.out.contains(wanted), "no {wanted} in\n{}", ended.out);
    }
}
