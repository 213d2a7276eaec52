//! The parameters of balancers and members: one row each, with keyword, range and meaning.
//!
//! Rows stand in `parameter/balancer.rs` and `parameter/member.rs`; reading of values in `parameter/value.rs`.

pub(super) mod balancer;
pub(super) mod member;
pub(super) mod value;

use crate::config::lexer::Word;
use crate::config::nearest::did_you_mean;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::{Remarks, shown};

/// One parameter of a `T`.
pub(super) struct Parameter<T: 'static> {
    /// Its keyword, in small letters.
    pub(super) key: &'static str,
    /// What its value may be.
    pub(super) range: &'static str,
    /// What it means, in one sentence.
    pub(super) about: &'static str,
    /// Sets it.
    pub(super) set: fn(&mut T, &str, &mut Remarks) -> Result<(), Complaint>,
}

/// Words that other proxies use for a parameter, and httpd's word for it.
const OTHER_WORDS: [(&str, &str); 10] = [
    ("weight", "loadfactor"),
    ("lbfactor", "loadfactor"),
    ("factor", "loadfactor"),
    ("backup", "status=+H"),
    ("down", "status=+D"),
    ("sticky", "stickysession"),
    ("cookie", "stickysession"),
    ("method", "lbmethod"),
    ("fail_timeout", "retry"),
    ("max_conns", "max"),
];

/// Splits `key=value`; none for a word that is no parameter, such as a URL.
pub(super) fn split(word: &Word) -> Option<(&str, &str)> {
    let (key, value) = word.text.split_once('=')?;
    let named = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    named.then_some((key, value))
}

/// The parameters of one kind of thing.
struct Kind<T: 'static> {
    rows: &'static [Parameter<T>],
    /// Where a keyword belongs that is none of these.
    elsewhere: fn(&str) -> Option<String>,
}

const BALANCER: Kind<balancer::Settings> = Kind {
    rows: balancer::ROWS,
    elsewhere: |key| {
        let row = member::ROWS.iter().find(|row| row.key.eq_ignore_ascii_case(key))?;
        Some(format!("{} belongs on a BalancerMember line", row.key))
    },
};

const MEMBER: Kind<member::Draft> = Kind {
    rows: member::ROWS,
    elsewhere: |key| {
        let row = balancer::ROWS.iter().find(|row| row.key.eq_ignore_ascii_case(key))?;
        Some(format!("{} belongs to the balancer: write it after ProxySet", row.key))
    },
};

/// Applies `key=value` to a balancer.
pub(super) fn apply_to_balancer(target: &mut balancer::Settings, word: &Word, notes: &mut Notes) {
    apply(&BALANCER, target, word, notes);
}

/// Applies `key=value` to a member.
pub(super) fn apply_to_member(target: &mut member::Draft, word: &Word, notes: &mut Notes) {
    apply(&MEMBER, target, word, notes);
}

fn apply<T>(kind: &Kind<T>, target: &mut T, word: &Word, notes: &mut Notes) {
    if notes.full() {
        return;
    }
    let Some((key, value)) = split(word) else {
        let what = format!("'{}' is no parameter", shown(&word.text));
        return notes.error(word.spot, Complaint::new(what, "write key=value, without blanks around ="));
    };
    let Some(row) = kind.rows.iter().find(|row| row.key.eq_ignore_ascii_case(key)) else {
        return notes.error(word.spot, unknown(kind, key));
    };
    let mut remarks = Remarks::default();
    let outcome = (row.set)(target, value, &mut remarks);
    let named = |complaint: Complaint| Complaint {
        what: format!("{}={} {}", row.key, shown(value), complaint.what).into(),
        remedy: complaint.remedy,
    };
    match outcome {
        Ok(()) => {
            for trap in remarks.traps {
                notes.trap(word.spot, named(trap));
            }
            for warning in remarks.warnings {
                notes.warn(word.spot, named(warning));
            }
        }
        Err(mut complaint) => {
            if value.contains('"') {
                complaint.remedy = format!("put the quotes around the whole word: \"{}=…\"", row.key).into();
            }
            notes.error(word.spot, named(complaint));
        }
    }
}

/// What to say about a keyword that a kind does not have.
fn unknown<T>(kind: &Kind<T>, key: &str) -> Complaint {
    let what = format!("'{}' is no parameter that is known here", shown(key));
    if let Some((_, word)) = OTHER_WORDS.iter().find(|(other, _)| other.eq_ignore_ascii_case(key)) {
        return Complaint::new(what, format!("did you mean {word}?"));
    }
    if let Some(hint) = (kind.elsewhere)(key) {
        return Complaint::new(what, hint);
    }
    let known: Vec<_> = kind.rows.iter().map(|row| row.key).collect();
    let otherwise = format!("known are {}", known.join(", "));
    Complaint::new(what, did_you_mean(key, known.into_iter(), &otherwise))
}

/// All parameters as (kind, keyword, range, meaning), for the help.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str, &'static str)> {
    let balancers = balancer::ROWS.iter().map(|row| ("balancer", row.key, row.range, row.about));
    let members = member::ROWS.iter().map(|row| ("member", row.key, row.range, row.about));
    balancers.chain(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_complete() {
        for keys in [
            balancer::ROWS.iter().map(|row| row.key).collect::<Vec<_>>(),
            member::ROWS.iter().map(|row| row.key).collect(),
        ] {
            assert!(keys.is_sorted(), "{keys:?}");
            assert!(keys.iter().all(|key| *key == key.to_ascii_lowercase()));
        }
        assert!(
            all().all(|(_, key, range, about)| !key.is_empty() && !range.is_empty() && about.ends_with('.'))
        );
    }
}
