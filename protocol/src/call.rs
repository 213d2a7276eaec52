//! What can be asked of the admin interface, as method and path of a request and back.
//!
//! A client builds method and path from a [`Call`]; the proxy reads a [`Call`] back from them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::clean::clean;
use crate::history::HistoryQuery;
use crate::name::{BalancerName, MemberName};
use crate::refusal::{Code, Refusal};

/// What is asked of the admin interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Who answers?
    Hello,
    /// Everything.
    Snapshot,
    /// One balancer.
    Balancer(BalancerName),
    /// One member; the text is a selector within the balancer.
    Member(BalancerName, String),
    /// Change a balancer.
    EditBalancer(BalancerName),
    /// Change a member; the text is a selector within the balancer.
    EditMember(BalancerName, String),
    /// Add a member to a balancer.
    AddMember(BalancerName),
    /// What would that do?
    PreviewAddition(BalancerName),
    /// Remove a member; the text is a selector within the balancer.
    RemoveMember(BalancerName, String),
    /// What would that do?
    PreviewRemoval(BalancerName, String),
    /// Drain a member; the text is a selector within the balancer.
    BeginDrain(BalancerName, String),
    /// All drains.
    Drains,
    /// One drain.
    Drain(u64),
    /// Change a drain.
    ChangeDrain(u64),
    /// End a drain.
    CancelDrain(u64),
    /// What was seen of the sessions of a balancer.
    Sessions(BalancerName),
    /// Where would a request go? A POST, because a cookie must not stand in a URL.
    Explain,
    /// The last elections. A POST for the same reason.
    Elections,
    /// The past of one member, the text being a selector within the balancer; none: of all its members.
    History(BalancerName, Option<String>, HistoryQuery),
    /// Everything counted and measured.
    Metrics,
    /// What would such a change of a balancer do?
    PreviewBalancer(BalancerName),
    /// What would such a change of a member do? The text is a selector within the balancer.
    PreviewMember(BalancerName, String),
    /// What would several edits of members do together?
    PreviewPlan,
    /// Take an edit back.
    Undo,
    /// What was set over the configuration.
    Overrides,
    /// Read the configuration anew.
    Reload,
    /// Events.
    Events {
        /// Only those with a greater number; none: only those that come. A number that was not given yet means from
        /// the beginning: it is another proxy's, or of a time that the audit does not remember.
        since: Option<u64>,
        /// Go on as they happen, or end after those there are?
        follow: bool,
    },
}

/// What must be escaped in one segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

impl Call {
    /// The call that changes a known member.
    pub fn edit_member(balancer: &BalancerName, member: &MemberName) -> Self {
        Self::EditMember(balancer.clone(), member.as_str().to_owned())
    }

    /// The call that tells what a change of a known member would do.
    pub fn preview_member(balancer: &BalancerName, member: &MemberName) -> Self {
        Self::PreviewMember(balancer.clone(), member.as_str().to_owned())
    }

    /// The HTTP method.
    pub fn method(&self) -> &'static str {
        match self {
            Self::EditBalancer(_)
            | Self::EditMember(..)
            | Self::PreviewBalancer(_)
            | Self::PreviewMember(..)
            | Self::ChangeDrain(_) => "PATCH",
            Self::RemoveMember(..) | Self::PreviewRemoval(..) => "DELETE",
            Self::Reload
            | Self::Undo
            | Self::PreviewPlan
            | Self::Explain
            | Self::Elections
            | Self::AddMember(_)
            | Self::PreviewAddition(_)
            | Self::BeginDrain(..)
            | Self::CancelDrain(_) => "POST",
            _ => "GET",
        }
    }

    /// The balancer that it names, and the member, if it asks for a change of one.
    pub fn subject(&self) -> Option<(&BalancerName, Option<&str>)> {
        match self {
            Self::EditBalancer(balancer) | Self::AddMember(balancer) => Some((balancer, None)),
            Self::EditMember(balancer, member)
            | Self::RemoveMember(balancer, member)
            | Self::BeginDrain(balancer, member) => Some((balancer, Some(member))),
            _ => None,
        }
    }

    /// Does it change something? A socket for looking only refuses it then.
    pub fn changes(&self) -> bool {
        match self {
            Self::EditBalancer(_)
            | Self::EditMember(..)
            | Self::AddMember(_)
            | Self::RemoveMember(..)
            | Self::BeginDrain(..)
            | Self::ChangeDrain(_)
            | Self::CancelDrain(_)
            | Self::Undo
            | Self::Reload => true,
            Self::Hello
            | Self::Snapshot
            | Self::Balancer(_)
            | Self::Member(..)
            | Self::PreviewBalancer(_)
            | Self::PreviewMember(..)
            | Self::PreviewAddition(_)
            | Self::PreviewRemoval(..)
            | Self::PreviewPlan
            | Self::Overrides
            | Self::Drains
            | Self::Drain(_)
            | Self::Sessions(_)
            | Self::Explain
            | Self::Elections
            | Self::History(..)
            | Self::Metrics
            | Self::Events { .. } => false,
        }
    }

    /// The path and query.
    pub fn path(&self) -> String {
        let escaped = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
        match self {
            Self::Hello => "/v1".to_owned(),
            Self::Snapshot => "/v1/snapshot".to_owned(),
            Self::Reload => "/v1/reload".to_owned(),
            Self::Explain => "/v1/explain".to_owned(),
            Self::Elections => "/v1/elections".to_owned(),
            Self::Sessions(name) => format!("/v1/balancers/{}/sessions", escaped(name.as_str())),
            Self::Metrics => "/metrics".to_owned(),
            Self::History(name, None, query) => {
                format!("/v1/balancers/{}/history?{}", escaped(name.as_str()), query.query())
            }
            Self::History(name, Some(member), query) => {
                let (name, member) = (escaped(name.as_str()), escaped(member));
                format!("/v1/balancers/{name}/members/{member}/history?{}", query.query())
            }
            Self::Balancer(name) | Self::EditBalancer(name) => {
                format!("/v1/balancers/{}", escaped(name.as_str()))
            }
            Self::AddMember(name) => format!("/v1/balancers/{}/members", escaped(name.as_str())),
            Self::PreviewAddition(name) => {
                format!("/v1/balancers/{}/members?dry_run=true", escaped(name.as_str()))
            }
            Self::Member(name, member)
            | Self::EditMember(name, member)
            | Self::RemoveMember(name, member) => {
                format!("/v1/balancers/{}/members/{}", escaped(name.as_str()), escaped(member))
            }
            Self::BeginDrain(name, member) => {
                format!("/v1/balancers/{}/members/{}/drain", escaped(name.as_str()), escaped(member))
            }
            Self::Drains => "/v1/drains".to_owned(),
            Self::Drain(number) | Self::ChangeDrain(number) => format!("/v1/drains/{number}"),
            Self::CancelDrain(number) => format!("/v1/drains/{number}/cancel"),
            Self::PreviewBalancer(name) => format!("/v1/balancers/{}?dry_run=true", escaped(name.as_str())),
            Self::PreviewMember(name, member) | Self::PreviewRemoval(name, member) => {
                format!("/v1/balancers/{}/members/{}?dry_run=true", escaped(name.as_str()), escaped(member))
            }
            Self::PreviewPlan => "/v1/preview".to_owned(),
            Self::Undo => "/v1/undo".to_owned(),
            Self::Overrides => "/v1/overrides".to_owned(),
            Self::Events { since: Some(since), follow } => {
                format!("/v1/events?since={since}&follow={follow}")
            }
            Self::Events { since: None, follow } => format!("/v1/events?follow={follow}"),
        }
    }

    /// Reads method and target (path and query) of a request.
    ///
    /// A member may also stand unescaped, slashes and all: everything behind `members/` is its selector, but for the
    /// name of an act at the end. One whose own URL ends like that must be escaped.
    pub fn parse(method: &str, target: &str) -> Result<Self, Refusal> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let bad = |message: String| Err(Refusal::new(Code::BadRequest, message));
        let nowhere = || {
            Err(Refusal::new(
                Code::NotFound,
                format!("there is nothing at '{}'; GET /v1/snapshot shows all balancers", clean(path, 120)),
            ))
        };
        let segments: Vec<&str> = match path.strip_prefix("/v1") {
            Some(rest) => rest.split('/').skip(1).collect(),
            None if path == "/metrics" => vec![path],
            None => return nowhere(),
        };
        let takes_query = matches!(segments.as_slice(), ["events"] | ["balancers", _, .., "history"]);
        let adds = method == "POST" && matches!(segments.as_slice(), ["balancers", _, "members"]);
        let changes = matches!(method, "PATCH" | "DELETE") || adds;
        let dry_run = changes && parse_dry_run(query)?;
        if !query.is_empty() && !takes_query && !changes {
            return bad(format!("'{}' takes no parameters", clean(path, 120)));
        }
        let Some(call) = Self::at(method, &segments, (query, dry_run))? else { return nowhere() };
        let previews = matches!(
            call,
            Self::PreviewBalancer(_)
                | Self::PreviewMember(..)
                | Self::PreviewAddition(_)
                | Self::PreviewRemoval(..)
        );
        if dry_run && !previews {
            return bad(format!("'{}' cannot be asked as a dry run", clean(path, 120)));
        }
        if call.method() != method {
            let methods = match call {
                Self::Member(..) => "GET, PATCH or DELETE",
                Self::Balancer(_) | Self::Drain(_) => "GET or PATCH",
                _ => call.method(),
            };
            return Err(Refusal::new(
                Code::MethodNotAllowed,
                format!("{} is not for '{}'; use {methods}", clean(method, 20), clean(path, 120)),
            ));
        }
        Ok(call)
    }

    /// What stands at a path.
    fn at(method: &str, segments: &[&str], (query, dry_run): (&str, bool)) -> Result<Option<Self>, Refusal> {
        Ok(Some(match segments {
            [] | [""] => Self::Hello,
            ["snapshot"] => Self::Snapshot,
            ["reload"] => Self::Reload,
            ["explain"] => Self::Explain,
            ["elections"] => Self::Elections,
            ["preview"] => Self::PreviewPlan,
            ["undo"] => Self::Undo,
            ["overrides"] => Self::Overrides,
            ["events"] => parse_events(query)?,
            ["/metrics"] => Self::Metrics,
            ["balancers", name, "history"] => {
                Self::History(balancer(name)?, None, HistoryQuery::parse(query)?)
            }
            ["balancers", name, "members", member @ .., "history"] if !member.is_empty() => {
                let member = decoded(&member.join("/"))?;
                Self::History(balancer(name)?, Some(member), HistoryQuery::parse(query)?)
            }
            ["balancers", name] => {
                let name = balancer(name)?;
                match method {
                    "PATCH" if dry_run => Self::PreviewBalancer(name),
                    "PATCH" => Self::EditBalancer(name),
                    _ => Self::Balancer(name),
                }
            }
            ["drains"] => Self::Drains,
            ["drains", number] if method == "PATCH" => Self::ChangeDrain(drain(number)?),
            ["drains", number] => Self::Drain(drain(number)?),
            ["drains", number, "cancel"] => Self::CancelDrain(drain(number)?),
            ["balancers", name, "members", member @ .., "drain"]
                if method == "POST" && !member.is_empty() =>
            {
                Self::BeginDrain(balancer(name)?, decoded(&member.join("/"))?)
            }
            ["balancers", name, "sessions"] => Self::Sessions(balancer(name)?),
            ["balancers", name, "members"] if dry_run => Self::PreviewAddition(balancer(name)?),
            ["balancers", name, "members"] => Self::AddMember(balancer(name)?),
            ["balancers", name, "members", member @ ..] if !member.is_empty() => {
                let (name, member) = (balancer(name)?, decoded(&member.join("/"))?);
                match method {
                    "DELETE" if dry_run => Self::PreviewRemoval(name, member),
                    "DELETE" => Self::RemoveMember(name, member),
                    "PATCH" if dry_run => Self::PreviewMember(name, member),
                    "PATCH" => Self::EditMember(name, member),
                    _ => Self::Member(name, member),
                }
            }
            _ => return Ok(None),
        }))
    }
}

fn parse_events(query: &str) -> Result<Call, Refusal> {
    let (mut since, mut follow) = (None, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let refuse = |message: &str| {
            Err(Refusal::field(Code::Invalid, &clean(key, 40), format!("{}: {message}", clean(key, 40))))
        };
        match key {
            "since" if since.is_some() => return refuse("stands there twice"),
            "follow" if follow.is_some() => return refuse("stands there twice"),
            "since" => match value.parse() {
                Ok(number) => since = Some(number),
                Err(_) => return refuse("must be the number of an event"),
            },
            "follow" => match value.parse() {
                Ok(whether) => follow = Some(whether),
                Err(_) => return refuse("must be true or false"),
            },
            _ => return refuse("is no parameter of the events; those are since and follow"),
        }
    }
    Ok(Call::Events { since, follow: follow.unwrap_or(true) })
}

/// Is a change only to be looked at?
fn parse_dry_run(query: &str) -> Result<bool, Refusal> {
    let refuse = |message: &str| Err(Refusal::field(Code::Invalid, "dry_run", message));
    match query.split_once('=') {
        None if query.is_empty() => Ok(false),
        Some(("dry_run", "true")) => Ok(true),
        Some(("dry_run", "false")) => Ok(false),
        Some(("dry_run", _)) => refuse("dry_run: must be true or false"),
        _ => refuse("a change takes one parameter, dry_run=true, which only looks what it would do"),
    }
}

fn decoded(text: &str) -> Result<String, Refusal> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => {
            Err(Refusal::new(Code::BadRequest, "the path is not UTF-8 when its percent signs are decoded"))
        }
    }
}

fn balancer(text: &str) -> Result<BalancerName, Refusal> {
    let text = decoded(text)?;
    text.parse().map_err(|why| {
        Refusal::field(Code::NotFound, "balancer", format!("the balancer '{}' {why}", clean(&text, 80)))
    })
}

fn drain(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| {
        let message = format!("'{}' is no number of a drain; GET /v1/drains shows them", clean(text, 40));
        Refusal::field(Code::NotFound, "number", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::ENDPOINTS;

    fn calls() -> Vec<Call> {
        let app: BalancerName = "app".parse().unwrap();
        let member: MemberName = "http://[::1]:80/a b".replace(' ', "_").parse().unwrap();
        vec![
            Call::Hello,
            Call::Snapshot,
            Call::Reload,
            Call::BeginDrain(app.clone(), "http://a/drain".to_owned()),
            Call::Drains,
            Call::Drain(7),
            Call::ChangeDrain(7),
            Call::CancelDrain(7),
            Call::Explain,
            Call::Elections,
            Call::Sessions(app.clone()),
            Call::PreviewPlan,
            Call::Undo,
            Call::Overrides,
            Call::PreviewBalancer(app.clone()),
            Call::preview_member(&app, &member),
            Call::Balancer(app.clone()),
            Call::Member(app.clone(), "node1".to_owned()),
            Call::EditBalancer(app.clone()),
            Call::AddMember(app.clone()),
            Call::PreviewAddition(app.clone()),
            Call::RemoveMember(app.clone(), "http://a/b".to_owned()),
            Call::PreviewRemoval(app.clone(), "node1".to_owned()),
            Call::edit_member(&app, &member),
            Call::edit_member(&app, &"unix:/run/x.sock|ws://a/b".parse().unwrap()),
            Call::History(app.clone(), None, HistoryQuery::default()),
            Call::History(app.clone(), Some("http://a/history".to_owned()), HistoryQuery::default()),
            Call::Member(app.clone(), "http://a/history".to_owned()),
            Call::Metrics,
            Call::Events { since: Some(7), follow: false },
            Call::Events { since: None, follow: true },
        ]
    }

    #[test]
    fn a_call_reads_back_from_its_own_path() {
        for call in calls() {
            assert_eq!(Call::parse(call.method(), &call.path()), Ok(call));
        }
    }

    #[test]
    fn every_row_of_the_table_is_a_call() {
        for row in ENDPOINTS {
            let path = row
                .path
                .replace("{balancer}", "app")
                .replace("{member}", "node1")
                .replace("{number}", "1")
                .replace("{bool}", "true");
            assert_eq!(Call::parse(row.method, &path).unwrap().method(), row.method, "{}", row.path);
        }
        for call in calls() {
            assert!(ENDPOINTS.iter().any(|row| row.method == call.method()), "{call:?}");
        }
    }

    #[test]
    fn a_member_may_stand_as_it_is() {
        let call = Call::parse("PATCH", "/v1/balancers/app/members/http://127.0.0.1:9001/x").unwrap();
        assert_eq!(call, Call::EditMember("app".parse().unwrap(), "http://127.0.0.1:9001/x".to_owned()));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (method, target, code) in [
            ("GET", "/", Code::NotFound),
            ("GET", "/v2/snapshot", Code::NotFound),
            ("GET", "/v1/nothing", Code::NotFound),
            ("GET", "/v1/balancers/app/members", Code::MethodNotAllowed),
            ("DELETE", "/v1/balancers/app/members", Code::MethodNotAllowed),
            ("POST", "/v1/balancers/app/members?dry_run=1", Code::Invalid),
            ("DELETE", "/v1/balancers/app/members/a?force=true", Code::Invalid),
            ("POST", "/v1/snapshot", Code::MethodNotAllowed),
            ("DELETE", "/v1/balancers/app", Code::MethodNotAllowed),
            ("GET", "/v1/reload", Code::MethodNotAllowed),
            ("GET", "/v1/explain", Code::MethodNotAllowed),
            ("POST", "/v1/balancers/app/sessions", Code::MethodNotAllowed),
            ("POST", "/v1/reload?force=1", Code::BadRequest),
            ("GET", "/v1/snapshot?x=1", Code::BadRequest),
            ("PATCH", "/v1/drains/7?dry_run=true", Code::BadRequest),
            ("GET", "/v1/metrics", Code::NotFound),
            ("GET", "/metrics?x=1", Code::BadRequest),
            ("POST", "/metrics", Code::MethodNotAllowed),
            ("GET", "/v1/balancers/app/history?points=x", Code::Invalid),
            ("PATCH", "/v1/balancers/app/members/a/history", Code::MethodNotAllowed),
            ("GET", "/v1/events?since=-1", Code::Invalid),
            ("GET", "/v1/events?since=1&since=2", Code::Invalid),
            ("GET", "/v1/events?nope=1", Code::Invalid),
            ("GET", "/v1/drains/x", Code::NotFound),
            ("DELETE", "/v1/drains/1", Code::MethodNotAllowed),
            ("POST", "/v1/balancers/app/members/drain", Code::MethodNotAllowed),
            ("PATCH", "/v1/balancers/app?dry_run=maybe", Code::Invalid),
            ("PATCH", "/v1/balancers/app?force=true", Code::Invalid),
            ("PATCH", "/v1/balancers/app/members/a?dry_run=true&dry_run=true", Code::Invalid),
            ("GET", "/v1/balancers/app?dry_run=true", Code::BadRequest),
            ("GET", "/v1/undo", Code::MethodNotAllowed),
            ("GET", "/v1/balancers/%ff", Code::BadRequest),
            ("GET", "/v1/balancers/a%1bb", Code::NotFound),
        ] {
            assert_eq!(Call::parse(method, target).unwrap_err().code, code, "{method} {target}");
        }
    }
}
