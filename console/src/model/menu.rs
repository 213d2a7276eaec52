//! What can be done to one member, each with its effect in plain words.

use evenkeel_protocol::{Flag, MemberSnapshot};

use crate::keymap::Action;
use crate::model::act::ENABLE_CLEARS;
use crate::model::target::Target;

/// The menu of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// Whose; it stays that one whatever the list does.
    pub target: Target,
    /// The place of the line under the cursor.
    pub at: usize,
}

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it does.
    pub action: Action,
    /// What it is called.
    pub name: &'static str,
    /// What that means for users.
    pub effect: &'static str,
}

/// A flag of a member: what setting and clearing it is called, and what either means.
type Switch = (Flag, [(&'static str, &'static str); 2]);

const SWITCHES: [Switch; 7] = [
    (
        Flag::Drain,
        [("drain", "new users: no, existing users: yes"), ("end the drain", "new users: yes again")],
    ),
    (
        Flag::Disabled,
        [
            ("disable", "new users: no, existing users: no"),
            ("no longer disable", "new users: yes again, existing users: yes again"),
        ],
    ),
    (
        Flag::Stopped,
        [
            ("stop", "as disable, and neither retried nor checked"),
            ("no longer stop", "new users: yes again, existing users: yes again"),
        ],
    ),
    (
        Flag::Standby,
        [
            ("hot standby", "new users: only if no other of its set can"),
            ("no longer hot standby", "new users: its share again"),
        ],
    ),
    (
        Flag::Spare,
        [
            ("hot spare", "new users: only in place of one that cannot"),
            ("no longer hot spare", "new users: its share again"),
        ],
    ),
    (
        Flag::IgnoreErrors,
        [
            ("ignore errors", "stays in use whatever fails"),
            ("heed errors again", "a failure takes it out for its retry time"),
        ],
    ),
    (
        Flag::HealthFail,
        [
            ("fail its check", "new users: no, existing: no, until checks pass"),
            ("lift the failed check", "new users: yes again, existing users: yes again"),
        ],
    ),
];

/// The lines for a member, in the order of the screen.
pub fn entries(member: &MemberSnapshot) -> Vec<Entry> {
    let entry = |action, name, effect| Entry { action, name, effect };
    let mut entries = vec![entry(Action::Open, "show in full", "its numbers, its last minute, its events")];
    for (flag, [on, off]) in SWITCHES {
        let (name, effect) = if member.status.has(flag) { off } else { on };
        entries.push(entry(Action::Toggle(flag), name, effect));
    }
    if member.status.has_any(&ENABLE_CLEARS) {
        let effect = "clears drain, disabled and stopped at once";
        entries.insert(1, entry(Action::Enable, "enable", effect));
    }
    entries.push(entry(Action::Edit, "edit", "factor, route, redirect, set, health check"));
    entries.push(entry(Action::Remove, "remove", "lets it go for good; only who was added at run time"));
    entries
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::MemberEdit;

    use super::*;
    use crate::model::sample;

    #[test]
    fn every_act_on_a_member_has_its_line() {
        let snapshot = sample::snapshot(0);
        let [node1, node2, _] = &snapshot.balancers[0].members[..] else { panic!("three members") };
        for (flag, _) in MemberEdit::FLAGS {
            assert!(entries(node1).iter().any(|entry| entry.action == Action::Toggle(flag)), "{flag:?}");
        }
        assert_eq!(entries(node1)[1].name, "drain");
        assert!(entries(node2).iter().any(|entry| entry.name == "end the drain"));
        assert!(entries(node2).iter().any(|entry| entry.action == Action::Enable));
        assert!(!entries(node1).iter().any(|entry| entry.action == Action::Enable));
    }
}
