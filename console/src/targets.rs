//! Which proxies are meant: one, named or found, or several that are seen and steered together as a fleet.

use std::ffi::OsStr;
use std::path::{Component, PathBuf};

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::place::{ADMIN_SOCKET, READ_SOCKET};
use thiserror::Error;

use crate::address::shown;
use crate::client::apache::Access;
use crate::client::{NoProxy, Place};
use crate::config;
use crate::shell::quoted;

/// The most targets of a fleet: each is asked at the same time as the others, over a connection of its own.
pub const MOST: usize = 32;
/// Characters of a target as it was typed, in a message.
const LONGEST: usize = 200;

/// One target of a fleet.
#[derive(Debug, Clone)]
pub struct Target {
    /// As it was typed, cleaned and without any password: what scripts find its results under.
    pub typed: String,
    /// As short as it can be told apart from the others: what people call it.
    pub name: String,
    /// Where it is asked. A socket may be named by the run folder that holds it.
    pub place: Place,
}

impl Target {
    /// The words that mean it on a command line: `--socket /run/evenkeel/a`.
    pub fn words(&self) -> String {
        words(&self.place)
    }

    /// The same place, of a socket the socket itself: it need not be there (yet).
    pub fn watched(&self) -> Place {
        match &self.place {
            Place::Socket(path) if path.is_dir() || (!path.exists() && path.extension().is_none()) => {
                Place::Socket(path.join(ADMIN_SOCKET))
            }
            place => place.clone(),
        }
    }
}

/// Several targets.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// The words that mean it on a command line: `--group web`.
    pub words: String,
    /// The targets; at least two, or as many as the group has.
    pub targets: Vec<Target>,
}

/// What was named on the command line.
#[derive(Debug, Clone)]
pub enum Targets {
    /// A socket, or nothing: then one page, or the only proxy that runs.
    One(Option<PathBuf>),
    /// Several.
    Fleet(Fleet),
}

/// What was typed about targets.
#[derive(Debug, Clone, Copy)]
pub struct Typed<'a> {
    /// Every `--socket`.
    pub sockets: &'a [PathBuf],
    /// Every `--apache`, or what stands for it.
    pub pages: &'a [String],
    /// `--group`.
    pub group: Option<&'a str>,
    /// How many targets stand in the command line, as [`written`] counts them.
    pub written: usize,
}

/// Why what was named cannot be asked.
#[derive(Debug, Error)]
pub enum Unfit {
    /// Both ways of naming at once.
    #[error("--group names the targets by itself; leave --socket and --apache out, or --group")]
    Both,
    /// Some before the command and some behind it: the parser of the command line would keep the latter only.
    #[error("some targets are named before the command and some behind it; name them all in one place")]
    Scattered,
    /// The address of a manager page where a path belongs.
    #[error("--socket {0} is an address, and no path: name it with --apache")]
    Address(String),
    /// The same target again.
    #[error("{0} is named twice; name each target once")]
    Twice(String),
    /// More than are asked at once.
    #[error("{0} targets are named, and at most {MOST} can be asked at once; make two groups of them")]
    TooMany(usize),
    /// The configuration file does not tell.
    #[error(transparent)]
    Config(#[from] config::Fault),
    /// A manager page cannot be asked.
    #[error(transparent)]
    Page(#[from] NoProxy),
}

/// How many targets the words of a command line name. What stands behind `--` belongs to somebody else.
pub fn written<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> usize {
    let names = |word: &S| {
        let word = word.as_ref().to_string_lossy();
        let rest = word.strip_prefix("--socket").or_else(|| word.strip_prefix("--apache"));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    words.into_iter().take_while(|word| word.as_ref() != "--").filter(names).count()
}

impl Targets {
    /// Those that were typed; `page` makes a place of the address of a manager page. The configuration file is read only
    /// for a group, and a group is a fleet however many targets it has, so that scripts always find the same.
    ///
    /// # Errors
    ///
    /// They contradict one another, the configuration file does not tell, or a page cannot be asked.
    pub fn named(typed: &Typed<'_>, page: impl Fn(&str) -> Result<Place, NoProxy>) -> Result<Self, Unfit> {
        let Typed { sockets, pages, group, written } = *typed;
        if written > 0 && group.is_some() {
            return Err(Unfit::Both);
        }
        if written > sockets.len() + pages.len() {
            return Err(Unfit::Scattered);
        }
        let address = sockets.iter().map(|socket| socket.to_string_lossy()).find(|text| text.contains("://"));
        if let Some(text) = address {
            return Err(Unfit::Address(shown(&text)));
        }
        let Some(group) = group else {
            if sockets.len() + pages.len() < 2 {
                return Ok(Self::One(sockets.first().cloned()));
            }
            let mut places: Vec<Place> = sockets.iter().cloned().map(Place::Socket).collect();
            for address in pages {
                places.push(page(address)?);
            }
            return Ok(Self::Fleet(Fleet::of(places, None)?));
        };
        let mut places = Vec::new();
        for target in config::group_of_this_user(group)? {
            places.push(if target.starts_with('/') { Place::Socket(target.into()) } else { page(&target)? });
        }
        Ok(Self::Fleet(Fleet::of(places, Some(group))?))
    }
}

impl Fleet {
    fn of(places: Vec<Place>, group: Option<&str>) -> Result<Self, Unfit> {
        if places.len() > MOST {
            return Err(Unfit::TooMany(places.len()));
        }
        for (at, place) in places.iter().enumerate() {
            let known = whole(place);
            if places.iter().take(at).any(|other| whole(other) == known) {
                return Err(Unfit::Twice(place.to_string()));
            }
        }
        let mut words = match group {
            Some(group) => vec![format!("--group {}", quoted(&clean(group, LONGEST)))],
            None => places.iter().map(name).collect(),
        };
        // What is typed beside them holds for all pages.
        words.extend(places.iter().find_map(options).map(str::to_owned));
        let words = words.join(" ");
        let names = names(&places);
        let targets = places.into_iter().zip(names);
        let targets = targets.map(|(place, name)| Target { typed: place.to_string(), name, place });
        Ok(Self { words, targets: targets.collect() })
    }
}

/// The words that mean a place on a command line, without any secret: `--socket /run/a`, `--apache http://anna@lb1/bm`.
pub fn words(place: &Place) -> String {
    let words = std::iter::once(name(place)).chain(options(place).map(str::to_owned));
    words.collect::<Vec<_>>().join(" ")
}

/// The option that names a place.
fn name(place: &Place) -> String {
    match place {
        Place::Socket(path) => {
            // Whoever pastes it may stand in another folder.
            let place = Place::Socket(std::path::absolute(path).unwrap_or_else(|_| path.clone()));
            format!("--socket {}", quoted(&place.to_string()))
        }
        Place::Apache(access) => format!("--apache {}", quoted(&clean(&access.named(), LONGEST))),
    }
}

/// What else was typed to reach it.
fn options(place: &Place) -> Option<&str> {
    match place {
        Place::Socket(_) => None,
        Place::Apache(access) => Some(access.options.as_str()).filter(|options| !options.is_empty()),
    }
}

/// What a target can be called, from the shortest to the whole: the last parts of a path, more and more of them.
fn names_of(place: &Place) -> Vec<String> {
    let path = match place {
        Place::Socket(path) => path,
        Place::Apache(access) => return names_of_page(access),
    };
    // What a proxy calls its sockets tells nobody which proxy it is.
    let is_own = path.ends_with(ADMIN_SOCKET) || path.ends_with(READ_SOCKET);
    let whole = path.parent().filter(|_| is_own).unwrap_or(path);
    let mut name = String::new();
    let mut names = Vec::new();
    for part in whole.components().rev().filter(|part| *part != Component::RootDir) {
        let part = clean(&part.as_os_str().to_string_lossy(), LONGEST);
        name = if name.is_empty() { part } else { format!("{part}/{name}") };
        names.push(name.clone());
    }
    // Both sockets of one proxy are two targets, for one of them lets less be done.
    if path.ends_with(READ_SOCKET) {
        names.push(format!("{name}/{READ_SOCKET}"));
    }
    names
}

/// The same of a page: its host, and what tells it from others there, its port or its path, and its address.
fn names_of_page(access: &Access) -> Vec<String> {
    let (url, host) = (access.url(), access.machine());
    let written = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let known = url.port_or_known_default().map_or_else(String::new, |port| format!(":{port}"));
    let path = url.path();
    let names =
        [host.to_owned(), format!("{host}{known}"), format!("{host}{written}{path}"), url.to_string()];
    names.iter().map(|name| clean(name, LONGEST)).collect()
}

/// What is the same of the same place, by whatever path it is named.
fn whole(place: &Place) -> Option<String> {
    let Place::Socket(path) = place else { return names_of(place).pop() };
    let found = path.canonicalize().map(Place::Socket);
    names_of(found.as_ref().unwrap_or(place)).pop()
}

/// The name of each, as short as all of them can be told apart. Paths are all as long, and so are pages: that two paths end
/// alike lengthens no name of a page.
fn names(places: &[Place]) -> Vec<String> {
    let all: Vec<Vec<String>> = places.iter().map(names_of).collect();
    let longest = all.iter().map(Vec::len).max().unwrap_or_default();
    let of_length = |[path, page]: [usize; 2]| -> Vec<String> {
        let name = |(place, names): (&Place, &Vec<String>)| {
            let length = if matches!(place, Place::Apache(_)) { page } else { path };
            names.get(length).or(names.last()).cloned().unwrap_or_default()
        };
        places.iter().zip(&all).map(name).collect()
    };
    let mut lengths: Vec<[usize; 2]> =
        (0..=longest).flat_map(|path| (0..=longest).map(move |page| [path, page])).collect();
    lengths.sort_by_key(|lengths| lengths.iter().sum::<usize>());
    let found = lengths.into_iter().map(of_length).find(|names| differ(names));
    found.unwrap_or_else(|| of_length([longest; 2]))
}

/// Is each of them another?
fn differ(names: &[String]) -> bool {
    names.iter().enumerate().all(|(at, name)| !names.iter().take(at).any(|other| other == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sockets are paths, and pages are addresses.
    fn named(targets: &[&str]) -> Result<Targets, String> {
        let is_page = |target: &&&str| target.contains("://");
        let sockets: Vec<PathBuf> = targets.iter().filter(|it| !is_page(it)).map(PathBuf::from).collect();
        let pages: Vec<String> = targets.iter().filter(is_page).map(|page| (*page).to_owned()).collect();
        let typed = Typed { sockets: &sockets, pages: &pages, group: None, written: targets.len() };
        Targets::named(&typed, page).map_err(|why| why.to_string())
    }

    fn page(address: &str) -> Result<Place, NoProxy> {
        let (access, _) = Access::new(address).map_err(NoProxy::Options)?;
        Ok(Place::Apache(Box::new(access)))
    }

    fn fleet(targets: &[&str]) -> Fleet {
        match named(targets).unwrap() {
            Targets::Fleet(fleet) => fleet,
            Targets::One(_) => panic!("{targets:?} is no fleet"),
        }
    }

    #[test]
    fn one_is_no_fleet_and_several_are() {
        assert!(matches!(named(&[]).unwrap(), Targets::One(None)));
        assert!(matches!(named(&["/run/a"]).unwrap(), Targets::One(Some(path)) if path.ends_with("a")));
        assert!(matches!(named(&["http://lb1/balancer-manager"]).unwrap(), Targets::One(None)));
        let fleet = fleet(&["/run/a", "http://anna:secret@lb1/balancer-manager"]);
        assert_eq!(fleet.words, "--socket /run/a --apache http://anna@lb1/balancer-manager");
        assert_eq!(fleet.targets[1].typed, "http://lb1/balancer-manager");
    }

    #[test]
    fn a_target_that_is_named_by_two_paths_is_named_twice() {
        let folder = tempfile::tempdir().unwrap();
        let (site, link) = (folder.path().join("site"), folder.path().join("link"));
        std::fs::create_dir(&site).unwrap();
        std::os::unix::fs::symlink(&site, &link).unwrap();
        let why = named(&[site.to_str().unwrap(), link.to_str().unwrap()]).unwrap_err();
        assert!(why.contains("is named twice"), "{why}");
    }

    #[test]
    fn targets_are_counted_as_they_are_written() {
        for (line, count) in [
            ("evenkeel --socket a status --socket=b --apache c", 3),
            ("evenkeel --sockets a --socket", 1),
            ("evenkeel --socket a roll app -- run --socket b", 1),
        ] {
            assert_eq!(written(line.split(' ')), count, "{line}");
        }
    }

    #[test]
    fn names_are_as_short_as_they_can_be() {
        for (targets, wanted) in [
            (&["/run/evenkeel/a/admin.sock", "/run/evenkeel/b"][..], &["a", "b"][..]),
            (&["/run/lb1/site", "/run/lb2/site"], &["lb1/site", "lb2/site"]),
            (&["/run/lb1/read.sock", "/run/lb2/admin.sock"], &["lb1", "lb2"]),
            (&["/run/lb1/read.sock", "/run/lb1/admin.sock"], &["run/lb1/read.sock", "run/lb1"]),
            (&["/x/site", "/x/site/site"], &["x/site", "site/site"]),
            (&["/site", "/x/site"], &["site", "x/site"]),
            (&["/tmp/1.sock", "/tmp/2.sock"], &["1.sock", "2.sock"]),
            (&["/tmp/a\u{1b}[2J", "/tmp/b"], &["a\u{fffd}[2J", "b"]),
            (&["/run/a", "https://lb1/balancer-manager", "http://lb2/"], &["a", "lb1", "lb2"]),
            (&["/run/lb1/site", "/run/lb2/site", "http://lb3/bm"], &["lb1/site", "lb2/site", "lb3"]),
            (&["/run/x/lb1", "http://lb1/bm"], &["lb1", "lb1:80"]),
            (&["http://lb1/a", "http://lb1/b"], &["lb1/a", "lb1/b"]),
            (&["http://lb1:81/bm", "http://lb1:82/bm"], &["lb1:81", "lb1:82"]),
            (&["http://lb1/bm", "https://lb1/bm"], &["lb1:80", "lb1:443"]),
            (&["http://lb1:81/a", "http://lb1:81/b"], &["lb1:81/a", "lb1:81/b"]),
            (
                &["http://lb1/a", "https://lb1/a", "http://lb1/b"],
                &["http://lb1/a", "https://lb1/a", "http://lb1/b"],
            ),
        ] {
            let fleet = fleet(targets);
            assert_eq!(fleet.targets.iter().map(|target| target.name.as_str()).collect::<Vec<_>>(), wanted);
        }
    }

    #[test]
    fn contradictions_are_told() {
        assert!(named(&["/run/a", "/run/a/admin.sock"]).unwrap_err().contains("is named twice"));
        let many: Vec<String> = (0..=MOST).map(|at| format!("/run/{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(named(&many).unwrap_err().contains("33 targets are named"));
        assert!(named(&["/run/a", "ftp://lb1/"]).is_err());
        let of = |sockets: &[PathBuf], group, written| {
            let typed = Typed { sockets, pages: &[], group, written };
            Targets::named(&typed, page).unwrap_err().to_string()
        };
        assert!(of(&["/run/a".into()], Some("web"), 1).contains("leave --socket and --apache out"));
        assert!(of(&["/run/b".into()], None, 2).contains("all in one place"));
        let page = of(&["https://anna:secret@lb1/".into()], None, 1);
        assert!(page.starts_with("--socket https://lb1/ is an address"), "{page}");
    }

    #[test]
    fn a_run_folder_holds_the_admin_socket_whether_it_is_there_or_not() {
        let folder = tempfile::TempDir::new().unwrap();
        let watched = |path: PathBuf| {
            let place = Place::Socket(path);
            Target { typed: String::new(), name: String::new(), place }.watched().to_string()
        };
        let inner = |name: &str| folder.path().join(name).display().to_string();
        assert_eq!(watched(folder.path().to_owned()), inner("admin.sock"));
        assert_eq!(watched(folder.path().join("gone")), inner("gone/admin.sock"));
        assert_eq!(watched(folder.path().join("x.sock")), inner("x.sock"));
    }
}
