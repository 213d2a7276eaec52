//! `evenkeel reload`: the proxy reads its configuration anew; what came of it, for people or as JSON.

use clap::Args;
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{Override, Reloaded, Subject};
use serde_json::json;

use super::output::{Stop, even_unread};
use super::{Exit, Session};

/// Characters of one line that the proxy wrote.
const LONGEST: usize = 1000;

pub(super) const HELP: &str = "\
Requests in flight finish, connections stay. Counters of members that are still there go on. Drains and other flags \
hold until they are cleared; another edit holds while the file says of that field what it said then. What is kept, \
what is dropped and what the file says itself by now (absorbed) is told here and counted in `evenkeel events`.

A configuration that is wrong changes nothing; the exit code is 10 then.

Examples:
  evenkeel reload
  evenkeel reload --json | jq .dropped";

/// What can be typed behind `reload`.
#[derive(Debug, Args)]
pub struct ReloadArguments {
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print nothing but errors
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

pub(super) async fn run(arguments: &ReloadArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let reloaded = session.client().await?.reload().await?;
    let output = &mut session.output;
    if arguments.json {
        even_unread(output.json(&json!({"version": 1, "reloaded": reloaded})))?;
    } else if !arguments.quiet {
        for warning in &reloaded.warnings {
            output.message(&format!("warning: {}", clean(warning, LONGEST)));
        }
        even_unread(output.result(&lines(&reloaded).join("\n")))?;
    }
    if reloaded.durable {
        return Ok(Exit::Done);
    }
    if !arguments.quiet {
        output.message("warning: the proxy cannot write edits down; they are lost when the proxy restarts");
    }
    Ok(Exit::NotDurable)
}

fn lines(reloaded: &Reloaded) -> Vec<String> {
    let mut lines = vec!["the configuration was read anew".to_owned()];
    lines.extend(reloaded.added.iter().map(|subject| format!("  added    {}", name(subject))));
    lines.extend(reloaded.removed.iter().map(|subject| format!("  removed  {}", name(subject))));
    lines.extend(reloaded.kept.iter().map(|what| format!("  kept     {}", about(what))));
    lines.extend(reloaded.dropped.iter().map(|what| format!("  dropped  {}", about(what))));
    lines.extend(reloaded.absorbed.iter().map(|what| format!("  absorbed {}", about(what))));
    lines
}

fn name(subject: &Subject) -> String {
    match &subject.member {
        Some(member) => format!("{}/{member}", subject.balancer),
        None => subject.balancer.url(),
    }
}

fn about(what: &Override) -> String {
    let text = format!("{} {}: {}", what.field, what.value, what.why);
    format!("{}: {}", name(&what.subject), clean(&text, LONGEST))
}

/// What became of an edit, in a line.
pub(super) fn told(what: &Override, outcome: &str) -> String {
    format!("edit {outcome}: {}", about(what))
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Loss;

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{Act, Scripted};

    #[tokio::test]
    async fn the_code_tells_it_where_nothing_is_to_be_printed() {
        let reloaded: Reloaded =
            serde_json::from_str(include_str!("../../../protocol/documents/reloaded.json")).unwrap();
        for (durable, exit) in [(true, Exit::Done), (false, Exit::NotDurable)] {
            let reloaded = Reloaded { durable, ..reloaded.clone() };
            let proxy = Scripted::start(move |_| Act::json(&reloaded));
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run("reload").await, exit, "{}", scene.err());
            assert!(!scene.out().is_empty());
            assert_eq!(scene.run("reload -q").await, exit);
            assert_eq!((scene.out(), scene.err()), (String::new(), String::new()));
            assert_eq!(scene.run("reload -q --json").await, Exit::Usage);
        }
    }

    #[test]
    fn what_came_and_went_and_what_became_of_edits_is_told() {
        let member = Subject { balancer: "app".parse().unwrap(), member: "http://a".parse().ok() };
        let what = Override {
            subject: member.clone(),
            field: "lbfactor".to_owned(),
            value: "2.0".to_owned(),
            why: "it wins".to_owned(),
            loss: Loss::default(),
        };
        let reloaded = Reloaded {
            reloads: 1,
            event: 7,
            added: vec![Subject { member: None, ..member.clone() }, member],
            removed: Vec::new(),
            kept: Vec::new(),
            dropped: vec![what.clone()],
            absorbed: vec![Override { why: "it says the same".to_owned(), ..what }],
            warnings: Vec::new(),
            durable: true,
        };
        assert_eq!(
            lines(&reloaded)[1..],
            [
                "  added    balancer://app",
                "  added    app/http://a",
                "  dropped  app/http://a: lbfactor 2.0: it wins",
                "  absorbed app/http://a: lbfactor 2.0: it says the same"
            ]
        );
    }
}
