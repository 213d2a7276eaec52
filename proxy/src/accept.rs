//! A worker thread: its listeners, its connections, its idle pool, and its graceful end.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{interval, sleep, timeout};

use crate::handle::{self, Client};
use crate::http::server::{self, ServerSettings};
use crate::pool::Pool;
use crate::server::Proxy;
use crate::{clock, limits};

/// One worker thread's own things.
pub(crate) struct Worker {
    /// Which of the members' counting cells it uses.
    pub(crate) core: usize,
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) pool: RefCell<Pool>,
}

/// How often idle connections are looked through.
const SWEEP: Duration = Duration::from_secs(5);

/// Serves on `listeners` until `stopping`, then until the requests in flight have ended or their time is over.
pub(crate) async fn work(
    core: usize,
    proxy: Arc<Proxy>,
    listeners: Vec<std::net::TcpListener>,
    places: Arc<Semaphore>,
    mut stopping: watch::Receiver<bool>,
) {
    let worker = Rc::new(Worker { core, proxy, pool: RefCell::default() });
    // Each connection holds a sender; when all are gone, the receiver is told so.
    let (running, mut ended) = mpsc::channel::<()>(1);
    for listener in listeners {
        match TcpListener::from_std(listener) {
            Ok(listener) => {
                let accepting = accept(
                    Rc::clone(&worker),
                    listener,
                    Arc::clone(&places),
                    stopping.clone(),
                    running.clone(),
                );
                tokio::task::spawn_local(accepting);
            }
            Err(why) => tracing::error!(%why, "a listener cannot be used"),
        }
    }
    drop(running);
    tokio::task::spawn_local(sweep(Rc::clone(&worker)));
    // A sender that is gone means that the proxy ends as well.
    let _ = stopping.wait_for(|stop| *stop).await;
    if timeout(limits::STOP_WITHIN, ended.recv()).await.is_err() {
        tracing::warn!("requests are still in flight and are cut off");
    }
}

async fn sweep(worker: Rc<Worker>) {
    let ttls: Vec<Option<Duration>> = worker
        .proxy
        .registry
        .balancers()
        .iter()
        .flat_map(|balancer| balancer.addresses().iter().map(|address| address.connection.ttl))
        .collect();
    let mut ticks = interval(SWEEP);
    loop {
        ticks.tick().await;
        worker.pool.borrow_mut().sweep(|slot| ttls.get(slot).copied().flatten(), clock::now());
    }
}

async fn accept(
    worker: Rc<Worker>,
    listener: TcpListener,
    places: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
    running: mpsc::Sender<()>,
) {
    let mut told = stopping.clone();
    let accepting = async {
        loop {
            // The semaphore is never closed; further clients wait in the listener's queue.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(why) => {
                    // Out of descriptors, most likely: without a pause this would spin.
                    tracing::warn!(%why, "cannot accept a connection");
                    sleep(limits::WAIT_STEP).await;
                    continue;
                }
            };
            let connection = converse(Rc::clone(&worker), stream, peer, stopping.clone());
            let running = running.clone();
            tokio::task::spawn_local(async move {
                connection.await;
                drop((place, running));
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = told.wait_for(|stop| *stop) => {}
    }
    // Connections that the system has accepted already must not be reset by closing the listener.
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, peer)) = listener.accept() {
        let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) else {
            continue;
        };
        let connection = converse(Rc::clone(&worker), stream, peer, stopping.clone());
        let running = running.clone();
        tokio::task::spawn_local(async move {
            connection.await;
            drop(running);
        });
    }
}

async fn converse(worker: Rc<Worker>, stream: TcpStream, peer: SocketAddr, stopping: watch::Receiver<bool>) {
    // An option that a socket refuses costs latency, not correctness.
    let _ = stream.set_nodelay(true);
    let settings: ServerSettings = worker.proxy.serving.clone();
    let client = Rc::new(Client { address: peer.ip() });
    let handler = Rc::new(move |head, body| {
        let (worker, client) = (Rc::clone(&worker), Rc::clone(&client));
        async move { handle::handle(worker, &client, head, body).await }
    });
    if let Err(why) = server::serve(stream, &settings, stopping, handler).await {
        tracing::debug!(client = %peer.ip(), why, "a client's connection broke");
    }
}
