//! Which elections are shown, and why each went as it did, in plain words.

use evenkeel_protocol::{ElectionFilter, ElectionNote, ElectionWhy, Elections, MemberName, Snapshot};

use crate::model::target::{label, short};

/// How many are shown at most.
const MOST: u32 = 200;

/// The screen of elections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watching {
    /// Only those of this member or route, as it was written; empty: of all.
    pub subject: String,
    /// Only those after a failed try?
    pub failovers: bool,
    /// Only those that took a session to another route?
    pub route_changes: bool,
    /// How many of the newest are scrolled out above.
    pub from: usize,
}

impl Watching {
    /// What is asked of the proxy. `route=NAME` is a route; other words name a member.
    pub fn filter(&self) -> ElectionFilter {
        let subject = self.subject.trim();
        let route = subject.strip_prefix("route=").map(ToOwned::to_owned);
        let member = (route.is_none() && !subject.is_empty()).then(|| subject.to_owned());
        ElectionFilter {
            member,
            route,
            failovers: self.failovers,
            route_changes: self.route_changes,
            most: Some(MOST),
            ..ElectionFilter::default()
        }
    }

    /// Is anything left out?
    pub fn hides(&self) -> bool {
        self.failovers || self.route_changes || !self.subject.trim().is_empty()
    }

    /// Keeps the same lines before the eyes when newer ones have come above them.
    pub fn follow(&mut self, before: Option<&Elections>, now: &Elections) {
        if self.from == 0 {
            return;
        }
        let newest = before.and_then(|before| before.elections.last()).map_or(0, |note| note.number);
        let newer = now.elections.iter().filter(|note| note.number > newest).count();
        self.from = self.from.saturating_add(newer).min(now.elections.len().saturating_sub(1));
    }
}

/// What people call a member of that balancer.
pub fn called(snapshot: Option<&Snapshot>, note: &ElectionNote, member: &MemberName) -> String {
    let balancer = snapshot.and_then(|snapshot| snapshot.balancer(&note.balancer));
    let found = balancer.and_then(|balancer| Some((balancer, balancer.member(member)?)));
    found.map_or_else(|| short(member).to_owned(), |(balancer, member)| label(balancer, member))
}

/// Why it went there, and what came of it, in a sentence without its end.
pub fn reason(snapshot: Option<&Snapshot>, note: &ElectionNote) -> String {
    let asked = note.asked.as_deref().filter(|asked| !asked.is_empty());
    let mut text = match (note.why, asked) {
        (ElectionWhy::Sticky, Some(route)) => format!("its session asks for {route}"),
        (ElectionWhy::Sticky, None) => "its session asks for it".to_owned(),
        (ElectionWhy::Method, _) => "its turn".to_owned(),
        (ElectionWhy::Spare, _) => "a spare in the place of one that cannot serve".to_owned(),
        (ElectionWhy::Standby, _) => "a standby, for nobody else of its set can serve".to_owned(),
        (ElectionWhy::Empty, _) => "nobody: the balancer has no members".to_owned(),
        (ElectionWhy::Unusable, _) => "nobody can serve it".to_owned(),
        (ElectionWhy::RouteUnusable, Some(route)) => format!("nobody: {route} cannot serve, and nofailover"),
        (ElectionWhy::RouteUnusable, None) => "nobody: its route cannot serve, and nofailover".to_owned(),
    };
    if note.route_changed {
        text = match asked {
            Some(route) => format!("{text}, not {route} that its session asked for"),
            None => format!("{text}, not its session's route"),
        };
    }
    if let Some(failover) = &note.failover {
        let from = called(snapshot, note, &failover.from);
        text = format!("{text}; try {} after {from}: {}", note.attempt, failover.reason);
    }
    if let Some(failed) = &note.failed {
        text = format!("{text}; FAILED: {failed}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn a_filter_is_read_as_written() {
        let written = |subject: &str| Watching { subject: subject.to_owned(), ..Watching::default() };
        assert_eq!(written(" route=node1 ").filter().route.as_deref(), Some("node1"));
        assert_eq!(written("node1").filter().member.as_deref(), Some("node1"));
        assert_eq!(written(" ").filter(), ElectionFilter { most: Some(MOST), ..ElectionFilter::default() });
        assert!(!written(" ").hides() && written("x").hides());
    }

    #[test]
    fn reasons_are_plain_words() {
        let snapshot = sample::snapshot(0);
        let told: Vec<String> =
            sample::elections(0).elections.iter().map(|note| reason(Some(&snapshot), note)).collect();
        assert_eq!(
            told,
            [
                "its session asks for node1",
                "its turn",
                "its session asks for node3; FAILED: connection refused",
                "its turn, not node3 that its session asked for; try 2 after node3: connection refused",
                "nobody can serve it",
            ]
        );
    }

    #[test]
    fn whoever_reads_further_down_keeps_the_same_lines() {
        let before = sample::elections(0);
        let mut now = before.clone();
        let mut newer = now.elections[0].clone();
        newer.number = 99_999;
        now.elections.push(newer);
        let mut watching = Watching { from: 2, ..Watching::default() };
        watching.follow(Some(&before), &now);
        assert_eq!(watching.from, 3);
        watching.from = 0;
        watching.follow(Some(&before), &now);
        assert_eq!(watching.from, 0, "at the top it stays at the top");
    }
}
