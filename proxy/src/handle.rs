//! The path: one request from its head to its answer.

use std::borrow::Cow;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;

use evenkeel_balancer::{Ask, Election, Failure, FailureKind, Lease, MemberId, Next, NoMember, Outcome};
use evenkeel_protocol::clean::clean_bytes;
use memchr::memchr;
use tokio::time::timeout;

use crate::accept::Worker;
use crate::answer::{Page, Speaker};
use crate::conversation::{Conversation, Ending, Then};
use crate::exchange::{Answered, Failed, Request};
use crate::heartmonitor::{self, Posted};
use crate::http::body::Length;
use crate::http::head::Known;
use crate::http::request::RequestHead;
use crate::live::LiveBalancer;
use crate::mapping;
use crate::record::{Chosen, Served, record};
use crate::relay::{self, Tried};
use crate::site::Site;
use crate::upload::{BadUpload, Upload};
use crate::{clock, limits};

/// The proxy answers by itself.
#[derive(Debug)]
struct Own {
    status: u16,
    /// May the connection go on, as far as the request's body is concerned?
    whole: bool,
    /// Was another answer begun, which cannot be taken back?
    torn: bool,
    /// Bytes of the request's body that were read.
    read: u64,
    /// Who failed to answer.
    chosen: Option<Chosen>,
    speaker: Speaker,
}

impl Own {
    /// Before anything of the body was looked at.
    fn early(status: u16) -> Self {
        Self { status, whole: false, torn: false, read: 0, chosen: None, speaker: Speaker::Proxy }
    }
}

/// Serves one request, whose head stands in the conversation's input.
pub(crate) async fn handle(conversation: &mut Conversation, head: &RequestHead) -> Then {
    let keep = keeps(conversation, head);
    let served = match serve(conversation, head, keep).await {
        Ok(served) => served,
        Err(own) => answer(conversation, head, own, keep).await,
    };
    record(conversation, Some(head), &served, conversation.began);
    served.then
}

/// May the connection carry another request after this one?
fn keeps(conversation: &Conversation, head: &RequestHead) -> bool {
    let serving = &conversation.site.serving;
    serving.keep_alive
        && head.keeps_alive()
        && (serving.requests == 0 || conversation.carried + 1 < serving.requests)
        && !conversation.worker.is_stopping()
        && !conversation.worker.is_pressed()
}

/// The proxy's own answer.
async fn answer(conversation: &mut Conversation, head: &RequestHead, own: Own, keep: bool) -> Served {
    let Own { status, mut whole, torn, read, chosen, speaker } = own;
    let served = Served { read, chosen, ..Served::new(status, Then::End(Ending::Gone)) };
    if torn {
        return Served { aborted: true, ..served };
    }
    let block = conversation.input.block();
    tracing::debug!(status, client = %conversation.peer.ip(),
        target = %clean_bytes(head.target.of(block), limits::TEXT), "answered by the proxy itself");
    let bare = head.method.of(block) == b"HEAD";
    // What follows a CONNECT or the offer of another protocol may be none of HTTP.
    let plain = head.method.of(block) != b"CONNECT" && head.upgrade(block).is_none();
    if !whole {
        // The body may be here already; then the next request starts behind it.
        whole = match head.length {
            Length::None | Length::Exactly(0) => true,
            Length::Exactly(bytes) if bytes <= conversation.input.len() as u64 && !head.expects_continue => {
                conversation.input.consume(usize::try_from(bytes).unwrap_or(usize::MAX));
                true
            }
            _ => false,
        };
    }
    let keep = keep && whole && plain && status != 400;
    let page = Page::of(status).bare(bare).told(!head.http_1_1).by(speaker);
    let page = if keep { page } else { page.closing() };
    let mut out = conversation.worker.spares.small();
    let (shown, body) = page.write(&conversation.worker, &conversation.site.error_documents, &mut out);
    let sent = out.len() as u64;
    let then = match conversation.write(out).await {
        Err(_) => return Served { aborted: true, ..served },
        Ok(()) if keep => Then::Next,
        Ok(()) if whole && !head.keeps_alive() && conversation.input.is_empty() => Then::End(Ending::Gone),
        Ok(()) => Then::End(Ending::Lingers),
    };
    Served { then, status: shown, body: body as u64, sent, ..served }
}

/// Has a member answer; or the status of the proxy's own answer.
async fn serve(conversation: &mut Conversation, head: &RequestHead, keep: bool) -> Result<Served, Own> {
    let worker = Rc::clone(&conversation.worker);
    let mut found = match find(&conversation.site, conversation.input.block(), head)? {
        Goal::Balancer(found) => found,
        Goal::Heartmonitor { most } => return Err(beat(conversation, head, most).await),
    };
    let upload =
        Upload::new(head, &mut conversation.input, &worker.spares, found.most).map_err(|why| match why {
            BadUpload::Broken(_) => Own::early(400),
            BadUpload::TooLarge => Own::early(413),
        })?;
    let Conversation { client, input, deadline, peer, half_closed, site, .. } = conversation;
    let block = input.block();
    let mut request = Request {
        worker: &worker,
        site: Rc::clone(site),
        client,
        deadline,
        head,
        block,
        behind: input.filled(),
        target: found.target(head, block),
        address: peer.ip(),
        upload,
        ahead: Vec::new(),
        half_closed: *half_closed,
        watched: false,
        continued: false,
        interim: None,
    };
    let began = worker.now();
    (request.upload.began, request.upload.given) = (began, began);
    let outcome = loop {
        let (served, chosen) = try_members(&mut request, found.balancer, keep).await;
        let own = match served {
            Ok(served) => break Ok(Served { chosen, read: request.upload.received, ..served }),
            Err(Unserved::Status(status)) => Own { chosen, ..Own::early(status) },
            Err(Unserved::Moved) => {
                *site = worker.site();
                match find(site, block, head) {
                    Ok(Goal::Balancer(now)) => {
                        request.site = Rc::clone(site);
                        request.target = now.target(head, block);
                        found = now;
                        continue;
                    }
                    // Its body may be on its way already.
                    Ok(Goal::Heartmonitor { .. }) => Own::early(503),
                    Err(own) => own,
                }
            }
        };
        break Err(Own {
            whole: request.upload.is_read(),
            torn: request.interim.is_some(),
            read: request.upload.received,
            ..own
        });
    };
    let Request { ahead, upload, half_closed: closed, .. } = request;
    *half_closed = closed;
    input.put(upload.surplus());
    input.put(&ahead);
    outcome
}

/// Has the handler heartbeat answer.
async fn beat(conversation: &mut Conversation, head: &RequestHead, most: u64) -> Own {
    let monitor = Arc::clone(&conversation.site.heartmonitor);
    let Posted { status, whole, read } = heartmonitor::post(&monitor, conversation, head, most).await;
    Own { whole, read, speaker: Speaker::Heartmonitor, ..Own::early(status) }
}

/// Has a member of that balancer answer. Who was elected last is told in any case.
async fn try_members(
    request: &mut Request<'_>,
    index: usize,
    keep: bool,
) -> (Result<Served, Unserved>, Option<Chosen>) {
    let site = Rc::clone(&request.site);
    let Some(balancer) = site.balancers.get(index) else { return (Err(Unserved::Status(500)), None) };
    let mut trying = Trying {
        worker: request.worker,
        index,
        balancer,
        cookies: cookies(request.head, request.block),
        excluded: Vec::new(),
        tried: Tried::default(),
        repeats: 0,
        chosen: None,
    };
    let served = trying.served(request, keep).await;
    (served, trying.chosen.take())
}

/// Why no member's answer was handed on.
enum Unserved {
    /// The proxy answers with this status.
    Status(u16),
    /// The configuration was read anew while the request waited for a member.
    Moved,
}

/// Who answers a request.
enum Goal {
    Balancer(Found),
    /// The handler heartbeat.
    Heartmonitor {
        /// The most bytes that a body may have here.
        most: u64,
    },
}

/// Where a request goes.
struct Found {
    balancer: usize,
    /// The path for the member, where it is not the end of the request's.
    path: Option<String>,
    /// Where in the target the member's path starts.
    at: usize,
    /// How long the request's path is.
    length: usize,
    /// The most bytes that its body may have.
    most: u64,
}

impl Found {
    /// Path and query behind the member's own path.
    fn target<'a>(&self, head: &RequestHead, block: &'a [u8]) -> Cow<'a, str> {
        let whole = std::str::from_utf8(head.target.of(block)).unwrap_or_default();
        match &self.path {
            None => Cow::Borrowed(whole.get(self.at..).unwrap_or_default()),
            Some(path) => Cow::Owned(format!("{path}{}", whole.get(self.length..).unwrap_or_default())),
        }
    }
}

fn find(site: &Site, block: &[u8], head: &RequestHead) -> Result<Goal, Own> {
    let refused = Own::early;
    match head.method.of(block) {
        b"CONNECT" | b"TRACE" => return Err(refused(405)),
        _ if head.target.of(block) == b"*" => return Err(refused(200)),
        _ => {}
    }
    let target = std::str::from_utf8(head.target.of(block)).map_err(|_| refused(400))?;
    let length = memchr(b'?', target.as_bytes()).unwrap_or(target.len());
    let path = match target.get(..length) {
        // The absolute form of a host alone.
        None | Some("") => "/",
        Some(path) => path,
    };
    mapping::check_path(path).map_err(|_| refused(400))?;
    let found = site.mappings.find(path);
    let index = found.as_ref().map(|found| found.balancer);
    if site.fences.iter().any(|fence| fence.covers(path, index)) {
        return Err(refused(503));
    }
    // As in httpd before any mapping.
    let most = site.serving.most(path);
    if site.heartmonitor.handles(path) {
        return Ok(Goal::Heartmonitor { most });
    }
    let Some(found) = found else { return Err(refused(404)) };
    let (at, rewritten) = match found.path {
        Cow::Borrowed(rest) if target.get(..length).is_some_and(|path| path.ends_with(rest)) => {
            (length - rest.len(), None)
        }
        rest => (0, Some(rest.into_owned())),
    };
    Ok(Goal::Balancer(Found { balancer: found.balancer, path: rewritten, at, length, most }))
}

fn cookies<'a>(head: &'a RequestHead, block: &'a [u8]) -> Vec<&'a str> {
    head.values(block, Known::Cookie).filter_map(|value| std::str::from_utf8(value).ok()).collect()
}

/// The attempts of one request. Dropped at any point, its leases fall with it.
struct Trying<'a> {
    worker: &'a Rc<Worker>,
    /// The balancer's number.
    index: usize,
    balancer: &'a LiveBalancer,
    cookies: Vec<&'a str>,
    excluded: Vec<MemberId>,
    tried: Tried,
    repeats: u8,
    /// The last election.
    chosen: Option<Chosen>,
}

impl Trying<'_> {
    /// Tries members until one answers, and hands its answer to the client.
    async fn served(&mut self, request: &mut Request<'_>, keep: bool) -> Result<Served, Unserved> {
        let outcome = self.until_answered(request).await;
        let tried = std::mem::take(&mut self.tried);
        let begun = relay::begin(request, outcome?, (self.balancer, tried, keep));
        let mut begun = begun.ok_or(Unserved::Status(502))?;
        let ended = poll_fn(|context| begun.poll(context, request)).await;
        Ok(begun.served(ended, request))
    }

    /// Tries members until one answers.
    async fn until_answered(&mut self, request: &mut Request<'_>) -> Result<Answered, Unserved> {
        let mut fallback = None;
        loop {
            let election = match self.elect(&request.target) {
                Err(nobody) if fallback.is_none() => Box::pin(self.wait(request, nobody)).await?,
                outcome => outcome,
            };
            let election = election.map_err(|nobody| {
                tracing::debug!(balancer = %self.balancer.name, %nobody, "no member");
                Unserved::Status(fallback.unwrap_or(503))
            })?;
            let member = self.take(election);
            let mut fresh = false;
            loop {
                match self.attempt(member, request, fresh).await {
                    Ok(answered) => return Ok(answered),
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
        let Election { member, session, route_changed, lease, .. } = election;
        self.chosen = Some(Chosen { balancer: self.index, member, session, route_changed });
        self.tried.add(lease);
        member
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

    /// One attempt with the member whose lease was taken last; on failure the core's verdict and the status that
    /// the client gets if nothing more can be tried.
    async fn attempt(
        &mut self,
        member: MemberId,
        request: &mut Request<'_>,
        fresh: bool,
    ) -> Result<Answered, (Next, u16)> {
        let (Some(lease), Some(address)) = (self.tried.last(), self.balancer.address(member)) else {
            return Err((Next::GiveUp { status: 500 }, 500));
        };
        match request.attempt(address, lease, fresh).await {
            Ok(answered) => {
                if lease.answered() {
                    let outcome = Outcome::Answered { status: answered.head.status };
                    self.worker.proxy.registry.settle(self.balancer, member, &outcome);
                }
                Ok(answered)
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
            reason,
        };
        let settled = self.worker.proxy.registry.settle(self.balancer, member, &Outcome::Failed(failure));
        self.repeats = settled.repeats;
        if settled.next != Next::RepeatFresh
            && let Some(lease) = self.tried.last()
        {
            lease.failed();
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
