//! What is told of a member that goes: its line as it would have to stand for the member to come back as it was, with
//! everything that was set of it since it came.

use evenkeel_protocol::{
    Change, Flag, HealthSnapshot, MemberAddition, MemberEdit, MemberName, MemberSnapshot, Status,
};

use super::LiveBalancer;
use crate::journal::Journal;
use crate::journal::roster::{Added, FIELD};

/// The one change that it is that a member goes.
pub(super) fn departure(journal: &Journal, live: &LiveBalancer, added: &Added) -> Change {
    let name = added.subject.member.as_ref().map_or("", |member| member.as_str());
    let before = MemberAddition::line(name, &parameters(journal, live, added));
    Change { field: FIELD.to_owned(), before, after: String::new() }
}

/// Its parameters, with what holds now in the place of what it came with.
fn parameters(journal: &Journal, live: &LiveBalancer, added: &Added) -> Vec<String> {
    let mut words = added.parameters.clone();
    let Some(member) = &added.subject.member else { return words };
    let Ok(came) = serde_json::from_value::<MemberEdit>(journal.configured(&added.subject)) else {
        return words;
    };
    // The edit back to its line changes exactly what differs from it.
    let differing = live.lock().preview_member(member, &came).map(|back| back.changes).unwrap_or_default();
    for Change { field, before: now, .. } in &differing {
        if MemberEdit::FLAGS.iter().any(|(_, flag)| flag == field) {
            continue;
        }
        let key = keyword(field);
        words.retain(|word| !is_of(word, key));
        // A text is empty without a word.
        if !now.is_empty() {
            words.push(format!("{key}={now}"));
        }
    }
    let empty = differing.iter().filter(|change| change.before.is_empty());
    let empty: Vec<&str> = empty.map(|change| change.field.as_str()).collect();
    let mut words = without_template(words, live, (member, &empty));
    let has_flags = |change: &Change| MemberEdit::FLAGS.iter().any(|(_, flag)| *flag == change.field);
    if differing.iter().any(has_flags)
        && let Some(MemberSnapshot { status, .. }) = live.snapshot().member(member)
    {
        words.retain(|word| !is_of(word, STATUS));
        words.push(format!("{STATUS}={}", letters(*status)));
    }
    words
}

/// The parameters of a member of which these fields are empty now. What a template sets no word of its line can clear, so
/// all that is checked stands in the place of the template.
pub(super) fn without_template(
    mut words: Vec<String>,
    live: &LiveBalancer,
    (member, empty): (&MemberName, &[&str]),
) -> Vec<String> {
    let is_hidden = empty.iter().any(|field| ["hcuri", "hcexpr"].contains(field));
    if !is_hidden || !words.iter().any(|word| is_of(word, TEMPLATE)) {
        return words;
    }
    let snapshot = live.snapshot();
    let Some(seen) = snapshot.member(member) else { return words };
    words.retain(|word| !is_of(word, TEMPLATE) && !CHECK.iter().any(|key| is_of(word, key)));
    words.extend(check(&seen.health));
    words
}

const TEMPLATE: &str = "hctemplate";
/// What a template sets.
const CHECK: [&str; 7] = ["hcmethod", "hcinterval", "hcpasses", "hcfails", "hcuri", "hcexpr", "hctimeout"];

/// How a member is checked, as the words of its line.
fn check(health: &HealthSnapshot) -> impl Iterator<Item = String> {
    let timeout = health.timeout.map(|timeout| format!("{timeout}ms")).unwrap_or_default();
    let values = [
        health.method.to_string(),
        health.interval.to_string(),
        health.passes.to_string(),
        health.fails.to_string(),
        health.uri.to_string(),
        health.expression.to_string(),
        timeout,
    ];
    let words = CHECK.into_iter().zip(values).filter(|(_, value)| !value.is_empty());
    words.map(|(key, value)| format!("{key}={value}"))
}

const STATUS: &str = "status";

/// Apache's keyword for a field of an edit.
fn keyword(field: &str) -> &str {
    if field == "lbfactor" { "loadfactor" } else { field }
}

fn is_of(word: &str, key: &str) -> bool {
    word.split_once('=').is_some_and(|(known, _)| known.eq_ignore_ascii_case(key))
}

/// The flags that an operator has set, for a member that starts disabled unless its line says otherwise.
fn letters(status: Status) -> String {
    let kept = |field: &str| field != MemberEdit::TRANSIENT;
    let set = MemberEdit::FLAGS.into_iter().filter(|(flag, field)| kept(field) && status.has(*flag));
    let mut letters: String = set.map(|(flag, _)| flag.letter()).collect();
    if !letters.is_empty() {
        letters.insert(0, '+');
    }
    if !status.has(Flag::Disabled) {
        letters.push_str("-D");
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_written_as_a_line_has_them() {
        for (flags, written) in [
            (&[][..], "-D"),
            (&[Flag::Disabled], "+D"),
            (&[Flag::Drain], "+N-D"),
            (&[Flag::Standby, Flag::IgnoreErrors, Flag::Disabled], "+IDH"),
            (&[Flag::HealthFail, Flag::Error], "-D"),
        ] {
            let status = flags.iter().fold(Status::INITIALISED, |status, flag| status.with(*flag, true));
            assert_eq!(letters(status), written);
        }
    }
}
