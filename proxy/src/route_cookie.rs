//! `routecookie`: the proxy tells clients the route of their member by itself, in a cookie that `stickysession` of the
//! same name reads back. Not in httpd, whose operators write it with `Header add Set-Cookie`.
//!
//! It is set on a member's answer if the member has a route and the client's cookie names another, or none.

use evenkeel_protocol::{BalancerSettings, CookieName, Separator};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What ends or breaks an attribute of a cookie; a `%` starts what clients send as it stands.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'%');

/// The cookie of one balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RouteCookie {
    name: CookieName,
    separator: Separator,
}

impl RouteCookie {
    /// That of a balancer with these settings, if they want one.
    pub(crate) fn of(settings: &BalancerSettings) -> Option<Self> {
        let name = settings.routecookie.clone()?;
        Some(Self { name, separator: settings.stickysessionsep })
    }

    /// The value of `Set-Cookie` after the member of `route` answered a request that came with these `Cookie` lines and
    /// that a mapping of `path` took; none if the client has it already, or there is no route.
    pub(crate) fn render(&self, route: &str, cookies: &[&str], path: &str) -> Option<String> {
        if route.is_empty() || self.known(cookies) == Some(route) {
            return None;
        }
        let separator = match self.separator {
            Separator::At(separator) => separator.to_string(),
            Separator::Off => String::new(),
        };
        let path = utf8_percent_encode(path, UNSAFE);
        // No connection of a client is encrypted yet; over TLS it would be Secure too.
        Some(format!("{}={separator}{route}; Path={path}; HttpOnly; SameSite=Lax", self.name))
    }

    /// The route that the client's cookie names.
    fn known<'a>(&self, cookies: &[&'a str]) -> Option<&'a str> {
        let mut pairs = cookies.iter().flat_map(|line| line.split(';'));
        let value = pairs.find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (name.trim() == self.name.as_str()).then(|| value.trim())
        })?;
        match self.separator {
            Separator::At(separator) => value.split_once(separator).map(|(_, route)| route),
            Separator::Off => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(separator: Separator) -> RouteCookie {
        RouteCookie { name: "ROUTEID".parse().unwrap(), separator }
    }

    #[test]
    fn it_is_set_if_the_client_does_not_have_it() {
        let set = "ROUTEID=.b; Path=/app; HttpOnly; SameSite=Lax";
        for (name, cookies, route, expected) in [
            ("no cookie", &[][..], "b", Some(set)),
            ("another route", &["ROUTEID=.a"], "b", Some(set)),
            ("the same route", &["ROUTEID=.b"], "b", None),
            ("a session before it", &["ROUTEID=x.b"], "b", None),
            ("among others", &["A=1; ROUTEID=.b; B=2"], "b", None),
            ("in the second line", &["A=1", "ROUTEID=.b"], "b", None),
            ("the first counts", &["ROUTEID=.a; ROUTEID=.b"], "b", Some(set)),
            ("part of another name", &["XROUTEID=.b"], "b", Some(set)),
            ("no separator", &["ROUTEID=b"], "b", Some(set)),
            ("a member without route", &["ROUTEID=.a"], "", None),
        ] {
            let seen = cookie(Separator::At('.')).render(route, cookies, "/app");
            assert_eq!(seen.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn the_separator_stands_before_the_route_and_the_path_cannot_break_out() {
        let seen = |separator, path| cookie(separator).render("b", &[], path).unwrap();
        assert!(seen(Separator::At('!'), "/").starts_with("ROUTEID=!b; Path=/; "));
        assert!(seen(Separator::Off, "/").starts_with("ROUTEID=b; Path=/; "));
        assert!(seen(Separator::Off, "/é; x\"").starts_with("ROUTEID=b; Path=/%C3%A9%3B%20x%22; "));
        assert_eq!(cookie(Separator::Off).render("b", &["ROUTEID=b"], "/"), None);
    }
}
