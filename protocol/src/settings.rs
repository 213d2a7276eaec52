//! What can be configured of a balancer and of a member, whatever the syntax: configuration, JSON or form.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::health::HealthCheck;
use crate::lbmethod::LbMethod;
use crate::name::Route;
use crate::status::Status;
use crate::upgrade::Upgrade;

/// `loadfactor=`: the share a member is meant to take, in hundredths, 1.00 to 100.00. In JSON a number: `1.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Factor(u16);

impl Factor {
    /// What a text or number must be to be a factor.
    pub const RULE: &str = "must be a number from 1 to 100 with at most two decimals";
    /// 1.00, the default.
    pub const ONE: Self = Self(100);

    /// From hundredths; none outside 100 to 10000.
    pub fn from_hundredths(hundredths: u16) -> Option<Self> {
        (100..=10_000).contains(&hundredths).then_some(Self(hundredths))
    }

    /// In hundredths: 150 for 1.50.
    pub fn hundredths(self) -> u16 {
        self.0
    }
}

impl Default for Factor {
    fn default() -> Self {
        Self::ONE
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl FromStr for Factor {
    type Err = String;

    /// Decimal text, at most two decimals.
    fn from_str(text: &str) -> Result<Self, String> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() > 5 || decimals.len() > 2 {
            return Err(Self::RULE.to_owned());
        }
        let hundredths = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        let decimals = hundredths(decimals) * if decimals.len() == 1 { 10 } else { 1 };
        let total = hundredths(whole).saturating_mul(100).saturating_add(decimals);
        u16::try_from(total).ok().and_then(Self::from_hundredths).ok_or_else(|| Self::RULE.to_owned())
    }
}

impl Serialize for Factor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 100.0)
    }
}

impl<'de> Deserialize<'de> for Factor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        let hundredths = number * 100.0;
        if !(100.0..=10_000.0).contains(&hundredths) || (hundredths - hundredths.round()).abs() > 1e-6 {
            return Err(serde::de::Error::custom(Self::RULE));
        }
        // The text form rounds exactly to two decimals, so that one parser decides.
        format!("{number:.2}").parse().map_err(serde::de::Error::custom)
    }
}

/// `lbset=`: lower sets are tried first, 0 to 99.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Lbset(u8);

impl Lbset {
    /// What a text or number must be to be a set.
    pub const RULE: &str = "must be a whole number from 0 to 99";

    /// None above 99.
    pub fn new(number: u8) -> Option<Self> {
        (number <= 99).then_some(Self(number))
    }

    /// The number of the set.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Lbset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Lbset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok().and_then(Self::new)).flatten().ok_or_else(|| Self::RULE.to_owned())
    }
}

impl<'de> Deserialize<'de> for Lbset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        // Whole and in range, so that the text has nothing but digits.
        format!("{number}").parse().map_err(serde::de::Error::custom)
    }
}

/// `stickysession=COOKIE|PATH`: where a session's route is found. In JSON the same text; empty means not sticky.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StickySession {
    /// The name of the cookie.
    pub cookie: String,
    /// The name of the URL parameter; the cookie's if there was no `|`.
    pub path: String,
}

impl StickySession {
    /// The longest text, in characters (httpd cuts there in silence; we refuse).
    pub const LONGEST: usize = 63;
}

impl FromStr for StickySession {
    type Err = String;

    /// Only the first `|` splits and nothing is trimmed, as in httpd.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > Self::LONGEST {
            return Err(format!("is longer than {} characters", Self::LONGEST));
        }
        if let Some(c) = text.chars().find(|c| !c.is_ascii_graphic() || "\";,=\\&?".contains(*c)) {
            return Err(format!(
                "contains U+{:04X}; a session name takes visible ASCII characters except \" ; , = \\ & and ?",
                u32::from(c)
            ));
        }
        let (cookie, path) = text.split_once('|').unwrap_or((text, text));
        if cookie.is_empty() || path.is_empty() {
            return Err("needs a name; write COOKIE or COOKIE|PATH".to_owned());
        }
        Ok(Self { cookie: cookie.to_owned(), path: path.to_owned() })
    }
}

impl fmt::Display for StickySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cookie == self.path {
            f.write_str(&self.cookie)
        } else {
            write!(f, "{}|{}", self.cookie, self.path)
        }
    }
}

impl Serialize for StickySession {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StickySession {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// `routecookie=`: the name of the cookie in which the proxy itself tells a client the route of its member.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CookieName(String);

impl CookieName {
    /// The longest name, in characters: a `stickysession` must be able to read it back.
    pub const LONGEST: usize = StickySession::LONGEST;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CookieName {
    type Err = String;

    /// A token of RFC 6265 that may stand in a `stickysession` too, so without `&` and `|`. Names that start with
    /// `__` make browsers demand attributes that the cookie does not have.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > Self::LONGEST {
            return Err(format!("must have 1 to {} characters", Self::LONGEST));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%'*+-.^_`~".contains(c);
        if !text.chars().all(fits) || text.starts_with("__") {
            return Err(
                "must be a cookie's name: letters, digits, - and _, and not __ at its start".to_owned()
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for CookieName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CookieName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// `stickysessionsep=`: what stands before the route in a session's value. In JSON the character, or `"Off"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Separator {
    /// The route is what follows the first such character.
    At(char),
    /// The whole value is the route.
    Off,
}

impl Default for Separator {
    fn default() -> Self {
        Self::At('.')
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(c) => write!(f, "{c}"),
            Self::Off => f.write_str("Off"),
        }
    }
}

impl FromStr for Separator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None) if c.is_ascii_graphic() => Ok(Self::At(c)),
            _ if text.eq_ignore_ascii_case("off") => Ok(Self::Off),
            _ => Err("must be one visible ASCII character, or Off".to_owned()),
        }
    }
}

impl Serialize for Separator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Separator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The settings of a balancer, under Apache's keywords.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of Apache's with a name of its own")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancerSettings {
    /// How to choose among candidates.
    pub lbmethod: LbMethod,
    /// Where a session's route is found; none: not sticky.
    pub stickysession: Option<StickySession>,
    /// What separates the route from the rest of a session's value.
    pub stickysessionsep: Separator,
    /// Does `;` end the value of the path parameter too?
    pub scolonpathdelim: bool,
    /// The cookie in which the proxy tells a client the route of its member; none: it sets no cookie. Not in httpd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routecookie: Option<CookieName>,
    /// For how many seconds a session counts as live after it was last seen. Not in httpd.
    #[serde(default = "session_window")]
    pub sessionwindow: u32,
    /// Is a session whose member is unusable refused (503) instead of being served by another?
    pub nofailover: bool,
    /// Seconds to wait for a usable member when there is none; 0: do not wait.
    pub timeout: u32,
    /// Failovers after the first try; none: the number of members less one.
    pub maxattempts: Option<u32>,
    /// Statuses of a member's answer that put it into error.
    pub failonstatus: Vec<u16>,
    /// Does a read time-out put a member into error?
    pub failontimeout: bool,
    /// When all that could serve are in error: try them all at once?
    pub forcerecovery: bool,
}

/// Half an hour: what most applications keep an idle session for.
fn session_window() -> u32 {
    30 * 60
}

impl Default for BalancerSettings {
    fn default() -> Self {
        Self {
            lbmethod: LbMethod::default(),
            stickysession: None,
            stickysessionsep: Separator::default(),
            scolonpathdelim: false,
            routecookie: None,
            sessionwindow: session_window(),
            nofailover: false,
            timeout: 0,
            maxattempts: None,
            failonstatus: Vec::new(),
            failontimeout: false,
            forcerecovery: true,
        }
    }
}

/// The settings of a member, under Apache's keywords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberSettings {
    /// The share it is meant to take.
    pub lbfactor: Factor,
    /// The set it belongs to.
    pub lbset: Lbset,
    /// The route of its sessions; may be empty.
    pub route: Route,
    /// The route that its sessions take while it is unusable; may be empty.
    pub redirect: Route,
    /// The flags it starts with (`status=`), beside Init.
    pub status: Status,
    /// Seconds in error before it is tried again; 0: at once.
    pub retry: u32,
    /// How connections to it are made and kept.
    pub connection: ConnectionSettings,
    /// How it is checked.
    pub health: HealthCheck,
}

impl Default for MemberSettings {
    fn default() -> Self {
        Self {
            lbfactor: Factor::ONE,
            lbset: Lbset::default(),
            route: Route::default(),
            redirect: Route::default(),
            status: Status::INITIALISED,
            retry: 60,
            connection: ConnectionSettings::default(),
            health: HealthCheck::default(),
        }
    }
}

/// How connections to a member are made and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// `timeout=`: how long to wait for the member to send or take something.
    pub timeout: Duration,
    /// `connectiontimeout=`: how long to wait for a connection; none: as `timeout`.
    pub connectiontimeout: Option<Duration>,
    /// `ping=`: how long it may take to show that it is there before a request depends on it; none: it is not asked.
    pub ping: Option<Duration>,
    /// `max=`: how many requests may be on their way to it at once, in the whole process; none: no limit.
    pub max: Option<u32>,
    /// `smax=`: how many idle connections are kept without regard to `ttl`; those beyond end when they were idle for
    /// that long. None: as `max`.
    pub smax: Option<u32>,
    /// `acquire=`: how long a request waits for one of those; none: without limit.
    pub acquire: Option<Duration>,
    /// `ttl=`: how long an idle connection is kept; none: as long as the member keeps it.
    pub ttl: Option<Duration>,
    /// `disablereuse=`: a connection for each request.
    pub disablereuse: bool,
    /// `keepalive=`: TCP keep-alive on its connections.
    pub keepalive: bool,
    /// `upgrade=`: what a client's connection may change to; none: nothing. Of `ws` members by default WebSocket.
    pub upgrade: Option<Upgrade>,
    /// `responsefieldsize=`: bytes of the longest line of an answer's header; none: 8192.
    pub responsefieldsize: Option<usize>,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            connectiontimeout: None,
            ping: None,
            max: None,
            smax: None,
            acquire: None,
            ttl: None,
            disablereuse: false,
            keepalive: false,
            upgrade: None,
            responsefieldsize: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors() {
        for (text, hundredths, shown, json) in [
            ("1", 100, "1.00", "1.0"),
            ("1.5", 150, "1.50", "1.5"),
            ("99.99", 9999, "99.99", "99.99"),
            ("100", 10_000, "100.00", "100.0"),
            ("1.05", 105, "1.05", "1.05"),
        ] {
            let factor: Factor = text.parse().unwrap();
            assert_eq!((factor.hundredths(), factor.to_string().as_str()), (hundredths, shown));
            assert_eq!(serde_json::to_string(&factor).unwrap(), json);
            assert_eq!(serde_json::from_str::<Factor>(json).unwrap(), factor);
            assert_eq!(serde_json::from_str::<Factor>(text).unwrap(), factor);
        }
        for text in
            ["", "0.99", "100.01", "1.234", "-1", "+1", "1e2", "1.", ".5", "1,5", " 1", "99999999999", "NaN"]
        {
            assert!(text.parse::<Factor>().is_err(), "{text:?}");
        }
        for json in ["0.99", "100.01", "1.234", "-1", "\"1\"", "null", "1e9", "true"] {
            assert!(serde_json::from_str::<Factor>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn every_factor_survives_json() {
        for hundredths in 100..=10_000 {
            let factor = Factor::from_hundredths(hundredths).unwrap();
            let json = serde_json::to_string(&factor).unwrap();
            assert_eq!(serde_json::from_str::<Factor>(&json).unwrap(), factor, "{json}");
        }
    }

    #[test]
    fn lbsets() {
        for text in ["0", "7", "99"] {
            assert_eq!(text.parse::<Lbset>().unwrap().to_string(), text);
            assert_eq!(serde_json::from_str::<Lbset>(text).unwrap().to_string(), text);
        }
        for text in ["", "100", "-1", "1.5", "a", "256"] {
            assert!(text.parse::<Lbset>().is_err(), "{text:?}");
            assert!(serde_json::from_str::<Lbset>(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn sticky_sessions_and_separators() {
        let sticky: StickySession = "JSESSIONID|jsessionid".parse().unwrap();
        assert_eq!((sticky.cookie.as_str(), sticky.path.as_str()), ("JSESSIONID", "jsessionid"));
        assert_eq!(sticky.to_string(), "JSESSIONID|jsessionid");
        assert_eq!("SID".parse::<StickySession>().unwrap().to_string(), "SID");
        for text in ["", "|", "a|", "|b", "A | b", "a;b", "a=b", "a\u{1b}", &"x".repeat(64)] {
            assert!(text.parse::<StickySession>().is_err(), "{text:?}");
        }
        for text in ["ROUTEID", "a-b_c.d", &"x".repeat(63)] {
            let name: CookieName = text.parse().unwrap();
            let read_back: StickySession = text.parse().unwrap();
            assert_eq!((name.as_str(), read_back.cookie.as_str()), (text, text));
        }
        for text in ["", "a b", "a;b", "a=b", "a|b", "a&b", "é", "__Host-a", "a\u{1b}", &"x".repeat(64)] {
            assert!(text.parse::<CookieName>().is_err(), "{text:?}");
        }
        assert_eq!("-".parse(), Ok(Separator::At('-')));
        assert_eq!("off".parse(), Ok(Separator::Off));
        for text in ["", "ab", " ", "\u{7}", "é"] {
            assert!(text.parse::<Separator>().is_err(), "{text:?}");
        }
    }
}
