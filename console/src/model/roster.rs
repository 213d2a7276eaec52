//! What the proxy last said of its balancers, and what follows from saying it more than once: rates.

use std::collections::HashMap;

use evenkeel_protocol::{BalancerName, BalancerSnapshot, Drain, MemberName, Moment, Series, Snapshot};

use crate::model::forgotten::Ended;
use crate::model::health::{Grade, Health};
use crate::model::history::{History, Meter, Rate, SECONDS};
use crate::model::target::Target;
use crate::model::wash;

/// All balancers as last heard.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    snapshot: Option<Snapshot>,
    heard: Moment,
    records: HashMap<BalancerName, HashMap<MemberName, Record>>,
    /// What it tells to be lost and nobody wants any more.
    ended: Ended,
}

/// What follows from the snapshots of one member.
#[derive(Debug, Clone, Default)]
struct Record {
    elected: History,
    erring: Meter,
}

impl Roster {
    /// Takes in a snapshot; true if it comes from another run of the proxy than the one before.
    pub fn hear(&mut self, mut snapshot: Snapshot, now: Moment) -> bool {
        wash::snapshot(&mut snapshot);
        self.ended.leave_out(&mut snapshot);
        let restarted =
            self.snapshot.as_ref().is_some_and(|before| before.proxy.started != snapshot.proxy.started);
        if restarted {
            self.records.clear();
        }
        let mut before = std::mem::take(&mut self.records);
        for balancer in &snapshot.balancers {
            let mut known = before.remove(&balancer.name).unwrap_or_default();
            let records = self.records.entry(balancer.name.clone()).or_default();
            for member in &balancer.members {
                let mut record = known.remove(&member.name).unwrap_or_default();
                record.elected.push(snapshot.taken, member.elected);
                if snapshot.proxy.tells("answers") {
                    record.erring.push(snapshot.taken, member.answers.erring);
                }
                records.insert(member.name.clone(), record);
            }
        }
        self.heard = now;
        self.snapshot = Some(snapshot);
        restarted
    }

    /// The last snapshot, cleaned.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// Notes a drain that the proxy has answered with, until a snapshot tells of it.
    pub fn begun(&mut self, drain: &Drain) {
        if let Some(snapshot) = &mut self.snapshot
            && !snapshot.drains.iter().any(|known| known.number == drain.number)
        {
            snapshot.drains.push(drain.clone());
        }
    }

    /// Notes a yes to these settings of a member: what was lost of them and was otherwise is wanted no more.
    pub fn agreed(&mut self, target: &Target, wanted: &[(String, String)]) {
        if let Some(snapshot) = &mut self.snapshot {
            self.ended.agreed(target, wanted, snapshot);
        }
    }

    /// Do several servers answer in turn? Then nothing can be changed from here.
    pub fn is_alternating(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| snapshot.alternating)
    }

    /// Does a cache answer and not httpd? Then nothing can be changed from here.
    pub fn is_cached(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| snapshot.cached)
    }

    /// All balancers, in configuration order.
    pub fn balancers(&self) -> &[BalancerSnapshot] {
        self.snapshot.as_ref().map_or(&[], |snapshot| snapshot.balancers.as_slice())
    }

    /// When the last snapshot came.
    pub fn heard(&self) -> Moment {
        self.heard
    }

    /// A member's last minute.
    pub fn history(&self, target: &Target) -> Option<&History> {
        self.history_of(&target.balancer, &target.member)
    }

    /// As [`Roster::history`].
    pub fn history_of(&self, balancer: &BalancerName, member: &MemberName) -> Option<&History> {
        Some(&self.record(balancer, member)?.elected)
    }

    /// The requests a second of all members of a balancer whose rate is known; none if it is known of none.
    pub fn rate(&self, balancer: &BalancerName) -> Option<Rate> {
        let records = self.records.get(balancer)?.values();
        records.filter_map(|record| record.elected.now()).reduce(Rate::plus)
    }

    /// The answers a second of a member with a status of 500 to 599.
    pub fn erring_of(&self, balancer: &BalancerName, member: &MemberName) -> Option<Rate> {
        self.record(balancer, member)?.erring.now()
    }

    /// The same of all members of a balancer of which it is known.
    pub fn erring(&self, balancer: &BalancerName) -> Option<Rate> {
        let records = self.records.get(balancer)?.values();
        records.filter_map(|record| record.erring.now()).reduce(Rate::plus)
    }

    fn record(&self, balancer: &BalancerName, member: &MemberName) -> Option<&Record> {
        self.records.get(balancer)?.get(member)
    }

    /// Fills the last minute with what the proxy remembers of it.
    pub fn remember(&mut self, past: &evenkeel_protocol::History) {
        let Some(records) = self.records.get_mut(&past.balancer).filter(|_| past.step_ms == 1000) else {
            return;
        };
        for known in &past.members {
            let points = known.series.get(&Series::Elected).map_or(&[][..], Vec::as_slice);
            // The last point is not over yet.
            let rates = points.iter().rev().skip(1).take(SECONDS).rev();
            let rates: Vec<Option<Rate>> = rates.map(|point| point.map(Rate::of)).collect();
            if let Some(record) = records.get_mut(&known.member) {
                record.elected.begin_with(&rates);
            }
        }
    }

    /// The requests a second of all balancers.
    pub fn total(&self) -> Option<Rate> {
        self.balancers().iter().filter_map(|balancer| self.rate(&balancer.name)).reduce(Rate::plus)
    }

    /// The highest rate of any member of a balancer in the last minute.
    pub fn peak(&self, balancer: &BalancerName) -> Rate {
        let records = self.records.get(balancer).into_iter().flat_map(HashMap::values);
        records.flat_map(|record| record.elected.rates()).flatten().max().unwrap_or_default()
    }

    /// How many members are of that grade.
    pub fn graded(&self, grade: Grade) -> usize {
        let members = self.balancers().iter().flat_map(|balancer| &balancer.members);
        members.filter(|member| Grade::of(member) == grade).count()
    }

    /// How many members are of each class, the classes without any left out.
    pub fn counts(&self) -> Vec<(Health, usize)> {
        let members = || self.balancers().iter().flat_map(|balancer| &balancer.members);
        Health::ALL
            .into_iter()
            .map(|health| (health, members().filter(|member| Health::of(member.status) == health).count()))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn rates_of_balancers_add_up() {
        let mut roster = Roster::default();
        roster.hear(sample::snapshot(0), Moment(0));
        assert_eq!(roster.total(), None);
        roster.hear(sample::snapshot(1), Moment(1));
        let rates: Vec<Option<u64>> =
            roster.balancers().iter().map(|b| roster.rate(&b.name).map(|rate| rate.0)).collect();
        assert_eq!(rates, [Some(44_000), Some(8_000)]);
        assert_eq!(roster.total(), Some(Rate(52_000)));
        assert_eq!(roster.peak(&roster.balancers()[0].name), Rate(41_000));
        assert_eq!(roster.heard(), Moment(1));
    }

    #[test]
    fn members_are_counted_by_class() {
        let mut roster = Roster::default();
        roster.hear(sample::snapshot(0), Moment(0));
        let counts: Vec<String> =
            roster.counts().iter().map(|(health, count)| format!("{count} {}", health.word())).collect();
        assert_eq!(counts, ["3 Ok", "1 Stby", "1 Drn", "1 Err"]);
    }

    #[test]
    fn a_restart_is_noticed_and_forgets_rates() {
        let mut roster = Roster::default();
        assert!(!roster.hear(sample::snapshot(0), Moment(0)));
        assert!(!roster.hear(sample::snapshot(1), Moment(0)));
        let mut other = sample::snapshot(2);
        other.proxy.started.0 += 1;
        assert!(roster.hear(other, Moment(0)));
        assert_eq!(roster.total(), None);
    }

    #[test]
    fn members_that_are_gone_leave_nothing_behind() {
        let mut roster = Roster::default();
        roster.hear(sample::snapshot(0), Moment(0));
        let target = sample::target("node3");
        assert!(roster.history(&target).is_some());
        let mut fewer = sample::snapshot(1);
        fewer.balancers[0].members.truncate(1);
        roster.hear(fewer, Moment(0));
        assert!(roster.history(&target).is_none());
    }
}
