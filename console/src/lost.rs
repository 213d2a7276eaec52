//! What a restart of an httpd has forgotten, in the words of a line: whose it was, and what took it away, as far as a page
//! can tell.

use evenkeel_protocol::sentence::length;
use evenkeel_protocol::{Cause, Hello, Loss, MemberAddition, Override, Snapshot, Timestamp};

/// The field of what was a whole member; its value is the line that adds it again.
pub const MEMBER: &str = "member";

/// What adds it again; none: it was a setting.
pub fn addition(lost: &Override) -> Option<MemberAddition> {
    (lost.field == MEMBER).then(|| MemberAddition::of_line(&lost.value))
}

/// What happened to httpd when it was lost.
pub fn what_happened(lost: &Override) -> &'static str {
    match lost.loss.cause {
        Some(Cause::Server) => "another server answers now",
        Some(Cause::Restart | Cause::Configuration) | None => "httpd was restarted",
    }
}

/// Was it certainly an edit, and not what the configuration had said before it was changed?
pub fn is_certain(lost: &Override) -> bool {
    let Loss { elsewhere, cause } = lost.loss;
    cause != Some(Cause::Configuration) && (!elsewhere || cause.is_some())
}

/// What else is known of it; none: that it was ours, and that the restart forgot it.
pub fn in_short(lost: &Override) -> Option<&'static str> {
    match lost.loss {
        Loss { cause: Some(Cause::Configuration), .. } => Some("reconfigured"),
        Loss { elsewhere: true, cause: Some(_) } => Some("not made here"),
        Loss { elsewhere: true, cause: None } => Some("reconfigured, or not made here"),
        Loss { elsewhere: false, .. } => None,
    }
}

/// What a look cannot tell once an httpd was restarted: processes of before a graceful restart finish their requests, and
/// the page counts only those of its own run. The rest of a sentence; nothing, where no restart was seen.
pub fn uncounted(seen: &Snapshot) -> String {
    if !is_restarted(&seen.proxy) {
        return String::new();
    }
    let ago = length(seen.taken.since(seen.proxy.started));
    format!("; httpd was restarted {ago} ago, and requests of before that are unknown")
}

/// Was it seen that an httpd was restarted?
pub fn is_restarted(proxy: &Hello) -> bool {
    proxy.is_httpd() && proxy.reloads > 0
}

/// Why nobody can say that a member is idle whose page has no count of requests in flight.
pub const UNREADABLE: &str =
    "unknown how many requests are in flight: the page has no count of them that can be read";

/// Requests that were in flight when an httpd was restarted. A count of none in its new run does not say that they ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unfinished {
    /// The run that was seen last, and how many requests were in flight then.
    last: Option<(Timestamp, u64)>,
    left: u64,
}

impl Unfinished {
    /// Takes in one look.
    pub fn look(&mut self, proxy: &Hello, busy: u64) {
        if let Some((run, before)) = self.last.replace((proxy.started, busy))
            && proxy.is_httpd()
            && run != proxy.started
        {
            self.left = self.left.max(before);
        }
    }

    /// So many were in flight when it was restarted last, or at a restart before that.
    pub fn of(left: u64) -> Self {
        Self { last: None, left }
    }

    /// What is not known beside what the page counts: the rest of a sentence.
    pub fn beside(self, seen: &Snapshot) -> String {
        self.why().map_or_else(|| uncounted(seen), |why| format!("; {why}"))
    }

    /// Where that can be seen; none: there is nothing to look for.
    pub fn advice(self) -> Option<&'static str> {
        (self.left > 0).then_some(
            "httpd's server-status tells more: while a process of before still serves, it is counted there as Stopping",
        )
    }

    /// The same behind what is counted; none: there is nothing that is not.
    pub fn in_short(self) -> Option<String> {
        let verb = match self.left {
            0 => return None,
            1 => "has",
            _ => "have",
        };
        Some(format!("unknown whether {} of before httpd's restart {verb} ended", self.left))
    }

    /// Why nobody can say that nothing is in flight; none: nothing was when httpd was restarted, or it was not.
    pub fn why(self) -> Option<String> {
        let (what, verb) = match self.left {
            0 => return None,
            1 => ("1 request".to_owned(), "it has"),
            left => (format!("{left} requests"), "they have"),
        };
        Some(format!(
            "httpd was restarted with {what} in flight, which its page does not count: unknown whether {verb} ended"
        ))
    }
}
