//! Where a request goes: its mapping, or the status of the proxy's own answer.

use std::borrow::Cow;

use memchr::memchr;

use crate::accept::Worker;
use crate::http::request::RequestHead;
use crate::mapping;

/// Where a request goes.
pub(super) struct Found<'a> {
    pub(super) balancer: usize,
    /// The path of the mapping.
    pub(super) mapped: &'a str,
    /// The path for the member, where it is not the end of the request's.
    path: Option<String>,
    /// Where in the target the member's path starts.
    at: usize,
    /// How long the request's path is.
    length: usize,
    /// The most bytes that its body may have.
    pub(super) most: u64,
}

impl Found<'_> {
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
    let target = std::str::from_utf8(head.target.of(block)).ok()?;
    match target.split('?').next() {
        // The absolute form of a host alone.
        None | Some("") => Some("/"),
        path => path,
    }
}

/// # Errors
///
/// The status of the proxy's own answer, and the balancer if the request was to go to one.
pub(super) fn find<'a>(
    worker: &'a Worker,
    block: &[u8],
    head: &RequestHead,
) -> Result<Found<'a>, (u16, Option<usize>)> {
    let refused = |status| (status, None);
    match head.method.of(block) {
        b"CONNECT" | b"TRACE" => return Err(refused(405)),
        _ if head.target.of(block) == b"*" => return Err(refused(200)),
        _ => {}
    }
    let target = std::str::from_utf8(head.target.of(block)).map_err(|_| refused(400))?;
    let length = memchr(b'?', target.as_bytes()).unwrap_or(target.len());
    let path = path((head, block)).unwrap_or("/");
    mapping::check_path(path).map_err(|_| refused(400))?;
    let proxy = &worker.proxy;
    let found = proxy.mappings.find(path);
    let index = found.as_ref().map(|found| found.balancer);
    if proxy.fences.iter().any(|fence| fence.covers(path, index)) {
        return Err((503, index));
    }
    let Some(found) = found else { return Err(refused(404)) };
    let mapped = found.mapping.path.as_str();
    let (at, rewritten) = match found.path {
        Cow::Borrowed(rest) if target.get(..length).is_some_and(|path| path.ends_with(rest)) => {
            (length - rest.len(), None)
        }
        rest => (0, Some(rest.into_owned())),
    };
    let most = proxy.serving.most(path);
    Ok(Found { balancer: found.balancer, mapped, path: rewritten, at, length, most })
}
