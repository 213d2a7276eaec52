//! What is behind a member, as far as its name tells. Whoever stops a process stops it in every balancer of which it is a
//! member, so what is in flight there counts as well.

use std::collections::HashSet;

use crate::sentence::{Tense, listed};
use crate::{
    BalancerName, Busy, DrainSessions, Elsewhere, MemberName, MemberSnapshot, Route, Snapshot, Status,
};

/// The same host and port, or the same socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Process<'a> {
    /// The path of a socket.
    Socket(&'a str),
    /// A host and a port.
    Port(&'a str, u16),
}

impl<'a> Process<'a> {
    /// That behind a member.
    pub fn of(member: &'a MemberName) -> Self {
        member.unix_path().map_or_else(|| Self::Port(member.host(), member.port()), Self::Socket)
    }
}

/// A member in a snapshot, and the others that lead to its process.
#[derive(Debug, Clone)]
pub struct Places<'a> {
    /// The balancer of the member.
    pub balancer: &'a BalancerName,
    /// The member itself.
    pub own: &'a MemberSnapshot,
    /// The others, and whose members they are.
    pub others: Vec<(&'a BalancerName, &'a MemberSnapshot)>,
}

impl Snapshot {
    /// Where the process of a member is one; none: there is no such member.
    pub fn places(&self, balancer: &BalancerName, member: &MemberName) -> Option<Places<'_>> {
        let balancer = &self.balancer(balancer)?.name;
        let own = self.member(balancer, member)?;
        let process = Process::of(member);
        let all = self.balancers.iter().flat_map(|its| its.members.iter().map(move |one| (&its.name, one)));
        let others = all.filter(|(_, one)| Process::of(&one.name) == process && !std::ptr::eq(*one, own));
        let others = others.collect();
        Some(Places { balancer, own, others })
    }

    /// What who is about to drain all these members has to know of the balancers in which their processes stay; none: they
    /// serve in no other.
    pub fn before_drains(&self, members: &[(&BalancerName, &MemberName)]) -> Option<String> {
        let asked: HashSet<(&BalancerName, &MemberName)> = members.iter().copied().collect();
        let processes: HashSet<Process<'_>> = members.iter().map(|(_, member)| Process::of(member)).collect();
        let all = self.balancers.iter().flat_map(|its| its.members.iter().map(move |one| (&its.name, one)));
        let others = all.filter(|(balancer, one)| {
            processes.contains(&Process::of(&one.name)) && !asked.contains(&(*balancer, &one.name))
        });
        let others: Vec<(&BalancerName, &MemberSnapshot)> = others.filter(serves).collect();
        let shared: HashSet<Process<'_>> = others.iter().map(|(_, one)| Process::of(&one.name)).collect();
        let count = members.iter().filter(|(_, member)| shared.contains(&Process::of(member))).count();
        let [who, waits, takes] = if count == 1 {
            [
                "The process of 1 of them still serves".to_owned(),
                "its drain waits".to_owned(),
                "it takes".to_owned(),
            ]
        } else {
            let who = format!("The processes of {count} of them still serve");
            [who, "their drains wait".to_owned(), "they take".to_owned()]
        };
        sentence([&who, &waits, &takes], &Served::each(others.into_iter()))
    }
}

/// The most balancers that a sentence names.
const NAMED: usize = 3;

/// Another balancer in which processes serve.
struct Served<'a> {
    balancer: &'a BalancerName,
    /// How many requests are in flight there; none: that is unknown.
    busy: Option<u64>,
    /// Its members that get new requests, as commands take them.
    open: Vec<String>,
}

impl<'a> Served<'a> {
    /// Those of `others` that serve, by their balancers.
    fn each(others: impl Iterator<Item = (&'a BalancerName, &'a MemberSnapshot)>) -> Vec<Self> {
        let mut each: Vec<Self> = Vec::new();
        for (balancer, member) in others.filter(serves) {
            let busy = member.in_flight();
            let open = takes_new(member).then(|| label((balancer, &member.name), &member.route));
            match each.last_mut().filter(|last| last.balancer == balancer) {
                Some(last) => {
                    last.busy = last.busy.zip(busy).map(|(one, other)| one.saturating_add(other));
                    last.open.extend(open);
                }
                None => each.push(Self { balancer, busy, open: open.into_iter().collect() }),
            }
        }
        each
    }

    fn named(&self) -> String {
        match self.busy {
            Some(busy) => format!("{} ({busy} in flight)", self.balancer),
            None => format!("{} (an unknown number in flight)", self.balancer),
        }
    }
}

fn takes_new(member: &MemberSnapshot) -> bool {
    !member.status.has_any(&Status::CLOSED)
}

fn serves((_, member): &(&BalancerName, &MemberSnapshot)) -> bool {
    member.in_flight() != Some(0) || takes_new(member)
}

/// That a drain waits for what is in flight in other balancers too, and which of them give it more; none: there are none.
fn sentence([who, waits, takes]: [&str; 3], served: &[Served<'_>]) -> Option<String> {
    if served.is_empty() {
        return None;
    }
    let named = listed(served.iter().map(Served::named), NAMED, "");
    let used: Vec<String> =
        served.iter().filter(|it| !it.open.is_empty()).map(|it| it.balancer.to_string()).collect();
    let remedy = order(served.iter().flat_map(|it| it.open.clone()).collect());
    let used = match used.len() {
        0 => String::new(),
        count if count == served.len() => format!(", and {takes} new requests there ({remedy})"),
        _ => format!(", and {takes} new requests in {} ({remedy})", listed(used.into_iter(), NAMED, "")),
    };
    Some(format!("{who} in {named}: {waits} for what is in flight there{used}."))
}

/// What people call a member, as commands take it: `api/node1`.
pub(crate) fn label((balancer, member): (&BalancerName, &MemberName), route: &Route) -> String {
    format!("{balancer}/{}", if route.is_empty() { member.short() } else { route.as_str() })
}

/// To drain these as well, of many the first ones.
fn order(labels: Vec<String>) -> String {
    format!("drain {} too", listed(labels.into_iter(), NAMED, ""))
}

impl Places<'_> {
    fn all(&self) -> impl Iterator<Item = &MemberSnapshot> {
        std::iter::once(self.own).chain(self.others.iter().map(|(_, other)| *other))
    }

    /// How many requests are in flight at the process; none: that is unknown of some member.
    pub fn in_flight(&self) -> Option<u64> {
        self.all().try_fold(0, |sum: u64, member| Some(sum.saturating_add(member.in_flight()?)))
    }

    /// How many of them can be expected to become fewer: those at the member itself, and where it gets no new ones; none:
    /// that is unknown of some member.
    pub fn lingering(&self) -> Option<u64> {
        let is_closed = |member: &MemberSnapshot| member.status.has_any(&Status::CLOSED);
        let others = self.others.iter().map(|(_, other)| *other).filter(|other| is_closed(other));
        let mut all = std::iter::once(self.own).chain(others);
        all.try_fold(0, |sum: u64, member| Some(sum.saturating_add(member.in_flight()?)))
    }

    /// How often it was elected, by whichever balancer.
    pub fn elected(&self) -> u64 {
        self.all().fold(0, |sum: u64, member| sum.wrapping_add(member.elected))
    }

    /// What who is about to drain the member has to know of the other balancers; none: its process serves in no other.
    pub fn before_a_drain(&self) -> Option<String> {
        let served = Served::each(self.others.iter().copied());
        sentence(["The same process still serves", "the drain waits", "it takes"], &served)
    }

    /// The others, as a drain tells of them.
    pub fn elsewhere(&self) -> Vec<Elsewhere> {
        let told = |(balancer, member): &(&BalancerName, &MemberSnapshot)| Elsewhere {
            balancer: (*balancer).clone(),
            member: member.name.clone(),
            route: member.route.clone(),
            takes_new: takes_new(member),
            busy: Busy { requests: member.busy, ..Busy::default() },
            sessions: DrainSessions::UNKNOWN,
        };
        self.others.iter().map(told).collect()
    }

    /// As [`still_taken`].
    pub fn still_taken(&self) -> String {
        still_taken(self.balancer, &self.elsewhere())
    }
}

/// What is in flight at a member and at the others of its process: a phrase for each at which something is, and whether
/// it gets more there.
pub fn all_in_flight(
    (balancer, busy): (&BalancerName, Busy),
    others: &[Elsewhere],
    tense: Tense,
) -> impl Iterator<Item = String> {
    let own = Some(busy).filter(|busy| busy.total() > 0).map(move |busy| in_flight(busy, tense));
    let others = others.iter().filter(|it| it.busy.total() > 0).map(move |it| {
        let more = if it.takes_new {
            format!(" and more {} come ({})", tense.of("may", "could"), order(vec![it.label()]))
        } else {
            String::new()
        };
        format!("in {} {}{more}", it.place(balancer), in_flight(it.busy, tense))
    });
    own.into_iter().chain(others)
}

fn in_flight(busy: Busy, tense: Tense) -> String {
    let (total, kinds) = (busy.total(), [(busy.streaming, "streaming"), (busy.upgraded, "upgraded")]);
    let kinds: Vec<String> =
        kinds.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    let (requests, are) =
        if total == 1 { ("request", tense.of("is", "was")) } else { ("requests", tense.of("are", "were")) };
    format!("{total} {requests} {are} in flight{kinds}")
}

/// Where else the process of a member of `balancer` gets new requests.
pub fn used_in(balancer: &BalancerName, others: &[Elsewhere]) -> Vec<String> {
    let mut used: Vec<String> =
        others.iter().filter(|it| it.takes_new).map(|it| it.place(balancer)).collect();
    used.dedup();
    used
}

/// What is to be known before the process is stopped, as the rest of a sentence: where else it gets requests.
pub fn still_taken(balancer: &BalancerName, others: &[Elsewhere]) -> String {
    taken("; but it still takes requests in", balancer, others.iter())
}

/// The same beside [`all_in_flight`], which tells of those at which something is.
pub fn also_taken(balancer: &BalancerName, others: &[Elsewhere], tense: Tense) -> String {
    let idle = others.iter().filter(|it| it.busy.total() == 0);
    taken(tense.of("; it takes requests also in", "; it took requests also in"), balancer, idle)
}

fn taken<'a>(begins: &str, balancer: &BalancerName, others: impl Iterator<Item = &'a Elsewhere>) -> String {
    let others: Vec<Elsewhere> = others.cloned().collect();
    let used = used_in(balancer, &others);
    if used.is_empty() {
        return String::new();
    }
    format!("{begins} {} ({})", listed(used.into_iter(), NAMED, ""), remedy(&others))
}

/// What can be done about them, as an order: `drain api/node1 too`.
pub fn remedy(others: &[Elsewhere]) -> String {
    order(others.iter().filter(|it| it.takes_new).map(Elsewhere::label).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_host_and_port_or_by_its_socket() {
        let same = |one: &str, other: &str| {
            let names: [MemberName; 2] = [one.parse().unwrap(), other.parse().unwrap()];
            Process::of(&names[0]) == Process::of(&names[1])
        };
        for (one, other, expected) in [
            ("http://h:8080", "http://h:8080/app", true),
            ("http://h", "ws://H:80", true),
            ("https://h", "http://h:443", true),
            ("http://h:8080", "http://h:8081", false),
            ("http://h:8080", "http://i:8080", false),
            ("unix:/s|http://h", "unix:/s|http://i", true),
            ("unix:/s|http://h", "unix:/t|http://h", false),
            ("unix:/s|http://h", "http://h", false),
        ] {
            assert_eq!(same(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn where_something_is_in_flight_and_more_may_come_that_is_told_at_once_and_of_one_balancer_the_member_is_named()
     {
        let app: BalancerName = "app".parse().unwrap();
        let at = |balancer: &str, member: &str, requests, takes_new| Elsewhere {
            balancer: balancer.parse().unwrap(),
            member: member.parse().unwrap(),
            route: Route::default(),
            takes_new,
            busy: Busy { requests, ..Busy::default() },
            sessions: DrainSessions::UNKNOWN,
        };
        let others = [
            at("app", "http://h:8080/b", 1, false),
            at("api", "http://h:8080", 2, true),
            at("static", "http://h:8080/s", 0, true),
        ];
        let told = |tense| all_in_flight((&app, Busy::default()), &others, tense).collect::<Vec<String>>();
        assert_eq!(
            told(Tense::Present),
            [
                "in app/h:8080/b 1 request is in flight",
                "in api 2 requests are in flight and more may come (drain api/h:8080 too)",
            ]
        );
        assert_eq!(
            told(Tense::Past),
            [
                "in app/h:8080/b 1 request was in flight",
                "in api 2 requests were in flight and more could come (drain api/h:8080 too)",
            ]
        );
        assert_eq!(
            also_taken(&app, &others, Tense::Present),
            "; it takes requests also in static (drain static/h:8080/s too)"
        );
        assert_eq!(also_taken(&app, &others[..2], Tense::Present), "");
        let open = [at("app", "http://h:8080/b", 0, true)];
        let wanted = "; but it still takes requests in app/h:8080/b (drain app/h:8080/b too)";
        assert_eq!(still_taken(&app, &open), wanted);
    }

    #[test]
    fn what_is_in_flight_is_told_apart() {
        let of =
            |requests, streaming, upgraded| in_flight(Busy { requests, streaming, upgraded }, Tense::Present);
        assert_eq!(of(1, 0, 0), "1 request is in flight");
        assert_eq!(of(2, 1, 1), "4 requests are in flight (1 streaming, 1 upgraded)");
    }
}
