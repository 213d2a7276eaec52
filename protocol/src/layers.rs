//! Where the value of a field comes from: what is configured, what was set over it at run time and by whom, and what
//! is in effect.

use serde::{Deserialize, Serialize};

use crate::edit::Peer;
use crate::name::{BalancerName, MemberName};
use crate::reload::Subject;
use crate::timestamp::Timestamp;

/// Everything that was set at run time and differs from the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// When it was looked at.
    pub taken: Timestamp,
    /// Will all of it survive a restart?
    pub durable: bool,
    /// The fields, those of one balancer or member behind one another; all others are as configured.
    pub fields: Vec<Layers>,
    /// The lines of the configuration of the members among them, so that they can be written anew.
    pub lines: Vec<MemberLine>,
}

/// A `BalancerMember` line as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberLine {
    /// The balancer.
    pub balancer: BalancerName,
    /// The member.
    pub member: MemberName,
    /// The words behind its URL, `KEY=VALUE` each, without quotation marks and with variables replaced.
    pub parameters: Vec<String>,
}

/// The layers of one field. Values are texts as Apache writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// Whose field.
    #[serde(flatten)]
    pub subject: Subject,
    /// The field, as in edits.
    pub field: String,
    /// What the configuration says.
    pub configured: String,
    /// What was set over it; none: a change from outside the edits, such as a failed check.
    pub overridden: Option<Overridden>,
    /// What is in effect.
    pub effective: String,
}

/// A value that was set at run time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overridden {
    /// The value.
    pub value: String,
    /// Who set it; none: nobody knows any more.
    pub by: Option<Peer>,
    /// When; none: nobody knows any more.
    pub at: Option<Timestamp>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// The number of its event, which can be undone; none: nobody knows any more.
    pub event: Option<u64>,
}
