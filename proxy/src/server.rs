//! Starts everything in order and stops it in reverse. A start that fails leaves nothing behind.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use evenkeel_protocol::{EventKind, Hello, INTERFACE};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{mpsc, watch};

use crate::accept::{self, Crowd};
use crate::access_log::AccessLogs;
use crate::admin::Doors;
use crate::clock::Pacer;
use crate::config::{Config, ReadOptions};
use crate::drains::{self, Drains};
use crate::heartmonitor::{self, Hearing, Hearings, Heartmonitor};
use crate::inherited::Inherited;
use crate::journal::Journal;
use crate::listening::{Listener, Listening, Opened};
use crate::places::{Mailbox, Mailboxes};
use crate::registry::{Registry, Roster, unwritten};
use crate::reload::Reloader;
use crate::rundir::RunDir;
use crate::service::{self, Stands};
use crate::site::{self, Site};
use crate::{admin, clock, history, limits, measured, probe};

/// How often it is looked for what a configuration of before has left.
const SWEEP: Duration = Duration::from_secs(5);

/// The admin socket, and the one that only lets look.
type Sockets = [std::os::unix::net::UnixListener; 2];

/// What is not in the configuration.
#[derive(Debug, Clone, Default)]
pub struct StartOptions {
    /// The configuration's path as people know it; names the run folder if none is given.
    pub configuration: PathBuf,
    /// How that file was read, so that it can be read anew in the same way; none: it stands in no file.
    pub reading: Option<ReadOptions>,
    /// The folder for the admin socket and the state.
    pub run_dir: Option<PathBuf>,
    /// Worker threads; none: as many as the processors that the process may use.
    pub threads: Option<u16>,
    /// What a service manager listens on for the proxy.
    pub inherited: Arc<Inherited>,
}

/// What every worker thread shares, whatever the configuration.
pub(crate) struct Proxy {
    /// What the configuration says now.
    pub(crate) site: watch::Sender<Arc<Site>>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) crowd: Crowd,
    /// When it was last said that connections are short.
    pub(crate) crowd_warned: Pacer,
    /// When it was last said that a client speaks TLS.
    pub(crate) tls_warned: Pacer,
    pub(crate) mailboxes: Mailboxes,
    /// The number of worker threads.
    pub(crate) workers: usize,
    /// Held while another site is made.
    renewal: Mutex<()>,
}

impl Proxy {
    /// Keeps everybody else from making another site.
    pub(crate) fn renewal(&self) -> MutexGuard<'_, ()> {
        self.renewal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is the proxy to end?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    No,
    /// After the requests in flight, however long they take.
    Patiently,
    /// After the requests in flight, within a bounded time.
    Soon,
}

/// A proxy that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    reloader: Arc<Reloader>,
    registry: Arc<Registry>,
    drains: Arc<Drains>,
    run_dir: RunDir,
    stop: watch::Sender<Stop>,
    /// Told only after the workers have ended, so that operators see the end from inside.
    end_control: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    control: Option<JoinHandle<()>>,
}

/// Ends a proxy that is ending patiently within a bounded time.
#[derive(Debug, Clone)]
pub struct Hurry(watch::Sender<Stop>);

impl Hurry {
    /// Cuts off, after a while, what is in flight.
    pub fn up(&self) {
        self.0.send_replace(Stop::Soon);
    }
}

/// Reads the configuration of a proxy anew.
#[derive(Debug, Clone)]
pub struct Reload(Arc<Reloader>);

impl Reload {
    /// Opens the access logs anew, after they were renamed, and reads the configuration anew. One that cannot be read
    /// changes nothing; the log says why. It may wait for disks.
    pub fn now(&self) {
        service::tell(Stands::Reloading);
        self.0.reopen_logs();
        // Told where it happens.
        let _ = self.0.reload(None);
        service::tell(Stands::Ready);
    }
}

impl Running {
    /// The addresses it listens on, with the ports that the system chose.
    pub fn listen(&self) -> Vec<SocketAddr> {
        self.reloader.listen()
    }

    /// Where its admin socket stands.
    pub fn admin_socket(&self) -> PathBuf {
        self.run_dir.socket()
    }

    /// What reads the configuration anew.
    pub fn reload(&self) -> Reload {
        Reload(Arc::clone(&self.reloader))
    }

    /// What hurries an end that waits for the requests in flight.
    pub fn hurry(&self) -> Hurry {
        Hurry(self.stop.clone())
    }

    /// Takes no new connections, lets requests in flight end within a bounded time, and returns when all is over.
    pub fn stop(mut self) {
        self.end(Stop::Soon);
    }

    /// The same, however long the requests in flight take.
    pub fn stop_patiently(mut self) {
        self.end(Stop::Patiently);
    }

    fn end(&mut self, how: Stop) {
        if self.workers.is_empty() && self.control.is_none() {
            return;
        }
        self.registry.events().publish(EventKind::Stopping);
        self.stop.send_if_modified(|stop| {
            let begins = *stop == Stop::No;
            if begins {
                *stop = how;
            }
            begins
        });
        for worker in self.workers.drain(..) {
            if worker.join().is_err() {
                tracing::error!("a worker thread had ended in a panic");
            }
        }
        self.end_control.send_replace(true);
        if self.control.take().is_some_and(|control| control.join().is_err()) {
            tracing::error!("the control thread had ended in a panic");
        }
        self.drains.close();
        // The last events are on their way to the audit files.
        let _ = self.registry.events().is_audited(self.registry.events().last());
        self.run_dir.clear();
        tracing::info!("ended");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(Stop::Soon);
    }
}

/// Starts a proxy and returns once it accepts connections.
///
/// # Errors
///
/// An address that cannot be listened on, a run folder that is not ours, or threads that the system refuses.
pub fn start(mut config: Config, options: &StartOptions) -> anyhow::Result<Running> {
    let threads = match options.threads {
        Some(threads) => usize::from(threads),
        // Respects affinity and control groups.
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    // One name a configuration, however it is spelled; the demo's stands in no file.
    let configuration = match options.configuration.canonicalize() {
        Ok(path) => path,
        Err(_) => std::path::absolute(&options.configuration)?,
    };
    let run_dir = options.run_dir.clone().unwrap_or_else(|| RunDir::default_for(&configuration));
    let run_dir = RunDir::take(&run_dir)?;
    let (doors, listeners): (Vec<_>, Vec<_>) = (0..threads).map(|_| mpsc::unbounded_channel()).unzip();
    let mut listening = Listening::new("Listen", doors, Arc::clone(&options.inherited));
    let (door, metrics_door) = mpsc::unbounded_channel();
    let mut metrics = Listening::new("MetricsListen", vec![door], Arc::clone(&options.inherited));
    let (opened, logs, beats) = match open(&config, (&listening, &mut metrics)) {
        Ok(opened) => opened,
        Err(why) => {
            run_dir.discard();
            return Err(why);
        }
    };
    listening.serve(opened, &config.listen);
    options.inherited.warn_of_idle(&[&config.listen[..], &config.metrics_listen[..]].concat());
    // Last, so that a start that fails before leaves no socket behind.
    let admin = [run_dir.bind()?, run_dir.bind_for_reading()?];
    for socket in &admin {
        socket.set_nonblocking(true)?;
    }
    let (mailboxes, received) = Mailboxes::new(threads);
    let journal = Journal::open(run_dir.path(), &mut config.balancers, config.persist);
    let hello = hello(&configuration, &listening);
    let paths = |index| site::paths(&config.mappings, index);
    let registry = Arc::new(Registry::new(&config.balancers, paths, (threads, hello), journal));
    let most = config.max_connections.unwrap_or(limits::CLIENT_CONNECTIONS);
    let written = config.access_logs.clone();
    let monitor = Heartmonitor::new(config.heartbeat.clone(), Arc::clone(&registry), run_dir.path());
    let monitor = Arc::new(monitor);
    let (hearing, hearings) = Hearings::new(run_dir.path(), Arc::clone(&monitor), beats)?;
    let site = Arc::new(Site::new(config, registry.balancers(), (Arc::new(logs), monitor), None));
    let proxy = Arc::new(Proxy {
        site: watch::Sender::new(Arc::clone(&site)),
        registry: Arc::clone(&registry),
        crowd: Crowd::new(most),
        crowd_warned: Pacer::default(),
        tls_warned: Pacer::default(),
        mailboxes,
        workers: threads,
        renewal: Mutex::default(),
    });
    let source = options.reading.clone().map(|reading| (options.configuration.clone(), reading));
    let stop = watch::Sender::new(Stop::No);
    let shared = (Arc::clone(&proxy), stop.subscribe());
    let reloader = Arc::new(Reloader::new(source, shared, ((listening, metrics), written, hearing)));
    let drains = Arc::new(Drains::open(Arc::clone(&registry), run_dir.path()));
    let running = Running {
        reloader,
        registry,
        drains,
        run_dir,
        stop,
        end_control: watch::Sender::new(false),
        workers: Vec::new(),
        control: None,
    };
    let inlets = Inlets { admin, hearings, metrics: metrics_door };
    launch(running, &proxy, listeners.into_iter().zip(received), inlets)
}

/// Takes hold of everything outside that may be refused: addresses, logs, the socket for heartbeats.
fn open(
    config: &Config,
    (listening, metrics): (&Listening, &mut Listening),
) -> anyhow::Result<(Opened, AccessLogs, Option<heartmonitor::Listener>)> {
    let opened = listening.open(&config.listen)?;
    let beats = config.heartbeat.listen.map(heartmonitor::open).transpose()?;
    let logs = site::access_logs(config)?;
    // Nobody accepts there before the control thread runs.
    metrics.serve(metrics.open(&config.metrics_listen)?, &config.metrics_listen);
    Ok((opened, logs, beats))
}

/// What the proxy says of itself.
fn hello(configuration: &Path, listening: &Listening) -> Hello {
    let started = clock::wall();
    Hello {
        product: "evenkeel-proxy".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        interface: INTERFACE,
        pid: std::process::id(),
        configuration: configuration.display().to_string(),
        listen: listening.addresses().iter().map(ToString::to_string).collect(),
        started,
        loaded: started,
        reloads: 0,
        untold: Vec::new(),
    }
}

/// Where something comes in to the control thread.
struct Inlets {
    admin: Sockets,
    hearings: mpsc::UnboundedReceiver<Hearing>,
    /// Listeners of `MetricsListen`.
    metrics: mpsc::UnboundedReceiver<Listener>,
}

/// Starts the threads.
fn launch(
    mut running: Running,
    proxy: &Arc<Proxy>,
    workers: impl Iterator<Item = (mpsc::UnboundedReceiver<Listener>, Mailbox)>,
    inlets: Inlets,
) -> anyhow::Result<Running> {
    for (core, (listeners, mailbox)) in workers.enumerate() {
        let (proxy, stopping) = (Arc::clone(proxy), running.stop.subscribe());
        let work = move || accept::work(core, proxy, (listeners, mailbox), stopping);
        running.workers.push(thread(&format!("worker-{core}"), work)?);
    }
    // Last: who gets an answer from the admin interface finds everything up.
    let doors = Doors {
        registry: Arc::clone(&running.registry),
        reloader: Arc::clone(&running.reloader),
        drains: Arc::clone(&running.drains),
        refusals: Arc::default(),
    };
    let ending = running.end_control.subscribe();
    running.control = Some(control(inlets, doors, ending)?);
    for address in running.listen() {
        tracing::info!(%address, threads = running.workers.len(), "listening");
    }
    tracing::info!(socket = %running.admin_socket().display(), "admin interface ready");
    Ok(running)
}

/// The thread of everything that is no request: admin interface, health checks, and the
/// first look-up of members' names. Where processors are short it gets a tenth of what a worker gets, which is more than
/// it needs: on the same processor, requests waited up to half a millisecond for each look at a thousand members.
fn control(
    Inlets { admin, hearings, metrics }: Inlets,
    doors: Doors,
    ending: watch::Receiver<bool>,
) -> anyhow::Result<JoinHandle<()>> {
    thread("control", move || async move {
        if let Err(why) = rustix::process::nice(limits::CONTROL_NICE) {
            tracing::debug!(%why, "what is no request is as urgent as requests");
        }
        let [Ok(writing), Ok(reading)] = admin.map(tokio::net::UnixListener::from_std) else {
            tracing::error!("the admin socket cannot be used");
            return;
        };
        tokio::task::spawn_local(look_up(doors.registry.balancers()));
        tokio::task::spawn_local(sweep(Arc::clone(&doors.reloader)));
        tokio::task::spawn_local(heartmonitor::run(hearings));
        tokio::task::spawn_local(admin::metrics::run(
            metrics,
            (Arc::clone(&doors.registry), Arc::clone(&doors.drains)),
        ));
        tokio::task::spawn_local(unwritten::run(Arc::clone(&doors.registry)));
        tokio::task::spawn_local(history::run(Arc::clone(&doors.registry)));
        tokio::task::spawn_local(measured::run(Arc::clone(&doors.registry)));
        tokio::task::spawn_local(probe::run(Arc::clone(&doors.registry), ending.clone()));
        tokio::task::spawn_local(drains::run(Arc::clone(&doors.drains)));
        admin::serve((writing, reading), doors, ending).await;
    })
}

/// Lets go from time to time of what the configuration of before needed.
async fn sweep(reloader: Arc<Reloader>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        let reloader = Arc::clone(&reloader);
        // It may wait for a disk.
        let _ = tokio::task::spawn_blocking(move || reloader.sweep()).await;
    }
}

/// Looks up the members' names, so that a name that does not resolve is known before a client meets it.
async fn look_up(balancers: Roster) {
    let all = balancers.iter().flat_map(|it| it.addresses().iter().map(move |address| (it, address)));
    // Of a socket nobody looks up the name behind it.
    for (balancer, address) in all.filter(|(_, address)| address.name.unix_path().is_none()) {
        if let Err(why) = address.resolve().await {
            tracing::warn!(balancer = %balancer.name, member = %address.name, why,
                "a member's name does not resolve; it is looked up again when a request elects the member");
        }
    }
}

/// A thread with a runtime of its own, which is up when this returns.
fn thread<F: Future<Output = ()>>(
    name: &str,
    work: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<JoinHandle<()>> {
    let (ready, waiting) = std::sync::mpsc::sync_channel(1);
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let runtime: std::io::Result<LocalRuntime> =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        match runtime {
            Ok(runtime) => {
                // The starter may have given up meanwhile; the work then ends by itself.
                let _ = ready.send(Ok(()));
                runtime.block_on(work());
                runtime.shutdown_background();
            }
            Err(why) => {
                let _ = ready.send(Err(why));
            }
        }
    })?;
    waiting.recv()??;
    Ok(spawned)
}
