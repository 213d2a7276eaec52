//! One act on a member in all targets that have it: what is to be done in each, and what became of it there.

use evenkeel_protocol::Override;

use crate::lost;
use crate::model::batch::Outcome;
use crate::model::target::Target;

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

/// One target of the act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The target, by its position.
    pub station: usize,
    /// What it comes to there.
    pub part: Part,
    /// What has taken it away since it held there; none: nothing that is known of.
    pub lost: Option<&'static str>,
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
    /// The settings that hold where it is done, by name and value.
    pub wanted: Vec<(String, String)>,
    /// Each target, in their order.
    pub shares: Vec<Share>,
}

impl Share {
    /// Of a target of which nothing more is known.
    pub fn new(station: usize, part: Part) -> Self {
        Self { station, part, lost: None }
    }

    /// Does it hold there?
    fn holds(&self) -> bool {
        self.is_done() && self.lost.is_none()
    }

    fn is_done(&self) -> bool {
        matches!(self.part, Part::Spared(_) | Part::Act(Outcome::Done(_) | Outcome::Loose(_)))
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
        let goes_on = |share: &Share| matches!(share.part, Part::Act(Outcome::Waiting | Outcome::Sent(_)));
        !self.shares.iter().any(goes_on)
    }

    /// Takes over what the target at that position has forgotten of what was done there; true if that is news.
    pub fn follow(&mut self, at: usize, forgotten: &[Override]) -> bool {
        let (target, wanted) = (&self.target, &self.wanted);
        let is_it = |lost: &&Override| {
            lost.subject.balancer == target.balancer
                && lost.subject.member.as_ref() == Some(&target.member)
                && wanted.iter().any(|(field, value)| *field == lost.field && *value == lost.value)
        };
        let Some(share) = self.shares.iter_mut().find(|share| share.station == at && share.is_done()) else {
            return false;
        };
        let found = forgotten.iter().find(is_it).map(lost::what_happened);
        std::mem::replace(&mut share.lost, found) != found
    }

    /// In how many targets it holds, of how many that have the member or did not say.
    pub fn tally(&self) -> (usize, usize) {
        let counts = |share: &&Share| share.part != Part::Absent;
        let holds = self.shares.iter().filter(|share| share.holds()).count();
        (holds, self.shares.iter().filter(counts).count())
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

    /// The result in a sentence.
    pub fn sentence(&self) -> String {
        let (holds, all) = self.tally();
        let is_lost = self.shares.iter().any(|share| share.lost.is_some());
        let what = format!("{} {}: {}", self.verb, self.label, if is_lost { "holds" } else { "done" });
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
                wanted: Vec::new(),
                shares: parts.into_iter().enumerate().map(share).collect(),
            };
            assert_eq!((joint.is_over(), joint.is_partial()), (over, partial), "{what}");
            assert!(joint.sentence().contains(says), "{what}: {}", joint.sentence());
        }
    }
}
