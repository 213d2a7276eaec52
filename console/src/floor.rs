//! How low the count of requests in flight of an httpd has been, and for how long not lower.
//!
//! httpd counts in shared memory. What a process of it has counted up and does not live to count down stays there: after
//! a kill, and with `BalancerPersist On` after every restart. Of a count that stays nobody can say from its page whether
//! anything still runs; what is above it has come since.

use std::time::Duration;

use evenkeel_protocol::sentence::length;
use evenkeel_protocol::{Places, Snapshot, Timestamp};

/// A count that has been no lower for so long is told while somebody still waits.
const LONG: Duration = Duration::from_secs(60);

/// The counts of requests in flight at a process so far.
#[derive(Debug, Default)]
pub struct Floor {
    /// The run of httpd that has counted.
    run: Option<Timestamp>,
    /// Counts, each larger and of later than the one before: since when there were never fewer. The last is what was
    /// seen last.
    levels: Vec<(u64, Timestamp)>,
}

/// A count that has been no lower for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    least: u64,
    lasted: Duration,
    /// How many there are beside those.
    others: u64,
}

impl Floor {
    /// Takes in one look at a process. What another balancer gives it again and again says nothing.
    pub fn look(&mut self, seen: &Snapshot, places: Option<&Places<'_>>, now: Timestamp) {
        let lingering = places.filter(|_| seen.proxy.is_httpd()).and_then(Places::lingering);
        if let Some(busy) = lingering {
            self.count(seen, busy, now);
        }
    }

    fn count(&mut self, seen: &Snapshot, busy: u64, now: Timestamp) {
        if self.run.replace(seen.proxy.started) != Some(seen.proxy.started) {
            self.levels.clear();
        }
        let kept = self.levels.partition_point(|(count, _)| *count <= busy);
        let since = self.levels.get(kept).map_or(now, |(_, since)| *since);
        self.levels.truncate(kept);
        if busy > 0 && self.levels.last().is_none_or(|(count, _)| *count < busy) {
            self.levels.push((busy, since));
        }
    }

    /// The most that there were for long enough to be worth telling; none: nothing was.
    pub fn lasting(&self, now: Timestamp) -> Option<Lasting> {
        self.for_at_least(LONG, now)
    }

    /// The same where nobody waits any longer: what was there for all of the time will do if that was short.
    pub fn in_the_end(&self, now: Timestamp) -> Option<Lasting> {
        let watched = now.since(self.levels.first()?.1);
        self.for_at_least(watched.min(LONG), now).filter(|lasting| !lasting.lasted.is_zero())
    }

    fn for_at_least(&self, span: Duration, now: Timestamp) -> Option<Lasting> {
        let (least, since) = *self.levels.iter().rfind(|(_, since)| now.since(*since) >= span)?;
        let (busy, _) = *self.levels.last()?;
        Some(Lasting { least, lasted: now.since(since), others: busy - least })
    }
}

impl Lasting {
    /// Behind what is in flight.
    pub fn in_short(self) -> String {
        let seconds = Duration::from_secs(self.lasted.as_secs());
        let lasted = if seconds.is_zero() { self.lasted } else { seconds };
        format!(", no fewer than {} for {}", self.least, length(lasted))
    }

    /// What may be the matter, and what can be done about it.
    pub fn advice(self) -> String {
        let Self { least, others, .. } = self;
        let which = match (least, others) {
            (1, 0) => "that request may have ended".to_owned(),
            (_, 0) => format!("those {least} requests may have ended"),
            (_, 1) => format!("{least} of {} may have ended (the other came later)", least + 1),
            _ => format!("{least} of {} may have ended (the other {others} came later)", least + others),
        };
        format!(
            "{which}: httpd goes on counting what a restart (BalancerPersist On) or a kill of its processes cut off. See at \
             the member itself, or in httpd's server-status, whether anything runs; if nothing does, stop it or undrain it \
             (on-timeout stop does it at a deadline)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    /// One look of an httpd at node2, which drains.
    fn seen(busy: u64) -> Snapshot {
        let mut seen = sample::snapshot(0);
        seen.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
        seen.balancers[0].members[1].busy = busy;
        seen
    }

    fn look(floor: &mut Floor, seen: &Snapshot, second: u64) {
        let (balancer, member) = (&seen.balancers[0].name, &seen.balancers[0].members[1].name);
        floor.look(seen, seen.places(balancer, member).as_ref(), at(second));
    }

    fn counted(counts: &[(u64, u64)]) -> Floor {
        let mut floor = Floor::default();
        for (second, busy) in counts {
            look(&mut floor, &seen(*busy), *second);
        }
        floor
    }

    fn at(second: u64) -> Timestamp {
        Timestamp(second * 1_000_000)
    }

    #[test]
    fn what_was_there_all_the_time_is_told_apart_from_what_came_later() {
        for (counts, now, told) in [
            (&[(0, 2)][..], 59, None),
            (&[(0, 2)], 60, Some((2, 60, 0))),
            (&[(0, 2), (30, 5), (50, 3)], 70, Some((2, 70, 1))),
            (&[(0, 2), (30, 5), (50, 3)], 90, Some((3, 60, 0))),
            (&[(0, 5), (30, 2), (40, 4)], 60, Some((2, 60, 2))),
            // Of what a restart that nobody can see has left, more stays than there was at first.
            (&[(0, 1), (10, 4), (80, 4)], 80, Some((4, 70, 0))),
            (&[(0, 2), (50, 0), (51, 2)], 100, None),
            (&[(0, 0)], 100, None),
        ] {
            let lasting = counted(counts).lasting(at(now));
            let told = told.map(|(least, seconds, others)| Lasting {
                least,
                lasted: Duration::from_secs(seconds),
                others,
            });
            assert_eq!(lasting, told, "{counts:?} at {now}");
        }
    }

    #[test]
    fn in_the_end_less_time_will_do_and_another_run_counts_anew() {
        let mut floor = counted(&[(0, 2), (1, 3), (2, 2)]);
        assert_eq!(floor.lasting(at(3)), None);
        assert_eq!(floor.in_the_end(at(3)).unwrap().in_short(), ", no fewer than 2 for 3 s");
        let mut again = seen(3);
        again.proxy.started.0 += 1;
        look(&mut floor, &again, 4);
        assert_eq!(floor.in_the_end(at(4)), None);
        assert_eq!(floor.in_the_end(at(5)).unwrap().in_short(), ", no fewer than 3 for 1 s");
    }

    #[test]
    fn a_proxy_that_counts_right_is_never_suspected() {
        let mut floor = Floor::default();
        let mut ours = seen(2);
        ours.proxy.product = sample::snapshot(0).proxy.product;
        look(&mut floor, &ours, 0);
        assert_eq!(floor.in_the_end(at(100)), None);
    }

    #[test]
    fn of_another_balancer_only_that_counts_which_gives_it_nothing_new() {
        for (takes_new, least) in [(true, 2), (false, 5)] {
            let mut shared = seen(2);
            let mut api = shared.balancers[0].clone();
            api.name = "api".parse().unwrap();
            let drained = shared.balancers[0].members[1].status;
            let open = shared.balancers[0].members[0].status;
            (api.members[1].status, api.members[1].busy) = (if takes_new { open } else { drained }, 3);
            shared.balancers.push(api);
            let mut floor = Floor::default();
            look(&mut floor, &shared, 0);
            assert_eq!(floor.lasting(at(60)).map(|lasting| lasting.least), Some(least));
        }
    }

    #[test]
    fn advice_says_which_of_them_and_what_can_be_done() {
        for (least, others, says) in [
            (1, 0, "that request may have ended:"),
            (2, 0, "those 2 requests may have ended:"),
            (2, 1, "2 of 3 may have ended (the other came later):"),
            (1, 3, "1 of 4 may have ended (the other 3 came later):"),
        ] {
            let advice = Lasting { least, lasted: LONG, others }.advice();
            assert!(advice.starts_with(says) && advice.contains("on-timeout stop"), "{advice}");
        }
    }
}
