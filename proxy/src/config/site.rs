//! What was written, while reading: balancers and mappings that may still be incomplete.
//!
//! `resolve.rs` turns it into what runs.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use evenkeel_protocol::{BalancerName, MemberName, MemberSettings};

use crate::config::access::Access;
use crate::config::access_log::Logs;
use crate::config::client::{ReadTimeouts, RequestLimits};
use crate::config::error_document::Documents;
use crate::config::handler;
use crate::config::header::Headers;
use crate::config::health::Definitions;
use crate::config::heartbeat::Heartbeats;
use crate::config::limits;
use crate::config::manager::BalancerDraftSettings;
use crate::config::notes::{Complaint, Notes};
use crate::config::source::Spot;
use crate::config::{Reverse, Via};

/// What the lines of a section are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// Outside of sections.
    Server,
    /// `<Location PATH>`.
    Location(String),
    /// `<Proxy balancer://…>`, by its place in [`Site::balancers`].
    Balancer(usize),
    /// `<Proxy *>`.
    AllProxied,
}

/// A balancer, while reading.
pub(super) struct BalancerDraft {
    pub(super) name: BalancerName,
    pub(super) settings: BalancerDraftSettings,
    /// The path of the last `ProxyPass` to it.
    pub(super) passed: Option<String>,
    pub(super) members: Vec<MemberDraft>,
    /// Where its section or first member stands; none if it was only named by a `ProxyPass`.
    pub(super) declared: Option<Spot>,
    /// Where it was named first.
    pub(super) named: Spot,
    /// Member URLs, to find equal ones and prefixes fast.
    urls: HashSet<String>,
    /// `scheme://host:port` of the members, most of which are alone on theirs.
    authorities: HashSet<String>,
}

/// A member, while reading.
pub(super) struct MemberDraft {
    pub(super) name: MemberName,
    pub(super) settings: MemberSettings,
    /// `timeout=` of its own.
    pub(super) timeout: Option<Duration>,
    /// The `ProxyTimeout` that stood above it.
    pub(super) inherited: Option<Duration>,
    /// What its health checks can name.
    pub(super) health: Definitions,
    /// Its parameters as they stand in its line.
    pub(super) written: Vec<String>,
}

impl BalancerDraft {
    /// The URL of an earlier member that `name` starts with, as httpd compares them: the whole authority, then any
    /// prefix of the path; sockets are not compared.
    pub(super) fn shared_with(&self, name: &MemberName) -> Option<&str> {
        let url = name.url();
        let authority = url.len() - name.path().len();
        if !self.authorities.contains(url.get(..authority)?) {
            return None;
        }
        // The longest wins.
        (authority..=url.len()).rev().find_map(|end| self.urls.get(url.get(..end)?)).map(String::as_str)
    }

    /// Adds a member; refused beyond the limit.
    pub(super) fn add(&mut self, member: MemberDraft) -> Result<(), Complaint> {
        if self.members.len() >= limits::MEMBERS {
            return Err(Complaint::new(
                format!("{} has more than {} members", self.name.url(), limits::MEMBERS),
                "spread them over several balancers",
            ));
        }
        let url = member.name.url();
        let authority = url.len() - member.name.path().len();
        self.authorities.insert(url.get(..authority).unwrap_or_default().to_owned());
        self.urls.insert(url.to_owned());
        self.members.push(member);
        Ok(())
    }
}

/// What a `ProxyPass` says.
pub(super) struct MappingDraft {
    pub(super) path: String,
    /// The balancer's place in [`Site::balancers`] and the path behind its name; none for `!`.
    pub(super) target: Option<(usize, String)>,
}

/// A line that closes something and that this proxy cannot honour (rule 5 of the departures).
pub(super) struct Closing {
    /// The directive as it is called.
    pub(super) name: String,
    /// What it does, as `restricts access`.
    pub(super) does: &'static str,
    /// How to get on.
    pub(super) remedy: &'static str,
    pub(super) scope: Scope,
    pub(super) spot: Spot,
}

/// Everything that was written.
#[derive(Default)]
pub(super) struct Site {
    pub(super) listen: Vec<SocketAddr>,
    pub(super) metrics_listen: Vec<SocketAddr>,
    pub(super) server_name: Option<String>,
    pub(super) canonical_name: bool,
    pub(super) balancers: Vec<BalancerDraft>,
    by_name: HashMap<BalancerName, usize>,
    /// `ProxyPass` outside of sections, in order.
    pub(super) mappings: Vec<MappingDraft>,
    /// `ProxyPass` in `<Location>`, in order.
    pub(super) location_mappings: Vec<MappingDraft>,
    pub(super) reverses: Vec<(Reverse, Spot)>,
    pub(super) preserve_host: Option<bool>,
    pub(super) add_headers: Option<bool>,
    pub(super) via: Via,
    pub(super) timeout: Option<Duration>,
    pub(super) proxy_timeout: Option<Duration>,
    pub(super) keep_alive: Option<bool>,
    pub(super) keep_alive_timeout: Option<Duration>,
    pub(super) max_keep_alive_requests: Option<u32>,
    pub(super) request_limits: RequestLimits,
    /// `LimitRequestBody` in `<Location>`, in order.
    pub(super) body_limits: Vec<(String, u64)>,
    pub(super) read_timeouts: ReadTimeouts,
    pub(super) max_connections: Option<usize>,
    pub(super) continue_100: Option<bool>,
    pub(super) persist: Option<bool>,
    pub(super) access: Access,
    pub(super) handlers: handler::Written,
    pub(super) heartbeats: Heartbeats,
    pub(super) logs: Logs,
    pub(super) documents: Documents,
    pub(super) headers: Headers,
    pub(super) health: Definitions,
    pub(super) closings: Vec<Closing>,
}

impl Site {
    /// The balancer of this name, made if there is none.
    pub(super) fn balancer(&mut self, name: &BalancerName, spot: Spot) -> usize {
        if let Some(index) = self.by_name.get(name) {
            return *index;
        }
        let index = self.balancers.len();
        self.balancers.push(BalancerDraft {
            name: name.clone(),
            settings: BalancerDraftSettings::default(),
            passed: None,
            members: Vec::new(),
            declared: None,
            named: spot,
            urls: HashSet::new(),
            authorities: HashSet::new(),
        });
        self.by_name.insert(name.clone(), index);
        index
    }

    /// The balancer of this name, made if there is none, and from now on declared.
    pub(super) fn declare(&mut self, name: &BalancerName, spot: Spot) -> usize {
        let index = self.balancer(name, spot);
        if let Some(balancer) = self.balancers.get_mut(index) {
            balancer.declared.get_or_insert(spot);
        }
        index
    }

    /// The balancer of this name, if it was named before.
    pub(super) fn known(&self, name: &BalancerName) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Reads the name of a balancer from its URL; complains if it is none.
    pub(super) fn balancer_name(notes: &mut Notes, url: &str, spot: Spot) -> Option<BalancerName> {
        let parsed = url.parse::<BalancerName>();
        parsed
            .map_err(|why| {
                let what = format!("the balancer's URL {}", why.0);
                notes.error(spot, Complaint::new(what, "write balancer://NAME"));
            })
            .ok()
    }
}
