//! The end towards clients: reads requests from one connection, hands each to the handler, writes its answer.
//!
//! Waiting is bounded: for a head (which includes the time between requests), for the client to take what is
//! written to it, and for it to send the body it promised.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request as HyperRequest, Response as HyperResponse};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::stream::Watched;
use super::wire::{Outgoing, arriving, fields_of, map_of};
use super::{AnswerHead, Body, Method, RequestHead};
use crate::limits;

/// How one client connection is treated.
#[derive(Debug, Clone)]
pub(crate) struct ServerSettings {
    /// May a connection carry more than one request?
    pub(crate) keep_alive: bool,
    /// How many requests it may carry; 0: any number.
    pub(crate) requests: u32,
    /// How long a client may take to begin and finish a head.
    pub(crate) head_within: Duration,
    /// How long a client may take nothing of what is written to it.
    pub(crate) write_within: Duration,
}

/// Serves one connection until the client or `stopping` ends it.
///
/// # Errors
///
/// What broke the connection, as a sentence for the log.
pub(crate) async fn serve<H, F>(
    stream: TcpStream,
    settings: &ServerSettings,
    mut stopping: watch::Receiver<bool>,
    handler: Rc<H>,
) -> Result<(), String>
where
    H: Fn(RequestHead, Body) -> F + 'static,
    F: Future<Output = (AnswerHead, Body)>,
{
    let most = settings.requests;
    let carried = Rc::new(Carried::default());
    let counted = Rc::clone(&carried);
    let service = service_fn(move |request: HyperRequest<Incoming>| {
        let handler = Rc::clone(&handler);
        let last = most > 0 && counted.one_more() >= most;
        async move {
            let (head, body) = request.into_parts();
            let (mut head, body) = handler(request_head(&head), arriving(body)).await;
            if last {
                head.fields.push("connection", "close");
            }
            Ok::<_, std::convert::Infallible>(answer(head, body))
        }
    });
    let io = TokioIo::new(Watched::new(stream, settings.write_within));
    let mut builder = http1::Builder::new();
    builder
        .keep_alive(settings.keep_alive)
        .title_case_headers(true)
        .timer(TokioTimer::new())
        .header_read_timeout(settings.head_within)
        .max_headers(limits::HEADER_FIELDS)
        .max_buf_size(limits::HEAD_BYTES);
    let mut connection = pin!(builder.serve_connection(io, service));
    let told = async {
        // A sender that is gone means that the proxy ends as well.
        let _ = stopping.wait_for(|stop| *stop).await;
        // A connection that was accepted may have its first request on the way; it is not turned away.
        let _ = timeout(limits::FIRST_REQUEST_WITHIN, carried.first()).await;
    };
    let mut told = pin!(told);
    let mut telling = true;
    let outcome = std::future::poll_fn(|context| {
        if telling && told.as_mut().poll(context).is_ready() {
            telling = false;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(context)
    })
    .await;
    outcome.map_err(|why| why.to_string())
}

/// How many requests a connection has carried.
#[derive(Default)]
struct Carried {
    number: Cell<u32>,
    changed: Notify,
}

impl Carried {
    fn one_more(&self) -> u32 {
        self.number.set(self.number.get().saturating_add(1));
        self.changed.notify_one();
        self.number.get()
    }

    /// Until there was one.
    async fn first(&self) {
        while self.number.get() == 0 {
            self.changed.notified().await;
        }
    }
}

fn request_head(parts: &hyper::http::request::Parts) -> RequestHead {
    RequestHead {
        method: Method::new(parts.method.as_str().as_bytes()),
        target: parts.uri.path_and_query().map_or("", |target| target.as_str()).to_owned(),
        authority: parts.uri.authority().map(ToString::to_string),
        http_1_1: parts.version == hyper::Version::HTTP_11,
        fields: fields_of(&parts.headers),
    }
}

fn answer(head: AnswerHead, body: Body) -> HyperResponse<Outgoing> {
    let mut response = HyperResponse::new(Outgoing(body));
    *response.status_mut() =
        hyper::StatusCode::from_u16(head.status).unwrap_or(hyper::StatusCode::BAD_GATEWAY);
    *response.headers_mut() = map_of(&head.fields);
    if let Some(reason) = head.reason
        && let Ok(reason) = hyper::ext::ReasonPhrase::try_from(reason.to_vec())
    {
        response.extensions_mut().insert(reason);
    }
    response
}
