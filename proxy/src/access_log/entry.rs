//! What an access log may tell of one request: borrowed from the data path, so that describing it allocates nothing.
//!
//! No format knows more than this, and nothing here is text yet.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use evenkeel_protocol::Timestamp;

/// One request that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a, L: Lookup> {
    /// Who asked: the peer, or whom a trusted proxy in front named.
    pub(crate) client: IpAddr,
    /// The other end of the connection.
    pub(crate) peer: SocketAddr,
    /// Our end of the connection.
    pub(crate) local: SocketAddr,
    /// When the first byte of the request was read.
    pub(crate) received: Timestamp,
    /// Microseconds from there until the last byte of the answer was handed to the system.
    pub(crate) took_us: u64,
    /// Its first line.
    pub(crate) request: RequestLine<'a>,
    /// The status before a page of the site's own replaced the answer; else the same as `status`.
    pub(crate) first_status: u16,
    /// The status that the client saw; 0 if it saw none.
    pub(crate) status: u16,
    /// Bytes of the answer's body that were sent, without chunk framing.
    pub(crate) body_bytes: u64,
    /// Bytes sent for it, the head and framing included.
    pub(crate) sent: u64,
    /// Bytes received of it, the head included.
    pub(crate) read: u64,
    /// Requests on this connection before this one.
    pub(crate) earlier_requests: u64,
    /// What became of the connection.
    pub(crate) connection: Connection,
    /// The host that the client named, in small letters, without its port and brackets.
    pub(crate) host: Option<&'a str>,
    /// The `ServerName` of the site.
    pub(crate) server_name: &'a str,
    /// The port that the site says it has: that of its `ServerName`, else the usual one of the scheme.
    pub(crate) server_port: u16,
    /// Who answered, in httpd's word: `proxy-server` for a member's answer or failure, none before a mapping is found.
    pub(crate) handler: Option<&'a str>,
    /// Who the client proved to be.
    pub(crate) user: Option<&'a str>,
    /// Fields and variables.
    pub(crate) lookup: &'a L,
}

/// The first line of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RequestLine<'a> {
    /// It was understood: its three words, as sent. The protocol is `HTTP/1.1` and the like.
    Understood {
        /// The method.
        method: &'a [u8],
        /// The target, in any form.
        target: &'a [u8],
        /// The protocol with its version.
        protocol: &'a [u8],
    },
    /// It was not: what came, without its line end; empty if nothing came.
    Raw(&'a [u8]),
}

/// What became of the client's connection when the answer was over (httpd: `log_connection_status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    /// It broke before the answer was complete.
    Aborted,
    /// It may carry another request.
    Kept,
    /// It is closed after the answer.
    Closed,
}

/// Fields and variables of a request. Names of fields are in small letters.
pub(crate) trait Lookup {
    /// The values of all lines of that name in the request, in order.
    fn request_field(&self, name: &str) -> impl Iterator<Item = &[u8]>;

    /// The values of all lines of that name in the answer, in order.
    fn answer_field(&self, name: &str) -> impl Iterator<Item = &[u8]>;

    /// A variable of the request, as httpd names them: `BALANCER_WORKER_NAME` and the like.
    fn variable(&self, name: &str) -> Option<Cow<'_, [u8]>>;
}
