//! The result of a roll: every member, what became of it, and what to do where it stopped.

use evenkeel_protocol::{BalancerName, Flag, Status};
use serde::Serialize;

use super::super::Session;
use super::super::drain::Target;
use super::super::output::Stop;
use super::RollArguments;
use crate::client::Client;
use crate::shell::quoted;

/// How far a roll came with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Nothing was done to it.
    Untouched,
    /// Its drain was begun.
    Draining,
    /// It is drained, and the command was not run.
    Drained,
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
    /// In words.
    fn told(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Draining => "not drained",
            Self::Drained => "drained, the command was not run",
            Self::Command => "drained, the command failed",
            Self::Unwell => "drained, the command is done, not healthy",
            Self::Lost => "its drain was lost, new sessions came to it meanwhile",
            Self::Unreturned => "done and healthy, still draining",
            Self::Rolled => "rolled",
            Self::Skipped => "skipped, it was out of use before",
        }
    }
}

/// One member of a roll.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) target: Target,
    pub(super) state: State,
    /// Did it drain before anything was done?
    pub(super) drained_before: bool,
    /// Its status as seen last; none: it is gone.
    pub(super) status: Option<Status>,
    /// The same in httpd's words.
    pub(super) words: String,
}

impl Step {
    /// What became of it, in words.
    fn told(&self) -> String {
        let before = if self.state == State::Untouched && self.drained_before {
            ", it was draining before"
        } else {
            ""
        };
        format!("{}{before}", self.state.told())
    }

    /// What to do about it; none: nothing. `client` knows what to type.
    fn advice(&self, client: &Client) -> Option<String> {
        let label = quoted(&self.target.label);
        let command = |verb: &str| client.command(&format!("{verb} {label}"));
        let status = self.status?;
        // What a deadline or somebody else has stopped is not returned by undrain, which clears N alone.
        let is_closed = status.has_any(&[Flag::Stopped, Flag::Disabled]);
        let returns = command(if is_closed { "enable" } else { "undrain" });
        Some(match self.state {
            State::Untouched | State::Rolled | State::Skipped => return None,
            State::Draining if is_closed => format!("it is out of use: {returns} returns it"),
            State::Draining if !status.has(Flag::Drain) => {
                format!("it takes new sessions again: {} takes it out of use", command("drain"))
            }
            State::Draining => {
                // An httpd runs no drain that somebody could wait for: to drain again with --wait looks on anew.
                let waits = if client.is_httpd() {
                    client.command(&format!("drain {label} --wait"))
                } else {
                    client.command(&format!("wait {label} drained"))
                };
                format!("its drain or its own state goes on: {waits}; {returns} returns it")
            }
            State::Command => format!("when it is mended: {returns}"),
            State::Unwell => format!("when it is: {returns}"),
            State::Lost => format!("look whether it is well; {} takes it out again", command("drain")),
            State::Drained | State::Unreturned => returns,
        })
    }
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
    (arguments, client, session): (&RollArguments, &Client, &mut Session<'_>),
) -> Result<(), Stop> {
    let advice = |step: &Step| step.advice(client).filter(|_| stopped.is_some());
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
        let (label, words, told) = (&step.target.label, &step.words, step.told());
        let advice = advice(step).map_or_else(String::new, |advice| format!("; {advice}"));
        output.result(&format!("{label:width$}  {words}: {told}{advice}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_advice_is_what_returns_the_member_as_it_is_now() {
        let client = Client::new(Path::new("/run/a")).unwrap().named("--socket /run/a");
        let step = |state, letters: &str| Step {
            target: Target {
                balancer: "app".parse().unwrap(),
                member: "http://a".parse().unwrap(),
                label: "app/a".to_owned(),
            },
            state,
            drained_before: true,
            status: Some(Status::INITIALISED.apply(letters).unwrap()),
            words: String::new(),
        };
        for (state, letters, says) in [
            (State::Draining, "+N", Some("evenkeel --socket /run/a undrain app/a returns it")),
            (
                State::Draining,
                "+NS",
                Some("it is out of use: evenkeel --socket /run/a enable app/a returns it"),
            ),
            (
                State::Draining,
                "-N",
                Some("it takes new sessions again: evenkeel --socket /run/a drain app/a takes it out of use"),
            ),
            (State::Command, "+N", Some("when it is mended: evenkeel --socket /run/a undrain app/a")),
            (State::Command, "+NS", Some("when it is mended: evenkeel --socket /run/a enable app/a")),
            (State::Rolled, "+S", None),
        ] {
            let advice = step(state, letters).advice(&client);
            assert_eq!(advice.is_some(), says.is_some(), "{state:?} {letters}: {advice:?}");
            let advice = advice.unwrap_or_default();
            assert!(advice.ends_with(says.unwrap_or_default()), "{state:?} {letters}: {advice}");
        }
        assert_eq!(step(State::Untouched, "+N").told(), "untouched, it was draining before");
    }
}
