//! The proxy's own answers, in one voice. They tell a client what it needs and nothing of what is behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::accept::Worker;
use crate::header::put_status;
use crate::header_rules::Changes;
use crate::http::buffer::Buffer;

/// What an operator wants to be answered instead of our pages.
pub(crate) type ErrorDocuments = BTreeMap<u16, ErrorDocument>;

/// What is answered instead of a page of the proxy's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorDocument {
    /// This body, with the status of the error; httpd sends it as `text/html; charset=iso-8859-1`.
    Text(String),
    /// 302 with this `Location`.
    Redirect(String),
    /// This file, with the status of the error.
    File {
        /// Its bytes, at most 256 KiB.
        bytes: Arc<[u8]>,
        /// Its type, by the end of its name.
        content_type: &'static str,
    },
}

/// An answer of the proxy's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) status: u16,
    close: bool,
    /// Without its body, as HEAD wants it.
    bare: bool,
    told: bool,
    speaker: Speaker,
}

/// What a handler of the proxy's own says instead of a page.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// The type of its body, and the body; none: the usual page of the status.
    pub(crate) content: Option<(&'static str, Vec<u8>)>,
    /// More fields of its head. Their values are clean.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Is it the manager page's?
    pub(crate) managed: bool,
}

/// Whose answer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    Proxy,
    /// The handler heartbeat, in the words of httpd's.
    Heartmonitor,
}

impl Page {
    pub(crate) fn of(status: u16) -> Self {
        Self { status, close: false, bare: false, told: false, speaker: Speaker::Proxy }
    }

    /// The connection ends after it.
    pub(crate) fn closing(self) -> Self {
        Self { close: true, ..self }
    }

    /// The answer to a HEAD.
    pub(crate) fn bare(self, bare: bool) -> Self {
        Self { bare, ..self }
    }

    /// For a client that needs to be told that the connection goes on.
    pub(crate) fn told(self, told: bool) -> Self {
        Self { told, ..self }
    }

    /// As this one says it.
    pub(crate) fn by(self, speaker: Speaker) -> Self {
        Self { speaker, ..self }
    }

    /// Writes head and body; the status that the client sees, and how many bytes are body. `changes`
    /// are what the site's header rules want, and `reply` is what a handler says.
    pub(crate) fn write(
        self,
        worker: &Worker,
        (documents, changes, reply): (&ErrorDocuments, Option<&Changes<'_>>, Option<&Reply>),
        out: &mut Buffer,
    ) -> (u16, usize) {
        let status = self.status;
        let heartmonitor = self.speaker == Speaker::Heartmonitor;
        let own;
        let said = reply.and_then(|reply| reply.content.as_ref());
        let (status, kind, location, body) = match (said, documents.get(&status)) {
            (Some((kind, body)), _) => (status, *kind, None, &body[..]),
            (None, Some(ErrorDocument::Redirect(url))) => {
                (302, "text/html; charset=utf-8", Some(url), &b""[..])
            }
            (None, Some(ErrorDocument::Text(text))) => {
                (status, "text/html; charset=utf-8", None, text.as_bytes())
            }
            (None, Some(ErrorDocument::File { bytes, content_type })) => {
                (status, *content_type, None, &bytes[..])
            }
            (None, None) if heartmonitor && status == 200 => (status, "text/plain", None, &b"OK"[..]),
            (None, None) => {
                own = page(status);
                (status, "text/html; charset=utf-8", None, own.as_bytes())
            }
        };
        put_status(out, status, usual_reason(status).as_bytes());
        let from = out.len();
        worker.with_date(|date| put(out, "Date", date));
        put(out, "Content-Type", kind.as_bytes());
        put(out, "Cache-Control", b"no-store");
        for (name, value) in reply.iter().flat_map(|reply| &reply.fields) {
            put(out, name, value.as_bytes());
        }
        if let Some(url) = location {
            put(out, "Location", url.as_bytes());
        }
        if heartmonitor && status == 405 {
            put(out, "Allow", b"POST");
        } else if matches!(status, 200 | 405) && !heartmonitor && reply.is_none() {
            put(out, "Allow", b"GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
        }
        if let Some(changes) = changes {
            changes.page(out, from);
        }
        put(out, "Content-Length", itoa::Buffer::new().format(body.len()).as_bytes());
        if self.close {
            put(out, "Connection", b"close");
        } else if self.told {
            put(out, "Connection", b"keep-alive");
        }
        out.put(b"\r\n");
        if self.bare {
            return (status, 0);
        }
        out.put(body);
        (status, body.len())
    }
}

fn put(out: &mut Buffer, name: &str, value: &[u8]) {
    out.put(name.as_bytes());
    out.put(b": ");
    out.put(value);
    out.put(b"\r\n");
}

/// A small page with the status, its name and one sentence; `OPTIONS *` is answered with nothing.
fn page(status: u16) -> String {
    if status == 200 {
        return String::new();
    }
    let (name, sentence) = (usual_reason(status), sentence(status));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><title>{status} {name}</title></head>\n\
         <body><h1>{name}</h1><p>{sentence}</p></body></html>\n"
    )
}

fn sentence(status: u16) -> &'static str {
    match status {
        400 => "The request is malformed or its path is not acceptable.",
        401 => "This needs a user and a password.",
        403 => "This client may not do that.",
        404 => "Nothing is served at this path.",
        405 => "This method is not served here.",
        408 => "The request took too long to arrive.",
        413 => "The request is larger than what is accepted here.",
        414 => "The address of the request is too long.",
        417 => "What the request expects is not done here.",
        431 => "The header of the request is too large.",
        501 => "This method is not known here.",
        502 => "The server behind this address gave no valid answer.",
        503 => "No server can take the request at the moment; please try again.",
        504 => "The server behind this address did not answer in time.",
        _ => "The request could not be served.",
    }
}

/// The usual reason phrase of a status that the proxy gives on its own.
fn usual_reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_ours_has_a_name_and_a_sentence() {
        for status in [400, 401, 403, 404, 405, 408, 413, 414, 417, 431, 501, 502, 503, 504] {
            let text = page(status);
            assert_ne!(usual_reason(status), usual_reason(500), "{status}");
            assert!(text.contains(&format!("<title>{status} ")) && text.contains(sentence(status)));
        }
    }
}
