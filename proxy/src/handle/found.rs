//! Where a request goes: its mapping, or the status of the proxy's own answer.

use std::borrow::Cow;

use memchr::memchr;

use crate::http::request::RequestHead;
use crate::site::{Lead, Site};

/// Who answers a request.
pub(super) enum Goal {
    Balancer(Found),
    /// The handler heartbeat.
    Heartmonitor {
        /// The most bytes that a body may have here.
        most: u64,
    },
    /// The manager page.
    Manager {
        /// The most bytes that a body may have here.
        most: u64,
    },
}

/// Where a request goes.
pub(super) struct Found {
    pub(super) balancer: usize,
    /// The number of the mapping.
    pub(super) mapping: usize,
    /// The path for the member, where it is not the end of the request's.
    path: Option<String>,
    /// Where in the target the member's path starts.
    at: usize,
    /// How long the request's path is.
    length: usize,
    /// The most bytes that its body may have.
    pub(super) most: u64,
}

impl Found {
    /// Path and query behind the member's own path.
    pub(super) fn target<'a>(&self, head: &RequestHead, block: &'a [u8]) -> Cow<'a, str> {
        let whole = std::str::from_utf8(head.target.of(block)).unwrap_or_default();
        match &self.path {
            None => Cow::Borrowed(whole.get(self.at..).unwrap_or_default()),
            Some(path) => Cow::Owned(format!("{path}{}", whole.get(self.length..).unwrap_or_default())),
        }
    }
}

/// The path of a request's target, as sent.
pub(super) fn path<'a>((head, block): (&RequestHead, &'a [u8])) -> Option<&'a str> {
    std::str::from_utf8(head.target.of(block)).ok().map(|target| path_of(target).0)
}

/// The path of a target, and how long it is there.
fn path_of(target: &str) -> (&str, usize) {
    let length = memchr(b'?', target.as_bytes()).unwrap_or(target.len());
    match target.get(..length) {
        // The absolute form of a host alone.
        None | Some("") => ("/", length),
        Some(path) => (path, length),
    }
}

/// # Errors
///
/// The status of the proxy's own answer, and the balancer if the request was to go to one.
pub(super) fn find(site: &Site, block: &[u8], head: &RequestHead) -> Result<Goal, (u16, Option<usize>)> {
    let refused = |status| (status, None);
    match head.method.of(block) {
        b"CONNECT" | b"TRACE" => return Err(refused(405)),
        _ if head.target.of(block) == b"*" => return Err(refused(200)),
        _ => {}
    }
    let target = std::str::from_utf8(head.target.of(block)).map_err(|_| refused(400))?;
    let (path, length) = path_of(target);
    let found = match site.lead(path) {
        Lead::To(found) => found,
        Lead::Refused(_) => return Err(refused(400)),
        Lead::Fenced(_, index) => return Err((503, index)),
        Lead::Heartmonitor => return Ok(Goal::Heartmonitor { most: site.serving.most(path) }),
        Lead::Manager => return Ok(Goal::Manager { most: site.serving.most(path) }),
        Lead::Nowhere => return Err(refused(404)),
    };
    let most = site.serving.most(path);
    let (at, rewritten) = match found.path {
        Cow::Borrowed(rest) if target.get(..length).is_some_and(|path| path.ends_with(rest)) => {
            (length - rest.len(), None)
        }
        rest => (0, Some(rest.into_owned())),
    };
    let mapping = found.mapping;
    Ok(Goal::Balancer(Found { balancer: found.balancer, mapping, path: rewritten, at, length, most }))
}
