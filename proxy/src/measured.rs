//! What was measured of the traffic in the last minutes, for previews: elections of each member, sampled off the path
//! of requests from the counters that are kept anyway.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_protocol::{BalancerName, MemberName, Moment};

use crate::clock;
use crate::live::LiveBalancer;
use crate::registry::Registry;

/// The time between two looks at the counters.
const EVERY: Duration = Duration::from_secs(10);
/// Looks that are kept: five minutes.
const LOOKS: usize = 31;

/// The last looks at the counters of all balancers.
#[derive(Debug, Default)]
pub(crate) struct Measured(Mutex<HashMap<BalancerName, HashMap<MemberName, VecDeque<Look>>>>);

/// How often a member was elected until then, and how often of those for a session.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Moment,
    elected: u64,
    sticky: u64,
}

/// Elections of a member in the time that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elections {
    /// Of requests without a session.
    pub(crate) free: u64,
    /// For a session.
    pub(crate) sticky: u64,
}

/// The traffic of one balancer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// How long was measured.
    pub(crate) span: Duration,
    pub(crate) members: HashMap<MemberName, Elections>,
}

impl Traffic {
    /// Elections of all members.
    pub(crate) fn total(&self) -> u64 {
        self.members.values().map(|elections| elections.free + elections.sticky).sum()
    }
}

impl Measured {
    /// Looks at the counters of all balancers.
    fn look(&self, balancers: &[Arc<LiveBalancer>], now: Moment) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, _| balancers.iter().any(|live| live.name == *name));
        for live in balancers {
            let members = known.entry(live.name.clone()).or_default();
            let mut there = 0;
            for (name, (elected, sticky)) in live.elections() {
                there += 1;
                let look = Look { at: now, elected, sticky };
                match members.get_mut(name) {
                    Some(looks) => looks.push_back(look),
                    None => {
                        members.insert(name.clone(), VecDeque::from([look]));
                    }
                }
            }
            // Who is gone was not looked at.
            if members.len() > there {
                members.retain(|_, looks| looks.back().is_some_and(|look| look.at == now));
            }
            for looks in members.values_mut().filter(|looks| looks.len() > LOOKS) {
                looks.pop_front();
            }
        }
    }

    /// The traffic of a balancer from the oldest look until `now`.
    pub(crate) fn traffic(&self, live: &LiveBalancer, now: Moment) -> Traffic {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(members) = known.get(&live.name) else { return Traffic::default() };
        let mut traffic = Traffic::default();
        for (name, (elected, sticky)) in live.elections() {
            // Who came since the last look has counted from zero.
            let first = members.get(name).and_then(VecDeque::front);
            let before = first.map_or((0, 0), |first| (first.elected, first.sticky));
            let sticky = sticky.saturating_sub(before.1);
            let free = elected.saturating_sub(before.0).saturating_sub(sticky);
            let span = first.map_or(Duration::ZERO, |first| now.since(first.at));
            traffic.span = traffic.span.max(span);
            traffic.members.insert(name.clone(), Elections { free, sticky });
        }
        traffic
    }
}

/// Looks at the counters from time to time, as long as it is polled.
pub(crate) async fn run(registry: Arc<Registry>) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        registry.measured().look(&registry.balancers(), clock::now());
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_balancer::Ask;
    use evenkeel_protocol::MemberSettings;

    use super::*;
    use crate::config::BalancerConfig;
    use crate::live::Ground;

    fn live() -> Arc<LiveBalancer> {
        let config = BalancerConfig::plain(vec![("http://a".parse().unwrap(), MemberSettings::default())]);
        Arc::new(LiveBalancer::new(config, Vec::new(), &Ground { cores: 1, ..Ground::default() }))
    }

    #[test]
    fn only_the_last_minutes_count() {
        let (measured, live) = (Measured::default(), live());
        assert_eq!(measured.traffic(&live, Moment(0)), Traffic::default());
        let second = |count: u64| Moment(count * 10_000_000);
        for look in 0..100 {
            measured.look(std::slice::from_ref(&live), second(look));
            drop(live.lock().elect(&Ask::default(), second(look)));
        }
        let traffic = measured.traffic(&live, second(99));
        assert_eq!((traffic.span, traffic.total()), (EVERY * 30, 31));
    }
}
