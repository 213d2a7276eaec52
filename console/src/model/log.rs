//! The last events, each once.

use std::collections::VecDeque;

use evenkeel_protocol::{Event, EventKind};

use crate::model::target::Target;

/// How many events are kept.
pub const KEPT: usize = 1000;

/// The last events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Log {
    events: VecDeque<Event>,
}

impl Log {
    /// Takes in an event; false if it was known already.
    pub fn push(&mut self, event: Event) -> bool {
        // After a lost connection the stream may tell again what it told before.
        if self.events.iter().rev().any(|known| known.number == event.number && known.at == event.at) {
            return false;
        }
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event);
        true
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// The number of the event that the proxy was started with, which is more than any revision of before.
    pub fn started(&self) -> Option<u64> {
        let started = |event: &&Event| matches!(event.kind, EventKind::Started);
        self.newest_first().find(started).map(|event| event.number)
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// All of them, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().rev()
    }

    /// Those with a number greater than `since`, the newest first.
    pub fn behind(&self, since: u64) -> impl Iterator<Item = &Event> {
        self.newest_first().filter(move |event| event.number > since)
    }

    /// Those about one member, the newest first.
    pub fn about<'a>(&'a self, target: &Target) -> impl Iterator<Item = &'a Event> {
        self.newest_first().filter(move |event| is_about(event, target))
    }

    /// The last edit of one member.
    pub fn last_edit(&self, target: &Target) -> Option<&Event> {
        self.about(target).find(|event| matches!(event.kind, EventKind::MemberEdited { .. }))
    }

    /// What changed one member last: an edit, or that one holds no longer after a reload.
    pub fn last_change(&self, target: &Target) -> Option<&Event> {
        let is_change = |event: &&Event| {
            matches!(event.kind, EventKind::MemberEdited { .. } | EventKind::OverrideDropped(_))
        };
        self.about(target).find(is_change)
    }
}

fn is_about(event: &Event, target: &Target) -> bool {
    event.kind.about() == Some((&target.balancer, Some(&target.member)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn events_are_kept_once_and_bounded() {
        let mut log = Log::default();
        assert!(log.push(sample::edited_event(1)));
        assert!(!log.push(sample::edited_event(1)));
        for number in 2..3000 {
            log.push(sample::edited_event(number));
        }
        assert_eq!(log.len(), KEPT);
        assert_eq!(log.newest_first().next().unwrap().number, 2999);
    }

    #[test]
    fn events_of_a_member_are_found() {
        let mut log = Log::default();
        log.push(sample::edited_event(1));
        log.push(sample::failed_event(2));
        assert_eq!(log.about(&sample::target("node2")).count(), 1);
        assert_eq!(log.last_edit(&sample::target("node2")).unwrap().number, 1);
        assert!(log.last_edit(&sample::target("node3")).is_none());
        assert_eq!(log.about(&sample::target("node3")).count(), 1);
    }
}
