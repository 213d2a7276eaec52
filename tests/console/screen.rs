//! The terminal itself: sizes, colours, and what is left behind.

use harness::prelude::*;
use harness::terminal::{console_with, foreign_sequences};
use rustix::process::Signal;

use crate::{opened, pair, writing};

#[test]
fn eighty_columns_show_what_an_operator_needs() {
    let (proxy, [a, _b]) = pair();
    visits(&proxy, 10);
    let terminal = opened(&proxy);
    let frame = terminal.wait_for(&a.address().to_string());
    for wanted in ["app", "byrequests", "1.00", "Init Ok", "lected", "usy"] {
        assert!(frame.contains(wanted), "no {wanted}\n{frame}");
    }
    assert!(frame.contains("elected 5 "), "in the fields of the chosen member:\n{frame}");
}

#[test]
fn the_terminal_is_as_before_after_every_way_to_end() {
    for (name, end) in [
        ("q", None),
        ("<c-c>", None),
        ("TERM", Some(Signal::TERM)),
        ("HUP", Some(Signal::HUP)),
        ("INT", Some(Signal::INT)),
    ] {
        let (proxy, _backends) = pair();
        let terminal = opened(&proxy);
        assert!(!terminal.left_behind().is_empty(), "the console uses the terminal at all");
        match end {
            None => terminal.keys(name),
            Some(number) => terminal.signal(number),
        }
        let code = terminal.ended();
        eventually_equal(&Vec::<String>::new(), || terminal.left_behind());
        if end.is_none() {
            assert_eq!(code, 0, "{name}");
        }
        assert_eq!(foreign_sequences(&terminal.output()), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_can_be_read() {
    let terminal = console_with(&[]).program(&panicking().to_string_lossy()).open();
    assert_ne!(terminal.ended(), 0);
    eventually_equal(&Vec::<String>::new(), || terminal.left_behind());
    terminal.wait_for("on purpose");
    let output = String::from_utf8_lossy(&terminal.output()).into_owned();
    let (taken, told) = (output.find("\x1b[?1049h"), output.find("on purpose"));
    assert!(taken.is_some() && taken < told, "the terminal was taken before: {output:?}");
}

#[test]
fn tiny_terminals_are_served_and_sizes_may_change() {
    let (proxy, _backends) = pair();
    let terminal = writing(&proxy).size(20, 5).open();
    let tiny = terminal.wait_for("2 Ok");
    assert_eq!((tiny.columns(), tiny.rows.len()), (20, 5));
    terminal.keys("dy");
    terminal.settled();
    assert_eq!(proxy.admin().events(0).len(), 1, "no question can be read there, so none is answered");
    terminal.resize(80, 24);
    terminal.wait_for("Drain app/a?");
    terminal.keys("n");
    terminal.wait_gone("Drain app/a?");
    for (columns, rows) in [(80, 24), (1, 1), (120, 36), (40, 10), (250, 3), (3, 60), (80, 24)] {
        terminal.resize(columns, rows);
        terminal.settled();
        assert!(!terminal.has_ended(), "ended at {columns}x{rows}");
    }
    terminal.wait_for("Init Ok");
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn no_color_means_no_colour() {
    let (proxy, _backends) = pair();
    proxy.edit("app", "a", r#"{"drain":true}"#);
    let plain = console(&proxy).environment("NO_COLOR", "1").open();
    assert!(!plain.wait_for("Init Drn Ok").has_colour());
    let coloured = console(&proxy).open();
    coloured.wait_for("Init Drn Ok");
    coloured.wait_until("there are colours", harness::frame::Frame::has_colour);
}

#[test]
fn suspending_gives_the_terminal_back_and_resuming_takes_it_again() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("<c-z>");
    eventually_equal(&Vec::<String>::new(), || terminal.left_behind());
    terminal.signal(Signal::CONT);
    terminal.wait_for("Init Ok");
    terminal.keys("?");
    terminal.wait_for("Change members");
}

#[test]
fn a_screen_needs_a_terminal() {
    let (proxy, _backends) = pair();
    let ended = run(&evenkeel(), ["--socket".as_ref(), proxy.admin().socket().as_os_str()]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("terminal") && ended.err.contains("status"), "{}", ended.err);
}

#[test]
fn the_console_needs_little_memory() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.settled();
    assert!(rss(terminal.pid()) < 60_000, "{} KiB", rss(terminal.pid()));
}

#[test]
fn each_frame_is_one_update_of_the_terminal() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    for key in ["j", "k", "?", "<esc>"] {
        terminal.keys(key);
        terminal.settled();
    }
    terminal.keys("q");
    terminal.ended();
    let output = String::from_utf8_lossy(&terminal.output()).into_owned();
    let (begun, ended) = (output.matches("\u{1b}[?2026h").count(), output.matches("\u{1b}[?2026l").count());
    assert!(begun > 4, "{begun}");
    // Giving the terminal back ends an update too, whether one was open or not.
    assert!(ended == begun || ended == begun + 1, "{begun} begun, {ended} ended");
    let taken = output.find("\u{1b}[?2004h").unwrap();
    let first = output.find("\u{1b}[?2026h").unwrap();
    let drawn = output.find("balancer://app").unwrap();
    assert!(taken < first && first < drawn);
}

#[test]
fn themes_and_ascii_are_asked_for_by_name() {
    let (proxy, _backends) = pair();
    let socket = proxy.admin().socket().to_string_lossy().into_owned();
    let open = |options: &[&str]| {
        let terminal = console_with(&[options, &["--socket", &socket]].concat()).open();
        terminal.wait_for("Init Ok");
        (terminal.frame(), String::from_utf8_lossy(&terminal.output()).into_owned())
    };
    let (mono, _) = open(&["--theme", "mono", "--ascii"]);
    assert!(!mono.has_colour());
    assert!(mono.to_string().is_ascii(), "{mono}");
    let (_, light) = open(&["--theme", "light"]);
    assert!(light.contains("38;2;0;95;175"), "the accent for light backgrounds, exactly");
}
