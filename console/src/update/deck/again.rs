//! What restarts of httpds have forgotten, set again as one act: one question names every target that has lost it of the
//! same member, and no other target is touched.

use crate::model::batch::Outcome;
use crate::model::deck::joint::{Part, Scope, Share};
use crate::model::deck::{Deck, roll};
use crate::model::forgotten::{self, Lot};
use crate::model::target::Target;
use crate::model::{Model, Tone};
use crate::update::{again, edit, gather};

/// Asks for the first member of which something was forgotten in any target.
pub(super) fn ask(deck: &mut Deck) {
    let all = deck.stations.iter().flat_map(Model::forgotten);
    let Some(first) = forgotten::first(all).cloned() else {
        return deck.tell(Tone::Plain, again::NOTHING);
    };
    let Some(target) = again::whose(&first) else {
        let whose = deck.stations.iter().find(|station| station.forgotten().contains(&first));
        let words = whose.map_or_else(String::new, |station| station.words.clone());
        return deck.tell(Tone::Plain, again::by_command(&first, &words));
    };
    if !super::joint::may_ask(deck) {
        return;
    }
    let lot = Lot::of(&first);
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
