//! Reads heartbeat messages: text of strangers, `v=1&ready=R&busy=B` and the like, as a datagram, as the body of a
//! POST, and as a line of the storage file.
//!
//! As httpd reads them, but for its numbers (departure 70): what is negative or no number is refused, and what is
//! larger than any server counts as the largest.

use percent_encoding::percent_decode;

/// Bytes of a message; httpd reads as many and loses the rest, here what is longer is refused.
pub(super) const LONGEST: usize = 1000;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message {
    /// The port of the server that it is about; `mod_heartbeat` never says it.
    pub(super) port: Option<u16>,
    /// Idle slots.
    pub(super) ready: u32,
    /// Slots in use.
    pub(super) busy: u32,
}

/// Why a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Bad {
    #[error("it has no {0}")]
    Missing(&'static str),
    #[error("its {0} is no number that it could be")]
    Number(&'static str),
    #[error("it is longer than {LONGEST} bytes")]
    Long,
}

/// The values of the keys that mean something; of a repeated key the last.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    version: Option<Value>,
    ready: Option<Value>,
    busy: Option<Value>,
    port: Option<Value>,
    lastseen: Option<Value>,
}

/// A value as decoded. A number of any use is far shorter than what is kept of it.
type Value = Vec<u8>;

impl Pairs {
    /// Reads pairs that are joined by `&`. Keys are compared without regard to case, a key without `=` has the value
    /// 1, and a zero byte ends the text, as in httpd.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut pairs = Self::default();
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let key: Vec<u8> = percent_decode(halves.next().unwrap_or_default()).collect();
            let value = halves.next().map_or_else(|| b"1".to_vec(), |value| percent_decode(value).collect());
            let place = match key.to_ascii_lowercase().as_slice() {
                b"v" => &mut pairs.version,
                b"ready" => &mut pairs.ready,
                b"busy" => &mut pairs.busy,
                b"port" => &mut pairs.port,
                b"lastseen" => &mut pairs.lastseen,
                _ => continue,
            };
            *place = Some(value);
        }
        pairs
    }

    /// What it says, if `ready` and `busy` are there.
    pub(super) fn message(&self) -> Result<Message, Bad> {
        let ready = self.ready.as_ref().ok_or(Bad::Missing("ready"))?;
        let busy = self.busy.as_ref().ok_or(Bad::Missing("busy"))?;
        Ok(Message { port: self.port()?, ready: number(ready, "ready")?, busy: number(busy, "busy")? })
    }

    /// As [`Self::message`]; what is missing is 0, as in httpd's reading of its file.
    pub(super) fn lenient(&self) -> Result<Message, Bad> {
        let or_zero = |value: &Option<Value>, name| value.as_ref().map_or(Ok(0), |value| number(value, name));
        Ok(Message {
            port: self.port()?,
            ready: or_zero(&self.ready, "ready")?,
            busy: or_zero(&self.busy, "busy")?,
        })
    }

    fn port(&self) -> Result<Option<u16>, Bad> {
        let Some(value) = &self.port else { return Ok(None) };
        let port = u16::try_from(number(value, "port")?).ok().filter(|port| *port > 0);
        port.map(Some).ok_or(Bad::Number("port"))
    }

    /// Seconds since the server was heard; none if the line does not know, as httpd's -1 says too.
    pub(super) fn last_seen(&self) -> Result<Option<u32>, Bad> {
        match &self.lastseen {
            Some(value) if value.trim_ascii() != b"-1" => number(value, "lastseen").map(Some),
            _ => Ok(None),
        }
    }
}

/// A datagram. `v` must be there; what it says does not matter.
pub(super) fn datagram(bytes: &[u8]) -> Result<Message, Bad> {
    if bytes.len() > LONGEST {
        return Err(Bad::Long);
    }
    let pairs = Pairs::of(bytes);
    pairs.version.as_ref().ok_or(Bad::Missing("v"))?;
    pairs.message()
}

/// The body of a POST, which needs no `v`.
pub(super) fn body(bytes: &[u8]) -> Result<Message, Bad> {
    if bytes.len() > LONGEST {
        return Err(Bad::Long);
    }
    Pairs::of(bytes).message()
}

/// Digits, and blanks around them, which a line end is. Too many of them are the largest number.
fn number(value: &[u8], name: &'static str) -> Result<u32, Bad> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Bad::Number(name));
    }
    let add = |sum: u32, digit: &u8| sum.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
    Ok(digits.iter().fold(0, add))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn says(ready: u32, busy: u32) -> Message {
        Message { port: None, ready, busy }
    }

    #[test]
    fn datagrams_as_httpd_reads_them() {
        for (name, text, expected) in [
            ("of a real server", "v=1&ready=16&busy=0", Ok(says(16, 0))),
            ("in another order", "busy=3&v=1&ready=5", Ok(says(5, 3))),
            ("with more keys", "v=1&x=y&ready=5&busy=3&&z", Ok(says(5, 3))),
            ("another version", "v=2&ready=5&busy=3", Ok(says(5, 3))),
            ("a version without a value", "v&ready=5&busy=3", Ok(says(5, 3))),
            ("an empty version", "v=&ready=5&busy=3", Ok(says(5, 3))),
            ("a key without a value is 1", "v=1&ready&busy", Ok(says(1, 1))),
            ("of repeated keys the last", "v=1&ready=5&busy=3&ready=7", Ok(says(7, 3))),
            ("percent-encoded", "%76=1&re%61dy=%35&busy=3", Ok(says(5, 3))),
            ("in capitals", "V=1&Ready=5&BUSY=3", Ok(says(5, 3))),
            ("a line end", "v=1&ready=5&busy=3\n", Ok(says(5, 3))),
            ("a zero at its end", "v=1&ready=5&busy=3\0x", Ok(says(5, 3))),
            ("leading zeros", "v=1&ready=005&busy=00", Ok(says(5, 0))),
            ("no v", "ready=5&busy=3", Err(Bad::Missing("v"))),
            ("no ready", "v=1&busy=3", Err(Bad::Missing("ready"))),
            ("no busy", "v=1&ready=3", Err(Bad::Missing("busy"))),
            ("nothing", "", Err(Bad::Missing("v"))),
            ("only separators", "&&==&=", Err(Bad::Missing("v"))),
            ("behind a zero nothing counts", "v=1&ready=5\0&busy=3", Err(Bad::Missing("busy"))),
            ("a blank is no separator", "v=1 ready=5 busy=3", Err(Bad::Missing("ready"))),
        ] {
            assert_eq!(datagram(text.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn numbers_are_refused_or_cut_where_httpd_takes_them() {
        for (text, expected) in [
            ("v=1&ready=-1&busy=0", Err(Bad::Number("ready"))),
            ("v=1&ready=x&busy=0", Err(Bad::Number("ready"))),
            ("v=1&ready=5x&busy=0", Err(Bad::Number("ready"))),
            ("v=1&ready=&busy=0", Err(Bad::Number("ready"))),
            ("v=1&ready=+5&busy=0", Err(Bad::Number("ready"))),
            ("v=1&ready=0x5&busy=0", Err(Bad::Number("ready"))),
            ("v=1&ready=1.5&busy=0", Err(Bad::Number("ready"))),
            ("v=1&ready=5%00&busy=0", Err(Bad::Number("ready"))),
            ("v=1&ready=5&busy=-2", Err(Bad::Number("busy"))),
            ("v=1&ready=70000&busy=1", Ok(says(70_000, 1))),
            ("v=1&ready=4294967295&busy=1", Ok(says(u32::MAX, 1))),
            ("v=1&ready=4294967296&busy=1", Ok(says(u32::MAX, 1))),
            ("v=1&ready=99999999999999999999999&busy=99999999999", Ok(says(u32::MAX, u32::MAX))),
        ] {
            assert_eq!(datagram(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn ports_are_those_that_there_are() {
        for (port, expected) in [
            ("8080", Ok(Some(8080))),
            ("65535", Ok(Some(65535))),
            ("0", Err(Bad::Number("port"))),
            ("65536", Err(Bad::Number("port"))),
            ("-1", Err(Bad::Number("port"))),
            ("x", Err(Bad::Number("port"))),
        ] {
            let read = datagram(format!("v=1&ready=5&busy=3&port={port}").as_bytes());
            assert_eq!(read.map(|message| message.port), expected, "{port}");
        }
    }

    #[test]
    fn a_body_needs_no_version_and_both_have_a_longest() {
        assert_eq!(body(b"ready=5&busy=3"), Ok(says(5, 3)));
        assert_eq!(body(b"v=1&busy=3"), Err(Bad::Missing("ready")));
        let long = format!("v=1&ready=5&busy=3&x={}", "y".repeat(LONGEST));
        assert_eq!((datagram(long.as_bytes()), body(long.as_bytes())), (Err(Bad::Long), Err(Bad::Long)));
        assert_eq!(datagram(&long.as_bytes()[..LONGEST]), Ok(says(5, 3)));
    }

    proptest::proptest! {
        /// Whatever comes is a message or a reason, and what was read is what was written.
        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..1200)) {
            let _ = (datagram(&bytes), body(&bytes), Pairs::of(&bytes).lenient(), Pairs::of(&bytes).last_seen());
        }

        #[test]
        fn near_misses_are_judged(text in "(v=1|ready|busy|port|lastseen|=|&|-?[0-9]{0,12}|%[0-9a-f]{0,2}|\\PC){0,12}") {
            let _ = (datagram(text.as_bytes()), Pairs::of(text.as_bytes()).lenient());
        }

        #[test]
        fn messages_read_back(ready: u32, busy: u32, port in proptest::option::of(1_u16..), swap: bool) {
            let mut pairs = [format!("ready={ready}"), format!("busy={busy}"), "v=1".to_owned()];
            if swap {
                pairs.reverse();
            }
            let port_text = port.map_or_else(String::new, |port| format!("&port={port}"));
            let read = datagram(format!("{}{port_text}", pairs.join("&")).as_bytes());
            proptest::prop_assert_eq!(read, Ok(Message { port, ready, busy }));
        }
    }
}
