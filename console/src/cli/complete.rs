//! Completion in shells: commands and options from the command line's own table, members from the live proxy.
//!
//! The shell asks this program at each press of the key, so what it offers cannot be out of date. It is quick, and
//! silent where something fails: nobody wants an error in the middle of a line.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory as _, ValueEnum};
use clap_complete::env::{CompleteEnv, Shells};
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use evenkeel_protocol::Snapshot;

use super::place::{Environment, Search, TargetOptions};
use super::{Cli, target};
use crate::client::{Client, Limits, Surroundings};

/// The variable by which a shell asks.
const VARIABLE: &str = "EVENKEEL_COMPLETE";
/// How long a press of the key may take.
const WITHIN: Duration = Duration::from_millis(500);
/// Offers for one word.
const MOST: usize = 1_000;

pub(super) const HELP: &str = "\
Members are asked of the running proxy, at each press of the key.

Examples:
  source <(evenkeel completions bash)                                        # in ~/.bashrc
  source <(evenkeel completions zsh)                                         # in ~/.zshrc
  evenkeel completions fish > ~/.config/fish/completions/evenkeel.fish";

/// A shell that completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }
}

/// If a shell asks for completions, answers and ends the process.
pub fn answer() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).complete();
}

/// Writes what has a shell ask.
///
/// # Errors
///
/// Whatever `out` fails with.
pub fn register(shell: Shell, out: &mut impl Write) -> io::Result<()> {
    let shells = Shells::builtins();
    let Some(completer) = shells.completer(shell.name()) else { return Ok(()) };
    completer.write_registration(VARIABLE, "evenkeel", "evenkeel", "evenkeel", out)
}

/// Completes members.
pub(super) fn members() -> ArgValueCompleter {
    ArgValueCompleter::new(|word: &OsStr| offers(word, false))
}

/// Completes balancers and members.
pub(super) fn everything() -> ArgValueCompleter {
    ArgValueCompleter::new(|word: &OsStr| offers(word, true))
}

fn offers(word: &OsStr, balancers: bool) -> Vec<CompletionCandidate> {
    let (Some(word), Some(snapshot)) = (word.to_str(), snapshot()) else { return Vec::new() };
    let fitting = selectors(&snapshot, balancers).into_iter().filter(|selector| selector.starts_with(word));
    fitting.take(MOST).map(CompletionCandidate::new).collect()
}

/// What names each member, and each balancer if they are wanted.
fn selectors(snapshot: &Snapshot, balancers: bool) -> Vec<String> {
    let mut selectors = Vec::new();
    for balancer in &snapshot.balancers {
        if balancers {
            selectors.push(balancer.name.to_string());
        }
        let members = balancer.members.iter().take(MOST);
        selectors.extend(members.map(|member| target::shortest(snapshot, balancer, member)));
    }
    selectors
}

/// Of the proxy that the line so far means.
fn snapshot() -> Option<Snapshot> {
    let options =
        TargetOptions { apache: typed("--apache").into_iter().collect(), ..TargetOptions::default() };
    let socket = typed("--socket").map(PathBuf::from);
    // Nobody is asked for a password in the middle of a line.
    let environment = Environment { asks: false, ..Environment::of_this_process() };
    let search = Search {
        options: &options,
        socket: socket.as_deref(),
        surroundings: &Surroundings::of_this_process(),
        environment: &environment,
    };
    let limits = Limits { connect: WITHIN, answer: WITHIN, ..Limits::default() };
    let client = Client::of(&search.place().ok()?, limits).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(client.snapshot()).ok()
}

/// The value of an option in the line that is being typed.
fn typed(option: &str) -> Option<String> {
    let mut words = std::env::args().skip_while(|word| word != "--").skip(1);
    while let Some(word) = words.next() {
        if word == option {
            return words.next();
        }
        if let Some(value) = word.strip_prefix(option).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::scripted;

    #[test]
    fn each_offer_means_one_member_or_balancer() {
        let snapshot = scripted::snapshot(0);
        let offers = selectors(&snapshot, true);
        assert_eq!(offers, ["app", "app/a", "app/b", "api", "api/127.0.0.1:9003"]);
        for offer in offers {
            assert!(target::any(&snapshot, &offer).is_ok(), "{offer}");
        }
    }

    #[test]
    fn every_shell_is_told_to_ask_this_program() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            register(*shell, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains(VARIABLE) && script.contains("evenkeel"), "{shell:?}: {script}");
        }
    }
}
