//! The result of a roll: every member, what became of it, and what to do where it stopped.

use evenkeel_protocol::BalancerName;
use serde::Serialize;

use super::super::Session;
use super::super::drain::Target;
use super::super::output::Stop;
use super::RollArguments;

/// How far a roll came with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Nothing was done to it.
    Untouched,
    /// Its drain was begun.
    Draining,
    /// It is drained, and the command has not succeeded.
    Command,
    /// The command has succeeded, and it is not well.
    Unwell,
    /// Its drain was lost before all was done.
    Lost,
    /// It is well, and new sessions do not come yet.
    Unreturned,
    /// All is done.
    Rolled,
    /// It was stopped or disabled before, and stays so.
    Skipped,
}

impl State {
    /// In words, with what to do; `{}` of the advice is the member.
    fn told(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Untouched => ("untouched", None),
            Self::Draining => (
                "not drained",
                Some(
                    "its drain or its own state goes on: evenkeel wait {} drained; evenkeel undrain {} returns it",
                ),
            ),
            Self::Command => ("drained, the command failed", Some("when it is mended: evenkeel undrain {}")),
            Self::Unwell => {
                ("drained, the command is done, not healthy", Some("when it is: evenkeel undrain {}"))
            }
            Self::Lost => (
                "its drain was lost, new sessions came to it meanwhile",
                Some("look whether it is well; evenkeel drain {} takes it out again"),
            ),
            Self::Unreturned => ("done and healthy, still draining", Some("evenkeel undrain {}")),
            Self::Rolled => ("rolled", None),
            Self::Skipped => ("skipped, it was out of use before", None),
        }
    }
}

/// One member of a roll.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) target: Target,
    pub(super) state: State,
    /// Its status in httpd's words, as seen last.
    pub(super) words: String,
}

/// The result as JSON. Fields are only ever added; `version` changes if that rule is broken.
#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    balancer: &'a str,
    done: bool,
    why: Option<&'a str>,
    members: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    member: &'a str,
    state: State,
    words: &'a str,
    advice: Option<String>,
}

/// Writes it.
pub(super) fn tell(
    balancer: &BalancerName,
    steps: &[Step],
    stopped: Option<&str>,
    (arguments, session): (&RollArguments, &mut Session<'_>),
) -> Result<(), Stop> {
    // An httpd runs no drain that somebody could wait for: to drain again with --wait looks on anew.
    let is_httpd = session.asks_httpd();
    let advice = |step: &Step| {
        let text = step.state.told().1.filter(|_| stopped.is_some())?;
        let text =
            if is_httpd { text.replace("wait {} drained", "drain {} --wait") } else { text.to_owned() };
        Some(text.replace("{}", &step.target.label))
    };
    let output = &mut session.output;
    if let Some(why) = stopped {
        output.message(&format!("evenkeel: {why}"));
    }
    if arguments.options.json {
        let members = steps.iter().map(|step| Row {
            member: step.target.member.as_str(),
            state: step.state,
            words: &step.words,
            advice: advice(step),
        });
        return output.json(&Report {
            version: 1,
            balancer: balancer.as_str(),
            done: stopped.is_none(),
            why: stopped,
            members: members.collect(),
        });
    }
    if arguments.options.quiet {
        return Ok(());
    }
    let width = steps.iter().map(|step| step.target.label.chars().count()).max().unwrap_or_default();
    for step in steps {
        let (label, words, (told, _)) = (&step.target.label, &step.words, step.state.told());
        let advice = advice(step).map_or_else(String::new, |advice| format!("; {advice}"));
        output.result(&format!("{label:width$}  {words}: {told}{advice}"))?;
    }
    Ok(())
}
