//! What an edit of an httpd asks for: fields of a form, and under which conditions they are posted.

use evenkeel_protocol::{BalancerEdit, MemberEdit, Snapshot, Subject};

use super::form::{self, Wanted};
use super::settings;

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) wanted: Vec<Wanted>,
    /// Do it only if the subject still has this revision.
    pub(super) revision: Option<u64>,
    /// Why, in the operator's words.
    pub(super) reason: Option<String>,
    /// What the guard of the last member is asked about; none: nothing that it could refuse, or it is overridden.
    pub(super) guarded: Option<MemberEdit>,
}

impl Order {
    /// That of an edit of a member.
    pub(super) fn of_member(edit: &MemberEdit) -> Self {
        Self {
            wanted: form::of_member(edit),
            revision: edit.revision,
            reason: edit.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            guarded: Some(edit.clone()).filter(|edit| edit.force != Some(true)),
        }
    }

    /// That of an edit of a balancer's own settings.
    pub(super) fn of_balancer(edit: &BalancerEdit) -> Self {
        Self {
            wanted: form::of_balancer(edit),
            revision: edit.revision,
            reason: edit.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            guarded: None,
        }
    }

    /// The fields that are not yet as they are to be.
    pub(super) fn differing(&self, subject: &Subject, seen: &Snapshot) -> Vec<Wanted> {
        let differs = |wanted: &&Wanted| {
            settings::get(seen, subject, wanted.field).is_none_or(|value| value != wanted.shown)
        };
        self.wanted.iter().filter(differs).cloned().collect()
    }
}
