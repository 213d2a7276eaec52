//! The demo: the whole system in one command.

use evenkeel_protocol::Snapshot;
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
    let terminal = console_with(&["demo"]).size(120, 36).open();
    let frame = terminal.wait_for("Init Ok");
    assert!(frame.contains("byrequests"), "{frame}");
    // Its socket is found like that of any other proxy: by the words on the screen, or by looking.
    let proxies = run(&evenkeel(), ["proxies"]);
    let pid = terminal.pid();
    let socket =
        proxies.out.split_whitespace().find(|word| word.contains("demo") || word.contains(&pid.to_string()));
    if let Some(socket) = socket {
        let seen = run(&evenkeel(), ["--socket", socket, "status", "--json"]);
        if seen.code == Some(0) {
            let snapshot: Snapshot = serde_json::from_str(&seen.out).unwrap();
            assert!(snapshot.balancers.len() >= 2);
        }
    }
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
}
