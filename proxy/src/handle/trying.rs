//! The attempts of one request: elections, what each attempt came to, and who answers in the end.

use std::borrow::Cow;
use std::future::poll_fn;
use std::rc::Rc;

use evenkeel_balancer::{
    Ask, Election, Failure, FailureKind, Lease, MemberId, Next, NoMember, Outcome, Visit,
};
use evenkeel_protocol::Moment;
use tokio::time::timeout;

use super::found::{Found, path};
use crate::accept::Worker;
use crate::elections::{Circumstances, Ticket};
use crate::exchange::{Answered, Failed, Request};
use crate::header_rules::{Place, Telling};
use crate::http::body::Length;
use crate::live::LiveBalancer;
use crate::record::{Chosen, Served};
use crate::relay::{self, Begun, Handing, Tried};
use crate::{clock, limits};

/// Why no member's answer was handed on.
pub(super) enum Unserved {
    /// The proxy answers with this status.
    Status(u16),
    /// The configuration was read anew while the request waited for a member.
    Moved,
}

/// The attempts of one request. Dropped at any point, its leases fall with it.
pub(super) struct Trying<'a> {
    worker: &'a Rc<Worker>,
    balancer: &'a LiveBalancer,
    found: &'a Found,
    /// When the request came.
    began: Moment,
    cookies: Vec<&'a str>,
    excluded: Vec<MemberId>,
    tried: Tried,
    repeats: u8,
    /// By which the last election is found again, until it is known what came of it.
    ticket: Option<Ticket>,
    /// What the last one answered. It stays in place, as it is large.
    answered: Option<Answered>,
    /// Who failed last, and how. Few do, and all would pay for the room.
    failed: Option<Box<(MemberId, String)>>,
    /// The last election.
    pub(super) chosen: Option<Chosen>,
}

impl<'a> Trying<'a> {
    /// None were made yet; `balancer` is that of `found`.
    pub(super) fn new(
        worker: &'a Rc<Worker>,
        balancer: &'a LiveBalancer,
        (found, began, cookies): (&'a Found, Moment, &'a [Cow<'_, str>]),
    ) -> Self {
        Self {
            worker,
            balancer,
            found,
            began,
            cookies: cookies.iter().map(AsRef::as_ref).collect(),
            excluded: Vec::new(),
            tried: Tried::default(),
            repeats: 0,
            ticket: None,
            answered: None,
            failed: None,
            chosen: None,
        }
    }

    /// Tries members until one answers, and hands its answer to the client.
    pub(super) async fn served(&mut self, request: &mut Request<'_>, keep: bool) -> Result<Served, Unserved> {
        let outcome = self.until_answered(request).await;
        let visit = self.chosen.as_mut().and_then(|chosen| chosen.visit.take());
        self.tried.visit = visit.map(|visit| (visit, self.worker.now()));
        let Some(mut begun) = outcome.map(|()| self.begin(request, keep))? else {
            return Err(Unserved::Status(502));
        };
        let ended = poll_fn(|context| begun.poll(context, request)).await;
        begun.end(self.worker);
        Ok(begun.served(ended, request))
    }

    /// Begins to hand an answer to the client, with what the site says of its fields.
    fn begin(&mut self, request: &mut Request<'_>, keep: bool) -> Option<Begun<'a>> {
        let answered = self.answered.take()?;
        let tried = std::mem::take(&mut self.tried);
        let site = Rc::clone(&request.site);
        let (balancer, chosen) = (self.balancer, self.chosen.as_ref());
        let cookie = balancer.route_cookie.as_ref().and_then(|cookie| {
            let route = balancer.route(chosen?.member)?;
            let mapped = request.site.mappings.path(self.found.mapping);
            cookie.render(&route, &self.cookies, mapped)
        });
        let variable = |name: &str| chosen?.variable(balancer, name).map(Cow::into_owned);
        let asked = (request.head, request.block);
        let place = || Place { path: path(asked), balancer: Some(self.found.balancer) };
        let telling = Telling { variable: &variable, began: self.began };
        let changes = site.header_rules.changes(place, Some(asked), telling);
        // As in httpd no rule reaches the answer that begins a tunnel.
        let changes = changes.filter(|_| answered.head.status != 101);
        relay::begin(request, answered, Handing { balancer, tried, keep, cookie, changes })
    }

    /// What is to be told of the session that the last member got.
    fn visit(&self) -> Option<&Visit> {
        self.chosen.as_ref()?.visit.as_ref()
    }

    /// Tries members until one answers.
    async fn until_answered(&mut self, request: &mut Request<'_>) -> Result<(), Unserved> {
        let mut fallback = None;
        loop {
            let election = match self.elect(&request.target) {
                Err(nobody) if fallback.is_none() => Box::pin(self.wait(request, nobody)).await?,
                outcome => outcome,
            };
            let election = election.map_err(|nobody| {
                tracing::debug!(balancer = %self.balancer.name, %nobody, "no member");
                let status = fallback.unwrap_or(503);
                let circumstances = self.circumstances();
                self.worker.proxy.registry.elections().nobody(&nobody, circumstances, status);
                Unserved::Status(status)
            })?;
            let member = self.take(election);
            let mut fresh = false;
            loop {
                let (Some(lease), Some(address)) = (self.tried.last(), self.balancer.address(member)) else {
                    return Err(Unserved::Status(500));
                };
                let attempted = request.attempt(address, lease, fresh).await;
                match self.judge(member, attempted, request) {
                    Ok(()) => return Ok(()),
                    Err((Next::RepeatFresh, _)) => fresh = true,
                    Err((Next::TryAnother { exclude }, status)) => {
                        if exclude {
                            self.excluded.push(member);
                        }
                        fallback = Some(status);
                        break;
                    }
                    Err((_, status)) => return Err(Unserved::Status(status)),
                }
            }
        }
    }

    /// Remembers who was elected.
    fn take(&mut self, election: Election) -> MemberId {
        let circumstances = self.circumstances();
        self.ticket = self.worker.proxy.registry.elections().begin(&election, circumstances);
        let Election { member, session, route_changed, visit, lease, .. } = election;
        self.chosen = Some(Chosen { balancer: self.found.balancer, member, session, route_changed, visit });
        self.tried.add(lease);
        member
    }

    /// How many members were elected so far.
    fn attempts(&self) -> u32 {
        if self.tried.last.is_none() { 0 } else { self.tried.number() }
    }

    fn circumstances(&mut self) -> Circumstances<'a> {
        Circumstances {
            core: self.worker.core,
            roll: self.balancer.roll(),
            now: self.worker.now(),
            attempt: self.attempts() + 1,
            failed: self.failed.take().map(|failed| *failed),
        }
    }

    fn remember(&self, ticket: Option<Ticket>, came_to: Result<u16, &str>) {
        if let Some(ticket) = ticket {
            self.worker.proxy.registry.elections().end(ticket, self.worker.now(), came_to);
        }
    }

    fn elect(&self, url: &str) -> Result<Election, NoMember> {
        let ask = Ask {
            url,
            cookies: &self.cookies,
            excluded: &self.excluded,
            dice: self.worker.dice.throw(),
            core: self.worker.core,
        };
        self.worker.proxy.registry.elect(self.balancer, &ask, self.worker.now())
    }

    /// Nobody can be elected: waits for somebody as long as the balancer's timeout allows.
    async fn wait(
        &self,
        request: &Request<'_>,
        nobody: NoMember,
    ) -> Result<Result<Election, NoMember>, Unserved> {
        let (Some(within), Some(waiter)) = (nobody.wait, self.balancer.wait()) else {
            return Ok(Err(nobody));
        };
        let deadline = request.upload.began.plus(within);
        loop {
            let left = deadline.since(clock::now());
            // Either something changed or it is worth a look anyway.
            let _ = timeout(left.min(limits::WAIT_STEP), waiter.change()).await;
            self.worker.tick();
            if !self.worker.is_current(&request.site) {
                return Err(Unserved::Moved);
            }
            match self.elect(&request.target) {
                Err(nobody) if left.is_zero() => return Ok(Err(nobody)),
                Err(_) => {}
                found => return Ok(found),
            }
        }
    }

    /// What follows from an attempt with the member whose lease was taken last; of a failure the core's verdict and the
    /// status that the client gets if nothing more can be tried.
    fn judge(
        &mut self,
        member: MemberId,
        attempted: Result<Answered, Failed>,
        request: &Request<'_>,
    ) -> Result<(), (Next, u16)> {
        match attempted {
            Ok(answered) => {
                if let Some(visit) = self.visit() {
                    visit.answered(self.worker.now());
                }
                let ticket = self.ticket.take();
                let lease = self.tried.last();
                if lease.is_some_and(|lease| lease.answered(answered.head.status, answered.latency)) {
                    let outcome = Outcome::Answered { status: answered.head.status };
                    self.worker.proxy.registry.settle(self.balancer, member, &outcome);
                }
                self.remember(ticket, Ok(answered.head.status));
                self.answered = Some(answered);
                Ok(())
            }
            Err(failed) => Err(self.settle(member, failed, request)),
        }
    }

    fn settle(&mut self, member: MemberId, failed: Failed, request: &Request<'_>) -> (Next, u16) {
        let Failed { kind, sent, reused, reason, too_large } = failed;
        tracing::debug!(balancer = %self.balancer.name, ?member, ?kind, ?sent, reused, reason, "attempt failed");
        if kind == FailureKind::BadAnswer
            && let Some(address) = self.balancer.address(member)
            && address.bad_answer_warned.is_due()
        {
            tracing::warn!(balancer = %self.balancer.name, member = %address.name, reason, "an answer was refused");
        }
        let failure = Failure {
            kind,
            sent,
            reused,
            idempotent: request.head.length == Length::None && request.head.is_idempotent(request.block),
            repeats: self.repeats,
            tries: self.tried.number(),
            reason: reason.clone(),
        };
        let settled = self.worker.proxy.registry.settle(self.balancer, member, &Outcome::Failed(failure));
        self.repeats = settled.repeats;
        match self.tried.last() {
            Some(lease) if settled.next == Next::RepeatFresh => lease.repeated(),
            Some(lease) => {
                lease.failed();
                if let Some(visit) = self.visit() {
                    visit.failed(self.worker.now());
                }
            }
            None => {}
        }
        if settled.next != Next::RepeatFresh {
            let ticket = self.ticket.take();
            self.remember(ticket, Err(&reason));
            self.failed = Some(Box::new((member, reason)));
        }
        let status = match settled.next {
            _ if too_large => 413,
            Next::GiveUp { status } => status,
            _ => settled.fallback,
        };
        (settled.next, status)
    }
}

impl Tried {
    fn add(&mut self, lease: Lease) {
        if let Some(before) = self.last.replace(lease) {
            before.passed_on();
            self.before.push(before);
        }
    }

    fn last(&self) -> Option<&Lease> {
        self.last.as_ref()
    }

    /// How many members were tried.
    fn number(&self) -> u32 {
        u32::try_from(self.before.len() + 1).unwrap_or(u32::MAX)
    }
}
