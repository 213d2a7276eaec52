//! The end towards members: opens a connection, sends a request over it, reads the answer's head.
//!
//! What failed is told in terms that decide whether the request may be repeated: was anything of it sent?

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use evenkeel_protocol::{ConnectionSettings, Moment};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::stream::Watched;
use super::wire::{Outgoing, arriving, fields_of, map_of};
use super::{AnswerHead, Body, BodyError, RequestHead};
use crate::{clock, limits};

/// A connection to a member that can carry one request at a time.
pub(crate) struct Connection {
    sender: SendRequest<Outgoing>,
    /// Moves the bytes; ends with this value, whatever the member does.
    driver: JoinHandle<()>,
    /// Bytes that the member has sent.
    arrived: Rc<Cell<u64>>,
    /// Has it carried a request before?
    pub(crate) reused: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectError {
    TimedOut,
    Refused(io::Error),
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct SendError {
    pub(crate) kind: SendErrorKind,
    /// The body, if nothing of the request was sent.
    pub(crate) unsent: Option<Body>,
}

/// What went wrong between the first byte of a request and the end of the answer's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendErrorKind {
    /// The connection ended before any byte of an answer.
    Closed,
    /// No head within the time.
    TimedOut,
    /// The answer is no HTTP.
    BadAnswer(String),
    /// The member took nothing of the request for too long.
    NotTaken,
    /// The client's own body broke.
    ClientBody(String),
    /// The client sent nothing of its body for too long.
    ClientStalled(String),
}

impl Connection {
    /// Connects to the first of `addresses` that accepts, each within `connectiontimeout` or `timeout`.
    pub(crate) async fn open(
        addresses: &[SocketAddr],
        settings: &ConnectionSettings,
    ) -> Result<Self, ConnectError> {
        let within = settings.connectiontimeout.unwrap_or(settings.timeout);
        let mut failed = ConnectError::Refused(io::Error::new(io::ErrorKind::NotFound, "it has no address"));
        for address in addresses.iter().take(limits::ADDRESSES) {
            match timeout(within, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Self::over(stream, settings).await,
                Ok(Err(why)) => failed = ConnectError::Refused(why),
                Err(_) => failed = ConnectError::TimedOut,
            }
        }
        Err(failed)
    }

    async fn over(stream: TcpStream, settings: &ConnectionSettings) -> Result<Self, ConnectError> {
        // Options that a socket refuses cost latency, not correctness.
        let _ = stream.set_nodelay(true);
        let _ = socket2::SockRef::from(&stream).set_keepalive(settings.keepalive);
        let stream = Watched::new(stream, settings.timeout).answering();
        let arrived = stream.arrived();
        let mut builder = http1::Builder::new();
        builder
            .title_case_headers(true)
            .max_buf_size(limits::MEMBER_BUFFER)
            .max_headers(limits::HEADER_FIELDS);
        let (sender, driver) = builder
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|why| ConnectError::Refused(io::Error::other(why)))?;
        let driver = tokio::task::spawn_local(async move {
            // How a connection ends is told to the request on it.
            let _ = driver.await;
        });
        Ok(Self { sender, driver, arrived, reused: false })
    }

    /// Is it still open, as far as the system has told?
    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Can it carry a request now? Gives the connection's driver one turn to finish the last exchange.
    pub(crate) async fn is_ready(&mut self) -> bool {
        if !self.sender.is_ready() && self.is_open() {
            tokio::task::yield_now().await;
        }
        self.sender.is_ready() && self.is_open()
    }

    /// Sends a request and waits for the head of the answer, at most `within` after the member was last `active`:
    /// an upload may take as long as it moves.
    pub(crate) async fn exchange(
        &mut self,
        head: &RequestHead,
        body: Body,
        within: Duration,
        active: impl Fn() -> Moment,
    ) -> Result<(AnswerHead, Body), SendError> {
        let Ok(uri) = head.target.parse::<hyper::Uri>() else {
            let why = "the target is no URI".to_owned();
            return Err(SendError { kind: SendErrorKind::ClientBody(why), unsent: Some(body) });
        };
        let mut request = hyper::Request::new(Outgoing(body));
        *request.method_mut() =
            hyper::Method::from_bytes(head.method.as_bytes()).unwrap_or(hyper::Method::GET);
        *request.uri_mut() = uri;
        *request.headers_mut() = map_of(&head.fields);
        let arrived_before = self.arrived.get();
        let mut answering = pin!(self.sender.try_send_request(request));
        let answered = loop {
            let left = active().plus(within).since(clock::now());
            match timeout(left, answering.as_mut()).await {
                Ok(answered) => break answered,
                Err(_) if left.is_zero() => {
                    return Err(SendError { kind: SendErrorKind::TimedOut, unsent: None });
                }
                Err(_) => {}
            }
        };
        match answered {
            Err(mut failed) => {
                let unsent = failed.take_message().map(|request| request.into_body().0);
                let kind = match kind_of(failed.error()) {
                    SendErrorKind::Closed if self.arrived.get() > arrived_before => {
                        SendErrorKind::BadAnswer("it broke off in the head".to_owned())
                    }
                    kind => kind,
                };
                Err(SendError { kind, unsent })
            }
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let refuse = |why: &str| {
                    Err(SendError { kind: SendErrorKind::BadAnswer(why.to_owned()), unsent: None })
                };
                if parts.headers.contains_key("transfer-encoding")
                    && parts.headers.contains_key("content-length")
                {
                    return refuse("it says its length in two ways");
                }
                if parts.status == hyper::StatusCode::SWITCHING_PROTOCOLS {
                    return refuse("it switches protocols unasked");
                }
                let reason = parts.extensions.get::<hyper::ext::ReasonPhrase>();
                let head = AnswerHead {
                    status: parts.status.as_u16(),
                    reason: reason.map(|reason| bytes::Bytes::copy_from_slice(reason.as_bytes())),
                    fields: fields_of(&parts.headers),
                };
                Ok((head, arriving(body)))
            }
        }
    }
}

fn kind_of(error: &hyper::Error) -> SendErrorKind {
    let cause = std::error::Error::source(error);
    let io = cause.and_then(|why| why.downcast_ref::<io::Error>());
    if io.is_some_and(|why| why.kind() == io::ErrorKind::TimedOut) {
        SendErrorKind::NotTaken
    } else if error.is_parse() {
        SendErrorKind::BadAnswer(error.to_string())
    } else if error.is_user() {
        match cause.and_then(|why| why.downcast_ref::<BodyError>()) {
            Some(BodyError::Stalled(why)) => SendErrorKind::ClientStalled(why.clone()),
            _ => SendErrorKind::ClientBody(error.to_string()),
        }
    } else {
        SendErrorKind::Closed
    }
}

/// The usual reason phrase of a status; empty if it has none.
pub(crate) fn usual_reason(status: u16) -> &'static str {
    hyper::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}
