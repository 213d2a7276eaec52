//! One line of an access log: the steps of a format, each told of the request that is over.
//!
//! The usual formats allocate nothing here but the line's own place in the buffer.

use std::borrow::Cow;
use std::io::Write as _;

use jiff::tz::TimeZone;

use super::date::Dates;
use super::entry::{Connection, Entry, Lookup, RequestLine};
use super::format::{LogFormat, Time, TimeForm, What};
use super::text::{push_address, push_escaped, push_escaped_byte, push_number, push_padded};
use crate::limits;

/// Microseconds of a second.
const SECOND: u64 = 1_000_000;

/// What stands for a password.
const HIDDEN: [u8; 8] = [b'X'; 8];

/// What a worker thread keeps from line to line of one format.
#[derive(Debug)]
pub(crate) struct Scratch {
    dates: Vec<Dates>,
    /// The number that the system gives the thread.
    thread: u64,
}

impl LogFormat {
    /// For the thread that calls.
    pub(crate) fn scratch(&self, zone: &TimeZone) -> Scratch {
        let dates = self.patterns.iter().map(|pattern| Dates::new(pattern, zone)).collect();
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        Scratch { dates, thread: thread.unsigned_abs().into() }
    }

    /// Appends the line of a request, with its line end.
    pub(crate) fn render<L: Lookup>(&self, entry: &Entry<'_, L>, scratch: &mut Scratch, out: &mut Vec<u8>) {
        for step in &self.steps {
            match &step.only {
                Some(only) if !only.contain(entry.status) => out.push(b'-'),
                _ => push(&step.what, entry, scratch, out),
            }
        }
    }
}

fn push<L: Lookup>(what: &What, entry: &Entry<'_, L>, scratch: &mut Scratch, out: &mut Vec<u8>) {
    match what {
        What::Text(text) => out.extend_from_slice(text),
        What::Client => push_address(out, entry.client),
        What::Peer => push_address(out, entry.peer.ip()),
        What::Local => push_address(out, entry.local.ip()),
        What::LocalPort => push_number(out, entry.local.port().into()),
        What::PeerPort => push_number(out, entry.peer.port().into()),
        What::ServerPort => push_number(out, entry.server_port.into()),
        What::ServerName => push_escaped(out, entry.server_name.as_bytes()),
        What::Host => push_escaped(out, entry.host.unwrap_or(entry.server_name).as_bytes()),
        What::Request => push_request(out, entry.request),
        What::Method => push_known(out, words(entry.request).method),
        What::Path => match words(entry.request).target {
            Some(target) => push_path(out, target),
            None => out.push(b'-'),
        },
        What::Query => push_escaped(out, words(entry.request).target.and_then(query).unwrap_or_default()),
        What::Protocol => push_escaped(out, words(entry.request).protocol),
        What::User => push_known(out, entry.user.map(str::as_bytes)),
        What::Handler => push_known(out, entry.handler.map(str::as_bytes)),
        What::FirstStatus => push_unless_none(out, entry.first_status.into()),
        What::Status => push_unless_none(out, entry.status.into()),
        What::BodyBytes => push_number(out, entry.body_bytes),
        What::BodyBytesOrDash => push_unless_none(out, entry.body_bytes),
        What::Read => push_number(out, entry.read),
        What::Sent => push_number(out, entry.sent),
        What::ReadAndSent => push_number(out, entry.read.saturating_add(entry.sent)),
        What::EarlierRequests => push_number(out, entry.earlier_requests),
        What::Connection => out.push(match entry.connection {
            Connection::Aborted => b'X',
            Connection::Kept => b'+',
            Connection::Closed => b'-',
        }),
        What::Took(unit) => push_number(out, entry.took_us / (*unit).max(1)),
        What::Time(time) => push_time(out, *time, entry, scratch),
        What::Thread { is_hexadecimal: false } => push_number(out, scratch.thread),
        What::Thread { is_hexadecimal: true } => {
            // Memory does not fail to be written.
            drop(write!(out, "{:x}", scratch.thread));
        }
        What::RequestField(name) => push_all(out, entry.lookup.request_field(name)),
        What::AnswerField(name) => push_answer_field(out, name, entry.lookup),
        What::Cookie(name) => push_cookie(out, name, entry.lookup),
        What::Variable(name) => match entry.lookup.variable(name) {
            Some(Cow::Borrowed(value)) => push_escaped(out, value),
            Some(Cow::Owned(value)) => push_escaped(out, &value),
            None => out.push(b'-'),
        },
    }
}

fn push_known(out: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        Some(text) => push_escaped(out, text),
        None => out.push(b'-'),
    }
}

fn push_unless_none(out: &mut Vec<u8>, number: u64) {
    if number == 0 { out.push(b'-') } else { push_number(out, number) }
}

fn push_time<L: Lookup>(out: &mut Vec<u8>, time: Time, entry: &Entry<'_, L>, scratch: &mut Scratch) {
    let began = entry.received.0;
    let at = if time.is_end { began.saturating_add(entry.took_us) } else { began };
    match time.form {
        TimeForm::Since(unit) => push_number(out, at / unit.max(1)),
        TimeForm::Milliseconds => push_padded(out, at % SECOND / 1_000, 3),
        TimeForm::Microseconds => push_padded(out, at % SECOND, 6),
        TimeForm::Pattern(place) => {
            if let Some(dates) = scratch.dates.get_mut(place) {
                out.extend_from_slice(dates.text(at / SECOND));
            }
        }
    }
}

/// The words of a request's first line.
struct Words<'a> {
    method: Option<&'a [u8]>,
    target: Option<&'a [u8]>,
    protocol: &'a [u8],
}

/// What was not understood is taken apart as httpd does it: a word that could be a method, then a target.
fn words(request: RequestLine<'_>) -> Words<'_> {
    match request {
        RequestLine::Understood { method, target, protocol } => {
            Words { method: Some(method), target: Some(target), protocol }
        }
        RequestLine::Raw(line) => {
            let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
            let method = words.next().filter(|word| word.iter().all(u8::is_ascii_graphic));
            let target = method.map(|_| words.next().unwrap_or(b"/"));
            Words { method, target, protocol: b"HTTP/1.0" }
        }
    }
}

fn push_request(out: &mut Vec<u8>, request: RequestLine<'_>) {
    match request {
        RequestLine::Understood { method, target, protocol } => {
            push_escaped(out, method);
            out.push(b' ');
            push_without_password(out, target);
            out.push(b' ');
            push_escaped(out, protocol);
        }
        RequestLine::Raw(b"") => out.push(b'-'),
        RequestLine::Raw(line) => {
            let (method, rest) =
                line.split_at(line.iter().position(|byte| *byte == b' ').unwrap_or(line.len()));
            push_escaped(out, method);
            push_without_password(out, rest);
        }
    }
}

/// Appends a target, or what begins with one; a password in it is hidden as in httpd's log.
fn push_without_password(out: &mut Vec<u8>, text: &[u8]) {
    match password(text) {
        Some((before, behind)) => {
            push_escaped(out, before);
            out.extend_from_slice(&HIDDEN);
            push_escaped(out, behind);
        }
        None => push_escaped(out, text),
    }
}

/// What stands before and behind the password of an absolute target; none if there is none.
fn password(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.trim_ascii_start().first() == Some(&b'/') {
        return None;
    }
    let start = text.windows(3).position(|three| three == b"://")? + 3;
    let authority = text.get(start..)?;
    let end = authority.iter().position(|byte| b"/?# ".contains(byte)).unwrap_or(authority.len());
    let at = authority.get(..end)?.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority.get(..at)?.iter().position(|byte| *byte == b':')?;
    Some((text.get(..=start + colon)?, text.get(start + at..)?))
}

/// The query of a target with its question mark.
fn query(target: &[u8]) -> Option<&[u8]> {
    let start = target.iter().position(|byte| *byte == b'?')?;
    target.get(start..)
}

/// Appends the path of a target as httpd compares it: decoded, and a run of slashes as one.
fn push_path(out: &mut Vec<u8>, target: &[u8]) {
    let target = target.get(..limits::LOG_VALUE).unwrap_or(target);
    let end = target.iter().position(|byte| b"?#".contains(byte)).unwrap_or(target.len());
    let mut rest = behind_authority(target.get(..end).unwrap_or_default());
    let mut before = 0;
    while let Some((first, behind)) = rest.split_first() {
        let hex = |place: usize| behind.get(place).copied().and_then(hex_digit);
        let (byte, behind) = match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => (high * 16 + low, behind.get(2..).unwrap_or_default()),
            _ => (*first, behind),
        };
        if byte != b'/' || before != b'/' {
            push_escaped_byte(out, byte);
        }
        before = byte;
        rest = behind;
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The path of a target in absolute form; other forms are paths.
fn behind_authority(target: &[u8]) -> &[u8] {
    if target.first() == Some(&b'/') {
        return target;
    }
    let Some(start) = target.windows(3).position(|three| three == b"://") else { return target };
    let authority = target.get(start + 3..).unwrap_or_default();
    let path = authority.iter().position(|byte| *byte == b'/').and_then(|slash| authority.get(slash..));
    path.unwrap_or(b"/")
}

/// Appends all values, with commas between them.
fn push_all<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a [u8]>) {
    let mut is_first = true;
    let mut left = limits::LOG_VALUE;
    for value in values {
        if !is_first {
            out.extend_from_slice(b", ");
        }
        is_first = false;
        push_escaped(out, value.get(..left).unwrap_or(value));
        left = left.saturating_sub(value.len() + 2);
        if left == 0 {
            break;
        }
    }
    if is_first {
        out.push(b'-');
    }
}

/// Appends a field of the answer as httpd's `log_header_out` does: the first line, all cookies, a bare content type.
fn push_answer_field<L: Lookup>(out: &mut Vec<u8>, name: &str, lookup: &L) {
    let mut values = lookup.answer_field(name);
    match name {
        "set-cookie" => push_all(out, values),
        "content-type" => {
            let bare = |value: &'_ [u8]| value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
            let value = values.next().and_then(|value| value.get(..bare(value)));
            push_known(out, value.map(<[u8]>::trim_ascii_end));
        }
        _ => push_known(out, values.next()),
    }
}

/// Appends the first cookie of that name; its case does not matter.
fn push_cookie<L: Lookup>(out: &mut Vec<u8>, name: &str, lookup: &L) {
    let pairs = lookup.request_field("cookie").flat_map(|line| line.split(|byte| *byte == b';'));
    let value = pairs.into_iter().find_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (known, value) = pair.split_at(equals);
        let is_it = known.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        is_it.then(|| value.get(1..).unwrap_or_default().trim_ascii())
    });
    push_known(out, value);
}

#[cfg(test)]
mod tests;
