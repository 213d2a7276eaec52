//! Two targets, or three, and what keys and news do to them.

use std::time::Duration;

use evenkeel_protocol::{Edited, Flag, Moment, Snapshot};

use super::*;
use crate::keymap::FLEET_ROWS;
use crate::model::batch::Outcome;
use crate::model::deck::asked::What;
use crate::model::deck::joint::Part;
use crate::model::lock::Lock;
use crate::model::{Popup, Seen, sample};
use crate::need::{Job, Need};
use crate::news::Ticket;
use crate::update::hands::Keys;

const NOBODY: [usize; 0] = [];
const NOTHING: [&str; 0] = [];

/// Targets lb1, lb2 and so on, each with the members of the sample, all open for changes.
fn deck(count: usize) -> Deck {
    sample::deck(count)
}

fn press(deck: &mut Deck, keys: &(impl Keys + ?Sized)) -> Vec<Deed> {
    let mut deeds = Vec::new();
    for key in keys.keys() {
        deeds.extend(deal(deck, Message::Key(key)));
        deal(deck, Message::Painted);
    }
    deeds
}

/// To the row of a member of app.
fn to(deck: &mut Deck, route: &str) {
    deck.pick = Pick::Member(sample::target(route));
}

fn told(deck: &mut Deck, at: usize, change: impl FnOnce(&mut Snapshot)) {
    let mut snapshot = sample::snapshot(62);
    change(&mut snapshot);
    hear(deck, at, News::Snapshot(Box::new(snapshot)));
}

fn lost(deck: &mut Deck, at: usize) {
    hear(deck, at, News::Lost { why: "no socket".to_owned(), next_try: Duration::from_secs(1) });
}

fn answer(deck: &mut Deck, at: usize, outcome: Result<Edited, &str>) -> Vec<Deed> {
    answer_to(deck, (at, 1), outcome)
}

/// An answer to what was asked of a target with that number.
fn answer_to(deck: &mut Deck, (at, ticket): (usize, u64), outcome: Result<Edited, &str>) -> Vec<Deed> {
    let outcome = outcome.map(Box::new).map_err(str::to_owned);
    hear(deck, at, News::Answer { ticket: Ticket(ticket), outcome })
}

/// The question that is open, and its commands.
fn question(deck: &Deck) -> (&crate::model::deck::joint::Joint, Vec<String>) {
    let Some(Over::Confirm { joint, .. }) = &deck.over else { panic!("{:?} {}", deck.over, toast(deck)) };
    (joint, deck.commands(joint))
}

/// Which targets are asked for an edit.
fn asked(deeds: &[Deed]) -> Vec<usize> {
    let is_edit = |effect: &Effect| {
        matches!(effect, Effect::EditMember { .. } | Effect::Drain { .. } | Effect::RemoveMember { .. })
    };
    deeds.iter().filter(|(_, effect)| is_edit(effect)).map(|(at, _)| *at).collect()
}

fn toast(deck: &Deck) -> &str {
    deck.toast.as_ref().map_or("", |toast| toast.text.as_str())
}

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
fn the_lock_is_one_for_all() {
    let mut deck = deck(2);
    deck.lock.close();
    deck.share_lock();
    to(&mut deck, "node2");
    assert_eq!(press(&mut deck, "D"), []);
    assert!(toast(&deck).contains("press L"));
    press(&mut deck, "Ly");
    assert!(deck.stations.iter().all(|station| station.lock.is_open()));
    // Into a target, and locked there.
    deck.pick = Pick::Station(1);
    press(&mut deck, "\n");
    assert_eq!(deck.focus, Focus::One(1));
    press(&mut deck, "L");
    assert!(!deck.lock.is_open() && !deck.stations[0].lock.is_open());
    press(&mut deck, "F");
    assert_eq!((deck.focus, &deck.pick), (Focus::All, &Pick::Station(1)));
}

#[test]
fn it_locks_itself_only_when_nothing_goes_on_in_any_target() {
    let mut deck = deck(2);
    deck.lock = Lock::new(true, Some(Duration::from_secs(600)));
    let own = sample::edited("drain", "Off", "On");
    deck.stations[1].own.push(sample::subject("node2", 4), &own);
    deal(&mut deck, Message::Tick(sample::clock(5000)));
    assert!(deck.lock.is_open(), "node2 still drains in lb2");
    deck.stations[1].own.restarted();
    deal(&mut deck, Message::Tick(sample::clock(5001)));
    assert!(!deck.lock.is_open() && toast(&deck).contains("no key was pressed"));
}

#[test]
fn enter_goes_into_a_target_or_to_a_member_where_it_is_worst() {
    let mut deck = deck(2);
    told(&mut deck, 1, |snapshot| {
        let error = snapshot.balancers[0].members[2].status;
        snapshot.balancers[0].members[0].status = error;
    });
    to(&mut deck, "node1");
    press(&mut deck, "\n");
    assert_eq!(deck.focus, Focus::One(1));
    assert_eq!(deck.stations[1].screen, Screen::Member(sample::target("node1")));
    assert!(deck.stations[1].gathered.changed, "what that screen needs is asked for");
}

#[test]
fn the_cursor_goes_over_targets_and_members_and_stays_with_what_it_is_on() {
    let mut deck = deck(2);
    let rows = deck.rows();
    assert_eq!(rows.len(), 2 + 6);
    press(&mut deck, "jjj");
    assert_eq!(deck.pick, rows[3]);
    told(&mut deck, 0, |snapshot| snapshot.balancers[0].members.reverse());
    assert_eq!(deck.pick, rows[3]);
    press(&mut deck, "G");
    assert_eq!(deck.pick, *deck.rows().last().unwrap());
    press(&mut deck, "g");
    assert_eq!(deck.pick, Pick::Station(0));
    assert_eq!(press(&mut deck, "D"), []);
    assert!(toast(&deck).contains("choose a member"));
}

#[test]
fn every_key_of_the_screen_of_all_does_something_and_only_yes_sends() {
    for row in FLEET_ROWS.iter().filter(|row| row.contexts.contains(&Context::Fleet)) {
        assert!(
            !row.help.is_empty() && deck(2).keymap.action(Context::Fleet, row.keys[0]) == Some(row.action),
            "{row:?}"
        );
        let mut deck = deck(2);
        to(&mut deck, "node2");
        let deeds = press(&mut deck, &[row.keys[0]]);
        assert_eq!(asked(&deeds), NOBODY, "{row:?}");
        // Who is added is written elsewhere, and there is nothing yet that could be taken back, or was forgotten.
        let asks = row.action.changes() && ![Action::Add, Action::Undo, Action::Again].contains(&row.action);
        assert_eq!(asks, matches!(deck.over, Some(Over::Confirm { .. })), "{row:?}");
    }
}

/// What the line that is open says against itself.
fn complaint(deck: &Deck) -> &str {
    let Some(Over::Palette(palette)) = &deck.over else { panic!("{:?}", deck.over) };
    palette.complaint().unwrap_or_default()
}

#[test]
fn a_line_is_taken_whole_and_no_letter_of_it_is_a_key() {
    for (line, wanted) in [
        (":undrain app/zz⏎", "no target has a member app/zz"),
        (":undrain app/node2 --keep-draining⏎", "evenkeel --group web undrain app/node2 --keep-draining"),
        (":set app/node2 lbfactor=2⏎", "goes into lb1"),
        (":dran app/node2⏎", "did you mean drain?"),
        (":filter busy>>⏎", ""),
    ] {
        let mut deck = deck(2);
        assert_eq!(press(&mut deck, line), [], "{line}");
        assert!(complaint(&deck).contains(wanted), "{line}: {}", complaint(&deck));
        assert!(deck.stations.iter().all(|station| station.popup.is_none()), "{line}");
        press(&mut deck, &[Key::Esc]);
        assert!(deck.over.is_none() && deck.joint().is_none(), "{line}");
    }
}

#[test]
fn a_command_means_the_member_it_names_in_all_targets_and_never_the_other_way_round() {
    let mut deck = deck(2);
    let members = |deck: &mut Deck, drained: bool| {
        for at in 0..2 {
            told(deck, at, |snapshot| {
                let member = &mut snapshot.balancers[0].members[1];
                member.status = member.status.with(Flag::Drain, drained);
            });
        }
    };
    members(&mut deck, true);
    assert_eq!(press(&mut deck, ":drain app/node2⏎"), []);
    assert!(toast(&deck).contains("it is so already"), "{}", toast(&deck));
    press(&mut deck, ":undrain app/node2⏎");
    let Some(Over::Confirm { joint, .. }) = &deck.over else { panic!("{:?}", deck.toast) };
    assert_eq!((joint.label.as_str(), deck.pick == Pick::Station(0)), ("app/node2", true));
    assert_eq!(asked(&press(&mut deck, "y")), [0, 1]);
}

#[test]
fn a_filter_narrows_the_members_and_what_is_hidden_is_not_acted_on() {
    let mut deck = deck(2);
    press(&mut deck, "/node2");
    assert_eq!(
        (deck.members(), deck.pick.clone()),
        (vec![sample::target("node2")], Pick::Member(sample::target("node2")))
    );
    assert_eq!(press(&mut deck, "⏎"), []);
    assert!(deck.over.is_none() && deck.joint().is_none(), "Enter keeps the filter and does nothing else");
    for at in 0..2 {
        told(&mut deck, at, |snapshot| drop(snapshot.balancers[0].members.remove(1)));
    }
    press(&mut deck, "D");
    assert!(toast(&deck).contains("no longer shown") && deck.over.is_none(), "{}", toast(&deck));
    press(&mut deck, &[Key::Esc, Key::Esc]);
    assert_eq!((deck.filter.text(), deck.members().len()), ("", 5));
    press(&mut deck, "/zz");
    press(&mut deck, &[Key::Esc]);
    assert_eq!(deck.filter.text(), "", "Esc takes back what was written");
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

/// node2 was disabled in all targets, but for those that refused it, and the others show it as that revision.
fn disabled(deck: &mut Deck, refused: &[usize]) {
    to(deck, "node2");
    press(deck, "Dy");
    for at in 0..deck.stations.len() {
        if refused.contains(&at) {
            answer(deck, at, Err("the journal is full"));
            continue;
        }
        answer(deck, at, Ok(Edited { revision: 5, ..sample::edited("disabled", "Off", "On") }));
        told(deck, at, |snapshot| {
            let member = &mut snapshot.balancers[0].members[1];
            (member.status, member.revision) = (member.status.with(Flag::Disabled, true), 5);
        });
    }
    press(deck, &[Key::Esc]);
}

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
    // It was taken back in the target itself.
    let mut deck = self::deck(2);
    disabled(&mut deck, &[]);
    deck.stations[0].own.forget_last();
    press(&mut deck, "u");
    assert_eq!(undone(&press(&mut deck, "y")), [1]);
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
fn a_single_target_is_as_ever() {
    let mut deck = Deck::new(vec![sample::model(80, 24)], "", Lock::new(true, None));
    assert_eq!(deck.focus, Focus::One(0));
    press(&mut deck, "F");
    assert_eq!(deck.focus, Focus::One(0));
    press(&mut deck, "H");
    assert!(matches!(deck.stations[0].popup, Some(Popup::Confirm(_))));
    assert_eq!(asked(&press(&mut deck, "y")), [0]);
}

#[test]
fn an_alarm_of_one_target_is_told_with_its_name() {
    let mut deck = deck(2);
    told(&mut deck, 1, |snapshot| snapshot.proxy.started.0 += 1);
    assert_eq!(toast(&deck), "lb2: the proxy was restarted: its counters begin anew");
    deck.clock.running = Moment(90_000_000);
    assert!(deck.end_toast());
}

/// These targets are httpds.
fn httpds(deck: &mut Deck, which: &[usize], change: impl Fn(&mut Snapshot)) {
    for at in which {
        told(deck, *at, |snapshot| {
            snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
            change(snapshot);
        });
    }
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

/// That httpd was restarted and has forgotten a setting of node2.
fn forgot(snapshot: &mut Snapshot, field: &str, value: &str) {
    let target = sample::target("node2");
    snapshot.balancers[0].members[1].status = snapshot.balancers[0].members[0].status;
    snapshot.forgotten = vec![evenkeel_protocol::Override {
        subject: evenkeel_protocol::Subject { balancer: target.balancer, member: Some(target.member) },
        field: field.to_owned(),
        value: value.to_owned(),
        why: String::new(),
        loss: evenkeel_protocol::Loss::default(),
    }];
}

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

/// node2 is so in these targets now.
fn shows(deck: &mut Deck, which: &[usize], flags: &[Flag]) {
    for at in which {
        told(deck, *at, |snapshot| {
            let member = &mut snapshot.balancers[0].members[1];
            let status = untouched(member.status);
            member.status = flags.iter().fold(status, |status, flag| status.with(*flag, true));
            member.revision = 9;
        });
    }
}

/// Without what an operator has set.
fn untouched(status: evenkeel_protocol::Status) -> evenkeel_protocol::Status {
    [Flag::Drain, Flag::Disabled, Flag::Standby]
        .into_iter()
        .fold(status, |status, flag| status.with(flag, false))
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
    assert_eq!(commands, [format!("evenkeel --group web {}", rest("no-sessions", "cut"))]);
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
