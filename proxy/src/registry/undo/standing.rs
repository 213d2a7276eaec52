//! Which edits still stand: an undo takes one back, and an undo of that undo makes it stand again.

use std::collections::HashMap;

use evenkeel_protocol::{Event, EventKind, Timestamp};

use crate::events::EventLog;

/// The edits that were taken back and stayed so, as far as events are remembered.
pub(super) struct Standing {
    /// The undo that took an edit back, by the number of the edit.
    undone: HashMap<u64, u64>,
}

impl Standing {
    /// How it is after all events that are kept.
    pub(super) fn now(events: &EventLog) -> Self {
        let undo = |event: &Event| undoes(event).map(|edit| (event.number, edit));
        let (undos, _) = events.recent(Timestamp(0), usize::MAX, undo);
        let mut undone = HashMap::new();
        // An undo can only be undone later, so from the end on it is known of each whether it stands.
        for (undo, edit) in undos.into_iter().rev() {
            if !undone.contains_key(&undo) {
                undone.entry(edit).or_insert(undo);
            }
        }
        Self { undone }
    }

    /// The undo that took this edit back; none: it stands.
    pub(super) fn undone_by(&self, edit: u64) -> Option<u64> {
        self.undone.get(&edit).copied()
    }

    /// Is everything now as if `later` had not been, looked at from the edit `before` it? So it is of one that was taken
    /// back, and of what took it back: an undo restores what was there, or is refused.
    pub(super) fn is_void(&self, later: &Event, before: u64) -> bool {
        self.undone_by(later.number).is_some() || undoes(later).is_some_and(|edit| edit > before)
    }
}

/// The number of the edit that this one undid; none: it is no undo.
pub(super) fn undoes(event: &Event) -> Option<u64> {
    match event.kind {
        EventKind::MemberEdited { undoes, .. } | EventKind::BalancerEdited { undoes, .. } => undoes,
        _ => None,
    }
}
