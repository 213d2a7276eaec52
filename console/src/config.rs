//! The operator's own settings: one file in TOML, read once at the start. What is not known in it, or wrong, is refused
//! with its place; nothing is half obeyed.
//!
//! ```toml
//! [keys]
//! drain = "x"
//! quit = ["q", "F10"]
//!
//! [group.web]
//! targets = ["/run/evenkeel/a", "/run/evenkeel/b"]
//! ```

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use evenkeel_protocol::clean::clean;
use serde::Deserialize;
use toml::Spanned;

use crate::address;
use crate::keymap::Keymap;
use crate::message::Key;

/// The largest file, in bytes.
pub const LARGEST: u64 = 256 * 1024;

/// How a group is written.
const EXAMPLE: &str = "[group.web] targets = [\"/run/evenkeel/site-a\", \"https://lb1/balancer-manager\"]";

/// The settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// The keys in force.
    pub keymap: Keymap,
    /// Groups of proxies by their names.
    pub groups: BTreeMap<String, Group>,
}

/// Proxies that are looked at together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Where they are, as they were written; at least one.
    pub targets: Vec<String>,
    /// The line on which they stand, from 1, for what is found wrong with them later.
    pub line: usize,
}

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; none: all of it.
    pub line: Option<usize>,
    /// What, as a sentence.
    pub why: String,
}

impl fmt::Display for Fault {
    /// `FILE:LINE: why`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", clean(&self.file.display().to_string(), 400))?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", clean(&address::in_text(&self.why), 1000))
    }
}

/// Where the file is: in the folder for settings of the user; none if the environment names no such folder.
pub fn path(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let settings = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(settings.join("evenkeel/config.toml"))
}

/// Reads the settings of this process's user; the usual ones where there is no file.
///
/// # Errors
///
/// The file cannot be read, or something in it is wrong.
pub fn of_this_user() -> Result<Config, Fault> {
    path(|name| std::env::var_os(name)).map_or_else(|| Ok(Config::default()), |path| load(&path))
}

/// Reads the file at `path`; the usual settings if there is none.
///
/// # Errors
///
/// As [`of_this_user`].
pub fn load(path: &Path) -> Result<Config, Fault> {
    let fault = |why: String| Fault { file: path.to_owned(), line: None, why };
    match text(path) {
        Ok(text) => read(&text, path),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(Config::default()),
        Err(why) => Err(fault(format!("the settings cannot be read: {why}"))),
    }
}

/// The targets of a group, as they are written; at least one.
///
/// # Errors
///
/// As [`of_this_user`], and there is no such group.
pub fn group_of_this_user(name: &str) -> Result<Vec<String>, Fault> {
    match path(|name| std::env::var_os(name)) {
        Some(path) => group(&path, name),
        None => Err(Fault {
            file: PathBuf::from("evenkeel/config.toml"),
            line: None,
            why: "it holds the groups, and neither XDG_CONFIG_HOME nor HOME says where it is; set one"
                .to_owned(),
        }),
    }
}

fn group(path: &Path, name: &str) -> Result<Vec<String>, Fault> {
    let mut groups = load(path)?.groups;
    if let Some(group) = groups.remove(name) {
        return Ok(group.targets);
    }
    let known: Vec<String> = groups.into_keys().collect();
    let known = match known.as_slice() {
        [] => format!("it names none; write one as {EXAMPLE}"),
        known => format!("those are {}", known.join(", ")),
    };
    let why = format!("there is no group '{}'; {known}", clean(name, 100));
    Err(Fault { file: path.to_owned(), line: None, why })
}

fn text(path: &Path) -> io::Result<String> {
    // A pipe would be waited for.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::new();
    File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {LARGEST} bytes")));
    }
    Ok(text)
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    keys: BTreeMap<String, Spanned<Keys>>,
    #[serde(default)]
    group: BTreeMap<String, Targets>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "must be a key as \"d\", or a list of keys as [\"d\", \"F9\"]")]
enum Keys {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Targets {
    targets: Spanned<Vec<Spanned<String>>>,
}

/// Reads `text`, which stands in `file`.
fn read(text: &str, file: &Path) -> Result<Config, Fault> {
    let fault = |place: Option<Range<usize>>, why: String| Fault {
        file: file.to_owned(),
        line: place.map(|place| line_of(text, place.start)),
        why,
    };
    let written: Written = toml::from_str(text).map_err(|why| fault(why.span(), why.message().to_owned()))?;
    let mut config = Config::default();
    for (name, keys) in &written.keys {
        let place = || Some(keys.span());
        let typed = match keys.get_ref() {
            Keys::One(key) => std::slice::from_ref(key),
            Keys::Several(keys) => keys,
        };
        let keys: Result<Vec<Key>, String> = typed.iter().map(|key| key.parse()).collect();
        let bound = keys.and_then(|keys| config.keymap.bind(name, &keys));
        bound.map_err(|why| fault(place(), format!("[keys] {name}: {why}")))?;
    }
    if let Some((key, [one, other])) = config.keymap.collision() {
        let [one, other] = [one, other].map(|action| action.name().unwrap_or("answer a question"));
        let spans = [one, other].into_iter().filter_map(|name| Some(written.keys.get(name)?.span()));
        let why = format!("[keys] {key} would mean {one} and {other}; give one of them another key");
        return Err(fault(spans.max_by_key(|span| span.start), why));
    }
    for (name, group) in written.group {
        let place = group.targets.span();
        if group.targets.get_ref().is_empty() {
            return Err(fault(Some(place), format!("[group.{name}] targets: it needs at least one")));
        }
        let line = line_of(text, place.start);
        let mut targets = Vec::new();
        for target in group.targets.into_inner() {
            let (place, target) = (target.span(), target.into_inner());
            if !target.starts_with('/') && !target.starts_with("http://") && !target.starts_with("https://") {
                let what = format!(
                    "'{}' is neither an absolute path nor the address of a manager page",
                    address::shown(&target)
                );
                return Err(fault(Some(place), format!("[group.{name}] targets: {what}, as in {EXAMPLE}")));
            }
            targets.push(target);
        }
        config.groups.insert(name, Group { targets, line });
    }
    Ok(config)
}

/// The number of the line, from 1, in which the byte `at` is.
fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keymap::{Action, Context};

    fn of(text: &str) -> Result<Config, String> {
        read(text, Path::new("/etc/x.toml")).map_err(|fault| fault.to_string())
    }

    #[test]
    fn keys_and_groups_are_read() {
        let config = of("[keys]\nquit = ['q', 'F12']\ndisable = 'd'\ndrain = 'D'\n\n[group.web]\ntargets = ['/run/a', 'https://lb/m']\n")
            .unwrap();
        assert_eq!(config.keymap.action(Context::Balancers, Key::Function(12)), Some(Action::Quit));
        let drain = Action::Toggle(evenkeel_protocol::Flag::Drain);
        assert_eq!(
            config.keymap.action(Context::Balancers, Key::Char('D')),
            Some(drain),
            "they changed places"
        );
        let group = Group { targets: vec!["/run/a".to_owned(), "https://lb/m".to_owned()], line: 7 };
        assert_eq!(config.groups.into_iter().collect::<Vec<_>>(), [("web".to_owned(), group)]);
        assert_eq!(of(""), Ok(Config::default()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, says) in [
            ("[keys]\n\ndrian = 'x'", ":3: [keys] drian: there is no action 'drian'; did you mean drain?"),
            ("[keys]\ndrain = 'xx'", ":2: [keys] drain: 'xx' is no key"),
            ("[keys]\ndrain = 7", ":2: must be a key as \"d\""),
            ("[keys]\nstop = 'x'\ndrain = 'D'", ":3: [keys] D would mean drain and disable"),
            ("[keys]\ndrain = 'y'", ":2: [keys] drain: y answers questions"),
            ("[keys]\nlock = 'Enter'", "answers questions"),
            ("[keys]\nmark = 'Ctrl-c'", "Ctrl-C would mean mark and quit"),
            ("[keys]\nyes = 'x'", "there is no action 'yes'"),
            ("[keys]\ndrain = 'x'\ndrain = 'y'", ":3: duplicate key"),
            ("[screen]\n", ":1: unknown field `screen`, expected `keys` or `group`"),
            ("[group.a]\ntargets = []", ":2: [group.a] targets: it needs at least one"),
            ("[group.a]\nmembers = []", ":2: unknown field `members`"),
            ("[group.a]\n", "missing field `targets`"),
            (
                "[group.a]\ntargets = [\n'/run/a',\n'run/b']",
                ":4: [group.a] targets: 'run/b' is neither an absolute path",
            ),
            (
                "[group.a]\ntargets = 'http://u:secret@h/'",
                "invalid type: string \"http://h/\", expected a sequence",
            ),
            ("[group.a]\ntargets = ['ftp://u:secret@h/']", ":2: [group.a] targets: 'ftp://h/' is neither"),
            ("[group.a]\ntargets = ['u:secret@h']", ":2: [group.a] targets: 'h' is neither"),
            ("[keys\n", ":1: "),
            ("[keys]\n\"\\u001b[2J\" = 'x'", ":2: [keys] "),
        ] {
            let why = of(text).unwrap_err();
            assert!(why.starts_with("/etc/x.toml:") && why.contains(says), "{text}: {why}");
            assert!(!why.contains(['\u{1b}', '\n']) && !why.contains("secret"), "{why}");
        }
    }

    #[test]
    fn a_group_that_there_is_not_is_told_with_those_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let asked = |name| group(&file, name).map_err(|fault| fault.to_string());
        assert!(
            asked("web")
                .unwrap_err()
                .contains("there is no group 'web'; it names none; write one as [group.web]")
        );
        std::fs::write(&file, "[group.web]\ntargets = ['/run/b', '/run/a']\n[group.api]\ntargets = ['/c']\n")
            .unwrap();
        assert_eq!(asked("web").unwrap(), ["/run/b", "/run/a"]);
        assert!(asked("db").unwrap_err().ends_with("there is no group 'db'; those are api, web"));
    }

    #[test]
    fn the_file_is_in_the_folder_for_settings() {
        let named = |xdg: &'static str, home: &'static str| {
            path(move |name| match name {
                "XDG_CONFIG_HOME" => Some(xdg.into()),
                _ => Some(home.into()),
            })
        };
        assert_eq!(named("/x", "/h"), Some("/x/evenkeel/config.toml".into()));
        assert_eq!(named("", "/h"), Some("/h/.config/evenkeel/config.toml".into()));
        assert_eq!(named("x", ""), None, "neither is a place");
    }

    #[test]
    fn a_file_that_is_none_is_refused_and_a_missing_one_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        assert_eq!(load(&file), Ok(Config::default()));
        assert!(load(folder.path()).unwrap_err().why.contains("no file"));
        std::fs::write(&file, b"\xff").unwrap();
        assert!(load(&file).unwrap_err().why.contains("UTF-8"));
        std::fs::write(&file, vec![b'#'; 300_000]).unwrap();
        assert!(load(&file).unwrap_err().why.contains("larger"));
    }
}
