//! The handler `heartbeat`: a POST with the text of a heartbeat as its body counts for the client's address, at once.
//!
//! As in httpd 2.4.71: 405 for other methods, 503 without `HeartbeatListen`, 400 for what is no heartbeat, else 200 and
//! `OK`. Besides, 403 for who may not send heartbeats, and 413 for a body that is longer than any.

use std::future::poll_fn;

use evenkeel_protocol::{HeardBy, Moment};

use super::message::LONGEST;
use super::{Heartmonitor, Refused, message};
use crate::conversation::Conversation;
use crate::deadline::Doing;
use crate::http::body::{Incoming, Length};
use crate::http::request::RequestHead;

/// What is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Posted {
    pub(crate) status: u16,
    /// Was the body read to its end?
    pub(crate) whole: bool,
    /// Bytes of the body.
    pub(crate) read: u64,
}

impl Posted {
    /// Before anything of the body was looked at.
    fn early(status: u16) -> Self {
        Self { status, whole: false, read: 0 }
    }
}

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
    let body = match read(conversation, head, most).await {
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

/// Reads a body of at most so many bytes.
async fn read(conversation: &mut Conversation, head: &RequestHead, most: usize) -> Result<Vec<u8>, Posted> {
    if matches!(head.length, Length::Exactly(bytes) if bytes > most as u64) {
        return Err(Posted::early(413));
    }
    let (mut incoming, mut body, mut trailer) = (Incoming::new(head.length), Vec::new(), Vec::new());
    let began = conversation.worker.now();
    if head.expects_continue && conversation.input.is_empty() {
        let mut interim = conversation.worker.spares.small();
        interim.put(b"HTTP/1.1 100 Continue\r\n\r\n");
        conversation.write(interim).await.map_err(|_| Posted::early(400))?;
    }
    loop {
        let input = &mut conversation.input;
        let taken = incoming.take(input.filled_mut(), &mut trailer).map_err(|_| Posted::early(400))?;
        body.extend_from_slice(input.filled().get(..taken.data).unwrap_or_default());
        input.consume(input.len() - taken.surplus);
        if body.len() > most || trailer.len() > LONGEST {
            return Err(Posted { status: 413, whole: false, read: body.len() as u64 });
        }
        if incoming.is_done() {
            return Ok(body);
        }
        more(conversation, began, body.len() as u64).await?;
    }
}

/// Reads more of the body, at the pace that clients must keep.
async fn more(conversation: &mut Conversation, began: Moment, bytes: u64) -> Result<(), Posted> {
    let pace = conversation.site.serving.body;
    conversation.deadline.set(pace.deadline(began, bytes), Doing::Working);
    let count = poll_fn(|context| conversation.poll_input(context)).await;
    conversation.deadline.clear();
    match count {
        Ok(0) => Err(Posted::early(400)),
        Ok(count) => {
            conversation.input.advance(count);
            Ok(())
        }
        Err(why) if why.kind() == std::io::ErrorKind::TimedOut => Err(Posted::early(408)),
        Err(_) => Err(Posted::early(400)),
    }
}
