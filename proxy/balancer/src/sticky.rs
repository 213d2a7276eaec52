//! From a session to its member. How the session's value is found in URL and cookies is in `sticky/session.rs`.
//!
//! A route that httpd's own search finds and that a member has is binding: it decides, and with nofailover it can
//! refuse. Only otherwise is the request read a second time, less literally, and what that finds is a preference.

use std::collections::HashMap;

use evenkeel_protocol::{Moment, Route, SessionPlace, StickySession};

use crate::balancer::{Balancer, Course, Step};
use crate::election::Ask;
use crate::member::MemberId;

pub(crate) mod session;

/// What a request says of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim<'a> {
    /// The route, as the client wrote it; may be empty.
    pub(crate) route: &'a str,
    /// What stands before the route; empty where the value is nothing but a route.
    pub(crate) id: &'a str,
    /// Where it was found.
    pub(crate) place: SessionPlace,
    /// May it be the cause of a refusal?
    pub(crate) binding: bool,
}

impl Claim<'_> {
    /// The name under which it was found.
    pub(crate) fn name_in<'a>(&self, sticky: &'a StickySession) -> &'a str {
        match self.place {
            SessionPlace::Url => &sticky.path,
            SessionPlace::Cookie => &sticky.cookie,
        }
    }
}

impl Balancer {
    /// What the request says of its session; none if the balancer is not sticky, or no value has a route.
    pub(crate) fn claim<'a>(&self, ask: &Ask<'a>) -> Option<Claim<'a>> {
        let sticky = self.settings.stickysession.as_ref()?;
        let known = |claim: &Claim<'_>| self.routes.contains_key(claim.route);
        let literal = session::literal(sticky, &self.settings, ask);
        if let Some(claim) = literal.filter(known) {
            return Some(Claim { binding: true, ..claim });
        }
        session::tolerant(sticky, &self.settings, ask).into_iter().flatten().find(known).or(literal)
    }

    /// The first usable member of a route; else the one that a redirect of its members leads to. As in httpd
    /// (`find_route_worker`) members that are no standby come first, errors whose time has come are lifted, drain
    /// does not matter, and redirects are followed at most as often as there are members, and at most [`DEEPEST`] times.
    pub(crate) fn find_by_route(
        &mut self,
        route: &str,
        now: Moment,
        course: &mut Course,
    ) -> Option<MemberId> {
        let budget = self.members.len().saturating_mul(16).max(LOOKS);
        let mut search = RouteSearch { balancer: self, now, course, budget, futile: HashMap::new() };
        let found = search.find(route, 1);
        if found.is_none() && !self.routes.contains_key(route) {
            course.step(|| Step { route: route.to_owned(), member: None, taken: false });
        }
        found
    }
}

/// How many redirects are followed one behind the other: more than anybody means, and few enough for any stack.
const DEEPEST: usize = 256;
/// Members that a search may look at, if not so many times as there are: enough for every circle of 64 members.
const LOOKS: usize = 4096;

/// One search for a route. Members that share routes and redirect to one another in circles would make httpd look
/// at them exponentially often; here a route that led to nobody is not searched again, and `budget` members are looked at
/// at most.
struct RouteSearch<'a> {
    balancer: &'a mut Balancer,
    now: Moment,
    course: &'a mut Course,
    budget: usize,
    /// Routes that lead to nobody, and the least depth from which that is known: it holds from deeper ones too.
    futile: HashMap<Route, usize>,
}

impl RouteSearch<'_> {
    fn find(&mut self, route: &str, depth: usize) -> Option<MemberId> {
        let mut at = 0;
        while let Some(id) = self.balancer.routes.get(route).and_then(|ids| ids.get(at)).copied() {
            at += 1;
            self.budget = self.budget.checked_sub(1)?;
            if !self.balancer.lineup.is_usable(id) {
                self.balancer.retry(id, self.now, self.course);
            }
            let taken = self.balancer.lineup.is_usable(id);
            self.course.step(|| Step { route: route.to_owned(), member: Some(id), taken });
            if taken {
                return Some(id);
            }
            let redirect = self.balancer.member(id)?.settings.redirect.clone();
            if redirect.is_empty() || depth >= self.balancer.members.len().min(DEEPEST) {
                continue;
            }
            let deeper = depth + 1;
            if self.futile.get(&redirect).is_some_and(|from| *from <= deeper) {
                continue;
            }
            let found = self.find(redirect.as_str(), deeper);
            if found.is_some() {
                return found;
            }
            self.futile.insert(redirect, deeper);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{BalancerSettings, MemberName, MemberSettings};

    use super::*;

    /// Members of these routes, each with the route it redirects to and its status.
    fn balancer(members: impl IntoIterator<Item = (String, String, &'static str)>) -> Balancer {
        let member = |(at, (route, redirect, status)): (usize, (String, String, &str))| {
            let name: MemberName = format!("http://m{at}").parse().unwrap();
            let mut settings = MemberSettings::default();
            settings.status = settings.status.apply(status).unwrap();
            (settings.route, settings.redirect) = (route.parse().unwrap(), redirect.parse().unwrap());
            (name, settings)
        };
        let members = members.into_iter().enumerate().map(member).collect();
        Balancer::new("app".parse().unwrap(), BalancerSettings::default(), members, 1)
    }

    fn found(balancer: &mut Balancer, route: &str) -> Option<u32> {
        balancer.find_by_route(route, Moment(1), &mut Course::default()).map(|member| member.0)
    }

    #[test]
    fn a_circle_with_two_ways_at_each_step_is_searched_to_its_end() {
        const ROUTES: usize = 25;
        // A disabled pair of each route leads on to the next; one standby has the first.
        let step = |at: usize| (format!("r{at}"), format!("r{}", (at + 1) % ROUTES), "+D");
        let pairs = (0..2 * ROUTES).map(|at| step(at % ROUTES));
        let last = ("r0".to_owned(), String::new(), "+H");
        let mut balancer = balancer(pairs.chain([last]));
        for from in ["r0", "r7", "r24"] {
            assert_eq!(found(&mut balancer, from), Some(2 * 25), "{from}");
        }
        assert_eq!(found(&mut balancer, "nowhere"), None);
    }

    #[test]
    fn a_chain_longer_than_any_stack_ends() {
        const MEMBERS: usize = 20_000;
        let step = |at: usize| (format!("r{at}"), format!("r{}", at + 1), "+D");
        let last = (format!("r{MEMBERS}"), String::new(), "+H");
        let mut balancer = balancer((0..MEMBERS).map(step).chain([last]));
        assert_eq!(found(&mut balancer, "r0"), None);
        let near = format!("r{}", MEMBERS - 100);
        assert_eq!(found(&mut balancer, &near), Some(20_000));
    }
}
