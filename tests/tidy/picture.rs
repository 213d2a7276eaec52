//! Pictures: those that README shows exist, and those that exist are shown.

/// What is wrong with pictures, given README's text and the names of the files in `screenshots/`.
pub(crate) fn pictures(readme: &str, files: &[String]) -> Vec<String> {
    let shown: Vec<&str> = readme
        .split("screenshots/")
        .skip(1)
        .filter_map(|rest| rest.split_once(".png"))
        .map(|(stem, _)| stem)
        .filter(|stem| stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        .collect();
    let mut wrong = Vec::new();
    for stem in &shown {
        for ending in ["png", "txt"] {
            if !files.contains(&format!("{stem}.{ending}")) {
                wrong
                    .push(format!("README.md shows screenshots/{stem}.png, but there is no {stem}.{ending}"));
            }
        }
    }
    for file in files {
        match file.rsplit_once('.') {
            Some((stem, "png")) if !shown.contains(&stem) => {
                wrong.push(format!("screenshots/{file} is shown nowhere in README.md"));
            }
            Some((stem, "txt")) if !files.contains(&format!("{stem}.png")) => {
                wrong.push(format!("screenshots/{file} has no picture"));
            }
            Some((_, "png" | "txt")) => {}
            _ => wrong.push(format!("screenshots/{file} is neither picture nor text")),
        }
    }
    wrong
}

#[test]
fn pictures_that_are_missing_or_not_shown_are_noticed() {
    let files = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let readme = "![The overview](screenshots/overview.png)";
    assert_eq!(pictures(readme, &files(&["overview.png", "overview.txt"])), Vec::<String>::new());
    assert_eq!(pictures(readme, &files(&["overview.png"])).len(), 1);
    assert_eq!(pictures(readme, &files(&[])).len(), 2);
    assert_eq!(pictures("", &files(&["overview.png", "overview.txt"])).len(), 1);
    assert_eq!(pictures("", &files(&["stray.txt"])).len(), 1);
    assert_eq!(pictures("", &files(&["drawn.xcf"])).len(), 1);
}
