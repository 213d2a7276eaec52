//! What others do with each row, and our reasons where two of three are of another opinion.

use std::collections::BTreeMap;

use harness::strict::verdict::{Difference, differs, foretold};
use harness::strict::{Outcome, Row};

/// Written by the program `replay`.
const OTHERS: &str = include_str!("others.txt");

/// What came of each row, by its name: ours first, then the others by theirs.
fn table() -> BTreeMap<&'static str, Vec<(&'static str, Outcome)>> {
    let rows = OTHERS.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.map(|line| {
        let mut columns = line.split('|').map(str::trim);
        let id = columns.next().unwrap_or_default();
        let outcomes = columns.map(|column| {
            let (who, outcome) = column.split_once(' ').unwrap_or_else(|| panic!("no outcome in {line}"));
            (who, outcome.parse().unwrap_or_else(|why| panic!("{why} in {line}")))
        });
        (id, outcomes.collect())
    })
    .collect()
}

/// In which way two of the others are of another opinion.
fn outvoted(row: &Row, outcomes: &[(&str, Outcome)]) -> Option<Difference> {
    let opinions: Vec<Difference> = outcomes
        .iter()
        .filter(|(who, _)| *who != "ours")
        .filter_map(|(_, outcome)| differs(row, outcome))
        .collect();
    [Difference::TheyRefuse, Difference::TheyForward]
        .into_iter()
        .find(|difference| opinions.iter().filter(|opinion| *opinion == difference).count() >= 2)
}

#[test]
fn every_row_was_played_against_the_others() {
    let table = table();
    for row in super::all() {
        let ours =
            table.get(row.id.as_str()).and_then(|outcomes| outcomes.iter().find(|(who, _)| *who == "ours"));
        let Some((_, ours)) = ours else { panic!("{} is new: run the program replay", row.id) };
        assert_eq!(*ours, foretold(&row), "{} has changed: run the program replay", row.id);
    }
    assert_eq!(table.len(), super::all().len(), "rows are gone: run the program replay");
}

#[test]
fn where_two_of_three_are_of_another_opinion_we_say_why() {
    let table = table();
    let mut silent = Vec::new();
    for row in super::all() {
        let outcomes = table.get(row.id.as_str()).map_or(&[][..], Vec::as_slice);
        if let Some(difference) = outvoted(&row, outcomes)
            && row.because.is_empty()
        {
            silent.push(format!("{}: {difference:?}", row.id));
        }
    }
    assert!(silent.is_empty(), "{} rows need a reason:\n{}", silent.len(), silent.join("\n"));
}
