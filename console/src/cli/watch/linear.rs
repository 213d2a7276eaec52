//! What changes, as sentences: of each member and each drain what an operator would want read aloud, and not how its
//! counters run.

use std::collections::BTreeMap;

use evenkeel_protocol::{BalancerSnapshot, Drain, MemberSnapshot, Snapshot};

use crate::cli::drain::standing;
use crate::cli::target;

/// What is said of a thing, by names.
type Facts = Vec<(&'static str, String)>;

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Story {
    members: BTreeMap<String, Facts>,
    drains: BTreeMap<u64, String>,
}

impl Story {
    /// What is otherwise now than when it was told last; everything at first.
    pub(super) fn goes_on(&mut self, snapshot: &Snapshot) -> Vec<String> {
        let mut told = Vec::new();
        let mut now = BTreeMap::new();
        for balancer in &snapshot.balancers {
            for member in &balancer.members {
                let label = target::shortest(snapshot, balancer, member);
                let facts = facts(balancer, member);
                match self.members.remove(&label) {
                    None => told.push(format!("{label}: {}", all(&facts))),
                    Some(before) => {
                        told.extend(changed(&before, &facts).map(|text| format!("{label}: {text}")));
                    }
                }
                now.insert(label, facts);
            }
        }
        told.extend(self.members.keys().map(|label| format!("{label} is no longer there")));
        self.members = now;
        for drain in &snapshot.drains {
            let stands = standing(drain);
            if self.drains.get(&drain.number) != Some(&stands) {
                told.push(of_drain(drain, &stands));
            }
        }
        self.drains = snapshot.drains.iter().map(|drain| (drain.number, standing(drain))).collect();
        told
    }
}

fn facts(balancer: &BalancerSnapshot, member: &MemberSnapshot) -> Facts {
    let error = member.error.as_ref().map_or_else(String::new, |error| error.reason.clone());
    vec![
        ("status", member.words.clone()),
        ("error", error),
        ("factor", member.lbfactor.to_string()),
        ("set", member.lbset.to_string()),
        ("route", member.route.to_string()),
        ("redirect", member.redirect.to_string()),
        ("lbmethod", balancer.lbmethod_name().to_owned()),
    ]
}

/// All that is not empty.
fn all(facts: &Facts) -> String {
    let said = facts.iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

/// What is not as it was; none: everything is.
fn changed(before: &Facts, now: &Facts) -> Option<String> {
    let value = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let changes: Vec<String> = before
        .iter()
        .zip(now)
        .filter(|(before, now)| before != now)
        .map(|((name, before), (_, now))| format!("{name} {} -> {}", value(before), value(now)))
        .collect();
    (!changes.is_empty()).then(|| changes.join(", "))
}

fn of_drain(drain: &Drain, stands: &str) -> String {
    format!("drain {} of {}/{}: {stands}: {}", drain.number, drain.balancer, drain.member, drain.why)
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::DrainOutcome;

    use super::*;
    use crate::client::scripted;

    #[test]
    fn a_story_tells_each_thing_once() {
        let mut story = Story::default();
        let mut snapshot = scripted::snapshot(0);
        assert_eq!(story.goes_on(&snapshot).len(), 3);
        snapshot.balancers[0].members[0].elected += 1000;
        assert_eq!(story.goes_on(&snapshot), [""; 0], "counters are not read aloud");
        snapshot.balancers[0].members[1].error = None;
        snapshot.balancers[0].members[1].words = "Init Ok".to_owned();
        assert_eq!(
            story.goes_on(&snapshot),
            ["app/b: status Init Err -> Init Ok, error connection refused -> none"]
        );
        snapshot.drains = vec![scripted::drain(None)];
        assert_eq!(
            story.goes_on(&snapshot),
            ["drain 3 of app/http://127.0.0.1:9001: requests: 1 request is in flight"]
        );
        assert_eq!(story.goes_on(&snapshot), [""; 0]);
        snapshot.drains = vec![scripted::drain(Some(DrainOutcome::Cancelled))];
        snapshot.balancers.pop();
        let told = story.goes_on(&snapshot);
        assert!(told[0].ends_with(" is no longer there") && told[1].contains(": cancelled: "), "{told:?}");
    }
}
