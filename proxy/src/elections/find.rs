//! Which of the last elections somebody wants to see.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use evenkeel_balancer::{MemberId, SessionMark};
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::selector::Candidate;
use evenkeel_protocol::{BalancerName, Code, ElectionFilter, MemberName, Refusal, Route, Selector};

use super::{Elections, Held};
use crate::clock;
use crate::limits;
use crate::live::{LiveBalancer, Roll};
use crate::registry::{Roster, unknown};

/// A filter, with what its texts mean.
struct Wanted<'a> {
    filter: &'a ElectionFilter,
    /// What stands for the session of the cookie at each balancer that finds one in it.
    marks: Option<HashMap<BalancerName, u64>>,
    /// Members that have the route.
    of_route: Vec<(BalancerName, MemberName)>,
    /// The member that the selector means; none: any.
    of_member: Option<(BalancerName, MemberName)>,
}

impl Elections {
    /// The newest elections that fit, oldest first.
    ///
    /// # Errors
    ///
    /// A field is out of range, or means nothing here.
    pub(crate) fn find(
        &self,
        filter: &ElectionFilter,
        balancers: &Roster,
    ) -> Result<evenkeel_protocol::Elections, Refusal> {
        let most = filter.most.unwrap_or(ElectionFilter::USUAL);
        if !(1..=ElectionFilter::MOST).contains(&most) {
            let why = format!("must be a whole number from 1 to {}", ElectionFilter::MOST);
            return refuse("most", why);
        }
        let wanted = Wanted::new(filter, balancers, self)?;
        let clock = (clock::now(), clock::wall());
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let (mut found, mut kept): (Vec<Held>, u64) = (Vec::new(), 0);
        for ring in &self.rings {
            let ring = ring.kept();
            kept += ring.elections.len() as u64;
            // Its thread may be waiting to write the next one, so they are put into words later.
            found.extend(ring.newest_first().filter(|held| wanted.fits(held)).take(most).cloned());
        }
        found.sort_unstable_by_key(|held| held.number);
        let newest = found.split_off(found.len().saturating_sub(most));
        let elections = newest.iter().map(|held| held.note(clock)).collect();
        let total = self.total.load(std::sync::atomic::Ordering::Relaxed);
        Ok(evenkeel_protocol::Elections { taken: clock.1, total, kept, elections })
    }
}

impl Elections {
    /// Does this hold of any that is kept?
    fn any(&self, holds: impl Fn(&Held) -> bool) -> bool {
        self.rings.iter().any(|ring| ring.kept().elections.iter().any(&holds))
    }

    /// The members that there were at those that are kept. Elections outlive members; of their routes nothing is known.
    fn members(&self) -> Known {
        let mut rolls: Vec<Arc<Roll>> = Vec::new();
        for ring in &self.rings {
            // Its thread may be waiting to write the next one, so the same ones are sorted out later.
            rolls.extend(ring.kept().elections.iter().map(|held| Arc::clone(&held.roll)));
        }
        rolls.sort_unstable_by_key(Arc::as_ptr);
        rolls.dedup_by(|one, other| Arc::ptr_eq(one, other));
        let members = rolls.iter().flat_map(|roll| roll.members.iter().map(|it| (&roll.balancer, it)));
        let members: BTreeSet<_> = members.collect();
        let known =
            |(balancer, it): (&BalancerName, &MemberName)| (balancer.clone(), it.clone(), Route::default());
        members.into_iter().map(known).collect()
    }
}

/// Members of one balancer or of all, with their routes.
type Known = Vec<(BalancerName, MemberName, Route)>;

fn refuse<T>(field: &str, why: impl fmt::Display) -> Result<T, Refusal> {
    Err(Refusal::field(Code::Invalid, field, format!("{field}: {why}")))
}

/// The member that a text selects, of those that there are or else of those that there were; `of` is the balancer whose
/// elections alone are wanted.
fn selected(
    text: &str,
    of: Option<&BalancerName>,
    (known, were): (&Known, impl FnOnce() -> Known),
) -> Result<(BalancerName, MemberName), Refusal> {
    let about = |refusal: Refusal| Refusal { field: Some("member".to_owned()), ..refusal };
    let mut selector = Selector::parse(text).map_err(|why| about(Refusal { code: Code::Invalid, ..why }))?;
    if let Some(of) = of {
        let other = || {
            let text = clean(text, limits::TEXT);
            refuse(
                "member",
                format_args!("'{text}' names another balancer than {of}, whose elections are asked for"),
            )
        };
        selector = selector.narrowed(of).map_or_else(other, Ok)?;
    }
    let resolve = |known: &Known| {
        let candidates = known.iter().map(|(balancer, member, route)| Candidate { balancer, member, route });
        selector.resolve(candidates).map(|found| (found.balancer.clone(), found.member.clone()))
    };
    match resolve(known) {
        Err(refusal) if refusal.code == Code::NotFound => match resolve(&were()) {
            Err(none) if none.code == Code::NotFound => Err(about(refusal)),
            outcome => outcome.map_err(about),
        },
        outcome => outcome.map_err(about),
    }
}

/// What stands for the session of `cookie` at each balancer that finds one in it.
fn marks<'a>(
    cookie: &str,
    balancers: impl Iterator<Item = &'a Arc<LiveBalancer>>,
) -> Result<HashMap<BalancerName, u64>, Refusal> {
    let marks = balancers.filter_map(|live| Some((live.name.clone(), live.session_mark(cookie)?)));
    let (nameless, marks): (Vec<_>, Vec<_>) = marks.partition(|(_, mark)| *mark == SessionMark::NAMELESS);
    match (marks.is_empty(), nameless.is_empty()) {
        (true, true) => refuse(
            "cookie",
            "no balancer finds a session in it; write NAME=VALUE as the client sends it, or its URL",
        ),
        (true, false) => refuse("cookie", "its session has no id, only a route; ask for that route"),
        _ => Ok(marks.into_iter().map(|(name, mark)| (name, mark.number())).collect()),
    }
}

impl<'a> Wanted<'a> {
    fn new(filter: &'a ElectionFilter, balancers: &Roster, elections: &Elections) -> Result<Self, Refusal> {
        for (field, text) in
            [("member", &filter.member), ("route", &filter.route), ("cookie", &filter.cookie)]
        {
            if text.as_ref().is_some_and(|text| text.len() > ElectionFilter::LONGEST) {
                return refuse(field, format_args!("is longer than {} bytes", ElectionFilter::LONGEST));
            }
        }
        let meant =
            |live: &&Arc<LiveBalancer>| filter.balancer.as_ref().is_none_or(|name| *name == live.name);
        let mut known = Known::new();
        for live in balancers.iter().filter(meant) {
            let core = live.lock();
            known.extend(
                core.members().map(|(_, member, route)| (live.name.clone(), member.clone(), route.clone())),
            );
        }
        if let Some(name) = filter.balancer.as_ref().filter(|_| !balancers.iter().any(|live| meant(&live)))
            && !elections.any(|held| held.roll.balancer == *name)
        {
            return Err(Refusal { field: Some("balancer".to_owned()), ..unknown(name, balancers) });
        }
        let of_route = known.iter().filter(|(.., has)| filter.route.as_deref() == Some(has.as_str()));
        let of_route: Vec<_> =
            of_route.map(|(balancer, member, _)| (balancer.clone(), member.clone())).collect();
        if filter.route.as_deref() == Some("") {
            return refuse("route", "is empty");
        }
        if let Some(route) = filter.route.as_deref().filter(|_| of_route.is_empty())
            && !elections.any(|held| held.asked_for(route))
        {
            let whose =
                filter.balancer.as_ref().map_or_else(String::new, |name| format!(" of balancer {name}"));
            let message = format!(
                "route {}: no member{whose} has it, and no election that is remembered was asked for it",
                clean(route, limits::TEXT)
            );
            return Err(Refusal::field(Code::NotFound, "route", message));
        }
        let were = || {
            let mut were = elections.members();
            were.retain(|(balancer, ..)| filter.balancer.as_ref().is_none_or(|name| name == balancer));
            were
        };
        let of_member = filter
            .member
            .as_ref()
            .map(|text| selected(text, filter.balancer.as_ref(), (&known, were)))
            .transpose()?;
        let marks =
            filter.cookie.as_ref().map(|cookie| marks(cookie, balancers.iter().filter(meant))).transpose()?;
        Ok(Self { filter, marks, of_route, of_member })
    }

    fn fits(&self, held: &Held) -> bool {
        let filter = self.filter;
        let balancer = &held.roll.balancer;
        let name = |id: MemberId| held.roll.members.get(id.0 as usize);
        let member = held.member.and_then(name);
        let is = |(whose, it): &(BalancerName, MemberName)| whose == balancer && member == Some(it);
        filter.balancer.as_ref().is_none_or(|wanted| wanted == balancer)
            && filter.since.is_none_or(|since| held.number > since)
            && (!filter.failovers || held.failover.is_some())
            && (!filter.route_changes || held.route_changed)
            && self.of_member.as_ref().is_none_or(is)
            && filter.route.as_ref().is_none_or(|route| held.asked_for(route) || self.of_route.iter().any(is))
            && self.marks.as_ref().is_none_or(|marks| {
                let mark = held.session.map(SessionMark::number);
                mark.is_some() && marks.get(balancer).copied() == mark
            })
    }
}

impl Held {
    fn asked_for(&self, route: &str) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.as_str() == route)
    }
}
