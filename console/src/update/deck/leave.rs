//! Nobody ends the console unawares while a deadline depends on it.

use super::Deed;
use crate::effect::Effect;
use crate::keymap::{Action, Context};
use crate::message::Key;
use crate::model::deck::Deck;
use crate::model::leave::Leave;

/// What a key has led to, but for the end of the console where that has to be asked first.
pub(super) fn ask(deck: &mut Deck, mut deeds: Vec<Deed>) -> Vec<Deed> {
    if deeds.iter().any(|(_, effect)| *effect == Effect::Quit)
        && let Some(leave) = Leave::of(&deck.stations)
    {
        deeds.retain(|(_, effect)| *effect != Effect::Quit);
        (deck.leave, deck.changed) = (Some(leave), true);
    }
    deeds
}

/// A key while it is asked. What was typed ahead of the question is no answer to it.
pub(super) fn answer(deck: &mut Deck, key: Key) -> Vec<Deed> {
    let is_seen = deck.leave.as_ref().is_some_and(|leave| leave.seen);
    deck.changed = true;
    match deck.keymap.action(Context::Unlock, key) {
        Some(Action::Yes) if is_seen => vec![(0, Effect::Quit)],
        Some(Action::No) if is_seen => {
            deck.leave = None;
            Vec::new()
        }
        Some(Action::Quit) => vec![(0, Effect::Quit)],
        Some(Action::Suspend) => vec![(0, Effect::Suspend)],
        Some(Action::Repaint) => vec![(0, Effect::Repaint)],
        _ => Vec::new(),
    }
}
