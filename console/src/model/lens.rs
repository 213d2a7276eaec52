//! The sticky lens: what an operator typed or pasted, read as a question to the proxy. A cookie's value is a secret of
//! somebody: it is sent, and shown only in part.

use evenkeel_protocol::{BalancerName, BalancerSnapshot, ElectionFilter, Question};

use crate::model::form::Text;

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
    /// Asks what `text` says; false if it says nothing.
    pub fn ask(&mut self, text: &str, near: Option<&BalancerSnapshot>) -> bool {
        let Some(question) = read(text, near) else { return false };
        self.put(question, text);
        true
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
            cookie: asked.cookies.first().cloned(),
            most: Some(50),
            ..ElectionFilter::default()
        })
    }
}

/// What a text asks: words that begin with `/` or hold `://` are the URL, all others cookies. A word that is no cookie
/// is taken for the value of the session cookie of the balancer nearby, and without a URL that balancer is asked.
pub fn read(text: &str, near: Option<&BalancerSnapshot>) -> Option<Question> {
    let text = text.trim();
    let text = text.strip_prefix("Cookie:").or_else(|| text.strip_prefix("cookie:")).unwrap_or(text);
    let mut question = Question::default();
    for word in text.split_whitespace() {
        if word.starts_with('/') || word.contains("://") {
            question.url = word.chars().take(Question::LONGEST_URL / 4).collect();
        } else if question.cookies.len() < Question::MOST_COOKIES {
            let word = word.trim_end_matches(';');
            let sticky = near.and_then(|near| near.settings.stickysession.as_ref());
            let is_pair = word.split_once('=').is_some_and(|(name, _)| is_name(name));
            question.cookies.push(match sticky {
                Some(sticky) if !is_pair => format!("{}={word}", sticky.cookie),
                _ => word.to_owned(),
            });
        }
    }
    if question.url.is_empty() {
        if question.cookies.is_empty() {
            return None;
        }
        "/".clone_into(&mut question.url);
        question.balancer = near.map(|near| near.name.clone());
    }
    Some(question)
}

/// Could that be the name of a cookie? What stands before the padding of a value in base64 is too long for one.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 40
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
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
        assert_eq!(read("   ", near), None);
        assert_eq!(read("x.node1", None).unwrap().cookies, ["x.node1"]);
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
