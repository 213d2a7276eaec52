//! Plays every row of the suite `strict` against our proxy and against httpd, nginx and haproxy, as far as they are
//! here, and writes what came of each into `tests/strict/others.txt`.
//!
//! Our own column is what the rows demand; where our proxy does otherwise, that is printed. The programs run on the
//! loopback with configurations and folders of their own, and end with this one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use harness::binaries::workspace;
use harness::httpd::skipped;
use harness::strict::others::Other;
use harness::strict::verdict::{complaints, foretold};
use harness::strict::{Manner, Outcome, Place, Row, play, rows};

/// How long another proxy may be silent before its connection counts as hanging.
const QUIET: Duration = Duration::from_millis(400);

const HEAD: &str = "\
# What came of each row, here and elsewhere. Written by `cargo run -p evenkeel-tests --bin replay`; not by hand.
#
# A column says how many whole messages the member got and what the client was answered. Behind the number:
# +cut a part of a message, +odd not in canonical form, +garbage can be read in two ways. Behind a status: ! broke off.
# +babble: the client got what is no answer; +stays: the connection stayed open where we say that it ends.
";

fn main() {
    let folder = workspace().join("tests").join("strict");
    let all = all(&folder.join("rows"));
    let threads: Vec<_> = Other::ALL
        .into_iter()
        .filter(|other| {
            let here = other.is_installed();
            if !here {
                skipped(&format!("{} is not installed here", other.name()));
            }
            here
        })
        .map(|other| {
            let rows = all.clone();
            (other, thread::spawn(move || outcomes(other, &rows)))
        })
        .collect();
    say_where_ours_differs(&all);
    let columns: Vec<(Other, Vec<Outcome>)> =
        threads.into_iter().map(|(other, thread)| (other, thread.join().expect("no panic"))).collect();
    let path = folder.join("others.txt");
    let before = fs::read_to_string(&path).unwrap_or_default();
    fs::write(path, table(&all, &columns, &before)).expect("the folder of the suite can be written to");
}

/// Plays the rows on our proxy and prints those that do not hold.
#[expect(clippy::print_stdout, reason = "that is what the program is for")]
fn say_where_ours_differs(rows: &[Row]) {
    let mut places: BTreeMap<&str, Place> = BTreeMap::new();
    for row in rows {
        let place = places.entry(row.site.name).or_insert_with(|| Place::ours(row.site));
        let member = place.member.address().to_string();
        let sight = play(place, row, Manner { quiet: QUIET });
        if let Some(first) = complaints(row, &sight, &member).first() {
            println!("{}: {} here, because {first}", row.id, Outcome::of(&sight));
        }
    }
}

/// All rows, in the order of their files' names.
fn all(folder: &Path) -> Vec<Row> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the rows are there")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| rows(&path.display().to_string(), &fs::read_to_string(path).expect("readable")))
        .collect()
}

fn outcomes(other: Other, rows: &[Row]) -> Vec<Outcome> {
    let mut places: BTreeMap<&str, Place> = BTreeMap::new();
    let mut outcomes = Vec::new();
    for row in rows {
        let place = places.entry(row.site.name).or_insert_with(|| other.place(row.site));
        outcomes.push(Outcome::of(&play(place, row, Manner { quiet: QUIET })));
    }
    outcomes
}

/// The table. What a program did that is not here now stays as it was `before`.
fn table(rows: &[Row], columns: &[(Other, Vec<Outcome>)], before: &str) -> String {
    let mut text = HEAD.to_owned();
    for other in Other::ALL {
        let name = other.name();
        let here =
            columns.iter().any(|(it, _)| *it == other).then(|| format!("# {name}: {}", other.version()));
        let there = before.lines().find(|line| line.starts_with(&format!("# {name}: "))).map(str::to_owned);
        let version = here.or(there).unwrap_or_else(|| format!("# {name}: not played"));
        writeln!(text, "#\n{version}").expect("a text takes all");
    }
    let old: BTreeMap<&str, &str> =
        before.lines().filter_map(|line| line.split_once('|')).map(|(id, rest)| (id.trim(), rest)).collect();
    let width = rows.iter().map(|row| row.id.len()).max().unwrap_or_default();
    for (at, row) in rows.iter().enumerate() {
        write!(text, "{:width$} | ours {}", row.id, foretold(row)).expect("a text takes all");
        for other in Other::ALL {
            let name = other.name();
            let now =
                columns.iter().find(|(it, _)| *it == other).map(|(_, outcomes)| outcomes[at].to_string());
            let kept = old.get(row.id.as_str()).and_then(|rest| {
                let mut columns = rest.split('|').filter_map(|column| column.trim().split_once(' '));
                columns.find(|(who, _)| *who == name).map(|(_, outcome)| outcome.to_owned())
            });
            if let Some(outcome) = now.or(kept) {
                write!(text, " | {name} {outcome}").expect("a text takes all");
            }
        }
        text.push('\n');
    }
    text
}
