//! What restarts of an httpd have forgotten, as the screen tells it and asks for it again.

use evenkeel_protocol::sentence::listed;
use evenkeel_protocol::{Override, Snapshot, Subject};

use crate::lost;
use crate::model::target::Target;

/// How many are named in one sentence.
const NAMED: usize = 3;

/// The one that is seen to first of these, the newest of which come first: that of a member that is meant, in the order of
/// `meant`; else what was certainly an edit, and of those a drain, whose member gets new users again.
pub fn first<'a>(forgotten: impl Iterator<Item = &'a Override>, meant: &[&Target]) -> Option<&'a Override> {
    let rank = |lost: &Override| meant.iter().position(|target| is_of(lost, target)).unwrap_or(meant.len());
    forgotten.min_by_key(|lost| (rank(lost), !lost::is_certain(lost), !is_drain(lost)))
}

/// Is it of that member?
fn is_of(lost: &Override, target: &Target) -> bool {
    lost.subject.balancer == target.balancer && lost.subject.member.as_ref() == Some(&target.member)
}

/// What was wanted otherwise since it was lost: nobody is asked for it again.
#[derive(Debug, Clone, Default)]
pub struct Ended(Vec<Override>);

impl Ended {
    /// A yes to these settings of a member: what a snapshot tells to be lost of them is wanted no more, unless it is the
    /// same that was lost.
    pub fn agreed(&mut self, target: &Target, wanted: &[(String, String)], snapshot: &mut Snapshot) {
        let is_ended = |lost: &Override| {
            let is_other = |(field, value): &(String, String)| {
                *field == lost.field && !value.eq_ignore_ascii_case(&lost.value)
            };
            is_of(lost, target) && wanted.iter().any(is_other)
        };
        let (ended, lost) = std::mem::take(&mut snapshot.forgotten).into_iter().partition(is_ended);
        snapshot.forgotten = lost;
        let mut ended: Vec<Override> = ended;
        self.0.append(&mut ended);
    }

    /// Leaves it out of the next snapshot. What that does not tell of any more may be lost anew.
    pub fn leave_out(&mut self, snapshot: &mut Snapshot) {
        self.0.retain(|ended| snapshot.forgotten.contains(ended));
        snapshot.forgotten.retain(|lost| !self.0.contains(lost));
    }
}

/// What one question sets again: a drain, which has terms of its own, or the settings of one member that were certainly
/// edits, or those that a changed configuration may have said on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    subject: Subject,
    is_certain: bool,
    is_drain: bool,
}

impl Lot {
    /// That to which this one belongs.
    pub fn of(lost: &Override) -> Self {
        Self { subject: lost.subject.clone(), is_certain: lost::is_certain(lost), is_drain: is_drain(lost) }
    }

    /// Is it a drain?
    pub fn is_drain(&self) -> bool {
        self.is_drain
    }

    /// Whether one question sets all of these again.
    pub fn is_one(forgotten: &[Override]) -> bool {
        forgotten.windows(2).all(|two| matches!(two, [one, other] if Self::of(one) == Self::of(other)))
    }
}

fn is_drain(lost: &Override) -> bool {
    lost.field == "drain" && lost.value == "On"
}

/// `drain of app/node1`, `lbset=3 of app/node1`.
pub fn what(lost: &Override, snapshot: &Snapshot) -> String {
    let whose = whose(&lost.subject, snapshot);
    if let Some(addition) = lost::addition(lost) {
        // Who is gone is known by the route that it had.
        let route = addition.parameters.iter().find_map(|word| word.strip_prefix("route="));
        return match route {
            Some(route) => format!("member {}/{route}", lost.subject.balancer),
            None => format!("member {whose}"),
        };
    }
    if is_drain(lost) {
        return format!("drain of {whose}");
    }
    format!("{}={} of {whose}", lost.field, lost.value)
}

/// What people call the one whose it is.
pub fn whose(subject: &Subject, snapshot: &Snapshot) -> String {
    match &subject.member {
        Some(member) => {
            let target = Target { balancer: subject.balancer.clone(), member: member.clone() };
            target.label(Some(snapshot))
        }
        None => subject.balancer.to_string(),
    }
}

/// The line about all of them, in the longest form that `fits`; `way` is the key of the screen that lists them. None: there
/// are none.
pub fn line(snapshot: &Snapshot, way: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    let lost = first(snapshot.forgotten.iter(), &[])?;
    let whose = if lost.loss.elsewhere { "the" } else { "your" };
    let what = format!("{whose} {}", what(lost, snapshot));
    let why = lost::in_short(lost);
    // That nobody need have forgotten anything must be read even where the line is short.
    let (happened, why_so) =
        (lost::what_happened(lost), why.map_or_else(String::new, |why| format!(" ({why})")));
    let (head, tail) = if lost::is_certain(lost) {
        (happened.to_owned(), why_so)
    } else {
        (format!("{happened}{why_so}"), String::new())
    };
    let others = snapshot.forgotten.len() - 1;
    if others == 0 {
        return Some(format!("{head}: {what} is gone{tail}"));
    }
    let all = others + 1;
    let alike = |other: &&Override| lost::in_short(other) == why;
    let named = (all <= NAMED && snapshot.forgotten.iter().filter(alike).count() == all)
        .then(|| format!("{head}: {} are gone{tail}", together(lost, snapshot)));
    let mut forms = named.into_iter().chain([
        format!("{head}: {what} is gone{tail}, and {others} more: {way} lists them"),
        format!("{head}: {all} edits are gone{tail}, {way} lists them"),
    ]);
    let short = format!("{all} edits are gone, {way} lists them");
    Some(forms.find(|form| fits(form)).unwrap_or(short))
}

/// `your drains of app/node1, app/node2`, or each with its field.
fn together(first: &Override, snapshot: &Snapshot) -> String {
    let begin = if first.loss.elsewhere { "the" } else { "your" };
    let list = &snapshot.forgotten;
    let (kind, names): (&str, Vec<String>) = if list.iter().all(is_drain) {
        (" drains of", list.iter().map(|lost| whose(&lost.subject, snapshot)).collect())
    } else {
        ("", list.iter().map(|lost| what(lost, snapshot)).collect())
    };
    format!("{begin}{kind} {}", names.join(", "))
}

/// What is lost beside what was of `target`, for a question that sets that again; none: nothing of it was lost, or nothing
/// else.
pub fn beside(target: &Target, wanted: &[(String, String)], snapshot: &Snapshot) -> Option<String> {
    let is_own = |lost: &&Override| is_of(lost, target);
    let is_set = |lost: &&Override| {
        wanted.iter().any(|(field, value)| *field == lost.field && value.eq_ignore_ascii_case(&lost.value))
    };
    if !snapshot.forgotten.iter().filter(is_own).any(|lost| is_set(&lost)) {
        return None;
    }
    let others = snapshot.forgotten.iter().filter(|lost| !(is_own(lost) && is_set(lost)));
    let others = listed(others.map(|lost| what(lost, snapshot)), NAMED, "");
    (!others.is_empty()).then(|| format!("Lost too, and not set by this: {others}. A asks for the next."))
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{Loss, Subject};

    use super::*;
    use crate::model::sample;
    use crate::widget::text::width;

    fn forgetful(names: &[&str]) -> Snapshot {
        let mut snapshot = sample::snapshot(1);
        let lost = |name: &&str| Override {
            subject: Subject {
                balancer: sample::target(name).balancer,
                member: Some(sample::target(name).member),
            },
            field: "drain".to_owned(),
            value: "On".to_owned(),
            why: String::new(),
            loss: Loss::default(),
        };
        snapshot.forgotten = names.iter().map(lost).collect();
        snapshot
    }

    #[test]
    fn all_of_them_are_named_or_it_is_said_where_they_are() {
        const ONE: &str = "httpd was restarted: your drain of app/node1 is gone";
        const TWO: &str = "httpd was restarted: your drains of app/node1, app/node2 are gone";
        const THREE: &str = "httpd was restarted: your drains of app/node1, app/node2, app/node3 are gone";
        let all = &["node1", "node2", "node3"];
        for (names, room, says) in [
            (&all[..1], 56, ONE),
            (&all[..2], 76, TWO),
            (&all[..2], 56, "httpd was restarted: 2 edits are gone, 2 lists them"),
            (all, 96, THREE),
            (all, 56, "httpd was restarted: 3 edits are gone, 2 lists them"),
            (all, 36, "3 edits are gone, 2 lists them"),
        ] {
            let line = line(&forgetful(names), "2", |text| width(text) <= room);
            assert_eq!(line.as_deref(), Some(says), "{room}");
        }
        let mut mixed = forgetful(all);
        (mixed.forgotten[2].field, mixed.forgotten[2].value) = ("lbset".to_owned(), "3".to_owned());
        let told = line(&mixed, "2", |_| true).unwrap();
        let says = "your drain of app/node1, drain of app/node2, lbset=3 of app/node3 are gone";
        assert!(told.ends_with(says), "{told}");
        assert_eq!(line(&forgetful(&[]), "2", |_| true), None);
    }

    #[test]
    fn a_question_says_what_it_does_not_set_again() {
        let wanted = [("drain".to_owned(), "On".to_owned())];
        let target = sample::target("node1");
        for (names, says) in [
            (&["node1"][..], None),
            (&["node2", "node3"], None),
            (
                &["node1", "node2"],
                Some("Lost too, and not set by this: drain of app/node2. A asks for the next."),
            ),
            (
                &["node1", "node2", "node3"],
                Some(
                    "Lost too, and not set by this: drain of app/node2, drain of app/node3. A asks for the next.",
                ),
            ),
        ] {
            assert_eq!(beside(&target, &wanted, &forgetful(names)).as_deref(), says);
        }
    }
}
