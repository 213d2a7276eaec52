//! The console opens locked; what opens it, what closes it, and how many keys a drain takes.

use harness::prelude::*;
use harness::terminal::console_with;

use crate::pair;

/// A locked console, once it shows its members.
#[track_caller]
fn locked(proxy: &Proxy) -> Terminal {
    let terminal = console(proxy).open();
    terminal.wait_for("Init Ok");
    terminal
}

#[test]
fn a_locked_console_changes_nothing_and_says_how_to_unlock_it() {
    let (proxy, _backends) = pair();
    let terminal = locked(&proxy);
    terminal.wait_for("LOCKED");
    for key in ["d", "D", "S", "E", "H", "R", "e", "u"] {
        terminal.keys(key);
        terminal.wait_for("press L");
        // A yes to a question that there is not does nothing; Esc takes the line away.
        terminal.keys("n<esc>");
        terminal.wait_gone("press L");
    }
    terminal.keys(":drain app/a<enter>");
    terminal.wait_for("press L");
    terminal.keys("<enter>d");
    terminal.wait_for("locked: nothing but the first is done");
    assert_eq!(proxy.admin().events(0).len(), 1);
}

#[test]
fn from_launch_to_a_confirmed_drain_it_takes_four_keys() {
    let (proxy, _backends) = pair();
    let terminal = locked(&proxy);
    let mut keys = 0;
    for (key, shown) in
        [("L", "Open for changes?"), ("y", "ARMED"), ("d", "Drain app/a?"), ("y", "Init Drn Ok")]
    {
        terminal.keys(key);
        terminal.wait_for(shown);
        keys += 1;
    }
    assert!(keys <= 6);
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
}

#[test]
fn unlocking_names_the_proxy_and_needs_a_yes() {
    let (proxy, _backends) = pair();
    let terminal = locked(&proxy);
    terminal.keys("L");
    let asked = terminal.wait_for("Open for changes?");
    let pid = proxy.snapshot().proxy.pid;
    assert!(asked.contains(&format!("process {pid}")), "{asked}");
    assert!(asked.contains(&proxy.address().to_string()), "{asked}");
    assert!(asked.contains("admin.sock"), "{asked}");
    terminal.keys("<enter>x");
    terminal.settled();
    terminal.keys("n");
    terminal.wait_gone("Open for changes?");
    terminal.wait_for("LOCKED");
    terminal.keys("L");
    terminal.wait_for("Open for changes?");
    terminal.keys("y");
    terminal.wait_for("ARMED");
    terminal.keys("L");
    terminal.wait_for("LOCKED");
}

#[test]
fn an_idle_console_locks_itself_but_not_under_a_question() {
    let (proxy, _backends) = pair();
    let socket = proxy.admin().socket().to_string_lossy().into_owned();
    let terminal = console_with(&["--write", "--lock-after", "1s", "--socket", &socket]).open();
    terminal.wait_for("LOCKED");
    terminal.keys("L");
    terminal.wait_for("Open for changes?");
    // At once: on a busy machine it locks itself again before a key that follows what it shows.
    terminal.keys("yD");
    terminal.wait_for("Disable app/a?");
    let busy = proxy.snapshot().taken;
    eventually_true("three seconds pass", || proxy.snapshot().taken.since(busy).as_secs() >= 3);
    terminal.wait_for("ARMED");
    terminal.keys("y");
    terminal.wait_for("Init Dis");
    terminal.wait_for("LOCKED");
}

#[test]
fn options_of_the_screen_are_refused_beside_a_command() {
    let ended = run(&evenkeel(), ["--write", "status"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("for the screen"), "{}", ended.err);
}
