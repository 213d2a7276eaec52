//! What one reading of the configuration says, as the worker threads use it. It is never changed: when the
//! configuration is read anew, the next one takes its place, whole.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::access::Access;
use crate::access_log::{AccessLogs, Condition, LogFormat, WorkerLogs};
use crate::answer::ErrorDocuments;
use crate::config::{self, Config, Fence, Handler, Handlers, LogCondition};
use crate::conversation::{Pace, Serving};
use crate::header::Forwarding;
use crate::header_rules::HeaderRules;
use crate::heartmonitor::Heartmonitor;
use crate::http::head::ScanLimits;
use crate::limits;
use crate::manager::Manager;
use crate::mapping::{self, Mapping, Mappings, Target};
use crate::registry::Roster;
use crate::reversal::Reversal;

/// One reading of the configuration.
pub(crate) struct Site {
    /// What it says, with the members that were added at run time.
    pub(crate) config: Config,
    /// By the numbers that mappings lead to.
    pub(crate) balancers: Roster,
    pub(crate) mappings: Mappings,
    /// Paths that are answered 503, whatever they are mapped to.
    pub(crate) fences: Vec<Fence>,
    pub(crate) forwarding: Forwarding,
    pub(crate) reversals: Vec<Reversal>,
    pub(crate) header_rules: HeaderRules,
    pub(crate) serving: Serving,
    pub(crate) error_documents: ErrorDocuments,
    pub(crate) logs: Arc<AccessLogs>,
    pub(crate) heartmonitor: Arc<Heartmonitor>,
    pub(crate) manager: Manager,
    handlers: Handlers,
    pub(crate) access: Access,
    /// What it calls itself in logs.
    pub(crate) name: String,
    /// As in logs.
    pub(crate) port: u16,
    /// How many worker threads serve as it says.
    adopted: Mutex<usize>,
    adoption: Condvar,
}

/// Where a path leads.
pub(crate) enum Lead<'a> {
    /// It means one thing here and perhaps another to a member; the reason, as a sentence.
    Refused(&'static str),
    /// The fence that covers it, and the balancer behind that.
    Fenced(&'a Fence, Option<usize>),
    /// To the handler heartbeat.
    Heartmonitor,
    /// To the manager page.
    Manager,
    /// No line fits, or one with `!`.
    Nowhere,
    /// To a balancer.
    To(mapping::Found<'a>),
}

/// A site in the hands of one worker thread.
pub(crate) struct WorkerSite {
    /// Before the site, whose end waits for the last lines.
    pub(crate) logs: RefCell<WorkerLogs>,
    site: Arc<Site>,
}

impl WorkerSite {
    /// For the worker thread that calls.
    pub(crate) fn new(site: Arc<Site>) -> Self {
        Self { logs: RefCell::new(site.logs.for_worker()), site }
    }

    /// All of it, for who is no worker thread.
    pub(crate) fn whole(&self) -> &Arc<Site> {
        &self.site
    }

    /// Is it that one?
    pub(crate) fn is(&self, site: &Arc<Site>) -> bool {
        Arc::ptr_eq(&self.site, site)
    }
}

impl Deref for WorkerSite {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Site {
    /// What `config` says; its balancers, access logs and heartmonitor are there already. `before` is what lasts of the
    /// configuration before.
    pub(crate) fn new(
        config: Config,
        balancers: Roster,
        (logs, heartmonitor): (Arc<AccessLogs>, Arc<Heartmonitor>),
        before: Option<(&Manager, &Access)>,
    ) -> Self {
        let (name, port) = name(&config);
        let manager = Manager::new(&config, (&name, port), before.map(|(manager, _)| manager));
        Self::of(config, balancers, (logs, heartmonitor), (manager, before.map(|(_, access)| access)))
    }

    /// The same with its manager pages; `before` are the rules of before.
    pub(crate) fn of(
        config: Config,
        balancers: Roster,
        (logs, heartmonitor): (Arc<AccessLogs>, Arc<Heartmonitor>),
        (manager, before): (Manager, Option<&Access>),
    ) -> Self {
        let (serving, (name, port)) = (serving(&config), name(&config));
        let written = config.clone();
        let members = |name: &str| {
            let balancer = config.balancers.iter().find(|balancer| balancer.name.as_str() == name);
            balancer
                .map_or_else(Vec::new, |it| it.members.iter().map(|(member, _)| member.to_string()).collect())
        };
        let reversals = config.reverses.iter().map(|reverse| Reversal::new(reverse, members)).collect();
        Self {
            config: written,
            balancers,
            mappings: Mappings::new(config.mappings),
            fences: config.fences,
            forwarding: Forwarding {
                server_name: config.server_name,
                preserve_host: config.preserve_host,
                add_headers: config.add_headers,
                via: config.via,
                expect: config.continue_100,
            },
            reversals,
            header_rules: config.header_rules,
            serving,
            error_documents: config.error_documents,
            logs,
            heartmonitor,
            manager,
            handlers: config.handlers,
            access: Access::new(config.access, before),
            name,
            port,
            adopted: Mutex::default(),
            adoption: Condvar::new(),
        }
    }

    /// Where a path leads, which is one of a request without its query.
    pub(crate) fn lead<'a>(&'a self, path: &'a str) -> Lead<'a> {
        if let Err(why) = mapping::check_path(path) {
            return Lead::Refused(why);
        }
        let found = self.mappings.find(path);
        let index = found.as_ref().map(|found| found.balancer);
        if let Some(fence) = self.fences.iter().find(|fence| fence.covers(path, index)) {
            return Lead::Fenced(fence, index);
        }
        // As in httpd before any mapping.
        let handler = self.handlers.find(path);
        if handler == Handler::Heartbeat {
            return Lead::Heartmonitor;
        }
        // As in httpd behind them.
        let otherwise = if handler == Handler::Manager { Lead::Manager } else { Lead::Nowhere };
        found.map_or(otherwise, Lead::To)
    }

    /// One more worker thread serves as it says.
    pub(crate) fn adopted(&self) {
        *self.adopted.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.adoption.notify_all();
    }

    /// Waits until so many worker threads serve as it says; false if that takes too long.
    pub(crate) fn is_adopted_by(&self, workers: usize) -> bool {
        let adopted = self.adopted.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = |adopted: &mut usize| *adopted < workers;
        let waited = self.adoption.wait_timeout_while(adopted, limits::ADOPTED_WITHIN, missing);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// The paths that are mapped to the balancer with this number.
pub(crate) fn paths(mappings: &[Mapping], balancer: usize) -> Vec<String> {
    let leads_there =
        |mapping: &&Mapping| matches!(mapping.target, Target::Balancer { index, .. } if index == balancer);
    mappings.iter().filter(leads_there).map(|mapping| mapping.path.clone()).collect()
}

/// Opens the access logs that the configuration wants.
///
/// # Errors
///
/// A file that cannot be opened.
pub(crate) fn access_logs(config: &Config) -> anyhow::Result<AccessLogs> {
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
fn name(config: &Config) -> (String, u16) {
    let named = config.server_name.clone().unwrap_or_else(|| {
        rustix::system::uname().nodename().to_str().map_or_else(|_| "localhost".to_owned(), str::to_owned)
    });
    let (name, port) = match named.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (named.as_str(), None),
    };
    (name.to_owned(), port.unwrap_or(80))
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
