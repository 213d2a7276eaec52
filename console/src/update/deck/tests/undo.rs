//! What was done in all targets, taken back.

use super::*;

/// Which targets are asked to take a change back.
fn undone(deeds: &[Deed]) -> Vec<usize> {
    let undo = |(_, effect): &&Deed| matches!(effect, Effect::Undo { .. });
    deeds.iter().filter(undo).map(|(at, _)| *at).collect()
}

#[test]
fn the_last_act_is_taken_back_where_it_was_done_and_then_the_one_before_it() {
    let mut deck = deck(3);
    press(&mut deck, "u");
    assert!(toast(&deck).starts_with("nothing was done in all targets from here"), "{}", toast(&deck));
    disabled(&mut deck, &[1]);
    assert_eq!(undone(&press(&mut deck, "u")), NOBODY);
    let Some(Over::Confirm { joint, .. }) = &deck.over else { panic!("{}", toast(&deck)) };
    assert_eq!((joint.verb, joint.asked().collect::<Vec<_>>()), ("Undo the change of", vec![0, 2]));
    assert_eq!(undone(&press(&mut deck, "⏎u")), NOBODY, "Enter is no yes");
    assert_eq!(undone(&press(&mut deck, "y")), [0, 2]);
    for at in [0, 2] {
        let back = hear(
            &mut deck,
            at,
            News::Answer {
                ticket: Ticket(2),
                outcome: Ok(Box::new(Edited { revision: 6, ..sample::edited("disabled", "On", "Off") })),
            },
        );
        assert_eq!(asked(&back), NOBODY);
        assert_eq!(deck.stations[at].own.last(), None);
    }
    assert!(deck.joint().unwrap().is_over() && !deck.joint().unwrap().is_partial());
    press(&mut deck, &[Key::Esc, Key::Char('u')]);
    assert!(toast(&deck).starts_with("nothing was done in all targets from here"), "{}", toast(&deck));
}

#[test]
fn what_was_changed_in_a_target_since_is_taken_back_there_first() {
    let mut deck = deck(2);
    disabled(&mut deck, &[]);
    assert!(toast(&deck).ends_with("u undoes"), "{}", toast(&deck));
    let later = Edited { event: Some(10), ..sample::edited("lbset", "0", "1") };
    deck.stations[1].own.push(sample::subject("node1", 3), &later);
    press(&mut deck, "u");
    let Some(Over::Confirm { joint, .. }) = &deck.over else { panic!("{}", toast(&deck)) };
    assert!(matches!(&joint.shares[1].part, Part::Barred(why) if why.contains("takes that back first")));
    assert_eq!(undone(&press(&mut deck, "y")), [0]);
    assert!(!deck.joint().unwrap().shares[1].holds());
    shows(&mut deck, &[1], &[]);
    assert!(deck.joint().unwrap().shares[1].holds(), "it was taken back there by hand");
    // It was taken back in the target itself.
    let mut deck = self::deck(2);
    disabled(&mut deck, &[]);
    deck.stations[0].own.forget_last();
    press(&mut deck, "u");
    assert_eq!(undone(&press(&mut deck, "y")), [1]);
}

#[test]
fn results_are_taken_back_from_their_box_with_the_command_of_each_target() {
    let mut deck = deck(2);
    disabled(&mut deck, &[]);
    press(&mut deck, "r");
    assert_eq!(deck.context(), Context::FleetResults);
    press(&mut deck, "u");
    let Some(Over::Confirm { joint, .. }) = &deck.over else { panic!("{}", toast(&deck)) };
    let commands = ["evenkeel --socket /run/lb1 undo 9", "evenkeel --socket /run/lb2 undo 9"];
    assert_eq!(deck.commands(joint), commands);
    assert_eq!(undone(&press(&mut deck, "y")), [0, 1]);
    assert_eq!(press(&mut deck, "y"), [(0, Effect::Yank(commands.join("\n")))]);
}

#[test]
fn a_removal_is_taken_back_in_each_target_that_let_it_go() {
    const URL: &str = "http://app2.example.com:8080";
    let mut deck = deck(3);
    let moved = |revision, before: &str, after: &str| {
        let member = Some(sample::target("node2").member);
        Edited { member, revision, ..sample::edited("member", before, after) }
    };
    let removed = || moved(2, &format!("{URL} route=node2"), "");
    to(&mut deck, "node2");
    press(&mut deck, "Xnode2⏎");
    for at in 0..3 {
        let outcome = if at == 1 { Err("the journal is full") } else { Ok(removed()) };
        answer(&mut deck, at, outcome);
    }
    for at in [0, 2] {
        told(&mut deck, at, |snapshot| {
            snapshot.balancers[0].members.remove(1);
            snapshot.balancers[0].revision = 2;
        });
    }
    press(&mut deck, "u");
    let Some(Over::Confirm { joint, .. }) = &deck.over else { panic!("{}", toast(&deck)) };
    assert_eq!((joint.verb, joint.asked().collect::<Vec<_>>()), ("Undo the removal of", vec![0, 2]));
    assert_eq!(deck.willing(joint), 2);
    let commands = ["evenkeel --socket /run/lb1 undo 9", "evenkeel --socket /run/lb3 undo 9"];
    assert_eq!(deck.commands(joint), commands);
    assert_eq!(undone(&press(&mut deck, "⏎uy")), [0, 2], "Enter is no yes");
    let ticket = |deck: &Deck, at: usize| deck.stations[at].decided.as_ref().unwrap().0;
    let back = moved(3, "", URL);
    let tickets = [0, 2].map(|at| ticket(&deck, at));
    hear(&mut deck, 0, News::Answer { ticket: tickets[0], outcome: Ok(Box::new(back)) });
    assert!(!deck.joint().unwrap().is_over(), "what became of the removal is no answer to this");
    hear(&mut deck, 2, News::Answer { ticket: tickets[1], outcome: Err("it is there again".to_owned()) });
    let joint = deck.joint().unwrap();
    assert_eq!(joint.sentence(), "Undo the removal of app/node2: done in ONLY 1 of 2 targets");
    assert!(
        matches!(&joint.shares[0].part, Part::Act(Outcome::Done(text)) if text == "app/node2 (app2.example.com:8080) is added")
    );
    assert!(matches!(&joint.shares[1].part, Part::Act(Outcome::Refused(why)) if why == "it is there again"));
    assert_eq!(deck.stations[0].own.last(), None);
}

#[test]
fn what_somebody_has_taken_back_everywhere_is_not_offered_to_be_taken_back() {
    let mut deck = deck(2);
    disabled(&mut deck, &[]);
    assert!(deck.is_undoable());
    shows(&mut deck, &[0], &[Flag::Drain]);
    assert!(deck.is_undoable(), "there is still the other one");
    shows(&mut deck, &[1], &[]);
    assert!(!deck.is_undoable());
    press(&mut deck, "u");
    assert!(toast(&deck).starts_with("nothing was done in all targets from here"), "{}", toast(&deck));
}

#[test]
fn a_target_that_was_restarted_since_is_named_with_the_command_that_takes_it_back_there() {
    let restarted = |deck: &mut Deck, at: usize, on: bool| {
        told(deck, at, |snapshot| {
            snapshot.proxy.started.0 += 1;
            let member = &mut snapshot.balancers[0].members[1];
            (member.status, member.revision) = (member.status.with(Flag::Disabled, on), 0);
        });
    };
    let says = "restarted since; `evenkeel --socket /run/lb2 undo 9` takes it back there";
    let mut deck = deck(2);
    disabled(&mut deck, &[]);
    restarted(&mut deck, 1, true);
    press(&mut deck, "u");
    let (joint, _) = question(&deck);
    assert_eq!(joint.asked().collect::<Vec<_>>(), [0]);
    assert_eq!(joint.shares[1].part, Part::Barred(says.to_owned()));
    assert_eq!(joint.places(deck.willing(joint)), "1 of 2 targets");
    assert_eq!(undone(&press(&mut deck, "y")), [0]);
    let outcome = Ok(Edited { revision: 6, ..sample::edited("disabled", "On", "Off") });
    answer_to(&mut deck, (0, 2), outcome);
    assert!(deck.joint().unwrap().is_partial());
    shows(&mut deck, &[0], &[]);
    // There is nothing else of it; the act before it is next.
    assert_eq!(undone(&press(&mut deck, &[Key::Esc, Key::Char('u')])), NOBODY);
    assert!(toast(&deck).contains(&format!("lb2: {says}; u asks for the act before it")), "{}", toast(&deck));
    press(&mut deck, "u");
    assert!(toast(&deck).starts_with("nothing was done in all targets from here"), "{}", toast(&deck));
    // The restart has lost it, or it was taken back there.
    let mut deck = self::deck(2);
    disabled(&mut deck, &[]);
    restarted(&mut deck, 1, false);
    press(&mut deck, "u");
    assert_eq!(question(&deck).0.shares.len(), 1);
    // What was not kept has a number that may mean something else by now.
    let mut deck = self::deck(2);
    to(&mut deck, "node2");
    press(&mut deck, "Dy");
    for at in 0..2 {
        answer(&mut deck, at, Ok(Edited { durable: false, ..sample::edited("disabled", "Off", "On") }));
    }
    shows(&mut deck, &[0], &[Flag::Disabled]);
    restarted(&mut deck, 1, true);
    press(&mut deck, "u");
    let Part::Barred(why) = &question(&deck).0.shares[1].part else { panic!("{:?}", deck.over) };
    assert!(why.contains("`evenkeel --socket /run/lb2 set app/node2 disabled=off`"), "{why}");
}
