//! Deadlines of drains that pass while all targets are on the screen: told with the targets and what was done there.

use std::time::Duration;

use crate::model::deck::{Deck, Focus};
use crate::model::{Model, Tone, drains};

/// Those that pass so shortly after one another are told together.
const TOGETHER: Duration = Duration::from_secs(10);

/// The drains of a target that run, by their numbers.
pub(super) fn running(station: &Model) -> Vec<u64> {
    drains::running(station.roster.snapshot()).map(|drain| drain.number).collect()
}

/// Tells of the deadlines that have passed lately, if one of those that `ran` at that target before is among them.
pub(super) fn tell(deck: &mut Deck, at: usize, ran: &[u64]) {
    let is_news =
        deck.stations.get(at).is_some_and(|station| passed(station).any(|it| ran.contains(&it.number)));
    if deck.focus != Focus::All || !is_news {
        return;
    }
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for station in &deck.stations {
        let name = station.station.as_deref();
        for Passed { said, .. } in passed(station) {
            match told.iter_mut().find(|(known, _)| *known == said) {
                Some((_, names)) => names.extend(name.filter(|name| !names.contains(name))),
                None => told.push((said, name.into_iter().collect())),
            }
        }
    }
    let told: Vec<String> =
        told.iter().map(|(said, names)| format!("{}: {said}", names.join(", "))).collect();
    deck.tell(Tone::Alarm, told.join("; "));
    deck.changed = true;
}

/// A drain whose deadline has passed lately.
struct Passed {
    number: u64,
    /// `app/node1 was stopped at the deadline of its drain`.
    said: String,
}

fn passed(station: &Model) -> impl Iterator<Item = Passed> {
    station.roster.snapshot().into_iter().flat_map(|snapshot| {
        snapshot.drains.iter().filter_map(|drain| {
            drain.ended.filter(|ended| snapshot.taken.since(*ended) <= TOGETHER)?;
            let came = drain.outcome?.came_of_deadline()?;
            let label = drains::target(drain).label(Some(snapshot));
            Some(Passed { number: drain.number, said: format!("{label} {came}") })
        })
    })
}
