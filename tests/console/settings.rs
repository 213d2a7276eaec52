//! What an operator sets: a balancer, the keys, the pace, a picture that stands still, a drain that runs; in a real
//! terminal, and with commands where there is none.

use evenkeel_protocol::DrainOutcome;
use harness::prelude::*;
use harness::terminal::console_with;
use serde_json::Value;

use crate::{command, opened, pair, shows_command, writing};

#[test]
fn a_balancer_is_edited_by_its_form_and_taken_back() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    let method = || proxy.balancer("app").settings.lbmethod.name();
    terminal.keys("B");
    terminal.wait_for("Settings of app");
    terminal.keys(" <enter>");
    let asked = terminal.wait_for("Next picks now");
    assert!(shows_command(&asked, &proxy, "set balancer://app lbmethod=bytraffic"), "{asked}");
    terminal.keys("<enter>");
    terminal.wait_for("Settings of app");
    assert_eq!(method(), "byrequests", "Enter is no yes");
    terminal.keys("<enter>");
    terminal.wait_for("Change the settings of app?");
    terminal.keys("y");
    eventually_equal(&"bytraffic", method);
    terminal.wait_for("balancer://app  bytraffic");
    terminal.wait_until("it can be copied", |frame| {
        frame.contains("copies: ") && shows_command(frame, &proxy, "set balancer://app lbmethod=bytraffic")
    });
    terminal.keys("u");
    terminal.wait_for("Undo the change of app's settings?");
    terminal.keys("y");
    terminal.wait_for("balancer://app  byrequests");
    terminal.wait_until("so can that", |frame| {
        frame.contains("copies: ") && shows_command(frame, &proxy, "undo")
    });
    terminal.keys(":set app timeout=7 --reason 'peak'<enter>");
    terminal.wait_for("Change the settings of app?");
    terminal.keys("y");
    eventually_equal(&7, || proxy.balancer("app").settings.timeout);
    let events = proxy.admin().events(0);
    assert!(format!("{events:?}").contains("peak"), "{events:?}");
}

#[test]
fn the_palette_reloads_and_explains() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys(":reload<enter>");
    let asked = terminal.wait_for("Read the configuration anew?");
    assert!(shows_command(&asked, &proxy, "reload"), "{asked}");
    terminal.keys("y");
    terminal.wait_for("the configuration was read anew");
    terminal.keys(":explain --cookie SID=x.b /app/<enter>");
    terminal.wait_for("4 Lens");
    terminal.wait_for("SID");
    let file = proxy.folder().join("site.conf");
    std::fs::write(&file, "Nonsense on").unwrap();
    terminal.keys("<c-r>");
    terminal.wait_for("Read the configuration anew?");
    terminal.keys("y");
    terminal.wait_for("the configuration stays as it was");
}

#[test]
fn many_are_asked_with_what_the_proxy_foresees() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("ad");
    let asked = terminal.wait_for("The proxy refuses it");
    assert!(asked.contains("The proxy refuses it: b is the last usable member"), "{asked}");
    terminal.keys("<esc>");
    terminal.wait_gone("The proxy refuses it");
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
}

#[test]
fn a_still_picture_says_so_and_a_change_is_about_what_is_live() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("Z");
    terminal.wait_for("FROZEN");
    proxy.edit("app", "b", r#"{"standby":true}"#);
    terminal.keys("0");
    terminal.wait_until("the age of the picture grows", |frame| {
        (1..=9).any(|age| frame.contains(&format!("FROZEN {age}")))
    });
    terminal.keys("1");
    assert!(!terminal.wait_for("app/a").contains("Stby"), "{}", terminal.wait_for("app/a"));
    terminal.keys("D");
    terminal.wait_for("Disable app/a?");
    terminal.wait_gone("FROZEN");
    terminal.keys("n");
    terminal.wait_for("Stby");
    terminal.keys("+");
    terminal.wait_for("live, each 500 ms");
    terminal.keys("---");
    terminal.wait_for("live, each 5 s");
}

#[test]
fn keys_are_those_of_the_settings_and_wrong_ones_are_refused_with_their_line() {
    let (proxy, _backends) = pair();
    let home = folder();
    std::fs::create_dir(home.path().join("evenkeel")).unwrap();
    let file = home.path().join("evenkeel/config.toml");
    let settings = |text: &str| std::fs::write(&file, text).unwrap();
    let place = home.path().to_string_lossy().into_owned();
    settings("[keys]\ndrain = \"x\"\nlock = \"F12\"\n");
    let locked = console_with(&["--socket", &proxy.admin().socket().to_string_lossy()])
        .environment("XDG_CONFIG_HOME", &place)
        .open();
    locked.wait_for("Init Ok");
    locked.wait_for("F12 unlock");
    locked.keys("x");
    locked.wait_for("press F12 to open it");
    let terminal = writing(&proxy).environment("XDG_CONFIG_HOME", &place).open();
    terminal.wait_for("Init Ok");
    terminal.wait_for("x drain");
    terminal.keys("d");
    terminal.settled();
    terminal.keys("x");
    terminal.wait_for("Drain app/a?");
    // The key that asks is never its own yes.
    terminal.keys("xx");
    terminal.settled();
    terminal.wait_for("Drain app/a?");
    terminal.keys("n?");
    assert!(terminal.wait_for("Keys").contains("x         N drain, on or off"));

    for (text, says) in [
        ("[keys]\n\ndrain = \"y\"\n", "config.toml:3: [keys] drain: y answers questions"),
        (
            "[keys]\ndrian = \"x\"\n",
            "config.toml:2: [keys] drian: there is no action 'drian'; did you mean drain?",
        ),
        ("[colours]\n", "config.toml:1: unknown field"),
    ] {
        settings(text);
        let refused = writing(&proxy).environment("XDG_CONFIG_HOME", &place).open();
        refused.wait_for("evenkeel:");
        assert_eq!(refused.ended(), 10, "{says}");
        eventually_true(says, || String::from_utf8_lossy(&refused.output()).contains(says));
    }
}

#[test]
fn a_drain_is_put_off_and_ended_alone_by_commands() {
    let (proxy, _backends) = pair();
    command(&proxy, "drain app/a --extend 10m").with_code(3);
    command(&proxy, "drain app/a --until no-sessions").with_code(0);
    let endless = command(&proxy, "drain app/a --extend 10m").with_code(10);
    assert!(endless.err.contains("--timeout 10m` gives it one"), "{endless:?}");
    command(&proxy, "drain app/a --timeout 10m").with_code(0);
    let later = command(&proxy, "drain app/a --extend 10m --json").with_code(0);
    let told: Value = serde_json::from_str(&later.out).unwrap();
    let left = told["drain"]["left_ms"].as_u64().unwrap();
    assert!((1_100_000..=1_200_000).contains(&left), "{told}");
    assert_eq!((&told["changed"], &told["applied"]), (&true.into(), &true.into()));
    command(&proxy, "undrain app/a --dry-run").with_code(0);
    assert!(proxy.snapshot().drains[0].is_running(), "it was only looked at");
    let ended = command(&proxy, "undrain app/a --keep-draining").with_code(0);
    assert!(ended.out.contains("goes on draining (N)"), "{ended:?}");
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
    assert_eq!(proxy.snapshot().drains[0].outcome, Some(DrainOutcome::Cancelled));
    let again = command(&proxy, "undrain app/a --keep-draining --json").with_code(0);
    let told: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&told["changed"], &told["drain"]), (&false.into(), &Value::Null));
}

#[test]
fn what_changes_is_told_in_sentences_where_nothing_can_be_painted() {
    let (proxy, _backends) = pair();
    let socket = proxy.admin().socket().to_string_lossy().into_owned();
    let terminal = console_with(&["--socket", &socket, "watch", "--interval", "100ms"])
        .environment("TERM", "dumb")
        .open();
    terminal.wait_for("app/a: status Init Ok");
    proxy.edit("app", "a", r#"{"disabled":true}"#);
    terminal.wait_for("status Init Ok -> Init Dis");
    assert!(!terminal.output().contains(&0x1b), "{:?}", terminal.output());
    let refused = console_with(&["--socket", &socket]).environment("TERM", "dumb").open();
    refused.wait_for("watch --line");
    assert_eq!(refused.ended(), 2);
}
