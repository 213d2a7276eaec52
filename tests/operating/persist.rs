//! `BalancerPersist`: whoever writes Off gets edits that hold until the next restart or reload, is told so at each
//! edit, and finds again what was written down before.

use std::fs;

use evenkeel_protocol::EventKind;
use harness::prelude::*;

const DRAIN: &str = r#"{"drain":true}"#;

fn pair(persist: &str) -> String {
    format!(
        "{persist}\n{}",
        serving(["http://127.0.0.1:1 route=a", "http://127.0.0.1:2 route=b lbset=1"].into_iter())
    )
}

fn words(proxy: &Proxy) -> [String; 2] {
    ["a", "b"].map(|route| proxy.member("app", route).words)
}

#[test]
fn with_off_an_edit_says_that_it_does_not_last_and_a_restart_forgets_it() {
    let mut proxy = proxy(pair("BalancerPersist Off"));
    let edited = proxy.edit("app", "a", DRAIN);
    assert_eq!((edited.changed, edited.durable), (true, false), "{edited:?}");
    assert!(edited.notes.iter().any(|note| note.starts_with("BalancerPersist is Off")), "{edited:?}");
    assert_eq!(words(&proxy), ["Init Drn Ok", "Init Ok"], "it is in effect");
    let edited = proxy.edit_balancer("app", r#"{"maxattempts":1}"#);
    assert!(!edited.durable && !edited.notes.is_empty(), "{edited:?}");
    let last = proxy.admin().events(0).pop().unwrap();
    assert!(matches!(last.kind, EventKind::BalancerEdited { durable: false, .. }), "{last:?}");
    // What the file says anyway needs nobody to keep it.
    assert!(proxy.edit("app", "a", r#"{"drain":false}"#).durable);
    assert!(!proxy.edit("app", "a", DRAIN).durable);
    proxy.kill();
    proxy.restart();
    assert_eq!(words(&proxy), ["Init Ok", "Init Ok"]);
    assert_eq!(proxy.balancer("app").settings.maxattempts, None);
    assert!(!proxy.run_folder().join("edits.journal").exists());
}

#[test]
fn with_off_the_command_says_so_and_its_exit_code_too() {
    let proxy = proxy(pair("BalancerPersist Off"));
    let socket = proxy.admin().socket().display().to_string();
    let ended = run(&evenkeel(), ["--socket", &socket, "drain", "app/a"]).with_code(11);
    assert!(ended.err.contains("BalancerPersist is Off"), "{ended:#?}");
    assert!(ended.err.contains("lost when the proxy restarts"), "{ended:#?}");
}

#[test]
fn with_off_a_reload_drops_edits_and_tells_each() {
    let mut proxy = proxy(pair("BalancerPersist Off"));
    proxy.edit("app", "a", DRAIN);
    proxy.edit("app", "b", r#"{"lbset":5}"#);
    let reloaded = proxy.reload(pair("BalancerPersist Off"));
    let dropped: Vec<&str> = reloaded.dropped.iter().map(|it| it.field.as_str()).collect();
    assert_eq!((reloaded.kept.len(), dropped, reloaded.durable), (0, vec!["drain", "lbset"], true));
    assert!(reloaded.dropped.iter().all(|it| it.why.starts_with("BalancerPersist is Off")), "{reloaded:?}");
    assert_eq!(
        (words(&proxy), proxy.member("app", "b").lbset.get()),
        (["Init Ok", "Init Ok"].map(str::to_owned), 1)
    );
    let events = proxy.admin().events(0);
    assert_eq!(events.iter().filter(|it| matches!(it.kind, EventKind::OverrideDropped(_))).count(), 2);
}

#[test]
fn edits_of_before_off_stay_in_the_journal_and_come_back_with_on() {
    let mut proxy = proxy(pair("BalancerPersist On"));
    assert!(proxy.edit("app", "a", DRAIN).durable);
    let journal = proxy.run_folder().join("edits.journal");
    let before = fs::read(&journal).unwrap();
    assert_eq!(proxy.reload(pair("BalancerPersist Off")).dropped.len(), 1);
    assert_eq!(words(&proxy), ["Init Ok", "Init Ok"]);
    proxy.stop();
    proxy.restart();
    assert_eq!(words(&proxy), ["Init Ok", "Init Ok"]);
    eventually_true("the log tells it", || proxy.log().contains("neither made nor removed"));
    assert_eq!(fs::read(&journal).unwrap(), before);
    assert!(!proxy.edit("app", "b", DRAIN).durable);
    // Nothing written is On.
    let reloaded = proxy.reload(pair(""));
    assert_eq!((reloaded.kept.len(), reloaded.dropped.len(), reloaded.durable), (2, 0, true));
    assert_eq!(words(&proxy), ["Init Drn Ok", "Init Drn Ok"]);
    proxy.kill();
    proxy.restart();
    assert_eq!(words(&proxy), ["Init Drn Ok", "Init Drn Ok"]);
}
