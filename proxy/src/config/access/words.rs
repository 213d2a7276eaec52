//! Rules as they are written, and what is certain of them before anybody asks.

use std::fmt;

use super::{Rule, Verdict};

impl Rule {
    /// What it says of everybody, whoever it is; none: that depends.
    pub fn certain(&self) -> Option<Verdict> {
        match self {
            Self::All(true) => Some(Verdict::Granted),
            Self::All(false) => Some(Verdict::Denied),
            Self::Not(rule) => match rule.certain()? {
                Verdict::Granted => Some(Verdict::Denied),
                _ => Some(Verdict::Neutral),
            },
            Self::Any(rules) => Self::certain_of(rules, (Verdict::Granted, Verdict::Denied)),
            Self::Every(rules) => Self::certain_of(rules, (Verdict::Denied, Verdict::Granted)),
            _ => None,
        }
    }

    /// The first that certainly `decides` counts, whatever others say; else all must be certain.
    fn certain_of(rules: &[Self], (decides, weaker): (Verdict, Verdict)) -> Option<Verdict> {
        let verdicts: Vec<Option<Verdict>> = rules.iter().map(Self::certain).collect();
        if verdicts.contains(&Some(decides)) {
            return Some(decides);
        }
        let verdicts: Vec<Verdict> = verdicts.into_iter().collect::<Option<_>>()?;
        Some(if verdicts.contains(&weaker) { weaker } else { Verdict::Neutral })
    }

    /// What is asked of who comes: of a user, and of anything else.
    pub fn asks_of(&self) -> (bool, bool) {
        let parts = self.parts();
        let is_section = |part: &Self| matches!(part, Self::Not(_) | Self::Any(_) | Self::Every(_));
        let is_of_user = |part: &Self| matches!(part, Self::ValidUser | Self::User(_) | Self::Group(_));
        let other = |part: &&Self| !is_section(part) && !is_of_user(part);
        (parts.iter().any(|part| is_of_user(part)), parts.iter().any(other))
    }
}

/// `Require ip 10.0.0.0/8`, and sections as `any of (…, …)`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = |f: &mut fmt::Formatter<'_>, name: &str, rules: &[Self]| match rules {
            [rule] if name != "none" => rule.fmt(f),
            rules => {
                let rules: Vec<String> = rules.iter().map(Self::to_string).collect();
                write!(f, "{name} of ({})", rules.join(", "))
            }
        };
        match self {
            Self::Any(rules) => section(f, "any", rules),
            Self::Every(rules) => section(f, "all", rules),
            Self::Not(rule) => match &**rule {
                Self::Any(rules) => section(f, "none", rules),
                rule => write!(f, "Require not {}", rule.kind()),
            },
            rule => write!(f, "Require {}", rule.kind()),
        }
    }
}

impl Rule {
    /// What stands behind `Require`.
    fn kind(&self) -> String {
        let list = |kind: &str, words: &[String]| format!("{kind} {}", words.join(" "));
        match self {
            Self::All(true) => "all granted".to_owned(),
            Self::All(false) => "all denied".to_owned(),
            Self::Ip(networks) => list("ip", &networks.iter().map(ToString::to_string).collect::<Vec<_>>()),
            Self::Host(names) => list("host", names),
            Self::ForwardDns(names) => list("forward-dns", names),
            Self::Local => "local".to_owned(),
            Self::Method(names) => list("method", names),
            Self::ValidUser => "valid-user".to_owned(),
            Self::User(names) => list("user", names),
            Self::Group(names) => list("group", names),
            Self::Not(_) | Self::Any(_) | Self::Every(_) => self.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::config::Visitor;

    fn ip(text: &str) -> Rule {
        Rule::Ip(vec![text.parse().unwrap()])
    }

    #[test]
    fn rules_read_as_they_are_written() {
        let user = || Rule::User(vec!["anna".to_owned(), "bert".to_owned()]);
        for (rule, wanted) in [
            (Rule::Any(vec![ip("10.0.0.0/8")]), "Require ip 10.0.0.0/8"),
            (Rule::Any(vec![ip("10.1"), user()]), "any of (Require ip 10.1.0.0/16, Require user anna bert)"),
            (
                Rule::Every(vec![Rule::Not(Box::new(ip("::1"))), Rule::All(true)]),
                "all of (Require not ip ::1, Require all granted)",
            ),
            (Rule::Not(Box::new(Rule::Any(vec![Rule::Local]))), "none of (Require local)"),
        ] {
            assert_eq!(rule.to_string(), wanted);
        }
    }

    fn rules() -> impl Strategy<Value = Rule> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Rule::All),
            Just(Rule::ValidUser),
            Just(ip("10.0.0.0/8")),
            Just(Rule::Method(vec!["POST".to_owned()])),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..4);
            prop_oneof![
                inner.prop_map(|rule| Rule::Not(Box::new(rule))),
                list.clone().prop_map(Rule::Any),
                list.prop_map(Rule::Every),
            ]
        })
    }

    proptest! {
        /// What is certain is what everybody gets.
        #[test]
        fn nobody_gets_another_verdict_than_the_certain_one(
            rule in rules(), near in any::<bool>(), posts in any::<bool>(), known in any::<bool>(),
        ) {
            let visitor = Visitor {
                address: IpAddr::V4(if near { Ipv4Addr::new(10, 0, 0, 1) } else { Ipv4Addr::LOCALHOST }),
                local: None,
                name: None,
                forward: &[],
                method: if posts { b"POST" } else { b"GET" },
                user: known.then_some("anna"),
                groups: &[],
            };
            if let Some(certain) = rule.certain() {
                prop_assert_eq!(rule.judge(&visitor), certain);
            }
        }
    }
}
