//! Holds what came of a scenario against what its text expects and against what came of it at the other stage.

use crate::counters::table;
use crate::play::Outcome;
use crate::scenario::{Expected, Line, Scenario};
use crate::stage::Which;
use crate::step::Step;

/// What was found, and how many values were looked at.
#[derive(Debug, Default, Clone)]
pub(crate) struct Findings {
    /// Values that were compared.
    pub(crate) comparisons: usize,
    /// Departures whose difference was seen as it was written.
    pub(crate) departures: usize,
    /// What differs, in words. Only that of the first step at which anything does.
    pub(crate) wrong: Vec<String>,
    /// The number of that step.
    pub(crate) at: usize,
}

/// Compares one stage with the expectations of the text.
pub(crate) fn with_text(scenario: &Scenario, which: Which, outcomes: &[Outcome]) -> Findings {
    let mut findings = Findings::default();
    for (at, (line, outcome)) in scenario.lines.iter().zip(outcomes).enumerate() {
        findings.expect(line, which, outcome);
        if findings.stop(at, line) {
            break;
        }
    }
    findings
}

/// Compares the two stages with one another and with the text. From the step on that leads to the first difference
/// which the text tolerates, only what the text says counts.
pub(crate) fn both(scenario: &Scenario, theirs: &[Outcome], ours: &[Outcome]) -> Findings {
    let mut findings = Findings::default();
    let departs = departs(scenario);
    for (at, (line, (theirs, ours))) in scenario.lines.iter().zip(theirs.iter().zip(ours)).enumerate() {
        findings.expect(line, Which::Httpd, theirs);
        findings.expect(line, Which::Ours, ours);
        if departs.is_none_or(|from| at < from) {
            findings.equal(theirs, ours);
        }
        if findings.stop(at, line) {
            findings.wrong.push(format!("httpd's members:\n{}", table(&theirs.members)));
            findings.wrong.push(format!("our members:\n{}", table(&ours.members)));
            return findings;
        }
    }
    if departs.is_some() {
        findings.departures = scenario.departures.len();
    } else if !scenario.departures.is_empty() {
        findings.wrong.push("it names a departure and shows no difference".to_owned());
    }
    findings
}

/// The step that leads to the first tolerated difference: what is seen to differ was done by the step before.
fn departs(scenario: &Scenario) -> Option<usize> {
    let differs = |line: &Line| line.expected.as_ref().is_some_and(Expected::differs);
    let first = scenario.lines.iter().position(differs)?;
    let act =
        scenario.lines[..=first].iter().rposition(|line| !matches!(line.step, Step::Hear(_) | Step::See(_)));
    Some(act.unwrap_or_default())
}

impl Findings {
    /// Adds those of another scenario.
    pub(crate) fn add(&mut self, other: &Self) {
        self.comparisons += other.comparisons;
        self.departures += other.departures;
    }

    fn expect(&mut self, line: &Line, which: Which, outcome: &Outcome) {
        let Some(expected) = &line.expected else { return };
        let expected = match which {
            Which::Httpd => &expected.httpd,
            Which::Ours => &expected.ours,
        };
        self.comparisons += 1;
        if *expected != outcome.text {
            self.wrong.push(format!("{which:?} gave\n    {}\nand not\n    {expected}", outcome.text));
        }
    }

    fn equal(&mut self, theirs: &Outcome, ours: &Outcome) {
        self.same("what came of it", [&theirs.text, &ours.text]);
        self.lists("answers", [&theirs.answers, &ours.answers]);
        self.lists("requests to members", [&theirs.asked, &ours.asked]);
        if theirs.members.len() != ours.members.len() {
            self.wrong.push(format!("{} and {} members", theirs.members.len(), ours.members.len()));
        }
        for (theirs, ours) in theirs.members.iter().zip(&ours.members) {
            self.same("name", [&theirs.name, &ours.name]);
            for ((field, theirs), (_, our)) in theirs.compared().iter().zip(&ours.compared()) {
                self.same(&format!("{field} of {}", ours.name), [theirs, our]);
            }
        }
    }

    fn lists(&mut self, what: &str, [theirs, ours]: [&[String]; 2]) {
        if theirs.len() != ours.len() {
            self.wrong.push(format!("{what}: httpd has {theirs:#?} and we have {ours:#?}"));
        }
        for (theirs, ours) in theirs.iter().zip(ours) {
            self.same(what, [theirs, ours]);
        }
    }

    fn same(&mut self, what: &str, [theirs, ours]: [&str; 2]) {
        self.comparisons += 1;
        if theirs != ours {
            self.wrong.push(format!("{what}: httpd has\n    {theirs}\nand we have\n    {ours}"));
        }
    }

    /// Is anything wrong? Then it is said at which step, and what follows is of no interest.
    fn stop(&mut self, at: usize, line: &Line) -> bool {
        if self.wrong.is_empty() {
            return false;
        }
        self.at = at;
        self.wrong.insert(0, format!("step {}: {}", at + 1, line.step));
        true
    }
}
