//! What is told of a member that goes: its line as it would have to stand for the member to come back as it was, with
//! everything that was set of it since it came.

use evenkeel_protocol::{Change, Flag, MemberEdit, MemberSnapshot, Status};

use super::LiveBalancer;
use crate::journal::Journal;
use crate::journal::roster::{Added, FIELD, line};

/// The one change that it is that a member goes.
pub(super) fn departure(journal: &Journal, live: &LiveBalancer, added: &Added) -> Change {
    let name = added.subject.member.as_ref().map_or("", |member| member.as_str());
    let before = line(name, &parameters(journal, live, added));
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
        // A path that was cleared may come from a template otherwise; the other texts are empty without a word.
        if !now.is_empty() || key == "hcuri" {
            words.push(format!("{key}={now}"));
        }
    }
    let has_flags = |change: &Change| MemberEdit::FLAGS.iter().any(|(_, flag)| *flag == change.field);
    if differing.iter().any(has_flags)
        && let Some(MemberSnapshot { status, .. }) = live.snapshot().member(member)
    {
        words.retain(|word| !is_of(word, STATUS));
        words.push(format!("{STATUS}={}", letters(*status)));
    }
    words
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
