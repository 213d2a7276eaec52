//! From a key to a decision that is not about members that are there: a balancer's settings or a member to come are
//! written and asked, a reload is asked; nothing is sent but by a yes to a question that was on the screen and still stands.

use evenkeel_protocol::{Edited, Reloaded};

use crate::ability::Ability;
use crate::effect::Effect;
use crate::keymap::Action;
use crate::model::act::told;
use crate::model::batch::Outcome;
use crate::model::decision::{Decision, Matter};
use crate::model::question::Standing;
use crate::model::target::Target;
use crate::model::tuning::Tuning;
use crate::model::{Model, Popup, Tone, lasting, wash};
use crate::news::Ticket;
use crate::update::incoming::UNDO;
use crate::update::{edit, pace, undo};

/// Opens the form with the settings of the balancer that the cursor is in.
pub(super) fn open(model: &mut Model) {
    if !is_possible(model) {
        return;
    }
    if let Some(balancer) = model.near() {
        model.popup = Some(Popup::Tuning(Box::new(Tuning::new(balancer))));
    }
}

/// Takes over what a form holds: it becomes a question.
pub(super) fn accept(model: &mut Model, mut form: Popup) {
    let matter = match &form {
        Popup::Tuning(tuning) => tuning.matter(),
        Popup::Joining(joining) => joining.matter(),
        _ => return,
    };
    let wrong = match matter {
        Ok(Some(matter)) => {
            let restarted = matches!(&form, Popup::Tuning(tuning) if tuning.restarted);
            let decision = Decision { restarted, back: Some(Box::new(form)), ..Decision::new(matter) };
            model.popup = Some(Popup::Decide(Box::new(decision)));
            return;
        }
        Ok(None) => {
            model.tell(Tone::Plain, "nothing was written; Esc leaves the form");
            None
        }
        Err(position) => Some(position),
    };
    if let (Some(position), Some(fields)) = (wrong, form.fields()) {
        fields.look_at(position);
    }
    model.popup = Some(form);
}

/// Asks whether to have the configuration read anew.
pub(super) fn ask_reload(model: &mut Model) {
    ask(model, Decision::new(Matter::Reload));
}

/// Opens the question, if anything can be changed now; if not, says why.
pub(super) fn ask(model: &mut Model, decision: Decision) {
    if is_possible(model) {
        model.popup = Some(Popup::Decide(Box::new(decision)));
    }
}

/// Can anything be decided now? If not, says why.
pub(super) fn is_possible(model: &mut Model) -> bool {
    pace::go_on(model);
    let hindrance = edit::hindrance(model).or_else(|| waiting(model));
    if let Some(why) = &hindrance {
        model.tell(Tone::Alarm, why.clone());
    }
    hindrance.is_none()
}

/// What was decided and has no answer yet, which the next decision has to wait for.
pub(super) fn waiting(model: &Model) -> Option<String> {
    let (_, decision) = model.decided.as_ref()?;
    Some(format!("{}: a change is on its way; wait for its answer", decision.whom()))
}

/// Sends what was asked, if it still stands.
pub(super) fn yes(model: &mut Model) -> Vec<Effect> {
    let Some(Popup::Decide(decision)) = &model.popup else { return Vec::new() };
    let stands = decision.standing(model.roster.snapshot()) == Standing::Open;
    if !(decision.seen && stands && model.size.is_ample() && model.is_connected()) {
        return Vec::new();
    }
    let preview = model.gathered.preview.as_ref().and_then(|preview| preview.as_ref().ok());
    let noted = preview.map_or_else(Vec::new, |preview| preview.notes.clone());
    let decision = Decision { noted, ..(**decision).clone() };
    model.popup = None;
    model.commands = vec![model.command_of(&decision)];
    let ticket = model.pending.ticket();
    let effect = if let Some(order) = decision.undo() {
        Effect::Undo { ticket, order }
    } else if let Some((balancer, edit)) = decision.edit() {
        Effect::EditBalancer { ticket, balancer, edit: Box::new(edit) }
    } else if let Some((balancer, addition)) = decision.addition() {
        Effect::AddMember { ticket, balancer, addition: Box::new(addition) }
    } else {
        Effect::Reload(ticket)
    };
    let who = model.who();
    model.tell(Tone::Plain, format!("{}: waiting for {who}'s answer", decision.whom()));
    model.decided = Some((ticket, decision));
    vec![effect]
}

/// Leaves everything as it is; a question that came from a form goes back to it, and there the balancer is as it is now.
pub(super) fn no(model: &mut Model) {
    if let Some(Popup::Decide(decision)) = model.popup.take() {
        if decision.undo().is_some() && matches!(model.gathered.preview, Some(Err(_))) {
            undo::let_go(model, &decision.whom());
        }
        let mut back = decision.back.map(|form| *form);
        if let Some(Popup::Tuning(form)) = &mut back
            && let Some(balancer) = model.roster.snapshot().and_then(|it| it.balancer(&form.balancer))
        {
            form.renew(balancer);
        }
        model.popup = back;
    }
}

/// The decision that an answer is to, if it is to one.
fn answered(model: &mut Model, ticket: Ticket) -> Option<Decision> {
    let (_, decision) = model.decided.take_if(|(waits, _)| *waits == ticket)?;
    Some(decision)
}

/// An edit was answered; false if it was not one that was decided here.
pub(super) fn settle(model: &mut Model, ticket: Ticket, outcome: &Result<Box<Edited>, String>) -> bool {
    let Some(decision) = answered(model, ticket) else { return false };
    let whom = decision.whom();
    let edited = match outcome {
        Ok(edited) => edited,
        Err(why) => {
            let why = wash::sentence(why);
            model.came = Some((ticket, Outcome::Refused(why.clone())));
            model.tell(Tone::Alarm, format!("{whom}: {why}"));
            return true;
        }
    };
    let mut edited = (**edited).clone();
    wash::edited(&mut edited);
    let comes = matches!(decision.matter, Matter::Addition { .. });
    let stays = comes && model.lacks(Ability::Removal).is_some();
    let undoable = !decision.is_undo() && !stays;
    match comes {
        _ if decision.is_undo() => drop(model.own.forget_last()),
        true if undoable => model.own.push_roster(&edited),
        true => {}
        false => model.own.push_tuned(&edited),
    }
    if let Some(member) = edited.member.clone().filter(|_| comes && edited.changed) {
        model.cursor.expect(Target { balancer: edited.balancer.clone(), member });
        model.cursor.settle(&model.roster);
    }
    let mut line = match (edited.changed, comes) {
        (true, true) => format!("{whom} is added"),
        (true, false) => format!("{whom}: {}", told(&edited.changes)),
        (false, _) => format!("{whom}: nothing changed, it was so already"),
    };
    let lasts = edited.durable || !edited.changed;
    let mut notes = edited.notes.clone();
    notes.retain(|note| !decision.noted.contains(note));
    line.push_str(&lasting::rest(lasts, &notes));
    let outcome = if lasts { Outcome::Done(line.clone()) } else { Outcome::Loose(line.clone()) };
    model.came = Some((ticket, outcome));
    let [back, yank] = [Action::Undo, Action::Yank].map(|action| model.keymap.way(action));
    let command = model.command_of(&decision);
    let more = if undoable {
        format!("{back} undoes   {yank} copies: {command}")
    } else {
        format!("{yank} copies: {command}")
    };
    finish(model, (line, lasts), edited.changed.then_some(more));
    true
}

/// A reload was answered.
pub(super) fn reloaded(
    model: &mut Model,
    ticket: Ticket,
    outcome: Result<Box<Reloaded>, String>,
) -> Vec<Effect> {
    if answered(model, ticket).is_none() {
        return Vec::new();
    }
    match outcome {
        Ok(reloaded) => {
            let parts = [
                (reloaded.added.len(), "added"),
                (reloaded.removed.len(), "removed"),
                (reloaded.dropped.len(), "edits dropped"),
                (reloaded.absorbed.len(), "edits now in the file"),
                (reloaded.warnings.len(), "warnings"),
            ];
            let parts: Vec<String> = parts
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{count} {what}"))
                .collect();
            let what = if parts.is_empty() { "nothing else changed".to_owned() } else { parts.join(", ") };
            let way = model.keymap.way(Action::Events);
            let more = (!parts.is_empty()).then(|| format!("{way} shows which"));
            let rest = lasting::rest(reloaded.durable, &[]);
            finish(model, (format!("the configuration was read anew: {what}{rest}"), reloaded.durable), more);
        }
        Err(why) => {
            model.tell(Tone::Alarm, format!("the configuration stays as it was: {}", wash::sentence(&why)));
        }
    }
    vec![Effect::Refresh]
}

/// Says what came of it: as an alarm where it will be lost.
fn finish(model: &mut Model, (line, lasts): (String, bool), more: Option<String>) {
    let (time, tone) = if lasts { (UNDO, Tone::Good) } else { (UNDO * 2, Tone::Alarm) };
    model.tell_for(time, tone, (line, more));
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::LbMethod;

    use super::*;
    use crate::keymap::Context;
    use crate::message::{Key, Message};
    use crate::model::{Screen, sample};
    use crate::news::News;
    use crate::update::hands::press;
    use crate::update::update;

    fn toast(model: &Model) -> &str {
        model.toast.as_ref().map_or("", |toast| toast.text.as_str())
    }

    fn hear(model: &mut Model, news: News) {
        update(model, Message::News(news));
    }

    fn edited() -> Edited {
        Edited { member: None, ..sample::edited("lbmethod", "byrequests", "bytraffic") }
    }

    #[test]
    fn settings_are_written_asked_sent_and_taken_back() {
        for keys in ["B ⏎", "0e ⏎"] {
            let mut model = sample::model(80, 24);
            assert_eq!(press(&mut model, keys), [], "{keys}");
            assert_eq!(model.context(), Context::Confirm);
            assert!(
                matches!(model.gathered.needs.first(), Some(crate::need::Need::Tuning(..))),
                "the proxy is asked"
            );
            assert_eq!(press(&mut model, "⏎"), [], "Enter goes back to the form");
            assert_eq!(model.context(), Context::Form);
            press(&mut model, "⏎");
            let sent = press(&mut model, "y");
            let [Effect::EditBalancer { ticket, balancer, edit }] = sent.as_slice() else {
                panic!("{sent:?}")
            };
            assert_eq!((balancer.as_str(), edit.lbmethod), ("app", Some(LbMethod::ByTraffic)));
            assert!(edit.revision.is_some());
            press(&mut model, "B");
            assert!(toast(&model).contains("is on its way"), "{}", toast(&model));
            hear(&mut model, News::Answer { ticket: *ticket, outcome: Ok(Box::new(edited())) });
            assert_eq!(toast(&model), "balancer://app: lbmethod byrequests → bytraffic");
            let mut snapshot = sample::snapshot(62);
            snapshot.balancers[0].revision = 4;
            hear(&mut model, News::Snapshot(Box::new(snapshot)));
            let sent = press(&mut model, "uy");
            let [Effect::Undo { order, .. }] = sent.as_slice() else { panic!("{sent:?}: {}", toast(&model)) };
            assert_eq!((order.event, model.commands.concat().as_str()), (Some(9), "evenkeel undo 9"));
        }
    }

    #[test]
    fn the_command_names_the_httpd_that_is_shown() {
        let mut model = sample::model(80, 24);
        let mut snapshot = sample::snapshot(62);
        snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
        model.words = "--apache http://lb1/bm".to_owned();
        hear(&mut model, News::Snapshot(Box::new(snapshot)));
        press(&mut model, "B ⏎y");
        assert_eq!(model.commands, ["evenkeel --apache http://lb1/bm set balancer://app lbmethod=bytraffic"]);
    }

    #[test]
    fn a_yes_counts_only_while_the_question_stands_and_was_seen() {
        let mut model = sample::model(80, 24);
        press(&mut model, "B ⏎");
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[0].revision += 1;
        hear(&mut model, News::Snapshot(Box::new(snapshot)));
        assert_eq!(press(&mut model, "y"), [], "somebody has changed it");
        let mut model = sample::model(80, 24);
        let ahead = [Key::Ctrl('r'), Key::Char('y')].map(|key| update(&mut model, Message::Key(key)));
        assert_eq!(ahead, [Vec::new(), Vec::new()], "typed ahead");
        let mut model = sample::model(80, 24);
        model.lock.close();
        press(&mut model, "B");
        assert!(model.popup.is_none() && toast(&model).contains("press L"));
    }

    #[test]
    fn a_reload_is_asked_and_its_outcome_told() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Ctrl('r')]);
        let sent = press(&mut model, "y");
        let [Effect::Reload(ticket)] = sent.as_slice() else { panic!("{sent:?}") };
        let text = include_str!("../../../protocol/documents/reloaded.json");
        let outcome = Ok(Box::new(serde_json::from_str(text).unwrap()));
        hear(&mut model, News::Reloaded { ticket: *ticket, outcome });
        assert!(toast(&model).starts_with("the configuration was read anew: "), "{}", toast(&model));
        assert_eq!(model.decided, None);
        press(&mut model, &[Key::Ctrl('r')]);
        let sent = press(&mut model, "y");
        let [Effect::Reload(ticket)] = sent.as_slice() else { panic!("{sent:?}") };
        hear(&mut model, News::Reloaded { ticket: *ticket, outcome: Err("line 3\u{1b}[2J".to_owned()) });
        assert!(
            toast(&model).starts_with("the configuration stays as it was: line 3\u{fffd}"),
            "{}",
            toast(&model)
        );
    }

    #[test]
    fn a_form_says_where_it_is_wrong_and_a_no_goes_back_to_it() {
        let written = |text: &str| text.chars().map(Key::Char).collect::<Vec<_>>();
        for (open, wrong, position, right) in [
            ("B", vec![Key::Up, Key::Char('x')], 4, vec![Key::Backspace, Key::Char('7')]),
            ("i", vec![Key::Tab, Key::Char('a')], 0, written("http://h")),
        ] {
            let mut model = sample::model(80, 24);
            press(&mut model, open);
            press(&mut model, "⏎");
            assert!(toast(&model).starts_with("nothing was written"), "{open}");
            press(&mut model, &wrong);
            press(&mut model, "⏎");
            let focus = model.popup.as_mut().and_then(Popup::fields).map(|fields| fields.focus());
            assert_eq!(focus, Some(position), "{open}");
            press(&mut model, &right);
            press(&mut model, "⏎");
            assert_eq!(model.context(), Context::Confirm, "{open}");
            press(&mut model, "n");
            assert_eq!(model.context(), Context::Form, "{open}");
            press(&mut model, &[Key::Esc]);
            assert_eq!((model.popup, model.screen), (None, Screen::Balancers), "{open}");
        }
    }
}
