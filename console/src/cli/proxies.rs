//! `evenkeel proxies`: the proxies that are running here, with what each says of itself.

use std::path::{Path, PathBuf};

use clap::Args;
use evenkeel_protocol::Hello;
use evenkeel_protocol::clean::clean;
use serde_json::json;

use super::output::Stop;
use super::table::{Column, Columns, Keep, Layout, NOTHING};
use super::{Exit, Session};
use crate::client::find::Running;
use crate::client::{Failure, NoProxy, greet};

pub(super) const HELP: &str = "\
They are looked for in the runtime folder of this user and in that of the system. Another folder is searched only if \
nobody else may write to it.

Example:
  evenkeel proxies --run-dir /srv/site/run    proxies that were started with --run-dir elsewhere";

/// What can be typed behind `proxies`.
#[derive(Debug, Args)]
pub struct ProxiesArguments {
    /// Look there instead: a folder of run folders, or the run folder of one proxy
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

const COLUMNS: &[Column] = &[
    Column::text("Socket", Keep::Always),
    Column::number("Pid", Keep::Always),
    Column::text("Version", Keep::Always),
    Column::text("Listen", Keep::Always),
    Column::text("Configuration", Keep::Always),
];

pub(super) async fn run(arguments: &ProxiesArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let running = match &arguments.run_dir {
        Some(_) if session.socket.is_some() => {
            return Err(Stop::usage("proxies takes --run-dir or --socket, not both"));
        }
        Some(folder) => session.surroundings.running_in(folder)?,
        None => here(session)?,
    };
    if running.alive.is_empty() {
        return Err(NoProxy::None(running).into());
    }
    let answers = greet(running.alive.iter().map(PathBuf::as_path), session.limits).await;
    let output = &mut session.output;
    if arguments.json {
        let proxies: Vec<_> = answers.iter().map(|(socket, answer)| described(socket, answer)).collect();
        output.json(&json!({"version": 1, "proxies": proxies}))?;
    } else {
        let rows: Vec<Vec<String>> = answers.iter().map(|(socket, answer)| row(socket, answer)).collect();
        let layout = Layout::of(COLUMNS, &rows, Columns::Fitting);
        let lines: Vec<String> =
            std::iter::once(layout.head()).chain(rows.iter().map(|row| layout.row(row))).collect();
        output.result(&lines.join("\n"))?;
    }
    let silent = answers.iter().filter_map(|(socket, answer)| Some((socket, answer.as_ref().err()?)));
    for (socket, failure) in silent {
        output.message(&format!("{}: {failure}", shown(socket)));
    }
    for passed in &running.passed_over {
        output.message(&format!("note: {passed}"));
    }
    Ok(Exit::Done)
}

/// Those where proxies put their sockets, and one that was named: that may have its socket anywhere.
fn here(session: &Session<'_>) -> Result<Running, NoProxy> {
    let mut running = session.surroundings.running();
    if session.socket.is_none() && session.surroundings.variable.is_none() {
        return Ok(running);
    }
    match session.surroundings.find(session.socket) {
        Ok(named) if running.alive.contains(&named) => {}
        Ok(named) => running.alive.insert(0, named),
        Err(why) if running.alive.is_empty() => return Err(why),
        Err(why) => running.passed_over.push(why.to_string()),
    }
    Ok(running)
}

fn described(socket: &Path, answer: &Result<Hello, Failure>) -> serde_json::Value {
    match answer {
        Ok(hello) => json!({"socket": shown(socket), "proxy": hello, "error": null}),
        Err(failure) => json!({"socket": shown(socket), "proxy": null, "error": failure.to_string()}),
    }
}

fn row(socket: &Path, answer: &Result<Hello, Failure>) -> Vec<String> {
    let Ok(hello) = answer else {
        return std::iter::once(shown(socket)).chain(std::iter::repeat_n(NOTHING.to_owned(), 4)).collect();
    };
    vec![
        shown(socket),
        hello.pid.to_string(),
        hello.version.clone(),
        if hello.listen.is_empty() { NOTHING.to_owned() } else { hello.listen.join(",") },
        hello.configuration.clone(),
    ]
}

fn shown(socket: &Path) -> String {
    clean(&socket.display().to_string(), 200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    #[tokio::test]
    async fn each_proxy_is_a_line_also_one_that_does_not_answer() {
        let good = Scripted::start(|_| Act::json(&scripted::hello()));
        let hung = Scripted::start(|_| Act::Hang);
        let mut scene = Scene::in_folders(&[good.folder(), hung.folder()]);
        assert_eq!(scene.run("proxies").await, Exit::Done);
        let shown = scene.out();
        let line = |proxy: &Scripted| {
            let socket = proxy.socket().display().to_string();
            shown
                .lines()
                .find_map(|line| line.strip_prefix(&socket))
                .unwrap()
                .split_whitespace()
                .collect::<Vec<_>>()
        };
        assert_eq!(line(&good), ["7", "0.1.0", "127.0.0.1:8080", "/etc/site.conf"]);
        assert_eq!(line(&hung), ["-", "-", "-", "-"]);
        assert!(scene.err().contains("no answer within"), "{}", scene.err());

        assert_eq!(scene.run("proxies --json").await, Exit::Done);
        let listed: serde_json::Value = serde_json::from_str(&scene.out()).unwrap();
        let proxies = listed["proxies"].as_array().unwrap();
        assert_eq!(proxies.iter().filter(|proxy| proxy["proxy"]["pid"] == 7).count(), 1);
        assert_eq!(proxies.iter().filter(|proxy| proxy["error"].is_string()).count(), 1);
    }

    #[tokio::test]
    async fn a_command_that_could_mean_several_lists_them_with_what_they_say() {
        let good = Scripted::start(|_| Act::json(&scripted::hello()));
        let hung = Scripted::start(|_| Act::Hang);
        let mut scene = Scene::in_folders(&[good.folder(), hung.folder()]);
        assert_eq!(scene.run("status").await, Exit::Unreachable);
        let told = scene.err();
        let line =
            |proxy: &Scripted, says: &str| format!("\n  --socket {}{says}\n", proxy.socket().display());
        assert!(told.contains(&line(&good, "  127.0.0.1:8080  /etc/site.conf")), "{told}");
        assert!(told.contains(&line(&hung, "")), "{told}");
    }

    #[tokio::test]
    async fn one_that_is_named_is_listed_wherever_its_socket_is() {
        let (good, elsewhere) = (
            Scripted::start(|_| Act::json(&scripted::hello())),
            Scripted::start(|_| Act::json(&scripted::hello())),
        );
        let mut scene = Scene::in_folders(&[good.folder()]);
        let named = elsewhere.socket().display().to_string();
        assert_eq!(scene.run(&format!("proxies --socket {named}")).await, Exit::Done);
        assert!(scene.out().contains(&named), "{}", scene.out());
        assert!(scene.out().contains(&good.socket().display().to_string()), "{}", scene.out());
    }

    #[tokio::test]
    async fn another_folder_is_searched_instead_and_may_be_that_of_one_proxy() {
        let here = Scripted::start(|_| Act::json(&scripted::hello()));
        let there = Scripted::start(|_| Act::json(&scripted::hello()));
        let mut scene = Scene::in_folders(&[here.folder()]);
        let run_folder = there.socket().parent().unwrap().to_owned();
        for folder in [there.folder(), run_folder] {
            let exit = scene.run(&format!("proxies --run-dir {}", folder.display())).await;
            assert_eq!(exit, Exit::Done, "{}", scene.err());
            assert!(scene.out().contains(&there.socket().display().to_string()), "{}", scene.out());
            assert!(!scene.out().contains(&here.socket().display().to_string()), "{}", scene.out());
        }
        let empty = tempfile::TempDir::new().unwrap();
        let asked = format!("proxies --run-dir {}", empty.path().display());
        assert_eq!(scene.run(&asked).await, Exit::Unreachable);
        assert!(scene.err().contains(&format!("looked in {}", empty.path().display())), "{}", scene.err());
        assert_eq!(scene.run("proxies --run-dir /nonexistent").await, Exit::Unreachable);
        assert!(scene.err().contains("/nonexistent does not exist"), "{}", scene.err());
        assert_eq!(scene.run(&format!("{asked} --socket /x")).await, Exit::Usage);
    }

    #[tokio::test]
    async fn none_is_an_error_with_a_remedy() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut scene = Scene::in_folders(&[folder.path().to_owned()]);
        assert_eq!(scene.run("proxies").await, Exit::Unreachable);
        assert!(scene.err().contains("no proxy is running"), "{}", scene.err());
    }
}
