//! The path: one request from its head to its answer.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use evenkeel_balancer::{Ask, Election, Failure, Lease, MemberId, Next, NoMember, Outcome};
use evenkeel_protocol::clean::clean_bytes;
use tokio::time::timeout;

use crate::accept::Worker;
use crate::exchange::{self, Answered, Failed, Outbound};
use crate::http::client::usual_reason;
use crate::http::{AnswerHead, Body, RequestHead};
use crate::mapping;
use crate::registry::LiveBalancer;
use crate::relay::{Download, Held};
use crate::upload::{self, Progress};
use crate::{answer, clock, header, limits};

/// Who asks.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
}

/// Answers one request.
pub(crate) async fn handle(
    worker: Rc<Worker>,
    client: &Client,
    head: RequestHead,
    body: Body,
) -> (AnswerHead, Body) {
    match serve(&worker, client, &head, body).await {
        Ok(answer) => answer,
        Err(status) => {
            tracing::debug!(status, client = %client.address, target = %clean_bytes(head.target.as_bytes(), limits::TEXT),
                "answered by the proxy itself");
            answer::error(status)
        }
    }
}

/// The answer, or the status of the proxy's own.
async fn serve(
    worker: &Rc<Worker>,
    client: &Client,
    head: &RequestHead,
    body: Body,
) -> Result<(AnswerHead, Body), u16> {
    if matches!(head.method.as_bytes(), b"CONNECT" | b"TRACE") {
        return Err(405);
    }
    let host = host_of(head)?;
    if head.fields.all("expect").any(|expected| !expected.eq_ignore_ascii_case(b"100-continue")) {
        return Err(417);
    }
    let (path, query) = match head.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (head.target.as_str(), None),
    };
    mapping::check_path(path).map_err(|_| 400_u16)?;
    let proxy = &worker.proxy;
    let found = proxy.mappings.find(path);
    let index = found.as_ref().map(|found| found.balancer);
    if proxy.fences.iter().any(|fence| fence.covers(path, index)) {
        return Err(503);
    }
    let Some(found) = found else { return Err(404) };
    let balancer = proxy.registry.balancers().get(found.balancer).ok_or(500_u16)?;
    let target = match query {
        Some(query) => format!("{}?{query}", found.path),
        None => found.path.into_owned(),
    };
    let (body, upload) = upload::watched(body, proxy.serving.write_within);
    let repeatable = body.is_empty();
    let mut request = Outbound {
        method: head.method.clone(),
        target,
        fields: header::to_member(&proxy.forwarding, head, client.address, host),
        host: proxy.forwarding.preserve_host.then(|| host.to_owned()).filter(|host| !host.is_empty()),
        body: Some(body),
        upload: Rc::clone(&upload),
        repeatable,
    };
    let cookies: Vec<&str> =
        head.fields.all("cookie").filter_map(|value| std::str::from_utf8(value).ok()).collect();
    let mut trying =
        Trying { worker, balancer, cookies, excluded: Vec::new(), leases: Vec::new(), repeats: 0 };
    let answered = trying.until_answered(&mut request).await?;
    Ok(relay(trying, answered, &Asked { head, host, upload }))
}

/// What the client asked for: the authority of its target, else its Host line. HTTP/1.1 needs exactly one.
fn host_of(head: &RequestHead) -> Result<&str, u16> {
    let mut lines = head.fields.all("host");
    let line = lines.next();
    if lines.next().is_some() || (line.is_none() && head.http_1_1) {
        return Err(400);
    }
    match &head.authority {
        // Credentials in a target are nobody's business behind the proxy.
        Some(authority) if authority.contains('@') => Err(400),
        Some(authority) => Ok(authority),
        None => std::str::from_utf8(line.unwrap_or_default()).map_err(|_| 400),
    }
}

/// The attempts of one request. Dropped at any point, its leases fall with it.
struct Trying<'a> {
    worker: &'a Rc<Worker>,
    balancer: &'a LiveBalancer,
    cookies: Vec<&'a str>,
    excluded: Vec<MemberId>,
    /// Of all members tried.
    leases: Vec<Lease>,
    repeats: u8,
}

impl Trying<'_> {
    /// Tries members until one answers; else the status for the client.
    async fn until_answered(&mut self, request: &mut Outbound) -> Result<Answered, u16> {
        let mut fallback = None;
        loop {
            let election = match self.elect(request, fallback.is_none()).await {
                Ok(election) => election,
                Err(nobody) => {
                    tracing::debug!(balancer = %self.balancer.name, %nobody, "no member");
                    return Err(fallback.unwrap_or(503));
                }
            };
            self.leases.push(election.lease);
            let mut fresh = false;
            loop {
                match self.attempt(election.member, request, fresh).await {
                    Ok(answered) => return Ok(answered),
                    Err((Next::RepeatFresh, _)) => fresh = true,
                    Err((Next::TryAnother { exclude }, status)) => {
                        if exclude {
                            self.excluded.push(election.member);
                        }
                        fallback = Some(status);
                        break;
                    }
                    Err((_, status)) => return Err(status),
                }
            }
        }
    }

    /// Elects a member; if nobody can be, waits for one as long as the balancer's timeout allows.
    async fn elect(&self, request: &Outbound, may_wait: bool) -> Result<Election, NoMember> {
        let ask = || Ask {
            url: &request.target,
            cookies: &self.cookies,
            excluded: &self.excluded,
            dice: clock::dice(),
            core: self.worker.core,
        };
        let registry = &self.worker.proxy.registry;
        let nobody = match registry.elect(self.balancer, &ask()) {
            Err(nobody) if may_wait => nobody,
            outcome => return outcome,
        };
        let (Some(within), Some(waiter)) = (nobody.wait, self.balancer.wait()) else { return Err(nobody) };
        let deadline = clock::now().plus(within);
        loop {
            let left = deadline.since(clock::now());
            // Either something changed or it is worth a look anyway.
            let _ = timeout(left.min(limits::WAIT_STEP), waiter.change()).await;
            match registry.elect(self.balancer, &ask()) {
                Err(nobody) if left.is_zero() => return Err(nobody),
                Err(_) => {}
                found => return found,
            }
        }
    }

    /// One attempt with the member whose lease was taken last; on failure the core's verdict and the status that
    /// the client gets if nothing more can be tried.
    async fn attempt(
        &mut self,
        member: MemberId,
        request: &mut Outbound,
        fresh: bool,
    ) -> Result<Answered, (Next, u16)> {
        let registry = &self.worker.proxy.registry;
        let (Some(lease), Some(address)) = (self.leases.last(), self.balancer.address(member)) else {
            return Err((Next::GiveUp { status: 500 }, 500));
        };
        let failed = match exchange::attempt(self.worker, address, lease, request, fresh).await {
            Ok(answered) => {
                let status = answered.head.status;
                if lease.answered() {
                    registry.settle(self.balancer, member, &Outcome::Answered { status });
                }
                return Ok(answered);
            }
            Err(failed) => failed,
        };
        let Failed { kind, sent, reused, reason } = failed;
        tracing::debug!(balancer = %self.balancer.name, member = %address.name, ?kind, ?sent, reused, reason, "attempt failed");
        let failure = Failure {
            kind,
            sent,
            reused,
            idempotent: request.repeatable && request.method.is_idempotent(),
            repeats: self.repeats,
            tries: u32::try_from(self.leases.len()).unwrap_or(u32::MAX),
            reason,
        };
        let settled = registry.settle(self.balancer, member, &Outcome::Failed(failure));
        self.repeats = settled.repeats;
        if settled.next != Next::RepeatFresh
            && let Some(lease) = self.leases.last()
        {
            lease.failed();
        }
        let status = match settled.next {
            Next::GiveUp { status } => status,
            _ => settled.fallback,
        };
        Err((settled.next, status))
    }
}

/// What the client asked for, as far as its answer depends on it.
struct Asked<'a> {
    head: &'a RequestHead,
    host: &'a str,
    upload: Rc<Progress>,
}

/// Hands a member's answer to the client.
fn relay(trying: Trying<'_>, answered: Answered, asked: &Asked<'_>) -> (AnswerHead, Body) {
    let Trying { worker, balancer, mut leases, .. } = trying;
    let Answered { head: mut answer, body, connection, permit } = answered;
    let Some(lease) = leases.last_mut() else { return answer::error(500) };
    lease.received(answer.status_line_length(usual_reason(answer.status)));
    let meter = lease.meter();
    let address = balancer.address(lease.member());
    let (slot, within, kept) = address.map_or((0, Duration::from_secs(60), false), |address| {
        (address.slot, address.connection.timeout, !address.connection.disablereuse)
    });
    let held = Held {
        worker: Rc::clone(worker),
        _leases: leases,
        slot,
        reusable: kept,
        upload: Rc::clone(&asked.upload),
        connection,
        _permit: permit,
    };
    header::to_client(&mut answer, &worker.proxy.reversals, asked.host);
    let bodiless =
        asked.head.method.as_bytes() == b"HEAD" || matches!(answer.status, 204 | 304) || body.is_empty();
    if bodiless {
        held.complete();
        return (answer, Body::Empty);
    }
    (answer, Body::Stream(Box::new(Download::new(body, meter, within, held))))
}
