//! A worker thread: its listeners, its connections, what it lends them, and its graceful end.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_protocol::Moment;
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::time::{interval, sleep, timeout};

use crate::access_log::WorkerLogs;
use crate::clock::{self, Dice};
use crate::conversation;
use crate::deadline::Deadlines;
use crate::http::buffer::Spares;
use crate::http::head::Lines;
use crate::limits;
use crate::places::Mailbox;
use crate::pool::Pool;
use crate::server::Proxy;

/// One worker thread's own things.
pub(crate) struct Worker {
    /// Which of the members' counting cells it uses.
    pub(crate) core: usize,
    /// Before the proxy, whose end waits for the last lines.
    pub(crate) logs: RefCell<WorkerLogs>,
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) pool: RefCell<Pool>,
    pub(crate) spares: Rc<Spares>,
    pub(crate) deadlines: Rc<Deadlines>,
    pub(crate) dice: Dice,
    /// The time as of the last thing that happened.
    now: Cell<Moment>,
    lines: RefCell<Vec<Lines>>,
    date: RefCell<(u64, String)>,
    stopping: Cell<bool>,
    /// Is the time over in which connections that were just accepted may send a first request?
    closing: Cell<bool>,
}

/// How often idle connections are looked through.
const SWEEP: Duration = Duration::from_secs(5);
/// How long an access log line may wait.
const LOGS_EVERY: Duration = Duration::from_secs(1);
/// Idle clients that are let go at once where connections are short.
const SHED: usize = 16;
/// Blocks for the lines of heads that a worker keeps.
const LINES_KEPT: usize = 64;

impl Worker {
    fn new(core: usize, proxy: Arc<Proxy>) -> Self {
        Self {
            core,
            logs: RefCell::new(proxy.logs.for_worker()),
            proxy,
            pool: RefCell::new(Pool::new(core)),
            spares: Rc::default(),
            deadlines: Rc::default(),
            dice: Dice::new(),
            now: Cell::new(clock::now()),
            lines: RefCell::default(),
            date: RefCell::default(),
            stopping: Cell::new(false),
            closing: Cell::new(false),
        }
    }

    /// Reads the time.
    pub(crate) fn tick(&self) -> Moment {
        self.now.set(clock::now());
        self.now.get()
    }

    /// The time as of the last request or answer that came, which costs no reading of a clock.
    pub(crate) fn now(&self) -> Moment {
        self.now.get()
    }

    /// Memory for the lines of a head.
    pub(crate) fn take_lines(&self) -> Lines {
        self.lines.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes that memory back.
    pub(crate) fn give_lines(&self, lines: Lines) {
        let mut kept = self.lines.borrow_mut();
        if kept.len() < LINES_KEPT {
            kept.push(lines);
        }
    }

    /// Does something with the time as it stands in a Date field.
    pub(crate) fn with_date(&self, act: impl FnOnce(&[u8])) {
        let second = clock::wall_at(self.now()).0 / 1_000_000;
        let mut date = self.date.borrow_mut();
        if date.0 != second {
            *date = (second, clock::http_date(second));
        }
        act(date.1.as_bytes());
    }

    /// Is the proxy about to end?
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// May a connection wait no longer for a request? `fresh`: it has carried none.
    pub(crate) fn ends_waiting(&self, fresh: bool) -> bool {
        self.stopping.get() && (!fresh || self.closing.get())
    }

    /// Are connections short, so that none should be kept for nothing?
    pub(crate) fn is_pressed(&self) -> bool {
        self.proxy.crowd.is_pressed()
    }

    /// Out of descriptors: lets idle clients and idle connections to members go, here and at the other workers.
    pub(crate) fn relieve(&self) {
        self.deadlines.shed(SHED);
        let mut pool = self.pool.borrow_mut();
        for address in self.proxy.registry.balancers().iter().flat_map(|balancer| balancer.addresses()) {
            pool.clear(address);
        }
        self.proxy.crowd.tell();
    }
}

/// All client connections of the process.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// Who has one of these is served.
    places: Arc<Semaphore>,
    /// Told when somebody waits for a place, or the system has no descriptors left.
    pressed: Notify,
}

impl Crowd {
    pub(crate) fn new(most: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))), pressed: Notify::new() }
    }

    fn is_pressed(&self) -> bool {
        self.places.available_permits() == 0
    }

    fn tell(&self) {
        self.pressed.notify_waiters();
    }
}

/// Serves on `listeners` until `stopping`, then until the requests in flight have ended or their time is over.
pub(crate) async fn work(
    core: usize,
    proxy: Arc<Proxy>,
    listeners: Vec<std::net::TcpListener>,
    mailbox: Mailbox,
    mut stopping: watch::Receiver<bool>,
) {
    let worker = Rc::new(Worker::new(core, proxy));
    // Each connection holds a sender; when all are gone, the receiver is told so.
    let (running, mut ended) = mpsc::channel::<()>(1);
    for listener in listeners {
        match TcpListener::from_std(listener) {
            Ok(listener) => {
                let accepting = accept(Rc::clone(&worker), listener, stopping.clone(), running.clone());
                tokio::task::spawn_local(accepting);
            }
            Err(why) => tracing::error!(%why, "a listener cannot be used"),
        }
    }
    drop(running);
    let keeper = Rc::clone(&worker.deadlines);
    tokio::task::spawn_local(async move { keeper.keep().await });
    tokio::task::spawn_local(sweep(Rc::clone(&worker)));
    tokio::task::spawn_local(shed(Rc::clone(&worker)));
    if !worker.logs.borrow().is_empty() {
        tokio::task::spawn_local(hand_over_logs(Rc::clone(&worker)));
    }
    tokio::task::spawn_local(give_up_places(Rc::clone(&worker), mailbox));
    // A sender that is gone means that the proxy ends as well.
    let _ = stopping.wait_for(|stop| *stop).await;
    worker.stopping.set(true);
    worker.deadlines.wake_all();
    let closing = async {
        // A connection that was accepted may have its first request on the way; it is not turned away.
        sleep(limits::FIRST_REQUEST_WITHIN).await;
        worker.closing.set(true);
        worker.deadlines.wake_all();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        () = closing => {}
        over = timeout(limits::STOP_WITHIN, ended.recv()) => {
            if over.is_err() {
                tracing::warn!("requests are still in flight and are cut off");
            }
        }
    }
}

async fn sweep(worker: Rc<Worker>) {
    let mut ticks = interval(SWEEP);
    loop {
        ticks.tick().await;
        worker.spares.trim();
        // Corrects what the time of day is thought to be from the monotonic clock.
        clock::wall();
        let now = clock::now();
        for balancer in worker.proxy.registry.balancers() {
            for address in balancer.addresses() {
                worker.pool.borrow_mut().sweep(address, now);
            }
        }
    }
}

/// Lines must not wait for their buffer to be full.
async fn hand_over_logs(worker: Rc<Worker>) {
    let mut ticks = interval(LOGS_EVERY);
    loop {
        ticks.tick().await;
        worker.logs.borrow_mut().tick();
    }
}

/// Lets idle clients go whenever connections are short.
async fn shed(worker: Rc<Worker>) {
    loop {
        worker.proxy.crowd.pressed.notified().await;
        worker.deadlines.shed(SHED);
    }
}

/// Closes idle connections to members whose places other workers need.
async fn give_up_places(worker: Rc<Worker>, mut mailbox: Mailbox) {
    while let Some((balancer, member)) = mailbox.recv().await {
        let address =
            worker.proxy.registry.balancers().get(balancer).and_then(|it| it.addresses().get(member));
        if let Some(address) = address {
            worker.pool.borrow_mut().give_up(address);
        }
    }
}

async fn accept(
    worker: Rc<Worker>,
    listener: TcpListener,
    stopping: watch::Receiver<bool>,
    running: mpsc::Sender<()>,
) {
    let mut told = stopping;
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => begin(&worker, stream, peer, &running).await,
                Err(why) => pause(&worker, &why).await,
            }
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
        let (worker, running) = (Rc::clone(&worker), running.clone());
        tokio::task::spawn_local(async move {
            conversation::converse(worker, stream, peer).await;
            drop(running);
        });
    }
}

/// Serves a client, once there is a place for it; idle ones make room.
async fn begin(worker: &Rc<Worker>, stream: TcpStream, peer: SocketAddr, running: &mpsc::Sender<()>) {
    let crowd = &worker.proxy.crowd;
    let place = match Arc::clone(&crowd.places).try_acquire_owned() {
        Ok(place) => place,
        Err(_) => loop {
            worker.deadlines.shed(1);
            crowd.tell();
            let waiting = Arc::clone(&crowd.places).acquire_owned();
            match timeout(limits::WAIT_STEP, waiting).await {
                Ok(Ok(place)) => break place,
                // Never closed.
                Ok(Err(_)) => return,
                Err(_) => {}
            }
        },
    };
    let (worker, running) = (Rc::clone(worker), running.clone());
    tokio::task::spawn_local(async move {
        conversation::converse(worker, stream, peer).await;
        drop((place, running));
    });
}

/// No connection could be accepted: without a pause this would spin.
async fn pause(worker: &Worker, why: &io::Error) {
    let short = Errno::from_io_error(why).is_some_and(is_shortage);
    if short {
        worker.relieve();
    }
    if worker.proxy.crowd_warned.is_due() {
        tracing::warn!(%why, "cannot accept a connection{}", if short { "; idle ones are let go" } else { "" });
    }
    sleep(limits::ACCEPT_PAUSE).await;
}

/// Does the system lack what a connection needs?
pub(crate) fn is_shortage(why: Errno) -> bool {
    matches!(why, Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
}
