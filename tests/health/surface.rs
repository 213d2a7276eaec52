//! Where operators see it: the command line and the screen.

use harness::prelude::*;

fn failed() -> (Proxy, Backend) {
    let a = Backend::new("a").that(Behaviour::Answers(Reply::status(500)));
    let proxy =
        proxy(serving([format!("{a} route=a hcmethod=GET hcinterval=100ms hcuri=/health hcpasses=2")]));
    eventually_equal(&"Init HcFl".to_owned(), || proxy.member("app", &a).words);
    (proxy, a)
}

fn told(proxy: &Proxy, arguments: &[&str]) -> String {
    let socket = proxy.admin().socket().to_string_lossy().into_owned();
    let all: Vec<&str> = ["--socket", &socket].into_iter().chain(arguments.iter().copied()).collect();
    let ended = run(&evenkeel(), all);
    format!("{}{}", ended.out, ended.err)
}

#[test]
fn the_command_line_shows_status_and_last_check_and_sets_its_values() {
    let (proxy, _a) = failed();
    let status = told(&proxy, &["status"]);
    assert!(status.contains("Init HcFl"), "{status}");
    assert!(status.contains("  health: failed 0 s ago in "), "{status}");
    assert!(
        status.contains(": answered 500; passes 2 (0), fails 1 (0); GET /health every 100 ms"),
        "{status}"
    );
    let events = told(&proxy, &["events"]);
    assert!(events.contains("failed its health check: answered 500"), "{events}");
    let set = told(&proxy, &["set", "app/a", "hcinterval=2s", "hcuri=/other"]);
    assert!(set.contains("hcinterval"), "{set}");
    let health = proxy.member("app", "a").health;
    assert_eq!((health.interval.millis(), health.uri.as_str()), (2000, "/other"));
}

#[test]
fn the_screen_shows_the_last_check_of_a_member() {
    let (proxy, _a) = failed();
    let terminal = console(&proxy).size(120, 36).open();
    terminal.wait_for("Init HcFl");
    terminal.wait_for("health   failed");
    terminal.wait_for("answered 500; passes 2 (0), fails 1 (0)");
}
