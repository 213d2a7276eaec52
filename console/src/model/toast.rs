//! The line that tells an outcome for a while, and what makes it untrue before that is over.

use std::time::Duration;

use evenkeel_protocol::Moment;

use crate::model::Tone;
use crate::model::target::Target;

/// A line that tells an outcome for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The line.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    /// What can be done about it, in a few words; less important than the line.
    pub more: Option<String>,
    /// What makes it untrue before its time is over; none: nothing that could be seen.
    pub until_seen: Option<Seen>,
    until: Moment,
}

/// What a snapshot may show that makes a line about it untrue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Something was told as not done, and these settings of a member hold, by name and value.
    Holding(Target, Vec<(String, String)>),
    /// It was told that a drain has begun, and the one of that number has ended, so that its member may not drain any more
    /// or nobody tells any more when it can be stopped.
    Ended(u64),
    /// Nothing could be changed, and that can be done.
    Changeable,
    /// What was written means nothing; seen by what is written next.
    Understood,
}

impl Toast {
    /// A line that is shown from `now` on; bad news stay longer.
    pub(super) fn at(now: Moment, tone: Tone, text: String) -> Self {
        let seconds = if tone == Tone::Alarm { 20 } else { 8 };
        Self::until(now.plus(Duration::from_secs(seconds)), tone, text)
    }

    /// A line that is shown until then.
    pub(super) fn until(until: Moment, tone: Tone, text: String) -> Self {
        Self { text, tone, more: None, until_seen: None, until }
    }

    pub(super) fn is_over(&self, now: Moment) -> bool {
        self.until <= now
    }
}
