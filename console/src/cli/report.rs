//! The result of an edit: what the proxy has confirmed, as a line or as JSON, and the exit code.

use evenkeel_protocol::{BalancerName, Change, Edited, MemberName, Snapshot};
use serde::Serialize;

use super::edit::{EditOptions, Verb};
use super::output::Stop;
use super::{Exit, Session};
use crate::client::Client;

/// The result as JSON. Fields are only ever added; `version` changes if that rule is broken.
#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    balancer: Option<&'a str>,
    member: Option<&'a str>,
    /// The member's status before and after in httpd's words, where one was looked at.
    #[serde(flatten)]
    states: Option<States>,
    /// False in the result of `--dry-run` only.
    applied: bool,
    changed: bool,
    changes: &'a [Change],
    revision: Option<u64>,
    durable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<u64>,
    notes: &'a [String],
}

pub(super) const VERSION: u32 = 1;

/// A member's status before an edit and after it, in httpd's words.
#[derive(Serialize)]
pub(super) struct States {
    before: Option<String>,
    /// None: gone, or the proxy did not tell any more. The edit is made all the same.
    after: Option<String>,
}

impl States {
    /// Looks how the edited member is now, if JSON is to tell; none of a balancer.
    pub(super) async fn wanted(
        options: &EditOptions,
        client: &Client,
        (before, edited): (&Snapshot, &Edited),
    ) -> Option<Self> {
        let member = edited.member.as_ref().filter(|_| options.json)?;
        let words = |snapshot: &Snapshot| Some(snapshot.member(&edited.balancer, member)?.words.clone());
        let after = client.snapshot().await.ok();
        Some(Self { before: words(before), after: after.as_ref().and_then(words) })
    }
}

/// As [`report_with`], of what was not looked at.
pub(super) fn report(
    verb: Verb,
    edited: &Edited,
    options: &EditOptions,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    report_with(verb, (edited, None), options, session)
}

/// Writes what the proxy confirmed; the code tells whether it lasts.
pub(super) fn report_with(
    verb: Verb,
    (edited, states): (&Edited, Option<States>),
    options: &EditOptions,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let lost = edited.changed && !edited.durable && !session.asks_httpd();
    let output = &mut session.output;
    let written = if options.json {
        output.json(&Report {
            version: VERSION,
            balancer: Some(edited.balancer.as_str()),
            member: edited.member.as_ref().map(MemberName::as_str),
            states,
            applied: true,
            changed: edited.changed,
            changes: &edited.changes,
            revision: Some(edited.revision),
            durable: edited.durable,
            undoes: match verb {
                Verb::Undo(event) => Some(event),
                _ => None,
            },
            notes: &edited.notes,
        })
    } else if options.quiet {
        Ok(())
    } else {
        for note in &edited.notes {
            output.message(&format!("note: {note}"));
        }
        output.result(&sentence(verb, edited))
    };
    if lost && !options.quiet {
        output.message("warning: the change was not written down; it is lost when the proxy restarts");
    }
    match written {
        // The edit is made all the same, and the code says so.
        Ok(()) | Err(Stop::Closed) => Ok(if lost { Exit::NotDurable } else { Exit::Done }),
        Err(Stop::Failed(exit, why)) if edited.changed => {
            Err(Stop::Failed(exit, format!("{why}; the change was made all the same")))
        }
        Err(stop) => Err(stop),
    }
}

/// Writes that there was nothing to edit.
pub(super) fn missing(why: &Stop, options: &EditOptions, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let why = why.told().1.unwrap_or_default();
    if options.json {
        let notes = [why.to_owned()];
        session.output.json(&Report {
            version: VERSION,
            balancer: None,
            member: None,
            states: None,
            applied: !options.dry_run,
            changed: false,
            changes: &[],
            revision: None,
            durable: true,
            undoes: None,
            notes: &notes,
        })?;
    } else if !options.quiet {
        session.output.message(&format!("note: nothing to do: {why}"));
    }
    Ok(Exit::Done)
}

/// The result in a line.
fn sentence(verb: Verb, edited: &Edited) -> String {
    let name = name(&edited.balancer, edited.member.as_ref());
    let what = match (verb, edited.changed) {
        (Verb::Undrain, false) => "unchanged, it is not draining".to_owned(),
        (Verb::Enable, false) => "nothing to clear, it is not draining, disabled or stopped".to_owned(),
        (Verb::Add, false) => "unchanged, it was added already".to_owned(),
        (_, false) => "unchanged, it is so already".to_owned(),
        (Verb::Add, true) => "added".to_owned(),
        (Verb::Remove, true) => "removed".to_owned(),
        (Verb::Undrain | Verb::Enable, true) => {
            let cleared: Vec<&str> = edited.changes.iter().map(|change| change.field.as_str()).collect();
            format!("cleared {}", cleared.join(", "))
        }
        (_, true) => changes(&edited.changes),
    };
    format!("{name}: {what} (revision {})", edited.revision)
}

/// `app/http://10.0.0.1:8080`, or `balancer://app`.
pub(super) fn name(balancer: &BalancerName, member: Option<&MemberName>) -> String {
    match member {
        Some(member) => format!("{balancer}/{member}"),
        None => balancer.url(),
    }
}

/// `drain Off -> On, route a -> b`.
pub(super) fn changes(changes: &[Change]) -> String {
    let value = |text: &str| if text.is_empty() { "(none)".to_owned() } else { text.to_owned() };
    let changes: Vec<String> = changes
        .iter()
        .map(|change| {
            let [before, after] = change.shown();
            format!("{} {} -> {}", change.field, value(&before), value(&after))
        })
        .collect();
    changes.join(", ")
}
