//! The events on disk: lines of JSON in the run folder, written by a thread of its own.
//!
//! Acts of operators, refused ones and states of members have a file each with a bound each, so that a storm of
//! one kind cannot flush the others away. A full disk stops neither an edit nor traffic: what could not be written is
//! told in the log, and missing numbers tell a reader that something is gone. What was written survives the process, but
//! is not synced: the journal, not the audit, is what edits are restored from.

mod file;

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use evenkeel_protocol::{Event, EventKind};

use crate::audit::file::AuditFile;
use crate::clock::Pacer;
use crate::limits;

/// What kinds of events are bounded apart from one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// What operators did, and what the proxy did with it.
    Acts,
    /// What operators were refused.
    Refusals,
    /// What became of members by themselves, which can come in storms.
    States,
}

impl Shelf {
    /// All of them, in the order of their declaration.
    pub(crate) const ALL: [Self; 3] = [Self::Acts, Self::Refusals, Self::States];

    /// Where an event belongs.
    pub(crate) fn of(kind: &EventKind) -> Self {
        match kind {
            EventKind::EditRefused(_) | EventKind::ReloadRefused { .. } => Self::Refusals,
            EventKind::MemberFailed { .. }
            | EventKind::MemberRetried { .. }
            | EventKind::MemberRecovered { .. }
            | EventKind::HeartbeatsMissed { .. }
            | EventKind::HeartbeatsHeard { .. }
            | EventKind::HealthFailed { .. }
            | EventKind::HealthPassed { .. } => Self::States,
            _ => Self::Acts,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Acts => "audit.jsonl",
            Self::Refusals => "refused.jsonl",
            Self::States => "states.jsonl",
        }
    }
}

/// The way to the thread that writes.
#[derive(Debug)]
pub(crate) struct Audit {
    queue: SyncSender<Event>,
    progress: Arc<Progress>,
    lost: Pacer,
}

/// How far the writer has come.
#[derive(Debug, Default)]
struct Progress {
    reached: Mutex<Reached>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy)]
struct Reached {
    /// The last event that was tried.
    number: u64,
    /// Did the last one fail?
    fails: bool,
}

/// What the files of a run folder remember.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// In the order of their numbers.
    pub(crate) events: Vec<Event>,
    /// The greatest number that was certainly not given yet.
    pub(crate) last: u64,
}

impl Audit {
    /// Reads what the files of a folder remember, and begins to write behind it.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, Remembered)> {
        let mut remembered = Remembered::default();
        let files = Shelf::ALL.map(|shelf| {
            let file = AuditFile::new(folder.join(shelf.name()), limits::AUDIT_FILE);
            let (events, last) = file.read();
            remembered.events.extend(events);
            remembered.last = remembered.last.max(last);
            file
        });
        remembered.events.sort_by_key(|event| event.number);
        let ends = remembered.events.iter().rev().find_map(|event| match event.kind {
            EventKind::Stopping => Some(true),
            EventKind::Started => Some(false),
            _ => None,
        });
        if ends == Some(false) {
            // Events that were waiting to be written are gone, and their numbers may be known to somebody.
            remembered.last = remembered.last.saturating_add(limits::AUDIT_WAITING as u64);
        }
        // Nobody counts so far; a number that was tampered with must not stop the counting.
        remembered.last = remembered.last.min(u64::MAX / 2);
        let (queue, waiting) = sync_channel(limits::AUDIT_WAITING);
        let progress = Arc::new(Progress::default());
        let told = Arc::clone(&progress);
        std::thread::Builder::new().name("audit".to_owned()).spawn(move || write(&waiting, files, &told))?;
        Ok((Self { queue, progress, lost: Pacer::default() }, remembered))
    }

    /// Has an event written. Never waits: one too many is dropped, and that is told.
    pub(crate) fn write(&self, event: Event) {
        if self.queue.try_send(event).is_err() && self.lost.is_due() {
            tracing::error!(
                "the audit files cannot be written as fast as things happen; some events are not kept"
            );
        }
    }

    /// Waits a moment until the event of that number was written; false: it was not.
    pub(crate) fn has_written(&self, number: u64) -> bool {
        let reached = self.progress.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = |reached: &mut Reached| reached.number < number;
        let waited = self.progress.changed.wait_timeout_while(reached, limits::AUDIT_WITHIN, behind);
        let reached = waited.map_or_else(|poisoned| *poisoned.into_inner().0, |(reached, _)| *reached);
        reached.number >= number && !reached.fails
    }
}

/// Writes until nobody can publish any more.
fn write(waiting: &Receiver<Event>, mut files: [AuditFile; 3], progress: &Progress) {
    let told = Pacer::default();
    while let Ok(event) = waiting.recv() {
        let file = files.get_mut(Shelf::of(&event.kind) as usize);
        let written = file.map_or(Ok(()), |file| file.append(&event));
        if let Err(why) = &written
            && told.is_due()
        {
            tracing::error!(%why, "events cannot be written to the audit files of the run folder");
        }
        *progress.reached.lock().unwrap_or_else(PoisonError::into_inner) =
            Reached { number: event.number, fails: written.is_err() };
        progress.changed.notify_all();
    }
}
