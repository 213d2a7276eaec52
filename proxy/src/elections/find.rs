//! Which of the last elections somebody wants to see.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use evenkeel_balancer::{MemberId, SessionMark};
use evenkeel_protocol::selector::Candidate;
use evenkeel_protocol::{BalancerName, Code, ElectionFilter, MemberName, Refusal, Route, Selector};

use super::{Elections, Held};
use crate::clock;
use crate::live::LiveBalancer;
use crate::registry::Roster;

/// A filter, with what its texts mean.
struct Wanted<'a> {
    filter: &'a ElectionFilter,
    /// What stands for the session of the cookie at each balancer that finds one in it.
    marks: Option<HashMap<BalancerName, u64>>,
    /// Members that have the route.
    of_route: Vec<(BalancerName, MemberName)>,
    /// Members that the selector fits.
    of_member: Vec<(BalancerName, MemberName)>,
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
        let wanted = Wanted::new(filter, balancers)?;
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

/// The members of one balancer or of all, with their routes.
type Known = Vec<(BalancerName, MemberName, Route)>;

fn refuse<T>(field: &str, why: impl fmt::Display) -> Result<T, Refusal> {
    Err(Refusal::field(Code::Invalid, field, format!("{field}: {why}")))
}

/// The member that a text selects; nobody if it is gone.
fn selected(text: &str, known: &Known) -> Result<Vec<(BalancerName, MemberName)>, Refusal> {
    let candidates = known.iter().map(|(balancer, member, route)| Candidate { balancer, member, route });
    match Selector::parse(text)?.resolve(candidates) {
        Ok(found) => Ok(vec![(found.balancer.clone(), found.member.clone())]),
        // Elections outlive members.
        Err(refusal) if refusal.code == Code::NotFound => Ok(Vec::new()),
        Err(refusal) => Err(Refusal { field: Some("member".to_owned()), ..refusal }),
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
        (true, true) => {
            refuse("cookie", "no balancer finds a session in it; write NAME=VALUE as the client sends it")
        }
        (true, false) => refuse("cookie", "its session has no id, only a route; ask for that route"),
        _ => Ok(marks.into_iter().map(|(name, mark)| (name, mark.number())).collect()),
    }
}

impl<'a> Wanted<'a> {
    fn new(filter: &'a ElectionFilter, balancers: &Roster) -> Result<Self, Refusal> {
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
        let of_route = known.iter().filter(|(.., has)| filter.route.as_deref() == Some(has.as_str()));
        let of_route = of_route.map(|(balancer, member, _)| (balancer.clone(), member.clone())).collect();
        let of_member =
            filter.member.as_ref().map(|text| selected(text, &known)).transpose()?.unwrap_or_default();
        let marks =
            filter.cookie.as_ref().map(|cookie| marks(cookie, balancers.iter().filter(meant))).transpose()?;
        Ok(Self { filter, marks, of_route, of_member })
    }

    fn fits(&self, held: &Held) -> bool {
        let filter = self.filter;
        let balancer = &held.roll.balancer;
        let name = |id: MemberId| held.roll.members.get(id.0 as usize);
        let member = held.member.and_then(name);
        let among = |known: &[(BalancerName, MemberName)]| {
            member.is_some_and(|member| known.iter().any(|(whose, it)| whose == balancer && it == member))
        };
        filter.balancer.as_ref().is_none_or(|wanted| wanted == balancer)
            && filter.since.is_none_or(|since| held.number > since)
            && (!filter.failovers || held.failover.is_some())
            && (!filter.route_changes || held.route_changed)
            && filter.member.as_ref().is_none_or(|text| {
                among(&self.of_member)
                    || member.is_some_and(|member| member.as_str() == text || member.authority() == text)
            })
            && filter.route.as_ref().is_none_or(|route| {
                let asked = held.asked.as_ref().is_some_and(|asked| asked.as_str() == route);
                asked || among(&self.of_route)
            })
            && self.marks.as_ref().is_none_or(|marks| {
                let mark = held.session.map(SessionMark::number);
                mark.is_some() && marks.get(balancer).copied() == mark
            })
    }
}
