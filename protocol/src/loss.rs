//! How an edit was lost, as a reader of a manager page sees it: whose it was, and what took it away.

use serde::{Deserialize, Serialize};

/// What is known of a loss. A proxy that drops edits by itself says why in words and leaves this as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Loss {
    /// Was the edit made elsewhere than where this is told: by somebody else, or by another command?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub elsewhere: bool,
    /// What took it away; none: that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// What takes an edit away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A restart, after which everything is as it was before the edit.
    Restart,
    /// Another configuration: it says neither what was set nor what was there before, or the subject is gone from it.
    Configuration,
    /// Another server, which answers now in the place of the one that was edited.
    Server,
}

impl Loss {
    /// Is nothing known that the words do not say?
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}
