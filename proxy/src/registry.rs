//! All balancers: the only place that knows there are locks, the one door for edits, and the publisher of events.
//!
//! An edit has one writer at a time: validate, write to the journal, apply, publish, answer. Elections never wait
//! for it, because the journal is written before a balancer's own lock is taken.

mod health;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_balancer::{Accepted, Ask, Balancer, Election, MemberId, NoMember, Outcome, Settled};
use evenkeel_protocol::selector::Candidate;
use evenkeel_protocol::{
    BalancerEdit, BalancerName, BalancerSnapshot, Code, Edited, EventKind, Hello, MemberEdit, MemberName,
    Moment, Peer, Recovery, Refusal, Selector, Snapshot,
};
use tokio::sync::Notify;

use crate::address::{Address, Numbers};
use crate::config::{BalancerConfig, Checks};
use crate::events::EventLog;
use crate::journal::{Journal, Restored};
use crate::{clock, limits};

/// A balancer that is shared by all threads.
pub(crate) struct LiveBalancer {
    pub(crate) name: BalancerName,
    paths: Vec<String>,
    /// By member number.
    addresses: Vec<Address>,
    core: Mutex<Balancer>,
    checks: Arc<Checks>,
    /// Told when a member may have become usable.
    changed: Notify,
    waiting: AtomicUsize,
}

impl fmt::Debug for LiveBalancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveBalancer({})", self.name)
    }
}

impl LiveBalancer {
    fn lock(&self) -> MutexGuard<'_, Balancer> {
        // The core keeps its invariants even where a caller panicked.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The route that a member has now.
    pub(crate) fn route(&self, member: MemberId) -> Option<String> {
        let core = self.lock();
        core.members().nth(member.0 as usize).map(|(_, _, route)| route.as_str().to_owned())
    }

    /// How the elected member is reached.
    pub(crate) fn address(&self, member: MemberId) -> Option<&Address> {
        self.addresses.get(member.0 as usize)
    }

    pub(crate) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// What was upgraded lives on in a drain; a member that is stopped carries nothing any more.
    fn end_tunnels_if_stopped(&self, member: &MemberName) {
        let stopped = self.lock().is_stopped(member);
        if stopped && let Some(address) = self.addresses.iter().find(|address| address.name == *member) {
            address.end_tunnels();
        }
    }

    /// Until the member at `address` is stopped; at once if it is.
    pub(crate) async fn stopped(&self, address: &Address) {
        // Listens before it looks, so that no stop falls in between.
        let told = address.stopped();
        let stopped = self.lock().is_stopped(&address.name);
        if !stopped {
            told.await;
        }
    }

    pub(crate) fn snapshot(&self) -> BalancerSnapshot {
        let mut snapshot = self.lock().snapshot(clock::now(), clock::wall());
        snapshot.paths.clone_from(&self.paths);
        snapshot
    }

    /// The one member that fits a selector within this balancer.
    pub(crate) fn resolve(&self, selector: &str) -> Result<MemberName, Refusal> {
        let core = self.lock();
        let candidates =
            core.members().map(|(_, member, route)| Candidate { balancer: &self.name, member, route });
        Selector::within(self.name.clone(), selector).resolve(candidates).map(|found| found.member.clone())
    }
}

/// A place among the requests that wait for a usable member.
pub(crate) struct Waiter<'a>(&'a LiveBalancer);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl LiveBalancer {
    /// A place to wait in, while there are any.
    pub(crate) fn wait(&self) -> Option<Waiter<'_>> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < limits::WAITING_REQUESTS {
            return Some(Waiter(self));
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Waiter<'_> {
    /// Until something changed that may have made a member usable.
    pub(crate) async fn change(&self) {
        self.0.changed.notified().await;
    }
}

/// Everything that is shared.
#[derive(Debug)]
pub(crate) struct Registry {
    balancers: Vec<Arc<LiveBalancer>>,
    events: EventLog,
    hello: Hello,
    /// Held while an edit is made: one writer.
    journal: Mutex<Journal>,
}

impl Registry {
    /// `paths` are those that are mapped to each balancer; `cores` the number of worker threads.
    pub(crate) fn new(
        configured: Vec<BalancerConfig>,
        paths: impl Fn(usize) -> Vec<String>,
        cores: usize,
        hello: Hello,
        journal: Journal,
    ) -> Self {
        let mut slot = 0;
        let mut live = |(index, config): (usize, BalancerConfig)| {
            let addresses = config
                .members
                .iter()
                .enumerate()
                .map(|(member, (name, settings))| {
                    slot += 1;
                    let numbers = Numbers { slot: slot - 1, place: (index, member), cores };
                    Address::new(name.clone(), settings.connection.clone(), &numbers)
                })
                .collect();
            Arc::new(LiveBalancer {
                name: config.name.clone(),
                paths: paths(index),
                addresses,
                core: Mutex::new(Balancer::new(config.name, config.settings, config.members, cores)),
                checks: config.checks,
                changed: Notify::new(),
                waiting: AtomicUsize::new(0),
            })
        };
        let balancers = configured.into_iter().enumerate().map(&mut live).collect();
        let restored = journal.restored();
        let registry = Self { balancers, events: EventLog::new(), hello, journal: Mutex::new(journal) };
        registry.restore(restored);
        registry
    }

    /// Makes the edits again that the journal kept.
    fn restore(&self, edits: Vec<Restored>) {
        for edit in edits {
            let outcome = match &edit {
                Restored::Member(balancer, member, edit) => {
                    self.find(balancer).and_then(|live| live.lock().edit_member(member, edit).map(|_| ()))
                }
                Restored::Balancer(balancer, edit) => {
                    self.find(balancer).and_then(|live| live.lock().edit(edit).map(|_| ()))
                }
            };
            if let Err(why) = outcome {
                tracing::error!(?edit, %why, "an edit from before the restart cannot be made again");
            }
        }
    }

    pub(crate) fn balancers(&self) -> &[Arc<LiveBalancer>] {
        &self.balancers
    }

    pub(crate) fn events(&self) -> &EventLog {
        &self.events
    }

    pub(crate) fn hello(&self) -> &Hello {
        &self.hello
    }

    pub(crate) fn find(&self, name: &BalancerName) -> Result<&LiveBalancer, Refusal> {
        self.balancers.iter().find(|balancer| balancer.name == *name).map(AsRef::as_ref).ok_or_else(|| {
            let known: Vec<&str> =
                self.balancers.iter().map(|balancer| balancer.name.as_str()).take(8).collect();
            Refusal::new(
                Code::NotFound,
                format!("there is no balancer {name}; there are {}", known.join(", ")),
            )
        })
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        // The event number is read first: a snapshot may show more than it says, never less.
        let event = self.events.last();
        Snapshot {
            proxy: self.hello.clone(),
            taken: clock::wall(),
            event,
            balancers: self.balancers.iter().map(|balancer| balancer.snapshot()).collect(),
        }
    }

    /// Elects a member for a request.
    pub(crate) fn elect(
        &self,
        balancer: &LiveBalancer,
        ask: &Ask<'_>,
        now: Moment,
    ) -> Result<Election, NoMember> {
        let outcome = balancer.lock().elect(ask, now);
        let retried = match &outcome {
            Ok(election) => &election.retried,
            Err(nobody) => &nobody.retried,
        };
        for (member, how) in retried {
            self.tell_retried(balancer, *member, *how);
        }
        outcome
    }

    fn tell_retried(&self, balancer: &LiveBalancer, member: MemberId, how: Recovery) {
        let Some(address) = balancer.address(member) else { return };
        if how == Recovery::Forced && address.failing_told.was_recent() {
            balancer.changed.notify_waiters();
            return;
        }
        tracing::info!(balancer = %balancer.name, member = %address.name, ?how, "trying a failed member again");
        self.events.publish(EventKind::MemberRetried {
            balancer: balancer.name.clone(),
            member: address.name.clone(),
            how,
        });
        balancer.changed.notify_waiters();
    }

    /// Tells the core what became of an attempt, and everybody else what that changed.
    pub(crate) fn settle(&self, balancer: &LiveBalancer, member: MemberId, outcome: &Outcome) -> Settled {
        let settled = balancer.lock().settle(member, outcome, clock::now());
        let Some(address) = balancer.address(member) else { return settled };
        // Where nobody is left, each request finds that out anew; that is no news each time.
        if settled.marked && address.failing_told.is_due() {
            let reason = outcome.reason();
            tracing::warn!(balancer = %balancer.name, member = %address.name, reason, "member put into error");
            self.events.publish(EventKind::MemberFailed {
                balancer: balancer.name.clone(),
                member: address.name.clone(),
                reason,
            });
        }
        if settled.recovered {
            address.failing_told.reset();
            tracing::info!(balancer = %balancer.name, member = %address.name, "member answers again");
            self.events.publish(EventKind::MemberRecovered {
                balancer: balancer.name.clone(),
                member: address.name.clone(),
            });
            balancer.changed.notify_waiters();
        }
        settled
    }

    /// A lost race is told with who won it, if the log of events still knows.
    fn with_author(&self, refusal: Refusal, balancer: &BalancerName, member: Option<&MemberName>) -> Refusal {
        if refusal.code != Code::Stale {
            return refusal;
        }
        let last = self.events.find_last(|kind| match kind {
            EventKind::MemberEdited { balancer: whose, member: which, .. } => {
                whose == balancer && member == Some(which)
            }
            EventKind::BalancerEdited { balancer: whose, .. } => whose == balancer && member.is_none(),
            _ => false,
        });
        let Some(event) = last else { return refusal };
        let (EventKind::MemberEdited { by, .. } | EventKind::BalancerEdited { by, .. }) = &event.kind else {
            return refusal;
        };
        let ago = clock::wall().since(event.at).as_secs();
        let message =
            format!("{}; the last change was by {}, {ago} s ago", refusal.message, name_of(by.as_ref()));
        Refusal { message, ..refusal }
    }

    /// The one door for a change of a member.
    pub(crate) fn edit_member(
        &self,
        balancer: &BalancerName,
        selector: &str,
        edit: &MemberEdit,
        by: Option<Peer>,
    ) -> Result<Edited, Refusal> {
        let live = self.find(balancer)?;
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let member = live.resolve(selector)?;
        live.refuse_unknown_expression(edit)?;
        let wanted = live.lock().preview_member(&member, edit);
        let wanted = wanted.map_err(|refusal| self.with_author(refusal, balancer, Some(&member)))?;
        if wanted.changes.is_empty() {
            return Ok(answer(balancer, Some(member), wanted, None, journal.is_durable()));
        }
        let durable = journal.member_edited(balancer, &member, edit, &wanted.changes);
        let accepted = live.lock().edit_member(&member, edit)?;
        live.changed.notify_waiters();
        live.end_tunnels_if_stopped(&member);
        let (by_whom, reason) =
            (name_of(by.as_ref()), edit.reason.as_ref().map_or("", |reason| reason.as_str()));
        tracing::info!(%balancer, %member, changes = %describe(&accepted), by = by_whom, reason, "member edited");
        let number = self.events.publish(EventKind::MemberEdited {
            balancer: balancer.clone(),
            member: member.clone(),
            changes: accepted.changes.clone(),
            revision: accepted.revision,
            by,
            reason: edit.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            durable,
        });
        Ok(answer(balancer, Some(member), accepted, Some(number), durable))
    }

    /// The one door for a change of a balancer's own settings.
    pub(crate) fn edit_balancer(
        &self,
        balancer: &BalancerName,
        edit: &BalancerEdit,
        by: Option<Peer>,
    ) -> Result<Edited, Refusal> {
        let live = self.find(balancer)?;
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = live.lock().preview(edit);
        let wanted = wanted.map_err(|refusal| self.with_author(refusal, balancer, None))?;
        if wanted.changes.is_empty() {
            return Ok(answer(balancer, None, wanted, None, journal.is_durable()));
        }
        let durable = journal.balancer_edited(balancer, edit, &wanted.changes);
        let accepted = live.lock().edit(edit)?;
        live.changed.notify_waiters();
        let (by_whom, reason) =
            (name_of(by.as_ref()), edit.reason.as_ref().map_or("", |reason| reason.as_str()));
        tracing::info!(%balancer, changes = %describe(&accepted), by = by_whom, reason, "balancer edited");
        let number = self.events.publish(EventKind::BalancerEdited {
            balancer: balancer.clone(),
            changes: accepted.changes.clone(),
            revision: accepted.revision,
            by,
            reason: edit.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            durable,
        });
        Ok(answer(balancer, None, accepted, Some(number), durable))
    }
}

fn answer(
    balancer: &BalancerName,
    member: Option<MemberName>,
    accepted: Accepted,
    event: Option<u64>,
    durable: bool,
) -> Edited {
    Edited {
        balancer: balancer.clone(),
        member,
        changed: event.is_some(),
        changes: accepted.changes,
        revision: accepted.revision,
        event,
        durable,
        notes: accepted.notes,
    }
}

fn describe(accepted: &Accepted) -> String {
    let changes: Vec<String> = accepted
        .changes
        .iter()
        .map(|change| format!("{} {:?} -> {:?}", change.field, change.before, change.after))
        .collect();
    changes.join(", ")
}

fn name_of(peer: Option<&Peer>) -> String {
    match peer {
        None => "nobody known".to_owned(),
        Some(Peer { user: Some(user), uid, .. }) => format!("{user} ({uid})"),
        Some(peer) => format!("uid {}", peer.uid),
    }
}
