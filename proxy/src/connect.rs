//! A connection to a member for a request that cannot have an idle one at once.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_balancer::FailureKind;
use rustix::io::Errno;
use tokio::time::{sleep, timeout};

use crate::accept::{Worker, is_shortage};
use crate::address::Address;
use crate::exchange::Failed;
use crate::http::stream::Stream;
use crate::limits;
use crate::places::{Place, Taken};
use crate::pool::Connection;

/// A new connection, or one that became idle while this request waited for its place.
pub(crate) async fn connect(
    worker: &Rc<Worker>,
    address: &Arc<Address>,
    fresh: bool,
) -> Result<Connection, Failed> {
    let place = match &address.limit {
        None => None,
        Some(limit) => match limit.take(worker, address, fresh).await? {
            Taken::Connection(connection) => return Ok(connection),
            Taken::Place(place) => Some(place),
        },
    };
    open(worker, address, place, patience(address)).await
}

/// A new connection in the place of one that was idle for longer than the member's `ping`: a member that is there takes
/// it within that time.
pub(crate) async fn renew(
    worker: &Rc<Worker>,
    address: &Arc<Address>,
    mut old: Connection,
) -> Result<Connection, Failed> {
    let place = old.place.take();
    drop(old);
    let most = patience(address);
    open(worker, address, place, address.connection.ping.map_or(most, |ping| ping.min(most))).await
}

/// How long a connection may take.
fn patience(address: &Address) -> Duration {
    address.connection.connectiontimeout.unwrap_or(address.connection.timeout)
}

/// Opens a connection.
async fn open(
    worker: &Rc<Worker>,
    address: &Arc<Address>,
    place: Option<Place>,
    within: Duration,
) -> Result<Connection, Failed> {
    let refused = |why: &io::Error| {
        // What this system lacks is not held against the member.
        let ours = Errno::from_io_error(why).is_some_and(is_shortage);
        Failed::unsent(
            if ours { FailureKind::Full } else { FailureKind::Connect },
            &format!("no connection: {why}"),
        )
    };
    let late = || Failed::unsent(FailureKind::ConnectTimeout, &format!("no connection within {within:?}"));
    if let Some(path) = address.name.unix_path() {
        let connecting = with_relief(worker, || Stream::connect_unix(path));
        let stream = timeout(within, connecting).await.map_err(|_| late())?.map_err(|why| refused(&why))?;
        return Ok(Connection::new(stream, place));
    }
    let addresses = match timeout(within, address.resolve()).await {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(why)) => return Err(Failed::unsent(FailureKind::Unresolved, &why)),
        Err(_) => {
            let why = format!("the name {} was not looked up within {within:?}", address.name.host());
            return Err(Failed::unsent(FailureKind::Unresolved, &why));
        }
    };
    let mut failed = Failed::unsent(FailureKind::Connect, "it has no address");
    for socket in addresses.iter().take(limits::ADDRESSES) {
        let connecting = with_relief(worker, || Stream::connect_tcp(*socket, address.connection.keepalive));
        match timeout(within, connecting).await {
            Ok(Ok(stream)) => return Ok(Connection::new(stream, place)),
            Ok(Err(why)) => failed = refused(&why),
            Err(_) => failed = late(),
        }
    }
    Err(failed)
}

/// Connects; where the system lacks descriptors, idle connections are let go and it is tried again.
async fn with_relief<F: Future<Output = io::Result<Stream>>>(
    worker: &Rc<Worker>,
    connect: impl Fn() -> F,
) -> io::Result<Stream> {
    for _ in 0..limits::RELIEFS {
        match connect().await {
            Err(why) if Errno::from_io_error(&why).is_some_and(is_shortage) => {
                worker.relieve();
                sleep(limits::ACCEPT_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
    connect().await
}
