//! What became of an act: told as done, as partial, as lost, and until when.

use super::*;

const NOTHING: [&str; 0] = [];

#[test]
fn whoever_has_gone_into_a_target_hears_how_it_ended() {
    let mut deck = deck(2);
    to(&mut deck, "node2");
    press(&mut deck, "Dy");
    press(&mut deck, &[Key::Esc, Key::Char('g'), Key::Enter]);
    answer(&mut deck, 0, Ok(sample::edited("disabled", "Off", "On")));
    answer(&mut deck, 1, Err("the journal is full"));
    let told = deck.stations[0].toast.as_ref().unwrap();
    assert!(told.tone == Tone::Alarm && told.text.contains("ONLY 1 of 2"), "{}", told.text);
}

#[test]
fn what_was_said_of_a_target_is_corrected_for_all() {
    let mut deck = deck(2);
    deck.stations[1].tell_until(Seen::Changeable, "nothing can be changed");
    deck.stations[1].station = Some("lb2".to_owned());
    deck.tell(Tone::Alarm, "lb2: nothing can be changed");
    told(&mut deck, 1, |_| {});
    assert_eq!(toast(&deck), "");
}

#[test]
fn what_is_not_done_everywhere_is_said_aloud_and_stays() {
    let mut deck = deck(3);
    to(&mut deck, "node2");
    press(&mut deck, "Dy");
    answer(&mut deck, 0, Ok(sample::edited("disabled", "Off", "On")));
    answer(&mut deck, 1, Err("the journal is full"));
    answer(&mut deck, 2, Ok(sample::edited("disabled", "Off", "On")));
    assert!(deck.joint().unwrap().sentence().contains("done in ONLY 2 of 3 targets"));
    assert!(matches!(deck.over, Some(Over::Results { .. })));
    press(&mut deck, &[Key::Esc]);
    assert!(deck.over.is_none() && deck.joint().unwrap().is_partial());
    // Where it holds, nothing is asked again.
    for at in [0, 2] {
        told(&mut deck, at, |snapshot| {
            let member = &mut snapshot.balancers[0].members[1];
            (member.status, member.revision) = (member.status.with(Flag::Disabled, true), 9);
        });
    }
    assert_eq!(asked(&press(&mut deck, "Dy")), [1]);
    answer_to(&mut deck, (1, 2), Ok(sample::edited("disabled", "Off", "On")));
    assert!(
        deck.joint().unwrap().is_over() && !deck.joint().unwrap().is_partial(),
        "{}",
        deck.joint().unwrap().sentence()
    );
}

#[test]
fn what_was_told_as_done_and_is_lost_later_is_told_as_lost() {
    let mut deck = deck(2);
    disabled(&mut deck, &[]);
    assert!(!deck.joint().unwrap().is_partial());
    let disables = |snapshot: &mut Snapshot| {
        let member = &mut snapshot.balancers[0].members[1];
        member.status = member.status.with(Flag::Disabled, true);
    };
    httpds(&mut deck, &[1], |snapshot| {
        forgot(snapshot, "lbset", "3");
        disables(snapshot);
    });
    assert!(!deck.joint().unwrap().is_partial(), "that was not what was done");
    deck.changed = false;
    httpds(&mut deck, &[1], |snapshot| forgot(snapshot, "disabled", "On"));
    let joint = deck.joint().unwrap();
    assert!(deck.changed && joint.is_partial());
    assert_eq!(joint.sentence(), "Disable app/node2: holds in ONLY 1 of 2 targets");
    assert_eq!(joint.shares[1].lost, Some("httpd was restarted"));
    // It was set again, in the target itself.
    httpds(&mut deck, &[1], disables);
    assert!(!deck.joint().unwrap().is_partial());
}

/// Of which acts it is to be read that they do not hold everywhere.
fn noticed(deck: &Deck) -> Vec<&'static str> {
    deck.noticed().map(|joint| joint.verb).collect()
}

#[test]
fn what_is_told_as_partial_is_told_until_it_holds_everywhere_whoever_did_it() {
    let mut deck = deck(2);
    disabled(&mut deck, &[1]);
    assert_eq!(noticed(&deck), ["Disable"]);
    shows(&mut deck, &[1], &[Flag::Disabled]);
    assert_eq!(noticed(&deck), NOTHING);
    assert_eq!(deck.joint().unwrap().sentence(), "Disable app/node2: holds in all 2 targets that have it");
    // Taken back by hand in one target, and then in the other.
    shows(&mut deck, &[0], &[]);
    assert_eq!(deck.joint().unwrap().sentence(), "Disable app/node2: holds in ONLY 1 of 2 targets");
    assert_eq!(noticed(&deck), ["Disable"]);
    shows(&mut deck, &[1], &[]);
    assert_eq!(noticed(&deck), NOTHING);
}

#[test]
fn what_is_told_as_partial_outlives_other_acts_and_gives_way_to_one_about_the_same() {
    let mut deck = deck(2);
    shows(&mut deck, &[0, 1], &[]);
    disabled(&mut deck, &[1]);
    shows(&mut deck, &[0], &[Flag::Disabled]);
    press(&mut deck, "Hy");
    for at in 0..2 {
        answer_to(&mut deck, (at, 2), Ok(sample::edited("standby", "Off", "On")));
    }
    assert!(deck.joint().unwrap().is_over());
    press(&mut deck, &[Key::Esc]);
    assert_eq!(noticed(&deck), ["Disable"]);
    press(&mut deck, "D");
    assert_eq!(noticed(&deck), ["Disable"], "a question is no act");
    press(&mut deck, "y");
    answer_to(&mut deck, (1, 3), Ok(sample::edited("disabled", "Off", "On")));
    assert_eq!((noticed(&deck), deck.joints.len()), (vec![], 1));
}

#[test]
fn what_is_told_as_partial_is_put_away_by_esc_until_there_is_news_of_it() {
    let mut deck = deck(3);
    disabled(&mut deck, &[1]);
    press(&mut deck, "/node2⏎");
    press(&mut deck, &[Key::Esc]);
    assert_eq!((deck.filter.text(), noticed(&deck).len()), ("", 1), "one level at a time");
    press(&mut deck, &[Key::Esc]);
    assert_eq!(noticed(&deck), NOTHING);
    press(&mut deck, "r");
    assert!(matches!(deck.over, Some(Over::Results { .. })), "it can be read again");
    press(&mut deck, &[Key::Esc]);
    shows(&mut deck, &[0], &[]);
    assert_eq!(noticed(&deck), ["Disable"]);
}

#[test]
fn no_result_of_before_stands_below_a_newer_act() {
    let mut deck = deck(2);
    disabled(&mut deck, &[]);
    assert!(toast(&deck).contains("done in all 2 targets"), "{}", toast(&deck));
    press(&mut deck, "H");
    press(&mut deck, "y");
    answer_to(&mut deck, (0, 2), Ok(sample::edited("standby", "Off", "On")));
    answer_to(&mut deck, (1, 2), Err("the journal is full"));
    assert_eq!((noticed(&deck), toast(&deck)), (vec!["Make a hot standby of"], ""));
}
