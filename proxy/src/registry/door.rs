//! The one door for edits, with one writer at a time: validate, guard, write to the journal, apply, publish, answer.
//! What is refused is published too.

use evenkeel_balancer::{Accepted, Balancer};
use evenkeel_protocol::{
    BalancerEdit, BalancerName, Code, EditNote, Edited, Event, EventKind, MemberEdit, MemberName, Peer,
    Refusal, RefusedEdit, Subject,
};

use super::{LiveBalancer, Registry};
use crate::clock;
use crate::journal::{Durability, Journal, Origin};

/// Who asks for an edit, and how.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asker {
    pub(crate) by: Option<Peer>,
    /// Do the guards apply? They never do where httpd's own form is spoken, which has no word to override them.
    pub(crate) guarded: bool,
    /// The event that the edit undoes.
    pub(crate) undoes: Option<u64>,
}

impl From<Option<Peer>> for Asker {
    fn from(by: Option<Peer>) -> Self {
        Self { by, guarded: true, undoes: None }
    }
}

/// What is asked for of a balancer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'a> {
    Member(&'a MemberName, &'a MemberEdit),
    Settings(&'a BalancerEdit),
}

impl Wanted<'_> {
    pub(super) fn subject(&self, balancer: &BalancerName) -> Subject {
        let member = match self {
            Self::Member(member, _) => Some((*member).clone()),
            Self::Settings(_) => None,
        };
        Subject { balancer: balancer.clone(), member }
    }

    fn reason(&self) -> Option<String> {
        let reason = match self {
            Self::Member(_, edit) => &edit.reason,
            Self::Settings(edit) => &edit.reason,
        };
        reason.as_ref().map(|reason| reason.as_str().to_owned())
    }

    pub(super) fn plan(&self, core: &Balancer) -> Result<Accepted, Refusal> {
        match self {
            Self::Member(member, edit) => core.preview_member(member, edit),
            Self::Settings(edit) => core.preview(edit),
        }
    }

    fn make(&self, core: &mut Balancer) -> Result<Accepted, Refusal> {
        match self {
            Self::Member(member, edit) => core.edit_member(member, edit),
            Self::Settings(edit) => core.edit(edit),
        }
    }

    /// The copy on which the guards are asked, so that elections go on meanwhile; none: no guard is concerned. Settings
    /// of a balancer take nobody away.
    fn guarded(&self, core: &Balancer) -> Option<Balancer> {
        match self {
            Self::Member(_, edit) if Balancer::is_guarded(edit) => Some(core.rehearsal()),
            _ => None,
        }
    }

    /// Why a guard refuses it.
    fn guard(&self, copy: &Balancer) -> Option<Refusal> {
        match self {
            Self::Member(member, edit) => copy.guard(member, edit),
            Self::Settings(_) => None,
        }
    }

    pub(super) fn is_forced(&self) -> bool {
        match self {
            Self::Member(_, edit) => edit.force == Some(true),
            Self::Settings(edit) => edit.force == Some(true),
        }
    }

    /// The same, whatever the revision is.
    fn changes_at_any_revision(&self, core: &Balancer) -> Vec<evenkeel_protocol::Change> {
        let planned = match self {
            Self::Member(member, edit) => {
                core.preview_member(member, &MemberEdit { revision: None, ..(*edit).clone() })
            }
            Self::Settings(edit) => core.preview(&BalancerEdit { revision: None, ..(*edit).clone() }),
        };
        planned.map(|accepted| accepted.changes).unwrap_or_default()
    }
}

impl Registry {
    /// The one door for a change of a member.
    pub(crate) fn edit_member(
        &self,
        balancer: &BalancerName,
        selector: &str,
        edit: &MemberEdit,
        asker: impl Into<Asker>,
    ) -> Result<Edited, Refusal> {
        let (asker, mut member) = (asker.into(), None);
        let outcome = {
            // Before the look-up, so that no edit goes to a balancer that is being replaced.
            let mut journal = self.writer();
            self.find(balancer).and_then(|live| {
                let name = member.insert(live.resolve(selector)?);
                live.refuse_unknown_expression(edit)?;
                self.change(&mut journal, &live, Wanted::Member(name, edit), &asker)
            })
        };
        let reason = edit.reason.as_ref().map(|reason| reason.as_str().to_owned());
        let wanted = member.as_ref().map(|member| Wanted::Member(member, edit));
        let subject = Subject { balancer: balancer.clone(), member: member.clone() };
        self.told(outcome, (subject, wanted), (asker.by, reason))
    }

    /// The one door for a change of a balancer's own settings.
    pub(crate) fn edit_balancer(
        &self,
        balancer: &BalancerName,
        edit: &BalancerEdit,
        asker: impl Into<Asker>,
    ) -> Result<Edited, Refusal> {
        let (asker, wanted) = (asker.into(), Wanted::Settings(edit));
        let outcome = {
            let mut journal = self.writer();
            self.find(balancer).and_then(|live| self.change(&mut journal, &live, wanted, &asker))
        };
        self.told(outcome, (wanted.subject(balancer), Some(wanted)), (asker.by, wanted.reason()))
    }

    /// Sets the load of every member to its factor, as httpd does whenever its form brings a load factor, be it a new
    /// one or not.
    pub(crate) fn restart_load(&self, balancer: &BalancerName, by: &Peer) {
        let Ok(live) = self.find(balancer) else { return };
        live.lock().restart_load();
        tracing::info!(%balancer, %by, "the load of all members was set to their factors");
    }

    /// Makes a change. The journal's lock, which the caller holds, keeps every other writer out.
    pub(super) fn change(
        &self,
        journal: &mut Journal,
        live: &LiveBalancer,
        wanted: Wanted<'_>,
        asker: &Asker,
    ) -> Result<Edited, Refusal> {
        let subject = wanted.subject(&live.name);
        let (planned, copy) = {
            let core = live.lock();
            (wanted.plan(&core), asker.guarded.then(|| wanted.guarded(&core)).flatten())
        };
        let planned = planned.map_err(|refusal| self.with_author(refusal, &subject))?;
        if planned.changes.is_empty() {
            return Ok(answer(subject, planned, None, journal.durability()));
        }
        let guard = copy.and_then(|copy| wanted.guard(&copy));
        let forced = guard.is_some();
        if let Some(refusal) = guard.filter(|_| !wanted.is_forced()) {
            return Err(refusal);
        }
        let by = asker.by.clone();
        let origin = Origin { by: by.clone(), at: Some(clock::wall()), reason: wanted.reason() };
        let durability = match &wanted {
            Wanted::Member(_, edit) => journal.keep(subject.clone(), edit, &planned.changes, &origin),
            Wanted::Settings(edit) => journal.keep(subject.clone(), edit, &planned.changes, &origin),
        };
        let accepted = wanted.make(&mut live.lock())?;
        live.watch_sessions();
        live.changed.notify_waiters();
        if let Some(member) = &subject.member {
            live.end_tunnels_if_stopped(member);
        }
        let (reason, durable) = (origin.reason, durability.is_kept());
        tracing::info!(balancer = %live.name, member = subject.member.as_ref().map_or("", MemberName::as_str), forced,
            changes = %describe(&accepted), by = name_of(by.as_ref()), reason = reason.as_deref().unwrap_or_default(),
            "edited");
        let (changes, revision, undoes) = (accepted.changes.clone(), accepted.revision, asker.undoes);
        let note = EditNote { changes, revision, by, reason, durable, forced, undoes };
        let number = self.events.publish(EventKind::edited(subject.clone(), note));
        Ok(answer(subject, accepted, Some(number), durability))
    }

    /// Sees to it that what was asked for stands in the audit, refused or not.
    pub(super) fn told(
        &self,
        outcome: Result<Edited, Refusal>,
        (subject, wanted): (Subject, Option<Wanted<'_>>),
        (by, reason): (Option<Peer>, Option<String>),
    ) -> Result<Edited, Refusal> {
        match outcome {
            Ok(mut edited) => {
                if edited.event.is_some_and(|number| !self.events.is_audited(number)) {
                    edited.notes.push("The audit files of the run folder could not be written.".to_owned());
                }
                Ok(edited)
            }
            Err(refusal) => {
                let changes = wanted.and_then(|wanted| {
                    let live = self.find(&subject.balancer).ok()?;
                    let core = live.lock();
                    Some(wanted.changes_at_any_revision(&core))
                });
                self.tell_refused(RefusedEdit {
                    subject,
                    changes: changes.unwrap_or_default(),
                    code: refusal.code,
                    message: refusal.message.clone(),
                    by,
                    reason,
                });
                Err(refusal)
            }
        }
    }

    /// An edit that was refused is news as well.
    pub(crate) fn tell_refused(&self, refused: RefusedEdit) {
        let Subject { balancer, member } = &refused.subject;
        tracing::warn!(%balancer, member = member.as_ref().map_or("", MemberName::as_str), code = ?refused.code,
            by = name_of(refused.by.as_ref()), message = refused.message, "an edit was refused");
        self.events.publish(EventKind::EditRefused(refused));
    }

    /// A lost race is told with who won it, if the log of events still knows.
    pub(super) fn with_author(&self, refusal: Refusal, subject: &Subject) -> Refusal {
        if refusal.code != Code::Stale {
            return refusal;
        }
        let Some(event) = self.events.find_last(|event| is_edit_of(event, subject)) else { return refusal };
        let message = format!("{}; the last change was by {}", refusal.message, author(&event));
        Refusal { message, ..refusal }
    }
}

/// Is it an edit of exactly this balancer or member?
pub(super) fn is_edit_of(event: &Event, subject: &Subject) -> bool {
    match &event.kind {
        EventKind::MemberEdited { balancer, member, .. } => {
            *balancer == subject.balancer && Some(member) == subject.member.as_ref()
        }
        EventKind::BalancerEdited { balancer, .. } => {
            *balancer == subject.balancer && subject.member.is_none()
        }
        _ => false,
    }
}

/// Who made an edit, and how long ago: `anna (1000), 12 s ago`.
pub(super) fn author(event: &Event) -> String {
    let by = match &event.kind {
        EventKind::MemberEdited { by, .. } | EventKind::BalancerEdited { by, .. } => by.as_ref(),
        _ => None,
    };
    format!("{}, {} s ago", name_of(by), clock::wall().since(event.at).as_secs())
}

fn answer(subject: Subject, accepted: Accepted, event: Option<u64>, durability: Durability) -> Edited {
    let mut notes = accepted.notes;
    notes.extend(durability.note());
    Edited {
        balancer: subject.balancer,
        member: subject.member,
        changed: event.is_some(),
        changes: accepted.changes,
        revision: accepted.revision,
        event,
        durable: durability.is_kept(),
        notes,
    }
}

fn describe(accepted: &Accepted) -> String {
    let changes: Vec<String> = accepted
        .changes
        .iter()
        .map(|change| format!("{} {:?} -> {:?}", change.field, change.before, change.after))
        .collect();
    changes.join(", ")
}

pub(crate) fn name_of(peer: Option<&Peer>) -> String {
    peer.map_or_else(|| "nobody known".to_owned(), ToString::to_string)
}
