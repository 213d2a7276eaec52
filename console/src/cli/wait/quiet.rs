//! For how long nothing has been in flight at the process of a member, in whatever balancer that is one: whoever stops the
//! process stops it in all of them.

use evenkeel_protocol::process::{Places, all_in_flight, still_taken};
use evenkeel_protocol::{Busy, Snapshot, Span, Timestamp};

use super::super::patience::LOOKS;
use crate::lost::{self, Unfinished};

#[derive(Debug, Default)]
pub(super) struct Quiet {
    /// The proxy's run, and how often the process had been elected.
    since: Option<(Timestamp, u64)>,
    looks: u64,
    /// The least and the most requests in flight so far.
    busy: Option<(u64, u64)>,
    pub(super) unfinished: Unfinished,
}

impl Quiet {
    /// Takes in one look, with so many requests in flight; has it been for the settle time?
    pub(super) fn is_enough(
        &mut self,
        (snapshot, places): (&Snapshot, &Places<'_>),
        busy: u64,
        settle: Span,
    ) -> bool {
        // Looks are counted, for the proxy's own clock can be compared only within one process.
        let needed = u64::from(LOOKS) * settle.millis() / 1000;
        self.unfinished.look(&snapshot.proxy, busy);
        let now = (snapshot.proxy.started, places.elected());
        let came = self.since.replace(now) != Some(now);
        let (least, most) = self.busy.unwrap_or((busy, busy));
        self.busy = Some((least.min(busy), most.max(busy)));
        self.looks = if busy > 0 || came { 0 } else { self.looks + 1 };
        busy == 0 && self.looks >= needed
    }

    /// What may be the matter with a count of an httpd that has not moved so far: the rest of a sentence.
    pub(super) fn stuck(&self, snapshot: &Snapshot) -> &'static str {
        match self.busy {
            Some((least, most)) if least > 0 && least == most && snapshot.proxy.is_httpd() => lost::STUCK,
            _ => "",
        }
    }

    pub(super) fn phase(busy: u64) -> &'static str {
        if busy > 0 { "busy" } else { "settling" }
    }

    /// What is waited for.
    pub(super) fn told(places: &Places<'_>, settle: Span) -> String {
        let others = places.elsewhere();
        let own = Busy { requests: places.own.busy, ..Busy::default() };
        let facts: Vec<String> = all_in_flight(own, &others).collect();
        let what = if facts.is_empty() {
            format!("no request is in flight, and it must stay so for {settle}")
        } else {
            facts.join(", and ")
        };
        what + &still_taken(&others)
    }
}
