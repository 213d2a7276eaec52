//! `upgrade=`: which protocols a client's connection to a member may change to. Not here: how it changes.

use std::fmt;
use std::str::FromStr;

/// The protocols that an `Upgrade` header may name for the header to reach the member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upgrade {
    /// `ANY`: each of them, but for h2c.
    Any,
    /// These, without regard to capitals; `NONE` is the empty list.
    Only(Vec<String>),
}

/// HTTP/2 over a connection that was HTTP/1.1: behind it requests would pass that nobody has looked at.
const NEVER: &str = "h2c";

impl Upgrade {
    /// The longest text, in characters (httpd's limit).
    pub const LONGEST: usize = 15;

    /// What members with the scheme `ws` have unless they say otherwise.
    pub fn websocket() -> Self {
        Self::Only(vec!["WebSocket".to_owned()])
    }

    /// May the connection change to this protocol? Never to h2c, whatever the list says.
    pub fn allows(&self, protocol: &str) -> bool {
        let named = match self {
            Self::Any => true,
            Self::Only(protocols) => protocols.iter().any(|known| known.eq_ignore_ascii_case(protocol)),
        };
        named && !protocol.is_empty() && !protocol.eq_ignore_ascii_case(NEVER)
    }

    /// Does the list name a protocol to which no connection changes?
    pub fn names_what_is_never_allowed(&self) -> bool {
        matches!(self, Self::Only(protocols) if protocols.iter().any(|known| known.eq_ignore_ascii_case(NEVER)))
    }
}

impl FromStr for Upgrade {
    type Err = String;

    /// Names joined by commas or blanks, as httpd looks for them; `ANY` and `*` are all of them, `NONE` none.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > Self::LONGEST {
            return Err(format!("is longer than {} characters", Self::LONGEST));
        }
        if text.eq_ignore_ascii_case("any") || text == "*" {
            return Ok(Self::Any);
        }
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self::Only(Vec::new()));
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c);
        if let Some(c) = text.chars().find(|c| !(is_name(*c) || " ,".contains(*c))) {
            return Err(format!("contains U+{:04X}, which no protocol's name has", u32::from(c)));
        }
        let names: Vec<_> =
            text.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if names.is_empty() { Err("names no protocol".to_owned()) } else { Ok(Self::Only(names)) }
    }
}

impl fmt::Display for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("ANY"),
            Self::Only(protocols) if protocols.is_empty() => f.write_str("NONE"),
            Self::Only(protocols) => f.write_str(&protocols.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_allows_what_it_names_and_never_h2c() {
        for (text, shown, allowed, refused) in [
            ("WebSocket", "WebSocket", vec!["websocket", "WEBSOCKET"], vec!["tls/1.0", "websocket2", ""]),
            ("a, b c", "a,b,c", vec!["A", "b", "C"], vec!["a,b", "d"]),
            ("ANY", "ANY", vec!["websocket", "x"], vec!["h2c", "H2C", ""]),
            ("any", "ANY", vec!["x"], vec![]),
            ("*", "ANY", vec!["x"], vec![]),
            ("None", "NONE", vec![], vec!["none", "websocket"]),
            ("h2c,x", "h2c,x", vec!["x"], vec!["h2c"]),
            ("TLS/1.0", "TLS/1.0", vec!["tls/1.0"], vec![]),
        ] {
            let upgrade: Upgrade = text.parse().unwrap();
            assert_eq!(upgrade.to_string(), shown);
            assert_eq!(shown.parse(), Ok(upgrade.clone()));
            assert!(allowed.iter().all(|protocol| upgrade.allows(protocol)), "{text}");
            assert!(!refused.iter().any(|protocol| upgrade.allows(protocol)), "{text}");
        }
        assert!(Upgrade::websocket().allows("websocket"));
        assert!("H2C".parse::<Upgrade>().unwrap().names_what_is_never_allowed());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["", " ", ",", "a;b", "a\u{1b}", "\u{e9}", "abcdefghijklmnop"] {
            assert!(text.parse::<Upgrade>().is_err(), "{text:?}");
        }
    }
}
