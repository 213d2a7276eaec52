//! What changes, as sentences: of the proxy's run, of each member and each drain what an operator would want read aloud,
//! and not how its counters run. What operators set is told from the proxy's events: between two looks it may have been
//! set back.

use std::collections::BTreeMap;

use evenkeel_protocol::{
    BalancerName, BalancerSnapshot, Drain, Event, Hello, MemberName, MemberSnapshot, Override, Snapshot,
    Subject, Timestamp,
};

use crate::called;
use crate::cli::drain::standing;
use crate::cli::{events, target};
use crate::undurable::{self, Refused};

/// What is said of a thing, by names.
type Facts = Vec<(&'static str, String)>;

/// A member as it was told last. It is known by its URL: what people call it changes with its route.
#[derive(Debug)]
struct Known {
    label: String,
    facts: Facts,
}

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// The last event that is told, or seen in what is told.
    event: Option<u64>,
    members: BTreeMap<(BalancerName, MemberName), Known>,
    drains: BTreeMap<u64, String>,
    run: Option<Run>,
    /// What was said of what would be lost, and what that is.
    not_kept: Option<String>,
    refused: Refused,
    lost: Vec<Override>,
}

/// What tells one run of a proxy, or of its configuration, from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    started: Timestamp,
    reloads: u64,
    /// Do several servers answer in turn?
    alternating: bool,
}

impl Story {
    /// What is otherwise now than when it was told last; everything at first.
    pub(super) fn goes_on(&mut self, snapshot: &Snapshot) -> Vec<String> {
        let mut told = self.turns(snapshot);
        let mut now = BTreeMap::new();
        for balancer in &snapshot.balancers {
            for member in &balancer.members {
                let label = target::shortest(snapshot, balancer, member);
                let facts = facts(balancer, member);
                let key = (balancer.name.clone(), member.name.clone());
                match self.members.remove(&key) {
                    None => told.push(format!("{label}: {}", all(&facts))),
                    Some(before) => {
                        // A change of its route is told under the name that it had.
                        let whose =
                            if route(&before.facts) == route(&facts) { &label } else { &before.label };
                        told.extend(changed(&before.facts, &facts).map(|text| format!("{whose}: {text}")));
                    }
                }
                now.insert(key, Known { label, facts });
            }
        }
        told.extend(self.members.values().map(|gone| format!("{} is no longer there", gone.label)));
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

    /// Behind which event there are some that were not told; none: there are none, or nobody keeps them.
    pub(super) fn unheard(&mut self, snapshot: &Snapshot) -> Option<u64> {
        let before = self.event.replace(snapshot.event)?;
        // A proxy that counts anew has kept none of before.
        let since = if before > snapshot.event { 0 } else { before };
        (since < snapshot.event && !snapshot.proxy.is_httpd()).then_some(since)
    }

    /// What an operator has changed, if it is of what is watched. What the event says of settings is not told once more.
    pub(super) fn hears(&mut self, event: &Event, snapshot: &Snapshot) -> Option<String> {
        // What is later than the snapshot is told with the next one.
        let (balancer, edited) = event.kind.about().filter(|_| event.number <= snapshot.event)?;
        let balancer = snapshot.balancer(balancer)?;
        let edited = match edited {
            Some(edited) => Some(balancer.member(edited)?),
            None => None,
        };
        let of_whom = if edited.is_some() { OF_MEMBERS } else { OF_BALANCERS };
        for member in balancer.members.iter().filter(|it| edited.is_none_or(|edited| edited.name == it.name))
        {
            let Some(known) = self.members.get_mut(&(balancer.name.clone(), member.name.clone())) else {
                continue;
            };
            for (known, now) in known.facts.iter_mut().zip(facts(balancer, member)) {
                if of_whom.contains(&now.0) {
                    *known = now;
                }
            }
        }
        let sentence = events::sentence(&event.kind);
        let told = edited.and_then(|member| {
            let rest = sentence.strip_prefix(&format!("{}/{}", balancer.name, member.name))?;
            let known = self.members.get(&(balancer.name.clone(), member.name.clone()));
            let label = known.map(|known| known.label.clone());
            Some(format!("{}{rest}", label.unwrap_or_else(|| target::shortest(snapshot, balancer, member))))
        });
        Some(told.unwrap_or(sentence))
    }

    /// That another run answers than before, and what it has lost of what was set.
    fn turns(&mut self, snapshot: &Snapshot) -> Vec<String> {
        let Snapshot { proxy, alternating, forgotten, .. } = snapshot;
        let run = Run { started: proxy.started, reloads: proxy.reloads, alternating: *alternating };
        let before = self.run.replace(run);
        let mut told: Vec<String> =
            before.and_then(|before| turned(proxy, before, run)).into_iter().collect();
        let shown = |lost: &&Override| snapshot.balancer(&lost.subject.balancer).is_some();
        let lost: Vec<Override> = forgotten.iter().filter(shown).cloned().collect();
        let new = lost.iter().filter(|lost| !self.lost.contains(lost));
        told.extend(new.map(|lost| of_loss(lost, snapshot)));
        self.lost = lost;
        told.extend(self.durability(snapshot, before.is_some_and(|before| before.started != run.started)));
        told
    }

    /// What would be lost, that it is written down, or that it is lost.
    fn durability(&mut self, snapshot: &Snapshot, restarted: bool) -> Vec<String> {
        let name = |subject: &Subject| target::called(snapshot, subject);
        let refused = std::mem::replace(&mut self.refused, Refused::of(snapshot));
        let over = refused.over();
        let lost = restarted.then(|| refused.lost(snapshot)).and_then(|it| it.sentence(name, |_| true));
        let not_kept = undurable::sentence(snapshot, name, |_| true);
        let before = std::mem::replace(&mut self.not_kept, not_kept.clone());
        let over = Some(over.to_owned()).filter(|_| lost.is_none());
        let now = if not_kept == before { None } else { not_kept.or(over) };
        lost.into_iter().chain(now).collect()
    }
}

/// What has become of the run of before; none: it goes on.
fn turned(proxy: &Hello, before: Run, now: Run) -> Option<String> {
    let told = match (proxy.is_httpd(), before, now) {
        (_, Run { alternating: false, .. }, Run { alternating: true, .. }) => {
            "several servers answer behind this name in turn, and of one to the next nothing follows: name one of them with \
             --apache"
        }
        (_, Run { alternating: true, .. }, Run { alternating: false, .. }) => {
            "one server alone answers again"
        }
        (true, before, now) if before != now && called::of(proxy) == called::HTTPD => {
            "httpd was restarted, perhaps gracefully: requests that its processes of before still serve are not counted"
        }
        (true, before, now) if before != now => "the proxy was restarted: its counters begin anew",
        (false, before, now) if before.started != now.started => {
            "the proxy was restarted: its counters begin anew"
        }
        (false, before, now) if before.reloads != now.reloads => "the proxy has read its configuration anew",
        _ => return None,
    };
    Some(told.to_owned())
}

fn of_loss(Override { subject, field, value, why, .. }: &Override, snapshot: &Snapshot) -> String {
    let name = target::called(snapshot, subject);
    format!("{name}: {field} {value} is lost: {why}")
}

/// Facts that edits of members set, and those that edits of balancers do.
const OF_MEMBERS: &[&str] = &["factor", "set", "route", "redirect"];
const OF_BALANCERS: &[&str] = &["lbmethod"];

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

fn route(facts: &Facts) -> Option<&str> {
    facts.iter().find(|(name, _)| *name == "route").map(|(_, route)| route.as_str())
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
    fn edits_that_would_be_lost_are_told_at_first_and_when_they_are_kept() {
        let mut story = Story::default();
        let mut snapshot = scripted::snapshot(0);
        snapshot.undurable.push(Subject { balancer: snapshot.balancers[0].name.clone(), member: None });
        let told = story.goes_on(&snapshot);
        assert_eq!(told[0], "NOT kept over a restart: edits of app; the disk refuses them");
        assert_eq!(story.goes_on(&snapshot), [""; 0]);
        snapshot.undurable.clear();
        assert_eq!(story.goes_on(&snapshot), ["edits are durable again"]);
    }

    #[test]
    fn what_a_restart_lost_is_not_told_as_durable() {
        let mut story = Story::default();
        let mut snapshot = scripted::snapshot(0);
        let (balancer, member) = (snapshot.balancers[0].name.clone(), &mut snapshot.balancers[0].members[0]);
        snapshot.undurable = vec![Subject { balancer, member: Some(member.name.clone()) }];
        member.lbset = "7".parse().unwrap();
        story.goes_on(&snapshot);
        let mut snapshot = scripted::snapshot(0);
        snapshot.proxy.started = Timestamp(snapshot.proxy.started.0 + 1);
        let told = story.goes_on(&snapshot);
        assert_eq!(told[1], "LOST with the restart of the proxy: edits of app/a", "{told:?}");
        assert!(!told.iter().any(|text| text.contains("durable again")), "{told:?}");
    }

    #[test]
    fn a_restart_is_told_with_what_it_has_lost() {
        let mut story = Story::default();
        let mut snapshot = scripted::snapshot(0);
        snapshot.proxy.product = Hello::HTTPD.to_owned();
        story.goes_on(&snapshot);
        snapshot.proxy.started = Timestamp(snapshot.proxy.started.0 + 1);
        snapshot.proxy.reloads += 1;
        let member = Some(snapshot.balancers[0].members[0].name.clone());
        let lost = |balancer: &str| Override {
            subject: evenkeel_protocol::Subject {
                balancer: balancer.parse().unwrap(),
                member: member.clone(),
            },
            field: "drain".to_owned(),
            value: "On".to_owned(),
            why: "httpd has forgotten it".to_owned(),
            loss: evenkeel_protocol::Loss::default(),
        };
        snapshot.forgotten = vec![lost("app"), lost("not-shown")];
        let told = story.goes_on(&snapshot);
        assert!(told[0].starts_with("httpd was restarted, perhaps gracefully"), "{told:?}");
        assert_eq!(told[1..], ["app/a: drain On is lost: httpd has forgotten it"]);
        assert_eq!(story.goes_on(&snapshot), [""; 0]);
        snapshot.alternating = true;
        let told = story.goes_on(&snapshot);
        assert!(
            told[0].starts_with("several servers answer") && told[0].ends_with("with --apache"),
            "{told:?}"
        );
        assert!(!story.turns(&snapshot).iter().any(|told| told.contains("several")), "told once");
        let mut story = Story::default();
        snapshot.alternating = false;
        snapshot.proxy.version = "Apache/2.4.71 (Evenkeel)".to_owned();
        story.goes_on(&snapshot);
        snapshot.proxy.reloads += 1;
        assert_eq!(story.goes_on(&snapshot), ["the proxy was restarted: its counters begin anew"]);
        let mut story = Story::default();
        let mut snapshot = scripted::snapshot(0);
        story.goes_on(&snapshot);
        snapshot.proxy.reloads += 1;
        assert_eq!(story.goes_on(&snapshot), ["the proxy has read its configuration anew"]);
        snapshot.proxy.started = Timestamp(snapshot.proxy.started.0 + 1);
        assert_eq!(story.goes_on(&snapshot), ["the proxy was restarted: its counters begin anew"]);
    }

    #[test]
    fn a_member_whose_route_is_changed_is_the_same() {
        let mut story = Story::default();
        let mut snapshot = scripted::snapshot(0);
        story.goes_on(&snapshot);
        snapshot.balancers[0].members[0].route = "z".parse().unwrap();
        assert_eq!(story.goes_on(&snapshot), ["app/a: route a -> z"]);
        snapshot.balancers[0].members[0].words = "Init Dis".to_owned();
        assert_eq!(story.goes_on(&snapshot), ["app/z: status Init Ok -> Init Dis"]);
        // Two members change their routes with each other.
        snapshot.balancers[0].members[0].route = "b".parse().unwrap();
        snapshot.balancers[0].members[1].route = "z".parse().unwrap();
        assert_eq!(story.goes_on(&snapshot), ["app/z: route z -> b", "app/b: route b -> z"]);
    }

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
