//! Seeds before both: batches of scenarios that share one start of each server, every scenario with a balancer of its
//! own. What fails is played again by itself, with fewer and fewer steps, and shown as the text of a scenario.

use std::thread;

use crate::compare::{Findings, both};
use crate::play::{Outcome, Play};
use crate::scenario::{Line, Scenario};
use crate::seeded::{MOST, scenario};
use crate::stage::{Stage, Which};
use crate::step::{Ask, Step};
use crate::suite::beside;

/// How many scenarios share a start.
const BATCH: usize = 10;
/// How many seeds, and the most plays in search of fewer steps.
const SEEDS: u64 = 200;
const PLAYS: usize = 60;

/// The seeds of this run: `EVENKEEL_SEED` is the first one, `EVENKEEL_SEEDS` how many.
pub(crate) fn batches() -> Vec<Vec<u64>> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("EVENKEEL_SEED").unwrap_or(1);
    let seeds: Vec<u64> = (first..first + number("EVENKEEL_SEEDS").unwrap_or(SEEDS)).collect();
    seeds.chunks(BATCH).map(<[u64]>::to_vec).collect()
}

/// Plays a batch before both.
pub(crate) fn play(seeds: &[u64]) -> (String, Findings) {
    let scenarios: Vec<(String, Scenario)> =
        seeds.iter().map(|seed| (format!("s{seed}"), scenario(*seed))).collect();
    let (theirs, ours) = thread::scope(|scope| {
        let theirs = scope.spawn(|| play_all(Which::Httpd, &scenarios));
        let ours = play_all(Which::Ours, &scenarios);
        (theirs.join().unwrap(), ours)
    });
    let mut findings = Findings::default();
    for ((_, scenario), (theirs, ours)) in scenarios.iter().zip(theirs.iter().zip(&ours)) {
        let found = both(scenario, theirs, ours);
        findings.add(&found);
        if !found.wrong.is_empty() {
            let whole = format!("{scenario}\n{}", found.wrong.join("\n"));
            let shown = if findings.wrong.is_empty() { shrink(scenario, found.at) } else { None };
            findings.wrong.push(shown.unwrap_or(whole));
        }
    }
    (format!("seeds {} to {}", seeds.first().unwrap(), seeds.last().unwrap()), findings)
}

fn play_all(which: Which, scenarios: &[(String, Scenario)]) -> Vec<Vec<Outcome>> {
    let configuration: String = scenarios
        .iter()
        .map(|(name, scenario)| {
            let text = scenario.configuration.replace("ProxyPass / ", &format!("ProxyPass /{name}/ "));
            text.replace("balancer://app", &format!("balancer://{name}"))
        })
        .collect();
    let names: Vec<String> = (1..=MOST).map(|number| number.to_string()).collect();
    let mut stage = Stage::start(which, (&configuration, 2), &names).expect("an httpd was there before");
    scenarios
        .iter()
        .map(|(name, scenario)| Play::new(&mut stage, name, &format!("/{name}/")).play(scenario))
        .collect()
}

/// The text of a scenario with as few steps as still differ, and how; none if it does not differ by itself.
fn shrink(scenario: &Scenario, at: usize) -> Option<String> {
    let mut smallest = Scenario { lines: singly(&scenario.lines[..=at]), ..scenario.clone() };
    let wrong = |scenario: &Scenario| {
        let found = beside(scenario).map(|(theirs, ours)| both(scenario, &theirs, &ours)).unwrap_or_default();
        (!found.wrong.is_empty()).then_some(found)
    };
    let mut found = wrong(&smallest)?;
    let (mut plays, mut length) = (0, smallest.lines.len().div_ceil(2));
    while length > 0 && plays < PLAYS {
        smallest.lines.truncate(found.at + 1);
        let mut from = 0;
        while from < smallest.lines.len() && plays < PLAYS {
            let mut fewer = smallest.clone();
            let to = (from + length).min(fewer.lines.len());
            fewer.lines.drain(from..to);
            plays += 1;
            match wrong(&fewer) {
                Some(still) => (smallest, found) = (fewer, still),
                None => from = to,
            }
        }
        length /= 2;
    }
    Some(format!("{smallest}\n{}", found.wrong.join("\n")))
}

/// The same steps with each request a step of its own.
fn singly(lines: &[Line]) -> Vec<Line> {
    let single = |line: &Line| match &line.step {
        Step::Ask(ask) => vec![Line::of(Step::Ask(Ask { times: 1, ..ask.clone() })); ask.times],
        _ => vec![line.clone()],
    };
    lines.iter().flat_map(single).collect()
}
