//! The path: one request from its head to its answer.

mod found;

use std::borrow::Cow;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;

use evenkeel_balancer::{Ask, Election, Failure, FailureKind, Lease, MemberId, Next, NoMember, Outcome};
use evenkeel_protocol::Moment;
use evenkeel_protocol::clean::clean_bytes;
use tokio::time::timeout;

use crate::accept::Worker;
use crate::answer::{Page, Speaker};
use crate::conversation::{Conversation, Ending, Then};
use crate::exchange::{Answered, Failed, Request};
use crate::handle::found::{Found, Goal, find, path};
use crate::header_rules::{Place, Rewritten, Telling};
use crate::heartmonitor::{self, Posted};
use crate::http::body::Length;
use crate::http::buffer::Buffer;
use crate::http::head::Known;
use crate::http::request::RequestHead;
use crate::live::LiveBalancer;
use crate::record::{Chosen, Served, record};
use crate::relay::{self, Begun, Handing, Tried};
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
    /// Where the request was to go.
    balancer: Option<usize>,
    rewritten: Option<Box<Rewritten>>,
}

impl Own {
    /// Before anything of the body was looked at.
    fn early(status: u16) -> Self {
        Self {
            status,
            whole: false,
            torn: false,
            read: 0,
            chosen: None,
            speaker: Speaker::Proxy,
            balancer: None,
            rewritten: None,
        }
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
    let Own { status, mut whole, torn, read, chosen, balancer, rewritten, speaker } = own;
    let served = Served { read, chosen, rewritten, ..Served::new(status, Then::End(Ending::Gone)) };
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
    let (shown, body) = write(page, conversation, (head, balancer), served.chosen.as_ref(), &mut out);
    let sent = out.len() as u64;
    let then = match conversation.write(out).await {
        Err(_) => return Served { aborted: true, ..served },
        Ok(()) if keep => Then::Next,
        Ok(()) if whole && !head.keeps_alive() && conversation.input.is_empty() => Then::End(Ending::Gone),
        Ok(()) => Then::End(Ending::Lingers),
    };
    Served { then, status: shown, body: body as u64, sent, ..served }
}

/// Writes a page, with what header rules say.
fn write(
    page: Page,
    conversation: &Conversation,
    (head, balancer): (&RequestHead, Option<usize>),
    chosen: Option<&Chosen>,
    out: &mut Buffer,
) -> (u16, usize) {
    let site = &conversation.site;
    let asked = (head, conversation.input.block());
    let live = balancer.and_then(|index| site.balancers.get(index));
    let variable = |name: &str| chosen?.variable(live?, name).map(Cow::into_owned);
    let place = Place { path: path(asked), balancer };
    let telling = Telling { variable: &variable, began: conversation.began };
    let changes = site.header_rules.changes(place, Some(asked), telling);
    page.write(&conversation.worker, (&site.error_documents, changes.as_ref()), out)
}

/// Has a member answer; or the status of the proxy's own answer.
async fn serve(conversation: &mut Conversation, head: &RequestHead, keep: bool) -> Result<Served, Own> {
    let worker = Rc::clone(&conversation.worker);
    let mut found = match find(&conversation.site, conversation.input.block(), head) {
        Ok(Goal::Balancer(found)) => found,
        Ok(Goal::Heartmonitor { most }) => return Err(beat(conversation, head, most).await),
        Err((status, balancer)) => return Err(Own { balancer, ..Own::early(status) }),
    };
    let early = |status, found: &Found| Own { balancer: Some(found.balancer), ..Own::early(status) };
    let rewritten = rewritten(conversation, head, &found).map_err(|status| early(status, &found))?;
    let framing = rewritten.as_ref().map_or(head, |rewritten| &rewritten.head);
    let upload = Upload::new(framing, &mut conversation.input, &worker.spares, found.most);
    let upload = upload.map_err(|why| match why {
        BadUpload::Broken(_) => early(400, &found),
        BadUpload::TooLarge => early(413, &found),
    })?;
    let Conversation { client, input, deadline, peer, half_closed, began: first, site, .. } = conversation;
    let sent = (head, input.block());
    let (head, block) = rewritten.as_ref().map_or(sent, |made| (&made.head, &made.block[..]));
    let mut request = Request {
        worker: &worker,
        site: Rc::clone(site),
        client,
        deadline,
        head,
        block,
        behind: input.filled(),
        target: found.target(sent.0, sent.1),
        address: peer.ip(),
        upload,
        ahead: Vec::new(),
        half_closed: *half_closed,
        watched: false,
        continued: false,
        interim: None,
    };
    let cookies = cookies(head, block);
    let began = worker.now();
    (request.upload.began, request.upload.given) = (began, began);
    let outcome = loop {
        let (served, chosen) = try_members(&mut request, (&found, *first, &cookies), keep).await;
        let own = match served {
            Ok(served) => break Ok(Served { chosen, read: request.upload.received, ..served }),
            Err(Unserved::Status(status)) => Own { chosen, ..early(status, &found) },
            Err(Unserved::Moved) => {
                *site = worker.site();
                match find(site, sent.1, sent.0) {
                    Ok(Goal::Balancer(now)) => {
                        request.site = Rc::clone(site);
                        request.target = now.target(sent.0, sent.1);
                        found = now;
                        continue;
                    }
                    // Its body may be on its way already.
                    Ok(Goal::Heartmonitor { .. }) => Own::early(503),
                    Err((status, balancer)) => Own { balancer, ..Own::early(status) },
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
    drop(cookies);
    let Request { ahead, upload, half_closed: closed, .. } = request;
    *half_closed = closed;
    input.put(upload.surplus());
    input.put(&ahead);
    match outcome {
        Ok(served) => Ok(Served { rewritten, ..served }),
        Err(own) => Err(Own { rewritten, ..own }),
    }
}

/// Has the handler heartbeat answer.
async fn beat(conversation: &mut Conversation, head: &RequestHead, most: u64) -> Own {
    let monitor = Arc::clone(&conversation.site.heartmonitor);
    let Posted { status, whole, read } = heartmonitor::post(&monitor, conversation, head, most).await;
    Own { whole, read, speaker: Speaker::Heartmonitor, ..Own::early(status) }
}

/// Has a member of the balancer answer that was found. Who was elected last is told in any case.
async fn try_members(
    request: &mut Request<'_>,
    (found, began, cookies): (&Found, Moment, &[Cow<'_, str>]),
    keep: bool,
) -> (Result<Served, Unserved>, Option<Chosen>) {
    let site = Rc::clone(&request.site);
    let Some(balancer) = site.balancers.get(found.balancer) else {
        return (Err(Unserved::Status(500)), None);
    };
    let mut trying = Trying {
        worker: request.worker,
        balancer,
        found,
        began,
        cookies: cookies.iter().map(AsRef::as_ref).collect(),
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

/// The request as header rules make it, if some are about it.
fn rewritten(
    conversation: &Conversation,
    head: &RequestHead,
    found: &Found,
) -> Result<Option<Box<Rewritten>>, u16> {
    let rules = &conversation.site.header_rules;
    if rules.requests.is_empty() {
        return Ok(None);
    }
    let asked = (head, conversation.input.block());
    let place = Place { path: path(asked), balancer: Some(found.balancer) };
    let outcome = rules.request(place, asked, conversation.began).transpose();
    outcome.map(|made| made.map(Box::new)).map_err(|why| {
        tracing::warn!(why, "the rules of RequestHeader make no request of what a client sent; it got 500");
        500
    })
}

/// The lines of cookies. What is no text in one must not hide the session beside it.
fn cookies<'a>(head: &'a RequestHead, block: &'a [u8]) -> Vec<Cow<'a, str>> {
    head.values(block, Known::Cookie).map(String::from_utf8_lossy).collect()
}

/// The attempts of one request. Dropped at any point, its leases fall with it.
struct Trying<'a> {
    worker: &'a Rc<Worker>,
    balancer: &'a LiveBalancer,
    found: &'a Found,
    /// When the request came.
    began: Moment,
    cookies: Vec<&'a str>,
    excluded: Vec<MemberId>,
    tried: Tried,
    repeats: u8,
    /// The last election.
    chosen: Option<Chosen>,
}

impl<'a> Trying<'a> {
    /// Tries members until one answers, and hands its answer to the client.
    async fn served(&mut self, request: &mut Request<'_>, keep: bool) -> Result<Served, Unserved> {
        let answered = self.until_answered(request).await;
        let tried = std::mem::take(&mut self.tried);
        let begun = self.begin(request, answered?, (tried, keep));
        let mut begun = begun.ok_or(Unserved::Status(502))?;
        let ended = poll_fn(|context| begun.poll(context, request)).await;
        Ok(begun.served(ended, request))
    }

    /// Begins to hand an answer to the client, with what the site says of its fields.
    fn begin(
        &self,
        request: &mut Request<'_>,
        answered: Answered,
        (tried, keep): (Tried, bool),
    ) -> Option<Begun<'a>> {
        let site = Rc::clone(&request.site);
        let (balancer, chosen) = (self.balancer, self.chosen.as_ref());
        let cookie = balancer.route_cookie.as_ref().and_then(|cookie| {
            let route = balancer.route(chosen?.member)?;
            let mapped = request.site.mappings.path(self.found.mapping);
            cookie.render(&route, &self.cookies, mapped)
        });
        let variable = |name: &str| chosen?.variable(balancer, name).map(Cow::into_owned);
        let asked = (request.head, request.block);
        let place = Place { path: path(asked), balancer: Some(self.found.balancer) };
        let telling = Telling { variable: &variable, began: self.began };
        let changes = site.header_rules.changes(place, Some(asked), telling);
        // As in httpd no rule reaches the answer that begins a tunnel.
        let changes = changes.filter(|_| answered.head.status != 101);
        relay::begin(request, answered, Handing { balancer, tried, keep, cookie, changes })
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
        self.chosen = Some(Chosen { balancer: self.found.balancer, member, session, route_changed });
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
