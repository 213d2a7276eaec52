//! The commands that do in a shell what a question about all targets asks.

use super::Deck;
use super::asked::Asked;
use super::joint::{Joint, Part, Scope, Share};
use crate::ability::Ability;
use crate::door::Door;
use crate::model::Model;
use crate::model::outlook::Gravity;
use crate::shell;

impl Deck {
    /// One command for all targets where it is the same in each, else one for each target that is asked: a drain that an
    /// httpd cannot see through to the end of its sessions, or a change that each knows by a number of its own. What has
    /// to be spelt out overrides a guard, as the answer does.
    pub fn commands(&self, joint: &Joint) -> Vec<String> {
        let asked = || self.asked(joint).filter(|asked| asked.is_answerable());
        // What is for those that lost it, or for those in which it was made, is not for all; nor is what one that answers
        // is left out of, or one that only lets look. One that does not answer is asked by the command as well as by the
        // same key.
        let is_left_out = |share: &Share| {
            let is_barred = matches!(share.part, Part::Barred(_));
            let station = self.stations.get(share.station);
            station.is_some_and(|it| it.door == Door::ReadSocket || (is_barred && it.is_connected()))
        };
        // A drain that runs there has terms of its own, and not every target can wait for the same.
        let attended = |station: &Model| station.door == Door::Page || station.lacks(Ability::Jobs).is_some();
        let first = asked().next().filter(|_| self.has_terms(joint)).map(|first| attended(first.station));
        let is_other = |share: &Share| {
            let station = self.stations.get(share.station);
            let is_another = |first: bool| station.is_some_and(|station| attended(station) != first);
            match share.part {
                Part::Spared(_) => first.is_some(),
                Part::Barred(_) => first.is_some_and(is_another),
                Part::Act(_) | Part::Absent => false,
            }
        };
        let is_for_all = joint.scope == Scope::Having
            && !joint.shares.iter().any(|share| is_left_out(share) || is_other(share));
        let mut lines = asked().map(Asked::command_anywhere);
        if let Some(Some(first)) = lines.next().filter(|_| is_for_all)
            && lines.all(|other| other.as_ref() == Some(&first))
        {
            let is_forced = asked().any(|asked| asked.gravity() == Gravity::Last);
            let force = if is_forced { " --force" } else { "" };
            return vec![format!("{}{force}", shell::at(&first, &self.words))];
        }
        asked().filter_map(Asked::command).collect()
    }
}
