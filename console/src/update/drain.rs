//! Drains: begun by a key, looked after on their screen, and asked before anything happens.

use evenkeel_protocol::{Drain, DrainAnswer, Flag};

use crate::effect::Effect;
use crate::keymap::Action;
use crate::model::act::{Act, Turn};
use crate::model::batch::Outcome;
use crate::model::drains::{self, Drainage};
use crate::model::question::{Question, Subject};
use crate::model::target::Target;
use crate::model::terms::Terms;
use crate::model::{Model, Picked, Popup, Screen, Tone, wash};
use crate::news::Ticket;
use crate::update::incoming::{self, UNDO};
use crate::update::{edit, many, undo};

/// What it is to drain these, or no longer: a job of the proxy, and of a single one that has it already its end.
pub(super) fn act(model: &Model, targets: &[Target], turn: Turn) -> Act {
    let snapshot = model.fleet.snapshot();
    let first = targets.first().and_then(|target| edit::found(model, target));
    match (turn, targets, first) {
        (Turn::On, _, Some((balancer, member))) => Act::Drain(Drainage::usual(balancer, member)),
        (Turn::Off, [target], _) => match drains::of(snapshot, target).filter(|drain| drain.is_running()) {
            Some(drain) => Act::Drain(Drainage::Restore(drain.number)),
            None => Act::Flag(Flag::Drain, turn),
        },
        _ => Act::Flag(Flag::Drain, turn),
    }
}

/// Opens the screen with the drain of the member under the cursor, or else the first.
pub(super) fn open(model: &mut Model) {
    let snapshot = model.fleet.snapshot();
    let own = model.target().and_then(|target| drains::of(snapshot, target));
    let listed = drains::listed(snapshot);
    let picked = own.or(listed.first().copied()).map(picked);
    model.screen = Screen::Drains(picked);
}

fn picked(drain: &Drain) -> Picked {
    Picked { number: drain.number, target: drains::target(drain) }
}

/// Keeps to a drain that is still listed.
pub(super) fn settle(model: &mut Model) {
    if matches!(model.screen, Screen::Drains(_)) && model.drain().is_none() {
        let first = drains::listed(model.fleet.snapshot()).first().copied().map(picked);
        model.screen = Screen::Drains(first);
    }
}

/// To another drain of the list; it stops at its ends.
pub(super) fn step(model: &mut Model, to: impl FnOnce(usize, usize) -> usize) {
    let Screen::Drains(Some(now)) = &model.screen else { return };
    let listed = drains::listed(model.fleet.snapshot());
    let Some(last) = listed.len().checked_sub(1) else { return };
    let at = listed.iter().position(|drain| drain.number == now.number).unwrap_or(0);
    let next = listed.get(to(at, last)).copied().map(picked);
    model.screen = Screen::Drains(next);
}

/// Asks for what a key means for the drain that is shown.
pub(super) fn ask(model: &mut Model, action: Action) {
    let Some(drain) = model.drain().cloned() else {
        return model.tell(Tone::Plain, "there is no drain; d on a member begins one");
    };
    let target = drains::target(&drain);
    if !edit::are_editable(model, std::slice::from_ref(&target)) {
        return;
    }
    if !drain.is_running() {
        return model.tell(Tone::Plain, "this drain has ended; d on the member begins another");
    }
    let subjects = edit::subjects(model, vec![target]);
    let Some(subject) = subjects.first().cloned() else { return };
    let drainage = match action {
        Action::Terms => return write(model, &drain, subject),
        Action::More => Drainage::more(&drain),
        Action::StopNow => Drainage::Stop(drain.number),
        Action::CutNow => Drainage::Cut(drain.number),
        Action::KeepDraining => Drainage::Cancel(drain.number),
        _ => Drainage::Restore(drain.number),
    };
    model.popup = Some(Popup::Confirm(Box::new(Question::new(subjects, Act::Drain(drainage)))));
}

fn write(model: &mut Model, drain: &Drain, subject: Subject) {
    model.popup = Some(Popup::Terms(Box::new(Terms::of_drain(drain, subject))));
}

/// From the question of a new drain to its terms.
pub(super) fn options(model: &mut Model) {
    if let Some(Popup::Confirm(question)) = &model.popup
        && let Some(terms) = Terms::of_question(question)
    {
        model.popup = Some(Popup::Terms(Box::new(terms)));
    }
}

/// The terms are written: they become a question.
pub(super) fn accept(model: &mut Model, mut terms: Box<Terms>) {
    match terms.question() {
        Ok(Some(question)) => model.popup = Some(Popup::Confirm(Box::new(question))),
        Ok(None) => {
            model.tell(Tone::Plain, "nothing was changed; Esc leaves the terms");
            model.popup = Some(Popup::Terms(terms));
        }
        Err(wrong) => {
            terms.focus = wrong;
            model.popup = Some(Popup::Terms(terms));
        }
    }
}

/// The proxy has answered what was asked of a drain.
pub(super) fn answered(
    model: &mut Model,
    ticket: Ticket,
    outcome: Result<Box<DrainAnswer>, String>,
) -> Vec<Effect> {
    match outcome {
        Ok(mut answer) => {
            wash::drain(&mut answer.drain);
            let revision = answer.edited.as_ref().map_or(0, |edited| edited.revision);
            if let Some(sent) = model.pending.answer(ticket, Some(revision)) {
                if let Some(edited) = &answer.edited {
                    undo::note(model, &sent, edited);
                }
                let Act::Drain(drainage) = &sent.act else { return vec![Effect::Refresh] };
                let line = drainage.done(&sent.label, &answer);
                let whole = answer.drain.durable || !answer.changed;
                let told = if whole { Outcome::Done(line.clone()) } else { Outcome::Loose(line.clone()) };
                if !many::answered(model, ticket, told) {
                    let undone = answer.edited.as_ref().is_some_and(|edited| edited.changed);
                    let more = undone.then(|| incoming::hint(model, &sent));
                    let tone = if whole { Tone::Good } else { Tone::Alarm };
                    model.tell_for(if whole { UNDO } else { UNDO * 2 }, tone, (line, more));
                }
            }
            if let Some(snapshot) = model.fleet.snapshot() {
                model.pending.shown(snapshot);
            }
        }
        Err(why) => {
            if let Some(sent) = model.pending.answer(ticket, None) {
                let why = wash::sentence(&why);
                if !many::answered(model, ticket, Outcome::Refused(why.clone())) {
                    model.tell(Tone::Alarm, format!("{}: {why}", sent.label));
                }
            }
        }
    }
    let mut effects = many::go_on(model);
    effects.push(Effect::Refresh);
    effects
}
