//! What a restart of an httpd has taken away of what was set before it, and as far as that can be known by what.
//!
//! After a restart a setting that was made from here is one of three: as it was set, then it was kept; as it was before
//! that, then it was forgotten; or a third, then another configuration says so. Of what others have set only that is
//! known that was seen to change.

use std::collections::BTreeMap;

use evenkeel_protocol::{BalancerSnapshot, Cause, Change, Loss, MemberSnapshot, Override, Snapshot, Subject};

use super::add;
use super::settings::{self, Setting};
use crate::lost::MEMBER;

/// A setting that was made from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) subject: Subject,
    pub(super) field: String,
    pub(super) before: String,
    pub(super) value: String,
}

/// From one run of httpd to another.
pub(super) struct Turn<'a> {
    /// How things stood when the run before was seen first.
    pub(super) first: Option<&'a Snapshot>,
    /// How they stood when it was seen last.
    pub(super) before: &'a Snapshot,
    pub(super) seen: &'a Snapshot,
    pub(super) own: &'a [Own],
    /// Have several servers answered in between?
    pub(super) is_other_server: bool,
}

impl Turn<'_> {
    /// Everything that does not hold any more, what was made from here first.
    pub(super) fn lost(&self) -> Vec<Override> {
        let (own, of_others): (Vec<_>, Vec<_>) =
            self.fallen().into_iter().partition(|fell| self.own_of(fell).is_some());
        let mut lost: Vec<Override> = own.into_iter().map(|fell| self.dropped(fell)).collect();
        lost.extend(self.gone());
        lost.extend(self.own.iter().filter_map(|own| self.unconfigured(own)));
        lost.extend(of_others.into_iter().map(|fell| self.dropped(fell)));
        lost
    }

    /// The settings that are others than before, of what is still there.
    fn fallen(&self) -> Vec<(Subject, Change)> {
        let known: BTreeMap<Subject, Vec<Setting>> = settings::all(self.before).collect();
        let of = |(subject, now): (Subject, Vec<Setting>)| {
            let changes =
                known.get(&subject).map(|before| settings::changes(before, &now)).unwrap_or_default();
            changes.into_iter().map(move |change| (subject.clone(), change))
        };
        settings::all(self.seen).flat_map(of).collect()
    }

    fn own_of(&self, (subject, change): &(Subject, Change)) -> Option<&Own> {
        let is_it =
            |own: &&Own| own.subject == *subject && own.field == change.field && own.value == change.before;
        self.own.iter().find(is_it)
    }

    /// What a setting was before it was set, if that is known.
    fn origin(&self, fell: &(Subject, Change)) -> Option<String> {
        if let Some(own) = self.own_of(fell) {
            return Some(own.before.clone());
        }
        let (subject, change) = fell;
        let first = settings::get(self.first?, subject, &change.field)?;
        // What nobody has seen change may have been set before, or never.
        Some(first).filter(|first| *first != change.before)
    }

    fn dropped(&self, fell: (Subject, Change)) -> Override {
        let elsewhere = self.own_of(&fell).is_none();
        let cause = if self.is_other_server {
            Some(Cause::Server)
        } else {
            let origin = self.origin(&fell);
            origin.map(|was| if was == fell.1.after { Cause::Restart } else { Cause::Configuration })
        };
        let loss = Loss { elsewhere, cause };
        let (subject, Change { field, before, after }) = fell;
        let now = if after.is_empty() { "unset" } else { &after };
        Override { subject, field, value: before, why: format!("{}; it is {now} now", why(loss)), loss }
    }

    /// The members that are there no longer, of balancers that are.
    fn gone(&self) -> impl Iterator<Item = Override> {
        self.before.balancers.iter().flat_map(move |balancer| {
            let now = self.seen.balancer(&balancer.name);
            let gone =
                move |member: &&MemberSnapshot| now.is_some_and(|now| now.member(&member.name).is_none());
            balancer.members.iter().filter(gone).map(move |member| self.left(balancer, member))
        })
    }

    fn left(&self, balancer: &BalancerSnapshot, member: &MemberSnapshot) -> Override {
        let subject = Subject { balancer: balancer.name.clone(), member: Some(member.name.clone()) };
        let is_own = self.own.iter().any(|own| own.subject == subject && own.field == MEMBER);
        let has_come = self.first.is_some_and(|first| first.member(&balancer.name, &member.name).is_none());
        let cause = match () {
            () if self.is_other_server => Some(Cause::Server),
            // Who was there from the beginning may have been added before anybody looked.
            () => (is_own || has_come).then_some(Cause::Restart),
        };
        let loss = Loss { elsewhere: !is_own, cause };
        let (field, value, why) = (MEMBER.to_owned(), add::line_of(member), why(loss).to_owned());
        Override { subject, field, value, why, loss }
    }

    /// What was made from here to a balancer that is gone, or to a member of one.
    fn unconfigured(&self, own: &Own) -> Option<Override> {
        if self.seen.balancer(&own.subject.balancer).is_some() {
            return None;
        }
        let (why, cause) = if self.is_other_server {
            (
                "several servers answered meanwhile, and the one that answers now has no such balancer",
                Cause::Server,
            )
        } else {
            ("httpd was restarted, and it is no longer configured", Cause::Configuration)
        };
        Some(Override {
            subject: own.subject.clone(),
            field: own.field.clone(),
            value: own.value.clone(),
            why: why.to_owned(),
            loss: Loss { elsewhere: false, cause: Some(cause) },
        })
    }
}

fn why(loss: Loss) -> &'static str {
    match loss {
        Loss { cause: Some(Cause::Server), .. } => {
            "several servers answered meanwhile, and the one that answers now has it not"
        }
        Loss { cause: Some(Cause::Configuration), .. } => {
            "httpd was restarted with another configuration, which says neither this nor what was there before"
        }
        Loss { elsewhere: true, cause: Some(Cause::Restart) } => {
            "seen before the restart, not made here: httpd has forgotten it"
        }
        Loss { elsewhere: true, cause: None } => {
            "seen before the restart, not made here: httpd has forgotten it, or its configuration was changed"
        }
        Loss { elsewhere: false, .. } => "httpd was restarted, perhaps gracefully, and has forgotten it",
    }
}
