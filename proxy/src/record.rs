//! Describes a request that is over to the access logs.

use std::borrow::Cow;
use std::net::{Ipv4Addr, SocketAddr};

use evenkeel_balancer::{MemberId, Session, Visit};
use evenkeel_protocol::{Moment, Timestamp};

use crate::access_log::{self, Entry, Lookup, RequestLine};
use crate::clock;
use crate::conversation::{Conversation, Ending, Then};
use crate::header::without_port;
use crate::header_rules::Rewritten;
use crate::http::request::RequestHead;
use crate::live::LiveBalancer;
use crate::nonce;

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) then: Then,
    /// The status before a page of the site's own took its place.
    pub(crate) first_status: u16,
    pub(crate) status: u16,
    /// Bytes of the answer's body that were handed to the client.
    pub(crate) body: u64,
    /// The same with head and framing.
    pub(crate) sent: u64,
    /// Bytes of the request's body.
    pub(crate) read: u64,
    /// Was the client gone before the end of the answer?
    pub(crate) aborted: bool,
    pub(crate) chosen: Option<Chosen>,
    /// The answer's header, if a log wants something of it.
    pub(crate) answer: Vec<(Vec<u8>, Vec<u8>)>,
    /// The request as header rules made it.
    pub(crate) rewritten: Option<Box<Rewritten>>,
    /// Is it the manager page's answer? Addresses of it carry nonces.
    pub(crate) managed: bool,
}

impl Served {
    /// Nothing was sent yet.
    pub(crate) fn new(status: u16, then: Then) -> Self {
        Self {
            then,
            first_status: status,
            status,
            body: 0,
            sent: 0,
            read: 0,
            aborted: false,
            chosen: None,
            answer: Vec::new(),
            rewritten: None,
            managed: false,
        }
    }
}

/// Who was elected last for a request, and why.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The balancer's number.
    pub(crate) balancer: usize,
    pub(crate) member: MemberId,
    pub(crate) session: Option<Box<Session>>,
    pub(crate) route_changed: bool,
    /// What is to be told of the session.
    pub(crate) visit: Option<Visit>,
}

impl Chosen {
    /// The variables that `mod_proxy_balancer` sets, for access logs and header rules; `balancer` is that of
    /// [`Self::balancer`].
    pub(crate) fn variable<'a>(&'a self, balancer: &'a LiveBalancer, name: &str) -> Option<Cow<'a, [u8]>> {
        let owned = |text: String| Some(Cow::Owned(text.into_bytes()));
        match name {
            "BALANCER_NAME" => owned(balancer.name.url()),
            "BALANCER_WORKER_NAME" => {
                Some(Cow::Borrowed(balancer.address(self.member)?.name.as_str().as_bytes()))
            }
            "BALANCER_WORKER_ROUTE" => owned(balancer.route(self.member)?),
            "BALANCER_SESSION_STICKY" => Some(Cow::Borrowed(self.session.as_ref()?.name.as_bytes())),
            "BALANCER_SESSION_ROUTE" => Some(Cow::Borrowed(self.session.as_ref()?.route.as_bytes())),
            "BALANCER_ROUTE_CHANGED" => self.route_changed.then_some(Cow::Borrowed(b"1")),
            _ => None,
        }
    }
}

/// Fields and variables, as the logs ask for them.
struct Asked<'a> {
    head: Option<&'a RequestHead>,
    block: &'a [u8],
    served: &'a Served,
    balancer: Option<&'a LiveBalancer>,
    /// What is told of the `Referer` instead of it.
    referer: Option<Vec<u8>>,
}

impl Lookup for Asked<'_> {
    fn request_field(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        // As in httpd the log tells of fields what rules made of them.
        let (head, block) = match &self.served.rewritten {
            Some(rewritten) => (Some(&rewritten.head), &rewritten.block[..]),
            None => (self.head, self.block),
        };
        let hidden = self.referer.as_deref().filter(|_| name.eq_ignore_ascii_case("referer"));
        let lines = head.filter(|_| hidden.is_none()).map_or(&[][..], |head| &head.lines[..]);
        lines
            .iter()
            .filter(move |line| line.name.of(block).eq_ignore_ascii_case(name.as_bytes()))
            .map(move |line| line.value.of(block))
            .chain(hidden)
    }

    fn answer_field(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.served
            .answer
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| &value[..])
    }

    fn variable(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        self.served.chosen.as_ref()?.variable(self.balancer?, name)
    }
}

fn understood<'a>(head: &RequestHead, block: &'a [u8]) -> RequestLine<'a> {
    let (line, method) = (head.line.of(block), head.method.of(block));
    // The target as sent, with the authority that the absolute form has.
    let target = line.get(method.len() + 1..line.len() - " HTTP/1.1".len()).unwrap_or_default();
    let protocol = if head.http_1_1 { b"HTTP/1.1" } else { b"HTTP/1.0" };
    RequestLine::Understood { method, target, protocol }
}

fn not_understood(conversation: &Conversation) -> RequestLine<'_> {
    let came = conversation.input.filled();
    let end = came.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(came.len());
    RequestLine::Raw(came.get(..end).unwrap_or_default())
}

/// The target of a request to the manager page, without its nonce.
fn hidden<'a>(request: RequestLine<'a>, served: &Served) -> Option<Cow<'a, [u8]>> {
    match request {
        RequestLine::Understood { target, .. } if served.managed => Some(nonce::masked(target)),
        _ => None,
    }
}

/// The page that it came from, likewise.
fn referer(head: &RequestHead, block: &[u8]) -> Option<Vec<u8>> {
    let mut lines = head.lines.iter();
    let line = lines.find(|line| line.name.of(block).eq_ignore_ascii_case(b"referer"))?;
    Some(nonce::masked(line.value.of(block)).into_owned())
}

/// Who answered, in httpd's word.
fn handler(served: &Served, balancer: Option<&LiveBalancer>) -> Option<&'static str> {
    if served.managed { Some("balancer-manager") } else { balancer.map(|_| "proxy-server") }
}

/// Tells the access logs of a request that began at `began`. Without a head, the request was not understood.
pub(crate) fn record(
    conversation: &Conversation,
    head: Option<&RequestHead>,
    served: &Served,
    began: Moment,
) {
    let site = &conversation.site;
    let mut logs = site.logs.borrow_mut();
    if logs.is_empty() {
        return;
    }
    let block = conversation.input.block();
    let took = clock::now().since(began);
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let host = head.and_then(|head| head.host).map(|host| without_port(host.of(block)).to_ascii_lowercase());
    let host = host.as_deref().and_then(|host| std::str::from_utf8(host).ok());
    let request = head.map_or_else(|| not_understood(conversation), |head| understood(head, block));
    let hidden = hidden(request, served);
    let request = match (request, &hidden) {
        (RequestLine::Understood { method, protocol, .. }, Some(target)) => {
            RequestLine::Understood { method, target, protocol }
        }
        (request, _) => request,
    };
    let lookup = Asked {
        head,
        block,
        served,
        balancer: served
            .chosen
            .as_ref()
            .and_then(|chosen| site.balancers.get(chosen.balancer))
            .map(AsRef::as_ref),
        referer: head.filter(|_| served.managed).and_then(|head| referer(head, block)),
    };
    let head_bytes = head.map_or(conversation.input.len(), |head| head.end - head.line.start());
    logs.record(&Entry {
        client: conversation.peer.ip().to_canonical(),
        peer: conversation.peer,
        local: conversation.local().unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
        received: Timestamp(clock::wall().0.saturating_sub(took_us)),
        took_us,
        request,
        first_status: served.first_status,
        status: served.status,
        body_bytes: served.body,
        sent: served.sent,
        read: served.read + head_bytes as u64,
        earlier_requests: u64::from(conversation.carried),
        connection: match served.then {
            _ if served.aborted => access_log::Connection::Aborted,
            Then::Next => access_log::Connection::Kept,
            Then::End(Ending::Gone | Ending::Lingers) => access_log::Connection::Closed,
            Then::End(Ending::Reset) => access_log::Connection::Aborted,
        },
        host: host.map(|host| host.trim_start_matches('[').trim_end_matches(']')),
        server_name: site.name.as_str(),
        server_port: site.port,
        handler: handler(served, lookup.balancer),
        user: conversation.user.as_deref(),
        lookup: &lookup,
    });
    if !conversation.worker.is_current(site) {
        // Nobody looks after the logs of before any more.
        logs.tick();
    }
}
