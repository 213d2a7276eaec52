//! Directives that can deny, authenticate, limit, redirect or encrypt. This proxy does none of that yet, so
//! they stop the start, or fence off what they cover: never less closed than httpd.

use crate::config::directive::{Directive, EVERYWHERE, Effect};

const ACCESS: &str = "let a firewall, or a proxy in front, decide who may come";
const OLD_ACCESS: &str =
    "write Require all granted if everybody may come, else let a firewall or a proxy in front decide";
const LIMIT: &str = "let a proxy in front limit requests";
const REWRITE: &str = "let the application, or a proxy in front, redirect";
const TLS: &str = "let a proxy in front end TLS";
const HEADER: &str = "let the application, or a proxy in front, change headers";

const fn never(_: &[&str]) -> bool {
    false
}

fn off(words: &[&str]) -> bool {
    matches!(words, [word] if word.eq_ignore_ascii_case("off"))
}

const fn row(
    name: &'static str,
    does: &'static str,
    remedy: &'static str,
    harmless: fn(&[&str]) -> bool,
) -> Directive {
    Directive {
        name,
        contexts: EVERYWHERE,
        usage: "…",
        arguments: 0..=usize::MAX,
        about: "Not supported yet; stops the start, or fences off what it covers.",
        effect: Effect::Closing { does, remedy, harmless },
    }
}

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    row("Allow", "restricts access", OLD_ACCESS, never),
    row("AllowMethods", "restricts methods", ACCESS, never),
    row("Auth*", "authenticates", ACCESS, never),
    row("CGIPassAuth", "authenticates", ACCESS, never),
    row("Deny", "restricts access", OLD_ACCESS, never),
    row("DOS*", "limits requests", LIMIT, never),
    row("ForceType", "changes headers", HEADER, never),
    row("Limit*", "limits requests", LIMIT, never),
    row("MD*", "encrypts", TLS, never),
    row("OIDC*", "authenticates", ACCESS, never),
    row("Order", "restricts access", OLD_ACCESS, never),
    row("ProxyBlock", "restricts access", ACCESS, never),
    row("QS_*", "limits requests", LIMIT, never),
    row("Redirect*", "redirects", REWRITE, never),
    row("RemoteIP*", "decides who the client is", ACCESS, never),
    row("Rewrite*", "rewrites or redirects", REWRITE, never),
    row("RewriteEngine", "rewrites or redirects", REWRITE, off),
    row("Satisfy", "restricts access", OLD_ACCESS, never),
    row("Sec*", "restricts access", ACCESS, never),
    row("Session*", "authenticates", ACCESS, never),
    row("Shib*", "authenticates", ACCESS, never),
    row("SSL*", "encrypts", TLS, never),
    row("SSLEngine", "encrypts", TLS, off),
    row("Substitute", "changes answers", REWRITE, never),
];

/// Sections that close something, what that is, and what to do; their lines are not looked at one by one.
pub(in crate::config) static SECTIONS: &[(&str, &str, &str)] = &[
    ("AuthnProviderAlias", "authenticates", ACCESS),
    ("AuthzProviderAlias", "authenticates", ACCESS),
    ("If", "depends on the request", ACCESS),
    ("Limit", "restricts methods", ACCESS),
    ("LimitExcept", "restricts methods", ACCESS),
    ("RequireAll", "restricts access", ACCESS),
    ("RequireAny", "restricts access", ACCESS),
    ("RequireNone", "restricts access", ACCESS),
];
