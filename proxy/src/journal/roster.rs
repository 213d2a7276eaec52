//! Members that were added at run time: they are kept like edits, and join their balancers again at each reading of
//! the configuration, until they are removed, their balancer is gone, or the configuration has them itself.

use evenkeel_protocol::{Loss, MemberAddition, MemberName, Override, Subject};
use serde::{Deserialize, Serialize};

use super::line::Line;
use super::{Durability, Fate, Journal, Kept, Origin, Verdicts};
use crate::config::{BalancerConfig, Newcomer};
use crate::journal::configured::{configured, written};

/// Under which field's name it is told that a member came or went.
pub(crate) const FIELD: &str = evenkeel_protocol::MemberRemoval::FIELD;

/// What became of a member's place at run time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Roster {
    Added { parameters: Vec<String>, origin: Origin },
    Removed,
}

/// A member that was added at run time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Added {
    pub(crate) subject: Subject,
    /// As on its line.
    pub(crate) parameters: Vec<String>,
    pub(crate) origin: Origin,
}

impl Added {
    /// Its line, without the directive.
    pub(crate) fn line(&self) -> String {
        let name = self.subject.member.as_ref().map_or("", MemberName::as_str);
        MemberAddition::line(name, &self.parameters)
    }
}

impl Journal {
    /// Members that were added at run time, in that order.
    pub(crate) fn added(&self) -> &[Added] {
        &self.added
    }

    /// How that member came, if it was at run time.
    pub(crate) fn addition(&self, subject: &Subject) -> Option<&Added> {
        self.added.iter().find(|added| added.subject == *subject)
    }

    /// Keeps that a member joined the balancer that is now configured so; tells whether it will survive a restart.
    pub(crate) fn keep_added(&mut self, added: Added, config: &BalancerConfig) -> Durability {
        let Added { subject, parameters, origin } = added.clone();
        self.put(added);
        self.know(std::slice::from_ref(config));
        self.write(&Line::of_roster(subject, Roster::Added { parameters, origin }))
    }

    /// Keeps that a member that was added is gone, and whatever was set of it.
    pub(crate) fn keep_removed(&mut self, subject: &Subject) -> Durability {
        self.forget(subject);
        self.configured.remove(subject);
        self.written.remove(subject);
        self.write(&Line::of_roster(subject.clone(), Roster::Removed))
    }

    /// What a line of the file says.
    pub(super) fn replay(&mut self, subject: &Subject, roster: Roster) {
        match roster {
            Roster::Added { parameters, origin } => {
                self.put(Added { subject: subject.clone(), parameters, origin });
            }
            Roster::Removed => self.forget(subject),
        }
    }

    fn put(&mut self, added: Added) {
        self.forget(&added.subject);
        self.added.push(added);
    }

    fn forget(&mut self, subject: &Subject) {
        self.added.retain(|known| known.subject != *subject);
        self.overrides.remove(subject);
    }

    /// What the configuration says of these balancers.
    pub(super) fn know(&mut self, balancers: &[BalancerConfig]) {
        self.configured.extend(configured(balancers));
        self.written.extend(written(balancers));
    }

    /// Has the members that were added join their balancers again.
    pub(super) fn join(&mut self, balancers: &mut [BalancerConfig], verdicts: &mut Verdicts) {
        for added in std::mem::take(&mut self.added) {
            let outcome = if self.persist {
                joined(&added, balancers)
            } else {
                Err("BalancerPersist is Off: added members stay until the configuration is read anew"
                    .to_owned())
            };
            let (subject, value) = (added.subject.clone(), added.line());
            let name = value.as_str();
            let told = |why: String| {
                let (field, value, loss) = (FIELD.to_owned(), value.clone(), Loss::default());
                Override { subject, field, value, why, loss }
            };
            match outcome {
                Ok(true) => {
                    tracing::info!(balancer = %added.subject.balancer, name, "member added again");
                    verdicts
                        .kept
                        .push(told("members that were added stay until they are removed".to_owned()));
                    self.added.push(added);
                }
                Ok(false) => {
                    let why = "the configuration has it now";
                    let alike = self.is_configured_alike(&added, balancers);
                    let fate = if alike { Fate::Absorbed } else { Fate::Dropped };
                    tracing::info!(balancer = %added.subject.balancer, name, "member not added again: {why}");
                    verdicts.of(fate).push(told(why.to_owned()));
                }
                Err(why) => {
                    tracing::warn!(balancer = %added.subject.balancer, name, "member not added again: {why}");
                    verdicts.dropped.push(told(why));
                }
            }
        }
    }

    /// Does the configuration say of a member what it was added with and what was set of it since?
    fn is_configured_alike(&self, added: &Added, balancers: &[BalancerConfig]) -> bool {
        let subject = &added.subject;
        let Some(config) = balancers.iter().find(|config| config.name == subject.balancer) else {
            return false;
        };
        let today = configured(std::slice::from_ref(config)).remove(subject);
        let mut without = config.clone();
        subject.member.iter().for_each(|member| without.part(member));
        if !matches!(joined(added, std::slice::from_mut(&mut without)), Ok(true)) {
            return false;
        }
        let mut wanted = configured(&[without]).remove(subject).unwrap_or_default();
        wanted.extend(self.overrides.get(subject).map(|kept| kept.set.clone()).unwrap_or_default());
        today == Some(wanted)
    }
}

/// Has a member join its balancer; false: the configuration has it itself.
fn joined(added: &Added, balancers: &mut [BalancerConfig]) -> Result<bool, String> {
    let Subject { balancer, member: Some(member) } = &added.subject else {
        return Err("it is no member".to_owned());
    };
    let config = balancers.iter_mut().find(|config| config.name == *balancer);
    let config = config.ok_or_else(|| "its balancer is no longer configured".to_owned())?;
    if config.members.iter().any(|(known, _)| known == member) {
        return Ok(false);
    }
    let newcomer: Newcomer = config.newcomer(member.as_str(), &added.parameters)?;
    config.join(newcomer);
    Ok(true)
}

impl Line {
    pub(super) fn of_roster(subject: Subject, roster: Roster) -> Self {
        Self { subject, what: Kept::default(), roster: Some(roster) }
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::MemberEdit;

    use super::*;
    use crate::config::{Config, ReadOptions, read_text};
    use crate::journal::{Change, Restored};

    fn configured(lines: &str) -> Vec<BalancerConfig> {
        let text = format!(
            "Listen 127.0.0.1:1\n<Proxy balancer://app>\nBalancerMember http://a\n{lines}\n</Proxy>\n"
        );
        let Config { balancers, .. } = read_text("test", &text, &ReadOptions::default()).unwrap();
        balancers
    }

    fn subject() -> Subject {
        Subject { balancer: "app".parse().unwrap(), member: Some("http://new".parse().unwrap()) }
    }

    /// A journal to which a member was added and in which it was enabled.
    fn kept(folder: &std::path::Path) {
        let mut balancers = configured("");
        let (mut journal, _) = Journal::open(folder, &mut balancers, true);
        let parameters = vec!["route=n".to_owned()];
        let newcomer = balancers[0].newcomer("http://new", &parameters).unwrap();
        balancers[0].join(newcomer);
        let added = Added { subject: subject(), parameters, origin: Origin::default() };
        assert_eq!(journal.keep_added(added, &balancers[0]), Durability::Kept);
        let change =
            Change { field: "disabled".to_owned(), before: "On".to_owned(), after: "Off".to_owned() };
        let enable = MemberEdit { disabled: Some(false), ..MemberEdit::default() };
        journal.keep(subject(), &enable, &[change], &Origin::default());
    }

    fn names(balancers: &[BalancerConfig]) -> Vec<String> {
        balancers[0].members.iter().map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn who_was_added_is_there_again_with_what_was_set_since() {
        let folder = tempfile::tempdir().unwrap();
        kept(folder.path());
        for _ in 0..2 {
            let mut balancers = configured("");
            let (journal, verdicts) = Journal::open(folder.path(), &mut balancers, true);
            assert_eq!(names(&balancers), ["http://a", "http://new"]);
            assert_eq!((balancers[0].manager.added, journal.added().len()), (1, 1));
            assert!(
                matches!(&journal.restored()[..], [Restored::Member(_, _, edit)] if edit.disabled == Some(false))
            );
            let fields: Vec<_> = verdicts.kept.iter().map(|kept| kept.field.as_str()).collect();
            assert_eq!((fields, verdicts.dropped.len()), (vec!["member", "disabled"], 0));
        }
    }

    #[test]
    fn the_configuration_wins_where_it_has_the_member_itself() {
        let folder = tempfile::tempdir().unwrap();
        kept(folder.path());
        let mut balancers = configured("BalancerMember http://new route=x");
        let (journal, verdicts) = Journal::open(folder.path(), &mut balancers, true);
        assert_eq!((names(&balancers).len(), journal.added().len()), (2, 0));
        assert!(verdicts.dropped[0].why.contains("has it now"), "{:?}", verdicts.dropped);
        kept(folder.path());
        let mut balancers = configured("BalancerMember http://new route=n status=-D");
        let (_, verdicts) = Journal::open(folder.path(), &mut balancers, true);
        let absorbed: Vec<&str> = verdicts.absorbed.iter().map(|it| it.field.as_str()).collect();
        assert_eq!((absorbed, verdicts.dropped.len()), (vec!["member", "disabled"], 0), "it says the same");
        let text = "Listen 127.0.0.1:1\n<Proxy balancer://other>\n</Proxy>\n";
        let mut balancers = read_text("test", text, &ReadOptions::default()).unwrap().balancers;
        kept(folder.path());
        let (_, verdicts) = Journal::open(folder.path(), &mut balancers, true);
        assert!(verdicts.dropped[0].why.contains("no longer configured"), "{:?}", verdicts.dropped);
    }

    #[test]
    fn who_was_removed_stays_away_and_nothing_that_was_set_of_it_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        kept(folder.path());
        let (mut journal, _) = Journal::open(folder.path(), &mut configured(""), true);
        assert_eq!(journal.keep_removed(&subject()), Durability::Kept);
        let mut balancers = configured("");
        let (journal, verdicts) = Journal::open(folder.path(), &mut balancers, true);
        assert_eq!((names(&balancers), journal.restored()), (vec!["http://a".to_owned()], Vec::new()));
        assert_eq!(verdicts, Verdicts::default());
    }

    #[test]
    fn without_persistence_it_stays_until_the_configuration_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut balancers = configured("");
        let (mut journal, _) = Journal::open(folder.path(), &mut balancers, false);
        let newcomer = balancers[0].newcomer("http://new", &[]).unwrap();
        balancers[0].join(newcomer);
        let added = Added { subject: subject(), parameters: Vec::new(), origin: Origin::default() };
        assert_eq!(journal.keep_added(added, &balancers[0]), Durability::Unwanted);
        let mut again = configured("");
        let verdicts = journal.renew(&mut again, false);
        assert_eq!((names(&again).len(), verdicts.dropped.len()), (1, 1));
    }
}
