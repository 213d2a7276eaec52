//! All balancers: the only place that knows there are locks, and the publisher of events. The one door for edits is in
//! `registry/door.rs`.
//!
//! An edit has one writer at a time: validate, write to the journal, apply, publish, answer. Elections never wait
//! for it, because the journal is written before a balancer's own lock is taken.

mod departure;
pub(crate) mod door;
mod health;
mod layers;
mod preview;
pub(crate) mod roster;
mod undo;
pub(crate) mod unwritten;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use evenkeel_balancer::{Ask, Balancer, Election, MemberId, NoMember, Outcome, Settled};
use evenkeel_protocol::sentence::{LISTED, listed};
use evenkeel_protocol::{
    BalancerName, Code, EventKind, Hello, MemberName, Moment, Peer, Recovery, Refusal, Reloaded, Snapshot,
    Subject,
};

use tokio::sync::watch;

use crate::config::BalancerConfig;
use crate::elections::Elections;
use crate::events::EventLog;
use crate::history::Axis;
use crate::journal::{Journal, Restored, Unwritten, Verdicts};
use crate::live::{Ground, LiveBalancer};
use crate::measured::Measured;
use crate::{clock, limits};

/// Balancers in configuration order.
pub(crate) type Roster = Arc<Vec<Arc<LiveBalancer>>>;

/// That there is no such balancer among these.
pub(crate) fn unknown(name: &BalancerName, balancers: &[Arc<LiveBalancer>]) -> Refusal {
    let known = listed(balancers.iter().map(|balancer| balancer.name.as_str()), LISTED, "no balancers");
    Refusal::new(Code::NotFound, format!("there is no balancer {name}; there are {known}"))
}

/// Everything that is shared.
#[derive(Debug)]
pub(crate) struct Registry {
    /// Another one after each reading of the configuration.
    roster: RwLock<Roster>,
    /// Those that no configuration has any more, while requests of before may be in flight.
    vacant: Mutex<Vec<Arc<LiveBalancer>>>,
    ground: Ground,
    events: EventLog,
    elections: Elections,
    hello: RwLock<Hello>,
    /// Told when workers are to look at all their requests, because one has been cut.
    roused: watch::Sender<()>,
    axis: Axis,
    /// When the process was last known to run, in microseconds.
    awake: AtomicU64,
    /// Held while an edit is made or the configuration changes: one writer.
    journal: Mutex<Journal>,
    unwritten: Unwritten,
    measured: Measured,
}

/// What a new configuration says that balancers do not.
pub(crate) struct Renewal {
    /// The addresses that are listened on.
    pub(crate) listen: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// Are edits to survive?
    pub(crate) persist: bool,
    pub(crate) by: Option<Peer>,
}

impl Registry {
    /// `paths` are those that are mapped to each balancer; `cores` the number of worker threads.
    pub(crate) fn new(
        configured: &[BalancerConfig],
        paths: impl Fn(usize) -> Vec<String>,
        (cores, hello): (usize, Hello),
        (journal, verdicts): (Journal, Verdicts),
    ) -> Self {
        let ground = Ground { cores, ..Ground::default() };
        let edits = journal.restored();
        let events = EventLog::open(journal.folder());
        // Before anybody can ask or edit, so that it is the first event; and each edit is one, so that no state of before
        // has had a revision as high as the number of events before this one.
        let first_revision = events.publish(EventKind::Started).saturating_sub(1);
        let balancers = configured
            .iter()
            .enumerate()
            .map(|(index, config)| begun((config.clone(), paths(index)), (&edits, first_revision), &ground));
        let roster = RwLock::new(Arc::new(balancers.collect()));
        let unwritten = journal.unwritten();
        let (hello, journal) = (RwLock::new(hello), Mutex::new(journal));
        let roused = watch::Sender::new(());
        let (elections, axis, measured) = (Elections::new(cores), Axis::new(), Measured::default());
        let awake = AtomicU64::new(clock::now().0);
        let registry = Self {
            roster,
            vacant: Mutex::default(),
            ground,
            events,
            elections,
            hello,
            roused,
            axis,
            awake,
            journal,
            unwritten,
            measured,
        };
        registry.tell(verdicts);
        registry
    }

    /// What became of edits is news.
    fn tell(&self, verdicts: Verdicts) {
        for kept in verdicts.kept {
            self.events.publish(EventKind::OverrideKept(kept));
        }
        for dropped in verdicts.dropped {
            self.events.publish(EventKind::OverrideDropped(dropped));
        }
    }

    /// Puts the balancers of a configuration that was read anew in the place of those before; `paths` are those that
    /// are mapped to each.
    pub(crate) fn renew(
        &self,
        configured: &mut [BalancerConfig],
        paths: impl Fn(usize) -> Vec<String>,
        renewal: Renewal,
    ) -> (Roster, Reloaded) {
        let mut journal = self.writer();
        let verdicts = journal.renew(configured, renewal.persist);
        let (edits, durable) = (journal.restored(), journal.durability().is_kept());
        let before = self.balancers();
        let mut vacant = self.vacant.lock().unwrap_or_else(PoisonError::into_inner);
        vacant.retain(|live| live.is_remembered());
        let known = before.iter().chain(vacant.iter());
        let mut gone: HashMap<_, _> = known.map(|live| (&live.name, live)).collect();
        let first_revision = self.events.last();
        let next = configured.iter().enumerate().map(|(index, config)| {
            let (config, paths) = (config.clone(), paths(index));
            match gone.remove(&config.name) {
                Some(live) => {
                    let name = config.name.clone();
                    live.replace(config, paths, |core| make_again(&edits, &name, core), &self.ground)
                }
                None => begun((config, paths), (&edits, first_revision), &self.ground),
            }
        });
        let next: Roster = Arc::new(next.collect());
        *vacant = gone.into_values().map(|live| live.vacate()).collect();
        for live in next.iter() {
            live.end_tunnels_of_stopped();
        }
        *self.roster.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&next);
        let reloads = {
            let mut hello = self.hello.write().unwrap_or_else(PoisonError::into_inner);
            hello.loaded = clock::wall();
            hello.reloads += 1;
            hello.listen = renewal.listen;
            hello.reloads
        };
        let (was, is) = (subjects(&before), subjects(&next));
        let mut reloaded = Reloaded {
            reloads,
            event: 0,
            added: is.difference(&was).cloned().collect(),
            removed: was.difference(&is).cloned().collect(),
            kept: verdicts.kept.clone(),
            dropped: verdicts.dropped.clone(),
            absorbed: verdicts.absorbed.clone(),
            warnings: renewal.warnings,
            durable,
        };
        self.tell(verdicts);
        reloaded.event = self.events.publish(EventKind::Reloaded {
            reloads,
            added: reloaded.added.len() as u64,
            removed: reloaded.removed.len() as u64,
            kept: reloaded.kept.len() as u64,
            dropped: reloaded.dropped.len() as u64,
            absorbed: reloaded.absorbed.len() as u64,
            by: renewal.by,
        });
        (next, reloaded)
    }

    fn writer(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All balancers, as of the last reading of the configuration.
    pub(crate) fn balancers(&self) -> Roster {
        Arc::clone(&self.roster.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Balancers that are no longer configured, while requests of before may be with them.
    pub(crate) fn vacant(&self) -> Vec<Arc<LiveBalancer>> {
        let vacant = self.vacant.lock().unwrap_or_else(PoisonError::into_inner);
        vacant.iter().filter(|live| live.is_remembered()).cloned().collect()
    }

    pub(crate) fn events(&self) -> &EventLog {
        &self.events
    }

    /// The seconds of the members' histories.
    pub(crate) fn axis(&self) -> &Axis {
        &self.axis
    }

    /// Notes that the process runs; to be called at least once a second, and before anything is said of sessions. Where
    /// it was held up for long, nothing was seen meanwhile, and no window was observed whole that reaches back so far.
    pub(crate) fn awake(&self) {
        let now = clock::now();
        let before = Moment(self.awake.fetch_max(now.0, Ordering::Relaxed));
        if now.since(before) < limits::STANDSTILL {
            return;
        }
        tracing::warn!(
            seconds = now.since(before).as_secs(),
            "the process was held up: whether sessions are gone is unknown for a whole window from now on"
        );
        for live in self.balancers().iter() {
            live.missed_sessions(now);
        }
    }

    /// The last elections.
    pub(crate) fn elections(&self) -> &Elections {
        &self.elections
    }

    /// What was measured of the traffic lately.
    pub(crate) fn measured(&self) -> &Measured {
        &self.measured
    }

    pub(crate) fn hello(&self) -> Hello {
        self.hello.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn find(&self, name: &BalancerName) -> Result<Arc<LiveBalancer>, Refusal> {
        let balancers = self.balancers();
        let found = balancers.iter().find(|balancer| balancer.name == *name).cloned();
        found.ok_or_else(|| unknown(name, &balancers))
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.awake();
        // The event number is read first: a snapshot may show more than it says, never less.
        let event = self.events.last();
        Snapshot {
            proxy: self.hello(),
            taken: clock::wall(),
            event,
            balancers: self.balancers().iter().map(|balancer| balancer.snapshot()).collect(),
            drains: Vec::new(),
            undurable: self.unwritten.subjects(),
            undurable_drains: Vec::new(),
            unwritable: self.unwritten.is_closed(),
            warnings: Vec::new(),
            forgotten: Vec::new(),
            alternating: false,
            cached: false,
        }
    }

    /// Elects a member for a request.
    pub(crate) fn elect(
        &self,
        balancer: &LiveBalancer,
        ask: &Ask<'_>,
        now: Moment,
    ) -> Result<Election, NoMember> {
        let outcome = balancer.elect(ask, now);
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
        let settled = settle(balancer, member, outcome);
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

    /// Does the configuration want edits to survive a restart? It may wait for a disk.
    pub(crate) fn keeps_edits(&self) -> bool {
        self.writer().persists()
    }

    /// Ends everything that is in flight at a member.
    pub(crate) fn cut(&self, balancer: &BalancerName, member: &MemberName) {
        let Ok(live) = self.find(balancer) else { return };
        for address in live.addresses().iter().filter(|address| address.name == *member) {
            address.cut(clock::now());
        }
        tracing::warn!(%balancer, %member, "what was in flight is ended");
        self.roused.send_replace(());
    }

    /// Tells when a request may have been cut.
    pub(crate) fn roused(&self) -> watch::Receiver<()> {
        self.roused.subscribe()
    }
}

/// Asks the core. What a request of the time before the configuration was read anew finds out is true of who has its
/// member's place now as well.
fn settle(balancer: &LiveBalancer, member: MemberId, outcome: &Outcome) -> Settled {
    let settled = balancer.lock().settle(member, outcome, clock::now());
    let Some(address) = balancer.address(member) else { return settled };
    let mut last: Option<Arc<LiveBalancer>> = None;
    // Somebody else may have taken the place meanwhile.
    while (settled.marked || settled.recovered)
        && let Some((next, member)) = last.as_deref().unwrap_or(balancer).successor(&address.name)
    {
        if next.lock().settle(member, outcome, clock::now()).recovered {
            next.changed.notify_waiters();
        }
        last = Some(next);
    }
    settled
}

/// A balancer that was not there before, with the edits that still hold.
fn begun(
    (config, paths): (BalancerConfig, Vec<String>),
    (edits, first_revision): (&[Restored], u64),
    ground: &Ground,
) -> Arc<LiveBalancer> {
    let name = config.name.clone();
    let live = LiveBalancer::new(config, paths, ground);
    let mut core = live.lock();
    make_again(edits, &name, &mut core);
    core.begin_revisions(first_revision);
    drop(core);
    Arc::new(live)
}

/// Makes the edits of a balancer again that still hold.
fn make_again(edits: &[Restored], name: &BalancerName, core: &mut Balancer) {
    for edit in edits {
        let outcome = match edit {
            Restored::Member(balancer, member, edit) if balancer == name => core.edit_member(member, edit),
            Restored::Balancer(balancer, edit) if balancer == name => core.edit(edit),
            _ => continue,
        };
        if let Err(why) = outcome {
            tracing::error!(?edit, %why, "an edit that still holds cannot be made again");
        }
    }
}

/// All balancers and members.
fn subjects(balancers: &[Arc<LiveBalancer>]) -> BTreeSet<Subject> {
    balancers
        .iter()
        .flat_map(|live| {
            let subject = |member: Option<MemberName>| Subject { balancer: live.name.clone(), member };
            let members = live.addresses().iter().map(|address| Some(address.name.clone()));
            std::iter::once(None).chain(members).map(subject).collect::<Vec<_>>()
        })
        .collect()
}
