//! Health checks: which are due, and what follows from what they found. Nothing is checked here.
//!
//! httpd's rules (`mod_proxy_hcheck`), but counts are of checks in a row. With `hcfails=2` and `hcpasses=2`, and P for a
//! check that passed:
//!
//! ```text
//! found    P  F  P  F  F  P  F  P  P
//! failed   0  1  0  1  0  0  0  0  0
//! passed   0  0  0  0  0  1  0  1  0
//! HcFl                 x  x  x  x
//! ```

use std::time::Duration;

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{
    CheckNote, Flag, HealthCheck, HealthSnapshot, MemberName, Moment, Status, Timestamp,
};

use crate::balancer::Balancer;
use crate::member::{Member, MemberId};

/// The longest reason that is kept of a check, in characters.
const LONGEST_REASON: usize = 200;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Is the member well?
    pub verdict: Verdict,
    /// Why, in a sentence. May be a stranger's words.
    pub reason: String,
    /// How long the check took.
    pub took: Duration,
}

/// Is a member well?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Passed,
    /// It is not.
    Failed,
    /// It is not: it did not answer in time.
    Late,
    /// Nobody knows, for a reason that is not the member's.
    Undecided,
}

/// How many checks may be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub any: usize,
    /// Of those, how many of members that were late the last time, so that these cannot take the room of all.
    pub late: usize,
}

/// A check to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCheck {
    /// Whom to check.
    pub member: MemberId,
    /// How.
    pub check: HealthCheck,
    /// Was it late the last time?
    pub late: bool,
}

/// What a finding changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// Nothing that others see.
    Nothing,
    /// The member failed: it has HcFl now.
    Failed,
    /// The member is well again.
    Passed {
        /// What was lifted: HcFl, an error, or both.
        lifted: Status,
    },
}

/// What is kept of the checks of one member.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    passed: u32,
    failed: u32,
    last: Option<(Finding, Moment)>,
    /// What the interval counts from: the end of the last check, or the first look.
    from: Option<Moment>,
}

/// When a member is to be checked.
#[derive(Debug, Clone, Copy)]
struct Turn {
    at: Moment,
    member: MemberId,
}

/// When which member is to be checked: only those that are checked at all.
#[derive(Debug, Default)]
pub(crate) struct Timetable {
    turns: Vec<Turn>,
    /// Is it to be made anew?
    stale: bool,
}

impl Timetable {
    pub(crate) fn outdated() -> Self {
        Self { turns: Vec::new(), stale: true }
    }
}

impl Member {
    /// As in httpd everybody is checked who is not stopped, whatever else is said of it.
    fn is_checked(&self) -> bool {
        self.settings.health.is_on() && !self.status.has(Flag::Stopped)
    }

    fn was_late(&self) -> bool {
        matches!(self.health.last, Some((Finding { verdict: Verdict::Late, .. }, _)))
    }

    /// What a check found changes its counters, and perhaps its status.
    fn judge(&mut self, passed: bool) -> Observed {
        let Self { health, settings, status, .. } = self;
        let is_down = status.has_any(&[Flag::HealthFail, Flag::Error]);
        let count = |so_far: u32| so_far.saturating_add(1);
        (health.passed, health.failed) = match (is_down, passed) {
            (true, true) => (count(health.passed), 0),
            (true, false) => (0, health.failed),
            (false, true) => (0, 0),
            (false, false) => (0, count(health.failed)),
        };
        if is_down && passed && health.passed >= settings.health.passes {
            health.passed = 0;
            return self.lift_all();
        }
        if !is_down && !passed && health.failed >= settings.health.fails {
            health.failed = 0;
            self.status = status.with(Flag::HealthFail, true);
            return Observed::Failed;
        }
        Observed::Nothing
    }

    /// It is known to be well, so nothing has to be tried with a request. The note of its error stays until the first good
    /// answer.
    fn lift_all(&mut self) -> Observed {
        let mut lifted = Status::NONE;
        for flag in [Flag::HealthFail, Flag::Error] {
            lifted = lifted.with(flag, self.status.has(flag));
            self.status = self.status.with(flag, false);
        }
        Observed::Passed { lifted }
    }
}

impl Health {
    /// As everybody may see it at `now`, which on the wall clock is `wall`.
    pub(crate) fn show(&self, check: &HealthCheck, now: Moment, wall: Timestamp) -> HealthSnapshot {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        HealthSnapshot {
            method: check.method,
            foreign_method: None,
            interval: check.interval,
            passes: check.passes,
            passed: self.passed,
            fails: check.fails,
            failed: self.failed,
            uri: check.uri.clone(),
            expression: check.expression.clone(),
            timeout: check.timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            last: self.last.as_ref().map(|(finding, at)| CheckNote {
                passed: finding.verdict == Verdict::Passed,
                reason: finding.reason.clone(),
                at: wall.minus(now.since(*at)),
                took: micros(finding.took),
            }),
        }
    }
}

impl Balancer {
    /// Adds to `begin` the checks whose time has come, the longest overdue first, as many as there is room for, and not
    /// those of which `is_running` knows. Gives the moment from which the next is due that is not due yet.
    ///
    /// The first check of a member comes one interval after the first look at it, as in httpd. Room is lowered by what
    /// was added.
    pub fn due_checks(
        &mut self,
        now: Moment,
        room: &mut Room,
        is_running: impl Fn(&MemberName) -> bool,
        begin: &mut Vec<DueCheck>,
    ) -> Option<Moment> {
        if self.timetable.stale {
            self.plan_checks(now);
        }
        let turns = &self.timetable.turns;
        let next = turns.iter().map(|turn| turn.at).filter(|at| *at > now).min();
        if room.any == 0 {
            return next;
        }
        let mut due: Vec<Turn> = turns.iter().filter(|turn| turn.at <= now).copied().collect();
        due.sort_by_key(|turn| turn.at);
        for turn in due {
            if room.any == 0 {
                break;
            }
            let Some(member) = self.member(turn.member) else { continue };
            let late = member.was_late();
            if (late && room.late == 0) || is_running(&member.name) {
                continue;
            }
            room.any -= 1;
            room.late -= usize::from(late);
            begin.push(DueCheck { member: turn.member, check: member.settings.health.clone(), late });
        }
        next
    }

    /// Takes in what a check found that had asked as `check` says. It counts only if the member is still asked so, and is
    /// not stopped meanwhile; its interval begins in any case.
    pub fn observe(&mut self, id: MemberId, check: &HealthCheck, finding: &Finding, now: Moment) -> Observed {
        self.postpone(id, now);
        let Some(member) = self.member_mut(id) else { return Observed::Nothing };
        let asked = |check: &HealthCheck| (check.method, check.uri.clone(), check.expression.clone());
        if !member.is_checked() || asked(&member.settings.health) != asked(check) {
            return Observed::Nothing;
        }
        let verdict = finding.verdict;
        let reason = clean(&finding.reason, LONGEST_REASON);
        member.health.last = Some((Finding { reason, ..*finding }, now));
        if verdict == Verdict::Undecided {
            return Observed::Nothing;
        }
        let passed = verdict == Verdict::Passed;
        member.checks.passed += u64::from(passed);
        member.checks.failed += u64::from(!passed);
        let observed = member.judge(passed);
        if observed != Observed::Nothing {
            self.lineup.refresh(&self.members);
        }
        self.check_invariants();
        observed
    }

    /// The interval of a member begins now.
    fn postpone(&mut self, id: MemberId, now: Moment) {
        let Some(member) = self.member_mut(id) else { return };
        member.health.from = Some(now);
        let at = turn_of(member, now);
        if let Some(turn) = self.timetable.turns.iter_mut().find(|turn| turn.member == id) {
            turn.at = at;
        }
    }

    /// Makes the timetable anew, because it is not known any more who is checked and how often.
    fn plan_checks(&mut self, now: Moment) {
        let mut turns = Vec::new();
        for (id, member) in (0u32..).zip(&mut self.members) {
            if member.is_checked() {
                let at = turn_of(member, now);
                turns.push(Turn { at, member: MemberId(id) });
            } else {
                // Once it is checked again it has a whole interval first.
                member.health.from = None;
            }
        }
        self.timetable = Timetable { turns, stale: false };
    }

    /// Who is checked, or how often, may have changed.
    pub(crate) fn outdate_checks(&mut self) {
        self.timetable.stale = true;
    }
}

/// httpd: strictly later than the interval.
fn turn_of(member: &mut Member, now: Moment) -> Moment {
    let from = *member.health.from.get_or_insert(now);
    from.plus(member.settings.health.interval.duration()).plus(Duration::from_micros(1))
}

#[cfg(test)]
mod tests;
