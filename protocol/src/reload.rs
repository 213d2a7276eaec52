//! What reading the configuration anew did: who came, who went, and what became of edits that were made at run time.

use serde::{Deserialize, Serialize};

use crate::name::{BalancerName, MemberName};

/// A balancer or one of its members.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// The balancer.
    pub balancer: BalancerName,
    /// None: the balancer itself.
    pub member: Option<MemberName>,
}

/// An edit of one field that was made at run time and met a configuration that was read after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Whose field.
    #[serde(flatten)]
    pub subject: Subject,
    /// The field, as in edits.
    pub field: String,
    /// What it was set to.
    pub value: String,
    /// Why it holds, or why the configuration wins.
    pub why: String,
}

/// The configuration was read anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// How often that was done since the start.
    pub reloads: u64,
    /// The number of its event.
    pub event: u64,
    /// Who is there now and was not.
    pub added: Vec<Subject>,
    /// Who was there and is not any more. Requests that are with them may finish.
    pub removed: Vec<Subject>,
    /// Edits that hold on.
    pub kept: Vec<Override>,
    /// Edits that hold no longer.
    pub dropped: Vec<Override>,
    /// What somebody should know about the configuration.
    pub warnings: Vec<String>,
    /// Will the edits that hold on survive a restart?
    pub durable: bool,
}
