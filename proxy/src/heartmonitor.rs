//! Hears heartbeats and hands them to the balancers, as httpd's `mod_heartmonitor` does: by datagram, by POST to the
//! handler, and from the file that another process writes.
//!
//! | file | what |
//! | --- | --- |
//! | `message.rs` | what a heartbeat says: text of strangers |
//! | `table.rs` | who was heard lately |
//! | `listener.rs` | the socket, and the pace at which it is read |
//! | `storage.rs` | the file |
//! | `handler.rs` | the POST |
//! | `silence.rs` | balancers that hear nobody |
//!
//! Who may elect whom, and when a beat is too old, is the core's affair.

mod handler;
mod listener;
mod message;
mod silence;
mod storage;
mod table;

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use evenkeel_balancer::Beat;
use evenkeel_protocol::{HeardBy, Moment};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::{self, Pacer};
use crate::config::HeartbeatConfig;
use crate::limits;
use crate::registry::Registry;

pub(crate) use handler::post;
pub(crate) use listener::{Listener, open};
use message::{Bad, Message};
use silence::Silence;
use storage::{Contents, Storage};
use table::{Full, Table};

/// How often it is looked who has gone silent, and whether another process wrote the file.
const TURN: Duration = Duration::from_secs(1);
/// The file is written in every so many turns: each five seconds, as by httpd.
const WRITTEN_EVERY: u64 = 5;

/// Why a heartbeat is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error(
        "nobody there may send heartbeats: it is the address of no member; HeartbeatAllow lets others in"
    )]
    Stranger,
    #[error("as many servers are remembered as HeartbeatMaxServers allows; raise it")]
    Full,
    #[error("the message is malformed: {0}")]
    Malformed(Bad),
}

/// Refusals of one kind: counted, and told at most once in ten seconds, whatever comes.
#[derive(Debug, Default)]
struct Complaint {
    count: AtomicU64,
    pacer: Pacer,
}

impl Complaint {
    /// Counts one more; how many there were since the last time, if it is time to tell.
    fn count(&self) -> Option<u64> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.pacer.is_due().then(|| self.count.swap(0, Ordering::Relaxed))
    }
}

/// Hears for all balancers.
#[derive(Debug)]
pub(crate) struct Heartmonitor {
    registry: Arc<Registry>,
    config: HeartbeatConfig,
    storage: PathBuf,
    table: Mutex<Table>,
    /// The addresses of members, who may send unless the configuration says who else.
    members: RwLock<HashSet<IpAddr>>,
    strangers: Complaint,
    overflow: Complaint,
    malformed: Complaint,
    /// When it was last told that the file cannot be used.
    storage_told: Pacer,
}

impl Heartmonitor {
    /// Hears nothing yet. The file, if it is relative, stands in `folder`.
    pub(crate) fn new(config: HeartbeatConfig, registry: Arc<Registry>, folder: &Path) -> Self {
        let bound = if config.reads_storage { None } else { config.max_servers };
        let monitor = Self {
            storage: folder.join(&config.storage),
            table: Mutex::new(Table::new(bound.unwrap_or(limits::HEARTBEAT_SERVERS))),
            registry,
            config,
            members: RwLock::default(),
            strangers: Complaint::default(),
            overflow: Complaint::default(),
            malformed: Complaint::default(),
            storage_told: Pacer::default(),
        };
        monitor.learn_members();
        monitor
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A table is whole between any two of its methods.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks anew who the members are: a reload may have changed them.
    fn learn_members(&self) {
        let balancers = self.registry.balancers();
        let addresses = balancers.iter().flat_map(|balancer| balancer.addresses());
        let found = addresses.filter_map(|address| address.name.host().parse::<IpAddr>().ok());
        let found = found.map(|address| address.to_canonical()).collect();
        *self.members.write().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// May heartbeats come from that address? Where nothing is configured, from those of members.
    fn is_allowed(&self, source: IpAddr) -> bool {
        match &self.config.allow {
            Some(networks) => networks.iter().any(|network| network.contains(source)),
            None => self.members.read().unwrap_or_else(PoisonError::into_inner).contains(&source),
        }
    }

    /// Notes what somebody said of itself; [`Self::hand_on`] then tells the balancers.
    fn take(&self, source: IpAddr, message: Message, by: HeardBy) -> Result<(), Refused> {
        let Message { port, ready, busy } = message;
        let beat = Beat { address: source, port, ready, busy, by, age: Duration::ZERO };
        self.table().put(&beat, clock::now()).map_err(|Full| Refused::Full)
    }

    /// A datagram came. Strangers are turned away before anything of it is read.
    fn datagram(&self, bytes: &[u8], from: IpAddr) {
        let from = from.to_canonical();
        let taken = if self.is_allowed(from) {
            let read = message::datagram(bytes).map_err(Refused::Malformed);
            read.and_then(|message| self.take(from, message, HeardBy::Datagram))
        } else {
            Err(Refused::Stranger)
        };
        if let Err(why) = taken {
            self.complain(from, why);
        }
    }

    /// Says that heartbeats are refused, but not of each.
    fn complain(&self, from: IpAddr, why: Refused) {
        let complaint = match why {
            Refused::Stranger => &self.strangers,
            Refused::Full => &self.overflow,
            Refused::Malformed(_) => &self.malformed,
        };
        if let Some(count) = complaint.count() {
            tracing::warn!(%from, count, "heartbeats are refused, the last because {why}");
        }
    }

    /// Tells the balancers what came since the last time.
    fn hand_on(&self) {
        let now = clock::now();
        let beats = self.table().take_fresh(now);
        self.tell(&beats, now);
    }

    fn tell(&self, beats: &[Beat], now: Moment) {
        if beats.is_empty() {
            return;
        }
        for balancer in self.registry.balancers().iter() {
            balancer.beat(beats, now);
        }
    }

    /// Takes up what stands in the file. Nobody is refused: who may write it is up to the system.
    fn take_up(&self, contents: &Contents, path: &Path) {
        let now = clock::now();
        let mut full = false;
        {
            let mut table = self.table();
            for beat in &contents.beats {
                full |= table.put(beat, now).is_err();
            }
        }
        if full && self.overflow.count().is_some() {
            tracing::warn!(path = %path.display(), most = limits::HEARTBEAT_SERVERS,
                "the file of HeartbeatStorage has more servers than are remembered");
        }
        if contents.refused > 0 && self.malformed.count().is_some() {
            tracing::warn!(path = %path.display(), lines = contents.refused,
                "lines of the file of HeartbeatStorage are malformed");
        }
        self.hand_on();
    }
}

/// Where it is said who is to hear, and from which socket.
#[derive(Debug)]
pub(crate) struct Hearings {
    /// For the file of heartbeats.
    folder: PathBuf,
    listener: Option<Listener>,
    door: mpsc::UnboundedSender<Hearing>,
}

impl Hearings {
    /// The first that hears is `monitor`; the other end is for [`run`].
    ///
    /// # Errors
    ///
    /// The system has no descriptors left.
    pub(crate) fn new(
        folder: &Path,
        monitor: Arc<Heartmonitor>,
        listener: Option<Listener>,
    ) -> io::Result<(Self, mpsc::UnboundedReceiver<Hearing>)> {
        let (door, hearings) = mpsc::unbounded_channel();
        let used = listener.as_ref().map(Listener::again).transpose()?;
        // Nobody is there to refuse it yet.
        let _ = door.send((monitor, used));
        Ok((Self { folder: folder.to_owned(), listener, door }, hearings))
    }

    /// Opens what the configuration wants to be listened on: nothing new if that is unchanged.
    ///
    /// # Errors
    ///
    /// It cannot be opened.
    pub(crate) fn open(
        &self,
        before: &HeartbeatConfig,
        wanted: &HeartbeatConfig,
    ) -> anyhow::Result<Option<Listener>> {
        match (&self.listener, wanted.listen) {
            (Some(known), Some(_)) if before.listen == wanted.listen => Ok(Some(known.again()?)),
            (_, wanted) => wanted.map(open).transpose(),
        }
    }

    /// Has another one hear, from that socket.
    pub(crate) fn hand_over(
        &mut self,
        config: HeartbeatConfig,
        registry: Arc<Registry>,
        listener: Option<Listener>,
    ) -> Arc<Heartmonitor> {
        let monitor = Arc::new(Heartmonitor::new(config, registry, &self.folder));
        // Without a descriptor for a second one, the next change opens it anew.
        self.listener = listener.as_ref().and_then(|listener| listener.again().ok());
        // A control thread that is gone means that the proxy ends.
        let _ = self.door.send((Arc::clone(&monitor), listener));
        monitor
    }
}

/// Who is to hear from now on, and from which socket.
pub(crate) type Hearing = (Arc<Heartmonitor>, Option<Listener>);

/// Has whoever came last hear; runs on the control thread.
pub(crate) async fn run(mut hearings: mpsc::UnboundedReceiver<Hearing>) {
    let Some(mut hearing) = hearings.recv().await else { return };
    loop {
        tokio::select! {
            next = hearings.recv() => match next {
                Some(next) => hearing = next,
                None => return,
            },
            () = hear(hearing.0.clone(), hearing.1.take()) => {}
        }
    }
}

/// Hears until it is dropped.
async fn hear(monitor: Arc<Heartmonitor>, listener: Option<Listener>) {
    let mut parts = JoinSet::new();
    if let Some(listener) = listener {
        parts.spawn_local(listener::listen(Arc::clone(&monitor), listener));
    }
    if monitor.config.reads_storage {
        parts.spawn_local(keep_file(Arc::clone(&monitor)));
    }
    let mut silence = Silence::default();
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        monitor.learn_members();
        let now = clock::now();
        let beats = {
            let mut table = monitor.table();
            table.forget(now);
            table.all(now)
        };
        // Balancers that a reload has made know nothing yet; the others learn nothing from this.
        monitor.tell(&beats, now);
        silence.look(&monitor.registry, now);
    }
}

/// Reads the file whenever another process may have written it, and writes it if it is ours to write. Away from the
/// control thread, because a disk may block.
async fn keep_file(monitor: Arc<Heartmonitor>) {
    let writes = monitor.config.writes_storage();
    let mut storage = Storage::new(monitor.storage.clone());
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for turn in 0_u64.. {
        turns.tick().await;
        let reading = move || {
            // Its own file is no news to who writes it; httpd's lbmethod, which does not, believes what stands there
            // however old the file is.
            let contents = if writes { storage.read_news() } else { storage.read() };
            (storage, contents)
        };
        let Ok((read, contents)) = tokio::task::spawn_blocking(reading).await else { return };
        storage = read;
        match contents {
            Ok(contents) => monitor.take_up(&contents, storage.path()),
            Err(why) => monitor.tell_storage(storage.path(), ("read", &why)),
        }
        if writes && turn % WRITTEN_EVERY == 0 {
            let beats = monitor.table().all(clock::now());
            let writing = move || {
                let outcome = storage.write(&beats);
                (storage, outcome)
            };
            let Ok((written, outcome)) = tokio::task::spawn_blocking(writing).await else { return };
            storage = written;
            if let Err(why) = outcome {
                monitor.tell_storage(storage.path(), ("written", &why));
            }
        }
    }
}

impl Heartmonitor {
    fn tell_storage(&self, path: &Path, (what, why): (&str, &io::Error)) {
        if self.storage_told.is_due() {
            tracing::warn!(path = %path.display(), %why, "the file of HeartbeatStorage cannot be {what}");
        }
    }

    /// What it was configured with.
    pub(crate) fn config(&self) -> &HeartbeatConfig {
        &self.config
    }

    /// Is anything listened for? Without it the handler refuses, as in httpd.
    fn listens(&self) -> Option<SocketAddr> {
        self.config.listen
    }
}
