//! Before anything is done in several targets: does what was typed mean the same member, or the same balancer, in each
//! that has it? Routes are only names, and one that is given twice must not drain two different machines.

use evenkeel_protocol::Snapshot;
use evenkeel_protocol::clean::clean;
use futures_util::future::join_all;

use crate::cli::output::Stop;
use crate::cli::roll::Company;
use crate::cli::target::{self, Target as Meant};
use crate::cli::{Exit, RollArguments, Session, report};
use crate::door::Door;
use crate::targets::Target;

/// What a target has of it.
#[derive(Debug)]
pub(super) enum Met {
    /// It is there.
    Here,
    /// No target has it, or the command is about nothing that was looked for: what the command itself says counts.
    Unsettled,
    /// It is not there, and is elsewhere.
    Absent,
    /// The target gave no answer.
    Failed(Stop),
}

/// Asks each target whether it has what `text` means.
///
/// # Errors
///
/// It means several in one target, or different ones in different targets, or a target has that member by another name.
pub(super) async fn reach(text: &str, targets: &[Target], session: &Session<'_>) -> Result<Vec<Met>, Stop> {
    let snapshots = join_all(targets.iter().map(|target| snapshot(target, session))).await;
    let mut known: Option<(String, &str)> = None;
    let (mut met, mut without) = (Vec::new(), Vec::new());
    for (target, snapshot) in targets.iter().zip(snapshots) {
        let snapshot = match snapshot {
            Ok(snapshot) => snapshot,
            Err(stop) => {
                met.push(Met::Failed(stop));
                continue;
            }
        };
        match (meant(&snapshot, text), &known) {
            (Err(Stop::Missing(_)), _) => {
                without.push((target, snapshot));
                met.push(Met::Absent);
            }
            (Err(stop), _) => {
                let (exit, why) = stop.told();
                let why = why.unwrap_or_default();
                return Err(Stop::Failed(exit, format!("{}: {why}; nothing was done", target.name)));
            }
            (Ok(name), Some((other, place))) if name != *other => {
                return Err(Stop::Failed(
                    Exit::NotFound,
                    format!(
                        "'{}' is {other} in {place} and {name} in {}; name it by its URL, or one target with \
                         --socket; nothing was done",
                        clean(text, 80),
                        target.name
                    ),
                ));
            }
            (Ok(name), _) => {
                known = Some((name, &target.name));
                met.push(Met::Here);
            }
        }
    }
    if let Some((name, place)) = &known
        && let Some((target, _)) = without.iter().find(|(_, snapshot)| meant(snapshot, name).is_ok())
    {
        // It would go on there unseen.
        let why = format!(
            "'{}' is {name} in {place}, and {} has that member by another name; name it by its URL; nothing was done",
            clean(text, 80),
            target.name
        );
        return Err(Stop::Failed(Exit::NotFound, why));
    }
    if known.is_none() {
        // Where nobody has it, each says what it has instead.
        let asked = |it: Met| if matches!(it, Met::Absent) { Met::Unsettled } else { it };
        met = met.into_iter().map(asked).collect();
    }
    Ok(met)
}

/// Who rolls a balancer together. All targets must answer: a member that still takes requests from one of them is not
/// drained.
///
/// # Errors
///
/// A target does not answer or only lets look, none has the balancer, or `--only` means nobody, or not the same everywhere.
pub(super) async fn company(
    arguments: &RollArguments,
    targets: &[Target],
    session: &Session<'_>,
) -> Result<(Vec<Met>, Company), Stop> {
    let snapshots = join_all(targets.iter().map(|target| snapshot(target, session))).await;
    let (mut told, mut met, mut missing) = (Vec::new(), Vec::new(), None);
    for (target, snapshot) in targets.iter().zip(&snapshots) {
        let found = match snapshot {
            Ok(snapshot) => target::balancer_with(snapshot, &arguments.balancer, &[]).map(|_| snapshot),
            Err(stop) => Err(Stop::Failed(stop.told().0, stop.told().1.unwrap_or_default().to_owned())),
        };
        match found {
            Ok(_) if target.place.door() == Door::ReadSocket && !arguments.options.dry_run => {
                let why = format!(
                    "{}: its socket only lets look; name the admin socket beside it; nothing was done",
                    target.name
                );
                return Err(Stop::Failed(Exit::ReadOnly, why));
            }
            Ok(snapshot) => {
                told.push((target.name.as_str(), snapshot));
                met.push(Met::Here);
            }
            Err(stop @ Stop::Missing(_)) => {
                missing = Some(stop);
                met.push(Met::Absent);
            }
            Err(stop) => {
                let (exit, why) = stop.told();
                let why = why.unwrap_or_default();
                return Err(Stop::Failed(exit, format!("{}: {why}; nothing was done", target.name)));
            }
        }
    }
    match missing {
        Some(stop) if told.is_empty() => Err(stop),
        _ => Ok((met, Company::of(arguments, &told)?)),
    }
}

async fn snapshot(target: &Target, session: &Session<'_>) -> Result<Snapshot, Stop> {
    Ok(session.client_of(Some(&target.place)).await?.snapshot().await?)
}

fn meant(snapshot: &Snapshot, text: &str) -> Result<String, Stop> {
    Ok(match target::any(snapshot, text)? {
        Meant::Balancer(balancer) => report::name(&balancer.name, None),
        Meant::Member(balancer, member) => report::name(&balancer.name, Some(&member.name)),
    })
}
