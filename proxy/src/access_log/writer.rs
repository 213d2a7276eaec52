//! The one thread that touches access log files. It may be as slow as its disks: nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use super::file::LogFile;
use super::loss::Losses;
use super::queue::{Lines, Queue, Task};
use crate::clock;

/// How long the writer sleeps when nothing comes, before it looks whether there are losses to tell of.
const IDLE: Duration = Duration::from_secs(1);

/// One file, and what it lost by its own fault.
#[derive(Debug)]
struct Log {
    file: LogFile,
    losses: Losses,
    /// Why it lost lines last.
    why: String,
}

/// The files, in the hands of their thread.
#[derive(Debug)]
pub(super) struct LogWriter {
    logs: Vec<Log>,
    queue: Arc<Queue>,
    /// All lines lost by files, for who asks.
    unwritten: Arc<Losses>,
}

impl LogWriter {
    pub(super) fn new(files: Vec<LogFile>, queue: Arc<Queue>, unwritten: Arc<Losses>) -> Self {
        let log = |file| Log { file, losses: Losses::default(), why: String::new() };
        Self { logs: files.into_iter().map(log).collect(), queue, unwritten }
    }

    /// Starts the thread; it ends when the queue does.
    pub(super) fn start(mut self) -> std::io::Result<()> {
        let run = move || {
            while self.step(IDLE) {}
            self.queue.ended();
        };
        std::thread::Builder::new().name("access-log".to_owned()).spawn(run).map(drop)
    }

    /// Does one task, waited for that long at most; false at the end.
    pub(super) fn step(&mut self, patience: Duration) -> bool {
        match self.queue.next(patience) {
            Task::Write(lines) => self.write(lines),
            Task::Reopen => self.reopen(),
            Task::Idle => {}
            Task::End => return false,
        }
        self.tell_losses();
        true
    }

    fn write(&mut self, lines: Lines) {
        let Some(log) = self.logs.get_mut(lines.file) else { return };
        if let Err((written, why)) = log.file.append(&lines.text) {
            let kept = lines.text.get(..written).unwrap_or_default();
            let kept =
                kept.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).count();
            let lost = lines.count.saturating_sub(kept as u64);
            log.losses.add(lost);
            self.unwritten.add(lost);
            log.why = why.to_string();
        }
        self.queue.give_back(lines.text);
    }

    fn reopen(&mut self) {
        for log in &mut self.logs {
            match log.file.reopen() {
                Ok(()) => tracing::info!("opened the access log {} anew", log.file.shown()),
                Err(why) => tracing::error!("{why:#}; the file opened before is written on"),
            }
        }
    }

    fn tell_losses(&self) {
        for log in &self.logs {
            if let Some(lines) = log.losses.due(clock::now()) {
                let (shown, why) = (log.file.shown(), &log.why);
                tracing::warn!(lines, "the access log {shown} lost lines: {why}; later ones are tried again");
            }
        }
    }
}

#[cfg(test)]
mod tests;
