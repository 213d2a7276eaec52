//! Directives about who may come. What of them this proxy does not have stops the start, as all that closes something.

use crate::config::access::{AuthType, Merging, Rule};
use crate::config::directive::{Call, Context, Directive, EVERYWHERE, Effect};
use crate::config::lexer::Word;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::shown;
use crate::config::site::{Closing, Scope, Site};

/// More words on a line than anybody writes.
const MANY: usize = 1024;
/// What `Require method` can name.
const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "MKCOL", "REPORT"];
const SECTIONS: &[Context] = &[Context::Location, Context::Proxy];
const REMEDY: &str = "let a firewall, or a proxy in front, decide who may come";

/// Its files hold what is as good as the password, and hashes that are guessed by the billion.
const NO_DIGEST: &str = "write AuthType Basic, and have a proxy in front speak TLS: a digest hides a password on the way \
     and keeps it worse";

type Apply = fn(&mut Site, &mut Notes, &Call<'_>);

const fn row(name: &'static str, usage: &'static str, about: &'static str, apply: Apply) -> Directive {
    let effect = Effect::Guard { apply, does: "authenticates", remedy: REMEDY, harmless: |_| false };
    Directive { name, contexts: SECTIONS, usage, arguments: 1..=1, about, effect }
}

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    Directive {
        arguments: 1..=MANY,
        ..row(
            "AuthBasicProvider",
            "file",
            "Where passwords are looked up: in the file of AuthUserFile, which is the only way.",
            |site, _, call| {
                if call.words.iter().any(|word| !word.text.eq_ignore_ascii_case("file")) {
                    stop(site, "AuthBasicProvider", call);
                }
            },
        )
    },
    row(
        "AuthGroupFile",
        "FILE",
        "Groups and their users, a line each: NAME: USER USER. Changes count at once.",
        |site, notes, call| {
            let path = file(notes, call);
            if let Some(section) = site.access.section() {
                section.groups = path.or(section.groups.take());
            }
        },
    ),
    row(
        "AuthMerging",
        "Off|And|Or",
        "What becomes of the Require lines of sections that fit before: replaced, or to be granted as well, or instead.",
        |site, notes, call| {
            let merging = match call.text(0).to_ascii_lowercase().as_str() {
                "off" => Merging::Off,
                "and" => Merging::And,
                "or" => Merging::Or,
                _ => {
                    let what = "AuthMerging must be Off, And or Or";
                    return notes
                        .error(call.word_spot(0), Complaint::new(what, "write Off, which is the default"));
                }
            };
            if let Some(section) = site.access.section() {
                section.merging = Some(merging);
            }
        },
    ),
    row("AuthName", "NAME", "What is asked for a password for, as browsers show it.", |site, notes, call| {
        if call.text(0).bytes().any(|byte| !(b' '..=b'~').contains(&byte)) {
            let what = "the name has characters that browsers cannot be told";
            return notes.error(call.word_spot(0), Complaint::new(what, "write plain ASCII"));
        }
        if let Some(section) = site.access.section() {
            section.realm = Some(call.text(0).to_owned());
        }
    }),
    row("AuthType", "Basic|None", "How users prove who they are.", |site, _, call| {
        let auth_type = match call.text(0).to_ascii_lowercase().as_str() {
            "basic" => AuthType::Basic,
            "none" => AuthType::None,
            "digest" => return stop_with(site, ("AuthType Digest", NO_DIGEST), call),
            _ => return stop(site, "AuthType", call),
        };
        if let Some(section) = site.access.section() {
            section.auth_type = Some(auth_type);
        }
    }),
    row(
        "AuthUserFile",
        "FILE",
        "Users and passwords as htpasswd writes them: bcrypt, SHA-1, apr1 and crypt. Changes count at once.",
        |site, notes, call| {
            let path = file(notes, call);
            if let Some(section) = site.access.section() {
                section.users = path.or(section.users.take());
            }
        },
    ),
    Directive {
        name: "Require",
        contexts: EVERYWHERE,
        usage: "[not] all granted|all denied|ip ADDRESS …|host NAME …|forward-dns NAME …|local|method NAME …|valid-user|\
                user NAME …|group NAME …",
        arguments: 1..=MANY,
        about: "Who may come, in <Location> and <Proxy>; of several lines one must grant, unless they stand in \
                <RequireAll>, <RequireAny> or <RequireNone>. Other forms stop the start.",
        effect: Effect::Guard {
            apply: require,
            does: "restricts access",
            remedy: REMEDY,
            harmless: is_all_granted,
        },
    },
];

/// The path that a line names.
fn file(notes: &mut Notes, call: &Call<'_>) -> Option<std::path::PathBuf> {
    if call.text(0).is_empty() {
        notes.error(call.word_spot(0), Complaint::new("the file is missing", "write its path"));
        return None;
    }
    Some(call.text(0).into())
}

fn is_all_granted(words: &[&str]) -> bool {
    matches!(words, [all, granted] if all.eq_ignore_ascii_case("all") && granted.eq_ignore_ascii_case("granted"))
}

/// It cannot be honoured, so it stops the start.
fn stop(site: &mut Site, name: &str, call: &Call<'_>) {
    stop_with(site, (name, REMEDY), call);
}

fn stop_with(site: &mut Site, (name, remedy): (&str, &'static str), call: &Call<'_>) {
    let does = if name == "Require" { "restricts access" } else { "authenticates" };
    let scope = call.scope.clone();
    site.closings.push(Closing { name: name.to_owned(), does, remedy, scope, spot: call.spot });
}

fn require(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    if *call.scope == Scope::Server {
        let texts: Vec<&str> = call.words.iter().map(|word| word.text.as_str()).collect();
        if !is_all_granted(&texts) {
            stop(site, "Require", call);
        }
        return;
    }
    let (not, words) = match call.words {
        [first, rest @ ..] if first.text.eq_ignore_ascii_case("not") => (true, rest),
        words => (false, words),
    };
    let [kind, arguments @ ..] = words else {
        let remedy = "write for example Require ip 10.0.0.0/8";
        return notes.error(call.spot, Complaint::new("Require says nothing", remedy));
    };
    // httpd would put a value in the place of it.
    if arguments.iter().any(|word| word.text.contains("%{")) {
        return stop(site, "Require", call);
    }
    match rule(&kind.text, arguments, notes) {
        Some(Ok(rule)) => {
            let rule = if not { Rule::Not(Box::new(rule)) } else { rule };
            site.access.add(rule, call.spot, notes);
        }
        Some(Err(complaint)) => notes.error(kind.spot, complaint),
        None => stop(site, "Require", call),
    }
}

fn methods(words: &[Word]) -> Result<Rule, Complaint> {
    if let Some(word) = words.iter().find(|word| !METHODS.contains(&word.text.as_str())) {
        let what = format!("there is no method '{}'", shown(&word.text));
        return Err(Complaint::new(what, "write for example Require method GET HEAD, in capital letters"));
    }
    Ok(Rule::Method(texts(words)))
}

fn texts(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.text.clone()).collect()
}

/// One rule; none for a kind that is not known here. As in httpd kinds are written in small letters.
fn rule(kind: &str, arguments: &[Word], notes: &mut Notes) -> Option<Result<Rule, Complaint>> {
    let needs = |what: &str, remedy: &'static str| {
        Err(Complaint::new(format!("Require {kind} needs {what}"), remedy))
    };
    Some(match (kind, arguments) {
        ("all", [word]) if word.text.eq_ignore_ascii_case("granted") => Ok(Rule::All(true)),
        ("all", [word]) if word.text.eq_ignore_ascii_case("denied") => Ok(Rule::All(false)),
        ("all", _) => needs("granted or denied", "write Require all granted, or Require all denied"),
        ("ip", []) => needs("an address", "write for example Require ip 10.0.0.0/8"),
        ("ip", words) => {
            let mut networks = Vec::new();
            for word in words {
                match word.text.parse() {
                    Ok(network) => networks.push(network),
                    Err(why) => {
                        let what = format!("'{}' {why}", shown(&word.text));
                        let remedy = "write for example 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32";
                        notes.error(word.spot, Complaint::new(what, remedy));
                    }
                }
            }
            Ok(Rule::Ip(networks))
        }
        ("host", []) => needs("a name", "write for example Require host example.com"),
        ("host", words) => Ok(Rule::Host(texts(words))),
        ("forward-dns", []) => needs("a name", "write for example Require forward-dns bastion.example.com"),
        ("forward-dns", words) => Ok(Rule::ForwardDns(texts(words))),
        ("local", _) => Ok(Rule::Local),
        ("method", []) => needs("a method", "write for example Require method GET HEAD"),
        ("method", words) => methods(words),
        ("group", []) => needs("a name", "write Require group NAME, and AuthGroupFile FILE"),
        ("group", words) => Ok(Rule::Group(texts(words))),
        ("valid-user", _) => Ok(Rule::ValidUser),
        ("user", []) => needs("a name", "write Require user NAME, or Require valid-user"),
        ("user", words) => Ok(Rule::User(texts(words))),
        _ => return None,
    })
}
