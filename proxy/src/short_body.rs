//! Reads the whole body of a request to one of the proxy's own handlers, which is short and bounded.

use std::future::poll_fn;

use evenkeel_protocol::Moment;

use crate::conversation::Conversation;
use crate::deadline::Doing;
use crate::http::body::{Incoming, Length};
use crate::http::request::RequestHead;
use crate::limits;

/// What became of a request to a handler.
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
    pub(crate) fn early(status: u16) -> Self {
        Self { status, whole: false, read: 0 }
    }
}

/// Reads a body of at most so many bytes.
///
/// # Errors
///
/// 413 for a longer one, 408 for a slow one, 400 for one that is none.
pub(crate) async fn read(
    conversation: &mut Conversation,
    head: &RequestHead,
    most: usize,
) -> Result<Vec<u8>, Posted> {
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
        if body.len() > most || trailer.len() > limits::TRAILER_BYTES {
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
