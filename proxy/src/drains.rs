//! Drains as jobs of the process: begun, changed and cancelled by operators, looked at by a ticker of the control
//! thread, and kept over a restart.
//!
//! Two locks, so that a slow disk never hides what is true: `jobs` is held for a moment and never over an edit or a
//! write; `writer` is held over both and makes those who change something take turns. It is always taken first. A job
//! that somebody is changing is `acting`, and the ticker leaves its end to them. Nothing is told before it is written
//! down, unless the disk does not take it.

mod count;
mod deadline;
mod job;
mod jobs;
mod seen;
mod sessions;
mod sight;
mod store;
#[cfg(test)]
mod storm;
mod telling;
mod words;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_protocol::{
    BalancerName, Change, Code, Drain, DrainAnswer, DrainCancel, DrainChange, DrainOrder, DrainOutcome,
    MemberEdit, MemberName, Peer, Refusal,
};
use tokio::sync::Notify;

use crate::registry::Registry;
use crate::{clock, limits};
use job::{End, Job, Terms};
use jobs::Jobs;
use store::Store;

pub(crate) use sight::run;

/// All drains of the process.
#[derive(Debug)]
pub(crate) struct Drains {
    registry: Arc<Registry>,
    jobs: Mutex<Jobs>,
    writer: Mutex<Store>,
    /// Told when there is something to look at.
    begun: Notify,
    /// Is somebody about to write down how much time is left?
    saving: AtomicBool,
}

impl Drains {
    /// The drains of a run folder, with those from before a restart.
    pub(crate) fn open(registry: Arc<Registry>, folder: &Path) -> Self {
        let (store, kept) = Store::open(folder, registry.keeps_edits());
        let mut jobs = Jobs::restored(kept, clock::now(), clock::wall());
        for job in jobs.all_mut() {
            if job.untold.is_none() && telling::is_lost(registry.events(), job) {
                job.untold = Some(clock::now());
            }
        }
        let drains = Self {
            registry,
            jobs: Mutex::new(jobs),
            writer: Mutex::new(store),
            begun: Notify::new(),
            saving: AtomicBool::new(false),
        };
        let ends = drains.write(&mut drains.writer());
        drains.tell_ends(&ends);
        drains
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Store> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All drains as they stand, by number. They are looked at for it: whoever is told that a member is safe to stop may
    /// stop it on the spot.
    pub(crate) fn list(&self) -> Vec<Drain> {
        self.look();
        let (now, wall) = (clock::now(), clock::wall());
        self.jobs().all().map(|job| job.show(now, wall)).collect()
    }

    /// One drain as it stands.
    ///
    /// # Errors
    ///
    /// There is none of that number.
    pub(crate) fn find(&self, number: u64) -> Result<Drain, Refusal> {
        self.look();
        let jobs = self.jobs();
        jobs.get(number).map(|job| job.show(clock::now(), clock::wall())).ok_or_else(|| missing(number))
    }

    /// Drains a member, or adjusts the drain that it has. It may wait for a disk.
    ///
    /// # Errors
    ///
    /// There is no such member, somebody changed it since, or there are too many drains.
    pub(crate) fn begin(
        &self,
        balancer: &BalancerName,
        selector: &str,
        order: &DrainOrder,
        by: Option<Peer>,
    ) -> Result<DrainAnswer, Refusal> {
        let mut store = self.writer();
        let member = self.registry.find(balancer)?.resolve(selector)?;
        self.refuse_too_many(balancer, &member)?;
        let edit = MemberEdit {
            drain: Some(true),
            force: order.force,
            revision: order.revision,
            reason: order.reason.clone(),
            ..MemberEdit::default()
        };
        let edited = self.registry.edit_member(balancer, member.as_str(), &edit, by.clone())?;
        self.look();
        let running = self.jobs().of(balancer, &member).map(|job| (job.number, job.is_running()));
        let (number, is_new, changes) = match running {
            Some((number, true)) => {
                (number, false, self.adjust(number, &Terms::asked(order), (order, by), &mut store))
            }
            Some((number, false)) if !edited.changed && self.still_holds(number, order) => {
                (number, false, Vec::new())
            }
            _ => (self.add((balancer, &member), (order, by), &mut store), true, Vec::new()),
        };
        self.look();
        self.save(&mut store);
        let drain = self.find(number)?;
        let changed = is_new || !changes.is_empty() || edited.changed;
        Ok(DrainAnswer { changed, changes, drain, edited: Some(edited) })
    }

    fn refuse_too_many(&self, balancer: &BalancerName, member: &MemberName) -> Result<(), Refusal> {
        let jobs = self.jobs();
        let known = jobs.of(balancer, member).is_some_and(Job::is_running);
        if known || jobs.all().filter(|job| job.is_running()).count() < limits::DRAINS {
            return Ok(());
        }
        let why = format!("there are {} drains already; cancel one of them", limits::DRAINS);
        Err(Refusal::new(Code::Unavailable, why))
    }

    /// Did a drain come to its end as `order` asks for, and does that still hold?
    fn still_holds(&self, number: u64, order: &DrainOrder) -> bool {
        let jobs = self.jobs();
        jobs.get(number).is_some_and(|job| {
            let reached = job.end.as_ref().is_some_and(|end| end.outcome.is_reached() && !end.let_go);
            reached && job.terms.with(&Terms::asked(order)) == job.terms && job.holds(clock::now())
        })
    }

    fn add(
        &self,
        (balancer, member): (&BalancerName, &MemberName),
        (order, by): (&DrainOrder, Option<Peer>),
        store: &mut Store,
    ) -> u64 {
        let number = {
            let mut jobs = self.jobs();
            let number = jobs.take_number();
            let mut job = Job::new((number, balancer, member), order, (clock::now(), clock::wall()));
            // Nothing is told of it before its beginning is, which has to know whether it is durable.
            (job.by, job.acting) = (by, true);
            jobs.insert(job);
            number
        };
        self.save(store);
        let began = self.jobs().get_mut(number).map(|job| {
            job.acting = false;
            job.began_event()
        });
        tracing::info!(%balancer, %member, drain = number, "drain begun");
        if let Some(began) = began {
            self.registry.events().publish(began);
        }
        self.begun.notify_one();
        number
    }

    /// Changes what a drain waits for, with an event; what of it is something else now.
    fn adjust(
        &self,
        number: u64,
        asked: &Terms,
        (order, by): (&DrainOrder, Option<Peer>),
        store: &mut Store,
    ) -> Vec<Change> {
        let changes = self.jobs().get_mut(number).map(|job| {
            let changes = job.replan(asked, clock::now());
            if !changes.is_empty() {
                job.changed_by.clone_from(&by);
            }
            changes
        });
        let changes = changes.unwrap_or_default();
        if changes.is_empty() {
            return changes;
        }
        self.save(store);
        let reason = order.reason.as_ref().map(|reason| reason.as_str().to_owned());
        let told = self.jobs().get(number).map(|job| job.changed_event(changes.clone(), by, reason));
        if let Some(told) = told {
            self.registry.events().publish(told);
        }
        changes
    }

    /// Changes a drain that runs. It may wait for a disk.
    ///
    /// # Errors
    ///
    /// There is no such drain, it has ended, or the change contradicts itself.
    pub(crate) fn change(
        &self,
        number: u64,
        change: &DrainChange,
        by: Option<Peer>,
    ) -> Result<DrainAnswer, Refusal> {
        let mut store = self.writer();
        if self.jobs().untold().next().is_some() {
            // The refusal may tell it.
            self.save(&mut store);
        }
        let asked = {
            let jobs = self.jobs();
            let job = jobs.get(number).ok_or_else(|| missing(number))?;
            if let Some(end) = &job.end {
                let why = format!("drain {number} has ended ({}): {}", end.outcome, end.why);
                return Err(Refusal::new(Code::Stale, why));
            }
            job.asked(change, clock::now())?
        };
        let order = DrainOrder { reason: change.reason.clone(), ..DrainOrder::default() };
        let changes = self.adjust(number, &asked, (&order, by), &mut store);
        self.look();
        self.save(&mut store);
        Ok(DrainAnswer { changed: !changes.is_empty(), changes, drain: self.find(number)?, edited: None })
    }

    /// Ends a drain. It may wait for a disk.
    ///
    /// # Errors
    ///
    /// There is no such drain, or the member cannot be restored.
    pub(crate) fn cancel(
        &self,
        number: u64,
        cancel: &DrainCancel,
        by: Option<Peer>,
    ) -> Result<DrainAnswer, Refusal> {
        let mut store = self.writer();
        let (balancer, member, was_running) = {
            let mut jobs = self.jobs();
            let job = jobs.get_mut(number).ok_or_else(|| missing(number))?;
            job.acting = true;
            (job.balancer.clone(), job.member.clone(), job.is_running())
        };
        let restore = cancel.restore == Some(true);
        let edited = restore.then(|| {
            let edit =
                MemberEdit { drain: Some(false), reason: cancel.reason.clone(), ..MemberEdit::default() };
            self.registry.edit_member(&balancer, member.as_str(), &edit, by.clone())
        });
        let edited = match edited.transpose() {
            Ok(edited) => edited,
            Err(why) => {
                if let Some(job) = self.jobs().get_mut(number) {
                    job.acting = false;
                }
                return Err(why);
            }
        };
        let why = words::cancelled(restore, by.as_ref(), cancel.reason.as_ref());
        self.end(number, End { let_go: restore, ..End::now(DrainOutcome::Cancelled, why, by) });
        self.save(&mut store);
        let changed = was_running || edited.as_ref().is_some_and(|edited| edited.changed);
        Ok(DrainAnswer { changed, changes: Vec::new(), drain: self.find(number)?, edited })
    }

    /// Ends a job, unless it has ended before. That is told when it is written down.
    fn end(&self, number: u64, end: End) {
        self.jobs().end(number, end, clock::now());
    }
}

fn missing(number: u64) -> Refusal {
    let why = format!(
        "there is no drain {number}; it may have ended long ago, and GET /v1/drains shows those there are"
    );
    Refusal::field(Code::NotFound, "number", why)
}
