//! What was done last in all targets, taken back as one act: each target takes its own change back in its own way, by one
//! question, and says what came of it. A target in which nothing was done has no part in it.

use crate::keymap::Action;
use crate::model::batch::Outcome;
use crate::model::deck::Deck;
use crate::model::deck::joint::{Joint, Part, Share};
use crate::model::deck::trace::Place;
use crate::model::{Model, Popup, Tone};
use crate::update::{gather, undo};

/// Asks whether to take back what was done last in all targets and is not taken back yet.
pub(super) fn ask(deck: &mut Deck) {
    while deck.traces.last().is_some_and(|trace| !trace.is_left(&deck.stations)) {
        deck.traces.pop();
    }
    let Some(trace) = deck.traces.last().cloned() else {
        let text =
            "nothing was done in all targets from here that could be taken back; in one: go in, u there";
        return deck.tell(Tone::Plain, text);
    };
    if !super::joint::may_ask(deck) {
        return;
    }
    let mut shares = Vec::new();
    for place in &trace.places {
        if let Some(station) = deck.stations.get_mut(place.station).filter(|it| place.is_left(it)) {
            shares.push(Share { station: place.station, part: part(station, place) });
        }
    }
    let Some(verb) = super::joint::verb(deck) else {
        let why = shares.into_iter().find_map(|share| match share.part {
            Part::Barred(why) => Some(why),
            _ => None,
        });
        let why = why.unwrap_or_default();
        return deck.tell(Tone::Alarm, format!("{}: not to be taken back from here: {why}", trace.label));
    };
    let (target, label) = (trace.target, trace.label);
    super::joint::open(deck, Joint { target, label, verb, command: None, shares });
}

/// What taking it back comes to in one target. Where it can be asked for, the question is opened there.
fn part(station: &mut Model, place: &Place) -> Part {
    if !station.is_connected() {
        return Part::Barred("does not answer".to_owned());
    }
    if !place.is_last(station) {
        return Part::Barred(
            "you changed something else there since: go in, u takes that back first".to_owned(),
        );
    }
    let before = station.toast.take();
    undo::ask(station);
    let said = std::mem::replace(&mut station.toast, before);
    match &station.popup {
        Some(Popup::Confirm(_)) => {
            gather(station);
            Part::Act(Outcome::Waiting)
        }
        // Who went comes back by a question of its own, with its settings before the operator's eyes.
        Some(_) => {
            station.popup = None;
            gather(station);
            Part::Barred("a removal is taken back in the target: go in, press u there".to_owned())
        }
        None => Part::Barred(said.map_or_else(String::new, |toast| toast.text)),
    }
}

/// The question is answered with no. What no target lets be taken back is not asked again: the act before it is next.
pub(super) fn let_go(deck: &mut Deck, joint: &Joint) {
    let denied = |at: usize| match deck.stations.get(at).map(|station| (station, &station.popup)) {
        Some((station, Some(Popup::Confirm(question)))) => station.denial(question).is_some(),
        _ => true,
    };
    if is_undo(deck, joint) && joint.asked().all(denied) {
        deck.traces.pop();
        let way = deck.keymap.way(Action::Undo);
        let text = format!("the change of {} stays as it is; {way} asks for the one before it", joint.label);
        deck.tell(Tone::Plain, text);
    }
}

/// Does an act take something back?
pub(super) fn is_undo(deck: &Deck, joint: &Joint) -> bool {
    joint.asked().any(|at| match deck.stations.get(at).map(|station| &station.popup) {
        Some(Some(Popup::Confirm(question))) => question.act.is_undo(),
        _ => false,
    })
}
