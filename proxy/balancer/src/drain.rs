//! One drain as a state machine: what was seen and when goes in, where it stands and whether the member can be stopped
//! comes out.
//!
//! Between two looks a request may come and go, so quiet is measured by the count of elections as well: a member was
//! quiet only if nothing is in flight and nobody was elected to it since the look before. Say it settles in 5 s and is
//! looked at each second: a request that came and went between the third and the fourth look makes it wait for five
//! more, although neither look saw it. All times are moments of a clock that never steps.

use std::time::Duration;

use evenkeel_protocol::{Busy, DrainPhase, DrainUntil, Flag, MemberName, Moment, Route};

use crate::balancer::Balancer;
use crate::member::MemberId;

/// What a drain waits for, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainPlan {
    /// What has to come.
    pub until: DrainUntil,
    /// How long nothing must be in flight, in one piece.
    pub settle: Duration,
    /// When it has taken too long; none: never.
    pub deadline: Option<Moment>,
}

/// What is known of the sessions of a member, as far as a drain decides by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionsSeen {
    /// There are none to wait for: the balancer is not sticky, or the member has no route.
    Meaningless,
    /// No whole window was observed, so none can be said to be gone.
    Unknown,
    /// So many were seen in the window.
    Live(u64),
    /// None was seen for a whole window that was observed.
    None,
}

impl SessionsSeen {
    /// Can none come back?
    pub fn are_gone(self) -> bool {
        matches!(self, Self::Meaningless | Self::None)
    }
}

/// One look at a member. The sessions are to be read after the counters: whoever is not in flight any more has left its
/// session there, and whoever comes in between comes after this look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// What is in flight.
    pub busy: u64,
    /// How many requests have come so far; where it is another number than at the last look, some came in between.
    pub elected: u64,
    /// Its sessions.
    pub sessions: SessionsSeen,
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It waits.
    Waits(DrainPhase),
    /// What it waits for has come.
    Reached,
    /// The deadline came first, in that phase.
    TooLate(DrainPhase),
}

/// The watch over one member that is drained.
#[derive(Debug, Clone)]
pub struct DrainWatch {
    plan: DrainPlan,
    /// The last look and its moment.
    last: Option<(Moment, Sight)>,
    /// Since when nothing has been in flight.
    quiet_since: Option<Moment>,
    /// What was in flight when it was most, and when that was: what the estimate goes by.
    most: (Moment, u64),
    /// When a request was last seen to have come.
    came: Option<Moment>,
}

impl DrainWatch {
    /// A watch that has seen nothing yet.
    pub fn new(plan: DrainPlan) -> Self {
        Self { plan, last: None, quiet_since: None, most: (Moment(0), 0), came: None }
    }

    /// What it waits for.
    pub fn plan(&self) -> DrainPlan {
        self.plan
    }

    /// It waits for something else from now on. What was seen stays seen.
    pub fn replan(&mut self, plan: DrainPlan) {
        self.plan = plan;
    }

    /// Takes in a look at `now` and says what follows.
    pub fn look(&mut self, sight: Sight, now: Moment) -> Standing {
        let came = self.last.is_some_and(|(_, last)| last.elected != sight.elected);
        if came {
            self.came = Some(now);
        }
        if sight.busy > 0 {
            self.quiet_since = None;
        } else if came || self.quiet_since.is_none() {
            self.quiet_since = Some(now);
        }
        if sight.busy >= self.most.1 {
            self.most = (now, sight.busy);
        }
        self.last = Some((now, sight));
        let phase = self.phase(now);
        if phase == DrainPhase::Done {
            return Standing::Reached;
        }
        match self.plan.deadline {
            Some(deadline) if now >= deadline => Standing::TooLate(phase),
            _ => Standing::Waits(phase),
        }
    }

    /// Where it stands, whatever the deadline says.
    fn phase(&self, now: Moment) -> DrainPhase {
        let Some((_, sight)) = self.last else { return DrainPhase::Shedding };
        if self.plan.until == DrainUntil::NoSessions && !sight.sessions.are_gone() {
            return DrainPhase::Sessions;
        }
        match self.quiet(now) {
            None => DrainPhase::Requests,
            Some(quiet) if quiet < self.plan.settle => DrainPhase::Settling,
            Some(_) => DrainPhase::Done,
        }
    }

    /// For how long nothing has been in flight; none: something is, or nobody has looked.
    pub fn quiet(&self, now: Moment) -> Option<Duration> {
        self.quiet_since.map(|since| now.since(since))
    }

    /// Can the member be stopped without anybody noticing, as of the last look? Stricter than an end of waiting for
    /// `idle`: no session may come back either.
    pub fn is_safe(&self) -> bool {
        self.last.is_some_and(|(at, sight)| {
            sight.sessions.are_gone() && self.quiet(at).is_some_and(|quiet| quiet >= self.plan.settle)
        })
    }

    /// In how long what is in flight may be gone, by the rate at which it got less since it was most; none: it does not
    /// get less, sessions decide, or requests came within the settle time, as others then will.
    pub fn estimate(&self, now: Moment) -> Option<Duration> {
        let (_, sight) = self.last?;
        if self.came.is_some_and(|came| now.since(came) < self.plan.settle) {
            return None;
        }
        if self.plan.until == DrainUntil::NoSessions && !sight.sessions.are_gone() {
            return None;
        }
        if let Some(quiet) = self.quiet(now) {
            return Some(self.plan.settle.saturating_sub(quiet));
        }
        let (since, most) = self.most;
        let ended = most.checked_sub(sight.busy).filter(|ended| *ended > 0)?;
        let each = now.since(since).checked_div(u32::try_from(ended).ok()?)?;
        Some(each.saturating_mul(u32::try_from(sight.busy).ok()?).saturating_add(self.plan.settle))
    }
}

/// What a drain has to know of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberLook {
    /// Does it take no new sessions (N)?
    pub draining: bool,
    /// Is it stopped (S)?
    pub stopped: bool,
    /// How many edits of it were accepted.
    pub revision: u64,
    /// Its route; may be empty.
    pub route: Route,
    /// Does its balancer look for sessions at all?
    pub sticky: bool,
    /// What is in flight.
    pub busy: Busy,
    /// How often it was elected.
    pub elected: u64,
}

impl Balancer {
    /// Does the member take requests of clients without a session, as far as operators decide?
    pub fn takes_new(&self, member: MemberId) -> bool {
        self.member(member).is_some_and(|member| !member.is_closed())
    }

    /// Members that were taken away and that requests of before were still with when this balancer took its place: what
    /// is in flight at each, and how often it was elected.
    pub fn departed(&self) -> impl Iterator<Item = (&MemberName, Busy, u64)> {
        self.departed.iter().map(|gone| (&gone.name, gone.tally.busy_kinds(), gone.tally.elected()))
    }

    /// Looks at the member of that name, which is probably the one with this number; with the number that it has. No
    /// election falls between what is seen.
    pub fn look_at(&self, name: &MemberName, likely: MemberId) -> Option<(MemberId, MemberLook)> {
        let id = self.find_member(name, likely)?;
        let member = self.member(id)?;
        let look = MemberLook {
            draining: member.status.has(Flag::Drain),
            stopped: member.status.has(Flag::Stopped),
            revision: member.revision,
            route: member.settings.route.clone(),
            sticky: self.settings.stickysession.is_some(),
            busy: member.tally.busy_kinds(),
            elected: member.tally.elected(),
        };
        Some((id, look))
    }
}

#[cfg(test)]
mod tests;
