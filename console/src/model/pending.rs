//! Edits that were sent: until their answer comes, and until a snapshot shows what they changed.

use crate::model::act::Act;
use crate::model::question::Subject;
use crate::model::target::Target;
use crate::news::Ticket;
use evenkeel_protocol::Snapshot;

/// How many edits may be on their way at once.
pub const MOST: usize = 32;

/// One edit on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// Ties the answer to it.
    pub ticket: Ticket,
    /// Whom it changes.
    pub target: Target,
    /// What it is called in messages: `app/node1`.
    pub label: String,
    /// The revision that the member had before it, if nobody changed it in that instant.
    pub before: u64,
    /// What it does.
    pub act: Act,
    /// The revision that will show it, once the proxy has accepted it.
    pub accepted: Option<u64>,
}

/// All edits on their way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pending {
    sent: Vec<Sent>,
    last: u64,
}

impl Pending {
    /// Notes an edit that is sent now; none if too many are on their way.
    pub fn send(&mut self, subject: &Subject, act: Act) -> Option<Ticket> {
        if self.sent.len() >= MOST {
            return None;
        }
        let ticket = self.ticket();
        let Subject { target, label, revision: before } = subject.clone();
        self.sent.push(Sent { ticket, target, label, before, act, accepted: None });
        Some(ticket)
    }

    /// Is that member being taken away from here?
    pub fn removes(&self, target: &Target) -> bool {
        self.sent.iter().any(|sent| sent.target == *target && matches!(sent.act, Act::Remove { .. }))
    }

    /// A ticket for something that is not about a member.
    pub fn ticket(&mut self) -> Ticket {
        self.last += 1;
        Ticket(self.last)
    }

    /// The answer has come: what was asked, if it was asked here. A refused edit is no longer pending.
    pub fn answer(&mut self, ticket: Ticket, accepted: Option<u64>) -> Option<Sent> {
        let at = self.sent.iter().position(|sent| sent.ticket == ticket)?;
        let Some(revision) = accepted else { return Some(self.sent.remove(at)) };
        let sent = self.sent.get_mut(at)?;
        sent.accepted = Some(revision);
        Some(sent.clone())
    }

    /// Forgets what `snapshot` shows, and what it can no longer show.
    pub fn shown(&mut self, snapshot: &Snapshot) {
        self.sent.retain(|sent| match (sent.accepted, sent.target.find(snapshot)) {
            // Who goes is told by the balancer.
            (Some(revision), Some((balancer, _))) if matches!(sent.act, Act::Remove { .. }) => {
                balancer.revision < revision
            }
            (Some(revision), Some((_, member))) => member.revision < revision,
            (Some(_), None) => false,
            (None, _) => true,
        });
    }

    /// The proxy was restarted and counts from anew: forgets what was accepted.
    pub fn restarted(&mut self) {
        self.sent.retain(|sent| sent.accepted.is_none());
    }

    /// All of them.
    pub fn sent(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter()
    }

    /// Is an edit of this member on its way?
    pub fn has(&self, target: &Target) -> bool {
        self.sent.iter().any(|sent| sent.target == *target)
    }

    /// Is nothing on its way?
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn an_edit_is_pending_until_a_snapshot_shows_it() {
        let (mut pending, target) = (Pending::default(), sample::target("node1"));
        let ticket = pending.send(&sample::subject("node1", 3), Act::Enable).unwrap();
        let mut snapshot = sample::snapshot(0);
        pending.shown(&snapshot);
        assert!(pending.has(&target), "no answer yet");
        assert!(pending.answer(ticket, Some(4)).is_some());
        pending.shown(&snapshot);
        assert!(pending.has(&target), "accepted, but the snapshot is older");
        snapshot.balancers[0].members[0].revision = 4;
        pending.shown(&snapshot);
        assert!(pending.is_empty());
    }

    #[test]
    fn a_refused_edit_and_one_of_a_member_that_is_gone_are_forgotten() {
        let mut pending = Pending::default();
        let send = |pending: &mut Pending| pending.send(&sample::subject("node1", 3), Act::Enable).unwrap();
        let refused = send(&mut pending);
        assert!(pending.answer(refused, None).is_some());
        assert!(pending.is_empty());
        assert!(pending.answer(refused, None).is_none(), "an answer that nobody waits for");

        let gone = send(&mut pending);
        pending.answer(gone, Some(4));
        let mut snapshot = sample::snapshot(0);
        snapshot.balancers.clear();
        pending.shown(&snapshot);
        assert!(pending.is_empty());

        let restarted = send(&mut pending);
        pending.answer(restarted, Some(4));
        pending.restarted();
        assert!(pending.is_empty());
    }

    #[test]
    fn their_number_is_bounded() {
        let mut pending = Pending::default();
        for _ in 0..MOST {
            assert!(pending.send(&sample::subject("node1", 3), Act::Enable).is_some());
        }
        assert!(pending.send(&sample::subject("node1", 3), Act::Enable).is_none());
    }
}
