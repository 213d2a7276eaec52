//! Directives that were reviewed and are ignored: none of them can deny, authenticate, limit, redirect, encrypt or
//! remove a header, for the reason that stands in the row.

use crate::config::directive::{Directive, EVERYWHERE, Effect};

const PROCESS: &str =
    "Ignored: how httpd runs its processes and threads; here threads follow the processors.";
const PLACE: &str = "Ignored: where httpd keeps its own files; see --run-dir.";
const LOG: &str = "Ignored: logs go to standard error.";
const IDENTITY: &str = "Ignored: the proxy runs as whoever starts it.";
const PAGES: &str = "Ignored: what httpd prints on pages of its own.";
const FILES: &str =
    "Ignored: about files, and this proxy serves none; a path without ProxyPass is answered 404.";
const NAMES: &str = "Ignored: the name of the proxy comes from ServerName, and there is one site.";
const SOCKET: &str = "Ignored: sockets have the proxy's own buffers and queues.";
const FILTER: &str =
    "Ignored: Linux hands a connection over when its client has sent something or a second has passed.";
const SLOTS: &str = "Ignored: balancers and members are not kept in slots.";

const VARIABLES: &str =
    "Ignored: a variable's readers here are access logs, which say so, and Header, which refuses to read it.";

const fn row(name: &'static str, about: &'static str) -> Directive {
    Directive {
        name,
        contexts: EVERYWHERE,
        usage: "…",
        arguments: 0..=usize::MAX,
        about,
        effect: Effect::Ignore,
    }
}

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    row("AcceptFilter", FILTER),
    row("AcceptMutex", PROCESS),
    row("AccessFileName", FILES),
    row("AddAlt", FILES),
    row("AddAltByEncoding", FILES),
    row("AddAltByType", FILES),
    row("AddCharset", FILES),
    row("AddDescription", FILES),
    row("AddEncoding", FILES),
    row("AddIcon", FILES),
    row("AddIconByEncoding", FILES),
    row("AddIconByType", FILES),
    row("AddLanguage", FILES),
    row("AddType", FILES),
    row("AllowOverride", FILES),
    row("AllowOverrideList", FILES),
    row("AsyncRequestWorkerFactor", PROCESS),
    row("BalancerGrowth", SLOTS),
    row("BalancerInherit", SLOTS),
    row("BrowserMatch*", VARIABLES),
    row("CacheNegotiatedDocs", FILES),
    row("ContentDigest", FILES),
    row("CoreDumpDirectory", PLACE),
    row("DefaultIcon", FILES),
    row("DefaultLanguage", FILES),
    row("DefaultRuntimeDir", PLACE),
    row("DefaultType", FILES),
    row("DirectoryIndex", FILES),
    row("DirectorySlash", FILES),
    row("EnableMMAP", FILES),
    row("EnableSendfile", FILES),
    row("ErrorLog", LOG),
    row("ErrorLogFormat", LOG),
    row("ExtendedStatus", PAGES),
    row("FileETag", FILES),
    row("ForceLanguagePriority", FILES),
    row("GracefulShutdownTimeout", PROCESS),
    row("Group", IDENTITY),
    row("HeaderName", FILES),
    row("HostnameLookups", LOG),
    row("IndexHeadInsert", FILES),
    row("IndexIgnore", FILES),
    row("IndexOptions", FILES),
    row("IndexOrderDefault", FILES),
    row("IndexStyleSheet", FILES),
    row("LanguagePriority", FILES),
    row("ListenBacklog", SOCKET),
    row("ListenCoresBucketsRatio", SOCKET),
    row("LockFile", PROCESS),
    row("LogIOTrackTTFB", LOG),
    row("LogLevel", LOG),
    row("MaxConnectionsPerChild", PROCESS),
    row("MaxMemFree", PROCESS),
    row("MaxRequestsPerChild", PROCESS),
    row("MaxSpareServers", PROCESS),
    row("MaxSpareThreads", PROCESS),
    row("MIMEMagicFile", FILES),
    row("MinSpareServers", PROCESS),
    row("MinSpareThreads", PROCESS),
    row("MultiviewsMatch", FILES),
    row("Mutex", PROCESS),
    row("NameVirtualHost", NAMES),
    row("Options", FILES),
    row("PassEnv", VARIABLES),
    row("PidFile", PLACE),
    row("ProxyIOBufferSize", SOCKET),
    row("ProxyPassInherit", NAMES),
    row("ProxyReceiveBufferSize", SOCKET),
    row("ProxyStatus", PAGES),
    row("ReadmeName", FILES),
    row("ReceiveBufferSize", SOCKET),
    row("RemoveCharset", FILES),
    row("RemoveEncoding", FILES),
    row("RemoveLanguage", FILES),
    row("RemoveType", FILES),
    row("ScoreBoardFile", PLACE),
    row("SeeRequestTail", PAGES),
    row("SendBufferSize", SOCKET),
    row("ServerAdmin", PAGES),
    row("ServerAlias", NAMES),
    row("ServerLimit", PROCESS),
    row("ServerSignature", PAGES),
    row("ServerTokens", PAGES),
    row("SetEnv*", VARIABLES),
    row("StartServers", PROCESS),
    row("ThreadLimit", PROCESS),
    row("ThreadsPerChild", PROCESS),
    row("ThreadStackSize", PROCESS),
    row("TraceEnable", "Ignored: TRACE is always refused."),
    row("TypesConfig", FILES),
    row("UnsetEnv", VARIABLES),
    row("UseCanonicalPhysicalPort", NAMES),
    row("User", IDENTITY),
];
