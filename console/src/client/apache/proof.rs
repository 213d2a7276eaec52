//! What the page shows of an edit after it was posted, and why it does not show all of it.

use std::collections::BTreeMap;

use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::{Change, Refusal, Snapshot, Subject};

use super::Look;
use super::act::{in_words, named};
use super::form::Wanted;
use super::page::Page;
use super::reply::{Reply, Shown, UNREAD};
use super::settings::{self, Setting};
use crate::client::Failure;

/// What was seen of an edit.
pub(super) struct Proof {
    /// What has changed as it was asked for.
    pub(super) changes: Vec<Change>,
    /// The fields that are not as they were asked for, and what they are.
    pub(super) missing: Vec<(String, String)>,
    /// What has changed besides.
    pub(super) besides: Vec<(Subject, Change)>,
}

impl Proof {
    pub(super) fn of(subject: &Subject, wanted: &[Wanted], (before, after): (&Snapshot, &Snapshot)) -> Self {
        let mut proof = Self { changes: Vec::new(), missing: Vec::new(), besides: Vec::new() };
        for Wanted { field, shown, .. } in wanted {
            let now = settings::get(after, subject, field);
            if now.as_ref() == Some(shown) {
                let before = settings::get(before, subject, field).unwrap_or_default();
                proof.changes.push(Change { field: (*field).to_owned(), before, after: shown.clone() });
            } else {
                let now = now.unwrap_or_else(|| "gone".to_owned());
                proof.missing.push(((*field).to_owned(), format!("is {now}")));
            }
        }
        let known: BTreeMap<Subject, Vec<Setting>> = settings::all(before).collect();
        for (other, now) in settings::all(after) {
            let known = known.get(&other);
            for change in known.map(|before| settings::changes(before, &now)).unwrap_or_default() {
                let own = other == *subject && wanted.iter().any(|wanted| wanted.field == change.field);
                if other == *subject && following(wanted) == Some(&*change.field) {
                    proof.changes.push(change);
                } else if !own {
                    proof.besides.push((other.clone(), change));
                }
            }
        }
        proof
    }

    /// Why an edit that was posted does not hold, by what answered it and by what the page says since.
    pub(super) fn why_not(
        &self,
        (subject, wanted): (&Subject, &[Wanted]),
        reply: &Reply,
        (before, after): (&Look, &Look),
    ) -> Failure {
        let refused = |code, why: String| Failure::Refused(Refusal::new(code, why));
        let missing: Vec<String> =
            self.missing.iter().map(|(field, value)| format!("{field} ({value})")).collect();
        let rest = if self.changes.is_empty() { "" } else { ", while the rest did" };
        let (name, missing) = (named(subject), missing.join(", "));
        let took = format!("{name}: {missing} did not take{rest}");
        let (old, new) = (nonce(&before.page, subject), nonce(&after.page, subject));
        if let Reply::Page(shown) = reply
            && self.is_shown((subject, wanted), shown)
        {
            let why = if old == new {
                "somebody changed it back before the page was read again"
            } else {
                "httpd was restarted right after it (its nonce has changed), and has forgotten it"
            };
            let why = format!("{name}: {} took, and holds no more ({missing}): {why}", in_words(wanted));
            return refused(Code::Stale, why);
        }
        if old != new {
            let why = "httpd was restarted in between (its nonce has changed); do it again";
            return refused(Code::Internal, format!("{took}: {why}"));
        }
        if let Some((other, Change { field, after, .. })) =
            self.besides.iter().find(|(_, change)| wanted.iter().any(|wanted| wanted.field == change.field))
        {
            let why = format!(
                "{took}, but {} has now {field} {after}: httpd took it for that one, or somebody changed that meanwhile",
                named(other),
            );
            return refused(Code::Internal, why);
        }
        match reply {
            Reply::Page(shown) if shown.has_read() => {
                refused(Code::Internal, format!("{took}: {}", self.unwilling(subject, before)))
            }
            Reply::Page(_) => refused(Code::Internal, format!("{took}: {UNREAD}")),
            Reply::Refused(failure) => failure.clone(),
            Reply::Unclear(why) => Failure::FateUnknown(format!(
                "{name}: unknown whether {} took: {why}; the page does not show it so far ({missing})",
                in_words(wanted)
            )),
        }
    }

    /// Does that page show everything that is missing on the one that was read after it?
    fn is_shown(&self, (subject, wanted): (&Subject, &[Wanted]), Shown { snapshot, .. }: &Shown) -> bool {
        let is_so = |(field, _): &(String, String)| {
            let wanted = wanted.iter().find(|wanted| wanted.field == field);
            wanted.is_some_and(|it| settings::get(snapshot, subject, it.field).as_ref() == Some(&it.shown))
        };
        self.missing.iter().all(is_so)
    }

    /// Why httpd leaves a field as it is although it has read what it is to be.
    fn unwilling(&self, subject: &Subject, before: &Look) -> &'static str {
        let balancer = before.snapshot.balancer(&subject.balancer);
        if self.missing.iter().all(|(field, _)| field == "lbfactor")
            && balancer.is_some_and(|balancer| balancer.members.len() == 1)
        {
            return "httpd keeps the factor of a member that is alone at 1.00";
        }
        "httpd has read it and left that as it is; see its error log"
    }
}

/// The field that httpd clears by itself with such an edit: these methods evaluate no expression.
pub(super) fn following(wanted: &[Wanted]) -> Option<&'static str> {
    let clears = |wanted: &Wanted| {
        let unread = ["NONE", "TCP", "CPING"].iter().any(|method| wanted.shown.eq_ignore_ascii_case(method));
        wanted.field == "hcmethod" && unread
    };
    wanted.iter().any(clears).then_some("hcexpr")
}

fn nonce<'a>(page: &'a Page, subject: &Subject) -> Option<&'a str> {
    page.balancer(&subject.balancer)?.nonce.as_deref()
}
