//! Screen or command: the only choice made here.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use evenkeel::attach;
use evenkeel::cli::place::{Environment, Search};
use evenkeel::cli::screen::ThemeName;
use evenkeel::cli::{self, Cli, Command, Exit, ScreenOptions};
use evenkeel::client::{Limits, NoProxy, Surroundings};
use evenkeel::config::{self, Fault};
use evenkeel::screen::Options;
use evenkeel::targets::{Targets, Typed, Unfit, written};
use evenkeel::theme::Wish;

fn main() -> ExitCode {
    // A shell that asks for completions gets them, and nothing else is done.
    cli::complete::answer();
    let cli = cli::typed();
    let targets = match named(&cli) {
        Ok(targets) => targets,
        Err(why) => {
            say(&why.to_string());
            return Exit::Usage.into();
        }
    };
    if cli.command.is_some() && cli.screen != ScreenOptions::default() {
        say(
            "--write, --lock-after, --interval, --theme, --ascii and --mouse are for the screen; a command takes none of them",
        );
        return Exit::Usage.into();
    }
    match &cli.command {
        Some(Command::Ask(ask)) => cli::execute(ask, &targets, &cli.targets).into(),
        Some(Command::Completions { shell }) => {
            ended(cli::complete::register(*shell, &mut io::stdout()).map_err(Into::into))
        }
        Some(Command::Man) => ended(cli::manual::page(&mut io::stdout()).map_err(Into::into)),
        #[cfg(feature = "demo")]
        Some(Command::Demo(_))
            if !matches!(targets, Targets::One(None))
                || cli.targets != cli::place::TargetOptions::default() =>
        {
            say("the demo has a proxy of its own; leave --socket, --apache and --group out");
            Exit::Usage.into()
        }
        #[cfg(feature = "demo")]
        Some(Command::Demo(options)) => match options_of(*options) {
            Ok(options) => ended(evenkeel::demo::run(options)),
            Err(fault) => refused(&fault),
        },
        None if !(io::stdin().is_terminal() && io::stdout().is_terminal()) => {
            say("the screen needs a terminal; for scripts there is `evenkeel status --json`");
            Exit::Usage.into()
        }
        None if cli::is_dumb(std::env::var_os("TERM")) => {
            say(
                "this terminal cannot be painted (TERM is dumb); `evenkeel watch --linear` tells what changes, \
                 and the commands do the rest",
            );
            Exit::Usage.into()
        }
        None => match options_of(cli.screen) {
            Ok(options) => opened(&cli, &targets, options),
            Err(fault) => refused(&fault),
        },
    }
}

/// The targets of the command line.
fn named(cli: &Cli) -> Result<Targets, Unfit> {
    let (surroundings, environment) = (Surroundings::of_this_process(), Environment::of_this_process());
    let search = Search {
        options: &cli.targets,
        socket: None,
        surroundings: &surroundings,
        environment: &environment,
    };
    let typed = Typed {
        sockets: &cli.socket,
        pages: search.named_pages(&cli.socket),
        group: cli.group.as_deref(),
        written: written(std::env::args_os()),
    };
    Targets::named(&typed, |address| search.page(address))
}

/// The screen of those targets. A fleet opens whichever of them answer; a single proxy must be there.
fn opened(cli: &Cli, targets: &Targets, options: Options) -> ExitCode {
    let socket = match targets {
        Targets::Fleet(fleet) => return ended(attach::fleet(fleet, options)),
        Targets::One(socket) => socket.as_deref(),
    };
    let search = Search {
        options: &cli.targets,
        socket,
        surroundings: &Surroundings::of_this_process(),
        environment: &Environment::of_this_process(),
    };
    match search.place() {
        Ok(place) => ended(attach::screen(&place, &search.words(&place), options)),
        Err(why) => {
            let why = introduced(why);
            say(&why.to_string());
            Exit::from(&why).into()
        }
    }
}

/// The options of the command line and the operator's settings as the screen takes them.
///
/// Errors: the settings are wrong.
fn options_of(typed: ScreenOptions) -> Result<Options, Fault> {
    let theme = match typed.theme {
        ThemeName::Auto => Wish::Auto,
        ThemeName::Dark => Wish::Dark,
        ThemeName::Light => Wish::Light,
        ThemeName::Mono => Wish::Mono,
    };
    let lock_after = Some(typed.lock_after).filter(|after| !after.is_zero());
    let keymap = config::of_this_user()?.keymap;
    let ScreenOptions { write, ascii, mouse, interval: pace, .. } = typed;
    Ok(Options { write, lock_after, theme, ascii, mouse, pace, keymap })
}

fn refused(fault: &Fault) -> ExitCode {
    say(&fault.to_string());
    Exit::Invalid.into()
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
