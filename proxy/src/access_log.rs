//! The access log: one line a request in httpd's formats, which never holds up a request.
//!
//! A `format` is compiled once. At the end of a request the data path describes it in an `entry`, `render` appends the
//! line to a `buffer` of the worker thread, full buffers go through the bounded `queue` to the `writer`, the one thread
//! that touches a `file`. Where the disk does not keep up, lines are dropped and the `loss` is told; traffic goes on.

mod buffer;
mod date;
mod entry;
mod file;
mod format;
mod loss;
mod queue;
mod render;
mod text;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use evenkeel_protocol::clean::clean;
use jiff::tz::TimeZone;

use self::buffer::LogBuffer;
pub(crate) use self::entry::{Connection, Entry, Lookup, RequestLine};
use self::file::LogFile;
pub(crate) use self::format::LogFormat;
use self::loss::Losses;
use self::queue::Queue;
use self::render::Scratch;
use self::writer::LogWriter;
use crate::{clock, limits};

/// Which requests a log tells of: `env=NAME` or `env=!NAME` of a `CustomLog` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    variable: String,
    is_negated: bool,
}

impl Condition {
    /// The variable must be set, or must not be.
    pub(crate) fn new(variable: String, is_negated: bool) -> Self {
        Self { variable, is_negated }
    }

    fn holds(&self, lookup: &impl Lookup) -> bool {
        lookup.variable(&self.variable).is_some() != self.is_negated
    }
}

/// One `CustomLog` line.
#[derive(Debug, Clone)]
struct Spec {
    format: Arc<LogFormat>,
    condition: Option<Condition>,
}

/// All access logs of the process. When it is dropped, what was handed over is written, within a second; so the logs of
/// the worker threads are to be dropped before.
#[derive(Debug)]
pub(crate) struct AccessLogs {
    /// The lines that write each file, by the writer's places of files.
    files: Vec<Vec<Spec>>,
    zone: TimeZone,
    queue: Arc<Queue>,
    /// Lines that the queue did not take.
    untaken: Arc<Losses>,
    /// Lines that a file did not take.
    unwritten: Arc<Losses>,
}

impl AccessLogs {
    /// Opens the files and starts the writer, if there is a log. Logs with the same path share a file.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened, or no thread for the writer; the sentence names the file and the remedy.
    pub(crate) fn open(specs: Vec<(PathBuf, LogFormat, Option<Condition>)>) -> anyhow::Result<Self> {
        let (mut paths, mut files): (Vec<PathBuf>, Vec<Vec<Spec>>) = (Vec::new(), Vec::new());
        let mut open = Vec::new();
        for (path, format, condition) in specs {
            if path.as_os_str().as_encoded_bytes().starts_with(b"|") {
                bail!(
                    "logs to programs (CustomLog \"|…\") are not supported; name a file, and rotate it with SIGUSR1"
                );
            }
            let spec = Spec { format: Arc::new(format), condition };
            let known = paths.iter().position(|known| *known == path);
            if let Some(specs) = known.and_then(|place| files.get_mut(place)) {
                specs.push(spec);
            } else {
                open.push(LogFile::open(&path)?);
                files.push(vec![spec]);
                paths.push(path);
            }
        }
        let logs = Self {
            files,
            zone: if open.is_empty() { TimeZone::UTC } else { zone() },
            queue: Arc::default(),
            untaken: Arc::default(),
            unwritten: Arc::default(),
        };
        if open.is_empty() {
            logs.queue.ended();
        } else {
            let writer = LogWriter::new(open, Arc::clone(&logs.queue), Arc::clone(&logs.unwritten));
            writer.start().context("no thread for the access logs")?;
        }
        Ok(logs)
    }

    /// The logs for the worker thread that calls.
    pub(crate) fn for_worker(&self) -> WorkerLogs {
        let files = self.files.iter().enumerate().map(|(place, specs)| {
            let logs = specs.iter().map(|spec| (spec.clone(), spec.format.scratch(&self.zone))).collect();
            let buffer = LogBuffer::new(place, Arc::clone(&self.queue), Arc::clone(&self.untaken));
            WorkerFile { logs, buffer }
        });
        WorkerLogs { files: files.collect(), untaken: Arc::clone(&self.untaken) }
    }

    /// What opens the files anew when it is told to.
    pub(crate) fn reopen_handle(&self) -> ReopenHandle {
        ReopenHandle(Arc::clone(&self.queue))
    }

    /// How many lines were lost since the start, because the disk was full, slow or broken.
    #[cfg(test)]
    fn lost(&self) -> u64 {
        self.untaken.count().saturating_add(self.unwritten.count())
    }
}

/// The system's zone; UTC where there is none, as the C library and so httpd does it.
fn zone() -> TimeZone {
    TimeZone::try_system().unwrap_or_else(|why| {
        let why = clean(&why.to_string(), limits::TEXT);
        tracing::warn!("access logs tell the time in UTC, because the system's zone is not known: {why}");
        TimeZone::UTC
    })
}

impl Drop for AccessLogs {
    fn drop(&mut self) {
        self.queue.end();
        if !self.queue.wait_ended(limits::LOG_ENDS_WITHIN) {
            tracing::warn!("the last access log lines are lost: the disk does not take them in time");
        }
    }
}

/// Opens all access logs anew, after they were renamed.
#[derive(Debug, Clone)]
pub(crate) struct ReopenHandle(Arc<Queue>);

impl ReopenHandle {
    /// Returns at once; lines that already wait still go to the old files. A file that cannot be opened is told of,
    /// and the old one is kept.
    pub(crate) fn reopen(&self) {
        self.0.reopen();
    }
}

/// The access logs in the hands of one worker thread. When it is dropped, what has gathered is handed over.
#[derive(Debug)]
pub(crate) struct WorkerLogs {
    files: Vec<WorkerFile>,
    untaken: Arc<Losses>,
}

#[derive(Debug)]
struct WorkerFile {
    logs: Vec<(Spec, Scratch)>,
    buffer: LogBuffer,
}

impl WorkerLogs {
    /// Is there nothing to log to? Then no entry need be made.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Is anything of the answers' header told?
    pub(crate) fn wants_answers(&self) -> bool {
        self.files.iter().flat_map(|file| &file.logs).any(|(spec, _)| spec.format.wants_answers())
    }

    /// Writes a line to each log whose condition holds. Never waits.
    pub(crate) fn record<L: Lookup>(&mut self, entry: &Entry<'_, L>) {
        for WorkerFile { logs, buffer } in &mut self.files {
            for (Spec { format, condition }, scratch) in logs {
                if condition.as_ref().is_none_or(|condition| condition.holds(entry.lookup)) {
                    buffer.push(|out| format.render(entry, scratch, out));
                }
            }
        }
    }

    /// To be called each second: hands over what has gathered, and tells of lines that were lost.
    pub(crate) fn tick(&mut self) {
        for file in &mut self.files {
            file.buffer.hand_over();
        }
        if let Some(lines) = self.untaken.due(clock::now()) {
            tracing::warn!(
                lines,
                "access log lines were dropped: the disk of the access logs does not keep up"
            );
        }
    }
}

#[cfg(test)]
mod tests;
