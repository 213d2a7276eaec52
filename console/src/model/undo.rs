//! What this console changed, so that it can be taken back: the newest first, and only while nobody has touched the
//! member since.

use evenkeel_protocol::{
    BalancerEdit, BalancerName, Change, Edited, Flag, MemberAddition, MemberEdit, Snapshot,
};

use crate::model::act::Act;
use crate::model::decision::Matter;
use crate::model::question::Subject;
use crate::model::target::Target;

/// How many changes are remembered.
const KEPT: usize = 50;

/// A change that the proxy has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Whom it changed.
    pub target: Target,
    /// What the member is called among people.
    pub label: String,
    /// What it changed.
    pub changes: Vec<Change>,
    /// The member's revision before.
    pub before: u64,
    /// The member's revision since.
    pub revision: u64,
    /// The event of the change, where the proxy numbers them.
    pub event: Option<u64>,
}

/// A change of a balancer's settings that the proxy has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuned {
    /// Whose.
    pub balancer: BalancerName,
    /// What it changed.
    pub changes: Vec<Change>,
    /// The balancer's revision since.
    pub revision: u64,
    /// The event of the change, where the proxy numbers them.
    pub event: Option<u64>,
}

/// A member that came or went from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Whom.
    pub target: Target,
    /// Its line, if it went; none: it came.
    pub line: Option<String>,
    /// The balancer's revision since.
    pub revision: u64,
    /// The event of it, where the proxy numbers them.
    pub event: Option<u64>,
}

/// One of the changes that this console made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// Of a member.
    Member(Done),
    /// Of a balancer's settings.
    Balancer(Tuned),
    /// Of who is there.
    Roster(Moved),
}

/// The changes that this console made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Own {
    made: Vec<Made>,
    /// What came after the last of them, and cannot be taken back from here.
    since: Option<Since>,
}

/// What came after the last change that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// The proxy was started again: its revisions begin anew, and none of the changes is known any more.
    Restart,
    /// The terms of the drain of the member that is called so were changed.
    Terms(String),
}

impl Own {
    /// Remembers an accepted change of a member that was `subject` before it.
    pub fn push(&mut self, subject: Subject, edited: &Edited) {
        let Subject { target, label, revision: before } = subject;
        let (changes, revision, event) = (edited.changes.clone(), edited.revision, edited.event);
        self.remember(edited, Made::Member(Done { target, label, changes, before, revision, event }));
    }

    /// Remembers an accepted change of a balancer's settings.
    pub fn push_tuned(&mut self, edited: &Edited) {
        let balancer = edited.balancer.clone();
        let (changes, revision, event) = (edited.changes.clone(), edited.revision, edited.event);
        self.remember(edited, Made::Balancer(Tuned { balancer, changes, revision, event }));
    }

    /// Remembers that a member came or went.
    pub fn push_roster(&mut self, edited: &Edited) {
        let (Some(member), [change]) = (edited.member.clone(), edited.changes.as_slice()) else { return };
        let target = Target { balancer: edited.balancer.clone(), member };
        let line = change.after.is_empty().then(|| change.before.clone());
        self.remember(
            edited,
            Made::Roster(Moved { target, line, revision: edited.revision, event: edited.event }),
        );
    }

    fn remember(&mut self, edited: &Edited, made: Made) {
        if !edited.changed {
            return;
        }
        if self.made.len() == KEPT {
            self.made.remove(0);
        }
        self.made.push(made);
        self.since = None;
    }

    /// The terms of a drain were changed from here.
    pub fn changed_terms(&mut self, label: &str) {
        self.since = Some(Since::Terms(label.to_owned()));
    }

    /// What came after the last change, which is told once.
    pub fn take_since(&mut self) -> Option<Since> {
        self.since.take()
    }

    /// The last change, which `u` takes back.
    pub fn last(&self) -> Option<&Made> {
        self.made.last()
    }

    /// Is this change remembered?
    pub fn holds(&self, made: &Made) -> bool {
        self.made.iter().any(|known| known.is(made))
    }

    /// The last change was taken back, which gave its member that revision: the change of ours that it followed at
    /// once holds again as it was.
    pub fn taken_back(&mut self, revision: u64) {
        let Some(Made::Member(taken)) = self.forget_last() else { return };
        let before = self.made.iter_mut().rev().find_map(|made| match made {
            Made::Member(done) if done.target == taken.target => Some(done),
            _ => None,
        });
        if let Some(done) = before.filter(|done| done.revision == taken.before) {
            done.revision = revision;
        }
    }

    /// The last change was taken back, or cannot be.
    pub fn forget_last(&mut self) -> Option<Made> {
        self.made.pop()
    }

    /// The proxy was restarted, and its revisions with it.
    pub fn restarted(&mut self) {
        if !self.made.is_empty() {
            self.since = Some(Since::Restart);
        }
        self.made.clear();
    }

    /// Does a member still drain because of us?
    pub fn has_open_drain(&self, snapshot: Option<&Snapshot>) -> bool {
        let drained = |done: &&Done| {
            done.changes
                .iter()
                .any(|change| change.field == "drain" && change.after.eq_ignore_ascii_case("on"))
        };
        let members = self.made.iter().filter_map(|made| match made {
            Made::Member(done) => Some(done),
            Made::Balancer(_) | Made::Roster(_) => None,
        });
        members.filter(drained).any(|done| {
            let found = snapshot.and_then(|snapshot| done.target.find(snapshot));
            found.is_some_and(|(_, member)| member.status.has(Flag::Drain))
        })
    }
}

impl Made {
    /// Is it the same change? The revision since may be another, after one that came later was taken back.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Member(one), Self::Member(two)) => {
                (&one.target, one.before, one.event) == (&two.target, two.before, two.event)
            }
            _ => self == other,
        }
    }
}

impl Done {
    /// What takes it back, as something to ask: the values from before, if the revision is still that of the change.
    ///
    /// # Errors
    ///
    /// The field whose value from before cannot be written back.
    pub fn inverse(&self) -> Result<(Subject, Act), String> {
        let mut edit = MemberEdit::default();
        for change in &self.changes {
            edit.set(&change.field, &change.before).map_err(|why| {
                format!("{} cannot be set back to '{}': it {why}", change.field, change.before)
            })?;
        }
        let changes = turned(&self.changes);
        let subject =
            Subject { target: self.target.clone(), label: self.label.clone(), revision: self.revision };
        Ok((subject, Act::Undo { event: self.event, edit: Box::new(edit), changes }))
    }
}

impl Moved {
    /// What brings back who went: where the proxy numbers changes it does so itself, as it was; else with its
    /// parameters, disabled. None: it came.
    pub fn return_of(&self) -> Option<Matter> {
        let mut addition = MemberAddition::of_line(self.line.as_ref()?);
        addition.parameters = MemberAddition::disabled(addition.parameters);
        let balancer = self.target.balancer.clone();
        Some(Matter::Addition { balancer, addition: Box::new(addition), undo: true, event: self.event })
    }
}

impl Tuned {
    /// What takes it back, as [`Done::inverse`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn inverse(&self) -> Result<Matter, String> {
        let mut edit = BalancerEdit::default();
        for change in &self.changes {
            edit.set(&change.field, &change.before).map_err(|why| {
                format!("{} cannot be set back to '{}': it {why}", change.field, change.before)
            })?;
        }
        let (balancer, revision) = (self.balancer.clone(), self.revision);
        Ok(Matter::Settings {
            balancer,
            revision,
            edit: Box::new(edit),
            changes: turned(&self.changes),
            undo: true,
            event: self.event,
        })
    }
}

/// The changes that take these back.
fn turned(changes: &[Change]) -> Vec<Change> {
    let turned = |Change { field, before, after }: &Change| Change {
        field: field.clone(),
        before: after.clone(),
        after: before.clone(),
    };
    changes.iter().map(turned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn of_member(made: Option<&Made>) -> &Done {
        match made {
            Some(Made::Member(done)) => done,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_went_comes_back_by_number_or_else_disabled() {
        let line = Some("http://n route=n status=-D".to_owned());
        for event in [Some(9), None] {
            let moved = Moved { target: sample::target("node1"), line: line.clone(), revision: 2, event };
            let decision = crate::model::decision::Decision::new(moved.return_of().unwrap());
            assert_eq!(decision.undo().and_then(|order| order.event), event);
            let (_, addition) = decision.addition().unwrap();
            assert_eq!(addition.parameters, ["route=n", "status=-D", "status=+D"]);
        }
    }

    #[test]
    fn settings_of_a_balancer_are_taken_back_alike() {
        let mut own = Own::default();
        own.push_tuned(&sample::edited("lbmethod", "byrequests", "heartbeat"));
        let Some(Made::Balancer(tuned)) = own.last() else { panic!("{own:?}") };
        let Ok(Matter::Settings { edit, changes, revision, undo: true, .. }) = tuned.inverse() else {
            panic!("{tuned:?}")
        };
        assert_eq!((edit.lbmethod, revision), (Some(evenkeel_protocol::LbMethod::ByRequests), 4));
        assert_eq!((changes[0].before.as_str(), changes[0].after.as_str()), ("heartbeat", "byrequests"));
    }

    #[test]
    fn a_change_is_taken_back_by_its_values_from_before() {
        let mut own = Own::default();
        let target = sample::target("node1");
        own.push(sample::subject("node1", 3), &sample::edited("drain", "Off", "On"));
        let unchanged = Edited { changed: false, ..sample::edited("route", "", "b") };
        own.push(sample::subject("node1", 4), &unchanged);
        let (subject, act) = of_member(own.last()).inverse().unwrap();
        assert_eq!((subject.target, subject.revision), (target, 4));
        assert_eq!(
            act.edit(4),
            MemberEdit { drain: Some(false), revision: Some(4), ..MemberEdit::default() }
        );
        own.push(sample::subject("node1", 3), &sample::edited("lbfactor", "1.00", "2.50"));
        assert_eq!(of_member(own.last()).inverse().unwrap().1.edit(4).lbfactor, "1".parse().ok());
        own.forget_last();
        assert!(own.last().is_some());
    }

    #[test]
    fn the_change_before_the_one_that_was_taken_back_holds_again() {
        for (what, before, revision) in [("they followed at once", 4, 6), ("somebody came between", 5, 4)] {
            let mut own = Own::default();
            own.push(sample::subject("node1", 3), &sample::edited("drain", "Off", "On"));
            own.push(sample::subject("node2", 9), &sample::edited("drain", "Off", "On"));
            let second = Edited { revision: before + 1, ..sample::edited("lbset", "0", "1") };
            own.push(sample::subject("node1", before), &second);
            own.taken_back(6);
            let Made::Member(first) = &own.made[0] else { panic!("{own:?}") };
            assert_eq!((first.revision, own.made.len()), (revision, 2), "{what}");
        }
    }

    #[test]
    fn what_cannot_be_written_back_is_said() {
        let mut own = Own::default();
        own.push(sample::subject("node1", 3), &sample::edited("lbset", "many", "1"));
        assert!(
            of_member(own.last()).inverse().unwrap_err().starts_with("lbset cannot be set back to 'many'")
        );
    }

    #[test]
    fn a_drain_of_ours_is_open_until_it_has_ended() {
        let mut own = Own::default();
        let mut snapshot = sample::snapshot(0);
        assert!(!own.has_open_drain(Some(&snapshot)), "node2 drains, but not because of us");
        let edited = sample::edited("drain", "Off", "On");
        own.push(sample::subject("node2", 3), &edited);
        assert!(own.has_open_drain(Some(&snapshot)));
        let node2 = &mut snapshot.balancers[0].members[1];
        node2.status = node2.status.with(Flag::Drain, false);
        assert!(!own.has_open_drain(Some(&snapshot)));
    }
}
