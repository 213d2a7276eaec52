//! What a member announced of itself, in words: for the screen and for the commands.

use evenkeel_protocol::{BalancerSnapshot, HeardNote, LbMethod, MemberSnapshot};

/// Is it of interest what was heard of this member? If its balancer elects by it, or something was heard.
pub fn matters(balancer: &BalancerSnapshot, member: &MemberSnapshot) -> bool {
    balancer.lbmethod() == Some(LbMethod::Heartbeat) || member.heard.is_some()
}

/// `14 ready, 2 busy, 3 s ago (datagram from 10.0.0.1)`; `age` is how long ago that was, in words.
pub fn sentence(note: &HeardNote, age: &str) -> String {
    let HeardNote { ready, busy, fresh, slots, from, by, .. } = note;
    let counts = match (fresh, *slots == u64::from(*ready)) {
        (false, _) => ", too old to count".to_owned(),
        (true, false) => format!(", counts as {slots}"),
        (true, true) => String::new(),
    };
    format!("{ready} ready, {busy} busy, {age} ago{counts} ({} from {from})", by.name())
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{HeardBy, Timestamp};

    use super::*;

    #[test]
    fn what_counts_is_told() {
        let note = HeardNote {
            ready: 14,
            busy: 2,
            at: Timestamp(1),
            fresh: true,
            slots: 14,
            from: [10, 0, 0, 1].into(),
            by: HeardBy::Datagram,
        };
        let idle = HeardNote { ready: 16, busy: 0, slots: 4, by: HeardBy::Post, ..note.clone() };
        let old = HeardNote { fresh: false, by: HeardBy::File, ..idle.clone() };
        for (note, said) in [
            (note, "14 ready, 2 busy, 3 s ago (datagram from 10.0.0.1)"),
            (idle, "16 ready, 0 busy, 3 s ago, counts as 4 (POST from 10.0.0.1)"),
            (old, "16 ready, 0 busy, 3 s ago, too old to count (file from 10.0.0.1)"),
        ] {
            assert_eq!(sentence(&note, "3 s"), said);
        }
    }
}
