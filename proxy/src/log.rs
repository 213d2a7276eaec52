//! Logs to standard error, as lines for people or as JSON for machines; what strangers wrote is cleaned before.
//!
//! A thread of its own writes the lines. If standard error is blocked, lines are dropped, and traffic goes on.

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What went wrong.
    Error,
    /// And what may become wrong.
    Warn,
    /// And what an operator did, and what became of members.
    Info,
    /// And each request that failed, and why.
    Debug,
}

/// Lines that wait to be written; further ones are dropped.
const WAITING_LINES: usize = 8_192;

/// Writes the last lines when it is dropped, within a second.
pub type Flush = WorkerGuard;

/// Sends the log of this process to standard error. Once a process; later calls change nothing.
#[must_use = "the log ends with this value"]
pub fn start(format: LogFormat, level: LogLevel) -> Flush {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let (writer, flush) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("log")
        .finish(std::io::stderr());
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(writer)
        .with_target(false)
        .log_internal_errors(false);
    // Only a second call can fail, and then the first one's choice stands.
    let _ = match format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    flush
}
