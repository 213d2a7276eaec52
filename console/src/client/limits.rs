//! The bounds of a connection: how long it waits and how much it takes.

use std::time::Duration;

/// Waits and sizes of a [`Client`](super::Client).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long to wait for a connection.
    pub connect: Duration,
    /// How long to wait for a whole answer; of a stream, for its beginning.
    pub answer: Duration,
    /// The largest answer that is taken, in bytes.
    pub largest_answer: usize,
    /// The longest line of the event stream that is taken, in bytes.
    pub longest_line: usize,
}

impl Limits {
    /// The same, for an answer that only adds to a message: nobody waits long for that.
    #[must_use]
    pub fn in_passing(self) -> Self {
        let longest = Duration::from_secs(1);
        Self { connect: self.connect.min(longest), answer: self.answer.min(longest), ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            answer: Duration::from_secs(5),
            largest_answer: 64 << 20,
            longest_line: 1 << 20,
        }
    }
}

/// The longest text within an answer, in characters; the rest is cut.
pub(super) const LONGEST_TEXT: usize = 4096;

/// News that wait for the screen; the connection pauses when there are more.
pub(super) const NEWS: usize = 256;

/// Edits of one [`Handle`](super::Handle) that wait for their answers; more are refused.
pub(super) const EDITS: usize = 64;

/// The least time from an event to the snapshot that it asks for, so that a burst of events asks for one.
pub(super) const GATHER: Duration = Duration::from_millis(20);

/// Runtime folders of proxies that a search looks at in one place.
pub(super) const PROXIES: usize = 256;
