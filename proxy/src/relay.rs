//! A member's answer on its way to the client, counted while it flows. It holds the leases of every member that was
//! tried and lets them go before its last byte is handed on, so that a client's next request finds busy as httpd
//! would have it.

use std::io;
use std::task::{Context, Poll};

use evenkeel_balancer::{Lease, Visit};
use evenkeel_protocol::Moment;

use crate::accept::Worker;
use crate::address::Address;
use crate::conversation::{Ending, Then};
use crate::deadline::Doing;
use crate::exchange::{Answered, Request};
use crate::header::{After, ToClient};
use crate::header_rules::{Changes, listed};
use crate::http::answer::AnswerHead;
use crate::http::body::Length;
use crate::http::buffer::Buffer;
use crate::http::head::Known;
use crate::http::pump::{Broken, Pump};
use crate::live::LiveBalancer;
use crate::pool::Connection;
use crate::record::Served;
use crate::tunnel::{Opening, Tunnel};
use crate::upload::Waiting;
use crate::{clock, limits};

/// Pieces moved in one turn, so that one busy connection does not keep the others of its worker waiting.
const PIECES: usize = 8;

/// What is said of an answer that was cut.
const CUT: &str = "an operator ended what was in flight";

/// The leases of all members that were tried; the last one answers.
#[derive(Default)]
pub(crate) struct Tried {
    pub(crate) last: Option<Lease>,
    pub(crate) before: Vec<Lease>,
    /// What is to be told of the session, and when the answer began.
    pub(crate) visit: Option<(Visit, Moment)>,
}

impl Tried {
    /// All leases fall. A session is there as long as its answer lasts, and is told of first: who sees that nothing is
    /// in flight any more must see the session too.
    fn end(&mut self, now: Moment) {
        if let Some((visit, began)) = self.visit.take()
            && now.since(began) >= limits::LONG_ANSWER
        {
            visit.answered(now);
        }
        (self.last, self.before) = (None, Vec::new());
    }
}

/// An answer on its way.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about one exchange")]
pub(crate) struct Relay<'a> {
    download: Pump,
    address: &'a Address,
    /// Gone once the answer is complete.
    connection: Option<Connection>,
    tried: Tried,
    /// May the member's connection be kept?
    reusable: bool,
    /// Since when we wait for the member to send something.
    arrived: Option<Moment>,
    /// Since when we wait for the client to take something.
    taken: Option<Moment>,
    /// Did we ever wait for the client?
    waited: bool,
    body: u64,
    status: u16,
    /// The answer's header, if a log wants something of it.
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// May the client's connection go on?
    keep: bool,
    /// Was another protocol offered to the member?
    offered: bool,
    /// Can the client see the end of the body, other than by the end of the connection?
    delimited: bool,
}

/// How a relay ended.
pub(crate) enum Ended {
    Complete,
    /// The client is gone, or takes nothing.
    Client,
    /// The member's part broke off: what the client has is not whole.
    Member(String),
}

/// What follows a member's answer.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are relays, which need no memory of their own this way"
)]
pub(crate) enum Begun<'a> {
    Relay(Relay<'a>),
    Tunnel(Box<Tunnel<'a>>),
}

impl Begun<'_> {
    /// Ready when all is said.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, request: &mut Request<'_>) -> Poll<Ended> {
        match self {
            Self::Relay(relay) => relay.poll(context, request),
            Self::Tunnel(tunnel) => tunnel.poll(context, request).map(|()| Ended::Complete),
        }
    }

    /// Lets go of the members, unless it has.
    pub(crate) fn end(&mut self, worker: &Worker) {
        let tried = match self {
            Self::Relay(relay) => &mut relay.tried,
            Self::Tunnel(tunnel) => &mut tunnel.tried,
        };
        if tried.last.is_some() {
            // It may have been silent for long.
            tried.end(worker.tick());
        }
    }

    /// What became of it.
    pub(crate) fn served(&mut self, ended: Ended, request: &Request<'_>) -> Served {
        match self {
            Self::Relay(relay) => relay.served(ended, request),
            Self::Tunnel(tunnel) => tunnel.served(),
        }
    }
}

/// What is known of a member's answer beside what the member says.
pub(crate) struct Handing<'a, 'r> {
    pub(crate) balancer: &'a LiveBalancer,
    pub(crate) tried: Tried,
    /// May the client's connection go on?
    pub(crate) keep: bool,
    /// The cookie that tells the client its route.
    pub(crate) cookie: Option<String>,
    pub(crate) changes: Option<Changes<'r>>,
}

/// Begins to hand a member's answer to the client. None if its body is none from the start, so that nothing of it was
/// handed on.
pub(crate) fn begin<'a>(
    request: &mut Request<'_>,
    answered: Answered,
    handing: Handing<'a, '_>,
) -> Option<Begun<'a>> {
    let Handing { balancer, tried, keep, cookie, changes } = handing;
    let Answered { head: answer, buffer, mut connection, offered, .. } = answered;
    connection.bodiless = answer.length == Length::None;
    let lease = tried.last.as_ref()?;
    let address = balancer.address(lease.member())?;
    let meter = lease.meter();
    // What httpd counts as read of a head: its first line without the end.
    meter.received((answer.line.end() - answer.line.start()) as u64);

    let (status, length) = (answer.status, answer.length);
    let delimited = is_delimited(length, request.head.http_1_1);
    let keep = keep && delimited && request.upload.is_done() && !offered;
    let lead = head(request, (&answer, buffer.block()), keep, (cookie.as_deref(), changes.as_ref()));
    let given = (cookie.as_deref(), changes.as_ref().map(|_| &lead));
    if let Some((visit, began)) = &tried.visit
        && gives_session(visit, (&answer, buffer.block()), given)
    {
        visit.welcomed(*began);
    }
    let wanted = request.site.logs.borrow().wants_answers();
    let fields = match wanted {
        true if changes.is_some() || cookie.is_some() => listed(lead.filled()),
        true => answer.owned(buffer.block()),
        false => Vec::new(),
    };
    let reusable = answer.keeps_alive() && !address.connection.disablereuse;
    // Nothing is to come in a trailer that a rule takes away.
    let nominates = answer.options.nominates || changes.is_some();
    request.worker.give_lines(answer.lines);
    if status == 101 {
        let stopped = Box::pin(balancer.stopped(address));
        let meter = meter.clone();
        let opening = Opening { address, stopped, meter, connection, lead, early: buffer, fields, tried };
        return Some(Begun::Tunnel(Box::new(Tunnel::new(opening, request))));
    }
    let mut download =
        Pump::new(length, in_chunks(length, request.head.http_1_1)).without_trailers(nominates).hurrying();
    let begun = if buffer.is_empty() { Ok(0) } else { download.begin(buffer) };
    let begun = match begun {
        Ok(bytes) => bytes,
        Err(why) => {
            tracing::debug!(balancer = %balancer.name, member = %address.name, ?why, "an answer has no proper body");
            return None;
        }
    };
    download.lead(lead);
    let mut relay = Relay {
        address,
        connection: Some(connection),
        tried,
        reusable,
        arrived: None,
        taken: None,
        waited: false,
        body: 0,
        download,
        status,
        fields,
        keep,
        offered,
        delimited,
    };
    relay.count(begun);
    Some(Begun::Relay(relay))
}

/// Is the body written in chunks?
fn in_chunks(length: Length, http_1_1: bool) -> bool {
    http_1_1 && matches!(length, Length::Chunked | Length::UntilClose)
}

/// Can the client see the end of the body, other than by the end of the connection?
fn is_delimited(length: Length, http_1_1: bool) -> bool {
    in_chunks(length, http_1_1) || matches!(length, Length::None | Length::Exactly(_))
}

/// Does an answer give the client a session, by a field of the member, our own cookie, or what rules made of the head?
fn gives_session(
    visit: &Visit,
    (answer, block): (&AnswerHead, &[u8]),
    (cookie, changed): (Option<&str>, Option<&Buffer>),
) -> bool {
    if let Some(head) = changed {
        let is_given = |(name, value): &(Vec<u8>, Vec<u8>)| {
            name.eq_ignore_ascii_case(b"set-cookie") && visit.is_given_by(value)
        };
        return listed(head.filled()).iter().any(is_given);
    }
    answer.values(block, Known::SetCookie).any(|value| visit.is_given_by(value))
        || cookie.is_some_and(|cookie| visit.is_given_by(cookie.as_bytes()))
}

/// The head that the client gets.
fn head(
    request: &Request<'_>,
    (answer, block): (&AnswerHead, &[u8]),
    keep: bool,
    (cookie, changes): (Option<&str>, Option<&Changes<'_>>),
) -> Buffer {
    let http_1_1 = request.head.http_1_1;
    let after = match (answer.status, keep) {
        (101, _) => After::Tunnel,
        (_, true) => After::Keep { told: !http_1_1 },
        (_, false) => After::Close,
    };
    let host = request.head.host.map_or(&[][..], |host| host.of(request.block));
    let site = &request.site;
    let change = |out: &mut Buffer, from: usize| changes.is_some_and(|changes| changes.answer(out, from));
    let mut out = request.worker.spares.small();
    request.worker.with_date(|date| {
        let answer = ToClient {
            head: answer,
            block,
            after,
            chunks: in_chunks(answer.length, http_1_1),
            reversals: &site.reversals,
            host,
            via: site.forwarding.via,
            server: site.forwarding.server_name.as_deref().map_or(host, str::as_bytes),
            date,
            cookie,
            changes: changes.map(|_| &change as &dyn Fn(&mut Buffer, usize) -> bool),
        };
        answer.write(&mut out);
    });
    out
}

impl Relay<'_> {
    fn count(&mut self, bytes: u64) {
        if bytes > 0 {
            if let Some(lease) = &self.tried.last {
                lease.received(bytes);
            }
            self.body += bytes;
        }
    }

    fn broken(&mut self, why: Broken) -> Ended {
        self.connection = None;
        match why {
            Broken::To(_) => Ended::Client,
            Broken::From(why) => Ended::Member(why.to_string()),
            Broken::Bad(why) => Ended::Member(why.to_owned()),
        }
    }

    /// All of the answer is here: the leases fall, and the connection may carry another exchange, unless the member
    /// answered before it had the whole request, or said more than was asked.
    fn complete(&mut self, request: &Request<'_>) {
        self.tried.end(request.worker.now());
        if let Some(connection) = self.connection.take()
            && self.reusable
            && request.upload.is_done()
            && self.download.surplus().is_empty()
        {
            request.worker.pool.borrow_mut().put(self.address, connection, request.worker.now());
        }
    }

    /// What became of it.
    fn served(&mut self, ended: Ended, request: &Request<'_>) -> Served {
        // Of who did not say that this was all, or sent more already, something may come that a close would answer
        // with a reset.
        let sends_on = self.offered
            || request.head.keeps_alive()
            || !(request.behind.is_empty() && request.ahead.is_empty());
        let aborted = matches!(ended, Ended::Client);
        let then = match ended {
            Ended::Complete if self.keep => Then::Next,
            Ended::Complete if request.upload.is_done() && !sends_on => Then::End(Ending::Gone),
            Ended::Complete => Then::End(Ending::Lingers),
            Ended::Client => Then::End(Ending::Gone),
            Ended::Member(why) => {
                tracing::debug!(member = %self.address.name, why, "an answer broke off");
                // Without chunks or length, only a reset tells a broken answer from a whole one.
                Then::End(if self.delimited { Ending::Gone } else { Ending::Reset })
            }
        };
        let (body, sent) = (self.body, self.download.written());
        let answer = std::mem::take(&mut self.fields);
        Served { body, sent, aborted, answer, ..Served::new(self.status, then) }
    }

    fn poll(&mut self, context: &mut Context<'_>, request: &mut Request<'_>) -> Poll<Ended> {
        if let (Some(connection), Some(lease)) = (&mut self.connection, &self.tried.last)
            && !request.upload.is_done()
        {
            let (spares, streams) = (&request.worker.spares, (&mut *request.client, &mut connection.stream));
            // The answer is what counts now; a body that breaks ends with it.
            let _ = request.upload.advance(context, streams, (spares, lease.meter()));
        }
        for _ in 0..PIECES {
            if self.download.is_read() {
                self.complete(request);
            }
            let before = self.download.written();
            let flushed = self.download.poll_flush(context, request.client);
            if self.download.written() != before {
                self.taken = None;
            }
            match flushed {
                // Room is a sign of life as well, if nothing was there to be written.
                Poll::Ready(Ok(())) => self.taken = None,
                Poll::Ready(Err(why)) => return Poll::Ready(self.broken(why)),
                Poll::Pending => {
                    self.waited = true;
                    return self.poll_patience(context, request, true);
                }
            }
            if self.download.is_over() {
                if self.waited {
                    request.worker.tick();
                }
                return Poll::Ready(Ended::Complete);
            }
            let Some(connection) = &mut self.connection else {
                return Poll::Ready(Ended::Member("its connection is gone".to_owned()));
            };
            match self.download.poll_fill(context, &mut connection.stream, &request.worker.spares) {
                Poll::Ready(Ok(bytes)) => {
                    self.count(bytes);
                    self.arrived = None;
                    request.worker.tick();
                }
                Poll::Ready(Err(why)) => return Poll::Ready(self.broken(why)),
                Poll::Pending => return self.poll_patience(context, request, false),
            }
        }
        if self.address.is_cut(request.upload.began) {
            return Poll::Ready(self.broken(Broken::Bad(CUT)));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Pending as long as the time lasts of whom we wait for: of the client, if it has to take something.
    fn poll_patience(
        &mut self,
        context: &mut Context<'_>,
        request: &mut Request<'_>,
        client: bool,
    ) -> Poll<Ended> {
        if self.address.is_cut(request.upload.began) {
            return Poll::Ready(self.broken(Broken::Bad(CUT)));
        }
        if let Some(lease) = &mut self.tried.last {
            lease.streams();
        }
        // A member may be silent for long in the middle of an answer, and a client gone meanwhile.
        if !client && request.upload.is_done() && request.is_gone(context) {
            return Poll::Ready(self.broken(Broken::To(io::ErrorKind::ConnectionReset.into())));
        }
        let within = if client { request.site.serving.timeout } else { self.address.connection.timeout };
        let since = if client { &mut self.taken } else { &mut self.arrived };
        let began = *since.get_or_insert_with(clock::now);
        if request.deadline.is_over(context) && clock::now() >= began.plus(within) {
            if client {
                return Poll::Ready(Ended::Client);
            }
            // An upload that still moves is a sign of life.
            if request.upload.waiting() == Waiting::Nobody || clock::now() >= request.upload.last.plus(within)
            {
                return Poll::Ready(Ended::Member("it sent nothing for too long".to_owned()));
            }
            *since = Some(request.upload.last);
        }
        let mut at = since.unwrap_or(began).plus(within);
        if !client && request.half_closed {
            // Nothing but a look tells that it was reset since.
            at = at.min(clock::now().plus(limits::PROBE_EVERY));
        }
        request.deadline.set(at, Doing::Working);
        Poll::Pending
    }
}
