//! Names as the manager page of an httpd shows them: it has schemes and routes that Evenkeel's own proxy refuses.

use super::{BalancerName, InvalidName, MemberName, Route, invalid};
use crate::clean::is_clean;

impl MemberName {
    /// The longest text that is taken from a page, in characters: a URL and a socket before it.
    pub const LONGEST_SHOWN: usize = 512;

    /// The name that a manager page shows: a URL of any scheme (`ajp://…`, `fcgi://…`), normalised where it is one of
    /// those that [`str::parse`] takes.
    ///
    /// # Errors
    ///
    /// It is no URL, or has blanks or control characters.
    pub fn as_shown(text: &str) -> Result<Self, InvalidName> {
        if let Ok(name) = text.parse() {
            return Ok(name);
        }
        if text.chars().count() > Self::LONGEST_SHOWN {
            return invalid(format!("is longer than {} characters", Self::LONGEST_SHOWN));
        }
        if !text.contains("://") {
            return invalid("is no URL");
        }
        if text.chars().any(|c| c.is_whitespace() || !is_clean(c)) {
            return invalid("has characters that no URL has");
        }
        Ok(Self(text.into()))
    }
}

impl BalancerName {
    /// The name that a manager page shows, which may hold what [`str::parse`] refuses (`a&b`, `a%20b`).
    ///
    /// # Errors
    ///
    /// It is empty, longer than httpd takes, or has blanks, slashes or control characters.
    pub fn as_shown(text: &str) -> Result<Self, InvalidName> {
        let refused = match text.parse() {
            Ok(name) => return Ok(name),
            Err(refused) => refused,
        };
        let bare = text.strip_prefix("balancer://").unwrap_or(text);
        let odd = |c: char| c == '/' || c.is_whitespace() || !is_clean(c);
        if bare.is_empty() || bare.len() > Self::LONGEST || bare.chars().any(odd) {
            return Err(refused);
        }
        Ok(Self(bare.into()))
    }
}

impl Route {
    /// The route that a manager page shows, which may hold what [`str::parse`] refuses.
    ///
    /// # Errors
    ///
    /// It is longer than httpd takes, or has control characters.
    pub fn as_shown(text: &str) -> Result<Self, InvalidName> {
        if text.chars().count() > Self::LONGEST || !text.chars().all(is_clean) {
            return invalid(format!("is longer than {} characters, or has unprintable ones", Self::LONGEST));
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balancers_are_taken_as_a_page_shows_them() {
        for (text, name) in [
            ("balancer://App", Some("app")),
            ("balancer://a&b", Some("a&b")),
            ("mix%20ed", Some("mix%20ed")),
            ("balancer://", None),
            ("a b", None),
            ("a\u{1b}[2J", None),
        ] {
            let shown = BalancerName::as_shown(text).ok();
            assert_eq!(shown.as_ref().map(BalancerName::as_str), name, "{text:?}");
        }
    }

    #[test]
    fn names_of_other_schemes_are_taken_as_they_are_and_own_ones_normalised() {
        for (text, name) in [
            ("http://H:80", Some("http://h")),
            ("ajp://h:8009/app", Some("ajp://h:8009/app")),
            ("fcgi://127.0.0.1:9000", Some("fcgi://127.0.0.1:9000")),
            ("http://h:80/a%20b?x", Some("http://h:80/a%20b?x")),
            ("h:80", None),
            ("http://a b", None),
            ("ajp://h\u{1b}[2J", None),
            ("", None),
        ] {
            assert_eq!(MemberName::as_shown(text).ok().as_ref().map(MemberName::as_str), name, "{text:?}");
        }
        assert_eq!(MemberName::as_shown("ajp://h:8010/x").unwrap().port(), 8010);
        assert_eq!(MemberName::as_shown("ajp://h/x").unwrap().port(), 8009);
        assert_eq!(Route::as_shown("a;b").unwrap().as_str(), "a;b");
        assert!(Route::as_shown(&"x".repeat(64)).is_err() && Route::as_shown("\u{7}").is_err());
    }
}
