//! A worker thread: its listeners, its connections, what it lends them, and its graceful end.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_protocol::Moment;
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{interval, sleep, timeout};

use crate::clock::{self, Dice};
use crate::conversation;
use crate::deadline::Deadlines;
use crate::http::buffer::Spares;
use crate::http::head::Lines;
use crate::limits;
use crate::listening::Listener;
use crate::places::Mailbox;
use crate::pool::Pool;
use crate::server::{Proxy, Stop};
use crate::site::{Site, WorkerSite};

/// One worker thread's own things.
pub(crate) struct Worker {
    /// Which of the members' counting cells it uses.
    pub(crate) core: usize,
    pub(crate) proxy: Arc<Proxy>,
    /// What the configuration says now.
    site: RefCell<Rc<WorkerSite>>,
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
        let site = Arc::clone(&proxy.site.borrow());
        site.adopted();
        Self {
            core,
            proxy,
            site: RefCell::new(Rc::new(WorkerSite::new(site))),
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

    /// What the configuration says now.
    pub(crate) fn site(&self) -> Rc<WorkerSite> {
        Rc::clone(&self.site.borrow())
    }

    /// Makes `site` what the configuration says now.
    pub(crate) fn refresh(&self, site: &mut Rc<WorkerSite>) {
        if !self.is_current(site) {
            *site = self.site();
        }
    }

    /// Does the configuration still say what it said there?
    pub(crate) fn is_current(&self, site: &Rc<WorkerSite>) -> bool {
        Rc::ptr_eq(&self.site.borrow(), site)
    }

    /// The configuration was read anew: requests from now on are served as `next` says.
    fn adopt(&self, next: Arc<Site>) {
        if self.site.borrow().is(&next) {
            // It began with it.
            return;
        }
        let before = self.site.replace(Rc::new(WorkerSite::new(next)));
        before.logs.borrow_mut().tick();
        let mut pool = self.pool.borrow_mut();
        for address in before.balancers.iter().flat_map(|balancer| balancer.addresses()) {
            if address.is_retired() {
                pool.clear(address);
            }
        }
        self.site.borrow().adopted();
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
        for address in self.site().balancers.iter().flat_map(|balancer| balancer.addresses()) {
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
    /// How many there are to be.
    most: Mutex<usize>,
    /// How many are to go as soon as they are free.
    owed: AtomicUsize,
    /// Told when somebody waits for a place, or the system has no descriptors left.
    pressed: Notify,
}

impl Crowd {
    pub(crate) fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(most));
        Self { places, most: Mutex::new(most), owed: AtomicUsize::new(0), pressed: Notify::new() }
    }

    /// There are to be as many places from now on; who has one keeps it.
    pub(crate) fn resize(&self, most: usize) {
        let most = most.min(Semaphore::MAX_PERMITS);
        let mut current = self.most.lock().unwrap_or_else(PoisonError::into_inner);
        if most < *current {
            let surplus = *current - most;
            let free = self.places.forget_permits(surplus);
            self.owed.fetch_add(surplus - free, Ordering::AcqRel);
        } else {
            let mut more = most - *current;
            while more > 0 && self.take_owed() {
                more -= 1;
            }
            self.places.add_permits(more);
        }
        *current = most;
    }

    /// One less to go.
    fn take_owed(&self) -> bool {
        let less = |owed: usize| owed.checked_sub(1);
        self.owed.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).is_ok()
    }

    /// Takes a place back.
    fn leave(&self, place: OwnedSemaphorePermit) {
        if self.take_owed() {
            place.forget();
        }
    }

    fn is_pressed(&self) -> bool {
        self.places.available_permits() == 0
    }

    fn tell(&self) {
        self.pressed.notify_waiters();
    }
}

/// What a connection holds until it ends.
pub(crate) struct Seat {
    /// None: it was accepted when nobody waits for places any more.
    place: Option<OwnedSemaphorePermit>,
    pub(crate) worker: Rc<Worker>,
    /// The worker ends when nobody has one of these.
    _running: mpsc::Sender<()>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.worker.proxy.crowd.leave(place);
        }
    }
}

/// Serves on the listeners that come until `stopping`, then until the requests in flight have ended or their time is
/// over.
pub(crate) async fn work(
    core: usize,
    proxy: Arc<Proxy>,
    (mut listeners, mailbox): (mpsc::UnboundedReceiver<Listener>, Mailbox),
    mut stopping: watch::Receiver<Stop>,
) {
    // Before the worker looks at the site, so that none is missed.
    let sites = proxy.site.subscribe();
    let worker = Rc::new(Worker::new(core, proxy));
    // Each connection holds a sender; when all are gone, the receiver is told so.
    let (running, mut ended) = mpsc::channel::<()>(1);
    tokio::task::spawn_local(adopt(Rc::clone(&worker), sites));
    tokio::task::spawn_local(rouse(Rc::clone(&worker)));
    let keeper = Rc::clone(&worker.deadlines);
    tokio::task::spawn_local(async move { keeper.keep().await });
    tokio::task::spawn_local(sweep(Rc::clone(&worker)));
    tokio::task::spawn_local(shed(Rc::clone(&worker)));
    tokio::task::spawn_local(hand_over_logs(Rc::clone(&worker)));
    tokio::task::spawn_local(give_up_places(Rc::clone(&worker), mailbox));
    let mut told = stopping.clone();
    let listening = async {
        while let Some(listener) = listeners.recv().await {
            listen(&worker, listener, &stopping, &running);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = listening => {}
        // A sender that is gone means that the proxy ends as well.
        _ = told.wait_for(|stop| *stop != Stop::No) => {}
    }
    // What a reload opened at this very moment is refused, and not left waiting.
    drop(listeners);
    drop(running);
    worker.stopping.set(true);
    worker.deadlines.wake_all();
    let closing = async {
        // A connection that was accepted may have its first request on the way; it is not turned away.
        sleep(limits::FIRST_REQUEST_WITHIN).await;
        worker.closing.set(true);
        worker.deadlines.wake_all();
        std::future::pending::<()>().await;
    };
    let patience = async {
        let _ = stopping.wait_for(|stop| *stop == Stop::Soon).await;
        sleep(limits::STOP_WITHIN).await;
    };
    tokio::select! {
        biased;
        () = closing => {}
        _ = ended.recv() => {}
        () = patience => tracing::warn!("requests are still in flight and are cut off"),
    }
}

/// Accepts on one more address.
fn listen(
    worker: &Rc<Worker>,
    listener: Listener,
    stopping: &watch::Receiver<Stop>,
    running: &mpsc::Sender<()>,
) {
    let Listener { socket, closing } = listener;
    match TcpListener::from_std(socket) {
        Ok(socket) => {
            let accepting = accept(Rc::clone(worker), (socket, closing), stopping.clone(), running.clone());
            tokio::task::spawn_local(accepting);
        }
        Err(why) => tracing::error!(%why, "a listener cannot be used"),
    }
}

/// Serves as the configuration says that was read last.
async fn adopt(worker: Rc<Worker>, mut sites: watch::Receiver<Arc<Site>>) {
    while sites.changed().await.is_ok() {
        let next = Arc::clone(&sites.borrow_and_update());
        worker.adopt(next);
    }
}

/// Has every request look whether it is to end, whenever one was cut.
async fn rouse(worker: Rc<Worker>) {
    let mut roused = worker.proxy.registry.roused();
    while roused.changed().await.is_ok() {
        worker.deadlines.wake_all();
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
        for address in worker.site().balancers.iter().flat_map(|balancer| balancer.addresses()) {
            worker.pool.borrow_mut().sweep(address, now);
        }
    }
}

/// Lines must not wait for their buffer to be full.
async fn hand_over_logs(worker: Rc<Worker>) {
    let mut ticks = interval(LOGS_EVERY);
    loop {
        ticks.tick().await;
        worker.site().logs.borrow_mut().tick();
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
    while let Some(address) = mailbox.recv().await {
        worker.pool.borrow_mut().give_up(&address);
    }
}

async fn accept(
    worker: Rc<Worker>,
    (listener, mut closing): (TcpListener, watch::Receiver<bool>),
    stopping: watch::Receiver<Stop>,
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
        _ = told.wait_for(|stop| *stop != Stop::No) => {}
        _ = closing.wait_for(|closing| *closing) => {}
    }
    // Connections that the system has accepted already must not be reset by closing the listener.
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, peer)) = listener.accept() {
        let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) else {
            continue;
        };
        let seat = Seat { place: None, worker: Rc::clone(&worker), _running: running.clone() };
        tokio::task::spawn_local(conversation::converse(seat, stream, peer));
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
    let seat = Seat { place: Some(place), worker: Rc::clone(worker), _running: running.clone() };
    tokio::task::spawn_local(conversation::converse(seat, stream, peer));
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
