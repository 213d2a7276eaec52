//! One client connection: reads a head, has the request served, and goes on with the next, until one side ends it.

use std::cell::OnceCell;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_protocol::Moment;
use tokio::net::TcpStream;

use crate::accept::{Seat, Worker};
use crate::deadline::{Deadline, Doing};
use crate::handle;
use crate::header_rules::{Place, Telling};
use crate::http::buffer::Buffer;
use crate::http::head::{Scan, ScanLimits, Scanned};
use crate::http::request::{Refused, RequestHead, is_tls};
use crate::http::stream::Stream;
use crate::mapping::covers;
use crate::record::{Served, record};
use crate::site::WorkerSite;
use crate::{answer, clock, limits};

/// A client connection.
pub(crate) struct Conversation {
    pub(crate) worker: Rc<Worker>,
    /// What the configuration said when the request began.
    pub(crate) site: Rc<WorkerSite>,
    pub(crate) client: Stream,
    pub(crate) peer: SocketAddr,
    /// Our end's address, once somebody wanted to know: it stays, and asking costs a call of the system.
    local: OnceCell<Option<Box<SocketAddr>>>,
    /// The address of the peer as text, as members are told it.
    pub(crate) address: Box<str>,
    pub(crate) deadline: Deadline,
    /// What was read and not used; the head of the request that is being served stands in its block.
    pub(crate) input: Buffer,
    /// Requests that were read from it.
    pub(crate) carried: u32,
    /// Who the client of the request that is being served proved to be.
    pub(crate) user: Option<Box<str>>,
    /// Has the client said that it sends nothing more?
    pub(crate) half_closed: bool,
    /// When the first byte of the request came.
    pub(crate) began: Moment,
    /// Its place among the connections of the process.
    _seat: Seat,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// There is nobody to say anything to, or all is said.
    Gone,
    /// The client may still be sending; closing at once could destroy what it has not read yet.
    Lingers,
    /// What was written must not look complete.
    Reset,
}

/// What follows a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Next,
    End(Ending),
}

/// Why there is no head.
enum NoHead {
    Gone,
    Refused(Refused),
}

/// Serves one connection until it ends.
///
/// What it holds while it waits is held by each idle client, so nothing is there twice: not as an argument and a
/// variable, and no outcome beside what was made of it.
pub(crate) fn converse(seat: Seat, stream: TcpStream, peer: SocketAddr) -> impl Future<Output = ()> {
    let worker = Rc::clone(&seat.worker);
    let deadline = worker.deadlines.join();
    let input = worker.spares.none();
    let mut conversation = Conversation {
        client: Stream::Tcp(stream),
        peer,
        local: OnceCell::new(),
        address: peer.ip().to_canonical().to_string().into(),
        deadline,
        input,
        carried: 0,
        user: None,
        half_closed: false,
        began: Moment::default(),
        site: worker.site(),
        worker,
        _seat: seat,
    };
    async move {
        let ending = match conversation.exchanges().await {
            Ok(ending) => ending,
            Err(NoHead::Gone) => Ending::Gone,
            Err(NoHead::Refused(refused)) => Box::pin(conversation.refuse(refused)).await,
        };
        match ending {
            Ending::Gone => {}
            Ending::Lingers => Box::pin(conversation.linger()).await,
            Ending::Reset => conversation.client.will_reset(),
        }
    }
}

/// Goes on when all that is here already was read. What is sent one behind the other finds its takers awake, and to
/// wake one costs about as much as to read a request.
async fn behind_the_others() {
    let mut queued = false;
    poll_fn(|context| {
        if std::mem::replace(&mut queued, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Conversation {
    /// Serves one request after the other, until one of them is the last.
    async fn exchanges(&mut self) -> Result<Ending, NoHead> {
        loop {
            let head = self.head().await?;
            behind_the_others().await;
            let then = handle::handle(self, &head).await;
            self.worker.give_lines(head.lines);
            match then {
                Then::Next => self.carried = self.carried.saturating_add(1),
                Then::End(ending) => return Ok(ending),
            }
        }
    }

    /// Our end's address, if it has one.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        self.local.get_or_init(|| self.client.local().map(Box::new)).as_deref().copied()
    }

    /// The next head.
    async fn head(&mut self) -> Result<RequestHead, NoHead> {
        self.worker.refresh(&mut self.site);
        let mut began = if self.carried == 0 { self.worker.tick() } else { self.worker.now() };
        self.began = began;
        if self.input.is_empty() {
            self.input = self.worker.spares.none();
            if self.half_closed {
                return Err(NoHead::Gone);
            }
            let settings = &self.site.serving;
            let within = if self.carried == 0 { settings.head.first } else { settings.keep_alive_timeout };
            self.deadline.set(began.plus(within), Doing::Idle);
            poll_fn(|context| self.poll_idle(context)).await.map_err(|()| NoHead::Gone)?;
            // It may have waited for long.
            self.worker.refresh(&mut self.site);
            self.began = self.worker.tick();
            began = if self.carried == 0 { began } else { self.began };
        } else if self.carried > 0 {
            // The answer before may have taken long.
            began = self.worker.tick();
            self.began = began;
        }
        let mut scan = Scan::new(self.skip_empty_lines());
        if !self.input.is_empty() {
            if let Some(head) = self.look(&mut scan)? {
                return Ok(head);
            }
            self.input.settle();
            scan = Scan::new(0);
        }
        loop {
            let due = self.site.serving.head.deadline(began, self.input.len() as u64);
            self.deadline.set(due, Doing::Working);
            let count = poll_fn(|context| self.poll_input(context)).await;
            match count {
                Ok(0) => return Err(NoHead::Gone),
                Ok(count) => {
                    self.input.advance(count);
                    self.worker.tick();
                }
                Err(why) if why.kind() == io::ErrorKind::TimedOut && !self.input.is_empty() => {
                    let why = "its head did not arrive in time";
                    return Err(NoHead::Refused(Refused { status: 408, why }));
                }
                Err(_) => return Err(NoHead::Gone),
            }
            // One carriage return may be the first half of an empty line.
            if scan.length() <= 1 {
                self.skip_empty_lines();
                // They may be many, and are to take no room.
                self.input.settle();
                scan = Scan::new(0);
            }
            if let Some(head) = self.look(&mut scan)? {
                return Ok(head);
            }
        }
    }

    /// Waits for the first bytes of a request; a buffer is taken only when they come.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ()>> {
        if self.client.poll_read_ready(context).is_ready() {
            let mut buffer = self.worker.spares.small();
            match self.client.poll_read(context, buffer.spare_mut()) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(())),
                Poll::Ready(Ok(count)) => {
                    buffer.advance(count);
                    self.input = buffer;
                    return Poll::Ready(Ok(()));
                }
                // It was only thought to be ready.
                Poll::Pending => {}
            }
        }
        if !self.deadline.is_over(context) && !self.worker.ends_waiting(self.carried == 0) {
            return Poll::Pending;
        }
        // What came meanwhile is a request, although nobody has told us yet; that will wake us.
        if self.client.has_bytes() {
            self.deadline.set(clock::now().plus(limits::NOTICED_WITHIN), Doing::Idle);
            // So that it wakes us as well.
            let _ = self.deadline.is_over(context);
            return Poll::Pending;
        }
        Poll::Ready(Err(()))
    }

    /// Reads more of the input.
    pub(crate) fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.reserve(limits::LEAST_ROOM);
        if let Poll::Ready(count) = self.client.poll_read(context, self.input.spare_mut()) {
            return Poll::Ready(count);
        }
        if self.deadline.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    /// Empty lines before a request are read over (RFC 9112, 2.2); where the request starts.
    fn skip_empty_lines(&mut self) -> usize {
        while self.input.filled().starts_with(b"\r\n") {
            self.input.consume(2);
        }
        self.input.start()
    }

    /// Looks for a whole head in what was read.
    fn look(&mut self, scan: &mut Scan) -> Result<Option<RequestHead>, NoHead> {
        let refuse = |status, why| Err(NoHead::Refused(Refused { status, why }));
        let Self { worker, site, input, deadline, .. } = self;
        let serving = &site.serving;
        let start = input.start();
        let block = input.block().get(..input.end()).unwrap_or_default();
        let whole = block.ends_with(b"\r\n\r\n") && block.len() - start <= serving.head_bytes;
        if whole && scan.length() == 0 {
            // Most heads come whole and with nothing behind them; what is odd about others the scan will tell.
            let lend = (serving.fields, worker.take_lines());
            if let Ok(head) = RequestHead::read(block, start, block.len(), lend)
                && head.has_proper_lines(block, start, &serving.lines)
            {
                input.consume(block.len() - start);
                deadline.clear();
                return Ok(Some(head));
            }
        }
        let end = match scan.look(block, &serving.lines) {
            Scanned::Ends(end) => end,
            _ if is_tls(input.filled()) => {
                return refuse(400, "it speaks TLS to an address without TLS");
            }
            Scanned::Open if scan.length() > serving.head_bytes => {
                return Err(NoHead::Refused(Refused::LONG_HEAD));
            }
            Scanned::Open if scan.first_line(block).is_some_and(|line| !names_http(line)) => {
                return refuse(400, "it is neither HTTP/1.0 nor HTTP/1.1");
            }
            other => return Refused::of_lines(other).map_or(Ok(None), |why| Err(NoHead::Refused(why))),
        };
        if end - start > serving.head_bytes {
            return Err(NoHead::Refused(Refused::LONG_HEAD));
        }
        let lend = (serving.fields, worker.take_lines());
        let head = RequestHead::read(block, start, end, lend).map_err(NoHead::Refused)?;
        input.consume(end - start);
        deadline.clear();
        Ok(Some(head))
    }

    /// Answers a request that could not be read.
    async fn refuse(&mut self, refused: Refused) -> Ending {
        let Refused { status, why } = refused;
        tracing::debug!(client = %self.peer.ip(), status, why, "a request was refused");
        if is_tls(self.input.filled()) && self.worker.proxy.tls_warned.is_due() {
            tracing::warn!(client = %self.peer.ip(), "a client speaks TLS to an address without TLS");
        }
        let mut page = self.worker.spares.small();
        let site = Rc::clone(&self.site);
        let telling = Telling { variable: &|_| None, began: self.began };
        let changes = site.header_rules.changes(Place::default, None, telling);
        let also = (&site.error_documents, changes.as_ref(), None);
        let (shown, body) = answer::Page::of(status).closing().write(&self.worker, also, &mut page);
        let sent = page.len() as u64;
        let written = self.write(page).await;
        let served = Served {
            status: shown,
            body: body as u64,
            sent,
            aborted: written.is_err(),
            ..Served::new(status, Then::End(Ending::Lingers))
        };
        record(self, None, &served, self.began);
        match written {
            Ok(()) => Ending::Lingers,
            Err(_) => Ending::Gone,
        }
    }

    /// Writes all of `bytes`, unless the client takes nothing for too long.
    pub(crate) async fn write(&mut self, mut bytes: Buffer) -> io::Result<()> {
        let within = self.site.serving.timeout;
        while !bytes.is_empty() {
            let (client, deadline) = (&mut self.client, &self.deadline);
            let mut waiting = false;
            let count = poll_fn(|context| {
                if let Poll::Ready(count) = client.poll_write(context, bytes.filled()) {
                    return Poll::Ready(count);
                }
                if !waiting {
                    waiting = true;
                    deadline.set(clock::now().plus(within), Doing::Working);
                }
                if deadline.is_over(context) {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                Poll::Pending
            })
            .await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes.consume(count);
        }
        Ok(())
    }

    /// Says that nothing more comes, and reads over what the client still sends, for a bounded time: a close with
    /// bytes unread would be a reset, which may destroy the answer on its way.
    async fn linger(&mut self) {
        self.client.shut_writing();
        self.deadline.set(clock::now().plus(limits::LINGER_WITHIN), Doing::Idle);
        self.input = self.worker.spares.small();
        let mut left = limits::LINGER_BYTES;
        while left > 0 {
            self.input.clear(0);
            match poll_fn(|context| self.poll_input(context)).await {
                Ok(0) | Err(_) => return,
                Ok(count) => left = left.saturating_sub(count),
            }
        }
    }
}

/// Does a first line end as those of HTTP do? Of HTTP/0.9, nothing more would come.
fn names_http(line: &[u8]) -> bool {
    line.ends_with(b" HTTP/1.1\r\n") || line.ends_with(b" HTTP/1.0\r\n")
}

/// How client connections are treated.
#[derive(Debug)]
pub(crate) struct Serving {
    /// May a connection carry more than one request?
    pub(crate) keep_alive: bool,
    /// How many requests it may carry; 0: any number.
    pub(crate) requests: u32,
    /// How long it may wait for the next one.
    pub(crate) keep_alive_timeout: Duration,
    /// How long a client may take nothing of what is written to it.
    pub(crate) timeout: Duration,
    /// How fast a head must come.
    pub(crate) head: Pace,
    /// How fast a body must come.
    pub(crate) body: Pace,
    /// How long the lines of a head may be.
    pub(crate) lines: ScanLimits,
    /// Bytes of a whole head.
    pub(crate) head_bytes: usize,
    /// Header fields of a request.
    pub(crate) fields: usize,
    /// Bytes of a body, below a path; the last that fits counts.
    pub(crate) bodies: Vec<(String, u64)>,
    /// Bytes of another body.
    pub(crate) body_bytes: u64,
}

impl Serving {
    /// The most bytes that the body of a request for `path` may have.
    pub(crate) fn most(&self, path: &str) -> u64 {
        let own = self.bodies.iter().rev().find(|(prefix, _)| covers(prefix, path));
        own.map_or(self.body_bytes, |(_, bytes)| *bytes)
    }
}

/// How long something may take that a client sends: `first`, and longer while bytes come at `rate`, up to `most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) first: Duration,
    pub(crate) most: Option<Duration>,
    /// Bytes a second.
    pub(crate) rate: Option<u32>,
}

impl Pace {
    /// When it is over for who began at `began` and has sent so many `bytes`.
    pub(crate) fn deadline(&self, began: Moment, bytes: u64) -> Moment {
        let earned = self.rate.map_or(0, |rate| bytes.saturating_mul(1000) / u64::from(rate.max(1)));
        let granted = self.first.saturating_add(Duration::from_millis(earned));
        began.plus(self.most.map_or(granted, |most| granted.min(most)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_grants_time_for_bytes_up_to_its_most() {
        let seconds = Duration::from_secs;
        let pace = Pace { first: seconds(20), most: Some(seconds(40)), rate: Some(500) };
        let began = Moment(7);
        for (bytes, granted) in [(0, 20), (500, 21), (5_000, 30), (50_000, 40)] {
            assert_eq!(pace.deadline(began, bytes), began.plus(seconds(granted)), "{bytes}");
        }
    }
}
