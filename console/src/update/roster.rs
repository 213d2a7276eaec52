//! Members that come and go: who is to come is written in a form, who is to go is asked for; both are sent as every other
//! change is.

use crate::model::act::Act;
use crate::model::joining::Joining;
use crate::model::target::Target;
use crate::model::{Model, Popup};
use crate::update::{decision, edit};

/// Opens the form for a member that is to come to the balancer that the cursor is in.
pub(super) fn open(model: &mut Model) {
    if !decision::is_possible(model) {
        return;
    }
    if let (Some(snapshot), Some(balancer)) = (model.roster.snapshot(), model.near()) {
        model.popup = Some(Popup::Joining(Box::new(Joining::new(&snapshot.proxy, balancer))));
    }
}

/// Asks whether to let them go.
pub(super) fn ask_remove(model: &mut Model) {
    let Some(targets) = edit::editable(model) else { return };
    let act = removal(model, &targets);
    edit::ask(model, targets, act);
}

/// What it is to let these go: of a single one only while its balancer is as it was seen.
pub(super) fn removal(model: &Model, targets: &[Target]) -> Act {
    let revision = match targets {
        [one] => edit::found(model, one).map(|(balancer, _)| balancer.revision),
        _ => None,
    };
    Act::Remove { revision, undo: false, event: None }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::edit::Reason;
    use evenkeel_protocol::{
        Change, Code, Edited, Flag, Hello, Intent, MemberAddition, MemberRemoval, MemberSnapshot,
        PlanPreview, Refusal, Snapshot,
    };

    use super::*;
    use crate::effect::Effect;
    use crate::keymap::Context;
    use crate::message::{Key, Message};
    use crate::model::sample;
    use crate::need::{Found, Need};
    use crate::news::{News, Ticket};
    use crate::update::hands::press;
    use crate::update::update;

    const LINE: &str = "http://10.0.0.9:8080 route=node9";

    fn hear(model: &mut Model, news: News) -> Vec<Effect> {
        update(model, Message::News(news))
    }

    fn shown(model: &mut Model, change: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = sample::snapshot(62);
        change(&mut snapshot);
        hear(model, News::Snapshot(Box::new(snapshot)));
    }

    fn toast(model: &Model) -> (&str, &str) {
        model.toast.as_ref().map_or(("", ""), |it| (&it.text, it.more.as_deref().unwrap_or_default()))
    }

    /// The answer to a change of the roster, which is then that of `app`.
    fn edited(member: &str, before: &str, after: &str) -> Edited {
        let change =
            Change { field: "member".to_owned(), before: before.to_owned(), after: after.to_owned() };
        let member = member.parse().ok();
        // The question has said this already.
        let notes = vec![
            "It starts disabled and serves nobody: evenkeel enable app/http://10.0.0.9:8080 lets it in."
                .to_owned(),
        ];
        let notes = if after.is_empty() { Vec::new() } else { notes };
        Edited { member, changes: vec![change], revision: 2, notes, ..sample::edited("x", "", "") }
    }

    /// node9 was added by the form, and is shown.
    fn added() -> Model {
        let mut model = sample::model(80, 24);
        press(&mut model, "ihttp://10.0.0.9:8080⇥node9⏎");
        sample::answer(&mut model);
        let sent = press(&mut model, "y");
        let [Effect::AddMember { ticket, balancer, addition }] = sent.as_slice() else { panic!("{sent:?}") };
        let wanted = MemberAddition {
            url: "http://10.0.0.9:8080".to_owned(),
            parameters: vec!["route=node9".to_owned()],
            ..MemberAddition::default()
        };
        assert_eq!((balancer.as_str(), &**addition), ("app", &wanted));
        let outcome = Ok(Box::new(edited("http://10.0.0.9:8080", "", LINE)));
        hear(&mut model, News::Answer { ticket: *ticket, outcome });
        model
    }

    fn with_node9(snapshot: &mut Snapshot) {
        let app = &mut snapshot.balancers[0];
        let mut node9 = app.members[2].clone();
        (node9.name, node9.revision) = ("http://10.0.0.9:8080".parse().unwrap(), 0);
        (node9.route, node9.busy) = ("node9".parse().unwrap(), 0);
        node9.status = node9.status.with(Flag::Disabled, true);
        app.members.push(node9);
        app.revision = 2;
    }

    #[test]
    fn a_member_is_written_asked_for_added_and_taken_back() {
        let mut model = added();
        let (line, more) = toast(&model);
        assert_eq!(line, "app/node9 (10.0.0.9:8080) is added");
        assert_eq!(more, "u undoes   y copies: evenkeel add app http://10.0.0.9:8080 route=node9");
        press(&mut model, "u");
        assert!(toast(&model).0.contains("not shown that change yet"), "{:?}", toast(&model));
        shown(&mut model, with_node9);
        press(&mut model, "u");
        assert_eq!(model.context(), Context::Confirm, "nobody loses anything: {:?}", toast(&model));
        let sent = press(&mut model, "y");
        let [Effect::Undo { ticket, order }] = sent.as_slice() else { panic!("{sent:?}") };
        assert_eq!((order.event, order.force), (Some(9), false));
        let outcome = Ok(Box::new(edited("http://10.0.0.9:8080", LINE, "")));
        hear(&mut model, News::Answer { ticket: *ticket, outcome });
        assert_eq!(toast(&model), ("app/node9 is removed", "y copies: evenkeel undo 9"));
        assert_eq!(model.own.last(), None);
    }

    #[test]
    fn the_cursor_goes_to_who_was_added_unless_it_was_moved_since() {
        let chosen = |model: &Model| model.cursor.chosen().map(|target| target.member.to_string());
        for (keys, wanted) in [("", "http://10.0.0.9:8080"), ("j", "http://app2.example.com:8080")] {
            let mut model = added();
            press(&mut model, keys);
            shown(&mut model, with_node9);
            assert_eq!(chosen(&model).as_deref(), Some(wanted), "{keys:?}");
            // It stays where it is when the list is shown anew.
            press(&mut model, "k");
            let moved = chosen(&model);
            shown(&mut model, with_node9);
            assert_eq!(chosen(&model), moved);
        }
    }

    #[test]
    fn an_addition_is_not_taken_back_from_who_was_touched_since() {
        let mut model = added();
        shown(&mut model, |snapshot| {
            with_node9(snapshot);
            snapshot.balancers[0].members[3].revision = 1;
        });
        press(&mut model, "u");
        let need = model.gathered.needs.first().cloned().unwrap();
        assert_eq!(need, Need::Undo(9));
        let outcome = Err("http://10.0.0.9:8080 was edited since, by anna (event 12)".to_owned());
        hear(&mut model, News::Found { need, outcome });
        assert_eq!(press(&mut model, "y"), []);
        press(&mut model, "n");
        assert_eq!((model.popup, model.own.last()), (None, None));
    }

    #[test]
    fn one_that_serves_is_spelt_out_and_its_removal_taken_back() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Delete]);
        assert!(
            matches!(model.gathered.needs.first(), Some(Need::Removal(..))),
            "{:?}",
            model.gathered.needs
        );
        assert_eq!(model.context(), Context::Spell);
        assert_eq!(press(&mut model, "y⏎"), [], "a yes is not enough");
        press(&mut model, &[Key::Backspace]);
        let sent = press(&mut model, "node1⏎");
        let [Effect::RemoveMember { ticket, removal, .. }] = sent.as_slice() else { panic!("{sent:?}") };
        assert!(removal.force);
        assert_eq!(model.commands, ["evenkeel remove app/node1 --force"]);
        let line = "http://app1.example.com:8080 route=node1 status=-D";
        let outcome = Ok(Box::new(edited("http://app1.example.com:8080", line, "")));
        hear(&mut model, News::Answer { ticket: *ticket, outcome });
        shown(&mut model, |snapshot| {
            snapshot.balancers[0].members.remove(0);
            snapshot.balancers[0].revision = 2;
        });
        assert!(model.pending.is_empty());
        let sent = press(&mut model, "uy");
        let [Effect::Undo { order, .. }] = sent.as_slice() else { panic!("{sent:?}: {:?}", toast(&model)) };
        assert_eq!((order.event, model.commands.concat().as_str()), (Some(9), "evenkeel undo 9"));
    }

    #[test]
    fn one_that_is_let_go_of_takes_a_yes_and_enter_is_none() {
        let mut model = sample::model(80, 24);
        shown(&mut model, with_node9);
        press(&mut model, "jjjX");
        assert_eq!(model.context(), Context::Confirm);
        assert_eq!(press(&mut model, "⏎"), []);
        assert_eq!(model.popup, None);
        let sent = press(&mut model, "Xy");
        assert!(
            matches!(sent.as_slice(), [Effect::RemoveMember { removal, .. }] if !removal.force),
            "{sent:?}"
        );
        // Until a snapshot shows that it is gone it is on its way.
        let edited = Edited { revision: 3, ..edited("http://10.0.0.9:8080", LINE, "") };
        hear(&mut model, News::Answer { ticket: Ticket(1), outcome: Ok(Box::new(edited)) });
        assert!(!model.pending.is_empty());
        shown(&mut model, |_| ());
        assert!(model.pending.is_empty());
    }

    #[test]
    fn who_stands_in_the_configuration_is_not_removed_and_the_question_says_why() {
        let mut model = sample::model(80, 24);
        press(&mut model, "X");
        let need = model.gathered.needs.first().cloned().unwrap();
        hear(&mut model, News::Found { need, outcome: Err("it stands in the configuration".to_owned()) });
        assert_eq!(press(&mut model, "node1⏎"), []);
        press(&mut model, &[Key::Esc]);
        assert_eq!(model.popup, None);
    }

    #[test]
    fn of_several_the_proxy_is_asked_who_would_be_left_and_who_cannot_go() {
        let mut model = sample::model(80, 24);
        press(&mut model, "aX");
        let need = model.gathered.needs.first().cloned().unwrap();
        let Need::Plan(order) = &need else { panic!("{need:?}") };
        assert!(order.proposals.iter().all(|it| it.intent == Intent::Removal(MemberRemoval::default())));
        assert_eq!(order.proposals.iter().map(|it| it.members.len()).collect::<Vec<_>>(), [3, 3]);
        let Some(snapshot) = model.roster.snapshot().cloned() else { panic!("a snapshot") };
        let mut plan = sample::plan(&snapshot);
        for step in &mut plan.balancers[0].steps {
            let (field, before) = (MemberRemoval::FIELD.to_owned(), step.member.to_string());
            step.changes = vec![Change { field, before, after: String::new() }];
        }
        let found = |plan: &PlanPreview| Ok(Found::Plan(Box::new(plan.clone())));
        hear(&mut model, News::Found { need: need.clone(), outcome: found(&plan) });
        assert!(texts(&model).iter().any(|text| text == "Then nobody in app takes new users."));
        for step in &mut plan.balancers[0].steps {
            step.refusal = Some(Refusal::new(Code::Invalid, "node1 stands in the configuration"));
        }
        hear(&mut model, News::Found { need: need.clone(), outcome: found(&plan) });
        assert!(texts(&model).iter().any(|text| text == "Of app would be refused as well: node3."));
        assert_eq!(press(&mut model, "all⏎"), [], "there is nobody to let go");
        // The command is for those that go, and for nobody else.
        plan.balancers[0].steps[2].refusal = None;
        hear(&mut model, News::Found { need: need.clone(), outcome: found(&plan) });
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{:?}", model.popup) };
        let commands = model.commands_of(question);
        assert!(commands.iter().any(|line| line.starts_with("evenkeel remove app/node3")), "{commands:?}");
        assert!(!commands.iter().any(|line| line.contains("node1")), "{commands:?}");
        hear(&mut model, News::Found { need, outcome: Err("no answer within 5 s".to_owned()) });
        let own = "The console's own forecast, not the proxy's: no answer within 5 s.";
        assert!(texts(&model).iter().any(|text| text == own), "{:?}", texts(&model));
    }

    /// What the open question says.
    fn texts(model: &Model) -> Vec<String> {
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{:?}", model.popup) };
        model.outlook(question).remarks.into_iter().map(|remark| remark.text).collect()
    }

    #[test]
    fn a_thousand_long_names_are_asked_of_the_proxy_and_more_than_it_reads_are_foreseen_here() {
        for (members, asked) in [(1_000, true), (6_000, false)] {
            let mut model = sample::model(80, 24);
            shown(&mut model, |snapshot| {
                let app = &mut snapshot.balancers[0];
                let one = app.members[0].clone();
                app.members = (0..members)
                    .map(|at| MemberSnapshot {
                        name: format!("http://127.0.0.1:1/{at:0>81}").parse().unwrap(),
                        ..one.clone()
                    })
                    .collect();
            });
            press(&mut model, "aD");
            let plans = model.gathered.needs.iter().filter(|need| matches!(need, Need::Plan(_))).count();
            assert_eq!(plans == 1, asked, "{members}");
            let own = texts(&model).iter().any(|text| text.starts_with("The console's own forecast"));
            assert_eq!(own, !asked, "{members}");
        }
    }

    #[test]
    fn marked_members_go_one_after_another() {
        let mut model = sample::model(80, 24);
        press(&mut model, "aX");
        assert_eq!(model.context(), Context::Spell);
        let sent = press(&mut model, "all⏎");
        assert!(
            matches!(sent.as_slice(), [Effect::RemoveMember { removal, .. }] if removal.force && removal.revision.is_none()),
            "{sent:?}"
        );
    }

    #[test]
    fn what_is_typed_is_the_same() {
        let mut model = sample::model(80, 24);
        press(&mut model, ":add http://10.0.0.9:8080 route=node9 --reason sale⏎");
        let Some(Popup::Decide(decision)) = &model.popup else { panic!("{:?}", toast(&model)) };
        let command = "evenkeel add app http://10.0.0.9:8080 route=node9 --reason sale";
        assert_eq!(decision.command(), command);
        assert!(matches!(model.gathered.needs.first(), Some(Need::Addition(..))));
        press(&mut model, "n:remove app/node2 --reason 'it is over' --if-revision 1⏎");
        let sent = press(&mut model, "node2⏎");
        let [Effect::RemoveMember { removal, .. }] = sent.as_slice() else {
            panic!("{sent:?}: {:?}", toast(&model))
        };
        assert_eq!(
            (removal.revision, removal.reason.as_ref().map(Reason::as_str)),
            (Some(1), Some("it is over"))
        );
    }

    #[test]
    fn what_cannot_be_done_says_why() {
        let mut model = sample::model(80, 24);
        shown(&mut model, |snapshot| {
            snapshot.proxy.product = Hello::HTTPD.to_owned();
            snapshot.balancers[0].room = Some(0);
        });
        press(&mut model, "X");
        assert!(toast(&model).0.starts_with("httpd removes no member"), "{:?}", toast(&model));
        press(&mut model, "i");
        assert!(toast(&model).0.starts_with("there is no room"), "{:?}", toast(&model));
        press(&mut model, "]i");
        assert_eq!(model.context(), Context::Form, "where nothing is said of room there may be some");
        let mut model = sample::model(80, 24);
        model.lock.close();
        for key in ["i", "X", ":remove app/node1⏎", ":add app http://h⏎"] {
            press(&mut model, key);
            assert!(
                model.popup.is_none() && toast(&model).0.contains("press L"),
                "{key}: {:?}",
                toast(&model)
            );
        }
    }
}
