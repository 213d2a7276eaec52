//! Reads the configuration anew while the proxy runs: everything is read, opened and bound first; then all of it takes
//! effect, or, if anything was wrong, nothing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::sentence::and_more;
use evenkeel_protocol::{Code, EventKind, Peer, Refusal, Reloaded};
use tokio::sync::watch;

use crate::access_log::AccessLogs;
use crate::config::{self, AccessLogConfig, Config, Note, ReadOptions};
use crate::heartmonitor::Hearings;
use crate::limits;
use crate::listening::Listening;
use crate::registry::Renewal;
use crate::server::{Proxy, Stop};
use crate::site::{self, Site};

/// Errors of a configuration that are told at once.
const TOLD: usize = 5;

/// Reads the configuration anew.
pub(crate) struct Reloader {
    /// The file, and how it is read; none: there is no file.
    source: Option<(PathBuf, ReadOptions)>,
    proxy: Arc<Proxy>,
    stop: watch::Receiver<Stop>,
    /// Held while it is read: one reading at a time.
    state: Mutex<State>,
}

struct State {
    listening: Listening,
    metrics: Listening,
    /// What the open access logs were opened for.
    written: Vec<AccessLogConfig>,
    /// Access logs of before, on which lines may still be on their way.
    old_logs: Vec<Arc<AccessLogs>>,
    hearings: Hearings,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Reloader {
    /// The proxy listens and writes its logs already.
    pub(crate) fn new(
        source: Option<(PathBuf, ReadOptions)>,
        (proxy, stop): (Arc<Proxy>, watch::Receiver<Stop>),
        ((listening, metrics), written, hearings): ((Listening, Listening), Vec<AccessLogConfig>, Hearings),
    ) -> Self {
        let state = State { listening, metrics, written, old_logs: Vec::new(), hearings };
        Self { source, proxy, stop, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the configuration in effect says.
    pub(crate) fn site(&self) -> Arc<Site> {
        Arc::clone(&self.proxy.site.borrow())
    }

    /// What all worker threads share.
    pub(crate) fn proxy(&self) -> &Arc<Proxy> {
        &self.proxy
    }

    /// The addresses that are listened on.
    pub(crate) fn listen(&self) -> Vec<SocketAddr> {
        self.state().listening.addresses()
    }

    /// Opens the access logs anew, after they were renamed. Returns at once.
    pub(crate) fn reopen_logs(&self) {
        tracing::info!("told to open the access logs anew");
        self.proxy.site.borrow().logs.reopen_handle().reopen();
    }

    /// Reads the configuration anew, on behalf of `by`. It may wait for disks.
    ///
    /// # Errors
    ///
    /// What is wrong; nothing has changed then.
    pub(crate) fn reload(&self, by: Option<Peer>) -> Result<Reloaded, Refusal> {
        // Before the file is read, so that of two at once the one that read last has the last word.
        let mut state = self.state();
        if *self.stop.borrow() != Stop::No {
            let why = "nothing is changed: the proxy is about to end, and takes no new connections any more";
            return Err(Refusal::new(Code::Unavailable, why));
        }
        let outcome = self.read().and_then(|config| self.adopt(&mut state, config, by.clone()));
        drop(state);
        // Not only in its own time, so that many readings in a row do not pile up files and their writers.
        self.sweep();
        outcome.map_err(|why| {
            let reason = clean(&why, limits::REASON);
            tracing::error!("the configuration is not read anew: {reason}");
            let message = format!("nothing is changed: {reason}");
            self.proxy.registry.events().publish(EventKind::ReloadRefused { reason, by });
            Refusal::new(Code::Invalid, message)
        })
    }

    /// The configuration as the file says it now; else why not.
    fn read(&self) -> Result<Config, String> {
        let Some((path, options)) = &self.source else {
            return Err("it stands in no file; start the proxy with -f FILE to read it anew".to_owned());
        };
        config::read(path, options).map_err(|report| {
            let errors: Vec<String> = report.errors.iter().take(TOLD).map(Note::one_line).collect();
            let told = and_more(errors.join("; "), report.errors.len() - errors.len());
            format!("{told}; evenkeel-proxy -t says more")
        })
    }

    /// Puts it into effect; else why it cannot be.
    fn adopt(&self, state: &mut State, mut config: Config, by: Option<Peer>) -> Result<Reloaded, String> {
        let refuse = |why: anyhow::Error| format!("{why:#}");
        let _turn = self.proxy.renewal();
        let before = Arc::clone(&self.proxy.site.borrow());
        let opened = state.listening.open(&config.listen).map_err(refuse)?;
        let metrics = state.metrics.open(&config.metrics_listen).map_err(refuse)?;
        let logs = if state.written == config.access_logs {
            Arc::clone(&before.logs)
        } else {
            Arc::new(site::access_logs(&config).map_err(refuse)?)
        };
        let monitor = &before.heartmonitor;
        let same = *monitor.config() == config.heartbeat;
        let beats = if same {
            None
        } else {
            state.hearings.open(monitor.config(), &config.heartbeat).map_err(refuse)?
        };
        // From here on nothing can fail.
        state.metrics.serve(metrics, &config.metrics_listen);
        state.written.clone_from(&config.access_logs);
        if !Arc::ptr_eq(&logs, &before.logs) {
            state.old_logs.push(Arc::clone(&before.logs));
        }
        let wanted = config.listen.clone();
        let most = config.max_connections.unwrap_or(limits::CLIENT_CONNECTIONS);
        let warnings = config.warnings.iter().map(Note::one_line).collect();
        let listen =
            state.listening.addresses_with(&opened, &wanted).iter().map(ToString::to_string).collect();
        let paths = |index| site::paths(&config.mappings, index);
        let renewal = Renewal { listen, warnings, persist: config.persist, by };
        let (balancers, reloaded) = self.proxy.registry.renew(&mut config.balancers, paths, renewal);
        self.proxy.crowd.resize(most);
        let monitor = if same {
            Arc::clone(monitor)
        } else {
            let (config, registry) = (config.heartbeat.clone(), Arc::clone(&self.proxy.registry));
            state.hearings.hand_over(config, registry, beats)
        };
        let site =
            Arc::new(Site::new(config, balancers, (logs, monitor), Some((&before.manager, &before.access))));
        self.proxy.site.send_replace(Arc::clone(&site));
        // Who asked for it may rely on it from now on.
        if !site.is_adopted_by(state.listening.workers()) {
            tracing::warn!("some worker threads still serve as the configuration said before");
        }
        // Last, so that who comes by a new address is served as the configuration says that has it.
        state.listening.serve(opened, &wanted);
        tracing::info!(
            reloads = reloaded.reloads,
            added = reloaded.added.len(),
            removed = reloaded.removed.len(),
            kept = reloaded.kept.len(),
            dropped = reloaded.dropped.len(),
            absorbed = reloaded.absorbed.len(),
            "the configuration was read anew"
        );
        Ok(reloaded)
    }

    /// Lets go of access logs that nobody writes to any more, which may wait for a disk.
    pub(crate) fn sweep(&self) {
        let unused = |logs: &Arc<AccessLogs>| Arc::strong_count(logs) == 1;
        let ended: Vec<_> = self.state().old_logs.extract_if(.., |logs| unused(logs)).collect();
        drop(ended);
    }
}
