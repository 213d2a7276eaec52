//! A question that must be answered before anything changes. It is bound to its members when the key is pressed.

use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::{MemberEdit, Snapshot};

use crate::model::act::Act;
use crate::model::command;
use crate::model::form::{Form, Text};
use crate::model::target::Target;

/// A member as it was when the question was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Whom it is about.
    pub target: Target,
    /// Its name among people: `app/node1`.
    pub label: String,
    /// The revision of the member that the operator was looking at.
    pub revision: u64,
}

/// The question.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Whom it is about: one, or all that were marked.
    pub subjects: Vec<Subject>,
    /// What would be done to each.
    pub act: Act,
    /// Why, if the operator has said.
    pub reason: Option<Reason>,
    /// Was the proxy started again since? Then its revisions are others, and say nothing of a change.
    pub restarted: bool,
    /// Has it been on the screen? An answer typed ahead of the question is not an answer.
    pub seen: bool,
    /// Which page of what it says, where not all of it fits; they go round.
    pub page: usize,
    /// What is typed, where a yes is not enough.
    pub typed: Text,
    /// Is it done even where a guard would refuse?
    pub forced: bool,
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

impl Subject {
    /// How it stands, now that the proxy says `snapshot`.
    pub fn standing(&self, snapshot: Option<&Snapshot>) -> Standing {
        match snapshot.and_then(|snapshot| self.target.find(snapshot)) {
            None => Standing::Gone,
            Some((_, member)) if member.revision != self.revision => Standing::Changed,
            Some(_) => Standing::Open,
        }
    }
}

impl Question {
    /// Asks whether to do `act` to `subjects`.
    pub fn new(subjects: Vec<Subject>, act: Act) -> Self {
        Self {
            subjects,
            act,
            reason: None,
            restarted: false,
            seen: false,
            page: 0,
            typed: Text::default(),
            forced: false,
            back: None,
        }
    }

    /// How it stands. One about many stands as long as any of its members does; the others are told as refused.
    pub fn standing(&self, snapshot: Option<&Snapshot>) -> Standing {
        let mut standings = self.subjects.iter().map(|subject| self.standing_of(subject, snapshot));
        let first = standings.next().unwrap_or(Standing::Gone);
        if standings.any(|standing| standing == Standing::Open) { Standing::Open } else { first }
    }

    /// How it stands with one of its members.
    pub fn standing_of(&self, subject: &Subject, snapshot: Option<&Snapshot>) -> Standing {
        // Whether anybody touched what a numbered change has changed the proxy knows, field by field.
        let numbered = matches!(self.act, Act::Undo { event: Some(_), .. });
        match subject.standing(snapshot) {
            Standing::Changed if numbered => Standing::Open,
            other => other,
        }
    }

    /// What is sent for one of its members.
    pub fn edit(&self, subject: &Subject) -> MemberEdit {
        let force = self.forced.then_some(true);
        MemberEdit { reason: self.reason.clone(), force, ..self.act.edit(subject.revision) }
    }

    /// `app/node1`, or `3 members`.
    pub fn whom(&self) -> String {
        match self.subjects.as_slice() {
            [one] => one.label.clone(),
            several => format!("{} members", several.len()),
        }
    }

    /// What has to be typed where a yes is not enough, beside `all`: the route, or what else the member is called.
    pub fn word(&self) -> Option<&str> {
        match self.subjects.as_slice() {
            [one] => one.label.split_once('/').map(|(_, name)| name),
            _ => None,
        }
    }

    /// Was that typed?
    pub fn is_spelt_out(&self) -> bool {
        let typed = self.typed.value().trim();
        typed == "all" || self.word() == Some(typed)
    }

    /// The commands that do the same, one a line.
    pub fn commands(&self) -> Vec<String> {
        let reason = self.reason.as_ref().map(Reason::as_str);
        let line = |subject: &Subject| {
            let force = if self.forced { " --force" } else { "" };
            format!("{}{force}", command::line(&self.act, &subject.label, reason))
        };
        self.subjects.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn subject(route: &str, revision: u64) -> Subject {
        Subject { target: sample::target(route), label: format!("app/{route}"), revision }
    }

    #[test]
    fn a_question_falls_when_its_member_is_changed_or_gone() {
        let mut snapshot = sample::snapshot(0);
        let question = Question::new(vec![subject("node1", 3)], Act::Enable);
        assert_eq!(question.standing(Some(&snapshot)), Standing::Open);
        snapshot.balancers[0].members[0].revision = 4;
        assert_eq!(question.standing(Some(&snapshot)), Standing::Changed);
        snapshot.balancers[0].members.remove(0);
        assert_eq!(question.standing(Some(&snapshot)), Standing::Gone);
        assert_eq!(question.standing(None), Standing::Gone);
    }

    #[test]
    fn a_question_about_many_stands_with_any_of_them() {
        let mut snapshot = sample::snapshot(0);
        let question = Question::new(vec![subject("node1", 3), subject("node2", 4)], Act::Enable);
        snapshot.balancers[0].members[0].revision = 4;
        assert_eq!(question.standing(Some(&snapshot)), Standing::Open);
        snapshot.balancers[0].members[1].revision = 5;
        assert_eq!(question.standing(Some(&snapshot)), Standing::Changed);
        assert_eq!(question.commands(), ["evenkeel enable app/node1", "evenkeel enable app/node2"]);
    }

    #[test]
    fn a_route_or_all_has_to_be_typed_whole() {
        let mut question = Question::new(vec![subject("node1", 3)], Act::Enable);
        for (typed, wanted) in [("", false), ("y", false), ("node", false), ("node1", true), (" all ", true)]
        {
            question.typed = Text::new(typed);
            assert_eq!(question.is_spelt_out(), wanted, "{typed}");
        }
        question.subjects.push(subject("node2", 4));
        question.typed = Text::new("node1");
        assert!(!question.is_spelt_out(), "many are all or nobody");
    }
}
