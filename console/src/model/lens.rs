//! The sticky lens: what an operator typed or pasted, read as a question to the proxy. A cookie's value is a secret of
//! somebody: it is sent, and shown only in part.

use evenkeel_protocol::{BalancerName, BalancerSnapshot, ElectionFilter, Question};

use crate::model::form::Text;
use crate::pasted;

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
    /// Asks what `text` says.
    ///
    /// Errors: why it asks nothing; what was asked before is gone, so that nobody takes its answer for this one's.
    pub fn ask(&mut self, text: &str, near: Option<&BalancerSnapshot>) -> Result<(), String> {
        match read(text, near) {
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
    pub fn elections(&self, balancer: Option<&BalancerName>) -> Option<ElectionFilter> {
        let asked = self.asked.as_ref()?;
        Some(ElectionFilter {
            balancer: balancer.or(asked.balancer.as_ref()).cloned(),
            cookie: (!asked.cookies.is_empty()).then(|| asked.cookies.join("; ")),
            most: Some(50),
            ..ElectionFilter::default()
        })
    }
}

/// What a text asks. A value alone is taken for that of the session cookie of the balancer nearby, and without a URL that
/// balancer is asked.
fn read(text: &str, near: Option<&BalancerSnapshot>) -> Result<Question, String> {
    let pasted = pasted::read(text)?;
    let url = pasted.url.clone();
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

/// A cookie with its value shortened: its start, and its route, by which a session is recognised.
pub fn shortened(cookie: &str) -> String {
    let (name, value) = cookie.split_once('=').unwrap_or(("", cookie));
    let (id, route) =
        value.split_once('.').map_or((value, String::new()), |(id, route)| (id, format!(".{route}")));
    let start: String = id.chars().take(4).collect();
    let id = if id.chars().count() > 6 { format!("{start}…") } else { id.to_owned() };
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
            let question = read(text, near).unwrap();
            assert_eq!(
                (question.url.as_str(), question.cookies.as_slice()),
                (url, &cookies.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()[..]),
                "{text}"
            );
            assert_eq!(question.balancer.as_ref().map(BalancerName::as_str), asks, "{text}");
        }
        assert_eq!(read("   ", near), Err("nothing was written to look at".to_owned()));
        assert_eq!(read("x.node1", None).unwrap().cookies, ["x.node1"]);
    }

    #[test]
    fn elections_are_those_of_all_the_cookies_that_were_asked() {
        let mut lens = Lens::default();
        lens.ask("foo=1; SID=abc.b", None).unwrap();
        assert_eq!(lens.elections(None).unwrap().cookie.as_deref(), Some("foo=1; SID=abc.b"));
        assert!(lens.ask("Host: h", None).is_err());
        assert_eq!((lens.asked.as_ref(), lens.text.value()), (None, "Host: h"));
    }

    #[test]
    fn a_cookie_is_shown_in_part() {
        for (cookie, shown) in [
            ("JSESSIONID=0123456789abcdef.node1", "JSESSIONID=0123….node1"),
            ("SID=x.a", "SID=x.a"),
            ("0123456789abcdef", "0123…"),
            ("SID=", "SID="),
        ] {
            assert_eq!(shortened(cookie), shown);
        }
    }
}
