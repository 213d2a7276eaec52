//! One act on a member in all targets that have it: what is to be done in each, and what became of it there.

use evenkeel_protocol::{Override, Snapshot};

use crate::lost;
use crate::model::batch::Outcome;
use crate::model::target::Target;
use crate::model::{Model, form};

/// How many acts are remembered: the last, and those before it that do not hold everywhere.
const KEPT: usize = 8;

/// What it comes to in one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// It is asked for, or would be; what became of it.
    Act(Outcome),
    /// Nothing is to be done, for it is so already.
    Spared(String),
    /// There is no such member.
    Absent,
    /// It cannot be asked for, and why: not done.
    Barred(String),
}

/// How the member is where the act holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// It has these settings, by name and value.
    Settings(Vec<(String, String)>),
    /// It is not there.
    Gone,
    /// It is there.
    There,
    /// That cannot be seen.
    Unseen,
}

/// One target of the act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The target, by its position.
    pub station: usize,
    /// What it comes to there.
    pub part: Part,
    /// How the member is there where it holds.
    pub wanted: Wanted,
    /// What has taken it away since it held there; none: nothing that is known of.
    pub lost: Option<&'static str>,
    /// Whether it holds as the target itself tells, since it was so for the first time; none: it was never seen to hold.
    pub seen: Option<bool>,
}

/// In which targets it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In all that have the member.
    Having,
    /// In those in which a change was made that is taken back.
    Made,
    /// In those that have lost what is set again.
    Lost,
}

/// The act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joint {
    /// Whom it is about.
    pub target: Target,
    /// Its name among people: `app/node1`.
    pub label: String,
    /// As the start of a question: `Drain`.
    pub verb: &'static str,
    /// In which targets.
    pub scope: Scope,
    /// The commands that have done the same; until there is an answer they depend on how the question stands.
    pub commands: Vec<String>,
    /// Each target, in their order.
    pub shares: Vec<Share>,
    /// Has somebody read that it does not hold everywhere?
    pub is_put_away: bool,
}

impl Wanted {
    /// Is it so in a target? None: the target cannot tell.
    pub(super) fn holds(&self, target: &Target, snapshot: &Snapshot) -> Option<bool> {
        let balancer = snapshot.balancer(&target.balancer)?;
        let member = balancer.members.iter().find(|member| member.name == target.member);
        match self {
            Self::Settings(settings) => member.map(|member| {
                settings.iter().all(|(field, value)| form::value(member, field).eq_ignore_ascii_case(value))
            }),
            Self::Gone => Some(member.is_none()),
            Self::There => Some(member.is_some()),
            Self::Unseen => None,
        }
    }

    /// Do both say something of the same thing, so that the later one counts?
    fn meets(&self, later: &Self) -> bool {
        match (self, later) {
            (Self::Settings(one), Self::Settings(two)) => {
                one.iter().any(|(field, _)| two.iter().any(|(other, _)| field == other))
            }
            (Self::Unseen, _) | (_, Self::Unseen) => false,
            (Self::Gone | Self::There, _) | (_, Self::Gone | Self::There) => true,
        }
    }
}

impl Share {
    /// Of a target of which nothing more is known.
    pub fn new(station: usize, part: Part) -> Self {
        Self { station, part, wanted: Wanted::Unseen, lost: None, seen: None }
    }

    /// Does it hold there? What the target itself tells counts more than what it answered.
    pub fn holds(&self) -> bool {
        self.lost.is_none() && self.seen.unwrap_or_else(|| self.is_done())
    }

    /// Was it done there, or was it so before?
    pub fn is_done(&self) -> bool {
        matches!(self.part, Part::Spared(_) | Part::Act(Outcome::Done(_) | Outcome::Loose(_)))
    }

    /// Was it seen to drain there, as was wanted?
    pub fn has_drained(&self) -> bool {
        let is_drain = |(field, value): &(String, String)| field == "drain" && value == "On";
        let Wanted::Settings(settings) = &self.wanted else { return false };
        self.seen.is_some() && settings.iter().any(is_drain)
    }

    /// Has its answer not come yet?
    fn goes_on(&self) -> bool {
        matches!(self.part, Part::Act(Outcome::Waiting | Outcome::Sent(_)))
    }
}

impl Scope {
    /// Which targets those are, in a sentence about one of them or about several.
    fn words(self, is_one: bool) -> &'static str {
        match self {
            Self::Having if is_one => "that has it",
            Self::Having => "that have it",
            Self::Made => "where it was made",
            Self::Lost => "that had lost it",
        }
    }
}

impl Joint {
    /// The targets in which something is asked for, by their positions.
    pub fn asked(&self) -> impl Iterator<Item = usize> {
        let asked = |share: &&Share| matches!(share.part, Part::Act(_));
        self.shares.iter().filter(asked).map(|share| share.station)
    }

    /// Has every target that is asked given its answer?
    pub fn is_over(&self) -> bool {
        !self.shares.iter().any(Share::goes_on)
    }

    /// Takes over what the target at that position tells of it: whether it holds there, and what was forgotten. True if that
    /// is news; what does not hold any more is worth reading again.
    pub fn follow(&mut self, at: usize, station: &Model) -> bool {
        let target = &self.target;
        let Some(share) = self.shares.iter_mut().find(|share| share.station == at && !share.goes_on()) else {
            return false;
        };
        let before = (share.lost, share.seen);
        let held = share.holds();
        if share.is_done() {
            let is_it = |lost: &&Override| lost_of(lost, target, &share.wanted);
            share.lost = station.forgotten().iter().find(is_it).map(lost::what_happened);
        }
        if let Some(snapshot) = station.roster.snapshot().filter(|_| station.is_connected()) {
            match share.wanted.holds(target, snapshot) {
                Some(true) => share.seen = Some(true),
                Some(false) if share.seen.is_some() => share.seen = Some(false),
                // The answer is known sooner than what it has done is seen.
                Some(false) | None => {}
            }
        }
        self.is_put_away &= !held || share.holds();
        before != (share.lost, share.seen)
    }

    /// Is it to be read on the screen that it does not hold everywhere? Not where it was taken back everywhere, or once
    /// somebody has put it away.
    pub fn is_noticed(&self) -> bool {
        let is_taken_back = self.tally().0 == 0 && self.shares.iter().any(|share| share.seen == Some(false));
        self.is_partial() && !self.is_put_away && !is_taken_back
    }

    /// Does `later` decide over what this one was about?
    fn gives_way_to(&self, later: &Self) -> bool {
        let meets = |share: &Share| later.shares.iter().any(|other| share.wanted.meets(&other.wanted));
        self.target == later.target && self.shares.iter().any(meets)
    }

    fn counted(&self) -> impl Iterator<Item = &Share> {
        self.shares.iter().filter(|share| share.part != Part::Absent)
    }

    /// In how many targets it holds, of how many that have the member or did not say.
    pub fn tally(&self) -> (usize, usize) {
        (self.counted().filter(|share| share.holds()).count(), self.counted().count())
    }

    /// Is it over, and does not hold everywhere?
    pub fn is_partial(&self) -> bool {
        let (holds, all) = self.tally();
        self.is_over() && holds < all
    }

    /// Where it would be done if `willing` of those that are asked do it: `all 3 targets`, or `2 of 3 targets` where one of
    /// them cannot be asked, or refuses it.
    pub fn places(&self, willing: usize) -> String {
        let barred = |share: &&Share| matches!(share.part, Part::Barred(_));
        let barred = self.shares.iter().filter(barred).count() + self.asked().count().saturating_sub(willing);
        match (willing, barred) {
            (1, 0) if self.scope == Scope::Lost => "the target that lost it".to_owned(),
            (asked, 0) if self.scope == Scope::Lost => format!("the {asked} targets that lost it"),
            (1, 0) => "1 target".to_owned(),
            (asked, 0) => format!("all {asked} targets"),
            (asked, barred) if self.scope == Scope::Lost => {
                format!("{asked} of the {} targets that lost it", asked + barred)
            }
            (asked, barred) => format!("{asked} of {} targets", asked + barred),
        }
    }

    /// The one flag that it takes away; none: it does something else.
    pub fn clears(&self) -> Option<&str> {
        let settings = self.shares.iter().find_map(|share| match &share.wanted {
            Wanted::Settings(settings) => Some(settings.as_slice()),
            Wanted::Gone | Wanted::There | Wanted::Unseen => None,
        });
        match settings {
            Some([(field, value)]) if value == "Off" => Some(field),
            _ => None,
        }
    }

    /// The result in a sentence.
    pub fn sentence(&self) -> String {
        let (holds, all) = self.tally();
        let is_other = self.counted().any(|share| share.holds() != share.is_done());
        let what = format!("{} {}: {}", self.verb, self.label, if is_other { "holds" } else { "done" });
        match holds {
            1 if all == 1 => format!("{what} in the one target {}", self.scope.words(true)),
            _ if holds == all => format!("{what} in all {all} targets {}", self.scope.words(false)),
            0 if all == 1 => format!("{what} in NONE, of 1 target"),
            0 => format!("{what} in NONE of {all} targets"),
            holds => format!("{what} in ONLY {holds} of {all} targets"),
        }
    }

    /// What has to be typed where a yes is not enough, beside `all`: the member's name.
    pub fn word(&self) -> Option<&str> {
        self.label.split_once('/').map(|(_, name)| name)
    }

    /// Is `typed` that?
    pub fn is_spelt_out(&self, typed: &str) -> bool {
        let typed = typed.trim();
        typed == "all" || self.word() == Some(typed)
    }
}

/// Is it what was wanted of the member that a target has lost?
fn lost_of(lost: &Override, target: &Target, wanted: &Wanted) -> bool {
    let Wanted::Settings(settings) = wanted else { return false };
    lost.subject.balancer == target.balancer
        && lost.subject.member.as_ref() == Some(&target.member)
        && settings.iter().any(|(field, value)| *field == lost.field && *value == lost.value)
}

/// Remembers an act, the newest last. Of those before it only that stays which is to be read on the screen, and over which
/// this one does not decide.
pub fn remember(joints: &mut Vec<Joint>, joint: Joint) {
    joints.retain(|before| before.is_noticed() && !before.gives_way_to(&joint));
    if joints.len() == KEPT {
        joints.remove(0);
    }
    joints.push(joint);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;
    use crate::news::Ticket;

    #[test]
    fn what_came_of_it_is_counted_over_those_that_could_have_it() {
        let done = || Part::Act(Outcome::Done(String::new()));
        let sent = || Part::Act(Outcome::Sent(Ticket(1)));
        let refused = || Part::Act(Outcome::Refused(String::new()));
        for (what, parts, over, partial, says) in [
            ("all", vec![done(), Part::Spared(String::new())], true, false, "done in all 2 targets"),
            ("on its way", vec![done(), sent()], false, false, "ONLY 1 of 2"),
            ("refused in one", vec![done(), refused()], true, true, "ONLY 1 of 2"),
            ("not asked in one", vec![done(), Part::Barred(String::new())], true, true, "ONLY 1 of 2"),
            ("not there in one", vec![done(), Part::Absent], true, false, "the one target"),
            ("nowhere", vec![refused(), refused()], true, true, "NONE of 2"),
        ] {
            let share = |(station, part)| Share::new(station, part);
            let joint = Joint {
                target: sample::target("node1"),
                label: "app/node1".to_owned(),
                verb: "Drain",
                scope: Scope::Having,
                commands: Vec::new(),
                shares: parts.into_iter().enumerate().map(share).collect(),
                is_put_away: false,
            };
            assert_eq!((joint.is_over(), joint.is_partial()), (over, partial), "{what}");
            assert!(joint.sentence().contains(says), "{what}: {}", joint.sentence());
        }
    }
}
