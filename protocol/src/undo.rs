//! Taking an edit back: each field that it changed gets the value of before, if nobody touched one of them since.

use serde::{Deserialize, Serialize};

use crate::edit::{Edited, Reason};
use crate::preview::Preview;
use crate::timestamp::Timestamp;

/// What is to be undone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UndoOrder {
    /// The number of the edit's event, which may be an undo; none: the last edit of who asks that is no undo, was not
    /// undone and can be taken back, so that asked again it goes further back.
    pub event: Option<u64>,
    /// Only look what it would do?
    pub dry_run: bool,
    /// Override the guards, and as root undo what somebody else did?
    pub force: bool,
    /// Why, for the log of events.
    pub reason: Option<Reason>,
}

/// The answer to an undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// The number of the event that was, or would be, undone.
    pub undoes: u64,
    /// The number of the event that this does again, where what is undone was an undo itself.
    #[serde(default)]
    pub does_again: Option<u64>,
    /// When that was.
    pub at: Timestamp,
    /// Why it was done, in the operator's words.
    pub reason: Option<String>,
    /// The edit that undid it; none if it was only looked at.
    pub edited: Option<Edited>,
    /// What it would do; none if it was done.
    pub preview: Option<Preview>,
    /// Later edits of who asks that cannot be taken back, the last one first; only of a dry run that named no event:
    /// without it, such an edit is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<PassedOver>,
}

/// An edit that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// The number of its event.
    pub event: u64,
    /// Why it cannot be taken back, in a sentence.
    pub why: String,
}
