//! From what was written to what shall run: what is missing or fits nothing is found here.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_protocol::sentence::{and_more, listed};
use evenkeel_protocol::{BalancerName, Separator, StickySession};

use crate::config::access::{Access, AccessRules};
use crate::config::handler::{self, Handler};
use crate::config::manager::ManagerConfig;
use crate::config::nearest::did_you_mean;
use crate::config::newcomer::{Newcomer, Newcomers};
use crate::config::notes::{Complaint, Notes};
use crate::config::reader::Ignored;
use crate::config::site::{BalancerDraft, Closing, MappingDraft, Scope, Site};
use crate::config::source::Sources;
use crate::config::{BalancerConfig, Config, Fence, ReadOptions, Reverse};
use crate::mapping::{Mapping, Mappings, Target};

/// httpd's defaults.
const TIMEOUT: Duration = Duration::from_secs(60);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_KEEP_ALIVE_REQUESTS: u32 = 100;
/// How many paths, or ignored directives, a sentence lists.
const LISTED: usize = 20;

/// Checks the whole, and makes what runs; its warnings are left to the caller.
pub(super) fn resolve(
    mut site: Site,
    (options, root): (&ReadOptions, Option<&Path>),
    notes: &mut Notes,
) -> Config {
    if site.listen.is_empty() {
        let what = "the configuration listens nowhere";
        notes.error(None, Complaint::new(what, "add a line such as Listen 127.0.0.1:8080"));
    }
    check_balancers(&site, notes);
    for balancer in &mut site.balancers {
        settle_route_cookie(balancer, notes);
    }
    let timeout = site.timeout.unwrap_or(TIMEOUT);
    let member_timeout = site.proxy_timeout.unwrap_or(timeout);
    let newcomers = Newcomers {
        timeout: member_timeout,
        inherits: site.proxy_timeout.is_some(),
        definitions: site.health.clone(),
    };
    let fences = site.closings.iter().filter_map(|closing| close(closing, &site, options, notes)).collect();
    let heartbeat = site.heartbeats.resolve((&site.balancers, &site.handlers), notes);
    // The last <Location> that fits decides, before any line outside of sections.
    let mappings: Vec<Mapping> =
        site.location_mappings.into_iter().rev().chain(site.mappings).map(mapping).collect();
    let access = resolve_access(site.access, (&site.handlers, root), notes);
    site.handlers.tell_covered(&Mappings::new(mappings.clone()), notes);
    let error_documents = site.documents.resolve(root, &Mappings::new(mappings.clone()), notes);
    Config {
        metrics_listen: site.metrics_listen,
        listen: site.listen,
        server_name: site.server_name,
        canonical_name: site.canonical_name,
        balancers: site.balancers.into_iter().map(|draft| balancer(draft, &newcomers)).collect(),
        mappings,
        reverses: site.reverses.into_iter().map(|(reverse, _)| reverse).collect(),
        preserve_host: site.preserve_host.unwrap_or(false),
        add_headers: site.add_headers.unwrap_or(true),
        via: site.via,
        timeout,
        keep_alive: site.keep_alive.unwrap_or(true),
        keep_alive_timeout: site.keep_alive_timeout.unwrap_or(KEEP_ALIVE_TIMEOUT),
        max_keep_alive_requests: site.max_keep_alive_requests.unwrap_or(MAX_KEEP_ALIVE_REQUESTS),
        request_limits: site.request_limits,
        body_limits: site.body_limits,
        read_timeouts: site.read_timeouts,
        max_connections: site.max_connections,
        continue_100: site.continue_100.unwrap_or(true),
        persist: site.persist.unwrap_or(true),
        access,
        handlers: site.handlers.handlers(),
        heartbeat,
        access_logs: site.logs.resolve(root, notes),
        error_documents,
        header_rules: site.headers.resolve(),
        fences,
        warnings: Vec::new(),
    }
}

/// Says in one sentence what was ignored, and where each first stands.
pub(super) fn tell_ignored(ignored: &[Ignored], sources: &Sources, notes: &mut Notes) {
    if ignored.is_empty() {
        return;
    }
    let named = ignored.iter().map(|ignored| {
        format!("{} ({})", ignored.name, and_more(sources.brief(ignored.first), ignored.times - 1))
    });
    let what = format!("without effect here: {}", listed(named, LISTED, ""));
    notes.warn(None, Complaint::new(what, "they are harmless; --help-directives gives the reason for each"));
}

/// Rules with their files, and what is open by the absence of one.
fn resolve_access(
    access: Access,
    (handlers, root): (&handler::Written, Option<&Path>),
    notes: &mut Notes,
) -> AccessRules {
    let rules = access.resolve(root, notes);
    for (path, spot) in handlers.all(Handler::Manager) {
        let effective = rules.effective(path, None);
        if effective.is_open() {
            let what =
                format!("no Require says who may change balancers at {path}: only who is on this machine");
            notes.warn(
                spot,
                Complaint::new(what, "write for example Require ip 10.0.0.0/8, or Require local"),
            );
        }
    }
    for (section, why) in rules.incomplete() {
        let what = format!("{section} {why}: its requests get 500, as in httpd");
        notes.warn(
            None,
            Complaint::new(what, "write AuthType Basic, AuthName and AuthUserFile beside the Require"),
        );
    }
    rules
}

fn balancer(draft: BalancerDraft, newcomers: &Newcomers) -> BalancerConfig {
    let mut config = BalancerConfig {
        name: draft.name,
        settings: draft.settings.settings,
        members: Vec::new(),
        written: Vec::new(),
        checks: Arc::clone(&newcomers.definitions.checks),
        manager: ManagerConfig {
            nonce: draft.settings.nonce,
            path: draft.passed,
            members: Vec::new(),
            growth: draft.settings.growth,
            added: 0,
            newcomers: newcomers.clone(),
        },
    };
    for member in draft.members {
        config.append(Newcomer::of(member, newcomers.timeout));
    }
    config
}

fn mapping(draft: MappingDraft) -> Mapping {
    let target = draft.target.map_or(Target::Nobody, |(index, path)| Target::Balancer { index, path });
    Mapping { path: draft.path, target }
}

/// Balancers that are named but not defined are errors; those without members are told.
fn check_balancers(site: &Site, notes: &mut Notes) {
    let declared: Vec<&BalancerDraft> =
        site.balancers.iter().filter(|balancer| balancer.declared.is_some()).collect();
    let undefined = |name: &BalancerName| {
        let otherwise = format!("define it in a <Proxy {}>", name.url());
        let remedy =
            did_you_mean(name.as_str(), declared.iter().map(|known| known.name.as_str()), &otherwise);
        Complaint::new(format!("there is no {}", name.url()), remedy)
    };
    for balancer in &site.balancers {
        match balancer.declared {
            // What nobody will see is not worth looking for what was meant.
            None if notes.full() => {}
            None => notes.error(balancer.named, undefined(&balancer.name)),
            Some(spot) if balancer.members.is_empty() => {
                let what = format!("{} has no members; its paths are answered 503", balancer.name.url());
                notes.warn(spot, Complaint::new(what, "add BalancerMember http://HOST:PORT"));
            }
            Some(_) => {}
        }
    }
    let known: HashSet<&BalancerName> = declared.iter().map(|balancer| &balancer.name).collect();
    for (reverse, spot) in &site.reverses {
        if let Some(name) = named_balancer(reverse).filter(|name| !known.contains(name) && !notes.full()) {
            notes.error(*spot, undefined(&name));
        }
    }
}

/// A route cookie that nobody reads back, or that its separator would break, helps no client.
fn settle_route_cookie(balancer: &mut BalancerDraft, notes: &mut Notes) {
    let Some(cookie) = balancer.settings.routecookie.clone() else { return };
    let spot = balancer.declared.unwrap_or(balancer.named);
    if let Separator::At(separator @ (';' | ',' | '"' | '\\')) = balancer.settings.stickysessionsep {
        let what = format!("routecookie={cookie} cannot hold the separator {separator}, which ends cookies");
        notes.error(spot, Complaint::new(what, "write another stickysessionsep, such as ."));
    }
    match &balancer.settings.stickysession {
        None => {
            let name = cookie.as_str().to_owned();
            balancer.settings.stickysession = Some(StickySession { cookie: name.clone(), path: name });
        }
        Some(sticky) if sticky.cookie == cookie.as_str() => {}
        Some(sticky) => {
            let what = format!(
                "nothing reads routecookie={cookie}: sessions are found in the cookie {}",
                sticky.cookie
            );
            let remedy = format!("write stickysession={cookie}, or routecookie={}", sticky.cookie);
            notes.warn(spot, Complaint::new(what, remedy));
        }
    }
    if balancer.members.iter().all(|member| member.settings.route.is_empty()) {
        let what = format!("routecookie={cookie} is never set: no member has a route");
        notes.warn(spot, Complaint::new(what, "write route=NAME on each BalancerMember line"));
    }
}

/// The balancer that a `ProxyPassReverse` names, if it names one.
fn named_balancer(reverse: &Reverse) -> Option<BalancerName> {
    let (scheme, _) = reverse.url.split_once("://")?;
    scheme.eq_ignore_ascii_case("balancer").then(|| reverse.url.parse().ok())?
}

/// Rule 5: an error that names the paths, or a fence around exactly those.
fn close(closing: &Closing, site: &Site, options: &ReadOptions, notes: &mut Notes) -> Option<Fence> {
    let covered = covered(&closing.scope, site);
    let Closing { name, does, remedy, .. } = closing;
    if !options.fence {
        let what = format!("{name} {does} for {covered}; this proxy cannot do that yet");
        let remedy = format!("{remedy}, and remove the line; or start with --fence to answer 503 there");
        notes.error(closing.spot, Complaint::new(what, remedy));
        return None;
    }
    let what = format!("fenced: {covered} is answered 503, because {name} {does} and cannot be honoured yet");
    notes.warn(closing.spot, Complaint::new(what, format!("{remedy}, and remove the line")));
    let (path, balancer) = match &closing.scope {
        Scope::Location(path) => (Some(path.clone()), None),
        Scope::Balancer(index) => (None, Some(*index)),
        Scope::Server | Scope::AllProxied => (None, None),
    };
    Some(Fence { path, balancer, why: format!("{name} {does}") })
}

/// The paths that lines of a scope are about, in words.
fn covered(scope: &Scope, site: &Site) -> String {
    let index = match scope {
        Scope::Location(path) => return path.clone(),
        Scope::Server | Scope::AllProxied => return "every path".to_owned(),
        Scope::Balancer(index) => *index,
    };
    let mappings = site.location_mappings.iter().chain(&site.mappings);
    let own = mappings.filter(|mapping| mapping.target.as_ref().is_some_and(|(target, _)| *target == index));
    let paths = listed(own.map(|mapping| mapping.path.as_str()), LISTED, "no path yet");
    let url = site.balancers.get(index).map(|balancer| balancer.name.url()).unwrap_or_default();
    format!("all of {url} ({paths})")
}
