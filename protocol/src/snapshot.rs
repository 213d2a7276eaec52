//! Everything that is visible at one moment. Fields with default values are always present.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::drain::Drain;
use crate::foreign::Foreign;
use crate::health::HealthSnapshot;
use crate::latency::{Answers, Checks, Latencies};
use crate::lbmethod::LbMethod;
use crate::name::{BalancerName, MemberName, Route};
use crate::reload::{Override, Subject};
use crate::settings::{BalancerSettings, Factor, Lbset};
use crate::status::Status;
use crate::timestamp::Timestamp;

/// Who answers on the admin socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// `evenkeel-proxy`.
    pub product: String,
    /// The version of the program.
    pub version: String,
    /// The version of the interface, [`crate::INTERFACE`].
    pub interface: u32,
    /// The process.
    pub pid: u32,
    /// The configuration file it runs.
    pub configuration: String,
    /// The addresses it listens on.
    pub listen: Vec<String>,
    /// When it started; differs after each restart.
    pub started: Timestamp,
    /// When the configuration in effect was read.
    #[serde(default)]
    pub loaded: Timestamp,
    /// How often the configuration was read anew since the start.
    #[serde(default)]
    pub reloads: u64,
    /// The fields of its members that it does not tell; where they cannot be left out they stand at their zero, which
    /// means nothing. Empty: it tells all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untold: Vec<String>,
}

impl Hello {
    /// The product of a proxy that is an Apache httpd, known by its manager page alone.
    pub const HTTPD: &str = "httpd";

    /// Is it an Apache httpd, seen through its manager page?
    pub fn is_httpd(&self) -> bool {
        self.product == Self::HTTPD
    }

    /// Does it tell that field of its members?
    pub fn tells(&self, field: &str) -> bool {
        !self.untold.iter().any(|untold| untold == field)
    }
}

/// All balancers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Who answers.
    pub proxy: Hello,
    /// When it was taken.
    pub taken: Timestamp,
    /// The number of the last event that it includes.
    pub event: u64,
    /// The balancers, in configuration order.
    pub balancers: Vec<BalancerSnapshot>,
    /// Drains that run, and those that ended lately, by number.
    #[serde(default)]
    pub drains: Vec<Drain>,
    /// Balancers and members whose last edits a restart of the proxy would lose, because the disk refuses them.
    #[serde(default)]
    pub undurable: Vec<Subject>,
    /// The numbers of drains that run and that a restart of the proxy would not know, because the disk refuses them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undurable_drains: Vec<u64>,
    /// Would a restart of the proxy lose the next edit, because the disk refuses the journal?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unwritable: bool,
    /// What should be known about it, in sentences: what could not be read, or whether it can be believed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Edits that were made through this connection, that a restart of the proxy has forgotten, and that nobody has
    /// made again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<Override>,
    /// Do several servers answer in turn under one name? Then numbers jump and nothing can be changed from here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alternating: bool,
    /// Does a cache answer and not the proxy? Then it may be old, and nothing can be changed by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
}

impl Snapshot {
    /// The balancer of that name.
    pub fn balancer(&self, name: &BalancerName) -> Option<&BalancerSnapshot> {
        self.balancers.iter().find(|balancer| balancer.name == *name)
    }

    /// Would a restart of the proxy keep all edits of this member, or of this balancer's own settings?
    pub fn is_durable(&self, balancer: &BalancerName, member: Option<&MemberName>) -> bool {
        !self.undurable.iter().any(|it| it.balancer == *balancer && it.member.as_ref() == member)
    }

    /// The member of that balancer.
    pub fn member(&self, balancer: &BalancerName, member: &MemberName) -> Option<&MemberSnapshot> {
        self.balancer(balancer)?.member(member)
    }
}

/// One balancer and its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancerSnapshot {
    /// Its name, without `balancer://`.
    pub name: BalancerName,
    /// Grows with each accepted edit of its own, and is never again what it was; over a restart neither, as long as the
    /// proxy can write its audit files and nobody takes them away: without them it begins anew.
    pub revision: u64,
    /// Its settings as they are in effect.
    pub settings: BalancerSettings,
    /// How it chooses, where an httpd has a method that Evenkeel has not; then `settings.lbmethod` says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_lbmethod: Option<Foreign>,
    /// The paths that are mapped to it, in configuration order.
    pub paths: Vec<String>,
    /// Its members, in configuration order.
    pub members: Vec<MemberSnapshot>,
    /// How many more members may be added, where that is bounded: of an httpd its `growth`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<u32>,
}

impl BalancerSnapshot {
    /// How it chooses, if by a method of ours.
    pub fn lbmethod(&self) -> Option<LbMethod> {
        self.foreign_lbmethod.is_none().then_some(self.settings.lbmethod)
    }

    /// The name of its method, whoever has it.
    pub fn lbmethod_name(&self) -> &str {
        self.foreign_lbmethod.as_ref().map_or(self.settings.lbmethod.name(), Foreign::as_str)
    }

    /// The member of that name.
    pub fn member(&self, name: &MemberName) -> Option<&MemberSnapshot> {
        self.members.iter().find(|member| member.name == *name)
    }
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSnapshot {
    /// Its URL.
    pub name: MemberName,
    /// Grows with each accepted edit of its own, and is never again what it was; over a restart neither, as long as the
    /// proxy can write its audit files and nobody takes them away: without them it begins anew.
    pub revision: u64,
    /// Its route; may be empty.
    pub route: Route,
    /// The route that its sessions take while it is unusable; may be empty.
    pub redirect: Route,
    /// Its share.
    pub lbfactor: Factor,
    /// Its set.
    pub lbset: Lbset,
    /// Its status as letters.
    pub status: Status,
    /// Its status in the words of httpd's manager page.
    pub words: String,
    /// Can it be given requests? (True for a draining member, as in httpd.)
    pub usable: bool,
    /// How often it was chosen, failed tries included.
    pub elected: u64,
    /// Requests that it answered.
    pub served: u64,
    /// Tries that ended without an answer of its own.
    pub failed: u64,
    /// Requests in flight now.
    pub busy: u64,
    /// Is there no number of them that could be read? Then `busy` says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncounted: bool,
    /// Different sessions of its route that were answered within the balancer's window. None: the balancer or the
    /// member keeps none, or none was seen and no whole window was seen yet either.
    #[serde(default)]
    pub sessions: Option<u64>,
    /// How urgently it is owed work: httpd's column Load.
    pub lbstatus: i64,
    /// Bytes sent to it: httpd's column To.
    pub transferred: u64,
    /// Bytes read from it as httpd counts them (status line and body): httpd's column From.
    pub read: u64,
    /// Seconds in error before it is tried again.
    pub retry: u32,
    /// How often its error was lifted to try it again, since it last answered.
    pub retries: u32,
    /// Its last error, until it answers again.
    pub error: Option<ErrorNote>,
    /// The last heartbeat of it; none: never heard, or not since the proxy started.
    pub heard: Option<HeardNote>,
    /// How it is checked, and what was found.
    #[serde(default)]
    pub health: HealthSnapshot,
    /// How often it was checked.
    #[serde(default)]
    pub checks: Checks,
    /// What it answered, by class of status; together `served`.
    #[serde(default)]
    pub answers: Answers,
    /// How fast it answered lately.
    #[serde(default)]
    pub latency: Latencies,
    /// Requests that went elsewhere after a try here.
    #[serde(default)]
    pub failovers: u64,
    /// Requests that were sent once more to it, on a fresh connection, because a kept one had closed.
    #[serde(default)]
    pub repeats: u64,
}

impl MemberSnapshot {
    /// How many requests are in flight; none: that is unknown.
    pub fn in_flight(&self) -> Option<u64> {
        (!self.uncounted).then_some(self.busy)
    }
}

/// Why and since when a member is in error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorNote {
    /// What happened, in a sentence.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// When it may be tried again; none if it already may.
    pub retry_at: Option<Timestamp>,
}

/// What a member last announced of itself. lbmethod heartbeat goes by it; the other methods do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardNote {
    /// Idle slots, as it said.
    pub ready: u32,
    /// Slots in use, as it said.
    pub busy: u32,
    /// When it was received.
    pub at: Timestamp,
    /// Does it still count? What is ten seconds old does not.
    pub fresh: bool,
    /// The slots that count in an election: a quarter of `ready` while nothing is busy.
    pub slots: u64,
    /// Who said so.
    pub from: IpAddr,
    /// How it came.
    pub by: HeardBy,
}

/// How a heartbeat came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeardBy {
    /// To the address of `HeartbeatListen`.
    Datagram,
    /// To the handler `heartbeat`, by POST.
    Post,
    /// From the file of `HeartbeatStorage`, which another process writes.
    File,
}

impl HeardBy {
    /// In a word, as people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Datagram => "datagram",
            Self::Post => "POST",
            Self::File => "file",
        }
    }
}
