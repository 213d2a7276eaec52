//! The demo: the whole system in one command.

use std::fs;
use std::path::Path;

use evenkeel_protocol::place::{ADMIN_SOCKET, runtime_folder};
use evenkeel_protocol::{Call, Hello, Snapshot};
use harness::prelude::*;
use harness::terminal::console_with;

#[test]
fn without_a_terminal_it_prints_a_status_table_and_ends() {
    let ended = run(&evenkeel(), ["demo"]).with_code(0);
    assert!(ended.out.matches("balancer://").count() >= 2, "{}", ended.out);
    let served: u64 = ended
        .out
        .lines()
        .filter(|line| line.starts_with("http://"))
        .filter_map(|line| {
            line.split_whitespace().find_map(|word| word.parse::<u64>().ok().filter(|number| *number > 3))
        })
        .sum();
    assert!(served > 10, "no traffic went through\n{}", ended.out);
}

#[test]
fn in_a_terminal_it_is_the_console_on_live_traffic_and_others_may_attach() {
    let home = folder();
    let terminal = console_with(&["demo", "--write"]).size(120, 36);
    let terminal = terminal.environment("TMPDIR", &home.path().to_string_lossy()).open();
    let frame = terminal.wait_for("Init Ok");
    assert!(frame.contains("byrequests"), "{frame}");
    let admin = eventually("its admin socket answers", || socket_of(terminal.pid(), home.path()));

    let snapshot: Snapshot = admin.get(&Call::Snapshot);
    assert!(snapshot.balancers.len() >= 2);
    let first = &snapshot.balancers[0].members[0];
    let name = first.name.to_string();
    // The same member with the same number on the screen and for whoever attaches.
    eventually_true("the screen shows what the socket tells", || {
        let elected = admin.get::<Snapshot>(&Call::Snapshot).balancers[0].members[0].elected;
        let shown = terminal.frame().line_with(&name).unwrap_or_default();
        elected > first.elected && shown.split_whitespace().any(|word| word == elected.to_string())
    });
    let seen =
        run(&evenkeel(), ["--socket".as_ref(), admin.socket().as_os_str(), "status".as_ref()]).with_code(0);
    assert!(seen.out.contains(&name), "{}", seen.out);

    // Another proxy of this machine is not meant by a command of the demo.
    terminal.keys("d");
    terminal.wait_for("$ evenkeel --socket ");
    terminal.keys("<esc>");
    terminal.wait_gone("$ evenkeel");

    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
    eventually_equal(&Vec::<String>::new(), || terminal.left_behind());
    assert!(!admin.socket().exists(), "the demo left its socket behind");
}

/// The admin socket that this process has opened, below a folder or where proxies put theirs.
fn socket_of(pid: u32, below: &Path) -> Option<Admin> {
    let usual = runtime_folder(rustix::process::geteuid().as_raw(), Some(below));
    let folders = [below, &usual].into_iter().filter_map(|folder| fs::read_dir(folder).ok());
    folders.flatten().flatten().map(|entry| Admin::at(&entry.path().join(ADMIN_SOCKET))).find(|admin| {
        let told = admin.try_ask("GET", "/v1", "").ok();
        told.and_then(|told| serde_json::from_str::<Hello>(&told.body).ok())
            .is_some_and(|hello| hello.pid == pid)
    })
}
