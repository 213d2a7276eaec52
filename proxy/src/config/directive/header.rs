//! Directives that change the header fields of requests and answers.

use crate::config::directive::{Directive, EVERYWHERE, Effect};
use crate::config::header::Side;

const REMEDY: &str = "let the application, or a proxy in front, change headers";
const DOES: &str = "changes headers";
/// More arguments than anybody writes, so that those too many can be named.
const MANY: usize = 16;

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    Directive {
        name: "Header",
        contexts: EVERYWHERE,
        usage: "[onsuccess|always] set|setifempty|add|append|merge|unset|edit|edit*|echo NAME [PATTERN] [VALUE] \
                [env=[!]VARIABLE]",
        arguments: 0..=MANY,
        about: "Changes a field of answers: of members' answers (onsuccess), or in a list before those and on the \
                proxy's own pages (always). Values take %{BALANCER_WORKER_ROUTE}e and the like, %t, %D, %l and %%.",
        effect: Effect::Guard {
            apply: |site, notes, call| site.headers.read(Side::Answer, call, notes),
            does: DOES,
            remedy: REMEDY,
            harmless: |_| false,
        },
    },
    Directive {
        name: "RequestHeader",
        contexts: EVERYWHERE,
        usage: "set|setifempty|add|append|merge|unset|edit|edit* NAME [PATTERN] [VALUE] [early|env=[!]VARIABLE]",
        arguments: 0..=MANY,
        about: "Changes a field of requests before a member is elected; so no BALANCER variable is set yet.",
        effect: Effect::Guard {
            apply: |site, notes, call| site.headers.read(Side::Request, call, notes),
            does: DOES,
            remedy: REMEDY,
            harmless: |_| false,
        },
    },
];
