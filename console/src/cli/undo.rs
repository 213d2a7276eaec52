//! `evenkeel undo`: takes an edit back, if nobody touched since what it changed.

use clap::Args;
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{PassedOver, UndoOrder, Undone};

use super::edit::{EditOptions, Verb};
use super::output::Stop;
use super::{Exit, Session, preview, report};

pub(super) const HELP: &str = "\
Each field that the edit changed gets its value of before. It is refused (exit code 8) if anybody touched one of them \
since, and if the edit is somebody else's (5); root may undo everybody's with --force. Without a number it takes back \
your last edit that still stands, so that twice goes back two steps; if that one cannot be taken back, it says why, and \
the number of the one before it. The number of an undo does again what it undid.

Examples:
  evenkeel undo               your last edit, the next time the one before
  evenkeel undo --dry-run     what that would do
  evenkeel undo 17            the edit of event 17, see `evenkeel events`";

/// Characters of a sentence of why an edit stays.
const LONGEST: usize = 200;

/// What can be typed behind `undo`.
#[derive(Debug, Args)]
// It is about an event, which there is or is not.
#[command(mut_arg("if_revision", |arg| arg.hide(true)), mut_arg("ignore_missing", |arg| arg.hide(true)))]
pub struct UndoArguments {
    /// The number of the edit's event [default: your last edit that is not undone yet]
    #[arg(value_name = "N")]
    event: Option<u64>,
    #[command(flatten)]
    options: EditOptions,
}

pub(super) async fn run(arguments: &UndoArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let options = &arguments.options;
    if options.if_revision.is_some() || options.ignore_missing {
        return Err(Stop::usage("an undo takes neither --if-revision nor --ignore-missing"));
    }
    let order = UndoOrder {
        event: arguments.event,
        dry_run: options.dry_run,
        force: options.force,
        reason: options.reason()?,
    };
    let client = session.client().await?;
    let undone = client.undo(&order).await?;
    if !options.json && !options.quiet {
        for PassedOver { event, why } in &undone.passed {
            let why = clean(why, LONGEST);
            session.output.message(&format!("note: event {event} cannot be taken back and stays: {why}"));
        }
        session.output.message(&format!("note: {}", told(&undone)));
    }
    match (&undone.edited, &undone.preview) {
        (Some(edited), _) => report::report(Verb::Undo(undone.undoes), edited, options, session),
        (None, Some(preview)) => preview::show(preview, &client.snapshot().await?, options, session),
        (None, None) => Err(Stop::Failed(Exit::Failed, "the proxy does not say what was undone".to_owned())),
    }
}

/// `undoes event 17: deploy 42`.
fn told(undone: &Undone) -> String {
    let number = undone.undoes;
    let what = match undone.does_again {
        Some(edit) => format!("event {number} was an undo of {edit}; this does {edit} again"),
        None => format!("undoes event {number}"),
    };
    match &undone.reason {
        Some(reason) => format!("{what}: {reason}"),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{Act, Scripted};

    #[tokio::test]
    async fn an_undo_of_an_undo_says_what_it_does_again() {
        let mut undone: Undone =
            serde_json::from_str(include_str!("../../../protocol/documents/undone.json")).unwrap();
        (undone.undoes, undone.does_again, undone.reason) = (20, Some(19), None);
        let proxy = Scripted::start(move |_| Act::json(&undone));
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("undo 20").await, Exit::Done);
        assert_eq!(scene.err(), "note: event 20 was an undo of 19; this does 19 again\n");
    }

    #[tokio::test]
    async fn what_was_passed_over_is_told_first() {
        let mut undone: Undone =
            serde_json::from_str(include_str!("../../../protocol/documents/undone.json")).unwrap();
        undone.passed = vec![PassedOver { event: 18, why: "lbset: it was touched\u{1b} since".to_owned() }];
        let proxy = Scripted::start(move |_| Act::json(&undone));
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("undo --dry-run").await, Exit::Done);
        let told = scene.err();
        let first = "note: event 18 cannot be taken back and stays: lbset: it was touched\u{fffd} since\n";
        assert_eq!(told, format!("{first}note: undoes event 17: deploy 42\n"));
    }

    #[tokio::test]
    async fn an_undo_is_asked_for_and_told() {
        let undone: Undone =
            serde_json::from_str(include_str!("../../../protocol/documents/undone.json")).unwrap();
        let proxy = Scripted::start(move |_| Act::json(&undone));
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("undo").await, Exit::Done);
        assert_eq!(scene.err(), "note: undoes event 17: deploy 42\n");
        let out = scene.out();
        assert_eq!(out, "mycluster/http://backend1.example.com: drain On -> Off (revision 4)\n");
        assert_eq!(scene.run("undo 17 --force --reason oops --json").await, Exit::Done);
        let shown: Value = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!((&shown["undoes"], &shown["applied"]), (&17.into(), &true.into()));
        let sent: Vec<Value> =
            proxy.requests().iter().map(|request| serde_json::from_str(&request.body).unwrap()).collect();
        let order = |event: Value, force: bool, reason: Value| json!({"event": event, "dry_run": false, "force": force, "reason": reason});
        assert_eq!(sent, [order(Value::Null, false, Value::Null), order(17.into(), true, "oops".into())]);
        assert_eq!(scene.run("undo --if-revision 3").await, Exit::Usage);
        assert_eq!(scene.run("undo x").await, Exit::Usage);
    }
}
