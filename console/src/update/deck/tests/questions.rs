//! What is asked of all targets as one question, whom a yes reaches, and its commands.

use super::*;

#[test]
fn one_yes_asks_every_target_at_once() {
    let edited = || Ok(sample::edited("disabled", "Off", "On"));
    let mut deck = deck(3);
    to(&mut deck, "node2");
    assert_eq!(asked(&press(&mut deck, "D")), NOBODY);
    assert_eq!(deck.context(), Context::FleetConfirm);
    assert_eq!(asked(&press(&mut deck, "y")), [0, 1, 2]);
    for at in 0..3 {
        assert!(!deck.joint().unwrap().is_over());
        answer(&mut deck, at, edited());
    }
    let joint = deck.joint().unwrap();
    assert!(joint.is_over() && !joint.is_partial());
    assert_eq!(toast(&deck), "Disable app/node2: done in all 3 targets that have it; u undoes");
}

#[test]
fn a_drain_is_begun_in_each() {
    let mut deck = deck(2);
    for at in 0..2 {
        told(&mut deck, at, |snapshot| {
            snapshot.balancers[0].members[1].status = snapshot.balancers[0].members[0].status;
        });
    }
    to(&mut deck, "node1");
    let deeds = press(&mut deck, "dy");
    let begins =
        |(_, effect): &&Deed| matches!(effect, Effect::Drain { job, .. } if matches!(**job, Job::Begin(..)));
    assert_eq!(deeds.iter().filter(begins).count(), 2, "{deeds:?}");
    let commands = deck.joint().unwrap().commands.as_slice();
    assert_eq!(commands, ["evenkeel --group web drain app/node1 --until no-sessions"]);
}

#[test]
fn each_target_is_told_apart_in_the_question() {
    let mut deck = deck(5);
    told(&mut deck, 1, |snapshot| drop(snapshot.balancers[0].members.remove(1)));
    told(&mut deck, 2, |snapshot| {
        let member = &mut snapshot.balancers[0].members[1];
        member.status = member.status.with(Flag::Disabled, true);
    });
    lost(&mut deck, 3);
    deck.stations[4] = crate::model::Model {
        station: Some("lb5".to_owned()),
        ..crate::model::Model::new("/run/lb5", deck.size)
    };
    to(&mut deck, "node2");
    assert_eq!(asked(&press(&mut deck, "Dy")), [0]);
    let joint = deck.joint().unwrap();
    let parts: Vec<&Part> = joint.shares.iter().map(|share| &share.part).collect();
    assert!(
        matches!(parts[..], [Part::Act(_), Part::Absent, Part::Spared(_), Part::Barred(_), Part::Barred(_)]),
        "{parts:?}"
    );
    answer(&mut deck, 0, Ok(sample::edited("disabled", "Off", "On")));
    assert!(deck.joint().unwrap().sentence().contains("ONLY 2 of 4"));
}

#[test]
fn a_target_that_was_changed_or_lost_meanwhile_is_not_asked_and_the_others_are() {
    let mut deck = deck(3);
    to(&mut deck, "node2");
    press(&mut deck, "D");
    told(&mut deck, 0, |snapshot| snapshot.balancers[0].members[1].revision = 9);
    lost(&mut deck, 1);
    assert_eq!(asked(&press(&mut deck, "y")), [2]);
    let joint = deck.joint().unwrap();
    let refused = |at: usize| match &joint.shares[at].part {
        Part::Act(crate::model::batch::Outcome::Refused(why)) => why.clone(),
        other => panic!("{other:?}"),
    };
    assert!(refused(0).contains("changed since you looked"));
    assert!(refused(1).contains("does not answer"));
}

#[test]
fn the_gravest_target_decides_how_much_a_yes_takes() {
    let mut deck = deck(2);
    // In lb1 others can take over, in lb2 it is the last one.
    told(&mut deck, 0, |snapshot| {
        let other = snapshot.balancers[0].members[0].status;
        (snapshot.balancers[0].members[1].status, snapshot.balancers[0].members[2].status) = (other, other);
    });
    to(&mut deck, "node1");
    press(&mut deck, "D");
    assert_eq!(deck.context(), Context::FleetSpell);
    assert_eq!(asked(&press(&mut deck, "y\n")), NOBODY, "a yes is not enough");
    press(&mut deck, &[Key::Backspace]);
    let deeds = press(&mut deck, "node1\n");
    assert_eq!(asked(&deeds), [0, 1]);
    let forced =
        |(_, effect): &Deed| matches!(effect, Effect::EditMember { edit, .. } if edit.force == Some(true));
    assert_eq!(deeds.iter().filter(|deed| forced(deed)).map(|(at, _)| *at).collect::<Vec<_>>(), [1]);
}

#[test]
fn no_sends_nothing_and_leaves_no_question_behind() {
    for key in [Key::Char('n'), Key::Esc, Key::Enter] {
        let mut deck = deck(2);
        to(&mut deck, "node2");
        assert_eq!(press(&mut deck, &[Key::Char('D'), key]), [], "{key}");
        assert!(deck.over.is_none() && deck.stations.iter().all(|station| station.popup.is_none()), "{key}");
    }
    let mut deck = deck(2);
    to(&mut deck, "node2");
    let ahead = [Key::Char('D'), Key::Char('y')].map(|key| deal(&mut deck, Message::Key(key)));
    assert_eq!(ahead, [vec![], vec![]], "a yes typed ahead is none");
    deal(&mut deck, Message::Paste("y\n".to_owned()));
    assert!(matches!(deck.over, Some(Over::Confirm { .. })));
}

#[test]
fn enter_is_no_yes_for_several_targets_and_a_key_that_means_nothing_says_so() {
    let mut deck = deck(2);
    to(&mut deck, "node2");
    assert_eq!(asked(&press(&mut deck, "H⏎")), NOBODY);
    assert!(deck.over.is_none() && deck.joint().is_none());
    press(&mut deck, "n");
    assert!(toast(&deck).starts_with("'n' does nothing here"), "{}", toast(&deck));
}

#[test]
fn a_member_is_removed_in_each_that_lets_it_go_and_the_others_say_why() {
    let mut deck = deck(4);
    told(&mut deck, 2, |snapshot| drop(snapshot.balancers[0].members.remove(1)));
    told(&mut deck, 3, |snapshot| snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned());
    to(&mut deck, "node2");
    assert_eq!(press(&mut deck, "X"), []);
    let need = deck.stations[1].gathered.needs.first().cloned().unwrap();
    assert!(matches!(need, Need::Removal(..)), "{need:?}");
    hear(&mut deck, 1, News::Found { need, outcome: Err("it stands in the configuration".to_owned()) });
    assert_eq!(deck.context(), Context::FleetSpell, "it can get requests of its sessions at any time");
    assert_eq!(asked(&press(&mut deck, "y⏎")), NOBODY);
    press(&mut deck, &[Key::Backspace]);
    assert_eq!(asked(&press(&mut deck, "node2⏎")), [0]);
    answer(&mut deck, 0, Ok(sample::edited("member", "http://app2.example.com:8080", "")));
    let joint = deck.joint().cloned().unwrap();
    assert!(
        joint.sentence().contains("Remove app/node2: done in ONLY 1 of 3 targets"),
        "{}",
        joint.sentence()
    );
    let said = |at: usize| match &joint.shares[at].part {
        Part::Act(Outcome::Done(text) | Outcome::Refused(text)) | Part::Barred(text) => text.as_str(),
        Part::Absent => "absent",
        other => panic!("{other:?}"),
    };
    assert!(said(0).ends_with("is removed"), "{}", said(0));
    assert_eq!(said(1), "It cannot be removed: it stands in the configuration.");
    assert_eq!(said(2), "absent");
    assert!(said(3).starts_with("httpd removes no member"), "{}", said(3));
}

#[test]
fn a_yes_is_offered_only_for_the_targets_that_do_it() {
    let mut deck = deck(2);
    to(&mut deck, "node2");
    press(&mut deck, "X");
    for (at, willing) in [(0, 1), (1, 0)] {
        let need = deck.stations[at].gathered.needs.first().cloned().unwrap();
        hear(&mut deck, at, News::Found { need, outcome: Err("it stands in the configuration".to_owned()) });
        let Some(Over::Confirm { joint, .. }) = &deck.over else { panic!("{}", toast(&deck)) };
        assert_eq!(deck.willing(joint), willing);
        assert_eq!(joint.places(willing), format!("{willing} of 2 targets"));
    }
    assert_eq!(press(&mut deck, "node2⏎y"), []);
    assert!(matches!(deck.over, Some(Over::Confirm { .. })), "there is nobody to let go");
}

#[test]
fn how_a_member_is_added_in_all_is_told() {
    let mut deck = deck(2);
    assert_eq!(press(&mut deck, "i"), []);
    assert_eq!((deck.over.clone(), deck.context()), (Some(Over::Adding { page: 0 }), Context::FleetResults));
    let command = "evenkeel --group web add BALANCER URL route=…";
    assert_eq!(press(&mut deck, "y"), [(0, Effect::Yank(command.to_owned()))]);
    press(&mut deck, &[Key::Esc]);
    assert_eq!(deck.over, None);
}

#[test]
fn one_command_is_shown_where_it_does_the_same_everywhere_and_else_one_for_each() {
    const OURS: &str = "--socket /run/lb1 drain app/node1 --until no-sessions --force";
    const HTTPD: &str = "--socket /run/lb2 drain app/node1 --until idle --force --wait";
    for (which, key, commands) in [
        (&[][..], "d", &["--group web drain app/node1 --until no-sessions --force"][..]),
        (&[1], "d", &[OURS, HTTPD]),
        (&[0, 1], "d", &["--group web drain app/node1 --until idle --wait --force"]),
        (&[1], "D", &["--group web disable app/node1 --force"]),
        (&[1], "H", &["--group web standby app/node1"]),
    ] {
        let mut deck = deck(2);
        httpds(&mut deck, which, |_| ());
        to(&mut deck, "node1");
        press(&mut deck, key);
        let Some(Over::Confirm { joint, .. }) = &deck.over else { panic!("{which:?} {key}: no question") };
        let wanted: Vec<String> = commands.iter().map(|line| format!("evenkeel {line}")).collect();
        assert_eq!(deck.commands(joint), wanted, "{which:?} {key}");
    }
}

#[test]
fn no_command_is_told_for_a_target_that_will_not_be_asked() {
    let mut deck = deck(3);
    httpds(&mut deck, &[2], |_| ());
    to(&mut deck, "node1");
    press(&mut deck, "d");
    told(&mut deck, 1, |snapshot| snapshot.balancers[0].members[0].revision = 9);
    let Some(Over::Confirm { joint, .. }) = &deck.over else { panic!("{}", toast(&deck)) };
    let commands = deck.commands(joint);
    assert!(commands.len() == 2 && !commands.concat().contains("/run/lb2"), "{commands:?}");
}

#[test]
fn what_was_spelt_out_is_copied_as_it_was_done() {
    let mut deck = deck(2);
    to(&mut deck, "node1");
    press(&mut deck, "Dall⏎");
    let command = "evenkeel --group web disable app/node1 --force".to_owned();
    assert_eq!(press(&mut deck, "y"), [(0, Effect::Yank(command))]);
}

#[test]
fn the_command_of_a_drain_leaves_alone_where_it_holds_already() {
    for httpd in [&[1][..], &[]] {
        let mut deck = deck(2);
        shows(&mut deck, &[0], &[]);
        httpds(&mut deck, httpd, |_| ());
        to(&mut deck, "node2");
        press(&mut deck, "d");
        let (joint, commands) = question(&deck);
        assert!(matches!(joint.shares[1].part, Part::Spared(_)), "{:?}", joint.shares);
        assert_eq!(commands, ["evenkeel --socket /run/lb1 drain app/node2 --until no-sessions"]);
    }
    // Nor is it for an httpd that does not answer.
    let mut deck = deck(2);
    httpds(&mut deck, &[1], |_| ());
    lost(&mut deck, 1);
    to(&mut deck, "node1");
    press(&mut deck, "d");
    assert_eq!(question(&deck).1, ["evenkeel --socket /run/lb1 drain app/node1 --until no-sessions --force"]);
}

#[test]
fn where_it_cannot_be_asked_for_is_told_with_why_and_that_it_holds_elsewhere() {
    let mut deck = deck(3);
    lost(&mut deck, 1);
    lost(&mut deck, 2);
    to(&mut deck, "node2");
    press(&mut deck, ":drain⏎");
    let says =
        "app/node2: it is so already wherever it can be asked for; NOT asked in lb2, lb3: does not answer";
    assert_eq!(toast(&deck), says);
    lost(&mut deck, 0);
    press(&mut deck, "H");
    let says = "app/node2: cannot be asked for in any target now: lb1, lb2, lb3: does not answer";
    assert_eq!(toast(&deck), says);
}

#[test]
fn a_socket_that_only_lets_look_is_left_out_and_says_so() {
    let mut deck = deck(2);
    deck.stations[1].door = crate::door::Door::ReadSocket;
    to(&mut deck, "node2");
    press(&mut deck, "D");
    let (joint, commands) = question(&deck);
    assert_eq!(joint.places(deck.willing(joint)), "1 of 2 targets");
    let why = "read-only socket; admin.sock beside it lets change";
    assert_eq!(joint.shares[1].part, Part::Barred(why.to_owned()));
    assert_eq!(commands, ["evenkeel --socket /run/lb1 disable app/node2"]);
    assert_eq!(asked(&press(&mut deck, "y")), [0]);
    // Where it holds already it would refuse the command all the same.
    let mut deck = self::deck(2);
    deck.stations[1].door = crate::door::Door::ReadSocket;
    told(&mut deck, 1, |snapshot| {
        let member = &mut snapshot.balancers[0].members[1];
        member.status = member.status.with(Flag::Disabled, true);
    });
    to(&mut deck, "node2");
    press(&mut deck, "D");
    assert_eq!(question(&deck).1, commands);
}
