//! Which proxies are meant: one, named or found, or several that are seen and steered together as a fleet.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::place::ADMIN_SOCKET;
use thiserror::Error;

use crate::config;

/// The most targets of a fleet: each is asked at the same time as the others, over a connection of its own.
pub const MOST: usize = 32;
/// Characters of a target as it was typed, in a message.
const LONGEST: usize = 200;

/// One target of a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As it was typed, cleaned: what scripts find its results under.
    pub typed: String,
    /// As short as it can be told apart from the others: what people call it.
    pub name: String,
    /// Its admin socket, or the run folder that holds it.
    pub socket: PathBuf,
}

impl Target {
    /// The admin socket itself, which need not be there (yet).
    pub fn admin_socket(&self) -> PathBuf {
        let is_absent_folder = !self.socket.exists() && self.socket.extension().is_none();
        if self.socket.is_dir() || is_absent_folder {
            return self.socket.join(ADMIN_SOCKET);
        }
        self.socket.clone()
    }
}

/// Several targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// The words that mean it on a command line: `--group web`.
    pub words: String,
    /// The targets; at least two.
    pub targets: Vec<Target>,
}

/// What was named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// One, or nothing: then the only one that runs.
    One(Option<PathBuf>),
    /// Several.
    Fleet(Fleet),
}

/// Why what was named cannot be asked.
#[derive(Debug, Error)]
pub enum Unfit {
    /// Both ways of naming at once.
    #[error("--group names the targets by itself; leave --socket out, or --group")]
    Both,
    /// Some before the command and some behind it: the parser of the command line would keep the latter only.
    #[error("some targets are named before the command and some behind it; name them all in one place")]
    Scattered,
    /// The same target again.
    #[error("{0} is named twice; name each target once")]
    Twice(String),
    /// More than are asked at once.
    #[error("{0} targets are named, and at most {MOST} can be asked at once; make two groups of them")]
    TooMany(usize),
    /// The configuration file does not tell.
    #[error(transparent)]
    Config(#[from] config::Error),
}

/// How many targets the words of a command line name. What stands behind `--` belongs to somebody else.
pub fn written<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> usize {
    let names = |word: &S| {
        let word = word.as_ref().to_string_lossy();
        word.strip_prefix("--socket").is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    words.into_iter().take_while(|word| word.as_ref() != "--").filter(names).count()
}

impl Targets {
    /// Those that `--socket` and `--group` name, of which so many were [`written`]; the configuration file is read only
    /// for a group.
    ///
    /// # Errors
    ///
    /// They contradict one another, or the configuration file does not tell.
    pub fn named(sockets: &[PathBuf], group: Option<&str>, written: usize) -> Result<Self, Unfit> {
        if written > sockets.len() {
            return Err(Unfit::Scattered);
        }
        let Some(group) = group else { return Self::of(sockets.to_vec(), None) };
        if !sockets.is_empty() {
            return Err(Unfit::Both);
        }
        let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let targets = config::group(&config::path(variable)?, group)?;
        Self::of(targets.into_iter().map(PathBuf::from).collect(), Some(group))
    }

    fn of(mut sockets: Vec<PathBuf>, group: Option<&str>) -> Result<Self, Unfit> {
        if sockets.len() < 2 {
            return Ok(Self::One(sockets.pop()));
        }
        if sockets.len() > MOST {
            return Err(Unfit::TooMany(sockets.len()));
        }
        let shown = |path: &Path| clean(&path.display().to_string(), LONGEST);
        for (at, socket) in sockets.iter().enumerate() {
            let same = |other: &&PathBuf| parts(other).eq(parts(socket));
            if let Some(other) = sockets.iter().take(at).find(same) {
                return Err(Unfit::Twice(shown(other)));
            }
        }
        let names = names(&sockets);
        let targets = sockets.into_iter().zip(names);
        let targets: Vec<Target> =
            targets.map(|(socket, name)| Target { typed: shown(&socket), name, socket }).collect();
        let sockets =
            || targets.iter().map(|target| format!("--socket {}", target.typed)).collect::<Vec<_>>();
        let words =
            group.map_or_else(|| sockets().join(" "), |group| format!("--group {}", clean(group, LONGEST)));
        Ok(Self::Fleet(Fleet { words, targets }))
    }
}

/// The parts of a path that tell proxies apart: all but the name that every admin socket has.
fn parts(path: &Path) -> impl Iterator<Item = Component<'_>> {
    let whole = if path.ends_with(ADMIN_SOCKET) { path.parent().unwrap_or(path) } else { path };
    whole.components()
}

/// The last parts of each path, as few as tell all of them apart.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let word = |part: Component<'_>| match part {
        Component::RootDir => None,
        part => Some(clean(&part.as_os_str().to_string_lossy(), LONGEST)),
    };
    let split: Vec<Vec<String>> = paths.iter().map(|path| parts(path).filter_map(word).collect()).collect();
    let longest = split.iter().map(Vec::len).max().unwrap_or_default();
    let of_length = |length: usize| -> Vec<String> {
        let last = |parts: &Vec<String>| {
            parts.get(parts.len().saturating_sub(length)..).unwrap_or_default().join("/")
        };
        split.iter().map(last).collect()
    };
    let differ = |names: &Vec<String>| {
        names.iter().enumerate().all(|(at, name)| !names.iter().take(at).any(|other| other == name))
    };
    (1..longest).map(of_length).find(differ).unwrap_or_else(|| of_length(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(sockets: &[&str]) -> Result<Targets, String> {
        let sockets: Vec<PathBuf> = sockets.iter().map(PathBuf::from).collect();
        Targets::named(&sockets, None, sockets.len()).map_err(|why| why.to_string())
    }

    #[test]
    fn one_is_no_fleet_and_several_are() {
        assert_eq!(named(&[]).unwrap(), Targets::One(None));
        assert_eq!(named(&["/run/a"]).unwrap(), Targets::One(Some("/run/a".into())));
        match named(&["/run/a", "/run/b"]).unwrap() {
            Targets::Fleet(fleet) => {
                assert_eq!(
                    (fleet.targets.len(), fleet.words.as_str()),
                    (2, "--socket /run/a --socket /run/b")
                );
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn targets_are_counted_as_they_are_written() {
        for (line, count) in [
            ("evenkeel --socket a status --socket=b", 2),
            ("evenkeel --sockets a --socket", 1),
            ("evenkeel --socket a roll app -- run --socket b", 1),
        ] {
            assert_eq!(written(line.split(' ')), count, "{line}");
        }
    }

    #[test]
    fn names_are_as_short_as_they_can_be() {
        for (paths, wanted) in [
            (&["/run/evenkeel/a/admin.sock", "/run/evenkeel/b"][..], &["a", "b"][..]),
            (&["/run/lb1/site", "/run/lb2/site"], &["lb1/site", "lb2/site"]),
            (&["/x/site", "/x/site/site"], &["x/site", "site/site"]),
            (&["/site", "/x/site"], &["site", "x/site"]),
            (&["/tmp/1.sock", "/tmp/2.sock"], &["1.sock", "2.sock"]),
            (&["/tmp/a\u{1b}[2J", "/tmp/b"], &["a\u{fffd}[2J", "b"]),
        ] {
            let Ok(Targets::Fleet(fleet)) = named(paths) else { panic!("{paths:?}") };
            assert_eq!(fleet.targets.iter().map(|target| target.name.as_str()).collect::<Vec<_>>(), wanted);
        }
    }

    #[test]
    fn contradictions_are_told() {
        assert!(named(&["/run/a", "/run/a/admin.sock"]).unwrap_err().contains("/run/a is named twice"));
        let many: Vec<String> = (0..=MOST).map(|at| format!("/run/{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(named(&many).unwrap_err().contains("33 targets are named"));
        let both = Targets::named(&["/run/a".into()], Some("web"), 1).unwrap_err();
        assert!(both.to_string().contains("leave --socket out"));
        let scattered = Targets::named(&["/run/b".into()], None, 2).unwrap_err();
        assert!(scattered.to_string().contains("all in one place"));
    }

    #[test]
    fn a_run_folder_holds_the_admin_socket_whether_it_is_there_or_not() {
        let folder = tempfile::TempDir::new().unwrap();
        let socket =
            |path: PathBuf| Target { typed: String::new(), name: String::new(), socket: path }.admin_socket();
        assert_eq!(socket(folder.path().to_owned()), folder.path().join("admin.sock"));
        assert_eq!(socket(folder.path().join("gone")), folder.path().join("gone/admin.sock"));
        assert_eq!(socket(folder.path().join("x.sock")), folder.path().join("x.sock"));
    }
}
