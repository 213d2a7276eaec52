//! Two proxies before the same members, seen and steered together: by commands, and on one screen.

mod rolling;

use std::fs;
use std::path::Path;
use std::process::Command;

use harness::prelude::*;
use harness::terminal::console_with;
use rustix::process::Signal;
use serde_json::Value;

/// Two proxies with the same two members, and these.
fn twins() -> ([Proxy; 2], [Backend; 2]) {
    let members = backends(["a", "b"]);
    let proxies = [(), ()].map(|()| {
        let [a, b] = &members;
        proxy(serving([format!("{a} route=a"), format!("{b} route=b")]))
    });
    (proxies, members)
}

fn sockets(proxies: &[Proxy; 2]) -> Vec<String> {
    let socket = |proxy: &Proxy| ["--socket".to_owned(), proxy.run_folder().to_string_lossy().into_owned()];
    proxies.iter().flat_map(socket).collect()
}

fn words(proxies: &[Proxy; 2], line: &str) -> Vec<String> {
    sockets(proxies).into_iter().chain(line.split(' ').map(str::to_owned)).collect()
}

fn command(proxies: &[Proxy; 2], line: &str) -> Ended {
    run(&evenkeel(), words(proxies, line))
}

fn statuses(proxies: &[Proxy; 2], member: &str) -> [String; 2] {
    [0, 1].map(|at: usize| proxies[at].member("app", member).words)
}

#[test]
fn a_drain_of_a_member_is_one_in_each_and_safe_to_repeat() {
    let (proxies, _members) = twins();
    for changed in [true, false] {
        let ended = command(&proxies, "drain app/a --reason deploy").with_code(0);
        let told = if changed { ": drain Off -> On" } else { ": unchanged, it is so already" };
        assert_eq!(ended.out.lines().filter(|line| line.contains(told)).count(), 2, "{ended:#?}");
        assert_eq!(statuses(&proxies, "a"), ["Init Drn Ok", "Init Drn Ok"]);
    }
    command(&proxies, "drain app/a --wait --settle 100ms --until idle").with_code(0);
    command(&proxies, "undrain app/a").with_code(0);
    assert_eq!(statuses(&proxies, "a"), ["Init Ok", "Init Ok"]);
    command(&proxies, "set app/a lbfactor=3").with_code(0);
    command(&proxies, "set app timeout=3").with_code(0);
    let dry = command(&proxies, "disable app/b --dry-run").with_code(0);
    assert_eq!(dry.out.matches("it would change disabled Off -> On").count(), 2, "{dry:#?}");
    assert_eq!(statuses(&proxies, "b"), ["Init Ok", "Init Ok"]);
}

#[test]
fn what_fails_in_one_is_done_in_the_other_and_can_be_run_again() {
    let (mut proxies, _members) = twins();
    proxies[1].kill();
    let ended = command(&proxies, "drain app/a").with_code(13);
    assert_eq!(ended.out.lines().count(), 1, "{ended:#?}");
    assert!(ended.err.contains("done in 1 of 2 targets"), "{ended:#?}");
    assert_eq!(proxies[0].member("app", "a").words, "Init Drn Ok", "nothing is taken back");
    let status = command(&proxies, "status").with_code(13).out;
    assert!(status.contains("Init Drn Ok") && status.contains("no longer runs"), "{status}");
    proxies[1].restart();
    command(&proxies, "drain app/a").with_code(0);
    assert_eq!(statuses(&proxies, "a"), ["Init Drn Ok", "Init Drn Ok"]);
    // A guard of one proxy is its own.
    proxies[0].edit("app", "b", r#"{"disabled":true}"#);
    proxies[1].edit("app", "a", r#"{"drain":false}"#);
    let ended = command(&proxies, "disable app/a").with_code(13);
    assert!(ended.err.contains("done in 1 of 2 targets"), "{ended:#?}");
    assert_eq!(statuses(&proxies, "a"), ["Init Drn Ok", "Init Dis"]);
}

#[test]
fn one_that_goes_away_while_a_drain_is_waited_for_holds_up_no_other() {
    let (mut proxies, [a, _b]) = twins();
    let held = Held::by(&proxies[0], &a);
    let line = words(&proxies, "drain app/a --wait --until idle --settle 100ms");
    let waiting = Running::start(&evenkeel(), line);
    waiting.says("app/a: 1 request is in flight");
    eventually_equal(&"Init Drn Ok".to_owned(), || proxies[1].member("app", "a").words);
    proxies[0].kill();
    waiting.says("the proxy is gone");
    proxies[0].restart();
    // Its proxy was killed under it.
    held.finish();
    let ended = waiting.ended();
    assert_eq!(ended.out.lines().count(), 2, "{ended:#?}");
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}

#[test]
fn a_group_of_the_configuration_file_is_a_fleet() {
    let (proxies, _members) = twins();
    let home = folder();
    let file = home.path().join("evenkeel/config.toml");
    fs::create_dir(home.path().join("evenkeel")).unwrap();
    let [one, two] = proxies.each_ref().map(|proxy| proxy.run_folder().display().to_string());
    let grouped = |line: &str, text: &str| {
        fs::write(&file, text).unwrap();
        let mut command = Command::new(evenkeel());
        finish(command.args(line.split(' ')).env("XDG_CONFIG_HOME", home.path()), "")
    };
    let text = format!("[group.web]\ntargets = [\"{one}\", \"{two}\"]\n");
    let shown: Value =
        serde_json::from_str(&grouped("--group web drain app/a --json", &text).with_code(0).out).unwrap();
    for target in [&one, &two] {
        let of = &shown["targets"][target];
        assert_eq!((&of["exit"], &of["result"]["changed"]), (&0.into(), &true.into()), "{shown}");
    }
    let unknown = grouped("--group api status", &text).with_code(2).err;
    assert!(unknown.contains("there is no group 'api'; those are web"), "{unknown}");
    let misspelt = grouped("--group web status", &format!("{text}target = 1\n")).with_code(2).err;
    assert!(misspelt.contains("config.toml:3: unknown field `target`"), "{misspelt}");
    let scattered = format!("--socket {one} status --socket {two}");
    assert!(grouped(&scattered, &text).with_code(2).err.contains("all in one place"));
}

/// The screen on both, open for changes.
fn opened(proxies: &[Proxy; 2]) -> Terminal {
    let arguments = sockets(proxies);
    let arguments: Vec<&str> =
        std::iter::once("--write").chain(arguments.iter().map(String::as_str)).collect();
    let terminal = console_with(&arguments).size(120, 36).open();
    terminal.wait_for("all 2 targets answer");
    terminal
}

#[test]
fn one_confirmed_act_drains_a_member_in_both() {
    let (proxies, _members) = twins();
    let terminal = opened(&proxies);
    terminal.wait_for("app/a");
    terminal.keys("jjd");
    terminal.wait_for("Drain app/a in all 2 targets?");
    terminal.wait_for(" drain app/a");
    assert_eq!(statuses(&proxies, "a"), ["Init Ok", "Init Ok"]);
    terminal.keys("y");
    terminal.wait_for("done in all 2 targets that have it");
    assert_eq!(statuses(&proxies, "a"), ["Init Drn Ok", "Init Drn Ok"]);
    terminal.keys("<esc>");
    terminal.wait_until("both show it", |frame| frame.to_string().matches("◐ Drn Ok").count() == 2);
    terminal.keys("d");
    terminal.wait_for("app/a in all 2 targets?");
    terminal.keys("y");
    eventually_equal(&["Init Ok", "Init Ok"].map(str::to_owned), || statuses(&proxies, "a"));
    // Into one, and back.
    terminal.keys("<esc>g<enter>");
    terminal.wait_for("F fleet ▸");
    terminal.keys("F");
    terminal.wait_for("Members of all targets");
}

#[test]
fn a_member_that_was_added_in_all_is_removed_in_all_that_let_it_go() {
    let (proxies, _members) = twins();
    let [c] = backends(["c"]);
    command(&proxies, &format!("add app {c} route=c lbfactor=2")).with_code(0);
    assert_eq!(statuses(&proxies, "c"), ["Init Dis", "Init Dis"]);
    let members = || [0, 1].map(|at: usize| proxies[at].balancer("app").members.len());
    let terminal = opened(&proxies);
    terminal.wait_for("app/c");
    terminal.keys("i");
    terminal.wait_for("add BALANCER URL");
    terminal.keys("<esc>jjjjX");
    terminal.wait_for("Remove app/c in all 2 targets?");
    terminal.wait_for("remove app/c");
    assert_eq!(members(), [3, 3]);
    terminal.keys("y");
    terminal.wait_for("done in all 2 targets that have it");
    assert_eq!(members(), [2, 2]);
    // From the results it comes back in both, by the change that each has numbered.
    // Asked before both have shown that it is gone, it would be for one of them.
    terminal.wait_gone("1 Dis");
    terminal.keys("u");
    terminal.wait_for("Undo the removal of app/c in all 2 targets?");
    terminal.wait_for(" undo ");
    terminal.keys("y");
    terminal.wait_for("done in all 2 targets where it was made");
    assert_eq!(members(), [3, 3]);
    // Who stands in the configuration stays in both.
    terminal.keys("<esc>ggjjX");
    terminal.wait_for("the proxy refuses it: NOT done there");
    // Nobody would do it, so that there is nothing to say yes to.
    terminal.keys("all<enter>y<esc>");
    terminal.wait_gone("Remove app/");
    assert_eq!(members(), [3, 3]);
}

#[test]
fn one_that_was_killed_freezes_nothing_and_a_partial_act_stays_in_sight() {
    let (mut proxies, _members) = twins();
    let terminal = opened(&proxies);
    proxies[1].kill();
    terminal.wait_for("1 of 2 targets do NOT answer");
    terminal.keys("jjd");
    terminal.wait_for("Drain app/a in 1 of 2 targets?");
    terminal.wait_for("NOT asked there");
    terminal.keys("y");
    terminal.wait_for("done in ONLY 1 of 2 targets");
    terminal.wait_for("NOT done: does not answer");
    assert_eq!(proxies[0].member("app", "a").words, "Init Drn Ok");
    terminal.keys("<esc>");
    terminal.wait_for("done in ONLY 1 of 2 targets");
    proxies[1].restart();
    terminal.wait_for("all 2 targets answer");
    terminal.keys("d");
    terminal.wait_for("Drain app/a in 1 target?");
    terminal.wait_for("is so already");
    terminal.keys("y");
    terminal.wait_for("done in all 2 targets");
    assert_eq!(statuses(&proxies, "a"), ["Init Drn Ok", "Init Drn Ok"]);
    terminal.keys("<esc>");
    terminal.wait_gone("ONLY 1 of 2");
}

#[test]
fn what_was_done_in_one_only_is_told_until_a_shell_has_done_the_rest() {
    let (mut proxies, _members) = twins();
    let terminal = opened(&proxies);
    proxies[1].kill();
    terminal.wait_for("1 of 2 targets do NOT answer");
    terminal.keys("jjH");
    terminal.wait_for("app/a in 1 of 2 targets?");
    terminal.keys("y");
    terminal.wait_for("NOT done: does not answer");
    terminal.keys("<esc>");
    terminal.wait_for("ONLY 1 of 2 targets (r shows each");
    proxies[1].restart();
    command(&proxies, "standby app/a").with_code(0);
    terminal.wait_gone("ONLY 1 of 2");
    // By hand it is taken back in one of them, which is news; Esc has read it.
    proxies[0].edit("app", "a", r#"{"standby":false}"#);
    terminal.wait_for("holds in ONLY 1 of 2 targets");
    terminal.keys("r");
    terminal.wait_for("it was done, and is so no more; now: Init Ok");
    // First of the results and of what else is told, and then of this.
    eventually_true("it was read", || {
        terminal.keys("<esc>");
        !terminal.frame().to_string().contains("ONLY 1 of 2")
    });
}

#[test]
fn an_undo_names_the_command_for_one_that_was_restarted_since() {
    let (mut proxies, _members) = twins();
    let terminal = opened(&proxies);
    terminal.wait_for("app/a");
    terminal.keys("jjD");
    terminal.wait_for("Disable app/a in all 2 targets?");
    terminal.keys("y");
    terminal.wait_for("done in all 2 targets that have it");
    terminal.keys("<esc>");
    proxies[1].kill();
    terminal.wait_for("1 of 2 targets do NOT answer");
    proxies[1].restart();
    terminal.wait_for("all 2 targets answer");
    terminal.keys("u");
    terminal.wait_for("Undo the change of app/a in 1 of 2 targets?");
    terminal.wait_for("restarted since; `evenkeel --socket ");
    terminal.keys("y");
    terminal.wait_for("done in ONLY 1 of 2 targets");
    let flat = terminal.frame().to_string().replace('│', " ");
    let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
    let number = flat.split(" undo ").find_map(|rest| rest.split_once("` takes it back there")).unwrap().0;
    let socket = path(&proxies[1].run_folder());
    run(&evenkeel(), ["--socket", &socket, "undo", number]).with_code(0);
    terminal.wait_for("it is so now (Init Ok)");
    assert_eq!(statuses(&proxies, "a"), ["Init Ok", "Init Ok"]);
}

#[test]
fn a_drain_in_both_has_terms_that_are_written_once() {
    let (proxies, _members) = twins();
    let terminal = opened(&proxies);
    terminal.wait_for("app/a");
    terminal.keys("jjd");
    terminal.wait_for("Tab terms");
    terminal.keys("<tab>");
    terminal.wait_for("Terms of the drain of app/a in all targets");
    terminal.keys("<tab><c-u>9m<tab>s<tab><tab>deploy<enter>");
    terminal.wait_for("--timeout 9m --on-timeout stop --reason deploy");
    terminal.keys("y");
    terminal.wait_for("done in all 2 targets that have it");
    terminal.wait_for("its row in the list of members tells when it can be stopped");
    for proxy in &proxies {
        let [drain] = proxy.snapshot().drains.try_into().unwrap();
        let terms = (drain.timeout.to_string(), drain.on_timeout.name(), drain.reason.as_deref());
        assert_eq!(terms, ("9m".to_owned(), "stop", Some("deploy")));
    }
}

#[test]
fn one_that_hangs_holds_up_nobody() {
    let (proxies, _members) = twins();
    let terminal = opened(&proxies);
    signal(proxies[1].pid(), Signal::STOP);
    terminal.wait_for("1 of 2 targets do NOT answer");
    terminal.keys("jjjD");
    terminal.wait_for("Disable app/b in ");
    terminal.keys("y");
    eventually_equal(&"Init Dis".to_owned(), || proxies[0].member("app", "b").words);
    terminal.wait_for("done in ONLY 1 of 2 targets");
    let ended = command(&proxies, "enable app/b").with_code(13);
    assert!(ended.out.contains("cleared disabled") && ended.err.contains("no answer within"), "{ended:#?}");
    signal(proxies[1].pid(), Signal::CONT);
    terminal.wait_for("all 2 targets answer");
}

#[test]
fn a_socket_that_only_lets_look_is_called_as_its_proxy_and_left_out() {
    let (proxies, _members) = twins();
    let look = path(&proxies[1].run_folder().join("read.sock"));
    let arguments = ["--write", "--socket", &path(&proxies[0].run_folder()), "--socket", &look];
    let terminal = console_with(&arguments).size(120, 36).open();
    terminal.wait_for("all 2 targets answer");
    assert!(!terminal.frame().to_string().contains("read.sock  "), "{}", terminal.frame());
    terminal.keys("jjD");
    terminal.wait_for("Disable app/a in 1 of 2 targets?");
    terminal.wait_for("read-only socket; admin.sock beside it lets change: NOT asked there");
    terminal.keys("y");
    terminal.wait_for("NOT done then: read-only socket");
    eventually_equal(&["Init Dis", "Init Ok"].map(str::to_owned), || statuses(&proxies, "a"));
}

#[test]
fn an_undo_of_a_drain_says_that_its_deadline_has_stopped_the_member() {
    let (proxies, _members) = twins();
    let terminal = opened(&proxies);
    terminal.wait_for("app/a");
    terminal.keys("jjd");
    terminal.wait_for("Tab terms");
    terminal.keys("<tab><tab><c-u>1s<tab>s<enter>");
    terminal.wait_for("--timeout 1s --on-timeout stop");
    terminal.keys("y");
    terminal.wait_for("app/a was stopped at the deadline of its drain; now: Init Drn Stop");
    terminal.wait_until("both have", |frame| frame.to_string().matches("now: Init Drn Stop").count() == 2);
    terminal.keys("<esc>u");
    terminal.wait_for("It is not as before then: the deadline of its drain has stopped it (S)");
    terminal.keys("y");
    terminal.wait_for("done in all 2 targets where it was made");
    terminal.wait_for("stays: E clears it");
    assert_eq!(statuses(&proxies, "a"), ["Init Stop", "Init Stop"]);
    terminal.keys("<esc>");
    terminal.wait_until("both show it", |frame| frame.to_string().matches("■ Stop").count() == 2);
    terminal.keys("E");
    terminal.wait_for("Enable app/a in all 2 targets?");
    terminal.keys("y");
    eventually_equal(&["Init Ok", "Init Ok"].map(str::to_owned), || statuses(&proxies, "a"));
}

#[test]
fn a_fleet_opens_while_a_target_is_not_there_yet() {
    let (proxies, _members) = twins();
    let home = folder();
    let missing = home.path().join("later");
    let arguments = ["--socket", &path(&proxies[0].run_folder()), "--socket", &path(&missing)];
    let terminal = console_with(&arguments).open();
    terminal.wait_for("1 of 2 targets do NOT answer");
    terminal.wait_for("later");
    terminal.wait_for("app/a");
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
    eventually_equal(&Vec::<String>::new(), || terminal.left_behind());
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
