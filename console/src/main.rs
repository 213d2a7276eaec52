//! Screen or command: the only choice made here.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use evenkeel::attach;
use evenkeel::cli::{self, Cli, Command, Exit};
use evenkeel::client::Surroundings;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let socket = cli.socket.as_deref();
    match &cli.command {
        Some(Command::Ask(ask)) => cli::execute(ask, socket).into(),
        #[cfg(feature = "demo")]
        Some(Command::Demo) => ended(evenkeel::demo::run()),
        None if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) => {
            say("the screen needs a terminal; for scripts there is `evenkeel status --json`");
            Exit::Usage.into()
        }
        None => match Surroundings::of_this_process().find(socket) {
            Ok(socket) => ended(attach::screen(&socket)),
            Err(why) => {
                say(&why.to_string());
                Exit::from(&why).into()
            }
        },
    }
}

fn ended(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => Exit::Done.into(),
        Err(why) => {
            say(&format!("{why:#}"));
            Exit::Failed.into()
        }
    }
}

/// Standard error may be closed; there is nobody left to tell then.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "evenkeel: {text}");
}
