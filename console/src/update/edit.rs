//! From a key to an edit: ask, perhaps write, confirm, send. Nothing is sent but by a yes to a question that was
//! on the screen, about a member that is still there and still as it was.

use evenkeel_protocol::Flag;

use crate::effect::Effect;
use crate::keymap::Action;
use crate::model::act::{Act, ENABLE_CLEARS};
use crate::model::form::Form;
use crate::model::question::Question;
use crate::model::target::Target;
use crate::model::{Model, Popup, Tone};

/// Asks whether to turn `flag` on, or off if it is on.
pub(super) fn ask_flag(model: &mut Model, flag: Flag) {
    let Some(target) = editable(model) else { return };
    let Some((_, member)) = found(model, &target) else { return };
    let (act, revision) = (Act::toggle(flag, member), member.revision);
    ask(model, target, act, revision);
}

/// Asks whether to clear D, N and S.
pub(super) fn ask_enable(model: &mut Model) {
    let Some(target) = editable(model) else { return };
    let Some((_, member)) = found(model, &target) else { return };
    let revision = member.revision;
    if member.status.has_any(&ENABLE_CLEARS) {
        ask(model, target, Act::Enable, revision);
    } else {
        let label = target.label(model.fleet.snapshot());
        model.tell(Tone::Plain, format!("{label} is neither draining nor disabled nor stopped"));
    }
}

/// Opens the form with the values in effect.
pub(super) fn open_form(model: &mut Model) {
    let Some(target) = editable(model) else { return };
    let label = target.label(model.fleet.snapshot());
    if let Some((balancer, member)) = found(model, &target) {
        model.popup = Some(Popup::Form(Box::new(Form::new(balancer, member, label))));
    }
}

/// To another field of the form.
pub(super) fn change_field(model: &mut Model, action: Action) {
    if let Some(Popup::Form(form)) = &mut model.popup {
        if action == Action::NextField { form.next() } else { form.previous() }
    }
}

/// Takes over what was written: the filter stays, the form becomes a question.
pub(super) fn accept(model: &mut Model) {
    match model.popup.take() {
        Some(Popup::Form(mut form)) => match form.act() {
            Ok(Some(act)) => {
                model.popup = Some(Popup::Confirm(Box::new(Question {
                    target: form.target.clone(),
                    label: form.label.clone(),
                    act,
                    revision: form.revision,
                    seen: false,
                    back: Some(form),
                })));
            }
            Ok(None) => {
                model.tell(Tone::Plain, "nothing was changed; Esc leaves the form");
                model.popup = Some(Popup::Form(form));
            }
            Err(position) => {
                form.look_at(position);
                model.popup = Some(Popup::Form(form));
            }
        },
        Some(Popup::Filter { .. }) | None => {}
        other => model.popup = other,
    }
}

/// Sends what was asked, if it still stands.
pub(super) fn yes(model: &mut Model) -> Vec<Effect> {
    let Some(Popup::Confirm(question)) = &model.popup else { return Vec::new() };
    if !question.seen || !model.size.is_ample() || !model.is_answerable(question) {
        return Vec::new();
    }
    let question = (**question).clone();
    model.popup = None;
    let edit = Box::new(question.act.edit(question.revision));
    let asked = format!("{} {}: waiting for the proxy's answer", question.act.verb(), question.label);
    if let Some(ticket) = model.pending.send(question.target.clone(), question.label, question.act) {
        model.tell(Tone::Plain, asked);
        return vec![Effect::EditMember { ticket, target: question.target, edit }];
    }
    model.tell(Tone::Alarm, "too many edits wait for their answers; nothing was sent");
    Vec::new()
}

/// Leaves everything as it is; a question that came from a form goes back to it.
pub(super) fn no(model: &mut Model) {
    if let Some(Popup::Confirm(question)) = model.popup.take() {
        model.popup = question.back.map(Popup::Form);
    }
}

fn ask(model: &mut Model, target: Target, act: Act, revision: u64) {
    let label = target.label(model.fleet.snapshot());
    let question = Question { target, label, act, revision, seen: false, back: None };
    model.popup = Some(Popup::Confirm(Box::new(question)));
}

fn found<'a>(
    model: &'a Model,
    target: &Target,
) -> Option<(&'a evenkeel_protocol::BalancerSnapshot, &'a evenkeel_protocol::MemberSnapshot)> {
    target.find(model.fleet.snapshot()?)
}

/// The member that keys act on, if it can be edited now; if not, says why.
fn editable(model: &mut Model) -> Option<Target> {
    let target = model.target()?.clone();
    let label = target.label(model.fleet.snapshot());
    let hindrance = if !model.is_connected() {
        "the proxy does not answer, so nothing can be changed".to_owned()
    } else if found(model, &target).is_none() {
        format!("{label} is no longer there")
    } else if model.pending.has(&target) {
        format!("{label}: an edit is on its way; wait for its answer")
    } else {
        return Some(target);
    };
    model.tell(Tone::Alarm, hindrance);
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use evenkeel_protocol::MemberEdit;

    use super::*;
    use crate::keymap::Context;
    use crate::message::{Key, Message, Size};
    use crate::model::sample;
    use crate::news::{News, Ticket};
    use crate::update::update;

    fn press(model: &mut Model, keys: &[Key]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for key in keys {
            effects.extend(update(model, Message::Key(*key)));
            update(model, Message::Painted);
        }
        effects
    }

    fn hear(model: &mut Model, news: News) -> Vec<Effect> {
        update(model, Message::News(news))
    }

    fn toast(model: &Model) -> &str {
        model.toast.as_ref().map_or("", |toast| toast.text.as_str())
    }

    fn text(written: &str) -> Vec<Key> {
        written.chars().map(Key::Char).collect()
    }

    #[test]
    fn each_key_sends_its_edit_after_a_yes() {
        let flag = |flag, on| MemberEdit::default().with_flag(flag, on);
        for (key, edit) in [
            ('d', flag(Flag::Drain, false)),
            ('D', flag(Flag::Disabled, true)),
            ('S', flag(Flag::Stopped, true)),
            ('H', flag(Flag::Standby, true)),
            ('R', flag(Flag::Spare, true)),
            ('I', flag(Flag::IgnoreErrors, true)),
            ('E', Act::Enable.edit(0)),
        ] {
            let mut model = sample::model(80, 24);
            let effects = press(&mut model, &[Key::Down, Key::Char(key), Key::Char('y')]);
            let edit = Box::new(MemberEdit { revision: Some(4), ..edit });
            let target = sample::target("node2");
            assert_eq!(
                effects,
                [Effect::EditMember { ticket: Ticket(1), target: target.clone(), edit }],
                "{key}"
            );
            assert_eq!(model.popup, None);
            assert!(model.pending.has(&target));
        }
    }

    #[test]
    fn no_and_escape_and_enter_send_nothing() {
        for key in [Key::Char('n'), Key::Esc, Key::Enter, Key::Char(' '), Key::Char('Y')] {
            let mut model = sample::model(80, 24);
            assert_eq!(press(&mut model, &[Key::Char('d'), key]), [], "{key}");
            assert!(model.pending.is_empty());
        }
    }

    #[test]
    fn a_yes_typed_ahead_of_the_question_does_not_count() {
        let mut model = sample::model(80, 24);
        let ahead = [Key::Char('d'), Key::Char('y')].map(|key| update(&mut model, Message::Key(key)));
        assert_eq!(ahead, [Vec::new(), Vec::new()]);
        assert_eq!(model.context(), Context::Confirm);
        update(&mut model, Message::Painted);
        assert_eq!(press(&mut model, &[Key::Char('y')]).len(), 1);
    }

    #[test]
    fn a_yes_counts_only_while_the_question_stands() {
        let gone = |model: &mut Model| {
            let mut snapshot = sample::snapshot(62);
            snapshot.balancers[0].members.remove(0);
            hear(model, News::Snapshot(Box::new(snapshot)));
        };
        let changed = |model: &mut Model| {
            let mut snapshot = sample::snapshot(62);
            snapshot.balancers[0].members[0].revision += 1;
            hear(model, News::Snapshot(Box::new(snapshot)));
        };
        let lost = |model: &mut Model| {
            hear(model, News::Lost { why: "no socket".to_owned(), next_try: Duration::from_secs(1) });
        };
        let small = |model: &mut Model| {
            update(model, Message::Resize(Size { width: 20, height: 5 }));
        };
        for (what, happens) in [
            ("gone", &gone as &dyn Fn(&mut Model)),
            ("changed", &changed),
            ("lost", &lost),
            ("too small to show the question", &small),
        ] {
            let mut model = sample::model(80, 24);
            press(&mut model, &[Key::Char('d')]);
            happens(&mut model);
            assert_eq!(press(&mut model, &[Key::Char('y')]), [], "{what}");
            assert_eq!(model.context(), Context::Confirm, "{what}: the question stays and says why");
            press(&mut model, &[Key::Esc]);
            assert_eq!(model.popup, None, "{what}");
        }
    }

    #[test]
    fn what_others_do_meanwhile_does_not_move_the_question() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Char('d')]);
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[0].members.reverse();
        hear(&mut model, News::Snapshot(Box::new(snapshot)));
        match press(&mut model, &[Key::Char('y')]).as_slice() {
            [Effect::EditMember { target, .. }] => assert_eq!(*target, sample::target("node1")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_form_asks_what_was_written_and_can_be_gone_back_to() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Char('e'), Key::Ctrl('u')]);
        press(&mut model, &text("0"));
        press(&mut model, &[Key::Tab, Key::Ctrl('u')]);
        press(&mut model, &text("b"));
        press(&mut model, &[Key::Enter]);
        match &model.popup {
            Some(Popup::Form(form)) => assert_eq!(form.focus(), 0, "the wrong field has the cursor"),
            other => panic!("{other:?}"),
        }
        press(&mut model, &[Key::Backspace, Key::Char('2'), Key::Enter]);
        assert_eq!(model.context(), Context::Confirm);
        press(&mut model, &[Key::Char('n')]);
        assert_eq!(model.context(), Context::Form, "no goes back to the form");
        match press(&mut model, &[Key::Enter, Key::Char('y')]).as_slice() {
            [Effect::EditMember { edit, .. }] => assert_eq!(
                **edit,
                MemberEdit {
                    lbfactor: "2".parse().ok(),
                    route: "b".parse().ok(),
                    revision: Some(3),
                    ..MemberEdit::default()
                }
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_form_without_changes_asks_nothing() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Char('e'), Key::Enter]);
        assert_eq!(model.context(), Context::Form);
        assert_eq!(toast(&model), "nothing was changed; Esc leaves the form");
    }

    #[test]
    fn what_cannot_be_edited_now_says_why() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Char('E')]);
        assert_eq!(toast(&model), "app/node1 is neither draining nor disabled nor stopped");
        press(&mut model, &[Key::Char('d'), Key::Char('y'), Key::Char('D')]);
        assert_eq!(toast(&model), "app/node1: an edit is on its way; wait for its answer");
        hear(&mut model, News::Lost { why: "gone".to_owned(), next_try: Duration::from_secs(1) });
        press(&mut model, &[Key::Down, Key::Char('d')]);
        assert_eq!(toast(&model), "the proxy does not answer, so nothing can be changed");
        assert_eq!(model.popup, None);
    }
}
