//! Drains of all targets: their terms, where they can be followed, and those that restarts have forgotten.

use evenkeel_protocol::{Drain, DrainOutcome, OnTimeout};

use super::*;

#[test]
fn drains_that_restarts_have_forgotten_are_offered_back_where_they_were_lost() {
    let mut deck = deck(3);
    assert_eq!(press(&mut deck, "A"), []);
    assert_eq!(toast(&deck), "nothing was forgotten");
    httpds(&mut deck, &[1, 2], |snapshot| forgot(snapshot, "drain", "On"));
    press(&mut deck, "A");
    let Some(Over::Confirm { joint, .. }) = &deck.over else { panic!("{}", toast(&deck)) };
    assert_eq!((joint.verb, joint.label.as_str()), ("Drain again", "app/node2"));
    assert_eq!(joint.shares.iter().map(|share| share.station).collect::<Vec<_>>(), [1, 2]);
    let command = |at: usize| format!("evenkeel --socket /run/lb{at} drain app/node2 --until idle --wait");
    assert_eq!(deck.commands(joint), [command(2), command(3)]);
    assert_eq!(asked(&press(&mut deck, "y")), [1, 2]);
}

#[test]
fn what_was_forgotten_of_the_member_that_is_meant_is_asked_first_and_then_the_newest() {
    let lost = || {
        let mut deck = deck(3);
        for (at, started, routes) in [(0, 1, &["node3"][..]), (1, 3, &["node1", "node2"]), (2, 2, &["node3"])]
        {
            httpds(&mut deck, &[at], |snapshot| {
                snapshot.proxy.started.0 += started;
                snapshot.forgotten = routes.iter().map(|route| forgotten(route, "drain", "On")).collect();
                for member in &mut snapshot.balancers[0].members {
                    member.status = untouched(member.status);
                }
            });
        }
        deck
    };
    for (route, keys, label) in [
        ("node3", "A", "app/node3"),
        ("node2", "A", "app/node2"),
        ("", "A", "app/node1"),
        ("", ":again app/node3⏎", "app/node3"),
    ] {
        let mut deck = lost();
        if !route.is_empty() {
            to(&mut deck, route);
        }
        press(&mut deck, keys);
        assert_eq!(question(&deck).0.label, label, "{route} {keys}");
    }
    let mut deck = lost();
    press(&mut deck, ":again static/10.0.2.11⏎");
    assert_eq!((&deck.over, toast(&deck)), (&None, "static/10.0.2.11: nothing was forgotten"));
}

#[test]
fn from_the_results_of_an_act_its_own_member_is_asked_for_again() {
    let mut deck = deck(2);
    shows(&mut deck, &[0, 1], &[]);
    to(&mut deck, "node2");
    press(&mut deck, "Dy");
    for at in 0..2 {
        answer(&mut deck, at, Ok(Edited { revision: 9, ..sample::edited("disabled", "Off", "On") }));
    }
    shows(&mut deck, &[0, 1], &[Flag::Disabled]);
    httpds(&mut deck, &[0, 1], |snapshot| {
        snapshot.balancers[0].members[1].status = untouched(snapshot.balancers[0].members[1].status);
        snapshot.forgotten = vec![forgotten("node1", "drain", "On"), forgotten("node2", "disabled", "On")];
    });
    to(&mut deck, "node1");
    press(&mut deck, "rA");
    assert_eq!(question(&deck).0.label, "app/node2");
}

#[test]
fn a_drain_that_was_ended_since_it_was_lost_is_not_offered() {
    // Drained in both, and lost in lb2.
    let drained = || {
        let mut deck = deck(2);
        for at in 0..2 {
            shows(&mut deck, &[at], &[]);
        }
        to(&mut deck, "node2");
        press(&mut deck, "dy");
        for at in 0..2 {
            let edited = Edited { revision: 9, ..sample::edited("drain", "Off", "On") };
            let drain = sample::drain(3, "node2");
            let answer = evenkeel_protocol::DrainAnswer {
                changed: true,
                changes: Vec::new(),
                drain,
                edited: Some(edited),
            };
            hear(&mut deck, at, News::Drained { ticket: Ticket(1), outcome: Ok(Box::new(answer)) });
        }
        shows(&mut deck, &[0, 1], &[Flag::Drain]);
        httpds(&mut deck, &[1], |snapshot| forgot(snapshot, "drain", "On"));
        press(&mut deck, &[Key::Esc]);
        deck
    };
    let again = |deck: &mut Deck| {
        httpds(deck, &[1], |snapshot| forgot(snapshot, "drain", "On"));
        press(deck, &[Key::Esc, Key::Char('A')]);
        deck.over.is_some()
    };
    assert!(again(&mut drained()));
    for keys in [":undrain app/node2⏎", "E", "u"] {
        let mut deck = drained();
        press(&mut deck, keys);
        assert_eq!(question(&deck).0.asked().collect::<Vec<_>>(), [0], "{keys}");
        press(&mut deck, "n");
        assert!(again(&mut deck), "{keys}: nothing was agreed to");
        let mut deck = drained();
        press(&mut deck, keys);
        press(&mut deck, "y");
        answer_to(&mut deck, (0, 2), Ok(Edited { revision: 9, ..sample::edited("drain", "On", "Off") }));
        shows(&mut deck, &[0], &[]);
        assert!(deck.stations[1].forgotten().is_empty(), "{keys}");
        assert!(!again(&mut deck), "{keys}: {:?}", deck.over);
        assert_eq!(toast(&deck), "nothing was forgotten", "{keys}");
        // Once it was seen to be set again, it can be lost again.
        httpds(&mut deck, &[1], |_| {});
        assert!(again(&mut deck), "{keys}");
    }
}

#[test]
fn what_else_was_forgotten_is_set_again_by_its_values() {
    let mut deck = deck(2);
    httpds(&mut deck, &[1], |snapshot| forgot(snapshot, "lbset", "3"));
    press(&mut deck, ":again⏎");
    let Some(Over::Confirm { joint, .. }) = &deck.over else { panic!("{}", toast(&deck)) };
    assert_eq!(joint.verb, "Set again what was lost of");
    let deeds = press(&mut deck, "y");
    assert!(
        matches!(deeds.as_slice(), [(1, Effect::EditMember { edit, .. })] if edit.lbset == "3".parse().ok()),
        "{deeds:?}"
    );
}

#[test]
fn a_drain_in_all_is_told_with_the_place_where_it_can_be_followed_there() {
    let mut deck = deck(2);
    for at in 0..2 {
        shows(&mut deck, &[at], &[]);
    }
    to(&mut deck, "node2");
    press(&mut deck, "dy");
    let answer = evenkeel_protocol::DrainAnswer {
        changed: true,
        changes: Vec::new(),
        drain: sample::drain(3, "node2"),
        edited: Some(sample::edited("drain", "Off", "On")),
    };
    hear(&mut deck, 0, News::Drained { ticket: Ticket(1), outcome: Ok(Box::new(answer)) });
    let Part::Act(Outcome::Done(line)) = &deck.joint().unwrap().shares[0].part else {
        panic!("{:?}", deck.joint())
    };
    let wanted = "app/node2 is draining; its row in the list of members tells when it can be stopped";
    assert_eq!(line, wanted);
}

#[test]
fn a_drain_in_all_has_terms_and_each_target_is_asked_with_them() {
    let mut deck = deck(2);
    shows(&mut deck, &[0, 1], &[]);
    to(&mut deck, "node2");
    press(&mut deck, "d⇥");
    assert_eq!((deck.context(), deck.stations[0].popup.is_none()), (Context::Form, true));
    press(&mut deck, "⇥");
    press(&mut deck, &[Key::Ctrl('u')]);
    press(&mut deck, "9⏎");
    assert_eq!(deck.context(), Context::Form, "a number without its unit");
    press(&mut deck, "m⇥s⇥⇥");
    deal(&mut deck, Message::Paste("deploy".to_owned()));
    press(&mut deck, "⏎");
    let wanted = "evenkeel --group web drain app/node2 --until no-sessions --timeout 9m --on-timeout stop \
                  --reason deploy";
    assert_eq!(question(&deck).1, [wanted]);
    // The same question, and its terms, as it was before they were written anew.
    press(&mut deck, "⇥⇥");
    press(&mut deck, &[Key::Ctrl('u'), Key::Esc]);
    assert_eq!(question(&deck).1, [wanted]);
    let deeds = press(&mut deck, "y");
    let is_so = |(_, effect): &&Deed| {
        matches!(effect, Effect::Drain { job, .. } if matches!(&**job, Job::Begin(_, _, order)
            if order.timeout == "9m".parse().ok() && order.reason.is_some()))
    };
    assert_eq!(deeds.iter().filter(is_so).count(), 2, "{deeds:?}");
}

#[test]
fn only_the_beginning_of_a_drain_has_terms() {
    let mut deck = deck(2);
    to(&mut deck, "node2");
    press(&mut deck, "D⇥");
    assert!(matches!(deck.over, Some(Over::Confirm { .. })));
    press(&mut deck, &[Key::Esc]);
    httpds(&mut deck, &[1], |snapshot| forgot(snapshot, "drain", "On"));
    press(&mut deck, "A⇥");
    assert!(matches!(deck.over, Some(Over::Confirm { .. })), "it is set again as it was, where it was lost");
}

#[test]
fn an_httpd_keeps_the_terms_that_it_can_and_is_left_out_where_it_cannot() {
    let mut deck = deck(2);
    shows(&mut deck, &[0], &[]);
    httpds(&mut deck, &[1], |snapshot| {
        let member = &mut snapshot.balancers[0].members[1];
        member.status = untouched(member.status);
    });
    to(&mut deck, "node2");
    press(&mut deck, "d⇥⇥");
    press(&mut deck, &[Key::Ctrl('u')]);
    press(&mut deck, "9m⇥s⏎");
    let rest =
        |until: &str, more: &str| format!("drain app/node2 --until {until} --timeout 9m --on-timeout {more}");
    let ours = format!("evenkeel --socket /run/lb1 {}", rest("no-sessions", "stop"));
    let httpd = format!("evenkeel --socket /run/lb2 {}", rest("idle", "stop --wait"));
    assert_eq!(question(&deck).1, [ours, httpd]);
    let remarks = deck.asked(question(&deck).0).last().map(|asked| match asked.what {
        What::Member(question) => asked.station.outlook(question).remarks,
        What::Return(_) => Vec::new(),
    });
    let says = "httpd keeps no deadline: it counts only while this console is open.";
    assert!(remarks.iter().flatten().any(|remark| remark.text == says), "{remarks:?}");
    press(&mut deck, "⇥⇥⇥c⏎");
    let (joint, commands) = question(&deck);
    assert!(
        matches!(&joint.shares[1].part, Part::Barred(why) if why.contains("cannot end what is in flight"))
    );
    assert_eq!(
        commands,
        [format!("evenkeel --socket /run/lb1 {}", rest("no-sessions", "cut"))],
        "the group has the httpd"
    );
}

#[test]
fn a_deadline_that_passes_is_told_with_the_targets_and_what_it_did() {
    let drained = |deck: &mut Deck, at: usize, outcome: Option<DrainOutcome>| {
        told(deck, at, |snapshot| {
            let mut drain = sample::drain(3, "node2");
            (drain.outcome, drain.ended) = (outcome, outcome.map(|_| snapshot.taken));
            snapshot.drains = vec![drain];
        });
    };
    let mut deck = deck(3);
    for at in 0..3 {
        drained(&mut deck, at, None);
    }
    drained(&mut deck, 0, Some(DrainOutcome::Stopped));
    let stopped = "app/node2 was stopped at the deadline of its drain";
    assert_eq!(toast(&deck), format!("lb1: {stopped}"));
    drained(&mut deck, 1, Some(DrainOutcome::Stopped));
    assert_eq!(toast(&deck), format!("lb1, lb2: {stopped}"));
    drained(&mut deck, 2, Some(DrainOutcome::KeptDraining));
    let keeps = "lb3: app/node2 drains on, for the deadline of its drain has passed";
    assert_eq!(toast(&deck), format!("lb1, lb2: {stopped}; {keeps}"));
    deck.toast = None;
    drained(&mut deck, 0, Some(DrainOutcome::Stopped));
    assert_eq!(toast(&deck), "", "it is told once");
}

#[test]
fn nobody_leaves_unawares_while_a_deadline_of_an_httpd_depends_on_the_console() {
    let waits = |deck: &mut Deck, product: &str, on_timeout: OnTimeout| {
        told(deck, 1, |snapshot| {
            product.clone_into(&mut snapshot.proxy.product);
            snapshot.drains = vec![Drain { on_timeout, left_ms: Some(480_000), ..sample::drain(3, "node2") }];
        });
    };
    let httpd = evenkeel_protocol::Hello::HTTPD;
    let quits = [(0, Effect::Quit)];
    for (product, on_timeout) in [("evenkeel-proxy", OnTimeout::Stop), (httpd, OnTimeout::Fail)] {
        let mut deck = deck(2);
        waits(&mut deck, product, on_timeout);
        assert_eq!(press(&mut deck, "q"), quits, "{product}: {on_timeout}");
    }
    for focus in [Focus::All, Focus::One(0), Focus::One(1)] {
        let mut deck = deck(2);
        deck.focus = focus;
        waits(&mut deck, httpd, OnTimeout::Stop);
        assert_eq!(press(&mut deck, "q"), []);
        let undone = deck.leave.as_ref().map(|leave| leave.undone.concat()).unwrap_or_default();
        assert_eq!(undone, "lb2: app/node2 in 8 min: stop it; requests in flight may finish");
        assert_eq!(press(&mut deck, "nD"), [], "{focus:?}: it goes on");
        press(&mut deck, &[Key::Esc]);
        assert_eq!(press(&mut deck, "qy").last(), quits.last(), "{focus:?}");
        deck.leave = None;
        let ahead = [Key::Char('q'), Key::Char('y')].map(|key| deal(&mut deck, Message::Key(key)));
        assert_eq!(ahead, [vec![], vec![]], "{focus:?}: typed ahead");
        // Whoever insists leaves.
        deck.leave = None;
        press(&mut deck, &[Key::Ctrl('c')]);
        assert_eq!(press(&mut deck, &[Key::Ctrl('c')]).last(), quits.last(), "{focus:?}");
    }
}
