//! A command over several targets: it runs in each at the same time, as it would alone, and each has a result of its
//! own. Nothing that was done in one is taken back because another one failed, so that it can simply be run again.

mod accord;
mod feed;
mod label;
mod manner;
mod outcome;

use std::cell::RefCell;
use std::io::Write;

use futures_util::future::join_all;
use jiff::tz::TimeZone;

use super::output::{Stop, even_unread};
use super::place::{Environment, TargetOptions};
use super::roll::{self, Company, Seat};
use super::{Ask, Exit, Output, Session};
use crate::client::{Limits, Place, Surroundings};
use crate::targets::Target;
use accord::Met;
use label::Labelled;
use manner::{Manner, Shape};
use outcome::{Ended, together};

/// Runs one command to its end in all of `targets`.
pub(super) async fn run(ask: &Ask, targets: &[Target], session: &mut Session<'_>) -> Exit {
    let done = match manner::of(ask) {
        Manner::Alone => return super::run(ask, session).await,
        Manner::One(why) => Err(Stop::usage(format!("several targets are named, and {why}"))),
        Manner::Feed(lines) => feed::run(ask, lines, (targets, session)).await,
        Manner::Each(shape) => each(ask, shape, (targets, session)).await,
    };
    done.unwrap_or_else(|stop| {
        let (exit, why) = stop.told();
        if let Some(why) = why {
            session.output.message(&format!("evenkeel: {why}"));
        }
        exit
    })
}

async fn each(
    ask: &Ask,
    shape: Shape,
    (targets, session): (&[Target], &mut Session<'_>),
) -> Result<Exit, Stop> {
    let (met, company) = match (ask, manner::selector(ask)) {
        (Ask::Roll(arguments), _) => {
            let (met, company) = accord::company(arguments, targets, session).await?;
            (met, Some(company))
        }
        (_, Some(text)) => (accord::reach(text, targets, session).await?, None),
        (_, None) => (targets.iter().map(|_| Met::Unsettled).collect(), None),
    };
    let ended = everywhere((ask, company.as_ref()), shape, (targets, met, session)).await;
    let exit = together(&ended);
    let summary = match ask {
        Ask::Roll(arguments) if !arguments.options.dry_run => outcome::summary_of_roll(&ended),
        _ => outcome::summary(&ended),
    };
    let output = &mut session.output;
    match shape {
        Shape::Json => even_unread(output.json(&outcome::document(targets, &ended, exit)))?,
        Shape::Parts => even_unread(output.result(&outcome::parts(targets, &ended)))?,
        Shape::Lines => {}
    }
    if let Some(summary) = summary.filter(|_| shape == Shape::Lines) {
        output.message(&format!("evenkeel: {summary}"));
    }
    Ok(exit)
}

/// What is the same for a command in every target.
struct Common<'a> {
    options: &'a TargetOptions,
    surroundings: Surroundings,
    environment: Environment,
    limits: Limits,
    zone: TimeZone,
}

impl<'a> Common<'a> {
    fn of(session: &Session<'a>) -> Self {
        Self {
            options: session.targets,
            surroundings: session.surroundings.clone(),
            environment: session.environment.clone(),
            limits: session.limits,
            zone: session.zone.clone(),
        }
    }

    /// For the command in one of them.
    fn session<'s>(&self, place: &'s Place, output: Output<'s>) -> Session<'s>
    where
        'a: 's,
    {
        Session {
            socket: None,
            target: Some(place),
            targets: self.options,
            surroundings: self.surroundings.clone(),
            environment: self.environment.clone(),
            limits: self.limits,
            zone: self.zone.clone(),
            output,
        }
    }
}

/// Runs it in each target where it is not settled already, and tells what there is to tell as it comes.
async fn everywhere(
    (ask, company): (&Ask, Option<&Company>),
    shape: Shape,
    (targets, met, session): (&[Target], Vec<Met>, &mut Session<'_>),
) -> Vec<Ended> {
    let common = Common::of(session);
    let output = &mut session.output;
    let terminal = output.is_terminal();
    let (out, err) = output.halves();
    let (out, err) = (RefCell::new(out), RefCell::new(err));
    let mut seats = 0;
    let runs = targets.iter().zip(met).map(|(target, met)| {
        let at = seats;
        seats += usize::from(matches!(met, Met::Here));
        let seat = company.map(|company| Seat { company, at, name: &target.name });
        let (out, err, common) = (&out, &err, &common);
        async move {
            let mut said = Labelled::new(err, &target.name);
            let mut ended = match met {
                Met::Absent => Ended::absent(),
                Met::Failed(stop) => Ended::of(Err(stop), Vec::new()),
                Met::Here | Met::Unsettled => {
                    let was_there = matches!(met, Met::Here);
                    let (mut kept, mut lines) = (Vec::new(), Labelled::new(out, &target.name));
                    let results: &mut dyn Write = match shape {
                        Shape::Lines => &mut lines,
                        Shape::Json | Shape::Parts => &mut kept,
                    };
                    let output = Output::new(results, &mut said).on_terminal(terminal);
                    let mut alone = common.session(&target.place, output);
                    let answer = match ask {
                        Ask::Roll(arguments) => roll::with(arguments, seat, &mut alone).await,
                        _ => super::answer(ask, &mut alone).await,
                    };
                    let ended = Ended::of(answer, kept);
                    if was_there { ended.counting() } else { ended }
                }
            };
            if shape == Shape::Lines
                && let Some(why) = ended.why.take()
            {
                // Whoever closed this writer does not want to hear it.
                let _ = writeln!(said, "{why}");
            }
            ended
        }
    });
    join_all(runs).await
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{DrainOutcome, Snapshot};
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    fn proxy() -> Scripted {
        Scripted::start(|request| match request.method.as_str() {
            "PATCH" => Act::json(&scripted::edited()),
            "POST" => Act::json(&scripted::drain_answer(scripted::edited())),
            _ => Act::json(&scripted::snapshot(0)),
        })
    }

    /// As [`proxy`], and node a of app is there by another URL.
    fn otherwise(member: &'static str) -> Scripted {
        Scripted::start(move |_| {
            let mut snapshot = scripted::snapshot(0);
            snapshot.balancers[0].members[0].name = member.parse().unwrap();
            Act::json(&snapshot)
        })
    }

    /// The words of a command over these.
    fn line(proxies: &[&Scripted], command: &str) -> String {
        let sockets = proxies.iter().map(|proxy| format!("--socket {} ", proxy.socket().display()));
        format!("{}{command}", sockets.collect::<String>())
    }

    fn edits(proxy: &Scripted) -> usize {
        proxy.asked("PATCH") + proxy.asked("POST")
    }

    #[tokio::test]
    async fn an_edit_is_made_in_each_with_a_line_for_each() {
        for command in ["drain app/a", "disable a", "set app/a lbset=1", "enable http://127.0.0.1:9001"] {
            let (one, two) = (proxy(), proxy());
            let mut scene = Scene::in_folders(&[]);
            assert_eq!(scene.run(&line(&[&one, &two], command)).await, Exit::Done, "{}", scene.err());
            let out = scene.out();
            let told = ": app/http://127.0.0.1:9001: ";
            assert!(out.lines().count() == 2 && out.lines().all(|line| line.contains(told)), "{out}");
            assert_eq!((edits(&one), edits(&two)), (1, 1), "{command}");
        }
    }

    #[tokio::test]
    async fn one_that_fails_is_told_and_stops_no_other() {
        let refuses = Scripted::start(|request| match request.method.as_str() {
            "GET" => Act::json(&scripted::snapshot(0)),
            _ => Act::refuse(409, r#"{"code":"guarded","message":"it is the last"}"#),
        });
        for (what, other, says) in [
            ("refuses", &refuses, "it is the last"),
            ("hangs", &Scripted::start(|_| Act::Hang), "no answer within"),
            ("is gone", &Scripted::start(|_| Act::raw(&[])), "went away"),
        ] {
            let one = proxy();
            let mut scene = Scene::in_folders(&[]);
            let command = line(&[other, &one], "disable app/a");
            assert_eq!(scene.run(&command).await, Exit::Mixed, "{what}");
            assert!(scene.out().lines().count() == 1 && edits(&one) == 1, "{what}: {}", scene.out());
            let err = scene.err();
            assert!(err.contains(says), "{what}: {err}");
            assert!(
                err.ends_with("done in 1 of 2 targets; what was done stays, run it again for the others\n")
            );
        }
        let dead = refuses.socket();
        let one = proxy();
        drop(refuses);
        let mut scene = Scene::in_folders(&[]);
        let command = format!("--socket {} --socket {} disable a", dead.display(), one.socket().display());
        assert_eq!(scene.run(&command).await, Exit::Mixed);
        assert_eq!(edits(&one), 1);
    }

    #[tokio::test]
    async fn the_code_is_that_of_all_where_it_is_the_same() {
        let refuse = || {
            Scripted::start(|request| match request.method.as_str() {
                "GET" => Act::json(&scripted::snapshot(0)),
                _ => Act::refuse(409, r#"{"code":"guarded","message":"it is the last"}"#),
            })
        };
        let (one, two) = (refuse(), refuse());
        let mut scene = Scene::in_folders(&[]);
        assert_eq!(scene.run(&line(&[&one, &two], "disable a")).await, Exit::Guarded);
        assert!(scene.err().contains("done in none of 2 targets"), "{}", scene.err());
        assert_eq!(scene.run(&line(&[&one, &two], "disable nosuch")).await, Exit::NotFound);
        assert_eq!(scene.run(&line(&[&one, &two], "disable nosuch --ignore-missing")).await, Exit::Done);
    }

    #[tokio::test]
    async fn where_the_member_is_not_nothing_is_asked_and_nothing_fails() {
        let (one, two) = (proxy(), otherwise("http://10.0.0.9:1"));
        let mut scene = Scene::in_folders(&[]);
        let command = line(&[&one, &two], "drain http://127.0.0.1:9001");
        assert_eq!(scene.run(&command).await, Exit::Done, "{}", scene.err());
        assert_eq!((edits(&one), edits(&two)), (1, 0));
        assert!(scene.err().contains("has no such member or balancer"), "{}", scene.err());
    }

    #[tokio::test]
    async fn what_means_different_members_is_refused_before_anything_is_done() {
        let (one, two) = (proxy(), otherwise("http://10.0.0.9:1"));
        let mut scene = Scene::in_folders(&[]);
        assert_eq!(scene.run(&line(&[&one, &two], "drain app/a")).await, Exit::NotFound);
        let err = scene.err();
        assert!(err.contains("'app/a' is app/http://127.0.0.1:9001 in "), "{err}");
        assert!(err.contains("app/http://10.0.0.9:1 in ") && err.contains("by its URL"), "{err}");
        assert_eq!(scene.run(&line(&[&one, &two], "drain 127.0.0.1")).await, Exit::NotFound);
        assert!(scene.err().contains("fits app/"), "{}", scene.err());
        assert_eq!((edits(&one), edits(&two)), (0, 0));
    }

    #[tokio::test]
    async fn who_has_the_member_by_another_route_is_not_passed_over() {
        let renamed = Scripted::start(|_| {
            let mut snapshot = scripted::snapshot(0);
            snapshot.balancers[0].members[0].route = "z".parse().unwrap();
            Act::json(&snapshot)
        });
        let one = proxy();
        for order in [[&one, &renamed], [&renamed, &one]] {
            let mut scene = Scene::in_folders(&[]);
            assert_eq!(scene.run(&line(&order, "drain app/a")).await, Exit::NotFound);
            let err = scene.err();
            assert!(err.contains("'app/a' is app/http://127.0.0.1:9001 in "), "{err}");
            assert!(err.contains("has that member by another name; name it by its URL"), "{err}");
        }
        assert_eq!((edits(&one), edits(&renamed)), (0, 0));
    }

    #[tokio::test]
    async fn json_is_one_object_with_a_result_for_each() {
        let (one, two) = (proxy(), Scripted::start(|_| Act::Hang));
        let mut scene = Scene::in_folders(&[]);
        assert_eq!(scene.run(&line(&[&one, &two], "drain a --json")).await, Exit::Mixed);
        let shown: Value = serde_json::from_str(&scene.out()).unwrap();
        let of = |proxy: &Scripted| &shown["targets"][proxy.socket().display().to_string()];
        assert_eq!((&shown["version"], &shown["exit"]), (&json!(1), &json!(13)));
        assert_eq!((&of(&one)["exit"], &of(&one)["error"]), (&json!(0), &Value::Null));
        assert_eq!(of(&one)["result"]["changed"], json!(true));
        assert_eq!((&of(&two)["exit"], &of(&two)["result"]), (&json!(6), &Value::Null));
        assert!(of(&two)["error"].as_str().unwrap().contains("no answer within"));
        assert_eq!(scene.run(&line(&[&one, &two], "status --json")).await, Exit::Mixed);
        let shown: Value = serde_json::from_str(&scene.out()).unwrap();
        let first = &shown["targets"][one.socket().display().to_string()]["result"];
        assert_eq!(first["balancers"][0]["name"], json!("app"));
    }

    #[tokio::test]
    async fn what_is_looked_at_has_a_heading_for_each_target() {
        let (one, two) = (proxy(), Scripted::start(|_| Act::Hang));
        let mut scene = Scene::in_folders(&[]);
        assert_eq!(scene.run(&line(&[&one, &two], "status app/a")).await, Exit::Mixed);
        let out = scene.out();
        let headings: Vec<&str> = out.lines().filter(|line| line.starts_with("# ")).collect();
        assert!(headings.len() == 2 && headings[0].ends_with("admin.sock"), "{out}");
        assert!(out.contains("balancer://app") && out.contains("no answer within"), "{out}");
    }

    #[tokio::test]
    async fn what_cannot_mean_several_says_so_and_asks_nobody() {
        let (one, two) = (proxy(), proxy());
        let mut scene = Scene::in_folders(&[]);
        for command in
            ["undo", "export", "events --since 3", "drain a --if-revision 3", "elections --since 4"]
        {
            assert_eq!(scene.run(&line(&[&one, &two], command)).await, Exit::Usage, "{command}");
            let err = scene.err();
            assert!(err.contains("several targets are named, and ") && err.contains("--socket"), "{err}");
        }
        assert_eq!((one.requests().len(), two.requests().len()), (0, 0));
    }

    #[tokio::test]
    async fn a_target_that_has_the_member_counts_whatever_it_lacks_there() {
        let drained = Scripted::start(|request| {
            let drain = scripted::drain(Some(DrainOutcome::Idle));
            match request.target.as_str() {
                "/v1/drains/3" => Act::json(&drain),
                _ => Act::json(&Snapshot { drains: vec![drain], ..scripted::snapshot(0) }),
            }
        });
        let no_drain = Scripted::start(|request| match request.method.as_str() {
            "GET" => Act::json(&scripted::snapshot(0)),
            _ => Act::refuse(404, r#"{"code":"not_found","message":"it went meanwhile"}"#),
        });
        let mut scene = Scene::in_folders(&[]);
        assert_eq!(scene.run(&line(&[&drained], "wait app/a drained")).await, Exit::Done, "{}", scene.err());
        assert_eq!(scene.run(&line(&[&no_drain], "wait app/a drained")).await, Exit::NotFound);
        let both = line(&[&drained, &no_drain], "wait app/a drained");
        assert_eq!(scene.run(&both).await, Exit::Mixed, "{}", scene.err());
        assert!(scene.err().contains("has no drain") && scene.err().contains("1 of 2"), "{}", scene.err());
        let one = proxy();
        assert_eq!(scene.run(&line(&[&one, &no_drain], "disable app/a")).await, Exit::Mixed);
        assert!(scene.err().contains("went meanwhile"), "{}", scene.err());
    }

    #[tokio::test]
    async fn a_wait_waits_in_all() {
        let (one, two) = (proxy(), proxy());
        let mut scene = Scene::in_folders(&[]);
        assert_eq!(
            scene.run(&line(&[&one, &two], "wait app/a healthy")).await,
            Exit::Done,
            "{}",
            scene.err()
        );
        assert_eq!(scene.out().lines().count(), 2);
        assert_eq!(scene.run(&line(&[&one, &two], "wait app/b healthy --timeout 0")).await, Exit::Unhealthy);
    }
}
