//! The handler `heartbeat`: a POST with the text of a heartbeat as its body counts for the client's address, at once.
//!
//! As in httpd 2.4.71: 405 for other methods, 503 without `HeartbeatListen`, 400 for what is no heartbeat, else 200 and
//! `OK`. Besides, 403 for who may not send heartbeats, and 413 for a body that is longer than any.

use evenkeel_protocol::HeardBy;

use super::message::LONGEST;
use super::{Heartmonitor, Refused, message};
use crate::conversation::Conversation;
use crate::http::request::RequestHead;
use crate::short_body::{self, Posted};

/// Takes the heartbeat in a request's body, which may have `most` bytes at this path.
pub(crate) async fn post(
    monitor: &Heartmonitor,
    conversation: &mut Conversation,
    head: &RequestHead,
    most: u64,
) -> Posted {
    if head.method.of(conversation.input.block()) != b"POST" {
        return Posted::early(405);
    }
    if monitor.listens().is_none() {
        return Posted::early(503);
    }
    let from = conversation.peer.ip().to_canonical();
    if !monitor.is_allowed(from) {
        monitor.complain(from, Refused::Stranger);
        return Posted::early(403);
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX).min(LONGEST);
    let body = match short_body::read(conversation, head, most).await {
        Ok(body) => body,
        Err(posted) => return posted,
    };
    let message = message::body(&body).map_err(Refused::Malformed);
    let status = match message.and_then(|message| monitor.take(from, message, HeardBy::Post)) {
        Ok(()) => 200,
        Err(why) => {
            monitor.complain(from, why);
            if matches!(why, Refused::Full) { 503 } else { 400 }
        }
    };
    monitor.hand_on();
    Posted { status, whole: true, read: body.len() as u64 }
}
