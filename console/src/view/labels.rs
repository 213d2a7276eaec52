//! What members are called where a column is narrow: the same member the same way, whatever else is listed.

use std::collections::{BTreeSet, HashMap};

use evenkeel_protocol::Snapshot;

use crate::model::target::{first_place, label};
use crate::widget::abridge::{abridge_numbered, numbers};

/// Names as they fit, by what they stand for: `app/node1` for a member.
pub(super) struct Labels {
    /// The columns of each.
    pub(super) columns: usize,
    fitting: HashMap<String, String>,
}

impl Labels {
    /// For those that are listed, among all the members of their balancers: what else is listed is of no account, and
    /// their numbers, where they need some, are their places among all members. `shown` is the part that is shown of a
    /// name, and `columns` says how many these may take.
    pub(super) fn of(
        snapshot: Option<&Snapshot>,
        listed: &[String],
        shown: fn(&str) -> &str,
        columns: impl FnOnce(&[&str]) -> usize,
    ) -> Self {
        let concerned: BTreeSet<&str> =
            listed.iter().filter_map(|name| Some(name.split_once('/')?.0)).collect();
        let (mut names, mut places) = (Vec::new(), Vec::new());
        for (snapshot, balancer) in
            snapshot.into_iter().flat_map(|it| it.balancers.iter().map(move |of| (it, of)))
        {
            if concerned.contains(balancer.name.as_str()) {
                let called = balancer.members.iter().map(|member| label(balancer, member));
                let called: Vec<String> =
                    called.map(|called| format!("{}/{called}", balancer.name)).collect();
                let texts: Vec<&str> = called.iter().map(String::as_str).collect();
                places.extend(numbers(&texts, first_place(snapshot, balancer)));
                names.extend(called);
            }
        }
        // Members that are gone, and what is no member.
        let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let others: BTreeSet<&String> = listed.iter().filter(|name| !known.contains(name.as_str())).collect();
        let all = snapshot.map_or(0, |snapshot| snapshot.balancers.iter().map(|it| it.members.len()).sum());
        places.extend((all + 1..).take(others.len()));
        names.extend(others.into_iter().cloned());
        let texts: Vec<&str> = names.iter().map(|name| shown(name)).collect();
        let columns = columns(&texts);
        let fitting = abridge_numbered(&texts, &places, columns);
        Self { columns, fitting: names.into_iter().zip(fitting).collect() }
    }

    /// One of those that are listed.
    pub(super) fn get(&self, name: &str) -> &str {
        self.fitting.get(name).map_or("", String::as_str)
    }
}

/// Of a member without its balancer.
pub(super) fn bare(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, member)| member)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn a_number_is_of_the_member_and_not_of_the_list() {
        let mut snapshot = sample::snapshot(0);
        let before = snapshot.balancers[0].members.len();
        let pattern = snapshot.balancers[1].members[0].clone();
        let member = |at: usize| {
            let mut member = pattern.clone();
            member.name = format!("http://10.0.0.{at}").parse().unwrap();
            member.route = format!("{}-node-{at}-{}", at % 3, at % 5).parse().unwrap();
            member
        };
        snapshot.balancers[1].members = (1..=40).map(member).collect();
        let name = snapshot.balancers[1].name.clone();
        let key = |at: usize| format!("{name}/{}-node-{at}-{}", at % 3, at % 5);
        for listed in [vec![key(17)], (1..=40).map(key).collect(), vec![key(17), "other/gone".to_owned()]] {
            let labels = Labels::of(Some(&snapshot), &listed, bare, |_| 6);
            assert_eq!(labels.get(&key(17)), format!("2-…#{}", before + 17), "{listed:?}");
        }
    }
}
