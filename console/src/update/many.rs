//! One act on many members: the next one is asked when the one before has its answer, and a refusal stops nothing.

use crate::effect::Effect;
use crate::model::batch::{Batch, Outcome};
use crate::model::question::Question;
use crate::model::{Model, Popup};
use crate::news::Ticket;
use crate::update::edit;

/// Begins with the first one, and shows what becomes of each.
pub(super) fn start(model: &mut Model, question: Question) -> Vec<Effect> {
    model.popup = Some(Popup::Results { from: 0 });
    model.cursor.unmark();
    model.batch = Some(Batch::new(question));
    go_on(model)
}

/// Begins with the part of this target in an act on all of them.
pub(super) fn begin_joint(model: &mut Model, question: Question) -> Vec<Effect> {
    model.batch = Some(Batch { is_joint: true, ..Batch::new(question) });
    go_on(model)
}

/// Asks the next one, if it is its turn.
pub(super) fn go_on(model: &mut Model) -> Vec<Effect> {
    let Some(batch) = &mut model.batch else { return Vec::new() };
    let Some((subject, act, edit)) = batch.next(model.roster.snapshot()) else { return Vec::new() };
    let Some(ticket) = model.pending.send(&subject, act.clone()) else {
        batch.asked(Outcome::Refused("too many edits wait for their answers".to_owned()));
        return go_on(model);
    };
    batch.asked(Outcome::Sent(ticket));
    vec![edit::sent(ticket, (subject.target, &act), edit)]
}

/// Notes an answer; false if it is none of these.
pub(super) fn answered(model: &mut Model, ticket: Ticket, outcome: Outcome) -> bool {
    model.batch.as_mut().is_some_and(|batch| batch.answered(ticket, outcome))
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Edited;

    use super::*;
    use crate::keymap::Context;
    use crate::message::{Key, Message};
    use crate::model::sample;
    use crate::need::{Found, Need};
    use crate::news::News;
    use crate::update::hands::press;
    use crate::update::update;

    fn answer(model: &mut Model, ticket: u64, outcome: Result<Edited, &str>) -> Vec<Effect> {
        let outcome = outcome.map(Box::new).map_err(str::to_owned);
        update(model, Message::News(News::Answer { ticket: Ticket(ticket), outcome }))
    }

    fn sent(effects: &[Effect]) -> Vec<&str> {
        effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::EditMember { target, .. } => Some(target.member.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn marked_members_are_asked_one_after_another_and_a_refusal_stops_none() {
        let mut model = sample::model(80, 24);
        press(&mut model, "a");
        assert_eq!(model.cursor.marks(), 6);
        press(&mut model, "D");
        assert_eq!(model.context(), Context::Spell, "all of them are the last ones too");
        let effects = press(&mut model, "all\n");
        assert_eq!(sent(&effects), ["http://app1.example.com:8080"], "one at a time");
        assert_eq!(model.context(), Context::Results);
        let effects = answer(&mut model, 1, Ok(sample::edited("disabled", "Off", "On")));
        assert_eq!(sent(&effects), ["http://app2.example.com:8080"]);
        let effects = answer(&mut model, 2, Err("the journal is full"));
        assert_eq!(sent(&effects), ["http://app3.example.com:8080"]);
        for ticket in 3..=6 {
            answer(&mut model, ticket, Ok(sample::edited("disabled", "Off", "On")));
        }
        let batch = model.batch.as_ref().unwrap();
        assert!(batch.is_over());
        assert_eq!(batch.tally(), (5, 1));
        assert_eq!(batch.rows[1].outcome, Outcome::Refused("the journal is full".to_owned()));
        assert_eq!(model.cursor.marks(), 0, "what was done is no longer marked");
        press(&mut model, "u");
        let said = model.toast.as_ref().map(|toast| toast.text.as_str()).unwrap_or_default();
        assert!(said.contains("an edit is on its way"), "the key that the results name is heard: {said:?}");
    }

    #[test]
    fn what_the_proxy_foresees_of_all_together_stands_in_the_question() {
        let mut model = sample::model(80, 24);
        let Some(snapshot) = model.roster.snapshot().cloned() else { panic!("a snapshot") };
        // Of the two in `static` the console itself sees no risk.
        press(&mut model, "] j H");
        let Some(Popup::Confirm(_)) = &model.popup else { panic!("{:?}", model.popup) };
        let need = model.gathered.needs.first().cloned().unwrap();
        let Need::Plan(order) = &need else { panic!("{need:?}") };
        assert_eq!((order.proposals.len(), order.proposals[0].members.len()), (1, 2));
        assert_eq!(model.context(), Context::Confirm);
        let outcome = Ok(Found::Plan(Box::new(sample::plan(&snapshot))));
        update(&mut model, Message::News(News::Found { need: need.clone(), outcome }));
        assert_eq!(model.context(), Context::Spell, "the proxy guards what the console does not see");
        assert_eq!(press(&mut model, "y"), []);
        press(&mut model, [Key::Backspace].as_slice());
        match press(&mut model, "all\n").as_slice() {
            [Effect::EditMember { edit, .. }] => assert_eq!(edit.force, Some(true), "that was spelt out"),
            other => panic!("{other:?}"),
        }
        assert_eq!(model.gathered.plan, None, "the next question is asked anew");
    }

    #[test]
    fn one_that_was_changed_meanwhile_is_refused_and_the_others_go_on() {
        let mut model = sample::model(80, 24);
        press(&mut model, "] j ");
        assert_eq!(model.cursor.marks(), 2);
        press(&mut model, "D");
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[1].members[0].revision = 9;
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        assert_eq!(sent(&press(&mut model, "y")).len(), 1);
        let batch = model.batch.as_ref().unwrap();
        assert!(matches!(&batch.rows[0].outcome, Outcome::Refused(why) if why.contains("changed")));
        assert!(matches!(batch.rows[1].outcome, Outcome::Sent(_)));
    }
}
