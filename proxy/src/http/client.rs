//! The end towards members: opens a connection, sends a request over it, reads the answer's head.
//!
//! What failed is told in terms that decide whether the request may be repeated: was anything of it sent?

use std::cell::Cell;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use evenkeel_protocol::Moment;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wire::{Outgoing, arriving, fields_of, map_of};
use super::{AnswerHead, Body, RequestHead};
use crate::{clock, limits};

/// A connection to a member that can carry one request at a time.
pub(crate) struct Connection {
    sender: SendRequest<Outgoing>,
    /// Has it carried a request before?
    pub(crate) reused: bool,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectError {
    TimedOut,
    Refused(std::io::Error),
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
    /// The client's own body broke.
    ClientBody(String),
}

impl Connection {
    /// Connects to the first of `addresses` that accepts, within `within` for all of them.
    pub(crate) async fn open(
        addresses: &[SocketAddr],
        within: Duration,
        tcp_keepalive: bool,
    ) -> Result<Self, ConnectError> {
        let connect = async {
            let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "it has no address");
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(stream) => return Ok(stream),
                    Err(why) => last = why,
                }
            }
            Err(last)
        };
        let stream = match timeout(within, connect).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => return Err(ConnectError::Refused(why)),
            Err(_) => return Err(ConnectError::TimedOut),
        };
        // Options that a socket refuses cost latency, not correctness.
        let _ = stream.set_nodelay(true);
        let _ = socket2::SockRef::from(&stream).set_keepalive(tcp_keepalive);
        let mut builder = http1::Builder::new();
        builder
            .title_case_headers(true)
            .max_buf_size(limits::MEMBER_BUFFER)
            .max_headers(limits::HEADER_FIELDS);
        let (sender, driver) = builder
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|why| ConnectError::Refused(std::io::Error::other(why)))?;
        tokio::task::spawn_local(async move {
            // How a connection ends is told to the request on it.
            let _ = driver.await;
        });
        Ok(Self { sender, reused: false })
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

    /// Sends a request and waits for the head of the answer, at most `within` after the member was last active:
    /// an upload may take as long as it moves.
    pub(crate) async fn exchange(
        &mut self,
        head: &RequestHead,
        body: Body,
        within: Duration,
        active: &Cell<Moment>,
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
        let mut answering = pin!(self.sender.try_send_request(request));
        let answered = loop {
            let left = active.get().plus(within).since(clock::now());
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
                Err(SendError { kind: kind_of(failed.error()), unsent })
            }
            Ok(response) => {
                let (parts, body) = response.into_parts();
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
    if error.is_parse() {
        SendErrorKind::BadAnswer(error.to_string())
    } else if error.is_user() {
        SendErrorKind::ClientBody(error.to_string())
    } else {
        SendErrorKind::Closed
    }
}

/// The usual reason phrase of a status; empty if it has none.
pub(crate) fn usual_reason(status: u16) -> &'static str {
    hyper::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}
