//! Names that are checked when they are made, so that no later room has to.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::upgrade::Upgrade;

mod shown;

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
pub struct BalancerName(Arc<str>);

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
        Ok(Self(bare.to_ascii_lowercase().into()))
    }
}

/// The URL of a member, normalised as httpd does: scheme and host in small letters, default port dropped,
/// path kept as written.
///
/// A member behind a socket of this machine is `unix:/SOCKET|URL`, as httpd's manager page shows it: the URL behind
/// the bar says scheme, Host and path, and no port of it is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct MemberName(Arc<str>);

impl MemberName {
    /// The longest URL, in characters (httpd's limit); what stands before the bar is not counted.
    pub const LONGEST: usize = 383;
    /// The longest path of a socket, in bytes: what the system's address of a socket holds.
    pub const LONGEST_SOCKET: usize = 107;

    /// The whole name: the URL, with the socket before it if there is one.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL, without the socket.
    pub fn url(&self) -> &str {
        self.0.split_once('|').map_or(&self.0, |(_, url)| url)
    }

    /// The URL without its scheme; of a member behind a socket, the socket.
    pub fn short(&self) -> &str {
        match self.0.split_once('|') {
            Some((socket, _)) => socket,
            None => self.0.split_once("://").map_or(&*self.0, |(_, rest)| rest),
        }
    }

    /// The absolute path of the socket; none if the member is reached by host and port.
    pub fn unix_path(&self) -> Option<&str> {
        let (socket, _) = self.0.split_once('|')?;
        socket.strip_prefix(SOCKET_SCHEME)
    }

    /// `http`, `https`, `ws` or `wss`.
    pub fn scheme(&self) -> &str {
        self.url().split("://").next().unwrap_or_default()
    }

    /// `host` or `host:port`, as written in the URL.
    pub fn authority(&self) -> &str {
        self.behind_scheme().split('/').next().unwrap_or_default()
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
        let rest = self.behind_scheme();
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
    }

    /// What a connection may change to if the member does not say: WebSocket with the schemes that are for it.
    pub fn default_upgrade(&self) -> Option<Upgrade> {
        matches!(self.scheme(), "ws" | "wss").then(Upgrade::websocket)
    }

    fn behind_scheme(&self) -> &str {
        self.url().split_once("://").map_or("", |(_, rest)| rest)
    }
}

/// What the name of a member behind a socket starts with.
const SOCKET_SCHEME: &str = "unix:";

/// The schemes a member can have, here or in httpd, and their default ports.
fn default_port(scheme: &str) -> u16 {
    match scheme {
        "ajp" => 8009,
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

    /// Accepts `http://host:port/path` and `unix:/socket|http://host/path`. Behind the bar the host may be left out
    /// (`unix:/socket|http:`) and is then `localhost`, as in httpd.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let Some(behind) = strip_socket_scheme(text) else {
            return normalised(text).map(|name| Self(name.into()));
        };
        let Some((path, url)) = behind.split_once('|') else {
            return invalid("names a socket and no URL; write unix:/SOCKET|http://localhost");
        };
        let path = socket(path)?;
        let url = match url.split_once(':') {
            Some((scheme, "" | "//")) => normalised(&format!("{scheme}://localhost"))?,
            _ => normalised(url)?,
        };
        Ok(Self(format!("{SOCKET_SCHEME}{path}|{url}").into()))
    }
}

/// What stands behind `unix:`, in letters of any size; none for other URLs.
pub(crate) fn strip_socket_scheme(text: &str) -> Option<&str> {
    let (scheme, behind) = text.split_at_checked(SOCKET_SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SOCKET_SCHEME).then_some(behind)
}

/// The path of a socket, checked: `/run/app.sock` for itself and for `///run/app.sock`.
///
/// httpd resolves dots, cuts at `?`, takes what stands behind `//` for a host and drops it, and starts a relative path
/// at its runtime folder. Nobody means any of that, so it is refused.
fn socket(text: &str) -> Result<&str, InvalidName> {
    let path = text.strip_prefix("//").unwrap_or(text);
    if !path.starts_with('/') || path.starts_with("//") {
        return invalid("has a socket without an absolute path; write unix:/SOCKET|http://localhost");
    }
    if let Some(c) = path.chars().find(|c| !c.is_ascii_graphic() || "\"<>\\^`{}?#%".contains(*c)) {
        return invalid(format!("contains {}, which has no place in the path of a socket", printable(c)));
    }
    if path.ends_with('/') || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return invalid("has a path of a socket that names a folder, or has dots as one of its parts");
    }
    if path.len() > MemberName::LONGEST_SOCKET {
        return invalid(format!(
            "has a path of a socket longer than {} characters",
            MemberName::LONGEST_SOCKET
        ));
    }
    Ok(path)
}

/// A URL as httpd writes it.
fn normalised(text: &str) -> Result<String, InvalidName> {
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
    check_host(&host)?;
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
    if name.len() > MemberName::LONGEST {
        return invalid(format!("is longer than {} characters", MemberName::LONGEST));
    }
    Ok(name)
}

/// A name, or an IPv6 address in brackets; in small letters.
fn check_host(host: &str) -> Result<(), InvalidName> {
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
    Ok(())
}

/// The tag that ties a session to a member (`route=`); empty means none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Route(Arc<str>);

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
        Ok(Self(text.into()))
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
    fn members_behind_a_socket_are_named_as_httpds_manager_shows_them() {
        for (text, name, socket, authority, port, path) in [
            (
                "unix:/run/X.sock|HTTP://Name/Path",
                "unix:/run/X.sock|http://name/Path",
                "/run/X.sock",
                "name",
                80,
                "/Path",
            ),
            ("UNIX:/run/y|ws://a:8080", "unix:/run/y|ws://a:8080", "/run/y", "a:8080", 8080, ""),
            ("unix:///run/x|http://a:80", "unix:/run/x|http://a", "/run/x", "a", 80, ""),
            ("unix:/run/x|http:", "unix:/run/x|http://localhost", "/run/x", "localhost", 80, ""),
            ("unix:/run/x|http://", "unix:/run/x|http://localhost", "/run/x", "localhost", 80, ""),
            ("unix:/a:b@c|http://[::1]:1/", "unix:/a:b@c|http://[::1]:1/", "/a:b@c", "[::1]:1", 1, "/"),
        ] {
            let member: MemberName = text.parse().unwrap();
            assert_eq!(member.as_str(), name, "{text}");
            assert_eq!(
                (member.unix_path(), member.authority(), member.port(), member.path()),
                (Some(socket), authority, port, path),
                "{text}"
            );
            assert_eq!(member.url(), name.split('|').nth(1).unwrap());
            assert_eq!(member.as_str().parse::<MemberName>().unwrap(), member);
        }
        assert_eq!("http://a".parse::<MemberName>().unwrap().unix_path(), None);
        for text in [
            "unix:",
            "unix:|http://a",
            "unix:/run/x",
            "unix:/run/x|",
            "unix:run/x|http://a",
            "unix://run/x|http://a",
            "unix:////run/x|http://a",
            "unix:/run/|http://a",
            "unix:/run/../x|http://a",
            "unix:/./x|http://a",
            "unix:/run/a b|http://a",
            "unix:/run/a%20b|http://a",
            "unix:/run/a?b|http://a",
            "unix:/run/a\0|http://a",
            "unix:/run/\u{e9}|http://a",
            "unix:/run/x|/run/y|http://a",
            "unix:/run/x|unix:/run/y|http://a",
            "unix:/run/x|http://a|b",
            "unix:/run/x|ftp://a",
            "unix:/run/x|ftp:",
            "http://a|unix:/run/x",
        ] {
            assert!(text.parse::<MemberName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_socket_and_its_url_have_limits_of_their_own() {
        let named = |socket: usize, url: usize| {
            format!("unix:/{}|http://a/{}", "s".repeat(socket - 1), "u".repeat(url - 9)).parse::<MemberName>()
        };
        assert!(named(MemberName::LONGEST_SOCKET, MemberName::LONGEST).is_ok());
        assert!(
            named(MemberName::LONGEST_SOCKET + 1, 10).unwrap_err().0.ends_with("longer than 107 characters")
        );
        assert!(named(10, MemberName::LONGEST + 1).unwrap_err().0.ends_with("longer than 383 characters"));
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
            if let Ok(name) = format!("unix:/{text}|http://a").parse::<MemberName>() {
                proptest::prop_assert_eq!(name.as_str().parse::<MemberName>().unwrap(), name);
            }
            if let Ok(route) = text.parse::<Route>() {
                proptest::prop_assert_eq!(route.as_str(), text);
            }
        }
    }
}
