//! The filter's little language: words that must stand somewhere, `FIELD OPERATOR VALUE`, and `!` in front of what
//! must not be. All of it must hold.
//!
//! `node err` · `!drn` · `state:drn busy>10 route~a set=1 balancer:app`

use evenkeel_protocol::{BalancerSnapshot, MemberSnapshot};

use crate::model::health::Health;
use crate::model::history::Rate;

/// The longest filter, in characters.
pub const LONGEST: usize = 80;

/// Something that can be asked for, and the words for it; the first one is told to people.
const FIELDS: [(Field, &[&str]); 12] = [
    (Field::State, &["state", "status"]),
    (Field::Member, &["member", "url"]),
    (Field::Route, &["route"]),
    (Field::Redirect, &["redirect"]),
    (Field::Balancer, &["balancer"]),
    (Field::Busy, &["busy"]),
    (Field::Rate, &["rate"]),
    (Field::Elected, &["elected"]),
    (Field::Failed, &["failed"]),
    (Field::Factor, &["factor", "lbfactor"]),
    (Field::Set, &["set", "lbset"]),
    (Field::Load, &["load"]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    State,
    Member,
    Route,
    Redirect,
    Balancer,
    Busy,
    Rate,
    Elected,
    Failed,
    Factor,
    Set,
    Load,
}

impl Field {
    fn is_number(self) -> bool {
        matches!(
            self,
            Self::Busy | Self::Rate | Self::Elected | Self::Failed | Self::Factor | Self::Set | Self::Load
        )
    }
}

/// How a field is compared. The longer ones stand before those that they start with.
const OPERATORS: [(&str, Operator); 7] = [
    ("!=", Operator::Other),
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    (">", Operator::Above),
    ("<", Operator::Below),
    ("=", Operator::Same),
    ("~", Operator::Contains),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// `:` as is usual for the field: the same number, or a part of the text.
    Usual,
    Same,
    Other,
    Contains,
    Above,
    Below,
    AtLeast,
    AtMost,
}

#[derive(Debug, Clone, PartialEq)]
enum Wanted {
    /// Somewhere in name, route or status.
    Word(String),
    Text(Field, Operator, String),
    /// In thousandths, as rates are.
    Number(Field, Operator, i128),
}

#[derive(Debug, Clone, PartialEq)]
struct Term {
    wanted: Wanted,
    not: bool,
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    text: String,
    terms: Vec<Term>,
    complaint: Option<String>,
}

impl Query {
    /// Reads a filter that is being written: what is half written counts for nothing yet. What is wrong with it is kept
    /// as [`Query::complaint`], and lets nobody through: who mistypes must not act on everybody.
    pub fn parse(text: &str) -> Self {
        Self::read(text, false)
    }

    /// Reads a filter that is written; what is half written is wrong.
    pub fn whole(text: &str) -> Self {
        Self::read(text, true)
    }

    fn read(text: &str, whole: bool) -> Self {
        let text: String = text.chars().take(LONGEST).collect();
        let mut query = Self::default();
        for word in text.split_whitespace() {
            let (not, rest) = match word.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, word),
            };
            match wanted(rest) {
                Ok(Some(wanted)) => query.terms.push(Term { wanted, not }),
                Ok(None) if whole => {
                    query.complaint = query.complaint.or(Some(format!("'{word}' asks for nothing")));
                }
                Ok(None) => {}
                Err(why) => query.complaint = query.complaint.or(Some(why)),
            }
        }
        query.text = text;
        query
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Does it let everybody through?
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// What is wrong with it, in a sentence.
    pub fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    /// Does it let this member through?
    pub fn passes(&self, balancer: &BalancerSnapshot, member: &MemberSnapshot, rate: Option<Rate>) -> bool {
        self.complaint.is_none()
            && self.terms.iter().all(|term| term.holds(balancer, member, rate) != term.not)
    }
}

fn wanted(word: &str) -> Result<Option<Wanted>, String> {
    let plain = || Ok((!word.is_empty()).then(|| Wanted::Word(word.to_ascii_lowercase())));
    let operators = OPERATORS.into_iter().chain([(":", Operator::Usual)]);
    let found = operators
        .filter_map(|(sign, operator)| Some((word.find(sign)?, sign, operator)))
        .min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len())));
    let Some((at, sign, operator)) = found else { return plain() };
    let (name, value) = (word.get(..at).unwrap_or_default(), word.get(at + sign.len()..).unwrap_or_default());
    let known = FIELDS.iter().find(|(_, names)| names.iter().any(|known| known.eq_ignore_ascii_case(name)));
    let Some((field, names)) = known else {
        // A URL and a host with its port have a colon too.
        if operator == Operator::Usual {
            return plain();
        }
        let all: Vec<&str> = FIELDS.iter().filter_map(|(_, names)| names.first().copied()).collect();
        return Err(format!("there is no field '{name}'; there are {}", all.join(", ")));
    };
    let name = names.first().copied().unwrap_or_default();
    if value.is_empty() {
        // `route=` asks for members without a route.
        let text = !field.is_number() && matches!(operator, Operator::Same | Operator::Other);
        return Ok(text.then(|| Wanted::Text(*field, operator, String::new())));
    }
    if field.is_number() {
        if operator == Operator::Contains {
            return Err(format!("{name} is a number: compare it with = != < > <= >="));
        }
        let number = number(value).ok_or_else(|| format!("{name}: '{value}' is no number"))?;
        return Ok(Some(Wanted::Number(*field, operator, number)));
    }
    match operator {
        Operator::Above | Operator::Below | Operator::AtLeast | Operator::AtMost => {
            Err(format!("{name} is a text: compare it with : = != ~"))
        }
        _ => Ok(Some(Wanted::Text(*field, operator, value.to_ascii_lowercase()))),
    }
}

/// A number with at most three decimals, in thousandths.
fn number(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 20 || rest.len() > 3 || !is_digits(whole) || !is_digits(rest) {
        return None;
    }
    let thousandths: i128 = format!("{rest:0<3}").parse().ok()?;
    Some(sign * (whole.parse::<i128>().ok()? * 1000 + thousandths))
}

impl Term {
    fn holds(&self, balancer: &BalancerSnapshot, member: &MemberSnapshot, rate: Option<Rate>) -> bool {
        match &self.wanted {
            Wanted::Word(word) => {
                let texts =
                    [balancer.name.as_str(), member.name.as_str(), member.route.as_str(), &member.words];
                texts.iter().any(|text| contains(text, word))
            }
            Wanted::Text(Field::State, operator, state) => {
                (is_in_state(member, state)) != (*operator == Operator::Other)
            }
            Wanted::Text(field, operator, text) => {
                let value = match field {
                    Field::Route => member.route.as_str(),
                    Field::Redirect => member.redirect.as_str(),
                    Field::Balancer => balancer.name.as_str(),
                    _ => member.name.as_str(),
                };
                match operator {
                    Operator::Same => value.eq_ignore_ascii_case(text),
                    Operator::Other => !value.eq_ignore_ascii_case(text),
                    // A balancer's name is asked for whole: `app` must not mean `app2` as well.
                    Operator::Usual if *field == Field::Balancer => value.eq_ignore_ascii_case(text),
                    _ => contains(value, text),
                }
            }
            Wanted::Number(field, operator, wanted) => {
                number_of(*field, member, rate).is_some_and(|value| match operator {
                    Operator::Above => value > *wanted,
                    Operator::Below => value < *wanted,
                    Operator::AtLeast => value >= *wanted,
                    Operator::AtMost => value <= *wanted,
                    Operator::Other => value != *wanted,
                    Operator::Usual | Operator::Same | Operator::Contains => value == *wanted,
                })
            }
        }
    }
}

/// The value of a field in thousandths; none if it is not known.
fn number_of(field: Field, member: &MemberSnapshot, rate: Option<Rate>) -> Option<i128> {
    let whole = |number: u64| i128::from(number) * 1000;
    Some(match field {
        Field::Busy => whole(member.in_flight()?),
        Field::Rate => i128::from(rate?.0),
        Field::Elected => whole(member.elected),
        Field::Failed => whole(member.failed),
        Field::Factor => i128::from(member.lbfactor.hundredths()) * 10,
        Field::Set => i128::from(member.lbset.get()) * 1000,
        _ => i128::from(member.lbstatus) * 1000,
    })
}

/// One letter is a status letter; more are the start of a status word, or the word of its class.
fn is_in_state(member: &MemberSnapshot, state: &str) -> bool {
    let class = Health::of(member.status).word();
    if state.chars().count() == 1 {
        return member.status.flags().any(|flag| state.starts_with(flag.letter().to_ascii_lowercase()));
    }
    let starts = |word: &str| word.get(..state.len()).is_some_and(|start| start.eq_ignore_ascii_case(state));
    class.eq_ignore_ascii_case(state)
        || member.words.split_whitespace().any(|word| word != "Ok" && starts(word))
}

/// Does `text` contain `small`, which is in small letters already? No text is copied for the question.
fn contains(text: &str, small: &str) -> bool {
    let (text, small) = (text.as_bytes(), small.as_bytes());
    small.is_empty() || text.windows(small.len()).any(|window| window.eq_ignore_ascii_case(small))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn count(filter: &str) -> usize {
        let query = Query::parse(filter);
        assert_eq!(query.complaint(), None, "{filter}");
        let snapshot = sample::snapshot(0);
        let members = snapshot.balancers.iter().flat_map(|b| b.members.iter().map(move |m| (b, m)));
        members.filter(|(b, m)| query.passes(b, m, Some(Rate(m.busy * 1500)))).count()
    }

    #[test]
    fn words_fields_and_their_inverse_select() {
        for (filter, wanted) in [
            ("", 6),
            ("node", 3),
            ("NODE2", 1),
            ("err", 1),
            ("!err", 5),
            ("static", 3),
            ("static stby", 1),
            ("app1.example.com:8080", 1),
            ("http://10.0.2.11", 1),
            ("nothing like this", 0),
            ("state:drn", 1),
            ("state:n", 1),
            ("state=ok", 3),
            ("status:Err", 1),
            ("!state:ok", 3),
            ("state!=ok", 3),
            ("busy>0", 2),
            ("busy>=3", 1),
            ("busy<1", 4),
            ("busy:1", 1),
            ("rate>1.4", 2),
            ("route~node", 3),
            ("route=node1", 1),
            ("route=", 3),
            ("balancer:app busy>0 !drn", 1),
            ("balancer:ap", 0),
            ("set=0", 6),
            ("set=1", 0),
            ("factor=1", 6),
            ("load<0", 1),
            ("failed>6", 1),
            ("busy>", 6),
            ("!", 6),
        ] {
            assert_eq!(count(filter), wanted, "{filter:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (filter, says) in [
            ("busy>x", "busy: 'x' is no number"),
            ("busy~1", "busy is a number: compare it with"),
            ("route>a", "route is a text: compare it with"),
            ("colour=red", "there is no field 'colour'; there are state, member"),
            ("node factor=1.2345", "factor: '1.2345' is no number"),
        ] {
            let query = Query::parse(filter);
            assert!(query.complaint().is_some_and(|why| why.contains(says)), "{filter}: {query:?}");
            assert_eq!(query.text(), filter);
            let snapshot = sample::snapshot(0);
            let mut members = snapshot.balancers[0].members.iter();
            assert!(!members.any(|member| query.passes(&snapshot.balancers[0], member, None)), "{filter}");
        }
        for (filter, wrong) in
            [("busy>", true), ("!", true), ("route=", false), ("", false), ("node !err", false)]
        {
            assert_eq!(Query::whole(filter).complaint().is_some(), wrong, "{filter:?}");
        }
        assert_eq!(Query::parse(&"x".repeat(10_000)).text().len(), LONGEST);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_filter(text in "\\PC{0,100}") {
            let query = Query::parse(&text);
            let snapshot = sample::snapshot(0);
            query.passes(&snapshot.balancers[0], &snapshot.balancers[0].members[0], None);
            proptest::prop_assert!(query.text().chars().count() <= LONGEST);
        }
    }
}
