//! Taking back what this console changed. All of it goes through here: what is remembered, what is asked, and what is
//! sent, which is the inverse edit with the revision that the change left behind.

use evenkeel_protocol::Edited;

use crate::ability::Ability;
use crate::keymap::Action;
use crate::model::act::{Act, told};
use crate::model::decision::Decision;
use crate::model::drains::{STAYS_STOPPED, is_stopped_by_deadline};
use crate::model::lasting;
use crate::model::pending::Sent;
use crate::model::question::{Question, Standing, Subject};
use crate::model::undo::{Done, Made, Moved, Since, Tuned};
use crate::model::{Model, Popup, Tone};
use crate::update::{decision, edit, pace};

/// Remembers a change that the proxy has accepted, or that the last one was taken back.
pub(super) fn note(model: &mut Model, sent: &Sent, edited: &Edited) {
    match sent.act {
        _ if sent.act.is_undo() => model.own.taken_back(edited.revision),
        Act::Remove { .. } => model.own.push_roster(edited),
        _ => {
            let (target, label) = (sent.target.clone(), sent.label.clone());
            model.own.push(Subject { target, label, revision: sent.before }, edited);
        }
    }
}

/// What holds where a drain is taken back and its member stays stopped, by the drain's deadline; none: all is as before.
pub(super) fn in_part(model: &Model, sent: &Sent, edited: &Edited) -> Option<String> {
    let is_undo = matches!(&sent.act, Act::Undo { edit, .. } if edit.stopped.is_none());
    let snapshot = model.roster.snapshot().filter(|_| is_undo && edited.changed)?;
    let rest = lasting::rest(edited.durable, &edited.notes);
    let (label, changes) = (&sent.label, told(&edited.changes));
    let stays = is_stopped_by_deadline(snapshot, &sent.target);
    stays.then(|| format!("{label}: {changes}; {STAYS_STOPPED}{rest}"))
}

/// The last change cannot be taken back, as the question about it has said: the next time the one before it is asked.
pub(super) fn let_go(model: &mut Model, whom: &str) {
    model.own.forget_last();
    let way = model.keymap.way(Action::Undo);
    let text = format!("the change of {whom} stays as it is; {way} asks for the one before it");
    model.tell(Tone::Plain, text);
}

/// Asks whether to take the last change back, if nobody has touched the member since.
pub(super) fn ask(model: &mut Model) {
    pace::go_on(model);
    if let Some(since) = model.own.take_since() {
        let (tone, text) = came_since(model, &since);
        return model.tell(tone, text);
    }
    // Where nobody remembers edits by their numbers, the values of before are set instead.
    let is_numbered = model.lacks(Ability::Undo).is_none();
    let done = match model.own.last().cloned() {
        Some(Made::Member(done)) => Some(Done { event: done.event.filter(|_| is_numbered), ..done }),
        Some(Made::Balancer(tuned)) => {
            let event = tuned.event.filter(|_| is_numbered);
            return ask_of_balancer(model, &Tuned { event, ..tuned });
        }
        Some(Made::Roster(moved)) => {
            let event = moved.event.filter(|_| is_numbered);
            return ask_of_roster(model, &Moved { event, ..moved });
        }
        None => None,
    };
    let Some(done) = done else {
        let text = "nothing was changed from here that could be taken back";
        let why = if model.lock.is_open() { text.to_owned() } else { super::lock::how_to_open(model) };
        return model.tell(Tone::Plain, why);
    };
    if !edit::are_editable(model, std::slice::from_ref(&done.target)) {
        return;
    }
    let (subject, act) = match done.inverse() {
        Ok(inverse) => inverse,
        Err(why) => {
            model.own.forget_last();
            return model.tell(Tone::Alarm, format!("{}: {why}", done.label));
        }
    };
    if is_behind(model, &done) {
        return unseen(model);
    }
    let question = Question::new(vec![subject], act);
    if model.standing(&question) != Standing::Open {
        model.own.forget_last();
        let text = overtaken(model, &question);
        return model.tell(Tone::Alarm, text);
    }
    model.popup = Some(Popup::Confirm(Box::new(question)));
}

/// Why `u` asks for nothing: what was done last is nothing that it takes back, and the change before that may not be meant.
fn came_since(model: &Model, since: &Since) -> (Tone, String) {
    let way = model.keymap.way(Action::Undo);
    match since {
        Since::Terms(label) => {
            let text = format!(
                "the terms of the drain of {label} were changed last, which {way} does not take back: t and o on \
                 the drains screen change them again; {way} once more asks for the change before"
            );
            (Tone::Plain, text)
        }
        Since::Restart => {
            let who = model.who();
            let rest = if model.lacks(Ability::Undo).is_some() {
                "what was changed before is not taken back from here".to_owned()
            } else {
                let line = crate::shell::at("evenkeel undo", &model.words);
                format!("`{line}` takes your last change back, where it was kept")
            };
            (Tone::Alarm, format!("{who} was started again since the last change from here; {rest}"))
        }
    }
}

/// Why a change is not taken back by `u`, how its member is now, and what changes that.
fn overtaken(model: &Model, question: &Question) -> String {
    let (Some(subject), Some(snapshot)) = (question.subjects.first(), model.roster.snapshot()) else {
        return String::new();
    };
    let label = &subject.label;
    let Some((_, member)) = subject.target.find(snapshot) else {
        return format!("{label} is no longer there");
    };
    let words = &member.words;
    if is_stopped_by_deadline(snapshot, &subject.target) {
        return format!("{label} is {words} now: the deadline of its drain has stopped it; E clears N and S");
    }
    let line = model.commands_of(question).concat();
    format!("{label} was changed by somebody since and is {words} now; `{line}` takes yours back")
}

/// What is to be taken back is not shown yet.
fn unseen(model: &mut Model) {
    let who = model.who();
    model.tell(Tone::Plain, format!("{who} has not shown that change yet; wait for it"));
}

/// The same for a balancer's settings.
fn ask_of_balancer(model: &mut Model, tuned: &Tuned) {
    let snapshot = model.roster.snapshot();
    let shown = snapshot.and_then(|snapshot| snapshot.balancer(&tuned.balancer));
    if shown.is_some_and(|shown| shown.revision < tuned.revision) {
        return unseen(model);
    }
    let url = tuned.balancer.url();
    match tuned.inverse().map(Decision::new) {
        Ok(decision) if decision.standing(snapshot) == Standing::Open => decision::ask(model, decision),
        Ok(decision) => {
            model.own.forget_last();
            let line = model.command_of(&decision);
            model
                .tell(Tone::Alarm, format!("{url} was changed by somebody since; `{line}` takes yours back"));
        }
        Err(why) => {
            model.own.forget_last();
            model.tell(Tone::Alarm, format!("{url}: {why}"));
        }
    }
}

/// The same for a member that came or went.
fn ask_of_roster(model: &mut Model, moved: &Moved) {
    let snapshot = model.roster.snapshot();
    let balancer = snapshot.and_then(|snapshot| snapshot.balancer(&moved.target.balancer));
    if balancer.is_some_and(|balancer| balancer.revision < moved.revision) {
        return unseen(model);
    }
    let member = balancer.and_then(|balancer| balancer.member(&moved.target.member));
    match (moved.return_of(), balancer, member) {
        (Some(matter), Some(_), None) => decision::ask(model, Decision::new(matter)),
        // Whoever was edited since is not the one that came; of numbered changes the proxy knows who was.
        (None, Some(balancer), Some(member)) if moved.event.is_some() || member.revision == 0 => {
            let revision = Some(balancer.revision);
            let act = Act::Remove { revision, undo: true, event: moved.event };
            let target = moved.target.clone();
            if edit::are_editable(model, std::slice::from_ref(&target)) {
                edit::ask(model, vec![target], act);
            }
        }
        _ => {
            let label = moved.target.label(snapshot);
            model.own.forget_last();
            model.tell(Tone::Alarm, format!("{label} was changed by somebody since; take it back by hand"));
        }
    }
}

/// Is what is shown older than the change?
fn is_behind(model: &Model, done: &Done) -> bool {
    edit::found(model, &done.target).is_some_and(|(_, member)| member.revision < done.revision)
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{DrainOutcome, DrainPhase, Flag};

    use super::*;
    use crate::effect::Effect;
    use crate::keymap::Context;
    use crate::message::Message;
    use crate::model::sample;
    use crate::need::{Found, Need};
    use crate::news::{News, Ticket};
    use crate::update::hands::press;
    use crate::update::update;

    fn toast(model: &Model) -> &str {
        model.toast.as_ref().map_or("", |toast| toast.text.as_str())
    }

    /// node1 was made a standby from here, and the proxy shows it as revision 4.
    fn changed() -> Model {
        let mut model = sample::model(80, 24);
        model.own.push(sample::subject("node1", 3), &sample::edited("standby", "Off", "On"));
        shown(&mut model, 4);
        model
    }

    fn shown(model: &mut Model, revision: u64) {
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[0].members[0].revision = revision;
        update(model, Message::News(News::Snapshot(Box::new(snapshot))));
    }

    #[test]
    fn an_undo_is_what_its_question_shows() {
        let mut model = changed();
        press(&mut model, "u");
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{:?}", model.popup) };
        assert_eq!(model.commands_of(question), ["evenkeel undo 9"]);
        match press(&mut model, "y").as_slice() {
            [Effect::Undo { order, .. }] => assert_eq!((order.event, order.force), (Some(9), false)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn of_an_httpd_the_last_change_is_asked_back_with_its_revision() {
        let mut model = changed();
        of_httpd(&mut model, 4);
        match press(&mut model, "uy").as_slice() {
            [Effect::EditMember { edit, target, .. }] => {
                assert_eq!((edit.standby, edit.revision), (Some(false), Some(4)));
                assert_eq!(*target, sample::target("node1"));
            }
            other => panic!("{other:?}"),
        }
        let outcome = Ok(Box::new(sample::edited("standby", "On", "Off")));
        update(&mut model, Message::News(News::Answer { ticket: Ticket(1), outcome }));
        assert_eq!(toast(&model), "app/node1 is as before: standby On → Off");
        assert_eq!(model.own.last(), None);
        press(&mut model, "u");
        assert!(toast(&model).starts_with("nothing was changed from here"));
    }

    #[test]
    fn what_came_after_the_last_change_is_told_before_the_change_is_asked_for() {
        let mut model = changed();
        model.own.changed_terms("app/node2");
        press(&mut model, "u");
        assert!(toast(&model).starts_with("the terms of the drain of app/node2 were changed last"));
        assert_eq!(model.popup, None);
        press(&mut model, "u");
        assert_eq!(model.context(), Context::Confirm);
        press(&mut model, "n");
        model.own.restarted();
        press(&mut model, "u");
        assert!(toast(&model).contains("`evenkeel undo` takes your last change back"), "{}", toast(&model));
        press(&mut model, "u");
        assert!(toast(&model).starts_with("nothing was changed from here"));
        model.own.restarted();
        press(&mut model, "u");
        assert!(toast(&model).starts_with("nothing was changed from here"), "there was none");
    }

    /// node1 was drained from here, and its deadline has stopped it.
    fn stopped(product: &str, revision: u64) -> Model {
        let mut model = sample::model(80, 24);
        model.own.push(sample::subject("node1", 3), &sample::edited("drain", "Off", "On"));
        let mut snapshot = sample::snapshot(62);
        product.clone_into(&mut snapshot.proxy.product);
        let member = &mut snapshot.balancers[0].members[0];
        member.status =
            [Flag::Drain, Flag::Stopped].iter().fold(member.status, |it, flag| it.with(*flag, true));
        (member.words, member.revision) = (member.status.words(), revision);
        let mut drain = sample::drain(3, "node1");
        (drain.phase, drain.outcome) = (DrainPhase::Done, Some(DrainOutcome::Stopped));
        snapshot.drains = vec![drain];
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        model
    }

    #[test]
    fn of_a_drain_whose_deadline_has_stopped_the_member_it_is_said_that_it_stays_stopped() {
        let mut model = stopped("evenkeel-proxy", 5);
        press(&mut model, "u");
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{}", toast(&model)) };
        let remarks = model.outlook(question).remarks;
        let says = format!("It is not as before then: {STAYS_STOPPED}.");
        assert!(remarks.iter().any(|remark| remark.text == says), "{remarks:?}");
        let sent = press(&mut model, "y");
        let [Effect::Undo { ticket, .. }] = sent.as_slice() else { panic!("{sent:?}") };
        let outcome = Ok(Box::new(sample::edited("drain", "On", "Off")));
        update(&mut model, Message::News(News::Answer { ticket: *ticket, outcome }));
        assert_eq!(toast(&model), format!("app/node1: drain On → Off; {STAYS_STOPPED}"));
        assert_eq!(model.toast.as_ref().map(|toast| toast.tone), Some(Tone::Alarm));

        let mut model = stopped(evenkeel_protocol::Hello::HTTPD, 5);
        press(&mut model, "u");
        let says =
            "app/node1 is Init Drn Stop now: the deadline of its drain has stopped it; E clears N and S";
        assert_eq!((&model.popup, toast(&model)), (&None, says));
    }

    /// The proxy has answered what the open question asks of it.
    fn foreseen(model: &mut Model, outcome: Result<Found, String>) {
        let need = model.gathered.needs.first().cloned().unwrap();
        assert_eq!(need, Need::Undo(9));
        update(model, Message::News(News::Found { need, outcome }));
    }

    #[test]
    fn whether_somebody_has_touched_it_since_the_proxy_says_field_by_field() {
        let mut model = changed();
        shown(&mut model, 5);
        press(&mut model, "u");
        let other = Need::Removal("app".parse().unwrap(), sample::target("node1").member);
        let Some(Found::Preview(mut preview)) = sample::found(&other) else { panic!("a preview") };
        preview.refusal = None;
        foreseen(&mut model, Ok(Found::Preview(preview)));
        assert!(matches!(press(&mut model, "y").as_slice(), [Effect::Undo { .. }]), "another field");

        let mut model = changed();
        shown(&mut model, 5);
        press(&mut model, "u");
        foreseen(&mut model, Err("standby: it was touched since, by anna (event 11)".to_owned()));
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{:?}", model.popup) };
        let denial = "It cannot be taken back: standby: it was touched since, by anna (event 11).";
        assert_eq!(model.denial(question).as_deref(), Some(denial));
        assert_eq!(press(&mut model, "y"), []);
        press(&mut model, "n");
        assert_eq!((&model.popup, model.own.last()), (&None, None), "the one before it is next");
        assert!(toast(&model).ends_with("u asks for the one before it"), "{}", toast(&model));
    }

    #[test]
    fn of_an_httpd_what_somebody_else_has_touched_since_is_not_taken_back() {
        let mut model = changed();
        of_httpd(&mut model, 5);
        press(&mut model, "u");
        assert_eq!(model.popup, None);
        let says = "app/node1 was changed by somebody since and is Init Ok now; `evenkeel set app/node1 standby=off` \
                    takes yours back";
        assert_eq!(toast(&model), says);
    }

    #[test]
    fn two_changes_of_one_member_are_taken_back_one_after_the_other() {
        let mut model = changed();
        let second = Edited { revision: 5, event: Some(10), ..sample::edited("lbset", "0", "1") };
        model.own.push(sample::subject("node1", 4), &second);
        of_httpd(&mut model, 5);
        for (ticket, field) in [(1, "lbset"), (2, "standby")] {
            let sent = press(&mut model, "uy");
            let [Effect::EditMember { edit, .. }] = sent.as_slice() else {
                panic!("{sent:?}: {}", toast(&model))
            };
            assert_eq!(
                (edit.lbset.is_some(), edit.standby.is_some()),
                (field == "lbset", field == "standby")
            );
            let edited = Edited { revision: 5 + ticket, ..sample::edited(field, "1", "0") };
            let outcome = Ok(Box::new(edited));
            update(&mut model, Message::News(News::Answer { ticket: Ticket(ticket), outcome }));
            of_httpd(&mut model, 5 + ticket);
        }
        assert_eq!(model.own.last(), None);
    }

    /// The sample is an httpd, and node1 has that revision.
    fn of_httpd(model: &mut Model, revision: u64) {
        let mut snapshot = sample::snapshot(62);
        snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
        snapshot.balancers[0].members[0].revision = revision;
        update(model, Message::News(News::Snapshot(Box::new(snapshot))));
    }

    #[test]
    fn a_change_that_is_not_shown_yet_can_be_waited_for() {
        let mut model = changed();
        shown(&mut model, 3);
        press(&mut model, "u");
        assert_eq!(model.popup, None);
        assert!(model.own.last().is_some());
    }
}
