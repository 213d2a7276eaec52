//! Members that come and go at run time: what is asked for. The answer is that of an edit of the balancer, whose one
//! change is of the field `member`: from nothing to its line, or back. A line has its words as a configuration has them,
//! `http://b route=b "secret=a b"`, so that it can be pasted there.

use serde::{Deserialize, Serialize};

use crate::edit::Reason;
use crate::word::{quoted, words};

/// A member that is to be added to a balancer, behind all others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberAddition {
    /// Its URL, as on a `BalancerMember` line.
    pub url: String,
    /// Its parameters, as on that line: `route=a`. Without a `status` it starts disabled, as in httpd.
    #[serde(default)]
    pub parameters: Vec<String>,
    /// Only if the balancer's revision is still this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Why, for the log of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// How a member that was added at run time is to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemberRemoval {
    /// Only if the balancer's revision is still this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Also while requests are with it, while sessions of it live, and where it is the last that serves?
    pub force: bool,
    /// Why, for the log of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

impl MemberRemoval {
    /// The field of the one change that a removal is, and an addition.
    pub const FIELD: &str = "member";
}

impl MemberAddition {
    /// The most parameters.
    pub const MOST: usize = 64;

    /// The line of a member with that URL and those parameters.
    pub fn line(url: &str, parameters: &[String]) -> String {
        std::iter::once(url)
            .chain(parameters.iter().map(String::as_str))
            .map(quoted)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Whom such a line is of.
    pub fn of_line(line: &str) -> Self {
        let mut words = words(line).into_iter();
        Self { url: words.next().unwrap_or_default(), parameters: words.collect(), ..Self::default() }
    }

    /// The parameters of a member that comes back: it may have been drained, and stopped, before it went, so it is let in
    /// as every newcomer is, by hand.
    #[must_use]
    pub fn disabled(mut parameters: Vec<String>) -> Vec<String> {
        const DISABLED: &str = "status=+D";
        let says = |word: &String| word.get(..7).is_some_and(|key| key.eq_ignore_ascii_case("status="));
        // The last one counts.
        if parameters.iter().rfind(|word| says(word)).is_some_and(|word| word != DISABLED) {
            parameters.push(DISABLED.to_owned());
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for (parameters, line) in [
            (&[][..], "http://b"),
            (&["route=b", "hcuri=/h?a=b"], "http://b route=b hcuri=/h?a=b"),
            (&["secret=a b", ""], "http://b \"secret=a b\" \"\""),
            (&[r#"secret="\"#], r#"http://b "secret=\"\\""#),
        ] {
            let parameters: Vec<String> = parameters.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(MemberAddition::line("http://b", &parameters), line);
            let read = MemberAddition::of_line(line);
            assert_eq!((read.url.as_str(), read.parameters), ("http://b", parameters));
        }
        assert_eq!(MemberAddition::of_line(""), MemberAddition::default());
    }
}
