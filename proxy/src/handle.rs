//! The path: one request from its head to its answer.

mod admit;
mod found;
mod trying;

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use evenkeel_protocol::Moment;
use evenkeel_protocol::clean::clean_bytes;

use crate::answer::{Page, Reply, Speaker};
use crate::conversation::{Conversation, Ending, Then};
use crate::exchange::Request;
use crate::handle::admit::admit;
use crate::handle::found::{Found, Goal, find, path};
use crate::handle::trying::{Trying, Unserved};
use crate::header_rules::{Place, Rewritten, Telling};
use crate::heartmonitor;
use crate::http::body::Length;
use crate::http::buffer::Buffer;
use crate::http::head::Known;
use crate::http::request::RequestHead;
use crate::limits;
use crate::manager;
use crate::nonce;
use crate::record::{Chosen, Served, record};
use crate::short_body::Posted;
use crate::site::WorkerSite;
use crate::upload::{BadUpload, Upload};

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
    /// What a handler says.
    reply: Option<Box<Reply>>,
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
            reply: None,
        }
    }
}

/// Serves one request, whose head stands in the conversation's input.
pub(crate) async fn handle(conversation: &mut Conversation, head: &RequestHead) -> Then {
    let keep = keeps(conversation, head);
    let own = match serve(conversation, head, keep).await {
        Ok(served) => return finish(conversation, head, &served),
        Err(own) => own,
    };
    let served = answer(conversation, head, own, keep).await;
    finish(conversation, head, &served)
}

/// Records a request that is over; who asked is not who asks next.
fn finish(conversation: &mut Conversation, head: &RequestHead, served: &Served) -> Then {
    record(conversation, Some(head), served, conversation.began);
    conversation.user = None;
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
    let Own { status, mut whole, torn, read, chosen, balancer, rewritten, speaker, reply } = own;
    let managed = reply.as_ref().is_some_and(|reply| reply.managed);
    let served = Served { read, chosen, rewritten, managed, ..Served::new(status, Then::End(Ending::Gone)) };
    if torn {
        return Served { aborted: true, ..served };
    }
    let block = conversation.input.block();
    tracing::debug!(status, client = %conversation.peer.ip(),
        target = %clean_bytes(&nonce::masked(head.target.of(block)), limits::TEXT), "answered by the proxy itself");
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
    let answers = Answers { chosen: served.chosen.as_ref(), reply: reply.as_deref() };
    let (shown, body) = write(page, conversation, (head, balancer, answers), &mut out);
    let sent = out.len() as u64;
    let then = match conversation.write(out).await {
        Err(_) => return Served { aborted: true, ..served },
        Ok(()) if keep => Then::Next,
        Ok(()) if whole && !head.keeps_alive() && conversation.input.is_empty() => Then::End(Ending::Gone),
        Ok(()) => Then::End(Ending::Lingers),
    };
    Served { then, status: shown, body: body as u64, sent, ..served }
}

/// Who failed to answer, and what a handler says.
#[derive(Clone, Copy)]
struct Answers<'a> {
    chosen: Option<&'a Chosen>,
    reply: Option<&'a Reply>,
}

/// Writes a page, with what header rules say.
fn write(
    page: Page,
    conversation: &Conversation,
    (head, balancer, Answers { chosen, reply }): (&RequestHead, Option<usize>, Answers<'_>),
    out: &mut Buffer,
) -> (u16, usize) {
    let site = &conversation.site;
    let asked = (head, conversation.input.block());
    let live = balancer.and_then(|index| site.balancers.get(index));
    let variable = |name: &str| chosen?.variable(live?, name).map(Cow::into_owned);
    let place = || Place { path: path(asked), balancer };
    let telling = Telling { variable: &variable, began: conversation.began };
    let changes = site.header_rules.changes(place, Some(asked), telling);
    page.write(&conversation.worker, (&site.error_documents, changes.as_ref(), reply), out)
}

/// Has a member answer; or the status of the proxy's own answer.
async fn serve(conversation: &mut Conversation, head: &RequestHead, keep: bool) -> Result<Served, Own> {
    let goal = find(&conversation.site, conversation.input.block(), head);
    conversation.user = admit(conversation, head, &goal).await?.map(String::into_boxed_str);
    let mut found = match goal {
        Ok(Goal::Balancer(found)) => found,
        Ok(Goal::Heartmonitor { most }) => return Err(beat(conversation, head, most).await),
        Ok(Goal::Manager { most }) => return Err(manage(conversation, head, most).await),
        Err((status, balancer)) => return Err(Own { balancer, ..Own::early(status) }),
    };
    let early = |status, found: &Found| Own { balancer: Some(found.balancer), ..Own::early(status) };
    let rewritten = rewritten(conversation, head, &found).map_err(|status| early(status, &found))?;
    let framing = rewritten.as_ref().map_or(head, |rewritten| &rewritten.head);
    let upload = Upload::of(framing, found.most, &mut conversation.input, &conversation.worker.spares);
    let upload = upload.map_err(|why| match why {
        BadUpload::Broken(_) => early(400, &found),
        BadUpload::TooLarge => early(413, &found),
    })?;
    let Conversation { worker, client, input, deadline, address, half_closed, began: first, site, .. } =
        conversation;
    let sent = (head, input.block());
    let (head, block) = rewritten.as_ref().map_or(sent, |made| (&made.head, &made.block[..]));
    let mut request = Request {
        worker,
        site: Rc::clone(site),
        client,
        deadline,
        head,
        block,
        behind: input.filled(),
        target: found.target(sent.0, sent.1),
        address,
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
    let outcome = try_sites(&mut request, site, (&mut found, *first, &cookies), (sent, keep)).await;
    drop(cookies);
    *half_closed = request.half_closed;
    let (ahead, surplus) = (std::mem::take(&mut request.ahead), request.upload.take_surplus());
    input.put(&surplus);
    input.put(&ahead);
    match outcome {
        Ok(served) => Ok(Served { rewritten, ..served }),
        Err(own) => Err(Own { rewritten, ..own }),
    }
}

/// Has a member answer, and starts over where the configuration was read anew while the request waited for one.
async fn try_sites(
    request: &mut Request<'_>,
    site: &mut Rc<WorkerSite>,
    (found, began, cookies): (&mut Found, Moment, &[Cow<'_, str>]),
    ((head, block), keep): ((&RequestHead, &[u8]), bool),
) -> Result<Served, Own> {
    let own = loop {
        let before = Rc::clone(site);
        let Some(balancer) = before.balancers.get(found.balancer) else {
            break Own { balancer: Some(found.balancer), ..Own::early(500) };
        };
        let mut trying = Trying::new(request.worker, balancer, (found, began, cookies));
        match trying.served(request, keep).await {
            Ok(served) => {
                let chosen = trying.chosen.take();
                return Ok(Served { chosen, read: request.upload.received, ..served });
            }
            Err(Unserved::Status(status)) => {
                let chosen = trying.chosen.take();
                break Own { chosen, balancer: Some(found.balancer), ..Own::early(status) };
            }
            Err(Unserved::Moved) => {}
        }
        request.worker.refresh(site);
        if !site.access.agrees_with(&before.access) {
            // Who may come is decided once, by one configuration.
            break Own::early(503);
        }
        match find(site, block, head) {
            Ok(Goal::Balancer(now)) => {
                request.site = Rc::clone(site);
                request.target = now.target(head, block).into_owned().into();
                *found = now;
            }
            // Its body may be on its way already.
            Ok(Goal::Heartmonitor { .. } | Goal::Manager { .. }) => break Own::early(503),
            Err((status, balancer)) => break Own { balancer, ..Own::early(status) },
        }
    };
    let (whole, torn) = (request.upload.is_read(), request.interim.is_some());
    Err(Own { whole, torn, read: request.upload.received, ..own })
}

/// Has the handler heartbeat answer.
async fn beat(conversation: &mut Conversation, head: &RequestHead, most: u64) -> Own {
    let monitor = Arc::clone(&conversation.site.heartmonitor);
    let Posted { status, whole, read } = heartmonitor::post(&monitor, conversation, head, most).await;
    Own { whole, read, speaker: Speaker::Heartmonitor, ..Own::early(status) }
}

/// Has the manager page answer.
async fn manage(conversation: &mut Conversation, head: &RequestHead, most: u64) -> Own {
    let (posted, reply) = Box::pin(manager::handler::serve(conversation, head, most)).await;
    let Posted { status, whole, read } = posted;
    Own { whole, read, reply: Some(Box::new(reply)), ..Own::early(status) }
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
pub(crate) fn cookies<'a>(head: &'a RequestHead, block: &'a [u8]) -> Vec<Cow<'a, str>> {
    head.values(block, Known::Cookie).map(String::from_utf8_lossy).collect()
}
