//! A balancer as everybody may see it. Only a projection: nothing is decided here.

use std::time::Duration;

use evenkeel_protocol::{
    BalancerSnapshot, ErrorNote, HeardNote, Latencies, MemberSnapshot, Moment, Timestamp,
};

use crate::balancer::Balancer;
use crate::member::{Member, MemberId};

impl Balancer {
    /// Everything visible at `now`, which on the wall clock is `wall`. `paths` is left empty: the balancer does not
    /// know who is mapped to it. So are sessions, which are counted when the balancer is not held any more, and
    /// latencies, which somebody else keeps.
    pub fn snapshot(&self, now: Moment, wall: Timestamp) -> BalancerSnapshot {
        let members = self.show_members(0, self.members.len(), (now, wall)).collect();
        BalancerSnapshot { members, ..self.outline() }
    }

    /// The same, without any member.
    pub fn outline(&self) -> BalancerSnapshot {
        BalancerSnapshot {
            name: self.name.clone(),
            revision: self.revision,
            settings: self.settings.clone(),
            foreign_lbmethod: None,
            paths: Vec::new(),
            members: Vec::new(),
            room: None,
        }
    }

    /// At most `most` members from the number `first` on, as [`Self::snapshot`] shows them. Who shows many takes them a
    /// few at a time and lets go of the balancer in between, so that elections need not wait for all.
    pub fn show_members(
        &self,
        first: usize,
        most: usize,
        (now, wall): (Moment, Timestamp),
    ) -> impl Iterator<Item = MemberSnapshot> {
        let members = self.members().zip(&self.members).skip(first).take(most);
        members.map(move |((id, ..), member)| self.show(id, member, now, wall))
    }

    fn show(&self, id: MemberId, member: &Member, now: Moment, wall: Timestamp) -> MemberSnapshot {
        let Member { name, settings, status, tally, .. } = member;
        let answers = tally.answers();
        MemberSnapshot {
            name: name.clone(),
            revision: member.revision,
            route: settings.route.clone(),
            redirect: settings.redirect.clone(),
            lbfactor: settings.lbfactor,
            lbset: settings.lbset,
            status: *status,
            words: status.words(),
            usable: status.is_usable(),
            elected: tally.elected(),
            served: answers.total(),
            failed: tally.failed(),
            busy: tally.busy(),
            uncounted: false,
            sessions: None,
            lbstatus: self.lineup.lbstatus_of(id),
            transferred: tally.transferred(),
            read: tally.read(),
            retry: settings.retry,
            retries: member.retries,
            error: member.error.as_ref().map(|error| ErrorNote {
                reason: error.reason.clone(),
                at: wall.minus(now.since(error.at)),
                retry_at: member
                    .retry_from()
                    .filter(|from| now < *from)
                    .map(|from| wall.plus(from.since(now).saturating_sub(Duration::from_micros(1)))),
            }),
            heard: member.heard.as_ref().map(|heard| HeardNote {
                ready: heard.beat().ready,
                busy: heard.beat().busy,
                at: wall.minus(heard.age(now)),
                fresh: heard.is_fresh(now),
                slots: heard.slots(),
                from: heard.beat().address,
                by: heard.beat().by,
            }),
            health: member.health.show(&settings.health, now, wall),
            checks: member.checks,
            answers,
            latency: Latencies::default(),
            failovers: tally.failovers(),
            repeats: tally.repeats(),
        }
    }
}
