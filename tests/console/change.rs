//! Steering under traffic, colliding with others, and what strangers may write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use harness::prelude::*;
use harness::terminal::foreign_sequences;

use crate::{opened, pair};

#[test]
fn a_member_drained_from_the_console_under_traffic_gets_only_its_sessions() {
    let (proxy, [a, _b]) = pair();
    let terminal = opened(&proxy);
    let over = Arc::new(AtomicBool::new(false));
    let to = proxy.address();
    let traffic: Vec<_> = (0..3)
        .map(|_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    assert_eq!(browser().try_send(to, "GET", "/", b"").unwrap().status, 200);
                }
            })
        })
        .collect();
    eventually_true("both members work", || a.count() > 20);

    terminal.keys("d");
    let before = terminal.wait_for("Drain app/a?");
    assert!(before.contains("New users go elsewhere"), "{before}");
    assert!(a.count() > 20 && proxy.member("app", "a").words == "Init Ok");
    terminal.keys("y");
    let after = terminal.wait_for("Init Drn Ok");
    assert!(!after.contains("Drain app/a?"), "{after}");

    // Requests that were elected before the edit may still arrive; after those, none.
    eventually_equal(&0, || proxy.member("app", "a").busy);
    let drained_at = a.count();
    let elected = proxy.member("app", "b").elected;
    eventually_true("the other member goes on", || proxy.member("app", "b").elected > elected + 100);
    assert_eq!(a.count(), drained_at, "a draining member got new clients");
    let mut loyal = browser().cookie("SID", "x.a");
    assert_eq!(loyal.visits(&proxy, "/", 5), "aaaaa");
    assert_eq!(a.count(), drained_at + 5);

    over.store(true, Ordering::SeqCst);
    for client in traffic {
        client.join().unwrap();
    }
    let shown = format!("elected {}", proxy.member("app", "b").elected);
    terminal.keys("j");
    terminal.wait_for(&shown);
}

#[test]
fn a_change_by_somebody_else_shows_and_spoils_an_open_question() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("d");
    terminal.wait_for("Drain app/a?");
    proxy.edit("app", "a", r#"{"lbset":5,"reason":"somebody else"}"#);
    terminal.wait_until("it says that the member was changed", |frame| frame.to_string().contains("hanged"));
    terminal.keys("y");
    terminal.keys("<esc>");
    terminal.wait_gone("Drain app/a?");
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
}

#[test]
fn two_consoles_show_the_same() {
    let (proxy, _backends) = pair();
    let (mine, theirs) = (opened(&proxy), opened(&proxy));
    mine.keys("D");
    mine.wait_for("Disable app/a?");
    mine.keys("y");
    mine.wait_for("Init Dis");
    theirs.wait_for("Init Dis");
}

#[test]
fn a_pasted_escape_sequence_in_a_route_is_refused() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.keys("e");
    terminal.wait_for("app/a");
    terminal.keys("<tab>");
    terminal.paste("x\u{1b}]52;c;AAAA\u{7}\u{1b}[31my");
    terminal.keys("<enter>");
    let frame = terminal.settled();
    terminal.keys("y");
    terminal.keys("<esc><esc>");
    let route = proxy.member("app", "a").route.to_string();
    assert!(route == "a", "became {route:?}\n{frame}");
    assert_eq!(foreign_sequences(&terminal.output()), Vec::<String>::new());
}

#[test]
fn a_paste_into_the_list_types_no_keys() {
    let (proxy, _backends) = pair();
    let terminal = opened(&proxy);
    terminal.paste("dyDySyLyq");
    terminal.keys("?");
    terminal.wait_for("Change members");
    assert_eq!(proxy.admin().events(0).len(), 1);
}
