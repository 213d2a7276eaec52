//! Where a command's words go: the result to one writer, everything else to another.

use std::fmt;
use std::io::{self, Write};

use evenkeel_protocol::Refusal;
use evenkeel_protocol::refusal::Code;

use super::Exit;
use crate::client::{Failure, NoProxy};

/// The two writers.
pub struct Output<'a> {
    terminal: bool,
    /// Is what is said beside the result for a person's eyes?
    watched: bool,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output")
    }
}

impl<'a> Output<'a> {
    /// Results go to `out`, which is no terminal, messages to `err`.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self { terminal: false, watched: false, out, err }
    }

    /// The same, with results for a terminal or not.
    #[must_use]
    pub fn on_terminal(self, terminal: bool) -> Self {
        Self { terminal, ..self }
    }

    /// The same, with messages for a terminal or not.
    #[must_use]
    pub fn watched(self, watched: bool) -> Self {
        Self { watched, ..self }
    }

    /// The writers of results and of messages, for those who share them.
    pub(super) fn halves(&mut self) -> (&mut dyn Write, &mut dyn Write) {
        (&mut *self.out, &mut *self.err)
    }

    /// Does somebody see progress as it happens?
    pub(super) fn progress_is_seen(&self) -> bool {
        self.watched
    }

    /// Puts this into the last line of the terminal, in place of what stood there.
    pub(super) fn progress(&mut self, text: &str) {
        let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).ok();
        let width = size.filter(|size| size.ws_col > 0).map_or(80, |size| usize::from(size.ws_col));
        let line: String = text.chars().take(width.saturating_sub(1)).collect();
        // Whoever closed this writer does not want to see it.
        let _ = write!(self.err, "\r\x1b[2K{line}").and_then(|()| self.err.flush());
    }

    /// Are results for a person's eyes?
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes a part of the result, a line end behind it.
    pub(super) fn result(&mut self, text: &str) -> Result<(), Stop> {
        let written = writeln!(self.out, "{}", text.trim_end_matches('\n')).and_then(|()| self.out.flush());
        written.map_err(|why| match why.kind() {
            io::ErrorKind::BrokenPipe => Stop::Closed,
            _ => Stop::Failed(Exit::Failed, format!("the result cannot be written: {why}")),
        })
    }

    /// Writes something as JSON over several lines.
    pub(super) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Stop> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|why| Stop::Failed(Exit::Failed, format!("the result is no JSON: {why}")))?;
        self.result(&text)
    }

    /// Says something beside the result. Whoever closed this writer does not want to hear it.
    pub(super) fn message(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }
}

/// What becomes of the result of a command that acts or waits: where nobody reads it, the code still tells how that
/// ended, for a script that takes an unread failure for success may stop a member that is in use.
pub(super) fn even_unread(written: Result<(), Stop>) -> Result<(), Stop> {
    written.or_else(|stop| if stop == Stop::Closed { Ok(()) } else { Err(stop) })
}

/// Why a command ends before its time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Nobody reads the result any more.
    Closed,
    /// There is no such balancer or member; the sentence says what there is.
    Missing(String),
    /// With this code and this sentence.
    Failed(Exit, String),
}

impl Stop {
    /// The command line is not understood.
    pub(super) fn usage(why: impl Into<String>) -> Self {
        Self::Failed(Exit::Usage, why.into())
    }

    /// The code, and the sentence for the operator if there is something to say.
    pub(super) fn told(&self) -> (Exit, Option<&str>) {
        match self {
            // Whoever read the result has had enough; nothing went wrong.
            Self::Closed => (Exit::Done, None),
            Self::Missing(why) => (Exit::NotFound, Some(why)),
            Self::Failed(exit, why) => (*exit, Some(why)),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Self::from(refusal),
            failure => Self::Failed(Exit::from(&failure), failure.to_string()),
        }
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        match refusal.code {
            Code::NotFound => Self::Missing(refusal.message),
            _ => Self::Failed(Exit::from(&refusal), refusal.message),
        }
    }
}

impl From<NoProxy> for Stop {
    fn from(none: NoProxy) -> Self {
        Self::Failed(Exit::from(&none), none.to_string())
    }
}
