//! Files, pipes and what is neither.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[test]
fn a_new_file_is_for_its_owner_and_group_and_an_old_one_is_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    LogFile::open(&path).unwrap().append(b"a\n").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o037, 0);
    LogFile::open(&path).unwrap().append(b"b\n").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"a\nb\n");
}

#[test]
fn a_renamed_file_is_written_until_it_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let [path, old] = ["access.log", "access.log.1"].map(|name| folder.path().join(name));
    let mut log = LogFile::open(&path).unwrap();
    log.append(b"a\n").unwrap();
    fs::rename(&path, &old).unwrap();
    log.append(b"b\n").unwrap();
    assert!(!path.exists());
    log.reopen().unwrap();
    log.append(b"c\n").unwrap();
    assert_eq!((fs::read(&old).unwrap(), fs::read(&path).unwrap()), (b"a\nb\n".to_vec(), b"c\n".to_vec()));
}

#[test]
fn what_cannot_be_opened_anew_keeps_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let mut log = LogFile::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(log.reopen().is_err());
    log.append(b"into the void\n").unwrap();
}

#[test]
fn what_is_no_log_is_refused_at_once_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let [pipe, socket, below] = ["pipe", "socket", "no/access.log"].map(|name| folder.path().join(name));
    fifo(&pipe);
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for (path, words) in [
        (&pipe, "nobody reads"),
        (&socket, "socket"),
        (&below, "folder"),
        (&folder.path().to_owned(), "directory"),
    ] {
        let why = format!("{:#}", LogFile::open(path).unwrap_err());
        assert!(why.contains(words) && why.contains("cannot open the access log"), "{why}");
    }
}

#[test]
fn a_full_pipe_is_given_up_and_its_next_line_starts_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    fifo(&path);
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut reader = OpenOptions::new().read(true).custom_flags(flags).open(&path).unwrap();
    let mut log = LogFile::open(&path).unwrap();
    let lines = "0123456789\n".repeat(100_000);
    let (written, why) = log.append(lines.as_bytes()).unwrap_err();
    assert_eq!(why.kind(), io::ErrorKind::WouldBlock);
    assert!(written > 0 && written % 11 != 0, "the pipe ended with a line by chance");
    // Waiting in vain once spares the other logs the next wait.
    assert!(log.full_until > Moment(0));
    log.full_until = Moment(u64::MAX);
    assert_eq!(log.append(b"lost\n").unwrap_err().0, 0);
    assert_eq!(log.full_until, Moment(u64::MAX));
    let mut drain = || {
        let mut read: Vec<u8> = Vec::new();
        let mut block = [0; 4096];
        while let Ok(more) = reader.read(&mut block) {
            read.extend(&block[..more]);
        }
        read
    };
    assert_eq!(drain().len(), written);
    log.append(b"next\n").unwrap();
    assert_eq!(drain(), b"\nnext\n");
}

#[test]
fn devices_can_be_logs() {
    LogFile::open(Path::new("/dev/null")).unwrap().append(b"a\n").unwrap();
    let (written, why) = LogFile::open(Path::new("/dev/full")).unwrap().append(b"a\n").unwrap_err();
    assert_eq!((written, why.kind()), (0, io::ErrorKind::StorageFull));
}
