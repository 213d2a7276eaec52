//! The balancer and its doors: elect, settle, edit, beat, snapshot. Here stand the state and the order of an
//! election; each step of it has a file of its own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_protocol::{
    BalancerName, BalancerSettings, LbMethod, MemberName, MemberSettings, Moment, Recovery, Route,
};

use crate::candidates::{Class, Lineup};
use crate::census::{SessionMark, Watch};
use crate::election::{Ask, Election, NoMember, NoMemberWhy, Session, Why};
use crate::health::Timetable;
use crate::lbmethod::{self, Scales};
use crate::member::{Member, MemberId};
use crate::sticky::Claim;
use crate::tally::{Dial, Lease, Tally, Trial};

/// A named group of members that share the requests given to it.
#[derive(Debug)]
pub struct Balancer {
    pub(crate) name: BalancerName,
    pub(crate) settings: BalancerSettings,
    pub(crate) revision: u64,
    pub(crate) members: Vec<Member>,
    pub(crate) lineup: Lineup,
    /// The members of each route in the order in which they are asked: those that are no standby, then standbys.
    pub(crate) routes: HashMap<Route, Vec<MemberId>>,
    /// The members whose URL has each address, so that a heartbeat costs the same however many members there are.
    pub(crate) by_address: HashMap<IpAddr, Vec<MemberId>>,
    /// Members whose error was lifted and of which it is not known yet whether they are well.
    pub(crate) on_trial: Vec<MemberId>,
    pub(crate) timetable: Timetable,
    pub(crate) watch: Watch,
    pub(crate) departed: Vec<Departed>,
    /// The revision of a member that comes: more than any that has gone had, and than any of before a restart, so that
    /// nobody takes one that comes back for the one that was looked at.
    pub(crate) first_revision: u64,
}

/// A member that was taken away, and may still have requests in flight.
#[derive(Debug, Clone)]
pub(crate) struct Departed {
    pub(crate) name: MemberName,
    pub(crate) tally: Arc<Tally>,
    /// Is it closed to requests that came before as well?
    pub(crate) closed: bool,
}

impl Departed {
    /// May a request be with it, or come to it?
    pub(crate) fn is_remembered(&self) -> bool {
        self.tally.busy() > 0 || Arc::strong_count(&self.tally) > 1
    }
}

/// What happens in the course of an election, beside who is elected.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// Members whose error was lifted.
    pub(crate) retried: Vec<(MemberId, Recovery)>,
    /// How a member was looked for by route, if anybody wants to know.
    pub(crate) steps: Option<Vec<Step>>,
}

/// A look at one member in the search for a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) route: String,
    /// None: nobody has the route.
    pub(crate) member: Option<MemberId>,
    pub(crate) taken: bool,
}

impl Course {
    /// Remembers a step, if anybody wants to know.
    pub(crate) fn step(&mut self, step: impl FnOnce() -> Step) {
        if let Some(steps) = &mut self.steps {
            steps.push(step());
        }
    }
}

/// Whom the search found.
#[derive(Clone, Copy)]
struct Found {
    member: MemberId,
    why: Why,
    route_changed: bool,
}

impl Balancer {
    /// A balancer as it starts: every lbstatus 0, all counters 0. Members keep their order for life; their names
    /// differ from one another. `cores` is the number of cells in which each member's bytes are counted, at least 1.
    pub fn new(
        name: BalancerName,
        settings: BalancerSettings,
        members: Vec<(MemberName, MemberSettings)>,
        cores: usize,
    ) -> Self {
        let members: Vec<Member> =
            members.into_iter().map(|(name, settings)| Member::new(name, settings, cores)).collect();
        for member in &members {
            member.tally.set_attentive(!settings.failonstatus.is_empty());
        }
        Self::of(name, settings, members)
    }

    /// A balancer of members that have something behind them, with every lbstatus 0.
    pub(crate) fn of(name: BalancerName, settings: BalancerSettings, members: Vec<Member>) -> Self {
        let lineup = Lineup::new(&members);
        let mut by_address: HashMap<IpAddr, Vec<MemberId>> = HashMap::new();
        for (id, member) in (0u32..).zip(&members) {
            if let Some(address) = member.address {
                by_address.entry(address).or_default().push(MemberId(id));
            }
        }
        let mut balancer = Self {
            name,
            settings,
            revision: 0,
            members,
            lineup,
            routes: HashMap::new(),
            by_address,
            on_trial: Vec::new(),
            timetable: Timetable::outdated(),
            watch: Watch::new(),
            departed: Vec::new(),
            first_revision: 0,
        };
        balancer.rebuild_routes();
        balancer.check_invariants();
        balancer
    }

    /// Its name.
    pub fn name(&self) -> &BalancerName {
        &self.name
    }

    /// Which of its own states it is in: it grows with each accepted edit of its own.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Its revisions and those of its members go on from `first`, which no state of before had.
    pub fn begin_revisions(&mut self, first: u64) {
        (self.revision, self.first_revision) = (first, first);
        for member in &mut self.members {
            member.revision = first;
        }
    }

    /// Its settings as they are in effect.
    pub fn settings(&self) -> &BalancerSettings {
        &self.settings
    }

    /// Its members in configuration order.
    pub fn members(&self) -> impl Iterator<Item = (MemberId, &MemberName, &Route)> + Clone {
        (0u32..).zip(&self.members).map(|(id, member)| (MemberId(id), &member.name, &member.settings.route))
    }

    /// What reads the counters of each member, in their order.
    pub fn dials(&self) -> Vec<Dial> {
        self.members.iter().map(|member| Dial::of(&member.tally)).collect()
    }

    /// Is that member stopped by an operator?
    pub fn is_stopped(&self, name: &MemberName) -> bool {
        self.members
            .iter()
            .any(|member| member.name == *name && member.status.has(evenkeel_protocol::Flag::Stopped))
    }

    /// All members that are stopped.
    pub fn stopped(&self) -> Vec<MemberId> {
        let members = (0u32..).map(MemberId).zip(&self.members);
        let stopped = members.filter(|(_, member)| member.status.has(evenkeel_protocol::Flag::Stopped));
        stopped.map(|(id, _)| id).collect()
    }

    /// The member of that name, which is probably the one with this number.
    pub fn find_member(&self, name: &MemberName, likely: MemberId) -> Option<MemberId> {
        if self.member(likely).is_some_and(|member| member.name == *name) {
            return Some(likely);
        }
        self.members().find(|(_, known, _)| *known == name).map(|(id, ..)| id)
    }

    pub(crate) fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.get(id.index())
    }

    pub(crate) fn member_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.members.get_mut(id.index())
    }

    /// Chooses a member for a request: first the one its session names, else the one whose turn it is. One atomic
    /// step: errors whose time has come are lifted, lbstatus and elected move, busy rises.
    pub fn elect(&mut self, ask: &Ask<'_>, now: Moment) -> Result<Election, NoMember> {
        self.elect_in(ask, now, &mut Course::default())
    }

    /// As [`Self::elect`], and tells its course.
    pub(crate) fn elect_in(
        &mut self,
        ask: &Ask<'_>,
        now: Moment,
        course: &mut Course,
    ) -> Result<Election, NoMember> {
        self.keep_watch(now);
        let credit = self.credit();
        let claim = self.claim(ask);
        let mark = claim.map(|claim| self.watch.mark(claim.id));
        let found = self.find(ask, claim, now, course);
        debug_assert_eq!(credit, self.credit(), "an election moves credit and makes none");
        // Who is led to a member by a route, or by a redirect, is the member's; all others were only claimed.
        if let (Some(claim), Some(mark)) = (claim, mark)
            && !found.as_ref().is_ok_and(|found| found.why == Why::Sticky)
        {
            self.watch.claimed(claim.route, mark, now);
        }
        let retried = std::mem::take(&mut course.retried);
        let result = match found {
            Ok(found) => Ok(self.grant(ask, claim.zip(mark), found, retried)),
            Err(why) => {
                let waits = self.settings.timeout > 0 && why != NoMemberWhy::RouteUnusable;
                let wait = waits.then(|| Duration::from_secs(u64::from(self.settings.timeout)));
                let session = self.session(claim.zip(mark));
                Err(NoMember { why, retried, wait, session, missing: self.lineup.missing() })
            }
        };
        self.check_invariants();
        result
    }

    /// Searches without those that are being probed; then, if that finds nobody, with them; then, if all that could
    /// serve are in error, once more with their errors lifted.
    fn find(
        &mut self,
        ask: &Ask<'_>,
        claim: Option<Claim<'_>>,
        now: Moment,
        course: &mut Course,
    ) -> Result<Found, NoMemberWhy> {
        if self.members.is_empty() {
            return Err(NoMemberWhy::Empty);
        }
        if !self.on_trial.is_empty() {
            let without = self.avoided(ask.excluded);
            if without.len() > ask.excluded.len() {
                self.lay_out(&without);
                if let Ok(found) = self.search(ask, claim, now, course) {
                    return Ok(found);
                }
            }
        }
        self.lay_out(ask.excluded);
        match self.search(ask, claim, now, course) {
            Err(_) if self.force_recovery(claim, course) => self.search(ask, claim, now, course),
            found => found,
        }
    }

    /// httpd's order: the session's member, else (unless nofailover forbids it) the walk.
    fn search(
        &mut self,
        ask: &Ask<'_>,
        claim: Option<Claim<'_>>,
        now: Moment,
        course: &mut Course,
    ) -> Result<Found, NoMemberWhy> {
        if let Some(steps) = &mut course.steps {
            // Of several searches the last one counts.
            steps.clear();
        }
        self.retry_leading(now, course);
        if let Some(claim) = claim.filter(|claim| !claim.route.is_empty()) {
            if let Some(member) = self.find_by_route(claim.route, now, course) {
                self.lineup.credit_sticky_hit(member);
                let route_changed =
                    self.member(member).is_some_and(|found| found.settings.route.as_str() != claim.route);
                return Ok(Found { member, why: Why::Sticky, route_changed });
            }
            if claim.binding && self.settings.nofailover {
                return Err(NoMemberWhy::RouteUnusable);
            }
        }
        let route_changed = self.settings.stickysession.is_some();
        let method = self.settings.lbmethod;
        let mut found = self.walk(method, ask.dice, now, course);
        if found.is_none() && method == LbMethod::Heartbeat && !self.anybody_heard(now) {
            found = self.walk(LbMethod::ByRequests, ask.dice, now, course);
        }
        found.map(|(member, why)| Found { member, why, route_changed }).ok_or(NoMemberWhy::Unusable)
    }

    /// Asks set by set: first the normal members and the spares let in, then the standbys of the set.
    fn walk(
        &mut self,
        method: LbMethod,
        dice: u32,
        now: Moment,
        course: &mut Course,
    ) -> Option<(MemberId, Why)> {
        for at in 0..self.lineup.sets.len() {
            self.retry_set(at, now, course);
            let mut scales = Scales { lineup: &mut self.lineup, members: &self.members, now, dice };
            let place = lbmethod::choose(method, &mut scales, Class::Offered(at))
                .or_else(|| lbmethod::choose(method, &mut scales, Class::Standbys(at)));
            if let Some(place) = place {
                let why = self.lineup.sets.get(at)?.why(place);
                return self.lineup.order.get(place).map(|member| (*member, why));
            }
        }
        None
    }

    /// Counts the election and gives out the lease.
    fn grant(
        &mut self,
        ask: &Ask<'_>,
        claim: Option<(Claim<'_>, SessionMark)>,
        found: Found,
        retried: Vec<(MemberId, Recovery)>,
    ) -> Election {
        let Found { member: id, why, route_changed } = found;
        let session = self.session(claim);
        let usable = self.lineup.is_usable(id);
        #[expect(clippy::indexing_slicing, reason = "the id was found in the lineup of these members")]
        let member = &self.members[id.index()];
        debug_assert!(usable && !ask.excluded.contains(&id), "nobody unusable is elected");
        debug_assert!(
            !member.is_draining() || why == Why::Sticky,
            "a draining member gets its sessions only"
        );
        if why == Why::Sticky {
            member.tally.count_sticky();
        }
        let lease = Lease::take(id, &member.tally, ask.core);
        let visit = member.visit(claim.map(|(_, mark)| mark).filter(|_| why == Why::Sticky));
        let missing = self.lineup.missing();
        Election { member: id, why, session, route_changed, visit, missing, lease, retried }
    }

    fn session(&self, claim: Option<(Claim<'_>, SessionMark)>) -> Option<Box<Session>> {
        let (sticky, (claim, mark)) = self.settings.stickysession.as_ref().zip(claim)?;
        let (name, route) = (claim.name_in(sticky).to_owned(), claim.route.to_owned());
        Some(Box::new(Session { name, route, mark }))
    }

    /// Who is to be left out while another can be elected: `excluded`, and those that are being probed.
    fn avoided(&mut self, excluded: &[MemberId]) -> Vec<MemberId> {
        let members = &self.members;
        let trial = |id: MemberId| members.get(id.index()).map_or(Trial::None, |member| member.tally.trial());
        self.on_trial.retain(|id| trial(*id) != Trial::None);
        let probed = self
            .on_trial
            .iter()
            .filter(|id| trial(**id) == Trial::Running && !excluded.contains(id))
            .copied();
        excluded.iter().copied().chain(probed).collect()
    }

    /// Sees to it that the lineup leaves out exactly these.
    fn lay_out(&mut self, without: &[MemberId]) {
        if self.lineup.without() != without {
            self.lineup.rebuild(&self.members, without);
        }
    }

    pub(crate) fn rebuild_routes(&mut self) {
        self.watch.outdate();
        self.routes.clear();
        for standby in [false, true] {
            for (id, member) in (0u32..).zip(&self.members) {
                let is_standby = member.status.has(evenkeel_protocol::Flag::Standby);
                if is_standby == standby && !member.settings.route.is_empty() {
                    self.routes.entry(member.settings.route.clone()).or_default().push(MemberId(id));
                }
            }
        }
    }

    /// The sum of all lbstatus; of interest to debug builds only.
    fn credit(&self) -> i64 {
        if cfg!(debug_assertions) { self.lineup.credit.all().sum() } else { 0 }
    }

    #[cfg(not(debug_assertions))]
    #[expect(clippy::unused_self, reason = "the twin of the check in debug builds")]
    pub(crate) fn check_invariants(&self) {}

    /// The invariants in the head of the crate, as far as they hold between any two doors.
    #[cfg(debug_assertions)]
    pub(crate) fn check_invariants(&self) {
        self.lineup.check(&self.members);
        let routed = self.routes.values().map(Vec::len).sum::<usize>();
        let with_route = self.members.iter().filter(|member| !member.settings.route.is_empty()).count();
        assert_eq!(routed, with_route, "each member with a route can be found by it");
    }
}
