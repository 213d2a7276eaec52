//! What the XML of a manager page has and its HTML has not: exact bytes, and when a member failed.

use std::collections::BTreeMap;

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{BalancerName, Timestamp};
use quick_xml::Reader;
use quick_xml::events::Event;

/// What such a document says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Document {
    /// In its order.
    pub(super) members: Vec<Exact>,
    /// By balancer, as later versions tell them: who it is that answers.
    pub(super) nonces: BTreeMap<BalancerName, String>,
}

/// Exact numbers of one member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Exact {
    /// The balancer's name as it stands there.
    pub(super) balancer: String,
    /// The member's name as it stands there.
    pub(super) member: String,
    pub(super) transferred: Option<u64>,
    pub(super) read: Option<u64>,
    pub(super) retries: Option<u32>,
    /// When it failed.
    pub(super) error_time: Option<Timestamp>,
    /// Seconds in error, where that is not the default.
    pub(super) retry: Option<u32>,
}

/// Reads it; none if it is no such document.
pub(super) fn read(bytes: &[u8]) -> Option<Document> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = Reader::from_str(text);
    let (mut told, mut balancer) = (Document::default(), String::new());
    let mut member: Option<Exact> = None;
    let (mut value, mut is_manager) = (String::new(), false);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                value.clear();
                match local(tag.name().as_ref()) {
                    "manager" => is_manager = true,
                    "worker" => member = Some(Exact { balancer: balancer.clone(), ..Exact::default() }),
                    _ => {}
                }
            }
            Event::Text(text) => value.push_str(&text),
            Event::GeneralRef(name) => {
                value.push_str(quick_xml::escape::resolve_predefined_entity(&name).unwrap_or_default());
            }
            Event::End(tag) => match (local(tag.name().as_ref()), &mut member) {
                ("worker", _) => told.members.extend(member.take()),
                ("name", None) => balancer = clean(value.trim(), 400),
                ("nonce", None) if !value.is_empty() => {
                    told.nonces.extend(balancer.parse().ok().map(|name| (name, value.trim().to_owned())));
                }
                (name, Some(member)) => put(member, name, value.trim()),
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    is_manager.then_some(told)
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn put(member: &mut Exact, name: &str, value: &str) {
    match name {
        "name" => member.member = clean(value, 400),
        "transferred" => member.transferred = value.parse().ok(),
        "read" => member.read = value.parse().ok(),
        "retries" => member.retries = value.parse().ok(),
        "retry" => member.retry = value.parse().ok(),
        "error_time" => {
            let at = jiff::fmt::rfc2822::parse(value).ok();
            let micros = at.and_then(|at| u64::try_from(at.timestamp().as_microsecond()).ok());
            member.error_time = micros.map(Timestamp);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_with_their_balancers() {
        let text = "<?xml version='1.0' encoding='UTF-8' ?>\n<httpd:manager xmlns:httpd='http://httpd.apache.org'>\n\
            <httpd:balancers><httpd:balancer><httpd:name>balancer://app</httpd:name>\
            <httpd:nonce>6f-1c</httpd:nonce><httpd:timeout>0</httpd:timeout>      <httpd:workers><httpd:worker>\
            <httpd:name>http://a:1</httpd:name><httpd:transferred>1345</httpd:transferred><httpd:read>9</httpd:read>\
            <httpd:error_time>Mon, 23 Nov 2026 01:00:00 GMT</httpd:error_time><httpd:retries>2</httpd:retries>\
            </httpd:worker><httpd:worker><httpd:name>http://b:1</httpd:name><httpd:retry>5</httpd:retry></httpd:worker>\
            </httpd:workers></httpd:balancer></httpd:balancers></httpd:manager>";
        let Document { members, nonces } = read(text.as_bytes()).unwrap();
        assert_eq!(nonces, [("app".parse().unwrap(), "6f-1c".to_owned())].into());
        assert_eq!(members.len(), 2);
        assert_eq!(
            (members[0].balancer.as_str(), members[0].member.as_str()),
            ("balancer://app", "http://a:1")
        );
        assert_eq!(
            (members[0].transferred, members[0].read, members[0].retries),
            (Some(1345), Some(9), Some(2))
        );
        assert_eq!(members[0].error_time, Some(Timestamp(1_795_395_600_000_000)));
        assert_eq!((members[1].retry, members[1].error_time), (Some(5), None));
    }

    #[test]
    fn what_is_no_such_document_is_none() {
        for text in ["", "<html><body>", "<a>", "<httpd:manager><httpd:name>a&b</httpd:name", "\u{1}"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(b"\xff\xfe"), None);
    }
}
