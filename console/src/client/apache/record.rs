//! What follows from having looked before: revisions, events, restarts of httpd, and which of our edits one forgot.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use evenkeel_protocol::{
    BalancerName, Change, EditNote, Event, EventKind, Flag, HttpdRestart, MemberName, MemberSnapshot,
    Override, Places, Recovery, Snapshot, Subject, Timestamp,
};

use super::losses::{Own, Turn};
use super::servers::Servers;
use super::settings::{self, Setting};
use crate::lost::MEMBER;

/// Events that are kept for those who come to listen.
const EVENTS: usize = 1000;
/// Settings of ours that are remembered.
const OWN: usize = 1000;
/// How long after a restart requests that it has left are thought of as perhaps still there. A restart each night would
/// else make every drain of the day end with what is not known; that there was one is told all the same.
const LEFT: Duration = Duration::from_secs(3600);

/// Why httpd does not say more.
const SILENT: &str = "httpd does not say why; its error log does";

/// Everything that was seen so far.
#[derive(Debug, Default)]
pub(super) struct Record {
    last: Option<Snapshot>,
    /// How the run of httpd that is seen was when it was seen first.
    first: Option<Snapshot>,
    /// While several servers take turns, what was seen last before.
    before_mix: Option<Snapshot>,
    /// Have several servers taken turns at the last look?
    is_mixed: bool,
    /// While a cache answers, what httpd itself said last.
    before_cache: Option<Snapshot>,
    /// When the run of httpd that was seen last was seen first.
    started: Timestamp,
    reloads: u64,
    /// When httpd was restarted, and how many requests were in flight at a member then: the most of restarts that are not
    /// longer ago than [`LEFT`].
    left: BTreeMap<Subject, (Timestamp, u64)>,
    revisions: BTreeMap<Subject, (u32, u64)>,
    events: VecDeque<Event>,
    number: u64,
    /// Who has answered so far, also between two looks.
    pub(super) servers: Servers,
    /// The turn of them that was seen last.
    turn: u64,
    own: Vec<Own>,
    /// What is being set from here, and is told once it is proven.
    expected: Option<(Subject, Vec<&'static str>)>,
    forgotten: Vec<Override>,
}

impl Record {
    /// Takes in what a page says, and gives back the same with what follows from the pages before; `persists` says
    /// whether httpd keeps edits over a restart, where the page tells.
    pub(super) fn take(&mut self, persists: Option<bool>, mut seen: Snapshot) -> Snapshot {
        let before = self.last.take().filter(|last| !last.cached).or_else(|| self.before_cache.take());
        if seen.cached {
            return self.take_cached(before, seen);
        }
        let several = self.servers.several();
        let turned = std::mem::replace(&mut self.turn, self.servers.turns()) != self.servers.turns();
        if before.is_none() || (turned && several.is_none()) {
            self.started = seen.taken;
        }
        if several.is_some() {
            // Of servers in turn nothing follows from one to the next.
            if !std::mem::replace(&mut self.is_mixed, true) {
                self.before_mix = before;
            }
        } else {
            let before = if self.is_mixed { self.before_mix.take() } else { before };
            match before {
                Some(before) if turned => self.restart(persists, &before, &seen),
                Some(before) => self.compare(&before, &seen),
                None => {}
            }
            if turned || self.first.is_none() {
                self.first = Some(seen.clone());
            }
            self.is_mixed = false;
            self.forgotten.retain(|lost| is_lost_still(lost, &seen));
        }
        self.date(&mut seen);
        self.number_revisions(&mut seen);
        seen.alternating = several.is_some();
        seen.warnings.splice(0..0, self.servers.outlook());
        seen.forgotten.clone_from(&self.forgotten);
        self.last = Some(seen.clone());
        seen
    }

    /// Takes in what a cache has kept. From an old page nothing follows: what it shows otherwise nobody has changed.
    fn take_cached(&mut self, before: Option<Snapshot>, mut seen: Snapshot) -> Snapshot {
        if before.is_some() {
            self.date(&mut seen);
        }
        self.before_cache = before;
        seen.forgotten.clone_from(&self.forgotten);
        self.last = Some(seen.clone());
        seen
    }

    /// Which run of httpd it is that is seen.
    fn date(&self, seen: &mut Snapshot) {
        (seen.proxy.started, seen.proxy.loaded) = (self.started, self.started);
        (seen.proxy.reloads, seen.event) = (self.reloads, self.number);
    }

    /// What was seen last.
    pub(super) fn last(&self) -> Option<&Snapshot> {
        self.last.as_ref()
    }

    /// The number of the last event.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The first event behind a number that is kept.
    pub(super) fn event_after(&self, number: u64) -> Option<Event> {
        self.events.iter().find(|event| event.number > number).cloned()
    }

    /// Notes that something happened.
    pub(super) fn tell(&mut self, at: Timestamp, kind: EventKind) -> u64 {
        self.number += 1;
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(Event { number: self.number, at, kind });
        self.number
    }

    /// Notes settings that were made from here and proven.
    pub(super) fn made(&mut self, subject: &Subject, changes: &[Change]) {
        for Change { field, before, after } in changes {
            let known = self.own.iter().position(|own| own.subject == *subject && own.field == *field);
            let first = known.map(|at| self.own.remove(at).before);
            let before = first.unwrap_or_else(|| before.clone());
            // What is as it was before us is nothing of ours.
            if before != *after && self.own.len() < OWN {
                let (subject, field, value) = (subject.clone(), field.clone(), after.clone());
                self.own.push(Own { subject, field, before, value });
            }
        }
    }

    /// Is that value the one that the run began with, as far as was seen? Then a restart takes nothing away. A flag that is
    /// on may have been set before anybody looked, unless the run was seen from its beginning.
    pub(super) fn is_as_at_first(&self, subject: &Subject, Change { field, after, .. }: &Change) -> bool {
        let first = self.first.as_ref().and_then(|first| settings::get(first, subject, field));
        first.as_ref() == Some(after) && (self.reloads > 0 || after != "On")
    }

    /// Another run of httpd: what does it still have of what was set before, from here or by others?
    fn restart(&mut self, persists: Option<bool>, before: &Snapshot, seen: &Snapshot) {
        let at = seen.taken;
        let (first, own, is_other_server) = (self.first.as_ref(), self.own.as_slice(), self.is_mixed);
        let lost = Turn { first, before, seen, own, is_other_server }.lost();
        // What was changed by others since is theirs; what holds is kept.
        self.own.retain(|own| settings::get(seen, &own.subject, &own.field).as_ref() == Some(&own.value));
        for lost in &lost {
            self.tell(at, EventKind::OverrideDropped(lost.clone()));
            self.forgotten.retain(|known| known.subject != lost.subject || known.field != lost.field);
        }
        // The newest stand first.
        self.forgotten.splice(0..0, lost.iter().cloned());
        self.forgotten.truncate(OWN);
        if is_other_server {
            return;
        }
        self.reloads += 1;
        self.leave(before, at);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let [of_before, of_now] = [before, seen].map(|snapshot| settings::all(snapshot).map(|it| it.0));
        let (of_before, of_now): (Vec<Subject>, Vec<Subject>) = (of_before.collect(), of_now.collect());
        let restart = HttpdRestart {
            persists,
            added: count(of_now.iter().filter(|subject| !of_before.contains(subject)).count()),
            removed: count(of_before.iter().filter(|subject| !of_now.contains(subject)).count()),
            kept: count(self.own.len()),
            dropped: count(lost.iter().filter(|lost| !lost.loss.elsewhere).count()),
            others: count(lost.iter().filter(|lost| lost.loss.elsewhere).count()),
        };
        self.tell(at, EventKind::HttpdRestarted(restart));
    }

    /// Notes what the run before had in flight when it was seen last.
    fn leave(&mut self, before: &Snapshot, at: Timestamp) {
        self.left.retain(|_, (then, _)| at.since(*then) < LEFT);
        for balancer in &before.balancers {
            for member in &balancer.members {
                let subject = Subject { balancer: balancer.name.clone(), member: Some(member.name.clone()) };
                let (then, left) = self.left.entry(subject).or_default();
                (*then, *left) = (at, (*left).max(member.in_flight().unwrap_or(0)));
            }
        }
    }

    /// How many requests restarts not long ago have left in flight at a process, as far as was seen. Whether they have
    /// ended no page tells.
    pub(super) fn left_at(&self, subject: &Subject, places: &Places<'_>, now: Timestamp) -> u64 {
        let others = places.others.iter().map(|(balancer, member)| Subject {
            balancer: (*balancer).clone(),
            member: Some(member.name.clone()),
        });
        let left = others.chain([subject.clone()]).filter_map(|subject| self.left.get(&subject));
        left.filter(|(then, _)| now.since(*then) < LEFT).map(|(_, left)| left).sum()
    }

    /// The same run: what has happened since?
    fn compare(&mut self, before: &Snapshot, seen: &Snapshot) {
        let known: BTreeMap<Subject, Vec<Setting>> = settings::all(before).collect();
        let mut happened = Vec::new();
        for (subject, now) in settings::all(seen) {
            let mut changes =
                known.get(&subject).map(|before| settings::changes(before, &now)).unwrap_or_default();
            if subject.member.is_none() {
                changes.extend(comings(before, seen, &subject.balancer));
            }
            let expected = self.expected.as_ref().filter(|(own, _)| *own == subject);
            let is_own =
                |change: &Change| expected.is_some_and(|(_, fields)| fields.contains(&change.field.as_str()));
            let changes: Vec<Change> = changes.into_iter().filter(|change| !is_own(change)).collect();
            if !changes.is_empty() {
                let note = EditNote { changes, ..EditNote::default() };
                happened.push(EventKind::edited(subject.clone(), note));
            }
            let Subject { balancer, member: Some(member) } = &subject else { continue };
            let members = before.member(balancer, member).zip(seen.member(balancer, member));
            happened.extend(members.into_iter().flat_map(|(before, now)| found(&subject, before, now)));
        }
        for kind in happened {
            self.tell(seen.taken, kind);
        }
    }

    /// From now on changes of these fields are no news; none: all are.
    pub(super) fn expect(&mut self, expected: Option<(Subject, Vec<&'static str>)>) {
        self.expected = expected;
    }

    /// Counts on where settings are others than they were.
    fn number_revisions(&mut self, seen: &mut Snapshot) {
        let mut revisions: BTreeMap<Subject, (u32, u64)> = BTreeMap::new();
        for (subject, settings) in settings::all(seen) {
            let print = settings::fingerprint(&settings);
            let turn = match self.revisions.get(&subject) {
                Some((known, turn)) if *known == print => *turn,
                Some((_, turn)) => turn + 1,
                None => 0,
            };
            revisions.insert(subject, (print, turn));
        }
        let number = |subject: &Subject| {
            revisions.get(subject).map_or(0, |(print, turn)| (turn << 32) | u64::from(*print))
        };
        for balancer in &mut seen.balancers {
            let own = Subject { balancer: balancer.name.clone(), member: None };
            balancer.revision = number(&own);
            for member in &mut balancer.members {
                let subject = Subject { member: Some(member.name.clone()), ..own.clone() };
                member.revision = number(&subject);
            }
        }
        self.revisions = revisions;
    }
}

/// Is that revision still the one of these settings? A number of another process stands for the settings alone.
pub(super) fn is_revision(asked: u64, now: u64) -> bool {
    asked == now || (asked >> 32 == 0 && asked == now & u64::from(u32::MAX))
}

/// The members of a balancer that have come, as an edit of its roster tells them. In one run of httpd none goes.
fn comings(before: &Snapshot, seen: &Snapshot, name: &BalancerName) -> Vec<Change> {
    let Some((before, seen)) = before.balancer(name).zip(seen.balancer(name)) else { return Vec::new() };
    let came = seen.members.iter().filter(|member| before.member(&member.name).is_none());
    came.map(|member| joining(&member.name)).collect()
}

/// Is it still not as it was, where it could be?
fn is_lost_still(lost: &Override, seen: &Snapshot) -> bool {
    let now = settings::get(seen, &lost.subject, &lost.field);
    if lost.field == MEMBER {
        return now.is_none() && seen.balancer(&lost.subject.balancer).is_some();
    }
    now.is_some_and(|value| value != lost.value)
}

/// The change that a member is which comes.
pub(super) fn joining(member: &MemberName) -> Change {
    Change { field: MEMBER.to_owned(), before: String::new(), after: member.to_string() }
}

/// What httpd found of a member between two looks.
fn found(subject: &Subject, before: &MemberSnapshot, now: &MemberSnapshot) -> Vec<EventKind> {
    let (balancer, member) = (subject.balancer.clone(), now.name.clone());
    let turned =
        |flag: Flag| (before.status.has(flag) != now.status.has(flag)).then_some(now.status.has(flag));
    let mut found = Vec::new();
    let reason = SILENT.to_owned();
    match turned(Flag::Error) {
        Some(true) => found.push(EventKind::MemberFailed {
            balancer: balancer.clone(),
            member: member.clone(),
            reason: reason.clone(),
        }),
        Some(false) => found.push(EventKind::MemberRetried {
            balancer: balancer.clone(),
            member: member.clone(),
            how: Recovery::Retry,
        }),
        None => {}
    }
    match turned(Flag::HealthFail) {
        Some(true) => found.push(EventKind::HealthFailed { balancer, member, reason }),
        Some(false) => {
            let lifted = evenkeel_protocol::Status::NONE.with(Flag::HealthFail, true);
            found.push(EventKind::HealthPassed { balancer, member, reason, lifted });
        }
        None => {}
    }
    found
}

#[cfg(test)]
mod tests;
