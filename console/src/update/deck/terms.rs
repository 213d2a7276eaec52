//! The terms of a drain in all targets: written once, and asked of each as far as it can keep them.

use evenkeel_protocol::DrainUntil;

use super::joint::{self, Wish};
use crate::keymap::Action;
use crate::model::act::Act;
use crate::model::deck::asked::What;
use crate::model::deck::joint::Joint;
use crate::model::deck::{Deck, Over};
use crate::model::drains::Drainage;
use crate::model::question::Question;
use crate::model::target::Target;
use crate::model::terms::Terms;

/// From the question whether to drain a member to its terms: those of the target that would wait for the most.
pub(super) fn open(deck: &mut Deck) {
    let Some(Over::Confirm { joint, .. }) = &deck.over else { return };
    if let Some(terms) = of(deck, joint) {
        let joint = joint.clone();
        joint::withdraw(deck, &joint);
        deck.over = Some(Over::Terms { terms: Box::new(terms), target: joint.target });
    }
}

fn of(deck: &Deck, joint: &Joint) -> Option<Terms> {
    let waits_for_sessions = |question: &Question| match &question.act {
        Act::Drain(Drainage::Begin(order)) => order.until == Some(DrainUntil::NoSessions),
        _ => false,
    };
    let questions =
        deck.asked(joint).filter(|_| deck.has_terms(joint)).filter_map(|asked| match asked.what {
            What::Member(question) => Some(question),
            What::Return(_) => None,
        });
    let mut question = questions.max_by_key(|question| waits_for_sessions(question))?.clone();
    for subject in &mut question.subjects {
        subject.label = format!("{} in all targets", joint.label);
    }
    Terms::of_question(&question)
}

/// To another term.
pub(super) fn step(deck: &mut Deck, action: Action) {
    if let Some(Over::Terms { terms, .. }) = &mut deck.over {
        terms.step(action == Action::NextField);
    }
}

/// The terms are written: they become a question again, unless one of them is wrong.
pub(super) fn accept(deck: &mut Deck, mut terms: Box<Terms>, target: Target) {
    match terms.question() {
        Ok(question) => ask(deck, target, question),
        Err(wrong) => {
            terms.focus = wrong;
            deck.over = Some(Over::Terms { terms, target });
        }
    }
}

/// The question as it was before its terms were written.
pub(super) fn leave(deck: &mut Deck, terms: Terms, target: Target) {
    ask(deck, target, terms.back());
}

fn ask(deck: &mut Deck, target: Target, question: Option<Question>) {
    if let Some(Question { act: Act::Drain(Drainage::Begin(order)), reason, .. }) = question {
        joint::ask_for(deck, target, &Wish::Drain(order, reason));
    }
}
