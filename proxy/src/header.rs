//! Header fields on their way: what ends at each hop, what the proxy adds, and ProxyPassReverse.
//!
//! What a client nominates in `Connection` is removed *before* ours are added, so that nobody can strip what the
//! proxy vouches for.

use std::net::IpAddr;

use crate::config::{Reverse, Via};
use crate::http::{AnswerHead, Fields, RequestHead};

/// What is told to members about the client and about us.
#[derive(Debug)]
pub(crate) struct Forwarding {
    pub(crate) server_name: Option<String>,
    pub(crate) preserve_host: bool,
    pub(crate) add_headers: bool,
    pub(crate) via: Via,
}

/// Fields that mean something only between two neighbours.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields that a peer may not declare to be hop-by-hop: they decide framing, identity or access.
const NEVER_NOMINATED: [&str; 6] =
    ["host", "content-length", "content-type", "cookie", "set-cookie", "authorization"];

/// Removes what ends at this hop: the fixed list, and what the peer nominates in `Connection`.
pub(crate) fn end_hop(fields: &mut Fields) {
    let nominated: Vec<String> = fields
        .all("connection")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
        .filter(|name| !NEVER_NOMINATED.contains(&name.as_str()))
        .collect();
    fields.retain(|name| {
        !HOP_BY_HOP.iter().any(|hop| hop.as_bytes() == name)
            && !nominated.iter().any(|it| it.as_bytes() == name)
    });
}

/// The fields for members, without Host, which differs from member to member.
///
/// `host` is what the client asked for; the lines are those of httpd, in its order.
pub(crate) fn to_member(forwarding: &Forwarding, head: &RequestHead, client: IpAddr, host: &str) -> Fields {
    let mut fields = head.fields.clone();
    end_hop(&mut fields);
    fields.remove("host");
    fields.remove("expect");
    if forwarding.via == Via::Block {
        fields.remove("via");
    } else if forwarding.via != Via::Off {
        let version = if head.http_1_1 { "1.1" } else { "1.0" };
        let server = forwarding.server_name.as_deref().unwrap_or_else(|| without_port(host));
        let full = concat!(" (evenkeel/", env!("CARGO_PKG_VERSION"), ")");
        merge(
            &mut fields,
            "via",
            &format!("{version} {server}{}", if forwarding.via == Via::Full { full } else { "" }),
        );
    }
    if forwarding.add_headers {
        merge(&mut fields, "x-forwarded-for", &client.to_canonical().to_string());
        if !host.is_empty() {
            merge(&mut fields, "x-forwarded-host", host);
        }
        let server = forwarding.server_name.as_deref().unwrap_or_else(|| without_port(host));
        if !server.is_empty() {
            merge(&mut fields, "x-forwarded-server", server);
        }
    }
    fields
}

/// Adds `value` behind those that are there, in one line, as httpd does.
fn merge(fields: &mut Fields, name: &'static str, value: &str) {
    let mut merged: Vec<u8> = fields.all(name).collect::<Vec<_>>().join(&b", "[..]);
    if !merged.is_empty() {
        merged.extend_from_slice(b", ");
    }
    merged.extend_from_slice(value.as_bytes());
    fields.remove(name);
    fields.push(name, merged);
}

/// `host` without its port; an IPv6 address keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(at) if !host.ends_with(']') => host.get(..at).unwrap_or(host),
        _ => host,
    }
}

/// ProxyPassReverse: the address of a member, back into the address that the client used.
#[derive(Debug)]
pub(crate) struct Reversal {
    /// Where the client sees it.
    path: String,
    /// Every address that stands for it behind the proxy.
    real: Vec<String>,
}

impl Reversal {
    /// `members` are the URLs of a balancer's members; a `balancer://` target stands for each of them.
    pub(crate) fn new(reverse: &Reverse, members: impl Fn(&str) -> Vec<String>) -> Self {
        let lower = reverse.url.to_ascii_lowercase();
        let real = match lower.strip_prefix("balancer://") {
            None => vec![reverse.url.clone()],
            Some(rest) => {
                let name = rest.split('/').next().unwrap_or_default();
                let tail = reverse.url.get("balancer://".len() + name.len()..).unwrap_or_default();
                let join = |member: String| {
                    if member.ends_with('/') && tail.starts_with('/') {
                        format!("{}{tail}", member.trim_end_matches('/'))
                    } else {
                        format!("{member}{tail}")
                    }
                };
                members(name).into_iter().map(join).collect()
            }
        };
        Self { path: reverse.path.clone(), real }
    }

    /// The address for the client, if `url` is one of ours.
    fn apply(&self, url: &str, host: &str) -> Option<String> {
        self.real.iter().find_map(|real| {
            let (front, rest) = (url.get(..real.len())?, url.get(real.len()..)?);
            let whole = real.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?', '#', ';']);
            if !whole || !front.eq_ignore_ascii_case(real) {
                return None;
            }
            let path = match (self.path.ends_with('/'), rest.starts_with('/')) {
                (true, true) => format!("{}{rest}", self.path.trim_end_matches('/')),
                _ => format!("{}{rest}", self.path),
            };
            Some(if host.is_empty() { path } else { format!("http://{host}{path}") })
        })
    }
}

/// Makes a member's answer fit for the client.
pub(crate) fn to_client(head: &mut AnswerHead, reversals: &[Reversal], host: &str) {
    end_hop(&mut head.fields);
    for name in ["location", "content-location", "uri"] {
        head.fields.rewrite(name, |value| {
            let url = std::str::from_utf8(value).ok()?;
            reversals.iter().find_map(|reversal| reversal.apply(url, host)).map(String::into_bytes)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    fn fields(lines: &[(&'static str, &'static str)]) -> Fields {
        let mut fields = Fields::default();
        for (name, value) in lines {
            fields.push(*name, *value);
        }
        fields
    }

    fn texts(fields: &Fields) -> Vec<String> {
        fields
            .iter()
            .map(|(name, value)| {
                format!("{}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
            })
            .collect()
    }

    fn forward(lines: &[(&'static str, &'static str)]) -> Vec<String> {
        let head = RequestHead {
            method: Method::new(b"GET"),
            target: "/".to_owned(),
            authority: None,
            http_1_1: true,
            fields: fields(lines),
        };
        let forwarding = Forwarding {
            server_name: Some("www".to_owned()),
            preserve_host: false,
            add_headers: true,
            via: Via::Off,
        };
        texts(&to_member(&forwarding, &head, "10.0.0.9".parse().unwrap(), "site:81"))
    }

    const OURS: [&str; 3] =
        ["x-forwarded-for: 10.0.0.9", "x-forwarded-host: site:81", "x-forwarded-server: www"];

    #[test]
    fn what_a_client_nominates_goes_before_ours_are_added() {
        let lines = forward(&[
            ("host", "site:81"),
            ("connection", "close, X-Forwarded-For , x-secret,Authorization"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-secret", "1"),
            ("authorization", "Basic x"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("accept", "*/*"),
        ]);
        assert_eq!(lines, [&["authorization: Basic x", "accept: */*"][..], &OURS].concat());
    }

    #[test]
    fn forwarded_fields_are_appended_to_in_one_line() {
        let lines = forward(&[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "5.6.7.8")]);
        assert_eq!(lines[0], "x-forwarded-for: 1.2.3.4, 5.6.7.8, 10.0.0.9");
    }

    #[test]
    fn redirects_are_turned_back_for_every_member() {
        let reverse = Reverse { path: "/app".to_owned(), url: "balancer://C".to_owned() };
        let reversal = Reversal::new(&reverse, |name| {
            assert_eq!(name, "c");
            vec!["http://a:1".to_owned(), "http://b/base".to_owned()]
        });
        for (location, seen) in [
            ("http://a:1/x?y", Some("http://site/app/x?y")),
            ("HTTP://A:1", Some("http://site/app")),
            ("http://b/base/x", Some("http://site/app/x")),
            ("http://b/other", None),
            ("http://a:10/x", None),
            ("/x", None),
        ] {
            assert_eq!(reversal.apply(location, "site").as_deref(), seen, "{location}");
        }
        let slash =
            Reversal::new(&Reverse { path: "/".to_owned(), url: "http://h/".to_owned() }, |_| Vec::new());
        assert_eq!(slash.apply("http://h/x", "site").as_deref(), Some("http://site/x"));
    }
}
