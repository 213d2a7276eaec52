//! Heads on their way: what ends at each hop, what the proxy adds, how it says the length of a body.
//!
//! Heads are written from the lines that came, without a copy in between. What a client nominates in `Connection` was
//! marked when its head was read, before ours are added, so that nobody can strip what the proxy vouches for.

use crate::config::Via;
use crate::http::answer::AnswerHead;
use crate::http::body::Length;
use crate::http::buffer::Buffer;
use crate::http::head::{Known, Line};
use crate::http::request::RequestHead;
use crate::reversal::Reversal;

/// What is told to members about the client and about us.
#[derive(Debug)]
pub(crate) struct Forwarding {
    pub(crate) server_name: Option<String>,
    pub(crate) preserve_host: bool,
    pub(crate) add_headers: bool,
    pub(crate) via: Via,
    pub(crate) expect: bool,
}

/// A request as one member gets it.
pub(crate) struct ToMember<'a> {
    pub(crate) head: &'a RequestHead,
    /// The block in which the head stands.
    pub(crate) block: &'a [u8],
    /// The member's own path, and the request's behind it.
    pub(crate) target: [&'a str; 2],
    /// The member's authority.
    pub(crate) authority: &'a str,
    /// The client's address.
    pub(crate) client: &'a str,
    /// May the connection carry more requests?
    pub(crate) keep: bool,
    /// The protocol to offer.
    pub(crate) upgrade: Option<&'a [u8]>,
    /// Is the body kept back until the member says that it may come?
    pub(crate) ping: bool,
}

/// Is the line written as it came, as far as its meaning to proxies goes?
fn passes(line: &Line) -> bool {
    !matches!(
        line.known,
        Known::Host | Known::Hop | Known::Connection | Known::TransferEncoding | Known::Upgrade
    )
}

/// Writes lines, those that follow each other in their usual form with one copy.
struct Lines<'a> {
    block: &'a [u8],
    /// What stands in the block and is to be written.
    run: (usize, usize),
}

impl<'a> Lines<'a> {
    fn new(block: &'a [u8]) -> Self {
        Self { block, run: (0, 0) }
    }

    /// Writes the line as it came, with one blank behind the colon and none at its end.
    fn put(&mut self, line: &Line, out: &mut Buffer) {
        let (name, value) = (line.name, line.value);
        let usual = value.start() == name.end() + 2
            && self.block.get(name.end() + 1) == Some(&b' ')
            && self.block.get(value.end()..value.end() + 2) == Some(b"\r\n");
        if usual && self.run.1 == name.start() {
            self.run.1 = value.end() + 2;
            return;
        }
        self.flush(out);
        if usual {
            self.run = (name.start(), value.end() + 2);
        } else {
            put_field(out, name.of(self.block), value.of(self.block));
        }
    }

    /// Writes the line of a length in its usual form, without zeros before it.
    fn put_length(&mut self, line: &Line, length: Length, out: &mut Buffer) {
        let Length::Exactly(bytes) = length else { return };
        if line.value.of(self.block).starts_with(b"0") {
            self.flush(out);
            put_number(out, line.name.of(self.block), bytes);
        } else {
            self.put(line, out);
        }
    }

    /// Writes what was put off. To be called before anything else is written.
    fn flush(&mut self, out: &mut Buffer) {
        let (from, to) = std::mem::take(&mut self.run);
        if from < to {
            out.put(self.block.get(from..to).unwrap_or_default());
        }
    }
}

fn put_field(out: &mut Buffer, name: &[u8], value: &[u8]) {
    out.put_all([name, b": ", value, b"\r\n"]);
}

fn put_number(out: &mut Buffer, name: &[u8], number: u64) {
    put_field(out, name, itoa::Buffer::new().format(number).as_bytes());
}

impl ToMember<'_> {
    /// Writes the head: Host first and Connection last, as httpd sends it.
    pub(crate) fn write(&self, forwarding: &Forwarding, out: &mut Buffer) {
        let Self { head, block, .. } = self;
        let host = head.host.map_or(&[][..], |host| host.of(block));
        let named =
            if forwarding.preserve_host && !host.is_empty() { host } else { self.authority.as_bytes() };
        let [base, path] = self.target.map(str::as_bytes);
        out.put_all([head.method.of(block), b" ", base, path, b" HTTP/1.1\r\nHost: ", named, b"\r\n"]);
        let mut asks = false;
        let mut lines = Lines::new(block);
        for line in head.lines.iter().filter(|line| passes(line)) {
            match line.known {
                Known::Alias | Known::ForwardedFor | Known::ForwardedHost | Known::ForwardedServer
                    if forwarding.add_headers => {}
                Known::Via if forwarding.via != Via::Off => {}
                Known::Expect if !(forwarding.expect && head.expects_continue) => {}
                Known::ContentLength => lines.put_length(line, head.length, out),
                known => {
                    asks |= known == Known::Expect;
                    lines.put(line, out);
                }
            }
        }
        lines.flush(out);
        if self.ping && !asks {
            out.put(b"Expect: 100-Continue\r\n");
        }
        self.put_ours(forwarding, host, out);
        if head.length == Length::Chunked {
            out.put(b"Transfer-Encoding: chunked\r\n");
        }
        match self.upgrade {
            Some(protocol) => {
                out.put(b"Connection: Upgrade\r\n");
                put_field(out, b"Upgrade", protocol);
                out.put(b"\r\n");
            }
            None if self.keep => out.put(b"Connection: Keep-Alive\r\n\r\n"),
            None => out.put(b"Connection: close\r\n\r\n"),
        }
    }

    fn put_ours(&self, forwarding: &Forwarding, host: &[u8], out: &mut Buffer) {
        let server = forwarding.server_name.as_deref().map_or_else(|| without_port(host), str::as_bytes);
        if matches!(forwarding.via, Via::On | Via::Full) {
            self.put_earlier(Known::Via, b"Via: ", out);
            put_via(out, forwarding.via, self.head.http_1_1, server);
        }
        if forwarding.add_headers {
            self.put_merged(Known::ForwardedFor, b"X-Forwarded-For: ", self.client.as_bytes(), out);
            if !host.is_empty() {
                self.put_merged(Known::ForwardedHost, b"X-Forwarded-Host: ", host, out);
            }
            if !server.is_empty() {
                self.put_merged(Known::ForwardedServer, b"X-Forwarded-Server: ", server, out);
            }
        }
    }

    /// Writes a line with what the client's lines of that kind say, as httpd does, and with `ours`. Behind the `name`
    /// stands its colon.
    fn put_merged(&self, known: Known, name: &[u8], ours: &[u8], out: &mut Buffer) {
        if self.head.kinds.has(known) {
            self.put_earlier(known, name, out);
            out.put_all([ours, b"\r\n"]);
        } else {
            out.put_all([name, ours, b"\r\n"]);
        }
    }

    /// Begins a line with what the client's lines of that kind say.
    fn put_earlier(&self, known: Known, name: &[u8], out: &mut Buffer) {
        out.put(name);
        for value in self.head.values(self.block, known).filter(|value| !value.is_empty()) {
            out.put(value);
            out.put(b", ");
        }
    }
}

fn put_via(out: &mut Buffer, via: Via, http_1_1: bool, server: &[u8]) {
    out.put(if http_1_1 { b"1.1 " } else { b"1.0 " });
    out.put(server);
    if via == Via::Full {
        out.put(concat!(" (evenkeel/", env!("CARGO_PKG_VERSION"), ")").as_bytes());
    }
    out.put(b"\r\n");
}

/// `host` without its port; an IPv6 address keeps its brackets.
pub(crate) fn without_port(host: &[u8]) -> &[u8] {
    match host.iter().rposition(|byte| *byte == b':') {
        Some(at) if !host.ends_with(b"]") => host.get(..at).unwrap_or(host),
        _ => host,
    }
}

/// What becomes of the client's connection after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// It carries the next request; HTTP/1.0 needs to be told.
    Keep {
        told: bool,
    },
    Close,
    /// It is a tunnel from now on.
    Tunnel,
}

/// What changes fields that were written from a place on; says whether there is a date then.
type Change<'a> = dyn Fn(&mut Buffer, usize) -> bool + 'a;

/// A member's answer as the client gets it.
pub(crate) struct ToClient<'a> {
    pub(crate) head: &'a AnswerHead,
    /// The block in which the head stands.
    pub(crate) block: &'a [u8],
    pub(crate) after: After,
    /// Is the body written in chunks?
    pub(crate) chunks: bool,
    pub(crate) reversals: &'a [Reversal],
    /// What the client asked for.
    pub(crate) host: &'a [u8],
    pub(crate) via: Via,
    /// Our name, for Via.
    pub(crate) server: &'a [u8],
    /// Now, for an answer that does not say when it was made.
    pub(crate) date: &'a [u8],
    /// A cookie that the proxy sets.
    pub(crate) cookie: Option<&'a str>,
    /// What is to become of its fields.
    pub(crate) changes: Option<&'a Change<'a>>,
}

impl<'a> ToClient<'a> {
    /// What comes before an answer.
    pub(crate) fn interim(head: &'a AnswerHead, block: &'a [u8]) -> Self {
        Self {
            head,
            block,
            after: After::Keep { told: false },
            chunks: false,
            reversals: &[],
            host: b"",
            via: Via::Off,
            server: b"",
            date: b"",
            cookie: None,
            changes: None,
        }
    }

    pub(crate) fn write(&self, out: &mut Buffer) {
        let Self { head, block, .. } = self;
        put_status(out, head.status, head.reason.of(block));
        let from = out.len();
        let mut dated = head.is_interim();
        let mut lines = Lines::new(block);
        for line in head.lines.iter().filter(|line| passes(line)) {
            let (name, value) = (line.name.of(block), line.value.of(block));
            match line.known {
                Known::Address if !self.reversals.is_empty() => match self.turned(value) {
                    Some(turned) => {
                        lines.flush(out);
                        put_field(out, name, turned.as_bytes());
                    }
                    None => lines.put(line, out),
                },
                Known::Via if self.via == Via::Block => {}
                Known::ContentLength => match head.length {
                    // What a GET would have had.
                    Length::None if !matches!(head.status, 101 | 204) && !head.is_interim() => {
                        lines.put(line, out);
                    }
                    length => lines.put_length(line, length, out),
                },
                known => {
                    dated |= known == Known::Date;
                    lines.put(line, out);
                }
            }
        }
        lines.flush(out);
        if matches!(self.via, Via::On | Via::Full) && !head.is_interim() {
            out.put(b"Via: ");
            put_via(out, self.via, head.http_1_1, self.server);
        }
        if let Some(cookie) = self.cookie {
            put_field(out, b"Set-Cookie", cookie.as_bytes());
        }
        if let Some(changes) = self.changes {
            dated = changes(out, from);
        }
        if !dated {
            put_field(out, b"Date", self.date);
        }
        self.put_framing(out);
    }

    fn put_framing(&self, out: &mut Buffer) {
        let head = self.head;
        if head.is_interim() {
            out.put(b"\r\n");
            return;
        }
        if self.chunks {
            out.put(b"Transfer-Encoding: chunked\r\n");
        }
        match self.after {
            After::Keep { told: false } => {}
            After::Keep { told: true } => out.put(b"Connection: keep-alive\r\n"),
            After::Close => out.put(b"Connection: close\r\n"),
            After::Tunnel => {
                for protocol in head.values(self.block, Known::Upgrade) {
                    put_field(out, b"Upgrade", protocol);
                }
                out.put(b"Connection: Upgrade\r\n");
            }
        }
        out.put(b"\r\n");
    }

    fn turned(&self, url: &[u8]) -> Option<String> {
        let (url, host) = (std::str::from_utf8(url).ok()?, std::str::from_utf8(self.host).ok()?);
        self.reversals.iter().find_map(|reversal| reversal.apply(url, host))
    }
}

/// Writes the first line of an answer.
pub(crate) fn put_status(out: &mut Buffer, status: u16, reason: &[u8]) {
    out.put_all([b"HTTP/1.1 ", itoa::Buffer::new().format(status).as_bytes(), b" ", reason, b"\r\n"]);
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::http::buffer::Spares;

    fn forwarding() -> Forwarding {
        Forwarding {
            server_name: Some("www".to_owned()),
            preserve_host: false,
            add_headers: true,
            via: Via::Off,
            expect: true,
        }
    }

    fn forward(forwarding: &Forwarding, text: &str) -> String {
        forward_with(forwarding, text, false)
    }

    fn forward_with(forwarding: &Forwarding, text: &str, ping: bool) -> String {
        let head = RequestHead::read(text.as_bytes(), 0, text.len(), (100, Vec::new())).unwrap();
        let mut out = Rc::new(Spares::default()).small();
        let request = ToMember {
            head: &head,
            block: text.as_bytes(),
            target: ["/base", "/x?y"],
            authority: "a:1",
            client: "10.0.0.9",
            keep: true,
            upgrade: None,
            ping,
        };
        request.write(forwarding, &mut out);
        String::from_utf8(out.filled().to_vec()).unwrap()
    }

    const OURS: &str =
        "X-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Host: site:81\r\nX-Forwarded-Server: www\r\n";

    #[test]
    fn what_a_client_nominates_goes_before_ours_are_added() {
        let text = "GET / HTTP/1.1\r\nHost: site:81\r\nConnection: close, X-Forwarded-For , x-secret,Authorization\r\n\
            X-Forwarded-For: 1.2.3.4\r\nX-Secret: 1\r\nAuthorization: Basic x\r\nTE: trailers\r\nUpgrade: h2c\r\n\
            X_Forwarded_Host: evil\r\naccept:*/*\r\n\r\n";
        let sent = forward(&forwarding(), text);
        let wanted = "GET /base/x?y HTTP/1.1\r\nHost: a:1\r\nAuthorization: Basic x\r\naccept: */*\r\n";
        assert_eq!(sent, format!("{wanted}{OURS}Connection: Keep-Alive\r\n\r\n"));
    }

    #[test]
    fn who_is_pinged_is_asked_once() {
        let ask = |fields: &str, expect| {
            let text = format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}Content-Length: 1\r\n\r\n");
            forward_with(&Forwarding { expect, ..forwarding() }, &text, true)
        };
        for (fields, expect, written) in [
            ("", true, "Expect: 100-Continue\r\n"),
            ("Expect: 100-continue\r\n", true, "Expect: 100-continue\r\n"),
            ("Expect: 100-continue\r\n", false, "Expect: 100-Continue\r\n"),
        ] {
            let sent = ask(fields, expect);
            assert_eq!((sent.matches("Expect").count(), sent.contains(written)), (1, true), "{sent}");
        }
    }

    #[test]
    fn forwarded_fields_are_appended_to_in_one_line() {
        let text =
            "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\nx-forwarded-for: 5.6.7.8\r\n\r\n";
        assert!(forward(&forwarding(), text).contains("\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8, 10.0.0.9\r\n"));
        let untouched = forward(&Forwarding { add_headers: false, ..forwarding() }, text);
        assert!(
            untouched.contains("\r\nX-Forwarded-For: 1.2.3.4\r\nx-forwarded-for: 5.6.7.8\r\n"),
            "{untouched}"
        );
    }

    #[test]
    fn a_body_has_one_length() {
        let text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 007\r\nConnection: Content-Length\r\n\r\n";
        assert_eq!(forward(&forwarding(), text).matches("Content-Length: 7\r\n").count(), 1);
        let text = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\n\r\n";
        assert!(forward(&forwarding(), text).contains("\r\nTransfer-Encoding: chunked\r\nConnection"));
    }
}
