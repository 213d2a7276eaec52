//! The numbered log of what happened: bounded, and read by any number of followers at their own pace.
//!
//! A follower keeps only the number of the last event it saw, so a slow one costs nothing and is told what it missed.
//! Numbers go on over restarts as far as the files of the audit remember, and with them the revisions of what is edited.
//! Where those files are gone, or could not be written, both begin anew.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use evenkeel_protocol::{Event, EventKind, Timestamp};
use tokio::sync::watch;

use crate::audit::{Audit, Remembered, Shelf};
use crate::{clock, limits};

/// All events, of which the last ones of each shelf are kept.
#[derive(Debug)]
pub(crate) struct EventLog {
    kept: Mutex<[VecDeque<Event>; 3]>,
    last: watch::Sender<u64>,
    closed: AtomicBool,
    /// None: the system let no writer start.
    audit: Option<Audit>,
}

impl EventLog {
    /// Goes on where the audit files of a run folder end.
    pub(crate) fn open(folder: &Path) -> Self {
        let (audit, remembered) = match Audit::open(folder) {
            Ok((audit, remembered)) => (Some(audit), remembered),
            Err(why) => {
                tracing::error!(%why, "there is no audit: the system lets nobody write it");
                (None, Remembered::default())
            }
        };
        let mut kept: [VecDeque<Event>; 3] = Default::default();
        for event in remembered.events {
            put(&mut kept, event);
        }
        Self {
            kept: Mutex::new(kept),
            last: watch::Sender::new(remembered.last),
            closed: AtomicBool::new(false),
            audit,
        }
    }

    fn kept(&self) -> MutexGuard<'_, [VecDeque<Event>; 3]> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers and keeps an event, and wakes the followers. Waits for no disk.
    pub(crate) fn publish(&self, kind: EventKind) -> u64 {
        let mut kept = self.kept();
        let number = *self.last.borrow() + 1;
        let event = Event { number, at: clock::wall(), kind };
        if let Some(audit) = &self.audit {
            audit.write(event.clone());
        }
        put(&mut kept, event);
        self.last.send_replace(number);
        number
    }

    /// Waits a moment until the event of that number stands in its file; false: it does not.
    pub(crate) fn is_audited(&self, number: u64) -> bool {
        self.audit.as_ref().is_some_and(|audit| audit.has_written(number))
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

    /// The last kept act of that kind.
    pub(crate) fn find_last(&self, is_meant: impl Fn(&Event) -> bool) -> Option<Event> {
        let [acts, ..] = &*self.kept();
        acts.iter().rev().find(|event| is_meant(event)).cloned()
    }

    /// The number of the oldest act that is kept.
    pub(crate) fn oldest_act(&self) -> Option<u64> {
        let [acts, ..] = &*self.kept();
        acts.front().map(|event| event.number)
    }

    /// What `pick` takes of the last kept events since `from`, at most `most` of it, oldest first; and since when nothing
    /// is missing.
    pub(crate) fn recent<T>(
        &self,
        from: Timestamp,
        most: usize,
        pick: impl Fn(&Event) -> Option<T>,
    ) -> (Vec<T>, Timestamp) {
        let kept = self.kept();
        let full = kept.iter().filter(|shelf| shelf.len() == limits::EVENTS_KEPT);
        let mut whole_from =
            full.filter_map(|shelf| shelf.front()).map(|first| first.at).fold(from, Timestamp::max);
        let recent = kept.iter().flat_map(|shelf| shelf.iter().rev().take_while(|event| event.at >= from));
        let mut picked: Vec<_> =
            recent.filter_map(|event| Some((event.number, event.at, pick(event)?))).collect();
        picked.sort_unstable_by_key(|(number, ..)| *number);
        let surplus = picked.len().saturating_sub(most);
        if let Some((_, at, _)) = surplus.checked_sub(1).and_then(|last| picked.get(last)) {
            whole_from = Timestamp(at.0 + 1).max(whole_from);
        }
        (picked.into_iter().skip(surplus).map(|(.., one)| one).collect(), whole_from)
    }

    /// Where a reader goes on that has read up to `since`: there, or at the beginning if that number was not given
    /// yet, because it is another proxy's, or one of a time that the audit does not remember.
    pub(crate) fn resume(&self, since: u64) -> u64 {
        if since > self.last() { 0 } else { since }
    }

    /// Some events after `since`, at most `most`, oldest first. Wherever some are gone, an event says which.
    pub(crate) fn after(&self, since: u64, most: usize) -> Vec<Event> {
        let kept = self.kept();
        let mut heads = [0; 3];
        for (head, shelf) in heads.iter_mut().zip(kept.iter()) {
            *head = shelf.partition_point(|event| event.number <= since);
        }
        let (mut events, mut seen) = (Vec::new(), since);
        while events.len() < most {
            let next =
                heads.iter_mut().zip(kept.iter()).filter_map(|(head, shelf)| Some((shelf.get(*head)?, head)));
            let Some((event, head)) = next.min_by_key(|(event, _)| event.number) else { break };
            *head += 1;
            // At a start numbers are left out, not events.
            if event.number > seen + 1 && event.kind != EventKind::Started {
                let kind = EventKind::Missed { from: seen + 1, to: event.number - 1 };
                events.push(Event { number: event.number - 1, at: event.at, kind });
            }
            seen = event.number;
            events.push(event.clone());
        }
        events
    }
}

/// Keeps an event among those of its shelf.
fn put(kept: &mut [VecDeque<Event>; 3], event: Event) {
    if let Some(shelf) = kept.get_mut(Shelf::of(&event.kind) as usize) {
        if shelf.len() == limits::EVENTS_KEPT {
            shelf.pop_front();
        }
        shelf.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(log: &EventLog, since: u64, most: usize) -> Vec<u64> {
        log.after(since, most).iter().map(|event| event.number).collect()
    }

    fn heard() -> EventKind {
        EventKind::HeartbeatsHeard { balancer: "app".parse().unwrap() }
    }

    #[test]
    fn events_are_numbered_and_resumable() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open(folder.path());
        assert_eq!(
            (log.last(), log.publish(EventKind::Started), log.publish(EventKind::Stopping)),
            (0, 1, 2)
        );
        assert_eq!(numbers(&log, 0, 10), [1, 2]);
        assert_eq!(numbers(&log, 1, 10), [2]);
        assert_eq!(numbers(&log, 2, 10), [0u64; 0]);
        assert_eq!((log.resume(1), log.resume(2), log.resume(3)), (1, 2, 0));
        assert_eq!(numbers(&log, 0, 1), [1]);
    }

    #[test]
    fn recent_events_are_picked_and_what_is_left_off_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open(folder.path());
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
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open(folder.path());
        for _ in 0..limits::EVENTS_KEPT + 7 {
            log.publish(heard());
        }
        let events = log.after(3, 3);
        assert_eq!(events[0].kind, EventKind::Missed { from: 4, to: 7 });
        assert_eq!(events.iter().map(|event| event.number).collect::<Vec<_>>(), [7, 8, 9]);
    }

    #[test]
    fn a_storm_leaves_what_operators_did() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open(folder.path());
        for turn in 0..2 * limits::EVENTS_KEPT {
            log.publish(if turn % limits::EVENTS_KEPT == 1 { EventKind::Stopping } else { heard() });
        }
        let events = log.after(0, usize::MAX);
        let acts = events.iter().filter(|event| event.kind == EventKind::Stopping);
        assert_eq!(acts.map(|event| event.number).collect::<Vec<_>>(), [2, limits::EVENTS_KEPT as u64 + 2]);
        assert_eq!(events[0].kind, EventKind::Missed { from: 1, to: 1 });
        assert!(events.is_sorted_by_key(|event| event.number));
    }

    #[test]
    fn numbers_go_on_over_a_restart_and_skip_what_may_have_been_given() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open(folder.path());
        for kind in [EventKind::Started, heard(), EventKind::Stopping] {
            log.publish(kind);
        }
        assert!(log.is_audited(3));
        let again = EventLog::open(folder.path());
        assert_eq!(again.publish(EventKind::Started), 4);
        assert_eq!(numbers(&again, 1, 10), [2, 3, 4]);
        assert!(again.is_audited(4));
        // It was killed: numbers behind 4 may have been told to somebody.
        let third = EventLog::open(folder.path());
        let number = third.publish(EventKind::Started);
        assert_eq!(number, 5 + limits::AUDIT_WAITING as u64);
        assert_eq!(numbers(&third, 4, 10), [number], "left out, and not missed");
        assert_eq!(third.resume(7), 7);
    }

    #[test]
    fn a_disk_that_fails_is_told_and_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let log = EventLog::open(&gone);
        assert_eq!(log.publish(EventKind::Started), 1);
        assert!(!log.is_audited(1));
        std::fs::create_dir(&gone).unwrap();
        assert_eq!(log.publish(EventKind::Stopping), 2);
        assert!(log.is_audited(2));
    }
}
