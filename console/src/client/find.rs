//! Which admin socket: the one that was named, else the only one that answers where proxies put theirs.
//!
//! A folder that others may write to, or that belongs to somebody else, is not searched: what listens there could
//! be anybody's.

use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::place::{ADMIN_SOCKET, runtime_folder};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use thiserror::Error;

use super::greet::{Candidate, several};
use super::limits::PROXIES;
use crate::address;

/// The environment variable that names the socket when the command line does not.
pub const VARIABLE: &str = "EVENKEEL_SOCKET";

/// The folder of the system's own proxies.
const SYSTEM: &str = "/run/evenkeel";

/// Why there is no socket to ask. Each reads as a sentence with its remedy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoProxy {
    /// Several proxies run and none was named.
    #[error("{}", several(.0))]
    Several(Vec<Candidate>),
    /// What was typed about proxies cannot be used.
    #[error("{0}")]
    Options(String),
    /// None runs where proxies are looked for.
    #[error("{}", none(.0))]
    None(Running),
    /// The named path cannot be used by this user.
    #[error("{} {why}", shown(path))]
    Permission {
        /// What was named.
        path: PathBuf,
        /// The end of the sentence.
        why: String,
    },
    /// The named path is no socket of a running proxy.
    #[error("{} {why}", shown(path))]
    Unfit {
        /// What was named.
        path: PathBuf,
        /// The end of the sentence.
        why: String,
    },
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Running {
    /// The folders that were searched.
    pub searched: Vec<PathBuf>,
    /// Sockets that take connections, in order of their names.
    pub alive: Vec<PathBuf>,
    /// What was found and not taken, each with the reason.
    pub passed_over: Vec<String>,
}

/// Where to look: what the process knows of its user and environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The user.
    pub uid: u32,
    /// [`VARIABLE`], if it is set and not empty.
    pub variable: Option<PathBuf>,
    /// The folders that hold the run folders of proxies.
    pub folders: Vec<PathBuf>,
}

/// The socket to ask: `socket` if given (a folder that holds one will do), else [`VARIABLE`], else the only one.
pub fn find(socket: Option<&Path>) -> Result<PathBuf, NoProxy> {
    Surroundings::of_this_process().find(socket)
}

impl Surroundings {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let uid = rustix::process::geteuid().as_raw();
        let own = runtime_folder(uid, path("XDG_RUNTIME_DIR").as_deref());
        let mut folders = vec![own];
        if !folders.iter().any(|folder| folder == Path::new(SYSTEM)) {
            folders.push(PathBuf::from(SYSTEM));
        }
        Self { uid, variable: path(VARIABLE), folders }
    }

    /// As [`find()`].
    pub fn find(&self, socket: Option<&Path>) -> Result<PathBuf, NoProxy> {
        if let Some(named) = socket.or(self.variable.as_deref()) {
            return self.named(named);
        }
        let mut running = self.running();
        match running.alive.as_slice() {
            [_] => Ok(running.alive.remove(0)),
            [] => Err(NoProxy::None(running)),
            _ => {
                let several = running.alive.into_iter().map(|socket| Candidate { socket, hello: None });
                Err(NoProxy::Several(several.collect()))
            }
        }
    }

    /// All proxies that answer where proxies put their sockets.
    pub fn running(&self) -> Running {
        let mut running = Running::default();
        for folder in &self.folders {
            running.searched.push(folder.clone());
            match self.trusted(folder) {
                Ok(true) => search(folder, &mut running),
                Ok(false) => {}
                Err(why) => running.passed_over.push(format!("{} {why}", shown(folder))),
            }
        }
        running.alive.sort();
        running
    }

    /// All proxies that answer and have their run folders in `folder`, or `folder` as theirs.
    ///
    /// Errors: it is not there, or cannot be looked at.
    pub fn running_in(&self, folder: &Path) -> Result<Running, NoProxy> {
        let folder = fs::canonicalize(folder).map_err(|why| match why.kind() {
            io::ErrorKind::NotFound => {
                NoProxy::Unfit { path: folder.to_owned(), why: "does not exist".to_owned() }
            }
            _ => self.unreadable(folder, &why),
        })?;
        if folder.join(ADMIN_SOCKET).exists() {
            let alive = vec![self.named(&folder)?];
            return Ok(Running { searched: vec![folder], alive, passed_over: Vec::new() });
        }
        Ok(Self { folders: vec![folder], ..self.clone() }.running())
    }

    /// Is there a folder that only its owner writes to, he being root or this user? False if there is none.
    fn trusted(&self, folder: &Path) -> Result<bool, String> {
        let about = match fs::symlink_metadata(folder) {
            Ok(about) => about,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(why) => return Err(format!("cannot be looked at ({why})")),
        };
        if !about.is_dir() {
            return Err("is no folder".to_owned());
        }
        if about.uid() != self.uid && about.uid() != 0 {
            return Err(format!("belongs to user {}, who is neither you nor root", about.uid()));
        }
        if about.mode() & 0o002 != 0 {
            return Err("may be written to by everybody".to_owned());
        }
        Ok(true)
    }

    fn named(&self, named: &Path) -> Result<PathBuf, NoProxy> {
        let unfit = |why: String| NoProxy::Unfit { path: named.to_owned(), why };
        let about = fs::metadata(named).map_err(|why| self.unreadable(named, &why))?;
        let (path, about) = if about.is_dir() {
            let inner = named.join(ADMIN_SOCKET);
            match fs::metadata(&inner) {
                Ok(about) => (inner, about),
                Err(why) if why.kind() == io::ErrorKind::NotFound => {
                    return Err(unfit(format!(
                        "holds no {ADMIN_SOCKET}; name the run folder of a running proxy"
                    )));
                }
                Err(why) => return Err(self.unreadable(&inner, &why)),
            }
        } else {
            (named.to_owned(), about)
        };
        if !about.file_type().is_socket() {
            return Err(unfit(format!("is {}, not the admin socket of a proxy", kind(&about))));
        }
        match connects(&path) {
            Ok(()) => Ok(path),
            Err(Errno::ACCESS | Errno::PERM) => {
                let why = format!(
                    "belongs to user {}, and you (user {}) may not use it; run as its owner, or with sudo",
                    about.uid(),
                    self.uid
                );
                Err(NoProxy::Permission { path, why })
            }
            Err(why) => Err(unfit(unfit_because(why))),
        }
    }

    fn unreadable(&self, path: &Path, why: &io::Error) -> NoProxy {
        let path = path.to_owned();
        match why.kind() {
            io::ErrorKind::NotFound => NoProxy::Unfit {
                path,
                why: "does not exist; is the proxy running? `evenkeel proxies` lists those that do"
                    .to_owned(),
            },
            io::ErrorKind::PermissionDenied => {
                let why = format!(
                    "lies where you (user {}) may not look; run as its owner, or with sudo",
                    self.uid
                );
                NoProxy::Permission { path, why }
            }
            _ => NoProxy::Unfit { path, why: format!("cannot be looked at ({why})") },
        }
    }
}

/// Adds the sockets in the run folders within `folder`.
fn search(folder: &Path, running: &mut Running) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(why) => {
            running.passed_over.push(format!("{} cannot be looked at ({why})", shown(folder)));
            return;
        }
    };
    for entry in entries.flatten().take(PROXIES) {
        let path = entry.path().join(ADMIN_SOCKET);
        if !fs::metadata(&path).is_ok_and(|about| about.file_type().is_socket()) {
            continue;
        }
        match connects(&path) {
            Ok(()) => running.alive.push(path),
            Err(Errno::ACCESS | Errno::PERM) => {
                running
                    .passed_over
                    .push(format!("{} is not for you; run as its owner, or with sudo", shown(&path)));
            }
            Err(why) => running.passed_over.push(format!("{} {}", shown(&path), unfit_because(why))),
        }
    }
}

/// Does something take connections at `path`? Never waits: a full queue of connections is a yes.
fn connects(path: &Path) -> Result<(), Errno> {
    let address = SocketAddrUnix::new(path)?;
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    match rustix::net::connect(&socket, &address) {
        Err(Errno::AGAIN | Errno::INPROGRESS) => Ok(()),
        other => other,
    }
}

fn unfit_because(why: Errno) -> String {
    match why {
        Errno::CONNREFUSED => "was left behind by a proxy that no longer runs".to_owned(),
        Errno::NAMETOOLONG => {
            "is too long a path for a socket; use a shorter one, such as a symbolic link".to_owned()
        }
        Errno::PROTOTYPE => "is a socket of another kind, not the admin socket of a proxy".to_owned(),
        other => format!("takes no connection ({})", io::Error::from(other)),
    }
}

fn kind(about: &Metadata) -> &'static str {
    let kind = about.file_type();
    if kind.is_file() {
        "a regular file"
    } else if kind.is_fifo() {
        "a pipe"
    } else {
        "a device"
    }
}

pub(super) fn shown(path: &Path) -> String {
    clean(&address::in_text(&path.display().to_string()), 200)
}

fn none(running: &Running) -> String {
    let searched: Vec<String> = running.searched.iter().map(|folder| shown(folder)).collect();
    let mut text = format!(
        "no proxy is running (looked in {}); start one with `evenkeel-proxy -f FILE`, or name its socket with --socket PATH",
        searched.join(" and ")
    );
    for passed in &running.passed_over {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {passed}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    use tempfile::TempDir;

    use super::*;

    fn surroundings(folder: &Path) -> Surroundings {
        let uid = rustix::process::geteuid().as_raw();
        Surroundings { uid, variable: None, folders: vec![folder.to_owned()] }
    }

    /// A run folder `name` with a listening socket.
    fn proxy(folder: &Path, name: &str) -> (PathBuf, UnixListener) {
        let run = folder.join(name);
        fs::create_dir(&run).unwrap();
        let socket = run.join(ADMIN_SOCKET);
        let listener = UnixListener::bind(&socket).unwrap();
        (socket, listener)
    }

    #[test]
    fn the_only_proxy_is_found_and_several_are_listed() {
        let folder = TempDir::new().unwrap();
        let here = surroundings(folder.path());
        let error = here.find(None).unwrap_err().to_string();
        assert!(error.contains("evenkeel-proxy -f") && error.contains("--socket"), "{error}");

        let (site, _listens) = proxy(folder.path(), "site");
        let (_, gone) = proxy(folder.path(), "gone");
        drop(gone);
        fs::create_dir(folder.path().join("empty")).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(here.find(None), Ok(site.clone()), "dead and empty folders do not count");

        let (other, _listens_too) = proxy(folder.path(), "other");
        let NoProxy::Several(found) = here.find(None).unwrap_err() else { panic!("two run") };
        let sockets: Vec<&PathBuf> = found.iter().map(|candidate| &candidate.socket).collect();
        assert_eq!(sockets, [&other, &site]);
        let error = NoProxy::Several(found).to_string();
        assert!(error.contains(&format!("--socket {}", other.display())), "{error}");
        assert_eq!(here.find(Some(&other)), Ok(other));
    }

    #[test]
    fn a_dead_proxys_socket_is_told() {
        let folder = TempDir::new().unwrap();
        drop(proxy(folder.path(), "gone"));
        let error = surroundings(folder.path()).find(None).unwrap_err().to_string();
        assert!(error.contains("gone/admin.sock was left behind"), "{error}");
    }

    #[test]
    fn the_command_line_goes_before_the_variable_and_a_run_folder_will_do() {
        let folder = TempDir::new().unwrap();
        let (one, _one) = proxy(folder.path(), "one");
        let (two, _two) = proxy(folder.path(), "two");
        let mut here = surroundings(folder.path());
        here.variable = Some(one.clone());
        assert_eq!(here.find(None), Ok(one));
        assert_eq!(here.find(Some(two.parent().unwrap())), Ok(two));
    }

    #[test]
    fn what_is_no_socket_of_a_proxy_is_told_and_left_alone() {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "precious").unwrap();
        drop(UnixListener::bind(path("dead")).unwrap());
        let _datagram = UnixDatagram::bind(path("datagram")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        let long = "x".repeat(120);
        fs::create_dir(path(&long)).unwrap();
        std::os::unix::fs::symlink(path("loop"), path("loop")).unwrap();
        let here = surroundings(folder.path());
        for (name, says) in [
            ("file", "is a regular file"),
            ("dead", "left behind by a proxy"),
            ("datagram", "socket of another kind"),
            ("folder", "holds no admin.sock"),
            ("nowhere", "does not exist"),
            ("loop", "cannot be looked at"),
            ("file/below", "cannot be looked at"),
        ] {
            let error = here.find(Some(&path(name))).unwrap_err();
            assert!(matches!(error, NoProxy::Unfit { .. }), "{name}");
            assert!(error.to_string().contains(says), "{name}: {error}");
        }
        let error = here.find(Some(Path::new("/dev/null"))).unwrap_err().to_string();
        assert!(error.contains("is a device"), "{error}");
        assert_eq!(fs::read_to_string(path("file")).unwrap(), "precious");
        assert!(matches!(connects(&path(&long)), Err(Errno::NAMETOOLONG)));
    }

    #[test]
    fn hostile_names_are_cleaned() {
        let error =
            surroundings(Path::new("/")).find(Some(Path::new("/a\u{1b}[2J"))).unwrap_err().to_string();
        assert!(!error.contains('\u{1b}'), "{error}");
    }

    #[test]
    fn a_folder_that_anybody_could_have_filled_is_not_searched() {
        let folder = TempDir::new().unwrap();
        let (_, _listens) = proxy(folder.path(), "site");
        let mut here = surroundings(folder.path());
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = here.find(None).unwrap_err().to_string();
        assert!(error.contains("written to by everybody"), "{error}");

        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        here.uid = here.uid.wrapping_add(1);
        // Root's folders are everybody's to trust, so this says something only for other users.
        if !rustix::process::geteuid().is_root() {
            let error = here.find(None).unwrap_err().to_string();
            assert!(error.contains("neither you nor root"), "{error}");
        }
    }
}
