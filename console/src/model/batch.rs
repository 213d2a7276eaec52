//! One act on many members: one after another, each with its own outcome. What is refused stops nothing.

use evenkeel_protocol::{MemberEdit, Snapshot};

use crate::model::act::Act;
use crate::model::question::{Question, Standing, Subject};
use crate::news::Ticket;

/// What became of the act on one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its turn has not come.
    Waiting,
    /// Asked; the answer has not come.
    Sent(Ticket),
    /// Done, and what holds now.
    Done(String),
    /// Done, but not as it should be: it will not survive a restart.
    Loose(String),
    /// Not done, and why.
    Refused(String),
}

/// One member of many.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Whom.
    pub subject: Subject,
    /// What became of it.
    pub outcome: Outcome,
}

/// The act and its members.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// What was asked.
    pub question: Question,
    /// Is it the part of one target in an act on all?
    pub is_joint: bool,
    /// Each member.
    pub rows: Vec<Row>,
}

impl Batch {
    /// All of them wait.
    pub fn new(question: Question) -> Self {
        let row = |subject: &Subject| Row { subject: subject.clone(), outcome: Outcome::Waiting };
        let rows = question.subjects.iter().map(row).collect();
        Self { question, is_joint: false, rows }
    }

    /// The next one to be asked, if none is on its way; those that no longer stand are refused here.
    pub fn next(&mut self, snapshot: Option<&Snapshot>) -> Option<(Subject, Act, MemberEdit)> {
        if self.rows.iter().any(|row| matches!(row.outcome, Outcome::Sent(_))) {
            return None;
        }
        for row in self.rows.iter_mut().filter(|row| row.outcome == Outcome::Waiting) {
            match self.question.standing_of(&row.subject, snapshot) {
                Standing::Open => {
                    let edit = self.question.edit(&row.subject);
                    return Some((row.subject.clone(), self.question.act.clone(), edit));
                }
                Standing::Gone => row.outcome = Outcome::Refused("it is no longer there".to_owned()),
                Standing::Changed => {
                    row.outcome = Outcome::Refused("it was changed since you looked".to_owned());
                }
            }
        }
        None
    }

    /// Notes what became of the first one that waits.
    pub fn asked(&mut self, outcome: Outcome) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.outcome == Outcome::Waiting) {
            row.outcome = outcome;
        }
    }

    /// Notes an answer; false if it is to nobody's question here.
    pub fn answered(&mut self, ticket: Ticket, outcome: Outcome) -> bool {
        let row = self.rows.iter_mut().find(|row| row.outcome == Outcome::Sent(ticket));
        row.map(|row| row.outcome = outcome).is_some()
    }

    /// Does that answer belong to one of these?
    pub fn awaits(&self, ticket: Ticket) -> bool {
        self.rows.iter().any(|row| row.outcome == Outcome::Sent(ticket))
    }

    /// Has everybody had a turn?
    pub fn is_over(&self) -> bool {
        !self.rows.iter().any(|row| matches!(row.outcome, Outcome::Waiting | Outcome::Sent(_)))
    }

    /// How many were done, and how many refused.
    pub fn tally(&self) -> (usize, usize) {
        let done = |row: &&Row| matches!(row.outcome, Outcome::Done(_) | Outcome::Loose(_));
        let refused = |row: &&Row| matches!(row.outcome, Outcome::Refused(_));
        (self.rows.iter().filter(done).count(), self.rows.iter().filter(refused).count())
    }
}
