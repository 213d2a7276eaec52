//! What was set over the configuration, field by field, as the core has it and as the journal knows who set it.

use evenkeel_protocol::{Change, Event, EventKind, Layers, MemberLine, Overridden, Overrides, Subject};

use super::departure::without_template;
use super::door::is_edit_of;
use super::{LiveBalancer, Registry};
use crate::clock;
use crate::journal::roster::{Added, FIELD};
use crate::journal::{Journal, Origin};

impl Registry {
    /// Every field whose value is not the configured one.
    pub(crate) fn overrides(&self) -> Overrides {
        let mut journal = self.writer();
        let mut fields = Vec::new();
        for live in self.balancers().iter() {
            fields.extend(self.layers(&journal, live, None));
            for address in live.addresses() {
                fields.extend(self.layers(&journal, live, Some(address.name.clone())));
            }
        }
        let mut lines: Vec<MemberLine> = Vec::new();
        for Layers { subject, .. } in &fields {
            let Some((member, written)) = subject.member.as_ref().zip(journal.written(subject)) else {
                continue;
            };
            if lines.last().is_none_or(|last| last.member != *member || last.balancer != subject.balancer) {
                let (balancer, member) = (subject.balancer.clone(), member.clone());
                // Who is added starts so, and who stands in a configuration does not.
                let start = journal.addition(subject).map(|_| "status=+D".to_owned());
                let parameters = start.into_iter().chain(written.iter().cloned()).collect();
                let of_it = fields.iter().filter(|layers| layers.subject == *subject);
                let empty = of_it.filter(|layers| layers.effective.is_empty());
                let empty: Vec<&str> = empty.map(|layers| layers.field.as_str()).collect();
                let parameters = match self.find(&balancer) {
                    Ok(live) => without_template(parameters, &live, (&member, &empty)),
                    Err(_) => parameters,
                };
                lines.push(MemberLine { balancer, member, parameters });
            }
        }
        Overrides { taken: clock::wall(), durable: journal.durability().is_kept(), fields, lines }
    }

    fn layers(
        &self,
        journal: &Journal,
        live: &LiveBalancer,
        member: Option<evenkeel_protocol::MemberName>,
    ) -> Vec<Layers> {
        let subject = Subject { balancer: live.name.clone(), member };
        // The edit back to the configuration changes exactly what differs from it.
        let configured = journal.configured(&subject);
        let planned = match &subject.member {
            Some(member) => serde_json::from_value(configured)
                .ok()
                .and_then(|edit| live.lock().preview_member(member, &edit).ok()),
            None => serde_json::from_value(configured).ok().and_then(|edit| live.lock().preview(&edit).ok()),
        };
        let mut differing = planned.map(|accepted| accepted.changes).unwrap_or_default();
        for field in journal.unconfigured(&subject) {
            let value = journal.overridden(&subject, &field).map(|(value, _)| value).unwrap_or_default();
            differing.push(Change { field, before: value, after: "default".to_owned() });
        }
        let layers = differing.into_iter().map(|change| self.layer(journal, &subject, change));
        let added = journal.addition(&subject).map(|added| self.added(&subject, added));
        added.into_iter().chain(layers).collect()
    }

    /// Who was added, as against a configuration that does not have it.
    fn added(&self, subject: &Subject, added: &Added) -> Layers {
        let balancer = Subject { member: None, ..subject.clone() };
        let effective = added.line();
        let came = |event: &Event| {
            is_edit_of(event, &balancer)
                && touches(event, FIELD)
                && matches!(&event.kind, EventKind::BalancerEdited { changes, .. }
                    if changes.iter().any(|change| change.after == effective))
        };
        let event = self.events.find_last(came).map(|event| event.number);
        let Origin { by, at, reason } = added.origin.clone();
        Layers {
            subject: subject.clone(),
            field: FIELD.to_owned(),
            configured: String::new(),
            overridden: Some(Overridden { value: effective.clone(), by, at, reason, event }),
            effective,
        }
    }

    fn layer(&self, journal: &Journal, subject: &Subject, back: Change) -> Layers {
        let overridden = journal.overridden(subject, &back.field).map(|(value, origin)| {
            let event =
                self.events.find_last(|event| is_edit_of(event, subject) && touches(event, &back.field));
            let reason = origin.reason;
            Overridden { value, by: origin.by, at: origin.at, reason, event: event.map(|event| event.number) }
        });
        Layers {
            subject: subject.clone(),
            field: back.field,
            configured: back.after,
            overridden,
            effective: back.before,
        }
    }
}

/// Did this edit change that field?
pub(super) fn touches(event: &Event, field: &str) -> bool {
    match &event.kind {
        EventKind::MemberEdited { changes, .. } | EventKind::BalancerEdited { changes, .. } => {
            changes.iter().any(|change| change.field == field)
        }
        _ => false,
    }
}
