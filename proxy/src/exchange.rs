//! One attempt with one member: a connection, the request, the head of the answer.
//!
//! A failure is told as facts (kind, how much was sent, over what connection); what follows from them is the core's
//! verdict.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use evenkeel_balancer::{FailureKind, Lease, Sent};
use evenkeel_protocol::clean::clean;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::accept::Worker;
use crate::http::client::{ConnectError, Connection, SendError, SendErrorKind};
use crate::http::{AnswerHead, Body, Fields, Method, Remaining, RequestHead};
use crate::registry::Address;
use crate::upload::Progress;
use crate::{clock, limits};

/// A request on its way to members.
pub(crate) struct Outbound {
    pub(crate) method: Method,
    /// Path and query behind the member's own path.
    pub(crate) target: String,
    /// Without Host, which differs from member to member unless it is preserved.
    pub(crate) fields: Fields,
    /// The Host line to send; none: the member's own.
    pub(crate) host: Option<String>,
    /// Taken by the attempt that begins to send it.
    pub(crate) body: Option<Body>,
    pub(crate) upload: Rc<Progress>,
    /// Can it be sent again as a whole, because there is no body?
    pub(crate) repeatable: bool,
}

/// What a member answered.
pub(crate) struct Answered {
    pub(crate) head: AnswerHead,
    pub(crate) body: Body,
    pub(crate) connection: Connection,
    /// Its place among the requests that the member takes at once.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

/// The facts of a failed attempt.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) kind: FailureKind,
    pub(crate) sent: Sent,
    pub(crate) reused: bool,
    /// In a sentence, cleaned.
    pub(crate) reason: String,
}

impl Failed {
    fn unsent(kind: FailureKind, reason: &str) -> Self {
        Self { kind, sent: Sent::Nothing, reused: false, reason: clean(reason, limits::TEXT) }
    }
}

/// Tries the member that `lease` holds; `fresh` asks for a connection that has carried nothing yet.
pub(crate) async fn attempt(
    worker: &Worker,
    address: &Address,
    lease: &Lease,
    request: &mut Outbound,
    fresh: bool,
) -> Result<Answered, Failed> {
    let permit = permit(address).await?;
    let mut connection = match idle(worker, address, fresh).await {
        Some(connection) => connection,
        None => connect(address).await?,
    };
    lease.connected();
    let reused = connection.reused;
    let body = request.body.take().unwrap_or(Body::Empty);
    let head = head_for(address, request, body.remaining());
    let meter = lease.meter();
    meter.sent(head.wire_length());
    request.upload.begin(meter.clone());
    let upload = Rc::clone(&request.upload);
    match connection.exchange(&head, body, address.connection.timeout, || upload.last()).await {
        Ok((head, body)) => Ok(Answered { head, body, connection, permit }),
        Err(failed) => {
            if failed.unsent.is_some() {
                meter.unsent(head.wire_length());
            }
            Err(facts(request, failed, reused))
        }
    }
}

/// A place among the requests that may be on their way to the member at once (`max`, `acquire`).
async fn permit(address: &Address) -> Result<Option<OwnedSemaphorePermit>, Failed> {
    let Some(permits) = &address.permits else { return Ok(None) };
    let waiting = Arc::clone(permits).acquire_owned();
    let granted = match address.connection.acquire {
        Some(within) => timeout(within, waiting).await.ok(),
        None => Some(waiting.await),
    };
    match granted {
        Some(Ok(permit)) => Ok(Some(permit)),
        // The semaphore is never closed, so only the time can be over.
        _ => Err(Failed::unsent(FailureKind::Full, "it has as many requests as max allows")),
    }
}

async fn idle(worker: &Worker, address: &Address, fresh: bool) -> Option<Connection> {
    if fresh || address.connection.disablereuse {
        return None;
    }
    loop {
        let mut connection =
            worker.pool.borrow_mut().take(address.slot, address.connection.ttl, clock::now())?;
        if connection.is_ready().await {
            return Some(connection);
        }
    }
}

async fn connect(address: &Address) -> Result<Connection, Failed> {
    let within = address.connection.connectiontimeout.unwrap_or(address.connection.timeout);
    let addresses = match timeout(within, address.resolve()).await {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(why)) => return Err(Failed::unsent(FailureKind::Unresolved, &why)),
        Err(_) => {
            let why = format!("the name {} was not looked up within {within:?}", address.name.host());
            return Err(Failed::unsent(FailureKind::Unresolved, &why));
        }
    };
    Connection::open(addresses, &address.connection).await.map_err(|why| match why {
        ConnectError::TimedOut => {
            Failed::unsent(FailureKind::ConnectTimeout, &format!("no connection within {within:?}"))
        }
        ConnectError::Refused(why) => Failed::unsent(FailureKind::Connect, &format!("no connection: {why}")),
    })
}

/// The request as this member gets it: Host first and Connection last, as httpd sends them.
fn head_for(address: &Address, request: &Outbound, body: Remaining) -> RequestHead {
    let mut fields = Fields::with_capacity(request.fields.len() + 2);
    let host = match &request.host {
        Some(host) => Bytes::copy_from_slice(host.as_bytes()),
        None => Bytes::copy_from_slice(address.name.authority().as_bytes()),
    };
    fields.push("host", host);
    for (name, value) in request.fields.iter() {
        fields.push(name.clone(), value.clone());
    }
    if body == Remaining::Unknown {
        fields.push("transfer-encoding", "chunked");
    }
    fields.push("connection", if address.connection.disablereuse { "close" } else { "Keep-Alive" });
    RequestHead {
        method: request.method.clone(),
        target: join(address.name.path(), &request.target),
        authority: None,
        http_1_1: true,
        fields,
    }
}

/// The member's own path and the request's, with no slash doubled between them.
fn join(base: &str, target: &str) -> String {
    if target.starts_with('/') {
        format!("{}{target}", base.strip_suffix('/').unwrap_or(base))
    } else if base.is_empty() {
        format!("/{target}")
    } else {
        format!("{base}{target}")
    }
}

fn facts(request: &mut Outbound, failed: SendError, reused: bool) -> Failed {
    let sent = match failed.unsent {
        Some(body) => {
            request.body = Some(body);
            Sent::Nothing
        }
        None => Sent::Something,
    };
    let (kind, reason) = match failed.kind {
        SendErrorKind::Closed => {
            (FailureKind::Closed, "it closed the connection without an answer".to_owned())
        }
        SendErrorKind::TimedOut => (FailureKind::ReadTimeout, "it did not answer in time".to_owned()),
        SendErrorKind::BadAnswer(why) => (FailureKind::BadAnswer, format!("its answer is no HTTP: {why}")),
        SendErrorKind::NotTaken => {
            (FailureKind::SendTimeout, "it did not take the request in time".to_owned())
        }
        SendErrorKind::ClientStalled(why) => (FailureKind::ClientTimeout, why),
        SendErrorKind::ClientBody(why) => {
            (FailureKind::Client, format!("the client's request broke off: {why}"))
        }
    };
    Failed { kind, sent, reused, reason: clean(&reason, limits::TEXT) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_members_path_stands_before_the_requests() {
        for (base, target, joined) in [
            ("", "/x?y", "/x?y"),
            ("", "", "/"),
            ("", "?q", "/?q"),
            ("/", "/x", "/x"),
            ("/base", "/x", "/base/x"),
            ("/base/", "/x", "/base/x"),
            ("/base", "", "/base"),
            ("/base/", "", "/base/"),
            ("/base", "x", "/basex"),
        ] {
            assert_eq!(join(base, target), joined, "{base:?} {target:?}");
        }
    }
}
