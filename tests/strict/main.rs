//! Strict HTTP/1.1 both ways, as rows of bytes: what is ambiguous is refused and never forwarded, what is forwarded
//! is canonical.
//!
//! The rows stand in `rows`, their form is told in `harness::strict::row`. What httpd, nginx and haproxy do with
//! each stands in `others.txt`, which `cargo run -p evenkeel-tests --bin replay` writes.

mod opinion;
mod property;
mod text;

use std::collections::BTreeMap;

use harness::eventually::patience;
use harness::strict::verdict::complaints;
use harness::strict::{Manner, Place, Row, Site, play, rows};

/// Plays all rows of a file, each site's on one proxy; panics with all that is wrong.
#[track_caller]
fn holds(name: &str, file: &str) {
    let mut places: BTreeMap<&str, Place> = BTreeMap::new();
    let mut wrong = Vec::new();
    let rows = chosen(rows(name, file));
    for row in &rows {
        let place = places.entry(row.site.name).or_insert_with(|| Place::ours(row.site));
        let member = place.member.address().to_string();
        let sight = play(place, row, Manner { quiet: patience() / 5 });
        let complaints = complaints(row, &sight, &member);
        if !complaints.is_empty() {
            wrong.push(format!("{} ({}):\n    {}", row.id, row.class, complaints.join("\n    ")));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} rows of {name} do not hold:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

/// The rows whose name contains the text of `EVENKEEL_ROW`, if that is set.
fn chosen(mut rows: Vec<Row>) -> Vec<Row> {
    if let Ok(part) = std::env::var("EVENKEEL_ROW") {
        rows.retain(|row| row.id.contains(&part));
    }
    rows
}

/// A file of rows, and a test that plays it.
macro_rules! chapters {
    ($($name:ident)*) => {
        const CHAPTERS: &[(&str, &str)] =
            &[$((stringify!($name), include_str!(concat!("rows/", stringify!($name), ".txt")))),*];

        $(#[test]
        fn $name() {
            holds(stringify!($name), include_str!(concat!("rows/", stringify!($name), ".txt")));
        })*
    };
}

chapters! {
    framing
    lines
    targets
    exchanges
    paths
    fields
    answers
    statuses
}

/// All rows of all files.
fn all() -> Vec<Row> {
    CHAPTERS.iter().flat_map(|(name, file)| rows(name, file)).collect()
}

#[test]
fn there_are_enough_rows_and_no_two_of_one_name() {
    let all = all();
    let mut ids: Vec<&str> = all.iter().map(|row| row.id.as_str()).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|two| two[0] != two[1]), "a name is there twice: {ids:?}");
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &all {
        *classes.entry(&row.class).or_default() += 1;
    }
    let thin: Vec<_> = classes.iter().filter(|(_, count)| **count < 10).collect();
    assert!(thin.is_empty(), "classes with fewer than ten rows: {thin:?}");
    assert!(all.len() >= 400, "{} rows only: {classes:?}", all.len());
}

#[test]
fn a_row_that_does_not_hold_is_noticed() {
    let text = "row a\n> GET /{1.1}X: evil\\r\\n\\r\\n\n@ GET /other{M}{F}\n= 404\n= usable\n";
    let rows = rows("text", text);
    let place = Place::ours(Site::named("plain").unwrap());
    let sight = play(&place, &rows[0], Manner { quiet: patience() / 5 });
    let complaints = complaints(&rows[0], &sight, &place.member.address().to_string()).join("\n");
    for part in ["request line", "fields", "the client got [200", "what must reach nobody"] {
        assert!(complaints.contains(part), "{part}: {complaints}");
    }
}
