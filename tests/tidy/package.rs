//! What the packages are made of is there: every file that a manifest names, or what makes it.

use std::path::Path;

/// What a package of that manifest names and nobody has or makes. `script` is the one that makes the packages.
pub(crate) fn sources(root: &Path, room: &str, manifest: &str, script: &str) -> Vec<String> {
    let sources: Vec<String> = manifest.lines().filter_map(source).map(|it| it.replace("../", "")).collect();
    let missing = sources.iter().filter(|source| match source.split_once('/') {
        Some(("target", made)) => {
            let name = made.rsplit('/').next().unwrap_or_default();
            let program = made.starts_with("release/") && manifest.contains(&format!("name = \"{name}\""));
            !program && !script.contains(&format!(">target/{made}"))
        }
        _ => !root.join(source).exists() && !root.join(room).join(source).exists(),
    });
    let mut wrong: Vec<String> =
        missing.map(|source| format!("{room}/Cargo.toml packs {source}, which is nowhere")).collect();
    if sources.is_empty() {
        wrong.push(format!("{room}/Cargo.toml packs nothing"));
    }
    wrong
}

/// The file that a line of `assets` takes.
fn source(line: &str) -> Option<&str> {
    let line = line.trim();
    let rest = line.strip_prefix("[\"").or_else(|| line.strip_prefix("{ source = \""))?;
    rest.split('"').next()
}

/// What a unit starts is the program, with options that it has.
pub(crate) fn commands(unit: &str, manual: &str) -> Vec<String> {
    let starts = unit.lines().filter_map(|line| line.strip_prefix("Exec")?.split_once('='));
    let options = starts.flat_map(|(_, command)| command.split(' ').filter(|word| word.starts_with('-')));
    let unknown = options.filter(|option| *option != "-HUP");
    let unknown = unknown.filter(|option| !manual.contains(&option.replace('-', "\\-")));
    unknown.map(|option| format!("the unit names {option}, which the program has not")).collect()
}

#[test]
fn what_is_missing_is_noticed() {
    let root = harness::binaries::workspace();
    let manifest = "[[bin]]\nname = \"one\"\nassets = [\n[\"target/release/one\", \"a\", \"755\"],\n\
                    { source = \"target/package/one.1\", dest = \"b\" },\n[\"../README.md\", \"c\", \"644\"],\n";
    assert_eq!(sources(&root, "proxy", manifest, "man >target/package/one.1"), [""; 0]);
    assert_eq!(sources(&root, "proxy", manifest, "").len(), 1);
    let more = format!("{manifest}[\"target/release/two\", \"a\", \"755\"],\n[\"nowhere\", \"b\", \"644\"],");
    assert_eq!(sources(&root, "proxy", &more, "man >target/package/one.1").len(), 2);
    assert_eq!(sources(&root, "proxy", "", "").len(), 1);
    assert_eq!(commands("ExecStart=/usr/bin/one -f x --run-dir y", "\\-f \\-\\-run\\-dir"), [""; 0]);
    assert_eq!(commands("ExecStart=/usr/bin/one -x", "\\-f").len(), 1);
}
