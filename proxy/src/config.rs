//! Reads a configuration in Apache's syntax: [`read`] gives what shall run, or a [`Report`] that says what is wrong
//! where. Nothing here opens a socket or resolves a name.
//!
//! | file | what |
//! | --- | --- |
//! | `lexer.rs` | lines, continuation, quotes, comments, positions |
//! | `reader.rs` | line after line, variables, includes |
//! | `section.rs` | sections, nesting, conditions |
//! | `include.rs` | files and environment: the only one that touches the world |
//! | `directive.rs` | one row a directive |
//! | `parameter.rs` | one row a parameter of a balancer or member |
//! | `site.rs` | what was written, while reading |
//! | `client.rs` | limits and paces of requests |
//! | `access.rs` | who may come |
//! | `access_log.rs` | access logs and their formats |
//! | `error_document.rs` | pages for errors |
//! | `handler.rs` | paths that the proxy answers by itself |
//! | `manager.rs` | what httpd's manager page needs |
//! | `newcomer.rs` | one member, also one that is added at run time |
//! | `heartbeat.rs` | where heartbeats come from |
//! | `header.rs` | rules for header fields |
//! | `health.rs`, `condition.rs` | health checks, and what they make of an answer |
//! | `resolve.rs` | what was written → what shall run |
//! | `report.rs` | errors and warnings as people read them |

mod access;
mod access_log;
mod client;
mod condition;
mod directive;
mod error_document;
mod handler;
mod header;
mod health;
mod heartbeat;
mod include;
pub(crate) mod lexer;
mod limits;
mod manager;
mod nearest;
mod newcomer;
mod notes;
mod parameter;
mod reader;
mod report;
mod resolve;
mod section;
mod site;
mod source;
mod variable;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_protocol::{BalancerName, BalancerSettings, MemberName, MemberSettings};

pub use crate::config::access::{
    AccessRules, AccessSection, AuthType, Effective, Merging, Reach, Rule, Verdict, Visitor,
};
pub use crate::config::access_log::{AccessLogConfig, LogCondition};
pub use crate::config::client::{Pace, ReadTimeouts, RequestLimits};
pub use crate::config::condition::{Condition, Seen};
pub use crate::config::error_document::ErrorDocument;
pub use crate::config::handler::{Handler, Handlers};
pub use crate::config::health::Checks;
pub use crate::config::heartbeat::{HeartbeatConfig, Network};
pub use crate::config::manager::{ManagerConfig, Nonce, Written};
pub use crate::config::newcomer::{Newcomer, Newcomers};
use crate::config::reader::{Ignored, Reader};
pub use crate::config::report::{Note, Place, Report, Severity};

pub use crate::header_rules::HeaderRules;
use crate::mapping::{Mapping, covers, without_parameters};

/// How to read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Answer 503 on the paths of directives that close something and cannot be honoured, instead of refusing.
    pub fence: bool,
    /// Refuse what httpd takes with an effect that nobody means.
    pub strict: bool,
    /// The names of `-D`, for `<IfDefine>`.
    pub defines: Vec<String>,
}

/// What shall run.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of Apache's with a name of its own")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where to listen; never empty. A port alone (`Listen 80`) is `[::]`, and means both address families.
    pub listen: Vec<SocketAddr>,
    /// `MetricsListen`: where metrics are read; by default nowhere but on the admin socket.
    pub metrics_listen: Vec<SocketAddr>,
    /// `ServerName` without its scheme: `host` or `host:port`.
    pub server_name: Option<String>,
    /// `UseCanonicalName`: is the proxy called by `ServerName` alone, whatever clients call it? By default off.
    pub canonical_name: bool,
    /// All balancers, in the order in which they are first named.
    pub balancers: Vec<BalancerConfig>,
    /// All `ProxyPass`, in the order in which they are tried; targets are places in `balancers`.
    pub mappings: Vec<Mapping>,
    /// All `ProxyPassReverse`, in order; balancers that they name exist.
    pub reverses: Vec<Reverse>,
    /// `ProxyPreserveHost`; by default off.
    pub preserve_host: bool,
    /// `ProxyAddHeaders`; by default on.
    pub add_headers: bool,
    /// `ProxyVia`.
    pub via: Via,
    /// `Timeout`, for clients; what members use stands in their settings. By default 60 s.
    pub timeout: Duration,
    /// `KeepAlive`; by default on.
    pub keep_alive: bool,
    /// `KeepAliveTimeout`; by default 5 s.
    pub keep_alive_timeout: Duration,
    /// `MaxKeepAliveRequests`; 0 means no limit, by default 100.
    pub max_keep_alive_requests: u32,
    /// How large requests may be.
    pub request_limits: RequestLimits,
    /// `LimitRequestBody` in `<Location>`, by path, in bytes; the last that fits counts, see [`Config::body_limit`].
    pub body_limits: Vec<(String, u64)>,
    /// How fast requests must come.
    pub read_timeouts: ReadTimeouts,
    /// `MaxRequestWorkers`: how many connections of clients are served at once; none: no limit of its own. httpd's
    /// event MPM counts those that are being worked on only, and keeps some more that are idle.
    pub max_connections: Option<usize>,
    /// `Proxy100Continue`: is a client's `Expect: 100-continue` passed on to members? By default on.
    pub continue_100: bool,
    /// `BalancerPersist`: do edits survive a restart and a reload? By default on; httpd's default is off.
    pub persist: bool,
    /// Who may come.
    pub access: AccessRules,
    /// Paths that the proxy answers by itself.
    pub handlers: Handlers,
    /// Where heartbeats come from, for lbmethod heartbeat.
    pub heartbeat: HeartbeatConfig,
    /// All access logs, in order.
    pub access_logs: Vec<AccessLogConfig>,
    /// What is answered instead of the proxy's own pages, by status.
    pub error_documents: BTreeMap<u16, ErrorDocument>,
    /// `Header` and `RequestHeader`, in the order in which they are applied.
    pub header_rules: HeaderRules,
    /// What is answered 503; empty unless [`ReadOptions::fence`] is set.
    pub fences: Vec<Fence>,
    /// What somebody should know.
    pub warnings: Vec<Note>,
}

impl Config {
    /// How many bytes the body of a request for `path` may have; 0: no limit. Paths are compared as mappings do.
    pub fn body_limit(&self, path: &str) -> u64 {
        let own = self.body_limits.iter().rev().find(|(prefix, _)| covers(prefix, path));
        own.map_or(self.request_limits.body, |(_, bytes)| *bytes)
    }
}

/// One balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancerConfig {
    /// Its name.
    pub name: BalancerName,
    /// Its settings.
    pub settings: BalancerSettings,
    /// Its members in order; may be empty. Time-outs are resolved: own, else `ProxyTimeout`, else `Timeout`.
    pub members: Vec<(MemberName, MemberSettings)>,
    /// The parameters of each member as they stand in its line, in the same order.
    pub written: Vec<Vec<String>>,
    /// What health checks need; the same for all balancers.
    pub checks: Arc<Checks>,
    /// What the manager page needs of it.
    pub manager: ManagerConfig,
}

#[cfg(test)]
impl BalancerConfig {
    /// `app` with these members and nothing else said, for tests.
    pub(crate) fn plain(members: Vec<(MemberName, MemberSettings)>) -> Self {
        Self {
            name: "app".parse().expect("a name"),
            settings: BalancerSettings::default(),
            members,
            written: Vec::new(),
            checks: Arc::default(),
            manager: ManagerConfig::default(),
        }
    }
}

/// One `ProxyPassReverse`, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverse {
    /// The path of the proxy.
    pub path: String,
    /// The URL of a member, or of a balancer.
    pub url: String,
}

/// The words of `ProxyVia`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Via {
    /// Via headers pass as they are.
    #[default]
    Off,
    /// One is added.
    On,
    /// One is added, with the version.
    Full,
    /// All are removed.
    Block,
}

/// Paths that are answered 503, because something that closes them cannot be honoured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// This path and all below it; none: not bound to a path.
    pub path: Option<String>,
    /// What is mapped to this balancer, by its place in [`Config::balancers`]; none: not bound to a balancer.
    /// Bound to neither, the fence covers everything.
    pub balancer: Option<usize>,
    /// The directive and what it does, for the log.
    pub why: String,
}

impl Fence {
    /// Is a request for `path`, which goes to `balancer` if to any, behind this fence?
    ///
    /// Paths are compared as mappings compare them, so that a `%61` for an `a` does not lead around it, and once more
    /// without path parameters, which many members drop.
    pub fn covers(&self, path: &str, balancer: Option<usize>) -> bool {
        let bare = without_parameters(path);
        self.path.as_deref().is_none_or(|prefix| covers(prefix, path) || covers(prefix, &bare))
            && self.balancer.is_none_or(|fenced| balancer == Some(fenced))
    }
}

/// Reads a file and what it includes.
///
/// Errors: a report with everything that is wrong, in the order of the text.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Config, Report> {
    let folder =
        path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let mut reader = Reader::new(options, folder.map(PathBuf::from));
    match include::load(path) {
        Ok(loaded) => reader.text(&include::shown(path), &loaded),
        Err(complaint) => reader.notes.error(None, complaint),
    }
    finish(reader, options)
}

/// Reads a text that stands in no file; `name` is what messages call it. Its includes need absolute paths.
///
/// Errors: a report with everything that is wrong, in the order of the text.
pub fn read_text(name: &str, text: &str, options: &ReadOptions) -> Result<Config, Report> {
    let mut reader = Reader::new(options, None);
    reader.text(name, &include::check(text.as_bytes().to_vec()));
    finish(reader, options)
}

/// Checks the whole, and turns what was found into a configuration or a report.
fn finish(reader: Reader, options: &ReadOptions) -> Result<Config, Report> {
    let Reader { sources, mut notes, site, mut ignored, root, .. } = reader;
    // Nothing was read: what is missing in nothing is of no interest.
    let unread = notes.failed() && sources.is_empty();
    let mut config = None;
    if !unread {
        if let Some(first) = site.documents.unused_root() {
            ignored.push(Ignored { name: "DocumentRoot", first, times: 1 });
        }
        resolve::tell_ignored(&ignored, &sources, &mut notes);
        config = Some(resolve::resolve(site, (options, root.as_deref()), &mut notes));
    }
    let failed = notes.failed();
    let (errors, warnings) = notes.finish(&sources);
    match config {
        Some(config) if !failed => Ok(Config { warnings, ..config }),
        _ => Err(Report { errors, warnings }),
    }
}

/// All directives as (name and arguments, contexts, meaning), for `--help-directives`.
pub fn directives() -> impl Iterator<Item = (String, String, &'static str)> {
    directive::all()
}

/// All parameters as (`balancer` or `member`, keyword, range, meaning), for `--help-directives`.
pub fn parameters() -> impl Iterator<Item = (&'static str, &'static str, &'static str, &'static str)> {
    parameter::all()
}

#[cfg(test)]
mod tests;
