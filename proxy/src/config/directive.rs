//! The directives: one row each, with name, contexts, arguments and meaning.
//!
//! | file | rows |
//! | --- | --- |
//! | `directive/server.rs` | how the proxy listens and talks to clients |
//! | `directive/client.rs` | what clients may send, and how many may come |
//! | `directive/log.rs` | access logs |
//! | `directive/document.rs` | pages for errors |
//! | `directive/handler.rs` | what the proxy answers by itself |
//! | `directive/heartbeat.rs` | heartbeats |
//! | `directive/metrics.rs` | what programs can watch |
//! | `directive/header.rs` | rules for header fields |
//! | `directive/health.rs` | how members are checked |
//! | `directive/proxy.rs` | balancers, members and mappings |
//! | `directive/reading.rs` | how the rest of the configuration is read |
//! | `directive/access.rs` | who may come |
//! | `directive/harmless.rs` | reviewed and ignored: httpd's own housekeeping |
//! | `directive/closing.rs` | what can deny, limit, redirect or encrypt: never ignored |
//! | `directive/missing.rs` | functions that this proxy does not have |

mod access;
mod client;
pub(super) mod closing;
mod document;
mod handler;
mod harmless;
mod header;
mod health;
mod heartbeat;
mod log;
mod metrics;
mod missing;
mod proxy;
mod reading;
mod server;

use std::ops::RangeInclusive;

use crate::config::lexer::Word;
use crate::config::nearest::did_you_mean;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::shown;
use crate::config::site::{Scope, Site};
use crate::config::source::Spot;

/// Where a directive may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// Outside of sections.
    Server,
    /// In `<Location>`.
    Location,
    /// In `<Proxy>`.
    Proxy,
}

impl Context {
    /// As it is called in messages and in the help.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Server => "top level",
            Self::Location => "<Location>",
            Self::Proxy => "<Proxy>",
        }
    }

    fn of(scope: &Scope) -> Self {
        match scope {
            Scope::Server => Self::Server,
            Scope::Location(_) => Self::Location,
            Scope::Balancer(_) | Scope::AllProxied => Self::Proxy,
        }
    }
}

pub(super) use proxy::{check_health, check_path, member_name};

const SERVER: &[Context] = &[Context::Server];
const EVERYWHERE: &[Context] = &[Context::Server, Context::Location, Context::Proxy];

/// One line, ready to be applied.
pub(super) struct Call<'a> {
    /// Its arguments.
    pub(super) words: &'a [Word],
    /// The whole line.
    pub(super) spot: Spot,
    /// The section that it stands in.
    pub(super) scope: &'a Scope,
}

impl Call<'_> {
    /// An argument by its place; the row's range has made sure of those that are needed.
    pub(super) fn text(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| word.text.as_str())
    }

    /// The place of an argument.
    pub(super) fn word_spot(&self, index: usize) -> Spot {
        self.words.get(index).map_or(self.spot, |word| word.spot)
    }
}

/// A line that says how to read the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Define,
    UnDefine,
    Include,
    IncludeOptional,
    ServerRoot,
    LoadModule,
}

/// What a directive does.
pub(super) enum Effect {
    /// It changes the site.
    Apply(fn(&mut Site, &mut Notes, &Call<'_>)),
    /// As [`Effect::Apply`], with arguments that may stand in braces.
    ApplyBraced(fn(&mut Site, &mut Notes, &Call<'_>)),
    /// It changes the site, and is never passed over: in a section for a module that is missing here, which httpd may
    /// have, it is what [`Effect::Closing`] is.
    Guard {
        apply: fn(&mut Site, &mut Notes, &Call<'_>),
        /// What it does, as `limits requests`.
        does: &'static str,
        remedy: &'static str,
        /// Is it harmless there with these arguments?
        harmless: fn(&[&str]) -> bool,
    },
    /// It changes how the rest is read.
    Read(Reading),
    /// Nothing: reviewed, and harmless for the reason that `about` gives.
    Ignore,
    /// It is refused: the proxy does not have its function.
    Missing { remedy: &'static str },
    /// It is honoured or it stops the start (rule 5).
    Closing {
        /// What it does, as `restricts access`.
        does: &'static str,
        remedy: &'static str,
        /// Is it harmless with these arguments?
        harmless: fn(&[&str]) -> bool,
    },
}

/// One directive, or with a star at its end all that start so.
pub(super) struct Directive {
    pub(super) name: &'static str,
    pub(super) contexts: &'static [Context],
    /// Its arguments as people write them.
    pub(super) usage: &'static str,
    /// How many arguments it takes.
    pub(super) arguments: RangeInclusive<usize>,
    /// What it means, in one sentence.
    pub(super) about: &'static str,
    pub(super) effect: Effect,
}

impl Directive {
    fn is_called(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.get(..start.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(start)),
            None => self.name.eq_ignore_ascii_case(name),
        }
    }
}

const TABLES: [&[Directive]; 15] = [
    handler::ROWS,
    access::ROWS,
    server::ROWS,
    heartbeat::ROWS,
    client::ROWS,
    log::ROWS,
    metrics::ROWS,
    document::ROWS,
    header::ROWS,
    health::ROWS,
    proxy::ROWS,
    reading::ROWS,
    closing::ROWS,
    missing::ROWS,
    harmless::ROWS,
];

fn rows() -> impl Iterator<Item = &'static Directive> {
    TABLES.into_iter().flatten()
}

/// The row of a directive; a row with its whole name goes before one with a star.
pub(super) fn find(name: &str) -> Option<&'static Directive> {
    let exact = rows().find(|row| row.name.eq_ignore_ascii_case(name));
    exact.or_else(|| rows().find(|row| row.is_called(name)))
}

/// What to say about a name that is no directive.
pub(super) fn unknown(name: &str) -> Complaint {
    let known = rows().map(|row| row.name).filter(|name| !name.ends_with('*'));
    Complaint::new(
        format!("'{}' is no directive that this proxy knows", shown(name)),
        did_you_mean(name, known, "check its spelling, or remove it; --help-directives lists what is known"),
    )
}

/// Checks context and number of arguments; complains otherwise.
pub(super) fn fits(row: &Directive, call: &Call<'_>, notes: &mut Notes) -> bool {
    let context = Context::of(call.scope);
    if !row.contexts.contains(&context) {
        let places: Vec<_> = row.contexts.iter().map(|context| context.name()).collect();
        let what = format!("{} is not supported in {}", row.name, context.name());
        notes.error(call.spot, Complaint::new(what, format!("move it to {}", places.join(" or "))));
        return false;
    }
    if !row.arguments.contains(&call.words.len()) {
        let what = if call.words.len() < *row.arguments.start() {
            format!("{} needs more arguments", row.name)
        } else {
            format!("{} takes fewer arguments", row.name)
        };
        let remedy = format!("write {} {}; quote what contains blanks", row.name, row.usage);
        notes.error(call.spot, Complaint::new(what, remedy));
        return false;
    }
    true
}

/// All directives as (name and arguments, contexts, meaning), for the help.
pub(super) fn all() -> impl Iterator<Item = (String, String, &'static str)> {
    rows().map(|row| {
        let contexts: Vec<_> = row.contexts.iter().map(|context| context.name()).collect();
        (format!("{} {}", row.name, row.usage).trim_end().to_owned(), contexts.join(", "), row.about)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_is_sorted_and_each_name_stands_once() {
        let mut seen = std::collections::HashSet::new();
        for table in TABLES {
            let names: Vec<_> = table.iter().map(|row| row.name.to_ascii_lowercase()).collect();
            assert!(names.is_sorted(), "{names:?}");
            for row in table {
                assert!(seen.insert(row.name.to_ascii_lowercase()), "{} stands twice", row.name);
                assert!(row.about.ends_with('.') && !row.contexts.is_empty(), "{}", row.name);
            }
        }
    }

    #[test]
    fn a_whole_name_goes_before_a_star() {
        for (name, row) in [
            ("proxypass", "ProxyPass"),
            ("SSLEngine", "SSLEngine"),
            ("SSLVerifyClient", "SSL*"),
            ("AuthType", "AuthType"),
            ("AuthDigestDomain", "Auth*"),
            ("listen", "Listen"),
        ] {
            assert_eq!(find(name).unwrap().name, row);
        }
        assert!(find("Nothing").is_none() && find("").is_none());
    }
}
