//! A password that is typed: in a terminal that shows nothing of it, and that is as it was whatever ends the prompt.

use harness::terminal::console_with;
use rustix::process::Signal;

use super::doors::locked;
use super::*;

const PROMPT: &str = "Password of anna at 127.0.0.1:";

/// A shell that tells the process number of a command on that page, and how it ended.
fn asked(url: &str) -> (Terminal, u32) {
    let command = format!("exec '{}' --apache {url} --user anna status", evenkeel().display());
    let script = format!("sh -c 'echo process $$ here; {}'; echo ended with $?", command.replace('\'', "\""));
    let terminal = console_with(&["-c", &script]).program("sh").size(120, 24).open();
    let told = terminal.wait_for(PROMPT).to_string();
    let pid = told.split_once("process ").and_then(|(_, rest)| rest.split(' ').next()).unwrap();
    let pid = pid.parse().unwrap();
    (terminal, pid)
}

#[test]
fn what_is_typed_opens_the_page_and_is_not_shown() {
    let folder = folder();
    let Some((_page, url)) = locked(folder.path()) else { return };
    for (typed, code, says) in [
        ("secret<enter>", 0, "balancer://app"),
        ("wrong<c-u>secrex<backspace>t<enter>", 0, "balancer://app"),
        ("other<enter>", 5, "does not take that name and password"),
        ("<enter>", 2, "there is no password"),
    ] {
        let (terminal, _) = asked(&url);
        terminal.keys(typed);
        terminal.wait_for(says);
        terminal.wait_for(&format!("ended with {code}"));
        let output = String::from_utf8_lossy(&terminal.output()).into_owned();
        assert!(["secre", "wrong", "other"].iter().all(|typed| !output.contains(typed)), "{output}");
        terminal.ended();
        assert_eq!(terminal.left_behind(), [""; 0], "{typed}");
    }
}

#[test]
fn a_signal_at_the_prompt_ends_it_and_the_terminal_shows_again_what_is_typed() {
    for (what, signal_of, code) in [
        ("terminated", Some(Signal::TERM), 143),
        ("hung up", Some(Signal::HUP), 129),
        ("interrupted", Some(Signal::INT), 130),
        ("the key", None, 130),
    ] {
        let (terminal, pid) = asked("http://127.0.0.1:9");
        assert_ne!(terminal.left_behind(), [""; 0], "{what}: nothing is shown while it asks");
        terminal.keys("half a sec");
        match signal_of {
            Some(number) => signal(pid, number),
            None => terminal.keys("<c-c>"),
        }
        terminal.wait_for(&format!("ended with {code}"));
        terminal.ended();
        assert_eq!(terminal.left_behind(), [""; 0], "{what}");
    }
}
