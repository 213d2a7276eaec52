//! What goes on in several targets, as one feed: each line names its target, in the order in which they are heard. A
//! target that is gone, or not there yet, is told once and asked again until it is back, while the others go on.
//!
//! Nothing is kept but one line of each: who reads slowly makes the targets wait, and an event stream that waited too long
//! tells what it missed.

use std::cell::RefCell;
use std::io::Write as _;

use futures_util::future::try_join_all;

use super::Common;
use super::label::Labelled;
use super::manner::Lines;
use super::outcome::{Ended, summary, together};
use crate::cli::output::Stop;
use crate::cli::{Ask, Exit, Output, Session, answer, events};
use crate::targets::Target;

/// Nobody reads any more.
struct Unread;

/// Runs it in all targets until each has ended; most go on until they are interrupted.
///
/// # Errors
///
/// Where it was to begin is not told of each target.
pub(super) async fn run(
    ask: &Ask,
    lines: Lines,
    (targets, session): (&[Target], &mut Session<'_>),
) -> Result<Exit, Stop> {
    let sinces = match ask {
        Ask::Events(arguments) => arguments.sinces(targets)?,
        _ => vec![None; targets.len()],
    };
    let common = Common::of(session);
    let (out, err) = session.output.halves();
    let (out, err) = (RefCell::new(out), RefCell::new(err));
    let runs = targets.iter().zip(sinces).map(|(target, since)| {
        let (out, err, common) = (&out, &err, &common);
        async move {
            let mut said = Labelled::new(err, &target.name);
            let mut lines = match lines {
                Lines::Text => Labelled::new(out, &target.name),
                Lines::Json => Labelled::objects(out, &target.typed),
            };
            let place = target.watched();
            // Lines of several are never painted over one another.
            let mut alone = common.session(&place, Output::new(&mut lines, &mut said));
            let ended = match ask {
                Ask::Events(arguments) => events::run_since((arguments, since), &mut alone).await,
                _ => answer(ask, &mut alone).await,
            };
            if let Err(Stop::Closed) = ended {
                return Err(Unread);
            }
            let mut ended = Ended::of(ended, Vec::new());
            if let Some(why) = ended.why.take() {
                // Whoever closed this writer does not want to hear it.
                let _ = writeln!(said, "{why}");
            }
            Ok(ended)
        }
    });
    let Ok(ended) = try_join_all(runs).await else { return Ok(Exit::Done) };
    if let Some(summary) = summary(&ended) {
        session.output.message(&format!("evenkeel: {summary}"));
    }
    Ok(together(&ended))
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use serde_json::Value;

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    fn telling(number: u64) -> Scripted {
        Scripted::start(move |request| match request.target.as_str() {
            target if target.starts_with("/v1/events") => Act::stream(&[scripted::event(number)]),
            _ => Act::json(&scripted::snapshot(0)),
        })
    }

    fn line(proxies: &[&Scripted], command: &str) -> String {
        let sockets = proxies.iter().map(|proxy| format!("--socket {} ", proxy.socket().display()));
        format!("{}{command}", sockets.collect::<String>())
    }

    #[tokio::test]
    async fn each_line_names_its_target() {
        let (one, two) = (telling(3), telling(7));
        let mut scene = Scene::in_folders(&[]);
        for (command, lines, field) in
            [("events --json", 1, "number"), ("watch --json --count 2", 2, "balancers")]
        {
            assert_eq!(scene.run(&line(&[&one, &two], command)).await, Exit::Done, "{}", scene.err());
            let out = scene.out();
            let told: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            for proxy in [&one, &two] {
                let socket = Value::from(proxy.socket().display().to_string());
                assert_eq!(told.iter().filter(|told| told["target"] == socket).count(), lines, "{out}");
            }
            assert!(told.iter().all(|told| !told[field].is_null()), "{out}");
        }
        for command in ["events", "watch --count 1", "watch --linear --count 1"] {
            assert_eq!(scene.run(&line(&[&one, &two], command)).await, Exit::Done, "{}", scene.err());
            let out = scene.out();
            let names: std::collections::BTreeSet<&str> =
                out.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
            assert_eq!(names.len(), 2, "{out}");
        }
    }

    #[tokio::test]
    async fn each_target_is_taken_up_behind_its_own_event() {
        let (one, two) = (telling(3), telling(7));
        let mut scene = Scene::in_folders(&[]);
        let typed = one.socket().display().to_string();
        let command = format!("events --since {typed}=2");
        assert_eq!(scene.run(&line(&[&one, &two], &command)).await, Exit::Done, "{}", scene.err());
        assert_eq!(
            (one.asked("/v1/events?since=2&follow=false"), two.asked("/v1/events?since=0&follow=false")),
            (1, 1)
        );
        for (since, says) in [
            ("2".to_owned(), "--since TARGET=N"),
            ("nosuch=2".to_owned(), "nosuch: no such target; those are "),
            (format!("{typed}=2 --since {typed}=3"), "twice"),
        ] {
            let command = format!("events --since {since}");
            assert_eq!(scene.run(&line(&[&one, &two], &command)).await, Exit::Usage, "{since}");
            assert!(scene.err().contains(says), "{}", scene.err());
        }
        assert_eq!(scene.run(&line(&[&one], "events --since x=2")).await, Exit::Usage);
    }

    #[tokio::test]
    async fn one_that_is_gone_is_told_and_a_reader_that_goes_ends_all() {
        let (one, gone) = (telling(3), telling(7));
        let command = line(&[&gone, &one], "events --follow --since ");
        let command = format!("{command}{}=0", one.socket().display());
        drop(gone);
        let mut scene = Scene::in_folders(&[]);
        scene.out_fails(ErrorKind::BrokenPipe);
        assert_eq!(scene.run(&command).await, Exit::Done);
        let err = scene.err();
        assert!(
            err.contains("the proxy is gone (") && err.contains("asking again until it is back"),
            "{err}"
        );
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}
