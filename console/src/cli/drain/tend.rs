//! What changes or ends a drain that runs, while its member goes on draining: `drain --extend` and
//! `undrain --keep-draining`.

use evenkeel_protocol::{Drain, DrainCancel, DrainChange, Edited, Flag, Snapshot};

use super::follow::in_seconds;
use super::{Begun, DrainArguments, Report, Target, UndrainArguments, standing};
use crate::cli::edit::EditOptions;
use crate::cli::output::{Stop, even_unread};
use crate::cli::patience::{Asking, Interrupt};
use crate::cli::report::{VERSION, missing};
use crate::cli::{Exit, Session};
use crate::shell::quoted;

/// The drain of a member that runs.
pub(super) fn running<'a>(snapshot: &'a Snapshot, target: &Target) -> Option<&'a Drain> {
    let mut drains = snapshot.drains.iter().filter(|drain| drain.is_running());
    drains.find(|drain| drain.balancer == target.balancer && drain.member == target.member)
}

/// Puts off the deadline of the drain that runs; other terms that stand beside it are changed with it.
pub(super) async fn extend(
    arguments: &DrainArguments,
    change: DrainChange,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let options = &arguments.options;
    alone(options, "--extend")?;
    let change = DrainChange { reason: options.reason()?, ..change };
    let more = change.extend.unwrap_or_default();
    let asking = Asking::of(session, options.quiet).await?;
    let before = asking.client.snapshot().await?;
    let target = match Target::find(&before, &arguments.selector) {
        Err(stop @ Stop::Missing(_)) if options.ignore_missing => return missing(&stop, options, session),
        other => other?,
    };
    let label = &target.label;
    let timed = asking.client.command(&format!("drain {} --timeout {more}", quoted(label)));
    let Some(drain) = running(&before, &target) else {
        let begin = format!("`{timed}` begins one");
        return Err(Stop::Failed(Exit::NotFound, format!("{label} has no drain that runs; {begin}")));
    };
    let number = drain.number;
    let Some(left) = drain.left_ms else {
        let give = format!("`{timed}` gives it one");
        return Err(Stop::Failed(
            Exit::Invalid,
            format!("drain {number} of {label} has no deadline; {give}"),
        ));
    };
    if options.dry_run {
        let left = in_seconds(left.saturating_add(more.millis()));
        let line = format!("{label}: the deadline of drain {number} would come {more} later, in {left}");
        return Tended { target: &target, snapshot: &before, drain: Some(drain), changed: true }
            .told(&line, options, session);
    }
    let mut interrupt = arguments.wait.then(Interrupt::listen);
    let answer = asking.client.change_drain(number, &change).await?;
    let edited = unedited(&target, &before, &answer.drain, answer.changed);
    let left = in_seconds(answer.drain.left_ms.unwrap_or_default());
    if let Some(interrupt) = &mut interrupt {
        return Begun { asking, target, before, edited, answer }.look_on(interrupt, arguments, session).await;
    }
    let line = format!("{label}: the deadline of drain {number} comes {more} later, in {left}");
    Tended { target: &target, snapshot: &before, drain: Some(&answer.drain), changed: answer.changed }
        .told(&line, options, session)
}

/// Ends the drain that runs; the member goes on draining.
pub(super) async fn keep(arguments: &UndrainArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let options = &arguments.options;
    alone(options, "--keep-draining")?;
    let cancel = DrainCancel { restore: Some(false), reason: options.reason()? };
    let client = session.client().await?;
    let snapshot = &client.snapshot().await?;
    let target = match Target::find(snapshot, &arguments.selector) {
        Err(stop @ Stop::Missing(_)) if options.ignore_missing => return missing(&stop, options, session),
        other => other?,
    };
    let (target, label) = (&target, &target.label);
    let member = snapshot.member(&target.balancer, &target.member);
    let stays = if member.is_some_and(|member| member.status.has(Flag::Drain)) {
        "it goes on draining (N)"
    } else {
        "it is not draining"
    };
    let Some(drain) = running(snapshot, target) else {
        let line = format!("{label}: unchanged, no drain of it runs; {stays}");
        return Tended { target, snapshot, drain: None, changed: false }.told(&line, options, session);
    };
    let number = drain.number;
    if options.dry_run {
        let line = format!("{label}: drain {number} would end; {stays}");
        return Tended { target, snapshot, drain: Some(drain), changed: true }.told(&line, options, session);
    }
    let answer = client.cancel_drain(number, &cancel).await?;
    let line = if answer.changed {
        format!("{label}: drain {number} has ended, nobody waits any more; {stays}")
    } else {
        format!("{label}: unchanged, drain {number} had ended already: {}", standing(&answer.drain))
    };
    let changed = answer.changed;
    Tended { target, snapshot, drain: Some(&answer.drain), changed }.told(&line, options, session)
}

/// A drain is no member: it has no revision.
fn alone(options: &EditOptions, name: &str) -> Result<(), Stop> {
    match options.if_revision {
        Some(_) => Err(Stop::usage(format!("--if-revision is about a member, and {name} about its drain"))),
        None => Ok(()),
    }
}

/// As the result of an edit: the member stays as it is.
fn unedited(target: &Target, snapshot: &Snapshot, drain: &Drain, changed: bool) -> Edited {
    let member = snapshot.member(&target.balancer, &target.member);
    Edited {
        balancer: target.balancer.clone(),
        member: Some(target.member.clone()),
        changed,
        changes: Vec::new(),
        revision: member.map_or(0, |member| member.revision),
        event: None,
        durable: drain.durable,
        notes: Vec::new(),
    }
}

/// What came of it, or would.
struct Tended<'a> {
    target: &'a Target,
    snapshot: &'a Snapshot,
    drain: Option<&'a Drain>,
    changed: bool,
}

impl Tended<'_> {
    /// Writes it; the code tells whether it lasts.
    fn told(&self, line: &str, options: &EditOptions, session: &mut Session<'_>) -> Result<Exit, Stop> {
        let Self { target, snapshot, drain, changed } = *self;
        let output = &mut session.output;
        let words = target.words(snapshot);
        let applied = !options.dry_run;
        let durable = drain.is_none_or(|drain| drain.durable);
        if options.json {
            let written = output.json(&Report {
                version: VERSION,
                balancer: target.balancer.as_str(),
                member: target.member.as_str(),
                before: words.clone(),
                after: Some(words),
                applied,
                changed,
                drain_changed: changed,
                changes: &[],
                revision: snapshot
                    .member(&target.balancer, &target.member)
                    .map_or(0, |member| member.revision),
                durable,
                notes: &[],
                drain,
            });
            even_unread(written)?;
        } else if !options.quiet {
            even_unread(output.result(line))?;
        }
        let lost = applied && changed && !durable;
        if lost && !options.quiet {
            output.message("warning: the change was not written down; it is lost when the proxy restarts");
        }
        Ok(if lost { Exit::NotDurable } else { Exit::Done })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    /// A proxy on which `app/a` drains, or has drained.
    fn proxy(drain: Option<Drain>) -> Scripted {
        let snapshot = Snapshot { drains: drain.into_iter().collect(), ..scripted::snapshot(0) };
        Scripted::start(move |request| match request.target.as_str() {
            "/v1/snapshot" => Act::json(&snapshot),
            "/v1/drains/3" => Act::json(&json!({
                "changed": true, "drain": Drain { left_ms: Some(1_020_000), ..scripted::drain(None) }, "edited": null,
            })),
            "/v1/drains/3/cancel" => Act::json(&json!({
                "changed": true, "drain": scripted::drain(Some(evenkeel_protocol::DrainOutcome::Cancelled)),
                "edited": null,
            })),
            _ => Act::json(&scripted::edited()),
        })
    }

    /// What the proxy was told: method, target and body.
    fn told(proxy: &Scripted) -> Vec<(String, String, Value)> {
        let changes = proxy.requests().into_iter().filter(|request| request.method != "GET");
        let read = |text: &str| serde_json::from_str(text).unwrap();
        changes.map(|it| (it.method.clone(), it.target.clone(), read(&it.body))).collect()
    }

    #[tokio::test]
    async fn the_deadline_of_the_drain_that_runs_is_put_off() {
        let proxy = proxy(Some(scripted::drain(None)));
        let mut scene = Scene::of(&proxy);
        let line = "drain app/a --extend 10m --on-timeout stop --reason slow";
        assert_eq!(scene.run(line).await, Exit::Done, "{}", scene.err());
        assert_eq!(scene.out(), "app/a: the deadline of drain 3 comes 10m later, in 17 min\n");
        let body = json!({"extend": "10m", "on_timeout": "stop", "reason": "slow"});
        assert_eq!(told(&proxy), [("PATCH".to_owned(), "/v1/drains/3".to_owned(), body)]);
        assert_eq!(scene.run("drain a --extend 10m --json").await, Exit::Done);
        let shown: Value = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!((&shown["changed"], &shown["drain"]["left_ms"]), (&json!(true), &json!(1_020_000)));
        assert_eq!(scene.run("drain a --extend 10m --dry-run").await, Exit::Done);
        assert!(scene.out().contains("would come 10m later"), "{}", scene.out());
        assert_eq!(told(&proxy).len(), 2, "a dry run changes nothing");
    }

    #[tokio::test]
    async fn what_there_is_nothing_to_put_off_of_is_told_with_what_does() {
        for (drain, line, exit, says) in [
            (None, "drain a --extend 10m", Exit::NotFound, "`evenkeel drain app/a --timeout 10m` begins one"),
            (
                Some(Drain { left_ms: None, ..scripted::drain(None) }),
                "drain a --extend 10m",
                Exit::Invalid,
                "has no deadline; `evenkeel drain app/a --timeout 10m` gives it one",
            ),
            (None, "drain a --extend 10", Exit::Usage, "unit"),
            (None, "drain a --extend 10m --timeout 5m", Exit::Usage, "cannot be used with"),
            (None, "drain a --extend 10m --if-revision 3", Exit::Usage, "about its drain"),
            (None, "drain zz --extend 10m", Exit::NotFound, "no member fits"),
            (None, "drain zz --extend 10m --ignore-missing", Exit::Done, "nothing to do"),
            (None, "undrain zz --keep-draining", Exit::NotFound, "no member fits"),
            (None, "undrain a --keep-draining --if-revision 3", Exit::Usage, "about its drain"),
        ] {
            let proxy = proxy(drain);
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run(line).await, exit, "{line}: {}", scene.err());
            assert!(scene.err().contains(says), "{line}: {}", scene.err());
            assert!(told(&proxy).is_empty(), "{line}");
        }
    }

    #[tokio::test]
    async fn a_drain_ends_alone_and_again_is_fine() {
        let ran = proxy(Some(scripted::drain(None)));
        let mut scene = Scene::of(&ran);
        for line in ["undrain app/a --keep-draining --dry-run", "undrain app/a --dry-run"] {
            scene.run(line).await;
            assert!(!ran.requests().iter().any(|request| request.method == "POST"), "{line}");
        }
        assert_eq!(scene.run("undrain app/a --keep --reason enough").await, Exit::Done, "{}", scene.err());
        assert!(
            scene.out().starts_with("app/a: drain 3 has ended, nobody waits any more"),
            "{}",
            scene.out()
        );
        let body = json!({"restore": false, "reason": "enough"});
        assert_eq!(told(&ran).last(), Some(&("POST".to_owned(), "/v1/drains/3/cancel".to_owned(), body)));
        let none = proxy(None);
        let mut scene = Scene::of(&none);
        assert_eq!(scene.run("undrain app/a --keep-draining --json").await, Exit::Done);
        let shown: Value = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!(
            (&shown["changed"], &shown["applied"], &shown["drain"]),
            (&json!(false), &json!(true), &Value::Null)
        );
        assert!(told(&none).is_empty());
    }
}
