//! From a key to an edit: ask, perhaps write, confirm, send. Nothing is sent but by an answer, in proportion to the
//! risk, to a question that was on the screen, about a member that is still there and still as it was.

use evenkeel_protocol::place::ADMIN_SOCKET;
use evenkeel_protocol::{Flag, MemberEdit, MemberRemoval, UndoOrder};

use crate::door::Door;
use crate::effect::Effect;
use crate::model::act::{Act, ENABLE_CLEARS, Turn};
use crate::model::form::Form;
use crate::model::outlook::Gravity;
use crate::model::question::{Question, Subject};
use crate::model::target::Target;
use crate::model::{Model, Popup, Seen, Tone};
use crate::news::Ticket;
use crate::update::{drain, many, pace};

/// Asks whether to turn `flag` on, or off if all of those it is about have it.
pub(super) fn ask_flag(model: &mut Model, flag: Flag) {
    let Some(targets) = editable(model) else { return };
    let lacks = |target: &Target| found(model, target).is_some_and(|(_, member)| !member.status.has(flag));
    let turn = if targets.iter().any(lacks) { Turn::On } else { Turn::Off };
    let act = match (flag, targets.as_slice()) {
        (Flag::Drain, targets) => drain::act(model, targets, turn),
        _ => Act::Flag(flag, turn),
    };
    ask(model, targets, act);
}

/// Asks whether to clear D, N and S.
pub(super) fn ask_enable(model: &mut Model) {
    let needing = editable(model).and_then(|targets| needing_enable(model, targets));
    if let Some(targets) = needing {
        ask(model, targets, Act::Enable);
    }
}

/// Those that have something to be cleared; if nobody has, says so.
pub(super) fn needing_enable(model: &mut Model, mut targets: Vec<Target>) -> Option<Vec<Target>> {
    let nobody = match targets.as_slice() {
        [one] => {
            let label = one.label(model.roster.snapshot());
            format!("{label} is neither draining nor disabled nor stopped")
        }
        _ => "none of them is draining, disabled or stopped".to_owned(),
    };
    let needs = |target: &Target| {
        found(model, target).is_some_and(|(_, member)| member.status.has_any(&ENABLE_CLEARS))
    };
    targets.retain(needs);
    if targets.is_empty() {
        model.tell(Tone::Plain, nobody);
        return None;
    }
    Some(targets)
}

/// Opens the form with the values in effect.
pub(super) fn open_form(model: &mut Model) {
    let Some(targets) = editable(model) else { return };
    let [target] = targets.as_slice() else {
        return model.tell(Tone::Plain, "the form is for one member; for all marks use :set KEY=VALUE");
    };
    let label = target.label(model.roster.snapshot());
    let Some(snapshot) = model.roster.snapshot() else { return };
    if let Some(found) = target.find(snapshot) {
        let form = Form::new(&snapshot.proxy, found, label);
        model.popup = Some(Popup::Form(Box::new(form)));
    }
}

/// Takes over what the form holds: it becomes a question.
pub(super) fn accept_form(model: &mut Model, mut form: Box<Form>) {
    match form.act() {
        Ok(Some(act)) => {
            let subject =
                Subject { target: form.target.clone(), label: form.label.clone(), revision: form.revision };
            let restarted = form.restarted;
            let question = Question { restarted, back: Some(form), ..Question::new(vec![subject], act) };
            model.popup = Some(Popup::Confirm(Box::new(question)));
        }
        Ok(None) => {
            model.tell(Tone::Plain, "nothing was changed; Esc leaves the form");
            model.popup = Some(Popup::Form(form));
        }
        Err(position) => {
            form.fields.look_at(position);
            model.popup = Some(Popup::Form(form));
        }
    }
}

/// Enter on a question: yes where nothing is at risk or the word was typed, else no. It never agrees to a risk.
pub(super) fn accept_question(model: &mut Model, question: &Question) -> Vec<Effect> {
    match model.outlook(question).gravity {
        Gravity::Light if question.seen => agree(model, Gravity::Light),
        Gravity::Last if question.is_spelt_out() => agree(model, Gravity::Last),
        // What was typed ahead, or only in part, is no answer at all.
        Gravity::Light | Gravity::Last => Vec::new(),
        Gravity::Heavy => {
            no(model);
            Vec::new()
        }
    }
}

/// A yes, where a yes is enough.
pub(super) fn yes(model: &mut Model) -> Vec<Effect> {
    agree(model, Gravity::Heavy)
}

/// Sends what was asked, if it still stands and weighs no more than `most`.
fn agree(model: &mut Model, most: Gravity) -> Vec<Effect> {
    let Some(question) = agreed(model, most) else { return Vec::new() };
    let who = model.who();
    let asked = format!("{} {}: waiting for {who}'s answer", question.act.verb(), question.whom());
    let [subject] = question.subjects.as_slice() else {
        return many::start(model, question);
    };
    let edit = question.edit(subject);
    if let Some(ticket) = model.pending.send(subject, question.act.clone()) {
        model.tell(Tone::Plain, asked);
        return vec![sent(ticket, (subject.target.clone(), &question.act), edit)];
    }
    model.tell(Tone::Alarm, "too many edits wait for their answers; nothing was sent");
    Vec::new()
}

/// Takes the open question as agreed to, if it still stands and weighs no more than `most`.
pub(super) fn agreed(model: &mut Model, most: Gravity) -> Option<Question> {
    let Some(Popup::Confirm(question)) = &model.popup else { return None };
    let answerable = question.seen && model.size.is_ample() && model.is_answerable(question);
    if !answerable || model.outlook(question).gravity > most {
        return None;
    }
    // What a guard protects was spelt out, and that is what it asks for.
    let forced = model.outlook(question).gravity == Gravity::Last;
    let question = Question { forced, ..(**question).clone() };
    model.popup = None;
    model.commands = model.commands_of(&question);
    let wanted = question.act.wanted();
    for subject in &question.subjects {
        model.roster.agreed(&subject.target, &wanted);
    }
    Some(question)
}

/// What is sent for an act: the edit itself, or what it asks of the drain.
pub(super) fn sent(ticket: Ticket, (target, act): (Target, &Act), edit: MemberEdit) -> Effect {
    match act {
        Act::Drain(drainage) => {
            let job =
                drainage.job(&target, edit.revision.unwrap_or_default()).because(edit.reason, edit.force);
            Effect::Drain { ticket, job: Box::new(job) }
        }
        Act::Remove { event: None, revision, .. } => {
            let force = edit.force == Some(true);
            let removal = MemberRemoval { revision: *revision, force, reason: edit.reason };
            Effect::RemoveMember { ticket, target, removal: Box::new(removal) }
        }
        Act::Undo { event: Some(event), .. } | Act::Remove { event: Some(event), .. } => {
            let (reason, force) = (edit.reason, edit.force.unwrap_or_default());
            Effect::Undo { ticket, order: UndoOrder { event: Some(*event), dry_run: false, force, reason } }
        }
        _ => Effect::EditMember { ticket, target, edit: Box::new(edit) },
    }
}

/// Leaves everything as it is; a question that came from a form goes back to it, and there the member is as it is now.
pub(super) fn no(model: &mut Model) {
    if let Some(Popup::Confirm(question)) = model.popup.take() {
        if question.act.is_undo() && model.denial(&question).is_some() {
            super::undo::let_go(model, &question.whom());
        }
        let mut back = question.back;
        if let Some(form) = &mut back
            && let Some((_, member)) = found(model, &form.target)
        {
            form.renew(member);
        }
        model.popup = back.map(Popup::Form);
    }
}

/// Opens the question whether to do `act` to `targets`.
pub(super) fn ask(model: &mut Model, targets: Vec<Target>, act: Act) {
    let subjects = subjects(model, targets);
    model.popup = Some(Popup::Confirm(Box::new(Question::new(subjects, act))));
}

/// The members as they are now.
pub(super) fn subjects(model: &Model, targets: Vec<Target>) -> Vec<Subject> {
    let subject = |target: Target| {
        let revision = found(model, &target)?.1.revision;
        Some(Subject { label: target.label(model.roster.snapshot()), target, revision })
    };
    targets.into_iter().filter_map(subject).collect()
}

/// A member as the proxy last told of it.
pub(super) fn found<'a>(
    model: &'a Model,
    target: &Target,
) -> Option<(&'a evenkeel_protocol::BalancerSnapshot, &'a evenkeel_protocol::MemberSnapshot)> {
    target.find(model.roster.snapshot()?)
}

/// The members that keys act on, if they can be edited now; if not, says why.
pub(super) fn editable(model: &mut Model) -> Option<Vec<Target>> {
    let targets = model.targets();
    are_editable(model, &targets).then_some(targets)
}

/// Can these be edited now? If not, says why.
pub(super) fn are_editable(model: &mut Model, targets: &[Target]) -> bool {
    if targets.is_empty() {
        return false;
    }
    pace::go_on(model);
    let hindrance = hindrance_for(model, targets);
    if let Some(why) = &hindrance {
        // What hinders these alone, nobody knows how long.
        if self::hindrance(model).is_some() {
            model.tell_until(Seen::Changeable, why.clone());
        } else {
            model.tell(Tone::Alarm, why.clone());
        }
    }
    hindrance.is_none()
}

/// Why nothing at all can be changed from here now.
pub(super) fn hindrance(model: &Model) -> Option<String> {
    if model.door == Door::ReadSocket {
        Some(format!("read-only socket; {ADMIN_SOCKET} beside it lets change"))
    } else if !model.lock.is_open() {
        Some(super::lock::how_to_open(model))
    } else if !model.is_connected() {
        Some(format!("{} does not answer, so nothing can be changed", model.who()))
    } else if model.roster.is_alternating() {
        Some(
            "several servers answer in turn, so nothing can be changed: name one of them with --apache"
                .to_owned(),
        )
    } else if model.roster.is_cached() {
        Some(
            "a cache answers with old pages, so nothing can be changed: name httpd itself with --apache"
                .to_owned(),
        )
    } else if model.batch.as_ref().is_some_and(|batch| !batch.is_over()) {
        Some("the act on many is not over; wait for its end".to_owned())
    } else {
        None
    }
}

/// Why these cannot be edited now, if they cannot.
pub(super) fn hindrance_for(model: &Model, targets: &[Target]) -> Option<String> {
    if let Some(why) = hindrance(model) {
        return Some(why);
    }
    if let [one] = targets
        && found(model, one).is_none()
    {
        return Some(format!("{} is no longer there", one.label(model.roster.snapshot())));
    }
    waiting(model, targets)
}

/// Which of these has an edit on its way, whose answer the next one has to wait for.
pub(super) fn waiting(model: &Model, targets: &[Target]) -> Option<String> {
    let target = targets.iter().find(|target| model.pending.has(target))?;
    let label = target.label(model.roster.snapshot());
    Some(format!("{label}: an edit is on its way; wait for its answer"))
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
    use crate::update::hands::press;
    use crate::update::update;

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
    fn over_a_restart_a_form_keeps_what_was_typed_and_takes_the_new_revision() {
        let mut model = sample::model(80, 24);
        press(&mut model, "je");
        press(&mut model, &[Key::Ctrl('u'), Key::Char('5')]);
        let mut snapshot = sample::snapshot(62);
        snapshot.proxy.started = evenkeel_protocol::Timestamp(snapshot.proxy.started.0 + 1);
        snapshot.balancers[0].members[1].revision = 9;
        snapshot.balancers[0].members[1].lbset = "3".parse().unwrap();
        hear(&mut model, News::Snapshot(Box::new(snapshot)));
        press(&mut model, &[Key::Enter]);
        assert!(matches!(&model.popup, Some(Popup::Confirm(question)) if question.restarted));
        assert_eq!(press(&mut model, "y"), []);
        press(&mut model, &[Key::Esc]);
        let Some(Popup::Form(form)) = &model.popup else { panic!("{:?}", model.popup) };
        let field = |keyword: &str| form.fields.all().iter().find(|it| it.keyword == keyword).unwrap();
        assert_eq!((field("lbfactor").value(), field("lbset").value()), ("5", "3"));
        press(&mut model, &[Key::Enter]);
        let sent = press(&mut model, "y");
        let [Effect::EditMember { edit, .. }] = sent.as_slice() else { panic!("{sent:?}") };
        assert_eq!((edit.revision, edit.lbset), (Some(9), None));
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
    fn enter_agrees_only_where_nothing_is_at_risk_and_the_last_one_is_spelt_out() {
        let node2 = [Key::Down];
        for (what, before, key, answer, sends) in [
            ("a standby: light", &[][..], 'H', "\n", true),
            ("disable: heavy", &node2, 'D', "\n", false),
            ("disable, agreed to", &node2, 'D', "y", true),
            ("the last one", &[], 'd', "y\n", false),
            ("the last one, in part", &[], 'd', "node\n", false),
            ("the last one, spelt out", &[], 'd', "node1\n", true),
            ("the last one, all", &[], 'd', "all\n", true),
            ("end a drain: light", &node2, 'd', "\n", true),
        ] {
            let mut model = sample::model(80, 24);
            press(&mut model, before);
            press(&mut model, &[Key::Char(key)]);
            let answer = answer.chars().map(|c| if c == '\n' { Key::Enter } else { Key::Char(c) });
            let effects = press(&mut model, &answer.collect::<Vec<_>>());
            assert_eq!(!effects.is_empty(), sends, "{what}");
        }
    }

    #[test]
    fn the_command_of_a_question_overrides_the_guard_where_its_answer_does() {
        let mut model = sample::model(80, 24);
        for (key, command) in [
            ('d', "evenkeel drain app/node1 --until no-sessions --force"),
            ('H', "evenkeel standby app/node1"),
        ] {
            press(&mut model, &[Key::Esc, Key::Char(key)]);
            let Some(Popup::Confirm(question)) = &model.popup else { panic!("{key}: {:?}", model.popup) };
            assert_eq!(model.commands_of(question), [command]);
        }
    }

    #[test]
    fn a_yes_typed_ahead_of_the_question_does_not_count() {
        let mut model = sample::model(80, 24);
        let ahead = [Key::Char('H'), Key::Char('y')].map(|key| update(&mut model, Message::Key(key)));
        assert_eq!(ahead, [Vec::new(), Vec::new()]);
        assert_eq!(model.context(), Context::Confirm);
        // Nor is what came with it for what is behind the question: n would close it, and the rest be keys of the list.
        for key in text("stop app/n5").into_iter().chain([Key::Enter, Key::Esc]) {
            assert_eq!(update(&mut model, Message::Key(key)), []);
            assert_eq!(model.context(), Context::Confirm, "{key}");
        }
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
            press(&mut model, &[Key::Char('H')]);
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
        press(&mut model, &[Key::Char('H')]);
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
            Some(Popup::Form(form)) => assert_eq!(form.fields.focus(), 0, "the wrong field has the cursor"),
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
        press(&mut model, &[Key::Char('H'), Key::Char('y'), Key::Char('D')]);
        assert_eq!(toast(&model), "app/node1: an edit is on its way; wait for its answer");
        hear(&mut model, News::Lost { why: "gone".to_owned(), next_try: Duration::from_secs(1) });
        press(&mut model, &[Key::Down, Key::Char('d')]);
        assert_eq!(toast(&model), "the proxy does not answer, so nothing can be changed");
        assert_eq!(model.popup, None);
    }
}
