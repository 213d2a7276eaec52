//! Changes that are taken back one after the other, by keys and by commands, whoever else changes something meanwhile.

use harness::prelude::*;

use crate::{asked_to_undo, command, opened, pair};

/// Set, route and factor of member a.
fn of_a(proxy: &Proxy) -> (u8, String, String) {
    let member = proxy.balancer("app").members.into_iter().next().unwrap();
    (member.lbset.get(), member.route.to_string(), member.lbfactor.to_string())
}

/// What the last change of a member was, by the question whether to take it back.
const CHANGE: &str = "Undo the change of app/";

#[test]
fn two_changes_of_one_member_are_taken_back_by_keys_the_newer_first() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    let set = |line: &str, told: &str| {
        terminal.order(&format!("set app/a {line}"), "Change app/a?");
        terminal.keys("y");
        terminal.wait_for(told);
    };
    set("lbset=2", "lbset 0 → 2");
    set("lbfactor=3", "lbfactor 1.00 → 3.00");
    // Of what was not touched by anybody else nothing is in the way.
    command(&proxy, "set app/a redirect=b").with_code(0);
    let asked = asked_to_undo(&terminal, CHANGE);
    assert!(asked.contains("lbfactor"), "{asked}");
    terminal.keys("y");
    terminal.wait_for("is as before: lbfactor 3.00 → 1.00");
    let asked = asked_to_undo(&terminal, CHANGE);
    assert!(asked.contains("lbset"), "{asked}");
    terminal.keys("y");
    terminal.wait_for("is as before: lbset 2 → 0");
    assert_eq!(of_a(&proxy), (0, "a".to_owned(), "1.00".to_owned()));
    assert_eq!(proxy.balancer("app").members[0].redirect.to_string(), "b", "that was another's");

    // Where somebody did touch the field, the question says who, and the change before it is next.
    set("lbset=4", "lbset 0 → 4");
    set("lbfactor=5", "lbfactor 1.00 → 5.00");
    command(&proxy, "set app/a lbfactor=6").with_code(0);
    terminal.wait_for("6.00");
    asked_to_undo(&terminal, CHANGE);
    let denied = terminal.wait_for("It cannot be taken back");
    assert!(denied.contains("it was touched since"), "{denied}");
    terminal.keys("y<esc>");
    terminal.wait_for("asks for the one before it");
    assert_eq!(of_a(&proxy), (4, "a".to_owned(), "6.00".to_owned()));
    asked_to_undo(&terminal, CHANGE);
    terminal.keys("y");
    terminal.wait_for("is as before: lbset 4 → 0");
    assert_eq!(of_a(&proxy), (0, "a".to_owned(), "6.00".to_owned()));
}

#[test]
fn an_addition_is_taken_back_after_what_was_done_to_the_member_since() {
    let (proxy, _backends) = pair();
    let [c] = backends(["c"]);
    let terminal = opened(&proxy);
    terminal.keys(&format!(":add {c} route=c<enter>"));
    terminal.wait_for("It starts disabled");
    terminal.keys("y");
    terminal.wait_for("Dis");
    terminal.keys(":enable app/c<enter>");
    terminal.wait_for("Enable app/c?");
    terminal.keys("y");
    terminal.wait_for("app/c is enabled");
    asked_to_undo(&terminal, CHANGE);
    terminal.keys("y");
    terminal.wait_for("is as before: disabled");
    asked_to_undo(&terminal, "Undo the addition of app/c?");
    terminal.keys("y");
    terminal.wait_for("app/c is removed");
    assert_eq!(proxy.balancer("app").members.len(), 2);
}

#[test]
fn two_changes_of_one_member_are_taken_back_by_commands_the_newer_first() {
    let (proxy, _backends) = pair();
    command(&proxy, "set app/a lbset=2").with_code(0);
    command(&proxy, "set app/a lbfactor=3").with_code(0);
    let first = command(&proxy, "undo").with_code(0);
    assert!(first.out.contains("lbfactor 3.00 -> 1.00"), "{first:#?}");
    assert_eq!(of_a(&proxy), (2, "a".to_owned(), "1.00".to_owned()));
    let second = command(&proxy, "undo").with_code(0);
    assert!(second.out.contains("lbset 2 -> 0"), "{second:#?}");
    assert_eq!(of_a(&proxy), (0, "a".to_owned(), "1.00".to_owned()));
    let none = command(&proxy, "undo");
    assert!(none.err.contains("nothing left to undo"), "{none:#?}");
}
