//! `roll --dry-run`: what would be done to which member, with the command as it would be run, and what would be refused.

use evenkeel_protocol::{MemberEdit, Snapshot};
use serde::Serialize;

use super::super::output::{Stop, even_unread};
use super::super::patience::Asking;
use super::super::{Exit, Session};
use super::members::is_out_of_use;
use super::{Rolling, Step, command};

/// The plan as JSON. Fields are only ever added; `version` changes if that rule is broken.
#[derive(Serialize)]
struct Plan<'a> {
    version: u32,
    balancer: &'a str,
    applied: bool,
    members: &'a [Row],
}

#[derive(Serialize)]
struct Row {
    member: String,
    words: String,
    command: Vec<String>,
    /// Is it out of use, so that nothing would be done?
    skipped: bool,
    /// Why it would stop there, and what would happen then; none: it would not.
    refusal: Option<String>,
    /// What else is to be known of its drain, in sentences.
    notes: Vec<String>,
    #[serde(skip)]
    label: String,
    #[serde(skip)]
    exit: Exit,
}

/// Tells it; the code is the one that a roll would stop with now.
pub(super) async fn show(
    rolling: &Rolling<'_>,
    (snapshot, steps): (&Snapshot, &[Step]),
    asking: &Asking,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let mut rows = Vec::new();
    for step in steps {
        rows.push(rolling.row(snapshot, step, asking).await?);
    }
    let (output, options) = (&mut session.output, &rolling.arguments.options);
    if options.json {
        let balancer = rolling.balancer.as_str();
        even_unread(output.json(&Plan { version: 1, balancer, applied: false, members: &rows }))?;
    } else if !options.quiet {
        for (index, row) in rows.iter().enumerate() {
            let Row { label, words, command, .. } = row;
            let place = format!("[{}/{}] {label}", index + 1, rows.len());
            even_unread(output.result(&match &row.refusal {
                _ if row.skipped => format!("{place}  {words}: would be skipped, it is out of use"),
                Some(why) => format!("{place}  {words}: would be refused: {why}"),
                None => format!("{place}  {words}: drain, wait, run: {}", command.join(" ")),
            }))?;
            for note in &row.notes {
                even_unread(output.result(&format!("  {note}")))?;
            }
        }
    }
    Ok(rows.iter().find(|row| row.refusal.is_some()).map_or(Exit::Done, |row| row.exit))
}

impl Rolling<'_> {
    async fn row(&self, snapshot: &Snapshot, step: &Step, asking: &Asking) -> Result<Row, Stop> {
        let target = &step.target;
        let edit = MemberEdit { drain: Some(true), force: self.order.force, ..MemberEdit::default() };
        let preview = asking.client.preview_member(&target.balancer, &target.member, &edit).await?;
        let member = snapshot.member(&target.balancer, &target.member);
        let skipped = self.seat.is_none() && member.is_some_and(is_out_of_use);
        let refused = match self.guard(snapshot, step) {
            _ if skipped => None,
            Err(stopped) => Some((stopped.exit, stopped.why)),
            Ok(()) => preview.refusal.map(|refusal| (Exit::from(&refusal), refusal.message)),
        };
        let places = snapshot.places(&target.balancer, &target.member);
        let places = places.filter(|_| refused.is_none() && !member.is_some_and(is_out_of_use));
        let words = command::Words::of(target, member, asking.client.place());
        Ok(Row {
            member: target.member.to_string(),
            words: step.words.clone(),
            skipped,
            command: words.filled(&self.arguments.command),
            exit: refused.as_ref().map_or(Exit::Done, |(exit, _)| *exit),
            refusal: refused.map(|(_, why)| why),
            notes: places.and_then(|places| places.before_a_drain()).into_iter().collect(),
            label: target.label.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    #[tokio::test]
    async fn it_names_the_other_balancers_of_a_process() {
        let proxy = Scripted::start(|request| {
            let mut snapshot = scripted::snapshot(0);
            snapshot.balancers[1].members[0].name = snapshot.balancers[0].members[0].name.clone();
            match request.method.as_str() {
                "PATCH" => Act::json(
                    &serde_json::from_str::<Value>(include_str!(
                        "../../../../protocol/documents/preview.json"
                    ))
                    .unwrap(),
                ),
                _ => Act::json(&snapshot),
            }
        });
        let mut scene = Scene::of(&proxy);
        scene.run("roll app --dry-run --force -- true").await;
        let says = "The same process still serves in api (1 in flight): the drain waits for what is in flight there, and it \
                    takes new requests there (drain api/127.0.0.1:9001 too).";
        assert_eq!(scene.out().matches(says).count(), 1, "{}{}", scene.out(), scene.err());
        scene.run("roll app --dry-run --force --json -- true").await;
        let told: Value = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!(told["members"][0]["notes"][0], says, "{told}");
    }
}
