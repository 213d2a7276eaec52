//! What lies over the screen and takes the keys.

use crate::model::decision::Decision;
use crate::model::fields::Fields;
use crate::model::form::Form;
use crate::model::form::Text;
use crate::model::joining::Joining;
use crate::model::menu::Menu;
use crate::model::palette::Palette;
use crate::model::question::Question;
use crate::model::terms::Terms;
use crate::model::tuning::Tuning;

/// What lies on top of the screen and takes the keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Popup {
    /// A filter being written.
    Filter {
        /// The filter before.
        before: String,
        /// What is written.
        text: Text,
    },
    /// A command being written.
    Palette(Box<Palette>),
    /// What can be done to a member.
    Menu(Menu),
    /// A question.
    Confirm(Box<Question>),
    /// What became of the act on many.
    Results {
        /// How many of the rows are scrolled out above.
        from: usize,
    },
    /// The question whether to open the lock.
    Unlock {
        /// Has it been on the screen?
        seen: bool,
    },
    /// An edit being written.
    Form(Box<Form>),
    /// A question that is not about members.
    Decide(Box<Decision>),
    /// A balancer's settings being written.
    Tuning(Box<Tuning>),
    /// A member that is to come being written.
    Joining(Box<Joining>),
    /// The terms of a drain being written.
    Terms(Box<Terms>),
    /// A question for the sticky lens being written.
    Ask(Text),
    /// Which elections are shown, being written.
    Watch(Text),
    /// The keys.
    Help {
        /// Which page; it goes round.
        page: usize,
    },
}

impl Popup {
    /// Is it a question that has not been on the screen yet?
    pub fn is_unseen(&self) -> bool {
        match self {
            Self::Confirm(question) => !question.seen,
            Self::Decide(decision) => !decision.seen,
            Self::Unlock { seen } => !seen,
            _ => false,
        }
    }

    /// The fields of a form.
    pub fn fields(&mut self) -> Option<&mut Fields> {
        match self {
            Self::Form(form) => Some(&mut form.fields),
            Self::Tuning(tuning) => Some(&mut tuning.fields),
            Self::Joining(joining) => Some(&mut joining.fields),
            _ => None,
        }
    }

    /// Notes that the proxy was started again: the revisions that it holds are those of before.
    pub fn outlive(&mut self) {
        match self {
            Self::Form(form) => form.restarted = true,
            Self::Tuning(form) => form.restarted = true,
            Self::Confirm(question) => question.restarted = true,
            Self::Decide(decision) => decision.restarted = true,
            _ => {}
        }
    }
}
