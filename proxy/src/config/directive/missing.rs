//! Directives of httpd whose function this proxy does not have, and that are no matter of access: refused, with
//! what to do instead.

use crate::config::directive::{Directive, EVERYWHERE, Effect};

const FILES: &str =
    "this proxy serves no files: send the path to a member with ProxyPass, or remove the line";
const LATER: &str = "remove the line; it is not supported yet";
const BEATS: &str = "remove the line: members send heartbeats, a proxy listens for them with HeartbeatListen";

const fn row(name: &'static str, remedy: &'static str) -> Directive {
    Directive {
        name,
        contexts: EVERYWHERE,
        usage: "…",
        arguments: 0..=usize::MAX,
        about: "Not supported yet; refused.",
        effect: Effect::Missing { remedy },
    }
}

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    row("Action", FILES),
    row("AddDefaultCharset", LATER),
    row("AddHandler", FILES),
    row("AddOutputFilter*", LATER),
    row("AliasMatch", FILES),
    row("AllowConnect", LATER),
    row("AllowEncodedSlashes", "remove the line: paths with encoded slashes are refused"),
    row("Cache*", LATER),
    row("Deflate*", LATER),
    row("DumpIO*", LATER),
    row("Expires*", LATER),
    row("ExtFilter*", LATER),
    row("Filter*", LATER),
    row("H2*", LATER),
    row("HeartbeatAddress", BEATS),
    row("MergeSlashes", LATER),
    row("NoProxy", LATER),
    row("Protocols", "remove the line: HTTP/1.1 is spoken"),
    row("ProxyBadHeader", "remove the line: a bad header of a member's answer is an error"),
    row("ProxyDomain", LATER),
    row("ProxyErrorOverride", LATER),
    row("ProxyHTML*", LATER),
    row("ProxyMatch", LATER),
    row("ProxyMaxForwards", LATER),
    row("ProxyPassInterpolateEnv", LATER),
    row("ProxyPassMatch", "write ProxyPass with a plain path"),
    row("ProxyPassReverseCookieDomain", LATER),
    row("ProxyPassReverseCookiePath", LATER),
    row("ProxyRemote", LATER),
    row("ProxyRemoteMatch", LATER),
    row("ProxySourceAddress", LATER),
    row("ProxyWebsocketFallbackToProxyHttp", LATER),
    row("ScriptAlias", FILES),
    row("ScriptAliasMatch", FILES),
    row("SetInputFilter", LATER),
    row("SetOutputFilter", LATER),
    row("Use", LATER),
];
