//! What is told of a drain: where it stands and why, as a line and as JSON, and which code that is.

use evenkeel_protocol::drain::with_why;
use evenkeel_protocol::{Change, Drain, DrainAnswer, DrainOutcome, DrainUntil, Edited, Snapshot};
use serde::Serialize;

use super::follow::drains_on;
use super::{DrainArguments, Target};
use crate::cli::edit::EditOptions;
use crate::cli::output::{Output, Stop, even_unread};
use crate::cli::{Exit, Session, report};

/// The code of a drain's end: a promise that does not hold any more is none.
pub(in crate::cli) fn exit(drain: &Drain) -> Exit {
    match drain.outcome {
        // Nobody has changed anything: a proxy that was started again has not seen enough yet, and the time is over.
        Some(DrainOutcome::SafeToStop) if !drain.safe_to_stop && drains_on(drain) => Exit::TimedOut,
        Some(DrainOutcome::SafeToStop) if !drain.safe_to_stop => Exit::Stale,
        None | Some(DrainOutcome::SafeToStop | DrainOutcome::Idle) => Exit::Done,
        Some(DrainOutcome::MemberGone) => Exit::NotFound,
        Some(outcome) if outcome.is_timeout() => Exit::TimedOut,
        Some(_) => Exit::Stale,
    }
}

/// As [`exit`], for whoever had `asked`: where somebody else has changed what the drain waits for, and what was asked for
/// does not hold, it came to no end of theirs.
pub(in crate::cli) fn exit_as_asked(asked: &Drain, ended: &Drain) -> Exit {
    match exit(ended) {
        Exit::Done | Exit::TimedOut if !holds_as_asked(asked, ended) => Exit::Stale,
        exit => exit,
    }
}

/// Does the end mean at least what was asked for?
fn holds_as_asked(asked: &Drain, ended: &Drain) -> bool {
    if ended.outcome.is_some_and(DrainOutcome::is_timeout) {
        let is_early =
            ended.timeout != asked.timeout && asked.deadline.is_none_or(|at| ended.ended < Some(at));
        return ended.on_timeout == asked.on_timeout && !is_early;
    }
    let is_weaker = asked.until == DrainUntil::NoSessions
        && ended.until == DrainUntil::Idle
        && ended.outcome != Some(DrainOutcome::SafeToStop);
    let quiet = ended.quiet_ms.unwrap_or(0).max(ended.settle.millis());
    !is_weaker && quiet >= asked.settle.millis()
}

/// Which terms of a drain are others than before, and who has changed them; none: they are the same.
pub(in crate::cli) fn other_terms(before: &Drain, now: &Drain) -> Option<String> {
    let rows = [
        ("until", before.until.typed().to_owned(), now.until.typed().to_owned()),
        ("timeout", before.timeout.to_string(), now.timeout.to_string()),
        ("settle", before.settle.to_string(), now.settle.to_string()),
        ("on_timeout", before.on_timeout.to_string(), now.on_timeout.to_string()),
    ];
    let others = rows.iter().filter(|(_, before, now)| before != now);
    let others: Vec<String> =
        others.map(|(field, before, now)| format!("{field} {before} -> {now}")).collect();
    let name = now.changed_by.as_ref().map_or_else(|| "somebody".to_owned(), ToString::to_string);
    (!others.is_empty()).then(|| format!("{name} changed what this drain waits for: {}", others.join(", ")))
}

/// What became of the drain of a member that drained before; none: nothing.
pub(super) fn adjusted(answer: &DrainAnswer) -> Option<String> {
    let DrainAnswer { changed, changes, drain, edited } = answer;
    if !*changed || edited.as_ref().is_some_and(|edited| edited.changed) {
        return None;
    }
    if changes.is_empty() {
        return Some(format!("it drains already; drain {} was begun", drain.number));
    }
    let by = drain.by.as_ref().map_or_else(String::new, |by| format!(", begun by {by},"));
    Some(format!("drain {}{by} was changed: {}", drain.number, report::changes(changes)))
}

/// The result as JSON. Fields are only ever added; `version` changes if that rule is broken.
#[expect(clippy::struct_excessive_bools, reason = "each is a field that scripts read")]
#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) version: u32,
    pub(super) balancer: &'a str,
    pub(super) member: &'a str,
    pub(super) before: String,
    /// None: the proxy did not tell any more. What was ordered is done all the same.
    pub(super) after: Option<String>,
    /// False in the result of `--dry-run` only.
    pub(super) applied: bool,
    /// Did anything of the member change?
    pub(super) changed: bool,
    /// Did the drain change: was it begun, or given other terms?
    pub(super) drain_changed: bool,
    pub(super) changes: &'a [Change],
    pub(super) revision: u64,
    pub(super) durable: bool,
    pub(super) notes: &'a [String],
    /// None: there is none that this is about.
    pub(super) drain: Option<&'a Drain>,
}

/// Writes how a drain stands; the code tells how it ended, if it has.
pub(super) fn told(
    target: &Target,
    (before, after): (&Snapshot, Option<&Snapshot>),
    edited: &Edited,
    (asked, answer, arguments): (&Drain, &DrainAnswer, &DrainArguments),
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let is_httpd = session.asks_httpd();
    let (drain, output) = (&answer.drain, &mut session.output);
    let revision = after.and_then(|after| Some(after.member(&target.balancer, &target.member)?.revision));
    let revision = revision.unwrap_or(edited.revision);
    if arguments.options.json {
        let written = output.json(&Report {
            version: 1,
            balancer: target.balancer.as_str(),
            member: target.member.as_str(),
            before: target.words(before),
            after: after.map(|after| target.words(after)),
            applied: true,
            changed: edited.changed,
            drain_changed: answer.changed,
            changes: &edited.changes,
            revision,
            durable: edited.durable && drain.durable,
            notes: &edited.notes,
            drain: Some(drain),
        });
        even_unread(written)?;
    } else if !arguments.options.quiet {
        for note in &edited.notes {
            output.message(&format!("note: {note}"));
        }
        let others = other_terms(asked, drain).map_or_else(String::new, |others| format!("; {others}"));
        even_unread(output.result(&(sentence(target, drain) + &others)))?;
    }
    let exit = exit_as_asked(asked, drain);
    Ok(if is_httpd { exit } else { unless_lost(exit, answer, (&arguments.options, output)) })
}

/// The code of what is done, unless a restart would lose it, which is said.
pub(super) fn unless_lost(
    exit: Exit,
    answer: &DrainAnswer,
    (options, output): (&EditOptions, &mut Output<'_>),
) -> Exit {
    if exit != Exit::Done || answer.lasts() {
        return exit;
    }
    if !options.quiet {
        let is_kept = answer.edited.as_ref().is_none_or(|edited| edited.durable || !edited.changed);
        output.message(if is_kept {
            "warning: the drain job was not written down; a restart of the proxy loses it with its deadline, and the \
             member drains on"
        } else {
            "warning: the change was not written down; it is lost when the proxy restarts"
        });
    }
    Exit::NotDurable
}

/// How a drain ended, in a line.
pub(in crate::cli) fn sentence(target: &Target, drain: &Drain) -> String {
    format!("{}: {}", target.label, with_why(&standing(drain), &why(drain)))
}

/// Why it stands so; of a promise that does not hold any more, what is there now.
pub(in crate::cli) fn why(drain: &Drain) -> String {
    match drain.outcome {
        Some(DrainOutcome::SafeToStop) if !drain.safe_to_stop => {
            format!("now {}; then: {}", drain.remains(), drain.why)
        }
        _ => drain.why.clone(),
    }
}

/// Where a drain stands, in a word or two. What it said when it ended may not hold any more.
pub(in crate::cli) fn standing(drain: &Drain) -> String {
    match drain.outcome {
        Some(DrainOutcome::SafeToStop) if drain.later.is_some() => "was safe to stop".to_owned(),
        Some(DrainOutcome::SafeToStop) if !drain.safe_to_stop => {
            "was safe to stop, and may not be now".to_owned()
        }
        Some(DrainOutcome::SafeToStop) if !drain.used_in().is_empty() => {
            format!("drained here, but in use in {}", drain.used_in().join(", "))
        }
        Some(DrainOutcome::KeptDraining) => "not done in time".to_owned(),
        Some(outcome) => outcome.said(),
        None => drain.phase.name().to_owned(),
    }
}
