//! The event stream: lines of JSON cut out of the chunks in which they come.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use evenkeel_protocol::{Event, EventKind};
use reqwest::Response;
use serde::Deserialize;
use tokio::time::timeout;

use super::apache::listen::Listener;
use super::{Failure, Limits, answer};

/// Events as they come. After a failure there are no more.
#[derive(Debug)]
pub struct Events(Source);

/// Where they come from.
#[derive(Debug)]
enum Source {
    Stream(Box<Stream>),
    Httpd(Listener),
}

/// The stream of an Evenkeel proxy.
#[derive(Debug)]
struct Stream {
    response: Option<Response>,
    lines: Lines,
    last: u64,
    /// Does it go on as events happen, and rests as long as none does?
    follow: bool,
    /// Why it ends behind the lines that came.
    failed: Option<Failure>,
    limits: Limits,
    socket: Arc<Path>,
}

impl Events {
    pub(super) fn of_httpd(listener: Listener) -> Self {
        Self(Source::Httpd(listener))
    }

    pub(super) fn new(
        response: Response,
        after: u64,
        follow: bool,
        socket: Arc<Path>,
        limits: Limits,
    ) -> Self {
        let lines = Lines::new(limits.longest_line);
        let stream =
            Stream { response: Some(response), lines, last: after, follow, failed: None, limits, socket };
        Self(Source::Stream(Box::new(stream)))
    }

    /// The next event; none when the proxy has ended the stream. Nothing is lost if this is given up half-way.
    pub async fn next(&mut self) -> Option<Result<Event, Failure>> {
        match &mut self.0 {
            Source::Stream(stream) => stream.next().await,
            Source::Httpd(listener) => Some(listener.next().await),
        }
    }

    /// The number of the last event that was read, also of those that this version does not know: go on behind it.
    pub fn last(&self) -> u64 {
        match &self.0 {
            Source::Stream(stream) => stream.last,
            Source::Httpd(listener) => listener.last(),
        }
    }
}

impl Stream {
    async fn next(&mut self) -> Option<Result<Event, Failure>> {
        loop {
            while let Some(line) = self.lines.next() {
                match self.read(&line) {
                    Ok(Some(event)) => return Some(Ok(event)),
                    Ok(None) => {}
                    Err(failure) => return Some(Err(self.end_with(failure))),
                }
            }
            match self.more().await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(failure) => return Some(Err(self.end_with(failure))),
            }
        }
    }

    /// Takes the next chunk, or all at once where it is not followed, as any other answer; false at the end. Whoever reads
    /// may then take their time.
    async fn more(&mut self) -> Result<bool, Failure> {
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        if self.follow || self.response.is_none() {
            return self.chunk().await;
        }
        let waited = self.limits.answer;
        let whole = timeout(waited, self.whole()).await.unwrap_or_else(|_| Err(Failure::late(waited)));
        self.response = None;
        self.failed = whole.err();
        Ok(true)
    }

    async fn whole(&mut self) -> Result<(), Failure> {
        let largest = self.limits.largest_answer;
        while self.chunk().await? {
            if self.lines.taken > largest {
                return Err(Failure::Protocol(format!("the events are more than {largest} bytes")));
            }
        }
        Ok(())
    }

    /// Takes the next chunk; false at the end.
    async fn chunk(&mut self) -> Result<bool, Failure> {
        let Some(response) = self.response.as_mut() else { return Ok(false) };
        let chunk = response.chunk().await;
        match chunk.map_err(|error| Failure::from_http(&error, &self.socket))? {
            Some(chunk) => self.lines.take(&chunk).map(|()| true),
            None if self.lines.is_within() => {
                Err(Failure::Protocol("the event stream ended in the middle of a line".to_owned()))
            }
            None => {
                self.response = None;
                Ok(false)
            }
        }
    }

    /// Reads one line; blank ones and events that a later version added are passed over.
    fn read(&mut self, line: &[u8]) -> Result<Option<Event>, Failure> {
        #[derive(Deserialize)]
        struct Numbered {
            number: u64,
            event: String,
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let event = answer::read::<Event>(line);
        let number = match &event {
            Ok(Event { number, kind: EventKind::Missed { to, .. }, .. }) => (*number).max(*to),
            Ok(event) => event.number,
            Err(_) => match answer::read::<Numbered>(line) {
                Ok(unknown) => {
                    tracing::debug!(
                        number = unknown.number,
                        event = unknown.event,
                        "unknown event passed over"
                    );
                    self.last = self.last.max(unknown.number);
                    return Ok(None);
                }
                Err(failure) => return Err(failure),
            },
        };
        self.last = self.last.max(number);
        event.map(Some)
    }

    fn end_with(&mut self, failure: Failure) -> Failure {
        self.response = None;
        self.lines = Lines::new(0);
        failure
    }
}

/// Cuts bytes into lines, however they were split on the way.
#[derive(Debug)]
struct Lines {
    whole: VecDeque<Vec<u8>>,
    begun: Vec<u8>,
    longest: usize,
    /// Bytes so far.
    taken: usize,
}

impl Lines {
    fn new(longest: usize) -> Self {
        Self { whole: VecDeque::new(), begun: Vec::new(), longest, taken: 0 }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.taken = self.taken.saturating_add(bytes.len());
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            if self.begun.len() + text.len() > self.longest {
                return Err(Failure::Protocol(format!("an event is longer than {} bytes", self.longest)));
            }
            self.begun.extend_from_slice(text);
            if ends {
                self.whole.push_back(std::mem::take(&mut self.begun));
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        self.whole.pop_front()
    }

    fn is_within(&self) -> bool {
        !self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_be_as_long_as_the_bound_and_not_longer() {
        let mut lines = Lines::new(4);
        lines.take(b"abcd\nab").unwrap();
        lines.take(b"cd").unwrap();
        assert!(lines.take(b"e").is_err());
        assert_eq!(lines.next().as_deref(), Some(&b"abcd"[..]));
    }

    proptest::proptest! {
        #[test]
        fn lines_do_not_depend_on_how_they_were_split(
            lines in proptest::collection::vec("[a-z]{0,6}", 1..6),
            cut in 1usize..8,
        ) {
            let text = lines.join("\n") + "\n";
            let mut reader = Lines::new(100);
            for chunk in text.as_bytes().chunks(cut) {
                reader.take(chunk).unwrap();
            }
            let read: Vec<String> =
                std::iter::from_fn(|| reader.next()).map(|line| String::from_utf8(line).unwrap()).collect();
            proptest::prop_assert_eq!(read, lines);
            proptest::prop_assert!(!reader.is_within());
        }
    }
}
