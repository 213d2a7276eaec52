//! What a restart of an httpd has forgotten: which of it was set from here, and which was only seen.

use evenkeel_protocol::Override;

/// How the reason of a setting begins that was not made here: by somebody else, or by another command. Or the
/// configuration itself was changed; a page does not tell that apart.
pub const SEEN: &str = "seen before the restart, not made here";

/// Was it made elsewhere?
pub fn is_of_others(lost: &Override) -> bool {
    lost.why.starts_with(SEEN)
}
