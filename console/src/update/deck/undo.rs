//! What was done last in all targets, taken back as one act: each target takes its own change back in its own way, by one
//! question, and says what came of it. A target in which nothing was done has no part in it.

use crate::keymap::Action;
use crate::model::batch::Outcome;
use crate::model::deck::Deck;
use crate::model::deck::asked::Asked;
use crate::model::deck::joint::{Joint, Part, Scope, Share};
use crate::model::deck::trace::{Left, Place};
use crate::model::{Model, Tone};
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
    if !super::joint::may_ask(deck, &trace.target) {
        return;
    }
    let mut shares = Vec::new();
    for place in &trace.places {
        let Some(station) = deck.stations.get_mut(place.station) else { continue };
        let part = match place.left(station) {
            Left::Nothing => continue,
            Left::Change => part(station, place),
            Left::ByCommand(line) => Part::Barred(format!("restarted since; `{line}` takes it back there")),
        };
        shares.push(Share { wanted: place.wanted(), ..Share::new(place.station, part) });
    }
    let is_left_here = trace.is_left_here(&deck.stations);
    let label = trace.label.clone();
    if let Err(shares) = super::joint::open(deck, Scope::Made, (trace.target, trace.label), shares) {
        let why = super::joint::barred(deck, &shares).unwrap_or_default();
        let mut rest = String::new();
        if !is_left_here {
            deck.traces.pop();
            rest = format!("; {} asks for the act before it", deck.keymap.way(Action::Undo));
        }
        deck.tell(Tone::Alarm, format!("{label}: not to be taken back from here: {why}{rest}"));
    }
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
    if Asked::of(station).is_none() {
        station.popup = None;
        return Part::Barred(said.map_or_else(String::new, |toast| toast.text));
    }
    gather(station);
    Part::Act(Outcome::Waiting)
}

/// The question is answered with no. What no target lets be taken back is not asked again: the act before it is next.
pub(super) fn let_go(deck: &mut Deck, joint: &Joint) {
    if is_undo(deck, joint) && deck.asked(joint).all(|asked| asked.denial().is_some()) {
        deck.traces.pop();
        let way = deck.keymap.way(Action::Undo);
        let text = format!("the change of {} stays as it is; {way} asks for the one before it", joint.label);
        deck.tell(Tone::Plain, text);
    }
}

/// Does an act take something back?
pub(super) fn is_undo(deck: &Deck, joint: &Joint) -> bool {
    deck.asked(joint).any(Asked::is_undo)
}
