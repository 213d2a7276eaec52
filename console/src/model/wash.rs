//! Cleans what the proxy says, once, where it enters the model. Names are checked when they are parsed; this is
//! for the free texts, which may repeat what strangers wrote.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{
    Change, Drain, Edited, ElectionNote, Event, EventKind, Explanation, Override, Peer, Snapshot,
};

use crate::need::Found;

/// The longest word: a status, a version, a user's name, a value.
const WORD: usize = 100;

/// The longest sentence or path.
const SENTENCE: usize = 400;

/// Characters of an address, which stands in commands that somebody copies.
const ADDRESS: usize = 2000;

/// The longest report of what is wrong with a configuration.
const REPORT: usize = 1000;

fn wash(text: &mut String, limit: usize) {
    *text = clean(text, limit);
}

/// Cleans all free texts of a snapshot.
pub fn snapshot(snapshot: &mut Snapshot) {
    let proxy = &mut snapshot.proxy;
    wash(&mut proxy.product, WORD);
    wash(&mut proxy.version, WORD);
    wash(&mut proxy.configuration, SENTENCE);
    proxy.listen.iter_mut().for_each(|address| wash(address, ADDRESS));
    snapshot.drains.iter_mut().for_each(drain);
    for balancer in &mut snapshot.balancers {
        balancer.paths.iter_mut().for_each(|path| wash(path, SENTENCE));
        for member in &mut balancer.members {
            wash(&mut member.words, WORD);
            if let Some(error) = &mut member.error {
                wash(&mut error.reason, SENTENCE);
            }
            if let Some(last) = &mut member.health.last {
                wash(&mut last.reason, SENTENCE);
            }
        }
    }
}

/// Cleans all free texts of a drain.
pub fn drain(drain: &mut Drain) {
    peer(&mut drain.by);
    if let Some(reason) = &mut drain.reason {
        wash(reason, SENTENCE);
    }
    wash(&mut drain.why, REPORT);
}

/// Cleans all free texts of an event.
pub fn event(event: &mut Event) {
    match &mut event.kind {
        EventKind::MemberEdited { changes, by, reason, .. }
        | EventKind::DrainChanged { changes, by, reason, .. }
        | EventKind::BalancerEdited { changes, by, reason, .. } => {
            self::changes(changes);
            peer(by);
            if let Some(reason) = reason {
                wash(reason, SENTENCE);
            }
        }
        EventKind::MemberFailed { reason, .. }
        | EventKind::HealthFailed { reason, .. }
        | EventKind::HealthPassed { reason, .. } => wash(reason, SENTENCE),
        EventKind::DrainBegan { by, reason, .. } => {
            peer(by);
            if let Some(reason) = reason {
                wash(reason, SENTENCE);
            }
        }
        EventKind::DrainPhase { why, .. } => wash(why, REPORT),
        EventKind::DrainEnded { why, by, .. } => {
            wash(why, REPORT);
            peer(by);
        }
        EventKind::Reloaded { by, .. } => peer(by),
        EventKind::ReloadRefused { reason, by } => {
            wash(reason, REPORT);
            peer(by);
        }
        EventKind::EditRefused(what) => {
            changes(&mut what.changes);
            peer(&mut what.by);
            wash(&mut what.message, SENTENCE);
            if let Some(reason) = &mut what.reason {
                wash(reason, SENTENCE);
            }
        }
        EventKind::OverrideKept(what) | EventKind::OverrideDropped(what) => overridden(what),
        EventKind::Started
        | EventKind::Stopping
        | EventKind::HttpdRestarted(_)
        | EventKind::MemberRetried { .. }
        | EventKind::MemberRecovered { .. }
        | EventKind::EditsDurable { .. }
        | EventKind::HeartbeatsMissed { .. }
        | EventKind::HeartbeatsHeard { .. }
        | EventKind::Missed { .. } => {}
    }
}

fn peer(by: &mut Option<Peer>) {
    let Some(peer) = by else { return };
    let login = peer.login.as_mut().and_then(|login| login.user.as_mut());
    for text in [peer.user.as_mut(), peer.command.as_mut(), login].into_iter().flatten() {
        wash(text, WORD);
    }
}

fn overridden(what: &mut Override) {
    wash(&mut what.field, WORD);
    wash(&mut what.value, WORD);
    wash(&mut what.why, SENTENCE);
}

/// The answer to an edit.
pub fn edited(edited: &mut Edited) {
    changes(&mut edited.changes);
    edited.notes.iter_mut().for_each(|note| *note = sentence(note));
}

/// Cleans the texts of changes.
pub fn changes(changes: &mut [Change]) {
    for change in changes {
        wash(&mut change.field, WORD);
        wash(&mut change.before, WORD);
        wash(&mut change.after, WORD);
    }
}

/// Cleans all free texts of what a screen asked for.
pub fn found(found: &mut Found) {
    match found {
        Found::History(history) => {
            history.marks.iter_mut().for_each(|mark| wash(&mut mark.text, SENTENCE));
        }
        Found::Census(_) => {}
        Found::Elections(elections) => elections.elections.iter_mut().for_each(election),
        Found::Overrides(overrides) => {
            for layers in &mut overrides.fields {
                for text in [&mut layers.field, &mut layers.configured, &mut layers.effective] {
                    wash(text, WORD);
                }
                if let Some(overridden) = &mut layers.overridden {
                    wash(&mut overridden.value, WORD);
                    peer(&mut overridden.by);
                    overridden.reason.iter_mut().for_each(|reason| wash(reason, SENTENCE));
                }
            }
        }
        Found::Preview(preview) => {
            changes(&mut preview.changes);
            preview.notes.iter_mut().for_each(|note| wash(note, SENTENCE));
            preview.refusal.iter_mut().for_each(|refusal| wash(&mut refusal.message, SENTENCE));
        }
        Found::Plan(plan) => {
            for outlook in &mut plan.balancers {
                outlook.notes.iter_mut().for_each(|note| wash(note, SENTENCE));
                for step in &mut outlook.steps {
                    changes(&mut step.changes);
                    step.refusal.iter_mut().for_each(|refusal| wash(&mut refusal.message, SENTENCE));
                }
            }
        }
        Found::Explanation(explanation) => self::explanation(explanation),
    }
}

fn election(note: &mut ElectionNote) {
    for text in [&mut note.session, &mut note.asked].into_iter().flatten() {
        wash(text, WORD);
    }
    note.failed.iter_mut().for_each(|failed| wash(failed, SENTENCE));
    note.failover.iter_mut().for_each(|failover| wash(&mut failover.reason, SENTENCE));
}

fn explanation(explanation: &mut Explanation) {
    wash(&mut explanation.verdict, SENTENCE);
    if let Some(mapping) = &mut explanation.mapping {
        wash(&mut mapping.path, SENTENCE);
        wash(&mut mapping.why, SENTENCE);
        for text in [&mut mapping.line, &mut mapping.becomes].into_iter().flatten() {
            wash(text, SENTENCE);
        }
    }
    let Some(candidacy) = &mut explanation.balancer else { return };
    let session = &mut candidacy.session;
    for text in [&mut session.name, &mut session.id, &mut session.route] {
        wash(text, WORD);
    }
    for look in &mut session.looked {
        wash(&mut look.name, WORD);
        wash(&mut look.saw, SENTENCE);
    }
    candidacy.search.iter_mut().for_each(|step| wash(&mut step.saw, SENTENCE));
    for candidate in &mut candidacy.candidates {
        wash(&mut candidate.words, WORD);
        wash(&mut candidate.why, SENTENCE);
    }
    wash(&mut candidacy.because, SENTENCE);
    candidacy.notes.iter_mut().for_each(|note| wash(note, SENTENCE));
}

/// A cleaned sentence.
pub fn sentence(text: &str) -> String {
    clean(text, SENTENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;
    use evenkeel_protocol::clean::is_clean;

    #[test]
    fn nothing_that_drives_a_terminal_is_left() {
        const EVIL: &str = "a\u{1b}]52;c;AAAA\u{7}\u{202e}b";
        let mut dirty = sample::checked(0);
        dirty.proxy.product = EVIL.to_owned();
        dirty.proxy.version = EVIL.to_owned();
        dirty.proxy.configuration = EVIL.to_owned();
        dirty.proxy.listen = vec![EVIL.to_owned()];
        for balancer in &mut dirty.balancers {
            balancer.paths = vec![EVIL.to_owned()];
            for member in &mut balancer.members {
                member.words = EVIL.to_owned();
                if let Some(error) = &mut member.error {
                    error.reason = EVIL.to_owned();
                }
                if let Some(last) = &mut member.health.last {
                    last.reason = EVIL.to_owned();
                }
            }
        }
        snapshot(&mut dirty);
        assert!(format!("{dirty:?}").chars().all(is_clean));
        assert!(!format!("{dirty:?}").contains("\\u{1b}"));

        let mut edited = sample::edited_event(7);
        if let EventKind::MemberEdited { changes, by, reason, .. } = &mut edited.kind {
            changes[0].field = EVIL.to_owned();
            changes[0].before = EVIL.to_owned();
            changes[0].after = EVIL.to_owned();
            by.as_mut().unwrap().user = Some(EVIL.to_owned());
            *reason = Some(EVIL.to_owned());
        }
        event(&mut edited);
        assert!(!format!("{edited:?}").contains("\\u{1b}"), "{edited:?}");
        assert!(!format!("{edited:?}").contains("\\u{202e}"));
    }
}
