//! What the disk of the proxy refuses, and what was lost with a restart because it had refused it, in words.

use evenkeel_protocol::sentence::listed;
use evenkeel_protocol::{BalancerSettings, Drain, MemberEdit, Snapshot, Subject, Timestamp};

use crate::model::form;
use crate::model::target::Target;
use crate::widget::abridge::abridge;

/// How many are named in the sentence.
const NAMED: usize = 3;

/// The columns of one name, where there is no room for all of it, and the fewest.
const SHORT: [usize; 3] = [40, 30, SHORTEST];
const SHORTEST: usize = 20;

/// What is said of one of them.
pub const NOT_KEPT: &str = "NOT kept over a restart";

/// What would be lost and whose it is, each as `name` has it, in the longest form that `fits`. None: nothing would be.
pub fn sentence(
    snapshot: &Snapshot,
    name: impl Fn(&Subject) -> String,
    fits: impl Fn(&str) -> bool,
) -> Option<String> {
    let (mut edits, drains) = (named(&snapshot.undurable, &name), named(&drains(snapshot), &name));
    let is_next_alone = edits.is_empty() && snapshot.unwritable;
    edits.extend(is_next_alone.then(|| "from now on".to_owned()));
    let edits_of = if is_next_alone { "edits " } else { "edits of " };
    let them = if edits.len() + drains.len() > 1 || !edits.is_empty() { "them" } else { "it" };
    let whole = |of: String| format!("{NOT_KEPT}: {of}; the disk refuses {them}");
    longest((&edits, edits_of), (&drains, "the drain job of "), |of| fits(&whole(of.to_owned()))).map(whole)
}

/// Is it told of something that was done already, and not only of what is to come?
pub fn is_about_what_was_done(snapshot: &Snapshot) -> bool {
    !snapshot.undurable.is_empty() || !snapshot.undurable_drains.is_empty()
}

/// The members whose drains would be.
fn drains(snapshot: &Snapshot) -> Vec<Subject> {
    let refused = snapshot.drains.iter().filter(|drain| snapshot.undurable_drains.contains(&drain.number));
    refused.map(subject_of).collect()
}

fn subject_of(drain: &Drain) -> Subject {
    Subject { balancer: drain.balancer.clone(), member: Some(drain.member.clone()) }
}

/// Their names: members first, for whoever reads only one of them must know where to look.
fn named(subjects: &[Subject], name: impl Fn(&Subject) -> String) -> Vec<String> {
    let mut subjects: Vec<&Subject> = subjects.iter().collect();
    subjects.sort_by_key(|it| it.member.is_none());
    subjects.into_iter().map(name).collect()
}

/// Both lists in the longest form that `fits`, else in the shortest; none: they are empty.
fn longest(
    edits: (&[String], &str),
    drains: (&[String], &str),
    fits: impl Fn(&str) -> bool,
) -> Option<String> {
    let form = |named: usize, columns: usize| {
        let parts = [edits, drains].into_iter().filter(|(names, _)| !names.is_empty());
        let parts: Vec<String> =
            parts.map(|(names, what)| format!("{what}{}", abridged(names, named, columns))).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    };
    let whole = (1..=NAMED).rev().map(|named| (named, usize::MAX));
    let mut forms = whole.chain(SHORT.map(|columns| (1, columns))).filter_map(|(named, to)| form(named, to));
    forms.find(|it| fits(it)).or_else(|| form(1, SHORTEST))
}

/// The first of these names, each in so many columns.
fn abridged(names: &[String], named: usize, columns: usize) -> String {
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    listed(abridge(&all, columns).into_iter(), named, "")
}

/// How a member or a balancer stands, as far as edits set it; a member that is not there stands nowhere.
#[derive(Debug, Clone, PartialEq)]
enum Stand {
    Nowhere,
    Member(Vec<String>),
    Balancer(Box<BalancerSettings>),
}

impl Stand {
    fn of(subject: &Subject, snapshot: &Snapshot) -> Self {
        let Some(balancer) = snapshot.balancer(&subject.balancer) else { return Self::Nowhere };
        let Some(member) = &subject.member else {
            return Self::Balancer(Box::new(balancer.settings.clone()));
        };
        let Some(member) = balancer.member(member) else { return Self::Nowhere };
        let flags = MemberEdit::FLAGS.into_iter().map(|(_, field)| field);
        let fields = flags.filter(|field| *field != MemberEdit::TRANSIENT).chain(form::SETTINGS);
        Self::Member(fields.map(|field| form::value(member, field)).collect())
    }
}

/// What the disk refused, as it stood in one run of the proxy.
#[derive(Debug, Clone, Default)]
pub struct Refused {
    edits: Vec<(Subject, Stand)>,
    /// Drains that ran, with when they began: numbers may be given again.
    drains: Vec<(Subject, u64, Timestamp)>,
}

impl Refused {
    /// What `snapshot` says is refused.
    pub fn of(snapshot: &Snapshot) -> Self {
        let edits = snapshot.undurable.iter().map(|it| (it.clone(), Stand::of(it, snapshot))).collect();
        let running = snapshot.drains.iter().filter(|it| snapshot.undurable_drains.contains(&it.number));
        let running = running.zip(drains(snapshot)).map(|(drain, it)| (it, drain.number, drain.began));
        Self { edits, drains: running.collect() }
    }

    /// That it is written down now.
    pub fn over(&self) -> &'static str {
        match (self.edits.is_empty(), self.drains.is_empty()) {
            (false, false) => "edits and drains are durable again",
            (true, false) => "drains are durable again",
            _ => "edits are durable again",
        }
    }

    /// What of it the next run does not know, as `snapshot` shows it.
    pub fn lost(self, snapshot: &Snapshot) -> Lost {
        let seen = |it: Subject| (revision(&it, snapshot), it);
        let edits = self.edits.into_iter().filter(|(it, stood)| Stand::of(it, snapshot) != *stood);
        let is_known = |number, began| {
            snapshot.drains.iter().any(|drain| drain.number == number && drain.began == began)
        };
        let drains = self.drains.into_iter().filter(|(_, number, began)| !is_known(*number, *began));
        Lost {
            edits: edits.map(|(it, _)| seen(it)).collect(),
            drains: drains.map(|(it, ..)| seen(it)).collect(),
        }
    }
}

fn revision(subject: &Subject, snapshot: &Snapshot) -> Option<u64> {
    let balancer = snapshot.balancer(&subject.balancer)?;
    match &subject.member {
        Some(member) => balancer.member(member).map(|member| member.revision),
        None => Some(balancer.revision),
    }
}

/// What was lost with a restart, until somebody sees to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lost {
    edits: Vec<(Option<u64>, Subject)>,
    drains: Vec<(Option<u64>, Subject)>,
}

impl Lost {
    /// Forgets those that were edited since, and drains where another one runs.
    pub fn hear(&mut self, snapshot: &Snapshot) {
        for list in [&mut self.edits, &mut self.drains] {
            list.retain(|(seen, subject)| revision(subject, snapshot) == *seen);
        }
        let running: Vec<Subject> =
            snapshot.drains.iter().filter(|drain| drain.is_running()).map(subject_of).collect();
        self.drains.retain(|(_, subject)| !running.contains(subject));
    }

    /// The member whose drain was lost, if that is all.
    pub fn drain_alone(&self) -> Option<&Subject> {
        match (self.edits.as_slice(), self.drains.as_slice()) {
            ([], [(_, subject)]) => Some(subject),
            _ => None,
        }
    }

    /// Was an edit of this member lost?
    pub fn has(&self, target: &Target) -> bool {
        let is_it =
            |it: &Subject| it.balancer == target.balancer && it.member.as_ref() == Some(&target.member);
        self.edits.iter().any(|(_, it)| is_it(it))
    }

    /// What it was and whose, in the longest form that `fits`; none: nothing was.
    pub fn sentence(&self, name: impl Fn(&Subject) -> String, fits: impl Fn(&str) -> bool) -> Option<String> {
        let names = |list: &[(Option<u64>, Subject)]| {
            let subjects: Vec<Subject> = list.iter().map(|(_, subject)| subject.clone()).collect();
            named(&subjects, &name)
        };
        let (edits, drains) = (names(&self.edits), names(&self.drains));
        let is_one = self.drain_alone().is_some();
        let whole = |of: String| {
            format!(
                "LOST with the restart of the proxy: {of}{}",
                if is_one { ", and its deadline" } else { "" }
            )
        };
        longest((&edits, "edits of "), (&drains, "the drain job of "), |of| fits(&whole(of.to_owned())))
            .map(whole)
    }
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

    fn of_member(snapshot: &Snapshot, at: usize) -> Subject {
        let balancer = &snapshot.balancers[0];
        Subject { balancer: balancer.name.clone(), member: Some(balancer.members[at].name.clone()) }
    }

    fn label(subject: &Subject) -> String {
        let member = subject.member.as_ref().map(|it| format!("/{}", it.authority()));
        format!("{}{}", subject.balancer, member.unwrap_or_default())
    }

    #[test]
    fn a_member_is_named_before_balancers_and_a_long_one_in_part() {
        let mut snapshot = scripted::snapshot(0);
        let member = of_member(&snapshot, 0);
        let of = |name: &str| Subject { balancer: name.parse().unwrap(), member: None };
        snapshot.undurable = vec![of("static-files"), of("b"), member];
        let told = sentence(&snapshot, label, |text| text.len() <= 84);
        let wanted = "NOT kept over a restart: edits of app/127.0.0.1:9001 and 2 more; the disk refuses them";
        assert_eq!(told.as_deref(), Some(wanted));
        snapshot.undurable.truncate(1);
        let long = |_: &Subject| format!("{}-17", "x".repeat(60));
        let told = sentence(&snapshot, long, |text| text.chars().count() <= 80).unwrap();
        assert!(told.ends_with("-17; the disk refuses them") && told.chars().count() <= 80, "{told}");
    }

    #[test]
    fn a_drain_that_would_be_lost_is_told_as_what_it_is() {
        let mut snapshot = scripted::snapshot(0);
        snapshot.drains = vec![scripted::drain(None)];
        snapshot.undurable_drains = vec![snapshot.drains[0].number];
        let told = sentence(&snapshot, label, |_| true);
        let wanted = "NOT kept over a restart: the drain job of app/127.0.0.1:9001; the disk refuses it";
        assert_eq!(told.as_deref(), Some(wanted));
        snapshot.undurable = vec![of_member(&snapshot, 1)];
        let told = sentence(&snapshot, label, |_| true).unwrap();
        assert!(
            told.contains(
                "edits of app/127.0.0.1:9002, the drain job of app/127.0.0.1:9001; the disk refuses them"
            ),
            "{told}"
        );
    }

    #[test]
    fn that_the_next_edit_would_be_lost_is_told_as_long_as_none_is() {
        let mut snapshot = scripted::snapshot(0);
        snapshot.unwritable = true;
        let told = |snapshot: &Snapshot| sentence(snapshot, label, |text| text.len() <= 76).unwrap();
        assert_eq!(told(&snapshot), "NOT kept over a restart: edits from now on; the disk refuses them");
        snapshot.undurable = vec![of_member(&snapshot, 1)];
        let wanted = "NOT kept over a restart: edits of app/127.0.0.1:9002; the disk refuses them";
        assert_eq!(told(&snapshot), wanted);
    }

    #[test]
    fn what_a_restart_lost_is_what_stands_otherwise_until_somebody_edits_it() {
        let mut before = scripted::snapshot(0);
        before.drains = vec![scripted::drain(None)];
        before.undurable_drains = vec![before.drains[0].number];
        before.undurable = vec![of_member(&before, 0), of_member(&before, 1)];
        let mut after = scripted::snapshot(0);
        let lost = Refused::of(&before).lost(&after);
        let told = lost.sentence(label, |_| true);
        let wanted =
            "LOST with the restart of the proxy: the drain job of app/127.0.0.1:9001, and its deadline";
        assert_eq!(told.as_deref(), Some(wanted), "edits that hold are not lost");
        let mut lost = lost;
        let mut again = after.clone();
        again.drains = vec![scripted::drain(Some(evenkeel_protocol::DrainOutcome::Idle))];
        lost.hear(&again);
        assert_ne!(lost, Lost::default(), "it has ended");
        again.drains = vec![scripted::drain(None)];
        lost.hear(&again);
        assert_eq!(lost, Lost::default(), "another one runs");
        before.undurable_drains.clear();
        after.balancers[0].members[1].lbset = "7".parse().unwrap();
        let mut lost = Refused::of(&before).lost(&after);
        let told = lost.sentence(label, |_| true);
        assert_eq!(told.as_deref(), Some("LOST with the restart of the proxy: edits of app/127.0.0.1:9002"));
        lost.hear(&after);
        assert!(lost.sentence(label, |_| true).is_some());
        after.balancers[0].members[1].revision += 1;
        lost.hear(&after);
        assert_eq!(lost, Lost::default());
    }
}
