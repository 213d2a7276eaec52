//! The endpoints of edits: made, only looked at, and shown.

use std::sync::Arc;

use evenkeel_protocol::{BalancerName, Call, Code, Peer, Refusal, RefusedEdit, Subject};
use serde::de::DeserializeOwned;

use super::endpoints::{off_thread, parse};
use super::peer::named;
use super::stream::Reply;
use crate::registry::Registry;

/// Answers one call about edits. They write to disk, so they leave the control thread for it.
pub(super) async fn answer(
    call: Call,
    body: Vec<u8>,
    registry: &Arc<Registry>,
    peer: Option<Peer>,
) -> Result<Reply, Refusal> {
    let registry = Arc::clone(registry);
    match call {
        Call::EditBalancer(name) => {
            off_thread(move || {
                let by = named(peer);
                let edit = parse_edit(&body, &registry, (&name, by.as_ref()))?;
                registry.edit_balancer(&name, &edit, by)
            })
            .await
        }
        Call::EditMember(name, selector) => {
            off_thread(move || {
                let by = named(peer);
                let edit = parse_edit(&body, &registry, (&name, by.as_ref()))?;
                registry.edit_member(&name, &selector, &edit, by)
            })
            .await
        }
        Call::PreviewBalancer(name) => {
            let edit = parse(&body)?;
            off_thread(move || registry.preview_balancer(&name, &edit)).await
        }
        Call::PreviewMember(name, selector) => {
            let edit = parse(&body)?;
            off_thread(move || registry.preview_member(&name, &selector, &edit)).await
        }
        Call::PreviewPlan => {
            let order = parse(&body)?;
            off_thread(move || registry.preview_plan(&order)).await
        }
        Call::Overrides => off_thread(move || Ok(registry.overrides())).await,
        _ => Err(Refusal::new(Code::Internal, "this is no call about edits")),
    }
}

/// Reads an edit; one that does not read was asked for and refused all the same.
pub(super) fn parse_edit<T: DeserializeOwned>(
    body: &[u8],
    registry: &Registry,
    (balancer, by): (&BalancerName, Option<&Peer>),
) -> Result<T, Refusal> {
    parse(body).inspect_err(|refusal| {
        registry.tell_refused(RefusedEdit {
            subject: Subject { balancer: balancer.clone(), member: None },
            changes: Vec::new(),
            code: refusal.code,
            message: refusal.message.clone(),
            by: by.cloned(),
            reason: None,
        });
    })
}
