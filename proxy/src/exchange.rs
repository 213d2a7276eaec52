//! One attempt with one member: a connection, the request, the head of the answer.
//!
//! A failure is told as facts (kind, how much was sent, over what connection); what follows from them is the core's
//! verdict.

use std::borrow::Cow;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use evenkeel_balancer::{FailureKind, Lease, Meter, Sent};
use evenkeel_protocol::Moment;
use evenkeel_protocol::clean::clean;

use crate::accept::Worker;
use crate::address::Address;
use crate::arriving::{Arriving, Trouble, bad};
use crate::deadline::{Deadline, Doing};
use crate::header::{ToClient, ToMember};
use crate::http::answer::{AnswerHead, Asked};
use crate::http::buffer::Buffer;
use crate::http::head::Known;
use crate::http::request::RequestHead;
use crate::http::stream::Stream;
use crate::pool::Connection;
use crate::site::WorkerSite;
use crate::upload::{BadUpload, Upload, Waiting};
use crate::{clock, connect, limits};

/// What is said of a request that was cut.
const CUT: &str = "an operator ended what was in flight";

/// A client's request while it is served.
pub(crate) struct Request<'a> {
    pub(crate) worker: &'a Rc<Worker>,
    /// What the configuration says.
    pub(crate) site: Rc<WorkerSite>,
    pub(crate) client: &'a mut Stream,
    pub(crate) deadline: &'a Deadline,
    pub(crate) head: &'a RequestHead,
    /// The block in which the head stands.
    pub(crate) block: &'a [u8],
    /// What the client sent right behind the request.
    pub(crate) behind: &'a [u8],
    /// Path and query behind the member's own path.
    pub(crate) target: Cow<'a, str>,
    pub(crate) address: &'a str,
    pub(crate) upload: Upload,
    /// What the client sent ahead while it was served.
    pub(crate) ahead: Vec<u8>,
    pub(crate) half_closed: bool,
    /// Has the client waited for so long that it is worth a look whether it is still there?
    pub(crate) watched: bool,
    /// Was the client told to go on with its body, by whomever?
    pub(crate) continued: bool,
    /// A head on its way to the client before the answer.
    pub(crate) interim: Option<Box<Buffer>>,
}

/// What a member answered.
pub(crate) struct Answered {
    pub(crate) head: AnswerHead,
    /// Holds the head in its block; filled with what came of the body.
    pub(crate) buffer: Buffer,
    pub(crate) connection: Connection,
    /// Was another protocol offered to it?
    pub(crate) offered: bool,
    /// Microseconds until its head stood, counted from the beginning of the attempt; where the request did not go in
    /// one piece, from the last that the member took.
    pub(crate) latency: u64,
}

/// The facts of a failed attempt.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) kind: FailureKind,
    pub(crate) sent: Sent,
    pub(crate) reused: bool,
    /// In a sentence, cleaned.
    pub(crate) reason: String,
    /// The client's request is too large.
    pub(crate) too_large: bool,
}

impl Failed {
    pub(crate) fn unsent(kind: FailureKind, reason: &str) -> Self {
        Self::new(kind, Sent::Nothing, reason)
    }

    fn new(kind: FailureKind, sent: Sent, reason: &str) -> Self {
        Self { kind, sent, reused: false, reason: clean(reason, limits::TEXT), too_large: false }
    }
}

impl Request<'_> {
    /// Tries the member that `lease` holds; `fresh` asks for a connection that has carried nothing yet.
    pub(crate) async fn attempt(
        &mut self,
        address: &Arc<Address>,
        lease: &Lease,
        fresh: bool,
    ) -> Result<Answered, Failed> {
        let began = self.worker.now();
        let mut held = self.worker.pool.borrow_mut().take_at_once(address, fresh, clock::now);
        if held.is_none() {
            let connected = Box::pin(connect::connect(self.worker, address, fresh)).await;
            // It may have waited, and the member's time begins now.
            self.worker.tick();
            held = Some(connected?);
            if address.is_cut(self.upload.began) {
                return Err(Failed::unsent(FailureKind::Cut, CUT));
            }
        }
        if let Some(old) = held.take_if(|connection| self.doubts(connection, address)) {
            held = Some(Box::pin(connect::renew(self.worker, address, old)).await?);
            self.worker.tick();
        }
        let Some(connection) = &mut held else {
            return Err(Failed::unsent(FailureKind::Connect, "it has no connection"));
        };
        lease.connected();
        let meter = lease.meter();
        let upgrade = offer(self.head, self.block, address);
        let head_bytes = self.begin(address, meter, upgrade);
        let written = self.upload.last;
        let asked = Asked { head: self.head.method.of(self.block) == b"HEAD", upgrade };
        let mut arriving = Arriving::new(address.connection.responsefieldsize);
        let outcome = poll_fn(|context| {
            self.poll_answer(context, &mut connection.stream, (meter, address), (asked, &mut arriving))
        })
        .await;
        let now = self.worker.tick();
        match outcome {
            Ok((head, buffer)) => match held.take() {
                Some(connection) => {
                    let since = if self.upload.last == written { began } else { self.upload.last };
                    let latency = now.0.saturating_sub(since.0);
                    Ok(Answered { head, buffer, connection, offered: upgrade.is_some(), latency })
                }
                None => Err(Failed::unsent(FailureKind::Connect, "it has no connection")),
            },
            Err(trouble) => {
                let mut sent = Sent::Something;
                if self.upload.is_untouched() {
                    self.upload.unbegin(head_bytes, meter);
                    sent = Sent::Nothing;
                } else if self.upload.ping.is_some() {
                    sent = Sent::Head;
                }
                let Trouble { kind, reason, too_large } = trouble;
                let reused = held.is_some_and(|connection| connection.reused);
                Err(Failed { reused, too_large, ..Failed::new(kind, sent, &reason) })
            }
        }
    }

    /// Is a kept connection to be replaced, because it was idle for longer than the member's `ping` and no body is kept
    /// back until the member is heard?
    fn doubts(&self, connection: &Connection, address: &Address) -> bool {
        let Some(ping) = address.connection.ping else { return false };
        connection.reused && !self.head.has_body() && clock::now().since(connection.since) > ping
    }

    /// Writes the head for this member before what is sent; how many bytes it has.
    fn begin(&mut self, address: &Address, meter: &Meter, upgrade: Option<&[u8]>) -> u64 {
        self.upload.ping = address.connection.ping.filter(|_| self.head.has_body());
        let mut out = self.worker.spares.small();
        let request = ToMember {
            head: self.head,
            block: self.block,
            target: join(&address.path, &self.target),
            authority: &address.authority,
            client: self.address,
            keep: !address.connection.disablereuse,
            upgrade,
            ping: self.upload.ping.is_some(),
        };
        request.write(&self.site.forwarding, &mut out);
        let bytes = out.len() as u64;
        self.upload.begin(out, meter, self.worker.now());
        let is_told = || self.head.lines.iter().any(|line| line.known == Known::Expect);
        if self.upload.held && !(self.site.forwarding.expect && is_told()) {
            self.tell_to_continue();
        }
        bytes
    }

    fn poll_answer(
        &mut self,
        context: &mut Context<'_>,
        member: &mut Stream,
        (meter, address): (&Meter, &Address),
        (asked, arriving): (Asked<'_>, &mut Arriving),
    ) -> Poll<Result<(AnswerHead, Buffer), Trouble>> {
        loop {
            if self.poll_interim(context).is_pending() {
                break;
            }
            let spares = &self.worker.spares;
            let moved = self.upload.advance(context, (self.client, member), (spares, meter));
            moved.map_err(trouble_of)?;
            match arriving.poll(context, member, (asked, self.worker)) {
                Poll::Ready(Ok((head, buffer))) if head.is_interim() => {
                    self.upload.go_on(meter);
                    // As of an answer, httpd counts its first line without the end.
                    meter.received((head.line.end() - head.line.start()) as u64);
                    self.pass_on(arriving, head, buffer)?;
                }
                answered @ Poll::Ready(_) => return answered,
                Poll::Pending if self.upload.ping.is_some() && arriving.has_begun() => {
                    self.upload.go_on(meter);
                }
                Poll::Pending => break,
            }
        }
        if self.watched && self.upload.is_done() && self.is_gone(context) {
            return Poll::Ready(Err(Trouble::new(FailureKind::Client, "the client is gone")));
        }
        self.poll_patience(context, address)
    }

    /// Writes a head that comes before the answer.
    fn poll_interim(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some(interim) = &mut self.interim {
            match self.client.poll_write(context, interim.filled()) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count)) => interim.consume(count),
                // Whoever writes the answer finds out.
                Poll::Ready(Err(_)) => interim.clear(0),
            }
            if interim.is_empty() {
                self.interim = None;
            }
        }
        Poll::Ready(())
    }

    /// Passes an interim answer on, if the client can have it: `100 Continue` once and only if it is waited for.
    fn pass_on(&mut self, arriving: &mut Arriving, head: AnswerHead, buffer: Buffer) -> Result<(), Trouble> {
        arriving.interims += 1;
        if arriving.interims > limits::INTERIM_ANSWERS {
            return Err(bad("it sends interim answers without end"));
        }
        if head.status == 100 {
            self.upload.held = false;
        }
        let wanted = if head.status == 100 {
            self.head.expects_continue && !std::mem::replace(&mut self.continued, true)
        } else {
            self.head.http_1_1
        };
        if wanted {
            let mut out = self.worker.spares.small();
            ToClient::interim(&head, buffer.block()).write(&mut out);
            self.interim = Some(Box::new(out));
        }
        self.worker.give_lines(head.lines);
        arriving.go_on(buffer);
        Ok(())
    }

    /// Did the client reset the connection? One that only said that it sends nothing more is served; its system is
    /// asked from then on whether it still knows the connection.
    pub(crate) fn is_gone(&mut self, context: &mut Context<'_>) -> bool {
        while !self.half_closed && self.ahead.len() < limits::SENT_AHEAD {
            if self.client.poll_read_ready(context).is_pending() {
                return false;
            }
            let at = self.ahead.len();
            self.ahead.resize(limits::SENT_AHEAD, 0);
            let outcome = self.client.try_read(self.ahead.get_mut(at..).unwrap_or_default());
            self.ahead.truncate(at + *outcome.as_ref().unwrap_or(&0));
            match outcome {
                Ok(0) => {
                    self.half_closed = true;
                    self.client.probe();
                }
                Ok(_) => {}
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return true,
            }
        }
        self.half_closed && self.client.has_failed()
    }

    /// Pending as long as everybody's time lasts.
    fn poll_patience<T>(&mut self, context: &mut Context<'_>, address: &Address) -> Poll<Result<T, Trouble>> {
        if address.is_cut(self.upload.began) {
            return Poll::Ready(Err(Trouble::new(FailureKind::Cut, CUT)));
        }
        loop {
            let waiting = self.upload.waiting();
            let due = match (self.upload.ping, waiting) {
                (Some(ping), _) => self.upload.last.plus(ping),
                // A member needs not answer before it has the request.
                (None, Waiting::Client) => self.body_deadline(),
                (None, _) => self.upload.last.plus(address.connection.timeout),
            };
            let mut at = due;
            let watch = self.upload.last.plus(limits::WATCH_AFTER);
            if !self.watched {
                at = at.min(watch);
            }
            let told = self.upload.last.plus(limits::CONTINUE_WITHIN);
            if self.upload.held {
                at = at.min(told);
            }
            if self.half_closed {
                at = at.min(clock::now().plus(limits::PROBE_EVERY));
            }
            if !self.deadline.is_over(context) {
                self.deadline.set(at, Doing::Working);
                return Poll::Pending;
            }
            let now = clock::now();
            if now >= due {
                let (kind, why) = match waiting {
                    _ if self.upload.ping.is_some() => {
                        (FailureKind::Ping, "it did not say within its ping that the body may come")
                    }
                    Waiting::Client => (FailureKind::ClientTimeout, "the client sent nothing for too long"),
                    Waiting::Member => (FailureKind::SendTimeout, "it did not take the request in time"),
                    Waiting::Nobody => (FailureKind::ReadTimeout, "it did not answer in time"),
                };
                return Poll::Ready(Err(Trouble::new(kind, why)));
            }
            if self.upload.held && now >= told {
                self.tell_to_continue();
                context.waker().wake_by_ref();
            }
            if !self.watched && now >= watch {
                self.watched = true;
                context.waker().wake_by_ref();
            }
            self.deadline.set(at, Doing::Working);
        }
    }

    /// The member says nothing to a client that waits; so we do.
    fn tell_to_continue(&mut self) {
        self.upload.held = false;
        if !std::mem::replace(&mut self.continued, true) {
            let mut out = self.worker.spares.small();
            out.put(b"HTTP/1.1 100 Continue\r\n\r\n");
            self.interim = Some(Box::new(out));
        }
    }

    /// When the client's time for its body is over: it must be fast enough on the whole, and never silent for long.
    fn body_deadline(&self) -> Moment {
        let serving = &self.site.serving;
        let whole = serving.body.deadline(self.upload.began, self.upload.received);
        whole.min(self.upload.given.plus(serving.timeout))
    }
}

/// The protocol to offer to this member.
fn offer<'a>(head: &RequestHead, block: &'a [u8], address: &Address) -> Option<&'a [u8]> {
    let allowed = address.connection.upgrade.as_ref()?;
    let protocol = head.upgrade(block)?.of(block);
    std::str::from_utf8(protocol).is_ok_and(|protocol| allowed.allows(protocol)).then_some(protocol)
}

fn trouble_of(why: BadUpload) -> Trouble {
    match why {
        BadUpload::Broken(why) => {
            Trouble::new(FailureKind::Client, format!("the client's request broke off: {why}"))
        }
        BadUpload::TooLarge => Trouble {
            too_large: true,
            ..Trouble::new(FailureKind::Client, "the client's request is larger than LimitRequestBody allows")
        },
    }
}

/// The member's own path and the request's, with no slash doubled between them.
fn join<'a>(base: &'a str, target: &'a str) -> [&'a str; 2] {
    if target.starts_with('/') {
        [base.strip_suffix('/').unwrap_or(base), target]
    } else if base.is_empty() {
        ["/", target]
    } else {
        [base, target]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_members_path_stands_before_the_requests() {
        for (base, target, joined) in [
            ("", "/x?y", "/x?y"),
            ("", "", "/"),
            ("", "?q", "/?q"),
            ("/", "/x", "/x"),
            ("/base", "/x", "/base/x"),
            ("/base/", "/x", "/base/x"),
            ("/base", "", "/base"),
            ("/base/", "", "/base/"),
            ("/base", "x", "/basex"),
        ] {
            assert_eq!(join(base, target).concat(), joined, "{base:?} {target:?}");
        }
    }
}
