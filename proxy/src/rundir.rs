//! The folder of one running proxy: admin socket, state, and the lock that makes it one proxy's.
//!
//! Private from the first instant: the folder is ours and nobody else may write in it, the socket is born with mode
//! 0600, and nothing is unlinked that is not our own dead socket.

use std::cell::RefCell;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use evenkeel_protocol::place::{ADMIN_SOCKET, READ_SOCKET, run_name, runtime_folder};
use rustix::fs::{FlockOperation, Mode, flock};
use rustix::process::{geteuid, umask};

/// Why the folder cannot be used; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// It cannot be made or read.
    #[error("cannot use the run folder {0}: {1}; name another with --run-dir")]
    Unusable(PathBuf, io::Error),
    /// It is somebody else's.
    #[error("the run folder {0} belongs to user {1}, not to us; name another with --run-dir")]
    Foreign(PathBuf, u32),
    /// Others could replace what is in it.
    #[error(
        "the run folder {0} can be written by others (mode {1:o}); make it 0700 or name another with --run-dir"
    )]
    Open(PathBuf, u32),
    /// Another proxy has it.
    #[error("another proxy runs with the run folder {0}; stop it, or give this one another with --run-dir")]
    Taken(PathBuf),
    /// Something that is no socket stands where ours belongs.
    #[error("{0} is in the way and is no socket of ours; move it away or name another folder with --run-dir")]
    InTheWay(PathBuf),
    /// The path does not fit into a socket's address.
    #[error(
        "the path {0} is too long for a socket (107 bytes at most); name a shorter folder with --run-dir"
    )]
    TooLong(PathBuf),
}

/// A run folder that is ours as long as this value lives.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    /// Was the folder not there before?
    made: bool,
    /// The bound sockets, and which file each is.
    bound: RefCell<Vec<(PathBuf, (u64, u64))>>,
    /// Holds the lock.
    _lock: File,
}

/// Device and number of a file, which tell it from another of the same name.
fn identity(path: &Path) -> Option<(u64, u64)> {
    path.symlink_metadata().ok().map(|about| (about.dev(), about.ino()))
}

impl RunDir {
    /// The folder for a configuration if none is named.
    pub(crate) fn default_for(configuration: &Path) -> PathBuf {
        let xdg = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        runtime_folder(geteuid().as_raw(), xdg.as_deref()).join(run_name(configuration))
    }

    /// Makes the folder if it is not there, checks that it is ours alone, and locks it.
    pub(crate) fn take(path: &Path) -> Result<Self, RunDirError> {
        let unusable = |why| RunDirError::Unusable(path.to_owned(), why);
        let made = !path.exists();
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        let path = path.canonicalize().map_err(unusable)?;
        Self::check(&path)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(|why| RunDirError::Unusable(path.clone(), why))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(RunDirError::Taken(path));
        }
        Ok(Self { path, made, bound: RefCell::default(), _lock: lock })
    }

    /// Ours, and nobody else can replace it or what is in it.
    fn check(path: &Path) -> Result<(), RunDirError> {
        let own = geteuid().as_raw();
        let about = |path: &Path| path.metadata().map_err(|why| RunDirError::Unusable(path.to_owned(), why));
        let folder = about(path)?;
        if folder.uid() != own {
            return Err(RunDirError::Foreign(path.to_owned(), folder.uid()));
        }
        if folder.mode() & 0o022 != 0 {
            return Err(RunDirError::Open(path.to_owned(), folder.mode() & 0o7777));
        }
        let Some(above) = path.parent() else { return Ok(()) };
        let folder = about(above)?;
        if folder.uid() != own && folder.uid() != 0 {
            return Err(RunDirError::Foreign(above.to_owned(), folder.uid()));
        }
        // In a sticky folder only the owner can rename what is in it.
        if folder.mode() & 0o022 != 0 && folder.mode() & 0o1000 == 0 {
            return Err(RunDirError::Open(above.to_owned(), folder.mode() & 0o7777));
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the admin socket stands.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join(ADMIN_SOCKET)
    }

    /// Binds the admin socket; a dead one of ours is replaced.
    pub(crate) fn bind(&self) -> Result<UnixListener, RunDirError> {
        self.bind_at(self.socket(), 0o600)
    }

    /// Binds the socket that only lets look, for the group if the folder's own mode lets it in; never for everybody,
    /// whom many a folder lets in without a thought of sockets.
    pub(crate) fn bind_for_reading(&self) -> Result<UnixListener, RunDirError> {
        let folder =
            self.path.metadata().map_err(|why| RunDirError::Unusable(self.path.clone(), why))?.mode();
        let mode = if folder & 0o010 == 0 { 0o600 } else { 0o660 };
        self.bind_at(self.path.join(READ_SOCKET), mode)
    }

    fn bind_at(&self, socket: PathBuf, mode: u32) -> Result<UnixListener, RunDirError> {
        if socket.as_os_str().len() > 107 {
            return Err(RunDirError::TooLong(socket));
        }
        match socket.symlink_metadata() {
            Ok(about) if !about.file_type().is_socket() || about.uid() != geteuid().as_raw() => {
                return Err(RunDirError::InTheWay(socket));
            }
            Ok(_) if UnixStream::connect(&socket).is_ok() => {
                return Err(RunDirError::Taken(self.path.clone()));
            }
            Ok(_) => {
                std::fs::remove_file(&socket).map_err(|why| RunDirError::Unusable(self.path.clone(), why))?;
            }
            Err(_) => {}
        }
        // Nobody may connect between bind and a later chmod.
        let before = umask(Mode::from_raw_mode(0o777 & !mode));
        let bound = UnixListener::bind(&socket);
        umask(before);
        let bound = bound.map_err(|why| RunDirError::Unusable(self.path.clone(), why))?;
        self.bound.borrow_mut().extend(identity(&socket).map(|which| (socket, which)));
        Ok(bound)
    }

    /// Leaves nothing behind after a start that failed.
    pub(crate) fn discard(self) {
        if self.made {
            // What cannot be removed is found empty by the next start.
            let _ = std::fs::remove_file(self.path.join("lock"));
            let _ = std::fs::remove_dir(&self.path);
        }
    }

    /// Removes the sockets at the end, so that consoles do not find a dead one. If the folder was replaced
    /// meanwhile, a socket there may be another proxy's and stays.
    pub(crate) fn clear(&self) {
        for (socket, which) in self.bound.take() {
            if identity(&socket) == Some(which) {
                // It may be gone since, and nothing depends on it.
                let _ = std::fs::remove_file(socket);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o700)).tempdir().unwrap()
    }

    #[test]
    fn the_socket_is_private_and_a_dead_one_is_replaced() {
        let folder = folder();
        let run = RunDir::take(&folder.path().join("a/b")).unwrap();
        assert_eq!(run.path().metadata().unwrap().mode() & 0o777, 0o700);
        let listener = run.bind().unwrap();
        assert_eq!(run.socket().metadata().unwrap().mode() & 0o777, 0o600);
        assert!(matches!(run.bind(), Err(RunDirError::Taken(_))));
        drop(listener);
        assert!(run.socket().exists());
        drop(run.bind().unwrap());
        run.clear();
        assert!(!run.socket().exists());

        drop(run.bind().unwrap());
        std::fs::rename(run.socket(), folder.path().join("elsewhere")).unwrap();
        let _another = UnixListener::bind(run.socket()).unwrap();
        run.clear();
        assert!(run.socket().exists(), "another proxy's socket stays");
    }

    #[test]
    fn a_start_that_fails_leaves_no_folder_behind_and_takes_none_away() {
        let folder = folder();
        let new = folder.path().join("new");
        RunDir::take(&new).unwrap().discard();
        assert!(!new.exists());
        RunDir::take(folder.path()).unwrap().discard();
        assert!(folder.path().exists());
    }

    #[test]
    fn a_folder_is_one_proxys() {
        let folder = folder();
        let first = RunDir::take(folder.path()).unwrap();
        assert!(matches!(RunDir::take(folder.path()), Err(RunDirError::Taken(_))));
        drop(first);
        assert!(RunDir::take(folder.path()).is_ok());
    }

    #[test]
    fn the_socket_for_looking_is_for_the_group_that_the_folder_lets_in_and_never_for_all() {
        let folder = folder();
        for (mode, socket) in [(0o700, 0o600), (0o750, 0o660), (0o755, 0o660), (0o701, 0o600)] {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            let run = RunDir::take(folder.path()).unwrap();
            let _listener = run.bind_for_reading().unwrap();
            let path = folder.path().join(READ_SOCKET);
            assert_eq!(path.metadata().unwrap().mode() & 0o777, socket, "{mode:o}");
            run.clear();
            assert!(!path.exists());
        }
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let folder = folder();
        let run = RunDir::take(folder.path()).unwrap();
        for make in [
            |path: &Path| std::fs::write(path, "precious").unwrap(),
            |path: &Path| std::os::unix::fs::symlink("/dev/null", path).unwrap(),
            |path: &Path| std::fs::create_dir(path).unwrap(),
        ] {
            make(&run.socket());
            assert!(matches!(run.bind(), Err(RunDirError::InTheWay(_))));
            assert!(run.socket().symlink_metadata().is_ok());
            let _ = std::fs::remove_file(run.socket());
        }
    }

    #[test]
    fn an_open_folder_is_refused() {
        let folder = folder();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(RunDir::take(folder.path()), Err(RunDirError::Open(_, 0o777))));
        assert!(matches!(RunDir::take(&folder.path().join("own")), Err(RunDirError::Open(_, 0o777))));
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_refused() {
        let folder = folder();
        let run = RunDir::take(&folder.path().join("x".repeat(100))).unwrap();
        assert!(matches!(run.bind(), Err(RunDirError::TooLong(_))));
    }
}
