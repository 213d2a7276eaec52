//! `evenkeel sessions`: what was seen of the sessions of each route, and of which none was seen any more.

use std::time::Duration;

use clap::Args;
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{BalancerName, Census, MemberName, RouteSessions, Timestamp};
use jiff::tz::TimeZone;
use serde_json::json;

use super::output::Stop;
use super::retry::span;
use super::table::{Column, Columns, Keep, Layout, NOTHING};
use super::target::{self, Target};
use super::{Exit, Session, complete};

pub(super) const HELP: &str = "\
A session counts when a member of its route answers it, and for as long as the window lasts (sessionwindow=, 30m). ~ \
stands before an estimate. None is said only when a whole window was seen without any.

Examples:
  evenkeel sessions
  evenkeel sessions app
  evenkeel sessions app --json | jq '.censuses[].routes[] | {route, live, last_seen}'";

/// What can be typed behind `sessions`.
#[derive(Debug, Args)]
pub struct SessionsArguments {
    /// A balancer; nothing: all that keep sessions
    #[arg(value_name = "BALANCER", add = complete::everything())]
    balancer: Option<String>,
    /// Print the result as JSON, with exact times
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(arguments: &SessionsArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let client = session.client().await?;
    let snapshot = client.snapshot().await?;
    let asked: Vec<BalancerName> = if let Some(text) = &arguments.balancer {
        let (Target::Balancer(balancer) | Target::Member(balancer, _)) = target::any(&snapshot, text)?;
        vec![balancer.name.clone()]
    } else {
        let keeping = snapshot.balancers.iter().filter(|it| it.settings.stickysession.is_some());
        keeping.map(|balancer| balancer.name.clone()).collect()
    };
    let mut censuses = Vec::new();
    for balancer in &asked {
        censuses.push(client.census(balancer).await?);
    }
    if arguments.json {
        session.output.json(&json!({"version": 1, "censuses": censuses}))?;
        return Ok(Exit::Done);
    }
    let columns = if session.output.is_terminal() { Columns::Fitting } else { Columns::All };
    let tables: Vec<String> = censuses.iter().map(|census| table(census, columns, &session.zone)).collect();
    let told = if tables.is_empty() { "no balancer keeps sessions".to_owned() } else { tables.join("\n\n") };
    session.output.result(&told)?;
    Ok(Exit::Done)
}

const COLUMNS: &[Column] = &[
    Column::text("Route", Keep::Always),
    Column::number("Live", Keep::Always),
    Column::text("Last seen", Keep::Always),
    Column::number("Leaving", Keep::Unless(NOTHING)),
    Column::number("Claimed", Keep::Unless("0")),
    Column::text("Members", Keep::Always),
];

fn table(census: &Census, columns: Columns, zone: &TimeZone) -> String {
    let name = census.balancer.url();
    if !census.sticky {
        return format!("{name}  keeps no sessions: it has no stickysession");
    }
    let window = Duration::from_millis(census.window_ms);
    let observed = span(census.taken.since(census.observed_since));
    let mut lines = vec![format!("{name}  window {}, observed for {observed}", span(window))];
    let rows: Vec<Vec<String>> = census.routes.iter().map(|route| cells(route, census, zone)).collect();
    if rows.is_empty() {
        lines.push("  no member has a route".to_owned());
    } else {
        let layout = Layout::of(COLUMNS, &rows, columns);
        lines.push(layout.head());
        lines.extend(rows.iter().map(|row| layout.row(row)));
    }
    if census.routes.iter().any(|route| route.anonymous) {
        lines.push("  + and more: sessions that are nothing but a route cannot be told apart".to_owned());
    }
    if census.strangers > 0 {
        lines.push(format!("  sessions that asked for routes that no member has: {}", census.strangers));
    }
    lines.join("\n")
}

fn cells(route: &RouteSessions, census: &Census, zone: &TimeZone) -> Vec<String> {
    let live = match (route.live, route.unknown_until) {
        (0, Some(_)) => "?".to_owned(),
        (live, _) => {
            let (about, more) = (if route.exact { "" } else { "~" }, if route.anonymous { "+" } else { "" });
            format!("{about}{live}{more}")
        }
    };
    let seen = match (route.last_seen, route.unknown_until) {
        (Some(last), _) => format!("{} ago", span(census.taken.since(last))),
        (None, Some(until)) => format!("unknown until {}", clock(until, zone)),
        (None, None) => format!("none answered for {}", span(Duration::from_millis(census.window_ms))),
    };
    let members: Vec<&str> = route.members.iter().map(MemberName::authority).collect();
    vec![
        clean(route.route.as_str(), 40),
        live,
        seen,
        route.departing.map_or_else(|| NOTHING.to_owned(), |departing| format!("{departing}/h")),
        route.claimed.to_string(),
        if members.is_empty() { NOTHING.to_owned() } else { members.join(", ") },
    ]
}

/// A time of day.
pub(super) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let at = i64::try_from(at.0).ok().and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    at.map_or_else(|| NOTHING.to_owned(), |at| at.to_zoned(zone.clone()).strftime("%T").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    fn census() -> Census {
        serde_json::from_str(include_str!("../../../protocol/documents/census.json")).unwrap()
    }

    #[test]
    fn every_kind_of_knowledge_has_its_words() {
        let mut census = census();
        let unseen = RouteSessions { live: 0, last_seen: None, departing: None, ..census.routes[0].clone() };
        let unknown = Timestamp(census.taken.0 + 600_000_000);
        census.routes.push(unseen.clone());
        census.routes.push(RouteSessions { unknown_until: Some(unknown), ..unseen });
        census.routes.push(RouteSessions { anonymous: true, live: 1, ..census.routes[0].clone() });
        let table = table(&census, Columns::Fitting, &TimeZone::UTC);
        assert_eq!(
            table.lines().collect::<Vec<_>>(),
            [
                "balancer://mycluster  window 30 min, observed for 2 h",
                "Route    Live  Last seen                 Leaving  Claimed  Members",
                "node1      17  41 s ago                    126/h        0  backend1.example.com",
                "node2  ~12873  0 s ago                     900/h        3  backend2.example.com",
                "node1       0  none answered for 30 min        -        0  backend1.example.com",
                "node1       ?  unknown until 12:10:30          -        0  backend1.example.com",
                "node1      1+  41 s ago                    126/h        0  backend1.example.com",
                "  + and more: sessions that are nothing but a route cannot be told apart",
                "  sessions that asked for routes that no member has: 2",
            ]
        );
    }

    #[tokio::test]
    async fn balancers_that_keep_sessions_are_asked() {
        let proxy = Scripted::start(|request| match request.target.as_str() {
            "/v1/snapshot" => Act::json(&scripted::snapshot(3)),
            target => {
                assert_eq!(target, "/v1/balancers/app/sessions");
                Act::json(&census())
            }
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("sessions app").await, Exit::Done);
        assert!(scene.out().contains("~12873"), "{}", scene.out());
        assert_eq!(scene.run("sessions app --json").await, Exit::Done);
        let value: serde_json::Value = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!(value["censuses"][0]["routes"][0]["live"], 17);
        assert_eq!(scene.run("sessions nosuch").await, Exit::NotFound);
    }

    #[test]
    fn what_keeps_none_says_why() {
        let none = Census { sticky: false, routes: Vec::new(), ..census() };
        assert!(table(&none, Columns::All, &TimeZone::UTC).contains("keeps no sessions"));
        let bare = Census { routes: Vec::new(), strangers: 0, ..census() };
        assert!(table(&bare, Columns::All, &TimeZone::UTC).ends_with("no member has a route"));
    }
}
