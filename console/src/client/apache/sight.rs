//! From the texts of a page to a snapshot. What the page does not tell is named, and never made up.

use std::str::FromStr;
use std::time::Duration;

use evenkeel_protocol::health::HealthSnapshot;
use evenkeel_protocol::{
    Answers, BalancerName, BalancerSettings, BalancerSnapshot, CheckUri, Checks, ErrorNote, ExpressionName,
    Flag, Foreign, Hello, INTERFACE, Latencies, MemberSnapshot, Route, Snapshot, Status, StickySession,
    Timestamp,
};

use super::page::{Balancer, Member, Page};
use super::size;
use super::xml::Exact;

/// Seconds that httpd leaves a member in error where its XML names no other number.
const USUAL_RETRY: u32 = 60;

/// What no manager page tells of a member, and of the settings of a balancer.
const NEVER_TOLD: [&str; 20] = [
    "served",
    "failed",
    "failovers",
    "repeats",
    "checks",
    "answers",
    "latency",
    "sessions",
    "heard",
    "health.last",
    "settings.stickysessionsep",
    "settings.scolonpathdelim",
    "settings.sessionwindow",
    "settings.failonstatus",
    "settings.failontimeout",
    "settings.forcerecovery",
    "proxy.pid",
    "proxy.started",
    "proxy.loaded",
    "proxy.reloads",
];

/// What only the XML tells.
const EXACT: [&str; 4] = ["transferred", "read", "retries", "retry"];

/// A page and its XML, if that was to be had.
pub(super) struct Sight<'a> {
    pub(super) page: &'a Page,
    pub(super) exact: Option<&'a [Exact]>,
    /// The address of the page.
    pub(super) url: &'a str,
    pub(super) taken: Timestamp,
}

impl Sight<'_> {
    /// Who answers.
    pub(super) fn hello(&self) -> Hello {
        let mut untold: Vec<String> = NEVER_TOLD.iter().map(ToString::to_string).collect();
        if self.exact.is_none() {
            untold.extend(EXACT.iter().map(ToString::to_string));
        }
        let mut members = self.page.balancers.iter().flat_map(|balancer| &balancer.members);
        if members.clone().next().is_some() && members.clone().all(|member| busy(member).is_none()) {
            untold.push("busy".to_owned());
        }
        if let Some(first) = members.next() {
            for (heading, field) in [("Load", "lbstatus"), ("HC Method", "health")] {
                if first.cells.get(heading).is_none() {
                    untold.push(field.to_owned());
                }
            }
        }
        Hello {
            product: Hello::HTTPD.to_owned(),
            version: self.page.version.clone(),
            interface: INTERFACE,
            pid: 0,
            configuration: format!("balancer-manager of {}", self.page.server),
            listen: vec![self.url.to_owned()],
            started: self.taken,
            loaded: self.taken,
            reloads: 0,
            untold,
        }
    }

    /// Everything, without what follows from having looked before.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            proxy: self.hello(),
            taken: self.taken,
            event: 0,
            balancers: self.page.balancers.iter().map(|balancer| self.balancer(balancer)).collect(),
            drains: Vec::new(),
            undurable: Vec::new(),
            undurable_drains: Vec::new(),
            unwritable: false,
            warnings: self.warnings(),
            forgotten: Vec::new(),
            alternating: false,
            cached: self.page.cached.is_some(),
        }
    }

    fn warnings(&self) -> Vec<String> {
        let cached = self.page.cached.iter().map(|by| {
            format!(
                "a cache answers ({by}): name httpd itself with --apache, or have the cache leave this page alone; what is \
                 shown may be old, and nothing is changed by it"
            )
        });
        cached.chain(self.page.passed_over.iter().map(|passed| format!("not shown: {passed}"))).collect()
    }

    fn balancer(&self, balancer: &Balancer) -> BalancerSnapshot {
        let cells = &balancer.cells;
        let path = cells.get("Path").map(|path| path.rsplit(" -> ").next().unwrap_or(path));
        let (lbmethod, foreign_lbmethod) = known_or_foreign(cells.get("Method"));
        BalancerSnapshot {
            name: balancer.name.clone(),
            revision: 0,
            settings: BalancerSettings {
                lbmethod,
                stickysession: cells.get("StickySession").and_then(sticky),
                nofailover: cells.get("DisableFailover") == Some("On"),
                timeout: cells.number("Timeout").unwrap_or_default(),
                maxattempts: cells.number("FailoverAttempts"),
                ..BalancerSettings::default()
            },
            foreign_lbmethod,
            paths: path.filter(|path| !path.is_empty()).map(str::to_owned).into_iter().collect(),
            members: balancer.members.iter().map(|member| self.member(balancer, member)).collect(),
            room: cells.get("MaxMembers").and_then(room),
        }
    }

    fn exact(&self, balancer: &Balancer, member: &Member) -> Option<&Exact> {
        let shown = |exact: &&Exact| {
            exact.member == member.name.as_str()
                || exact.member == member.name.url()
                || exact.member == member.w
        };
        let own =
            |exact: &&Exact| BalancerName::as_shown(&exact.balancer).is_ok_and(|name| balancer.name == name);
        self.exact?.iter().find(|exact| own(exact) && shown(exact))
    }

    fn member(&self, balancer: &Balancer, member: &Member) -> MemberSnapshot {
        let cells = &member.cells;
        let exact = self.exact(balancer, member);
        let busy = busy(member);
        let words = cells.get("Status").unwrap_or_default();
        let status = status(words);
        let route = |heading| Route::as_shown(cells.get(heading).unwrap_or_default()).unwrap_or_default();
        let bytes = |known: Option<u64>, heading| {
            known.or_else(|| size::read(cells.get(heading)?)).unwrap_or_default()
        };
        let retry = exact.and_then(|exact| exact.retry).unwrap_or(USUAL_RETRY);
        MemberSnapshot {
            name: member.name.clone(),
            revision: 0,
            route: route("Route"),
            redirect: route("RouteRedir"),
            lbfactor: cells.number("Factor").unwrap_or_default(),
            lbset: cells.number("Set").unwrap_or_default(),
            status,
            words: words.to_owned(),
            usable: status.is_usable(),
            elected: cells.number("Elected").unwrap_or_default(),
            served: 0,
            failed: 0,
            busy: busy.unwrap_or_default(),
            uncounted: busy.is_none(),
            sessions: None,
            lbstatus: cells.number("Load").unwrap_or_default(),
            transferred: bytes(exact.and_then(|exact| exact.transferred), "To"),
            read: bytes(exact.and_then(|exact| exact.read), "From"),
            retry,
            retries: exact.and_then(|exact| exact.retries).unwrap_or_default(),
            error: exact.and_then(|exact| exact.error_time).filter(|_| status.has(Flag::Error)).map(|at| {
                let due = at.plus(Duration::from_secs(u64::from(retry)));
                ErrorNote {
                    reason: "httpd does not say why; its error log does".to_owned(),
                    at,
                    retry_at: Some(due).filter(|due| *due > self.taken),
                }
            }),
            heard: None,
            health: health(member),
            checks: Checks::default(),
            answers: Answers::default(),
            latency: Latencies::default(),
            failovers: 0,
            repeats: 0,
        }
    }
}

/// Requests in flight. Where httpd has counted below zero it prints what no number of requests is.
fn busy(member: &Member) -> Option<u64> {
    member.cells.number("Busy").filter(|count| *count < u64::from(u32::MAX))
}

/// A method of ours, or the name of one that is none; without a column that which is usual.
fn known_or_foreign<T: FromStr + Default>(text: Option<&str>) -> (T, Option<Foreign>) {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return (T::default(), None) };
    match text.parse() {
        Ok(known) => (known, None),
        Err(_) => (T::default(), Some(Foreign::new(text))),
    }
}

/// `4 [3 Used]`: how many there may be, and how many there are.
fn room(text: &str) -> Option<u32> {
    let (most, used) = text.split_once(" [")?;
    Some(most.parse::<u32>().ok()?.saturating_sub(used.strip_suffix(" Used]")?.parse().ok()?))
}

/// `COOKIE|PATH`, which some versions print with blanks around the bar.
fn sticky(text: &str) -> Option<StickySession> {
    if matches!(text, "(None)" | "-" | "") {
        return None;
    }
    let names: Vec<&str> = text.split('|').map(str::trim).collect();
    names.join("|").parse().ok()
}

/// The flags that stand in words. Versions without a word for initialised say `-` where a member is not.
fn status(words: &str) -> Status {
    let has = |wanted: &str| words.split(' ').any(|word| word == wanted);
    let flags = Flag::ALL.into_iter().filter(|flag| has(flag.word()));
    let status = flags.fold(Status::NONE, |status, flag| status.with(flag, true));
    let initialised = has(Flag::Initialised.word()) || !(has("-") || has("???") || words.is_empty());
    status.with(Flag::Initialised, initialised)
}

fn health(member: &Member) -> HealthSnapshot {
    let cells = &member.cells;
    let count = |heading: &str| {
        let (wanted, counted) = cells.get(heading).and_then(|text| text.split_once(" ("))?;
        Some((wanted.parse().ok()?, counted.trim_end_matches(')').parse().ok()?))
    };
    let (passes, passed) = count("Passes").unwrap_or_default();
    let (fails, failed) = count("Fails").unwrap_or_default();
    let text = |heading| cells.get(heading).unwrap_or_default();
    let (method, foreign_method) = known_or_foreign(cells.get("HC Method"));
    HealthSnapshot {
        method,
        foreign_method,
        interval: text("HC Interval").parse().unwrap_or_default(),
        passes,
        passed,
        fails,
        failed,
        uri: text("HC uri").parse::<CheckUri>().unwrap_or_default(),
        expression: text("HC Expr").parse::<ExpressionName>().unwrap_or_default(),
        timeout: None,
        last: None,
    }
}
