//! The addresses of `MetricsListen`: everything counted and measured, for whoever can connect. There is nothing to ask
//! for but `/metrics`, and nothing to change.

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use evenkeel_protocol::Moment;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::time::timeout;

use crate::admin::patient::Patient;
use crate::admin::stream::{METRICS_TYPE, Reply};
use crate::drains::Drains;
use crate::listening::Listener;
use crate::registry::Registry;
use crate::{clock, limits, metrics};

/// How old a text may be that is told again: nobody can keep the control thread busy by asking often.
const FRESH: Duration = Duration::from_millis(200);

/// What all connections share.
struct Shared {
    registry: Arc<Registry>,
    drains: Arc<Drains>,
    places: Arc<Semaphore>,
    /// The last text, and when it was made.
    last: Mutex<Option<(Moment, Bytes)>>,
}

/// Serves what comes out of the door until the proxy ends.
pub(crate) async fn run(
    mut door: mpsc::UnboundedReceiver<Listener>,
    (registry, drains): (Arc<Registry>, Arc<Drains>),
) {
    let places = Arc::new(Semaphore::new(limits::METRICS_CONNECTIONS));
    let shared = Rc::new(Shared { registry, drains, places, last: Mutex::new(None) });
    while let Some(listener) = door.recv().await {
        tokio::task::spawn_local(accept(listener, Rc::clone(&shared)));
    }
}

async fn accept(listener: Listener, shared: Rc<Shared>) {
    let Listener { socket, mut closing } = listener;
    let Ok(socket) = TcpListener::from_std(socket) else {
        tracing::error!("an address of MetricsListen cannot be used");
        return;
    };
    if let Ok(address) = socket.local_addr() {
        tracing::info!(%address, "metrics ready");
    }
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            // A sender that is gone means that the proxy ends.
            _ = closing.wait_for(|end| *end) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(limits::WAIT_STEP).await;
            continue;
        };
        // Who comes when all places are taken comes again.
        let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else { continue };
        let shared = Rc::clone(&shared);
        tokio::task::spawn_local(async move {
            converse(stream, shared).await;
            drop(place);
        });
    }
}

/// One question and its answer, within a bounded time.
async fn converse(stream: TcpStream, shared: Rc<Shared>) {
    let stream = TokioIo::new(Patient::new(stream, limits::ADMIN_WITHIN));
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let shared = Rc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request.method(), request.uri().path(), &shared).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::ADMIN_WITHIN)
        .max_buf_size(limits::ADMIN_MESSAGE)
        .max_headers(limits::HEADER_FIELDS)
        .keep_alive(false)
        .serve_connection(stream, service);
    if !matches!(timeout(limits::METRICS_WITHIN, connection).await, Ok(Ok(()))) {
        tracing::debug!("a connection to an address of MetricsListen broke");
    }
}

async fn answer(method: &Method, path: &str, shared: &Shared) -> Response<Reply> {
    let (status, text) = match (path, method) {
        ("/metrics", &Method::GET | &Method::HEAD) => (StatusCode::OK, shared.text().await),
        ("/metrics", _) => {
            (StatusCode::METHOD_NOT_ALLOWED, Bytes::from_static(b"use GET or HEAD for /metrics\n"))
        }
        _ => (StatusCode::NOT_FOUND, Bytes::from_static(b"there is nothing here but /metrics\n")),
    };
    let mut response = Response::new(Reply::Metrics(Some(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(METRICS_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

impl Shared {
    /// One text is made at a time; who comes meanwhile gets the same.
    async fn text(&self) -> Bytes {
        let mut last = self.last.lock().await;
        match &*last {
            Some((made, text)) if clock::now().since(*made) < FRESH => text.clone(),
            _ => {
                let text = Bytes::from(text(&self.registry, &self.drains).await);
                *last = Some((clock::now(), text.clone()));
                text
            }
        }
    }
}

/// Makes the text on another thread: of thousands of members it takes half a second.
pub(super) async fn text(registry: &Arc<Registry>, drains: &Arc<Drains>) -> Vec<u8> {
    let (registry, drains) = (Arc::clone(registry), Arc::clone(drains));
    // It fails only where rendering would panic.
    let text = move || metrics::render(&registry, (&drains.list(), &drains.refused()));
    tokio::task::spawn_blocking(text).await.unwrap_or_default()
}
