//! The numbered log of what happened: bounded, and read by any number of followers at their own pace.
//!
//! A follower keeps only the number of the last event it saw, so a slow one costs nothing and is told what it missed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use evenkeel_protocol::{Event, EventKind, Timestamp};
use tokio::sync::watch;

use crate::{clock, limits};

/// All events since the start, of which the last ones are kept.
#[derive(Debug)]
pub(crate) struct EventLog {
    kept: Mutex<VecDeque<Event>>,
    last: watch::Sender<u64>,
    closed: AtomicBool,
}

impl EventLog {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::default(), last: watch::Sender::new(0), closed: AtomicBool::new(false) }
    }

    /// Numbers and keeps an event, and wakes the followers.
    pub(crate) fn publish(&self, kind: EventKind) -> u64 {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *self.last.borrow() + 1;
        if kept.len() == limits::EVENTS_KEPT {
            kept.pop_front();
        }
        kept.push_back(Event { number, at: clock::wall(), kind });
        self.last.send_replace(number);
        number
    }

    /// The number of the last event; 0 if there was none.
    pub(crate) fn last(&self) -> u64 {
        *self.last.borrow()
    }

    /// Tells when there are newer events.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// How many follow.
    pub(crate) fn followers(&self) -> usize {
        self.last.receiver_count()
    }

    /// Tells the followers that nothing more will come.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.last.send_modify(|_| {});
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The last kept event of that kind.
    pub(crate) fn find_last(&self, is_meant: impl Fn(&EventKind) -> bool) -> Option<Event> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().find(|event| is_meant(&event.kind)).cloned()
    }

    /// What `pick` takes of the last kept events since `from`, at most `most` of it, oldest first; and since when nothing
    /// is missing.
    pub(crate) fn recent<T>(
        &self,
        from: Timestamp,
        most: usize,
        pick: impl Fn(&Event) -> Option<T>,
    ) -> (Vec<T>, Timestamp) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = kept.front().filter(|first| first.number > 1).map(|first| first.at);
        let mut whole_from = forgotten.map_or(from, |first| first.max(from));
        let mut picked = Vec::new();
        for event in kept.iter().rev().take_while(|event| event.at >= from) {
            let Some(one) = pick(event) else { continue };
            if picked.len() == most {
                whole_from = Timestamp(event.at.0 + 1);
                break;
            }
            picked.push(one);
        }
        picked.reverse();
        (picked, whole_from)
    }

    /// Where a reader goes on that has read up to `since`: there, or at the beginning if that number was not given
    /// yet, because the proxy was restarted in between.
    pub(crate) fn resume(&self, since: u64) -> u64 {
        if since > self.last() { 0 } else { since }
    }

    /// At most `most` events after `since`, oldest first; the first says what is gone, if something is.
    pub(crate) fn after(&self, since: u64, most: usize) -> Vec<Event> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events = Vec::new();
        if let Some(first) = kept.front()
            && since + 1 < first.number
        {
            let missed = EventKind::Missed { from: since + 1, to: first.number - 1 };
            events.push(Event { number: first.number - 1, at: first.at, kind: missed });
        }
        events.extend(kept.iter().filter(|event| event.number > since).take(most).cloned());
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_numbered_and_resumable() {
        let log = EventLog::new();
        assert_eq!(
            (log.last(), log.publish(EventKind::Started), log.publish(EventKind::Stopping)),
            (0, 1, 2)
        );
        let numbers =
            |since, most| log.after(since, most).iter().map(|event| event.number).collect::<Vec<_>>();
        assert_eq!(numbers(0, 10), [1, 2]);
        assert_eq!(numbers(1, 10), [2]);
        assert_eq!(numbers(2, 10), [0u64; 0]);
        assert_eq!((log.resume(1), log.resume(2), log.resume(3)), (1, 2, 0));
        assert_eq!(numbers(0, 1), [1]);
    }

    #[test]
    fn recent_events_are_picked_and_what_is_left_off_is_told() {
        let log = EventLog::new();
        let start = clock::wall();
        for _ in 0..5 {
            log.publish(EventKind::Started);
            log.publish(EventKind::Stopping);
        }
        let pick = |event: &Event| (event.kind == EventKind::Stopping).then_some(event.number);
        assert_eq!(log.recent(start, 9, pick), (vec![2, 4, 6, 8, 10], start));
        let (picked, whole_from) = log.recent(start, 2, pick);
        assert_eq!(picked, [8, 10]);
        assert!(whole_from > start);
        assert_eq!(log.recent(Timestamp(u64::MAX), 9, pick).0, [0u64; 0]);
    }

    #[test]
    fn a_reader_that_is_too_slow_is_told_what_it_missed() {
        let log = EventLog::new();
        for _ in 0..limits::EVENTS_KEPT + 7 {
            log.publish(EventKind::Started);
        }
        let events = log.after(3, 2);
        assert_eq!(events[0].kind, EventKind::Missed { from: 4, to: 7 });
        assert_eq!(events.iter().map(|event| event.number).collect::<Vec<_>>(), [7, 8, 9]);
        assert_eq!(log.kept.lock().unwrap().len(), limits::EVENTS_KEPT);
    }
}
