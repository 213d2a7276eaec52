//! The console's own configuration: a small file of TOML that names groups of targets. It is read only where a group
//! is named; what it holds beyond that is refused, so that a misspelt word is not a group that lacks a target.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use evenkeel_protocol::clean::clean;
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 << 10;
/// Characters of a text from the file, in a message.
const LONGEST: usize = 200;

/// What is wrong. Each reads as a sentence that names the place and the remedy.
#[derive(Debug, Error)]
pub enum Error {
    /// Nobody says where the file is.
    #[error(
        "--group needs a configuration file, and neither XDG_CONFIG_HOME nor HOME says where it is; set one"
    )]
    NoHome,
    /// The file cannot be read.
    #[error("{} cannot be read ({why}); it holds the groups, as in\n{EXAMPLE}", shown(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// The file is not what it should be.
    #[error("{}:{line}: {why}; a group is written\n{EXAMPLE}", shown(path))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// There is no such group.
    #[error("{} has no group '{name}'; {known}", shown(path))]
    NoGroup {
        /// The file.
        path: PathBuf,
        /// The group that was named.
        name: String,
        /// Those that there are, as the end of the sentence.
        known: String,
    },
}

const EXAMPLE: &str =
    "  [group.web]\n  targets = [\"/run/evenkeel/site-a\", \"https://lb1/balancer-manager\"]";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    group: BTreeMap<String, Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    targets: Spanned<Vec<Spanned<String>>>,
}

/// Where the file is: `evenkeel/config.toml` in `$XDG_CONFIG_HOME`, else in `$HOME/.config`.
///
/// # Errors
///
/// Neither variable holds an absolute path.
pub fn path(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, Error> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    folder.map(|folder| folder.join("evenkeel/config.toml")).ok_or(Error::NoHome)
}

/// The targets of the group `name` in the file at `path`, as they are written there; at least one.
///
/// # Errors
///
/// The file cannot be read, is wrong, or has no such group.
pub fn group(path: &Path, name: &str) -> Result<Vec<String>, Error> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    read.map_err(|why| Error::Unreadable { path: path.to_owned(), why })?;
    if text.len() as u64 > LARGEST {
        let why = io::Error::other(format!("it is larger than {} KiB", LARGEST >> 10));
        return Err(Error::Unreadable { path: path.to_owned(), why });
    }
    targets(&text, path, name)
}

fn targets(text: &str, path: &Path, name: &str) -> Result<Vec<String>, Error> {
    let wrong = |at: usize, why: &str| Error::Wrong {
        path: path.to_owned(),
        line: 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count(),
        why: clean(why, LONGEST),
    };
    let document: Document = toml::from_str(text)
        .map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message()))?;
    for group in document.group.values() {
        if group.targets.get_ref().is_empty() {
            return Err(wrong(group.targets.span().start, "a group without targets"));
        }
        for target in group.targets.get_ref() {
            let text = target.get_ref();
            let is_page = text.starts_with("http://") || text.starts_with("https://");
            if !text.starts_with('/') && !is_page {
                let why = format!("'{text}' is neither an absolute path nor the address of a manager page");
                return Err(wrong(target.span().start, &why));
            }
        }
    }
    let Some(group) = document.group.get(name) else {
        let known: Vec<&str> = document.group.keys().map(String::as_str).collect();
        let known = match known.as_slice() {
            [] => format!("it has none; write one, as in\n{EXAMPLE}"),
            known => format!("those are {}", clean(&known.join(", "), LONGEST)),
        };
        return Err(Error::NoGroup { path: path.to_owned(), name: clean(name, LONGEST), known });
    };
    Ok(group.targets.get_ref().iter().map(|target| target.get_ref().clone()).collect())
}

fn shown(path: &Path) -> String {
    clean(&path.display().to_string(), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        targets(text, Path::new("/c.toml"), "web").map_err(|error| error.to_string())
    }

    #[test]
    fn a_group_is_its_targets_in_their_order() {
        let text = "# ours\n[group.web]\ntargets = [\n  \"/run/b\",\n  \"/run/a\",\n]\n[group.\"a b\"]\ntargets = [\"/c\"]\n";
        assert_eq!(read(text).unwrap(), ["/run/b", "/run/a"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_the_remedy() {
        for (text, says) in [
            ("[group.web]\ntargets = [\"/a\"]\ntarget = 1\n", "/c.toml:3: unknown field `target`"),
            ("[groups.web]\ntargets = [\"/a\"]\n", "/c.toml:1: unknown field `groups`"),
            ("colour = \"red\"\n", "/c.toml:1: unknown field `colour`"),
            ("[group.web]\n\ntargets = []\n", "/c.toml:3: a group without targets"),
            ("[group.web]\ntargets = [\n\"run/a\"]\n", "/c.toml:3: 'run/a' is neither an absolute path"),
            ("[group.web]\ntargets = \"/a\"\n", "/c.toml:2: invalid type"),
            ("[group.web]\n", "/c.toml:1: missing field `targets`"),
            ("[group.web\n", "/c.toml:1: "),
            ("[group.web]\ntargets = [\"\\u001b[2J\"]\n", "/c.toml:2: '\u{fffd}[2J'"),
            ("[group.web]\ntargets=[\"/a\"]\n[group.web]\ntargets=[\"/b\"]\n", "/c.toml:3: "),
            ("[group.api]\ntargets = [\"/a\"]\n", "/c.toml has no group 'web'; those are api"),
            ("", "/c.toml has no group 'web'; it has none; write one"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(says), "{text}: {told}");
            assert!(told.contains("[group.web]") || told.contains("those are"), "{told}");
        }
    }

    #[test]
    fn the_file_lies_where_the_environment_says() {
        let at = |variables: &[(&str, &str)]| {
            let variables = variables.to_vec();
            path(move |name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| PathBuf::from(value))
            })
        };
        let home = ("HOME", "/home/anna");
        assert_eq!(at(&[home]).unwrap(), Path::new("/home/anna/.config/evenkeel/config.toml"));
        assert_eq!(at(&[home, ("XDG_CONFIG_HOME", "/c")]).unwrap(), Path::new("/c/evenkeel/config.toml"));
        assert_eq!(
            at(&[home, ("XDG_CONFIG_HOME", "relative")]).unwrap(),
            Path::new("/home/anna/.config/evenkeel/config.toml")
        );
        assert!(matches!(at(&[]), Err(Error::NoHome)));
    }

    #[test]
    fn a_file_that_is_not_there_or_too_large_is_told() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("config.toml");
        assert!(group(&path, "web").unwrap_err().to_string().contains("config.toml cannot be read"));
        std::fs::write(&path, "#".repeat(70_000)).unwrap();
        assert!(group(&path, "web").unwrap_err().to_string().contains("larger than 64 KiB"));
    }
}
