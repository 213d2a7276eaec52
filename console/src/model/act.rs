//! What an operator asks of one member, in the words of questions and answers, and as the edit that is sent.

use evenkeel_protocol::{Change, Edited, Flag, MemberEdit, MemberSnapshot};

use crate::model::drains::Drainage;
use crate::model::lasting;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Turn a flag on or off.
    Flag(Flag, Turn),
    /// Clear D, N and S at once.
    Enable,
    /// Give settings new values.
    Settings {
        /// The values.
        edit: Box<MemberEdit>,
        /// The same as texts, for people.
        changes: Vec<Change>,
    },
    /// Take a change of one's own back.
    Undo {
        /// The event of that change; none: the proxy numbers none, so the values are set one by one.
        event: Option<u64>,
        /// The values from before.
        edit: Box<MemberEdit>,
        /// The same as texts, for people.
        changes: Vec<Change>,
    },
    /// Ask something of its drain.
    Drain(Drainage),
    /// Let it go.
    Remove {
        /// Only while the balancer still has this revision; none: whatever it has.
        revision: Option<u64>,
        /// Does it take an addition of one's own back?
        undo: bool,
        /// The event of that addition; none: it takes none back, or the proxy numbers none.
        event: Option<u64>,
    },
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// On.
    On,
    /// Off.
    Off,
}

/// The flags that [`Act::Enable`] clears.
pub const ENABLE_CLEARS: [Flag; 3] = [Flag::Drain, Flag::Disabled, Flag::Stopped];

impl Act {
    /// Turn `flag` of `member` to what it is not.
    pub fn toggle(flag: Flag, member: &MemberSnapshot) -> Self {
        Self::Flag(flag, if member.status.has(flag) { Turn::Off } else { Turn::On })
    }

    /// The edit that does it, if the member still has `revision`; of a removal, the one that is nearest to it.
    pub fn edit(&self, revision: u64) -> MemberEdit {
        let edit = match self {
            Self::Flag(flag, turn) => MemberEdit::default().with_flag(*flag, *turn == Turn::On),
            Self::Enable => ENABLE_CLEARS
                .into_iter()
                .fold(MemberEdit::default(), |edit, flag| edit.with_flag(flag, false)),
            Self::Settings { edit, .. } | Self::Undo { edit, .. } => (**edit).clone(),
            Self::Drain(drainage) => drainage.edit(),
            // To who stays it is as if this one was stopped.
            Self::Remove { .. } => MemberEdit::default().with_flag(Flag::Stopped, true),
        };
        MemberEdit { revision: Some(revision), ..edit }
    }

    /// Is there an edit in it that can be foreseen? Not in what only asks something of a drain that runs.
    pub fn is_edit(&self) -> bool {
        MemberEdit { revision: None, ..self.edit(0) } != MemberEdit::default()
    }

    /// As the start of a question: `Drain` in `Drain app/node1?`.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Flag(flag, turn) => flag_words(*flag, *turn).0,
            Self::Enable => "Enable",
            Self::Settings { .. } => "Change",
            Self::Undo { .. } => "Undo the change of",
            Self::Drain(drainage) => drainage.verb(),
            Self::Remove { undo: false, .. } => "Remove",
            Self::Remove { .. } => "Undo the addition of",
        }
    }

    /// The changed settings as texts, if it is about settings.
    pub fn changes(&self) -> &[Change] {
        match self {
            Self::Settings { changes, .. } | Self::Undo { changes, .. } => changes,
            Self::Flag(..) | Self::Enable | Self::Drain(_) | Self::Remove { .. } => &[],
        }
    }

    /// The change that it takes back by its number, which means something in one proxy only; none: it takes none back so.
    pub fn event(&self) -> Option<u64> {
        match self {
            Self::Undo { event, .. } | Self::Remove { event, .. } => *event,
            Self::Flag(..) | Self::Enable | Self::Settings { .. } | Self::Drain(_) => None,
        }
    }

    /// The settings that hold once it is done, by name and value, as answers write them.
    pub fn wanted(&self) -> Vec<(String, String)> {
        let edit = self.edit(0);
        let switch = |on: bool| if on { "On" } else { "Off" }.to_owned();
        let flags = MemberEdit::FLAGS.into_iter();
        let flags = flags.filter_map(|(flag, field)| Some((field.to_owned(), switch(edit.flag(flag)?))));
        let others = self.changes().iter().map(|change| (change.field.clone(), change.after.clone()));
        match self {
            Self::Remove { .. } => Vec::new(),
            Self::Settings { .. } | Self::Undo { .. } => others.collect(),
            Self::Flag(..) | Self::Enable | Self::Drain(_) => flags.collect(),
        }
    }

    /// Does it take a change of one's own back?
    pub fn is_undo(&self) -> bool {
        matches!(self, Self::Undo { .. } | Self::Remove { undo: true, .. })
    }

    /// Does it only let more requests come to a member, or change nothing about that? Nothing stands in the way of it.
    pub fn is_relief(&self) -> bool {
        matches!(
            self,
            Self::Enable
                | Self::Drain(Drainage::Extend(..) | Drainage::Cancel(_) | Drainage::Restore(_))
                | Self::Flag(Flag::Drain | Flag::Disabled | Flag::Stopped | Flag::HealthFail, Turn::Off)
        )
    }

    /// The line for the operator when the proxy has accepted it.
    pub fn done(&self, label: &str, edited: &Edited) -> String {
        let mut line = if edited.changed {
            let what = match self {
                Self::Flag(flag, turn) => format!(" {}", flag_words(*flag, *turn).1),
                Self::Enable => format!(" is enabled ({})", told(&edited.changes)),
                Self::Settings { .. } | Self::Drain(_) => format!(": {}", told(&edited.changes)),
                Self::Undo { .. } => format!(" is as before: {}", told(&edited.changes)),
                Self::Remove { .. } => " is removed".to_owned(),
            };
            format!("{label}{what}")
        } else {
            format!("{label}: nothing changed, it was so already")
        };
        line.push_str(&lasting::rest(edited.durable || !edited.changed, &edited.notes));
        line
    }
}

/// `route a → b, lbfactor 1.00 → 2.00`; fields that stayed the same are left out.
pub fn told(changes: &[Change]) -> String {
    let texts: Vec<String> = changes
        .iter()
        .filter(|change| change.before != change.after)
        .map(|change| {
            let [before, after] = change.shown();
            format!("{} {} → {}", change.field, or_none(&before), or_none(&after))
        })
        .collect();
    texts.join(", ")
}

/// A value for people: an empty one is shown as `-`.
pub fn or_none(value: &str) -> &str {
    if value.is_empty() { "-" } else { value }
}

/// The verb of the question and the words of the answer.
fn flag_words(flag: Flag, turn: Turn) -> (&'static str, &'static str) {
    match (flag, turn) {
        (Flag::Drain, Turn::On) => ("Drain", "is draining"),
        (Flag::Drain, Turn::Off) => ("End the drain of", "is no longer draining"),
        (Flag::Disabled, Turn::On) => ("Disable", "is disabled"),
        (Flag::Disabled, Turn::Off) => ("No longer disable", "is no longer disabled"),
        (Flag::Stopped, Turn::On) => ("Stop", "is stopped"),
        (Flag::Stopped, Turn::Off) => ("No longer stop", "is no longer stopped"),
        (Flag::Standby, Turn::On) => ("Make a hot standby of", "is a hot standby"),
        (Flag::Standby, Turn::Off) => ("No longer a hot standby:", "is no longer a hot standby"),
        (Flag::Spare, Turn::On) => ("Make a hot spare of", "is a hot spare"),
        (Flag::Spare, Turn::Off) => ("No longer a hot spare:", "is no longer a hot spare"),
        (Flag::IgnoreErrors, Turn::On) => ("Ignore errors of", "ignores errors"),
        (Flag::IgnoreErrors, Turn::Off) => ("No longer ignore errors of", "no longer ignores errors"),
        (Flag::HealthFail, Turn::On) => ("Fail the health check of", "counts as failed"),
        (Flag::HealthFail, Turn::Off) => ("Lift the failed health check of", "no longer counts as failed"),
        (_, Turn::On) => ("Set a flag of", "has changed"),
        (_, Turn::Off) => ("Clear a flag of", "has changed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn the_edit_changes_what_was_asked_and_carries_the_revision() {
        let snapshot = sample::snapshot(0);
        let [node1, node2, _] = &snapshot.balancers[0].members[..] else { panic!("three members") };
        let drain = Act::toggle(Flag::Drain, node1).edit(node1.revision);
        assert_eq!(drain, MemberEdit { drain: Some(true), revision: Some(3), ..MemberEdit::default() });
        let undrain = Act::toggle(Flag::Drain, node2).edit(9);
        assert_eq!(undrain, MemberEdit { drain: Some(false), revision: Some(9), ..MemberEdit::default() });
        assert_eq!(
            Act::Enable.edit(1),
            MemberEdit {
                drain: Some(false),
                disabled: Some(false),
                stopped: Some(false),
                revision: Some(1),
                ..MemberEdit::default()
            }
        );
    }

    #[test]
    fn the_answer_says_what_holds_now() {
        let edited = sample::edited("drain", "Off", "On");
        let drain = Act::Flag(Flag::Drain, Turn::On);
        for (what, edited, line) in [
            ("accepted", edited.clone(), "app/node1 is draining"),
            (
                "not durable",
                Edited { durable: false, ..edited.clone() },
                "app/node1 is draining, NOT kept over a restart",
            ),
            (
                "without a change",
                Edited { changed: false, ..edited.clone() },
                "app/node1: nothing changed, it was so already",
            ),
            (
                "with a note",
                Edited { notes: vec!["it had no route".to_owned()], ..edited },
                "app/node1 is draining; it had no route",
            ),
        ] {
            assert_eq!(drain.done("app/node1", &edited), line, "{what}");
        }
        let route = sample::edited("route", "", "b");
        let act = Act::Settings { edit: Box::default(), changes: Vec::new() };
        assert_eq!(act.done("app/node1", &route), "app/node1: route - → b");
    }

    #[test]
    fn every_flag_of_the_operator_has_words() {
        for (flag, _) in MemberEdit::FLAGS {
            for turn in [Turn::On, Turn::Off] {
                assert_ne!(flag_words(flag, turn).1, "has changed", "{flag:?}");
            }
        }
    }
}
