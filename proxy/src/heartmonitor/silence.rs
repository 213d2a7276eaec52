//! Notices when a balancer with lbmethod heartbeat hears nobody whom it could elect, so that requests stand in for
//! heartbeats, and when it hears somebody again. Each is told once, and not with every request.

use std::collections::HashMap;

use evenkeel_protocol::{BalancerName, EventKind, Moment};

use crate::registry::Registry;

/// Looks without a heartbeat before that is news: servers send one each second, and must be heard first after a start.
const NEWS_AFTER: u32 = 3;

/// The balancers that hear nobody, and for how many looks.
#[derive(Debug, Default)]
pub(super) struct Silence(HashMap<BalancerName, u32>);

/// What is to be told of a balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Missed,
    Heard,
}

impl Silence {
    /// Looks at all balancers there are at `now`.
    pub(super) fn look(&mut self, registry: &Registry, now: Moment) {
        let balancers = registry.balancers();
        self.0.retain(|name, _| balancers.iter().any(|balancer| balancer.name == *name));
        for balancer in balancers.iter() {
            let name = &balancer.name;
            match self.note(name, balancer.misses_heartbeats(now)) {
                Some(News::Missed) => {
                    tracing::warn!(balancer = %name,
                        "no heartbeats of members that it could elect; until they come it elects by requests");
                    registry.events().publish(EventKind::HeartbeatsMissed { balancer: name.clone() });
                }
                Some(News::Heard) => {
                    tracing::info!(balancer = %name, "heartbeats are heard; it elects by them");
                    registry.events().publish(EventKind::HeartbeatsHeard { balancer: name.clone() });
                }
                None => {}
            }
        }
    }

    fn note(&mut self, name: &BalancerName, misses: bool) -> Option<News> {
        if !misses {
            return self.0.remove(name).filter(|looks| *looks >= NEWS_AFTER).map(|_| News::Heard);
        }
        let looks = self.0.entry(name.clone()).or_default();
        *looks = looks.saturating_add(1);
        (*looks == NEWS_AFTER).then_some(News::Missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_its_end_are_told_once() {
        let (a, b): (BalancerName, BalancerName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let mut silence = Silence::default();
        let told: Vec<_> = [true, true, false, true, true, true, true, true, false, false, true]
            .map(|misses| silence.note(&a, misses))
            .into();
        let mut expected = vec![None; 11];
        (expected[5], expected[8]) = (Some(News::Missed), Some(News::Heard));
        assert_eq!(told, expected);
        assert_eq!(silence.note(&b, true), None, "each balancer on its own");
    }
}
