//! A roll over two proxies: each member drained in both, the command run once, and what is told where one stops it.

use std::fs;
use std::path::Path;

use harness::prelude::*;

use super::{path, statuses, twins, words};

/// A command that writes down the member and how it stands in both proxies.
fn notes(proxies: &[Proxy; 2], file: &Path) -> String {
    let look = |proxy: &Proxy| {
        format!(
            "{} --socket {} status app/$1 | grep -o 'Init.*Ok' | tr '\\n' ' '",
            evenkeel().display(),
            path(&proxy.run_folder())
        )
    };
    let (one, two) = (look(&proxies[0]), look(&proxies[1]));
    format!("printf '%s ' $1 >> {0}; ({one}; {two}) >> {0}; echo >> {0}", file.display())
}

fn roll(proxies: &[Proxy; 2], options: &str, script: &str) -> Ended {
    let mut line = words(proxies, &format!("roll app --settle 100ms {options} -- sh -c"));
    line.extend([script.to_owned(), "roll".to_owned(), "{route}".to_owned()]);
    run(&evenkeel(), line)
}

#[test]
fn a_roll_drains_in_both_runs_the_command_once_and_returns_in_both() {
    let (proxies, _members) = twins();
    let home = folder();
    let file = home.path().join("notes");
    let ended = roll(&proxies, "--until idle", &notes(&proxies, &file)).with_code(0);
    assert_eq!(ended.out.lines().filter(|line| line.ends_with(": rolled")).count(), 4, "{ended:#?}");
    let noted = fs::read_to_string(&file).unwrap();
    assert_eq!(noted, "a Init Drn Ok Init Drn Ok \nb Init Drn Ok Init Drn Ok \n", "{ended:#?}");
    for member in ["a", "b"] {
        assert_eq!(statuses(&proxies, member), ["Init Ok", "Init Ok"]);
    }
}

#[test]
fn a_roll_goes_nowhere_where_one_target_cannot_go_along() {
    let (proxies, _members) = twins();
    // The guard of one: nobody else would take new sessions there.
    proxies[1].edit("app", "b", r#"{"disabled":true}"#);
    let ended = roll(&proxies, "--until idle --only a", "exit 1");
    assert_eq!(ended.code, Some(13), "{ended:#?}");
    assert!(
        ended.err.contains("--min-available wants 1") && ended.err.contains("the roll stopped in"),
        "{ended:#?}"
    );
    assert_eq!(statuses(&proxies, "a"), ["Init Ok", "Init Ok"], "nowhere was it drained");
    proxies[1].edit("app", "b", r#"{"disabled":false}"#);
    // The command fails: it is left draining in both.
    roll(&proxies, "--until idle", "exit 3").with_code(1);
    assert_eq!(statuses(&proxies, "a"), ["Init Drn Ok", "Init Drn Ok"]);
    assert_eq!(statuses(&proxies, "b"), ["Init Ok", "Init Ok"]);
    proxies[1].kill();
    let ended = roll(&proxies, "--until idle", "exit 0");
    assert_eq!(ended.code, Some(6), "{ended:#?}");
    assert!(ended.err.contains("nothing was done"), "{ended:#?}");
}

#[test]
fn a_command_that_waited_for_another_target_in_vain_is_told_as_not_run() {
    let (proxies, members) = twins();
    let held = Held::by(&proxies[1], &members[0]);
    let home = folder();
    let file = home.path().join("notes");
    let script = notes(&proxies, &file);
    let ended = roll(&proxies, "--until idle --only a --timeout 1s", &script);
    assert_eq!(ended.code, Some(13), "{ended:#?}");
    let told = |what: &str| ended.out.contains(what) || ended.err.contains(what);
    assert!(told("Init Drn Ok: drained, the command was not run; "), "{ended:#?}");
    assert!(!told("the command failed") && !told("running the command"), "{ended:#?}");
    assert!(!file.exists(), "{ended:#?}");
    held.answer();
    // A proxy that only lets look can drain nobody: nothing is begun anywhere.
    proxies[0].edit("app", "a", r#"{"drain":false}"#);
    let look = path(&proxies[1].run_folder().join("read.sock"));
    let line = ["--socket", &path(&proxies[0].run_folder()), "--socket", &look, "roll", "app", "--", "true"];
    let refused = run(&evenkeel(), line.map(str::to_owned)).with_code(9);
    assert!(
        refused.err.contains("only lets look") && refused.err.contains("nothing was done"),
        "{refused:#?}"
    );
    assert_eq!(statuses(&proxies, "a")[0], "Init Ok");
}
