//! One act on a member in all targets that have it: what is to be done in each, and what became of it there.

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
    /// The command that does the same in all targets; none: there is none.
    pub command: Option<String>,
    /// Each target, in their order.
    pub shares: Vec<Share>,
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

    /// In how many targets it holds, of how many that have the member or did not say.
    pub fn tally(&self) -> (usize, usize) {
        let holds = |share: &&Share| {
            matches!(share.part, Part::Spared(_) | Part::Act(Outcome::Done(_) | Outcome::Loose(_)))
        };
        let counts = |share: &&Share| share.part != Part::Absent;
        (self.shares.iter().filter(holds).count(), self.shares.iter().filter(counts).count())
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
            (1, 0) => "1 target".to_owned(),
            (asked, 0) => format!("all {asked} targets"),
            (asked, barred) => format!("{asked} of {} targets", asked + barred),
        }
    }

    /// The result in a sentence.
    pub fn sentence(&self) -> String {
        let (holds, all) = self.tally();
        let what = format!("{} {}", self.verb, self.label);
        match holds {
            1 if all == 1 => format!("{what}: done in the one target that has it"),
            _ if holds == all => format!("{what}: done in all {all} targets that have it"),
            0 => format!("{what}: done in NONE of {all} targets"),
            holds => format!("{what}: done in ONLY {holds} of {all} targets"),
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
            let share = |(station, part)| Share { station, part };
            let joint = Joint {
                target: sample::target("node1"),
                label: "app/node1".to_owned(),
                verb: "Drain",
                command: None,
                shares: parts.into_iter().enumerate().map(share).collect(),
            };
            assert_eq!((joint.is_over(), joint.is_partial()), (over, partial), "{what}");
            assert!(joint.sentence().contains(says), "{what}: {}", joint.sentence());
        }
    }
}
