//! The file of `HeartbeatStorage`, in the form in which httpd's `mod_heartmonitor` writes it and its lbmethod reads it:
//! one line a server, rewritten as a whole.
//!
//! ```text
//! 10.0.0.1 &ready=14&busy=2&lastseen=3&port=80
//! ```
//!
//! `lastseen` is in seconds. httpd writes port 80 where a message had none, so that here it means no port.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use evenkeel_balancer::Beat;
use evenkeel_protocol::HeardBy;

use super::message::Pairs;
use crate::limits;

/// What stands in the file where a message had no port.
const NO_PORT: u16 = 80;

/// Which file it is, and when it was written: another one has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    number: u64,
    modified: (i64, i64),
    length: u64,
}

impl Identity {
    fn of(file: &File) -> io::Result<Self> {
        let about = file.metadata()?;
        let modified = (about.mtime(), about.mtime_nsec());
        Ok(Self { device: about.dev(), number: about.ino(), modified, length: about.len() })
    }
}

/// What was in the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) beats: Vec<Beat>,
    /// Lines that were refused.
    pub(super) refused: usize,
}

/// The file.
#[derive(Debug)]
pub(super) struct Storage {
    path: PathBuf,
    /// The file as this process wrote it or read it last; only another one is news to who writes it too.
    known: Option<Identity>,
}

impl Storage {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, known: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file; a file that does not exist is empty.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is too large.
    pub(super) fn read(&mut self) -> io::Result<Contents> {
        self.read_unless(false)
    }

    /// As [`Self::read`], unless the file is the one that was read or written last.
    ///
    /// # Errors
    ///
    /// As of [`Self::read`].
    pub(super) fn read_news(&mut self) -> io::Result<Contents> {
        self.read_unless(true)
    }

    fn read_unless(&mut self, known: bool) -> io::Result<Contents> {
        // Without waiting: a pipe at that path would keep the reader.
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(&self.path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
            outcome => outcome?,
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let identity = Identity::of(&file)?;
        if known && self.known == Some(identity) {
            return Ok(Contents::default());
        }
        let mut bytes = Vec::new();
        file.take(limits::HEARTBEAT_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limits::HEARTBEAT_FILE {
            return Err(io::Error::other(format!("it is larger than {} bytes", limits::HEARTBEAT_FILE)));
        }
        self.known = Some(identity);
        Ok(parse(&bytes))
    }

    /// Replaces the file as a whole, so that no reader sees half of it.
    ///
    /// # Errors
    ///
    /// It cannot be written beside the old one, or not take its place.
    pub(super) fn write(&mut self, beats: &[Beat]) -> io::Result<()> {
        let mut temporary = self.path.clone().into_os_string();
        let _ = write!(temporary, ".tmp.{}", std::process::id());
        let temporary = PathBuf::from(temporary);
        let written = replace(&self.path, &temporary, print(beats).as_bytes());
        if written.is_err() {
            // It may not have come that far.
            let _ = fs::remove_file(&temporary);
        }
        self.known = Some(written?);
        Ok(())
    }
}

fn replace(path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<Identity> {
    // What a process of the same number left behind when it was killed.
    let _ = fs::remove_file(temporary);
    // Never through a link that somebody put there.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(temporary)?;
    file.write_all(bytes)?;
    fs::rename(temporary, path)?;
    Identity::of(&file)
}

fn print(beats: &[Beat]) -> String {
    let mut text = String::new();
    for Beat { address, port, ready, busy, age, .. } in beats {
        let (seen, port) = (age.as_secs(), port.unwrap_or(NO_PORT));
        let _ = writeln!(text, "{address} &ready={ready}&busy={busy}&lastseen={seen}&port={port}");
    }
    text
}

/// Lines that start with `#` and lines without a blank are skipped, as in httpd.
fn parse(bytes: &[u8]) -> Contents {
    let mut contents = Contents::default();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#")) {
        let mut halves = line.splitn(2, |byte| *byte == b' ');
        let (Some(address), Some(pairs)) = (halves.next(), halves.next()) else { continue };
        match beat(address, pairs) {
            Some(beat) => contents.beats.push(beat),
            None => contents.refused += 1,
        }
    }
    contents
}

fn beat(address: &[u8], pairs: &[u8]) -> Option<Beat> {
    let address: IpAddr = std::str::from_utf8(address).ok()?.parse().ok()?;
    let pairs = Pairs::of(pairs);
    let message = pairs.lenient().ok()?;
    // A line that does not say when counts as fresh.
    let age = Duration::from_secs(u64::from(pairs.last_seen().ok()?.unwrap_or(0)));
    Some(Beat {
        address: address.to_canonical(),
        port: message.port.filter(|port| *port != NO_PORT),
        ready: message.ready,
        busy: message.busy,
        by: HeardBy::File,
        age,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_beat(address: &str, port: Option<u16>, (ready, busy): (u32, u32), age: u64) -> Beat {
        let (by, age) = (HeardBy::File, Duration::from_secs(age));
        Beat { address: address.parse().unwrap(), port, ready, busy, by, age }
    }

    #[test]
    fn lines_are_those_of_httpd() {
        let beats = [a_beat("10.0.0.1", None, (14, 2), 3), a_beat("::1", Some(8081), (0, 7), 0)];
        let text = "10.0.0.1 &ready=14&busy=2&lastseen=3&port=80\n::1 &ready=0&busy=7&lastseen=0&port=8081\n";
        assert_eq!(print(&beats), text);
        assert_eq!(parse(text.as_bytes()), Contents { beats: beats.into(), refused: 0 });
    }

    #[test]
    fn lines_are_read_as_httpd_reads_them() {
        for (name, line, expected) in [
            ("without the leading &", "10.0.0.1 ready=5&busy=1&lastseen=2", Some((5, 1, 2, None))),
            ("port 80 is none", "10.0.0.1 &ready=5&busy=1&lastseen=2&port=80", Some((5, 1, 2, None))),
            ("another port", "10.0.0.1 &ready=5&busy=1&lastseen=2&port=81", Some((5, 1, 2, Some(81)))),
            ("no lastseen is fresh", "10.0.0.1 &ready=5&busy=1", Some((5, 1, 0, None))),
            ("so is httpd's -1", "10.0.0.1 &ready=5&busy=1&lastseen=-1", Some((5, 1, 0, None))),
            ("nothing is 0", "10.0.0.1 ", Some((0, 0, 0, None))),
            ("a carriage return", "10.0.0.1 &ready=5&busy=1&lastseen=2\r", Some((5, 1, 2, None))),
            ("IPv4 in IPv6", "::ffff:10.0.0.1 &ready=5&busy=1", Some((5, 1, 0, None))),
        ] {
            let read = parse(line.as_bytes());
            let found = read.beats.first().map(|it| (it.ready, it.busy, it.age.as_secs(), it.port));
            assert_eq!((found, read.refused), (expected, 0), "{name}");
            assert!(read.beats.iter().all(|it| it.address == IpAddr::from([10, 0, 0, 1])), "{name}");
        }
        for line in ["", "# 10.0.0.1 &ready=5", "10.0.0.1", "10.0.0.1\t&ready=5", "\0"] {
            assert_eq!(parse(line.as_bytes()), Contents::default(), "{line:?} is skipped");
        }
        for line in [
            "node1 &ready=5&busy=1",
            " &ready=5&busy=1",
            "10.0.0.1 &ready=-5&busy=1",
            "10.0.0.1 &ready=x&busy=1",
            "10.0.0.1 &ready=5&busy=1&lastseen=-2",
            "10.0.0.1 &ready=5&busy=1&port=0",
            "\u{fffd} x",
        ] {
            assert_eq!(parse(line.as_bytes()), Contents { beats: vec![], refused: 1 }, "{line:?}");
        }
    }

    #[test]
    fn the_file_is_replaced_and_only_others_files_are_news() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hb.dat");
        let mut storage = Storage::new(path.clone());
        assert_eq!(storage.read().unwrap(), Contents::default(), "there is none");
        storage.write(&[a_beat("10.0.0.1", None, (5, 1), 0)]).unwrap();
        assert_eq!(storage.read_news().unwrap(), Contents::default(), "it wrote that itself");
        assert_eq!(storage.read().unwrap().beats.len(), 1);
        fs::write(folder.path().join("other"), "10.0.0.2 &ready=1&busy=1\n10.0.0.3 &ready=1&busy=1\n")
            .unwrap();
        fs::rename(folder.path().join("other"), &path).unwrap();
        assert_eq!(storage.read_news().unwrap().beats.len(), 2, "another process wrote it");
        assert_eq!(storage.read_news().unwrap(), Contents::default(), "that is known by now");
        storage.write(&[]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(names, ["hb.dat"], "nothing else stays");
    }

    #[test]
    fn what_is_no_file_or_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Storage::new(folder.path().to_owned()).read().is_err(), "a folder");
        assert!(Storage::new(folder.path().join("no/hb.dat")).write(&[]).is_err(), "no folder");
        let path = folder.path().join("hb.dat");
        File::create(&path).unwrap().set_len(limits::HEARTBEAT_FILE + 1).unwrap();
        assert!(Storage::new(path).read().is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            parse(&bytes);
        }

        #[test]
        fn what_is_written_reads_back(
            address: u32, ready: u32, busy: u32, age in 0_u64..100, port in proptest::option::of(81_u16..),
        ) {
            let address = IpAddr::from(address.to_be_bytes());
            let beats = vec![a_beat(&address.to_string(), port, (ready, busy), age)];
            proptest::prop_assert_eq!(parse(print(&beats).as_bytes()), Contents { beats, refused: 0 });
        }
    }
}
