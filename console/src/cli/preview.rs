//! The result of `--dry-run`: what the proxy says that an edit would do, as lines or as JSON, and the exit code.

use evenkeel_protocol::{MemberName, Preview, Snapshot};
use serde::Serialize;

use super::edit::EditOptions;
use super::output::{Stop, even_unread};
use super::{Exit, Session, report, target};

/// The result as JSON: the fields of an edit's result, and what only a preview has.
#[derive(Serialize)]
struct Shown<'a> {
    version: u32,
    changed: bool,
    #[serde(flatten)]
    preview: &'a Preview,
}

/// Writes what an edit would do; the code is the one with which the edit would end now.
pub(super) fn show(
    preview: &Preview,
    snapshot: &Snapshot,
    options: &EditOptions,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let output = &mut session.output;
    if options.json {
        let changed = !preview.changes.is_empty() && preview.refusal.is_none();
        even_unread(output.json(&Shown { version: report::VERSION, changed, preview }))?;
    } else if !options.quiet {
        even_unread(output.result(&lines(preview, snapshot).join("\n")))?;
    }
    let Some(refusal) = &preview.refusal else { return Ok(Exit::Done) };
    Err(Stop::Failed(Exit::from(refusal), format!("it would be refused: {}", refusal.message)))
}

fn lines(preview: &Preview, snapshot: &Snapshot) -> Vec<String> {
    let name = report::name(&preview.balancer, preview.member.as_ref());
    if preview.changes.is_empty() {
        return vec![format!(
            "{name}: it would change nothing, it is so already (revision {})",
            preview.revision
        )];
    }
    let label = |member: &MemberName| {
        let balancer = snapshot.balancer(&preview.balancer)?;
        let selector = target::shortest(snapshot, balancer, balancer.member(member)?);
        Some(selector.split_once('/').map_or(selector.clone(), |(_, member)| member.to_owned()))
    };
    let list = |members: &[MemberName]| match members {
        [] => "nobody".to_owned(),
        members => {
            let runs = members.chunk_by(|one, next| one == next).flat_map(|run| {
                let label = run.first().map(|member| label(member).unwrap_or_else(|| member.to_string()));
                // Who gets all of them is told once.
                let label = label.unwrap_or_default();
                if run.len() > 2 { vec![format!("{label} x{}", run.len())] } else { vec![label; run.len()] }
            });
            runs.collect::<Vec<_>>().join(" ")
        }
    };
    let mut lines = vec![format!(
        "{name}: it would change {} (revision {})",
        report::changes(&preview.changes),
        preview.revision
    )];
    lines.push(format!("  takes new clients then: {}", list(&preview.remaining)));
    if !preview.estimated {
        lines.push(format!("  next requests, as it is: {}", list(&preview.next)));
        lines.push(format!("  next requests, then:     {}", list(&preview.next_after)));
    }
    lines.push(match preview.sessions {
        Some(sessions) => format!("  sessions affected: {sessions}"),
        None => "  sessions affected: unknown".to_owned(),
    });
    lines.extend(preview.notes.iter().map(|note| format!("  {note}")));
    lines
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{Code, Refusal};
    use serde_json::Value;

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    fn preview(refusal: Option<Refusal>) -> Preview {
        let text = include_str!("../../../protocol/documents/preview.json");
        let next = vec!["http://127.0.0.1:9001".parse().unwrap(), "http://127.0.0.1:9002".parse().unwrap()];
        Preview { balancer: "app".parse().unwrap(), refusal, next, ..serde_json::from_str(text).unwrap() }
    }

    #[tokio::test]
    async fn a_dry_run_tells_what_would_be_and_changes_nothing() {
        let proxy = Scripted::start(|request| match request.method.as_str() {
            "PATCH" => Act::json(&preview(None)),
            _ => Act::json(&scripted::snapshot(0)),
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("disable app/a --dry-run").await, Exit::Done);
        let out = scene.out();
        assert!(out.contains("it would change disabled Off -> On (revision 3)"), "{out}");
        assert!(out.contains("takes new clients then: http://backend2.example.com\n"), "{out}");
        assert!(out.contains("next requests, as it is: a b\n"), "{out}");
        assert_eq!(scene.run("disable app/a --dry-run --json").await, Exit::Done);
        let shown: Value = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!(
            (&shown["applied"], &shown["changed"], &shown["version"]),
            (&false.into(), &true.into(), &1.into())
        );
        let targets = proxy.requests().into_iter().filter(|request| request.method == "PATCH");
        assert!(targets.map(|request| request.target).all(|target| target.ends_with("?dry_run=true")));
    }

    #[tokio::test]
    async fn a_guard_refuses_a_dry_run_with_the_same_code() {
        let proxy = Scripted::start(|request| match request.method.as_str() {
            "PATCH" => Act::json(&preview(Some(Refusal::new(Code::Guarded, "it is the last")))),
            _ => Act::json(&scripted::snapshot(0)),
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("set app/a disabled=on --dry-run").await, Exit::Guarded);
        assert!(scene.err().contains("it would be refused: it is the last"), "{}", scene.err());
        assert!(scene.out().contains("it would change"));
    }
}
