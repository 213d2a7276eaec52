//! Something that happened and may explain what graphs show: the same words wherever a mark is drawn.

use serde::{Deserialize, Serialize};

use crate::clean::clean;
use crate::edit::{Change, Peer};
use crate::event::{Event, EventKind};
use crate::name::MemberName;
use crate::timestamp::Timestamp;

/// The longest text of a mark, in characters.
const TEXT: usize = 200;

/// Something that happened and may explain what the points show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The number of its event.
    pub event: u64,
    /// When.
    pub at: Timestamp,
    /// Whom it is about; none: the balancer, or the whole proxy.
    pub member: Option<MemberName>,
    /// What kind of thing it is.
    pub kind: MarkKind,
    /// In a few words, clean.
    pub text: String,
}

/// What a mark stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// An operator changed something.
    Edited,
    /// A member was put into error.
    Failed,
    /// A member answered again after an error.
    Recovered,
    /// Health checks took a member out.
    CheckFailed,
    /// Health checks brought a member back.
    CheckPassed,
    /// The configuration was read anew.
    Reloaded,
    /// The proxy began to serve.
    Started,
}

impl Mark {
    /// The mark of an event, if it may explain what a member did. Whom it concerns is [`EventKind::about`].
    pub fn of(event: &Event) -> Option<Self> {
        let (kind, text) = match &event.kind {
            EventKind::Started => (MarkKind::Started, "the proxy began to serve".to_owned()),
            EventKind::Reloaded { by, .. } => {
                (MarkKind::Reloaded, format!("configuration read anew{}", author(by.as_ref())))
            }
            EventKind::HttpdRestarted(restart) => (MarkKind::Reloaded, restart.to_string()),
            EventKind::MemberEdited { changes, by, .. } | EventKind::BalancerEdited { changes, by, .. } => {
                (MarkKind::Edited, edited(changes, by.as_ref()))
            }
            EventKind::MemberFailed { reason, .. } => (MarkKind::Failed, reason.clone()),
            EventKind::MemberRecovered { .. } => (MarkKind::Recovered, "answers again".to_owned()),
            EventKind::HealthFailed { reason, .. } => (MarkKind::CheckFailed, reason.clone()),
            EventKind::HealthPassed { reason, .. } => (MarkKind::CheckPassed, reason.clone()),
            _ => return None,
        };
        let member = event.kind.about().and_then(|(_, member)| member).cloned();
        Some(Self { event: event.number, at: event.at, member, kind, text: clean(&text, TEXT) })
    }
}

fn edited(changes: &[Change], by: Option<&Peer>) -> String {
    let changes: Vec<String> = changes
        .iter()
        .map(|Change { field, before, after }| format!("{field} {before} -> {after}"))
        .collect();
    format!("{}{}", changes.join(", "), author(by))
}

fn author(by: Option<&Peer>) -> String {
    by.map_or_else(String::new, |peer| match (&peer.http, &peer.user) {
        (Some(client), _) => format!(" by {client}"),
        (None, Some(user)) => format!(" by {user}"),
        (None, None) => format!(" by uid {}", peer.uid),
    })
}
