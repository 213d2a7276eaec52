//! Members that come and go, and all of their settings: by keys, by the palette and by commands, told alike.

use std::fs;

use harness::prelude::*;
use serde_json::Value;

use crate::{asked_to_undo, command, opened, pair, shows_command};

/// What the audit says of the edits so far, but for who made them, when, and how many there were before.
fn audited(proxy: &Proxy) -> Vec<Value> {
    let text = fs::read_to_string(proxy.run_folder().join("audit.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let edits = lines.filter(|line: &Value| line["event"].as_str().is_some_and(|it| it.ends_with("_edited")));
    edits
        .map(|mut line| {
            let fields = line.as_object_mut().unwrap();
            for field in ["number", "at", "by", "revision"] {
                fields.remove(field);
            }
            line
        })
        .collect()
}

fn members(proxy: &Proxy) -> usize {
    proxy.balancer("app").members.len()
}

#[test]
fn a_member_comes_and_goes_by_key_by_palette_and_by_command_with_the_same_audit() {
    let (proxy, _backends) = pair();
    let [c] = backends(["c"]);
    let terminal = opened(&proxy);
    terminal.keys(&format!("i{c}<tab>c<enter>"));
    let asked = terminal.wait_for("? ─");
    assert!(shows_command(&asked, &proxy, &format!("add app {c} route=c")), "{asked}");
    terminal.wait_for("It starts disabled");
    assert_eq!(members(&proxy), 2, "nothing without a yes");
    terminal.keys("y");
    terminal.wait_for("is added");
    assert_eq!(proxy.member("app", "c").words, "Init Dis");
    terminal.wait_for("Dis");
    // The cursor has gone to who came.
    terminal.keys("X");
    let asked = terminal.wait_for("Remove app/c?");
    assert!(shows_command(&asked, &proxy, "remove app/c"), "{asked}");
    terminal.keys("y");
    terminal.wait_for("app/c is removed");
    assert_eq!(members(&proxy), 2);
    terminal.wait_gone("Dis");

    terminal.keys(&format!(":add {c} route=c<enter>"));
    terminal.wait_for("It starts disabled");
    terminal.keys("y");
    terminal.wait_for("is added");
    terminal.wait_for("Dis");
    terminal.keys(":remove app/c<enter>");
    terminal.wait_for("Remove app/c?");
    terminal.keys("y");
    terminal.wait_for("app/c is removed");

    command(&proxy, &format!("add app {c} route=c")).with_code(0);
    command(&proxy, "remove app/c").with_code(0);
    let told = audited(&proxy);
    let [keys @ .., _, _, _, _] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!(keys.len(), 2, "{told:#?}");
    assert_eq!((&told[2..4], &told[4..6]), (keys, keys));
}

#[test]
fn one_with_live_sessions_is_spelt_out_and_what_is_lost_is_said() {
    let (proxy, _backends) = pair();
    let [c] = backends(["c"]);
    command(&proxy, &format!("add app {c} route=c status=-D")).with_code(0);
    assert_eq!(browser().cookie("SID", "x.c").visits(&proxy, "/", 3), "ccc");
    let terminal = opened(&proxy);
    terminal.keys(":remove app/c<enter>");
    terminal.wait_for("Type c or all");
    let asked = terminal.wait_for("The proxy refuses it");
    assert!(asked.contains("Breaks the live sessions that are with it, 1"), "{asked}");
    assert!(shows_command(&asked, &proxy, "remove app/c --force"), "{asked}");
    terminal.keys("y<enter>");
    terminal.settled();
    assert_eq!(members(&proxy), 3, "a yes is not enough");
    terminal.keys("<backspace>c<enter>");
    terminal.wait_for("app/c is removed");
    assert_eq!(members(&proxy), 2);

    command(&proxy, &format!("add app {c} route=c status=-D")).with_code(0);
    assert_eq!(browser().cookie("SID", "y.c").visits(&proxy, "/", 3), "ccc");
    command(&proxy, "remove app/c --force").with_code(0);
    let told = audited(&proxy);
    assert_eq!(told[1]["forced"], true, "{told:#?}");
    assert_eq!(told[1], told[3]);
}

#[test]
fn what_came_and_what_went_is_taken_back() {
    let (proxy, _backends) = pair();
    let [c] = backends(["c"]);
    let terminal = opened(&proxy);
    terminal.keys(&format!(":add {c} route=c status=-D<enter>"));
    terminal.wait_for("yes, do it");
    terminal.keys("y");
    terminal.wait_for("is added");
    eventually_equal(&3, || members(&proxy));
    asked_to_undo(&terminal, "Undo the addition of app/c?");
    terminal.keys("c<enter>");
    terminal.wait_for("app/c is removed");
    assert_eq!(members(&proxy), 2);
    terminal.wait_gone(&c.to_string()[7..]);

    command(&proxy, &format!("add app {c} route=c status=-D")).with_code(0);
    terminal.wait_for(&c.to_string()[7..]);
    terminal.keys(":remove app/c<enter>");
    terminal.wait_for("Type c or all");
    terminal.keys("c<enter>");
    terminal.wait_for("app/c is removed");
    asked_to_undo(&terminal, "again?");
    terminal.keys("y");
    terminal.wait_for("is added");
    assert_eq!(proxy.member("app", "c").words, "Init Ok", "it comes back as it was");
    assert!(audited(&proxy).last().is_some_and(|event| event["undoes"].is_u64()), "it is told as an undo");
}

#[test]
fn who_stands_in_the_configuration_cannot_be_removed_and_the_question_says_so() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("X");
    terminal.wait_for("It cannot be removed");
    terminal.keys("a<enter>y");
    terminal.keys("<esc>");
    terminal.wait_gone("It cannot be removed");
    assert_eq!(members(&proxy), 2);
}

#[test]
fn the_form_sets_what_the_command_sets_and_all_of_it_is_undone_together() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("e");
    terminal.wait_for("hcexpr");
    // A set, and a check each 200 ms that passes for everybody.
    terminal.keys("<tab><tab><tab><backspace>3<tab> <tab><c-u>200ms<tab><backspace>2<enter>");
    let asked = terminal.wait_for("Change app/a?");
    let line = "set app/a lbset=3 hcmethod=TCP hcinterval=200ms hcpasses=2";
    assert!(shows_command(&asked, &proxy, line), "{asked}");
    terminal.keys("y");
    terminal.wait_for("hcinterval 30s → 200ms, hcpasses 1");
    let member = proxy.member("app", "a");
    assert_eq!((member.lbset.get(), member.health.method_name(), member.health.passes), (3, "TCP", 2));
    assert_eq!((member.health.interval.millis(), member.route.as_str()), (200, "a"));
    asked_to_undo(&terminal, "Undo the change of app/a?");
    terminal.keys("y");
    terminal.wait_for("is as before");
    command(&proxy, line).with_code(0);
    let told = audited(&proxy);
    assert_eq!(told.len(), 3, "{told:#?}");
    assert_eq!(told[0], told[2]);
    let health = proxy.member("app", "b").health;
    assert!(!health.is_on(), "nobody else was changed");
}
