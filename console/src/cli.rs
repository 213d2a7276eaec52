//! The command line: what can be typed, and which command runs.
//!
//! Commands only ask a proxy through [`client`](crate::client) and write to the writers they are given, so that
//! they are tested without a process. `evenkeel` without a command is the screen, which is not here.

mod available;
pub mod complete;
mod drain;
mod edit;
mod elections;
mod elsewhere;
mod events;
pub mod exit;
mod explain;
mod export;
mod fleet;
mod history;
pub mod manual;
mod netrc;
mod output;
pub mod palette;
mod password;
mod patience;
pub mod place;
mod preview;
mod proxies;
mod reload;
mod report;
mod retry;
mod roll;
mod roster;
#[cfg(test)]
mod scene;
pub mod screen;
mod sessions;
mod set;
mod status;
mod table;
mod target;
mod undo;
mod untold;
mod wait;
mod watch;

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};
use jiff::tz::TimeZone;

use crate::client::{Client, Limits, Place, Surroundings};
use crate::targets::{self, Targets};
pub use drain::{DrainArguments, UndrainArguments};
pub use edit::EditArguments;
pub use elections::ElectionsArguments;
pub use events::EventsArguments;
pub use exit::Exit;
pub use explain::ExplainArguments;
pub use export::ExportArguments;
pub use history::HistoryArguments;
pub use output::Output;
use output::Stop;
use place::{Environment, Search, TargetOptions};
pub use proxies::ProxiesArguments;
pub use reload::ReloadArguments;
pub use roll::RollArguments;
pub use roster::{AddArguments, RemoveArguments};
pub use screen::ScreenOptions;
pub use sessions::SessionsArguments;
pub use set::SetArguments;
pub use status::{StatusArguments, page};
pub use undo::UndoArguments;
pub use wait::WaitArguments;
pub use watch::{WatchArguments, is_dumb};

/// See and steer a running Evenkeel proxy; without a command: on a full screen
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, long_about = LONG_ABOUT)]
#[command(after_help = format!("{EXAMPLES}\n\nMore, with the exit codes: --help"))]
#[command(after_long_help = format!("{EXAMPLES}\n\n{}", exit::help()))]
pub struct Cli {
    /// The admin socket of the proxy, or the run folder that holds it; several are a fleet.
    #[arg(long, global = true, value_name = "PATH", help = SOCKET, help_heading = WHICH)]
    pub socket: Vec<PathBuf>,
    /// The name of a group of targets in the configuration file.
    #[arg(long, global = true, value_name = "NAME", help = GROUP, help_heading = WHICH, add = complete::groups())]
    pub group: Option<String>,
    /// Which manager pages of an httpd, and how they are reached.
    #[command(flatten)]
    pub targets: TargetOptions,
    /// How the screen is, where there is no command.
    #[command(flatten)]
    pub screen: ScreenOptions,
    /// What to do; nothing: the screen.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What can be done instead of opening the screen.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Something that is asked of a running proxy.
    #[command(flatten)]
    Ask(Ask),
    /// Print what makes a shell complete commands, options and members
    #[command(after_help = complete::HELP)]
    Completions {
        /// The shell
        shell: complete::Shell,
    },
    /// Print the manual page, in roff
    #[command(after_help = "Example:\n  evenkeel man > ~/.local/share/man/man1/evenkeel.1")]
    Man,
    /// Show the whole system at work: embedded backends, traffic, a proxy and the screen
    #[cfg(feature = "demo")]
    Demo(ScreenOptions),
}

/// The commands that ask a running proxy.
#[derive(Debug, Subcommand)]
pub enum Ask {
    /// Show balancers and members as a table, or as JSON
    #[command(after_help = "\
Examples:
  evenkeel status                    all balancers
  evenkeel status app                one balancer
  evenkeel status app/node1          one member, by route, host:port or URL
  evenkeel status --json app | jq '.balancers[].members[].busy'")]
    Status(StatusArguments),
    /// Serve only requests that carry its route (N): no new sessions come
    #[command(after_help = drain::HELP)]
    Drain(DrainArguments),
    /// Let new sessions come again: clear N alone, and end the drain
    #[command(after_help = drain::UNDO)]
    Undrain(UndrainArguments),
    /// Wait until a member is healthy, idle or drained
    #[command(after_help = wait::HELP)]
    Wait(WaitArguments),
    /// Drain one member after the other and run a command for each
    #[command(after_help = roll::HELP)]
    Roll(RollArguments),
    /// Clear drain, disabled and stopped (N, D, S), and say which
    #[command(after_help = "Example:\n  evenkeel enable app/node1")]
    Enable(EditArguments),
    /// Serve nobody, its own sessions neither (D); requests in flight finish
    #[command(after_help = "Example:\n  evenkeel disable app/10.0.0.1:8080 --reason 'disk is full'")]
    Disable(EditArguments),
    /// As disable, and neither retried after an error nor checked (S)
    #[command(after_help = "Example:\n  evenkeel stop app/node1")]
    Stop(EditArguments),
    /// Use it only when its lbset has nobody else (H)
    #[command(after_help = "Example:\n  evenkeel standby app/node3\n  evenkeel set app/node3 standby=off")]
    Standby(EditArguments),
    /// Change settings of a member, or of a balancer
    #[command(after_help = set::HELP)]
    Set(SetArguments),
    /// Add a member to a balancer, disabled unless its status says otherwise
    #[command(after_help = roster::ADD_HELP)]
    Add(AddArguments),
    /// Remove a member that was added at run time
    #[command(after_help = roster::REMOVE_HELP)]
    Remove(RemoveArguments),
    /// Take an edit back, if nobody touched since what it changed
    #[command(after_help = undo::HELP)]
    Undo(UndoArguments),
    /// Show what happened, as lines of text or JSON
    #[command(after_help = "\
Examples:
  evenkeel events                      all that the proxy still keeps
  evenkeel events --follow             those that come, until interrupted
  evenkeel events --since 17 --follow  those behind number 17, and those that come
  evenkeel --group web events --follow --since a=17 --since b=4  of a fleet, each line with its target")]
    Events(EventsArguments),
    /// Show the last hour of a member, or of all members of a balancer
    #[command(after_help = history::HELP)]
    History(HistoryArguments),
    /// Show balancers and members again and again
    #[command(after_help = watch::HELP)]
    Watch(WatchArguments),
    /// Show the sessions of each route: how many, and when one was last seen
    #[command(after_help = sessions::HELP)]
    Sessions(SessionsArguments),
    /// Tell where a request would go and why, without sending it
    #[command(after_help = explain::HELP)]
    Explain(ExplainArguments),
    /// Show the last elections: who, why, and what came of it
    #[command(after_help = elections::HELP)]
    Elections(ElectionsArguments),
    /// Print what was set at run time as Apache directives, ready to paste
    #[command(after_help = export::HELP)]
    Export(ExportArguments),
    /// Have the proxy read its configuration anew: all of it takes effect, or nothing changes
    #[command(after_help = reload::HELP)]
    Reload(ReloadArguments),
    /// List the proxies that are running here
    #[command(after_help = proxies::HELP)]
    Proxies(ProxiesArguments),
}

/// The command line of this process; one that is not understood ends it with the reason.
pub fn typed() -> Cli {
    Cli::try_parse().unwrap_or_else(|why| advised(why).exit())
}

/// What other tools call their screen is no slip of the finger: the nearest command by its letters would stop a member.
fn advised(mut why: clap::Error) -> clap::Error {
    let is_top =
        matches!(why.get(ContextKind::InvalidSubcommand), Some(ContextValue::String(word)) if word == "top");
    if is_top {
        why.remove(ContextKind::SuggestedSubcommand);
        let tip = "`evenkeel` without a command is the screen";
        why.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    why
}

const LONG_ABOUT: &str = "\
See and steer a running Evenkeel proxy; without a command: on a full screen

The proxy is the one whose admin socket --socket or the variable EVENKEEL_SOCKET names, else the only one that runs. \
Results go to standard output, everything else to standard error.

Several --socket, or --group, are a fleet: an edit is made in each target where the member is, all at the same time, with \
a result for each; the exit code is 0 only if all succeeded. What was done stays when another target fails: run it again.";

const WHICH: &str = "Which proxy";

const SOCKET: &str = "The proxy's admin socket, or the folder that holds it; given several times: a fleet [env: EVENKEEL_SOCKET]";

const GROUP: &str =
    "The fleet of that name in ~/.config/evenkeel/config.toml: [group.NAME] targets = [\"/run/…\", …]";

const EXAMPLES: &str = "\
Examples:
  evenkeel                             the screen
  evenkeel status                      a table
  evenkeel drain app/node1             no new sessions for a member
  evenkeel set app/node1 lbfactor=2    twice the share
  evenkeel --group web drain app/node1    in each target of a group";

/// Where a command runs, and where its words go.
#[derive(Debug)]
pub struct Session<'a> {
    /// `--socket`.
    pub socket: Option<&'a Path>,
    /// The target of a fleet that this is about; it stands above all that was typed.
    pub target: Option<&'a Place>,
    /// What was typed about manager pages.
    pub targets: &'a TargetOptions,
    /// Where to look for a proxy when there is none.
    pub surroundings: Surroundings,
    /// Variables and files.
    pub environment: Environment,
    /// The bounds of the connection.
    pub limits: Limits,
    /// The time zone in which times are written.
    pub zone: TimeZone,
    /// Where the words go.
    pub output: Output<'a>,
}

impl Session<'_> {
    /// Is an httpd asked? It keeps no edits over a restart as a rule, so that is no failure of an edit there.
    fn asks_httpd(&self) -> bool {
        match self.target {
            Some(place) => matches!(place, Place::Apache(_)),
            None => self.search().is_for_httpd(),
        }
    }

    fn search(&self) -> Search<'_> {
        Search {
            options: self.targets,
            socket: self.socket,
            surroundings: &self.surroundings,
            environment: &self.environment,
        }
    }

    /// The client of the proxy that is meant.
    async fn client(&self) -> Result<Client, Stop> {
        self.client_of(self.target).await
    }

    /// That of a target of a fleet; none: of the only proxy that is meant.
    async fn client_of(&self, target: Option<&Place>) -> Result<Client, Stop> {
        let place = match target {
            Some(Place::Socket(socket)) => self.surroundings.find(Some(socket)).map(Place::Socket),
            Some(page) => Ok(page.clone()),
            None => self.search().place(),
        };
        match place {
            Ok(place) => {
                let words = target.map_or_else(|| self.search().words(&place), targets::words);
                Ok(Client::of(&place, self.limits)?.named(&words))
            }
            Err(why) => Err(why.introduced(self.limits).await.into()),
        }
    }
}

/// Runs one command to its end.
pub async fn run(ask: &Ask, session: &mut Session<'_>) -> Exit {
    match answer(ask, session).await {
        Ok(exit) => exit,
        Err(stop) => {
            let (exit, why) = stop.told();
            if let Some(why) = why {
                session.output.message(&format!("evenkeel: {why}"));
            }
            exit
        }
    }
}

/// As [`run`]; why it ends before its time is not told yet.
async fn answer(ask: &Ask, session: &mut Session<'_>) -> Result<Exit, Stop> {
    match ask {
        Ask::Status(arguments) => status::run(arguments, session).await,
        Ask::Drain(arguments) => drain::run(arguments, session).await,
        Ask::Undrain(arguments) => drain::undo(arguments, session).await,
        Ask::Wait(arguments) => wait::run(arguments, session).await,
        Ask::Roll(arguments) => roll::run(arguments, session).await,
        Ask::Enable(arguments) => edit::run(edit::Verb::Enable, arguments, session).await,
        Ask::Disable(arguments) => edit::run(edit::Verb::Disable, arguments, session).await,
        Ask::Stop(arguments) => edit::run(edit::Verb::Stop, arguments, session).await,
        Ask::Standby(arguments) => edit::run(edit::Verb::Standby, arguments, session).await,
        Ask::Set(arguments) => set::run(arguments, session).await,
        Ask::Add(arguments) => roster::add(arguments, session).await,
        Ask::Remove(arguments) => roster::remove(arguments, session).await,
        Ask::Undo(arguments) => undo::run(arguments, session).await,
        Ask::Events(arguments) => events::run(arguments, session).await,
        Ask::History(arguments) => history::run(arguments, session).await,
        Ask::Watch(arguments) => watch::run(arguments, session).await,
        Ask::Sessions(arguments) => sessions::run(arguments, session).await,
        Ask::Explain(arguments) => explain::run(arguments, session).await,
        Ask::Elections(arguments) => elections::run(arguments, session).await,
        Ask::Export(arguments) => export::run(arguments, session).await,
        Ask::Reload(arguments) => reload::run(arguments, session).await,
        Ask::Proxies(arguments) => proxies::run(arguments, session).await,
    }
}

/// Runs one command in this process: its environment, standard output and standard error.
///
/// An interrupt keeps its default effect, so that a command also ends while its reader does not read.
pub fn execute(ask: &Ask, targets: &Targets, options: &TargetOptions) -> Exit {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let (terminal, watched) = (out.is_terminal(), err.is_terminal());
    let mut session = Session {
        socket: match targets {
            Targets::One(socket) => socket.as_deref(),
            Targets::Fleet(_) => None,
        },
        target: None,
        targets: options,
        surroundings: Surroundings::of_this_process(),
        environment: Environment::of_this_process(),
        limits: Limits::default(),
        zone: TimeZone::system(),
        output: Output::new(&mut out, &mut err).on_terminal(terminal).watched(watched),
    };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(async {
            match targets {
                Targets::One(_) => run(ask, &mut session).await,
                Targets::Fleet(fleet) => fleet::run(ask, &fleet.targets, &mut session).await,
            }
        }),
        Err(why) => {
            session.output.message(&format!("evenkeel: the system lets no command start: {why}"));
            Exit::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_of_other_tools_is_not_taken_for_a_stop() {
        let why = Cli::try_parse_from(["evenkeel", "top"]).unwrap_err();
        let told = advised(why).to_string();
        assert!(told.contains("is the screen") && !told.contains("stop"), "{told}");
        let why = Cli::try_parse_from(["evenkeel", "drian"]).unwrap_err();
        assert!(advised(why).to_string().contains("'drain'"));
    }
}
