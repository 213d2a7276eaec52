//! Reads the counters of all members once a second, on the control thread and in pieces, so that neither operators nor
//! the threads that carry traffic wait for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::registry::Registry;

/// Members whose counters are read without a thought for others: some 100 microseconds, and some more where
/// their sessions have to be counted.
const PIECE: usize = 64;

/// Samples for as long as it is polled. A turn that comes late by half a second or more leaves a gap.
pub(crate) async fn run(registry: Arc<Registry>) {
    let mut ticks = interval(Duration::from_secs(1));
    // Those that were missed are missed: they would be told of a wrong second.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        turn(&registry).await;
    }
}

async fn turn(registry: &Registry) {
    registry.awake();
    let second = registry.axis().turn();
    let roster = registry.balancers();
    let records = roster.iter().flat_map(|balancer| balancer.records().iter().zip(balancer.live_sessions()));
    for (count, (record, sessions)) in (1..).zip(records) {
        record.sample(second, sessions);
        if count % PIECE == 0 {
            std::thread::yield_now();
            tokio::task::yield_now().await;
        }
    }
}
