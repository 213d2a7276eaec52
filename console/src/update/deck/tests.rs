//! Two targets, or three, and what keys and news do to them: here the screen of all itself.

mod drains;
mod outcomes;
mod questions;
mod undo;

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

/// These targets are httpds.
fn httpds(deck: &mut Deck, which: &[usize], change: impl Fn(&mut Snapshot)) {
    for at in which {
        told(deck, *at, |snapshot| {
            snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
            change(snapshot);
        });
    }
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

/// That httpd was restarted and has forgotten a setting of node2.
fn forgot(snapshot: &mut Snapshot, field: &str, value: &str) {
    snapshot.balancers[0].members[1].status = snapshot.balancers[0].members[0].status;
    snapshot.forgotten = vec![forgotten("node2", field, value)];
}

/// A setting of that member which was lost.
fn forgotten(route: &str, field: &str, value: &str) -> evenkeel_protocol::Override {
    let target = sample::target(route);
    evenkeel_protocol::Override {
        subject: evenkeel_protocol::Subject { balancer: target.balancer, member: Some(target.member) },
        field: field.to_owned(),
        value: value.to_owned(),
        why: String::new(),
        loss: evenkeel_protocol::Loss::default(),
    }
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
fn a_line_for_a_shell_can_be_run_in_every_target_that_it_names() {
    for (which, line, wanted) in [
        (
            &[1][..],
            "drain app/node2 --until idle",
            "in all, in a shell: evenkeel --group web drain app/node2 --until idle --wait",
        ),
        (
            &[1],
            "drain app/node2 --wait --settle 1s",
            "evenkeel --group web drain app/node2 --wait --settle 1s",
        ),
        (&[1], "undrain app/node2 --keep-draining", "evenkeel --group web undrain app/node2 --keep-draining"),
        (
            &[],
            "drain app/node2 --until no-sessions",
            "evenkeel --group web drain app/node2 --until no-sessions",
        ),
        (
            &[1],
            "drain app/node2 --until no-sessions",
            "in a shell, for lb1, lb3: evenkeel --socket /run/lb1 --socket /run/lb3 drain app/node2 --until no-sessions; \
             lb2 cannot: its page tells of no idle sessions",
        ),
        (
            &[0, 1],
            "drain app/node2 --timeout 9m --on-timeout=cut",
            "in a shell, for lb3: evenkeel --socket /run/lb3 drain app/node2 --timeout 9m --on-timeout=cut; lb1, lb2 \
             cannot: its page cuts nothing off",
        ),
        (
            &[0, 1, 2],
            "drain app/node2 --until no-sessions",
            "no target can do that: its page tells of no idle sessions",
        ),
    ] {
        let mut deck = deck(3);
        httpds(&mut deck, which, |_| {});
        assert_eq!(press(&mut deck, format!(":{line}⏎").as_str()), [], "{line}");
        assert!(complaint(&deck).ends_with(wanted), "{which:?} {line}: {}", complaint(&deck));
    }
}

#[test]
fn a_target_that_does_not_show_the_last_act_yet_is_not_left_out_of_the_next() {
    let mut deck = deck(2);
    shows(&mut deck, &[0, 1], &[]);
    to(&mut deck, "node2");
    press(&mut deck, "Dy");
    for at in 0..2 {
        answer(&mut deck, at, Ok(Edited { revision: 10, ..sample::edited("disabled", "Off", "On") }));
    }
    let shown = |deck: &mut Deck, at: usize| {
        told(deck, at, |snapshot| {
            let member = &mut snapshot.balancers[0].members[1];
            (member.status, member.revision) = (untouched(member.status).with(Flag::Disabled, true), 10);
        });
    };
    shown(&mut deck, 0);
    assert!(toast(&deck).contains("done in all 2 targets"), "{}", toast(&deck));
    press(&mut deck, &[Key::Esc]);
    for key in ["E", "D", "u", ":enable app/node2⏎"] {
        press(&mut deck, key);
        assert!(deck.over.is_none(), "{key}: {:?}", deck.over);
        let says = "app/node2: lb2 does not show yet what was last done to it; try again in a moment";
        assert_eq!(toast(&deck), says, "{key}");
    }
    shown(&mut deck, 1);
    assert_eq!(asked(&press(&mut deck, "Ey")), [0, 1]);
    // Who does not answer shows nothing, and holds nobody up.
    lost(&mut deck, 1);
    answer_to(&mut deck, (0, 2), Ok(Edited { revision: 11, ..sample::edited("disabled", "On", "Off") }));
    answer_to(&mut deck, (1, 2), Ok(Edited { revision: 11, ..sample::edited("disabled", "On", "Off") }));
    shows(&mut deck, &[0], &[]);
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
