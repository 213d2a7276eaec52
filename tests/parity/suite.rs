//! Every scenario before both, the seeds before both, and the line that closes the suite.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use harness::prelude::*;

use crate::compare::{Findings, both};
use crate::generator;
use crate::play::{Outcome, Play};
use crate::scenario::{Expected, Line, Scenario};
use crate::stage::{Stage, Which};
use crate::step::Step;

/// The folder of the scenarios.
pub(crate) fn place() -> PathBuf {
    workspace().join("tests/parity/scenarios")
}

/// Reads the scenario of that name, or in the file of that path.
#[track_caller]
pub(crate) fn read(name: &str) -> Scenario {
    let path = file(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    Scenario::parse(&text).unwrap_or_else(|why| panic!("{name}: {why}"))
}

fn file(name: &str) -> PathBuf {
    place().join(name).with_extension("txt")
}

/// The names of all scenarios.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(place())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Plays a scenario alone on a stage of its own; none without httpd.
#[track_caller]
pub(crate) fn alone(which: Which, scenario: &Scenario) -> Option<Vec<Outcome>> {
    let threads = if scenario.departures.is_empty() { 2 } else { 1 };
    let mut stage = Stage::start(which, (&scenario.configuration, threads), &scenario.backends())?;
    Some(Play::new(&mut stage, "app", "/").play(scenario))
}

/// Plays a scenario before both at the same time; none without httpd.
pub(crate) fn beside(scenario: &Scenario) -> Option<(Vec<Outcome>, Vec<Outcome>)> {
    thread::scope(|scope| {
        let theirs = scope.spawn(|| alone(Which::Httpd, scenario));
        let ours = alone(Which::Ours, scenario)?;
        Some((theirs.join().unwrap()?, ours))
    })
}

/// Is there an httpd to compare with?
fn httpd_is_here() -> bool {
    harness::httpd::accepts("").is_some()
}

/// Plays all of `work` by two threads and adds up what they found; the complaints come with the names.
fn by_two<T: Send>(work: Vec<T>, play: impl Fn(T) -> (String, Findings) + Sync) -> (Findings, Vec<String>) {
    let queue = Mutex::new(VecDeque::from(work));
    let total = Mutex::new((Findings::default(), Vec::new()));
    let next = || queue.lock().unwrap().pop_front();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(one) = next() {
                    let (name, found) = play(one);
                    let mut total = total.lock().unwrap();
                    total.0.add(&found);
                    if !found.wrong.is_empty() {
                        total.1.push(format!("== {name}\n{}", found.wrong.join("\n")));
                    }
                }
            });
        }
    });
    total.into_inner().unwrap()
}

#[test]
fn everything_is_as_before_httpd() {
    if !httpd_is_here() {
        return;
    }
    let only = std::env::var("EVENKEEL_SCENARIO").ok();
    let names: Vec<String> = match &only {
        Some(path) if path.contains('/') => vec![path.clone()],
        Some(part) => names().into_iter().filter(|name| name.contains(part)).collect(),
        None => names(),
    };
    let scenarios = names.len();
    let (mut found, mut wrong) = by_two(names, |name| {
        let scenario = read(&name);
        let (theirs, ours) = beside(&scenario).unwrap();
        if std::env::var_os("EVENKEEL_RECORD").is_some() {
            record(&file(&name), scenario.clone(), &theirs, &ours);
        }
        let found = both(&scenario, &theirs, &ours);
        (name, found)
    });
    let batches = if only.is_some() { Vec::new() } else { generator::batches() };
    let seeds: usize = batches.iter().map(Vec::len).sum();
    let (by_seeds, failed) = by_two(batches, |seeds| generator::play(&seeds));
    found.add(&by_seeds);
    wrong.extend(failed);
    println!(
        "parity: {scenarios} scenarios, {seeds} seeds, {} comparisons, {} departures asserted",
        found.comparisons, found.departures
    );
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Writes what was seen into the steps that expect nothing yet.
fn record(path: &Path, mut scenario: Scenario, theirs: &[Outcome], ours: &[Outcome]) {
    for (line, (theirs, ours)) in scenario.lines.iter_mut().zip(theirs.iter().zip(ours)) {
        let Line { step, expected } = line;
        let tells =
            matches!(step, Step::Ask(_) | Step::Release(_) | Step::Join | Step::Hear(_) | Step::See(_));
        if tells && expected.is_none() {
            *expected = Some(Expected { httpd: theirs.text.clone(), ours: ours.text.clone() });
        }
    }
    fs::write(path, scenario.to_string()).unwrap();
}
