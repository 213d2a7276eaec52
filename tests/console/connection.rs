//! A proxy that goes away, comes back, or was never there.

use harness::prelude::*;
use harness::terminal::console_with;

use crate::{opened, pair};

#[test]
fn a_lost_proxy_is_said_and_found_again() {
    let (mut proxy, _backends) = pair();
    let terminal = opened(&proxy);
    proxy.kill();
    terminal.wait_until("it says that the proxy is lost", |frame| {
        frame.to_string().to_lowercase().contains("lost")
    });
    assert!(!terminal.has_ended());
    terminal.keys("d");
    let frame = terminal.settled();
    assert!(!frame.contains("Drain app/a?"), "asks about a proxy that is not there\n{frame}");
    proxy.restart();
    terminal.wait_until("it is found again", |frame| !frame.to_string().to_lowercase().contains("lost"));
    proxy.edit("app", "a", r#"{"drain":true}"#);
    terminal.wait_for("Init Drn Ok");
}

#[test]
fn no_proxy_is_told_on_the_command_line_and_not_on_a_screen() {
    let home = folder();
    let missing = home.path().join("admin.sock");
    let terminal = console_with(&["--socket", &missing.to_string_lossy()]).open();
    assert_eq!(terminal.ended(), 6);
    terminal.wait_for("admin.sock");
    eventually_equal(&Vec::<String>::new(), || terminal.left_behind());
}

#[test]
fn what_answers_but_is_no_proxy_is_told() {
    let home = folder();
    let socket = home.path().join("admin.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            drop(std::io::Write::write_all(&mut &stream, b"\x1b[2J\x1b]0;owned\x07 hello\r\n\r\n"));
        }
    });
    let ended = run(&evenkeel(), ["--socket".as_ref(), socket.as_os_str(), "status".as_ref()]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.err.chars().all(|c| c == '\n' || evenkeel_protocol::clean::is_clean(c)), "{:?}", ended.err);
}
