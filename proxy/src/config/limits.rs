//! The bounds of reading a configuration, together in one place.

/// The largest file, in bytes.
pub(super) const FILE_BYTES: usize = 16 * 1024 * 1024;
/// The most lines, over all files.
pub(super) const LINES: usize = 100_000;
/// The longest line, in bytes, continuations joined.
pub(super) const LINE_BYTES: usize = 64 * 1024;
/// The most files, the first one included.
pub(super) const FILES: usize = 256;
/// How deep files may include one another, and folders may nest.
pub(super) const DEPTH: usize = 16;
/// The most entries of a folder that a wildcard is compared with.
pub(super) const FOLDER_ENTRIES: usize = 10_000;
/// The largest file of an `ErrorDocument`, in bytes.
pub(super) const DOCUMENT_BYTES: usize = 256 * 1024;
/// The most lines of `Header` and `RequestHeader`.
pub(super) const HEADER_RULES: usize = 1000;
/// The most access logs.
pub(super) const ACCESS_LOGS: usize = 64;
/// The most addresses to listen on.
pub(super) const LISTENERS: usize = 256;
/// The most servers whose heartbeats are remembered.
pub(super) const HEARTBEAT_SERVERS: i64 = 100_000;
/// The most members of one balancer.
pub(super) const MEMBERS: usize = 10_000;
/// The most expressions, and the most templates, of health checks.
pub(super) const DEFINITIONS: usize = 256;
/// The most health checks that `ProxyHCTPsize` grants at once.
pub(super) const CHECKS_AT_ONCE: usize = 1024;
/// The most characters of a `${NAME}` and of what it stands for.
pub(super) const VARIABLE: usize = 4096;
/// After so many errors reading stops; so many warnings are kept.
pub(super) const NOTES: usize = 1000;
/// The most errors, and the most warnings, that a report prints.
pub(super) const SHOWN: usize = 20;
/// The most characters of a line that a note shows.
pub(super) const EXCERPT: usize = 120;
/// The most characters of a word that a sentence repeats.
pub(super) const QUOTED: usize = 80;
