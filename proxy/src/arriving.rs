//! The head of a member's answer as it comes. A buffer is taken only when something has come.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use evenkeel_balancer::FailureKind;

use crate::accept::Worker;
use crate::http::answer::{AnswerHead, Asked, is_no_answer};
use crate::http::buffer::Buffer;
use crate::http::head::{Scan, ScanLimits, Scanned};
use crate::http::stream::Stream;
use crate::limits;

/// Room before an answer, for the head that the client gets instead of the member's.
const HEADROOM: usize = 256;

/// How an exchange ended without an answer.
pub(crate) struct Trouble {
    pub(crate) kind: FailureKind,
    pub(crate) reason: String,
    pub(crate) too_large: bool,
}

impl Trouble {
    pub(crate) fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), too_large: false }
    }
}

/// The answer as far as it came.
pub(crate) struct Arriving {
    buffer: Option<Buffer>,
    scan: Scan,
    /// Interim heads that were read.
    pub(crate) interims: usize,
    /// `responsefieldsize=`: bytes of a line.
    longest: Option<usize>,
}

impl Arriving {
    /// Nothing has come yet; `longest` is `responsefieldsize=`.
    pub(crate) fn new(longest: Option<usize>) -> Self {
        Self { buffer: None, scan: Scan::new(HEADROOM), interims: 0, longest }
    }

    /// Has anything come of a head?
    pub(crate) fn has_begun(&self) -> bool {
        self.buffer.as_ref().is_some_and(|buffer| !buffer.is_empty())
    }

    /// Goes on behind a head that was taken from `buffer`.
    pub(crate) fn go_on(&mut self, buffer: Buffer) {
        self.scan = Scan::new(buffer.start());
        self.buffer = Some(buffer);
    }

    /// The next head, with the buffer in which it stands and what came behind it.
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
        member: &mut Stream,
        (asked, worker): (Asked<'_>, &Rc<Worker>),
    ) -> Poll<Result<(AnswerHead, Buffer), Trouble>> {
        loop {
            if let Some(mut buffer) = self.buffer.take_if(|buffer| !buffer.is_empty()) {
                match self.look(&buffer, asked, worker)? {
                    Some(head) => {
                        let read = head.end - buffer.start();
                        buffer.consume(read);
                        return Poll::Ready(Ok((head, buffer)));
                    }
                    None => self.buffer = Some(buffer),
                }
            }
            let silent = self.interims == 0 && !self.has_begun();
            let count = match self.poll_read(context, member, worker) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(count) => count,
            };
            match count {
                Ok(0) if silent => return Poll::Ready(Err(closed(None))),
                Err(why) if silent => return Poll::Ready(Err(closed(Some(&why)))),
                Ok(0) | Err(_) => return Poll::Ready(Err(bad("it broke off in the head"))),
                Ok(_) => {}
            }
        }
    }

    /// Reads more; a buffer is taken only when something has come.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        member: &mut Stream,
        worker: &Rc<Worker>,
    ) -> Poll<io::Result<usize>> {
        if self.buffer.is_none() {
            ready!(member.poll_read_ready(context))?;
        }
        let mut buffer = self.buffer.take().unwrap_or_else(|| {
            let mut buffer = worker.spares.large();
            buffer.clear(HEADROOM);
            self.scan = Scan::new(HEADROOM);
            buffer
        });
        buffer.reserve(limits::LEAST_ROOM);
        let count = member.poll_read(context, buffer.spare_mut());
        if let Poll::Ready(Ok(count)) = count {
            buffer.advance(count);
        }
        if !buffer.is_empty() {
            self.buffer = Some(buffer);
        }
        count
    }

    /// Is a head complete?
    fn look(
        &mut self,
        buffer: &Buffer,
        asked: Asked<'_>,
        worker: &Rc<Worker>,
    ) -> Result<Option<AnswerHead>, Trouble> {
        let longest = self.longest.unwrap_or(limits::HEAD_BYTES);
        let limits = ScanLimits { first: longest, line: longest, bare: true };
        let block = buffer.block().get(..buffer.end()).unwrap_or_default();
        if let Some(why) = is_no_answer(buffer.filled()) {
            return Err(bad(why));
        }
        let read = || AnswerHead::read(block, buffer.start(), asked, worker.take_lines()).map_err(bad);
        if self.scan.length() == 0
            && self.longest.is_none()
            && let Some(head) = read()?
        {
            // Most heads come whole.
            return Ok(Some(head));
        }
        match self.scan.look(block, &limits) {
            Scanned::Ends(end) if end - buffer.start() <= limits::HEAD_BYTES => read(),
            Scanned::Open if self.scan.length() <= limits::HEAD_BYTES => Ok(None),
            Scanned::TooLong(_) if self.longest.is_some() => {
                Err(bad("a line of its head is longer than its responsefieldsize= allows"))
            }
            _ => Err(bad("its head is too long")),
        }
    }
}

/// The answer is none.
pub(crate) fn bad(why: &'static str) -> Trouble {
    Trouble::new(FailureKind::BadAnswer, format!("its answer is no HTTP: {why}"))
}

fn closed(why: Option<&io::Error>) -> Trouble {
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    Trouble::new(FailureKind::Closed, format!("it closed the connection without an answer{why}"))
}
