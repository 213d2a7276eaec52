//! What a screen needs to know beside the snapshot, how often, and what is found; and what may be asked of a drain.
//!
//! A screen asks only for what it shows. What is found carries the need that it answers, so that an answer that comes
//! late is not taken for another.

use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::{
    BalancerEdit, BalancerName, Census, DrainCancel, DrainChange, DrainOrder, ElectionFilter, Elections,
    Explanation, History, HistoryQuery, MemberAddition, MemberEdit, MemberName, Overrides, PlanOrder,
    PlanPreview, Preview, Question,
};

/// One thing that a screen needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Need {
    /// The past of one member, or of all members of a balancer; from then on snapshots tell how it goes on.
    History(BalancerName, Option<MemberName>, HistoryQuery),
    /// What was seen of the sessions of a balancer.
    Census(BalancerName),
    /// The last elections.
    Elections(ElectionFilter),
    /// What was set over the configuration.
    Overrides,
    /// What an edit would do, for the question about it.
    Preview(BalancerName, MemberName, Box<MemberEdit>),
    /// What a change of a balancer's own settings would do.
    Tuning(BalancerName, Box<BalancerEdit>),
    /// What it would do to take the edit of that event back.
    Undo(u64),
    /// What it would do that a member comes.
    Addition(BalancerName, Box<MemberAddition>),
    /// What it would do that a member goes.
    Removal(BalancerName, MemberName),
    /// What an edit of many members would do.
    Plan(Box<PlanOrder>),
    /// Where a request would go. The number tells a question that is asked once more.
    Explanation(u64, Box<Question>),
}

/// When something that is still needed is fetched again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// With each new connection.
    Once,
    /// Beside that after events, at most once a second.
    Events,
    /// Beside that whenever so many seconds have passed.
    Seconds(u64),
}

impl Need {
    /// Is it what one act would do?
    pub fn is_preview(&self) -> bool {
        matches!(
            self,
            Self::Preview(..) | Self::Tuning(..) | Self::Undo(_) | Self::Addition(..) | Self::Removal(..)
        )
    }

    /// When it is fetched again.
    pub fn pace(&self) -> Pace {
        match self {
            Self::History(..) => Pace::Once,
            Self::Census(_) => Pace::Seconds(2),
            Self::Elections(_) => Pace::Seconds(1),
            Self::Overrides
            | Self::Preview(..)
            | Self::Tuning(..)
            | Self::Undo(_)
            | Self::Addition(..)
            | Self::Removal(..)
            | Self::Plan(_)
            | Self::Explanation(..) => Pace::Events,
        }
    }
}

/// What was found. Boxed, because most news are small.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// The past.
    History(Box<History>),
    /// Sessions.
    Census(Box<Census>),
    /// Elections.
    Elections(Box<Elections>),
    /// Layers.
    Overrides(Box<Overrides>),
    /// What an edit would do.
    Preview(Box<Preview>),
    /// What an edit of many members would do.
    Plan(Box<PlanPreview>),
    /// Where a request would go.
    Explanation(Box<Explanation>),
}

/// What is asked of the proxy's drains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Begin one.
    Begin(BalancerName, MemberName, DrainOrder),
    /// Change the one of that number.
    Change(u64, DrainChange),
    /// End the one of that number.
    Cancel(u64, DrainCancel),
}

impl Job {
    /// The same, for that reason, and beginning it even where a guard refuses.
    #[must_use]
    pub fn because(mut self, why: Option<Reason>, force: Option<bool>) -> Self {
        let reason = match &mut self {
            Self::Begin(_, _, order) => {
                order.force = force;
                &mut order.reason
            }
            Self::Change(_, change) => &mut change.reason,
            Self::Cancel(_, cancel) => &mut cancel.reason,
        };
        *reason = why.or(reason.take());
        self
    }
}
