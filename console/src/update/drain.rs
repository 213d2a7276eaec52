//! Drains: begun by a key, looked after on their screen, and asked before anything happens.

use evenkeel_protocol::{Drain, DrainAnswer, DrainOrder, DrainUntil, Flag};

use crate::ability::Ability;
use crate::effect::Effect;
use crate::keymap::Action;
use crate::model::act::{Act, Turn};
use crate::model::drains::{self, Drainage, Followed};
use crate::model::question::{Question, Subject};
use crate::model::target::Target;
use crate::model::terms::Terms;
use crate::model::{Model, Picked, Popup, Screen, Seen, Tone, wash};
use crate::news::Ticket;
use crate::shell::quoted;
use crate::update::incoming::{self, Came};
use crate::update::{edit, undo};

/// What it is to drain these, or no longer: a job of the proxy, and of a single one that has it already its end.
pub(super) fn act(model: &Model, targets: &[Target], turn: Turn) -> Act {
    let snapshot = model.roster.snapshot();
    let first = targets.first().and_then(|target| edit::found(model, target));
    match (turn, targets, first) {
        (Turn::On, _, Some((balancer, member))) => {
            Act::Drain(Drainage::usual(balancer, member).with(&possible(model)))
        }
        (Turn::Off, [target], _) => match drains::of(snapshot, target).filter(|drain| drain.is_running()) {
            Some(drain) => Act::Drain(Drainage::Restore(drain.number)),
            None => Act::Flag(Flag::Drain, turn),
        },
        _ => Act::Flag(Flag::Drain, turn),
    }
}

/// The drain of the one that is meant, which runs.
///
/// Errors: there is none, or several are meant.
pub(super) fn running(model: &Model, targets: &[Target]) -> Result<u64, String> {
    let [target] = targets else { return Err("one drain at a time; name its member".to_owned()) };
    let snapshot = model.roster.snapshot();
    match drains::of(snapshot, target).filter(|drain| drain.is_running()) {
        Some(drain) => Ok(drain.number),
        None => Err(format!("{} has no drain that runs", target.label(snapshot))),
    }
}

/// The terms that the proxy can keep, where the usual ones are beyond it.
pub(super) fn possible(model: &Model) -> DrainOrder {
    let until = model.lacks(Ability::Sessions).map(|_| DrainUntil::Idle);
    DrainOrder { until, ..DrainOrder::default() }
}

/// Opens the screen with the drain of the member under the cursor, or else the first.
pub(super) fn open(model: &mut Model) {
    let snapshot = model.roster.snapshot();
    let own = model.target().and_then(|target| drains::of(snapshot, target));
    let listed = drains::listed(snapshot);
    let picked = own.or(listed.first().copied()).map(picked);
    model.screen = Screen::Drains(picked);
}

fn picked(drain: &Drain) -> Picked {
    let last = drain.later.unwrap_or(drain.number);
    Picked { number: drain.number, target: drains::target(drain), last }
}

/// Keeps to a drain that is still listed, and goes on to one that its member got since.
pub(super) fn settle(model: &mut Model) {
    let Screen::Drains(now) = &model.screen else { return };
    let listed = drains::listed(model.roster.snapshot());
    let shown = model.drain();
    let later =
        shown.and_then(|drain| drain.later).filter(|later| now.as_ref().is_some_and(|now| *later > now.last));
    let next = match later.and_then(|later| listed.iter().find(|drain| drain.number == later)) {
        Some(later) => Some(*later),
        None if shown.is_none() => listed.first().copied(),
        None => return,
    };
    model.screen = Screen::Drains(next.map(picked));
}

/// To another drain of the list; it stops at its ends.
pub(super) fn step(model: &mut Model, to: impl FnOnce(usize, usize) -> usize) {
    let Screen::Drains(Some(now)) = &model.screen else { return };
    let listed = drains::listed(model.roster.snapshot());
    let Some(last) = listed.len().checked_sub(1) else { return };
    let at = listed.iter().position(|drain| drain.number == now.number).unwrap_or(0);
    let next = listed.get(to(at, last)).copied().map(picked);
    model.screen = Screen::Drains(next);
}

/// Asks for what a key means for the drain that is shown.
pub(super) fn ask(model: &mut Model, action: Action) {
    let Some(drain) = model.drain().cloned() else {
        let way = model.keymap.way(Action::Toggle(Flag::Drain));
        let beyond = model.roster.snapshot().and_then(drains::beyond_sight);
        let none = beyond.unwrap_or_else(|| format!("there is no drain; {way} on a member begins one"));
        return model.tell(Tone::Plain, none);
    };
    let target = drains::target(&drain);
    if !edit::are_editable(model, std::slice::from_ref(&target)) {
        return;
    }
    if !drain.is_running() {
        let drains = edit::found(model, &target).is_some_and(|(_, member)| member.status.has(Flag::Drain));
        // The key would clear N there.
        let way = if drains {
            format!(":drain {}", quoted(&target.label(model.roster.snapshot())))
        } else {
            format!("{} on the member", model.keymap.way(Action::Toggle(Flag::Drain)))
        };
        return model.tell(Tone::Plain, format!("this drain has ended; {way} begins another"));
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
    let outcome = outcome.map(|mut answer| {
        wash::drain(&mut answer.drain);
        answer.edited.iter_mut().for_each(wash::edited);
        (answer.edited.as_ref().map_or(0, |edited| edited.revision), answer)
    });
    incoming::settle(model, ticket, outcome, |model, sent, answer| {
        if let Some(edited) = &answer.edited {
            undo::note(model, sent, edited);
        }
        let Act::Drain(drainage) = &sent.act else { return None };
        model.roster.begun(&answer.drain);
        if answer.changed && matches!(drainage, Drainage::Change(..) | Drainage::Extend(..)) {
            model.own.changed_terms(&sent.label);
        }
        let is_joint = model.batch.as_ref().is_some_and(|batch| batch.is_joint && batch.awaits(sent.ticket));
        let followed = if is_joint { Followed::InTheList } else { Followed::OnItsScreen };
        Some(Came {
            line: drainage.done(&sent.label, &answer, followed),
            whole: answer.lasts(),
            undoable: answer.edited.as_ref().is_some_and(|edited| edited.changed),
            until_seen: matches!(drainage, Drainage::Begin(_)).then_some(Seen::Ended(answer.drain.number)),
        })
    })
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::edit::Reason;
    use evenkeel_protocol::{DrainOutcome, OnTimeout, Timestamp};

    use super::*;
    use crate::keymap::Context;
    use crate::message::{Key, Message};
    use crate::model::sample;
    use crate::need::Job;
    use crate::news::News;
    use crate::update::hands::press;
    use crate::update::update;

    fn hear(model: &mut Model, snapshot: evenkeel_protocol::Snapshot) {
        update(model, Message::News(News::Snapshot(Box::new(snapshot))));
    }

    /// The screen of node2's drain.
    fn shown() -> Model {
        let mut model = sample::model(80, 24);
        hear(&mut model, sample::drained(62));
        press(&mut model, "3");
        assert_eq!(model.drain().map(|drain| drain.number), Some(3));
        model
    }

    fn job(effects: &[Effect]) -> Job {
        match effects {
            [Effect::Drain { job, .. }] => (**job).clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_drain_is_begun_by_two_keys_or_with_terms_of_its_own() {
        let mut model = sample::model(80, 24);
        let Job::Begin(_, member, order) = job(&press(&mut model, "]dy")) else { panic!("no begin") };
        assert_eq!(member.as_str(), "http://10.0.2.11");
        assert_eq!((order.revision, order.force, order.on_timeout), (Some(1), None, Some(OnTimeout::Fail)));

        let mut model = sample::model(80, 24);
        press(&mut model, "]d⇥⇥");
        update(&mut model, Message::Key(Key::Ctrl('u')));
        press(&mut model, "9m⇥s⇥⇥deploy");
        assert_eq!(model.context(), Context::Form);
        let Job::Begin(_, _, order) = job(&press(&mut model, "⏎y")) else { panic!("no begin") };
        assert_eq!((order.timeout, order.on_timeout), ("9m".parse().ok(), Some(OnTimeout::Stop)));
        assert_eq!(order.reason.as_ref().map(Reason::as_str), Some("deploy"));
    }

    #[test]
    fn the_last_one_is_forced_once_it_was_spelt_out() {
        let mut model = sample::model(80, 24);
        let Job::Begin(_, _, order) = job(&press(&mut model, "dnode1⏎")) else { panic!("no begin") };
        assert_eq!(order.force, Some(true));
    }

    #[test]
    fn each_key_of_the_screen_asks_for_its_job() {
        for (keys, wanted) in [
            ("ty", "Change(3, DrainChange { until: None, timeout: None, extend: Some(Span(600000))"),
            ("cy", "Cancel(3, DrainCancel { restore: Some(false)"),
            ("ry", "Cancel(3, DrainCancel { restore: Some(true)"),
            ("Sy", "timeout: Some(Within(Span(0))), extend: None, settle: None, on_timeout: Some(Stop)"),
            ("Xy", "timeout: Some(Within(Span(0))), extend: None, settle: None, on_timeout: Some(Cut)"),
            ("o⇥⇥c⏎y", "on_timeout: Some(Cut)"),
        ] {
            let job = format!("{:?}", job(&press(&mut shown(), keys)));
            assert!(job.contains(wanted), "{keys}: {job}");
        }
    }

    #[test]
    fn that_a_member_drains_is_told_no_longer_than_its_drain_runs_or_can_be_believed() {
        for (outcome, stays) in [
            (None, true),
            (Some(DrainOutcome::SafeToStop), true),
            (Some(DrainOutcome::KeptDraining), false),
            (Some(DrainOutcome::Stopped), false),
            (Some(DrainOutcome::Restored), false),
        ] {
            let mut model = sample::model(80, 24);
            let sent = press(&mut model, "]dy");
            let [Effect::Drain { ticket, .. }] = sent.as_slice() else { panic!("{sent:?}") };
            let drain = sample::drained(62).drains.remove(0);
            let edited = Some(sample::edited("drain", "Off", "On"));
            let answer = DrainAnswer { drain, changed: true, changes: Vec::new(), edited };
            let news = News::Drained { ticket: *ticket, outcome: Ok(Box::new(answer)) };
            update(&mut model, Message::News(news));
            let is_told = |model: &Model| {
                model.toast.as_ref().is_some_and(|toast| toast.text.contains(" is draining; "))
            };
            assert!(is_told(&model), "{:?}", model.toast);
            let mut snapshot = sample::drained(63);
            snapshot.drains[0].outcome = outcome;
            hear(&mut model, snapshot);
            assert_eq!(is_told(&model), stays, "{outcome:?}");
        }
    }

    #[test]
    fn nothing_is_asked_while_locked_or_of_a_drain_that_has_ended() {
        for key in "tcrSXo".chars() {
            let mut model = shown();
            model.lock.close();
            assert_eq!(press(&mut model, &key), []);
            assert_eq!(model.popup, None, "{key}");
            let mut model = shown();
            let mut ended = sample::drained(63);
            ended.drains[0].outcome = Some(DrainOutcome::Cancelled);
            ended.drains[0].ended = Some(Timestamp(sample::NOON));
            hear(&mut model, ended);
            press(&mut model, &key);
            assert_eq!(model.popup, None, "{key}");
            let told = model.toast.as_ref().map(|toast| toast.text.as_str());
            assert_eq!(told, Some("this drain has ended; :drain app/node2 begins another"), "d clears N");
        }
    }

    #[test]
    fn the_screen_keeps_to_its_drain_and_takes_another_when_it_is_gone() {
        let mut model = shown();
        let mut several = sample::drained(63);
        several.drains.insert(0, sample::drain(1, "node1"));
        hear(&mut model, several.clone());
        assert_eq!(model.drain().map(|drain| drain.number), Some(3), "bound by its number");
        press(&mut model, "kkk");
        assert_eq!(model.drain().map(|drain| drain.number), Some(1));
        several.drains.remove(0);
        hear(&mut model, several);
        assert_eq!(model.drain().map(|drain| drain.number), Some(3));
        hear(&mut model, sample::snapshot(64));
        assert_eq!(model.screen, Screen::Drains(None));
        press(&mut model, "tjk");
        assert_eq!(model.popup, None);
    }

    #[test]
    fn the_screen_goes_on_to_a_drain_that_its_member_got_since_and_back_when_that_is_asked_for() {
        let mut model = shown();
        let shown = |model: &Model| model.drain().map(|drain| drain.number);
        let mut again = sample::drained(63);
        again.drains[0].outcome = Some(DrainOutcome::Cancelled);
        hear(&mut model, again.clone());
        assert_eq!(shown(&model), Some(3));
        again.drains[0].later = Some(7);
        again.drains.push(sample::drain(7, "node3"));
        hear(&mut model, again.clone());
        assert_eq!(shown(&model), Some(7));
        let older = drains::listed(Some(&again)).iter().position(|drain| drain.number == 3).unwrap();
        step(&mut model, |_, _| older);
        hear(&mut model, again);
        assert_eq!(shown(&model), Some(3), "the operator wanted to see it");
    }

    #[test]
    fn the_answer_is_told_and_the_drain_can_be_undone() {
        let mut model = sample::model(80, 24);
        let effects = press(&mut model, "]dy");
        let [Effect::Drain { ticket, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        let mut drain = sample::drain(9, "node1");
        drain.durable = false;
        let answer = DrainAnswer {
            changed: true,
            changes: Vec::new(),
            drain,
            edited: Some(sample::edited("drain", "Off", "On")),
        };
        let news = News::Drained { ticket: *ticket, outcome: Ok(Box::new(answer)) };
        update(&mut model, Message::News(news));
        let toast = model.toast.as_ref().unwrap();
        assert_eq!(toast.tone, Tone::Alarm);
        assert!(toast.text.contains("NOT kept over a restart"), "{}", toast.text);
        assert!(toast.more.as_ref().is_some_and(|more| more.contains("u undoes")), "{toast:?}");
        let refused = News::Drained { ticket: Ticket(99), outcome: Err("no".to_owned()) };
        update(&mut model, Message::News(refused));
    }
}
