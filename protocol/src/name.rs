//! Names that are checked when they are made, so that no later room has to.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// Why a text is no name; reads as the end of a sentence that starts with the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidName(pub String);

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidName {}

fn invalid<T>(why: impl Into<String>) -> Result<T, InvalidName> {
    Err(InvalidName(why.into()))
}

/// The name of a balancer without its scheme, in small letters: `app` for `balancer://App/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BalancerName(String);

impl BalancerName {
    /// The longest name, in characters (httpd's limit).
    pub const LONGEST: usize = 95;

    /// The bare name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as Apache writes it: `balancer://app`.
    pub fn url(&self) -> String {
        format!("balancer://{}", self.0)
    }
}

impl FromStr for BalancerName {
    type Err = InvalidName;

    /// Accepts `app`, `balancer://app` and `balancer://app/…`; what follows the name is cut, as httpd does.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let bare = match text.get(..11) {
            Some(scheme) if scheme.eq_ignore_ascii_case("balancer://") => text.get(11..).unwrap_or_default(),
            _ => text,
        };
        let bare = bare.split('/').next().unwrap_or_default();
        if bare.is_empty() {
            return invalid("has no name; write balancer://NAME");
        }
        if bare.len() > Self::LONGEST {
            return invalid(format!("is longer than {} characters", Self::LONGEST));
        }
        if let Some(c) = bare.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-~:".contains(*c))) {
            return invalid(format!(
                "contains {}; a balancer's name takes letters, digits and . _ - ~ :",
                printable(c)
            ));
        }
        if bare.bytes().all(|b| b == b'.') {
            return invalid("consists of dots, which a path of the admin interface cannot carry");
        }
        Ok(Self(bare.to_ascii_lowercase()))
    }
}

/// The URL of a member, normalised as httpd does: scheme and host in small letters, default port dropped,
/// path kept as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct MemberName(String);

impl MemberName {
    /// The longest URL, in characters (httpd's limit).
    pub const LONGEST: usize = 383;

    /// The whole URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `http`, `https`, `ws` or `wss`.
    pub fn scheme(&self) -> &str {
        self.0.split("://").next().unwrap_or_default()
    }

    /// `host` or `host:port`, as written in the URL.
    pub fn authority(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }

    /// The host without brackets.
    pub fn host(&self) -> &str {
        split_port(self.authority()).0.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, the scheme's default if none is written.
    pub fn port(&self) -> u16 {
        split_port(self.authority())
            .1
            .and_then(|port| port.parse().ok())
            .unwrap_or(default_port(self.scheme()))
    }

    /// The path behind the authority: empty, or starting with `/`.
    pub fn path(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
    }
}

/// The schemes a member can have, and their default ports.
fn default_port(scheme: &str) -> u16 {
    match scheme {
        "https" | "wss" => 443,
        _ => 80,
    }
}

/// Splits `host:port` and `[v6]:port`; the port is absent if nothing follows the host.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let after_host = authority.rfind(']').map_or(0, |at| at + 1);
    match authority.get(after_host..).and_then(|tail| tail.find(':')) {
        Some(at) => {
            (authority.get(..after_host + at).unwrap_or_default(), authority.get(after_host + at + 1..))
        }
        None => (authority, None),
    }
}

impl FromStr for MemberName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return invalid("is no URL; write http://host:port");
        };
        let scheme = scheme.to_ascii_lowercase();
        if !["http", "https", "ws", "wss"].contains(&scheme.as_str()) {
            return invalid("has a scheme that is none of http, https, ws and wss");
        }
        if let Some(c) = rest.chars().find(|c| !c.is_ascii_graphic() || "\"<>\\^`{|}?#@".contains(*c)) {
            return invalid(format!("contains {}, which has no place in a member's URL", printable(c)));
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at..).unwrap_or_default()),
            None => (rest, ""),
        };
        let (host, port) = split_port(authority);
        let host = host.to_ascii_lowercase();
        match host.strip_prefix('[') {
            Some(v6) => {
                if v6.strip_suffix(']').is_none_or(|v6| v6.parse::<std::net::Ipv6Addr>().is_err()) {
                    return invalid("has a host in brackets that is no IPv6 address");
                }
            }
            None if host.is_empty() => return invalid("has no host"),
            None if host.len() > 255 => return invalid("has a host longer than 255 characters"),
            None => {
                if let Some(c) = host.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-".contains(*c))) {
                    return invalid(format!("has {} in its host", printable(c)));
                }
            }
        }
        let port = match port {
            None => None,
            Some(port) => match port.parse::<u16>() {
                Ok(number) if number != 0 && port.bytes().all(|b| b.is_ascii_digit()) => {
                    (number != default_port(&scheme)).then_some(number)
                }
                _ => return invalid("has a port that is no number from 1 to 65535"),
            },
        };
        let name = match port {
            Some(port) => format!("{scheme}://{host}:{port}{path}"),
            None => format!("{scheme}://{host}{path}"),
        };
        if name.len() > Self::LONGEST {
            return invalid(format!("is longer than {} characters", Self::LONGEST));
        }
        Ok(Self(name))
    }
}

/// The tag that ties a session to a member (`route=`); empty means none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Route(String);

impl Route {
    /// The longest route, in characters (httpd's limit).
    pub const LONGEST: usize = 63;

    /// The text; empty if there is no route.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is there no route?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Route {
    type Err = InvalidName;

    /// A route travels in cookies and in `Set-Cookie`, so what would end or split one there is refused.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text.len() > Self::LONGEST {
            return invalid(format!("is longer than {} characters", Self::LONGEST));
        }
        if let Some(c) = text.chars().find(|c| !c.is_ascii_graphic() || "\";,\\".contains(*c)) {
            return invalid(format!(
                "contains {}; a route takes visible ASCII characters except \" ; , and \\",
                printable(c)
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A character as it may stand in a message: itself in quotes if it is plain ASCII, else its code point.
fn printable(c: char) -> String {
    match c {
        ' ' => "a blank".to_owned(),
        c if c.is_ascii_graphic() => format!("'{c}'"),
        c => format!("the character U+{:04X}", u32::from(c)),
    }
}

macro_rules! checked_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
checked_text!(BalancerName, MemberName, Route);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balancer_names() {
        for (text, name) in [
            ("app", "app"),
            ("balancer://App", "app"),
            ("BALANCER://a-b_c.d/x/y", "a-b_c.d"),
            ("b:8080", "b:8080"),
        ] {
            assert_eq!(text.parse::<BalancerName>().unwrap().as_str(), name, "{text}");
        }
        for text in ["", "balancer://", ".", "..", "a b", "a\u{1b}[2J", "käse", "a?b", &"x".repeat(96)] {
            assert!(text.parse::<BalancerName>().is_err(), "{text:?}");
        }
        assert!("x".repeat(95).parse::<BalancerName>().is_ok());
    }

    #[test]
    fn member_names_are_normalised_as_httpd_does() {
        for (text, name, host, port, path) in [
            ("HTTP://LocalHost:80/", "http://localhost/", "localhost", 80, "/"),
            ("http://127.0.0.1:18002/Base/", "http://127.0.0.1:18002/Base/", "127.0.0.1", 18002, "/Base/"),
            ("http://a", "http://a", "a", 80, ""),
            ("https://A:443", "https://a", "a", 443, ""),
            ("http://[::1]:8080/x", "http://[::1]:8080/x", "::1", 8080, "/x"),
            ("http://[::1]", "http://[::1]", "::1", 80, ""),
        ] {
            let member: MemberName = text.parse().unwrap();
            assert_eq!(
                (member.as_str(), member.host(), member.port(), member.path()),
                (name, host, port, path)
            );
        }
        for text in [
            "",
            "a",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:65536",
            "http://a:+8",
            "http://a:",
            "http://a b",
            "http://a?x",
            "http://u@a",
            "http://[::1",
            "http://[x]",
            "http://a\r\n",
            "http://é",
        ] {
            assert!(text.parse::<MemberName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn routes_take_what_a_cookie_can_carry() {
        for text in ["", "a", "node1", "a.b|c", &"x".repeat(63)] {
            assert_eq!(text.parse::<Route>().unwrap().as_str(), text);
        }
        for text in ["a b", "a;b", "a,b", "a\"", "a\u{1b}", "a\r", "\u{202e}a", "é", &"x".repeat(64)] {
            assert!(text.parse::<Route>().is_err(), "{text:?}");
        }
        assert!(!"a\u{1b}]0;x".parse::<Route>().unwrap_err().0.contains('\u{1b}'));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_name_or_an_error_and_names_read_back(text in "(?s).{0,80}") {
            if let Ok(name) = text.parse::<BalancerName>() {
                proptest::prop_assert_eq!(name.as_str().parse::<BalancerName>().unwrap(), name);
            }
            if let Ok(name) = format!("http://{text}").parse::<MemberName>() {
                proptest::prop_assert_eq!(name.as_str().parse::<MemberName>().unwrap(), name);
            }
            if let Ok(route) = text.parse::<Route>() {
                proptest::prop_assert_eq!(route.as_str(), text);
            }
        }
    }
}
