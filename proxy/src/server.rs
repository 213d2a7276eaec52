//! Starts everything in order and stops it in reverse. A start that fails leaves nothing behind.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use evenkeel_protocol::{EventKind, Hello, INTERFACE};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::watch;

use crate::accept::{self, Crowd};
use crate::access_log::{AccessLogs, Condition, LogFormat, ReopenHandle};
use crate::answer::ErrorDocuments;
use crate::clock::Pacer;
use crate::config::{self, Config, Fence, LogCondition};
use crate::conversation::{Pace, Serving};
use crate::header::Forwarding;
use crate::http::head::ScanLimits;
use crate::journal::Journal;
use crate::mapping::{Mapping, Mappings, Target};
use crate::places::Mailboxes;
use crate::registry::Registry;
use crate::reversal::Reversal;
use crate::rundir::RunDir;
use crate::{admin, clock, limits, probe};

/// What is not in the configuration.
#[derive(Debug, Clone, Default)]
pub struct StartOptions {
    /// The configuration's path as people know it; names the run folder if none is given.
    pub configuration: PathBuf,
    /// The folder for the admin socket and the state.
    pub run_dir: Option<PathBuf>,
    /// Worker threads; none: as many as the processors that the process may use.
    pub threads: Option<u16>,
}

/// What every worker thread shares.
pub(crate) struct Proxy {
    pub(crate) mappings: Mappings,
    /// Paths that are answered 503, whatever they are mapped to.
    pub(crate) fences: Vec<Fence>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) forwarding: Forwarding,
    pub(crate) reversals: Vec<Reversal>,
    pub(crate) serving: Serving,
    pub(crate) error_documents: ErrorDocuments,
    pub(crate) crowd: Crowd,
    /// When it was last said that connections are short.
    pub(crate) crowd_warned: Pacer,
    /// When it was last said that a client speaks TLS.
    pub(crate) tls_warned: Pacer,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) logs: AccessLogs,
    pub(crate) site: Site,
}

/// What the site calls itself in logs.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) name: String,
    pub(crate) port: u16,
}

/// A proxy that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    listen: Vec<SocketAddr>,
    registry: Arc<Registry>,
    logs: ReopenHandle,
    run_dir: RunDir,
    stop: watch::Sender<bool>,
    /// Told only after the workers have ended, so that operators see the end from inside.
    end_control: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    control: Option<JoinHandle<()>>,
}

impl Running {
    /// The addresses it listens on, with the ports that the system chose.
    pub fn listen(&self) -> &[SocketAddr] {
        &self.listen
    }

    /// Where its admin socket stands.
    pub fn admin_socket(&self) -> PathBuf {
        self.run_dir.socket()
    }

    /// Opens the access logs anew, after they were renamed. Returns at once.
    pub fn reopen_logs(&self) {
        tracing::info!("told to open the access logs anew");
        self.logs.reopen();
    }

    /// Takes no new connections, lets requests in flight end within a bounded time, and returns when all is over.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if self.workers.is_empty() && self.control.is_none() {
            return;
        }
        self.registry.events().publish(EventKind::Stopping);
        self.stop.send_replace(true);
        for worker in self.workers.drain(..) {
            if worker.join().is_err() {
                tracing::error!("a worker thread had ended in a panic");
            }
        }
        self.end_control.send_replace(true);
        if self.control.take().is_some_and(|control| control.join().is_err()) {
            tracing::error!("the control thread had ended in a panic");
        }
        self.run_dir.clear();
        tracing::info!("ended");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts a proxy and returns once it accepts connections.
///
/// # Errors
///
/// An address that cannot be listened on, a run folder that is not ours, or threads that the system refuses.
pub fn start(config: Config, options: &StartOptions) -> anyhow::Result<Running> {
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
    let (listen, listeners) = match listen(&config.listen, threads) {
        Ok(bound) => bound,
        Err(why) => {
            run_dir.discard();
            return Err(why);
        }
    };
    let logs = match access_logs(&config) {
        Ok(logs) => logs,
        Err(why) => {
            run_dir.discard();
            return Err(why);
        }
    };
    // Last, so that a start that fails before leaves no socket behind.
    let admin = run_dir.bind()?;
    admin.set_nonblocking(true)?;
    let (mailboxes, received) = Mailboxes::new(threads);
    let proxy = Arc::new(assemble(config, (&listen, &configuration), &run_dir, (mailboxes, logs)));

    // Before anybody can ask or edit, so that it is the first event.
    proxy.registry.events().publish(EventKind::Started);
    let (stop, stopping) = watch::channel(false);
    let (end_control, ending) = watch::channel(false);
    let mut running = Running {
        listen,
        registry: Arc::clone(&proxy.registry),
        logs: proxy.logs.reopen_handle(),
        run_dir,
        stop,
        end_control,
        workers: Vec::new(),
        control: None,
    };
    for (core, (listeners, mailbox)) in listeners.into_iter().zip(received).enumerate() {
        let (proxy, stopping) = (Arc::clone(&proxy), stopping.clone());
        let work = move || accept::work(core, proxy, listeners, mailbox, stopping);
        running.workers.push(thread(&format!("worker-{core}"), work)?);
    }
    // Last: who gets an answer from the admin interface finds everything up.
    running.control = Some(control(admin, Arc::clone(&proxy.registry), ending)?);
    for address in running.listen() {
        tracing::info!(%address, threads, "listening");
    }
    tracing::info!(socket = %running.admin_socket().display(), "admin interface ready");
    Ok(running)
}

fn assemble(
    config: Config,
    (listen, configuration): (&[SocketAddr], &Path),
    run_dir: &RunDir,
    (mailboxes, logs): (Mailboxes, AccessLogs),
) -> Proxy {
    let cores = mailboxes.workers();
    let (serving, site) = (serving(&config), site(&config));
    let hello = Hello {
        product: "evenkeel-proxy".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        interface: INTERFACE,
        pid: std::process::id(),
        configuration: configuration.display().to_string(),
        listen: listen.iter().map(ToString::to_string).collect(),
        started: clock::wall(),
    };
    let members = |name: &str| {
        let balancer = config.balancers.iter().find(|balancer| balancer.name.as_str() == name);
        balancer.map_or_else(Vec::new, |it| it.members.iter().map(|(member, _)| member.to_string()).collect())
    };
    let reversals = config.reverses.iter().map(|reverse| Reversal::new(reverse, members)).collect();
    let paths = |index| {
        let leads_there =
            |mapping: &&Mapping| matches!(mapping.target, Target::Balancer { index: it, .. } if it == index);
        config.mappings.iter().filter(leads_there).map(|mapping| mapping.path.clone()).collect()
    };
    let journal = Journal::open(run_dir.path(), &config.balancers);
    let registry = Registry::new(config.balancers, paths, cores, hello, journal);
    Proxy {
        mappings: Mappings::new(config.mappings),
        fences: config.fences,
        registry: Arc::new(registry),
        forwarding: Forwarding {
            server_name: config.server_name,
            preserve_host: config.preserve_host,
            add_headers: config.add_headers,
            via: config.via,
            expect: config.continue_100,
        },
        reversals,
        serving,
        error_documents: config.error_documents,
        crowd: Crowd::new(config.max_connections.unwrap_or(limits::CLIENT_CONNECTIONS)),
        crowd_warned: Pacer::default(),
        tls_warned: Pacer::default(),
        mailboxes,
        logs,
        site,
    }
}

/// The access logs that the configuration wants.
fn access_logs(config: &Config) -> anyhow::Result<AccessLogs> {
    let logs = config.access_logs.iter().map(|log| {
        let format = LogFormat::parse(&log.format).map_err(anyhow::Error::msg)?;
        let condition = log.condition.as_ref().map(|condition| match condition {
            LogCondition::Set(variable) => Condition::new(variable.clone(), false),
            LogCondition::Unset(variable) => Condition::new(variable.clone(), true),
        });
        Ok((log.path.clone(), format, condition))
    });
    AccessLogs::open(logs.collect::<anyhow::Result<_>>()?)
}

/// The name and port of `ServerName`; without one httpd asks the system for its name.
fn site(config: &Config) -> Site {
    let named = config.server_name.clone().unwrap_or_else(|| {
        rustix::system::uname().nodename().to_str().map_or_else(|_| "localhost".to_owned(), str::to_owned)
    });
    let (name, port) = match named.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (named.as_str(), None),
    };
    Site { name: name.to_owned(), port: port.unwrap_or(80) }
}

/// How clients are treated, with what is unlimited in the configuration under bounds of ours.
fn serving(config: &Config) -> Serving {
    let pace = |pace: Option<config::Pace>| match pace {
        Some(pace) => Pace { first: pace.first, most: pace.most, rate: pace.min_rate },
        None => Pace { first: limits::UNPACED, most: None, rate: None },
    };
    let bytes = |most: u64| if most == 0 { u64::MAX } else { most };
    let asked = &config.request_limits;
    Serving {
        keep_alive: config.keep_alive,
        requests: config.max_keep_alive_requests,
        keep_alive_timeout: config.keep_alive_timeout,
        timeout: config.timeout,
        head: pace(config.read_timeouts.header),
        body: pace(config.read_timeouts.body),
        lines: ScanLimits { first: asked.line, line: asked.field_size, bare: false },
        head_bytes: limits::HEAD_BYTES.max(asked.line.saturating_add(asked.field_size)),
        fields: if asked.fields == 0 { limits::HEADER_FIELDS } else { asked.fields },
        bodies: config.body_limits.iter().map(|(path, most)| (path.clone(), bytes(*most))).collect(),
        body_bytes: bytes(asked.body),
    }
}

/// Binds each address once for each worker thread.
///
/// The first socket is exclusive until it listens, so that an address on which another process listens is refused even
/// if that process shares it, or starts at the same time; only then the address is opened for the siblings.
fn listen(
    addresses: &[SocketAddr],
    threads: usize,
) -> anyhow::Result<(Vec<SocketAddr>, Vec<Vec<TcpListener>>)> {
    let mut listeners: Vec<Vec<TcpListener>> = (0..threads).map(|_| Vec::new()).collect();
    let mut bound = Vec::new();
    for address in addresses {
        let refuse = |why: std::io::Error| {
            anyhow::anyhow!(
                "cannot listen on {address}: {why}; free the address, or change Listen in the configuration"
            )
        };
        let first = first_socket(*address).map_err(refuse)?;
        first.listen(limits::LISTEN_QUEUE).map_err(refuse)?;
        first.set_reuse_port(true).map_err(refuse)?;
        let actual = first.local_addr()?.as_socket().unwrap_or(*address);
        let mut sockets = vec![first];
        for _ in 1..threads {
            let sibling = socket(actual, true).map_err(refuse)?;
            sibling.listen(limits::LISTEN_QUEUE).map_err(refuse)?;
            sockets.push(sibling);
        }
        for (own, socket) in listeners.iter_mut().zip(sockets) {
            own.push(socket.into());
        }
        bound.push(actual);
    }
    Ok((bound, listeners))
}

/// `Listen PORT` means every address of both families, or of the one that the system has.
fn first_socket(address: SocketAddr) -> std::io::Result<Socket> {
    match socket(address, false) {
        Err(why)
            if address.ip() == Ipv6Addr::UNSPECIFIED
                && Errno::from_io_error(&why) == Some(Errno::AFNOSUPPORT) =>
        {
            socket((Ipv4Addr::UNSPECIFIED, address.port()).into(), false)
        }
        outcome => outcome,
    }
}

fn socket(address: SocketAddr, shared: bool) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // Inherited by the connections that are accepted.
    socket.set_tcp_nodelay(true)?;
    // What a slow client has not taken waits at the member, not in this system's memory.
    #[cfg(target_os = "linux")]
    socket.set_tcp_notsent_lowat(limits::UNSENT)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// The thread of everything that is no request: admin interface, health checks, and the first look-up of members' names.
fn control(
    admin: std::os::unix::net::UnixListener,
    registry: Arc<Registry>,
    ending: watch::Receiver<bool>,
) -> anyhow::Result<JoinHandle<()>> {
    thread("control", move || async move {
        let Ok(listener) = tokio::net::UnixListener::from_std(admin) else {
            tracing::error!("the admin socket cannot be used");
            return;
        };
        for balancer in registry.balancers() {
            tokio::task::spawn_local(look_up(Arc::clone(balancer)));
        }
        tokio::task::spawn_local(probe::run(Arc::clone(&registry), ending.clone()));
        admin::serve(listener, registry, ending).await;
    })
}

/// Looks up the members' names, so that a name that does not resolve is known before a client meets it.
async fn look_up(balancer: Arc<crate::registry::LiveBalancer>) {
    for address in balancer.addresses() {
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
