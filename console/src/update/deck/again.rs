//! What restarts of httpds have forgotten, set again as one act: one question names every target that has lost it of the
//! same member, and no other target is touched.

use std::cmp::Reverse;

use evenkeel_protocol::Override;

use crate::model::batch::Outcome;
use crate::model::deck::joint::{Part, Scope, Share};
use crate::model::deck::{Deck, Over, Pick, roll};
use crate::model::forgotten::{self, Lot};
use crate::model::target::Target;
use crate::model::{Model, Tone};
use crate::update::{again, edit, gather};

/// Asks for what was forgotten of the member that is read about, or else is under the cursor; then for what is seen to
/// first.
pub(super) fn ask(deck: &mut Deck) {
    let meant: Vec<&Target> = match (&deck.over, &deck.pick) {
        (Some(Over::Results { .. }), _) => deck.joint().map(|joint| &joint.target).into_iter().collect(),
        (_, Pick::Member(target)) => vec![target],
        (_, Pick::Station(_)) => Vec::new(),
    };
    match forgotten::first(lost(deck), &meant).cloned() {
        Some(first) => ask_for(deck, &first),
        None => deck.tell(Tone::Plain, again::NOTHING),
    }
}

/// Asks for what was forgotten of that member, and of no other.
pub(super) fn ask_of(deck: &mut Deck, target: &Target) {
    let of_it = lost(deck).filter(|lost| again::whose(lost).as_ref() == Some(target));
    let Some(first) = forgotten::first(of_it, &[]).cloned() else {
        let label = roll::label(&deck.stations, target);
        return deck.tell(Tone::Plain, format!("{label}: {}", again::NOTHING));
    };
    ask_for(deck, &first);
}

/// What was forgotten in any target; those that were restarted last come first.
fn lost(deck: &Deck) -> impl Iterator<Item = &Override> {
    let mut stations: Vec<&Model> = deck.stations.iter().collect();
    stations.sort_by_key(|station| Reverse(station.roster.snapshot().map(|seen| seen.proxy.started)));
    stations.into_iter().flat_map(Model::forgotten)
}

/// Asks for all that belongs to it, in every target that has forgotten it.
fn ask_for(deck: &mut Deck, first: &Override) {
    let Some(target) = again::whose(first) else {
        let whose = deck.stations.iter().find(|station| station.forgotten().contains(first));
        let words = whose.map_or_else(String::new, |station| station.words.clone());
        return deck.tell(Tone::Plain, again::by_command(first, &words));
    };
    if !super::joint::may_ask(deck, &target) {
        return;
    }
    let lot = Lot::of(first);
    let mut shares = Vec::new();
    for (at, station) in deck.stations.iter_mut().enumerate() {
        let has_lost = station.forgotten().iter().any(|lost| Lot::of(lost) == lot);
        if has_lost {
            shares.push(Share::new(at, part(station, &target, &lot)));
        }
    }
    let label = roll::label(&deck.stations, &target);
    if let Err(shares) = super::joint::open(deck, Scope::Lost, (target, label.clone()), shares) {
        let why = super::joint::barred(deck, &shares).unwrap_or_default();
        deck.tell(Tone::Alarm, format!("{label}: not to be set again from here: {why}"));
    }
}

/// What setting it again comes to in one target. Where it can be asked for, the question is opened there.
fn part(station: &mut Model, target: &Target, lot: &Lot) -> Part {
    if let Some(why) = edit::hindrance_for(station, std::slice::from_ref(target)) {
        return Part::Barred(why);
    }
    if !again::open(station, target, lot) {
        return Part::Barred(again::BEYOND.to_owned());
    }
    gather(station);
    Part::Act(Outcome::Waiting)
}
