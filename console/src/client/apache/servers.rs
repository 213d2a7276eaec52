//! Which server answers: one, one that was restarted, or several behind one name.
//!
//! Every start of httpd makes other nonces, so they tell its runs apart; so do its version and the name that it has for
//! itself. A run that is followed by another one that stays was restarted. One that comes back, or that never stays,
//! means that several answer in turn. Nonces that the configuration fixes say nothing: there counters that go back do,
//! once for a restart, and again for a second server.
//!
//! Neither proves that there is one server only: whoever answers rarely, or seldom in turn, may not have answered yet.

use std::collections::{BTreeMap, VecDeque};

use evenkeel_protocol::{BalancerName, MemberName};

use super::page::Page;

/// Runs of httpd that are remembered, to notice one that comes back.
const RUNS: usize = 8;
/// Answers of a new run in a row after which it is taken to stay.
const STEADY: u32 = 6;
/// Runs one after another of which none stayed, until that is no restart.
const RESTLESS: u32 = 3;
/// Answers in a row without counters that go back again after which they went back by a restart.
const CALM: u32 = 8;
/// Answers of one server in a row after which the others are taken to be gone: of two that answer at random the other one
/// would have shown itself, and so would one that gives each twentieth answer.
const ALONE: u32 = 200;

/// What differs from one run of httpd to another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Run {
    /// By balancer. Those that are empty tell nothing.
    pub(super) nonces: BTreeMap<BalancerName, String>,
    /// What httpd calls itself, and its version, where the answer tells them.
    pub(super) facts: Option<(String, String)>,
    /// How often each member was elected: in one run that only grows.
    pub(super) elected: BTreeMap<(BalancerName, MemberName), u64>,
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
    /// Answers since counters went back, until it is known why.
    calm: Option<u32>,
    /// While several answer: how many answers in a row have come from one.
    alone: Option<u32>,
}

impl Run {
    /// That of a page.
    pub(super) fn of(page: &Page) -> Self {
        let told = page.balancers.iter().filter_map(|balancer| {
            let nonce = balancer.nonce.as_ref().filter(|nonce| !nonce.is_empty())?;
            Some((balancer.name.clone(), nonce.clone()))
        });
        let members = page.balancers.iter().flat_map(|balancer| {
            balancer.members.iter().filter_map(|member| {
                let elected = member.cells.number("Elected")?;
                Some(((balancer.name.clone(), member.name.clone()), elected))
            })
        });
        Self {
            nonces: told.collect(),
            facts: Some((page.server.clone(), page.version.clone())),
            elected: members.collect(),
        }
    }

    /// Is it certainly another one?
    fn differs(&self, known: &Self) -> bool {
        let nonces = self.nonces.iter();
        let others = nonces.filter_map(|(name, nonce)| known.nonces.get(name).map(|known| known != nonce));
        let facts = self.facts.as_ref().zip(known.facts.as_ref());
        facts.is_some_and(|(one, other)| one != other) || others.into_iter().any(|differs| differs)
    }

    /// Was a member elected less often than it was known to be?
    fn has_fallen(&self, known: &Self) -> bool {
        let mut counts = self.elected.iter();
        counts.any(|(member, count)| known.elected.get(member).is_some_and(|known| count < known))
    }

    /// Takes in what another answer of the same run tells.
    fn learn(&mut self, newer: Self) {
        self.facts = newer.facts.or(self.facts.take());
        self.nonces.extend(newer.nonces);
        if !newer.elected.is_empty() {
            self.elected = newer.elected;
        }
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
        let (differs, fell) = (run.differs(present), run.has_fallen(present));
        if differs {
            if self.runs.len() == RUNS {
                self.runs.pop_front();
            }
            self.came(run);
        } else {
            present.learn(run);
            self.stayed(fell);
        }
    }

    /// Another run has answered than the one before.
    fn came(&mut self, run: Run) {
        self.restless += 1;
        (self.in_a_row, self.calm) = (1, None);
        let was_several = self.alone.is_some();
        if was_several || self.restless >= RESTLESS || self.runs.iter().any(|known| !run.differs(known)) {
            self.part();
        }
        self.runs.push_back(run);
    }

    /// The same run has answered, or one that cannot be told from it but by its counters.
    fn stayed(&mut self, fell: bool) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if fell {
            if self.alone.is_some() || self.calm.is_some() {
                self.part();
            } else {
                self.calm = Some(0);
            }
        } else if let Some(alone) = &mut self.alone {
            *alone += 1;
            if *alone >= ALONE {
                self.settle();
            }
        } else {
            self.calm = self.calm.map(|calm| calm + 1);
            let is_new = self.restless > 0 || self.calm.is_some();
            let is_calm = self.calm.is_none_or(|calm| calm >= CALM);
            if is_new && is_calm && self.in_a_row >= STEADY {
                self.settle();
            }
        }
    }

    /// It is known that there are several, or known again.
    pub(super) fn part(&mut self) {
        (self.alone, self.calm) = (Some(0), None);
    }

    /// The present run is taken to stay.
    fn settle(&mut self) {
        if self.alone.take().is_some() {
            // Whoever comes back later is as new as any.
            self.runs.drain(..self.runs.len().saturating_sub(1));
        }
        (self.restless, self.calm) = (0, None);
        self.turns += 1;
    }

    /// Has another run begun to answer, and it is not known whether it stays?
    pub(super) fn is_in_doubt(&self) -> bool {
        (self.restless > 0 || self.calm.is_some()) && self.alone.is_none()
    }

    /// Do the answers come from several servers? Then why nothing can be changed.
    pub(super) fn several(&self) -> Option<&'static str> {
        self.alone.map(|_| {
            "several servers answer behind this name in turn (what tells them apart alternates), so nothing can be changed \
             from here: name one of them with --apache, and with --host where its name matters"
        })
    }

    /// The same for who looks on, with when that ends.
    pub(super) fn outlook(&self) -> Option<String> {
        let alone = self.alone?;
        Some(format!(
            "several servers answer behind this name in turn: name one of them with --apache, or wait until one alone gives \
             {ALONE} answers in a row ({alone} so far)"
        ))
    }

    /// Which run it is, counted from 1.
    pub(super) fn turns(&self) -> u64 {
        self.turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(answers: &str) -> Servers {
        let mut servers = Servers::default();
        hear(&mut servers, answers);
        servers
    }

    fn hear(servers: &mut Servers, answers: &str) {
        for nonce in answers.chars() {
            let nonces = std::iter::once(("app".parse().unwrap(), nonce.to_string())).collect();
            servers.hear(Run { nonces, ..Run::default() });
        }
    }

    #[test]
    fn a_run_that_stays_is_a_restart_and_whatever_else_is_several_servers() {
        for (answers, several, doubt, turns) in [
            ("A", false, false, 1),
            ("AAAA", false, false, 1),
            ("AB", false, true, 1),
            ("ABBBBB", false, true, 1),
            ("ABBBBBB", false, false, 2),
            ("AAABBBBBBCCCCCC", false, false, 3),
            ("ABA", true, false, 1),
            ("ABBA", true, false, 1),
            ("ABBBBBBA", true, false, 2),
            ("ABC", false, true, 1),
            ("ABCD", true, false, 1),
        ] {
            let servers = heard(answers);
            assert_eq!(
                (servers.several().is_some(), servers.is_in_doubt(), servers.turns()),
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
            elected: BTreeMap::new(),
        };
        let mut servers = Servers::default();
        for (version, several) in [("2.4.62", false), ("2.4.66", false), ("2.4.62", true)] {
            servers.hear(run(version));
            servers.hear(Run::default());
            assert_eq!(servers.several().is_some(), several, "{version}");
        }
    }

    /// Answers with the same nonces, and how often a member had been elected.
    fn counted(servers: &mut Servers, counts: impl IntoIterator<Item = u64>) {
        for count in counts {
            let member = ("app".parse().unwrap(), "http://a".parse().unwrap());
            servers.hear(Run { elected: [(member, count)].into(), ..Run::default() });
        }
    }

    #[test]
    fn counters_that_go_back_once_are_a_restart_and_again_another_server() {
        let mut servers = Servers::default();
        counted(&mut servers, [7, 8, 0]);
        assert!(servers.is_in_doubt());
        counted(&mut servers, [0; 8]);
        assert!(!servers.is_in_doubt() && servers.several().is_none());
        assert_eq!(servers.turns(), 2);
        counted(&mut servers, [3, 0, 1, 3, 3]);
        assert!(servers.is_in_doubt());
        counted(&mut servers, [2]);
        assert!(!servers.is_in_doubt() && servers.several().is_some());
    }

    #[test]
    fn one_that_answers_alone_for_long_is_the_only_one_again() {
        let mut servers = heard("ABA");
        let alone = |count: usize| std::iter::repeat_n('A', count).collect::<String>();
        hear(&mut servers, &alone(199));
        assert!(servers.outlook().unwrap().contains("(199 so far)"));
        hear(&mut servers, "B");
        assert!(servers.outlook().unwrap().contains("(0 so far)"));
        hear(&mut servers, &alone(201));
        assert_eq!((servers.several(), servers.is_in_doubt(), servers.turns()), (None, false, 2));
        counted(&mut servers, [5, 4]);
        assert!(servers.is_in_doubt());
    }
}
