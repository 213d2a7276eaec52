//! A member that is to come being written: its URL, and its parameters as on a `BalancerMember` line.

use evenkeel_protocol::word::words;
use evenkeel_protocol::{
    BalancerName, BalancerSnapshot, Factor, Hello, InvalidName, Lbset, MemberAddition, MemberName, Route,
};

use crate::cli::palette::PARAMETERS;
use crate::model::decision::Matter;
use crate::model::fields::{Fields, Kind};

/// The fields: the URL, the parameters that an operator sets, and all others in one line.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    std::iter::once("url").chain(PARAMETERS).chain([MORE])
}

/// The field with parameters that have none of their own.
const MORE: &str = "more";

/// The form.
#[derive(Debug, Clone, PartialEq)]
pub struct Joining {
    /// Where it is to come to.
    pub balancer: BalancerName,
    /// The fields.
    pub fields: Fields,
}

impl Joining {
    /// With nothing written; of an httpd with what it can be asked for.
    pub fn new(proxy: &Hello, balancer: &BalancerSnapshot) -> Self {
        let possible = |keyword: &&str| *keyword != MORE || !proxy.is_httpd();
        let values = keywords().filter(possible).map(|keyword| (keyword, String::new()));
        Self { balancer: balancer.name.clone(), fields: Fields::new(Kind::Newcomer, values) }
    }

    /// What was written, as something to ask; none if nothing was.
    ///
    /// Errors: the position of the first field that is wrong; without a URL that of the URL.
    pub fn matter(&self) -> Result<Option<Matter>, usize> {
        let changes = self.fields.changes()?;
        let mut addition = MemberAddition::default();
        for change in &changes {
            match change.field.as_str() {
                "url" => addition.url.clone_from(&change.after),
                MORE => addition.parameters.extend(words(&change.after)),
                keyword => addition.parameters.push(format!("{keyword}={}", change.after)),
            }
        }
        if addition.url.is_empty() && !changes.is_empty() {
            return Err(0);
        }
        let (balancer, addition) = (self.balancer.clone(), Box::new(addition));
        Ok((!changes.is_empty()).then_some(Matter::Addition { balancer, addition, undo: false, event: None }))
    }
}

/// Checks what is written in a field. What the proxy alone can judge it says in the question.
///
/// # Errors
///
/// What is wrong with it, as the rest of a sentence.
pub fn check(keyword: &str, value: &str) -> Result<(), String> {
    let named = |why: InvalidName| why.0;
    match keyword {
        "url" => MemberName::as_shown(value).map(drop).map_err(named),
        "loadfactor" if !value.is_empty() => value.parse::<Factor>().map(drop),
        "lbset" if !value.is_empty() => value.parse::<Lbset>().map(drop),
        "route" | "redirect" => value.parse::<Route>().map(drop).map_err(named),
        MORE => match words(value).into_iter().find(|word| !word.contains('=')) {
            Some(word) => Err(format!("has '{word}', which is no KEY=VALUE")),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn written(values: &[(&str, &str)]) -> Joining {
        let snapshot = sample::snapshot(0);
        let mut form = Joining::new(&snapshot.proxy, &snapshot.balancers[0]);
        for (keyword, text) in values {
            form.fields.write(keyword, text);
        }
        form
    }

    #[test]
    fn what_is_written_is_the_line_of_the_member() {
        assert_eq!(written(&[]).matter(), Ok(None));
        let form = written(&[
            ("url", " http://10.0.0.9:8080 "),
            ("route", "node9"),
            ("loadfactor", "2"),
            ("more", "hcmethod=GET  \"secret=a b\""),
        ]);
        let Ok(Some(Matter::Addition { balancer, addition, undo: false, event: None })) = form.matter()
        else {
            panic!("{form:?}")
        };
        assert_eq!((balancer.as_str(), addition.url.as_str()), ("app", "http://10.0.0.9:8080"));
        assert_eq!(addition.parameters, ["route=node9", "loadfactor=2", "hcmethod=GET", "secret=a b"]);
        assert_eq!(addition.revision, None);
    }

    #[test]
    fn what_is_wrong_is_said_where_it_is() {
        for (keyword, text, complaint, at) in [
            ("url", "node9", "is no URL", 0),
            ("route", "a;b", "contains ';'", 1),
            ("loadfactor", "0", "must be a number from 1 to 100", 2),
            ("lbset", "x", "must be a whole number from 0 to 99", 3),
            ("more", "retry=5 fast", "has 'fast', which is no KEY=VALUE", 6),
        ] {
            let form = written(&[("url", "http://10.0.0.9"), (keyword, text)]);
            assert_eq!(form.matter(), Err(at), "{keyword}");
            let said = form.fields.all()[at].complaint().unwrap();
            assert!(said.contains(complaint), "{said}");
        }
        assert_eq!(written(&[("route", "a")]).matter(), Err(0), "without a URL");
    }

    #[test]
    fn an_httpd_is_asked_for_what_its_page_takes() {
        let mut snapshot = sample::snapshot(0);
        snapshot.proxy.product = Hello::HTTPD.to_owned();
        let form = Joining::new(&snapshot.proxy, &snapshot.balancers[0]);
        assert!(form.fields.all().iter().all(|field| field.keyword != MORE));
    }
}
