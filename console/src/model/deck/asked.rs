//! What is asked in one target while a question about all stands: about a member that is there, or about one that comes
//! back by an undo. To the question about all they are the same.

use super::joint::Wanted;
use crate::ability::Ability;
use crate::model::act::Act;
use crate::model::decision::{Decision, Matter};
use crate::model::drains::Drainage;
use crate::model::outlook::Gravity;
use crate::model::question::{Question, Standing};
use crate::model::{Model, Popup, command};

/// A target and the question that is open there.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The target.
    pub station: &'a Model,
    /// The question.
    pub what: What<'a>,
}

/// A question that can be part of one about all.
#[derive(Clone, Copy)]
pub enum What<'a> {
    /// About a member that is there.
    Member(&'a Question),
    /// Whether a member that went from here comes back.
    Return(&'a Decision),
}

impl<'a> Asked<'a> {
    /// What is asked in a target; none: nothing that could be answered for all.
    pub fn of(station: &'a Model) -> Option<Self> {
        let what = match &station.popup {
            Some(Popup::Confirm(question)) => What::Member(question),
            Some(Popup::Decide(decision)) if is_return(decision) => What::Return(decision),
            _ => return None,
        };
        Some(Self { station, what })
    }

    /// As the start of a question: `Drain`.
    pub fn verb(self) -> &'static str {
        match self.what {
            What::Member(question) => question.act.verb(),
            What::Return(_) => "Undo the removal of",
        }
    }

    /// How much it takes to agree to it.
    pub fn gravity(self) -> Gravity {
        match self.what {
            What::Member(question) => self.station.outlook(question).gravity,
            What::Return(_) => Gravity::Heavy,
        }
    }

    /// How it stands.
    pub fn standing(self) -> Standing {
        match self.what {
            What::Member(question) => self.station.standing(question),
            What::Return(decision) => decision.standing(self.station.roster.snapshot()),
        }
    }

    /// Why the proxy would not do it however it is asked, as a sentence; none: nothing is known of that.
    pub fn denial(self) -> Option<String> {
        match (self.what, &self.station.gathered.preview) {
            (What::Member(question), _) => self.station.denial(question),
            (What::Return(decision), Some(Err(why))) if decision.undo().is_some() => {
                Some(format!("It cannot be taken back: {why}."))
            }
            (What::Return(_), _) => None,
        }
    }

    /// Would a yes be sent?
    pub fn is_answerable(self) -> bool {
        self.station.is_connected() && self.standing() == Standing::Open && self.denial().is_none()
    }

    /// Does it take something back?
    pub fn is_undo(self) -> bool {
        match self.what {
            What::Member(question) => question.act.is_undo(),
            What::Return(_) => true,
        }
    }

    /// Is it the beginning of a drain?
    pub fn begins_drain(self) -> bool {
        matches!(self.what, What::Member(Question { act: Act::Drain(Drainage::Begin(_)), .. }))
    }

    /// How the member is once it is done.
    pub fn wanted(self) -> Wanted {
        match self.what {
            What::Member(Question { act: Act::Remove { .. }, .. }) => Wanted::Gone,
            What::Member(question) => match question.act.wanted() {
                settings if settings.is_empty() => Wanted::Unseen,
                settings => Wanted::Settings(settings),
            },
            What::Return(_) => Wanted::There,
        }
    }

    /// The command that does it, for this target.
    pub(super) fn command(self) -> Option<String> {
        match self.what {
            What::Member(question) => self.station.commands_of(question).into_iter().next(),
            What::Return(decision) => Some(self.station.command_of(decision)),
        }
    }

    /// The command that does it, without a target and without what overrides a guard; none: it means something in this
    /// target only, as the number of a change does.
    pub(super) fn command_anywhere(self) -> Option<String> {
        let What::Member(question) = self.what else { return None };
        if question.act.event().is_some() {
            return None;
        }
        let line = question.commands().into_iter().next()?;
        let is_attended = self.station.lacks(Ability::Jobs).is_some();
        Some(if is_attended { command::attended(&line) } else { line })
    }
}

fn is_return(decision: &Decision) -> bool {
    matches!(decision.matter, Matter::Addition { undo: true, .. })
}
