//! Waiting for the drain of a member of an httpd, which runs none: it drains for as long as N is set, and is told to have
//! drained when nothing was in flight for the settle time. Of sessions without a request its page says nothing.

use evenkeel_protocol::{Flag, Span};

use super::super::output::{Output, Stop};
use super::super::patience::Asking;
use super::super::roll::hold;
use super::quiet::{Quiet, nothing_for};
use super::{Ended, Exit, Target, in_flight, places};
use crate::lost;
use crate::shell::quoted;

pub(super) async fn until_drained(
    asking: &mut Asking,
    target: &Target,
    settle: Span,
    output: &mut Output<'_>,
) -> Result<Ended, Stop> {
    let mut quiet = Quiet::default();
    let mut drained = false;
    loop {
        let snapshot = asking.snapshot(output).await?;
        let places = places(&snapshot, target)?;
        let label = &target.label;
        match (places.own.status.has(Flag::Drain), drained) {
            (false, false) => {
                let drain = asking.client.command(&format!("drain {}", quoted(label)));
                let why = format!("{label} does not drain; `{drain}` has it do so");
                return Err(Stop::Failed(Exit::NotFound, why));
            }
            (false, true) => {
                return Ok(Ended { exit: Exit::Stale, why: hold::gone(&snapshot), drain: None });
            }
            (true, _) => drained = true,
        }
        let busy = in_flight(&places)?;
        if quiet.is_enough((&snapshot, &places), busy, settle) {
            if let Some(why) = quiet.unfinished.why() {
                let why = format!("{why}; it keeps draining");
                return Ok(Ended { exit: Exit::Stale, why, drain: None });
            }
            let (others, unknown) = (places.still_taken(), lost::uncounted(&snapshot));
            let why = format!(
                "drained: {}; idle sessions are unknown, and it keeps draining{others}{unknown}",
                nothing_for(settle)
            );
            return Ok(Ended { exit: Exit::Done, why, drain: None });
        }
        let beside = "; idle sessions are unknown";
        quiet.tell((asking, output), label, (&snapshot, &places), (settle, beside));
    }
}
