//! The request of a question as its client would send it, read as any that comes: blanks around values, characters that
//! no line may have, and limits mean the same to both.

use std::borrow::Cow;

use crate::conversation::Serving;
use crate::handle;
use crate::http::head::{Lines, Scan, Scanned};
use crate::http::request::{Refused, RequestHead, check_authority, check_target};

/// A head, and what it stands in.
pub(super) struct Asked {
    block: Vec<u8>,
    head: RequestHead,
}

impl Asked {
    /// With these lines of cookies, for a target and the host that was written before it, if any.
    ///
    /// # Errors
    ///
    /// How the proxy refuses such a request, and why.
    pub(super) fn read(
        (authority, target): (Option<&str>, &str),
        cookies: &[String],
        serving: &Serving,
    ) -> Result<Self, Refused> {
        authority.map_or(Ok(()), |authority| check_authority(authority.as_bytes()))?;
        check_target(target.as_bytes())?;
        // What has no path was written as a URL of a host alone.
        let whole = if target.is_empty() || target.starts_with('?') { "http://h" } else { "" };
        let mut text = format!("GET {whole}{target} HTTP/1.1\r\nHost: h\r\n");
        for line in cookies {
            text.extend(["Cookie: ", value(line), "\r\n"]);
        }
        text.push_str("\r\n");
        let block = text.into_bytes();
        let scanned = Scan::new(0).look(&block, &serving.lines);
        if let Some(refused) = Refused::of_lines(scanned) {
            return Err(refused);
        }
        let Scanned::Ends(end) = scanned else { return Err(Refused::LONG_HEAD) };
        if end > serving.head_bytes {
            return Err(Refused::LONG_HEAD);
        }
        let head = RequestHead::read(&block, 0, end, (serving.fields, Lines::new()))?;
        Ok(Self { block, head })
    }

    /// Its cookies, as an election is given them.
    pub(super) fn cookies(&self) -> Vec<Cow<'_, str>> {
        handle::cookies(&self.head, &self.block)
    }
}

/// A line as it was pasted, without the line's end.
pub(super) fn value(line: &str) -> &str {
    line.trim_matches([' ', '\t', '\r', '\n'])
}
