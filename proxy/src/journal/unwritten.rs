//! What the disk has refused, until it takes it: the file, and whose edits. It can be read while a disk that hangs holds the journal.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_protocol::Subject;

/// Shared by the journal, which notes, and by all who tell of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unwritten(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    /// Is there no file that an edit could be written to?
    closed: bool,
    refused: BTreeSet<Subject>,
    /// Those that were written down since, and of whom nobody was told yet.
    written: BTreeSet<Subject>,
}

impl Unwritten {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file was refused, and with it the last edits of these.
    pub(super) fn refuse(&self, subjects: &BTreeSet<Subject>) {
        let Noted { closed, refused, written } = &mut *self.noted();
        *closed = true;
        written.retain(|subject| !subjects.contains(subject));
        refused.extend(subjects.iter().cloned());
    }

    /// All is written down.
    pub(super) fn written(&self) {
        let Noted { closed, refused, written } = &mut *self.noted();
        *closed = false;
        written.append(refused);
    }

    /// Nothing is to be written down any more.
    pub(super) fn forget(&self) {
        *self.noted() = Noted::default();
    }

    /// Is there no file that an edit could be written to?
    pub(crate) fn is_closed(&self) -> bool {
        self.noted().closed
    }

    /// Whose last edits a restart would lose.
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        self.noted().refused.iter().cloned().collect()
    }

    /// Those that were written down after all, each once.
    pub(crate) fn take_written(&self) -> Vec<Subject> {
        std::mem::take(&mut self.noted().written).into_iter().collect()
    }
}
