//! For how long nothing has been in flight at the process of a member, in whatever balancer that is one: whoever stops the
//! process stops it in all of them.

use evenkeel_protocol::process::{Places, all_in_flight, also_taken};
use evenkeel_protocol::sentence::{Tense, facts};
use evenkeel_protocol::{Busy, Snapshot, Span, Timestamp};

use super::super::output::Output;
use super::super::patience::{Asking, LOOKS};
use crate::floor::{Floor, Lasting};
use crate::lost::Unfinished;

#[derive(Debug, Default)]
pub(super) struct Quiet {
    /// The proxy's run, and how often the process had been elected.
    since: Option<(Timestamp, u64)>,
    looks: u64,
    floor: Floor,
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
        self.floor.look(snapshot, Some(places), snapshot.taken);
        let now = (snapshot.proxy.started, places.elected());
        let came = self.since.replace(now) != Some(now);
        self.looks = if busy > 0 || came { 0 } else { self.looks + 1 };
        busy == 0 && self.looks >= needed
    }

    /// Tells what is waited for, with what is not known `beside` it; and once, in a line that stays, what may keep it
    /// from ever coming.
    pub(super) fn tell(
        &self,
        (asking, output): (&mut Asking, &mut Output<'_>),
        label: &str,
        (snapshot, places): (&Snapshot, &Places<'_>),
        (settle, beside): (Span, &str),
    ) {
        let (others, now) = (places.elsewhere(), snapshot.taken);
        let own = Busy { requests: places.own.busy, ..Busy::default() };
        let facts = facts(all_in_flight((places.balancer, own), &others, Tense::Present), ", and ");
        let (phase, what, taken) = if facts.is_empty() {
            let what = format!("no request is in flight, and it must stay so for {settle}");
            ("settling", what, places.still_taken())
        } else {
            ("busy", facts, also_taken(places.balancer, &others, Tense::Present))
        };
        let lasting = self.floor.lasting(now);
        let advice = lasting.map(Lasting::advice).or_else(|| self.unfinished.advice().map(str::to_owned));
        if let Some(advice) = &advice {
            asking.advise(output, label, advice);
        }
        let lasts = lasting.map(Lasting::in_short).unwrap_or_default();
        let unknown = self.unfinished.beside(snapshot);
        let told = format!("{what}{lasts}{taken}{beside}{unknown}");
        asking.tell(output, (label, phase), &told);
        if let Some(advice) = advice {
            asking.explain(&format!("; {advice}"));
        } else if let Some(lasting) = self.floor.in_the_end(now) {
            asking.explain(&format!("{}: {}", lasting.in_short(), lasting.advice()));
        }
    }
}

/// That nothing was in flight for the settle time, or at the one look that was enough.
pub(super) fn nothing_for(settle: Span) -> String {
    if settle == Span::ZERO {
        return "no request is in flight".to_owned();
    }
    format!("no request was in flight for {settle}")
}
