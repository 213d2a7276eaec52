//! Fast hands: undo, marks, the palette, the filter, copying, the mouse; and what strangers may send.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use harness::prelude::*;
use harness::terminal::{console_with, foreign_sequences};

use crate::{opened, pair, shows_command};

#[test]
fn a_change_is_undone_by_one_key_and_a_yes() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("d");
    terminal.wait_for("Drain app/a?");
    terminal.keys("y");
    let done = terminal.wait_for("app/a is draining");
    assert!(done.contains("u undoes"), "{done}");
    assert!(shows_command(&done, &proxy, "drain app/a --until no-sessions"), "{done}");
    terminal.keys("y");
    let copied = terminal.wait_for("copied: ");
    assert!(shows_command(&copied, &proxy, "drain app/a --until no-sessions"), "{copied}");
    terminal.wait_for("Init Drn Ok");
    terminal.keys("u");
    terminal.wait_for("Undo the change of app/a?");
    terminal.keys("<enter>");
    terminal.wait_gone("Drn Ok");
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
}

#[test]
fn a_proxy_that_a_variable_names_is_named_in_commands_too() {
    let (proxy, _backends) = pair();
    let socket = proxy.admin().socket().to_string_lossy().into_owned();
    let terminal = console_with(&["--write"]).environment("EVENKEEL_SOCKET", &socket).open();
    terminal.wait_for("Init Ok");
    terminal.keys("d");
    // Pasted into a shell without the variable it must not reach another one.
    let asked = terminal.wait_for("Drain app/a?");
    assert!(shows_command(&asked, &proxy, "drain app/a --until no-sessions"), "{asked}");
}

#[test]
fn what_somebody_else_touched_is_not_undone() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("d");
    terminal.wait_for("Drain app/a?");
    terminal.keys("y");
    // Its answer may come behind what shows it, and can be taken back only then.
    terminal.wait_for("app/a is draining");
    terminal.wait_for("Init Drn Ok");
    // Another field is in nobody's way.
    proxy.edit("app", "a", r#"{"lbset":3}"#);
    terminal.wait_for("set    3");
    terminal.keys("u");
    let asked = terminal.wait_for("Undo the change of app/a?");
    assert!(!asked.contains("changed since you looked"), "{asked}");
    // The same one, also where it is as it was.
    proxy.edit("app", "a", r#"{"drain":false}"#);
    proxy.edit("app", "a", r#"{"drain":true}"#);
    let denied = terminal.wait_for("It cannot be taken back");
    assert!(denied.contains("it was touched since"), "{denied}");
    terminal.keys("y");
    terminal.settled();
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
}

#[test]
fn marked_members_are_changed_one_after_another_with_a_line_for_each() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("  ");
    terminal.wait_for("2 marked");
    terminal.keys("D");
    terminal.wait_for("Disable 2 members?");
    // The last ones are not taken by a yes.
    terminal.keys("y<enter>");
    terminal.settled();
    assert_eq!(proxy.admin().events(0).len(), 1);
    terminal.keys("<backspace>all<enter>");
    let shown = terminal.wait_for("2 done");
    assert!(shown.contains("app/a is disabled") && shown.contains("app/b is disabled"), "{shown}");
    assert_eq!(proxy.member("app", "b").words, "Init Dis");
}

#[test]
fn the_palette_speaks_the_language_of_the_command_line() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys(":dr<tab>b");
    terminal.wait_for("app/b");
    terminal.keys("<tab>--reason 'deploy 42'<enter>");
    let asked = terminal.wait_for("Drain app/b?");
    let line = "drain app/b --until no-sessions --reason 'deploy 42'";
    assert!(shows_command(&asked, &proxy, line), "{asked}");
    terminal.keys("y");
    terminal.wait_for("◐ Drn Ok");
    terminal.keys(":<up>");
    terminal.wait_for(":drain app/b --reason");
    terminal.keys("<esc>");
    terminal.wait_gone(":drain app/b");
    terminal.keys(":nonsense<enter>");
    terminal.wait_for("there is no command 'nonsense'");
    terminal.wait_for(":nonsense");
    terminal.keys("<esc>");
    terminal.wait_gone(":nonsense");
    terminal.paste("y");
    terminal.keys(":set app/a lbfactor=3 route=z<enter>");
    terminal.wait_for("Change app/a?");
    terminal.keys("y");
    eventually_equal(&"z".to_owned(), || proxy.balancer("app").members[0].route.to_string());
}

#[test]
fn a_filter_says_how_many_it_hides_and_what_is_wrong_with_it() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("/route=b<enter>");
    terminal.wait_for("1 hidden");
    terminal.keys("/<c-u>busy>many");
    terminal.wait_for("'many' is no number");
    terminal.keys("<esc>");
    terminal.wait_for("1 hidden");
    terminal.keys("<esc>");
    terminal.wait_gone("1 hidden");
    terminal.keys("p");
    terminal.wait_for("Every member is well");
    proxy.edit("app", "b", r#"{"stopped":true}"#);
    terminal.wait_for("1 degraded");
}

#[test]
fn a_key_that_comes_together_with_an_esc_counts_as_well() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("?");
    terminal.wait_for("Change members");
    terminal.write(b"\x1b:set app/a lbset=7\r");
    terminal.wait_for("Change app/a?");
    terminal.write(b"\x1b:set app/b lbset=8\r");
    terminal.wait_for("Change app/b?");
    terminal.keys("y");
    eventually_equal(&8, || proxy.balancer("app").members[1].lbset.get());
    assert_eq!(proxy.balancer("app").members[0].lbset.get(), 0);
}

#[test]
fn what_is_copied_goes_to_the_clipboard_of_the_terminal() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("y");
    terminal.wait_for("copied: app/a");
    let output = String::from_utf8_lossy(&terminal.output()).into_owned();
    assert!(output.contains("\x1b]52;c;YXBwL2E=\x07"), "{:?}", &output[output.len().saturating_sub(300)..]);
}

#[test]
fn the_mouse_is_the_terminals_until_it_is_asked_for() {
    let (proxy, [_, b]) = pair();
    let terminal = opened(&proxy);
    assert!(!String::from_utf8_lossy(&terminal.output()).contains("\x1b[?1000h"));
    terminal.keys("M");
    terminal.wait_for("the console has the mouse");
    let frame = terminal.frame();
    let row = (0..24).find(|row| frame.row(*row).contains(&b.to_string()[7..])).unwrap();
    terminal.write(format!("\x1b[<0;10;{}M", row + 1).as_bytes());
    terminal.wait_for("─ app/b ─");
    terminal.keys("q");
    terminal.ended();
    eventually_equal(&Vec::<String>::new(), || terminal.left_behind());
}

#[test]
fn a_paste_into_the_palette_is_text_and_runs_nothing() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys(":");
    terminal.paste("drain app/a\r\ny\u{1b}[31m\u{9b}2J");
    terminal.wait_for(":drain app/ay[31m");
    terminal.keys("<esc>");
    assert_eq!(proxy.admin().events(0).len(), 1);
    assert_eq!(foreign_sequences(&terminal.output()), Vec::<String>::new());
}

/// Sets and moves the cursor, takes the clipboard, turns text round, in C0, C1 and Unicode.
const EVIL: &str = "x\u{1b}]52;c;AAAA\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\u{2028}y";

/// Answers on `socket` as a proxy would whose every free text a stranger wrote.
fn hostile(socket: &std::path::Path, snapshot: serde_json::Value) {
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let snapshot = snapshot.to_string();
            thread::spawn(move || serve(stream, &snapshot));
        }
    });
}

fn serve(mut stream: UnixStream, snapshot: &str) -> Option<()> {
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    reader.read_line(&mut request).ok()?;
    while reader.read_line(&mut String::new()).ok()? > 2 {}
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    if request.contains("/events") {
        let reason = serde_json::json!(EVIL);
        let line = format!(
            "{{\"number\":1,\"at\":1767355200000000,\"event\":\"reload_refused\",\"reason\":{reason},\"by\":null}}\n"
        );
        write!(stream, "{head}\r\n{line}").ok()?;
        // The stream stays open until the console goes.
        stream.read_exact(&mut [0]).ok()?;
    } else {
        write!(stream, "{head}Content-Length: {}\r\nConnection: close\r\n\r\n{snapshot}", snapshot.len())
            .ok()?;
    }
    Some(())
}

#[test]
fn nothing_that_a_stranger_wrote_drives_the_terminal() {
    let (proxy, _backends) = pair();
    let mut snapshot = serde_json::to_value(proxy.snapshot()).unwrap();
    for field in ["product", "version", "configuration"] {
        snapshot["proxy"][field] = EVIL.into();
    }
    snapshot["proxy"]["listen"] = serde_json::json!([EVIL]);
    let balancer = &mut snapshot["balancers"][0];
    balancer["paths"] = serde_json::json!([EVIL.repeat(700)]);
    balancer["members"][0]["words"] = EVIL.into();
    let error = serde_json::json!({"reason": EVIL.repeat(700), "at": 1, "retry_at": null});
    balancer["members"][1]["error"] = error;
    let home = folder();
    let socket = home.path().join("admin.sock");
    hostile(&socket, snapshot);
    let terminal = console_with(&["--write", "--socket", &socket.to_string_lossy()]).size(120, 36).open();
    terminal.wait_for("byrequests");
    for keys in ["j", "L", "L", "<esc>", ":", "<esc>", "<enter>", "<esc>", "d", "<esc>", "z", "<esc>", "2"] {
        terminal.keys(keys);
        terminal.settled();
    }
    terminal.wait_for("52;c;AAAA");
    terminal.settled();
    assert_eq!(foreign_sequences(&terminal.output()), Vec::<String>::new());
}

#[test]
fn a_terminal_that_vanishes_ends_the_console_within_a_second() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    let (proxy, _backends) = pair();
    let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(evenkeel());
    command.args(["--socket", &proxy.admin().socket().to_string_lossy()]);
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains("Init Ok") {
        let length = reader.read(&mut buffer).unwrap();
        assert!(length > 0, "it ended");
        seen.extend_from_slice(&buffer[..length]);
    }
    drop(reader);
    drop(pair.master);
    let gone = proxy.snapshot().taken;
    eventually("it ends", || child.try_wait().unwrap());
    let took = proxy.snapshot().taken.since(gone);
    assert!(took.as_millis() < 1000, "{took:?}");
}
