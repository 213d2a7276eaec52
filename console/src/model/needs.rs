//! What the open screen needs beside the snapshot.

use crate::model::act::Act;
use crate::model::decision::Decision;
use crate::model::history::SECONDS;
use crate::model::question::Question;
use crate::model::target::Target;
use crate::model::{Model, Popup, Screen};
use crate::need::Need;
use evenkeel_protocol::{
    BalancerEdit, BalancerSnapshot, HistoryQuery, Intent, MemberAddition, MemberEdit, MemberRemoval,
    PlanOrder, Proposal, Series, Snapshot,
};

/// The most balancers whose last minute is asked for.
const BALANCERS: usize = 32;

/// What else than names a question about the members of one balancer can hold, in bytes.
const BESIDE: usize = 1024;

/// Everything that is shown and does not stand in the snapshot. Nothing before the first snapshot, for who is there is
/// not known.
pub fn needs(model: &Model) -> Vec<Need> {
    let Some(snapshot) = model.roster.snapshot() else { return Vec::new() };
    let mut needs = of_screen(model, snapshot);
    let asked = match &model.popup {
        Some(Popup::Confirm(question)) => of_question(question, snapshot),
        Some(Popup::Decide(decision)) => of_decision(decision, snapshot),
        _ => None,
    };
    if let Some(need) = asked {
        // Nobody should wait for it behind anything else.
        needs.insert(0, need);
    }
    needs
}

/// What the proxy says that new settings of a balancer would do, or a member that comes.
fn of_decision(decision: &Decision, snapshot: &Snapshot) -> Option<Need> {
    if let Some(event) = decision.undo().and_then(|order| order.event) {
        return Some(Need::Undo(event));
    }
    if let Some((balancer, addition)) = decision.addition() {
        let addition = MemberAddition { revision: None, reason: None, ..addition };
        return snapshot.balancer(&balancer).map(|_| Need::Addition(balancer, Box::new(addition)));
    }
    let (balancer, edit) = decision.edit()?;
    let edit = BalancerEdit { revision: None, reason: None, ..edit };
    snapshot.balancer(&balancer).map(|_| Need::Tuning(balancer, Box::new(edit)))
}

/// What the proxy says that a yes would do; none: there is nothing to ask.
fn of_question(question: &Question, snapshot: &Snapshot) -> Option<Need> {
    if !question.act.is_edit() {
        return None;
    }
    let edit = MemberEdit { revision: None, ..question.act.edit(0) };
    if let [one] = question.subjects.as_slice() {
        let Target { balancer, member } = one.target.find(snapshot).map(|_| one.target.clone())?;
        return Some(match question.act {
            Act::Undo { event: Some(event), .. } | Act::Remove { event: Some(event), .. } => {
                Need::Undo(event)
            }
            Act::Remove { .. } => Need::Removal(balancer, member),
            _ => Need::Preview(balancer, member, Box::new(edit)),
        });
    }
    let intent = match question.act {
        Act::Remove { .. } => Intent::Removal(MemberRemoval::default()),
        _ => Intent::Edit(edit),
    };
    let mut proposals: Vec<Proposal> = Vec::new();
    for subject in question.subjects.iter().filter(|subject| subject.target.find(snapshot).is_some()) {
        let Target { balancer, member } = subject.target.clone();
        match proposals.iter_mut().find(|proposal| proposal.balancer == balancer) {
            Some(proposal) => proposal.members.push(member),
            None => proposals.push(Proposal { balancer, members: vec![member], intent: intent.clone() }),
        }
    }
    let asked = !proposals.is_empty() && fits(&proposals);
    asked.then(|| Need::Plan(Box::new(PlanOrder { proposals })))
}

/// Does the proxy read a question of that size?
fn fits(proposals: &[Proposal]) -> bool {
    // Each name stands in quotes, and a comma behind it.
    let names = proposals.iter().flat_map(|proposal| &proposal.members).map(|name| name.as_str().len() + 3);
    names.sum::<usize>() + proposals.len() * BESIDE <= PlanOrder::LARGEST
}

fn of_screen(model: &Model, snapshot: &Snapshot) -> Vec<Need> {
    let past = |target: &Target| {
        Need::History(target.balancer.clone(), Some(target.member.clone()), model.reach.query())
    };
    match &model.screen {
        Screen::Overview | Screen::Balancers => {
            let lacking = snapshot.balancers.iter().filter(|balancer| lacks_its_minute(model, balancer));
            lacking
                .take(BALANCERS)
                .map(|balancer| Need::History(balancer.name.clone(), None, minute()))
                .collect()
        }
        Screen::Member(target) => match target.find(snapshot) {
            Some(_) => vec![past(target), Need::Overrides],
            None => Vec::new(),
        },
        Screen::Drains(picked) => match picked {
            Some(picked) if picked.target.find(snapshot).is_some() => {
                vec![past(&picked.target), Need::Census(picked.target.balancer.clone())]
            }
            _ => Vec::new(),
        },
        Screen::Lens => {
            let asked = model.lens.asked.as_ref();
            let explanation =
                asked.map(|asked| Need::Explanation(model.lens.number, Box::new(asked.clone())));
            let found = model.gathered.explanation.as_ref().and_then(|found| found.as_ref().ok());
            let candidacy = found.and_then(|found| found.balancer.as_ref());
            let elections = model.lens.elections(candidacy).map(Need::Elections);
            let census = candidacy.map(|candidacy| Need::Census(candidacy.name.clone()));
            explanation.into_iter().chain(census).chain(elections).collect()
        }
        Screen::Elections => vec![Need::Elections(model.watching.filter())],
        Screen::Events { .. } => Vec::new(),
    }
}

/// The last minute of all members of a balancer.
fn minute() -> HistoryQuery {
    HistoryQuery { series: vec![Series::Elected], points: 60, span: 60 }
}

/// Is its last minute not wholly known yet?
fn lacks_its_minute(model: &Model, balancer: &BalancerSnapshot) -> bool {
    let Some(member) = balancer.members.first() else { return false };
    let known =
        model.roster.history_of(&balancer.name, &member.name).map_or(0, |history| history.rates().len());
    known < SECONDS - 2
}
