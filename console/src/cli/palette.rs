//! A line of the screen's palette, read by the same rules as the command line: the same verbs, options and names.

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};
use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::{
    BalancerEdit, BalancerName, DrainChange, DrainOrder, MemberAddition, MemberEdit, MemberName, Question,
    Snapshot,
};

use super::edit::{EditOptions, Verb, Wanted, flags_of};
use super::output::Stop;
use super::{Ask, Cli, Command, set, target};

mod complaint;

use complaint::{complaint, in_a_shell};

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// To change a member.
    Edit(Box<Order>),
    /// To see a balancer, a member (by its name within the snapshot), or everything.
    Status(Option<(BalancerName, Option<MemberName>)>),
    /// To see what happened: the events with a greater number.
    Events(u64),
    /// To change a balancer's own settings.
    Tune(Box<Tune>),
    /// To have a member come to a balancer.
    Add(BalancerName, Box<MemberAddition>),
    /// To have the configuration read anew.
    Reload,
    /// To be told where a request would go.
    Explain(Question),
}

/// A change of a balancer's settings as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tune {
    /// Whose.
    pub balancer: BalancerName,
    /// The new values.
    pub edit: BalancerEdit,
    /// The same as they were typed: `lbmethod`, `bytraffic`.
    pub settings: Vec<(String, String)>,
    /// Why.
    pub reason: Option<Reason>,
    /// Only if the revision is still this one.
    pub if_revision: Option<u64>,
}

/// A change as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Whom: none if nobody was named, so that those are meant whom the screen shows as chosen.
    pub whom: Option<(BalancerName, MemberName)>,
    /// What.
    pub what: What,
    /// Why.
    pub reason: Option<Reason>,
    /// Only if the revision is still this one.
    pub if_revision: Option<u64>,
}

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Flags, by a verb.
    Flags(MemberEdit),
    /// Settings as they were typed: `lbfactor`, `2`.
    Settings(MemberEdit, Vec<(String, String)>),
    /// A drain on these terms.
    Drain(DrainOrder),
    /// A change of the drain that runs.
    Extend(DrainChange),
    /// The end of the drain that runs, and nothing else.
    KeepDraining,
    /// To let it go; the revision of the order is that of its balancer.
    Remove,
}

/// The verbs of the command line, for suggestions.
pub fn verbs() -> Vec<String> {
    let command = Cli::command();
    let names = |verb: &clap::Command| {
        let aliases = verb.get_visible_aliases().map(str::to_owned);
        std::iter::once(verb.get_name().to_owned()).chain(aliases).collect::<Vec<_>>()
    };
    let known = [
        "drain", "undrain", "enable", "disable", "stop", "standby", "set", "add", "remove", "status",
        "events", "explain",
    ];
    let verbs = command.get_subcommands().filter(|verb| known.contains(&verb.get_name()));
    verbs.flat_map(names).collect()
}

/// Is that a command of the command line, whether it does anything here or not?
pub fn is_command(word: &str) -> bool {
    Cli::command().find_subcommand(word).is_some()
}

/// The names of settings with their sign, for suggestions.
pub fn settings() -> Vec<String> {
    set::keys(MemberEdit::FIELDS).chain(tunable()).map(|key| format!("{key}=")).collect()
}

/// The parameters of a member that is to come which an operator sets.
pub const PARAMETERS: [&str; 5] = ["route", "loadfactor", "lbset", "redirect", "status"];

/// The same with their sign, for suggestions.
pub fn parameters() -> Vec<String> {
    PARAMETERS.map(|keyword| format!("{keyword}=")).to_vec()
}

/// The settings of a balancer.
pub fn tunable() -> impl Iterator<Item = &'static str> {
    set::keys(BalancerEdit::FIELDS)
}

/// Reads a line. `chosen` stands in for a member that is not named.
///
/// # Errors
///
/// What is wrong with the line, in a sentence; nothing was done.
pub fn read(line: &str, chosen: Option<&str>, snapshot: &Snapshot) -> Result<Typed, String> {
    let words = words(line)?;
    let parsed = |words: &[String]| {
        Cli::try_parse_from(std::iter::once("evenkeel".to_owned()).chain(words.iter().cloned()))
    };
    // `drain` and `set lbfactor=2` are about the member that is chosen.
    let second = words.get(1).map(String::as_str);
    let is_setting =
        words.first().is_some_and(|verb| verb == "set") && second.is_some_and(|it| it.contains('='));
    // `add http://…` is about its balancer.
    let is_newcomer = words.first().is_some_and(|verb| verb == "add")
        && second.is_some_and(|word| word.contains("://") && !word.starts_with("balancer:"));
    let is_of_chosen = is_setting || is_newcomer;
    let may_lack = is_of_chosen || second.is_none_or(|word| word.starts_with('-'));
    let mut outcome = parsed(&words);
    let lacks = |why: &clap::Error| why.kind() == ErrorKind::MissingRequiredArgument;
    let mut named = true;
    if let Some(chosen) = chosen.filter(|_| may_lack && (is_of_chosen || outcome.as_ref().is_err_and(lacks)))
    {
        let mut filled = words.clone();
        filled.insert(1, chosen.to_owned());
        (outcome, named) = (parsed(&filled), false);
    }
    let verb = words.first().map_or("", String::as_str);
    let is_done_here = verbs().iter().any(|known| known == verb);
    let cli = match outcome {
        Ok(cli) => cli,
        Err(_) if !is_done_here => return Err(in_a_shell(line, false)),
        Err(why) => return Err(complaint(&why, verb)),
    };
    let stop = |stop: Stop| stop.told().1.unwrap_or_default().to_owned();
    let typed = match cli.command {
        Some(Command::Ask(ask)) => asked(&ask, named, snapshot).map_err(stop)?,
        _ => None,
    };
    typed.ok_or_else(|| in_a_shell(line, true))
}

fn asked(ask: &Ask, named: bool, snapshot: &Snapshot) -> Result<Option<Typed>, Stop> {
    let flags = |verb, (selector, options): (&str, &EditOptions)| {
        let found = target::member_with(snapshot, selector, &[])?;
        order((found, named), What::Flags(flags_of(verb)), options).map(Some)
    };
    let verb =
        |verb, arguments: &super::EditArguments| flags(verb, (&arguments.selector, &arguments.options));
    match ask {
        Ask::Drain(arguments) => {
            let found = target::member_with(snapshot, &arguments.selector, &[])?;
            let what = arguments.extension().map_or_else(|| What::Drain(arguments.order()), What::Extend);
            order((found, named), what, &arguments.options).map(Some)
        }
        Ask::Undrain(arguments) if arguments.keep_draining => {
            let found = target::member_with(snapshot, &arguments.selector, &[])?;
            order((found, named), What::KeepDraining, &arguments.options).map(Some)
        }
        Ask::Undrain(arguments) => flags(Verb::Undrain, (&arguments.selector, &arguments.options)),
        Ask::Enable(arguments) => verb(Verb::Enable, arguments),
        Ask::Disable(arguments) => verb(Verb::Disable, arguments),
        Ask::Stop(arguments) => verb(Verb::Stop, arguments),
        Ask::Standby(arguments) => verb(Verb::Standby, arguments),
        Ask::Set(arguments) => {
            let (wanted, keys) = set::parse(&arguments.settings)?;
            let value = |setting: &String| setting.split_once('=').map(|(_, value)| value.to_owned());
            let values = arguments.settings.iter().filter_map(value);
            let settings = keys.iter().map(|key| (*key).to_owned()).zip(values).collect();
            let (selector, options) = (&arguments.selector, &arguments.options);
            let edit = match wanted {
                Wanted::Member(edit) => edit,
                Wanted::Balancer(edit) => {
                    let balancer = balancer((selector, named), &keys, snapshot)?;
                    let (balancer, if_revision) = (balancer.name.clone(), options.if_revision);
                    let tune = Tune { balancer, edit, settings, reason: options.reason()?, if_revision };
                    return Ok(Some(Typed::Tune(Box::new(tune))));
                }
            };
            let found = target::member_with(snapshot, selector, &keys)?;
            order((found, named), What::Settings(edit, settings), options).map(Some)
        }
        Ask::Add(arguments) => {
            let balancer = balancer((&arguments.balancer, named), &[], snapshot)?;
            let addition = arguments.addition()?;
            Ok(Some(Typed::Add(balancer.name.clone(), Box::new(addition))))
        }
        Ask::Remove(arguments) => {
            let found = target::member_with(snapshot, &arguments.selector, &[])?;
            order((found, named), What::Remove, &arguments.options).map(Some)
        }
        Ask::Status(arguments) => {
            let Some(text) = &arguments.selector else { return Ok(Some(Typed::Status(None))) };
            let place = match target::any(snapshot, text)? {
                target::Target::Balancer(balancer) => (balancer.name.clone(), None),
                target::Target::Member(balancer, member) => {
                    (balancer.name.clone(), Some(member.name.clone()))
                }
            };
            Ok(Some(Typed::Status(Some(place))))
        }
        Ask::Events(arguments) => Ok(arguments.on_screen().map(Typed::Events)),
        Ask::Reload(_) => Ok(Some(Typed::Reload)),
        Ask::Explain(arguments) => Ok(Some(Typed::Explain(arguments.question(Some(snapshot))?))),
        _ => Ok(None),
    }
}

/// The balancer that is meant; if nobody was named, that of the member that is chosen.
fn balancer<'a>(
    (selector, named): (&str, bool),
    keys: &[&str],
    snapshot: &'a Snapshot,
) -> Result<&'a evenkeel_protocol::BalancerSnapshot, Stop> {
    match target::any(snapshot, selector)? {
        target::Target::Member(balancer, _) if !named => Ok(balancer),
        _ => target::balancer_with(snapshot, selector, keys),
    }
}

/// A member of a balancer, and whether it was named.
type Found<'a> = ((&'a evenkeel_protocol::BalancerSnapshot, &'a evenkeel_protocol::MemberSnapshot), bool);

fn order(((balancer, member), named): Found<'_>, what: What, options: &EditOptions) -> Result<Typed, Stop> {
    let whom = named.then(|| (balancer.name.clone(), member.name.clone()));
    let order = Order { whom, what, reason: options.reason()?, if_revision: options.if_revision };
    Ok(Typed::Edit(Box::new(order)))
}

/// A line as words; blanks within quotes belong to the word.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote): (Option<String>, Option<char>) = (None, None);
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            // Within quotes, or a character of a word.
            _ => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(format!("the quote {open} is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Flag;

    use super::*;
    use crate::client::scripted;
    use evenkeel_protocol::DrainUntil;

    fn typed(line: &str) -> Result<Typed, String> {
        read(line, Some("app/b"), &scripted::snapshot(0))
    }

    fn ordered(line: &str) -> Order {
        match typed(line) {
            Ok(Typed::Edit(order)) => *order,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_verbs_of_the_command_line_mean_the_same() {
        let drain = ordered("drain app/a --reason 'deploy 42' --if-revision 3");
        let (balancer, member) = drain.whom.unwrap();
        assert_eq!((balancer.as_str(), member.as_str()), ("app", "http://127.0.0.1:9001"));
        assert_eq!(drain.what, What::Drain(DrainOrder::default()));
        let timed = ordered("drain app/a --until idle --timeout 10m --on-timeout stop");
        let What::Drain(order) = timed.what else { panic!("{timed:?}") };
        assert_eq!((order.until, order.timeout), (Some(DrainUntil::Idle), "10m".parse().ok()));
        match ordered("drain app/a --extend 10m --on-timeout cut").what {
            What::Extend(change) => assert_eq!((change.extend, change.timeout), ("10m".parse().ok(), None)),
            other => panic!("{other:?}"),
        }
        assert_eq!(ordered("undrain app/a --keep-draining").what, What::KeepDraining);
        assert_eq!(drain.reason.unwrap().as_str(), "deploy 42");
        assert_eq!(drain.if_revision, Some(3));
        assert_eq!(
            ordered("undrain a").what,
            What::Flags(MemberEdit::default().with_flag(Flag::Drain, false))
        );
        match ordered("set app/a loadfactor=2 route=z").what {
            What::Settings(edit, settings) => {
                assert_eq!((edit.lbfactor, settings.len()), ("2".parse().ok(), 2));
                assert_eq!(settings[0], ("lbfactor".to_owned(), "2".to_owned()));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(typed("events"), Ok(Typed::Events(0)));
        assert_eq!(typed("events --since 3"), Ok(Typed::Events(3)));
        assert_eq!(typed("reload"), Ok(Typed::Reload));
        for line in ["set balancer://app timeout=3 --reason x", "set app timeout=3", "set timeout=3"] {
            let Ok(Typed::Tune(tune)) = typed(line) else { panic!("{line}: {:?}", typed(line)) };
            assert_eq!((tune.balancer.as_str(), tune.settings.len()), ("app", 1), "{line}");
        }
        assert_eq!(ordered("remove app/a --if-revision 2").what, What::Remove);
        let line = "http://10.0.0.9 route=n lbset=2 --reason sale";
        for line in [format!("add app {line}"), format!("add balancer://app {line}"), format!("add {line}")] {
            let Ok(Typed::Add(balancer, addition)) = typed(&line) else {
                panic!("{line}: {:?}", typed(&line))
            };
            assert_eq!((balancer.as_str(), addition.url.as_str()), ("app", "http://10.0.0.9"), "{line}");
            assert_eq!(addition.parameters, ["route=n", "lbset=2"], "{line}");
            assert_eq!(addition.reason, Some(Reason::new("sale")), "{line}");
        }
        let Ok(Typed::Explain(question)) = typed("explain --cookie SID=x.a /app/") else { panic!() };
        assert_eq!(
            (question.url.as_str(), question.cookies.as_slice()),
            ("/app/", &["SID=x.a".to_owned()][..])
        );
        assert_eq!(typed("status"), Ok(Typed::Status(None)));
        assert_eq!(typed("status app"), Ok(Typed::Status(Some(("app".parse().unwrap(), None)))));
    }

    #[test]
    fn nobody_named_means_who_is_chosen() {
        for line in ["drain", "drain --reason x", "set lbfactor=2"] {
            assert_eq!(ordered(line).whom, None, "{line}");
        }
        assert!(read("drain", None, &scripted::snapshot(0)).is_err());
    }

    #[test]
    fn what_is_not_understood_does_nothing_and_says_why() {
        for (line, says) in [
            ("drain app/zz", "no member fits 'app/zz'"),
            ("set app/a lbfactor=0", "lbfactor: '0' must be a number from 1 to 100"),
            ("set app/a colour=red", "is no setting"),
            ("add app/a http://h", "a balancer is needed; app/a is a member: name app"),
            ("add app http://h --force", "takes no --force"),
            ("remove app/zz", "no member fits 'app/zz'"),
            ("drain 'app/a", "the quote ' is not closed"),
            ("drain app/a --reason '\u{1b}[2J'", "U+001B"),
        ] {
            let why = typed(line).unwrap_err();
            assert!(why.contains(says) && !why.contains('\u{1b}') && !why.contains('\n'), "{line}: {why}");
        }
    }

    #[test]
    fn a_complaint_is_one_sentence_that_fits_beside_its_mark() {
        for (line, says) in [
            ("drain app/a --xyz", "drain has no option '--xyz'"),
            ("drain app/a --untl idle", "drain has no option '--untl'; did you mean --until?"),
            ("drain app/a app/b", "'app/b' is one word too many for drain"),
            ("set app/a", "set lacks <KEY=VALUE>..."),
            ("drain app/a --until", "'--until' lacks its value"),
            ("drain app/a --if-revision x", "--if-revision: 'x' must be a revision: a whole number"),
            ("drain app/a --timeout 1m --timeout 2m", "'--timeout' stands there twice"),
            ("drain --help", "for its options ask a shell: evenkeel drain --help"),
            ("events --json", "in a shell: evenkeel events --json"),
            ("proxies", "in a shell: evenkeel proxies"),
            ("wait app/a idle", "the console goes on meanwhile; in a shell: evenkeel wait app/a idle"),
            ("wait", "the console goes on meanwhile; in a shell: evenkeel wait --help"),
            ("export --nonsense", "in a shell: evenkeel export --help"),
            ("history app/a", "the member in full (z) shows it; in a shell: evenkeel history app/a"),
        ] {
            let why = typed(line).unwrap_err();
            assert_eq!(why, says, "{line}");
            assert!(why.len() <= 76, "{line}: {why}");
        }
    }

    #[test]
    fn suggestions_are_verbs_and_settings_that_are_understood_here() {
        assert!(verbs().iter().any(|verb| verb == "undrain"));
        for verb in verbs() {
            let needs_more = ["set", "add", "explain"].contains(&verb.as_str());
            assert!(typed(&verb).is_ok() || needs_more, "{verb}");
        }
        assert!(settings().contains(&"lbfactor=".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_or_complained_about(line in "\\PC{0,60}") {
            if let Err(why) = typed(&line) {
                proptest::prop_assert!(!why.contains('\n'));
            }
        }
    }
}
