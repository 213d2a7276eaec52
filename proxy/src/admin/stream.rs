//! Bodies of the admin interface's answers: one JSON document, or events as lines while they happen.
//!
//! A reader that is slow is never waited for: what it has not read yet is looked up when it reads on.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use evenkeel_protocol::Event;
use http_body::{Frame, SizeHint};
use serde::Serialize;
use tokio::sync::watch;

use crate::registry::Registry;

/// How many events are taken from the log at once.
const AT_ONCE: usize = 64;
/// Bytes that are written without a thought for others: some 20 microseconds.
const PIECE: usize = 16 * 1024;

/// The type of Prometheus' text format.
pub(super) const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The body of an answer.
pub(super) enum Reply {
    Whole(Option<Bytes>),
    /// Text of Prometheus and no JSON.
    Metrics(Option<Bytes>),
    Events(Follower),
}

impl Reply {
    /// One document and a line end, so that a shell's prompt starts on its own line.
    pub(super) fn json(document: &impl Serialize) -> Self {
        let mut text = Unhurried::default();
        // It has no map with keys that are no text, which is all that could fail.
        let _ = serde_json::to_writer(&mut text, document);
        text.0.push(b'\n');
        Self::Whole(Some(text.0.into()))
    }

    /// Everything counted and measured.
    pub(super) fn metrics(text: Vec<u8>) -> Self {
        Self::Metrics(Some(text.into()))
    }

    /// The type of the body.
    pub(super) fn content_type(&self) -> &'static str {
        match self {
            Self::Metrics(_) => METRICS_TYPE,
            Self::Whole(_) | Self::Events(_) => "application/json",
        }
    }

    pub(super) fn events(registry: Arc<Registry>, since: u64, follow: bool) -> Self {
        let news = registry.events().follow();
        Self::Events(Follower {
            registry,
            since,
            follow,
            ready: VecDeque::new(),
            news: Some(news),
            waiting: None,
        })
    }
}

/// Text that lets other threads run after each piece of it: a large document must not keep a processor from those that
/// carry traffic.
#[derive(Default)]
struct Unhurried(Vec<u8>);

impl io::Write for Unhurried {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let pieces = self.0.len() / PIECE;
        self.0.extend_from_slice(bytes);
        if self.0.len() / PIECE > pieces {
            std::thread::yield_now();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Waiting = Pin<Box<dyn Future<Output = Option<watch::Receiver<u64>>>>>;

/// A reader of the log of events.
pub(super) struct Follower {
    registry: Arc<Registry>,
    since: u64,
    follow: bool,
    ready: VecDeque<Event>,
    /// Here while nobody waits on it.
    news: Option<watch::Receiver<u64>>,
    waiting: Option<Waiting>,
}

impl Follower {
    fn poll_line(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.since = event.number;
                let mut line = serde_json::to_vec(&event).unwrap_or_default();
                line.push(b'\n');
                return Poll::Ready(Some(line.into()));
            }
            if let Some(news) = &mut self.news {
                // Marked as seen before looking, so that what comes in between wakes us.
                news.mark_unchanged();
            }
            self.ready = self.registry.events().after(self.since, AT_ONCE).into();
            if !self.ready.is_empty() {
                continue;
            }
            if !self.follow || self.registry.events().is_closed() {
                return Poll::Ready(None);
            }
            let waiting = match (&mut self.waiting, self.news.take()) {
                (Some(waiting), _) => waiting,
                (waiting, Some(mut news)) => {
                    waiting.insert(Box::pin(async move { news.changed().await.ok().map(|()| news) }))
                }
                (None, None) => return Poll::Ready(None),
            };
            match waiting.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(news) => (self.news, self.waiting) = (news, None),
            }
        }
    }
}

impl http_body::Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(text) | Self::Metrics(text) => {
                Poll::Ready(text.take().map(|text| Ok(Frame::data(text))))
            }
            Self::Events(follower) => {
                follower.poll_line(context).map(|line| line.map(|line| Ok(Frame::data(line))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(text) | Self::Metrics(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Self::Events(_) => SizeHint::default(),
        }
    }
}
