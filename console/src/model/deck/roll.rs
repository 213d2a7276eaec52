//! The members of all targets, each once: a member is the same where its balancer and its URL are.

use std::collections::HashSet;

use crate::model::Model;
use crate::model::target::Target;

/// All members in the order in which the targets tell of them, those of one balancer together.
pub fn members(stations: &[Model]) -> Vec<Target> {
    let mut balancers = Vec::new();
    let mut seen = HashSet::new();
    for balancer in stations.iter().flat_map(|station| station.roster.balancers()) {
        if seen.insert(&balancer.name) {
            balancers.push(&balancer.name);
        }
    }
    let mut members: Vec<Target> = Vec::new();
    let mut known = HashSet::new();
    for name in balancers {
        let told = stations.iter().filter_map(|station| station.roster.snapshot()?.balancer(name));
        for member in told.flat_map(|balancer| &balancer.members) {
            if known.insert((name, &member.name)) {
                members.push(Target { balancer: name.clone(), member: member.name.clone() });
            }
        }
    }
    members
}

/// What people call a member: as the first target does that has it.
pub fn label(stations: &[Model], target: &Target) -> String {
    let snapshots = || stations.iter().filter_map(|station| station.roster.snapshot());
    target.label(snapshots().find(|snapshot| target.find(snapshot).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn members_stand_once_and_by_balancer() {
        let one = sample::model(80, 24);
        let mut two = sample::model(80, 24);
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers.reverse();
        snapshot.balancers[1].members.remove(0);
        snapshot.balancers[1].members.push(sample::member("http://app4.example.com:8080", "node4"));
        two.roster.hear(snapshot, evenkeel_protocol::Moment(0));
        let stations = [one, two];
        let labels: Vec<String> = members(&stations).iter().map(|target| label(&stations, target)).collect();
        assert_eq!(
            labels,
            [
                "app/node1",
                "app/node2",
                "app/node3",
                "app/node4",
                "static/10.0.2.11",
                "static/10.0.2.12",
                "static/10.0.2.13"
            ]
        );
    }
}
