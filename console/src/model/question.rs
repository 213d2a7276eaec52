//! A question that must be answered before anything changes. It is bound to its member when the key is pressed.

use evenkeel_protocol::Snapshot;

use crate::model::act::Act;
use crate::model::form::Form;
use crate::model::target::Target;

/// The question.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Whom it is about.
    pub target: Target,
    /// Its name among people when the question was asked: `app/node1`.
    pub label: String,
    /// What would be done.
    pub act: Act,
    /// The revision of the member that the operator was looking at.
    pub revision: u64,
    /// Has it been on the screen? An answer typed ahead of the question is not an answer.
    pub seen: bool,
    /// The form that it came from, to go back to.
    pub back: Option<Box<Form>>,
}

/// Can the question still be answered with yes?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Yes.
    Open,
    /// No: the member is gone.
    Gone,
    /// No: somebody changed the member since.
    Changed,
}

impl Question {
    /// How it stands, now that the proxy says `snapshot`.
    pub fn standing(&self, snapshot: Option<&Snapshot>) -> Standing {
        match snapshot.and_then(|snapshot| self.target.find(snapshot)) {
            None => Standing::Gone,
            Some((_, member)) if member.revision != self.revision => Standing::Changed,
            Some(_) => Standing::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn a_question_falls_when_its_member_is_changed_or_gone() {
        let mut snapshot = sample::snapshot(0);
        let question = Question {
            target: sample::target("node1"),
            label: "app/node1".to_owned(),
            act: Act::Enable,
            revision: 3,
            seen: true,
            back: None,
        };
        assert_eq!(question.standing(Some(&snapshot)), Standing::Open);
        snapshot.balancers[0].members[0].revision = 4;
        assert_eq!(question.standing(Some(&snapshot)), Standing::Changed);
        snapshot.balancers[0].members.remove(0);
        assert_eq!(question.standing(Some(&snapshot)), Standing::Gone);
        assert_eq!(question.standing(None), Standing::Gone);
    }
}
