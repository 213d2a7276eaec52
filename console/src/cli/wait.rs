//! `wait`: looks on until a member is healthy, idle or drained, and changes nothing.

mod attended;
mod drained;
mod healthy;
mod idle;
mod quiet;

use std::str::FromStr;

use clap::Args;
use evenkeel_protocol::{Drain, DrainOrder, MemberSnapshot, Patience, Places, Snapshot, Span};
use serde::Serialize;
use tokio::time::timeout;

use super::drain::{self, Target};
use super::output::{Stop, even_unread};
use super::patience::{Asking, Interrupt};
use super::{Exit, Session, complete, elsewhere};
use crate::ability::Ability;
use crate::lost;
pub(super) use healthy::healthy_within;

pub(super) const HELP: &str = "\
Examples:
  evenkeel wait app/node1 healthy --timeout 2m
  evenkeel wait app/node1 idle --settle 10s
  evenkeel wait app/node1 drained       how its drain ends, or how the last one ended

healthy: it can be used, is not in error, and passed its last health check if it has any. Ends with 7 when the time \
passes first. idle: no request is in flight for the settle time, in whatever balancer its process (the same host and port, or the same \
socket) is a member; of sessions nothing is said; 8 tells that \
an httpd was restarted with requests in flight, which its page does not count any more. drained: what its drain \
waits for has come. Where that was safe to stop and the proxy was started again since, it is not known to be so for a \
whole window, and is waited for again; 8 tells that somebody has ended the drain, or cleared N. Where its deadline came first, \
it counts how the member stands now, and what is not there yet is waited for; a drain that is seen to end so here and \
drains on ends this with 124. A drain that begins meanwhile takes the place of one that has ended. An httpd runs no drains, \
so there it is a member with N that is idle, and 8 tells that N was cleared meanwhile.";

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Healthy,
    Idle,
    Drained,
}

impl Condition {
    const ALL: [(&str, Self); 3] =
        [("healthy", Self::Healthy), ("idle", Self::Idle), ("drained", Self::Drained)];

    fn names() -> Vec<String> {
        Self::ALL.map(|(name, _)| name.to_owned()).to_vec()
    }
}

impl FromStr for Condition {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, condition)| condition).ok_or("must be healthy, idle or drained")
    }
}

/// What can be typed behind `wait`.
#[derive(Debug, Args)]
pub struct WaitArguments {
    /// The member: BALANCER/MEMBER or MEMBER, by route, host:port or URL
    #[arg(add = complete::members())]
    pub(super) selector: String,
    /// healthy, idle or drained
    #[arg(value_name = "healthy|idle|drained", add = complete::choices(Condition::names))]
    condition: Condition,
    /// How long to wait; 0: one look is enough
    #[arg(long, value_name = "TIME", default_value = "forever")]
    timeout: Patience,
    /// How long nothing must be in flight, in one piece [default: 5s; for drained that of its drain, which a shorter one
    /// does not change]
    #[arg(long, value_name = "TIME")]
    settle: Option<Span>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print nothing but errors
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

/// How a wait ended.
struct Ended {
    exit: Exit,
    /// In a sentence.
    why: String,
    drain: Option<Drain>,
}

/// The result as JSON. Fields are only ever added; `version` changes if that rule is broken.
#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    balancer: &'a str,
    member: &'a str,
    holds: bool,
    why: &'a str,
    drain: Option<&'a Drain>,
}

pub(super) async fn run(arguments: &WaitArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let mut asking = Asking::of(session, arguments.quiet).await?;
    let snapshot = asking.client.snapshot().await?;
    let target = Target::find(&snapshot, &arguments.selector)?;
    if arguments.condition != Condition::Healthy {
        elsewhere::note(&mut asking, (&snapshot, &target), &mut session.output);
    }
    let mut interrupt = Interrupt::listen();
    let output = &mut session.output;
    let settle = arguments.settle.or(Span::from_millis(DrainOrder::SETTLE_MILLIS)).unwrap_or_default();
    let waiting = async {
        match arguments.condition {
            Condition::Healthy => healthy::until_healthy(&mut asking, &target, None, output).await,
            Condition::Idle => idle::until_idle(&mut asking, &target, settle, output).await,
            Condition::Drained if asking.client.lacks(Ability::Jobs).is_some() => {
                attended::until_drained(&mut asking, &target, settle, output).await
            }
            Condition::Drained => {
                drained::until_drained(&mut asking, &target, arguments.settle, output).await
            }
        }
    };
    let bounded = async {
        match arguments.timeout {
            Patience::Forever => Ok(waiting.await),
            // One look is granted in any case.
            Patience::Within(span) => timeout(span.duration().max(ONE_LOOK), waiting).await,
        }
    };
    let outcome = tokio::select! {
        outcome = bounded => outcome,
        () = interrupt.comes() => {
            asking.end_line(&mut session.output);
            session.output.message("interrupted: nobody waits any more; nothing else has changed");
            return Ok(Exit::Interrupted);
        }
    };
    asking.end_line(&mut session.output);
    let late = match arguments.condition {
        Condition::Healthy => Exit::Unhealthy,
        Condition::Idle | Condition::Drained => Exit::TimedOut,
    };
    let ended = outcome.unwrap_or_else(|_| {
        let why = format!("not within {}: {}", arguments.timeout, asking.last());
        Ok(Ended { exit: late, why, drain: asking.seen() })
    })?;
    told(&target, &ended, arguments, session)
}

/// The least time that a look is given.
const ONE_LOOK: std::time::Duration = std::time::Duration::from_millis(300);

fn told(
    target: &Target,
    ended: &Ended,
    arguments: &WaitArguments,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let output = &mut session.output;
    if arguments.json {
        let written = output.json(&Report {
            version: 1,
            balancer: target.balancer.as_str(),
            member: target.member.as_str(),
            holds: ended.exit == Exit::Done,
            why: &ended.why,
            drain: ended.drain.as_ref(),
        });
        even_unread(written)?;
    } else if !arguments.quiet {
        even_unread(output.result(&format!("{}: {}", target.label, ended.why)))?;
    }
    Ok(ended.exit)
}

/// The member in a snapshot, which may have been taken away meanwhile; of several servers in turn nobody can
/// say how it is.
fn member<'a>(snapshot: &'a Snapshot, target: &Target) -> Result<&'a MemberSnapshot, Stop> {
    places(snapshot, target).map(|places| places.own)
}

/// The same, with the others of its process.
fn places<'a>(snapshot: &'a Snapshot, target: &Target) -> Result<Places<'a>, Stop> {
    if snapshot.alternating {
        let why = snapshot.warnings.first().cloned().unwrap_or_default();
        return Err(Stop::Failed(Exit::ReadOnly, why));
    }
    let found = snapshot.places(&target.balancer, &target.member);
    found.ok_or_else(|| Stop::Failed(Exit::NotFound, format!("{} is no longer configured", target.label)))
}

/// How many requests are in flight at its process.
///
/// # Errors
///
/// Nobody can say that.
fn in_flight(places: &Places<'_>) -> Result<u64, Stop> {
    places.in_flight().ok_or_else(|| Stop::Failed(Exit::Unable, lost::UNREADABLE.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    #[tokio::test]
    async fn a_reader_that_goes_away_makes_no_success_of_what_does_not_hold() {
        let proxy = Scripted::start(|_| Act::json(&scripted::snapshot(0)));
        let mut scene = Scene::of(&proxy);
        scene.out_fails(std::io::ErrorKind::BrokenPipe);
        for (line, exit) in [
            ("wait app/a healthy", Exit::Done),
            ("wait app/b healthy --timeout 0", Exit::Unhealthy),
            ("wait app/b healthy --timeout 0 --json", Exit::Unhealthy),
            ("roll app --only a --min-available 9 -- true", Exit::Guarded),
        ] {
            assert_eq!(scene.run(line).await, exit, "{line}: {}", scene.err());
        }
    }

    #[tokio::test]
    async fn what_holds_ends_the_wait_and_what_does_not_has_its_code() {
        let proxy = Scripted::start(|_| Act::json(&scripted::snapshot(0)));
        let mut scene = Scene::of(&proxy);
        for (line, exit, says) in [
            ("wait app/a healthy", Exit::Done, "app/a: healthy: Init Ok"),
            (
                "wait app/b healthy --timeout 0",
                Exit::Unhealthy,
                "app/b: not within 0: it is in error: connection refused; tried again in ",
            ),
            (
                "wait app/a idle --timeout 300ms",
                Exit::TimedOut,
                "app/a: not within 300ms: 1 request is in flight",
            ),
        ] {
            assert_eq!(scene.run(line).await, exit, "{line}: {}", scene.err());
            assert!(scene.out().starts_with(says), "{line}: {}", scene.out());
        }
        for (line, exit) in [
            ("wait app/a drained", Exit::NotFound),
            ("wait app/x healthy", Exit::NotFound),
            ("wait app/a fit", Exit::Usage),
            ("wait app/a idle --timeout 5", Exit::Usage),
        ] {
            assert_eq!((scene.run(line).await, scene.out()), (exit, String::new()), "{line}");
        }
    }
}
