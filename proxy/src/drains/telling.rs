//! Ends are told once, and after they were written down: no kill takes back what somebody has heard. A disk that fails or
//! hangs keeps nobody waiting for long.

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use evenkeel_protocol::{Event, EventKind};

use super::Drains;
use super::job::Job;
use super::store::Store;
use crate::events::EventLog;
use crate::{clock, limits};

impl Drains {
    /// Tells of the ends of these, each once.
    pub(super) fn tell_ends(&self, numbers: &[u64]) {
        for number in numbers {
            let told = self.jobs().get_mut(*number).and_then(Job::tell_end);
            let Some(told) = told else { continue };
            if let EventKind::DrainEnded { drain, balancer, member, outcome, why, .. } = &told {
                tracing::info!(%balancer, %member, drain, %outcome, why, "drain ended");
            }
            self.registry.events().publish(told);
        }
    }

    /// As [`Self::tell_ends`], but a drain that reached what does not hold any more goes on, unheard.
    fn tell_ends_that_hold(&self, numbers: &[u64]) {
        if numbers.is_empty() {
            return;
        }
        self.look();
        for job in self.jobs().all_mut().filter(|job| numbers.contains(&job.number)) {
            job.withdraw(clock::now());
        }
        self.tell_ends(numbers);
    }

    /// Tells of ends for which a disk that hangs has had time enough to write them down.
    pub(super) fn tell_overdue(&self) {
        let now = clock::now();
        let overdue: Vec<u64> = {
            let mut jobs = self.jobs();
            let is_overdue =
                |job: &Job| job.untold.is_some_and(|at| now.since(at) >= limits::DRAIN_WRITTEN_WITHIN);
            let overdue = jobs.all_mut().filter(|job| is_overdue(job)).map(|job| {
                job.durable = false;
                job.number
            });
            overdue.collect()
        };
        self.tell_ends_that_hold(&overdue);
    }

    /// Is something to be written down, where it was last so long ago? What the disk refused is tried again.
    pub(super) fn is_save_due(&self, since: Duration) -> bool {
        let (keeps, jobs) = (self.registry.keeps_edits(), self.jobs());
        let is_refused = |job: &Job| keeps && !job.durable;
        jobs.untold().next().is_some()
            || (since >= limits::DRAIN_SAVE && jobs.all().any(Job::is_running))
            || (since >= limits::DRAIN_SAVE_AGAIN && jobs.all().any(is_refused))
    }

    /// Writes down all jobs, and tells those ends that stand there then.
    pub(super) fn save(&self, store: &mut Store) {
        let ends = self.write(store);
        self.tell_ends_that_hold(&ends);
    }

    /// Writes down all jobs; each knows then whether it would survive a restart. Gives the ends that nobody was told.
    pub(super) fn write(&self, store: &mut Store) -> Vec<u64> {
        let persist = self.registry.keeps_edits();
        let (state, ends) = {
            let jobs = self.jobs();
            (jobs.state(clock::now(), clock::wall()), jobs.untold().collect())
        };
        store.save(&state, persist);
        for job in self.jobs().all_mut() {
            job.durable = store.has(&job.keep(clock::now()));
        }
        ends
    }

    /// The numbers of those that run and that a restart would not know, because the disk refuses them.
    pub(crate) fn refused(&self) -> Vec<u64> {
        if !self.registry.keeps_edits() {
            return Vec::new();
        }
        let jobs = self.jobs();
        // Of one that somebody is about to begin nothing is refused yet.
        let refused = jobs.all().filter(|job| job.is_running() && !job.acting && !job.durable);
        refused.map(|job| job.number).collect()
    }

    /// As [`Self::save`], somewhere else and once at a time.
    pub(super) fn save_later(self: &Arc<Self>) {
        if !self.saving.swap(true, Ordering::AcqRel) {
            let drains = Arc::clone(self);
            tokio::task::spawn_blocking(move || {
                drains.save(&mut drains.writer());
                drains.saving.store(false, Ordering::Release);
            });
        }
    }

    /// Writes everything down for the last time. Waits only a moment for a disk that hangs.
    pub(crate) fn close(self: &Arc<Self>) {
        let (drains, (done, waiting)) = (Arc::clone(self), mpsc::channel());
        let writes = move || {
            drains.save(&mut drains.writer());
            // Who waited may have gone.
            let _ = done.send(());
        };
        let writing = std::thread::Builder::new().name("drains".to_owned()).spawn(writes);
        if writing.is_err() || waiting.recv_timeout(limits::DRAIN_WRITTEN_WITHIN).is_err() {
            tracing::error!("drains could not be written down in time; the next start knows an older state");
        }
    }
}

/// Has it ended without anybody being told, as a kill leaves it? The log of events has to remember that time, and no end.
pub(super) fn is_lost(events: &EventLog, job: &Job) -> bool {
    let Some(end) = &job.end else { return false };
    let is_told = |event: &Event| {
        event.at >= job.began
            && matches!(event.kind, EventKind::DrainEnded { drain, .. } if drain == job.number)
    };
    events.find_last(|event| event.at <= end.at).is_some() && events.find_last(is_told).is_none()
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{DrainOrder, DrainOutcome, Moment, Span, Timestamp};

    use super::*;
    use crate::clock::stopped;
    use crate::drains::storm::{Layout, app, process};

    /// A drain that is begun, and comes to its end at the next look.
    fn about_to_end(drains: &Drains) -> u64 {
        let order =
            DrainOrder { settle: Span::from_millis(1_000), force: Some(true), ..DrainOrder::default() };
        let begun = drains.begin(&app(), "http://m3", &order, None).unwrap();
        assert!(begun.drain.is_running());
        stopped::at(Moment(2_000_000), Timestamp(2_000_000));
        drains.look();
        begun.drain.number
    }

    fn ends(drains: &Drains) -> usize {
        let events = drains.registry.events().after(0, usize::MAX);
        events.iter().filter(|event| matches!(event.kind, EventKind::DrainEnded { .. })).count()
    }

    #[test]
    fn nobody_hears_of_an_end_before_it_is_written_down_or_the_disk_had_its_time() {
        let folder = tempfile::tempdir().unwrap();
        stopped::at(Moment(0), Timestamp(0));
        let drains = process(&folder, Layout::FIRST);
        let number = about_to_end(&drains);
        let hangs = drains.writer();
        assert_eq!((drains.find(number).unwrap().outcome, ends(&drains)), (None, 0));
        drains.tell_overdue();
        assert_eq!(drains.find(number).unwrap().outcome, None);
        stopped::at(Moment(4_000_000), Timestamp(4_000_000));
        drains.tell_overdue();
        let told = drains.find(number).unwrap();
        assert_eq!((told.outcome, told.durable, ends(&drains)), (Some(DrainOutcome::SafeToStop), false, 1));
        drop(hangs);
        drains.save(&mut drains.writer());
        assert_eq!((drains.find(number).unwrap().durable, ends(&drains)), (true, 1));
    }

    #[test]
    fn an_end_that_a_kill_kept_from_being_told_is_told_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        stopped::at(Moment(0), Timestamp(0));
        let drains = process(&folder, Layout::FIRST);
        let number = about_to_end(&drains);
        assert_eq!(drains.write(&mut drains.writer()), [number]);
        let audited = drains.registry.events().last();
        assert!(drains.registry.events().is_audited(audited));
        for _ in 0..2 {
            let next = process(&folder, Layout::FIRST);
            assert_eq!(
                (next.find(number).unwrap().outcome, ends(&next)),
                (Some(DrainOutcome::SafeToStop), 1)
            );
            assert!(next.registry.events().is_audited(next.registry.events().last()));
        }
    }

    #[test]
    fn what_does_not_hold_any_more_when_it_could_be_told_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        stopped::at(Moment(0), Timestamp(0));
        let drains = process(&folder, Layout::FIRST);
        let number = about_to_end(&drains);
        let ends_here = drains.write(&mut drains.writer());
        let live = drains.registry.find(&app()).unwrap();
        let member = live.resolve("http://m3").unwrap();
        let edit = evenkeel_protocol::MemberEdit { drain: Some(false), ..Default::default() };
        drains.registry.edit_member(&app(), member.as_str(), &edit, None).unwrap();
        drains.tell_ends_that_hold(&ends_here);
        assert_eq!((drains.find(number).unwrap().outcome, ends(&drains)), (None, 0));
        drains.look();
        drains.save(&mut drains.writer());
        assert_eq!(drains.find(number).unwrap().outcome, Some(DrainOutcome::Cleared));
    }
}
