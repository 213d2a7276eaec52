//! Rules of the house that neither the compiler nor clippy knows. Each is a function from text to complaints, and
//! has a test that shows it a broken example.

mod arrow;
mod package;
mod picture;
mod settings;
mod source;
mod style;

use std::fs;

use harness::binaries::{evenkeel_proxy, run, workspace};
use source::{Source, files};

/// The rules for each Rust file.
const RULES: &[fn(&Source) -> Vec<String>] = &[
    arrow::module_arrows,
    arrow::clocks,
    arrow::tests_link_nothing,
    style::head,
    style::file_size,
    style::function_size,
    style::words,
    style::promises,
];

fn check(sources: &[Source], rules: &[fn(&Source) -> Vec<String>]) -> Vec<String> {
    let complain = |source: &Source, rule: &fn(&Source) -> Vec<String>| -> Vec<String> {
        rule(source).into_iter().map(|complaint| format!("{}: {complaint}", source.path)).collect()
    };
    sources.iter().flat_map(|source| rules.iter().flat_map(|rule| complain(source, rule))).collect()
}

#[track_caller]
fn assert_tidy(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_source_file_keeps_the_rules() {
    let sources = files(&workspace(), ".rs");
    assert!(sources.len() > 20, "the walk found {} files only", sources.len());
    assert_tidy(&check(&sources, RULES));
}

#[test]
fn every_manifest_keeps_its_arrows() {
    let manifests = files(&workspace(), "Cargo.toml");
    assert_eq!(manifests.len(), 6, "the workspace and its five crates");
    assert_tidy(&check(&manifests, &[arrow::crate_arrows, style::promises]));
}

#[test]
fn pages_for_people_promise_nothing() {
    assert_tidy(&check(&files(&workspace(), ".md"), &[style::promises]));
}

#[test]
fn every_picture_is_shown_and_every_shown_picture_exists() {
    let root = workspace();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let names = fs::read_dir(root.join("screenshots")).unwrap();
    let names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_tidy(&picture::pictures(&readme, &names));
}

#[test]
fn packages_are_made_of_what_is_there() {
    let read = |path: &str| fs::read_to_string(workspace().join(path)).unwrap();
    let script = read(".ci/package");
    for room in ["proxy", "console"] {
        let manifest = read(&format!("{room}/Cargo.toml"));
        assert_tidy(&package::sources(&workspace(), room, &manifest, &script));
    }
    let manual = run(&evenkeel_proxy(), ["--man"]).with_code(0).out;
    assert_tidy(&package::commands(&read("proxy/systemd/evenkeel-proxy.service"), &manual));
    let example = workspace().join("proxy/systemd/site.conf");
    let checked =
        run(&evenkeel_proxy(), ["-t".as_ref(), "--strict".as_ref(), "-f".as_ref(), example.as_os_str()]);
    assert!(checked.with_code(0).err.contains("Syntax OK"));
}

#[test]
fn settings_in_two_places_agree() {
    let read = |path: &str| fs::read_to_string(workspace().join(path)).unwrap();
    assert_tidy(&settings::lints(&read("Cargo.toml"), &read("tests/Cargo.toml")));
    assert_tidy(&settings::bans(&read(".clippy.toml"), &read("proxy/balancer/clippy.toml")));
}
