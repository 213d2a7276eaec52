//! Sets again what a restart of the proxy has forgotten, one member after the other, and asks before each.

use evenkeel_protocol::{Change, MemberEdit, Override};

use crate::lost;
use crate::model::act::{Act, Turn};
use crate::model::forgotten;
use crate::model::form;
use crate::model::target::Target;
use crate::model::{Model, Tone};
use crate::update::{drain, edit};

/// Asks for the first member of which something was forgotten.
pub(super) fn ask(model: &mut Model) {
    let Some(first) = forgotten::first(model.forgotten().iter()).cloned() else {
        return model.tell(Tone::Plain, NOTHING);
    };
    let Some(target) = whose(&first) else {
        return model.tell(Tone::Plain, by_command(&first));
    };
    if !edit::are_editable(model, std::slice::from_ref(&target)) {
        return;
    }
    match act(model, &target, lost::is_certain(&first)) {
        Some(act) => edit::ask(model, vec![target], act),
        None => model.tell(Tone::Alarm, BEYOND),
    }
}

/// What is said where nothing was forgotten.
pub(super) const NOTHING: &str = "nothing was forgotten";
/// What is said where nothing of it can be written.
pub(super) const BEYOND: &str = "that cannot be set from here";

/// The member of which it was; none: it was of a balancer.
pub(super) fn whose(lost: &Override) -> Option<Target> {
    let member = lost.subject.member.clone()?;
    Some(Target { balancer: lost.subject.balancer.clone(), member })
}

/// How a setting of a balancer is set again.
pub(super) fn by_command(lost: &Override) -> String {
    let Override { subject, field, value, .. } = lost;
    format!("`evenkeel set {} {field}={value}` sets it again", subject.balancer)
}

/// All that was forgotten of a member, at once; a drain alone is begun as drains are. What a changed configuration may have
/// said on purpose is asked for by itself, lest a yes to a drain takes it back. None: nothing of it can be written.
pub(super) fn act(model: &Model, target: &Target, is_certain: bool) -> Option<Act> {
    let (_, member) = edit::found(model, target)?;
    let belongs =
        |lost: &Override| whose(lost).as_ref() == Some(target) && lost::is_certain(lost) == is_certain;
    let lost: Vec<&Override> = model.forgotten().iter().filter(|lost| belongs(lost)).collect();
    if let [Override { field, value, .. }] = lost.as_slice()
        && field == "drain"
        && value == "On"
    {
        return Some(drain::act(model, std::slice::from_ref(target), Turn::On));
    }
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
    use crate::message::Message;
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
