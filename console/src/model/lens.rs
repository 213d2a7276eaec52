//! The sticky lens: what an operator typed or pasted, read as a question to the proxy. A cookie's value is a secret of
//! somebody: it is sent, and shown only in part.

use std::cmp::Reverse;

use evenkeel_protocol::{
    BalancerSnapshot, Candidacy, ElectionFilter, Question, Separator, SessionPlace, StickySession,
};

use crate::model::form::Text;
use crate::pasted::{self, Pasted};

/// What is looked at through the lens.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lens {
    /// What was asked last.
    pub asked: Option<Question>,
    /// Counts askings, so that the same can be asked once more.
    pub number: u64,
    /// How many lines are scrolled out above.
    pub from: usize,
    /// What was written, to go on from.
    pub text: Text,
}

impl Lens {
    /// Asks what `text` says; `near` is the balancer that is looked at, of these.
    ///
    /// Errors: why it asks nothing; what was asked before is gone, so that nobody takes its answer for this one's.
    pub fn ask(
        &mut self,
        text: &str,
        near: Option<&BalancerSnapshot>,
        balancers: &[BalancerSnapshot],
    ) -> Result<(), String> {
        match read(text, near, balancers) {
            Ok(question) => self.put(question, text),
            Err(why) => {
                *self = Self { number: self.number, text: Text::new(text), ..Self::default() };
                return Err(why);
            }
        }
        Ok(())
    }

    /// Asks `question`; `text` is what is gone on from when the next one is written.
    pub fn put(&mut self, question: Question, text: &str) {
        self.text = Text::new(text);
        self.asked = Some(question);
        self.number = self.number.wrapping_add(1);
        self.from = 0;
    }

    /// Which elections belong to it: those of its session, in the balancer that is asked for a member.
    pub fn elections(&self, candidacy: Option<&Candidacy>) -> Option<ElectionFilter> {
        let asked = self.asked.as_ref()?;
        let line = (!asked.cookies.is_empty()).then(|| asked.cookies.join("; "));
        let in_url = candidacy.is_some_and(|it| it.session.found == Some(SessionPlace::Url));
        Some(ElectionFilter {
            balancer: candidacy.map(|it| &it.name).or(asked.balancer.as_ref()).cloned(),
            cookie: if in_url { Some(asked.url.clone()) } else { line },
            most: Some(50),
            ..ElectionFilter::default()
        })
    }
}

/// What a text asks. Without a URL a balancer is asked, and a value alone is taken for that of its session cookie: the one
/// that knows such a session, and if several do or none the one nearby.
fn read(
    text: &str,
    near: Option<&BalancerSnapshot>,
    balancers: &[BalancerSnapshot],
) -> Result<Question, String> {
    let pasted = pasted::read(text)?;
    let url = pasted.url.clone();
    let knowing = near.into_iter().chain(balancers).min_by_key(|balancer| Reverse(knows(balancer, &pasted)));
    let near = if url.is_none() { knowing } else { near };
    let sticky = near.and_then(|near| near.settings.stickysession.as_ref());
    let cookies = pasted.named(sticky.map(|sticky| sticky.cookie.as_str()).into_iter());
    match url {
        Some(url) => Ok(Question { url, cookies, ..Question::default() }),
        None if cookies.is_empty() => Err("nothing was written to look at".to_owned()),
        None => {
            let balancer = near.map(|near| near.name.clone());
            Ok(Question { url: "/".to_owned(), cookies, balancer, ..Question::default() })
        }
    }
}

/// Does the balancer look for a session under such a name, and does a member have its route?
fn knows(balancer: &BalancerSnapshot, pasted: &Pasted) -> (bool, bool) {
    let Some(StickySession { cookie, .. }) = &balancer.settings.stickysession else { return (false, false) };
    let named = pasted.pairs.iter().filter_map(|pair| pair.split_once('='));
    let mut values =
        named.filter(|(name, _)| name == cookie).map(|(_, value)| value).chain(pasted.value.as_deref());
    let is_before = |id: &str| match balancer.settings.stickysessionsep {
        Separator::At(separator) => id.ends_with(separator),
        Separator::Off => id.is_empty(),
    };
    let has_route = |value: &str| {
        let of = |route: &str| !route.is_empty() && value.strip_suffix(route).is_some_and(is_before);
        balancer.members.iter().any(|member| of(member.route.as_str()))
    };
    values.next().map_or((false, false), |first| (has_route(first) || values.any(has_route), true))
}

/// A URL as [`shortened`]: what stands behind `;`, and what has one of these names.
pub fn shortened_url(url: &str, names: &[&str]) -> String {
    let is_end = |c: char| ";/?&#".contains(c);
    let mut shown = String::new();
    for part in url.split_inclusive(is_end) {
        let (text, end) = part.split_at(part.trim_end_matches(is_end).len());
        let is_session =
            text.split_once('=').is_some_and(|(name, _)| shown.ends_with(';') || names.contains(&name));
        shown += &if is_session { shortened(text) } else { text.to_owned() };
        shown += end;
    }
    shown
}

/// A cookie with its value shortened: its start, and its route, by which a session is recognised.
pub fn shortened(cookie: &str) -> String {
    let (name, value) = cookie.split_once('=').unwrap_or(("", cookie));
    let (id, route) =
        value.split_once('.').map_or((value, String::new()), |(id, route)| (id, format!(".{route}")));
    let start: String = id.chars().take((id.chars().count() / 2).min(4)).collect();
    let id = if id.is_empty() { start } else { format!("{start}…") };
    let route: String = route.chars().take(40).collect();
    if name.is_empty() { format!("{id}{route}") } else { format!("{name}={id}{route}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn what_is_pasted_is_read_as_people_mean_it() {
        let snapshot = sample::snapshot(0);
        let near = Some(&snapshot.balancers[0]);
        for (text, url, cookies, asks) in [
            ("JSESSIONID=abc.node1", "/", &["JSESSIONID=abc.node1"][..], Some("app")),
            ("  Cookie: a=b; JSESSIONID=abc.node1", "/", &["a=b", "JSESSIONID=abc.node1"], Some("app")),
            ("/app/cart?x=1", "/app/cart?x=1", &[], None),
            (
                "https://www.example.com/app JSESSIONID=x.node1",
                "https://www.example.com/app",
                &["JSESSIONID=x.node1"],
                None,
            ),
            ("abc.node1", "/", &["JSESSIONID=abc.node1"], Some("app")),
            ("abcd/+==", "/", &["JSESSIONID=abcd/+=="], Some("app")),
        ] {
            let question = read(text, near, &snapshot.balancers).unwrap();
            assert_eq!(
                (question.url.as_str(), question.cookies.as_slice()),
                (url, &cookies.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()[..]),
                "{text}"
            );
            assert_eq!(
                question.balancer.as_ref().map(evenkeel_protocol::BalancerName::as_str),
                asks,
                "{text}"
            );
        }
        assert_eq!(read("   ", near, &[]), Err("nothing was written to look at".to_owned()));
        assert_eq!(read("x.node1", None, &[]).unwrap().cookies, ["x.node1"]);
    }

    #[test]
    fn the_balancer_that_knows_the_session_is_asked() {
        let mut snapshot = sample::snapshot(0);
        snapshot.balancers.truncate(2);
        let (near, other) = (snapshot.balancers[0].clone(), &mut snapshot.balancers[1]);
        other.settings.stickysession = Some("SID".parse().unwrap());
        other.members[0].route = "n4".parse().unwrap();
        let other = other.name.clone();
        for (text, cookie, asks) in [
            ("v1.n4", "SID=v1.n4", &other),
            ("v1.node1", "JSESSIONID=v1.node1", &near.name),
            ("v1.gone", "JSESSIONID=v1.gone", &near.name),
            ("SID=v1.gone", "SID=v1.gone", &other),
            ("JSESSIONID=v1.n4", "JSESSIONID=v1.n4", &near.name),
            ("X=v1.n4", "X=v1.n4", &near.name),
        ] {
            let question = read(text, Some(&near), &snapshot.balancers).unwrap();
            assert_eq!(
                (question.cookies[0].as_str(), question.balancer.as_ref()),
                (cookie, Some(asks)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_session_in_a_url_is_shown_in_part() {
        for (url, shown) in [
            ("/app/x;jsessionid=0123456789.node1?y=longer/z", "/app/x;jsessionid=0123….node1?y=longer/z"),
            ("http://h/x;a=1;sid=ab.c/y?sid=01234567&b=2#d", "http://h/x;a=…;sid=a….c/y?sid=0123…&b=2#d"),
            ("/x?sid", "/x?sid"),
        ] {
            assert_eq!(shortened_url(url, &["sid"]), shown);
        }
    }

    #[test]
    fn elections_are_those_of_all_the_cookies_that_were_asked() {
        let mut lens = Lens::default();
        lens.ask("foo=1; SID=abc.b", None, &[]).unwrap();
        assert_eq!(lens.elections(None).unwrap().cookie.as_deref(), Some("foo=1; SID=abc.b"));
        let mut candidacy = sample::explanation().balancer.unwrap();
        candidacy.session.found = Some(SessionPlace::Url);
        lens.ask("/x;sid=abc.b SID=d.e", None, &[]).unwrap();
        assert_eq!(lens.elections(Some(&candidacy)).unwrap().cookie.as_deref(), Some("/x;sid=abc.b"));
        assert!(lens.ask("Host: h", None, &[]).is_err());
        assert_eq!((lens.asked.as_ref(), lens.text.value()), (None, "Host: h"));
    }

    #[test]
    fn a_cookie_is_shown_in_part() {
        for (cookie, shown) in [
            ("JSESSIONID=0123456789abcdef.node1", "JSESSIONID=0123….node1"),
            ("SID=x.a", "SID=….a"),
            ("SID=abcd.a", "SID=ab….a"),
            ("0123456789abcdef", "0123…"),
            ("SID=", "SID="),
        ] {
            assert_eq!(shortened(cookie), shown);
        }
    }
}
