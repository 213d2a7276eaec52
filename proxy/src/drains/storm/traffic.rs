//! Requests in a storm: each goes on with the balancer that it began with, also where another one has its place since.

use std::sync::Arc;

use evenkeel_balancer::{
    Ask, Election, Failure, FailureKind, Lease, MemberId, Next, Outcome, Sent, Visit, Why,
};
use evenkeel_protocol::{Flag, MemberName};

use super::{Storm, app};
use crate::live::LiveBalancer;
use crate::{clock, limits};

/// What a client asks for: with a session of a route, or without one.
type Asked = Option<(String, u64)>;

/// A request on its way.
pub(super) struct Flight {
    /// With which it began.
    live: Arc<LiveBalancer>,
    asked: Asked,
    excluded: Vec<MemberId>,
    id: MemberId,
    pub(super) member: MemberName,
    route: String,
    /// The number of its session.
    session: Option<u64>,
    lease: Lease,
    /// Of the members that failed before.
    before: Vec<Lease>,
    visit: Option<Visit>,
    /// When its answer began.
    handed: Option<u64>,
}

impl Storm {
    /// Somebody asks for something: with a session that is known, with one that is made up, or without one.
    pub(super) fn request(&mut self) {
        // A worker thread may not have heard yet of who has the place now.
        let late = self.luck.one_in(6).then(|| self.before.clone()).flatten();
        let Some(live) = late.or_else(|| self.drains.registry.find(&app()).ok()) else { return };
        let known = self.luck.below(self.sessions.len().max(1) as u64);
        let known = self.sessions.keys().nth(usize::try_from(known).unwrap()).cloned();
        let asked = match self.luck.below(4) {
            0 | 1 => Some(known.unwrap_or_else(|| ("a".to_owned(), self.time))),
            2 => Some((
                self.luck.of(&["a", "b", "c", "d", "z", "nobody"]).to_owned(),
                self.luck.below(u64::MAX),
            )),
            _ => None,
        };
        let Some(election) = self.elect(&live, &asked, None) else { return };
        let session = asked.as_ref().map(|(_, number)| *number).filter(|_| election.why == Why::Sticky);
        self.flying.push(Flight {
            id: election.member,
            member: live.address(election.member).unwrap().name.clone(),
            route: live.route(election.member).unwrap(),
            session,
            lease: election.lease,
            visit: election.visit,
            live,
            asked,
            excluded: Vec::new(),
            before: Vec::new(),
            handed: None,
        });
    }

    /// Nobody is elected who may not be, by whomever. After a failure there may be members to leave out.
    fn elect(
        &mut self,
        live: &Arc<LiveBalancer>,
        asked: &Asked,
        failed: Option<&[MemberId]>,
    ) -> Option<Election> {
        let cookie = asked.as_ref().map(|(route, session)| format!("SID={session}.{route}"));
        let cookies: Vec<&str> = cookie.iter().map(String::as_str).collect();
        let excluded = failed.unwrap_or_default();
        let ask = Ask { url: "/", cookies: &cookies, excluded, ..Ask::default() };
        let election = self.drains.registry.elect(live, &ask, clock::now()).ok()?;
        let member = &live.address(election.member).unwrap().name;
        let sticky = election.why == Why::Sticky;
        assert!(self.may_get(member, sticky), "{member} is closed and was elected, sticky: {sticky}");
        let now = self.drains.registry.find(&app()).ok();
        if now.is_none_or(|now| !Arc::ptr_eq(&now, live)) {
            let what = if failed.is_none() { "elected by a balancer of before" } else { "passed on by one" };
            *self.counts.entry(what).or_default() += 1;
        }
        Some(election)
    }

    /// May a request be given to that member, by what operators know?
    fn may_get(&self, member: &MemberName, sticky: bool) -> bool {
        let Ok(live) = self.drains.registry.find(&app()) else { return !self.barred.contains(member) };
        let snapshot = live.snapshot();
        let Some(seen) = snapshot.member(member) else { return !self.barred.contains(member) };
        let shut = if sticky { &[Flag::Disabled, Flag::Stopped][..] } else { &super::CLOSED };
        !seen.status.has_any(shut)
    }

    /// A request gets its answer, goes on getting it, is tried once more or elsewhere, or comes to its end.
    pub(super) fn progress(&mut self) {
        if self.flying.is_empty() {
            return;
        }
        let which = usize::try_from(self.luck.below(self.flying.len() as u64)).unwrap();
        let flight = self.flying.swap_remove(which);
        let goes_on = match flight.handed {
            None if self.luck.one_in(4) => self.fails(flight),
            None => self.answers(flight),
            Some(handed) => {
                self.ends(&flight, handed);
                None
            }
        };
        self.flying.extend(goes_on);
    }

    /// An attempt fails; the core says what follows.
    fn fails(&mut self, mut flight: Flight) -> Option<Flight> {
        let failure = Failure {
            kind: self.luck.of(&[FailureKind::Closed, FailureKind::Closed, FailureKind::Connect]),
            sent: Sent::Nothing,
            reused: self.luck.one_in(2),
            idempotent: true,
            repeats: 0,
            tries: u32::try_from(flight.before.len() + 1).unwrap(),
            reason: "it failed".to_owned(),
        };
        let outcome = Outcome::Failed(failure);
        let settled = self.drains.registry.settle(&flight.live, flight.id, &outcome);
        if settled.next == Next::RepeatFresh {
            flight.lease.repeated();
            return Some(flight);
        }
        flight.lease.failed();
        if let Some(visit) = flight.visit.take() {
            visit.failed(clock::now());
        }
        let Next::TryAnother { exclude } = settled.next else { return None };
        flight.excluded.extend(exclude.then_some(flight.id));
        let election = self.elect(&flight.live, &flight.asked, Some(&flight.excluded))?;
        let session = flight.asked.as_ref().map(|(_, number)| *number);
        flight.session = session.filter(|_| election.why == Why::Sticky);
        flight.id = election.member;
        flight.member = flight.live.address(election.member).unwrap().name.clone();
        flight.route = flight.live.route(election.member).unwrap();
        flight.visit = election.visit;
        let before = std::mem::replace(&mut flight.lease, election.lease);
        before.passed_on();
        flight.before.push(before);
        Some(flight)
    }

    fn answers(&mut self, mut flight: Flight) -> Option<Flight> {
        let (now, time) = (clock::now(), self.time);
        if let Some(visit) = &flight.visit {
            visit.answered(now);
            if flight.session.is_none() && self.luck.below(3) > 0 {
                flight.session = Some(self.luck.below(u64::MAX));
                visit.welcomed(now);
            }
            if let Some(session) = flight.session {
                self.sessions.insert((flight.route.clone(), session), time);
            }
        }
        flight.handed = Some(time);
        self.tell(&format!("{} ({}) answers {:?}", flight.member, flight.route, flight.session));
        match self.luck.below(6) {
            0 => flight.lease.streams(),
            1 => flight.lease.upgraded(),
            2 => {}
            _ => return None,
        }
        Some(flight)
    }

    fn ends(&mut self, flight: &Flight, handed: u64) {
        if self.time - handed >= u64::try_from(limits::LONG_ANSWER.as_micros()).unwrap()
            && let Some(visit) = &flight.visit
            && let Some(session) = flight.session
        {
            visit.answered(clock::now());
            self.sessions.insert((flight.route.clone(), session), self.time);
        }
    }
}
