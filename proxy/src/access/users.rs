//! Files of users, and what was found in them lately. A password costs a hash that is made to be slow, so one is
//! checked at a time, off the worker threads, after a bounded wait; a wrong one holds up the next for as long as it
//! took. What was found holds as long as the file is the same, so that traffic behind a password costs one look a
//! second at the file.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::hash::{BuildHasher as _, RandomState};
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use evenkeel_protocol::Moment;
use tokio::sync::Semaphore;

use super::password;
use crate::clock::{self, Pacer};
use crate::limits;

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Right,
    Wrong,
    /// Too many wait.
    Busy,
    /// The file cannot be read.
    Unreadable,
}

/// Tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

/// What was found of one user with one password.
#[derive(Debug, Clone, Copy)]
struct Finding {
    right: bool,
    stamp: Stamp,
    /// When the file was last looked at.
    looked: Moment,
}

/// What was found, and how many wait for more.
#[derive(Debug)]
pub(crate) struct Known {
    /// By what only this process can make of file, user and password.
    findings: Mutex<HashMap<[u64; 2], Finding>>,
    keys: [RandomState; 2],
    one: Semaphore,
    waiting: Mutex<HashMap<IpAddr, usize>>,
    unreadable_told: Pacer,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            findings: Mutex::default(),
            keys: [RandomState::new(), RandomState::new()],
            one: Semaphore::new(1),
            waiting: Mutex::default(),
            unreadable_told: Pacer::default(),
        }
    }
}

/// A place among those who wait.
struct Waiting<'a>(&'a Known, IpAddr);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        let left = waiting.get_mut(&self.1).map(|count| {
            *count -= 1;
            *count
        });
        if left == Some(0) {
            waiting.remove(&self.1);
        }
    }
}

impl Known {
    fn findings(&self) -> MutexGuard<'_, HashMap<[u64; 2], Finding>> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, client: IpAddr) -> Option<Waiting<'_>> {
        let mut waiting = self.waiting();
        let all: usize = waiting.values().sum();
        let own = waiting.entry(client).or_default();
        if all >= limits::PASSWORDS_WAITING || *own >= limits::PASSWORDS_WAITING_OF_ONE {
            return None;
        }
        *own += 1;
        drop(waiting);
        Some(Waiting(self, client))
    }

    /// Is it the password of that user in that file? `client` is who says so.
    pub(crate) async fn check(
        self: &Arc<Self>,
        (file, user, password): (&PathBuf, &str, &[u8]),
        client: IpAddr,
    ) -> Outcome {
        let key = [0, 1].map(|at: usize| {
            self.keys.get(at).map(|key| key.hash_one((file, user, password))).unwrap_or_default()
        });
        let found = self.findings().get(&key).copied();
        if let Some(finding) = found {
            if clock::now().since(finding.looked) < limits::USERS_LOOKED_AT_EVERY {
                return of(finding.right);
            }
            if self.still_holds(file, finding).await {
                let finding = Finding { looked: clock::now(), ..finding };
                self.findings().insert(key, finding);
                return of(finding.right);
            }
        }
        let Some(_waiting) = self.wait(client) else { return Outcome::Busy };
        let turn = tokio::time::timeout(limits::PASSWORD_WITHIN, self.one.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Outcome::Busy };
        let began = clock::now();
        let (path, user, password) = (file.clone(), user.to_owned(), password.to_vec());
        let found = tokio::task::spawn_blocking(move || look_up(&path, &user, &password)).await;
        let Ok(Ok((right, stamp))) = found else {
            if self.unreadable_told.is_due() {
                tracing::error!(path = %file.display(), "the file of AuthUserFile cannot be read; its paths answer 500");
            }
            return Outcome::Unreadable;
        };
        let took = clock::now().since(began);
        self.keep(key, Finding { right, stamp, looked: clock::now() });
        if !right {
            // Whoever tries passwords gets half a processor at most, and everybody else has the rest.
            tokio::time::sleep(took.min(Duration::from_secs(1))).await;
        }
        of(right)
    }

    async fn still_holds(&self, file: &Path, finding: Finding) -> bool {
        let path = file.to_owned();
        let stamp = tokio::task::spawn_blocking(move || path.metadata().map(|about| stamp(&about))).await;
        matches!(stamp, Ok(Ok(stamp)) if stamp == finding.stamp)
    }

    /// Wrong ones make room first.
    fn keep(&self, key: [u64; 2], finding: Finding) {
        let mut findings = self.findings();
        if findings.len() >= limits::USERS_KNOWN {
            findings.retain(|_, finding| finding.right);
        }
        if findings.len() >= limits::USERS_KNOWN {
            findings.clear();
        }
        findings.insert(key, finding);
    }
}

fn of(right: bool) -> Outcome {
    if right { Outcome::Right } else { Outcome::Wrong }
}

fn stamp(about: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    Stamp { modified: about.modified().ok(), bytes: about.len(), inode: about.ino() }
}

/// Looks a user up; the first line of that name counts, as in httpd.
fn look_up(path: &Path, user: &str, password: &[u8]) -> std::io::Result<(bool, Stamp)> {
    let file = File::open(path)?;
    let stamp = stamp(&file.metadata()?);
    let mut bytes = Vec::new();
    file.take(limits::USER_FILE).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let kept = lines.filter_map(|line| line.split_once(':')).find(|(name, _)| *name == user);
    // What stands behind another colon is somebody else's.
    let kept = kept.map(|(_, rest)| rest.split(':').next().unwrap_or_default());
    Ok((kept.is_some_and(|kept| password::is_right(password, kept)), stamp))
}
