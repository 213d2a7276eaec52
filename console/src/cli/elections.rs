//! `evenkeel elections`: the last elections, who was elected and why, and what came of it.

use std::fmt::Write as _;

use clap::Args;
use evenkeel_protocol::sentence::{LISTED, and_more};
use evenkeel_protocol::{
    BalancerName, ElectionFilter, ElectionNote, ElectionWhy, Elections, Flag, MemberName, Selector, Skipped,
};
use jiff::tz::TimeZone;
use serde_json::json;

use super::output::Stop;
use super::sessions::clock;
use super::table::NOTHING;
use super::{Exit, Session, complete, explain};
use crate::pasted;

pub(super) const HELP: &str = "\
The proxy remembers the last elections of each worker thread, without any session's id: a pasted cookie finds its own.

Examples:
  evenkeel elections
  evenkeel elections --failovers --member app/node1
  evenkeel elections --cookie 'JSESSIONID=x.node1'
  evenkeel elections --route node1 --route-changes --json | jq '.elections.elections[].session'";

/// What can be typed behind `elections`.
#[derive(Debug, Args)]
pub struct ElectionsArguments {
    /// Of this balancer
    #[arg(value_name = "BALANCER", value_parser = explain::balancer, add = complete::balancers())]
    balancer: Option<BalancerName>,
    /// Of this member, as BALANCER/MEMBER, URL, host:port or route
    #[arg(long, value_name = "SELECTOR", add = complete::members())]
    member: Option<String>,
    /// Of sessions that ask for this route, and of members that have it
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// Of the session in this cookie: NAME=VALUE, its value alone, or as `explain --cookie` takes it; a path or URL with
    /// the session in it does as well
    #[arg(long, value_name = "NAME=VALUE")]
    cookie: Option<String>,
    /// Only those after a failed try
    #[arg(long)]
    failovers: bool,
    /// Only those that took a session to another route
    #[arg(long)]
    route_changes: bool,
    /// Only those with a greater number
    #[arg(long, value_name = "N")]
    pub(super) since: Option<u64>,
    /// The newest so many [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(ElectionFilter::MOST)))]
    most: Option<u32>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(arguments: &ElectionsArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    if let Some(member) = &arguments.member {
        Selector::parse(member).map_err(|refusal| Stop::usage(refusal.message))?;
    }
    let read = |text: &String| {
        pasted::read(text).and_then(|pasted| pasted.session().ok_or_else(|| "nothing was written".to_owned()))
    };
    let cookie = arguments.cookie.as_ref().map(read).transpose();
    let cookie = cookie.map_err(|why| Stop::usage(format!("--cookie: {why}")))?;
    let filter = ElectionFilter {
        balancer: arguments.balancer.clone(),
        member: arguments.member.clone(),
        route: arguments.route.clone(),
        cookie,
        failovers: arguments.failovers,
        route_changes: arguments.route_changes,
        since: arguments.since,
        most: arguments.most,
    };
    let elections = session.client().await?.elections(&filter).await?;
    if arguments.json {
        session.output.json(&json!({"version": 1, "elections": elections}))?;
        return Ok(Exit::Done);
    }
    if elections.elections.is_empty() {
        session.output.message(&none(&elections));
        return Ok(Exit::Done);
    }
    let lines: Vec<String> = elections.elections.iter().map(|note| line(note, &session.zone)).collect();
    session.output.result(&lines.join("\n"))?;
    Ok(Exit::Done)
}

fn none(elections: &Elections) -> String {
    match elections.kept {
        0 => "no election has taken place yet".to_owned(),
        kept => format!("none of the {kept} elections that are remembered fits"),
    }
}

/// One election in a line.
fn line(note: &ElectionNote, zone: &TimeZone) -> String {
    let member = note.member.as_ref().map_or(NOTHING, MemberName::authority);
    let mut line = format!(
        "{}  #{}  {} -> {member}  {}",
        clock(note.at, zone),
        note.number,
        note.balancer,
        note.why.name()
    );
    // Writing to a String cannot fail.
    if let Some(asked) = note.asked.as_deref() {
        let session = note
            .session
            .as_ref()
            .map_or_else(|| "a session without an id".to_owned(), |id| format!("session {id}"));
        let _ = write!(line, ", {session} asked for {}", if asked.is_empty() { NOTHING } else { asked });
    }
    if note.route_changed {
        line.push_str(", route changed");
    }
    if let Some(failover) = &note.failover {
        let _ = write!(
            line,
            ", try {} after {} failed: {}",
            note.attempt,
            failover.from.authority(),
            failover.reason
        );
    }
    // A session does not care who else there is.
    if note.skipped_total > 0 && note.why != ElectionWhy::Sticky {
        let _ = write!(line, ", without {}", skipped(&note.skipped, note.skipped_total));
    }
    match (note.status, &note.failed) {
        (Some(status), _) => {
            let _ = write!(line, ": {status} in {}", took(note.micros));
        }
        (None, Some(why)) => {
            let _ = write!(line, ": failed after {}: {why}", took(note.micros));
        }
        (None, None) => line.push_str(": in flight"),
    }
    line
}

fn skipped(skipped: &[Skipped], total: u64) -> String {
    let told = skipped.iter().take(LISTED).map(|passed| {
        let flags = passed.status.flags().filter(|flag| *flag != Flag::Initialised);
        let words: Vec<&str> = flags.map(Flag::word).collect();
        let why = if passed.left_out { "left out".to_owned() } else { words.join(" ") };
        format!("{} ({why})", passed.member.authority())
    });
    let told: Vec<String> = told.collect();
    let total = usize::try_from(total).unwrap_or(usize::MAX).max(skipped.len());
    and_more(told.join(", "), total - told.len())
}

fn took(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..10_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{} s", micros / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{Act, Scripted};

    fn document() -> Elections {
        serde_json::from_str(include_str!("../../../protocol/documents/elections.json")).unwrap()
    }

    #[test]
    fn an_election_is_a_line() {
        let lines: Vec<String> = document().elections.iter().map(|note| line(note, &TimeZone::UTC)).collect();
        assert_eq!(
            lines,
            [
                "12:00:21  #90117  mycluster -> backend1.example.com  sticky, session 3f0c71d2 asked for node1: \
                 failed after 0.3 ms: connection refused",
                "12:00:21  #90118  mycluster -> backend2.example.com  method, session 3f0c71d2 asked for node1, \
                 route changed, try 2 after backend1.example.com failed: connection refused, without \
                 backend1.example.com (Err): 200 in 4.2 ms",
                "12:00:29  #90140  api -> -  nobody usable, without 10.0.0.9:8080 (Dis): 503 in 0.0 ms",
            ]
        );
    }

    #[test]
    fn of_many_that_were_passed_over_the_first_are_named_and_the_others_counted() {
        let passed =
            document().elections.into_iter().find_map(|note| note.skipped.into_iter().next()).unwrap();
        let (name, nine) = (skipped(std::slice::from_ref(&passed), 1), vec![passed; LISTED + 1]);
        assert_eq!(skipped(&nine[..1], 7), format!("{name} and 6 more"));
        assert_eq!(skipped(&nine, 30), format!("{} and 22 more", vec![name; LISTED].join(", ")));
    }

    #[tokio::test]
    async fn the_filter_is_what_was_typed() {
        let proxy = Scripted::start(|request| {
            assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/elections"));
            let filter: ElectionFilter = serde_json::from_str(&request.body).unwrap();
            let all = document();
            match filter.cookie.as_deref() {
                Some("S=x.a" | "/x;s=x.a") => Act::json(&Elections { elections: Vec::new(), ..all }),
                None if filter.failovers && filter.most == Some(7) => Act::json(&all),
                other => panic!("{other:?}"),
            }
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("elections app --failovers --most 7").await, Exit::Done);
        assert_eq!(scene.out().lines().count(), 3);
        assert_eq!(scene.run("elections --cookie S=x.a").await, Exit::Done);
        assert!(scene.out().is_empty() && scene.err().contains("none of the 1024"), "{}", scene.err());
        assert_eq!(scene.run("elections --cookie /x;s=x.a").await, Exit::Done);
        assert_eq!(scene.run("elections --most 0").await, Exit::Usage);
        for bad in ["--member /x;y", "--cookie ", "--cookie a/x", "--cookie Host:"] {
            assert_eq!(scene.run(&format!("elections {bad}")).await, Exit::Usage, "{bad}");
        }
    }
}
