//! Settings of tools that stand in two places because the tool cannot inherit them, and must agree.

/// The lints that the tests' own table may set otherwise than the workspace's: how a test complains.
const OTHERWISE: &[&str] = &["unwrap_used", "expect_used", "panic", "indexing_slicing", "missing_panics_doc"];

/// Where the tests' table of lints differs from that of the workspace.
pub(crate) fn lints(workspace: &str, tests: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for tool in ["rust", "clippy"] {
        let theirs = section(workspace, &format!("workspace.lints.{tool}"));
        let ours = section(tests, &format!("lints.{tool}"));
        for line in theirs
            .iter()
            .filter(|line| !ours.contains(line))
            .chain(ours.iter().filter(|line| !theirs.contains(line)))
        {
            let name = line.split([' ', '=']).next().unwrap_or_default();
            if !OTHERWISE.contains(&name) {
                wrong.push(format!("tests/Cargo.toml and Cargo.toml differ in the lint {name}"));
            }
        }
    }
    wrong.dedup();
    wrong
}

/// Methods that the workspace bans and the core's own file, which replaces the upper one, does not repeat.
pub(crate) fn bans(workspace: &str, core: &str) -> Vec<String> {
    let banned = |text: &str| -> Vec<String> {
        text.split("path = \"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    };
    let repeated = banned(core);
    banned(workspace)
        .into_iter()
        .filter(|path| !repeated.contains(path))
        .map(|path| format!("proxy/balancer/clippy.toml does not repeat the ban of {path}"))
        .collect()
}

/// Lines of a section of a manifest, without comments.
fn section<'a>(manifest: &'a str, name: &str) -> Vec<&'a str> {
    manifest
        .lines()
        .skip_while(|line| *line != format!("[{name}]"))
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[test]
fn settings_that_differ_are_noticed() {
    let workspace =
        "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n\n[workspace.lints.clippy]\npanic = \"deny\"\n";
    let same = "[lints.rust]\nunsafe_code = \"forbid\"\n\n# Why.\n[lints.clippy]\npanic = \"allow\"\n";
    assert_eq!(lints(workspace, same), Vec::<String>::new());
    assert_eq!(lints(workspace, "[lints.rust]\n[lints.clippy]\npanic = \"allow\"\n").len(), 1);
    assert_eq!(lints(workspace, &format!("{same}unwrap = \"allow\"\n")).len(), 1);
    let ban = "{ path = \"std::a\", reason = \"x\" }";
    assert_eq!((bans(ban, ban).len(), bans(ban, "").len()), (0, 1));
}
