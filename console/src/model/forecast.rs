//! What the proxy itself says that an edit would do, as sentences for the question.

use evenkeel_protocol::sentence::{LISTED, listed};
use evenkeel_protocol::{
    BalancerOutlook, BalancerSnapshot, Code, MemberName, MemberRemoval, PlanPreview, PlanStep, Preview,
    Refusal, Snapshot,
};

use crate::model::act::Act;
use crate::model::consequence::{Remark, Tone};
use crate::model::gathered::Gathered;
use crate::model::question::Question;
use crate::model::target::{Target, label, short};
use crate::need::Need;

/// How many of the next picks are told.
const PICKS: usize = 6;

/// How many balancers are told.
const BALANCERS: usize = 3;

/// How many refusals of each of them.
const REFUSALS: usize = 2;

/// Would a guard refuse it?
pub fn is_guarded(preview: &Preview) -> bool {
    preview.refusal.as_ref().is_some_and(|refusal| refusal.code == Code::Guarded)
}

/// Takes out of a question about many those of whom the proxy has said that it refuses the act.
pub fn leave_out_refused(question: &mut Question, gathered: &Gathered) {
    if let Some(Ok(plan)) = &gathered.plan {
        question.subjects.retain(|subject| !is_refused(plan, &subject.target));
    }
}

/// Does the proxy refuse the act on one of many, whoever insists?
fn is_refused(plan: &PlanPreview, target: &Target) -> bool {
    let balancers = plan.balancers.iter().filter(|outlook| outlook.balancer == target.balancer);
    let mut steps = balancers.flat_map(|outlook| &outlook.steps).filter(|step| step.member == target.member);
    steps.any(|step| step.refusal.as_ref().is_some_and(|refusal| refusal.code != Code::Guarded))
}

/// Does the proxy itself say what one edit does beside?
pub fn has_notes(gathered: &Gathered) -> bool {
    matches!(&gathered.preview, Some(Ok(preview)) if !preview.notes.is_empty())
}

/// The sentences. What was not measured is said to be unknown.
pub fn remarks(preview: &Preview, balancer: Option<&BalancerSnapshot>) -> Vec<Remark> {
    let plain = |text: String| Remark { tone: Tone::Plain, text };
    let mut remarks = Vec::new();
    if let Some(refusal) = &preview.refusal {
        let who = if preview.estimated { "This console" } else { "The proxy" };
        let text = format!("{who} refuses it: {}", short_of(refusal));
        remarks.push(Remark { tone: Tone::Warning, text });
    }
    // What was measured the proxy says in its own words.
    if preview.moved.is_none() && preview.notes.is_empty() {
        remarks.push(plain("How much traffic it moves is unknown: nothing was measured yet.".to_owned()));
    }
    if let Some(sessions) = preview.sessions.filter(|sessions| *sessions > 0) {
        remarks.push(Remark {
            tone: Tone::Warning,
            text: format!("{} member, or get no answer.", would_change(sessions, "")),
        });
    }
    if preview.next != preview.next_after {
        let picks = |names: &[MemberName]| {
            let names: Vec<String> = names.iter().take(PICKS).map(|name| called(balancer, name)).collect();
            if names.is_empty() { "nobody".to_owned() } else { names.join(" ") }
        };
        let (now, then) = (picks(&preview.next), picks(&preview.next_after));
        remarks.push(plain(format!("Next picks now: {now}; then: {then}.")));
    }
    remarks.extend(preview.notes.iter().map(|note| plain(note.clone())));
    remarks
}

/// That it is not the proxy that foresees an act on many; none: it does, or is being asked, or there is nothing to
/// foresee.
pub fn own(question: &Question, gathered: &Gathered) -> Option<Remark> {
    let why = match &gathered.plan {
        _ if question.subjects.len() < 2 || !question.act.is_edit() => return None,
        Some(Ok(_)) => return None,
        None if gathered.needs.iter().any(|need| matches!(need, Need::Plan(_))) => return None,
        Some(Err(why)) => why.as_str(),
        None => "it reads no question with so many names",
    };
    let text = format!("The console's own forecast, not the proxy's: {why}.");
    Some(Remark { tone: Tone::Plain, text })
}

/// Would a guard refuse one of them?
pub fn is_guarded_plan(plan: &PlanPreview) -> bool {
    let refusals =
        plan.balancers.iter().flat_map(|outlook| &outlook.steps).filter_map(|it| it.refusal.as_ref());
    refusals.into_iter().any(|refusal| refusal.code == Code::Guarded)
}

/// Why the proxy would not do it however it is asked, as a sentence; none: nothing is known of that.
pub fn denial(act: &Act, gathered: &Gathered) -> Option<String> {
    match (act, &gathered.preview, &gathered.plan) {
        (Act::Remove { .. }, Some(Err(why)), _) => Some(format!("It cannot be removed: {why}.")),
        (Act::Undo { event: Some(_), .. }, Some(Err(why)), _) => {
            Some(format!("It cannot be taken back: {why}."))
        }
        (Act::Remove { .. }, None, Some(Ok(plan))) => {
            Some(format!("None of them can be removed: {}.", denied(plan)?.message))
        }
        _ => None,
    }
}

/// Why the proxy would have none of them go, in the words of its first refusal; none: it lets some of them.
fn denied(plan: &PlanPreview) -> Option<&Refusal> {
    let mut steps = plan.balancers.iter().flat_map(|outlook| &outlook.steps);
    let denies = |step: &PlanStep| step.refusal.as_ref().is_some_and(|it| it.code != Code::Guarded);
    if !steps.clone().all(denies) {
        return None;
    }
    steps.find_map(|step| step.refusal.as_ref())
}

/// The sentences about many edits together.
pub fn of_plan(plan: &PlanPreview, snapshot: &Snapshot) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for outlook in plan.balancers.iter().take(BALANCERS) {
        remarks.extend(of_balancer(outlook, snapshot.balancer(&outlook.balancer)));
    }
    let others = plan.balancers.iter().skip(BALANCERS).map(|outlook| outlook.balancer.as_str());
    let others = listed(others, LISTED, "");
    if !others.is_empty() {
        let text = format!("What it does in {others} is not told here.");
        remarks.push(Remark { tone: Tone::Plain, text });
    }
    remarks
}

fn of_balancer(outlook: &BalancerOutlook, balancer: Option<&BalancerSnapshot>) -> Vec<Remark> {
    let name = &outlook.balancer;
    let remark = |tone, text| Remark { tone, text };
    let refused = |guarded: bool| {
        let refusals = outlook.steps.iter().filter_map(|step| Some((step, step.refusal.as_ref()?)));
        refusals.filter(move |(_, refusal)| (refusal.code == Code::Guarded) == guarded)
    };
    let mut remarks = Vec::new();
    // The first one that is guarded is where it ends; the others follow from it.
    let guarded = refused(true).next();
    if let Some((step, refusal)) = guarded {
        let why = short_of(refusal).replace(step.member.as_str(), &called(balancer, &step.member));
        remarks.push(remark(Tone::Warning, format!("The proxy refuses it: {why}")));
    }
    for (step, refusal) in refused(false).take(REFUSALS) {
        let label = called(balancer, &step.member);
        let why = refusal.message.replace(step.member.as_str(), &label);
        remarks.push(remark(Tone::Warning, format!("{name}/{label} would be refused: {why}")));
    }
    let others = refused(false).skip(REFUSALS).map(|(step, _)| called(balancer, &step.member));
    let others = listed(others, LISTED, "");
    if !others.is_empty() {
        remarks.push(remark(Tone::Warning, format!("Of {name} would be refused as well: {others}.")));
    }
    if let Some(sessions) = outlook.sessions.filter(|sessions| *sessions > 0) {
        let text = format!("{} member, or get no answer.", would_change(sessions, &format!(" of {name}")));
        remarks.push(remark(Tone::Warning, text));
    }
    let left = listed(outlook.remaining.iter().map(|member| called(balancer, member)), PICKS, "");
    let told = if left.is_empty() {
        remark(Tone::Warning, format!("Then nobody in {name} takes new users."))
    } else {
        remark(Tone::Plain, format!("Then new users of {name} go to {left}."))
    };
    // Whose edit is guarded is the last one, and that was said; a removal is guarded for the sake of requests as well.
    let said = guarded.is_some_and(|(step, _)| !goes(step));
    remarks.extend(Some(told).filter(|_| !outlook.remaining.is_empty() || !said));
    remarks.extend(outlook.notes.iter().map(|note| remark(Tone::Plain, format!("{name}: {note}"))));
    remarks
}

/// Would the member be removed?
fn goes(step: &PlanStep) -> bool {
    step.changes.iter().any(|change| change.field == MemberRemoval::FIELD)
}

/// `17 sessions of app would change their`, or one would change its.
fn would_change(sessions: u64, of: &str) -> String {
    if sessions == 1 {
        return format!("1 session{of} would change its");
    }
    format!("{sessions} sessions{of} would change their")
}

/// A refusal without what it says to scripts: on the screen a word overrides it.
fn short_of(refusal: &Refusal) -> &str {
    refusal.message.split("; --force").next().unwrap_or_default()
}

fn called(balancer: Option<&BalancerSnapshot>, name: &MemberName) -> String {
    let found = balancer.and_then(|balancer| Some((balancer, balancer.member(name)?)));
    found.map_or_else(|| short(name).to_owned(), |(balancer, member)| label(balancer, member))
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Moved;

    use super::*;
    use crate::model::sample;

    #[test]
    fn many_are_told_together_as_the_proxy_foresees_them() {
        let snapshot = sample::snapshot(0);
        let plan = sample::plan(&snapshot);
        assert!(is_guarded_plan(&plan));
        let texts: Vec<String> = of_plan(&plan, &snapshot).into_iter().map(|it| it.text).collect();
        assert_eq!(
            texts,
            [
                "The proxy refuses it: node2 is the last usable member",
                "app/node3 would be refused: it was changed",
                "7 sessions of app would change their member, or get no answer.",
                "app: It moves everything.",
            ]
        );
        let mut many = plan.clone();
        let names = ["b0", "b1", "b2", "b3", "b4"].map(|name| name.parse().unwrap());
        many.balancers =
            names.map(|balancer| BalancerOutlook { balancer, ..plan.balancers[0].clone() }).to_vec();
        let last = of_plan(&many, &snapshot).pop().unwrap().text;
        assert_eq!(last, "What it does in b3, b4 is not told here.");
        let mut well = plan;
        well.balancers[0].steps.truncate(1);
        well.balancers[0].remaining = vec![snapshot.balancers[0].members[2].name.clone()];
        assert!(!is_guarded_plan(&well));
        let told = of_plan(&well, &snapshot);
        assert!(told.iter().any(|remark| remark.text == "Then new users of app go to node3."), "{told:?}");
    }

    #[test]
    fn what_was_measured_is_told_and_the_rest_is_unknown() {
        let snapshot = sample::snapshot(0);
        let balancer = &snapshot.balancers[0];
        let [one, two] = [0, 1].map(|at: usize| balancer.members[at].name.clone());
        let preview = Preview {
            balancer: balancer.name.clone(),
            member: Some(one.clone()),
            applied: false,
            changes: Vec::new(),
            revision: 3,
            refusal: Some(Refusal::new(Code::Guarded, "nobody would be left")),
            moved: Some(Moved {
                measured_ms: 300_000,
                requests: 900,
                free_requests: 600,
                sticky: 1_710,
                free: 700,
            }),
            sessions: Some(17),
            remaining: vec![two.clone()],
            next: vec![one.clone(), two.clone()],
            next_after: vec![two.clone(), two],
            estimated: false,
            notes: vec!["a note".to_owned()],
        };
        assert!(is_guarded(&preview));
        let texts: Vec<String> = remarks(&preview, Some(balancer)).into_iter().map(|it| it.text).collect();
        assert_eq!(
            texts,
            [
                "The proxy refuses it: nobody would be left",
                "17 sessions would change their member, or get no answer.",
                "Next picks now: node1 node2; then: node2 node2.",
                "a note",
            ]
        );
        let unknown = Preview {
            moved: None,
            sessions: None,
            refusal: None,
            notes: Vec::new(),
            next: vec![one],
            ..preview
        };
        assert!(remarks(&unknown, None)[0].text.contains("unknown"));
    }
}
