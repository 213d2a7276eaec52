//! Completion in shells: commands and options from the command line's own table, words that a value can be from where
//! they are parsed, members from the live proxies, groups from the configuration file.
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
use futures_util::future::join_all;

use super::place::{Environment, Search, TargetOptions};
use super::{Cli, target};
use crate::client::{Client, Limits, Place, Surroundings};
use crate::config;
use crate::targets::{Target, Targets, Typed};

/// The variable by which a shell asks.
const VARIABLE: &str = "EVENKEEL_COMPLETE";
/// How long a press of the key may take.
const WITHIN: Duration = Duration::from_millis(500);
/// Offers for one word.
const MOST: usize = 1_000;

pub(super) const HELP: &str = "\
Members are asked of the running proxy, or of all that --socket, --apache and --group name, at each press of the key.

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
    completer.write_registration(VARIABLE, "evenkeel", "evenkeel", "evenkeel", out)?;
    if shell == Shell::Bash { out.write_all(WHOLE_WORDS.as_bytes()) } else { Ok(()) }
}

/// Readline breaks words at colons and equals signs, so addresses and `--socket=PATH` come in pieces: they are put together
/// again for this program, and of what it offers only the last piece is given back.
const WHOLE_WORDS: &str = r#"
_evenkeel_whole_words() {
    local line=$COMP_LINE words=() index=0 at word
    for at in "${!COMP_WORDS[@]}"; do
        word=${COMP_WORDS[at]}
        if ((at == 0)) || [[ $line == [[:space:]]* ]]; then
            line=${line#"${line%%[![:space:]]*}"}
            words+=("$word")
        else
            words[${#words[@]}-1]+=$word
        fi
        line=${line#"$word"}
        ((at != COMP_CWORD)) || index=$((${#words[@]} - 1))
    done
    local whole=${words[index]}
    local ahead=${whole%"$2"}
    local COMP_WORDS=("${words[@]}") COMP_CWORD=$index
    _clap_complete_evenkeel evenkeel "$whole" "$3"
    [[ -z $ahead ]] || COMPREPLY=("${COMPREPLY[@]#"$ahead"}")
}
complete -o nospace -o bashdefault -o nosort -F _evenkeel_whole_words evenkeel 2>/dev/null ||
    complete -o nospace -o bashdefault -F _evenkeel_whole_words evenkeel
"#;

/// What a word names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Balancer,
    Member,
    Either,
}

/// Completes members.
pub(super) fn members() -> ArgValueCompleter {
    ArgValueCompleter::new(|word: &OsStr| offers(word, Named::Member))
}

/// Completes balancers.
pub(super) fn balancers() -> ArgValueCompleter {
    ArgValueCompleter::new(|word: &OsStr| offers(word, Named::Balancer))
}

/// Completes balancers and members.
pub(super) fn everything() -> ArgValueCompleter {
    ArgValueCompleter::new(|word: &OsStr| offers(word, Named::Either))
}

/// Completes one of the words that a value can be.
pub(super) fn choices(all: fn() -> Vec<String>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |word: &OsStr| fitting(word, all()))
}

/// As [`choices`], of which several may stand there with commas between them.
pub(super) fn lists(all: fn() -> Vec<String>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |word: &OsStr| {
        let begun = word.to_str().unwrap_or_default();
        let before = begun.rfind(',').and_then(|at| begun.get(..=at)).unwrap_or_default();
        let there: Vec<&str> = before.split(',').collect();
        let others = all().into_iter().filter(|choice| !there.contains(&choice.as_str()));
        fitting(word, others.map(|choice| format!("{before}{choice}")).collect())
    })
}

/// Completes the names of groups.
pub(super) fn groups() -> ArgValueCompleter {
    ArgValueCompleter::new(|word: &OsStr| {
        let groups = config::of_this_user().map(|config| config.groups).unwrap_or_default();
        fitting(word, groups.into_keys().collect())
    })
}

fn offers(word: &OsStr, named: Named) -> Vec<CompletionCandidate> {
    let mut all = Vec::new();
    for snapshot in snapshots() {
        for selector in selectors(&snapshot, named) {
            // The proxies of a fleet have the same members as a rule.
            if !all.contains(&selector) {
                all.push(selector);
            }
        }
        all.truncate(MOST);
    }
    fitting(word, all)
}

/// Those offers that begin with the word.
fn fitting(word: &OsStr, offers: Vec<String>) -> Vec<CompletionCandidate> {
    let Some(word) = word.to_str() else { return Vec::new() };
    let fitting = offers.into_iter().filter(|offer| offer.starts_with(word));
    fitting.take(MOST).map(CompletionCandidate::new).collect()
}

/// What names each balancer and each member, as far as they are wanted.
fn selectors(snapshot: &Snapshot, named: Named) -> Vec<String> {
    let mut selectors = Vec::new();
    for balancer in &snapshot.balancers {
        if named != Named::Member {
            selectors.push(balancer.name.to_string());
        }
        if named == Named::Balancer {
            continue;
        }
        let members = balancer.members.iter().take(MOST);
        selectors.extend(members.map(|member| target::shortest(snapshot, balancer, member)));
    }
    selectors
}

/// Of the proxies that the line so far means, and that answer.
fn snapshots() -> Vec<Snapshot> {
    let sockets: Vec<PathBuf> = typed("--socket").into_iter().map(PathBuf::from).collect();
    let options = options();
    // Nobody is asked for a password in the middle of a line.
    let environment = Environment { asks: false, ..Environment::of_this_process() };
    let search = Search {
        options: &options,
        socket: sockets.first().map(PathBuf::as_path),
        surroundings: &Surroundings::of_this_process(),
        environment: &environment,
    };
    let group = typed("--group").pop();
    let pages = search.named_pages(&sockets);
    let written = if group.is_some() { 0 } else { sockets.len() };
    let named = Typed { sockets: &sockets, pages, group: group.as_deref(), written };
    let places: Vec<Place> = match Targets::named(&named, |address| search.page(address)) {
        Ok(Targets::Fleet(fleet)) => fleet.targets.iter().map(Target::watched).collect(),
        Ok(Targets::One(_)) => search.place().into_iter().collect(),
        Err(_) => Vec::new(),
    };
    let limits = Limits { connect: WITHIN, answer: WITHIN, ..Limits::default() };
    let clients: Vec<Client> = places.iter().filter_map(|place| Client::of(place, limits).ok()).collect();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    // All at the same time, so that several are as quick as one.
    let answers = runtime.block_on(join_all(clients.iter().map(Client::snapshot)));
    answers.into_iter().filter_map(Result::ok).collect()
}

/// What the line says so far of manager pages, and of how they are reached.
fn options() -> TargetOptions {
    let last = |option| typed(option).pop();
    let paths = |option| typed(option).into_iter().map(PathBuf::from);
    TargetOptions {
        apache: typed("--apache"),
        user: last("--user"),
        cookie: typed("--cookie"),
        header: typed("--header"),
        host: last("--host"),
        cert: paths("--cert").next_back(),
        key: paths("--key").next_back(),
        cacert: paths("--cacert").collect(),
        insecure: words().any(|word| word == "--insecure"),
    }
}

/// The values of an option in the line that is being typed.
fn typed(option: &str) -> Vec<String> {
    values(option, words())
}

/// The words of the line that is being typed, as the command would get them. Shells hand them over with their quotes.
fn words() -> impl Iterator<Item = String> {
    let words = std::env::args().skip_while(|word| word != "--").skip(1);
    words.map(|word| match shlex::split(&word).as_deref() {
        Some([plain]) => plain.clone(),
        _ => word,
    })
}

/// The values of an option in these words.
fn values(option: &str, mut words: impl Iterator<Item = String>) -> Vec<String> {
    let mut values = Vec::new();
    while let Some(word) = words.next() {
        if word == option {
            values.extend(words.next());
        } else if let Some(value) = word.strip_prefix(option).and_then(|rest| rest.strip_prefix('=')) {
            values.push(value.to_owned());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::scripted;

    #[test]
    fn each_offer_means_one_member_or_balancer() {
        let snapshot = scripted::snapshot(0);
        let offers = selectors(&snapshot, Named::Either);
        assert_eq!(offers, ["app", "app/a", "app/b", "api", "api/127.0.0.1:9003"]);
        for offer in offers {
            assert!(target::any(&snapshot, &offer).is_ok(), "{offer}");
        }
        assert_eq!(selectors(&snapshot, Named::Balancer), ["app", "api"]);
    }

    #[test]
    fn all_values_of_an_option_are_seen() {
        let words = "evenkeel --socket a drain --socket=b --sockets c --socket";
        let of = |option| values(option, words.split(' ').map(str::to_owned));
        assert_eq!((of("--socket"), of("--group")), (vec!["a".to_owned(), "b".to_owned()], Vec::new()));
    }

    #[test]
    fn every_shell_is_told_to_ask_this_program() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            register(*shell, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains(VARIABLE) && script.contains("evenkeel"), "{shell:?}: {script}");
            // What puts words together calls this by its name.
            let bash = script.contains("_clap_complete_evenkeel() {");
            assert_eq!(bash, *shell == Shell::Bash);
        }
    }
}
