//! Screen or command: the only choice made here.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use evenkeel::attach;
use evenkeel::cli::place::{Environment, Search};
use evenkeel::cli::screen::ThemeName;
use evenkeel::cli::{self, Cli, Command, Exit, ScreenOptions};
use evenkeel::client::{Limits, NoProxy, Place, Surroundings};
use evenkeel::screen::Options;
use evenkeel::theme::Wish;

fn main() -> ExitCode {
    // A shell that asks for completions gets them, and nothing else is done.
    cli::complete::answer();
    let cli = Cli::parse();
    let socket = cli.socket.as_deref();
    if cli.command.is_some() && cli.screen != ScreenOptions::default() {
        say(
            "--write, --lock-after, --theme, --ascii and --mouse are for the screen; a command takes none of them",
        );
        return Exit::Usage.into();
    }
    match &cli.command {
        Some(Command::Ask(ask)) => cli::execute(ask, socket, &cli.targets).into(),
        Some(Command::Completions { shell }) => {
            ended(cli::complete::register(*shell, &mut io::stdout()).map_err(Into::into))
        }
        Some(Command::Man) => ended(cli::manual::page(&mut io::stdout()).map_err(Into::into)),
        #[cfg(feature = "demo")]
        Some(Command::Demo(_)) if socket.is_some() || cli.targets != cli::place::TargetOptions::default() => {
            say("the demo has a proxy of its own; leave --socket and --apache out");
            Exit::Usage.into()
        }
        #[cfg(feature = "demo")]
        Some(Command::Demo(options)) => ended(evenkeel::demo::run(options_of(*options))),
        None if !(io::stdin().is_terminal() && io::stdout().is_terminal()) => {
            say("the screen needs a terminal; for scripts there is `evenkeel status --json`");
            Exit::Usage.into()
        }
        None => match place(&cli) {
            Ok(place) => ended(attach::screen(&place, options_of(cli.screen))),
            Err(why) => {
                let why = introduced(why);
                say(&why.to_string());
                Exit::from(&why).into()
            }
        },
    }
}

/// The options of the command line as the screen takes them.
fn options_of(typed: ScreenOptions) -> Options {
    let theme = match typed.theme {
        ThemeName::Auto => Wish::Auto,
        ThemeName::Dark => Wish::Dark,
        ThemeName::Light => Wish::Light,
        ThemeName::Mono => Wish::Mono,
    };
    let lock_after = Some(typed.lock_after).filter(|after| !after.is_zero());
    Options { write: typed.write, lock_after, theme, ascii: typed.ascii, mouse: typed.mouse }
}

/// The proxy that the screen is for.
fn place(cli: &Cli) -> Result<Place, NoProxy> {
    let search = Search {
        options: &cli.targets,
        socket: cli.socket.as_deref(),
        surroundings: &Surroundings::of_this_process(),
        environment: &Environment::of_this_process(),
    };
    search.place()
}

/// If there are several proxies, they are told apart by what they say of themselves.
fn introduced(why: NoProxy) -> NoProxy {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(why.introduced(Limits::default())),
        Err(_) => why,
    }
}

fn ended(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => Exit::Done.into(),
        // A reader that has seen enough, as in `evenkeel demo | head`.
        Err(why)
            if why.downcast_ref::<io::Error>().is_some_and(|why| why.kind() == io::ErrorKind::BrokenPipe) =>
        {
            Exit::Done.into()
        }
        Err(why) => {
            say(&format!("{why:#}"));
            Exit::Failed.into()
        }
    }
}

/// Standard error may be closed; there is nobody left to tell then.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "evenkeel: {text}");
}
