//! The request on its worker thread: method, body, and the fields of the answer. What is done and drawn happens
//! elsewhere, few at a time, so that neither disks nor large pages hold up traffic.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use evenkeel_protocol::clean::clean_bytes;
use evenkeel_protocol::{HttpClient, Peer};
use percent_encoding::percent_decode;
use tokio::sync::Semaphore;

use super::parameter::Parameters;
use super::text::in_url;
use super::{Answer, Request};
use crate::answer::Reply;
use crate::conversation::Conversation;
use crate::http::request::RequestHead;
use crate::limits;
use crate::short_body::{self, Posted};

/// The methods, as httpd lists them; TRACE is always refused here.
const METHODS: &str = "OPTIONS,HEAD,GET,POST";
/// All others that httpd knows by name, but for those that get no further than the door; what is none of them it calls not
/// implemented.
const KNOWN: [&str; 21] = [
    "BASELINE-CONTROL",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "DELETE",
    "LABEL",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCOL",
    "MKWORKSPACE",
    "MOVE",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "REPORT",
    "UNCHECKOUT",
    "UNLOCK",
    "UPDATE",
    "VERSION-CONTROL",
];

/// Room for requests that are being answered.
#[derive(Debug)]
pub(crate) struct Room {
    at_once: Semaphore,
    inside: AtomicUsize,
}

impl Default for Room {
    fn default() -> Self {
        Self { at_once: Semaphore::new(limits::MANAGER_REQUESTS), inside: AtomicUsize::new(0) }
    }
}

/// A place in the room, waited for or in use.
struct Place<'a>(&'a Room);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Room {
    fn enter(&self) -> Option<Place<'_>> {
        let place = (self.inside.fetch_add(1, Ordering::Relaxed), Place(self));
        (place.0 < limits::MANAGER_WAITING).then_some(place.1)
    }
}

/// Answers a request to a manager page, whose body may have `most` bytes at this path.
pub(crate) async fn serve(conversation: &mut Conversation, head: &RequestHead, most: u64) -> (Posted, Reply) {
    let allow =
        |status| (Posted::early(status), Reply { fields: vec![("Allow", METHODS.to_owned())], ..bare() });
    let posted = match head.method.of(conversation.input.block()) {
        b"GET" | b"HEAD" => false,
        b"POST" => true,
        b"OPTIONS" => return allow(200),
        known if KNOWN.iter().any(|it| it.as_bytes() == known) => return allow(405),
        _ => return allow(501),
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX).min(limits::MANAGER_FORM);
    let body = match short_body::read(conversation, head, most).await {
        Ok(body) => body,
        Err(refused) => return (refused, bare()),
    };
    let read = body.len() as u64;
    let done = |status| Posted { status, whole: true, read };
    let request = request(conversation, head, (posted, &body));
    let site = Arc::clone(conversation.site.whole());
    let room = Arc::clone(&site.manager.room);
    let proxy = Arc::clone(&conversation.worker.proxy);
    let Some(_place) = room.enter() else { return (done(503), bare()) };
    let Ok(_permit) = room.at_once.acquire().await else { return (done(503), bare()) };
    // An edit writes to disk, and five hundred members take their time to draw.
    let answer = tokio::task::spawn_blocking(move || site.manager.answer(&request, &proxy)).await;
    match answer {
        Ok(answer) => (done(answer.status), reply(answer)),
        Err(_) => (done(500), bare()),
    }
}

fn request(conversation: &Conversation, head: &RequestHead, (posted, body): (bool, &[u8])) -> Request {
    let block = conversation.input.block();
    let field = |name: &str| {
        let line =
            head.lines.iter().find(|line| line.name.of(block).eq_ignore_ascii_case(name.as_bytes()))?;
        Some(clean_bytes(line.value.of(block), limits::LOG_VALUE))
    };
    let target = head.target.of(block);
    let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at_checked(end).unwrap_or((target, b""));
    let query = query.get(1..).unwrap_or_default();
    Request {
        posted,
        path: shown_path(path),
        parameters: if posted { Parameters::of_form(body) } else { Parameters::of_query(query) },
        authority: head.host.map(|host| clean_bytes(host.of(block), limits::TEXT)),
        referer: field("referer"),
        origin: field("origin"),
        by: Peer::by_http(HttpClient {
            address: conversation.peer.ip().to_canonical(),
            user: conversation.user.as_deref().map(str::to_owned),
        }),
    }
}

/// A path as httpd knows it: decoded, a run of slashes as one, and escaped anew.
fn shown_path(path: &[u8]) -> String {
    let mut decoded: Vec<u8> = percent_decode(path).collect();
    decoded.dedup_by(|next, last| *next == b'/' && *last == b'/');
    in_url(&decoded)
}

/// The answer, with what keeps browsers from doing anything with it but showing it and sending its forms back.
fn reply(answer: Answer) -> Reply {
    let Answer { kind, body, authority, status: _ } = answer;
    let plain = authority.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]_".contains(c));
    let hosts = if plain { format!(" http://{authority} https://{authority}") } else { String::new() };
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'{hosts}; frame-ancestors 'none'; \
         base-uri 'none'"
    );
    let fields = vec![
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff".to_owned()),
        ("X-Frame-Options", "DENY".to_owned()),
        // Forms need a Referer here; nobody else is told of the nonces in addresses.
        ("Referrer-Policy", "same-origin".to_owned()),
    ];
    Reply { content: Some((kind, latin(kind, &body))), fields, managed: true }
}

/// The usual page of a status.
fn bare() -> Reply {
    Reply { managed: true, ..Reply::default() }
}

/// HTML goes out in the character set that httpd names for it; what it does not have becomes a reference.
fn latin(kind: &str, body: &str) -> Vec<u8> {
    if kind == "text/xml" || body.is_ascii() {
        return body.as_bytes().to_vec();
    }
    let mut out = Vec::with_capacity(body.len());
    for c in body.chars() {
        match u8::try_from(u32::from(c)) {
            Ok(byte) if c.is_ascii() || byte >= 0xa0 => out.push(byte),
            _ => out.extend_from_slice(format!("&#{};", u32::from(c)).as_bytes()),
        }
    }
    out
}
