//! What several edits of members would do together, without doing them: one edit for many members, or several edits.
//!
//! They are tried in their order on one copy of each balancer, so that who is the last one is known before the first is
//! made.

use serde::{Deserialize, Serialize};

use crate::edit::{Change, MemberEdit};
use crate::name::{BalancerName, MemberName};
use crate::preview::Moved;
use crate::refusal::Refusal;

/// One edit that is meant for several members of a balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The balancer.
    pub balancer: BalancerName,
    /// Its members, in the order in which they would be edited.
    pub members: Vec<MemberName>,
    /// What would be changed of each.
    pub edit: MemberEdit,
}

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanOrder {
    /// The edits, in the order in which they would be made.
    pub proposals: Vec<Proposal>,
}

/// The answer: one for each balancer, in the order in which they were first named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPreview {
    /// Always false, so that a script can tell it from something that was done.
    pub applied: bool,
    /// What becomes of each balancer.
    pub balancers: Vec<BalancerOutlook>,
}

/// What all edits of a balancer's members would do together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancerOutlook {
    /// The balancer.
    pub balancer: BalancerName,
    /// What would become of each edit, in their order.
    pub steps: Vec<PlanStep>,
    /// The traffic that would go elsewhere; none: nothing was measured yet.
    pub moved: Option<Moved>,
    /// Sessions that would change their member or get no answer; none: unknown.
    pub sessions: Option<u64>,
    /// Members that would be given requests of clients without a session, in configuration order.
    pub remaining: Vec<MemberName>,
    /// Who would get the next requests of clients without a session as things are; see
    /// [`Preview::PICKS`](crate::Preview::PICKS).
    pub next: Vec<MemberName>,
    /// The same after all of them.
    pub next_after: Vec<MemberName>,
    /// What an operator should know, in sentences.
    pub notes: Vec<String>,
}

/// What would become of one edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// Whose.
    pub member: MemberName,
    /// What would change; empty if all that is asked for holds already.
    pub changes: Vec<Change>,
    /// What it would be refused with, guards included; none: it would be made.
    pub refusal: Option<Refusal>,
}
