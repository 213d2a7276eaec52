//! httpd's balancer-manager: a page that shows balancers, and forms that change them through the one door of the
//! registry, unguarded, so that exactly what httpd would apply is applied.
//!
//! | file | what |
//! | --- | --- |
//! | `handler.rs` | the request: method, body, answer |
//! | `parameter.rs` | names and values of a query or form |
//! | `form.rs`, `change.rs` | what a form asks for, and what becomes of it |
//! | `html.rs`, `entry.rs` | the page, and the forms on it |
//! | `xml.rs` | the same as XML |
//! | `text.rs` | escapes, sizes, numbers |
//!
//! Who may come at all is decided before.

mod change;
mod entry;
mod form;
pub(crate) mod handler;
mod html;
mod parameter;
mod text;
mod xml;

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_protocol::{BalancerName, BalancerSnapshot, ConnectionSettings, MemberSnapshot, Peer};

use self::parameter::Parameters;
use crate::config::{BalancerConfig, Config, Nonce, Written};
use crate::refusals::Refusals;
use crate::registry::Registry;
use crate::server::Proxy;
use crate::{limits, nonce};

/// What one reading of the configuration says of the manager pages.
pub(crate) struct Manager {
    sheets: HashMap<BalancerName, Sheet>,
    expressions: Vec<(String, String)>,
    /// Connections to a member without a limit of its own.
    most: usize,
    /// The server's own name, and the port of that.
    name: String,
    port: u16,
    /// `UseCanonicalName On`: does only that name count, whatever clients call us?
    canonical: bool,
    built: String,
    room: Arc<handler::Room>,
    refusals: Arc<Refusals>,
}

/// What the pages need of one balancer beside its snapshot.
#[derive(Clone)]
struct Sheet {
    /// Empty: nothing can be changed.
    nonce: String,
    is_random: bool,
    /// What stands in brackets behind its name.
    id: String,
    path: Option<String>,
    /// Had it a number of failovers at the start? Of one without, httpd's XML never shows one.
    attempts: bool,
    members: Vec<(ConnectionSettings, Written)>,
    /// How many members may be added.
    growth: u32,
    /// How many of the members were.
    added: u32,
}

impl Sheet {
    /// Is there room for another member?
    fn has_room(&self) -> bool {
        self.added < self.growth
    }

    /// How many members there can be, as the page tells.
    fn most(&self) -> usize {
        self.members.len() + self.growth.saturating_sub(self.added) as usize
    }
}

/// What a form came to, in a sentence.
struct Notice {
    done: bool,
    text: String,
}

/// One request, off the worker threads.
struct Request {
    /// Is it a POST?
    posted: bool,
    /// Of its target, as the page's links have it.
    path: String,
    parameters: Parameters,
    /// As the client calls us, with and without the port.
    authority: Option<String>,
    referer: Option<String>,
    origin: Option<String>,
    by: Peer,
}

/// A balancer, its sheet, and the member that was asked for.
type Selected<'a> = (&'a BalancerSnapshot, &'a Sheet, Option<&'a MemberSnapshot>);

/// Everything that is drawn.
struct View<'a> {
    snapshots: &'a [BalancerSnapshot],
    sheets: &'a HashMap<BalancerName, Sheet>,
    selected: Option<Selected<'a>>,
    notices: &'a [Notice],
    expressions: &'a [(String, String)],
    path: &'a str,
    host: &'a str,
    authority: &'a str,
    persists: bool,
    built: &'a str,
    most: usize,
}

impl<'a> View<'a> {
    fn balancers(&self) -> impl Iterator<Item = (&'a BalancerSnapshot, &'a Sheet)> {
        let sheets = self.sheets;
        self.snapshots.iter().filter_map(|snapshot| Some((snapshot, sheets.get(&snapshot.name)?)))
    }
}

/// What is to be answered.
struct Answer {
    status: u16,
    kind: &'static str,
    body: String,
    /// Where forms may be sent to.
    authority: String,
}

impl Manager {
    /// As `config` says. Nonces live as long as edits do: with `BalancerPersist Off` a reload forgets both, as in
    /// httpd. `named` are the name and port of the server.
    pub(crate) fn new(config: &Config, named: (&str, u16), before: Option<&Self>) -> Self {
        let vhost = crc32fast::hash(format!("{}:{}", named.0, named.1).as_bytes());
        let kept = before.filter(|_| config.persist);
        let sheets = config.balancers.iter().map(|balancer| {
            let known = kept.and_then(|manager| manager.sheets.get(&balancer.name));
            let nonce = match &balancer.manager.nonce {
                Nonce::ReadOnly => String::new(),
                Nonce::Fixed(text) => text.clone(),
                Nonce::Random => {
                    let known = known.filter(|known| known.is_random).map(|known| known.nonce.clone());
                    known.unwrap_or_else(nonce::random)
                }
            };
            let bare = balancer.name.as_str().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            let sheet = Sheet {
                nonce,
                is_random: balancer.manager.nonce == Nonce::Random,
                id: format!("p{vhost:x}_{bare}"),
                path: balancer.manager.path.clone(),
                attempts: balancer.settings.maxattempts.is_some() || balancer.members.len() > 1,
                members: written(balancer),
                growth: balancer.manager.growth,
                added: balancer.manager.added,
            };
            (balancer.name.clone(), sheet)
        });
        let checks = config.balancers.first().map(|balancer| Arc::clone(&balancer.checks));
        Self {
            sheets: sheets.collect(),
            expressions: checks.map(|checks| checks.written().to_vec()).unwrap_or_default(),
            most: config.max_connections.unwrap_or(limits::CLIENT_CONNECTIONS),
            name: named.0.to_owned(),
            port: named.1,
            canonical: config.canonical_name,
            built: before.map_or_else(built, |before| before.built.clone()),
            room: before.map_or_else(Arc::default, |before| Arc::clone(&before.room)),
            refusals: before.map_or_else(Arc::default, |before| Arc::clone(&before.refusals)),
        }
    }

    /// The same for members of now: nonces stay, as in httpd, where a member is added.
    pub(crate) fn with_members(&self, config: &Config) -> Self {
        let mut sheets = self.sheets.clone();
        for balancer in &config.balancers {
            if let Some(sheet) = sheets.get_mut(&balancer.name) {
                (sheet.members, sheet.added) = (written(balancer), balancer.manager.added);
            }
        }
        Self {
            sheets,
            expressions: self.expressions.clone(),
            name: self.name.clone(),
            built: self.built.clone(),
            room: Arc::clone(&self.room),
            refusals: Arc::clone(&self.refusals),
            ..*self
        }
    }

    /// Is a Host one that people on this machine have for it?
    pub(crate) fn is_called(&self, host: &[u8]) -> bool {
        let Ok(host) = std::str::from_utf8(host) else { return false };
        let bare = bare_host(host);
        let loopback = bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        loopback || bare.eq_ignore_ascii_case("localhost") || bare.eq_ignore_ascii_case(&self.name)
    }

    /// The name that this server goes by in a request, without brackets and port.
    fn host<'a>(&'a self, request: &'a Request) -> &'a str {
        let called = request.authority.as_deref().filter(|_| !self.canonical).map(bare_host);
        called.filter(|name| !name.is_empty()).unwrap_or(&self.name)
    }

    /// The host, and the port if it is not the usual one, as addresses of this server have them.
    fn authority(&self, request: &Request) -> String {
        let own = || if self.port == 80 { self.name.clone() } else { format!("{}:{}", self.name, self.port) };
        match request.authority.as_deref().filter(|_| !self.canonical) {
            None | Some("") => own(),
            Some(called) if called.len() > behind_brackets(called) + 1 && has_port(called) => {
                called.to_owned()
            }
            Some(called) if self.port == 80 => called.to_owned(),
            Some(called) => format!("{}:{}", called.trim_end_matches(':'), self.port),
        }
    }

    /// Is an address one of this server? Only hosts are compared, as in httpd.
    fn is_own(&self, address: &str, request: &Request) -> bool {
        let Some((_, rest)) = address.split_once("://") else { return false };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let called = authority.rsplit('@').next().unwrap_or_default();
        bare_host(called).eq_ignore_ascii_case(self.host(request))
    }

    /// Why the parameters of a request do not count; none: they do. Reading needs no Referer, which httpd asks for.
    fn distrust(&self, request: &Request) -> Option<&'static str> {
        if request.parameters.is_empty() {
            return None;
        }
        let is_own =
            |address: &Option<String>| address.as_deref().map(|address| self.is_own(address, request));
        match (is_own(&request.referer), is_own(&request.origin)) {
            (Some(false), _) => Some("its Referer is the page of another server"),
            (_, Some(false)) => Some("its Origin is another server"),
            (None, _) if request.posted => Some("it has no Referer"),
            _ => None,
        }
    }

    /// Does what a request asks for, and draws what holds then. It may wait for disks.
    fn answer(&self, request: &Request, proxy: &Proxy) -> Answer {
        let (mut notices, nothing) = (Vec::new(), Parameters::default());
        let mut status = 200;
        let parameters = match self.distrust(request) {
            None => &request.parameters,
            Some(why) => {
                let text = format!("Nothing was changed and nothing is chosen: {why}.");
                self.note_refused(request, proxy, &text);
                notices.push(Notice { done: false, text });
                &nothing
            }
        };
        if request.posted && parameters.changes_something() {
            (notices, status) = self.change(request, proxy);
        }
        // A member that was added has made another one.
        let site = Arc::clone(&proxy.site.borrow());
        site.manager.draw(request, (parameters, &notices, status), &proxy.registry)
    }

    fn draw(
        &self,
        request: &Request,
        (parameters, notices, status): (&Parameters, &[Notice], u16),
        registry: &Registry,
    ) -> Answer {
        let snapshots = look(registry);
        let authority = self.authority(request);
        let view = View {
            snapshots: &snapshots,
            sheets: &self.sheets,
            selected: self.select(parameters, &snapshots),
            notices,
            expressions: &self.expressions,
            path: &request.path,
            host: self.host(request),
            authority: &authority,
            persists: registry.keeps_edits(),
            built: &self.built,
            most: self.most,
        };
        let (kind, body) = if parameters.get("xml").is_some() {
            ("text/xml", xml::document(&view))
        } else {
            ("text/html; charset=ISO-8859-1", html::page(&view))
        };
        Answer { status, kind, body, authority }
    }

    /// The balancer and the member that parameters name.
    fn select<'a>(
        &'a self,
        parameters: &Parameters,
        snapshots: &'a [BalancerSnapshot],
    ) -> Option<Selected<'a>> {
        let name: BalancerName = parameters.get("b")?.split('/').next()?.parse().ok()?;
        let balancer = snapshots.iter().find(|snapshot| snapshot.name == name)?;
        let member = parameters.get("w").and_then(|url| find_member(balancer, url));
        Some((balancer, self.sheets.get(&name)?, member))
    }
}

/// All balancers as they are now.
fn look(registry: &Registry) -> Vec<BalancerSnapshot> {
    registry.balancers().iter().map(|balancer| balancer.snapshot()).collect()
}

/// What was written of each member.
fn written(balancer: &BalancerConfig) -> Vec<(ConnectionSettings, Written)> {
    let members = balancer.members.iter().enumerate().map(|(at, (_, settings))| {
        (settings.connection.clone(), balancer.manager.members.get(at).cloned().unwrap_or_default())
    });
    members.collect()
}

/// The member whose URL is the longest start of `url`, at least up to its host and port, as httpd finds it.
fn find_member<'a>(balancer: &'a BalancerSnapshot, url: &str) -> Option<&'a MemberSnapshot> {
    let url = &*without_socket(url);
    let (scheme, rest) = url.split_once("://").filter(|(_, rest)| !rest.is_empty())?;
    let least = rest.find('/').map_or(url.len(), |at| scheme.len() + 3 + at);
    let (front, path) = url.split_at_checked(least)?;
    let url = format!("{}{path}", front.to_ascii_lowercase());
    let fits = |member: &&MemberSnapshot| {
        let known = member.name.url();
        known.len() >= least && url.starts_with(known)
    };
    // Of equal ones the first, as where routes are looked up.
    let mut longest: Option<&MemberSnapshot> = None;
    for member in balancer.members.iter().filter(fits) {
        if longest.is_none_or(|found| member.name.url().len() > found.name.url().len()) {
            longest = Some(member);
        }
    }
    longest
}

/// A URL as httpd looks for it: which socket stands before the bar does not count, and a scheme alone behind it is one of
/// this machine.
fn without_socket(url: &str) -> Cow<'_, str> {
    let is_socket = |front: &str| front.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("unix:"));
    let Some((_, url)) = url.split_once('|').filter(|(front, _)| is_socket(front)) else { return url.into() };
    let scheme = url.strip_suffix("://").or_else(|| url.strip_suffix(':'));
    match scheme.filter(|scheme| !scheme.contains(':')) {
        Some(scheme) => format!("{scheme}://localhost").into(),
        None => url.into(),
    }
}

/// Where a port would start: behind the brackets of an IPv6 address.
fn behind_brackets(authority: &str) -> usize {
    authority.rfind(']').map_or(0, |at| at + 1)
}

fn has_port(authority: &str) -> bool {
    authority
        .get(behind_brackets(authority)..)
        .is_some_and(|rest| rest.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty()))
}

/// A host without port and brackets.
fn bare_host(authority: &str) -> &str {
    let start = behind_brackets(authority);
    let end = authority.get(start..).and_then(|rest| rest.find(':')).map_or(authority.len(), |at| start + at);
    authority.get(..end).unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

/// When this program was made, as far as its file tells, in the form that httpd has for it.
fn built() -> String {
    let modified =
        std::env::current_exe().and_then(|path| path.metadata()).and_then(|about| about.modified());
    let made = modified.ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    made.map_or_else(|| "unknown".to_owned(), |made| made.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}
