//! The admin interface: HTTP/1.1 and JSON on a Unix socket, served by the control thread.
//!
//! The socket's mode decides who may connect; who did is asked of the system and stands in every edit's event.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use evenkeel_protocol::place::ADMIN_SOCKET;
use evenkeel_protocol::{Call, Code, Peer, PlanOrder, Refusal, Subject};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;

use crate::admin::patient::Patient;
use crate::admin::stream::Reply;
use crate::drains::Drains;
use crate::limits;
use crate::refusals::Refusals;
use crate::registry::Registry;
use crate::reload::Reloader;

mod drains;
mod edits;
mod endpoints;
pub(crate) mod metrics;
mod patient;
mod peer;
mod roster;
mod stream;

/// What calls are carried out by.
#[derive(Debug, Clone)]
pub(crate) struct Doors {
    pub(crate) registry: Arc<Registry>,
    pub(crate) reloader: Arc<Reloader>,
    pub(crate) drains: Arc<Drains>,
    /// What was asked for where one may only look.
    pub(crate) refusals: Arc<Refusals>,
}

impl Doors {
    /// Somebody asked for a change who may only look: that is news as well.
    fn deny(&self, call: &Call, by: Option<&Peer>) -> Refusal {
        let why = format!("this socket only lets look; {ADMIN_SOCKET} beside it lets change");
        let subject = call.subject().and_then(|(balancer, selector)| {
            let live = self.registry.find(balancer).ok()?;
            let member = selector.and_then(|selector| live.resolve(selector).ok());
            Some(Subject { balancer: live.name.clone(), member })
        });
        self.refusals.tell(&self.registry, subject, (by, Code::ReadOnly, &why));
        Refusal::new(Code::ReadOnly, why)
    }
}

/// Answers on the admin socket, and on the one that only lets look, until the proxy ends; then those who follow the
/// events still get the last of them.
pub(crate) async fn serve(
    (writing, reading): (UnixListener, UnixListener),
    doors: Doors,
    mut ending: watch::Receiver<bool>,
) {
    // Each connection holds a sender; when all are gone, the receiver is told so.
    let (running, mut ended) = mpsc::channel::<()>(1);
    let mut told = ending.clone();
    tokio::select! {
        () = accept((&writing, true), &doors, &ending, running.clone()) => {}
        () = accept((&reading, false), &doors, &ending, running) => {}
        // A sender that is gone means that the proxy ends as well.
        _ = told.wait_for(|end| *end) => {}
    }
    doors.registry.events().close();
    let _ = ending.wait_for(|end| *end).await;
    if timeout(limits::ADMIN_ENDS_WITHIN, ended.recv()).await.is_err() {
        tracing::debug!("clients of the admin socket were cut off");
    }
}

async fn accept(
    (listener, writable): (&UnixListener, bool),
    doors: &Doors,
    ending: &watch::Receiver<bool>,
    running: mpsc::Sender<()>,
) {
    let places = Arc::new(Semaphore::new(limits::ADMIN_CONNECTIONS));
    let lobby = Arc::new(Semaphore::new(limits::ADMIN_CONNECTIONS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(why) => {
                tracing::warn!(%why, "cannot accept on the admin socket");
                tokio::time::sleep(limits::WAIT_STEP).await;
                continue;
            }
        };
        // Who comes when all places are taken is told so, as long as there is room for that.
        let place = Arc::clone(&places).try_acquire_owned();
        let welcome = place.is_ok();
        let Ok(place) = place.or_else(|_| Arc::clone(&lobby).try_acquire_owned()) else { continue };
        let doors = doors.clone();
        let (ending, running) = (ending.clone(), running.clone());
        tokio::task::spawn_local(async move {
            converse(stream, doors, ending, (welcome, writable)).await;
            drop((place, running));
        });
    }
}

async fn converse(
    stream: UnixStream,
    doors: Doors,
    mut ending: watch::Receiver<bool>,
    (welcome, writable): (bool, bool),
) {
    let peer = Arc::new(peer::who(&stream));
    let stream = Patient::new(stream, limits::ADMIN_WITHIN);
    let service = service_fn(move |request: Request<Incoming>| {
        let (doors, peer) = (doors.clone(), Arc::clone(&peer));
        async move {
            if !welcome {
                let why = "too many connections to the admin socket; end one of them";
                let mut response = respond(Err(Refusal::new(Code::Unavailable, why)));
                // Its place is needed.
                response.headers_mut().insert("connection", HeaderValue::from_static("close"));
                return Ok::<_, Infallible>(response);
            }
            let asker = (Option::as_ref(&peer), writable);
            Ok(respond(answer(request, &doors, asker).await))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::ADMIN_WITHIN)
        .max_buf_size(limits::ADMIN_MESSAGE)
        .max_headers(limits::HEADER_FIELDS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = ending.wait_for(|end| *end) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(why) = outcome {
        tracing::debug!(%why, "a connection to the admin socket broke");
    }
}

async fn answer(
    request: Request<Incoming>,
    doors: &Doors,
    (peer, writable): (Option<&Peer>, bool),
) -> Result<Reply, Refusal> {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let call = Call::parse(request.method().as_str(), target)?;
    if call.changes() && !writable {
        return Err(doors.deny(&call, peer));
    }
    for unknown in ["if-match", "if-none-match", "if-unmodified-since"] {
        if request.headers().contains_key(unknown) {
            let why = format!("{unknown} is not understood here; put \"revision\" into the edit instead");
            return Err(Refusal::new(Code::BadRequest, why));
        }
    }
    let body = read(request.into_body(), room_for(&call)).await?;
    if call.method() == "GET" && !body.is_empty() {
        return Err(Refusal::new(Code::BadRequest, "a GET takes no body here"));
    }
    endpoints::answer(call, body, doors, peer.cloned()).await
}

fn respond(outcome: Result<Reply, Refusal>) -> Response<Reply> {
    let (status, reply) = match outcome {
        Ok(reply) => (200, reply),
        Err(refusal) => (refusal.code.http_status(), Reply::json(&refusal)),
    };
    let content_type = HeaderValue::from_static(reply.content_type());
    let mut response = Response::new(reply);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("content-type", content_type);
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    response
}

/// The largest body that a call may have, in bytes: only a plan names members by the hundred.
fn room_for(call: &Call) -> usize {
    if *call == Call::PreviewPlan { PlanOrder::LARGEST } else { limits::ADMIN_MESSAGE }
}

/// The whole body, bounded in size and time.
async fn read(mut body: Incoming, most: usize) -> Result<Vec<u8>, Refusal> {
    let too_large = || {
        let message = format!("the message is larger than {most} bytes");
        Refusal::new(Code::TooLarge, message)
    };
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let reading = async {
        let mut bytes = Vec::new();
        loop {
            let frame =
                std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context)).await;
            match frame {
                None => return Ok(bytes),
                Some(Err(why)) => {
                    return Err(Refusal::new(Code::BadRequest, format!("the body broke off: {why}")));
                }
                Some(Ok(frame)) => {
                    let chunk: Bytes = frame.into_data().unwrap_or_default();
                    if bytes.len() + chunk.len() > most {
                        return Err(too_large());
                    }
                    bytes.extend_from_slice(&chunk);
                }
            }
        }
    };
    timeout(limits::ADMIN_WITHIN, reading)
        .await
        .unwrap_or_else(|_| Err(Refusal::new(Code::BadRequest, "the body took too long to arrive")))
}
