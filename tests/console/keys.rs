//! Every key that changes something asks first, and does nothing without a yes.

use harness::prelude::*;
use harness::strace::Fate;

use crate::{opened, pair, writing};

/// The keys that change something, what they ask, and what the member then is.
const CHANGING: &[(&str, &str, &str)] = &[
    ("d", "Drain app/a?", "Init Drn Ok"),
    ("D", "Disable app/a?", "Init Dis"),
    ("S", "Stop app/a?", "Init Stop"),
    ("H", "Make a hot standby of app/a?", "Init Stby Ok"),
    ("R", "Make a hot spare of app/a?", "Init Spar Ok"),
    ("<enter>i", "Ignore errors of app/a?", "Init Ign Ok"),
    ("<enter>C", "Fail the health check of app/a?", "Init HcFl"),
];

/// What is said until the answer to an edit is there.
const WAITING: &str = "waiting for the proxy's answer";

#[test]
fn each_changing_key_asks_and_everything_but_yes_changes_nothing() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    let before = proxy.snapshot().balancers;
    for (key, question, _) in CHANGING {
        for no in ["n", "<esc>"] {
            terminal.keys(key);
            terminal.wait_for(question);
            // What is no answer is no yes either.
            terminal.keys("x YdDSHRIe?uL:/");
            if *key != "d" {
                // There it leads to the terms of the drain.
                terminal.keys("<tab>");
            }
            terminal.wait_for(question);
            terminal.keys(no);
            terminal.wait_gone(question);
        }
    }
    assert_eq!(proxy.snapshot().balancers, before);
    assert_eq!(proxy.admin().events(0).len(), 1, "nothing happened since the start");
}

#[test]
fn each_changing_key_does_after_a_yes_what_its_question_says() {
    for (key, question, words) in CHANGING {
        let (proxy, _backends) = pair();
        let terminal = opened(&proxy);
        terminal.keys(key);
        terminal.wait_for(question);
        terminal.keys("y");
        terminal.wait_for(words);
        assert_eq!(
            (proxy.member("app", "a").words.as_str(), proxy.member("app", "b").words.as_str()),
            (*words, "Init Ok")
        );
        // On a slow disk a snapshot shows it before the answer is there, and until then no other edit is begun.
        terminal.wait_gone(WAITING);
        terminal.keys(key);
        terminal.wait_for("app/a?");
        terminal.keys("y");
        terminal.wait_gone(words.trim_start_matches("Init "));
        assert_eq!(proxy.member("app", "a").words, "Init Ok", "{key} again");
    }
}

#[test]
fn a_member_is_not_edited_anew_before_the_answer_to_the_last_edit_is_there() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    // The edit is done at once, and its answer waits for the audit.
    let slow = Fate { call: "write", when: 1, what: "delay_exit=800000" };
    let Some(_watch) = slow.attach(proxy.pid(), &[proxy.run_folder().join("audit.jsonl")]) else { return };
    terminal.keys("H");
    terminal.wait_for("Make a hot standby of app/a?");
    terminal.keys("y");
    terminal.wait_for("Init Stby Ok");
    terminal.keys("D");
    terminal.wait_for("an edit is on its way; wait for its answer");
    eventually_true("the answer comes, and the next question is asked", || {
        terminal.keys("D");
        terminal.settled().contains("Disable app/a?")
    });
    assert_eq!(proxy.member("app", "a").words, "Init Stby Ok");
}

#[test]
fn enable_clears_all_three_at_once() {
    let (proxy, _backends) = pair();
    proxy.edit("app", "a", r#"{"drain":true,"disabled":true,"stopped":true}"#);
    let terminal = writing(&proxy).open();
    terminal.wait_for("Init Drn Dis Stop");
    terminal.keys("E");
    terminal.wait_for("Enable app/a?");
    terminal.keys("y");
    terminal.wait_gone("Drn");
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
}

#[test]
fn an_answer_typed_ahead_of_its_question_is_no_answer() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("dy");
    terminal.wait_for("Drain app/a?");
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
    terminal.keys("n");
}

#[test]
fn the_form_writes_values_shows_old_and_new_and_asks() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("e");
    terminal.wait_for("app/a");
    // Into an empty first field, whatever stood there.
    terminal.keys(&format!("{}3", "<backspace>".repeat(8)));
    terminal.keys("<enter>");
    let asked = terminal.wait_for("Change app/a?");
    assert!(asked.contains("1.00") && asked.contains("3.00"), "{asked}");
    assert_eq!(proxy.member("app", "a").lbfactor.to_string(), "1.00");
    terminal.keys("y");
    terminal.wait_gone("Change app/a?");
    eventually_equal(&"3.00".to_owned(), || proxy.member("app", "a").lbfactor.to_string());
    terminal.wait_for("3.00");
}

#[test]
fn help_lists_the_keys_and_every_screen_is_reached() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("?");
    let help = terminal.wait_for("Change members");
    assert!(help.contains("drain") && help.contains("disabled"), "{help}");
    terminal.keys("<esc>");
    terminal.wait_gone("Change members");
    proxy.edit("app", "b", r#"{"lbset":7,"reason":"told by a test"}"#);
    terminal.keys("2");
    terminal.wait_for("told by a test");
    terminal.keys("1");
    terminal.wait_for("Init Ok");
    terminal.keys("<enter><enter>");
    terminal.wait_for("edirect");
    terminal.keys("<esc>");
}
