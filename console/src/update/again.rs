//! Sets again what a restart of the proxy has forgotten, one member after the other, and asks before each.

use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::{Change, Drain, MemberEdit, Override};

use crate::lost;
use crate::model::act::{Act, Turn};
use crate::model::decision::{Decision, Matter};
use crate::model::forgotten::{self, Lot};
use crate::model::target::Target;
use crate::model::{Model, Popup, Tone, drains, form};
use crate::shell;
use crate::update::{decision, drain, edit};

/// Asks for what was forgotten of the member under the cursor, else for what is seen to first.
pub(super) fn ask(model: &mut Model) {
    let meant: Vec<&Target> = model.target().into_iter().collect();
    let Some(first) = forgotten::first(model.forgotten().iter(), &meant).cloned() else {
        return model.tell(Tone::Plain, NOTHING);
    };
    if let Some(decision) = return_of(&first) {
        return decision::ask(model, decision);
    }
    let Some(target) = whose(&first) else {
        let told = by_command(&first, &model.words);
        return model.tell(Tone::Plain, told);
    };
    if !edit::are_editable(model, std::slice::from_ref(&target)) {
        return;
    }
    if !open(model, &target, &Lot::of(&first)) {
        model.tell(Tone::Alarm, BEYOND);
    }
}

/// Opens the question whether to set again that lot, which is of `target`; false: nothing of it can be written.
pub(super) fn open(model: &mut Model, target: &Target, lot: &Lot) -> bool {
    let Some(act) = act(model, target, lot) else { return false };
    let reason = drain_before(model, target, lot).and_then(|drain| Some(Reason::new(drain.reason.as_ref()?)));
    edit::ask(model, vec![target.clone()], act);
    if let Some(Popup::Confirm(question)) = &mut model.popup {
        question.reason = reason;
    }
    true
}

/// What is said where nothing was forgotten.
pub(super) const NOTHING: &str = "nothing was forgotten";
/// What is said where nothing of it can be written.
pub(super) const BEYOND: &str = "that cannot be set from here";

/// The drain that was begun here and that the lot was.
fn drain_before<'a>(model: &'a Model, target: &Target, lot: &Lot) -> Option<&'a Drain> {
    let is_own = |lost: &Override| Lot::of(lost) == *lot && !lost.loss.elsewhere;
    let is_ours = lot.is_drain() && model.forgotten().iter().any(is_own);
    drains::of(model.roster.snapshot(), target).filter(|_| is_ours)
}

/// The member of which it was; none: it was of a balancer, or the member itself.
pub(super) fn whose(lost: &Override) -> Option<Target> {
    let member = lost.subject.member.clone().filter(|_| lost::addition(lost).is_none())?;
    Some(Target { balancer: lost.subject.balancer.clone(), member })
}

/// What brings back a member that is gone; none: it was a setting.
fn return_of(lost: &Override) -> Option<Decision> {
    let (balancer, addition) = (lost.subject.balancer.clone(), Box::new(lost::addition(lost)?));
    Some(Decision::new(Matter::Addition { balancer, addition, undo: false, event: None }))
}

/// How a setting of a balancer is set again, or a member added, where `words` name the server that lost it.
pub(super) fn by_command(lost: &Override, words: &str) -> String {
    if let Some(decision) = return_of(lost) {
        return format!("`{}` adds it again", shell::at(&decision.command(), words));
    }
    let Override { subject, field, value, .. } = lost;
    let line = format!("set {} {field}={value}", subject.balancer);
    format!("`{}` sets it again", shell::at(&line, words))
}

/// All of a lot at once. A drain is begun by itself, on the terms that it had. None: nothing of it can be written.
fn act(model: &Model, target: &Target, lot: &Lot) -> Option<Act> {
    let (_, member) = edit::found(model, target)?;
    if lot.is_drain() {
        let usual = drain::act(model, std::slice::from_ref(target), Turn::On);
        return match (usual, drain_before(model, target, lot)) {
            (Act::Drain(usual), Some(before)) => Some(Act::Drain(usual.with(&drains::order_of(before)))),
            (usual, _) => Some(usual),
        };
    }
    let lost = model.forgotten().iter().filter(|lost| Lot::of(lost) == *lot);
    let mut edit = MemberEdit::default();
    let mut changes = Vec::new();
    for Override { field, value, .. } in lost {
        // A page may show what nobody can write.
        if edit.set(field, value).is_ok() {
            let before = form::value(member, field);
            changes.push(Change { field: field.clone(), before, after: value.clone() });
        }
    }
    (!changes.is_empty()).then(|| Act::Settings { edit: Box::new(edit), changes })
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{Flag, Hello, Subject};

    use super::*;
    use crate::effect::Effect;
    use crate::message::{Key, Message};
    use crate::model::{Popup, sample};
    use crate::need::Job;
    use crate::news::News;
    use crate::update::hands::press;
    use crate::update::update;

    /// An httpd that has forgotten these fields of node1.
    fn forgetful(fields: &[(&str, &str)]) -> Model {
        let mut model = sample::model(100, 30);
        let mut snapshot = sample::snapshot(62);
        snapshot.proxy.product = Hello::HTTPD.to_owned();
        let member = Some(sample::target("node1").member);
        let subject = Subject { balancer: sample::target("node1").balancer, member };
        let lost = |(field, value): &(&str, &str)| Override {
            subject: subject.clone(),
            field: (*field).to_owned(),
            value: (*value).to_owned(),
            why: String::new(),
            loss: evenkeel_protocol::Loss::default(),
        };
        snapshot.forgotten = fields.iter().map(lost).collect();
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        model
    }

    #[test]
    fn a_drain_is_begun_again_as_an_httpd_can_keep_it() {
        let mut model = forgetful(&[("drain", "On")]);
        // The last one that serves new sessions is spelt out.
        match press(&mut model, "Anode1⏎").as_slice() {
            [Effect::Drain { job, .. }] => {
                let Job::Begin(_, _, order) = job.as_ref() else { panic!("{job:?}") };
                assert_eq!(order.until, Some(evenkeel_protocol::DrainUntil::Idle));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_drain_comes_back_with_its_terms_before_what_else_its_member_has_lost() {
        let mut model = forgetful(&[("lbfactor", "2.00"), ("drain", "On")]);
        let mut snapshot = model.roster.snapshot().unwrap().clone();
        let mut drain = sample::drain(1, "node1");
        drain.until = evenkeel_protocol::DrainUntil::Idle;
        (drain.settle, drain.timeout) = ("9s".parse().unwrap(), "30m".parse().unwrap());
        (drain.phase, drain.outcome) =
            (evenkeel_protocol::DrainPhase::Done, Some(evenkeel_protocol::DrainOutcome::Cleared));
        snapshot.drains = vec![drain];
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot.clone()))));
        press(&mut model, "A");
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{:?}", model.popup) };
        let told: Vec<String> =
            model.outlook(question).remarks.into_iter().map(|remark| remark.text).collect();
        assert!(
            told.iter().any(|text| text.contains("not set by this: lbfactor=2.00 of app/node1")),
            "{told:?}"
        );
        assert_eq!(
            model.commands_of(question),
            ["evenkeel drain app/node1 --until idle --timeout 30m --settle 9s --on-timeout stop \
              --reason 'deploy 42' --force --wait"]
        );
        match press(&mut model, "node1⏎").as_slice() {
            [Effect::Drain { job, .. }] => {
                let Job::Begin(_, _, order) = job.as_ref() else { panic!("{job:?}") };
                assert_eq!((order.timeout, order.settle), ("30m".parse().ok(), "9s".parse().ok()));
                assert_eq!(order.reason.as_ref().map(Reason::as_str), Some("deploy 42"));
            }
            other => panic!("{other:?}"),
        }
        // What somebody else had begun had no terms that are known here.
        snapshot.forgotten.iter_mut().for_each(|lost| lost.loss.elsewhere = true);
        snapshot
            .forgotten
            .iter_mut()
            .for_each(|lost| lost.loss.cause = Some(evenkeel_protocol::Cause::Restart));
        let mut model = sample::model(100, 30);
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        press(&mut model, "A");
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{:?}", model.popup) };
        assert_eq!(question.reason, None);
    }

    #[test]
    fn a_member_that_is_gone_is_added_again_as_it_was() {
        let line = "http://10.0.0.9:8080 loadfactor=2.00 lbset=0 route=node9 status=-D";
        let mut model = forgetful(&[(lost::MEMBER, line)]);
        let mut snapshot = model.roster.snapshot().unwrap().clone();
        snapshot.forgotten[0].subject.member = Some("http://10.0.0.9:8080".parse().unwrap());
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot.clone()))));
        let told = forgotten::line(&snapshot, "2", |_| true);
        assert_eq!(told.as_deref(), Some("httpd was restarted: your member app/node9 is gone"));
        press(&mut model, "A");
        let Some(Popup::Decide(decision)) = &model.popup else { panic!("{:?}", model.popup) };
        assert_eq!(decision.title(), "Add app/node9 (10.0.0.9:8080)?");
        match press(&mut model, "y").as_slice() {
            [Effect::AddMember { addition, .. }] => {
                assert_eq!(addition.url, "http://10.0.0.9:8080");
                assert_eq!(addition.parameters[2..], ["route=node9", "status=-D"]);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_question_after_a_restart_names_what_is_not_counted_and_what_else_is_lost() {
        let mut model = forgetful(&[("drain", "On")]);
        let mut snapshot = model.roster.snapshot().unwrap().clone();
        snapshot.proxy.reloads = 1;
        snapshot.balancers[0].members[0].busy = 0;
        let mut other = snapshot.forgotten[0].clone();
        other.subject.member = Some(sample::target("node3").member);
        snapshot.forgotten.push(other);
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        press(&mut model, "A");
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{:?}", model.popup) };
        let told: Vec<String> =
            model.outlook(question).remarks.into_iter().map(|remark| remark.text).collect();
        assert!(
            told.contains(&"Nothing is in flight, as far as the page counts since the restart.".to_owned()),
            "{told:?}"
        );
        assert!(told.iter().any(|text| text.contains("drain of app/node3")), "{told:?}");
    }

    #[test]
    fn the_member_under_the_cursor_is_asked_for_first_and_what_was_ended_since_not_at_all() {
        let lost = || {
            let mut model = forgetful(&[("drain", "On")]);
            let mut snapshot = model.roster.snapshot().unwrap().clone();
            for route in ["node2", "node3"] {
                let mut other = snapshot.forgotten[0].clone();
                other.subject.member = Some(sample::target(route).member);
                snapshot.forgotten.push(other);
            }
            for member in &mut snapshot.balancers[0].members {
                member.status = member.status.with(Flag::Drain, false);
            }
            update(&mut model, Message::News(News::Snapshot(Box::new(snapshot.clone()))));
            (model, snapshot)
        };
        let whom = |model: &Model| match &model.popup {
            Some(Popup::Confirm(question)) => question.whom(),
            other => panic!("{other:?}"),
        };
        for (keys, label) in
            [("A", "app/node1"), ("jA", "app/node2"), ("jjA", "app/node3"), ("GA", "app/node1")]
        {
            let (mut model, _) = lost();
            press(&mut model, keys);
            assert_eq!(whom(&model), label, "{keys}");
        }
        let (mut model, snapshot) = lost();
        press(&mut model, "jA");
        press(&mut model, &[Key::Esc]);
        press(&mut model, ":undrain app/node2⏎y");
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        press(&mut model, "A");
        assert_eq!(whom(&model), "app/node1");
        assert_eq!(model.forgotten().len(), 2);
    }

    #[test]
    fn several_fields_are_set_again_at_once_and_nothing_is_asked_where_nothing_was_lost() {
        let mut model = forgetful(&[("lbset", "3"), ("standby", "On")]);
        press(&mut model, "A");
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{:?}", model.popup) };
        let edit = question.act.edit(1);
        assert_eq!((edit.lbset, edit.flag(Flag::Standby)), ("3".parse().ok(), Some(true)));
        let mut model = forgetful(&[]);
        press(&mut model, "A");
        assert_eq!(model.popup, None);
    }

    #[test]
    fn a_yes_to_a_drain_takes_no_changed_configuration_back() {
        let mut model = forgetful(&[("lbfactor", "1.00"), ("drain", "On")]);
        let mut snapshot = model.roster.snapshot().unwrap().clone();
        snapshot.forgotten[0].loss.elsewhere = true;
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot.clone()))));
        press(&mut model, "A");
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{:?}", model.popup) };
        assert!(matches!(question.act, Act::Drain(_)), "{:?}", question.act);
        model.popup = None;
        snapshot.forgotten.pop();
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        press(&mut model, "A");
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{:?}", model.popup) };
        assert_eq!(question.act.changes().len(), 1, "it is asked by itself");
    }
}
