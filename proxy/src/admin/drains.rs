//! The endpoints of drains.

use std::sync::Arc;

use evenkeel_protocol::{Call, Code, Peer, Refusal};

use super::endpoints::{off_thread, parse};
use super::peer::named;
use super::stream::Reply;
use crate::drains::Drains;

/// Answers one call about drains. Changes write to disk, so they leave the control thread for it.
pub(super) async fn answer(
    call: Call,
    body: &[u8],
    drains: &Arc<Drains>,
    peer: Option<Peer>,
) -> Result<Reply, Refusal> {
    let jobs = Arc::clone(drains);
    match call {
        Call::Drain(number) => Ok(Reply::json(&jobs.find(number)?)),
        Call::BeginDrain(name, selector) => {
            let order = parse(body)?;
            off_thread(move || jobs.begin(&name, &selector, &order, named(peer))).await
        }
        Call::ChangeDrain(number) => {
            let change = parse(body)?;
            off_thread(move || jobs.change(number, &change, named(peer))).await
        }
        Call::CancelDrain(number) => {
            let cancel = parse(body)?;
            off_thread(move || jobs.cancel(number, &cancel, named(peer))).await
        }
        Call::Drains => Ok(Reply::json(&jobs.list())),
        _ => Err(Refusal::new(Code::Internal, "this is no call about drains")),
    }
}
