//! Edits that the disk of the proxy refuses, in words.

use evenkeel_protocol::sentence::listed;
use evenkeel_protocol::{Snapshot, Subject};

/// How many are named in the sentence.
const NAMED: usize = 3;

/// What is said of one of them.
pub const NOT_KEPT: &str = "NOT kept over a restart";

/// That they would be lost, and whose they are, each as `name` has it, in the longest form that `fits`. None: there are
/// none.
pub fn sentence(
    snapshot: &Snapshot,
    name: impl Fn(&Subject) -> String,
    fits: impl Fn(&str) -> bool,
) -> Option<String> {
    if snapshot.undurable.is_empty() {
        return None;
    }
    let form = |named: usize| {
        let whose = listed(snapshot.undurable.iter().map(&name), named, "");
        format!("{NOT_KEPT}: edits of {whose}; the disk refuses them")
    };
    let mut forms = (1..=NAMED).rev().map(form);
    Some(forms.find(|form| fits(form)).unwrap_or_else(|| form(1)))
}

/// That the disk has taken them after all.
pub fn over(edited: &[Subject]) -> String {
    let whose: Vec<String> = edited.iter().map(ToString::to_string).collect();
    format!("edits are durable again: {}", whose.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::scripted;

    #[test]
    fn that_it_is_over_names_all_of_them() {
        let snapshot = scripted::snapshot(0);
        let balancer = &snapshot.balancers[0];
        let of = |member| Subject { balancer: balancer.name.clone(), member };
        let told = over(&[of(None), of(Some(balancer.members[0].name.clone()))]);
        assert_eq!(told, "edits are durable again: app, app/http://127.0.0.1:9001");
    }

    #[test]
    fn whose_edits_would_be_lost_is_named_as_far_as_there_are_few() {
        let mut snapshot = scripted::snapshot(0);
        let told = |snapshot: &Snapshot| sentence(snapshot, |it| it.balancer.to_string(), |_| true);
        assert_eq!(told(&snapshot), None);
        for (count, whose) in [(1, "b1"), (2, "b1, b2"), (3, "b1, b2, b3"), (5, "b1, b2, b3 and 2 more")] {
            let subject = |at| Subject { balancer: format!("b{at}").parse().unwrap(), member: None };
            snapshot.undurable = (1..=count).map(subject).collect();
            let wanted = format!("NOT kept over a restart: edits of {whose}; the disk refuses them");
            assert_eq!(told(&snapshot).as_deref(), Some(wanted.as_str()));
        }
        for (columns, whose) in [(77, "b1, b2 and 3 more"), (73, "b1 and 4 more"), (9, "b1 and 4 more")] {
            let told = sentence(&snapshot, |it| it.balancer.to_string(), |text| text.len() <= columns);
            let wanted = format!("NOT kept over a restart: edits of {whose}; the disk refuses them");
            assert_eq!(told, Some(wanted));
        }
    }
}
