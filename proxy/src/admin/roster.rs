//! The endpoints of members that come and go, and of what takes edits back, which may be one of these.

use std::sync::Arc;

use evenkeel_protocol::{Call, Code, MemberRemoval, Peer, Refusal, UndoOrder};

use super::edits::parse_edit;
use super::endpoints::{off_thread, parse};
use super::peer::named;
use super::stream::Reply;
use crate::registry::roster::{Room, RosterEdit};
use crate::server::Proxy;

/// Answers one such call. It writes to disk and waits for worker threads, so it leaves the control thread.
pub(super) async fn answer(
    call: Call,
    body: Vec<u8>,
    proxy: &Arc<Proxy>,
    peer: Option<Peer>,
) -> Result<Reply, Refusal> {
    let proxy = Arc::clone(proxy);
    match call {
        Call::AddMember(name) => {
            off_thread(move || {
                let by = named(peer);
                let addition = parse_edit(&body, &proxy.registry, (&name, by.as_ref()))?;
                proxy.change_roster(&name, RosterEdit::Add(&addition, Room::Ample), by)
            })
            .await
        }
        Call::RemoveMember(name, member) => {
            off_thread(move || {
                let by = named(peer);
                let removal = if body.is_empty() {
                    MemberRemoval::default()
                } else {
                    parse_edit(&body, &proxy.registry, (&name, by.as_ref()))?
                };
                proxy.change_roster(&name, RosterEdit::Remove(&member, &removal), by)
            })
            .await
        }
        Call::PreviewAddition(name) => {
            let addition = parse(&body)?;
            off_thread(move || proxy.preview_roster(&name, RosterEdit::Add(&addition, Room::Ample))).await
        }
        Call::PreviewRemoval(name, member) => {
            let removal: MemberRemoval =
                if body.is_empty() { MemberRemoval::default() } else { parse(&body)? };
            off_thread(move || proxy.preview_roster(&name, RosterEdit::Remove(&member, &removal))).await
        }
        Call::Undo => {
            // Nothing: the last edit of who asks.
            let order = if body.is_empty() { UndoOrder::default() } else { parse(&body)? };
            off_thread(move || proxy.undo(&order, named(peer))).await
        }
        _ => Err(Refusal::new(Code::Internal, "this is no call about members that come and go")),
    }
}
