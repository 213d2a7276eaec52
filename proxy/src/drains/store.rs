//! The drains of a run folder on disk: one checked line that is replaced as a whole, so that a reader finds all of it
//! or that of before. A damaged one is set aside, aloud, and never believed in parts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use evenkeel_protocol::{BalancerName, MemberName, Peer, Timestamp};
use serde::{Deserialize, Serialize};

use super::count::Count;
use super::job::{End, Terms};
use crate::limits;

const NAME: &str = "drains.state";
const NEXT: &str = "drains.state.next";
const DAMAGED: &str = "drains.state.damaged";

/// A drain as a restart has to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) balancer: BalancerName,
    pub(super) member: MemberName,
    pub(super) terms: Terms,
    pub(super) began: Timestamp,
    pub(super) by: Option<Peer>,
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) changed_by: Option<Peer>,
    /// Milliseconds to the deadline when this was written; none: it has none.
    pub(super) left_ms: Option<u64>,
    /// For how many milliseconds more sessions may be live that can no longer be told; none: it never was sticky.
    #[serde(default)]
    pub(super) sessions_ms: Option<u64>,
    pub(super) end: Option<End>,
}

impl Kept {
    /// Is it the same drain, told at another time? How much time is left follows from when it was written.
    fn is_as(&self, other: &Self) -> bool {
        let timeless = |kept: &Self| Self { left_ms: None, sessions_ms: None, ..kept.clone() };
        timeless(self) == timeless(other)
    }
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// The last number that was given.
    pub(super) last: u64,
    /// When it was written.
    pub(super) saved: Timestamp,
    pub(super) drains: Vec<Kept>,
}

/// The file.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    /// Does it stand as it was written last? Where not, it was told already.
    written: bool,
    /// What stands in it.
    stands: Vec<Kept>,
    count: Count,
}

impl Store {
    /// Reads the file, unless nothing is to `persist`.
    pub(super) fn open(folder: &Path, persist: bool) -> (Self, State) {
        let (folder, count) = (folder.to_owned(), Count::open(folder));
        let mut store = Self { folder, written: true, stands: Vec::new(), count };
        let mut state = if persist { store.read() } else { State::default() };
        if persist {
            state.last = state.last.max(store.count.last());
        }
        store.stands.clone_from(&state.drains);
        (store, state)
    }

    fn read(&self) -> State {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            File::open(self.folder.join(NAME))?.take(limits::DRAINS_FILE + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let outcome = match read() {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return State::default(),
            Err(why) => Err(why.to_string()),
            Ok(bytes) => {
                parse(&bytes).ok_or_else(|| "its checksum is wrong, or it is no such file".to_owned())
            }
        };
        outcome.unwrap_or_else(|why| {
            let aside = self.folder.join(DAMAGED);
            let moved = fs::rename(self.folder.join(NAME), &aside).is_ok();
            tracing::error!(why, kept = %aside.display(), moved,
                "the file of drains is damaged; members keep draining, and nobody waits for them any more");
            State::default()
        })
    }

    /// Would a restart know this drain as it is now?
    pub(super) fn has(&self, kept: &Kept) -> bool {
        self.stands.iter().any(|it| it.is_as(kept))
    }

    /// Replaces the file, if drains are to `persist`; does it have them now?
    pub(super) fn save(&mut self, state: &State, persist: bool) -> bool {
        if !persist {
            // A restart may not read it either.
            self.stands.clear();
            return false;
        }
        let counted = self.count.keep(state.last);
        let outcome = self.replace(state);
        if let (Err(why), true) = (&counted, self.written) {
            tracing::error!(%why, "the last number of a drain cannot be written down");
        }
        if let Err(why) = &outcome
            && self.written
        {
            tracing::error!(%why, "drains cannot be written down; they will not survive a restart");
        }
        self.written = outcome.is_ok();
        if self.written {
            self.stands.clone_from(&state.drains);
        }
        self.written
    }

    fn replace(&self, state: &State) -> io::Result<()> {
        let next = self.folder.join(NEXT);
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&next)?;
        file.write_all(&readable(state)?)?;
        file.sync_all()?;
        fs::rename(&next, self.folder.join(NAME))?;
        File::open(&self.folder)?.sync_all()
    }
}

/// As much of it as a start reads: where it is too much, those that ended first are left out.
fn readable(state: &State) -> io::Result<Vec<u8>> {
    let longest = usize::try_from(limits::DRAINS_FILE).unwrap_or(usize::MAX);
    let text = render(state)?;
    let Some(mut surplus) = text.len().checked_sub(longest).filter(|surplus| *surplus > 0) else {
        return Ok(text);
    };
    let mut shorter = State { drains: Vec::with_capacity(state.drains.len()), ..*state };
    for kept in &state.drains {
        if surplus > 0 && kept.end.is_some() {
            surplus = surplus.saturating_sub(serde_json::to_vec(kept)?.len());
        } else {
            shorter.drains.push(kept.clone());
        }
    }
    let text = render(&shorter)?;
    if text.len() > longest {
        return Err(io::Error::other(format!("those that run take more than {longest} bytes")));
    }
    Ok(text)
}

/// The checksum of the JSON in eight hexadecimal digits, a blank, the JSON.
fn render(state: &State) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(state)?;
    let mut text = format!("{:08x} ", crc32fast::hash(&json)).into_bytes();
    text.extend(json);
    text.push(b'\n');
    Ok(text)
}

/// None: it is damaged.
fn parse(text: &[u8]) -> Option<State> {
    let (checksum, rest) = text.split_at_checked(9)?;
    let json = rest.strip_suffix(b"\n")?;
    let expected = format!("{:08x} ", crc32fast::hash(json));
    (checksum == expected.as_bytes()).then(|| serde_json::from_slice(json).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{DrainOutcome, Moment};

    use super::super::job::tests::job;
    use super::*;

    fn state() -> State {
        State { last: 7, saved: Timestamp(5), drains: Vec::new() }
    }

    #[test]
    fn what_was_written_is_read_and_nothing_where_nothing_is_to_last() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, read) = Store::open(folder.path(), true);
        assert_eq!(read, State::default());
        assert!(store.save(&state(), true));
        assert_eq!(Store::open(folder.path(), true).1, state());
        assert_eq!(Store::open(folder.path(), false).1, State::default());
        assert!(!store.save(&State::default(), false));
        assert_eq!(Store::open(folder.path(), true).1, state(), "and it is left alone");
    }

    #[test]
    fn a_damaged_file_is_set_aside_wherever_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        let whole = render(&state()).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            assert_eq!(Store::open(folder.path(), true).1, State::default(), "{length}");
            assert_eq!(fs::read(folder.path().join(DAMAGED)).unwrap(), &whole[..length]);
            assert!(!file.exists());
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&file, &bytes).unwrap();
            assert_eq!(Store::open(folder.path(), true).1, State::default(), "{at}");
        }
    }

    #[test]
    fn what_a_start_would_not_read_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let kept = |number, ended| {
            let mut job = job("{}", 0);
            job.number = number;
            job.reason = Some("x".repeat(1 << 20));
            job.end = Some(End::now(DrainOutcome::Idle, "", None)).filter(|_| ended);
            job.keep(Moment(0))
        };
        let (mut store, _) = Store::open(folder.path(), true);
        let all = State { drains: (1..=7).map(|number| kept(number, number > 1)).collect(), ..state() };
        assert!(store.save(&all, true));
        let read = Store::open(folder.path(), true).1;
        let numbers: Vec<u64> = read.drains.iter().map(|kept| kept.number).collect();
        assert_eq!((numbers, read.last), (vec![1, 6, 7], 7), "those that ended first are left out");
        let running = State { drains: (1..=7).map(|number| kept(number, false)).collect(), ..state() };
        assert!(!store.save(&running, true));
        assert_eq!(Store::open(folder.path(), true).1, read, "what was there stays there");
    }

    #[test]
    fn a_disk_that_fails_is_told_and_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(NEXT)).unwrap();
        let (mut store, _) = Store::open(folder.path(), true);
        assert!(!store.save(&state(), true));
        fs::remove_dir(folder.path().join(NEXT)).unwrap();
        assert!(store.save(&state(), true), "and is used again when it can be");
    }

    #[test]
    fn a_number_that_was_given_is_not_given_again_though_the_drain_could_not_be_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(folder.path(), true);
        assert!(store.save(&state(), true));
        fs::create_dir(folder.path().join(NEXT)).unwrap();
        assert!(!store.save(&State { last: 9, ..state() }, true));
        for _ in 0..2 {
            let (mut store, read) = Store::open(folder.path(), true);
            assert_eq!((read.last, read.drains.len()), (9, 0));
            assert!(!store.save(&read, true), "the disk is as it was");
        }
        fs::remove_dir(folder.path().join(NEXT)).unwrap();
        fs::remove_file(folder.path().join(NAME)).unwrap();
        assert_eq!(Store::open(folder.path(), true).1.last, 9);
    }

    #[test]
    fn what_stands_in_the_file_survives_though_the_disk_takes_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(folder.path(), true);
        let mut job = super::super::job::tests::job(r#"{"timeout":"10m"}"#, 0);
        let at = |job: &super::super::job::Job, now| job.keep(evenkeel_protocol::Moment(now));
        assert!(!store.has(&at(&job, 0)));
        assert!(store.save(&State { drains: vec![at(&job, 0)], ..state() }, true));
        fs::create_dir(folder.path().join(NEXT)).unwrap();
        assert!(!store.save(&State { drains: vec![at(&job, 5_000_000)], ..state() }, true));
        assert!(store.has(&at(&job, 5_000_000)), "how much time is left follows from when it was written");
        assert!(Store::open(folder.path(), true).0.has(&at(&job, 7_000_000)));
        job.terms.settle = evenkeel_protocol::Span::from_millis(9_000);
        assert!(!store.has(&at(&job, 5_000_000)));
    }
}
