//! What several edits of members would do together, without doing them: one edit for many members, or several edits;
//! that members go is one of them.
//!
//! They are tried in their order on one copy of each balancer, so that who is the last one is known before the first is
//! made.

use serde::{Deserialize, Serialize};

use crate::edit::{Change, MemberEdit};
use crate::name::{BalancerName, MemberName};
use crate::preview::Moved;
use crate::refusal::Refusal;
use crate::roster::MemberRemoval;

/// What is meant for several members of a balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Proposal {
    /// The balancer.
    pub balancer: BalancerName,
    /// Its members, in the order in which they would be edited.
    pub members: Vec<MemberName>,
    /// What would be done to each.
    #[serde(flatten)]
    pub intent: Intent,
}

/// What would be done to a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Its settings would be changed.
    Edit(MemberEdit),
    /// It would be removed. A revision is that of the balancer, which each removal raises by one.
    Removal(MemberRemoval),
}

/// A proposal as it is written: with an edit or with a removal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    balancer: BalancerName,
    members: Vec<MemberName>,
    edit: Option<MemberEdit>,
    removal: Option<MemberRemoval>,
}

impl TryFrom<Written> for Proposal {
    type Error = &'static str;

    fn try_from(Written { balancer, members, edit, removal }: Written) -> Result<Self, Self::Error> {
        let intent = match (edit, removal) {
            (Some(edit), None) => Intent::Edit(edit),
            (None, Some(removal)) => Intent::Removal(removal),
            (None, None) => return Err("a proposal needs an edit or a removal"),
            (Some(_), Some(_)) => return Err("a proposal is either an edit or a removal"),
        };
        Ok(Self { balancer, members, intent })
    }
}

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanOrder {
    /// The edits, in the order in which they would be made.
    pub proposals: Vec<Proposal>,
}

impl PlanOrder {
    /// The largest that is read, in bytes of JSON: a thousand members, each with a name of [`MemberName::LONGEST`], and
    /// room for what else it says.
    pub const LARGEST: usize = 512 * 1024;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rest: &str) -> Result<Proposal, String> {
        let json = format!(r#"{{"balancer":"app","members":["http://a"]{rest}}}"#);
        serde_json::from_str(&json).map_err(|why| why.to_string())
    }

    #[test]
    fn a_proposal_is_an_edit_or_a_removal_and_reads_as_it_was_written() {
        for (rest, intent) in [
            (
                r#","edit":{"drain":true}"#,
                Intent::Edit(MemberEdit { drain: Some(true), ..MemberEdit::default() }),
            ),
            (
                r#","removal":{"force":true}"#,
                Intent::Removal(MemberRemoval { force: true, ..MemberRemoval::default() }),
            ),
        ] {
            let proposal = read(rest).unwrap();
            assert_eq!(proposal.intent, intent);
            let written = serde_json::to_string(&proposal).unwrap();
            assert_eq!(written, format!(r#"{{"balancer":"app","members":["http://a"]{rest}}}"#));
        }
        for (rest, says) in [
            ("", "needs an edit or a removal"),
            (r#","edit":{},"removal":{}"#, "either an edit or a removal"),
            (r#","edit":{"lbfactor":0}"#, "lbfactor: must be"),
            (r#","remove":{}"#, "unknown field `remove`"),
        ] {
            let why = read(rest).unwrap_err();
            assert!(why.contains(says), "{rest}: {why}");
        }
    }
}
