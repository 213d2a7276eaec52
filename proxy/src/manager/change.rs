//! What a form changes: through the one door, unguarded, in httpd's order, each part told.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{
    BalancerEdit, BalancerSnapshot, Code, Edited, MemberAddition, MemberEdit, MemberSnapshot, Peer, Refusal,
    Subject,
};

use super::form::{Asked, Refused};
use super::{Manager, Notice, Request, look};
use crate::registry::door::Asker;
use crate::registry::roster::{Room, RosterEdit};
use crate::server::Proxy;
use crate::{limits, nonce};

impl Manager {
    /// Does what a form asks for; what became of it, and the status.
    pub(super) fn change(&self, request: &Request, proxy: &Proxy) -> (Vec<Notice>, u16) {
        let (form, by, registry) = (&request.parameters, &request.by, &proxy.registry);
        let refuse = |text: String| {
            self.note_refused(request, proxy, &text);
            (vec![Notice { done: false, text }], 200)
        };
        let snapshots = look(registry);
        let Some((balancer, sheet, member)) = self.select(form, &snapshots) else {
            let name = clean(form.get("b").unwrap_or_default(), limits::TEXT);
            return refuse(format!("Nothing was changed: there is no balancer \"{name}\"."));
        };
        if sheet.nonce.is_empty() {
            let name = balancer.name.url();
            return refuse(format!(
                "Nothing was changed: {name} has nonce=None and is read-only on this page."
            ));
        }
        if !nonce::is_same(&sheet.nonce, form.get("nonce").unwrap_or_default()) {
            let why =
                "its nonce is not that of this balancer now; the page below has it, so look again and repeat";
            return refuse(format!("Nothing was changed: {why}."));
        }
        make(Asked::read(form, balancer, member, &self.expressions), (balancer, member), (by, proxy))
    }

    /// Somebody asked for a change and did not get as far as the one door: that is news as well.
    pub(super) fn note_refused(&self, request: &Request, proxy: &Proxy, text: &str) {
        if !(request.posted && request.parameters.changes_something()) {
            return;
        }
        let snapshots = look(&proxy.registry);
        let selected = self.select(&request.parameters, &snapshots);
        let subject = selected.map(|(balancer, _, member)| Subject {
            balancer: balancer.name.clone(),
            member: member.map(|member| member.name.clone()),
        });
        self.refusals.tell(&proxy.registry, subject, (Some(&request.by), Code::Denied, text));
    }
}

/// Makes the edits one after the other, in httpd's order.
fn make(
    asked: Asked,
    (balancer, member): (&BalancerSnapshot, Option<&MemberSnapshot>),
    (by, proxy): (&Peer, &Proxy),
) -> (Vec<Notice>, u16) {
    let (mut notices, mut status, registry) = (Vec::new(), 200, &proxy.registry);
    let asker = Asker { by: Some(by.clone()), guarded: false, undoes: None };
    if let Some(member) = member.filter(|_| asked.member != MemberEdit::default()) {
        let outcome =
            registry.edit_member(&balancer.name, member.name.as_str(), &asked.member, asker.clone());
        let untouched =
            outcome.as_ref().is_ok_and(|it| it.changes.iter().all(|change| change.field != "lbfactor"));
        if asked.restarts_load && untouched {
            registry.restart_load(&balancer.name, by);
        }
        tell(&mut notices, member.name.as_str(), outcome);
    }
    if asked.balancer != BalancerEdit::default() {
        let outcome = registry.edit_balancer(&balancer.name, &asked.balancer, asker.clone());
        tell(&mut notices, &balancer.name.url(), outcome);
    }
    if let Some(url) = asked.newcomer {
        let addition = MemberAddition { url, ..MemberAddition::default() };
        let edit = RosterEdit::Add(&addition, Room::Growth);
        let outcome = proxy.change_roster(&balancer.name, edit, asker);
        if outcome.is_err() {
            status = 400;
        }
        tell(&mut notices, &balancer.name.url(), outcome);
    }
    notices.extend(asked.refused.iter().take(limits::MANAGER_NOTICES).map(refused));
    (notices, status)
}

fn refused(Refused { field, value, why }: &Refused) -> Notice {
    let (field, value) = (clean(field, limits::TEXT), clean(value, limits::TEXT));
    Notice { done: false, text: format!("Refused: {field}=\"{value}\" {why}.") }
}

/// What became of an edit.
fn tell(notices: &mut Vec<Notice>, subject: &str, outcome: Result<Edited, Refusal>) {
    let edited = match outcome {
        Ok(edited) => edited,
        Err(refusal) => {
            return notices.push(Notice { done: false, text: format!("Refused for {subject}: {refusal}") });
        }
    };
    let shown = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let changes = edited
        .changes
        .iter()
        .map(|change| format!("{} {} → {}", change.field, shown(&change.before), shown(&change.after)));
    let changes = changes.collect::<Vec<_>>().join(", ");
    let text = if changes.is_empty() {
        format!("{subject} was as asked already.")
    } else {
        format!("{subject}: {changes}.")
    };
    notices.push(Notice { done: true, text });
    notices.extend(edited.notes.into_iter().map(|text| Notice { done: true, text }));
}
