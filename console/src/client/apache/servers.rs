//! Which server answers: one, one that was restarted, or several behind one name.
//!
//! Every start of httpd makes other nonces, so they tell its runs apart; so do its version and the name that it has for
//! itself. A run that is followed by another one that stays was restarted. One that comes back, or that never stays,
//! means that several answer in turn. Nonces that the configuration fixes say nothing: there counters that go back do.

use std::collections::{BTreeMap, VecDeque};

use evenkeel_protocol::BalancerName;

use super::page::Page;

/// Runs of httpd that are remembered, to notice one that comes back.
const RUNS: usize = 8;
/// Answers of a new run in a row after which it is taken to stay: more than two servers in turn can give.
const STEADY: u32 = 3;
/// Runs one after another of which none stayed, until that is no restart.
const RESTLESS: u32 = 3;
/// So many times counters go back within so many looks, and it is no restart.
const FALLS: (usize, u64) = (3, 8);

/// What stands above everything while several servers take turns.
pub(super) const SEVERAL: &str = "several servers answer behind this name in turn (what tells them apart alternates), \
    so counters jump and nothing can be changed from here: name one of them with --apache, and with --host where its name \
    matters";

/// What differs from one run of httpd to another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Run {
    /// By balancer. Those that are empty tell nothing.
    pub(super) nonces: BTreeMap<BalancerName, String>,
    /// What httpd calls itself, and its version, where the answer tells them.
    pub(super) facts: Option<(String, String)>,
}

/// Who has answered so far.
#[derive(Debug, Default)]
pub(super) struct Servers {
    runs: VecDeque<Run>,
    /// Answers of the last run in a row.
    in_a_row: u32,
    /// Runs since the last one that stayed.
    restless: u32,
    /// Runs that were taken to stay, so far.
    turns: u64,
    /// At which looks counters had gone back.
    falls: VecDeque<u64>,
    looks: u64,
    several: bool,
}

impl Run {
    /// That of a page.
    pub(super) fn of(page: &Page) -> Self {
        let told = page.balancers.iter().filter_map(|balancer| {
            let nonce = balancer.nonce.as_ref().filter(|nonce| !nonce.is_empty())?;
            Some((balancer.name.clone(), nonce.clone()))
        });
        Self { nonces: told.collect(), facts: Some((page.server.clone(), page.version.clone())) }
    }

    /// Is it certainly another one?
    fn differs(&self, known: &Self) -> bool {
        let nonces = self.nonces.iter();
        let others = nonces.filter_map(|(name, nonce)| known.nonces.get(name).map(|known| known != nonce));
        let facts = self.facts.as_ref().zip(known.facts.as_ref());
        facts.is_some_and(|(one, other)| one != other) || others.into_iter().any(|differs| differs)
    }
}

impl Servers {
    /// Takes in one answer.
    pub(super) fn hear(&mut self, run: Run) {
        let Some(present) = self.runs.back_mut() else {
            (self.in_a_row, self.turns) = (1, 1);
            self.runs.push_back(run);
            return;
        };
        if !run.differs(present) {
            self.in_a_row = self.in_a_row.saturating_add(1);
            present.facts = run.facts.or(present.facts.take());
            present.nonces.extend(run.nonces);
            if self.in_a_row >= STEADY && self.restless > 0 {
                (self.restless, self.turns) = (0, self.turns + 1);
            }
            return;
        }
        self.restless += 1;
        self.in_a_row = 1;
        if self.restless >= RESTLESS || self.runs.iter().any(|known| !run.differs(known)) {
            self.several = true;
        }
        if self.runs.len() == RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back(run);
    }

    /// Has another run begun to answer, and it is not known whether it stays?
    pub(super) fn is_in_doubt(&self) -> bool {
        self.restless > 0 && !self.several
    }

    /// Do the answers come from several servers?
    pub(super) fn is_several(&self) -> bool {
        self.several
    }

    /// Which run it is, counted from 1.
    pub(super) fn turns(&self) -> u64 {
        self.turns
    }

    /// Notes whether counters have gone back with this look; true: that is a restart which nonces did not tell.
    pub(super) fn counted(&mut self, have_fallen: bool) -> bool {
        self.looks += 1;
        if !have_fallen || self.several {
            return false;
        }
        let (number, within) = FALLS;
        self.falls.push_back(self.looks);
        self.falls.retain(|fall| fall + within > self.looks);
        self.several = self.falls.len() >= number;
        !self.several
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(answers: &str) -> Servers {
        let mut servers = Servers::default();
        for nonce in answers.chars() {
            let nonces = std::iter::once(("app".parse().unwrap(), nonce.to_string())).collect();
            servers.hear(Run { nonces, facts: None });
        }
        servers
    }

    #[test]
    fn a_run_that_stays_is_a_restart_and_whatever_else_is_several_servers() {
        for (answers, several, doubt, turns) in [
            ("A", false, false, 1),
            ("AAAA", false, false, 1),
            ("AB", false, true, 1),
            ("ABB", false, true, 1),
            ("ABBB", false, false, 2),
            ("AAABBBCCC", false, false, 3),
            ("ABA", true, false, 1),
            ("ABBA", true, false, 1),
            ("ABBBA", true, false, 2),
            ("ABC", false, true, 1),
            ("ABCD", true, false, 1),
        ] {
            let servers = heard(answers);
            assert_eq!(
                (servers.is_several(), servers.is_in_doubt(), servers.turns()),
                (several, doubt, turns),
                "{answers}"
            );
        }
    }

    #[test]
    fn names_and_versions_tell_servers_apart_too() {
        let run = |version: &str| Run {
            nonces: BTreeMap::new(),
            facts: Some(("lb".to_owned(), version.to_owned())),
        };
        let mut servers = Servers::default();
        for (version, several) in [("2.4.62", false), ("2.4.66", false), ("2.4.62", true)] {
            servers.hear(run(version));
            servers.hear(Run::default());
            assert_eq!(servers.is_several(), several, "{version}");
        }
    }

    #[test]
    fn counters_that_go_back_again_and_again_are_no_restarts() {
        let mut servers = Servers::default();
        let fell = |servers: &mut Servers| servers.counted(true);
        assert!(fell(&mut servers) && !servers.counted(false) && fell(&mut servers));
        assert!(!fell(&mut servers) && servers.is_several());
        let mut servers = Servers::default();
        for _ in 0..5 {
            assert!(fell(&mut servers), "far apart they are restarts");
            (0..8).for_each(|_| assert!(!servers.counted(false)));
        }
    }
}
