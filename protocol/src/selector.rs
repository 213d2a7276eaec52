//! How people name a member: `BALANCER/MEMBER` or `MEMBER`, the member by URL, `host:port`, host or route; one behind a
//! socket also by `unix:/SOCKET`.
//!
//! A text that fits several members selects none: the refusal lists them.

use crate::clean::clean;
use crate::name::{BalancerName, MemberName, Route, strip_socket_scheme};
use crate::refusal::{Code, Refusal};
use crate::sentence::{LISTED, listed};

/// What a selector is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The member's balancer.
    pub balancer: &'a BalancerName,
    /// The member.
    pub member: &'a MemberName,
    /// Its route.
    pub route: &'a Route,
}

/// A parsed selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    balancer: Option<BalancerName>,
    member: String,
}

impl Selector {
    /// The selector of one known member.
    pub fn exact(balancer: &BalancerName, member: &MemberName) -> Self {
        Self { balancer: Some(balancer.clone()), member: member.as_str().to_owned() }
    }

    /// `member` within `balancer`.
    pub fn within(balancer: BalancerName, member: &str) -> Self {
        Self { balancer: Some(balancer), member: member.to_owned() }
    }

    /// The same within `balancer`; none: it names another one.
    pub fn narrowed(self, balancer: &BalancerName) -> Option<Self> {
        let fits = self.balancer.as_ref().is_none_or(|named| named == balancer);
        fits.then(|| Self { balancer: Some(balancer.clone()), ..self })
    }

    /// Reads `app/node1`, `balancer://app/http://h:1`, `http://h:1`, `h:1`, `node1`, `unix:/socket|http://h`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |why: &str| {
            Err(Refusal::new(
                Code::BadRequest,
                format!(
                    "'{}' {why}; name a member as BALANCER/MEMBER, URL, host:port or route",
                    clean(text, 80)
                ),
            ))
        };
        let rest = text.strip_prefix("balancer://").unwrap_or(text);
        if rest.is_empty() {
            return refuse("names no member");
        }
        match rest.split_once('/') {
            // A colon may stand in the name of a balancer too; nobody calls one `unix:`.
            Some(_) if strip_socket_scheme(rest).is_some_and(|socket| socket.starts_with('/')) => {
                Ok(Self { balancer: None, member: rest.to_owned() })
            }
            Some((_, tail)) if tail.starts_with('/') => Ok(Self { balancer: None, member: rest.to_owned() }),
            Some((balancer, member)) => match BalancerName::as_shown(balancer) {
                Ok(_) if member.is_empty() => refuse("names a balancer and no member"),
                Ok(balancer) => Ok(Self { balancer: Some(balancer), member: member.to_owned() }),
                Err(_) => refuse("starts with no balancer's name"),
            },
            None if rest.len() < text.len() => refuse("names a balancer and no member"),
            None => Ok(Self { balancer: None, member: rest.to_owned() }),
        }
    }

    /// The one candidate that fits; its URL decides before host:port, host and route do.
    pub fn resolve<'a>(
        &self,
        candidates: impl Iterator<Item = Candidate<'a>> + Clone,
    ) -> Result<Candidate<'a>, Refusal> {
        let in_balancer =
            candidates.filter(|it| self.balancer.as_ref().is_none_or(|name| name == it.balancer));
        // An httpd has members of other schemes too.
        let url = MemberName::as_shown(&self.member).ok();
        let same = |member: &MemberName| url.as_ref() == Some(member);
        let mut fitting: Vec<_> = in_balancer.clone().filter(|it| same(it.member)).collect();
        if fitting.is_empty() {
            // `http://h:1/` is how people and browsers write `http://h:1`.
            let bare = |name: &MemberName| name.as_str().trim_end_matches('/').to_owned();
            let wanted = url.as_ref().map(bare);
            fitting = in_balancer.clone().filter(|it| wanted.as_ref() == Some(&bare(it.member))).collect();
        }
        if fitting.is_empty() {
            // httpd's forms name a member behind a socket by its URL alone.
            let same = |member: &MemberName| url.as_ref().is_some_and(|url| url.as_str() == member.url());
            fitting = in_balancer.clone().filter(|it| same(it.member)).collect();
        }
        if fitting.is_empty() {
            fitting = in_balancer.clone().filter(|it| self.fits(it)).collect();
        }
        match fitting.as_slice() {
            [one] => Ok(*one),
            [] => {
                let known = listed(in_balancer.map(describe), LISTED, "");
                let known = match &self.balancer {
                    Some(balancer) if known.is_empty() => {
                        format!("there is no member in a balancer {balancer}")
                    }
                    None if known.is_empty() => "there are no members".to_owned(),
                    _ => format!("there are {known}"),
                };
                Err(Refusal::new(
                    Code::NotFound,
                    format!("no member fits '{}'; {known}", clean(&self.to_string(), 80)),
                ))
            }
            several => Err(Refusal::new(
                Code::Ambiguous,
                format!(
                    "'{}' fits {}; name one of them whole",
                    clean(&self.to_string(), 80),
                    listed(several.iter().copied().map(describe), LISTED, "")
                ),
            )),
        }
    }

    fn fits(&self, candidate: &Candidate<'_>) -> bool {
        let wanted = self.member.as_str();
        let member = candidate.member;
        candidate.route.as_str() == wanted && !wanted.is_empty()
            || member.authority().eq_ignore_ascii_case(wanted)
            || member.host().eq_ignore_ascii_case(wanted)
            || member.unix_path().is_some() && member.unix_path() == strip_socket_scheme(wanted)
            || format!("{}:{}", member.host(), member.port()).eq_ignore_ascii_case(wanted)
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.balancer {
            Some(balancer) => write!(f, "{balancer}/{}", self.member),
            None => f.write_str(&self.member),
        }
    }
}

fn describe(candidate: Candidate<'_>) -> String {
    let Candidate { balancer, member, route } = candidate;
    if route.is_empty() { format!("{balancer}/{member}") } else { format!("{balancer}/{route} ({member})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<String, Code> {
        let [app, api, odd] = ["app", "api", "a&b"].map(|name| BalancerName::as_shown(name).unwrap());
        let members: Vec<(&BalancerName, MemberName, Route)> = [
            (&app, "http://10.0.0.1:8080", "a"),
            (&app, "http://10.0.0.2:8080", "b"),
            (&app, "http://10.0.0.2:8080/base", "c"),
            (&api, "http://10.0.0.1:8080", "a"),
            (&api, "http://host", ""),
            (&api, "unix:/run/x.sock|http://sock/base", ""),
            (&odd, "ajp://10.0.0.9:8009/t", ""),
        ]
        .map(|(balancer, url, route)| (balancer, MemberName::as_shown(url).unwrap(), route.parse().unwrap()))
        .into();
        let candidates =
            members.iter().map(|(balancer, member, route)| Candidate { balancer, member, route });
        Selector::parse(text)
            .and_then(|selector| selector.resolve(candidates))
            .map(|found| format!("{}/{}", found.balancer, found.member))
            .map_err(|refusal| refusal.code)
    }

    #[test]
    fn a_member_is_found_by_url_address_host_and_route() {
        for (text, found) in [
            ("app/a", "app/http://10.0.0.1:8080"),
            ("balancer://app/a", "app/http://10.0.0.1:8080"),
            ("app/10.0.0.1:8080", "app/http://10.0.0.1:8080"),
            ("app/http://10.0.0.2:8080", "app/http://10.0.0.2:8080"),
            ("balancer://app/http://10.0.0.2:8080/base", "app/http://10.0.0.2:8080/base"),
            ("HTTP://10.0.0.2:8080", "app/http://10.0.0.2:8080"),
            ("c", "app/http://10.0.0.2:8080/base"),
            ("host", "api/http://host"),
            ("app/http://10.0.0.2:8080/", "app/http://10.0.0.2:8080"),
            ("host:80", "api/http://host"),
            ("unix:/run/x.sock|http://sock/base", "api/unix:/run/x.sock|http://sock/base"),
            ("api/unix:/run/x.sock|http://sock/base", "api/unix:/run/x.sock|http://sock/base"),
            ("balancer://api/UNIX:/run/x.sock|http://SOCK/base/", "api/unix:/run/x.sock|http://sock/base"),
            ("unix:/run/x.sock", "api/unix:/run/x.sock|http://sock/base"),
            ("api/unix:/run/x.sock", "api/unix:/run/x.sock|http://sock/base"),
            ("http://sock/base", "api/unix:/run/x.sock|http://sock/base"),
            ("sock", "api/unix:/run/x.sock|http://sock/base"),
            ("ajp://10.0.0.9:8009/t", "a&b/ajp://10.0.0.9:8009/t"),
            ("a&b/ajp://10.0.0.9:8009/t", "a&b/ajp://10.0.0.9:8009/t"),
            ("balancer://a&b/10.0.0.9:8009", "a&b/ajp://10.0.0.9:8009/t"),
        ] {
            assert_eq!(resolve(text).as_deref(), Ok(found), "{text}");
        }
    }

    #[test]
    fn a_refusal_says_how_many_members_it_leaves_out() {
        let app = BalancerName::as_shown("app").unwrap();
        let members: Vec<MemberName> =
            (1..=30).map(|port| MemberName::as_shown(&format!("http://h:{port}")).unwrap()).collect();
        let route = &Route::default();
        let candidates = members.iter().map(|member| Candidate { balancer: &app, member, route });
        for text in ["nosuch", "h"] {
            let refusal = Selector::parse(text).unwrap().resolve(candidates.clone()).unwrap_err();
            assert!(refusal.message.contains("app/http://h:8 and 22 more"), "{}", refusal.message);
        }
    }

    #[test]
    fn nothing_or_several_is_an_error() {
        for text in ["a", "app/10.0.0.2:8080", "http://10.0.0.1:8080"] {
            assert_eq!(resolve(text), Err(Code::Ambiguous), "{text}");
        }
        for text in
            ["x", "app/x", "web/a", "http://nowhere", "unix:/run/X.sock", "unix:/run/y|http://sock/base"]
        {
            assert_eq!(resolve(text), Err(Code::NotFound), "{text}");
        }
        for text in ["", "app/", "balancer://app", "\u{1b}[2J/x"] {
            assert_eq!(resolve(text), Err(Code::BadRequest), "{text:?}");
        }
    }
}
