//! What the proxy itself says that an edit would do, as sentences for the question.

use evenkeel_protocol::{BalancerSnapshot, Code, MemberName, Preview};

use crate::model::consequence::{Remark, Tone};
use crate::model::target::{label, short};

/// How many of the next picks are told.
const PICKS: usize = 6;

/// Would a guard refuse it?
pub fn is_guarded(preview: &Preview) -> bool {
    preview.refusal.as_ref().is_some_and(|refusal| refusal.code == Code::Guarded)
}

/// The sentences. What was not measured is said to be unknown.
pub fn remarks(preview: &Preview, balancer: Option<&BalancerSnapshot>) -> Vec<Remark> {
    let plain = |text: String| Remark { tone: Tone::Plain, text };
    let mut remarks = Vec::new();
    if let Some(refusal) = &preview.refusal {
        remarks
            .push(Remark { tone: Tone::Warning, text: format!("The proxy refuses it: {}", refusal.message) });
    }
    // What was measured the proxy says in its own words.
    if preview.moved.is_none() && preview.notes.is_empty() {
        remarks.push(plain("How much traffic it moves is unknown: nothing was measured yet.".to_owned()));
    }
    if let Some(sessions) = preview.sessions.filter(|sessions| *sessions > 0) {
        remarks.push(Remark {
            tone: Tone::Warning,
            text: format!("{sessions} sessions would change their member, or get no answer."),
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

fn called(balancer: Option<&BalancerSnapshot>, name: &MemberName) -> String {
    let found = balancer.and_then(|balancer| Some((balancer, balancer.member(name)?)));
    found.map_or_else(|| short(name).to_owned(), |(balancer, member)| label(balancer, member))
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{Moved, Refusal};

    use super::*;
    use crate::model::sample;

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
            moved: Some(Moved { measured_ms: 300_000, requests: 900, sticky: 1_710, free: 700 }),
            sessions: Some(17),
            remaining: vec![two.clone()],
            next: vec![one.clone(), two.clone()],
            next_after: vec![two.clone(), two],
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
